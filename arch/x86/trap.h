/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap.h -- the registers of interrupted code, as the entry stubs push them.
 */

#ifndef TRAP_H
#define TRAP_H

#include <pv/types.h>

struct trap_frame {
	uint64_t	 tf_r15, tf_r14, tf_r13, tf_r12, tf_rbp, tf_rbx;
	uint64_t	 tf_r11, tf_r10, tf_r9, tf_r8;
	uint64_t	 tf_rax, tf_rcx, tf_rdx, tf_rsi, tf_rdi;
	uint64_t	 tf_vec;	/* TRAP_* or the interrupt vector */
	uint64_t	 tf_err;
	uint64_t	 tf_rip;
	uint16_t	 tf_cs;
	uint16_t	 tf_pad[3];	/* Xen PV: the upcall mask is in here */
	uint64_t	 tf_rflags, tf_rsp, tf_ss;
};

#define RFLAGS_IF	0x200ul		/* of tf_rflags */

#define TRAP_DB		1
#define TRAP_NMI	2
#define TRAP_DF		8
#define TRAP_PF		14
#define TRAP_MC		18
#define TRAP_NEXC	32		/* exceptions; interrupts follow */

#define VEC_UPCALL	0x30		/* Xen's callback vector */
#define VEC_TIMER	0x31		/* LAPIC timer */
#define VEC_IPI		0x32		/* another CPU; without Xen */
#define VEC_UPCALL_LAPIC 0x33		/* Xen's, through the LAPIC */
#define VEC_LINE	0x40		/* + I/O APIC input, of two of them */
#define VEC_NLINE	48
#define VEC_MSI		0x70		/* + number, 32 of them */
#define VEC_NMSI	32
#define VEC_SPURIOUS	0xff

#define TRAP_UPCALL	256		/* Xen PV: the event callback */
#define TRAP_FAILSAFE	257		/* Xen PV */

#endif /* TRAP_H */
