/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_gntmap.c -- grants of one guest mapped and copied by another.
 *
 * A mapped page is seen at a second address of this process: that of a page of
 * the mapper's which has nothing behind it.
 */

#include <pv/types.h>

#include "sim_int.h"

/* Of the granter, or the status that says why not. */
static int16_t
sim_gntmap_granter(struct sim_dom *d, uint16_t id, struct sim_dom **granter)
{
	*granter = sim_dom_find(d->d_sim, id);
	if (*granter == NULL || id == 0)
		return GNTST_bad_domain;
	if (sim_evil_now(SIM_EVIL_GRANT_EAGAIN))
		return GNTST_eagain;
	if (sim_evil_now(SIM_EVIL_GRANT_REFUSED))
		return GNTST_bad_gntref;
	return GNTST_okay;
}

static void *
sim_gntmap_place(struct sim_dom *d, uint64_t addr)
{
	void *va = d->d_sim->s_flags & SIM_PV ? (void *)(uintptr_t)addr :
	    sim_mem_gfn_va(addr >> PV_PAGE_SHIFT);
	struct sim_page *pg = va == NULL ? NULL : sim_mem_page(va);

	if (pg == NULL || addr % PV_PAGE_SIZE != 0 ||
	    pg->pg_state != SIM_PG_GUEST || pg->pg_alias)
		return NULL;
	if (!pg->pg_hole)
		sim_bug("a grant is mapped where there is memory");
	return va;
}

static void
sim_gntmap_do(struct sim_dom *d, struct gnttab_map_grant_ref *op,
    struct sim_dom *granter)
{
	bool readonly = (op->flags & GNTMAP_readonly) != 0;
	void *va = sim_gntmap_place(d, op->host_addr), *page;
	unsigned int i;

	for (i = 0; i < SIM_NMAP && d->d_map[i].ma_used; i++)
		;
	op->status = i == SIM_NMAP ? GNTST_no_space : GNTST_bad_virt_addr;
	if (i == SIM_NMAP || va == NULL || !(op->flags & GNTMAP_host_map))
		return;
	page = sim_gnttab_map(granter, d->d_id, op->ref, readonly);
	op->status = page == NULL ? GNTST_bad_gntref : GNTST_okay;
	if (page == NULL)
		return;
	sim_mem_alias(va, page);
	d->d_map[i] = (struct sim_map){ .ma_used = true, .ma_va = va };
	d->d_map[i].ma_readonly = readonly;
	d->d_map[i].ma_dom = op->dom;
	d->d_map[i].ma_ref = op->ref;
	op->handle = i;
}

void
sim_gntmap_map(struct sim_dom *d, struct gnttab_map_grant_ref *op)
{
	struct sim_dom *granter;

	op->status = sim_gntmap_granter(d, op->dom, &granter);
	if (op->status == GNTST_okay)
		sim_gntmap_do(d, op, granter);
}

void
sim_gntmap_unmap(struct sim_dom *d, struct gnttab_unmap_grant_ref *op)
{
	struct sim_map *ma;
	void *va = d->d_sim->s_flags & SIM_PV ?
	    (void *)(uintptr_t)op->host_addr :
	    sim_mem_gfn_va(op->host_addr >> PV_PAGE_SHIFT);

	op->status = GNTST_bad_handle;
	if (op->handle >= SIM_NMAP || !d->d_map[op->handle].ma_used)
		return;
	ma = &d->d_map[op->handle];
	op->status = GNTST_bad_virt_addr;
	if (ma->ma_va != va)
		return;
	sim_mem_alias(va, NULL);
	sim_gnttab_unmap(sim_dom_find(d->d_sim, ma->ma_dom), ma->ma_ref,
	    ma->ma_readonly);
	ma->ma_used = false;
	op->status = GNTST_okay;
}

/* One end of a copy; NULL with a status. */
static uint8_t *
sim_gntmap_end(struct sim_dom *d, const struct gnttab_copy_ptr *p, bool gref,
    bool write, int16_t *status)
{
	struct sim_dom *granter;
	struct sim_page *pg;
	uint8_t *va = NULL;

	if (gref) {
		*status = sim_gntmap_granter(d, p->domid, &granter);
		if (*status != GNTST_okay)
			return NULL;
		va = sim_gnttab_look(granter, d->d_id, p->u.ref, write);
		*status = va == NULL ? GNTST_bad_gntref : GNTST_okay;
	} else {
		pg = sim_mem_gfn_page(p->u.gmfn);
		if (p->domid == DOMID_SELF && pg != NULL &&
		    pg->pg_state == SIM_PG_GUEST && !pg->pg_hole)
			va = sim_mem_gfn_va(p->u.gmfn);
		*status = va == NULL ? GNTST_bad_page : GNTST_okay;
	}
	return va == NULL ? NULL : va + p->offset;
}

void
sim_gntmap_copy(struct sim_dom *d, struct gnttab_copy *op)
{
	uint8_t buf[PV_PAGE_SIZE], *from, *to;

	op->status = GNTST_bad_copy_arg;
	if (op->source.offset + op->len > PV_PAGE_SIZE ||
	    op->dest.offset + op->len > PV_PAGE_SIZE)
		return;
	from = sim_gntmap_end(d, &op->source, op->flags & GNTCOPY_source_gref,
	    false, &op->status);
	if (from == NULL)
		return;
	to = sim_gntmap_end(d, &op->dest, op->flags & GNTCOPY_dest_gref, true,
	    &op->status);
	if (to == NULL)
		return;
	sim_mem_get(buf, from, op->len);
	sim_mem_put(to, buf, op->len);
}

void
sim_gntmap_check(const struct sim_dom *d)
{
	unsigned int i;

	for (i = 0; i < SIM_NMAP; i++) {
		if (d->d_map[i].ma_used)
			sim_bug("domain %u: entry %u of domain %u is still "
			    "mapped", d->d_id, d->d_map[i].ma_ref,
			    d->d_map[i].ma_dom);
	}
}
