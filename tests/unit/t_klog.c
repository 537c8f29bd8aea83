/* SPDX-License-Identifier: BSD-2-Clause */
/* t_klog.c -- kernel/klog.c: the ring, what reaches the console, the panic. */

#include <string.h>

#include "shim.h"

#include <klog.h>
#include <sched.h>
#include <tty.h>

static char console[8192];

void
tty_emergency(const char *buf, size_t len)
{
}

void
tty_write(const char *buf, size_t len)
{
	strncat(console, buf, len < 4096 ? len : 4096);
}

void
tty_put(const char *buf, size_t len)
{
	tty_write(buf, len);
}

void
tty_flush(void)
{
}

const char *
thread_name(struct thread *td)
{
	(void)td;
	return "t";
}

static int
klog_setup(void **state)
{
	shim_reset();
	console[0] = '\0';
	klog_console_level = PV_LOG_INFO;
	(void)state;
	return 0;
}

/* The last line of the ring. */
static void
last_line(char *buf, size_t size)
{
	static char all[70000];
	uint64_t pos = 0;
	size_t len = 0, n;
	char *start;

	while ((n = klog_read(&pos, all + len, 1000)) != 0)
		len += n;
	assert_true(len > 0 && all[len - 1] == '\n');
	all[len - 1] = '\0';
	start = strrchr(all, '\n');
	start = start == NULL ? all : start + 1;
	assert_true(strlen(start) < size);
	strcpy(buf, start);
}

static void
klog_line_form(void **state)
{
	char buf[128];

	shim_now = 1234567890ull;
	klog(PV_LOG_INFO, "value %d", 42);
	assert_string_equal(console, "[   1.234567] value 42\n");
	last_line(buf, sizeof(buf));
	assert_string_equal(buf, "[   1.234567] value 42");
	(void)state;
}

static void
klog_levels(void **state)
{
	char buf[128];

	klog(PV_LOG_DEBUG, "debug");
	assert_string_equal(console, "");
	last_line(buf, sizeof(buf));
	assert_non_null(strstr(buf, "] debug"));
	klog_console_level = PV_LOG_ERR;
	klog(PV_LOG_WARN, "warning");
	assert_string_equal(console, "");
	klog(PV_LOG_ERR, "error");
	assert_non_null(strstr(console, "] error\n"));
	(void)state;
}

static void
klog_long_line(void **state)
{
	char big[3000], buf[2000];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	klog(PV_LOG_INFO, "%s", big);
	last_line(buf, sizeof(buf));
	assert_in_range(strlen(buf), 900, 1023);
	klog(PV_LOG_INFO, "next");
	last_line(buf, sizeof(buf));
	assert_non_null(strstr(buf, "] next"));
	(void)state;
}

static void
klog_wraps(void **state)
{
	static char buf[70000];
	uint64_t pos = 0;
	unsigned int i;
	size_t len;

	for (i = 0; i < 5000; i++) {
		console[0] = '\0';
		klog(PV_LOG_INFO, "line %u of many", i);
	}
	len = klog_read(&pos, buf, sizeof(buf));
	assert_in_range(len, 65000, 65536);
	assert_int_equal(buf[0], '[');		/* a whole line */
	assert_int_equal(klog_read(&pos, buf, sizeof(buf)), 0);
	klog(PV_LOG_INFO, "new");
	len = klog_read(&pos, buf, sizeof(buf));
	buf[len] = '\0';
	assert_non_null(strstr(buf, "] new\n"));
	pos = UINT64_MAX;
	assert_int_equal(klog_read(&pos, buf, sizeof(buf)), 0);
	(void)state;
}

static void
kprintf_any_length(void **state)
{
	char big[500];

	memset(big, 'y', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	kprintf("a%s|%d\n", big, 7);
	assert_int_equal(strlen(console), 1 + 499 + 3);
	assert_string_equal(console + 500, "|7\n");
	(void)state;
}

static void
panic_once(void **state)
{
	expect_assert_failure(panic("broken: %s", "it"));
	assert_non_null(strstr(shim_text, "\nPANIC: broken: it\n"));
	assert_string_equal(console, "");
	shim_reset();
	/* From within a panic there is only the end. */
	expect_assert_failure(panic("again"));
	assert_string_equal(shim_text, "");
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(klog_line_form, klog_setup),
		cmocka_unit_test_setup(klog_levels, klog_setup),
		cmocka_unit_test_setup(klog_long_line, klog_setup),
		cmocka_unit_test_setup(klog_wraps, klog_setup),
		cmocka_unit_test_setup(kprintf_any_length, klog_setup),
		cmocka_unit_test_setup(panic_once, klog_setup)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
