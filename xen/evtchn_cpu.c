/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn_cpu.c -- the vCPUs that take events: they come and go; see evtchn.h.
 */

#include "hypercall.h"

#include "evtchn_var.h"

static struct evtchn_vcpu *
evtchn_cpu_get(struct xen *x, unsigned int vcpu)
{
	struct evtchn *ec = x->x_evtchn;
	struct evtchn_vcpu *ev = ec->ec_vcpu[vcpu];

	if (ev != NULL)
		return ev;
	ev = pv_os_alloc(sizeof(*ev));
	if (ev == NULL)
		return NULL;
	ev->ev_xen = x;
	ev->ev_id = vcpu;
	__atomic_store_n(&ec->ec_vcpu[vcpu], ev, __ATOMIC_SEQ_CST);
	return ev;
}

/*
 * evtchn_cpu_attach -- let a vCPU take events; see pv_xen_cpu_attach()
 *
 * vCPU 0 may do without interrupts: then evtchn_poll() is called.  0,
 * -PV_EBUSY, -PV_ERANGE, or what failed.
 * Context: thread, boot.
 */
int
evtchn_cpu_attach(struct xen *x, unsigned int vcpu)
{
	struct pv_irqsrc src = { .is_kind = PV_IRQ_XEN, .is_num = vcpu };
	struct evtchn *ec = x->x_evtchn;
	struct evtchn_vcpu *ev;
	int rv;

	if (vcpu >= PV_XEN_NVCPU)
		return -PV_ERANGE;
	ev = evtchn_cpu_get(x, vcpu);
	if (ev == NULL)
		return -PV_ENOMEM;
	if (ev->ev_up)
		return -PV_EBUSY;
	rv = xen_vcpu_register(x, vcpu);
	if (rv == 0)
		rv = ec->ec_ops->eo_cpu(x, vcpu);
	if (rv < 0)
		return rv;
	rv = pv_os_irq_attach(&ev->ev_irq, &src, evtchn_upcall, ev);
	ec->ec_polled = vcpu == 0 && rv == -PV_ENOSYS;
	if (rv == 0 || ec->ec_polled) {
		ev->ev_up = true;
		return 0;
	}
	return rv;
}

/* In the place of an upcall of a vCPU that is down. */
static void
evtchn_cpu_orphan(void *arg, evport_t port)
{
	struct evtchn_vcpu *ev = arg;
	struct evtchn_handler *eh = evtchn_find(ev->ev_xen->x_evtchn, port);

	if (eh == NULL)
		evtchn_stray(ev, port);
	else if ((eh->eh_flags & EVTCHN_F_FAST) == 0)
		evtchn_queue(ev->ev_xen, eh);
}

/* Lock: ec_lock, held. */
static void
evtchn_cpu_home(struct evtchn *ec, struct evtchn_handler *eh)
{
	if (evtchn_rebind(ec, eh, 0) == 0 && eh->eh_dev != NULL)
		eh->eh_dev->pd_vcpu = 0;
}

/*
 * evtchn_cpu_detach -- the vCPU is down; see pv_xen_cpu_detach()
 *
 * Context: thread.
 */
void
evtchn_cpu_detach(struct xen *x, unsigned int vcpu)
{
	struct evtchn *ec = x->x_evtchn;
	struct evtchn_vcpu *ev;
	struct evtchn_handler *eh;
	uint32_t port, n;

	if (vcpu == 0 || vcpu >= PV_XEN_NVCPU)
		return;
	ev = ec->ec_vcpu[vcpu];
	if (ev == NULL || !ev->ev_up)
		return;
	pv_os_irq_detach(&ev->ev_irq);
	pv_lock(&ec->ec_lock);
	ev->ev_up = false;
	ec->ec_nspread = 0;
	pv_unlock(&ec->ec_lock);
	for (port = 0, n = 1; port < n; port++) {
		pv_lock(&ec->ec_lock);
		n = ec->ec_table == NULL ? 0 : ec->ec_table->et_n;
		eh = evtchn_find(ec, EVPORT(port));
		if (eh != NULL && eh->eh_vcpu == vcpu)
			evtchn_cpu_home(ec, eh);
		pv_unlock(&ec->ec_lock);
	}
	evtchn_enter(ev);
	ec->ec_ops->eo_scan(x, vcpu, evtchn_cpu_orphan, ev);
	evtchn_leave(ev);
}

/* Lock: ec_lock, held. */
static void
evtchn_cpu_spread(struct evtchn *ec, bool (*runs)(unsigned int vcpu))
{
	unsigned int i;

	ec->ec_nspread = 0;
	for (i = 0; i < PV_XEN_NVCPU; i++) {
		if (ec->ec_vcpu[i] != NULL && ec->ec_vcpu[i]->ev_up && runs(i))
			ec->ec_spread[ec->ec_nspread++] = (unsigned char)i;
	}
}

/*
 * evtchn_cpu_balance -- spread the devices over the vCPUs that are up and run
 *
 * Context: thread.
 */
void
evtchn_cpu_balance(struct xen *x, bool (*runs)(unsigned int vcpu))
{
	struct evtchn *ec = x->x_evtchn;
	struct evtchn_handler *eh;
	uint32_t port, n;

	pv_lock(&ec->ec_lock);
	evtchn_cpu_spread(ec, runs);
	pv_unlock(&ec->ec_lock);
	for (port = 0, n = 1; port < n; port++) {
		pv_lock(&ec->ec_lock);
		n = ec->ec_table == NULL ? 0 : ec->ec_table->et_n;
		eh = evtchn_find(ec, EVPORT(port));
		if (eh != NULL)
			evtchn_place(ec, eh);
		pv_unlock(&ec->ec_lock);
	}
}

/*
 * evtchn_cpu_info -- the counters of a vCPU; 0, or -PV_ENOENT: never attached
 *
 * Context: any.
 */
int
evtchn_cpu_info(struct xen *x, unsigned int vcpu, struct pv_xen_cpu_info *ci)
{
	struct evtchn_vcpu *ev;

	ev = vcpu < PV_XEN_NVCPU ? x->x_evtchn->ec_vcpu[vcpu] : NULL;
	if (ev == NULL)
		return -PV_ENOENT;
	*ci = ev->ev_info;
	ci->ci_up = ev->ev_up;
	return 0;
}
