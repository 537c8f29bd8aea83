/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn_var.h -- what evtchn.c, evtchn_cpu.c and evtchn_resume.c share and
 * nobody else sees.
 */

#ifndef EVTCHN_VAR_H
#define EVTCHN_VAR_H

#include "dev.h"
#include "evtchn.h"
#include "evtchn_table.h"

struct evtchn_vcpu {
	struct xen	*ev_xen;
	unsigned int	 ev_id;
	bool		 ev_up;
	struct pv_os_irq ev_irq;
	uint32_t	 ev_nenter, ev_nleave;	/* upcalls begun, ended */
	struct pv_xen_cpu_info ev_info;		/* counters */
};

struct evtchn {
	const struct evtchn_ops *ec_ops;
	struct pv_lock	 ec_lock;
	struct evtchn_table *ec_table;		/* NULL: no port yet */
	uint32_t	 ec_nused;
	uint64_t	 ec_nspurious;
	struct evtchn_vcpu *ec_vcpu[PV_XEN_NVCPU];
	bool		 ec_polled;		/* vCPU 0 has no interrupt */
	/* The vCPUs that devices are spread over; none: all at vCPU 0. */
	unsigned char	 ec_spread[PV_XEN_NVCPU];
	unsigned int	 ec_nspread;
};

/* An upcall begins, ends: see evtchn_quiesce(). */
static inline void
evtchn_enter(struct evtchn_vcpu *ev)
{
	(void)__atomic_add_fetch(&ev->ev_nenter, 1, __ATOMIC_SEQ_CST);
}

static inline void
evtchn_leave(struct evtchn_vcpu *ev)
{
	(void)__atomic_add_fetch(&ev->ev_nleave, 1, __ATOMIC_SEQ_CST);
}

struct evtchn_handler *evtchn_find(const struct evtchn *, evport_t);
void	 evtchn_queue(struct xen *, struct evtchn_handler *);
void	 evtchn_stray(struct evtchn_vcpu *, evport_t);
void	 evtchn_upcall(void *);
void	 evtchn_place(struct evtchn *, struct evtchn_handler *);
int	 evtchn_rebind(struct evtchn *, struct evtchn_handler *,
	    unsigned int vcpu);
/* Give a port its handler; 0 or -PV_E*.  Thread, boot. */
int	 evtchn_install(struct xen *, struct evtchn_handler *);
/* Ask Xen for a fast port, as the handler has it; 0 or -PV_E*.  Any. */
int	 evtchn_bind_fast(struct xen *, struct evtchn_handler *);

#endif /* EVTCHN_VAR_H */
