/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sync_var.h -- the queue under sync.c (conditions, semaphores) and lock.c
 * (mutexes, rwlocks, sx locks); kernel/waitq.c.
 *
 * A struct waiter lives on the stack of the thread that waits.  A waker
 * takes it off the queue, sets wt_woken and wakes the thread, all under
 * wq_lock; the waiter takes wq_lock once more before it returns, so the
 * waiter and its thread are there for as long as a waker looks at them.
 * Lock order: wq_lock, then a run queue's.
 */

#ifndef SYNC_VAR_H
#define SYNC_VAR_H

#include <sync.h>

struct waiter {
	struct waiter	*wt_next;
	struct thread	*wt_thread;
	volatile int	 wt_woken;
	bool		 wt_shared;	/* lock.c: wants to share */
	bool		 wt_given;	/* lock.c: has the lock by now */
};

/* Lock: wq_lock held by the caller. */
void	 waitq_add(struct waitq *, struct waiter *, bool first);
struct thread *waitq_wake(struct waitq *);
/* Lock: wq_lock not held. */
int	 waitq_sleep(struct waitq *, struct waiter *, uint64_t deadline);
void	 waitq_check_thread(const char *what);

#endif /* SYNC_VAR_H */
