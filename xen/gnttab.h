/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gnttab.h -- the grant table, version 1: pages of ours that other domains
 * may map or copy.
 *
 * Entries 0..7 are reserved by Xen (console, store).  Free entries are
 * linked in a private array, never in the shared table.  The table grows page
 * by page up to what GNTTABOP_query_size allows.
 *
 * Revoking can fail: while the peer has the page mapped its entry can not be
 * taken back.  Such entries go to quarantine (gnttab_park), are tried again
 * with back-off, and only then is the owner told that the page is its own.
 */

#ifndef GNTTAB_H
#define GNTTAB_H

#include "dma.h"
#include "xen.h"

int	 gnttab_attach(struct xen *);
void	 gnttab_detach(struct xen *);

/*
 * Around a suspend, interrupts masked: let Xen's frames go where they would
 * be in the way (PV), and find them again.  After a resume the table is empty:
 * what was granted counts as granted still, but nobody can reach it.  0 or
 * -PV_E*.  Context: any.
 */
void	 gnttab_suspend(struct xen *);
int	 gnttab_resume(struct xen *);

/* Take a free entry, growing the table.  0 or -PV_ENOSPC.  Thread. */
int	 gnttab_reserve(struct xen *, gref_t *);
/* The same without growing it.  Context: any. */
int	 gnttab_take(struct xen *, gref_t *);
/* Give back an entry that is not granted.  Any context but interrupt. */
void	 gnttab_unreserve(struct xen *, gref_t);

/*
 * How many entries can still be reserved, for a driver that sizes its rings and
 * queues by it.  Others may be faster.  Context: any.
 */
uint32_t gnttab_room(struct xen *);

/*
 * The same three for a device, by its budget if it has one: the entries that it
 * has at a time, those that its peers keep in quarantine too, are at most
 * that many.  -PV_ENOSPC when it is spent, which is told once.
 */
int	 gnttab_reserve_for(struct pv_dev *, gref_t *);
int	 gnttab_take_for(struct pv_dev *, gref_t *);
uint32_t gnttab_room_for(struct pv_dev *);
/*
 * Give a device that is to be made with dma a budget: 0 or -PV_ENOMEM.  Take it
 * back when the device is gone; without one nothing happens.  Thread.
 */
int	 gnttab_budget_create(struct pv_dma *dma, uint32_t max);
void	 gnttab_budget_destroy(struct pv_dma *dma);

/* Let the peer map or copy a page through a reserved entry.  Deferred. */
void	 gnttab_grant(struct xen *, gref_t, pv_domid_t peer, gfn_t,
	    bool readonly);
/* 0: revoked, entry reserved still.  -PV_EBUSY: in use by the peer. */
int	 gnttab_revoke(struct xen *, gref_t);
/* Quarantine a busy entry; fn(arg) in deferred context once it is revoked,
   with the entry freed.  fn may be NULL.  Context: deferred, thread. */
void	 gnttab_park(struct xen *, gref_t, void (*fn)(void *), void *arg);

void	 gnttab_totals(struct xen *, struct pv_totals *);

extern const struct pv_dma_ops gnttab_dma_ops;	/* gnttab_dma.c */

#endif /* GNTTAB_H */
