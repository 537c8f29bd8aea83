/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fs_root.c -- the file system at "/", as the command line wants it.
 *
 *	root=xvda1	that disk; root=none: no file system
 *	root.rw=1	writable (http.writable=1 asks for that, too)
 *	root.wait=30	seconds to wait for the disk
 *
 * Without root= the first disk, by name, with an ext file system on the
 * whole of it or on its first partition.
 */

#include <fs/fs.h>

#include <arch.h>
#include <cmdline.h>
#include <disk.h>
#include <kernel.h>
#include <klog.h>
#include <ktime.h>
#include <printf.h>
#include <pv/errno.h>
#include <sched.h>
#include <string.h>

#define FS_ROOT_STEP	(50 * NSEC_PER_MSEC)
#define FS_ROOT_SETTLE	(300 * NSEC_PER_MSEC)
#define FS_ROOT_QUICK	(2 * NSEC_PER_SEC)

static struct mutex fs_root_mtx;
static struct condvar fs_root_cv;
static bool fs_root_tried;

/* Has the hypervisor told of any block device? */
static bool
fs_root_expected(void)
{
	struct pv_dev_info di;
	unsigned int n;

	for (n = 0; pv_dev_info(n, &di) == 0; n++)
		if (strncmp(di.di_name, "vbd/", 4) == 0)
			return true;
	return false;
}

/* Wait until some disk is there; only for a moment when none is to come. */
static bool
fs_root_wait_any(uint64_t deadline)
{
	uint64_t quick = arch_now() + FS_ROOT_QUICK;
	struct disk_info dk;

	while (disk_info(0, &dk) != 0) {
		if (arch_now() >= deadline ||
		    (arch_now() >= quick && !fs_root_expected()))
			return false;
		thread_sleep(FS_ROOT_STEP);
	}
	thread_sleep(FS_ROOT_SETTLE);	/* let its brothers come */
	return true;
}

/*
 * Choose by name: of the disks with an ext file system the one that sorts
 * first, partitions only when there is none on a whole disk before them.
 */
static bool
fs_root_choose(char *name, size_t size)
{
	struct disk_info dk;
	unsigned int n;
	bool found = false;

	for (n = 0; disk_info(n, &dk) == 0; n++) {
		if (found && strcmp(dk.dk_name, name) >= 0)
			continue;
		if (!fs_ext_present(dk.dk_name))
			continue;
		printf_format(name, size, "%s", dk.dk_name);
		found = true;
	}
	return found;
}

static int
fs_root_find(char *name, size_t size, uint64_t deadline)
{
	const char *root = cmdline_get("root");
	struct disk_info dk;

	if (root != NULL) {
		if (strncmp(root, "/dev/", 5) == 0)
			root += 5;
		printf_format(name, size, "%s", root);
		if (disk_wait(name, deadline) == 0)
			return 0;
		klog(PV_LOG_ERR, "root: no disk %s: see `disks', attach one"
		    " with xl block-attach, or correct root=", name);
		return -PV_ENODEV;
	}
	if (!fs_root_wait_any(deadline)) {
		klog(PV_LOG_WARN, "root: no disk: attach one with xl"
		    " block-attach, then `mount DISK /'");
		return -PV_ENODEV;
	}
	if (fs_root_choose(name, size))
		return 0;
	/* Mounting the first will tell what is wrong with it. */
	if (disk_info(0, &dk) != 0)
		return -PV_ENODEV;
	printf_format(name, size, "%s", dk.dk_name);
	return 0;
}

static int
fs_root_try(void)
{
	uint64_t wait = cmdline_num("root.wait", 0, 600, 30);
	const char *root = cmdline_get("root");
	bool rw, http_rw;
	char name[16];
	int rv;

	rw = cmdline_bool("root.rw", false);
	http_rw = cmdline_bool("http.writable", false);
	if (root != NULL && strcmp(root, "none") == 0)
		return 0;
	rv = fs_root_find(name, sizeof(name), arch_now() +
	    wait * NSEC_PER_SEC);
	if (rv != 0)
		return rv;
	rv = fs_mount(name, "/", rw || http_rw);
	if (rv == -PV_EROFS && (rw || http_rw))
		rv = fs_mount(name, "/", false);
	return rv;
}

int
fs_root_mount(void)
{
	int rv = fs_root_try();

	mutex_lock(&fs_root_mtx);
	fs_root_tried = true;
	cond_broadcast(&fs_root_cv);
	mutex_unlock(&fs_root_mtx);
	return rv;
}

void
fs_root_wait(uint64_t deadline)
{
	int rv = 0;

	mutex_lock(&fs_root_mtx);
	while (!fs_root_tried && rv == 0)
		rv = cond_wait(&fs_root_cv, &fs_root_mtx, deadline);
	mutex_unlock(&fs_root_mtx);
}
