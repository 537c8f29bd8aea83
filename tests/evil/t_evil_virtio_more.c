/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_evil_virtio_more.c -- balloon and entropy devices: honest ones, and
 * entropy devices that lie.  Whatever the lie, the
 * device breaks or is refused or works on, it is let go, nothing leaks, and it
 * works when it is honest.
 */

#include "loop/vloop.h"

#include <linux/virtio_balloon.h>

#include "sim_int.h"
#include "sim_vmore.h"

/* A kind of device: use says whether it works, within virtual seconds. */
struct kind {
	void	(*k_use)(struct loop *, bool must);
	struct sim_vdev *k_dev;
	void	*k_sim;
};

static struct kind kind;

static void
until(struct loop *l, unsigned int ms)
{
	sim_run(l->l_sim, (uint64_t)ms * 1000 * 1000);
}

/* Lies about a used ring, while the device is in use. */
static void
lie_in_use(struct loop *l, enum sim_lie lie)
{
	assert_int_equal(vloop_attach(l), 1);
	until(l, 2000);
	sim_evil(l->l_sim, lie, sim_rand(3));
	kind.k_use(l, false);
	until(l, 5000);
	sim_honest(l->l_sim, lie);
	vloop_detach(l);
	assert_int_equal(vloop_attach(l), 1);
	until(l, 2000);
	kind.k_use(l, true);
	vloop_detach(l);
}

/* Lies about the device, from the start. */
static void
lie_at_start(struct loop *l, enum sim_lie lie)
{
	sim_evil(l->l_sim, lie, 0);
	(void)vloop_attach(l);
	until(l, 5000);
	kind.k_use(l, false);
	vloop_detach(l);
	sim_honest(l->l_sim, lie);
	assert_int_equal(vloop_attach(l), 1);
	until(l, 2000);
	kind.k_use(l, true);
	vloop_detach(l);
}

static void
all_lies(struct loop *l)
{
	static const enum sim_lie in_use[] = {
		SIM_EVIL_USED_ID_RANGE, SIM_EVIL_USED_LEN_HUGE,
		SIM_EVIL_USED_IDX_JUMP, SIM_EVIL_USED_ID_TWICE,
		SIM_EVIL_DESC_REWRITTEN, SIM_EVIL_RSP_CHANGED_AFTER_READ,
		SIM_EVIL_NEEDS_RESET, SIM_EVIL_RSP_STATUS_WILD,
		SIM_EVIL_EVENT_SPURIOUS,
	};
	static const enum sim_lie at_start[] = {
		SIM_EVIL_QUEUE_MAX_ZERO, SIM_EVIL_QUEUE_MAX_ODD,
		SIM_EVIL_CONFIG_TORN, SIM_EVIL_FEATURES_CHANGE,
	};
	unsigned int i;

	/* Each seed has a quarter of them, so all are told thrice in twelve. */
	for (i = l->l_sim->s_seed % 4; i < PV_NELEM(in_use); i += 4)
		lie_in_use(l, in_use[i]);
	for (i = l->l_sim->s_seed % 4; i < PV_NELEM(at_start); i += 4)
		lie_at_start(l, at_start[i]);
}

static void
honest(struct loop *l)
{
	assert_int_equal(vloop_attach(l), 1);
	until(l, 2000);
	kind.k_use(l, true);
	assert_string_equal(loop_state(l, vloop_name(kind.k_dev)),
	    "connected");
}

/* ---- entropy ------------------------------------------------------------ */

static void
use_rng(struct loop *l, bool must)
{
	size_t before = l->l_nrandom;
	unsigned int i;

	for (i = 0; i < 5 && l->l_rng != NULL; i++) {
		(void)pv_rng_ask(l->l_rng, 40);
		until(l, 100);
	}
	if (must)
		assert_in_range(l->l_nrandom - before, 5, 200);
}

static struct sim_vrng *
make_rng(struct loop *l)
{
	struct sim_vdev_cfg vc = vloop_cfg(l);
	struct sim_vrng *vr = sim_vrng_create(l->l_sim, &vc);

	kind.k_use = use_rng;
	kind.k_dev = vr->vr_dev;
	return vr;
}

VLOOP_TEST(rng_honest)
{
	make_rng(l);
	honest(l);
	assert_int_equal(pv_rng_ask(l->l_rng, 0), -PV_EINVAL);
	assert_int_equal(pv_rng_ask(l->l_rng, PV_RNG_MAX + 1), -PV_EINVAL);
	sim_vdev_hold(kind.k_dev, true);
	assert_int_equal(pv_rng_ask(l->l_rng, 8), 0);
	assert_int_equal(pv_rng_ask(l->l_rng, 8), -PV_EBUSY);
}

VLOOP_TEST(rng_lies)
{
	make_rng(l);
	all_lies(l);
}

VLOOP_TEST(rng_without_a_byte)
{
	struct sim_vrng *vr = make_rng(l);

	assert_int_equal(vloop_attach(l), 1);
	until(l, 2000);
	vr->vr_empty = true;
	assert_int_equal(pv_rng_ask(l->l_rng, 8), 0);
	/* Of answers in one batch only the last has a length of its own. */
	assert_true(loop_wait_state(l, vloop_name(vr->vr_dev), "broken"));
	assert_null(l->l_rng);
}

/* ---- balloon ------------------------------------------------------------- */

static void
use_balloon(struct loop *l, bool must)
{
	struct sim_vballoon *vb = kind.k_sim;

	l->l_spare = 400;
	sim_vballoon_target(vb, 300);
	until(l, 3000);
	if (must) {
		assert_int_equal(vb->vb_npfn, 300);
		assert_int_equal(l->l_balloon->bl_held, 300);
	}
	sim_vballoon_ask(vb);
	sim_vballoon_target(vb, 100);
	until(l, 3000);
	if (must) {
		assert_int_equal(vb->vb_npfn, 100);
		assert_int_equal(l->l_balloon->bl_held, 100);
	}
	sim_vballoon_target(vb, 0);
	until(l, 3000);
	if (must)
		assert_int_equal(vb->vb_npfn, 0);
}

static struct sim_vballoon *
make_balloon(struct loop *l, uint64_t features)
{
	struct sim_vdev_cfg vc = vloop_cfg(l);
	struct sim_vballoon *vb = sim_vballoon_create(l->l_sim, &vc,
	    features | 1ull << VIRTIO_BALLOON_F_STATS_VQ);

	kind.k_use = use_balloon;
	kind.k_dev = vb->vb_dev;
	kind.k_sim = vb;
	return vb;
}

VLOOP_TEST(balloon_honest)
{
	struct sim_vballoon *vb = make_balloon(l, 0);

	honest(l);
	/* More than can be spared: what can, and the rest when it can. */
	l->l_spare = 50;
	sim_vballoon_target(vb, 80);
	until(l, 3000);
	assert_int_equal(vb->vb_npfn, 50);
	l->l_spare = 100;
	until(l, 3000);
	assert_int_equal(vb->vb_npfn, 80);
	/* Without the feature it is not emptied because we want it. */
	l->l_balloon->bl_ops->bo_deflate(l->l_balloon->bl_sc, 10);
	until(l, 3000);
	assert_int_equal(vb->vb_npfn, 80);
	/* Statistics are those of the moment after the last question. */
	sim_vballoon_ask(vb);
	until(l, 500);
	assert_int_equal(vb->vb_free, 4096ull * l->l_spare);
	/* A reset ends the balloon, and it is filled anew. */
	sim_vdev_lost(vb->vb_dev);
	until(l, 5000);
	assert_int_equal(vb->vb_npfn, 80);
}

VLOOP_TEST(balloon_oom)
{
	struct sim_vballoon *vb = make_balloon(l,
	    1ull << VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	uint64_t nout;

	honest(l);
	l->l_spare = 80;
	sim_vballoon_target(vb, 80);
	until(l, 3000);
	nout = l->l_balloon->bl_nout;
	l->l_balloon->bl_ops->bo_deflate(l->l_balloon->bl_sc, 10);
	until(l, 900);
	assert_int_equal(l->l_balloon->bl_nout, nout + 10);
}

VLOOP_TEST(balloon_reports)
{
	struct sim_vballoon *vb = make_balloon(l,
	    1ull << VIRTIO_BALLOON_F_REPORTING);

	l->l_spare = 20;
	assert_int_equal(vloop_attach(l), 1);
	until(l, 10000);
	assert_int_equal(vb->vb_nblock, 20);
	assert_int_equal(l->l_balloon->bl_nreport, 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(balloon_honest),
		cmocka_unit_test(balloon_oom),
		cmocka_unit_test(balloon_reports),
		cmocka_unit_test(rng_honest),
		cmocka_unit_test(rng_lies),
		cmocka_unit_test(rng_without_a_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
