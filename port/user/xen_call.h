/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xen_call.h -- seam 2 in an ordinary process: there is no hypervisor.
 */

#ifndef XEN_CALL_H
#define XEN_CALL_H

struct xen;

/* Context: any. */
static inline long
xen_call5(struct xen *x, unsigned int op, unsigned long a1, unsigned long a2,
    unsigned long a3, unsigned long a4, unsigned long a5)
{
	(void)x, (void)op, (void)a1, (void)a2, (void)a3, (void)a4, (void)a5;
	return -38;			/* ENOSYS */
}

#endif /* XEN_CALL_H */
