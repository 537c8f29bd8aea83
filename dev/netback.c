/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netback -- Xen virtual network interface, back end.
 *
 * The peer (any netfront) is a guest that the toolstack gave an interface of
 * which we are the other end of the cable.  That end is a struct pv_net as any
 * other: what the guest sends is received from it, what is sent to it the
 * guest receives.  A bridge, a router or a TCP/IP stack does the rest.
 * Protocol: xen/include/public/io/netif.h.
 *
 *	guest: tx ring --> copy --> checked --> nt_recv
 *	guest: rx ring <-- copy <-- a queue of packets <-- no_send
 *
 * All data are copied by the hypervisor, in batches, so nobody sees a packet
 * that can change under it, and nothing of the guest's is mapped but its rings.
 * What the guest sends is laid into contiguous memory before it is looked at,
 * in whatever pieces it comes.
 *
 * Every entry of a ring is copied out once and belongs to private memory from
 * then on.  The state of a packet that is not whole yet (nq_ask) and of buffers
 * that are not used yet (nq_buf) is kept from run to run, so it does not matter
 * in how many pieces the guest shows its ring to us.
 *
 * Life.  offer says what we can, and tells the toolstack that nothing else has
 * to be plugged; connect maps the rings; start announces the interface; and
 * disconnect withdraws it: a guest that comes anew is another cable.
 *
 * What a hostile peer can do is lose its own packets, break its own
 * connection, and use up what is given to it: NETBACK_BUDGET packets in one
 * run of a handler, its rate, and NETBACK_NSEND packets that wait for its
 * buffers for NETBACK_DRAIN.
 *
 * Locking.  The handlers of a device and its other works are of one group, so
 * one of them runs at a time: rings and batches need no lock.  sc_lock guards
 * what others touch: the queues of packets to the guest, and whether it is up.
 */

#include "netback.h"

static const struct pv_net_ops netback_ops;

/* ---- Attach ------------------------------------------------------------ */

static int
netback_attach(void *softc, struct pv_dev *dev)
{
	struct netback_softc *sc = softc;
	struct netback_queue *nq;
	unsigned int i;

	sc->sc_dev = dev;
	sc->sc_net.nt_ops = &netback_ops;
	sc->sc_net.nt_sc = sc;
	sc->sc_net.nt_guest = &sc->sc_guest;
	sc->sc_net.nt_name = sc->sc_name;
	sc->sc_guest.ng_domid = (pv_domid_t)dev->pd_peer;
	for (i = 0; i < NETBACK_NQUEUE; i++) {
		nq = &sc->sc_queue[i];
		nq->nq_sc = sc;
		nq->nq_last = &nq->nq_first;
	}
	pv_work_init(&sc->sc_txwork, netback_tx_again, sc, pv_dev_group(dev));
	pv_work_init(&sc->sc_rxwork, netback_rx_again, sc, pv_dev_group(dev));
	return 0;
}

static void
netback_detach(void *softc)
{
	(void)softc;			/* disconnect left nothing */
}

static int
netback_offer(void *softc)
{
	struct netback_softc *sc = softc;
	int rv = netback_xs_read(sc);

	return rv < 0 ? rv : netback_xs_offer(sc);
}

/* ---- Events ------------------------------------------------------------ */

bool
netback_is_up(struct netback_softc *sc)
{
	bool up;

	pv_lock(&sc->sc_lock);
	up = sc->sc_up;
	pv_unlock(&sc->sc_lock);
	return up;
}

/* Each event channel's handler, of one ring or of both.  Context: deferred. */
static enum evtchn_result
netback_intr_tx(void *arg)
{
	struct netback_queue *nq = arg;

	return netback_is_up(nq->nq_sc) ? netback_tx_run(nq) : EVTCHN_SPURIOUS;
}

static enum evtchn_result
netback_intr_rx(void *arg)
{
	struct netback_queue *nq = arg;

	return netback_is_up(nq->nq_sc) ? netback_rx_run(nq) : EVTCHN_SPURIOUS;
}

static enum evtchn_result
netback_intr(void *arg)
{
	enum evtchn_result tx = netback_intr_tx(arg);
	enum evtchn_result rx = netback_intr_rx(arg);

	if (tx == EVTCHN_MORE || rx == EVTCHN_MORE)
		return EVTCHN_MORE;
	if (tx == EVTCHN_DONE || rx == EVTCHN_DONE)
		return EVTCHN_DONE;
	return EVTCHN_SPURIOUS;
}

/* From here on packets are taken and given, or are not any more. */
static void
netback_open(struct netback_softc *sc, bool up)
{
	pv_lock(&sc->sc_lock);
	sc->sc_up = up;
	sc->sc_stalled = false;
	pv_unlock(&sc->sc_lock);
}

void
netback_fail(struct netback_softc *sc, const char *why)
{
	netback_open(sc, false);
	pv_dev_fail(sc->sc_dev, why);
}

/* ---- Connection -------------------------------------------------------- */

/* Map a queue's two rings.  0 or -PV_E*. */
static int
netback_queue_map(struct netback_queue *nq)
{
	struct netback_softc *sc = nq->nq_sc;
	struct xen *x = xenbus_xen(sc->sc_dev);
	unsigned int i;
	int rv;

	rv = window_create(x, &nq->nq_window, 2);
	if (rv < 0)
		return rv;
	for (i = 0; i < 2; i++) {
		nq->nq_page[i].gm_dom = sc->sc_guest.ng_domid;
		nq->nq_page[i].gm_readonly = false;
		nq->nq_page[i].gm_addr = window_addr(x, &nq->nq_window, i);
	}
	rv = gntmap_map(x, sc->sc_dev, nq->nq_page, 2);
	if (rv < 0)
		return rv;
	bring_init(&nq->nq_tx, nq->nq_window.wi_va, PV_PAGE_SIZE,
	    sizeof(struct netif_tx_request), sizeof(struct netif_tx_response));
	bring_init(&nq->nq_rx, nq->nq_window.wi_va + PV_PAGE_SIZE,
	    PV_PAGE_SIZE, sizeof(struct netif_rx_request),
	    sizeof(struct netif_rx_response));
	return 0;
}

static int
netback_queue_create(struct netback_softc *sc, unsigned int n)
{
	struct netback_queue *nq = &sc->sc_queue[n];
	struct pv_dev *dev = sc->sc_dev;
	evport_t port[2];
	unsigned int i;
	int rv;

	__builtin_memset(&nq->nq_ask, 0, sizeof(nq->nq_ask));
	nq->nq_nbuf = 0;
	nq->nq_short = nq->nq_mark = 0;
	rv = netback_xs_queue(sc, n, port);
	if (rv == 0)
		rv = netback_queue_map(nq);
	nq->nq_split = sc->sc_split;
	for (i = 0; rv == 0 && i < (nq->nq_split ? 2 : 1); i++)
		rv = evtchn_bind_peer(xenbus_xen(dev), dev,
		    sc->sc_guest.ng_domid, port[i], &nq->nq_eh[i],
		    !nq->nq_split ? netback_intr :
		    i == 0 ? netback_intr_tx : netback_intr_rx, nq);
	return rv;
}

/* Idempotent; half-built ones too.  The handlers are closed. */
static void
netback_queue_destroy(struct netback_softc *sc, struct netback_queue *nq)
{
	struct xen *x = xenbus_xen(sc->sc_dev);

	if (nq->nq_window.wi_va == NULL)
		return;
	if (gntmap_unmap(x, sc->sc_dev, nq->nq_page, 2) == 0) {
		window_destroy(x, &nq->nq_window);
		return;
	}
	/* An address that is still mapped is of no use to anybody. */
	sc->sc_dev->pd_kept = true;
	nq->nq_window = (struct window){ 0 };
}

static int
netback_connect(void *softc)
{
	struct netback_softc *sc = softc;
	evport_t port;
	unsigned int n;
	gref_t ref;
	int rv;

	__builtin_memset(&sc->sc_groups, 0, sizeof(sc->sc_groups));
	rv = netback_xs_peer(sc);
	if (rv < 0)
		return rv;
	sc->sc_data = pv_pages_alloc(sc->sc_dev, NETBACK_NDATA);
	if (sc->sc_data == NULL)
		return -PV_ENOMEM;
	for (n = 0; rv == 0 && n < sc->sc_nqueue; n++)
		rv = netback_queue_create(sc, n);
	if (rv == 0)
		rv = netback_xs_ctl(sc, &ref, &port);
	return rv == 1 ? netback_ctl_connect(sc, ref, port) : rv;
}

/* The handlers look soon; they alone touch the rings. */
static void
netback_poll(void *softc)
{
	struct netback_softc *sc = softc;
	unsigned int i;

	evtchn_again(&sc->sc_ctl.ct_eh);
	for (i = 0; i < sc->sc_nqueue; i++) {
		evtchn_again(netback_txeh(&sc->sc_queue[i]));
		if (sc->sc_queue[i].nq_split)
			evtchn_again(netback_rxeh(&sc->sc_queue[i]));
	}
}

static int
netback_start(void *softc)
{
	struct netback_softc *sc = softc;
	const struct pv_client *pc = sc->sc_dev->pd_client;
	const uint8_t *mac = sc->sc_guest.ng_mac;
	int rv;

	rv = netback_xs_watch(sc);
	if (rv < 0)
		pv_log(sc->sc_dev, PV_LOG_WARN, "no watch on the guest's "
		    "filter (error %d)", -rv);
	sc->sc_net.nt_link = true;
	pv_log(sc->sc_dev, PV_LOG_INFO, "%s: "
	    "%02x:%02x:%02x:%02x:%02x:%02x, MTU %u, %u queue%s%s%s%s",
	    sc->sc_name, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
	    (unsigned int)sc->sc_net.nt_mtu, sc->sc_nqueue,
	    sc->sc_nqueue == 1 ? "" : "s", sc->sc_split ? ", split events" : "",
	    sc->sc_guest.ng_ip[0] != '\0' ? ", only from " : "",
	    sc->sc_guest.ng_ip);
	netback_open(sc, true);
	sc->sc_announced = true;
	if (pc->pc_net_up != NULL)
		pc->pc_net_up(&sc->sc_net);
	/* peer: may have sent before we said that we are there. */
	netback_poll(sc);
	return 0;
}

/* The guest changed what it wants. */
static void
netback_changed(void *softc)
{
	struct netback_softc *sc = softc;

	sc->sc_groups.gr_on = netback_xs_filters(sc);
}

static void
netback_disconnect(void *softc)
{
	struct netback_softc *sc = softc;
	const struct pv_client *pc = sc->sc_dev->pd_client;
	struct pv_net *nt = &sc->sc_net;
	unsigned int i;

	netback_open(sc, false);
	netback_xs_unwatch(sc);
	for (i = 0; i < NETBACK_NQUEUE; i++) {
		evtchn_close(&sc->sc_queue[i].nq_eh[0]);
		evtchn_close(&sc->sc_queue[i].nq_eh[1]);
	}
	netback_ctl_disconnect(sc);
	pv_cancel(&sc->sc_txwork);
	pv_cancel(&sc->sc_rxwork);
	netback_rx_stop(sc);
	nt->nt_link = false;
	if (sc->sc_announced && pc->pc_net_down != NULL)
		pc->pc_net_down(nt);
	sc->sc_announced = false;
	nt->nt_recv = NULL;
	nt->nt_ready = nt->nt_change = nt->nt_announce = NULL;
	for (i = 0; i < NETBACK_NQUEUE; i++)
		netback_queue_destroy(sc, &sc->sc_queue[i]);
	pv_pages_free(sc->sc_dev, sc->sc_data, NETBACK_NDATA);
	sc->sc_data = NULL;
	sc->sc_tb.tb_waits = false;
	sc->sc_nqueue = 0;
}

/* ---- Driver ------------------------------------------------------------ */

static const struct pv_net_ops netback_ops = {
	.no_send = netback_rx_send,
	.no_poll = netback_poll,
};

static const char *const netback_settings[] = {
	"netback.check_mac", "netback.queues", NULL
};

const struct pv_driver netback_driver = {
	.dv_name = "netback",
	.dv_match = "backend/vif",
	.dv_settings = netback_settings,
	.dv_scsize = sizeof(struct netback_softc),
	.dv_attach = netback_attach,
	.dv_detach = netback_detach,
	.dv_offer = netback_offer,
	.dv_connect = netback_connect,
	.dv_start = netback_start,
	.dv_disconnect = netback_disconnect,
	.dv_changed = netback_changed,
};
