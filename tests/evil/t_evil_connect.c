/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_evil_connect.c -- disks and interfaces that connect while the store lies.
 *
 * Whatever it says, nothing hangs and nothing is leaked; and when it speaks
 * the truth again a device that is plugged then works.  A store that broke
 * the protocol is not believed again: then the devices only go away.
 */

#include "loop/loop.h"

static void
evil_plug(struct loop *l, struct sim_blk **b, struct sim_net **n)
{
	struct sim_blk_cfg blk = { .bc_vdev = 51712, .bc_nsect = 2048 };
	struct sim_net_cfg net = { .nc_flags = SIM_NET_ECHO };

	*b = sim_blk_create(l->l_dom, &blk);
	*n = sim_net_create(l->l_dom, &net);
}

static void
evil_works(struct loop *l)
{
	uint8_t *buf = loop_pages(1);
	struct loop_pkt lp;

	assert_true(loop_blks(l, 1));
	assert_true(loop_nets(l, 1));
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf, 4096),
	    0);
	assert_int_equal(loop_send(l->l_net[0], &lp, buf, 100, 1), 0);
	assert_int_equal(loop_wait_sent(l, &lp), 0);
	loop_pages_free(buf, 1);
}

/* A lie that leaves the connection to the store as it is. */
static void
evil_passing(struct loop *l, enum sim_lie lie, unsigned int after,
    uint64_t ns)
{
	struct sim_blk *b;
	struct sim_net *n;

	sim_run(l->l_sim, SIM_S);
	sim_evil(l->l_sim, lie, after);
	evil_plug(l, &b, &n);
	sim_run(l->l_sim, ns);
	assert_true(sim_evil_told(l->l_sim, lie) > 0);
	sim_honest(l->l_sim, lie);
	sim_run(l->l_sim, 40 * SIM_S);
	sim_blk_vanish(b);
	sim_net_vanish(n);
	assert_true(loop_blks(l, 0));
	assert_true(loop_nets(l, 0));
	assert_true(loop_wait_state(l, "vbd/51712", ""));
	assert_true(loop_wait_state(l, "vif/0", ""));
	sim_run(l->l_sim, 40 * SIM_S);
	assert_int_equal(sim_dom_ngrant(l->l_dom), 0);
	evil_plug(l, &b, &n);
	evil_works(l);
}

LOOP_TEST(evil_connect_no_number)
{
	evil_passing(l, SIM_EVIL_XS_NOT_A_NUMBER, sim_rand(12), 10 * SIM_S);
}

LOOP_TEST(evil_connect_not_terminated)
{
	evil_passing(l, SIM_EVIL_XS_NOT_TERMINATED, sim_rand(20), 10 * SIM_S);
}

/* No transaction ends; t_evil_xs has the bound on how often it is tried. */
LOOP_TEST(evil_connect_eagain)
{
	evil_passing(l, SIM_EVIL_XS_EAGAIN_FOREVER, 0, 300 * SIM_MS);
}

LOOP_TEST(evil_connect_silent)
{
	evil_passing(l, SIM_EVIL_XS_SILENT, sim_rand(30), 100 * SIM_S);
}

/* A lie that ends the talk with the store, at any point of connecting. */
static void
evil_ending(struct loop *l, enum sim_lie lie)
{
	unsigned int nlog;
	struct sim_blk *b;
	struct sim_net *n;
	char buf[16];

	sim_run(l->l_sim, SIM_S);
	nlog = sim_nlog(PV_LOG_ERR);
	sim_evil(l->l_sim, lie, sim_rand(60));
	evil_plug(l, &b, &n);
	sim_run(l->l_sim, 10 * SIM_S);
	if (sim_evil_told(l->l_sim, lie) == 0) {
		/* The whole of it took fewer messages: one more. */
		sim_honest(l->l_sim, lie);
		sim_evil(l->l_sim, lie, 0);
		sim_store_write(l->l_sim, "/local/domain/1/device/vbd/9/x",
		    "1");
		sim_run(l->l_sim, SIM_S);
	}
	assert_true(sim_evil_told(l->l_sim, lie) > 0);
	assert_int_equal(xs_read(&l->l_xen, XS_NOTRANS, "domid", buf,
	    sizeof(buf), NULL), -PV_EIO);
	assert_true(sim_nlog(PV_LOG_ERR) > nlog);
	/* What was connected goes on without the store. */
	if (l->l_nblk == 1 && l->l_nnet == 1)
		evil_works(l);
	/* Its back ends can not be told of the end. */
	sim_blk_vanish(b);
	sim_net_vanish(n);
	sim_run(l->l_sim, SIM_S);
}

LOOP_TEST(evil_connect_index_wild)
{
	evil_ending(l, SIM_EVIL_XS_INDEX_WILD);
}

LOOP_TEST(evil_connect_len_huge)
{
	evil_ending(l, SIM_EVIL_XS_LEN_HUGE);
}

LOOP_TEST(evil_connect_id_unknown)
{
	evil_ending(l, SIM_EVIL_XS_ID_UNKNOWN);
}

LOOP_TEST(evil_connect_type_wrong)
{
	evil_ending(l, SIM_EVIL_XS_TYPE_WRONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evil_connect_no_number),
		cmocka_unit_test(evil_connect_not_terminated),
		cmocka_unit_test(evil_connect_eagain),
		cmocka_unit_test(evil_connect_silent),
		cmocka_unit_test(evil_connect_index_wild),
		cmocka_unit_test(evil_connect_len_huge),
		cmocka_unit_test(evil_connect_id_unknown),
		cmocka_unit_test(evil_connect_type_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
