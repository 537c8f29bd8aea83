/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dev.c -- the life cycle of a device; see dev.h.
 *
 * Whoever learns something about a peer (a watch, an interrupt, a driver that
 * found a lie) ORs an event into pd_events and defers pd_work; nothing else
 * changes pd_state.  The work takes all events at once and handles them from
 * the worst to the best, so that "vanished" and "offers itself again" that
 * came together mean a restart:
 *
 *	FAILED, GONE, CLOSING	disconnect
 *	READY			connect
 *	RUNNING			start, or changed
 */

#include "dev.h"
#include "str.h"

#define DEV_FORMAT	192		/* bytes of format with the name */

static const char *const dev_states[] = {
	[PV_DEV_NEW] = "new",
	[PV_DEV_ATTACHED] = "waiting",
	[PV_DEV_CONNECTING] = "connecting",
	[PV_DEV_CONNECTED] = "connected",
	[PV_DEV_BROKEN] = "broken"
};

/* Every device of every bus, for pv_dev_info(). */
static LIST_HEAD(dev_all);
static struct pv_lock dev_all_lock;
static unsigned int dev_ngroup;		/* handed out, see dev_group() */

/* ---- what drivers call ------------------------------------------------- */

/*
 * pv_log -- one line of log with the device's name before it
 *
 * The name becomes part of the format, for a va_list can not be prepended to.
 * Context: any.
 */
void
pv_log(const struct pv_dev *dev, enum pv_loglevel level, const char *fmt, ...)
{
	char buf[DEV_FORMAT];
	struct strbuf sb;
	const char *p;
	va_list ap;

	str_begin(&sb, buf, sizeof(buf));
	if (dev != NULL) {
		for (p = dev->pd_name; *p != '\0'; p++)
			str_addn(&sb, *p == '%' ? "?" : p, 1);
		str_add(&sb, ": ");
	}
	str_add(&sb, fmt);
	va_start(ap, fmt);
	/* A format that was cut might end inside a conversion. */
	pv_os_log(level, sb.sb_over ? fmt : buf, ap);
	va_end(ap);
}

/*
 * pv_alloc, pv_free, pv_pages_alloc, pv_pages_free -- memory, counted
 *
 * As the functions of pv/os.h; p and va may be NULL when freeing.  Without a
 * device they are not counted: for what may outlive it in quarantine.
 * Context: deferred, thread.
 */
void *
pv_alloc(struct pv_dev *dev, size_t len)
{
	void *p = pv_os_alloc(len);

	if (p != NULL && dev != NULL)
		pv_count(&dev->pd_nalloc, 1);
	return p;
}

void
pv_free(struct pv_dev *dev, void *p, size_t len)
{
	if (p == NULL)
		return;
	pv_os_free(p, len);
	if (dev != NULL)
		pv_count(&dev->pd_nalloc, -1);
}

void *
pv_pages_alloc(struct pv_dev *dev, unsigned int npg)
{
	void *va = pv_os_pages_alloc(npg);

	if (va != NULL && dev != NULL)
		pv_count(&dev->pd_npage, (int)npg);
	return va;
}

void
pv_pages_free(struct pv_dev *dev, void *va, unsigned int npg)
{
	if (va == NULL)
		return;
	pv_os_pages_free(va, npg);
	if (dev != NULL)
		pv_count(&dev->pd_npage, -(int)npg);
}

/*
 * pv_dev_fail -- the peer lied or died
 *
 * Only the first call until the next connect says something.
 * Context: any.  Lock: no driver lock held.
 */
void
pv_dev_fail(struct pv_dev *dev, const char *why)
{
	if (__atomic_exchange_n(&dev->pd_failed, true, __ATOMIC_ACQ_REL))
		return;
	dev->pd_why = why;
	pv_log(dev, PV_LOG_ERR, "broken: %s", why);
	pv_dev_event(dev, PV_EV_FAILED);
}

/*
 * pv_dev_broken -- true from pv_dev_fail() on until the next connect
 *
 * Context: any.
 */
bool
pv_dev_broken(const struct pv_dev *dev)
{
	return __atomic_load_n(&dev->pd_failed, __ATOMIC_ACQUIRE);
}

/*
 * pv_dev_held -- the peer vanished and may come back
 *
 * Context: the driver's functions that core calls.
 */
bool
pv_dev_held(const struct pv_dev *dev)
{
	return dev->pd_held;
}

/* ---- the life cycle ---------------------------------------------------- */

/*
 * pv_dev_event -- something happened to the peer, or to us
 *
 * Context: any.
 */
void
pv_dev_event(struct pv_dev *dev, unsigned int events)
{
	if (__atomic_load_n(&dev->pd_dying, __ATOMIC_ACQUIRE))
		return;
	(void)__atomic_fetch_or(&dev->pd_events, events, __ATOMIC_ACQ_REL);
	pv_os_defer(&dev->pd_work, 0);
}

/* In turn, so that devices are spread over the CPUs.  0 is no device's. */
static unsigned int
dev_group(void)
{
	return __atomic_add_fetch(&dev_ngroup, 1, __ATOMIC_RELAXED) % 255 + 1;
}

/* The connection ends; what becomes of the device is the caller's to say. */
static void
dev_disconnect(struct pv_dev *dev)
{
	pv_os_cancel(&dev->pd_patience);
	dev->pd_busy = false;
	dev->pd_driver->dv_disconnect(dev->pd_sc);
	if (dev->pd_state != PV_DEV_BROKEN)
		dev->pd_state = PV_DEV_ATTACHED;
}

static void
dev_break(struct pv_dev *dev)
{
	dev->pd_held = false;
	dev_disconnect(dev);
	dev->pd_state = PV_DEV_BROKEN;
	dev->pd_nfail++;
	dev->pd_bus->bo_closed(dev);
}

/* Our own side could not connect or start: as broken as if the peer lied. */
static void
dev_refuse(struct pv_dev *dev, const char *what, int rv)
{
	if (!__atomic_exchange_n(&dev->pd_failed, true, __ATOMIC_ACQ_REL)) {
		dev->pd_why = what;
		pv_log(dev, PV_LOG_ERR, "broken: can not %s (error %d)", what,
		    -rv);
	}
	dev_break(dev);
}

/* The peer is no more, or new; idle: it said nothing else since. */
static void
dev_gone(struct pv_dev *dev, bool idle)
{
	if (dev->pd_state == PV_DEV_CONNECTED)
		dev->pd_held = true;
	dev_disconnect(dev);
	if (idle)
		dev->pd_bus->bo_again(dev);
}

static bool
dev_in_use(struct pv_dev *dev)
{
	return dev->pd_state == PV_DEV_CONNECTED &&
	    dev->pd_driver->dv_busy != NULL &&
	    dev->pd_driver->dv_busy(dev->pd_sc);
}

/*
 * The peer asks politely.  A device in use stays, the operator is told once,
 * and dv_busy is asked again from time to time.
 */
static void
dev_close(struct pv_dev *dev)
{
	if (dev_in_use(dev)) {
		if (!dev->pd_busy)
			dev->pd_bus->bo_busy(dev);
		dev->pd_busy = true;
		pv_os_defer(&dev->pd_patience, PV_DEV_BUSYWAIT);
		return;
	}
	dev->pd_held = false;
	dev_disconnect(dev);
	dev->pd_bus->bo_closed(dev);
}

static void
dev_ready(struct pv_dev *dev)
{
	int rv;

	if (dev->pd_state == PV_DEV_CONNECTING ||
	    dev->pd_state == PV_DEV_CONNECTED)
		return;
	dev->pd_why = NULL;
	__atomic_store_n(&dev->pd_failed, false, __ATOMIC_RELEASE);
	dev->pd_state = PV_DEV_CONNECTING;
	rv = dev->pd_driver->dv_connect(dev->pd_sc);
	if (rv < 0) {
		dev_refuse(dev, "connect", rv);
		return;
	}
	pv_os_defer(&dev->pd_patience, PV_DEV_PATIENCE);
	dev->pd_bus->bo_connected(dev);
}

static void
dev_running(struct pv_dev *dev)
{
	int rv;

	if (dev->pd_state == PV_DEV_CONNECTED) {
		dev->pd_busy = false;	/* it no longer wants to close */
		if (dev->pd_driver->dv_changed != NULL)
			dev->pd_driver->dv_changed(dev->pd_sc);
		return;
	}
	if (dev->pd_state != PV_DEV_CONNECTING)
		return;
	pv_os_cancel(&dev->pd_patience);
	rv = dev->pd_driver->dv_start(dev->pd_sc);
	if (rv < 0)
		dev_refuse(dev, "start", rv);
	else
		dev->pd_state = PV_DEV_CONNECTED;
	dev->pd_held = false;
}

/* Handle all events that have come; the device's work. */
static void
dev_run(void *arg)
{
	struct pv_dev *dev = arg;
	uint32_t ev;

	ev = __atomic_exchange_n(&dev->pd_events, 0, __ATOMIC_ACQ_REL);
	if ((ev & PV_EV_FAILED) != 0 && dev->pd_state != PV_DEV_BROKEN)
		dev_break(dev);
	if ((ev & PV_EV_GONE) != 0)
		dev_gone(dev, (ev & (PV_EV_CLOSING | PV_EV_READY)) == 0);
	if ((ev & PV_EV_CLOSING) != 0)
		dev_close(dev);
	if ((ev & PV_EV_READY) != 0)
		dev_ready(dev);
	if ((ev & PV_EV_RUNNING) != 0)
		dev_running(dev);
}

/*
 * Two things are waited for without end, neither of them in silence: a peer
 * that does not connect, and a consumer that does not let go.
 */
static void
dev_wait(void *arg)
{
	struct pv_dev *dev = arg;

	if (dev->pd_busy) {
		pv_dev_event(dev, PV_EV_CLOSING);
		return;
	}
	if (dev->pd_state == PV_DEV_CONNECTING)
		pv_log(dev, PV_LOG_WARN, "still waiting for domain %u to say "
		    "that it is connected", (unsigned int)dev->pd_peer);
}

/*
 * Each owner must have given back what it took in the device's name.  A leak
 * is our own fault: fatal where that is looked for, else told.
 */
static void
dev_check(const struct pv_dev *dev)
{
	bool balanced = dev->pd_ngref == 0 && dev->pd_nevport == 0 &&
	    dev->pd_npage == 0 && dev->pd_nwatch == 0 && dev->pd_nmap == 0 &&
	    dev->pd_nalloc == 0;

	if (balanced)
		return;
	pv_log(dev, PV_LOG_ERR, "left behind: %u grants, %u ports, %u pages, "
	    "%u watches, %u maps, %u allocations", dev->pd_ngref,
	    dev->pd_nevport, dev->pd_npage, dev->pd_nwatch, dev->pd_nmap,
	    dev->pd_nalloc);
	PV_ASSERT(!PV_IS_CHECKED || dev->pd_kept);
}

/* ---- what buses call --------------------------------------------------- */

/*
 * pv_dev_create -- make a device of a driver and attach it
 *
 * 0, or -PV_ENOMEM or what dv_attach said; then nothing is left.
 * Context: thread.
 */
int
pv_dev_create(const struct pv_driver *drv, const struct pv_bus_ops *bus,
    void *busdata, const char *name, const struct pv_dma *dma,
    const struct pv_client *client, struct pv_dev **devp)
{
	struct pv_dev *dev;
	struct strbuf sb;
	int rv = -PV_ENOMEM;

	dev = pv_os_alloc(sizeof(*dev));
	if (dev == NULL)
		goto err_dev;
	dev->pd_sc = pv_os_alloc(drv->dv_scsize);
	if (dev->pd_sc == NULL)
		goto err_sc;
	str_begin(&sb, dev->pd_name, sizeof(dev->pd_name));
	str_add(&sb, name);
	dev->pd_driver = drv;
	dev->pd_bus = bus;
	dev->pd_busdata = busdata;
	dev->pd_client = client;
	dev->pd_dma = *dma;
	dev->pd_dma.da_dev = dev;
	dev->pd_peer = dma->da_peer;
	dev->pd_group = dev_group();
	pv_work_init(&dev->pd_work, dev_run, dev, PV_WORK_SLEEPS);
	pv_work_init(&dev->pd_patience, dev_wait, dev, pv_dev_group(dev));
	/* Before attach, which may make the device known to interrupts. */
	*devp = dev;
	rv = drv->dv_attach(dev->pd_sc, dev);
	if (rv < 0)
		goto err_attach;
	dev->pd_state = PV_DEV_ATTACHED;
	pv_lock(&dev_all_lock);
	list_append(&dev_all, &dev->pd_link);
	pv_unlock(&dev_all_lock);
	bus->bo_again(dev);
	return 0;

err_attach:
	__atomic_store_n(&dev->pd_dying, true, __ATOMIC_RELEASE);
	pv_os_cancel(&dev->pd_work);
	pv_log(dev, PV_LOG_ERR, "can not attach %s (error %d)", drv->dv_name,
	    -rv);
	dev_check(dev);
	pv_os_free(dev->pd_sc, drv->dv_scsize);
err_sc:
	pv_os_free(dev, sizeof(*dev));
err_dev:
	*devp = NULL;
	return rv;
}

/*
 * pv_dev_end -- disconnect and detach; only pv_dev_free() may follow
 *
 * Context: thread; not the device's own work.
 */
void
pv_dev_end(struct pv_dev *dev)
{
	__atomic_store_n(&dev->pd_dying, true, __ATOMIC_RELEASE);
	pv_lock(&dev_all_lock);
	list_remove(&dev->pd_link);
	pv_unlock(&dev_all_lock);
	pv_os_cancel(&dev->pd_work);
	pv_os_cancel(&dev->pd_patience);
	dev->pd_held = false;
	dev->pd_driver->dv_disconnect(dev->pd_sc);
	dev->pd_driver->dv_detach(dev->pd_sc);
}

/*
 * pv_dev_free -- check that nothing is left, free
 *
 * No handler of the bus tells the device anything any more.
 * Context: thread; not the device's own work.
 */
void
pv_dev_free(struct pv_dev *dev)
{
	/* A handler may have seen pd_dying too late. */
	pv_os_cancel(&dev->pd_work);
	dev_check(dev);
	pv_os_free(dev->pd_sc, dev->pd_driver->dv_scsize);
	pv_os_free(dev, sizeof(*dev));
}

/*
 * pv_dev_destroy -- both, for a bus whose handlers are the driver's
 *
 * Context: thread; not the device's own work.
 */
void
pv_dev_destroy(struct pv_dev *dev)
{
	pv_dev_end(dev);
	pv_dev_free(dev);
}

/*
 * pv_dev_deaf -- see dev.h
 *
 * Context: any; the device's work does not run.
 */
void
pv_dev_deaf(struct pv_dev *dev)
{
	__atomic_store_n(&dev->pd_dying, true, __ATOMIC_RELEASE);
	__atomic_store_n(&dev->pd_events, 0, __ATOMIC_RELEASE);
}

/*
 * pv_dev_move -- another peer has the device's other end
 *
 * Context: thread; not the device's own work.
 */
void
pv_dev_move(struct pv_dev *dev, uint32_t peer)
{
	__atomic_store_n(&dev->pd_dying, true, __ATOMIC_RELEASE);
	pv_os_cancel(&dev->pd_work);
	if (dev->pd_state == PV_DEV_CONNECTED)
		dev->pd_held = true;
	dev_disconnect(dev);
	/* A handler that was still running may have seen pd_dying too late. */
	pv_os_cancel(&dev->pd_work);
	__atomic_store_n(&dev->pd_events, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&dev->pd_failed, false, __ATOMIC_RELEASE);
	dev->pd_state = PV_DEV_ATTACHED;
	dev->pd_peer = dev->pd_dma.da_peer = peer;
	__atomic_store_n(&dev->pd_dying, false, __ATOMIC_RELEASE);
}

/*
 * pv_dev_describe -- see dev.h
 *
 * Context: any; the caller keeps the device from being destroyed.
 */
void
pv_dev_describe(const struct pv_dev *dev, struct pv_dev_info *di)
{
	di->di_driver = dev->pd_driver->dv_name;
	di->di_state = dev->pd_busy ? "closing, in use" :
	    dev_states[dev->pd_state];
	di->di_peer = dev->pd_peer;
	di->di_ngref = dev->pd_ngref;
	di->di_maxgref = dev->pd_dma.da_maxmap;
	di->di_nevport = dev->pd_nevport;
	di->di_npage = dev->pd_npage;
	di->di_nwatch = dev->pd_nwatch;
	di->di_nmap = dev->pd_nmap;
	di->di_vcpu = dev->pd_vcpu;
	di->di_nintr = dev->pd_nintr;
	di->di_nspurious = dev->pd_nspurious;
	di->di_nkick = dev->pd_nkick;
	di->di_nfail = dev->pd_nfail;
	__builtin_memcpy(di->di_name, dev->pd_name, sizeof(di->di_name));
}

/*
 * pv_dev_info -- tell about the n-th device; 0 or -PV_ENOENT
 *
 * Context: any.
 */
int
pv_dev_info(unsigned int n, struct pv_dev_info *di)
{
	int rv = -PV_ENOENT;
	struct list *p;

	pv_lock(&dev_all_lock);
	LIST_FOREACH(p, &dev_all) {
		if (n-- > 0)
			continue;
		pv_dev_describe(LIST_ENTRY(p, struct pv_dev, pd_link), di);
		rv = 0;
		break;
	}
	pv_unlock(&dev_all_lock);
	return rv;
}
