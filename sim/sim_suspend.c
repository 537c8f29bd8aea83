/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_suspend.c -- a domain is saved and restored, or moves: SCHEDOP_shutdown
 * with the reason "suspend".
 *
 * Memory stays, and so does what the port has of the guest (its interrupt
 * handlers).  Xen's side is made anew: shared info, event channels, which get
 * other numbers, grants, and under SIM_PV the frames' numbers.  The store
 * forgets the connection; rings of a PV guest are as they were, those of
 * others empty.  Back ends begin anew, sometimes in another domain.  What they
 * wrote last into pages that stay mapped (persistent grants) is lost: a live
 * migration sends a page once more when Xen has noted that it was written, and
 * of a peer's writes Xen notes none before it unmaps the page.
 *
 * What a toolstack can not save is a fault: one of Xen's frames in a page
 * table (PV), pages of other domains, a store in the middle of a request.
 */

#include <pv/types.h>

#include <xen/hvm/params.h>

#include "sim_back.h"
#include "sim_blk.h"
#include "sim_conn.h"

void
sim_dom_cancel(struct sim_dom *d, bool cancel)
{
	d->d_cancel = cancel;
}

unsigned int
sim_dom_nsuspend(const struct sim_dom *d)
{
	return d->d_nsuspend;
}

static bool
sim_suspend_pv(const struct sim_dom *d)
{
	return (d->d_sim->s_flags & SIM_PV) != 0;
}

/* ---- can it be saved? -------------------------------------------------- */

static void
sim_suspend_check(struct sim_dom *d)
{
	unsigned int i;

	if (sim_suspend_pv(d) && sim_mem_page(d->d_shared_xen)->pg_maps > 0)
		sim_bug("suspended with shared info in a page table");
	for (i = 0; sim_suspend_pv(d) && i < d->d_ngt; i++) {
		if (sim_mem_page(d->d_gt[i])->pg_maps > 0)
			sim_bug("suspended with frame %u of the grant table "
			    "in a page table", i);
	}
	for (i = 0; i < SIM_NMAP; i++) {
		if (d->d_map[i].ma_used)
			sim_bug("suspended with a page of domain %u mapped",
			    d->d_map[i].ma_dom);
	}
	sim_conn_quiet(d->d_conn);
}

/* ---- Xen --------------------------------------------------------------- */

/* One of Xen's pages goes; HVM: nothing is where it was. */
static void
sim_suspend_page(void *page)
{
	if (page == NULL)
		return;
	if (sim_mem_page(page)->pg_state == SIM_PG_XEN)
		sim_mem_xen_free(page);
	else
		sim_mem_page(page)->pg_frame = false;
}

static void
sim_suspend_ports(struct sim_dom *d)
{
	unsigned int i, ntaken = sim_rand(90);
	struct sim_vcpu *v;

	memset(d->d_port, 0, sizeof(d->d_port));
	for (i = 1; i < ntaken; i++)
		d->d_port[i].po_state = SIM_PORT_TAKEN;
	memset(d->d_fifo, 0, sizeof(d->d_fifo));
	memset(d->d_tail, 0, sizeof(d->d_tail));
	d->d_nfifo = 0;
	d->d_is_fifo = false;
	for (i = 0; i < d->d_nvcpu; i++) {
		v = &d->d_vcpu[i];
		v->v_registered = v->v_pending = false;
		v->v_info = NULL;
		v->v_control = NULL;
		memset(v->v_tail, 0, sizeof(v->v_tail));
	}
	d->d_shared = d->d_shared_xen = sim_mem_xen_page(d);
	for (i = 0; sim_suspend_pv(d) &&
	    i < PV_NELEM(d->d_shared->evtchn_mask); i++)
		(void)shm_orl(&d->d_shared->evtchn_mask[i], ~0ul);
	sim_evtchn_moved(d);
}

static void
sim_suspend_grants(struct sim_dom *d)
{
	unsigned int i;

	for (i = 0; i < d->d_ngt; i++)
		sim_suspend_page(d->d_gt[i]);
	d->d_ngt = 0;
	for (i = 0; i < SIM_GT_FRAMES * SIM_GT_PERFRAME; i++) {
		if (d->d_npin[i] > 0)
			sim_die("simulator: a peer has entry %u mapped still",
			    i);
	}
}

/* Gone, or run out while the domain was stopped, when that did nothing. */
static void
sim_suspend_watchdogs(struct sim_dom *d, uint64_t when)
{
	unsigned int i;

	for (i = 0; i < SIM_NWATCHDOG; i++) {
		if (d->d_watchdog[i] != 0)
			d->d_watchdog[i] = when;
	}
}

/* ---- the whole --------------------------------------------------------- */

/* Ports of other guests lose their other end. */
static void
sim_suspend_part(struct sim_dom *d)
{
	struct sim_dom *o;
	unsigned int i, port;

	for (i = 0; i < SIM_NDOM; i++) {
		o = d->d_sim->s_dom[i];
		for (port = 1; o != NULL && o != d && port < SIM_NPORT; port++)
			if (o->d_port[port].po_state == SIM_PORT_BOUND &&
			    o->d_port[port].po_peer == d->d_id) {
				o->d_port[port].po_state = o->d_id == 0 ?
				    SIM_PORT_FREE : SIM_PORT_UNBOUND;
			}
	}
}

static void
sim_suspend_backs(struct list *backs, struct sim_dom *d)
{
	uint16_t id = sim_rand(2) ? d->d_sim->s_backid : 6;
	struct sim_back *ba;
	struct list *l;

	LIST_FOREACH(l, backs) {
		ba = (struct sim_back *)(void *)l;
		if (ba->ba_dom == d)
			sim_back_move(ba, id);
	}
}

static void
sim_suspend_unsaved(struct list *blks, struct sim_dom *d)
{
	struct sim_back *ba;
	struct list *l;

	LIST_FOREACH(l, blks) {
		ba = (struct sim_back *)(void *)l;
		if (ba->ba_dom == d)
			sim_blk_unsaved((struct sim_blk *)(void *)ba);
	}
}

static void
sim_suspend_backs_leave(struct list *backs, struct sim_dom *d)
{
	struct sim_back *ba;
	struct list *l;

	LIST_FOREACH(l, backs) {
		ba = (struct sim_back *)(void *)l;
		if (ba->ba_dom == d)
			sim_back_leave(ba);
	}
}

long
sim_suspend(struct sim_dom *d)
{
	struct sim *s = d->d_sim;

	sim_suspend_check(d);
	d->d_nsuspend++;
	if (d->d_cancel) {
		sim_suspend_watchdogs(d, UINT64_MAX);
		return 1;
	}
	sim_suspend_watchdogs(d, 0);
	sim_suspend_unsaved(&s->s_blks, d);
	sim_suspend_backs_leave(&s->s_blks, d);
	sim_suspend_backs_leave(&s->s_nets, d);
	sim_suspend_backs_leave(&s->s_lines, d);
	sim_suspend_part(d);
	sim_suspend_page(d->d_shared);
	sim_suspend_grants(d);
	sim_mem_renumber();
	sim_suspend_ports(d);
	sim_conn_move(d);
	sim_cons_move(d);
	sim_dom_store(d);
	sim_suspend_backs(&s->s_blks, d);
	sim_suspend_backs(&s->s_nets, d);
	sim_suspend_backs(&s->s_lines, d);
	return 0;
}
