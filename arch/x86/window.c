/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * window.c -- addresses for frames that the direct map does not have: device
 * registers, and pages of the hypervisor's.
 *
 * The window's page tables are there from entry on; a page is free when its
 * bit is clear.
 */

#include <arch.h>
#include <sync.h>

#include "layout.h"
#include "mode.h"

#define WINDOW_NPAGE	(LAYOUT_WINDOW_NPT * 512u)

static struct spinlock window_lock;
static uint64_t window_used[WINDOW_NPAGE / 64];

static bool
window_is_used(unsigned int pg)
{
	return (window_used[pg / 64] >> (pg % 64) & 1) != 0;
}

static void
window_mark(unsigned int pg, unsigned int npg, bool used)
{
	for (; npg > 0; pg++, npg--) {
		if (used)
			window_used[pg / 64] |= 1ull << (pg % 64);
		else
			window_used[pg / 64] &= ~(1ull << (pg % 64));
	}
}

/* First fit; WINDOW_NPAGE when there is no room. */
static unsigned int
window_alloc(unsigned int npg)
{
	unsigned int pg, run = 0;
	unsigned long s = spin_lock(&window_lock);

	for (pg = 0; pg < WINDOW_NPAGE && run < npg; pg++)
		run = window_is_used(pg) ? 0 : run + 1;
	if (run == npg)
		window_mark(pg - npg, npg, true);
	spin_unlock(&window_lock, s);
	return run == npg ? pg - npg : WINDOW_NPAGE;
}

static uintptr_t
window_va(unsigned int pg)
{
	return LAYOUT_WINDOW + (uintptr_t)pg * PV_PAGE_SIZE;
}

static void
window_free(unsigned int pg, unsigned int npg)
{
	unsigned int i;
	unsigned long s;

	for (i = 0; i < npg; i++)
		cpu_mode->cm_unmap(window_va(pg + i));
	smp_flush();
	s = spin_lock(&window_lock);
	window_mark(pg, npg, false);
	spin_unlock(&window_lock, s);
}

static unsigned int
window_npg(uint64_t pa, size_t len)
{
	return (unsigned int)(((pa & (PV_PAGE_SIZE - 1)) + len +
	    PV_PAGE_SIZE - 1) / PV_PAGE_SIZE);
}

/*
 * window_map -- make len bytes at pa addressable (Xen PV: a machine address)
 *
 * Returns NULL when there is no room or the hypervisor refuses.
 * Context: entry, thread.
 */
void *
window_map(uint64_t pa, size_t len, unsigned int flags)
{
	unsigned int i, pg, npg;

	if (len > WINDOW_NPAGE * (size_t)PV_PAGE_SIZE)
		return NULL;
	npg = window_npg(pa, len);
	pg = window_alloc(npg);
	if (pg == WINDOW_NPAGE)
		return NULL;
	for (i = 0; i < npg; i++) {
		if (cpu_mode->cm_map(window_va(pg + i),
		    GFN((pa >> PV_PAGE_SHIFT) + i), flags) != 0) {
			window_free(pg, npg);
			return NULL;
		}
	}
	return (char *)window_va(pg) + (pa & (PV_PAGE_SIZE - 1));
}

/*
 * window_unmap -- undo window_map()
 *
 * Context: thread.
 */
void
window_unmap(void *va, size_t len)
{
	uintptr_t p = (uintptr_t)va;

	window_free((unsigned int)((p - LAYOUT_WINDOW) / PV_PAGE_SIZE),
	    window_npg(p, len));
}
