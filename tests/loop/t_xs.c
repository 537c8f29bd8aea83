/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_xs.c -- XenStore requests, watches and transactions.
 */

#include <stdio.h>

#include <pv/types.h>

#include <xen/io/xs_wire.h>

#include "loop.h"
#include "shm.h"

#define NWRITER	50

static const struct pv_client late_client;

static void
xs_value(void **state)
{
	static struct loop l;
	static char big[XS_PATHMAX + 4096], back[8192];
	size_t len = 0;
	char small[8];

	loop_open(&l, 7, 0);
	assert_int_equal(loop_attach(&l), 0);
	memset(big, 'x', sizeof(big));
	assert_int_equal(xs_write(&l.l_xen, XS_NOTRANS, "data/a", big, 2000),
	    0);
	assert_int_equal(xs_read(&l.l_xen, XS_NOTRANS, "data/a", back,
	    sizeof(back), &len), 0);
	assert_int_equal(len, 2000);
	assert_memory_equal(back, big, 2000);
	assert_int_equal(back[2000], '\0');
	/* More than a message holds never reaches the store. */
	assert_int_equal(xs_write(&l.l_xen, XS_NOTRANS, "data/a", big, 4096),
	    -PV_E2BIG);
	assert_int_equal(xs_read(&l.l_xen, XS_NOTRANS, "data/a", small,
	    sizeof(small), &len), -PV_E2BIG);
	assert_int_equal(small[0], '\0');
	assert_int_equal(xs_write(&l.l_xen, XS_NOTRANS, "data/e", "", 0), 0);
	assert_int_equal(xs_read(&l.l_xen, XS_NOTRANS, "data/e", small,
	    sizeof(small), &len), 0);
	assert_int_equal(len, 0);
	assert_int_equal(xs_rm(&l.l_xen, XS_NOTRANS, "data/a"), 0);
	assert_int_equal(xs_read(&l.l_xen, XS_NOTRANS, "data/a", back,
	    sizeof(back), &len), -PV_ENOENT);
	loop_close(&l);
}

LOOP_TEST(xs_listing)
{
	char buf[256];
	size_t len;

	assert_int_equal(xs_write(&l->l_xen, XS_NOTRANS, "data/b", "", 0), 0);
	assert_int_equal(xs_write(&l->l_xen, XS_NOTRANS, "data/c/d", "1", 1),
	    0);
	assert_int_equal(xs_ls(&l->l_xen, XS_NOTRANS, "data", buf,
	    sizeof(buf), &len), 0);
	assert_int_equal(len, 4);
	assert_memory_equal(buf, "b\0c\0", 4);
	assert_int_equal(xs_ls(&l->l_xen, XS_NOTRANS, "data/b", buf,
	    sizeof(buf), &len), 0);
	assert_int_equal(len, 0);
	assert_int_equal(xs_ls(&l->l_xen, XS_NOTRANS, "data", buf, 3, &len),
	    -PV_E2BIG);
	assert_int_equal(xs_ls(&l->l_xen, XS_NOTRANS, "nowhere", buf,
	    sizeof(buf), &len), -PV_ENOENT);
}

/* More names than a message holds. */
LOOP_TEST(xs_long_listing)
{
	static char buf[16384];
	char path[128];
	unsigned int i, n = 0;
	size_t len, at;

	for (i = 0; i < 150; i++) {
		snprintf(path, sizeof(path), "/local/domain/1/data/a-name-of-"
		    "the-many-that-are-all-rather-long-%u", i);
		sim_store_write(l->l_sim, path, "1");
	}
	assert_int_equal(xs_ls(&l->l_xen, XS_NOTRANS, "data", buf,
	    sizeof(buf), &len), 0);
	for (at = 0; at < len; at += strlen(buf + at) + 1)
		n += strncmp(buf + at, "a-name-of-the-many", 18) == 0;
	assert_int_equal(n, 150);
	assert_int_equal(xs_ls(&l->l_xen, XS_NOTRANS, "data", buf, 5000,
	    &len), -PV_E2BIG);
}

LOOP_TEST(xs_numbers)
{
	uint64_t v = 7;

	assert_int_equal(xs_write_num(&l->l_xen, XS_NOTRANS, "data", "n",
	    UINT64_MAX), 0);
	assert_int_equal(xs_read_num(&l->l_xen, XS_NOTRANS, "data", "n", 0,
	    UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(xs_read_num(&l->l_xen, XS_NOTRANS, "data", "n", 0, 9,
	    &v), -PV_ERANGE);
	assert_int_equal(xs_write_str(&l->l_xen, XS_NOTRANS, "data", "n",
	    "12monkeys"), 0);
	assert_int_equal(xs_read_num(&l->l_xen, XS_NOTRANS, "data", "n", 0, 99,
	    &v), -PV_EINVAL);
	assert_int_equal(xs_read_num(&l->l_xen, XS_NOTRANS, "data", "m", 0, 99,
	    &v), -PV_ENOENT);
	assert_true(v == UINT64_MAX);
}

/* ---- many at once ------------------------------------------------------ */

struct writer {
	struct pv_os_work wr_work;
	struct xen	*wr_xen;
	uint64_t	 wr_n;
	int		 wr_rv;
	bool		 wr_done;
};
static struct writer writers[NWRITER];
static uint32_t writers_most;

static void
xs_writer(void *arg)
{
	struct writer *w = arg;
	struct pv_totals pt = { 0 };
	uint64_t v = 0;
	unsigned int i;

	for (i = 0; i < 5 && w->wr_rv == 0; i++) {
		w->wr_rv = xs_write_num(w->wr_xen, XS_NOTRANS, "data", "w",
		    w->wr_n);
		xs_totals(w->wr_xen, &pt);
		if (pt.pt_xs_inflight > writers_most)
			writers_most = pt.pt_xs_inflight;
		if (w->wr_rv == 0)
			w->wr_rv = xs_read_num(w->wr_xen, XS_NOTRANS, "data",
			    "w", 1, NWRITER, &v);
	}
	w->wr_done = true;
}

static bool
xs_writers_done(struct loop *l)
{
	unsigned int i;

	for (i = 0; i < NWRITER; i++) {
		if (!writers[i].wr_done)
			return false;
	}
	return true;
}

LOOP_TEST(xs_many)
{
	unsigned int i;

	memset(writers, 0, sizeof(writers));
	for (i = 0; i < NWRITER; i++) {
		writers[i].wr_xen = &l->l_xen;
		writers[i].wr_n = i + 1;
		pv_work_init(&writers[i].wr_work, xs_writer, &writers[i],
		    PV_WORK_SLEEPS);
		pv_defer(&writers[i].wr_work, 0);
	}
	assert_true(loop_until(l, xs_writers_done));
	for (i = 0; i < NWRITER; i++)
		assert_int_equal(writers[i].wr_rv, 0);
	assert_true(writers_most > 1 && writers_most <= XS_INFLIGHT);
}

/* ---- watches ----------------------------------------------------------- */

static unsigned int nfired;
static char fired[XS_PATHMAX];

static void
xs_fired(void *arg, const char *path)
{
	nfired++;
	strncpy(fired, path, sizeof(fired) - 1);
}

static bool
xs_has_fired(struct loop *l)
{
	return nfired > 0;
}

LOOP_TEST(xs_watches)
{
	static struct xs_watch w;
	unsigned int i;

	nfired = 0;
	memset(&w, 0, sizeof(w));
	assert_int_equal(xs_watch(&l->l_xen, &w, "data", xs_fired, NULL), 0);
	assert_true(loop_until(l, xs_has_fired));
	assert_string_equal(fired, "data");
	nfired = 0;
	assert_int_equal(xs_write(&l->l_xen, XS_NOTRANS, "data/q", "1", 1),
	    0);
	assert_true(loop_until(l, xs_has_fired));
	assert_string_equal(fired, "data/q");
	/* Same path, over and over: not one event for each is kept. */
	nfired = 0;
	for (i = 0; i < 100; i++)
		sim_store_write(l->l_sim, "/local/domain/1/data/q", "%u", i);
	assert_true(loop_until(l, xs_has_fired));
	sim_run(l->l_sim, SIM_S);
	assert_true(nfired <= 100);
	/* Many paths: the watch is told with its own. */
	nfired = 0;
	for (i = 0; i < 100; i++)
		sim_store_write(l->l_sim, "/local/domain/1/data/q", "%u", i);
	for (i = 0; i < 100; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/local/domain/1/data/m%u", i);
		sim_store_write(l->l_sim, path, "1");
	}
	sim_run(l->l_sim, SIM_S);
	assert_true(nfired > 0);
	xs_unwatch(&w);
	xs_unwatch(&w);
	nfired = 0;
	assert_int_equal(xs_write(&l->l_xen, XS_NOTRANS, "data/q", "2", 1),
	    0);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(nfired, 0);
}

/* More watches than the store allows. */
LOOP_TEST(xs_watch_quota)
{
	static struct xs_watch w[8];
	unsigned int i;
	int rv = 0;

	sim_run(l->l_sim, SIM_S);
	sim_store_limit(l->l_sim, sim_dom_nwatch(l->l_dom) + 4, 1000, 10);
	memset(w, 0, sizeof(w));
	for (i = 0; i < 8 && rv == 0; i++)
		rv = xs_watch(&l->l_xen, &w[i], "data", xs_fired, NULL);
	assert_int_equal(rv, -PV_E2BIG);
	assert_int_equal(i, 5);
	for (i = 0; i < 8; i++)
		xs_unwatch(&w[i]);
}

/* ---- transactions ------------------------------------------------------ */

static unsigned int ntries, nconflicts;

static int
xs_increment(void *arg, const struct xs_trans *t)
{
	struct loop *l = arg;
	uint64_t v;
	int rv;

	rv = xs_read_num(&l->l_xen, t, "data", "count", 0, 1000, &v);
	if (rv < 0)
		return rv;
	/* Somebody else is faster. */
	if (ntries++ < nconflicts)
		sim_store_write(l->l_sim, "/local/domain/1/data/count", "%u",
		    100 + ntries);
	return xs_write_num(&l->l_xen, t, "data", "count", v + 1);
}

LOOP_TEST(xs_transaction)
{
	uint64_t v = 0;

	ntries = 0;
	nconflicts = 3;
	assert_int_equal(xs_write_num(&l->l_xen, XS_NOTRANS, "data", "count",
	    5), 0);
	assert_int_equal(xs_transact(&l->l_xen, xs_increment, l), 0);
	assert_int_equal(ntries, 4);
	assert_int_equal(xs_read_num(&l->l_xen, XS_NOTRANS, "data", "count", 0,
	    1000, &v), 0);
	assert_int_equal(v, 104);
}

static int
xs_regret(void *arg, const struct xs_trans *t)
{
	struct loop *l = arg;

	(void)xs_write_num(&l->l_xen, t, "data", "count", 77);
	return -PV_EINVAL;
}

LOOP_TEST(xs_abort)
{
	uint64_t v = 0;

	assert_int_equal(xs_write_num(&l->l_xen, XS_NOTRANS, "data", "count",
	    5), 0);
	assert_int_equal(xs_transact(&l->l_xen, xs_regret, l), -PV_EINVAL);
	assert_int_equal(xs_read_num(&l->l_xen, XS_NOTRANS, "data", "count", 0,
	    1000, &v), 0);
	assert_int_equal(v, 5);
}

/* ---- a store that comes late ------------------------------------------- */

static void
xs_late_ring(void **state)
{
	static struct loop l;
	struct pv_xen_boot boot;
	gfn_t gfn;

	loop_open(&l, 11, SIM_PV);
	boot = sim_dom_boot(l.l_dom);
	gfn = boot.xb_store_gfn;
	boot.xb_store_gfn = GFN(0);
	sim_enter(l.l_dom);
	assert_int_equal(xen_attach(&l.l_xen, &boot, &late_client), 0);
	l.l_attached = 0;
	/* Longer than anybody's patience. */
	sim_run(l.l_sim, 100 * SIM_S);
	assert_string_equal(loop_state(&l, "control/0"), "");
	l.l_xen.x_boot.xb_store_gfn = gfn;
	sim_dom_event(l.l_dom, evport_x(boot.xb_store_evport));
	(void)sim_blk_create(l.l_dom, &(struct sim_blk_cfg){
	    .bc_vdev = 51712, .bc_nsect = 64 });
	assert_true(loop_wait_state(&l, "vbd/51712", "connected"));
	assert_true(loop_wait_state(&l, "control/0", "connected"));
	loop_close(&l);
}

static void
xs_late_connection(void **state)
{
	static struct loop l;
	struct xenstore_domain_interface *page;
	struct pv_xen_boot boot;
	pv_pa_t pa;

	loop_open(&l, 12, SIM_PV);
	boot = sim_dom_boot(l.l_dom);
	pa = (pv_pa_t)gfn_x(boot.xb_store_gfn) << PV_PAGE_SHIFT;
	sim_enter(l.l_dom);
	page = pv_os_map(pa, PV_PAGE_SIZE, PV_MEM_XEN);
	shm_write32(&page->connection, XENSTORE_RECONNECT);
	assert_int_equal(loop_attach(&l), 0);
	sim_run(l.l_sim, 100 * SIM_S);
	assert_string_equal(loop_state(&l, "control/0"), "");
	shm_write32(&page->connection, XENSTORE_CONNECTED);
	sim_dom_event(l.l_dom, evport_x(boot.xb_store_evport));
	(void)sim_blk_create(l.l_dom, &(struct sim_blk_cfg){
	    .bc_vdev = 51712, .bc_nsect = 64 });
	assert_true(loop_wait_state(&l, "vbd/51712", "connected"));
	assert_true(loop_wait_state(&l, "control/0", "connected"));
	pv_os_unmap(page, PV_PAGE_SIZE);
	loop_close(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xs_value),
		cmocka_unit_test(xs_listing),
		cmocka_unit_test(xs_long_listing),
		cmocka_unit_test(xs_numbers),
		cmocka_unit_test(xs_many),
		cmocka_unit_test(xs_watches),
		cmocka_unit_test(xs_watch_quota),
		cmocka_unit_test(xs_transaction),
		cmocka_unit_test(xs_abort),
		cmocka_unit_test(xs_late_ring),
		cmocka_unit_test(xs_late_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
