/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn.h -- event channels: the interrupts of a Xen guest.
 *
 * The upcall (interrupt context) scans the pending bitmap.  For each pending
 * port: mask it, clear it, and queue its handler.  The handler runs in
 * deferred context and may sleep in none of it; when it returns
 * EVTCHN_DONE the port is unmasked, with EVTCHN_MORE it runs again.  So a
 * peer that floods us costs at most one handler run per scheduling of the
 * work, whatever it sends: that is the bound on event storms.
 *
 * A handler which found nothing to do returns EVTCHN_SPURIOUS; a port with
 * too many of these in a row is unmasked late (XSA-391).
 *
 * One port can instead be handled at once, in interrupt context, with
 * EVTCHN_F_FAST (timer).
 *
 * Ports without a handler here (the kernel's own timer) are left alone.  How
 * Xen keeps pending and masked ports is behind struct evtchn_ops: evtchn_2l.c
 * is the ABI that every Xen has.
 */

#ifndef EVTCHN_H
#define EVTCHN_H

#include "xen.h"

enum evtchn_result { EVTCHN_DONE, EVTCHN_MORE, EVTCHN_SPURIOUS };

struct evtchn_handler {
	evport_t	 eh_port;
	enum evtchn_result (*eh_fn)(void *);
	void		*eh_arg;
	struct pv_dev	*eh_dev;	/* counters, or NULL */
	struct xen	*eh_xen;
	struct pv_os_work eh_work;
	unsigned int	 eh_flags;
#define EVTCHN_F_FAST	0x1
	unsigned int	 eh_idle;	/* spurious in a row */
	bool		 eh_late;	/* waits to be unmasked late */
	bool		 eh_running;	/* EVTCHN_F_FAST: its fn runs now */
	bool		 eh_owned;	/* close the port at the end */
};

/* How Xen and we speak of ports.  Context: any. */
struct evtchn_ops {
	uint32_t (*eo_max)(struct xen *);	/* ports are below it */
	void	(*eo_mask)(struct xen *, evport_t);
	/* An event that came while it was masked makes a new upcall. */
	void	(*eo_unmask)(struct xen *, evport_t);
	void	(*eo_clear)(struct xen *, evport_t);
	/* Call fn for each port that is pending and not masked. */
	void	(*eo_scan)(struct xen *, void (*fn)(struct xen *, evport_t));
};
extern const struct evtchn_ops evtchn_2l_ops;

int	 evtchn_attach(struct xen *);
void	 evtchn_detach(struct xen *);
void	 evtchn_poll(struct xen *);	/* as an upcall, any context */

/*
 * Start handling.  Each fills *eh, which lives until evtchn_close(); fn
 * may run before the call returns.  0 or -PV_E*.  Context: thread.
 */
int	 evtchn_alloc(struct xen *, struct pv_dev *, pv_domid_t peer,
	    struct evtchn_handler *eh, enum evtchn_result (*fn)(void *),
	    void *arg);			/* unbound, for the peer to bind */
int	 evtchn_bind_peer(struct xen *, struct pv_dev *, pv_domid_t peer,
	    evport_t remote, struct evtchn_handler *eh,
	    enum evtchn_result (*fn)(void *), void *arg);
int	 evtchn_bind_virq(struct xen *, unsigned int virq, unsigned int vcpu,
	    unsigned int flags, struct evtchn_handler *eh,
	    enum evtchn_result (*fn)(void *), void *arg);
/* A port that the domain builder made for us: store, console. */
int	 evtchn_adopt(struct xen *, struct pv_dev *, evport_t,
	    struct evtchn_handler *eh, enum evtchn_result (*fn)(void *),
	    void *arg);
/* On return fn is not running and will not run.  Idempotent.  Thread. */
void	 evtchn_close(struct evtchn_handler *eh);

void	 evtchn_notify(struct evtchn_handler *eh);	/* any context */
void	 evtchn_again(struct evtchn_handler *eh);	/* run fn soon; any */

void	 evtchn_totals(struct xen *, struct pv_totals *);

#endif /* EVTCHN_H */
