/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os_types.h -- the types of a port; see pv/os.h.  All bytes zero must be the
 * initial state of each.  Replace them by what the kernel has.
 */

#ifndef OS_TYPES_H
#define OS_TYPES_H

#include <pv/types.h>

/* What pv_os_lock() returns: usually the saved interrupt flag. */
typedef unsigned long pv_os_ipl_t;

struct pv_os_lock {
	uint32_t	 lk_word;
};

struct pv_os_event {
	bool		 ev_woken;
};

struct pv_os_irq {
	void		(*ir_fn)(void *);
	void		*ir_arg;
};

struct pv_os_work {
	void		(*pw_fn)(void *);	/* set by the library */
	void		*pw_arg;		/* set by the library */
	unsigned int	 pw_flags;		/* set by the library */
	/* the port's own */
	uint64_t	 pw_due;
	struct pv_os_work *pw_next;
};

#endif /* OS_TYPES_H */
