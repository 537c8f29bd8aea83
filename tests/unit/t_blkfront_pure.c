/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_blkfront_pure.c -- the steps of blkfront that touch nothing outside: how
 * a request is cut and encoded, how a response is judged, what a disk is
 * called.  The driver is included, for they are static.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dev/blkfront.c"
#include "dev/blkfront_io.c"
#include "dev/blkfront_req.c"
#include "dev/blkfront_xs.c"

/* ---- names ------------------------------------------------------------- */

static void
blk_names(void **state)
{
	static const struct {
		uint32_t	 vdev;
		const char	*name;
	} t[] = {
		{ 202 << 8, "xvda" }, { 202 << 8 | 1, "xvda1" },
		{ 202 << 8 | 16, "xvdb" }, { 202 << 8 | 0xff, "xvdp15" },
		{ 1 << 28, "xvda" }, { 1 << 28 | 16 << 8, "xvdq" },
		{ 1 << 28 | 25 << 8 | 3, "xvdz3" },
		{ 1 << 28 | 26 << 8, "xvdaa" },
		{ 1 << 28 | 701 << 8, "xvdzz" },
		{ 1 << 28 | 702 << 8, "xvdaaa" },
		{ UINT32_MAX, "xvdbgqcv255" },
		{ 8 << 8, "sda" }, { 8 << 8 | 17, "sdb1" },
		{ 65 << 8, "sdq" }, { 135 << 8 | 0xf0, "sdiv" },
		{ 3 << 8, "hda" }, { 3 << 8 | 64, "hdb" },
		{ 22 << 8 | 65, "hdd1" }, { 34 << 8, "hdg" },
		{ 57 << 8 | 64, "hdl" },
		{ 0, "vbd0" }, { 99 << 8, "vbd25344" },
	};
	struct strbuf sb;
	char buf[16];
	size_t i;

	for (i = 0; i < PV_NELEM(t); i++) {
		str_begin(&sb, buf, sizeof(buf));
		blkfront_xs_format(&sb, t[i].vdev);
		assert_string_equal(buf, t[i].name);
		assert_false(sb.sb_over);
	}
}

/* ---- cutting and encoding ---------------------------------------------- */

static int
blk_share(struct pv_dma *dma, struct pv_dma_map *map)
{
	map->dm_da = 1000 + map->dm_priv;
	return 0;
}

static const struct pv_dma_ops blk_ops = { .do_share = blk_share };
static struct pv_dma blk_dma = { .da_ops = &blk_ops };
#define BLK_NMAP	64
static struct pv_dma_map blk_map[BLK_NMAP], blk_indmap;
static struct blkfront_ind blk_ind = { .in_map = &blk_indmap };
static unsigned int blk_nseg;		/* that the peer takes */
static struct blkfront_softc blk_sc;
static struct blkfront_queue blk_q;
static _Alignas(4096) uint8_t blk_mem[64 * 4096];
static _Alignas(4096) uint8_t blk_table[4096];

static void
blk_setup(struct blkfront_req *rq, uint32_t bsize)
{
	unsigned int i;

	memset(&blk_sc, 0, sizeof(blk_sc));
	memset(&blk_q, 0, sizeof(blk_q));
	blk_q.q_sc = &blk_sc;
	memset(blk_map, 0, sizeof(blk_map));
	memset(&blk_indmap, 0, sizeof(blk_indmap));
	memset(rq, 0, sizeof(*rq));
	/* The first to be used comes last. */
	for (i = BLK_NMAP; i-- > 0;) {
		blk_map[i].dm_reserved = true;
		blk_map[i].dm_priv = i;
		blkfront_req_putmap(&blk_q, &blk_map[i]);
	}
	blk_indmap.dm_reserved = true;
	blk_ind.in_page = blk_table;
	blk_sc.sc_nseg = blk_nseg;
	if (blk_nseg > BLKFRONT_NSEG)
		blk_q.q_indfree = &blk_ind;
	blk_q.q_indpool.dp_dma = &blk_dma;
	blk_q.q_indpool.dp_ops = &blk_ops;
	blk_q.q_pool.dp_dma = &blk_dma;
	blk_q.q_pool.dp_ops = &blk_ops;
	blk_q.q_pool.dp_map = blk_map;
	blk_q.q_pool.dp_n = BLK_NMAP;
	blk_sc.sc_blk.bk_bsize = bsize;
	blk_sc.sc_vdev = 51712;
	rq->rq_op = BLKIF_OP_WRITE;
}

/* Where the peer finds the segments. */
static const struct blkif_request_segment *
blk_segments(const struct blkfront_req *rq, const union blkfront_wire *w)
{
	if (rq->rq_nseg <= BLKFRONT_NSEG) {
		assert_int_equal(w->bw_rw.operation, BLKIF_OP_WRITE);
		assert_int_equal(w->bw_rw.nr_segments, rq->rq_nseg);
		return w->bw_rw.seg;
	}
	assert_int_equal(w->bw_indirect.operation, BLKIF_OP_INDIRECT);
	assert_int_equal(w->bw_indirect.indirect_op, BLKIF_OP_WRITE);
	assert_int_equal(w->bw_indirect.nr_segments, rq->rq_nseg);
	assert_int_equal(w->bw_indirect.indirect_grefs[0], 1000);
	assert_true(w->bw_indirect.id == 7);
	return (const void *)blk_table;
}

/*
 * Cut an io to its end.  Whatever its pieces are, the requests hold all of
 * it, in order, in whole blocks, in segments that lie in one page.
 */
static void
blk_cut_all(const struct pv_iov *iov, unsigned int niov, uint32_t bsize)
{
	uint64_t left = iov_length(iov, niov) / 512, sum;
	struct blkfront_req rq;
	struct blkfront_io io;
	const struct blkif_request_segment *seg;
	union blkfront_wire w;
	struct iov_iter it;
	unsigned int i;
	size_t len;

	iov_start(&io.io_iter, iov, niov);
	iov_start(&it, iov, niov);
	while (left > 0) {
		blk_setup(&rq, bsize);
		assert_true(blkfront_req_cut(&blk_q, &io, &rq));
		assert_in_range(rq.rq_nseg, 1, blk_nseg);
		assert_int_equal(rq.rq_nsect * 512 % bsize, 0);
		blkfront_req_encode(&blk_q, &rq, 7, &w);
		seg = blk_segments(&rq, &w);
		for (i = 0, sum = 0; i < rq.rq_nseg; i++) {
			const struct blkif_request_segment *sg = &seg[i];
			uint8_t *va = iov_next(&it, blk_map[i].dm_len, &len);

			assert_ptr_equal(blk_map[i].dm_va, va);
			assert_int_equal(sg->gref, 1000 + i);
			assert_int_equal(sg->first_sect,
			    ((uintptr_t)va & 4095) / 512);
			assert_in_range(sg->last_sect, sg->first_sect, 7);
			assert_int_equal((sg->last_sect - sg->first_sect + 1) *
			    512, len);
			sum += len / 512;
		}
		assert_int_equal(sum, rq.rq_nsect);
		assert_true(sum <= left);
		left -= sum;
	}
	assert_null(iov_next(&it, 4096, &len));
}

static void
blk_cut_some(unsigned int nseg)
{
	struct pv_iov iov[64];
	unsigned int i, off;
	uint32_t bsize;

	blk_nseg = nseg;
	for (bsize = 512; bsize <= 4096; bsize *= 2) {
		/* One piece, at each place in a page. */
		for (off = 0; off < 4096; off += 512) {
			iov[0].iov_base = blk_mem + off;
			iov[0].iov_len = 40 * 4096;
			blk_cut_all(iov, 1, bsize);
			iov[0].iov_len = bsize;
			blk_cut_all(iov, 1, bsize);
		}
		/* Many of one sector: a block has up to 8 segments. */
		for (i = 0; i < 64; i++) {
			iov[i].iov_base = blk_mem + i * 4096 + 3584;
			iov[i].iov_len = 512;
		}
		blk_cut_all(iov, 64, bsize);
		/* Pieces of odd lengths, and empty ones. */
		for (i = 0; i < 64; i++) {
			iov[i].iov_base = blk_mem + i % 7 * 512;
			iov[i].iov_len = i % 5 * 512;
		}
		iov[63].iov_len += bsize -
		    iov_length(iov, 64) % bsize;
		blk_cut_all(iov, 64, bsize);
	}
}

static void
blk_cut(void **state)
{
	blk_cut_some(BLKFRONT_NSEG);
	blk_cut_some(32);
	blk_cut_some(256);	/* more than there are grants */
}

/* Without grants for a whole block nothing is cut. */
static void
blk_short(void **state)
{
	struct pv_iov iov = { blk_mem, 4096 };
	struct blkfront_req rq;
	struct blkfront_io io;

	blk_setup(&rq, 512);
	blk_q.q_nfree = BLKFRONT_NSEG - 1;
	iov_start(&io.io_iter, &iov, 1);
	assert_false(blkfront_req_cut(&blk_q, &io, &rq));
	assert_int_equal(rq.rq_nseg, 0);
}

static void
blk_encode_rest(void **state)
{
	struct pv_blk_req br = { .br_op = PV_BLK_DISCARD };
	struct blkfront_io io = { .io_br = &br };
	struct blkfront_req rq;
	union blkfront_wire w;

	blk_setup(&rq, 512);
	memset(&w, 0xff, sizeof(w));
	rq.rq_op = BLKIF_OP_FLUSH_DISKCACHE;
	blkfront_req_encode(&blk_q, &rq, 31, &w);
	assert_int_equal(w.bw_rw.operation, 3);
	assert_int_equal(w.bw_rw.nr_segments, 0);
	assert_int_equal(w.bw_rw.handle, 51712);
	assert_true(w.bw_rw.id == 31);
	assert_true(w.bw_rw.sector_number == 0);

	memset(&w, 0xff, sizeof(w));
	rq.rq_op = BLKIF_OP_DISCARD;
	rq.rq_io = &io;
	rq.rq_sect = 1ull << 40;
	rq.rq_nsect = 1ull << 33;
	blkfront_req_encode(&blk_q, &rq, 30, &w);
	assert_int_equal(w.bw_discard.operation, 5);
	assert_int_equal(w.bw_discard.flag, 0);
	assert_true(w.bw_discard.id == 30);
	assert_true(w.bw_discard.sector_number == 1ull << 40);
	assert_true(w.bw_discard.nr_sectors == 1ull << 33);
	br.br_op = PV_BLK_SECURE_DISCARD;
	blkfront_req_encode(&blk_q, &rq, 30, &w);
	assert_int_equal(w.bw_discard.flag, BLKIF_DISCARD_SECURE);
}

/* ---- requests of the consumer ------------------------------------------ */

static int
blk_try(enum pv_blk_op op, uint64_t sect, uint64_t nsect, void *base,
    size_t len)
{
	struct pv_iov iov = { base, len };
	struct pv_blk_req br = {
		.br_op = op, .br_sect = sect, .br_nsect = nsect,
		.br_iov = &iov, .br_niov = 1
	};

	return blkfront_req_judge(&blk_sc.sc_blk, false, &br);
}

static void
blk_checks(void **state)
{
	struct blkfront_req rq;

	blk_setup(&rq, 512);
	blk_sc.sc_blk.bk_nsect = 1000;
	assert_int_equal(blk_try(PV_BLK_READ, 0, 1, blk_mem, 512), 0);
	assert_int_equal(blk_try(PV_BLK_READ, 999, 1, blk_mem, 512), 0);
	assert_int_equal(blk_try(PV_BLK_READ, 1000, 1, blk_mem, 512),
	    -PV_EINVAL);
	assert_int_equal(blk_try(PV_BLK_READ, UINT64_MAX, 2, blk_mem, 1024),
	    -PV_EINVAL);
	assert_int_equal(blk_try(PV_BLK_READ, 2, UINT64_MAX, blk_mem, 512),
	    -PV_EINVAL);
	assert_int_equal(blk_try(PV_BLK_READ, 0, 0, blk_mem, 0), -PV_EINVAL);
	assert_int_equal(blk_try(PV_BLK_READ, 0, 1, blk_mem + 1, 512),
	    -PV_EINVAL);
	assert_int_equal(blk_try(PV_BLK_READ, 0, 1, blk_mem, 1024),
	    -PV_EINVAL);
	assert_int_equal(blk_try(PV_BLK_FLUSH, 0, 0, NULL, 0),
	    -PV_EOPNOTSUPP);
	assert_int_equal(blk_try(PV_BLK_DISCARD, 0, 8, NULL, 0),
	    -PV_EOPNOTSUPP);
	blk_sc.sc_blk.bk_flags = PV_BLK_RO | PV_BLK_CANDISCARD;
	assert_int_equal(blk_try(PV_BLK_WRITE, 0, 1, blk_mem, 512),
	    -PV_EROFS);
	assert_int_equal(blk_try(PV_BLK_DISCARD, 0, 8, NULL, 0), -PV_EROFS);
	blk_sc.sc_blk.bk_bsize = 4096;
	assert_int_equal(blk_try(PV_BLK_READ, 0, 1, blk_mem, 512),
	    -PV_EINVAL);
	assert_int_equal(blk_try(PV_BLK_READ, 4, 8, blk_mem, 4096),
	    -PV_EINVAL);
	assert_int_equal(blk_try(PV_BLK_READ, 8, 8, blk_mem + 512, 4096), 0);
}

/* ---- responses --------------------------------------------------------- */

static void
blk_completes(void **state)
{
	struct blkif_response rsp = { .operation = BLKIF_OP_WRITE };
	struct blkfront_req rq;
	uint64_t id;

	blk_setup(&rq, 512);
	idmap_init(&blk_q.q_ids, blk_q.q_slot, BLKFRONT_NREQ);
	id = (uint64_t)idmap_take(&blk_q.q_ids, &rq);
	rsp.id = id + 1;
	assert_null(blkfront_io_complete(&blk_q, &rsp));
	rsp.id = id | 1ull << 32;
	assert_null(blkfront_io_complete(&blk_q, &rsp));
	rsp.id = UINT64_MAX;
	assert_null(blkfront_io_complete(&blk_q, &rsp));
	rsp.id = id;
	rsp.operation = BLKIF_OP_READ;
	assert_null(blkfront_io_complete(&blk_q, &rsp));
	assert_int_equal(blk_q.q_ids.im_used, 1);
	rsp.operation = BLKIF_OP_WRITE;
	rsp.status = 0x1234;
	assert_ptr_equal(blkfront_io_complete(&blk_q, &rsp), &rq);
	assert_int_equal(rq.rq_error, -PV_EIO);
	assert_null(blkfront_io_complete(&blk_q, &rsp));

	assert_int_equal(blkfront_io_status(0), 0);
	assert_int_equal(blkfront_io_status(-2), -PV_EOPNOTSUPP);
	assert_int_equal(blkfront_io_status(-1), -PV_EIO);
	assert_int_equal(blkfront_io_status(INT16_MIN), -PV_EIO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blk_names),
		cmocka_unit_test(blk_cut),
		cmocka_unit_test(blk_short),
		cmocka_unit_test(blk_encode_rest),
		cmocka_unit_test(blk_checks),
		cmocka_unit_test(blk_completes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
