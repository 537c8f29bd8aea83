/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os_types.h -- the port's structures in a Linux process with one thread.
 */

#ifndef OS_TYPES_H
#define OS_TYPES_H

#include <pv/types.h>

struct pv_os_lock {
	bool		 ol_held;
};

struct pv_os_event {
	bool		 oe_woken;
};

struct pv_os_irq {
	char		 oi_none;	/* nothing interrupts a process */
};

struct pv_os_work {
	void		(*pw_fn)(void *);
	void		*pw_arg;
	unsigned int	 pw_flags;
	/* the port's own */
	bool		 pw_pending;
	uint64_t	 pw_due;
	struct pv_os_work *pw_next;	/* pending ones */
};

typedef unsigned int pv_os_ipl_t;

#endif /* OS_TYPES_H */
