/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xs_suspend.c -- the store over a suspend.
 *
 * A store that is half-way through a request when the domain stops would take
 * the rest of it for the beginning of another, for the ring may move with the
 * domain.  So nothing is on its way then; what threads ask for meanwhile waits
 * in the queue.  In the domain that is resumed the store knows nothing of us:
 * the connection counts as lost (xs_conn.c).
 */

#include "xs_wire.h"

#define XS_SUSPEND_QUIET (5ull * 1000 * 1000 * 1000)	/* ns */
#define XS_SUSPEND_LOOK	(1000ull * 1000)

/* Requests on the ring that somebody waits for.  Lock: xs_lock. */
static bool
xs_suspend_busy(struct xs *xs)
{
	struct xs_req *rq;
	uint32_t id;

	for (id = 0; (rq = idmap_next(&xs->xs_ids, &id)) != NULL; id++) {
		if (!xs_ring_lost(xs, rq))
			return true;
	}
	return false;
}

/* xs_suspend_begin -- see xs.h */
int
xs_suspend_begin(struct xen *x)
{
	uint64_t deadline = pv_os_now() + XS_SUSPEND_QUIET;
	struct pv_os_event never = { 0 };
	struct xs *xs = x->x_xs;
	bool busy = true;

	if (xs == NULL)
		return 0;
	while (busy && pv_os_now() < deadline) {
		(void)xs_serve(xs);
		pv_lock(&xs->xs_lock);
		xs->xs_hold = true;
		busy = xs_conn_up(xs) && xs_suspend_busy(xs);
		pv_unlock(&xs->xs_lock);
		if (busy)
			(void)pv_os_wait(&never, pv_os_now() +
			    XS_SUSPEND_LOOK);
	}
	return busy ? -PV_ETIMEDOUT : 0;
}

/* xs_suspend_moved -- see xs.h */
void
xs_suspend_moved(struct xen *x)
{
	struct xs *xs = x->x_xs;

	if (xs == NULL)
		return;
	pv_lock(&xs->xs_lock);
	xs_conn_moved(xs);
	pv_unlock(&xs->xs_lock);
}

/* The port is another; the ring's page is where it was. */
static void
xs_suspend_listen(struct xs *xs)
{
	evport_t port = EVPORT_NONE;
	gfn_t gfn;
	int rv;

	evtchn_close(&xs->xs_handler);
	rv = xen_store(xs->xs_xen, &gfn, &port);
	if (rv == 0)
		rv = evtchn_adopt(xs->xs_xen, NULL, port, &xs->xs_handler,
		    xs_intr, xs);
	if (rv < 0)
		pv_log(NULL, PV_LOG_ERR, "xenstore: lost (error %d)", -rv);
}

/* xs_suspend_end -- see xs.h */
void
xs_suspend_end(struct xen *x)
{
	struct xs *xs = x->x_xs;

	if (xs == NULL)
		return;
	if (xs->xs_away)
		xs_suspend_listen(xs);
	pv_lock(&xs->xs_lock);
	xs->xs_hold = xs->xs_away = false;
	pv_unlock(&xs->xs_lock);
	(void)xs_serve(xs);
	pv_os_defer(&xs->xs_late, 0);
}
