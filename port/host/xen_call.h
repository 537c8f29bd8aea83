/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xen_call.h -- seam 2 in a Linux process: a hypercall is a call of sim/.
 */

#ifndef XEN_CALL_H
#define XEN_CALL_H

long	 sim_hypercall(void *seam, unsigned int op, unsigned long a1,
	    unsigned long a2, unsigned long a3, unsigned long a4,
	    unsigned long a5);

/* Context: any. */
static inline long
xen_call5(struct xen *x, unsigned int op, unsigned long a1, unsigned long a2,
    unsigned long a3, unsigned long a4, unsigned long a5)
{
	return sim_hypercall(x->x_seam, op, a1, a2, a3, a4, a5);
}

#endif /* XEN_CALL_H */
