/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netfront -- Xen virtual network interface, front end.
 *
 * The peer (xen-netback, or any netback) is the other end of a cable.  Two
 * rings of a page each, or several such pairs: on one we lend it the pages of
 * packets to send, on the other we lend it empty pages of our own which it
 * fills.
 * Protocol: xen/include/public/io/netif.h.
 *
 *	send --> [piece|piece|piece] --tx ring--> peer --> response each
 *	                                                       |
 *	np_done <-- all pieces answered, all memory ours <-----+
 *
 *	free buffers --rx ring--> peer --> [resp|resp|..] --> packet --> nt_recv
 *	     ^                                                             |
 *	     +--------------------- when nt_recv returns ------------------+
 *
 * Sending.  A slot never crosses a page; the first slot of a packet tells the
 * packet's size, the others their own.  A packet of more slots than every
 * peer must take (18; one, when the peer does not do scatter-gather) is
 * copied together into pages of ours.
 *
 * Receiving is by copy.  Responses come in the order of the requests, and
 * extra-info entries overlay responses without an id: so buffers are found by
 * ring slot, and the id is only checked.  Buffers are always posted again
 * (a peer that finds none takes the link down), whatever the consumer does:
 * it has the pieces during the call only.
 *
 * A peer that goes away takes only packets with it: the interface stays, has
 * no carrier, and drops what it is given, until the next peer connects; then
 * the consumer is asked to tell the neighbours where it is.
 *
 * Quarantine.  A buffer that the peer keeps although it has answered is
 * parked, and comes back through a call back, perhaps after the device has
 * gone.  Until then nothing of ours takes its place, so a peer can not make us
 * use more memory than the two tables have, which it may keep for ever.  The
 * tables have their own locks and counts of references.
 *
 * Offloads: checksums and TCP segmentation, of both IP versions; sending as
 * the peer offers, receiving always.
 *
 * Queues.  Two rings are a queue; there are as many as the peer takes, but no
 * more than CPUs.  All packets of a connection that we send take one queue;
 * packets may come on any.
 *
 * A queue has one event channel for both rings, or one for each where the
 * peer takes that.  One handler runs for a channel at a time, and only one of
 * them receives: the receive side needs no lock.  The transmit side is guarded
 * by tt_lock.
 *
 * What the peer sends us.  It may keep multicast from us that nobody wants
 * (netfront_mc.c), and spread what we receive over the queues as we say
 * (netfront_ctl.c).
 */

#include "netfront.h"

/* ---- Names ------------------------------------------------------------- */

static enum evtchn_result netfront_intr(void *);
static enum evtchn_result netfront_intr_tx(void *);
static enum evtchn_result netfront_intr_rx(void *);
static const struct pv_net_ops netfront_ops;

/* ---- Attach ------------------------------------------------------------ */

static void
netfront_queue_destroy(struct netfront_softc *sc, unsigned int i)
{
	struct netfront_queue *nq = sc->sc_queue[i];

	if (nq == NULL)
		return;
	netfront_rx_detach(nq);
	netfront_tx_detach(nq);
	pv_free(sc->sc_dev, nq, sizeof(*nq));
	sc->sc_queue[i] = NULL;
}

/* The i-th queue's memory and grants, unless it has them.  0 or -PV_E*. */
static int
netfront_queue_create(struct netfront_softc *sc, unsigned int i)
{
	struct netfront_queue *nq = sc->sc_queue[i];
	int rv;

	if (nq != NULL)
		return 0;
	nq = pv_alloc(sc->sc_dev, sizeof(*nq));
	if (nq == NULL)
		return -PV_ENOMEM;
	sc->sc_queue[i] = nq;
	nq->nq_sc = sc;
	rv = netfront_tx_attach(nq);
	if (rv == 0)
		rv = netfront_rx_attach(nq, i == 0 ? NETFRONT_NRX :
		    NETFRONT_NRXMANY);
	if (rv < 0)
		netfront_queue_destroy(sc, i);
	return rv;
}

static int
netfront_attach(void *softc, struct pv_dev *dev)
{
	struct netfront_softc *sc = softc;
	int rv;

	sc->sc_dev = dev;
	sc->sc_net.nt_ops = &netfront_ops;
	sc->sc_net.nt_sc = sc;
	sc->sc_nqueue = 1;
	rv = netfront_queue_create(sc, 0);
	if (rv == 0)
		rv = netfront_xs_name(sc);
	if (rv < 0)
		netfront_queue_destroy(sc, 0);
	return rv;
}

static void
netfront_detach(void *softc)
{
	struct netfront_softc *sc = softc;
	unsigned int i;

	for (i = 0; i < NETFRONT_NQUEUE; i++)
		netfront_queue_destroy(sc, i);
}

/* ---- Connection -------------------------------------------------------- */

/* The event channels of a queue.  0 or -PV_E*. */
static int
netfront_connect_events(struct netfront_queue *nq)
{
	struct pv_dev *dev = nq->nq_sc->sc_dev;
	unsigned int i;
	int rv = 0;

	nq->nq_split = nq->nq_sc->sc_split;
	for (i = 0; i < (nq->nq_split ? 2 : 1) && rv == 0; i++) {
		rv = evtchn_alloc(xenbus_xen(dev), dev,
		    (pv_domid_t)dev->pd_peer, &nq->nq_eh[i],
		    !nq->nq_split ? netfront_intr :
		    i == 0 ? netfront_intr_tx : netfront_intr_rx, nq);
	}
	return rv;
}

static void
netfront_disconnect_queue(struct netfront_queue *nq)
{
	evtchn_close(&nq->nq_eh[0]);
	evtchn_close(&nq->nq_eh[1]);
	netfront_tx_disconnect(nq);
	netfront_rx_disconnect(nq);
}

static int
netfront_connect_queue(struct netfront_softc *sc, unsigned int i)
{
	struct netfront_queue *nq;
	int rv;

	rv = netfront_queue_create(sc, i);
	if (rv < 0)
		return rv;
	nq = sc->sc_queue[i];
	rv = netfront_tx_connect(nq);
	if (rv == 0)
		rv = netfront_rx_connect(nq);
	if (rv == 0)
		rv = netfront_connect_events(nq);
	if (rv < 0 && i > 0)
		netfront_disconnect_queue(nq);
	return rv;
}

/* One queue has to be; with fewer of the others the interface works too. */
static int
netfront_connect(void *softc)
{
	struct netfront_softc *sc = softc;
	unsigned int i, n;
	int rv;

	rv = netfront_xs_check(sc);
	if (rv < 0)
		return rv;
	n = netfront_xs_queues(sc);
	sc->sc_nqueue = 1;
	rv = netfront_connect_queue(sc, 0);
	if (rv < 0)
		return rv;
	for (i = 1; i < n && rv == 0; i++) {
		rv = netfront_connect_queue(sc, i);
		if (rv == 0)
			sc->sc_nqueue = i + 1;
	}
	if (rv < 0)
		pv_log(sc->sc_dev, PV_LOG_WARN, "only %u of %u queues "
		    "(error %d)", sc->sc_nqueue, n, -rv);
	netfront_ctl_connect(sc);
	netfront_mc_connect(sc);
	return netfront_xs_publish(sc);
}

/* Withdraw the class device. */
static void
netfront_withdraw(struct netfront_softc *sc)
{
	const struct pv_client *pc = sc->sc_dev->pd_client;
	struct pv_net *nt = &sc->sc_net;

	if (sc->sc_announced && pc->pc_net_down != NULL)
		pc->pc_net_down(nt);
	sc->sc_announced = false;
	nt->nt_recv = NULL;
	nt->nt_ready = nt->nt_change = nt->nt_announce = NULL;
}

/* To a consumer that has had the interface all the while: it is back. */
static void
netfront_resume(struct pv_net *nt)
{
	if (nt->nt_change != NULL)
		nt->nt_change(nt);
	if (nt->nt_ready != NULL)
		nt->nt_ready(nt);
	if (nt->nt_announce != NULL)
		nt->nt_announce(nt);
}

/* From here on packets are taken and given, or are not any more. */
static void
netfront_open(struct netfront_softc *sc, bool up)
{
	struct netfront_queue *nq;
	unsigned int i;

	for (i = 0; i < sc->sc_nqueue; i++) {
		nq = sc->sc_queue[i];
		pv_lock(&nq->nq_tt->tt_lock);
		nq->nq_up = up;
		pv_unlock(&nq->nq_tt->tt_lock);
		netfront_rx_start(nq, up);
	}
}

/* The handlers look soon; they alone may touch the receive side. */
static void
netfront_poll(void *softc)
{
	struct netfront_softc *sc = softc;
	unsigned int i;

	for (i = 0; i < sc->sc_nqueue; i++) {
		evtchn_again(netfront_txeh(sc->sc_queue[i]));
		if (sc->sc_queue[i]->nq_split)
			evtchn_again(netfront_rxeh(sc->sc_queue[i]));
	}
}

static int
netfront_start(void *softc)
{
	struct netfront_softc *sc = softc;
	const struct pv_client *pc = sc->sc_dev->pd_client;
	const uint8_t *mac = sc->sc_net.nt_mac;
	bool up = sc->sc_announced;
	unsigned int i;
	int rv;

	netfront_xs_read(sc);
	(void)netfront_xs_link(sc);
	pv_log(sc->sc_dev, PV_LOG_INFO, "%s: %02x:%02x:%02x:%02x:%02x:%02x, "
	    "MTU %u, %u queue%s%s%s", sc->sc_name, mac[0], mac[1], mac[2],
	    mac[3], mac[4], mac[5], (unsigned int)sc->sc_net.nt_mtu,
	    sc->sc_nqueue, sc->sc_nqueue == 1 ? "" : "s",
	    sc->sc_split ? ", split events" : "",
	    sc->sc_net.nt_link ? "" : ", no carrier");
	netfront_open(sc, true);
	netfront_mc_open(sc);
	netfront_ctl_open(sc);
	sc->sc_announced = true;
	if (!up && pc->pc_net_up != NULL)
		pc->pc_net_up(&sc->sc_net);
	/* Packets wait until the consumer has set nt_recv. */
	netfront_poll(sc);
	for (i = 0; i < sc->sc_nqueue; i++)
		evtchn_notify(netfront_rxeh(sc->sc_queue[i]));
	if (up)
		netfront_resume(&sc->sc_net);
	rv = netfront_xs_watch(sc);
	if (rv < 0)
		pv_log(sc->sc_dev, PV_LOG_WARN, "no watch on the carrier "
		    "(error %d)", -rv);
	return 0;
}

static void
netfront_changed(void *softc)
{
	struct netfront_softc *sc = softc;

	netfront_mc_sync(sc);
	if (!netfront_xs_link(sc))
		return;
	pv_log(sc->sc_dev, PV_LOG_INFO, "%s: carrier %s, MTU %u", sc->sc_name,
	    sc->sc_net.nt_link ? "on" : "off",
	    (unsigned int)sc->sc_net.nt_mtu);
	if (sc->sc_net.nt_change != NULL)
		sc->sc_net.nt_change(&sc->sc_net);
}

static void
netfront_disconnect(void *softc)
{
	struct netfront_softc *sc = softc;
	struct pv_net *nt = &sc->sc_net;
	unsigned int i;

	netfront_mc_close(sc);
	netfront_open(sc, false);
	netfront_xs_unwatch(sc);
	netfront_ctl_disconnect(sc);
	for (i = 0; i < sc->sc_nqueue; i++)
		netfront_disconnect_queue(sc->sc_queue[i]);
	nt->nt_link = false;
	if (!sc->sc_announced || !pv_dev_held(sc->sc_dev))
		netfront_withdraw(sc);
	else if (nt->nt_change != NULL)
		nt->nt_change(nt);
}

/* ---- Events ------------------------------------------------------------ */

static bool
netfront_is_up(struct netfront_queue *nq)
{
	bool up;

	pv_lock(&nq->nq_tt->tt_lock);
	up = nq->nq_up;
	pv_unlock(&nq->nq_tt->tt_lock);
	return up;
}

/* Each event channel's handler, of one ring or of both.  Context: deferred. */
static enum evtchn_result
netfront_intr_tx(void *arg)
{
	return netfront_is_up(arg) ? netfront_tx_intr(arg) : EVTCHN_SPURIOUS;
}

static enum evtchn_result
netfront_intr_rx(void *arg)
{
	return netfront_is_up(arg) ? netfront_rx_intr(arg) : EVTCHN_SPURIOUS;
}

static enum evtchn_result
netfront_intr(void *arg)
{
	enum evtchn_result tx = netfront_intr_tx(arg);
	enum evtchn_result rx = netfront_intr_rx(arg);

	if (tx == EVTCHN_MORE || rx == EVTCHN_MORE)
		return EVTCHN_MORE;
	if (tx == EVTCHN_DONE || rx == EVTCHN_DONE)
		return EVTCHN_DONE;
	return EVTCHN_SPURIOUS;
}

void
netfront_fail(struct netfront_softc *sc, const char *why)
{
	struct netfront_queue *nq;
	unsigned int i;

	for (i = 0; i < sc->sc_nqueue; i++) {
		nq = sc->sc_queue[i];
		pv_lock(&nq->nq_tt->tt_lock);
		nq->nq_up = false;
		nq->nq_error = -PV_EPROTO;
		pv_unlock(&nq->nq_tt->tt_lock);
	}
	pv_dev_fail(sc->sc_dev, why);
}

/* ---- Driver ------------------------------------------------------------ */

static const struct pv_net_ops netfront_ops = {
	.no_send = netfront_tx_send,
	.no_poll = netfront_poll,
	.no_set = netfront_mc_set,
};

static const char *const netfront_settings[] = {
	"netfront.offload", "netfront.queues", "netfront.static_multicast",
	NULL
};

const struct pv_driver netfront_driver = {
	.dv_name = "netfront",
	.dv_match = "vif",
	.dv_settings = netfront_settings,
	.dv_scsize = sizeof(struct netfront_softc),
	.dv_attach = netfront_attach,
	.dv_detach = netfront_detach,
	.dv_connect = netfront_connect,
	.dv_start = netfront_start,
	.dv_disconnect = netfront_disconnect,
	.dv_changed = netfront_changed,
};
