/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * power.c -- the end of the guest, in good order: what serves others, files,
 * the console's last words, then the domain.
 *
 *	shutdown.patience=SECONDS	for all of it (30); then it ends as
 *					it is
 */

#include <app.h>
#include <arch.h>
#include <cmdline.h>
#include <disk.h>
#include <file.h>
#include <klog.h>
#include <ktime.h>
#include <pv/pv.h>
#include <sched.h>
#include <tty.h>

#define POWER_PATIENCE	30u		/* seconds */
#define POWER_TTY_WAIT	(1 * NSEC_PER_SEC)
#define POWER_STACK	(32 * 1024)	/* libext2fs goes deep */
#define POWER_MOMENT	(5 * NSEC_PER_MSEC)

static unsigned int power_patience = POWER_PATIENCE;
static unsigned int power_ndone;	/* steps; atomic */

/* Servers stop, back ends finish what guests have asked for. */
static void
power_stop_apps(void)
{
	unsigned int i;

	for (i = 0; app_table[i] != NULL; i++)
		if (app_table[i]->ap_stop != NULL)
			app_table[i]->ap_stop();
}

static const struct {
	const char	*ps_what, *ps_late;
	void		(*ps_fn)(void);
} power_steps[] = {
	{ "ending what serves others", "they may miss an answer",
	    power_stop_apps },
	{ "unmounting", "run e2fsck on the host", fs_unmount_all }
};

static void
power_thread(void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < PV_NELEM(power_steps); i++) {
		power_steps[i].ps_fn();
		__atomic_store_n(&power_ndone, i + 1, __ATOMIC_RELEASE);
	}
}

static unsigned int
power_done(void)
{
	return __atomic_load_n(&power_ndone, __ATOMIC_ACQUIRE);
}

/*
 * In a thread of its own with a deadline: a disk that does not answer must not
 * keep the guest from ending.
 */
static void
power_prepare(void)
{
	uint64_t deadline = arch_now() + power_patience * NSEC_PER_SEC;
	unsigned int i;

	if (thread_create("end", power_thread, NULL, POWER_STACK) == NULL) {
		klog(PV_LOG_ERR, "no memory to unmount");
		deadline = 0;
	}
	while (power_done() < PV_NELEM(power_steps) && arch_now() < deadline)
		thread_sleep(POWER_MOMENT);
	for (i = power_done(); i < PV_NELEM(power_steps); i++)
		klog(PV_LOG_ERR, "%s: not done in %u s, going down all the "
		    "same: %s", power_steps[i].ps_what, power_patience,
		    power_steps[i].ps_late);
	(void)tty_drain(arch_now() + POWER_TTY_WAIT);
}

/*
 * app_power_init -- see app.h
 */
void
app_power_init(void)
{
	power_patience = (unsigned int)cmdline_num("shutdown.patience", 1,
	    3600, POWER_PATIENCE);
}

void
app_poweroff(int status)
{
	klog(PV_LOG_INFO, "powering off");
	power_prepare();
	(void)pv_control_shutdown(PV_CONTROL_POWEROFF);
	arch_poweroff(status);
}

void
app_reboot(void)
{
	klog(PV_LOG_INFO, "rebooting");
	power_prepare();
	(void)pv_control_shutdown(PV_CONTROL_REBOOT);
	arch_reboot();
}
