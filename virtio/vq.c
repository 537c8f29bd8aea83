/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vq.c -- split virtqueues; see vq.h.
 */

#include "vq.h"

#include <linux/virtio_ring.h>

#define VQ_END		UINT16_MAX
#define VQ_RING		2	/* first entry of a ring, in 16-bit words */
#define VQ_USED_LEN	8	/* bytes of a used element */

PV_WIRE_ASSERT(struct vring_desc, 16);
PV_WIRE_OFFSET(struct vring_desc, len, 8);
PV_WIRE_OFFSET(struct vring_desc, flags, 12);
PV_WIRE_OFFSET(struct vring_desc, next, 14);
PV_WIRE_ASSERT(struct vring_used_elem, VQ_USED_LEN);

size_t
vq_layout(unsigned int size, unsigned int align, size_t *availp, size_t *usedp)
{
	size_t avail = (size_t)size * sizeof(struct vring_desc);
	size_t used = avail + (VQ_RING + (size_t)size + 1) * 2;

	used = (used + align - 1) & ~(size_t)(align - 1);
	*availp = avail;
	*usedp = used;
	return used + VQ_RING * 2 + (size_t)size * VQ_USED_LEN + 2;
}

static void
vq_reset(struct vq *vq)
{
	unsigned int i;

	vq->vq_avail = vq->vq_pushed = vq->vq_used = 0;
	vq->vq_free = 0;
	vq->vq_nfree = vq->vq_size;
	for (i = 0; i < vq->vq_size; i++) {
		vq->vq_desc[i].vd_cookie = NULL;
		vq->vq_desc[i].vd_next = (uint16_t)(i + 1u < vq->vq_size ?
		    i + 1u : VQ_END);
	}
}

int
vq_create(struct vq *vq, struct pv_dev *dev, unsigned int index,
    unsigned int size, unsigned int align)
{
	size_t avail, used, len;

	if (size == 0 || size > 32768 || (size & (size - 1)) != 0)
		return -PV_EINVAL;
	len = vq_layout(size, align, &avail, &used);
	vq->vq_dev = dev;
	vq->vq_index = (uint16_t)index;
	vq->vq_size = (uint16_t)size;
	vq->vq_npg = (unsigned int)PV_HOWMANY(len, PV_PAGE_SIZE);
	vq->vq_desc = pv_alloc(dev, size * sizeof(*vq->vq_desc));
	if (vq->vq_desc == NULL)
		return -PV_ENOMEM;
	vq->vq_mem = pv_pages_alloc(dev, vq->vq_npg);
	if (vq->vq_mem == NULL)
		goto err_mem;
	vq->vq_table = vq->vq_mem;
	vq->vq_availring = (void *)((char *)vq->vq_mem + avail);
	vq->vq_usedring = (void *)((char *)vq->vq_mem + used);
	vq_reset(vq);
	return 0;

err_mem:
	pv_free(dev, vq->vq_desc, size * sizeof(*vq->vq_desc));
	vq->vq_desc = NULL;
	return -PV_ENOMEM;
}

void
vq_destroy(struct vq *vq)
{
	if (vq->vq_desc == NULL)
		return;
	pv_pages_free(vq->vq_dev, vq->vq_mem, vq->vq_npg);
	pv_free(vq->vq_dev, vq->vq_desc, vq->vq_size * sizeof(*vq->vq_desc));
	vq->vq_mem = NULL;
	vq->vq_desc = NULL;
}

uint64_t
vq_pa(const struct vq *vq, const void *part)
{
	/* The pages are contiguous; only the offset in the first counts. */
	return (gfn_x(pv_os_gfn(vq->vq_mem)) << PV_PAGE_SHIFT) +
	    (uint64_t)((const char *)part - (const char *)vq->vq_mem);
}

uint64_t
vq_cell_pa(const void *va)
{
	return gfn_x(pv_os_gfn(va)) << PV_PAGE_SHIFT |
	    ((uintptr_t)va & (PV_PAGE_SIZE - 1));
}

static void
vq_describe(struct vq *vq, uint16_t i, const struct vq_piece *vp, bool last)
{
	struct vring_desc d;

	d.addr = vp->vp_da;
	d.len = vp->vp_len;
	d.flags = (uint16_t)((last ? 0 : VRING_DESC_F_NEXT) |
	    (vp->vp_dir == PV_PEER_WRITES ? VRING_DESC_F_WRITE : 0));
	d.next = last ? 0 : vq->vq_desc[i].vd_next;
	shm_copy_out(&vq->vq_table[i], &d, sizeof(d));
}

int
vq_add(struct vq *vq, const struct vq_piece *vp, unsigned int n, void *cookie)
{
	uint16_t head = vq->vq_free, i = head;
	uint32_t offered = 0;
	unsigned int k;

	if (n == 0 || n > vq->vq_size)
		return -PV_EINVAL;
	if (n > vq->vq_nfree)
		return -PV_EAGAIN;
	for (k = 0; k < n; k++) {
		vq_describe(vq, i, &vp[k], k + 1 == n);
		if (vp[k].vp_dir == PV_PEER_WRITES)
			offered += vp[k].vp_len;
		i = vq->vq_desc[i].vd_next;
	}
	vq->vq_free = i;
	vq->vq_nfree = (uint16_t)(vq->vq_nfree - n);
	vq->vq_desc[head].vd_cookie = cookie;
	vq->vq_desc[head].vd_offered = offered;
	vq->vq_desc[head].vd_n = (uint16_t)n;
	shm_write16(&vq->vq_availring[VQ_RING + (vq->vq_avail &
	    (vq->vq_size - 1))], head);
	vq->vq_avail++;
	return 0;
}

bool
vq_push(struct vq *vq)
{
	uint16_t old = vq->vq_pushed, event;

	if (old == vq->vq_avail)
		return false;
	shm_store_release16(&vq->vq_availring[1], vq->vq_avail);
	vq->vq_pushed = vq->vq_avail;
	/* Our index comes before the look at what the device asked for. */
	shm_mb();
	if (!vq->vq_event_idx)
		return (shm_read16(&vq->vq_usedring[0]) &
		    VRING_USED_F_NO_NOTIFY) == 0;
	event = shm_read16(&vq->vq_usedring[VQ_RING + vq->vq_size * 4]);
	return (uint16_t)(vq->vq_avail - event - 1) <
	    (uint16_t)(vq->vq_avail - old);
}

/* Put the descriptors of a chain back on the free list. */
static void
vq_release(struct vq *vq, uint16_t head)
{
	uint16_t n = vq->vq_desc[head].vd_n, last = head, k;

	for (k = 1; k < n; k++)
		last = vq->vq_desc[last].vd_next;
	vq->vq_desc[last].vd_next = vq->vq_free;
	vq->vq_desc[head].vd_cookie = NULL;
	vq->vq_free = head;
	vq->vq_nfree = (uint16_t)(vq->vq_nfree + n);
}

int
vq_get(struct vq *vq, void **cookie, uint32_t *len)
{
	uint16_t idx = shm_load_acquire16(&vq->vq_usedring[1]);
	struct vring_used_elem e;
	struct vq_desc *vd;

	if (idx == vq->vq_used)
		return 0;
	/* peer: it can not have answered more than is in flight. */
	if ((uint16_t)(idx - vq->vq_used) > vq->vq_size - vq->vq_nfree)
		return -PV_EPROTO;
	shm_copy_in(&e, &vq->vq_usedring[VQ_RING + (vq->vq_used &
	    (vq->vq_size - 1u)) * 4], sizeof(e));
	/* peer: the id must be the head of a chain in flight. */
	if (e.id >= vq->vq_size)
		return -PV_EPROTO;
	vd = &vq->vq_desc[e.id];
	if (vd->vd_cookie == NULL)
		return -PV_EPROTO;
	/* peer: it can not have written more than was offered. */
	if (e.len > vd->vd_offered)
		return -PV_EPROTO;
	*cookie = vd->vd_cookie;
	*len = e.len;
	vq_release(vq, (uint16_t)e.id);
	vq->vq_used++;
	return 1;
}

bool
vq_rearm(struct vq *vq)
{
	if (vq->vq_event_idx)
		shm_write16(&vq->vq_availring[VQ_RING + vq->vq_size],
		    vq->vq_used);
	else
		shm_write16(&vq->vq_availring[0], 0);
	shm_mb();
	return shm_read16(&vq->vq_usedring[1]) != vq->vq_used;
}

void
vq_quiet(struct vq *vq)
{
	/* With event indexes the old index is quiet for 65535 answers. */
	if (!vq->vq_event_idx)
		shm_write16(&vq->vq_availring[0], VRING_AVAIL_F_NO_INTERRUPT);
}

void *
vq_drain(struct vq *vq)
{
	void *cookie;
	unsigned int i;

	for (i = 0; i < vq->vq_size; i++) {
		cookie = vq->vq_desc[i].vd_cookie;
		if (cookie != NULL) {
			vq_release(vq, (uint16_t)i);
			return cookie;
		}
	}
	return NULL;
}
