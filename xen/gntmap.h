/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gntmap.h -- the other side of a grant: reach the pages that a peer granted
 * to us, as back ends do.
 *
 * Everything goes in batches, of which each part has an answer of its own:
 * that the call as a whole succeeded says nothing.  What the peer has paged
 * out (GNTST_eagain) is asked for again, ever later, for about a second.
 *
 * A mapping is put into a window (window.h), and what is read there is the
 * peer's: lib/shm.h only.  Where the data go elsewhere anyway, copy.
 */

#ifndef GNTMAP_H
#define GNTMAP_H

#include "xen.h"

struct pv_dev;

struct gntmap {
	pv_domid_t	 gm_dom;	/* asked for .. */
	gref_t		 gm_ref;
	bool		 gm_readonly;
	uint64_t	 gm_addr;	/* window_addr() */
	bool		 gm_mapped;	/* .. and what became of it */
	uint32_t	 gm_handle;
	int		 gm_rv;
};

/*
 * Map n pages.  0, or the first part's error: then some may be mapped all the
 * same, each has its answer in gm_rv.  dev is for the counters, or NULL.
 * -PV_EINVAL: the peer granted no such thing.  -PV_EAGAIN: it is paged out.
 * Context: thread.
 */
int	 gntmap_map(struct xen *, struct pv_dev *, struct gntmap *,
	    unsigned int n);
/* The same without waiting: what is paged out has the answer -PV_EAGAIN.
   Context: deferred, thread. */
int	 gntmap_map_once(struct xen *, struct pv_dev *, struct gntmap *,
	    unsigned int n);
/*
 * Unmap those of n that are mapped.  0; an error leaves gm_mapped set, and
 * the address must not be used for anything else.  Context: deferred, thread.
 */
int	 gntmap_unmap(struct xen *, struct pv_dev *, struct gntmap *,
	    unsigned int n);

struct gntmap_copy {
	pv_domid_t	 gc_dom;
	gref_t		 gc_ref;	/* the peer's page, and .. */
	uint16_t	 gc_off;
	uint16_t	 gc_len;	/* bytes, within one page each */
	void		*gc_va;		/* our memory, of the port's pages */
	bool		 gc_write;	/* to the peer */
	int		 gc_rv;
};

/* Copy n pieces; answers as above.  Context: thread. */
int	 gntmap_copy(struct xen *, struct gntmap_copy *, unsigned int n);
/* The same without waiting; -PV_EAGAIN when nothing worse became of any part.
   Context: deferred, thread. */
int	 gntmap_copy_once(struct xen *, struct gntmap_copy *, unsigned int n);

#endif /* GNTMAP_H */
