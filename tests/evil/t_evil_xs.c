/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_evil_xs.c -- a store that lies: requests fail, nothing hangs, nothing is
 * left behind.
 */

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
