/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_console.c -- the primary console.
 */

#include "loop.h"

static bool
cons_up(struct loop *l)
{
	return l->l_cons != NULL;
}

/* Write all of it, waiting for room. */
static void
cons_write_all(struct loop *l, const char *s, size_t len)
{
	unsigned int tries = 0;
	size_t done = 0;
	int n;

	while (done < len) {
		n = pv_cons_write(l->l_cons, s + done, len - done);
		assert_true(n >= 0);
		done += (size_t)n;
		if (n > 0)
			continue;
		assert_true(++tries < 10000);
		sim_run(l->l_sim, SIM_MS);
	}
}

LOOP_TEST(cons_output)
{
	struct sim_cons *co = sim_cons_of(l->l_dom);
	const char *out;
	size_t len;

	assert_true(loop_until(l, cons_up));
	cons_write_all(l, "hello, ", 7);
	sim_run(l->l_sim, SIM_S);
	cons_write_all(l, "world\n", 6);
	sim_run(l->l_sim, SIM_S);
	out = sim_cons_output(co, &len);
	assert_int_equal(len, 13);
	assert_string_equal(out, "hello, world\n");
}

LOOP_TEST(cons_output_many)
{
	struct sim_cons *co = sim_cons_of(l->l_dom);
	static uint8_t text[50000];
	size_t len;

	assert_true(loop_until(l, cons_up));
	loop_fill(text, sizeof(text), 1);
	cons_write_all(l, (char *)text, sizeof(text));
	sim_run(l->l_sim, SIM_S);
	assert_memory_equal(sim_cons_output(co, &len), text, sizeof(text));
	assert_int_equal(len, sizeof(text));
}

static bool
cons_ready(struct loop *l)
{
	return l->l_nready > 0;
}

/* Nobody reads: writing takes nothing, waits for nothing; then goes on. */
LOOP_TEST(cons_nobody_reads)
{
	struct sim_cons *co = sim_cons_of(l->l_dom);
	char text[4096];
	size_t len;
	int n;

	memset(text, 'x', sizeof(text));
	assert_true(loop_until(l, cons_up));
	sim_cons_hold(co, true);
	n = pv_cons_write(l->l_cons, text, sizeof(text));
	assert_int_equal(n, 2048);
	assert_int_equal(pv_cons_write(l->l_cons, text, 1), 0);
	sim_run(l->l_sim, 100 * SIM_S);
	assert_int_equal(pv_cons_write(l->l_cons, text, 1), 0);
	(void)sim_cons_output(co, &len);
	assert_int_equal(len, 0);
	sim_cons_hold(co, false);
	assert_true(loop_until(l, cons_ready));
	assert_int_equal(pv_cons_write(l->l_cons, text, 1), 1);
	sim_run(l->l_sim, SIM_S);
	(void)sim_cons_output(co, &len);
	assert_int_equal(len, 2049);
}

LOOP_TEST(cons_input)
{
	struct sim_cons *co = sim_cons_of(l->l_dom);

	sim_cons_input(co, "ls\n", 3);		/* before anybody listens */
	assert_true(loop_until(l, cons_up));
	sim_run(l->l_sim, SIM_S);
	sim_cons_input(co, "cat\n", 4);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_ninput, 7);
	assert_memory_equal(l->l_input, "ls\ncat\n", 7);
}

static bool
cons_got_all(struct loop *l)
{
	return l->l_ninput == 10000;
}

/* A consumer that takes little: nothing is lost, and the peer waits. */
LOOP_TEST(cons_input_slowly)
{
	struct sim_cons *co = sim_cons_of(l->l_dom);
	static uint8_t text[10000];
	unsigned int i;

	loop_fill(text, sizeof(text), 2);
	assert_true(loop_until(l, cons_up));
	l->l_take = 0;
	sim_cons_input(co, (char *)text, sizeof(text));
	sim_run(l->l_sim, 100 * SIM_S);
	assert_int_equal(l->l_ninput, 0);
	assert_true(sim_cons_unread(co) >= sizeof(text) - 1024);
	l->l_take = 7;
	for (i = 0; i < 10000 && l->l_ninput < sizeof(text); i++) {
		l->l_cons->cn_ops->co_poll(l->l_cons->cn_sc);
		sim_run(l->l_sim, SIM_MS);
	}
	assert_true(loop_until(l, cons_got_all));
	assert_memory_equal(l->l_input, text, sizeof(text));
}

/*
 * The toolstack says that nobody reads: output stays with the consumer until
 * somebody does.  Anything but 1 is an old page's.
 */
LOOP_TEST(cons_connection)
{
	struct sim_cons *co = sim_cons_of(l->l_dom);
	size_t len;

	assert_true(loop_until(l, cons_up));
	sim_cons_flag(co, 1);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_cons->cn_flags & PV_CONS_OPEN, 0);
	l->l_nready = 0;
	assert_int_equal(pv_cons_write(l->l_cons, "new", 3), 0);
	sim_run(l->l_sim, 10 * SIM_S);
	assert_int_equal(l->l_nready, 0);
	(void)sim_cons_output(co, &len);
	assert_int_equal(len, 0);
	sim_cons_input(co, "x", 1);		/* that works none the less */
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_ninput, 1);
	sim_cons_flag(co, 0);
	assert_true(loop_until(l, cons_ready));
	assert_int_equal(l->l_cons->cn_flags & PV_CONS_OPEN, PV_CONS_OPEN);
	cons_write_all(l, "new", 3);
	sim_run(l->l_sim, SIM_S);
	assert_memory_equal(sim_cons_output(co, &len), "new", 3);
	sim_cons_flag(co, 0xa5);
	cons_write_all(l, "er", 2);
	sim_run(l->l_sim, SIM_S);
	assert_string_equal(sim_cons_output(co, &len), "newer");
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

static bool
line_echoed(struct loop *l)
{
	return l->l_ninput >= 9000;
}

/* Two consoles more, one after the other: an unnamed one, and a line. */
LOOP_TEST(cons_further)
{
	static uint8_t text[9000];
	struct sim_line *li;
	size_t done = 0;
	unsigned int i;

	assert_true(loop_until(l, cons_up));
	li = sim_line_create(l->l_dom, 1, NULL);
	assert_true(loop_until(l, line_up));
	assert_string_equal(l->l_line->cn_name, "xencons1");
	assert_int_equal(l->l_line->cn_flags, PV_CONS_CONSOLE | PV_CONS_OPEN);
	sim_line_unplug(li);
	assert_true(loop_until(l, line_down));
	(void)sim_line_create(l->l_dom, 2, "org.dom\001us.x");
	assert_true(loop_until(l, line_up));
	assert_string_equal(l->l_line->cn_label, "org.dom?us.x");
	assert_int_equal(l->l_line->cn_flags, PV_CONS_OPEN);
	loop_fill(text, sizeof(text), 3);
	for (i = 0; i < 10000 && done < sizeof(text); i++) {
		done += (size_t)pv_cons_write(l->l_line, (char *)text + done,
		    sizeof(text) - done);
		sim_run(l->l_sim, SIM_MS);
	}
	assert_true(loop_until(l, line_echoed));
	assert_memory_equal(l->l_input, text, sizeof(text));
	assert_string_equal(l->l_cons->cn_name, "xencons0");
	assert_int_equal(pv_cons_write(l->l_cons, "y", 1), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cons_output),
		cmocka_unit_test(cons_output_many),
		cmocka_unit_test(cons_nobody_reads),
		cmocka_unit_test(cons_input),
		cmocka_unit_test(cons_input_slowly),
		cmocka_unit_test(cons_connection),
		cmocka_unit_test(cons_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
