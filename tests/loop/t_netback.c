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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(netback_describes),
		cmocka_unit_test(netback_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
