/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vq_split.c -- split virtqueues (virtio 1.2, section 2.7).
 *
 *	descriptors   addr len flags next, vq_size of them; ours
 *	available     flags idx ring[] used_event; ours
 *	used          flags idx elements[] avail_event; the device's
 */

#include "vq_ring.h"

#include <linux/virtio_ring.h>

#define RING		2	/* first entry of a ring, in 16-bit words */
#define USED_LEN	8	/* bytes of a used element */

PV_WIRE_ASSERT(struct vring_used_elem, USED_LEN);
PV_WIRE_OFFSET(struct vring_used_elem, len, 4);

static size_t
vq_split_layout(const struct vq *vq, unsigned int align, size_t off[VQ_NAREA])
{
	size_t size = vq->vq_size, at = size * sizeof(struct vring_desc);

	off[VQ_AREA_DESC] = 0;
	off[VQ_AREA_DRIVER] = at;
	at += (RING + size + 1) * 2;
	at = (at + align - 1) & ~(size_t)(align - 1);
	off[VQ_AREA_DEVICE] = at;
	return at + RING * 2 + size * USED_LEN + 2;
}

static uint16_t *
vq_split_avail(const struct vq *vq)
{
	return vq->vq_area[VQ_AREA_DRIVER];
}

static uint16_t *
vq_split_used(const struct vq *vq)
{
	return vq->vq_area[VQ_AREA_DEVICE];
}

static inline void
vq_split_describe(struct vring_desc *d, const struct vq_piece *vp,
    uint16_t flags, uint16_t next)
{
	if (vp->vp_dir == PV_PEER_WRITES)
		flags |= VRING_DESC_F_WRITE;
	shm_put64(&d->addr, vp->vp_da);
	shm_write32(&d->len, vp->vp_len);
	shm_write16(&d->flags, flags);
	shm_write16(&d->next, next);
}

static inline void
vq_split_entry(struct vring_desc *d, const struct vq_piece *vp, uint16_t next)
{
	vq_split_describe(d, vp, next != 0 ? VRING_DESC_F_NEXT : 0, next);
}

static inline uint16_t
vq_split_link(struct vq *vq, const struct vq_piece *vp, unsigned int n)
{
	struct vring_desc *table = vq->vq_area[VQ_AREA_DESC];
	uint16_t head = vq->vq_free, i = head, next, flags;

	flags = vq->vq_desc[head].vd_table != VQ_NONE ?
	    VRING_DESC_F_INDIRECT : 0;
	for (; n > 1; n--) {
		next = vq->vq_desc[i].vd_next;
		vq_split_describe(&table[i], vp++, VRING_DESC_F_NEXT, next);
		i = next;
	}
	vq_split_describe(&table[i], vp, flags, 0);
	shm_write16(&vq_split_avail(vq)[RING + (vq->vq_avail &
	    (vq->vq_size - 1u))], head);
	vq->vq_avail++;
	return vq->vq_desc[i].vd_next;
}

static bool
vq_split_push(struct vq *vq)
{
	uint16_t old = vq->vq_pushed, event;

	if (old == vq->vq_avail)
		return false;
	shm_store_release16(&vq_split_avail(vq)[1], vq->vq_avail);
	vq->vq_pushed = vq->vq_avail;
	/* Our index comes before the look at what the device asked for. */
	shm_mb();
	if (!vq->vq_event_idx)
		return (shm_read16(&vq_split_used(vq)[0]) &
		    VRING_USED_F_NO_NOTIFY) == 0;
	event = shm_read16(&vq_split_used(vq)[RING + vq->vq_size * 4]);
	return (uint16_t)(vq->vq_avail - event - 1) <
	    (uint16_t)(vq->vq_avail - old);
}

static inline int
vq_split_ready(struct vq *vq)
{
	uint16_t idx = shm_load_acquire16(&vq_split_used(vq)[1]);

	if (idx == vq->vq_used)
		return 0;
	/* peer: it can not have answered more than is in flight. */
	if ((uint16_t)(idx - vq->vq_used) > vq->vq_size - vq->vq_nfree)
		return -PV_EPROTO;
	return 1;
}

static inline void
vq_split_read(struct vq *vq, uint32_t *id, uint32_t *len)
{
	struct vring_used_elem *e = (void *)&vq_split_used(vq)[RING +
	    (vq->vq_used & (vq->vq_size - 1u)) * (USED_LEN / 2)];

	*id = shm_read32(&e->id);
	*len = shm_read32(&e->len);
}

static inline void
vq_split_advance(struct vq *vq, uint16_t id)
{
	vq->vq_used++;
}

/* In order the free descriptors stay the circle that they were. */
static inline void
vq_split_release(struct vq *vq, uint16_t head)
{
	uint16_t n = vq->vq_desc[head].vd_n, last = head, k;

	for (k = 1; k < n; k++)
		last = vq->vq_desc[last].vd_next;
	if (vq->vq_in_order) {
		vq->vq_oldest = vq->vq_desc[last].vd_next;
		return;
	}
	vq->vq_desc[last].vd_next = vq->vq_free;
	vq->vq_free = head;
}

static bool
vq_split_rearm(struct vq *vq)
{
	if (vq->vq_event_idx)
		shm_write16(&vq_split_avail(vq)[RING + vq->vq_size],
		    vq->vq_used);
	else
		shm_write16(&vq_split_avail(vq)[0], 0);
	shm_mb();
	return shm_read16(&vq_split_used(vq)[1]) != vq->vq_used;
}

static void
vq_split_quiet(struct vq *vq)
{
	/* With event indexes the old index is quiet for 65535 answers. */
	if (!vq->vq_event_idx)
		shm_write16(&vq_split_avail(vq)[0],
		    VRING_AVAIL_F_NO_INTERRUPT);
}

static uint16_t
vq_split_where(const struct vq *vq)
{
	return vq->vq_pushed;
}

static const struct vq_ring vq_split_ring = {
	.ri_add = vq_split_link,
	.ri_entry = vq_split_entry,
	.ri_ready = vq_split_ready,
	.ri_read = vq_split_read,
	.ri_advance = vq_split_advance,
	.ri_release = vq_split_release,
};

static __attribute__((__noinline__)) int
vq_split_many(struct vq *vq, const struct vq_piece *vp, unsigned int n,
    void *cookie)
{
	return vq_ring_many(vq, vp, n, cookie, &vq_split_ring);
}

static int
vq_split_add(struct vq *vq, const struct vq_piece *vp, unsigned int n,
    void *cookie)
{
	return n == 1 ? vq_ring_one(vq, vp, cookie, &vq_split_ring) :
	    vq_split_many(vq, vp, n, cookie);
}

static int
vq_split_get(struct vq *vq, void **cookie, uint32_t *len)
{
	return vq_ring_get(vq, cookie, len, &vq_split_ring);
}

static void
vq_split_forget(struct vq *vq, uint16_t id)
{
	vq_ring_release(vq, id, &vq_split_ring);
}

const struct vq_ops vq_split_ops = {
	.qo_layout = vq_split_layout,
	.qo_add = vq_split_add,
	.qo_push = vq_split_push,
	.qo_get = vq_split_get,
	.qo_forget = vq_split_forget,
	.qo_rearm = vq_split_rearm,
	.qo_quiet = vq_split_quiet,
	.qo_where = vq_split_where,
};
