/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.c -- block devices by name, their partitions, and synchronous I/O.
 *
 *	struct pv_blk  1 --- 1  struct disk_dev  1 --- n  struct disk
 *	(the driver's)          (slots, state)            (whole, partitions)
 *
 * A transfer is cut into requests of at most bk_maxio bytes.  Each takes one
 * of the device's slots, so that memory for I/O is bounded and allocated when
 * the device comes; a transfer that needs more waits for slots, which come
 * back by themselves.  The thread that wants the transfer waits until the
 * last of its requests is answered, whatever happens to the device: the
 * buffers are on loan to the driver until then.
 *
 * On their way to the driver requests pass dd_queue, where they wait when it
 * is plugged or the device takes no more, and are merged (disk_queue.h).
 * disk_run() puts to the device what waits: after each request that comes,
 * after each answer, and before anybody sleeps for one.
 *
 * Each device that comes has its partition table read by a thread of its own,
 * and is seen by others only then (dd_looking): one that never answers stops
 * none of those that come after it.
 *
 * A device that goes away: disk_down() takes its disks off the list and sets
 * dd_gone, so nothing more is submitted, and waits for the requests in
 * flight.  Whoever still holds a struct disk open gets -PV_ENXIO from then
 * on; the last close frees it.
 *
 * Locks: disk_mtx  lists, open counts, lives (threads)
 *        dd_lock   slots, requests in flight (any context); taken inside
 */

#include <disk.h>

#include <arch.h>
#include <disk_dev.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <printf.h>
#include <pv/pv.h>
#include <sched.h>
#include <string.h>
#include <sync.h>

#define DISK_RETRY	(10 * NSEC_PER_MSEC)
#define DISK_DOWN_WAIT	(10 * NSEC_PER_SEC)

static struct mutex disk_mtx;
static struct condvar disk_came;
static struct disk_dev *disk_devs;

/* ---- requests ---------------------------------------------------------- */

/* See disk_dev.h. */
void
disk_slot_put(struct disk_dev *dd, struct disk_slot *ds)
{
	unsigned long s;

	s = spin_lock(&dd->dd_lock);
	ds->ds_next = dd->dd_free;
	dd->dd_free = ds;
	dd->dd_nflight--;
	if (dd->dd_gone && dd->dd_nflight == 0)
		sem_post(&dd->dd_idle);
	sem_post(&dd->dd_slots);
	spin_unlock(&dd->dd_lock, s);
}

/*
 * A slot's request is answered.  The transfer may be on a stack that is gone
 * as soon as its thread knows: dx_done is posted with the lock held, and the
 * thread takes the lock once before it leaves.
 */
static void
disk_slot_answer(struct disk_slot *ds, int rv)
{
	struct pv_blk_req *user = ds->ds_user;
	struct disk_xfer *dx = ds->ds_xfer;
	struct disk_dev *dd = ds->ds_dev;
	unsigned long s;

	s = spin_lock(&dd->dd_lock);
	disk_queue_count(&dd->dd_counts, ds, rv, arch_now());
	spin_unlock(&dd->dd_lock, s);
	disk_slot_put(dd, ds);
	if (user != NULL) {
		user->br_done(user, rv);
		return;
	}
	s = spin_lock(&dd->dd_lock);
	if (rv != 0 && dx->dx_rv == 0)
		dx->dx_rv = rv;
	sem_post(&dx->dx_done);
	spin_unlock(&dd->dd_lock, s);
}

/* The same for all that were merged into one. */
static void
disk_slot_answer_all(struct disk_slot *ds, int rv)
{
	struct disk_slot *next;

	for (; ds != NULL; ds = next) {
		next = ds->ds_merged;
		disk_slot_answer(ds, rv);
	}
}

/* The next to put to the device, or NULL.  gone: it can not be. */
static struct disk_slot *
disk_run_next(struct disk_dev *dd, bool plug, bool *gone)
{
	struct disk_slot *ds = NULL;
	unsigned long s;

	s = spin_lock(&dd->dd_lock);
	*gone = dd->dd_gone;
	if (dd->dd_queue.dq_nplug == 0 || !plug || *gone)
		ds = disk_queue_next(&dd->dd_queue);
	if (ds != NULL)
		dd->dd_counts.dk_nput++;
	spin_unlock(&dd->dd_lock, s);
	return ds;
}

/* It is full; true when it has gone meanwhile and nobody else will look. */
static bool
disk_run_later(struct disk_dev *dd, struct disk_slot *ds)
{
	unsigned long s;
	bool gone;

	s = spin_lock(&dd->dd_lock);
	disk_queue_back(&dd->dd_queue, ds);
	dd->dd_counts.dk_nput--;
	gone = dd->dd_gone;
	spin_unlock(&dd->dd_lock, s);
	return gone;
}

/*
 * Put to the device what waits, as much as it takes; plug: unless the queue
 * is plugged.  Context: deferred, thread.
 */
static void
disk_run(struct disk_dev *dd, bool plug)
{
	struct disk_slot *ds;
	bool gone;
	int rv;

	while ((ds = disk_run_next(dd, plug, &gone)) != NULL) {
		rv = gone ? -PV_ENXIO :
		    pv_blk_submit(dd->dd_blk, &ds->ds_req);
		if (rv == -PV_EAGAIN && !disk_run_later(dd, ds))
			break;
		if (rv != 0 && rv != -PV_EAGAIN)
			disk_slot_answer_all(ds, rv);
	}
}

/* The driver is through with a request. */
static void
disk_done(struct pv_blk_req *br, int rv)
{
	struct disk_slot *ds = br->br_arg;
	struct disk_dev *dd = ds->ds_dev;
	unsigned long s;

	/* One of ours: the device can not go before we are through. */
	s = spin_lock(&dd->dd_lock);
	dd->dd_nflight++;
	spin_unlock(&dd->dd_lock, s);
	disk_slot_answer_all(ds, rv);
	disk_run(dd, true);
	s = spin_lock(&dd->dd_lock);
	if (--dd->dd_nflight == 0 && dd->dd_gone)
		sem_post(&dd->dd_idle);
	spin_unlock(&dd->dd_lock, s);
}

/*
 * Sleep until a semaphore is posted.  What waits in the queue goes first, and
 * is tried again while the device is full of what others asked of it.
 */
static void
disk_sleep(struct disk_dev *dd, struct sem *sm)
{
	if (sem_trywait(sm))
		return;
	do
		disk_run(dd, false);
	while (sem_wait(sm, arch_now() + DISK_RETRY) != 0);
}

/* See disk_dev.h. */
struct disk_slot *
disk_slot_take(struct disk_dev *dd)
{
	struct disk_slot *ds;
	unsigned long s;

	s = spin_lock(&dd->dd_lock);
	ds = NULL;
	if (!dd->dd_gone) {
		ds = dd->dd_free;
		dd->dd_free = ds->ds_next;
		dd->dd_nflight++;
	}
	spin_unlock(&dd->dd_lock, s);
	if (ds == NULL)
		sem_post(&dd->dd_slots);
	return ds;
}

/* The same, when there is one. */
static struct disk_slot *
disk_slot_get(struct disk_dev *dd)
{
	disk_sleep(dd, &dd->dd_slots);
	return disk_slot_take(dd);
}

static size_t
disk_maxio(const struct disk_dev *dd)
{
	const struct pv_blk *bk = dd->dd_blk;
	size_t max = bk->bk_maxio - bk->bk_maxio % bk->bk_bsize;

	return max != 0 ? max : bk->bk_bsize;
}

/* See disk_dev.h. */
void
disk_slot_start(struct disk_dev *dd, struct disk_slot *ds)
{
	size_t max = disk_maxio(dd);
	unsigned long s;

	ds->ds_dev = dd;
	ds->ds_req.br_iov = ds->ds_iov;
	ds->ds_req.br_done = disk_done;
	ds->ds_req.br_arg = ds;
	ds->ds_start = arch_now();
	s = spin_lock(&dd->dd_lock);
	if (disk_queue_add(&dd->dd_queue, ds, max))
		dd->dd_counts.dk_nmerged++;
	spin_unlock(&dd->dd_lock, s);
	disk_run(dd, true);
}

/* The same for a part of a transfer; dx_done tells of it. */
static void
disk_slot_submit(struct disk_xfer *dx, struct disk_slot *ds)
{
	ds->ds_xfer = dx;
	ds->ds_user = NULL;
	ds->ds_req.br_cpu = arch_cpu()->cpu_id;
	dx->dx_nflight++;
	disk_slot_start(dx->dx_dev, ds);
}

void
disk_plug(struct disk *d)
{
	struct disk_dev *dd = d->d_dev;
	unsigned long s;

	s = spin_lock(&dd->dd_lock);
	dd->dd_queue.dq_nplug++;
	spin_unlock(&dd->dd_lock, s);
}

void
disk_unplug(struct disk *d)
{
	struct disk_dev *dd = d->d_dev;
	unsigned long s;

	s = spin_lock(&dd->dd_lock);
	dd->dd_queue.dq_nplug--;
	spin_unlock(&dd->dd_lock, s);
	disk_run(dd, true);
}

/* ---- transfers --------------------------------------------------------- */

/*
 * Is the transfer well-formed and within the disk?  Returns its sectors in
 * *nsectp.
 */
static int
disk_check(const struct disk *d, uint64_t sect, const struct pv_iov *iov,
    unsigned int niov, uint64_t *nsectp)
{
	uint64_t nsect = 0;
	unsigned int i;

	for (i = 0; i < niov; i++) {
		if (iov[i].iov_len % d->d_bsize != 0 ||
		    (uintptr_t)iov[i].iov_base % PV_SECT_SIZE != 0)
			return -PV_EINVAL;
		nsect += iov[i].iov_len / PV_SECT_SIZE;
	}
	if (sect % (d->d_bsize / PV_SECT_SIZE) != 0 || sect > d->d_nsect ||
	    nsect > d->d_nsect - sect)
		return -PV_EINVAL;
	*nsectp = nsect;
	return 0;
}

/* The first failure among the answers so far. */
static int
disk_xfer_error(struct disk_xfer *dx)
{
	unsigned long s;
	int rv;

	s = spin_lock(&dx->dx_dev->dd_lock);
	rv = dx->dx_rv;
	spin_unlock(&dx->dx_dev->dd_lock, s);
	return rv;
}

/* Nothing was answered badly so far, but this failed. */
static void
disk_xfer_fail(struct disk_xfer *dx, int rv)
{
	unsigned long s;

	s = spin_lock(&dx->dx_dev->dd_lock);
	if (dx->dx_rv == 0)
		dx->dx_rv = rv;
	spin_unlock(&dx->dx_dev->dd_lock, s);
}

void
disk_start(struct disk_xfer *dx, struct disk *d, enum pv_blk_op op,
    uint64_t sect, const struct pv_iov *iov, unsigned int niov)
{
	struct disk_dev *dd = d->d_dev;
	struct disk_cursor dc = { .dc_iov = iov, .dc_niov = niov };
	struct disk_slot *ds;
	uint64_t nsect;
	size_t len;
	int rv;

	memset(dx, 0, sizeof(*dx));
	dx->dx_dev = dd;
	rv = disk_check(d, sect, iov, niov, &nsect);
	while (rv == 0 && nsect > 0 && disk_xfer_error(dx) == 0) {
		ds = disk_slot_get(dd);
		if (ds == NULL) {
			rv = -PV_ENXIO;
			break;
		}
		len = disk_queue_fill(ds, &dc, disk_maxio(dd));
		ds->ds_req.br_op = op;
		ds->ds_req.br_sect = d->d_start + sect;
		ds->ds_req.br_nsect = len / PV_SECT_SIZE;
		sect += len / PV_SECT_SIZE;
		nsect -= len / PV_SECT_SIZE;
		disk_slot_submit(dx, ds);
	}
	if (rv != 0)
		disk_xfer_fail(dx, rv);
}

int
disk_finish(struct disk_xfer *dx)
{
	for (; dx->dx_nflight > 0; dx->dx_nflight--)
		disk_sleep(dx->dx_dev, &dx->dx_done);
	return disk_xfer_error(dx);
}

int
disk_iov(struct disk *d, enum pv_blk_op op, uint64_t sect,
    const struct pv_iov *iov, unsigned int niov)
{
	struct disk_xfer dx;

	disk_start(&dx, d, op, sect, iov, niov);
	return disk_finish(&dx);
}

int
disk_read(struct disk *d, uint64_t sect, void *buf, size_t nsect)
{
	struct pv_iov iov = { buf, nsect * PV_SECT_SIZE };

	return disk_iov(d, PV_BLK_READ, sect, &iov, 1);
}

int
disk_write(struct disk *d, uint64_t sect, const void *buf, size_t nsect)
{
	struct pv_iov iov;

	/* pv_iov has one type for both ways; the driver only reads it. */
	iov.iov_base = (void *)(uintptr_t)buf;
	iov.iov_len = nsect * PV_SECT_SIZE;
	return disk_iov(d, PV_BLK_WRITE, sect, &iov, 1);
}

int
disk_flush(struct disk *d)
{
	struct disk_dev *dd = d->d_dev;
	struct disk_xfer dx = { .dx_dev = dd };
	struct disk_slot *ds;
	int rv;

	ds = disk_slot_get(dd);
	if (ds == NULL)
		return -PV_ENXIO;
	if ((dd->dd_blk->bk_flags & PV_BLK_CANFLUSH) == 0) {
		disk_slot_put(dd, ds);
		return 0;
	}
	ds->ds_req.br_op = PV_BLK_FLUSH;
	ds->ds_req.br_sect = ds->ds_req.br_nsect = 0;
	ds->ds_req.br_niov = 0;
	disk_slot_submit(&dx, ds);
	rv = disk_finish(&dx);
	/* A back end may say that it can and then not. */
	return rv == -PV_EOPNOTSUPP ? 0 : rv;
}

/* Sectors of one request of an operation on ranges; the device's limit. */
static uint64_t
disk_range_max(const struct disk_dev *dd, enum pv_blk_op op)
{
	const struct pv_blk *bk = dd->dd_blk;
	uint32_t max = bk->bk_maxdiscard;

	if (op == PV_BLK_WRITE_ZEROES)
		max = bk->bk_maxzero;
	else if (op == PV_BLK_SECURE_DISCARD)
		max = bk->bk_maxsecure;
	if (max == 0)
		max = UINT32_MAX;
	return max - max % (bk->bk_bsize / PV_SECT_SIZE);
}

int
disk_range(struct disk *d, enum pv_blk_op op, uint64_t sect, uint64_t nsect)
{
	struct disk_dev *dd = d->d_dev;
	struct disk_xfer dx = { .dx_dev = dd };
	struct disk_slot *ds;
	uint64_t n;

	if (((sect | nsect) & (d->d_bsize / PV_SECT_SIZE - 1)) != 0 ||
	    sect > d->d_nsect || nsect > d->d_nsect - sect)
		return -PV_EINVAL;
	while (nsect > 0 && disk_xfer_error(&dx) == 0) {
		ds = disk_slot_get(dd);
		if (ds == NULL)
			return disk_finish(&dx) != 0 ? dx.dx_rv : -PV_ENXIO;
		n = disk_range_max(dd, op);
		n = nsect < n ? nsect : n;
		ds->ds_req.br_op = op;
		ds->ds_req.br_flags = PV_BLK_UNMAP;
		ds->ds_req.br_sect = d->d_start + sect;
		ds->ds_req.br_nsect = n;
		ds->ds_req.br_niov = 0;
		sect += n;
		nsect -= n;
		disk_slot_submit(&dx, ds);
	}
	return disk_finish(&dx);
}

int
disk_wcache(struct disk *d, bool on)
{
	struct disk_dev *dd = d->d_dev;
	int rv = -PV_ENXIO;

	mutex_lock(&disk_mtx);
	if (!dd->dd_gone)
		rv = dd->dd_blk->bk_ops->bo_wcache == NULL ?
		    -PV_EOPNOTSUPP :
		    dd->dd_blk->bk_ops->bo_wcache(dd->dd_blk->bk_sc, on);
	mutex_unlock(&disk_mtx);
	return rv;
}

/* ---- names ------------------------------------------------------------- */

/* The disks of a device, as others see them.  Lock: disk_mtx. */
static struct disk *
disk_first(const struct disk_dev *dd)
{
	return dd->dd_looking ? NULL : dd->dd_disks;
}

static struct disk *
disk_find(const char *name)
{
	struct disk_dev *dd;
	struct disk *d;

	for (dd = disk_devs; dd != NULL; dd = dd->dd_next)
		for (d = disk_first(dd); d != NULL; d = d->d_next)
			if (strcmp(d->d_name, name) == 0)
				return d;
	return NULL;
}

struct disk *
disk_open(const char *name)
{
	struct disk *d;

	mutex_lock(&disk_mtx);
	d = disk_find(name);
	if (d != NULL) {
		d->d_nopen++;
		d->d_dev->dd_nopen++;
		pv_blk_open(d->d_dev->dd_blk);
	}
	mutex_unlock(&disk_mtx);
	return d;
}

static void
disk_dev_free(struct disk_dev *dd)
{
	struct disk *d;

	while ((d = dd->dd_disks) != NULL) {
		dd->dd_disks = d->d_next;
		kfree(d);
	}
	kfree(dd);
}

void
disk_close(struct disk *d)
{
	struct disk_dev *dd = d->d_dev;
	bool last;

	mutex_lock(&disk_mtx);
	d->d_nopen--;
	dd->dd_nopen--;
	if (!dd->dd_gone)
		pv_blk_close(dd->dd_blk);
	last = dd->dd_gone && dd->dd_nopen == 0;
	mutex_unlock(&disk_mtx);
	if (last)
		disk_dev_free(dd);
}

int
disk_wait(const char *name, uint64_t deadline)
{
	int rv = 0;

	mutex_lock(&disk_mtx);
	while (disk_find(name) == NULL && rv == 0)
		rv = cond_wait(&disk_came, &disk_mtx, deadline);
	if (disk_find(name) != NULL)
		rv = 0;
	mutex_unlock(&disk_mtx);
	return rv;
}

const char *
disk_name(const struct disk *d)
{
	return d->d_name;
}

static void
disk_info_fill(const struct disk *d, struct disk_info *dk)
{
	memset(dk, 0, sizeof(*dk));
	memcpy(dk->dk_name, d->d_name, sizeof(dk->dk_name));
	memcpy(dk->dk_type, d->d_type, sizeof(dk->dk_type));
	dk->dk_nsect = d->d_nsect;
	dk->dk_bsize = d->d_bsize;
	dk->dk_part = d->d_part;
	dk->dk_start = d->d_start;
	dk->dk_users = d->d_nopen;
	if (d->d_dev->dd_gone)
		return;
	dk->dk_flags = d->d_dev->dd_blk->bk_flags;
	dk->dk_blk = d->d_dev->dd_blk;
}

void
disk_stat(struct disk *d, struct disk_info *dk)
{
	mutex_lock(&disk_mtx);
	disk_info_fill(d, dk);
	mutex_unlock(&disk_mtx);
}

void
disk_counts(struct disk *d, struct disk_counts *dk)
{
	struct disk_dev *dd = d->d_dev;
	unsigned long s;

	s = spin_lock(&dd->dd_lock);
	*dk = dd->dd_counts;
	dk->dk_nwait = dd->dd_queue.dq_nwait;
	dk->dk_nflight = dd->dd_nflight;
	spin_unlock(&dd->dd_lock, s);
}

int
disk_info(unsigned int n, struct disk_info *dk)
{
	struct disk_dev *dd;
	struct disk *d;
	int rv = -PV_ENOENT;

	mutex_lock(&disk_mtx);
	for (dd = disk_devs; dd != NULL && rv != 0; dd = dd->dd_next) {
		for (d = disk_first(dd); d != NULL && n > 0; d = d->d_next)
			n--;
		if (d != NULL) {
			disk_info_fill(d, dk);
			rv = 0;
		}
	}
	mutex_unlock(&disk_mtx);
	return rv;
}

/* ---- coming and going -------------------------------------------------- */

struct disk *
disk_create(struct disk_dev *dd, uint64_t start, uint64_t nsect)
{
	struct disk *d, **dp;

	d = kmalloc(sizeof(*d));
	if (d == NULL)
		return NULL;
	d->d_dev = dd;
	d->d_start = start;
	d->d_nsect = nsect;
	d->d_bsize = dd->dd_blk->bk_bsize;
	for (dp = &dd->dd_disks; *dp != NULL; dp = &(*dp)->d_next)
		;
	*dp = d;
	return d;
}

static struct disk_dev *
disk_dev_create(struct pv_blk *bk)
{
	struct disk_dev *dd;
	struct disk *d;
	unsigned int i;

	dd = kmalloc(sizeof(*dd));
	if (dd == NULL)
		return NULL;
	dd->dd_blk = bk;
	dd->dd_looking = true;
	dd->dd_counts.dk_since = arch_now();
	for (i = 0; i < DISK_NSLOT; i++) {
		dd->dd_slot[i].ds_next = dd->dd_free;
		dd->dd_free = &dd->dd_slot[i];
		sem_post(&dd->dd_slots);
	}
	d = disk_create(dd, 0, bk->bk_nsect);
	if (d == NULL) {
		kfree(dd);
		return NULL;
	}
	printf_format(d->d_name, sizeof(d->d_name), "%s", bk->bk_name);
	return dd;
}

/* The thread of a device that has come; the last one to leave it frees it. */
static void
disk_look(void *arg)
{
	struct disk_dev *dd = arg;
	struct disk *d = dd->dd_disks;
	bool last;

	disk_part_scan(d);
	mutex_lock(&disk_mtx);
	dd->dd_looking = false;
	last = dd->dd_gone && dd->dd_nopen == 0;
	if (!dd->dd_gone)
		klog(PV_LOG_INFO, "disk: %s: %llu MiB, blocks of %u%s, %s",
		    d->d_name, (unsigned long long)d->d_nsect >> 11,
		    d->d_bsize, dd->dd_blk->bk_flags & PV_BLK_RO ?
		    ", read-only" : "", strchr(d->d_type, ' ') != NULL ?
		    d->d_type + 12 : "");
	mutex_unlock(&disk_mtx);
	if (last)
		disk_dev_free(dd);
	else
		cond_broadcast(&disk_came);
}

void
disk_up(struct pv_blk *bk)
{
	struct disk_dev *dd, **ddp;
	bool looking = false;

	if (bk->bk_bsize < PV_SECT_SIZE || bk->bk_bsize % PV_SECT_SIZE != 0 ||
	    bk->bk_name[0] == '\0') {
		klog(PV_LOG_ERR, "disk: %s has blocks of %u bytes: not used",
		    bk->bk_name, bk->bk_bsize);
		return;
	}
	dd = disk_dev_create(bk);
	mutex_lock(&disk_mtx);
	if (dd != NULL)
		looking = thread_create("disk", disk_look, dd, 0) != NULL;
	if (looking) {
		for (ddp = &disk_devs; *ddp != NULL; ddp = &(*ddp)->dd_next)
			;
		*ddp = dd;
	}
	mutex_unlock(&disk_mtx);
	if (looking)
		return;
	klog(PV_LOG_ERR, "disk: no memory for %s", bk->bk_name);
	if (dd != NULL)
		disk_dev_free(dd);
}

void
disk_down(struct pv_blk *bk)
{
	struct disk_dev *dd, **ddp;
	unsigned int nopen, nflight;
	unsigned long s;
	bool last;

	mutex_lock(&disk_mtx);
	for (ddp = &disk_devs; (dd = *ddp) != NULL; ddp = &dd->dd_next)
		if (dd->dd_blk == bk)
			break;
	if (dd == NULL) {
		mutex_unlock(&disk_mtx);
		return;
	}
	*ddp = dd->dd_next;
	s = spin_lock(&dd->dd_lock);
	dd->dd_gone = true;
	nflight = dd->dd_nflight;
	spin_unlock(&dd->dd_lock, s);
	nopen = dd->dd_nopen;
	while (nopen-- > 0)
		pv_blk_close(bk);
	nopen = dd->dd_nopen++;		/* ours, for the wait */
	mutex_unlock(&disk_mtx);
	disk_run(dd, false);		/* what waits fails */

	if (nopen > 0)
		klog(PV_LOG_WARN, "disk: %s went away while in use",
		    dd->dd_disks->d_name);
	if (nflight > 0 &&
	    sem_wait(&dd->dd_idle, arch_now() + DISK_DOWN_WAIT) != 0)
		klog(PV_LOG_ERR, "disk: %s: requests are still not answered",
		    dd->dd_disks->d_name);
	/* Who posted has let go of the lock. */
	s = spin_lock(&dd->dd_lock);
	spin_unlock(&dd->dd_lock, s);
	mutex_lock(&disk_mtx);
	last = --dd->dd_nopen == 0 && !dd->dd_looking;
	mutex_unlock(&disk_mtx);
	if (last)
		disk_dev_free(dd);
}

void
disk_resized(struct pv_blk *bk)
{
	struct disk_dev *dd;

	mutex_lock(&disk_mtx);
	for (dd = disk_devs; dd != NULL; dd = dd->dd_next) {
		if (dd->dd_blk != bk)
			continue;
		dd->dd_disks->d_nsect = bk->bk_nsect;
		klog(PV_LOG_INFO, "disk: %s: now %llu MiB", bk->bk_name,
		    (unsigned long long)bk->bk_nsect >> 11);
	}
	mutex_unlock(&disk_mtx);
}
