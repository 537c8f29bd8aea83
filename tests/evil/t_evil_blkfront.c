/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_evil_blkfront.c -- disks behind back ends that lie.
 *
 * What must always hold is checked by the harness: the process lives, each
 * request is answered exactly once, nothing is leaked or read twice, no page
 * is freed that a peer can reach.
 */

#include "loop/loop.h"

#include <xen/io/blkif.h>

#define NAME	"vbd/51712"
#define N	8

struct evil {
	struct sim_blk	*e_b;
	uint8_t		*e_buf;
	struct loop_req	 e_lr[N];
};

/* N requests are with the back end, which is about to answer them. */
static void
evil_begin_with(struct loop *l, struct evil *e, enum sim_lie lie,
    unsigned int after, unsigned int flags)
{
	unsigned int i;

	e->e_b = loop_blk(l, flags);
	assert_true(loop_wait_state(l, NAME, "connected"));
	e->e_buf = loop_pages(N);
	loop_fill(e->e_buf, N * 4096, 1);
	sim_blk_hold(e->e_b, true);
	for (i = 0; i < N; i++)
		assert_int_equal(loop_submit(l->l_blk[0], &e->e_lr[i],
		    i % 2 ? PV_BLK_READ : PV_BLK_WRITE, i * 8,
		    e->e_buf + i * 4096, 4096), 0);
	sim_run(l->l_sim, 10 * SIM_MS);
	assert_int_equal(sim_blk_pending(e->e_b), N);
	sim_evil(l->l_sim, lie, after);
	sim_blk_hold(e->e_b, false);
}

static void
evil_begin(struct loop *l, struct evil *e, enum sim_lie lie,
    unsigned int after)
{
	evil_begin_with(l, e, lie, after, sim_rand(2) ? SIM_BLK_NOLAST : 0);
}

/* All are answered: 0, or -PV_EPROTO or -PV_ENXIO; at least one is not 0. */
static void
evil_answers(struct loop *l, struct evil *e)
{
	unsigned int i, nbad = 0;
	int rv;

	for (i = 0; i < N; i++) {
		rv = loop_wait(l, &e->e_lr[i]);
		assert_true(rv == 0 || rv == -PV_EPROTO || rv == -PV_ENXIO);
		nbad += rv != 0;
	}
	assert_true(nbad > 0);
}

/* The device stops, says so once, and comes back with a new back end. */
static void
evil_breaks(struct loop *l, enum sim_lie lie, unsigned int after)
{
	unsigned int nlog = sim_nlog(PV_LOG_ERR);
	struct evil e;

	evil_begin(l, &e, lie, after);
	evil_answers(l, &e);
	assert_true(loop_wait_state(l, NAME, "broken"));
	assert_int_equal(sim_evil_told(l->l_sim, lie) > 0, 1);
	assert_int_equal(sim_nlog(PV_LOG_ERR) - nlog, 1);
	assert_true(loop_blks(l, 0));
	assert_int_equal(loop_info(l, NAME).di_nfail, 1);
	sim_honest(l->l_sim, lie);
	sim_run(l->l_sim, 5 * SIM_S);
	assert_int_equal(sim_dom_ngrant(l->l_dom), 0);
	assert_int_equal(loop_totals(l).pt_gref_parked, 0);
	if (sim_rand(2) == 0) {
		sim_blk_unplug(e.e_b);
		assert_true(loop_wait_state(l, NAME, ""));
		(void)loop_blk(l, 0);
		assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, 0,
		    e.e_buf, 4096), 0);
	}
	loop_pages_free(e.e_buf, N);
}

LOOP_TEST(evil_rsp_id_range)
{
	evil_breaks(l, SIM_EVIL_RSP_ID_RANGE, sim_rand(N));
}

LOOP_TEST(evil_rsp_id_idle)
{
	evil_breaks(l, SIM_EVIL_RSP_ID_IDLE, sim_rand(N));
}

LOOP_TEST(evil_rsp_id_twice)
{
	evil_breaks(l, SIM_EVIL_RSP_ID_TWICE, sim_rand(N - 1));
}

LOOP_TEST(evil_rsp_op_wrong)
{
	evil_breaks(l, SIM_EVIL_RSP_OP_WRONG, sim_rand(N));
}

LOOP_TEST(evil_rsp_prod_jump)
{
	evil_breaks(l, SIM_EVIL_RSP_PROD_JUMP, sim_rand(2));
}

LOOP_TEST(evil_rsp_prod_back)
{
	evil_breaks(l, SIM_EVIL_RSP_PROD_BACK, sim_rand(2));
}

/* What is no status is an error of the device's, not a broken protocol. */
LOOP_TEST(evil_rsp_status_wild)
{
	struct evil e;
	unsigned int i;

	evil_begin(l, &e, SIM_EVIL_RSP_STATUS_WILD, 0);
	for (i = 0; i < N; i++)
		assert_int_equal(loop_wait(l, &e.e_lr[i]), -PV_EIO);
	assert_string_equal(loop_state(l, NAME), "connected");
	sim_honest(l->l_sim, SIM_EVIL_RSP_STATUS_WILD);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, e.e_buf,
	    4096), 0);
	loop_pages_free(e.e_buf, N);
}

/* All that was read is written over at once; our own indexes as well. */
static void
evil_harmless(struct loop *l, enum sim_lie lie)
{
	uint8_t *buf = loop_pages(16);
	struct sim_blk *b;
	unsigned int i;

	sim_evil(l->l_sim, lie, 0);
	b = loop_blk(l, 0);
	for (i = 0; i < 40; i++) {
		loop_fill(buf, 16 * 4096, i);
		assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, i * 8,
		    buf, 16 * 4096), 0);
		assert_memory_equal(sim_blk_data(b) + i * 4096, buf, 16 *
		    4096);
		memset(buf, 0, 16 * 4096);
		assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, i * 8,
		    buf, 16 * 4096), 0);
		assert_memory_equal(sim_blk_data(b) + i * 4096, buf, 16 *
		    4096);
	}
	assert_true(sim_evil_told(l->l_sim, lie) > 10);
	assert_string_equal(loop_state(l, NAME), "connected");
	loop_pages_free(buf, 16);
}

LOOP_TEST(evil_changed_after_read)
{
	evil_harmless(l, SIM_EVIL_RSP_CHANGED_AFTER_READ);
}

LOOP_TEST(evil_idx_rewritten)
{
	evil_harmless(l, SIM_EVIL_IDX_REWRITTEN);
}

/* ---- grants ------------------------------------------------------------ */

/*
 * The peer answers and keeps the pages.  The consumer does not get them back
 * before it lets go; what was read may have changed and is not believed.
 */
LOOP_TEST(evil_grant_held)
{
	struct evil e;
	uint64_t start;
	unsigned int i;
	int rv;

	evil_begin_with(l, &e, SIM_EVIL_GRANT_HELD, 0, SIM_BLK_NOLAST);
	start = sim_now();
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(loop_totals(l).pt_gref_parked, N);
	for (i = 0; i < N; i++)
		assert_int_equal(e.e_lr[i].lr_ndone, 0);
	sim_honest(l->l_sim, SIM_EVIL_GRANT_HELD);
	for (i = 0; i < N; i++) {
		rv = loop_wait(l, &e.e_lr[i]);
		assert_int_equal(rv, i % 2 ? -PV_EIO : 0);
	}
	assert_true(sim_now() - start > 2 * SIM_S);
	assert_int_equal(loop_totals(l).pt_gref_parked, 0);
	assert_string_equal(loop_state(l, NAME), "connected");
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, e.e_buf,
	    4096), 0);
	loop_pages_free(e.e_buf, N);
}

/* For ever: reported, and neither reused nor freed; the device may go. */
LOOP_TEST(evil_grant_held_forever)
{
	struct evil e;
	unsigned int i;

	evil_begin_with(l, &e, SIM_EVIL_GRANT_HELD_FOREVER, 0,
	    SIM_BLK_NOLAST);
	sim_run(l->l_sim, 100 * SIM_S);
	assert_int_equal(loop_totals(l).pt_gref_parked, N);
	sim_blk_unplug(e.e_b);
	assert_true(loop_wait_state(l, NAME, ""));
	sim_run(l->l_sim, 100 * SIM_S);
	assert_true(loop_totals(l).pt_gref_parked >= N);
	for (i = 0; i < N; i++)
		assert_int_equal(e.e_lr[i].lr_ndone, 0);
	sim_honest(l->l_sim, SIM_EVIL_GRANT_HELD_FOREVER);
	for (i = 0; i < N; i++)
		assert_int_not_equal(loop_wait(l, &e.e_lr[i]), LOOP_NEVER);
	sim_run(l->l_sim, 5 * SIM_S);
	assert_int_equal(loop_totals(l).pt_gref_parked, 0);
	loop_pages_free(e.e_buf, N);
}

/* With pages of its own the peer may keep them: nobody waits for it long. */
LOOP_TEST(evil_grant_held_bounced)
{
	struct sim_blk *b = loop_blk(l, SIM_BLK_UNTRUSTED | SIM_BLK_NOLAST);
	uint8_t *buf = loop_pages(1);
	unsigned int i;

	sim_evil(l->l_sim, SIM_EVIL_GRANT_HELD, 0);
	for (i = 0; i < 20; i++)
		(void)loop_io(l, l->l_blk[0], PV_BLK_WRITE, 0, buf, 4096);
	sim_honest(l->l_sim, SIM_EVIL_GRANT_HELD);
	sim_run(l->l_sim, 10 * SIM_S);
	assert_int_equal(loop_totals(l).pt_gref_parked, 0);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, 0, buf, 4096),
	    0);
	assert_true(sim_blk_nreq(b) > 0);
	loop_pages_free(buf, 1);
}

/*
 * Pages that stay granted: requests do not wait for the peer to let go, and
 * when the device goes they are the quarantine's, each until it is let go.
 */
LOOP_TEST(evil_grant_held_lasting)
{
	struct evil e;
	unsigned int i;

	evil_begin(l, &e, SIM_EVIL_GRANT_HELD_FOREVER, 0);
	sim_honest(l->l_sim, SIM_EVIL_GRANT_HELD_FOREVER);
	for (i = 0; i < N; i++)
		assert_int_equal(loop_wait(l, &e.e_lr[i]), 0);
	sim_evil(l->l_sim, SIM_EVIL_GRANT_HELD_FOREVER, 0);
	sim_blk_unplug(e.e_b);
	assert_true(loop_wait_state(l, NAME, ""));
	sim_run(l->l_sim, 100 * SIM_S);
	assert_true(loop_totals(l).pt_gref_parked > 0);
	loop_fill(e.e_buf, N * 4096, 2);
	(void)loop_blk(l, 0);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, 0, e.e_buf,
	    4096), 0);
	sim_honest(l->l_sim, SIM_EVIL_GRANT_HELD_FOREVER);
	sim_run(l->l_sim, 5 * SIM_S);
	assert_int_equal(loop_totals(l).pt_gref_parked, 0);
	loop_pages_free(e.e_buf, N);
}

/* ---- events ------------------------------------------------------------ */

static void
evil_io(struct loop *l, unsigned int n)
{
	uint8_t *buf = loop_pages(1);

	while (n-- > 0)
		assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, n, buf,
		    4096), 0);
	loop_pages_free(buf, 1);
}

/*
 * Half a million events a second: work goes on, and each costs no more
 * than a masked bit.
 */
LOOP_TEST(evil_event_storm)
{
	uint64_t before;

	(void)loop_blk(l, 0);
	sim_evil(l->l_sim, SIM_EVIL_EVENT_STORM, 0);
	evil_io(l, 20);
	before = loop_info(l, NAME).di_nspurious;
	sim_run(l->l_sim, 50 * SIM_MS);
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_EVENT_STORM) > 1000);
	assert_true(loop_info(l, NAME).di_nspurious - before < 300);
	evil_io(l, 5);
	assert_string_equal(loop_state(l, NAME), "connected");
	sim_honest(l->l_sim, SIM_EVIL_EVENT_STORM);
	sim_run(l->l_sim, SIM_S);
	evil_io(l, 20);
}

LOOP_TEST(evil_event_spurious)
{
	(void)loop_blk(l, 0);
	sim_evil(l->l_sim, SIM_EVIL_EVENT_SPURIOUS, 0);
	evil_io(l, 20);
	sim_run(l->l_sim, 20 * SIM_S);
	assert_true(loop_info(l, NAME).di_nspurious > 100);
	evil_io(l, 20);
	assert_string_equal(loop_state(l, NAME), "connected");
}

/*
 * A notification got lost.  The protocol has no second one for the answers
 * that are in the ring; who looks finds them, and who leaves is let go.
 */
LOOP_TEST(evil_event_lost)
{
	struct sim_blk *b = loop_blk(l, 0);
	uint8_t *buf = loop_pages(1);
	struct loop_req lr;
	bool look = sim_rand(2) == 0;
	int rv;

	sim_run(l->l_sim, SIM_S);
	sim_evil(l->l_sim, SIM_EVIL_EVENT_LOST, 0);
	assert_int_equal(loop_submit(l->l_blk[0], &lr, PV_BLK_READ, 0, buf,
	    512), 0);
	sim_run(l->l_sim, 10 * SIM_S);
	assert_int_equal(sim_blk_nreq(b), 1);
	assert_int_equal(lr.lr_ndone, 0);
	sim_honest(l->l_sim, SIM_EVIL_EVENT_LOST);
	if (look) {
		l->l_blk[0]->bk_ops->bo_poll(l->l_blk[0]->bk_sc);
		assert_int_equal(loop_wait(l, &lr), 0);
		evil_io(l, 5);
	} else {
		sim_blk_restart(b);
		rv = loop_wait(l, &lr);
		assert_true(rv == -PV_ENXIO || rv == 0);
	}
	loop_pages_free(buf, 1);
}

LOOP_TEST(evil_event_before_attach)
{
	sim_evil(l->l_sim, SIM_EVIL_EVENT_BEFORE_ATTACH, 0);
	(void)loop_blk(l, 0);
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_EVENT_BEFORE_ATTACH) >
	    0);
	evil_io(l, 20);
}

LOOP_TEST(evil_event_after_detach)
{
	struct sim_blk *b = loop_blk(l, 0);

	sim_evil(l->l_sim, SIM_EVIL_EVENT_AFTER_DETACH, 0);
	sim_blk_unplug(b);
	assert_true(loop_wait_state(l, NAME, ""));
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_EVENT_AFTER_DETACH) > 0);
	sim_run(l->l_sim, SIM_S);
	(void)loop_blk(l, 0);
	evil_io(l, 20);
}

/* ---- states ------------------------------------------------------------ */

/* Connected from the start, as if we had been there before. */
LOOP_TEST(evil_state_skipped)
{
	struct sim_blk_cfg cfg = { .bc_vdev = 51712, .bc_nsect = 2048 };

	sim_evil(l->l_sim, SIM_EVIL_STATE_SKIPPED, 0);
	(void)sim_blk_create(l->l_dom, &cfg);
	sim_run(l->l_sim, 200 * SIM_MS);
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_STATE_SKIPPED) > 0);
	sim_honest(l->l_sim, SIM_EVIL_STATE_SKIPPED);
	assert_true(loop_blks(l, 1));
	evil_io(l, 5);
}

LOOP_TEST(evil_state_backward)
{
	struct sim_blk *b = loop_blk(l, 0);
	uint8_t *buf = loop_pages(1);
	struct loop_req lr;
	int rv;

	sim_evil(l->l_sim, SIM_EVIL_STATE_BACKWARD, 0);
	sim_blk_hold(b, false);
	assert_int_equal(loop_submit(l->l_blk[0], &lr, PV_BLK_READ, 0, buf,
	    512), 0);
	sim_run(l->l_sim, 60 * SIM_S);
	assert_int_equal(sim_evil_told(l->l_sim, SIM_EVIL_STATE_BACKWARD), 1);
	/* Held back until the device goes, at the latest. */
	sim_blk_unplug(b);
	rv = loop_wait(l, &lr);
	assert_true(rv == 0 || rv == -PV_ENXIO);
	assert_true(loop_wait_state(l, NAME, ""));
	(void)loop_blk(l, 0);
	evil_io(l, 5);
	loop_pages_free(buf, 1);
}

LOOP_TEST(evil_state_unknown)
{
	struct sim_blk *b = loop_blk(l, 0);
	static const char *const state[] = { "42", "-1", "", "Connected",
	    "4294967300", "9", "4x", "\001" };
	unsigned int i;

	assert_true(loop_wait_state(l, NAME, "connected"));
	sim_evil(l->l_sim, SIM_EVIL_STATE_UNKNOWN, 0);
	sim_blk_hold(b, false);
	evil_io(l, 5);
	assert_int_equal(sim_evil_told(l->l_sim, SIM_EVIL_STATE_UNKNOWN), 1);
	for (i = 0; i < PV_NELEM(state); i++) {
		sim_blk_set_state(b, state[i]);
		sim_run(l->l_sim, SIM_S);
		assert_string_equal(loop_state(l, NAME), "connected");
		evil_io(l, 1);
	}
}

LOOP_TEST(evil_backend_vanishes)
{
	struct evil e;
	unsigned int i, nheld = 0;
	int rv;

	evil_begin(l, &e, SIM_EVIL_BACKEND_VANISHES, 0);
	sim_run(l->l_sim, 20 * SIM_S);
	for (i = 0; i < N; i++)
		nheld += e.e_lr[i].lr_ndone == 0;
	assert_true(nheld > 0);
	assert_int_equal(l->l_nblk, 1);
	sim_blk_vanish(e.e_b);
	for (i = 0; i < N; i++) {
		rv = loop_wait(l, &e.e_lr[i]);
		assert_true(rv == 0 || rv == -PV_ENXIO);
	}
	assert_true(loop_blks(l, 0));
	assert_int_equal(sim_dom_ngrant(l->l_dom), 0);
	loop_pages_free(e.e_buf, N);
}

/* Any state at any time, at random, while requests are made. */
LOOP_TEST(evil_states_at_random)
{
	struct sim_blk *b = loop_blk(l, 0);
	uint8_t *buf = loop_pages(4);
	struct loop_req lr[4];
	unsigned int i, k;
	char state[2];
	int rv[4];

	for (i = 0; i < 30; i++) {
		for (k = 0; k < 4; k++)
			rv[k] = l->l_nblk == 0 ? -PV_ENXIO :
			    loop_submit(l->l_blk[0], &lr[k], PV_BLK_WRITE,
			    k * 8, buf + k * 4096, 4096);
		state[0] = (char)('0' + sim_rand(10));
		state[1] = '\0';
		sim_blk_set_state(b, state);
		sim_run(l->l_sim, sim_rand(1000000000));
		/* Only a back end that is gone answers nothing. */
		sim_blk_set_state(b, sim_rand(2) ? "6" : "4");
		sim_run(l->l_sim, sim_rand(1000000000));
		sim_blk_set_state(b, "5");
		sim_run(l->l_sim, SIM_S);
		for (k = 0; k < 4; k++) {
			if (rv[k] == 0)
				assert_int_not_equal(loop_wait(l, &lr[k]),
				    LOOP_NEVER);
		}
	}
	sim_blk_vanish(b);
	assert_true(loop_wait_state(l, NAME, ""));
	(void)loop_blk(l, 0);
	evil_io(l, 5);
	loop_pages_free(buf, 4);
}

/* ---- values ------------------------------------------------------------ */

/* What the back end of disk 51712 says. */
static void
evil_say(struct loop *l, const char *key, const char *val)
{
	char path[80];

	snprintf(path, sizeof(path),
	    "/local/domain/%u/backend/vbd/1/51712/%s",
	    sim_backend_id(l->l_sim), key);
	sim_store_write(l->l_sim, path, "%s", val);
}

/* A disk that can not be: no disk, and a line of log; else it would be one. */
LOOP_TEST(evil_values)
{
	static const struct {
		const char	*key, *val;
	} bad[] = {
		{ "sectors", "banana" }, { "sectors", "-1" },
		{ "sectors", "99999999999999999999" }, { "sectors", "" },
		{ "sectors", "18014398509481985" }, { "sector-size", "0" },
		{ "sector-size", "511" }, { "sector-size", "768" },
		{ "sector-size", "1048576" }, { "sector-size", "4294967808" }
	};
	struct sim_blk *b;
	unsigned int i;

	for (i = 0; i <= PV_NELEM(bad); i++) {
		struct sim_blk_cfg cfg = { .bc_vdev = 51712, .bc_nsect = 64,
		    .bc_flags = SIM_BLK_SILENT };

		b = sim_blk_create(l->l_dom, &cfg);
		evil_say(l, "sectors", "64");
		evil_say(l, "sector-size", "512");
		if (i < PV_NELEM(bad))
			evil_say(l, bad[i].key, bad[i].val);
		assert_true(loop_wait_state(l, NAME, i < PV_NELEM(bad) ?
		    "broken" : "connected"));
		assert_int_equal(l->l_nblk, i == PV_NELEM(bad));
		sim_blk_vanish(b);
		assert_true(loop_wait_state(l, NAME, ""));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evil_rsp_id_range),
		cmocka_unit_test(evil_rsp_id_idle),
		cmocka_unit_test(evil_rsp_id_twice),
		cmocka_unit_test(evil_rsp_op_wrong),
		cmocka_unit_test(evil_rsp_prod_jump),
		cmocka_unit_test(evil_rsp_prod_back),
		cmocka_unit_test(evil_rsp_status_wild),
		cmocka_unit_test(evil_changed_after_read),
		cmocka_unit_test(evil_idx_rewritten),
		cmocka_unit_test(evil_grant_held),
		cmocka_unit_test(evil_grant_held_forever),
		cmocka_unit_test(evil_grant_held_bounced),
		cmocka_unit_test(evil_grant_held_lasting),
		cmocka_unit_test(evil_event_storm),
		cmocka_unit_test(evil_event_spurious),
		cmocka_unit_test(evil_event_lost),
		cmocka_unit_test(evil_event_before_attach),
		cmocka_unit_test(evil_event_after_detach),
		cmocka_unit_test(evil_state_skipped),
		cmocka_unit_test(evil_state_backward),
		cmocka_unit_test(evil_state_unknown),
		cmocka_unit_test(evil_backend_vanishes),
		cmocka_unit_test(evil_states_at_random),
		cmocka_unit_test(evil_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
