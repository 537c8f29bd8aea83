/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_fail_virtio.c -- each thing that can fail does so once, with virtio
 * devices: see t_fail.c.  The seed, and with it bus and kind of ring, is the
 * point's number; SIM_POINT=n runs one point.
 */

#include <stdio.h>
#include <stdlib.h>

#include <linux/virtio_balloon.h>
#include <linux/virtio_blk.h>

#include "loop/vloop.h"
#include "sim_vblk.h"
#include "sim_vmore.h"
#include "sim_vnet.h"

#define MANY	3000		/* more points than any scenario has */

static void
fail_each(const char *name, void (*fn)(struct loop *))
{
	const char *one = getenv("SIM_POINT");
	unsigned int n = one == NULL ? 1 : (unsigned int)atoi(one), calm = 0;
	static struct loop l;

	/* The last of each world: so many without a failure in a row. */
	for (; n < MANY && calm < VLOOP_NSEED; n++) {
		fprintf(stderr, "%s: SIM_POINT=%u\n", name, n);
		vloop_open(&l, n);
		sim_fail_at(l.l_sim, n);
		fn(&l);
		calm = sim_failed(l.l_sim) ? 0 : calm + 1;
		vloop_close(&l);
		if (one != NULL)
			return;
	}
	fprintf(stderr, "%s: %u points\n", name, n - 1);
	assert_in_range(n, 20, MANY - 1);
}

/* Pages of the consumer's own: its failures are not the library's. */
static uint8_t *
fail_page(void)
{
	uint8_t *p = pv_os_pages_alloc(1);

	return p != NULL ? p : pv_os_pages_alloc(1);
}

static void
fail_use_blk(struct loop *l)
{
	uint8_t *buf = fail_page();
	struct loop_req lr[4];
	unsigned int i;
	int rv[4];

	for (i = 0; i < 4; i++) {
		loop_prepare(&lr[i], i % 2 ? PV_BLK_READ : PV_BLK_WRITE, i,
		    buf + i * 512, 512);
		lr[i].lr_br.br_cpu = i;
		rv[i] = pv_blk_submit(l->l_blk[0], &lr[i].lr_br);
	}
	for (i = 0; i < 4; i++) {
		if (rv[i] == 0)
			assert_int_not_equal(loop_wait(l, &lr[i]),
			    LOOP_NEVER);
	}
	loop_pages_free(buf, 1);
}

static void
fail_blk(struct loop *l)
{
	struct sim_vblk_cfg bc = {
		.bc_nsect = 64, .bc_nqueue = 4, .bc_serial = "x",
		.bc_features = 1ull << VIRTIO_BLK_F_MQ |
		    1ull << VIRTIO_BLK_F_FLUSH
	};
	struct sim_vdev_cfg vc = vloop_cfg(l);
	struct sim_vblk *vb = sim_vblk_create(l->l_sim, &vc, &bc);
	unsigned int i;

	(void)vloop_attach(l);
	for (i = 0; i < 2; i++) {
		sim_run(l->l_sim, 5 * SIM_S);
		if (l->l_nblk > 0)
			fail_use_blk(l);
		if (sim_vdev_up(vb->vb_dev))
			sim_vdev_lost(vb->vb_dev);
	}
	sim_run(l->l_sim, 5 * SIM_S);
}

static void
fail_virtio_blk(void **state)
{
	fail_each("virtio_blk", fail_blk);
}

static void
fail_net(struct loop *l)
{
	struct sim_vnet_cfg nc = {
		.nc_npair = 4, .nc_echo = true,
		.nc_features = 1ull << VIRTIO_NET_F_MQ |
		    1ull << VIRTIO_NET_F_CTRL_VQ |
		    1ull << VIRTIO_NET_F_CTRL_RX |
		    1ull << VIRTIO_NET_F_MRG_RXBUF
	};
	struct sim_vdev_cfg vc = vloop_cfg(l);
	struct sim_vnet *vn = sim_vnet_create(l->l_sim, &vc, &nc);
	struct loop_pkt lp;
	unsigned int i;
	uint8_t *buf;

	(void)vloop_attach(l);
	for (i = 0; i < 2; i++) {
		sim_run(l->l_sim, 5 * SIM_S);
		buf = fail_page();
		if (l->l_nnet > 0 &&
		    loop_send(l->l_net[0], &lp, buf, 100, 1) == 0)
			assert_int_not_equal(loop_wait_sent(l, &lp),
			    LOOP_NEVER);
		loop_pages_free(buf, 1);
		if (sim_vdev_up(vn->vn_dev))
			sim_vdev_lost(vn->vn_dev);
	}
	sim_run(l->l_sim, 5 * SIM_S);
}

static void
fail_virtio_net(void **state)
{
	fail_each("virtio_net", fail_net);
}

/* ---- the others --------------------------------------------------------- */

/* Twice: use the device, as far as it is there, and have it start anew. */
static void
fail_rounds(struct loop *l, struct sim_vdev *vd, void (*use)(struct loop *))
{
	unsigned int i;

	(void)vloop_attach(l);
	for (i = 0; i < 2; i++) {
		sim_run(l->l_sim, 5 * SIM_S);
		use(l);
		sim_run(l->l_sim, SIM_S);
		if (sim_vdev_up(vd))
			sim_vdev_lost(vd);
	}
	sim_run(l->l_sim, 5 * SIM_S);
}

static void
fail_use_scsi(struct loop *l)
{
	if (l->l_nblk > 0)
		fail_use_blk(l);
}

static void
fail_scsi(struct loop *l)
{
	struct sim_vdev_cfg vc = vloop_cfg(l);

	fail_rounds(l, sim_vscsi_create(l->l_sim, &vc, 2, 64)->vs_dev,
	    fail_use_scsi);
}

static void
fail_use_rng(struct loop *l)
{
	if (l->l_rng != NULL)
		(void)pv_rng_ask(l->l_rng, 40);
}

static void
fail_rng(struct loop *l)
{
	struct sim_vdev_cfg vc = vloop_cfg(l);

	fail_rounds(l, sim_vrng_create(l->l_sim, &vc)->vr_dev, fail_use_rng);
}

static void
fail_use_cons(struct loop *l)
{
	l->l_take = sizeof(l->l_input);
	if (l->l_cons != NULL)
		(void)pv_cons_write(l->l_cons, "some text\n", 10);
}

static void
fail_cons(struct loop *l)
{
	struct sim_vdev_cfg cfg = vloop_cfg(l);
	struct sim_vcons *vc = sim_vcons_create(l->l_sim, &cfg);

	sim_vcons_type(vc, "input\n", 6);
	fail_rounds(l, vc->vc_dev, fail_use_cons);
}

static struct sim_vballoon *fail_vb;

static void
fail_use_balloon(struct loop *l)
{
	l->l_spare = 40;
	sim_vballoon_target(fail_vb, 30);
	sim_vballoon_ask(fail_vb);
	sim_run(l->l_sim, 3 * SIM_S);
	sim_vballoon_target(fail_vb, 10);
}

static void
fail_balloon(struct loop *l)
{
	struct sim_vdev_cfg vc = vloop_cfg(l);

	fail_vb = sim_vballoon_create(l->l_sim, &vc,
	    1ull << VIRTIO_BALLOON_F_STATS_VQ |
	    1ull << VIRTIO_BALLOON_F_DEFLATE_ON_OOM |
	    1ull << VIRTIO_BALLOON_F_REPORTING);
	fail_rounds(l, fail_vb->vb_dev, fail_use_balloon);
}

static void
fail_virtio_scsi(void **state)
{
	fail_each("virtio_scsi", fail_scsi);
}

static void
fail_virtio_rng(void **state)
{
	fail_each("virtio_rng", fail_rng);
}

static void
fail_virtio_console(void **state)
{
	fail_each("virtio_console", fail_cons);
}

static void
fail_virtio_balloon(void **state)
{
	fail_each("virtio_balloon", fail_balloon);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fail_virtio_blk),
		cmocka_unit_test(fail_virtio_net),
		cmocka_unit_test(fail_virtio_scsi),
		cmocka_unit_test(fail_virtio_rng),
		cmocka_unit_test(fail_virtio_console),
		cmocka_unit_test(fail_virtio_balloon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
