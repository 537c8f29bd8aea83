/* SPDX-License-Identifier: BSD-2-Clause */
/* t_mm.c -- kernel/mm.c and mm_heap.c: what is given is whole, zero, ours. */

#include <stdlib.h>
#include <string.h>

#include "shim.h"

#include "../../kernel/mm.c"
#include "../../kernel/mm_heap.c"

#define NBLOCK	400u

static struct boot_info bi;

static int
mm_setup(void **state)
{
	shim_reset();
	shim_ram(&bi, SHIM_RAM);
	memset(mm_zone, 0, sizeof(mm_zone));
	memset(mm_free, 0, sizeof(mm_free));
	memset(heap_class, 0, sizeof(heap_class));
	memset(&mm_lock, 0, sizeof(mm_lock));
	mm_npg = mm_nfree = mm_low = mm_nfail = heap_npg = 0;
	mm_nzone = 0;
	mm_init(&bi);
	(void)state;
	return 0;
}

/* The map and the lists agree, and every free page is counted once. */
static void
mm_verify(void)
{
	uint64_t n = 0, pfn;
	unsigned int order;
	struct mm_free *mf;

	for (order = 0; order < MM_NORDER; order++) {
		for (mf = mm_free[order]; mf != NULL; mf = mf->mf_next) {
			pfn = arch_va_to_pa(mf) >> PV_PAGE_SHIFT;
			assert_int_equal(pfn & ((1ull << order) - 1), 0);
			assert_int_equal(mm_find(pfn)->mz_map[pfn -
			    mm_find(pfn)->mz_base], order);
			n += 1ull << order;
		}
	}
	assert_int_equal(n, mm_nfree);
}

static int
is_zero(const void *p, size_t len)
{
	const char *s = p;
	size_t i;

	for (i = 0; i < len && s[i] == 0; i++)
		continue;
	return i == len;
}

static void
mm_counts(void **state)
{
	struct mm_stat ms;

	mm_stat(&ms);
	/* Frame 0 and the map are not for use. */
	assert_int_equal(ms.ms_total, SHIM_RAM - 2 * PV_PAGE_SIZE);
	assert_int_equal(ms.ms_free, ms.ms_total);
	assert_int_equal(ms.ms_low, ms.ms_total);
	mm_verify();
	(void)state;
}

static void
mm_take_all(void **state)
{
	struct mm_stat ms;
	unsigned int n = 0;
	void *p, *list = NULL;

	while ((p = page_alloc(1)) != NULL) {
		assert_true(is_zero(p, PV_PAGE_SIZE));
		memset(p, 0xee, PV_PAGE_SIZE);
		memcpy(p, &list, sizeof(list));
		list = p;
		n++;
	}
	mm_stat(&ms);
	assert_int_equal((uint64_t)n * PV_PAGE_SIZE, ms.ms_total);
	assert_int_equal(ms.ms_free, 0);
	assert_int_equal(ms.ms_low, 0);
	assert_int_equal(ms.ms_nfail, 1);
	while ((p = list) != NULL) {
		memcpy(&list, p, sizeof(list));
		page_free(p, 1);
	}
	mm_verify();
	/* All has merged again: a large block is to be had. */
	p = page_alloc(1024);
	assert_non_null(p);
	page_free(p, 1024);
	(void)state;
}

static void
mm_random(void **state)
{
	static struct { char *p; unsigned int npg; } b[NBLOCK];
	unsigned int i, j, round;

	srand(1);
	for (round = 0; round < 20000; round++) {
		i = (unsigned int)rand() % NBLOCK;
		if (b[i].p == NULL) {
			b[i].npg = 1 + (unsigned int)rand() % 40;
			b[i].p = page_alloc(b[i].npg);
			if (b[i].p == NULL)
				continue;
			assert_true(is_zero(b[i].p,
			    b[i].npg * PV_PAGE_SIZE));
			for (j = 0; j < b[i].npg; j++)
				b[i].p[j * PV_PAGE_SIZE] = (char)i;
			assert_int_equal(mm_pages(b[i].p), b[i].npg);
			continue;
		}
		for (j = 0; j < b[i].npg; j++)
			assert_int_equal((char)i, b[i].p[j * PV_PAGE_SIZE]);
		page_free(b[i].p, b[i].npg);
		b[i].p = NULL;
	}
	mm_verify();
	for (i = 0; i < NBLOCK; i++) {
		if (b[i].p != NULL)
			page_free(b[i].p, b[i].npg);
		b[i].p = NULL;
	}
	mm_verify();
	assert_int_equal(mm_nfree, mm_npg);
	(void)state;
}

/* Blocks for a balloon: the host is told of each free page once. */
static void
mm_blocks(void **state)
{
	struct { void *va; unsigned int npg; } b[64];
	unsigned int n = 0, k, npg;
	uint64_t before = mm_nfree, told = 0;
	void *p;

	while ((b[n].va = block_get(3, true, 0, &b[n].npg)) != NULL) {
		assert_true(b[n].npg >= 8);
		assert_int_equal(mm_pages(b[n].va), b[n].npg);
		told += b[n++].npg;
		assert_true(n < 64);
	}
	assert_int_equal(mm_nfree, before - told);
	for (k = 0; k < n; k++)
		block_put(b[k].va, b[k].npg);
	assert_int_equal(mm_nfree, before);
	assert_null(block_get(3, true, 0, &npg));
	/* Not fresh, but there; unless so many are to be kept. */
	assert_null(block_get(3, false, before, &npg));
	p = block_get(3, false, 0, &npg);
	assert_non_null(p);
	page_free(p, npg);
	/* What was used since is told again, what was not is not. */
	p = block_get(0, true, 0, &k);
	assert_non_null(p);
	assert_true(k <= npg);
	block_put(p, k);
	assert_null(block_get(3, true, 0, &npg));
	p = page_alloc(1);
	assert_null(block_get(3, true, 0, &npg));
	page_free(p, 1);
	assert_int_equal(mm_nfree, before);
}

static unsigned int mm_ncalls;

static void
mm_called(unsigned int npg)
{
	(void)npg;
	mm_ncalls++;
}

static void
mm_watched(void **state)
{
	uint64_t free = mm_nfree;
	void *p;

	mm_watch(free, mm_called);
	p = page_alloc(1);
	assert_int_equal(mm_ncalls, 1);
	mm_watch(free - 2, mm_called);
	page_free(p, 1);
	p = page_alloc(1);
	assert_int_equal(mm_ncalls, 1);
	assert_null(page_alloc((unsigned int)free));
	assert_int_equal(mm_ncalls, 2);
	mm_watch(0, NULL);
	assert_null(page_alloc((unsigned int)free));
	assert_int_equal(mm_ncalls, 2);
	page_free(p, 1);
}

static void
mm_zones(void **state)
{
	void *p;

	/* Three pieces with holes, one of them too small to be of use. */
	memset(mm_zone, 0, sizeof(mm_zone));
	memset(mm_free, 0, sizeof(mm_free));
	mm_npg = mm_nfree = mm_nzone = 0;
	bi.bi_nmem = 3;
	bi.bi_mem[0].bm_len = 0x9f000;
	bi.bi_mem[1].bm_base = 0x100000;
	bi.bi_mem[1].bm_len = 0x1000;
	bi.bi_mem[2].bm_base = 0x103000;
	bi.bi_mem[2].bm_len = 0x3fd000;
	mm_init(&bi);
	assert_int_equal(mm_npg, 0x9e - 1 + 0x3fd - 1);
	mm_verify();
	p = page_alloc(512);
	assert_non_null(p);
	assert_true(arch_va_to_pa(p) > 0x103000);
	page_free(p, 512);
	assert_null(page_alloc(0x3fd));
	mm_verify();
	(void)state;
}

static unsigned int mm_wanted;

static void
mm_called_with(unsigned int npg)
{
	mm_wanted = npg;
}

/* Pages that have nothing behind them are nobody's until they are freed. */
static void
mm_hollows(void **state)
{
	uint64_t total = mm_npg, nfree;
	unsigned int i;
	char *p[3], *q;

	memset(mm_zone, 0, sizeof(mm_zone));
	memset(mm_free, 0, sizeof(mm_free));
	mm_npg = mm_nfree = mm_nzone = 0;
	bi.bi_mem[0].bm_len -= 3 * PV_PAGE_SIZE;
	bi.bi_nhollow = 3;
	mm_init(&bi);
	nfree = mm_nfree;
	assert_int_equal(mm_npg, total);
	assert_int_equal(nfree, total - 3);
	mm_watch(1, mm_called_with);
	assert_null(page_alloc((unsigned int)total));
	assert_int_equal(mm_wanted, total);
	mm_watch(0, NULL);
	for (i = 0; i < 3; i++)
		assert_non_null(p[i] = page_hollow());
	assert_null(page_hollow());
	assert_ptr_equal(p[0] + PV_PAGE_SIZE, p[1]);
	assert_int_equal(mm_nfree, nfree);
	page_free(p[1], 1);
	mm_verify();
	q = page_alloc(1);
	assert_ptr_equal(q, p[1]);
	for (i = 0; i < 3; i++)
		page_free(p[i], 1);
	assert_int_equal(mm_nfree, total);
	mm_verify();
	(void)state;
}

static void
mm_mistakes(void **state)
{
	char *p = page_alloc(4);

	expect_assert_failure(page_free(p, 3));
	mm_lock.sl_word = 0;
	expect_assert_failure(page_free(p + PV_PAGE_SIZE, 3));
	mm_lock.sl_word = 0;
	expect_assert_failure(page_free(p + 8, 4));
	mm_lock.sl_word = 0;
	page_free(p, 4);
	expect_assert_failure(page_free(p, 4));
	mm_lock.sl_word = 0;
	expect_assert_failure(page_free(p + PV_PAGE_SIZE, 1));
	mm_lock.sl_word = 0;
	page_free(NULL, 1);
	assert_null(page_alloc(0));
	(void)state;
}

static void
heap_sizes(void **state)
{
	size_t len;
	char *p;

	for (len = 0; len < 3 * PV_PAGE_SIZE; len += 1 + len / 20) {
		p = kmalloc(len);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_true(kmalloc_size(p) >= len);
		assert_true(is_zero(p, kmalloc_size(p)));
		memset(p, 0xff, kmalloc_size(p));
		kfree(p);
	}
	p = kmalloc(PV_PAGE_SIZE);
	assert_int_equal((uintptr_t)p % PV_PAGE_SIZE, 0);
	assert_int_equal(kmalloc_size(p), PV_PAGE_SIZE);
	kfree(p);
	kfree(NULL);
	assert_null(kmalloc((size_t)-1));
	assert_null(kmalloc(SHIM_RAM));
	(void)state;
}

static void
heap_random(void **state)
{
	static struct { unsigned char *p; size_t len; } b[NBLOCK];
	unsigned int i, round;
	size_t j;

	srand(2);
	for (round = 0; round < 40000; round++) {
		i = (unsigned int)rand() % NBLOCK;
		for (j = 0; b[i].p != NULL && j < b[i].len; j++)
			assert_int_equal(b[i].p[j], i & 0xff);
		if (b[i].p != NULL && rand() % 2 == 0) {
			kfree(b[i].p);
			b[i].p = NULL;
			continue;
		}
		/* New, or another length: krealloc() is both. */
		b[i].len = (size_t)rand() % (rand() % 8 == 0 ? 9000 : 300);
		b[i].p = krealloc(b[i].p, b[i].len);
		assert_non_null(b[i].p);
		memset(b[i].p, (int)i, b[i].len);
	}
	for (i = 0; i < NBLOCK; i++)
		kfree(b[i].p);
	memset(b, 0, sizeof(b));
	mm_verify();
	/* At most one empty slab of each class is kept. */
	assert_true(mm_npg - mm_nfree <= HEAP_NCLASS);
	assert_int_equal(heap_npg, mm_npg - mm_nfree);
	(void)state;
}

static void
heap_keeps_contents(void **state)
{
	char *p = kmalloc(10);

	memcpy(p, "123456789", 10);
	p = krealloc(p, 5000);
	assert_string_equal(p, "123456789");
	p = krealloc(p, 40);
	assert_string_equal(p, "123456789");
	kfree(p);
	(void)state;
}

static void
heap_unlock(void)
{
	unsigned int i;

	for (i = 0; i < HEAP_NCLASS; i++)
		heap_class[i].hc_lock.sl_word = 0;
	mm_lock.sl_word = 0;
}

static void
heap_mistakes(void **state)
{
	char *p = kmalloc(40), *keep = kmalloc(40), *big = kmalloc(5000);

	expect_assert_failure(kfree(p + 16));
	heap_unlock();
	p[40] = 1;
	expect_assert_failure(kfree(p));
	heap_unlock();
	p[40] = (char)HEAP_REDBYTE;
	kfree(p);
	expect_assert_failure(kfree(p));
	heap_unlock();
	p[3] = 1;
	expect_assert_failure(kmalloc(40));
	heap_unlock();
	kfree(big);
	expect_assert_failure(kfree(big));
	heap_unlock();
	kfree(keep);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(mm_counts, mm_setup),
		cmocka_unit_test_setup(mm_take_all, mm_setup),
		cmocka_unit_test_setup(mm_random, mm_setup),
		cmocka_unit_test_setup(mm_blocks, mm_setup),
		cmocka_unit_test_setup(mm_watched, mm_setup),
		cmocka_unit_test_setup(mm_hollows, mm_setup),
		cmocka_unit_test_setup(mm_zones, mm_setup),
		cmocka_unit_test_setup(mm_mistakes, mm_setup),
		cmocka_unit_test_setup(heap_sizes, mm_setup),
		cmocka_unit_test_setup(heap_random, mm_setup),
		cmocka_unit_test_setup(heap_keeps_contents, mm_setup),
		cmocka_unit_test_setup(heap_mistakes, mm_setup)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
