/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.h -- block devices by name, with their partitions, and synchronous I/O
 * on them for file systems and the shell.
 *
 * disk_up() has the MBR or GPT of a new struct pv_blk read; then the whole disk
 * ("xvda") and each partition ("xvda1" ..) are there.
 */

#ifndef DISK_H
#define DISK_H

#include <pv/blk.h>
#include <sync.h>

struct disk;

void	 disk_up(struct pv_blk *);	/* pv_client.pc_blk_up; thread */
void	 disk_down(struct pv_blk *);	/* pv_client.pc_blk_down */
void	 disk_resized(struct pv_blk *);

/* By name; NULL if there is none.  Counted: disk_close() each. */
struct disk *disk_open(const char *name);
void	 disk_close(struct disk *);
/* Wait until a disk of that name is there.  0 or -PV_ETIMEDOUT. */
int	 disk_wait(const char *name, uint64_t deadline);

/*
 * Transfer nsect 512-byte sectors; buf any kernel memory aligned to 512.
 * 0 or -PV_E*.  Context: thread.
 */
int	 disk_read(struct disk *, uint64_t sect, void *buf, size_t nsect);
int	 disk_write(struct disk *, uint64_t sect, const void *buf,
	    size_t nsect);
int	 disk_flush(struct disk *);
/*
 * PV_BLK_DISCARD, _WRITE_ZEROES (which may give space back) or
 * _SECURE_DISCARD of whole blocks.  0 or -PV_E*, -PV_EOPNOTSUPP: the device
 * can not.  Context: thread.
 */
int	 disk_range(struct disk *, enum pv_blk_op, uint64_t sect,
	    uint64_t nsect);
/* Write cache on or off; 0 or -PV_E*.  Context: thread. */
int	 disk_wcache(struct disk *, bool on);
/*
 * The same for a list of pieces (each a multiple of the block size) and
 * either direction.  The list is not kept.
 */
int	 disk_iov(struct disk *, enum pv_blk_op, uint64_t sect,
	    const struct pv_iov *, unsigned int niov);


/*
 * The same again, going on by itself: disk_start() returns when everything is
 * on its way (or nothing, when it fails), disk_finish() waits for the end and
 * returns what came of it.  Neither the memory nor *dx may be touched in
 * between, and each start needs its finish.  Context: thread.
 */
struct disk_xfer {
	struct disk_dev	*dx_dev;
	struct sem	 dx_done;	/* posted once per answer */
	unsigned int	 dx_nflight;	/* the thread's own count */
	int		 dx_rv;		/* first failure; dd_lock */
};
void	 disk_start(struct disk_xfer *dx, struct disk *, enum pv_blk_op,
	    uint64_t sect, const struct pv_iov *, unsigned int niov);
int	 disk_finish(struct disk_xfer *dx);
/*
 * A request of the caller's own, whose br_done tells of its end; its sectors
 * count from the disk's first.  It is put as it is: at most DISK_NIOV pieces,
 * and no more than the device takes at once.  0: br_done will be, or has been,
 * called, and the disk must be open until then; else as bo_submit of
 * pv/blk.h.  Does not wait.  Context: deferred, thread.
 */
int	 disk_submit(struct disk *, struct pv_blk_req *);
/*
 * Between these two what is started waits for more, to be merged, until
 * somebody has to sleep for an answer.  They may be nested.  Context: thread.
 */
void	 disk_plug(struct disk *);
void	 disk_unplug(struct disk *);
/* What the disk's device has done since it came.  Context: thread. */
struct disk_counts;
void	 disk_counts(struct disk *, struct disk_counts *);

struct disk_info {
	char		 dk_name[16];
	uint64_t	 dk_nsect;
	uint32_t	 dk_bsize, dk_flags;
	bool		 dk_part;
	uint64_t	 dk_start;	/* partition: its first sector */
	char		 dk_type[40];	/* "whole disk, GPT", "Linux (83)" */
	uint32_t	 dk_users;
	struct pv_blk	*dk_blk;
};
void	 disk_stat(struct disk *, struct disk_info *);
const char *disk_name(const struct disk *);
int	 disk_info(unsigned int n, struct disk_info *);	/* n-th, or -ENOENT */

#endif /* DISK_H */
