/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenbus.c -- devices as they come and go, and the one state machine for all of
 * them; see xenbus.h.
 *
 * Watches only note what changed (xb_rescan, xb_new, xd_check, xd_look) and
 * defer the bus's one work, which does everything else: so nothing here needs
 * a lock against itself.  The lock is for those who only read the list.
 *
 * Our own state is one of three.  What the peer's state means for each:
 *
 *	peer		we: Initialising  Connected	Closed
 *	absent		-		  gone		-
 *	Initialising	-		  gone		-
 *	InitWait	connect		  new start	connect
 *	Initialised	connect		  -		connect
 *	Connected	close		  running	-
 *	Closing		close		  closing	-
 *	Closed		-		  gone, close	start again
 *	Reconfigur*	-		  -		-
 *
 * "close" under Initialising: the peer lives in a connection that some kernel
 * before us had.  "start again" only while the toolstack keeps the device
 * online and we did not give up on it.  We go straight to Connected, without
 * Initialised: back ends take that as well, and netback nothing else.
 */

#include "setting.h"
#include "xenbus_var.h"

#define XENBUS_RETRY	(200ull * 1000 * 1000)	/* ns: no back end yet */
#define XENBUS_TRIES	25		/* then wait for the watch alone */

enum xenbus_action {
	XENBUS_NONE, XENBUS_READY, XENBUS_RUNNING, XENBUS_CLOSING, XENBUS_GONE,
	XENBUS_ENDED, XENBUS_RESTART, XENBUS_CLOSE, XENBUS_AGAIN
};

#define XENBUS_NSTATE	(XenbusStateReconfigured + 1)

static const uint8_t xenbus_actions[][XENBUS_NSTATE] = {
	{ XENBUS_NONE, XENBUS_NONE, XENBUS_READY, XENBUS_READY, XENBUS_CLOSE,
	    XENBUS_CLOSE, XENBUS_NONE, XENBUS_NONE, XENBUS_NONE },
	{ XENBUS_GONE, XENBUS_GONE, XENBUS_RESTART, XENBUS_NONE,
	    XENBUS_RUNNING, XENBUS_CLOSING, XENBUS_ENDED, XENBUS_NONE,
	    XENBUS_NONE },
	{ XENBUS_NONE, XENBUS_NONE, XENBUS_READY, XENBUS_READY, XENBUS_NONE,
	    XENBUS_NONE, XENBUS_AGAIN, XENBUS_NONE, XENBUS_NONE }
};

static void
xenbus_look_soon(struct xenbus_dev *xd)
{
	__atomic_store_n(&xd->xd_look, true, __ATOMIC_RELEASE);
	pv_os_defer(&xd->xd_xen->x_xenbus->xb_work, 0);
}

static void
xenbus_connected(struct pv_dev *dev)
{
	struct xenbus_dev *xd = xenbus_of(dev);
	int rv;

	if (xd->xd_single) {
		pv_dev_event(dev, PV_EV_RUNNING);
		return;
	}
	rv = xenbus_set_state(xd, XenbusStateConnected);
	if (rv < 0 && rv != -PV_ENOENT)
		pv_dev_fail(dev, "can not tell that it is connected");
	/* The peer may be connected already. */
	xenbus_look_soon(xd);
}

static void
xenbus_closed(struct pv_dev *dev)
{
	struct xenbus_dev *xd = xenbus_of(dev);

	(void)xenbus_set_state(xd, XenbusStateClosed);
	/* The peer may be closed already, and would say nothing more. */
	xenbus_look_soon(xd);
}

static void
xenbus_busy(struct pv_dev *dev)
{
	pv_log(dev, PV_LOG_WARN, "domain %u wants to close it, but it is in "
	    "use", (unsigned int)dev->pd_peer);
}

/* The connection ended because the peer's end is not there, or quite new. */
static void
xenbus_again(struct pv_dev *dev)
{
	struct xenbus_dev *xd = xenbus_of(dev);

	if (!xd->xd_looked || xd->xd_state == XenbusStateInitialising)
		return;
	(void)xenbus_set_state(xd, XenbusStateInitialising);
	xenbus_look_soon(xd);
}

static const struct pv_bus_ops xenbus_ops = {
	.bo_connected = xenbus_connected,
	.bo_closed = xenbus_closed,
	.bo_busy = xenbus_busy,
	.bo_again = xenbus_again
};

/* ---- the peer's state -------------------------------------------------- */

/* Both ends are closed.  Begin anew, if anybody wants that. */
static void
xenbus_restart(struct xenbus_dev *xd)
{
	uint64_t online;

	if (pv_dev_broken(xd->xd_dev) ||
	    xs_read_num(xd->xd_xen, XS_NOTRANS, xd->xd_peerpath, "online", 0,
	    1, &online) < 0 || online == 0)
		return;
	(void)xenbus_set_state(xd, XenbusStateInitialising);
}

static void
xenbus_act(struct xenbus_dev *xd, enum xenbus_action action, bool changed)
{
	struct pv_dev *dev = xd->xd_dev;

	switch (action) {
	case XENBUS_NONE:
		break;
	case XENBUS_READY:
		/* A broken device waits for a peer that begins anew. */
		if (changed || !pv_dev_broken(dev))
			pv_dev_event(dev, PV_EV_READY);
		break;
	case XENBUS_RUNNING:
		/* Also when it says so again: its values changed. */
		pv_dev_event(dev, PV_EV_RUNNING);
		break;
	case XENBUS_CLOSING:
		pv_dev_event(dev, PV_EV_CLOSING);
		break;
	case XENBUS_GONE:
		pv_dev_event(dev, PV_EV_GONE);
		break;
	case XENBUS_ENDED:
		pv_dev_event(dev, PV_EV_GONE | PV_EV_CLOSING);
		break;
	case XENBUS_RESTART:
		/* InitWait still: it has not yet seen that we connected. */
		if (changed)
			pv_dev_event(dev, PV_EV_GONE | PV_EV_READY);
		break;
	case XENBUS_CLOSE:
		/* What was held back for a new start is let go of. */
		pv_dev_event(dev, PV_EV_CLOSING);
		break;
	case XENBUS_AGAIN:
		xenbus_restart(xd);
		break;
	}
}

static unsigned int
xenbus_row(unsigned int state)
{
	if (state == XenbusStateConnected)
		return 1;
	return state == XenbusStateClosed ? 2 : 0;
}

/* See what state the peer is in, and what follows. */
static void
xenbus_look(struct xenbus_dev *xd)
{
	uint64_t state = XenbusStateUnknown;
	bool changed;
	int rv;

	rv = xs_read_num(xd->xd_xen, XS_NOTRANS, xd->xd_peerpath, "state", 0,
	    XENBUS_NSTATE - 1, &state);
	/* peer: may write anything; what is no state changes nothing. */
	if (rv == -PV_EINVAL || rv == -PV_ERANGE) {
		pv_log(xd->xd_dev, PV_LOG_WARN, "domain %u wrote a state that "
		    "does not exist", (unsigned int)xd->xd_peer);
		return;
	}
	if (rv < 0 && rv != -PV_ENOENT && rv != -PV_EACCES) {
		/* The store can not say now, and no watch would come again. */
		__atomic_store_n(&xd->xd_look, rv != -PV_EIO,
		    __ATOMIC_RELEASE);
		if (rv != -PV_EIO)
			pv_os_defer(&xd->xd_xen->x_xenbus->xb_work,
			    XENBUS_RETRY);
		return;
	}
	changed = !xd->xd_looked || state != xd->xd_peerstate;
	xd->xd_peerstate = (unsigned int)state;
	xd->xd_looked = true;
	xenbus_act(xd, xenbus_actions[xenbus_row(xd->xd_state)][state],
	    changed);
}

static void
xenbus_peer_changed(void *arg, const char *path)
{
	xenbus_look_soon(arg);
}

/* ---- devices come and go ----------------------------------------------- */

/* Where the back end is, by the toolstack.  -PV_ENOENT: it has not said yet. */
static int
xenbus_peer_path(const struct xenbus_dev *xd, char peer[XS_PATHMAX])
{
	char path[XENBUS_KEY];
	int rv;

	rv = xs_path_join(path, sizeof(path), xd->xd_path, "backend");
	if (rv == 0)
		rv = xs_read(xd->xd_xen, XS_NOTRANS, path, peer, XS_PATHMAX,
		    NULL);
	return rv == 0 && peer[0] != '/' ? -PV_ENOENT : rv;
}

/*
 * Whose a back end is.  The toolstack may have named another one since its
 * path was read: a domain's own directory tells whose that is, and where it
 * does not, the watch tells that the path is another now.  -PV_ENOENT: they do
 * not belong together, yet.
 */
static int
xenbus_peer_id(const struct xenbus_dev *xd, const char *peer, pv_domid_t *idp)
{
	static const char domains[] = "/local/domain/";
	struct strbuf sb;
	char own[32];
	uint64_t id;
	int rv;

	rv = xs_read_num(xd->xd_xen, XS_NOTRANS, xd->xd_path, "backend-id", 0,
	    DOMID_FIRST_RESERVED - 1, &id);
	if (rv < 0)
		return rv;
	*idp = (pv_domid_t)id;
	str_begin(&sb, own, sizeof(own));
	str_add(&sb, domains);
	str_addu(&sb, id);
	str_add(&sb, "/");
	return str_prefix(peer, domains) && !str_prefix(peer, own) ?
	    -PV_ENOENT : 0;
}

/* Who the peer is.  -PV_ENOENT: the toolstack has not said yet. */
static int
xenbus_find_peer(struct xenbus_dev *xd)
{
	int rv = xenbus_peer_path(xd, xd->xd_peerpath);

	return rv < 0 ? rv : xenbus_peer_id(xd, xd->xd_peerpath,
	    &xd->xd_peer);
}

/*
 * A connection that a kernel before us had is closed, not taken over.
 */
static void
xenbus_take_state(struct xenbus_dev *xd)
{
	uint64_t state;

	xd->xd_state = XenbusStateInitialising;
	if (xs_read_num(xd->xd_xen, XS_NOTRANS, xd->xd_path, "state", 0,
	    XENBUS_NSTATE - 1, &state) < 0)
		return;
	if (state > XenbusStateInitialising)
		(void)xenbus_set_state(xd, XenbusStateClosed);
}

/*
 * The toolstack's word on the peer.  Not trusted: it is shown nothing but
 * pages made for it (XSA-403).
 */
static bool
xenbus_trusted(const struct xenbus_dev *xd)
{
	uint64_t trusted = 1;

	(void)xs_read_num(xd->xd_xen, XS_NOTRANS, xd->xd_path, "trusted", 0, 1,
	    &trusted);
	return trusted != 0;
}

/*
 * The operator's limit of grants: gnttab.vbd.51712.budget, gnttab.vbd.budget or
 * gnttab.budget.
 */
static int
xenbus_budget(const struct xenbus_dev *xd, struct pv_dma *dma)
{
	static const int64_t range[2] = { 0, INT32_MAX };
	const struct pv_client *client = xd->xd_xen->x_client;
	const char *type = xd->xd_driver->dv_match;
	const char *id = xd->xd_name + str_len(type) + 1;
	char family[SETTING_NAME];
	struct pv_unit un = { .un_client = client, .un_family = family };
	struct strbuf sb;
	uint64_t unit = 0;
	int64_t max;

	str_begin(&sb, family, sizeof(family));
	str_add(&sb, "gnttab.");
	str_add(&sb, type);
	(void)str_num(id, str_len(id), 0, UINT32_MAX, &unit);
	un.un_unit = (unsigned int)unit;
	max = pv_setting_num(client, "gnttab.budget", range, 0);
	max = pv_unit_num(&un, "budget", range, max);
	return max == 0 ? 0 : gnttab_budget_create(dma, (uint32_t)max);
}

static int
xenbus_create(struct xenbus_dev *xd)
{
	struct xen *x = xd->xd_xen;
	struct pv_dma dma = {
		.da_ops = &gnttab_dma_ops, .da_arg = x, .da_peer = xd->xd_peer
	};
	int rv = xd->xd_single ? 0 : xenbus_budget(xd, &dma);

	if (rv < 0)
		return rv;
	xd->xd_trusted = xd->xd_single || xenbus_trusted(xd);
	if (!xd->xd_trusted)
		pv_dma_bounce(&dma);
	rv = pv_dev_create(xd->xd_driver, &xenbus_ops, xd, xd->xd_name, &dma,
	    x->x_client, &xd->xd_dev);
	if (rv < 0)
		gnttab_budget_destroy(&dma);
	return rv;
}

static void
xenbus_destroy(struct xenbus_dev *xd)
{
	struct pv_dma dma = xd->xd_dev->pd_dma;

	pv_dev_destroy(xd->xd_dev);
	xd->xd_dev = NULL;
	gnttab_budget_destroy(&dma);
}

/* Watch the peer's state; the watch tells it once at once. */
static int
xenbus_watch_peer(struct xenbus_dev *xd)
{
	struct xs_watch *w = &xd->xd_watch;
	int rv;

	rv = xs_path_join(w->xw_path, sizeof(w->xw_path), xd->xd_peerpath,
	    "state");
	if (rv < 0)
		return rv;
	w->xw_dev = xd->xd_dev;
	return xs_watch(xd->xd_xen, w, w->xw_path, xenbus_peer_changed, xd);
}

/* Is its directory there?  If nobody can say: yes. */
static bool
xenbus_exists(const struct xenbus_dev *xd)
{
	char val[4];

	return xs_read(xd->xd_xen, XS_NOTRANS, xd->xd_path, val, sizeof(val),
	    NULL) != -PV_ENOENT;
}

/*
 * Attach a device whose peer is known now, or let go of what is gone already.
 * true: try again later.
 */
static bool
xenbus_probe(struct xenbus_dev *xd)
{
	int rv;

	rv = xenbus_find_peer(xd);
	if (rv == -PV_ENOENT && !xenbus_exists(xd)) {
		xenbus_remove(xd->xd_xen->x_xenbus, xd, false);
		return false;
	}
	if (rv < 0) {
		if (++xd->xd_tries == XENBUS_TRIES)
			pv_log(NULL, PV_LOG_WARN, "%s: no back end is named",
			    xd->xd_path);
		return xd->xd_tries < XENBUS_TRIES;
	}
	xenbus_take_state(xd);
	rv = xenbus_create(xd);
	if (rv < 0) {
		xd->xd_dead = true;
		return false;
	}
	rv = xenbus_watch_peer(xd);
	if (rv == 0)
		return false;
	pv_log(xd->xd_dev, PV_LOG_ERR, "can not watch its back end (error "
	    "%d)", -rv);
	xenbus_destroy(xd);
	xd->xd_dead = true;
	return false;
}

/*
 * xenbus_remove -- a device goes; polite: it still exists, so say that we let
 * go of it
 *
 * Context: the bus's work, and attach and detach.
 */
void
xenbus_remove(struct xenbus *xb, struct xenbus_dev *xd, bool polite)
{
	struct pv_dev *dev = xd->xd_dev;

	pv_lock(&xb->xb_lock);
	list_remove(&xd->xd_link);
	pv_unlock(&xb->xb_lock);
	xs_unwatch(&xd->xd_watch);
	if (dev != NULL) {
		pv_log(dev, PV_LOG_INFO, "detached");
		xenbus_destroy(xd);
		if (polite && xd->xd_state != XenbusStateClosed)
			(void)xenbus_set_state(xd, XenbusStateClosed);
	}
	pv_os_free(xd, sizeof(*xd));
}

/* A device without a directory; one that fails is done without. */
static void
xenbus_add_single(struct xenbus *xb, const char *type)
{
	const struct pv_driver *drv = pv_conf_find(type);
	char name[PV_DEV_NAME];
	struct xenbus_dev *xd;

	if (drv == NULL)
		return;
	if (xs_path_join(name, sizeof(name), type, "0") < 0)
		return;
	xd = xenbus_list_add(xb, drv, name);
	if (xd == NULL)
		return;
	xd->xd_single = true;
	xd->xd_path[0] = '\0';
	if (xenbus_create(xd) < 0)
		xenbus_remove(xb, xd, false);
	else
		pv_dev_event(xd->xd_dev, PV_EV_READY);
}

/* ---- back ends that are others now --------------------------------------- */

/*
 * Was another back end named for a device that is attached?  Its path and whose
 * it is are in xb then.  0: no; 1: yes; -PV_ENOENT: none, or not whole yet.
 */
static int
xenbus_moved(struct xenbus *xb, const struct xenbus_dev *xd)
{
	int rv = xenbus_peer_path(xd, xb->xb_peer);

	if (rv < 0)
		return rv;
	if (!xd->xd_moved && str_eq(xb->xb_peer, xd->xd_peerpath))
		return 0;
	rv = xenbus_peer_id(xd, xb->xb_peer, &xb->xb_peerid);
	return rv < 0 ? rv : 1;
}

/*
 * Go on with the back end that is named now.  false: make the device anew, for
 * the new one is not to be trusted as much, or the store does not answer.
 */
static bool
xenbus_move(struct xenbus *xb, struct xenbus_dev *xd)
{
	if (xenbus_trusted(xd) != xd->xd_trusted)
		return false;
	xs_unwatch(&xd->xd_watch);
	__builtin_memcpy(xd->xd_peerpath, xb->xb_peer, XS_PATHMAX);
	xd->xd_peer = xb->xb_peerid;
	xd->xd_moved = false;
	if (xd->xd_peer != xd->xd_dev->pd_peer)
		pv_log(xd->xd_dev, PV_LOG_INFO, "its back end is in domain "
		    "%u now", (unsigned int)xd->xd_peer);
	pv_dev_move(xd->xd_dev, xd->xd_peer);
	xd->xd_looked = false;
	(void)xenbus_set_state(xd, XenbusStateInitialising);
	return xenbus_watch_peer(xd) == 0;
}

/* Let go of a device, and begin with it as if it were new. */
static void
xenbus_anew(struct xenbus *xb, struct xenbus_dev *xd)
{
	const struct pv_driver *drv = xd->xd_driver;
	char name[PV_DEV_NAME];

	__builtin_memcpy(name, xd->xd_name, sizeof(name));
	xenbus_remove(xb, xd, true);
	xd = xenbus_list_add(xb, drv, name);
	if (xd != NULL)
		xenbus_look_soon(xd);
}

/*
 * A watch gave reason to ask for a device: it may be gone, or have another back
 * end.  false: it is no more, or another.
 */
static bool
xenbus_check(struct xenbus *xb, struct xenbus_dev *xd)
{
	int rv = xenbus_moved(xb, xd);

	if (rv == -PV_ENOENT && !xenbus_exists(xd)) {
		xenbus_remove(xb, xd, false);
		return false;
	}
	if (xd->xd_dev == NULL)
		return true;
	if (rv == 1 && !xenbus_move(xb, xd)) {
		xenbus_anew(xb, xd);
		return false;
	}
	if (rv < 0 && rv != -PV_ENOENT) {
		/* No watch would come again. */
		__atomic_store_n(&xd->xd_check, true, __ATOMIC_RELEASE);
		if (rv != -PV_EIO)
			pv_os_defer(&xb->xb_work, XENBUS_LATER);
	}
	return true;
}

/* ---- the bus's work ---------------------------------------------------- */

/* Begin to watch; false: not yet. */
static bool
xenbus_watch(struct xenbus *xb)
{
	int rv;

	if (xb->xb_watch.xw_set)
		return true;
	rv = xs_watch(xb->xb_xen, &xb->xb_watch, "device", xenbus_list_changed,
	    xb);
	if (rv == 0) {
		/* The store answers: now its driver need not wait for it. */
		xenbus_add_single(xb, "control");
		xenbus_add_single(xb, "balloon");
		return true;
	}
	if (rv == -PV_ETIMEDOUT || rv == -PV_EAGAIN || rv == -PV_ENOMEM)
		pv_os_defer(&xb->xb_work, XENBUS_LATER);
	else
		pv_log(NULL, PV_LOG_ERR, "xenbus: can not watch for devices "
		    "(error %d)", -rv);
	return false;
}

/* What is to be done for a device; true: again later. */
static bool
xenbus_serve(struct xenbus *xb, struct xenbus_dev *xd)
{
	if (__atomic_exchange_n(&xd->xd_check, false, __ATOMIC_ACQ_REL)) {
		if (xd->xd_dev == NULL && !xd->xd_dead)
			__atomic_store_n(&xd->xd_look, true, __ATOMIC_RELEASE);
		else if (!xenbus_check(xb, xd))
			return false;
	}
	if (xd->xd_moved ||
	    !__atomic_exchange_n(&xd->xd_look, false, __ATOMIC_ACQ_REL))
		return false;
	if (xd->xd_dev != NULL) {
		xenbus_look(xd);
		return false;
	}
	if (xd->xd_dead || !xenbus_probe(xd))
		return false;
	__atomic_store_n(&xd->xd_look, true, __ATOMIC_RELEASE);
	return true;
}

static void
xenbus_run(void *arg)
{
	struct xenbus *xb = arg;
	struct list *p, *next;
	struct xenbus_dev *xd;
	bool retry = false;

	if (__atomic_load_n(&xb->xb_dying, __ATOMIC_ACQUIRE) ||
	    !xenbus_watch(xb))
		return;
	if (__atomic_exchange_n(&xb->xb_rescan, false, __ATOMIC_ACQ_REL))
		xenbus_list_scan(xb);
	else
		xenbus_list_new(xb);
	LIST_FOREACH_SAFE(p, next, &xb->xb_devs) {
		xd = LIST_ENTRY(p, struct xenbus_dev, xd_link);
		if (!xd->xd_single && xenbus_serve(xb, xd))
			retry = true;
	}
	if (retry)
		pv_os_defer(&xb->xb_work, XENBUS_RETRY);
}

/* ---- attach and detach ------------------------------------------------- */

/*
 * xenbus_attach -- begin to look for devices
 *
 * The console is attached at once, the control nodes when the store answers;
 * the others come later still, in thread context.  0 or -PV_ENOMEM.
 * Context: thread.
 */
int
xenbus_attach(struct xen *x)
{
	struct xenbus *xb = pv_os_alloc(sizeof(*xb));
	evport_t port;
	gfn_t gfn;

	if (xb == NULL)
		return -PV_ENOMEM;
	xb->xb_xen = x;
	list_init(&xb->xb_devs);
	pv_work_init(&xb->xb_work, xenbus_run, xb, PV_WORK_SLEEPS);
	x->x_xenbus = xb;
	if (xen_console(x, &gfn, &port) == 0)
		xenbus_add_single(xb, "console");
	if (x->x_xs != NULL)
		xenbus_rescan(x);
	return 0;
}

/*
 * xenbus_detach -- detach every device, the console last; idempotent
 *
 * Context: thread.
 */
void
xenbus_detach(struct xen *x)
{
	struct xenbus *xb = x->x_xenbus;

	if (xb == NULL)
		return;
	/* A watch that is on its way may defer the work again. */
	__atomic_store_n(&xb->xb_dying, true, __ATOMIC_RELEASE);
	pv_os_cancel(&xb->xb_work);
	xs_unwatch(&xb->xb_watch);
	while (!list_empty(&xb->xb_devs))
		xenbus_remove(xb, LIST_ENTRY(xb->xb_devs.li_prev,
		    struct xenbus_dev, xd_link), true);
	pv_os_cancel(&xb->xb_work);
	x->x_xenbus = NULL;
	pv_os_free(xb, sizeof(*xb));
}
