/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xen.c -- attach to the hypervisor, and what its parts need of it in common;
 * see xen.h.
 */

#include "hypercall.h"

#include "dev.h"
#include "evtchn.h"
#include "gnttab.h"
#include "xenbus_back.h"
#include "xenpci.h"
#include "xs.h"

/* Xen answers with one of these where a parameter was never set. */
#define XEN_PARAM_NONE	(~(uint64_t)0)

/*
 * xen_feature -- a XENFEAT_* that the hypervisor has
 *
 * Context: any.
 */
bool
xen_feature(const struct xen *x, unsigned int feature)
{
	return feature < 32 && (x->x_features >> feature & 1) != 0;
}

/*
 * xen_pv -- our frames are machine frames
 *
 * Context: any.
 */
bool
xen_pv(const struct xen *x)
{
	return (x->x_boot.xb_flags & PV_XEN_PV) != 0;
}

/*
 * xen_hvm_param -- HVMOP_get_param; 0 or -PV_E*
 *
 * Context: any.
 */
int
xen_hvm_param(struct xen *x, uint32_t index, uint64_t *value)
{
	return hypercall_hvm_param(x, index, value);
}

/* A ring of the toolstack's, from two parameters. */
static int
xen_hvm_ring(struct xen *x, const uint32_t param[2], gfn_t *gfn,
    evport_t *port)
{
	uint64_t frame = 0, number = 0;

	*gfn = GFN_NONE;
	if (xen_hvm_param(x, param[1], &number) < 0 || number == 0 ||
	    number > UINT32_MAX)
		return -PV_ENODEV;
	*port = EVPORT((uint32_t)number);
	/* The ring may come later than the port: xenstored in a domain that
	   starts after us. */
	if (xen_hvm_param(x, param[0], &frame) == 0 && frame != 0 &&
	    frame != XEN_PARAM_NONE)
		*gfn = GFN(frame);
	return 0;
}

/* The same from the boot information. */
static int
xen_boot_ring(gfn_t frame, evport_t number, gfn_t *gfn, evport_t *port)
{
	if (evport_eq(number, EVPORT_NONE))
		return -PV_ENODEV;
	*port = number;
	*gfn = gfn_x(frame) == 0 ? GFN_NONE : frame;
	return 0;
}

/*
 * xen_console -- the primary console's ring and port
 *
 * 0, or -PV_ENODEV when there is none.
 * Context: thread.
 */
int
xen_console(struct xen *x, gfn_t *gfn, evport_t *port)
{
	static const uint32_t param[2] = {
		HVM_PARAM_CONSOLE_PFN, HVM_PARAM_CONSOLE_EVTCHN
	};
	int rv;

	if ((x->x_boot.xb_flags & PV_XEN_DOM0) != 0)
		return -PV_ENODEV;
	if (xen_pv(x))
		rv = xen_boot_ring(x->x_boot.xb_cons_gfn,
		    x->x_boot.xb_cons_evport, gfn, port);
	else
		rv = xen_hvm_ring(x, param, gfn, port);
	if (rv == 0 && gfn_eq(*gfn, GFN_NONE))
		rv = -PV_ENODEV;
	return rv;
}

/*
 * xen_store -- XenStore's ring and port
 *
 * 0; then *gfn may be GFN_NONE still, and the port tells when to ask again.
 * -PV_ENODEV when there is none.
 * Context: thread.
 */
int
xen_store(struct xen *x, gfn_t *gfn, evport_t *port)
{
	static const uint32_t param[2] = {
		HVM_PARAM_STORE_PFN, HVM_PARAM_STORE_EVTCHN
	};

	if ((x->x_boot.xb_flags & PV_XEN_DOM0) != 0)
		return -PV_ENODEV;
	if (xen_pv(x))
		return xen_boot_ring(x->x_boot.xb_store_gfn,
		    x->x_boot.xb_store_evport, gfn, port);
	return xen_hvm_ring(x, param, gfn, port);
}

/* ---- frames that are not ours ------------------------------------------ */

/*
 * xen_map_frame -- map a frame that the hypervisor or toolstack gave us
 *
 * NULL on failure.
 * Context: thread.
 */
void *
xen_map_frame(struct xen *x, gfn_t gfn)
{
	return pv_os_map((pv_pa_t)gfn_x(gfn) << PV_PAGE_SHIFT, PV_PAGE_SIZE,
	    PV_MEM_XEN);
}

/*
 * xen_unmap_frame -- undo xen_map_frame(); va may be NULL
 *
 * Context: thread.
 */
void
xen_unmap_frame(struct xen *x, void *va)
{
	if (va != NULL)
		pv_os_unmap(va, PV_PAGE_SIZE);
}

/*
 * xen_window_create -- a page through which one of Xen's own is seen
 *
 * space is XENMAPSPACE_*.  The RAM that the page had goes back to Xen while
 * the page is a window.  NULL on failure.
 * Context: thread.
 */
void *
xen_window_create(struct xen *x, unsigned int space, unsigned long idx)
{
	void *page = pv_os_pages_alloc(1);

	if (page == NULL)
		return NULL;
	if (hypercall_physmap_add(x, space, idx, pv_os_gfn(page)) < 0) {
		pv_os_pages_free(page, 1);
		return NULL;
	}
	return page;
}

/*
 * xen_window_destroy -- put RAM behind the page again and free it
 *
 * A page that gets no RAM any more is lost, and told of.
 * Context: thread.
 */
void
xen_window_destroy(struct xen *x, void *page)
{
	gfn_t gfn;
	int xrc;

	if (page == NULL)
		return;
	gfn = pv_os_gfn(page);
	xrc = hypercall_physmap_remove(x, gfn);
	if (xrc == 0)
		xrc = hypercall_populate(x, gfn);
	if (xrc == 0)
		pv_os_pages_free(page, 1);
	else
		pv_log(NULL, PV_LOG_WARN, "xen: lost a page of memory "
		    "(error %d)", -xrc);
}

/* ---- attach and detach ------------------------------------------------- */

static int
xen_shared_map(struct xen *x)
{
	pv_pa_t pa = x->x_boot.xb_shared_info;

	if (pa != 0) {
		x->x_shared = pv_os_map(pa, PV_PAGE_SIZE, PV_MEM_XEN);
		return x->x_shared == NULL ? -PV_ENOMEM : 0;
	}
	if (xen_pv(x))
		return -PV_EINVAL;
	x->x_shared_page = xen_window_create(x, XENMAPSPACE_shared_info, 0);
	x->x_shared = x->x_shared_page;
	return x->x_shared == NULL ? -PV_ENOMEM : 0;
}

static void
xen_shared_unmap(struct xen *x)
{
	if (x->x_shared_page != NULL)
		xen_window_destroy(x, x->x_shared_page);
	else
		xen_unmap_frame(x, x->x_shared);
	x->x_shared = NULL;
	x->x_shared_page = NULL;
}

/*
 * xen_core_attach -- version, features, shared info and event channels
 *
 * 0, -PV_ENODEV when there is no Xen, or what failed; then nothing is left.
 * Context: thread, boot.
 */
int
xen_core_attach(struct xen *x, const struct pv_xen_boot *boot)
{
	int rv;

	x->x_boot = *boot;
	x->x_domid = DOMID_SELF;
	rv = hypercall_version(x);
	if (rv < 0)
		return -PV_ENODEV;
	x->x_version = (uint32_t)rv;
	rv = hypercall_features(x, &x->x_features);
	if (rv < 0) {
		pv_log(NULL, PV_LOG_ERR, "xen: does not tell its features "
		    "(error %d)", -rv);
		return rv;
	}
	rv = xen_shared_map(x);
	if (rv < 0) {
		pv_log(NULL, PV_LOG_ERR, "xen: can not map the shared info "
		    "page (error %d)", -rv);
		return rv;
	}
	rv = evtchn_attach(x);
	if (rv < 0) {
		xen_shared_unmap(x);
		return rv;
	}
	pv_log(NULL, PV_LOG_INFO, "xen: version %u.%u, %s", x->x_version >> 16,
	    x->x_version & 0xffff, xen_pv(x) ? "paravirtualized" :
	    "hardware-virtualized");
	return 0;
}

/*
 * xen_core_detach -- the mirror of xen_core_attach()
 *
 * Context: thread.
 */
void
xen_core_detach(struct xen *x)
{
	evtchn_detach(x);
	xen_shared_unmap(x);
}

/*
 * xen_start -- grants and XenStore, and begin to look for devices
 *
 * 0 or what failed; then nothing of it is left.
 * Context: thread.
 */
int
xen_start(struct xen *x, const struct pv_client *client)
{
	int rv;

	x->x_client = client;
	rv = gnttab_attach(x);
	if (rv < 0)
		goto err_gnttab;
	/* Without a store there are no devices, but there is a domain. */
	rv = xs_attach(x);
	if (rv < 0 && rv != -PV_ENODEV)
		goto err_xs;
	if (rv == -PV_ENODEV)
		pv_log(NULL, PV_LOG_INFO, "xen: no store, so no devices");
	if (rv == 0)
		xenpci_unplug(x);
	rv = xenbus_attach(x);
	if (rv < 0)
		goto err_xenbus;
	rv = xenbus_back_attach(x);
	if (rv < 0)
		goto err_back;
	xen_watchdog_start(x);
	return 0;

err_back:
	xenbus_detach(x);
err_xenbus:
	xs_detach(x);
err_xs:
	gnttab_detach(x);
err_gnttab:
	return rv;
}

/*
 * xen_stop -- the mirror of xen_start()
 *
 * Context: thread.
 */
void
xen_stop(struct xen *x)
{
	xen_watchdog_stop(x);	/* nobody could any more */
	xenbus_back_detach(x);
	xenbus_detach(x);
	xs_detach(x);
	gnttab_detach(x);
}

/*
 * xen_attach -- attach to the hypervisor and begin to look for devices
 *
 * 0, -PV_ENODEV when there is no Xen, or what failed; then nothing is left.
 * Context: thread.
 */
int
xen_attach(struct xen *x, const struct pv_xen_boot *boot,
    const struct pv_client *client)
{
	int rv;

	rv = xen_core_attach(x, boot);
	if (rv < 0)
		return rv;
	rv = xen_start(x, client);
	if (rv < 0)
		xen_core_detach(x);
	return rv;
}

/*
 * xen_detach -- the mirror of xen_attach()
 *
 * Context: thread.
 */
void
xen_detach(struct xen *x)
{
	xen_stop(x);
	xen_core_detach(x);
}

/*
 * xen_poll -- look at every event source once
 *
 * Context: deferred, thread.
 */
void
xen_poll(struct xen *x)
{
	evtchn_poll(x);
}
