/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_evil_virtio.c -- virtio devices that lie, on every bus and in both kinds of
 * ring: the device breaks or is refused, each request is answered once, nothing
 * leaks, and an honest device works afterwards.
 */

#include "loop/vloop.h"

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>

#define DISK	2048
#define NREQ	24

static struct vloop_disk *
up(struct loop *l)
{
	struct vloop_disk *d = vloop_disk(l, DISK);

	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_blks(l, 1));
	sim_run(l->l_sim, SIM_S);
	return d;
}

/* The device is let go, then found anew and works. */
static void
works_again(struct loop *l)
{
	uint8_t *buf = loop_pages(2);

	vloop_detach(l);
	assert_int_equal(l->l_nblk, 0);
	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_blks(l, 1));
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 8, buf, 8192),
	    0);
	loop_pages_free(buf, 2);
}

/* Requests until one is refused or all were made; how many. */
static unsigned int
submit_some(struct loop *l, struct loop_req *lr, uint8_t *buf)
{
	unsigned int n;

	for (n = 0; n < NREQ && l->l_blk[0] != NULL; n++) {
		if (loop_submit(l->l_blk[0], &lr[n], n % 2 == 0 ?
		    PV_BLK_READ : PV_BLK_WRITE, n * 16, buf + n * 8192,
		    8192) != 0)
			break;
	}
	return n;
}

/* Each of n requests is answered once; how many without error. */
static unsigned int
answered(struct loop *l, struct loop_req *lr, unsigned int n)
{
	unsigned int i, good = 0;

	for (i = 0; i < n; i++) {
		assert_int_not_equal(loop_wait(l, &lr[i]), LOOP_NEVER);
		good += lr[i].lr_rv == 0;
	}
	sim_run(l->l_sim, SIM_S);
	for (i = 0; i < n; i++)
		assert_int_equal(lr[i].lr_ndone, 1);
	return good;
}

/* A lie in a used ring breaks the device. */
static void
breaks(struct loop *l, enum sim_lie lie)
{
	static struct loop_req lr[NREQ];
	struct vloop_disk *d = up(l);
	uint8_t *buf = loop_pages(NREQ * 2);
	unsigned int n;

	sim_evil(l->l_sim, lie, sim_rand(6));
	n = submit_some(l, lr, buf);
	assert_true(n > 6);
	assert_true(loop_wait_state(l, vloop_name(d->vd_dev), "broken"));
	assert_true(sim_evil_told(l->l_sim, lie) > 0);
	assert_true(answered(l, lr, n) < n);
	assert_int_equal(l->l_nblk, 0);
	sim_honest(l->l_sim, lie);
	works_again(l);
	loop_pages_free(buf, NREQ * 2);
}

VLOOP_TEST(used_id_range)
{
	breaks(l, SIM_EVIL_USED_ID_RANGE);
}

VLOOP_TEST(used_len_huge)
{
	breaks(l, SIM_EVIL_USED_LEN_HUGE);
}

VLOOP_TEST(used_idx_jump)
{
	breaks(l, SIM_EVIL_USED_IDX_JUMP);
}

/* With one request in flight no other id can be a head. */
VLOOP_TEST(used_id_not_head)
{
	struct vloop_disk *d = up(l);
	uint8_t *buf = loop_pages(2);

	sim_evil(l->l_sim, SIM_EVIL_USED_ID_NOT_HEAD, 0);
	assert_int_not_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf,
	    8192), 0);
	assert_true(loop_wait_state(l, vloop_name(d->vd_dev), "broken"));
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_USED_ID_NOT_HEAD) > 0);
	sim_honest(l->l_sim, SIM_EVIL_USED_ID_NOT_HEAD);
	works_again(l);
	loop_pages_free(buf, 2);
}

VLOOP_TEST(used_id_twice)
{
	struct vloop_disk *d = up(l);
	struct loop_req lr;
	uint8_t *buf = loop_pages(2);

	sim_evil(l->l_sim, SIM_EVIL_USED_ID_TWICE, 0);
	assert_int_equal(loop_submit(l->l_blk[0], &lr, PV_BLK_READ, 0, buf,
	    8192), 0);
	assert_int_not_equal(loop_wait(l, &lr), LOOP_NEVER);
	assert_true(loop_wait_state(l, vloop_name(d->vd_dev), "broken"));
	assert_int_equal(lr.lr_ndone, 1);
	sim_honest(l->l_sim, SIM_EVIL_USED_ID_TWICE);
	works_again(l);
	loop_pages_free(buf, 2);
}

/* ---- what the driver wrote, written over ------------------------------- */

static void
harmless(struct loop *l, enum sim_lie lie)
{
	static struct loop_req lr[NREQ];
	struct vloop_disk *d = up(l);
	uint8_t *buf = loop_pages(NREQ * 2);
	unsigned int i, n;

	sim_evil(l->l_sim, lie, 0);
	for (i = 0; i < 10; i++) {
		n = submit_some(l, lr, buf);
		assert_true(n > 6);
		assert_int_equal(answered(l, lr, n), n);
	}
	assert_string_equal(loop_state(l, vloop_name(d->vd_dev)),
	    "connected");
	assert_true(sim_evil_told(l->l_sim, lie) > 0);
	loop_pages_free(buf, NREQ * 2);
}

VLOOP_TEST(desc_rewritten)
{
	harmless(l, SIM_EVIL_DESC_REWRITTEN);
}

VLOOP_TEST(avail_rewritten)
{
	if (!vloop_packed(l))
		harmless(l, SIM_EVIL_AVAIL_REWRITTEN);
}

/* Read once: what changes afterwards has no effect. */
VLOOP_TEST(used_changed_after_read)
{
	harmless(l, SIM_EVIL_RSP_CHANGED_AFTER_READ);
}

/* ---- the device itself -------------------------------------------------- */

/* Refused or broken: no disk is announced, and it is there when honest. */
static void
no_disk(struct loop *l, enum sim_lie lie, unsigned int after)
{
	struct vloop_disk *d = vloop_disk(l, DISK);

	sim_evil(l->l_sim, lie, after);
	(void)vloop_attach(l);
	sim_run(l->l_sim, 5 * SIM_S);
	assert_true(sim_evil_told(l->l_sim, lie) > 0);
	assert_int_equal(l->l_nblk, 0);
	assert_string_equal(loop_state(l, vloop_name(d->vd_dev)), "broken");
	sim_honest(l->l_sim, lie);
	works_again(l);
}

VLOOP_TEST(queue_max_zero)
{
	no_disk(l, SIM_EVIL_QUEUE_MAX_ZERO, 0);
}

VLOOP_TEST(queue_max_odd)
{
	no_disk(l, SIM_EVIL_QUEUE_MAX_ODD, 0);
}

VLOOP_TEST(features_ok_refused)
{
	struct sim_vdev_cfg cfg = vloop_cfg(l);

	if (cfg.vc_bus != SIM_VBUS_LEGACY && cfg.vc_bus != SIM_VBUS_MMIO1)
		no_disk(l, SIM_EVIL_FEATURES_OK_REFUSED, 0);
}

VLOOP_TEST(vector_refused)
{
	struct sim_vdev_cfg cfg = vloop_cfg(l);

	if ((cfg.vc_bus == SIM_VBUS_PCI || cfg.vc_bus == SIM_VBUS_LEGACY) &&
	    (cfg.vc_flags & SIM_V_NOMSIX) == 0)
		no_disk(l, SIM_EVIL_VECTOR_REFUSED, 0);
}

/* Structures that lie outside of what the function decodes. */
VLOOP_TEST(bar_too_small)
{
	struct sim_vdev_cfg cfg = vloop_cfg(l);

	if (cfg.vc_bus != SIM_VBUS_PCI && cfg.vc_bus != SIM_VBUS_LEGACY)
		return;
	(void)vloop_disk(l, DISK);
	sim_evil(l->l_sim, SIM_EVIL_BAR_TOO_SMALL, 0);
	assert_int_equal(vloop_attach(l), 0);
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_BAR_TOO_SMALL) > 0);
	sim_honest(l->l_sim, SIM_EVIL_BAR_TOO_SMALL);
	works_again(l);
}

/* Sizes of any kind: used or not, nothing is left, and later all is well. */
VLOOP_TEST(bar_wild)
{
	struct sim_vdev_cfg cfg = vloop_cfg(l);
	unsigned int i;

	if (cfg.vc_bus != SIM_VBUS_PCI && cfg.vc_bus != SIM_VBUS_LEGACY)
		return;
	(void)vloop_disk(l, DISK);
	sim_evil(l->l_sim, SIM_EVIL_BAR_WILD, 0);
	for (i = 0; i < 20; i++) {
		(void)vloop_attach(l);
		sim_run(l->l_sim, SIM_S);
		vloop_detach(l);
	}
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_BAR_WILD) > 0);
	sim_honest(l->l_sim, SIM_EVIL_BAR_WILD);
	works_again(l);
}

/* Pulled out while it is looked at: all ones from some moment on. */
VLOOP_TEST(vanishes)
{
	struct sim_vdev_cfg cfg = vloop_cfg(l);
	unsigned int told = 1, n;

	if (cfg.vc_bus != SIM_VBUS_PCI && cfg.vc_bus != SIM_VBUS_LEGACY)
		return;
	for (n = 0; told > 0; n++) {
		(void)vloop_disk(l, DISK);
		sim_evil(l->l_sim, SIM_EVIL_PCI_VANISHES, n);
		(void)vloop_attach(l);
		sim_run(l->l_sim, SIM_S);
		told = sim_evil_told(l->l_sim, SIM_EVIL_PCI_VANISHES);
		sim_honest(l->l_sim, SIM_EVIL_PCI_VANISHES);
		assert_int_equal(l->l_nblk, told > 0 ? 0 : 1);
		if (told > 0)
			vloop_detach(l);
	}
	/* At each place where something is asked, and then it was let be. */
	assert_true(n > 8);
	works_again(l);
}

/* Whatever features come together: it works, or is refused; it is let go. */
VLOOP_TEST(features_change)
{
	unsigned int i;

	(void)vloop_disk(l, DISK);
	sim_evil(l->l_sim, SIM_EVIL_FEATURES_CHANGE, 0);
	for (i = 0; i < 6; i++) {
		assert_int_equal(vloop_attach(l), 1);
		sim_run(l->l_sim, 2 * SIM_S);
		vloop_detach(l);
	}
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_FEATURES_CHANGE) > 0);
	sim_honest(l->l_sim, SIM_EVIL_FEATURES_CHANGE);
	works_again(l);
}

/* No value is ever read twice the same: looking for one ends. */
VLOOP_TEST(config_torn)
{
	(void)vloop_disk(l, DISK);
	sim_evil(l->l_sim, SIM_EVIL_CONFIG_TORN, 0);
	assert_int_equal(vloop_attach(l), 1);
	sim_run(l->l_sim, 5 * SIM_S);
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_CONFIG_TORN) > 0);
	sim_honest(l->l_sim, SIM_EVIL_CONFIG_TORN);
	works_again(l);
}

/* Once torn, then whole: the whole value is found. */
VLOOP_TEST(config_torn_once)
{
	struct vloop_disk *d = up(l);
	uint64_t nsect = DISK / 2;

	sim_run(l->l_sim, SIM_S);
	memcpy(sim_vdev_config(d->vd_dev), &nsect, sizeof(nsect));
	sim_evil(l->l_sim, SIM_EVIL_CONFIG_TORN, 1);
	sim_vdev_changed(d->vd_dev);
	while (sim_evil_told(l->l_sim, SIM_EVIL_CONFIG_TORN) == 0)
		sim_run(l->l_sim, 1000);
	sim_honest(l->l_sim, SIM_EVIL_CONFIG_TORN);
	sim_vdev_changed(d->vd_dev);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_blk[0]->bk_nsect, nsect);
}

/* It may still write to the memory that it was given: that is not freed. */
VLOOP_TEST(reset_never)
{
	struct vloop_disk *d = up(l);
	unsigned int npage = sim_npage(l->l_sim);

	sim_evil(l->l_sim, SIM_EVIL_RESET_NEVER, 0);
	vloop_detach(l);
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_RESET_NEVER) > 0);
	assert_int_equal(l->l_nblk, 0);
	assert_true(npage > 0 && sim_npage(l->l_sim) > 0);
	assert_true(sim_vdev_up(d->vd_dev));
}

/* Found in a state that it does not leave: never used. */
VLOOP_TEST(reset_never_from_the_start)
{
	struct vloop_disk *d = up(l);

	sim_vdev_lost(d->vd_dev);
	sim_evil(l->l_sim, SIM_EVIL_RESET_NEVER, 0);
	assert_true(loop_wait_state(l, vloop_name(d->vd_dev), "broken"));
	assert_int_equal(l->l_nblk, 0);
	vloop_detach(l);
}

/* ---- a device that loses its way ---------------------------------------- */

/* Requests that were in flight are answered after the new start. */
VLOOP_TEST(needs_reset)
{
	static struct loop_req lr[NREQ];
	struct vloop_disk *d = up(l);
	uint8_t *buf = loop_pages(NREQ * 2);
	unsigned int n, nup = l->l_nblkup;

	sim_evil(l->l_sim, SIM_EVIL_NEEDS_RESET, 3);
	n = submit_some(l, lr, buf);
	assert_true(n > 6);
	while (sim_evil_told(l->l_sim, SIM_EVIL_NEEDS_RESET) == 0)
		sim_run(l->l_sim, 1000);
	sim_honest(l->l_sim, SIM_EVIL_NEEDS_RESET);
	assert_int_equal(answered(l, lr, n), n);
	assert_string_equal(loop_state(l, vloop_name(d->vd_dev)),
	    "connected");
	assert_int_equal(l->l_nblkup, nup);
	assert_int_equal(l->l_blk[0]->bk_nerror, 0);
	loop_pages_free(buf, NREQ * 2);
}

/* It does so at each request: given up after a while. */
VLOOP_TEST(needs_reset_always)
{
	static struct loop_req lr[NREQ];
	struct vloop_disk *d = up(l);
	uint8_t *buf = loop_pages(NREQ * 2);
	unsigned int n;

	sim_evil(l->l_sim, SIM_EVIL_NEEDS_RESET, 0);
	n = submit_some(l, lr, buf);
	assert_true(loop_wait_state(l, vloop_name(d->vd_dev), "broken"));
	assert_int_equal(answered(l, lr, n), 0);
	assert_int_equal(l->l_nblk, 0);
	sim_honest(l->l_sim, SIM_EVIL_NEEDS_RESET);
	works_again(l);
	loop_pages_free(buf, NREQ * 2);
}

/* Detached while it is being started anew. */
VLOOP_TEST(needs_reset_and_goes)
{
	static struct loop_req lr[NREQ];
	uint8_t *buf = loop_pages(NREQ * 2);
	unsigned int n;

	(void)up(l);
	sim_evil(l->l_sim, SIM_EVIL_NEEDS_RESET, 2);
	n = submit_some(l, lr, buf);
	while (sim_evil_told(l->l_sim, SIM_EVIL_NEEDS_RESET) == 0)
		sim_run(l->l_sim, 100);
	sim_run(l->l_sim, sim_rand(20000));
	vloop_detach(l);
	sim_honest(l->l_sim, SIM_EVIL_NEEDS_RESET);
	(void)answered(l, lr, n);
	loop_pages_free(buf, NREQ * 2);
}

VLOOP_TEST(event_storm)
{
	struct vloop_disk *d = up(l);
	uint8_t *buf = loop_pages(2);
	unsigned int i;

	sim_evil(l->l_sim, SIM_EVIL_EVENT_STORM, 0);
	for (i = 0; i < 20; i++)
		assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, i, buf,
		    8192), 0);
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_EVENT_STORM) > 0);
	sim_honest(l->l_sim, SIM_EVIL_EVENT_STORM);
	assert_string_equal(loop_state(l, vloop_name(d->vd_dev)),
	    "connected");
	loop_pages_free(buf, 2);
}

/* An interrupt that is lost is made good by the next, or by a poll. */
VLOOP_TEST(event_lost)
{
	struct loop_req lr[2];
	uint8_t *buf = loop_pages(2);

	(void)up(l);
	sim_run(l->l_sim, SIM_S);
	sim_evil(l->l_sim, SIM_EVIL_EVENT_LOST, 0);
	assert_int_equal(loop_submit(l->l_blk[0], &lr[0], PV_BLK_READ, 0, buf,
	    4096), 0);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(lr[0].lr_ndone, 0);
	assert_int_equal(sim_evil_told(l->l_sim, SIM_EVIL_EVENT_LOST), 1);
	sim_honest(l->l_sim, SIM_EVIL_EVENT_LOST);
	l->l_blk[0]->bk_ops->bo_poll(l->l_blk[0]->bk_sc);
	assert_int_equal(loop_wait(l, &lr[0]), 0);
	loop_pages_free(buf, 2);
}

/* The function is pulled out of its slot under load. */
VLOOP_TEST(pulled_out)
{
	static struct loop_req lr[NREQ];
	struct vloop_disk *d = up(l);
	uint8_t *buf = loop_pages(NREQ * 2);
	unsigned int n;

	n = submit_some(l, lr, buf);
	sim_run(l->l_sim, sim_rand(20000));
	sim_vdev_pull(d->vd_dev);
	vloop_detach(l);
	assert_int_equal(l->l_nblk, 0);
	(void)answered(l, lr, n);
	loop_pages_free(buf, NREQ * 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(used_id_range),
		cmocka_unit_test(used_id_not_head),
		cmocka_unit_test(used_id_twice),
		cmocka_unit_test(used_len_huge),
		cmocka_unit_test(used_idx_jump),
		cmocka_unit_test(desc_rewritten),
		cmocka_unit_test(avail_rewritten),
		cmocka_unit_test(used_changed_after_read),
		cmocka_unit_test(queue_max_zero),
		cmocka_unit_test(queue_max_odd),
		cmocka_unit_test(features_ok_refused),
		cmocka_unit_test(features_change),
		cmocka_unit_test(vector_refused),
		cmocka_unit_test(bar_too_small),
		cmocka_unit_test(bar_wild),
		cmocka_unit_test(vanishes),
		cmocka_unit_test(config_torn),
		cmocka_unit_test(config_torn_once),
		cmocka_unit_test(needs_reset),
		cmocka_unit_test(needs_reset_always),
		cmocka_unit_test(needs_reset_and_goes),
		cmocka_unit_test(event_storm),
		cmocka_unit_test(event_lost),
		cmocka_unit_test(reset_never),
		cmocka_unit_test(reset_never_from_the_start),
		cmocka_unit_test(pulled_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
