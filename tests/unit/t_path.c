/* SPDX-License-Identifier: BSD-2-Clause */
/* t_path.c -- paths as text. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <path.h>
#include <pv/errno.h>

static void
t_plain(void **state)
{
	static const char *const cases[][2] = {
		{ "/", "/" }, { "", "/" }, { "//", "/" }, { ".", "/" },
		{ "..", "/" }, { "/..", "/" }, { "/../..", "/" },
		{ "a", "/a" }, { "/a", "/a" }, { "/a/", "/a" },
		{ "//a///b//", "/a/b" }, { "/a/./b", "/a/b" },
		{ "/a/../b", "/b" }, { "/a/b/..", "/a" }, { "/a/..", "/" },
		{ "/a/../../../b/c/..", "/b" }, { "/...", "/..." },
		{ "/.a/..b", "/.a/..b" }, { "/a b/c", "/a b/c" },
		{ "../a", "/a" }, { "/a/b/../../c", "/c" },
	};
	char buf[64];
	size_t i;

	for (i = 0; i < PV_NELEM(cases); i++) {
		assert_int_equal(path_plain(cases[i][0], buf, sizeof(buf)), 0);
		assert_string_equal(buf, cases[i][1]);
	}
}

static void
t_long(void **state)
{
	char buf[8], guard[16];

	assert_int_equal(path_plain("/123456", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "/123456");
	assert_int_equal(path_plain("/1234567", buf, sizeof(buf)),
	    -PV_EINVAL);
	assert_int_equal(path_plain("/12345/../1/2/3", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "/1/2/3");
	assert_int_equal(path_plain("/", buf, 2), 0);
	assert_int_equal(path_plain("/", buf, 1), -PV_EINVAL);
	assert_int_equal(path_plain("/a", buf, 2), -PV_EINVAL);
	memset(guard, 'x', sizeof(guard));
	assert_int_equal(path_plain("/abc/defgh", guard, 8), -PV_EINVAL);
	assert_int_equal(guard[8], 'x');
}

static void
t_below(void **state)
{
	assert_string_equal(path_below("/a/b", "/"), "/a/b");
	assert_string_equal(path_below("/", "/"), "/");
	assert_string_equal(path_below("/mnt/x", "/mnt/x"), "/");
	assert_string_equal(path_below("/mnt/x/y", "/mnt/x"), "/y");
	assert_null(path_below("/mnt/xy", "/mnt/x"));
	assert_null(path_below("/mnt", "/mnt/x"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_plain),
		cmocka_unit_test(t_long),
		cmocka_unit_test(t_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
