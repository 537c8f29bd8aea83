/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_evil_virtio_net.c -- a virtio network device that lies: headers, counts of
 * buffers, answers to orders, and in each of its queues.
 */

#include "loop/vloop.h"
#include "sim_vnet.h"

#define F(name)	(1ull << VIRTIO_NET_F_##name)
#define ALL	(F(MAC) | F(STATUS) | F(MTU) | F(MRG_RXBUF) | F(CSUM) |	\
		F(GUEST_CSUM) | F(GUEST_TSO4) | F(CTRL_VQ) | F(CTRL_RX) | \
		F(CTRL_VLAN) | F(CTRL_MAC_ADDR) | F(GUEST_ANNOUNCE))

static const struct virtio_net_hdr nothing;

static struct sim_vnet *
make(struct loop *l, uint64_t features, unsigned int npair,
    unsigned int claim)
{
	struct sim_vdev_cfg vc = vloop_cfg(l);
	struct sim_vnet_cfg nc = {
		.nc_features = features, .nc_npair = npair, .nc_mtu = 1400,
		.nc_claim = claim, .nc_mac = { 2, 1, 2, 3, 4, 5 },
		.nc_echo = true
	};

	return sim_vnet_create(l->l_sim, &vc, &nc);
}

static struct sim_vnet *
up_as(struct loop *l, uint64_t features, unsigned int npair,
    unsigned int claim)
{
	struct sim_vnet *vn = make(l, features, npair, claim);

	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_nets(l, 1));
	sim_run(l->l_sim, SIM_S);
	return vn;
}

static struct sim_vnet *
up(struct loop *l)
{
	return up_as(l, ALL, 1, 0);
}

static bool
broken(struct loop *l, struct sim_vnet *vn)
{
	return loop_wait_state(l, vloop_name(vn->vn_dev), "broken") &&
	    l->l_nnet == 0;
}

/* The device still works, and is the one it was. */
static void
fine(struct loop *l, struct sim_vnet *vn)
{
	uint8_t *buf = loop_pages(1);
	struct loop_pkt lp;

	assert_string_equal(loop_state(l, vloop_name(vn->vn_dev)),
	    "connected");
	l->l_nframe = 0;
	assert_int_equal(loop_send(l->l_net[0], &lp, buf, 500, 1), 0);
	assert_int_equal(loop_wait_sent(l, &lp), 0);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_nframe, 1);
	assert_int_equal(l->l_framelen, 500);
	loop_pages_free(buf, 1);
}

/* ---- headers ----------------------------------------------------------- */

/* What a header can not mean costs the packet, not the device. */
VLOOP_TEST(headers_of_no_sense)
{
	static const struct virtio_net_hdr bad[] = {
		{ .flags = 1, .csum_start = 600, .csum_offset = 16 },
		{ .flags = 1, .csum_start = 65535, .csum_offset = 65535 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 0 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 60000 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_TCPV6, .gso_size = 100 },
		{ .gso_type = 5, .gso_size = 100 },
		{ .gso_type = 0x81, .gso_size = 100 },
		{ .gso_type = 0x7f, .gso_size = 100 }
	};
	struct sim_vnet *vn = up(l);
	uint8_t *buf = loop_pages(1);
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_true(sim_vnet_deliver(vn, 0, &bad[i], buf, 300));
		sim_run(l->l_sim, SIM_S);
		assert_int_equal(l->l_net[0]->nt_rxdrop, i + 1);
	}
	assert_true(sim_vnet_deliver(vn, 0, &nothing, buf, 13));
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_net[0]->nt_rxdrop, i + 1);
	assert_int_equal(l->l_nframe, 0);
	fine(l, vn);
	loop_pages_free(buf, 1);
}

static void
deliver_breaks(struct loop *l, unsigned int numbuf, bool is_short)
{
	struct sim_vnet *vn = up(l);
	uint8_t *buf = loop_pages(1);

	vn->vn_numbuf = numbuf;
	vn->vn_short = is_short;
	assert_true(sim_vnet_deliver(vn, 0, &nothing, buf, 300));
	assert_true(broken(l, vn));
	assert_int_equal(l->l_nframe, 0);
	loop_pages_free(buf, 1);
}

VLOOP_TEST(no_buffers_at_all)
{
	deliver_breaks(l, ~0u, false);
}

VLOOP_TEST(more_buffers_than_answered)
{
	deliver_breaks(l, 2, false);
}

VLOOP_TEST(more_buffers_than_a_packet_has)
{
	deliver_breaks(l, 65535, false);
}

VLOOP_TEST(shorter_than_its_header)
{
	deliver_breaks(l, 0, true);
}

/* ---- rings ------------------------------------------------------------- */

/* A lie in whichever ring comes first, with frames going both ways. */
static void
ring_breaks(struct loop *l, enum sim_lie lie)
{
	struct sim_vnet *vn = up(l);
	uint8_t *buf = loop_pages(8);
	struct loop_pkt lp[8];
	unsigned int i, n;

	sim_evil(l->l_sim, lie, sim_rand(6));
	for (n = 0; n < 8 && l->l_nnet > 0; n++) {
		if (loop_send(l->l_net[0], &lp[n], buf + n * 4096, 600, 2) !=
		    0)
			break;
		sim_run(l->l_sim, sim_rand(100000));
	}
	assert_true(broken(l, vn));
	assert_true(sim_evil_told(l->l_sim, lie) > 0);
	for (i = 0; i < n; i++) {
		assert_int_not_equal(loop_wait_sent(l, &lp[i]), LOOP_NEVER);
		assert_int_equal(lp[i].lp_ndone, 1);
	}
	sim_honest(l->l_sim, lie);
	vloop_detach(l);
	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_nets(l, 1));
	sim_run(l->l_sim, SIM_S);
	fine(l, vn);
	loop_pages_free(buf, 8);
}

VLOOP_TEST(id_range)
{
	ring_breaks(l, SIM_EVIL_USED_ID_RANGE);
}

VLOOP_TEST(len_huge)
{
	ring_breaks(l, SIM_EVIL_USED_LEN_HUGE);
}

VLOOP_TEST(idx_jump)
{
	ring_breaks(l, SIM_EVIL_USED_IDX_JUMP);
}

VLOOP_TEST(storm)
{
	struct sim_vnet *vn = up(l);

	sim_evil(l->l_sim, SIM_EVIL_EVENT_STORM, 0);
	fine(l, vn);
	sim_honest(l->l_sim, SIM_EVIL_EVENT_STORM);
}

/* ---- orders ------------------------------------------------------------ */

static int
order(struct loop *l, uint32_t flags)
{
	struct pv_net_set ns = { .ns_what = PV_NET_SET_FILTER,
	    .ns_flags = flags };

	return l->l_net[0]->nt_ops->no_set(l->l_net[0]->nt_sc, &ns);
}

VLOOP_TEST(orders_not_answered)
{
	struct sim_vnet *vn = up(l);

	vn->vn_mute = true;
	assert_int_equal(order(l, PV_NET_PROMISC), 0);
	sim_run(l->l_sim, 5 * SIM_S);
	fine(l, vn);
	sim_run(l->l_sim, 20 * SIM_S);
	assert_true(broken(l, vn));
}

/* Answers of no meaning, again and again: a line each, and no more. */
VLOOP_TEST(answers_of_no_sense)
{
	struct sim_vnet *vn = up(l);
	unsigned int i;

	vn->vn_ack = 0x5a;
	for (i = 0; i < 5; i++) {
		assert_int_equal(order(l, i % 2 ? PV_NET_PROMISC : 0), 0);
		sim_run(l->l_sim, SIM_S);
	}
	assert_int_equal(l->l_net[0]->nt_nrefused, 5 * 3);
	assert_int_equal(l->l_net[0]->nt_nset, l->l_net[0]->nt_nrefused);
	fine(l, vn);
}

/* ---- what it says of itself -------------------------------------------- */

VLOOP_TEST(pairs_that_can_not_be)
{
	static const unsigned int claims[] = { 65535, 0x8000, 128 };
	struct sim_vnet *vn = up_as(l, ALL | F(MQ), 1,
	    claims[sim_rand(3)]);

	assert_int_equal(l->l_net[0]->nt_npair, 1);
	fine(l, vn);
}

VLOOP_TEST(mtu_of_no_sense)
{
	struct sim_vdev_cfg vc = vloop_cfg(l);
	struct sim_vnet_cfg nc = { .nc_features = F(MTU),
	    .nc_mtu = sim_rand(2) ? 67 : 65535 };

	(void)sim_vnet_create(l->l_sim, &vc, &nc);
	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_nets(l, 1));
	assert_int_equal(l->l_net[0]->nt_mtu, 1500);
}

/* Other features at each look: it works, or breaks; the guest lives. */
VLOOP_TEST(features_change)
{
	struct sim_vnet *vn = make(l, ALL | F(MQ), 4, 0);
	const char *state;

	sim_evil(l->l_sim, SIM_EVIL_FEATURES_CHANGE, sim_rand(8));
	assert_int_equal(vloop_attach(l), 1);
	sim_run(l->l_sim, 10 * SIM_S);
	state = loop_state(l, vloop_name(vn->vn_dev));
	assert_true(strcmp(state, "connected") == 0 ||
	    strcmp(state, "broken") == 0);
	vloop_detach(l);
	sim_honest(l->l_sim, SIM_EVIL_FEATURES_CHANGE);
	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_nets(l, 1));
}

/* An announcement that is asked for without end does not keep it busy. */
VLOOP_TEST(announce_storm)
{
	struct sim_vnet *vn = up(l);
	unsigned int i;

	for (i = 0; i < 50; i++) {
		sim_vnet_status(vn, VIRTIO_NET_S_LINK_UP |
		    VIRTIO_NET_S_ANNOUNCE);
		sim_run(l->l_sim, sim_rand(20000));
	}
	sim_run(l->l_sim, SIM_S);
	assert_in_range(vn->vn_nannounce, 1, 50);
	fine(l, vn);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_of_no_sense),
		cmocka_unit_test(no_buffers_at_all),
		cmocka_unit_test(more_buffers_than_answered),
		cmocka_unit_test(more_buffers_than_a_packet_has),
		cmocka_unit_test(shorter_than_its_header),
		cmocka_unit_test(id_range),
		cmocka_unit_test(len_huge),
		cmocka_unit_test(idx_jump),
		cmocka_unit_test(storm),
		cmocka_unit_test(orders_not_answered),
		cmocka_unit_test(answers_of_no_sense),
		cmocka_unit_test(pairs_that_can_not_be),
		cmocka_unit_test(mtu_of_no_sense),
		cmocka_unit_test(features_change),
		cmocka_unit_test(announce_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
