/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/traps.S -- entry stubs behind the IDT, one for each of the 256 vectors,
 * 16 bytes apart.
 */

#include "../trap_regs.h"

	.text
	.balign	16
	.globl	hvm_stubs
	.type	hvm_stubs, @function
hvm_stubs:
	.set	i, 0
	.rept	256
	.balign	16
	/* The vectors with an error code: 8 10-14 17 21 29 30. */
	.if	i > 31 || ((0x60227d00 >> (i & 31)) & 1) == 0
	pushq	$0
	.endif
	pushq	$i
	jmp	hvm_trap
	.set	i, i + 1
	.endr
	.size	hvm_stubs, . - hvm_stubs

	/* cm_idle; see hvm_awake(). */
	.globl	hvm_idle, hvm_idle_hlt
	.type	hvm_idle, @function
hvm_idle:
	sti
hvm_idle_hlt:
	hlt
	ret
	.size	hvm_idle, . - hvm_idle

	.type	hvm_trap, @function
hvm_trap:
	SAVE_REGS
	cld
	movq	%rsp, %rdi
	call	trap_entry
	RESTORE_REGS
	addq	$16, %rsp
	iretq
	.size	hvm_trap, . - hvm_trap

	.section .note.GNU-stack, "", @progbits
