/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv/save.c -- save, restore and migration of a PV guest.
 *
 * The toolstack writes the guest's memory down with page numbers of ours in
 * the place of machine frames: in the page tables, for which it needs our p2m
 * (pv_mm_publish()), and puts the frames of the new domain in when it reads
 * it again.  What it does not know we do:
 *
 *	start_info	its frames of the rings are numbers of ours while
 *			the domain is stopped; its own frame is an argument
 *	shared info	is no page of ours: the RAM that the image has in its
 *			place is mapped meanwhile, with events masked in it
 *	pv_mm		the frame of the root
 *
 * Everything else that Xen has of the vCPU (traps, callbacks, stack) comes
 * along with it.
 */

#include <arch.h>
#include <klog.h>
#include <sched.h>

#include "../layout.h"
#include "../mode.h"
#include "../xen_abi.h"
#include "pv.h"
#include "shm.h"
#include "xen_call.h"

#define PV_SAVE_PTE	(PTE_P | PTE_W | PTE_A | PTE_D | PTE_NX)

static struct start_info *pv_save_info;
static uint64_t pv_save_shared;		/* machine address */

/*
 * pv_save_init -- the toolstack can save the guest from now on
 *
 * info is in the direct map.
 * Context: entry.
 */
void
pv_save_init(struct start_info *info)
{
	pv_save_info = info;
	pv_save_shared = info->shared_info;
	pv_mm_publish(xen_shared);
}

static uint64_t
pv_save_pfn(const void *va)
{
	return arch_va_to_pa(va) >> PV_PAGE_SHIFT;
}

/* The image's own page in the place of the shared info page. */
static int
pv_save_hide(void)
{
	uint64_t pfn = pv_save_pfn(xen_shared_page);
	struct shared_info *plain = arch_pa_to_va(pfn << PV_PAGE_SHIFT);

	shm_write8(&plain->vcpu_info[0].evtchn_upcall_mask, 1);
	return pv_mm_set((uintptr_t)xen_shared_page,
	    pv_mm_p2m[pfn] << PV_PAGE_SHIFT | PV_SAVE_PTE);
}

static void
pv_save_show(void)
{
	if (pv_mm_set((uintptr_t)xen_shared_page,
	    pv_save_shared | PV_SAVE_PTE) != 0)
		panic("the shared info page can not be mapped again");
}

/* The rings' frames as numbers of ours, or back. */
static void
pv_save_rings(bool ours)
{
	struct start_info *si = pv_save_info;

	if (ours) {
		si->store_mfn = pv_mm_mfn_to_pfn(si->store_mfn);
		si->console.domU.mfn =
		    pv_mm_mfn_to_pfn(si->console.domU.mfn);
	} else {
		si->store_mfn = pv_mm_p2m[si->store_mfn];
		si->console.domU.mfn = pv_mm_p2m[si->console.domU.mfn];
	}
}

static void
pv_save_resume(struct pv_xen_boot *boot)
{
	pv_save_shared = pv_save_info->shared_info;
	pv_save_show();
	pv_mm_resume();
	pv_mm_publish(xen_shared);
	pv_boot_rings(pv_save_info, boot);
	pv_early_out(pv_save_info, LAYOUT_DIRECT);
}

/*
 * pv_save_suspend -- stop the domain; cm_suspend
 *
 * Context: interrupts masked.
 */
int
pv_save_suspend(struct pv_xen_boot *boot)
{
	struct sched_shutdown sd = { .reason = SHUTDOWN_suspend };
	long xrc = pv_save_hide();

	if (xrc != 0)
		return (int)xrc;
	pv_save_rings(true);
	xrc = xen_call3(NULL, __HYPERVISOR_sched_op, SCHEDOP_shutdown,
	    (unsigned long)&sd, pv_mm_p2m[pv_save_pfn(pv_save_info)]);
	if (xrc == 0) {
		pv_save_resume(boot);
	} else {
		pv_save_rings(false);
		pv_save_show();
	}
	return (int)xrc;
}
