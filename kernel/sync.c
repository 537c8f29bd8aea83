/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sync.c -- conditions and semaphores.
 *
 * sem_post() gives the count to who waits longest: nobody overtakes, and a
 * wake is never for nothing.
 */

#include <arch.h>
#include <sched.h>
#include <sync_var.h>

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

	waitq_check_thread("cond_wait");
	s = spin_lock(&cv->cv_wq.wq_lock);
	waitq_add(&cv->cv_wq, &wt, false);
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

	waitq_check_thread("sem_wait");
	s = spin_lock(&sm->sm_wq.wq_lock);
	if (sm->sm_count > 0) {
		sm->sm_count--;
		spin_unlock(&sm->sm_wq.wq_lock, s);
		return 0;
	}
	waitq_add(&sm->sm_wq, &wt, false);
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
