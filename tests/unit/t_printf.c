/* SPDX-License-Identifier: BSD-2-Clause */
/* t_printf.c -- kernel/printf.c against the C library's answers. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shim.h"

#include <printf.h>

/* The same from ours and from the host's. */
#define SAME(...) do {							\
	char ours[256], theirs[256];					\
	size_t len = printf_format(ours, sizeof(ours), __VA_ARGS__);	\
	int want = snprintf(theirs, sizeof(theirs), __VA_ARGS__);	\
									\
	assert_string_equal(ours, theirs);				\
	assert_int_equal(len, want);					\
} while (0)

static void
printf_integers(void **state)
{
	static const long long vals[] = {
		0, 1, -1, 9, 10, 255, -128, 32767, -32768, 2147483647,
		-2147483647 - 1, 0x123456789abcdef, INT64_MAX, INT64_MIN
	};
	size_t i;

	for (i = 0; i < PV_NELEM(vals); i++) {
		SAME("%d|%5d|%-5d|%05d|%+d|% d", (int)vals[i], (int)vals[i],
		    (int)vals[i], (int)vals[i], (int)vals[i], (int)vals[i]);
		SAME("%lld|%llu|%llx|%#llo", vals[i],
		    (unsigned long long)vals[i], (unsigned long long)vals[i],
		    (unsigned long long)vals[i]);
		SAME("%#x|%#X|%08x|%#010x|%-#10x|", (unsigned)vals[i],
		    (unsigned)vals[i], (unsigned)vals[i], (unsigned)vals[i],
		    (unsigned)vals[i]);
		SAME("%.3d|%.0d|%8.4d|%-8.4d|%+.6d", (int)vals[i],
		    (int)vals[i], (int)vals[i], (int)vals[i], (int)vals[i]);
		SAME("%zu|%jd|%td|%ld|%lx", (size_t)vals[i],
		    (intmax_t)vals[i], (ptrdiff_t)vals[i], (long)vals[i],
		    (unsigned long)vals[i]);
		SAME("%hd|%hu|%hhd|%hhu|%hhx", (short)vals[i],
		    (unsigned short)vals[i], (signed char)vals[i],
		    (unsigned char)vals[i], (unsigned char)vals[i]);
		SAME("%" PRIu64 "|%" PRIx64 "|%" PRId32, (uint64_t)vals[i],
		    (uint64_t)vals[i], (int32_t)vals[i]);
	}
	(void)state;
}

static void
printf_strings(void **state)
{
	char raw[3] = { 'a', 'b', 'c' };	/* not terminated */

	SAME("%s|%10s|%-10s|%.2s|%-6.3s|", "hello", "right", "left", "cut",
	    "short");
	SAME("%.*s|%*d|%-*d|", 3, raw, 6, 42, 6, 42);
	SAME("%*d|", -6, 42);
	SAME("%c%c|%3c|%-3c|", 'x', 'y', 'z', 'w');
	SAME("100%% of %p", (void *)state);
	(void)state;
}

static void
printf_bounds(void **state)
{
	char buf[8];

	memset(buf, 'Z', sizeof(buf));
	assert_int_equal(printf_format(buf, 4, "%s", "abcdef"), 6);
	assert_string_equal(buf, "abc");
	assert_int_equal(buf[4], 'Z');
	assert_int_equal(printf_format(buf, 0, "%d", 12345), 5);
	assert_int_equal(buf[0], 'a');
	assert_int_equal(printf_format(buf, 1, "x"), 1);
	assert_int_equal(buf[0], '\0');
	assert_int_equal(printf_format(NULL, 0, "%100d", 1), 100);
	(void)state;
}

static void
printf_odd(void **state)
{
	static const char *volatile odd = "%y %q%";
	static const char *volatile none = NULL;
	char buf[64];

#pragma GCC diagnostic ignored "-Wformat-security"
	printf_format(buf, sizeof(buf), odd);
	assert_string_equal(buf, "%y %q%");
	printf_format(buf, sizeof(buf), "[%s]", none);
	assert_string_equal(buf, "[(null)]");
	(void)state;
}

static void
printf_early_goes_out(void **state)
{
	shim_reset();
	printf_early("early %d%s", 7, "\n");
	assert_string_equal(shim_text, "early 7\n");
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(printf_integers),
		cmocka_unit_test(printf_strings),
		cmocka_unit_test(printf_bounds),
		cmocka_unit_test(printf_odd),
		cmocka_unit_test(printf_early_goes_out)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
