/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_evil_netfront.c -- interfaces behind back ends that lie.
 */

#include "loop/loop.h"

#include <xen/io/netif.h>

#define NAME	"vif/0"
#define N	16

static unsigned int evil_nqueue;

struct evil {
	struct sim_net	*e_n;
	uint8_t		*e_buf;
	struct loop_pkt	 e_lp[N];
};

/* Sent frames here are of one queue; there may be others beside it. */
static unsigned int
evil_flags(void)
{
	static const unsigned int flags[] = {
		0, SIM_NET_SPLIT, SIM_NET_MQ, SIM_NET_MQ | SIM_NET_SPLIT
	};

	return flags[sim_rand(4)];
}

/* N frames are with the back end, which is about to answer them. */
static void
evil_begin(struct loop *l, struct evil *e, enum sim_lie lie,
    unsigned int after)
{
	unsigned int i;

	e->e_n = loop_net(l, evil_flags());
	evil_nqueue = sim_net_nqueue(e->e_n);
	assert_true(loop_wait_state(l, NAME, "connected"));
	e->e_buf = loop_pages(1);
	sim_net_hold(e->e_n, true);
	for (i = 0; i < N; i++)
		assert_int_equal(loop_send(l->l_net[0], &e->e_lp[i],
		    e->e_buf + i * 100, 100, 1), 0);
	sim_evil(l->l_sim, lie, after);
	sim_net_hold(e->e_n, false);
}

/* Every frame is answered for, and the device says once that it broke. */
static void
evil_broken(struct loop *l, enum sim_lie lie, unsigned int nlog)
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
}

/* A new back end, and all is well. */
static void
evil_anew(struct loop *l, struct sim_net *n)
{
	uint8_t *buf = loop_pages(1);
	struct loop_pkt lp;

	sim_net_unplug(n);
	assert_true(loop_wait_state(l, NAME, ""));
	(void)loop_net(l, SIM_NET_ECHO | evil_flags());
	l->l_nframe = 0;
	assert_int_equal(loop_send(l->l_net[0], &lp, buf, 100, 1), 0);
	assert_int_equal(loop_wait_sent(l, &lp), 0);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_nframe, 1);
	loop_pages_free(buf, 1);
}

static void
evil_breaks(struct loop *l, enum sim_lie lie, unsigned int after)
{
	unsigned int nlog = sim_nlog(PV_LOG_ERR), i, nbad = 0;
	struct evil e;
	int rv;

	evil_begin(l, &e, lie, after);
	for (i = 0; i < N; i++) {
		rv = loop_wait_sent(l, &e.e_lp[i]);
		assert_true(rv == 0 || rv == -PV_ENXIO || rv == -PV_EPROTO);
		nbad += rv != 0;
	}
	assert_true(nbad > 0);
	evil_broken(l, lie, nlog);
	evil_anew(l, e.e_n);
	loop_pages_free(e.e_buf, 1);
}

LOOP_TEST(evil_net_id_range)
{
	evil_breaks(l, SIM_EVIL_RSP_ID_RANGE, sim_rand(N));
}

LOOP_TEST(evil_net_id_idle)
{
	evil_breaks(l, SIM_EVIL_RSP_ID_IDLE, sim_rand(N));
}

LOOP_TEST(evil_net_id_twice)
{
	evil_breaks(l, SIM_EVIL_RSP_ID_TWICE, sim_rand(N - 1));
}

/* An answer to extra info, of which there was none. */
LOOP_TEST(evil_net_op_wrong)
{
	evil_breaks(l, SIM_EVIL_RSP_OP_WRONG, sim_rand(N));
}

LOOP_TEST(evil_net_prod_jump)
{
	evil_breaks(l, SIM_EVIL_RSP_PROD_JUMP, 0);
}

LOOP_TEST(evil_net_prod_back)
{
	evil_breaks(l, SIM_EVIL_RSP_PROD_BACK, 0);
}

/* Any status but "sent" means that it was not sent. */
LOOP_TEST(evil_net_status_wild)
{
	struct evil e;
	unsigned int i;

	evil_begin(l, &e, SIM_EVIL_RSP_STATUS_WILD, 0);
	for (i = 0; i < N; i++)
		assert_int_equal(loop_wait_sent(l, &e.e_lp[i]), -PV_EIO);
	assert_string_equal(loop_state(l, NAME), "connected");
	loop_pages_free(e.e_buf, 1);
}

/* ---- the receive ring -------------------------------------------------- */

static void
evil_rx_breaks(struct loop *l, enum sim_lie lie)
{
	unsigned int nlog = sim_nlog(PV_LOG_ERR), after = sim_rand(5), i;
	struct sim_net *n = loop_net(l, evil_flags() & SIM_NET_SPLIT);
	static uint8_t frame[500];

	assert_true(loop_wait_state(l, NAME, "connected"));
	sim_evil(l->l_sim, lie, after);
	for (i = 0; i < 10; i++)
		sim_net_deliver(n, frame, sizeof(frame), 0);
	evil_broken(l, lie, nlog);
	assert_int_equal(l->l_nframe, after);
	evil_anew(l, n);
}

LOOP_TEST(evil_rx_len_huge)
{
	evil_rx_breaks(l, SIM_EVIL_RX_LEN_HUGE);
}

LOOP_TEST(evil_rx_offset_huge)
{
	evil_rx_breaks(l, SIM_EVIL_RX_OFFSET_HUGE);
}

LOOP_TEST(evil_rx_extra_wild)
{
	evil_rx_breaks(l, SIM_EVIL_RX_EXTRA_WILD);
}

/* Segments of no known kind, and a packet that is not what it says. */
LOOP_TEST(evil_rx_gso_wild)
{
	unsigned int nlog = sim_nlog(PV_LOG_ERR);
	struct sim_net *n = loop_net(l, SIM_NET_GSO);
	static uint8_t frame[9000];

	assert_true(loop_wait_state(l, NAME, "connected"));
	sim_net_deliver_gso(n, frame, 9000, 1448, XEN_NETIF_GSO_TYPE_TCPV4);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_nframe, 0);
	assert_int_equal(l->l_net[0]->nt_rxdrop, 1);
	sim_evil(l->l_sim, SIM_EVIL_RX_GSO_WILD, 0);
	sim_net_deliver_gso(n, frame, 9000, 1448, XEN_NETIF_GSO_TYPE_TCPV4);
	evil_broken(l, SIM_EVIL_RX_GSO_WILD, nlog);
	evil_anew(l, n);
}

LOOP_TEST(evil_rx_id_wrong)
{
	evil_rx_breaks(l, SIM_EVIL_RX_ID_WRONG);
}

LOOP_TEST(evil_rx_prod_jump)
{
	unsigned int nlog = sim_nlog(PV_LOG_ERR);
	struct sim_net *n = loop_net(l, evil_flags() & SIM_NET_SPLIT);

	assert_true(loop_wait_state(l, NAME, "connected"));
	sim_evil(l->l_sim, SIM_EVIL_RSP_PROD_JUMP, 0);
	sim_net_deliver(n, l->l_frame, 100, 0);
	evil_broken(l, SIM_EVIL_RSP_PROD_JUMP, nlog);
	evil_anew(l, n);
}

LOOP_TEST(evil_rx_prod_back)
{
	unsigned int nlog = sim_nlog(PV_LOG_ERR);
	struct sim_net *n = loop_net(l, evil_flags() & SIM_NET_SPLIT);

	assert_true(loop_wait_state(l, NAME, "connected"));
	sim_evil(l->l_sim, SIM_EVIL_RSP_PROD_BACK, 0);
	sim_net_deliver(n, l->l_frame, 100, 0);
	evil_broken(l, SIM_EVIL_RSP_PROD_BACK, nlog);
	evil_anew(l, n);
}

/* A packet that never ends is dropped, with no more memory than others. */
LOOP_TEST(evil_rx_chain_endless)
{
	struct sim_net *n = loop_net(l, evil_flags() & SIM_NET_SPLIT);
	static uint8_t frame[500];
	unsigned int i, npage;

	sim_run(l->l_sim, SIM_S);
	npage = sim_npage(l->l_sim);
	sim_evil(l->l_sim, SIM_EVIL_RX_CHAIN_ENDLESS, 3);
	for (i = 0; i < 600; i++)
		sim_net_deliver(n, frame, sizeof(frame), 0);
	sim_run(l->l_sim, 20 * SIM_S);
	assert_int_equal(sim_net_queued(n), 0);
	assert_int_equal(l->l_nframe, 3);
	assert_int_equal(sim_npage(l->l_sim), npage);
	sim_honest(l->l_sim, SIM_EVIL_RX_CHAIN_ENDLESS);
	sim_net_deliver(n, frame, 500, 0);	/* ends the endless one */
	sim_net_deliver(n, frame, 400, 0);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_nframe, 4);
	assert_int_equal(l->l_framelen, 400);
}

static void
evil_harmless(struct loop *l, enum sim_lie lie)
{
	uint8_t *buf = loop_pages(1);
	struct loop_pkt lp;
	unsigned int i;

	sim_evil(l->l_sim, lie, 0);
	(void)loop_net(l, SIM_NET_ECHO | evil_flags());
	for (i = 0; i < 60; i++) {
		loop_fill(buf, 1500, i);
		assert_int_equal(loop_send(l->l_net[0], &lp, buf, 1500, 1), 0);
		assert_int_equal(loop_wait_sent(l, &lp), 0);
		sim_run(l->l_sim, 20 * SIM_MS);
		assert_int_equal(l->l_nframe, i + 1);
		assert_memory_equal(l->l_frame, buf, 1500);
	}
	assert_true(sim_evil_told(l->l_sim, lie) > 10);
	assert_string_equal(loop_state(l, NAME), "connected");
	loop_pages_free(buf, 1);
}

LOOP_TEST(evil_net_changed_after_read)
{
	evil_harmless(l, SIM_EVIL_RSP_CHANGED_AFTER_READ);
}

LOOP_TEST(evil_net_idx_rewritten)
{
	evil_harmless(l, SIM_EVIL_IDX_REWRITTEN);
}

/* ---- grants ------------------------------------------------------------ */

static bool
evil_none_parked(struct loop *l)
{
	return sim_dom_nmapped(l->l_dom) == 2 * evil_nqueue;
}

/* Sent, and kept for a while: not done before the peer lets go. */
LOOP_TEST(evil_net_grant_held)
{
	struct evil e;
	unsigned int i;

	evil_begin(l, &e, SIM_EVIL_GRANT_HELD, 0);
	sim_run(l->l_sim, SIM_S);
	assert_true(loop_totals(l).pt_gref_parked > 0);
	for (i = 0; i < N; i++)
		assert_int_equal(e.e_lp[i].lp_ndone, 0);
	sim_honest(l->l_sim, SIM_EVIL_GRANT_HELD);
	for (i = 0; i < N; i++)
		assert_int_not_equal(loop_wait_sent(l, &e.e_lp[i]),
		    LOOP_NEVER);
	assert_true(loop_until(l, evil_none_parked));
	sim_run(l->l_sim, 2 * SIM_S);
	assert_int_equal(loop_totals(l).pt_gref_parked, 0);
	assert_string_equal(loop_state(l, NAME), "connected");
	loop_pages_free(e.e_buf, 1);
}

/* Receive buffers that are kept come back when they are let go of. */
LOOP_TEST(evil_rx_grant_held)
{
	struct sim_net *n = loop_net(l, evil_flags() & SIM_NET_SPLIT);
	static uint8_t frame[500];
	unsigned int i, npage;

	sim_run(l->l_sim, SIM_S);
	npage = sim_npage(l->l_sim);
	sim_evil(l->l_sim, SIM_EVIL_GRANT_HELD, 0);
	for (i = 0; i < 300; i++)
		sim_net_deliver(n, frame, sizeof(frame), 0);
	sim_run(l->l_sim, SIM_S);
	assert_true(loop_totals(l).pt_gref_parked > 100);
	sim_honest(l->l_sim, SIM_EVIL_GRANT_HELD);
	sim_run(l->l_sim, 20 * SIM_S);
	assert_int_equal(loop_totals(l).pt_gref_parked, 0);
	assert_int_equal(sim_net_queued(n), 0);
	assert_int_equal(sim_npage(l->l_sim), npage);
	l->l_nframe = 0;
	sim_net_deliver(n, frame, 400, 0);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_nframe, 1);
}

LOOP_TEST(evil_net_grant_held_forever)
{
	static uint8_t frame[500];
	struct evil e;
	unsigned int i;

	evil_begin(l, &e, SIM_EVIL_GRANT_HELD_FOREVER, 0);
	for (i = 0; i < 50; i++)
		sim_net_deliver(e.e_n, frame, sizeof(frame), 0);
	sim_run(l->l_sim, 100 * SIM_S);
	assert_true(loop_totals(l).pt_gref_parked > N);
	sim_net_unplug(e.e_n);
	assert_true(loop_wait_state(l, NAME, ""));
	sim_run(l->l_sim, 100 * SIM_S);
	assert_true(loop_totals(l).pt_gref_parked > N);
	sim_honest(l->l_sim, SIM_EVIL_GRANT_HELD_FOREVER);
	for (i = 0; i < N; i++)
		assert_int_not_equal(loop_wait_sent(l, &e.e_lp[i]),
		    LOOP_NEVER);
	sim_run(l->l_sim, 5 * SIM_S);
	assert_int_equal(loop_totals(l).pt_gref_parked, 0);
	loop_pages_free(e.e_buf, 1);
}

/* ---- events and states ------------------------------------------------- */

static bool
evil_one_frame(struct loop *l)
{
	return l->l_nframe >= 1;
}

/* A channel that was spurious for long is heard late, but it is heard. */
static void
evil_echo(struct loop *l, unsigned int n)
{
	uint8_t *buf = loop_pages(1);
	struct loop_pkt lp;

	while (n-- > 0) {
		l->l_nframe = 0;
		assert_int_equal(loop_send(l->l_net[0], &lp, buf, 200, 1), 0);
		assert_int_equal(loop_wait_sent(l, &lp), 0);
		assert_true(loop_until(l, evil_one_frame));
	}
	loop_pages_free(buf, 1);
}

LOOP_TEST(evil_net_event_storm)
{
	uint64_t before;

	(void)loop_net(l, SIM_NET_ECHO | evil_flags());
	sim_evil(l->l_sim, SIM_EVIL_EVENT_STORM, 0);
	evil_echo(l, 1);
	before = loop_info(l, NAME).di_nspurious;
	sim_run(l->l_sim, 50 * SIM_MS);
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_EVENT_STORM) > 1000);
	assert_true(loop_info(l, NAME).di_nspurious - before <
	    300 * loop_info(l, NAME).di_nevport);
	evil_echo(l, 1);
	sim_honest(l->l_sim, SIM_EVIL_EVENT_STORM);
	sim_run(l->l_sim, SIM_S);
	evil_echo(l, 5);
	assert_string_equal(loop_state(l, NAME), "connected");
}

LOOP_TEST(evil_net_event_spurious)
{
	(void)loop_net(l, SIM_NET_ECHO | evil_flags());
	sim_evil(l->l_sim, SIM_EVIL_EVENT_SPURIOUS, 0);
	evil_echo(l, 10);
	sim_run(l->l_sim, 20 * SIM_S);
	evil_echo(l, 10);
	assert_string_equal(loop_state(l, NAME), "connected");
}

/* See the disk's: who looks finds the answer, who leaves is let go. */
LOOP_TEST(evil_net_event_lost)
{
	struct sim_net *n = loop_net(l, SIM_NET_ECHO | evil_flags());
	uint8_t *buf = loop_pages(1);
	struct loop_pkt lp;
	int rv;

	sim_run(l->l_sim, SIM_S);
	sim_evil(l->l_sim, SIM_EVIL_EVENT_LOST, 0);
	assert_int_equal(loop_send(l->l_net[0], &lp, buf, 200, 1), 0);
	sim_run(l->l_sim, 10 * SIM_S);
	assert_int_equal(sim_net_ntx(n), 1);
	sim_honest(l->l_sim, SIM_EVIL_EVENT_LOST);
	if (sim_rand(2) == 0) {
		l->l_net[0]->nt_ops->no_poll(l->l_net[0]->nt_sc);
		assert_int_equal(loop_wait_sent(l, &lp), 0);
		evil_echo(l, 3);
	} else {
		sim_net_restart(n);
		rv = loop_wait_sent(l, &lp);
		assert_true(rv == 0 || rv == -PV_ENXIO);
	}
	loop_pages_free(buf, 1);
}

LOOP_TEST(evil_net_event_before_attach)
{
	sim_evil(l->l_sim, SIM_EVIL_EVENT_BEFORE_ATTACH, 0);
	(void)loop_net(l, SIM_NET_ECHO | evil_flags());
	evil_echo(l, 5);
}

LOOP_TEST(evil_net_event_after_detach)
{
	struct sim_net *n = loop_net(l, SIM_NET_ECHO | evil_flags());

	sim_evil(l->l_sim, SIM_EVIL_EVENT_AFTER_DETACH, 0);
	sim_net_unplug(n);
	assert_true(loop_wait_state(l, NAME, ""));
	sim_run(l->l_sim, SIM_S);
	(void)loop_net(l, SIM_NET_ECHO | evil_flags());
	evil_echo(l, 5);
}

LOOP_TEST(evil_net_state_skipped)
{
	struct sim_net_cfg cfg = { .nc_flags = SIM_NET_ECHO };

	sim_evil(l->l_sim, SIM_EVIL_STATE_SKIPPED, 0);
	(void)sim_net_create(l->l_dom, &cfg);
	sim_run(l->l_sim, 200 * SIM_MS);
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_STATE_SKIPPED) > 0);
	sim_honest(l->l_sim, SIM_EVIL_STATE_SKIPPED);
	assert_true(loop_nets(l, 1));
	evil_echo(l, 5);
}

LOOP_TEST(evil_net_state_backward)
{
	struct sim_net *n = loop_net(l, SIM_NET_ECHO | evil_flags());

	sim_evil(l->l_sim, SIM_EVIL_STATE_BACKWARD, 0);
	sim_net_hold(n, false);
	sim_run(l->l_sim, 60 * SIM_S);
	assert_int_equal(sim_evil_told(l->l_sim, SIM_EVIL_STATE_BACKWARD), 1);
	sim_net_unplug(n);
	assert_true(loop_wait_state(l, NAME, ""));
	(void)loop_net(l, SIM_NET_ECHO | evil_flags());
	evil_echo(l, 5);
}

LOOP_TEST(evil_net_state_unknown)
{
	struct sim_net *n = loop_net(l, SIM_NET_ECHO | evil_flags());

	assert_true(loop_wait_state(l, NAME, "connected"));
	sim_evil(l->l_sim, SIM_EVIL_STATE_UNKNOWN, 0);
	sim_net_hold(n, false);
	evil_echo(l, 5);
	assert_int_equal(sim_evil_told(l->l_sim, SIM_EVIL_STATE_UNKNOWN), 1);
	assert_string_equal(loop_state(l, NAME), "connected");
}

LOOP_TEST(evil_net_backend_vanishes)
{
	struct evil e;
	unsigned int i;
	int rv;

	evil_begin(l, &e, SIM_EVIL_BACKEND_VANISHES, 0);
	for (i = 0; i < N; i++) {
		rv = loop_wait_sent(l, &e.e_lp[i]);
		assert_true(rv == 0 || rv == -PV_ENXIO);
	}
	sim_run(l->l_sim, 20 * SIM_S);
	assert_int_equal(sim_dom_ngrant(l->l_dom), 0);
	assert_int_equal(l->l_nnet, 1);		/* waiting for another */
	sim_net_vanish(e.e_n);
	assert_true(loop_nets(l, 0));
	loop_pages_free(e.e_buf, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evil_net_id_range),
		cmocka_unit_test(evil_net_id_idle),
		cmocka_unit_test(evil_net_id_twice),
		cmocka_unit_test(evil_net_op_wrong),
		cmocka_unit_test(evil_net_prod_jump),
		cmocka_unit_test(evil_net_prod_back),
		cmocka_unit_test(evil_net_status_wild),
		cmocka_unit_test(evil_rx_len_huge),
		cmocka_unit_test(evil_rx_offset_huge),
		cmocka_unit_test(evil_rx_extra_wild),
		cmocka_unit_test(evil_rx_gso_wild),
		cmocka_unit_test(evil_rx_id_wrong),
		cmocka_unit_test(evil_rx_prod_jump),
		cmocka_unit_test(evil_rx_prod_back),
		cmocka_unit_test(evil_rx_chain_endless),
		cmocka_unit_test(evil_net_changed_after_read),
		cmocka_unit_test(evil_net_idx_rewritten),
		cmocka_unit_test(evil_net_grant_held),
		cmocka_unit_test(evil_rx_grant_held),
		cmocka_unit_test(evil_net_grant_held_forever),
		cmocka_unit_test(evil_net_event_storm),
		cmocka_unit_test(evil_net_event_spurious),
		cmocka_unit_test(evil_net_event_lost),
		cmocka_unit_test(evil_net_event_before_attach),
		cmocka_unit_test(evil_net_event_after_detach),
		cmocka_unit_test(evil_net_state_skipped),
		cmocka_unit_test(evil_net_state_backward),
		cmocka_unit_test(evil_net_state_unknown),
		cmocka_unit_test(evil_net_backend_vanishes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
