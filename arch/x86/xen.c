/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xen.c -- what the kernel itself needs of Xen, PV or not, before and beside
 * the library: the shared info page, the upcall, the timer, the end.
 *
 * The timer.  VIRQ_TIMER is bound here, not by the library, so that there is
 * time before XenStore and devices are attached (their deadlines need it) and
 * in a dom0 that attaches nothing.  The library scans all pending bits
 * that are not masked, so this port is masked while the library's handler
 * runs and is looked at afterwards:
 *
 *	upcall_pending = 0
 *	mask the timer port
 *	library: scan, ...		the timer's bit may come meanwhile:
 *	unmask the timer port		it stays set, without an upcall
 *	is its bit set?  clear it; time_intr()
 *
 * A bit that is set after the unmasking makes a new upcall.
 */

#include <arch.h>
#include <ktime.h>
#include <sched.h>

#include "mode.h"
#include "x86.h"
#include "xen_abi.h"
#include "xen_call.h"

#include "shm.h"

#define XEN_LONG_BITS	64

unsigned char xen_call_insn = XEN_CALL_NONE;
struct shared_info *xen_shared;
char xen_shared_page[PV_PAGE_SIZE] __attribute__((__aligned__(4096)));

static uint32_t xen_timer_port;		/* 0: not bound */

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

static volatile unsigned long *
xen_word(unsigned long *map)
{
	return &map[xen_timer_port / XEN_LONG_BITS];
}

static unsigned long
xen_bit(void)
{
	return 1ul << (xen_timer_port % XEN_LONG_BITS);
}

static bool
xen_timer_take(void)
{
	(void)shm_andl(xen_word(xen_shared->evtchn_mask), ~xen_bit());
	if ((shm_readl(xen_word(xen_shared->evtchn_pending)) & xen_bit()) == 0)
		return false;
	(void)shm_andl(xen_word(xen_shared->evtchn_pending), ~xen_bit());
	return true;
}

/*
 * xen_upcall -- Xen says that some event is pending
 *
 * Context: interrupt.
 */
void
xen_upcall(void)
{
	struct vcpu_info *vi = &xen_shared->vcpu_info[arch_cpu()->cpu_id];

	shm_write8(&vi->evtchn_upcall_pending, 0);
	shm_mb();
	if (xen_timer_port != 0)
		(void)shm_orl(xen_word(xen_shared->evtchn_mask), xen_bit());
	if (!irq_run(PV_IRQ_XEN, 0))
		(void)shm_xchgl(&vi->evtchn_pending_sel, 0);
	if (xen_timer_port != 0 && xen_timer_take())
		time_intr();
}

/*
 * xen_time_start -- bind the timer; from here on arch_timer_set() works
 *
 * Context: entry, upcalls masked.
 */
void
xen_time_start(void)
{
	struct evtchn_bind_virq bind = { .virq = VIRQ_TIMER, .vcpu = 0 };

	clock_init_xen(&xen_shared->vcpu_info[0].time);
	/* PV guests come with a 100 Hz tick that nobody here asked for. */
	(void)xen_call3(NULL, __HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer,
	    0, 0);
	if (xen_call2(NULL, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq,
	    (unsigned long)&bind) != 0) {
		printf_early("xen: can not bind the timer: no preemption\n");
		return;
	}
	xen_timer_port = bind.port;
	(void)xen_timer_take();
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
	/* The library masks all ports when it attaches. */
	if (xen_timer_port != 0)
		(void)shm_andl(xen_word(xen_shared->evtchn_mask), ~xen_bit());
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
