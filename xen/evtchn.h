/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn.h -- event channels: the interrupts of a Xen guest.
 *
 * The upcall of a vCPU (interrupt context) finds the ports that are pending.
 * Each is masked and cleared, and its handler is queued.  The handler runs in
 * deferred context and may sleep in none of it; when it returns
 * EVTCHN_DONE the port is unmasked, with EVTCHN_MORE it runs again.  So a
 * peer that floods us costs at most one handler run per scheduling of the
 * work, whatever it sends: that is the bound on event storms.
 *
 * A handler which found nothing to do returns EVTCHN_SPURIOUS; a port with
 * too many of these in a row is unmasked late (XSA-391).
 *
 * The kernel's own ports, virtual interrupts and interrupts between vCPUs,
 * are EVTCHN_F_FAST: handled at once, in interrupt context, on the vCPU that
 * they are bound to, for good.  Ports of a device begin where the device has
 * its vCPU (evtchn_cpu_balance()), all others at vCPU 0; they can be moved.
 *
 * A domain that is resumed has no ports.  The fast ones are made anew by
 * themselves; all others are gone: nothing comes and nothing can be sent until
 * their owners close them and make others.
 *
 * An event on a port without a handler leaves it masked and pending; a handler
 * that is installed later finds it.  How Xen keeps pending and masked ports
 * is behind struct evtchn_ops: evtchn_2l.c is the ABI that every Xen has,
 * evtchn_fifo.c the one with priorities, used where Xen has it.
 */

#ifndef EVTCHN_H
#define EVTCHN_H

#include "xen.h"

struct pv_lock;

enum evtchn_result { EVTCHN_DONE, EVTCHN_MORE, EVTCHN_SPURIOUS };

struct evtchn_handler {
	evport_t	 eh_port;
	enum evtchn_result (*eh_fn)(void *);
	void		*eh_arg;
	struct pv_dev	*eh_dev;	/* counters, or NULL */
	struct xen	*eh_xen;
	struct pv_os_work eh_work;
	unsigned int	 eh_vcpu;	/* where it is delivered */
	unsigned int	 eh_flags;
#define EVTCHN_F_FAST	0x1
#define EVTCHN_F_MUTED	0x2
	uint32_t	 eh_virq;	/* fast: VIRQ_*, or .. */
#define EVTCHN_NO_VIRQ	UINT32_MAX	/* .. an interrupt between vCPUs */
	struct evtchn_handler *eh_next;	/* evtchn_resume()'s own */
	unsigned int	 eh_idle;	/* spurious in a row */
	bool		 eh_late;	/* waits to be unmasked late */
	bool		 eh_owned;	/* close the port at the end */
};

/* How Xen and we speak of ports.  Context: any, if nothing else is said. */
struct evtchn_ops {
	const char *eo_name;
	/* Set up a vCPU, once or again.  0 or -PV_E*.  Thread, boot. */
	int	(*eo_cpu)(struct xen *, unsigned int vcpu);
	/* The domain was resumed: nothing is set up.  0 or -PV_E*.  Any. */
	int	(*eo_resume)(struct xen *);
	/* Make room for a port, if need be under the lock.  Thread, boot. */
	int	(*eo_grow)(struct xen *, evport_t, struct pv_lock *);
	uint32_t (*eo_max)(struct xen *);	/* ports are below it */
	void	(*eo_mask)(struct xen *, evport_t);
	/* An event that came while it was masked makes a new upcall. */
	void	(*eo_unmask)(struct xen *, evport_t);
	void	(*eo_clear)(struct xen *, evport_t);
	/*
	 * Mask and clear a port that a scan found.  False: another vCPU found
	 * it too and was faster; there is nothing to do.
	 */
	bool	(*eo_take)(struct xen *, evport_t);
	/* A pending port was found by a vCPU which it is not bound to. */
	void	(*eo_requeue)(struct xen *, evport_t);
	/* 0 (highest) to 15; 0 or -PV_E*. */
	int	(*eo_priority)(struct xen *, evport_t, unsigned int);
	/* Call fn for each port that is pending for a vCPU and not masked. */
	void	(*eo_scan)(struct xen *, unsigned int vcpu,
		    void (*fn)(void *, evport_t), void *arg);
};
extern const struct evtchn_ops evtchn_2l_ops, evtchn_fifo_ops;

#define EVTCHN_PRIORITY_MAX	0
#define EVTCHN_PRIORITY_DEFAULT	7
#define EVTCHN_PRIORITY_MIN	15

int	 evtchn_attach(struct xen *);
void	 evtchn_detach(struct xen *);
/*
 * The domain was resumed: choose the ABI again, lose all ports, bind the fast
 * ones anew.  The other vCPUs are down.  0 or -PV_E*.  Any; interrupts masked.
 */
int	 evtchn_resume(struct xen *);
void	 evtchn_poll(struct xen *);	/* as an upcall, any context */
/* See pv_xen_cpu_attach() and pv_xen_cpu_detach(). */
int	 evtchn_cpu_attach(struct xen *, unsigned int vcpu);
void	 evtchn_cpu_detach(struct xen *, unsigned int vcpu);
/* See pv_xen_balance(). */
void	 evtchn_cpu_balance(struct xen *, bool (*runs)(unsigned int vcpu));

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
/* EVTCHN_F_FAST.  What fn returns does not matter. */
int	 evtchn_bind_virq(struct xen *, unsigned int vcpu, unsigned int virq,
	    struct evtchn_handler *eh, enum evtchn_result (*fn)(void *),
	    void *arg);
int	 evtchn_bind_ipi(struct xen *, unsigned int vcpu,
	    struct evtchn_handler *eh, enum evtchn_result (*fn)(void *),
	    void *arg);
/* A port that the domain builder made for us: store, console. */
int	 evtchn_adopt(struct xen *, struct pv_dev *, evport_t,
	    struct evtchn_handler *eh, enum evtchn_result (*fn)(void *),
	    void *arg);
/* On return fn is not running and will not run.  Idempotent.  Thread. */
void	 evtchn_close(struct evtchn_handler *eh);

/* Deliver a port that is not fast to another vCPU.  0 or -PV_E*.  Thread. */
int	 evtchn_move(struct evtchn_handler *eh, unsigned int vcpu);
/*
 * Which ports of a vCPU are found first.  Fast ones begin with the highest
 * priority, others with the default.  0, -PV_EINVAL, or -PV_ENOSYS: the ABI
 * has none.  Thread.
 */
int	 evtchn_priority(struct evtchn_handler *eh, unsigned int priority);

/* Lost when the domain was resumed: to be closed.  Any context. */
bool	 evtchn_gone(const struct evtchn_handler *eh);
void	 evtchn_notify(struct evtchn_handler *eh);	/* any context */
void	 evtchn_again(struct evtchn_handler *eh);	/* run fn soon; any */

/* A port to sleep on, one of evtchn_bind_ipi(): see pv_evtchn_wait(). */
void	 evtchn_mute(struct evtchn_handler *eh);
void	 evtchn_forget(struct evtchn_handler *eh);
void	 evtchn_sleep(struct evtchn_handler *eh);

int	 evtchn_cpu_info(struct xen *, unsigned int vcpu,
	    struct pv_xen_cpu_info *);
void	 evtchn_totals(struct xen *, struct pv_totals *);

#endif /* EVTCHN_H */
