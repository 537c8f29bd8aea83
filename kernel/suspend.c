/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suspend.c -- the domain is saved, or moves to another host: everything
 * stops at a place where it can go on, on the boot CPU alone.
 *
 *	other CPUs		down: their vCPUs are made anew afterwards
 *	works that may sleep	none runs: no device is half-way connected
 *	XenStore		no request is under way
 *	other works		none runs
 *	interrupts		masked
 *	arch_suspend()		the hypercall, and what the machine needs
 *
 * and then back, in the other order.  Threads of programs stop wherever they
 * are; what they have under way with a device is put again.
 */

#include <arch.h>
#include <cpu.h>
#include <klog.h>
#include <ktime.h>
#include <os.h>
#include <pv/errno.h>
#include <pv/xen.h>
#include <sched.h>
#include <suspend.h>
#include <tty.h>

#define SUSPEND_PATIENCE (35 * NSEC_PER_SEC)	/* more than a request has */
#define SUSPEND_TTY_WAIT NSEC_PER_SEC

static unsigned int suspend_done;

static int
suspend_call(void *arg, struct pv_xen_boot *boot)
{
	(void)arg;
	return arch_suspend(boot);
}

static int
suspend_masked(void)
{
	unsigned long s = arch_irq_save();
	int rv;

	rv = pv_suspend(suspend_call, NULL);
	arch_resume();
	arch_irq_restore(s);
	return rv;
}

/* With the other CPUs down. */
static int
suspend_frozen(void)
{
	uint64_t end = arch_now() + SUSPEND_PATIENCE;
	int rv = -PV_ETIMEDOUT;

	if (!os_freeze(true, end)) {
		klog(PV_LOG_ERR, "suspend: refused: a device is busy with its "
		    "back end");
	} else if ((rv = pv_suspend_begin()) == 0) {
		(void)tty_drain(arch_now() + SUSPEND_TTY_WAIT);
		(void)os_freeze(false, UINT64_MAX);
		rv = suspend_masked();
		os_thaw();
		pv_suspend_end();
	}
	os_thaw();
	return rv;
}

/* The wall clock is the new host's; it may be behind. */
static unsigned long long
suspend_ms(uint64_t start)
{
	uint64_t now = arch_wallclock();

	return now > start ? (now - start) / NSEC_PER_MSEC : 0;
}

/*
 * suspend_run -- see suspend.h
 */
int
suspend_run(void)
{
	uint64_t start = arch_wallclock();
	int rv = -PV_EBUSY;

	if (cpu_park())
		rv = suspend_frozen();
	else
		klog(PV_LOG_ERR, "suspend: refused: a CPU does not stop");
	cpu_unpark();
	if (rv == 0) {
		suspend_done++;
		klog(PV_LOG_INFO, "suspend: resumed after %llu ms",
		    suspend_ms(start));
	} else if (rv > 0) {
		klog(PV_LOG_INFO, "suspend: cancelled, going on");
	} else {
		klog(PV_LOG_ERR, "suspend: failed (error %d), going on", -rv);
	}
	return rv;
}

/*
 * suspend_count -- see suspend.h
 */
unsigned int
suspend_count(void)
{
	return suspend_done;
}
