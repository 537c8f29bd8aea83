/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv/pv.h -- what an embedder includes.
 *
 * Theory of operation.  The kernel fills a struct pv_client with the
 * functions that take the devices as they come and go, tells libdomus where
 * it finds itself (a struct pv_xen_boot under Xen) and calls pv_attach().
 * From then on devices are announced as their peers get ready, at any time,
 * in thread context; hot-plug and hot-unplug come the same way.
 *
 * pv_poll() lets a kernel without interrupts drive everything from its own
 * loop; with interrupts it is not needed.
 */

#ifndef PV_PV_H
#define PV_PV_H

#include <pv/balloon.h>
#include <pv/blk.h>
#include <pv/cons.h>
#include <pv/control.h>
#include <pv/errno.h>
#include <pv/net.h>
#include <pv/rng.h>
#include <pv/scsi.h>
#include <pv/types.h>

#define PV_VERSION	"0.1"

/*
 * The consumer of the devices.  Any member may be NULL: then such devices
 * are attached and left alone.  *_up: the device works until *_down returns;
 * it must be let go of before *_down returns (its requests come back with
 * -PV_ENXIO).  Context: thread, no lock held.
 */
struct pv_client {
	void	(*pc_blk_up)(struct pv_blk *);
	void	(*pc_blk_down)(struct pv_blk *);
	void	(*pc_blk_resized)(struct pv_blk *);
	void	(*pc_net_up)(struct pv_net *);
	void	(*pc_net_down)(struct pv_net *);
	void	(*pc_cons_up)(struct pv_cons *);
	void	(*pc_cons_down)(struct pv_cons *);
	void	(*pc_balloon_up)(struct pv_balloon *);
	void	(*pc_balloon_down)(struct pv_balloon *);
	void	(*pc_rng_up)(struct pv_rng *);
	void	(*pc_rng_down)(struct pv_rng *);
	void	(*pc_scsi_up)(struct pv_scsi *);
	void	(*pc_scsi_down)(struct pv_scsi *);
	/*
	 * The toolstack wants a guest to have the disk bg_what of ours.  0 with
	 * bg_blk set; -PV_EAGAIN: ask again soon; else it is asked again, less
	 * often.  Without it there are no such disks.  Must not wait.
	 */
	int	(*pc_vbd_open)(struct pv_blk_guest *);
	/* bg is no more when it returns.  Context: deferred, thread. */
	void	(*pc_vbd_close)(struct pv_blk_guest *);
	/*
	 * pc_net_up takes the other ends of guests' interfaces too (nt_guest);
	 * without it there are none.
	 */
	bool		 pc_serves_nets;
	/* The toolstack asks; already acknowledged. */
	void	(*pc_control)(enum pv_control_op);
	/*
	 * The operator's setting of that name, or NULL: not given.  The text
	 * stays where it is.  The manual pages of the drivers list the names.
	 */
	const char *(*pc_setting)(const char *name);
	/* A key of "xl sysrq", printable; already acknowledged. */
	void	(*pc_sysrq)(char key);
	/* pc_control() knows PV_CONTROL_SUSPEND; see pv/xen.h. */
	bool		 pc_suspends;
	/* CPUs that devices may spread their queues over; 0 means 1. */
	unsigned int	 pc_ncpu;
};

/*
 * Where the kernel finds Xen's things.  Xen PV: from start_info.  HVM, PVH:
 * xb_flags, and in xb_shared_info the address of the page where the kernel
 * has mapped it already, or 0; the rest is asked of the hypervisor.
 */
struct pv_xen_boot {
	uint32_t	 xb_flags;
#define PV_XEN_PV	0x1		/* paravirtualized memory: gfn is mfn */
#define PV_XEN_DOM0	0x2		/* initial domain: no store, no console
					   ring */
#define PV_XEN_NO_FIFO	0x4		/* event channels by the two-level ABI
					   even where Xen has FIFO queues */
	pv_pa_t		 xb_shared_info;	/* PV: machine address */
	gfn_t		 xb_store_gfn;		/* PV */
	evport_t	 xb_store_evport;
	gfn_t		 xb_cons_gfn;
	evport_t	 xb_cons_evport;
};

/*
 * Attach to the hypervisor and start to look for devices.  Both structures
 * are copied.  Returns 0, -PV_ENODEV (not under Xen), or what failed.
 * Context: thread, once.
 */
int	 pv_attach(const struct pv_client *, const struct pv_xen_boot *);

/*
 * Find virtio devices: on all PCI buses, or the one whose MMIO registers are
 * at pa with a wired interrupt line.  The client is copied at the first call
 * of any pv_attach*.  Number of devices attached (0 is not an error), or
 * -PV_E*.  Context: thread.
 */
int	 pv_attach_virtio_pci(const struct pv_client *);
int	 pv_attach_virtio_mmio(const struct pv_client *, pv_pa_t pa,
	    uint32_t line);
/*
 * Hot-plug on PCI: with functions that came since, addresses assigned, call
 * pv_attach_virtio_pci() again.  Before one is taken away, or after it
 * vanished, call this: its device goes down, in use or not.  Number of devices
 * detached (0: there is none of ours).  These functions do not run at the same
 * time.  Context: thread.
 */
int	 pv_detach_virtio_pci(pv_pci_t);

/* Detach every device and the hypervisor's interfaces.  Context: thread. */
void	 pv_detach(void);

/* Look at every event source once.  Context: deferred, thread. */
void	 pv_poll(void);

/*
 * The n-th name (0, 1, ..) that pc_setting may be asked for, without those of
 * single devices (hw.vtnet.0.csum_disable); NULL behind the last.
 * Context: any.
 */
const char *pv_setting_name(unsigned int n);

/* Hold a block device open; see pv/blk.h.  Context: thread. */
void	 pv_blk_open(struct pv_blk *);
void	 pv_blk_close(struct pv_blk *);

/* For whoever makes a struct pv_blk: a request of nsect sectors is done with
   rv; keeps the statistics.  Context: any.  Lock: the maker's own. */
void	 pv_blk_count(struct pv_blk *, enum pv_blk_op, uint64_t nsect, int rv);

/*
 * Tell about the n-th device (0, 1, ..) or the machinery's totals, for an
 * operator's listing.  Returns 0, or -PV_ENOENT behind the last.
 * Context: thread.
 */
struct pv_dev_info {
	char		 di_name[32];		/* "vbd/51712" */
	const char	*di_driver;		/* "blkfront" */
	const char	*di_state;		/* "connected" */
	uint32_t	 di_peer;		/* domain id of the peer */
	uint32_t	 di_ngref, di_nevport, di_npage, di_nwatch, di_nmap;
	uint32_t	 di_maxgref;		/* its budget; 0: no limit */
	unsigned int	 di_vcpu;		/* that takes its events */
	uint64_t	 di_nintr;		/* events handled */
	uint64_t	 di_nspurious;		/* events without work */
	uint64_t	 di_nkick;		/* notifications sent */
	uint64_t	 di_nfail;		/* times broken */
};
struct pv_totals {
	uint32_t	 pt_gref_used, pt_gref_max, pt_gref_parked;
	uint32_t	 pt_evport_used;
	uint32_t	 pt_watch_used, pt_xs_inflight;
	uint64_t	 pt_npage;		/* pages held by the library */
	const char	*pt_evtchn;		/* ABI of event channels */
	uint32_t	 pt_nvcpu;		/* that take events */
	uint64_t	 pt_nupcall, pt_nspurious;
	uint32_t	 pt_nresync;		/* event queues that led
						   nowhere */
	uint64_t	 pt_nstray;		/* on ports without handler */
};
int	 pv_dev_info(unsigned int n, struct pv_dev_info *);
void	 pv_totals(struct pv_totals *);

/*
 * XenStore for the kernel's own use.  Paths are absolute or relative to
 * /local/domain/<self>.  All: 0 or -PV_E*, the store's own ERROR replies by
 * number.  Context: thread.
 */
int	 pv_store_read(const char *path, char *buf, size_t size, size_t *lenp);
int	 pv_store_write(const char *path, const void *val, size_t len);
int	 pv_store_rm(const char *path);
/* Names separated by NUL bytes; *lenp bytes in all. */
int	 pv_store_ls(const char *path, char *buf, size_t size, size_t *lenp);
/*
 * Change a node's value, of at most PV_STORE_VALUE bytes, in a transaction: fn
 * gets it (*lenp 0: there is no node), puts another one in its place and
 * returns 0, or ends it all with what it returns.  It is called again when
 * something else changed the node meanwhile.  -PV_EIO: the store was lost at
 * the end, and nobody knows whether the change took place.
 */
#define PV_STORE_VALUE	2048
int	 pv_store_update(const char *path, int (*fn)(void *arg, char *val,
	    size_t *lenp), void *arg);
/* Ask the store for a new connection; -PV_ENOSYS: it offers none. */
int	 pv_store_reconnect(void);
/*
 * Watch a path until pv_store_unwatch(); fn gets the path that changed
 * (relative as the watch was) in thread context, once at once.
 */
struct pv_store_watch;
int	 pv_store_watch(const char *path, void (*fn)(void *, const char *path),
	    void *arg, struct pv_store_watch **);
void	 pv_store_unwatch(struct pv_store_watch *);

#endif /* PV_PV_H */
