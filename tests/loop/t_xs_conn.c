/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_xs_conn.c -- connections to XenStore that are lost and made anew: nothing
 * that was asked for is forgotten, and no change is missed.
 */

#include <stdio.h>

#include <pv/types.h>

#include <xen/io/xs_wire.h>

#include "loop.h"

#define NWORKER	12
#define NROUND	8
#define NWATCH	5

/* ---- workers that write and read while the store comes and goes -------- */

struct worker {
	struct pv_os_work wk_work;
	struct xen	*wk_xen;
	char		 wk_key[16];
	int		 wk_rv;
	bool		 wk_done;
};
static struct worker workers[NWORKER];

static void
conn_work(void *arg)
{
	struct worker *w = arg;
	uint64_t i, v = 0;

	for (i = 0; i < NROUND && w->wk_rv == 0; i++) {
		w->wk_rv = xs_write_num(w->wk_xen, XS_NOTRANS, "data",
		    w->wk_key, i);
		if (w->wk_rv == 0)
			w->wk_rv = xs_read_num(w->wk_xen, XS_NOTRANS, "data",
			    w->wk_key, i, i, &v);
	}
	w->wk_done = true;
}

static void
conn_workers(struct loop *l)
{
	unsigned int i;

	memset(workers, 0, sizeof(workers));
	for (i = 0; i < NWORKER; i++) {
		workers[i].wk_xen = &l->l_xen;
		snprintf(workers[i].wk_key, sizeof(workers[i].wk_key), "w%u",
		    i);
		pv_work_init(&workers[i].wk_work, conn_work, &workers[i],
		    PV_WORK_SLEEPS);
		pv_defer(&workers[i].wk_work, 0);
	}
}

static bool
conn_workers_done(struct loop *l)
{
	unsigned int i;

	for (i = 0; i < NWORKER; i++) {
		if (!workers[i].wk_done)
			return false;
	}
	return true;
}

/* ---- watches ----------------------------------------------------------- */

static struct xs_watch watches[NWATCH];
static unsigned int nfired[NWATCH];

static void
conn_fired(void *arg, const char *path)
{
	++*(unsigned int *)arg;
}

static void
conn_watch(struct loop *l)
{
	char path[32];
	unsigned int i;

	memset(watches, 0, sizeof(watches));
	for (i = 0; i < NWATCH; i++) {
		snprintf(path, sizeof(path), "data/x%u", i);
		assert_int_equal(xs_watch(&l->l_xen, &watches[i], path,
		    conn_fired, &nfired[i]), 0);
	}
	sim_run(l->l_sim, SIM_S);
	memset(nfired, 0, sizeof(nfired));
}

static bool
conn_all_fired(struct loop *l)
{
	unsigned int i;

	for (i = 0; i < NWATCH; i++) {
		if (nfired[i] == 0)
			return false;
	}
	return true;
}

static void
conn_unwatch(void)
{
	unsigned int i;

	for (i = 0; i < NWATCH; i++)
		xs_unwatch(&watches[i]);
}

static int
conn_read(struct loop *l)
{
	char buf[32];

	return xs_read(&l->l_xen, XS_NOTRANS, "domid", buf, sizeof(buf),
	    NULL);
}

/* Each watch tells of a change again. */
static void
conn_check_watches(struct loop *l)
{
	char path[64];
	unsigned int i;

	sim_run(l->l_sim, SIM_S);
	memset(nfired, 0, sizeof(nfired));
	for (i = 0; i < NWATCH; i++) {
		snprintf(path, sizeof(path), "/local/domain/1/data/x%u", i);
		sim_store_write(l->l_sim, path, "1");
	}
	assert_true(loop_until(l, conn_all_fired));
}

/* ---- another store takes over ------------------------------------------ */

LOOP_TEST(conn_restart)
{
	unsigned int i, nwatch;

	conn_watch(l);
	nwatch = sim_dom_nwatch(l->l_dom);
	conn_workers(l);
	for (i = 0; i < 4; i++) {
		sim_run(l->l_sim, sim_rand(3000) * 1000);
		sim_store_restart(l->l_sim, sim_rand(2) * SIM_S);
	}
	/* What changed while nobody was told is told of. */
	memset(nfired, 0, sizeof(nfired));
	assert_true(loop_until(l, conn_workers_done));
	for (i = 0; i < NWORKER; i++)
		assert_int_equal(workers[i].wk_rv, 0);
	assert_true(loop_until(l, conn_all_fired));
	conn_check_watches(l);
	assert_int_equal(sim_dom_nwatch(l->l_dom), nwatch);
	conn_unwatch();
	/* Devices are found through it as before. */
	(void)loop_blk(l, 0);
}

/* Watches come and go while the store does. */
LOOP_TEST(conn_unwatch_meanwhile)
{
	unsigned int before, i;

	sim_run(l->l_sim, SIM_S);
	before = sim_dom_nwatch(l->l_dom);
	for (i = 0; i < 4; i++) {
		conn_watch(l);
		sim_store_restart(l->l_sim, sim_rand(1000) * 1000);
		sim_run(l->l_sim, sim_rand(1500) * 1000);
		conn_unwatch();
	}
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(sim_dom_nwatch(l->l_dom), before);
}

/* A watch that can not be set again at once is set later. */
LOOP_TEST(conn_watch_quota)
{
	unsigned int nwatch;

	conn_watch(l);
	nwatch = sim_dom_nwatch(l->l_dom);
	sim_store_limit(l->l_sim, nwatch - 2, 1000, 10);
	sim_store_restart(l->l_sim, 0);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(sim_dom_nwatch(l->l_dom), nwatch - 2);
	sim_store_limit(l->l_sim, 128, 1000, 10);
	sim_run(l->l_sim, 30 * SIM_S);
	assert_int_equal(sim_dom_nwatch(l->l_dom), nwatch);
	conn_check_watches(l);
	conn_unwatch();
}

/* ---- transactions ------------------------------------------------------ */

static unsigned int ntries;

static int
conn_increment(void *arg, const struct xs_trans *t)
{
	struct loop *l = arg;
	uint64_t v;
	int rv;

	rv = xs_read_num(&l->l_xen, t, "data", "count", 0, 1000, &v);
	if (ntries++ < 3)
		sim_store_restart(l->l_sim, sim_rand(2) * SIM_S);
	if (ntries % 2 == 0)
		sim_run(l->l_sim, 2 * SIM_S);
	/* Whatever a caller makes of it, it is done again. */
	if (rv < 0 || xs_write_num(&l->l_xen, t, "data", "count", v + 1) < 0)
		return -PV_EINVAL;
	return 0;
}

LOOP_TEST(conn_transaction)
{
	uint64_t v = 0;
	int rv;

	ntries = 0;
	assert_int_equal(xs_write_num(&l->l_xen, XS_NOTRANS, "data", "count",
	    5), 0);
	rv = xs_transact(&l->l_xen, conn_increment, l);
	assert_int_equal(rv, 0);
	assert_true(ntries >= 3);
	assert_int_equal(xs_read_num(&l->l_xen, XS_NOTRANS, "data", "count", 0,
	    1000, &v), 0);
	assert_int_equal(v, 6);
}

/* ---- a store that is slow to the point of being given up --------------- */

static int
conn_nothing(void *arg, const struct xs_trans *t)
{
	return 0;
}

LOOP_TEST(conn_given_up)
{
	static struct xs_watch w;
	unsigned int before;

	sim_run(l->l_sim, SIM_S);
	before = sim_dom_nwatch(l->l_dom);
	memset(&w, 0, sizeof(w));
	sim_store_hold(l->l_dom, true);
	assert_int_equal(xs_watch(&l->l_xen, &w, "data", conn_fired,
	    &nfired[0]), -PV_ETIMEDOUT);
	assert_int_equal(xs_transact(&l->l_xen, conn_nothing, NULL),
	    -PV_ETIMEDOUT);
	sim_store_hold(l->l_dom, false);
	/* Both are done now, and then undone; else sim_close() complains. */
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(sim_dom_nwatch(l->l_dom), before);
	assert_int_equal(conn_read(l), 0);
	assert_int_equal(l->l_xen.x_xs != NULL, 1);
}

/* What undoes a watch does not take away the next one on the same path. */
LOOP_TEST(conn_given_up_and_again)
{
	static struct xs_watch w;
	unsigned int before;

	sim_run(l->l_sim, SIM_S);
	before = sim_dom_nwatch(l->l_dom);
	memset(&w, 0, sizeof(w));
	sim_store_hold(l->l_dom, true);
	assert_int_equal(xs_watch(&l->l_xen, &w, "data", conn_fired,
	    &nfired[0]), -PV_ETIMEDOUT);
	sim_store_hold(l->l_dom, false);
	assert_int_equal(xs_watch(&l->l_xen, &w, "data", conn_fired,
	    &nfired[0]), 0);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(sim_dom_nwatch(l->l_dom), before + 1);
	nfired[0] = 0;
	sim_store_write(l->l_sim, "/local/domain/1/data/z", "1");
	sim_run(l->l_sim, SIM_S);
	assert_true(nfired[0] > 0);
	xs_unwatch(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conn_restart),
		cmocka_unit_test(conn_unwatch_meanwhile),
		cmocka_unit_test(conn_watch_quota),
		cmocka_unit_test(conn_transaction),
		cmocka_unit_test(conn_given_up),
		cmocka_unit_test(conn_given_up_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
