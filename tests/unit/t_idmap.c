/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_idmap.c -- ids: every one once, none that is not in flight.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "idmap.h"

#define N	7

static void
idmap_takes_each_once(void **state)
{
	struct idmap_slot slot[N];
	struct idmap im;
	int obj[N], i;
	int64_t id;
	unsigned int seen = 0;

	idmap_init(&im, slot, N);
	for (i = 0; i < N; i++) {
		id = idmap_take(&im, &obj[i]);
		assert_in_range(id, 0, N - 1);
		assert_false(seen >> id & 1);
		seen |= 1u << id;
		assert_ptr_equal(idmap_find(&im, (uint64_t)id), &obj[i]);
	}
	assert_int_equal(im.im_used, N);
	assert_int_equal(idmap_take(&im, &obj[0]), -1);
	assert_int_equal(im.im_used, N);
}

static void
idmap_finds_none_idle(void **state)
{
	struct idmap_slot slot[N];
	struct idmap im;
	int obj;
	uint64_t id;

	idmap_init(&im, slot, N);
	for (id = 0; id < N; id++)
		assert_null(idmap_find(&im, id));
	id = (uint64_t)idmap_take(&im, &obj);
	idmap_release(&im, id);
	assert_null(idmap_find(&im, id));
	assert_int_equal(im.im_used, 0);
}

static void
idmap_finds_none_out_of_range(void **state)
{
	static const uint64_t wild[] = { N, N + 1, UINT32_MAX,
	    (uint64_t)1 << 32, UINT64_MAX };
	struct idmap_slot slot[N];
	struct idmap im;
	int obj;
	size_t i;

	idmap_init(&im, slot, N);
	while (idmap_take(&im, &obj) >= 0)
		;
	for (i = 0; i < sizeof(wild) / sizeof(wild[0]); i++)
		assert_null(idmap_find(&im, wild[i]));
}

static void
idmap_empty(void **state)
{
	struct idmap im;
	int obj;
	uint32_t id = 0;

	idmap_init(&im, NULL, 0);
	assert_int_equal(idmap_take(&im, &obj), -1);
	assert_null(idmap_find(&im, 0));
	assert_null(idmap_next(&im, &id));
}

/* Against a plain array, in a random walk. */
static void
idmap_walk(void **state)
{
	struct idmap_slot slot[N];
	void *model[N] = { NULL };
	struct idmap im;
	int obj[N], used = 0, step;
	int64_t id;
	uint32_t i, n;

	srand(1);
	idmap_init(&im, slot, N);
	for (step = 0; step < 5000; step++) {
		i = (uint32_t)rand() % N;
		if (rand() % 2 && (id = idmap_take(&im, &obj[i])) >= 0) {
			assert_null(model[id]);
			model[id] = &obj[i];
			used++;
		} else if (model[i] != NULL) {
			idmap_release(&im, i);
			model[i] = NULL;
			used--;
		}
		assert_int_equal(im.im_used, used);
		for (i = 0, n = 0; i < N; i++) {
			assert_ptr_equal(idmap_find(&im, i), model[i]);
			n += model[i] != NULL;
		}
		for (i = 0; idmap_next(&im, &i) != NULL; i++)
			n--;
		assert_int_equal(n, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idmap_takes_each_once),
		cmocka_unit_test(idmap_finds_none_idle),
		cmocka_unit_test(idmap_finds_none_out_of_range),
		cmocka_unit_test(idmap_empty),
		cmocka_unit_test(idmap_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
