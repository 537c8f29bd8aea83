/* SPDX-License-Identifier: BSD-2-Clause */
/* t_cmdline.c -- kernel/cmdline.c: words, quotes, types, and who knows what. */

#include <stdio.h>
#include <string.h>

#include "shim.h"

#include <cmdline.h>

static int
cmdline_setup(void **state)
{
	shim_reset();
	(void)state;
	return 0;
}

static void
cmdline_words(void **state)
{
	cmdline_init("  app=httpd quiet  ip=10.0.0.2/24\tempty= x=a=b ");
	assert_string_equal(cmdline_get("app"), "httpd");
	assert_string_equal(cmdline_get("quiet"), "");
	assert_string_equal(cmdline_get("ip"), "10.0.0.2/24");
	assert_string_equal(cmdline_get("empty"), "");
	assert_string_equal(cmdline_get("x"), "a=b");
	assert_null(cmdline_get("ap"));
	assert_null(cmdline_get("httpd"));
	cmdline_init("");
	assert_null(cmdline_get("app"));
	(void)state;
}

static void
cmdline_quotes(void **state)
{
	cmdline_init("cmd=\"ls /; cat \" a=x\"y z\"w \"k=v\"=1 last=\"open e");
	assert_string_equal(cmdline_get("cmd"), "ls /; cat ");
	assert_string_equal(cmdline_get("a"), "xy zw");
	assert_string_equal(cmdline_get("k=v"), "1");
	assert_string_equal(cmdline_get("last"), "open e");
	assert_non_null(strstr(shim_log, "without an end after last"));
	(void)state;
}

static void
cmdline_last_counts(void **state)
{
	cmdline_init("a=1 b=2 a=3");
	assert_string_equal(cmdline_get("a"), "3");
	(void)state;
}

static void
cmdline_bools(void **state)
{
	cmdline_init("a b=1 c=no d=off e=maybe");
	assert_true(cmdline_bool("a", false));
	assert_true(cmdline_bool("b", false));
	assert_false(cmdline_bool("c", true));
	assert_false(cmdline_bool("d", true));
	assert_true(cmdline_bool("none", true));
	assert_string_equal(shim_log, "");
	assert_true(cmdline_bool("e", true));
	assert_non_null(strstr(shim_log, "e=maybe: must be yes or no; "));
	(void)state;
}

static void
cmdline_nums(void **state)
{
	cmdline_init("n=42 z=0 big=18446744073709551615 "
	    "over=18446744073709551616 bad=12x neg=-1 none= sp=\" 5\"");
	assert_int_equal(cmdline_num("n", 1, 100, 7), 42);
	assert_int_equal(cmdline_num("z", 0, 100, 7), 0);
	assert_true(cmdline_num("big", 0, UINT64_MAX, 7) == UINT64_MAX);
	assert_int_equal(cmdline_num("absent", 0, 9, 7), 7);
	assert_string_equal(shim_log, "");
	assert_int_equal(cmdline_num("over", 0, UINT64_MAX, 7), 7);
	assert_int_equal(cmdline_num("bad", 0, 100, 7), 7);
	assert_int_equal(cmdline_num("neg", 0, 100, 7), 7);
	assert_int_equal(cmdline_num("none", 0, 100, 7), 7);
	assert_int_equal(cmdline_num("sp", 0, 100, 7), 7);
	shim_log[0] = '\0';
	assert_int_equal(cmdline_num("n", 1, 41, 7), 7);
	assert_string_equal(shim_log,
	    "n=42: must be a number from 1 to 41; using 7\n");
	(void)state;
}

static void
cmdline_unknown(void **state)
{
	cmdline_init("app=x colour=red quiet");
	(void)cmdline_get("app");
	(void)cmdline_bool("quiet", false);
	(void)cmdline_num("port", 1, 65535, 80);
	(void)cmdline_get("app");
	cmdline_check();
	assert_string_equal(shim_log,
	    "unknown option colour on the command line\n"
	    "known options: app quiet port\n");
	shim_log[0] = '\0';
	cmdline_init("app=x");
	(void)cmdline_get("app");
	cmdline_check();
	assert_string_equal(shim_log, "");
	(void)state;
}

/* A name that does not stay where it is, and is not listed. */
static void
cmdline_settings(void **state)
{
	char name[] = "hw.vtnet.0.tso_disable";

	cmdline_init("hw.vtnet.0.tso_disable=1 hw.vtnet.1.tso_disable=1");
	assert_string_equal(cmdline_setting(name), "1");
	assert_null(cmdline_setting("hw.vtnet.tso_disable"));
	memset(name, 'x', sizeof(name) - 1);
	cmdline_check();
	assert_null(strstr(shim_log, "option hw.vtnet.0"));
	assert_non_null(strstr(shim_log, "option hw.vtnet.1.tso_disable"));
	(void)state;
}

static void
cmdline_limits(void **state)
{
	static char text[BOOT_CMDLINE + 8];
	unsigned int i;
	size_t len = 0;

	memset(text, 'a', BOOT_CMDLINE);
	cmdline_init(text);
	assert_non_null(strstr(shim_log, "command line ignored"));
	memset(text, 0, sizeof(text));
	/* The longest that fits, in words of one byte. */
	for (i = 0; i + 1 < BOOT_CMDLINE; i++)
		text[i] = i % 2 == 0 ? 'k' : ' ';
	cmdline_init(text);
	assert_string_equal(cmdline_get("k"), "");
	assert_non_null(strstr(shim_log, "only the first 64 words"));
	/* More keys than are remembered do no harm. */
	memset(text, 0, sizeof(text));
	for (i = 0; i < 60; i++)
		len += (size_t)sprintf(text + len, "key%u=%u ", i, i);
	cmdline_init(text);
	assert_int_equal(cmdline_num("key59", 0, 99, 0), 59);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(cmdline_words, cmdline_setup),
		cmocka_unit_test_setup(cmdline_quotes, cmdline_setup),
		cmocka_unit_test_setup(cmdline_last_counts, cmdline_setup),
		cmocka_unit_test_setup(cmdline_bools, cmdline_setup),
		cmocka_unit_test_setup(cmdline_nums, cmdline_setup),
		cmocka_unit_test_setup(cmdline_unknown, cmdline_setup),
		cmocka_unit_test_setup(cmdline_settings, cmdline_setup),
		cmocka_unit_test_setup(cmdline_limits, cmdline_setup)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
