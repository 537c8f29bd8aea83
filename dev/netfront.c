/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netfront -- Xen virtual network interface, front end.
 *
 * The peer (xen-netback, or any netback) is the other end of a cable.  Two
 * rings of a page each: on one we lend it the pages of packets to send, on
 * the other we lend it empty pages of our own which it fills.
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
 * Offloads: checksums in both directions where the peer offers them.  No
 * segmentation: a packet that claims it was not asked for, and is dropped.
 *
 * One event channel serves both rings, and one handler runs for it at a time:
 * the receive side needs no lock.  The transmit side is guarded by tt_lock.
 */

#include "netfront.h"

/* ---- Names ------------------------------------------------------------- */

static void	 netfront_detach(void *);
static enum evtchn_result netfront_intr(void *);
static const struct pv_net_ops netfront_ops;

/* ---- Attach ------------------------------------------------------------ */

static int
netfront_attach(void *softc, struct pv_dev *dev)
{
	struct netfront_softc *sc = softc;
	int rv;

	sc->sc_dev = dev;
	sc->sc_net.nt_ops = &netfront_ops;
	sc->sc_net.nt_sc = sc;
	rv = netfront_tx_attach(sc);
	if (rv == 0)
		rv = netfront_rx_attach(sc);
	if (rv == 0)
		rv = netfront_xs_name(sc);
	if (rv < 0)
		netfront_detach(sc);
	return rv;
}

static void
netfront_detach(void *softc)
{
	struct netfront_softc *sc = softc;

	netfront_rx_detach(sc);
	netfront_tx_detach(sc);
}

/* ---- Connection -------------------------------------------------------- */

static int
netfront_connect(void *softc)
{
	struct netfront_softc *sc = softc;
	struct pv_dev *dev = sc->sc_dev;
	int rv;

	rv = netfront_xs_check(sc);
	if (rv < 0)
		return rv;
	rv = netfront_tx_connect(sc);
	if (rv < 0)
		return rv;
	rv = netfront_rx_connect(sc);
	if (rv < 0)
		return rv;
	rv = evtchn_alloc(xenbus_xen(dev), dev, (pv_domid_t)dev->pd_peer,
	    &sc->sc_eh, netfront_intr, sc);
	if (rv < 0)
		return rv;
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

static int
netfront_start(void *softc)
{
	struct netfront_softc *sc = softc;
	const struct pv_client *pc = sc->sc_dev->pd_client;
	const uint8_t *mac = sc->sc_net.nt_mac;
	bool up = sc->sc_announced;
	int rv;

	netfront_xs_read(sc);
	(void)netfront_xs_link(sc);
	pv_log(sc->sc_dev, PV_LOG_INFO, "%s: %02x:%02x:%02x:%02x:%02x:%02x, "
	    "MTU %u%s", sc->sc_name, mac[0], mac[1], mac[2], mac[3], mac[4],
	    mac[5], (unsigned int)sc->sc_net.nt_mtu,
	    sc->sc_net.nt_link ? "" : ", no carrier");
	pv_lock(&sc->sc_tt->tt_lock);
	sc->sc_up = true;
	pv_unlock(&sc->sc_tt->tt_lock);
	netfront_rx_start(sc, true);
	sc->sc_announced = true;
	if (!up && pc->pc_net_up != NULL)
		pc->pc_net_up(&sc->sc_net);
	/* Packets wait until the consumer has set nt_recv. */
	evtchn_again(&sc->sc_eh);
	evtchn_notify(&sc->sc_eh);
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

	pv_lock(&sc->sc_tt->tt_lock);
	sc->sc_up = false;
	pv_unlock(&sc->sc_tt->tt_lock);
	netfront_rx_start(sc, false);
	netfront_xs_unwatch(sc);
	evtchn_close(&sc->sc_eh);
	netfront_tx_disconnect(sc);
	netfront_rx_disconnect(sc);
	nt->nt_link = false;
	if (!sc->sc_announced || !pv_dev_held(sc->sc_dev))
		netfront_withdraw(sc);
	else if (nt->nt_change != NULL)
		nt->nt_change(nt);
}

/* ---- Events ------------------------------------------------------------ */

/* Context: deferred. */
static enum evtchn_result
netfront_intr(void *arg)
{
	struct netfront_softc *sc = arg;
	enum evtchn_result tx, rx;
	bool up;

	pv_lock(&sc->sc_tt->tt_lock);
	up = sc->sc_up;
	pv_unlock(&sc->sc_tt->tt_lock);
	if (!up)
		return EVTCHN_SPURIOUS;
	tx = netfront_tx_intr(sc);
	rx = netfront_rx_intr(sc);
	if (tx == EVTCHN_MORE || rx == EVTCHN_MORE)
		return EVTCHN_MORE;
	if (tx == EVTCHN_DONE || rx == EVTCHN_DONE)
		return EVTCHN_DONE;
	return EVTCHN_SPURIOUS;
}

/* The handler looks soon; it alone may touch the receive side. */
static void
netfront_poll(void *softc)
{
	struct netfront_softc *sc = softc;

	evtchn_again(&sc->sc_eh);
}

void
netfront_fail(struct netfront_softc *sc, const char *why)
{
	pv_lock(&sc->sc_tt->tt_lock);
	sc->sc_up = false;
	sc->sc_error = -PV_EPROTO;
	pv_unlock(&sc->sc_tt->tt_lock);
	pv_dev_fail(sc->sc_dev, why);
}

/* ---- Driver ------------------------------------------------------------ */

static const struct pv_net_ops netfront_ops = {
	.no_send = netfront_tx_send,
	.no_poll = netfront_poll,
};

const struct pv_driver netfront_driver = {
	.dv_name = "netfront",
	.dv_match = "vif",
	.dv_scsize = sizeof(struct netfront_softc),
	.dv_attach = netfront_attach,
	.dv_detach = netfront_detach,
	.dv_connect = netfront_connect,
	.dv_start = netfront_start,
	.dv_disconnect = netfront_disconnect,
	.dv_changed = netfront_changed,
};
