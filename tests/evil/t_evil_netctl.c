/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_evil_netctl.c -- back ends that lie about what they were told to do with
 * what a guest receives: multicast control and the control ring.
 */

#include "loop/loop.h"

#include <xen/io/netif.h>

#define NAME	"vif/0"
#define FLAGS	(SIM_NET_DYNAMIC | SIM_NET_MQ | SIM_NET_CTRL | SIM_NET_ECHO)

static void
evil_filter(struct loop *l, unsigned int n)
{
	uint8_t mac[8][6] = { { 0 } };
	struct pv_net_set ns = { .ns_what = PV_NET_SET_FILTER, .ns_nmac = n,
	    .ns_mac = (const uint8_t (*)[6])mac };
	struct pv_net *nt = l->l_net[0];

	for (; n > 0; n--) {
		mac[n - 1][0] = mac[n - 1][1] = 0x33;
		mac[n - 1][5] = (uint8_t)n;
	}
	assert_int_equal(nt->nt_ops->no_set(nt->nt_sc, &ns), 0);
}

/* Frames there and back. */
static void
evil_works(struct loop *l)
{
	uint8_t *buf = loop_pages(1);
	struct loop_pkt lp;
	unsigned int i;

	l->l_nframe = 0;
	for (i = 0; i < 10; i++) {
		assert_int_equal(loop_send(l->l_net[0], &lp, buf, 100, 1), 0);
		assert_int_equal(loop_wait_sent(l, &lp), 0);
	}
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_nframe, 10);
	loop_pages_free(buf, 1);
}

/* Broken with one log line, nothing left; a new back end is as good as any. */
static void
evil_broken(struct loop *l, struct sim_net *n, enum sim_lie lie,
    unsigned int nlog)
{
	assert_true(loop_wait_state(l, NAME, "broken"));
	assert_true(sim_evil_told(l->l_sim, lie) > 0);
	assert_int_equal(sim_nlog(PV_LOG_ERR) - nlog, 1);
	assert_true(loop_nets(l, 0));
	assert_int_equal(loop_info(l, NAME).di_nfail, 1);
	sim_honest(l->l_sim, lie);
	sim_run(l->l_sim, 5 * SIM_S);
	assert_int_equal(sim_dom_ngrant(l->l_dom), 0);
	assert_int_equal(loop_totals(l).pt_gref_parked, 0);
	sim_net_unplug(n);
	assert_true(loop_wait_state(l, NAME, ""));
	n = loop_net(l, FLAGS);
	evil_filter(l, 5);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(sim_net_hashes(n), 0xf);
	assert_int_equal(sim_net_nmcast(n), 5);
	evil_works(l);
}

/* ---- the control ring -------------------------------------------------- */

/* There are seven orders; the lie comes with any of their answers. */
static struct sim_net *
evil_ctl(struct loop *l, enum sim_lie lie, unsigned int after)
{
	struct sim_net_cfg cfg = { .nc_flags = FLAGS };

	sim_evil(l->l_sim, lie, after);
	return sim_net_create(l->l_dom, &cfg);
}

static void
evil_ctl_breaks(struct loop *l, enum sim_lie lie, unsigned int after)
{
	unsigned int nlog = sim_nlog(PV_LOG_ERR);
	struct sim_net *n = evil_ctl(l, lie, after);

	evil_broken(l, n, lie, nlog);
}

LOOP_TEST(evil_ctl_id)
{
	evil_ctl_breaks(l, SIM_EVIL_RSP_ID_RANGE, sim_rand(7));
}

LOOP_TEST(evil_ctl_twice)
{
	evil_ctl_breaks(l, SIM_EVIL_RSP_ID_TWICE, 1 + sim_rand(6));
}

LOOP_TEST(evil_ctl_op)
{
	evil_ctl_breaks(l, SIM_EVIL_RSP_OP_WRONG, sim_rand(7));
}

LOOP_TEST(evil_ctl_prod_jump)
{
	evil_ctl_breaks(l, SIM_EVIL_RSP_PROD_JUMP, sim_rand(7));
}

LOOP_TEST(evil_ctl_prod_back)
{
	evil_ctl_breaks(l, SIM_EVIL_RSP_PROD_BACK, sim_rand(7));
}

/* Any status but success is a refusal; the interface works. */
LOOP_TEST(evil_ctl_status)
{
	struct sim_net *n = evil_ctl(l, SIM_EVIL_RSP_STATUS_WILD, sim_rand(7));

	assert_true(loop_nets(l, 1));
	sim_run(l->l_sim, SIM_S);
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_RSP_STATUS_WILD) > 0);
	sim_honest(l->l_sim, SIM_EVIL_RSP_STATUS_WILD);
	assert_true(sim_net_has_ctrl(n));
	assert_string_equal(loop_state(l, NAME), "connected");
	evil_works(l);
	sim_net_restart(n);
	sim_run(l->l_sim, 5 * SIM_S);
	assert_int_equal(sim_net_hashes(n), 0xf);
}

/* No answer at all, and the interface works. */
LOOP_TEST(evil_ctl_silent)
{
	struct sim_net_cfg cfg = { .nc_flags = FLAGS };
	struct sim_net *n = sim_net_create(l->l_dom, &cfg);

	sim_net_ctrl_mute(n, true);
	assert_true(loop_nets(l, 1));
	sim_run(l->l_sim, 60 * SIM_S);
	assert_true(sim_net_has_ctrl(n));
	assert_int_equal(sim_net_hashes(n), 0);
	evil_works(l);
	sim_net_unplug(n);
	assert_true(loop_wait_state(l, NAME, ""));
	sim_run(l->l_sim, 5 * SIM_S);
	assert_int_equal(sim_dom_ngrant(l->l_dom), 0);
}

/* The page of the ring stays mapped for a while. */
LOOP_TEST(evil_ctl_held)
{
	struct sim_net *n = loop_net(l, FLAGS);

	sim_run(l->l_sim, SIM_S);
	sim_evil(l->l_sim, SIM_EVIL_GRANT_HELD, 0);
	sim_net_unplug(n);
	assert_true(loop_wait_state(l, NAME, ""));
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_GRANT_HELD) > 0);
	sim_honest(l->l_sim, SIM_EVIL_GRANT_HELD);
	sim_run(l->l_sim, 60 * SIM_S);
	assert_int_equal(loop_totals(l).pt_gref_parked, 0);
	assert_int_equal(sim_dom_ngrant(l->l_dom), 0);
}

/* ---- multicast --------------------------------------------------------- */

static void
evil_mcast_breaks(struct loop *l, enum sim_lie lie)
{
	unsigned int nlog;
	struct sim_net *n = loop_net(l, FLAGS);

	sim_run(l->l_sim, SIM_S);
	nlog = sim_nlog(PV_LOG_ERR);
	sim_evil(l->l_sim, lie, sim_rand(8));
	evil_filter(l, 8);
	evil_broken(l, n, lie, nlog);
}

LOOP_TEST(evil_mcast_id_range)
{
	evil_mcast_breaks(l, SIM_EVIL_RSP_ID_RANGE);
}

LOOP_TEST(evil_mcast_id_idle)
{
	evil_mcast_breaks(l, SIM_EVIL_RSP_ID_IDLE);
}

LOOP_TEST(evil_mcast_op)
{
	evil_mcast_breaks(l, SIM_EVIL_RSP_OP_WRONG);
}

LOOP_TEST(evil_mcast_prod_jump)
{
	evil_mcast_breaks(l, SIM_EVIL_RSP_PROD_JUMP);
}

/* The order is not carried out: all multicast has to come. */
LOOP_TEST(evil_mcast_status)
{
	struct sim_net *n = loop_net(l, FLAGS);

	sim_run(l->l_sim, SIM_S);
	sim_evil(l->l_sim, SIM_EVIL_RSP_STATUS_WILD, sim_rand(8));
	evil_filter(l, 8);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(sim_evil_told(l->l_sim, SIM_EVIL_RSP_STATUS_WILD),
	    1);
	assert_false(sim_net_filters(n));
	assert_int_equal(l->l_net[0]->nt_nrefused, 1);
	sim_honest(l->l_sim, SIM_EVIL_RSP_STATUS_WILD);
	evil_works(l);
}

/* It goes with an order in flight, and comes back. */
LOOP_TEST(evil_mcast_vanishes)
{
	struct sim_net *n = loop_net(l, FLAGS);

	sim_run(l->l_sim, SIM_S);
	sim_net_hold(n, true);
	evil_filter(l, 8);
	sim_run(l->l_sim, SIM_S);
	sim_net_die(n);
	sim_net_hold(n, false);
	sim_run(l->l_sim, SIM_S);
	sim_net_revive(n, sim_net_home(n));
	assert_true(loop_wait_state(l, NAME, "connected"));
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(sim_net_nmcast(n), 8);
	assert_true(sim_net_filters(n));
	evil_works(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evil_ctl_id),
		cmocka_unit_test(evil_ctl_twice),
		cmocka_unit_test(evil_ctl_op),
		cmocka_unit_test(evil_ctl_prod_jump),
		cmocka_unit_test(evil_ctl_prod_back),
		cmocka_unit_test(evil_ctl_status),
		cmocka_unit_test(evil_ctl_silent),
		cmocka_unit_test(evil_ctl_held),
		cmocka_unit_test(evil_mcast_id_range),
		cmocka_unit_test(evil_mcast_id_idle),
		cmocka_unit_test(evil_mcast_op),
		cmocka_unit_test(evil_mcast_prod_jump),
		cmocka_unit_test(evil_mcast_status),
		cmocka_unit_test(evil_mcast_vanishes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
