/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xen.c -- what the kernel itself needs of Xen, PV or not, beside the library:
 * the shared info page, the upcall, the end.  Virtual CPUs are xencpu.c's.
 */

#include <arch.h>
#include <sched.h>

#include "mode.h"
#include "xen_abi.h"
#include "xen_call.h"

#include "shm.h"

unsigned char xen_call_insn = XEN_CALL_NONE;
struct shared_info *xen_shared;
char xen_shared_page[PV_PAGE_SIZE] __attribute__((__aligned__(4096)));

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

/* ---- upcall ------------------------------------------------------------ */

/*
 * xen_upcall -- Xen says that some event is pending for this CPU
 *
 * Until the core takes events they wait where they are.
 * Context: interrupt.
 */
void
xen_upcall(void)
{
	struct cpu *cpu = arch_cpu();
	struct vcpu_info *vi = cpu->cpu_arch;

	if (!irq_run(PV_IRQ_XEN, cpu->cpu_id))
		shm_write8(&vi->evtchn_upcall_pending, 0);
}

/*
 * xen_time_start -- the clock; arch_timer_set() works from xencpu_init() on
 *
 * Context: entry, upcalls masked.
 */
void
xen_time_start(void)
{
	clock_init_xen(&xen_shared->vcpu_info[0].time);
}

/*
 * arch_intr_init -- see arch.h
 *
 * Context: boot.
 */
void
arch_intr_init(void)
{
	if (mode_boot.bi_xen)
		xencpu_init();
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
		xencpu_timer_set(deadline);
	else
		lapic_timer_set(deadline);
}

/* ---- save, restore and migration --------------------------------------- */

/*
 * arch_suspend -- see arch.h
 *
 * The time for which the domain did not run has not passed for it.
 * Context: interrupts masked, no other CPU is up.
 */
int
arch_suspend(struct pv_xen_boot *boot)
{
	uint64_t now = arch_now();
	int rv = cpu_mode->cm_suspend(boot);

	if (rv != 0)
		return rv;
	mode_boot.bi_xenboot = *boot;
	clock_resume(now);
	smp_resume();
	return 0;
}

/*
 * arch_resume -- see arch.h
 *
 * Context: interrupts masked.
 */
void
arch_resume(void)
{
	xencpu_resume();
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
