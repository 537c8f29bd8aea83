/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vdisk.c -- disks for other guests; see vdisk.h.
 *
 *	vdisk_submit() --vd_first..--> a thread --br_done-->
 *
 * The first thread opens what is to be served, for that may take the disk some
 * time; it is the only one for a file, whose calls come one after the other in
 * any case.  The last thread to leave closes it.
 *
 * Locks: vd_lock, for the queue and the state; vdisk_lock, for vdisk_nbusy.
 */

#include <vdisk.h>

#include <arch.h>
#include <disk.h>
#include <file.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <printf.h>
#include <pv/errno.h>
#include <pv/pv.h>
#include <sched.h>
#include <string.h>
#include <sync.h>

#define VDISK_NTHREAD	4u		/* for a disk */
#define VDISK_STACK	(32 * 1024)	/* libext2fs goes deep */
#define VDISK_MAXIO	(1024 * 1024u)
#define VDISK_TARGET	128
#define VDISK_OPEN_WAIT	(5 * NSEC_PER_SEC)
#define VDISK_STOP_WAIT	(10 * NSEC_PER_SEC)

struct vdisk {
	struct pv_blk	 vd_blk;
	char		 vd_target[VDISK_TARGET];
	bool		 vd_readonly;
	struct disk	*vd_disk;	/* one of the two */
	struct file	*vd_file;
	struct spinlock	 vd_lock;
	int		 vd_rv;		/* -PV_EAGAIN: being opened */
	bool		 vd_closed;
	unsigned int	 vd_nthread;
	struct pv_blk_req *vd_first, **vd_last;
	unsigned int	 vd_depth;
	struct sem	 vd_work;	/* one for each request, and to end */
};

static struct spinlock vdisk_lock;
static bool vdisk_stopped;
static unsigned int vdisk_nbusy;	/* requests being done */

/* ---- requests ---------------------------------------------------------- */

static int
vdisk_submit(void *sc, struct pv_blk_req *br)
{
	struct vdisk *vd = sc;
	unsigned long s;

	if (br->br_op != PV_BLK_READ && br->br_op != PV_BLK_FLUSH &&
	    vd->vd_readonly)
		return -PV_EROFS;
	if (br->br_sect > vd->vd_blk.bk_nsect ||
	    br->br_nsect > vd->vd_blk.bk_nsect - br->br_sect)
		return -PV_EINVAL;
	br->br_next = NULL;
	s = spin_lock(&vd->vd_lock);
	*vd->vd_last = br;
	vd->vd_last = &br->br_next;
	vd->vd_depth++;
	spin_unlock(&vd->vd_lock, s);
	sem_post(&vd->vd_work);
	return 0;
}

static const struct pv_blk_ops vdisk_ops = {
	.bo_submit = vdisk_submit
};

static int
vdisk_do_disk(struct vdisk *vd, struct pv_blk_req *br)
{
	switch (br->br_op) {
	case PV_BLK_READ:
	case PV_BLK_WRITE:
		return disk_iov(vd->vd_disk, br->br_op, br->br_sect,
		    br->br_iov, br->br_niov);
	case PV_BLK_FLUSH:
		return disk_flush(vd->vd_disk);
	default:
		return disk_range(vd->vd_disk, br->br_op, br->br_sect,
		    br->br_nsect);
	}
}

/* A piece of a file.  What is not there any more can not be read. */
static int
vdisk_do_piece(struct vdisk *vd, enum pv_blk_op op, uint64_t off,
    const struct pv_iov *iov)
{
	char *p = iov->iov_base;
	size_t left = iov->iov_len;
	ptrdiff_t n;

	while (left > 0) {
		n = op == PV_BLK_READ ? file_read(vd->vd_file, off, p, left) :
		    file_write(vd->vd_file, off, p, left);
		if (n <= 0)
			return n < 0 ? (int)n : -PV_EIO;
		off += (uint64_t)n;
		p += n;
		left -= (size_t)n;
	}
	return 0;
}

static int
vdisk_do_file(struct vdisk *vd, struct pv_blk_req *br)
{
	uint64_t off = br->br_sect * PV_SECT_SIZE;
	unsigned int i;
	int rv = 0;

	if (br->br_op == PV_BLK_FLUSH)
		return fs_sync();
	if (br->br_op != PV_BLK_READ && br->br_op != PV_BLK_WRITE)
		return -PV_EOPNOTSUPP;
	for (i = 0; rv == 0 && i < br->br_niov; i++) {
		rv = vdisk_do_piece(vd, br->br_op, off, &br->br_iov[i]);
		off += br->br_iov[i].iov_len;
	}
	/* Now, so that what does not fit is the failure of this request. */
	if (rv == 0 && br->br_op == PV_BLK_WRITE)
		rv = file_fsync(vd->vd_file);
	return rv;
}

/* False: the guest ends, and this request is not done. */
static bool
vdisk_busy(int by)
{
	unsigned long s = spin_lock(&vdisk_lock);
	bool go = !vdisk_stopped;

	if (go || by < 0)
		vdisk_nbusy += by;
	spin_unlock(&vdisk_lock, s);
	return go;
}

static void
vdisk_do(struct vdisk *vd, struct pv_blk_req *br)
{
	unsigned long s;
	int rv;

	if (!vdisk_busy(1))
		return;
	rv = vd->vd_disk != NULL ? vdisk_do_disk(vd, br) :
	    vdisk_do_file(vd, br);
	s = spin_lock(&vd->vd_lock);
	pv_blk_count(&vd->vd_blk, br->br_op, br->br_nsect, rv);
	vd->vd_depth--;
	spin_unlock(&vd->vd_lock, s);
	if (rv != 0)
		klog(PV_LOG_WARN, "vdisk: %s: sector %llu: error %d",
		    vd->vd_target, (unsigned long long)br->br_sect, -rv);
	/* Not counted as busy any more when the guest is told. */
	br->br_done(br, rv);
	(void)vdisk_busy(-1);
}

static struct pv_blk_req *
vdisk_next(struct vdisk *vd)
{
	struct pv_blk_req *br;
	unsigned long s;

	s = spin_lock(&vd->vd_lock);
	br = vd->vd_first;
	if (br != NULL)
		vd->vd_first = br->br_next;
	if (vd->vd_first == NULL)
		vd->vd_last = &vd->vd_first;
	spin_unlock(&vd->vd_lock, s);
	return br;
}

/* ---- open and close ---------------------------------------------------- */

static int
vdisk_open_disk(struct vdisk *vd)
{
	struct pv_blk *bk = &vd->vd_blk;
	struct disk_info dk;

	(void)disk_wait(vd->vd_target, arch_now() + VDISK_OPEN_WAIT);
	vd->vd_disk = disk_open(vd->vd_target);
	if (vd->vd_disk == NULL)
		return -PV_ENOENT;
	disk_stat(vd->vd_disk, &dk);
	bk->bk_nsect = dk.dk_nsect;
	bk->bk_bsize = dk.dk_bsize;
	bk->bk_flags = dk.dk_flags & (PV_BLK_RO | PV_BLK_CANFLUSH |
	    PV_BLK_CANDISCARD | PV_BLK_CANSECURE | PV_BLK_WCACHE);
	if (dk.dk_blk == NULL)
		return -PV_ENXIO;
	bk->bk_psize = dk.dk_blk->bk_psize;
	bk->bk_discalign = dk.dk_blk->bk_discalign;
	return (dk.dk_flags & PV_BLK_RO) != 0 && !vd->vd_readonly ?
	    -PV_EROFS : 0;
}

static int
vdisk_open_file(struct vdisk *vd)
{
	uint64_t deadline = arch_now() + VDISK_OPEN_WAIT;
	struct pv_blk *bk = &vd->vd_blk;
	struct file_stat st;
	int rv;

	/* Its file system may be about to be mounted. */
	while ((rv = file_open(vd->vd_target, vd->vd_readonly ? FILE_READ :
	    FILE_READ | FILE_WRITE, &vd->vd_file)) == -PV_ENODEV &&
	    arch_now() < deadline)
		thread_sleep(100 * NSEC_PER_MSEC);
	if (rv != 0)
		return rv;
	rv = file_fstat(vd->vd_file, &st);
	if (rv == 0 && st.fs_type != FILE_REG)
		rv = -PV_EINVAL;
	bk->bk_nsect = st.fs_size / PV_SECT_SIZE;
	bk->bk_bsize = PV_SECT_SIZE;
	bk->bk_psize = 4096;		/* so much is written at once */
	bk->bk_flags = PV_BLK_CANFLUSH | PV_BLK_WCACHE;
	return rv;
}

static int
vdisk_open_it(struct vdisk *vd)
{
	int rv;

	vd->vd_blk.bk_name = vd->vd_target;
	vd->vd_blk.bk_ops = &vdisk_ops;
	vd->vd_blk.bk_sc = vd;
	vd->vd_blk.bk_maxio = VDISK_MAXIO;
	rv = vd->vd_target[0] == '/' ? vdisk_open_file(vd) :
	    vdisk_open_disk(vd);
	if (vd->vd_readonly)
		vd->vd_blk.bk_flags |= PV_BLK_RO;
	return rv == 0 && vd->vd_blk.bk_nsect == 0 ? -PV_EINVAL : rv;
}

static void
vdisk_free(struct vdisk *vd)
{
	if (vd->vd_file != NULL)
		file_close(vd->vd_file);
	if (vd->vd_disk != NULL)
		disk_close(vd->vd_disk);
	kfree(vd);
}

/* Until it is closed; the last thread frees it. */
static void
vdisk_serve(void *arg)
{
	struct vdisk *vd = arg;
	struct pv_blk_req *br;
	unsigned long s;
	bool closed, last;

	do {
		sem_wait(&vd->vd_work, UINT64_MAX);
		while ((br = vdisk_next(vd)) != NULL)
			vdisk_do(vd, br);
		s = spin_lock(&vd->vd_lock);
		closed = vd->vd_closed;
		last = closed && --vd->vd_nthread == 0;
		spin_unlock(&vd->vd_lock, s);
	} while (!closed);
	if (last)
		vdisk_free(vd);
	else
		sem_post(&vd->vd_work);
}

/* The first thread. */
static void
vdisk_main(void *arg)
{
	struct vdisk *vd = arg;
	unsigned int i, n;
	unsigned long s;
	int rv = vdisk_open_it(vd);

	n = rv != 0 || vd->vd_file != NULL ? 1 : VDISK_NTHREAD;
	for (i = 1; i < n; i++) {
		s = spin_lock(&vd->vd_lock);
		vd->vd_nthread++;
		spin_unlock(&vd->vd_lock, s);
		if (thread_create("vdisk", vdisk_serve, vd, 0) != NULL)
			continue;
		s = spin_lock(&vd->vd_lock);
		vd->vd_nthread--;
		spin_unlock(&vd->vd_lock, s);
	}
	s = spin_lock(&vd->vd_lock);
	vd->vd_rv = rv;
	spin_unlock(&vd->vd_lock, s);
	vdisk_serve(vd);
}

/*
 * vdisk_open -- begin to open; see vdisk.h
 *
 * NULL: no memory.
 * Context: deferred, thread.
 */
struct vdisk *
vdisk_open(const char *target, bool readonly)
{
	struct vdisk *vd = kmalloc(sizeof(*vd));

	if (vd == NULL)
		return NULL;
	vd->vd_rv = -PV_EAGAIN;
	vd->vd_readonly = readonly;
	vd->vd_last = &vd->vd_first;
	vd->vd_nthread = 1;
	printf_format(vd->vd_target, sizeof(vd->vd_target), "%s", target);
	if (thread_create("vdisk", vdisk_main, vd, VDISK_STACK) == NULL) {
		kfree(vd);
		return NULL;
	}
	return vd;
}

/*
 * vdisk_ready -- has it been opened?
 *
 * 0, -PV_EAGAIN: not yet, else why not.
 * Context: any.
 */
int
vdisk_ready(struct vdisk *vd, struct pv_blk **bkp)
{
	unsigned long s = spin_lock(&vd->vd_lock);
	int rv = vd->vd_rv;

	spin_unlock(&vd->vd_lock, s);
	*bkp = rv == 0 ? &vd->vd_blk : NULL;
	return rv;
}

/*
 * vdisk_close -- no request is under way, and none will come
 *
 * Context: any but interrupt.
 */
void
vdisk_close(struct vdisk *vd)
{
	unsigned long s;

	s = spin_lock(&vd->vd_lock);
	vd->vd_closed = true;
	sem_post(&vd->vd_work);
	spin_unlock(&vd->vd_lock, s);
}

/*
 * vdisk_resized -- look at the size again; true: it is another one
 *
 * Context: thread.
 */
bool
vdisk_resized(struct vdisk *vd)
{
	uint64_t was = vd->vd_blk.bk_nsect, now = was;
	struct disk_info dk;
	struct file_stat st;

	if (vd->vd_disk != NULL) {
		disk_stat(vd->vd_disk, &dk);
		now = dk.dk_nsect;
	} else if (vd->vd_file != NULL && file_fstat(vd->vd_file, &st) == 0) {
		now = st.fs_size / PV_SECT_SIZE;
	}
	vd->vd_blk.bk_nsect = now;
	return now != was;
}

/*
 * vdisk_depth -- requests that wait or are being done
 *
 * Context: any.
 */
unsigned int
vdisk_depth(struct vdisk *vd)
{
	return vd->vd_depth;
}

/*
 * vdisk_stop -- nothing is done or answered any more; see vdisk.h
 *
 * Context: thread.
 */
void
vdisk_stop(void)
{
	uint64_t deadline = arch_now() + VDISK_STOP_WAIT;
	unsigned int nbusy;
	unsigned long s;

	do {
		s = spin_lock(&vdisk_lock);
		vdisk_stopped = true;
		nbusy = vdisk_nbusy;
		spin_unlock(&vdisk_lock, s);
		if (nbusy > 0)
			thread_sleep(5 * NSEC_PER_MSEC);
	} while (nbusy > 0 && arch_now() < deadline);
}
