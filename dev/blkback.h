/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkback.h -- what the files of blkback share: blkback.c (theory, life),
 * blkback_io.c (the pipeline), blkback_req.c (its pure steps), blkback_map.c
 * (pages that stay mapped) and blkback_xs.c (what is said through XenStore).
 */

#ifndef BLKBACK_H
#define BLKBACK_H

#include <pv/pv.h>

#include <xen/io/blkif.h>
#include <xen/io/protocols.h>

#include "bring.h"
#include "gntmap.h"
#include "window.h"
#include "xenbus.h"

#define BLKBACK_NREQ	64u	/* requests under way, of all queues */
#define BLKBACK_NSEG	BLKIF_MAX_SEGMENTS_PER_REQUEST
#define BLKBACK_NISEG	256u	/* segments of an indirect request, at most */
#define BLKBACK_NPAGE	512u	/* pages for data, at most .. */
#define BLKBACK_NPAGE_MIN 32u	/* .. and at least: some requests */
#define BLKBACK_NQUEUE	4u
#define BLKBACK_ORDER	4u	/* of a ring, at most: XENBUS_RING_MAX pages */
#define BLKBACK_BUDGET	32u	/* requests taken in one run */
#define BLKBACK_NCOPY	8u	/* pieces copied by one call */
#define BLKBACK_TRIES	11u	/* of a grant that is paged out; about 1 s */
#define BLKBACK_SOON	(1000ull * 1000)	/* ns, before the first */
#define BLKBACK_LATER	(10ull * 1000 * 1000)	/* ns: the store is full */
#define BLKBACK_PATIENCE (10ull * 1000 * 1000 * 1000)	/* ns */
#define BLKBACK_NKEPT	352u	/* pages that stay mapped, of all queues */
#define BLKBACK_RAWLEN	112u	/* a request of any ABI */

/* A ring's layout, which depends on what the peer was compiled for. */
struct blkback_abi {
	const char	*ab_name;	/* its XEN_IO_PROTO_ABI_* */
	uint32_t	 ab_reqlen, ab_rsplen;
	unsigned int	 ab_id, ab_sect;	/* offsets in a request */
	unsigned int	 ab_rest;	/* segments, or sectors to discard */
};

struct blkback_rsp {		/* both ABIs; one is shorter */
	uint64_t	 rs_id;
	uint8_t		 rs_op, rs_pad;
	int16_t		 rs_status;
	uint32_t	 rs_pad2;
};

/* What requests are held against. */
struct blkback_disk {
	uint64_t	 bd_nsect;
	uint32_t	 bd_bsize, bd_flags;	/* PV_BLK_* */
	unsigned int	 bd_nseg;	/* of an indirect request; 0: none */
};

/* A request of the peer's, decoded; private memory. */
struct blkback_ask {
	uint64_t	 ak_id, ak_sect, ak_nsect;
	unsigned int	 ak_nseg;
	uint8_t		 ak_op;		/* BLKIF_OP_*; never INDIRECT .. */
	bool		 ak_indirect;	/* .. for that is said here */
	bool		 ak_secure;
	uint32_t	 ak_igref;	/* page that has the segments */
	struct blkif_request_segment ak_seg[BLKBACK_NSEG];
};

/* How far the copying between the peer's segments and our pages is. */
struct blkback_plan {
	unsigned int	 pl_seg;	/* the segment .. */
	unsigned int	 pl_off;	/* .. and bytes of it that are done */
	size_t		 pl_done;	/* bytes of all */
};

/* What is done next with a request; see blkback_io.c. */
enum blkback_step {
	BLKBACK_SEGS, BLKBACK_FILL, BLKBACK_BEFORE, BLKBACK_STORE,
	BLKBACK_AFTER, BLKBACK_DRAIN, BLKBACK_ANSWER
};

struct blkback_req {
	struct list	 rq_link;	/* bt_free, bt_wait, or none */
	struct blkback_tab *rq_tab;
	struct blkback_queue *rq_bq;	/* of the connection rq_epoch */
	uint32_t	 rq_epoch;
	enum blkback_step rq_step;
	struct blkback_ask rq_ask;
	const struct blkif_request_segment *rq_seg;
	struct blkback_plan rq_plan;
	char		*rq_data;	/* pages of bt_data, NULL: none */
	unsigned int	 rq_npg;	/* of these; the last one has the
					   segments of an indirect request */
	uint64_t	 rq_at;		/* sectors the store is done with */
	uint64_t	 rq_nsect;	/* in the store now */
	unsigned int	 rq_tries;	/* of a grant that is paged out */
	int		 rq_rv;
	struct pv_blk_req rq_br;
	struct pv_iov	 rq_iov;
};

/*
 * What may outlive the device, for as long as the store has a request: the
 * requests and their memory.
 */
struct blkback_tab {
	struct pv_lock	 bt_lock;
	struct blkback_softc *bt_sc;	/* NULL: the device is gone */
	const struct pv_client *bt_client;
	struct pv_blk_guest bt_guest;
	bool		 bt_opened;	/* bg_blk is ours until closed */
	unsigned int	 bt_refs;	/* the device's, and of bt_nstore */
	unsigned int	 bt_nstore;	/* requests in the store */
	unsigned int	 bt_nbusy;	/* answers of it being dealt with */
	uint32_t	 bt_epoch;	/* of the connection */
	bool		 bt_up;		/* there is one */
	struct pv_os_event bt_quiet;	/* one of the two went down */
	struct list	 bt_free;
	struct list	 bt_wait;	/* to go on by bt_again */
	struct pv_os_work bt_again;
	char		*bt_data;	/* bt_npg pages */
	unsigned int	 bt_npg;
	uint32_t	 bt_used[BLKBACK_NPAGE / 32];
	struct blkback_req bt_req[BLKBACK_NREQ];
};

/* A page of the peer's that stays mapped. */
struct blkback_kept {
	struct gntmap	 bk_gm;
	uint8_t		 bk_state;
#define BLKBACK_KEPT_NONE	0
#define BLKBACK_KEPT_BUSY	1	/* being mapped */
#define BLKBACK_KEPT_READY	2
#define BLKBACK_KEPT_BAD	3	/* can not be mapped */
};

struct blkback_queue {
	struct blkback_softc *bq_sc;
	struct evtchn_handler bq_eh;
	struct bring	 bq_ring;
	struct window	 bq_window;
	unsigned int	 bq_npg;
	struct gntmap	 bq_page[XENBUS_RING_MAX];
	/* Lock: bt_lock. */
	struct blkback_req *bq_head;	/* taken, waits for something */
	unsigned int	 bq_nreq;	/* taken, not answered; not bq_head */
	bool		 bq_short;	/* stopped, to be run again */
	bool		 bq_barrier;	/* one is under way: stopped */
	struct window	 bq_keptwin;
	struct blkback_kept *bq_kept;	/* bq_nkept of them, or NULL */
	unsigned int	 bq_nkept;
};

struct blkback_softc {
	struct pv_dev	*sc_dev;
	struct blkback_tab *sc_tab;
	const struct blkback_abi *sc_abi;
	struct blkback_queue sc_queue[BLKBACK_NQUEUE];
	unsigned int	 sc_nqueue;
	uint64_t	 sc_told;	/* sectors that the peer knows of */
	int		 sc_said;	/* last failure to open that was told */
	bool		 sc_persistent;	/* both sides have it */
	bool		 sc_cdrom, sc_removable;
	bool		 sc_nodiscard;	/* by the toolstack */
};

/* ---- blkback_io.c ------------------------------------------------------ */

/* A queue's event handler; arg is the queue. */
enum evtchn_result blkback_io_intr(void *arg);
/* bt_again's function; arg is the table. */
void	 blkback_io_again(void *arg);
/* Forget a connection's requests; those in the store end by themselves.
   Thread; nothing takes new ones.  On return none touches the peer's memory. */
void	 blkback_io_stop(struct blkback_softc *);
/* The device lets go of its table.  Thread. */
void	 blkback_io_leave(struct blkback_tab *);

/* ---- blkback_req.c: no side effects ------------------------------------ */

/* The ABI of a name, or NULL; "" is our own. */
const struct blkback_abi *blkback_req_abi(const char *name);
/* What a request in the ring says. */
void	 blkback_req_decode(const struct blkback_abi *, const uint8_t *raw,
	    struct blkback_ask *);
/*
 * Is it a request that we can do?  0, -PV_EPROTO: nobody honest makes such a
 * request; else what to answer.  An indirect one is known but for its segments.
 */
int	 blkback_req_check(const struct blkback_disk *,
	    struct blkback_ask *);
/* The segments, which are private memory: as above; sets ak_nsect. */
int	 blkback_req_segs(const struct blkback_disk *, struct blkback_ask *,
	    const struct blkif_request_segment *);
/* Pages of ours that it needs. */
unsigned int blkback_req_npage(const struct blkback_ask *);
/* The next pieces to copy, at most n; moves the plan on. */
unsigned int blkback_req_pieces(const struct blkback_req *,
	    struct blkback_plan *, struct gntmap_copy *, unsigned int n);
/* npg pages in a row of those of a map with n bits: the first, or -1. */
int	 blkback_req_run(uint32_t *used, unsigned int n, unsigned int npg);
void	 blkback_req_unrun(uint32_t *used, unsigned int first,
	    unsigned int npg);
/* The next part for the store: sectors. */
uint64_t blkback_req_part(const struct pv_blk *, const struct blkback_req *);
int16_t	 blkback_req_status(int rv);

/* ---- blkback_map.c ----------------------------------------------------- */

/* Make room for pages that stay mapped.  Without it all are copied.  Thread. */
void	 blkback_map_create(struct blkback_queue *);
/* Idempotent.  Thread. */
void	 blkback_map_destroy(struct blkback_queue *);
/*
 * Copy n pieces of the peer's, through pages that are mapped, or can be; the
 * others by the hypervisor.  As gntmap_copy_once().  Deferred; no lock.
 */
int	 blkback_map_copy(struct blkback_queue *, struct gntmap_copy *,
	    unsigned int n);

/* ---- blkback_xs.c: thread ---------------------------------------------- */

/* What the toolstack says of the disk. */
int	 blkback_xs_read(struct blkback_softc *);
/* What we can do, for the peer to choose from.  0 or -PV_E*. */
int	 blkback_xs_offer(struct blkback_softc *);
/* What the disk is, before Connected; again: it has changed, and we say
   Connected once more. */
int	 blkback_xs_describe(struct blkback_softc *, bool again);
/* What the peer chose: sc_abi, sc_nqueue, sc_persistent. */
int	 blkback_xs_peer(struct blkback_softc *);
/* A queue's grants, into bq_page and bq_npg, and its port. */
int	 blkback_xs_queue(struct blkback_softc *, unsigned int n,
	    evport_t *port);

#endif /* BLKBACK_H */
