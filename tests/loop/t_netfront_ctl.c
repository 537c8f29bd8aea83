/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_netfront_ctl.c -- what netfront has its peer do with what it receives:
 * multicast control and the control ring, in use and refused.
 */

#include "loop.h"

#include <xen/io/netif.h>

#define NQUEUE	4
#define NFLOW	32
#define NGROUP	6

/* ---- multicast --------------------------------------------------------- */

/* The i-th group's Ethernet address. */
static void
ctl_group(uint8_t mac[6], unsigned int i)
{
	static const uint8_t base[6] = { 0x33, 0x33, 0, 0, 1, 0 };

	memcpy(mac, base, 6);
	mac[5] = (uint8_t)i;
}

/* The consumer's list: groups from .. to - 1, and an address of one host. */
static int
ctl_filter(struct loop *l, unsigned int from, unsigned int to, uint32_t flags)
{
	static const uint8_t host[6] = { 0x00, 0x16, 0x3e, 9, 9, 9 };
	uint8_t mac[PV_NET_NMAC + 2][6];
	struct pv_net_set ns = { .ns_what = PV_NET_SET_FILTER };
	struct pv_net *nt = l->l_net[0];

	memcpy(mac[ns.ns_nmac++], host, 6);
	for (; from < to; from++)
		ctl_group(mac[ns.ns_nmac++], from);
	ns.ns_mac = (const uint8_t (*)[6])mac;
	ns.ns_flags = flags;
	return nt->nt_ops->no_set(nt->nt_sc, &ns);
}

/* A frame to a group, or to all; true: the consumer got it. */
static bool
ctl_passes(struct loop *l, struct sim_net *n, int group)
{
	unsigned int was = l->l_nframe;
	uint8_t frame[100];

	memset(frame, 0xff, sizeof(frame));
	if (group >= 0)
		ctl_group(frame, (unsigned int)group);
	sim_net_deliver(n, frame, sizeof(frame), 0);
	sim_run(l->l_sim, SIM_S);
	return l->l_nframe == was + 1;
}

static void
ctl_has(struct sim_net *n, unsigned int from, unsigned int to)
{
	uint8_t mac[6];

	assert_int_equal(sim_net_nmcast(n), to - from);
	for (; from < to; from++) {
		ctl_group(mac, from);
		assert_true(sim_net_has_mcast(n, mac));
	}
}

/* The list becomes the peer's, whatever it was; nothing else comes through. */
LOOP_TEST(ctl_mcast)
{
	struct sim_net *n = loop_net(l, SIM_NET_DYNAMIC |
	    (sim_rand(2) ? SIM_NET_MQ : 0));
	unsigned int from, to, i;

	sim_run(l->l_sim, SIM_S);
	assert_false(sim_net_filters(n));	/* nobody has said what */
	assert_true(ctl_passes(l, n, 3));
	for (i = 0; i < 8; i++) {
		from = sim_rand(NGROUP);
		to = from + sim_rand(NGROUP);
		assert_int_equal(ctl_filter(l, from, to, 0), 0);
		sim_run(l->l_sim, SIM_S);
		ctl_has(n, from, to);
		assert_true(sim_net_filters(n));
		assert_true(ctl_passes(l, n, -1));
		assert_false(ctl_passes(l, n, 2 * NGROUP));
		if (to > from)
			assert_true(ctl_passes(l, n, (int)from));
	}
	assert_int_equal(sim_net_nfiltered(n), 8);
	assert_true(l->l_net[0]->nt_nset > 0);
	assert_int_equal(l->l_net[0]->nt_nrefused, 0);
	/* All of it. */
	assert_int_equal(ctl_filter(l, 0, 1, PV_NET_ALLMULTI), 0);
	sim_run(l->l_sim, SIM_S);
	assert_false(sim_net_filters(n));
	assert_true(ctl_passes(l, n, 2 * NGROUP));
}

/* Lists that follow each other faster than the peer answers. */
LOOP_TEST(ctl_mcast_hurry)
{
	struct sim_net *n = loop_net(l, SIM_NET_DYNAMIC);
	unsigned int i;

	for (i = 0; i < 30; i++) {
		assert_int_equal(ctl_filter(l, i, i + 1 + i % 5, 0), 0);
		sim_run(l->l_sim, sim_rand(200 * 1000));
	}
	sim_run(l->l_sim, SIM_S);
	ctl_has(n, 29, 34);
	assert_true(sim_net_filters(n));
}

/* With the ring full of packets orders wait, and go all the same. */
LOOP_TEST(ctl_mcast_full)
{
	struct sim_net *n = loop_net(l, SIM_NET_DYNAMIC);
	static struct loop_pkt lp[300];
	uint8_t *buf = loop_pages(1);
	unsigned int i, sent = 0;

	sim_net_hold(n, true);
	while (sent < 300 && loop_send(l->l_net[0], &lp[sent], buf, 100, 1) ==
	    0)
		sent++;
	assert_int_equal(sent, 256);
	assert_int_equal(ctl_filter(l, 0, 3, 0), 0);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(sim_net_nmcast(n), 0);
	sim_net_hold(n, false);
	for (i = 0; i < sent; i++)
		assert_int_equal(loop_wait_sent(l, &lp[i]), 0);
	sim_run(l->l_sim, SIM_S);
	ctl_has(n, 0, 3);
	assert_true(sim_net_filters(n));
	assert_int_equal(sim_net_ntx(n), 256);
	loop_pages_free(buf, 1);
}

/* The peer's list is too short: then all multicast has to come. */
LOOP_TEST(ctl_mcast_no_room)
{
	struct sim_net *n = loop_net(l, SIM_NET_DYNAMIC);

	sim_net_mcast_room(n, 4);
	assert_int_equal(ctl_filter(l, 0, 3, 0), 0);
	sim_run(l->l_sim, SIM_S);
	assert_true(sim_net_filters(n));
	assert_int_equal(ctl_filter(l, 0, NGROUP, 0), 0);
	sim_run(l->l_sim, SIM_S);
	assert_false(sim_net_filters(n));
	assert_true(ctl_passes(l, n, NGROUP - 1));
	assert_int_equal(l->l_net[0]->nt_nrefused, 1);
	assert_int_equal(ctl_filter(l, 1, 4, 0), 0);
	sim_run(l->l_sim, SIM_S);
	assert_true(sim_net_filters(n));
	ctl_has(n, 1, 4);
}

/* Peers that look once are asked only if the operator says so. */
LOOP_TEST(ctl_mcast_static)
{
	struct sim_net *n;

	loop_set(l, "netfront.static_multicast", "YES");
	n = loop_net(l, SIM_NET_MCAST);
	assert_true(sim_net_filters(n));
	assert_false(ctl_passes(l, n, 1));
	assert_int_equal(ctl_filter(l, 0, 3, 0), 0);
	sim_run(l->l_sim, SIM_S);
	ctl_has(n, 0, 3);
	assert_true(ctl_passes(l, n, 1));
	assert_false(ctl_passes(l, n, 3));
	assert_int_equal(ctl_filter(l, 0, 3, PV_NET_PROMISC),
	    -PV_EOPNOTSUPP);
}

LOOP_TEST(ctl_mcast_refused)
{
	struct sim_net *n = loop_net(l, sim_rand(2) ? SIM_NET_MCAST : 0);

	assert_int_equal(ctl_filter(l, 0, 3, 0), -PV_EOPNOTSUPP);
	sim_run(l->l_sim, SIM_S);
	assert_false(sim_net_filters(n));
	assert_int_equal(sim_net_nmcast(n), 0);
	assert_true(ctl_passes(l, n, 9));
	assert_int_equal(ctl_filter(l, 0, PV_NET_NMAC + 1, 0), -PV_E2BIG);
}

static bool
ctl_connected(struct loop *l)
{
	return strcmp(loop_state(l, "vif/0"), "connected") == 0;
}

/* A peer that comes back is told everything again. */
LOOP_TEST(ctl_mcast_again)
{
	struct sim_net *n = loop_net(l, SIM_NET_DYNAMIC);
	unsigned int k = sim_rand(2) * 3, i;

	assert_int_equal(ctl_filter(l, 0, k, 0), 0);
	for (i = 0; i < 3; i++) {
		sim_run(l->l_sim, sim_rand(2) ? SIM_S : SIM_MS);
		sim_net_die(n);
		sim_run(l->l_sim, SIM_S);
		sim_net_revive(n, (uint16_t)(sim_net_home(n) + i % 2));
		assert_true(loop_until(l, ctl_connected));
	}
	sim_run(l->l_sim, SIM_S);
	ctl_has(n, 0, k);
	assert_true(sim_net_filters(n));
}

/* ---- the control ring -------------------------------------------------- */

/* The headers of a TCP segment of a flow, there or back; or, if it is one of
   every third, of a UDP datagram. */
static void
ctl_frame(uint8_t *p, unsigned int flow, bool six, bool back)
{
	unsigned int addr = six ? 22 : 26, len = six ? 16 : 4;
	unsigned int ports = addr + 2 * len;

	memset(p, 0, 74);
	p[12] = six ? 0x86 : 0x08;
	p[13] = six ? 0xdd : 0x00;
	p[14] = six ? 0x60 : 0x45;
	p[six ? 20 : 23] = flow % 3 == 2 ? 17 : 6;
	p[addr + (back ? len : 0) + len - 1] = 7;
	p[addr + (back ? 0 : len) + len - 1] = 9;
	p[ports + (back ? 2 : 0)] = (uint8_t)((40000 + flow) >> 8);
	p[ports + (back ? 3 : 1)] = (uint8_t)(40000 + flow);
	p[ports + (back ? 1 : 3)] = 80;
	p[ports + 12] = 0x50;
}

static void
ctl_send(struct loop *l, uint8_t *buf)
{
	struct loop_pkt lp;

	assert_int_equal(loop_send(l->l_net[0], &lp, buf, 200, 1), 0);
	assert_int_equal(loop_wait_sent(l, &lp), 0);
}

/* The queue where a counter has moved since was was taken. */
static unsigned int
ctl_moved(struct sim_net *n, const unsigned int was[NQUEUE],
    unsigned int (*count)(const struct sim_net *, unsigned int))
{
	unsigned int q, where = NQUEUE;

	for (q = 0; q < NQUEUE; q++) {
		if (count(n, q) == was[q])
			continue;
		assert_int_equal(where, NQUEUE);
		where = q;
	}
	assert_int_not_equal(where, NQUEUE);
	return where;
}

/* Both directions of each flow take the same queue; all queues are used. */
static void
ctl_spread(struct loop *l, struct sim_net *n)
{
	unsigned int i, q, wastx[NQUEUE], wasrx[NQUEUE], used[NQUEUE] = { 0 };
	uint8_t *buf = loop_pages(1);

	for (i = 0; i < NFLOW; i++) {
		for (q = 0; q < NQUEUE; q++) {
			wastx[q] = sim_net_queue_ntx(n, q);
			wasrx[q] = sim_net_queue_nrx(n, q);
		}
		ctl_frame(buf, i, i % 2, false);
		ctl_send(l, buf);
		ctl_frame(buf, i, i % 2, true);
		l->l_nframe = 0;
		sim_net_deliver(n, buf, 200, 0);
		sim_run(l->l_sim, SIM_S);
		assert_int_equal(l->l_nframe, 1);
		assert_memory_equal(l->l_frame, buf, 200);
		q = ctl_moved(n, wastx, sim_net_queue_ntx);
		assert_int_equal(ctl_moved(n, wasrx, sim_net_queue_nrx), q);
		used[q]++;
	}
	for (q = 0; q < NQUEUE; q++)
		assert_true(used[q] > 0);
	loop_pages_free(buf, 1);
}

LOOP_TEST(ctl_hash)
{
	struct sim_net *n = loop_net(l, SIM_NET_MQ | SIM_NET_CTRL |
	    (sim_rand(2) ? SIM_NET_SPLIT : 0));

	sim_run(l->l_sim, SIM_S);
	assert_true(sim_net_has_ctrl(n));
	assert_int_equal(sim_net_hashes(n), 0xf);
	assert_int_equal(sim_net_ntable(n), 128);
	ctl_spread(l, n);
	assert_int_equal(l->l_net[0]->nt_rxhash, NFLOW);
}

/* Segments come with the hash in front of what tells how to cut them. */
LOOP_TEST(ctl_hash_gso)
{
	struct sim_net *n = loop_net(l, SIM_NET_MQ | SIM_NET_CTRL |
	    SIM_NET_GSO);
	uint8_t *buf = loop_pages(3);

	sim_run(l->l_sim, SIM_S);
	loop_fill(buf, 9000, 1);
	ctl_frame(buf, 1, false, true);
	sim_net_deliver_gso(n, buf, 9000, 1200, XEN_NETIF_GSO_TYPE_TCPV4);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_nframe, 1);
	assert_int_equal(l->l_framegso, 1200);
	assert_memory_equal(l->l_frame, buf, 9000);
	assert_int_equal(l->l_net[0]->nt_rxhash, 1);
	loop_pages_free(buf, 3);
}

/* A table shorter than ours, or none at all: the remainder. */
LOOP_TEST(ctl_hash_table)
{
	static const unsigned int room[] = { 0, 1, 5, 64 };
	struct sim_net_cfg cfg = { .nc_flags = SIM_NET_MQ | SIM_NET_CTRL };
	unsigned int k = room[sim_rand(4)];
	struct sim_net *n = sim_net_create(l->l_dom, &cfg);

	sim_net_ctrl_room(n, k);
	assert_true(loop_nets(l, 1));
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(sim_net_hashes(n), 0xf);
	assert_int_equal(sim_net_ntable(n), k);
	if (k != 1)
		ctl_spread(l, n);
}

/* Any order may be refused; the interface works without. */
LOOP_TEST(ctl_hash_refused)
{
	struct sim_net_cfg cfg = { .nc_flags = SIM_NET_MQ | SIM_NET_CTRL |
	    SIM_NET_ECHO };
	struct sim_net *n = sim_net_create(l->l_dom, &cfg);
	uint8_t *buf = loop_pages(1);
	unsigned int i;

	sim_net_ctrl_refuse(n, 1 + sim_rand(7));
	assert_true(loop_nets(l, 1));
	sim_run(l->l_sim, SIM_S);
	assert_true(sim_net_has_ctrl(n));
	assert_int_equal(sim_net_hashes(n), 0);
	for (i = 0; i < 20; i++) {
		l->l_nframe = 0;
		ctl_frame(buf, i, i % 2, false);
		ctl_send(l, buf);
		sim_run(l->l_sim, SIM_S);
		assert_int_equal(l->l_nframe, 1);
	}
	assert_int_equal(l->l_net[0]->nt_rxhash, 0);
	loop_pages_free(buf, 1);
}

/* With one queue, or a peer without, there is no control ring. */
LOOP_TEST(ctl_none)
{
	unsigned int nport = sim_dom_nport(l->l_dom);
	struct sim_net *n = loop_net(l, sim_rand(2) ? SIM_NET_CTRL : 0);

	assert_false(sim_net_has_ctrl(n));
	assert_int_equal(sim_dom_nport(l->l_dom), nport + 1);
}

/* A peer that comes back is told again, if it has one still. */
LOOP_TEST(ctl_hash_again)
{
	struct sim_net *n = loop_net(l, SIM_NET_MQ | SIM_NET_CTRL);
	unsigned int i;
	bool has = true;

	for (i = 0; i < 4; i++) {
		sim_run(l->l_sim, sim_rand(2) ? SIM_S : SIM_MS);
		sim_net_die(n);
		has = sim_rand(2);
		sim_net_offers(n, SIM_NET_MQ | (has ? SIM_NET_CTRL : 0));
		sim_run(l->l_sim, SIM_S);
		sim_net_revive(n, (uint16_t)(sim_net_home(n) + i % 2));
		assert_true(loop_until(l, ctl_connected));
	}
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(sim_net_has_ctrl(n), has);
	assert_int_equal(sim_net_hashes(n), has ? 0xf : 0);
	if (has)
		ctl_spread(l, n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ctl_mcast),
		cmocka_unit_test(ctl_mcast_hurry),
		cmocka_unit_test(ctl_mcast_full),
		cmocka_unit_test(ctl_mcast_no_room),
		cmocka_unit_test(ctl_mcast_static),
		cmocka_unit_test(ctl_mcast_refused),
		cmocka_unit_test(ctl_mcast_again),
		cmocka_unit_test(ctl_hash),
		cmocka_unit_test(ctl_hash_gso),
		cmocka_unit_test(ctl_hash_table),
		cmocka_unit_test(ctl_hash_refused),
		cmocka_unit_test(ctl_none),
		cmocka_unit_test(ctl_hash_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
