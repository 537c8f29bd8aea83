/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vq.h -- virtqueues, split and packed (virtio 1.2, sections 2.7 and 2.8).
 *
 * A request is a chain: pieces the device reads, then pieces it writes.
 *
 *	vq_add()    describe a chain; it is private until
 *	vq_push()   shows all new chains to the device; true: kick it
 *	vq_get()    take the next answered chain: the cookie of its vq_add()
 *	vq_rearm()  ask for an interrupt at the next answer, look again
 *
 * Both kinds of ring look the same to drivers.  vq_split.c and vq_packed.c
 * end in one struct vq_ops each; vq.c and vq_ring.h have what they share: the
 * private state of the chains, by the id that the device answers with, what is
 * checked of an answer, and the indirect tables.
 *
 *	split    id: index of the chain's first descriptor in the table
 *	packed   id: a number of ours, written into the chain's last descriptor
 *
 * What we write into shared memory is never read back: free lists, the length
 * of each chain and the bytes that the device may write are kept privately.
 * Of what the device writes an index, a flag and each field of an element is
 * read once: an id must be that of a chain in flight and a length must not
 * exceed what the chain offered, or is cut to that where the driver knows that
 * real devices count wrongly.
 *
 * With VIRTIO_F_IN_ORDER chains are answered in the order of vq_push(), and one
 * answer may stand for all before it: those count as fully written.
 *
 * Callers hold their queue's lock around each call.
 */

#ifndef VQ_H
#define VQ_H

#include "dev.h"
#include "shm.h"

#define VQ_SIZE_MAX	32768	/* entries of the largest queue there is */
#define VQ_SIZE_WISH	256	/* entries that we use of a larger one */
#define VQ_NONE		UINT16_MAX
/* Feature bits that older headers do not name. */
#define VQ_F_NOTIFICATION_DATA 38

struct vq_piece {
	uint64_t	 vp_da;
	uint32_t	 vp_len;	/* bytes, not 0 */
	enum pv_dir	 vp_dir;	/* PEER_READS pieces come first */
};

/* Private state of an id: of a chain in flight, or on the free list. */
struct vq_desc {
	void		*vd_cookie;	/* not NULL: in flight */
	uint32_t	 vd_offered;	/* bytes the device may write */
	uint16_t	 vd_n;		/* descriptors of the ring it takes */
	uint16_t	 vd_next;	/* free list, or rest of the chain */
	uint16_t	 vd_table;	/* indirect table, or VQ_NONE */
};

/* The three parts of a queue's memory, as the specification names them. */
enum vq_area { VQ_AREA_DESC, VQ_AREA_DRIVER, VQ_AREA_DEVICE, VQ_NAREA };

struct vq;

/* What a kind of ring is; see vq_add() and the functions behind it. */
struct vq_ops {
	/* Bytes of shared memory, and where the areas are. */
	size_t	 (*qo_layout)(const struct vq *, unsigned int align,
		    size_t off[VQ_NAREA]);
	int	 (*qo_add)(struct vq *, const struct vq_piece *,
		    unsigned int n, void *cookie);
	bool	 (*qo_push)(struct vq *);
	int	 (*qo_get)(struct vq *, void **cookie, uint32_t *len);
	/* The chain of that id is no more, without an answer. */
	void	 (*qo_forget)(struct vq *, uint16_t id);
	bool	 (*qo_rearm)(struct vq *);
	void	 (*qo_quiet)(struct vq *);
	/* The upper half of what a kick with data says. */
	uint16_t (*qo_where)(const struct vq *);
};

struct vq {
	struct pv_dev	*vq_dev;
	const struct vq_ops *vq_ops;
	void		*vq_notify;	/* the transport's: where kicks go */
	uint16_t	 vq_index;
	uint16_t	 vq_size;	/* split: a power of two */
	bool		 vq_event_idx;	/* negotiated: RING_F_EVENT_IDX */
	bool		 vq_in_order;	/* VIRTIO_F_IN_ORDER */
	bool		 vq_lied;	/* nothing more is taken from it */
	bool		 vq_kickdata;	/* VIRTIO_F_NOTIFICATION_DATA */
	bool		 vq_cutlen;	/* a length too large is cut */
	uint16_t	 vq_free, vq_nfree;	/* ids; descriptors */
	struct vq_desc	*vq_desc;	/* vq_size of them, by id */
	/* answers in order */
	uint16_t	 vq_oldest;	/* in flight, when any is */
	bool		 vq_batch;	/* chains up to vq_last are answered */
	uint16_t	 vq_last;
	uint32_t	 vq_lastlen;
	/* split: counted without end; packed: places, with laps */
	uint16_t	 vq_avail;	/* chains described; next place */
	uint16_t	 vq_pushed;	/* shown; packed: how many are not */
	uint16_t	 vq_used;	/* answers taken; place of the next */
	bool		 vq_availlap, vq_usedlap;	/* packed */
	uint16_t	 vq_head;	/* packed: first place not shown, */
	uint16_t	 vq_headflags;	/* .. and the flags to show it */
	bool		 vq_hushed;	/* packed: no interrupts wanted */
	/* shared memory: vq_npg pages, contiguous */
	void		*vq_mem;
	unsigned int	 vq_npg;
	void		*vq_area[VQ_NAREA];
	/* indirect tables of vq_chain entries, in vq_tablepg pages */
	void		*vq_tables;
	uint64_t	 vq_tablespa;
	unsigned int	 vq_tablepg, vq_chain, vq_ntable;
	uint16_t	*vq_tablefree;	/* stack of those that are free */
	unsigned int	 vq_ntablefree;
};

/* What a queue is to be. */
struct vq_config {
	unsigned int	 vc_index;
	unsigned int	 vc_size;	/* entries */
	unsigned int	 vc_align;	/* split: of the used ring */
	unsigned int	 vc_chain;	/* pieces of the longest chain, for
					   indirect tables; 0: none */
	uint64_t	 vc_features;	/* negotiated */
};

/*
 * True when a queue of that kind can have that many entries: 1 to 32768, for
 * split ones a power of two.
 */
bool	 vq_size_ok(unsigned int size, uint64_t features);

/*
 * Make an empty queue.  0 or -PV_ENOMEM, -PV_EINVAL: a size that can not be.
 * Indirect tables are left out when there is no memory for them.
 * Context: thread.
 */
int	 vq_create(struct vq *, struct pv_dev *, const struct vq_config *);
/* The device has been reset and can not reach the ring.  Idempotent. */
void	 vq_destroy(struct vq *);
/* Empty, as it was made; the device has been reset.  Lock: the queue's. */
void	 vq_reset(struct vq *);

/* The guest-physical address of an area of the queue. */
uint64_t vq_pa(const struct vq *, enum vq_area);
/* The same for a small piece of a page of the driver's own. */
uint64_t vq_cell_pa(const void *);
/* What is to be written to kick the device. */
uint32_t vq_kick(const struct vq *);

/* After a reset: the cookie of any chain in flight, or NULL. */
void	*vq_drain(struct vq *);

/*
 * Describe a chain of n pieces.  cookie is not NULL.  0; -PV_EAGAIN: too few
 * descriptors are free now; -PV_EINVAL: n is 0 or larger than the queue.
 */
static inline int
vq_add(struct vq *vq, const struct vq_piece *vp, unsigned int n, void *cookie)
{
	return vq->vq_ops->qo_add(vq, vp, n, cookie);
}

/*
 * 1: *cookie and *len (bytes written by the device) are set.  0: none.
 * -PV_EPROTO: the device lied; break it.
 */
static inline int
vq_get(struct vq *vq, void **cookie, uint32_t *len)
{
	return vq->vq_ops->qo_get(vq, cookie, len);
}

static inline bool
vq_push(struct vq *vq)
{
	return vq->vq_ops->qo_push(vq);
}

static inline bool
vq_rearm(struct vq *vq)
{
	return vq->vq_ops->qo_rearm(vq) || vq->vq_batch;
}

/* No interrupts until vq_rearm(); a hint. */
static inline void
vq_quiet(struct vq *vq)
{
	vq->vq_ops->qo_quiet(vq);
}

/* ---- between vq.c and the two kinds -------------------- */
extern const struct vq_ops vq_split_ops, vq_packed_ops;
#endif /* VQ_H */
