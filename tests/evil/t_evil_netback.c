/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_evil_netback.c -- front ends that lie to netback.
 *
 * The front end is the test itself, in domain 1, with its own hands.
 */

#include <stdio.h>

#include "loop/puppet.h"
#include "shm.h"

/* ---- lies that break it ------------------------------------------------ */

LOOP_TEST(evil_tx_prod_jump)
{
	pu_open(l);
	pu_connect(l, NULL);
	pu.pu_prod[TX] = 257;
	pu_broken_by(l);
}

LOOP_TEST(evil_tx_prod_back)
{
	pu_open(l);
	pu_connect(l, NULL);
	pu_works();
	pu.pu_prod[TX] -= 1;
	pu_broken_by(l);
}

LOOP_TEST(evil_rx_prod_jump)
{
	struct loop_pkt lp;

	pu_open(l);
	pu_connect(l, NULL);
	pu.pu_prod[RX] = 1000;
	pu_push(RX);
	assert_int_equal(nback_send(&pu_back, &lp, pu.pu_frame, 300, 1), 0);
	assert_int_equal(loop_wait_sent(l, &lp), -PV_ENXIO);
	pu_broken(l);
}

/* Out of its page: by the offset, by the size, by both, in a later slot. */
static void
evil_page(struct loop *l, uint16_t off, uint16_t size, bool later)
{
	pu_open(l);
	pu_connect(l, NULL);
	if (later)
		pu_slot(0, (uint16_t)(100 + size), NETTXF_more_data, 0);
	pu_slot(off, size, 0, 1);
	pu_broken_by(l);
}

LOOP_TEST(evil_offset)
{
	evil_page(l, 4096, 60, false);
}

LOOP_TEST(evil_offset_huge)
{
	evil_page(l, 65535, 60, true);
}

LOOP_TEST(evil_size)
{
	evil_page(l, 0, 4097, false);
}

LOOP_TEST(evil_both)
{
	evil_page(l, 4090, 7, true);
}

LOOP_TEST(evil_slots)
{
	unsigned int i;

	pu_open(l);
	pu_connect(l, NULL);
	pu_slot(0, 1000, NETTXF_more_data, 0);
	for (i = 0; i < 20; i++)
		pu_slot(0, 10, NETTXF_more_data, 1);
	pu_broken_by(l);
}

/* Extra info that is none, or that has no end. */
static void
evil_extra(struct loop *l, uint8_t type, uint8_t flags, uint16_t size,
    uint8_t gso)
{
	unsigned int i;

	pu_open(l);
	pu_connect(l, NULL);
	pu_slot(0, 1000, NETTXF_extra_info | NETTXF_csum_blank, 0);
	for (i = 0; i < (flags != 0 ? 5u : 1u); i++)
		pu_extra(type, flags, size, gso);
	pu_broken_by(l);
}

LOOP_TEST(evil_extra_none)
{
	evil_extra(l, XEN_NETIF_EXTRA_TYPE_NONE, 0, 0, 0);
}

LOOP_TEST(evil_extra_type)
{
	evil_extra(l, 200, 0, 0, 0);
}

LOOP_TEST(evil_extra_endless)
{
	evil_extra(l, XEN_NETIF_EXTRA_TYPE_HASH, XEN_NETIF_EXTRA_FLAG_MORE, 0,
	    0);
}

LOOP_TEST(evil_gso_size)
{
	evil_extra(l, XEN_NETIF_EXTRA_TYPE_GSO, 0, 0,
	    XEN_NETIF_GSO_TYPE_TCPV4);
}

LOOP_TEST(evil_gso_type)
{
	evil_extra(l, XEN_NETIF_EXTRA_TYPE_GSO, 0, 1460, 3);
}

/* ---- lies that lose a packet ------------------------------------------- */

LOOP_TEST(evil_lengths)
{
	unsigned int i;

	pu_open(l);
	pu_connect(l, NULL);
	pu_slot(0, 13, 0, 0);			/* no Ethernet header */
	assert_int_equal(pu_status(1), NETIF_RSP_ERROR);
	pu_slot(0, 0, 0, 0);
	assert_int_equal(pu_status(1), NETIF_RSP_ERROR);
	pu_slot(0, 100, NETTXF_more_data, 0);	/* less than its parts */
	pu_slot(0, 101, 0, 1);
	assert_int_equal(pu_status(2), NETIF_RSP_ERROR);
	pu_slot(0, 100, NETTXF_more_data, 0);	/* all of it elsewhere */
	pu_slot(0, 100, 0, 1);
	assert_int_equal(pu_status(1), NETIF_RSP_ERROR);
	pu_slot(0, 1000, NETTXF_more_data, 0);	/* 19 slots */
	for (i = 0; i < 18; i++)
		pu_slot(0, 10, i < 17 ? NETTXF_more_data : 0, 1);
	assert_int_equal(pu_status(19), NETIF_RSP_ERROR);
	assert_int_equal(pu_back.nb_loop.l_nframe, 0);
	assert_int_equal(pu_back.nb_loop.l_net[0]->nt_guest->ng_nbad, 5);
	pu_works();
	assert_int_equal(sim_nlog(PV_LOG_ERR), 0);
	pu_close(l);
}

LOOP_TEST(evil_gref_bad)
{
	struct netif_tx_request req = { .gref = 1u << 20, .size = 60 };

	pu_open(l);
	pu_connect(l, NULL);
	req.id = (uint16_t)(100 + pu.pu_prod[TX]);
	pu_put(TX, &req);
	assert_int_equal(pu_status(1), NETIF_RSP_ERROR);
	/* The packets before and after it in one batch are not touched. */
	pu_tcp(pu.pu_data, 200);
	pu_slot(0, 200, 0, 0);
	req.id = (uint16_t)(100 + pu.pu_prod[TX]);
	pu_put(TX, &req);
	pu_slot(0, 200, 0, 0);
	assert_int_equal(pu_status(2), NETIF_RSP_ERROR);
	assert_int_equal(pu_back.nb_loop.l_nframe, 2);
	pu_works();
	pu_close(l);
}

/* Marks that the packet does not bear out. */
LOOP_TEST(evil_marks)
{
	pu_open(l);
	pu_connect(l, NULL);
	loop_fill(pu.pu_data, 4096, 5);
	memset(pu.pu_data + 12, 0xff, 2);
	pu_slot(0, 1000, NETTXF_csum_blank, 0);		/* no IP */
	assert_int_equal(pu_status(1), NETIF_RSP_ERROR);
	pu_tcp(pu.pu_data, 4096);
	pu_slot(0, 50, NETTXF_csum_blank, 0);		/* TCP cut short */
	assert_int_equal(pu_status(1), NETIF_RSP_ERROR);
	pu_slot(0, 3000, NETTXF_extra_info, 0);		/* not blank */
	pu_extra(XEN_NETIF_EXTRA_TYPE_GSO, 0, 500, XEN_NETIF_GSO_TYPE_TCPV4);
	assert_int_equal(pu_status(2), NETIF_RSP_ERROR);
	pu_slot(0, 3000, NETTXF_extra_info | NETTXF_csum_blank, 0);
	pu_extra(XEN_NETIF_EXTRA_TYPE_GSO, 0, 500, XEN_NETIF_GSO_TYPE_TCPV6);
	assert_int_equal(pu_status(2), NETIF_RSP_ERROR);
	pu_slot(0, 3000, NETTXF_extra_info | NETTXF_csum_blank, 0);
	pu_extra(XEN_NETIF_EXTRA_TYPE_GSO, 0, 1, XEN_NETIF_GSO_TYPE_TCPV4);
	assert_int_equal(pu_status(2), NETIF_RSP_ERROR);
	assert_int_equal(pu_back.nb_loop.l_nframe, 0);
	/* One segment is none; three are. */
	pu_slot(0, 400, NETTXF_extra_info | NETTXF_csum_blank, 0);
	pu_extra(XEN_NETIF_EXTRA_TYPE_GSO, 0, 500, XEN_NETIF_GSO_TYPE_TCPV4);
	assert_int_equal(pu_status(1), NETIF_RSP_NULL);
	assert_int_equal(pu_back.nb_loop.l_framegso, 0);
	pu_slot(0, 1200, NETTXF_extra_info | NETTXF_csum_blank, 0);
	pu_extra(XEN_NETIF_EXTRA_TYPE_GSO, 0, 500, XEN_NETIF_GSO_TYPE_TCPV4);
	assert_int_equal(pu_status(2), NETIF_RSP_OKAY);
	assert_int_equal(pu_back.nb_loop.l_framegso, 500);
	assert_int_equal(pu_back.nb_loop.l_frametype, PV_NET_GSO_TCP4);
	assert_int_equal(pu_back.nb_loop.l_frameflags, PV_NET_CSUM_BLANK);
	pu_close(l);
}

/* Written over once it was taken: what was taken counts. */
LOOP_TEST(evil_changed_after_read)
{
	uint8_t want[3000];
	unsigned int i;

	pu_open(l);
	pu_connect(l, NULL);
	pu_tcp(pu.pu_data, 3000);
	memcpy(want, pu.pu_data, sizeof(want));
	pu_slot(0, 3000, NETTXF_more_data, 0);
	pu_slot(1000, 2000, 0, 0);
	/* Two slots, shown apart: the first is the ring's no more. */
	shm_store_release32(pu_index(TX, 0), 1);
	evtchn_notify(&pu.pu_eh);
	sim_run(l->l_sim, SIM_S);
	for (i = 64; i < 76; i++)
		shm_write8(pu.pu_ring[TX] + i, 0xff);
	assert_int_equal(pu_status(1), NETIF_RSP_OKAY);
	memset(pu.pu_data, 0, 4096);
	assert_int_equal(pu_back.nb_loop.l_framelen, 3000);
	assert_memory_equal(pu_back.nb_loop.l_frame, want, 3000);
	pu_close(l);
}

/* Our indexes, written over: we do not read them. */
LOOP_TEST(evil_idx_rewritten)
{
	unsigned int i;

	pu_open(l);
	pu_connect(l, NULL);
	for (i = 0; i < 5; i++) {
		pu_works();
		shm_write32(pu_index(TX, 2), 0xdeadbeef);
		shm_write32(pu_index(RX, 2), 0xdeadbeef);
		shm_write32(pu_index(TX, 1), 0xdeadbeef);
	}
	pu_buffer(pu.pu_ref[1]);
	pu_push(RX);
	pu_gets(l, 0, 200);
	pu_close(l);
}

LOOP_TEST(evil_grant_eagain)
{
	pu_open(l);
	pu_connect(l, NULL);
	pu_tcp(pu.pu_data, 1000);
	sim_evil(l->l_sim, SIM_EVIL_GRANT_EAGAIN, 0);
	pu_slot(0, 1000, 0, 0);
	pu_push(TX);
	sim_run(l->l_sim, 20 * SIM_MS);
	assert_int_equal(pu_back.nb_loop.l_nframe, 0);
	sim_honest(l->l_sim, SIM_EVIL_GRANT_EAGAIN);
	assert_int_equal(pu_status(1), NETIF_RSP_OKAY);
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_GRANT_EAGAIN) > 0);
	assert_int_equal(pu_back.nb_loop.l_nframe, 1);
	/* For good: an error, in the end. */
	sim_evil(l->l_sim, SIM_EVIL_GRANT_EAGAIN, 0);
	pu_slot(0, 1000, 0, 0);
	assert_int_equal(pu_status(1), NETIF_RSP_ERROR);
	sim_honest(l->l_sim, SIM_EVIL_GRANT_EAGAIN);
	pu_works();
	/* Taken away while one is waited for. */
	sim_evil(l->l_sim, SIM_EVIL_GRANT_EAGAIN, 0);
	pu_slot(0, 1000, 0, 0);
	pu_push(TX);
	sim_run(l->l_sim, 20 * SIM_MS);
	sim_honest(l->l_sim, SIM_EVIL_GRANT_EAGAIN);
	pu_close(l);
}

LOOP_TEST(evil_event_storm)
{
	struct pv_dev_info di;
	unsigned int i;

	pu_open(l);
	pu_connect(l, NULL);
	for (i = 0; i < 2000; i++) {
		evtchn_notify(&pu.pu_eh);
		if (i % 100 == 0)
			sim_run(l->l_sim, 10000);
	}
	pu_works();
	di = loop_info(l, NAME);
	assert_true(di.di_nspurious > 0);
	assert_string_equal(di.di_state, "connected");
	pu_close(l);
}

/* ---- buffers, or none --------------------------------------------------- */

/* Buffers that it did not grant, or not for writing, lose that packet. */
LOOP_TEST(evil_rx_gref)
{
	struct loop_pkt lp;

	pu_open(l);
	pu_connect(l, NULL);
	loop_fill(pu.pu_frame, 300, 2);
	pu_buffer(GREF(1u << 20));
	pu_buffer(pu.pu_ro);
	pu_buffer(pu.pu_ref[3]);
	pu_push(RX);
	assert_int_equal(nback_send(&pu_back, &lp, pu.pu_frame, 300, 1), 0);
	assert_int_equal(loop_wait_sent(l, &lp), -PV_EIO);
	assert_int_equal(pu_received(0).status, NETIF_RSP_ERROR);
	assert_int_equal(nback_send(&pu_back, &lp, pu.pu_frame, 300, 1), 0);
	assert_int_equal(loop_wait_sent(l, &lp), -PV_EIO);
	assert_int_equal(pu_received(1).status, NETIF_RSP_ERROR);
	assert_int_equal(nback_send(&pu_back, &lp, pu.pu_frame, 300, 3), 0);
	assert_int_equal(loop_wait_sent(l, &lp), 0);
	assert_int_equal(pu_received(2).status, 300);
	assert_memory_equal(pu.pu_data + 3 * 4096, pu.pu_frame, 300);
	pu_close(l);
}

/* A guest that gives no buffers: what waits for it is bounded, and dropped;
   in the end it has no carrier, until it gives some. */
LOOP_TEST(evil_no_buffers)
{
	static struct loop_pkt lp[257];
	struct loop_pkt one;
	unsigned int i, n;
	struct pv_net *nt;

	pu_open(l);
	pu_connect(l, NULL);
	nt = pu_back.nb_loop.l_net[0];
	n = pu_back.nb_loop.l_nchange;
	for (i = 0; i < 256; i++)
		assert_int_equal(nback_send(&pu_back, &lp[i], pu.pu_frame, 100,
		    1), 0);
	assert_int_equal(nback_send(&pu_back, &lp[256], pu.pu_frame, 100, 1),
	    -PV_EAGAIN);
	sim_run(l->l_sim, 5 * SIM_S);
	for (i = 0; i < 256; i++)
		assert_int_equal(loop_wait_sent(l, &lp[i]), -PV_EIO);
	assert_int_equal(nt->nt_guest->ng_nexpired, 256);
	assert_true(nt->nt_link);
	for (i = 0; i < 40 && nt->nt_link; i++) {
		if (nback_send(&pu_back, &one, pu.pu_frame, 100, 1) == 0)
			(void)loop_wait_sent(l, &one);
		sim_run(l->l_sim, SIM_S);
	}
	assert_false(nt->nt_link);
	assert_int_equal(pu_back.nb_loop.l_nchange, n + 1);
	assert_int_equal(nback_send(&pu_back, &one, pu.pu_frame, 100, 1),
	    -PV_ENXIO);
	pu_buffer(pu.pu_ref[0]);
	pu_push(RX);
	sim_run(l->l_sim, SIM_S);
	assert_true(nt->nt_link);
	assert_int_equal(pu_back.nb_loop.l_nchange, n + 2);
	assert_int_equal(nback_send(&pu_back, &one, pu.pu_frame, 100, 1), 0);
	assert_int_equal(loop_wait_sent(l, &one), 0);
	/* Gone while packets wait. */
	assert_int_equal(nback_send(&pu_back, &one, pu.pu_frame, 100, 1), 0);
	pu_close(l);
	assert_int_equal(one.lp_ndone, 1);
	assert_int_equal(one.lp_rv, -PV_ENXIO);
}

/* Who gives buffers one by one does not keep packets any longer. */
LOOP_TEST(evil_few_buffers)
{
	static struct loop_pkt lp[40];
	unsigned int i, n = 0;

	pu_open(l);
	pu_connect(l, NULL);
	for (i = 0; i < 40; i++)
		assert_int_equal(nback_send(&pu_back, &lp[i], pu.pu_frame, 100,
		    1), 0);
	for (i = 0; i < 6; i++) {
		pu_buffer(pu.pu_ref[i]);
		pu_push(RX);
		sim_run(l->l_sim, 800 * SIM_MS);
	}
	for (i = 0; i < 40; i++) {
		assert_int_equal(lp[i].lp_ndone, 1);
		n += lp[i].lp_rv == 0;
	}
	assert_in_range(n, 1, 6);
	assert_int_equal(pu_back.nb_loop.l_net[0]->nt_guest->ng_nexpired,
	    40 - n);
	assert_true(pu_back.nb_loop.l_net[0]->nt_link);
	/* One that comes now has its own time. */
	for (; i < 44; i++)
		pu_buffer(pu.pu_ref[i % NDATA]);
	pu_push(RX);
	assert_int_equal(nback_send(&pu_back, &lp[0], pu.pu_frame, 100, 1), 0);
	assert_int_equal(loop_wait_sent(l, &lp[0]), 0);
	pu_close(l);
}

/* ---- the control ring -------------------------------------------------- */

#define SUCCESS	(XEN_NETIF_CTRL_STATUS_SUCCESS << 16)
#define REFUSED	(XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED << 16)
#define INVALID	(XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER << 16)
#define TOOLARGE (XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW << 16)
#define ORDER(t, a, n, o) pu_order(XEN_NETIF_CTRL_TYPE_##t, a, n, o)

LOOP_TEST(evil_orders)
{
	uint32_t ref, *table;

	pu_open(l);
	pu.pu_ctls = true;
	pu_connect(l, NULL);
	ref = gref_x(pu.pu_ref[0]);
	table = (uint32_t *)(void *)pu.pu_data;
	assert_int_equal(ORDER(GET_HASH_FLAGS, 0, 0, 0) & ~0xffffu, REFUSED);
	assert_int_equal(ORDER(SET_HASH_FLAGS, 3, 0, 0), REFUSED);
	assert_int_equal(ORDER(SET_HASH_ALGORITHM, 7, 0, 0), INVALID);
	assert_int_equal(ORDER(SET_HASH_ALGORITHM, 1, 0, 0), SUCCESS);
	assert_int_equal(ORDER(GET_HASH_FLAGS, 0, 0, 0), SUCCESS | 15);
	assert_int_equal(ORDER(SET_HASH_FLAGS, 16, 0, 0), INVALID);
	assert_int_equal(ORDER(SET_HASH_FLAGS, 15, 0, 0), SUCCESS);
	assert_int_equal(ORDER(SET_HASH_KEY, ref, 41, 0), TOOLARGE);
	assert_int_equal(ORDER(SET_HASH_KEY, 1u << 20, 40, 0), INVALID);
	assert_int_equal(ORDER(SET_HASH_KEY, ref, 40, 0), SUCCESS);
	assert_int_equal(ORDER(SET_HASH_KEY, 0, 0, 0), SUCCESS);
	assert_int_equal(ORDER(GET_HASH_MAPPING_SIZE, 0, 0, 0), SUCCESS | 128);
	assert_int_equal(ORDER(SET_HASH_MAPPING, ref, 1, 0), INVALID);
	assert_int_equal(ORDER(SET_HASH_MAPPING_SIZE, 129, 0, 0), INVALID);
	assert_int_equal(ORDER(SET_HASH_MAPPING_SIZE, 128, 0, 0), SUCCESS);
	memset(table, 0, 4096);
	assert_int_equal(ORDER(SET_HASH_MAPPING, ref, 128, 0), SUCCESS);
	assert_int_equal(ORDER(SET_HASH_MAPPING, ref, 128, 1), INVALID);
	assert_int_equal(ORDER(SET_HASH_MAPPING, ref, 2, UINT32_MAX), INVALID);
	assert_int_equal(ORDER(SET_HASH_MAPPING, ref, UINT32_MAX, 2), TOOLARGE);
	table[5] = 1;				/* there is one queue */
	assert_int_equal(ORDER(SET_HASH_MAPPING, ref, 6, 0), INVALID);
	assert_int_equal(ORDER(ADD_GREF_MAPPING, 0, ref, 1), REFUSED);
	assert_int_equal(pu_order(999, 0, 0, 0), REFUSED);
	pu_works();
	pu.pu_prod[CTL] += 200;
	pu_push(CTL);
	pu_broken(l);
}

/* ---- lies in the store ------------------------------------------------- */

/* After pu_open(). */
static void
evil_keys_of(struct loop *l, const char *key, const char *val)
{
	nback_plug(&pu_back, 0, NULL);
	assert_true(pu_wait_state("2"));
	pu_fresh();
	pu_keys();
	pu_key(key, val);
	pu_num("state", 4);
	assert_true(loop_wait_state(l, NAME, "broken"));
	assert_int_equal(sim_dom_nmapped(l->l_dom), 0);
	assert_true(pu_wait_state("6"));
	assert_int_equal(pu_back.nb_loop.l_nnetup, 0);
	pu_close(l);
}

static void
evil_keys(struct loop *l, const char *key, const char *val)
{
	pu_open(l);
	evil_keys_of(l, key, val);
}

LOOP_TEST(evil_ring_ref_wild)
{
	evil_keys(l, "tx-ring-ref", "4000000000");
}

LOOP_TEST(evil_ring_ref_word)
{
	evil_keys(l, "rx-ring-ref", "one");
}

LOOP_TEST(evil_port_wild)
{
	evil_keys(l, "event-channel", "4000000");
}

LOOP_TEST(evil_queues)
{
	evil_keys(l, "multi-queue-num-queues", "4096");
}

LOOP_TEST(evil_queues_missing)
{
	evil_keys(l, "multi-queue-num-queues", "2");
}

LOOP_TEST(evil_port_split_wild)
{
	evil_keys(l, "event-channel-tx", "4000000");
}

/* A port for one ring only, which is there. */
LOOP_TEST(evil_port_half)
{
	char port[16];

	pu_open(l);
	snprintf(port, sizeof(port), "%u", evport_x(pu.pu_eh.eh_port));
	evil_keys_of(l, "event-channel-tx", port);
}

LOOP_TEST(evil_ctl_half)
{
	evil_keys(l, "ctrl-ring-ref", "17");
}

LOOP_TEST(evil_no_copy)
{
	evil_keys(l, "request-rx-copy", "0");
}

LOOP_TEST(evil_states)
{
	pu_open(l);
	pu_connect(l, NULL);
	pu_key("state", "42");
	sim_run(l->l_sim, SIM_S);
	pu_key("state", "Connected");
	sim_run(l->l_sim, SIM_S);
	assert_string_equal(loop_state(l, NAME), "connected");
	pu_num("state", 4);
	pu_works();
	/* A new kernel in the guest. */
	pu_num("state", 1);
	pu_start(l);
	pu_works();
	/* It closes, and comes again. */
	pu_num("state", 5);
	assert_true(pu_wait_state("6"));
	pu_num("state", 6);
	sim_run(l->l_sim, SIM_S);
	pu_num("state", 1);
	assert_true(pu_wait_state("2"));
	pu_close(l);
}

/* ---- not its own ------------------------------------------------------- */

static const char *const owned[] = { "ip", "10.0.0.2 fd00::2", NULL };

/* Packets from others' addresses are lost; the guest is told. */
LOOP_TEST(evil_spoof)
{
	uint8_t *p;

	pu_open(l);
	pu_connect(l, owned);
	p = pu.pu_data;
	pu_works();			/* from 10.0.0.2, its own MAC */
	p[29] = 3;
	pu_slot(0, 100, 0, 0);
	assert_int_equal(pu_status(1), NETIF_RSP_DROPPED);
	p[29] = 2;
	p[11] = 9;			/* another's MAC */
	pu_slot(0, 100, 0, 0);
	assert_int_equal(pu_status(1), NETIF_RSP_DROPPED);
	p[11] = 0;
	p[12] = 0x81;			/* in a VLAN */
	pu_slot(0, 100, 0, 0);
	assert_int_equal(pu_status(1), NETIF_RSP_DROPPED);
	assert_int_equal(pu_back.nb_loop.l_nframe, 1);
	assert_int_equal(pu_back.nb_loop.l_net[0]->nt_guest->ng_nspoof, 3);
	pu_works();
	pu_close(l);
}

/* A rule that the toolstack took back does not count for who comes then. */
LOOP_TEST(evil_rules_gone)
{
	static const char *const keys[] = {
		"ip", "10.0.0.3", "rate", "100,1000000", NULL
	};
	const struct pv_net_guest *ng;
	unsigned int i, late;

	pu_open(l);
	pu_connect(l, keys);
	ng = pu_back.nb_loop.l_net[0]->nt_guest;
	assert_string_equal(ng->ng_ip, "10.0.0.3");
	pu_tcp(pu.pu_data, 1000);
	pu_slot(0, 1000, 0, 0);
	assert_int_equal(pu_status(1), NETIF_RSP_DROPPED);
	sim_store_rm(l->l_sim, "/local/domain/2/backend/vif/1/0/ip");
	sim_store_rm(l->l_sim, "/local/domain/2/backend/vif/1/0/rate");
	pu_num("state", 1);
	pu_start(l);
	assert_string_equal(ng->ng_ip, "");
	late = (unsigned int)ng->ng_nlate;
	for (i = 0; i < 5; i++)
		pu_works();
	assert_int_equal(ng->ng_nlate, late);
	pu_close(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evil_tx_prod_jump),
		cmocka_unit_test(evil_tx_prod_back),
		cmocka_unit_test(evil_rx_prod_jump),
		cmocka_unit_test(evil_offset),
		cmocka_unit_test(evil_offset_huge),
		cmocka_unit_test(evil_size),
		cmocka_unit_test(evil_both),
		cmocka_unit_test(evil_slots),
		cmocka_unit_test(evil_extra_none),
		cmocka_unit_test(evil_extra_type),
		cmocka_unit_test(evil_extra_endless),
		cmocka_unit_test(evil_gso_size),
		cmocka_unit_test(evil_gso_type),
		cmocka_unit_test(evil_lengths),
		cmocka_unit_test(evil_gref_bad),
		cmocka_unit_test(evil_marks),
		cmocka_unit_test(evil_changed_after_read),
		cmocka_unit_test(evil_idx_rewritten),
		cmocka_unit_test(evil_grant_eagain),
		cmocka_unit_test(evil_event_storm),
		cmocka_unit_test(evil_rx_gref),
		cmocka_unit_test(evil_no_buffers),
		cmocka_unit_test(evil_few_buffers),
		cmocka_unit_test(evil_orders),
		cmocka_unit_test(evil_ring_ref_wild),
		cmocka_unit_test(evil_ring_ref_word),
		cmocka_unit_test(evil_port_wild),
		cmocka_unit_test(evil_queues),
		cmocka_unit_test(evil_queues_missing),
		cmocka_unit_test(evil_port_split_wild),
		cmocka_unit_test(evil_port_half),
		cmocka_unit_test(evil_ctl_half),
		cmocka_unit_test(evil_no_copy),
		cmocka_unit_test(evil_states),
		cmocka_unit_test(evil_spoof),
		cmocka_unit_test(evil_rules_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
