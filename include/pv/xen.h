/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv/xen.h -- the Xen core for the kernel's own use: event channels as the
 * kernel's timer and inter-processor interrupts, before there are devices
 * and in a domain that has none.
 *
 * Order of things:
 *
 *	pv_xen_init()		the boot CPU, when memory can be allocated
 *	pv_evtchn_virq() ..	timer of vCPU 0
 *	pv_xen_cpu_attach(n)	before vCPU n is started
 *	pv_evtchn_ipi() ..	ports of vCPU n
 *	pv_attach()		devices
 *
 * A kernel that needs nothing of this calls pv_attach() alone, which does
 * the first step; then all events are delivered to vCPU 0.
 *
 * A vCPU is named by the number that Xen has for it: VCPUOP_*, and CPUID leaf
 * 4 in a hardware-virtualized guest.
 */

#ifndef PV_XEN_H
#define PV_XEN_H

#include <pv/pv.h>

struct vcpu_info;			/* <xen/xen.h> */
struct pv_evtchn;

#define PV_XEN_NVCPU	128		/* vCPUs that can be attached */

/*
 * The hypervisor's version and features, the shared info page, and event
 * channels with the upcall of vCPU 0.  0, -PV_ENODEV (not under Xen),
 * -PV_EBUSY (already), or what failed; then nothing is left.
 * Context: thread, or boot with memory allocation at work; interrupts may be
 * off still.
 */
int	 pv_xen_init(const struct pv_xen_boot *);

/*
 * Let a vCPU take events: its struct vcpu_info is registered (but for that of
 * vCPU 0, which stays in the shared info page) and its upcall is asked of the
 * port by pv_os_irq_attach() with PV_IRQ_XEN and is_num = vcpu.  Before
 * that vCPU starts, from any other.  0, -PV_EBUSY (already), -PV_ERANGE, or
 * what failed.  Context: thread.
 */
int	 pv_xen_cpu_attach(unsigned int vcpu);

/*
 * The vCPU is down for now.  Its ports but those of pv_evtchn_*(), which the
 * kernel closes, are moved to vCPU 0, and what it left pending is delivered.
 * Not for vCPU 0.  Context: thread, on another CPU.
 */
void	 pv_xen_cpu_detach(unsigned int vcpu);

/*
 * Spread the devices over the vCPUs that are attached and that runs() says do
 * run: each device has one that takes its events, and new devices get theirs in
 * turn.  To be called when vCPUs have come or gone; before, and when one is
 * detached, all events of new devices go to vCPU 0.  Context: thread.
 */
void	 pv_xen_balance(bool (*runs)(unsigned int vcpu));

/*
 * Where Xen keeps what it tells a vCPU: its interrupt flag (PV) and clock.
 * Valid once the vCPU is attached, and to the end of the domain.  NULL when
 * there is none.  Context: any.
 */
struct vcpu_info *pv_xen_vcpu_info(unsigned int vcpu);

/* The n-th vCPU's events.  0, or -PV_ENOENT: never attached.  Thread. */
struct pv_xen_cpu_info {
	bool		 ci_up;
	uint64_t	 ci_nupcall;
	uint64_t	 ci_nevent;		/* for handlers */
	uint64_t	 ci_nstray;		/* on ports without one */
};
int	 pv_xen_cpu_info(unsigned int vcpu, struct pv_xen_cpu_info *);

/*
 * A virtual interrupt (VIRQ_*), or one that any vCPU can send to this one.
 * fn(arg) runs in interrupt context on that vCPU, with the highest priority
 * that the event channel ABI has; it may run before the call returns.  0 or
 * -PV_E*.  Context: thread, or boot as pv_xen_init().
 */
int	 pv_evtchn_virq(unsigned int vcpu, unsigned int virq,
	    void (*fn)(void *), void *arg, struct pv_evtchn **);
int	 pv_evtchn_ipi(unsigned int vcpu, void (*fn)(void *), void *arg,
	    struct pv_evtchn **);
/*
 * A port for this vCPU to sleep on, interrupts masked, until any vCPU sends to
 * it: under a spin lock that sleeps.  pv_evtchn_forget() undoes what was sent,
 * pv_evtchn_wait() returns when something was sent since, or for no reason.
 * 0 or -PV_E*.  Context: thread; any; any, on that vCPU.
 */
int	 pv_evtchn_poll(unsigned int vcpu, struct pv_evtchn **);
void	 pv_evtchn_forget(struct pv_evtchn *);
void	 pv_evtchn_wait(struct pv_evtchn *);
/*
 * A channel to another domain.  pv_evtchn_alloc() makes a port that the peer
 * may bind to, pv_evtchn_port() tells its number; pv_evtchn_bind() binds to a
 * port that the peer made, which also counts as a first event here.  fn(arg)
 * runs in deferred context; those of two channels may run at the same time.
 * The port begins at vCPU 0.  0 or -PV_E*, which is
 * -PV_ENODEV before pv_xen_init() or pv_attach().  Context: thread.
 */
int	 pv_evtchn_alloc(pv_domid_t peer, void (*fn)(void *), void *arg,
	    struct pv_evtchn **);
int	 pv_evtchn_bind(pv_domid_t peer, evport_t remote, void (*fn)(void *),
	    void *arg, struct pv_evtchn **);
evport_t pv_evtchn_port(const struct pv_evtchn *);
/* Deliver it to another vCPU that is attached.  0 or -PV_E*.  Thread. */
int	 pv_evtchn_move(struct pv_evtchn *, unsigned int vcpu);
/*
 * To the peer, or have fn run here; several before fn ran may count once.
 * Context: any.
 */
void	 pv_evtchn_send(struct pv_evtchn *);
/* On return fn is not running and will not run; NULL does nothing.  Thread. */
void	 pv_evtchn_close(struct pv_evtchn *);

/*
 * Save, restore and migration.  When pc_control is called with
 * PV_CONTROL_SUSPEND, for which the kernel says in pc_suspends that it can, a
 * thread of it does this:
 *
 *	take the other vCPUs down, with pv_xen_cpu_detach()
 *	let no work with PV_WORK_SLEEPS run
 *	pv_suspend_begin()
 *	let no other work run, mask interrupts
 *	pv_suspend()
 *	unmask them, let works run
 *	pv_suspend_end()
 *	start the other vCPUs, with pv_xen_cpu_attach()
 *
 * pv_suspend_begin(): 0; -PV_EBUSY: pages of other domains are mapped here;
 * -PV_ETIMEDOUT: the store is silent.  When it is not 0 nothing follows.
 *
 * pv_suspend() calls fn(arg, boot), which makes the hypercall and returns 0
 * when the domain was resumed, 1 when the toolstack changed its mind, or
 * -PV_E*; and so does pv_suspend().  When it was resumed fn has mapped the
 * shared info page again if it did so at first, has had Xen interrupt vCPU 0
 * again, and has filled in what changed in boot (PV: all of it).
 *
 * The kernel's ports of vCPU 0 (timer, IPI) work again when it returns, the
 * others are gone, and are only to be closed.  Disks and interfaces stay: what
 * was under way is put again when their new peers are there, after
 * pv_suspend_end().  Context: thread.
 */
int	 pv_suspend_begin(void);
int	 pv_suspend(int (*fn)(void *arg, struct pv_xen_boot *), void *arg);
void	 pv_suspend_end(void);

/*
 * Xen's watchdog: unless this is called again in so many seconds the domain
 * ends, with the reason "watchdog"; 0: no more of that.  A domain that was
 * resumed has it again, from that moment on.  0, -PV_ENODEV (not attached to
 * Xen), or what failed.  pv_detach() turns it off.  Context: thread.
 */
int	 pv_watchdog(unsigned int seconds);

#endif /* PV_XEN_H */
