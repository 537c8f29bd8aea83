/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkback_req.c -- the steps of blkback's pipeline that have no side effects;
 * see blkback.h.  Nothing here sees shared memory: what it is given was copied.
 * Source: xen/include/public/io/blkif.h.
 */

#include "blkback.h"
#include "str.h"

#define BLKBACK_REQ_ABI64 (sizeof(void *) == 8)
#define BLKBACK_REQ_OFFSET(member, on64, on32)				\
	PV_WIRE_OFFSET(struct blkif_request, member,			\
	    BLKBACK_REQ_ABI64 ? (on64) : (on32))

/* The header speaks of the ABI that we are compiled for; the other differs in
   the alignment of 64-bit numbers. */
BLKBACK_REQ_OFFSET(id, 8, 4);
BLKBACK_REQ_OFFSET(sector_number, 16, 12);
BLKBACK_REQ_OFFSET(seg, 24, 20);
PV_WIRE_ASSERT(struct blkif_request, BLKBACK_REQ_ABI64 ? 112 : 108);
PV_WIRE_ASSERT(struct blkif_request_segment, 8);
PV_WIRE_OFFSET(struct blkif_request_discard, nr_sectors,
    BLKBACK_REQ_ABI64 ? 24 : 20);
PV_WIRE_OFFSET(struct blkif_request_indirect, nr_segments, 2);
PV_WIRE_OFFSET(struct blkif_request_indirect, indirect_grefs,
    BLKBACK_REQ_ABI64 ? 28 : 24);
PV_WIRE_ASSERT(struct blkif_response, BLKBACK_REQ_ABI64 ? 16 : 12);
PV_WIRE_ASSERT(struct blkback_rsp, 16);
PV_WIRE_OFFSET(struct blkback_rsp, rs_status, 10);

static const struct blkback_abi blkback_req_abis[] = {
	{ XEN_IO_PROTO_ABI_X86_64, 112, 16, 8, 16, 24 },
	{ XEN_IO_PROTO_ABI_X86_32, 108, 12, 4, 12, 20 }
};

/*
 * blkback_req_abi -- the layout of a name, NULL when it is not known
 *
 * "" is our own.
 * Context: any.
 */
const struct blkback_abi *
blkback_req_abi(const char *name)
{
	unsigned int i;

	if (name[0] == '\0')
		name = XEN_IO_PROTO_ABI_NATIVE;
	for (i = 0; i < PV_NELEM(blkback_req_abis); i++) {
		if (str_eq(blkback_req_abis[i].ab_name, name))
			return &blkback_req_abis[i];
	}
	return NULL;
}

/* ---- decode ------------------------------------------------------------ */

static void
blkback_req_get(void *dst, const uint8_t *raw, unsigned int off, size_t len)
{
	__builtin_memcpy(dst, raw + off, len);
}

static void
blkback_req_decode_indirect(const struct blkback_abi *ab, const uint8_t *raw,
    struct blkback_ask *ak)
{
	uint16_t nseg;

	ak->ak_indirect = true;
	ak->ak_op = raw[1];
	blkback_req_get(&nseg, raw, 2, sizeof(nseg));
	ak->ak_nseg = nseg;
	/* Behind the handle; only the first page is ever of use to us. */
	blkback_req_get(&ak->ak_igref, raw, ab->ab_rest + 4,
	    sizeof(ak->ak_igref));
}

/*
 * blkback_req_decode -- what a request in the ring says
 *
 * raw has ab_reqlen bytes, copied out of the ring.
 * Context: any.
 */
void
blkback_req_decode(const struct blkback_abi *ab, const uint8_t *raw,
    struct blkback_ask *ak)
{
	unsigned int n;

	*ak = (struct blkback_ask){ .ak_op = raw[0] };
	blkback_req_get(&ak->ak_id, raw, ab->ab_id, sizeof(ak->ak_id));
	blkback_req_get(&ak->ak_sect, raw, ab->ab_sect, sizeof(ak->ak_sect));
	if (ak->ak_op == BLKIF_OP_INDIRECT) {
		blkback_req_decode_indirect(ab, raw, ak);
	} else if (ak->ak_op == BLKIF_OP_DISCARD) {
		ak->ak_secure = (raw[1] & BLKIF_DISCARD_SECURE) != 0;
		blkback_req_get(&ak->ak_nsect, raw, ab->ab_rest,
		    sizeof(ak->ak_nsect));
	} else {
		ak->ak_nseg = raw[1];
		n = ak->ak_nseg < BLKBACK_NSEG ? ak->ak_nseg : BLKBACK_NSEG;
		blkback_req_get(ak->ak_seg, raw, ab->ab_rest,
		    n * sizeof(ak->ak_seg[0]));
	}
}

/* ---- check ------------------------------------------------------------- */

/* peer: any numbers.  A disk may have shrunk under an honest one. */
static int
blkback_req_range(const struct blkback_disk *bd, const struct blkback_ask *ak)
{
	uint64_t mask = bd->bd_bsize / PV_SECT_SIZE - 1;

	if (ak->ak_nsect == 0 || ((ak->ak_sect | ak->ak_nsect) & mask) != 0)
		return -PV_EINVAL;
	if (ak->ak_sect > bd->bd_nsect ||
	    ak->ak_nsect > bd->bd_nsect - ak->ak_sect)
		return -PV_EINVAL;
	return 0;
}

/* May the disk be asked for this at all? */
static int
blkback_req_allowed(const struct blkback_disk *bd,
    const struct blkback_ask *ak)
{
	bool write = ak->ak_op != BLKIF_OP_READ;

	switch (ak->ak_op) {
	case BLKIF_OP_READ:
	case BLKIF_OP_WRITE:
		break;
	case BLKIF_OP_WRITE_BARRIER:
	case BLKIF_OP_FLUSH_DISKCACHE:
		if (ak->ak_indirect || (bd->bd_flags & PV_BLK_CANFLUSH) == 0)
			return -PV_EOPNOTSUPP;
		write = ak->ak_nseg != 0;
		break;
	case BLKIF_OP_DISCARD:
		if (ak->ak_indirect || (bd->bd_flags & (ak->ak_secure ?
		    PV_BLK_CANSECURE : PV_BLK_CANDISCARD)) == 0)
			return -PV_EOPNOTSUPP;
		break;
	default:
		return -PV_EOPNOTSUPP;
	}
	return write && (bd->bd_flags & PV_BLK_RO) != 0 ? -PV_EROFS : 0;
}

/*
 * blkback_req_segs -- the segments of a request; sets ak_nsect
 *
 * 0; -PV_EPROTO: no honest peer makes such; else what to answer.
 * Context: any.
 */
int
blkback_req_segs(const struct blkback_disk *bd, struct blkback_ask *ak,
    const struct blkif_request_segment *seg)
{
	unsigned int i;

	ak->ak_nsect = 0;
	for (i = 0; i < ak->ak_nseg; i++) {
		/* peer: both are within a page, and in order. */
		if (seg[i].last_sect < seg[i].first_sect ||
		    seg[i].last_sect >= PV_PAGE_SIZE / PV_SECT_SIZE)
			return -PV_EPROTO;
		ak->ak_nsect += seg[i].last_sect - seg[i].first_sect + 1u;
	}
	return blkback_req_range(bd, ak);
}

/*
 * blkback_req_check -- is it a request that we can do?
 *
 * As blkback_req_segs(); of an indirect one only what the ring has of it.
 * Context: any.
 */
int
blkback_req_check(const struct blkback_disk *bd, struct blkback_ask *ak)
{
	unsigned int max = ak->ak_indirect ? bd->bd_nseg : BLKBACK_NSEG;
	int rv;

	/* peer: more segments than it was offered. */
	if (ak->ak_nseg > max)
		return -PV_EPROTO;
	rv = blkback_req_allowed(bd, ak);
	if (rv < 0)
		return rv;
	if (ak->ak_op == BLKIF_OP_DISCARD)
		return blkback_req_range(bd, ak);
	if (ak->ak_nseg == 0)
		return ak->ak_op == BLKIF_OP_FLUSH_DISKCACHE ||
		    ak->ak_op == BLKIF_OP_WRITE_BARRIER ? 0 : -PV_EINVAL;
	/* A flush with data is none that anybody makes. */
	if (ak->ak_op == BLKIF_OP_FLUSH_DISKCACHE)
		return -PV_EINVAL;
	return ak->ak_indirect ? 0 : blkback_req_segs(bd, ak, ak->ak_seg);
}

/*
 * blkback_req_status -- what the peer is told; rv is 0 or -PV_E*
 *
 * Context: any.
 */
int16_t
blkback_req_status(int rv)
{
	if (rv == 0)
		return BLKIF_RSP_OKAY;
	return rv == -PV_EOPNOTSUPP ? BLKIF_RSP_EOPNOTSUPP : BLKIF_RSP_ERROR;
}

/* ---- memory ------------------------------------------------------------ */

/*
 * blkback_req_npage -- pages of ours that a request needs
 *
 * Data are packed, so it is never more than its segments.
 * Context: any.
 */
unsigned int
blkback_req_npage(const struct blkback_ask *ak)
{
	if (ak->ak_indirect)
		return ak->ak_nseg + 1;		/* the segments themselves */
	if (ak->ak_op == BLKIF_OP_DISCARD)
		return 0;
	return (unsigned int)PV_HOWMANY(ak->ak_nsect * PV_SECT_SIZE,
	    PV_PAGE_SIZE);
}

/*
 * blkback_req_run -- take npg pages in a row of those of a map with n bits
 *
 * The first one, or -1: there is no such row now.
 * Context: any.  Lock: that of the map.
 */
int
blkback_req_run(uint32_t *used, unsigned int n, unsigned int npg)
{
	unsigned int i, k = 0;

	for (i = 0; i < n; i++) {
		if (i % 32 == 0 && used[i / 32] == UINT32_MAX) {
			i += 31;
			k = 0;
			continue;
		}
		k = (used[i / 32] >> i % 32 & 1) != 0 ? 0 : k + 1;
		if (k == npg)
			break;
	}
	if (i >= n)
		return -1;
	for (k = 0; k < npg; k++)
		used[(i - k) / 32] |= 1u << (i - k) % 32;
	return (int)(i + 1 - npg);
}

/*
 * blkback_req_unrun -- give back what blkback_req_run() took
 *
 * Context: any.  Lock: that of the map.
 */
void
blkback_req_unrun(uint32_t *used, unsigned int first, unsigned int npg)
{
	for (; npg-- > 0; first++)
		used[first / 32] &= ~(1u << first % 32);
}

/* ---- parts ------------------------------------------------------------- */

/*
 * blkback_req_pieces -- the next pieces to copy, at most n
 *
 * A piece lies in one page on either side.  Returns how many, 0 at the end,
 * and moves the plan on.
 * Context: any.
 */
unsigned int
blkback_req_pieces(const struct blkback_req *rq, struct blkback_plan *pl,
    struct gntmap_copy *gc, unsigned int n)
{
	const struct blkif_request_segment *seg;
	unsigned int len, left, room, i;

	for (i = 0; i < n && pl->pl_seg < rq->rq_ask.ak_nseg; i++) {
		seg = &rq->rq_seg[pl->pl_seg];
		len = (seg->last_sect - seg->first_sect + 1u) * PV_SECT_SIZE;
		left = len - pl->pl_off;
		room = PV_PAGE_SIZE - pl->pl_done % PV_PAGE_SIZE;
		gc[i] = (struct gntmap_copy){ .gc_ref = GREF(seg->gref) };
		gc[i].gc_off = (uint16_t)(seg->first_sect * PV_SECT_SIZE +
		    pl->pl_off);
		gc[i].gc_len = (uint16_t)(left < room ? left : room);
		gc[i].gc_va = rq->rq_data + pl->pl_done;
		gc[i].gc_write = rq->rq_ask.ak_op == BLKIF_OP_READ;
		pl->pl_done += gc[i].gc_len;
		pl->pl_off += gc[i].gc_len;
		if (pl->pl_off == len) {
			pl->pl_seg++;
			pl->pl_off = 0;
		}
	}
	return i;
}

/*
 * blkback_req_part -- how many sectors the store is given next
 *
 * Whole blocks, as many as it takes at once.
 * Context: any.
 */
uint64_t
blkback_req_part(const struct pv_blk *bk, const struct blkback_req *rq)
{
	const struct blkback_ask *ak = &rq->rq_ask;
	uint64_t left = ak->ak_nsect - rq->rq_at, max;
	uint64_t block = bk->bk_bsize / PV_SECT_SIZE;

	if (ak->ak_op == BLKIF_OP_DISCARD)
		max = ak->ak_secure ? bk->bk_maxsecure : bk->bk_maxdiscard;
	else
		max = bk->bk_maxio / PV_SECT_SIZE;
	max -= max % block;
	if (max == 0)
		max = ak->ak_op == BLKIF_OP_DISCARD ? left : block;
	return left < max ? left : max;
}
