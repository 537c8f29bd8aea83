/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv/mm.c -- the page tables of a PV guest.
 *
 * Xen gives us page tables that map the image and what it put behind it, at
 * LAYOUT_KERNEL; we keep their root and hang the direct map and the window
 * below it.  Rules of the game (xen.h, HYPERVISOR_mmu_update): a page that
 * is part of a page table has no writable mapping anywhere, and its entries
 * change only through hypercalls.
 *
 *	pfn 0 .. image .. p2m, start_info, rings, boot tables, stack | pool | ..
 *	                                                     end of boot data
 *
 * A guest that may have more memory than it starts with has tables for all of
 * it, and a p2m of its own in the place of Xen's: the pages that are not there
 * yet are empty entries in both, which the balloon fills (pv_mm_rebind()).
 *
 * The new tables come from a pool of pages right behind the boot data.
 * As their place is known beforehand, the direct map has them read-only from
 * the start, and the tables need no second pass.  They are filled through one
 * scratch address, bottom up; hanging the L3 into the live L4 has Xen check the
 * whole tree in one (preemptible) hypercall.  Validating it pins it: the L4
 * is in use as long as we live.
 */

#include <string.h>

#include <arch.h>

#include "../layout.h"
#include "../mode.h"
#include "../xen_abi.h"
#include "pv.h"
#include "xen_call.h"

#define PV_MM_L1_PFNS	512ul
#define PV_MM_L2_PFNS	(512ul * 512)
/* Tables for so many times the memory there is take a sixteenth of it. */
#define PV_MM_GROW	16

unsigned long *pv_mm_p2m;
uint64_t pv_mm_npfn;

static uint64_t pv_mm_l4;		/* mfn of the root */

static struct {
	uint64_t	 boot_lo, boot_hi;	/* pfns of Xen's tables */
	uint64_t	 pool_lo, pool_hi;	/* pfns of ours */
	uint64_t	 next;			/* in the pool */
	uint64_t	 most;			/* pfns that there may be */
	uint64_t	 nl1, nl2;		/* of the direct map */
	uint64_t	 l4, p2m;		/* pfns: the root, the p2m */
	uint64_t	 list;			/* pfn of the list of lists */
	uint64_t	 rest;			/* pfn behind all of these */
} pv_mm;

/* Its address is what is used: frames are mapped over it for filling. */
static char pv_mm_scratch[PV_PAGE_SIZE] __attribute__((__aligned__(4096)));

static uint64_t
pv_mm_va_to_pfn(const void *va)
{
	return ((uintptr_t)va - LAYOUT_KERNEL) >> PV_PAGE_SHIFT;
}

/*
 * pv_mm_set -- change the last-level entry of an address
 *
 * Returns 0 or -PV_E*.  Context: any.
 */
int
pv_mm_set(uintptr_t va, uint64_t pte)
{
	return (int)xen_call3(NULL, __HYPERVISOR_update_va_mapping, va, pte,
	    UVMF_INVLPG | UVMF_ALL);
}

static void
pv_mm_must(long xrc, const char *what)
{
	if (xrc == 0)
		return;
	printf_early("PANIC: Xen refused (%ld): %s\n", xrc, what);
	arch_crash();
}

/*
 * Frames to mfn and back.  Xen's table of all machine frames is readable for
 * everybody; what it says is true for frames of ours.
 */
uint64_t
pv_mm_mfn_to_pfn(uint64_t mfn)
{
	return ((const unsigned long *)MACH2PHYS_VIRT_START)[mfn];
}

/*
 * pv_mm_early -- enough to translate frames
 *
 * Context: entry, first.
 */
void
pv_mm_early(const struct start_info *si)
{
	pv_mm_p2m = (unsigned long *)si->mfn_list;
	pv_mm_npfn = si->nr_pages;
}

/* ---- building the direct map ------------------------------------------- */

static bool
pv_mm_is_table(uint64_t pfn)
{
	return (pfn >= pv_mm.boot_lo && pfn < pv_mm.boot_hi) ||
	    (pfn >= pv_mm.pool_lo && pfn < pv_mm.pool_hi);
}

static uint64_t
pv_mm_direct_pte(uint64_t pfn)
{
	uint64_t pte, mfn;

	if (pfn >= pv_mm_npfn)
		return 0;
	mfn = pv_mm_p2m[pfn];
	if (mfn == ~0ul)		/* a hole of the toolstack's */
		return 0;
	pte = mfn << PV_PAGE_SHIFT | PTE_P | PTE_A | PTE_D | PTE_NX;
	if (pv_mm_is_table(pfn) || (pfn >= pv_mm_va_to_pfn(kern_start) &&
	    pfn < pv_mm_va_to_pfn(kern_ro_end)))
		return pte;
	return pte | PTE_W;
}

/* The next page of the pool, writable at the scratch address. */
static uint64_t *
pv_mm_open(void)
{
	uint64_t mfn = pv_mm_p2m[pv_mm.next];

	pv_mm_must(pv_mm_set((uintptr_t)pv_mm_scratch, mfn << PV_PAGE_SHIFT |
	    PTE_P | PTE_W | PTE_A | PTE_D | PTE_NX), "scratch mapping");
	pv_mm.next++;
	return (uint64_t *)(void *)pv_mm_scratch;
}

/* No writable mapping of it is left; returns its pfn. */
static uint64_t
pv_mm_close(void)
{
	pv_mm_must(pv_mm_set((uintptr_t)pv_mm_scratch, 0), "scratch mapping");
	return pv_mm.next - 1;
}

static uint64_t
pv_mm_table_pte(uint64_t pfn)
{
	return pv_mm_p2m[pfn] << PV_PAGE_SHIFT | PTE_TABLE;
}

/* A table whose entries are n tables, from pfn first of the pool on. */
static uint64_t
pv_mm_upper(uint64_t first, uint64_t n)
{
	uint64_t *pt = pv_mm_open(), i;

	for (i = 0; i < 512; i++)
		pt[i] = i < n ? pv_mm_table_pte(first + i) : 0;
	return pv_mm_close();
}

/* Two levels over n L1 tables which start at pfn first; returns the L3. */
static uint64_t
pv_mm_tree(uint64_t first, uint64_t n)
{
	uint64_t l2 = pv_mm.next, i;

	for (i = 0; i < n; i += 512)
		(void)pv_mm_upper(first + i, n - i < 512 ? n - i : 512);
	return pv_mm_upper(l2, (n + 511) / 512);
}

static void
pv_mm_hang(const struct start_info *si, uintptr_t va, uint64_t l3)
{
	struct mmu_update up;

	pv_mm.l4 = pv_mm_va_to_pfn((void *)si->pt_base);
	pv_mm_l4 = pv_mm_p2m[pv_mm.l4];
	up.ptr = (pv_mm_l4 << PV_PAGE_SHIFT) + PTE_INDEX(va, 4) * 8;
	up.val = pv_mm_table_pte(l3);
	pv_mm_must(xen_call4(NULL, __HYPERVISOR_mmu_update,
	    (unsigned long)&up, 1, 0, DOMID_SELF), "page tables");
}

static void
pv_mm_direct(const struct start_info *si)
{
	uint64_t first = pv_mm.next, i, j;

	for (i = 0; i < pv_mm.nl1; i++) {
		uint64_t *pt = pv_mm_open();

		for (j = 0; j < 512; j++)
			pt[j] = pv_mm_direct_pte(i * PV_MM_L1_PFNS + j);
		(void)pv_mm_close();
	}
	pv_mm_hang(si, LAYOUT_DIRECT, pv_mm_tree(first, pv_mm.nl1));
}

static void
pv_mm_window(const struct start_info *si)
{
	uint64_t first = pv_mm.next, i;

	for (i = 0; i < LAYOUT_WINDOW_NPT; i++) {
		memset(pv_mm_open(), 0, PV_PAGE_SIZE);
		(void)pv_mm_close();
	}
	pv_mm_hang(si, LAYOUT_WINDOW, pv_mm_tree(first, LAYOUT_WINDOW_NPT));
}

/*
 * Xen mapped writable whatever lies between end and the next multiple of
 * 4 MiB, at least 512 KiB.  The pool is in there.
 */
static void
pv_mm_unmap_padding(uintptr_t end)
{
	while (pv_mm_set(end, 0) == 0)
		end += PV_PAGE_SIZE;
}

/* Protect the image, and take everything else out of its neighbourhood. */
static void
pv_mm_protect(uintptr_t end)
{
	uintptr_t va;
	uint64_t pte;

	for (va = LAYOUT_KERNEL; va < end; va += PV_PAGE_SIZE) {
		if (va < (uintptr_t)kern_start || va >= (uintptr_t)kern_end) {
			(void)pv_mm_set(va, 0);
			continue;
		}
		if (va == (uintptr_t)xen_shared_page)
			continue;
		pte = pv_mm_p2m[pv_mm_va_to_pfn((void *)va)] <<
		    PV_PAGE_SHIFT | PTE_P | PTE_A | PTE_D;
		if (va >= (uintptr_t)kern_text_end)
			pte |= PTE_NX;
		if (va >= (uintptr_t)kern_ro_end)
			pte |= PTE_W;
		pv_mm_must(pv_mm_set(va, pte), "protecting the image");
	}
}

/* Pages that list the pages of the p2m: each has 512 times 512 frames. */
static uint64_t
pv_mm_nlist(void)
{
	return pv_mm.nl2;
}

/*
 * pv_mm_publish -- let the toolstack find the p2m, at any time: it saves the
 * domain while it runs
 *
 * Again after a resume: the lists have machine frames in them.
 * Context: entry, interrupts masked.
 */
void
pv_mm_publish(struct shared_info *si)
{
	unsigned long *lists = arch_pa_to_va(pv_mm.list << PV_PAGE_SHIFT);
	unsigned long *pages = lists + PV_MM_L1_PFNS;
	uint64_t i;

	memset(lists, 0, (1 + pv_mm_nlist()) << PV_PAGE_SHIFT);
	for (i = 0; i < pv_mm_nlist(); i++)
		lists[i] = pv_mm_p2m[pv_mm.list + 1 + i];
	for (i = 0; i < pv_mm.nl1; i++)
		pages[i] = pv_mm_p2m[pv_mm.p2m + i];
	si->arch.max_pfn = pv_mm_npfn;
	si->arch.pfn_to_mfn_frame_list_list = pv_mm_p2m[pv_mm.list];
}

/*
 * pv_mm_resume -- all machine frames are others
 *
 * Context: interrupts masked.
 */
void
pv_mm_resume(void)
{
	pv_mm_l4 = pv_mm_p2m[pv_mm.l4];
}

/*
 * How many pfns there may be one day.  The toolstack says so by a memory map
 * of one piece; with another map it means something else, or nothing.
 */
static uint64_t
pv_mm_most(const struct start_info *si)
{
	struct mode_e820 e[2] = { { 0, 0, 0 } };
	struct xen_memory_map map = { .nr_entries = 2 };
	uint64_t most;

	set_xen_guest_handle(map.buffer, (void *)e);
	if ((si->flags & SIF_INITDOMAIN) != 0 ||
	    xen_call2(NULL, __HYPERVISOR_memory_op, XENMEM_memory_map,
	    (unsigned long)&map) != 0 || map.nr_entries != 1 ||
	    e[0].e_base != 0 || e[0].e_type != MODE_E820_RAM)
		return pv_mm_npfn;
	most = e[0].e_len >> PV_PAGE_SHIFT;
	if (most < pv_mm_npfn)
		return pv_mm_npfn;
	return most < pv_mm_npfn * PV_MM_GROW ? most :
	    pv_mm_npfn * PV_MM_GROW;
}

/* Where the pool, the lists and the p2m lie. */
static void
pv_mm_plan(const struct start_info *si, uintptr_t end)
{
	pv_mm.most = pv_mm_most(si);
	pv_mm.nl1 = (pv_mm.most + PV_MM_L1_PFNS - 1) / PV_MM_L1_PFNS;
	pv_mm.nl2 = (pv_mm.most + PV_MM_L2_PFNS - 1) / PV_MM_L2_PFNS;
	if (pv_mm.nl2 > 512)
		pv_mm_must(-PV_E2BIG, "more than 512 GiB of memory");
	pv_mm.boot_lo = pv_mm_va_to_pfn((void *)si->pt_base);
	pv_mm.boot_hi = pv_mm.boot_lo + si->nr_pt_frames;
	pv_mm.pool_lo = pv_mm.next = pv_mm_va_to_pfn((void *)end);
	pv_mm.pool_hi = pv_mm.pool_lo + pv_mm.nl1 + pv_mm.nl2 + 1 +
	    LAYOUT_WINDOW_NPT + 2;
	pv_mm.list = pv_mm.pool_hi;
	pv_mm.rest = pv_mm.list + 1 + pv_mm_nlist();
	pv_mm.p2m = pv_mm_va_to_pfn(pv_mm_p2m);
	if (pv_mm.most > pv_mm_npfn) {
		pv_mm.p2m = pv_mm.rest;
		pv_mm.rest += pv_mm.nl1;
	}
	if (pv_mm.rest + 64 > pv_mm_npfn)
		pv_mm_must(-PV_ENOMEM, "too little memory, give it 32 MiB");
}

/* From here on the p2m is the one in the direct map, as long as it may be. */
static void
pv_mm_take_p2m(void)
{
	unsigned long *new = arch_pa_to_va(pv_mm.p2m << PV_PAGE_SHIFT);

	if (pv_mm.most > pv_mm_npfn) {
		memset(new, 0xff, pv_mm.nl1 << PV_PAGE_SHIFT);
		memcpy(new, pv_mm_p2m, pv_mm_npfn * sizeof(*new));
	}
	pv_mm_p2m = new;
	pv_mm_npfn = pv_mm.most;
}

/*
 * pv_mm_init -- direct map, window and protection
 *
 * end is the address behind everything the domain builder allocated.
 * Context: entry.
 */
void
pv_mm_init(const struct start_info *si, uintptr_t end)
{
	uint64_t npfn = pv_mm_npfn;

	pv_mm_plan(si, end);
	pv_mm_unmap_padding(end);
	pv_mm_direct(si);
	pv_mm_window(si);
	pv_mm_take_p2m();
	pv_mm_protect(end);
	/* Pages that the image's end, the boot data and the pool leave. */
	mode_mem_add(PV_PAGE_SIZE, LAYOUT_IMAGE);
	mode_mem_add(pv_mm.rest << PV_PAGE_SHIFT, npfn << PV_PAGE_SHIFT);
	mode_boot.bi_nbytes = npfn << PV_PAGE_SHIFT;
	mode_boot.bi_nhollow = pv_mm.most - npfn;
}

/*
 * pv_mm_cr3 -- the root of all page tables, as Xen wants it in cr3
 *
 * Context: thread.
 */
uint64_t
pv_mm_cr3(void)
{
	return pv_mm_l4 << PV_PAGE_SHIFT;
}

/* ---- afterwards -------------------------------------------------------- */

/* cm_gfn */
gfn_t
pv_mm_gfn(uint64_t pfn)
{
	if (pfn >= pv_mm_npfn || pv_mm_p2m[pfn] == ~0ul)
		return GFN_NONE;
	return GFN(pv_mm_p2m[pfn]);
}

/* Xen's table of all frames says which page of ours one is. */
static int
pv_mm_tell(uint64_t mfn, uint64_t pfn)
{
	struct mmu_update up;

	up.ptr = mfn << PV_PAGE_SHIFT | MMU_MACHPHYS_UPDATE;
	up.val = pfn;
	return (int)xen_call4(NULL, __HYPERVISOR_mmu_update,
	    (unsigned long)&up, 1, 0, DOMID_SELF);
}

/*
 * cm_rebind: the direct map's entry, the p2m, and Xen's table the other way
 * round, for a frame that it has just handed out belongs to no page yet.
 */
int
pv_mm_rebind(void *va, gfn_t gfn)
{
	uint64_t pfn = ((uintptr_t)va - LAYOUT_DIRECT) >> PV_PAGE_SHIFT;
	uint64_t pte = 0;
	int rv = 0;

	if (pfn >= pv_mm_npfn || pv_mm_is_table(pfn))
		return -PV_EINVAL;
	if (!gfn_eq(gfn, GFN_NONE)) {
		pte = gfn_x(gfn) << PV_PAGE_SHIFT | PTE_P | PTE_W | PTE_A |
		    PTE_D | PTE_NX;
		rv = pv_mm_tell(gfn_x(gfn), pfn);
	}
	if (rv == 0)
		rv = pv_mm_set((uintptr_t)va, pte);
	if (rv == 0)
		pv_mm_p2m[pfn] = gfn_x(gfn);
	return rv;
}

/*
 * cm_map.  A frame that is nobody's RAM (a device of dom0's) is mapped on
 * behalf of DOMID_IO, anything else on our own.
 */
int
pv_mm_map(uintptr_t va, gfn_t gfn, unsigned int flags)
{
	uint64_t pte = gfn_x(gfn) << PV_PAGE_SHIFT | PTE_P | PTE_W | PTE_A |
	    PTE_D | PTE_NX;

	if (flags & MODE_UNCACHED)
		pte |= PTE_PCD | PTE_PWT;
	if (flags & MODE_IO)
		return (int)xen_call4(NULL,
		    __HYPERVISOR_update_va_mapping_otherdomain, va, pte,
		    UVMF_INVLPG | UVMF_ALL, DOMID_IO);
	return pv_mm_set(va, pte);
}

/* cm_flush: pv_mm_set() has Xen do it on all vCPUs. */
void
pv_mm_flush(void)
{
}

/* cm_unmap */
void
pv_mm_unmap(uintptr_t va)
{
	(void)pv_mm_set(va, 0);
}
