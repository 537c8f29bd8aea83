/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * puppet.c -- see puppet.h.
 */

#include <stdio.h>

#include "puppet.h"
#include "shm.h"

struct nback pu_back;
struct puppet pu;

static enum evtchn_result
pu_intr(void *arg)
{
	pu.pu_nevent++;
	return EVTCHN_DONE;
}

void
pu_key(const char *key, const char *val)
{
	char path[96];

	nback_front(&pu_back, path, sizeof(path), 0, key);
	sim_store_write(pu_back.nb_front->l_sim, path, "%s", val);
}

void
pu_num(const char *key, uint32_t v)
{
	char val[16];

	snprintf(val, sizeof(val), "%u", v);
	pu_key(key, val);
}

static gref_t
pu_grant(struct loop *l, void *page, bool readonly)
{
	gref_t ref;

	assert_int_equal(gnttab_reserve(&l->l_xen, &ref), 0);
	gnttab_grant(&l->l_xen, ref, 2, pv_os_gfn(page), readonly);
	return ref;
}

static void
pu_revoke(struct loop *l, gref_t ref)
{
	assert_int_equal(gnttab_revoke(&l->l_xen, ref), 0);
	gnttab_unreserve(&l->l_xen, ref);
}

void
pu_open(struct loop *l)
{
	unsigned int i;

	memset(&pu, 0, sizeof(pu));
	nback_begin(&pu_back, l);
	pu_back.nb_hidden = true;
	nback_attach(&pu_back);
	pu.pu_l = l;
	pu.pu_data = loop_pages(NDATA);
	pu.pu_frame = loop_pages(1);
	memset(pu.pu_frame, 0, 4096);
	for (i = 0; i < 3; i++) {
		pu.pu_ring[i] = loop_pages(1);
		pu.pu_ringref[i] = pu_grant(l, pu.pu_ring[i], false);
	}
	assert_int_equal(evtchn_alloc(&l->l_xen, NULL, 2, &pu.pu_eh, pu_intr,
	    NULL), 0);
	assert_int_equal(evtchn_alloc(&l->l_xen, NULL, 2, &pu.pu_ctl, pu_intr,
	    NULL), 0);
	for (i = 0; i < NDATA; i++)
		pu.pu_ref[i] = pu_grant(l, pu.pu_data + i * 4096, false);
	pu.pu_ro = pu_grant(l, pu.pu_data, true);
}

volatile uint32_t *
pu_index(unsigned int ring, unsigned int n)
{
	return (volatile uint32_t *)(void *)pu.pu_ring[ring] + n;
}

void
pu_fresh(void)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		pu.pu_prod[i] = pu.pu_cons[i] = 0;
		shm_zero(pu.pu_ring[i], 4096);
		shm_write32(pu_index(i, 1), 1);
		shm_write32(pu_index(i, 3), 1);
	}
}

void
pu_keys(void)
{
	pu_num("tx-ring-ref", gref_x(pu.pu_ringref[TX]));
	pu_num("rx-ring-ref", gref_x(pu.pu_ringref[RX]));
	pu_num("event-channel", evport_x(pu.pu_eh.eh_port));
	pu_num("request-rx-copy", 1);
	pu_num("feature-rx-notify", 1);
	pu_num("feature-sg", 1);
	pu_num("feature-gso-tcpv4", 1);
	if (!pu.pu_ctls)
		return;
	pu_num("ctrl-ring-ref", gref_x(pu.pu_ringref[CTL]));
	pu_num("event-channel-ctrl", evport_x(pu.pu_ctl.eh_port));
}

static bool
pu_in_state(void *arg)
{
	const char *state = nback_key(&pu_back, 0, "state");

	return state != NULL && strcmp(state, arg) == 0;
}

bool
pu_wait_state(const char *state)
{
	return sim_until(pu.pu_l->l_sim, pu_in_state, (void *)(uintptr_t)state,
	    60 * SIM_S);
}

bool
pu_announced(void *arg)
{
	return pu_back.nb_loop.l_nnet == 1;
}

void
pu_start(struct loop *l)
{
	assert_true(pu_wait_state("2"));
	pu_fresh();
	pu_keys();
	pu_num("state", 4);
	assert_true(pu_wait_state("4"));
	assert_true(sim_until(l->l_sim, pu_announced, NULL, 60 * SIM_S));
}

void
pu_connect(struct loop *l, const char *const *keys)
{
	nback_plug(&pu_back, 0, keys);
	pu_start(l);
}

void
pu_close(struct loop *l)
{
	unsigned int i;

	if (nback_key(&pu_back, 0, "state") != NULL) {
		nback_unplug(&pu_back, 0);
		pu_num("state", 6);
		assert_true(nback_unplugged(&pu_back, 0));
	}
	sim_run(l->l_sim, SIM_S);
	nback_close(&pu_back);
	assert_int_equal(sim_dom_nmapped(l->l_dom), 0);
	evtchn_close(&pu.pu_eh);
	evtchn_close(&pu.pu_ctl);
	for (i = 0; i < 3; i++) {
		pu_revoke(l, pu.pu_ringref[i]);
		loop_pages_free(pu.pu_ring[i], 1);
	}
	for (i = 0; i < NDATA; i++)
		pu_revoke(l, pu.pu_ref[i]);
	pu_revoke(l, pu.pu_ro);
	loop_pages_free(pu.pu_data, NDATA);
	loop_pages_free(pu.pu_frame, 1);
}

/* ---- sending ----------------------------------------------------------- */

void
pu_put(unsigned int ring, const void *ent)
{
	static const unsigned int lens[] = { 12, 8, 16 };
	unsigned int n = pu.pu_prod[ring]++ & (ring == CTL ? 127 : 255);

	shm_copy_out(pu.pu_ring[ring] + 64 + n * lens[ring], ent, lens[ring]);
}

void
pu_slot(uint16_t off, uint16_t size, uint16_t flags, unsigned int page)
{
	struct netif_tx_request req = {
		.gref = gref_x(pu.pu_ref[page]), .offset = off, .size = size,
		.flags = flags, .id = (uint16_t)(100 + pu.pu_prod[TX])
	};

	pu_put(TX, &req);
}

void
pu_extra(uint8_t type, uint8_t flags, uint16_t size, uint8_t gso)
{
	union netback_test {
		uint8_t raw[12];
		struct netif_extra_info ei;
	} u;

	memset(&u, 0, sizeof(u));
	u.ei.type = type;
	u.ei.flags = flags;
	u.ei.u.gso.size = size;
	u.ei.u.gso.type = gso;
	pu_put(TX, &u);
}

void
pu_group(uint8_t type, uint8_t last)
{
	union netback_test {
		uint8_t raw[12];
		struct netif_extra_info ei;
	} u;

	memset(&u, 0, sizeof(u));
	u.ei.type = type;
	memcpy(u.ei.u.mcast.addr, "\x01\x00\x5e\x00\x00", 5);
	u.ei.u.mcast.addr[5] = last;
	pu_slot(0, 0, NETTXF_extra_info, 0);
	pu_put(TX, &u);
}

void
pu_push(unsigned int ring)
{
	shm_store_release32(pu_index(ring, 0), pu.pu_prod[ring]);
	evtchn_notify(ring == CTL ? &pu.pu_ctl : &pu.pu_eh);
}

static bool
pu_answered(void *arg)
{
	return shm_read32(pu_index(TX, 2)) == pu.pu_prod[TX];
}

/* Show what was put, wait for all answers; the status of the n-th last. */
int
pu_status(unsigned int n)
{
	struct netif_tx_response rsp;

	pu_push(TX);
	if (!sim_until(pu.pu_l->l_sim, pu_answered, NULL, 30 * SIM_S))
		return LOOP_NEVER;
	shm_copy_in(&rsp, pu.pu_ring[TX] + 64 + ((pu.pu_prod[TX] - n) & 255) *
	    12, sizeof(rsp));
	if (rsp.status != NETIF_RSP_NULL)
		assert_int_equal(rsp.id, (uint16_t)(100 + pu.pu_prod[TX] - n));
	return rsp.status;
}

/* A frame of TCP over IPv4, its checksum blank. */
void
pu_tcp(uint8_t *p, size_t len)
{
	static const uint8_t head[54] = {
		2, 0, 0, 0, 0, 1, 0, 0x16, 0x3e, 0, 0, 0, 8, 0, 0x45, 0, 0, 0,
		0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1, 0, 80, 1, 2,
		0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x10
	};

	loop_fill(p, len, 9);
	memcpy(p, head, len < sizeof(head) ? len : sizeof(head));
}

/* What an honest front end does works. */
void
pu_works(void)
{
	unsigned int n = pu_back.nb_loop.l_nframe;

	pu_tcp(pu.pu_data, 1000);
	pu_slot(0, 1000, 0, 0);
	assert_int_equal(pu_status(1), NETIF_RSP_OKAY);
	assert_int_equal(pu_back.nb_loop.l_nframe, n + 1);
	assert_int_equal(pu_back.nb_loop.l_framelen, 1000);
	assert_memory_equal(pu_back.nb_loop.l_frame, pu.pu_data, 1000);
}

/* The connection ends; an honest one can follow. */
void
pu_broken(struct loop *l)
{
	assert_true(loop_wait_state(l, NAME, "broken"));
	assert_int_equal(sim_dom_nmapped(l->l_dom), 0);
	assert_int_equal(pu_back.nb_loop.l_nnet, 0);
	assert_true(pu_wait_state("6"));
	pu_num("state", 6);
	sim_run(l->l_sim, SIM_S);
	pu_num("state", 1);
	pu_start(l);
	pu_works();
	pu_close(l);
}

void
pu_broken_by(struct loop *l)
{
	pu_push(TX);
	pu_broken(l);
}

/* ---- receiving --------------------------------------------------------- */

void
pu_buffer(gref_t ref)
{
	struct netif_rx_request req = {
		.id = (uint16_t)(7 + pu.pu_prod[RX]), .gref = gref_x(ref)
	};

	pu_put(RX, &req);
}

struct netif_rx_response
pu_received(unsigned int n)
{
	struct netif_rx_response rsp;

	shm_copy_in(&rsp, pu.pu_ring[RX] + 64 + (n & 255) * 8, sizeof(rsp));
	assert_int_equal(rsp.id, 7 + n);
	return rsp;
}

/* A packet to the guest, which goes into its n-th buffer. */
void
pu_gets(struct loop *l, unsigned int n, unsigned int len)
{
	struct loop_pkt lp;

	assert_int_equal(nback_send(&pu_back, &lp, pu.pu_frame, len, 1), 0);
	assert_int_equal(loop_wait_sent(l, &lp), 0);
	assert_int_equal(pu_received(n).status, len);
}

/* ---- orders ------------------------------------------------------------ */

static bool
pu_ordered(void *arg)
{
	return shm_read32(pu_index(CTL, 2)) == pu.pu_prod[CTL];
}

uint32_t
pu_order(uint16_t type, uint32_t a, uint32_t n, uint32_t off)
{
	struct xen_netif_ctrl_request req = {
		.id = (uint16_t)(9 + pu.pu_prod[CTL]), .type = type,
		.data = { a, n, off }
	};
	struct xen_netif_ctrl_response rsp;

	pu_put(CTL, &req);
	pu_push(CTL);
	assert_true(sim_until(pu.pu_l->l_sim, pu_ordered, NULL, 30 * SIM_S));
	shm_copy_in(&rsp, pu.pu_ring[CTL] + 64 +
	    ((pu.pu_prod[CTL] - 1) & 127) * 16, sizeof(rsp));
	assert_int_equal(rsp.id, req.id);
	assert_int_equal(rsp.type, req.type);
	return rsp.status << 16 | rsp.data;
}
