/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_evil_xs.c -- a store that lies: requests fail, nothing hangs, nothing is
 * left behind.
 */

#include <pv/types.h>

#include <xen/io/xs_wire.h>

#include "loop/loop.h"

static int
evil_xs_read(struct loop *l)
{
	char buf[64];

	return xs_read(&l->l_xen, XS_NOTRANS, "domid", buf, sizeof(buf),
	    NULL);
}

/* Read until the lie was told; what came of it. */
static int
evil_xs_until(struct loop *l, enum sim_lie lie)
{
	unsigned int i;
	int rv = 0;

	sim_evil(l->l_sim, lie, sim_rand(4));
	for (i = 0; i < 100 && sim_evil_told(l->l_sim, lie) == 0; i++)
		rv = evil_xs_read(l);
	assert_true(sim_evil_told(l->l_sim, lie) > 0);
	sim_run(l->l_sim, SIM_S);
	return rv;
}

/* After such a lie the stream means nothing any more. */
static void
evil_xs_breaks(struct loop *l, enum sim_lie lie)
{
	sim_run(l->l_sim, sim_rand(2000) * 1000);
	(void)evil_xs_until(l, lie);
	sim_honest(l->l_sim, lie);
	assert_int_equal(evil_xs_read(l), -PV_EIO);
	assert_int_equal(xs_write(&l->l_xen, XS_NOTRANS, "data/a", "1", 1),
	    -PV_EIO);
}

LOOP_TEST(evil_xs_index_wild)
{
	evil_xs_breaks(l, SIM_EVIL_XS_INDEX_WILD);
}

LOOP_TEST(evil_xs_len_huge)
{
	evil_xs_breaks(l, SIM_EVIL_XS_LEN_HUGE);
}

LOOP_TEST(evil_xs_id_unknown)
{
	evil_xs_breaks(l, SIM_EVIL_XS_ID_UNKNOWN);
}

LOOP_TEST(evil_xs_type_wrong)
{
	evil_xs_breaks(l, SIM_EVIL_XS_TYPE_WRONG);
}

/* A disk that works goes on working without the store. */
LOOP_TEST(evil_xs_disk_survives)
{
	uint8_t *buf = loop_pages(1);
	struct sim_blk *b = loop_blk(l, 0);

	evil_xs_breaks(l, SIM_EVIL_XS_ID_UNKNOWN);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf, 4096),
	    0);
	loop_pages_free(buf, 1);
	/* Its back end can not be told of the end. */
	sim_blk_vanish(b);
	sim_run(l->l_sim, SIM_S);
}

LOOP_TEST(evil_xs_silent)
{
	sim_evil(l->l_sim, SIM_EVIL_XS_SILENT, sim_rand(10));
	sim_run(l->l_sim, SIM_S);
	while (sim_evil_told(l->l_sim, SIM_EVIL_XS_SILENT) == 0)
		(void)evil_xs_read(l);
	assert_int_equal(evil_xs_read(l), -PV_ETIMEDOUT);
	assert_int_equal(evil_xs_read(l), -PV_ETIMEDOUT);
	sim_honest(l->l_sim, SIM_EVIL_XS_SILENT);
	sim_run(l->l_sim, SIM_S);
	/* Whoever gave up does not keep others from being served. */
	assert_int_equal(evil_xs_read(l), 0);
}

static int
evil_xs_body(void *arg, const struct xs_trans *t)
{
	struct loop *l = arg;

	return xs_write_num(&l->l_xen, t, "data", "a", 1);
}

LOOP_TEST(evil_xs_eagain_forever)
{
	sim_run(l->l_sim, SIM_S);
	sim_evil(l->l_sim, SIM_EVIL_XS_EAGAIN_FOREVER, 0);
	assert_int_equal(xs_transact(&l->l_xen, evil_xs_body, l), -PV_EAGAIN);
	sim_honest(l->l_sim, SIM_EVIL_XS_EAGAIN_FOREVER);
	assert_int_equal(xs_transact(&l->l_xen, evil_xs_body, l), 0);
}

LOOP_TEST(evil_xs_not_a_number)
{
	uint64_t v = 1;

	sim_evil(l->l_sim, SIM_EVIL_XS_NOT_A_NUMBER, 0);
	assert_int_equal(xs_read_num(&l->l_xen, XS_NOTRANS, "", "domid", 0,
	    9999, &v), -PV_EINVAL);
	sim_run(l->l_sim, SIM_S);
}

/* Values have no NUL anyway; names without the last one are refused. */
LOOP_TEST(evil_xs_not_terminated)
{
	char buf[64];
	size_t len;
	int rv;

	sim_run(l->l_sim, SIM_S);
	assert_int_equal(xs_write(&l->l_xen, XS_NOTRANS, "data/a", "1", 1), 0);
	sim_evil(l->l_sim, SIM_EVIL_XS_NOT_TERMINATED, 0);
	rv = xs_ls(&l->l_xen, XS_NOTRANS, "data", buf, sizeof(buf), &len);
	assert_int_equal(rv, -PV_EPROTO);
}

/* ---- a store that can connect anew -------------------------------------- */

static unsigned int evil_xs_fired;

static void
evil_xs_changed(void *arg, const char *path)
{
	evil_xs_fired++;
}

/* The lie ends a connection; the next one has all that this one had. */
static void
evil_xs_recovers(struct loop *l, enum sim_lie lie)
{
	static struct xs_watch w;
	unsigned int nwatch;

	sim_store_offer(l->l_dom, XENSTORE_SERVER_FEATURE_RECONNECTION |
	    XENSTORE_SERVER_FEATURE_ERROR);
	memset(&w, 0, sizeof(w));
	assert_int_equal(xs_watch(&l->l_xen, &w, "data", evil_xs_changed,
	    NULL), 0);
	sim_run(l->l_sim, SIM_S);
	nwatch = sim_dom_nwatch(l->l_dom);
	(void)evil_xs_until(l, lie);
	sim_honest(l->l_sim, lie);
	sim_run(l->l_sim, 30 * SIM_S);
	/* Some lies are found out by the next request only. */
	assert_int_equal(evil_xs_read(l), 0);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(sim_dom_nwatch(l->l_dom), nwatch);
	evil_xs_fired = 0;
	sim_store_write(l->l_sim, "/local/domain/1/data/q", "1");
	sim_run(l->l_sim, SIM_S);
	assert_true(evil_xs_fired > 0);
	xs_unwatch(&w);
	(void)loop_blk(l, 0);
}

LOOP_TEST(evil_xs_index_recovers)
{
	evil_xs_recovers(l, SIM_EVIL_XS_INDEX_WILD);
	assert_true(sim_store_nreconnect(l->l_dom) > 0);
}

LOOP_TEST(evil_xs_len_recovers)
{
	evil_xs_recovers(l, SIM_EVIL_XS_LEN_HUGE);
	assert_true(sim_store_nreconnect(l->l_dom) > 0);
}

LOOP_TEST(evil_xs_id_recovers)
{
	evil_xs_recovers(l, SIM_EVIL_XS_ID_UNKNOWN);
	assert_true(sim_store_nreconnect(l->l_dom) > 0);
}

LOOP_TEST(evil_xs_type_recovers)
{
	evil_xs_recovers(l, SIM_EVIL_XS_TYPE_WRONG);
	assert_true(sim_store_nreconnect(l->l_dom) > 0);
}

LOOP_TEST(evil_xs_error_recovers)
{
	evil_xs_recovers(l, SIM_EVIL_XS_ERROR_WILD);
	assert_true(sim_store_nreconnect(l->l_dom) > 0);
}

/* "Reconnect" without having been asked, whatever is offered. */
LOOP_TEST(evil_xs_connection_wild)
{
	evil_xs_recovers(l, SIM_EVIL_XS_CONNECTION_WILD);
}

/* A store that breaks each connection costs a line now and then. */
LOOP_TEST(evil_xs_breaks_always)
{
	unsigned int i, nlog;

	sim_store_offer(l->l_dom, XENSTORE_SERVER_FEATURE_RECONNECTION);
	sim_run(l->l_sim, SIM_S);
	sim_evil(l->l_sim, SIM_EVIL_XS_ID_UNKNOWN, 0);
	nlog = sim_nlog(PV_LOG_ERR);
	for (i = 0; i < 4; i++)
		assert_int_equal(evil_xs_read(l), -PV_ETIMEDOUT);
	/* 120 s: each "broken", each "no answer", and the other users'. */
	assert_true(sim_nlog(PV_LOG_ERR) - nlog <= 40);
	assert_true(sim_store_nreconnect(l->l_dom) <= 14);
	sim_honest(l->l_sim, SIM_EVIL_XS_ID_UNKNOWN);
	sim_run(l->l_sim, 30 * SIM_S);
	assert_int_equal(evil_xs_read(l), 0);
}

LOOP_TEST(evil_xs_reconnect_never)
{
	sim_store_offer(l->l_dom, XENSTORE_SERVER_FEATURE_RECONNECTION);
	sim_run(l->l_sim, SIM_S);
	sim_evil(l->l_sim, SIM_EVIL_XS_RECONNECT_NEVER, 0);
	(void)evil_xs_until(l, SIM_EVIL_XS_ID_UNKNOWN);
	sim_honest(l->l_sim, SIM_EVIL_XS_ID_UNKNOWN);
	assert_int_equal(evil_xs_read(l), -PV_ETIMEDOUT);
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_XS_RECONNECT_NEVER) > 0);
}

/* The error indicator alone: an end, at once and with its reason. */
LOOP_TEST(evil_xs_error_told)
{
	sim_store_offer(l->l_dom, XENSTORE_SERVER_FEATURE_ERROR);
	evil_xs_breaks(l, SIM_EVIL_XS_ERROR_WILD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evil_xs_index_wild),
		cmocka_unit_test(evil_xs_len_huge),
		cmocka_unit_test(evil_xs_id_unknown),
		cmocka_unit_test(evil_xs_type_wrong),
		cmocka_unit_test(evil_xs_disk_survives),
		cmocka_unit_test(evil_xs_silent),
		cmocka_unit_test(evil_xs_eagain_forever),
		cmocka_unit_test(evil_xs_not_a_number),
		cmocka_unit_test(evil_xs_not_terminated),
		cmocka_unit_test(evil_xs_index_recovers),
		cmocka_unit_test(evil_xs_len_recovers),
		cmocka_unit_test(evil_xs_id_recovers),
		cmocka_unit_test(evil_xs_type_recovers),
		cmocka_unit_test(evil_xs_error_recovers),
		cmocka_unit_test(evil_xs_connection_wild),
		cmocka_unit_test(evil_xs_breaks_always),
		cmocka_unit_test(evil_xs_reconnect_never),
		cmocka_unit_test(evil_xs_error_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
