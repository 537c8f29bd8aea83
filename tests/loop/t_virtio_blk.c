/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_virtio_blk.c -- dev/virtio_blk against the simulated disk: each feature
 * with its effect, and without; queues; resets in mid-course.
 */

#include <linux/virtio_blk.h>

#include "sim_vblk.h"
#include "vloop.h"

#define DISK	4096
#define F(name)	(1ull << VIRTIO_BLK_F_##name)
#define ALL	(F(SIZE_MAX) | F(SEG_MAX) | F(BLK_SIZE) | F(FLUSH) |	\
		F(TOPOLOGY) | F(CONFIG_WCE) | F(DISCARD) |		\
		F(WRITE_ZEROES) | F(SECURE_ERASE))

static struct sim_vblk_cfg
full(void)
{
	struct sim_vblk_cfg bc = {
		.bc_nsect = DISK, .bc_features = ALL, .bc_bsize = 512,
		.bc_segmax = 64, .bc_sizemax = 65536, .bc_maxdiscard = 100,
		.bc_maxzero = 200, .bc_maxsecure = 300,
		.bc_serial = "a-serial-number-of-20"
	};

	return bc;
}

static struct sim_vblk *
make(struct loop *l, const struct sim_vblk_cfg *bc)
{
	struct sim_vdev_cfg vc = vloop_cfg(l);

	return sim_vblk_create(l->l_sim, &vc, bc);
}

static struct sim_vblk *
up(struct loop *l, const struct sim_vblk_cfg *bc)
{
	struct sim_vblk *vb = make(l, bc);

	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_blks(l, 1));
	sim_run(l->l_sim, SIM_S);
	return vb;
}

static int
range(struct loop *l, enum pv_blk_op op, uint64_t sect, uint64_t nsect,
    uint32_t flags)
{
	struct loop_req lr;
	int rv;

	loop_prepare(&lr, op, sect, NULL, nsect * 512);
	lr.lr_br.br_nsect = nsect;
	lr.lr_br.br_flags = flags;
	rv = pv_blk_submit(l->l_blk[0], &lr.lr_br);
	return rv != 0 ? rv : loop_wait(l, &lr);
}

static bool
all(const uint8_t *p, size_t len, uint8_t byte)
{
	while (len-- > 0)
		if (*p++ != byte)
			return false;
	return true;
}

/* ---- what the device is ------------------------------------------------ */

VLOOP_TEST(described)
{
	struct sim_vblk_cfg bc = full();
	struct pv_blk *bk;

	bc.bc_bsize = 4096;
	(void)up(l, &bc);
	bk = l->l_blk[0];
	assert_string_equal(bk->bk_name, "vda");
	assert_int_equal(bk->bk_nsect, DISK);
	assert_int_equal(bk->bk_bsize, 4096);
	assert_int_equal(bk->bk_psize, 32768);
	assert_int_equal(bk->bk_poff, 4096);
	assert_int_equal(bk->bk_minio, 32768);
	assert_int_equal(bk->bk_optio, 128 * 4096);
	assert_int_equal(bk->bk_maxdiscard, 96);
	assert_int_equal(bk->bk_maxzero, 200);
	assert_int_equal(bk->bk_maxsecure, 296);
	assert_int_equal(bk->bk_discalign, 8);
	assert_int_equal(bk->bk_flags, PV_BLK_CANFLUSH | PV_BLK_CANDISCARD |
	    PV_BLK_CANZERO | PV_BLK_CANSECURE | PV_BLK_WCACHE |
	    PV_BLK_CANWCACHE);
	assert_string_equal(bk->bk_ident, "a-serial-number-of-2");
}

VLOOP_TEST(plain)
{
	struct sim_vblk_cfg bc = { .bc_nsect = DISK };
	struct pv_blk *bk;

	(void)up(l, &bc);
	bk = l->l_blk[0];
	assert_int_equal(bk->bk_bsize, 512);
	assert_int_equal(bk->bk_psize, 0);
	assert_int_equal(bk->bk_flags, 0);
	assert_int_equal(bk->bk_nqueue, 1);
	assert_string_equal(bk->bk_ident, "");
	assert_int_equal(range(l, PV_BLK_DISCARD, 0, 8, 0), -PV_EOPNOTSUPP);
	assert_int_equal(range(l, PV_BLK_WRITE_ZEROES, 0, 8, 0),
	    -PV_EOPNOTSUPP);
	assert_int_equal(range(l, PV_BLK_SECURE_DISCARD, 0, 8, 0),
	    -PV_EOPNOTSUPP);
	assert_int_equal(loop_io(l, bk, PV_BLK_FLUSH, 0, NULL, 0),
	    -PV_EOPNOTSUPP);
	assert_int_equal(bk->bk_ops->bo_wcache(bk->bk_sc, true),
	    -PV_EOPNOTSUPP);
}

VLOOP_TEST(read_only)
{
	struct sim_vblk_cfg bc = full();
	uint8_t *buf = loop_pages(1);

	bc.bc_features |= F(RO);
	(void)up(l, &bc);
	assert_true((l->l_blk[0]->bk_flags & PV_BLK_RO) != 0);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, 0, buf, 512),
	    -PV_EROFS);
	assert_int_equal(range(l, PV_BLK_DISCARD, 0, 8, 0), -PV_EROFS);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf, 512), 0);
	loop_pages_free(buf, 1);
}

/* ---- operations -------------------------------------------------------- */

VLOOP_TEST(ranges)
{
	struct sim_vblk_cfg bc = full();
	struct sim_vblk *vb = up(l, &bc);

	memset(vb->vb_data, 0x55, DISK * 512);
	assert_int_equal(range(l, PV_BLK_DISCARD, 8, 100, 0), 0);
	assert_true(all(vb->vb_data + 8 * 512, 100 * 512, 0xdd));
	assert_int_equal(range(l, PV_BLK_WRITE_ZEROES, 200, 200,
	    PV_BLK_UNMAP), 0);
	assert_int_equal(vb->vb_flags, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
	assert_true(all(vb->vb_data + 200 * 512, 200 * 512, 0));
	assert_int_equal(range(l, PV_BLK_WRITE_ZEROES, 200, 1, 0), 0);
	assert_int_equal(vb->vb_flags, 0);
	assert_int_equal(range(l, PV_BLK_SECURE_DISCARD, DISK - 300, 300, 0),
	    0);
	assert_true(all(vb->vb_data + (DISK - 300) * 512, 300 * 512, 0xee));
	assert_true(all(vb->vb_data, 8 * 512, 0x55));
	assert_true(all(vb->vb_data + 108 * 512, 92 * 512, 0x55));
	assert_int_equal(range(l, PV_BLK_DISCARD, 8, 101, 0), -PV_EINVAL);
	assert_int_equal(range(l, PV_BLK_DISCARD, DISK - 1, 2, 0),
	    -PV_EINVAL);
	assert_int_equal(range(l, PV_BLK_WRITE_ZEROES, UINT64_MAX - 1, 8, 0),
	    -PV_EINVAL);
	assert_int_equal(l->l_blk[0]->bk_ndiscard, 2);
	assert_int_equal(l->l_blk[0]->bk_nzero, 2);
}

VLOOP_TEST(block_size_kept)
{
	struct sim_vblk_cfg bc = full();
	uint8_t *buf = loop_pages(1);

	bc.bc_bsize = 4096;
	(void)up(l, &bc);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 4, buf, 4096),
	    -PV_EINVAL);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 8, buf, 512),
	    -PV_EINVAL);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 8, buf, 4096),
	    0);
	assert_int_equal(range(l, PV_BLK_DISCARD, 8, 9, 0), -PV_EINVAL);
	loop_pages_free(buf, 1);
}

/* Small pieces, few of them: the data is the same. */
VLOOP_TEST(small_pieces)
{
	struct sim_vblk_cfg bc = full();
	uint8_t *buf = loop_pages(4);
	struct sim_vblk *vb;
	struct pv_blk *bk;

	bc.bc_segmax = 9;
	bc.bc_sizemax = 1100;		/* 1024, four to a page */
	vb = up(l, &bc);
	bk = l->l_blk[0];
	assert_int_equal(bk->bk_maxio, 2 * 4096);
	loop_fill(buf, 4 * 4096, 3);
	assert_int_equal(loop_io(l, bk, PV_BLK_WRITE, 16, buf, 8192), 0);
	assert_memory_equal(vb->vb_data + 16 * 512, buf, 8192);
	assert_int_equal(loop_io(l, bk, PV_BLK_READ, 16, buf + 8192, 8192),
	    0);
	assert_memory_equal(buf, buf + 8192, 8192);
	assert_int_equal(loop_io(l, bk, PV_BLK_READ, 0, buf, 8192 + 512),
	    -PV_EINVAL);
	loop_pages_free(buf, 4);
}

/* As qemu-storage-daemon: offered, and then no number. */
VLOOP_TEST(size_of_pieces_not_told)
{
	struct sim_vblk_cfg bc = full();
	uint8_t *buf = loop_pages(1);
	struct sim_vblk *vb;

	bc.bc_sizemax = 0;
	vb = up(l, &bc);
	loop_fill(buf, 4096, 3);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, 16, buf, 4096),
	    0);
	assert_memory_equal(vb->vb_data + 16 * 512, buf, 4096);
	loop_pages_free(buf, 1);
}

VLOOP_TEST(write_cache)
{
	struct sim_vblk_cfg bc = full();
	struct sim_vblk *vb;
	struct pv_blk *bk;

	loop_set(l, "hw.vtblk.writecache_mode", "0");
	vb = up(l, &bc);
	bk = l->l_blk[0];
	assert_int_equal(sim_vblk_config(vb)->wce, 0);
	assert_int_equal(bk->bk_flags & PV_BLK_WCACHE, 0);
	assert_int_equal(bk->bk_ops->bo_wcache(bk->bk_sc, true), 0);
	assert_int_equal(sim_vblk_config(vb)->wce, 1);
	assert_int_not_equal(bk->bk_flags & PV_BLK_WCACHE, 0);
}

VLOOP_TEST(resized)
{
	struct sim_vblk_cfg bc = full();
	struct sim_vblk *vb = up(l, &bc);
	uint8_t *buf = loop_pages(1);

	sim_vblk_resize(vb, DISK * 2);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_nresized, 1);
	assert_int_equal(l->l_blk[0]->bk_nsect, DISK * 2);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, DISK * 2 - 1,
	    buf, 512), 0);
	sim_vblk_resize(vb, DISK / 2);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_nresized, 2);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, DISK / 2, buf,
	    512), -PV_EINVAL);
	loop_pages_free(buf, 1);
}

/* ---- queues ------------------------------------------------------------ */

static void
on_each_cpu(struct loop *l)
{
	uint8_t *buf = loop_pages(8);
	struct loop_req lr[8];
	unsigned int i;

	for (i = 0; i < 8; i++) {
		loop_prepare(&lr[i], PV_BLK_READ, i, buf + i * 4096, 4096);
		lr[i].lr_br.br_cpu = i;
		assert_int_equal(pv_blk_submit(l->l_blk[0], &lr[i].lr_br), 0);
	}
	for (i = 0; i < 8; i++)
		assert_int_equal(loop_wait(l, &lr[i]), 0);
	loop_pages_free(buf, 8);
}

VLOOP_TEST(a_queue_per_cpu)
{
	struct sim_vblk_cfg bc = full();
	struct sim_vblk *vb;
	unsigned int i;

	bc.bc_features |= F(MQ);
	bc.bc_nqueue = 4;
	vb = up(l, &bc);
	assert_int_equal(l->l_blk[0]->bk_nqueue, 4);
	memset(vb->vb_nreqof, 0, sizeof(vb->vb_nreqof));
	on_each_cpu(l);
	for (i = 0; i < 4; i++)
		assert_int_equal(vb->vb_nreqof[i], 2);
}

VLOOP_TEST(one_queue_when_told)
{
	struct sim_vblk_cfg bc = full();
	struct sim_vblk *vb;

	loop_set(l, "hw.vtblk.0.mq_disable", "1");
	bc.bc_features |= F(MQ);
	bc.bc_nqueue = 4;
	vb = up(l, &bc);
	assert_int_equal(l->l_blk[0]->bk_nqueue, 1);
	assert_false(sim_vdev_has(vb->vb_dev, VIRTIO_BLK_F_MQ));
	on_each_cpu(l);
}

/* It claims to have more than it has, or none: it works with what is there. */
VLOOP_TEST(queues_that_are_not_there)
{
	struct sim_vblk_cfg bc = full();

	bc.bc_features |= F(MQ);
	bc.bc_numqueues = 65535;
	(void)up(l, &bc);
	assert_int_equal(l->l_blk[0]->bk_nqueue, 1);
	on_each_cpu(l);
}

/* ---- settings ---------------------------------------------------------- */

VLOOP_TEST(no_serial_wanted)
{
	struct sim_vblk_cfg bc = full();
	struct sim_vblk *vb;

	loop_set(l, "hw.vtblk.no_ident", "1");
	vb = up(l, &bc);
	assert_string_equal(l->l_blk[0]->bk_ident, "");
	assert_int_equal(vb->vb_ntype[VIRTIO_BLK_T_GET_ID], 0);
}

VLOOP_TEST(left_out)
{
	struct sim_vblk_cfg bc = full();
	bool pci = vloop_cfg(l).vc_bus == SIM_VBUS_PCI ||
	    vloop_cfg(l).vc_bus == SIM_VBUS_LEGACY;

	(void)make(l, &bc);
	loop_set(l, "virtio_blk_load", "NO");
	assert_int_equal(vloop_attach(l), 0);
	l->l_nset = 0;
	loop_set(l, "virtio_load", "NO");
	assert_int_equal(vloop_attach(l), 0);
	l->l_nset = 0;
	loop_set(l, pci ? "virtio_pci_load" : "virtio_mmio_load", "no");
	assert_int_equal(vloop_attach(l), 0);
	l->l_nset = 0;
	loop_set(l, pci ? "virtio_mmio_load" : "virtio_pci_load", "no");
	loop_set(l, "virtio_blk_load", "YES");
	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_blks(l, 1));
}

/* ---- resets ------------------------------------------------------------ */

#define NREQ	16

static struct loop_req lr[NREQ];

static void
submit_held(struct loop *l, struct sim_vblk *vb, uint8_t *buf)
{
	unsigned int i;

	sim_vdev_hold(vb->vb_dev, true);
	for (i = 0; i < NREQ; i++)
		assert_int_equal(loop_submit(l->l_blk[0], &lr[i], PV_BLK_WRITE,
		    i, buf + i * 512, 512), 0);
	sim_run(l->l_sim, SIM_S);
}

static void
all_done(struct loop *l, int rv)
{
	unsigned int i;

	for (i = 0; i < NREQ; i++)
		assert_int_equal(loop_wait(l, &lr[i]), rv);
	sim_run(l->l_sim, SIM_S);
	for (i = 0; i < NREQ; i++)
		assert_int_equal(lr[i].lr_ndone, 1);
}

/* The device loses its way with requests in flight: all are made again. */
VLOOP_TEST(replayed)
{
	struct sim_vblk_cfg bc = full();
	struct sim_vblk *vb = up(l, &bc);
	uint8_t *buf = loop_pages(NREQ / 8);
	unsigned int i, nreset = sim_vdev_nreset(vb->vb_dev);

	loop_fill(buf, NREQ * 512, 5);
	submit_held(l, vb, buf);
	sim_vblk_forget(vb);
	sim_vdev_lost(vb->vb_dev);
	sim_run(l->l_sim, SIM_S);
	assert_true(sim_vdev_nreset(vb->vb_dev) > nreset);
	sim_vdev_hold(vb->vb_dev, false);
	all_done(l, 0);
	assert_memory_equal(vb->vb_data, buf, NREQ * 512);
	assert_int_equal(vb->vb_nlog, NREQ);
	for (i = 0; i < NREQ; i++)
		assert_int_equal(vb->vb_log[i], i);
	assert_int_equal(l->l_blk[0]->bk_nreplay, NREQ);
	assert_int_equal(l->l_nblkup, 1);
	assert_int_equal(l->l_nresized, 0);
	loop_pages_free(buf, NREQ / 8);
}

/* What does not fit the disk that came back fails, the rest does not. */
VLOOP_TEST(replayed_on_less)
{
	struct sim_vblk_cfg bc = full();
	struct sim_vblk *vb = up(l, &bc);
	uint8_t *buf = loop_pages(NREQ / 8);
	unsigned int i;

	submit_held(l, vb, buf);
	vb->vb_cfg.bc_nsect = sim_vblk_config(vb)->capacity = 8;
	sim_vdev_lost(vb->vb_dev);
	sim_run(l->l_sim, SIM_S);
	sim_vdev_hold(vb->vb_dev, false);
	for (i = 0; i < NREQ; i++)
		assert_int_equal(loop_wait(l, &lr[i]), i < 8 ? 0 : -PV_EIO);
	assert_int_equal(l->l_nresized, 1);
	loop_pages_free(buf, NREQ / 8);
}

/* Whatever moment a reset comes at, each request is answered once. */
VLOOP_TEST(resets_at_any_time)
{
	struct sim_vblk_cfg bc = full();
	struct sim_vblk *vb;
	uint8_t *buf = loop_pages(NREQ / 8);
	unsigned int i, k, at, nreset;

	bc.bc_features |= F(MQ);
	bc.bc_nqueue = 4;
	vb = up(l, &bc);
	nreset = sim_vdev_nreset(vb->vb_dev);
	loop_fill(buf, NREQ * 512, 9);
	for (k = 0; k < 4; k++) {
		at = sim_rand(NREQ);
		for (i = 0; i < NREQ; i++) {
			loop_prepare(&lr[i], PV_BLK_WRITE, i, buf + i * 512,
			    512);
			lr[i].lr_br.br_cpu = i;
			assert_int_equal(pv_blk_submit(l->l_blk[0],
			    &lr[i].lr_br), 0);
			if (i == at)
				sim_vdev_lost(vb->vb_dev);
			if (sim_rand(4) == 0)
				sim_run(l->l_sim, sim_rand(50000));
		}
		all_done(l, 0);
		sim_run(l->l_sim, 100 * SIM_S);
	}
	assert_memory_equal(vb->vb_data, buf, NREQ * 512);
	assert_int_equal(l->l_nblkup, 1);
	/* One ends, one begins. */
	assert_int_equal(sim_vdev_nreset(vb->vb_dev) - nreset, 4 * 2);
	loop_pages_free(buf, NREQ / 8);
}

/* It asks for a reset and is taken away before it gets one. */
VLOOP_TEST(lost_and_detached)
{
	struct sim_vblk_cfg bc = full();
	struct sim_vblk *vb = up(l, &bc);
	uint8_t *buf = loop_pages(NREQ / 8);

	submit_held(l, vb, buf);
	sim_vdev_lost(vb->vb_dev);
	vloop_detach(l);
	all_done(l, -PV_ENXIO);
	loop_pages_free(buf, NREQ / 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(described),
		cmocka_unit_test(plain),
		cmocka_unit_test(read_only),
		cmocka_unit_test(ranges),
		cmocka_unit_test(block_size_kept),
		cmocka_unit_test(small_pieces),
		cmocka_unit_test(size_of_pieces_not_told),
		cmocka_unit_test(write_cache),
		cmocka_unit_test(resized),
		cmocka_unit_test(a_queue_per_cpu),
		cmocka_unit_test(one_queue_when_told),
		cmocka_unit_test(queues_that_are_not_there),
		cmocka_unit_test(no_serial_wanted),
		cmocka_unit_test(left_out),
		cmocka_unit_test(replayed),
		cmocka_unit_test(replayed_on_less),
		cmocka_unit_test(resets_at_any_time),
		cmocka_unit_test(lost_and_detached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
