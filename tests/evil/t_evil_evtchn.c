/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_evil_evtchn.c -- queues of events that lead nowhere.
 *
 * No event is lost by it, nothing hangs, and one line of log tells.
 */

#include "evtchn.h"
#include "loop/loop.h"

#define NPORT	50

struct evil_port {
	struct evtchn_handler ep_eh;
	unsigned int	 ep_sent, ep_seen;
};

static struct evil_port ports[NPORT];

static enum evtchn_result
evil_run(void *arg)
{
	struct evil_port *ep = arg;

	ep->ep_seen = ep->ep_sent;
	return EVTCHN_DONE;
}

static void
evil_events(struct loop *l, unsigned int rounds)
{
	struct evil_port *ep;
	unsigned int i;

	while (rounds-- > 0) {
		for (i = 0; i < NPORT; i++) {
			ep = &ports[sim_rand(NPORT)];
			ep->ep_sent++;
			sim_dom_event(l->l_dom, evport_x(ep->ep_eh.eh_port));
		}
		sim_run(l->l_sim, sim_rand(100) * 1000);
	}
}

static bool
evil_begin(struct loop *l)
{
	unsigned int i;

	memset(ports, 0, sizeof(ports));
	if (strcmp(loop_totals(l).pt_evtchn, "fifo") != 0)
		return false;
	for (i = 0; i < NPORT; i++)
		assert_int_equal(evtchn_alloc(&l->l_xen, NULL, 0,
		    &ports[i].ep_eh, evil_run, &ports[i]), 0);
	sim_run(l->l_sim, SIM_S);
	return true;
}

static void
evil_end(struct loop *l)
{
	unsigned int i;

	sim_run(l->l_sim, SIM_S);
	for (i = 0; i < NPORT; i++) {
		assert_int_equal(ports[i].ep_seen, ports[i].ep_sent);
		evtchn_close(&ports[i].ep_eh);
	}
}

static void
evil_lie(struct loop *l, enum sim_lie lie)
{
	unsigned int nlog = sim_nlog(PV_LOG_ERR);

	if (!evil_begin(l))
		return;
	sim_evil(l->l_sim, lie, sim_rand(20));
	evil_events(l, 50);
	assert_true(sim_evil_told(l->l_sim, lie) > 0);
	/* While it lies an event may wait for the next one, not longer. */
	sim_honest(l->l_sim, lie);
	evil_events(l, 50);
	assert_int_equal(sim_nlog(PV_LOG_ERR), nlog + 1);
	evil_end(l);
	/* And all is as before. */
	nlog = loop_totals(l).pt_nresync;
	assert_true(nlog > 0);
	assert_true(evil_begin(l));
	evil_events(l, 50);
	evil_end(l);
	assert_int_equal(loop_totals(l).pt_nresync, nlog);
}

LOOP_TEST(evil_evtchn_link_range)
{
	evil_lie(l, SIM_EVIL_FIFO_LINK_RANGE);
}

LOOP_TEST(evil_evtchn_link_wrong)
{
	evil_lie(l, SIM_EVIL_FIFO_LINK_WRONG);
}

/* A queue that is said to be ready, or one that does not exist. */
LOOP_TEST(evil_evtchn_ready)
{
	unsigned int i;

	if (!evil_begin(l))
		return;
	for (i = 0; i < 100; i++) {
		evil_events(l, 2);
		sim_fifo_nothing(l->l_dom);
		sim_run(l->l_sim, sim_rand(100) * 1000);
	}
	evil_end(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evil_evtchn_link_range),
		cmocka_unit_test(evil_evtchn_link_wrong),
		cmocka_unit_test(evil_evtchn_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
