/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gnttab.c -- the grant table, version 1; see gnttab.h.
 *
 * The table is an array of frames that Xen shares with us; beside each frame
 * goes a private array with an element per entry, which links free and parked
 * entries and remembers whom to tell when a parked one is free.  So neither
 * taking nor parking an entry can run out of memory.
 *
 *	         reserve            grant              revoke
 *	  free  --------> reserved -------> granted  ---------> reserved
 *	    ^                                  | park (busy)
 *	    +------- revoked at last <---- parked
 *
 * An entry's flags are written by us and, while a peer maps or copies the
 * page, by Xen (GTF_reading, GTF_writing); so they are taken back only by
 * compare-and-swap.
 * Source: xen/include/public/grant_table.h.
 */

#include "hypercall.h"

#include "dev.h"
#include "gnttab.h"
#include "shm.h"

#define GNTTAB_RESERVED	8		/* entries that the builder uses */
#define GNTTAB_PERPAGE	(PV_PAGE_SIZE / sizeof(struct grant_entry_v1))
#define GNTTAB_MAXFRAME	4096		/* beyond it a limit is nonsense */
#define GNTTAB_CAS	16		/* tries against changing flags */
#define GNTTAB_SOON	(1000ull * 1000)	/* ns: first retry .. */
#define GNTTAB_LATEST	(1000ull * 1000 * 1000)	/* .. doubled up to here */
#define GNTTAB_PATIENCE	(2000ull * 1000 * 1000)	/* ns: at detach */
#define GNTTAB_END	UINT32_MAX

PV_WIRE_ASSERT(struct grant_entry_v1, 8);
PV_WIRE_OFFSET(struct grant_entry_v1, domid, 2);
PV_WIRE_OFFSET(struct grant_entry_v1, frame, 4);

/* What we know of an entry beside what Xen sees. */
struct gnttab_entry {
	uint32_t	 ge_next;	/* of the free or the parked */
	struct gnttab_budget *ge_budget;	/* it is on, or NULL */
	void		(*ge_fn)(void *);	/* parked: whom to tell */
	void		*ge_arg;
};

/* What a device may have.  Lives as long as an entry is on it. */
struct gnttab_budget {
	uint32_t	 gb_max, gb_used;
	bool		 gb_gone;	/* the device is no more */
	bool		 gb_told;	/* that it is spent */
};

struct gnttab_frame {
	struct grant_entry_v1 *gf_shared;
	struct gnttab_entry gf_entry[GNTTAB_PERPAGE];
};

struct gnttab {
	struct xen	*gt_xen;
	struct pv_lock	 gt_lock;
	struct gnttab_frame **gt_frame;	/* gt_nframe of gt_maxframe used */
	uint32_t	 gt_nframe, gt_maxframe;
	bool		 gt_growing;
	uint32_t	 gt_free;	/* first free, or GNTTAB_END */
	uint32_t	 gt_parked;	/* first parked, or GNTTAB_END */
	uint32_t	 gt_nused, gt_nparked;
	uint64_t	 gt_delay;	/* of the next retry, ns */
	struct pv_os_work gt_work;
	uint64_t	 gt_nbusy;	/* revokes refused: in use */
	uint64_t	 gt_nrace;	/* revokes refused: flags in motion */
};

static struct gnttab_entry *
gnttab_entry(const struct gnttab *gt, uint32_t ref)
{
	return &gt->gt_frame[ref / GNTTAB_PERPAGE]->gf_entry[ref %
	    GNTTAB_PERPAGE];
}

static struct grant_entry_v1 *
gnttab_shared(const struct gnttab *gt, gref_t gref)
{
	uint32_t ref = gref_x(gref);

	PV_ASSERT(ref >= GNTTAB_RESERVED &&
	    ref / GNTTAB_PERPAGE < gt->gt_nframe);
	return &gt->gt_frame[ref / GNTTAB_PERPAGE]->gf_shared[ref %
	    GNTTAB_PERPAGE];
}

/* ---- growth ------------------------------------------------------------ */

/* PV: Xen tells where all frames are; map the one at index n. */
static void *
gnttab_map_pv(struct gnttab *gt, uint32_t n)
{
	struct xen *x = gt->gt_xen;
	size_t len = (n + 1) * sizeof(xen_pfn_t);
	xen_pfn_t *mfn = pv_os_alloc(len);
	void *va = NULL;

	if (mfn == NULL)
		return NULL;
	if (hypercall_gnttab_setup(x, n + 1, mfn) == 0)
		va = xen_map_frame(x, GFN(mfn[n]));
	pv_os_free(mfn, len);
	return va;
}

static void *
gnttab_map(struct gnttab *gt, uint32_t n)
{
	if (xen_pv(gt->gt_xen))
		return gnttab_map_pv(gt, n);
	return xen_window_create(gt->gt_xen, XENMAPSPACE_grant_table, n);
}

static void
gnttab_unmap(struct gnttab *gt, void *va)
{
	if (xen_pv(gt->gt_xen))
		xen_unmap_frame(gt->gt_xen, va);
	else
		xen_window_destroy(gt->gt_xen, va);
}

/*
 * Link a new frame's entries as free, the lowest first.  An entry that is in
 * use already is somebody's before us (a kernel that started this one): it is
 * left alone for good.  Lock: held.
 */
static void
gnttab_link(struct gnttab *gt, uint32_t n)
{
	struct gnttab_frame *gf = gt->gt_frame[n];
	uint32_t first = n * (uint32_t)GNTTAB_PERPAGE, i;

	for (i = GNTTAB_PERPAGE; i-- > 0;) {
		if (first + i < GNTTAB_RESERVED ||
		    shm_read16(&gf->gf_shared[i].flags) != 0)
			continue;
		gf->gf_entry[i].ge_next = gt->gt_free;
		gt->gt_free = first + i;
	}
}

/* Add the frame at index n; one thread at a time. */
static int
gnttab_add(struct gnttab *gt, uint32_t n)
{
	struct gnttab_frame *gf;

	gf = pv_os_alloc(sizeof(*gf));
	if (gf == NULL)
		return -PV_ENOMEM;
	gf->gf_shared = gnttab_map(gt, n);
	if (gf->gf_shared == NULL) {
		pv_log(NULL, PV_LOG_WARN, "gnttab: frame %u of %u is not to be "
		    "had", n + 1, gt->gt_maxframe);
		pv_os_free(gf, sizeof(*gf));
		return -PV_ENOSPC;
	}
	pv_lock(&gt->gt_lock);
	gt->gt_frame[n] = gf;
	gt->gt_nframe = n + 1;
	gnttab_link(gt, n);
	pv_unlock(&gt->gt_lock);
	return 0;
}

/* Grow by a frame, or wait for the thread that does. */
static int
gnttab_grow(struct gnttab *gt)
{
	struct pv_os_event ev = { 0 };
	uint32_t n;
	bool other;
	int rv;

	pv_lock(&gt->gt_lock);
	n = gt->gt_nframe;
	other = gt->gt_growing;
	gt->gt_growing = true;
	pv_unlock(&gt->gt_lock);
	if (other) {
		(void)pv_os_wait(&ev, pv_os_now() + GNTTAB_SOON);
		return 0;
	}
	rv = n < gt->gt_maxframe ? gnttab_add(gt, n) : -PV_ENOSPC;
	pv_lock(&gt->gt_lock);
	gt->gt_growing = false;
	pv_unlock(&gt->gt_lock);
	return rv;
}

/* ---- entries ----------------------------------------------------------- */

/* A budget, or NULL, has room for one more.  Lock: held. */
static bool
gnttab_allows(const struct gnttab_budget *gb)
{
	return gb == NULL || gb->gb_used < gb->gb_max;
}

/* A free entry, on a budget or none; GNTTAB_END: none is free, or allowed. */
static uint32_t
gnttab_pop(struct gnttab *gt, struct gnttab_budget *gb)
{
	uint32_t ref = GNTTAB_END;

	pv_lock(&gt->gt_lock);
	if (gnttab_allows(gb))
		ref = gt->gt_free;
	if (ref != GNTTAB_END) {
		gt->gt_free = gnttab_entry(gt, ref)->ge_next;
		gt->gt_nused++;
		gnttab_entry(gt, ref)->ge_budget = gb;
		if (gb != NULL)
			gb->gb_used++;
	}
	pv_unlock(&gt->gt_lock);
	return ref;
}

/*
 * gnttab_take -- a free entry of the table as it is
 *
 * 0 or -PV_ENOSPC.
 * Context: any.
 */
int
gnttab_take(struct xen *x, gref_t *gref)
{
	*gref = GREF(gnttab_pop(x->x_gnttab, NULL));
	return gref_x(*gref) == GNTTAB_END ? -PV_ENOSPC : 0;
}

/*
 * gnttab_reserve -- a free entry, growing the table if need be
 *
 * 0, -PV_ENOSPC (the hypervisor's limit) or -PV_ENOMEM.
 * Context: thread.
 */
int
gnttab_reserve(struct xen *x, gref_t *gref)
{
	int rv;

	while (gnttab_take(x, gref) < 0) {
		rv = gnttab_grow(x->x_gnttab);
		if (rv < 0)
			return rv;
	}
	return 0;
}

/*
 * gnttab_room -- entries that can still be reserved
 *
 * Context: any.
 */
uint32_t
gnttab_room(struct xen *x)
{
	struct gnttab *gt = x->x_gnttab;
	uint32_t n = gt->gt_maxframe * (uint32_t)GNTTAB_PERPAGE;

	return n - GNTTAB_RESERVED - gt->gt_nused;
}

/*
 * Lock: held.  Returns a budget that is to be freed (without the lock), or
 * NULL.
 */
static struct gnttab_budget *
gnttab_free(struct gnttab *gt, uint32_t ref)
{
	struct gnttab_entry *ge = gnttab_entry(gt, ref);
	struct gnttab_budget *gb = ge->ge_budget;

	ge->ge_budget = NULL;
	ge->ge_next = gt->gt_free;
	gt->gt_free = ref;
	gt->gt_nused--;
	if (gb == NULL || --gb->gb_used > 0 || !gb->gb_gone)
		return NULL;
	return gb;
}

/*
 * gnttab_unreserve -- give back an entry that is not granted
 *
 * Context: deferred, thread.
 */
void
gnttab_unreserve(struct xen *x, gref_t gref)
{
	struct gnttab *gt = x->x_gnttab;
	struct gnttab_budget *gb;

	PV_ASSERT(shm_read16(&gnttab_shared(gt, gref)->flags) == 0);
	pv_lock(&gt->gt_lock);
	gb = gnttab_free(gt, gref_x(gref));
	pv_unlock(&gt->gt_lock);
	pv_os_free(gb, sizeof(*gb));
}

/* ---- budgets ----------------------------------------------------------- */

/*
 * gnttab_budget_create -- a device that is made with dma has a budget
 *
 * 0 or -PV_ENOMEM.
 * Context: thread.
 */
int
gnttab_budget_create(struct pv_dma *dma, uint32_t max)
{
	struct gnttab_budget *gb = pv_os_alloc(sizeof(*gb));

	if (gb == NULL)
		return -PV_ENOMEM;
	gb->gb_max = max;
	dma->da_budget = gb;
	dma->da_maxmap = max;
	return 0;
}

/*
 * gnttab_budget_destroy -- the device is gone; what peers keep of it stays on
 * its budget
 *
 * Context: thread.
 */
void
gnttab_budget_destroy(struct pv_dma *dma)
{
	struct gnttab *gt = ((struct xen *)dma->da_arg)->x_gnttab;
	struct gnttab_budget *gb = dma->da_budget;
	bool last;

	if (gb == NULL)
		return;
	dma->da_budget = NULL;
	pv_lock(&gt->gt_lock);
	gb->gb_gone = true;
	last = gb->gb_used == 0;
	pv_unlock(&gt->gt_lock);
	if (last)
		pv_os_free(gb, sizeof(*gb));
}

/*
 * gnttab_take_for -- a free entry of the table as it is, on a device's budget
 *
 * 0 or -PV_ENOSPC.
 * Context: any.
 */
int
gnttab_take_for(struct pv_dev *dev, gref_t *gref)
{
	struct xen *x = dev->pd_dma.da_arg;

	*gref = GREF(gnttab_pop(x->x_gnttab, dev->pd_dma.da_budget));
	return gref_x(*gref) == GNTTAB_END ? -PV_ENOSPC : 0;
}

/* The budget is spent: say so, once. */
static bool
gnttab_spent(struct pv_dev *dev)
{
	struct gnttab *gt = ((struct xen *)dev->pd_dma.da_arg)->x_gnttab;
	struct gnttab_budget *gb = dev->pd_dma.da_budget;
	bool spent, told;

	if (gb == NULL)
		return false;
	pv_lock(&gt->gt_lock);
	spent = !gnttab_allows(gb);
	told = gb->gb_told;
	gb->gb_told |= spent;
	pv_unlock(&gt->gt_lock);
	if (spent && !told)
		pv_log(dev, PV_LOG_WARN, "its budget of %u grants is spent; "
		    "gnttab.budget gives more", gb->gb_max);
	return spent;
}

/*
 * gnttab_reserve_for -- a free entry on a device's budget; may grow the table
 *
 * 0, -PV_ENOSPC (its budget, or the hypervisor's limit) or -PV_ENOMEM.
 * Context: thread.
 */
int
gnttab_reserve_for(struct pv_dev *dev, gref_t *gref)
{
	struct xen *x = dev->pd_dma.da_arg;
	int rv;

	while (gnttab_take_for(dev, gref) < 0) {
		rv = gnttab_spent(dev) ? -PV_ENOSPC : gnttab_grow(x->x_gnttab);
		if (rv < 0)
			return rv;
	}
	return 0;
}

/*
 * gnttab_room_for -- entries that a device could still reserve
 *
 * Context: any.
 */
uint32_t
gnttab_room_for(struct pv_dev *dev)
{
	struct xen *x = dev->pd_dma.da_arg;
	struct gnttab_budget *gb = dev->pd_dma.da_budget;
	uint32_t room = gnttab_room(x), left;

	if (gb == NULL)
		return room;
	pv_lock(&x->x_gnttab->gt_lock);
	left = gb->gb_max - gb->gb_used;
	pv_unlock(&x->x_gnttab->gt_lock);
	return left < room ? left : room;
}

/*
 * gnttab_grant -- let the peer map or copy a page through a reserved entry
 *
 * Frames of version 1 have 32 bits: 16 TiB.
 * Context: deferred, thread.
 */
void
gnttab_grant(struct xen *x, gref_t gref, pv_domid_t peer, gfn_t gfn,
    bool readonly)
{
	struct grant_entry_v1 *e = gnttab_shared(x->x_gnttab, gref);

	PV_ASSERT(gfn_x(gfn) <= UINT32_MAX);
	PV_ASSERT(shm_read16(&e->flags) == 0);
	shm_write16(&e->domid, peer);
	shm_write32(&e->frame, (uint32_t)gfn_x(gfn));
	/* From the flags on the entry is live: they come last. */
	shm_wmb();
	shm_write16(&e->flags, readonly ? GTF_permit_access | GTF_readonly :
	    GTF_permit_access);
}

/*
 * gnttab_revoke -- take a grant back
 *
 * 0: the peer can not reach the page any more, the entry is reserved still.
 * -PV_EBUSY: the peer has it mapped, or maps and unmaps it so fast that the
 * flags never stood still.
 * Context: deferred, thread.
 */
int
gnttab_revoke(struct xen *x, gref_t gref)
{
	struct gnttab *gt = x->x_gnttab;
	struct grant_entry_v1 *e = gnttab_shared(gt, gref);
	unsigned int n;
	uint16_t flags;

	for (n = 0; n < GNTTAB_CAS; n++) {
		flags = shm_read16(&e->flags);
		if ((flags & (GTF_reading | GTF_writing)) != 0) {
			gt->gt_nbusy++;
			return -PV_EBUSY;
		}
		if (shm_cas16(&e->flags, flags, GTF_invalid))
			return 0;
	}
	gt->gt_nrace++;
	return -PV_EBUSY;
}

/* ---- quarantine -------------------------------------------------------- */

/*
 * gnttab_park -- leave a busy entry to the quarantine
 *
 * fn(arg), which may be NULL, is called in deferred context when the entry is
 * revoked and freed.
 * Context: deferred, thread.
 */
void
gnttab_park(struct xen *x, gref_t gref, void (*fn)(void *), void *arg)
{
	struct gnttab *gt = x->x_gnttab;
	struct gnttab_entry *ge = gnttab_entry(gt, gref_x(gref));

	ge->ge_fn = fn;
	ge->ge_arg = arg;
	pv_lock(&gt->gt_lock);
	ge->ge_next = gt->gt_parked;
	gt->gt_parked = gref_x(gref);
	gt->gt_nparked++;
	gt->gt_delay = GNTTAB_SOON;
	pv_unlock(&gt->gt_lock);
	pv_os_defer(&gt->gt_work, GNTTAB_SOON);
}

/* Try one parked entry; true when it is free again. */
static bool
gnttab_retry_one(struct gnttab *gt, uint32_t ref)
{
	struct gnttab_entry *ge = gnttab_entry(gt, ref);
	void (*fn)(void *) = ge->ge_fn;
	void *arg = ge->ge_arg;
	bool done = gnttab_revoke(gt->gt_xen, GREF(ref)) == 0;
	struct gnttab_budget *gb = NULL;

	pv_lock(&gt->gt_lock);
	if (done) {
		gb = gnttab_free(gt, ref);
		gt->gt_nparked--;
	} else {
		ge->ge_next = gt->gt_parked;
		gt->gt_parked = ref;
	}
	pv_unlock(&gt->gt_lock);
	pv_os_free(gb, sizeof(*gb));
	if (done && fn != NULL)
		fn(arg);
	return done;
}

/*
 * Try every parked entry once; returns true when one of them became free.
 * The list is taken as a whole, so what is parked meanwhile waits.
 */
static bool
gnttab_retry_all(struct gnttab *gt)
{
	uint32_t ref, next;
	bool progress = false;

	pv_lock(&gt->gt_lock);
	ref = gt->gt_parked;
	gt->gt_parked = GNTTAB_END;
	pv_unlock(&gt->gt_lock);
	for (; ref != GNTTAB_END; ref = next) {
		next = gnttab_entry(gt, ref)->ge_next;
		progress |= gnttab_retry_one(gt, ref);
	}
	return progress;
}

static void
gnttab_retry(void *arg)
{
	struct gnttab *gt = arg;
	bool progress = gnttab_retry_all(gt);

	if (progress)
		gt->gt_delay = GNTTAB_SOON;
	else if (gt->gt_delay < GNTTAB_LATEST)
		gt->gt_delay *= 2;
	if (gt->gt_nparked > 0)
		pv_os_defer(&gt->gt_work, gt->gt_delay);
}

/* ---- attach and detach ------------------------------------------------- */

static void
gnttab_destroy(struct gnttab *gt)
{
	while (gt->gt_nframe > 0) {
		gt->gt_nframe--;
		gnttab_unmap(gt, gt->gt_frame[gt->gt_nframe]->gf_shared);
		pv_os_free(gt->gt_frame[gt->gt_nframe],
		    sizeof(struct gnttab_frame));
	}
	pv_os_free(gt->gt_frame,
	    gt->gt_maxframe * sizeof(struct gnttab_frame *));
	pv_os_free(gt, sizeof(*gt));
}

/*
 * gnttab_attach -- set up the first frame of the table
 *
 * 0 or -PV_E*.
 * Context: thread.
 */
int
gnttab_attach(struct xen *x)
{
	struct gnttab *gt;
	uint32_t nframe, max;
	int rv;

	rv = hypercall_gnttab_size(x, &nframe, &max);
	if (rv < 0)
		goto err_size;
	if (max > GNTTAB_MAXFRAME)
		max = GNTTAB_MAXFRAME;
	rv = -PV_ENOMEM;
	gt = pv_os_alloc(sizeof(*gt));
	if (gt == NULL)
		goto err_alloc;
	gt->gt_xen = x;
	gt->gt_maxframe = max > 0 ? max : 1;
	gt->gt_free = gt->gt_parked = GNTTAB_END;
	gt->gt_delay = GNTTAB_SOON;
	pv_work_init(&gt->gt_work, gnttab_retry, gt, 0);
	gt->gt_frame = pv_os_alloc(gt->gt_maxframe *
	    sizeof(struct gnttab_frame *));
	if (gt->gt_frame == NULL)
		goto err_frames;
	rv = gnttab_grow(gt);
	if (rv < 0)
		goto err_grow;
	x->x_gnttab = gt;
	return 0;

err_grow:
	gnttab_destroy(gt);
	goto err_size;
err_frames:
	pv_os_free(gt, sizeof(*gt));
err_alloc:
err_size:
	pv_log(NULL, PV_LOG_ERR, "gnttab: no grant table (error %d)", -rv);
	return rv;
}

/* ---- suspend and resume ------------------------------------------------ */

/*
 * gnttab_suspend -- see gnttab.h
 *
 * The toolstack finds no frame of Xen's in a PV domain's page tables.
 */
void
gnttab_suspend(struct xen *x)
{
	struct gnttab *gt = x->x_gnttab;
	uint32_t n;

	for (n = 0; gt != NULL && xen_pv(x) && n < gt->gt_nframe; n++) {
		xen_unmap_frame(x, gt->gt_frame[n]->gf_shared);
		gt->gt_frame[n]->gf_shared = NULL;
	}
}

/* gnttab_resume -- see gnttab.h */
int
gnttab_resume(struct xen *x)
{
	struct gnttab *gt = x->x_gnttab;
	struct gnttab_frame *gf;
	uint32_t n;
	int rv = 0;

	for (n = 0; gt != NULL && rv == 0 && n < gt->gt_nframe; n++) {
		gf = gt->gt_frame[n];
		if (!xen_pv(x)) {
			rv = hypercall_physmap_add(x, XENMAPSPACE_grant_table,
			    n, pv_os_gfn(gf->gf_shared));
			continue;
		}
		gf->gf_shared = gnttab_map_pv(gt, n);
		if (gf->gf_shared == NULL)
			rv = -PV_ENOMEM;
	}
	return rv;
}

/* Peers that were told of the end a moment ago let go in a moment. */
static void
gnttab_drain(struct gnttab *gt)
{
	uint64_t deadline = pv_os_now() + GNTTAB_PATIENCE;
	struct pv_os_event never = { 0 };

	(void)gnttab_retry_all(gt);
	while (gt->gt_nparked > 0 && pv_os_now() < deadline) {
		(void)pv_os_wait(&never, pv_os_now() + GNTTAB_SOON);
		(void)gnttab_retry_all(gt);
	}
}

/* Of what peers still hold only the pages are lost. */
static void
gnttab_abandon(struct gnttab *gt)
{
	struct gnttab_budget *gb;
	uint32_t ref, next;

	for (ref = gt->gt_parked; ref != GNTTAB_END; ref = next) {
		next = gnttab_entry(gt, ref)->ge_next;
		pv_lock(&gt->gt_lock);
		gb = gnttab_free(gt, ref);
		pv_unlock(&gt->gt_lock);
		pv_os_free(gb, sizeof(*gb));
	}
}

/*
 * gnttab_detach -- give the table back; idempotent
 *
 * Waits a while for entries that peers still hold.  The pages behind those
 * that are held all the same are never freed: how many there are is told.
 * Context: thread.
 */
void
gnttab_detach(struct xen *x)
{
	struct gnttab *gt = x->x_gnttab;

	if (gt == NULL)
		return;
	pv_os_cancel(&gt->gt_work);
	gnttab_drain(gt);
	if (gt->gt_nparked > 0)
		pv_log(NULL, PV_LOG_WARN, "gnttab: %u grants are still held "
		    "by peers; their pages are lost", gt->gt_nparked);
	gnttab_abandon(gt);
	x->x_gnttab = NULL;
	gnttab_destroy(gt);
}

/*
 * gnttab_totals -- fill in what concerns grants
 *
 * Context: any.
 */
void
gnttab_totals(struct xen *x, struct pv_totals *pt)
{
	struct gnttab *gt = x->x_gnttab;

	pt->pt_gref_used = gt->gt_nused;
	pt->pt_gref_parked = gt->gt_nparked;
	pt->pt_gref_max = gt->gt_maxframe * (uint32_t)GNTTAB_PERPAGE;
	pt->pt_npage += gt->gt_nframe;
}
