/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gntmap.c -- map and copy the pages that peers granted; see gntmap.h.
 * Source: xen/include/public/grant_table.h.
 */

#include "hypercall.h"

#include "dev.h"
#include "gntmap.h"

#define GNTMAP_BATCH	8u		/* in one hypercall, on the stack */
#define GNTMAP_TRIES	11u		/* 1 ms, 2 ms .. 512 ms between them */
#define GNTMAP_SOON	(1000ull * 1000)

PV_WIRE_ASSERT(struct gnttab_map_grant_ref, 32);
PV_WIRE_ASSERT(struct gnttab_unmap_grant_ref, 24);

/* peer: it made the entry, so nearly every answer can be its doing. */
static int
gntmap_status(int16_t status)
{
	switch (status) {
	case GNTST_okay:
		return 0;
	case GNTST_eagain:
		return -PV_EAGAIN;
	case GNTST_no_space:
		return -PV_ENOSPC;
	case GNTST_permission_denied:
		return -PV_EPERM;
	default:
		return -PV_EINVAL;
	}
}

/* A domain can not be suspended with pages of others in it. */
static void
gntmap_count(struct xen *x, struct pv_dev *dev, int by)
{
	pv_count(&x->x_nforeign, by);
	if (dev != NULL)
		pv_count(&dev->pd_nmap, by);
}

/* ---- map --------------------------------------------------------------- */

/* The parts of a batch that have no answer yet, once. */
static void
gntmap_map_some(struct xen *x, struct gntmap *gm, unsigned int n)
{
	struct gnttab_map_grant_ref op[GNTMAP_BATCH] = { 0 };
	unsigned int i, k;
	int xrc;

	for (i = 0, k = 0; i < n; i++) {
		if (gm[i].gm_rv != -PV_EAGAIN)
			continue;
		op[k].host_addr = gm[i].gm_addr;
		op[k].flags = GNTMAP_host_map |
		    (gm[i].gm_readonly ? GNTMAP_readonly : 0);
		op[k].ref = gref_x(gm[i].gm_ref);
		op[k].dom = gm[i].gm_dom;
		op[k++].status = GNTST_general_error;
	}
	if (k == 0)
		return;
	xrc = hypercall_gnttab(x, GNTTABOP_map_grant_ref, op, k);
	for (i = 0, k = 0; i < n; i++) {
		if (gm[i].gm_rv != -PV_EAGAIN)
			continue;
		gm[i].gm_rv = xrc < 0 ? xrc : gntmap_status(op[k].status);
		gm[i].gm_mapped = gm[i].gm_rv == 0;
		gm[i].gm_handle = op[k++].handle;
	}
}

/* Wait before the next try; the wait doubles.  False: no more of them. */
static bool
gntmap_again(unsigned int try)
{
	struct pv_os_event never = { 0 };

	if (try + 1 >= GNTMAP_TRIES)
		return false;
	(void)pv_os_wait(&never, pv_os_now() + (GNTMAP_SOON << try));
	return true;
}

static bool
gntmap_waits(const struct gntmap *gm, unsigned int n)
{
	while (n-- > 0) {
		if (gm[n].gm_rv == -PV_EAGAIN)
			return true;
	}
	return false;
}

static void
gntmap_map_all(struct xen *x, struct gntmap *gm, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i += GNTMAP_BATCH)
		gntmap_map_some(x, gm + i,
		    n - i < GNTMAP_BATCH ? n - i : GNTMAP_BATCH);
}

static void
gntmap_map_start(struct gntmap *gm, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		gm[i].gm_rv = -PV_EAGAIN;
		gm[i].gm_mapped = false;
	}
}

/* Count what is mapped; the first part's error. */
static int
gntmap_map_end(struct xen *x, struct pv_dev *dev, const struct gntmap *gm,
    unsigned int n)
{
	unsigned int i;
	int rv = 0;

	for (i = 0; i < n; i++) {
		if (gm[i].gm_mapped)
			gntmap_count(x, dev, 1);
		if (rv == 0)
			rv = gm[i].gm_rv;
	}
	return rv;
}

/*
 * gntmap_map -- map n pages of peers; see gntmap.h
 *
 * Context: thread.
 */
int
gntmap_map(struct xen *x, struct pv_dev *dev, struct gntmap *gm,
    unsigned int n)
{
	unsigned int try = 0;

	gntmap_map_start(gm, n);
	do {
		gntmap_map_all(x, gm, n);
	} while (gntmap_waits(gm, n) && gntmap_again(try++));
	return gntmap_map_end(x, dev, gm, n);
}

/*
 * gntmap_map_once -- the same without waiting
 *
 * Context: deferred, thread.
 */
int
gntmap_map_once(struct xen *x, struct pv_dev *dev, struct gntmap *gm,
    unsigned int n)
{
	gntmap_map_start(gm, n);
	gntmap_map_all(x, gm, n);
	return gntmap_map_end(x, dev, gm, n);
}

/* ---- unmap ------------------------------------------------------------- */

static int
gntmap_unmap_some(struct xen *x, struct pv_dev *dev, struct gntmap *gm,
    unsigned int n)
{
	struct gnttab_unmap_grant_ref op[GNTMAP_BATCH] = { 0 };
	unsigned int i, k;
	int xrc, rv = 0;

	for (i = 0, k = 0; i < n; i++) {
		if (!gm[i].gm_mapped)
			continue;
		op[k].host_addr = gm[i].gm_addr;
		op[k].handle = gm[i].gm_handle;
		op[k++].status = GNTST_general_error;
	}
	if (k == 0)
		return 0;
	xrc = hypercall_gnttab(x, GNTTABOP_unmap_grant_ref, op, k);
	for (i = 0, k = 0; i < n; i++) {
		if (!gm[i].gm_mapped)
			continue;
		gm[i].gm_rv = xrc < 0 ? xrc : gntmap_status(op[k].status);
		k++;
		gm[i].gm_mapped = gm[i].gm_rv != 0;
		if (gm[i].gm_mapped && rv == 0)
			rv = gm[i].gm_rv;
		if (!gm[i].gm_mapped)
			gntmap_count(x, dev, -1);
	}
	return rv;
}

/*
 * gntmap_unmap -- undo gntmap_map(), of the parts that are mapped
 *
 * Context: deferred, thread.
 */
int
gntmap_unmap(struct xen *x, struct pv_dev *dev, struct gntmap *gm,
    unsigned int n)
{
	unsigned int i;
	int rv = 0, one;

	for (i = 0; i < n; i += GNTMAP_BATCH) {
		one = gntmap_unmap_some(x, dev, gm + i,
		    n - i < GNTMAP_BATCH ? n - i : GNTMAP_BATCH);
		if (rv == 0)
			rv = one;
	}
	return rv;
}

/* ---- copy -------------------------------------------------------------- */

static void
gntmap_copy_op(struct gnttab_copy *op, const struct gntmap_copy *gc)
{
	struct gnttab_copy_ptr peer = {
		.u.ref = gref_x(gc->gc_ref), .domid = gc->gc_dom,
		.offset = gc->gc_off
	};
	struct gnttab_copy_ptr own = {
		.u.gmfn = (xen_pfn_t)gfn_x(pv_os_gfn(gc->gc_va)),
		.domid = DOMID_SELF,
		.offset = (uint16_t)((uintptr_t)gc->gc_va & (PV_PAGE_SIZE - 1))
	};

	op->source = gc->gc_write ? own : peer;
	op->dest = gc->gc_write ? peer : own;
	op->len = gc->gc_len;
	op->flags = gc->gc_write ? GNTCOPY_dest_gref : GNTCOPY_source_gref;
	op->status = GNTST_general_error;
}

static bool
gntmap_copy_some(struct xen *x, struct gntmap_copy *gc, unsigned int n)
{
	struct gnttab_copy op[GNTMAP_BATCH] = { 0 };
	unsigned int i, k;
	bool again = false;
	int xrc;

	for (i = 0, k = 0; i < n; i++) {
		if (gc[i].gc_rv == -PV_EAGAIN)
			gntmap_copy_op(&op[k++], &gc[i]);
	}
	if (k == 0)
		return false;
	xrc = hypercall_gnttab(x, GNTTABOP_copy, op, k);
	for (i = 0, k = 0; i < n; i++) {
		if (gc[i].gc_rv != -PV_EAGAIN)
			continue;
		gc[i].gc_rv = xrc < 0 ? xrc : gntmap_status(op[k].status);
		k++;
		again |= gc[i].gc_rv == -PV_EAGAIN;
	}
	return again;
}

static bool
gntmap_copy_all(struct xen *x, struct gntmap_copy *gc, unsigned int n)
{
	bool again = false;
	unsigned int i;

	for (i = 0; i < n; i += GNTMAP_BATCH)
		again |= gntmap_copy_some(x, gc + i,
		    n - i < GNTMAP_BATCH ? n - i : GNTMAP_BATCH);
	return again;
}

/*
 * gntmap_copy -- copy n pieces from or to pages of peers; see gntmap.h
 *
 * Context: thread.
 */
int
gntmap_copy(struct xen *x, struct gntmap_copy *gc, unsigned int n)
{
	unsigned int i, try = 0;
	int rv = 0;

	for (i = 0; i < n; i++)
		gc[i].gc_rv = -PV_EAGAIN;
	while (gntmap_copy_all(x, gc, n) && gntmap_again(try++))
		continue;
	for (i = 0; i < n && rv == 0; i++)
		rv = gc[i].gc_rv;
	return rv;
}

/*
 * gntmap_copy_once -- the same without waiting
 *
 * -PV_EAGAIN when nothing worse became of any part.
 * Context: deferred, thread.
 */
int
gntmap_copy_once(struct xen *x, struct gntmap_copy *gc, unsigned int n)
{
	unsigned int i;
	int rv = 0;

	for (i = 0; i < n; i++)
		gc[i].gc_rv = -PV_EAGAIN;
	(void)gntmap_copy_all(x, gc, n);
	for (i = 0; i < n; i++) {
		if (rv == 0 || (rv == -PV_EAGAIN && gc[i].gc_rv != 0))
			rv = gc[i].gc_rv;
	}
	return rv;
}
