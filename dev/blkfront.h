/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkfront.h -- what the two files of blkfront share: blkfront.c (theory,
 * life, data path) and blkfront_xs.c (what is said through XenStore).
 */

#ifndef BLKFRONT_H
#define BLKFRONT_H

#include <pv/pv.h>

#include <xen/io/blkif.h>

#include "fring.h"
#include "idmap.h"
#include "iov.h"
#include "xenbus.h"

#define BLKFRONT_NREQ	32	/* entries of a ring of one page */
#define BLKFRONT_NSEG	BLKIF_MAX_SEGMENTS_PER_REQUEST
#define BLKFRONT_BUDGET	BLKFRONT_NREQ	/* answers handled in one run */
#define BLKFRONT_MAXIO	(8 * 10 * PV_PAGE_SIZE)	/* a quarter of the ring */
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
PV_WIRE_ASSERT(struct blkif_response, BLKFRONT_ABI64 ? 16 : 12);
PV_WIRE_OFFSET(struct blkif_response, operation, 8);
PV_WIRE_OFFSET(struct blkif_response, status, 10);

union blkfront_wire {
	struct blkif_request	 bw_rw;
	struct blkif_request_discard bw_discard;
};

/* What the peer says of itself.  Each is bounded when it is read. */
struct blkfront_peer {
	uint64_t	 bp_sectors;	/* of 512 bytes */
	uint64_t	 bp_bsize;
	uint64_t	 bp_info;	/* VDISK_* */
	uint64_t	 bp_flush, bp_barrier, bp_discard;
	uint32_t	 bp_flags;	/* PV_BLK_* that follow */
};
struct blkfront_io {
	struct list	 io_link;	/* bt_free, sc_feed or a done list */
	struct blkfront_tab *io_tab;
	struct pv_blk_req *io_br;
	struct iov_iter	 io_iter;	/* what is not on the ring yet */
	uint64_t	 io_sect, io_left;	/* next sector, sectors to go */
	unsigned int	 io_nrq;	/* requests on the ring */
	unsigned int	 io_nparked;	/* maps in quarantine */
	int		 io_error;
	uint8_t		 io_op;		/* BLKIF_OP_* */
	bool		 io_more;	/* not all is on the ring: on sc_feed */
};

/* Outlives the device while the quarantine holds something of an io. */
struct blkfront_tab {
	struct pv_lock	 bt_lock;
	struct list	 bt_free;	/* of struct blkfront_io */
	unsigned int	 bt_refs;
	struct blkfront_io bt_io[BLKFRONT_NREQ];
};

struct blkfront_req {
	struct list	 rq_link;	/* sc_idle or a done list */
	struct blkfront_io *rq_io;
	struct pv_dma_map *rq_map;	/* BLKFRONT_NSEG of them */
	uint64_t	 rq_sect, rq_nsect;
	unsigned int	 rq_nseg;
	int		 rq_error;
	uint8_t		 rq_op;
};

struct blkfront_softc {
	struct pv_dev	*sc_dev;
	struct pv_blk	 sc_blk;
	struct blkfront_tab *sc_tab;
	struct pv_dma_pool sc_pool;
	struct xenbus_ring sc_page;
	struct evtchn_handler sc_eh;
	struct fring	 sc_ring;
	struct idmap	 sc_ids;
	struct idmap_slot sc_slot[BLKFRONT_NREQ];
	struct blkfront_req sc_rq[BLKFRONT_NREQ];
	struct list	 sc_idle;	/* of struct blkfront_req */
	struct list	 sc_feed;	/* of struct blkfront_io */
	bool		 sc_up;		/* requests are taken */
	bool		 sc_announced;
	int		 sc_error;	/* what disconnect answers */
	uint8_t		 sc_flushop;	/* BLKIF_OP_* or 0 */
	bool		 sc_barrier;	/* may take the place of flush */
	uint16_t	 sc_handle;
	char		 sc_name[16];
};

/* ---- blkfront_xs.c ----------------------------------------------------- */

/* Find the number and the name of the disk in our directory.  Thread. */
void	 blkfront_xs_name(struct blkfront_softc *);
/* Publish ring, event channel and protocol.  0 or -PV_E*.  Thread. */
int	 blkfront_xs_publish(struct blkfront_softc *);
/*
 * What the peer offers and what its disk is.  Read when it is connected, for
 * some write their values only then.  0, or -PV_EPROTO when there is no disk
 * in it.  Thread.
 */
int	 blkfront_xs_read(struct blkfront_softc *, struct blkfront_peer *);

#endif /* BLKFRONT_H */
