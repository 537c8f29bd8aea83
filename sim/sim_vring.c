/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_vring.c -- the device's side of split and packed rings: taking requests,
 * with a check of each chain, and asking for kicks.  Answering is in
 * sim_vring_used.c.
 */

#include "sim_vdev.h"

#define SPLIT_RING	4	/* bytes before a ring's first entry */
#define PACKED_AVAIL	(1u << VRING_PACKED_DESC_F_AVAIL)
#define PACKED_USED	(1u << VRING_PACKED_DESC_F_USED)
#define VRING_NPIECE	1024

uint8_t *
sim_vring_mem(uint64_t pa, size_t len)
{
	uint64_t gfn = pa >> PV_PAGE_SHIFT;
	uint64_t last = (pa + (len == 0 ? 0 : len - 1)) >> PV_PAGE_SHIFT;
	uint8_t *va = sim_mem_gfn_va(gfn);
	uint64_t g;

	for (g = gfn; g <= last; g++) {
		struct sim_page *pg = sim_mem_gfn_page(g);

		if (pg == NULL || pg->pg_state != SIM_PG_GUEST) {
			sim_bug("an address that is no memory of the guest's:"
			    " 0x%llx, %zu bytes", (unsigned long long)pa, len);
			return NULL;
		}
	}
	return va + (pa & (PV_PAGE_SIZE - 1));
}

uint16_t
sim_vring_get16(uint64_t pa)
{
	uint8_t *p = sim_vring_mem(pa, 2);
	uint16_t v = 0;

	if (p != NULL)
		shm_copy_in(&v, p, 2);
	return v;
}

void
sim_vring_put16(uint64_t pa, uint16_t v)
{
	uint8_t *p = sim_vring_mem(pa, 2);

	if (p != NULL)
		shm_copy_out(p, &v, 2);
}

void
sim_vring_move(const struct sim_vq *q, uint16_t *place, bool *lap,
    unsigned int n)
{
	unsigned int to = *place + n;

	if (to >= q->vq_size) {
		to -= q->vq_size;
		*lap = !*lap;
	}
	*place = (uint16_t)to;
}

/* ---- a queue comes and goes -------------------- */

/* Close a part of the ring's memory; notice what is read twice of it. */
static void
sim_vring_close(uint64_t pa, size_t len, bool watch)
{
	uint64_t end = pa + len;
	unsigned int lo, hi;
	uint8_t *page;

	while (pa < end) {
		page = sim_vring_mem(pa & ~(uint64_t)(PV_PAGE_SIZE - 1), 1);
		if (page == NULL)
			return;
		lo = pa & (PV_PAGE_SIZE - 1);
		hi = end - pa < PV_PAGE_SIZE - lo ?
		    lo + (unsigned int)(end - pa) : PV_PAGE_SIZE;
		if (watch)
			sim_mem_watch(page, lo, hi);
		else if (!sim_mem_page(page)->pg_shared)
			sim_mem_share(page);
		pa += hi - lo;
	}
}

static void
sim_vring_close_packed(struct sim_vq *q)
{
	unsigned int i;

	sim_vring_close(q->vq_pa[0], q->vq_size * 16u, true);
	/* Flags are looked at again and again. */
	for (i = 0; i < q->vq_size; i++)
		sim_mem_polled(sim_vring_mem(q->vq_pa[0] + i * 16u + 14, 2),
		    2);
	sim_vring_close(q->vq_pa[1], 4, false);
	sim_vring_close(q->vq_pa[2], 4, false);
}

void
sim_vring_start(struct sim_vq *q)
{
	bool packed = sim_vring_packed(q);

	q->vq_on = true;
	q->vq_kicked = q->vq_scribbled = false;
	q->vq_avail = q->vq_used = q->vq_told = 0;
	q->vq_availlap = q->vq_usedlap = true;
	q->vq_fresh = 0;
	if (!packed && (q->vq_size & (q->vq_size - 1)) != 0)
		sim_bug("a split queue of %u entries", q->vq_size);
	if (packed) {
		sim_vring_close_packed(q);
		return;
	}
	sim_vring_close(q->vq_pa[0], q->vq_size * 16u, false);
	sim_vring_close(q->vq_pa[1], 6 + q->vq_size * 2u, false);
	sim_vring_close(q->vq_pa[2], 6 + q->vq_size * 8u, false);
	sim_vring_close(q->vq_pa[2] + SPLIT_RING, q->vq_size * 8u, true);
}

static void
sim_vreq_open(struct sim_vreq *rq)
{
	unsigned int i;

	for (i = 0; i < rq->rq_npiece; i++) {
		if (rq->rq_piece[i].vp_write && rq->rq_piece[i].vp_va != NULL)
			sim_mem_unpoison(rq->rq_piece[i].vp_va,
			    rq->rq_piece[i].vp_len);
	}
}

static void
sim_vreq_free(struct sim_vreq *rq)
{
	list_remove(&rq->rq_link);
	sim_vreq_open(rq);
	free(rq->rq_piece);
	free(rq);
}

void
sim_vring_stop(struct sim_vq *q)
{
	q->vq_on = false;
	while (!list_empty(&q->vq_reqs))
		sim_vreq_free(LIST_ENTRY(q->vq_reqs.li_next, struct sim_vreq,
		    rq_link));
}

/* ---- chains -------------------- */

static void
sim_vreq_piece(struct sim_vreq *rq, uint64_t pa, uint32_t len, bool write)
{
	struct sim_vpiece *vp = &rq->rq_piece[rq->rq_npiece++];

	if (len == 0)
		sim_bug("a descriptor of no bytes");
	if (!write && rq->rq_nwrite > 0)
		sim_bug("a piece to read behind one to write");
	vp->vp_va = sim_vring_mem(pa, len);
	vp->vp_len = len;
	vp->vp_write = write;
	if (write)
		rq->rq_nwrite += len;
	else
		rq->rq_nread += len;
	if (write && vp->vp_va != NULL)
		sim_mem_poison(vp->vp_va, len);
}

/* A split chain in the table at pa, from its entry i on. */
static void
sim_vreq_split(struct sim_vreq *rq, uint64_t pa, unsigned int n,
    unsigned int i, bool inside)
{
	struct vring_desc d = { 0, 0, 0, 0 };
	unsigned int k;
	uint8_t *p;

	for (k = 0; k < n; k++) {
		p = sim_vring_mem(pa + i * 16u, 16);
		if (p == NULL)
			return;
		shm_copy_in(&d, p, sizeof(d));
		if ((d.flags & VRING_DESC_F_INDIRECT) != 0) {
			if (inside || k > 0 ||
			    !sim_vdev_has(rq->rq_vq->vq_dev,
			    VIRTIO_RING_F_INDIRECT_DESC) || d.len % 16 != 0 ||
			    (d.flags & (VRING_DESC_F_NEXT |
			    VRING_DESC_F_WRITE)) != 0)
				sim_bug("a wrong indirect descriptor");
			rq->rq_nslot = 1;
			if (!inside)
				sim_vreq_split(rq, d.addr, d.len / 16, 0,
				    true);
			return;
		}
		sim_vreq_piece(rq, d.addr, d.len,
		    (d.flags & VRING_DESC_F_WRITE) != 0);
		if (!inside)
			rq->rq_nslot++;
		if (k == 1 && !inside)
			rq->rq_second = (uint16_t)i;
		if ((d.flags & VRING_DESC_F_NEXT) == 0)
			return;
		if (d.next >= n)
			break;
		if (!inside && sim_vdev_has(rq->rq_vq->vq_dev,
		    VIRTIO_F_IN_ORDER) && d.next != (i + 1) % n)
			sim_bug("a chain that is not in order");
		i = d.next;
	}
	sim_bug("a chain that leaves its table or does not end");
}

static void
sim_vreq_packed_table(struct sim_vreq *rq, uint64_t pa, uint32_t len)
{
	struct vring_packed_desc d;
	unsigned int i;
	uint8_t *p;

	if (!sim_vdev_has(rq->rq_vq->vq_dev, VIRTIO_RING_F_INDIRECT_DESC) ||
	    len % 16 != 0 || len / 16 > VRING_NPIECE)
		sim_bug("a wrong indirect descriptor");
	for (i = 0; i < len / 16; i++) {
		p = sim_vring_mem(pa + i * 16u, 16);
		if (p == NULL)
			return;
		shm_copy_in(&d, p, sizeof(d));
		if ((d.flags & ~VRING_DESC_F_WRITE) != 0)
			sim_bug("flags 0x%x in an indirect table", d.flags);
		sim_vreq_piece(rq, d.addr, d.len,
		    (d.flags & VRING_DESC_F_WRITE) != 0);
	}
}

static void
sim_vreq_packed(struct sim_vreq *rq)
{
	struct sim_vq *q = rq->rq_vq;
	uint16_t at = q->vq_avail;
	bool lap = q->vq_availlap, avail, used;
	struct vring_packed_desc d = { 0, 0, 0, 0 };
	uint8_t *p;

	do {
		p = sim_vring_mem(q->vq_pa[0] + at * 16u, 16);
		if (p == NULL)
			return;
		shm_copy_in(&d, p, sizeof(d));
		avail = (d.flags & PACKED_AVAIL) != 0;
		used = (d.flags & PACKED_USED) != 0;
		if (avail != lap || used == lap) {
			sim_bug("a chain that is not all available");
			return;
		}
		if ((d.flags & VRING_DESC_F_INDIRECT) != 0)
			sim_vreq_packed_table(rq, d.addr, d.len);
		else
			sim_vreq_piece(rq, d.addr, d.len,
			    (d.flags & VRING_DESC_F_WRITE) != 0);
		rq->rq_nslot++;
		sim_vring_move(q, &at, &lap, 1);
	} while ((d.flags & VRING_DESC_F_NEXT) != 0 &&
	    rq->rq_nslot < q->vq_size);
	rq->rq_id = d.id;
}

/* ---- taking -------------------- */

/* Split: what the driver's index is, though we wrote over it. */
static uint16_t
sim_vring_idx(struct sim_vq *q)
{
	uint16_t idx = sim_vring_get16(q->vq_pa[1] + 2);

	if (q->vq_scribbled && idx == q->vq_wild)
		return q->vq_idx;
	q->vq_scribbled = false;
	return idx;
}

static bool
sim_vring_more(struct sim_vq *q)
{
	bool avail, used;
	uint16_t v;

	if (!sim_vring_packed(q)) {
		v = (uint16_t)(sim_vring_idx(q) - q->vq_avail);
		if (v > q->vq_size)
			sim_bug("%u chains in a queue of %u", v, q->vq_size);
		return v != 0 && v <= q->vq_size;
	}
	v = sim_vring_get16(q->vq_pa[0] + q->vq_avail * 16u + 14);
	avail = (v & PACKED_AVAIL) != 0;
	used = (v & PACKED_USED) != 0;
	return avail == q->vq_availlap && used != q->vq_availlap;
}

/* Write over what the driver wrote: it must not look at it again. */
static void
sim_vring_scribble(struct sim_vreq *rq)
{
	static const uint8_t junk[16] = { 0xa5, 0x5a, 0xff, 0xff, 1, 2, 3, 4,
	    0xff, 0xff, 0xff, 0x7f };
	struct sim_vq *q = rq->rq_vq;
	bool packed = sim_vring_packed(q);
	uint16_t at = packed ? rq->rq_at : rq->rq_id, i;
	bool lap = true;

	if (sim_evil_now(SIM_EVIL_DESC_REWRITTEN)) {
		for (i = 0; i < (packed ? rq->rq_nslot : 1); i++) {
			shm_copy_out(sim_vring_mem(q->vq_pa[0] + at * 16u, 14),
			    junk, packed ? 14 : 16);
			sim_vring_move(q, &at, &lap, 1);
		}
	}
	if (packed || !sim_evil_now(SIM_EVIL_AVAIL_REWRITTEN))
		return;
	sim_vring_put16(q->vq_pa[1] + SPLIT_RING + (rq->rq_at & (q->vq_size -
	    1)) * 2u, 0xfffe);
	q->vq_idx = sim_vring_idx(q);
	q->vq_wild = (uint16_t)(q->vq_idx + 0x4321);
	q->vq_scribbled = true;
	sim_vring_put16(q->vq_pa[1] + 2, q->vq_wild);
}

static struct sim_vreq *
sim_vring_take(struct sim_vq *q)
{
	struct sim_vreq *rq = calloc(1, sizeof(*rq));

	rq->rq_vq = q;
	rq->rq_piece = calloc(VRING_NPIECE + q->vq_size, sizeof(*rq->rq_piece));
	rq->rq_at = q->vq_avail;
	rq->rq_atlap = q->vq_availlap;
	list_append(&q->vq_reqs, &rq->rq_link);
	if (sim_vring_packed(q)) {
		sim_vreq_packed(rq);
		sim_vring_move(q, &q->vq_avail, &q->vq_availlap,
		    rq->rq_nslot);
	} else {
		rq->rq_id = sim_vring_get16(q->vq_pa[1] + SPLIT_RING +
		    (q->vq_avail & (q->vq_size - 1)) * 2u);
		rq->rq_second = rq->rq_id;
		if (rq->rq_id >= q->vq_size)
			sim_bug("a chain's head is %u", rq->rq_id);
		else
			sim_vreq_split(rq, q->vq_pa[0], q->vq_size, rq->rq_id,
			    false);
		q->vq_avail++;
	}
	sim_vring_scribble(rq);
	return rq;
}

struct sim_vreq *
sim_vdev_pop(struct sim_vdev *vd, unsigned int queue)
{
	struct sim_vq *q = &vd->vd_vq[queue];

	q->vq_dry = !q->vq_on || !sim_vdev_up(vd) || vd->vd_hold ||
	    !sim_vring_more(q);
	if (q->vq_dry)
		return NULL;
	if (sim_evil_now(SIM_EVIL_NEEDS_RESET)) {
		sim_vdev_lost(vd);
		return NULL;
	}
	return sim_vring_take(q);
}

void
sim_vreq_unpop(struct sim_vreq *rq)
{
	struct sim_vq *q = rq->rq_vq;

	if (q->vq_reqs.li_prev != &rq->rq_link || q->vq_scribbled)
		sim_die("only what was popped last goes back");
	q->vq_avail = rq->rq_at;
	q->vq_availlap = rq->rq_atlap;
	sim_vreq_free(rq);
}

/* ---- asking for kicks -------------------- */

void
sim_vring_hush(struct sim_vq *q)
{
	if (sim_vring_packed(q))
		sim_vring_put16(q->vq_pa[2] + 2,
		    VRING_PACKED_EVENT_FLAG_DISABLE);
	else if (!sim_vdev_has(q->vq_dev, VIRTIO_RING_F_EVENT_IDX))
		sim_vring_put16(q->vq_pa[2], VRING_USED_F_NO_NOTIFY);
}

bool
sim_vring_idle(struct sim_vq *q)
{
	bool event = sim_vdev_has(q->vq_dev, VIRTIO_RING_F_EVENT_IDX);

	if (sim_vring_packed(q)) {
		sim_vring_put16(q->vq_pa[2], (uint16_t)(q->vq_avail |
		    (unsigned int)q->vq_availlap << 15));
		sim_vring_put16(q->vq_pa[2] + 2, event ?
		    VRING_PACKED_EVENT_FLAG_DESC :
		    VRING_PACKED_EVENT_FLAG_ENABLE);
	} else if (event) {
		sim_vring_put16(q->vq_pa[2] + SPLIT_RING + q->vq_size * 8u,
		    q->vq_avail);
	} else {
		sim_vring_put16(q->vq_pa[2], 0);
	}
	return sim_vring_more(q);
}

/* ---- requests -------------------- */

unsigned int
sim_vreq_queue(const struct sim_vreq *rq)
{
	return rq->rq_vq->vq_index;
}

size_t
sim_vreq_nread(const struct sim_vreq *rq)
{
	return rq->rq_nread;
}

size_t
sim_vreq_nwrite(const struct sim_vreq *rq)
{
	return rq->rq_nwrite;
}

unsigned int
sim_vreq_npiece(const struct sim_vreq *rq)
{
	return rq->rq_npiece;
}

/* Go over the pieces of one direction and copy between them and buf. */
static size_t
sim_vreq_copy(const struct sim_vreq *rq, size_t off, uint8_t *buf, size_t len,
    bool write)
{
	const struct sim_vpiece *vp;
	size_t n, done = 0;
	unsigned int i;

	for (i = 0; i < rq->rq_npiece && done < len; i++) {
		vp = &rq->rq_piece[i];
		if (vp->vp_write != write || vp->vp_va == NULL)
			continue;
		if (off >= vp->vp_len) {
			off -= vp->vp_len;
			continue;
		}
		n = vp->vp_len - off < len - done ? vp->vp_len - off :
		    len - done;
		if (write)
			shm_copy_out(vp->vp_va + off, buf + done, n);
		else
			shm_copy_in(buf + done, vp->vp_va + off, n);
		done += n;
		off = 0;
	}
	return done;
}

size_t
sim_vreq_read(const struct sim_vreq *rq, size_t off, void *buf, size_t len)
{
	return sim_vreq_copy(rq, off, buf, len, false);
}

size_t
sim_vreq_write(struct sim_vreq *rq, size_t off, const void *buf, size_t len)
{
	return sim_vreq_copy(rq, off, (uint8_t *)(uintptr_t)buf, len, true);
}

void
sim_vreq_done(struct sim_vreq *rq, size_t len)
{
	rq->rq_done = true;
	rq->rq_len = (uint32_t)len;
	sim_vring_answer(rq->rq_vq);
}

void
sim_vring_forget(struct sim_vreq *rq)
{
	sim_vreq_free(rq);
}
