/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vq.h -- split virtqueues (virtio 1.2, section 2.7).
 *
 * A request is a chain: pieces the device reads, then pieces it writes.
 *
 *	vq_add()    describe a chain; it is private until
 *	vq_push()   shows all new chains to the device; true: kick it
 *	vq_get()    take the next answered chain: the cookie of its vq_add()
 *	vq_rearm()  ask for an interrupt at the next answer, look again
 *
 * The descriptor table and the available ring are written and never read; the
 * free list, the length of each chain and the bytes the device may write are
 * kept in a private table by head.  From the used ring an index is read once
 * and an element copied once: an id must be the head of a chain in flight and
 * a length must not exceed what the chain offered.
 *
 * Callers hold their queue's lock around each call.
 */

#ifndef VQ_H
#define VQ_H

#include "dev.h"
#include "shm.h"

#define VQ_SIZE_MAX	256	/* entries that we use of larger queues */

struct vq_piece {
	uint64_t	 vp_da;
	uint32_t	 vp_len;	/* bytes, not 0 */
	enum pv_dir	 vp_dir;	/* PEER_READS pieces come first */
};

/* Private state of a descriptor; of a chain where it is the head. */
struct vq_desc {
	void		*vd_cookie;	/* not NULL: head in flight */
	uint32_t	 vd_offered;	/* bytes the device may write */
	uint16_t	 vd_n;		/* descriptors of the chain */
	uint16_t	 vd_next;	/* free list, or rest of the chain */
};

struct vq {
	struct pv_dev	*vq_dev;
	uint16_t	 vq_index;
	uint16_t	 vq_size;	/* a power of two */
	bool		 vq_event_idx;	/* VIRTIO_F_EVENT_IDX negotiated */
	uint16_t	 vq_free, vq_nfree;
	uint16_t	 vq_avail;	/* chains described */
	uint16_t	 vq_pushed;	/* of these, shown */
	uint16_t	 vq_used;	/* answers taken */
	struct vq_desc	*vq_desc;	/* vq_size of them */
	/* shared memory: vq_npg pages, contiguous */
	void		*vq_mem;
	unsigned int	 vq_npg;
	struct vring_desc *vq_table;
	uint16_t	*vq_availring;	/* flags, idx, ring[], used_event */
	uint16_t	*vq_usedring;	/* flags, idx, elements, avail_event */
};

/*
 * Bytes of shared memory for a queue of that size with the used ring at the
 * next multiple of align, and where the parts are.
 */
size_t	 vq_layout(unsigned int size, unsigned int align, size_t *availp,
	    size_t *usedp);

/*
 * Make an empty queue of size entries (a power of two up to 32768).  0 or
 * -PV_ENOMEM, -PV_EINVAL.  Context: thread.
 */
int	 vq_create(struct vq *, struct pv_dev *, unsigned int index,
	    unsigned int size, unsigned int align);
/* The device has been reset and can not reach the ring.  Idempotent. */
void	 vq_destroy(struct vq *);

/* The guest-physical address of a part of the queue's memory. */
uint64_t vq_pa(const struct vq *, const void *part);
/* The same for a small piece of a page of the driver's own. */
uint64_t vq_cell_pa(const void *);

/*
 * Describe a chain of n pieces.  cookie is not NULL.  0; -PV_EAGAIN: too few
 * descriptors are free now; -PV_EINVAL: n is 0 or larger than the queue.
 */
int	 vq_add(struct vq *, const struct vq_piece *, unsigned int n,
	    void *cookie);
bool	 vq_push(struct vq *);
/*
 * 1: *cookie and *len (bytes written by the device) are set.  0: none.
 * -PV_EPROTO: the device lied; break it.
 */
int	 vq_get(struct vq *, void **cookie, uint32_t *len);
bool	 vq_rearm(struct vq *);
/* No interrupts until vq_rearm(); a hint. */
void	 vq_quiet(struct vq *);
/* After a reset: the cookie of any chain in flight, or NULL. */
void	*vq_drain(struct vq *);

#endif /* VQ_H */
