/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_netback.c -- netback in one guest, netfront in another: each sends what
 * the other receives.
 */

#include <stdio.h>

#include "nback.h"

static struct nback b;

static void
t_open(struct loop *l, const char *const *keys)
{
	nback_begin(&b, l);
	nback_attach(&b);
	assert_int_equal(b.nb_loop.l_attached, 0);
	nback_plug(&b, 0, keys);
	assert_true(nback_up(&b, 1));
}

static void
t_close(struct loop *l)
{
	nback_unplug(&b, 0);
	assert_true(nback_up(&b, 0));
	assert_true(nback_unplugged(&b, 0));
	assert_int_equal(sim_dom_nmapped(l->l_dom), 0);
	nback_close(&b);
}

static const struct pv_net_guest *
t_guest(void)
{
	return b.nb_loop.l_net[0]->nt_guest;
}

static unsigned int want;

static bool
t_got_back(struct loop *l)
{
	return b.nb_loop.l_nframe >= want;
}

static bool
t_got_front(struct loop *l)
{
	return l->l_nframe >= want;
}

/* From the guest; received as it was sent. */
static void
t_out(struct loop *l, struct loop_pkt *lp)
{
	unsigned int i;
	size_t at = 0;

	want = b.nb_loop.l_nframe + 1;
	assert_int_equal(pv_net_send(l->l_net[0], &lp->lp_np), 0);
	assert_int_equal(loop_wait_sent(l, lp), 0);
	assert_true(loop_until(l, t_got_back));
	assert_int_equal(b.nb_loop.l_framelen, lp->lp_np.np_len);
	for (i = 0; i < lp->lp_np.np_niov; i++) {
		assert_memory_equal(b.nb_loop.l_frame + at,
		    lp->lp_iov[i].iov_base, lp->lp_iov[i].iov_len);
		at += lp->lp_iov[i].iov_len;
	}
	assert_int_equal(b.nb_loop.l_framegso, lp->lp_np.np_gso_size);
	assert_int_equal(b.nb_loop.l_frametype, lp->lp_np.np_gso_type);
}

/* To the guest. */
static void
t_in(struct loop *l, struct loop_pkt *lp)
{
	unsigned int i;
	size_t at = 0;

	want = l->l_nframe + 1;
	sim_enter(b.nb_loop.l_dom);
	assert_int_equal(pv_net_send(b.nb_loop.l_net[0], &lp->lp_np), 0);
	sim_enter(l->l_dom);
	assert_int_equal(loop_wait_sent(l, lp), 0);
	assert_true(loop_until(l, t_got_front));
	assert_int_equal(l->l_framelen, lp->lp_np.np_len);
	for (i = 0; i < lp->lp_np.np_niov; i++) {
		assert_memory_equal(l->l_frame + at, lp->lp_iov[i].iov_base,
		    lp->lp_iov[i].iov_len);
		at += lp->lp_iov[i].iov_len;
	}
	assert_int_equal(l->l_framegso, lp->lp_np.np_gso_size);
	assert_int_equal(l->l_frametype, lp->lp_np.np_gso_type);
}

LOOP_TEST(netback_describes)
{
	struct pv_net *nt;

	t_open(l, NULL);
	nt = b.nb_loop.l_net[0];
	assert_string_equal(nt->nt_name, "vif1.0");
	assert_int_equal(nt->nt_mtu, 1500);
	assert_true(nt->nt_link);
	assert_int_equal(t_guest()->ng_domid, 1);
	assert_int_equal(t_guest()->ng_devid, 0);
	assert_memory_equal(t_guest()->ng_mac, l->l_net[0]->nt_mac, 6);
	assert_memory_not_equal(nt->nt_mac, l->l_net[0]->nt_mac, 6);
	assert_int_equal(nt->nt_npair, 4);
	assert_int_equal(l->l_net[0]->nt_npair, 4);
	assert_int_equal(nt->nt_offload, l->l_net[0]->nt_offload);
	assert_int_equal(nt->nt_offload, PV_NET_CAN_CSUM4 | PV_NET_CAN_CSUM6 |
	    PV_NET_CAN_TSO4 | PV_NET_CAN_TSO6 | PV_NET_CAN_SG);
	assert_string_equal(nback_key(&b, 0, "hotplug-status"), "connected");
	assert_string_equal(nback_key(&b, 0, "state"), "4");
	t_close(l);
}

/* Every length, in any number of pieces, both ways. */
LOOP_TEST(netback_data)
{
	uint8_t *buf = loop_pages(20);
	struct loop_pkt lp;
	unsigned int i;
	size_t len;

	t_open(l, NULL);
	loop_fill(buf, 20 * 4096, 3);
	for (i = 0; i < 60; i++) {
		len = i < 40 ? 20 + 37 * i : 1514 + (i - 40) * 3200;
		loop_packet(&lp, buf + 61 * i, len, 1 + i % 18 <= len / 14 ?
		    1 + i % 18 : 1);
		t_out(l, &lp);
		loop_packet(&lp, buf + 61 * i, len, 1 + i % 18);
		t_in(l, &lp);
	}
	assert_int_equal(b.nb_loop.l_net[0]->nt_rxpkt, 60);
	assert_int_equal(b.nb_loop.l_net[0]->nt_txpkt, 60);
	assert_int_equal(b.nb_loop.l_net[0]->nt_rxdrop, 0);
	assert_int_equal(b.nb_loop.l_net[0]->nt_txdrop, 0);
	loop_pages_free(buf, 20);
	t_close(l);
}

/* TCP over IPv4 or IPv6, of len bytes in all. */
static void
t_tcp(uint8_t *p, size_t len, bool six)
{
	unsigned int ip = 14, tcp = six ? 54 : 34;

	loop_fill(p, len, 11);
	memset(p, 0, tcp + 20);
	p[12] = six ? 0x86 : 8;
	p[13] = six ? 0xdd : 0;
	p[ip] = six ? 0x60 : 0x45;
	p[six ? ip + 6 : ip + 9] = 6;
	p[tcp + 12] = 0x50;
}

/* Blank checksums and trains of segments, of both versions, both ways. */
LOOP_TEST(netback_offloads)
{
	uint8_t *buf = loop_pages(17);
	struct loop_pkt lp;
	unsigned int i;

	t_open(l, NULL);
	for (i = 0; i < 4; i++) {
		t_tcp(buf, 17 * 4096, i % 2 != 0);
		loop_packet(&lp, buf, i < 2 ? 1514 : 65000, 1);
		lp.lp_np.np_flags = PV_NET_CSUM_BLANK;
		if (i >= 2) {
			lp.lp_np.np_gso_size = 1400;
			lp.lp_np.np_gso_type = i % 2 != 0 ? PV_NET_GSO_TCP6 :
			    PV_NET_GSO_TCP4;
		}
		t_out(l, &lp);
		assert_int_equal(b.nb_loop.l_frameflags, PV_NET_CSUM_BLANK);
		lp.lp_ndone = 0;
		t_in(l, &lp);
		assert_int_equal(l->l_frameflags, PV_NET_CSUM_BLANK);
	}
	assert_int_equal(b.nb_loop.l_net[0]->nt_rxgso, 2);
	assert_int_equal(b.nb_loop.l_net[0]->nt_txgso, 2);
	/* What nobody can send. */
	lp.lp_np.np_flags = 0;
	sim_enter(b.nb_loop.l_dom);
	assert_int_equal(pv_net_send(b.nb_loop.l_net[0], &lp.lp_np),
	    -PV_EINVAL);
	lp.lp_np.np_flags = PV_NET_CSUM_BLANK;
	lp.lp_np.np_gso_type = PV_NET_GSO_UDP;
	assert_int_equal(pv_net_send(b.nb_loop.l_net[0], &lp.lp_np),
	    -PV_EINVAL);
	sim_enter(l->l_dom);
	loop_pages_free(buf, 17);
	t_close(l);
}

/* One queue, by either side's wish. */
LOOP_TEST(netback_one_queue)
{
	uint8_t *buf = loop_pages(1);
	struct loop_pkt lp;

	nback_begin(&b, l);
	loop_set(&b.nb_loop, "netback.queues", "1");
	nback_attach(&b);
	nback_plug(&b, 0, NULL);
	assert_true(nback_up(&b, 1));
	assert_int_equal(b.nb_loop.l_net[0]->nt_npair, 1);
	assert_string_equal(nback_key(&b, 0, "multi-queue-max-queues"), "1");
	loop_fill(buf, 4096, 1);
	loop_packet(&lp, buf, 1000, 2);
	t_out(l, &lp);
	loop_packet(&lp, buf, 1000, 2);
	t_in(l, &lp);
	loop_pages_free(buf, 1);
	t_close(l);
}

/* Packets of many connections arrive, whichever queues these take. */
LOOP_TEST(netback_queues)
{
	uint8_t *buf = loop_pages(1);
	struct loop_pkt lp;
	unsigned int i;

	t_open(l, NULL);
	sim_run(l->l_sim, SIM_S);		/* for the control ring */
	for (i = 0; i < 40; i++) {
		t_tcp(buf, 200, false);
		buf[35] = (uint8_t)i;			/* the port */
		loop_packet(&lp, buf, 200, 1);
		t_out(l, &lp);
		loop_packet(&lp, buf, 200, 1);
		t_in(l, &lp);
	}
	/* Where there are several, the guest asked for hashes. */
	assert_int_equal(l->l_net[0]->nt_rxhash,
	    l->l_net[0]->nt_npair > 1 ? 40 : 0);
	loop_pages_free(buf, 1);
	t_close(l);
}

/* Hundreds at once: nothing is lost, nobody is forgotten. */
LOOP_TEST(netback_many)
{
	static struct loop_pkt lp[600];
	uint8_t *buf = loop_pages(1);
	unsigned int i, n = 0, done = 0;

	t_open(l, NULL);
	t_tcp(buf, 1000, false);
	for (i = 0; i < 600; i++) {
		if (nback_send(&b, &lp[n], buf, 1000, 1) == 0)
			n++;
		else
			sim_run(l->l_sim, SIM_MS);
	}
	sim_run(l->l_sim, SIM_S);
	for (i = 0; i < n; i++) {
		assert_int_equal(lp[i].lp_ndone, 1);
		done += lp[i].lp_rv == 0;
	}
	assert_int_equal(done, n);
	assert_int_equal(l->l_nframe, n);
	loop_pages_free(buf, 1);
	t_close(l);
}

static const char *const jumbo[] = { "mtu", "9000", NULL };

LOOP_TEST(netback_jumbo)
{
	uint8_t *buf = loop_pages(3);
	struct loop_pkt lp;

	t_open(l, jumbo);
	assert_int_equal(b.nb_loop.l_net[0]->nt_mtu, 9000);
	loop_fill(buf, 3 * 4096, 7);
	loop_packet(&lp, buf + 100, 9014, 5);
	t_in(l, &lp);
	loop_packet(&lp, buf + 100, 9014, 5);
	t_out(l, &lp);
	loop_pages_free(buf, 3);
	t_close(l);
}

/* Taken away while packets are under way. */
LOOP_TEST(netback_unplug_busy)
{
	static struct loop_pkt lp[64];
	uint8_t *buf = loop_pages(1);
	unsigned int i, n;

	t_open(l, NULL);
	for (n = 0; n < 64; n++)
		assert_int_equal(nback_send(&b, &lp[n], buf, 100, 1), 0);
	nback_unplug(&b, 0);
	assert_true(nback_up(&b, 0));
	for (i = 0; i < n; i++) {
		assert_int_equal(lp[i].lp_ndone, 1);
		assert_true(lp[i].lp_rv == 0 || lp[i].lp_rv == -PV_ENXIO);
	}
	assert_true(nback_unplugged(&b, 0));
	loop_pages_free(buf, 1);
	nback_close(&b);
}

/* The guest is destroyed; another one has the interface. */
LOOP_TEST(netback_guest_dies)
{
	uint8_t *buf = loop_pages(1);
	struct loop_pkt lp;
	char path[96];

	t_open(l, NULL);
	assert_int_equal(nback_send(&b, &lp, buf, 100, 1), 0);
	nback_front(&b, path, sizeof(path), 0, "");
	sim_store_rm(l->l_sim, path);
	assert_true(nback_up(&b, 0));
	assert_int_equal(lp.lp_ndone, 1);
	nback_unplug(&b, 0);
	assert_true(nback_unplugged(&b, 0));
	assert_int_equal(sim_dom_nmapped(l->l_dom), 0);
	nback_plug(&b, 0, NULL);
	assert_true(nback_up(&b, 1));
	loop_fill(buf, 4096, 1);
	loop_packet(&lp, buf, 1000, 2);
	t_out(l, &lp);
	loop_pages_free(buf, 1);
	t_close(l);
}

/* We end without a word, and come again: the guest goes on. */
LOOP_TEST(netback_restart)
{
	uint8_t *buf = loop_pages(1);
	struct loop_pkt lp;

	t_open(l, NULL);
	sim_store_rm(l->l_sim, "/local/domain/2/backend");
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(b.nb_loop.l_nnet, 0);
	assert_int_equal(l->l_nnet, 1);
	assert_false(l->l_net[0]->nt_link);
	nback_plug(&b, 0, NULL);
	assert_true(nback_up(&b, 1));
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_nnetup, 1);
	assert_int_equal(l->l_nannounce, 1);
	loop_fill(buf, 4096, 1);
	loop_packet(&lp, buf, 1000, 2);
	t_out(l, &lp);
	loop_pages_free(buf, 1);
	t_close(l);
}

/* A rule that makes no sense lets nobody in. */
LOOP_TEST(netback_rules)
{
	static const char *const bad[][3] = {
		{ "ip", "10.0.0.256", NULL }, { "rate", "10MB/s", NULL }
	};
	unsigned int i;

	nback_begin(&b, l);
	nback_attach(&b);
	for (i = 0; i < 2; i++) {
		nback_plug(&b, i, bad[i]);
		sim_run(l->l_sim, 5 * SIM_S);
		assert_string_equal(nback_key(&b, i, "state"), "1");
		assert_int_equal(sim_nlog(PV_LOG_ERR), i + 1);
		nback_unplug(&b, i);
		assert_true(nback_unplugged(&b, i));
	}
	nback_close(&b);
}

/* We go first. */
LOOP_TEST(netback_detach)
{
	t_open(l, NULL);
	nback_close(&b);
	assert_true(loop_wait_state(l, "vif/0", "waiting"));
	assert_int_equal(sim_dom_nmapped(l->l_dom), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(netback_describes),
		cmocka_unit_test(netback_data),
		cmocka_unit_test(netback_offloads),
		cmocka_unit_test(netback_one_queue),
		cmocka_unit_test(netback_queues),
		cmocka_unit_test(netback_many),
		cmocka_unit_test(netback_jumbo),
		cmocka_unit_test(netback_unplug_busy),
		cmocka_unit_test(netback_guest_dies),
		cmocka_unit_test(netback_restart),
		cmocka_unit_test(netback_rules),
		cmocka_unit_test(netback_detach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
