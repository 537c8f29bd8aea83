/* SPDX-License-Identifier: BSD-2-Clause */
/* t_ktime.c -- kernel/time.c: the calendar against the C library's. */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shim.h"

#include <ktime.h>
#include <sched.h>

/* No scheduler here: it wants nothing of the timer. */
uint64_t
sched_tick(uint64_t now)
{
	(void)now;
	return UINT64_MAX;
}

static void
ktime_calendar(void **state)
{
	char ours[32], theirs[32];
	uint64_t sec;
	struct tm tm;
	time_t t;

	/* An odd step of about 11 days, through 2000, 2038 and 2100. */
	shim_reset();
	for (sec = 1; sec < 4200000000ull; sec += 977777) {
		t = (time_t)sec;
		if ((uint64_t)t != sec || t < 0)
			break;
		shim_wall = sec * NSEC_PER_SEC + 999999999;
		time_format(ours, sizeof(ours));
		gmtime_r(&t, &tm);
		strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%SZ", &tm);
		assert_string_equal(ours, theirs);
	}
	(void)state;
}

static void
ktime_edges(void **state)
{
	char buf[32];

	shim_reset();
	time_format(buf, sizeof(buf));
	assert_string_equal(buf, "?");
	shim_wall = 951782400 * NSEC_PER_SEC;	/* the leap day of 2000 */
	time_format(buf, sizeof(buf));
	assert_string_equal(buf, "2000-02-29T00:00:00Z");
	shim_wall = 978307199 * NSEC_PER_SEC;
	time_format(buf, sizeof(buf));
	assert_string_equal(buf, "2000-12-31T23:59:59Z");
	(void)state;
}

static unsigned int ktime_nfired;

static void
ktime_fire(void *arg)
{
	ktime_nfired++;
	(void)arg;
}

static void
ktime_arms_once(void **state)
{
	struct timer a = { .tm_fn = ktime_fire }, b = { .tm_fn = ktime_fire };

	shim_reset();
	time_init();
	assert_true(shim_timer == UINT64_MAX);
	timer_set(&a, 5000);
	assert_int_equal(shim_timer, 5000);
	timer_set(&b, 9000);		/* later: the hardware stays */
	assert_int_equal(shim_timer, 5000);
	timer_set(&b, 4000);
	assert_int_equal(shim_timer, 4000);
	assert_true(timer_cancel(&b));
	shim_run(3500);			/* 4500: nothing to do, armed anew */
	assert_int_equal(ktime_nfired, 0);
	assert_int_equal(shim_timer, 5000);
	shim_run(500);
	assert_int_equal(ktime_nfired, 1);
	assert_true(shim_timer == UINT64_MAX);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ktime_calendar),
		cmocka_unit_test(ktime_edges),
		cmocka_unit_test(ktime_arms_once)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
