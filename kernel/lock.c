/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lock.c -- mutexes, rwlocks and sx locks: one machine, adaptive.
 *
 * lk_word says everything:
 *
 *	0			free
 *	a thread		held by it alone
 *	n * LOCK_ONE | SHARED	held by n threads together
 *	... | WAIT		somebody is on the queue
 *	... | WOKEN		one who was woken is on its way
 *	... | HAND		the next release gives it to the first there
 *
 * Without waiters, taking and releasing is one atomic operation.
 *
 * Who can not have the lock spins while the thread that holds it alone is
 * running: on a CPU, says cpu_thread, and that virtual CPU on a physical one,
 * says the hypervisor.  Otherwise it would wait for nothing that happens, so
 * it sleeps.  (lk_cpu is where the holder was when it took the lock; has
 * it moved, one sleeps too early.)  Holders that share are not known, and are
 * not spun for.
 *
 * A release wakes the first waiter and lets it compete, for a thread that
 * runs can have had the lock and released it before a sleeper is awake, and
 * its virtual CPU is.  Until it has come no other is woken.  Who loses goes
 * to the head of the queue; one that has lost for LOCK_PATIENCE sets HAND and
 * can not lose again.  Those who want to share are woken together; while
 * somebody waits, new ones do not join, so that readers do not keep a writer
 * out.
 *
 * WAIT, WOKEN and HAND are set, and the queue is changed, under wq_lock only.
 */

#include <arch.h>
#include <conf.h>
#include <klog.h>
#include <ktime.h>
#include <sched.h>
#include <sync_var.h>

#define LOCK_WAIT	((uintptr_t)1)
#define LOCK_SHARED	((uintptr_t)2)
#define LOCK_HAND	((uintptr_t)4)
#define LOCK_WOKEN	((uintptr_t)8)
#define LOCK_ONE	((uintptr_t)16)	/* threads are aligned to that */
#define LOCK_FLAGS	(LOCK_ONE - 1)
#define LOCK_PATIENCE	(20 * NSEC_PER_MSEC)

bool lock_blind;			/* see sync.h */
static uint64_t lock_sleeps;

static uintptr_t
lock_read(const struct lock *lk)
{
	return __atomic_load_n(&lk->lk_word, __ATOMIC_RELAXED);
}

static bool
lock_swap(struct lock *lk, uintptr_t from, uintptr_t to)
{
	return __atomic_compare_exchange_n(&lk->lk_word, &from, to, false,
	    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static struct thread *
lock_owner(uintptr_t word)
{
	return word & LOCK_SHARED ? NULL :
	    (struct thread *)(word & ~LOCK_FLAGS);
}

/* ---- taking ------------------------------------------------------------ */

/*
 * The word with the caller as holder, or 0: it must wait.  One who was woken
 * has come now; to share it joins others that share, waiters or not.
 */
static uintptr_t
lock_taken(uintptr_t word, bool shared, bool woken)
{
	if (woken)
		word &= ~LOCK_WOKEN;
	if ((word & ~LOCK_FLAGS) == 0)
		return shared ? word | LOCK_SHARED | LOCK_ONE :
		    word | (uintptr_t)thread_self();
	if (!shared || (word & LOCK_SHARED) == 0)
		return 0;
	if ((word & LOCK_WAIT) != 0 && !woken)
		return 0;
	return word + LOCK_ONE;
}

/* Note where the holder is. */
static void
lock_here(struct lock *lk)
{
	__atomic_store_n(&lk->lk_cpu, arch_cpu()->cpu_id, __ATOMIC_RELAXED);
}

static bool
lock_try(struct lock *lk, bool shared, bool woken)
{
	uintptr_t word, taken;

	do {
		word = lock_read(lk);
		taken = lock_taken(word, shared, woken);
		if (taken == 0)
			return false;
	} while (!lock_swap(lk, word, taken));
	if (!shared)
		lock_here(lk);
	return true;
}

/* Does the thread that has the lock alone run just now? */
static bool
lock_runs(const struct lock *lk)
{
	const struct thread *owner = lock_owner(lock_read(lk));
	unsigned int cpu;

	if (owner == NULL)
		return false;
	cpu = __atomic_load_n(&lk->lk_cpu, __ATOMIC_RELAXED);
	return __atomic_load_n(&sched_cpu[cpu].cpu_thread,
	    __ATOMIC_RELAXED) == owner && (lock_blind || arch_vcpu_runs(cpu));
}

/*
 * Wait on the queue, unless the lock can be had after all.  woken: it has
 * been there before.  Returns whether it was slept.
 */
static bool
lock_sleep(struct lock *lk, struct waiter *wt, bool woken, bool hand)
{
	unsigned long s = spin_lock(&lk->lk_wq.wq_lock);
	uintptr_t word = lock_read(lk), after = word | LOCK_WAIT;

	if (woken)
		after &= ~LOCK_WOKEN;
	if (hand)
		after |= LOCK_HAND;
	if (lock_taken(word, wt->wt_shared, woken) != 0 ||
	    !lock_swap(lk, word, after)) {
		spin_unlock(&lk->lk_wq.wq_lock, s);
		return false;
	}
	waitq_add(&lk->lk_wq, wt, woken);
	spin_unlock(&lk->lk_wq.wq_lock, s);
	__atomic_fetch_add(&lock_sleeps, 1, __ATOMIC_RELAXED);
	(void)waitq_sleep(&lk->lk_wq, wt, UINT64_MAX);
	return true;
}

static void
lock_take(struct lock *lk, bool shared, bool adaptive, const char *what)
{
	struct waiter wt = { .wt_shared = shared };
	bool woken = false;
	uint64_t end = 0;

	waitq_check_thread(what);
	while (!lock_try(lk, shared, woken)) {
		if (lock_owner(lock_read(lk)) == thread_self())
			panic("%s %p: %s holds it already", what, (void *)lk,
			    thread_name(thread_self()));
		if (adaptive && lock_runs(lk)) {
			arch_pause();
			continue;
		}
		if (end == 0)
			end = arch_now() + LOCK_PATIENCE;
		if (!lock_sleep(lk, &wt, woken, woken && arch_now() > end))
			continue;
		if (wt.wt_given)
			break;
		woken = true;
	}
	if (wt.wt_given && !shared)
		lock_here(lk);
}

/* ---- releasing --------------------------------------------------------- */

/*
 * How many of the queue are woken together: all the first ones that share, or
 * one.  *word becomes what the lock is then, given to them or free.
 */
static unsigned int
lock_next(const struct lock *lk, uintptr_t *word)
{
	const struct waiter *wt = lk->lk_wq.wq_first;
	bool give = (*word & LOCK_HAND) != 0, shared = wt->wt_shared;
	unsigned int n = 0;

	*word = give ? 0 : LOCK_WOKEN;
	if (give && !shared)
		*word = (uintptr_t)wt->wt_thread;
	do {
		n++;
		if (give && shared)
			*word = LOCK_SHARED | n * LOCK_ONE;
		wt = wt->wt_next;
	} while (shared && wt != NULL && wt->wt_shared);
	if (wt != NULL)
		*word |= LOCK_WAIT;
	return n;
}

/* The last holder leaves, and somebody waits. */
static void
lock_pass(struct lock *lk)
{
	unsigned long s = spin_lock(&lk->lk_wq.wq_lock);
	uintptr_t word, after;
	unsigned int n;

	do {
		word = lock_read(lk);
		/* One who was woken has joined meanwhile: it will pass it. */
		if ((word & LOCK_SHARED) != 0 && word >= 2 * LOCK_ONE) {
			after = word - LOCK_ONE;
			n = 0;
			continue;
		}
		after = word;
		n = lock_next(lk, &after);
	} while (!lock_swap(lk, word, after));
	for (; n > 0; n--) {
		lk->lk_wq.wq_first->wt_given = (word & LOCK_HAND) != 0;
		(void)waitq_wake(&lk->lk_wq);
	}
	spin_unlock(&lk->lk_wq.wq_lock, s);
}

static void
lock_drop(struct lock *lk, bool shared, const char *what)
{
	uintptr_t word, after, flags;

	do {
		word = lock_read(lk);
		if (shared ? (word & LOCK_SHARED) == 0 :
		    lock_owner(word) != thread_self())
			panic("%s %p: not held by %s", what, (void *)lk,
			    thread_name(thread_self()));
		flags = word & (LOCK_WAIT | LOCK_WOKEN | LOCK_HAND);
		after = 0;
		if (shared && word >= 2 * LOCK_ONE) {
			after = word - LOCK_ONE;
		} else if (flags == (LOCK_WAIT | LOCK_WOKEN)) {
			after = flags;
		} else if ((flags & LOCK_WAIT) != 0) {
			lock_pass(lk);
			return;
		}
	} while (!lock_swap(lk, word, after));
}

/* ---- mutex ------------------------------------------------------------- */

/*
 * mutex_lock -- take a mutex
 *
 * Context: thread, no spin lock held.
 */
void
mutex_lock(struct mutex *mx)
{
	lock_take(&mx->mx_lock, false, conf_adaptive_mutexes, "mutex_lock");
}

/* mutex_trylock -- take a mutex that is free.  Context: thread. */
bool
mutex_trylock(struct mutex *mx)
{
	waitq_check_thread("mutex_trylock");
	return lock_try(&mx->mx_lock, false, false);
}

/* mutex_unlock -- let it go.  Context: thread, the one that took it. */
void
mutex_unlock(struct mutex *mx)
{
	lock_drop(&mx->mx_lock, false, "mutex_unlock");
}

/* mutex_owned -- does the calling thread hold it?  Context: thread. */
bool
mutex_owned(struct mutex *mx)
{
	return lock_owner(lock_read(&mx->mx_lock)) == thread_self();
}

/* ---- rwlock ------------------------------------------------------------ */

/*
 * rw_rlock, rw_wlock -- take it as one of many readers, as the one writer
 *
 * Context: thread, no spin lock held.
 */
void
rw_rlock(struct rwlock *rw)
{
	lock_take(&rw->rw_lock, true, conf_adaptive_rwlocks, "rw_rlock");
}

void
rw_wlock(struct rwlock *rw)
{
	lock_take(&rw->rw_lock, false, conf_adaptive_rwlocks, "rw_wlock");
}

/* rw_tryrlock, rw_trywlock -- only when that needs no waiting.  Thread. */
bool
rw_tryrlock(struct rwlock *rw)
{
	waitq_check_thread("rw_tryrlock");
	return lock_try(&rw->rw_lock, true, false);
}

bool
rw_trywlock(struct rwlock *rw)
{
	waitq_check_thread("rw_trywlock");
	return lock_try(&rw->rw_lock, false, false);
}

/* rw_runlock, rw_wunlock -- let it go.  Context: thread. */
void
rw_runlock(struct rwlock *rw)
{
	lock_drop(&rw->rw_lock, true, "rw_runlock");
}

void
rw_wunlock(struct rwlock *rw)
{
	lock_drop(&rw->rw_lock, false, "rw_wunlock");
}

/* rw_wowned -- is the calling thread the writer?  Context: thread. */
bool
rw_wowned(struct rwlock *rw)
{
	return lock_owner(lock_read(&rw->rw_lock)) == thread_self();
}

/* ---- sx lock ----------------------------------------------------------- */

/*
 * sx_slock, sx_xlock -- take it with others, alone
 *
 * Context: thread, no spin lock held.
 */
void
sx_slock(struct sx *sx)
{
	lock_take(&sx->sx_lock, true, conf_adaptive_sx, "sx_slock");
}

void
sx_xlock(struct sx *sx)
{
	lock_take(&sx->sx_lock, false, conf_adaptive_sx, "sx_xlock");
}

/* sx_tryslock, sx_tryxlock -- only when that needs no waiting.  Thread. */
bool
sx_tryslock(struct sx *sx)
{
	waitq_check_thread("sx_tryslock");
	return lock_try(&sx->sx_lock, true, false);
}

bool
sx_tryxlock(struct sx *sx)
{
	waitq_check_thread("sx_tryxlock");
	return lock_try(&sx->sx_lock, false, false);
}

/* sx_sunlock, sx_xunlock -- let it go.  Context: thread. */
void
sx_sunlock(struct sx *sx)
{
	lock_drop(&sx->sx_lock, true, "sx_sunlock");
}

void
sx_xunlock(struct sx *sx)
{
	lock_drop(&sx->sx_lock, false, "sx_xunlock");
}

/* sx_xowned -- has the calling thread got it alone?  Context: thread. */
bool
sx_xowned(struct sx *sx)
{
	return lock_owner(lock_read(&sx->sx_lock)) == thread_self();
}

/* ---- telling ----------------------------------------------------------- */

/* lock_nsleep -- how often threads have slept for a lock.  Context: any. */
uint64_t
lock_nsleep(void)
{
	return __atomic_load_n(&lock_sleeps, __ATOMIC_RELAXED);
}
