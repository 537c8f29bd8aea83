/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv/traps.S -- where Xen enters a PV guest.
 *
 * Xen pushes what the processor would push, and below it r11 and rcx, which
 * its own SYSRET may destroy:
 *
 *	ss  rsp  rflags  cs  rip  [error code]  r11  rcx  <- rsp
 *
 * rflags.IF shows whether events were unmasked, as it would for interrupts.
 * All entries ask Xen to mask events, so the way out is the iret hypercall,
 * which unmasks and returns in one step.
 */

#include <xen/xen.h>
#include "../trap_regs.h"

	.text

	.macro	STUB n, err=0
	.globl	pv_trap_\n
	.type	pv_trap_\n, @function
pv_trap_\n:
	popq	%rcx
	popq	%r11
	.if	\err == 0
	pushq	$0
	.endif
	pushq	$\n
	jmp	pv_trap
	.size	pv_trap_\n, . - pv_trap_\n
	.endm

	.altmacro
	.set	i, 0
	.rept	32
	/* The vectors with an error code: 8 10-14 17 21 29 30. */
	STUB	%i, %((0x60227d00 >> i) & 1)
	.set	i, i + 1
	.endr
	STUB	256			/* TRAP_UPCALL */
	.noaltmacro

/* ds es fs gs are between; the selectors of the caller could not be loaded. */
	.globl	pv_trap_257
	.type	pv_trap_257, @function
pv_trap_257:
	popq	%rcx
	popq	%r11
	addq	$32, %rsp
	pushq	$0
	pushq	$257			/* TRAP_FAILSAFE */
	.size	pv_trap_257, . - pv_trap_257

	.type	pv_trap, @function
pv_trap:
	SAVE_REGS
	cld
	movq	%rsp, %rdi
	call	trap_entry
	RESTORE_REGS
	addq	$16, %rsp
	/* struct iret_context lies below rip: flags rcx r11 rax. */
	pushq	$0
	pushq	%rcx
	pushq	%r11
	pushq	%rax
	movl	$__HYPERVISOR_iret, %eax
	syscall
	ud2
	.size	pv_trap, . - pv_trap

/* No program runs in user mode yet, so nobody makes system calls. */
	.globl	pv_syscall
	.type	pv_syscall, @function
pv_syscall:
	ud2
	.size	pv_syscall, . - pv_syscall

	.section .rodata
	.balign	8
	.globl	pv_trap_stubs
pv_trap_stubs:
	.altmacro
	.macro	STUBADDR n
	.quad	pv_trap_\n
	.endm
	.set	i, 0
	.rept	32
	STUBADDR %i
	.set	i, i + 1
	.endr
	.noaltmacro

	.section .note.GNU-stack, "", @progbits
