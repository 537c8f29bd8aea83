/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/entry.S -- entry of the hardware-virtualized modes: 32-bit protected
 * mode, flat, no paging.  Shared by
 *
 *	PVH		ebx = struct hvm_start_info, with its magic inside
 *	multiboot2	eax = magic, ebx = boot information
 *
 * Only cs, ds, es, ss, tr, cr0, cr4 and eflags are defined (PVH), so the
 * first things are a GDT and a stack.  The page tables are made by the linker:
 * the first 4 GiB appear at 0 (for the jump), at LAYOUT_DIRECT (for the start
 * information, wherever the loader put it) and, the first two, at
 * LAYOUT_KERNEL.  C code replaces them at once.
 */

#include "../layout.h"

#define PHYS(x)	((x) - LAYOUT_KERNEL)

	.section .text.entry, "ax"
	.code32
	.globl	pvh_entry
	.type	pvh_entry, @function
pvh_entry:
	cld
	cli
	movl	%eax, %edi
	movl	%ebx, %esi
	lgdtl	PHYS(boot_gdtr)
	movl	%cr4, %eax
	orl	$0x20, %eax		/* PAE */
	movl	%eax, %cr4
	movl	$PHYS(boot_l4), %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	/* EFER.LME */
	rdmsr
	orl	$0x100, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$0x80010001, %eax	/* PG WP PE */
	movl	%eax, %cr0
	ljmpl	$SEL_CODE, $PHYS(1f)
	.code64
1:	movabsq	$2f, %rax
	jmpq	*%rax
2:	movl	$SEL_DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	movq	$boot_stack + BOOT_STACK, %rsp
	xorl	%ebp, %ebp
	movl	%edi, %edi
	movl	%esi, %esi
	call	hvm_start		/* (magic or garbage, pa of info) */
	ud2
	.size	pvh_entry, . - pvh_entry

	.data
	.balign	8
	.globl	boot_gdt
boot_gdt:
	.quad	0
	.quad	0x00cf9b000000ffff	/* SEL_CODE32 */
	.quad	0x00af9b000000ffff	/* SEL_CODE */
	.quad	0x00cf93000000ffff	/* SEL_DATA */
boot_gdtr:
	.short	. - boot_gdt - 1
	.long	PHYS(boot_gdt)

	.balign	4096
	.globl	boot_l4
boot_l4:
	.quad	PHYS(boot_l3) + PTE_TABLE
	.fill	271, 8, 0
	.quad	PHYS(boot_l3) + PTE_TABLE	/* LAYOUT_DIRECT */
	.fill	238, 8, 0
	.quad	PHYS(boot_l3k) + PTE_TABLE	/* LAYOUT_KERNEL */
boot_l3:
	.set	i, 0
	.rept	4
	.quad	PHYS(boot_l2) + i * 4096 + PTE_TABLE
	.set	i, i + 1
	.endr
	.fill	508, 8, 0
boot_l3k:
	.fill	510, 8, 0
	.quad	PHYS(boot_l2) + PTE_TABLE
	.quad	PHYS(boot_l2) + 4096 + PTE_TABLE
boot_l2:
	.set	i, 0
	.rept	2048
	.quad	(i << 21) + PTE_TABLE + PTE_PS
	.set	i, i + 1
	.endr

	.bss
	.balign	16
	.globl	boot_stack
boot_stack:
	.skip	BOOT_STACK

	.section .note.GNU-stack, "", @progbits
