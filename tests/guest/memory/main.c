/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory -- every page can be had, written, given back, and is what it was;
 * frames and windows.
 */

#include <string.h>

#include <pv/os.h>

#include "../test.h"

struct memory_page {
	struct memory_page *next;
	uint64_t	 number;
	char		 rest[PV_PAGE_SIZE - 16];
};

/* Take all pages there are, number them, see whether the numbers stay. */
static void
memory_all(void)
{
	struct memory_page *first = NULL, *p;
	uint64_t n = 0, seen = 0;
	struct mm_stat before, after;

	mm_stat(&before);
	while ((p = page_alloc(1)) != NULL) {
		TEST(p->next == NULL && p->number == 0);
		TEST(memcmp(p->rest, p->rest + 1, sizeof(p->rest) - 1) == 0);
		p->number = n++;
		p->rest[0] = p->rest[sizeof(p->rest) - 1] = (char)n;
		p->next = first;
		first = p;
	}
	test_log("%llu pages", (unsigned long long)n);
	TEST(n * PV_PAGE_SIZE > before.ms_free / 10 * 9);
	while ((p = first) != NULL) {
		TEST(p->number == n - 1 - seen++);
		first = p->next;
		page_free(p, 1);
	}
	mm_stat(&after);
	TEST(seen == n && after.ms_free == before.ms_free);
}

static void
memory_frames(void)
{
	char *va = pv_os_pages_alloc(4), *map;
	unsigned int i;
	gfn_t gfn;

	TEST(va != NULL);
	for (i = 0; i < 4; i++) {
		gfn = pv_os_gfn(va + i * PV_PAGE_SIZE + 123);
		TEST(!gfn_eq(gfn, GFN_NONE));
		map = pv_os_map((gfn_x(gfn) << PV_PAGE_SHIFT) + 16, 100,
		    PV_MEM_XEN);
		TEST(map != NULL && ((uintptr_t)map & 0xfff) == 16);
		va[i * PV_PAGE_SIZE + 17] = (char)(i + 1);
		TEST(map[1] == (char)(i + 1));
		map[2] = 77;
		TEST(va[i * PV_PAGE_SIZE + 18] == 77);
		pv_os_unmap(map, 100);
	}
	pv_os_pages_free(va, 4);
}

/* The window has an end, is given back whole, and holes are found again. */
static void
memory_window(void)
{
	static void *map[5000];
	char *va = pv_os_pages_alloc(1);
	pv_pa_t pa = (pv_pa_t)gfn_x(pv_os_gfn(va)) << PV_PAGE_SHIFT;
	unsigned int round, i, n[2];

	for (round = 0; round < 2; round++) {
		for (i = 0; i < PV_NELEM(map); i++) {
			map[i] = pv_os_map(pa, PV_PAGE_SIZE, PV_MEM_XEN);
			if (map[i] == NULL)
				break;
		}
		n[round] = i;
		while (i-- > 0)
			pv_os_unmap(map[i], PV_PAGE_SIZE);
	}
	test_log("%u window pages", n[0]);
	TEST(n[0] > 1000 && n[0] < PV_NELEM(map) && n[1] == n[0]);
	pv_os_pages_free(va, 1);
}

static void
memory_heap(void)
{
	static void *p[300];
	struct mm_stat before, after;
	unsigned int i;

	mm_stat(&before);
	for (i = 0; i < PV_NELEM(p); i++) {
		p[i] = kmalloc(i * 37 + 1);
		TEST(p[i] != NULL && ((uintptr_t)p[i] & 15) == 0);
		memset(p[i], (int)i, i * 37 + 1);
	}
	for (i = 0; i < PV_NELEM(p); i++) {
		TEST(*(unsigned char *)p[i] == (unsigned char)i);
		TEST(((unsigned char *)p[i])[i * 37] == (unsigned char)i);
		kfree(p[i]);
	}
	mm_stat(&after);
	TEST(after.ms_heap <= before.ms_heap + 64 * PV_PAGE_SIZE);
}

void
test_main(const struct boot_info *bi)
{
	(void)bi;
	memory_heap();
	memory_frames();
	memory_window();
	memory_all();
}
