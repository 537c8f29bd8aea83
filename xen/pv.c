/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv.c -- the functions of pv/pv.h and pv/control.h: what an embedder calls,
 * for the one hypervisor that its kernel runs on.
 *
 * The only variables of the library are here.
 */

#include "hypercall.h"

#include <pv/control.h>

#include "evtchn.h"
#include "gnttab.h"
#include "xenbus.h"
#include "xs.h"

static struct xen pv_xen;
static struct pv_client pv_clients;	/* the copy of what was passed */
static bool pv_attached;

/*
 * pv_attach -- attach to the hypervisor and start to look for devices
 *
 * 0, -PV_ENODEV (not under Xen), -PV_EBUSY (already), or what failed.
 * Context: thread.
 */
int
pv_attach(const struct pv_client *client, const struct pv_xen_boot *boot)
{
	int rv;

	if (pv_attached)
		return -PV_EBUSY;
	pv_xen = (struct xen){ 0 };
	pv_clients = *client;
	rv = xen_attach(&pv_xen, boot, &pv_clients);
	pv_attached = rv == 0;
	return rv;
}

/*
 * pv_detach -- detach every device and the hypervisor's interfaces
 *
 * Context: thread.
 */
void
pv_detach(void)
{
	if (!pv_attached)
		return;
	pv_attached = false;
	xen_detach(&pv_xen);
}

/*
 * pv_poll -- look at every event source once
 *
 * Context: deferred, thread.
 */
void
pv_poll(void)
{
	if (pv_attached)
		xen_poll(&pv_xen);
}

/*
 * pv_control_shutdown -- how the domain ends; see pv/control.h
 *
 * Returns only when the hypervisor does not know the request: -PV_E*.
 * Context: any.
 */
int
pv_control_shutdown(enum pv_control_op op)
{
	static const unsigned int reason[] = {
		[PV_CONTROL_POWEROFF] = SHUTDOWN_poweroff,
		[PV_CONTROL_REBOOT] = SHUTDOWN_reboot,
		[PV_CONTROL_HALT] = SHUTDOWN_poweroff,
		[PV_CONTROL_CRASH] = SHUTDOWN_crash
	};

	if (!pv_attached)
		return -PV_ENODEV;
	return hypercall_shutdown(&pv_xen, reason[op]);
}

/* ---- telling ----------------------------------------------------------- */

/*
 * pv_totals -- tell about the machinery
 *
 * Context: thread.
 */
void
pv_totals(struct pv_totals *pt)
{
	struct pv_dev_info di;
	unsigned int n;

	*pt = (struct pv_totals){ 0 };
	for (n = 0; pv_dev_info(n, &di) == 0; n++)
		pt->pt_npage += di.di_npage;
	if (!pv_attached)
		return;
	evtchn_totals(&pv_xen, pt);
	gnttab_totals(&pv_xen, pt);
	xs_totals(&pv_xen, pt);
}

/* ---- XenStore ---------------------------------------------------------- */

/*
 * pv_store_read, _write, _rm, _ls, _watch, _unwatch -- see pv/pv.h
 *
 * Context: thread.
 */
int
pv_store_read(const char *path, char *buf, size_t size, size_t *lenp)
{
	return xs_read(&pv_xen, XS_NOTRANS, path, buf, size, lenp);
}

int
pv_store_write(const char *path, const void *val, size_t len)
{
	return xs_write(&pv_xen, XS_NOTRANS, path, val, len);
}

int
pv_store_rm(const char *path)
{
	return xs_rm(&pv_xen, XS_NOTRANS, path);
}

int
pv_store_ls(const char *path, char *buf, size_t size, size_t *lenp)
{
	return xs_ls(&pv_xen, XS_NOTRANS, path, buf, size, lenp);
}

struct pv_store_watch {
	struct xs_watch	 sw_watch;
};

int
pv_store_watch(const char *path, void (*fn)(void *, const char *path),
    void *arg, struct pv_store_watch **swp)
{
	struct pv_store_watch *sw = pv_os_alloc(sizeof(*sw));
	int rv;

	*swp = NULL;
	if (sw == NULL)
		return -PV_ENOMEM;
	rv = xs_watch(&pv_xen, &sw->sw_watch, path, fn, arg);
	if (rv < 0)
		pv_os_free(sw, sizeof(*sw));
	else
		*swp = sw;
	return rv;
}

void
pv_store_unwatch(struct pv_store_watch *sw)
{
	if (sw == NULL)
		return;
	xs_unwatch(&sw->sw_watch);
	pv_os_free(sw, sizeof(*sw));
}
