/* SPDX-License-Identifier: BSD-2-Clause */
/* t_netmem.c -- kernel/net/netmem.c: blocks, pages, and their bound. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <klog.h>
#include <mm.h>
#include <net/netmem.h>
#include <sync.h>

#define PAGES	64

/* ---- what the kernel would give ---------------------------------------- */

static unsigned int t_npages;		/* out */

void *
page_alloc(unsigned int npg)
{
	void *p = aligned_alloc(PV_PAGE_SIZE, npg * PV_PAGE_SIZE);

	memset(p, 0, npg * PV_PAGE_SIZE);
	t_npages += npg;
	return p;
}

void
page_free(void *p, unsigned int npg)
{
	t_npages -= npg;
	free(p);
}

void *
kmalloc(size_t len)
{
	return calloc(1, len);
}

void
kfree(void *p)
{
	free(p);
}

unsigned long
spin_lock(struct spinlock *sl)
{
	assert_int_equal(sl->sl_word, 0);
	sl->sl_word = 1;
	return 7;
}

void
spin_unlock(struct spinlock *sl, unsigned long s)
{
	assert_int_equal(sl->sl_word, 1);
	assert_int_equal(s, 7);
	sl->sl_word = 0;
}

_Noreturn void
panic(const char *fmt, ...)
{
	mock_assert(0, fmt, __FILE__, __LINE__);
	abort();
}

/* ---- tests ------------------------------------------------------------- */

static int
netmem_setup(void **state)
{
	struct netmem_stat ns;

	netmem_init(PAGES * PV_PAGE_SIZE);
	netmem_stat(&ns);
	(void)state;
	return 0;
}

static void
netmem_sizes(void **state)
{
	static const size_t lens[] = { 1, 16, 48, 49, 112, 1000, 1552, 1600,
	    2032, 2033, 4080, 4081, 20000 };
	unsigned int i;
	char *p;

	for (i = 0; i < PV_NELEM(lens); i++) {
		p = netmem_alloc(lens[i]);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p & 15, 0);
		memset(p, 0xa5, lens[i]);
		/* What fits in a page never crosses one. */
		if (lens[i] <= 2032)
			assert_true((((uintptr_t)p ^
			    ((uintptr_t)p + lens[i] - 1)) >> 12) == 0);
		netmem_free(p);
	}
	netmem_free(NULL);
	assert_null(netmem_alloc(SIZE_MAX));
	assert_null(netmem_calloc(SIZE_MAX / 2, 3));
	(void)state;
}

/* Freed in another order, pages go back but one for each size. */
static void
netmem_pages_return(void **state)
{
	static void *p[40];
	unsigned int i;

	for (i = 0; i < 40; i++) {
		p[i] = netmem_calloc(1, 1500);
		assert_non_null(p[i]);
	}
	assert_true(t_npages >= 20);
	for (i = 0; i < 40; i += 2)
		netmem_free(p[i]);
	for (i = 1; i < 40; i += 2)
		netmem_free(p[i]);
	assert_true(t_npages <= 6);
	(void)state;
}

static void
netmem_bound(void **state)
{
	static void *p[3 * PAGES];
	struct netmem_stat ns;
	unsigned int i, n;

	for (n = 0; n < 3 * PAGES; n++) {
		p[n] = netmem_alloc(2000);
		if (p[n] == NULL)
			break;
	}
	assert_in_range(n, 2 * (PAGES - 6), 2 * PAGES);
	assert_null(netmem_alloc(5000));
	netmem_stat(&ns);
	assert_true(ns.ns_used <= ns.ns_limit);
	assert_true(ns.ns_nfail >= 2);
	assert_int_equal(t_npages * PV_PAGE_SIZE, ns.ns_used);
	for (i = 0; i < n; i++)
		netmem_free(p[i]);
	p[0] = netmem_alloc(5000);
	assert_non_null(p[0]);
	netmem_free(p[0]);
	netmem_stat(&ns);
	assert_int_equal(t_npages * PV_PAGE_SIZE, ns.ns_used);
	assert_true(ns.ns_high <= ns.ns_limit);
	(void)state;
}

static void
netmem_twice(void **state)
{
	char *p = netmem_alloc(100), *q = netmem_alloc(100);

	netmem_free(p);
	expect_assert_failure(netmem_free(p));
	netmem_free(q);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(netmem_sizes),
		cmocka_unit_test(netmem_pages_return),
		cmocka_unit_test(netmem_bound),
		cmocka_unit_test(netmem_twice),
	};

	return cmocka_run_group_tests(tests, netmem_setup, NULL);
}
