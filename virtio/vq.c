/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vq.c -- what split and packed virtqueues have in common; see vq.h.
 *
 * Indirect tables: a chain of several pieces takes one descriptor of the ring,
 * which names a table with the rest.  Tables of the driver's longest chain are
 * made with the queue; a chain that finds none free, or is too long for one,
 * goes into the ring itself.
 */

#include "vq.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#define VQ_NTABLE	64	/* indirect tables of a queue, at most */

PV_WIRE_ASSERT(struct vring_desc, 16);
PV_WIRE_OFFSET(struct vring_desc, len, 8);
PV_WIRE_OFFSET(struct vring_desc, flags, 12);
PV_WIRE_OFFSET(struct vring_desc, next, 14);
PV_WIRE_ASSERT(struct vring_packed_desc, 16);
PV_WIRE_OFFSET(struct vring_packed_desc, id, 12);
PV_WIRE_OFFSET(struct vring_packed_desc, flags, 14);

static bool
vq_has(uint64_t features, unsigned int bit)
{
	return (features >> bit & 1) != 0;
}

bool
vq_size_ok(unsigned int size, uint64_t features)
{
	if (size == 0 || size > VQ_SIZE_MAX)
		return false;
	return vq_has(features, VIRTIO_F_RING_PACKED) ||
	    (size & (size - 1)) == 0;
}

void
vq_reset(struct vq *vq)
{
	unsigned int i;

	vq->vq_avail = vq->vq_pushed = vq->vq_used = 0;
	vq->vq_availlap = vq->vq_usedlap = true;
	vq->vq_hushed = vq->vq_batch = vq->vq_lied = false;
	vq->vq_free = vq->vq_oldest = 0;
	vq->vq_nfree = vq->vq_size;
	/* A circle: in order, ids are taken and given back around it. */
	for (i = 0; i < vq->vq_size; i++) {
		vq->vq_desc[i].vd_cookie = NULL;
		vq->vq_desc[i].vd_next = (uint16_t)((i + 1) % vq->vq_size);
	}
	for (i = 0; i < vq->vq_ntable; i++)
		vq->vq_tablefree[i] = (uint16_t)i;
	vq->vq_ntablefree = vq->vq_ntable;
	shm_zero(vq->vq_mem, (size_t)vq->vq_npg * PV_PAGE_SIZE);
}

/* Without them the queue works too. */
static void
vq_tables_create(struct vq *vq, unsigned int chain)
{
	size_t len;

	/* A chain is never longer than the queue. */
	if (chain > vq->vq_size)
		chain = vq->vq_size;
	if (chain < 2)
		return;
	vq->vq_chain = chain;
	vq->vq_ntable = vq->vq_size < VQ_NTABLE ? vq->vq_size : VQ_NTABLE;
	len = (size_t)vq->vq_ntable * chain * sizeof(struct vring_desc);
	vq->vq_tablepg = (unsigned int)PV_HOWMANY(len, PV_PAGE_SIZE);
	vq->vq_tablefree = pv_alloc(vq->vq_dev, vq->vq_ntable *
	    sizeof(*vq->vq_tablefree));
	if (vq->vq_tablefree == NULL)
		goto err_free;
	vq->vq_tables = pv_pages_alloc(vq->vq_dev, vq->vq_tablepg);
	if (vq->vq_tables != NULL) {
		vq->vq_tablespa = vq_cell_pa(vq->vq_tables);
		return;
	}
	pv_free(vq->vq_dev, vq->vq_tablefree, vq->vq_ntable *
	    sizeof(*vq->vq_tablefree));
	vq->vq_tablefree = NULL;
err_free:
	vq->vq_ntable = 0;
}

static void
vq_tables_destroy(struct vq *vq)
{
	if (vq->vq_tables == NULL)
		return;
	pv_pages_free(vq->vq_dev, vq->vq_tables, vq->vq_tablepg);
	pv_free(vq->vq_dev, vq->vq_tablefree, vq->vq_ntable *
	    sizeof(*vq->vq_tablefree));
	vq->vq_tables = NULL;
	vq->vq_tablefree = NULL;
	vq->vq_ntable = 0;
}

int
vq_create(struct vq *vq, struct pv_dev *dev, const struct vq_config *vc)
{
	size_t len, off[VQ_NAREA];
	unsigned int i;

	if (!vq_size_ok(vc->vc_size, vc->vc_features))
		return -PV_EINVAL;
	vq->vq_ops = vq_has(vc->vc_features, VIRTIO_F_RING_PACKED) ?
	    &vq_packed_ops : &vq_split_ops;
	vq->vq_dev = dev;
	vq->vq_index = (uint16_t)vc->vc_index;
	vq->vq_size = (uint16_t)vc->vc_size;
	vq->vq_event_idx = vq_has(vc->vc_features, VIRTIO_RING_F_EVENT_IDX);
	vq->vq_in_order = vq_has(vc->vc_features, VIRTIO_F_IN_ORDER);
	vq->vq_kickdata = vq_has(vc->vc_features, VQ_F_NOTIFICATION_DATA);
	len = vq->vq_ops->qo_layout(vq, vc->vc_align, off);
	vq->vq_npg = (unsigned int)PV_HOWMANY(len, PV_PAGE_SIZE);
	vq->vq_desc = pv_alloc(dev, vq->vq_size * sizeof(*vq->vq_desc));
	if (vq->vq_desc == NULL)
		return -PV_ENOMEM;
	vq->vq_mem = pv_pages_alloc(dev, vq->vq_npg);
	if (vq->vq_mem == NULL)
		goto err_mem;
	for (i = 0; i < VQ_NAREA; i++)
		vq->vq_area[i] = (char *)vq->vq_mem + off[i];
	if (vq_has(vc->vc_features, VIRTIO_RING_F_INDIRECT_DESC))
		vq_tables_create(vq, vc->vc_chain);
	vq_reset(vq);
	return 0;

err_mem:
	pv_free(dev, vq->vq_desc, vq->vq_size * sizeof(*vq->vq_desc));
	vq->vq_desc = NULL;
	return -PV_ENOMEM;
}

void
vq_destroy(struct vq *vq)
{
	if (vq->vq_desc == NULL)
		return;
	vq_tables_destroy(vq);
	pv_pages_free(vq->vq_dev, vq->vq_mem, vq->vq_npg);
	pv_free(vq->vq_dev, vq->vq_desc, vq->vq_size * sizeof(*vq->vq_desc));
	vq->vq_mem = NULL;
	vq->vq_desc = NULL;
}

uint64_t
vq_cell_pa(const void *va)
{
	return gfn_x(pv_os_gfn(va)) << PV_PAGE_SHIFT |
	    ((uintptr_t)va & (PV_PAGE_SIZE - 1));
}

uint64_t
vq_pa(const struct vq *vq, enum vq_area area)
{
	/* The pages are contiguous. */
	return vq_cell_pa(vq->vq_mem) + (uint64_t)((const char *)
	    vq->vq_area[area] - (const char *)vq->vq_mem);
}

uint32_t
vq_kick(const struct vq *vq)
{
	if (!vq->vq_kickdata)
		return vq->vq_index;
	return vq->vq_index | (uint32_t)vq->vq_ops->qo_where(vq) << 16;
}

void *
vq_drain(struct vq *vq)
{
	void *cookie;
	unsigned int i;

	for (i = 0; i < vq->vq_size; i++) {
		cookie = vq->vq_desc[i].vd_cookie;
		if (cookie != NULL) {
			vq->vq_ops->qo_forget(vq, (uint16_t)i);
			return cookie;
		}
	}
	return NULL;
}
