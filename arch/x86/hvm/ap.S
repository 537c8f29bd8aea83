/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/ap.S -- where a processor begins that was started by its LAPIC: real
 * mode, cs the page that SIPI named, nothing else known.
 *
 * ap_start to ap_end is copied to that page.  The rest runs where it was
 * linked: through the boot tables of entry.S, which have it twice, onto the
 * kernel's page tables.
 */

#include "../layout.h"

#define PHYS(x)	((x) - LAYOUT_KERNEL)

	.text
	.code16
	.globl	ap_start
ap_start:
	cli
	cld
	movw	%cs, %ax
	movw	%ax, %ds
	lgdtl	ap_gdtr - ap_start
	movl	%cr0, %eax
	orb	$1, %al			/* PE */
	movl	%eax, %cr0
	ljmpl	$SEL_CODE32, $PHYS(ap_protected)
	.balign	4
ap_gdtr:
	.short	SEL_TSS - 1
	.long	PHYS(boot_gdt)
	.globl	ap_end
ap_end:

	.code32
	.type	ap_protected, @function
ap_protected:
	movl	$SEL_DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	PHYS(hvm_smp_cr4), %eax	/* PAE among them */
	movl	%eax, %cr4
	movl	$PHYS(boot_l4), %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	/* EFER; LMA can not be written */
	movl	PHYS(hvm_smp_efer), %eax
	andl	$~0x400, %eax
	xorl	%edx, %edx
	wrmsr
	movl	PHYS(hvm_smp_cr0), %eax
	movl	%eax, %cr0
	ljmpl	$SEL_CODE, $PHYS(1f)
	.code64
1:	movabsq	$2f, %rax
	jmpq	*%rax
2:	movq	hvm_smp_cr3, %rax
	movq	%rax, %cr3
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	movq	hvm_smp_stack, %rsp
	movq	hvm_smp_cpu, %rdi
	xorl	%ebp, %ebp
	jmp	hvm_smp_main
	.size	ap_protected, . - ap_protected

	.section .note.GNU-stack, "", @progbits
