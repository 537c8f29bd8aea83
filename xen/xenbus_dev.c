/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenbus_dev.c -- what drivers of xenbus call; see xenbus.h.
 */

#include "xenbus.h"

/*
 * xenbus_of -- a device's bus handle
 *
 * Context: any.
 */
struct xenbus_dev *
xenbus_of(struct pv_dev *dev)
{
	return dev->pd_busdata;
}

/*
 * xenbus_xen -- the hypervisor that a device belongs to
 *
 * Context: any.
 */
struct xen *
xenbus_xen(struct pv_dev *dev)
{
	return xenbus_of(dev)->xd_xen;
}

/*
 * xenbus_is_singleton -- console/0 or control/0
 *
 * Context: any.
 */
bool
xenbus_is_singleton(struct pv_dev *dev)
{
	return xenbus_of(dev)->xd_single;
}

/* ---- values ------------------------------------------------------------ */

static uint64_t
xenbus_num(struct pv_dev *dev, const char *dir, const char *key,
    const uint64_t range[2], uint64_t dflt)
{
	uint64_t v;
	int rv;

	rv = xs_read_num(xenbus_xen(dev), XS_NOTRANS, dir, key, range[0],
	    range[1], &v);
	if (rv == 0)
		return v;
	if (rv != -PV_ENOENT)
		pv_log(dev, PV_LOG_WARN, "%s: no number from %llu to %llu, "
		    "taken as %llu", key, (unsigned long long)range[0],
		    (unsigned long long)range[1], (unsigned long long)dflt);
	return dflt;
}

/*
 * xenbus_peer_num -- the peer's value of key, a number in lo..hi, else dflt
 *
 * Context: thread.
 */
uint64_t
xenbus_peer_num(struct pv_dev *dev, const char *key, uint64_t lo, uint64_t hi,
    uint64_t dflt)
{
	const uint64_t range[2] = { lo, hi };

	return xenbus_num(dev, xenbus_of(dev)->xd_peerpath, key, range, dflt);
}

/*
 * xenbus_own_num -- the same in our own directory
 *
 * Context: thread.
 */
uint64_t
xenbus_own_num(struct pv_dev *dev, const char *key, uint64_t lo, uint64_t hi,
    uint64_t dflt)
{
	const uint64_t range[2] = { lo, hi };

	return xenbus_num(dev, xenbus_of(dev)->xd_path, key, range, dflt);
}

static int
xenbus_str(struct pv_dev *dev, const char *dir, const char *key, char *buf,
    size_t size)
{
	char path[XS_PATHMAX];
	int rv = xs_path_join(path, sizeof(path), dir, key);

	buf[0] = '\0';
	if (rv < 0)
		return rv;
	return xs_read(xenbus_xen(dev), XS_NOTRANS, path, buf, size, NULL);
}

/*
 * xenbus_peer_str, xenbus_own_str -- a string; as xs_read()
 *
 * Its bytes are the writer's word.
 * Context: thread.
 */
int
xenbus_peer_str(struct pv_dev *dev, const char *key, char *buf, size_t size)
{
	return xenbus_str(dev, xenbus_of(dev)->xd_peerpath, key, buf, size);
}

int
xenbus_own_str(struct pv_dev *dev, const char *key, char *buf, size_t size)
{
	return xenbus_str(dev, xenbus_of(dev)->xd_path, key, buf, size);
}

struct xenbus_write {
	int		(*xw_fn)(void *, const struct xs_trans *, const char *);
	void		*xw_sc;
	const char	*xw_dir;
};

static int
xenbus_publish_once(void *arg, const struct xs_trans *t)
{
	const struct xenbus_write *xw = arg;

	return xw->xw_fn(xw->xw_sc, t, xw->xw_dir);
}

/*
 * xenbus_publish -- write our keys in one transaction
 *
 * fn may be called more than once.  0 or -PV_E*.
 * Context: thread.
 */
int
xenbus_publish(struct pv_dev *dev, int (*fn)(void *sc,
    const struct xs_trans *, const char *dir), void *sc)
{
	struct xenbus_write xw = {
		.xw_fn = fn, .xw_sc = sc, .xw_dir = xenbus_of(dev)->xd_path
	};

	return xs_transact(xenbus_xen(dev), xenbus_publish_once, &xw);
}

/* ---- rings ------------------------------------------------------------- */

/*
 * xenbus_ring_create -- a zeroed page, granted to the peer read-write
 *
 * Never bounced: both sides must see the same page.  0 or -PV_E*.
 * Context: thread.
 */
int
xenbus_ring_create(struct pv_dev *dev, struct xenbus_ring *xr)
{
	struct xen *x = xenbus_xen(dev);
	int rv;

	xr->xr_va = pv_pages_alloc(dev, 1);
	if (xr->xr_va == NULL)
		return -PV_ENOMEM;
	rv = gnttab_reserve(x, &xr->xr_gref);
	if (rv < 0) {
		pv_pages_free(dev, xr->xr_va, 1);
		xr->xr_va = NULL;
		return rv;
	}
	pv_count(&dev->pd_ngref, 1);
	gnttab_grant(x, xr->xr_gref, (pv_domid_t)dev->pd_peer,
	    pv_os_gfn(xr->xr_va), false);
	return 0;
}

/* The peer let go of a parked ring; its device may be no more. */
static void
xenbus_ring_unparked(void *va)
{
	pv_os_pages_free(va, 1);
}

/*
 * xenbus_ring_destroy -- take the page back, or leave it to the quarantine
 *
 * Idempotent.
 * Context: thread.
 */
void
xenbus_ring_destroy(struct pv_dev *dev, struct xenbus_ring *xr)
{
	struct xen *x = xenbus_xen(dev);

	if (xr->xr_va == NULL)
		return;
	if (gnttab_revoke(x, xr->xr_gref) == 0) {
		gnttab_unreserve(x, xr->xr_gref);
		pv_pages_free(dev, xr->xr_va, 1);
	} else {
		gnttab_park(x, xr->xr_gref, xenbus_ring_unparked, xr->xr_va);
		pv_count(&dev->pd_npage, -1);
	}
	pv_count(&dev->pd_ngref, -1);
	xr->xr_va = NULL;
}
