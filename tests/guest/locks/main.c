/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * locks -- each kind of lock, wanted by many threads at once: nobody is let
 * in twice, no wake is lost, those who share do share.
 */

#include <sync.h>

#include "../test.h"

#define LOCKS_NTHREAD	12u
#define LOCKS_ROUNDS	3000u

static struct spinlock locks_spin;
static struct mutex locks_mutex;
static struct rwlock locks_rw;
static struct sx locks_sx;

static volatile uint64_t locks_a, locks_b;	/* equal, but for the holder */
static uint32_t locks_inside, locks_most, locks_done;

static void
locks_change(unsigned int i)
{
	TEST(locks_a == locks_b);
	locks_a++;
	/* Now and then the holder gives its CPU away. */
	if (i % 256 == 0)
		thread_yield();
	locks_b++;
}

static void
locks_look(unsigned int i)
{
	uint32_t n = __atomic_add_fetch(&locks_inside, 1, __ATOMIC_RELAXED);

	if (n > locks_most)
		locks_most = n;
	TEST(locks_a == locks_b);
	if (i % 128 == 0)
		thread_yield();
	__atomic_sub_fetch(&locks_inside, 1, __ATOMIC_RELAXED);
}

static void
locks_with_spin(unsigned int i)
{
	unsigned long s = spin_lock(&locks_spin);

	TEST(locks_a == locks_b);
	locks_a++;
	locks_b++;
	spin_unlock(&locks_spin, s);
}

static void
locks_with_mutex(unsigned int i)
{
	mutex_lock(&locks_mutex);
	TEST(mutex_owned(&locks_mutex));
	locks_change(i);
	mutex_unlock(&locks_mutex);
}

static void
locks_with_rw(unsigned int i)
{
	if (i % 4 == 0) {
		rw_wlock(&locks_rw);
		locks_change(i);
		rw_wunlock(&locks_rw);
	} else {
		rw_rlock(&locks_rw);
		locks_look(i + 1);
		rw_runlock(&locks_rw);
	}
}

static void
locks_with_sx(unsigned int i)
{
	if (i % 4 == 0) {
		sx_xlock(&locks_sx);
		locks_change(i);
		sx_xunlock(&locks_sx);
	} else {
		sx_slock(&locks_sx);
		locks_look(i + 1);
		sx_sunlock(&locks_sx);
	}
}

static const struct locks_kind {
	const char	*lk_name;
	void		(*lk_round)(unsigned int i);
	unsigned int	 lk_part;	/* one in so many changes something */
} locks_kinds[] = {
	{ "spin lock", locks_with_spin, 1 },
	{ "mutex", locks_with_mutex, 1 },
	{ "rwlock", locks_with_rw, 4 },
	{ "sx lock", locks_with_sx, 4 }
};

static void
locks_thread(void *arg)
{
	const struct locks_kind *lk = arg;
	unsigned int i;

	for (i = 0; i < LOCKS_ROUNDS; i++)
		lk->lk_round(i);
	__atomic_add_fetch(&locks_done, 1, __ATOMIC_RELEASE);
}

static void
locks_try(const struct locks_kind *lk)
{
	uint64_t start = arch_now(), slept = lock_nsleep(),
	    polled = spin_npoll();
	unsigned int i;

	locks_a = locks_b = 0;
	locks_most = locks_done = 0;
	for (i = 0; i < LOCKS_NTHREAD; i++)
		TEST(thread_create("lock", locks_thread,
		    (void *)(uintptr_t)lk, 0) != NULL);
	while (__atomic_load_n(&locks_done, __ATOMIC_ACQUIRE) <
	    LOCKS_NTHREAD)
		thread_sleep(NSEC_PER_MSEC);
	test_log("%s: %llu us, slept %llu times, polled %llu times, "
	    "%u together", lk->lk_name,
	    (unsigned long long)((arch_now() - start) / NSEC_PER_USEC),
	    (unsigned long long)(lock_nsleep() - slept),
	    (unsigned long long)(spin_npoll() - polled), locks_most);
	TEST(locks_a == locks_b);
	TEST(locks_a == (uint64_t)LOCKS_NTHREAD * LOCKS_ROUNDS / lk->lk_part);
	TEST(locks_inside == 0);
}

/* Holds it until somebody else holds it too. */
static void
locks_meet(void *arg)
{
	bool sx = arg == &locks_sx;

	if (sx)
		sx_slock(&locks_sx);
	else
		rw_rlock(&locks_rw);
	__atomic_add_fetch(&locks_inside, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&locks_inside, __ATOMIC_SEQ_CST) < 2)
		thread_sleep(NSEC_PER_MSEC);
	if (sx)
		sx_sunlock(&locks_sx);
	else
		rw_runlock(&locks_rw);
	__atomic_add_fetch(&locks_done, 1, __ATOMIC_RELEASE);
}

static void
locks_share(void *lock)
{
	locks_inside = locks_done = 0;
	TEST(thread_create("meet", locks_meet, lock, 0) != NULL);
	TEST(thread_create("meet", locks_meet, lock, 0) != NULL);
	while (__atomic_load_n(&locks_done, __ATOMIC_ACQUIRE) < 2)
		thread_sleep(NSEC_PER_MSEC);
}

void
test_main(const struct boot_info *bi)
{
	unsigned int i;

	(void)bi;
	for (i = 0; i < PV_NELEM(locks_kinds); i++)
		locks_try(&locks_kinds[i]);
	locks_share(&locks_rw);
	locks_share(&locks_sx);
}
