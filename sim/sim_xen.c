/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_xen.c -- domains, and the hypercalls that are not of a table of their
 * own.  Numbers, structures and results as in xen/include/public.
 */

#include <pv/types.h>

#include <xen/features.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#include <pv/pv.h>

#include "sim_int.h"

#define SIM_XEN_NPG	16384u		/* pages of a domain at its start */

long	 sim_hypercall(void *seam, unsigned int op, unsigned long a1,
	    unsigned long a2, unsigned long a3, unsigned long a4,
	    unsigned long a5);

/* ---- domains ----------------------------------------------------------- */

struct sim_dom *
sim_dom_find(struct sim *s, uint16_t id)
{
	unsigned int i;

	for (i = 0; i < SIM_NDOM; i++) {
		if (s->s_dom[i] != NULL && s->s_dom[i]->d_id == id)
			return s->s_dom[i];
	}
	return NULL;
}

void
sim_dom_store(struct sim_dom *d)
{
	static const char *const own[] = { "data", "drivers", "feature",
	    "attr", "error", "control/shutdown", "control/feature-poweroff",
	    "control/feature-reboot", "control/feature-suspend",
	    "control/feature-s3", "control/feature-s4", "control/sysrq" };
	struct sim *s = d->d_sim;
	char path[128];
	unsigned int i;

	snprintf(path, sizeof(path), "/local/domain/%u/name", d->d_id);
	sim_store_write(s, path, "guest%u", d->d_id);
	snprintf(path, sizeof(path), "/local/domain/%u/domid", d->d_id);
	sim_store_write(s, path, "%u", d->d_id);
	snprintf(path, sizeof(path), "/local/domain/%u/memory/target",
	    d->d_id);
	sim_store_write(s, path, "%u", 4 * SIM_XEN_NPG);
	snprintf(path, sizeof(path), "/local/domain/%u/device", d->d_id);
	sim_store_write(s, path, "%s", "");
	for (i = 0; i < PV_NELEM(own); i++) {
		snprintf(path, sizeof(path), "/local/domain/%u/%s", d->d_id,
		    own[i]);
		sim_store_write(s, path, "%s", "");
		sim_store_chown(s, path, d->d_id);
	}
}

struct sim_dom *
sim_dom_create(struct sim *s, uint16_t id)
{
	struct sim_dom *d = calloc(1, sizeof(*d));
	unsigned int i;

	for (i = 0; s->s_dom[i] != NULL; i++)
		;
	s->s_dom[i] = d;
	d->d_sim = s;
	d->d_id = id;
	d->d_shutdown = -1;
	d->d_maxport = 512;
	d->d_maxgt = 4;
	if (id == 0)
		return d;
	sim_inside();
	d->d_npin = calloc(SIM_GT_FRAMES * SIM_GT_PERFRAME,
	    sizeof(*d->d_npin));
	d->d_shared_xen = sim_mem_xen_page(d);
	d->d_shared = d->d_shared_xen;
	sim_dom_vcpus(d, 1);
	/* Ports in the first words of the bitmap, or beyond them. */
	if (s->s_seed % 3 != 0) {
		for (i = 1; i < 70; i++)
			d->d_port[i].po_state = SIM_PORT_TAKEN;
	}
	sim_dom_store(d);
	sim_conn_create(d);
	sim_cons_create(d);
	sim_outside();
	return d;
}

struct pv_xen_boot
sim_dom_boot(const struct sim_dom *d)
{
	struct pv_xen_boot b;

	memset(&b, 0, sizeof(b));
	if (!(d->d_sim->s_flags & SIM_PV))
		return b;
	b.xb_flags = PV_XEN_PV;
	b.xb_shared_info = sim_mem_gfn(d->d_shared_xen) << PV_PAGE_SHIFT;
	b.xb_store_gfn = GFN(d->d_param[HVM_PARAM_STORE_PFN]);
	b.xb_store_evport = EVPORT((uint32_t)
	    d->d_param[HVM_PARAM_STORE_EVTCHN]);
	b.xb_cons_gfn = GFN(d->d_param[HVM_PARAM_CONSOLE_PFN]);
	b.xb_cons_evport = EVPORT((uint32_t)
	    d->d_param[HVM_PARAM_CONSOLE_EVTCHN]);
	return b;
}

/* A guest is about to go: did it leave things as it found them? */
unsigned int
sim_xen_check(struct sim_dom *d)
{
	unsigned int before = d->d_sim->s_nbug, i;

	for (i = 0; i < d->d_nvcpu; i++) {
		if (d->d_vcpu[i].v_irq != NULL)
			sim_bug("domain %u: the upcall of vCPU %u is still "
			    "attached", d->d_id, i);
	}
	for (i = 0; i < SIM_NPORT; i++) {
		if (d->d_port[i].po_state != SIM_PORT_FREE &&
		    d->d_port[i].po_state != SIM_PORT_TAKEN &&
		    i != d->d_param[HVM_PARAM_STORE_EVTCHN] &&
		    i != d->d_param[HVM_PARAM_CONSOLE_EVTCHN])
			sim_bug("domain %u: port %u is still open", d->d_id,
			    i);
	}
	if (sim_dom_ngrant(d) != 0)
		sim_bug("domain %u: %u entries still granted", d->d_id,
		    sim_dom_ngrant(d));
	sim_gntmap_check(d);
	sim_conn_check(d);
	return d->d_sim->s_nbug - before;
}

void
sim_xen_free(struct sim_dom *d)
{
	unsigned int i;

	if (d->d_id != 0) {
		sim_cons_destroy(d);
		sim_conn_destroy(d);
		if (d->d_shared_xen != NULL)
			sim_mem_xen_free(d->d_shared_xen);
		for (i = 0; i < d->d_ngt; i++) {
			if (sim_mem_page(d->d_gt[i])->pg_state == SIM_PG_XEN)
				sim_mem_xen_free(d->d_gt[i]);
		}
	}
	free(d->d_npin);
	free(d->d_said);
	free(d);
}

void
sim_dom_allow(struct sim_dom *d, unsigned int npg)
{
	d->d_nmore += npg;
	d->d_ngiven += npg;
}

void
sim_dom_starve(struct sim_dom *d, bool starved)
{
	d->d_starved = starved;
}

uint16_t
sim_dom_id(const struct sim_dom *d)
{
	return d->d_id;
}

/* One that has run out ends the domain. */
static void
sim_xen_watchdog_look(struct sim_dom *d)
{
	unsigned int i;

	for (i = 0; i < SIM_NWATCHDOG; i++) {
		if (d->d_watchdog[i] != 0 && d->d_watchdog[i] <= sim_now())
			d->d_shutdown = SHUTDOWN_watchdog;
	}
}

unsigned int
sim_dom_nwatchdog(const struct sim_dom *d)
{
	unsigned int i, n = 0;

	for (i = 0; i < SIM_NWATCHDOG; i++)
		n += d->d_watchdog[i] != 0 && d->d_watchdog[i] != UINT64_MAX;
	return n;
}

/* Timer n has the number n + 1. */
static long
sim_xen_watchdog(struct sim_dom *d, const struct sched_watchdog *op)
{
	unsigned int i = op->id;

	sim_xen_watchdog_look(d);
	if (i == 0 && op->timeout == 0)
		return -PV_EINVAL;
	if (i == 0) {
		while (i < SIM_NWATCHDOG && d->d_watchdog[i] != 0)
			i++;
		if (i++ == SIM_NWATCHDOG)
			return -PV_ENOSPC;
	}
	if (i > SIM_NWATCHDOG || (op->id != 0 && d->d_watchdog[i - 1] == 0))
		return -PV_EINVAL;
	d->d_watchdog[i - 1] = op->timeout == 0 ? 0 :
	    sim_now() + op->timeout * SIM_S;
	return op->id == 0 ? i : 0;
}

int
sim_dom_shutdown(struct sim_dom *d)
{
	sim_xen_watchdog_look(d);
	return d->d_shutdown;
}

unsigned int
sim_dom_nhypercall(const struct sim_dom *d, unsigned int op)
{
	return op < SIM_NOP ? d->d_ncall[op] : 0;
}

/* Before the guest attaches. */
void
sim_dom_vcpus(struct sim_dom *d, unsigned int n)
{
	unsigned int i;

	if (n > SIM_NVCPU)
		sim_die("%u vCPUs are more than %u", n, SIM_NVCPU);
	d->d_nvcpu = n;
	for (i = 0; i < n; i++)
		d->d_vcpu[i].v_dom = d;
	sim_evtchn_moved(d);
}

int
sim_dom_vcpu(void)
{
	struct sim_vcpu *v = sim_world->s_curvcpu;

	return v == NULL ? -1 : (int)(v - v->v_dom->d_vcpu);
}

void
sim_dom_limit_ports(struct sim_dom *d, unsigned int n)
{
	d->d_maxport = n;
}

void
sim_dom_limit_gnttab(struct sim_dom *d, unsigned int nframes)
{
	d->d_maxgt = nframes;
}

/* ---- version, memory --------------------------------------------------- */

static long
sim_xen_version(struct sim_dom *d, unsigned int cmd, void *arg)
{
	struct xen_feature_info *fi = arg;

	switch (cmd) {
	case XENVER_version:
		return 4 << 16 | 17;
	case XENVER_extraversion:
		strcpy(arg, ".sim");
		return 0;
	case XENVER_get_features:
		if (fi->submap_idx != 0)
			return -PV_EINVAL;
		fi->submap = 1u << XENFEAT_gnttab_map_avail_bits |
		    1u << XENFEAT_mmu_pt_update_preserve_ad;
		if (!(d->d_sim->s_flags & SIM_PV))
			fi->submap |= 1u << XENFEAT_auto_translated_physmap |
			    1u << XENFEAT_hvm_callback_vector |
			    1u << XENFEAT_hvm_safe_pvclock;
		return 0;
	}
	return -PV_ENOSYS;
}

/* Move one of Xen's frames behind a page of the guest's. */
static void *
sim_xen_move(void *from, void *to)
{
	uint8_t buf[PV_PAGE_SIZE];
	struct sim_page *pg = sim_mem_page(to);

	if (from == to)
		return to;
	sim_mem_get(buf, from, PV_PAGE_SIZE);
	if (sim_mem_page(from)->pg_state == SIM_PG_XEN)
		sim_mem_xen_free(from);
	else
		sim_mem_page(from)->pg_frame = false;
	pg->pg_frame = true;
	sim_mem_share(to);
	sim_mem_put(to, buf, PV_PAGE_SIZE);
	return to;
}

static long
sim_xen_physmap(struct sim_dom *d, const struct xen_add_to_physmap *xatp)
{
	struct sim_page *pg = sim_mem_gfn_page(xatp->gpfn);
	void *to = sim_mem_gfn_va(xatp->gpfn);
	unsigned int i;

	if (d->d_sim->s_flags & SIM_PV)
		return -PV_ENOSYS;
	if (xatp->domid != DOMID_SELF)
		return -PV_EPERM;
	if (pg == NULL || pg->pg_state != SIM_PG_GUEST || pg->pg_pins > 0)
		return -PV_EINVAL;
	if (sim_fail_now("add_to_physmap"))
		return -PV_ENOMEM;
	switch (xatp->space) {
	case XENMAPSPACE_shared_info:
		d->d_shared = sim_xen_move(d->d_shared, to);
		d->d_shared_xen = NULL;
		sim_evtchn_moved(d);
		return 0;
	case XENMAPSPACE_grant_table:
		if (xatp->idx >= d->d_maxgt)
			return -PV_EINVAL;
		for (i = d->d_ngt; i <= xatp->idx; i++)
			d->d_gt[i] = sim_mem_xen_page(d);
		if (d->d_ngt <= xatp->idx)
			d->d_ngt = (unsigned int)xatp->idx + 1;
		d->d_gt[xatp->idx] = sim_xen_move(d->d_gt[xatp->idx], to);
		return 0;
	}
	return -PV_EINVAL;
}

/* The guest takes its page back; the frame stays Xen's. */
static long
sim_xen_unmap_frame(struct sim_dom *d, const struct xen_remove_from_physmap *xr)
{
	struct sim_page *pg = sim_mem_gfn_page(xr->gpfn);
	void *va = sim_mem_gfn_va(xr->gpfn), *page;
	unsigned int i;

	if (pg == NULL || pg->pg_state != SIM_PG_GUEST)
		return -PV_EINVAL;
	page = NULL;
	if (pg->pg_frame)
		page = sim_xen_move(va, sim_mem_xen_page(d));
	if (page != NULL && d->d_shared == va) {
		d->d_shared_xen = d->d_shared = page;
		sim_evtchn_moved(d);
	}
	for (i = 0; page != NULL && i < d->d_ngt; i++) {
		if (d->d_gt[i] == va)
			d->d_gt[i] = page;
	}
	pg->pg_frame = false;
	pg->pg_hole = true;
	return 0;
}

/* PV: a frame, which no page table has any more, goes; or any comes. */
static bool
sim_xen_frame(struct sim_dom *d, xen_pfn_t *gfn, bool hole)
{
	struct sim_page *pg = sim_mem_gfn_page(*gfn);

	if (!hole) {
		*gfn = SIM_GFN_BASE;
		return d->d_ngiven > 0 && d->d_ngiven-- > 0;
	}
	if (pg == NULL || !pg->pg_hole) {
		sim_bug("a frame is given away that is mapped");
		return false;
	}
	d->d_ngiven++;
	return true;
}

/* Populate the holes that a list of frames names; or make such. */
static long
sim_xen_reserve(struct sim_dom *d, struct xen_memory_reservation *mr, bool hole)
{
	struct sim_page *pg;
	xen_pfn_t gfn;
	unsigned long i;

	if (mr->extent_order != 0 || mr->domid != DOMID_SELF)
		return 0;
	for (i = 0; i < mr->nr_extents; i++) {
		if (!hole && d->d_starved)
			break;
		if (d->d_sim->s_flags & SIM_PV) {
			if (!sim_xen_frame(d, &mr->extent_start.p[i], hole))
				break;
			continue;
		}
		gfn = mr->extent_start.p[i];
		pg = sim_mem_gfn_page(gfn);
		if (pg == NULL || pg->pg_hole == hole || pg->pg_frame)
			break;
		pg->pg_hole = hole;
	}
	return (long)i;
}

static long
sim_xen_memory(struct sim_dom *d, unsigned int cmd, void *arg)
{
	switch (cmd) {
	case XENMEM_add_to_physmap:
		return sim_xen_physmap(d, arg);
	case XENMEM_remove_from_physmap:
		return sim_xen_unmap_frame(d, arg);
	case XENMEM_populate_physmap:
		return sim_xen_reserve(d, arg, false);
	case XENMEM_decrease_reservation:
		return sim_xen_reserve(d, arg, true);
	case XENMEM_current_reservation:
		return SIM_XEN_NPG + d->d_nmore - d->d_ngiven;
	}
	return -PV_ENOSYS;
}

/* ---- the rest ---------------------------------------------------------- */

static long
sim_xen_hvm(struct sim_dom *d, unsigned int cmd, void *arg)
{
	struct xen_hvm_param *hp = arg;

	if (d->d_sim->s_flags & SIM_PV)
		return -PV_ENOSYS;
	if (cmd != HVMOP_get_param && cmd != HVMOP_set_param)
		return -PV_ENOSYS;
	if (hp->domid != DOMID_SELF || hp->index >= SIM_NPARAM)
		return -PV_EINVAL;
	if (cmd == HVMOP_get_param) {
		if (sim_fail_now("get_param"))
			return -PV_EINVAL;
		hp->value = d->d_param[hp->index];
		return 0;
	}
	if (hp->index != HVM_PARAM_CALLBACK_IRQ)
		return -PV_EPERM;
	d->d_param[hp->index] = hp->value;
	return 0;
}

static long
sim_xen_vcpu_info(struct sim_vcpu *v, const struct vcpu_register_vcpu_info *vi)
{
	uint8_t old[sizeof(struct vcpu_info)];
	char *page = sim_mem_gfn_va(vi->mfn);

	if (page == NULL || v->v_registered || vi->offset % 8 != 0 ||
	    vi->offset > PV_PAGE_SIZE - sizeof(struct vcpu_info))
		return -PV_EINVAL;
	if (sim_fail_now("register_vcpu_info"))
		return -PV_ENOMEM;
	memset(old, 0, sizeof(old));
	if (v->v_info != NULL)
		sim_mem_get(old, v->v_info, sizeof(old));
	sim_mem_keep(page);
	v->v_info = (struct vcpu_info *)(void *)(page + vi->offset);
	v->v_registered = true;
	sim_mem_put(v->v_info, old, sizeof(old));
	(void)shm_xchgl(&v->v_info->evtchn_pending_sel, ~0ul);
	sim_evtchn_mark(v);
	return 0;
}

static long
sim_xen_vcpu(struct sim_dom *d, unsigned int cmd, unsigned int vcpu, void *arg)
{
	if (vcpu >= d->d_nvcpu)
		return -PV_ENOENT;
	if (cmd == VCPUOP_register_vcpu_info)
		return sim_xen_vcpu_info(&d->d_vcpu[vcpu], arg);
	return cmd == VCPUOP_stop_periodic_timer ? 0 : -PV_ENOSYS;
}

static long
sim_xen_sched(struct sim_dom *d, unsigned int cmd, void *arg)
{
	switch (cmd) {
	case SCHEDOP_yield:
	case SCHEDOP_block:
		return 0;
	case SCHEDOP_poll:		/* may end for no reason */
		sim_sched_chance();
		return 0;
	case SCHEDOP_shutdown:
		d->d_shutdown = (int)((struct sched_shutdown *)arg)->reason;
		return d->d_shutdown == SHUTDOWN_suspend ? sim_suspend(d) : 0;
	case SCHEDOP_watchdog:
		return sim_xen_watchdog(d, arg);
	}
	return -PV_ENOSYS;
}

static long
sim_xen_console(struct sim_dom *d, unsigned int cmd, unsigned int n, char *buf)
{
	if (cmd != CONSOLEIO_write)
		return cmd == CONSOLEIO_read ? 0 : -PV_ENOSYS;
	d->d_said = realloc(d->d_said, d->d_nsaid + n + 1);
	memcpy(d->d_said + d->d_nsaid, buf, n);
	d->d_nsaid += n;
	d->d_said[d->d_nsaid] = '\0';
	return 0;
}

/* ---- what this Xen has not --------------------------------------------- */

void
sim_dom_refuse(struct sim_dom *d, unsigned int op, unsigned int cmd, int rv)
{
	struct sim_refuse *rf = d->d_refuse;

	while (rf->rf_rv != 0 && (rf->rf_op != op || rf->rf_cmd != cmd)) {
		if (++rf == &d->d_refuse[SIM_NREFUSE])
			sim_die("too many commands are refused");
	}
	*rf = (struct sim_refuse){ op, cmd, rv };
}

static int
sim_xen_refused(const struct sim_dom *d, unsigned int op, unsigned int cmd)
{
	unsigned int i;

	for (i = 0; i < SIM_NREFUSE; i++) {
		if (d->d_refuse[i].rf_op == op && d->d_refuse[i].rf_cmd == cmd)
			return d->d_refuse[i].rf_rv;
	}
	return 0;
}

static long
sim_xen_demux(struct sim_dom *d, unsigned int op, const unsigned long *a)
{
	void *p1 = (void *)a[1];
	int rv = sim_xen_refused(d, op, (unsigned int)a[0]);

	if (rv != 0)
		return rv;
	switch (op) {
	case __HYPERVISOR_event_channel_op:
		return sim_evtchn_op(d, (unsigned int)a[0], p1);
	case __HYPERVISOR_grant_table_op:
		return sim_gnttab_op(d, (unsigned int)a[0], p1,
		    (unsigned int)a[2]);
	case __HYPERVISOR_xen_version:
		return sim_xen_version(d, (unsigned int)a[0], p1);
	case __HYPERVISOR_memory_op:
		return sim_xen_memory(d, (unsigned int)a[0], p1);
	case __HYPERVISOR_hvm_op:
		return sim_xen_hvm(d, (unsigned int)a[0], p1);
	case __HYPERVISOR_vcpu_op:
		return sim_xen_vcpu(d, (unsigned int)a[0],
		    (unsigned int)a[1], (void *)a[2]);
	case __HYPERVISOR_sched_op:
		return sim_xen_sched(d, (unsigned int)a[0], p1);
	case __HYPERVISOR_console_io:
		return sim_xen_console(d, (unsigned int)a[0],
		    (unsigned int)a[1], (char *)a[2]);
	}
	return -PV_ENOSYS;
}

/* Seam 2.  Without a domain we are not under Xen at all. */
long
sim_hypercall(void *seam, unsigned int op, unsigned long a1, unsigned long a2,
    unsigned long a3, unsigned long a4, unsigned long a5)
{
	unsigned long a[5] = { a1, a2, a3, a4, a5 };
	struct sim_dom *d = seam;
	long xrc;

	if (d == NULL)
		return -PV_ENOSYS;
	sim_sched_chance();
	if (op < SIM_NOP)
		d->d_ncall[op]++;
	sim_inside();
	xrc = sim_xen_demux(d, op, a);
	sim_outside();
	sim_sched_chance();
	return xrc;
}
