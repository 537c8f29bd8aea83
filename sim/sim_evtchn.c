/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_evtchn.c -- event channels: ports, and the two-level ABI, which a domain
 * leaves for that of sim_fifo.c.
 *
 * Raising a port sets its bit in evtchn_pending; if the port is not masked
 * its word's bit in the vCPU's evtchn_pending_sel, and then the vCPU's
 * evtchn_upcall_pending; the upcall is due while the domain has an interrupt
 * attached.  A port whose bit is set already is not raised again.  Domain 0's
 * ports kick an actor instead.
 */

#include <pv/types.h>

#include <xen/event_channel.h>
#include <xen/hvm/params.h>

#include "sim_int.h"

#define SIM_BITS	(sizeof(unsigned long) * 8)

bool
sim_evtchn_bit(const volatile unsigned long *map, uint32_t port)
{
	return shm_readl(&map[port / SIM_BITS]) >> port % SIM_BITS & 1;
}

bool
sim_evtchn_due(const struct sim_vcpu *v)
{
	return v->v_pending && !v->v_running && v->v_irq != NULL;
}

/* Xen kicks a vCPU only when the flag was clear. */
void
sim_evtchn_mark(struct sim_vcpu *v)
{
	if (shm_read8(&v->v_info->evtchn_upcall_pending) != 0)
		return;
	shm_write8(&v->v_info->evtchn_upcall_pending, 1);
	v->v_pending = true;
}

void
sim_evtchn_moved(struct sim_dom *d)
{
	unsigned int i;

	for (i = 0; i < d->d_nvcpu && i < XEN_LEGACY_MAX_VCPUS; i++) {
		if (!d->d_vcpu[i].v_registered)
			d->d_vcpu[i].v_info = &d->d_shared->vcpu_info[i];
	}
}

static void
sim_evtchn_select(struct sim_dom *d, uint32_t port)
{
	struct sim_vcpu *v = &d->d_vcpu[d->d_port[port].po_vcpu];
	unsigned long was;

	if (v->v_info == NULL)
		sim_die("an event for vCPU %u, which has no vcpu_info",
		    d->d_port[port].po_vcpu);
	was = shm_orl(&v->v_info->evtchn_pending_sel,
	    1ul << port / SIM_BITS);
	if (!(was >> port / SIM_BITS & 1))
		sim_evtchn_mark(v);
}

void
sim_evtchn_raise(struct sim_dom *d, uint32_t port)
{
	unsigned long was;

	if (d->d_id == 0) {
		if (d->d_port[port].po_actor != NULL)
			sim_sched_kick(d->d_port[port].po_actor, 0);
		return;
	}
	sim_inside();
	if (d->d_is_fifo) {
		sim_fifo_raise(d, port);
		sim_outside();
		return;
	}
	was = shm_orl(&d->d_shared->evtchn_pending[port / SIM_BITS],
	    1ul << port % SIM_BITS);
	if (!(was >> port % SIM_BITS & 1) &&
	    !sim_evtchn_bit(d->d_shared->evtchn_mask, port))
		sim_evtchn_select(d, port);
	sim_outside();
}

/* The lowest free port, as Xen; 0: none. */
static uint32_t
sim_evtchn_free(struct sim_dom *d)
{
	uint32_t port;

	for (port = 1; port < d->d_maxport && port < SIM_NPORT; port++) {
		if (d->d_port[port].po_state == SIM_PORT_FREE)
			break;
	}
	if (port == d->d_maxport || port == SIM_NPORT ||
	    (!d->d_is_fifo && port >= EVTCHN_2L_NR_CHANNELS))
		return 0;
	return port;
}

static uint32_t
sim_evtchn_make(struct sim_dom *d, enum sim_port_state state)
{
	uint32_t port = sim_evtchn_free(d);

	if (port == 0)
		return 0;
	memset(&d->d_port[port], 0, sizeof(d->d_port[port]));
	d->d_port[port].po_state = state;
	d->d_port[port].po_priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
	/* Xen does not clear what an earlier user of the port left. */
	if (d->d_id != 0 && sim_evil_now(SIM_EVIL_EVENT_BEFORE_ATTACH))
		sim_evtchn_raise(d, port);
	return port;
}

static void
sim_evtchn_free_port(struct sim_dom *d, uint32_t port)
{
	struct sim_port *po = &d->d_port[port];
	struct sim_dom *peer;

	if (po->po_state == SIM_PORT_BOUND) {
		peer = sim_dom_find(d->d_sim, po->po_peer);
		peer->d_port[po->po_remote].po_state = SIM_PORT_UNBOUND;
		peer->d_port[po->po_remote].po_peer = d->d_id == 0 ?
		    po->po_as : d->d_id;
	}
	memset(po, 0, sizeof(*po));
	if (d->d_is_fifo)
		sim_fifo_close(d, port);
	if (d->d_id != 0 && sim_evil_now(SIM_EVIL_EVENT_AFTER_DETACH))
		sim_evtchn_raise(d, port);
}

static void
sim_evtchn_join(struct sim_dom *a, uint32_t pa, struct sim_dom *b, uint32_t pb)
{
	a->d_port[pa].po_state = b->d_port[pb].po_state = SIM_PORT_BOUND;
	a->d_port[pa].po_peer = b->d_id;
	a->d_port[pa].po_remote = pb;
	b->d_port[pb].po_peer = a->d_id;
	b->d_port[pb].po_remote = pa;
}

static bool
sim_evtchn_open(const struct sim_dom *d, uint32_t port)
{
	return port > 0 && port < SIM_NPORT &&
	    d->d_port[port].po_state != SIM_PORT_FREE;
}

/* ---- the hypercall ----------------------------------------------------- */

static long
sim_evtchn_alloc(struct sim_dom *d, struct evtchn_alloc_unbound *op)
{
	if (op->dom != DOMID_SELF && op->dom != d->d_id)
		return -PV_EPERM;
	if (sim_fail_now("alloc_unbound"))
		return -PV_ENOSPC;
	op->port = sim_evtchn_make(d, SIM_PORT_UNBOUND);
	if (op->port == 0)
		return -PV_ENOSPC;
	d->d_port[op->port].po_peer = op->remote_dom == DOMID_SELF ? d->d_id :
	    op->remote_dom;
	return 0;
}

static long
sim_evtchn_bind_to(struct sim_dom *d, struct evtchn_bind_interdomain *op)
{
	struct sim_dom *r = sim_dom_find(d->d_sim, op->remote_dom);

	if (r == NULL)
		return -PV_ESRCH;
	if (op->remote_port >= SIM_NPORT ||
	    r->d_port[op->remote_port].po_state != SIM_PORT_UNBOUND ||
	    r->d_port[op->remote_port].po_peer != d->d_id)
		return -PV_EINVAL;
	if (sim_fail_now("bind_interdomain"))
		return -PV_ENOSPC;
	op->local_port = sim_evtchn_make(d, SIM_PORT_BOUND);
	if (op->local_port == 0)
		return -PV_ENOSPC;
	sim_evtchn_join(d, op->local_port, r, op->remote_port);
	sim_evtchn_raise(d, op->local_port);
	return 0;
}

/* Most VIRQs are the domain's, one port for all; these have one per vCPU. */
static bool
sim_evtchn_percpu(uint32_t virq)
{
	return virq == VIRQ_TIMER || virq == VIRQ_DEBUG ||
	    virq == VIRQ_XENOPROF || virq == VIRQ_XENPMU;
}

static uint32_t
sim_evtchn_find_virq(const struct sim_dom *d, uint32_t virq, unsigned int vcpu)
{
	const struct sim_port *po;
	uint32_t port;

	for (port = 1; port < SIM_NPORT; port++) {
		po = &d->d_port[port];
		if (po->po_state == SIM_PORT_VIRQ && po->po_virq == virq &&
		    (!sim_evtchn_percpu(virq) || po->po_vcpu == vcpu))
			return port;
	}
	return 0;
}

static long
sim_evtchn_virq(struct sim_dom *d, struct evtchn_bind_virq *op)
{
	if (op->vcpu >= d->d_nvcpu)
		return -PV_ENOENT;
	if (!sim_evtchn_percpu(op->virq) && op->vcpu != 0)
		return -PV_EINVAL;
	if (sim_evtchn_find_virq(d, op->virq, op->vcpu) != 0)
		return -PV_EEXIST;
	if (sim_fail_now("bind_virq"))
		return -PV_ENOSPC;
	op->port = sim_evtchn_make(d, SIM_PORT_VIRQ);
	if (op->port == 0)
		return -PV_ENOSPC;
	d->d_port[op->port].po_virq = op->virq;
	d->d_port[op->port].po_vcpu = op->vcpu;
	return 0;
}

static long
sim_evtchn_ipi(struct sim_dom *d, struct evtchn_bind_ipi *op)
{
	if (op->vcpu >= d->d_nvcpu)
		return -PV_ENOENT;
	if (sim_fail_now("bind_ipi"))
		return -PV_ENOSPC;
	op->port = sim_evtchn_make(d, SIM_PORT_IPI);
	if (op->port == 0)
		return -PV_ENOSPC;
	d->d_port[op->port].po_vcpu = op->vcpu;
	return 0;
}

static long
sim_evtchn_rebind(struct sim_dom *d, const struct evtchn_bind_vcpu *op)
{
	struct sim_port *po = &d->d_port[op->port];

	if (!sim_evtchn_open(d, op->port))
		return -PV_EINVAL;
	if (op->vcpu >= d->d_nvcpu || d->d_vcpu[op->vcpu].v_info == NULL)
		return -PV_ENOENT;
	if (po->po_state == SIM_PORT_IPI || (po->po_state == SIM_PORT_VIRQ &&
	    sim_evtchn_percpu(po->po_virq)))
		return -PV_EINVAL;
	po->po_vcpu = op->vcpu;
	return 0;
}

static long
sim_evtchn_send(struct sim_dom *d, uint32_t port)
{
	struct sim_port *po;

	if (!sim_evtchn_open(d, port))
		return -PV_EINVAL;
	po = &d->d_port[port];
	if (po->po_state == SIM_PORT_VIRQ)
		return -PV_EINVAL;
	if (po->po_state == SIM_PORT_IPI)
		sim_evtchn_raise(d, port);
	if (po->po_state == SIM_PORT_BOUND)
		sim_evtchn_raise(sim_dom_find(d->d_sim, po->po_peer),
		    po->po_remote);
	return 0;
}

static long
sim_evtchn_unmask(struct sim_dom *d, uint32_t port)
{
	if (!sim_evtchn_open(d, port))
		return -PV_EINVAL;
	if (d->d_is_fifo) {
		sim_fifo_unmask(d, port);
		return 0;
	}
	(void)shm_andl(&d->d_shared->evtchn_mask[port / SIM_BITS],
	    ~(1ul << port % SIM_BITS));
	if (sim_evtchn_bit(d->d_shared->evtchn_pending, port))
		sim_evtchn_select(d, port);
	return 0;
}

static long
sim_evtchn_status(struct sim_dom *d, struct evtchn_status *op)
{
	static const uint32_t status[] = { EVTCHNSTAT_closed,
	    EVTCHNSTAT_unbound, EVTCHNSTAT_interdomain, EVTCHNSTAT_virq,
	    EVTCHNSTAT_ipi, EVTCHNSTAT_ipi };

	if (op->port >= SIM_NPORT)
		return -PV_EINVAL;
	op->status = status[d->d_port[op->port].po_state];
	op->vcpu = d->d_port[op->port].po_vcpu;
	return 0;
}

long
sim_evtchn_op(struct sim_dom *d, unsigned int cmd, void *arg)
{
	uint32_t port;

	switch (cmd) {
	case EVTCHNOP_alloc_unbound:
		return sim_evtchn_alloc(d, arg);
	case EVTCHNOP_bind_interdomain:
		return sim_evtchn_bind_to(d, arg);
	case EVTCHNOP_bind_virq:
		return sim_evtchn_virq(d, arg);
	case EVTCHNOP_init_control:
		return sim_fifo_control(d, arg);
	case EVTCHNOP_expand_array:
		return sim_fifo_expand(d, arg);
	case EVTCHNOP_set_priority:
		return sim_fifo_priority(d, arg);
	case EVTCHNOP_bind_ipi:
		return sim_evtchn_ipi(d, arg);
	case EVTCHNOP_send:
		return sim_evtchn_send(d, ((struct evtchn_send *)arg)->port);
	case EVTCHNOP_unmask:
		return sim_evtchn_unmask(d,
		    ((struct evtchn_unmask *)arg)->port);
	case EVTCHNOP_status:
		return sim_evtchn_status(d, arg);
	case EVTCHNOP_bind_vcpu:
		return sim_evtchn_rebind(d, arg);
	case EVTCHNOP_close:
		port = ((struct evtchn_close *)arg)->port;
		if (!sim_evtchn_open(d, port))
			return -PV_EINVAL;
		sim_evtchn_free_port(d, port);
		return 0;
	}
	return -PV_ENOSYS;
}

/* ---- for peers in domain 0 --------------------------------------------- */

int
sim_evtchn_bind(struct sim_dom *guest, uint16_t as, uint32_t remote,
    struct sim_actor *actor, uint32_t *port)
{
	struct sim_dom *d = sim_dom_find(guest->d_sim, 0);

	if (remote == 0 || remote >= SIM_NPORT ||
	    guest->d_port[remote].po_state != SIM_PORT_UNBOUND ||
	    guest->d_port[remote].po_peer != as)
		return -PV_EINVAL;
	*port = sim_evtchn_make(d, SIM_PORT_BOUND);
	if (*port == 0)
		return -PV_ENOSPC;
	sim_evtchn_join(d, *port, guest, remote);
	d->d_port[*port].po_actor = actor;
	d->d_port[*port].po_as = as;
	/* Something may have been sent before we were there. */
	sim_sched_kick(actor, 0);
	return 0;
}

uint32_t
sim_evtchn_pair(struct sim_dom *guest, struct sim_actor *actor, uint32_t *back)
{
	struct sim_dom *d = sim_dom_find(guest->d_sim, 0);
	uint32_t port = sim_evtchn_make(guest, SIM_PORT_BOUND);

	*back = sim_evtchn_make(d, SIM_PORT_BOUND);
	sim_evtchn_join(d, *back, guest, port);
	d->d_port[*back].po_actor = actor;
	return port;
}

void
sim_evtchn_close0(struct sim *s, uint32_t port)
{
	if (port != 0)
		sim_evtchn_free_port(sim_dom_find(s, 0), port);
}

/* Domain 0 notifies; the lies of all back ends about events are told here. */
void
sim_evtchn_send0(struct sim *s, uint32_t port)
{
	struct sim_port *po = &sim_dom_find(s, 0)->d_port[port];

	if (po->po_state != SIM_PORT_BOUND)
		return;
	if (sim_evil_now(SIM_EVIL_EVENT_LOST))
		return;
	if (sim_evil_now(SIM_EVIL_EVENT_STORM))
		sim_dom_storm(sim_dom_find(s, po->po_peer));
	sim_evtchn_raise(sim_dom_find(s, po->po_peer), po->po_remote);
}

void
sim_dom_event(struct sim_dom *d, uint32_t port)
{
	sim_evtchn_raise(d, port);
}

void
sim_dom_storm(struct sim_dom *d)
{
	uint32_t port;

	for (port = 1; port < SIM_NPORT; port++) {
		if (d->d_port[port].po_state == SIM_PORT_BOUND)
			sim_evtchn_raise(d, port);
	}
}

bool
sim_dom_pending(const struct sim_dom *d, uint32_t port)
{
	return d->d_is_fifo ? sim_fifo_pending(d, port) :
	    sim_evtchn_bit(d->d_shared->evtchn_pending, port);
}

void
sim_dom_virq(struct sim_dom *d, unsigned int vcpu, unsigned int virq)
{
	uint32_t port = sim_evtchn_find_virq(d, virq, vcpu);

	if (port != 0)
		sim_evtchn_raise(d, port);
}

unsigned int
sim_dom_nport(const struct sim_dom *d)
{
	unsigned int port, n = 0;

	for (port = 1; port < SIM_NPORT; port++) {
		if (d->d_port[port].po_state != SIM_PORT_FREE &&
		    d->d_port[port].po_state != SIM_PORT_TAKEN)
			n++;
	}
	return n;
}
