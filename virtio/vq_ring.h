/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vq_ring.h -- taking and giving chains, for both kinds of ring; see vq.h.
 *
 * These are compiled once with each kind: vq_split.c and vq_packed.c give
 * them their struct vq_ring, a constant, so that its functions are inlined
 * and a chain costs one indirect call and not five.
 */

#ifndef VQ_RING_H
#define VQ_RING_H

#include "vq.h"

#include <linux/virtio_ring.h>

#define VQ_RING_INLINE	static inline __attribute__((__always_inline__))

struct vq_ring {
	/*
	 * Write n descriptors, which are free, for the id vq_free; one that
	 * has a vd_table is for that.  Returns the new vq_free.
	 */
	uint16_t (*ri_add)(struct vq *, const struct vq_piece *,
		    unsigned int n);
	/* Write one entry of a table; next: its number, 0 for the last. */
	void	 (*ri_entry)(struct vring_desc *, const struct vq_piece *,
		    uint16_t next);
	/* 1: an answer is there, 0: none, -PV_EPROTO. */
	int	 (*ri_ready)(struct vq *);
	/* Copy it; unchecked. */
	void	 (*ri_read)(struct vq *, uint32_t *id, uint32_t *len);
	/* The place of the next answer moves over the chain of that id. */
	void	 (*ri_advance)(struct vq *, uint16_t id);
	/* The chain of that id goes: give its id back. */
	void	 (*ri_release)(struct vq *, uint16_t id);
	/* What a length says where the device may not write is no length. */
	bool	 ri_nolen;
};

static inline uint32_t
vq_ring_offered(const struct vq_piece *vp, unsigned int n)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (vp[i].vp_dir == PV_PEER_WRITES)
			sum += vp[i].vp_len;
	}
	return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

/*
 * Describe n pieces in a table: its number, with *one what its descriptor in
 * the ring is to say, or VQ_NONE when there is no table for them.
 */
VQ_RING_INLINE uint16_t
vq_ring_table(struct vq *vq, const struct vq_piece *vp, unsigned int n,
    struct vq_piece *one, const struct vq_ring *ri)
{
	struct vring_desc *table = vq->vq_tables;
	unsigned int first, i;
	uint16_t t;

	if (n < 2 || n > vq->vq_chain || vq->vq_ntablefree == 0)
		return VQ_NONE;
	t = vq->vq_tablefree[--vq->vq_ntablefree];
	first = t * vq->vq_chain;
	for (i = 1; i < n; i++)
		ri->ri_entry(&table[first + i - 1], &vp[i - 1], (uint16_t)i);
	ri->ri_entry(&table[first + i - 1], &vp[i - 1], 0);
	one->vp_da = vq->vq_tablespa + first * sizeof(*table);
	one->vp_len = n * (uint32_t)sizeof(*table);
	one->vp_dir = PV_PEER_READS;
	return t;
}

/* There is room: note the chain, and write it. */
VQ_RING_INLINE void
vq_ring_put(struct vq *vq, const struct vq_piece *vp, unsigned int n,
    const struct vq_desc *what, const struct vq_ring *ri)
{
	struct vq_desc *vd = &vq->vq_desc[vq->vq_free];

	if (vq->vq_nfree == vq->vq_size)
		vq->vq_oldest = vq->vq_free;
	vd->vd_table = what->vd_table;
	vd->vd_offered = what->vd_offered;
	vd->vd_n = (uint16_t)n;
	vd->vd_cookie = what->vd_cookie;
	vq->vq_nfree = (uint16_t)(vq->vq_nfree - n);
	vq->vq_free = ri->ri_add(vq, vp, n);
}

/* As vq_add(), for chains of one piece; most are. */
VQ_RING_INLINE int
vq_ring_one(struct vq *vq, const struct vq_piece *vp, void *cookie,
    const struct vq_ring *ri)
{
	const struct vq_desc what = {
		.vd_cookie = cookie, .vd_table = VQ_NONE,
		.vd_offered = vp->vp_dir == PV_PEER_WRITES ? vp->vp_len : 0
	};

	if (vq->vq_nfree == 0)
		return -PV_EAGAIN;
	vq_ring_put(vq, vp, 1, &what, ri);
	return 0;
}

/* As vq_add(). */
VQ_RING_INLINE int
vq_ring_many(struct vq *vq, const struct vq_piece *vp, unsigned int n,
    void *cookie, const struct vq_ring *ri)
{
	struct vq_desc what = {
		.vd_cookie = cookie, .vd_offered = vq_ring_offered(vp, n)
	};
	struct vq_piece one;

	if (n == 0 || n > vq->vq_size)
		return -PV_EINVAL;
	if (vq->vq_nfree == 0)
		return -PV_EAGAIN;
	what.vd_table = vq_ring_table(vq, vp, n, &one, ri);
	if (what.vd_table != VQ_NONE) {
		vp = &one;
		n = 1;
	}
	if (n > vq->vq_nfree)
		return -PV_EAGAIN;
	vq_ring_put(vq, vp, n, &what, ri);
	return 0;
}

/* The chain of that id is no more. */
VQ_RING_INLINE void
vq_ring_release(struct vq *vq, uint16_t id, const struct vq_ring *ri)
{
	struct vq_desc *vd = &vq->vq_desc[id];

	if (vd->vd_table != VQ_NONE)
		vq->vq_tablefree[vq->vq_ntablefree++] = vd->vd_table;
	vq->vq_nfree = (uint16_t)(vq->vq_nfree + vd->vd_n);
	ri->ri_release(vq, id);
	vd->vd_cookie = NULL;
}

/* Copy the next answer and check it: 1 or -PV_EPROTO. */
VQ_RING_INLINE int
vq_ring_answer(struct vq *vq, uint32_t *idp, uint32_t *lenp,
    const struct vq_ring *ri)
{
	struct vq_desc *vd;
	uint32_t id, len;

	ri->ri_read(vq, &id, &len);
	/* peer: the id must be that of a chain in flight. */
	if (id >= vq->vq_size)
		return -PV_EPROTO;
	vd = &vq->vq_desc[id];
	if (vd->vd_cookie == NULL)
		return -PV_EPROTO;
	if (ri->ri_nolen && vd->vd_offered == 0)
		len = 0;
	/* peer: it can not have written more than was offered. */
	if (len > vd->vd_offered) {
		if (!vq->vq_cutlen)
			return -PV_EPROTO;
		len = vd->vd_offered;
	}
	*idp = id;
	*lenp = len;
	return 1;
}

/*
 * In order: the oldest of the chains up to vq_last, which are answered, comes
 * first.
 */
static inline uint32_t
vq_ring_oldest(struct vq *vq, uint32_t *len)
{
	uint16_t id = vq->vq_oldest;

	vq->vq_batch = id != vq->vq_last;
	*len = vq->vq_batch ? vq->vq_desc[id].vd_offered : vq->vq_lastlen;
	return id;
}

/* As vq_get(). */
VQ_RING_INLINE int
vq_ring_get(struct vq *vq, void **cookie, uint32_t *lenp,
    const struct vq_ring *ri)
{
	int rv = vq->vq_lied ? -PV_EPROTO : ri->ri_ready(vq);
	uint32_t id = 0, len = 0;

	if (!vq->vq_batch && rv > 0) {
		rv = vq_ring_answer(vq, &id, &len, ri);
		if (vq->vq_in_order) {
			vq->vq_last = (uint16_t)id;
			vq->vq_lastlen = len;
		}
	} else if (vq->vq_batch && rv == 0) {
		/* peer: one answer for several counts as several. */
		rv = -PV_EPROTO;
	}
	if (rv <= 0) {
		vq->vq_lied = rv < 0;
		return rv;
	}
	if (vq->vq_in_order)
		id = vq_ring_oldest(vq, &len);
	*lenp = len;
	*cookie = vq->vq_desc[id].vd_cookie;
	ri->ri_advance(vq, (uint16_t)id);
	vq_ring_release(vq, (uint16_t)id, ri);
	return 1;
}

#endif /* VQ_RING_H */
