/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gnttab_dma.c -- core/dma.h by grants: a map is a reserved entry, da is its
 * reference, and dm_priv keeps it.
 */

#include "dev.h"
#include "gnttab.h"

static struct xen *
gnttab_dma_xen(struct pv_dma *dma)
{
	return dma->da_arg;
}

static gref_t
gnttab_dma_gref(const struct pv_dma_map *map)
{
	return GREF((uint32_t)map->dm_priv);
}

static int
gnttab_dma_reserve(struct pv_dma *dma, struct pv_dma_map *map)
{
	gref_t gref;
	int rv = gnttab_reserve_for(dma->da_dev, &gref);

	if (rv < 0)
		return rv;
	map->dm_priv = gref_x(gref);
	pv_count(&dma->da_dev->pd_ngref, 1);
	return 0;
}

static uint32_t
gnttab_dma_room(struct pv_dma *dma)
{
	return gnttab_room_for(dma->da_dev);
}

static void
gnttab_dma_release(struct pv_dma *dma, struct pv_dma_map *map)
{
	gnttab_unreserve(gnttab_dma_xen(dma), gnttab_dma_gref(map));
	pv_count(&dma->da_dev->pd_ngref, -1);
}

static int
gnttab_dma_share(struct pv_dma *dma, struct pv_dma_map *map)
{
	gnttab_grant(gnttab_dma_xen(dma), gnttab_dma_gref(map),
	    (pv_domid_t)dma->da_peer, pv_os_gfn(map->dm_va),
	    map->dm_dir == PV_PEER_READS);
	map->dm_da = map->dm_priv;
	return 0;
}

static int
gnttab_dma_unshare(struct pv_dma *dma, struct pv_dma_map *map)
{
	return gnttab_revoke(gnttab_dma_xen(dma), gnttab_dma_gref(map));
}

/* The entry leaves the device's account; another takes its place if it can. */
static void
gnttab_dma_park(struct pv_dma *dma, struct pv_dma_map *map,
    void (*fn)(void *), void *arg)
{
	struct xen *x = gnttab_dma_xen(dma);
	gref_t gref;

	gnttab_park(x, gnttab_dma_gref(map), fn, arg);
	if (gnttab_take_for(dma->da_dev, &gref) == 0) {
		map->dm_priv = gref_x(gref);
		return;
	}
	map->dm_reserved = false;
	pv_count(&dma->da_dev->pd_ngref, -1);
}

const struct pv_dma_ops gnttab_dma_ops = {
	.do_reserve = gnttab_dma_reserve,
	.do_room = gnttab_dma_room,
	.do_release = gnttab_dma_release,
	.do_share = gnttab_dma_share,
	.do_unshare = gnttab_dma_unshare,
	.do_park = gnttab_dma_park
};
