/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xs_conn.c -- the connection to the store: there, lost, asked for anew; see
 * xs_wire.h and xenstore-ring.txt.
 *
 *	DOWN --store says "connected"--> UP --protocol broken, error told--+
 *	 ^                                |                                |
 *	 |                                | "reconnect" by somebody        |
 *	 +-- we write "reconnect" -- LOST <--- the store can reconnect ----+
 *	     at most every XS_AGAIN                 else: DEAD for good
 *
 * When a connection ends, all that the store knew of us is gone: requests
 * that it has not answered are put back into the queue, those of
 * transactions are answered EAGAIN, and each watch is set again, which makes
 * the store tell its event anew: no change is missed.
 */

#include "shm.h"
#include "xs_wire.h"

#define XS_AGAIN	(10ull * 1000 * 1000 * 1000)	/* ns */

static bool
xs_conn_can(const struct xs *xs, uint32_t feature)
{
	/* The store may begin to offer a feature at any time. */
	return xs->xs_page != NULL &&
	    (shm_read32(&xs->xs_page->server_features) & feature) != 0;
}

/*
 * Take the ring over.  Indexes may stand anywhere.  Replies that nobody took
 * were meant for a kernel or firmware before us.
 */
static void
xs_conn_take(struct xs *xs)
{
	struct xenstore_domain_interface *page = xs->xs_page;

	shm_store_release32(&page->rsp_cons, shm_read32(&page->rsp_prod));
	bytering_init(&xs->xs_req, (volatile void *)page->req,
	    XENSTORE_RING_SIZE, &page->req_prod, &page->req_cons, true);
	bytering_init(&xs->xs_rsp, (volatile void *)page->rsp,
	    XENSTORE_RING_SIZE, &page->rsp_prod, &page->rsp_cons, false);
}

/*
 * What becomes of a request when its connection ends.  One that was queued
 * is off the queue already.
 */
static void
xs_conn_again(struct xs *xs, struct xs_req *rq, bool sent)
{
	rq->rq_slot = -1;
	rq->rq_at = 0;
	rq->rq_off = 0;
	if (rq->rq_once)
		xs_ring_done(xs, rq, -PV_EAGAIN);
	else if (rq->rq_hdr.tx_id == 0)
		list_append(&xs->xs_sendq, &rq->rq_link);
	else if (sent && rq->rq_hdr.type == XS_TRANSACTION_END)
		xs_ring_done(xs, rq, -PV_EIO);	/* done, or not: who knows */
	else
		xs_ring_done(xs, rq, -PV_EAGAIN);
}

/* The connection ended: nothing of it means anything any more. */
static void
xs_conn_reset(struct xs *xs)
{
	struct list *p, *next, queue;
	struct xs_req *rq;
	uint32_t id;

	xs->xs_up = false;
	xs->xs_epoch++;
	xs->xs_got = 0;
	list_init(&queue);
	while ((p = list_pop(&xs->xs_sendq)) != NULL)
		list_append(&queue, p);
	for (id = 0; (rq = idmap_next(&xs->xs_ids, &id)) != NULL;) {
		idmap_release(&xs->xs_ids, id);
		if (rq->rq_link.li_next == NULL && !xs_ring_lost(xs, rq))
			xs_conn_again(xs, rq, true);
	}
	LIST_FOREACH_SAFE(p, next, &queue) {
		rq = LIST_ENTRY(p, struct xs_req, rq_link);
		list_remove(p);
		if (!xs_ring_lost(xs, rq))
			xs_conn_again(xs, rq, false);
	}
	LIST_FOREACH(p, &xs->xs_watches)
		LIST_ENTRY(p, struct xs_watch, xw_link)->xw_again = true;
}

/* Nobody is answered any more. */
static void
xs_conn_die(struct xs *xs)
{
	struct xs_req *rq;
	struct list *p;
	uint32_t id;

	xs->xs_dead = true;
	for (id = 0; (rq = idmap_next(&xs->xs_ids, &id)) != NULL;) {
		idmap_release(&xs->xs_ids, id);
		if (rq->rq_slot >= 0 && rq->rq_link.li_next != NULL)
			list_remove(&rq->rq_link);
		xs_ring_done(xs, rq, -PV_EIO);
	}
	while ((p = list_pop(&xs->xs_sendq)) != NULL)
		xs_ring_done(xs, LIST_ENTRY(p, struct xs_req, rq_link),
		    -PV_EIO);
}

/*
 * xs_conn_moved -- the domain was resumed: the connection is gone
 *
 * The store may be another one, so it gets a new chance.
 * Context: any.  Lock: xs_lock.
 */
void
xs_conn_moved(struct xs *xs)
{
	xs_conn_reset(xs);
	xs->xs_lost = xs->xs_dead = xs->xs_told = false;
	xs->xs_next = 0;
	xs->xs_away = true;
}

/*
 * xs_conn_can_again -- does the store offer new connections?
 *
 * Context: any.  Lock: xs_lock.
 */
bool
xs_conn_can_again(const struct xs *xs)
{
	return !xs->xs_dead &&
	    xs_conn_can(xs, XENSTORE_SERVER_FEATURE_RECONNECTION);
}

/*
 * xs_conn_fail -- the store broke the protocol
 *
 * It is asked for a new connection when it offers that.
 * Context: any.  Lock: xs_lock.
 */
void
xs_conn_fail(struct xs *xs, const char *why)
{
	xs->xs_why = why;
	xs->xs_said = false;
	if (!xs_conn_can_again(xs)) {
		xs_conn_die(xs);
		return;
	}
	xs_conn_reset(xs);
	xs->xs_lost = true;
	pv_os_defer(&xs->xs_late, 0);
}

/*
 * xs_conn_ask -- ask for a new connection when the old one is lost
 *
 * true: notify the store.
 * Context: thread.  Lock: xs_lock.
 */
bool
xs_conn_ask(struct xs *xs)
{
	uint64_t now = pv_os_now();

	if (!xs->xs_lost)
		return false;
	/* A store that breaks each connection costs no more than this. */
	if (now < xs->xs_next) {
		pv_os_defer(&xs->xs_late, xs->xs_next - now);
		return false;
	}
	xs->xs_next = now + XS_AGAIN;
	xs->xs_lost = false;
	shm_store_release32(&xs->xs_page->connection, XENSTORE_RECONNECT);
	return true;
}

/* Did somebody end the connection without a word on the ring? */
static void
xs_conn_look(struct xs *xs)
{
	static const char *const reasons[] = {
		[XENSTORE_ERROR_COMM] = "the store can not notify us",
		[XENSTORE_ERROR_RINGIDX] =
		    "the store finds our ring's indexes impossible",
		[XENSTORE_ERROR_PROTO] = "the store finds our message too long"
	};
	uint32_t error;

	/* peer: any number. */
	if (xs_conn_can(xs, XENSTORE_SERVER_FEATURE_ERROR)) {
		error = shm_read32(&xs->xs_page->error);
		if (error != XENSTORE_ERROR_NONE) {
			xs_conn_fail(xs, error < PV_NELEM(reasons) ?
			    reasons[error] : "the store tells of an error");
			return;
		}
	}
	if (shm_read32(&xs->xs_page->connection) == XENSTORE_RECONNECT) {
		xs_conn_reset(xs);
		if (pv_os_now() >= xs->xs_next) {
			xs->xs_next = pv_os_now() + XS_AGAIN;
			xs->xs_told = false;
			pv_os_defer(&xs->xs_late, 0);
		}
	}
}

/*
 * xs_conn_up -- is the store there?
 *
 * A store that starts after us leaves "reconnect" in the page until then.
 * Context: any.  Lock: xs_lock.
 */
bool
xs_conn_up(struct xs *xs)
{
	if (xs->xs_dead || xs->xs_lost || xs->xs_away)
		return false;
	if (xs->xs_up)
		xs_conn_look(xs);
	if (xs->xs_up)
		return true;
	if (xs->xs_dead || xs->xs_lost || xs->xs_page == NULL ||
	    shm_load_acquire32(&xs->xs_page->connection) !=
	    XENSTORE_CONNECTED)
		return false;
	xs_conn_take(xs);
	xs->xs_up = true;
	if (xs->xs_epoch > 0)
		pv_os_defer(&xs->xs_late, 0);	/* the watches */
	return true;
}
