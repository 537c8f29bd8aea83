/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkback -- Xen virtual block device, back end.
 *
 * The peer (any blkfront) is a guest that the toolstack gave a disk of ours;
 * the disk is any struct pv_blk, which the client finds by the name that the
 * toolstack has for it (pc_vbd_open).  The peer makes one ring, or one for each
 * of its queues, and grants it and the pages of each request to us.  Protocol:
 * xen/include/public/io/blkif.h.
 *
 *	ring --take--> struct blkback_req --submit--> the store
 *	     <--put---                    <--br_done--
 *
 * Its data go through pages of ours: the store never sees the peer's memory,
 * which could change under it, and could not be granted on to another domain.
 * They are copied by the hypervisor, which asks nothing of the peer, or through
 * pages that stay mapped when the peer has persistent grants.
 *
 * Life.  attach makes the table; offer opens the store, which may not be there
 * yet, and says what we can; connect maps the rings and says what the disk is.
 * The order of a peer's requests is its own business, except at a barrier.
 *
 * The store may answer late, perhaps never: a disconnect does not wait for it.
 * What it still has belongs to no connection (rq_epoch), and the next
 * connection waits for it, so that an old write can not come after a new one.
 * When the device goes first, the table stays until the store's last answer.
 *
 * What a hostile peer can do is fail its own requests, break its own
 * connection, and use up what is given to it: BLKBACK_NREQ requests and bt_npg
 * pages, at BLKBACK_BUDGET requests in one run of the handler.
 *
 * Locking: bt_lock guards the table, the rings and all lists.  Connection
 * changes are serialised by core.
 */

#include "blkback.h"
#include "str.h"

static void	 blkback_resized(struct pv_blk_guest *);

/* ---- Attach ------------------------------------------------------------ */

/* Pages for data: as many as there are, within reason. */
static int
blkback_data_create(struct blkback_tab *bt)
{
	for (bt->bt_npg = BLKBACK_NPAGE; bt->bt_npg >= BLKBACK_NPAGE_MIN;
	    bt->bt_npg /= 2) {
		bt->bt_data = pv_pages_alloc(NULL, bt->bt_npg);
		if (bt->bt_data != NULL)
			return 0;
	}
	return -PV_ENOMEM;
}

static int
blkback_attach(void *softc, struct pv_dev *dev)
{
	struct blkback_softc *sc = softc;
	struct blkback_tab *bt;
	struct strbuf sb;
	unsigned int i;

	bt = pv_alloc(NULL, sizeof(*bt));	/* may outlive dev */
	if (bt == NULL)
		return -PV_ENOMEM;
	if (blkback_data_create(bt) < 0) {
		pv_free(NULL, bt, sizeof(*bt));
		return -PV_ENOMEM;
	}
	bt->bt_refs = 1;
	bt->bt_sc = sc;
	bt->bt_client = dev->pd_client;
	list_init(&bt->bt_free);
	list_init(&bt->bt_wait);
	pv_work_init(&bt->bt_again, blkback_io_again, bt, pv_dev_group(dev));
	for (i = 0; i < BLKBACK_NREQ; i++) {
		bt->bt_req[i].rq_tab = bt;
		list_append(&bt->bt_free, &bt->bt_req[i].rq_link);
	}
	bt->bt_guest.bg_domid = (pv_domid_t)dev->pd_peer;
	bt->bt_guest.bg_changed = blkback_resized;
	str_begin(&sb, bt->bt_guest.bg_name, sizeof(bt->bt_guest.bg_name));
	str_add(&sb, dev->pd_name);
	for (i = 0; i < BLKBACK_NQUEUE; i++)
		sc->sc_queue[i].bq_sc = sc;
	sc->sc_tab = bt;
	sc->sc_dev = dev;
	return 0;
}

static void
blkback_detach(void *softc)
{
	struct blkback_softc *sc = softc;

	blkback_io_leave(sc->sc_tab);
	sc->sc_tab = NULL;
}

/* ---- Offer ------------------------------------------------------------- */

static int
blkback_open(struct blkback_softc *sc)
{
	struct blkback_tab *bt = sc->sc_tab;
	struct pv_blk_guest *bg = &bt->bt_guest;
	int rv = blkback_xs_read(sc);

	if (rv == 0)
		rv = bt->bt_client->pc_vbd_open(bg);
	if (rv == -PV_EAGAIN || rv == 0)
		return rv;
	/* It is asked for again and again: tell a reason once. */
	if (rv != sc->sc_said)
		pv_log(sc->sc_dev, PV_LOG_ERR, "\"%s\" can not be served "
		    "(error %d)", bg->bg_what, -rv);
	sc->sc_said = rv;
	return rv;
}

static int
blkback_offer(void *softc)
{
	struct blkback_softc *sc = softc;
	struct blkback_tab *bt = sc->sc_tab;
	int rv = 0;

	if (!bt->bt_opened)
		rv = blkback_open(sc);
	if (rv < 0)
		return rv;
	bt->bt_opened = true;
	return blkback_xs_offer(sc);
}

/* ---- Connection -------------------------------------------------------- */

/* Map a queue's ring and bind its port. */
static int
blkback_queue_create(struct blkback_softc *sc, unsigned int n)
{
	struct blkback_queue *bq = &sc->sc_queue[n];
	struct pv_dev *dev = sc->sc_dev;
	struct xen *x = xenbus_xen(dev);
	evport_t port;
	unsigned int i;
	int rv;

	rv = blkback_xs_queue(sc, n, &port);
	if (rv < 0)
		return rv;
	rv = window_create(x, &bq->bq_window, bq->bq_npg);
	if (rv < 0)
		return rv;
	for (i = 0; i < bq->bq_npg; i++) {
		bq->bq_page[i].gm_dom = (pv_domid_t)dev->pd_peer;
		bq->bq_page[i].gm_readonly = false;
		bq->bq_page[i].gm_addr = window_addr(x, &bq->bq_window, i);
	}
	rv = gntmap_map(x, dev, bq->bq_page, bq->bq_npg);
	if (rv < 0)
		return rv;
	bring_init(&bq->bq_ring, bq->bq_window.wi_va,
	    (size_t)bq->bq_npg * PV_PAGE_SIZE, sc->sc_abi->ab_reqlen,
	    sc->sc_abi->ab_rsplen);
	if (sc->sc_persistent)
		blkback_map_create(bq);
	return evtchn_bind_peer(x, dev, (pv_domid_t)dev->pd_peer, port,
	    &bq->bq_eh, blkback_io_intr, bq);
}

/* Idempotent; half-built ones too.  The handler is closed. */
static void
blkback_queue_destroy(struct blkback_softc *sc, struct blkback_queue *bq)
{
	struct xen *x = xenbus_xen(sc->sc_dev);

	blkback_map_destroy(bq);
	if (bq->bq_window.wi_va == NULL)
		return;
	if (gntmap_unmap(x, sc->sc_dev, bq->bq_page, bq->bq_npg) == 0) {
		window_destroy(x, &bq->bq_window);
		return;
	}
	/* An address that is still mapped is of no use to anybody. */
	sc->sc_dev->pd_kept = true;
	bq->bq_window = (struct window){ 0 };
}

/* Wait for what the store has of the connection before. */
static int
blkback_quiet(struct blkback_tab *bt)
{
	uint64_t end = pv_now() + BLKBACK_PATIENCE;
	unsigned int n;

	do {
		pv_lock(&bt->bt_lock);
		n = bt->bt_nstore;
		pv_unlock(&bt->bt_lock);
	} while (n > 0 && pv_wait(&bt->bt_quiet, end) == 0);
	return n > 0 ? -PV_EBUSY : 0;
}

/* Requests are served from now on. */
static void
blkback_go(struct blkback_softc *sc)
{
	struct blkback_tab *bt = sc->sc_tab;
	struct pv_blk_guest *bg = &bt->bt_guest;
	unsigned int i;

	bg->bg_abi = sc->sc_abi->ab_name;
	bg->bg_nqueue = sc->sc_nqueue;
	bg->bg_persistent = sc->sc_persistent;
	for (i = 0, bg->bg_npage = 0; i < sc->sc_nqueue; i++)
		bg->bg_npage += sc->sc_queue[i].bq_npg;
	bg->bg_connected = true;
	pv_lock(&bt->bt_lock);
	bt->bt_epoch++;
	bt->bt_up = true;
	pv_unlock(&bt->bt_lock);
	/* peer: may have put requests before we said that we are there. */
	for (i = 0; i < sc->sc_nqueue; i++)
		evtchn_again(&sc->sc_queue[i].bq_eh);
}

static int
blkback_connect(void *softc)
{
	struct blkback_softc *sc = softc;
	unsigned int n;
	int rv;

	rv = blkback_quiet(sc->sc_tab);
	if (rv == 0)
		rv = blkback_xs_peer(sc);
	for (n = 0; rv == 0 && n < sc->sc_nqueue; n++)
		rv = blkback_queue_create(sc, n);
	if (rv < 0)
		return rv;
	sc->sc_told = sc->sc_tab->bt_guest.bg_blk->bk_nsect;
	rv = blkback_xs_describe(sc, false);
	if (rv == 0)
		blkback_go(sc);
	return rv;
}

static int
blkback_start(void *softc)
{
	struct blkback_softc *sc = softc;
	const struct pv_blk_guest *bg = &sc->sc_tab->bt_guest;

	pv_log(sc->sc_dev, PV_LOG_INFO, "serves \"%s\", %llu sectors, blocks "
	    "of %u, %u queue%s, %u page%s of ring%s%s", bg->bg_what,
	    (unsigned long long)sc->sc_told, bg->bg_blk->bk_bsize,
	    bg->bg_nqueue, bg->bg_nqueue == 1 ? "" : "s", bg->bg_npage,
	    bg->bg_npage == 1 ? "" : "s",
	    bg->bg_persistent ? ", persistent" : "",
	    bg->bg_readonly || (bg->bg_blk->bk_flags & PV_BLK_RO) != 0 ?
	    ", read only" : "");
	return 0;
}

static void
blkback_disconnect(void *softc)
{
	struct blkback_softc *sc = softc;
	struct blkback_tab *bt = sc->sc_tab;
	unsigned int i;

	pv_lock(&bt->bt_lock);
	bt->bt_up = false;
	pv_unlock(&bt->bt_lock);
	for (i = 0; i < BLKBACK_NQUEUE; i++)
		evtchn_close(&sc->sc_queue[i].bq_eh);
	blkback_io_stop(sc);
	for (i = 0; i < BLKBACK_NQUEUE; i++)
		blkback_queue_destroy(sc, &sc->sc_queue[i]);
	bt->bt_guest.bg_connected = false;
	sc->sc_nqueue = 0;
}

/* ---- Size -------------------------------------------------------------- */

/* The peer said Connected once more, or blkback_resized() did for it. */
static void
blkback_changed(void *softc)
{
	struct blkback_softc *sc = softc;
	uint64_t nsect = sc->sc_tab->bt_guest.bg_blk->bk_nsect;
	int rv;

	if (nsect == sc->sc_told)
		return;
	sc->sc_told = nsect;
	rv = blkback_xs_describe(sc, true);
	pv_log(sc->sc_dev, rv < 0 ? PV_LOG_WARN : PV_LOG_INFO,
	    "now %llu sectors%s", (unsigned long long)nsect,
	    rv < 0 ? ", which the guest could not be told" : "");
}

/* bg_changed: have the device's own work look, when it is connected. */
static void
blkback_resized(struct pv_blk_guest *bg)
{
	struct blkback_tab *bt = PV_CONTAINER(bg, struct blkback_tab,
	    bt_guest);

	pv_lock(&bt->bt_lock);
	if (bt->bt_sc != NULL && bt->bt_up)
		pv_dev_event(bt->bt_sc->sc_dev, PV_EV_RUNNING);
	pv_unlock(&bt->bt_lock);
}

/* ---- Driver ------------------------------------------------------------ */

static const char *const blkback_settings[] = {
	"blkback.indirect", "blkback.persistent", "blkback.queues",
	"blkback.ring_order", NULL
};

const struct pv_driver blkback_driver = {
	.dv_name = "blkback",
	.dv_match = "backend/vbd",
	.dv_scsize = sizeof(struct blkback_softc),
	.dv_attach = blkback_attach,
	.dv_detach = blkback_detach,
	.dv_offer = blkback_offer,
	.dv_connect = blkback_connect,
	.dv_start = blkback_start,
	.dv_disconnect = blkback_disconnect,
	.dv_changed = blkback_changed,
	.dv_settings = blkback_settings
};
