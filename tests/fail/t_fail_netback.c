/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_fail_netback.c -- each thing that can fail does so once, while one guest
 * is the other end of another's interface; see t_fail.c.
 */

#include "loop/nback.h"

static struct nback b;

static void
fail_send(struct loop *l, struct pv_net *nt, uint8_t *buf)
{
	struct loop_pkt lp;

	if (nt != NULL && loop_send(nt, &lp, buf, 1000, 2) == 0) {
		sim_enter(l->l_dom);
		assert_int_not_equal(loop_wait_sent(l, &lp), LOOP_NEVER);
	}
	sim_enter(l->l_dom);
}

static void
fail_scene(struct loop *l)
{
	uint8_t *buf = pv_os_pages_alloc(1);

	loop_set(l, "netfront.queues", "2");
	if (buf == NULL)
		buf = pv_os_pages_alloc(1);
	memset(buf, 0, 4096);
	nback_begin(&b, l);
	/* More of them are more of the same. */
	loop_set(&b.nb_loop, "netback.queues", "2");
	nback_attach(&b);
	nback_plug(&b, 0, NULL);
	sim_run(l->l_sim, 5 * SIM_S);
	fail_send(l, l->l_net[0], buf);
	sim_enter(b.nb_loop.l_dom);
	fail_send(l, b.nb_loop.l_net[0], buf);
	sim_run(l->l_sim, SIM_S);
	nback_unplug(&b, 0);
	sim_run(l->l_sim, 5 * SIM_S);
	if (b.nb_loop.l_attached == 0 && !sim_failed(l->l_sim))
		assert_null(nback_key(&b, 0, "state"));
	nback_close(&b);
	assert_int_equal(sim_dom_nmapped(l->l_dom), 0);
	loop_pages_free(buf, 1);
}

static void
fail_netback(void **state)
{
	loop_points("netback", SIM_CALM, true, fail_scene);
}

static void
fail_netback_pv(void **state)
{
	loop_points("netback pv", SIM_CALM | SIM_PV, true, fail_scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fail_netback),
		cmocka_unit_test(fail_netback_pv),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
