/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame.c -- give the memory behind a page to Xen, and get some again.
 *
 * Under PV a page is taken out of the page tables before its frame is given
 * away, since Xen does not take one that is mapped, and gets another frame
 * later (pv_os_rebind()).  Else the page keeps its frame number.
 * Source: XENMEM_decrease_reservation and XENMEM_populate_physmap in
 * xen/include/public/memory.h.
 */

#include "hypercall.h"

#include "frame.h"

static int
frame_give_pv(struct xen *x, void *va)
{
	gfn_t gfn = pv_os_gfn(va);
	int rv = pv_os_rebind(va, GFN_NONE);

	if (rv < 0)
		return rv;
	rv = hypercall_decrease(x, gfn);
	if (rv < 0 && pv_os_rebind(va, gfn) < 0)
		pv_os_panic("frame: a page can not be mapped again");
	return rv;
}

/* frame_give -- see frame.h */
int
frame_give(struct xen *x, void *va)
{
	int rv;

	if (xen_pv(x))
		return frame_give_pv(x, va);
	rv = hypercall_decrease(x, pv_os_gfn(va));
	if (rv == 0)
		(void)pv_os_rebind(va, GFN_NONE);
	return rv;
}

/* frame_take -- see frame.h */
int
frame_take(struct xen *x, void *va)
{
	gfn_t gfn = GFN(0);		/* PV: pv_os_rebind() tells Xen which */
	int rv;

	if (!xen_pv(x))
		gfn = pv_os_gfn(va);
	rv = hypercall_populate_any(x, &gfn);
	if (rv < 0)
		return rv;
	rv = pv_os_rebind(va, gfn);
	if (rv < 0)
		(void)hypercall_decrease(x, gfn);
	return rv;
}

/* frame_count -- see frame.h */
long
frame_count(struct xen *x)
{
	return hypercall_reservation(x);
}
