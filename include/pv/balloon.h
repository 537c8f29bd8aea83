/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv/balloon.h -- a balloon: memory that the guest gives back for a while.
 *
 * Theory of operation.  The peer names a number of pages that it wants in the
 * balloon, bl_target.  The driver gets pages from the consumer with bl_get,
 * tells the peer, and counts them in bl_held; to give memory back to the
 * guest it tells the peer and then returns them with bl_put.  Between the two
 * the memory of a page is not the guest's: it must not be touched.
 *
 *	virtio   pages keep their numbers; the host drops what is behind them
 *	Xen      the page's frame is given to the hypervisor, and another one
 *	         is put behind it later (pv_os_rebind): the target is what the
 *	         toolstack set, less what the domain has, in pages
 *
 * After pc_balloon_down what is held still comes back with bl_put.
 *
 * The consumer decides what can be spared: a bl_get that returns NULL ends
 * the filling, and the driver tries again a little later.  So a guest never
 * falls below its own floor, whatever the peer wants.  Pages are cleared by
 * the consumer before they are given away, for the peer may read them; pages
 * that a device can reach, page tables and the like are never given.
 *
 * A guest can be started with less memory than it may have one day.  What is
 * missing is in the balloon from the start: PV_BALLOON_HOLLOW gets the pages
 * that are to hold it, which have nothing behind them yet.
 *
 * A guest may have less than the peer wants it to have (PV_BALLOON_LENDS):
 * bo_wish says how many pages the balloon shall hold at least, whatever the
 * target.  The peer may give them to others meanwhile, so to take them back
 * can last, or fail for a while; bl_held tells.
 *
 * Some peers let the guest take pages back when it is short of memory
 * (PV_BALLOON_OOM); bo_deflate asks for that.  Some want to be told of memory
 * that is free for the moment: bl_get with PV_BALLOON_REPORT gives a block of
 * it, which comes back with bl_put when the peer has dropped what is behind
 * it; with PV_BALLOON_HINT, blocks that a migration need not copy.
 */

#ifndef PV_BALLOON_H
#define PV_BALLOON_H

#include <pv/types.h>

enum pv_balloon_why {
	PV_BALLOON_FILL,	/* one page, cleared */
	PV_BALLOON_REPORT,	/* a free block, any contents; returned soon */
	PV_BALLOON_HINT,	/* the same; returned when the peer is done */
	PV_BALLOON_HOLLOW	/* one page that has no memory and never had */
};

struct pv_balloon_stat {	/* bytes */
	uint64_t	 bs_total, bs_free, bs_cached;
};

struct pv_balloon_ops {
	/* Give up to that many pages back to the guest, soon.  Any context. */
	void	(*bo_deflate)(void *sc, uint64_t npg);
	/* Hold at least so many from now on; with LENDS.  Any context. */
	void	(*bo_wish)(void *sc, uint64_t npg);
};

struct pv_balloon {
	const char		*bl_name;	/* "vtballoon0" */
	const struct pv_balloon_ops *bl_ops;
	void			*bl_sc;
	uint32_t		 bl_flags;
#define PV_BALLOON_OOM	0x1
#define PV_BALLOON_REPORTS 0x2
#define PV_BALLOON_HINTS 0x4
#define PV_BALLOON_HARD	0x8	/* above the target there may be no memory */
#define PV_BALLOON_LENDS 0x10	/* bo_wish may ask for more than the target */
	uint64_t		 bl_target, bl_held;	/* pages */
	uint64_t		 bl_wish;	/* as bo_wish said */
	uint64_t		 bl_all;	/* without one; 0: unknown */
	/*
	 * Set by the consumer before it returns from pc_balloon_up.  bl_get:
	 * npgp pages, contiguous, or NULL: nothing can be spared (or, with
	 * REPORT, nothing is new).  Context: thread, no lock held.
	 */
	void	*(*bl_get)(struct pv_balloon *, enum pv_balloon_why,
		    unsigned int *npgp);
	void	(*bl_put)(struct pv_balloon *, enum pv_balloon_why, void *va,
		    unsigned int npg);
	void	(*bl_stat)(struct pv_balloon *, struct pv_balloon_stat *);
	void			*bl_client;
	/* statistics, kept by the driver: pages */
	uint64_t		 bl_nin, bl_nout, bl_nreport, bl_nhint;
	uint64_t		 bl_nstat;	/* times asked */
	uint64_t		 bl_nshort;	/* times it did not get on */
};

#endif /* PV_BALLOON_H */
