/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_virtio_hotplug.c -- virtio functions on PCI that come and go: looked for
 * again, let go of in use or not, and others in their slots.
 */

#include "loop/vloop.h"

#include "sim_vdev.h"
#include "virtio.h"

#define DISK	1024
#define NREQ	16

/* Does this seed have a bus that can be plugged? */
static bool
pluggable(const struct loop *l)
{
	struct sim_vdev_cfg cfg = vloop_cfg(l);

	return cfg.vc_bus == SIM_VBUS_PCI || cfg.vc_bus == SIM_VBUS_LEGACY;
}

static pv_pci_t
function(const struct vloop_disk *d)
{
	return d->vd_dev->vd_pci->pf_id;
}

static void
works(struct loop *l, struct pv_blk *bk, const struct vloop_disk *d)
{
	uint8_t *buf = loop_pages(1);

	loop_fill(buf, 4096, function(d));
	assert_int_equal(loop_io(l, bk, PV_BLK_WRITE, 8, buf, 4096), 0);
	assert_memory_equal(d->vd_data + 4096, buf, 4096);
	loop_pages_free(buf, 1);
}

VLOOP_TEST(comes_later)
{
	struct vloop_disk *d[2];

	if (!pluggable(l))
		return;
	assert_int_equal(vloop_attach(l), 0);
	d[0] = vloop_disk(l, DISK);
	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_blks(l, 1));
	works(l, l->l_blk[0], d[0]);
	d[1] = vloop_disk(l, DISK);
	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_blks(l, 2));
	works(l, l->l_blk[0], d[0]);
	works(l, l->l_blk[1], d[1]);
	/* Nothing new: nothing happens to those that work. */
	assert_int_equal(vloop_attach(l), 0);
	assert_int_equal(sim_vdev_nreset(d[0]->vd_dev), 1);
}

VLOOP_TEST(one_goes)
{
	struct vloop_disk *d[2];
	pv_pci_t pci;

	if (!pluggable(l))
		return;
	d[0] = vloop_disk(l, DISK);
	d[1] = vloop_disk(l, DISK);
	assert_int_equal(vloop_attach(l), 2);
	assert_true(loop_blks(l, 2));
	pci = function(d[0]);
	assert_int_equal(pv_detach_virtio_pci(pci), 1);
	assert_int_equal(l->l_nblk, 1);
	assert_int_equal(sim_vdev_status(d[0]->vd_dev), 0);
	assert_int_equal(pv_detach_virtio_pci(pci), 0);
	assert_int_equal(pv_detach_virtio_pci(pci + 1), 0);
	works(l, l->l_blk[0] != NULL ? l->l_blk[0] : l->l_blk[1], d[1]);
}

/* The host asks for it back under load; each request is answered. */
VLOOP_TEST(goes_in_use)
{
	static struct loop_req lr[NREQ];
	struct vloop_disk *d;
	uint8_t *buf = loop_pages(NREQ);
	unsigned int i, n = 0;
	bool pulled = sim_rand(2) != 0;

	if (!pluggable(l)) {
		loop_pages_free(buf, NREQ);
		return;
	}
	d = vloop_disk(l, DISK);
	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_blks(l, 1));
	pv_blk_open(l->l_blk[0]);
	while (n < NREQ && loop_submit(l->l_blk[0], &lr[n], PV_BLK_READ, n * 8,
	    buf + n * 4096, 4096) == 0)
		n++;
	assert_true(n > 0);
	sim_run(l->l_sim, sim_rand(20000));
	/* Asked for, or simply taken. */
	if (pulled)
		sim_vdev_pull(d->vd_dev);
	assert_int_equal(pv_detach_virtio_pci(function(d)), 1);
	assert_int_equal(l->l_nblk, 0);
	for (i = 0; i < n; i++) {
		assert_int_equal(lr[i].lr_ndone, 1);
		assert_true(lr[i].lr_rv == 0 || lr[i].lr_rv == -PV_ENXIO);
	}
	loop_pages_free(buf, NREQ);
}

/* Another device comes into the slot, again and again. */
VLOOP_TEST(same_slot)
{
	struct vloop_disk *d;
	pv_pci_t pci = 0;
	unsigned int i;

	if (!pluggable(l))
		return;
	for (i = 0; i < 5; i++) {
		d = vloop_disk(l, DISK + i * 8);
		assert_true(i == 0 || pci == function(d));
		pci = function(d);
		assert_int_equal(vloop_attach(l), 1);
		assert_true(loop_blks(l, 1));
		assert_int_equal(l->l_blk[0]->bk_nsect, DISK + i * 8);
		works(l, l->l_blk[0], d);
		assert_int_equal(pv_detach_virtio_pci(pci), 1);
		sim_vdev_pull(d->vd_dev);
		assert_int_equal(l->l_nblk, 0);
	}
}

/* Nobody told that the last one went: it breaks, and gives way. */
VLOOP_TEST(swapped)
{
	struct vloop_disk *d;
	pv_pci_t pci;

	if (!pluggable(l))
		return;
	d = vloop_disk(l, DISK);
	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_blks(l, 1));
	pci = function(d);
	sim_vdev_pull(d->vd_dev);
	d = vloop_disk(l, 2 * DISK);
	assert_int_equal(function(d), pci);
	assert_int_equal(pv_detach_virtio_pci(pci), 1);
	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_blks(l, 1));
	assert_int_equal(l->l_blk[0]->bk_nsect, 2 * DISK);
	works(l, l->l_blk[0], d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_later),
		cmocka_unit_test(one_goes),
		cmocka_unit_test(goes_in_use),
		cmocka_unit_test(same_slot),
		cmocka_unit_test(swapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
