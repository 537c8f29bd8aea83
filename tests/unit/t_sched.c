/* SPDX-License-Identifier: BSD-2-Clause */
/* t_sched.c -- kernel/sched.c, sync.c and time.c together, on one CPU. */

#include <stdio.h>
#include <string.h>

#include "shim.h"

#include <arch.h>
#include <ktime.h>
#include <mm.h>
#include <pv/errno.h>
#include <sched.h>
#include <sync.h>

#define MS	NSEC_PER_MSEC

static struct boot_info bi;
static char trace[256];			/* who did what, in order */

static void
note(char ch)
{
	size_t len = strlen(trace);

	assert_true(len < sizeof(trace) - 1);
	trace[len] = ch;
	trace[len + 1] = '\0';
}

static int
sched_setup(void **state)
{
	trace[0] = '\0';
	(void)state;
	return 0;
}

/* Let all others run until they sleep, without time passing. */
static void
settle(void)
{
	unsigned int i;

	for (i = 0; i < 20; i++)
		thread_yield();
}

/* ---- threads ----------------------------------------------------------- */

static void
thread_notes(void *arg)
{
	const char *what = arg;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		note(*what);
		thread_yield();
	}
}

static void
sched_takes_turns(void **state)
{
	assert_non_null(thread_create("a", thread_notes, "a", 0));
	assert_non_null(thread_create("b", thread_notes, "b", 0));
	settle();
	assert_string_equal(trace, "ababab");
	(void)state;
}

static void
sched_frees_the_dead(void **state)
{
	struct mm_stat before, after;
	struct thread_info ti;
	unsigned int i, n = 0, m = 0;

	settle();
	thread_sleep(MS);
	mm_stat(&before);
	while (thread_info(n, &ti) == 0)
		n++;
	for (i = 0; i < 500; i++) {
		assert_non_null(thread_create("t", thread_notes, "x", 0));
		settle();
		trace[0] = '\0';
	}
	thread_sleep(MS);		/* the idle thread reaps the last */
	mm_stat(&after);
	while (thread_info(m, &ti) == 0)
		m++;
	assert_int_equal(before.ms_free, after.ms_free);
	assert_int_equal(n, m);
	(void)state;
}

static void
thread_naps(void *arg)
{
	uint64_t ms = *(const char *)arg - '0', start = arch_now();

	thread_sleep(ms * MS);
	assert_true(arch_now() >= start + ms * MS);
	assert_true(arch_now() <= start + ms * MS + MS / 2);
	note(*(const char *)arg);
}

static void
sched_sleeps(void **state)
{
	thread_create("s5", thread_naps, "5", 0);
	thread_create("s2", thread_naps, "2", 0);
	thread_create("s9", thread_naps, "9", 0);
	thread_create("s2", thread_naps, "2", 0);
	thread_sleep(20 * MS);
	assert_string_equal(trace, "2259");
	(void)state;
}

static void
thread_burns(void *arg)
{
	unsigned int i;

	/* 30 ms of work: three slices. */
	for (i = 0; i < 300; i++) {
		shim_run(MS / 10);
		if (i % 50 == 0)
			note(*(const char *)arg);
	}
}

static void
sched_slices(void **state)
{
	thread_create("burn a", thread_burns, "a", 0);
	thread_create("burn b", thread_burns, "b", 0);
	thread_sleep(100 * MS);
	/* A note each 5 ms; every 10 ms the other one has the CPU. */
	assert_string_equal(trace, "aabbaabbaabb");
	(void)state;
}

static void
sched_sleepers_first(void **state)
{
	uint64_t start, worst = 0;
	unsigned int i;

	/* Four burn 120 ms of CPU; who sleeps is served in time. */
	thread_create("burn a", thread_burns, "a", 0);
	thread_create("burn b", thread_burns, "b", 0);
	thread_create("burn c", thread_burns, "c", 0);
	thread_create("burn d", thread_burns, "d", 0);
	for (i = 0; i < 20; i++) {
		start = arch_now();
		thread_sleep(5 * MS);
		if (arch_now() - start > worst)
			worst = arch_now() - start;
	}
	assert_true(worst < 6 * MS);
	thread_sleep(100 * MS);
	assert_int_equal(strlen(trace), 24);
	/* Their slices were cut by us, but each got its turn in time. */
	assert_non_null(strchr(trace, 'd'));
	assert_true(strchr(trace, 'd') - trace < 8);
}

static volatile bool sched_stop;

static void
thread_bounces(void *arg)
{
	struct sem *sm = arg;

	while (!sched_stop) {
		assert_int_equal(sem_wait(&sm[0], UINT64_MAX), 0);
		shim_run(MS / 10);
		sem_post(&sm[1]);
	}
}

static void
thread_bounces_back(void *arg)
{
	struct sem *sm = arg;

	while (!sched_stop) {
		assert_int_equal(sem_wait(&sm[1], UINT64_MAX), 0);
		shim_run(MS / 10);
		sem_post(&sm[0]);
	}
}

static void
sched_nobody_starves(void **state)
{
	static struct sem sm[2];

	/* Two keep the CPU busy waking each other; the third gets through. */
	sched_stop = false;
	thread_create("left", thread_bounces, sm, 0);
	thread_create("right", thread_bounces_back, sm, 0);
	sem_post(&sm[0]);
	thread_create("burn", thread_burns, "x", 0);
	thread_sleep(1000 * MS);
	assert_string_equal(trace, "xxxxxx");
	sched_stop = true;
	thread_sleep(10 * MS);
	sem_post(&sm[0]);
	sem_post(&sm[1]);
	settle();
}

static struct sem sched_sem;

static void
thread_serves(void *arg)
{
	(void)arg;
	while (sem_wait(&sched_sem, UINT64_MAX) == 0)
		note('!');
}

static void
sched_post(void *arg)
{
	sem_post(arg);
}

static void
sched_interrupt_preempts(void **state)
{
	thread_create("server", thread_serves, NULL, 0);
	settle();
	note('1');
	shim_interrupt(sched_post, &sched_sem);
	note('2');
	sem_post(&sched_sem);		/* from a thread: not at once */
	note('3');
	thread_yield();
	assert_string_equal(trace, "1!23!");
	(void)state;
}

static void
thread_digs(void *arg)
{
	volatile char deep[6000];
	struct thread_info ti;
	unsigned int n;

	for (n = 0; n < sizeof(deep); n++)
		deep[n] = 0x11;
	for (n = 0; thread_info(n, &ti) == 0; n++) {
		if (strcmp(ti.ti_name, "digger") == 0)
			break;
	}
	assert_string_equal(ti.ti_state, "run");
	assert_true(ti.ti_stackused >= sizeof(deep));
	assert_true(ti.ti_stackused < ti.ti_stack);
	assert_int_equal(ti.ti_stack, THREAD_STACK);
	note('d');
	(void)arg;
}

static void
sched_tells(void **state)
{
	struct thread_info ti;

	thread_create("digger", thread_digs, NULL, 0);
	settle();
	assert_string_equal(trace, "d");
	assert_int_equal(thread_info(0, &ti), 0);
	assert_string_equal(ti.ti_name, "main");
	assert_int_equal(thread_info(10000, &ti), -PV_ENOENT);
	(void)state;
}

static void
sched_errno_is_own(void **state)
{
	*thread_errno() = 5;
	thread_create("a", thread_notes, "a", 0);
	settle();
	assert_int_equal(*thread_errno(), 5);
	(void)state;
}

static void
sched_no_memory(void **state)
{
	assert_null(thread_create("big", thread_notes, "x", 64u << 20));
	(void)state;
}

/* ---- thread_block ------------------------------------------------------ */

static volatile int sched_gate;
static struct thread *sched_sleeper;

static void
sched_open_gate(void *arg)
{
	sched_gate = 1;
	thread_wake(sched_sleeper);
	(void)arg;
}

static void
block_contract(void **state)
{
	uint64_t start = arch_now();

	sched_sleeper = thread_self();
	sched_gate = 1;			/* open: does not sleep */
	assert_int_equal(thread_block(&sched_gate, UINT64_MAX), 0);
	sched_gate = 0;
	assert_int_equal(thread_block(&sched_gate, start), -PV_ETIMEDOUT);
	assert_int_equal(arch_now(), start);
	assert_int_equal(thread_block(&sched_gate, start + 3 * MS),
	    -PV_ETIMEDOUT);
	assert_int_equal(arch_now(), start + 3 * MS);
	thread_wake(thread_self());	/* awake: nothing is kept */
	assert_int_equal(thread_block(&sched_gate, start + 4 * MS),
	    -PV_ETIMEDOUT);
	(void)state;
}

static void
block_is_woken(void **state)
{
	struct timer tm = { .tm_fn = sched_open_gate };
	uint64_t start = arch_now();

	sched_gate = 0;
	sched_sleeper = thread_self();
	timer_set(&tm, start + MS);
	assert_int_equal(thread_block(&sched_gate, start + 50 * MS), 0);
	assert_int_equal(arch_now(), start + MS);
	/* The deadline that did not come true is forgotten. */
	sched_gate = 0;
	assert_int_equal(thread_block(&sched_gate, start + 90 * MS),
	    -PV_ETIMEDOUT);
	assert_int_equal(arch_now(), start + 90 * MS);
	(void)state;
}

/* ---- locks ------------------------------------------------------------- */

static struct mutex sched_mutex;
static struct condvar sched_cond;
static int sched_turn;

static void
thread_locks(void *arg)
{
	mutex_lock(&sched_mutex);
	note(*(const char *)arg);
	assert_true(mutex_owned(&sched_mutex));
	thread_sleep(MS);
	note(*(const char *)arg);
	mutex_unlock(&sched_mutex);
}

static void
mutex_excludes(void **state)
{
	mutex_lock(&sched_mutex);
	thread_create("a", thread_locks, "a", 0);
	thread_create("b", thread_locks, "b", 0);
	thread_create("c", thread_locks, "c", 0);
	settle();
	assert_string_equal(trace, "");
	assert_false(mutex_trylock(&sched_mutex));
	mutex_unlock(&sched_mutex);
	assert_false(mutex_owned(&sched_mutex));
	thread_sleep(10 * MS);
	assert_string_equal(trace, "aabbcc");
	assert_true(mutex_trylock(&sched_mutex));
	mutex_unlock(&sched_mutex);
	(void)state;
}

static void
thread_awaits(void *arg)
{
	int turn = *(const char *)arg - '0';

	mutex_lock(&sched_mutex);
	while (sched_turn != turn)
		assert_int_equal(cond_wait(&sched_cond, &sched_mutex,
		    UINT64_MAX), 0);
	note(*(const char *)arg);
	sched_turn++;
	cond_broadcast(&sched_cond);
	mutex_unlock(&sched_mutex);
}

static void
cond_orders(void **state)
{
	uint64_t start;

	sched_turn = 0;
	thread_create("2", thread_awaits, "2", 0);
	thread_create("1", thread_awaits, "1", 0);
	thread_create("3", thread_awaits, "3", 0);
	settle();
	mutex_lock(&sched_mutex);
	sched_turn = 1;
	cond_broadcast(&sched_cond);
	mutex_unlock(&sched_mutex);
	settle();
	assert_string_equal(trace, "123");
	mutex_lock(&sched_mutex);
	start = arch_now();
	assert_int_equal(cond_wait(&sched_cond, &sched_mutex,
	    start + 5 * MS), -PV_ETIMEDOUT);
	assert_true(mutex_owned(&sched_mutex));
	mutex_unlock(&sched_mutex);
	cond_signal(&sched_cond);	/* nobody is there */
	(void)state;
}

static void
sem_counts(void **state)
{
	struct sem sm = { .sm_count = 0 };
	struct timer tm = { .tm_fn = sched_post, .tm_arg = &sm };
	uint64_t start = arch_now();

	sem_post(&sm);
	sem_post(&sm);
	assert_int_equal(sem_wait(&sm, 0), 0);
	assert_true(sem_trywait(&sm));
	assert_false(sem_trywait(&sm));
	assert_int_equal(sem_wait(&sm, 0), -PV_ETIMEDOUT);
	assert_int_equal(sem_wait(&sm, start + MS), -PV_ETIMEDOUT);
	timer_set(&tm, start + 2 * MS);
	assert_int_equal(sem_wait(&sm, start + 9 * MS), 0);
	assert_int_equal(arch_now(), start + 2 * MS);
	assert_false(sem_trywait(&sm));
	(void)state;
}

static unsigned int sched_sum;

static void
thread_produces(void *arg)
{
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		sem_post(arg);
		if (i % 7 == 0)
			shim_run(MS / 3);
	}
}

static void
thread_consumes(void *arg)
{
	while (sem_wait(arg, arch_now() + 100 * MS) == 0)
		sched_sum++;
}

static void
sem_loses_nothing(void **state)
{
	static struct sem sm;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		thread_create("producer", thread_produces, &sm, 0);
		thread_create("consumer", thread_consumes, &sm, 0);
	}
	thread_sleep(2000 * MS);
	assert_int_equal(sched_sum, 3000);
	(void)state;
}

/* ---- timers ------------------------------------------------------------ */

static void
timer_note(void *arg)
{
	note(*(const char *)arg);
}

static void
timer_order(void **state)
{
	struct timer a = { .tm_fn = timer_note, .tm_arg = "a" };
	struct timer b = { .tm_fn = timer_note, .tm_arg = "b" };
	struct timer c = { .tm_fn = timer_note, .tm_arg = "c" };
	uint64_t start = arch_now();

	timer_set(&c, start + 3 * MS);
	timer_set(&a, start + 1 * MS);
	timer_set(&b, start + 2 * MS);
	shim_run(2 * MS);
	assert_string_equal(trace, "ab");
	assert_true(timer_cancel(&c));
	assert_false(timer_cancel(&c));
	assert_false(timer_cancel(&a));
	shim_run(5 * MS);
	assert_string_equal(trace, "ab");
	timer_set(&a, start + 20 * MS);
	timer_set(&a, start + 9 * MS);	/* moved forward */
	shim_run(3 * MS);
	assert_string_equal(trace, "aba");
	timer_set(&b, start);		/* the past: at once */
	shim_run(0);
	assert_string_equal(trace, "abab");
	(void)state;
}

static void
timer_survives_loss(void **state)
{
	struct timer a = { .tm_fn = timer_note, .tm_arg = "a" };
	unsigned long s;

	timer_set(&a, arch_now() + MS);
	shim_timer = UINT64_MAX;	/* the machine forgot it */
	shim_run(5 * MS);
	assert_string_equal(trace, "");
	s = arch_irq_save();
	time_rearm();
	arch_irq_restore(s);
	shim_run(0);
	assert_string_equal(trace, "a");
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(sched_takes_turns, sched_setup),
		cmocka_unit_test_setup(sched_frees_the_dead, sched_setup),
		cmocka_unit_test_setup(sched_sleeps, sched_setup),
		cmocka_unit_test_setup(sched_slices, sched_setup),
		cmocka_unit_test_setup(sched_sleepers_first, sched_setup),
		cmocka_unit_test_setup(sched_nobody_starves, sched_setup),
		cmocka_unit_test_setup(sched_interrupt_preempts, sched_setup),
		cmocka_unit_test_setup(sched_tells, sched_setup),
		cmocka_unit_test_setup(sched_errno_is_own, sched_setup),
		cmocka_unit_test_setup(sched_no_memory, sched_setup),
		cmocka_unit_test_setup(block_contract, sched_setup),
		cmocka_unit_test_setup(block_is_woken, sched_setup),
		cmocka_unit_test_setup(mutex_excludes, sched_setup),
		cmocka_unit_test_setup(cond_orders, sched_setup),
		cmocka_unit_test_setup(sem_counts, sched_setup),
		cmocka_unit_test_setup(sem_loses_nothing, sched_setup),
		cmocka_unit_test_setup(timer_order, sched_setup),
		cmocka_unit_test_setup(timer_survives_loss, sched_setup)
	};

	shim_reset();
	shim_ram(&bi, SHIM_RAM);
	mm_init(&bi);
	time_init();
	sched_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
