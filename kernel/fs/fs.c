/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fs.c -- mounts.
 *
 * A mount lives on fs_list.  fs_get() finds the one that a path lies on and
 * counts itself in f_busy, so that an unmount waits for the calls under way;
 * open files hold the mount by f_nopen.  At shutdown fs_unmount_all() writes
 * what there is to write and marks the mounts dead: open files get -PV_ENXIO
 * from then on.
 *
 * Locks: fs_sx (the list; alone to change it), then a mount's f_mtx.  Never
 * the other way.
 */

#include <fs/fs.h>

#include <arch.h>
#include <disk.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <path.h>
#include <printf.h>
#include <pv/errno.h>
#include <sched.h>
#include <string.h>

#define FS_SYNC_EVERY	(5 * NSEC_PER_SEC)
#define FS_STOP_WAIT	(5 * NSEC_PER_SEC)
#define FS_STACK	(32 * 1024)	/* libext2fs goes deep */

static struct sx fs_sx;
static struct mutex fs_idle_mtx;
static struct condvar fs_idle;		/* some f_busy became 0 */
static struct fs *fs_list;
static bool fs_syncing;			/* the thread has been started */

/* ---- using a mount ----------------------------------------------------- */

/* Lock: fs_sx.  The mount whose path is the longest that fits. */
static struct fs *
fs_find(const char *path, const char **rest)
{
	struct fs *f, *best = NULL;
	const char *r;

	for (f = fs_list; f != NULL; f = f->f_next) {
		r = path_below(path, f->f_path);
		if (r == NULL || (best != NULL &&
		    strlen(best->f_path) > strlen(f->f_path)))
			continue;
		best = f;
		*rest = r;
	}
	return best;
}

/* Lock: fs_sx. */
static void
fs_busy(struct fs *f)
{
	__atomic_add_fetch(&f->f_busy, 1, __ATOMIC_RELAXED);
}

static void
fs_unbusy(struct fs *f)
{
	if (__atomic_sub_fetch(&f->f_busy, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	/* It may be gone now; who waits for that looks under this lock. */
	mutex_lock(&fs_idle_mtx);
	cond_broadcast(&fs_idle);
	mutex_unlock(&fs_idle_mtx);
}

struct fs *
fs_get(const char *path, const char **rest)
{
	struct fs *f;

	sx_slock(&fs_sx);
	f = fs_find(path, rest);
	if (f != NULL)
		fs_busy(f);
	sx_sunlock(&fs_sx);
	if (f == NULL)
		return NULL;
	mutex_lock(&f->f_mtx);
	if (f->f_dead) {
		fs_put(f);
		return NULL;
	}
	return f;
}

void
fs_put(struct fs *f)
{
	mutex_unlock(&f->f_mtx);
	fs_unbusy(f);
}

int
fs_enter(struct fs *f)
{
	mutex_lock(&f->f_mtx);
	if (!f->f_dead)
		return 0;
	mutex_unlock(&f->f_mtx);
	return -PV_ENXIO;
}

void
fs_leave(struct fs *f)
{
	mutex_unlock(&f->f_mtx);
}

void
fs_dirty(struct fs *f)
{
	f->f_dirty = true;
}

/* ---- sync -------------------------------------------------------------- */

/* Lock: f_mtx. */
static int
fs_sync_one(struct fs *f)
{
	int rv;

	if (!f->f_writable || !f->f_dirty || f->f_dead)
		return 0;
	rv = fs_ext_sync(f);
	f->f_dirty = false;
	if (rv != 0) {
		klog(PV_LOG_ERR, "fs: %s: writing failed (error %d): read-only"
		    " from now on; run e2fsck on the host", f->f_disk, -rv);
		f->f_writable = false;
	}
	return rv;
}

/*
 * The n-th mount, counted in f_busy; NULL at the end.
 */
static struct fs *
fs_nth(unsigned int n)
{
	struct fs *f;

	sx_slock(&fs_sx);
	for (f = fs_list; f != NULL && n > 0; n--)
		f = f->f_next;
	if (f != NULL)
		fs_busy(f);
	sx_sunlock(&fs_sx);
	return f;
}

int
fs_sync(void)
{
	struct fs *f;
	unsigned int n;
	int rv = 0, one;

	for (n = 0; (f = fs_nth(n)) != NULL; n++) {
		mutex_lock(&f->f_mtx);
		one = fs_sync_one(f);
		mutex_unlock(&f->f_mtx);
		fs_unbusy(f);
		if (rv == 0)
			rv = one;
	}
	return rv;
}

static void
fs_sync_main(void *arg)
{
	for (;;) {
		thread_sleep(FS_SYNC_EVERY);
		(void)fs_sync();
	}
}

/* Lock: fs_sx. */
static void
fs_sync_start(void)
{
	if (fs_syncing)
		return;
	fs_syncing = thread_create("fssync", fs_sync_main, NULL,
	    FS_STACK) != NULL;
	if (!fs_syncing)
		klog(PV_LOG_WARN, "fs: no memory for the sync thread: changes"
		    " are written at unmount");
}

/* ---- mount ------------------------------------------------------------- */

/* Lock: fs_sx. */
static bool
fs_taken(const char *disk, const char *path)
{
	struct fs *f;

	for (f = fs_list; f != NULL; f = f->f_next) {
		if (strcmp(f->f_path, path) == 0) {
			klog(PV_LOG_ERR, "fs: %s is mounted at %s already",
			    f->f_disk, path);
			return true;
		}
		if (strcmp(f->f_disk, disk) == 0) {
			klog(PV_LOG_ERR, "fs: %s is mounted already, at %s",
			    disk, f->f_path);
			return true;
		}
	}
	return false;
}

static bool
fs_mountpoint_ok(const char *path)
{
	if (strcmp(path, "/") == 0)
		return true;
	return strncmp(path, "/mnt/", 5) == 0 && path[5] != '\0' &&
	    strchr(path + 5, '/') == NULL;
}

int
fs_mount(const char *disk, const char *path, bool writable)
{
	struct fs *f;
	int rv;

	f = kmalloc(sizeof(*f));
	if (f == NULL)
		return -PV_ENOMEM;
	if (path_plain(path, f->f_path, sizeof(f->f_path)) != 0 ||
	    !fs_mountpoint_ok(f->f_path) ||
	    strlen(disk) >= sizeof(f->f_disk)) {
		klog(PV_LOG_ERR, "fs: %s can not be mounted at %s: give / or"
		    " /mnt/NAME", disk, path);
		kfree(f);
		return -PV_EINVAL;
	}
	memcpy(f->f_disk, disk, strlen(disk) + 1);
	/* Mounts are rare: the list is locked while the disk is looked at. */
	sx_xlock(&fs_sx);
	mutex_lock(&f->f_mtx);
	rv = fs_taken(disk, f->f_path) ? -PV_EBUSY : fs_ext_open(f, writable);
	mutex_unlock(&f->f_mtx);
	if (rv == 0) {
		f->f_next = fs_list;
		fs_list = f;
		if (writable)
			fs_sync_start();
		klog(PV_LOG_INFO, "fs: %s mounted at %s%s", f->f_disk,
		    f->f_path, writable ? ", writable" : ", read-only");
	}
	sx_xunlock(&fs_sx);
	if (rv != 0)
		kfree(f);
	return rv;
}

/* ---- unmount ----------------------------------------------------------- */

/* Lock: fs_sx, alone.  Off the list, and wait until nobody is in it. */
static struct fs *
fs_unlist(const char *path)
{
	struct fs *f, **fp;

	for (fp = &fs_list; (f = *fp) != NULL; fp = &f->f_next)
		if (strcmp(f->f_path, path) == 0)
			break;
	if (f == NULL)
		return NULL;
	*fp = f->f_next;
	mutex_lock(&fs_idle_mtx);
	while (__atomic_load_n(&f->f_busy, __ATOMIC_ACQUIRE) > 0)
		(void)cond_wait(&fs_idle, &fs_idle_mtx, UINT64_MAX);
	mutex_unlock(&fs_idle_mtx);
	return f;
}

int
fs_unmount(const char *path)
{
	char plain[32];
	struct fs *f;
	int rv;

	if (path_plain(path, plain, sizeof(plain)) != 0)
		return -PV_ENOENT;
	sx_xlock(&fs_sx);
	f = fs_unlist(plain);
	if (f == NULL) {
		sx_xunlock(&fs_sx);
		return -PV_ENOENT;
	}
	if (f->f_nopen > 0) {
		f->f_next = fs_list;
		fs_list = f;
		sx_xunlock(&fs_sx);
		return -PV_EBUSY;
	}
	mutex_lock(&f->f_mtx);
	rv = f->f_dead ? 0 : fs_ext_close(f);
	mutex_unlock(&f->f_mtx);
	sx_xunlock(&fs_sx);
	kfree(f);
	return rv;
}

/* Lock: f_mtx.  Is some thread moving contents? */
static bool
fs_moving(const struct fs *f)
{
	const struct fs_node *nd;

	for (nd = f->f_nodes; nd != NULL; nd = nd->nd_next)
		if (nd->nd_nread > 0 || nd->nd_write)
			return true;
	return false;
}

/*
 * Close under open files.  What they have not written is lost; what moves
 * gets until the deadline.
 */
static void
fs_stop(struct fs *f, uint64_t deadline)
{
	while (!mutex_trylock(&f->f_mtx)) {
		if (arch_now() > deadline) {
			klog(PV_LOG_ERR, "fs: %s is busy and stays as it is:"
			    " run e2fsck on the host", f->f_disk);
			return;
		}
		thread_sleep(10 * NSEC_PER_MSEC);
	}
	while (fs_moving(f) &&
	    cond_wait(&f->f_cv, &f->f_mtx, deadline) == 0)
		;
	if (!f->f_dead) {
		fs_node_purge(f);
		(void)fs_ext_close(f);
		f->f_dead = true;
	}
	mutex_unlock(&f->f_mtx);
}

void
fs_unmount_all(void)
{
	uint64_t deadline = arch_now() + FS_STOP_WAIT;
	struct fs *f;
	unsigned int n;

	for (n = 0; (f = fs_nth(n)) != NULL; n++) {
		fs_stop(f, deadline);
		fs_unbusy(f);
	}
}

/* ---- telling ----------------------------------------------------------- */

int
fs_info(unsigned int n, struct fs_info *fi)
{
	struct ext2_super_block *sb;
	struct fs *f = fs_nth(n);

	if (f == NULL)
		return -PV_ENOENT;
	memset(fi, 0, sizeof(*fi));
	printf_format(fi->fi_path, sizeof(fi->fi_path), "%s", f->f_path);
	printf_format(fi->fi_disk, sizeof(fi->fi_disk), "%s", f->f_disk);
	if (fs_enter(f) == 0) {
		sb = f->f_e2->super;
		fi->fi_writable = f->f_writable;
		fi->fi_nbytes = ext2fs_blocks_count(sb) * f->f_e2->blocksize;
		fi->fi_nfree = ext2fs_free_blocks_count(sb) *
		    f->f_e2->blocksize;
		printf_format(fi->fi_type, sizeof(fi->fi_type), "%s",
		    ext2fs_has_feature_extents(sb) ? "ext4" :
		    ext2fs_has_feature_journal(sb) ? "ext3" : "ext2");
		fs_leave(f);
	}
	fs_unbusy(f);
	return 0;
}
