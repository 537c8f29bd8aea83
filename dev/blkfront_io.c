/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkfront_io -- requests onto blkfront's rings, answers off them, and once
 * more when the peer has gone.  Theory in blkfront.c.
 */

#include "blkfront.h"

/* ---- Names ------------------------------------------------------------- */

static void	 blkfront_io_feed_locked(struct blkfront_queue *);
static void	 blkfront_io_finish(struct blkfront_tab *, struct list *);
static void	 blkfront_io_adopt(struct blkfront_queue *);

/* ---- a queue's life ---------------------------------------------------- */

static struct blkfront_tab *
blkfront_io_tab(struct blkfront_queue *q)
{
	struct blkfront_tab *bt;
	unsigned int i;

	bt = pv_alloc(NULL, sizeof(*bt));	/* may outlive the device */
	if (bt == NULL)
		return NULL;
	bt->bt_refs = 1;
	bt->bt_q = q;
	list_init(&bt->bt_free);
	list_init(&bt->bt_active);
	for (i = 0; i < BLKFRONT_NIO; i++) {
		bt->bt_io[i].io_tab = bt;
		list_append(&bt->bt_free, &bt->bt_io[i].io_link);
	}
	return bt;
}

int
blkfront_io_create(struct blkfront_softc *sc, unsigned int no)
{
	struct blkfront_queue *q = pv_alloc(sc->sc_dev, sizeof(*q));
	unsigned int i;

	if (q == NULL)
		return -PV_ENOMEM;
	q->q_tab = blkfront_io_tab(q);
	if (q->q_tab == NULL) {
		pv_free(sc->sc_dev, q, sizeof(*q));
		return -PV_ENOMEM;
	}
	q->q_sc = sc;
	q->q_no = no;
	q->q_waitend = &q->q_wait;
	list_init(&q->q_idle);
	list_init(&q->q_feed);
	for (i = 0; i < BLKFRONT_NREQ; i++)
		list_append(&q->q_idle, &q->q_rq[i].rq_link);
	sc->sc_q[no] = q;
	return 0;
}

/* The last one to leave the table frees it. */
static void
blkfront_io_tab_put(struct blkfront_tab *bt)
{
	bool last;

	pv_lock(&bt->bt_lock);
	last = --bt->bt_refs == 0;
	pv_unlock(&bt->bt_lock);
	if (last)
		pv_free(NULL, bt, sizeof(*bt));
}

void
blkfront_io_destroy(struct blkfront_softc *sc, unsigned int no)
{
	struct blkfront_queue *q = sc->sc_q[no];

	if (q == NULL)
		return;
	PV_ASSERT(q->q_wait == NULL);
	pv_lock(&q->q_tab->bt_lock);
	q->q_tab->bt_q = NULL;
	pv_unlock(&q->q_tab->bt_lock);
	blkfront_io_tab_put(q->q_tab);
	pv_free(sc->sc_dev, q, sizeof(*q));
	sc->sc_q[no] = NULL;
}

/* ---- beginning --------------------------------------------------------- */

static uint8_t
blkfront_io_op(struct blkfront_softc *sc, enum pv_blk_op op)
{
	uint8_t flush;

	switch (op) {
	case PV_BLK_READ:
		return BLKIF_OP_READ;
	case PV_BLK_WRITE:
		return BLKIF_OP_WRITE;
	case PV_BLK_FLUSH:
		pv_lock(&sc->sc_lock);
		flush = sc->sc_flushop;
		pv_unlock(&sc->sc_lock);
		/* Refused to another meanwhile: so it will be once more. */
		return flush != 0 ? flush : BLKIF_OP_FLUSH_DISKCACHE;
	default:		/* blkfront_req_check() let nothing else in */
		return BLKIF_OP_DISCARD;
	}
}

/* Begin with a request, or begin again. */
static void
blkfront_io_start(struct blkfront_queue *q, struct blkfront_io *io)
{
	struct pv_blk_req *br = io->io_br;

	io->io_op = blkfront_io_op(q->q_sc, br->br_op);
	io->io_sect = br->br_sect;
	io->io_left = br->br_nsect;
	if (br->br_op == PV_BLK_FLUSH)
		io->io_sect = io->io_left = 0;	/* peers check them */
	io->io_error = 0;
	io->io_more = true;
	iov_start(&io->io_iter, br->br_iov, br->br_niov);
	io->io_fed = true;
	list_append(&q->q_feed, &io->io_link);
}

/* An io that is done with, to be finished without the lock. */
static void
blkfront_io_end(struct blkfront_io *io, struct list *ios)
{
	list_remove(&io->io_order);
	list_append(ios, &io->io_link);
}

/* Take an io off the feed. */
static void
blkfront_io_unfeed(struct blkfront_io *io)
{
	if (io->io_fed)
		list_remove(&io->io_link);
	io->io_fed = false;
}

/*
 * Begin again with what was held back, unless the new disk can not do it;
 * then it ends.
 */
static bool
blkfront_io_again_locked(struct blkfront_queue *q, struct blkfront_io *io,
    struct list *ios)
{
	int rv = blkfront_req_check(q->q_sc, io->io_br);

	blkfront_io_unfeed(io);
	if (rv == 0) {
		blkfront_io_start(q, io);
		return true;
	}
	io->io_more = false;
	io->io_error = rv == -PV_EINVAL ? -PV_EIO : rv;
	blkfront_io_end(io, ios);
	return false;
}

/* ---- submit ------------------------------------------------------------ */

/* An io for a request, fed.  Lock: bt_lock. */
static int
blkfront_io_take_locked(struct blkfront_queue *q, struct pv_blk_req *br)
{
	struct blkfront_tab *bt = q->q_tab;
	struct blkfront_io *io;
	struct list *l;
	int rv;

	/* The next peer has fewer queues: the caller tries another. */
	if (!q->q_up && !q->q_away)
		return q->q_no >= q->q_sc->sc_nq ? -PV_EAGAIN : -PV_ENXIO;
	rv = blkfront_req_check(q->q_sc, br);
	if (rv < 0)
		return rv;
	if (!list_empty(&q->q_feed) || q->q_wait != NULL)
		return -PV_EAGAIN;
	l = list_pop(&bt->bt_free);
	if (l == NULL)
		return -PV_EAGAIN;
	io = LIST_ENTRY(l, struct blkfront_io, io_link);
	io->io_br = br;
	list_append(&bt->bt_active, &io->io_order);
	blkfront_io_start(q, io);
	return 0;
}

static int
blkfront_io_submit(void *softc, struct pv_blk_req *br)
{
	struct blkfront_softc *sc = softc;
	struct blkfront_queue *q = sc->sc_q[br->br_cpu % sc->sc_nq];
	bool kick = false;
	int rv;

	pv_lock(&q->q_tab->bt_lock);
	rv = blkfront_io_take_locked(q, br);
	if (rv == 0 && q->q_up) {
		blkfront_io_feed_locked(q);
		kick = fring_push(&q->q_ring);
	}
	pv_unlock(&q->q_tab->bt_lock);
	if (kick)
		evtchn_notify(&q->q_eh);
	return rv;
}

/* Put one request of an io on the ring, in an idle rq; false: no grants. */
static bool
blkfront_io_put(struct blkfront_queue *q, struct blkfront_io *io,
    struct blkfront_req *rq)
{
	union blkfront_wire wire;
	int64_t id;

	rq->rq_io = io;
	rq->rq_op = io->io_op;
	rq->rq_sect = io->io_sect;
	rq->rq_nsect = io->io_left;
	if ((rq->rq_op == BLKIF_OP_READ || rq->rq_op == BLKIF_OP_WRITE) &&
	    !blkfront_req_cut(q, io, rq))
		return false;
	list_remove(&rq->rq_link);
	id = idmap_take(&q->q_ids, rq);
	PV_ASSERT(id >= 0);
	blkfront_req_encode(q, rq, (uint64_t)id, &wire);
	fring_put(&q->q_ring, &wire);
	io->io_nrq++;
	io->io_sect += rq->rq_nsect;
	io->io_left -= rq->rq_nsect;
	io->io_more = io->io_left > 0;
	return true;
}

/* Put as much of the waiting ios on the ring as fits. */
static void
blkfront_io_feed_locked(struct blkfront_queue *q)
{
	struct blkfront_io *io;

	PV_ASSERT_LOCKED(&q->q_tab->bt_lock);
	while (!list_empty(&q->q_feed)) {
		io = LIST_ENTRY(q->q_feed.li_next, struct blkfront_io,
		    io_link);
		while (io->io_more) {
			if (fring_free(&q->q_ring) == 0 ||
			    !blkfront_io_put(q, io, LIST_ENTRY(
			    q->q_idle.li_next, struct blkfront_req, rq_link)))
				return;
		}
		blkfront_io_unfeed(io);
	}
}

/* ---- complete ---------------------------------------------------------- */

static int
blkfront_io_status(int16_t status)
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
blkfront_io_complete(struct blkfront_queue *q,
    const struct blkif_response *rsp)
{
	struct blkfront_req *rq;

	/* peer: 64 bits on the wire; unknown and idle ids are refused. */
	rq = idmap_find(&q->q_ids, rsp->id);
	if (rq == NULL)
		return NULL;
	/*
	 * peer: answers what was asked; of an indirect request some name the
	 * outer operation.  On a lie the id stays in flight.
	 */
	if (rsp->operation != rq->rq_op &&
	    (rq->rq_ind == NULL || rsp->operation != BLKIF_OP_INDIRECT))
		return NULL;
	idmap_release(&q->q_ids, rsp->id);
	rq->rq_error = blkfront_io_status(rsp->status);	/* peer: any number */
	return rq;
}

/*
 * peer: may refuse what it offered.  Returns true when the io is to be tried
 * again in another way.
 */
static bool
blkfront_io_refused(struct blkfront_queue *q, const struct blkfront_req *rq)
{
	struct blkfront_softc *sc = q->q_sc;
	uint32_t *flags = &sc->sc_blk.bk_flags;
	bool again;

	switch (rq->rq_op) {
	case BLKIF_OP_FLUSH_DISKCACHE:
		if (sc->sc_flushop == BLKIF_OP_FLUSH_DISKCACHE)
			sc->sc_flushop = sc->sc_barrier ?
			    BLKIF_OP_WRITE_BARRIER : 0;
		break;
	case BLKIF_OP_WRITE_BARRIER:
		sc->sc_flushop = 0;
		break;
	case BLKIF_OP_DISCARD:
		*flags &= ~(uint32_t)PV_BLK_CANSECURE;
		if (rq->rq_io->io_br->br_op == PV_BLK_DISCARD)
			*flags &= ~(uint32_t)PV_BLK_CANDISCARD;
		break;
	}
	again = rq->rq_op == BLKIF_OP_FLUSH_DISKCACHE && sc->sc_flushop != 0 &&
	    q->q_up;
	if (sc->sc_flushop == 0)
		*flags &= ~(uint32_t)PV_BLK_CANFLUSH;
	return again;
}

static void
blkfront_io_count(struct blkfront_queue *q, const struct blkfront_req *rq)
{
	struct pv_blk *bk = &q->q_sc->sc_blk;

	bk->bk_qdone[q->q_no]++;
	bk->bk_nindirect += rq->rq_ind != NULL;
	if (q->q_sc->sc_last)
		bk->bk_nlasting += rq->rq_nseg;
	pv_blk_count(bk, rq->rq_io->io_br->br_op, rq->rq_nsect, rq->rq_error);
}

/* One ring request less; returns true when its io is done with it. */
static bool
blkfront_io_settle_locked(struct blkfront_queue *q, struct blkfront_req *rq)
{
	struct blkfront_softc *sc = q->q_sc;
	struct blkfront_io *io = rq->rq_io;
	bool again = false;

	PV_ASSERT_LOCKED(&q->q_tab->bt_lock);
	pv_lock(&sc->sc_lock);
	blkfront_io_count(q, rq);
	if (rq->rq_error == -PV_EOPNOTSUPP)
		again = blkfront_io_refused(q, rq);
	pv_unlock(&sc->sc_lock);
	io->io_nrq--;
	if (again) {
		blkfront_io_start(q, io);
	} else if (rq->rq_error != 0) {
		io->io_error = rq->rq_error;
		blkfront_io_unfeed(io);
		io->io_more = false;
	}
	return !io->io_more && io->io_nrq == 0 && io->io_nparked == 0;
}

/* The peer lied: what is under way fails as such.  Context: deferred. */
static void
blkfront_io_fail(struct blkfront_softc *sc, const char *why)
{
	blkfront_io_stop(sc, false);
	sc->sc_error = -PV_EPROTO;
	pv_dev_fail(sc->sc_dev, why);
}

/* Answered requests: take the memory back, go on with what waits, report. */
static void
blkfront_io_done(struct blkfront_queue *q, struct list *rqs)
{
	struct blkfront_req *rq;
	LIST_HEAD(ios);
	struct list *l;
	bool kick = false, enough = true;

	LIST_FOREACH(l, rqs)
		blkfront_req_unshare(q, LIST_ENTRY(l, struct blkfront_req,
		    rq_link));
	pv_lock(&q->q_tab->bt_lock);
	while ((l = list_pop(rqs)) != NULL) {
		rq = LIST_ENTRY(l, struct blkfront_req, rq_link);
		if (blkfront_io_settle_locked(q, rq))
			blkfront_io_end(rq->rq_io, &ios);
		enough = blkfront_req_release(q, rq);
	}
	if (q->q_up) {
		blkfront_io_feed_locked(q);
		kick = fring_push(&q->q_ring);
	}
	pv_unlock(&q->q_tab->bt_lock);
	if (kick)
		evtchn_notify(&q->q_eh);
	blkfront_io_finish(q->q_tab, &ios);
	blkfront_io_adopt(q);
	if (!enough)
		blkfront_io_fail(q->q_sc, "keeps all our grants");
}

/*
 * A queue's event handler.
 *
 * Context: deferred; also any, from blkfront_io_poll().
 */
enum evtchn_result
blkfront_io_intr(void *arg)
{
	struct blkfront_queue *q = arg;
	struct blkif_response rsp;
	struct blkfront_req *rq;
	LIST_HEAD(done);
	unsigned int n;
	bool more = true;
	int rv = 0;

	pv_lock(&q->q_tab->bt_lock);
	for (n = 0; n < BLKFRONT_BUDGET && q->q_up; n++) {
		rv = fring_get(&q->q_ring, &rsp);
		if (rv <= 0)
			break;
		rq = blkfront_io_complete(q, &rsp);
		if (rq == NULL) {
			rv = -PV_EPROTO;
			break;
		}
		list_append(&done, &rq->rq_link);
	}
	if (!q->q_up || rv < 0)
		more = false;
	else if (n < BLKFRONT_BUDGET)
		more = fring_rearm(&q->q_ring);
	pv_unlock(&q->q_tab->bt_lock);

	blkfront_io_done(q, &done);
	if (rv < 0)
		blkfront_io_fail(q->q_sc, "response that answers no request");
	return more ? EVTCHN_MORE : n > 0 ? EVTCHN_DONE : EVTCHN_SPURIOUS;
}

static void
blkfront_io_poll(void *softc)
{
	struct blkfront_softc *sc = softc;
	unsigned int i, n = sc->sc_nq;

	for (i = 0; i < n; i++)
		if (!evtchn_gone(&sc->sc_q[i]->q_eh))
			blkfront_io_intr(sc->sc_q[i]);
}

/* Give ios back to the consumer, then to the table.  No lock held. */
static void
blkfront_io_finish(struct blkfront_tab *bt, struct list *ios)
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

/* ---- once more --------------------------------------------------------- */

/*
 * One io whose requests were taken off the ring.  Held back while a page of
 * it is in quarantine still, it is fed when that ends.
 */
static void
blkfront_io_drop_one(struct blkfront_queue *q, struct blkfront_io *io,
    bool hold, struct list *ios)
{
	PV_ASSERT_LOCKED(&q->q_tab->bt_lock);
	blkfront_io_unfeed(io);
	io->io_more = hold && io->io_error == 0;
	if (io->io_error == 0 && !hold)
		io->io_error = q->q_sc->sc_error;
	if (io->io_nparked > 0)
		return;
	if (io->io_more)
		blkfront_io_start(q, io);
	else
		blkfront_io_end(io, ios);
}

/* Requests that have no io yet. */
static struct pv_blk_req *
blkfront_io_waiting_locked(struct blkfront_queue *q)
{
	struct pv_blk_req *br = q->q_wait;

	q->q_wait = NULL;
	q->q_waitend = &q->q_wait;
	return br;
}

void
blkfront_io_drop(struct blkfront_queue *q, bool hold)
{
	struct blkfront_tab *bt = q->q_tab;
	struct pv_blk_req *br = NULL, *nextbr;
	struct blkfront_req *rq;
	struct list *l, *next;
	LIST_HEAD(rqs);
	LIST_HEAD(ios);
	uint32_t id;

	pv_lock(&bt->bt_lock);
	for (id = 0; (rq = idmap_next(&q->q_ids, &id)) != NULL; id++) {
		idmap_release(&q->q_ids, id);
		list_append(&rqs, &rq->rq_link);
	}
	pv_unlock(&bt->bt_lock);
	LIST_FOREACH(l, &rqs)
		blkfront_req_unshare(q, LIST_ENTRY(l, struct blkfront_req,
		    rq_link));
	pv_lock(&bt->bt_lock);
	while ((l = list_pop(&rqs)) != NULL) {
		rq = LIST_ENTRY(l, struct blkfront_req, rq_link);
		rq->rq_io->io_nrq--;
		(void)blkfront_req_release(q, rq);
	}
	LIST_FOREACH_SAFE(l, next, &bt->bt_active)
		blkfront_io_drop_one(q, LIST_ENTRY(l, struct blkfront_io,
		    io_order), hold, &ios);
	if (!hold)
		br = blkfront_io_waiting_locked(q);
	pv_unlock(&bt->bt_lock);
	blkfront_io_finish(bt, &ios);
	for (; br != NULL; br = nextbr) {
		nextbr = br->br_next;
		br->br_done(br, q->q_sc->sc_error);
	}
}

void
blkfront_io_stop(struct blkfront_softc *sc, bool hold)
{
	struct blkfront_queue *q;
	unsigned int i;

	for (i = 0; i < BLKFRONT_NQ && sc->sc_q[i] != NULL; i++) {
		q = sc->sc_q[i];
		pv_lock(&q->q_tab->bt_lock);
		q->q_up = false;
		q->q_away = hold;
		pv_unlock(&q->q_tab->bt_lock);
	}
}

/*
 * An io held back in a queue that is no more: its request waits in the first
 * queue.  Lock: bt_lock of q; that of the first queue is taken inside, never
 * the other way round.
 */
static void
blkfront_io_hand_locked(struct blkfront_queue *q, struct blkfront_io *io)
{
	struct blkfront_queue *first = q->q_sc->sc_q[0];

	PV_ASSERT(q != first);
	blkfront_io_unfeed(io);
	list_remove(&io->io_order);
	io->io_more = false;
	pv_lock(&first->q_tab->bt_lock);
	io->io_br->br_next = NULL;
	*first->q_waitend = io->io_br;
	first->q_waitend = &io->io_br->br_next;
	if (first->q_up)
		evtchn_again(&first->q_eh);
	pv_unlock(&first->q_tab->bt_lock);
	list_append(&q->q_tab->bt_free, &io->io_link);
}

/* Give ios to requests that wait for them. */
static void
blkfront_io_adopt(struct blkfront_queue *q)
{
	struct blkfront_tab *bt = q->q_tab;
	struct blkfront_io *io;
	struct list *l;
	LIST_HEAD(ios);
	bool kick = false;

	pv_lock(&bt->bt_lock);
	while (q->q_up && q->q_wait != NULL &&
	    (l = list_pop(&bt->bt_free)) != NULL) {
		io = LIST_ENTRY(l, struct blkfront_io, io_link);
		io->io_br = q->q_wait;
		q->q_wait = io->io_br->br_next;
		if (q->q_wait == NULL)
			q->q_waitend = &q->q_wait;
		io->io_fed = false;
		list_append(&bt->bt_active, &io->io_order);
		(void)blkfront_io_again_locked(q, io, &ios);
	}
	if (q->q_up) {
		blkfront_io_feed_locked(q);
		kick = fring_push(&q->q_ring);
	}
	pv_unlock(&bt->bt_lock);
	if (kick)
		evtchn_notify(&q->q_eh);
	blkfront_io_finish(bt, &ios);
}

/* Begin with a queue; returns how many requests begin again. */
static unsigned int
blkfront_io_go_queue(struct blkfront_queue *q)
{
	struct blkfront_tab *bt = q->q_tab;
	struct list *l, *next;
	struct blkfront_io *io;
	LIST_HEAD(ios);
	unsigned int n = 0;

	pv_lock(&bt->bt_lock);
	LIST_FOREACH_SAFE(l, next, &bt->bt_active) {
		io = LIST_ENTRY(l, struct blkfront_io, io_order);
		if (io->io_fed && blkfront_io_again_locked(q, io, &ios))
			n++;
	}
	q->q_away = false;
	q->q_up = true;
	pv_unlock(&bt->bt_lock);
	blkfront_io_finish(bt, &ios);
	return n;
}

/* A queue that the new peer has not got; returns how many it gave away. */
static unsigned int
blkfront_io_leave_queue(struct blkfront_queue *q)
{
	struct blkfront_tab *bt = q->q_tab;
	struct list *l, *next;
	struct blkfront_io *io;
	unsigned int n = 0;

	pv_lock(&bt->bt_lock);
	q->q_away = false;
	LIST_FOREACH_SAFE(l, next, &bt->bt_active) {
		io = LIST_ENTRY(l, struct blkfront_io, io_order);
		if (!io->io_fed)
			continue;	/* blkfront_io_unpark() will */
		blkfront_io_hand_locked(q, io);
		n++;
	}
	pv_unlock(&bt->bt_lock);
	return n;
}

void
blkfront_io_go(struct blkfront_softc *sc)
{
	unsigned int i, n = 0;

	for (i = 0; i < sc->sc_nring; i++)
		n += blkfront_io_go_queue(sc->sc_q[i]);
	sc->sc_nq = sc->sc_nring;
	for (; i < BLKFRONT_NQ && sc->sc_q[i] != NULL; i++)
		n += blkfront_io_leave_queue(sc->sc_q[i]);
	for (i = 0; i < sc->sc_nring; i++)
		blkfront_io_adopt(sc->sc_q[i]);
	if (n == 0)
		return;
	pv_lock(&sc->sc_lock);
	sc->sc_blk.bk_nreplay += n;
	pv_unlock(&sc->sc_lock);
	pv_log(sc->sc_dev, PV_LOG_INFO, "%s: %u requests put again",
	    sc->sc_name, n);
}

/* What was held back while a page of it was parked.  Lock: bt_lock. */
static bool
blkfront_io_unpark_held(struct blkfront_queue *q, struct blkfront_io *io,
    struct list *ios)
{
	if (q->q_up || q->q_away)
		return blkfront_io_again_locked(q, io, ios);
	blkfront_io_hand_locked(q, io);
	return false;
}

/*
 * The peer has let go of a parked map.  The device may be gone.
 * Context: deferred.
 */
void
blkfront_io_unpark(void *arg)
{
	struct blkfront_io *io = arg;
	struct blkfront_tab *bt = io->io_tab;
	struct blkfront_queue *q;
	bool again = false;
	LIST_HEAD(ios);

	pv_lock(&bt->bt_lock);
	q = bt->bt_q;
	if (--io->io_nparked == 0 && io->io_nrq == 0 && !io->io_fed) {
		if (io->io_more)
			again = blkfront_io_unpark_held(q, io, &ios);
		else
			blkfront_io_end(io, &ios);
		/* The queue's handler goes on with what waits. */
		if (q != NULL && q->q_up && (again || q->q_wait != NULL))
			evtchn_again(&q->q_eh);
	}
	pv_unlock(&bt->bt_lock);
	blkfront_io_finish(bt, &ios);
	blkfront_io_tab_put(bt);
}

const struct pv_blk_ops blkfront_io_ops = {
	.bo_submit = blkfront_io_submit,
	.bo_poll = blkfront_io_poll,
};
