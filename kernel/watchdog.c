/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watchdog.c -- a guest that hangs is ended by the hypervisor.
 *
 *	watchdog=SECONDS	0, or not given: off
 *
 * Each CPU has a thread that notes now and then when it ran; that of the boot
 * CPU tells the hypervisor that all is well, as long as none of the notes is
 * old.  So a single CPU that runs no threads any more is a hang, too.  The
 * threads of CPUs that are down run on the boot CPU.
 *
 * What the toolstack then does is on_watchdog in the guest's configuration.
 */

#include <watchdog.h>

#include <arch.h>
#include <cmdline.h>
#include <klog.h>
#include <ktime.h>
#include <pv/errno.h>
#include <pv/xen.h>
#include <sched.h>

#define WATCHDOG_MIN	5u		/* seconds */
#define WATCHDOG_MAX	86400u
#define WATCHDOG_STEPS	5u		/* notes in that time */
#define WATCHDOG_OLD	3u		/* steps after which one is old */

static unsigned int watchdog_time;	/* seconds */
static uint64_t watchdog_note[CPU_MAX];	/* atomic */

static uint64_t
watchdog_step(void)
{
	return watchdog_time * NSEC_PER_SEC / WATCHDOG_STEPS;
}

/* A CPU that has not run its thread for long, or CPU_ANY. */
static unsigned int
watchdog_hung(void)
{
	uint64_t now = arch_now(), note;
	unsigned int cpu;

	for (cpu = 0; cpu < arch_ncpu(); cpu++) {
		note = __atomic_load_n(&watchdog_note[cpu], __ATOMIC_RELAXED);
		if (now > note && now - note > WATCHDOG_OLD * watchdog_step())
			return cpu;
	}
	return CPU_ANY;
}

static void
watchdog_tell(void)
{
	static unsigned int told = CPU_ANY;
	unsigned int cpu = watchdog_hung();
	int rv;

	if (cpu == CPU_ANY) {
		rv = pv_watchdog(watchdog_time);
		if (rv != 0)
			klog(PV_LOG_WARN, "watchdog: Xen does not take it "
			    "(error %d)", -rv);
	} else if (cpu != told) {
		klog(PV_LOG_ERR, "watchdog: CPU %u runs no threads any more",
		    cpu);
	}
	told = cpu;
}

static void
watchdog_main(void *arg)
{
	unsigned int cpu = (unsigned int)(uintptr_t)arg;

	for (;;) {
		__atomic_store_n(&watchdog_note[cpu], arch_now(),
		    __ATOMIC_RELAXED);
		if (cpu == 0)
			watchdog_tell();
		thread_sleep(watchdog_step());
	}
}

static int
watchdog_threads(void)
{
	unsigned int cpu;

	for (cpu = 0; cpu < arch_ncpu(); cpu++)
		watchdog_note[cpu] = arch_now();
	/* The boot CPU's last: without it Xen is not told again. */
	for (cpu = arch_ncpu(); cpu-- > 0; ) {
		if (thread_create_on(cpu, "watchdog", watchdog_main,
		    (void *)(uintptr_t)cpu) == NULL)
			return -PV_ENOMEM;
	}
	return 0;
}

/*
 * watchdog_start -- see watchdog.h
 */
void
watchdog_start(void)
{
	int rv;

	watchdog_time = (unsigned int)cmdline_num("watchdog", 0, WATCHDOG_MAX,
	    0);
	if (watchdog_time == 0)
		return;
	if (watchdog_time < WATCHDOG_MIN) {
		klog(PV_LOG_WARN, "watchdog=%u is too short: %u is taken",
		    watchdog_time, WATCHDOG_MIN);
		watchdog_time = WATCHDOG_MIN;
	}
	rv = pv_watchdog(watchdog_time);
	if (rv == 0)
		rv = watchdog_threads();
	if (rv == 0) {
		klog(PV_LOG_INFO, "watchdog: Xen ends the guest when it hangs "
		    "for %u s", watchdog_time);
		return;
	}
	(void)pv_watchdog(0);
	if (rv == -PV_ENODEV)
		klog(PV_LOG_ERR, "watchdog=%u: not under Xen, nobody looks "
		    "after the guest", watchdog_time);
	else
		klog(PV_LOG_ERR, "watchdog: can not be had (error %d)", -rv);
}
