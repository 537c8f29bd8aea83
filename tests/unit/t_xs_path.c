/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_xs_path.c -- paths, numbers and error names of XenStore.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "xs.h"

/* A store of one value, which has no NUL. */
static char value[64];
static size_t value_len;
static int value_rv;
static char asked[XS_PATHMAX];

int
xs_read(struct xen *x, const struct xs_trans *t, const char *path, char *buf,
    size_t size, size_t *lenp)
{
	strncpy(asked, path, sizeof(asked) - 1);
	if (value_rv < 0)
		return value_rv;
	if (value_len > size - 1)
		return -PV_E2BIG;
	memcpy(buf, value, value_len);
	buf[value_len] = '\0';
	*lenp = value_len;
	return 0;
}

int
xs_write(struct xen *x, const struct xs_trans *t, const char *path,
    const void *val, size_t len)
{
	strncpy(asked, path, sizeof(asked) - 1);
	memcpy(value, val, len);
	value_len = len;
	return 0;
}

static void
t_join(void **state)
{
	char buf[8];

	assert_int_equal(xs_path_join(buf, sizeof(buf), "a", "b"), 0);
	assert_string_equal(buf, "a/b");
	assert_int_equal(xs_path_join(buf, sizeof(buf), "", "state"), 0);
	assert_string_equal(buf, "state");
	assert_int_equal(xs_path_join(buf, sizeof(buf), "abc", "def"), 0);
	assert_int_equal(xs_path_join(buf, sizeof(buf), "abc", "defg"),
	    -PV_E2BIG);
}

static void
t_error(void **state)
{
	assert_int_equal(xs_path_error("ENOENT", 6), -PV_ENOENT);
	assert_int_equal(xs_path_error("ENOENT", 7), -PV_ENOENT);
	assert_int_equal(xs_path_error("EAGAIN\0", 7), -PV_EAGAIN);
	assert_int_equal(xs_path_error("E2BIG", 5), -PV_E2BIG);
	assert_int_equal(xs_path_error("EUNHEARDOF", 10), -PV_EIO);
	assert_int_equal(xs_path_error("ENO", 3), -PV_EIO);
	assert_int_equal(xs_path_error("", 0), -PV_EIO);
}

static int
t_num(const char *s, size_t len, uint64_t lo, uint64_t hi, uint64_t *v)
{
	memcpy(value, s, len);
	value_len = len;
	return xs_read_num(NULL, XS_NOTRANS, "dir", "key", lo, hi, v);
}

static void
t_read_num(void **state)
{
	uint64_t v = 7;

	assert_int_equal(t_num("42", 2, 0, 100, &v), 0);
	assert_string_equal(asked, "dir/key");
	assert_true(v == 42);
	assert_int_equal(t_num("42junk", 2, 0, 100, &v), 0);
	assert_int_equal(t_num("101", 3, 0, 100, &v), -PV_ERANGE);
	assert_int_equal(t_num("-1", 2, 0, 100, &v), -PV_EINVAL);
	assert_int_equal(t_num("", 0, 0, 100, &v), -PV_EINVAL);
	assert_int_equal(t_num("18446744073709551615", 20, 0, UINT64_MAX, &v),
	    0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(t_num("18446744073709551616", 20, 0, UINT64_MAX, &v),
	    -PV_ERANGE);
	/* Longer than any number: not "too big", but no number. */
	memset(value, '1', sizeof(value));
	value_len = sizeof(value);
	assert_int_equal(xs_read_num(NULL, XS_NOTRANS, "dir", "key", 0, 1, &v),
	    -PV_EINVAL);
	value_rv = -PV_ENOENT;
	assert_int_equal(xs_read_num(NULL, XS_NOTRANS, "dir", "key", 0, 1, &v),
	    -PV_ENOENT);
	value_rv = 0;
	assert_true(v == UINT64_MAX);
}

static void
t_write(void **state)
{
	assert_int_equal(xs_write_num(NULL, XS_NOTRANS, "a/b", "c",
	    UINT64_MAX), 0);
	assert_string_equal(asked, "a/b/c");
	assert_int_equal(value_len, 20);
	assert_memory_equal(value, "18446744073709551615", 20);
	assert_int_equal(xs_write_str(NULL, XS_NOTRANS, "", "c", "x"), 0);
	assert_string_equal(asked, "c");
	assert_int_equal(value_len, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_join),
		cmocka_unit_test(t_error),
		cmocka_unit_test(t_read_num),
		cmocka_unit_test(t_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
