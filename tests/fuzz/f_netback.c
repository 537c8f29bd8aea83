/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * f_netback.c -- a guest of netback's that does what the input says: slots,
 * extra info, buffers and orders that are right or wrong, any bytes anywhere in
 * its rings, any index, events and states at any time, while packets are sent
 * to it.
 *
 * The simulator's own checks must find nothing, what arrives must be what its
 * flags say, each packet sent must be answered exactly once, and an honest
 * front end must be let in whenever one that was not has been shut out.
 */

#include <stdlib.h>

#include "loop/puppet.h"
#include "shm.h"

#define NPKT	256
#define MINLEN	14			/* bytes of an Ethernet header */

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct loop fuzz;
static struct loop_pkt sent[NPKT];
static unsigned int nsent;

/* What was received last bears out its marks. */
static void
fuzz_look(void)
{
	const struct loop *l = &pu_back.nb_loop;

	if (l->l_nframe == 0)
		return;
	if (l->l_framelen < MINLEN)
		abort();
	if (l->l_framegso != 0 && (l->l_frameflags != PV_NET_CSUM_BLANK ||
	    l->l_framelen <= l->l_framegso ||
	    l->l_frame[12] != (l->l_frametype == PV_NET_GSO_TCP4 ? 8 : 0x86)))
		abort();
	if ((l->l_frameflags & PV_NET_CSUM_BLANK) != 0 &&
	    l->l_frame[12] != 8 && l->l_frame[12] != 0x86)
		abort();
}

/* Most could be an honest guest's: whoever is shut out shows nothing. */
static void
fuzz_slot(const uint8_t *p, uint16_t flags)
{
	static const uint16_t offs[] = { 0, 0, 0, 100, 2000, 4095, 4096, 0 };
	bool wild = p[3] >= 0xf0;
	uint16_t size = (uint16_t)(p[1] << 8 | p[2]);

	if (!wild)
		size = (uint16_t)(size % 2000);
	if (p[3] % 16 == 2)
		pu_tcp(pu.pu_data + p[4] / 8 % NDATA * 4096, 4096);
	pu_slot(wild ? offs[p[4] % 8] : offs[p[4] % 5], size, flags |
	    (p[0] >> 4 & (wild ? 15 : 3)), p[4] / 8 % NDATA);
}

static void
fuzz_extra(const uint8_t *p)
{
	bool wild = p[3] >= 0xf0;

	if (p[0] >> 4 != 0)
		fuzz_slot(p, NETTXF_extra_info);
	pu_extra(wild ? p[1] % 6 : XEN_NETIF_EXTRA_TYPE_GSO, wild,
	    (uint16_t)(p[3] * 16 + !wild), wild ? p[4] % 4 : 1 + p[4] % 2);
}

static void
fuzz_buffer(const uint8_t *p)
{
	pu_buffer(p[1] % 8 == 0 ? GREF(p[2] * 77u) : p[1] % 8 == 1 ? pu.pu_ro :
	    pu.pu_ref[p[2] % NDATA]);
}

static void
fuzz_order(const uint8_t *p)
{
	struct xen_netif_ctrl_request req = {
		.id = p[4], .type = p[1] % 12,
		.data = { p[2], p[3], p[4] % 130 }
	};

	if (p[4] % 4 != 0)
		req.data[0] = gref_x(pu.pu_ref[p[2] % NDATA]);
	pu_put(CTL, &req);
}

static void
fuzz_send(const uint8_t *p)
{
	struct loop_pkt *lp = &sent[nsent];

	if (nsent == NPKT || pu_back.nb_loop.l_nnet == 0)
		return;
	memset(lp, 0, sizeof(*lp));
	memcpy(pu.pu_frame, p, 5);
	if (nback_send(&pu_back, lp, pu.pu_frame, MINLEN + p[1] * 16u,
	    1 + p[2] % 4) == 0)
		nsent++;
}

/* Shut out, it becomes honest; else it says what it likes. */
static void
fuzz_state(const uint8_t *p)
{
	const char *state = nback_key(&pu_back, 0, "state");

	if (state == NULL)
		abort();
	if (strcmp(state, "6") == 0) {
		pu_num("state", 6);
		sim_run(fuzz.l_sim, SIM_S);
		pu_num("state", 1);
		pu_start(&fuzz);
	} else if (p[1] % 2 == 0) {
		pu_num("request-multicast-control", p[2] % 2);
	} else {
		pu_num("state", p[2] % 10);
	}
}

/* Time passes. */
static void
fuzz_run(uint64_t ns)
{
	sim_run(fuzz.l_sim, ns);
	fuzz_look();
}

/* One step of five bytes. */
static void
fuzz_step(const uint8_t *p)
{
	unsigned int ring = p[1] % 3;
	size_t at = (p[2] << 4 | (p[3] & 15u)) & 0xffcu;

	switch (p[0] % 16) {
	case 0: case 1: case 2: case 3:
		fuzz_slot(p, p[3] % 16 == 3 ? NETTXF_more_data : 0);
		break;
	case 4:
		fuzz_extra(p);
		break;
	case 5:
		pu_group(p[1] % 2 ? XEN_NETIF_EXTRA_TYPE_MCAST_ADD :
		    XEN_NETIF_EXTRA_TYPE_MCAST_DEL, p[2]);
		break;
	case 6:
		fuzz_buffer(p);
		break;
	case 7:
		fuzz_order(p);
		break;
	case 8: case 9: case 10:
		pu_push(p[0] % 16 - 8);
		break;
	case 11:
		if (p[1] % 8 == 0)
			pu.pu_prod[p[2] % 3] += p[3] | (uint32_t)p[4] << 24;
		break;
	case 12:
		shm_write32(pu.pu_ring[ring] + at, p[4] * 0x01010101u);
		break;
	case 13:
		sim_dom_storm(pu_back.nb_loop.l_dom);
		break;
	case 14:
		fuzz_state(p);
		break;
	case 15:
		fuzz_send(p);
		fuzz_run((1 + p[4]) * 20000ull);
		break;
	}
	/* As a rule what was put is shown. */
	if (p[0] % 16 <= 5 && p[4] % 4 != 0) {
		pu_push(TX);
		fuzz_run(p[4] * 10000ull);
	}
}

static void
fuzz_open(uint8_t flags)
{
	nsent = 0;
	memset(&fuzz, 0, sizeof(fuzz));
	loop_open(&fuzz, flags, flags % 8);
	if (loop_attach(&fuzz) != 0)
		abort();
	pu_open(&fuzz);
	pu.pu_ctls = flags % 2 != 0;
	pu_connect(&fuzz, NULL);
}

static void
fuzz_close(void)
{
	unsigned int i;

	pu_close(&fuzz);
	for (i = 0; i < nsent; i++) {
		if (sent[i].lp_ndone != 1)
			abort();
	}
	loop_detach(&fuzz);
	if (sim_close(fuzz.l_sim) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	if (len < 1)
		return 0;
	fuzz_open(p[0]);
	for (p++, len--; len >= 5; p += 5, len -= 5)
		fuzz_step(p);
	fuzz_close();
	return 0;
}
