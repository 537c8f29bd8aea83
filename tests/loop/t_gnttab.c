/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_gnttab.c -- the grant table's limit, growth and balance; event channels
 * without a cause.
 */

#include "loop.h"

#define NREF	2000

static gref_t refs[NREF];

/* Four frames are 2048 entries, of which Xen keeps eight. */
LOOP_TEST(gnttab_grows_to_its_limit)
{
	struct pv_totals pt;
	unsigned int n, i;
	uint32_t before;
	int rv = 0;

	sim_run(l->l_sim, SIM_S);
	before = loop_totals(l).pt_gref_used;
	assert_int_equal(loop_totals(l).pt_gref_parked, 0);
	for (n = 0; n < NREF && rv == 0; n++)
		rv = gnttab_reserve(&l->l_xen, &refs[n]);
	if (rv != 0)
		n--;
	pt = loop_totals(l);
	assert_int_equal(pt.pt_gref_used, before + n);
	for (i = 0; i < n; i++) {
		assert_true(gref_x(refs[i]) >= 8);
		gnttab_unreserve(&l->l_xen, refs[i]);
	}
	assert_int_equal(loop_totals(l).pt_gref_used, before);
	/* What was given back is there again. */
	for (i = 0; i < n; i++)
		assert_int_equal(gnttab_take(&l->l_xen, &refs[i]), 0);
	for (i = 0; i < n; i++)
		gnttab_unreserve(&l->l_xen, refs[i]);
}

static void
gnttab_limit(void **state)
{
	static struct loop l;
	unsigned int n;
	int rv = 0;

	loop_open(&l, 3, 0);
	sim_dom_limit_gnttab(l.l_dom, 2);
	assert_int_equal(loop_attach(&l), 0);
	for (n = 0; n < NREF && rv == 0; n++)
		rv = gnttab_reserve(&l.l_xen, &refs[n]);
	assert_int_equal(rv, -PV_ENOSPC);
	n--;
	assert_int_equal(n, 2 * 512 - 8);
	assert_int_equal(gnttab_room(&l.l_xen), 0);
	while (n > 0) {
		gnttab_unreserve(&l.l_xen, refs[--n]);
		assert_int_equal(gnttab_room(&l.l_xen), 2 * 512 - 8 - n);
	}
	loop_close(&l);
}

/* ---- budgets ----------------------------------------------------------- */

/* A disk and an interface, one of which may have so many grants. */
static void
t_budget(struct loop *l, const char *name, const char *value)
{
	static const struct sim_net_cfg cfg = { .nc_devid = 0 };

	loop_set(l, name, value);
	(void)loop_blk(l, 0);
	(void)sim_net_create(l->l_dom, &cfg);
	sim_run(l->l_sim, 5 * SIM_S);
}

/* What is asked for is what the device is bounded by, and no other. */
LOOP_TEST(gnttab_budget_enough)
{
	struct pv_dev_info di;

	t_budget(l, "gnttab.vbd.budget", "2000");
	di = loop_info(l, "vbd/51712");
	assert_string_equal(di.di_state, "connected");
	assert_int_equal(di.di_maxgref, 2000);
	assert_in_range(di.di_ngref, 1, 2000);
	assert_string_equal(loop_state(l, "vif/0"), "connected");
	assert_int_equal(loop_info(l, "vif/0").di_maxgref, 0);
}

/* One that is too small keeps its device away, and leaves the others alone. */
LOOP_TEST(gnttab_budget_small)
{
	unsigned int nwarn = sim_nlog(PV_LOG_WARN);
	uint32_t before = loop_totals(l).pt_gref_used;

	t_budget(l, "gnttab.vif.0.budget", "100");
	assert_string_equal(loop_state(l, "vif/0"), "");
	assert_int_equal(sim_nlog(PV_LOG_WARN), nwarn + 1);
	assert_string_equal(loop_state(l, "vbd/51712"), "connected");
	assert_int_equal(loop_totals(l).pt_gref_used, before +
	    loop_info(l, "vbd/51712").di_ngref);
}

/* The entries that a peer keeps stay on the budget, also of who is gone. */
LOOP_TEST(gnttab_budget_kept)
{
	struct pv_dev dev = { .pd_dma = { .da_arg = &l->l_xen } };
	uint8_t *page = loop_pages(1);
	gref_t ref[3], kept;
	unsigned int i;

	assert_int_equal(gnttab_budget_create(&dev.pd_dma, 3), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(gnttab_room_for(&dev), 3 - i);
		assert_int_equal(gnttab_reserve_for(&dev, &ref[i]), 0);
	}
	assert_int_equal(gnttab_reserve_for(&dev, &kept), -PV_ENOSPC);
	gnttab_grant(&l->l_xen, ref[0], 0, pv_os_gfn(page), false);
	kept = ref[0];
	assert_true(sim_dom_map(l->l_dom, gref_x(kept)));
	assert_int_equal(gnttab_revoke(&l->l_xen, kept), -PV_EBUSY);
	gnttab_park(&l->l_xen, kept, NULL, NULL);
	assert_int_equal(gnttab_take_for(&dev, &ref[0]), -PV_ENOSPC);
	gnttab_unreserve(&l->l_xen, ref[1]);
	assert_int_equal(gnttab_room_for(&dev), 1);
	gnttab_unreserve(&l->l_xen, ref[2]);
	assert_int_equal(gnttab_room_for(&dev), 2);
	gnttab_budget_destroy(&dev.pd_dma);
	assert_int_equal(loop_totals(l).pt_gref_parked, 1);
	sim_dom_unmap(l->l_dom, gref_x(kept));
	sim_run(l->l_sim, 3 * SIM_S);
	assert_int_equal(loop_totals(l).pt_gref_parked, 0);
	loop_pages_free(page, 1);
}

LOOP_TEST(gnttab_grant_and_revoke)
{
	uint8_t *page = loop_pages(1);
	gref_t ref;

	assert_int_equal(gnttab_reserve(&l->l_xen, &ref), 0);
	gnttab_grant(&l->l_xen, ref, 0, pv_os_gfn(page), true);
	assert_int_equal(gnttab_revoke(&l->l_xen, ref), 0);
	assert_int_equal(gnttab_revoke(&l->l_xen, ref), 0);
	gnttab_unreserve(&l->l_xen, ref);
	loop_pages_free(page, 1);
}

/* ---- event channels ---------------------------------------------------- */

static unsigned int nran;
static enum evtchn_result ran_result;

static enum evtchn_result
evtchn_ran(void *arg)
{
	nran++;
	return ran_result;
}

LOOP_TEST(evtchn_runs)
{
	struct evtchn_handler eh;
	uint32_t before;

	sim_run(l->l_sim, SIM_S);
	before = loop_totals(l).pt_evport_used;
	nran = 0;
	ran_result = EVTCHN_DONE;
	assert_int_equal(evtchn_alloc(&l->l_xen, NULL, 0, &eh, evtchn_ran,
	    NULL), 0);
	assert_int_equal(loop_totals(l).pt_evport_used, before + 1);
	sim_dom_event(l->l_dom, evport_x(eh.eh_port));
	sim_run(l->l_sim, SIM_MS);
	assert_int_equal(nran, 1);
	evtchn_again(&eh);
	sim_run(l->l_sim, SIM_MS);
	assert_int_equal(nran, 2);
	evtchn_close(&eh);
	evtchn_close(&eh);
	evtchn_again(&eh);
	evtchn_notify(&eh);
	sim_run(l->l_sim, SIM_MS);
	assert_int_equal(nran, 2);
	assert_int_equal(loop_totals(l).pt_evport_used, before);
}

/* An event without work each microsecond: the handler runs ever less. */
LOOP_TEST(evtchn_spurious_wait)
{
	struct evtchn_handler eh;
	unsigned int i;

	nran = 0;
	ran_result = EVTCHN_SPURIOUS;
	assert_int_equal(evtchn_alloc(&l->l_xen, NULL, 0, &eh, evtchn_ran,
	    NULL), 0);
	for (i = 0; i < 20000; i++) {
		sim_dom_event(l->l_dom, evport_x(eh.eh_port));
		sim_run(l->l_sim, SIM_MS / 100);
	}
	assert_true(nran > 16);
	assert_true(nran < 500);
	/* Work ends the penance. */
	ran_result = EVTCHN_DONE;
	sim_dom_event(l->l_dom, evport_x(eh.eh_port));
	sim_run(l->l_sim, SIM_S);
	nran = 0;
	for (i = 0; i < 10; i++) {
		sim_dom_event(l->l_dom, evport_x(eh.eh_port));
		sim_run(l->l_sim, SIM_MS / 10);
	}
	assert_int_equal(nran, 10);
	evtchn_close(&eh);
}

static enum evtchn_result
evtchn_counts_down(void *arg)
{
	unsigned int *left = arg;

	nran++;
	return --*left > 0 ? EVTCHN_MORE : EVTCHN_DONE;
}

LOOP_TEST(evtchn_more)
{
	struct evtchn_handler eh;
	unsigned int left = 5;

	nran = 0;
	assert_int_equal(evtchn_alloc(&l->l_xen, NULL, 0, &eh,
	    evtchn_counts_down, &left), 0);
	sim_dom_event(l->l_dom, evport_x(eh.eh_port));
	sim_run(l->l_sim, SIM_MS);
	assert_int_equal(nran, 5);
	evtchn_close(&eh);
}

static void
evtchn_limit(void **state)
{
	static struct evtchn_handler eh[64];
	static struct loop l;
	unsigned int n;
	int rv = 0;

	loop_open(&l, 5, 0);
	sim_dom_limit_ports(l.l_dom, 32);
	assert_int_equal(loop_attach(&l), 0);
	for (n = 0; n < 64 && rv == 0; n++)
		rv = evtchn_alloc(&l.l_xen, NULL, 0, &eh[n], evtchn_ran, NULL);
	assert_int_equal(rv, -PV_ENOSPC);
	while (n > 0)
		evtchn_close(&eh[--n]);
	loop_close(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gnttab_grows_to_its_limit),
		cmocka_unit_test(gnttab_limit),
		cmocka_unit_test(gnttab_grant_and_revoke),
		cmocka_unit_test(gnttab_budget_enough),
		cmocka_unit_test(gnttab_budget_small),
		cmocka_unit_test(gnttab_budget_kept),
		cmocka_unit_test(evtchn_runs),
		cmocka_unit_test(evtchn_spurious_wait),
		cmocka_unit_test(evtchn_more),
		cmocka_unit_test(evtchn_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
