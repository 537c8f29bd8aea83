/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/smp.c -- the other processors of a hardware-virtualized guest.
 *
 * Under Xen a processor is given its registers and begins in long mode.
 * Without Xen it begins in real mode, in a page below 1 MiB that ap.S is
 * copied to, one processor at a time.  Both end up in hvm_smp_main() with
 * page tables and control registers as the boot CPU has them.
 */

#include <string.h>

#include <arch.h>
#include <ktime.h>
#include <sched.h>

#include "../layout.h"
#include "../trap.h"
#include "../x86.h"
#include "../xen_abi.h"
#include "hvm.h"
#include "xen_call.h"

#include <xen/hvm/hvm_vcpu.h>

#define SMP_PAGE	0x8000ul	/* ap.S; SIPI names it by number */
#define SMP_EFER	0xc0000080u
#define SMP_INIT_WAIT	(10 * NSEC_PER_MSEC)	/* between INIT and SIPI */

_Noreturn void hvm_smp_main(unsigned int cpu);

extern char ap_start[], ap_end[];	/* ap.S */
/* What ap.S loads; of the processor that is being started. */
uint64_t hvm_smp_cr0, hvm_smp_cr3, hvm_smp_cr4, hvm_smp_efer, hvm_smp_stack;
uint64_t hvm_smp_cpu;

static uint32_t hvm_smp_id[CPU_MAX];	/* APIC ids; that of CPU 0 first */

static void
hvm_smp_registers(void)
{
	hvm_smp_cr0 = x86_read_cr0();
	hvm_smp_cr3 = x86_read_cr3();
	hvm_smp_cr4 = x86_read_cr4();
	hvm_smp_efer = x86_rdmsr(SMP_EFER);
}

/*
 * hvm_smp_count -- how many there are; the boot CPU is the first
 *
 * Context: thread.
 */
unsigned int
hvm_smp_count(void)
{
	uint32_t ids[CPU_MAX], boot = lapic_id();
	unsigned int i, n = 1, found;

	hvm_smp_id[0] = boot;
	found = madt_read(ids, PV_NELEM(ids));
	for (i = 0; i < found && n < CPU_MAX; i++) {
		if (ids[i] != boot)
			hvm_smp_id[n++] = ids[i];
	}
	return n;
}

/* By INIT and SIPI. */
static int
hvm_smp_start_lapic(unsigned int cpu)
{
	uint32_t id = hvm_smp_id[cpu];

	memcpy(arch_pa_to_va(SMP_PAGE), ap_start,
	    (size_t)(ap_end - ap_start));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	lapic_send(id, LAPIC_INIT);
	thread_sleep(SMP_INIT_WAIT);
	lapic_send(id, LAPIC_STARTUP | (uint32_t)(SMP_PAGE >> PV_PAGE_SHIFT));
	return 0;
}

static int
hvm_smp_start_xen(unsigned int cpu)
{
	struct vcpu_hvm_context vc;
	long xrc;

	memset(&vc, 0, sizeof(vc));
	vc.mode = VCPU_HVM_MODE_64B;
	vc.cpu_regs.x86_64.rip = (uintptr_t)hvm_smp_main;
	vc.cpu_regs.x86_64.rdi = cpu;
	vc.cpu_regs.x86_64.rsp = hvm_smp_stack;
	vc.cpu_regs.x86_64.rflags = 2;
	vc.cpu_regs.x86_64.cr0 = hvm_smp_cr0;
	vc.cpu_regs.x86_64.cr3 = hvm_smp_cr3;
	vc.cpu_regs.x86_64.cr4 = hvm_smp_cr4;
	vc.cpu_regs.x86_64.efer = hvm_smp_efer;
	xrc = xen_call3(NULL, __HYPERVISOR_vcpu_op, VCPUOP_initialise, cpu,
	    (unsigned long)&vc);
	return (int)xrc;
}

/* cm_cpu_start; the processor is entered as if it had been called. */
int
hvm_smp_start(unsigned int cpu, void *stack_top)
{
	uint64_t *sp = stack_top;

	if (desc_prepare(cpu) != 0)
		return -PV_ENOMEM;
	*--sp = 0;			/* the end of backtraces */
	hvm_smp_registers();
	hvm_smp_stack = (uintptr_t)sp;
	hvm_smp_cpu = cpu;
	return mode_boot.bi_xen ? hvm_smp_start_xen(cpu) :
	    hvm_smp_start_lapic(cpu);
}

/*
 * hvm_smp_main -- the first C code of another processor
 */
_Noreturn void
hvm_smp_main(unsigned int cpu)
{
	desc_load(cpu);
	(void)lapic_init();
	clock_cpu_init();
	sched_cpu_main();
}

/*
 * hvm_smp_ipi -- interrupt another processor, without Xen
 *
 * Context: any.
 */
void
hvm_smp_ipi(unsigned int cpu)
{
	unsigned long s = arch_irq_save();

	lapic_send(hvm_smp_id[cpu], VEC_IPI);
	arch_irq_restore(s);
}
