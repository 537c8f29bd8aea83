/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenbus_dev.c -- what drivers of xenbus call; see xenbus.h.
 */

#include "xenbus.h"

#define XENBUS_WRITES	3		/* of a state; the store may fail */

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

/* A ring of which the peer keeps pages: freed when it has none any more. */
struct xenbus_left {
	void		*xl_va;
	unsigned int	 xl_npg;
	unsigned int	 xl_nbusy;	/* atomic; one for who counts them */
};

/* One page less that the peer keeps; the device may be no more. */
static void
xenbus_ring_unparked(void *arg)
{
	struct xenbus_left *xl = arg;

	if (__atomic_sub_fetch(&xl->xl_nbusy, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	pv_os_pages_free(xl->xl_va, xl->xl_npg);
	pv_os_free(xl, sizeof(*xl));
}

/* Take the grants back, or park those of pages that the peer keeps. */
static void
xenbus_ring_revoke(struct xen *x, struct xenbus_ring *xr)
{
	struct xenbus_left *xl = xr->xr_left;
	unsigned int i;

	for (i = 0; i < xr->xr_npg; i++) {
		if (gnttab_revoke(x, xr->xr_gref[i]) == 0) {
			gnttab_unreserve(x, xr->xr_gref[i]);
			continue;
		}
		(void)__atomic_add_fetch(&xl->xl_nbusy, 1, __ATOMIC_RELAXED);
		gnttab_park(x, xr->xr_gref[i], xenbus_ring_unparked, xl);
	}
}

/*
 * xenbus_ring_create -- npg zeroed pages, granted to the peer read-write
 *
 * npg is at most XENBUS_RING_MAX.  Never bounced: both sides must see the
 * same pages.  0 or -PV_E*.
 * Context: thread.
 */
int
xenbus_ring_create(struct pv_dev *dev, struct xenbus_ring *xr,
    unsigned int npg)
{
	struct xen *x = xenbus_xen(dev);
	char *va = pv_os_pages_alloc(npg);
	unsigned int i;
	int rv = -PV_ENOMEM;

	PV_ASSERT(npg <= XENBUS_RING_MAX);
	xr->xr_left = pv_os_alloc(sizeof(*xr->xr_left));
	if (va == NULL || xr->xr_left == NULL)
		goto err_mem;
	for (i = 0; i < npg; i++) {
		rv = gnttab_reserve_for(dev, &xr->xr_gref[i]);
		if (rv < 0)
			goto err_gref;
	}
	for (i = 0; i < npg; i++)
		gnttab_grant(x, xr->xr_gref[i], (pv_domid_t)dev->pd_peer,
		    pv_os_gfn(va + i * PV_PAGE_SIZE), false);
	xr->xr_left->xl_va = xr->xr_va = va;
	xr->xr_left->xl_npg = xr->xr_npg = npg;
	pv_count(&dev->pd_ngref, (int)npg);
	pv_count(&dev->pd_npage, (int)npg);
	return 0;

err_gref:
	while (i-- > 0)
		gnttab_unreserve(x, xr->xr_gref[i]);
err_mem:
	if (va != NULL)
		pv_os_pages_free(va, npg);
	pv_os_free(xr->xr_left, sizeof(*xr->xr_left));
	xr->xr_left = NULL;
	return rv;
}

/*
 * xenbus_ring_destroy -- take the pages back, or leave them to the quarantine
 *
 * Idempotent.
 * Context: thread.
 */
void
xenbus_ring_destroy(struct pv_dev *dev, struct xenbus_ring *xr)
{
	if (xr->xr_va == NULL)
		return;
	xr->xr_left->xl_nbusy = 1;
	xenbus_ring_revoke(xenbus_xen(dev), xr);
	xenbus_ring_unparked(xr->xr_left);
	pv_count(&dev->pd_npage, -(int)xr->xr_npg);
	pv_count(&dev->pd_ngref, -(int)xr->xr_npg);
	xr->xr_va = NULL;
	xr->xr_left = NULL;
}

/* ---- our own state ----------------------------------------------------- */

/* Not in a directory that the toolstack has removed: a write would make it. */
static int
xenbus_write_state(void *arg, const struct xs_trans *t)
{
	struct xenbus_dev *xd = arg;
	uint64_t was;
	int rv;

	rv = xs_read_num(xd->xd_xen, t, xd->xd_path, "state", 0, UINT32_MAX,
	    &was);
	if (rv < 0 && rv != -PV_EINVAL && rv != -PV_ERANGE)
		return rv;
	return xs_write_num(xd->xd_xen, t, xd->xd_path, "state",
	    xd->xd_state);
}

/*
 * xenbus_set_state -- tell the peer our state
 *
 * xd_state is set first, so that what the peer does next meets the right row
 * of the table.  0 or -PV_E*.
 * Context: thread.
 */
int
xenbus_set_state(struct xenbus_dev *xd, enum xenbus_state state)
{
	unsigned int n = 0;
	int rv;

	if (xd->xd_single)
		return 0;
	xd->xd_state = state;
	/* A peer that is not told holds on to our pages: try hard. */
	do {
		rv = xs_transact(xd->xd_xen, xenbus_write_state, xd);
	} while ((rv == -PV_ENOMEM || rv == -PV_ENOSPC || rv == -PV_EAGAIN) &&
	    ++n < XENBUS_WRITES);
	if (rv < 0 && rv != -PV_ENOENT)
		pv_log(xd->xd_dev, PV_LOG_WARN, "can not write its state "
		    "(error %d)", -rv);
	return rv;
}
