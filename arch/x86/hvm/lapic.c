/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/lapic.c -- the local APIC: through it come the interrupts of devices
 * that are not Xen's.  Without Xen its one-shot timer is the kernel's, too.
 *
 * Its timer counts 1 GHz in QEMU and KVM, whatever the CPU does; with the
 * divider at 1 a count is a nanosecond.
 */

#include <arch.h>
#include <ktime.h>

#include "../trap.h"
#include "../x86.h"
#include "hvm.h"

#define LAPIC_CPUID	0x200u		/* leaf 1, edx */
#define LAPIC_MSR_BASE	0x1bu
#define LAPIC_BASE_X2	0x400ul
#define LAPIC_BASE_ON	0x800ul
#define LAPIC_MSR_X2	0x800u		/* + register offset / 16 */

#define LAPIC_ID	0x020u
#define LAPIC_EOI	0x0b0u
#define LAPIC_SVR	0x0f0u
#define LAPIC_SVR_ON	0x100u
#define LAPIC_ICR	0x300u
#define LAPIC_ICR_BUSY	0x1000u
#define LAPIC_ICR_SELF	0x40000u
#define LAPIC_ICR_TO	0x310u
#define LAPIC_LVT_TIMER	0x320u
#define LAPIC_LVT_LINT0	0x350u
#define LAPIC_LVT_LINT1	0x360u
#define LAPIC_MASKED	0x10000u
#define LAPIC_COUNT	0x380u		/* writing starts the timer */
#define LAPIC_CURRENT	0x390u
#define LAPIC_DIVIDE	0x3e0u
#define LAPIC_DIVIDE_1	0x0bu

#define LAPIC_MEASURE	10000000u	/* ns */
#define LAPIC_SPIN	50000000u

static volatile uint32_t *lapic_regs;	/* NULL: by MSR */
static bool lapic_found;

static uint32_t
lapic_get(uint32_t reg)
{
	if (lapic_regs == NULL)
		return (uint32_t)x86_rdmsr(LAPIC_MSR_X2 + reg / 16);
	return lapic_regs[reg / 4];
}

static void
lapic_set(uint32_t reg, uint32_t v)
{
	if (lapic_regs == NULL)
		x86_wrmsr(LAPIC_MSR_X2 + reg / 16, v);
	else
		lapic_regs[reg / 4] = v;
}

/*
 * lapic_present -- this machine has one
 *
 * Context: any.
 */
bool
lapic_present(void)
{
	return (x86_cpuid(1, 0).d & LAPIC_CPUID) != 0;
}

/*
 * lapic_init -- switch it on, its timer one-shot and quiet
 *
 * The other CPUs' are used as the boot CPU's is, all at one address.  False
 * when this CPU has none: a Xen guest whose configuration says apic=0.
 * Context: entry, on each CPU.
 */
bool
lapic_init(void)
{
	uint64_t base;

	if (!lapic_present())
		return false;
	base = x86_rdmsr(LAPIC_MSR_BASE) | LAPIC_BASE_ON;
	if (!lapic_found && (base & LAPIC_BASE_X2) == 0)
		lapic_regs = window_map(base & ~0xffful, PV_PAGE_SIZE,
		    MODE_UNCACHED | MODE_IO);
	lapic_found = true;
	x86_wrmsr(LAPIC_MSR_BASE, base);
	if (lapic_regs == NULL)
		x86_wrmsr(LAPIC_MSR_BASE, base | LAPIC_BASE_X2);
	lapic_set(LAPIC_SVR, LAPIC_SVR_ON | VEC_SPURIOUS);
	lapic_set(LAPIC_LVT_LINT0, LAPIC_MASKED);
	lapic_set(LAPIC_DIVIDE, LAPIC_DIVIDE_1);
	lapic_set(LAPIC_LVT_TIMER, LAPIC_MASKED | VEC_TIMER);
	return true;
}

/*
 * lapic_measure_tsc -- TSC ticks per second, by the LAPIC timer
 *
 * Context: entry.
 */
uint64_t
lapic_measure_tsc(void)
{
	uint64_t tsc;
	uint32_t i, ns = 0;

	lapic_set(LAPIC_COUNT, UINT32_MAX);
	tsc = x86_rdtsc();
	for (i = 0; i < LAPIC_SPIN && ns < LAPIC_MEASURE; i++)
		ns = UINT32_MAX - lapic_get(LAPIC_CURRENT);
	tsc = x86_rdtsc() - tsc;
	lapic_set(LAPIC_COUNT, 0);
	if (ns < LAPIC_MEASURE) {
		printf_early("lapic: its timer stands still; "
		    "assuming a TSC of 1 GHz\n");
		return NSEC_PER_SEC;
	}
	return tsc * NSEC_PER_SEC / ns;
}

/*
 * lapic_timer_set -- see arch_timer_set()
 *
 * A moment that is too far away interrupts early; time_intr() then asks
 * again.
 * Context: any, interrupts masked.
 */
void
lapic_timer_set(uint64_t when)
{
	uint64_t now = arch_now(), ns = when > now ? when - now : 1;

	lapic_set(LAPIC_LVT_TIMER, VEC_TIMER);
	lapic_set(LAPIC_COUNT, ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX);
}

/*
 * lapic_id -- by which the others know this CPU
 *
 * Context: any, on a CPU that stays.
 */
uint32_t
lapic_id(void)
{
	uint32_t id = lapic_get(LAPIC_ID);

	return lapic_regs == NULL ? id : id >> 24;
}

/*
 * lapic_send -- an interrupt to another CPU: a vector, or LAPIC_*
 *
 * Context: any, interrupts masked if an interrupt may send one, too.
 */
void
lapic_send(uint32_t id, uint32_t what)
{
	unsigned int i;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (lapic_regs == NULL) {
		x86_wrmsr(LAPIC_MSR_X2 + LAPIC_ICR / 16,
		    (uint64_t)id << 32 | what);
		return;
	}
	for (i = 0; i < LAPIC_SPIN; i++) {
		if ((lapic_get(LAPIC_ICR) & LAPIC_ICR_BUSY) == 0)
			break;
	}
	lapic_set(LAPIC_ICR_TO, id << 24);
	lapic_set(LAPIC_ICR, what);
}

void
lapic_eoi(void)
{
	lapic_set(LAPIC_EOI, 0);
}

/*
 * lapic_again -- an interrupt that can not be handled now shall come again
 *
 * Context: interrupt.
 */
void
lapic_again(unsigned int vec)
{
	if (vec == VEC_SPURIOUS)
		return;
	lapic_eoi();
	/* The interrupted code may be between the halves of lapic_send(). */
	lapic_set(LAPIC_ICR, LAPIC_ICR_SELF | vec);
}

/*
 * lapic_intr -- an interrupt that came through the LAPIC
 *
 * Context: interrupt.
 */
void
lapic_intr(unsigned int vec)
{
	if (vec == VEC_SPURIOUS)
		return;			/* takes no EOI */
	if (vec == VEC_UPCALL_LAPIC) {
		lapic_eoi();	/* first: what comes now interrupts again */
		xen_upcall();
		return;
	}
	if (vec == VEC_TIMER || vec == VEC_IPI) {
		lapic_eoi();
		if (vec == VEC_TIMER)
			time_intr();
		else
			smp_intr();
		return;
	}
	if (vec >= VEC_LINE && vec < VEC_LINE + VEC_NLINE)
		(void)irq_run(PV_IRQ_LINE, vec - VEC_LINE);
	else if (vec >= VEC_MSI && vec < VEC_MSI + VEC_NMSI)
		(void)irq_run(PV_IRQ_MSI, vec - VEC_MSI);
	lapic_eoi();	/* a level line asks again when still asserted */
}
