/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_two.c -- two guests in one process: everything hangs on struct xen.
 */

#include "loop.h"

static void
two_io(struct loop *l, struct sim_blk *b, unsigned int seed)
{
	uint8_t *buf = loop_pages(4);

	sim_enter(l->l_dom);
	loop_fill(buf, 4 * 4096, seed);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, seed, buf,
	    4 * 4096), 0);
	assert_memory_equal(sim_blk_data(b) + seed * 512, buf, 4 * 4096);
	loop_pages_free(buf, 4);
}

LOOP_TEST(two_guests)
{
	static struct loop m;
	struct sim_blk *bl, *bm;
	unsigned int i;

	loop_second(&m, l);
	assert_int_equal(loop_attach(&m), 0);
	bl = loop_blk(l, 0);
	bm = loop_blk(&m, SIM_BLK_UNTRUSTED);
	(void)loop_net(&m, SIM_NET_ECHO);
	for (i = 0; i < 20; i++) {
		two_io(l, bl, i);
		two_io(&m, bm, i + 100);
	}
	assert_int_equal(l->l_nnet, 0);
	/* The one goes, the other does not notice. */
	sim_blk_unplug(bl);
	assert_true(loop_blks(l, 0));
	two_io(&m, bm, 500);
	loop_detach(&m);
	assert_int_equal(m.l_nblk, 0);
	assert_int_equal(m.l_nerr, 0);
	sim_enter(l->l_dom);
	bl = loop_blk(l, 0);
	two_io(l, bl, 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_guests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
