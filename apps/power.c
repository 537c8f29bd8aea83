/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * power.c -- the end of the guest, in good order: files first, then the
 * console's last words, then the domain.
 */

#include <app.h>
#include <arch.h>
#include <disk.h>
#include <file.h>
#include <klog.h>
#include <ktime.h>
#include <pv/pv.h>
#include <sched.h>
#include <tty.h>

#define POWER_FS_WAIT	(20 * NSEC_PER_SEC)
#define POWER_TTY_WAIT	(1 * NSEC_PER_SEC)
#define POWER_STACK	(32 * 1024)	/* libext2fs goes deep */

static volatile bool power_synced;

static void
power_sync(void *arg)
{
	(void)arg;
	fs_unmount_all();
	power_synced = true;
}

/*
 * Unmount, in a thread of its own with a deadline: a disk that does not
 * answer must not keep the guest from ending.
 */
static void
power_prepare(void)
{
	uint64_t deadline = arch_now() + POWER_FS_WAIT;
	unsigned int i;

	for (i = 0; app_table[i] != NULL; i++)
		if (app_table[i]->ap_stop != NULL)
			app_table[i]->ap_stop();
	if (thread_create("unmount", power_sync, NULL, POWER_STACK) == NULL) {
		klog(PV_LOG_ERR, "no memory to unmount");
		power_synced = true;
	}
	while (!power_synced && arch_now() < deadline)
		thread_sleep(5 * NSEC_PER_MSEC);
	if (!power_synced)
		klog(PV_LOG_ERR, "the disks do not answer: going down all the"
		    " same; run e2fsck on the host");
	(void)tty_drain(arch_now() + POWER_TTY_WAIT);
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
