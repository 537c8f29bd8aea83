/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkfront -- Xen virtual block device, front end.
 *
 * The peer (xen-blkback, QEMU's qdisk, any blkback) owns a disk; we own up to
 * eight queues, each a ring of one, two or four pages with an event channel,
 * a lock and grants of its own; a request's br_cpu chooses.  Where the peer
 * can keep what it has mapped the data is copied through pages that stay
 * granted (core/dma.h, lasting), else it is lent the consumer's own pages for
 * the time of a request.  Protocol: xen/include/public/io/blkif.h.
 *
 * Three kinds of things are on their way at any moment:
 *
 *	struct pv_blk_req	the consumer's request, of any length
 *	struct blkfront_io	our side of it: how far it is, how it went
 *	struct blkfront_req	one entry of the ring: up to 11 segments, or
 *				256 with BLKIF_OP_INDIRECT (blkfront_req.c)
 *
 *	consumer --submit--> io on q_feed --put--> req on the ring
 *	         <--br_done-- io done  <--settle--  req answered <--complete--
 *
 * A consumer's request is cut into as many ring requests as it needs, always
 * between two blocks of the disk.  When the ring is full or grants are short
 * the io waits on q_feed and goes on as answers come; while something waits
 * there further submits get -PV_EAGAIN.  An io is done when nothing of it is
 * left to put, on the ring, or in quarantine.
 *
 * Quarantine.  A peer may keep a grant although it has answered.  Then the
 * consumer's buffer is not free to use, so its request is not done: the map
 * is parked, and the io finishes from the quarantine's call back, which may
 * come after the device has gone.  Therefore the ios and the lock of a queue
 * live in a table of their own with a count of references: the queue's, and
 * one for each parked map.  Lasting pages are parked only when they are given
 * up: what the consumer lends is its own again at each answer.
 *
 * A peer that goes away (its domain ended or was restarted) takes nothing
 * with it: the device stays, what was under way is held back, and when the
 * next peer connects it is all put again from its start, in the order of
 * submission to each queue; what is left of queues that the next peer has not
 * got goes to the first one (q_wait).  A read or write that was done already
 * is done twice so, which nobody can see: until its answer the consumer may
 * not assume anything of these sectors.  What the new disk can not do is
 * answered with an error.
 *
 * A peer that breaks the protocol, or is told to let go by the toolstack:
 * every request that was under way fails (-PV_EPROTO, -PV_ENXIO), new ones
 * get -PV_ENXIO, and the device is announced anew when a peer connects again.
 *
 * Flush is BLKIF_OP_FLUSH_DISKCACHE, else a barrier without data.  A peer may
 * refuse an operation at any time that it has offered before; then the offer
 * is forgotten.
 *
 * Locking: bt_lock of each queue guards its table, ring, ids, grants and
 * lists.  sc_lock, taken inside it, guards what the disk is, what it can
 * still do, and the statistics.  The connection's functions are serialised by
 * core.
 */

#include "blkfront.h"

/* ---- State ------------------------------------------------------------- */

static const char *const blkfront_settings[] = {
	"blkfront.max_queues", "blkfront.persistent_pages", NULL
};

/* ---- Attach ------------------------------------------------------------ */

static int
blkfront_attach(void *softc, struct pv_dev *dev)
{
	struct blkfront_softc *sc = softc;

	sc->sc_dev = dev;
	sc->sc_nq = 1;
	blkfront_xs_name(sc);
	sc->sc_unit.un_client = dev->pd_client;
	sc->sc_unit.un_family = "blkfront";
	sc->sc_unit.un_unit = sc->sc_vdev;
	sc->sc_blk.bk_name = sc->sc_name;
	sc->sc_blk.bk_ops = &blkfront_io_ops;
	sc->sc_blk.bk_sc = sc;
	return blkfront_io_create(sc, 0);
}

static void
blkfront_detach(void *softc)
{
	struct blkfront_softc *sc = softc;
	unsigned int i;

	for (i = 0; i < BLKFRONT_NQ; i++)
		blkfront_io_destroy(sc, i);
}

/* ---- Connection -------------------------------------------------------- */

/* Ring and event channel of a queue. */
static int
blkfront_open(struct blkfront_softc *sc, unsigned int no)
{
	struct blkfront_queue *q;
	int rv = 0;

	if (sc->sc_q[no] == NULL)
		rv = blkfront_io_create(sc, no);
	if (rv < 0)
		return rv;
	q = sc->sc_q[no];
	rv = xenbus_ring_create(sc->sc_dev, &q->q_page, 1u << sc->sc_order);
	if (rv < 0)
		return rv;
	fring_init(&q->q_ring, q->q_page.xr_va,
	    (size_t)PV_PAGE_SIZE << sc->sc_order, sizeof(struct blkif_request),
	    sizeof(struct blkif_response));
	PV_ASSERT(q->q_ring.fr_size == 32u << sc->sc_order);
	idmap_init(&q->q_ids, q->q_slot, q->q_ring.fr_size);
	return evtchn_alloc(xenbus_xen(sc->sc_dev), sc->sc_dev,
	    (pv_domid_t)sc->sc_dev->pd_peer, &q->q_eh, blkfront_io_intr, q);
}

static void
blkfront_close(struct blkfront_softc *sc, struct blkfront_queue *q)
{
	evtchn_close(&q->q_eh);
	xenbus_ring_destroy(sc->sc_dev, &q->q_page);
}

static int
blkfront_connect(void *softc)
{
	struct blkfront_softc *sc = softc;
	unsigned int i;
	int rv;

	sc->sc_error = -PV_ENXIO;
	blkfront_xs_shape(sc);
	rv = blkfront_open(sc, 0);
	if (rv < 0)
		return rv;
	for (i = 1; i < sc->sc_nring; i++) {
		rv = blkfront_open(sc, i);
		if (rv == 0)
			continue;
		/* With fewer queues the device works too. */
		pv_log(sc->sc_dev, PV_LOG_WARN, "only %u of %u queues (error"
		    " %d)", i, sc->sc_nring, -rv);
		if (sc->sc_q[i] != NULL)
			blkfront_close(sc, sc->sc_q[i]);
		sc->sc_nring = i;
	}
	return blkfront_xs_publish(sc);
}

/* Take over what the peer says of its disk. */
static void
blkfront_describe(struct blkfront_softc *sc, const struct blkfront_peer *bp)
{
	struct pv_blk *bk = &sc->sc_blk;

	pv_lock(&sc->sc_lock);
	bk->bk_nsect = bp->bp_sectors;
	bk->bk_bsize = (uint32_t)bp->bp_bsize;
	bk->bk_maxio = BLKFRONT_MAXIO;
	bk->bk_flags = bp->bp_flags;
	bk->bk_psize = (uint32_t)bp->bp_psize;
	bk->bk_discalign = (uint32_t)(bp->bp_discgran >> PV_SECT_SHIFT);
	bk->bk_nqueue = sc->sc_nring;
	sc->sc_nseg = bp->bp_nseg > BLKFRONT_NSEG ? (unsigned int)bp->bp_nseg :
	    BLKFRONT_NSEG;
	sc->sc_last = sc->sc_nlast > 0 && bp->bp_persist;
	sc->sc_barrier = bp->bp_barrier != 0;
	sc->sc_flushop = bp->bp_flush != 0 ? BLKIF_OP_FLUSH_DISKCACHE :
	    sc->sc_barrier ? BLKIF_OP_WRITE_BARRIER : 0;
	pv_unlock(&sc->sc_lock);
}

static void
blkfront_tell(const struct blkfront_softc *sc)
{
	const struct pv_blk *bk = &sc->sc_blk;

	pv_log(sc->sc_dev, PV_LOG_INFO, "%s: %llu sectors, blocks of %u, "
	    "%u rings of %u%s%s%s%s", sc->sc_name,
	    (unsigned long long)bk->bk_nsect, bk->bk_bsize, sc->sc_nring,
	    32u << sc->sc_order,
	    sc->sc_nseg > BLKFRONT_NSEG ? ", indirect" : "",
	    sc->sc_last ? ", persistent" : "",
	    (bk->bk_flags & PV_BLK_RO) != 0 ? ", read only" : "",
	    sc->sc_flushop != 0 ? ", flush" : "");
}

/* Withdraw the class device. */
static void
blkfront_withdraw(struct blkfront_softc *sc)
{
	const struct pv_client *pc = sc->sc_dev->pd_client;

	if (sc->sc_announced && pc->pc_blk_down != NULL)
		pc->pc_blk_down(&sc->sc_blk);
	sc->sc_announced = false;
}

static void
blkfront_announce(struct blkfront_softc *sc, uint64_t was)
{
	const struct pv_client *pc = sc->sc_dev->pd_client;
	bool up = !sc->sc_announced;

	sc->sc_announced = true;
	if (up && pc->pc_blk_up != NULL)
		pc->pc_blk_up(&sc->sc_blk);
	if (!up && was != sc->sc_blk.bk_nsect && pc->pc_blk_resized != NULL)
		pc->pc_blk_resized(&sc->sc_blk);
}

/*
 * Take everything off all queues; see blkfront_io_drop().  The first queue
 * comes last: another may still give it what was parked.
 */
static void
blkfront_drop(struct blkfront_softc *sc, bool hold)
{
	unsigned int i;

	for (i = BLKFRONT_NQ; i-- > 0;)
		if (sc->sc_q[i] != NULL)
			blkfront_io_drop(sc->sc_q[i], hold);
}

static int
blkfront_start(void *softc)
{
	struct blkfront_softc *sc = softc;
	uint64_t was = sc->sc_blk.bk_nsect;
	struct blkfront_peer bp;
	unsigned int i;
	int rv;

	rv = blkfront_xs_read(sc, &bp);
	if (rv < 0) {
		pv_log(sc->sc_dev, PV_LOG_ERR, "no usable sectors or "
		    "sector-size");
		return rv;
	}
	/* Who holds the device open counts on the size of its blocks. */
	if (sc->sc_announced && bp.bp_bsize != sc->sc_blk.bk_bsize) {
		blkfront_io_stop(sc, false);
		blkfront_drop(sc, false);
		blkfront_withdraw(sc);
	}
	blkfront_describe(sc, &bp);
	for (i = 0; i < sc->sc_nring; i++) {
		rv = blkfront_req_create(sc->sc_q[i]);
		if (rv < 0)
			return rv;
	}
	blkfront_tell(sc);
	blkfront_io_go(sc);
	blkfront_announce(sc, was);
	return 0;
}

/* The peer said Connected once more: its size may have changed. */
static void
blkfront_changed(void *softc)
{
	struct blkfront_softc *sc = softc;
	const struct pv_client *pc = sc->sc_dev->pd_client;
	struct blkfront_peer bp;

	/* peer: keeps its old size when the new one makes no sense. */
	if (blkfront_xs_read(sc, &bp) < 0 ||
	    bp.bp_bsize != sc->sc_blk.bk_bsize) {
		pv_log(sc->sc_dev, PV_LOG_WARN, "new size ignored");
		return;
	}
	if (bp.bp_sectors == sc->sc_blk.bk_nsect)
		return;
	pv_lock(&sc->sc_lock);
	sc->sc_blk.bk_nsect = bp.bp_sectors;
	pv_unlock(&sc->sc_lock);
	pv_log(sc->sc_dev, PV_LOG_INFO, "%s: now %llu sectors", sc->sc_name,
	    (unsigned long long)bp.bp_sectors);
	if (pc->pc_blk_resized != NULL)
		pc->pc_blk_resized(&sc->sc_blk);
}

static bool
blkfront_busy(void *softc)
{
	struct blkfront_softc *sc = softc;

	return sc->sc_blk.bk_users > 0;
}

static void
blkfront_disconnect(void *softc)
{
	struct blkfront_softc *sc = softc;
	bool hold = sc->sc_announced && pv_dev_held(sc->sc_dev);
	unsigned int i;

	blkfront_io_stop(sc, hold);
	/* Rings before requests: a peer that still has one can not go on. */
	for (i = 0; i < BLKFRONT_NQ && sc->sc_q[i] != NULL; i++)
		blkfront_close(sc, sc->sc_q[i]);
	blkfront_drop(sc, hold);
	for (i = 0; i < BLKFRONT_NQ && sc->sc_q[i] != NULL; i++)
		blkfront_req_destroy(sc->sc_q[i]);
	if (!hold)
		blkfront_withdraw(sc);
}

/* ---- Driver ------------------------------------------------------------ */

const struct pv_driver blkfront_driver = {
	.dv_name = "blkfront",
	.dv_match = "vbd",
	.dv_scsize = sizeof(struct blkfront_softc),
	.dv_attach = blkfront_attach,
	.dv_detach = blkfront_detach,
	.dv_connect = blkfront_connect,
	.dv_start = blkfront_start,
	.dv_disconnect = blkfront_disconnect,
	.dv_changed = blkfront_changed,
	.dv_busy = blkfront_busy,
	.dv_settings = blkfront_settings,
};
