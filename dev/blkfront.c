/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkfront -- Xen virtual block device, front end.
 *
 * The peer (xen-blkback, QEMU's qdisk, any blkback) owns a disk; we own one
 * page of ring and lend it the consumer's pages for the time of a request.
 * Protocol: xen/include/public/io/blkif.h.
 *
 * Three kinds of things are on their way at any moment:
 *
 *	struct pv_blk_req	the consumer's request, of any length
 *	struct blkfront_io	our side of it: how far it is, how it went
 *	struct blkfront_req	one entry of the ring: up to 11 segments
 *
 *	consumer --submit--> io on sc_feed --put--> req on the ring
 *	         <--br_done-- io done  <--settle--  req answered <--complete--
 *
 * A consumer's request is cut into as many ring requests as it needs, always
 * between two blocks of the disk.  When the ring is full the io waits on
 * sc_feed and goes on as answers come; while something waits there further
 * submits get -PV_EAGAIN.  An io is done when nothing of it is left to put,
 * on the ring, or in quarantine.
 *
 * Quarantine.  A peer may keep a grant although it has answered.  Then the
 * consumer's buffer is not free to use, so its request is not done: the map
 * is parked, and the io finishes from the quarantine's call back, which may
 * come after the device has gone.  Therefore the ios and the lock live in a
 * table of their own with a count of references: the device's, and one for
 * each parked map.
 *
 * A peer that goes away or breaks the protocol: every request that was under
 * way fails (-PV_ENXIO, -PV_EPROTO), new ones get -PV_ENXIO, and the device
 * is announced anew when a peer connects again.
 *
 * Flush is BLKIF_OP_FLUSH_DISKCACHE, else a barrier without data.  A peer may
 * refuse an operation at any time that it has offered before; then the offer
 * is forgotten.
 *
 * Locking: bt_lock guards the table, the ring, the ids and all lists.  The
 * connection's functions are serialised by core.
 */

#include "blkfront.h"

/* ---- Names ------------------------------------------------------------- */

static void	 blkfront_detach(void *);
static void	 blkfront_feed_locked(struct blkfront_softc *);
static enum evtchn_result blkfront_intr(void *);
static void	 blkfront_done(struct blkfront_softc *, struct list *);
static void	 blkfront_unpark(void *);
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
	int rv;

	sc->sc_dev = dev;
	bt = pv_alloc(NULL, sizeof(*bt));	/* may outlive dev */
	if (bt == NULL)
		return -PV_ENOMEM;
	bt->bt_refs = 1;
	list_init(&bt->bt_free);
	for (i = 0; i < BLKFRONT_NREQ; i++) {
		bt->bt_io[i].io_tab = bt;
		list_append(&bt->bt_free, &bt->bt_io[i].io_link);
	}
	sc->sc_tab = bt;
	rv = pv_dma_reserve(dev, &sc->sc_pool, BLKFRONT_NREQ * BLKFRONT_NSEG);
	if (rv < 0) {
		blkfront_detach(sc);
		return rv;
	}
	list_init(&sc->sc_idle);
	list_init(&sc->sc_feed);
	for (i = 0; i < BLKFRONT_NREQ; i++) {
		sc->sc_rq[i].rq_map = &sc->sc_pool.dp_map[i * BLKFRONT_NSEG];
		list_append(&sc->sc_idle, &sc->sc_rq[i].rq_link);
	}
	idmap_init(&sc->sc_ids, sc->sc_slot, BLKFRONT_NREQ);
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

	pv_dma_release(&sc->sc_pool);
	if (sc->sc_tab != NULL)
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
	rv = xenbus_ring_create(dev, &sc->sc_page);
	if (rv < 0)
		return rv;
	fring_init(&sc->sc_ring, sc->sc_page.xr_va, PV_PAGE_SIZE,
	    sizeof(struct blkif_request), sizeof(struct blkif_response));
	PV_ASSERT(sc->sc_ring.fr_size == BLKFRONT_NREQ);
	rv = evtchn_alloc(xenbus_xen(dev), dev, (pv_domid_t)dev->pd_peer,
	    &sc->sc_eh, blkfront_intr, sc);
	if (rv < 0)
		return rv;
	return blkfront_xs_publish(sc);
}

static int
blkfront_start(void *softc)
{
	struct blkfront_softc *sc = softc;
	const struct pv_client *pc = sc->sc_dev->pd_client;
	struct blkfront_peer bp;
	int rv;

	rv = blkfront_xs_read(sc, &bp);
	if (rv < 0) {
		pv_log(sc->sc_dev, PV_LOG_ERR, "no usable sectors or "
		    "sector-size");
		return rv;
	}
	sc->sc_blk.bk_nsect = bp.bp_sectors;
	sc->sc_blk.bk_bsize = (uint32_t)bp.bp_bsize;
	sc->sc_blk.bk_maxio = BLKFRONT_MAXIO;
	sc->sc_blk.bk_flags = bp.bp_flags;
	sc->sc_barrier = bp.bp_barrier != 0;
	sc->sc_flushop = bp.bp_flush != 0 ? BLKIF_OP_FLUSH_DISKCACHE :
	    sc->sc_barrier ? BLKIF_OP_WRITE_BARRIER : 0;
	pv_lock(&sc->sc_tab->bt_lock);
	sc->sc_up = true;
	pv_unlock(&sc->sc_tab->bt_lock);
	pv_log(sc->sc_dev, PV_LOG_INFO, "%s: %llu sectors, blocks of %u%s%s",
	    sc->sc_name, (unsigned long long)bp.bp_sectors,
	    sc->sc_blk.bk_bsize,
	    (sc->sc_blk.bk_flags & PV_BLK_RO) != 0 ? ", read only" : "",
	    sc->sc_flushop != 0 ? ", flush" : "");
	sc->sc_announced = true;
	if (pc->pc_blk_up != NULL)
		pc->pc_blk_up(&sc->sc_blk);
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

static void
blkfront_disconnect(void *softc)
{
	struct blkfront_softc *sc = softc;
	const struct pv_client *pc = sc->sc_dev->pd_client;
	LIST_HEAD(rqs);
	LIST_HEAD(ios);
	struct list *l, *next;
	struct blkfront_io *io;
	struct blkfront_req *rq;
	uint32_t id;

	pv_lock(&sc->sc_tab->bt_lock);
	sc->sc_up = false;
	pv_unlock(&sc->sc_tab->bt_lock);
	evtchn_close(&sc->sc_eh);

	pv_lock(&sc->sc_tab->bt_lock);
	LIST_FOREACH_SAFE(l, next, &sc->sc_feed) {
		io = LIST_ENTRY(l, struct blkfront_io, io_link);
		list_remove(l);
		io->io_more = false;
		io->io_error = sc->sc_error;
		if (io->io_nrq == 0 && io->io_nparked == 0)
			list_append(&ios, l);
	}
	for (id = 0; (rq = idmap_next(&sc->sc_ids, &id)) != NULL; id++) {
		idmap_release(&sc->sc_ids, id);
		rq->rq_error = sc->sc_error;
		list_append(&rqs, &rq->rq_link);
	}
	pv_unlock(&sc->sc_tab->bt_lock);

	/* Before the requests: a peer that still has it can not go on. */
	xenbus_ring_destroy(sc->sc_dev, &sc->sc_page);
	blkfront_done(sc, &rqs);
	blkfront_finish(sc->sc_tab, &ios);
	if (sc->sc_announced && pc->pc_blk_down != NULL)
		pc->pc_blk_down(&sc->sc_blk);
	sc->sc_announced = false;
}

/* ---- Submit ------------------------------------------------------------ */

/* What is wrong with a request, from the consumer's side. */
static int
blkfront_check(const struct blkfront_softc *sc, const struct pv_blk_req *br)
{
	const struct pv_blk *bk = &sc->sc_blk;
	uint64_t mask = bk->bk_bsize / PV_SECT_SIZE - 1, len = 0;
	unsigned int i;

	if (br->br_op == PV_BLK_FLUSH)
		return sc->sc_flushop != 0 ? 0 : -PV_EOPNOTSUPP;
	if (br->br_op > PV_BLK_DISCARD)
		return -PV_EOPNOTSUPP;
	if (br->br_op != PV_BLK_READ && (bk->bk_flags & PV_BLK_RO) != 0)
		return -PV_EROFS;
	if (br->br_op == PV_BLK_DISCARD &&
	    (bk->bk_flags & PV_BLK_CANDISCARD) == 0)
		return -PV_EOPNOTSUPP;
	if (br->br_nsect == 0 || ((br->br_sect | br->br_nsect) & mask) != 0 ||
	    br->br_sect > bk->bk_nsect ||
	    br->br_nsect > bk->bk_nsect - br->br_sect)
		return -PV_EINVAL;
	if (br->br_op == PV_BLK_DISCARD)
		return 0;
	for (i = 0; i < br->br_niov; i++) {
		if ((((uintptr_t)br->br_iov[i].iov_base |
		    br->br_iov[i].iov_len) & (PV_SECT_SIZE - 1)) != 0)
			return -PV_EINVAL;
		len += br->br_iov[i].iov_len;
	}
	return len == br->br_nsect << PV_SECT_SHIFT ? 0 : -PV_EINVAL;
}

static void
blkfront_io_start(struct blkfront_softc *sc, struct blkfront_io *io,
    struct pv_blk_req *br)
{
	io->io_br = br;
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
	default:		/* blkfront_check() let nothing else in */
		io->io_op = BLKIF_OP_DISCARD;
		break;
	}
	iov_start(&io->io_iter, br->br_iov, br->br_niov);
	list_append(&sc->sc_feed, &io->io_link);
}

static int
blkfront_submit(void *softc, struct pv_blk_req *br)
{
	struct blkfront_softc *sc = softc;
	struct list *l;
	bool kick = false;
	int rv;

	pv_lock(&sc->sc_tab->bt_lock);
	if (!sc->sc_up)
		rv = -PV_ENXIO;
	else
		rv = blkfront_check(sc, br);
	if (rv == 0 && (!list_empty(&sc->sc_feed) || list_empty(&sc->sc_idle)))
		rv = -PV_EAGAIN;
	if (rv == 0) {
		l = list_pop(&sc->sc_tab->bt_free);
		if (l == NULL)
			rv = -PV_EAGAIN;
		else {
			blkfront_io_start(sc, LIST_ENTRY(l, struct blkfront_io,
			    io_link), br);
			blkfront_feed_locked(sc);
			kick = fring_push(&sc->sc_ring);
		}
	}
	pv_unlock(&sc->sc_tab->bt_lock);
	if (kick)
		evtchn_notify(&sc->sc_eh);
	return rv;
}

/*
 * Cut the next ring request from an io and share its memory: as many whole
 * blocks as the segments of a request can hold.  One at least, for a block has
 * at most 8 sectors.
 */
static void
blkfront_cut(struct blkfront_softc *sc, struct blkfront_io *io,
    struct blkfront_req *rq)
{
	struct iov_iter it = io->io_iter;
	enum pv_dir dir;
	size_t room = 0, len;
	unsigned int n;
	void *va;

	for (n = 0; n < BLKFRONT_NSEG &&
	    iov_next(&it, PV_PAGE_SIZE, &len) != NULL; n++)
		room += len;
	room &= ~(size_t)(sc->sc_blk.bk_bsize - 1);
	PV_ASSERT(room > 0);
	rq->rq_nsect = room >> PV_SECT_SHIFT;
	dir = rq->rq_op == BLKIF_OP_READ ? PV_PEER_WRITES : PV_PEER_READS;
	for (n = 0; room > 0; n++, room -= len) {
		va = iov_next(&io->io_iter, room, &len);
		PV_ASSERT(va != NULL && n < BLKFRONT_NSEG);
		pv_dma_share(&sc->sc_pool, &rq->rq_map[n], va, len, dir);
	}
	rq->rq_nseg = n;
}

/* Pure: a request as the peer reads it. */
static void
blkfront_encode(const struct blkfront_softc *sc, const struct blkfront_req *rq,
    uint64_t id, union blkfront_wire *out)
{
	const struct pv_dma_map *dm;
	unsigned int i, first;

	__builtin_memset(out, 0, sizeof(*out));
	if (rq->rq_op == BLKIF_OP_DISCARD) {
		out->bw_discard.operation = rq->rq_op;
		out->bw_discard.handle = sc->sc_handle;
		out->bw_discard.id = id;
		out->bw_discard.sector_number = rq->rq_sect;
		out->bw_discard.nr_sectors = rq->rq_nsect;
		return;
	}
	out->bw_rw.operation = rq->rq_op;
	out->bw_rw.nr_segments = (uint8_t)rq->rq_nseg;
	out->bw_rw.handle = sc->sc_handle;
	out->bw_rw.id = id;
	out->bw_rw.sector_number = rq->rq_sect;
	for (i = 0; i < rq->rq_nseg; i++) {
		dm = &rq->rq_map[i];
		first = ((uintptr_t)dm->dm_va & (PV_PAGE_SIZE - 1)) >>
		    PV_SECT_SHIFT;
		out->bw_rw.seg[i].gref = (grant_ref_t)dm->dm_da;
		out->bw_rw.seg[i].first_sect = (uint8_t)first;
		out->bw_rw.seg[i].last_sect = (uint8_t)(first +
		    (dm->dm_len >> PV_SECT_SHIFT) - 1);
	}
}

/* Put one request of an io on the ring, in an idle rq. */
static void
blkfront_put(struct blkfront_softc *sc, struct blkfront_io *io,
    struct blkfront_req *rq)
{
	union blkfront_wire wire;
	int64_t id;

	rq->rq_io = io;
	rq->rq_op = io->io_op;
	rq->rq_sect = io->io_sect;
	rq->rq_nsect = io->io_left;
	rq->rq_nseg = 0;
	if (rq->rq_op == BLKIF_OP_READ || rq->rq_op == BLKIF_OP_WRITE)
		blkfront_cut(sc, io, rq);
	id = idmap_take(&sc->sc_ids, rq);
	PV_ASSERT(id >= 0 && fring_free(&sc->sc_ring) > 0);
	blkfront_encode(sc, rq, (uint64_t)id, &wire);
	fring_put(&sc->sc_ring, &wire);
	io->io_nrq++;
	io->io_sect += rq->rq_nsect;
	io->io_left -= rq->rq_nsect;
	io->io_more = io->io_left > 0;
}

/* Put as much of the waiting ios on the ring as fits. */
static void
blkfront_feed_locked(struct blkfront_softc *sc)
{
	struct blkfront_io *io;
	struct list *l;

	PV_ASSERT_LOCKED(&sc->sc_tab->bt_lock);
	while (!list_empty(&sc->sc_feed)) {
		io = LIST_ENTRY(sc->sc_feed.li_next, struct blkfront_io,
		    io_link);
		while (io->io_more) {
			l = list_pop(&sc->sc_idle);
			if (l == NULL)
				return;
			blkfront_put(sc, io, LIST_ENTRY(l, struct blkfront_req,
			    rq_link));
		}
		list_remove(&io->io_link);
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
	/* peer: answers what was asked.  On a lie the id stays in flight. */
	if (rsp->operation != rq->rq_op)
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

/* Take the memory of an answered request back from the peer. */
static void
blkfront_unshare(struct blkfront_softc *sc, struct blkfront_req *rq)
{
	struct blkfront_io *io = rq->rq_io;
	unsigned int i;

	for (i = 0; i < rq->rq_nseg; i++) {
		if (pv_dma_unshare(&sc->sc_pool, &rq->rq_map[i]) == 0)
			continue;
		/*
		 * peer: has answered, and keeps the page all the same.  What
		 * it read there may change still.
		 */
		pv_lock(&sc->sc_tab->bt_lock);
		if (rq->rq_op == BLKIF_OP_READ && rq->rq_error == 0)
			rq->rq_error = -PV_EIO;
		io->io_nparked++;
		sc->sc_tab->bt_refs++;
		pv_unlock(&sc->sc_tab->bt_lock);
		pv_dma_park(&sc->sc_pool, &rq->rq_map[i], blkfront_unpark, io);
	}
}

/* A request without its grants is of no further use. */
static bool
blkfront_usable(const struct blkfront_req *rq)
{
	unsigned int i;

	for (i = 0; i < rq->rq_nseg; i++)
		if (!pv_dma_usable(&rq->rq_map[i]))
			return false;
	return true;
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
		sc->sc_blk.bk_flags &= ~(uint32_t)PV_BLK_CANDISCARD;
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
	}
}

/* One ring request less; returns true when its io is done with it. */
static bool
blkfront_settle_locked(struct blkfront_softc *sc, struct blkfront_req *rq)
{
	struct blkfront_io *io = rq->rq_io;

	PV_ASSERT_LOCKED(&sc->sc_tab->bt_lock);
	if (blkfront_usable(rq))
		list_append(&sc->sc_idle, &rq->rq_link);
	blkfront_count(&sc->sc_blk, rq);
	io->io_nrq--;
	if (rq->rq_error == -PV_EOPNOTSUPP && blkfront_refused(sc, rq)) {
		io->io_op = sc->sc_flushop;
		io->io_more = true;
		list_append(&sc->sc_feed, &io->io_link);
	} else if (rq->rq_error != 0) {
		io->io_error = rq->rq_error;
		if (io->io_more)
			list_remove(&io->io_link);
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
	bool kick = false;

	LIST_FOREACH(l, rqs)
		blkfront_unshare(sc, LIST_ENTRY(l, struct blkfront_req,
		    rq_link));
	pv_lock(&sc->sc_tab->bt_lock);
	while ((l = list_pop(rqs)) != NULL) {
		rq = LIST_ENTRY(l, struct blkfront_req, rq_link);
		if (blkfront_settle_locked(sc, rq))
			list_append(&ios, &rq->rq_io->io_link);
	}
	if (sc->sc_up) {
		blkfront_feed_locked(sc);
		kick = fring_push(&sc->sc_ring);
	}
	pv_unlock(&sc->sc_tab->bt_lock);
	if (kick)
		evtchn_notify(&sc->sc_eh);
	blkfront_finish(sc->sc_tab, &ios);
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
static void
blkfront_unpark(void *arg)
{
	struct blkfront_io *io = arg;
	struct blkfront_tab *bt = io->io_tab;
	LIST_HEAD(ios);

	pv_lock(&bt->bt_lock);
	if (--io->io_nparked == 0 && io->io_nrq == 0 && !io->io_more)
		list_append(&ios, &io->io_link);
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
