/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm.c -- pages: a buddy allocator over the RAM that boot_info lists.
 *
 * Each piece of RAM is a zone.  Its first pages hold the zone's map, one
 * byte per page:
 *
 *	0 .. MM_NORDER-1	first page of a free block of 2^n pages
 *	.. | MM_REPORTED	the same, and the host knows that it is free
 *	MM_INSIDE		another page of a free block
 *	MM_HEAD			first page of an allocation
 *	MM_TAIL			another page of an allocation
 *
 * Hollow pages, for which there is no memory yet, end the last zone; each is
 * an allocation until somebody who got memory for it frees it.
 *
 * Free blocks are aligned to their size and are linked through their own
 * first bytes, in one list per order for all zones.  An allocation of any
 * number of pages takes the smallest block that holds it and gives what is
 * over back.  The map is enough to catch a block that is freed twice, or
 * with another length than it has.
 *
 * Everything is under mm_lock, for a time that depends on the block's size
 * only by the memset of its map bytes; pages are zeroed outside of it.
 */

#include <string.h>

#include <arch.h>
#include <klog.h>
#include <mm.h>
#include <mm_var.h>
#include <sync.h>

#define MM_NORDER	20u		/* up to 2 GiB in a block */
#define MM_REPORTED	0x20u
#define MM_INSIDE	0x40u
#define MM_HEAD		0x80u
#define MM_TAIL		0x81u

struct mm_free {			/* the start of a free block */
	struct mm_free	*mf_next, *mf_prev;
};

struct mm_zone {
	uint64_t	 mz_base;	/* pfn of the first page */
	uint64_t	 mz_npg;
	uint8_t		*mz_map;
};

static struct spinlock mm_lock;
static struct mm_zone mm_zone[BOOT_NMEM];
static unsigned int mm_nzone;
static struct mm_free *mm_free[MM_NORDER];
static uint64_t mm_npg, mm_nfree, mm_low, mm_nfail;
static uint64_t mm_hollow, mm_nhollow;	/* the next one's pfn; how many */
static uint64_t mm_reserve;		/* with fewer pages: mm_hungry */
static void (*mm_hungry)(unsigned int);

static void *
mm_va(uint64_t pfn)
{
	return arch_pa_to_va(pfn << PV_PAGE_SHIFT);
}

static struct mm_zone *
mm_find(uint64_t pfn)
{
	struct mm_zone *mz;

	for (mz = mm_zone; mz < mm_zone + mm_nzone; mz++) {
		if (pfn - mz->mz_base < mz->mz_npg)
			return mz;
	}
	return NULL;
}

/* ---- free blocks ------------------------------------------------------- */

static void
mm_link(struct mm_zone *mz, uint64_t pfn, unsigned int order,
    unsigned int flag)
{
	struct mm_free *mf = mm_va(pfn);

	mf->mf_prev = NULL;
	mf->mf_next = mm_free[order];
	if (mf->mf_next != NULL)
		mf->mf_next->mf_prev = mf;
	mm_free[order] = mf;
	mz->mz_map[pfn - mz->mz_base] = (uint8_t)(order | flag);
}

static void
mm_unlink(struct mm_zone *mz, uint64_t pfn, unsigned int order)
{
	struct mm_free *mf = mm_va(pfn);

	if (mf->mf_prev != NULL)
		mf->mf_prev->mf_next = mf->mf_next;
	else
		mm_free[order] = mf->mf_next;
	if (mf->mf_next != NULL)
		mf->mf_next->mf_prev = mf->mf_prev;
	mz->mz_map[pfn - mz->mz_base] = MM_INSIDE;
}

/* Is there a free block of this order at pfn? */
static bool
mm_is_free(const struct mm_zone *mz, uint64_t pfn, unsigned int order)
{
	return pfn >= mz->mz_base &&
	    pfn - mz->mz_base + (1ull << order) <= mz->mz_npg &&
	    (mz->mz_map[pfn - mz->mz_base] & ~MM_REPORTED) == order;
}

/* Free one aligned block, merging it with its buddy as often as it can. */
static void
mm_merge(struct mm_zone *mz, uint64_t pfn, unsigned int order,
    unsigned int flag)
{
	uint64_t buddy;

	while (order + 1 < MM_NORDER) {
		buddy = pfn ^ (1ull << order);
		if (!mm_is_free(mz, buddy, order))
			break;
		/* The host knows of the whole only if it does of both. */
		flag &= mz->mz_map[buddy - mz->mz_base];
		mm_unlink(mz, buddy, order);
		pfn &= ~(1ull << order);
		order++;
	}
	mm_link(mz, pfn, order, flag);
}

/* Free any run of pages: cut into aligned blocks. */
static void
mm_release(struct mm_zone *mz, uint64_t pfn, uint64_t npg, unsigned int flag)
{
	unsigned int order;

	memset(mz->mz_map + (pfn - mz->mz_base), MM_INSIDE, (size_t)npg);
	mm_nfree += npg;
	while (npg > 0) {
		for (order = 0; order + 1 < MM_NORDER; order++) {
			if ((pfn & (1ull << order)) != 0 ||
			    2ull << order > npg)
				break;
		}
		mm_merge(mz, pfn, order, flag);
		pfn += 1ull << order;
		npg -= 1ull << order;
	}
}

/* ---- interface --------------------------------------------------------- */

/*
 * Make a zone of npg pages and the hollow ones behind them.  Frame 0 stays
 * out, so that no page has the physical address 0, which some devices take
 * for "none".
 */
static void
mm_add_zone(uint64_t pfn, uint64_t npg, uint64_t nhollow)
{
	struct mm_zone *mz = &mm_zone[mm_nzone];
	uint64_t nmap;

	if (pfn == 0 && npg > 0) {
		pfn++;
		npg--;
	}
	nmap = PV_HOWMANY(npg + nhollow, (uint64_t)PV_PAGE_SIZE);
	if (npg <= nmap || mm_nzone == BOOT_NMEM)
		return;
	mz->mz_base = pfn;
	mz->mz_npg = npg + nhollow;
	mz->mz_map = mm_va(pfn);
	mm_nzone++;
	memset(mz->mz_map, MM_TAIL, (size_t)nmap);
	mz->mz_map[0] = MM_HEAD;
	memset(mz->mz_map + npg, MM_HEAD, (size_t)nhollow);
	mm_hollow = pfn + npg;
	mm_nhollow = nhollow;
	mm_npg += npg - nmap + nhollow;
	mm_release(mz, pfn + nmap, npg - nmap, 0);
}

/*
 * mm_init -- take over the RAM that the boot code found
 *
 * Context: boot.
 */
void
mm_init(const struct boot_info *bi)
{
	unsigned int i;

	for (i = 0; i < bi->bi_nmem; i++)
		mm_add_zone(bi->bi_mem[i].bm_base >> PV_PAGE_SHIFT,
		    bi->bi_mem[i].bm_len >> PV_PAGE_SHIFT,
		    i + 1 < bi->bi_nmem ? 0 : bi->bi_nhollow);
	mm_low = mm_nfree;
	if (mm_nfree == 0)
		panic("no memory: give the machine more");
}

/* Take npg pages.  Lock: mm_lock.  Returns 0 (no such frame) without. */
static uint64_t
mm_take(unsigned int npg)
{
	struct mm_zone *mz;
	unsigned int order = 0, want, flag;
	uint64_t pfn;

	while (order < MM_NORDER && (1ull << order) < npg)
		order++;
	want = order;
	while (order < MM_NORDER && mm_free[order] == NULL)
		order++;
	if (order >= MM_NORDER || npg == 0)
		return 0;
	pfn = arch_va_to_pa(mm_free[order]) >> PV_PAGE_SHIFT;
	mz = mm_find(pfn);
	flag = mz->mz_map[pfn - mz->mz_base] & MM_REPORTED;
	mm_unlink(mz, pfn, order);
	mm_nfree -= 1ull << order;
	for (; order > want; order--) {
		mm_link(mz, pfn + (1ull << (order - 1)), order - 1, flag);
		mm_nfree += 1ull << (order - 1);
	}
	/* Marked first: what is over must not merge with what is taken. */
	memset(mz->mz_map + (pfn - mz->mz_base), MM_TAIL, npg);
	mz->mz_map[pfn - mz->mz_base] = MM_HEAD;
	if ((1ull << order) > npg)
		mm_release(mz, pfn + npg, (1ull << order) - npg, flag);
	return pfn;
}

/*
 * page_alloc -- npg contiguous zeroed pages, or NULL
 *
 * Context: thread, deferred.
 */
void *
page_alloc(unsigned int npg)
{
	bool hungry;
	unsigned long s;
	uint64_t pfn;

	s = spin_lock(&mm_lock);
	pfn = mm_take(npg);
	hungry = pfn == 0 || mm_nfree < mm_reserve;
	if (pfn == 0)
		mm_nfail++;
	if (mm_nfree < mm_low)
		mm_low = mm_nfree;
	spin_unlock(&mm_lock, s);
	if (hungry && mm_hungry != NULL)
		mm_hungry(npg);
	if (pfn == 0)
		return NULL;
	memset(mm_va(pfn), 0, (size_t)npg << PV_PAGE_SHIFT);
	return mm_va(pfn);
}

/* The length of the allocation that starts at pfn, or 0: none does. */
static uint64_t
mm_length(const struct mm_zone *mz, uint64_t pfn)
{
	uint64_t at = pfn - mz->mz_base, n = 1;

	if (mz->mz_map[at] != MM_HEAD)
		return 0;
	while (at + n < mz->mz_npg && mz->mz_map[at + n] == MM_TAIL)
		n++;
	return n;
}

/*
 * page_free -- give back what page_alloc() returned; va may be NULL
 *
 * Context: any.
 */
void
page_free(void *va, unsigned int npg)
{
	struct mm_zone *mz;
	unsigned long s;
	uint64_t pfn;

	if (va == NULL)
		return;
	pfn = arch_va_to_pa(va) >> PV_PAGE_SHIFT;
	mz = mm_find(pfn);
	if (mz == NULL || ((uintptr_t)va & (PV_PAGE_SIZE - 1)) != 0)
		panic("page_free %p: not a page", va);
	s = spin_lock(&mm_lock);
	if (mm_length(mz, pfn) != npg)
		panic("page_free %p: %u pages, allocated are %llu", va, npg,
		    (unsigned long long)mm_length(mz, pfn));
	mm_release(mz, pfn, npg, 0);
	spin_unlock(&mm_lock, s);
}

/*
 * page_hollow -- a page that has no memory, or NULL: there is none left
 *
 * Who gets memory for it may free it.  Context: any.
 */
void *
page_hollow(void)
{
	unsigned long s = spin_lock(&mm_lock);
	void *va = NULL;

	if (mm_nhollow > 0) {
		mm_nhollow--;
		va = mm_va(mm_hollow++);
	}
	spin_unlock(&mm_lock, s);
	return va;
}

/*
 * mm_watch -- call fn whenever an allocation leaves less than npg pages free,
 * or fails; NULL: no more.  fn runs in any context and takes no memory; it is
 * told how many pages were wanted.
 *
 * Context: thread.
 */
void
mm_watch(uint64_t npg, void (*fn)(unsigned int))
{
	unsigned long s = spin_lock(&mm_lock);

	mm_hungry = fn;
	mm_reserve = npg;
	spin_unlock(&mm_lock, s);
}

/* The largest free block, of 2^least pages or more; lock: mm_lock. */
static struct mm_free *
mm_largest(unsigned int least, bool fresh, unsigned int *order)
{
	struct mm_free *mf;
	struct mm_zone *mz;
	uint64_t pfn;

	for (*order = MM_NORDER; (*order)-- > least;) {
		for (mf = mm_free[*order]; mf != NULL; mf = mf->mf_next) {
			pfn = arch_va_to_pa(mf) >> PV_PAGE_SHIFT;
			mz = mm_find(pfn);
			if (!fresh || (mz->mz_map[pfn - mz->mz_base] &
			    MM_REPORTED) == 0)
				return mf;
		}
	}
	return NULL;
}

/*
 * block_get -- a free block as it is, of 2^least pages at least; fresh: one
 * that was not given back with block_put() since it became free.  NULL: there
 * is none, or fewer than keep pages would be left.
 *
 * Context: thread, deferred.
 */
void *
block_get(unsigned int least, bool fresh, uint64_t keep, unsigned int *npg)
{
	unsigned long s = spin_lock(&mm_lock);
	struct mm_zone *mz;
	struct mm_free *mf;
	unsigned int order;
	uint64_t pfn;

	mf = mm_largest(least, fresh, &order);
	if (mf != NULL && mm_nfree >= keep + (1ull << order)) {
		pfn = arch_va_to_pa(mf) >> PV_PAGE_SHIFT;
		mz = mm_find(pfn);
		mm_unlink(mz, pfn, order);
		mm_nfree -= 1ull << order;
		*npg = 1u << order;
		memset(mz->mz_map + (pfn - mz->mz_base), MM_TAIL, *npg);
		mz->mz_map[pfn - mz->mz_base] = MM_HEAD;
	} else {
		mf = NULL;
	}
	spin_unlock(&mm_lock, s);
	return mf;
}

/*
 * block_put -- give a block back, of which the host knows that it is free
 *
 * Context: any.
 */
void
block_put(void *va, unsigned int npg)
{
	uint64_t pfn = arch_va_to_pa(va) >> PV_PAGE_SHIFT;
	unsigned long s = spin_lock(&mm_lock);

	mm_release(mm_find(pfn), pfn, npg, MM_REPORTED);
	spin_unlock(&mm_lock, s);
}

/*
 * mm_pages -- how many pages has the allocation that starts at va?
 *
 * 0: none starts there.  Context: any.
 */
unsigned int
mm_pages(const void *va)
{
	uint64_t pfn = arch_va_to_pa(va) >> PV_PAGE_SHIFT;
	struct mm_zone *mz = mm_find(pfn);
	unsigned long s;
	uint64_t n = 0;

	if (mz == NULL || ((uintptr_t)va & (PV_PAGE_SIZE - 1)) != 0)
		return 0;
	s = spin_lock(&mm_lock);
	n = mm_length(mz, pfn);
	spin_unlock(&mm_lock, s);
	return (unsigned int)n;
}

/* mm_stat -- how much there is and was.  Context: any. */
void
mm_stat(struct mm_stat *ms)
{
	unsigned long s;

	s = spin_lock(&mm_lock);
	ms->ms_total = mm_npg << PV_PAGE_SHIFT;
	ms->ms_free = mm_nfree << PV_PAGE_SHIFT;
	ms->ms_low = mm_low << PV_PAGE_SHIFT;
	ms->ms_nfail = mm_nfail;
	spin_unlock(&mm_lock, s);
	ms->ms_heap = mm_heap_bytes();
}
