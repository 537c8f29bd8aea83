/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv/irq.S -- the interrupt flag of a PV guest: evtchn_upcall_mask in the
 * struct vcpu_info of the vCPU we are on, which cpu_arch points to.
 *
 * Between finding the structure and using it an upcall may come, and the
 * thread may go on on another vCPU, with the wrong structure in hand.  So each
 * of these is a sequence that can begin anew: an upcall that comes anywhere
 * between pv_irq_begin and pv_irq_end returns to the start of the one that it
 * interrupted (pv_restart()).  They are PV_IRQ_SLOT bytes apart, use rax and
 * rdx only and no stack, and change memory with one instruction, behind which
 * there is nothing that must not be done twice.
 */

#include "../layout.h"

#define UPCALL_PENDING	0		/* in struct vcpu_info */
#define UPCALL_MASK	1

	.text
	.balign	PV_IRQ_SLOT
	.globl	pv_irq_begin
pv_irq_begin:

/* unsigned long pv_irq_save(void): mask events; the old mask */
	.globl	pv_irq_save
	.type	pv_irq_save, @function
pv_irq_save:
	movq	%gs:CPU_ARCH, %rdx
	movzbl	UPCALL_MASK(%rdx), %eax
	movb	$1, UPCALL_MASK(%rdx)
	ret
	.size	pv_irq_save, . - pv_irq_save

/* unsigned long pv_irq_masked(void) */
	.balign	PV_IRQ_SLOT
	.globl	pv_irq_masked
	.type	pv_irq_masked, @function
pv_irq_masked:
	movq	%gs:CPU_ARCH, %rdx
	movzbl	UPCALL_MASK(%rdx), %eax
	ret
	.size	pv_irq_masked, . - pv_irq_masked

/*
 * unsigned long pv_irq_unmask(void): unmask events; whether one has come that
 * made no upcall.  One that is pending on a vCPU which we left is not ours.
 */
	.balign	PV_IRQ_SLOT
	.globl	pv_irq_unmask
	.type	pv_irq_unmask, @function
pv_irq_unmask:
	movq	%gs:CPU_ARCH, %rdx
	movb	$0, UPCALL_MASK(%rdx)
	movzbl	UPCALL_PENDING(%rdx), %eax
	ret
	.size	pv_irq_unmask, . - pv_irq_unmask

	.balign	PV_IRQ_SLOT
	.globl	pv_irq_end
pv_irq_end:

	.section .note.GNU-stack, "", @progbits
