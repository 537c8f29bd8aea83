/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xen.h -- the handle of a Xen guest: everything the library knows of its
 * hypervisor hangs on one struct xen, so that several domains can live in
 * one test process.  There are no other globals but the one handle that
 * pv_attach() keeps.
 *
 * Attach order: features, shared info, event channels (the core, which a
 * kernel may want earlier than the rest); grant table, XenStore, devices.
 * Detach is the mirror.
 */

#ifndef XEN_XEN_H
#define XEN_XEN_H

#include <pv/os.h>
#include <pv/pv.h>
#include <pv/xen.h>

#include <xen/xen.h>

#include "dev.h"
#include "list.h"

struct evtchn;
struct gnttab;
struct xs;
struct xenbus;
struct xenbus_back;

#define XEN_VCPU_PERPAGE 64u		/* struct vcpu_info in a page */
#define XEN_FIFO_PERPAGE 32u		/* control blocks in a page */
#define XEN_FIFO_NWORD	1024u		/* event words in a page */
#define XEN_FIFO_NARRAY	128u		/* pages of them, at most */

/*
 * What Xen can be told only once and goes on to write to: it outlives a
 * detach, and the next attach finds it here.  Never freed.
 */
struct xen_kept {
	void		*xk_vcpu[PV_XEN_NVCPU / XEN_VCPU_PERPAGE];
	bool		 xk_registered[PV_XEN_NVCPU];
	/* evtchn_fifo.c */
	void		*xk_control[PV_XEN_NVCPU / XEN_FIFO_PERPAGE];
	bool		 xk_fifo[PV_XEN_NVCPU];
	void		*xk_array[XEN_FIFO_NARRAY];
	uint32_t	 xk_narray;
	uint32_t	 xk_nresync;	/* queues that led nowhere */
};

struct xen {
	struct pv_xen_boot x_boot;
	uint32_t	 x_version;	/* major << 16 | minor */
	uint32_t	 x_features;	/* XENFEAT_*, submap 0 */
	pv_domid_t	 x_domid;
	struct shared_info *x_shared;
	void		*x_shared_page;	/* HVM: the page behind it */
	struct xen_kept	 x_kept;
	uint32_t	 x_nforeign;	/* atomic: pages of others mapped */
	bool		 x_resumed;	/* by the last xen_suspend() */
	struct pv_lock	 x_watchdog_lock;
	bool		 x_watchdog_on;	/* it can be had */
	uint32_t	 x_watchdog;	/* Xen's number of it; 0: none */
	uint32_t	 x_watchdog_time;	/* s; 0: off */
	struct evtchn	*x_evtchn;
	struct gnttab	*x_gnttab;
	struct xs	*x_xs;
	struct xenbus	*x_xenbus;
	struct xenbus_back *x_back;	/* NULL: nothing is served */
	const struct pv_client *x_client;
	void		*x_seam;	/* hosted: the simulated domain */
};

/*
 * Attach to the hypervisor: first the core, then the rest.  *x is zeroed
 * memory of the caller's (hosted: x_seam is set before), or was attached
 * before.  Context: thread.
 */
int	 xen_core_attach(struct xen *, const struct pv_xen_boot *);
void	 xen_core_detach(struct xen *);
int	 xen_start(struct xen *, const struct pv_client *);
void	 xen_stop(struct xen *);
/* Both. */
int	 xen_attach(struct xen *, const struct pv_xen_boot *,
	    const struct pv_client *);
void	 xen_detach(struct xen *);
void	 xen_poll(struct xen *);
bool	 xen_feature(const struct xen *, unsigned int feature);
bool	 xen_pv(const struct xen *);	/* gfns are machine frames */

/* xen_suspend.c: see pv_suspend_begin() and the following in pv/xen.h. */
int	 xen_suspend_begin(struct xen *);
int	 xen_suspend(struct xen *, int (*fn)(void *, struct pv_xen_boot *),
	    void *arg);
void	 xen_suspend_end(struct xen *);

/* xen_watchdog.c: see pv_watchdog() in pv/xen.h. */
void	 xen_watchdog_start(struct xen *);
void	 xen_watchdog_stop(struct xen *);
int	 xen_watchdog_set(struct xen *, uint32_t seconds);
void	 xen_watchdog_resume(struct xen *, bool moved);

/*
 * The primary console's ring and port, from the boot information (PV) or the
 * domain's parameters (HVM, PVH).  0, or -PV_ENODEV when there is none.
 * Context: thread.
 */
int	 xen_console(struct xen *, gfn_t *, evport_t *);
/*
 * The same of XenStore, whose frame may be GFN_NONE still when the store comes
 * up later than we: the port tells when to ask again.
 */
int	 xen_store(struct xen *, gfn_t *, evport_t *);

/* HVMOP_get_param: 0 or -PV_E*. */
int	 xen_hvm_param(struct xen *, uint32_t index, uint64_t *value);

/*
 * Map a frame that the hypervisor or toolstack gave us (store and console
 * rings).  NULL on failure.  Context: thread.
 */
void	*xen_map_frame(struct xen *, gfn_t);
void	 xen_unmap_frame(struct xen *, void *);

/*
 * A page of ours through which one of Xen's own is seen, by XENMAPSPACE_* and
 * index (HVM, PVH).  Its RAM is Xen's while it is a window.  NULL on failure.
 * Context: thread.
 */
void	*xen_window_create(struct xen *, unsigned int space,
	    unsigned long idx);
void	 xen_window_destroy(struct xen *, void *page);

/*
 * xen_vcpu.c: a vCPU's struct vcpu_info gets a place of its own where it must
 * or can, which is not the case for vCPU 0.  0 or -PV_E*.  Context: thread.
 */
int	 xen_vcpu_register(struct xen *, unsigned int vcpu);
struct vcpu_info *xen_vcpu_info(struct xen *, unsigned int vcpu);

#endif /* XEN_XEN_H */
