/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xs_ring.c -- messages over the store's ring: requests out, replies and
 * watch events in; see xs_wire.h.
 *
 * Nothing here sleeps or logs: all of it runs under xs_lock.  The stream has
 * no marks to find a message again, so after the first thing that can not be
 * right the connection counts as broken.
 */

#include "shm.h"
#include "xs_wire.h"

#define XS_RING_BUDGET	16		/* messages taken in one run */
#define XS_RING_SLOT	0xffu		/* of a req_id: its slot */

PV_WIRE_ASSERT(struct xsd_sockmsg, 16);
PV_WIRE_OFFSET(struct xenstore_domain_interface, req_cons, 2048);
PV_WIRE_OFFSET(struct xenstore_domain_interface, rsp_cons, 2056);
PV_WIRE_OFFSET(struct xenstore_domain_interface, connection, 2068);

/* ---- requests ---------------------------------------------------------- */

/*
 * xs_ring_done -- answer a request
 *
 * Context: any.  Lock: xs_lock.
 */
void
xs_ring_done(struct xs *xs, struct xs_req *rq, int rv)
{
	rq->rq_rv = rv;
	rq->rq_epoch = xs->xs_epoch;
	rq->rq_done = true;
	pv_os_wake(&rq->rq_event);
}

/* A request takes a slot, under an id that was not used lately. */
static void
xs_ring_set_id(struct xs *xs, struct xs_req *rq, uint32_t slot)
{
	xs->xs_gen += XS_RING_SLOT + 1;
	rq->rq_slot = slot;
	rq->rq_hdr.req_id = xs->xs_gen | slot;
	xs->xs_id[slot] = rq->rq_hdr.req_id;
}

/* Give a request its id; false when as many as may be are in flight. */
static bool
xs_ring_number(struct xs *xs, struct xs_req *rq)
{
	int64_t slot;

	if (rq->rq_slot >= 0)
		return true;
	slot = idmap_take(&xs->xs_ids, rq);
	if (slot < 0)
		return false;
	xs_ring_set_id(xs, rq, (uint32_t)slot);
	return true;
}

/* Send what fits of a request; bytes sent, or -PV_EPROTO. */
static int
xs_ring_send_one(struct xs *xs, struct xs_req *rq)
{
	const struct xs_piece *pc;
	int n, sum = 0;

	while (rq->rq_at < rq->rq_npiece) {
		pc = &rq->rq_piece[rq->rq_at];
		n = bytering_write(&xs->xs_req,
		    (const char *)pc->pc_base + rq->rq_off,
		    (uint32_t)(pc->pc_len - rq->rq_off));
		if (n < 0)
			return n;
		sum += n;
		rq->rq_off += (size_t)n;
		if (rq->rq_off < pc->pc_len)
			break;
		rq->rq_at++;
		rq->rq_off = 0;
	}
	return sum;
}

/*
 * xs_ring_send -- send what fits; true: notify the store
 *
 * Context: any.  Lock: xs_lock.
 */
bool
xs_ring_send(struct xs *xs)
{
	struct xs_req *rq;
	bool kick = false;
	int n;

	if (!xs_conn_up(xs))
		return false;
	while (!list_empty(&xs->xs_sendq)) {
		rq = LIST_ENTRY(xs->xs_sendq.li_next, struct xs_req, rq_link);
		if ((xs->xs_hold && rq->rq_slot < 0) ||
		    !xs_ring_number(xs, rq))
			break;
		n = xs_ring_send_one(xs, rq);
		if (n < 0) {
			xs_conn_fail(xs, "impossible request index");
			break;
		}
		kick |= n > 0;
		if (rq->rq_at < rq->rq_npiece)
			break;
		list_remove(&rq->rq_link);
	}
	return kick;
}

/* ---- requests that nobody waits for any more --------------------------- */

/*
 * What a request would do, if the store does it after all, has to be undone.
 * It leaves a ghost in its slot; what undoes it takes over the slot.
 */
static void
xs_ring_haunt(struct xs *xs, const struct xs_req *rq)
{
	struct xs_ghost *gh = &xs->xs_ghost[rq->rq_slot];
	struct strbuf path, token;

	gh->gh_type = rq->rq_once ? XS_INVALID : rq->rq_hdr.type;
	xs->xs_slot[rq->rq_slot].is_obj = &gh->gh_req;
	gh->gh_req = (struct xs_req){ .rq_slot = rq->rq_slot };
	if (gh->gh_type != XS_WATCH)
		return;
	str_begin(&path, gh->gh_path, sizeof(gh->gh_path));
	str_add(&path, rq->rq_piece[1].pc_base);
	str_begin(&token, gh->gh_token, sizeof(gh->gh_token));
	str_add(&token, rq->rq_piece[2].pc_base);
}

/* The ghost whose request this is, or NULL. */
static struct xs_ghost *
xs_ring_ghost(struct xs *xs, const struct xs_req *rq)
{
	uint32_t i;

	for (i = 0; i < XS_INFLIGHT; i++) {
		if (rq == &xs->xs_ghost[i].gh_req)
			return &xs->xs_ghost[i];
	}
	return NULL;
}

/*
 * xs_ring_lost -- is it nobody's request, which needs no answer?
 *
 * Context: any.  Lock: xs_lock.
 */
bool
xs_ring_lost(struct xs *xs, const struct xs_req *rq)
{
	return xs_ring_ghost(xs, rq) != NULL;
}

/*
 * A ghost's answer, of len bytes in xs_body.  When the store has begun a
 * transaction or set a watch, of which it allows a domain few, end that.
 */
static void
xs_ring_undo(struct xs *xs, struct xs_ghost *gh, uint32_t len)
{
	struct xs_req *rq = &gh->gh_req;
	uint32_t slot = (uint32_t)rq->rq_slot;
	struct xs_trans t;
	uint64_t id;

	if (gh->gh_type == XS_TRANSACTION_START &&
	    xs->xs_hdr.type == XS_TRANSACTION_START &&
	    str_num(xs->xs_body, len, 1, UINT32_MAX, &id) == 0) {
		t.xt_id = (uint32_t)id;
		t.xt_epoch = xs->xs_epoch;
		xs_req_init(rq, XS_TRANSACTION_END, &t);
		xs_req_path(rq, "F");
	} else if (gh->gh_type == XS_WATCH && xs->xs_hdr.type == XS_WATCH) {
		xs_req_init(rq, XS_UNWATCH, XS_NOTRANS);
		xs_req_path(rq, gh->gh_path);
		xs_req_path(rq, gh->gh_token);
	} else {
		idmap_release(&xs->xs_ids, slot);
		return;
	}
	gh->gh_type = XS_INVALID;
	(void)xs_req_seal(rq);
	xs_ring_set_id(xs, rq, slot);
	list_append(&xs->xs_sendq, &rq->rq_link);
}

/*
 * xs_ring_abandon -- nobody waits for a request any more
 *
 * One that the store has begun to read can not be taken back: nothing could
 * be sent after it.
 * Context: any.  Lock: xs_lock.
 */
void
xs_ring_abandon(struct xs *xs, struct xs_req *rq)
{
	bool queued = rq->rq_link.li_next != NULL;

	rq->rq_rv = -PV_ETIMEDOUT;
	if (!queued) {
		if (rq->rq_slot >= 0)
			xs_ring_haunt(xs, rq);
		return;
	}
	list_remove(&rq->rq_link);
	if (rq->rq_slot >= 0)
		idmap_release(&xs->xs_ids, (uint64_t)rq->rq_slot);
	if (rq->rq_at > 0 || rq->rq_off > 0)
		xs_conn_fail(xs, "it stopped in the middle of a request");
}

/* ---- replies ----------------------------------------------------------- */

/* A whole reply of len bytes is in xs_body.  NULL or what is wrong with it. */
static const char *
xs_ring_reply(struct xs *xs, uint32_t len)
{
	uint32_t slot = xs->xs_hdr.req_id & XS_RING_SLOT;
	struct xs_ghost *gh;
	struct xs_req *rq;

	/* peer: any id; only one that is in flight counts. */
	rq = idmap_find(&xs->xs_ids, slot);
	if (rq == NULL || xs->xs_id[slot] != xs->xs_hdr.req_id)
		return "a reply to no request";
	if (rq->rq_link.li_next != NULL)
		return "a reply to half a request";
	gh = xs_ring_ghost(xs, rq);
	if (gh != NULL) {
		xs_ring_undo(xs, gh, len);
		return NULL;
	}
	if (xs->xs_hdr.type != XS_ERROR &&
	    xs->xs_hdr.type != rq->rq_hdr.type)
		return "a reply to another question";
	idmap_release(&xs->xs_ids, slot);
	if (xs->xs_hdr.type == XS_ERROR) {
		xs_ring_done(xs, rq, xs_path_error(xs->xs_body, len));
		return NULL;
	}
	rq->rq_len = len;
	if (rq->rq_buf != NULL && len > rq->rq_size) {
		xs_ring_done(xs, rq, -PV_E2BIG);
		return NULL;
	}
	if (rq->rq_buf != NULL)
		__builtin_memcpy(rq->rq_buf, xs->xs_body, len);
	xs_ring_done(xs, rq, 0);
	return NULL;
}

/* Take bytes up to the end of the part at dst that ends at message byte end. */
static int
xs_ring_fill(struct xs *xs, char *dst, uint32_t first, uint32_t end)
{
	int n;

	if (xs->xs_got >= end)
		return 1;
	n = bytering_read(&xs->xs_rsp, dst + (xs->xs_got - first),
	    end - xs->xs_got);
	if (n < 0)
		return n;
	xs->xs_got += (uint32_t)n;
	return xs->xs_got == end;
}

/*
 * Take the next message.  1: it is handled; 0: not all of it is there yet;
 * -PV_EPROTO: the store is broken now.
 */
static int
xs_ring_message(struct xs *xs)
{
	const uint32_t hdrlen = sizeof(xs->xs_hdr);
	const char *why = "impossible reply index";
	int rv;

	rv = xs_ring_fill(xs, (char *)&xs->xs_hdr, 0, hdrlen);
	if (rv <= 0)
		goto out;
	/* peer: the length decides how much of our memory is written. */
	if (xs->xs_hdr.len > XENSTORE_PAYLOAD_MAX) {
		why = "a message that is too long";
		rv = -PV_EPROTO;
		goto out;
	}
	rv = xs_ring_fill(xs, xs->xs_body, hdrlen, hdrlen + xs->xs_hdr.len);
	if (rv <= 0)
		goto out;
	xs->xs_got = 0;
	if (xs->xs_hdr.type == XS_WATCH_EVENT)
		why = xs_watch_event(xs, xs->xs_hdr.len) < 0 ?
		    "a watch event without path or token" : NULL;
	else
		why = xs_ring_reply(xs, xs->xs_hdr.len);
	rv = why == NULL ? 1 : -PV_EPROTO;
out:
	if (rv < 0)
		xs_conn_fail(xs, why);
	return rv;
}

/*
 * xs_ring_receive -- take a few messages; returns how many
 *
 * Context: any.  Lock: xs_lock.
 */
unsigned int
xs_ring_receive(struct xs *xs)
{
	unsigned int n;

	if (!xs_conn_up(xs))
		return 0;
	for (n = 0; n < XS_RING_BUDGET; n++) {
		if (xs_ring_message(xs) <= 0)
			break;
	}
	return n;
}
