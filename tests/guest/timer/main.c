/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timer -- time never goes back, runs at the right speed, and timers come,
 * and not before their moment; how late they are is told, not judged.
 */

#include "../test.h"

#define TIMER_LATE	(30 * NSEC_PER_SEC)	/* it is lost */
#define TIMER_2020	(1577836800ull * NSEC_PER_SEC)

static volatile uint64_t timer_fired;
static unsigned int timer_order[3], timer_n;

static void
timer_fn(void *arg)
{
	(void)arg;
	timer_fired = arch_now();
}

static void
timer_order_fn(void *arg)
{
	timer_order[timer_n++] = (unsigned int)(uintptr_t)arg;
}

static void
timer_monotonic(void)
{
	uint64_t last = arch_now(), now, steps = 0, end = last + NSEC_PER_SEC/4;

	do {
		now = arch_now();
		TEST(now >= last);
		steps += now > last;
		last = now;
	} while (now < end);
	test_log("%llu steps in 250 ms", (unsigned long long)steps);
	TEST(steps > 100);
}

static void
timer_one(uint64_t ns)
{
	struct timer tm = { .tm_fn = timer_fn };
	uint64_t when = arch_now() + ns;

	timer_fired = 0;
	timer_set(&tm, when);
	while (timer_fired == 0 && arch_now() < when + TIMER_LATE)
		thread_sleep(NSEC_PER_MSEC);
	TEST(timer_fired >= when);
	test_log("%llu us: late by %llu us", (unsigned long long)ns / 1000,
	    (unsigned long long)(timer_fired - when) / 1000);
}

static void
timer_three(void)
{
	static struct timer tm[3];
	unsigned long s = arch_irq_save();	/* none fires half-way */
	uint64_t t = arch_now() + 5 * NSEC_PER_MSEC;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		tm[i].tm_fn = timer_order_fn;
		tm[i].tm_arg = (void *)(uintptr_t)i;
	}
	timer_set(&tm[2], t + 2 * NSEC_PER_MSEC);
	timer_set(&tm[0], t);
	timer_set(&tm[1], t + NSEC_PER_MSEC);
	arch_irq_restore(s);
	thread_sleep(50 * NSEC_PER_MSEC);
	TEST(timer_n == 3);
	TEST(timer_order[0] == 0 && timer_order[1] == 1 &&
	    timer_order[2] == 2);
	timer_set(&tm[0], arch_now() + 500 * NSEC_PER_MSEC);
	TEST(timer_cancel(&tm[0]));
	TEST(!timer_cancel(&tm[0]));
	thread_sleep(600 * NSEC_PER_MSEC);
	TEST(timer_n == 3);
}

/* Two clocks that know nothing of each other, if there are two. */
/* The wall clock at a moment between two of arch_now(). */
struct timer_pair {
	uint64_t	 tp_before, tp_wall, tp_after;
};

static struct timer_pair
timer_pair(void)
{
	struct timer_pair tp;

	tp.tp_before = arch_now();
	tp.tp_wall = arch_wallclock();
	tp.tp_after = arch_now();
	return tp;
}

static void
timer_wall(void)
{
	struct timer_pair a = timer_pair(), b;
	uint64_t wall;

	if (a.tp_wall == 0) {
		test_log("no wall clock");
		return;
	}
	TEST(a.tp_wall > TIMER_2020);
	thread_sleep(100 * NSEC_PER_MSEC);
	b = timer_pair();
	wall = b.tp_wall - a.tp_wall;
	TEST(wall + NSEC_PER_MSEC > b.tp_before - a.tp_after);
	TEST(wall < b.tp_after - a.tp_before + NSEC_PER_MSEC);
}

void
test_main(const struct boot_info *bi)
{
	(void)bi;
	timer_monotonic();
	timer_one(0);
	timer_one(100 * NSEC_PER_USEC);
	timer_one(3 * NSEC_PER_MSEC);
	timer_one(70 * NSEC_PER_MSEC);
	timer_one(1100 * NSEC_PER_MSEC);
	timer_three();
	timer_wall();
}
