/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_fail.c -- each thing that can fail does so once.
 *
 * The points are numbered as they are reached: allocations, pages, mappings,
 * hypercalls that take something, requests to the store.  A scenario is run
 * with the first failing, the second, and so on until one run gets by
 * without.  Whatever failed, at the end everything is given back; whether
 * the devices came up is left open.  SIM_POINT=n runs one point; the seed is
 * the point's number.
 */

#include "loop/loop.h"

static void
fail_each(const char *name, unsigned int flags, void (*fn)(struct loop *))
{
	loop_points(name, flags, false, fn);
}

static void
fail_nothing(struct loop *l)
{
	sim_run(l->l_sim, SIM_S);
}

static void
fail_attach(void **state)
{
	fail_each("attach", SIM_CALM, fail_nothing);
	fail_each("attach, PV", SIM_PV | SIM_CALM, fail_nothing);
}

/* Pages of the consumer's own: its failures are not the library's. */
static uint8_t *
fail_page(void)
{
	uint8_t *p = pv_os_pages_alloc(1);

	return p != NULL ? p : pv_os_pages_alloc(1);
}

static void
fail_use_blk(struct loop *l)
{
	uint8_t *buf = fail_page();
	struct loop_req lr[4];
	unsigned int i;
	int rv[4];

	for (i = 0; i < 4; i++)
		rv[i] = loop_submit(l->l_blk[0], &lr[i], i % 2 ? PV_BLK_READ :
		    PV_BLK_WRITE, i, buf + i * 512, 512);
	for (i = 0; i < 4; i++) {
		if (rv[i] == 0)
			assert_int_not_equal(loop_wait(l, &lr[i]),
			    LOOP_NEVER);
	}
	loop_pages_free(buf, 1);
}

static void
fail_blk_flags(struct loop *l, unsigned int flags)
{
	struct sim_blk_cfg cfg = {
		.bc_vdev = 51712, .bc_nsect = 64, .bc_flags = flags
	};
	struct sim_blk *b = sim_blk_create(l->l_dom, &cfg);

	sim_run(l->l_sim, 5 * SIM_S);
	if (l->l_nblk > 0)
		fail_use_blk(l);
	sim_blk_restart(b);
	sim_run(l->l_sim, 5 * SIM_S);
	if (l->l_nblk > 0)
		fail_use_blk(l);
	sim_blk_unplug(b);
	sim_run(l->l_sim, 5 * SIM_S);
}

static void
fail_blk(struct loop *l)
{
	fail_blk_flags(l, SIM_BLK_NOLAST);
}

static void
fail_blk_bounced(struct loop *l)
{
	loop_set(l, "blkfront.max_queues", "1");
	fail_blk_flags(l, SIM_BLK_UNTRUSTED | SIM_BLK_NOLAST);
}

/* Few pages, for each of them is a point. */
static void
fail_blk_lasting(struct loop *l)
{
	loop_set(l, "blkfront.persistent_pages", "26");
	fail_blk_flags(l, 0);
}

static void
fail_blkfront_lasting(void **state)
{
	fail_each("blkfront, persistent", SIM_CALM, fail_blk_lasting);
}

static void
fail_blkfront(void **state)
{
	fail_each("blkfront", SIM_CALM, fail_blk);
}

static void
fail_blkfront_pv(void **state)
{
	fail_each("blkfront, PV", SIM_PV, fail_blk);
}

static void
fail_blkfront_bounced(void **state)
{
	fail_each("blkfront, untrusted", 0, fail_blk_bounced);
}

static void
fail_net_flags(struct loop *l, unsigned int flags)
{
	struct sim_net_cfg cfg = { .nc_flags = SIM_NET_ECHO | flags };
	struct sim_net *n = sim_net_create(l->l_dom, &cfg);
	struct loop_pkt lp;
	uint8_t *buf;

	sim_run(l->l_sim, 5 * SIM_S);
	if (l->l_nnet > 0) {
		buf = fail_page();
		if (loop_send(l->l_net[0], &lp, buf, 100, 1) == 0)
			assert_int_not_equal(loop_wait_sent(l, &lp),
			    LOOP_NEVER);
		sim_run(l->l_sim, SIM_S);
		loop_pages_free(buf, 1);
	}
	sim_net_restart(n);
	sim_run(l->l_sim, 5 * SIM_S);
	sim_net_unplug(n);
	sim_run(l->l_sim, 5 * SIM_S);
}

static void
fail_net(struct loop *l)
{
	fail_net_flags(l, 0);
}

static void
fail_net_queues(struct loop *l)
{
	loop_set(l, "netfront.queues", "2");
	fail_net_flags(l, SIM_NET_MQ | SIM_NET_SPLIT);
}

static void
fail_netfront(void **state)
{
	fail_each("netfront", SIM_CALM, fail_net);
}

static void
fail_netfront_pv(void **state)
{
	fail_each("netfront, PV", SIM_PV, fail_net);
}

static void
fail_netfront_queues(void **state)
{
	fail_each("netfront, queues", SIM_CALM, fail_net_queues);
}

static void
fail_control_word(struct loop *l)
{
	sim_run(l->l_sim, SIM_S);
	sim_store_write(l->l_sim, "/local/domain/1/control/shutdown",
	    "poweroff");
	sim_run(l->l_sim, SIM_S);
}

static void
fail_control(void **state)
{
	fail_each("control", 0, fail_control_word);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fail_attach),
		cmocka_unit_test(fail_blkfront),
		cmocka_unit_test(fail_blkfront_lasting),
		cmocka_unit_test(fail_blkfront_pv),
		cmocka_unit_test(fail_blkfront_bounced),
		cmocka_unit_test(fail_netfront),
		cmocka_unit_test(fail_netfront_pv),
		cmocka_unit_test(fail_netfront_queues),
		cmocka_unit_test(fail_control),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
