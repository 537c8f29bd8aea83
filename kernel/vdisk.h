/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vdisk.h -- what other guests are given as their disks (blkback): a disk of
 * ours, a partition, or a file.
 *
 * Each opening is a struct pv_blk of its own.  Requests for a disk pass through
 * its queue (disk.h); those for a file are done one by one by a thread.  So it
 * is of no concern to the driver whether the disk goes away, or what a file
 * system does with a request.
 */

#ifndef VDISK_H
#define VDISK_H

#include <pv/blk.h>

struct vdisk;

/*
 * Begin to open: target is a disk's name or, with a "/", a file's path.  NULL:
 * no memory.  Context: any but interrupt; does not wait.
 */
struct vdisk *vdisk_open(const char *target, bool readonly);
/* 0: *bkp may be used.  -PV_EAGAIN: not yet; else why not, for good. */
int	 vdisk_ready(struct vdisk *, struct pv_blk **bkp);
/* What must be open still; no request is under way.  Does not wait. */
void	 vdisk_close(struct vdisk *);
/* Look at the size again.  True: it is another one.  Context: thread. */
bool	 vdisk_resized(struct vdisk *);
/* Requests that wait or are being done. */
unsigned int vdisk_depth(struct vdisk *);

/*
 * The guest ends: from now on nothing is done or answered any more, and what
 * was done is on stable storage.  Requests without an answer are put again, to
 * whoever serves the disk next.  Context: thread.
 */
void	 vdisk_stop(void);

#endif /* VDISK_H */
