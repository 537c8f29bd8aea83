/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xen_suspend.c -- the domain stops, and goes on here or elsewhere; see
 * pv/xen.h for the order of things.
 *
 * Elsewhere everything that Xen keeps for a domain is new: the shared info
 * page, event channels, grants.  Memory and the vCPU's registers are all that
 * came along, so each part makes its things anew from what it knows of them:
 *
 *	vcpu_info, FIFO pages	given to Xen again (x_kept)
 *	VIRQs, IPIs		bound again
 *	ports of devices	gone, until the device connects again
 *	grant table		as long as it was, and empty
 *	store			the connection counts as lost
 *	watchdog		begins again
 *	devices			move to their new peers (pv_dev_move()), with
 *				the requests that were under way
 *
 * The toolstack of a PV domain writes down its page tables, in which it must
 * find frames of the domain only; so Xen's are unmapped meanwhile.
 */

#include "hypercall.h"

#include "dev.h"
#include "evtchn.h"
#include "gnttab.h"
#include "xenbus.h"
#include "xenpci.h"
#include "xs.h"

/*
 * xen_suspend_begin -- may the domain stop?  Then the store is silent
 *
 * 0; -PV_EBUSY: pages of other domains are mapped; -PV_ETIMEDOUT: the store
 * does not answer.
 * Context: thread.
 */
int
xen_suspend_begin(struct xen *x)
{
	uint32_t n = __atomic_load_n(&x->x_nforeign, __ATOMIC_RELAXED);
	int rv;

	x->x_resumed = false;
	if (n > 0) {
		pv_log(NULL, PV_LOG_ERR, "suspend: refused: %u pages of other "
		    "domains are mapped here, which can not come along; end "
		    "what serves them first", n);
		return -PV_EBUSY;
	}
	rv = xs_suspend_begin(x);
	if (rv < 0) {
		pv_log(NULL, PV_LOG_ERR, "suspend: refused: XenStore does not "
		    "answer");
		xs_suspend_end(x);
	}
	return rv;
}

static void
xen_suspend_shared_hide(struct xen *x)
{
	if (!xen_pv(x))
		return;
	xen_unmap_frame(x, x->x_shared);
	x->x_shared = NULL;
}

/* The page may lie elsewhere now (PV). */
static int
xen_suspend_shared_show(struct xen *x, bool resumed)
{
	if (xen_pv(x)) {
		x->x_shared = pv_os_map(x->x_boot.xb_shared_info,
		    PV_PAGE_SIZE, PV_MEM_XEN);
		return x->x_shared == NULL ? -PV_ENOMEM : 0;
	}
	if (!resumed || x->x_shared_page == NULL)
		return 0;	/* it is there, or the kernel saw to it */
	return hypercall_physmap_add(x, XENMAPSPACE_shared_info, 0,
	    pv_os_gfn(x->x_shared_page));
}

/* Xen may be another one. */
static int
xen_suspend_meet(struct xen *x)
{
	int rv = hypercall_version(x);

	if (rv < 0)
		return rv;
	x->x_version = (uint32_t)rv;
	return hypercall_features(x, &x->x_features);
}

static int
xen_suspend_renew(struct xen *x)
{
	int rv;

	rv = xen_suspend_shared_show(x, true);
	if (rv == 0)
		rv = xen_suspend_meet(x);
	if (rv == 0)
		rv = evtchn_resume(x);
	if (rv == 0)
		rv = gnttab_resume(x);
	if (rv < 0)
		pv_os_panic("the domain was resumed, but Xen refuses what it "
		    "needs to go on");
	xen_watchdog_resume(x, true);
	xs_suspend_moved(x);
	xenbus_resume_moved(x);
	x->x_resumed = true;
	return 0;
}

/*
 * xen_suspend -- stop the domain with fn; see pv_suspend()
 *
 * 0: resumed, all is new; 1: the toolstack changed its mind; -PV_E*: Xen did
 * not want to.
 * Context: thread, interrupts masked, no work runs.
 */
int
xen_suspend(struct xen *x, int (*fn)(void *, struct pv_xen_boot *), void *arg)
{
	struct pv_xen_boot boot = x->x_boot;
	int rv;

	gnttab_suspend(x);
	xen_suspend_shared_hide(x);
	rv = fn(arg, &boot);
	if (rv == 0) {
		x->x_boot = boot;
		return xen_suspend_renew(x);
	}
	if (xen_suspend_shared_show(x, false) < 0 || gnttab_resume(x) < 0)
		pv_os_panic("the domain goes on, but its grant table is lost");
	xen_watchdog_resume(x, false);
	return rv;
}

/*
 * xen_suspend_end -- the store is asked again; if the domain was resumed
 * devices connect to their new peers
 *
 * Context: thread, works run.
 */
void
xen_suspend_end(struct xen *x)
{
	if (x->x_resumed)
		xenpci_unplug(x);
	xs_suspend_end(x);
	if (x->x_resumed)
		xenbus_resume(x);
}
