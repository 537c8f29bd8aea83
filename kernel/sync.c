/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sync.c -- locks and ways to wait, all over one kind of queue.
 *
 * A struct waiter lives on the stack of the thread that waits.  A waker
 * takes it off the queue, sets wt_woken and wakes the thread, all under
 * wq_lock; the waiter takes wq_lock once more before it returns, so the
 * waiter and its thread are there for as long as a waker looks at them.
 *
 * Ownership is handed over by the waker: mutex_unlock() makes the first
 * waiter the owner and sem_post() gives it the count.  Nobody overtakes, and
 * a wake is never for nothing.  Lock order: wq_lock, then a run queue's.
 */

#include <arch.h>
#include <klog.h>
#include <sched.h>
#include <sync.h>

struct waiter {
	struct waiter	*wt_next;
	struct thread	*wt_thread;
	volatile int	 wt_woken;
};

static void
waitq_add(struct waitq *wq, struct waiter *wt)
{
	wt->wt_next = NULL;
	wt->wt_thread = thread_self();
	wt->wt_woken = 0;
	if (wq->wq_last != NULL)
		wq->wq_last->wt_next = wt;
	else
		wq->wq_first = wt;
	wq->wq_last = wt;
}

static void
waitq_remove(struct waitq *wq, struct waiter *wt)
{
	struct waiter *prev = NULL, **wp;

	for (wp = &wq->wq_first; *wp != wt; wp = &(*wp)->wt_next)
		prev = *wp;
	*wp = wt->wt_next;
	if (wq->wq_last == wt)
		wq->wq_last = prev;
}

/*
 * Wait for a waker.  Lock: wq_lock must not be held.  Returns 0 when woken,
 * else -PV_ETIMEDOUT, off the queue either way.
 */
static int
waitq_sleep(struct waitq *wq, struct waiter *wt, uint64_t deadline)
{
	unsigned long s;
	int rv = 0;

	while (wt->wt_woken == 0 && rv == 0)
		rv = thread_block(&wt->wt_woken, deadline);
	s = spin_lock(&wq->wq_lock);
	if (wt->wt_woken == 0)
		waitq_remove(wq, wt);
	else
		rv = 0;
	spin_unlock(&wq->wq_lock, s);
	return rv;
}

/* Wake the first.  Lock: wq_lock held.  Returns its thread, or NULL. */
static struct thread *
waitq_wake(struct waitq *wq)
{
	struct waiter *wt = wq->wq_first;
	struct thread *td;

	if (wt == NULL)
		return NULL;
	wq->wq_first = wt->wt_next;
	if (wq->wq_first == NULL)
		wq->wq_last = NULL;
	td = wt->wt_thread;
	wt->wt_woken = 1;
	thread_wake(td);
	return td;
}

static void
sync_check_thread(const char *what)
{
	if (arch_cpu()->cpu_nintr != 0)
		panic("%s in an interrupt", what);
}

/*
 * mutex_lock -- take a mutex, in order of arrival
 *
 * Context: thread, no spin lock held.
 */
void
mutex_lock(struct mutex *mx)
{
	struct waiter wt;
	unsigned long s;

	sync_check_thread("mutex_lock");
	s = spin_lock(&mx->mx_wq.wq_lock);
	if (mx->mx_owner == NULL) {
		mx->mx_owner = thread_self();
		spin_unlock(&mx->mx_wq.wq_lock, s);
		return;
	}
	if (mx->mx_owner == thread_self())
		panic("mutex_lock %p: %s holds it already", (void *)mx,
		    thread_name(mx->mx_owner));
	waitq_add(&mx->mx_wq, &wt);
	spin_unlock(&mx->mx_wq.wq_lock, s);
	(void)waitq_sleep(&mx->mx_wq, &wt, UINT64_MAX);
}

/* mutex_trylock -- take a mutex that is free.  Context: thread. */
bool
mutex_trylock(struct mutex *mx)
{
	unsigned long s;
	bool got;

	sync_check_thread("mutex_trylock");
	s = spin_lock(&mx->mx_wq.wq_lock);
	got = mx->mx_owner == NULL;
	if (got)
		mx->mx_owner = thread_self();
	spin_unlock(&mx->mx_wq.wq_lock, s);
	return got;
}

/* mutex_unlock -- hand it to who waits longest.  Context: thread. */
void
mutex_unlock(struct mutex *mx)
{
	unsigned long s;

	s = spin_lock(&mx->mx_wq.wq_lock);
	if (mx->mx_owner != thread_self())
		panic("mutex_unlock %p: not held by %s", (void *)mx,
		    thread_name(thread_self()));
	mx->mx_owner = waitq_wake(&mx->mx_wq);
	spin_unlock(&mx->mx_wq.wq_lock, s);
}

/* mutex_owned -- does the calling thread hold it?  Context: thread. */
bool
mutex_owned(struct mutex *mx)
{
	return __atomic_load_n(&mx->mx_owner, __ATOMIC_RELAXED) ==
	    thread_self();
}

/*
 * cond_wait -- let mx go, wait for a signal, take mx again
 *
 * Returns 0 or -PV_ETIMEDOUT.  Context: thread.  Lock: mx held.
 */
int
cond_wait(struct condvar *cv, struct mutex *mx, uint64_t deadline)
{
	struct waiter wt;
	unsigned long s;
	int rv;

	sync_check_thread("cond_wait");
	s = spin_lock(&cv->cv_wq.wq_lock);
	waitq_add(&cv->cv_wq, &wt);
	spin_unlock(&cv->cv_wq.wq_lock, s);
	mutex_unlock(mx);
	rv = waitq_sleep(&cv->cv_wq, &wt, deadline);
	mutex_lock(mx);
	return rv;
}

/* cond_signal -- wake one waiter.  Context: any. */
void
cond_signal(struct condvar *cv)
{
	unsigned long s;

	s = spin_lock(&cv->cv_wq.wq_lock);
	(void)waitq_wake(&cv->cv_wq);
	spin_unlock(&cv->cv_wq.wq_lock, s);
}

/* cond_broadcast -- wake all waiters.  Context: any. */
void
cond_broadcast(struct condvar *cv)
{
	unsigned long s;

	s = spin_lock(&cv->cv_wq.wq_lock);
	while (waitq_wake(&cv->cv_wq) != NULL)
		continue;
	spin_unlock(&cv->cv_wq.wq_lock, s);
}

/*
 * sem_wait -- wait until the count is above 0 and take one
 *
 * Returns 0 or -PV_ETIMEDOUT.  Context: thread.
 */
int
sem_wait(struct sem *sm, uint64_t deadline)
{
	struct waiter wt;
	unsigned long s;

	sync_check_thread("sem_wait");
	s = spin_lock(&sm->sm_wq.wq_lock);
	if (sm->sm_count > 0) {
		sm->sm_count--;
		spin_unlock(&sm->sm_wq.wq_lock, s);
		return 0;
	}
	waitq_add(&sm->sm_wq, &wt);
	spin_unlock(&sm->sm_wq.wq_lock, s);
	return waitq_sleep(&sm->sm_wq, &wt, deadline);
}

/* sem_trywait -- take one if there is one.  Context: any. */
bool
sem_trywait(struct sem *sm)
{
	unsigned long s;
	bool got;

	s = spin_lock(&sm->sm_wq.wq_lock);
	got = sm->sm_count > 0;
	if (got)
		sm->sm_count--;
	spin_unlock(&sm->sm_wq.wq_lock, s);
	return got;
}

/* sem_post -- give one to who waits longest, or to the count.  Context: any. */
void
sem_post(struct sem *sm)
{
	unsigned long s;

	s = spin_lock(&sm->sm_wq.wq_lock);
	if (waitq_wake(&sm->sm_wq) == NULL)
		sm->sm_count++;
	spin_unlock(&sm->sm_wq.wq_lock, s);
}
