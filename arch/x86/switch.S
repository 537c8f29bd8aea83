/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * switch.S -- changing stacks.  Only the registers that the calling
 * convention has a callee keep are saved: a thread which was interrupted has
 * the rest in its trap frame further up the stack.
 */

	.text

/* void arch_switch(void **from_sp, void *to_sp) */
	.globl	arch_switch
	.type	arch_switch, @function
arch_switch:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret
	.size	arch_switch, . - arch_switch

/* Where a new thread begins: arch_thread_stack() left fn in rbx, arg in r12. */
	.globl	arch_thread_start
	.type	arch_thread_start, @function
arch_thread_start:
	xorl	%ebp, %ebp
	movq	%r12, %rdi
	callq	*%rbx
	ud2
	.size	arch_thread_start, . - arch_thread_start

	.section .note.GNU-stack, "", @progbits
