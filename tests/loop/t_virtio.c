/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_virtio.c -- rings and transports against a well-behaved device: every bus,
 * both kinds of ring, each feature, with data compared.
 */

#include <stdlib.h>

#include "virtio_blk.h"
#include "vloop.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#define DISK	2048

static struct vloop_disk *
up(struct loop *l)
{
	struct vloop_disk *d = vloop_disk(l, DISK);

	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_blks(l, 1));
	return d;
}

VLOOP_TEST(comes_and_goes)
{
	struct vloop_disk *d = up(l);

	assert_string_equal(loop_state(l, vloop_name(d->vd_dev)), "connected");
	assert_int_equal(l->l_blk[0]->bk_nsect, DISK);
	assert_true(sim_vdev_up(d->vd_dev));
	vloop_detach(l);
	assert_int_equal(l->l_nblk, 0);
	assert_int_equal(sim_vdev_status(d->vd_dev), 0);
	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_blks(l, 1));
}

/* What is offered and wanted is what the device was told. */
VLOOP_TEST(features_as_offered)
{
	struct vloop_disk *d = up(l);
	struct sim_vdev_cfg cfg = vloop_cfg(l);
	bool legacy = cfg.vc_bus == SIM_VBUS_LEGACY ||
	    cfg.vc_bus == SIM_VBUS_MMIO1;

	assert_true(sim_vdev_has(d->vd_dev, VIRTIO_BLK_F_FLUSH));
	assert_int_equal(sim_vdev_has(d->vd_dev, VIRTIO_F_VERSION_1),
	    !legacy);
	assert_int_equal(sim_vdev_has(d->vd_dev, VIRTIO_F_RING_PACKED),
	    (cfg.vc_flags & SIM_V_PACKED) != 0);
	assert_int_equal(sim_vdev_has(d->vd_dev, VIRTIO_F_IN_ORDER),
	    (cfg.vc_flags & SIM_V_INORDER) != 0);
	assert_int_equal(sim_vdev_has(d->vd_dev, VIRTIO_RING_F_EVENT_IDX),
	    (cfg.vc_flags & SIM_V_NOEVENT) == 0);
	assert_int_equal(sim_vdev_has(d->vd_dev, VIRTIO_RING_F_INDIRECT_DESC),
	    (cfg.vc_flags & SIM_V_NOINDIRECT) == 0);
}

VLOOP_TEST(data_both_ways)
{
	struct vloop_disk *d = up(l);
	uint8_t *buf = loop_pages(8);
	unsigned int i;

	for (i = 0; i < 40; i++) {
		loop_fill(buf, 8 * 4096, i + 1);
		assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, i * 8,
		    buf, (1 + i % 8) * 4096), 0);
		assert_memory_equal(d->vd_data + i * 4096, buf,
		    (1 + i % 8) * 4096);
		memset(buf, 0, 8 * 4096);
		assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, i * 8,
		    buf, (1 + i % 8) * 4096), 0);
		assert_memory_equal(d->vd_data + i * 4096, buf,
		    (1 + i % 8) * 4096);
	}
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_FLUSH, 0, NULL, 0), 0);
	loop_pages_free(buf, 8);
}

/* ---- many at once ------------------------------------------------------- */

#define MANY	400

static unsigned int many_done;

static bool
many_over(struct loop *l)
{
	return many_done == MANY;
}

static void
many_count(struct pv_blk_req *br, int rv)
{
	struct loop_req *lr = br->br_arg;

	lr->lr_ndone++;
	lr->lr_rv = rv;
	many_done++;
}

static int
many_submit(struct pv_blk *bk, struct loop_req *lr, void *buf, uint64_t sect)
{
	memset(lr, 0, sizeof(*lr));
	lr->lr_iov[0].iov_base = buf;
	lr->lr_iov[0].iov_len = 4096;
	lr->lr_br.br_op = PV_BLK_WRITE;
	lr->lr_br.br_sect = sect;
	lr->lr_br.br_nsect = 8;
	lr->lr_br.br_iov = lr->lr_iov;
	lr->lr_br.br_niov = 1;
	lr->lr_br.br_done = many_count;
	lr->lr_br.br_arg = lr;
	return pv_blk_submit(bk, &lr->lr_br);
}

/* More than the queue holds, again and again: each is answered once. */
VLOOP_TEST(many_at_once)
{
	static struct loop_req lr[MANY];
	struct vloop_disk *d = up(l);
	uint8_t *buf = loop_pages(16);
	unsigned int i, nagain = 0;
	int rv;

	many_done = 0;
	loop_fill(buf, 16 * 4096, 7);
	for (i = 0; i < MANY; ) {
		rv = many_submit(l->l_blk[0], &lr[i], buf + i % 16 * 4096,
		    i % 128 * 8);
		if (rv == 0) {
			i++;
			continue;
		}
		assert_int_equal(rv, -PV_EAGAIN);
		nagain++;
		sim_run(l->l_sim, 100000);
	}
	assert_true(loop_until(l, many_over));
	assert_true(nagain > 0);
	for (i = 0; i < MANY; i++) {
		assert_int_equal(lr[i].lr_ndone, 1);
		assert_int_equal(lr[i].lr_rv, 0);
	}
	for (i = 0; i < 128; i++)
		assert_memory_equal(d->vd_data + i * 4096,
		    buf + i % 16 * 4096, 4096);
	loop_pages_free(buf, 16);
}

/* Kicks and interrupts are fewer than requests, where that was agreed. */
VLOOP_TEST(survives_lost_and_spurious)
{
	struct vloop_disk *d = up(l);
	uint8_t *buf = loop_pages(1);
	unsigned int i;

	sim_evil(l->l_sim, SIM_EVIL_EVENT_SPURIOUS, 0);
	for (i = 0; i < 20; i++)
		assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, i, buf,
		    4096), 0);
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_EVENT_SPURIOUS) > 0);
	sim_honest(l->l_sim, SIM_EVIL_EVENT_SPURIOUS);
	assert_true(sim_vdev_up(d->vd_dev));
	loop_pages_free(buf, 1);
}

/* A new size is seen, by the configuration's interrupt. */
VLOOP_TEST(configuration_changes)
{
	struct vloop_disk *d = up(l);
	uint64_t nsect = DISK / 2;
	unsigned int i;

	memcpy(sim_vdev_config(d->vd_dev), &nsect, sizeof(nsect));
	sim_vdev_changed(d->vd_dev);
	for (i = 0; i < 100 && l->l_nresized == 0; i++)
		sim_run(l->l_sim, 10 * SIM_MS);
	assert_int_equal(l->l_nresized, 1);
	assert_int_equal(l->l_blk[0]->bk_nsect, nsect);
}

/* The operator refuses a feature that the device offers. */
VLOOP_TEST(features_refused)
{
	struct vloop_disk *d;

	loop_set(l, "hw.virtio.features_off", "packed,event_idx,2:9,3:5,28,");
	d = up(l);
	assert_false(sim_vdev_has(d->vd_dev, VIRTIO_F_RING_PACKED));
	assert_false(sim_vdev_has(d->vd_dev, VIRTIO_RING_F_EVENT_IDX));
	assert_false(sim_vdev_has(d->vd_dev, VIRTIO_RING_F_INDIRECT_DESC));
	assert_false(sim_vdev_has(d->vd_dev, VIRTIO_BLK_F_FLUSH));
	assert_int_equal(sim_nlog(PV_LOG_WARN), 0);
}

VLOOP_TEST(features_refused_badly)
{
	loop_set(l, "hw.virtio.features_off", "pakced,64,x:1,event_idx");
	(void)up(l);
	assert_true(sim_nlog(PV_LOG_WARN) >= 3);
}

VLOOP_TEST(queue_size_set)
{
	uint8_t *buf = loop_pages(4);

	loop_set(l, "hw.virtio.queue_size", "17");
	(void)up(l);

	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf,
	    4 * 4096), 0);
	loop_pages_free(buf, 4);
}

/* A queue is taken from the device and given back, empty. */
VLOOP_TEST(one_queue_reset)
{
	struct vloop_disk *d = up(l);
	struct virtio_blk_softc *sc = l->l_blk[0]->bk_sc;
	struct virtio_queue *vn = &sc->sc_q[0]->q_queue;
	bool can = sim_vdev_has(d->vd_dev, VIRTIO_F_RING_RESET);
	uint8_t *buf = loop_pages(2);
	int rv;

	sim_run(l->l_sim, SIM_S);
	rv = virtio_queue_reset(vn);
	assert_int_equal(rv, can ? 0 : -PV_EOPNOTSUPP);
	if (can) {
		assert_null(vq_drain(&vn->vn_vq));
		assert_int_equal(virtio_queue_restart(vn), 0);
	}
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 8, buf, 8192),
	    0);
	loop_pages_free(buf, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_and_goes),
		cmocka_unit_test(features_as_offered),
		cmocka_unit_test(data_both_ways),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(survives_lost_and_spurious),
		cmocka_unit_test(configuration_changes),
		cmocka_unit_test(features_refused),
		cmocka_unit_test(features_refused_badly),
		cmocka_unit_test(queue_size_set),
		cmocka_unit_test(one_queue_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
