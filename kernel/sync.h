/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sync.h -- locks and ways to wait.  All bytes zero is the initial state of
 * each.  Mutexes are not recursive.  Deadlines are arch_now() times, with
 * UINT64_MAX for ever.
 */

#ifndef SYNC_H
#define SYNC_H

#include <pv/types.h>

struct thread;

struct spinlock {			/* masks interrupts while held */
	uint32_t	 sl_word;
};
unsigned long spin_lock(struct spinlock *);	/* any context */
void	 spin_unlock(struct spinlock *, unsigned long);
void	 spin_release(struct spinlock *);	/* interrupts stay masked */

struct waitq {				/* threads in order of arrival */
	struct spinlock	 wq_lock;
	struct waiter	*wq_first, *wq_last;
};

struct mutex {
	struct waitq	 mx_wq;
	struct thread	*mx_owner;
};
void	 mutex_lock(struct mutex *);		/* thread */
bool	 mutex_trylock(struct mutex *);
void	 mutex_unlock(struct mutex *);
bool	 mutex_owned(struct mutex *);

struct condvar {
	struct waitq	 cv_wq;
};
/* Releases mx while waiting.  0 or -PV_ETIMEDOUT; wakes may be spurious. */
int	 cond_wait(struct condvar *, struct mutex *, uint64_t deadline);
void	 cond_signal(struct condvar *);		/* any context */
void	 cond_broadcast(struct condvar *);

struct sem {
	struct waitq	 sm_wq;
	int		 sm_count;
};
int	 sem_wait(struct sem *, uint64_t deadline);	/* 0, -PV_ETIMEDOUT */
bool	 sem_trywait(struct sem *);
void	 sem_post(struct sem *);		/* any context */

#endif /* SYNC_H */
