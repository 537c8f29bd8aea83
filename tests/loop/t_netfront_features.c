/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_netfront_features.c -- what netfront and its peer agree on: each feature
 * in use, and each refused.
 */

#include <stdio.h>

#include "loop.h"

#include <xen/io/netif.h>

#define NQUEUE	4
#define NFLOW	64

/* ---- frames ------------------------------------------------------------ */

/* The headers of a datagram of a flow; the rest stays as it is. */
static void
feat_frame(uint8_t *p, unsigned int flow, bool six)
{
	memset(p, 0, 62);
	p[12] = six ? 0x86 : 0x08;
	p[13] = six ? 0xdd : 0x00;
	p[14] = six ? 0x60 : 0x45;
	p[six ? 20 : 23] = 17;
	p[six ? 53 : 33] = 9;			/* to 10.0.0.9, or so */
	p[six ? 54 : 34] = (uint8_t)(flow >> 8);	/* source port */
	p[six ? 55 : 35] = (uint8_t)flow;
}

static void
feat_send(struct loop *l, struct sim_net *n, uint8_t *buf, size_t len)
{
	struct loop_pkt lp;
	unsigned int flags;
	const uint8_t *got;
	size_t gotlen;

	assert_int_equal(loop_send(l->l_net[0], &lp, buf, len, 1), 0);
	assert_int_equal(loop_wait_sent(l, &lp), 0);
	got = sim_net_last(n, &gotlen, &flags);
	assert_int_equal(gotlen, len);
	assert_memory_equal(got, buf, len);
}

/* Frames there and back again, on whatever queues. */
static void
feat_echo(struct loop *l, struct sim_net *n, unsigned int rounds)
{
	uint8_t *buf = loop_pages(1);
	unsigned int i;

	for (i = 0; i < rounds; i++) {
		l->l_nframe = 0;
		loop_fill(buf, 1000, i);
		feat_frame(buf, i, i % 2);
		feat_send(l, n, buf, 1000);
		sim_run(l->l_sim, 40 * SIM_MS);
		assert_int_equal(l->l_nframe, 1);
		assert_memory_equal(l->l_frame, buf, 1000);
	}
	loop_pages_free(buf, 1);
}

/* ---- event channels ---------------------------------------------------- */

LOOP_TEST(feat_split)
{
	unsigned int nport = sim_dom_nport(l->l_dom);
	struct sim_net *n = loop_net(l, SIM_NET_SPLIT | SIM_NET_ECHO);

	assert_true(sim_net_is_split(n));
	assert_int_equal(sim_dom_nport(l->l_dom), nport + 2);
	feat_echo(l, n, 50);
}

LOOP_TEST(feat_split_refused)
{
	unsigned int nport = sim_dom_nport(l->l_dom);
	struct sim_net *n = loop_net(l, SIM_NET_ECHO);

	assert_false(sim_net_is_split(n));
	assert_int_equal(sim_dom_nport(l->l_dom), nport + 1);
	feat_echo(l, n, 50);
}

/* ---- queues ------------------------------------------------------------ */

/* Each connection has one queue, and the connections have them all. */
LOOP_TEST(feat_queues)
{
	struct sim_net *n = loop_net(l, SIM_NET_MQ | SIM_NET_ECHO |
	    (sim_rand(2) ? SIM_NET_SPLIT : 0));
	unsigned int i, k, q, was[NQUEUE], used[NQUEUE] = { 0 };
	uint8_t *buf = loop_pages(1);

	assert_int_equal(sim_net_nqueue(n), NQUEUE);
	assert_int_equal(l->l_net[0]->nt_npair, NQUEUE);
	for (i = 0; i < NFLOW; i++) {
		feat_frame(buf, 40000 + i, i % 2);
		for (q = 0; q < NQUEUE; q++)
			was[q] = sim_net_queue_ntx(n, q);
		for (k = 0; k < 3; k++)
			feat_send(l, n, buf, 100 + k);
		for (q = 0; q < NQUEUE; q++) {
			k = sim_net_queue_ntx(n, q) - was[q];
			assert_true(k == 0 || k == 3);
			used[q] += k;
		}
	}
	for (q = 0; q < NQUEUE; q++)
		assert_true(used[q] >= 3 * NFLOW / NQUEUE / 3);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_nframe, 3 * NFLOW);
	assert_int_equal(l->l_net[0]->nt_rxpkt, 3 * NFLOW);
	assert_int_equal(l->l_net[0]->nt_txpkt, 3 * NFLOW);
	loop_pages_free(buf, 1);
}

LOOP_TEST(feat_queues_refused)
{
	struct sim_net *n = loop_net(l, SIM_NET_ECHO);

	assert_int_equal(sim_net_nqueue(n), 1);
	assert_int_equal(l->l_net[0]->nt_npair, 1);
	feat_echo(l, n, 20);
}

/* The operator wants fewer than the peer has. */
LOOP_TEST(feat_queues_set)
{
	struct sim_net *n;

	loop_set(l, "netfront.queues", "2");
	n = loop_net(l, SIM_NET_MQ | SIM_NET_ECHO);
	assert_int_equal(sim_net_nqueue(n), 2);
	feat_echo(l, n, 20);
}

/* Each queue's ring is full at some time; a waiting sender is called. */
LOOP_TEST(feat_queues_full)
{
	struct sim_net *n = loop_net(l, SIM_NET_MQ | SIM_NET_SPLIT);
	static struct loop_pkt lp[1500];
	uint8_t *buf = loop_pages(8);
	unsigned int i, full = 0;
	int rv;

	for (i = 0; i < 32; i++)
		feat_frame(buf + 1024 * i, i, false);
	sim_net_hold(n, true);
	for (i = 0; i < 1500; i++) {
		rv = loop_send(l->l_net[0], &lp[i], buf + i % 32 * 1024, 100,
		    1);
		if (rv == -PV_EAGAIN) {
			assert_true(++full < 10000);
			sim_net_hold(n, false);
			sim_run(l->l_sim, SIM_MS);
			i--;
			continue;
		}
		assert_int_equal(rv, 0);
	}
	assert_true(full > 0);
	for (i = 0; i < 1500; i++)
		assert_int_equal(loop_wait_sent(l, &lp[i]), 0);
	assert_int_equal(sim_net_ntx(n), 1500);
	loop_pages_free(buf, 8);
}

/* ---- segmentation ------------------------------------------------------ */

/* The headers of a TCP segment; hlen bytes of them. */
static unsigned int
feat_segment(uint8_t *p, size_t len, bool six)
{
	loop_fill(p, len, 7);
	feat_frame(p, 1, six);
	memset(p + 62, 0, 12);
	p[six ? 20 : 23] = 6;
	p[six ? 66 : 46] = 0x50;		/* no options */
	return six ? 74 : 54;
}

/* A large packet in as many pieces, there and back. */
static void
feat_large(struct loop *l, struct sim_net *n, size_t len, unsigned int npiece,
    bool six)
{
	uint8_t *buf = loop_pages(17), type, want;
	struct loop_pkt lp;
	unsigned int flags;
	const uint8_t *got;
	size_t gotlen;

	(void)feat_segment(buf, len, six);
	l->l_nframe = 0;
	loop_packet(&lp, buf, len, npiece);
	lp.lp_np.np_flags = PV_NET_CSUM_BLANK;
	lp.lp_np.np_gso_size = 1448;
	lp.lp_np.np_gso_type = six ? PV_NET_GSO_TCP6 : PV_NET_GSO_TCP4;
	assert_int_equal(pv_net_send(l->l_net[0], &lp.lp_np), 0);
	assert_int_equal(loop_wait_sent(l, &lp), 0);
	got = sim_net_last(n, &gotlen, &flags);
	assert_int_equal(gotlen, len);
	assert_memory_equal(got, buf, len);
	want = six ? XEN_NETIF_GSO_TYPE_TCPV6 : XEN_NETIF_GSO_TYPE_TCPV4;
	assert_int_equal(sim_net_last_gso(n, &type), 1448);
	assert_int_equal(type, want);
	assert_true(flags & NETTXF_csum_blank);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_nframe, 1);
	assert_int_equal(l->l_framelen, len);
	assert_memory_equal(l->l_frame, buf, len);
	assert_int_equal(l->l_framegso, 1448);
	assert_int_equal(l->l_frametype, lp.lp_np.np_gso_type);
	assert_int_equal(l->l_frameflags, PV_NET_CSUM_BLANK);
	loop_pages_free(buf, 17);
}

LOOP_TEST(feat_gso)
{
	struct sim_net *n = loop_net(l, SIM_NET_GSO | SIM_NET_ECHO |
	    (sim_rand(2) ? SIM_NET_MQ : 0) |
	    (sim_rand(2) ? SIM_NET_UNTRUSTED : 0));
	struct pv_net *nt = l->l_net[0];
	unsigned int i;

	assert_true(nt->nt_offload & PV_NET_CAN_TSO4);
	assert_true(nt->nt_offload & PV_NET_CAN_TSO6);
	assert_true(nt->nt_recvoffload & PV_NET_RX_GSO);
	for (i = 0; i < 40; i++)
		feat_large(l, n, 3000 + 1000 * i, 1 + i % 8, i % 2);
	feat_large(l, n, 65535, 1, false);
	/* More pieces than slots: copied together. */
	feat_large(l, n, 65535, 18, true);
	assert_int_equal(nt->nt_txgso, 42);
	assert_int_equal(nt->nt_rxgso, 42);
	assert_true(nt->nt_txcsum >= 42);
	feat_echo(l, n, 10);
}

/* The peer takes none; but what it sends is taken. */
LOOP_TEST(feat_gso_refused)
{
	struct sim_net *n = loop_net(l, sim_rand(2) ? 0 :
	    SIM_NET_GSO | SIM_NET_NOSG);
	uint8_t *buf = loop_pages(3);
	struct loop_pkt lp;
	unsigned int i;

	assert_int_equal(l->l_net[0]->nt_offload & (PV_NET_CAN_TSO4 |
	    PV_NET_CAN_TSO6), 0);
	for (i = 0; i < 2; i++) {
		(void)feat_segment(buf, 9000, i);
		loop_packet(&lp, buf, 4000, 1);
		lp.lp_np.np_flags = PV_NET_CSUM_BLANK;
		lp.lp_np.np_gso_size = 1448;
		lp.lp_np.np_gso_type = i ? PV_NET_GSO_TCP6 : PV_NET_GSO_TCP4;
		assert_int_equal(pv_net_send(l->l_net[0], &lp.lp_np),
		    -PV_EINVAL);
		sim_net_deliver_gso(n, buf, 9000, 1200, i ?
		    XEN_NETIF_GSO_TYPE_TCPV6 : XEN_NETIF_GSO_TYPE_TCPV4);
		sim_run(l->l_sim, SIM_S);
		assert_int_equal(l->l_nframe, i + 1);
		assert_int_equal(l->l_framegso, 1200);
	}
	assert_int_equal(sim_net_ntx(n), 0);
	loop_pages_free(buf, 3);
}

/* The operator wants none, whatever the peer has. */
LOOP_TEST(feat_offload_set)
{
	static const char *const keys[][2] = {
		{ "feature-no-csum-offload", "1" }, { "feature-sg", "1" },
		{ "feature-ipv6-csum-offload", "0" },
		{ "feature-gso-tcpv4", "0" }, { "feature-gso-tcpv6", "0" }
	};
	struct loop_pkt lp;
	struct sim_net *n;
	char path[64];
	uint8_t *buf;
	unsigned int i;

	loop_set(l, "netfront.offload", "NO");
	n = loop_net(l, SIM_NET_GSO | SIM_NET_ECHO);
	buf = loop_pages(1);
	assert_int_equal(l->l_net[0]->nt_offload, PV_NET_CAN_SG);
	assert_int_equal(l->l_net[0]->nt_recvoffload, 0);
	for (i = 0; i < PV_NELEM(keys); i++) {
		snprintf(path, sizeof(path), "/local/domain/1/device/vif/0/%s",
		    keys[i][0]);
		assert_string_equal(sim_store_read(l->l_sim, path),
		    keys[i][1]);
	}
	(void)feat_segment(buf, 4000, false);
	loop_packet(&lp, buf, 4000, 1);
	lp.lp_np.np_flags = PV_NET_CSUM_BLANK;
	assert_int_equal(pv_net_send(l->l_net[0], &lp.lp_np), -PV_EINVAL);
	feat_echo(l, n, 20);
	loop_pages_free(buf, 1);
}

/* The ring is full of packets with extra info; all go out all the same. */
LOOP_TEST(feat_gso_full)
{
	struct sim_net *n = loop_net(l, SIM_NET_GSO);
	static struct loop_pkt lp[400];
	uint8_t *buf = loop_pages(1);
	unsigned int i, full = 0;
	int rv;

	(void)feat_segment(buf, 4000, false);
	sim_net_hold(n, true);
	for (i = 0; i < 400; i++) {
		loop_packet(&lp[i], buf, 4000, 1);
		lp[i].lp_np.np_flags = PV_NET_CSUM_BLANK;
		lp[i].lp_np.np_gso_size = 1448;
		lp[i].lp_np.np_gso_type = PV_NET_GSO_TCP4;
		rv = pv_net_send(l->l_net[0], &lp[i].lp_np);
		if (rv == -PV_EAGAIN) {
			assert_true(++full < 10000);
			sim_net_hold(n, false);
			sim_run(l->l_sim, SIM_MS);
			i--;
			continue;
		}
		assert_int_equal(rv, 0);
	}
	assert_true(full > 0);
	for (i = 0; i < 400; i++)
		assert_int_equal(loop_wait_sent(l, &lp[i]), 0);
	assert_int_equal(sim_net_ntx(n), 400);
	loop_pages_free(buf, 1);
}

/* ---- MTU, carrier ------------------------------------------------------ */

static struct sim_net *
feat_net(struct loop *l, unsigned int flags, unsigned int mtu)
{
	struct sim_net_cfg cfg = { .nc_flags = flags, .nc_mtu = mtu };
	struct sim_net *n = sim_net_create(l->l_dom, &cfg);

	assert_true(loop_nets(l, 1));
	return n;
}

/* Frames of 9014 bytes, of few pieces and of many, there and back. */
LOOP_TEST(feat_jumbo)
{
	struct sim_net *n = feat_net(l, SIM_NET_ECHO | (sim_rand(2) ?
	    SIM_NET_FRAG : 0) | (sim_rand(2) ? SIM_NET_UNTRUSTED : 0), 9000);
	uint8_t *buf = loop_pages(4);
	struct loop_pkt lp;
	unsigned int i;

	assert_int_equal(l->l_net[0]->nt_mtu, 9000);
	for (i = 1; i <= 18; i++) {
		l->l_nframe = 0;
		loop_fill(buf, 4 * 4096, i);
		assert_int_equal(loop_send(l->l_net[0], &lp, buf + 200 * i,
		    9014, i), 0);
		assert_int_equal(loop_wait_sent(l, &lp), 0);
		sim_run(l->l_sim, SIM_S);
		assert_int_equal(l->l_nframe, 1);
		assert_int_equal(l->l_framelen, 9014);
		assert_memory_equal(l->l_frame, buf + 200 * i, 9014);
	}
	assert_int_equal(sim_net_ntx(n), 18);
	loop_pages_free(buf, 4);
}

/* A peer that takes one piece, and values that are none. */
LOOP_TEST(feat_jumbo_refused)
{
	static const unsigned int mtu[] = { 9000, 67, 65536, 4000000000u };
	unsigned int i = sim_rand(4);

	(void)feat_net(l, i == 0 ? SIM_NET_NOSG : 0, mtu[i]);
	assert_int_equal(l->l_net[0]->nt_mtu, 1500);
}

static unsigned int feat_nchange;

static void
feat_change(struct pv_net *nt)
{
	(void)nt;
	feat_nchange++;
}

LOOP_TEST(feat_carrier)
{
	struct sim_net *n = loop_net(l, SIM_NET_ECHO);
	unsigned int i;

	assert_true(l->l_net[0]->nt_link);	/* without the node */
	feat_nchange = 0;
	l->l_net[0]->nt_change = feat_change;
	for (i = 0; i < 6; i++) {
		sim_net_carrier(n, i % 2 != 0);
		sim_run(l->l_sim, SIM_S);
		assert_int_equal(l->l_net[0]->nt_link, i % 2 != 0);
		assert_int_equal(feat_nchange, i + 1);
	}
	sim_net_carrier(n, true);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(feat_nchange, 6);
	feat_echo(l, n, 5);
}

/* ---- a peer that comes back with other offers -------------------------- */

static bool
feat_up_again(struct loop *l)
{
	return l->l_nnetup == 2 && l->l_nnet == 1;
}

LOOP_TEST(feat_offers_change)
{
	static const unsigned int offers[] = {
		0, SIM_NET_MQ | SIM_NET_SPLIT, SIM_NET_SPLIT, SIM_NET_MQ
	};
	unsigned int was = offers[sim_rand(4)], now = offers[sim_rand(4)];
	struct sim_net *n = loop_net(l, was | SIM_NET_ECHO);

	feat_echo(l, n, 10);
	sim_net_offers(n, now | SIM_NET_ECHO);
	sim_net_restart(n);
	assert_true(loop_until(l, feat_up_again));
	assert_int_equal(sim_net_nqueue(n), now & SIM_NET_MQ ? NQUEUE : 1);
	assert_int_equal(sim_net_is_split(n), !!(now & SIM_NET_SPLIT));
	feat_echo(l, n, 10);
}

/* All of it goes: queues, channels, keys. */
LOOP_TEST(feat_queues_unplug)
{
	struct sim_net *n = loop_net(l, SIM_NET_MQ | SIM_NET_SPLIT |
	    SIM_NET_ECHO);

	feat_echo(l, n, 10);
	sim_net_unplug(n);
	assert_true(loop_nets(l, 0));
	assert_true(loop_wait_state(l, "vif/0", ""));
	assert_true(loop_gone(l, "vif/0"));
	assert_int_equal(sim_dom_ngrant(l->l_dom), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(feat_split),
		cmocka_unit_test(feat_split_refused),
		cmocka_unit_test(feat_queues),
		cmocka_unit_test(feat_queues_refused),
		cmocka_unit_test(feat_queues_set),
		cmocka_unit_test(feat_queues_full),
		cmocka_unit_test(feat_queues_unplug),
		cmocka_unit_test(feat_gso),
		cmocka_unit_test(feat_gso_refused),
		cmocka_unit_test(feat_offload_set),
		cmocka_unit_test(feat_gso_full),
		cmocka_unit_test(feat_offers_change),
		cmocka_unit_test(feat_jumbo),
		cmocka_unit_test(feat_jumbo_refused),
		cmocka_unit_test(feat_carrier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
