/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_fail_blkback.c -- each thing that can fail does so once, while one guest
 * serves a disk to another; see t_fail.c.
 */

#include "loop/back.h"

static struct back b;

static void
fail_scene(struct loop *l)
{
	uint8_t *buf = pv_os_pages_alloc(1);
	struct loop_req lr[2];
	unsigned int i;
	int rv[2];

	back_plain = true;
	if (buf == NULL)
		buf = pv_os_pages_alloc(1);
	back_open(&b, l, 64);
	back_plug(&b, 0, "w");
	sim_run(l->l_sim, 5 * SIM_S);
	for (i = 0; i < 2 && l->l_nblk > 0; i++) {
		rv[i] = loop_submit(l->l_blk[0], &lr[i], i == 0 ?
		    PV_BLK_WRITE : PV_BLK_READ, i, buf + i * 512, 512);
		if (rv[i] == 0)
			assert_int_not_equal(loop_wait(l, &lr[i]),
			    LOOP_NEVER);
	}
	back_unplug(&b, 0);
	sim_run(l->l_sim, 5 * SIM_S);
	if (!sim_failed(l->l_sim))
		assert_null(back_key(&b, 0, "state"));
	back_close(&b);
	assert_int_equal(sim_dom_nmapped(l->l_dom), 0);
	assert_int_equal(b.bk_store[0].st_nopen, b.bk_store[0].st_nclose);
	loop_pages_free(buf, 1);
}

static void
fail_blkback(void **state)
{
	loop_points("blkback", SIM_CALM, true, fail_scene);
}

static void
fail_blkback_pv(void **state)
{
	loop_points("blkback, PV", SIM_PV | SIM_CALM, true, fail_scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fail_blkback),
		cmocka_unit_test(fail_blkback_pv),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
