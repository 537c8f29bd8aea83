/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/mm.c -- the page tables of a hardware-virtualized guest.
 *
 * Replaces the tables of entry.S:  the direct map has RAM only, in pages of
 * 2 MiB, not executable; the image has its own protection in pages of 4 KiB
 * (its alias in the direct map stays writable: splitting that page is not
 * worth it); what was mapped at 0 is gone, so NULL faults.
 *
 * Tables come from the end of the highest usable RAM below 4 GiB, which
 * entry.S has mapped.
 */

#include <string.h>

#include <arch.h>

#include "../layout.h"
#include "../x86.h"
#include "hvm.h"

#define HVM_MM_LARGE	0x200000ul
#define HVM_MM_4G	0x100000000ul
#define HVM_MM_EFER	0xc0000080u
#define HVM_MM_NXE	(1ul << 11)

static uint64_t *hvm_mm_l4;
static uint64_t hvm_mm_nx;		/* PTE_NX where the CPU has it */

/* A zeroed page out of the memory map. */
static uint64_t
hvm_mm_page(void)
{
	struct boot_info *bi = &mode_boot;
	struct boot_mem *best = NULL;
	unsigned int i;
	uint64_t pa;

	for (i = 0; i < bi->bi_nmem; i++) {
		if (bi->bi_mem[i].bm_base + bi->bi_mem[i].bm_len <=
		    HVM_MM_4G && bi->bi_mem[i].bm_len >= 2 * PV_PAGE_SIZE)
			best = &bi->bi_mem[i];
	}
	if (best == NULL) {
		printf_early("PANIC: no memory below 4 GiB\n");
		arch_crash();
	}
	best->bm_len -= PV_PAGE_SIZE;
	pa = best->bm_base + best->bm_len;
	memset(arch_pa_to_va(pa), 0, PV_PAGE_SIZE);
	return pa;
}

/* The entry of va at a level, the tables above it made as needed. */
static uint64_t *
hvm_mm_entry(uintptr_t va, unsigned int level)
{
	uint64_t *pt = hvm_mm_l4, *e;
	unsigned int l;

	for (l = 4; l > level; l--) {
		e = &pt[PTE_INDEX(va, l)];
		if ((*e & PTE_P) == 0)
			*e = hvm_mm_page() | PTE_TABLE;
		pt = arch_pa_to_va(*e & PTE_FRAME);
	}
	return &pt[PTE_INDEX(va, level)];
}

static void
hvm_mm_direct(uint64_t base, uint64_t end)
{
	uint64_t pa;

	for (pa = base & ~(HVM_MM_LARGE - 1); pa < end; pa += HVM_MM_LARGE)
		*hvm_mm_entry(LAYOUT_DIRECT + pa, 2) = pa | PTE_TABLE |
		    PTE_PS | hvm_mm_nx;
}

static void
hvm_mm_image(void)
{
	uintptr_t va;
	uint64_t pte;

	for (va = (uintptr_t)kern_start; va < (uintptr_t)kern_end;
	    va += PV_PAGE_SIZE) {
		pte = arch_va_to_pa((void *)va) | PTE_P | PTE_A | PTE_D;
		if (va >= (uintptr_t)kern_text_end)
			pte |= hvm_mm_nx;
		if (va >= (uintptr_t)kern_ro_end)
			pte |= PTE_W;
		*hvm_mm_entry(va, 1) = pte;
	}
}

/* The window's tables, so that mapping a page later can not fail. */
static void
hvm_mm_window(void)
{
	uintptr_t i;

	for (i = 0; i < LAYOUT_WINDOW_NPT; i++)
		(void)hvm_mm_entry(LAYOUT_WINDOW + i * HVM_MM_LARGE, 1);
}

/*
 * hvm_mm_init -- our own page tables; the memory map is there
 *
 * Context: entry.
 */
void
hvm_mm_init(void)
{
	struct boot_mem ram[BOOT_NMEM / 4];
	unsigned int i, n;
	uint64_t l4;

	if (x86_cpuid(0x80000001, 0).d & 1u << 20) {
		x86_wrmsr(HVM_MM_EFER, x86_rdmsr(HVM_MM_EFER) | HVM_MM_NXE);
		hvm_mm_nx = PTE_NX;
	}
	/* Taking pages changes the map: work on a copy. */
	for (n = 0; n < mode_boot.bi_nmem && n < PV_NELEM(ram); n++)
		ram[n] = mode_boot.bi_mem[n];
	l4 = hvm_mm_page();
	hvm_mm_l4 = arch_pa_to_va(l4);
	hvm_mm_direct(LAYOUT_IMAGE, arch_va_to_pa(kern_end));
	for (i = 0; i < n; i++)
		hvm_mm_direct(ram[i].bm_base, ram[i].bm_base + ram[i].bm_len);
	hvm_mm_image();
	hvm_mm_window();
	x86_write_cr3(l4);
}

/* ---- afterwards -------------------------------------------------------- */

/* cm_map */
int
hvm_mm_map(uintptr_t va, gfn_t gfn, unsigned int flags)
{
	*hvm_mm_entry(va, 1) = gfn_x(gfn) << PV_PAGE_SHIFT | PTE_TABLE |
	    hvm_mm_nx | ((flags & MODE_UNCACHED) ? PTE_PCD | PTE_PWT : 0);
	x86_invlpg(va);
	return 0;
}

/* cm_unmap */
void
hvm_mm_unmap(uintptr_t va)
{
	*hvm_mm_entry(va, 1) = 0;
	x86_invlpg(va);
}

/* cm_flush: there are no global pages. */
void
hvm_mm_flush(void)
{
	x86_write_cr3(x86_read_cr3());
}

/* cm_gfn */
gfn_t
hvm_mm_gfn(uint64_t pfn)
{
	return GFN(pfn);
}

/*
 * cm_rebind.  Frames keep their numbers here: whoever takes the memory away
 * (balloon) or maps something in its place does so behind the number.
 */
int
hvm_mm_rebind(void *va, gfn_t gfn)
{
	if (gfn_eq(gfn, GFN_NONE) ||
	    gfn_x(gfn) == arch_va_to_pa(va) >> PV_PAGE_SHIFT)
		return 0;
	return -PV_EINVAL;
}
