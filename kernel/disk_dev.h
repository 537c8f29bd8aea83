/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk_dev.h -- what the files of disks share; theory in disk.c.
 */

#ifndef DISK_DEV_H
#define DISK_DEV_H

#include <disk_queue.h>
#include <sync.h>

#define DISK_NSLOT	32		/* requests of a device, waiting too */

struct disk;

struct disk_dev {
	struct disk_dev	*dd_next;
	struct pv_blk	*dd_blk;	/* valid until dd_gone */
	struct disk	*dd_disks;	/* the whole one first */
	unsigned int	 dd_nopen;	/* of all its disks */
	bool		 dd_looking;	/* disk_mtx: disk_look() is not done */
	struct spinlock	 dd_lock;
	bool		 dd_gone;	/* dd_lock */
	unsigned int	 dd_nflight;	/* dd_lock */
	struct disk_slot *dd_free;	/* dd_lock */
	struct disk_queue dd_queue;	/* dd_lock */
	struct disk_counts dd_counts;	/* dd_lock */
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

/*
 * Take a slot, which dd_slots has told of, and with it the right to use dd_blk
 * until the slot is put back.  NULL when the device is gone.  Context: any.
 */
struct disk_slot *disk_slot_take(struct disk_dev *);
void	 disk_slot_put(struct disk_dev *, struct disk_slot *);
/*
 * Hand a filled slot over, with either ds_xfer or ds_user, who is told of its
 * end: from here on it may be somebody else's.  Context: deferred, thread.
 */
void	 disk_slot_start(struct disk_dev *, struct disk_slot *);
/*
 * One more struct disk of a device, behind those it has; no name yet.  NULL:
 * no memory.  Context: thread, before others know of the device.
 */
struct disk *disk_create(struct disk_dev *, uint64_t start, uint64_t nsect);
/* Read the partition table of a whole disk; see disk_part.c.  Thread. */
void	 disk_part_scan(struct disk *whole);

#endif /* DISK_DEV_H */
