/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_list.c -- lists, and the walk over a buffer's pages.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "iov.h"
#include "list.h"

struct item {
	int		 it_n;
	struct list	 it_link;
};

static int
list_sum(const struct list *head)
{
	struct list *l;
	int sum = 0;

	LIST_FOREACH(l, head)
		sum = sum * 10 + LIST_ENTRY(l, struct item, it_link)->it_n;
	return sum;
}

static void
list_order(void **state)
{
	struct item it[4];
	LIST_HEAD(head);
	int i;

	assert_true(list_empty(&head));
	assert_null(list_pop(&head));
	for (i = 0; i < 4; i++) {
		it[i].it_n = i + 1;
		list_append(&head, &it[i].it_link);
	}
	assert_int_equal(list_sum(&head), 1234);
	list_remove(&it[1].it_link);
	assert_int_equal(list_sum(&head), 134);
	assert_null(it[1].it_link.li_next);
	assert_ptr_equal(list_pop(&head), &it[0].it_link);
	list_remove(&it[3].it_link);
	assert_int_equal(list_sum(&head), 3);
	assert_false(list_empty(&head));
	assert_ptr_equal(list_pop(&head), &it[2].it_link);
	assert_true(list_empty(&head));
}

static void
list_remove_in_walk(void **state)
{
	struct item it[5];
	struct list head, *l, *next;
	int i;

	list_init(&head);
	for (i = 0; i < 5; i++) {
		it[i].it_n = i + 1;
		list_append(&head, &it[i].it_link);
	}
	LIST_FOREACH_SAFE(l, next, &head) {
		if (LIST_ENTRY(l, struct item, it_link)->it_n % 2 == 0)
			list_remove(l);
	}
	assert_int_equal(list_sum(&head), 135);
}

/* Pieces never cross a page, never exceed max, and cover all in order. */
static void
iov_walk(struct pv_iov *iov, unsigned int niov, size_t max)
{
	struct iov_iter it;
	size_t len, sum = 0, at = 0;
	unsigned int i = 0;
	char *p;

	iov_start(&it, iov, niov);
	while ((p = iov_next(&it, max, &len)) != NULL) {
		while (at == iov[i].iov_len) {
			i++;
			at = 0;
		}
		assert_ptr_equal(p, (char *)iov[i].iov_base + at);
		assert_in_range(len, 1, max);
		assert_int_equal((uintptr_t)p / PV_PAGE_SIZE,
		    ((uintptr_t)p + len - 1) / PV_PAGE_SIZE);
		at += len;
		sum += len;
	}
	assert_int_equal(sum, iov_length(iov, niov));
}

static void
iov_pieces(void **state)
{
	static char buf[6 * 4096] __attribute__((__aligned__(4096)));
	struct pv_iov iov[] = {
		{ buf + 512, 4096 }, { buf, 0 }, { buf + 4095, 2 },
		{ buf + 8192, 3 * 4096 }, { buf, 0 }
	};
	struct iov_iter it;
	size_t len;

	iov_walk(iov, 5, SIZE_MAX);
	iov_walk(iov, 5, 512);
	iov_walk(iov, 5, 7);
	iov_walk(iov + 1, 1, 7);
	iov_start(&it, iov, 0);
	assert_null(iov_next(&it, 1, &len));
	assert_int_equal(iov_length(iov, 0), 0);
	assert_int_equal(iov_length(iov, 5), 4096 + 2 + 3 * 4096);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_order),
		cmocka_unit_test(list_remove_in_walk),
		cmocka_unit_test(iov_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
