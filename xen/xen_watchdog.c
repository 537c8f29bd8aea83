/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xen_watchdog.c -- Xen ends a domain that has not been heard of for a while.
 *
 * Xen has a timer for it, which it knows by a number: 0 asks for a new one.  A
 * domain that was resumed elsewhere has none there, and one that was stopped
 * and goes on has one that may have run out unheard; so both begin anew.
 * Source: xen/include/public/sched.h, SCHEDOP_watchdog.
 */

#include "hypercall.h"

#include "dev.h"

static int
xen_watchdog_call(struct xen *x, uint32_t seconds)
{
	uint32_t id = x->x_watchdog;
	int rv = hypercall_watchdog(x, id, seconds);

	if (rv >= 0 && id == 0)
		x->x_watchdog = (uint32_t)rv;
	return rv < 0 ? rv : 0;
}

/*
 * xen_watchdog_set -- see pv_watchdog() in pv/xen.h
 *
 * 0, or -PV_E*: Xen has no such timer.
 * Context: thread; one at a time.
 */
int
xen_watchdog_set(struct xen *x, uint32_t seconds)
{
	uint32_t id = x->x_watchdog;
	int rv;

	if (seconds == 0 && id == 0)
		return 0;
	rv = xen_watchdog_call(x, seconds);
	/* The domain may have moved since its number was taken. */
	if (rv == -PV_EINVAL && id != 0) {
		if (x->x_watchdog == id)
			x->x_watchdog = 0;
		rv = seconds == 0 ? 0 : xen_watchdog_call(x, seconds);
	}
	if (rv < 0)
		return rv;
	x->x_watchdog_time = seconds;
	if (seconds == 0)
		x->x_watchdog = 0;
	return 0;
}

/*
 * xen_watchdog_resume -- the domain goes on; moved: it is another one
 *
 * Context: thread, interrupts masked.
 */
void
xen_watchdog_resume(struct xen *x, bool moved)
{
	uint32_t seconds = x->x_watchdog_time;
	int rv;

	if (moved)
		x->x_watchdog = 0;
	if (seconds == 0)
		return;
	rv = xen_watchdog_call(x, seconds);
	if (rv < 0)
		pv_log(NULL, PV_LOG_WARN, "watchdog: lost (error %d)", -rv);
}
