/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xencpu.c -- the virtual CPUs that Xen gives, PV or not: each with its timer,
 * the port by which others interrupt it, and what Xen says of its time.
 *
 * Numbers.  A CPU's number is that of its vCPU (VCPUOP_*), which is what we
 * start; APIC ids do not come into it.
 *
 * The run state.  Xen writes it into xencpu_area of a vCPU whenever that one
 * is scheduled or descheduled: others can see whether it runs.  With
 * VMASST_TYPE_runstate_update_flag a writer first sets XEN_RUNSTATE_UPDATE,
 * and a reader who sees it, or two different entry times, looks again.
 */

#include <arch.h>
#include <cmdline.h>
#include <ktime.h>
#include <pv/xen.h>
#include <sched.h>
#include <sync.h>

#include "mode.h"
#include "x86.h"
#include "xen_abi.h"
#include "xen_call.h"

#define XENCPU_TRIES	1000u		/* readings of a run state */

static struct pv_evtchn *xencpu_timer[CPU_MAX], *xencpu_port[CPU_MAX];
static struct spinlock xencpu_lock[CPU_MAX];	/* xencpu_port, to send */
static struct {
	struct vcpu_runstate_info ca_state;
} __attribute__((__aligned__(64))) xencpu_area[CPU_MAX];
static bool xencpu_has_area[CPU_MAX];

static int
xencpu_op(unsigned int op, unsigned int cpu, void *arg)
{
	return (int)xen_call3(NULL, __HYPERVISOR_vcpu_op, op, cpu,
	    (unsigned long)arg);
}

/*
 * xencpu_count -- how many vCPUs the domain has
 *
 * Context: any.
 */
unsigned int
xencpu_count(void)
{
	unsigned int n;

	for (n = 1; n < CPU_MAX; n++) {
		if (xencpu_op(VCPUOP_is_up, n, NULL) < 0)
			break;
	}
	return n;
}

/* ---- timer and interrupts ---------------------------------------------- */

static void
xencpu_timer_intr(void *arg)
{
	(void)arg;
	time_intr();
}

static void
xencpu_port_intr(void *arg)
{
	(void)arg;
	smp_intr();
}

static void
xencpu_area_init(unsigned int cpu)
{
	struct vcpu_register_runstate_memory_area ra;

	ra.addr.v = &xencpu_area[cpu].ca_state;
	xencpu_has_area[cpu] = xencpu_op(VCPUOP_register_runstate_memory_area,
	    cpu, &ra) == 0;
}

static int
xencpu_ports(unsigned int cpu)
{
	int rv;

	rv = pv_evtchn_virq(cpu, VIRQ_TIMER, xencpu_timer_intr, NULL,
	    &xencpu_timer[cpu]);
	if (rv == 0)
		rv = pv_evtchn_ipi(cpu, xencpu_port_intr, NULL,
		    &xencpu_port[cpu]);
	if (rv != 0)
		pv_evtchn_close(xencpu_timer[cpu]);
	return rv;
}

/*
 * xencpu_init -- the boot CPU takes events; its timer works
 *
 * Context: boot, memory and threads are there, interrupts masked.
 */
void
xencpu_init(void)
{
	struct pv_xen_boot *boot = &mode_boot.bi_xenboot;
	int rv;

	if (!cmdline_bool("evtchn.fifo", true))
		boot->xb_flags |= PV_XEN_NO_FIFO;
	rv = pv_xen_init(boot);
	if (rv == 0)
		rv = xencpu_ports(0);
	if (rv != 0) {
		printf_early("PANIC: no events from Xen (error %d)\n", -rv);
		arch_crash();
	}
	poll_attach(0, 0);
	xencpu_resume();
}

/*
 * xencpu_resume -- the boot CPU's run state and timer
 *
 * Context: boot, or after a suspend; interrupts masked.
 */
void
xencpu_resume(void)
{
	(void)xen_call2(NULL, __HYPERVISOR_vm_assist, VMASST_CMD_enable,
	    VMASST_TYPE_runstate_update_flag);
	xencpu_area_init(0);
	/* PV guests come with a 100 Hz tick that nobody here asked for. */
	(void)xencpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
	/* Whoever asked for a moment before got none. */
	time_rearm();
}

/* ---- up and down ------------------------------------------------------- */

/*
 * xencpu_attach -- what a vCPU needs before it runs
 *
 * Returns 0 or -PV_E*.  Context: thread.
 */
int
xencpu_attach(unsigned int cpu)
{
	struct vcpu_info *vi;
	int rv;

	rv = pv_xen_cpu_attach(cpu);
	if (rv != 0)
		return rv;
	rv = xencpu_ports(cpu);
	if (rv != 0) {
		pv_xen_cpu_detach(cpu);
		return rv;
	}
	vi = pv_xen_vcpu_info(cpu);
	sched_cpu[cpu].cpu_arch = vi;
	clock_set(cpu, &vi->time);
	xencpu_area_init(cpu);
	poll_attach(cpu, cpu);
	(void)xencpu_op(VCPUOP_stop_periodic_timer, cpu, NULL);
	return 0;
}

/* Undo xencpu_attach(). */
static void
xencpu_detach(unsigned int cpu)
{
	struct pv_evtchn *port = xencpu_port[cpu];
	unsigned long s;

	/* Somebody may be about to interrupt it who saw it up. */
	s = spin_lock(&xencpu_lock[cpu]);
	xencpu_port[cpu] = NULL;
	spin_unlock(&xencpu_lock[cpu], s);
	poll_detach(cpu);
	pv_evtchn_close(port);
	pv_evtchn_close(xencpu_timer[cpu]);
	xencpu_timer[cpu] = NULL;
	pv_xen_cpu_detach(cpu);
}

/*
 * xencpu_up -- let a vCPU that is initialised run
 *
 * Returns 0 or -PV_E*.  Context: thread.
 */
int
xencpu_up(unsigned int cpu)
{
	int rv = xencpu_op(VCPUOP_up, cpu, NULL);

	if (rv != 0)
		xencpu_detach(cpu);
	return rv;
}

/*
 * xencpu_stop -- take this vCPU down; returns when it is up again
 *
 * Context: interrupts masked.
 */
void
xencpu_stop(void)
{
	(void)xencpu_op(VCPUOP_down, arch_cpu()->cpu_id, NULL);
}

/*
 * xencpu_reap -- is a vCPU down?  Then what it had is given back
 *
 * Context: thread.
 */
bool
xencpu_reap(unsigned int cpu)
{
	if (xencpu_op(VCPUOP_is_up, cpu, NULL) != 0)
		return false;
	xencpu_detach(cpu);
	return true;
}

/*
 * xencpu_ipi -- have smp_intr() called on a vCPU
 *
 * Context: any.
 */
void
xencpu_ipi(unsigned int cpu)
{
	unsigned long s = spin_lock(&xencpu_lock[cpu]);

	if (xencpu_port[cpu] != NULL)
		pv_evtchn_send(xencpu_port[cpu]);
	spin_unlock(&xencpu_lock[cpu], s);
}

/*
 * xencpu_timer_set -- see arch_timer_set(); a moment in the past fires at once
 *
 * Context: any, interrupts masked.
 */
void
xencpu_timer_set(uint64_t when)
{
	struct vcpu_set_singleshot_timer set;

	set.timeout_abs_ns = when + clock_base();
	set.flags = 0;
	(void)xencpu_op(VCPUOP_set_singleshot_timer, arch_cpu()->cpu_id, &set);
}

/* ---- run state --------------------------------------------------------- */

/*
 * arch_vcpu_runs -- see arch.h
 *
 * Context: any.
 */
bool
arch_vcpu_runs(unsigned int cpu)
{
	return !xencpu_has_area[cpu] || __atomic_load_n(
	    &xencpu_area[cpu].ca_state.state, __ATOMIC_RELAXED) ==
	    RUNSTATE_running;
}

/* A reading that Xen did not write into meanwhile. */
static bool
xencpu_state(unsigned int cpu, struct vcpu_runstate_info *out)
{
	volatile struct vcpu_runstate_info *rs = &xencpu_area[cpu].ca_state;
	unsigned int tries, i;

	for (tries = 0; tries < XENCPU_TRIES; tries++) {
		out->state_entry_time = rs->state_entry_time;
		x86_barrier();
		out->state = rs->state;
		for (i = 0; i < PV_NELEM(out->time); i++)
			out->time[i] = rs->time[i];
		x86_barrier();
		if (out->state_entry_time == rs->state_entry_time &&
		    (out->state_entry_time & XEN_RUNSTATE_UPDATE) == 0)
			return true;
	}
	return false;
}

/*
 * arch_steal -- see arch.h
 *
 * Context: any.
 */
bool
arch_steal(unsigned int cpu, struct arch_steal *as)
{
	struct vcpu_runstate_info rs;
	uint64_t now = arch_now() + clock_base();

	if (!xencpu_has_area[cpu] || !xencpu_state(cpu, &rs))
		return false;
	/* The state that it is in has lasted since then. */
	if ((unsigned int)rs.state < PV_NELEM(rs.time) &&
	    now > rs.state_entry_time)
		rs.time[rs.state] += now - rs.state_entry_time;
	as->as_run = rs.time[RUNSTATE_running];
	as->as_steal = rs.time[RUNSTATE_runnable];
	as->as_idle = rs.time[RUNSTATE_blocked];
	as->as_off = rs.time[RUNSTATE_offline];
	return true;
}
