/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os_types.h -- the types of pv/os.h in the Domus guest; see port/guest/os.c.
 *
 * Nothing of the kernel is included: libdomus is compiled against this.
 */

#ifndef OS_TYPES_H
#define OS_TYPES_H

#include <pv/types.h>

typedef unsigned long pv_os_ipl_t;

struct pv_os_lock {
	uint32_t	 lk_word;	/* a struct spinlock of the kernel's */
};

struct pv_os_event {
	struct pv_os_lock ev_lock;
	volatile int	 ev_set;	/* woken; the next wait returns */
	void		*ev_thread;	/* who waits */
};

struct pv_os_irq {
	void		(*oi_fn)(void *);	/* NULL: not attached */
	void		*oi_arg;
	uint32_t	 oi_kind, oi_num;
	struct pv_os_irq *oi_next;		/* of a line that is shared */
};

struct pv_os_work {
	void		(*pw_fn)(void *);
	void		*pw_arg;
	unsigned int	 pw_flags;	/* PV_WORK_* */
	bool		 pw_pending;	/* on its queue */
	uint64_t	 pw_when;	/* due, in pv_os_now() time */
	struct pv_os_work *pw_next;
};

#endif /* OS_TYPES_H */
