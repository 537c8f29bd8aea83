/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_vring_used.c -- the device answers: used elements, interrupts, and the
 * lies that can be told in them.
 *
 * With IN_ORDER answers wait for those before them, and sometimes one stands
 * for several; such only as could be told apart from it in nothing.
 */

#include "sim_vdev.h"

#define SPLIT_RING	4
#define PACKED_AVAIL	(1u << VRING_PACKED_DESC_F_AVAIL)
#define PACKED_USED	(1u << VRING_PACKED_DESC_F_USED)

/* Is some request with that id in flight? */
static bool
sim_vring_inflight(struct sim_vq *q, uint16_t id)
{
	struct list *l;

	LIST_FOREACH(l, &q->vq_reqs) {
		if (LIST_ENTRY(l, struct sim_vreq, rq_link)->rq_id == id)
			return true;
	}
	return false;
}

/* An id in range that heads nothing: the chain's second, or any other. */
static uint16_t
sim_vring_not_head(struct sim_vreq *rq)
{
	struct sim_vq *q = rq->rq_vq;
	unsigned int i, id;

	if (!sim_vring_packed(q) && rq->rq_second != rq->rq_id)
		return rq->rq_second;
	/* The driver may have made chains that we have not taken: not those. */
	for (i = 0; i < q->vq_size; i++) {
		id = (rq->rq_id + q->vq_size - 1 - i) % q->vq_size;
		if (!sim_vring_inflight(q, (uint16_t)id))
			return (uint16_t)id;
	}
	return (uint16_t)(q->vq_size + 1);
}

/* One element at the next place; moves on over n. */
static void
sim_vring_element(struct sim_vq *q, uint32_t id, uint32_t len, unsigned int n)
{
	struct vring_used_elem e = { id, len };
	struct vring_packed_desc d = { 0, len, (uint16_t)id, 0 };
	uint8_t *p;

	if (!sim_vring_packed(q)) {
		p = sim_vring_mem(q->vq_pa[2] + SPLIT_RING + (q->vq_used &
		    (q->vq_size - 1)) * 8u, 8);
		if (p != NULL)
			sim_mem_put(p, &e, sizeof(e));
		q->vq_used = (uint16_t)(q->vq_used + n);
		sim_vring_put16(q->vq_pa[2] + 2, q->vq_used);
		return;
	}
	p = sim_vring_mem(q->vq_pa[0] + q->vq_used * 16u, 16);
	if (p != NULL)
		sim_mem_put(p + 8, (uint8_t *)&d + 8, 6);
	sim_vring_put16(q->vq_pa[0] + q->vq_used * 16u + 14,
	    q->vq_usedlap ? PACKED_AVAIL | PACKED_USED : 0);
	sim_vring_move(q, &q->vq_used, &q->vq_usedlap, n);
	q->vq_fresh += n;
}

/* More answers than there are requests. */
static void
sim_vring_jump(struct sim_vq *q, uint32_t id, unsigned int n)
{
	if (!sim_vring_packed(q)) {
		sim_vring_put16(q->vq_pa[2] + 2, (uint16_t)(q->vq_used +
		    q->vq_size + 1));
		return;
	}
	/* The same one again, behind it: where the next is looked for. */
	sim_vring_element(q, id, 0, n);
}

/* Answer rq, which covers n places of the ring and nreq requests. */
static void
sim_vring_show(struct sim_vreq *rq, unsigned int n, unsigned int nreq)
{
	struct sim_vq *q = rq->rq_vq;
	unsigned int step = sim_vring_packed(q) ? n : nreq;
	uint32_t id = rq->rq_id, len = rq->rq_len;

	if (sim_evil_now(SIM_EVIL_USED_ID_RANGE))
		id = q->vq_size + sim_rand(1000);
	if (sim_evil_now(SIM_EVIL_USED_ID_NOT_HEAD))
		id = sim_vring_not_head(rq);
	/* Where nothing may be written the length is not looked at: 2.8.4. */
	if (sim_vring_packed(q) && rq->rq_nwrite == 0)
		len = sim_rand(1u << 30);
	else if (sim_evil_now(SIM_EVIL_USED_LEN_HUGE))
		len = (uint32_t)rq->rq_nwrite + 1 + sim_rand(1u << 30);
	sim_vring_element(q, id, len, step);
	if (sim_evil_now(SIM_EVIL_USED_ID_TWICE))
		sim_vring_element(q, id, len, step);
	if (sim_evil_now(SIM_EVIL_USED_IDX_JUMP))
		sim_vring_jump(q, id, n);
}

/* ---- interrupts -------------------- */

static bool
sim_vring_wanted_split(struct sim_vq *q)
{
	uint16_t event, old = q->vq_told;

	q->vq_told = q->vq_used;
	if (!sim_vdev_has(q->vq_dev, VIRTIO_RING_F_EVENT_IDX))
		return (sim_vring_get16(q->vq_pa[1]) &
		    VRING_AVAIL_F_NO_INTERRUPT) == 0;
	event = sim_vring_get16(q->vq_pa[1] + SPLIT_RING + q->vq_size * 2u);
	return (uint16_t)(q->vq_used - event - 1) <
	    (uint16_t)(q->vq_used - old);
}

static bool
sim_vring_wanted_packed(struct sim_vq *q)
{
	uint16_t off = sim_vring_get16(q->vq_pa[1]);
	uint16_t flags = sim_vring_get16(q->vq_pa[1] + 2);
	unsigned int n = q->vq_fresh;
	int at;

	q->vq_fresh = 0;
	if (flags != VRING_PACKED_EVENT_FLAG_DESC)
		return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	if (!sim_vdev_has(q->vq_dev, VIRTIO_RING_F_EVENT_IDX))
		sim_bug("an event index that was not negotiated");
	at = off & 0x7fff;
	if ((off >> 15 & 1) != q->vq_usedlap)
		at -= (int)q->vq_size;
	return (uint16_t)((int)q->vq_used - at - 1) < (uint16_t)n;
}

/* ---- what is due -------------------- */

/* May the answer of rq stand for that of before? */
static bool
sim_vring_same(const struct sim_vreq *rq)
{
	return rq->rq_len == rq->rq_nwrite;
}

/* In order: the first request, with those behind it that are done too. */
static bool
sim_vring_next(struct sim_vq *q)
{
	struct sim_vreq *rq, *next;
	unsigned int n, nreq = 1;

	if (list_empty(&q->vq_reqs))
		return false;
	rq = LIST_ENTRY(q->vq_reqs.li_next, struct sim_vreq, rq_link);
	if (!rq->rq_done)
		return false;
	n = rq->rq_nslot;
	while (rq->rq_link.li_next != &q->vq_reqs && sim_vring_same(rq)) {
		next = LIST_ENTRY(rq->rq_link.li_next, struct sim_vreq,
		    rq_link);
		if (!next->rq_done || sim_rand(3) == 0)
			break;
		sim_vring_forget(rq);
		rq = next;
		n += rq->rq_nslot;
		nreq++;
	}
	sim_vring_show(rq, n, nreq);
	sim_vring_forget(rq);
	return true;
}

static bool
sim_vring_any(struct sim_vq *q)
{
	struct list *l, *next;
	struct sim_vreq *rq;
	bool some = false;

	LIST_FOREACH_SAFE(l, next, &q->vq_reqs) {
		rq = LIST_ENTRY(l, struct sim_vreq, rq_link);
		if (!rq->rq_done)
			continue;
		sim_vring_show(rq, rq->rq_nslot, 1);
		sim_vring_forget(rq);
		some = true;
	}
	return some;
}

void
sim_vring_answer(struct sim_vq *q)
{
	bool some = false;

	if (sim_vdev_has(q->vq_dev, VIRTIO_F_IN_ORDER)) {
		while (sim_vring_next(q))
			some = true;
	} else {
		some = sim_vring_any(q);
	}
	if (some && (sim_vring_packed(q) ? sim_vring_wanted_packed(q) :
	    sim_vring_wanted_split(q)))
		sim_vdev_intr(q->vq_dev, q);
}
