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

/* A frame to the guest comes with its hash: the type, and the value. */
static void
odd_told(struct loop *l, unsigned int n, uint8_t type, uint32_t value)
{
	struct netif_extra_info ei;
	struct loop_pkt lp;
	unsigned int i;

	assert_int_equal(nback_send(&pu_back, &lp, pu.pu_frame, 200, 1), 0);
	assert_int_equal(loop_wait_sent(l, &lp), 0);
	assert_int_equal(pu_received(n).status, 200);
	assert_int_equal(pu_received(n).flags, NETRXF_extra_info);
	shm_copy_in(&ei, pu.pu_ring[RX] + 64 + (n + 1) * 8, sizeof(ei));
	assert_int_equal(ei.type, XEN_NETIF_EXTRA_TYPE_HASH);
	assert_int_equal(ei.flags, 0);
	assert_int_equal(ei.u.hash.type, type);
	assert_int_equal(ei.u.hash.algorithm,
	    XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ);
	for (i = 0; i < 4; i++)
		assert_int_equal(ei.u.hash.value[i], value >> 8 * i & 255);
}

/* The key, a connection and its hashes are those that adapters' makers verify
   theirs with. */
LOOP_TEST(odd_hash)
{
	static const uint8_t key[40] = {
		0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2,
		0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
		0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4,
		0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
		0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa
	}, ends[12] = { 66, 9, 149, 187, 161, 142, 100, 80, 2794 >> 8,
		2794 & 255, 1766 >> 8, 1766 & 255 };
	unsigned int i;

	pu_open(l);
	pu.pu_ctls = true;
	pu_connect(l, NULL);
	memcpy(pu.pu_data, key, sizeof(key));
	assert_int_equal(pu_order(XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM,
	    XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ, 0, 0), 0);
	assert_int_equal(pu_order(XEN_NETIF_CTRL_TYPE_SET_HASH_KEY,
	    gref_x(pu.pu_ref[0]), 40, 0), 0);
	for (i = 0; i < 8; i++)
		pu_buffer(pu.pu_ref[i]);
	pu_push(RX);
	pu_tcp(pu.pu_frame, 200);
	memcpy(pu.pu_frame + 26, ends, sizeof(ends));
	pu_gets(l, 0, 200);			/* no type: none */
	assert_int_equal(pu_received(0).flags, 0);
	assert_int_equal(pu_order(XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS,
	    XEN_NETIF_CTRL_HASH_TYPE_IPV4 | XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP,
	    0, 0), 0);
	odd_told(l, 1, _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP, 0x51ccc178);
	assert_int_equal(pu_order(XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS,
	    XEN_NETIF_CTRL_HASH_TYPE_IPV4, 0, 0), 0);
	odd_told(l, 3, _XEN_NETIF_CTRL_HASH_TYPE_IPV4, 0x323e8fc2);
	assert_int_equal(pu_order(XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS,
	    XEN_NETIF_CTRL_HASH_TYPE_IPV6, 0, 0), 0);
	pu_gets(l, 5, 200);			/* this one is of IPv4 */
	assert_int_equal(pu_received(5).flags, 0);
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
		cmocka_unit_test(odd_hash),
		cmocka_unit_test(odd_rate),
		cmocka_unit_test(odd_no_notify),
		cmocka_unit_test(odd_no_notify_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
