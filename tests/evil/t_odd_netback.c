/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_odd_netback.c -- front ends that do not lie to netback, but are odd:
 * requests shown one by one, headers in many slots, no events.
 *
 * The front end is the test itself, in domain 1, with its own hands.
 */

#include "loop/puppet.h"
#include "shm.h"

/* Headers spread over as many slots as there may be, shown one by one. */
LOOP_TEST(odd_header_split)
{
	uint8_t want[2000];
	unsigned int i, n, at;

	pu_open(l);
	pu_connect(l, NULL);
	for (n = 2; n <= 18; n += 4) {
		pu_tcp(want, sizeof(want));
		for (i = 0, at = 0; i < n; i++) {
			unsigned int len = i == 0 ? 14 :
			    i + 1 < n ? 2 : 2000 - at;

			memcpy(pu.pu_data + i * 4096 + 100 * i, want + at,
			    len);
			pu_slot((uint16_t)(100 * i), (uint16_t)(i == 0 ? 2000 :
			    len), (uint16_t)((i + 1 < n ? NETTXF_more_data :
			    0) | (i == 0 ? NETTXF_csum_blank : 0)), i);
			at += len;
			pu_push(TX);
			sim_run(l->l_sim, 100000);
		}
		assert_int_equal(pu_status(n), NETIF_RSP_OKAY);
		assert_int_equal(pu_back.nb_loop.l_framelen, 2000);
		assert_memory_equal(pu_back.nb_loop.l_frame, want,
		    sizeof(want));
		assert_int_equal(pu_back.nb_loop.l_frameflags,
		    PV_NET_CSUM_BLANK);
	}
	pu_close(l);
}

/* Multicast that the guest asked for, and no other. */
LOOP_TEST(odd_multicast)
{
	static const uint8_t group[6] = { 1, 0, 0x5e, 0, 0, 5 };
	struct loop_pkt lp;
	unsigned int i;

	pu_open(l);
	pu_connect(l, NULL);
	memcpy(pu.pu_frame, group, 6);
	for (i = 0; i < 8; i++)
		pu_buffer(pu.pu_ref[i]);
	pu_push(RX);
	assert_int_equal(nback_send(&pu_back, &lp, pu.pu_frame, 100, 1), 0);
	assert_int_equal(loop_wait_sent(l, &lp), 0);
	assert_int_equal(pu_received(0).status, 100);
	pu_num("request-multicast-control", 1);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(nback_send(&pu_back, &lp, pu.pu_frame, 100, 1), 0);
	assert_int_equal(loop_wait_sent(l, &lp), 0);
	assert_int_equal(pu_back.nb_loop.l_net[0]->nt_guest->ng_nfilter, 1);
	pu_group(XEN_NETIF_EXTRA_TYPE_MCAST_ADD, 5);
	assert_int_equal(pu_status(2), NETIF_RSP_OKAY);
	assert_int_equal(nback_send(&pu_back, &lp, pu.pu_frame, 100, 1), 0);
	assert_int_equal(loop_wait_sent(l, &lp), 0);
	assert_int_equal(pu_received(1).status, 100);
	pu_group(XEN_NETIF_EXTRA_TYPE_MCAST_DEL, 5);
	assert_int_equal(pu_status(2), NETIF_RSP_OKAY);
	assert_int_equal(nback_send(&pu_back, &lp, pu.pu_frame, 100, 1), 0);
	assert_int_equal(loop_wait_sent(l, &lp), 0);
	assert_int_equal(pu_back.nb_loop.l_net[0]->nt_guest->ng_nfilter, 2);
	/* More than there is room for. */
	for (i = 0; i < 64; i++)
		pu_group(XEN_NETIF_EXTRA_TYPE_MCAST_ADD, (uint8_t)i);
	assert_int_equal(pu_status(2), NETIF_RSP_OKAY);
	pu_group(XEN_NETIF_EXTRA_TYPE_MCAST_ADD, 64);
	assert_int_equal(pu_status(2), NETIF_RSP_ERROR);
	memset(pu.pu_frame, 0xff, 6);
	assert_int_equal(nback_send(&pu_back, &lp, pu.pu_frame, 100, 1), 0);
	assert_int_equal(loop_wait_sent(l, &lp), 0);
	assert_int_equal(pu_received(2).status, 100);
	pu_works();
	pu_close(l);
}

static const char *const slow[] = { "rate", "10000,100000", NULL };

/* 100 kB/s: 60 packets of 1000 bytes take more than half a second. */
LOOP_TEST(odd_rate)
{
	unsigned int i;
	uint64_t start;

	pu_open(l);
	pu_connect(l, slow);
	start = sim_now();
	for (i = 0; i < 60; i++)
		pu_slot(0, 1000, 0, i % NDATA);
	assert_int_equal(pu_status(1), NETIF_RSP_OKAY);
	assert_in_range(sim_now() - start, 390 * SIM_MS, 900 * SIM_MS);
	assert_int_equal(pu_back.nb_loop.l_nframe, 60);
	assert_true(pu_back.nb_loop.l_net[0]->nt_guest->ng_nlate > 0);
	pu_close(l);
}

static void
odd_silent(struct loop *l)
{
	pu_open(l);
	nback_plug(&pu_back, 0, NULL);
	assert_true(pu_wait_state("2"));
	pu_fresh();
	pu_keys();
	pu_num("feature-rx-notify", 0);
	pu_num("state", 4);
	assert_true(sim_until(l->l_sim, pu_announced, NULL, 60 * SIM_S));
}

/* No events for buffers: they are found all the same. */
LOOP_TEST(odd_no_notify)
{
	struct loop_pkt lp;

	odd_silent(l);
	assert_int_equal(nback_send(&pu_back, &lp, pu.pu_frame, 100, 1), 0);
	sim_run(l->l_sim, 500 * SIM_MS);
	assert_int_equal(lp.lp_ndone, 0);
	pu_buffer(pu.pu_ref[0]);
	shm_store_release32(pu_index(RX, 0), pu.pu_prod[RX]);
	sim_run(l->l_sim, 100 * SIM_MS);
	assert_int_equal(lp.lp_ndone, 1);
	assert_int_equal(lp.lp_rv, 0);
	pu_close(l);
}

/* Many at once, for more packets than one run takes: none is forgotten. */
LOOP_TEST(odd_no_notify_many)
{
	static struct loop_pkt lp[200];
	unsigned int i;

	odd_silent(l);
	for (i = 0; i < 200; i++)
		assert_int_equal(nback_send(&pu_back, &lp[i], pu.pu_frame, 100,
		    1), 0);
	sim_run(l->l_sim, 100 * SIM_MS);
	for (i = 0; i < 200; i++)
		pu_buffer(pu.pu_ref[i % NDATA]);
	shm_store_release32(pu_index(RX, 0), pu.pu_prod[RX]);
	sim_run(l->l_sim, SIM_S);
	for (i = 0; i < 200; i++) {
		assert_int_equal(lp[i].lp_ndone, 1);
		assert_int_equal(lp[i].lp_rv, 0);
	}
	pu_close(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(odd_header_split),
		cmocka_unit_test(odd_multicast),
		cmocka_unit_test(odd_rate),
		cmocka_unit_test(odd_no_notify),
		cmocka_unit_test(odd_no_notify_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
