/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkfront -- Xen virtual block device, front end.
 *
 * The peer (xen-blkback, QEMU's qdisk, any blkback) owns a disk; we own a
 * ring of one, two or four pages and lend it the consumer's pages for the
 * time of a request.  Protocol: xen/include/public/io/blkif.h.
 *
 * Three kinds of things are on their way at any moment:
 *
 *	struct pv_blk_req	the consumer's request, of any length
 *	struct blkfront_io	our side of it: how far it is, how it went
 *	struct blkfront_req	one entry of the ring: up to 11 segments, or
 *				256 with BLKIF_OP_INDIRECT (blkfront_req.c)
 *
 *	consumer --submit--> io on sc_feed --put--> req on the ring
 *	         <--br_done-- io done  <--settle--  req answered <--complete--
 *
 * A consumer's request is cut into as many ring requests as it needs, always
 * between two blocks of the disk.  When the ring is full or grants are short
 * the io waits on sc_feed and goes on as answers come; while something waits
 * there further submits get -PV_EAGAIN.  An io is done when nothing of it is
 * left to put, on the ring, or in quarantine.
 *
 * Quarantine.  A peer may keep a grant although it has answered.  Then the
 * consumer's buffer is not free to use, so its request is not done: the map
 * is parked, and the io finishes from the quarantine's call back, which may
 * come after the device has gone.  Therefore the ios and the lock live in a
 * table of their own with a count of references: the device's, and one for
 * each parked map.
 *
 * A peer that goes away (its domain ended or was restarted) takes nothing
 * with it: the device stays, what was under way is held back, and when the
 * next peer connects it is all put again from its start, in the order of
 * submission.  A read or write that was done already is done twice so, which
 * nobody can see: until its answer the consumer may not assume anything of
 * these sectors.  What the new disk can not do is answered with an error.
 *
 * A peer that breaks the protocol, or is told to let go by the toolstack:
 * every request that was under way fails (-PV_EPROTO, -PV_ENXIO), new ones
 * get -PV_ENXIO, and the device is announced anew when a peer connects again.
 *
 * Flush is BLKIF_OP_FLUSH_DISKCACHE, else a barrier without data.  A peer may
 * refuse an operation at any time that it has offered before; then the offer
 * is forgotten.
 *
 * Locking: bt_lock guards the table, the ring, the ids, the stock of grants
 * and all lists.  The connection's functions are serialised by core.
 */

#include "blkfront.h"

/* ---- Names ------------------------------------------------------------- */

static void	 blkfront_drop(struct blkfront_softc *, bool hold);
static void	 blkfront_drop_io(struct blkfront_softc *, struct blkfront_io *,
		    bool hold, struct list *);
static unsigned int blkfront_recheck_locked(struct blkfront_softc *,
		    struct list *);
static void	 blkfront_feed_locked(struct blkfront_softc *);
static enum evtchn_result blkfront_intr(void *);
static void	 blkfront_done(struct blkfront_softc *, struct list *);
static void	 blkfront_finish(struct blkfront_tab *, struct list *);
static void	 blkfront_fail(struct blkfront_softc *, const char *);
static const struct pv_blk_ops blkfront_ops;

/* ---- Attach ------------------------------------------------------------ */

static int
blkfront_attach(void *softc, struct pv_dev *dev)
{
	struct blkfront_softc *sc = softc;
	struct blkfront_tab *bt;
	unsigned int i;

	sc->sc_dev = dev;
	bt = pv_alloc(NULL, sizeof(*bt));	/* may outlive dev */
	if (bt == NULL)
		return -PV_ENOMEM;
	bt->bt_refs = 1;
	bt->bt_sc = sc;
	list_init(&bt->bt_free);
	list_init(&bt->bt_active);
	for (i = 0; i < BLKFRONT_NIO; i++) {
		bt->bt_io[i].io_tab = bt;
		list_append(&bt->bt_free, &bt->bt_io[i].io_link);
	}
	sc->sc_tab = bt;
	list_init(&sc->sc_idle);
	list_init(&sc->sc_feed);
	for (i = 0; i < BLKFRONT_NREQ; i++)
		list_append(&sc->sc_idle, &sc->sc_rq[i].rq_link);
	blkfront_xs_name(sc);
	sc->sc_blk.bk_name = sc->sc_name;
	sc->sc_blk.bk_ops = &blkfront_ops;
	sc->sc_blk.bk_sc = sc;
	return 0;
}

/* The last one to leave the table frees it. */
static void
blkfront_tab_put(struct blkfront_tab *bt)
{
	bool last;

	pv_lock(&bt->bt_lock);
	last = --bt->bt_refs == 0;
	pv_unlock(&bt->bt_lock);
	if (last)
		pv_free(NULL, bt, sizeof(*bt));
}

static void
blkfront_detach(void *softc)
{
	struct blkfront_softc *sc = softc;

	blkfront_tab_put(sc->sc_tab);
	sc->sc_tab = NULL;
}

/* ---- Connection -------------------------------------------------------- */

static int
blkfront_connect(void *softc)
{
	struct blkfront_softc *sc = softc;
	struct pv_dev *dev = sc->sc_dev;
	int rv;

	sc->sc_error = -PV_ENXIO;
	blkfront_xs_order(sc);
	rv = xenbus_ring_create(dev, &sc->sc_page, 1u << sc->sc_order);
	if (rv < 0)
		return rv;
	fring_init(&sc->sc_ring, sc->sc_page.xr_va,
	    (size_t)PV_PAGE_SIZE << sc->sc_order, sizeof(struct blkif_request),
	    sizeof(struct blkif_response));
	PV_ASSERT(sc->sc_ring.fr_size == 32u << sc->sc_order);
	idmap_init(&sc->sc_ids, sc->sc_slot, sc->sc_ring.fr_size);
	rv = evtchn_alloc(xenbus_xen(dev), dev, (pv_domid_t)dev->pd_peer,
	    &sc->sc_eh, blkfront_intr, sc);
	if (rv < 0)
		return rv;
	return blkfront_xs_publish(sc);
}

/* Take over what the peer says of its disk. */
static void
blkfront_describe(struct blkfront_softc *sc, const struct blkfront_peer *bp)
{
	struct pv_blk *bk = &sc->sc_blk;

	bk->bk_nsect = bp->bp_sectors;
	bk->bk_bsize = (uint32_t)bp->bp_bsize;
	bk->bk_maxio = BLKFRONT_MAXIO;
	bk->bk_flags = bp->bp_flags;
	bk->bk_psize = (uint32_t)bp->bp_psize;
	bk->bk_discalign = (uint32_t)(bp->bp_discgran >> PV_SECT_SHIFT);
	sc->sc_nseg = bp->bp_nseg > BLKFRONT_NSEG ? (unsigned int)bp->bp_nseg :
	    BLKFRONT_NSEG;
	sc->sc_barrier = bp->bp_barrier != 0;
	sc->sc_flushop = bp->bp_flush != 0 ? BLKIF_OP_FLUSH_DISKCACHE :
	    sc->sc_barrier ? BLKIF_OP_WRITE_BARRIER : 0;
	pv_log(sc->sc_dev, PV_LOG_INFO, "%s: %llu sectors, blocks of %u, ring "
	    "of %u%s%s%s", sc->sc_name, (unsigned long long)bp->bp_sectors,
	    bk->bk_bsize, sc->sc_ring.fr_size,
	    sc->sc_nseg > BLKFRONT_NSEG ? ", indirect" : "",
	    (bk->bk_flags & PV_BLK_RO) != 0 ? ", read only" : "",
	    sc->sc_flushop != 0 ? ", flush" : "");
}

/* The ring works.  What was held back goes first. */
static void
blkfront_go(struct blkfront_softc *sc)
{
	LIST_HEAD(ios);
	unsigned int n;
	bool kick;

	pv_lock(&sc->sc_tab->bt_lock);
	n = blkfront_recheck_locked(sc, &ios);
	sc->sc_blk.bk_nreplay += n;
	sc->sc_away = false;
	sc->sc_up = true;
	blkfront_feed_locked(sc);
	kick = fring_push(&sc->sc_ring);
	pv_unlock(&sc->sc_tab->bt_lock);
	if (kick)
		evtchn_notify(&sc->sc_eh);
	blkfront_finish(sc->sc_tab, &ios);
	if (n > 0)
		pv_log(sc->sc_dev, PV_LOG_INFO, "%s: %u requests put again",
		    sc->sc_name, n);
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

static int
blkfront_start(void *softc)
{
	struct blkfront_softc *sc = softc;
	uint64_t was = sc->sc_blk.bk_nsect;
	struct blkfront_peer bp;
	int rv;

	rv = blkfront_xs_read(sc, &bp);
	if (rv < 0) {
		pv_log(sc->sc_dev, PV_LOG_ERR, "no usable sectors or "
		    "sector-size");
		return rv;
	}
	/* Who holds the device open counts on the size of its blocks. */
	if (sc->sc_announced && bp.bp_bsize != sc->sc_blk.bk_bsize) {
		blkfront_drop(sc, false);
		blkfront_withdraw(sc);
	}
	blkfront_describe(sc, &bp);
	rv = blkfront_req_create(sc);
	if (rv < 0)
		return rv;
	blkfront_go(sc);
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
	pv_lock(&sc->sc_tab->bt_lock);
	sc->sc_blk.bk_nsect = bp.bp_sectors;
	pv_unlock(&sc->sc_tab->bt_lock);
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

/*
 * Take every request off the ring and the feed.  hold: to be put again from
 * the start, in order; else it ends with sc_error.
 */
static void
blkfront_drop(struct blkfront_softc *sc, bool hold)
{
	struct blkfront_tab *bt = sc->sc_tab;
	LIST_HEAD(rqs);
	LIST_HEAD(ios);
	struct blkfront_req *rq;
	struct list *l, *next;
	uint32_t id;

	pv_lock(&bt->bt_lock);
	for (id = 0; (rq = idmap_next(&sc->sc_ids, &id)) != NULL; id++) {
		idmap_release(&sc->sc_ids, id);
		list_append(&rqs, &rq->rq_link);
	}
	pv_unlock(&bt->bt_lock);
	LIST_FOREACH(l, &rqs)
		blkfront_req_unshare(sc, LIST_ENTRY(l, struct blkfront_req,
		    rq_link));
	pv_lock(&bt->bt_lock);
	while ((l = list_pop(&rqs)) != NULL) {
		rq = LIST_ENTRY(l, struct blkfront_req, rq_link);
		rq->rq_io->io_nrq--;
		(void)blkfront_req_release(sc, rq);
	}
	LIST_FOREACH_SAFE(l, next, &bt->bt_active)
		blkfront_drop_io(sc, LIST_ENTRY(l, struct blkfront_io,
		    io_order), hold, &ios);
	pv_unlock(&bt->bt_lock);
	blkfront_finish(bt, &ios);
}

static void
blkfront_disconnect(void *softc)
{
	struct blkfront_softc *sc = softc;
	struct blkfront_tab *bt = sc->sc_tab;
	bool hold = sc->sc_announced && pv_dev_held(sc->sc_dev);

	pv_lock(&bt->bt_lock);
	sc->sc_up = false;
	sc->sc_away = hold;
	pv_unlock(&bt->bt_lock);
	evtchn_close(&sc->sc_eh);
	/* Before the requests: a peer that still has it can not go on. */
	xenbus_ring_destroy(sc->sc_dev, &sc->sc_page);
	blkfront_drop(sc, hold);
	blkfront_req_destroy(sc);
	if (!hold)
		blkfront_withdraw(sc);
}

/* ---- Submit ------------------------------------------------------------ */

/* Begin with a request, or begin again. */
static void
blkfront_io_start(struct blkfront_softc *sc, struct blkfront_io *io)
{
	struct pv_blk_req *br = io->io_br;

	io->io_sect = br->br_sect;
	io->io_left = br->br_nsect;
	io->io_error = 0;
	io->io_more = true;
	switch (br->br_op) {
	case PV_BLK_READ:
		io->io_op = BLKIF_OP_READ;
		break;
	case PV_BLK_WRITE:
		io->io_op = BLKIF_OP_WRITE;
		break;
	case PV_BLK_FLUSH:
		io->io_op = sc->sc_flushop;
		io->io_sect = io->io_left = 0;	/* peers check them */
		break;
	default:		/* blkfront_req_check() let nothing else in */
		io->io_op = BLKIF_OP_DISCARD;
		break;
	}
	iov_start(&io->io_iter, br->br_iov, br->br_niov);
	io->io_fed = true;
	list_append(&sc->sc_feed, &io->io_link);
}

/* An io that is done with, to be finished without the lock. */
static void
blkfront_end(struct blkfront_io *io, struct list *ios)
{
	list_remove(&io->io_order);
	list_append(ios, &io->io_link);
}

/* Take an io off the feed. */
static void
blkfront_unfeed(struct blkfront_io *io)
{
	if (io->io_fed)
		list_remove(&io->io_link);
	io->io_fed = false;
}

/*
 * One io whose requests were taken off the ring.  Held back while a page of
 * it is in quarantine still, it is fed when that ends.
 */
static void
blkfront_drop_io(struct blkfront_softc *sc, struct blkfront_io *io, bool hold,
    struct list *ios)
{
	PV_ASSERT_LOCKED(&sc->sc_tab->bt_lock);
	blkfront_unfeed(io);
	io->io_more = hold && io->io_error == 0;
	if (io->io_error == 0 && !hold)
		io->io_error = sc->sc_error;
	if (io->io_nparked > 0)
		return;
	if (io->io_more)
		blkfront_io_start(sc, io);
	else
		blkfront_end(io, ios);
}

/* Begin again with what was held back, unless the new disk can not do it. */
static bool
blkfront_again_locked(struct blkfront_softc *sc, struct blkfront_io *io,
    struct list *ios)
{
	int rv = blkfront_req_check(sc, io->io_br);

	blkfront_unfeed(io);
	if (rv == 0) {
		blkfront_io_start(sc, io);
		return true;
	}
	io->io_more = false;
	io->io_error = rv == -PV_EINVAL ? -PV_EIO : rv;
	blkfront_end(io, ios);
	return false;
}

/* The same for all; returns how many begin again. */
static unsigned int
blkfront_recheck_locked(struct blkfront_softc *sc, struct list *ios)
{
	struct blkfront_io *io;
	struct list *l, *next;
	unsigned int n = 0;

	LIST_FOREACH_SAFE(l, next, &sc->sc_tab->bt_active) {
		io = LIST_ENTRY(l, struct blkfront_io, io_order);
		if (io->io_fed && blkfront_again_locked(sc, io, ios))
			n++;
	}
	return n;
}

/* An io for a request, fed.  Lock: bt_lock. */
static int
blkfront_take_locked(struct blkfront_softc *sc, struct pv_blk_req *br)
{
	struct blkfront_tab *bt = sc->sc_tab;
	struct blkfront_io *io;
	struct list *l;
	int rv;

	if (!sc->sc_up && !sc->sc_away)
		return -PV_ENXIO;
	rv = blkfront_req_check(sc, br);
	if (rv < 0)
		return rv;
	if (!list_empty(&sc->sc_feed))
		return -PV_EAGAIN;
	l = list_pop(&bt->bt_free);
	if (l == NULL)
		return -PV_EAGAIN;
	io = LIST_ENTRY(l, struct blkfront_io, io_link);
	io->io_br = br;
	list_append(&bt->bt_active, &io->io_order);
	blkfront_io_start(sc, io);
	return 0;
}

static int
blkfront_submit(void *softc, struct pv_blk_req *br)
{
	struct blkfront_softc *sc = softc;
	bool kick = false;
	int rv;

	pv_lock(&sc->sc_tab->bt_lock);
	rv = blkfront_take_locked(sc, br);
	if (rv == 0 && sc->sc_up) {
		blkfront_feed_locked(sc);
		kick = fring_push(&sc->sc_ring);
	}
	pv_unlock(&sc->sc_tab->bt_lock);
	if (kick)
		evtchn_notify(&sc->sc_eh);
	return rv;
}

/* Put one request of an io on the ring, in an idle rq; false: no grants. */
static bool
blkfront_put(struct blkfront_softc *sc, struct blkfront_io *io,
    struct blkfront_req *rq)
{
	union blkfront_wire wire;
	int64_t id;

	rq->rq_io = io;
	rq->rq_op = io->io_op;
	rq->rq_sect = io->io_sect;
	rq->rq_nsect = io->io_left;
	if ((rq->rq_op == BLKIF_OP_READ || rq->rq_op == BLKIF_OP_WRITE) &&
	    !blkfront_req_cut(sc, io, rq))
		return false;
	list_remove(&rq->rq_link);
	id = idmap_take(&sc->sc_ids, rq);
	PV_ASSERT(id >= 0);
	blkfront_req_encode(sc, rq, (uint64_t)id, &wire);
	fring_put(&sc->sc_ring, &wire);
	io->io_nrq++;
	io->io_sect += rq->rq_nsect;
	io->io_left -= rq->rq_nsect;
	io->io_more = io->io_left > 0;
	return true;
}

/* Put as much of the waiting ios on the ring as fits. */
static void
blkfront_feed_locked(struct blkfront_softc *sc)
{
	struct blkfront_io *io;

	PV_ASSERT_LOCKED(&sc->sc_tab->bt_lock);
	while (!list_empty(&sc->sc_feed)) {
		io = LIST_ENTRY(sc->sc_feed.li_next, struct blkfront_io,
		    io_link);
		while (io->io_more) {
			if (fring_free(&sc->sc_ring) == 0 ||
			    !blkfront_put(sc, io, LIST_ENTRY(
			    sc->sc_idle.li_next, struct blkfront_req,
			    rq_link)))
				return;
		}
		blkfront_unfeed(io);
	}
}

/* ---- Complete ---------------------------------------------------------- */

static int
blkfront_status(int16_t status)
{
	switch (status) {
	case BLKIF_RSP_OKAY:
		return 0;
	case BLKIF_RSP_EOPNOTSUPP:
		return -PV_EOPNOTSUPP;
	default:
		return -PV_EIO;
	}
}

/*
 * Match a response to the request it answers.  It has been copied out of the
 * ring, so it can not change under us; everything in it is the peer's word.
 * NULL if no such request is in flight.
 */
static struct blkfront_req *
blkfront_complete(struct blkfront_softc *sc, const struct blkif_response *rsp)
{
	struct blkfront_req *rq;

	/* peer: 64 bits on the wire; unknown and idle ids are refused. */
	rq = idmap_find(&sc->sc_ids, rsp->id);
	if (rq == NULL)
		return NULL;
	/*
	 * peer: answers what was asked; of an indirect request some name the
	 * outer operation.  On a lie the id stays in flight.
	 */
	if (rsp->operation != rq->rq_op &&
	    (rq->rq_ind == NULL || rsp->operation != BLKIF_OP_INDIRECT))
		return NULL;
	idmap_release(&sc->sc_ids, rsp->id);
	rq->rq_error = blkfront_status(rsp->status);	/* peer: any number */
	return rq;
}

/* Context: deferred; also any, from blkfront_poll(). */
static enum evtchn_result
blkfront_intr(void *arg)
{
	struct blkfront_softc *sc = arg;
	struct blkif_response rsp;
	struct blkfront_req *rq;
	LIST_HEAD(done);
	unsigned int n;
	bool more = true;
	int rv = 0;

	pv_lock(&sc->sc_tab->bt_lock);
	for (n = 0; n < BLKFRONT_BUDGET && sc->sc_up; n++) {
		rv = fring_get(&sc->sc_ring, &rsp);
		if (rv <= 0)
			break;
		rq = blkfront_complete(sc, &rsp);
		if (rq == NULL) {
			rv = -PV_EPROTO;
			break;
		}
		list_append(&done, &rq->rq_link);
	}
	if (!sc->sc_up || rv < 0)
		more = false;
	else if (n < BLKFRONT_BUDGET)
		more = fring_rearm(&sc->sc_ring);
	pv_unlock(&sc->sc_tab->bt_lock);

	blkfront_done(sc, &done);
	if (rv < 0)
		blkfront_fail(sc, "response that answers no request");
	return more ? EVTCHN_MORE : n > 0 ? EVTCHN_DONE : EVTCHN_SPURIOUS;
}

/*
 * peer: may refuse what it offered.  Returns true when the io is to be tried
 * again in another way.
 */
static bool
blkfront_refused(struct blkfront_softc *sc, const struct blkfront_req *rq)
{
	switch (rq->rq_op) {
	case BLKIF_OP_FLUSH_DISKCACHE:
		if (sc->sc_barrier && sc->sc_up) {
			sc->sc_flushop = BLKIF_OP_WRITE_BARRIER;
			return true;
		}
		/* FALLTHROUGH */
	case BLKIF_OP_WRITE_BARRIER:
		sc->sc_flushop = 0;
		sc->sc_blk.bk_flags &= ~(uint32_t)PV_BLK_CANFLUSH;
		break;
	case BLKIF_OP_DISCARD:
		sc->sc_blk.bk_flags &= ~(uint32_t)(PV_BLK_CANDISCARD |
		    PV_BLK_CANSECURE);
		break;
	}
	return false;
}

static void
blkfront_count(struct pv_blk *bk, const struct blkfront_req *rq)
{
	if (rq->rq_error != 0)
		bk->bk_nerror++;
	else if (rq->rq_op == BLKIF_OP_READ) {
		bk->bk_nread++;
		bk->bk_rsect += rq->rq_nsect;
	} else if (rq->rq_op == BLKIF_OP_WRITE) {
		bk->bk_nwrite++;
		bk->bk_wsect += rq->rq_nsect;
	} else if (rq->rq_op == BLKIF_OP_DISCARD) {
		bk->bk_ndiscard++;
	} else {
		bk->bk_nflush++;
	}
}

/* One ring request less; returns true when its io is done with it. */
static bool
blkfront_settle_locked(struct blkfront_softc *sc, struct blkfront_req *rq)
{
	struct blkfront_io *io = rq->rq_io;

	PV_ASSERT_LOCKED(&sc->sc_tab->bt_lock);
	blkfront_count(&sc->sc_blk, rq);
	io->io_nrq--;
	if (rq->rq_error == -PV_EOPNOTSUPP && blkfront_refused(sc, rq)) {
		io->io_op = sc->sc_flushop;
		io->io_more = true;
		io->io_fed = true;
		list_append(&sc->sc_feed, &io->io_link);
	} else if (rq->rq_error != 0) {
		io->io_error = rq->rq_error;
		blkfront_unfeed(io);
		io->io_more = false;
	}
	return !io->io_more && io->io_nrq == 0 && io->io_nparked == 0;
}

/* Answered requests: take the memory back, go on with what waits, report. */
static void
blkfront_done(struct blkfront_softc *sc, struct list *rqs)
{
	struct blkfront_req *rq;
	LIST_HEAD(ios);
	struct list *l;
	bool kick = false, enough = true;

	LIST_FOREACH(l, rqs)
		blkfront_req_unshare(sc, LIST_ENTRY(l, struct blkfront_req,
		    rq_link));
	pv_lock(&sc->sc_tab->bt_lock);
	while ((l = list_pop(rqs)) != NULL) {
		rq = LIST_ENTRY(l, struct blkfront_req, rq_link);
		if (blkfront_settle_locked(sc, rq))
			blkfront_end(rq->rq_io, &ios);
		enough = blkfront_req_release(sc, rq);
	}
	if (sc->sc_up) {
		blkfront_feed_locked(sc);
		kick = fring_push(&sc->sc_ring);
	}
	pv_unlock(&sc->sc_tab->bt_lock);
	if (kick)
		evtchn_notify(&sc->sc_eh);
	blkfront_finish(sc->sc_tab, &ios);
	if (!enough)
		blkfront_fail(sc, "keeps all our grants");
}

/* Give ios back to the consumer, then to the table.  No lock held. */
static void
blkfront_finish(struct blkfront_tab *bt, struct list *ios)
{
	struct blkfront_io *io;
	struct pv_blk_req *br;
	struct list *l;
	int error;

	while ((l = list_pop(ios)) != NULL) {
		io = LIST_ENTRY(l, struct blkfront_io, io_link);
		br = io->io_br;
		error = io->io_error;
		pv_lock(&bt->bt_lock);
		list_append(&bt->bt_free, &io->io_link);
		pv_unlock(&bt->bt_lock);
		br->br_done(br, error);
	}
}

/*
 * The peer has let go of a parked map.  The device may be gone.
 * Context: deferred.
 */
void
blkfront_unpark(void *arg)
{
	struct blkfront_io *io = arg;
	struct blkfront_tab *bt = io->io_tab;
	LIST_HEAD(ios);

	pv_lock(&bt->bt_lock);
	if (--io->io_nparked == 0 && io->io_nrq == 0 && !io->io_fed) {
		if (!io->io_more)
			blkfront_end(io, &ios);
		else if (blkfront_again_locked(bt->bt_sc, io, &ios) &&
		    bt->bt_sc->sc_up)
			evtchn_again(&bt->bt_sc->sc_eh);
	}
	pv_unlock(&bt->bt_lock);
	blkfront_finish(bt, &ios);
	blkfront_tab_put(bt);
}

static void
blkfront_poll(void *softc)
{
	blkfront_intr(softc);
}

/* The peer lied: what is under way fails as such.  Context: deferred. */
static void
blkfront_fail(struct blkfront_softc *sc, const char *why)
{
	pv_lock(&sc->sc_tab->bt_lock);
	sc->sc_up = false;
	sc->sc_error = -PV_EPROTO;
	pv_unlock(&sc->sc_tab->bt_lock);
	pv_dev_fail(sc->sc_dev, why);
}

/* ---- Driver ------------------------------------------------------------ */

static const struct pv_blk_ops blkfront_ops = {
	.bo_submit = blkfront_submit,
	.bo_poll = blkfront_poll,
};

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
};
