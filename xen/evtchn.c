/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn.c -- event channels: ports, their handlers, and the bound on what a
 * peer's events can cost; see evtchn.h.
 *
 *	upcall          mask, clear, defer the handler's work
 *	work            run the handler
 *	  DONE          unmask
 *	  MORE          defer again, still masked
 *	  SPURIOUS      unmask, or after too many in a row: later
 *
 * The table has a pointer for each port that was ever used.  Upcalls, which
 * may run on all vCPUs at once, look into it without a lock; who takes a
 * handler out, or replaces the table by a larger one, waits until every
 * upcall that may have seen the old is over (evtchn_quiesce).  All others hold
 * ec_lock: it decides whether a handler may be deferred or unmasked, so that
 * after evtchn_close() took it out nothing can start it again.
 */

#include "hypercall.h"

#include "dev.h"
#include "evtchn.h"
#include "evtchn_var.h"
#include "shm.h"

#define EVTCHN_IDLE	16		/* spurious in a row that are free */
#define EVTCHN_LATE	(1000ull * 1000)	/* ns; doubled .. */
#define EVTCHN_LATEMAX	7		/* .. so often: 128 ms */
#define EVTCHN_MOMENT	(100ull * 1000)	/* ns; more than an upcall takes */

/*
 * evtchn_find -- the handler of a port, or NULL
 *
 * Context: an upcall, or any.  Lock: in an upcall none, else ec_lock.
 */
struct evtchn_handler *
evtchn_find(const struct evtchn *ec, evport_t port)
{
	return evtchn_table_find(&ec->ec_table, port);
}

/* Under the lock: no evtchn_close() took it out yet. */
static bool
evtchn_live(const struct evtchn *ec, const struct evtchn_handler *eh)
{
	return evtchn_find(ec, eh->eh_port) == eh;
}

/*
 * evtchn_gone -- the port was lost when the domain was resumed
 *
 * Context: any.
 */
bool
evtchn_gone(const struct evtchn_handler *eh)
{
	return evport_eq(eh->eh_port, EVPORT_NONE);
}

/* ---- upcall and work --------------------------------------------------- */

/* Wait for the end of all upcalls that run now.  Thread; no lock held. */
static void
evtchn_quiesce(struct evtchn *ec)
{
	struct pv_os_event never = { 0 };
	struct evtchn_vcpu *ev;
	unsigned int i;
	uint32_t n;

	for (i = 0; i < PV_XEN_NVCPU; i++) {
		ev = ec->ec_vcpu[i];
		if (ev == NULL)
			continue;
		n = __atomic_load_n(&ev->ev_nenter, __ATOMIC_SEQ_CST);
		while ((int32_t)(n - __atomic_load_n(&ev->ev_nleave,
		    __ATOMIC_SEQ_CST)) > 0)
			(void)pv_os_wait(&never, pv_os_now() + EVTCHN_MOMENT);
	}
}

/*
 * evtchn_queue -- have a pending port's handler run; its work will unmask it
 *
 * Context: an upcall, or in the place of one.
 */
void
evtchn_queue(struct xen *x, struct evtchn_handler *eh)
{
	if (x->x_evtchn->ec_ops->eo_take(x, eh->eh_port))
		pv_os_defer(&eh->eh_work, 0);
}

/*
 * evtchn_stray -- nobody handles a pending port, or not yet: it stays pending
 *
 * Who installs a handler sets it first and unmasks then, we do it the other
 * way round, so one of us sees what the other did.
 * Context: an upcall, or in the place of one.
 */
void
evtchn_stray(struct evtchn_vcpu *ev, evport_t port)
{
	struct xen *x = ev->ev_xen;
	struct evtchn *ec = x->x_evtchn;

	ev->ev_info.ci_nstray++;
	ec->ec_ops->eo_mask(x, port);
	if (evtchn_find(ec, port) != NULL)
		ec->ec_ops->eo_unmask(x, port);
}

static void
evtchn_deliver(void *arg, evport_t port)
{
	struct evtchn_vcpu *ev = arg;
	struct evtchn *ec = ev->ev_xen->x_evtchn;
	struct evtchn_handler *eh = evtchn_find(ec, port);

	if (eh == NULL) {
		evtchn_stray(ev, port);
	} else if ((eh->eh_flags & EVTCHN_F_FAST) == 0) {
		ev->ev_info.ci_nevent++;
		evtchn_queue(ev->ev_xen, eh);
	} else if (eh->eh_vcpu == ev->ev_id) {
		ev->ev_info.ci_nevent++;
		ec->ec_ops->eo_clear(ev->ev_xen, port);
		(void)eh->eh_fn(eh->eh_arg);
	} else {
		ec->ec_ops->eo_requeue(ev->ev_xen, port);
	}
}

/*
 * evtchn_upcall -- look at the ports of a vCPU, a struct evtchn_vcpu
 *
 * Context: interrupt on that vCPU.
 */
void
evtchn_upcall(void *arg)
{
	struct evtchn_vcpu *ev = arg;
	struct xen *x = ev->ev_xen;
	struct vcpu_info *vi = xen_vcpu_info(x, ev->ev_id);

	evtchn_enter(ev);
	ev->ev_info.ci_nupcall++;
	/* From here on an event makes another upcall. */
	shm_write8(&vi->evtchn_upcall_pending, 0);
	shm_mb();
	x->x_evtchn->ec_ops->eo_scan(x, ev->ev_id, evtchn_deliver, ev);
	evtchn_leave(ev);
}

/*
 * A peer that makes events without work has its port unmasked ever later.
 * Returns the delay in ns, 0 for at once.
 */
static uint64_t
evtchn_delay(struct evtchn_handler *eh)
{
	unsigned int over;

	if (eh->eh_late || eh->eh_idle <= EVTCHN_IDLE)
		return 0;
	over = (eh->eh_idle - EVTCHN_IDLE) / EVTCHN_IDLE;
	return EVTCHN_LATE << (over < EVTCHN_LATEMAX ? over : EVTCHN_LATEMAX);
}

/* Under the lock: what follows from a handler's answer. */
static void
evtchn_settle(struct evtchn *ec, struct evtchn_handler *eh,
    enum evtchn_result result)
{
	uint64_t delay = 0;

	if (result == EVTCHN_SPURIOUS) {
		ec->ec_nspurious++;
		if (eh->eh_dev != NULL)
			eh->eh_dev->pd_nspurious++;
		delay = evtchn_delay(eh);
		/* The run that ends the delay is ours, not the peer's. */
		if (!eh->eh_late)
			eh->eh_idle++;
	} else {
		eh->eh_idle = 0;
		if (eh->eh_dev != NULL)
			eh->eh_dev->pd_nintr++;
	}
	eh->eh_late = delay != 0;
	if (result == EVTCHN_MORE || delay != 0)
		pv_os_defer(&eh->eh_work, delay);
	else
		ec->ec_ops->eo_unmask(eh->eh_xen, eh->eh_port);
}

static void
evtchn_run(void *arg)
{
	struct evtchn_handler *eh = arg;
	struct evtchn *ec = eh->eh_xen->x_evtchn;
	enum evtchn_result result;

	/*
	 * The event is of before the domain moved.  What the old peer put in
	 * its ring last is not to be believed: of the pages that it had mapped
	 * some may have come along as they were before.
	 */
	if (evtchn_gone(eh))
		return;
	result = eh->eh_fn(eh->eh_arg);
	pv_lock(&ec->ec_lock);
	if (evtchn_live(ec, eh))
		evtchn_settle(ec, eh, result);
	pv_unlock(&ec->ec_lock);
}

/*
 * evtchn_poll -- look at the ports of vCPU 0, as its upcall does
 *
 * Context: any.
 */
void
evtchn_poll(struct xen *x)
{
	evtchn_upcall(x->x_evtchn->ec_vcpu[0]);
}

/* ---- ports ------------------------------------------------------------- */

/* Make room in the table for a port.  Another thread may do it too. */
static int
evtchn_grow(struct evtchn *ec, evport_t port)
{
	struct evtchn_table *et;
	bool fits;

	pv_lock(&ec->ec_lock);
	fits = evtchn_table_fits(&ec->ec_table, port);
	pv_unlock(&ec->ec_lock);
	if (fits)
		return 0;
	et = evtchn_table_create(port);
	if (et == NULL)
		return -PV_ENOMEM;
	pv_lock(&ec->ec_lock);
	et = evtchn_table_swap(&ec->ec_table, et);
	pv_unlock(&ec->ec_lock);
	if (et != NULL) {
		evtchn_quiesce(ec);
		evtchn_table_destroy(et);
	}
	return 0;
}

/*
 * evtchn_place -- deliver a device's port to the vCPU which is the device's
 *
 * That is one of those that evtchn_cpu_balance() found up.
 * Context: thread.  Lock: ec_lock, held.
 */
void
evtchn_place(struct evtchn *ec, struct evtchn_handler *eh)
{
	struct pv_dev *dev = eh->eh_dev;
	unsigned int vcpu;

	if (dev == NULL || (eh->eh_flags & EVTCHN_F_FAST) != 0)
		return;
	vcpu = ec->ec_nspread == 0 ? 0 :
	    ec->ec_spread[dev->pd_group % ec->ec_nspread];
	if (vcpu != eh->eh_vcpu)
		(void)evtchn_rebind(ec, eh, vcpu);
	dev->pd_vcpu = eh->eh_vcpu;
}

/*
 * evtchn_install -- give a port its handler
 *
 * The port is masked first: an event that came before there was a handler is
 * still pending, and unmasking brings it back.  0 or -PV_E*.
 * Context: thread, boot.
 */
int
evtchn_install(struct xen *x, struct evtchn_handler *eh)
{
	struct evtchn *ec = x->x_evtchn;
	uint32_t port = evport_x(eh->eh_port);
	int rv;

	if (port == 0 || port >= ec->ec_ops->eo_max(x))
		return -PV_ERANGE;
	rv = ec->ec_ops->eo_grow(x, eh->eh_port, &ec->ec_lock);
	if (rv == 0)
		rv = evtchn_grow(ec, eh->eh_port);
	if (rv < 0)
		return rv;
	ec->ec_ops->eo_mask(x, eh->eh_port);
	if ((eh->eh_flags & EVTCHN_F_FAST) != 0)
		(void)ec->ec_ops->eo_priority(x, eh->eh_port,
		    EVTCHN_PRIORITY_MAX);
	pv_lock(&ec->ec_lock);
	if (evtchn_find(ec, eh->eh_port) != NULL) {
		rv = -PV_EBUSY;
	} else {
		eh->eh_xen = x;
		evtchn_table_set(&ec->ec_table, eh->eh_port, eh);
		ec->ec_nused++;
		evtchn_place(ec, eh);
		ec->ec_ops->eo_unmask(x, eh->eh_port);
	}
	pv_unlock(&ec->ec_lock);
	if (rv == 0 && eh->eh_dev != NULL)
		pv_count(&eh->eh_dev->pd_nevport, 1);
	return rv;
}

static void
evtchn_init(struct evtchn_handler *eh, struct pv_dev *dev,
    enum evtchn_result (*fn)(void *), void *arg)
{
	*eh = (struct evtchn_handler){ .eh_dev = dev };
	eh->eh_fn = fn;
	eh->eh_arg = arg;
	pv_work_init(&eh->eh_work, evtchn_run, eh,
	    dev == NULL ? 0 : pv_dev_group(dev));
}

/*
 * Install a port that we made; it is closed again on failure.  One that is no
 * device's is a group of its own.
 */
static int
evtchn_own(struct xen *x, struct evtchn_handler *eh)
{
	int rv;

	eh->eh_owned = true;
	if (eh->eh_dev == NULL)
		eh->eh_work.pw_flags = PV_WORK_GROUP(evport_x(eh->eh_port));
	rv = evtchn_install(x, eh);
	if (rv < 0)
		(void)hypercall_evtchn_close(x, eh->eh_port);
	return rv;
}

/*
 * evtchn_alloc -- a port that the peer may bind to
 *
 * 0 or -PV_E*; -PV_ENOSPC: no port is free.
 * Context: thread.
 */
int
evtchn_alloc(struct xen *x, struct pv_dev *dev, pv_domid_t peer,
    struct evtchn_handler *eh, enum evtchn_result (*fn)(void *), void *arg)
{
	int rv;

	evtchn_init(eh, dev, fn, arg);
	rv = hypercall_evtchn_alloc(x, peer, &eh->eh_port);
	return rv < 0 ? rv : evtchn_own(x, eh);
}

/*
 * evtchn_bind_peer -- a port bound to one that the peer has made for us
 *
 * 0 or -PV_E*.
 * Context: thread.
 */
int
evtchn_bind_peer(struct xen *x, struct pv_dev *dev, pv_domid_t peer,
    evport_t remote, struct evtchn_handler *eh,
    enum evtchn_result (*fn)(void *), void *arg)
{
	int rv;

	evtchn_init(eh, dev, fn, arg);
	rv = hypercall_evtchn_bind(x, peer, remote, &eh->eh_port);
	return rv < 0 ? rv : evtchn_own(x, eh);
}

/*
 * evtchn_bind_fast -- ask Xen for a fast port, as the handler has it
 *
 * 0 or -PV_E*.
 * Context: any.
 */
int
evtchn_bind_fast(struct xen *x, struct evtchn_handler *eh)
{
	if (eh->eh_virq == EVTCHN_NO_VIRQ)
		return hypercall_evtchn_ipi(x, eh->eh_vcpu, &eh->eh_port);
	return hypercall_evtchn_virq(x, eh->eh_virq, eh->eh_vcpu,
	    &eh->eh_port);
}

/*
 * evtchn_bind_virq -- a port for one of Xen's virtual interrupts
 *
 * fn runs in the upcall of that vCPU.  0 or -PV_E*.
 * Context: thread, boot.
 */
int
evtchn_bind_virq(struct xen *x, unsigned int vcpu, unsigned int virq,
    struct evtchn_handler *eh, enum evtchn_result (*fn)(void *), void *arg)
{
	int rv;

	evtchn_init(eh, NULL, fn, arg);
	eh->eh_flags = EVTCHN_F_FAST;
	eh->eh_vcpu = vcpu;
	eh->eh_virq = virq;
	rv = evtchn_bind_fast(x, eh);
	return rv < 0 ? rv : evtchn_own(x, eh);
}

/*
 * evtchn_bind_ipi -- a port by which any vCPU interrupts this one
 *
 * fn runs in the upcall of that vCPU.  0 or -PV_E*.
 * Context: thread, boot.
 */
int
evtchn_bind_ipi(struct xen *x, unsigned int vcpu, struct evtchn_handler *eh,
    enum evtchn_result (*fn)(void *), void *arg)
{
	int rv;

	evtchn_init(eh, NULL, fn, arg);
	eh->eh_flags = EVTCHN_F_FAST;
	eh->eh_vcpu = vcpu;
	eh->eh_virq = EVTCHN_NO_VIRQ;
	rv = evtchn_bind_fast(x, eh);
	return rv < 0 ? rv : evtchn_own(x, eh);
}

/*
 * evtchn_adopt -- handle a port that the domain builder made
 *
 * It stays open at evtchn_close().  0 or -PV_E*.
 * Context: thread.
 */
int
evtchn_adopt(struct xen *x, struct pv_dev *dev, evport_t port,
    struct evtchn_handler *eh, enum evtchn_result (*fn)(void *), void *arg)
{
	evtchn_init(eh, dev, fn, arg);
	eh->eh_port = port;
	return evtchn_install(x, eh);
}

/*
 * evtchn_close -- stop handling, and close the port unless it was adopted
 *
 * On return fn is not running and will not run.  Idempotent.
 * Context: thread; not from fn itself.
 */
void
evtchn_close(struct evtchn_handler *eh)
{
	struct xen *x = eh->eh_xen;
	struct evtchn *ec;

	if (x == NULL)
		return;
	ec = x->x_evtchn;
	pv_lock(&ec->ec_lock);
	if (!evtchn_gone(eh)) {
		ec->ec_ops->eo_mask(x, eh->eh_port);
		evtchn_table_set(&ec->ec_table, eh->eh_port, NULL);
	}
	ec->ec_nused--;
	pv_unlock(&ec->ec_lock);
	evtchn_quiesce(ec);
	pv_os_cancel(&eh->eh_work);
	/*
	 * Masked again: the work may have unmasked it before it was taken out.
	 * A port number that is used anew may still be pending from now; its
	 * next handler finds nothing to do, once.
	 */
	if (!evtchn_gone(eh))
		ec->ec_ops->eo_mask(x, eh->eh_port);
	if (eh->eh_owned && !evtchn_gone(eh))
		(void)hypercall_evtchn_close(x, eh->eh_port);
	if (eh->eh_dev != NULL)
		pv_count(&eh->eh_dev->pd_nevport, -1);
	eh->eh_xen = NULL;
}

/*
 * evtchn_notify -- tell the peer that there is something to look at
 *
 * Context: any.
 */
void
evtchn_notify(struct evtchn_handler *eh)
{
	if (eh->eh_xen == NULL || evtchn_gone(eh))
		return;
	if (eh->eh_dev != NULL)
		eh->eh_dev->pd_nkick++;
	/* It fails when the peer is gone, which the bus tells us too. */
	(void)hypercall_evtchn_send(eh->eh_xen, eh->eh_port);
}

/*
 * evtchn_mute -- the port stays masked from now on: it is only to sleep on
 *
 * Context: thread.
 */
void
evtchn_mute(struct evtchn_handler *eh)
{
	eh->eh_flags |= EVTCHN_F_MUTED;
	eh->eh_xen->x_evtchn->ec_ops->eo_mask(eh->eh_xen, eh->eh_port);
}

/*
 * evtchn_forget -- there was no event on a port that is muted
 *
 * Context: any.
 */
void
evtchn_forget(struct evtchn_handler *eh)
{
	eh->eh_xen->x_evtchn->ec_ops->eo_clear(eh->eh_xen, eh->eh_port);
}

/*
 * evtchn_sleep -- the vCPU sleeps until there is an event on a muted port
 *
 * It may also wake for no reason.  Context: any, upcalls masked.
 */
void
evtchn_sleep(struct evtchn_handler *eh)
{
	(void)hypercall_poll(eh->eh_xen, eh->eh_port);
}

/*
 * evtchn_again -- run the handler soon, as if an event had come
 *
 * Context: any.
 */
void
evtchn_again(struct evtchn_handler *eh)
{
	struct evtchn *ec;

	if (eh->eh_xen == NULL)
		return;
	ec = eh->eh_xen->x_evtchn;
	pv_lock(&ec->ec_lock);
	if (evtchn_live(ec, eh))
		pv_os_defer(&eh->eh_work, 0);
	pv_unlock(&ec->ec_lock);
}

/* ---- vCPUs ------------------------------------------------------------- */

/*
 * evtchn_rebind -- Xen delivers from now on to the vCPU; 0 or -PV_E*
 *
 * Context: thread.  Lock: ec_lock, held.
 */
int
evtchn_rebind(struct evtchn *ec, struct evtchn_handler *eh, unsigned int vcpu)
{
	int rv;

	if (!evtchn_live(ec, eh) || (eh->eh_flags & EVTCHN_F_FAST) != 0)
		return -PV_EINVAL;
	rv = hypercall_evtchn_vcpu(eh->eh_xen, eh->eh_port, vcpu);
	if (rv == 0)
		eh->eh_vcpu = vcpu;
	return rv;
}

/*
 * evtchn_move -- deliver a port to another vCPU
 *
 * What is on its way to the old one is handled there.  0, -PV_EINVAL (a fast
 * or closed port, a vCPU that is not attached), or what Xen said.
 * Context: thread.
 */
int
evtchn_move(struct evtchn_handler *eh, unsigned int vcpu)
{
	struct evtchn *ec;
	int rv = -PV_EINVAL;

	if (eh->eh_xen == NULL || vcpu >= PV_XEN_NVCPU)
		return rv;
	ec = eh->eh_xen->x_evtchn;
	pv_lock(&ec->ec_lock);
	if (ec->ec_vcpu[vcpu] != NULL && ec->ec_vcpu[vcpu]->ev_up)
		rv = evtchn_rebind(ec, eh, vcpu);
	pv_unlock(&ec->ec_lock);
	return rv;
}

/*
 * evtchn_priority -- which ports are found first; see evtchn.h
 *
 * Context: thread.
 */
int
evtchn_priority(struct evtchn_handler *eh, unsigned int priority)
{
	struct evtchn *ec;

	if (eh->eh_xen == NULL || priority > EVTCHN_PRIORITY_MIN)
		return -PV_EINVAL;
	ec = eh->eh_xen->x_evtchn;
	return ec->ec_ops->eo_priority(eh->eh_xen, eh->eh_port, priority);
}

/* ---- attach and detach ------------------------------------------------- */

/* Once it is chosen FIFO is for good: see evtchn_fifo.c. */
static void
evtchn_choose(struct xen *x, struct evtchn *ec)
{
	bool asked = (x->x_boot.xb_flags & PV_XEN_NO_FIFO) == 0 ||
	    x->x_kept.xk_fifo[0];
	int rv = -PV_ENOSYS;

	ec->ec_ops = &evtchn_2l_ops;
	if (asked)
		rv = evtchn_fifo_ops.eo_cpu(x, 0);
	if (rv == 0)
		ec->ec_ops = &evtchn_fifo_ops;
	else if (asked)
		pv_log(NULL, PV_LOG_WARN, "evtchn: no FIFO queues (error "
		    "%d); using the two-level ABI", -rv);
}

/*
 * evtchn_attach -- choose the ABI and take the upcall of vCPU 0
 *
 * A port without interrupts calls evtchn_poll() instead.  0 or -PV_E*.
 * Context: thread, boot.
 */
int
evtchn_attach(struct xen *x)
{
	struct evtchn *ec;
	int rv;

	ec = pv_os_alloc(sizeof(*ec));
	if (ec == NULL)
		return -PV_ENOMEM;
	evtchn_choose(x, ec);
	x->x_evtchn = ec;
	rv = evtchn_cpu_attach(x, 0);
	if (rv < 0)
		evtchn_detach(x);
	return rv;
}

/*
 * evtchn_detach -- all handlers must have been closed; idempotent
 *
 * Context: thread.
 */
void
evtchn_detach(struct xen *x)
{
	struct evtchn *ec = x->x_evtchn;
	struct evtchn_vcpu *ev;
	unsigned int i;

	if (ec == NULL)
		return;
	PV_ASSERT(ec->ec_nused == 0);
	for (i = 0; i < PV_XEN_NVCPU; i++) {
		ev = ec->ec_vcpu[i];
		if (ev == NULL)
			continue;
		if (ev->ev_up && (i > 0 || !ec->ec_polled))
			pv_os_irq_detach(&ev->ev_irq);
		pv_os_free(ev, sizeof(*ev));
	}
	x->x_evtchn = NULL;
	evtchn_table_destroy(ec->ec_table);
	pv_os_free(ec, sizeof(*ec));
}

/*
 * evtchn_totals -- fill in what concerns event channels
 *
 * Context: any.
 */
void
evtchn_totals(struct xen *x, struct pv_totals *pt)
{
	struct pv_xen_cpu_info ci;
	unsigned int i;

	pt->pt_evtchn = x->x_evtchn->ec_ops->eo_name;
	pt->pt_evport_used = x->x_evtchn->ec_nused;
	pt->pt_nspurious = x->x_evtchn->ec_nspurious;
	pt->pt_nresync = x->x_kept.xk_nresync;
	for (i = 0; i < PV_XEN_NVCPU; i++) {
		if (evtchn_cpu_info(x, i, &ci) < 0)
			continue;
		pt->pt_nvcpu += ci.ci_up;
		pt->pt_nupcall += ci.ci_nupcall;
		pt->pt_nstray += ci.ci_nstray;
	}
}
