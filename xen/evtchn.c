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
 * The table has a pointer for each port that was ever used.  It, and whether
 * a handler may be deferred or unmasked, is decided under ec_lock, so that
 * after evtchn_close() took a handler out nothing can start it again.
 */

#include "hypercall.h"

#include "dev.h"
#include "evtchn.h"

#define EVTCHN_STEP	64		/* the table grows by so many ports */
#define EVTCHN_IDLE	16		/* spurious in a row that are free */
#define EVTCHN_LATE	(1000ull * 1000)	/* ns; doubled .. */
#define EVTCHN_LATEMAX	7		/* .. so often: 128 ms */

struct evtchn {
	const struct evtchn_ops *ec_ops;
	struct pv_lock	 ec_lock;
	struct evtchn_handler **ec_table;	/* by port; ec_nport of them */
	uint32_t	 ec_nport;
	uint32_t	 ec_nused;
	uint64_t	 ec_nupcall, ec_nspurious;
	bool		 ec_irq;		/* upcalls come by interrupt */
};

/* Under the lock: the handler of a port, or NULL. */
static struct evtchn_handler *
evtchn_find(const struct evtchn *ec, evport_t port)
{
	if (evport_x(port) >= ec->ec_nport)
		return NULL;
	return ec->ec_table[evport_x(port)];
}

/* Under the lock: no evtchn_close() took it out yet. */
static bool
evtchn_live(const struct evtchn *ec, const struct evtchn_handler *eh)
{
	return evtchn_find(ec, eh->eh_port) == eh;
}

/* ---- upcall and work --------------------------------------------------- */

/* A handler in interrupt context; Lock: held, let go of meanwhile. */
static void
evtchn_fast(struct evtchn *ec, struct evtchn_handler *eh)
{
	ec->ec_ops->eo_clear(eh->eh_xen, eh->eh_port);
	if (eh->eh_running)
		return;
	eh->eh_running = true;
	pv_unlock(&ec->ec_lock);
	(void)eh->eh_fn(eh->eh_arg);
	pv_lock(&ec->ec_lock);
	__atomic_store_n(&eh->eh_running, false, __ATOMIC_RELEASE);
}

static void
evtchn_deliver(struct xen *x, evport_t port)
{
	struct evtchn *ec = x->x_evtchn;
	struct evtchn_handler *eh;

	pv_lock(&ec->ec_lock);
	eh = evtchn_find(ec, port);
	if (eh == NULL) {
		ec->ec_nspurious++;
	} else if ((eh->eh_flags & EVTCHN_F_FAST) != 0) {
		evtchn_fast(ec, eh);
	} else {
		ec->ec_ops->eo_mask(x, port);
		ec->ec_ops->eo_clear(x, port);
		pv_os_defer(&eh->eh_work, 0);
	}
	pv_unlock(&ec->ec_lock);
}

static void
evtchn_upcall(void *arg)
{
	struct xen *x = arg;

	x->x_evtchn->ec_nupcall++;
	x->x_evtchn->ec_ops->eo_scan(x, evtchn_deliver);
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

	result = eh->eh_fn(eh->eh_arg);
	pv_lock(&ec->ec_lock);
	if (evtchn_live(ec, eh))
		evtchn_settle(ec, eh, result);
	pv_unlock(&ec->ec_lock);
}

/*
 * evtchn_poll -- look at all ports, as an upcall does
 *
 * Context: any.
 */
void
evtchn_poll(struct xen *x)
{
	evtchn_upcall(x);
}

/* ---- ports ------------------------------------------------------------- */

/* Make room in the table for a port. */
static int
evtchn_grow(struct evtchn *ec, evport_t port)
{
	struct evtchn_handler **table, **old;
	uint32_t n = (evport_x(port) / EVTCHN_STEP + 1) * EVTCHN_STEP, i, nold;

	if (evport_x(port) < ec->ec_nport)
		return 0;
	table = pv_os_alloc(n * sizeof(struct evtchn_handler *));
	if (table == NULL)
		return -PV_ENOMEM;
	pv_lock(&ec->ec_lock);
	old = ec->ec_table;
	nold = ec->ec_nport;
	if (n > nold) {
		for (i = 0; i < nold; i++)
			table[i] = old[i];
		ec->ec_table = table;
		ec->ec_nport = n;
	}
	pv_unlock(&ec->ec_lock);
	/* Another thread may have made it larger still. */
	if (n > nold)
		pv_os_free(old, nold * sizeof(struct evtchn_handler *));
	else
		pv_os_free(table, n * sizeof(struct evtchn_handler *));
	return 0;
}

/*
 * Give a port its handler.  The port is masked first: an event that came
 * before there was a handler is still pending, and unmasking brings it back.
 */
static int
evtchn_install(struct xen *x, struct evtchn_handler *eh)
{
	struct evtchn *ec = x->x_evtchn;
	uint32_t port = evport_x(eh->eh_port);
	int rv;

	if (port == 0 || port >= ec->ec_ops->eo_max(x))
		return -PV_ERANGE;
	rv = evtchn_grow(ec, eh->eh_port);
	if (rv < 0)
		return rv;
	ec->ec_ops->eo_mask(x, eh->eh_port);
	pv_lock(&ec->ec_lock);
	if (ec->ec_table[port] != NULL) {
		rv = -PV_EBUSY;
	} else {
		ec->ec_table[port] = eh;
		ec->ec_nused++;
		eh->eh_xen = x;
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
	pv_work_init(&eh->eh_work, evtchn_run, eh, 0);
}

/* Install a port that we made; it is closed again on failure. */
static int
evtchn_own(struct xen *x, struct evtchn_handler *eh)
{
	int rv;

	eh->eh_owned = true;
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
 * evtchn_bind_virq -- a port for one of Xen's virtual interrupts
 *
 * flags are EVTCHN_F_*.  0 or -PV_E*.
 * Context: thread.
 */
int
evtchn_bind_virq(struct xen *x, unsigned int virq, unsigned int vcpu,
    unsigned int flags, struct evtchn_handler *eh,
    enum evtchn_result (*fn)(void *), void *arg)
{
	int rv;

	evtchn_init(eh, NULL, fn, arg);
	eh->eh_flags = flags;
	rv = hypercall_evtchn_virq(x, virq, vcpu, &eh->eh_port);
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
	ec->ec_ops->eo_mask(x, eh->eh_port);
	pv_lock(&ec->ec_lock);
	ec->ec_table[evport_x(eh->eh_port)] = NULL;
	ec->ec_nused--;
	pv_unlock(&ec->ec_lock);
	pv_os_cancel(&eh->eh_work);
	/* An EVTCHN_F_FAST handler on another CPU; it is short. */
	while (__atomic_load_n(&eh->eh_running, __ATOMIC_ACQUIRE))
		continue;
	/*
	 * Masked again: the work may have unmasked it before it was taken out.
	 * A port number that is used anew may still be pending from now; its
	 * next handler finds nothing to do, once.
	 */
	ec->ec_ops->eo_mask(x, eh->eh_port);
	if (eh->eh_owned)
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
	if (eh->eh_xen == NULL)
		return;
	if (eh->eh_dev != NULL)
		eh->eh_dev->pd_nkick++;
	/* It fails when the peer is gone, which the bus tells us too. */
	(void)hypercall_evtchn_send(eh->eh_xen, eh->eh_port);
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

/* ---- attach and detach ------------------------------------------------- */

/*
 * evtchn_attach -- take the upcall
 *
 * A port without interrupts calls evtchn_poll() instead.  0 or -PV_E*.
 * Context: thread.
 */
int
evtchn_attach(struct xen *x)
{
	struct pv_irqsrc src = { .is_kind = PV_IRQ_XEN };
	struct evtchn *ec;
	int rv;

	ec = pv_os_alloc(sizeof(*ec));
	if (ec == NULL)
		return -PV_ENOMEM;
	ec->ec_ops = &evtchn_2l_ops;
	x->x_evtchn = ec;
	rv = pv_os_irq_attach(&x->x_irq, &src, evtchn_upcall, x);
	ec->ec_irq = rv == 0;
	if (rv == 0 || rv == -PV_ENOSYS)
		return 0;
	x->x_evtchn = NULL;
	pv_os_free(ec, sizeof(*ec));
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

	if (ec == NULL)
		return;
	PV_ASSERT(ec->ec_nused == 0);
	if (ec->ec_irq)
		pv_os_irq_detach(&x->x_irq);
	x->x_evtchn = NULL;
	if (ec->ec_table != NULL)
		pv_os_free(ec->ec_table,
		    ec->ec_nport * sizeof(struct evtchn_handler *));
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
	pt->pt_evport_used = x->x_evtchn->ec_nused;
	pt->pt_nupcall = x->x_evtchn->ec_nupcall;
	pt->pt_nspurious = x->x_evtchn->ec_nspurious;
}
