/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_control.c -- what the toolstack asks of the guest.
 */

#include "loop.h"

#define NODE	"/local/domain/1/control/shutdown"

static bool
control_watched(struct loop *l)
{
	return loop_info(l, "control/0").di_nwatch > 0;
}

static bool
control_obeyed(struct loop *l)
{
	return l->l_nctl > 0;
}

static void
control_ready(struct loop *l)
{
	unsigned int i;

	for (i = 0; i < 1000 && !control_watched(l); i++)
		sim_run(l->l_sim, SIM_MS);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_nctl, 0);
}

LOOP_TEST(control_promises)
{
	control_ready(l);
	assert_string_equal(sim_store_read(l->l_sim,
	    "/local/domain/1/control/feature-poweroff"), "1");
	assert_string_equal(sim_store_read(l->l_sim,
	    "/local/domain/1/control/feature-reboot"), "1");
	assert_string_equal(sim_store_read(l->l_sim,
	    "/local/domain/1/control/feature-suspend"), "1");
}

LOOP_TEST(control_words)
{
	static const char *const word[] = { "poweroff", "reboot", "halt",
	    "crash", "suspend" };
	static const enum pv_control_op op[] = { PV_CONTROL_POWEROFF,
	    PV_CONTROL_REBOOT, PV_CONTROL_HALT, PV_CONTROL_CRASH,
	    PV_CONTROL_SUSPEND };
	unsigned int i;

	control_ready(l);
	for (i = 0; i < PV_NELEM(op); i++) {
		l->l_nctl = 0;
		sim_store_write(l->l_sim, NODE, "%s", word[i]);
		assert_true(loop_until(l, control_obeyed));
		assert_int_equal(l->l_ctl[0], op[i]);
		/* Acknowledged, before it is done. */
		assert_string_equal(sim_store_read(l->l_sim, NODE), "");
		sim_run(l->l_sim, SIM_S);
		assert_int_equal(l->l_nctl, 1);
	}
}

/* A word that was there before we were. */
LOOP_TEST(control_early)
{
	loop_detach(l);
	sim_store_write(l->l_sim, NODE, "poweroff");
	assert_int_equal(loop_attach(l), 0);
	assert_true(loop_until(l, control_obeyed));
	assert_int_equal(l->l_ctl[0], PV_CONTROL_POWEROFF);
}

LOOP_TEST(control_unknown)
{
	static const char *const word[] = { "suspend2", "poweroff ", "POWEROFF",
	    "a-word-that-is-longer-than-any-which-could-be-meant-for-us",
	    "\033[2J" };
	unsigned int i;

	control_ready(l);
	for (i = 0; i < PV_NELEM(word); i++) {
		sim_store_write(l->l_sim, NODE, "%s", word[i]);
		sim_run(l->l_sim, SIM_S);
		assert_int_equal(l->l_nctl, 0);
		assert_string_equal(sim_store_read(l->l_sim, NODE), word[i]);
	}
	sim_store_rm(l->l_sim, NODE);
	sim_run(l->l_sim, SIM_S);
	sim_store_write(l->l_sim, NODE, "reboot");
	sim_store_chown(l->l_sim, NODE, 1);
	assert_true(loop_until(l, control_obeyed));
	assert_int_equal(l->l_ctl[0], PV_CONTROL_REBOOT);
}

#define KEY	"/local/domain/1/control/sysrq"

static bool
control_pressed(struct loop *l)
{
	return l->l_key != 0;
}

/* A key is acknowledged; what is none is too, and nothing happens. */
LOOP_TEST(control_sysrq)
{
	static const char *const word[] = { "hb", "", "\001", "\377" };
	unsigned int i;

	control_ready(l);
	sim_store_write(l->l_sim, KEY, "h");
	assert_true(loop_until(l, control_pressed));
	assert_int_equal(l->l_key, 'h');
	for (i = 0; i < PV_NELEM(word); i++) {
		l->l_key = 0;
		sim_store_write(l->l_sim, KEY, "%s", word[i]);
		sim_run(l->l_sim, SIM_S);
		assert_int_equal(l->l_key, 0);
		assert_string_equal(sim_store_read(l->l_sim, KEY), "");
	}
	sim_store_rm(l->l_sim, KEY);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_nctl, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_promises),
		cmocka_unit_test(control_words),
		cmocka_unit_test(control_early),
		cmocka_unit_test(control_unknown),
		cmocka_unit_test(control_sysrq),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
