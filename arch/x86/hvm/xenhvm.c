/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/xenhvm.c -- Xen beneath a PVH or HVM guest.
 *
 * Order matters: a guest is entered in 32-bit mode, and Xen settles the layout
 * of the shared info page (32 or 64 bit) when HVM_PARAM_CALLBACK_IRQ is set.
 * By now we are in long mode.
 */

#include <arch.h>
#include <klog.h>
#include <sched.h>

#include "../trap.h"
#include "../x86.h"
#include "../xen_abi.h"
#include "hvm.h"
#include "xen_call.h"

#include "xencpuid.h"

struct xencpuid xenhvm_cpuid;

static struct xencpuid_leaf
xenhvm_leaf(uint32_t leaf)
{
	struct x86_cpuid id = x86_cpuid(leaf, 0);

	return (struct xencpuid_leaf){ id.a, id.b, id.c, id.d };
}

/*
 * xenhvm_detect -- is Xen there?  Then hypercalls work from here on
 *
 * Context: entry.
 */
bool
xenhvm_detect(void)
{
	struct x86_cpuid id;

	if (xencpuid_find(xenhvm_leaf, &xenhvm_cpuid) != 0)
		return false;
	id = x86_cpuid(0, 0);
	if (id.b == 0x756e6547)			/* "Genu"ine Intel */
		xen_call_insn = XEN_CALL_VMCALL;
	else if (id.b == 0x746e6543)		/* "Cent"aur, VMX as well */
		xen_call_insn = XEN_CALL_VMCALL;
	else
		xen_call_insn = XEN_CALL_VMMCALL;
	return true;
}

/*
 * xenhvm_param -- HVMOP_set_param, HVMOP_get_param; 0 or -PV_E*
 *
 * Context: any.
 */
long
xenhvm_param(unsigned int op, uint32_t index, uint64_t *value)
{
	struct xen_hvm_param hp = { .domid = DOMID_SELF, .index = index };
	long xrc;

	hp.value = *value;
	xrc = xen_call2(NULL, __HYPERVISOR_hvm_op, op, (unsigned long)&hp);
	*value = hp.value;
	return xrc;
}

/* The console ring, or Xen's console for dom0. */
static void
xenhvm_console(void)
{
	static void *ring;
	uint64_t pfn = 0, port = 0;

	if (mode_boot.bi_xenboot.xb_flags & PV_XEN_DOM0) {
		early_add(EARLY_XENIO);
		return;
	}
	if (xenhvm_param(HVMOP_get_param, HVM_PARAM_CONSOLE_PFN, &pfn) != 0 ||
	    xenhvm_param(HVMOP_get_param, HVM_PARAM_CONSOLE_EVTCHN, &port) !=
	    0 || pfn == 0)
		return;
	if (ring == NULL)
		ring = window_map(pfn << PV_PAGE_SHIFT, PV_PAGE_SIZE, 0);
	if (ring != NULL)
		early_ring(ring, EVPORT((uint32_t)port));
}

static bool
xenhvm_shared_init(void)
{
	struct xen_add_to_physmap xp = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_shared_info,
		.gpfn = arch_va_to_pa(xen_shared_page) >> PV_PAGE_SHIFT
	};

	if (xen_call2(NULL, __HYPERVISOR_memory_op, XENMEM_add_to_physmap,
	    (unsigned long)&xp) != 0)
		return false;
	mode_boot.bi_xenboot.xb_shared_info = arch_va_to_pa(xen_shared_page);
	xen_shared = (struct shared_info *)(void *)xen_shared_page;
	sched_cpu[0].cpu_arch = &xen_shared->vcpu_info[0];
	return true;
}

/*
 * xenhvm_suspend -- stop the domain; cm_suspend
 *
 * The registers, the LAPIC and the I/O APIC are as they were; the shared info
 * page and the upcall are not.
 * Context: interrupts masked.
 */
int
xenhvm_suspend(struct pv_xen_boot *boot)
{
	struct sched_shutdown sd = { .reason = SHUTDOWN_suspend };
	long xrc;

	xrc = xen_call2(NULL, __HYPERVISOR_sched_op, SCHEDOP_shutdown,
	    (unsigned long)&sd);
	if (xrc != 0)
		return (int)xrc;
	if (!xenhvm_shared_init() || xenirq_attach(0) != 0)
		panic("resumed, but Xen does not give its events");
	xenhvm_console();
	boot->xb_shared_info = mode_boot.bi_xenboot.xb_shared_info;
	return 0;
}

/*
 * What tells HVM from PVH is the device model, with its host bridge; a PVH
 * dom0 sees the machine's.  Only the name depends on it.
 */
static bool
xenhvm_has_pci(void)
{
	if (mode_boot.bi_xenboot.xb_flags & PV_XEN_DOM0)
		return false;
	x86_outl(0xcf8, 0x80000000u);
	return x86_inl(0xcfc) != 0xffffffffu;
}

/*
 * Interrupts of devices that are not Xen's: those of an HVM guest's device
 * model.  The I/O APIC first; see hvm_machine_init().
 */
static void
xenhvm_machine_init(void)
{
	mode_name = "Xen PVH";
	if (xenhvm_has_pci()) {
		mode_name = "Xen HVM";
		ioapic_init();
	}
	(void)lapic_init();
}

/*
 * xenhvm_init -- shared info, upcall, time
 *
 * Context: entry, page tables are ours.
 */
void
xenhvm_init(void)
{
	xenhvm_machine_init();
	xenhvm_console();
	if (!xenhvm_shared_init()) {
		printf_early("PANIC: can not map the shared info page\n");
		arch_crash();
	}
	xenirq_init();
	xen_time_start();
}
