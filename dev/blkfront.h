/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkfront.h -- what the files of blkfront share: blkfront.c (theory, life),
 * blkfront_io.c (requests out, answers in, once more), blkfront_req.c (one
 * request of a ring: its grants and its form on the wire) and blkfront_xs.c
 * (what is said through XenStore).
 */

#ifndef BLKFRONT_H
#define BLKFRONT_H

#include <pv/pv.h>

#include <xen/io/blkif.h>

#include "fring.h"
#include "idmap.h"
#include "iov.h"
#include "setting.h"
#include "xenbus.h"

#define BLKFRONT_NQ	PV_BLK_NQ	/* queues at most */
#define BLKFRONT_NIO	64	/* requests of the consumer's under way, of a
				   queue */
#define BLKFRONT_NSEG	BLKIF_MAX_SEGMENTS_PER_REQUEST
#define BLKFRONT_NISEG	256	/* segments of an indirect request, at most */
#define BLKFRONT_NIND	8	/* indirect requests on a ring at once */
#define BLKFRONT_ORDER	2	/* of a ring, at most: 4 pages */
#define BLKFRONT_NREQ	(32u << BLKFRONT_ORDER)	/* entries of that ring */
#define BLKFRONT_NMAP	512	/* grants for data, of a queue .. */
#define BLKFRONT_NALL	1024	/* .. and of all together */
#define BLKFRONT_NLAST	256	/* pages that stay granted, of one queue .. */
#define BLKFRONT_NLASTQ	128	/* .. and of each of several */
#define BLKFRONT_LASTMAX 4096	/* .. that an operator may ask for in all */
#define BLKFRONT_BUDGET	32	/* answers handled in one run */
#define BLKFRONT_MAXIO	(80 * PV_PAGE_SIZE)
#define BLKFRONT_MAXBSIZE PV_PAGE_SIZE	/* a block fits in 11 segments */
#define BLKFRONT_MAXSECT ((uint64_t)1 << 54)
#define BLKFRONT_ABI64	(sizeof(void *) == 8)

PV_WIRE_ASSERT(struct blkif_request, BLKFRONT_ABI64 ? 112 : 108);
PV_WIRE_OFFSET(struct blkif_request, handle, 2);
PV_WIRE_OFFSET(struct blkif_request, id, BLKFRONT_ABI64 ? 8 : 4);
PV_WIRE_OFFSET(struct blkif_request, sector_number, BLKFRONT_ABI64 ? 16 : 12);
PV_WIRE_OFFSET(struct blkif_request, seg, BLKFRONT_ABI64 ? 24 : 20);
PV_WIRE_ASSERT(struct blkif_request_segment, 8);
PV_WIRE_OFFSET(struct blkif_request_segment, first_sect, 4);
PV_WIRE_OFFSET(struct blkif_request_segment, last_sect, 5);
PV_WIRE_OFFSET(struct blkif_request_discard, id, BLKFRONT_ABI64 ? 8 : 4);
PV_WIRE_OFFSET(struct blkif_request_discard, nr_sectors,
    BLKFRONT_ABI64 ? 24 : 20);
PV_WIRE_ASSERT(struct blkif_request_indirect, 64);
PV_WIRE_OFFSET(struct blkif_request_indirect, nr_segments, 2);
PV_WIRE_OFFSET(struct blkif_request_indirect, id, BLKFRONT_ABI64 ? 8 : 4);
PV_WIRE_OFFSET(struct blkif_request_indirect, sector_number,
    BLKFRONT_ABI64 ? 16 : 12);
PV_WIRE_OFFSET(struct blkif_request_indirect, handle,
    BLKFRONT_ABI64 ? 24 : 20);
PV_WIRE_OFFSET(struct blkif_request_indirect, indirect_grefs,
    BLKFRONT_ABI64 ? 28 : 24);
PV_WIRE_ASSERT(struct blkif_response, BLKFRONT_ABI64 ? 16 : 12);
PV_WIRE_OFFSET(struct blkif_response, operation, 8);
PV_WIRE_OFFSET(struct blkif_response, status, 10);

union blkfront_wire {
	struct blkif_request	 bw_rw;
	struct blkif_request_discard bw_discard;
	struct blkif_request_indirect bw_indirect;
};

/* What the peer says of itself.  Each is bounded when it is read. */
struct blkfront_peer {
	uint64_t	 bp_sectors;	/* of 512 bytes */
	uint64_t	 bp_bsize;
	uint64_t	 bp_info;	/* VDISK_* */
	uint64_t	 bp_flush, bp_barrier, bp_discard, bp_secure;
	uint64_t	 bp_psize, bp_discgran;	/* bytes; hints */
	uint64_t	 bp_nseg;	/* of an indirect request; 0: none */
	bool		 bp_persist;	/* grants stay */
	uint32_t	 bp_flags;	/* PV_BLK_* that follow */
};

struct blkfront_io {
	struct list	 io_link;	/* bt_free, q_feed or a done list */
	struct list	 io_order;	/* bt_active, as they were submitted */
	struct blkfront_tab *io_tab;
	struct pv_blk_req *io_br;
	struct iov_iter	 io_iter;	/* what is not on the ring yet */
	uint64_t	 io_sect, io_left;	/* next sector, sectors to go */
	unsigned int	 io_nrq;	/* requests on the ring */
	unsigned int	 io_nparked;	/* maps in quarantine */
	int		 io_error;
	uint8_t		 io_op;		/* BLKIF_OP_* */
	bool		 io_more;	/* not all is on the ring .. */
	bool		 io_fed;	/* .. and it is on q_feed */
};

/* A queue's ios.  Outlives it while the quarantine holds some page of one. */
struct blkfront_tab {
	struct pv_lock	 bt_lock;
	struct blkfront_queue *bt_q;
	struct list	 bt_free, bt_active;	/* of struct blkfront_io */
	unsigned int	 bt_refs;
	struct blkfront_io bt_io[BLKFRONT_NIO];
};

/* A page for the segments of an indirect request. */
struct blkfront_ind {
	struct blkfront_ind *in_next;	/* when free */
	void		*in_page;
	struct pv_dma_map *in_map;
};

struct blkfront_req {
	struct list	 rq_link;	/* q_idle or a done list */
	struct blkfront_io *rq_io;
	struct pv_dma_map *rq_map;	/* one for each segment, by dm_next */
	struct blkfront_ind *rq_ind;	/* or NULL */
	uint64_t	 rq_sect, rq_nsect;
	unsigned int	 rq_nseg;
	int		 rq_error;
	uint8_t		 rq_op;
};

/* One ring, its event channel and its grants. */
struct blkfront_queue {
	struct blkfront_softc *q_sc;
	unsigned int	 q_no;
	struct blkfront_tab *q_tab;
	struct pv_dma_pool q_pool;
	struct pv_dma_map *q_map;	/* free ones, last used first */
	unsigned int	 q_nfree;	/* of these */
	unsigned int	 q_nmap;	/* that there are, in use or free */
	struct pv_dma_pool q_indpool;
	struct blkfront_ind q_ind[BLKFRONT_NIND];
	struct blkfront_ind *q_indfree;
	struct xenbus_ring q_page;
	struct evtchn_handler q_eh;
	struct fring	 q_ring;
	struct idmap	 q_ids;
	struct idmap_slot q_slot[BLKFRONT_NREQ];
	struct blkfront_req q_rq[BLKFRONT_NREQ];
	struct list	 q_idle;	/* of struct blkfront_req */
	struct list	 q_feed;	/* of struct blkfront_io */
	struct pv_blk_req *q_wait, **q_waitend;	/* of a queue that is
						   no more, until there are
						   ios */
	bool		 q_up;		/* the ring works */
	bool		 q_away;	/* it did, and may again: hold all */
};

struct blkfront_softc {
	struct pv_dev	*sc_dev;
	struct pv_blk	 sc_blk;
	struct pv_unit	 sc_unit;
	struct blkfront_queue *sc_q[BLKFRONT_NQ]; /* once made they stay */
	unsigned int	 sc_nq;		/* that requests are spread over */
	unsigned int	 sc_nring;	/* that have a ring */
	unsigned int	 sc_order;	/* 1 << sc_order pages of each ring */
	unsigned int	 sc_nseg;	/* segments of one request, at most */
	struct pv_lock	 sc_lock;
	bool		 sc_offered;	/* multi-queue, to be answered */
	unsigned int	 sc_nlast;	/* pages that may stay granted */
	bool		 sc_last;	/* they do */
	bool		 sc_announced;
	int		 sc_error;	/* what disconnect answers */
	uint8_t		 sc_flushop;	/* BLKIF_OP_* or 0; sc_lock */
	bool		 sc_barrier;	/* may take the place of flush */
	uint32_t	 sc_vdev;	/* its number */
	char		 sc_name[16];
};

/* ---- blkfront_io.c ----------------------------------------------------- */

extern const struct pv_blk_ops blkfront_io_ops;

/* The queue of that number, without a ring.  0 or -PV_ENOMEM.  Thread. */
int	 blkfront_io_create(struct blkfront_softc *, unsigned int no);
void	 blkfront_io_destroy(struct blkfront_softc *, unsigned int no);
/* A queue's event handler; arg: the queue. */
enum evtchn_result blkfront_io_intr(void *arg);
/* The rings work: put what was held back, then what comes.  Thread. */
void	 blkfront_io_go(struct blkfront_softc *);
/* Take no more; hold: for the next peer.  Thread. */
void	 blkfront_io_stop(struct blkfront_softc *, bool hold);
/*
 * Take every request of a stopped queue off its ring and feed.  hold: to be
 * put again from the start, in order; else it ends with sc_error.  Thread.
 */
void	 blkfront_io_drop(struct blkfront_queue *, bool hold);
/* The peer let go of a parked map of an io.  Deferred; the io may be all
   that is left of the device. */
void	 blkfront_io_unpark(void *io);

/* ---- blkfront_req.c: all under bt_lock, but unshare -------------------- */

/* What is wrong with a request of the consumer's: 0 or -PV_E*. */
int	 blkfront_req_check(struct blkfront_softc *, const struct pv_blk_req *);
/* Grants for data and for indirect requests, once the peer has said what it
   can.  0 or -PV_E*.  Thread; no lock. */
int	 blkfront_req_create(struct blkfront_queue *);
/* Idempotent.  Thread; no lock. */
void	 blkfront_req_destroy(struct blkfront_queue *);
/*
 * Cut the next ring request from an io and share its memory.  false: grants
 * are short now, try again when some request was answered.
 */
bool	 blkfront_req_cut(struct blkfront_queue *, struct blkfront_io *,
	    struct blkfront_req *);
/* As the peer reads it. */
void	 blkfront_req_encode(const struct blkfront_queue *,
	    const struct blkfront_req *, uint64_t id, union blkfront_wire *);
/* Take the memory of an answered request back.  Deferred, thread; no lock. */
void	 blkfront_req_unshare(struct blkfront_queue *, struct blkfront_req *);
/* What it held can be used by others.  false: too few grants are left. */
bool	 blkfront_req_release(struct blkfront_queue *, struct blkfront_req *);

/* ---- blkfront_xs.c ----------------------------------------------------- */

/* Find the number and the name of the disk in our directory.  Thread. */
void	 blkfront_xs_name(struct blkfront_softc *);
/* Choose sc_order, sc_nring and sc_nlast by what the peer can.  Thread. */
void	 blkfront_xs_shape(struct blkfront_softc *);
/* Publish rings, event channels and protocol.  0 or -PV_E*.  Thread. */
int	 blkfront_xs_publish(struct blkfront_softc *);
/*
 * What the peer offers and what its disk is.  Read when it is connected, for
 * some write their values only then.  0, or -PV_EPROTO when there is no disk
 * in it.  Thread.
 */
int	 blkfront_xs_read(struct blkfront_softc *, struct blkfront_peer *);

#endif /* BLKFRONT_H */
