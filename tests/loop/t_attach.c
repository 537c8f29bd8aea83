/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_attach.c -- attach to the hypervisor and detach, with nothing left.
 */

#include "loop.h"

static bool
attach_has_console(struct loop *l)
{
	return l->l_cons != NULL;
}

LOOP_TEST(attach_once)
{
	assert_true(loop_until(l, attach_has_console));
	assert_int_equal(l->l_xen.x_version, 4 << 16 | 17);
}

/* Detach in the middle of everything. */
LOOP_TEST(attach_and_away)
{
}

LOOP_TEST(attach_again)
{
	unsigned int i;

	for (i = 0; i < 5; i++) {
		sim_run(l->l_sim, i * 300000);
		loop_detach(l);
		assert_int_equal(sim_nalloc(l->l_sim), 0);
		assert_int_equal(sim_npage(l->l_sim), 0);
		assert_int_equal(sim_dom_ngrant(l->l_dom), 0);
		assert_int_equal(loop_attach(l), 0);
	}
	assert_true(loop_until(l, attach_has_console));
}

/* Not under Xen. */
static void
attach_nowhere(void **state)
{
	static struct loop l;

	loop_open(&l, 1, 0);
	l.l_xen.x_seam = NULL;
	assert_int_equal(loop_attach(&l), -PV_ENODEV);
	loop_close(&l);
}

/* Devices that are there already at attach come up. */
LOOP_TEST(attach_finds_devices)
{
	struct sim_blk_cfg cfg = { .bc_nsect = 64 };
	struct sim_net_cfg net = { .nc_devid = 0 };
	unsigned int i;

	loop_detach(l);
	for (i = 0; i < 3; i++) {
		cfg.bc_vdev = 51712 + 16 * i;
		(void)sim_blk_create(l->l_dom, &cfg);
	}
	(void)sim_net_create(l->l_dom, &net);
	assert_int_equal(loop_attach(l), 0);
	assert_true(loop_blks(l, 3));
	assert_true(loop_nets(l, 1));
	assert_true(loop_wait_state(l, "vbd/51728", "connected"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attach_once),
		cmocka_unit_test(attach_and_away),
		cmocka_unit_test(attach_again),
		cmocka_unit_test(attach_nowhere),
		cmocka_unit_test(attach_finds_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
