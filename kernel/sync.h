/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sync.h -- locks and ways to wait.  All bytes zero is the initial state of
 * each.  Deadlines are arch_now() times, with UINT64_MAX for ever.
 *
 * Which lock:
 *
 *	spin lock	a few instructions, also in interrupts; never sleep
 *	mutex		one thread at a time; the holder may sleep
 *	rwlock		one writer or many readers, for short; do not sleep
 *	sx lock		the same for long: the holders may sleep
 *
 * None is recursive, shared ones neither.  Who waits for one of the last
 * three spins for as long as the holder's virtual CPU runs, then sleeps
 * (lock.c); the options NO_ADAPTIVE_MUTEXES, _RWLOCKS and _SX of domus.conf(5)
 * leave the spinning out.  Who waits long for a spin lock sleeps in the
 * hypervisor (spin.c).
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

struct lock {				/* of lock.c */
	struct waitq	 lk_wq;
	uintptr_t	 lk_word;
	unsigned int	 lk_cpu;
};

struct mutex {
	struct lock	 mx_lock;
};
void	 mutex_lock(struct mutex *);		/* thread */
bool	 mutex_trylock(struct mutex *);
void	 mutex_unlock(struct mutex *);
bool	 mutex_owned(struct mutex *);

struct rwlock {
	struct lock	 rw_lock;
};
void	 rw_rlock(struct rwlock *);		/* thread; so are all of them */
bool	 rw_tryrlock(struct rwlock *);
void	 rw_runlock(struct rwlock *);
void	 rw_wlock(struct rwlock *);
bool	 rw_trywlock(struct rwlock *);
void	 rw_wunlock(struct rwlock *);
bool	 rw_wowned(struct rwlock *);

struct sx {
	struct lock	 sx_lock;
};
void	 sx_slock(struct sx *);			/* thread; so are all of them */
bool	 sx_tryslock(struct sx *);
void	 sx_sunlock(struct sx *);
void	 sx_xlock(struct sx *);
bool	 sx_tryxlock(struct sx *);
void	 sx_xunlock(struct sx *);
bool	 sx_xowned(struct sx *);

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

/*
 * For a bench: who waits spins however long it takes, without asking whether
 * the holder's virtual CPU runs; spin locks never sleep.
 */
extern bool lock_blind;
/* How often threads have slept for a lock, CPUs for a spin lock.  Any. */
uint64_t lock_nsleep(void);
uint64_t spin_npoll(void);

#endif /* SYNC_H */
