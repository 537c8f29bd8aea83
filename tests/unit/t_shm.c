/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_shm.c -- copies out of and into shared memory, and zeros: each length at
 * each alignment of both ends, and nothing beside it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shm.h"

#define GUARD	16u
#define LENMAX	140u

typedef void copy_fn(uint8_t *dst, const uint8_t *src, size_t len);

static void
copy_in(uint8_t *dst, const uint8_t *src, size_t len)
{
	shm_copy_in(dst, src, len);
}

static void
copy_out(uint8_t *dst, const uint8_t *src, size_t len)
{
	shm_copy_out(dst, src, len);
}

static void
all(copy_fn *copy)
{
	static uint8_t src[256], dst[256];
	static const uint8_t zero[256];
	unsigned int from, to, i;
	size_t len;

	for (i = 0; i < sizeof(src); i++)
		src[i] = (uint8_t)(i + 1);
	for (from = 0; from < 9; from++) {
		for (to = 0; to < 9; to++) {
			for (len = 0; len <= LENMAX; len++) {
				memset(dst, 0, sizeof(dst));
				copy(dst + GUARD + to, src + from, len);
				assert_memory_equal(dst, zero, GUARD + to);
				assert_memory_equal(dst + GUARD + to, src +
				    from, len);
				assert_memory_equal(dst + GUARD + to + len,
				    zero, GUARD);
			}
		}
	}
}

static void
t_in(void **state)
{
	(void)state;
	all(copy_in);
}

static void
t_out(void **state)
{
	(void)state;
	all(copy_out);
}

static void
t_zero(void **state)
{
	static uint8_t dst[256], was[256], want[256];
	unsigned int to;
	size_t len;

	(void)state;
	memset(was, 0xee, sizeof(was));
	for (to = 0; to < 9; to++) {
		for (len = 0; len <= LENMAX; len++) {
			memcpy(dst, was, sizeof(dst));
			memcpy(want, was, sizeof(want));
			memset(want + GUARD + to, 0, len);
			shm_zero(dst + GUARD + to, len);
			assert_memory_equal(dst, want, sizeof(dst));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_in), cmocka_unit_test(t_out),
		cmocka_unit_test(t_zero)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
