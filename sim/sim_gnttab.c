/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_gnttab.c -- grant tables, version 1.
 *
 * Mapping sets GTF_reading or GTF_writing in the shared entry, by compare
 * and swap as Xen does, and pins the page; the last unmapping clears them.
 * Copying pins only while it lasts.  Every mapping is checked against what
 * the entry says at that moment.
 */

#include <pv/types.h>

#include <xen/grant_table.h>

#include "sim_int.h"

static struct grant_entry_v1 *
sim_gnttab_entry(const struct sim_dom *d, uint32_t ref)
{
	if (ref >= d->d_ngt * SIM_GT_PERFRAME)
		return NULL;
	return (struct grant_entry_v1 *)d->d_gt[ref / SIM_GT_PERFRAME] +
	    ref % SIM_GT_PERFRAME;
}

/*
 * Asked for each page that is freed, so it goes through the table's memory
 * as it is, without the detour by lib/shm.h.
 */
__attribute__((__no_sanitize__("address"))) bool
sim_gnttab_granted(struct sim_dom *d, uint64_t gfn, uint32_t *ref)
{
	const volatile struct grant_entry_v1 *ge;
	unsigned int f, i;

	for (f = 0; f < d->d_ngt; f++) {
		ge = d->d_gt[f];
		for (i = 0; i < SIM_GT_PERFRAME; i++) {
			if (ge[i].frame != gfn ||
			    (ge[i].flags & GTF_type_mask) != GTF_permit_access)
				continue;
			*ref = f * SIM_GT_PERFRAME + i;
			return true;
		}
	}
	return false;
}

/* ---- for peers --------------------------------------------------------- */

/* The host address of a granted page while its entry allows it, or NULL. */
uint8_t *
sim_gnttab_look(struct sim_dom *d, uint16_t as, uint32_t ref, bool write)
{
	struct grant_entry_v1 *ge = sim_gnttab_entry(d, ref);
	struct sim_page *pg;
	uint16_t flags;

	if (ge == NULL)
		return NULL;
	flags = shm_load_acquire16(&ge->flags);
	if ((flags & GTF_type_mask) != GTF_permit_access)
		return NULL;
	if (shm_read16(&ge->domid) != as || (write && (flags & GTF_readonly)))
		return NULL;
	pg = sim_mem_gfn_page(shm_read32(&ge->frame));
	if (pg == NULL || pg->pg_state != SIM_PG_GUEST || pg->pg_hole ||
	    pg->pg_frame)
		return NULL;
	return sim_mem_gfn_va(shm_read32(&ge->frame));
}

void *
sim_gnttab_map(struct sim_dom *d, uint16_t as, uint32_t ref, bool readonly)
{
	struct grant_entry_v1 *ge;
	uint16_t flags, want;
	void *va;

	do {
		va = sim_gnttab_look(d, as, ref, !readonly);
		if (va == NULL)
			return NULL;
		ge = sim_gnttab_entry(d, ref);
		flags = shm_read16(&ge->flags);
		want = (uint16_t)(flags | GTF_reading |
		    (readonly ? 0 : GTF_writing));
	} while (!shm_cas16(&ge->flags, flags, want));
	d->d_npin[ref]++;
	sim_mem_page(va)->pg_pins++;
	return va;
}

void
sim_gnttab_unmap(struct sim_dom *d, uint32_t ref, bool readonly)
{
	struct grant_entry_v1 *ge = sim_gnttab_entry(d, ref);
	uint16_t flags;

	if (ge == NULL || d->d_npin[ref] == 0)
		sim_die("simulator: unmap of entry %u", (unsigned int)ref);
	sim_mem_gfn_page(shm_read32(&ge->frame))->pg_pins--;
	if (--d->d_npin[ref] > 0)
		return;
	do {
		flags = shm_read16(&ge->flags);
	} while (!shm_cas16(&ge->flags, flags, (uint16_t)(flags &
	    ~(GTF_reading | GTF_writing))));
}

bool
sim_dom_map(struct sim_dom *d, uint32_t ref)
{
	void *va;

	sim_inside();
	va = sim_gnttab_map(d, 0, ref, false);
	sim_outside();
	return va != NULL;
}

void
sim_dom_unmap(struct sim_dom *d, uint32_t ref)
{
	sim_inside();
	sim_gnttab_unmap(d, ref, false);
	sim_outside();
}

unsigned int
sim_dom_nmapped(const struct sim_dom *d)
{
	unsigned int ref, n = 0;

	for (ref = 0; ref < SIM_GT_FRAMES * SIM_GT_PERFRAME; ref++)
		n += d->d_npin[ref] > 0;
	return n;
}

unsigned int
sim_dom_ngrant(const struct sim_dom *d)
{
	struct grant_entry_v1 *ge;
	unsigned int n = 0;
	uint32_t ref;

	sim_inside();
	for (ref = 0; (ge = sim_gnttab_entry(d, ref)) != NULL; ref++)
		n += (shm_read16(&ge->flags) & GTF_type_mask) != 0;
	sim_outside();
	return n;
}

/* ---- the hypercall ----------------------------------------------------- */

static void
sim_gnttab_size(struct sim_dom *d, struct gnttab_query_size *op)
{
	if (op->dom != DOMID_SELF) {
		op->status = GNTST_permission_denied;
		return;
	}
	op->nr_frames = d->d_ngt;
	op->max_nr_frames = d->d_maxgt;
	op->status = sim_fail_now("query_size") ? GNTST_general_error :
	    GNTST_okay;
}

static void
sim_gnttab_setup(struct sim_dom *d, struct gnttab_setup_table *op)
{
	unsigned int i;

	if (op->dom != DOMID_SELF) {
		op->status = GNTST_permission_denied;
		return;
	}
	if (op->nr_frames > d->d_maxgt || sim_fail_now("setup_table")) {
		op->status = GNTST_general_error;
		return;
	}
	for (i = d->d_ngt; i < op->nr_frames; i++)
		d->d_gt[i] = sim_mem_xen_page(d);
	if (d->d_ngt < op->nr_frames)
		d->d_ngt = op->nr_frames;
	for (i = 0; i < op->nr_frames; i++)
		op->frame_list.p[i] = (xen_pfn_t)sim_mem_gfn(d->d_gt[i]);
	op->status = GNTST_okay;
}

static void
sim_gnttab_one(struct sim_dom *d, unsigned int cmd, void *arg, unsigned int i)
{
	switch (cmd) {
	case GNTTABOP_query_size:
		sim_gnttab_size(d, (struct gnttab_query_size *)arg + i);
		break;
	case GNTTABOP_setup_table:
		sim_gnttab_setup(d, (struct gnttab_setup_table *)arg + i);
		break;
	case GNTTABOP_map_grant_ref:
		sim_gntmap_map(d, (struct gnttab_map_grant_ref *)arg + i);
		break;
	case GNTTABOP_unmap_grant_ref:
		sim_gntmap_unmap(d, (struct gnttab_unmap_grant_ref *)arg + i);
		break;
	case GNTTABOP_copy:
		sim_gntmap_copy(d, (struct gnttab_copy *)arg + i);
		break;
	case GNTTABOP_get_version:
		((struct gnttab_get_version *)arg)[i].version = 1;
		break;
	}
}

long
sim_gnttab_op(struct sim_dom *d, unsigned int cmd, void *arg, unsigned int n)
{
	struct gnttab_set_version *sv = arg;
	unsigned int i;

	switch (cmd) {
	case GNTTABOP_set_version:
		return sv->version == 1 ? 0 : -PV_ENOSYS;
	case GNTTABOP_query_size:
	case GNTTABOP_setup_table:
	case GNTTABOP_get_version:
	case GNTTABOP_map_grant_ref:
	case GNTTABOP_unmap_grant_ref:
	case GNTTABOP_copy:
		if (cmd == GNTTABOP_map_grant_ref && sim_fail_now("map"))
			return -PV_EFAULT;
		for (i = 0; i < n; i++)
			sim_gnttab_one(d, cmd, arg, i);
		return 0;
	}
	return -PV_ENOSYS;
}
