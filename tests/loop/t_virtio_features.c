/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_virtio_features.c -- each feature that a driver takes, offered and not:
 * it is agreed on or left alone, and data goes through as it should.  What a
 * feature does is tested where its driver is.  The features of rings come with
 * the seeds, which have each of them and have it not.
 */

#include <stdio.h>

#include <linux/virtio_balloon.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <linux/virtio_scsi.h>

#include "sim_vblk.h"
#include "sim_vmore.h"
#include "sim_vnet.h"
#include "vloop.h"

#define NBIT	24
#define NONE	0xff		/* behind the last bit */

static const struct virtio_net_hdr nothing;

static void
until(struct loop *l, unsigned int ms)
{
	sim_run(l->l_sim, (uint64_t)ms * 1000 * 1000);
}

static bool
legacy(struct loop *l)
{
	enum sim_vbus bus = vloop_cfg(l).vc_bus;

	return bus == SIM_VBUS_LEGACY || bus == SIM_VBUS_MMIO1;
}

/* ---- features of the rings --------------------------------------------- */

static const struct {
	uint8_t		 bit;
	bool		 unless;	/* offered when the flag is not set */
	unsigned int	 flag;
} rings[] = {
	{ VIRTIO_RING_F_INDIRECT_DESC, true, SIM_V_NOINDIRECT },
	{ VIRTIO_RING_F_EVENT_IDX, true, SIM_V_NOEVENT },
	{ VIRTIO_F_RING_PACKED, false, SIM_V_PACKED },
	{ VIRTIO_F_IN_ORDER, false, SIM_V_INORDER },
	{ 38, false, SIM_V_KICKDATA },
	{ VIRTIO_F_RING_RESET, false, SIM_V_QRESET },
};

static void
ring_features(struct loop *l, uint64_t got)
{
	unsigned int flags = vloop_cfg(l).vc_flags, i;
	bool want;

	for (i = 0; i < sizeof(rings) / sizeof(rings[0]); i++) {
		want = ((flags & rings[i].flag) == 0) == rings[i].unless;
		if (legacy(l) && rings[i].bit > 31)
			want = false;
		assert_int_equal(got >> rings[i].bit & 1, want);
	}
	assert_int_equal(got >> VIRTIO_F_VERSION_1 & 1, !legacy(l));
}

/* ---- each of a device's own -------------------------------------------- */

/* One run: the features are offered, the device is used. */
static void
one(struct loop *l, struct sim_vdev *vd, uint64_t offer,
    void (*use)(struct loop *))
{
	sim_vdev_offer(vd, offer);
	assert_int_equal(vloop_attach(l), 1);
	until(l, 2000);
	assert_string_equal(loop_state(l, vloop_name(vd)), "connected");
	ring_features(l, sim_vdev_accepted(vd));
	use(l);
}

static void
each(struct loop *l, struct sim_vdev *vd, const uint8_t bits[NBIT],
    void (*use)(struct loop *))
{
	uint64_t all = 0, bit;
	unsigned int i;

	for (i = 0; bits[i] != NONE; i++)
		all |= 1ull << bits[i];
	for (i = 0; bits[i] != NONE; i++) {
		fprintf(stderr, "bit %u\n", bits[i]);
		bit = 1ull << bits[i];
		one(l, vd, all, use);
		assert_int_equal((sim_vdev_accepted(vd) & bit) != 0,
		    !legacy(l) || bits[i] < 32);
		vloop_detach(l);
		one(l, vd, all & ~bit, use);
		assert_int_equal(sim_vdev_accepted(vd) & bit, 0);
		vloop_detach(l);
	}
}

/* Of rings and transports, for which no seed has a flag. */
#define PLATFORM VIRTIO_F_ACCESS_PLATFORM, VIRTIO_F_ORDER_PLATFORM

/* ---- block, SCSI ------------------------------------------------------- */

static void
use_disk(struct loop *l)
{
	uint8_t *buf = loop_pages(2), *back = loop_pages(2);

	assert_true(l->l_nblk > 0);
	loop_fill(buf, 8192, (unsigned int)sim_rand(1000));
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, 8, buf, 8192),
	    0);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 8, back, 8192),
	    0);
	assert_memory_equal(buf, back, 8192);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_FLUSH, 0, NULL, 0),
	    (l->l_blk[0]->bk_flags & PV_BLK_CANFLUSH) != 0 ? 0 :
	    -PV_EOPNOTSUPP);
	loop_pages_free(buf, 2);
	loop_pages_free(back, 2);
}

static void
use_readonly(struct loop *l)
{
	uint8_t *buf = loop_pages(1);

	assert_true((l->l_blk[0]->bk_flags & PV_BLK_RO) != 0);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf, 4096),
	    0);
	assert_int_not_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, 0, buf,
	    4096), 0);
	loop_pages_free(buf, 1);
}

VLOOP_TEST(blk)
{
	static const uint8_t bits[NBIT] = { VIRTIO_BLK_F_SIZE_MAX,
	    VIRTIO_BLK_F_SEG_MAX, VIRTIO_BLK_F_BLK_SIZE, VIRTIO_BLK_F_FLUSH,
	    VIRTIO_BLK_F_TOPOLOGY, VIRTIO_BLK_F_CONFIG_WCE, VIRTIO_BLK_F_MQ,
	    VIRTIO_BLK_F_DISCARD, VIRTIO_BLK_F_WRITE_ZEROES,
	    VIRTIO_BLK_F_SECURE_ERASE, PLATFORM, NONE };
	struct sim_vblk_cfg bc = {
		.bc_nsect = 1024, .bc_bsize = 512, .bc_segmax = 64,
		.bc_sizemax = 65536, .bc_maxdiscard = 100, .bc_nqueue = 4,
		.bc_maxzero = 200, .bc_maxsecure = 300, .bc_serial = "x",
	};
	struct sim_vdev_cfg vc = vloop_cfg(l);
	struct sim_vblk *vb = sim_vblk_create(l->l_sim, &vc, &bc);

	each(l, vb->vb_dev, bits, use_disk);
	one(l, vb->vb_dev, 1ull << VIRTIO_BLK_F_RO, use_readonly);
}

VLOOP_TEST(scsi)
{
	static const uint8_t bits[NBIT] = { VIRTIO_SCSI_F_HOTPLUG,
	    VIRTIO_SCSI_F_CHANGE, PLATFORM, NONE };
	struct sim_vdev_cfg vc = vloop_cfg(l);

	each(l, sim_vscsi_create(l->l_sim, &vc, 2, 1024)->vs_dev, bits,
	    use_disk);
}

/* ---- network ----------------------------------------------------------- */

static struct sim_vnet *vn;

static void
use_net(struct loop *l)
{
	uint8_t *buf = loop_pages(1);
	struct loop_pkt lp;

	assert_true(loop_nets(l, 1));
	loop_fill(buf, 1000, (unsigned int)sim_rand(1000));
	buf[12] = buf[13] = 0;
	assert_int_equal(loop_send(l->l_net[0], &lp, buf, 1000, 2), 0);
	assert_int_equal(loop_wait_sent(l, &lp), 0);
	assert_int_equal(vn->vn_framelen, 1000);
	assert_memory_equal(vn->vn_frame, buf, 1000);
	l->l_nframe = 0;
	assert_true(sim_vnet_deliver(vn, 0, &nothing, buf, 900));
	until(l, 1000);
	assert_int_equal(l->l_nframe, 1);
	assert_int_equal(l->l_framelen, 900);
	assert_memory_equal(l->l_frame, buf, 900);
	loop_pages_free(buf, 1);
}

VLOOP_TEST(net)
{
	static const uint8_t bits[NBIT + 4] = { VIRTIO_NET_F_CSUM,
	    VIRTIO_NET_F_GUEST_CSUM, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS,
	    VIRTIO_NET_F_MTU, VIRTIO_NET_F_MAC, VIRTIO_NET_F_GUEST_TSO4,
	    VIRTIO_NET_F_GUEST_TSO6, VIRTIO_NET_F_HOST_TSO4,
	    VIRTIO_NET_F_HOST_TSO6, VIRTIO_NET_F_MRG_RXBUF,
	    VIRTIO_NET_F_STATUS, VIRTIO_NET_F_CTRL_VQ, VIRTIO_NET_F_CTRL_RX,
	    VIRTIO_NET_F_CTRL_VLAN, VIRTIO_NET_F_GUEST_ANNOUNCE,
	    VIRTIO_NET_F_MQ, VIRTIO_NET_F_CTRL_MAC_ADDR, VIRTIO_NET_F_RSS,
	    54, 55, 56, PLATFORM, NONE };
	struct sim_vnet_cfg nc = { .nc_npair = 4, .nc_mtu = 1400,
	    .nc_mac = { 2, 1, 2, 3, 4, 5 } };
	struct sim_vdev_cfg vc = vloop_cfg(l);

	vn = sim_vnet_create(l->l_sim, &vc, &nc);
	each(l, vn->vn_dev, bits, use_net);
}

/* ---- balloon, console, entropy ----------------------------------------- */

static struct sim_vballoon *vb;

static void
use_balloon(struct loop *l)
{
	unsigned int i;

	sim_vballoon_target(vb, 30);
	/* What is reported as free does not come back in this world. */
	for (i = 0; i < 20 && vb->vb_npfn < 30; i++) {
		l->l_spare = 100;
		until(l, 1000);
	}
	assert_int_equal(vb->vb_npfn, 30);
	sim_vballoon_target(vb, 0);
	until(l, 3000);
	assert_int_equal(vb->vb_npfn, 0);
	vb->vb_free = 1;
	sim_vballoon_ask(vb);
	until(l, 500);
	/* Of the moment after the last question. */
	assert_int_equal(vb->vb_free != 1, sim_vdev_has(vb->vb_dev,
	    VIRTIO_BALLOON_F_STATS_VQ));
}

VLOOP_TEST(balloon)
{
	static const uint8_t bits[NBIT] = { VIRTIO_BALLOON_F_MUST_TELL_HOST,
	    VIRTIO_BALLOON_F_STATS_VQ, VIRTIO_BALLOON_F_DEFLATE_ON_OOM,
	    VIRTIO_BALLOON_F_FREE_PAGE_HINT, VIRTIO_BALLOON_F_REPORTING,
	    PLATFORM, NONE };
	struct sim_vdev_cfg vc = vloop_cfg(l);

	vb = sim_vballoon_create(l->l_sim, &vc, 0);
	each(l, vb->vb_dev, bits, use_balloon);
}

static struct sim_vcons *vcons;

static void
use_cons(struct loop *l)
{
	static const char text[] = "a line of text\n";
	bool can = sim_vdev_has(vcons->vc_dev, VIRTIO_CONSOLE_F_EMERG_WRITE);
	unsigned int i;

	assert_non_null(l->l_cons);
	vcons->vc_nout = 0;
	l->l_ninput = 0;
	l->l_take = sizeof(l->l_input);
	assert_int_equal(pv_cons_write(l->l_cons, text, 15), 15);
	sim_vcons_type(vcons, text, 15);
	until(l, 1000);
	assert_int_equal(vcons->vc_nout, 15);
	assert_memory_equal(vcons->vc_out, text, 15);
	assert_int_equal(l->l_ninput, 15);
	assert_memory_equal(l->l_input, text, 15);
	/* Last words, a byte at a time. */
	vcons->vc_nlast = 0;
	for (i = 0; i < 3; i++) {
		l->l_cons->cn_ops->co_emergency(l->l_cons->cn_sc, text + i,
		    1);
		until(l, 10);
	}
	assert_int_equal(vcons->vc_nlast, can ? 3 : 0);
}

VLOOP_TEST(console)
{
	static const uint8_t bits[NBIT] = { VIRTIO_CONSOLE_F_SIZE,
	    VIRTIO_CONSOLE_F_MULTIPORT, VIRTIO_CONSOLE_F_EMERG_WRITE,
	    PLATFORM, NONE };
	struct sim_vdev_cfg vc = vloop_cfg(l);

	vcons = sim_vcons_create(l->l_sim, &vc);
	each(l, vcons->vc_dev, bits, use_cons);
}

static void
use_rng(struct loop *l)
{
	size_t before = l->l_nrandom;

	assert_int_equal(pv_rng_ask(l->l_rng, 40), 0);
	until(l, 1000);
	assert_true(l->l_nrandom > before);
}

VLOOP_TEST(rng)
{
	static const uint8_t bits[NBIT] = { PLATFORM, NONE };
	struct sim_vdev_cfg vc = vloop_cfg(l);

	each(l, sim_vrng_create(l->l_sim, &vc)->vr_dev, bits, use_rng);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blk),
		cmocka_unit_test(scsi),
		cmocka_unit_test(net),
		cmocka_unit_test(balloon),
		cmocka_unit_test(console),
		cmocka_unit_test(rng),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
