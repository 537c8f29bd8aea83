/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * f_vq.c -- a virtqueue whose device writes what it likes where it likes.
 *
 * The first byte chooses the kind of ring and its features, the second its
 * size; the rest are turns: the driver adds, shows, takes, re-arms, drains; the
 * device writes bytes anywhere into the queue's memory, or answers properly.
 * Whatever it does, a chain is given back once, with no more bytes than it
 * offered, and the queue's accounts stay whole.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vq.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#define MOST	64

void *
pv_alloc(struct pv_dev *dev, size_t len)
{
	return calloc(1, len);
}

void
pv_free(struct pv_dev *dev, void *p, size_t len)
{
	free(p);
}

void *
pv_pages_alloc(struct pv_dev *dev, unsigned int npg)
{
	return aligned_alloc(PV_PAGE_SIZE, npg * PV_PAGE_SIZE);
}

void
pv_pages_free(struct pv_dev *dev, void *va, unsigned int npg)
{
	free(va);
}

gfn_t
pv_os_gfn(const void *va)
{
	return GFN((uintptr_t)va >> PV_PAGE_SHIFT);
}

_Noreturn void
pv_os_panic(const char *msg)
{
	abort();
}

/* ---- the driver --------------------------------------------------------- */

struct chain {
	bool		 ch_inflight;
	uint32_t	 ch_offered;
};

static struct chain chain[MOST];

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
add(struct vq *vq, unsigned int npiece)
{
	struct vq_piece vp[8];
	unsigned int i, c;

	for (c = 0; c < MOST && chain[c].ch_inflight; c++)
		;
	if (c == MOST)
		return;
	chain[c].ch_offered = 0;
	for (i = 0; i < npiece; i++) {
		vp[i].vp_da = 0x1000u * i;
		vp[i].vp_len = 16;
		vp[i].vp_dir = i == 0 ? PV_PEER_READS : PV_PEER_WRITES;
		chain[c].ch_offered += i == 0 ? 0 : 16;
	}
	if (vq_add(vq, vp, npiece, &chain[c]) == 0)
		chain[c].ch_inflight = true;
}

static void
back(void *cookie, uint32_t len)
{
	struct chain *ch = cookie;

	check(ch >= chain && ch < chain + MOST && ch->ch_inflight);
	check(len <= ch->ch_offered);
	ch->ch_inflight = false;
}

static void
accounts(const struct vq *vq)
{
	unsigned int i, n = 0, taken = 0;

	for (i = 0; i < vq->vq_size; i++) {
		if (vq->vq_desc[i].vd_cookie != NULL) {
			taken += vq->vq_desc[i].vd_n;
			n++;
		}
	}
	check(vq->vq_nfree + taken == vq->vq_size);
	for (i = 0; i < MOST; i++)
		n -= chain[i].ch_inflight;
	check(n == 0);
}

/* ---- the device --------------------------------------------------------- */

static void
poke(struct vq *vq, unsigned int at, uint8_t v)
{
	size_t len = (size_t)vq->vq_npg * PV_PAGE_SIZE;
	uint8_t *p = vq->vq_mem;

	/* Mostly where it matters. */
	if ((at & 1) != 0)
		p = vq->vq_area[VQ_AREA_DEVICE];
	len -= (size_t)(p - (uint8_t *)vq->vq_mem);
	shm_copy_out(p + at / 2 % len, &v, 1);
}

/* An answer in the place where it is looked for. */
static void
answer(struct vq *vq, uint16_t id, uint32_t len)
{
	struct vring_used_elem e = { id, len };
	struct vring_packed_desc d = { 0, len, id, 0 };
	uint8_t *p;

	if (vq->vq_ops == &vq_packed_ops) {
		d.flags = vq->vq_usedlap ? 0x8080 : 0;
		p = (uint8_t *)vq->vq_area[VQ_AREA_DESC] + vq->vq_used * 16u;
		shm_copy_out(p + 8, &d.len, 8);
		return;
	}
	p = vq->vq_area[VQ_AREA_DEVICE];
	shm_copy_out(p + 4 + (vq->vq_used & (vq->vq_size - 1)) * 8u, &e,
	    sizeof(e));
	shm_write16((uint16_t *)(void *)(p + 2), (uint16_t)(vq->vq_used + 1));
}

static void
turn(struct vq *vq, const uint8_t *op)
{
	uint32_t len = 0;
	void *cookie;

	switch (op[0] % 8) {
	case 0:
		add(vq, 1 + op[1] % 8);
		break;
	case 1:
		(void)vq_push(vq);
		break;
	case 2:
		if (vq_get(vq, &cookie, &len) == 1)
			back(cookie, len);
		break;
	case 3:
		(void)vq_rearm(vq);
		(void)vq_kick(vq);
		break;
	case 4:
		vq_quiet(vq);
		break;
	case 5:
		poke(vq, op[1] | (unsigned int)op[2] << 8, op[3]);
		break;
	default:
		answer(vq, op[1] % MOST, op[2]);
	}
}

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vq_config vc = { .vc_align = 4, .vc_chain = 4 };
	struct vq vq = { 0 };
	void *cookie;
	size_t i;

	if (size < 2)
		return 0;
	memset(chain, 0, sizeof(chain));
	vc.vc_features = (data[0] & 1 ? 1ull << VIRTIO_F_RING_PACKED : 0) |
	    (data[0] & 2 ? 1ull << VIRTIO_F_IN_ORDER : 0) |
	    (data[0] & 4 ? 1ull << VIRTIO_RING_F_EVENT_IDX : 0) |
	    (data[0] & 8 ? 1ull << VIRTIO_RING_F_INDIRECT_DESC : 0);
	vc.vc_size = data[0] & 1 ? 1 + data[1] % MOST : 1u << data[1] % 7;
	if (vq_create(&vq, NULL, &vc) != 0)
		return 0;
	for (i = 2; i + 4 <= size; i += 4) {
		turn(&vq, data + i);
		accounts(&vq);
	}
	while ((cookie = vq_drain(&vq)) != NULL)
		back(cookie, 0);
	accounts(&vq);
	vq_destroy(&vq);
	return 0;
}
