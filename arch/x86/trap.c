/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap.c -- exceptions and interrupts, after the entry stubs.
 *
 * The kernel has no exception that it expects: each one is a bug of ours (or
 * an NMI or machine check that nobody can mend), so it ends in a register
 * dump, a backtrace and a crash that the hypervisor is told of.
 */

#include <arch.h>
#include <klog.h>
#include <ktime.h>
#include <sched.h>

#include "backtrace.h"
#include "mode.h"
#include "trap.h"
#include "x86.h"

static const char *const trap_names[] = {
	"divide error", "debug", "NMI", "breakpoint", "overflow", "bound",
	"invalid opcode", "no FPU", "double fault", "coprocessor overrun",
	"invalid TSS", "segment not present", "stack fault",
	"general protection", "page fault", "?", "x87 error",
	"alignment check", "machine check", "SIMD error", "virtualization",
	"control protection"
};

/* Interrupts by vector; those of a range are numbered from 0. */
static const struct {
	unsigned int	 first, n;
	const char	*name;
} trap_irqs[] = {
	{ TRAP_UPCALL, 1, "xen callback" },
	{ VEC_UPCALL, 1, "xen callback vector" },
	{ VEC_UPCALL_LAPIC, 1, "xen upcall vector" },
	{ VEC_TIMER, 1, "timer" },
	{ VEC_IPI, 1, "processor" },
	{ VEC_IPI, 1, "other CPUs" },
	{ VEC_LINE, VEC_NLINE, "line" },
	{ VEC_MSI, VEC_NMSI, "message" },
	{ VEC_SPURIOUS, 1, "spurious" }
};

static uint64_t trap_count[TRAP_UPCALL + 1];

static const char *
trap_name(uint64_t vec)
{
	if (vec == TRAP_FAILSAFE)
		return "Xen failsafe callback";
	return vec < PV_NELEM(trap_names) ? trap_names[vec] : "?";
}

static void
trap_dump(const struct trap_frame *tf)
{
	printf_early("rip %04x:%016llx rsp %04llx:%016llx rflags %08llx\n",
	    tf->tf_cs, (unsigned long long)tf->tf_rip,
	    (unsigned long long)tf->tf_ss & 0xffff,
	    (unsigned long long)tf->tf_rsp,
	    (unsigned long long)tf->tf_rflags);
#define R(a, b, c)							\
	printf_early("%3s %016llx %3s %016llx %3s %016llx\n",		\
	    #a, (unsigned long long)tf->tf_##a,				\
	    #b, (unsigned long long)tf->tf_##b,				\
	    #c, (unsigned long long)tf->tf_##c)
	R(rax, rbx, rcx);
	R(rdx, rsi, rdi);
	R(rbp, r8, r9);
	R(r10, r11, r12);
	R(r13, r14, r15);
#undef R
	printf_early("err %016llx cr2 %016llx\n",
	    (unsigned long long)tf->tf_err,
	    (unsigned long long)cpu_mode->cm_fault_addr());
}

/*
 * Report the registers and where they came from, then crash.
 * Context: any.
 */
_Noreturn void
trap_panic(struct trap_frame *tf, const char *what)
{
	struct cpu *cpu = arch_cpu();
	struct thread *td = cpu->cpu_thread;

	panic_begin();
	printf_early("\nPANIC: trap %u: %s, cpu %u, thread %s\n",
	    (unsigned int)tf->tf_vec, what, cpu->cpu_id,
	    td != NULL ? thread_name(td) : "none");
	trap_dump(tf);
	backtrace_from(tf->tf_rip, tf->tf_rbp, tf->tf_rsp);
	arch_crash();
}

static void
trap_interrupt(unsigned int vec)
{
	__atomic_fetch_add(&trap_count[vec], 1, __ATOMIC_RELAXED);
	mode_intr_enter();
	if (vec == VEC_UPCALL || vec == TRAP_UPCALL)
		xen_upcall();
	else
		lapic_intr(vec);
	mode_intr_leave();
}

/*
 * Was an interrupt delivered to code that has them masked?  QEMU's SVM does it,
 * rarely: what Xen injects comes a second time when the emulated processor is
 * called away before the guest has left.  It may not be handled there.  Xen's
 * callback is a level, which comes again once they are unmasked; what the
 * LAPIC delivers is sent once more.  It is told of later: here the log may be
 * locked, and the console is its driver's.
 */
static bool
trap_astray(const struct trap_frame *tf)
{
	static uint64_t where;
	static bool told;

	if (tf->tf_vec >= TRAP_UPCALL)
		return false;
	if ((tf->tf_rflags & RFLAGS_IF) == 0) {
		where = tf->tf_rip;
		if (tf->tf_vec != VEC_UPCALL)
			lapic_again((unsigned int)tf->tf_vec);
		return true;
	}
	if (where != 0 && !told) {
		told = true;
		klog(PV_LOG_INFO, "xen: an interrupt at %016llx, where they "
		    "are masked", (unsigned long long)where);
	}
	return false;
}

/*
 * All of them end up here, interrupts masked.
 * Context: interrupt.
 */
void
trap_entry(struct trap_frame *tf)
{
	if (tf->tf_vec == TRAP_UPCALL)
		pv_restart(tf);
	if (tf->tf_vec < TRAP_NEXC || tf->tf_vec == TRAP_FAILSAFE)
		trap_panic(tf, trap_name(tf->tf_vec));
	if (trap_astray(tf))
		return;
	hvm_awake(tf);
	trap_interrupt((unsigned int)tf->tf_vec);
}

/*
 * arch_irq_info -- see arch.h
 *
 * Context: any.
 */
int
arch_irq_info(unsigned int n, struct arch_irq_info *ai)
{
	unsigned int r, i;

	for (r = 0; r < PV_NELEM(trap_irqs); r++) {
		for (i = 0; i < trap_irqs[r].n; i++) {
			ai->ai_count = __atomic_load_n(
			    &trap_count[trap_irqs[r].first + i],
			    __ATOMIC_RELAXED);
			if (ai->ai_count == 0 || n-- > 0)
				continue;
			ai->ai_name = trap_irqs[r].name;
			ai->ai_num = i;
			return 0;
		}
	}
	return -PV_ENOENT;
}
