/* SPDX-License-Identifier: BSD-2-Clause */
/* test.c -- see test.h. */

#include <cpu.h>
#include <kernel.h>
#include <tty.h>

#include "test.h"

static _Noreturn void
test_end(const char *word, int status)
{
	kprintf("Test result: %s\n", word);
	(void)tty_drain(arch_now() + NSEC_PER_SEC);
	arch_poweroff(status);
}

void
test_log(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vklog(PV_LOG_INFO, fmt, ap);
	va_end(ap);
}

_Noreturn void
test_skip(const char *why)
{
	test_log("skipped: %s", why);
	test_end("SKIP", 3);
}

_Noreturn void
test_error(const char *why)
{
	test_log("can not test: %s", why);
	test_end("ERROR", 4);
}

_Noreturn void
test_failure(const char *file, int line, const char *what)
{
	test_log("%s:%d: not true: %s", file, line, what);
	arch_backtrace();
	test_end("FAILURE", 5);
}

void
guest_main(const struct boot_info *bi)
{
	cpu_all();
	test_main(bi);
	test_end("SUCCESS", 0);
}
