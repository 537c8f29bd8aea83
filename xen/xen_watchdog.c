/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xen_watchdog.c -- Xen ends a domain that has not been heard of for a while.
 *
 * Xen has a timer for it, which it knows by a number: 0 asks for a new one.  A
 * domain that was resumed elsewhere has none there, and one that was stopped
 * and goes on has one that may have run out unheard; so both begin anew.  Who
 * has the lock can not be stopped in between.
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

static int
xen_watchdog_put_locked(struct xen *x, uint32_t seconds)
{
	int rv;

	PV_ASSERT_LOCKED(&x->x_watchdog_lock);
	if (seconds == 0 && x->x_watchdog == 0)
		return 0;
	rv = xen_watchdog_call(x, seconds);
	if (rv < 0)
		return rv;
	x->x_watchdog_time = seconds;
	if (seconds == 0)
		x->x_watchdog = 0;
	return 0;
}

/*
 * xen_watchdog_start, xen_watchdog_stop -- from now on it can be had, or can
 * not, and is off
 *
 * Context: thread.
 */
void
xen_watchdog_start(struct xen *x)
{
	pv_lock(&x->x_watchdog_lock);
	x->x_watchdog_on = true;
	pv_unlock(&x->x_watchdog_lock);
}

void
xen_watchdog_stop(struct xen *x)
{
	pv_lock(&x->x_watchdog_lock);
	x->x_watchdog_on = false;
	(void)xen_watchdog_put_locked(x, 0);
	pv_unlock(&x->x_watchdog_lock);
}

/*
 * xen_watchdog_set -- see pv_watchdog() in pv/xen.h
 *
 * 0, or -PV_E*: not attached, Xen has no such timer.
 * Context: thread.
 */
int
xen_watchdog_set(struct xen *x, uint32_t seconds)
{
	int rv = -PV_ENODEV;

	pv_lock(&x->x_watchdog_lock);
	if (x->x_watchdog_on)
		rv = xen_watchdog_put_locked(x, seconds);
	pv_unlock(&x->x_watchdog_lock);
	return rv;
}

/*
 * xen_watchdog_resume -- the domain goes on; moved: it is another one
 *
 * Context: thread, interrupts masked, nothing else runs.
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
