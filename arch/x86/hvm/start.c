/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/start.c -- from the 32-bit entry to kernel_main(), and the mode's table.
 *
 * What is beneath is asked of CPUID, never assumed from the way in: QEMU's
 * PVH entry is the one of Xen, and GRUB may have been started by either.
 */

#include <arch.h>

#include "../x86.h"
#include "../trap.h"
#include "hvm.h"

_Noreturn void hvm_start(uint32_t magic, uint64_t info);

/* traps.S */
void hvm_idle(void);
extern const char hvm_idle_hlt[];	/* one byte */

static unsigned long
hvm_irq_save(void)
{
	unsigned long f;

	__asm__ __volatile__("pushfq\n\tpopq %0\n\tcli" : "=r" (f) : :
	    "memory");
	return f & RFLAGS_IF;
}

static void
hvm_irq_enable(void)
{
	__asm__ __volatile__("sti" : : : "memory");
}

static void
hvm_irq_restore(unsigned long old)
{
	if (old != 0)
		hvm_irq_enable();
}

static bool
hvm_irq_enabled(void)
{
	unsigned long f;

	__asm__ __volatile__("pushfq\n\tpopq %0" : "=r" (f));
	return (f & RFLAGS_IF) != 0;
}

/*
 * hvm_awake -- an interrupt came: who was about to halt has work to do first
 *
 * sti lets no interrupt in before the next instruction has ended, but QEMU's
 * SVM forgets that when the guest is left in between.
 * Context: interrupt.
 */
void
hvm_awake(struct trap_frame *tf)
{
	if (tf->tf_rip == (uintptr_t)hvm_idle_hlt)
		tf->tf_rip++;
}

static uint64_t
hvm_fault_addr(void)
{
	return x86_read_cr2();
}

const struct cpu_mode hvm_mode = {
	.cm_irq_save = hvm_irq_save,
	.cm_irq_restore = hvm_irq_restore,
	.cm_irq_enable = hvm_irq_enable,
	.cm_irq_enabled = hvm_irq_enabled,
	.cm_idle = hvm_idle,
	.cm_map = hvm_mm_map,
	.cm_unmap = hvm_mm_unmap,
	.cm_gfn = hvm_mm_gfn,
	.cm_rebind = hvm_mm_rebind,
	.cm_flush = hvm_mm_flush,
	.cm_fault_addr = hvm_fault_addr,
	.cm_cpu_start = hvm_smp_start,
	.cm_upcall_attach = xenirq_attach,
	.cm_suspend = xenhvm_suspend,
	.cm_shutdown = power_shutdown
};

/* The leaf where KVM announces itself, or 0. */
static uint32_t
hvm_find_kvm(void)
{
	uint32_t base;
	struct x86_cpuid id;

	if ((x86_cpuid(1, 0).c & 1u << 31) == 0)
		return 0;
	for (base = 0x40000000; base < 0x40010000; base += 0x100) {
		id = x86_cpuid(base, 0);
		if (id.b == 0x4b4d564b && id.c == 0x564b4d56 && id.d == 0x4d)
			return base;		/* "KVMKVMKVM" */
	}
	return 0;
}

static void
hvm_machine_init(void)
{
	uint32_t kvm = hvm_find_kvm();

	mode_name = kvm != 0 ? "KVM" : "QEMU";
	/*
	 * The 8259 is silenced while the LAPIC still lets it through: QEMU
	 * forgets to withdraw a pending interrupt otherwise, and delivers it
	 * as a vector that does not exist.
	 */
	ioapic_init();
	if (!lapic_init())
		printf_early("no local APIC: no interrupts, no preemption\n");
	if (kvm != 0)
		clock_init_kvm(kvm);
	else
		clock_init_tsc();
}

/*
 * hvm_start -- from pvh_entry, on the boot stack, interrupts off
 *
 * info is the address of what the loader says, magic tells multiboot2 from PVH.
 */
_Noreturn void
hvm_start(uint32_t magic, uint64_t info)
{
	cpu_mode = &hvm_mode;
	desc_init();
	mode_boot.bi_xen = xenhvm_detect();
	early_add(mode_boot.bi_xen ? EARLY_E9 : EARLY_COM1);
	memmap_init(magic, info);
	hvm_mm_init();
	if (mode_boot.bi_xen)
		xenhvm_init();
	else
		hvm_machine_init();
	kernel_main(&mode_boot);
}
