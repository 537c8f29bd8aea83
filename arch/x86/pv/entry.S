/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv/entry.S -- entry of a Xen PV guest.
 *
 * The domain builder starts us in 64-bit mode, ring 3, on its page tables,
 * with rsi = start_info and rsp = the top of the page behind the boot page
 * tables: the last thing it allocated, which tells C where free memory starts.
 */

#include "../layout.h"

	.text
	.globl	pv_entry
	.type	pv_entry, @function
pv_entry:
	cld
	movq	%rsi, %rdi
	movq	%rsp, %rsi
	leaq	boot_stack + BOOT_STACK(%rip), %rsp
	xorl	%ebp, %ebp
	call	pv_start
	ud2
	.size	pv_entry, . - pv_entry

	.section .note.GNU-stack, "", @progbits
