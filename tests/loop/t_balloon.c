/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_balloon.c -- the domain's memory follows its target.
 */

#include "loop.h"

#define TARGET	"/local/domain/1/memory/target"
#define MAX	"/local/domain/1/memory/static-max"
#define ALL	65536u			/* KiB; sim_xen.c writes it */

/* The toolstack has said what there may be, before the guest comes. */
static struct pv_balloon *
balloon_begin_with(struct loop *l, unsigned int spare, unsigned int hollow)
{
	unsigned int i;

	loop_detach(l);
	sim_store_write(l->l_sim, MAX, "%u", ALL + hollow * 4);
	sim_dom_allow(l->l_dom, hollow);
	l->l_hollow = hollow;
	l->l_spare = spare;
	assert_int_equal(loop_attach(l), 0);
	for (i = 0; i < 1000 && l->l_balloon == NULL; i++)
		sim_run(l->l_sim, SIM_MS);
	assert_non_null(l->l_balloon);
	sim_run(l->l_sim, SIM_S);
	return l->l_balloon;
}

static struct pv_balloon *
balloon_begin(struct loop *l, unsigned int spare)
{
	struct pv_balloon *bl = balloon_begin_with(l, spare, 0);

	assert_int_equal(bl->bl_held, 0);
	return bl;
}

static void
balloon_want(struct loop *l, unsigned int npg)
{
	sim_store_write(l->l_sim, TARGET, "%u", ALL - npg * 4);
	sim_run(l->l_sim, SIM_S);
}

LOOP_TEST(balloon_follows)
{
	struct pv_balloon *bl = balloon_begin(l, 1000);
	static const unsigned int want[] = { 10, 600, 599, 1, 0, 64, 0 };
	unsigned int i;

	for (i = 0; i < PV_NELEM(want); i++) {
		balloon_want(l, want[i]);
		assert_int_equal(bl->bl_target, want[i]);
		assert_int_equal(bl->bl_held, want[i]);
		assert_int_equal(l->l_spare, 1000 - want[i]);
	}
	assert_int_equal(bl->bl_nin, bl->bl_nout);
	balloon_want(l, 300);		/* the detach gives them back */
}

/* What can not be spared is tried again. */
LOOP_TEST(balloon_floor)
{
	struct pv_balloon *bl = balloon_begin(l, 100);

	balloon_want(l, 300);
	assert_int_equal(bl->bl_held, 100);
	l->l_spare = 50;
	sim_run(l->l_sim, 100 * SIM_S);
	assert_int_equal(bl->bl_held, 150);
	balloon_want(l, 20);
	assert_int_equal(bl->bl_held, 20);
}

/* And what Xen has not got. */
LOOP_TEST(balloon_starved)
{
	struct pv_balloon *bl = balloon_begin(l, 500);

	balloon_want(l, 200);
	assert_int_equal(bl->bl_held, 200);
	sim_dom_starve(l->l_dom, true);
	balloon_want(l, 0);
	sim_run(l->l_sim, 60 * SIM_S);
	assert_int_equal(bl->bl_held, 200);
	sim_dom_starve(l->l_dom, false);
	sim_run(l->l_sim, 100 * SIM_S);
	assert_int_equal(bl->bl_held, 0);
	assert_int_equal(l->l_spare, 500);
}

/* A PV guest grows past what it was started with, and shrinks again. */
LOOP_TEST(balloon_grows)
{
	const unsigned int more = xen_pv(&l->l_xen) ? 400 : 0;
	struct pv_balloon *bl = balloon_begin_with(l, 100, more);

	assert_int_equal(bl->bl_held, more);
	assert_int_equal(bl->bl_target, more);
	assert_int_equal(bl->bl_all, ALL / 4 + more);
	assert_int_equal(bl->bl_nin + bl->bl_nout, 0);
	if (more == 0)
		return;
	sim_store_write(l->l_sim, TARGET, "%u", ALL + 300 * 4);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(bl->bl_held, 100);
	assert_int_equal(l->l_spare, 400);
	balloon_want(l, 50);
	assert_int_equal(bl->bl_held, 450);
	sim_store_write(l->l_sim, TARGET, "%u", ALL + 400 * 4);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(bl->bl_held, 0);
	assert_int_equal(l->l_spare, 500);
}

/* What the guest lends by itself, with and below what it must. */
LOOP_TEST(balloon_wishes)
{
	struct pv_balloon *bl = balloon_begin(l, 500);

	assert_int_equal(bl->bl_flags & PV_BALLOON_LENDS, PV_BALLOON_LENDS);
	bl->bl_ops->bo_wish(bl->bl_sc, 200);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(bl->bl_held, 200);
	balloon_want(l, 300);
	assert_int_equal(bl->bl_held, 300);
	balloon_want(l, 100);
	assert_int_equal(bl->bl_held, 200);
	bl->bl_ops->bo_wish(bl->bl_sc, 50);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(bl->bl_held, 100);
	bl->bl_ops->bo_wish(bl->bl_sc, 5000);
	sim_run(l->l_sim, 100 * SIM_S);
	assert_int_equal(bl->bl_held, 500);
	assert_true(bl->bl_nshort > 2);
	bl->bl_ops->bo_wish(bl->bl_sc, 0);
	sim_run(l->l_sim, 100 * SIM_S);
	assert_int_equal(bl->bl_held, 100);
}

LOOP_TEST(balloon_nonsense)
{
	static const char *const word[] = { "-4096", "lots", "", "4x",
	    "99999999999999999999999", "4096 KiB" };
	struct pv_balloon *bl = balloon_begin(l, 500);
	unsigned int i;

	balloon_want(l, 30);
	for (i = 0; i < PV_NELEM(word); i++) {
		sim_store_write(l->l_sim, TARGET, "%s", word[i]);
		sim_run(l->l_sim, SIM_S);
		assert_int_equal(bl->bl_held, 30);
	}
	sim_store_rm(l->l_sim, TARGET);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(bl->bl_held, 30);
	sim_store_write(l->l_sim, TARGET, "%u", 4 * ALL);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(bl->bl_held, 0);
	sim_store_write(l->l_sim, TARGET, "0");
	sim_run(l->l_sim, 100 * SIM_S);
	assert_int_equal(bl->bl_held, 500);
	assert_int_equal(l->l_spare, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(balloon_follows),
		cmocka_unit_test(balloon_floor),
		cmocka_unit_test(balloon_starved),
		cmocka_unit_test(balloon_grows),
		cmocka_unit_test(balloon_wishes),
		cmocka_unit_test(balloon_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
