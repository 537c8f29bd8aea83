/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_blk.c -- a block back end with a disk in memory, of one or several
 * queues.
 *
 * Requests are taken in order, mapped, and answered out of order after a
 * random time.  A page that is mapped is poisoned in the range that the
 * request covers, so that a front end (or its consumer) which touches the
 * data too early is caught.  With persistent grants a page stays mapped until
 * the back end lets go of the front end, or forgets it because it has too many,
 * and a grant reference must always name the same page, writable.
 */

#include <pv/types.h>

#include <xen/io/blkif.h>
#include <xen/io/protocols.h>
#include <xen/io/xenbus.h>

#include "sim_blk.h"

static struct sim_blk *
sim_blk_of(struct sim_back *ba)
{
	return (struct sim_blk *)(void *)ba;
}

/* ---- connection -------------------------------------------------------- */

static void
sim_blk_offer(struct sim_back *ba)
{
	if (!(sim_blk_of(ba)->bk_cfg.bc_flags & SIM_BLK_PLAIN)) {
		sim_back_set(ba, "max-ring-page-order", "%u", 4);
		sim_back_set(ba, "max-ring-pages", "%u", 16);
		sim_back_set(ba, "feature-max-indirect-segments", "%u",
		    SIM_NSEG);
	}
	if (sim_blk_of(ba)->bk_maxq > 0)
		sim_back_set(ba, "multi-queue-max-queues", "%u",
		    sim_blk_of(ba)->bk_maxq);
}

/* What is known only when the disk is open. */
static void
sim_blk_describe(struct sim_blk *b)
{
	bool flush = !(b->bk_cfg.bc_flags & SIM_BLK_NOFLUSH);

	sim_back_set(&b->bk, "feature-flush-cache", "%u", flush);
	sim_back_set(&b->bk, "feature-barrier", "%u", flush);
	sim_back_set(&b->bk, "feature-persistent", "%u",
	    !(b->bk_cfg.bc_flags & SIM_BLK_NOLAST));
	if (b->bk_cfg.bc_flags & SIM_BLK_DISCARD) {
		sim_back_set(&b->bk, "feature-discard", "%u", 1);
		sim_back_set(&b->bk, "discard-granularity", "%u", 512);
		sim_back_set(&b->bk, "discard-alignment", "%u", 0);
	}
	if (!(b->bk_cfg.bc_flags & SIM_BLK_SILENT)) {
		sim_back_set(&b->bk, "sectors", "%llu",
		    (unsigned long long)b->bk_cfg.bc_nsect);
		sim_back_set(&b->bk, "sector-size", "%u",
		    b->bk_cfg.bc_flags & SIM_BLK_4K ? 4096 : 512);
	}
	sim_back_set(&b->bk, "info", "%u",
	    (b->bk_cfg.bc_flags & SIM_BLK_RO ? VDISK_READONLY : 0) |
	    (b->bk_cfg.bc_flags & SIM_BLK_CDROM ? VDISK_CDROM : 0));
	sim_back_set(&b->bk, "physical-sector-size", "%u", 4096);
}

/* A key of a queue's: in its own directory, or, of the only one, above. */
static uint64_t
sim_blk_key(struct sim_blk *b, unsigned int no, const char *key)
{
	char path[40];

	if (b->bk_nq == 1)
		return sim_back_num(&b->bk, key, UINT64_MAX);
	snprintf(path, sizeof(path), "queue-%u/%s", no, key);
	return sim_back_num(&b->bk, path, UINT64_MAX);
}

/* Queues and pages of each; what must not be there beside it. */
static void
sim_blk_shape(struct sim_blk *b)
{
	uint64_t order, nq;

	order = sim_back_num(&b->bk, "ring-page-order", UINT64_MAX);
	b->bk_npage = 1;
	if (order != UINT64_MAX) {
		if (order > 4 || sim_back_num(&b->bk, "num-ring-pages", 0) !=
		    1u << order)
			sim_bug("vbd: ring of order %llu",
			    (unsigned long long)order);
		b->bk_npage = 1u << order;
	}
	nq = sim_back_num(&b->bk, "multi-queue-num-queues", 1);
	if (nq == 0 || (nq > 1 && nq > b->bk_maxq)) {
		if (sim_back_faithful(&b->bk))
			sim_bug("vbd: %llu queues", (unsigned long long)nq);
		nq = 1;
	}
	b->bk_nq = (unsigned int)nq;
	if (nq > 1 && (sim_back_str(&b->bk, "ring-ref") != NULL ||
	    sim_back_str(&b->bk, "event-channel") != NULL))
		sim_bug("vbd: a ring beside those of the queues");
}

/* A queue's ring pages and port; 0, 1 (keys are missing yet). */
static int
sim_blk_refs(struct sim_blk *b, unsigned int no)
{
	struct sim_blk_queue *q = &b->bk_q[no];
	uint64_t ref;
	char key[16];
	unsigned int i;

	for (i = 0; i < b->bk_npage; i++) {
		snprintf(key, sizeof(key), b->bk_npage > 1 ? "ring-ref%u" :
		    "ring-ref", i);
		ref = sim_blk_key(b, no, key);
		if (ref > UINT32_MAX)
			return 1;
		q->q_ref[i] = (uint32_t)ref;
	}
	ref = sim_blk_key(b, no, "event-channel");
	q->q_port = (uint32_t)ref;
	return ref > UINT32_MAX;
}

/* Map them; they must be one behind the other, as they are in the guest. */
static int
sim_blk_mapring(struct sim_blk *b, struct sim_blk_queue *q)
{
	unsigned int i;
	uint8_t *va;

	for (i = 0; i < b->bk_npage; i++) {
		va = sim_back_map(&b->bk, q->q_ref[i], false);
		if (i == 0)
			q->q_page = va;
		if (va != NULL && va == q->q_page + i * PV_PAGE_SIZE)
			continue;
		if (va != NULL)
			sim_gnttab_unmap(b->bk.ba_dom, q->q_ref[i], false);
		while (i-- > 0)
			sim_gnttab_unmap(b->bk.ba_dom, q->q_ref[i], false);
		if (sim_back_faithful(&b->bk))
			sim_bug("vbd: the ring can not be mapped");
		return -1;
	}
	sim_mem_watch(q->q_page, RING_HEADER, b->bk_npage * PV_PAGE_SIZE);
	return 0;
}

static int
sim_blk_open(struct sim_blk *b, struct sim_blk_queue *q)
{
	struct sim_back *ba = &b->bk;
	uint32_t port = q->q_port;
	unsigned int i;

	if (sim_blk_mapring(b, q) != 0)
		return -1;
	if (sim_evtchn_bind(ba->ba_dom, ba->ba_id, port, &ba->ba_actor,
	    &q->q_port) != 0) {
		if (sim_back_faithful(ba))
			sim_bug("vbd: event-channel %u can not be bound",
			    (unsigned int)port);
		for (i = 0; i < b->bk_npage; i++)
			sim_gnttab_unmap(ba->ba_dom, q->q_ref[i], false);
		return -1;
	}
	bring_init(&q->q_ring, q->q_page, b->bk_npage * PV_PAGE_SIZE,
	    sizeof(struct blkif_request), sizeof(struct blkif_response));
	return 0;
}

static void
sim_blk_close(struct sim_blk *b, struct sim_blk_queue *q)
{
	unsigned int i;

	sim_evtchn_close0(b->bk.ba_sim, q->q_port);
	for (i = 0; i < b->bk_npage; i++)
		sim_back_unmap(&b->bk, q->q_ref[i], false);
	q->q_page = NULL;
}

static int
sim_blk_connect(struct sim_back *ba)
{
	struct sim_blk *b = sim_blk_of(ba);
	const char *abi = sim_back_str(ba, "protocol");
	unsigned int i;

	if (abi == NULL)
		return 1;
	if (strcmp(abi, XEN_IO_PROTO_ABI_NATIVE) != 0)
		sim_bug("vbd: protocol %s", abi);
	sim_blk_shape(b);
	for (i = 0; i < b->bk_nq; i++)
		if (sim_blk_refs(b, i) != 0)
			return 1;
	for (i = 0; i < b->bk_nq; i++) {
		if (sim_blk_open(b, &b->bk_q[i]) == 0)
			continue;
		while (i-- > 0)
			sim_blk_close(b, &b->bk_q[i]);
		return -1;
	}
	b->bk_persist = !(b->bk_cfg.bc_flags & SIM_BLK_NOLAST) &&
	    sim_back_num(ba, "feature-persistent", 0) == 1;
	sim_blk_describe(b);
	return 0;
}

/* ---- requests ---------------------------------------------------------- */

static unsigned int
sim_blk_nsect(const struct blkif_request_segment *sg)
{
	return (unsigned int)sg->last_sect - sg->first_sect + 1;
}

static bool
sim_blk_moves(const struct sim_breq *rq)
{
	return rq->rq.operation == BLKIF_OP_READ ||
	    rq->rq.operation == BLKIF_OP_WRITE;
}

/* A correct front end never gives cause for an error here. */
static bool
sim_blk_valid(const struct sim_blk *b, const struct sim_breq *rq)
{
	const struct blkif_request_segment *sg = rq->rq.seg;
	uint64_t nsect = 0;
	unsigned int i;

	if (rq->rq.operation == BLKIF_OP_DISCARD)
		return b->bk_cfg.bc_flags & SIM_BLK_DISCARD;
	if (rq->rq.operation == BLKIF_OP_FLUSH_DISKCACHE ||
	    rq->rq.operation == BLKIF_OP_WRITE_BARRIER)
		return !(b->bk_cfg.bc_flags & SIM_BLK_NOFLUSH);
	if (rq->rq_bad || !sim_blk_moves(rq) || rq->rq.nr_segments == 0)
		return false;
	for (i = 0; i < rq->rq.nr_segments; i++) {
		if (sg[i].last_sect > 7 || sg[i].first_sect > sg[i].last_sect)
			return false;
		nsect += sim_blk_nsect(&sg[i]);
	}
	if (b->bk_cfg.bc_flags & SIM_BLK_4K &&
	    ((nsect | rq->rq.sector_number) & 7) != 0)
		return false;
	return rq->rq.sector_number <= b->bk_cfg.bc_nsect &&
	    nsect <= b->bk_cfg.bc_nsect - rq->rq.sector_number;
}

/* Of a page that was made for us nothing but the segment may be filled. */
static void
sim_blk_pry(const struct blkif_request_segment *sg, const uint8_t *va,
    bool fill)
{
	uint8_t page[PV_PAGE_SIZE];
	unsigned int i;

	sim_mem_get(page, va, PV_PAGE_SIZE);
	for (i = 0; i < PV_PAGE_SIZE; i++) {
		if (page[i] != 0 && (!fill || i < sg->first_sect * 512u ||
		    i >= (sg->last_sect + 1) * 512u)) {
			sim_bug("vbd: byte %u of a page was not for us", i);
			return;
		}
	}
}

/* A page that both ends keep, from before or from now on; NULL: no room. */
static uint8_t *
sim_blk_keep(struct sim_blk *b, uint32_t ref, bool *kept)
{
	struct sim_blk_last *la;
	unsigned int i;

	*kept = true;
	for (i = 0; i < b->bk_nlast; i++) {
		if (b->bk_last[i].la_ref == ref) {
			b->bk_nkept++;
			return b->bk_last[i].la_va;
		}
	}
	*kept = b->bk_nlast < SIM_NLAST;
	la = &b->bk_last[b->bk_nlast];
	if (!*kept)
		return sim_back_map(&b->bk, ref, false);
	la->la_ref = ref;
	la->la_va = sim_back_map(&b->bk, ref, false);
	*kept = la->la_va != NULL;
	b->bk_nlast += *kept;
	return la->la_va;
}

static uint8_t *
sim_blk_map_one(struct sim_blk *b, uint32_t ref, bool readonly, bool *kept)
{
	*kept = false;
	return b->bk_persist ? sim_blk_keep(b, ref, kept) :
	    sim_back_map(&b->bk, ref, readonly);
}

/* Let go of what is not kept. */
static void
sim_blk_unmap_one(struct sim_blk *b, uint32_t ref, bool readonly, bool kept)
{
	if (!kept)
		sim_back_unmap(&b->bk, ref, !b->bk_persist && readonly);
}

static void
sim_blk_map(struct sim_blk *b, struct sim_breq *rq)
{
	struct blkif_request_segment *sg;
	unsigned int i;

	if (!sim_blk_moves(rq))
		return;
	for (i = 0; i < rq->rq.nr_segments; i++) {
		sg = &rq->rq.seg[i];
		rq->rq_va[i] = sim_blk_map_one(b, sg->gref,
		    rq->rq.operation == BLKIF_OP_WRITE, &rq->rq_last[i]);
		if (rq->rq_va[i] == NULL) {
			if (sim_back_faithful(&b->bk))
				sim_bug("vbd: a segment can not be mapped");
			continue;
		}
		if (b->bk_persist)
			continue;
		if (b->bk_cfg.bc_flags & SIM_BLK_UNTRUSTED)
			sim_blk_pry(sg, rq->rq_va[i],
			    rq->rq.operation == BLKIF_OP_WRITE);
		sim_mem_poison(rq->rq_va[i] + sg->first_sect * 512,
		    sim_blk_nsect(sg) * 512);
	}
}

static void
sim_blk_unmap(struct sim_blk *b, struct sim_breq *rq)
{
	struct blkif_request_segment *sg;
	unsigned int i;

	for (i = 0; i < PV_NELEM(rq->rq_va); i++) {
		if (rq->rq_va[i] == NULL)
			continue;
		sg = &rq->rq.seg[i];
		if (!b->bk_persist)
			sim_mem_unpoison(rq->rq_va[i] + sg->first_sect * 512,
			    sim_blk_nsect(sg) * 512);
		rq->rq_va[i] = NULL;
		sim_blk_unmap_one(b, sg->gref,
		    rq->rq.operation == BLKIF_OP_WRITE, rq->rq_last[i]);
	}
}

static void
sim_blk_transfer(struct sim_blk *b, struct sim_breq *rq)
{
	uint8_t *disk = b->bk_disk + rq->rq.sector_number * 512;
	struct blkif_request_segment *sg;
	unsigned int i;
	uint8_t *p;

	if (!sim_blk_moves(rq))
		return;
	for (i = 0; i < rq->rq.nr_segments; i++) {
		sg = &rq->rq.seg[i];
		p = rq->rq_va[i];
		if (p == NULL)
			continue;
		p += sg->first_sect * 512;
		if (rq->rq.operation == BLKIF_OP_WRITE)
			sim_mem_get(disk, p, sim_blk_nsect(sg) * 512);
		else
			sim_mem_put(p, disk, sim_blk_nsect(sg) * 512);
		disk += sim_blk_nsect(sg) * 512;
	}
}

void
sim_blk_unsaved(struct sim_blk *b)
{
	uint8_t other[PV_PAGE_SIZE];
	unsigned int i;

	memset(other, 0xa5, sizeof(other));
	for (i = 0; i < b->bk_nlast; i++)
		sim_mem_put(b->bk_last[i].la_va, other, sizeof(other));
}

/* The segments of an indirect request, out of their page. */
static void
sim_blk_indirect(struct sim_blk *b, struct sim_breq *rq,
    const struct blkif_request_indirect *in)
{
	bool kept;
	uint8_t *va = sim_blk_map_one(b, in->indirect_grefs[0], true, &kept);

	rq->rq.operation = in->indirect_op;
	rq->rq.nr_segments = in->nr_segments;
	rq->rq.id = in->id;
	rq->rq.sector_number = in->sector_number;
	b->bk_nindirect++;
	if (b->bk_cfg.bc_flags & SIM_BLK_PLAIN || in->nr_segments > SIM_NSEG)
		sim_bug("vbd: an indirect request of %u segments",
		    in->nr_segments);
	rq->rq_bad = va == NULL || in->nr_segments > SIM_NSEG;
	if (rq->rq_bad)
		rq->rq.nr_segments = 0;
	else
		sim_mem_get(rq->rq.seg, va, in->nr_segments *
		    sizeof(rq->rq.seg[0]));
	if (va != NULL)
		sim_blk_unmap_one(b, in->indirect_grefs[0], true, kept);
	else if (sim_back_faithful(&b->bk))
		sim_bug("vbd: an indirect page can not be mapped");
}

/* Spread out what came on the ring. */
static void
sim_blk_decode(struct sim_blk *b, struct sim_breq *rq,
    const struct blkif_request *req)
{
	struct blkif_request_indirect in;

	if (req->operation == BLKIF_OP_INDIRECT) {
		memcpy(&in, req, sizeof(in));
		sim_blk_indirect(b, rq, &in);
		return;
	}
	rq->rq.operation = req->operation;
	rq->rq.nr_segments = req->nr_segments;
	rq->rq.id = req->id;
	rq->rq.sector_number = req->sector_number;
	rq->rq_bad = req->nr_segments > BLKIF_MAX_SEGMENTS_PER_REQUEST;
	if (rq->rq_bad)
		rq->rq.nr_segments = 0;
	memcpy(rq->rq.seg, req->seg, sizeof(req->seg));
}

static void
sim_blk_take(struct sim_blk *b, struct sim_blk_queue *q)
{
	uint64_t slow = b->bk_cfg.bc_flags & SIM_BLK_SLOW ? SIM_S : 0;
	struct sim_breq *rq;
	struct blkif_request req;
	int rv;

	while ((rv = bring_get(&q->q_ring, &req)) > 0) {
		rq = calloc(1, sizeof(*rq));
		sim_blk_decode(b, rq, &req);
		rq->rq_due = b->bk.ba_sim->s_now + slow + sim_rand(200000);
		list_append(&q->q_reqs, &rq->rq_link);
		if (!sim_blk_valid(b, rq))
			sim_bug("vbd: a bad request, operation %u, %u "
			    "segments", rq->rq.operation, rq->rq.nr_segments);
		else
			sim_blk_map(b, rq);
		sim_sched_kick(&b->bk.ba_actor, slow + sim_rand(200000));
	}
	if (rv < 0)
		sim_bug("vbd: the front end's index is wrong");
}

/* ---- responses --------------------------------------------------------- */

static bool
sim_blk_inflight(struct sim_blk_queue *q, uint64_t id)
{
	struct list *l;

	LIST_FOREACH(l, &q->q_reqs) {
		if (LIST_ENTRY(l, struct sim_breq, rq_link)->rq.id == id)
			return true;
	}
	return false;
}

static void
sim_blk_put(struct sim_blk_queue *q, const struct blkif_response *rsp)
{
	volatile void *slot = bring_entry(&q->q_ring, q->q_ring.br_prod);

	bring_put(&q->q_ring, rsp);
	sim_mem_fresh(slot, q->q_ring.br_entlen);
}

/* Lies about one response.  rq is still in the list of those in flight. */
static void
sim_blk_lie(struct sim_blk_queue *q, struct blkif_response *rsp)
{
	uint64_t idle;

	if (sim_evil_now(SIM_EVIL_RSP_ID_RANGE))
		rsp->id = sim_rand(2) ? UINT32_MAX : rsp->id | 1ull << 32;
	idle = 0;
	while (idle + 1 < q->q_ring.br_size && sim_blk_inflight(q, idle))
		idle++;
	if (sim_evil_now(SIM_EVIL_RSP_ID_IDLE))
		rsp->id = idle;
	if (sim_evil_now(SIM_EVIL_RSP_OP_WRONG))
		rsp->operation ^= 1;
	if (sim_evil_now(SIM_EVIL_RSP_STATUS_WILD))
		rsp->status = 0x1234;
}

static void
sim_blk_respond(struct sim_blk *b, struct sim_blk_queue *q,
    struct sim_breq *rq)
{
	struct blkif_response rsp;
	struct sim_breq *other;

	memset(&rsp, 0, sizeof(rsp));
	rsp.id = rq->rq.id;
	rsp.operation = rq->rq.operation;
	rsp.status = BLKIF_RSP_OKAY;
	if (b->bk_nbad > 0) {
		b->bk_nbad--;
		rsp.status = b->bk_bad;
	} else if (sim_blk_valid(b, rq)) {
		sim_blk_transfer(b, rq);
	} else {
		rsp.status = BLKIF_RSP_ERROR;
	}
	b->bk_nreq++;
	q->q_nreq++;
	b->bk_nflush += rq->rq.operation == BLKIF_OP_FLUSH_DISKCACHE ||
	    rq->rq.operation == BLKIF_OP_WRITE_BARRIER;
	sim_blk_unmap(b, rq);
	sim_blk_lie(q, &rsp);
	sim_blk_put(q, &rsp);
	list_remove(&rq->rq_link);
	free(rq);
	if (list_empty(&q->q_reqs) || !sim_evil_now(SIM_EVIL_RSP_ID_TWICE))
		return;
	/* Once more, in the place of another's answer. */
	other = LIST_ENTRY(list_pop(&q->q_reqs), struct sim_breq, rq_link);
	sim_blk_unmap(b, other);
	free(other);
	sim_blk_put(q, &rsp);
}

static void
sim_blk_index_lie(struct sim_blk_queue *q)
{
	struct ring_shared *sh = q->q_ring.br_shared;

	if (sim_evil_now(SIM_EVIL_RSP_PROD_JUMP))
		shm_write32(&sh->rsp_prod, q->q_ring.br_prod + 1000);
	if (sim_evil_now(SIM_EVIL_RSP_PROD_BACK))
		shm_write32(&sh->rsp_prod, q->q_ring.br_prod - 40);
	/* What the front end wrote is ours to keep; it must not look. */
	if (sim_evil_now(SIM_EVIL_IDX_REWRITTEN))
		shm_write32(&sh->rsp_event, sim_rand(UINT32_MAX));
}

static void
sim_blk_serve(struct sim_blk *b, struct sim_blk_queue *q)
{
	struct sim_back *ba = &b->bk;
	struct list *l, *next;
	bool notify;

	do {
		sim_blk_take(b, q);
	} while (bring_rearm(&q->q_ring));
	if (ba->ba_hold)
		return;
	LIST_FOREACH_SAFE(l, next, &q->q_reqs) {
		struct sim_breq *rq = LIST_ENTRY(l, struct sim_breq, rq_link);

		if (rq->rq_due > ba->ba_sim->s_now) {
			sim_sched_kick(&ba->ba_actor, rq->rq_due -
			    ba->ba_sim->s_now);
			continue;
		}
		sim_blk_respond(b, q, rq);
		break;		/* one a step: others may come between */
	}
	if (!list_empty(&q->q_reqs))
		sim_sched_kick(&ba->ba_actor, 1000);
	if (q->q_ring.br_prod == q->q_ring.br_pushed)
		return;
	notify = bring_push(&q->q_ring);
	sim_blk_index_lie(q);
	if (notify || sim_rand(8) == 0)
		sim_evtchn_send0(ba->ba_sim, q->q_port);
}

static void
sim_blk_service(struct sim_back *ba)
{
	struct sim_blk *b = sim_blk_of(ba);
	unsigned int i;

	if (b->bk_cfg.bc_flags & SIM_BLK_PUPPET)
		return;
	for (i = 0; i < b->bk_nq; i++)
		sim_blk_serve(b, &b->bk_q[i]);
}

static void
sim_blk_disconnect(struct sim_back *ba)
{
	struct sim_blk *b = sim_blk_of(ba);
	struct sim_breq *rq;
	struct list *l;
	unsigned int i;

	for (i = 0; i < b->bk_nq; i++) {
		while ((l = list_pop(&b->bk_q[i].q_reqs)) != NULL) {
			rq = LIST_ENTRY(l, struct sim_breq, rq_link);
			sim_blk_unmap(b, rq);
			free(rq);
		}
		sim_blk_close(b, &b->bk_q[i]);
	}
	while (b->bk_nlast > 0)
		sim_back_unmap(ba, b->bk_last[--b->bk_nlast].la_ref, false);
}

const struct sim_back_ops sim_blk_ops = {
	"vbd", false, sim_blk_offer, sim_blk_connect, sim_blk_disconnect,
	sim_blk_service
};
