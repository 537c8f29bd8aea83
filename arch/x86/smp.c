/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp.c -- several CPUs: how many, starting them, interrupting them.
 *
 *			Xen				without Xen
 *	how many	VCPUOP_is_up			ACPI's MADT
 *	start		VCPUOP_initialise, _up		INIT, SIPI
 *	stop		VCPUOP_down			hlt
 *	interrupt	an event channel		LAPIC
 *
 * One kind of interrupt serves for everything: who gets it looks whether all
 * shall halt, whether page-table entries have gone away (smp_intr()), and
 * whether to switch threads, as at the end of each interrupt.
 *
 * Entries that go away.  The one who takes them out raises smp_flush_want,
 * interrupts the others and waits until each has flushed its TLB since.  A
 * CPU that is not online flushes when it comes up.  Under PV Xen does all of
 * this.
 */

#include <arch.h>
#include <sched.h>

#include "hvm/hvm.h"
#include "mode.h"
#include "x86.h"

static bool smp_halt;			/* a panic: everybody stops */
static uint32_t smp_flush_want;
static uint32_t smp_flushed[CPU_MAX];	/* smp_flush_want at the last flush */
static bool smp_started[CPU_MAX];	/* once, at least */
static volatile bool smp_stop[CPU_MAX];	/* in arch_cpu_stop(); without Xen */

/*
 * arch_ncpu -- see arch.h
 *
 * Context: any.
 */
unsigned int
arch_ncpu(void)
{
	static unsigned int ncpu;

	if (ncpu == 0)
		ncpu = mode_boot.bi_xen ? xencpu_count() : hvm_smp_count();
	return ncpu;
}

/*
 * arch_cpu_start -- see arch.h
 *
 * Context: thread.
 */
int
arch_cpu_start(unsigned int cpu, void *stack_top)
{
	int rv = 0;

	if (mode_boot.bi_xen)
		rv = xencpu_attach(cpu);
	if (rv == 0 && !smp_started[cpu])
		rv = cpu_mode->cm_cpu_start(cpu, stack_top);
	if (rv != 0)
		return rv;
	smp_started[cpu] = true;
	if (mode_boot.bi_xen)
		return xencpu_up(cpu);
	smp_stop[cpu] = false;
	arch_ipi(cpu);
	return 0;
}

/*
 * smp_resume -- the domain was resumed: the other CPUs never ran here
 *
 * Context: interrupts masked; they are down.
 */
void
smp_resume(void)
{
	unsigned int cpu;

	for (cpu = 0; cpu < CPU_MAX; cpu++)
		smp_started[cpu] = false;
}

/*
 * arch_cpu_stop -- see arch.h
 *
 * Context: the idle thread, interrupts masked.
 */
void
arch_cpu_stop(void)
{
	unsigned int cpu = arch_cpu()->cpu_id;

	if (mode_boot.bi_xen) {
		xencpu_stop();
	} else {
		smp_stop[cpu] = true;
		while (smp_stop[cpu]) {
			cpu_mode->cm_idle();
			(void)arch_irq_save();
		}
	}
	cpu_mode->cm_flush();
}

/*
 * arch_cpu_reap -- see arch.h
 *
 * Context: thread.
 */
bool
arch_cpu_reap(unsigned int cpu)
{
	return mode_boot.bi_xen ? xencpu_reap(cpu) : smp_stop[cpu];
}

/*
 * arch_ipi -- see arch.h
 *
 * Context: any.
 */
void
arch_ipi(unsigned int cpu)
{
	if (mode_boot.bi_xen)
		xencpu_ipi(cpu);
	else
		hvm_smp_ipi(cpu);
}

/*
 * arch_cpu_halt_others -- see arch.h
 *
 * Context: any.
 */
void
arch_cpu_halt_others(void)
{
	unsigned int cpu;

	__atomic_store_n(&smp_halt, true, __ATOMIC_SEQ_CST);
	for (cpu = 0; cpu < CPU_MAX; cpu++) {
		if (sched_cpu[cpu].cpu_online && &sched_cpu[cpu] != arch_cpu())
			arch_ipi(cpu);
	}
}

/*
 * smp_intr -- this CPU was interrupted by another
 *
 * Context: interrupt.
 */
void
smp_intr(void)
{
	uint32_t want = __atomic_load_n(&smp_flush_want, __ATOMIC_SEQ_CST);
	uint32_t *mine = &smp_flushed[arch_cpu()->cpu_id];

	while (__atomic_load_n(&smp_halt, __ATOMIC_RELAXED))
		x86_pause();
	if (*mine != want) {
		cpu_mode->cm_flush();
		__atomic_store_n(mine, want, __ATOMIC_RELEASE);
	}
}

/* Has a CPU flushed what it had when smp_flush_want was want? */
static bool
smp_is_flushed(unsigned int cpu, uint32_t want)
{
	return !sched_cpu[cpu].cpu_online || (int32_t)(__atomic_load_n(
	    &smp_flushed[cpu], __ATOMIC_ACQUIRE) - want) >= 0;
}

/*
 * smp_flush -- page-table entries are gone; so shall be what TLBs have of them
 *
 * Context: entry; thread, no lock held.
 */
void
smp_flush(void)
{
	uint32_t want = __atomic_add_fetch(&smp_flush_want, 1,
	    __ATOMIC_SEQ_CST);
	unsigned long s = arch_irq_save();
	unsigned int cpu, me = arch_cpu()->cpu_id;

	smp_intr();
	for (cpu = 0; cpu < CPU_MAX; cpu++) {
		if (cpu != me && !smp_is_flushed(cpu, want))
			arch_ipi(cpu);
	}
	arch_irq_restore(s);
	for (cpu = 0; cpu < CPU_MAX; cpu++) {
		while (cpu != me && !smp_is_flushed(cpu, want))
			x86_pause();
	}
}
