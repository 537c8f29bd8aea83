/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clock.c -- what time it is.
 *
 * A clock is always the TSC times a factor.  Who says the factor:
 *
 *	Xen	struct vcpu_time_info in the shared info page
 *	KVM	the same structure, in a page of ours told by an MSR
 *	else	CPUID, or ten milliseconds of watching the LAPIC timer
 *
 * Time starts at 0 when the clock is set up; clock_base() is that moment in
 * the hypervisor's system time, in which Xen wants its timeouts.
 */

#include <arch.h>
#include <ktime.h>
#include <sched.h>

#include "mode.h"
#include "x86.h"
#include "xen_abi.h"

#define CLOCK_KVM_MSR	0x4b564d01u	/* MSR_KVM_SYSTEM_TIME_NEW */
#define CLOCK_KVM_ON	1u

static volatile struct vcpu_time_info *clock_pv[CPU_MAX];
static struct vcpu_time_info clock_fixed;	/* a factor of our own */
static struct {
	struct vcpu_time_info ck_time;
} __attribute__((__aligned__(64))) clock_kvm[CPU_MAX];
static bool clock_is_kvm;
static uint64_t clock_start;		/* system time at arch_now() 0 */
static uint64_t clock_last;		/* latest answer of arch_now() */
static uint64_t clock_wall;		/* UTC at arch_now() 0, without Xen */

static uint64_t
clock_scale(uint64_t tsc, uint32_t mul, int shift)
{
	if (shift >= 0)
		tsc <<= shift;
	else
		tsc >>= -shift;
	return (uint64_t)((unsigned __int128)tsc * mul >> 32);
}

/*
 * System time, in ns.  The hypervisor makes version odd while it writes.
 * Interrupts masked: the factor is the one of the CPU whose TSC is read.
 */
static uint64_t
clock_system(void)
{
	volatile struct vcpu_time_info *ti = clock_pv[arch_cpu()->cpu_id];
	uint64_t tsc, now;
	uint32_t ver;

	do {
		ver = ti->version & ~1u;
		x86_barrier();
		tsc = x86_rdtsc() - ti->tsc_timestamp;
		/* A TSC that is a little behind the stamp gives the stamp. */
		if ((int64_t)tsc < 0)
			tsc = 0;
		now = ti->system_time + clock_scale(tsc,
		    ti->tsc_to_system_mul, ti->tsc_shift);
		x86_barrier();
	} while (ti->version != ver);
	return now;
}

/*
 * arch_now -- ns since boot, the same or later than any earlier answer
 *
 * The factors of two CPUs may differ by some ns, hence the maximum.
 * Context: any.
 */
uint64_t
arch_now(void)
{
	uint64_t now, last;
	unsigned long s;

	if (!clock_running())
		return 0;
	s = arch_irq_save();
	now = clock_system() - clock_start;
	arch_irq_restore(s);
	last = __atomic_load_n(&clock_last, __ATOMIC_RELAXED);
	do {
		if ((int64_t)(now - last) <= 0)
			return last;
	} while (!__atomic_compare_exchange_n(&clock_last, &last, now, true,
	    __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return now;
}

uint64_t
clock_base(void)
{
	return clock_start;
}

bool
clock_running(void)
{
	return clock_pv[0] != NULL;
}

/* ---- sources ----------------------------------------------------------- */

/*
 * clock_init_xen -- time begins; ti is being kept up to date
 *
 * Context: entry.
 */
void
clock_init_xen(volatile struct vcpu_time_info *ti)
{
	clock_pv[0] = ti;
	clock_start = clock_system();
}

/*
 * clock_resume -- arch_now() goes on from a moment, in another system time
 *
 * Context: the boot CPU, interrupts masked.
 */
void
clock_resume(uint64_t now)
{
	clock_start = clock_system() - now;
}

/*
 * clock_set -- from now on a CPU finds its factor there
 *
 * Context: that CPU, interrupts masked; any before it starts.
 */
void
clock_set(unsigned int cpu, volatile struct vcpu_time_info *ti)
{
	clock_pv[cpu] = ti;
}

static void
clock_kvm_on(unsigned int cpu)
{
	x86_wrmsr(CLOCK_KVM_MSR,
	    arch_va_to_pa(&clock_kvm[cpu].ck_time) | CLOCK_KVM_ON);
	clock_set(cpu, &clock_kvm[cpu].ck_time);
}

/*
 * clock_cpu_init -- a further CPU's clock, where Xen has not set it
 *
 * Context: entry, on that CPU.
 */
void
clock_cpu_init(void)
{
	unsigned int cpu = arch_cpu()->cpu_id;

	if (clock_is_kvm)
		clock_kvm_on(cpu);
	else if (clock_pv[cpu] == NULL)
		clock_set(cpu, &clock_fixed);
}

/*
 * KVM's clock, when its CPUID leaves at base offer it; else the TSC's.
 * Context: entry.
 */
void
clock_init_kvm(uint32_t base)
{
	struct x86_cpuid id = x86_cpuid(base + 1, 0);

	if ((id.a & 8) == 0) {		/* KVM_FEATURE_CLOCKSOURCE2 */
		clock_init_tsc();
		return;
	}
	clock_is_kvm = true;
	clock_kvm_on(0);
	clock_init_xen(&clock_kvm[0].ck_time);
	clock_wall = rtc_read();
}

/* TSC ticks per second as CPUID tells them, or 0. */
static uint64_t
clock_cpuid_hz(void)
{
	struct x86_cpuid id;

	if (x86_cpuid(0, 0).a >= 0x15) {
		id = x86_cpuid(0x15, 0);
		if (id.a != 0 && id.b != 0 && id.c != 0)
			return (uint64_t)id.c * id.b / id.a;
	}
	id = x86_cpuid(0x40000000, 0);
	if ((x86_cpuid(1, 0).c & 1u << 31) != 0 && id.a >= 0x40000010 &&
	    id.a < 0x40000100)
		return x86_cpuid(0x40000010, 0).a * 1000ull;
	return 0;
}

/*
 * A TSC that nobody keeps a factor for: make our own.
 * Context: entry, the LAPIC is set up.
 */
void
clock_init_tsc(void)
{
	uint64_t hz = clock_cpuid_hz();
	int shift = 0;

	if (hz < 1000000)
		hz = lapic_measure_tsc();
	/* tsc_to_system_mul is the 32-bit fraction of ns per tick << shift. */
	while (hz < NSEC_PER_SEC) {
		hz *= 2;
		shift++;
	}
	clock_fixed.tsc_shift = (int8_t)shift;
	clock_fixed.tsc_to_system_mul =
	    (uint32_t)(((NSEC_PER_SEC << 32) - 1) / hz);
	clock_fixed.tsc_timestamp = x86_rdtsc();
	clock_init_xen(&clock_fixed);
	clock_wall = rtc_read();
}

/* ---- wall clock -------------------------------------------------------- */

/* Xen's: UTC at system time 0, under a version of its own. */
static uint64_t
clock_xen_wall(void)
{
	volatile struct shared_info *si = xen_shared;
	uint64_t sec;
	uint32_t ver, nsec;

	do {
		ver = si->wc_version & ~1u;
		x86_barrier();
		sec = (uint64_t)si->wc_sec_hi << 32 | si->wc_sec;
		nsec = si->wc_nsec;
		x86_barrier();
	} while (si->wc_version != ver);
	return sec == 0 ? 0 : sec * NSEC_PER_SEC + nsec + clock_start;
}

/*
 * arch_wallclock -- ns since 1970 UTC, or 0 when nobody told us
 *
 * Context: any.
 */
uint64_t
arch_wallclock(void)
{
	uint64_t wall;

	wall = xen_shared != NULL ? clock_xen_wall() : clock_wall;
	return wall == 0 ? 0 : wall + arch_now();
}
