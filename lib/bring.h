/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bring.h -- the back half of a Xen ring: gets requests, puts responses.
 *
 * The mirror of fring.h; see there for the layout.  A slot whose request was
 * taken and not yet answered belongs to us: the peer may not put a new
 * request in it, so it can never have more than the ring's size of requests
 * ahead of our responses.
 */

#ifndef BRING_H
#define BRING_H

#include "fring.h"

struct bring {
	struct ring_shared *br_shared;
	uint32_t	 br_cons;	/* requests taken */
	uint32_t	 br_prod;	/* responses put */
	uint32_t	 br_pushed;	/* of these, shown to the peer */
	uint32_t	 br_size;
	uint32_t	 br_entlen;
	uint32_t	 br_reqlen, br_rsplen;
};

/* Attach to a ring that the peer made in len bytes of shared memory. */
static inline void
bring_init(struct bring *r, void *shared, size_t len, uint32_t reqlen,
    uint32_t rsplen)
{
	r->br_shared = shared;
	r->br_cons = r->br_prod = r->br_pushed = 0;
	r->br_reqlen = reqlen;
	r->br_rsplen = rsplen;
	r->br_entlen = reqlen > rsplen ? reqlen : rsplen;
	r->br_size = ring_entries(len, r->br_entlen);
}

static inline volatile void *
bring_entry(const struct bring *r, uint32_t idx)
{
	return (volatile uint8_t *)r->br_shared + RING_HEADER +
	    (size_t)(idx & (r->br_size - 1)) * r->br_entlen;
}

/*
 * Take the next request.  1: *req filled; 0: none; -PV_EPROTO: the peer
 * claims more requests than there are free slots.
 */
static inline int
bring_get(struct bring *r, void *req)
{
	uint32_t prod = shm_load_acquire32(&r->br_shared->req_prod);

	if (prod == r->br_cons)
		return 0;
	/* peer: a slot is free for it only after our response. */
	if (prod - r->br_pushed > r->br_size ||
	    prod - r->br_pushed < r->br_cons - r->br_pushed)
		return -PV_EPROTO;
	shm_copy_in(req, bring_entry(r, r->br_cons), r->br_reqlen);
	r->br_cons++;
	return 1;
}

/* Put a response; at most one for each request taken. */
static inline void
bring_put(struct bring *r, const void *rsp)
{
	shm_copy_out(bring_entry(r, r->br_prod), rsp, r->br_rsplen);
	r->br_prod++;
}

/* As fring_push(). */
static inline bool
bring_push(struct bring *r)
{
	uint32_t old = r->br_pushed, event;

	if (old == r->br_prod)
		return false;
	shm_store_release32(&r->br_shared->rsp_prod, r->br_prod);
	r->br_pushed = r->br_prod;
	shm_mb();
	event = shm_read32(&r->br_shared->rsp_event);
	return r->br_prod - event < r->br_prod - old;
}

/* As fring_rearm(). */
static inline bool
bring_rearm(struct bring *r)
{
	shm_write32(&r->br_shared->req_event, r->br_cons + 1);
	shm_mb();
	return shm_read32(&r->br_shared->req_prod) != r->br_cons;
}

#endif /* BRING_H */
