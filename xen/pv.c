/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv.c -- the functions of pv/pv.h and pv/control.h: what an embedder calls,
 * for the one hypervisor that its kernel runs on.
 *
 * The only variables of the library are here.
 */

#include "hypercall.h"

#include <pv/control.h>
#include <pv/xen.h>

#include "evtchn.h"
#include "gnttab.h"
#include "xenbus.h"
#include "xs.h"

static struct xen pv_xen;
static struct pv_client pv_clients;	/* the copy of what was passed */
static bool pv_core;		/* pv_xen_init() was called */
static bool pv_attached;

/* ---- the core ---------------------------------------------------------- */

/*
 * pv_xen_init, pv_xen_cpu_attach, pv_xen_cpu_detach -- see pv/xen.h
 *
 * Context: thread; pv_xen_init() and pv_xen_cpu_attach() at boot too.
 */
int
pv_xen_init(const struct pv_xen_boot *boot)
{
	int rv;

	if (pv_core || pv_attached)
		return -PV_EBUSY;
	rv = xen_core_attach(&pv_xen, boot);
	pv_core = rv == 0;
	return rv;
}

int
pv_xen_cpu_attach(unsigned int vcpu)
{
	if (pv_xen.x_evtchn == NULL)
		return -PV_ENODEV;
	return evtchn_cpu_attach(&pv_xen, vcpu);
}

void
pv_xen_cpu_detach(unsigned int vcpu)
{
	if (pv_xen.x_evtchn != NULL)
		evtchn_cpu_detach(&pv_xen, vcpu);
}

/*
 * pv_xen_balance -- see pv/xen.h
 *
 * Context: thread.
 */
void
pv_xen_balance(bool (*runs)(unsigned int vcpu))
{
	if (pv_xen.x_evtchn != NULL)
		evtchn_cpu_balance(&pv_xen, runs);
}

/*
 * pv_xen_vcpu_info -- see pv/xen.h
 *
 * Context: any.
 */
struct vcpu_info *
pv_xen_vcpu_info(unsigned int vcpu)
{
	return pv_xen.x_shared == NULL ? NULL : xen_vcpu_info(&pv_xen, vcpu);
}

/*
 * pv_xen_cpu_info -- see pv/xen.h
 *
 * Context: thread.
 */
int
pv_xen_cpu_info(unsigned int vcpu, struct pv_xen_cpu_info *ci)
{
	if (pv_xen.x_evtchn == NULL)
		return -PV_ENOENT;
	return evtchn_cpu_info(&pv_xen, vcpu, ci);
}

struct pv_evtchn {
	struct evtchn_handler pe_eh;
	void		(*pe_fn)(void *);
	void		*pe_arg;
};

static enum evtchn_result
pv_evtchn_intr(void *arg)
{
	struct pv_evtchn *pe = arg;

	pe->pe_fn(pe->pe_arg);
	return EVTCHN_DONE;
}

/* 0 with *pep to be bound, or -PV_ENODEV, -PV_ENOMEM with NULL. */
static int
pv_evtchn_create(void (*fn)(void *), void *arg, struct pv_evtchn **pep)
{
	struct pv_evtchn *pe;

	*pep = NULL;
	if (pv_xen.x_evtchn == NULL)
		return -PV_ENODEV;
	pe = pv_os_alloc(sizeof(*pe));
	if (pe == NULL)
		return -PV_ENOMEM;
	pe->pe_fn = fn;
	pe->pe_arg = arg;
	*pep = pe;
	return 0;
}

/* The binding ended with rv. */
static int
pv_evtchn_bound(struct pv_evtchn **pep, int rv)
{
	if (rv < 0) {
		pv_os_free(*pep, sizeof(**pep));
		*pep = NULL;
	}
	return rv;
}

/*
 * pv_evtchn_virq, pv_evtchn_ipi -- see pv/xen.h
 *
 * Context: thread, boot.
 */
int
pv_evtchn_virq(unsigned int vcpu, unsigned int virq, void (*fn)(void *),
    void *arg, struct pv_evtchn **pep)
{
	int rv;

	rv = pv_evtchn_create(fn, arg, pep);
	if (rv < 0)
		return rv;
	return pv_evtchn_bound(pep, evtchn_bind_virq(&pv_xen, vcpu, virq,
	    &(*pep)->pe_eh, pv_evtchn_intr, *pep));
}

int
pv_evtchn_ipi(unsigned int vcpu, void (*fn)(void *), void *arg,
    struct pv_evtchn **pep)
{
	int rv;

	rv = pv_evtchn_create(fn, arg, pep);
	if (rv < 0)
		return rv;
	return pv_evtchn_bound(pep, evtchn_bind_ipi(&pv_xen, vcpu,
	    &(*pep)->pe_eh, pv_evtchn_intr, *pep));
}

/*
 * pv_evtchn_alloc, pv_evtchn_bind -- a channel to another domain; see pv/xen.h
 *
 * Context: thread.
 */
int
pv_evtchn_alloc(pv_domid_t peer, void (*fn)(void *), void *arg,
    struct pv_evtchn **pep)
{
	int rv;

	rv = pv_evtchn_create(fn, arg, pep);
	if (rv < 0)
		return rv;
	return pv_evtchn_bound(pep, evtchn_alloc(&pv_xen, NULL, peer,
	    &(*pep)->pe_eh, pv_evtchn_intr, *pep));
}

int
pv_evtchn_bind(pv_domid_t peer, evport_t remote, void (*fn)(void *),
    void *arg, struct pv_evtchn **pep)
{
	int rv;

	rv = pv_evtchn_create(fn, arg, pep);
	if (rv < 0)
		return rv;
	return pv_evtchn_bound(pep, evtchn_bind_peer(&pv_xen, NULL, peer,
	    remote, &(*pep)->pe_eh, pv_evtchn_intr, *pep));
}

/*
 * pv_evtchn_port -- its number
 *
 * Context: any.
 */
evport_t
pv_evtchn_port(const struct pv_evtchn *pe)
{
	return pe->pe_eh.eh_port;
}

/*
 * pv_evtchn_move -- deliver it to another vCPU; see pv/xen.h
 *
 * Context: thread.
 */
int
pv_evtchn_move(struct pv_evtchn *pe, unsigned int vcpu)
{
	return evtchn_move(&pe->pe_eh, vcpu);
}

static void
pv_evtchn_nothing(void *arg)
{
	(void)arg;
}

/*
 * pv_evtchn_poll, pv_evtchn_forget, pv_evtchn_wait -- see pv/xen.h
 *
 * Context: thread; any; any, interrupts masked.
 */
int
pv_evtchn_poll(unsigned int vcpu, struct pv_evtchn **pep)
{
	int rv = pv_evtchn_ipi(vcpu, pv_evtchn_nothing, NULL, pep);

	if (rv == 0)
		evtchn_mute(&(*pep)->pe_eh);
	return rv;
}

void
pv_evtchn_forget(struct pv_evtchn *pe)
{
	evtchn_forget(&pe->pe_eh);
}

void
pv_evtchn_wait(struct pv_evtchn *pe)
{
	evtchn_sleep(&pe->pe_eh);
}

/*
 * pv_evtchn_send -- notify the peer, or have fn run on the vCPU of an IPI
 *
 * Context: any.
 */
void
pv_evtchn_send(struct pv_evtchn *pe)
{
	evtchn_notify(&pe->pe_eh);
}

/*
 * pv_evtchn_close -- on return its fn is not running and will not run
 *
 * Context: thread.
 */
void
pv_evtchn_close(struct pv_evtchn *pe)
{
	if (pe == NULL)
		return;
	evtchn_close(&pe->pe_eh);
	pv_os_free(pe, sizeof(*pe));
}

/* ---- attach and detach ------------------------------------------------- */

/*
 * pv_attach -- attach to the hypervisor and start to look for devices
 *
 * 0, -PV_ENODEV (not under Xen), -PV_EBUSY (already), or what failed.
 * Context: thread.
 */
int
pv_attach(const struct pv_client *client, const struct pv_xen_boot *boot)
{
	int rv;

	if (pv_attached)
		return -PV_EBUSY;
	pv_clients = *client;
	if (pv_core)
		rv = xen_start(&pv_xen, &pv_clients);
	else
		rv = xen_attach(&pv_xen, boot, &pv_clients);
	pv_attached = rv == 0;
	return rv;
}

/*
 * pv_detach -- detach every device and the hypervisor's interfaces
 *
 * What pv_xen_init() set up stays.
 * Context: thread.
 */
void
pv_detach(void)
{
	if (!pv_attached)
		return;
	pv_attached = false;
	xen_stop(&pv_xen);
	if (!pv_core)
		xen_core_detach(&pv_xen);
}

/*
 * pv_poll -- look at every event source once
 *
 * Context: deferred, thread.
 */
void
pv_poll(void)
{
	if (pv_attached)
		xen_poll(&pv_xen);
}

/*
 * pv_control_shutdown -- how the domain ends; see pv/control.h
 *
 * Returns only when the hypervisor does not know the request: -PV_E*.
 * Context: any.
 */
int
pv_control_shutdown(enum pv_control_op op)
{
	static const unsigned int reason[] = {
		[PV_CONTROL_POWEROFF] = SHUTDOWN_poweroff,
		[PV_CONTROL_REBOOT] = SHUTDOWN_reboot,
		[PV_CONTROL_HALT] = SHUTDOWN_poweroff,
		[PV_CONTROL_CRASH] = SHUTDOWN_crash
	};

	if (!pv_attached)
		return -PV_ENODEV;
	if ((unsigned int)op >= PV_NELEM(reason))
		return -PV_EINVAL;
	return hypercall_shutdown(&pv_xen, reason[op]);
}

/*
 * pv_suspend_begin, pv_suspend, pv_suspend_end -- see pv/xen.h
 *
 * Context: thread; pv_suspend() with interrupts masked.
 */
int
pv_suspend_begin(void)
{
	return pv_attached ? xen_suspend_begin(&pv_xen) : -PV_ENODEV;
}

int
pv_suspend(int (*fn)(void *, struct pv_xen_boot *), void *arg)
{
	return xen_suspend(&pv_xen, fn, arg);
}

void
pv_suspend_end(void)
{
	xen_suspend_end(&pv_xen);
}

/*
 * pv_watchdog -- see pv/xen.h
 *
 * Context: thread.
 */
int
pv_watchdog(unsigned int seconds)
{
	return xen_watchdog_set(&pv_xen, seconds);
}

/* ---- telling ----------------------------------------------------------- */

/*
 * pv_totals -- tell about the machinery
 *
 * Context: thread.
 */
void
pv_totals(struct pv_totals *pt)
{
	struct pv_dev_info di;
	unsigned int n;

	*pt = (struct pv_totals){ 0 };
	for (n = 0; pv_dev_info(n, &di) == 0; n++)
		pt->pt_npage += di.di_npage;
	if (pv_xen.x_evtchn != NULL)
		evtchn_totals(&pv_xen, pt);
	if (!pv_attached)
		return;
	gnttab_totals(&pv_xen, pt);
	xs_totals(&pv_xen, pt);
}

/* ---- XenStore ---------------------------------------------------------- */

/*
 * pv_store_read, _write, _rm, _ls, _update, _reconnect, _watch, _unwatch --
 * see pv/pv.h
 *
 * Context: thread.
 */
int
pv_store_read(const char *path, char *buf, size_t size, size_t *lenp)
{
	return xs_read(&pv_xen, XS_NOTRANS, path, buf, size, lenp);
}

int
pv_store_write(const char *path, const void *val, size_t len)
{
	return xs_write(&pv_xen, XS_NOTRANS, path, val, len);
}

int
pv_store_rm(const char *path)
{
	return xs_rm(&pv_xen, XS_NOTRANS, path);
}

int
pv_store_ls(const char *path, char *buf, size_t size, size_t *lenp)
{
	return xs_ls(&pv_xen, XS_NOTRANS, path, buf, size, lenp);
}

struct pv_store_change {
	const char	*sc_path;
	char		*sc_val;	/* PV_STORE_VALUE bytes, and a NUL */
	int		(*sc_fn)(void *, char *, size_t *);
	void		*sc_arg;
};

static int
pv_store_change(void *arg, const struct xs_trans *t)
{
	struct pv_store_change *sc = arg;
	size_t len = 0;
	int rv;

	rv = xs_read(&pv_xen, t, sc->sc_path, sc->sc_val, PV_STORE_VALUE + 1,
	    &len);
	if (rv < 0 && rv != -PV_ENOENT)
		return rv;
	rv = sc->sc_fn(sc->sc_arg, sc->sc_val, &len);
	if (rv != 0)
		return rv;
	PV_ASSERT(len <= PV_STORE_VALUE);
	return xs_write(&pv_xen, t, sc->sc_path, sc->sc_val, len);
}

int
pv_store_update(const char *path, int (*fn)(void *, char *, size_t *),
    void *arg)
{
	struct pv_store_change sc = {
		.sc_path = path, .sc_fn = fn, .sc_arg = arg
	};
	int rv;

	sc.sc_val = pv_os_alloc(PV_STORE_VALUE + 1);
	if (sc.sc_val == NULL)
		return -PV_ENOMEM;
	rv = xs_transact(&pv_xen, pv_store_change, &sc);
	pv_os_free(sc.sc_val, PV_STORE_VALUE + 1);
	return rv;
}

int
pv_store_reconnect(void)
{
	return xs_reconnect(&pv_xen);
}

struct pv_store_watch {
	struct xs_watch	 sw_watch;
};

int
pv_store_watch(const char *path, void (*fn)(void *, const char *path),
    void *arg, struct pv_store_watch **swp)
{
	struct pv_store_watch *sw = pv_os_alloc(sizeof(*sw));
	int rv;

	*swp = NULL;
	if (sw == NULL)
		return -PV_ENOMEM;
	rv = xs_watch(&pv_xen, &sw->sw_watch, path, fn, arg);
	if (rv < 0)
		pv_os_free(sw, sizeof(*sw));
	else
		*swp = sw;
	return rv;
}

void
pv_store_unwatch(struct pv_store_watch *sw)
{
	if (sw == NULL)
		return;
	xs_unwatch(&sw->sw_watch);
	pv_os_free(sw, sizeof(*sw));
}
