/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test.h -- a guest test: a kernel whose guest_main() is test_main().
 *
 * The first of the words SUCCESS, SKIP, ERROR and FAILURE that is reported is
 * the test's result; a test_main() that returns without one has succeeded.
 * tools/run reads the word from the console.  ERROR means that the test could
 * not find out; FAILURE that what it tests is wrong.
 */

#ifndef TEST_H
#define TEST_H

#include <arch.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <sched.h>

/* The test, on the kernel's first thread. */
void	 test_main(const struct boot_info *);

void	 test_log(const char *fmt, ...)
	    __attribute__((__format__(__printf__, 1, 2)));
_Noreturn void test_skip(const char *why);
_Noreturn void test_error(const char *why);
_Noreturn void test_failure(const char *file, int line, const char *what);

/* A fact that must be; evaluated once. */
#define TEST(x)								\
	do {								\
		if (!(x))						\
			test_failure(__FILE__, __LINE__, #x);		\
	} while (0)

#endif /* TEST_H */
