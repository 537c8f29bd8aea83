/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_blkfront.c -- disks behind a well-behaved back end.
 */

#include "loop.h"

#include <xen/io/blkif.h>

static const struct sim_blk_cfg blk_small = {
	.bc_vdev = 51728, .bc_nsect = 8
};

LOOP_TEST(blk_describes)
{
	struct sim_blk *b = loop_blk(l, SIM_BLK_DISCARD);
	struct pv_blk *bk = l->l_blk[0];

	assert_string_equal(bk->bk_name, "xvda");
	assert_int_equal(bk->bk_nsect, 2048);
	assert_int_equal(bk->bk_bsize, 512);
	assert_true(bk->bk_maxio >= 64 * 1024);
	assert_int_equal(bk->bk_flags, PV_BLK_CANFLUSH | PV_BLK_CANDISCARD);
	assert_int_equal(sim_blk_state(b), 4);
	assert_true(loop_wait_state(l, "vbd/51712", "connected"));
}

/* What is written is on the disk; what is on the disk is read. */
LOOP_TEST(blk_data)
{
	struct sim_blk *b = loop_blk(l, 0);
	uint8_t *buf = loop_pages(2);
	unsigned int i;

	loop_fill(sim_blk_data(b), 2048 * 512, 7);
	for (i = 0; i < 16; i++) {
		loop_fill(buf, 8192, i);
		assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, i * 20,
		    buf + 512 * (i % 8), 512 * (1 + i % 8)), 0);
		assert_memory_equal(sim_blk_data(b) + i * 20 * 512,
		    buf + 512 * (i % 8), 512 * (1 + i % 8));
		assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ,
		    1000 + i, buf, 4096), 0);
		assert_memory_equal(sim_blk_data(b) + (1000 + i) * 512, buf,
		    4096);
	}
	assert_int_equal(l->l_blk[0]->bk_nread, 16);
	assert_int_equal(l->l_blk[0]->bk_nwrite, 16);
	assert_int_equal(l->l_blk[0]->bk_rsect, 16 * 8);
	loop_pages_free(buf, 2);
}

/* Larger than a ring entry, larger than the ring: cut and put together. */
LOOP_TEST(blk_large)
{
	struct sim_blk *b = loop_blk(l, 0);
	struct pv_blk *bk = l->l_blk[0];
	size_t len = bk->bk_maxio < 200 * 4096 ? bk->bk_maxio : 200 * 4096;
	uint8_t *buf = loop_pages(201);

	loop_fill(buf, 201 * 4096, 3);
	assert_int_equal(loop_io(l, bk, PV_BLK_WRITE, 1, buf + 1024, len), 0);
	assert_memory_equal(sim_blk_data(b) + 512, buf + 1024, len);
	memset(buf, 0, 201 * 4096);
	assert_int_equal(loop_io(l, bk, PV_BLK_READ, 1, buf + 512, len), 0);
	assert_memory_equal(sim_blk_data(b) + 512, buf + 512, len);
	assert_int_equal(buf[511], 0);
	assert_int_equal(buf[512 + len], 0);
	loop_pages_free(buf, 201);
}

/* Pieces of a request that lie apart. */
LOOP_TEST(blk_pieces)
{
	struct sim_blk *b = loop_blk(l, 0);
	uint8_t *buf = loop_pages(4);
	struct loop_req lr;

	loop_fill(sim_blk_data(b), 2048 * 512, 9);
	(void)loop_submit(l->l_blk[0], &lr, PV_BLK_READ, 5, buf, 512);
	assert_int_equal(loop_wait(l, &lr), 0);
	lr.lr_iov[0] = (struct pv_iov){ buf + 8192, 1024 };
	lr.lr_iov[1] = (struct pv_iov){ buf + 512, 512 };
	lr.lr_iov[2] = (struct pv_iov){ buf + 3584, 4608 };
	lr.lr_br.br_niov = 3;
	lr.lr_br.br_nsect = 12;
	lr.lr_ndone = 0;
	assert_int_equal(pv_blk_submit(l->l_blk[0], &lr.lr_br), 0);
	assert_int_equal(loop_wait(l, &lr), 0);
	assert_memory_equal(buf + 8192, sim_blk_data(b) + 5 * 512, 1024);
	assert_memory_equal(buf + 512, sim_blk_data(b) + 7 * 512, 512);
	assert_memory_equal(buf + 3584, sim_blk_data(b) + 8 * 512, 4608);
	loop_pages_free(buf, 4);
}

/* More requests than the ring has entries, answered in any order. */
LOOP_TEST(blk_many)
{
	struct sim_blk *b = loop_blk(l, 0);
	static struct loop_req lr[100];
	uint8_t *buf = loop_pages(100);
	unsigned int i, full = 0;
	int rv;

	loop_fill(sim_blk_data(b), 2048 * 512, 11);
	for (i = 0; i < 100; i++) {
		do {
			rv = loop_submit(l->l_blk[0], &lr[i], PV_BLK_READ,
			    i * 8, buf + 4096 * i, 4096);
			if (rv == -PV_EAGAIN) {
				assert_true(++full < 10000);
				sim_run(l->l_sim, 50 * 1000);
			}
		} while (rv == -PV_EAGAIN);
		assert_int_equal(rv, 0);
	}
	assert_true(full > 0);
	for (i = 0; i < 100; i++)
		assert_int_equal(loop_wait(l, &lr[i]), 0);
	assert_memory_equal(buf, sim_blk_data(b), 100 * 4096);
	loop_pages_free(buf, 100);
}

LOOP_TEST(blk_refuses_nonsense)
{
	struct sim_blk *b = loop_blk(l, 0);
	struct pv_blk *bk = l->l_blk[0];
	uint8_t *buf = loop_pages(1);
	unsigned int before = sim_blk_nreq(b);

	assert_int_equal(loop_io(l, bk, PV_BLK_READ, 2048, buf, 512),
	    -PV_EINVAL);
	assert_int_equal(loop_io(l, bk, PV_BLK_READ, 2041, buf, 4096),
	    -PV_EINVAL);
	assert_int_equal(loop_io(l, bk, PV_BLK_READ, UINT64_MAX, buf, 512),
	    -PV_EINVAL);
	assert_int_equal(loop_io(l, bk, PV_BLK_READ, 0, buf, 100),
	    -PV_EINVAL);
	assert_int_equal(loop_io(l, bk, PV_BLK_READ, 0, buf + 1, 512),
	    -PV_EINVAL);
	assert_int_equal(loop_io(l, bk, PV_BLK_DISCARD, 0, NULL, 512),
	    -PV_EOPNOTSUPP);
	assert_int_equal(sim_blk_nreq(b), before);
	assert_int_equal(loop_io(l, bk, PV_BLK_READ, 2040, buf, 4096), 0);
	loop_pages_free(buf, 1);
}

LOOP_TEST(blk_read_only)
{
	struct sim_blk *b = loop_blk(l, SIM_BLK_RO);
	uint8_t *buf = loop_pages(1);

	assert_true(l->l_blk[0]->bk_flags & PV_BLK_RO);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, 0, buf, 512),
	    -PV_EROFS);
	assert_int_equal(sim_blk_nreq(b), 0);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf, 512),
	    0);
	loop_pages_free(buf, 1);
}

LOOP_TEST(blk_flush)
{
	struct sim_blk *b = loop_blk(l, 0);

	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_FLUSH, 0, NULL, 0), 0);
	assert_int_equal(sim_blk_nflush(b), 1);
}

LOOP_TEST(blk_flush_not_offered)
{
	struct sim_blk *b = loop_blk(l, SIM_BLK_NOFLUSH);

	assert_false(l->l_blk[0]->bk_flags & PV_BLK_CANFLUSH);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_FLUSH, 0, NULL, 0),
	    -PV_EOPNOTSUPP);
	assert_int_equal(sim_blk_nreq(b), 0);
}

/* Offered and refused: a barrier takes its place; then nothing does. */
LOOP_TEST(blk_flush_refused)
{
	struct sim_blk *b = loop_blk(l, 0);
	struct pv_blk *bk = l->l_blk[0];

	sim_blk_error(b, 1, BLKIF_RSP_EOPNOTSUPP);
	assert_int_equal(loop_io(l, bk, PV_BLK_FLUSH, 0, NULL, 0), 0);
	assert_int_equal(sim_blk_nflush(b), 2);
	sim_blk_error(b, 1, BLKIF_RSP_EOPNOTSUPP);
	assert_int_equal(loop_io(l, bk, PV_BLK_FLUSH, 0, NULL, 0),
	    -PV_EOPNOTSUPP);
	assert_false(bk->bk_flags & PV_BLK_CANFLUSH);
	assert_true(loop_wait_state(l, "vbd/51712", "connected"));
}

LOOP_TEST(blk_discard)
{
	struct sim_blk *b = loop_blk(l, SIM_BLK_DISCARD);
	struct loop_req lr;

	assert_int_equal(loop_submit(l->l_blk[0], &lr, PV_BLK_DISCARD, 8,
	    NULL, 16 * 512), 0);
	assert_int_equal(loop_wait(l, &lr), 0);
	assert_int_equal(sim_blk_nreq(b), 1);
}

LOOP_TEST(blk_io_error)
{
	struct sim_blk *b = loop_blk(l, 0);
	uint8_t *buf = loop_pages(1);

	sim_blk_error(b, 1, BLKIF_RSP_ERROR);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf, 512),
	    -PV_EIO);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf, 512),
	    0);
	assert_int_equal(l->l_blk[0]->bk_nerror, 1);
	loop_pages_free(buf, 1);
}

/* Show the back end pages of their own: data still arrives. */
LOOP_TEST(blk_untrusted)
{
	struct sim_blk *b = loop_blk(l, SIM_BLK_UNTRUSTED);
	uint8_t *buf = loop_pages(20);
	unsigned int i;

	/* Often enough for each of our pages to be shown again. */
	for (i = 0; i < 40; i++) {
		loop_fill(buf, 20 * 4096, i);
		assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, i,
		    buf + 512, 19 * 4096 - 512), 0);
		assert_memory_equal(sim_blk_data(b) + i * 512, buf + 512,
		    19 * 4096 - 512);
		memset(buf, 0, 20 * 4096);
		assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, i, buf,
		    19 * 4096), 0);
		assert_memory_equal(sim_blk_data(b) + i * 512, buf, 19 *
		    4096);
	}
	loop_pages_free(buf, 20);
}

/* ---- coming and going -------------------------------------------------- */

static bool
blk_gone(struct loop *l)
{
	return loop_gone(l, "vbd/51712");
}

LOOP_TEST(blk_unplug)
{
	struct sim_blk *b = loop_blk(l, 0);

	sim_blk_unplug(b);
	assert_true(loop_blks(l, 0));
	assert_true(loop_until(l, blk_gone));
	assert_true(loop_wait_state(l, "vbd/51712", ""));
	assert_int_equal(sim_dom_ngrant(l->l_dom), 0);
}

/* Requests are under way when the toolstack takes the disk. */
static void
blk_in_flight(struct loop *l, void (*away)(struct sim_blk *), unsigned int up)
{
	struct sim_blk *b = loop_blk(l, 0);
	uint8_t *buf = loop_pages(20);
	struct loop_req lr[20];
	unsigned int i;
	int rv;

	sim_blk_hold(b, true);
	for (i = 0; i < 20; i++)
		assert_int_equal(loop_submit(l->l_blk[0], &lr[i], i % 2 ?
		    PV_BLK_READ : PV_BLK_WRITE, i * 8, buf + i * 4096, 4096),
		    0);
	sim_run(l->l_sim, 100 * SIM_MS);
	away(b);
	for (i = 0; i < 20; i++) {
		rv = loop_wait(l, &lr[i]);
		assert_true(rv == -PV_ENXIO || rv == 0);
	}
	sim_blk_hold(b, false);
	assert_true(loop_blks(l, up));
	loop_pages_free(buf, 20);
}

LOOP_TEST(blk_unplug_in_flight)
{
	blk_in_flight(l, sim_blk_unplug, 0);
}

LOOP_TEST(blk_vanish_in_flight)
{
	blk_in_flight(l, sim_blk_vanish, 0);
}

LOOP_TEST(blk_restart_in_flight)
{
	blk_in_flight(l, sim_blk_restart, 1);
}

/*
 * The domain of the back end ends under load, with answers on their way, and
 * comes back: nobody notices, but that it took a while.
 */
static void
blk_comes_back(struct loop *l, unsigned int flags, bool held,
    unsigned int step)
{
	struct sim_blk *b = loop_blk(l, flags);
	uint8_t *out = loop_pages(60), *in = loop_pages(60);
	struct loop_req lr[20];
	unsigned int round, i;

	for (round = 0; round < 5; round++) {
		loop_fill(out, 60 * 4096, round);
		assert_true(loop_wait_state(l, "vbd/51712", "connected"));
		for (i = 0; i < 20; i++)
			assert_int_equal(loop_submit(l->l_blk[0], &lr[i],
			    PV_BLK_WRITE, i * 24, out + i * 12288, 12288), 0);
		if (held)
			sim_evil(l->l_sim, SIM_EVIL_GRANT_HELD, 0);
		sim_run(l->l_sim, round * SIM_MS / 20);
		sim_blk_die(b);
		sim_run(l->l_sim, 20 * SIM_MS);
		sim_honest(l->l_sim, SIM_EVIL_GRANT_HELD);
		sim_blk_revive(b, (uint16_t)(sim_blk_home(b) + step));
		for (i = 0; i < 20; i++)
			assert_int_equal(loop_wait(l, &lr[i]), 0);
		assert_memory_equal(out, sim_blk_data(b), 60 * 4096);
		assert_true(loop_wait_state(l, "vbd/51712", "connected"));
		for (i = 0; i < 20; i++)
			assert_int_equal(loop_submit(l->l_blk[0], &lr[i],
			    PV_BLK_READ, i * 24, in + i * 12288, 12288), 0);
		sim_run(l->l_sim, round * SIM_MS / 20);
		sim_blk_die(b);
		sim_run(l->l_sim, 20 * SIM_MS);
		sim_blk_revive(b, (uint16_t)(sim_blk_home(b) + step));
		for (i = 0; i < 20; i++)
			assert_int_equal(loop_wait(l, &lr[i]), 0);
		assert_memory_equal(out, in, 60 * 4096);
	}
	assert_int_equal(l->l_nblkup, 1);
	/* What was kept is let go of before we leave. */
	if (held)
		sim_run(l->l_sim, 5 * SIM_S);
	loop_pages_free(out, 60);
	loop_pages_free(in, 60);
}

LOOP_TEST(blk_back_again)
{
	blk_comes_back(l, 0, false, 0);
}

LOOP_TEST(blk_back_again_plain)
{
	blk_comes_back(l, SIM_BLK_PLAIN, false, 0);
}

LOOP_TEST(blk_back_again_held)
{
	blk_comes_back(l, 0, true, 0);
}

/* Each time in another domain. */
LOOP_TEST(blk_back_elsewhere)
{
	blk_comes_back(l, 0, false, 1);
}

/* While it is away requests are taken; the new disk is smaller. */
LOOP_TEST(blk_back_smaller)
{
	struct sim_blk *b = loop_blk(l, 0);
	uint8_t *buf = loop_pages(2);
	struct loop_req near, far;

	sim_blk_die(b);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(loop_submit(l->l_blk[0], &far, PV_BLK_WRITE, 2000,
	    buf, 4096), 0);
	assert_int_equal(loop_submit(l->l_blk[0], &near, PV_BLK_WRITE, 0,
	    buf + 4096, 4096), -PV_EAGAIN);
	sim_blk_resize(b, 1024);
	sim_blk_revive(b, sim_blk_home(b));
	assert_int_equal(loop_wait(l, &far), -PV_EIO);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, 0, buf, 4096),
	    0);
	assert_int_equal(l->l_blk[0]->bk_nsect, 1024);
	assert_int_equal(l->l_nblkup, 1);
	loop_pages_free(buf, 2);
}

/* It never comes back; in the end the toolstack takes the device. */
LOOP_TEST(blk_never_back)
{
	struct sim_blk *b = loop_blk(l, 0);
	uint8_t *buf = loop_pages(1);
	struct loop_req lr;

	sim_blk_hold(b, true);
	assert_int_equal(loop_submit(l->l_blk[0], &lr, PV_BLK_READ, 0, buf,
	    4096), 0);
	sim_run(l->l_sim, SIM_S);
	sim_blk_die(b);
	sim_run(l->l_sim, 100 * SIM_S);
	assert_int_equal(lr.lr_ndone, 0);
	assert_int_equal(l->l_nblk, 1);
	sim_blk_vanish(b);
	assert_int_equal(loop_wait(l, &lr), -PV_ENXIO);
	assert_true(loop_blks(l, 0));
	loop_pages_free(buf, 1);
}

/* 1 MiB in one request of the ring, or in many. */
static void
blk_indirect_data(struct loop *l, unsigned int flags)
{
	struct sim_blk *b = loop_blk(l, flags);
	uint8_t *buf = loop_pages(256);

	loop_fill(buf, 1 << 20, 7);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, 0, buf, 1 << 20),
	    0);
	assert_memory_equal(buf, sim_blk_data(b), 1 << 20);
	memset(buf, 0, 1 << 20);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf, 1 << 20),
	    0);
	assert_memory_equal(buf, sim_blk_data(b), 1 << 20);
	assert_int_equal(sim_blk_nindirect(b), flags == SIM_BLK_PLAIN ? 0 :
	    2);
	assert_int_equal(l->l_blk[0]->bk_nindirect, sim_blk_nindirect(b));
	loop_pages_free(buf, 256);
}

LOOP_TEST(blk_indirect)
{
	blk_indirect_data(l, SIM_BLK_NOLAST);
}

LOOP_TEST(blk_not_indirect)
{
	blk_indirect_data(l, SIM_BLK_PLAIN);
}

static bool
blk_up_twice(struct loop *l)
{
	return l->l_nblkup == 2 && l->l_nblk == 1;
}

/* The back end goes away and comes back: a driver domain was restarted. */
LOOP_TEST(blk_restart)
{
	struct sim_blk *b = loop_blk(l, 0);
	uint8_t *buf = loop_pages(1);

	loop_fill(buf, 4096, 1);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, 0, buf, 4096),
	    0);
	sim_blk_restart(b);
	assert_true(loop_until(l, blk_up_twice));
	memset(buf, 0, 4096);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf, 4096),
	    0);
	assert_memory_equal(buf, sim_blk_data(b), 4096);
	loop_pages_free(buf, 1);
}

static bool
blk_resized(struct loop *l)
{
	return l->l_nresized > 0;
}

LOOP_TEST(blk_resize)
{
	struct sim_blk *b = loop_blk(l, 0);
	uint8_t *buf = loop_pages(1);

	sim_blk_resize(b, 4096);
	assert_true(loop_until(l, blk_resized));
	assert_int_equal(l->l_blk[0]->bk_nsect, 4096);
	assert_int_equal(l->l_nblkup, 1);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 4000, buf,
	    4096), 0);
	loop_pages_free(buf, 1);
}

/* A disk that is held open stays until it is let go of. */
LOOP_TEST(blk_unplug_in_use)
{
	struct sim_blk *b = loop_blk(l, 0);
	uint8_t *buf = loop_pages(1);

	pv_blk_open(l->l_blk[0]);
	sim_blk_unplug(b);
	sim_run(l->l_sim, 20 * SIM_S);
	assert_int_equal(l->l_nblk, 1);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf, 512),
	    0);
	pv_blk_close(l->l_blk[0]);
	assert_true(loop_blks(l, 0));
	assert_true(loop_until(l, blk_gone));
	loop_pages_free(buf, 1);
}

/* Twenty rounds leave everything as it was. */
LOOP_TEST(blk_plug_rounds)
{
	unsigned int nalloc, npage, nport, nwatch, i;
	struct sim_blk *b;
	uint8_t *buf = loop_pages(1);

	sim_run(l->l_sim, SIM_S);
	nalloc = npage = nport = nwatch = 0;
	for (i = 0; i < 21; i++) {
		/* The grant table has grown in the first round. */
		if (i == 1) {
			nalloc = sim_nalloc(l->l_sim);
			npage = sim_npage(l->l_sim);
			nport = sim_dom_nport(l->l_dom);
			nwatch = sim_dom_nwatch(l->l_dom);
		}
		b = sim_blk_create(l->l_dom, &blk_small);
		assert_true(loop_blks(l, 1));
		assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf,
		    4096), 0);
		if (i % 3 == 2)
			sim_blk_vanish(b);
		else
			sim_blk_unplug(b);
		assert_true(loop_blks(l, 0));
		assert_true(loop_wait_state(l, "vbd/51728", ""));
		sim_run(l->l_sim, 5 * SIM_S);
	}
	assert_int_equal(sim_npage(l->l_sim), npage);
	assert_int_equal(sim_nalloc(l->l_sim), nalloc);
	assert_int_equal(sim_dom_nport(l->l_dom), nport);
	assert_int_equal(sim_dom_nwatch(l->l_dom), nwatch);
	assert_int_equal(sim_dom_ngrant(l->l_dom), 0);
	loop_pages_free(buf, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blk_describes),
		cmocka_unit_test(blk_data),
		cmocka_unit_test(blk_large),
		cmocka_unit_test(blk_pieces),
		cmocka_unit_test(blk_many),
		cmocka_unit_test(blk_refuses_nonsense),
		cmocka_unit_test(blk_read_only),
		cmocka_unit_test(blk_flush),
		cmocka_unit_test(blk_flush_not_offered),
		cmocka_unit_test(blk_flush_refused),
		cmocka_unit_test(blk_discard),
		cmocka_unit_test(blk_io_error),
		cmocka_unit_test(blk_untrusted),
		cmocka_unit_test(blk_unplug),
		cmocka_unit_test(blk_unplug_in_flight),
		cmocka_unit_test(blk_vanish_in_flight),
		cmocka_unit_test(blk_restart_in_flight),
		cmocka_unit_test(blk_back_again),
		cmocka_unit_test(blk_back_again_plain),
		cmocka_unit_test(blk_back_again_held),
		cmocka_unit_test(blk_back_elsewhere),
		cmocka_unit_test(blk_back_smaller),
		cmocka_unit_test(blk_never_back),
		cmocka_unit_test(blk_indirect),
		cmocka_unit_test(blk_not_indirect),
		cmocka_unit_test(blk_restart),
		cmocka_unit_test(blk_resize),
		cmocka_unit_test(blk_unplug_in_use),
		cmocka_unit_test(blk_plug_rounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
