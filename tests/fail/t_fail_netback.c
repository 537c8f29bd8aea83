/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_fail_netback.c -- each thing that can fail does so once, while one guest
 * is the other end of another's interface; see t_fail.c.
 */

#include <stdio.h>
#include <stdlib.h>

#include "loop/nback.h"

#define MANY	3000

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
fail_each(const char *name, unsigned int flags)
{
	const char *one = getenv("SIM_POINT");
	unsigned int n = one == NULL ? 1 : (unsigned int)atoi(one);
	static struct loop l;

	for (; n < MANY; n++) {
		fprintf(stderr, "%s: SIM_POINT=%u\n", name, n);
		loop_open(&l, n, flags);
		loop_set(&l, "netfront.queues", "2");
		sim_fail_at(l.l_sim, 0);
		assert_int_equal(loop_attach(&l), 0);
		sim_fail_at(l.l_sim, n);
		fail_scene(&l);
		if (!sim_failed(l.l_sim))
			break;
		loop_close(&l);
		if (one != NULL)
			return;
	}
	loop_close(&l);
	fprintf(stderr, "%s: %u points\n", name, n - 1);
	assert_in_range(n, 30, MANY - 1);
}

static void
fail_netback(void **state)
{
	fail_each("netback", SIM_CALM);
}

static void
fail_netback_pv(void **state)
{
	fail_each("netback pv", SIM_CALM | SIM_PV);
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
