/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenbus_back.c -- finding back ends, and their state machine; see
 * xenbus_back.h.
 *
 * As in xenbus.c, watches only note what changed and defer one work, which
 * does everything else.  What the peer's state means for each of ours:
 *
 *	peer		we: InitWait	Connected	Closed
 *	absent		-		gone, close	-
 *	Initialising	-		new start	offer again
 *	InitWait	-		-		-
 *	Initialised	connect		-		-
 *	Connected	connect		running		-
 *	Closing		-		close		-
 *	Closed		-		gone, close	-
 *	Reconfigur*	-		-		-
 *
 * Before the first offer is made nothing of the peer's counts.  The toolstack
 * asks for the end by "online" = 0 and by writing Closing in our own state; the
 * front end sees that too and closes.  One that does not is left alone: it has
 * its device until it goes.
 */

#include "xenbus_back.h"

#define XENBUS_BACK_LIST 4096u		/* bytes of a directory's names */
#define XENBUS_BACK_PATH 64		/* bytes of "backend/type/domain" */
#define XENBUS_BACK_SOON (200ull * 1000 * 1000)		/* ns */
#define XENBUS_BACK_LATER (1000ull * 1000 * 1000)
#define XENBUS_BACK_SEEN (2000ull * 1000 * 1000)	/* to read Closed */
#define XENBUS_BACK_NSTATE (XenbusStateReconfigured + 1)

struct xenbus_back {
	struct xen	*xb_xen;
	struct pv_lock	 xb_lock;	/* xb_devs, for readers */
	struct list	 xb_devs;	/* of struct xenbus_dev */
	struct xs_watch	 xb_watch;	/* "backend" */
	struct pv_os_work xb_work;	/* PV_WORK_SLEEPS */
	bool		 xb_rescan;	/* atomic */
	bool		 xb_dying;	/* atomic */
};

struct xenbus_back_dev {
	struct xenbus_dev bd_xd;
	bool		 bd_offered;	/* xd_state is our word to the peer */
	uint64_t	 bd_end;	/* when it is removed, or 0 */
	int		 bd_rv;		/* why it has no device yet, told */
};

enum xenbus_back_action {
	XENBUS_BACK_NONE, XENBUS_BACK_READY, XENBUS_BACK_RUNNING,
	XENBUS_BACK_CLOSING, XENBUS_BACK_ENDED, XENBUS_BACK_GONE,
	XENBUS_BACK_AGAIN
};

static const uint8_t xenbus_back_actions[][XENBUS_BACK_NSTATE] = {
	{ [XenbusStateInitialised] = XENBUS_BACK_READY,
	    [XenbusStateConnected] = XENBUS_BACK_READY },
	{ [XenbusStateUnknown] = XENBUS_BACK_ENDED,
	    [XenbusStateInitialising] = XENBUS_BACK_GONE,
	    [XenbusStateConnected] = XENBUS_BACK_RUNNING,
	    [XenbusStateClosing] = XENBUS_BACK_CLOSING,
	    [XenbusStateClosed] = XENBUS_BACK_ENDED },
	{ [XenbusStateInitialising] = XENBUS_BACK_AGAIN }
};

static struct xenbus_back_dev *
xenbus_back_of(struct xenbus_dev *xd)
{
	return PV_CONTAINER(xd, struct xenbus_back_dev, bd_xd);
}

static void
xenbus_back_look_soon(struct xenbus_dev *xd)
{
	__atomic_store_n(&xd->xd_look, true, __ATOMIC_RELEASE);
	pv_os_defer(&xd->xd_xen->x_back->xb_work, 0);
}

/* ---- what core tells --------------------------------------------------- */

static void
xenbus_back_connected(struct pv_dev *dev)
{
	struct xenbus_dev *xd = xenbus_of(dev);
	int rv = xenbus_set_state(xd, XenbusStateConnected);

	if (rv < 0 && rv != -PV_ENOENT)
		pv_dev_fail(dev, "can not tell that it is connected");
	xenbus_back_look_soon(xd);
}

static void
xenbus_back_closed(struct pv_dev *dev)
{
	struct xenbus_dev *xd = xenbus_of(dev);

	(void)xenbus_set_state(xd, XenbusStateClosed);
	xenbus_back_look_soon(xd);
}

static void
xenbus_back_busy(struct pv_dev *dev)
{
	(void)dev;		/* what the peer gives back is never in use */
}

/* Made, or without its peer: ready for a (new) start. */
static void
xenbus_back_again(struct pv_dev *dev)
{
	struct xenbus_dev *xd = xenbus_of(dev);

	__atomic_store_n(&xenbus_back_of(xd)->bd_offered, false,
	    __ATOMIC_RELEASE);
	xenbus_back_look_soon(xd);
}

static const struct pv_bus_ops xenbus_back_ops = {
	.bo_connected = xenbus_back_connected,
	.bo_closed = xenbus_back_closed,
	.bo_busy = xenbus_back_busy,
	.bo_again = xenbus_back_again
};

/* ---- the peer's state -------------------------------------------------- */

/*
 * Make the offer, and invite the peer.  Returns in how many ns to try again,
 * or 0.
 */
static uint64_t
xenbus_back_offer(struct xenbus_dev *xd)
{
	struct xenbus_back_dev *bd = xenbus_back_of(xd);
	struct pv_dev *dev = xd->xd_dev;
	int rv = 0;

	if (dev->pd_driver->dv_offer != NULL)
		rv = dev->pd_driver->dv_offer(dev->pd_sc);
	if (rv < 0)
		return rv == -PV_EAGAIN ? XENBUS_BACK_SOON :
		    XENBUS_BACK_LATER;
	__atomic_store_n(&bd->bd_offered, true, __ATOMIC_RELEASE);
	rv = xenbus_set_state(xd, XenbusStateInitWait);
	return rv < 0 && rv != -PV_ENOENT ? XENBUS_BACK_LATER : 0;
}

static void
xenbus_back_act(struct xenbus_dev *xd, enum xenbus_back_action action,
    bool changed)
{
	struct pv_dev *dev = xd->xd_dev;

	switch (action) {
	case XENBUS_BACK_NONE:
		break;
	case XENBUS_BACK_READY:
		/* A broken device waits for a peer that begins anew. */
		if (changed || !pv_dev_broken(dev))
			pv_dev_event(dev, PV_EV_READY);
		break;
	case XENBUS_BACK_RUNNING:
		pv_dev_event(dev, PV_EV_RUNNING);
		break;
	case XENBUS_BACK_CLOSING:
		pv_dev_event(dev, PV_EV_CLOSING);
		break;
	case XENBUS_BACK_ENDED:
		pv_dev_event(dev, PV_EV_GONE | PV_EV_CLOSING);
		break;
	case XENBUS_BACK_GONE:
		pv_dev_event(dev, PV_EV_GONE);
		break;
	case XENBUS_BACK_AGAIN:
		xenbus_back_again(dev);
		break;
	}
}

static unsigned int
xenbus_back_row(unsigned int state)
{
	if (state == XenbusStateConnected)
		return 1;
	return state == XenbusStateClosed ? 2 : 0;
}

/* The peer's state; false: the store can not say, or it is none. */
static bool
xenbus_back_read(struct xenbus_dev *xd, uint64_t *state)
{
	int rv;

	*state = XenbusStateUnknown;
	rv = xs_read_num(xd->xd_xen, XS_NOTRANS, xd->xd_peerpath, "state", 0,
	    XENBUS_BACK_NSTATE - 1, state);
	/* peer: may write anything; what is no state changes nothing. */
	if (rv == -PV_EINVAL || rv == -PV_ERANGE)
		pv_log(xd->xd_dev, PV_LOG_WARN, "domain %u wrote a state that "
		    "does not exist", (unsigned int)xd->xd_peer);
	if (rv == -PV_EACCES && !xd->xd_looked)
		pv_log(xd->xd_dev, PV_LOG_WARN, "the toolstack does not let us "
		    "read %s", xd->xd_peerpath);
	return rv == 0 || rv == -PV_ENOENT || rv == -PV_EACCES;
}

/* Does the toolstack want an end of it? */
static bool
xenbus_back_asked(struct xenbus_dev *xd)
{
	uint64_t online = 1, state = 0;

	(void)xs_read_num(xd->xd_xen, XS_NOTRANS, xd->xd_path, "online", 0, 1,
	    &online);
	(void)xs_read_num(xd->xd_xen, XS_NOTRANS, xd->xd_path, "state", 0,
	    XENBUS_BACK_NSTATE - 1, &state);
	if (online == 0 && xd->xd_state == XenbusStateClosed)
		xenbus_back_of(xd)->bd_end = pv_os_now() + XENBUS_BACK_SEEN;
	return online == 0 || state == XenbusStateClosing;
}

/* In how many ns a device that has ended is removed; 0: now. */
static uint64_t
xenbus_back_left(const struct xenbus_back_dev *bd)
{
	uint64_t now = pv_os_now();

	return bd->bd_end > now ? bd->bd_end - now : 0;
}

/* See what state the peer is in, and what follows.  As xenbus_back_offer(). */
static uint64_t
xenbus_back_look(struct xenbus_dev *xd)
{
	struct xenbus_back_dev *bd = xenbus_back_of(xd);
	bool asked = bd->bd_end == 0 && xenbus_back_asked(xd), changed;
	uint64_t state;

	if (bd->bd_end != 0)
		return xenbus_back_left(bd);
	if (asked && xd->xd_state != XenbusStateConnected &&
	    xd->xd_state != XenbusStateClosed) {
		/* Nobody is served: no need to wait for anybody. */
		__atomic_store_n(&bd->bd_offered, true, __ATOMIC_RELEASE);
		pv_dev_event(xd->xd_dev, PV_EV_CLOSING);
		return 0;
	}
	if (!__atomic_load_n(&bd->bd_offered, __ATOMIC_ACQUIRE))
		return asked ? 0 : xenbus_back_offer(xd);
	if (!xenbus_back_read(xd, &state))
		return XENBUS_BACK_LATER;
	changed = !xd->xd_looked || state != xd->xd_peerstate;
	xd->xd_peerstate = (unsigned int)state;
	xd->xd_looked = true;
	if (!asked || xd->xd_state == XenbusStateConnected)
		xenbus_back_act(xd, xenbus_back_actions[xenbus_back_row(
		    xd->xd_state)][state], changed);
	return 0;
}

static void
xenbus_back_peer_changed(void *arg, const char *path)
{
	(void)path;
	xenbus_back_look_soon(arg);
}

/* ---- devices come and go ----------------------------------------------- */

static int
xenbus_back_find_peer(struct xenbus_dev *xd)
{
	struct xen *x = xd->xd_xen;
	char path[XS_PATHMAX];
	uint64_t id;
	int rv;

	rv = xs_read_num(x, XS_NOTRANS, xd->xd_path, "frontend-id", 0,
	    DOMID_FIRST_RESERVED - 1, &id);
	if (rv == 0)
		rv = xs_path_join(path, sizeof(path), xd->xd_path,
		    "frontend");
	if (rv == 0)
		rv = xs_read(x, XS_NOTRANS, path, xd->xd_peerpath,
		    sizeof(xd->xd_peerpath), NULL);
	if (rv == 0 && xd->xd_peerpath[0] != '/')
		rv = -PV_EINVAL;
	if (rv == 0)
		xd->xd_peer = (pv_domid_t)id;
	return rv;
}

/* Attach a device whose peer is known now.  0 or -PV_E*. */
static int
xenbus_back_create(struct xenbus_dev *xd)
{
	struct xen *x = xd->xd_xen;
	struct pv_dma dma = { .da_ops = &gnttab_dma_ops, .da_arg = x };
	struct xs_watch *w = &xd->xd_watch;
	int rv;

	rv = xenbus_back_find_peer(xd);
	if (rv < 0)
		return rv;
	xd->xd_state = XenbusStateInitialising;
	dma.da_peer = xd->xd_peer;
	rv = pv_dev_create(xd->xd_driver, &xenbus_back_ops, xd, xd->xd_name,
	    &dma, x->x_client, &xd->xd_dev);
	if (rv < 0)
		return rv;
	rv = xs_path_join(w->xw_path, sizeof(w->xw_path), xd->xd_peerpath,
	    "state");
	w->xw_dev = xd->xd_dev;
	if (rv == 0)
		rv = xs_watch(x, w, w->xw_path, xenbus_back_peer_changed, xd);
	if (rv < 0) {
		pv_dev_destroy(xd->xd_dev);
		xd->xd_dev = NULL;
	}
	return rv;
}

/* As xenbus_back_offer(). */
static uint64_t
xenbus_back_probe(struct xenbus_dev *xd)
{
	struct xenbus_back_dev *bd = xenbus_back_of(xd);
	int rv = xenbus_back_create(xd);

	if (rv == 0)
		return 0;
	/* The toolstack may be about to write the rest of it. */
	if (rv != bd->bd_rv && rv != -PV_ENOENT)
		pv_log(NULL, PV_LOG_WARN, "%s: can not be served (error %d)",
		    xd->xd_path, -rv);
	bd->bd_rv = rv;
	return XENBUS_BACK_LATER;
}

static struct xenbus_dev *
xenbus_back_add(struct xenbus_back *xb, const struct pv_driver *drv,
    const char *name)
{
	struct xenbus_back_dev *bd = pv_os_alloc(sizeof(*bd));
	struct xenbus_dev *xd;

	if (bd == NULL)
		return NULL;
	xd = &bd->bd_xd;
	xd->xd_xen = xb->xb_xen;
	xd->xd_driver = drv;
	xd->xd_trusted = true;
	if (xs_path_join(xd->xd_name, sizeof(xd->xd_name), "", name) < 0 ||
	    xs_path_join(xd->xd_path, sizeof(xd->xd_path), "backend",
	    name) < 0) {
		pv_os_free(bd, sizeof(*bd));
		return NULL;
	}
	pv_lock(&xb->xb_lock);
	list_append(&xb->xb_devs, &xd->xd_link);
	pv_unlock(&xb->xb_lock);
	return xd;
}

/* polite: the directory still exists, so say that we let go of it. */
static void
xenbus_back_remove(struct xenbus_back *xb, struct xenbus_dev *xd, bool polite)
{
	struct pv_dev *dev = xd->xd_dev;

	pv_lock(&xb->xb_lock);
	list_remove(&xd->xd_link);
	pv_unlock(&xb->xb_lock);
	xs_unwatch(&xd->xd_watch);
	if (dev != NULL) {
		pv_log(dev, PV_LOG_INFO, "detached");
		pv_dev_destroy(dev);
		xd->xd_dev = NULL;
		if (polite && xd->xd_state != XenbusStateClosed)
			(void)xenbus_set_state(xd, XenbusStateClosed);
	}
	pv_os_free(xenbus_back_of(xd), sizeof(struct xenbus_back_dev));
}

/*
 * It is over, and the toolstack waits until the directory is gone.  Before that
 * it waits for our state to be Closed, and fails when it does not find one: so
 * it had XENBUS_BACK_SEEN to read it.
 */
static void
xenbus_back_finish(struct xenbus_back *xb, struct xenbus_dev *xd)
{
	struct xen *x = xb->xb_xen;
	char path[XS_PATHMAX];
	int rv = xs_path_join(path, sizeof(path), "", xd->xd_path);

	xenbus_back_remove(xb, xd, false);
	if (rv == 0)
		rv = xs_rm(x, XS_NOTRANS, path);
	if (rv < 0 && rv != -PV_ENOENT)
		pv_log(NULL, PV_LOG_WARN, "%s: can not be removed (error %d)",
		    path, -rv);
}

/* ---- the listing ------------------------------------------------------- */

static struct xenbus_dev *
xenbus_back_find(struct xenbus_back *xb, const char *name, size_t len)
{
	struct xenbus_dev *xd;
	struct list *p;

	LIST_FOREACH(p, &xb->xb_devs) {
		xd = LIST_ENTRY(p, struct xenbus_dev, xd_link);
		if (str_eqn(name, len, xd->xd_name))
			return xd;
	}
	return NULL;
}

static void
xenbus_back_found(struct xenbus_back *xb, const struct pv_driver *drv,
    const char *name)
{
	struct xenbus_dev *xd = xenbus_back_find(xb, name, str_len(name));

	if (xd == NULL)
		xd = xenbus_back_add(xb, drv, name);
	if (xd == NULL)
		return;
	xd->xd_seen = true;
	if (xd->xd_dev == NULL)
		__atomic_store_n(&xd->xd_look, true, __ATOMIC_RELEASE);
}

/* The devices of a type that one domain has: name is "vbd/1". */
static int
xenbus_back_domain(struct xenbus_back *xb, const struct pv_driver *drv,
    const char *name, char *buf)
{
	char path[XENBUS_BACK_PATH], dev[PV_DEV_NAME];
	size_t len = 0, i;
	int rv;

	rv = xs_path_join(path, sizeof(path), "backend", name);
	if (rv == 0)
		rv = xs_ls(xb->xb_xen, XS_NOTRANS, path, buf, XENBUS_BACK_LIST,
		    &len);
	for (i = 0; rv == 0 && i < len; i += str_len(buf + i) + 1) {
		if (buf[i] != '\0' && xs_path_join(dev, sizeof(dev), name,
		    buf + i) == 0)
			xenbus_back_found(xb, drv, dev);
	}
	return rv == -PV_ENOENT ? 0 : rv;
}

/* Does the client serve that type, or (NULL) any? */
static bool
xenbus_back_served(const struct xen *x, const char *type)
{
	const struct pv_client *pc = x->x_client;

	return ((type == NULL || str_eq(type, "vbd")) &&
	    pc->pc_vbd_open != NULL) ||
	    ((type == NULL || str_eq(type, "vif")) && pc->pc_serves_nets);
}

static int
xenbus_back_type(struct xenbus_back *xb, const char *type, char *bufs)
{
	const struct pv_driver *drv;
	char path[XENBUS_BACK_PATH], name[PV_DEV_NAME];
	size_t len = 0, i;
	int rv;

	rv = xs_path_join(path, sizeof(path), "backend", type);
	if (rv < 0)
		return 0;
	drv = pv_conf_find(path);
	if (drv == NULL || !xenbus_back_served(xb->xb_xen, type))
		return 0;
	rv = xs_ls(xb->xb_xen, XS_NOTRANS, path, bufs, XENBUS_BACK_LIST, &len);
	for (i = 0; rv == 0 && i < len; i += str_len(bufs + i) + 1) {
		if (bufs[i] != '\0' && xs_path_join(name, sizeof(name), type,
		    bufs + i) == 0)
			rv = xenbus_back_domain(xb, drv, name,
			    bufs + XENBUS_BACK_LIST);
	}
	return rv == -PV_ENOENT ? 0 : rv;
}

static int
xenbus_back_list(struct xenbus_back *xb, char *bufs)
{
	size_t len = 0, i;
	int rv;

	rv = xs_ls(xb->xb_xen, XS_NOTRANS, "backend", bufs, XENBUS_BACK_LIST,
	    &len);
	if (rv == -PV_ENOENT)
		rv = 0;
	for (i = 0; rv == 0 && i < len; i += str_len(bufs + i) + 1) {
		if (bufs[i] != '\0')
			rv = xenbus_back_type(xb, bufs + i,
			    bufs + XENBUS_BACK_LIST);
	}
	return rv;
}

/* Compare the listing with what there is.  As xenbus_back_offer(). */
static uint64_t
xenbus_back_scan(struct xenbus_back *xb)
{
	char *bufs = pv_os_alloc(3 * XENBUS_BACK_LIST);
	struct list *p, *next;
	struct xenbus_dev *xd;
	int rv = -PV_ENOMEM;

	LIST_FOREACH(p, &xb->xb_devs)
		LIST_ENTRY(p, struct xenbus_dev, xd_link)->xd_seen = false;
	if (bufs != NULL) {
		rv = xenbus_back_list(xb, bufs);
		pv_os_free(bufs, 3 * XENBUS_BACK_LIST);
	}
	if (rv < 0) {
		/* Half a listing must not end what is in the other. */
		pv_log(NULL, PV_LOG_WARN, "xenbus: can not list the devices "
		    "to serve (error %d)", -rv);
		__atomic_store_n(&xb->xb_rescan, rv != -PV_EIO,
		    __ATOMIC_RELEASE);
		return rv != -PV_EIO ? XENBUS_BACK_LATER : 0;
	}
	LIST_FOREACH_SAFE(p, next, &xb->xb_devs) {
		xd = LIST_ENTRY(p, struct xenbus_dev, xd_link);
		if (!xd->xd_seen)
			xenbus_back_remove(xb, xd, false);
	}
	return 0;
}

/* ---- the work ---------------------------------------------------------- */

/*
 * "backend/<type>/<domain>/<device>/<key>": a key is of that device alone, all
 * else is of the listing.
 */
static void
xenbus_back_changed(void *arg, const char *path)
{
	struct xenbus_back *xb = arg;
	struct xenbus_dev *xd = NULL;
	const char *name = path;
	unsigned int slashes = 0;
	size_t len;

	if (str_prefix(path, "backend/")) {
		name += str_len("backend/");
		for (len = 0; name[len] != '\0'; len++) {
			slashes += name[len] == '/';
			if (slashes == 3)
				break;
		}
		pv_lock(&xb->xb_lock);
		if (slashes == 3)
			xd = xenbus_back_find(xb, name, len);
		if (xd != NULL && (xd->xd_dev == NULL ||
		    str_eq(name + len, "/state") ||
		    str_eq(name + len, "/online")))
			xenbus_back_look_soon(xd);
		pv_unlock(&xb->xb_lock);
	}
	if (xd != NULL)
		return;
	__atomic_store_n(&xb->xb_rescan, true, __ATOMIC_RELEASE);
	pv_os_defer(&xb->xb_work, 0);
}

/* Begin to watch; false: not yet. */
static bool
xenbus_back_watch(struct xenbus_back *xb)
{
	int rv;

	if (xb->xb_watch.xw_set)
		return true;
	rv = xs_watch(xb->xb_xen, &xb->xb_watch, "backend",
	    xenbus_back_changed, xb);
	if (rv == -PV_ETIMEDOUT || rv == -PV_EAGAIN || rv == -PV_ENOMEM)
		pv_os_defer(&xb->xb_work, XENBUS_BACK_LATER);
	else if (rv < 0)
		pv_log(NULL, PV_LOG_ERR, "xenbus: can not watch for devices "
		    "to serve (error %d)", -rv);
	return rv == 0;
}

static uint64_t
xenbus_back_look_all(struct xenbus_back *xb)
{
	uint64_t again = 0, delay;
	struct list *p, *next;
	struct xenbus_dev *xd;

	LIST_FOREACH_SAFE(p, next, &xb->xb_devs) {
		xd = LIST_ENTRY(p, struct xenbus_dev, xd_link);
		if (!__atomic_exchange_n(&xd->xd_look, false,
		    __ATOMIC_ACQ_REL))
			continue;
		delay = xd->xd_dev == NULL ? xenbus_back_probe(xd) :
		    xenbus_back_look(xd);
		if (delay > 0)
			__atomic_store_n(&xd->xd_look, true, __ATOMIC_RELEASE);
		if (delay > 0 && (again == 0 || delay < again))
			again = delay;
		if (delay == 0 && xenbus_back_of(xd)->bd_end != 0)
			xenbus_back_finish(xb, xd);
	}
	return again;
}

static void
xenbus_back_run(void *arg)
{
	struct xenbus_back *xb = arg;
	uint64_t scan = 0, look;

	if (__atomic_load_n(&xb->xb_dying, __ATOMIC_ACQUIRE) ||
	    !xenbus_back_watch(xb))
		return;
	if (__atomic_exchange_n(&xb->xb_rescan, false, __ATOMIC_ACQ_REL))
		scan = xenbus_back_scan(xb);
	look = xenbus_back_look_all(xb);
	if (look == 0 || (scan != 0 && scan < look))
		look = scan;
	if (look != 0)
		pv_os_defer(&xb->xb_work, look);
}

/* ---- attach and detach ------------------------------------------------- */

/*
 * xenbus_back_attach -- begin to look for devices to serve
 *
 * 0 or -PV_ENOMEM.
 * Context: thread.
 */
int
xenbus_back_attach(struct xen *x)
{
	struct xenbus_back *xb;

	if (x->x_xs == NULL || !xenbus_back_served(x, NULL))
		return 0;
	xb = pv_os_alloc(sizeof(*xb));
	if (xb == NULL)
		return -PV_ENOMEM;
	xb->xb_xen = x;
	list_init(&xb->xb_devs);
	pv_work_init(&xb->xb_work, xenbus_back_run, xb, PV_WORK_SLEEPS);
	x->x_back = xb;
	xb->xb_rescan = true;
	pv_os_defer(&xb->xb_work, 0);
	return 0;
}

/*
 * xenbus_back_detach -- serve nobody any more; idempotent
 *
 * Before the devices that the stores are made of go.
 * Context: thread.
 */
void
xenbus_back_detach(struct xen *x)
{
	struct xenbus_back *xb = x->x_back;

	if (xb == NULL)
		return;
	/* A watch that is on its way may defer the work again. */
	__atomic_store_n(&xb->xb_dying, true, __ATOMIC_RELEASE);
	pv_os_cancel(&xb->xb_work);
	xs_unwatch(&xb->xb_watch);
	while (!list_empty(&xb->xb_devs))
		xenbus_back_remove(xb, LIST_ENTRY(xb->xb_devs.li_prev,
		    struct xenbus_dev, xd_link), true);
	pv_os_cancel(&xb->xb_work);
	x->x_back = NULL;
	pv_os_free(xb, sizeof(*xb));
}
