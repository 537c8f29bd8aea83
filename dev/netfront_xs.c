/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netfront_xs -- what netfront and its peer say to each other in XenStore.
 *
 * Ours:	mac, mtu (both by the toolstack); tx-ring-ref, rx-ring-ref,
 *		event-channel or event-channel-tx and -rx, of several queues
 *		in directories of their own; ctrl-ring-ref and
 *		event-channel-ctrl; request-multicast-control; and what we
 *		can take.
 * The peer's:	feature-rx-copy, feature-sg, feature-no-csum-offload,
 *		feature-ipv6-csum-offload, feature-gso-tcpv4, -tcpv6,
 *		feature-split-event-channels, multi-queue-max-queues,
 *		feature-multicast-control, feature-dynamic-multicast-control,
 *		feature-ctrl-ring, carrier.
 *
 * Protocol: xen/include/public/io/netif.h.
 */

#include "netfront.h"
#include "setting.h"
#include "str.h"

#define NETFRONT_XS_QUEUE 16		/* bytes of "queue-7" */
#define NETFRONT_MTU	1500
#define NETFRONT_MINMTU	68
#define NETFRONT_MAXMTU	(XEN_NETIF_MAX_TX_SIZE - NETFRONT_HDRLEN)

/* What we can take, in the order of netif.h: as a rule, and when the operator
   wants whole packets only. */
static const struct netfront_xs_key {
	const char	*nk_key;
	unsigned int	 nk_val, nk_plain;
} netfront_xs_keys[] = {
	{ "request-rx-copy", 1, 1 },
	{ "feature-rx-notify", 1, 1 },	/* Linux sends nothing without it */
	{ "feature-sg", 1, 1 },
	{ "feature-no-csum-offload", 0, 1 },
	{ "feature-ipv6-csum-offload", 1, 0 },
	{ "feature-gso-tcpv4", 1, 0 },
	{ "feature-gso-tcpv6", 1, 0 },
};

/* ---- Our own directory ------------------------------------------------- */

/* "vif/0" becomes "xn0". */
int
netfront_xs_name(struct netfront_softc *sc)
{
	const char *p, *num = "";
	struct strbuf sb;
	char mac[32];
	int rv;

	for (p = sc->sc_dev->pd_name; *p != '\0'; p++)
		if (*p == '/')
			num = p + 1;
	str_begin(&sb, sc->sc_name, sizeof(sc->sc_name));
	str_add(&sb, "xn");
	str_add(&sb, num);
	sc->sc_net.nt_name = sc->sc_name;
	rv = xenbus_own_str(sc->sc_dev, "mac", mac, sizeof(mac));
	if (rv == 0)
		rv = str_mac(mac, str_len(mac), sc->sc_net.nt_mac);
	if (rv < 0)
		pv_log(sc->sc_dev, PV_LOG_ERR, "no usable mac in the device's "
		    "directory");
	return rv;
}

/* Remove what an earlier connection may have left; 0 or -PV_E*. */
static int
netfront_xs_remove(struct xen *x, const struct xs_trans *xt, const char *dir,
    const char *key)
{
	char path[XS_PATHMAX];
	int rv;

	rv = xs_path_join(path, sizeof(path), dir, key);
	if (rv == 0)
		rv = xs_rm(x, xt, path);
	return rv == -PV_ENOENT ? 0 : rv;
}

/* A number of one queue's, or none any more. */
struct netfront_xs_val {
	const char	*nv_key;
	bool		 nv_there;
	uint32_t	 nv_val;
};

/* Numbers in dir; others are removed: a peer may take old ones for ours. */
static int
netfront_xs_write_vals(struct xen *x, const struct xs_trans *xt,
    const char *dir, const struct netfront_xs_val *nv, size_t n)
{
	int rv = 0;

	for (; rv == 0 && n > 0; nv++, n--)
		rv = nv->nv_there ? xs_write_num(x, xt, dir, nv->nv_key,
		    nv->nv_val) : netfront_xs_remove(x, xt, dir, nv->nv_key);
	return rv;
}

/* The keys of one queue in dir. */
static int
netfront_xs_write_queue(const struct netfront_queue *nq,
    const struct xs_trans *xt, const char *dir, bool here)
{
	bool split = nq->nq_split;
	const struct netfront_xs_val vals[] = {
		{ "tx-ring-ref", here, gref_x(nq->nq_txpage.xr_gref[0]) },
		{ "rx-ring-ref", here, gref_x(nq->nq_rxpage.xr_gref[0]) },
		{ "event-channel", here && !split,
		    evport_x(nq->nq_eh[0].eh_port) },
		{ "event-channel-tx", here && split,
		    evport_x(nq->nq_eh[0].eh_port) },
		{ "event-channel-rx", here && split,
		    evport_x(nq->nq_eh[1].eh_port) },
	};

	return netfront_xs_write_vals(xenbus_xen(nq->nq_sc->sc_dev), xt, dir,
	    vals, PV_NELEM(vals));
}

/* The keys of the control ring, and whether the peer is to filter. */
static int
netfront_xs_write_ctl(const struct netfront_softc *sc,
    const struct xs_trans *xt, const char *dir)
{
	const struct netfront_ctl *ct = &sc->sc_ctl;
	const struct netfront_xs_val vals[] = {
		{ "ctrl-ring-ref", ct->ct_live,
		    ct->ct_live ? gref_x(ct->ct_shared.xr_gref[0]) : 0 },
		{ "event-channel-ctrl", ct->ct_live,
		    ct->ct_live ? evport_x(ct->ct_eh.eh_port) : 0 },
		{ "request-multicast-control", true, sc->sc_mc.mc_asked },
	};

	return netfront_xs_write_vals(xenbus_xen(sc->sc_dev), xt, dir, vals,
	    PV_NELEM(vals));
}

/* Several queues: "queue-0" and so on. */
static int
netfront_xs_write_queues(struct netfront_softc *sc, const struct xs_trans *xt,
    const char *dir)
{
	char name[NETFRONT_XS_QUEUE], path[XS_PATHMAX];
	struct strbuf sb;
	unsigned int i;
	int rv = 0;

	for (i = 0; rv == 0 && i < sc->sc_nqueue; i++) {
		str_begin(&sb, name, sizeof(name));
		str_add(&sb, "queue-");
		str_addu(&sb, i);
		rv = xs_path_join(path, sizeof(path), dir, name);
		if (rv == 0)
			rv = netfront_xs_write_queue(sc->sc_queue[i], xt, path,
			    true);
	}
	return rv;
}

/* Are checksums and segments left to the peer, and by it to us? */
static bool
netfront_xs_offload(const struct netfront_softc *sc)
{
	return pv_setting_bool(sc->sc_dev->pd_client, "netfront.offload",
	    true);
}

static int
netfront_xs_write(void *softc, const struct xs_trans *xt, const char *dir)
{
	struct netfront_softc *sc = softc;
	struct xen *x = xenbus_xen(sc->sc_dev);
	bool several = sc->sc_nqueue > 1, plain = !netfront_xs_offload(sc);
	const struct netfront_xs_key *nk = netfront_xs_keys;
	size_t i;
	int rv;

	rv = netfront_xs_write_queue(sc->sc_queue[0], xt, dir, !several);
	if (rv == 0 && several) {
		rv = netfront_xs_write_queues(sc, xt, dir);
		if (rv == 0)
			rv = xs_write_num(x, xt, dir, "multi-queue-num-queues",
			    sc->sc_nqueue);
	} else if (rv == 0) {
		rv = netfront_xs_remove(x, xt, dir, "multi-queue-num-queues");
	}
	if (rv == 0)
		rv = netfront_xs_write_ctl(sc, xt, dir);
	for (i = 0; rv == 0 && i < PV_NELEM(netfront_xs_keys); i++, nk++)
		rv = xs_write_num(x, xt, dir, nk->nk_key, plain ?
		    nk->nk_plain : nk->nk_val);
	return rv;
}

int
netfront_xs_publish(struct netfront_softc *sc)
{
	return xenbus_publish(sc->sc_dev, netfront_xs_write, sc);
}

int
netfront_xs_multicast(struct netfront_softc *sc, bool on)
{
	return xs_write_num(xenbus_xen(sc->sc_dev), NULL,
	    xenbus_of(sc->sc_dev)->xd_path, "request-multicast-control", on);
}

/* ---- The peer's directory ---------------------------------------------- */

int
netfront_xs_check(struct netfront_softc *sc)
{
	/* peer: all peers copy; page flipping is long gone. */
	if (xenbus_peer_num(sc->sc_dev, "feature-rx-copy", 0, 1, 0) == 1)
		return 0;
	pv_log(sc->sc_dev, PV_LOG_ERR, "the peer has no feature-rx-copy");
	return -PV_EOPNOTSUPP;
}

/* Queues: what the peer, the CPUs and the operator allow. */
unsigned int
netfront_xs_queues(struct netfront_softc *sc)
{
	static const int64_t range[2] = { 1, NETFRONT_NQUEUE };
	struct pv_dev *dev = sc->sc_dev;
	unsigned int n = dev->pd_client->pc_ncpu, max;

	sc->sc_split = xenbus_peer_num(dev, "feature-split-event-channels", 0,
	    1, 0) == 1;
	max = (unsigned int)pv_setting_num(dev->pd_client, "netfront.queues",
	    range, NETFRONT_NQUEUE);
	n = n < max ? n : max;
	max = (unsigned int)xenbus_peer_num(dev, "multi-queue-max-queues", 0,
	    UINT32_MAX, 1);
	n = n < max ? n : max;
	return n < 1 ? 1 : n;
}

/* Which checksums and segments the peer makes. */
static uint32_t
netfront_xs_can(const struct netfront_softc *sc)
{
	struct pv_dev *dev = sc->sc_dev;
	uint32_t can = 0;

	/* IPv4's is there unless denied, IPv6's not unless offered. */
	if (xenbus_peer_num(dev, "feature-no-csum-offload", 0, 1, 0) == 0)
		can |= PV_NET_CAN_CSUM4;
	if (xenbus_peer_num(dev, "feature-ipv6-csum-offload", 0, 1, 0) == 1)
		can |= PV_NET_CAN_CSUM6;
	/* Of several pieces, and their checksums blank, or not at all. */
	if (sc->sc_maxslot > 1 && (can & PV_NET_CAN_CSUM4) != 0 &&
	    xenbus_peer_num(dev, "feature-gso-tcpv4", 0, 1, 0) == 1)
		can |= PV_NET_CAN_TSO4;
	if (sc->sc_maxslot > 1 && (can & PV_NET_CAN_CSUM6) != 0 &&
	    xenbus_peer_num(dev, "feature-gso-tcpv6", 0, 1, 0) == 1)
		can |= PV_NET_CAN_TSO6;
	return can;
}

/* Read when the peer is connected: some write their values only then. */
void
netfront_xs_read(struct netfront_softc *sc)
{
	bool offload = netfront_xs_offload(sc);

	sc->sc_maxslot = 1;
	if (xenbus_peer_num(sc->sc_dev, "feature-sg", 0, 1, 0) == 1)
		sc->sc_maxslot = XEN_NETIF_NR_SLOTS_MIN;
	/* What the peer does not take in pieces, we copy. */
	sc->sc_net.nt_offload = PV_NET_CAN_SG |
	    (offload ? netfront_xs_can(sc) : 0);
	sc->sc_net.nt_recvoffload = offload ? PV_NET_RX_CSUM | PV_NET_RX_GSO :
	    0;
	sc->sc_net.nt_npair = sc->sc_nqueue;
}

bool
netfront_xs_link(struct netfront_softc *sc)
{
	struct pv_net *nt = &sc->sc_net;
	bool link;
	uint64_t mtu;

	link = xenbus_peer_num(sc->sc_dev, "carrier", 0, 1, 1) == 1;
	mtu = xenbus_own_num(sc->sc_dev, "mtu", NETFRONT_MINMTU,
	    NETFRONT_MAXMTU, NETFRONT_MTU);
	if (sc->sc_maxslot == 1 && mtu > NETFRONT_MTU)
		mtu = NETFRONT_MTU;
	if (link == nt->nt_link && mtu == nt->nt_mtu)
		return false;
	nt->nt_link = link;
	nt->nt_mtu = (uint16_t)mtu;
	return true;
}

/* Leads to netfront_changed(), in the device's own context. */
static void
netfront_xs_carrier(void *softc, const char *path)
{
	struct netfront_softc *sc = softc;

	pv_dev_event(sc->sc_dev, PV_EV_RUNNING);
}

int
netfront_xs_watch(struct netfront_softc *sc)
{
	struct xenbus_dev *xd = xenbus_of(sc->sc_dev);
	char path[XS_PATHMAX];
	int rv;

	rv = xs_path_join(path, sizeof(path), xd->xd_peerpath, "carrier");
	if (rv < 0)
		return rv;
	sc->sc_carrier.xw_dev = sc->sc_dev;
	return xs_watch(xd->xd_xen, &sc->sc_carrier, path,
	    netfront_xs_carrier, sc);
}

void
netfront_xs_unwatch(struct netfront_softc *sc)
{
	xs_unwatch(&sc->sc_carrier);
}
