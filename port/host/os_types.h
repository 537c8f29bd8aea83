/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os_types.h -- the port's structures in a Linux process under sim/.
 */

#ifndef OS_TYPES_H
#define OS_TYPES_H

#include <pv/types.h>

struct pv_os_lock {
	bool		 ol_held;
};

struct pv_os_event {
	bool		 oe_woken;
	bool		 oe_waited;	/* someone waits: at most one */
};

struct pv_os_irq {
	void		(*oi_fn)(void *);
	void		*oi_arg;
	void		*oi_vcpu;	/* struct sim_vcpu */
};

struct pv_os_work {
	void		(*pw_fn)(void *);
	void		*pw_arg;
	unsigned int	 pw_flags;
	/* the port's own */
	bool		 pw_pending, pw_running;
	uint64_t	 pw_due;
	void		*pw_dom;	/* on whose behalf it runs */
	struct pv_os_work *pw_next;	/* pending ones */
};

typedef unsigned int pv_os_ipl_t;

#endif /* OS_TYPES_H */
