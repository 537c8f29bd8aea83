/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * window.h -- address space of ours with no memory of ours behind it, for the
 * pages of other domains.
 *
 * A window is made of ordinary pages of the port's.  Hardware-virtualized
 * guests give their memory back to Xen for as long: a frame that is mapped
 * takes the place of theirs in the guest's physical address space, and what
 * was there would be lost.  In a paravirtualized guest a mapping is an entry
 * of the page table alone; the memory waits until the window is closed.
 */

#ifndef WINDOW_H
#define WINDOW_H

#include "xen.h"

struct window {
	char		*wi_va;		/* wi_npg pages; NULL: closed */
	unsigned int	 wi_npg;
	gfn_t		*wi_gfn;	/* what is behind them otherwise */
};

/* 0 or -PV_E* and nothing.  Context: thread. */
int	 window_create(struct xen *, struct window *, unsigned int npg);
/*
 * Nothing may be mapped in it any more.  A page that Xen has no memory for is
 * lost, and told of.  Idempotent.  Context: thread.
 */
void	 window_destroy(struct xen *, struct window *);
/* Where to map page i, in the words of grant operations.  Context: any. */
uint64_t window_addr(struct xen *, const struct window *, unsigned int i);

#endif /* WINDOW_H */
