/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_str.c -- what peers write: numbers, addresses, names.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "str.h"

#define UNSET	0x5a5a5a5au

static uint64_t
num(const char *s, size_t n, uint64_t lo, uint64_t hi, int want)
{
	uint64_t v = UNSET;

	assert_int_equal(str_num(s, n, lo, hi, &v), want);
	return v;
}

#define NUM(s)	num(s, sizeof(s) - 1, 0, UINT64_MAX, 0)
#define BAD(s)	assert_int_equal(num(s, sizeof(s) - 1, 0, UINT64_MAX,	\
    -PV_EINVAL), UNSET)

static void
str_num_good(void **state)
{
	assert_int_equal(NUM("0"), 0);
	assert_int_equal(NUM("51712"), 51712);
	assert_int_equal(NUM("007"), 7);
	assert_int_equal(NUM("42\0"), 42);
	assert_int_equal(NUM("42\n"), 42);
	assert_int_equal(NUM("42\n\0"), 42);
	assert_int_equal(NUM("0x1F"), 31);
	assert_int_equal(NUM("0XabCD"), 0xabcd);
	assert_true(NUM("18446744073709551615") == UINT64_MAX);
	assert_true(NUM("0xffffffffffffffff") == UINT64_MAX);
	/* Only n bytes are looked at, terminated or not. */
	assert_int_equal(num("123456", 3, 0, UINT64_MAX, 0), 123);
}

static void
str_num_bad(void **state)
{
	BAD("");
	BAD("\0");
	BAD("\n");
	BAD("-1");
	BAD("+1");
	BAD(" 1");
	BAD("1 ");
	BAD("1a");
	BAD("a");
	BAD("0x");
	BAD("0xg");
	BAD("1.5");
	BAD("1\0002");
	BAD("banana");
	BAD("\xff\xfe");
}

static void
str_num_range(void **state)
{
	assert_int_equal(num("18446744073709551616", 20, 0, UINT64_MAX,
	    -PV_ERANGE), UNSET);
	assert_int_equal(num("99999999999999999999999", 23, 0, UINT64_MAX,
	    -PV_ERANGE), UNSET);
	assert_int_equal(num("0x10000000000000000", 19, 0, UINT64_MAX,
	    -PV_ERANGE), UNSET);
	assert_int_equal(num("6", 1, 0, 5, -PV_ERANGE), UNSET);
	assert_int_equal(num("1", 1, 2, 5, -PV_ERANGE), UNSET);
	assert_int_equal(num("2", 1, 2, 5, 0), 2);
	assert_int_equal(num("5", 1, 2, 5, 0), 5);
}

static void
str_mac_forms(void **state)
{
	static const char *const bad[] = { "", "00:16:3e:01:02",
	    "00:16:3e:01:02:0", "00:16:3e:01:02:0g", "00-16-3e-01-02-03",
	    "00:16:3e:01:02:03:", "0:16:3e:01:02:03:" };
	uint8_t mac[6] = { 9, 9, 9, 9, 9, 9 };
	const uint8_t nine[6] = { 9, 9, 9, 9, 9, 9 };
	const uint8_t want[6] = { 0x00, 0x16, 0x3e, 0xAb, 0x02, 0xff };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(str_mac(bad[i], strlen(bad[i]), mac),
		    -PV_EINVAL);
		assert_memory_equal(mac, nine, 6);
	}
	assert_int_equal(str_mac("00:16:3e:aB:02:FF\n", 18, mac), 0);
	assert_memory_equal(mac, want, 6);
}

static void
str_compare(void **state)
{
	assert_true(str_eq("", ""));
	assert_true(str_eq("vbd", "vbd"));
	assert_false(str_eq("vbd", "vb"));
	assert_false(str_eq("vb", "vbd"));
	assert_true(str_eqn("vbdxxx", 3, "vbd"));
	assert_false(str_eqn("vbdxxx", 4, "vbd"));
	assert_false(str_eqn("vbdxxx", 2, "vbd"));
	assert_true(str_eqn("", 0, ""));
	assert_true(str_prefix("device/vbd", "device"));
	assert_true(str_prefix("device", ""));
	assert_false(str_prefix("dev", "device"));
	assert_int_equal(str_len(""), 0);
	assert_int_equal(str_len("abc"), 3);
}

static void
str_sanitised(void **state)
{
	char s[] = "a\x1b[2J\n\xff~ \x7f";

	str_sanitise(s, sizeof(s) - 1);
	assert_string_equal(s, "a?[2J??~ ?");
}

static void
str_building(void **state)
{
	struct strbuf sb;
	char buf[8];

	str_begin(&sb, buf, sizeof(buf));
	assert_string_equal(buf, "");
	str_add(&sb, "ab");
	str_addu(&sb, 0);
	str_addn(&sb, "cdxx", 2);
	assert_string_equal(buf, "ab0cd");
	assert_false(sb.sb_over);
	str_addu(&sb, 12);
	assert_string_equal(buf, "ab0cd12");
	assert_false(sb.sb_over);
	str_add(&sb, "");
	assert_false(sb.sb_over);
	str_add(&sb, "x");
	assert_true(sb.sb_over);
	assert_string_equal(buf, "ab0cd12");
	assert_int_equal(sb.sb_len, 7);
}

static void
str_biggest_number(void **state)
{
	struct strbuf sb;
	char buf[32];

	str_begin(&sb, buf, sizeof(buf));
	str_addu(&sb, UINT64_MAX);
	assert_string_equal(buf, "18446744073709551615");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(str_num_good),
		cmocka_unit_test(str_num_bad),
		cmocka_unit_test(str_num_range),
		cmocka_unit_test(str_mac_forms),
		cmocka_unit_test(str_compare),
		cmocka_unit_test(str_sanitised),
		cmocka_unit_test(str_building),
		cmocka_unit_test(str_biggest_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
