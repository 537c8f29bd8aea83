/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv/start.c -- the way from Xen's PV entry to kernel_main(), and the mode's
 * table.
 *
 * No descriptor tables of our own: the flat segments in the part of the GDT
 * that Xen provides are all that a 64-bit kernel needs, and a GDT page would
 * be one more page with special rules.
 */

#include <arch.h>
#include <sched.h>

#include "../layout.h"
#include "../mode.h"
#include "../trap.h"
#include "../x86.h"
#include "../xen_abi.h"
#include "pv.h"
#include "xen_call.h"

_Noreturn void pv_start(struct start_info *, uintptr_t sp);
extern const uintptr_t pv_trap_stubs[TRAP_NEXC];
extern char boot_stack[];

/* ---- interrupt flag ---------------------------------------------------- */

/*
 * An event that came while the mask was set made no upcall.  Any hypercall
 * makes Xen look again on its way back.
 */
static void
pv_irq_enable(void)
{
	if (pv_irq_unmask() != 0)
		(void)xen_call2(NULL, __HYPERVISOR_xen_version,
		    XENVER_version, 0);
}

static void
pv_irq_restore(unsigned long old)
{
	if (old == 0)
		pv_irq_enable();
}

static bool
pv_irq_enabled(void)
{
	return pv_irq_masked() == 0;
}

/*
 * pv_restart -- an upcall came: begin anew what irq.S says can not go on
 *
 * Context: interrupt.
 */
void
pv_restart(struct trap_frame *tf)
{
	if (tf->tf_rip >= (uintptr_t)pv_irq_begin &&
	    tf->tf_rip < (uintptr_t)pv_irq_end)
		tf->tf_rip &= ~(uintptr_t)(PV_IRQ_SLOT - 1);
}

/* SCHEDOP_block clears the mask and sleeps in one step. */
static void
pv_idle(void)
{
	(void)xen_call2(NULL, __HYPERVISOR_sched_op, SCHEDOP_block, 0);
}

/* ---- traps ------------------------------------------------------------- */

static uint64_t
pv_fault_addr(void)
{
	struct vcpu_info *vi = arch_cpu()->cpu_arch;

	return vi->arch.cr2;
}

/*
 * pv_trap_table -- fill what Xen has instead of an IDT
 *
 * Returns the number of entries, at most TRAP_NEXC.  Context: entry, thread.
 */
unsigned int
pv_trap_table(struct trap_info *ti)
{
	unsigned int i, n = 0;

	for (i = 0; i < TRAP_NEXC; i++) {
		if (i == TRAP_NMI)
			continue;		/* not by this table */
		ti[n].vector = (uint8_t)i;
		ti[n].flags = 4;		/* mask events */
		if (i == 3 || i == 4)
			ti[n].flags |= 3;	/* int3, into */
		ti[n].cs = FLAT_KERNEL_CS;
		ti[n++].address = pv_trap_stubs[i];
	}
	return n;
}

static void
pv_trap_init(void)
{
	static struct trap_info ti[TRAP_NEXC + 1];	/* the last one: zero */

	(void)pv_trap_table(ti);
	(void)xen_call1(NULL, __HYPERVISOR_set_trap_table, (unsigned long)ti);
	(void)xen_call3(NULL, __HYPERVISOR_set_callbacks,
	    (unsigned long)pv_trap_256, (unsigned long)pv_trap_257,
	    (unsigned long)pv_syscall);
	(void)xen_call2(NULL, __HYPERVISOR_stack_switch, FLAT_KERNEL_SS,
	    (unsigned long)(boot_stack + BOOT_STACK));
}

/* The callbacks of a vCPU are set up before it runs. */
static int
pv_upcall_attach(unsigned int vcpu)
{
	(void)vcpu;
	return 0;
}

/* Only Xen ends a PV domain. */
static void
pv_shutdown(enum mode_shutdown how, int status)
{
	(void)how;
	(void)status;
}

const struct cpu_mode pv_mode = {
	.cm_irq_save = pv_irq_save,
	.cm_irq_restore = pv_irq_restore,
	.cm_irq_enable = pv_irq_enable,
	.cm_irq_enabled = pv_irq_enabled,
	.cm_idle = pv_idle,
	.cm_map = pv_mm_map,
	.cm_unmap = pv_mm_unmap,
	.cm_flush = pv_mm_flush,
	.cm_gfn = pv_mm_gfn,
	.cm_rebind = pv_mm_rebind,
	.cm_fault_addr = pv_fault_addr,
	.cm_cpu_start = pv_smp_start,
	.cm_upcall_attach = pv_upcall_attach,
	.cm_suspend = pv_save_suspend,
	.cm_shutdown = pv_shutdown
};

/* ---- start ------------------------------------------------------------- */

/*
 * pv_boot_rings -- where Xen and the toolstack have put their pages
 *
 * Context: any.
 */
void
pv_boot_rings(const struct start_info *si, struct pv_xen_boot *xb)
{
	xb->xb_shared_info = si->shared_info;
	xb->xb_store_gfn = GFN(si->store_mfn);
	xb->xb_store_evport = EVPORT(si->store_evtchn);
	if (si->flags & SIF_INITDOMAIN)
		return;
	xb->xb_cons_gfn = GFN(si->console.domU.mfn);
	xb->xb_cons_evport = EVPORT(si->console.domU.evtchn);
}

static void
pv_boot_info(const struct start_info *si)
{
	struct boot_info *bi = &mode_boot;
	struct pv_xen_boot *xb = &bi->bi_xenboot;

	bi->bi_way = BOOT_XEN_PV;
	mode_cmdline((const char *)si->cmd_line, MAX_GUEST_CMDLINE);
	xb->xb_flags = PV_XEN_PV;
	if (si->flags & SIF_INITDOMAIN)
		xb->xb_flags |= PV_XEN_DOM0;
	pv_boot_rings(si, xb);
}

/*
 * pv_early_out -- polled output goes to the console's ring
 *
 * Its page is mapped where its pfn says: at first in the image's
 * neighbourhood, then in the direct map.
 * Context: entry, or interrupts masked.
 */
void
pv_early_out(const struct start_info *si, uintptr_t base)
{
	uint64_t pfn;

	if (si->flags & SIF_INITDOMAIN) {
		early_add(EARLY_XENIO);
		return;
	}
	pfn = pv_mm_mfn_to_pfn(si->console.domU.mfn);
	early_ring((void *)(base + (pfn << PV_PAGE_SHIFT)),
	    EVPORT(si->console.domU.evtchn));
}

static uintptr_t
pv_max(uintptr_t a, uintptr_t b)
{
	return a > b ? a : b;
}

/* Behind the last thing that the domain builder put into our memory. */
static uintptr_t
pv_boot_end(const struct start_info *si, uintptr_t sp)
{
	uintptr_t end = sp;

	end = pv_max(end, si->pt_base + si->nr_pt_frames * PV_PAGE_SIZE);
	end = pv_max(end, si->mfn_list + si->nr_pages * sizeof(unsigned long));
	end = pv_max(end, (uintptr_t)si + sizeof(*si));
	if (si->mod_len != 0 && (si->flags & SIF_MOD_START_PFN) == 0)
		end = pv_max(end, si->mod_start + si->mod_len);
	return (end + PV_PAGE_SIZE - 1) & PV_PAGE_MASK;
}

/*
 * pv_start -- from pv_entry, on the boot stack, events masked
 */
_Noreturn void
pv_start(struct start_info *si, uintptr_t sp)
{
	xen_call_insn = XEN_CALL_SYSCALL;
	cpu_mode = &pv_mode;
	mode_name = "Xen PV";
	mode_boot.bi_xen = true;
	/* A page of zeroes until the real one is mapped over it. */
	xen_shared = (struct shared_info *)(void *)xen_shared_page;
	(void)xen_call2(NULL, __HYPERVISOR_set_segment_base,
	    SEGBASE_GS_KERNEL, (unsigned long)mode_cpu0());
	sched_cpu[0].cpu_arch = &xen_shared->vcpu_info[0];
	pv_mm_early(si);
	pv_early_out(si, LAYOUT_KERNEL);
	if (pv_mm_set((uintptr_t)xen_shared_page,
	    si->shared_info | PTE_P | PTE_W | PTE_A | PTE_D | PTE_NX) != 0) {
		printf_early("PANIC: can not map the shared info page\n");
		arch_crash();
	}
	pv_trap_init();
	pv_boot_info(si);
	pv_mm_init(si, pv_boot_end(si, sp));
	si = arch_pa_to_va((uintptr_t)si - LAYOUT_KERNEL);
	pv_early_out(si, LAYOUT_DIRECT);
	pv_save_init(si);
	xen_time_start();
	kernel_main(&mode_boot);
}
