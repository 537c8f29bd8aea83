/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkfront_req -- one request of blkfront's ring: which part of a consumer's
 * request it is, the grants for it, and its form on the wire.
 *
 * Up to 11 segments lie in the request itself; more lie in a page that the
 * request names (BLKIF_OP_INDIRECT), if the peer can.  A segment is a piece
 * of one page and takes one grant, from a stock that its queue shares.  A
 * request is cut only when there are grants for 11 segments, since a block of
 * the disk, the least that can be transferred, may have up to 8.
 *
 * Where the peer keeps what it has mapped (persistent grants) the stock is of
 * lasting maps, the page for the segments too: all of these it maps writable.
 * The stock is a stack, so that the same few pages are used while there is
 * little to do, and the peer, which forgets the oldest, has these.
 *
 * Protocol: xen/include/public/io/blkif.h.
 */

#include "blkfront.h"

/* ---- the consumer's request ------------------------------------------- */

/* The operation, by what the disk can. */
static int
blkfront_req_can(const struct pv_blk *bk, enum pv_blk_op op, bool flush)
{
	bool can = false;

	switch (op) {
	case PV_BLK_READ:
	case PV_BLK_WRITE:
		can = true;
		break;
	case PV_BLK_FLUSH:
		can = flush;
		break;
	case PV_BLK_DISCARD:
		can = (bk->bk_flags & PV_BLK_CANDISCARD) != 0;
		break;
	case PV_BLK_SECURE_DISCARD:
		can = (bk->bk_flags & PV_BLK_CANSECURE) != 0;
		break;
	default:
		break;
	}
	if (!can)
		return -PV_EOPNOTSUPP;
	return op != PV_BLK_READ && op != PV_BLK_FLUSH &&
	    (bk->bk_flags & PV_BLK_RO) != 0 ? -PV_EROFS : 0;
}

/* The place, in blocks of the disk. */
static bool
blkfront_req_inside(const struct pv_blk *bk, const struct pv_blk_req *br)
{
	uint64_t mask = bk->bk_bsize / PV_SECT_SIZE - 1;

	return br->br_nsect > 0 && ((br->br_sect | br->br_nsect) & mask) == 0 &&
	    br->br_sect <= bk->bk_nsect &&
	    br->br_nsect <= bk->bk_nsect - br->br_sect;
}

/* The pieces: whole sectors, as many as the request says. */
static bool
blkfront_req_pieces(const struct pv_blk_req *br)
{
	uint64_t len = 0;
	unsigned int i;

	for (i = 0; i < br->br_niov; i++) {
		if ((((uintptr_t)br->br_iov[i].iov_base |
		    br->br_iov[i].iov_len) & (PV_SECT_SIZE - 1)) != 0)
			return false;
		len += br->br_iov[i].iov_len;
	}
	return len == br->br_nsect << PV_SECT_SHIFT;
}

static int
blkfront_req_judge(const struct pv_blk *bk, bool flush,
    const struct pv_blk_req *br)
{
	int rv = blkfront_req_can(bk, br->br_op, flush);

	if (rv < 0 || br->br_op == PV_BLK_FLUSH)
		return rv;
	if (!blkfront_req_inside(bk, br) ||
	    (br->br_op < PV_BLK_FLUSH && !blkfront_req_pieces(br)))
		return -PV_EINVAL;
	return 0;
}

int
blkfront_req_check(struct blkfront_softc *sc, const struct pv_blk_req *br)
{
	int rv;

	pv_lock(&sc->sc_lock);
	rv = blkfront_req_judge(&sc->sc_blk, sc->sc_flushop != 0, br);
	pv_unlock(&sc->sc_lock);
	return rv;
}

/* ---- grants ------------------------------------------------------------ */

/* Put a map back that is of use still. */
static void
blkfront_req_putmap(struct blkfront_queue *q, struct pv_dma_map *dm)
{
	if (!pv_dma_usable(dm)) {
		q->q_nmap--;
		return;
	}
	dm->dm_next = q->q_map;
	q->q_map = dm;
	q->q_nfree++;
}

static struct pv_dma_map *
blkfront_req_getmap(struct blkfront_queue *q)
{
	struct pv_dma_map *dm = q->q_map;

	q->q_map = dm->dm_next;
	q->q_nfree--;
	return dm;
}

static int
blkfront_req_reserve(struct blkfront_queue *q, struct pv_dma_pool *pool,
    unsigned int n)
{
	struct pv_dev *dev = q->q_sc->sc_dev;

	return q->q_sc->sc_last ? pv_dma_reserve_lasting(dev, pool, n) :
	    pv_dma_reserve(dev, pool, n);
}

/* Pages for indirect requests; without memory for them we do without. */
static void
blkfront_req_indirect(struct blkfront_queue *q)
{
	struct pv_dev *dev = q->q_sc->sc_dev;
	struct blkfront_ind *in;
	unsigned int i;

	if (blkfront_req_reserve(q, &q->q_indpool, BLKFRONT_NIND) < 0)
		return;
	for (i = 0; i < BLKFRONT_NIND; i++) {
		in = &q->q_ind[i];
		in->in_map = &q->q_indpool.dp_map[i];
		in->in_page = pv_pages_alloc(dev, 1);
		if (in->in_page == NULL)
			break;
		in->in_next = q->q_indfree;
		q->q_indfree = in;
	}
}

/* Grants that one queue would like to have. */
static unsigned int
blkfront_req_want(const struct blkfront_softc *sc)
{
	unsigned int n = 32 * BLKFRONT_NSEG, all = BLKFRONT_NALL / sc->sc_nring;

	if (sc->sc_last)
		return sc->sc_nlast / sc->sc_nring;
	if (sc->sc_order > 0 || sc->sc_nseg > BLKFRONT_NSEG)
		n = BLKFRONT_NMAP;
	return n < all ? n : all;
}

/* How many it asks for: the queues that come after it want theirs too. */
static unsigned int
blkfront_req_share(const struct blkfront_queue *q)
{
	struct blkfront_softc *sc = q->q_sc;
	unsigned int n = blkfront_req_want(sc);
	uint32_t room = pv_dma_room(sc->sc_dev) / (sc->sc_nring - q->q_no);

	room = room > BLKFRONT_NIND ? room - BLKFRONT_NIND : 0;
	n = n < room ? n : room;
	return n > BLKFRONT_NSEG ? n : BLKFRONT_NSEG;
}

int
blkfront_req_create(struct blkfront_queue *q)
{
	unsigned int i, n = blkfront_req_share(q);
	int rv;

	/* Few are enough to go on, one request at a time. */
	while ((rv = blkfront_req_reserve(q, &q->q_pool, n)) < 0 &&
	    (rv == -PV_ENOSPC || q->q_sc->sc_last) && n / 2 >= BLKFRONT_NSEG)
		n /= 2;
	if (rv < 0)
		return rv;
	q->q_nmap = n;
	for (i = 0; i < n; i++)
		blkfront_req_putmap(q, &q->q_pool.dp_map[i]);
	if (q->q_sc->sc_nseg > BLKFRONT_NSEG)
		blkfront_req_indirect(q);
	return 0;
}

void
blkfront_req_destroy(struct blkfront_queue *q)
{
	unsigned int i;

	pv_dma_release(&q->q_pool);
	pv_dma_release(&q->q_indpool);
	for (i = 0; i < BLKFRONT_NIND; i++) {
		pv_pages_free(q->q_sc->sc_dev, q->q_ind[i].in_page, 1);
		q->q_ind[i] = (struct blkfront_ind){ 0 };
	}
	q->q_indfree = NULL;
	q->q_map = NULL;
	q->q_nfree = q->q_nmap = 0;
}

/* ---- cutting ----------------------------------------------------------- */

/* Segments that the next request may have; 0: wait. */
static unsigned int
blkfront_req_room(const struct blkfront_queue *q)
{
	unsigned int max = BLKFRONT_NSEG;

	if (q->q_nfree < BLKFRONT_NSEG)
		return 0;
	if (q->q_indfree != NULL)
		max = q->q_sc->sc_nseg;
	return max < q->q_nfree ? max : q->q_nfree;
}

/* The bytes of an io that so many segments can hold: whole blocks. */
static size_t
blkfront_req_bytes(const struct blkfront_queue *q,
    const struct blkfront_io *io, unsigned int max)
{
	struct iov_iter it = io->io_iter;
	size_t room = 0, len;
	unsigned int n;

	for (n = 0; n < max && iov_next(&it, PV_PAGE_SIZE, &len) != NULL; n++)
		room += len;
	return room & ~(size_t)(q->q_sc->sc_blk.bk_bsize - 1);
}

static struct blkif_request_segment
blkfront_req_segment(const struct pv_dma_map *dm)
{
	struct blkif_request_segment sg = { .gref = (grant_ref_t)dm->dm_da };
	uint32_t first;

	first = ((uintptr_t)dm->dm_va & (PV_PAGE_SIZE - 1)) >> PV_SECT_SHIFT;
	sg.first_sect = (uint8_t)first;
	sg.last_sect = (uint8_t)(first + (dm->dm_len >> PV_SECT_SHIFT) - 1);
	return sg;
}

/* Put the segments into a page of their own. */
static void
blkfront_req_table(struct blkfront_queue *q, struct blkfront_req *rq)
{
	struct blkfront_ind *in = q->q_indfree;
	struct blkif_request_segment sg;
	const struct pv_dma_map *dm;
	size_t off = 0;

	q->q_indfree = in->in_next;
	rq->rq_ind = in;
	for (dm = rq->rq_map; dm != NULL; dm = dm->dm_next) {
		sg = blkfront_req_segment(dm);
		shm_copy_out((char *)in->in_page + off, &sg, sizeof(sg));
		off += sizeof(sg);
	}
	pv_dma_share(&q->q_indpool, in->in_map, in->in_page, off,
	    PV_PEER_READS);
}

bool
blkfront_req_cut(struct blkfront_queue *q, struct blkfront_io *io,
    struct blkfront_req *rq)
{
	unsigned int max = blkfront_req_room(q);
	struct pv_dma_map **next = &rq->rq_map, *dm;
	enum pv_dir dir;
	size_t room, len;
	void *va;

	if (max == 0)
		return false;
	room = blkfront_req_bytes(q, io, max);
	PV_ASSERT(room > 0);
	rq->rq_nsect = room >> PV_SECT_SHIFT;
	dir = rq->rq_op == BLKIF_OP_READ ? PV_PEER_WRITES : PV_PEER_READS;
	for (; room > 0; room -= len) {
		va = iov_next(&io->io_iter, room, &len);
		PV_ASSERT(va != NULL && rq->rq_nseg < max);
		dm = blkfront_req_getmap(q);
		pv_dma_share(&q->q_pool, dm, va, len, dir);
		dm->dm_next = NULL;
		*next = dm;
		next = &dm->dm_next;
		rq->rq_nseg++;
	}
	if (rq->rq_nseg > BLKFRONT_NSEG)
		blkfront_req_table(q, rq);
	return true;
}

/* ---- the wire ---------------------------------------------------------- */

static void
blkfront_req_encode_indirect(const struct blkfront_softc *sc,
    const struct blkfront_req *rq, uint64_t id,
    struct blkif_request_indirect *out)
{
	out->operation = BLKIF_OP_INDIRECT;
	out->indirect_op = rq->rq_op;
	out->nr_segments = (uint16_t)rq->rq_nseg;
	out->id = id;
	out->sector_number = rq->rq_sect;
	out->handle = (uint16_t)sc->sc_vdev;
	out->indirect_grefs[0] = (grant_ref_t)rq->rq_ind->in_map->dm_da;
}

static void
blkfront_req_encode_rw(const struct blkfront_softc *sc,
    const struct blkfront_req *rq, uint64_t id, struct blkif_request *out)
{
	const struct pv_dma_map *dm;
	unsigned int i = 0;

	out->operation = rq->rq_op;
	out->nr_segments = (uint8_t)rq->rq_nseg;
	out->handle = (uint16_t)sc->sc_vdev;
	out->id = id;
	out->sector_number = rq->rq_sect;
	for (dm = rq->rq_map; dm != NULL; dm = dm->dm_next)
		out->seg[i++] = blkfront_req_segment(dm);
}

void
blkfront_req_encode(const struct blkfront_queue *q,
    const struct blkfront_req *rq, uint64_t id, union blkfront_wire *out)
{
	const struct blkfront_softc *sc = q->q_sc;

	__builtin_memset(out, 0, sizeof(*out));
	if (rq->rq_ind != NULL) {
		blkfront_req_encode_indirect(sc, rq, id, &out->bw_indirect);
	} else if (rq->rq_op == BLKIF_OP_DISCARD) {
		out->bw_discard.operation = rq->rq_op;
		out->bw_discard.handle = (uint16_t)sc->sc_vdev;
		out->bw_discard.id = id;
		out->bw_discard.sector_number = rq->rq_sect;
		out->bw_discard.nr_sectors = rq->rq_nsect;
		if (rq->rq_io->io_br->br_op == PV_BLK_SECURE_DISCARD)
			out->bw_discard.flag = BLKIF_DISCARD_SECURE;
	} else {
		blkfront_req_encode_rw(sc, rq, id, &out->bw_rw);
	}
}

/* ---- afterwards -------------------------------------------------------- */

/* peer: has answered, and keeps a page of the consumer's all the same. */
static void
blkfront_req_park(struct blkfront_queue *q, struct blkfront_req *rq,
    struct pv_dma_map *dm)
{
	pv_lock(&q->q_tab->bt_lock);
	/* What it read there may change still. */
	if (rq->rq_op == BLKIF_OP_READ && rq->rq_error == 0)
		rq->rq_error = -PV_EIO;
	rq->rq_io->io_nparked++;
	q->q_tab->bt_refs++;
	pv_unlock(&q->q_tab->bt_lock);
	pv_dma_park(&q->q_pool, dm, blkfront_io_unpark, rq->rq_io);
}

/* The quarantine frees the page of segments that a peer kept. */
static void
blkfront_req_unparked(void *page)
{
	pv_pages_free(NULL, page, 1);
}

static void
blkfront_req_untable(struct blkfront_queue *q, struct blkfront_ind *in)
{
	struct pv_dev *dev = q->q_sc->sc_dev;

	if (pv_dma_unshare(&q->q_indpool, in->in_map) == 0)
		return;
	pv_dma_park(&q->q_indpool, in->in_map, blkfront_req_unparked,
	    in->in_page);
	pv_count(&dev->pd_npage, -1);
	in->in_page = pv_dma_usable(in->in_map) ? pv_pages_alloc(dev, 1) :
	    NULL;
}

void
blkfront_req_unshare(struct blkfront_queue *q, struct blkfront_req *rq)
{
	struct pv_dma_map *dm;

	for (dm = rq->rq_map; dm != NULL; dm = dm->dm_next)
		if (pv_dma_unshare(&q->q_pool, dm) != 0)
			blkfront_req_park(q, rq, dm);
	if (rq->rq_ind != NULL)
		blkfront_req_untable(q, rq->rq_ind);
}

bool
blkfront_req_release(struct blkfront_queue *q, struct blkfront_req *rq)
{
	struct pv_dma_map *dm;

	while ((dm = rq->rq_map) != NULL) {
		rq->rq_map = dm->dm_next;
		blkfront_req_putmap(q, dm);
	}
	if (rq->rq_ind != NULL && rq->rq_ind->in_page != NULL) {
		rq->rq_ind->in_next = q->q_indfree;
		q->q_indfree = rq->rq_ind;
	}
	rq->rq_ind = NULL;
	rq->rq_nseg = 0;
	list_append(&q->q_idle, &rq->rq_link);
	return q->q_nmap >= BLKFRONT_NSEG;
}
