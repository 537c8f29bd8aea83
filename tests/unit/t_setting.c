/* SPDX-License-Identifier: BSD-2-Clause */
/* t_setting.c -- core/setting.c: words, numbers, one device's own. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dev.h"
#include "setting.h"

static const char *given[8][2];
static unsigned int nwarn;

void
pv_log(const struct pv_dev *dev, enum pv_loglevel level, const char *fmt, ...)
{
	(void)dev;
	(void)level;
	(void)fmt;
	nwarn++;
}

static const char *
setting(const char *name)
{
	unsigned int i;

	for (i = 0; given[i][0] != NULL; i++)
		if (strcmp(given[i][0], name) == 0)
			return given[i][1];
	return NULL;
}

static const struct pv_client client = { .pc_setting = setting };
static const struct pv_client deaf;

static void
give(unsigned int i, const char *name, const char *text)
{
	given[i][0] = name;
	given[i][1] = text;
	given[i + 1][0] = NULL;
}

static void
words(void **state)
{
	static const char *const yes[] = { "YES", "yes", "Yes", "1", "", "on",
	    "TRUE" };
	static const char *const no[] = { "NO", "no", "0", "OFF", "false" };
	static const char *const bad[] = { "2", "Y", "yess", "no ", "ye" };
	unsigned int i;

	nwarn = 0;
	for (i = 0; i < PV_NELEM(yes); i++) {
		give(0, "a_load", yes[i]);
		assert_true(pv_setting_bool(&client, "a_load", false));
	}
	for (i = 0; i < PV_NELEM(no); i++) {
		give(0, "a_load", no[i]);
		assert_false(pv_setting_bool(&client, "a_load", true));
	}
	assert_int_equal(nwarn, 0);
	for (i = 0; i < PV_NELEM(bad); i++) {
		give(0, "a_load", bad[i]);
		assert_true(pv_setting_bool(&client, "a_load", true));
		assert_false(pv_setting_bool(&client, "a_load", false));
	}
	assert_int_equal(nwarn, 2 * PV_NELEM(bad));
	assert_true(pv_setting_bool(&client, "b_load", true));
	assert_true(pv_setting_bool(&deaf, "a_load", true));
	(void)state;
}

static void
numbers(void **state)
{
	static const int64_t range[2] = { -1, 8 };
	static const char *const bad[] = { "-2", "9", "x", "", "-", "1x",
	    "99999999999999999999" };
	unsigned int i;

	nwarn = 0;
	give(0, "n", "-1");
	assert_int_equal(pv_setting_num(&client, "n", range, 3), -1);
	give(0, "n", "8");
	assert_int_equal(pv_setting_num(&client, "n", range, 3), 8);
	assert_int_equal(pv_setting_num(&client, "m", range, 3), 3);
	assert_int_equal(nwarn, 0);
	for (i = 0; i < PV_NELEM(bad); i++) {
		give(0, "n", bad[i]);
		assert_int_equal(pv_setting_num(&client, "n", range, 3), 3);
	}
	assert_int_equal(nwarn, PV_NELEM(bad));
	(void)state;
}

static void
one_device(void **state)
{
	static const int64_t range[2] = { 0, 8 };
	struct pv_unit un = { &client, "hw.vtnet", 1 };

	give(0, "hw.vtnet.mq_max_pairs", "2");
	give(1, "hw.vtnet.1.mq_max_pairs", "4");
	give(2, "hw.vtnet.1.mq_disable", "1");
	assert_int_equal(pv_unit_num(&un, "mq_max_pairs", range, 8), 4);
	assert_true(pv_unit_bool(&un, "mq_disable", false));
	un.un_unit = 0;
	assert_int_equal(pv_unit_num(&un, "mq_max_pairs", range, 8), 2);
	assert_false(pv_unit_bool(&un, "mq_disable", false));
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(numbers),
		cmocka_unit_test(one_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
