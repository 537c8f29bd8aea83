/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netback_xs.c -- what netback reads and writes in XenStore; see netback.h.
 *
 * The toolstack's:	mac, mtu, ip, bridge, rate, handle
 * Ours:		hotplug-status, and what we can take
 * The guest's:		tx-ring-ref, rx-ring-ref, event-channel or
 *			event-channel-tx and -rx, of several queues in
 *			directories of their own; and what it can take
 *
 * Source: xen/include/public/io/netif.h; what libxl writes for an interface.
 */

#include "netback.h"
#include "setting.h"
#include "str.h"

#define NETBACK_XS_KEY	48	/* bytes of "queue-3/event-channel-tx" */
#define NETBACK_MTU	1500u
#define NETBACK_MINMTU	68u
#define NETBACK_MAXMTU	(NETBACK_MAXLEN - NETBACK_HDRLEN)

/* ---- what the toolstack says ------------------------------------------- */

/* What is wrong is told once: it is looked at again and again. */
static int
netback_xs_refuse(struct netback_softc *sc, const char *key, int rv)
{
	if (sc->sc_said != rv)
		pv_log(sc->sc_dev, PV_LOG_ERR, "the toolstack's \"%s\" makes "
		    "no sense (error %d)", key, -rv);
	sc->sc_said = rv;
	return rv;
}

/* "vif/5/0" becomes "vif5.0". */
static void
netback_xs_name(struct netback_softc *sc)
{
	const char *p, *num = "0";
	struct strbuf sb;
	uint64_t id = 0;

	for (p = sc->sc_dev->pd_name; *p != '\0'; p++)
		if (*p == '/')
			num = p + 1;
	(void)str_num(num, str_len(num), 0, UINT32_MAX, &id);
	sc->sc_guest.ng_devid = (unsigned int)id;
	str_begin(&sb, sc->sc_name, sizeof(sc->sc_name));
	str_add(&sb, "vif");
	str_addu(&sb, sc->sc_guest.ng_domid);
	str_add(&sb, ".");
	str_addu(&sb, id);
}

/* Whose packets the guest may send.  What was said before is over. */
static int
netback_xs_rules(struct netback_softc *sc)
{
	static const int64_t range[2] = { 0, 1 };
	struct netback_rule *ru = &sc->sc_rule;
	struct pv_net_guest *ng = &sc->sc_guest;
	char rate[48];
	int rv;

	__builtin_memset(ru, 0, sizeof(*ru));
	rv = xenbus_own_str(sc->sc_dev, "ip", ng->ng_ip, sizeof(ng->ng_ip));
	if (rv == 0)
		rv = netback_rule_addrs(ru, ng->ng_ip);
	str_sanitise(ng->ng_ip, str_len(ng->ng_ip));
	/* A rule that is not understood lets nobody in. */
	if (rv < 0 && rv != -PV_ENOENT)
		return netback_xs_refuse(sc, "ip", rv);
	__builtin_memcpy(ru->ru_own, ng->ng_mac, 6);
	ru->ru_mac = pv_setting_num(sc->sc_dev->pd_client,
	    "netback.check_mac", range, ru->ru_naddr > 0) != 0;
	rv = xenbus_own_str(sc->sc_dev, "rate", rate, sizeof(rate));
	if (rv == 0)
		rv = netback_rule_rate(ru, rate);
	return rv < 0 && rv != -PV_ENOENT ?
	    netback_xs_refuse(sc, "rate", rv) : 0;
}

/*
 * netback_xs_read -- what the toolstack says of the interface
 *
 * 0 or -PV_E*.
 * Context: thread.
 */
int
netback_xs_read(struct netback_softc *sc)
{
	static const uint8_t own[6] = { 0xfe, 255, 255, 255, 255, 255 };
	struct pv_net_guest *ng = &sc->sc_guest;
	char mac[32];
	int rv;

	netback_xs_name(sc);
	/* As all back ends have it: no bridge takes that for the lowest. */
	__builtin_memcpy(sc->sc_net.nt_mac, own, 6);
	rv = xenbus_own_str(sc->sc_dev, "mac", mac, sizeof(mac));
	if (rv == 0)
		rv = str_mac(mac, str_len(mac), ng->ng_mac);
	if (rv < 0)
		return netback_xs_refuse(sc, "mac", rv);
	if (xenbus_own_str(sc->sc_dev, "bridge", ng->ng_bridge,
	    sizeof(ng->ng_bridge)) < 0)
		ng->ng_bridge[0] = '\0';
	str_sanitise(ng->ng_bridge, str_len(ng->ng_bridge));
	rv = netback_xs_rules(sc);
	if (rv == 0)
		sc->sc_said = 0;
	return rv;
}

/* ---- what we can ------------------------------------------------------- */

static unsigned int
netback_xs_maxqueue(struct netback_softc *sc)
{
	static const int64_t range[2] = { 1, NETBACK_NQUEUE };

	return (unsigned int)pv_setting_num(sc->sc_dev->pd_client,
	    "netback.queues", range, NETBACK_NQUEUE);
}

static const struct netback_xs_key {
	const char	*nk_key;
	unsigned int	 nk_val;
} netback_xs_keys[] = {
	{ "feature-rx-copy", 1 },
	{ "feature-rx-flip", 0 },
	{ "feature-sg", 1 },
	{ "feature-ipv6-csum-offload", 1 },
	{ "feature-gso-tcpv4", 1 },
	{ "feature-gso-tcpv6", 1 },
	{ "feature-multicast-control", 1 },
	{ "feature-dynamic-multicast-control", 1 },
	{ "feature-split-event-channels", 1 },
	{ "feature-ctrl-ring", 1 },
	{ "carrier", 1 },
};

static int
netback_xs_write(void *softc, const struct xs_trans *xt, const char *dir)
{
	struct netback_softc *sc = softc;
	struct xen *x = xenbus_xen(sc->sc_dev);
	size_t i;
	int rv = 0;

	for (i = 0; rv == 0 && i < PV_NELEM(netback_xs_keys); i++)
		rv = xs_write_num(x, xt, dir, netback_xs_keys[i].nk_key,
		    netback_xs_keys[i].nk_val);
	if (rv == 0)
		rv = xs_write_num(x, xt, dir, "multi-queue-max-queues",
		    netback_xs_maxqueue(sc));
	/* Nothing else has to be plugged: the toolstack need not wait. */
	if (rv == 0)
		rv = xs_write_str(x, xt, dir, "hotplug-status", "connected");
	return rv;
}

/*
 * netback_xs_offer -- what we can do, for the guest to choose from
 *
 * 0 or -PV_E*.
 * Context: thread.
 */
int
netback_xs_offer(struct netback_softc *sc)
{
	return xenbus_publish(sc->sc_dev, netback_xs_write, sc);
}

/* ---- what the guest chose ---------------------------------------------- */

static bool
netback_xs_has(struct netback_softc *sc, const char *key)
{
	return xenbus_peer_num(sc->sc_dev, key, 0, 1, 0) == 1;
}

/* What the guest can take. */
static uint32_t
netback_xs_offloads(struct netback_softc *sc)
{
	uint32_t can = PV_NET_CAN_SG;	/* pieces are copied together */

	/* IPv4's is there unless denied, IPv6's not unless offered. */
	if (!netback_xs_has(sc, "feature-no-csum-offload"))
		can |= PV_NET_CAN_CSUM4;
	if (netback_xs_has(sc, "feature-ipv6-csum-offload"))
		can |= PV_NET_CAN_CSUM6;
	if (sc->sc_sg && (can & PV_NET_CAN_CSUM4) != 0 &&
	    netback_xs_has(sc, "feature-gso-tcpv4"))
		can |= PV_NET_CAN_TSO4;
	if (sc->sc_sg && (can & PV_NET_CAN_CSUM6) != 0 &&
	    netback_xs_has(sc, "feature-gso-tcpv6"))
		can |= PV_NET_CAN_TSO6;
	return can;
}

/*
 * netback_xs_peer -- how many queues, and what the guest takes
 *
 * 0; -PV_EPROTO: it chose what it was not offered; -PV_EOPNOTSUPP: it does not
 * have its packets copied.
 * Context: thread.
 */
int
netback_xs_peer(struct netback_softc *sc)
{
	struct pv_dev *dev = sc->sc_dev;
	struct pv_net *nt = &sc->sc_net;

	if (!netback_xs_has(sc, "request-rx-copy")) {
		pv_log(dev, PV_LOG_ERR, "the guest does not ask for copies "
		    "(request-rx-copy)");
		return -PV_EOPNOTSUPP;
	}
	/* peer: within what was offered; 0 is out of range. */
	sc->sc_nqueue = (unsigned int)xenbus_peer_num(dev,
	    "multi-queue-num-queues", 0, UINT32_MAX, 1);
	if (sc->sc_nqueue == 0 || sc->sc_nqueue > netback_xs_maxqueue(sc)) {
		sc->sc_nqueue = 0;
		return -PV_EPROTO;
	}
	sc->sc_sg = netback_xs_has(sc, "feature-sg");
	sc->sc_notify = netback_xs_has(sc, "feature-rx-notify");
	nt->nt_offload = netback_xs_offloads(sc);
	nt->nt_recvoffload = PV_NET_RX_CSUM | PV_NET_RX_GSO;
	nt->nt_npair = sc->sc_nqueue;
	nt->nt_mtu = (uint16_t)xenbus_own_num(dev, "mtu", NETBACK_MINMTU,
	    NETBACK_MAXMTU, NETBACK_MTU);
	if (!sc->sc_sg && nt->nt_mtu > NETBACK_MTU)
		nt->nt_mtu = NETBACK_MTU;
	return 0;
}

/* The number of one queue's, from 1 on; 0: there is none. */
static uint32_t
netback_xs_num(struct netback_softc *sc, unsigned int n, const char *name)
{
	char key[NETBACK_XS_KEY];
	struct strbuf sb;

	str_begin(&sb, key, sizeof(key));
	if (sc->sc_nqueue > 1) {
		str_add(&sb, "queue-");
		str_addu(&sb, n);
		str_add(&sb, "/");
	}
	str_add(&sb, name);
	return (uint32_t)xenbus_peer_num(sc->sc_dev, key, 1, UINT32_MAX, 0);
}

/*
 * netback_xs_queue -- a queue's grants, and its ports
 *
 * All queues have one port, or all have two.  0 or -PV_EPROTO.  What they
 * grant is not known yet.
 * Context: thread.
 */
int
netback_xs_queue(struct netback_softc *sc, unsigned int n, evport_t port[2])
{
	struct netback_queue *nq = &sc->sc_queue[n];
	uint32_t tx = netback_xs_num(sc, n, "tx-ring-ref");
	uint32_t rx = netback_xs_num(sc, n, "rx-ring-ref");
	uint32_t one = netback_xs_num(sc, n, "event-channel-tx");
	uint32_t two = netback_xs_num(sc, n, "event-channel-rx");
	bool split = one != 0 || two != 0;

	nq->nq_page[0].gm_ref = GREF(tx);
	nq->nq_page[1].gm_ref = GREF(rx);
	if (!split)
		one = netback_xs_num(sc, n, "event-channel");
	if (n == 0)
		sc->sc_split = split;
	port[0] = EVPORT(one);
	port[1] = EVPORT(two);
	/* peer: every queue is whole, and like the others. */
	return tx == 0 || rx == 0 || one == 0 || split != (two != 0) ||
	    split != sc->sc_split ? -PV_EPROTO : 0;
}

/*
 * netback_xs_ctl -- the control ring's grant and port
 *
 * 1; 0: the guest has none; -PV_EPROTO: half of one.
 * Context: thread.
 */
int
netback_xs_ctl(struct netback_softc *sc, gref_t *ref, evport_t *port)
{
	uint64_t r = xenbus_peer_num(sc->sc_dev, "ctrl-ring-ref", 1,
	    UINT32_MAX, 0);
	uint64_t p = xenbus_peer_num(sc->sc_dev, "event-channel-ctrl", 1,
	    UINT32_MAX, 0);

	*ref = GREF((uint32_t)r);
	*port = EVPORT((uint32_t)p);
	return r == 0 && p == 0 ? 0 : r == 0 || p == 0 ? -PV_EPROTO : 1;
}

/* ---- its filter -------------------------------------------------------- */

/*
 * netback_xs_filters -- does the guest filter multicast?
 *
 * Context: thread.
 */
bool
netback_xs_filters(struct netback_softc *sc)
{
	return netback_xs_has(sc, "request-multicast-control");
}

/* Leads to netback_changed(), in the device's own context. */
static void
netback_xs_changed(void *softc, const char *path)
{
	struct netback_softc *sc = softc;

	(void)path;
	pv_dev_event(sc->sc_dev, PV_EV_RUNNING);
}

/*
 * netback_xs_watch, netback_xs_unwatch -- hear of changes of the filter
 *
 * 0 or -PV_E*; unwatch is idempotent.
 * Context: thread.
 */
int
netback_xs_watch(struct netback_softc *sc)
{
	struct xenbus_dev *xd = xenbus_of(sc->sc_dev);
	char path[XS_PATHMAX];
	int rv;

	sc->sc_groups.gr_on = netback_xs_filters(sc);
	rv = xs_path_join(path, sizeof(path), xd->xd_peerpath,
	    "request-multicast-control");
	if (rv < 0)
		return rv;
	sc->sc_watch.xw_dev = sc->sc_dev;
	return xs_watch(xd->xd_xen, &sc->sc_watch, path, netback_xs_changed,
	    sc);
}

void
netback_xs_unwatch(struct netback_softc *sc)
{
	xs_unwatch(&sc->sc_watch);
}
