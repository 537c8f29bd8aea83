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
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <part.h>
#include <printf.h>
#include <pv/pv.h>
#include <sched.h>
#include <string.h>
#include <sync.h>

#define DISK_NSLOT	16		/* requests in flight per device */
#define DISK_NIOV	32		/* pieces in one request */
#define DISK_RETRY	(10 * NSEC_PER_MSEC)
#define DISK_DOWN_WAIT	(10 * NSEC_PER_SEC)

struct disk_slot {
	struct pv_blk_req ds_req;
	struct pv_iov	 ds_iov[DISK_NIOV];
	struct disk_xfer *ds_xfer;
	struct disk_slot *ds_next;	/* while free */
};

struct disk_dev {
	struct disk_dev	*dd_next;
	struct pv_blk	*dd_blk;	/* valid until dd_gone */
	struct disk	*dd_disks;	/* the whole one first */
	unsigned int	 dd_nopen;	/* of all its disks */
	struct spinlock	 dd_lock;
	bool		 dd_gone;	/* dd_lock */
	unsigned int	 dd_nflight;	/* dd_lock */
	struct disk_slot *dd_free;	/* dd_lock */
	struct sem	 dd_slots;	/* counts dd_free */
	struct sem	 dd_idle;	/* posted: gone and none in flight */
	struct disk_slot dd_slot[DISK_NSLOT];
};

struct disk {
	struct disk	*d_next;	/* of the same device */
	struct disk_dev	*d_dev;
	char		 d_name[16];
	char		 d_type[40];
	uint64_t	 d_start, d_nsect;
	bool		 d_part;
	unsigned int	 d_nopen;
	uint32_t	 d_bsize;
};

static struct mutex disk_mtx;
static struct condvar disk_came;
static struct disk_dev *disk_devs;

/* ---- requests ---------------------------------------------------------- */

static void
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
 * The driver is through with a request.  The transfer may be on a stack that
 * is gone as soon as its thread knows: dx_done is posted with the lock held,
 * and the thread takes the lock once before it leaves.
 */
static void
disk_done(struct pv_blk_req *br, int rv)
{
	struct disk_slot *ds = br->br_arg;
	struct disk_xfer *dx = ds->ds_xfer;
	struct disk_dev *dd = dx->dx_dev;
	unsigned long s;

	disk_slot_put(dd, ds);
	s = spin_lock(&dd->dd_lock);
	if (rv != 0 && dx->dx_rv == 0)
		dx->dx_rv = rv;
	sem_post(&dx->dx_done);
	spin_unlock(&dd->dd_lock, s);
}

/*
 * Take a slot, and with it the right to use dd_blk until the slot is put
 * back.  NULL when the device is gone.
 */
static struct disk_slot *
disk_slot_get(struct disk_dev *dd)
{
	struct disk_slot *ds;
	unsigned long s;

	sem_wait(&dd->dd_slots, UINT64_MAX);
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

/*
 * Hand a filled slot to the driver.  A full queue empties by itself: try
 * again after an answer to us, or after a moment when others filled it.
 */
static int
disk_slot_submit(struct disk_xfer *dx, struct disk_slot *ds)
{
	struct disk_dev *dd = dx->dx_dev;
	int rv;

	ds->ds_xfer = dx;
	ds->ds_req.br_iov = ds->ds_iov;
	ds->ds_req.br_done = disk_done;
	ds->ds_req.br_arg = ds;
	ds->ds_req.br_cpu = arch_cpu()->cpu_id;
	for (;;) {
		dx->dx_nflight++;
		rv = dd->dd_gone ? -PV_ENXIO :
		    pv_blk_submit(dd->dd_blk, &ds->ds_req);
		if (rv == 0)
			return 0;
		dx->dx_nflight--;
		if (rv != -PV_EAGAIN)
			break;
		if (sem_wait(&dx->dx_done, arch_now() + DISK_RETRY) == 0)
			dx->dx_nflight--;
	}
	disk_slot_put(dd, ds);
	return rv;
}

/* ---- transfers --------------------------------------------------------- */

/* A place in a list of pieces. */
struct disk_cursor {
	const struct pv_iov *dc_iov;
	unsigned int	 dc_niov;
	size_t		 dc_off;	/* in the first piece */
};

/* Move up to max bytes of the list into a slot; returns how many. */
static size_t
disk_slot_fill(struct disk_slot *ds, struct disk_cursor *dc, size_t max)
{
	size_t n, len = 0;

	ds->ds_req.br_niov = 0;
	while (dc->dc_niov > 0 && len < max &&
	    ds->ds_req.br_niov < DISK_NIOV) {
		n = dc->dc_iov->iov_len - dc->dc_off;
		if (n > max - len)
			n = max - len;
		ds->ds_iov[ds->ds_req.br_niov].iov_base =
		    (char *)dc->dc_iov->iov_base + dc->dc_off;
		ds->ds_iov[ds->ds_req.br_niov++].iov_len = n;
		len += n;
		dc->dc_off += n;
		if (dc->dc_off == dc->dc_iov->iov_len) {
			dc->dc_iov++;
			dc->dc_niov--;
			dc->dc_off = 0;
		}
	}
	return len;
}

static size_t
disk_maxio(const struct disk_dev *dd)
{
	const struct pv_blk *bk = dd->dd_blk;
	size_t max = bk->bk_maxio - bk->bk_maxio % bk->bk_bsize;

	return max != 0 ? max : bk->bk_bsize;
}

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
		len = disk_slot_fill(ds, &dc, disk_maxio(dd));
		ds->ds_req.br_op = op;
		ds->ds_req.br_sect = d->d_start + sect;
		ds->ds_req.br_nsect = len / PV_SECT_SIZE;
		sect += len / PV_SECT_SIZE;
		nsect -= len / PV_SECT_SIZE;
		rv = disk_slot_submit(dx, ds);
	}
	if (rv != 0)
		disk_xfer_fail(dx, rv);
}

int
disk_finish(struct disk_xfer *dx)
{
	while (dx->dx_nflight > 0) {
		sem_wait(&dx->dx_done, UINT64_MAX);
		dx->dx_nflight--;
	}
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
	rv = disk_slot_submit(&dx, ds);
	if (rv != 0)
		return rv;
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
	int rv = 0, done;

	if (((sect | nsect) & (d->d_bsize / PV_SECT_SIZE - 1)) != 0 ||
	    sect > d->d_nsect || nsect > d->d_nsect - sect)
		return -PV_EINVAL;
	while (rv == 0 && nsect > 0 && disk_xfer_error(&dx) == 0) {
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
		rv = disk_slot_submit(&dx, ds);
	}
	done = disk_finish(&dx);
	return rv != 0 ? rv : done;
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

static struct disk *
disk_find(const char *name)
{
	struct disk_dev *dd;
	struct disk *d;

	for (dd = disk_devs; dd != NULL; dd = dd->dd_next)
		for (d = dd->dd_disks; d != NULL; d = d->d_next)
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

int
disk_info(unsigned int n, struct disk_info *dk)
{
	struct disk_dev *dd;
	struct disk *d;
	int rv = -PV_ENOENT;

	mutex_lock(&disk_mtx);
	for (dd = disk_devs; dd != NULL && rv != 0; dd = dd->dd_next) {
		for (d = dd->dd_disks; d != NULL && n > 0; d = d->d_next)
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

static struct disk *
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

static int
disk_part_read(void *arg, uint64_t block, void *buf)
{
	struct disk *d = arg;
	uint32_t f = d->d_bsize / PV_SECT_SIZE;

	return disk_read(d, block * f, buf, f);
}

static void
disk_part_warn(void *arg, const char *what, uint64_t num)
{
	struct disk *d = arg;

	if (num != 0)
		klog(PV_LOG_WARN, "disk: %s: partition %llu %s", d->d_name,
		    (unsigned long long)num, what);
	else
		klog(PV_LOG_WARN, "disk: %s: %s", d->d_name, what);
}

/*
 * Make a struct disk for each partition.  "xvda" has "xvda1", "nvme0" would
 * have "nvme0p1".
 */
static void
disk_parts_create(struct disk *whole, const struct part_table *pl)
{
	const struct part *pt;
	const char *sep = "";
	struct disk *d;
	unsigned int i;
	char last;

	last = whole->d_name[strlen(whole->d_name) - 1];
	if (last >= '0' && last <= '9')
		sep = "p";
	for (i = 0; i < pl->pl_npart; i++) {
		pt = &pl->pl_part[i];
		d = disk_create(whole->d_dev, pt->pt_start, pt->pt_nsect);
		if (d == NULL) {
			klog(PV_LOG_ERR, "disk: no memory for partition %u of"
			    " %s", pt->pt_num, whole->d_name);
			return;
		}
		d->d_part = true;
		printf_format(d->d_name, sizeof(d->d_name), "%s%s%u",
		    whole->d_name, sep, pt->pt_num);
		memcpy(d->d_type, pt->pt_type, sizeof(d->d_type));
	}
}

static void
disk_scan(struct disk *whole)
{
	struct part_table *pl;
	struct part_src ps = {
		.ps_nsect = whole->d_nsect, .ps_bsize = whole->d_bsize,
		.ps_read = disk_part_read, .ps_warn = disk_part_warn,
		.ps_arg = whole,
	};
	int rv;

	pl = kmalloc(sizeof(*pl));
	ps.ps_buf = page_alloc(1);
	if (pl == NULL || ps.ps_buf == NULL) {
		klog(PV_LOG_ERR, "disk: no memory to read the partitions of"
		    " %s", whole->d_name);
	} else {
		rv = part_scan(&ps, pl);
		if (rv != 0)
			klog(PV_LOG_WARN, "disk: %s: reading the partition"
			    " table failed (error %d)", whole->d_name, -rv);
		printf_format(whole->d_type, sizeof(whole->d_type),
		    "whole disk, %s", pl->pl_kind);
		disk_parts_create(whole, pl);
	}
	if (ps.ps_buf != NULL)
		page_free(ps.ps_buf, 1);
	kfree(pl);
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

void
disk_up(struct pv_blk *bk)
{
	struct disk_dev *dd, **ddp;
	struct disk *d;

	if (bk->bk_bsize < PV_SECT_SIZE || bk->bk_bsize % PV_SECT_SIZE != 0 ||
	    bk->bk_name[0] == '\0') {
		klog(PV_LOG_ERR, "disk: %s has blocks of %u bytes: not used",
		    bk->bk_name, bk->bk_bsize);
		return;
	}
	dd = disk_dev_create(bk);
	if (dd == NULL) {
		klog(PV_LOG_ERR, "disk: no memory for %s", bk->bk_name);
		return;
	}
	d = dd->dd_disks;
	disk_scan(d);
	klog(PV_LOG_INFO, "disk: %s: %llu MiB, blocks of %u%s, %s", d->d_name,
	    (unsigned long long)d->d_nsect >> 11, d->d_bsize,
	    bk->bk_flags & PV_BLK_RO ? ", read-only" : "",
	    strchr(d->d_type, ' ') != NULL ? d->d_type + 12 : "");

	mutex_lock(&disk_mtx);
	for (ddp = &disk_devs; *ddp != NULL; ddp = &(*ddp)->dd_next)
		;
	*ddp = dd;
	mutex_unlock(&disk_mtx);
	cond_broadcast(&disk_came);
}

void
disk_down(struct pv_blk *bk)
{
	struct disk_dev *dd, **ddp;
	unsigned int nopen, nflight;
	unsigned long s;

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

	if (nopen > 0)
		klog(PV_LOG_WARN, "disk: %s went away while in use",
		    dd->dd_disks->d_name);
	if (nflight > 0 &&
	    sem_wait(&dd->dd_idle, arch_now() + DISK_DOWN_WAIT) != 0)
		klog(PV_LOG_ERR, "disk: %s: requests are still not answered",
		    dd->dd_disks->d_name);
	mutex_lock(&disk_mtx);
	nopen = --dd->dd_nopen;
	mutex_unlock(&disk_mtx);
	if (nopen == 0)
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
