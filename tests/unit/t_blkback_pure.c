/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_blkback_pure.c -- the steps of blkback's pipeline that touch nothing
 * outside: decode, check, memory, pieces, parts.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "blkback.h"

static const struct blkback_disk disk = {
	.bd_nsect = 1000, .bd_bsize = 512, .bd_nseg = 256,
	.bd_flags = PV_BLK_CANFLUSH | PV_BLK_CANDISCARD
};

/* ---- decode ------------------------------------------------------------ */

/* What our own compiler makes of the header is one of the ABIs. */
static void
pure_native(void **state)
{
	struct blkif_request req = {
		.operation = BLKIF_OP_WRITE, .nr_segments = 11,
		.id = 0x1122334455667788, .sector_number = 0x99aabbccddeeff00
	};
	struct blkback_ask ak;
	unsigned int i;

	for (i = 0; i < 11; i++) {
		req.seg[i].gref = 100 + i;
		req.seg[i].first_sect = (uint8_t)(i % 4);
		req.seg[i].last_sect = (uint8_t)(i % 4 + 3);
	}
	blkback_req_decode(blkback_req_abi(""), (const uint8_t *)&req, &ak);
	assert_int_equal(ak.ak_op, BLKIF_OP_WRITE);
	assert_true(ak.ak_id == req.id);
	assert_true(ak.ak_sect == req.sector_number);
	assert_int_equal(ak.ak_nseg, 11);
	for (i = 0; i < 11; i++) {
		assert_int_equal(ak.ak_seg[i].gref, 100 + i);
		assert_int_equal(ak.ak_seg[i].first_sect, i % 4);
		assert_int_equal(ak.ak_seg[i].last_sect, i % 4 + 3);
	}
}

/* Byte by byte, as blkif.h has it for either alignment. */
static void
pure_layouts(void **state)
{
	static const struct {
		const char	*name;
		unsigned int	 id, sect, rest, len;
	} abi[] = {
		{ "x86_64-abi", 8, 16, 24, 112 },
		{ "x86_32-abi", 4, 12, 20, 108 }
	};
	const struct blkback_abi *ab;
	struct blkback_ask ak;
	uint8_t raw[112];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		ab = blkback_req_abi(abi[i].name);
		assert_non_null(ab);
		assert_int_equal(ab->ab_reqlen, abi[i].len);
		memset(raw, 0, sizeof(raw));
		raw[0] = BLKIF_OP_DISCARD;
		raw[1] = BLKIF_DISCARD_SECURE;
		raw[abi[i].id] = 5;
		raw[abi[i].sect + 1] = 1;
		raw[abi[i].rest + 7] = 2;
		blkback_req_decode(ab, raw, &ak);
		assert_true(ak.ak_secure);
		assert_int_equal(ak.ak_id, 5);
		assert_int_equal(ak.ak_sect, 256);
		assert_true(ak.ak_nsect == (uint64_t)2 << 56);
		raw[0] = BLKIF_OP_INDIRECT;
		raw[1] = BLKIF_OP_WRITE;
		raw[2] = 44;
		raw[3] = 1;
		memset(raw + abi[i].rest, 0xee, 4);	/* the handle */
		raw[abi[i].rest + 4] = 77;
		raw[abi[i].rest + 5] = raw[abi[i].rest + 6] = 0;
		raw[abi[i].rest + 7] = 0;
		blkback_req_decode(ab, raw, &ak);
		assert_true(ak.ak_indirect);
		assert_int_equal(ak.ak_op, BLKIF_OP_WRITE);
		assert_int_equal(ak.ak_nseg, 300);
		assert_int_equal(ak.ak_igref, 77);
	}
	assert_null(blkback_req_abi("x86"));
	assert_null(blkback_req_abi("x86_64-abi2"));
}

/* Any bytes at all: nothing outside is read or written. */
static void
pure_noise(void **state)
{
	struct blkback_ask ak;
	uint8_t raw[112];
	unsigned int i, k;

	srand(4);
	for (i = 0; i < 20000; i++) {
		for (k = 0; k < sizeof(raw); k++)
			raw[k] = (uint8_t)rand();
		raw[0] %= 8;
		blkback_req_decode(blkback_req_abi(i % 2 ? "x86_64-abi" :
		    "x86_32-abi"), raw, &ak);
		if (blkback_req_check(&disk, &ak) == 0 && !ak.ak_indirect)
			assert_true(blkback_req_npage(&ak) <= BLKBACK_NSEG);
	}
}

/* ---- check ------------------------------------------------------------- */

static struct blkback_ask
pure_ask(uint8_t op, uint64_t sect, unsigned int nseg, unsigned int last)
{
	struct blkback_ask ak = {
		.ak_op = op, .ak_sect = sect, .ak_nseg = nseg
	};
	unsigned int i;

	for (i = 0; i < nseg && i < BLKBACK_NSEG; i++)
		ak.ak_seg[i].last_sect = (uint8_t)last;
	return ak;
}

static void
pure_check(void **state)
{
	static const struct {
		uint8_t		 op;
		uint64_t	 sect;
		unsigned int	 nseg, last;
		int		 rv;
	} t[] = {
		{ BLKIF_OP_READ, 0, 1, 7, 0 },
		{ BLKIF_OP_WRITE, 992, 1, 7, 0 },
		{ BLKIF_OP_WRITE, 993, 1, 7, -PV_EINVAL },
		{ BLKIF_OP_READ, 1000, 1, 0, -PV_EINVAL },
		{ BLKIF_OP_READ, UINT64_MAX, 1, 0, -PV_EINVAL },
		{ BLKIF_OP_READ, 0, 0, 0, -PV_EINVAL },
		{ BLKIF_OP_READ, 0, 11, 7, 0 },
		{ BLKIF_OP_READ, 0, 12, 7, -PV_EPROTO },
		{ BLKIF_OP_READ, 0, 255, 7, -PV_EPROTO },
		{ BLKIF_OP_READ, 0, 1, 8, -PV_EPROTO },
		{ BLKIF_OP_WRITE_BARRIER, 0, 0, 0, 0 },
		{ BLKIF_OP_WRITE_BARRIER, 0, 2, 7, 0 },
		{ BLKIF_OP_FLUSH_DISKCACHE, 0, 0, 0, 0 },
		{ BLKIF_OP_FLUSH_DISKCACHE, 0, 1, 0, -PV_EINVAL },
		{ BLKIF_OP_RESERVED_1, 0, 1, 0, -PV_EOPNOTSUPP },
		{ 200, 0, 1, 0, -PV_EOPNOTSUPP }
	};
	struct blkback_ask ak;
	size_t i;

	for (i = 0; i < PV_NELEM(t); i++) {
		ak = pure_ask(t[i].op, t[i].sect, t[i].nseg, t[i].last);
		assert_int_equal(blkback_req_check(&disk, &ak), t[i].rv);
		if (t[i].rv == 0)
			assert_int_equal(ak.ak_nsect,
			    t[i].nseg * (t[i].last + 1));
	}
}

static void
pure_check_disk(void **state)
{
	struct blkback_disk ro = disk, plain = disk, big = disk;
	struct blkback_ask ak;

	ro.bd_flags |= PV_BLK_RO;
	ak = pure_ask(BLKIF_OP_WRITE, 0, 1, 7);
	assert_int_equal(blkback_req_check(&ro, &ak), -PV_EROFS);
	ak = pure_ask(BLKIF_OP_READ, 0, 1, 7);
	assert_int_equal(blkback_req_check(&ro, &ak), 0);
	ak = pure_ask(BLKIF_OP_FLUSH_DISKCACHE, 0, 0, 0);
	assert_int_equal(blkback_req_check(&ro, &ak), 0);
	plain.bd_flags = 0;
	assert_int_equal(blkback_req_check(&plain, &ak), -PV_EOPNOTSUPP);
	ak = (struct blkback_ask){ .ak_op = BLKIF_OP_DISCARD, .ak_nsect = 8 };
	assert_int_equal(blkback_req_check(&plain, &ak), -PV_EOPNOTSUPP);
	assert_int_equal(blkback_req_check(&disk, &ak), 0);
	assert_int_equal(blkback_req_check(&ro, &ak), -PV_EROFS);
	ak.ak_secure = true;
	assert_int_equal(blkback_req_check(&disk, &ak), -PV_EOPNOTSUPP);
	big.bd_bsize = 4096;
	ak = pure_ask(BLKIF_OP_READ, 8, 1, 6);
	assert_int_equal(blkback_req_check(&big, &ak), -PV_EINVAL);
	ak = pure_ask(BLKIF_OP_READ, 8, 2, 3);
	assert_int_equal(blkback_req_check(&big, &ak), 0);
	ak = pure_ask(BLKIF_OP_READ, 0, 256, 0);
	ak.ak_indirect = true;
	assert_int_equal(blkback_req_check(&disk, &ak), 0);
	ak.ak_nseg = 257;
	assert_int_equal(blkback_req_check(&disk, &ak), -PV_EPROTO);
	assert_int_equal(blkback_req_status(0), BLKIF_RSP_OKAY);
	assert_int_equal(blkback_req_status(-PV_EOPNOTSUPP),
	    BLKIF_RSP_EOPNOTSUPP);
	assert_int_equal(blkback_req_status(-PV_ENOSPC), BLKIF_RSP_ERROR);
}

/* ---- memory ------------------------------------------------------------ */

/* Taken and given back at random: never twice, and all back in the end. */
static void
pure_runs(void **state)
{
	static uint8_t owner[96];
	uint32_t used[3] = { 0 };
	struct { int first; unsigned int n; } run[16] = { { 0 } };
	unsigned int i, k, n;

	srand(9);
	for (i = 0; i < 20000; i++) {
		n = (unsigned int)rand() % 16;
		if (run[n].n > 0) {
			blkback_req_unrun(used, (unsigned int)run[n].first,
			    run[n].n);
			memset(owner + run[n].first, 0, run[n].n);
			run[n].n = 0;
			continue;
		}
		k = 1 + (unsigned int)rand() % 20;
		run[n].first = blkback_req_run(used, 96, k);
		if (run[n].first < 0)
			continue;
		assert_in_range(run[n].first + k, 1, 96);
		for (run[n].n = 0; run[n].n < k; run[n].n++) {
			assert_int_equal(owner[run[n].first + run[n].n], 0);
			owner[run[n].first + run[n].n] = 1;
		}
	}
	for (n = 0; n < 16; n++)
		blkback_req_unrun(used, (unsigned int)run[n].first, run[n].n);
	assert_int_equal(used[0] | used[1] | used[2], 0);
	assert_int_equal(blkback_req_run(used, 96, 97), -1);
	assert_int_equal(blkback_req_run(used, 96, 96), 0);
	assert_int_equal(blkback_req_run(used, 96, 1), -1);
}

/* ---- pieces ------------------------------------------------------------ */

/* Every byte of every segment, once, in order, within pages on both sides. */
static void
pure_pieces(void **state)
{
	static _Alignas(4096) char data[256 * 4096];
	struct blkif_request_segment seg[256];
	struct gntmap_copy gc[8];
	struct blkback_plan pl;
	struct blkback_req rq;
	unsigned int i, k, n, s, off;
	size_t at;

	srand(3);
	for (i = 0; i < 200; i++) {
		memset(&rq, 0, sizeof(rq));
		memset(&pl, 0, sizeof(pl));
		rq.rq_ask.ak_op = i % 2 ? BLKIF_OP_READ : BLKIF_OP_WRITE;
		rq.rq_ask.ak_nseg = 1 + (unsigned int)rand() % 256;
		rq.rq_seg = seg;
		rq.rq_data = data;
		for (k = 0; k < rq.rq_ask.ak_nseg; k++) {
			seg[k].gref = k;
			seg[k].first_sect = (uint8_t)(rand() % 8);
			seg[k].last_sect = (uint8_t)(seg[k].first_sect +
			    rand() % (8 - seg[k].first_sect));
		}
		at = 0;
		s = off = 0;
		while ((n = blkback_req_pieces(&rq, &pl, gc, 8)) > 0) {
			for (k = 0; k < n; k++) {
				assert_int_equal(gref_x(gc[k].gc_ref), s);
				assert_int_equal(gc[k].gc_off,
				    seg[s].first_sect * 512 + off);
				assert_ptr_equal(gc[k].gc_va, data + at);
				assert_in_range(at % 4096 + gc[k].gc_len, 1,
				    4096);
				assert_int_equal(gc[k].gc_write, i % 2);
				at += gc[k].gc_len;
				off += gc[k].gc_len;
				if (seg[s].first_sect * 512u + off ==
				    (seg[s].last_sect + 1) * 512u) {
					s++;
					off = 0;
				}
			}
		}
		assert_int_equal(s, rq.rq_ask.ak_nseg);
		assert_int_equal(off, 0);
	}
}

/* ---- parts ------------------------------------------------------------- */

static void
pure_parts(void **state)
{
	struct pv_blk bk = { .bk_bsize = 4096, .bk_maxio = 10000 };
	struct blkback_req rq;

	memset(&rq, 0, sizeof(rq));
	rq.rq_ask.ak_op = BLKIF_OP_READ;
	rq.rq_ask.ak_nsect = 40;
	assert_int_equal(blkback_req_part(&bk, &rq), 16);
	rq.rq_at = 32;
	assert_int_equal(blkback_req_part(&bk, &rq), 8);
	bk.bk_maxio = 512;	/* less than a block: one all the same */
	rq.rq_at = 0;
	assert_int_equal(blkback_req_part(&bk, &rq), 8);
	rq.rq_ask.ak_op = BLKIF_OP_DISCARD;
	assert_int_equal(blkback_req_part(&bk, &rq), 40);
	bk.bk_maxdiscard = 20;
	assert_int_equal(blkback_req_part(&bk, &rq), 16);
	rq.rq_ask.ak_secure = true;
	assert_int_equal(blkback_req_part(&bk, &rq), 40);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pure_native),
		cmocka_unit_test(pure_layouts),
		cmocka_unit_test(pure_noise),
		cmocka_unit_test(pure_check),
		cmocka_unit_test(pure_check_disk),
		cmocka_unit_test(pure_runs),
		cmocka_unit_test(pure_pieces),
		cmocka_unit_test(pure_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
