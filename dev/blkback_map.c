/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkback_map.c -- pages of the peer's that stay mapped, which saves the
 * hypervisor's copying; see blkback.h.
 *
 * A peer that has persistent grants uses the same ones again and again, and
 * takes none back while the connection lasts.  Each is mapped when it is first
 * seen, as long as there is room, and stays so to the end.  There is no need
 * to make room: what is not mapped is copied by the hypervisor, as all is for
 * peers that have no such grants.
 *
 * Lock: bt_lock, for bk_state; a page that is ready is so until the end.
 */

#include "blkback.h"

#define BLKBACK_MAP_PROBES 8u

/*
 * The place of a grant: where it is, or may be put.  NULL: none left nearby.
 * Lock: bt_lock.
 */
static struct blkback_kept *
blkback_map_find(struct blkback_queue *bq, gref_t ref)
{
	struct blkback_kept *bk;
	unsigned int i;

	for (i = 0; i < BLKBACK_MAP_PROBES; i++) {
		bk = &bq->bq_kept[(gref_x(ref) + i) % bq->bq_nkept];
		if (bk->bk_state == BLKBACK_KEPT_NONE ||
		    gref_eq(bk->bk_gm.gm_ref, ref))
			return bk;
	}
	return NULL;
}

/* Map a page that was found not to be; it is ours alone meanwhile.  True: now
   it is. */
static bool
blkback_map_one(struct blkback_queue *bq, struct blkback_kept *bk)
{
	struct blkback_softc *sc = bq->bq_sc;
	struct xen *x = xenbus_xen(sc->sc_dev);
	struct pv_lock *lk = &sc->sc_tab->bt_lock;
	int rv;

	bk->bk_gm.gm_dom = (pv_domid_t)sc->sc_dev->pd_peer;
	bk->bk_gm.gm_addr = window_addr(x, &bq->bq_keptwin,
	    (unsigned int)(bk - bq->bq_kept));
	rv = gntmap_map_once(x, sc->sc_dev, &bk->bk_gm, 1);
	pv_lock(lk);
	/* peer: it may have granted it for reading only. */
	bk->bk_state = rv == 0 ? BLKBACK_KEPT_READY :
	    rv == -PV_EAGAIN ? BLKBACK_KEPT_NONE : BLKBACK_KEPT_BAD;
	sc->sc_tab->bt_guest.bg_nmap += rv == 0;
	pv_unlock(lk);
	return rv == 0;
}

/* Where a grant is mapped, or NULL. */
static char *
blkback_map_page(struct blkback_queue *bq, gref_t ref)
{
	struct pv_lock *lk = &bq->bq_sc->sc_tab->bt_lock;
	struct blkback_kept *bk;
	bool ready, mine = false;

	if (bq->bq_kept == NULL)
		return NULL;
	pv_lock(lk);
	bk = blkback_map_find(bq, ref);
	ready = bk != NULL && bk->bk_state == BLKBACK_KEPT_READY;
	if (bk != NULL && bk->bk_state == BLKBACK_KEPT_NONE) {
		mine = true;
		bk->bk_state = BLKBACK_KEPT_BUSY;
		bk->bk_gm.gm_ref = ref;
	}
	pv_unlock(lk);
	if (mine)
		ready = blkback_map_one(bq, bk);
	return ready ? bq->bq_keptwin.wi_va +
	    (size_t)(bk - bq->bq_kept) * PV_PAGE_SIZE : NULL;
}

/*
 * blkback_map_copy -- copy n pieces of the peer's, through mappings or not
 *
 * gc is used up.  As gntmap_copy_once().
 * Context: deferred.
 */
int
blkback_map_copy(struct blkback_queue *bq, struct gntmap_copy *gc,
    unsigned int n)
{
	struct pv_blk_guest *bg = &bq->bq_sc->sc_tab->bt_guest;
	unsigned int i, k = 0;
	char *page;

	for (i = 0; i < n; i++) {
		page = blkback_map_page(bq, gc[i].gc_ref);
		if (page == NULL)
			gc[k++] = gc[i];
		else if (gc[i].gc_write)
			shm_copy_out(page + gc[i].gc_off, gc[i].gc_va,
			    gc[i].gc_len);
		else
			shm_copy_in(gc[i].gc_va, page + gc[i].gc_off,
			    gc[i].gc_len);
	}
	bg->bg_nmapped += n - k;
	bg->bg_ncopy += k;
	return k == 0 ? 0 : gntmap_copy_once(xenbus_xen(bq->bq_sc->sc_dev), gc,
	    k);
}

/*
 * blkback_map_create -- make room for pages that stay mapped
 *
 * Without memory for it there is none, and all is copied.
 * Context: thread.
 */
void
blkback_map_create(struct blkback_queue *bq)
{
	struct blkback_softc *sc = bq->bq_sc;

	bq->bq_nkept = BLKBACK_NKEPT / sc->sc_nqueue;
	bq->bq_kept = pv_alloc(sc->sc_dev, bq->bq_nkept *
	    sizeof(*bq->bq_kept));
	if (bq->bq_kept == NULL)
		return;
	if (window_create(xenbus_xen(sc->sc_dev), &bq->bq_keptwin,
	    bq->bq_nkept) < 0) {
		pv_free(sc->sc_dev, bq->bq_kept, bq->bq_nkept *
		    sizeof(*bq->bq_kept));
		bq->bq_kept = NULL;
	}
}

/*
 * blkback_map_destroy -- unmap all; idempotent
 *
 * Context: thread; nobody copies any more.
 */
void
blkback_map_destroy(struct blkback_queue *bq)
{
	struct blkback_softc *sc = bq->bq_sc;
	struct xen *x;
	unsigned int i;
	int rv = 0;

	if (bq->bq_kept == NULL)
		return;
	x = xenbus_xen(sc->sc_dev);
	for (i = 0; i < bq->bq_nkept; i++) {
		if (bq->bq_kept[i].bk_state == BLKBACK_KEPT_READY &&
		    gntmap_unmap(x, sc->sc_dev, &bq->bq_kept[i].bk_gm, 1) < 0)
			rv = -PV_EIO;
	}
	/* An address that is still mapped is of no use to anybody. */
	if (rv == 0)
		window_destroy(x, &bq->bq_keptwin);
	else
		sc->sc_dev->pd_kept = true;
	pv_free(sc->sc_dev, bq->bq_kept, bq->bq_nkept * sizeof(*bq->bq_kept));
	bq->bq_kept = NULL;
	sc->sc_tab->bt_guest.bg_nmap = 0;
}
