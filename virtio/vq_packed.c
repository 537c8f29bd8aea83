/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vq_packed.c -- packed virtqueues (virtio 1.2, section 2.8).
 *
 *	descriptors   addr len id flags, vq_size of them; both sides write
 *	driver        off_wrap flags: when we want an interrupt; ours
 *	device        off_wrap flags: when it wants a kick; the device's
 *
 * Both sides go around the one ring.  A descriptor is available when its AVAIL
 * flag is that of the lap and its USED flag the other, and used when both are
 * that of the lap; the lap's flag is 1 at first and turns over with each round.
 * The device answers a chain by one descriptor, in the place of the chain's
 * first, and goes on behind the chain.
 *
 * Chains that are not shown yet are written whole but for the flags of the
 * first one's first descriptor: there the device stops.
 */

#include "vq_ring.h"

#include <linux/virtio_ring.h>

#define AVAIL		(1u << VRING_PACKED_DESC_F_AVAIL)
#define USED		(1u << VRING_PACKED_DESC_F_USED)
#define LAP		15	/* bit of an off_wrap */

PV_WIRE_ASSERT(struct vring_packed_desc_event, 4);
PV_WIRE_OFFSET(struct vring_packed_desc_event, flags, 2);

static size_t
vq_packed_layout(const struct vq *vq, unsigned int align,
    size_t off[VQ_NAREA])
{
	size_t at = vq->vq_size * sizeof(struct vring_packed_desc);

	(void)align;
	off[VQ_AREA_DESC] = 0;
	off[VQ_AREA_DRIVER] = at;
	at += sizeof(struct vring_packed_desc_event);
	off[VQ_AREA_DEVICE] = at;
	return at + sizeof(struct vring_packed_desc_event);
}

static struct vring_packed_desc *
vq_packed_desc(const struct vq *vq, uint16_t place)
{
	return (struct vring_packed_desc *)vq->vq_area[VQ_AREA_DESC] + place;
}

/* A place and its lap, n further on. */
static inline void
vq_packed_move(const struct vq *vq, uint16_t *place, bool *lap, unsigned int n)
{
	unsigned int to = *place + n;

	if (to >= vq->vq_size) {
		to -= vq->vq_size;
		*lap = !*lap;
	}
	*place = (uint16_t)to;
}

/* One descriptor at the next place, shown unless it is the first not shown. */
static inline void
vq_packed_describe(struct vq *vq, const struct vq_piece *vp, uint16_t flags)
{
	struct vring_packed_desc *at = vq_packed_desc(vq, vq->vq_avail);

	flags = (uint16_t)(flags | (vq->vq_availlap ? AVAIL : USED));
	shm_put64(&at->addr, vp->vp_da);
	shm_write32(&at->len, vp->vp_len);
	shm_write16(&at->id, vq->vq_free);
	if (vq->vq_pushed == 0) {
		vq->vq_head = vq->vq_avail;
		vq->vq_headflags = flags;
	} else {
		shm_write16(&at->flags, flags);
	}
	vq->vq_pushed++;
	vq_packed_move(vq, &vq->vq_avail, &vq->vq_availlap, 1);
}

/* In a table the order is that of the entries. */
static inline void
vq_packed_entry(struct vring_desc *d, const struct vq_piece *vp,
    uint16_t next)
{
	struct vring_packed_desc *at = (void *)d;

	shm_put64(&at->addr, vp->vp_da);
	shm_write32(&at->len, vp->vp_len);
	shm_write16(&at->id, 0);
	shm_write16(&at->flags, vp->vp_dir == PV_PEER_WRITES ?
	    VRING_DESC_F_WRITE : 0);
}

static inline uint16_t
vq_packed_line(struct vq *vq, const struct vq_piece *vp, unsigned int n)
{
	const struct vq_desc *vd = &vq->vq_desc[vq->vq_free];
	uint16_t flags;

	for (; n > 0; n--, vp++) {
		flags = n > 1 ? VRING_DESC_F_NEXT : 0;
		if (vd->vd_table != VQ_NONE)
			flags |= VRING_DESC_F_INDIRECT;
		else if (vp->vp_dir == PV_PEER_WRITES)
			flags |= VRING_DESC_F_WRITE;
		vq_packed_describe(vq, vp, flags);
	}
	return vd->vd_next;
}

/* The device's wish: both halves in one read, so that they belong together. */
static bool
vq_packed_wanted(struct vq *vq, unsigned int n)
{
	uint32_t w = shm_read32(vq->vq_area[VQ_AREA_DEVICE]);
	uint16_t off = (uint16_t)(w & ((1u << LAP) - 1)), new = vq->vq_avail;

	if (w >> 16 != VRING_PACKED_EVENT_FLAG_DESC)
		return w >> 16 != VRING_PACKED_EVENT_FLAG_DISABLE;
	/* The place it waits for may be in the lap before this one. */
	if ((w >> LAP & 1) != vq->vq_availlap)
		off = (uint16_t)(off - vq->vq_size);
	return (uint16_t)(new - off - 1) < (uint16_t)n;
}

static bool
vq_packed_push(struct vq *vq)
{
	uint16_t n = vq->vq_pushed;

	if (n == 0)
		return false;
	shm_store_release16(&vq_packed_desc(vq, vq->vq_head)->flags,
	    vq->vq_headflags);
	vq->vq_pushed = 0;
	/* The flags come before the look at what the device asked for. */
	shm_mb();
	return vq_packed_wanted(vq, n);
}

static inline bool
vq_packed_used(const struct vq *vq, uint16_t flags)
{
	bool avail = (flags & AVAIL) != 0, used = (flags & USED) != 0;

	return avail == used && used == vq->vq_usedlap;
}

static inline int
vq_packed_ready(struct vq *vq)
{
	/* The rest of a batch was written once for all. */
	return vq->vq_batch || vq_packed_used(vq, shm_load_acquire16(
	    &vq_packed_desc(vq, vq->vq_used)->flags));
}

static inline void
vq_packed_read(struct vq *vq, uint32_t *id, uint32_t *len)
{
	struct vring_packed_desc *at = vq_packed_desc(vq, vq->vq_used);

	*len = shm_read32(&at->len);
	*id = shm_read16(&at->id);
}

static inline void
vq_packed_advance(struct vq *vq, uint16_t id)
{
	vq_packed_move(vq, &vq->vq_used, &vq->vq_usedlap,
	    vq->vq_desc[id].vd_n);
}

/* In order the free ids stay the circle that they were. */
static inline void
vq_packed_release(struct vq *vq, uint16_t id)
{
	if (vq->vq_in_order) {
		vq->vq_oldest = vq->vq_desc[id].vd_next;
		return;
	}
	vq->vq_desc[id].vd_next = vq->vq_free;
	vq->vq_free = id;
}

static bool
vq_packed_rearm(struct vq *vq)
{
	struct vring_packed_desc_event *ev = vq->vq_area[VQ_AREA_DRIVER];

	if (vq->vq_event_idx) {
		shm_write16(&ev->off_wrap, (uint16_t)(vq->vq_used |
		    (unsigned int)vq->vq_usedlap << LAP));
		shm_wmb();
		shm_write16(&ev->flags, VRING_PACKED_EVENT_FLAG_DESC);
	} else if (vq->vq_hushed) {
		shm_write16(&ev->flags, VRING_PACKED_EVENT_FLAG_ENABLE);
	}
	vq->vq_hushed = false;
	shm_mb();
	return vq_packed_used(vq, shm_read16(
	    &vq_packed_desc(vq, vq->vq_used)->flags));
}

static void
vq_packed_quiet(struct vq *vq)
{
	struct vring_packed_desc_event *ev = vq->vq_area[VQ_AREA_DRIVER];

	if (!vq->vq_hushed)
		shm_write16(&ev->flags, VRING_PACKED_EVENT_FLAG_DISABLE);
	vq->vq_hushed = true;
}

static uint16_t
vq_packed_where(const struct vq *vq)
{
	if (vq->vq_pushed > 0)
		return (uint16_t)(vq->vq_head |
		    ((vq->vq_headflags & AVAIL) != 0 ? 1u << LAP : 0));
	return (uint16_t)(vq->vq_avail | (unsigned int)vq->vq_availlap << LAP);
}

static const struct vq_ring vq_packed_ring = {
	.ri_add = vq_packed_line,
	.ri_entry = vq_packed_entry,
	.ri_ready = vq_packed_ready,
	.ri_read = vq_packed_read,
	.ri_advance = vq_packed_advance,
	.ri_release = vq_packed_release,
	/* 2.8.4; DPDK leaves there what we wrote. */
	.ri_nolen = true,
};

static __attribute__((__noinline__)) int
vq_packed_many(struct vq *vq, const struct vq_piece *vp, unsigned int n,
    void *cookie)
{
	return vq_ring_many(vq, vp, n, cookie, &vq_packed_ring);
}

static int
vq_packed_add(struct vq *vq, const struct vq_piece *vp, unsigned int n,
    void *cookie)
{
	return n == 1 ? vq_ring_one(vq, vp, cookie, &vq_packed_ring) :
	    vq_packed_many(vq, vp, n, cookie);
}

static int
vq_packed_get(struct vq *vq, void **cookie, uint32_t *len)
{
	return vq_ring_get(vq, cookie, len, &vq_packed_ring);
}

static void
vq_packed_forget(struct vq *vq, uint16_t id)
{
	vq_ring_release(vq, id, &vq_packed_ring);
}

const struct vq_ops vq_packed_ops = {
	.qo_layout = vq_packed_layout,
	.qo_add = vq_packed_add,
	.qo_push = vq_packed_push,
	.qo_get = vq_packed_get,
	.qo_forget = vq_packed_forget,
	.qo_rearm = vq_packed_rearm,
	.qo_quiet = vq_packed_quiet,
	.qo_where = vq_packed_where,
};
