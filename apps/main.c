/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c -- the Domus guest: what is attached and started once the kernel
 * runs.
 *
 *	root=DISK	mount it at / (kernel/fs/fs_root.c)
 *	app=NAME	be that, beside the shell on the console
 *
 * The devices come by themselves, when their peers are ready, so nothing
 * here waits for one but the thread that mounts.
 */

#include <string.h>

#include <app.h>
#include <arch.h>
#include <balloon.h>
#include <cmdline.h>
#include <cons.h>
#include <cpu.h>
#include <disk.h>
#include <hba.h>
#include <kernel.h>
#include <klog.h>
#include <ktime.h>
#include <rng.h>
#include <sched.h>
#include <suspend.h>
#include <watchdog.h>

#define MAIN_ROOT_STACK	(32 * 1024)
#define MAIN_APP_STACK	(32 * 1024)	/* libext2fs goes deep */
#define MAIN_MOMENT	(10 * NSEC_PER_MSEC)
#define MAIN_SETTLE	(3 * NSEC_PER_SEC)

/* ---- devices ----------------------------------------------------------- */

static volatile bool main_suspending;

static void
main_end(void *arg)
{
	while (main_suspending)
		thread_sleep(MAIN_MOMENT);
	switch ((enum pv_control_op)(uintptr_t)arg) {
	case PV_CONTROL_REBOOT:
		app_reboot();
	case PV_CONTROL_CRASH:
		panic("the toolstack asked for a crash");
	default:
		app_poweroff(0);
	}
}

static void
main_suspend(void *arg)
{
	(void)arg;
	(void)suspend_run();
	main_suspending = false;
}

/*
 * Ending takes a thread of its own: unmounting needs the works of the
 * library, one of which called us; and so does a suspend, which stops them.
 */
static void
main_control(enum pv_control_op op)
{
	static bool ending;

	if (op == PV_CONTROL_SUSPEND) {
		if (ending || main_suspending)
			return;
		main_suspending = true;
		if (thread_create("suspend", main_suspend, NULL, 0) != NULL)
			return;
		main_suspending = false;
		klog(PV_LOG_ERR, "suspend: refused: no memory");
		return;
	}
	if (__atomic_exchange_n(&ending, true, __ATOMIC_SEQ_CST))
		return;
	if (thread_create("end", main_end, (void *)(uintptr_t)op, 0) == NULL)
		main_end((void *)(uintptr_t)op);
}

/* What a host does where it has no better way to ask. */
static void
main_button(enum arch_button button)
{
	if (button == ARCH_BUTTON_POWER) {
		klog(PV_LOG_INFO, "the power button was pressed");
		main_control(PV_CONTROL_POWEROFF);
	} else {
		klog(PV_LOG_WARN, "the sleep button was pressed: the guest "
		    "can not sleep; save it instead");
	}
}

/* pc_ncpu is set when it is known. */
static struct pv_client main_client = {
	.pc_blk_up = disk_up,
	.pc_blk_down = disk_down,
	.pc_blk_resized = disk_resized,
	.pc_net_up = net_up,
	.pc_net_down = net_down,
	.pc_serves_nets = true,
	.pc_cons_up = cons_up,
	.pc_cons_down = cons_down,
	.pc_balloon_up = balloon_up,
	.pc_balloon_down = balloon_down,
	.pc_rng_up = rng_up,
	.pc_rng_down = rng_down,
	.pc_scsi_up = hba_up,
	.pc_scsi_down = hba_down,
	.pc_control = main_control,
	.pc_sysrq = app_sysrq,
	.pc_suspends = true,
	.pc_setting = cmdline_setting
};

/* ---- root -------------------------------------------------------------- */

static void
main_root(void *arg)
{
	(void)arg;
	/* It says what is wrong; the guest goes on without files. */
	(void)fs_root_mount();
}

/* ---- app --------------------------------------------------------------- */

static void
main_app_thread(void *arg)
{
	const struct app *ap = arg;

	ap->ap_main();
}

/* The app that the command line names; NULL: none, or none that there is. */
static const struct app *
main_app_find(const char *name)
{
	unsigned int i;

	if (name == NULL)
		return NULL;
	for (i = 0; app_table[i] != NULL; i++) {
		if (strcmp(app_table[i]->ap_name, name) == 0)
			return app_table[i];
	}
	klog(PV_LOG_ERR, "app=%s: there is no such app; there are:", name);
	for (i = 0; app_table[i] != NULL; i++)
		klog(PV_LOG_ERR, "  app=%s  %s", app_table[i]->ap_name,
		    app_table[i]->ap_what);
	return NULL;
}

static void
main_app(const struct app *ap)
{
	if (ap != NULL && thread_create(ap->ap_name, main_app_thread,
	    (void *)(uintptr_t)ap, MAIN_APP_STACK) == NULL)
		klog(PV_LOG_ERR, "app=%s: no memory to start it",
		    ap->ap_name);
}

/* In an initial domain there is no toolstack, and PCI is the machine's. */
static bool
main_is_domu(const struct boot_info *bi)
{
	return bi->bi_xen && (bi->bi_xenboot.xb_flags & PV_XEN_DOM0) == 0;
}

/*
 * A domU's toolstack says which CPUs it shall have; XenStore may make us wait.
 *
 * Without Xen the other CPUs come after the PCI functions have been found: QEMU
 * with TCG (7.2, 10.0.13) loses one CPU's accesses to registers, its APIC's
 * too, or ends, when at that moment another changes the map of memory.
 */
static void
main_cpus(const struct boot_info *bi)
{
	if (main_is_domu(bi))
		cpu_follow();
	else
		cpu_all();
}

/*
 * guest_main -- see kernel.h
 */
void
guest_main(const struct boot_info *bi)
{
	const struct app *app = main_app_find(cmdline_get("app"));
	const char *name;
	unsigned int i;
	int rv;

	/* So that they are known also where they have no device to be for. */
	for (i = 0; (name = pv_setting_name(i)) != NULL; i++)
		(void)cmdline_get(name);
	net_init();
	main_client.pc_ncpu = arch_ncpu();
	if (app != NULL && app->ap_client != NULL)
		app->ap_client(&main_client);
	rv = pv_attach(&main_client, &bi->bi_xenboot);
	if (rv == -PV_ENODEV)
		probe_virtio(&main_client);
	else if (rv != 0)
		klog(PV_LOG_ERR, "no devices: attaching to the hypervisor "
		    "failed (error %d)", -rv);
	app_power_init();
	watchdog_start();
	arch_buttons(main_button);
	shell_start();
	if (thread_create("mount", main_root, NULL, MAIN_ROOT_STACK) == NULL)
		klog(PV_LOG_ERR, "no memory to mount the root file system");
	main_app(app);
	main_cpus(bi);
	/* Late, for the device model of an HVM guest is slow to answer. */
	if (main_is_domu(bi))
		probe_virtio(&main_client);
	/* Apps and drivers ask for their settings when they start. */
	thread_sleep(MAIN_SETTLE);
	cmdline_check();
}
