/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_evil_netback_xs.c -- a store that lies to netback, as guests connect and
 * after that.
 *
 * The front end is the test itself, in domain 1, which asks the store nothing.
 */

#include "loop/puppet.h"

/* A lie that leaves the connection to the store as it is, told from the
   after-th occasion on while a guest connects. */
static void
evil_passing(struct loop *l, enum sim_lie lie, unsigned int after, uint64_t ns)
{
	pu_open(l);
	sim_run(l->l_sim, SIM_S);
	sim_evil(l->l_sim, lie, after);
	nback_plug(&pu_back, 0, NULL);
	sim_run(l->l_sim, ns);
	pu_fresh();
	pu_keys();
	pu_num("state", 4);
	sim_run(l->l_sim, ns);
	if (sim_evil_told(l->l_sim, lie) == 0) {
		/* All of it took fewer occasions: it connects once more. */
		sim_evil(l->l_sim, lie, 0);
		pu_num("state", 1);
		sim_run(l->l_sim, ns);
	}
	assert_true(sim_evil_told(l->l_sim, lie) > 0);
	sim_honest(l->l_sim, lie);
	sim_run(l->l_sim, 60 * SIM_S);
	nback_unplug(&pu_back, 0);
	pu_num("state", 6);
	assert_true(nback_unplugged(&pu_back, 0));
	sim_run(l->l_sim, 60 * SIM_S);
	assert_int_equal(sim_dom_nmapped(l->l_dom), 0);
	assert_int_equal(pu_back.nb_loop.l_nnet, 0);
	pu_connect(l, NULL);
	pu_works();
	pu_close(l);
}

LOOP_TEST(evil_no_number)
{
	evil_passing(l, SIM_EVIL_XS_NOT_A_NUMBER, sim_rand(12), 10 * SIM_S);
}

LOOP_TEST(evil_not_terminated)
{
	evil_passing(l, SIM_EVIL_XS_NOT_TERMINATED, sim_rand(12), 10 * SIM_S);
}

LOOP_TEST(evil_eagain)
{
	evil_passing(l, SIM_EVIL_XS_EAGAIN_FOREVER, 0, 300 * SIM_MS);
}

LOOP_TEST(evil_silent)
{
	evil_passing(l, SIM_EVIL_XS_SILENT, sim_rand(30), 100 * SIM_S);
}

/* A lie that ends the talk with the store: who is connected goes on. */
static void
evil_ending(struct loop *l, enum sim_lie lie)
{
	pu_open(l);
	pu_connect(l, NULL);
	sim_evil(l->l_sim, lie, 0);
	pu_num("request-multicast-control", 1);
	sim_run(l->l_sim, SIM_S);
	assert_true(sim_evil_told(l->l_sim, lie) > 0);
	sim_honest(l->l_sim, lie);
	pu_works();
	pu_buffer(pu.pu_ref[0]);
	pu_push(RX);
	pu_gets(l, 0, 100);
	/* It can not be told of the guest's end. */
	sim_store_rm(l->l_sim, "/local/domain/2/backend");
	pu_close(l);
}

LOOP_TEST(evil_index_wild)
{
	evil_ending(l, SIM_EVIL_XS_INDEX_WILD);
}

LOOP_TEST(evil_len_huge)
{
	evil_ending(l, SIM_EVIL_XS_LEN_HUGE);
}

LOOP_TEST(evil_id_unknown)
{
	evil_ending(l, SIM_EVIL_XS_ID_UNKNOWN);
}

LOOP_TEST(evil_type_wrong)
{
	evil_ending(l, SIM_EVIL_XS_TYPE_WRONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evil_no_number),
		cmocka_unit_test(evil_not_terminated),
		cmocka_unit_test(evil_eagain),
		cmocka_unit_test(evil_silent),
		cmocka_unit_test(evil_index_wild),
		cmocka_unit_test(evil_len_huge),
		cmocka_unit_test(evil_id_unknown),
		cmocka_unit_test(evil_type_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
