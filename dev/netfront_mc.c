/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netfront_mc -- multicast control: which multicast packets the peer lets
 * through; see netfront.c.
 *
 * What the consumer wants (mc_mac) is remembered; the peer learns of each
 * address by an order, a transmit request without data (netfront_tx_mcast()).
 * One order is in flight at a time, and its answer makes the next one go:
 * mc_have is what the peer has said yes to.
 *
 * The list counts only while request-multicast-control is 1.  Where the peer
 * looks at that at any time (feature-dynamic-multicast-control), it becomes 1
 * when the peer knows the whole list, and 0 when the consumer wants all
 * multicast, or when the peer has no room for the list.  Other peers look once,
 * before there is a consumer; so they are asked only if the operator says so,
 * and then can not let all through.
 *
 * The store is written in the device's own context: netfront_mc_sync().
 */

#include "netfront.h"
#include "setting.h"

static bool
netfront_mc_same(const uint8_t a[6], const uint8_t b[6])
{
	return __builtin_memcmp(a, b, 6) == 0;
}

static bool
netfront_mc_find(const uint8_t (*tab)[6], unsigned int n,
    const uint8_t mac[6])
{
	while (n-- > 0)
		if (netfront_mc_same(tab[n], mac))
			return true;
	return false;
}

/* ---- Orders ------------------------------------------------------------ */

/*
 * The address that the peer's list has too much, or else, with *add, the one
 * that it lacks; NULL: it is right.  What goes makes room first.
 */
static const uint8_t *
netfront_mc_next_locked(const struct netfront_mc *mc, bool *add)
{
	unsigned int i;

	PV_ASSERT_LOCKED(&mc->mc_lock);
	*add = false;
	for (i = 0; i < mc->mc_nhave; i++)
		if (!netfront_mc_find(mc->mc_mac, mc->mc_nmac, mc->mc_have[i]))
			return mc->mc_have[i];
	*add = true;
	for (i = 0; i < mc->mc_nmac; i++)
		if (!netfront_mc_find(mc->mc_have, mc->mc_nhave,
		    mc->mc_mac[i]))
			return mc->mc_mac[i];
	return NULL;
}

/* Take an order; false: one is in flight, or there is none. */
static bool
netfront_mc_begin(struct netfront_mc *mc)
{
	const uint8_t *mac = NULL;
	bool add;

	pv_lock(&mc->mc_lock);
	if (mc->mc_open && !mc->mc_busy && !mc->mc_refused)
		mac = netfront_mc_next_locked(mc, &add);
	if (mac != NULL) {
		__builtin_memcpy(mc->mc_now, mac, 6);
		mc->mc_add = add;
		mc->mc_busy = true;
	}
	pv_unlock(&mc->mc_lock);
	return mac != NULL;
}

/* Context: deferred, thread. */
void
netfront_mc_go(struct netfront_softc *sc)
{
	struct netfront_mc *mc = &sc->sc_mc;
	int rv;

	if (!netfront_mc_begin(mc))
		return;
	rv = netfront_tx_mcast(sc->sc_queue[0], mc->mc_now, mc->mc_add);
	if (rv == 0) {
		pv_lock(&sc->sc_lock);
		sc->sc_net.nt_nset++;
		pv_unlock(&sc->sc_lock);
		return;
	}
	/* A full ring calls when there is room. */
	pv_lock(&mc->mc_lock);
	mc->mc_busy = false;
	pv_unlock(&mc->mc_lock);
}

/* The peer has done what was in mc_now. */
static void
netfront_mc_settle_locked(struct netfront_mc *mc)
{
	unsigned int i;

	PV_ASSERT_LOCKED(&mc->mc_lock);
	/* The list may have been begun anew since: nothing is taken as sure. */
	if (mc->mc_add) {
		if (mc->mc_nhave < PV_NET_NMAC)
			__builtin_memcpy(mc->mc_have[mc->mc_nhave++],
			    mc->mc_now, 6);
		return;
	}
	for (i = 0; i < mc->mc_nhave; i++) {
		if (netfront_mc_same(mc->mc_have[i], mc->mc_now)) {
			__builtin_memcpy(mc->mc_have[i],
			    mc->mc_have[--mc->mc_nhave], 6);
			return;
		}
	}
}

/* Context: deferred. */
void
netfront_mc_done(struct netfront_softc *sc, bool ok)
{
	struct netfront_mc *mc = &sc->sc_mc;

	pv_lock(&mc->mc_lock);
	mc->mc_busy = false;
	if (ok)
		netfront_mc_settle_locked(mc);
	else
		mc->mc_refused = true;
	pv_unlock(&mc->mc_lock);
	if (!ok) {
		pv_lock(&sc->sc_lock);
		sc->sc_net.nt_nrefused++;
		pv_unlock(&sc->sc_lock);
		pv_log(sc->sc_dev, PV_LOG_WARN, "the peer refuses multicast "
		    "address %u of %u", mc->mc_nhave + 1, mc->mc_nmac);
	}
	netfront_mc_go(sc);
	pv_dev_event(sc->sc_dev, PV_EV_RUNNING);	/* netfront_mc_sync() */
}

/* ---- Connection -------------------------------------------------------- */

/* The consumer wants no more than what it has listed. */
static bool
netfront_mc_exact(const struct netfront_mc *mc)
{
	return mc->mc_set &&
	    (mc->mc_flags & (PV_NET_PROMISC | PV_NET_ALLMULTI)) == 0;
}

void
netfront_mc_connect(struct netfront_softc *sc)
{
	struct netfront_mc *mc = &sc->sc_mc;
	struct pv_dev *dev = sc->sc_dev;
	bool dynamic = xenbus_peer_num(dev,
	    "feature-dynamic-multicast-control", 0, 1, 0) == 1;
	bool can = dynamic || xenbus_peer_num(dev,
	    "feature-multicast-control", 0, 1, 0) == 1;
	bool asked = can && !dynamic && pv_setting_bool(dev->pd_client,
	    "netfront.static_multicast", false);

	pv_lock(&mc->mc_lock);
	mc->mc_can = dynamic || asked;
	mc->mc_dynamic = dynamic;
	mc->mc_asked = asked;
	pv_unlock(&mc->mc_lock);
}

void
netfront_mc_close(struct netfront_softc *sc)
{
	pv_lock(&sc->sc_mc.mc_lock);
	sc->sc_mc.mc_open = false;
	pv_unlock(&sc->sc_mc.mc_lock);
}

void
netfront_mc_sync(struct netfront_softc *sc)
{
	struct netfront_mc *mc = &sc->sc_mc;
	bool ask, write, add;
	int rv;

	pv_lock(&mc->mc_lock);
	ask = netfront_mc_exact(mc) && !mc->mc_refused &&
	    (mc->mc_asked || netfront_mc_next_locked(mc, &add) == NULL);
	write = mc->mc_open && mc->mc_dynamic && !mc->mc_busy &&
	    ask != mc->mc_asked;
	if (write)
		mc->mc_asked = ask;
	pv_unlock(&mc->mc_lock);
	if (!write)
		return;
	rv = netfront_xs_multicast(sc, ask);
	if (rv < 0)
		pv_log(sc->sc_dev, PV_LOG_WARN, "multicast control: error %d",
		    -rv);
}

void
netfront_mc_open(struct netfront_softc *sc)
{
	struct netfront_mc *mc = &sc->sc_mc;

	pv_lock(&mc->mc_lock);
	mc->mc_open = mc->mc_can;
	mc->mc_busy = mc->mc_refused = false;
	mc->mc_nhave = 0;
	pv_unlock(&mc->mc_lock);
	netfront_mc_go(sc);
	netfront_mc_sync(sc);
}

/* ---- Class ------------------------------------------------------------- */

/* Remember what the consumer wants; of unicast addresses the peer asks not. */
static void
netfront_mc_keep_locked(struct netfront_mc *mc, const struct pv_net_set *ns)
{
	unsigned int i;

	PV_ASSERT_LOCKED(&mc->mc_lock);
	mc->mc_set = true;
	mc->mc_flags = ns->ns_flags;
	mc->mc_nmac = 0;
	for (i = 0; i < ns->ns_nmac; i++)
		if ((ns->ns_mac[i][0] & 1) != 0 && !netfront_mc_find(
		    mc->mc_mac, mc->mc_nmac, ns->ns_mac[i]))
			__builtin_memcpy(mc->mc_mac[mc->mc_nmac++],
			    ns->ns_mac[i], 6);
	/* Perhaps there is room for this list. */
	mc->mc_refused = false;
}

/* pv_net_ops.no_set.  Context: deferred, thread. */
int
netfront_mc_set(void *softc, const struct pv_net_set *ns)
{
	struct netfront_softc *sc = softc;
	struct netfront_mc *mc = &sc->sc_mc;
	bool can, open;

	if (ns->ns_what != PV_NET_SET_FILTER)
		return -PV_EOPNOTSUPP;
	if (ns->ns_nmac > PV_NET_NMAC)
		return -PV_E2BIG;
	pv_lock(&mc->mc_lock);
	netfront_mc_keep_locked(mc, ns);
	can = mc->mc_can && (mc->mc_dynamic || netfront_mc_exact(mc));
	open = mc->mc_open;
	pv_unlock(&mc->mc_lock);
	netfront_mc_go(sc);
	/* A device that is connecting would take it for its peer's. */
	if (open)
		pv_dev_event(sc->sc_dev, PV_EV_RUNNING);
	return can ? 0 : -PV_EOPNOTSUPP;
}
