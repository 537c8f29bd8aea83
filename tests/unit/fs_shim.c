/* SPDX-License-Identifier: BSD-2-Clause */
/* fs_shim.c -- see fs_shim.h. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fs_shim.h"

#include <arch.h>
#include <disk.h>
#include <klog.h>
#include <mm.h>
#include <printf.h>
#include <pv/errno.h>
#include <sched.h>
#include <sync.h>

struct fs_shim_disk fs_shim_disk;
char fs_shim_log[65536];
uint64_t fs_shim_ram = 32u << 20;

struct disk {
	int		 fd;
	uint64_t	 nsect;
};

void
fs_shim_reset(const char *image)
{
	memset(&fs_shim_disk, 0, sizeof(fs_shim_disk));
	snprintf(fs_shim_disk.name, sizeof(fs_shim_disk.name), "xvda");
	snprintf(fs_shim_disk.path, sizeof(fs_shim_disk.path), "%s", image);
	fs_shim_disk.bsize = 512;
	fs_shim_disk.writes_left = -1;
	fs_shim_log[0] = '\0';
}

/* ---- disk.h ------------------------------------------------------------ */

struct disk *
disk_open(const char *name)
{
	struct stat st;
	struct disk *d;

	if (strcmp(name, fs_shim_disk.name) != 0 || fs_shim_disk.gone)
		return NULL;
	d = calloc(1, sizeof(*d));
	d->fd = open(fs_shim_disk.path, fs_shim_disk.ro ? O_RDONLY : O_RDWR);
	if (d->fd < 0 || fstat(d->fd, &st) != 0)
		abort();
	d->nsect = st.st_size / 512;
	fs_shim_disk.nopen++;
	return d;
}

void
disk_close(struct disk *d)
{
	close(d->fd);
	free(d);
	fs_shim_disk.nopen--;
}

void
disk_stat(struct disk *d, struct disk_info *dk)
{
	memset(dk, 0, sizeof(*dk));
	dk->dk_nsect = d->nsect;
	dk->dk_bsize = fs_shim_disk.bsize;
	dk->dk_flags = fs_shim_disk.ro ? PV_BLK_RO : 0;
	if (fs_shim_disk.candiscard)
		dk->dk_flags |= PV_BLK_CANDISCARD;
}

static int
shim_move(struct disk *d, enum pv_blk_op op, uint64_t at, void *buf, size_t n)
{
	ssize_t did;

	if ((uintptr_t)buf % 512 != 0 || n % fs_shim_disk.bsize != 0 ||
	    at % fs_shim_disk.bsize != 0 || at / 512 + n / 512 > d->nsect)
		return -PV_EINVAL;
	if (op == PV_BLK_READ) {
		fs_shim_disk.nread++;
		did = pread(d->fd, buf, n, at);
	} else {
		fs_shim_disk.nwrite++;
		if (fs_shim_disk.writes_left == 0)
			return -PV_EIO;
		if (fs_shim_disk.writes_left > 0)
			fs_shim_disk.writes_left--;
		did = pwrite(d->fd, buf, n, at);
	}
	return did == (ssize_t)n ? 0 : -PV_EIO;
}

int
disk_iov(struct disk *d, enum pv_blk_op op, uint64_t sect,
    const struct pv_iov *iov, unsigned int niov)
{
	unsigned int i;
	int rv = 0;

	for (i = 0; i < niov && rv == 0; i++) {
		rv = fs_shim_disk.gone ? -PV_ENXIO :
		    shim_move(d, op, sect * 512, iov[i].iov_base,
		    iov[i].iov_len);
		sect += iov[i].iov_len / 512;
	}
	return rv;
}

void
disk_start(struct disk_xfer *dx, struct disk *d, enum pv_blk_op op,
    uint64_t sect, const struct pv_iov *iov, unsigned int niov)
{
	memset(dx, 0x55, sizeof(*dx));
	dx->dx_nflight = 1;
	dx->dx_rv = disk_iov(d, op, sect, iov, niov);
}

int
disk_finish(struct disk_xfer *dx)
{
	if (dx->dx_nflight != 1)
		abort();
	dx->dx_nflight = 0;
	return dx->dx_rv;
}

int
disk_read(struct disk *d, uint64_t sect, void *buf, size_t nsect)
{
	struct pv_iov iov = { buf, nsect * 512 };

	return disk_iov(d, PV_BLK_READ, sect, &iov, 1);
}

int
disk_write(struct disk *d, uint64_t sect, const void *buf, size_t nsect)
{
	struct pv_iov iov = { (void *)(uintptr_t)buf, nsect * 512 };

	return disk_iov(d, PV_BLK_WRITE, sect, &iov, 1);
}

int
disk_flush(struct disk *d)
{
	(void)d;
	fs_shim_disk.nflush++;
	return fs_shim_disk.gone ? -PV_ENXIO : 0;
}

/* What is discarded is not zeros but rubbish. */
int
disk_range(struct disk *d, enum pv_blk_op op, uint64_t sect, uint64_t nsect)
{
	uint8_t junk[512];

	if (op != PV_BLK_DISCARD || !fs_shim_disk.candiscard ||
	    sect + nsect > d->nsect)
		abort();
	memset(junk, 0xd5, sizeof(junk));
	for (fs_shim_disk.ndiscard += nsect; nsect > 0; nsect--, sect++) {
		if (pwrite(d->fd, junk, sizeof(junk), sect * 512) !=
		    sizeof(junk))
			abort();
	}
	return 0;
}

/* ---- the rest of the kernel -------------------------------------------- */

void
klog(enum pv_loglevel level, const char *fmt, ...)
{
	size_t n = strlen(fs_shim_log);
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	vsnprintf(fs_shim_log + n, sizeof(fs_shim_log) - n - 2, fmt, ap);
	va_end(ap);
	strcat(fs_shim_log, "\n");
}

size_t
printf_vformat(char *buf, size_t size, const char *fmt, va_list ap)
{
	return vsnprintf(buf, size, fmt, ap);
}

size_t
printf_format(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

void *
kmalloc(size_t len)
{
	return len > (64u << 20) ? NULL : calloc(1, len);
}

void
kfree(void *p)
{
	free(p);
}

void *
page_alloc(unsigned int npg)
{
	void *p = aligned_alloc(PV_PAGE_SIZE, npg * PV_PAGE_SIZE);

	return p == NULL ? NULL : memset(p, 0, npg * PV_PAGE_SIZE);
}

void
page_free(void *va, unsigned int npg)
{
	(void)npg;
	free(va);
}

void
mm_stat(struct mm_stat *ms)
{
	memset(ms, 0, sizeof(*ms));
	ms->ms_total = fs_shim_ram;
}

uint64_t
arch_now(void)
{
	static uint64_t now;

	return now += 1000;
}

uint64_t
arch_wallclock(void)
{
	return (uint64_t)time(NULL) * 1000000000u;
}

/* One thread: a lock that is taken would never be released. */
static void
shim_take(struct lock *lk, uintptr_t by)
{
	if (lk->lk_word != 0)
		abort();
	lk->lk_word = by;
}

static void
shim_drop(struct lock *lk, uintptr_t by)
{
	if (lk->lk_word != by)
		abort();
	lk->lk_word = 0;
}

void
mutex_lock(struct mutex *mx)
{
	shim_take(&mx->mx_lock, 1);
}

bool
mutex_trylock(struct mutex *mx)
{
	if (mx->mx_lock.lk_word != 0)
		return false;
	mutex_lock(mx);
	return true;
}

void
mutex_unlock(struct mutex *mx)
{
	shim_drop(&mx->mx_lock, 1);
}

void
sx_slock(struct sx *sx)
{
	shim_take(&sx->sx_lock, 2);
}

void
sx_sunlock(struct sx *sx)
{
	shim_drop(&sx->sx_lock, 2);
}

void
sx_xlock(struct sx *sx)
{
	shim_take(&sx->sx_lock, 1);
}

void
sx_xunlock(struct sx *sx)
{
	shim_drop(&sx->sx_lock, 1);
}

int
cond_wait(struct condvar *cv, struct mutex *mx, uint64_t deadline)
{
	(void)cv;
	(void)mx;
	(void)deadline;
	abort();		/* nobody would wake us */
}

void
cond_broadcast(struct condvar *cv)
{
	(void)cv;
}

struct thread *
thread_create(const char *name, void (*fn)(void *), void *arg, size_t stack)
{
	(void)name;
	(void)fn;
	(void)arg;
	(void)stack;
	return (void *)1;
}

void
thread_sleep(uint64_t ns)
{
	(void)ns;
}
