/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vdisk.c -- disks for other guests; see vdisk.h.
 *
 *	vdisk_submit() --vd_first..--> the thread: file.h --br_done-->
 *	               --struct vdisk_io--> disk_submit() --br_done-->
 *
 * The thread opens what is to be served and closes it, for both may take some
 * time.  In between it does the requests for a file, whose calls come one after
 * the other in any case; those for a disk have no need of it.
 *
 * Locks: vd_lock, for the queues and the state; vdisk_lock, for vdisk_nbusy.
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

#define VDISK_NIO	32u		/* requests in a disk's queue */
#define VDISK_STACK	(32 * 1024)	/* libext2fs goes deep */
#define VDISK_MAXIO	(1024 * 1024u)
#define VDISK_TARGET	128
#define VDISK_OPEN_WAIT	(5 * NSEC_PER_SEC)
#define VDISK_STOP_WAIT	(10 * NSEC_PER_SEC)

/* A request in a disk's queue, and whose it is. */
struct vdisk_io {
	struct pv_blk_req io_req;
	struct pv_blk_req *io_user;
	struct vdisk	*io_vd;
	struct vdisk_io	*io_next;	/* while free */
};

struct vdisk {
	struct pv_blk	 vd_blk;
	char		 vd_target[VDISK_TARGET];
	bool		 vd_readonly;
	struct disk	*vd_disk;	/* one of the two */
	struct file	*vd_file;
	struct spinlock	 vd_lock;
	int		 vd_rv;		/* -PV_EAGAIN: being opened */
	bool		 vd_closed;
	struct pv_blk_req *vd_first, **vd_last;
	unsigned int	 vd_depth;
	struct sem	 vd_work;	/* one for each of these, and to end */
	struct vdisk_io	*vd_free;
	struct vdisk_io	 vd_io[VDISK_NIO];
};

static struct spinlock vdisk_lock;
static bool vdisk_stopped;
static unsigned int vdisk_nbusy;	/* requests being done */

/* ---- requests ---------------------------------------------------------- */

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

/* A request is over; io: what it had, if anything. */
static void
vdisk_answer(struct vdisk *vd, struct pv_blk_req *br, struct vdisk_io *io,
    int rv)
{
	unsigned long s = spin_lock(&vd->vd_lock);

	pv_blk_count(&vd->vd_blk, br->br_op, br->br_nsect, rv);
	vd->vd_depth--;
	if (io != NULL) {
		io->io_next = vd->vd_free;
		vd->vd_free = io;
	}
	spin_unlock(&vd->vd_lock, s);
	if (rv != 0)
		klog(PV_LOG_WARN, "vdisk: %s: sector %llu: error %d",
		    vd->vd_target, (unsigned long long)br->br_sect, -rv);
	/* Not counted as busy any more when the guest is told. */
	br->br_done(br, rv);
	(void)vdisk_busy(-1);
}

/* ---- disks ------------------------------------------------------------- */

/* Context: deferred, or in vdisk_submit(). */
static void
vdisk_done(struct pv_blk_req *br, int rv)
{
	struct vdisk_io *io = br->br_arg;

	/* A back end may say that it can flush, and then not. */
	if (br->br_op == PV_BLK_FLUSH && rv == -PV_EOPNOTSUPP)
		rv = 0;
	vdisk_answer(io->io_vd, io->io_user, io, rv);
}

static int
vdisk_submit_disk(struct vdisk *vd, struct pv_blk_req *br)
{
	struct vdisk_io *io;
	unsigned long s;
	int rv;

	s = spin_lock(&vd->vd_lock);
	io = vd->vd_free;
	if (io != NULL) {
		vd->vd_free = io->io_next;
		vd->vd_depth++;
	}
	spin_unlock(&vd->vd_lock, s);
	if (io == NULL)
		return -PV_EAGAIN;
	io->io_vd = vd;
	io->io_user = br;
	io->io_req = *br;
	io->io_req.br_done = vdisk_done;
	io->io_req.br_arg = io;
	rv = disk_submit(vd->vd_disk, &io->io_req);
	if (rv == 0)
		return 0;
	s = spin_lock(&vd->vd_lock);
	io->io_next = vd->vd_free;
	vd->vd_free = io;
	vd->vd_depth--;
	vd->vd_blk.bk_nerror += rv != -PV_EAGAIN;
	spin_unlock(&vd->vd_lock, s);
	return rv;
}

/* ---- files ------------------------------------------------------------- */

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
	if (br->br_op == PV_BLK_DISCARD)
		return file_punch(vd->vd_file, off,
		    br->br_nsect * PV_SECT_SIZE);
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

static int
vdisk_submit_file(struct vdisk *vd, struct pv_blk_req *br)
{
	unsigned long s;

	br->br_next = NULL;
	s = spin_lock(&vd->vd_lock);
	*vd->vd_last = br;
	vd->vd_last = &br->br_next;
	vd->vd_depth++;
	spin_unlock(&vd->vd_lock, s);
	sem_post(&vd->vd_work);
	return 0;
}

/* ---- both -------------------------------------------------------------- */

static int
vdisk_submit(void *sc, struct pv_blk_req *br)
{
	struct vdisk *vd = sc;
	int rv;

	if (br->br_op != PV_BLK_READ && br->br_op != PV_BLK_FLUSH &&
	    vd->vd_readonly)
		return -PV_EROFS;
	if (br->br_sect > vd->vd_blk.bk_nsect ||
	    br->br_nsect > vd->vd_blk.bk_nsect - br->br_sect)
		return -PV_EINVAL;
	if (!vdisk_busy(1))
		return 0;
	rv = vd->vd_disk != NULL ? vdisk_submit_disk(vd, br) :
	    vdisk_submit_file(vd, br);
	if (rv < 0)
		(void)vdisk_busy(-1);
	return rv;
}

static const struct pv_blk_ops vdisk_ops = {
	.bo_submit = vdisk_submit
};

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
	bk->bk_maxdiscard = dk.dk_blk->bk_maxdiscard;
	bk->bk_maxsecure = dk.dk_blk->bk_maxsecure;
	if (dk.dk_blk->bk_maxio < bk->bk_maxio)
		bk->bk_maxio = dk.dk_blk->bk_maxio;
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
	if (!vd->vd_readonly && file_punch(vd->vd_file, 0, 0) == 0)
		bk->bk_flags |= PV_BLK_CANDISCARD;
	bk->bk_discalign = bk->bk_psize / PV_SECT_SIZE;
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

/* From the opening until it is closed. */
static void
vdisk_main(void *arg)
{
	struct vdisk *vd = arg;
	struct pv_blk_req *br;
	int rv = vdisk_open_it(vd);
	unsigned long s;
	bool closed;

	s = spin_lock(&vd->vd_lock);
	vd->vd_rv = rv;
	spin_unlock(&vd->vd_lock, s);
	do {
		sem_wait(&vd->vd_work, UINT64_MAX);
		while ((br = vdisk_next(vd)) != NULL)
			vdisk_answer(vd, br, NULL, vdisk_do_file(vd, br));
		s = spin_lock(&vd->vd_lock);
		closed = vd->vd_closed;
		spin_unlock(&vd->vd_lock, s);
	} while (!closed);
	vdisk_free(vd);
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
	unsigned int i;

	if (vd == NULL)
		return NULL;
	for (i = 0; i < VDISK_NIO; i++) {
		vd->vd_io[i].io_next = vd->vd_free;
		vd->vd_free = &vd->vd_io[i];
	}
	vd->vd_rv = -PV_EAGAIN;
	vd->vd_readonly = readonly;
	vd->vd_last = &vd->vd_first;
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
