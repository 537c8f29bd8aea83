/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_gntmap.c -- one guest maps and copies what another has granted to it.
 */

#include "gntmap.h"
#include "gnttab.h"
#include "loop.h"
#include "shm.h"
#include "window.h"

#define NPG	20

/* Twenty pages of the granter's, each with its grant. */
struct t_grants {
	struct loop	*tg_l;
	uint8_t		*tg_page;
	gref_t		 tg_ref[NPG];
};

static void
t_grant(struct t_grants *tg, struct loop *l, bool readonly)
{
	unsigned int i;

	sim_enter(l->l_dom);
	tg->tg_l = l;
	tg->tg_page = loop_pages(NPG);
	loop_fill(tg->tg_page, NPG * 4096, 7);
	for (i = 0; i < NPG; i++) {
		assert_int_equal(gnttab_reserve(&l->l_xen, &tg->tg_ref[i]), 0);
		gnttab_grant(&l->l_xen, tg->tg_ref[i], 2,
		    pv_os_gfn(tg->tg_page + i * 4096), readonly);
	}
}

static void
t_revoke(struct t_grants *tg)
{
	struct xen *x = &tg->tg_l->l_xen;
	unsigned int i;

	sim_enter(tg->tg_l->l_dom);
	for (i = 0; i < NPG; i++) {
		assert_int_equal(gnttab_revoke(x, tg->tg_ref[i]), 0);
		gnttab_unreserve(x, tg->tg_ref[i]);
	}
	loop_pages_free(tg->tg_page, NPG);
}

static void
t_ask(struct loop *m, struct t_grants *tg, struct window *wi,
    struct gntmap *gm, bool readonly)
{
	unsigned int i;

	memset(gm, 0, NPG * sizeof(*gm));
	for (i = 0; i < NPG; i++) {
		gm[i].gm_dom = 1;
		gm[i].gm_ref = tg->tg_ref[i];
		gm[i].gm_readonly = readonly;
		gm[i].gm_addr = window_addr(&m->l_xen, wi, i);
	}
}

static void
t_mapper(struct loop *m, struct loop *l)
{
	loop_second(m, l);
	assert_int_equal(loop_attach(m), 0);
}

static struct gntmap gm[NPG];

LOOP_TEST(gntmap_map_and_unmap)
{
	static struct loop m;
	struct t_grants tg;
	struct window wi;
	uint8_t buf[64];
	unsigned int i;

	t_mapper(&m, l);
	t_grant(&tg, l, false);
	sim_enter(m.l_dom);
	assert_int_equal(window_create(&m.l_xen, &wi, NPG), 0);
	t_ask(&m, &tg, &wi, gm, false);
	assert_int_equal(gntmap_map(&m.l_xen, NULL, gm, NPG), 0);
	assert_int_equal(sim_dom_nmapped(l->l_dom), NPG);
	for (i = 0; i < NPG; i++) {
		shm_copy_in(buf, wi.wi_va + i * 4096 + 100, sizeof(buf));
		assert_memory_equal(buf, tg.tg_page + i * 4096 + 100,
		    sizeof(buf));
		shm_write8((uint8_t *)wi.wi_va + i * 4096, (uint8_t)i);
	}
	/* The granter can not have them back. */
	assert_int_equal(gnttab_revoke(&l->l_xen, tg.tg_ref[3]), -PV_EBUSY);
	assert_int_equal(gntmap_unmap(&m.l_xen, NULL, gm, NPG), 0);
	assert_int_equal(gntmap_unmap(&m.l_xen, NULL, gm, NPG), 0);
	assert_int_equal(sim_dom_nmapped(l->l_dom), 0);
	window_destroy(&m.l_xen, &wi);
	window_destroy(&m.l_xen, &wi);
	for (i = 0; i < NPG; i++)
		assert_int_equal(tg.tg_page[i * 4096], i);
	t_revoke(&tg);
	loop_detach(&m);
	sim_enter(l->l_dom);
}

/* Some parts are no grants: the others work, and each has its answer. */
LOOP_TEST(gntmap_some_fail)
{
	static struct loop m;
	struct t_grants tg;
	struct window wi;
	unsigned int i;

	t_mapper(&m, l);
	t_grant(&tg, l, true);
	sim_enter(m.l_dom);
	assert_int_equal(window_create(&m.l_xen, &wi, NPG), 0);
	t_ask(&m, &tg, &wi, gm, true);
	gm[4].gm_ref = GREF(1u << 20);
	gm[9].gm_readonly = false;
	gm[11].gm_dom = 77;
	assert_int_equal(gntmap_map(&m.l_xen, NULL, gm, NPG), -PV_EINVAL);
	for (i = 0; i < NPG; i++) {
		bool bad = i == 4 || i == 9 || i == 11;

		assert_int_equal(gm[i].gm_rv, bad ? -PV_EINVAL : 0);
		assert_int_equal(gm[i].gm_mapped, !bad);
	}
	assert_int_equal(sim_dom_nmapped(l->l_dom), NPG - 3);
	assert_int_equal(gntmap_unmap(&m.l_xen, NULL, gm, NPG), 0);
	window_destroy(&m.l_xen, &wi);
	t_revoke(&tg);
	loop_detach(&m);
	sim_enter(l->l_dom);
}

/* Paged out for a while, and for good. */
LOOP_TEST(gntmap_eagain)
{
	static struct loop m;
	struct t_grants tg;
	struct window wi;
	uint64_t begin;

	t_mapper(&m, l);
	t_grant(&tg, l, false);
	sim_enter(m.l_dom);
	assert_int_equal(window_create(&m.l_xen, &wi, NPG), 0);
	t_ask(&m, &tg, &wi, gm, false);
	sim_evil(l->l_sim, SIM_EVIL_GRANT_EAGAIN, 5);
	begin = sim_now();
	assert_int_equal(gntmap_map(&m.l_xen, NULL, gm, NPG), -PV_EAGAIN);
	assert_true(sim_now() - begin < 60 * SIM_S);
	assert_int_equal(sim_dom_nmapped(l->l_dom), 5);
	/* Fifteen parts, eleven times. */
	assert_int_equal(sim_evil_told(l->l_sim, SIM_EVIL_GRANT_EAGAIN), 165);
	assert_int_equal(gntmap_unmap(&m.l_xen, NULL, gm, NPG), 0);
	sim_honest(l->l_sim, SIM_EVIL_GRANT_EAGAIN);
	assert_int_equal(gntmap_map(&m.l_xen, NULL, gm, NPG), 0);
	assert_int_equal(gntmap_unmap(&m.l_xen, NULL, gm, NPG), 0);
	window_destroy(&m.l_xen, &wi);
	t_revoke(&tg);
	loop_detach(&m);
	sim_enter(l->l_dom);
}

static struct gntmap_copy gc[NPG];

static void
t_copies(struct t_grants *tg, uint8_t *own, bool write)
{
	unsigned int i;

	memset(gc, 0, sizeof(gc));
	for (i = 0; i < NPG; i++) {
		gc[i].gc_dom = 1;
		gc[i].gc_ref = tg->tg_ref[i];
		gc[i].gc_off = (uint16_t)(i * 10);
		gc[i].gc_len = 1000;
		gc[i].gc_va = own + i * 4096 + 50;
		gc[i].gc_write = write;
	}
}

LOOP_TEST(gntmap_copies)
{
	static struct loop m;
	struct t_grants tg;
	uint8_t *own;
	unsigned int i;

	t_mapper(&m, l);
	t_grant(&tg, l, false);
	sim_enter(m.l_dom);
	own = loop_pages(NPG);
	t_copies(&tg, own, false);
	assert_int_equal(gntmap_copy(&m.l_xen, gc, NPG), 0);
	for (i = 0; i < NPG; i++)
		assert_memory_equal(own + i * 4096 + 50,
		    tg.tg_page + i * 4096 + i * 10, 1000);
	loop_fill(own, NPG * 4096, 99);
	t_copies(&tg, own, true);
	assert_int_equal(gntmap_copy(&m.l_xen, gc, NPG), 0);
	for (i = 0; i < NPG; i++)
		assert_memory_equal(own + i * 4096 + 50,
		    tg.tg_page + i * 4096 + i * 10, 1000);
	/* Over the end of a page, and a lie in the middle of the batch. */
	t_copies(&tg, own, false);
	gc[2].gc_off = 4000;
	sim_evil(l->l_sim, SIM_EVIL_GRANT_REFUSED, 10);
	assert_int_equal(gntmap_copy(&m.l_xen, gc, NPG), -PV_EINVAL);
	sim_honest(l->l_sim, SIM_EVIL_GRANT_REFUSED);
	for (i = 0; i < NPG; i++)
		assert_int_equal(gc[i].gc_rv, i == 2 || i >= 11 ? -PV_EINVAL :
		    0);
	t_copies(&tg, own, false);
	sim_evil(l->l_sim, SIM_EVIL_GRANT_EAGAIN, 19);
	assert_int_equal(gntmap_copy(&m.l_xen, gc, NPG), -PV_EAGAIN);
	assert_int_equal(gc[18].gc_rv, 0);
	assert_int_equal(gc[19].gc_rv, -PV_EAGAIN);
	loop_pages_free(own, NPG);
	t_revoke(&tg);
	loop_detach(&m);
	sim_enter(l->l_dom);
}

/* Each thing that can fail does so, once. */
static void
gntmap_points(void **state)
{
	static struct loop l, m;
	struct t_grants tg;
	struct window wi;
	bool failed = true;
	unsigned int n;
	int rv;

	for (n = 1; failed; n++) {
		loop_open(&l, n, loop_flags(n));
		assert_int_equal(loop_attach(&l), 0);
		t_mapper(&m, &l);
		t_grant(&tg, &l, false);
		sim_enter(m.l_dom);
		sim_fail_at(l.l_sim, n);
		rv = window_create(&m.l_xen, &wi, NPG);
		if (rv == 0) {
			t_ask(&m, &tg, &wi, gm, false);
			rv = gntmap_map(&m.l_xen, NULL, gm, NPG);
			assert_int_equal(gntmap_unmap(&m.l_xen, NULL, gm, NPG),
			    0);
		}
		failed = sim_failed(l.l_sim);
		assert_true((rv < 0) == failed);
		sim_fail_at(l.l_sim, 0);
		window_destroy(&m.l_xen, &wi);
		t_revoke(&tg);
		loop_detach(&m);
		sim_enter(l.l_dom);
		loop_close(&l);
	}
	assert_true(n > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gntmap_map_and_unmap),
		cmocka_unit_test(gntmap_some_fail),
		cmocka_unit_test(gntmap_eagain),
		cmocka_unit_test(gntmap_copies),
		cmocka_unit_test(gntmap_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
