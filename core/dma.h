/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dma.h -- showing memory to a peer, whatever that takes.
 *
 * Four verbs.  A driver reserves at attach as many maps as it can ever have
 * in use, so that I/O can not run out; shares a piece of memory (never
 * crossing a page) and gets the da to put on the wire; unshares it when the
 * peer has answered; releases the pool at detach.
 *
 *	grant     da is a grant reference; unshare revokes it and fails with
 *	          -PV_EBUSY while the peer still has it mapped
 *	identity  da is the guest-physical address; unshare can not fail
 *	bounce    wrapped around one of the two: the peer sees a page of its
 *	          own and data is copied; for untrusted peers, unaligned or
 *	          untranslatable memory, and hosted tests, which so find each
 *	          forgotten share or unshare
 *	lasting   instead of either, for one pool: each map has a page that
 *	          the peer may read and write from reserve to release, and may
 *	          keep mapped; share and unshare only copy and never fail
 *
 * When unshare returned -PV_EBUSY the memory must not be freed or reused: the
 * map is given to pv_dma_park(), which keeps trying in quarantine and calls
 * back when the peer can no longer reach the memory.  A parked map outlives
 * its pool and its device.
 */

#ifndef DMA_H
#define DMA_H

#include <pv/os.h>

struct dma_bounce;
struct pv_dev;
struct pv_dma;
struct pv_dma_ops;

/* One piece of memory shown to the peer. */
struct pv_dma_map {
	uint64_t	 dm_da;		/* what goes on the wire */
	void		*dm_va;
	uint32_t	 dm_len;	/* bytes, within one page */
	enum pv_dir	 dm_dir;
	bool		 dm_reserved;	/* has all that a share needs */
	bool		 dm_shared;
	struct dma_bounce *dm_bounce;	/* bounce, lasting: what the peer
					   sees */
	uint64_t	 dm_priv;	/* the ops' own: reserved gref */
	struct pv_dma_map *dm_next;	/* the driver's own */
};

struct pv_dma_pool {
	struct pv_dma	*dp_dma;
	const struct pv_dma_ops *dp_ops;	/* the device's, or lasting */
	struct pv_dma_map *dp_map;	/* dp_n of them; maps are taken and put
					   by the driver, often one per id */
	unsigned int	 dp_n;
};

struct pv_dma {
	const struct pv_dma_ops *da_ops;
	void		*da_arg;	/* grant: struct xen */
	uint32_t	 da_peer;	/* domain id that may see the memory */
	struct pv_dev	*da_dev;	/* for the counters */
	uint32_t	 da_maxmap;	/* grant: its budget; 0: no limit */
	void		*da_budget;	/* grant: struct gnttab_budget */
	const struct pv_dma_ops *da_under;	/* bounce: what it wraps */
};

struct pv_dma_ops {
	int	(*do_reserve)(struct pv_dma *, struct pv_dma_map *);
	void	(*do_release)(struct pv_dma *, struct pv_dma_map *);
	int	(*do_share)(struct pv_dma *, struct pv_dma_map *);
	int	(*do_unshare)(struct pv_dma *, struct pv_dma_map *);
	/* Maps that could still be reserved; NULL: any number. */
	uint32_t (*do_room)(struct pv_dma *);
	/* Clears dm_reserved when the reserve can not be refilled. */
	void	(*do_park)(struct pv_dma *, struct pv_dma_map *,
		    void (*fn)(void *), void *arg);
};

/*
 * n maps, or -PV_ENOMEM / -PV_ENOSPC (no grants) and nothing.
 * Context: thread.
 */
int	 pv_dma_reserve(struct pv_dev *, struct pv_dma_pool *, unsigned int n);
/*
 * The same with pages that stay granted; the da of a map, which names its
 * page, is always the same.  The peer must be known, and a pool not outlive
 * the connection to it.  Take the map that was put back last: then few pages
 * are in use, and these the peer has mapped.  Context: thread.
 */
int	 pv_dma_reserve_lasting(struct pv_dev *, struct pv_dma_pool *,
	    unsigned int n);

/*
 * How many maps the device could reserve now, UINT32_MAX for no limit: a
 * driver that asks before it decides on rings and queues does not fail for
 * what it could do without.  Context: thread.
 */
uint32_t pv_dma_room(struct pv_dev *);

/*
 * Give the pool back.  Every map must be unshared or parked; parked maps'
 * grants stay in quarantine.  Idempotent.  Context: thread.
 */
void	 pv_dma_release(struct pv_dma_pool *);

/*
 * Show [va, va + len), which lies in one page, to the peer.  With dir
 * PV_PEER_WRITES the memory is unknown until unshare.  Cannot fail on a
 * reserved map.  Returns the da.  Context: deferred, thread.
 */
uint64_t pv_dma_share(struct pv_dma_pool *, struct pv_dma_map *, void *va,
	    size_t len, enum pv_dir dir);

/* 0: the peer can not reach it any more.  -PV_EBUSY: it still can. */
int	 pv_dma_unshare(struct pv_dma_pool *, struct pv_dma_map *);

/*
 * Leave a map that is -PV_EBUSY to the quarantine.  fn(arg) is called in
 * deferred context when the memory is free to use.  The map is reusable at
 * once if the reserve can be refilled, else it must not be shared again:
 * pv_dma_usable() tells.
 */
void	 pv_dma_park(struct pv_dma_pool *, struct pv_dma_map *,
	    void (*fn)(void *), void *arg);
/* True: reserved and not shared, pv_dma_share() may be called. */
bool	 pv_dma_usable(const struct pv_dma_map *);

extern const struct pv_dma_ops pv_dma_identity;
/* Wrap bounce around what dma does now.  Before the first reserve. */
void	 pv_dma_bounce(struct pv_dma *);

#endif /* DMA_H */
