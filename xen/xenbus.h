/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenbus.h -- devices in XenStore: found, connected, unplugged.
 *
 * One watch on "device" (and later "backend") tells that something changed.  A
 * device that it names is looked at, and what is new is attached, what vanished
 * is detached; where it names more than one, or none, the whole directory is
 * read and compared with what is attached.  Each device watches its peer's
 * "state"; one table maps every pair of states to a pv_dev_event(), the same
 * for all drivers.
 *
 * A driver is given its own directory and its peer's, reads the peer's values
 * with a range, and publishes its own in one transaction.
 *
 * Singletons.  Three devices have no directory under "device": the primary
 * console, whose ring the domain builder made, the control nodes and the
 * balloon.  They are the devices "console/0" (match "console"), "control/0"
 * (match "control") and "balloon/0" (match "balloon") on the same skeleton:
 * connect and start follow attach at once, disconnect comes at failure, at a
 * resume and at detach only.  xenbus_is_singleton() is true for them; they
 * have no paths (the driver knows its nodes), no peer's state and no grants to
 * make.  Their resources:
 *
 *	console	  xen_console() tells frame and port; xen_map_frame() and
 *		  evtchn_adopt() make them usable; the peer is domain 0
 *	control	  xs_watch() on "control/shutdown" with xw_dev set
 *	balloon	  the same on "memory/target"
 *
 * Without a console ring (dom0) there is no console/0; the others come when
 * XenStore first answers.  A further console found under "device/console/<n>"
 * comes to the console's driver as an ordinary device, not a singleton.
 */

#ifndef XENBUS_H
#define XENBUS_H

#include <xen/io/xenbus.h>

#include "dev.h"
#include "evtchn.h"
#include "gnttab.h"
#include "xs.h"

struct xenbus_dev {
	struct list	 xd_link;
	struct xen	*xd_xen;
	struct pv_dev	*xd_dev;		/* NULL: not attached (yet) */
	const struct pv_driver *xd_driver;
	char		 xd_name[PV_DEV_NAME];	/* "vbd/51712" */
	uint32_t	 xd_hash;		/* of it */
	char		 xd_path[XS_PATHMAX];	/* ours: "device/vbd/51712" */
	char		 xd_peerpath[XS_PATHMAX];
	pv_domid_t	 xd_peer;
	struct xs_watch	 xd_watch;		/* the peer's state */
	unsigned int	 xd_state, xd_peerstate; /* enum xenbus_state */
	bool		 xd_single;		/* console/0, control/0 */
	bool		 xd_trusted;	/* sees the guest's own pages */
	bool		 xd_look;		/* atomic: something changed */
	bool		 xd_looked;		/* xd_peerstate is known */
	bool		 xd_moved;	/* the domain was resumed since */
	bool		 xd_check;	/* atomic: gone, or another back end,
					   perhaps */
	bool		 xd_seen;		/* in the last listing */
	unsigned int	 xd_tries;		/* to find its peer */
	bool		 xd_dead;		/* could not be attached */
};

int	 xenbus_attach(struct xen *);
void	 xenbus_detach(struct xen *);
/* Look at the devices again soon.  Context: any. */
void	 xenbus_rescan(struct xen *);

/*
 * Tell the peer our state, but not in a directory that the toolstack has
 * removed.  0 or -PV_E*.  Context: thread.
 */
int	 xenbus_set_state(struct xenbus_dev *, enum xenbus_state);

/*
 * The domain was resumed: all peers are others.  First a note of it, while
 * nothing runs; then, with the store there, connect again.  Any; thread.
 */
void	 xenbus_resume_moved(struct xen *);
void	 xenbus_resume(struct xen *);

/* ---- for drivers ------------------------------------------------------- */
/* dev's bus handle; drivers of xenbus only. */
struct xenbus_dev *xenbus_of(struct pv_dev *);
struct xen *xenbus_xen(struct pv_dev *);
/* console/0 and control/0; see above. */
bool	 xenbus_is_singleton(struct pv_dev *);

/*
 * The peer's value of key, a number in lo..hi, else dflt.  Absent: dflt
 * quietly.  Out of range or no number: dflt and one log line.
 */
uint64_t xenbus_peer_num(struct pv_dev *, const char *key, uint64_t lo,
	    uint64_t hi, uint64_t dflt);
/* The same in our own directory (toolstack's settings: "trusted"). */
uint64_t xenbus_own_num(struct pv_dev *, const char *key, uint64_t lo,
	    uint64_t hi, uint64_t dflt);
/* A string of the peer's or of our own; as xs_read. */
int	 xenbus_peer_str(struct pv_dev *, const char *key, char *buf, size_t);
int	 xenbus_own_str(struct pv_dev *, const char *key, char *buf, size_t);

/*
 * Write our keys in one transaction: fn writes with xs_write_num() and
 * xs_write_str() under dir (ours); called again when the store asks to redo.
 */
int	 xenbus_publish(struct pv_dev *, int (*fn)(void *sc,
	    const struct xs_trans *, const char *dir), void *sc);

/* ---- shared by the front ends ------------------------------------------ */
/* Pages of ring, contiguous in va, zeroed, granted to the peer read-write. */
#define XENBUS_RING_MAX	16	/* pages */
struct xenbus_ring {
	void		*xr_va;			/* NULL: none */
	unsigned int	 xr_npg;
	struct xenbus_left *xr_left;		/* for the quarantine */
	gref_t		 xr_gref[XENBUS_RING_MAX];
};
int	 xenbus_ring_create(struct pv_dev *, struct xenbus_ring *,
	    unsigned int npg);
/* Idempotent; a ring that the peer still maps goes to quarantine. */
void	 xenbus_ring_destroy(struct pv_dev *, struct xenbus_ring *);

#endif /* XENBUS_H */
