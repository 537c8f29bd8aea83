/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkback_io.c -- blkback's pipeline: from the ring to the store and back.
 *
 *	take	copy a request out of the ring, decode and check it, get
 *		memory for it
 *	SEGS	indirect: copy the list of its segments, check them
 *	FILL	write: copy the data in
 *	BEFORE	barrier: flush what was written before it
 *	STORE	the store reads, writes, flushes or discards, in parts
 *	AFTER	barrier: flush it
 *	DRAIN	read: copy the data out
 *	ANSWER	put a response
 *
 * Each step of a request is done by whoever has it: the queue's handler up to
 * the store, then the store's answer, or bt_again when something has to be
 * tried again.  A step returns 0 (go on), BLKBACK_IO_AWAY (somebody else has
 * it now, do not touch it) or -PV_E*, which is what the peer will be told.
 *
 * A queue stops at a request that memory is not there for, and at a barrier
 * until all before it are answered; it stays bq_head.  Each answer runs the
 * queues that have stopped.  All memory together is more than any one request
 * needs, so one of them always can go on.
 *
 * Nothing here sleeps.  What the store has when the connection ends is its
 * until it answers; only then the request and its memory are free again.
 */

#include "blkback.h"

#define BLKBACK_IO_AWAY	1

/* ---- life of a request ------------------------------------------------- */

static bool
blkback_io_live_locked(const struct blkback_req *rq)
{
	const struct blkback_tab *bt = rq->rq_tab;

	PV_ASSERT_LOCKED(&bt->bt_lock);
	return bt->bt_up && rq->rq_epoch == bt->bt_epoch;
}

static void
blkback_io_free_locked(struct blkback_req *rq)
{
	struct blkback_tab *bt = rq->rq_tab;

	if (rq->rq_data != NULL)
		blkback_req_unrun(bt->bt_used, (unsigned int)((size_t)
		    (rq->rq_data - bt->bt_data) / PV_PAGE_SIZE), rq->rq_npg);
	rq->rq_data = NULL;
	list_append(&bt->bt_free, &rq->rq_link);
}

/* The queues that stopped, as a mask; the caller runs them. */
static unsigned int
blkback_io_stopped_locked(struct blkback_softc *sc)
{
	struct blkback_queue *bq;
	unsigned int n, mask = 0;

	for (n = 0; n < sc->sc_nqueue; n++) {
		bq = &sc->sc_queue[n];
		if (bq->bq_short || (bq->bq_head != NULL && !bq->bq_barrier))
			mask |= 1u << n;
		bq->bq_short = false;
	}
	return mask;
}

static void
blkback_io_run(struct blkback_softc *sc, unsigned int mask)
{
	unsigned int n;

	for (n = 0; n < sc->sc_nqueue; n++) {
		if ((mask >> n & 1) != 0)
			evtchn_again(&sc->sc_queue[n].bq_eh);
	}
}

/* A request is over: put its response, free it.  The caller may have it only
   while the connection can not end. */
static void
blkback_io_answer(struct blkback_req *rq)
{
	struct blkback_tab *bt = rq->rq_tab;
	struct blkback_queue *bq = rq->rq_bq;
	struct blkback_softc *sc = bq->bq_sc;
	struct blkback_rsp rsp = {
		.rs_id = rq->rq_ask.ak_id, .rs_op = rq->rq_ask.ak_op,
		.rs_status = blkback_req_status(rq->rq_rv)
	};
	unsigned int mask = 0;
	bool kick = false;

	pv_lock(&bt->bt_lock);
	if (blkback_io_live_locked(rq)) {
		bring_put(&bq->bq_ring, &rsp);
		kick = bring_push(&bq->bq_ring);
		bq->bq_nreq--;
		if (rq->rq_ask.ak_op == BLKIF_OP_WRITE_BARRIER) {
			bq->bq_barrier = false;
			bq->bq_short = true;
		}
		bt->bt_guest.bg_nerror += rq->rq_rv != 0;
		blkback_io_free_locked(rq);
		mask = blkback_io_stopped_locked(sc);
		if (!list_empty(&bt->bt_wait))
			pv_defer(&bt->bt_again, 0);
	} else {
		blkback_io_free_locked(rq);
	}
	pv_unlock(&bt->bt_lock);
	if (kick)
		evtchn_notify(&bq->bq_eh);
	blkback_io_run(sc, mask);
}

/* ---- the peer's pages -------------------------------------------------- */

/* Try again later; BLKBACK_IO_AWAY, or too often: -PV_EAGAIN. */
static int
blkback_io_wait(struct blkback_req *rq, uint64_t delay)
{
	struct blkback_tab *bt = rq->rq_tab;
	bool live;

	pv_lock(&bt->bt_lock);
	live = blkback_io_live_locked(rq);
	if (live) {
		list_append(&bt->bt_wait, &rq->rq_link);
		pv_defer(&bt->bt_again, delay);
	}
	pv_unlock(&bt->bt_lock);
	return live ? BLKBACK_IO_AWAY : -PV_ENXIO;
}

static int
blkback_io_paged_out(struct blkback_req *rq)
{
	if (rq->rq_tries + 1 >= BLKBACK_TRIES)
		return -PV_EAGAIN;
	return blkback_io_wait(rq, BLKBACK_SOON << rq->rq_tries++);
}

/* One call's worth of a request's data. */
static int
blkback_io_copy_some(struct blkback_req *rq, struct gntmap_copy *gc,
    unsigned int n)
{
	struct blkback_softc *sc = rq->rq_bq->bq_sc;
	struct pv_blk_guest *bg = &rq->rq_tab->bt_guest;
	unsigned int i;

	for (i = 0; i < n; i++)
		gc[i].gc_dom = (pv_domid_t)sc->sc_dev->pd_peer;
	if (sc->sc_persistent)
		return blkback_map_copy(rq->rq_bq, gc, n);
	bg->bg_ncopy += n;
	return gntmap_copy_once(xenbus_xen(sc->sc_dev), gc, n);
}

/* Copy what rq_plan has left between the peer's segments and our pages. */
static int
blkback_io_copy(struct blkback_req *rq)
{
	struct gntmap_copy gc[BLKBACK_NCOPY];
	struct blkback_plan next;
	unsigned int n;
	int rv;

	for (;;) {
		next = rq->rq_plan;
		n = blkback_req_pieces(rq, &next, gc, BLKBACK_NCOPY);
		if (n == 0)
			return 0;
		rv = blkback_io_copy_some(rq, gc, n);
		if (rv == -PV_EAGAIN)
			return blkback_io_paged_out(rq);
		/* peer: what it did not grant fails this request alone. */
		if (rv < 0)
			break;
		rq->rq_plan = next;
	}
	rq->rq_tab->bt_guest.bg_ngrant++;
	return rv;
}

static void
blkback_io_disk(const struct blkback_softc *sc, struct blkback_disk *bd)
{
	const struct blkback_tab *bt = sc->sc_tab;
	const struct pv_blk *bk = bt->bt_guest.bg_blk;

	bd->bd_nsect = bk->bk_nsect;
	bd->bd_bsize = bk->bk_bsize;
	bd->bd_flags = bk->bk_flags;
	if (bt->bt_guest.bg_readonly)
		bd->bd_flags |= PV_BLK_RO;
	if (sc->sc_nodiscard)
		bd->bd_flags &= ~(uint32_t)(PV_BLK_CANDISCARD |
		    PV_BLK_CANSECURE);
	bd->bd_nseg = bt->bt_npg - 1 < BLKBACK_NISEG ? bt->bt_npg - 1 :
	    BLKBACK_NISEG;
}

/* ---- steps ------------------------------------------------------------- */

static enum blkback_step
blkback_io_first(const struct blkback_ask *ak)
{
	switch (ak->ak_op) {
	case BLKIF_OP_WRITE:
		return BLKBACK_FILL;
	case BLKIF_OP_WRITE_BARRIER:
		return ak->ak_nseg > 0 ? BLKBACK_FILL : BLKBACK_BEFORE;
	default:
		return BLKBACK_STORE;
	}
}

/* The list of segments, into the last of the request's pages. */
static int
blkback_io_segs(struct blkback_req *rq)
{
	struct blkback_softc *sc = rq->rq_bq->bq_sc;
	struct blkback_ask *ak = &rq->rq_ask;
	struct gntmap_copy gc = {
		.gc_dom = (pv_domid_t)sc->sc_dev->pd_peer,
		.gc_ref = GREF(ak->ak_igref),
		.gc_len = (uint16_t)(ak->ak_nseg *
		    sizeof(struct blkif_request_segment)),
		.gc_va = rq->rq_data + (rq->rq_npg - 1) * PV_PAGE_SIZE
	};
	struct blkback_disk bd;
	int rv;

	rv = gntmap_copy_once(xenbus_xen(sc->sc_dev), &gc, 1);
	if (rv == -PV_EAGAIN)
		return blkback_io_paged_out(rq);
	rq->rq_tab->bt_guest.bg_ngrant += rv < 0;
	if (rv < 0)
		return rv;
	rq->rq_seg = gc.gc_va;
	blkback_io_disk(sc, &bd);
	rv = blkback_req_segs(&bd, ak, rq->rq_seg);
	if (rv == -PV_EPROTO)
		pv_dev_fail(sc->sc_dev, "segment outside of a page");
	rq->rq_step = blkback_io_first(ak);
	return rv;
}

static int
blkback_io_fill(struct blkback_req *rq)
{
	int rv = blkback_io_copy(rq);

	if (rv == 0)
		rq->rq_step = rq->rq_ask.ak_op == BLKIF_OP_WRITE ?
		    BLKBACK_STORE : BLKBACK_BEFORE;
	return rv;
}

static int
blkback_io_drain(struct blkback_req *rq)
{
	int rv = blkback_io_copy(rq);

	if (rv == 0)
		rq->rq_step = BLKBACK_ANSWER;
	return rv;
}

/* ---- the store --------------------------------------------------------- */

static void	 blkback_io_done(struct pv_blk_req *, int rv);

static enum pv_blk_op
blkback_io_op(const struct blkback_req *rq)
{
	if (rq->rq_step != BLKBACK_STORE)
		return PV_BLK_FLUSH;
	switch (rq->rq_ask.ak_op) {
	case BLKIF_OP_READ:
		return PV_BLK_READ;
	case BLKIF_OP_DISCARD:
		return rq->rq_ask.ak_secure ? PV_BLK_SECURE_DISCARD :
		    PV_BLK_DISCARD;
	case BLKIF_OP_FLUSH_DISKCACHE:
		return PV_BLK_FLUSH;
	default:
		return PV_BLK_WRITE;
	}
}

/* The next part of a request, in the store's words. */
static void
blkback_io_prepare(struct blkback_req *rq, const struct pv_blk *bk)
{
	struct pv_blk_req *br = &rq->rq_br;

	*br = (struct pv_blk_req){ .br_op = blkback_io_op(rq) };
	br->br_done = blkback_io_done;
	br->br_arg = rq;
	br->br_cpu = (unsigned int)(rq->rq_bq - rq->rq_bq->bq_sc->sc_queue);
	rq->rq_nsect = 0;
	if (br->br_op == PV_BLK_FLUSH)
		return;
	rq->rq_nsect = blkback_req_part(bk, rq);
	br->br_sect = rq->rq_ask.ak_sect + rq->rq_at;
	br->br_nsect = rq->rq_nsect;
	if (rq->rq_data == NULL)
		return;
	rq->rq_iov.iov_base = rq->rq_data + rq->rq_at * PV_SECT_SIZE;
	rq->rq_iov.iov_len = (size_t)rq->rq_nsect * PV_SECT_SIZE;
	br->br_iov = &rq->rq_iov;
	br->br_niov = 1;
}

/* After a store's answer, or when there is nothing to ask it for. */
static void
blkback_io_next(struct blkback_req *rq)
{
	bool barrier = rq->rq_ask.ak_op == BLKIF_OP_WRITE_BARRIER;

	if (rq->rq_step == BLKBACK_BEFORE) {
		rq->rq_step = rq->rq_ask.ak_nsect > 0 ? BLKBACK_STORE :
		    BLKBACK_ANSWER;
		return;
	}
	rq->rq_at += rq->rq_nsect;
	if (rq->rq_step == BLKBACK_STORE && rq->rq_nsect > 0 &&
	    rq->rq_at < rq->rq_ask.ak_nsect)
		return;
	if (rq->rq_step == BLKBACK_STORE && barrier)
		rq->rq_step = BLKBACK_AFTER;
	else if (rq->rq_ask.ak_op == BLKIF_OP_READ)
		rq->rq_step = BLKBACK_DRAIN;
	else
		rq->rq_step = BLKBACK_ANSWER;
	rq->rq_tries = 0;
}

/* The answer may come, and the request be gone, before submit returns. */
static int
blkback_io_store(struct blkback_req *rq)
{
	struct blkback_tab *bt = rq->rq_tab;
	struct pv_blk *bk = bt->bt_guest.bg_blk;
	int rv;

	blkback_io_prepare(rq, bk);
	pv_lock(&bt->bt_lock);
	bt->bt_nstore++;
	bt->bt_refs++;
	pv_unlock(&bt->bt_lock);
	rv = pv_blk_submit(bk, &rq->rq_br);
	if (rv == 0)
		return BLKBACK_IO_AWAY;
	pv_lock(&bt->bt_lock);
	bt->bt_nstore--;
	bt->bt_refs--;		/* not the last: the connection has one */
	pv_unlock(&bt->bt_lock);
	return rv == -PV_EAGAIN ? blkback_io_wait(rq, BLKBACK_LATER) : rv;
}

/* Go on with a request until it is answered or somebody else has it. */
static void
blkback_io_go(struct blkback_req *rq)
{
	static int (*const steps[])(struct blkback_req *) = {
		[BLKBACK_SEGS] = blkback_io_segs,
		[BLKBACK_FILL] = blkback_io_fill,
		[BLKBACK_BEFORE] = blkback_io_store,
		[BLKBACK_STORE] = blkback_io_store,
		[BLKBACK_AFTER] = blkback_io_store,
		[BLKBACK_DRAIN] = blkback_io_drain
	};
	int rv = 0;

	while (rv == 0 && rq->rq_step != BLKBACK_ANSWER)
		rv = steps[rq->rq_step](rq);
	if (rv == BLKBACK_IO_AWAY)
		return;
	if (rv < 0)
		rq->rq_rv = rv;
	blkback_io_answer(rq);
}

/* The last one to leave the table frees it; the device has gone. */
static void
blkback_io_put(struct blkback_tab *bt)
{
	if (bt->bt_opened)
		bt->bt_client->pc_vbd_close(&bt->bt_guest);
	pv_pages_free(NULL, bt->bt_data, bt->bt_npg);
	pv_free(NULL, bt, sizeof(*bt));
}

/* Context: deferred. */
static void
blkback_io_done(struct pv_blk_req *br, int rv)
{
	struct blkback_req *rq = br->br_arg;
	struct blkback_tab *bt = rq->rq_tab;
	bool live, last;

	pv_lock(&bt->bt_lock);
	bt->bt_nstore--;
	last = --bt->bt_refs == 0;
	live = blkback_io_live_locked(rq);
	if (live)
		bt->bt_nbusy++;
	else
		blkback_io_free_locked(rq);
	if (!live && bt->bt_nstore == 0)
		pv_wake(&bt->bt_quiet);
	pv_unlock(&bt->bt_lock);
	if (last)
		blkback_io_put(bt);
	if (!live)
		return;
	if (rv < 0) {
		rq->rq_rv = rv;
		rq->rq_step = BLKBACK_ANSWER;
	} else {
		blkback_io_next(rq);
	}
	blkback_io_go(rq);
	pv_lock(&bt->bt_lock);
	if (--bt->bt_nbusy == 0 && !bt->bt_up)
		pv_wake(&bt->bt_quiet);
	pv_unlock(&bt->bt_lock);
}

/*
 * blkback_io_again -- go on with what had to wait
 *
 * Context: deferred.
 */
void
blkback_io_again(void *arg)
{
	struct blkback_tab *bt = arg;
	struct list *l, *next;
	LIST_HEAD(now);

	pv_lock(&bt->bt_lock);
	LIST_FOREACH_SAFE(l, next, &bt->bt_wait) {
		list_remove(l);
		list_append(&now, l);
	}
	pv_unlock(&bt->bt_lock);
	while ((l = list_pop(&now)) != NULL)
		blkback_io_go(LIST_ENTRY(l, struct blkback_req, rq_link));
}

/* ---- taking ------------------------------------------------------------ */

/* A request out of the ring, decoded and checked; or NULL, with why. */
static struct blkback_req *
blkback_io_get_locked(struct blkback_queue *bq, int *rv)
{
	struct blkback_softc *sc = bq->bq_sc;
	struct blkback_tab *bt = sc->sc_tab;
	uint8_t raw[BLKBACK_RAWLEN];
	struct blkback_disk bd;
	struct blkback_req *rq;

	if (list_empty(&bt->bt_free)) {
		bq->bq_short = true;
		return NULL;
	}
	*rv = bring_get(&bq->bq_ring, raw);
	if (*rv <= 0)
		return NULL;
	rq = LIST_ENTRY(list_pop(&bt->bt_free), struct blkback_req, rq_link);
	rq->rq_bq = bq;
	rq->rq_epoch = bt->bt_epoch;
	rq->rq_plan = (struct blkback_plan){ 0 };
	rq->rq_at = 0;
	rq->rq_tries = 0;
	blkback_req_decode(sc->sc_abi, raw, &rq->rq_ask);
	blkback_io_disk(sc, &bd);
	rq->rq_rv = blkback_req_check(&bd, &rq->rq_ask);
	rq->rq_seg = rq->rq_ask.ak_seg;
	rq->rq_step = rq->rq_rv != 0 ? BLKBACK_ANSWER :
	    rq->rq_ask.ak_indirect ? BLKBACK_SEGS :
	    blkback_io_first(&rq->rq_ask);
	bt->bt_guest.bg_nreq++;
	bt->bt_guest.bg_nindirect += rq->rq_ask.ak_indirect;
	bt->bt_guest.bg_nbarrier += rq->rq_ask.ak_op == BLKIF_OP_WRITE_BARRIER;
	if (rq->rq_rv == -PV_EPROTO) {
		*rv = -PV_EPROTO;
		blkback_io_free_locked(rq);
		return NULL;
	}
	return rq;
}

/* May it begin?  Gets its memory.  false: it stays at the queue's head. */
static bool
blkback_io_begin_locked(struct blkback_queue *bq, struct blkback_req *rq)
{
	struct blkback_tab *bt = bq->bq_sc->sc_tab;
	bool barrier = rq->rq_ask.ak_op == BLKIF_OP_WRITE_BARRIER;
	int run = 0;

	if (rq->rq_step == BLKBACK_ANSWER)
		return true;
	if (barrier && bq->bq_nreq > 0)
		return false;
	rq->rq_npg = blkback_req_npage(&rq->rq_ask);
	if (rq->rq_npg > 0)
		run = blkback_req_run(bt->bt_used, bt->bt_npg, rq->rq_npg);
	if (run < 0)
		return false;
	if (rq->rq_npg > 0)
		rq->rq_data = bt->bt_data + (size_t)run * PV_PAGE_SIZE;
	bq->bq_barrier = barrier;
	return true;
}

/* The queue's next request that can begin.  NULL: none, see *rv and *why. */
static struct blkback_req *
blkback_io_take(struct blkback_queue *bq, int *rv, enum evtchn_result *why)
{
	struct blkback_tab *bt = bq->bq_sc->sc_tab;
	struct blkback_req *rq = NULL;

	*rv = 0;
	*why = EVTCHN_DONE;		/* stopped, to be run again */
	pv_lock(&bt->bt_lock);
	if (!bt->bt_up || bq->bq_barrier)
		goto out;
	rq = bq->bq_head;
	bq->bq_head = NULL;
	if (rq == NULL)
		rq = blkback_io_get_locked(bq, rv);
	if (rq == NULL) {
		if (*rv == 0 && !bq->bq_short)
			*why = bring_rearm(&bq->bq_ring) ? EVTCHN_MORE :
			    EVTCHN_SPURIOUS;
	} else if (blkback_io_begin_locked(bq, rq)) {
		bq->bq_nreq++;
	} else {
		bq->bq_head = rq;
		rq = NULL;
	}
out:
	pv_unlock(&bt->bt_lock);
	return rq;
}

/*
 * blkback_io_intr -- a queue's event handler
 *
 * Context: deferred.
 */
enum evtchn_result
blkback_io_intr(void *arg)
{
	enum evtchn_result why = EVTCHN_MORE;
	struct blkback_queue *bq = arg;
	struct blkback_req *rq;
	unsigned int n;
	int rv = 0;

	for (n = 0; n < BLKBACK_BUDGET; n++) {
		rq = blkback_io_take(bq, &rv, &why);
		if (rq == NULL)
			break;
		blkback_io_go(rq);
	}
	if (rv < 0)
		pv_dev_fail(bq->bq_sc->sc_dev, "request that nobody honest "
		    "makes");
	if (n == BLKBACK_BUDGET)
		return EVTCHN_MORE;
	return n > 0 && why == EVTCHN_SPURIOUS ? EVTCHN_DONE : why;
}

/* ---- the end ----------------------------------------------------------- */

/* What nobody has but us: waiting, or at the head of a queue. */
static void
blkback_io_drop(struct blkback_softc *sc)
{
	struct blkback_tab *bt = sc->sc_tab;
	struct blkback_queue *bq;
	struct list *l;

	pv_lock(&bt->bt_lock);
	while ((l = list_pop(&bt->bt_wait)) != NULL)
		blkback_io_free_locked(LIST_ENTRY(l, struct blkback_req,
		    rq_link));
	for (bq = sc->sc_queue; bq < sc->sc_queue + BLKBACK_NQUEUE; bq++) {
		if (bq->bq_head != NULL)
			blkback_io_free_locked(bq->bq_head);
		bq->bq_head = NULL;
		bq->bq_nreq = 0;
		bq->bq_short = bq->bq_barrier = false;
	}
	pv_unlock(&bt->bt_lock);
}

/*
 * blkback_io_stop -- forget a connection's requests
 *
 * The handlers are closed.  What the store has ends by itself; on return
 * nobody touches the peer's memory any more.
 * Context: thread.
 */
void
blkback_io_stop(struct blkback_softc *sc)
{
	struct blkback_tab *bt = sc->sc_tab;
	bool busy = true;

	pv_cancel(&bt->bt_again);
	while (busy) {
		pv_lock(&bt->bt_lock);
		busy = bt->bt_nbusy > 0;
		pv_unlock(&bt->bt_lock);
		if (busy)
			(void)pv_wait(&bt->bt_quiet, pv_now() +
			    BLKBACK_LATER);
	}
	/* One of these may have deferred it once more. */
	pv_cancel(&bt->bt_again);
	blkback_io_drop(sc);
}

/*
 * blkback_io_leave -- the device goes; the table ends with the store's last
 * answer, or now
 *
 * Context: thread.
 */
void
blkback_io_leave(struct blkback_tab *bt)
{
	bool last;

	pv_lock(&bt->bt_lock);
	bt->bt_sc = NULL;
	last = --bt->bt_refs == 0;
	pv_unlock(&bt->bt_lock);
	if (last)
		blkback_io_put(bt);
}
