/* SPDX-License-Identifier: BSD-2-Clause */
/* waitq.c -- see sync_var.h. */

#include <arch.h>
#include <klog.h>
#include <sched.h>
#include <sync_var.h>

/*
 * waitq_add -- the calling thread waits, behind the others or before them
 *
 * Context: thread.  Lock: wq_lock held.
 */
void
waitq_add(struct waitq *wq, struct waiter *wt, bool first)
{
	wt->wt_next = first ? wq->wq_first : NULL;
	wt->wt_thread = thread_self();
	wt->wt_woken = 0;
	wt->wt_given = false;
	if (wq->wq_last == NULL) {
		wq->wq_first = wq->wq_last = wt;
	} else if (first) {
		wq->wq_first = wt;
	} else {
		wq->wq_last->wt_next = wt;
		wq->wq_last = wt;
	}
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
 * waitq_sleep -- wait for a waker
 *
 * Returns 0 when woken, else -PV_ETIMEDOUT, off the queue either way.
 * Context: thread.  Lock: wq_lock must not be held.
 */
int
waitq_sleep(struct waitq *wq, struct waiter *wt, uint64_t deadline)
{
	unsigned long s;
	int rv = 0;

	while (rv == 0 && !__atomic_load_n(&wt->wt_woken, __ATOMIC_ACQUIRE))
		rv = thread_block(&wt->wt_woken, deadline);
	s = spin_lock(&wq->wq_lock);
	if (wt->wt_woken == 0)
		waitq_remove(wq, wt);
	else
		rv = 0;
	spin_unlock(&wq->wq_lock, s);
	return rv;
}

/*
 * waitq_wake -- wake the first
 *
 * Returns its thread, or NULL.  Context: any.  Lock: wq_lock held.
 */
struct thread *
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
	__atomic_store_n(&wt->wt_woken, 1, __ATOMIC_RELEASE);
	thread_wake(td);
	return td;
}

/*
 * waitq_check_thread -- panic when what may sleep is called by an interrupt
 *
 * Context: any.
 */
void
waitq_check_thread(const char *what)
{
	if (arch_cpu()->cpu_nintr != 0)
		panic("%s in an interrupt", what);
}
