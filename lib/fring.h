/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fring.h -- the front half of a Xen ring: puts requests, gets responses.
 *
 * Layout of the shared page (xen/include/public/io/ring.h): four 32-bit
 * indexes, padding to 64 bytes, then a power of two of entries, each as large
 * as the larger of request and response.
 *
 *	            fr_cons            rsp_prod        fr_prod
 *	               |  answered, not  |  asked, not   |
 *	    free       |  yet taken      |  answered     |      free
 *	---------------+-----------------+---------------+-------------
 *
 * Indexes run freely modulo 2^32 and are compared only by subtraction.  The
 * private fr_prod and fr_cons are the truth; the shared copies of them are
 * written and never read.  Callers hold their queue's lock.
 */

#ifndef FRING_H
#define FRING_H

#include <pv/errno.h>

#include "shm.h"

/* xen/include/public/io/ring.h, __RING_HEADER */
struct ring_shared {
	uint32_t	 req_prod, req_event;
	uint32_t	 rsp_prod, rsp_event;
	uint8_t		 pad[48];
};
#define RING_HEADER	64	/* bytes before the first entry */

struct fring {
	struct ring_shared *fr_shared;
	uint32_t	 fr_prod;	/* requests put */
	uint32_t	 fr_pushed;	/* of these, shown to the peer */
	uint32_t	 fr_cons;	/* responses taken */
	uint32_t	 fr_size;	/* entries, a power of two */
	uint32_t	 fr_entlen;	/* bytes of an entry */
	uint32_t	 fr_reqlen, fr_rsplen;
};

/* Entries that fit in len bytes of ring: the largest power of two. */
static inline uint32_t
ring_entries(size_t len, uint32_t entlen)
{
	uint32_t n = 1;

	while (RING_HEADER + (size_t)n * 2 * entlen <= len)
		n *= 2;
	return n;
}

/*
 * Make an empty ring in len bytes of zeroed shared memory.  Both event
 * indexes start at 1: the first request and response notify.
 */
static inline void
fring_init(struct fring *r, void *shared, size_t len, uint32_t reqlen,
    uint32_t rsplen)
{
	r->fr_shared = shared;
	r->fr_prod = r->fr_pushed = r->fr_cons = 0;
	r->fr_reqlen = reqlen;
	r->fr_rsplen = rsplen;
	r->fr_entlen = reqlen > rsplen ? reqlen : rsplen;
	r->fr_size = ring_entries(len, r->fr_entlen);
	shm_write32(&r->fr_shared->req_prod, 0);
	shm_write32(&r->fr_shared->rsp_prod, 0);
	shm_write32(&r->fr_shared->req_event, 1);
	shm_write32(&r->fr_shared->rsp_event, 1);
}

static inline volatile void *
fring_entry(const struct fring *r, uint32_t idx)
{
	return (volatile uint8_t *)r->fr_shared + RING_HEADER +
	    (size_t)(idx & (r->fr_size - 1)) * r->fr_entlen;
}

/* Requests that may still be put. */
static inline uint32_t
fring_free(const struct fring *r)
{
	return r->fr_size - (r->fr_prod - r->fr_cons);
}

/* Put a request; there must be room.  The peer sees it after fring_push(). */
static inline void
fring_put(struct fring *r, const void *req)
{
	shm_copy_out(fring_entry(r, r->fr_prod), req, r->fr_reqlen);
	r->fr_prod++;
}

/*
 * Show the peer what was put.  Returns true when it asked to be notified.
 * The barrier orders our index before the read of its event index: one of
 * the two sides always sees the other's write.
 */
static inline bool
fring_push(struct fring *r)
{
	uint32_t old = r->fr_pushed, event;

	if (old == r->fr_prod)
		return false;
	shm_store_release32(&r->fr_shared->req_prod, r->fr_prod);
	r->fr_pushed = r->fr_prod;
	shm_mb();
	event = shm_read32(&r->fr_shared->req_event);
	return r->fr_prod - event < r->fr_prod - old;
}

/*
 * Take the next response.  1: *rsp filled; 0: none; -PV_EPROTO: the peer
 * claims more responses than requests outstanding.  The producer index is
 * read once, the entry is copied once, and only private indexes are kept.
 */
static inline int
fring_get(struct fring *r, void *rsp)
{
	uint32_t prod = shm_load_acquire32(&r->fr_shared->rsp_prod);

	if (prod == r->fr_cons)
		return 0;
	/* peer: the index is its word. */
	if (prod - r->fr_cons > r->fr_pushed - r->fr_cons)
		return -PV_EPROTO;
	shm_copy_in(rsp, fring_entry(r, r->fr_cons), r->fr_rsplen);
	r->fr_cons++;
	return 1;
}

/*
 * Ask for a notification at the next response, then look again: true when
 * one came meanwhile (call fring_get() again instead of waiting).
 */
static inline bool
fring_rearm(struct fring *r)
{
	shm_write32(&r->fr_shared->rsp_event, r->fr_cons + 1);
	shm_mb();
	return shm_read32(&r->fr_shared->rsp_prod) != r->fr_cons;
}

#endif /* FRING_H */
