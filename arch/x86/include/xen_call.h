/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xen_call.h -- the hypercall, x86-64.
 *
 * The instruction is emitted inline: the hypercall page would be one more
 * indirect branch target, without endbr, whose `ret` no compiler knows of.
 * Which instruction works depends on the mode and on the CPU's vendor, and is
 * found out once at entry:
 *
 *	PV		syscall		rcx and r11 are lost
 *	HVM, Intel	vmcall
 *	HVM, AMD	vmmcall
 *
 * Number in rax, arguments in rdi rsi rdx r10 r8, result in rax.  A debug
 * build of Xen overwrites the argument registers, so all of them count as
 * clobbered (docs/guest-guide/x86/hypercall-abi.rst).
 *
 * Without Xen the result is -ENOSYS, as it is for a hypercall that Xen does
 * not have.  The struct xen, which tells domains apart when the library runs
 * hosted, is unused here; it may be NULL.
 */

#ifndef XEN_CALL_H
#define XEN_CALL_H

#define XEN_CALL_NONE		0
#define XEN_CALL_SYSCALL	1
#define XEN_CALL_VMCALL		2
#define XEN_CALL_VMMCALL	3

struct xen;

extern unsigned char xen_call_insn;	/* arch/x86/xen.c; XEN_CALL_* */

#define XEN_CALL_ASM(insn)						\
	__asm__ __volatile__(insn					\
	    : "=a" (rv), "+D" (a1), "+S" (a2), "+d" (a3), "+r" (r10),	\
	      "+r" (r8)							\
	    : "0" ((unsigned long)op)					\
	    : "rcx", "r11", "memory")

/* Context: any. */
static inline long
xen_call5(struct xen *xen, unsigned int op, unsigned long a1,
    unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5)
{
	register unsigned long r10 __asm__("r10") = a4;
	register unsigned long r8 __asm__("r8") = a5;
	long rv;

	(void)xen;
	switch (xen_call_insn) {
	case XEN_CALL_SYSCALL:
		XEN_CALL_ASM("syscall");
		break;
	case XEN_CALL_VMCALL:
		XEN_CALL_ASM("vmcall");
		break;
	case XEN_CALL_VMMCALL:
		XEN_CALL_ASM("vmmcall");
		break;
	default:
		rv = -38;		/* -ENOSYS */
	}
	return rv;
}

#undef XEN_CALL_ASM

static inline long
xen_call1(struct xen *xen, unsigned int op, unsigned long a1)
{
	return xen_call5(xen, op, a1, 0, 0, 0, 0);
}

static inline long
xen_call2(struct xen *xen, unsigned int op, unsigned long a1, unsigned long a2)
{
	return xen_call5(xen, op, a1, a2, 0, 0, 0);
}

static inline long
xen_call3(struct xen *xen, unsigned int op, unsigned long a1, unsigned long a2,
    unsigned long a3)
{
	return xen_call5(xen, op, a1, a2, a3, 0, 0);
}

static inline long
xen_call4(struct xen *xen, unsigned int op, unsigned long a1, unsigned long a2,
    unsigned long a3, unsigned long a4)
{
	return xen_call5(xen, op, a1, a2, a3, a4, 0);
}

#endif /* XEN_CALL_H */
