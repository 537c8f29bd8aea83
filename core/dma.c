/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dma.c -- pools of maps, and the DMA back ends that need no bus: identity,
 * bounce and lasting; see dma.h.
 *
 * A bounced map owns a page of its own from reserve to release.  The page has
 * the piece at the same offset that it has in the caller's page, so a da that
 * names only a frame (a grant) is right for both.  What the piece does not
 * cover stays zero: the peer learns nothing of its neighbours (XSA-403).
 *
 * A lasting map's page is zeroed once.  What it has from one piece the peer
 * may see with the next, but that was shown to the same peer.
 */

#include "dev.h"
#include "shm.h"

struct dma_bounce {
	void		*bn_page;
	void		(*bn_fn)(void *);	/* parked: whom to tell */
	void		*bn_arg;
};

static uint32_t
dma_offset(const void *va)
{
	return (uint32_t)((uintptr_t)va & (PV_PAGE_SIZE - 1));
}

/* ---- identity ---------------------------------------------------------- */

static int
dma_identity_reserve(struct pv_dma *dma, struct pv_dma_map *map)
{
	return 0;
}

static void
dma_identity_release(struct pv_dma *dma, struct pv_dma_map *map)
{
}

static int
dma_identity_share(struct pv_dma *dma, struct pv_dma_map *map)
{
	map->dm_da = gfn_x(pv_os_gfn(map->dm_va)) << PV_PAGE_SHIFT |
	    dma_offset(map->dm_va);
	return 0;
}

static int
dma_identity_unshare(struct pv_dma *dma, struct pv_dma_map *map)
{
	return 0;
}

const struct pv_dma_ops pv_dma_identity = {
	.do_reserve = dma_identity_reserve,
	.do_release = dma_identity_release,
	.do_share = dma_identity_share,
	.do_unshare = dma_identity_unshare
};

/* ---- bounce ------------------------------------------------------------ */

static void
dma_bounce_destroy(struct pv_dev *dev, struct dma_bounce *bn)
{
	pv_pages_free(dev, bn->bn_page, 1);
	pv_free(dev, bn, sizeof(*bn));
}

static struct dma_bounce *
dma_bounce_create(struct pv_dev *dev)
{
	struct dma_bounce *bn = pv_alloc(dev, sizeof(*bn));

	if (bn == NULL)
		return NULL;
	bn->bn_page = pv_pages_alloc(dev, 1);
	if (bn->bn_page == NULL) {
		pv_free(dev, bn, sizeof(*bn));
		return NULL;
	}
	return bn;
}

static int
dma_bounce_reserve(struct pv_dma *dma, struct pv_dma_map *map)
{
	int rv;

	map->dm_bounce = dma_bounce_create(dma->da_dev);
	if (map->dm_bounce == NULL)
		return -PV_ENOMEM;
	rv = dma->da_under->do_reserve(dma, map);
	if (rv < 0) {
		dma_bounce_destroy(dma->da_dev, map->dm_bounce);
		map->dm_bounce = NULL;
	}
	return rv;
}

static void
dma_bounce_release(struct pv_dma *dma, struct pv_dma_map *map)
{
	if (map->dm_bounce == NULL)
		return;
	dma->da_under->do_release(dma, map);
	dma_bounce_destroy(dma->da_dev, map->dm_bounce);
	map->dm_bounce = NULL;
}

static int
dma_bounce_share(struct pv_dma *dma, struct pv_dma_map *map)
{
	char *page = map->dm_bounce->bn_page;
	void *va = map->dm_va;
	int rv;

	shm_zero(page, PV_PAGE_SIZE);
	if (map->dm_dir == PV_PEER_READS)
		shm_copy_out(page + dma_offset(va), va, map->dm_len);
	map->dm_va = page + dma_offset(va);
	rv = dma->da_under->do_share(dma, map);
	map->dm_va = va;
	return rv;
}

static int
dma_bounce_unshare(struct pv_dma *dma, struct pv_dma_map *map)
{
	char *page = map->dm_bounce->bn_page;
	int rv = dma->da_under->do_unshare(dma, map);

	if (rv == 0 && map->dm_dir == PV_PEER_WRITES)
		shm_copy_in(map->dm_va, page + dma_offset(map->dm_va),
		    map->dm_len);
	return rv;
}

/* The peer let go of the page of a parked map; the device may be no more. */
static void
dma_bounce_unparked(void *arg)
{
	struct dma_bounce *bn = arg;

	if (bn->bn_fn != NULL)
		bn->bn_fn(bn->bn_arg);
	pv_os_pages_free(bn->bn_page, 1);
	pv_os_free(bn, sizeof(*bn));
}

static void
dma_bounce_park(struct pv_dma *dma, struct pv_dma_map *map,
    void (*fn)(void *), void *arg)
{
	struct dma_bounce *bn = map->dm_bounce;

	bn->bn_fn = fn;
	bn->bn_arg = arg;
	/* From here on the quarantine owns page and structure. */
	pv_count(&dma->da_dev->pd_npage, -1);
	pv_count(&dma->da_dev->pd_nalloc, -1);
	dma->da_under->do_park(dma, map, dma_bounce_unparked, bn);
	map->dm_bounce = NULL;
	if (!map->dm_reserved)
		return;
	map->dm_bounce = dma_bounce_create(dma->da_dev);
	if (map->dm_bounce == NULL) {
		dma->da_under->do_release(dma, map);
		map->dm_reserved = false;
	}
}

static uint32_t
dma_bounce_room(struct pv_dma *dma)
{
	return dma->da_under->do_room == NULL ? UINT32_MAX :
	    dma->da_under->do_room(dma);
}

static const struct pv_dma_ops dma_bounce_ops = {
	.do_room = dma_bounce_room,
	.do_reserve = dma_bounce_reserve,
	.do_release = dma_bounce_release,
	.do_share = dma_bounce_share,
	.do_unshare = dma_bounce_unshare,
	.do_park = dma_bounce_park
};

/*
 * pv_dma_bounce -- wrap bounce around what dma does now
 *
 * Before the first reserve.
 * Context: any.
 */
void
pv_dma_bounce(struct pv_dma *dma)
{
	if (dma->da_ops == &dma_bounce_ops)
		return;
	dma->da_under = dma->da_ops;
	dma->da_ops = &dma_bounce_ops;
}

/* ---- lasting ----------------------------------------------------------- */

/* What makes the grant. */
static const struct pv_dma_ops *
dma_lasting_under(const struct pv_dma *dma)
{
	return dma->da_ops == &dma_bounce_ops ? dma->da_under : dma->da_ops;
}

static int
dma_lasting_reserve(struct pv_dma *dma, struct pv_dma_map *map)
{
	struct dma_bounce *bn = dma_bounce_create(dma->da_dev);
	int rv;

	if (bn == NULL)
		return -PV_ENOMEM;
	rv = dma_lasting_under(dma)->do_reserve(dma, map);
	if (rv < 0) {
		dma_bounce_destroy(dma->da_dev, bn);
		return rv;
	}
	shm_zero(bn->bn_page, PV_PAGE_SIZE);
	map->dm_bounce = bn;
	map->dm_va = bn->bn_page;
	map->dm_len = PV_PAGE_SIZE;
	map->dm_dir = PV_PEER_WRITES;
	rv = dma_lasting_under(dma)->do_share(dma, map);
	PV_ASSERT(rv == 0);
	return 0;
}

/* peer: may have it mapped still, and for as long as it likes. */
static void
dma_lasting_release(struct pv_dma *dma, struct pv_dma_map *map)
{
	const struct pv_dma_ops *under = dma_lasting_under(dma);
	struct dma_bounce *bn = map->dm_bounce;

	map->dm_bounce = NULL;
	map->dm_va = bn->bn_page;
	if (under->do_unshare(dma, map) == 0) {
		under->do_release(dma, map);
		dma_bounce_destroy(dma->da_dev, bn);
		return;
	}
	bn->bn_fn = NULL;
	pv_count(&dma->da_dev->pd_npage, -1);
	pv_count(&dma->da_dev->pd_nalloc, -1);
	under->do_park(dma, map, dma_bounce_unparked, bn);
	if (map->dm_reserved)
		under->do_release(dma, map);
}

static int
dma_lasting_share(struct pv_dma *dma, struct pv_dma_map *map)
{
	char *page = map->dm_bounce->bn_page;

	if (map->dm_dir == PV_PEER_READS)
		shm_copy_out(page + dma_offset(map->dm_va), map->dm_va,
		    map->dm_len);
	return 0;
}

static int
dma_lasting_unshare(struct pv_dma *dma, struct pv_dma_map *map)
{
	char *page = map->dm_bounce->bn_page;

	if (map->dm_dir == PV_PEER_WRITES)
		shm_copy_in(map->dm_va, page + dma_offset(map->dm_va),
		    map->dm_len);
	return 0;
}

static const struct pv_dma_ops dma_lasting_ops = {
	.do_reserve = dma_lasting_reserve,
	.do_release = dma_lasting_release,
	.do_share = dma_lasting_share,
	.do_unshare = dma_lasting_unshare
};

/* ---- the four verbs ---------------------------------------------------- */

/*
 * pv_dma_room -- how many maps the device could reserve now
 *
 * Context: thread.
 */
uint32_t
pv_dma_room(struct pv_dev *dev)
{
	struct pv_dma *dma = &dev->pd_dma;

	return dma->da_ops->do_room == NULL ? UINT32_MAX :
	    dma->da_ops->do_room(dma);
}

/* n maps by the pool's ops, or none. */
static int
dma_reserve(struct pv_dev *dev, struct pv_dma_pool *pool, unsigned int n)
{
	struct pv_dma *dma = &dev->pd_dma;
	unsigned int i;
	int rv;

	pool->dp_dma = dma;
	pool->dp_map = pv_alloc(dev, n * sizeof(*pool->dp_map));
	if (pool->dp_map == NULL)
		return -PV_ENOMEM;
	pool->dp_n = n;
	for (i = 0; i < n; i++) {
		rv = pool->dp_ops->do_reserve(dma, &pool->dp_map[i]);
		if (rv < 0)
			goto err_map;
		pool->dp_map[i].dm_reserved = true;
	}
	return 0;

err_map:
	pv_dma_release(pool);
	return rv;
}

/*
 * pv_dma_reserve -- n maps, or -PV_ENOMEM / -PV_ENOSPC and nothing
 *
 * Context: thread.
 */
int
pv_dma_reserve(struct pv_dev *dev, struct pv_dma_pool *pool, unsigned int n)
{
	pool->dp_ops = dev->pd_dma.da_ops;
	return dma_reserve(dev, pool, n);
}

/*
 * pv_dma_reserve_lasting -- the same, of pages that stay granted
 *
 * Context: thread.
 */
int
pv_dma_reserve_lasting(struct pv_dev *dev, struct pv_dma_pool *pool,
    unsigned int n)
{
	pool->dp_ops = &dma_lasting_ops;
	return dma_reserve(dev, pool, n);
}

/*
 * pv_dma_release -- give the pool back; idempotent
 *
 * Every map must be unshared or parked.
 * Context: thread.
 */
void
pv_dma_release(struct pv_dma_pool *pool)
{
	struct pv_dma *dma = pool->dp_dma;
	struct pv_dma_map *map;
	unsigned int i;

	if (pool->dp_map == NULL)
		return;
	for (i = 0; i < pool->dp_n; i++) {
		map = &pool->dp_map[i];
		PV_ASSERT(!map->dm_shared);
		if (map->dm_reserved)
			pool->dp_ops->do_release(dma, map);
	}
	pv_free(dma->da_dev, pool->dp_map, pool->dp_n * sizeof(*map));
	pool->dp_map = NULL;
	pool->dp_n = 0;
}

/*
 * pv_dma_share -- show [va, va + len) of one page to the peer
 *
 * Returns the da.  Cannot fail on a map that is reserved.
 * Context: deferred, thread.
 */
uint64_t
pv_dma_share(struct pv_dma_pool *pool, struct pv_dma_map *map, void *va,
    size_t len, enum pv_dir dir)
{
	struct pv_dma *dma = pool->dp_dma;
	int rv;

	PV_ASSERT(map->dm_reserved && !map->dm_shared);
	PV_ASSERT(len > 0 && len <= PV_PAGE_SIZE - dma_offset(va));
	map->dm_va = va;
	map->dm_len = (uint32_t)len;
	map->dm_dir = dir;
	/* Most devices have identity, which need not be looked up. */
	rv = pool->dp_ops == &pv_dma_identity ?
	    dma_identity_share(dma, map) : pool->dp_ops->do_share(dma, map);
	PV_ASSERT(rv == 0);
	map->dm_shared = true;
	return map->dm_da;
}

/*
 * pv_dma_unshare -- 0: the peer can not reach it any more; -PV_EBUSY: it can
 *
 * Context: deferred, thread.
 */
int
pv_dma_unshare(struct pv_dma_pool *pool, struct pv_dma_map *map)
{
	struct pv_dma *dma = pool->dp_dma;
	int rv;

	PV_ASSERT(map->dm_shared);
	rv = pool->dp_ops == &pv_dma_identity ? dma_identity_unshare(dma, map) :
	    pool->dp_ops->do_unshare(dma, map);
	if (rv == 0)
		map->dm_shared = false;
	return rv;
}

/*
 * pv_dma_park -- leave a map that is -PV_EBUSY to the quarantine
 *
 * fn(arg) is called in deferred context when the memory is free to use; the
 * device may be gone by then.
 * Context: deferred, thread.
 */
void
pv_dma_park(struct pv_dma_pool *pool, struct pv_dma_map *map,
    void (*fn)(void *), void *arg)
{
	struct pv_dma *dma = pool->dp_dma;

	PV_ASSERT(map->dm_shared && pool->dp_ops->do_park != NULL);
	map->dm_shared = false;
	pool->dp_ops->do_park(dma, map, fn, arg);
}

/*
 * pv_dma_usable -- false: its grant is in quarantine and was not replaced
 *
 * Context: any.
 */
bool
pv_dma_usable(const struct pv_dma_map *map)
{
	return map->dm_reserved && !map->dm_shared;
}
