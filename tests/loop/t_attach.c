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

/* Who looks after the domain does so while it detaches, too. */
struct keeper {
	struct loop	*kp_loop;
	struct pv_os_work kp_work;
	unsigned int	 kp_ntaken, kp_nrefused;
};

static void
keep(void *arg)
{
	struct keeper *kp = arg;

	if (xen_watchdog_set(&kp->kp_loop->l_xen, 5) == 0)
		kp->kp_ntaken++;
	else
		kp->kp_nrefused++;
	pv_os_defer(&kp->kp_work, 1000);
}

LOOP_TEST(attach_watched)
{
	struct keeper kp = { .kp_loop = l };

	(void)loop_blk(l, 0);
	pv_work_init(&kp.kp_work, keep, &kp, PV_WORK_GROUP(77));
	keep(&kp);
	sim_run(l->l_sim, SIM_MS);
	assert_int_equal(sim_dom_nwatchdog(l->l_dom), 1);
	loop_detach(l);
	pv_os_cancel(&kp.kp_work);
	assert_true(kp.kp_ntaken > 0 && kp.kp_nrefused > 0);
	assert_int_equal(sim_dom_nwatchdog(l->l_dom), 0);
	assert_int_equal(xen_watchdog_set(&l->l_xen, 5), -PV_ENODEV);
	assert_int_equal(loop_attach(l), 0);
	assert_int_equal(xen_watchdog_set(&l->l_xen, 5), 0);
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
		cmocka_unit_test(attach_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
