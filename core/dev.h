/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dev.h -- one life cycle for the devices of both families.
 *
 *  NEW --attach--> ATTACHED --connect--> CONNECTING --start--> CONNECTED
 *                     ^                      |                     |
 *                     +----- disconnect -----+---------------------+
 *                     |                           peer lied | failed
 *                     +--- peer starts anew --- BROKEN <----+
 *
 * The bus (xenbus, virtio) turns what its peer says into pv_dev_event();
 * core runs the driver's functions one at a time in the device's own work
 * (thread context), so that connect, start, changed and disconnect need no
 * lock among themselves.  Drivers never see XenbusState or virtio status.
 *
 * connect and start are two steps so that nothing sleeps while the peer
 * makes up its mind: after connect returned 0 the bus tells the peer, and
 * when the peer is ready too (XenbusStateConnected, DRIVER_OK) start is
 * called.  A peer that stays silent longer than PV_DEV_PATIENCE is logged
 * with the state it is stuck in, and waited for on.
 *
 * A peer that only vanishes (its domain ended) may come back: a driver may
 * hold the requests that were under way and put them to the next one; see
 * pv_dev_held().
 *
 * BROKEN: no further I/O, requests fail with -PV_ENXIO, detach still works.
 * A device leaves it when its peer goes through a whole new start.
 *
 * Drivers reach the kernel only by the thin names below.
 */

#ifndef DEV_H
#define DEV_H

#include <pv/os.h>
#include <pv/pv.h>

#include "dma.h"
#include "list.h"

struct pv_dev;

struct pv_driver {
	const char	*dv_name;	/* "blkfront" */
	const char	*dv_match;	/* xenbus type "vbd"; "virtio,2" */
	size_t		 dv_scsize;	/* softc, allocated zeroed by core */
	/*
	 * Allocate what lives as long as the device; reserve grants; no
	 * waiting, nothing is shared yet.  0 or -PV_E*.
	 */
	int		(*dv_attach)(void *sc, struct pv_dev *);
	void		(*dv_detach)(void *sc);		/* after disconnect */
	/*
	 * Back ends: publish what we can do, before the peer is invited to
	 * connect.  0; -PV_EAGAIN: ask again soon; else: later.  Not while any
	 * other of these runs.  NULL: nothing to offer.
	 */
	int		(*dv_offer)(void *sc);
	/* The peer is there: read its offers, make rings, publish. */
	int		(*dv_connect)(void *sc);
	/* The peer is connected too: read what it is, announce the class. */
	int		(*dv_start)(void *sc);
	/*
	 * Idempotent, tolerates any half-built state: destroy rings, withdraw
	 * the class device and fail its requests; or, when pv_dev_held(), keep
	 * it and hold its requests back for the peer that comes next.
	 */
	void		(*dv_disconnect)(void *sc);
	void		(*dv_changed)(void *sc);	/* or NULL: the peer's
							   values changed */
	bool		(*dv_busy)(void *sc);		/* or NULL: in use, do
							   not close yet */
	/* Settings, see core/setting.h.  dv_load=NO: there is no such driver */
	const char	*dv_load;	/* "if_vtnet_load", or NULL */
	const char	*const *dv_settings;	/* others, up to a NULL; or
						   NULL */
};

enum pv_dev_state {
	PV_DEV_NEW, PV_DEV_ATTACHED, PV_DEV_CONNECTING, PV_DEV_CONNECTED,
	PV_DEV_BROKEN
};

/* What the bus tells. */
enum pv_dev_event {
	PV_EV_READY = 1 << 0,		/* peer offers itself: connect */
	PV_EV_RUNNING = 1 << 1,		/* peer is connected: start, or, when
					   already connected, changed */
	PV_EV_CLOSING = 1 << 2,		/* peer asks us to let go */
	PV_EV_GONE = 1 << 3,		/* peer vanished or was reset */
	PV_EV_FAILED = 1 << 4		/* pv_dev_fail() */
};

struct pv_bus_ops {
	/* connect succeeded: tell the peer that we are connected. */
	void	(*bo_connected)(struct pv_dev *);
	/* disconnected after CLOSING or FAILED: tell the peer. */
	void	(*bo_closed)(struct pv_dev *);
	/* asked to close, but in use. */
	void	(*bo_busy)(struct pv_dev *);
	/* attached, or disconnected after GONE: ready for a (new) start. */
	void	(*bo_again)(struct pv_dev *);
};

#define PV_DEV_PATIENCE	(10ull * 1000 * 1000 * 1000)	/* ns */
#define PV_DEV_BUSYWAIT	(500ull * 1000 * 1000)	/* ns, then dv_busy is
							   asked again */
#define PV_DEV_NAME	32

struct pv_dev {
	struct list	 pd_link;	/* all devices */
	const struct pv_driver *pd_driver;
	const struct pv_bus_ops *pd_bus;
	void		*pd_busdata;	/* xenbus_dev, virtio handle */
	void		*pd_sc;
	char		 pd_name[PV_DEV_NAME];	/* "vbd/51712" */
	uint32_t	 pd_peer;	/* domain id */
	enum pv_dev_state pd_state;
	uint32_t	 pd_events;	/* PV_EV_*, atomic, not yet handled */
	unsigned int	 pd_group;	/* of its works, see pv_dev_group() */
	unsigned int	 pd_vcpu;	/* which takes its events (Xen) */
	bool		 pd_failed;	/* atomic; until the next connect */
	bool		 pd_busy;	/* peer wants to close, we are in use */
	bool		 pd_dying;	/* being destroyed: no more events */
	bool		 pd_held;	/* lost its peer while it worked */
	bool		 pd_kept;	/* the peer does not let go of memory,
					   which is left to it for ever */
	const char	*pd_why;	/* what broke it */
	struct pv_dma	 pd_dma;
	struct pv_os_work pd_work;	/* PV_WORK_SLEEPS */
	struct pv_os_work pd_patience;
	const struct pv_client *pd_client;
	/* resources, zero when detached; kept by their owners */
	uint32_t	 pd_ngref, pd_nevport, pd_npage, pd_nwatch, pd_nmap;
	uint32_t	 pd_nalloc;	/* pv_alloc() without pv_free() */
	uint64_t	 pd_nintr, pd_nspurious, pd_nkick, pd_nfail;
};

/* ---- for buses (core/dev.c) -------------------------------------------- */
/*
 * Make a device of a driver and attach it.  On failure nothing is left.  The
 * name is copied.  *devp is valid until pv_dev_destroy().  Context: thread.
 */
int	 pv_dev_create(const struct pv_driver *, const struct pv_bus_ops *,
	    void *busdata, const char *name, const struct pv_dma *,
	    const struct pv_client *, struct pv_dev **devp);
/*
 * Disconnect, detach, check that nothing is left, free; or in two steps, with
 * what could still tell the device something ended between them.  Thread.
 */
void	 pv_dev_destroy(struct pv_dev *);
void	 pv_dev_end(struct pv_dev *);
void	 pv_dev_free(struct pv_dev *);
/*
 * Another peer has the device's other end: disconnect, with the requests held
 * back if it worked.  Events of the old peer are forgotten.  Context: thread;
 * not the device's own work.
 */
void	 pv_dev_move(struct pv_dev *, uint32_t peer);
/*
 * What is told of the peer does not count until pv_dev_move() or
 * pv_dev_destroy(): it is about one that is not there any more.  Any context;
 * the device's work does not run.
 */
void	 pv_dev_deaf(struct pv_dev *);
/* Any context; handled later in the device's work. */
void	 pv_dev_event(struct pv_dev *, unsigned int events);
/* Fill in what an operator may know of the device.  Context: any. */
void	 pv_dev_describe(const struct pv_dev *, struct pv_dev_info *);
/* The driver for a bus match string, or NULL; core/conf.c. */
const struct pv_driver *pv_conf_find(const char *match);

/* ---- for drivers ------------------------------------------------------- */
/*
 * The peer lied or died: one log line "name: broken: why"; the device turns
 * BROKEN, and disconnect runs soon in its work.  why is a constant string.
 * Further calls until then do nothing.  Context: any, no driver lock held.
 */
void	 pv_dev_fail(struct pv_dev *, const char *why);
/* True from pv_dev_fail() on until the next connect. */
bool	 pv_dev_broken(const struct pv_dev *);

/*
 * True from the moment that the peer of a working device vanished until
 * another one has connected, or the device is closed, broken or destroyed.
 * Context: the driver's functions that core calls.
 */
bool	 pv_dev_held(const struct pv_dev *);

/* One line of log that begins with the device's name (dev NULL: without). */
void	 pv_log(const struct pv_dev *, enum pv_loglevel, const char *fmt, ...)
	    __attribute__((__format__(__printf__, 3, 4)));

/* Keep a counter of pd_n* or one like it; c may be NULL. */
static inline void
pv_count(uint32_t *c, int by)
{
	if (c != NULL)
		(void)__atomic_add_fetch(c, (uint32_t)by, __ATOMIC_RELAXED);
}

/* Memory, counted in the device (NULL: not counted; may outlive it). */
void	*pv_alloc(struct pv_dev *, size_t len);
void	 pv_free(struct pv_dev *, void *p, size_t len);
void	*pv_pages_alloc(struct pv_dev *, unsigned int npg);
void	 pv_pages_free(struct pv_dev *, void *va, unsigned int npg);

struct pv_lock {
	struct pv_os_lock lk_os;
	pv_os_ipl_t	 lk_ipl;	/* of the holder */
	bool		 lk_held;
};
#define PV_ASSERT_LOCKED(lk) PV_ASSERT((lk)->lk_held)

static inline void
pv_lock(struct pv_lock *lk)
{
	pv_os_ipl_t ipl = pv_os_lock(&lk->lk_os);

	lk->lk_ipl = ipl;
	lk->lk_held = true;
}

static inline void
pv_unlock(struct pv_lock *lk)
{
	lk->lk_held = false;
	pv_os_unlock(&lk->lk_os, lk->lk_ipl);
}

/*
 * The flags of a device's work that does not sleep: its handlers and other
 * such works never run at the same time, those of two devices may.
 */
static inline unsigned int
pv_dev_group(const struct pv_dev *dev)
{
	return PV_WORK_GROUP(dev->pd_group);
}

/* Deferred work, with the contexts of pv/os.h. */
static inline void
pv_work_init(struct pv_os_work *w, void (*fn)(void *), void *arg,
    unsigned int flags)
{
	w->pw_fn = fn;
	w->pw_arg = arg;
	w->pw_flags = flags;
}

static inline void
pv_defer(struct pv_os_work *w, uint64_t delay_ns)
{
	pv_os_defer(w, delay_ns);
}

static inline void
pv_cancel(struct pv_os_work *w)
{
	pv_os_cancel(w);
}

/* Thread context; as pv_os_wait() and pv_os_wake(). */
static inline int
pv_wait(struct pv_os_event *ev, uint64_t deadline)
{
	return pv_os_wait(ev, deadline);
}

static inline void
pv_wake(struct pv_os_event *ev)
{
	pv_os_wake(ev);
}

static inline uint64_t
pv_now(void)
{
	return pv_os_now();
}

/* Our own invariants; compiled in everywhere; never on a peer's word. */
#define PV_STR_(x)	#x
#define PV_STR(x)	PV_STR_(x)
#define PV_ASSERT(c)							\
	do {								\
		if (!(c))						\
			pv_os_panic(__FILE__ ":" PV_STR(__LINE__)	\
			    ": " #c);					\
	} while (0)
/* Sizes and offsets of wire structures, in both bitnesses. */
#define PV_WIRE_ASSERT(type, size)					\
	_Static_assert(sizeof(type) == (size), "size of " #type)
#define PV_WIRE_OFFSET(type, member, off)				\
	_Static_assert(offsetof(type, member) == (off),			\
	    "offset of " #type "." #member)

#endif /* DEV_H */
