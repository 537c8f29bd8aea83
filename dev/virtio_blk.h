/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_blk.h -- virtio block device: what its files share.
 *
 *	virtio_blk.c      features, configuration, life
 *	virtio_blk_io.c   slots: requests out, answers in, once more
 *
 * A device has up to VIRTIO_BLK_NQ queues, no more than there are CPUs; a
 * request's br_cpu chooses.  A queue's structure, with its slots, is made at
 * the first connection that needs it and stays as long as the device, so a
 * consumer may submit at any time; q_open says whether there is a ring.
 *
 * Each request has a slot: a cell of a page of the driver's own with the
 * header that the device reads and the status byte that it writes, and maps
 * for the consumer's buffer between them.  A slot is the cookie of its chain;
 * the status byte is preset to a value that no device may answer with, so that
 * one it forgot to write is an error.
 *
 *	header (16 bytes) | data pieces, or a range ... | status (1 byte)
 *	device reads        reads or writes               writes
 *
 * Requests that a ring has no room for are refused with -PV_EAGAIN.  When the
 * device asks for a reset, the requests in flight go, in the order in which
 * they were made, to the list of those held; so do new ones until the device
 * is back, and then all are made (again).
 *
 * Locks: q_lock   ring, slots of a queue; never held over br_done
 *        sc_lock  held requests, statistics; may be taken inside q_lock
 */

#ifndef VIRTIO_BLK_H
#define VIRTIO_BLK_H

#include <linux/virtio_blk.h>
#include <pv/blk.h>

#include "setting.h"
#include "virtio.h"

#define VIRTIO_BLK_NQ		8	/* queues */
#define VIRTIO_BLK_NSLOT	64	/* requests in flight per queue */
#define VIRTIO_BLK_NSEG		33	/* 128 KiB at any alignment */
#define VIRTIO_BLK_NHOLD	256	/* requests held */

struct virtio_blk_softc;

struct virtio_blk_slot {
	struct list	 sl_link;	/* free list */
	struct pv_blk_req *sl_req;	/* NULL: free */
	uint32_t	 sl_seq;	/* order of making */
	uint8_t		*sl_cell;
	uint64_t	 sl_da;		/* .. its address */
	struct pv_dma_map *sl_map;	/* VIRTIO_BLK_NSEG of them */
	unsigned int	 sl_nmap;
};

struct virtio_blk_queue {
	struct virtio_blk_softc *q_sc;
	struct pv_lock	 q_lock;
	struct virtio_queue q_queue;
	bool		 q_open;	/* takes requests */
	struct list	 q_free;
	void		*q_cells;	/* one page */
	struct pv_dma_pool q_pool;
	struct vq_piece	 q_piece[VIRTIO_BLK_NSEG + 2];	/* q_lock */
	struct virtio_blk_slot q_slot[VIRTIO_BLK_NSLOT];
};

struct virtio_blk_softc {
	struct pv_dev	*sc_dev;
	struct pv_blk	 sc_blk;
	struct pv_unit	 sc_unit;
	char		 sc_name[8];	/* "vda" */
	bool		 sc_up;		/* announced */
	unsigned int	 sc_nq;		/* queues in use; at least 1 when up */
	struct virtio_blk_queue *sc_q[VIRTIO_BLK_NQ];
	unsigned int	 sc_nseg;	/* data pieces of one request */
	uint32_t	 sc_segmax;	/* bytes of one piece */
	uint32_t	 sc_seq;	/* atomic */
	struct pv_lock	 sc_lock;
	bool		 sc_holding;	/* sc_lock: submit holds requests */
	bool		 sc_replaying, sc_again;	/* sc_lock */
	unsigned int	 sc_nhold;
	struct pv_blk_req *sc_held, **sc_heldend;
	struct pv_blk_req sc_identreq;	/* GET_ID */
	bool		 sc_identbusy;	/* it is in flight */
};

/* What GET_ID is to virtio_blk_io.c; no consumer can say it. */
#define VIRTIO_BLK_IDENT	((enum pv_blk_op)0x100)

/* ---- virtio_blk_io.c ------------------------------------------------- */
extern const struct pv_blk_ops virtio_blk_io_ops;

/*
 * Make the structure of a queue, with its slots.  0 or -PV_ENOMEM,
 * -PV_ENOSPC.  Context: thread.
 */
int	 virtio_blk_io_create(struct virtio_blk_softc *,
	    struct virtio_blk_queue **);
void	 virtio_blk_io_destroy(struct virtio_blk_softc *,
	    struct virtio_blk_queue **);
/* The queue's interrupt, for virtio_queue_create(); arg: the queue. */
bool	 virtio_blk_io_intr(void *arg);
/*
 * Open and close all queues in use.  hold: submit keeps requests for the next
 * start.  Context: thread.
 */
void	 virtio_blk_io_open(struct virtio_blk_softc *);
void	 virtio_blk_io_close(struct virtio_blk_softc *, bool hold);
/* After the reset: hold what is in flight.  Context: thread. */
void	 virtio_blk_io_keep(struct virtio_blk_softc *);
/* Make what is held, or end it with an error.  Context: thread. */
void	 virtio_blk_io_replay(struct virtio_blk_softc *);
void	 virtio_blk_io_abort(struct virtio_blk_softc *, int rv);
/* Ask for the serial number.  Context: thread. */
void	 virtio_blk_io_ident(struct virtio_blk_softc *);

#endif /* VIRTIO_BLK_H */
