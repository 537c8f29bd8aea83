/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_blkfront_feat.c -- what blkfront and a well-behaved back end agree on: in
 * use, refused by one of them, and changed under way.
 */

#include "loop.h"

#include <xen/io/blkif.h>

/* ---- what is negotiated ------------------------------------------------ */

/* The same pages are used again and again, and the peer has them mapped. */
LOOP_TEST(blk_persistent)
{
	struct sim_blk *b = loop_blk(l, 0);
	struct pv_blk *bk = l->l_blk[0];
	uint8_t *buf = loop_pages(8);
	unsigned int i;

	for (i = 0; i < 20; i++) {
		loop_fill(buf, 8 * 4096, i);
		assert_int_equal(loop_io(l, bk, PV_BLK_WRITE, i * 64, buf,
		    8 * 4096), 0);
		assert_memory_equal(sim_blk_data(b) + i * 64 * 512, buf,
		    8 * 4096);
		memset(buf, 0, 8 * 4096);
		assert_int_equal(loop_io(l, bk, PV_BLK_READ, i * 64, buf,
		    8 * 4096), 0);
		assert_memory_equal(sim_blk_data(b) + i * 64 * 512, buf,
		    8 * 4096);
	}
	assert_int_equal(bk->bk_nlasting, 40 * 8);
	assert_int_equal(sim_blk_nkept(b), 39 * 8);
	loop_pages_free(buf, 8);
}

static void
blk_not_persistent(struct loop *l, unsigned int flags)
{
	struct sim_blk *b = loop_blk(l, flags);
	uint8_t *buf = loop_pages(8);

	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf,
	    8 * 4096), 0);
	assert_int_equal(l->l_blk[0]->bk_nlasting, 0);
	assert_int_equal(sim_blk_nkept(b), 0);
	loop_pages_free(buf, 8);
}

LOOP_TEST(blk_persistent_refused)
{
	blk_not_persistent(l, SIM_BLK_NOLAST);
}

LOOP_TEST(blk_persistent_unwanted)
{
	loop_set(l, sim_rand(2) ? "blkfront.persistent_pages" :
	    "blkfront.51712.persistent_pages", "0");
	blk_not_persistent(l, 0);
}

/* Requests of so many CPUs, then what each queue has served. */
static void
blk_spread(struct loop *l, struct sim_blk *b, unsigned int ncpu)
{
	struct pv_blk *bk = l->l_blk[0];
	struct loop_req lr[4];
	uint8_t *buf = loop_pages(4);
	unsigned int i, round;

	for (round = 0; round < 10; round++) {
		loop_fill(buf, 4 * 4096, round);
		for (i = 0; i < ncpu; i++) {
			loop_prepare(&lr[i], PV_BLK_WRITE, i * 8,
			    buf + i * 4096, 4096);
			lr[i].lr_br.br_cpu = i;
			assert_int_equal(pv_blk_submit(bk, &lr[i].lr_br), 0);
		}
		for (i = 0; i < ncpu; i++)
			assert_int_equal(loop_wait(l, &lr[i]), 0);
		assert_memory_equal(buf, sim_blk_data(b), ncpu * 4096);
	}
	loop_pages_free(buf, 4);
}

LOOP_TEST(blk_queues)
{
	struct sim_blk *b = loop_blk(l, 0);
	struct pv_blk *bk = l->l_blk[0];

	assert_int_equal(bk->bk_nqueue, 2);
	blk_spread(l, b, 4);
	assert_int_equal(bk->bk_qdone[0], 20);
	assert_int_equal(bk->bk_qdone[1], 20);
	assert_int_equal(sim_blk_queue_nreq(b, 0), 20);
	assert_int_equal(sim_blk_queue_nreq(b, 1), 20);
}

/* The peer offers none, or the operator wants one only. */
LOOP_TEST(blk_queues_refused)
{
	bool plain = sim_rand(2);
	struct sim_blk *b;

	if (!plain)
		loop_set(l, "blkfront.max_queues", "1");
	b = loop_blk(l, plain ? SIM_BLK_PLAIN : 0);
	assert_int_equal(l->l_blk[0]->bk_nqueue, 1);
	blk_spread(l, b, 4);
	assert_int_equal(l->l_blk[0]->bk_qdone[0], 40);
}

/*
 * The next back end has fewer queues, then more: what was on its way in a
 * queue that is no more is done all the same.
 */
static void
blk_queues_change(struct loop *l, bool held, unsigned int flags)
{
	struct sim_blk *b = loop_blk(l, flags);
	static const unsigned int nq[] = { 1, 4, 2, 0, 3, 1 };
	static struct loop_req lr[64];
	uint8_t *buf = loop_pages(64);
	unsigned int round, i;

	for (round = 0; round < PV_NELEM(nq); round++) {
		assert_true(loop_wait_state(l, "vbd/51712", "connected"));
		loop_fill(buf, 64 * 4096, round);
		for (i = 0; i < 64; i++) {
			loop_prepare(&lr[i], PV_BLK_WRITE, i * 8,
			    buf + i * 4096, 4096);
			lr[i].lr_br.br_cpu = i;
			assert_int_equal(pv_blk_submit(l->l_blk[0],
			    &lr[i].lr_br), 0);
		}
		if (held)
			sim_evil(l->l_sim, SIM_EVIL_GRANT_HELD, 0);
		sim_run(l->l_sim, round * SIM_MS / 20);
		sim_blk_die(b);
		sim_run(l->l_sim, 20 * SIM_MS);
		sim_honest(l->l_sim, SIM_EVIL_GRANT_HELD);
		sim_blk_queues(b, nq[round]);
		sim_blk_revive(b, sim_blk_home(b));
		for (i = 0; i < 64; i++)
			assert_int_equal(loop_wait(l, &lr[i]), 0);
		assert_memory_equal(buf, sim_blk_data(b), 64 * 4096);
		assert_true(loop_wait_state(l, "vbd/51712", "connected"));
		assert_int_equal(l->l_blk[0]->bk_nqueue,
		    nq[round] == 0 ? 1 : nq[round]);
	}
	assert_int_equal(l->l_nblkup, 1);
	loop_pages_free(buf, 64);
}

LOOP_TEST(blk_queues_come_and_go)
{
	blk_queues_change(l, false, 0);
}

LOOP_TEST(blk_queues_come_and_go_held)
{
	blk_queues_change(l, true, SIM_BLK_NOLAST);
}

/* The device goes while requests of a queue that was left are waiting. */
LOOP_TEST(blk_queues_left_and_gone)
{
	struct sim_blk *b = loop_blk(l, 0);
	static struct loop_req lr[100];
	uint8_t *buf = loop_pages(1);
	unsigned int i, n = 0;

	sim_blk_hold(b, true);
	for (i = 0; i < 100; i++) {
		loop_prepare(&lr[n], PV_BLK_READ, i, buf, 512);
		lr[n].lr_br.br_cpu = i;
		n += pv_blk_submit(l->l_blk[0], &lr[n].lr_br) == 0;
	}
	assert_true(n > 64);
	sim_blk_die(b);
	sim_run(l->l_sim, SIM_S);
	sim_blk_queues(b, 0);
	sim_blk_revive(b, sim_blk_home(b));
	assert_true(loop_wait_state(l, "vbd/51712", "connected"));
	sim_blk_vanish(b);
	for (i = 0; i < n; i++)
		assert_int_equal(loop_wait(l, &lr[i]), -PV_ENXIO);
	loop_pages_free(buf, 1);
}

/* Blocks of 4 KiB; sectors on the wire are of 512 bytes all the same. */
LOOP_TEST(blk_4k)
{
	struct sim_blk *b = loop_blk(l, SIM_BLK_4K);
	struct pv_blk *bk = l->l_blk[0];
	uint8_t *buf = loop_pages(3);

	assert_int_equal(bk->bk_bsize, 4096);
	assert_int_equal(bk->bk_nsect, 2048);
	loop_fill(buf, 3 * 4096, 5);
	assert_int_equal(loop_io(l, bk, PV_BLK_WRITE, 2040, buf + 1024, 4096),
	    0);
	assert_memory_equal(sim_blk_data(b) + 2040 * 512, buf + 1024, 4096);
	assert_int_equal(loop_io(l, bk, PV_BLK_WRITE, 1, buf, 4096),
	    -PV_EINVAL);
	assert_int_equal(loop_io(l, bk, PV_BLK_WRITE, 8, buf, 512),
	    -PV_EINVAL);
	loop_pages_free(buf, 3);
}

LOOP_TEST(blk_cdrom)
{
	(void)loop_blk(l, SIM_BLK_CDROM | SIM_BLK_RO);
	assert_true(l->l_blk[0]->bk_flags & PV_BLK_CDROM);
	assert_true(l->l_blk[0]->bk_flags & PV_BLK_RO);
}

/* Refused at run time: not asked for again, and all else goes on. */
LOOP_TEST(blk_discard_refused)
{
	struct sim_blk *b = loop_blk(l, SIM_BLK_DISCARD);
	struct pv_blk *bk = l->l_blk[0];
	uint8_t *buf = loop_pages(1);

	sim_blk_error(b, 1, BLKIF_RSP_EOPNOTSUPP);
	assert_int_equal(loop_io(l, bk, PV_BLK_DISCARD, 8, NULL, 16 * 512),
	    -PV_EOPNOTSUPP);
	assert_false(bk->bk_flags & PV_BLK_CANDISCARD);
	assert_int_equal(loop_io(l, bk, PV_BLK_DISCARD, 8, NULL, 16 * 512),
	    -PV_EOPNOTSUPP);
	assert_int_equal(sim_blk_nreq(b), 1);
	assert_int_equal(loop_io(l, bk, PV_BLK_READ, 8, buf, 512), 0);
	assert_true(bk->bk_flags & PV_BLK_CANFLUSH);
	loop_pages_free(buf, 1);
}

/* A disk that shrinks: what lies behind its end now is refused. */
LOOP_TEST(blk_shrinks)
{
	struct sim_blk *b = loop_blk(l, 0);
	uint8_t *buf = loop_pages(1);

	sim_blk_resize(b, 1024);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_blk[0]->bk_nsect, 1024);
	assert_int_equal(l->l_nresized, 1);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 1024, buf, 512),
	    -PV_EINVAL);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 1023, buf, 512),
	    0);
	loop_pages_free(buf, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blk_persistent),
		cmocka_unit_test(blk_persistent_refused),
		cmocka_unit_test(blk_persistent_unwanted),
		cmocka_unit_test(blk_queues),
		cmocka_unit_test(blk_queues_refused),
		cmocka_unit_test(blk_queues_come_and_go),
		cmocka_unit_test(blk_queues_come_and_go_held),
		cmocka_unit_test(blk_queues_left_and_gone),
		cmocka_unit_test(blk_4k),
		cmocka_unit_test(blk_cdrom),
		cmocka_unit_test(blk_discard_refused),
		cmocka_unit_test(blk_shrinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
