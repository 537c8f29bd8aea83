/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_arch.h -- lwIP's threads, semaphores, mutexes and mailboxes on those of
 * the kernel; see sys_arch.c.
 *
 * The typedefs are lwIP's names for them.
 */

#ifndef ARCH_SYS_ARCH_H
#define ARCH_SYS_ARCH_H

#include <sync.h>

struct sys_sem {
	struct sem	 ss_sem;
	bool		 ss_valid;
};

struct sys_mutex {
	struct mutex	 sm_mutex;
	bool		 sm_valid;
};

struct sys_mbox {
	struct spinlock	 mb_lock;
	struct sem	 mb_used;	/* messages in mb_ring */
	struct sem	 mb_room;	/* posted when a poster waits */
	unsigned int	 mb_size, mb_head, mb_count;
	unsigned int	 mb_nwaiting;	/* posters that wait for room */
	void		**mb_ring;	/* NULL: not valid */
};

typedef struct sys_sem sys_sem_t;
typedef struct sys_mutex sys_mutex_t;
typedef struct sys_mbox sys_mbox_t;
typedef struct thread *sys_thread_t;
typedef unsigned long sys_prot_t;

#endif /* ARCH_SYS_ARCH_H */
