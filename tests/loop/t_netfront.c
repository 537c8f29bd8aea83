/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_netfront.c -- interfaces behind a well-behaved back end.
 */

#include "loop.h"

#include <xen/io/netif.h>

#define ETH	14u

LOOP_TEST(net_describes)
{
	static const uint8_t mac[6] = { 0x00, 0x16, 0x3e, 1, 2, 3 };
	struct sim_net *n = loop_net(l, SIM_NET_GSO);
	struct pv_net *nt = l->l_net[0];

	assert_memory_equal(nt->nt_mac, mac, 6);
	assert_int_equal(nt->nt_mtu, 1500);
	assert_true(nt->nt_link);
	assert_true(nt->nt_offload & PV_NET_CAN_SG);
	assert_int_equal(sim_net_state(n), 4);
	assert_true(loop_wait_state(l, "vif/0", "connected"));
}

static void
net_send_one(struct loop *l, struct sim_net *n, uint8_t *buf, size_t len,
    unsigned int npiece)
{
	struct loop_pkt lp;
	unsigned int flags;
	const uint8_t *got;
	size_t gotlen;

	assert_int_equal(loop_send(l->l_net[0], &lp, buf, len, npiece), 0);
	assert_int_equal(loop_wait_sent(l, &lp), 0);
	got = sim_net_last(n, &gotlen, &flags);
	assert_non_null(got);
	assert_int_equal(gotlen, len);
	assert_memory_equal(got, buf, len);
}

LOOP_TEST(net_sends)
{
	struct sim_net *n = loop_net(l, 0);
	uint8_t *buf = loop_pages(4);
	unsigned int i;

	for (i = 0; i < 40; i++) {
		loop_fill(buf, 4 * 4096, i);
		net_send_one(l, n, buf + 37 * i, 60 + 36 * i, 1);
	}
	assert_int_equal(sim_net_ntx(n), 40);
	assert_int_equal(l->l_net[0]->nt_txpkt, 40);
	loop_pages_free(buf, 4);
}

/* Pieces that cross pages, up to what a ring's packet may have. */
LOOP_TEST(net_sends_pieces)
{
	struct sim_net *n = loop_net(l, 0);
	uint8_t *buf = loop_pages(4);
	unsigned int i;

	loop_fill(buf, 4 * 4096, 8);
	for (i = 1; i <= 14; i++)
		net_send_one(l, n, buf + 4000, 1514, i);
	loop_pages_free(buf, 4);
}

LOOP_TEST(net_receives)
{
	struct sim_net *n = loop_net(l, 0);
	static uint8_t frame[1514];
	unsigned int i;

	for (i = 0; i < 600; i++) {
		size_t len = 60 + i % 1454;

		loop_fill(frame, len, i);
		sim_net_deliver(n, frame, len, NETRXF_data_validated);
		sim_run(l->l_sim, 20 * SIM_MS);
		assert_int_equal(l->l_nframe, i + 1);
		assert_int_equal(l->l_framelen, len);
		assert_memory_equal(l->l_frame, frame, len);
		assert_int_equal(l->l_frameflags, PV_NET_CSUM_VALID);
	}
	assert_int_equal(l->l_net[0]->nt_rxpkt, 600);
}

static bool
net_all_received(struct loop *l)
{
	return l->l_nframe == 1000;
}

/* A burst that is larger than the ring: nothing is lost, none is doubled. */
LOOP_TEST(net_receives_burst)
{
	struct sim_net *n = loop_net(l, 0);
	static uint8_t frame[1000];
	uint64_t sum = 0;
	unsigned int i, k;

	l->l_sum = true;
	for (i = 0; i < 1000; i++) {
		loop_fill(frame, sizeof(frame), i);
		for (k = 0; k < sizeof(frame); k++)
			sum += frame[k];
		sim_net_deliver(n, frame, sizeof(frame), 0);
	}
	assert_true(loop_until(l, net_all_received));
	assert_true(l->l_framesum == sum);
	assert_int_equal(sim_net_queued(n), 0);
}

/* A frame in several buffers, at any offset. */
LOOP_TEST(net_receives_pieces)
{
	struct sim_net *n = loop_net(l, SIM_NET_FRAG);
	static uint8_t frame[9000];
	unsigned int i;

	for (i = 0; i < 50; i++) {
		loop_fill(frame, 9000, i);
		sim_net_deliver(n, frame, 100 + i * 150, 0);
		sim_run(l->l_sim, 20 * SIM_MS);
		assert_int_equal(l->l_nframe, i + 1);
		assert_int_equal(l->l_framelen, 100 + i * 150);
		assert_memory_equal(l->l_frame, frame, l->l_framelen);
	}
}

LOOP_TEST(net_echo)
{
	struct sim_net *n = loop_net(l, SIM_NET_ECHO | SIM_NET_SPLIT);
	uint8_t *buf = loop_pages(1);
	unsigned int i;

	for (i = 0; i < 100; i++) {
		loop_fill(buf, 1514, i);
		net_send_one(l, n, buf, 1514, 1 + i % 3);
		sim_run(l->l_sim, 20 * SIM_MS);
		assert_int_equal(l->l_nframe, i + 1);
		assert_memory_equal(l->l_frame, buf, 1514);
	}
	loop_pages_free(buf, 1);
}

/* The ring is full at some point; all go out all the same. */
LOOP_TEST(net_sends_many)
{
	struct sim_net *n = loop_net(l, 0);
	static struct loop_pkt lp[400];
	uint8_t *buf = loop_pages(1);
	unsigned int i, full = 0;
	int rv;

	sim_net_hold(n, true);
	for (i = 0; i < 400; i++) {
		rv = loop_send(l->l_net[0], &lp[i], buf, 100, 1);
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

LOOP_TEST(net_refuses_nonsense)
{
	struct sim_net *n = loop_net(l, 0);
	uint8_t *buf = loop_pages(20);
	struct loop_pkt lp;

	assert_int_equal(loop_send(l->l_net[0], &lp, buf, 70000, 1),
	    -PV_EINVAL);
	assert_int_equal(loop_send(l->l_net[0], &lp, buf, 1900, 19),
	    -PV_EINVAL);
	assert_int_equal(sim_net_ntx(n), 0);
	loop_pages_free(buf, 20);
}

/* Checksum offload is told on the wire. */
LOOP_TEST(net_blank_checksum)
{
	struct sim_net *n = loop_net(l, 0);
	uint8_t *buf = loop_pages(1);
	unsigned int flags;
	struct loop_pkt lp;
	size_t len;

	if (!(l->l_net[0]->nt_offload & PV_NET_CAN_CSUM4)) {
		loop_pages_free(buf, 1);
		return;
	}
	memset(&lp, 0, sizeof(lp));
	assert_int_equal(loop_send(l->l_net[0], &lp, buf, 100, 1), 0);
	assert_int_equal(loop_wait_sent(l, &lp), 0);
	(void)sim_net_last(n, &len, &flags);
	assert_int_equal(flags & NETTXF_csum_blank, 0);
	lp.lp_np.np_flags = PV_NET_CSUM_BLANK;
	lp.lp_ndone = 0;
	assert_int_equal(pv_net_send(l->l_net[0], &lp.lp_np), 0);
	assert_int_equal(loop_wait_sent(l, &lp), 0);
	(void)sim_net_last(n, &len, &flags);
	assert_int_equal(flags & NETTXF_csum_blank, NETTXF_csum_blank);
	assert_int_equal(flags & NETTXF_data_validated,
	    NETTXF_data_validated);
	loop_pages_free(buf, 1);
	sim_net_deliver(n, l->l_frame, 100, NETRXF_csum_blank |
	    NETRXF_data_validated);
	sim_run(l->l_sim, SIM_S);
	assert_true(l->l_frameflags & PV_NET_CSUM_BLANK);
}

/* Then the front end copies the pieces into one slot. */
LOOP_TEST(net_without_sg)
{
	struct sim_net *n = loop_net(l, SIM_NET_NOSG);
	uint8_t *buf = loop_pages(2);
	unsigned int i;

	for (i = 1; i < 10; i++) {
		loop_fill(buf, 8192, i);
		net_send_one(l, n, buf + 4000, 1514, i);
	}
	loop_pages_free(buf, 2);
}

LOOP_TEST(net_untrusted)
{
	struct sim_net *n = loop_net(l, SIM_NET_UNTRUSTED | SIM_NET_ECHO);
	uint8_t *buf = loop_pages(2);
	unsigned int i;

	for (i = 0; i < 20; i++) {
		loop_fill(buf, 8192, i);
		net_send_one(l, n, buf + 4000, 1000, 1 + i % 2);
		sim_run(l->l_sim, SIM_S);
		assert_int_equal(l->l_nframe, i + 1);
		assert_memory_equal(l->l_frame, buf + 4000, 1000);
	}
	loop_pages_free(buf, 2);
}

/* ---- coming and going -------------------------------------------------- */

static bool
net_gone(struct loop *l)
{
	return loop_gone(l, "vif/0");
}

LOOP_TEST(net_unplug)
{
	struct sim_net *n = loop_net(l, 0);

	sim_net_unplug(n);
	assert_true(loop_nets(l, 0));
	assert_true(loop_until(l, net_gone));
	assert_true(loop_wait_state(l, "vif/0", ""));
	sim_run(l->l_sim, 5 * SIM_S);
	assert_int_equal(sim_dom_ngrant(l->l_dom), 0);
}

static void
net_in_flight(struct loop *l, void (*away)(struct sim_net *), unsigned int up)
{
	struct sim_net *n = loop_net(l, 0);
	uint8_t *buf = loop_pages(1);
	struct loop_pkt lp[20];
	unsigned int i;
	int rv;

	sim_net_hold(n, true);
	for (i = 0; i < 20; i++)
		assert_int_equal(loop_send(l->l_net[0], &lp[i], buf, 100, 1),
		    0);
	for (i = 0; i < 20; i++)
		sim_net_deliver(n, buf, 100, 0);
	sim_run(l->l_sim, SIM_MS);
	away(n);
	for (i = 0; i < 20; i++) {
		rv = loop_wait_sent(l, &lp[i]);
		assert_true(rv == -PV_ENXIO || rv == 0);
	}
	sim_net_hold(n, false);
	assert_true(loop_nets(l, up));
	loop_pages_free(buf, 1);
}

LOOP_TEST(net_unplug_in_flight)
{
	net_in_flight(l, sim_net_unplug, 0);
}

LOOP_TEST(net_vanish_in_flight)
{
	net_in_flight(l, sim_net_vanish, 0);
}

LOOP_TEST(net_restart_in_flight)
{
	net_in_flight(l, sim_net_restart, 1);
}

static bool
net_up_twice(struct loop *l)
{
	return l->l_nnetup == 2 && l->l_nnet == 1;
}

LOOP_TEST(net_restart)
{
	struct sim_net *n = loop_net(l, SIM_NET_ECHO);
	uint8_t *buf = loop_pages(1);

	net_send_one(l, n, buf, 500, 1);
	sim_net_restart(n);
	assert_true(loop_until(l, net_up_twice));
	loop_fill(buf, 500, 1);
	net_send_one(l, n, buf, 500, 1);
	sim_run(l->l_sim, SIM_S);
	assert_memory_equal(l->l_frame, buf, 500);
	loop_pages_free(buf, 1);
}

static unsigned int net_nchange, net_nannounce;

static void
net_change(struct pv_net *nt)
{
	(void)nt;
	net_nchange++;
}

static void
net_announce(struct pv_net *nt)
{
	(void)nt;
	net_nannounce++;
}

/*
 * The back end's domain ends, and it comes back in another: packets get lost
 * meanwhile, the interface stays and works again.
 */
LOOP_TEST(net_back_elsewhere)
{
	struct sim_net *n = loop_net(l, SIM_NET_ECHO);
	uint8_t *buf = loop_pages(1);
	struct loop_pkt lp;
	unsigned int round;

	l->l_net[0]->nt_change = net_change;
	l->l_net[0]->nt_announce = net_announce;
	for (round = 0; round < 5; round++) {
		net_nchange = net_nannounce = 0;
		net_send_one(l, n, buf, 500, 1);
		sim_net_hold(n, true);
		assert_int_equal(loop_send(l->l_net[0], &lp, buf, 100, 1), 0);
		sim_run(l->l_sim, SIM_MS);
		sim_net_die(n);
		sim_net_hold(n, false);
		assert_int_equal(loop_wait_sent(l, &lp), -PV_ENXIO);
		sim_run(l->l_sim, SIM_S);
		assert_false(l->l_net[0]->nt_link);
		assert_int_equal(loop_send(l->l_net[0], &lp, buf, 100, 1),
		    -PV_ENXIO);
		sim_net_revive(n, (uint16_t)(sim_net_home(n) + round % 2));
		assert_true(loop_wait_state(l, "vif/0", "connected"));
		sim_run(l->l_sim, SIM_S);
		assert_true(l->l_net[0]->nt_link);
		assert_true(net_nchange >= 2);
		assert_int_equal(net_nannounce, 1);
		loop_fill(buf, 500, round);
		net_send_one(l, n, buf, 500, 1);
		sim_run(l->l_sim, SIM_S);
		assert_memory_equal(l->l_frame, buf, 500);
	}
	assert_int_equal(l->l_nnetup, 1);
	loop_pages_free(buf, 1);
}

LOOP_TEST(net_plug_rounds)
{
	struct sim_net_cfg cfg = { .nc_devid = 3, .nc_flags = SIM_NET_ECHO };
	unsigned int nalloc = 0, npage = 0, nport = 0, nwatch = 0, i;
	uint8_t *buf = loop_pages(1);
	struct sim_net *n;

	for (i = 0; i < 21; i++) {
		/* What grows with the first device stays. */
		if (i == 1) {
			nalloc = sim_nalloc(l->l_sim);
			npage = sim_npage(l->l_sim);
			nport = sim_dom_nport(l->l_dom);
			nwatch = sim_dom_nwatch(l->l_dom);
		}
		n = sim_net_create(l->l_dom, &cfg);
		assert_true(loop_nets(l, 1));
		net_send_one(l, n, buf, 1000, 1);
		if (i % 3 == 2)
			sim_net_vanish(n);
		else
			sim_net_unplug(n);
		assert_true(loop_nets(l, 0));
		assert_true(loop_wait_state(l, "vif/3", ""));
		sim_run(l->l_sim, 5 * SIM_S);
	}
	assert_int_equal(sim_npage(l->l_sim), npage);
	assert_int_equal(sim_nalloc(l->l_sim), nalloc);
	assert_int_equal(sim_dom_nport(l->l_dom), nport);
	assert_int_equal(sim_dom_nwatch(l->l_dom), nwatch);
	assert_int_equal(sim_dom_ngrant(l->l_dom), 0);
	loop_pages_free(buf, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(net_describes),
		cmocka_unit_test(net_sends),
		cmocka_unit_test(net_sends_pieces),
		cmocka_unit_test(net_receives),
		cmocka_unit_test(net_receives_burst),
		cmocka_unit_test(net_receives_pieces),
		cmocka_unit_test(net_echo),
		cmocka_unit_test(net_sends_many),
		cmocka_unit_test(net_refuses_nonsense),
		cmocka_unit_test(net_blank_checksum),
		cmocka_unit_test(net_without_sg),
		cmocka_unit_test(net_untrusted),
		cmocka_unit_test(net_unplug),
		cmocka_unit_test(net_unplug_in_flight),
		cmocka_unit_test(net_vanish_in_flight),
		cmocka_unit_test(net_restart_in_flight),
		cmocka_unit_test(net_restart),
		cmocka_unit_test(net_back_elsewhere),
		cmocka_unit_test(net_plug_rounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
