/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk_queue.h -- requests that wait for a block device, and what became of
 * those before them.  Pure: no locks, no calls out; disk.c holds the lock.
 *
 * A request waits while the device takes no more, or while a thread that has
 * more to say keeps the queue plugged.  What waits is merged: a request that
 * goes on where one before it ends, in the same direction, becomes part of
 * it, as far as the pieces and the device's limit allow.  A flush keeps its
 * place: nothing that came after it joins what came before.
 *
 *	struct disk_slot  first of a merged one  --ds_merged--> the others
 *	       | ds_next
 *	       v
 *	      ..          next to be put to the device
 */

#ifndef DISK_QUEUE_H
#define DISK_QUEUE_H

#include <pv/blk.h>

#define DISK_NIOV	32		/* pieces in one request */
#define DISK_NHIST	24		/* latencies, by powers of 2 of 1 us */

struct disk_dev;
struct disk_xfer;

struct disk_slot {
	struct pv_blk_req ds_req;
	struct pv_iov	 ds_iov[DISK_NIOV];
	struct disk_dev	*ds_dev;
	struct disk_xfer *ds_xfer;	/* whose it is: one of the two */
	struct pv_blk_req *ds_user;
	struct disk_slot *ds_next;	/* while free, or waiting */
	struct disk_slot *ds_merged;	/* answered with this one */
	uint64_t	 ds_start;	/* when it came, ns */
	uint64_t	 ds_nsect;	/* its own, without what joined it */
};

struct disk_queue {
	struct disk_slot *dq_first;
	unsigned int	 dq_nwait;	/* requests of the device's to make */
	unsigned int	 dq_nplug;	/* who keeps it plugged */
};

/* A place in a list of pieces. */
struct disk_cursor {
	const struct pv_iov *dc_iov;
	unsigned int	 dc_niov;
	size_t		 dc_off;	/* in the first piece */
};

enum disk_kind { DISK_READ, DISK_WRITE, DISK_FLUSH, DISK_RANGE, DISK_NKIND };

/* What the requests of one kind have cost. */
struct disk_count {
	uint64_t	 dc_n, dc_nsect, dc_nerror;
	uint64_t	 dc_ns, dc_maxns;	/* from arrival to answer */
	uint64_t	 dc_hist[DISK_NHIST];	/* [n]: below 2^n us; the last
						   one: all above */
};

struct disk_counts {
	struct disk_count dk_kind[DISK_NKIND];
	uint64_t	 dk_nmerged;	/* requests that joined another */
	uint64_t	 dk_nput;	/* requests made of the device */
	uint64_t	 dk_since;	/* ns */
	unsigned int	 dk_nwait, dk_nflight;
};

/* Move up to max bytes of the list into a slot; returns how many. */
size_t	 disk_queue_fill(struct disk_slot *, struct disk_cursor *, size_t max);
/*
 * Put a filled slot into the queue, or into one that is there; true when it
 * joined.  max: bytes of one request.
 */
bool	 disk_queue_add(struct disk_queue *, struct disk_slot *, size_t max);
/* The next one to be made, taken off; NULL when none waits. */
struct disk_slot *disk_queue_next(struct disk_queue *);
/* The device did not take it: it is the next one again. */
void	 disk_queue_back(struct disk_queue *, struct disk_slot *);
enum disk_kind disk_queue_kind(enum pv_blk_op);
/* Count an answer. */
void	 disk_queue_count(struct disk_counts *, const struct disk_slot *,
	    int rv, uint64_t now);
/* What was counted between two looks; before may be all 0. */
void	 disk_queue_since(struct disk_counts *now,
	    const struct disk_counts *before);

#endif /* DISK_QUEUE_H */
