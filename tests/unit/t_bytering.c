/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_bytering.c -- rings of bytes, from any start, across the wrap, and with
 * indexes that can not be.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bytering.h"

#define SIZE	16u

struct shared {
	uint8_t		 data[SIZE];
	uint32_t	 prod, cons;
};

static void
bytering_open(struct shared *sh, uint32_t start, struct bytering *w,
    struct bytering *r)
{
	memset(sh, 0xee, sizeof(*sh));
	sh->prod = sh->cons = start;
	bytering_init(w, sh->data, SIZE, &sh->prod, &sh->cons, true);
	bytering_init(r, sh->data, SIZE, &sh->prod, &sh->cons, false);
}

static void
bytering_full_and_empty(void **state)
{
	char in[40], out[40];
	struct bytering w, r;
	struct shared sh;

	memset(in, 'x', sizeof(in));
	bytering_open(&sh, 0, &w, &r);
	assert_int_equal(bytering_read(&r, out, 5), 0);
	assert_int_equal(bytering_avail(&r), 0);
	assert_int_equal(bytering_room(&w), SIZE);
	assert_int_equal(bytering_write(&w, in, 40), SIZE);
	assert_int_equal(bytering_write(&w, in, 1), 0);
	assert_int_equal(bytering_room(&w), 0);
	assert_int_equal(bytering_avail(&r), SIZE);
	assert_int_equal(bytering_read(&r, out, 3), 3);
	assert_int_equal(bytering_room(&w), 3);
	assert_int_equal(bytering_read(&r, out, 40), SIZE - 3);
	assert_int_equal(sh.prod, sh.cons);
}

/* A stream of bytes comes out as it went in, wherever the indexes start. */
static void
bytering_stream(void **state)
{
	static const uint32_t starts[] = { 0, 1, SIZE - 1, 12345,
	    UINT32_MAX, UINT32_MAX - 7, UINT32_MAX - 5 * SIZE };
	struct bytering w, r;
	struct shared sh;
	uint8_t buf[SIZE], next, want;
	unsigned int i, k, n, step;
	int rv;

	srand(1);
	for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		bytering_open(&sh, starts[i], &w, &r);
		next = want = 0;
		for (step = 0; step < 2000; step++) {
			n = (unsigned int)rand() % (SIZE + 1);
			for (k = 0; k < n; k++)
				buf[k] = (uint8_t)(next + k);
			rv = bytering_write(&w, buf, n);
			assert_in_range(rv, 0, n);
			next = (uint8_t)(next + rv);
			rv = bytering_read(&r, buf, (uint32_t)rand() % 20 %
			    (SIZE + 1));
			assert_true(rv >= 0);
			for (k = 0; k < (unsigned int)rv; k++)
				assert_int_equal(buf[k], want++);
		}
	}
}

static void
bytering_reader_lied_to(void **state)
{
	static const uint32_t jump[] = { SIZE + 1, SIZE + 2, 5000,
	    0x80000000u, UINT32_MAX };
	char out[2 * SIZE];
	struct bytering w, r;
	struct shared sh;
	size_t i;

	for (i = 0; i < sizeof(jump) / sizeof(jump[0]); i++) {
		bytering_open(&sh, 1000, &w, &r);
		sh.prod = 1000 + jump[i];
		memset(out, 'u', sizeof(out));
		assert_int_equal(bytering_read(&r, out, sizeof(out)),
		    -PV_EPROTO);
		assert_int_equal(out[0], 'u');
		assert_int_equal(sh.cons, 1000);
		assert_int_equal(bytering_avail(&r), SIZE);
	}
}

static void
bytering_writer_lied_to(void **state)
{
	static const uint32_t jump[] = { 1, 2, 5000, 0x80000000u,
	    UINT32_MAX - SIZE };
	struct bytering w, r;
	struct shared sh;
	size_t i;

	for (i = 0; i < sizeof(jump) / sizeof(jump[0]); i++) {
		bytering_open(&sh, UINT32_MAX - 3, &w, &r);
		/* Consumed what was not produced. */
		sh.cons += jump[i];
		assert_int_equal(bytering_write(&w, "abc", 3), -PV_EPROTO);
		assert_int_equal(sh.prod, UINT32_MAX - 3);
		assert_int_equal(bytering_room(&w), 0);
	}
}

/* What we wrote there ourselves is not believed either. */
static void
bytering_keeps_its_own_index(void **state)
{
	struct bytering w, r;
	struct shared sh;
	char out[4];

	bytering_open(&sh, 7, &w, &r);
	assert_int_equal(bytering_write(&w, "ab", 2), 2);
	sh.cons = 7777;		/* by the peer, over the reader's index */
	assert_int_equal(bytering_read(&r, out, 4), 2);
	assert_memory_equal(out, "ab", 2);
	assert_int_equal(sh.cons, 9);
	sh.prod = 4444;
	assert_int_equal(bytering_write(&w, "cd", 2), 2);
	assert_int_equal(sh.prod, 11);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytering_full_and_empty),
		cmocka_unit_test(bytering_stream),
		cmocka_unit_test(bytering_reader_lied_to),
		cmocka_unit_test(bytering_writer_lied_to),
		cmocka_unit_test(bytering_keeps_its_own_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
