/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_evil_netback_mq.c -- front ends of two queues that lie to netback.
 *
 * The front end is the test itself, in domain 1, with its own hands.
 */

#include "loop/puppet.h"
#include "shm.h"

#define TWO_TX	(NDATA - 2)		/* the second one's rings: pages */
#define TWO_RX	(NDATA - 1)

static volatile uint32_t *
two_index(unsigned int page, unsigned int n)
{
	return (volatile uint32_t *)(void *)(pu.pu_data + page * 4096) + n;
}

/* Both have their own rings, or the same. */
static void
two_connect(struct loop *l, bool same)
{
	unsigned int i;

	pu_open(l);
	nback_plug(&pu_back, 0, NULL);
	assert_true(pu_wait_state("2"));
	pu_fresh();
	for (i = TWO_TX; i <= TWO_RX; i++) {
		shm_zero(pu.pu_data + i * 4096, 4096);
		shm_write32(two_index(i, 1), 1);
		shm_write32(two_index(i, 3), 1);
	}
	pu_keys();
	pu_num("multi-queue-num-queues", 2);
	pu_num("queue-0/tx-ring-ref", gref_x(pu.pu_ringref[TX]));
	pu_num("queue-0/rx-ring-ref", gref_x(pu.pu_ringref[RX]));
	pu_num("queue-0/event-channel", evport_x(pu.pu_eh.eh_port));
	pu_num("queue-1/tx-ring-ref", gref_x(same ? pu.pu_ringref[TX] :
	    pu.pu_ref[TWO_TX]));
	pu_num("queue-1/rx-ring-ref", gref_x(same ? pu.pu_ringref[RX] :
	    pu.pu_ref[TWO_RX]));
	pu_num("queue-1/event-channel", evport_x(pu.pu_ctl.eh_port));
	pu_num("state", 4);
	assert_true(pu_wait_state("4"));
	assert_true(sim_until(l->l_sim, pu_announced, NULL, 60 * SIM_S));
	assert_int_equal(pu_back.nb_loop.l_net[0]->nt_npair, 2);
	pu_num("multi-queue-num-queues", 1);	/* of who comes next */
}

/* The n-th request of the second queue; it is shown. */
static void
two_slot(unsigned int n, uint16_t size, uint16_t flags)
{
	struct netif_tx_request req = { .gref = gref_x(pu.pu_ref[0]),
	    .size = size, .flags = flags, .id = (uint16_t)n };

	shm_copy_out(pu.pu_data + TWO_TX * 4096 + 64 + n * sizeof(req), &req,
	    sizeof(req));
	shm_store_release32(two_index(TWO_TX, 0), n + 1);
	evtchn_notify(&pu.pu_ctl);
}

/* A packet that is begun in one queue holds up no other's; a lie in one ends
   them both. */
LOOP_TEST(evil_second_queue)
{
	unsigned int i;

	two_connect(l, false);
	pu_tcp(pu.pu_data, 1000);
	two_slot(0, 1000, NETTXF_more_data);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(pu_back.nb_loop.l_nframe, 0);
	for (i = 0; i < 3; i++)
		pu_works();
	two_slot(1, 400, 0);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(shm_read32(two_index(TWO_TX, 2)), 2);
	assert_int_equal(pu_back.nb_loop.l_nframe, 4);
	assert_int_equal(pu_back.nb_loop.l_framelen, 1000);
	shm_store_release32(two_index(TWO_TX, 0), 300);
	evtchn_notify(&pu.pu_ctl);
	pu_broken(l);
}

/* More buffers than there can be, when a connection takes that queue. */
LOOP_TEST(evil_second_queue_rx)
{
	static struct loop_pkt lp[32];
	unsigned int i;

	two_connect(l, false);
	shm_store_release32(two_index(TWO_RX, 0), 1000);
	evtchn_notify(&pu.pu_ctl);
	sim_run(l->l_sim, SIM_S);
	pu_works();			/* nobody has wanted one */
	pu_tcp(pu.pu_frame, 300);
	for (i = 0; i < PV_NELEM(lp); i++) {
		memset(&lp[i], 0, sizeof(lp[i]));
		pu.pu_frame[35] = (uint8_t)i;
		if (pu_back.nb_loop.l_nnet == 0 || nback_send(&pu_back, &lp[i],
		    pu.pu_frame, 300, 1) != 0)
			break;
		sim_run(l->l_sim, SIM_MS);
	}
	pu_broken(l);
	assert_true(i > 0);
	while (i-- > 0) {
		assert_int_equal(lp[i].lp_ndone, 1);
		assert_int_equal(lp[i].lp_rv, -PV_ENXIO);
	}
}

/* Two queues that are one: each answers over the other's requests. */
LOOP_TEST(evil_same_rings)
{
	two_connect(l, true);
	pu_tcp(pu.pu_data, 1000);
	pu_slot(0, 1000, 0, 0);
	pu_push(TX);
	evtchn_notify(&pu.pu_ctl);
	sim_run(l->l_sim, SIM_S);
	assert_in_range(pu_back.nb_loop.l_nframe, 1, 2);
	assert_int_equal(pu_back.nb_loop.l_framelen, 1000);
	pu.pu_prod[TX] = 1000;
	evtchn_notify(&pu.pu_ctl);
	pu_broken_by(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evil_second_queue),
		cmocka_unit_test(evil_second_queue_rx),
		cmocka_unit_test(evil_same_rings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
