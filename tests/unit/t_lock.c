/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_lock.c -- spin locks, mutexes, rwlocks and sx locks among real threads,
 * each of which plays a CPU.  Built once more for the thread sanitizer.
 *
 * A wake or a kick that is lost leaves everybody asleep: the alarm ends that.
 */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <arch.h>
#include <conf.h>
#include <klog.h>
#include <sched.h>
#include <sync.h>

#define LOCK_NTHREAD	8u
#define LOCK_ROUNDS	4000u
#define LOCK_PATIENCE	600u		/* seconds, against a hang */
#define LOCK_WAIT	1u		/* flags of lk_word */
#define LOCK_HAND	4u

struct thread {				/* and the CPU it plays */
	pthread_t	 td_id;
	pthread_mutex_t	 td_mutex;
	pthread_cond_t	 td_cond;
	bool		 td_wake, td_kick;
	uint32_t	 td_seed;
	unsigned int	 td_cpu;
	void		(*td_fn)(void *);
	void		*td_arg;
} __attribute__((__aligned__(16)));

struct cpu sched_cpu[CPU_MAX];
static struct thread lock_threads[LOCK_NTHREAD + 1];
static __thread struct thread *lock_self;

/* What the hypervisor says of virtual CPUs. */
static enum { LOCK_RUNS, LOCK_RUNS_NOT, LOCK_RUNS_SOMETIMES } lock_vcpu;
static bool lock_can_poll;

/* ---- the kernel below -------------------------------------------------- */

static bool
lock_chance(unsigned int of)
{
	lock_self->td_seed = lock_self->td_seed * 1664525u + 1013904223u;
	return (lock_self->td_seed >> 16) % of == 0;
}

struct cpu *
arch_cpu(void)
{
	return &sched_cpu[lock_self->td_cpu];
}

unsigned long
arch_irq_save(void)
{
	return 0;
}

void
arch_irq_restore(unsigned long s)
{
	(void)s;
}

uint64_t
arch_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void
arch_pause(void)
{
	if (lock_chance(50))
		sched_yield();
}

bool
arch_vcpu_runs(unsigned int cpu)
{
	(void)cpu;
	if (lock_vcpu == LOCK_RUNS_SOMETIMES)
		return lock_chance(2);
	return lock_vcpu == LOCK_RUNS;
}

static void
lock_await(struct thread *td, bool *what)
{
	while (!*what)
		pthread_cond_wait(&td->td_cond, &td->td_mutex);
	*what = false;
}

static void
lock_tell(struct thread *td, bool *what)
{
	pthread_mutex_lock(&td->td_mutex);
	*what = true;
	pthread_cond_broadcast(&td->td_cond);
	pthread_mutex_unlock(&td->td_mutex);
}

bool
arch_poll_begin(void)
{
	pthread_mutex_lock(&lock_self->td_mutex);
	lock_self->td_kick = false;
	pthread_mutex_unlock(&lock_self->td_mutex);
	return lock_can_poll;
}

void
arch_poll(void)
{
	pthread_mutex_lock(&lock_self->td_mutex);
	lock_await(lock_self, &lock_self->td_kick);
	pthread_mutex_unlock(&lock_self->td_mutex);
}

void
arch_kick(unsigned int cpu)
{
	lock_tell(&lock_threads[cpu], &lock_threads[cpu].td_kick);
}

struct thread *
thread_self(void)
{
	return lock_self;
}

const char *
thread_name(struct thread *td)
{
	(void)td;
	return "thread";
}

static void
lock_runs(struct thread *td)
{
	__atomic_store_n(&arch_cpu()->cpu_thread, td, __ATOMIC_RELAXED);
}

int
thread_block(volatile int *gate, uint64_t deadline)
{
	struct thread *td = lock_self;

	assert_true(deadline == UINT64_MAX);
	lock_runs(NULL);
	pthread_mutex_lock(&td->td_mutex);
	if (!__atomic_load_n(gate, __ATOMIC_ACQUIRE))
		lock_await(td, &td->td_wake);
	pthread_mutex_unlock(&td->td_mutex);
	lock_runs(td);
	return 0;
}

void
thread_wake(struct thread *td)
{
	lock_tell(td, &td->td_wake);
}

_Noreturn void
panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	mock_assert(0, "panic", __FILE__, __LINE__);
	abort();
}

/* ---- threads ----------------------------------------------------------- */

static void
lock_become(unsigned int cpu)
{
	lock_self = &lock_threads[cpu];
	lock_self->td_cpu = cpu;
	lock_self->td_seed = cpu + 1;
	sched_cpu[cpu].cpu_id = cpu;
	lock_runs(lock_self);
}

static void *
lock_thread(void *arg)
{
	struct thread *td = arg;

	lock_become((unsigned int)(td - lock_threads));
	td->td_fn(td->td_arg);
	lock_runs(NULL);
	return NULL;
}

static void
lock_start(unsigned int n, void (*fn)(void *), void *arg)
{
	lock_threads[n].td_fn = fn;
	lock_threads[n].td_arg = arg;
	assert_int_equal(pthread_create(&lock_threads[n].td_id, NULL,
	    lock_thread, &lock_threads[n]), 0);
}

static void
lock_join(unsigned int n)
{
	assert_int_equal(pthread_join(lock_threads[n].td_id, NULL), 0);
}

static void
lock_all(void (*fn)(void *), void *arg)
{
	unsigned int n;

	for (n = 1; n <= LOCK_NTHREAD; n++)
		lock_start(n, fn, arg);
	for (n = 1; n <= LOCK_NTHREAD; n++)
		lock_join(n);
}

static int
lock_setup(void **state)
{
	unsigned int n;

	for (n = 0; n <= LOCK_NTHREAD; n++) {
		pthread_mutex_init(&lock_threads[n].td_mutex, NULL);
		pthread_cond_init(&lock_threads[n].td_cond, NULL);
		lock_threads[n].td_wake = lock_threads[n].td_kick = false;
	}
	lock_become(0);
	lock_vcpu = LOCK_RUNS_SOMETIMES;
	lock_can_poll = true;
	lock_blind = false;
	conf_adaptive_mutexes = conf_adaptive_rwlocks = true;
	conf_adaptive_sx = true;
	alarm(LOCK_PATIENCE);
	(void)state;
	return 0;
}

/* ---- each kind, behind one interface ----------------------------------- */

static struct spinlock lock_spin;
static struct mutex lock_mutex;
static struct rwlock lock_rw;
static struct sx lock_sx;

static void
lock_spin_take(void)
{
	(void)spin_lock(&lock_spin);
}

static void
lock_spin_drop(void)
{
	spin_unlock(&lock_spin, 0);
}

#define LOCK_CALL(name, fn, lock)					\
static void								\
lock_call_##name(void)							\
{									\
	fn(&lock);							\
}
LOCK_CALL(mtake, mutex_lock, lock_mutex)
LOCK_CALL(mdrop, mutex_unlock, lock_mutex)
LOCK_CALL(wtake, rw_wlock, lock_rw)
LOCK_CALL(wdrop, rw_wunlock, lock_rw)
LOCK_CALL(rtake, rw_rlock, lock_rw)
LOCK_CALL(rdrop, rw_runlock, lock_rw)
LOCK_CALL(xtake, sx_xlock, lock_sx)
LOCK_CALL(xdrop, sx_xunlock, lock_sx)
LOCK_CALL(stake, sx_slock, lock_sx)
LOCK_CALL(sdrop, sx_sunlock, lock_sx)

static const struct kind {
	void	(*k_take)(void), (*k_drop)(void);
	void	(*k_share)(void), (*k_unshare)(void);
	const struct lock *k_lock;
} lock_kinds[] = {
	{ lock_spin_take, lock_spin_drop, NULL, NULL, NULL },
	{ lock_call_mtake, lock_call_mdrop, NULL, NULL, &lock_mutex.mx_lock },
	{ lock_call_wtake, lock_call_wdrop, lock_call_rtake, lock_call_rdrop,
	  &lock_rw.rw_lock },
	{ lock_call_xtake, lock_call_xdrop, lock_call_stake, lock_call_sdrop,
	  &lock_sx.sx_lock }
};
#define LOCK_SPIN	(&lock_kinds[0])
#define LOCK_MUTEX	(&lock_kinds[1])
#define LOCK_RW		(&lock_kinds[2])
#define LOCK_SX		(&lock_kinds[3])

/* ---- exclusion --------------------------------------------------------- */

static uint64_t lock_a, lock_b;		/* plain: the lock guards them */
static uint32_t lock_inside, lock_most;

static void
lock_excluded(void *arg)
{
	const struct kind *k = arg;
	unsigned int i;

	for (i = 0; i < LOCK_ROUNDS; i++) {
		k->k_take();
		assert_true(lock_a == lock_b);
		lock_a++;
		if (lock_chance(20))
			sched_yield();
		lock_b++;
		k->k_drop();
	}
}

static void
lock_mixed(void *arg)
{
	const struct kind *k = arg;
	unsigned int i;
	uint32_t n;

	for (i = 0; i < LOCK_ROUNDS; i++) {
		if (lock_chance(4)) {
			k->k_take();
			assert_int_equal(__atomic_load_n(&lock_inside,
			    __ATOMIC_RELAXED), 0);
			lock_a++;
			lock_b++;
			k->k_drop();
			continue;
		}
		k->k_share();
		n = __atomic_add_fetch(&lock_inside, 1, __ATOMIC_RELAXED);
		if (n > __atomic_load_n(&lock_most, __ATOMIC_RELAXED))
			__atomic_store_n(&lock_most, n, __ATOMIC_RELAXED);
		assert_true(lock_a == lock_b);
		if (lock_chance(10))
			sched_yield();
		__atomic_sub_fetch(&lock_inside, 1, __ATOMIC_RELAXED);
		k->k_unshare();
	}
}

static void
lock_run(const struct kind *k, void (*fn)(void *))
{
	lock_a = lock_b = 0;
	lock_most = 0;
	lock_all(fn, (void *)(uintptr_t)k);
	assert_true(lock_a == lock_b);
	if (fn == lock_excluded)
		assert_true(lock_a == LOCK_NTHREAD * LOCK_ROUNDS);
	if (k->k_lock != NULL)
		assert_true(k->k_lock->lk_word == 0 &&
		    k->k_lock->lk_wq.wq_first == NULL);
	else
		assert_int_equal(lock_spin.sl_word, 0);
}

static void
lock_excludes(void **state)
{
	unsigned int n;

	for (n = 0; n < 4; n++)
		lock_run(&lock_kinds[n], lock_excluded);
	(void)state;
}

static void
lock_excludes_without_polls(void **state)
{
	lock_can_poll = false;
	lock_vcpu = LOCK_RUNS;
	lock_run(LOCK_SPIN, lock_excluded);
	(void)state;
}

static void
lock_excludes_sleeping(void **state)
{
	unsigned int n;

	conf_adaptive_mutexes = conf_adaptive_rwlocks = false;
	conf_adaptive_sx = false;
	lock_vcpu = LOCK_RUNS_NOT;
	for (n = 0; n < 4; n++)
		lock_run(&lock_kinds[n], lock_excluded);
	lock_run(LOCK_RW, lock_mixed);
	(void)state;
}

static void
lock_excludes_spinning(void **state)
{
	unsigned int n;

	lock_blind = true;
	for (n = 0; n < 4; n++)
		lock_run(&lock_kinds[n], lock_excluded);
	(void)state;
}

static void
lock_shares(void **state)
{
	lock_run(LOCK_RW, lock_mixed);
	lock_run(LOCK_SX, lock_mixed);
	(void)state;
}

/* ---- who waits how ----------------------------------------------------- */

static uint32_t lock_got;		/* threads that have had the lock */

static void
lock_wants(void *arg)
{
	const struct kind *k = arg;

	k->k_take();
	__atomic_add_fetch(&lock_got, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&lock_got, __ATOMIC_SEQ_CST) == 1)
		sched_yield();		/* until it may let go */
	k->k_drop();
}

static void
lock_let_go(void)
{
	while (__atomic_load_n(&lock_got, __ATOMIC_SEQ_CST) == 0)
		sched_yield();
	__atomic_store_n(&lock_got, 2, __ATOMIC_SEQ_CST);
	lock_join(1);
	lock_got = 0;
}

static bool
lock_has(const struct kind *k, uintptr_t flag)
{
	return (__atomic_load_n(&k->k_lock->lk_word, __ATOMIC_RELAXED) &
	    flag) != 0;
}

static void
lock_await_flag(const struct kind *k, uintptr_t flag)
{
	while (!lock_has(k, flag))
		sched_yield();
}

/* Hold it for a while, with somebody waiting; how many slept. */
static uint64_t
lock_held(const struct kind *k, bool sleeps)
{
	uint64_t before = lock_nsleep();

	k->k_take();
	lock_start(1, lock_wants, (void *)(uintptr_t)k);
	if (sleeps)
		lock_await_flag(k, LOCK_WAIT);
	else
		usleep(20000);
	k->k_drop();
	lock_let_go();
	return lock_nsleep() - before;
}

static void
lock_adapts(void **state)
{
	bool *adaptive[] = { NULL, &conf_adaptive_mutexes,
	    &conf_adaptive_rwlocks, &conf_adaptive_sx };
	unsigned int n;

	for (n = 1; n < 4; n++) {
		lock_vcpu = LOCK_RUNS;
		assert_true(lock_held(&lock_kinds[n], false) == 0);
		lock_vcpu = LOCK_RUNS_NOT;
		assert_true(lock_held(&lock_kinds[n], true) == 1);
		lock_blind = true;
		assert_true(lock_held(&lock_kinds[n], false) == 0);
		lock_blind = false;
		lock_vcpu = LOCK_RUNS;
		*adaptive[n] = false;
		assert_true(lock_held(&lock_kinds[n], true) == 1);
		*adaptive[n] = true;
		/* The holder has left its CPU, as one that sleeps has. */
		lock_kinds[n].k_take();
		lock_start(1, lock_wants, (void *)(uintptr_t)&lock_kinds[n]);
		lock_runs(NULL);
		lock_await_flag(&lock_kinds[n], LOCK_WAIT);
		lock_runs(lock_self);
		lock_kinds[n].k_drop();
		lock_let_go();
	}
	(void)state;
}

static void
lock_polls(void **state)
{
	uint64_t before = spin_npoll();

	lock_vcpu = LOCK_RUNS_NOT;
	lock_spin_take();
	lock_start(1, lock_wants, (void *)(uintptr_t)LOCK_SPIN);
	while (spin_npoll() == before)
		sched_yield();
	lock_spin_drop();
	lock_let_go();
	assert_int_equal(lock_spin.sl_word, 0);
	(void)state;
}

/* ---- fairness ---------------------------------------------------------- */

/* Who has lost for long gets the lock with the next release. */
static void
lock_hands_over(void **state)
{
	lock_vcpu = LOCK_RUNS_NOT;
	mutex_lock(&lock_mutex);
	lock_start(1, lock_wants, (void *)(uintptr_t)LOCK_MUTEX);
	for (;;) {
		lock_await_flag(LOCK_MUTEX, LOCK_WAIT);
		if (lock_has(LOCK_MUTEX, LOCK_HAND))
			break;
		/* Overtake the waiter, if it is not too fast. */
		mutex_unlock(&lock_mutex);
		if (!mutex_trylock(&lock_mutex)) {
			lock_let_go();
			mutex_lock(&lock_mutex);
			lock_start(1, lock_wants,
			    (void *)(uintptr_t)LOCK_MUTEX);
		}
	}
	mutex_unlock(&lock_mutex);
	assert_false(mutex_trylock(&lock_mutex));
	lock_let_go();
	assert_true(mutex_trylock(&lock_mutex));
	mutex_unlock(&lock_mutex);
	(void)state;
}

/* New readers do not keep a writer out. */
static void
lock_lets_writers_in(void **state)
{
	lock_vcpu = LOCK_RUNS;
	rw_rlock(&lock_rw);
	assert_true(rw_tryrlock(&lock_rw));
	rw_runlock(&lock_rw);
	assert_false(rw_trywlock(&lock_rw));
	lock_start(1, lock_wants, (void *)(uintptr_t)LOCK_RW);
	lock_await_flag(LOCK_RW, LOCK_WAIT);
	assert_false(rw_tryrlock(&lock_rw));
	rw_runlock(&lock_rw);
	lock_let_go();
	assert_true(rw_tryrlock(&lock_rw));
	rw_runlock(&lock_rw);
	(void)state;
}

/* ---- misuse ------------------------------------------------------------ */

static void
lock_misused(void **state)
{
	struct mutex mx = { 0 };
	struct rwlock rw = { 0 };
	struct sx sx = { 0 };
	struct spinlock sl = { 0 };

	expect_assert_failure(mutex_unlock(&mx));
	mutex_lock(&mx);
	assert_true(mutex_owned(&mx));
	expect_assert_failure(mutex_lock(&mx));
	assert_false(mutex_trylock(&mx));
	mutex_unlock(&mx);
	assert_false(mutex_owned(&mx));
	rw_rlock(&rw);
	assert_false(rw_wowned(&rw));
	expect_assert_failure(rw_wunlock(&rw));
	rw_runlock(&rw);
	expect_assert_failure(rw_runlock(&rw));
	rw_wlock(&rw);
	assert_true(rw_wowned(&rw));
	expect_assert_failure(rw_runlock(&rw));
	expect_assert_failure(rw_rlock(&rw));
	rw_wunlock(&rw);
	assert_true(sx_tryxlock(&sx));
	assert_true(sx_xowned(&sx));
	assert_false(sx_tryslock(&sx));
	expect_assert_failure(sx_xlock(&sx));
	sx_xunlock(&sx);
	assert_true(sx_tryslock(&sx));
	sx_sunlock(&sx);
	expect_assert_failure(spin_release(&sl));
	(void)spin_lock(&sl);
	expect_assert_failure(spin_lock(&sl));
	spin_unlock(&sl, 0);
	sched_cpu[0].cpu_nintr = 1;
	expect_assert_failure(mutex_lock(&mx));
	expect_assert_failure(rw_tryrlock(&rw));
	sched_cpu[0].cpu_nintr = 0;
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lock_excludes, lock_setup),
		cmocka_unit_test_setup(lock_excludes_without_polls,
		    lock_setup),
		cmocka_unit_test_setup(lock_excludes_sleeping, lock_setup),
		cmocka_unit_test_setup(lock_excludes_spinning, lock_setup),
		cmocka_unit_test_setup(lock_shares, lock_setup),
		cmocka_unit_test_setup(lock_adapts, lock_setup),
		cmocka_unit_test_setup(lock_polls, lock_setup),
		cmocka_unit_test_setup(lock_hands_over, lock_setup),
		cmocka_unit_test_setup(lock_lets_writers_in, lock_setup),
		cmocka_unit_test_setup(lock_misused, lock_setup)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
