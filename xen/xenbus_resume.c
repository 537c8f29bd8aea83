/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenbus_resume.c -- the devices of a domain that was resumed; see xenbus.h.
 */

#include "xenbus_var.h"

/*
 * xenbus_resume_moved -- the domain was resumed: all peers are others
 *
 * Until the listing tells who they are now, nothing is looked at.
 * Context: any; the bus's work does not run.
 */
void
xenbus_resume_moved(struct xen *x)
{
	struct xenbus *xb = x->x_xenbus;
	struct xenbus_dev *xd;
	struct list *p;

	LIST_FOREACH(p, &xb->xb_devs) {
		xd = LIST_ENTRY(p, struct xenbus_dev, xd_link);
		xd->xd_tries = 0;
		if (xd->xd_single || xd->xd_dev == NULL)
			continue;
		xd->xd_moved = true;
		pv_dev_deaf(xd->xd_dev);
	}
}

/*
 * xenbus_resume -- connect again, the singletons first
 *
 * Context: thread.
 */
void
xenbus_resume(struct xen *x)
{
	struct xenbus *xb = x->x_xenbus;
	struct xenbus_dev *xd;
	struct list *p;

	pv_lock(&xb->xb_lock);
	LIST_FOREACH(p, &xb->xb_devs) {
		xd = LIST_ENTRY(p, struct xenbus_dev, xd_link);
		if (xd->xd_single && xd->xd_dev != NULL)
			pv_dev_event(xd->xd_dev, PV_EV_GONE | PV_EV_READY);
	}
	pv_unlock(&xb->xb_lock);
	if (x->x_xs != NULL)
		xenbus_rescan(x);
}

/*
 * xenbus_rescan -- look at the devices again soon
 *
 * Context: any.
 */
void
xenbus_rescan(struct xen *x)
{
	__atomic_store_n(&x->x_xenbus->xb_check, true, __ATOMIC_RELEASE);
	__atomic_store_n(&x->x_xenbus->xb_rescan, true, __ATOMIC_RELEASE);
	pv_os_defer(&x->x_xenbus->xb_work, 0);
}
