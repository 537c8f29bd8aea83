/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched_var.h -- between sched.c (queues, who runs where) and thread.c (the
 * life of a thread).
 */

#ifndef SCHED_VAR_H
#define SCHED_VAR_H

#include <pv/types.h>
#include <sched.h>
#include <sync.h>

enum sched_state { SCHED_RUN, SCHED_READY, SCHED_SLEEP, SCHED_DEAD };

struct thread {
	void		*td_sp;		/* while not running */
	struct thread	*td_next, *td_prev;	/* run queue, sleepers, dead */
	struct thread	*td_allnext;
	enum sched_state td_state;
	unsigned int	 td_id, td_cpu;
	unsigned int	 td_home;	/* the only CPU, or CPU_ANY */
	bool		 td_timed;	/* on the list of sleepers */
	bool		 td_late;	/* the deadline ended the sleep */
	uint64_t	 td_deadline;
	uint64_t	 td_runtime;
	uint64_t	 td_used;	/* of its slice */
	void		(*td_fn)(void *);
	void		*td_arg;
	uint8_t		*td_stack;	/* NULL: the boot stack */
	size_t		 td_stacklen;
	int		 td_errno;
	char		 td_name[24];
};

struct sched_list {
	struct thread	*sl_first, *sl_last;
};

struct sched_rq {
	struct spinlock	 rq_lock;
	struct sched_list rq_woken, rq_spent;	/* ready */
	struct sched_list rq_sleep;
	struct thread	*rq_dead;
	uint64_t	 rq_since;	/* cpu_thread runs since then */
	uint64_t	 rq_patient;	/* rq_spent has been served, or empty */
};

extern struct sched_rq sched_rq[CPU_MAX];

/* This CPU's queue; the lock goes with interrupts masked. */
struct sched_rq *sched_here(void);
unsigned long sched_lock(void);
void	 sched_unlock(unsigned long);	/* the queue of the CPU we are on */

/* Lock: rq_lock held, unless it says otherwise. */
void	 sched_sleeper_add(struct sched_rq *, struct thread *);
void	 sched_account(struct sched_rq *, struct thread *, uint64_t now);
void	 sched_switch(struct sched_rq *);
void	 sched_requeue(struct sched_rq *, bool give_way);
void	 sched_wake(struct thread *);		/* no lock held */
/* A new thread, to where there is time for it; no lock held. */
void	 sched_submit(struct thread *);

/* thread.c: a thread with its stack, on no queue; of a CPU or CPU_ANY. */
struct thread *thread_new(const char *name, void (*fn)(void *), void *arg,
	    size_t stack, unsigned int home);
void	 thread_check(const struct thread *);	/* its stack's end is whole */
void	 thread_reap(void);		/* free this CPU's dead */
void	 thread_boot_init(void);	/* the caller is the first thread */

#endif /* SCHED_VAR_H */
