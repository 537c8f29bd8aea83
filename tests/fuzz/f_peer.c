/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * f_peer.c -- a disk and an interface whose back ends do what the input says:
 * any bytes in the rings, any index, events and states at any time, while
 * requests are made.
 *
 * The simulator's own checks must find nothing, and each request and frame
 * must be answered exactly once when the back ends are gone.
 */

#include <stdlib.h>

#include "loop/loop.h"

#include <xen/io/blkif.h>
#include <xen/io/netif.h>
#include <xen/io/ring.h>

#define NREQ	64
#define NPKT	64

struct fuzz {
	struct loop	 f_l;
	struct sim_blk	*f_b;
	struct sim_net	*f_n;
	uint8_t		*f_buf;		/* a page for each request and frame */
	struct loop_req	 f_lr[NREQ];
	struct loop_pkt	 f_lp[NPKT];
	unsigned int	 f_nreq, f_npkt;
	uint32_t	 f_prod[3];	/* responses that we claim */
};

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct fuzz fuzz;

static void
fuzz_request(struct fuzz *f, uint8_t how)
{
	if (f->f_l.l_nblk == 0 || f->f_nreq == NREQ)
		return;
	if (loop_submit(f->f_l.l_blk[0], &f->f_lr[f->f_nreq], how % 2 ?
	    PV_BLK_READ : PV_BLK_WRITE, how, f->f_buf + f->f_nreq * 4096,
	    512 * (1 + how % 8u)) == 0)
		f->f_nreq++;
}

static void
fuzz_frame(struct fuzz *f, uint8_t how)
{
	if (f->f_l.l_nnet == 0 || f->f_npkt == NPKT)
		return;
	if (loop_send(f->f_l.l_net[0], &f->f_lp[f->f_npkt], f->f_buf +
	    (NREQ + f->f_npkt) * 4096, 60 + how, 1 + how % 3u) == 0)
		f->f_npkt++;
}

/* Responses that could be, at the next slots. */
static void
fuzz_respond(struct fuzz *f, unsigned int ring, const uint8_t *p)
{
	struct blkif_response blk = { p[0], p[1], (int8_t)p[2] };
	struct netif_tx_response tx = { p[0], (int8_t)p[1] };
	struct netif_rx_response rx = { p[0], (uint16_t)(p[1] * 16), p[2],
	    (int16_t)(p[3] * 20) };
	uint32_t i = f->f_prod[ring]++;

	if (ring == 0)
		sim_blk_poke(f->f_b, 64 + i % 32 * sizeof(union
		    blkif_sring_entry), &blk, sizeof(blk));
	else if (ring == 1)
		sim_net_poke(f->f_n, false, 64 + i % 256 * 12, &tx,
		    sizeof(tx));
	else
		sim_net_poke(f->f_n, true, 64 + i % 256 * 8, &rx, sizeof(rx));
}

static void
fuzz_index(struct fuzz *f, unsigned int ring, uint32_t prod)
{
	unsigned int off = offsetof(struct blkif_sring, rsp_prod);

	if (ring == 0)
		sim_blk_poke(f->f_b, off, &prod, sizeof(prod));
	else
		sim_net_poke(f->f_n, ring == 2, off, &prod, sizeof(prod));
}

/* One step of five bytes. */
static void
fuzz_step(struct fuzz *f, const uint8_t *p)
{
	unsigned int off = p[1] * 16u;
	char state[2] = { (char)('0' + p[1] % 10), '\0' };

	switch (p[0] % 16) {
	case 0: case 1:
		fuzz_request(f, p[1]);
		break;
	case 2: case 3:
		fuzz_frame(f, p[1]);
		break;
	case 4: case 5: case 6:
		fuzz_respond(f, p[0] % 16 - 4, p + 1);
		break;
	case 7: case 8: case 9:
		fuzz_index(f, p[0] % 16 - 7, f->f_prod[p[0] % 16 - 7]);
		break;
	case 10:
		fuzz_index(f, p[1] % 3, p[2] | (uint32_t)p[3] << 24);
		break;
	case 11:
		sim_blk_poke(f->f_b, off, p + 2, 3);
		break;
	case 12:
		sim_net_poke(f->f_n, p[2] % 2, off, p + 3, 2);
		break;
	case 13:
		sim_dom_storm(f->f_l.l_dom);
		break;
	case 14:
		if (p[2] % 4 == 0)
			sim_blk_set_state(f->f_b, state);
		else if (p[2] % 4 == 1)
			sim_net_set_state(f->f_n, state);
		break;
	case 15:
		sim_run(f->f_l.l_sim, (1 + p[1]) * 20000ull);
		break;
	}
}

static void
fuzz_open(struct fuzz *f, uint8_t flags)
{
	struct sim_blk_cfg blk = { .bc_vdev = 51712, .bc_nsect = 2048,
	    .bc_flags = SIM_BLK_PUPPET };
	struct sim_net_cfg net = { .nc_flags = SIM_NET_PUPPET };

	if (flags & 8)
		blk.bc_flags |= SIM_BLK_UNTRUSTED;
	memset(f, 0, sizeof(*f));
	loop_open(&f->f_l, flags, flags % 8);
	if (loop_attach(&f->f_l) != 0)
		abort();
	f->f_b = sim_blk_create(f->f_l.l_dom, &blk);
	f->f_n = sim_net_create(f->f_l.l_dom, &net);
	f->f_buf = pv_os_pages_alloc(NREQ + NPKT);
	if (!loop_blks(&f->f_l, 1) || !loop_nets(&f->f_l, 1))
		abort();
}

static void
fuzz_close(struct fuzz *f)
{
	unsigned int i;

	sim_blk_vanish(f->f_b);
	sim_net_vanish(f->f_n);
	sim_run(f->f_l.l_sim, 5 * SIM_S);
	for (i = 0; i < f->f_nreq; i++) {
		if (f->f_lr[i].lr_ndone != 1)
			abort();
	}
	for (i = 0; i < f->f_npkt; i++) {
		if (f->f_lp[i].lp_ndone != 1)
			abort();
	}
	pv_os_pages_free(f->f_buf, NREQ + NPKT);
	loop_detach(&f->f_l);
	if (sim_close(f->f_l.l_sim) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	if (len < 1)
		return 0;
	fuzz_open(&fuzz, p[0]);
	for (p++, len--; len >= 5; p += 5, len -= 5)
		fuzz_step(&fuzz, p);
	fuzz_close(&fuzz);
	return 0;
}
