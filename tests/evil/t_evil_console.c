/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_evil_console.c -- a console's daemon that lies.
 */

#include "loop/loop.h"

#define NAME	"console/0"

static bool
cons_up(struct loop *l)
{
	return l->l_cons != NULL;
}

static bool
cons_down(struct loop *l)
{
	return l->l_cons == NULL;
}

/* An index that can not be: the console stops, the rest lives. */
static void
evil_index(struct loop *l, enum sim_lie lie)
{
	struct sim_cons *co = sim_cons_of(l->l_dom);
	unsigned int nlog;
	uint8_t *buf;
	int n = 0, i;

	assert_true(loop_until(l, cons_up));
	assert_true(loop_wait_state(l, NAME, "connected"));
	nlog = sim_nlog(PV_LOG_ERR);
	sim_evil(l->l_sim, lie, 0);
	sim_cons_input(co, "x", 1);
	for (i = 0; i < 100 && n >= 0 && l->l_cons != NULL; i++) {
		n = pv_cons_write(l->l_cons, "hello", 5);
		sim_run(l->l_sim, SIM_MS);
	}
	assert_int_equal(sim_evil_told(l->l_sim, lie), 1);
	assert_true(loop_until(l, cons_down));
	assert_true(loop_wait_state(l, NAME, "broken"));
	assert_int_equal(sim_nlog(PV_LOG_ERR) - nlog, 1);
	assert_true(l->l_ninput <= 1);
	(void)loop_blk(l, 0);
	buf = loop_pages(1);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf, 512),
	    0);
	loop_pages_free(buf, 1);
}

LOOP_TEST(evil_cons_in_prod)
{
	evil_index(l, SIM_EVIL_CONS_IN_PROD);
}

LOOP_TEST(evil_cons_out_cons)
{
	evil_index(l, SIM_EVIL_CONS_OUT_CONS);
}

static bool
line_up(struct loop *l)
{
	return l->l_line != NULL;
}

static bool
line_down(struct loop *l)
{
	return l->l_line == NULL;
}

/* A further console's: it breaks, and the first one does not. */
LOOP_TEST(evil_line_in_prod)
{
	struct sim_cons *co = sim_cons_of(l->l_dom);
	size_t len;
	int i, n = 0;

	assert_true(loop_until(l, cons_up));
	(void)sim_line_create(l->l_dom, 1, "a line");
	assert_true(loop_until(l, line_up));
	assert_true(loop_wait_state(l, "console/1", "connected"));
	sim_evil(l->l_sim, SIM_EVIL_CONS_IN_PROD, 0);
	for (i = 0; i < 100 && n >= 0 && l->l_line != NULL; i++) {
		n = pv_cons_write(l->l_line, "hello", 5);
		sim_run(l->l_sim, SIM_MS);
	}
	assert_int_equal(sim_evil_told(l->l_sim, SIM_EVIL_CONS_IN_PROD), 1);
	assert_true(loop_until(l, line_down));
	assert_int_equal(pv_cons_write(l->l_cons, "alive", 5), 5);
	sim_run(l->l_sim, SIM_S);
	assert_string_equal(sim_cons_output(co, &len), "alive");
}

/* The flag changes all the time: some output waits, none is lost or wrong. */
LOOP_TEST(evil_cons_flag)
{
	struct sim_cons *co = sim_cons_of(l->l_dom);
	unsigned int i, sent = 0;
	const char *out;
	size_t len;
	char byte;

	assert_true(loop_until(l, cons_up));
	for (i = 0; i < 3000; i++) {
		if (i % 3 == 0)
			sim_cons_flag(co, (uint8_t)(i / 3 % 3));
		byte = (char)('a' + sent % 26);
		sent += (unsigned int)pv_cons_write(l->l_cons, &byte, 1);
		sim_run(l->l_sim, 1000);
	}
	sim_cons_flag(co, 0);
	sim_run(l->l_sim, SIM_S);
	out = sim_cons_output(co, &len);
	assert_int_equal(len, sent);
	assert_true(sent > 500 && sent < 3000);
	for (i = 0; i < sent; i++)
		assert_int_equal(out[i], 'a' + i % 26);
}

static bool
cons_got_all(struct loop *l)
{
	return l->l_ninput == 5000;
}

LOOP_TEST(evil_cons_changed_after_read)
{
	struct sim_cons *co = sim_cons_of(l->l_dom);
	static uint8_t text[5000];

	loop_fill(text, sizeof(text), 4);
	assert_true(loop_until(l, cons_up));
	sim_evil(l->l_sim, SIM_EVIL_RSP_CHANGED_AFTER_READ, 0);
	sim_cons_input(co, (char *)text, sizeof(text));
	assert_true(loop_until(l, cons_got_all));
	assert_memory_equal(l->l_input, text, sizeof(text));
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_RSP_CHANGED_AFTER_READ) >
	    5);
}

/* Events without a byte: the port is looked at ever later, and still is. */
LOOP_TEST(evil_cons_event_storm)
{
	struct sim_cons *co = sim_cons_of(l->l_dom);
	uint64_t before;
	unsigned int i;

	assert_true(loop_until(l, cons_up));
	before = loop_totals(l).pt_nspurious;
	for (i = 0; i < 20000; i++) {
		sim_dom_storm(l->l_dom);
		sim_run(l->l_sim, 2000);
	}
	assert_true(loop_totals(l).pt_nspurious - before < 2000);
	sim_cons_input(co, "x", 1);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_ninput, 1);
}

/* More input than anybody takes: it stays with the peer. */
LOOP_TEST(evil_cons_flood)
{
	struct sim_cons *co = sim_cons_of(l->l_dom);
	static char text[60000];
	unsigned int nalloc;

	assert_true(loop_until(l, cons_up));
	sim_run(l->l_sim, SIM_S);
	nalloc = sim_nalloc(l->l_sim);
	sim_cons_input(co, text, sizeof(text));
	sim_run(l->l_sim, 10 * SIM_S);
	assert_int_equal(l->l_ninput, LOOP_INPUT);
	assert_true(sim_cons_unread(co) > 40000);
	assert_int_equal(sim_nalloc(l->l_sim), nalloc);
	assert_int_equal(pv_cons_write(l->l_cons, "y", 1), 1);
}

LOOP_TEST(evil_cons_event_lost)
{
	struct sim_cons *co = sim_cons_of(l->l_dom);

	assert_true(loop_until(l, cons_up));
	sim_run(l->l_sim, SIM_S);
	sim_evil(l->l_sim, SIM_EVIL_EVENT_LOST, 0);
	sim_cons_input(co, "ab", 2);
	sim_run(l->l_sim, SIM_S);
	sim_honest(l->l_sim, SIM_EVIL_EVENT_LOST);
	assert_int_equal(l->l_ninput, 0);
	sim_cons_input(co, "c", 1);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_ninput, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evil_cons_in_prod),
		cmocka_unit_test(evil_cons_out_cons),
		cmocka_unit_test(evil_line_in_prod),
		cmocka_unit_test(evil_cons_flag),
		cmocka_unit_test(evil_cons_changed_after_read),
		cmocka_unit_test(evil_cons_event_storm),
		cmocka_unit_test(evil_cons_flood),
		cmocka_unit_test(evil_cons_event_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
