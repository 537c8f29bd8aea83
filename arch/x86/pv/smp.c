/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv/smp.c -- the other vCPUs of a PV guest: Xen is given all their registers
 * and tables, and they begin in C, on the page tables of the boot CPU.
 */

#include <string.h>

#include <arch.h>
#include <mm.h>
#include <sched.h>

#include "../layout.h"
#include "../mode.h"
#include "../xen_abi.h"
#include "pv.h"
#include "shm.h"
#include "xen_call.h"

_Noreturn void pv_smp_main(void);

/*
 * The first C code of another vCPU; %gs is right, events are masked.
 */
_Noreturn void
pv_smp_main(void)
{
	sched_cpu_main();
}

static void
pv_smp_context(struct vcpu_guest_context *vc, unsigned int cpu, void *sp)
{
	memset(vc, 0, sizeof(*vc));
	vc->flags = VGCF_in_kernel;
	vc->user_regs.rip = (uintptr_t)pv_smp_main;
	vc->user_regs.rsp = (uintptr_t)sp;
	vc->user_regs.rflags = 0x200;	/* IF; events have a mask */
	vc->user_regs.cs = FLAT_KERNEL_CS;
	vc->user_regs.ss = FLAT_KERNEL_SS;
	(void)pv_trap_table(vc->trap_ctxt);
	vc->kernel_ss = FLAT_KERNEL_SS;
	vc->kernel_sp = (uintptr_t)sp;
	vc->ctrlreg[3] = pv_mm_cr3();
	vc->event_callback_eip = (uintptr_t)pv_trap_256;
	vc->failsafe_callback_eip = (uintptr_t)pv_trap_257;
	vc->syscall_callback_eip = (uintptr_t)pv_syscall;
	vc->gs_base_kernel = (uintptr_t)&sched_cpu[cpu];
}

/* cm_cpu_start; the vCPU is entered as if it had been called. */
int
pv_smp_start(unsigned int cpu, void *stack_top)
{
	unsigned int npg = PV_HOWMANY(sizeof(struct vcpu_guest_context),
	    PV_PAGE_SIZE);
	struct vcpu_guest_context *vc = page_alloc(npg);
	struct vcpu_info *vi = sched_cpu[cpu].cpu_arch;
	uint64_t *sp = stack_top;
	int rv;

	if (vc == NULL)
		return -PV_ENOMEM;
	*--sp = 0;			/* the end of backtraces */
	pv_smp_context(vc, cpu, sp);
	shm_write8(&vi->evtchn_upcall_mask, 1);
	rv = (int)xen_call3(NULL, __HYPERVISOR_vcpu_op, VCPUOP_initialise, cpu,
	    (unsigned long)vc);
	page_free(vc, npg);
	return rv;
}
