/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xen.c -- what the kernel itself needs of Xen, PV or not: the shared info
 * page, the upcall, the timer, the end.
 *
 * The clock runs from entry on.  The timer is a port of the library's core,
 * which wants memory: it is there from arch_intr_init() on, before XenStore
 * and devices are attached (their deadlines need it) and in a dom0 that
 * attaches nothing.
 */

#include <arch.h>
#include <cmdline.h>
#include <ktime.h>
#include <sched.h>

#include <pv/xen.h>

#include "mode.h"
#include "x86.h"
#include "xen_abi.h"
#include "xen_call.h"

#include "shm.h"

unsigned char xen_call_insn = XEN_CALL_NONE;
struct shared_info *xen_shared;
char xen_shared_page[PV_PAGE_SIZE] __attribute__((__aligned__(4096)));

static struct pv_evtchn *xen_timer[CPU_MAX];

/*
 * XENFEAT_* of submap 0.
 * Context: any.
 */
uint32_t
xen_features(void)
{
	struct xen_feature_info fi = { .submap_idx = 0 };

	if (xen_call2(NULL, __HYPERVISOR_xen_version, XENVER_get_features,
	    (unsigned long)&fi) < 0)
		return 0;
	return fi.submap;
}

/* ---- upcall and timer -------------------------------------------------- */

/*
 * xen_upcall -- Xen says that some event is pending
 *
 * Until the core takes events they wait where they are.
 * Context: interrupt.
 */
void
xen_upcall(void)
{
	unsigned int cpu = arch_cpu()->cpu_id;

	if (irq_run(PV_IRQ_XEN, cpu))
		return;
	shm_write8(&xen_shared->vcpu_info[cpu].evtchn_upcall_pending, 0);
}

/*
 * xen_time_start -- the clock; no timer yet
 *
 * Context: entry, upcalls masked.
 */
void
xen_time_start(void)
{
	clock_init_xen(&xen_shared->vcpu_info[0].time);
	/* PV guests come with a 100 Hz tick that nobody here asked for. */
	(void)xen_call3(NULL, __HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer,
	    0, 0);
}

static void
xen_timer_intr(void *arg)
{
	(void)arg;
	time_intr();
}

/*
 * xen_intr_init -- the library's core and the boot CPU's timer
 *
 * Context: boot, upcalls masked.
 */
void
xen_intr_init(void)
{
	struct pv_xen_boot *boot = &mode_boot.bi_xenboot;
	int rv;

	if (!cmdline_bool("evtchn.fifo", true))
		boot->xb_flags |= PV_XEN_NO_FIFO;
	rv = pv_xen_init(boot);
	if (rv == 0)
		rv = pv_evtchn_virq(0, VIRQ_TIMER, xen_timer_intr, NULL,
		    &xen_timer[0]);
	if (rv != 0) {
		printf_early("xen: no timer (error %d): no preemption\n", -rv);
		return;
	}
	poll_attach(0, 0);
	/* Whoever asked for a moment before got none. */
	time_rearm();
}

/*
 * xen_timer_set -- see arch_timer_set(); a moment in the past fires at once
 *
 * Context: any, interrupts masked.
 */
void
xen_timer_set(uint64_t when)
{
	struct vcpu_set_singleshot_timer set;

	set.timeout_abs_ns = when + clock_base();
	set.flags = 0;
	(void)xen_call3(NULL, __HYPERVISOR_vcpu_op,
	    VCPUOP_set_singleshot_timer, arch_cpu()->cpu_id,
	    (unsigned long)&set);
}

/*
 * arch_timer_set -- see arch.h
 *
 * Context: any, interrupts masked.
 */
void
arch_timer_set(uint64_t deadline)
{
	if (mode_boot.bi_xen)
		xen_timer_set(deadline);
	else
		lapic_timer_set(deadline);
}

/*
 * arch_intr_init -- see arch.h
 *
 * Context: boot, interrupts masked.
 */
void
arch_intr_init(void)
{
	if (mode_boot.bi_xen)
		xen_intr_init();
}

/* ---- the end ----------------------------------------------------------- */

/*
 * xen_shutdown -- tell Xen how the domain ends; returns only without Xen
 *
 * The initial domain can not power the machine off without an ACPI
 * interpreter (XENPF_enter_acpi_sleep): Xen would only halt the processors.
 * It reboots instead, which an emulator run with -no-reboot takes as the end.
 * Context: any.
 */
void
xen_shutdown(enum mode_shutdown how)
{
	struct sched_shutdown sd;

	if (!mode_boot.bi_xen)
		return;
	sd.reason = SHUTDOWN_poweroff;
	if (how == MODE_CRASH)
		sd.reason = SHUTDOWN_crash;
	else if (how == MODE_REBOOT ||
	    (mode_boot.bi_xenboot.xb_flags & PV_XEN_DOM0) != 0)
		sd.reason = SHUTDOWN_reboot;
	(void)xen_call2(NULL, __HYPERVISOR_sched_op, SCHEDOP_shutdown,
	    (unsigned long)&sd);
}
