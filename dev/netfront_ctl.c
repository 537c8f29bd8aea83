/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netfront_ctl -- the control ring: how the peer spreads what we receive over
 * the queues; see netfront.c.
 *
 * Where there are several queues and the peer has a control ring, it is told
 * once per connection, one order after the other, to hash flows by Toeplitz
 * with our key, and which queue each value of the hash takes:
 *
 *	algorithm -> what can be hashed -> hash that -> key
 *	    -> size of the table -> that size -> the table -> in use
 *
 * From then on we spread by the same hash and table what we send.  The key
 * gives both directions of a connection the same value (its 16 bits repeat),
 * so one queue, and one CPU, has all of it.
 *
 * A peer that refuses an order is told to hash no more, and goes on as if it
 * had no control ring; one that does not answer does the same by itself.
 */

#include "flow.h"
#include "netfront.h"
#include "shm.h"

#define NETFRONT_CTL_BUDGET	8	/* answers of one run */
#define NETFRONT_CTL_KEY	40	/* bytes */
#define NETFRONT_CTL_TYPES	(XEN_NETIF_CTRL_HASH_TYPE_IPV4 |	\
				 XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP |	\
				 XEN_NETIF_CTRL_HASH_TYPE_IPV6 |	\
				 XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP)

PV_WIRE_ASSERT(struct xen_netif_ctrl_request, 16);
PV_WIRE_OFFSET(struct xen_netif_ctrl_request, data, 4);
PV_WIRE_ASSERT(struct xen_netif_ctrl_response, 12);
PV_WIRE_OFFSET(struct xen_netif_ctrl_response, status, 4);
PV_WIRE_OFFSET(struct xen_netif_ctrl_response, data, 8);

/* The orders, each of which leads to the next. */
enum netfront_ctl_step {
	NETFRONT_CTL_ALGORITHM, NETFRONT_CTL_ASK, NETFRONT_CTL_HASH,
	NETFRONT_CTL_SETKEY, NETFRONT_CTL_ASKSIZE, NETFRONT_CTL_SIZE,
	NETFRONT_CTL_TABLE, NETFRONT_CTL_DONE, NETFRONT_CTL_STOP,
	NETFRONT_CTL_OFF
};

static const uint16_t netfront_ctl_types[] = {
	[NETFRONT_CTL_ALGORITHM] = XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM,
	[NETFRONT_CTL_ASK] = XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS,
	[NETFRONT_CTL_HASH] = XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS,
	[NETFRONT_CTL_SETKEY] = XEN_NETIF_CTRL_TYPE_SET_HASH_KEY,
	[NETFRONT_CTL_ASKSIZE] = XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE,
	[NETFRONT_CTL_SIZE] = XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE,
	[NETFRONT_CTL_TABLE] = XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING,
	[NETFRONT_CTL_STOP] = XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM,
};

/* ---- The hash ---------------------------------------------------------- */

static void
netfront_ctl_key(uint8_t key[NETFRONT_CTL_KEY])
{
	unsigned int i;

	for (i = 0; i < NETFRONT_CTL_KEY; i++)
		key[i] = i % 2 == 0 ? 0x6d : 0x5a;
}

/*
 * netfront_ctl_queue -- the queue of a flow by the hash that the peer has
 *
 * Of the kinds of hashes only those of TCP take the ports.
 * Context: deferred, thread.
 */
unsigned int
netfront_ctl_queue(const struct netfront_softc *sc, const struct flow *all)
{
	uint8_t key[NETFRONT_CTL_KEY];
	struct flow fl = *all;
	uint32_t hash;

	if (fl.fl_proto != FLOW_TCP)
		fl.fl_ports = NULL;
	netfront_ctl_key(key);
	hash = flow_toeplitz(&fl, key, sizeof(key));
	if (sc->sc_ctl.ct_ntable != 0)
		hash %= sc->sc_ctl.ct_ntable;
	return hash % sc->sc_nqueue;
}

/* ---- Orders ------------------------------------------------------------ */

static void
netfront_ctl_putkey(struct netfront_ctl *ct)
{
	uint8_t key[NETFRONT_CTL_KEY];

	netfront_ctl_key(key);
	shm_copy_out(ct->ct_page.xr_va, key, sizeof(key));
}

static void
netfront_ctl_puttable(struct netfront_softc *sc)
{
	struct netfront_ctl *ct = &sc->sc_ctl;
	uint32_t *to = ct->ct_page.xr_va;
	unsigned int i;

	for (i = 0; i < ct->ct_ntable; i++)
		shm_write32(&to[i], i % sc->sc_nqueue);
}

/* Fill in what goes with the order. */
static void
netfront_ctl_data(struct netfront_softc *sc, uint32_t data[3])
{
	struct netfront_ctl *ct = &sc->sc_ctl;

	switch (ct->ct_step) {
	case NETFRONT_CTL_ALGORITHM:
		data[0] = XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ;
		break;
	case NETFRONT_CTL_HASH:
		data[0] = ct->ct_hashes;
		break;
	case NETFRONT_CTL_SETKEY:
		netfront_ctl_putkey(ct);
		data[0] = gref_x(ct->ct_page.xr_gref[0]);
		data[1] = NETFRONT_CTL_KEY;
		break;
	case NETFRONT_CTL_SIZE:
		data[0] = ct->ct_ntable;
		break;
	case NETFRONT_CTL_TABLE:
		netfront_ctl_puttable(sc);
		data[0] = gref_x(ct->ct_page.xr_gref[0]);
		data[1] = ct->ct_ntable;
		break;
	case NETFRONT_CTL_STOP:
		data[0] = XEN_NETIF_CTRL_HASH_ALGORITHM_NONE;
		break;
	}
}

/* The order of the step, unless there is none any more; true: kick. */
static bool
netfront_ctl_put_locked(struct netfront_softc *sc)
{
	struct netfront_ctl *ct = &sc->sc_ctl;
	struct xen_netif_ctrl_request req;

	PV_ASSERT_LOCKED(&ct->ct_lock);
	if (ct->ct_step == NETFRONT_CTL_DONE ||
	    ct->ct_step == NETFRONT_CTL_OFF)
		return false;
	__builtin_memset(&req, 0, sizeof(req));
	req.id = ++ct->ct_id;
	req.type = netfront_ctl_types[ct->ct_step];
	netfront_ctl_data(sc, req.data);
	fring_put(&ct->ct_ring, &req);
	ct->ct_busy = true;
	return fring_push(&ct->ct_ring);
}

/* The step that follows; the answer was yes, and says data. */
static unsigned int
netfront_ctl_next(struct netfront_softc *sc, uint32_t data)
{
	struct netfront_ctl *ct = &sc->sc_ctl;

	switch (ct->ct_step) {
	case NETFRONT_CTL_ASK:
		/* peer: any bits. */
		ct->ct_hashes = data & NETFRONT_CTL_TYPES;
		return ct->ct_hashes != 0 ? NETFRONT_CTL_HASH :
		    NETFRONT_CTL_STOP;
	case NETFRONT_CTL_ASKSIZE:
		/* peer: any number; without a table, queues by remainder. */
		ct->ct_ntable = data < NETFRONT_NTABLE ? data :
		    NETFRONT_NTABLE;
		return ct->ct_ntable != 0 ? NETFRONT_CTL_SIZE :
		    NETFRONT_CTL_DONE;
	case NETFRONT_CTL_STOP:
		return NETFRONT_CTL_OFF;
	default:
		return ct->ct_step + 1;
	}
}

/* Take an answer; 0, or -PV_EPROTO: nobody asked. */
static int
netfront_ctl_answer_locked(struct netfront_softc *sc,
    const struct xen_netif_ctrl_response *rsp)
{
	struct netfront_ctl *ct = &sc->sc_ctl;

	PV_ASSERT_LOCKED(&ct->ct_lock);
	/* peer: the answer to what is in flight, and nothing else. */
	if (!ct->ct_busy || rsp->id != ct->ct_id ||
	    rsp->type != netfront_ctl_types[ct->ct_step])
		return -PV_EPROTO;
	ct->ct_busy = false;
	if (rsp->status == XEN_NETIF_CTRL_STATUS_SUCCESS)
		ct->ct_step = netfront_ctl_next(sc, rsp->data);
	else if (ct->ct_step == NETFRONT_CTL_ALGORITHM ||
	    ct->ct_step == NETFRONT_CTL_STOP)
		ct->ct_step = NETFRONT_CTL_OFF;
	else
		ct->ct_step = NETFRONT_CTL_STOP;
	ct->ct_inuse = ct->ct_step == NETFRONT_CTL_DONE;
	return 0;
}

/* Tell the operator how it ended, once. */
static void
netfront_ctl_say(struct netfront_softc *sc, unsigned int was,
    unsigned int is)
{
	if (was == is)
		return;
	if (is == NETFRONT_CTL_DONE)
		pv_log(sc->sc_dev, PV_LOG_INFO, "%s: the peer hashes flows "
		    "(types %x, table of %u)", sc->sc_name,
		    sc->sc_ctl.ct_hashes, sc->sc_ctl.ct_ntable);
	else if (is == NETFRONT_CTL_OFF)
		pv_log(sc->sc_dev, PV_LOG_INFO, "%s: the peer does not hash "
		    "flows as asked", sc->sc_name);
}

/* Context: deferred. */
static enum evtchn_result
netfront_ctl_intr(void *arg)
{
	struct netfront_softc *sc = arg;
	struct netfront_ctl *ct = &sc->sc_ctl;
	struct xen_netif_ctrl_response rsp;
	unsigned int n, was, is;
	bool kick = false, more = false;
	int rv = 0;

	pv_lock(&ct->ct_lock);
	was = ct->ct_step;
	for (n = 0; ct->ct_open && n < NETFRONT_CTL_BUDGET; n++) {
		rv = fring_get(&ct->ct_ring, &rsp);
		if (rv <= 0)
			break;
		rv = netfront_ctl_answer_locked(sc, &rsp);
		if (rv < 0)
			break;
		kick |= netfront_ctl_put_locked(sc);
	}
	if (ct->ct_open && rv >= 0)
		more = fring_rearm(&ct->ct_ring);
	is = ct->ct_step;
	pv_unlock(&ct->ct_lock);
	if (rv < 0) {
		netfront_fail(sc, "control response");
		return EVTCHN_DONE;
	}
	if (kick)
		evtchn_notify(&ct->ct_eh);
	netfront_ctl_say(sc, was, is);
	return more ? EVTCHN_MORE : n > 0 ? EVTCHN_DONE : EVTCHN_SPURIOUS;
}

/* ---- Life -------------------------------------------------------------- */

/* Ring, page and channel.  0 or -PV_E*. */
static int
netfront_ctl_create(struct netfront_softc *sc)
{
	struct netfront_ctl *ct = &sc->sc_ctl;
	struct pv_dev *dev = sc->sc_dev;
	int rv;

	rv = xenbus_ring_create(dev, &ct->ct_shared, 1);
	if (rv == 0)
		rv = xenbus_ring_create(dev, &ct->ct_page, 1);
	if (rv < 0)
		return rv;
	fring_init(&ct->ct_ring, ct->ct_shared.xr_va, PV_PAGE_SIZE,
	    sizeof(struct xen_netif_ctrl_request),
	    sizeof(struct xen_netif_ctrl_response));
	return evtchn_alloc(xenbus_xen(dev), dev, (pv_domid_t)dev->pd_peer,
	    &ct->ct_eh, netfront_ctl_intr, sc);
}

/* Without it the interface works too. */
void
netfront_ctl_connect(struct netfront_softc *sc)
{
	struct netfront_ctl *ct = &sc->sc_ctl;
	int rv;

	ct->ct_live = ct->ct_inuse = false;
	if (sc->sc_nqueue == 1 || xenbus_peer_num(sc->sc_dev,
	    "feature-ctrl-ring", 0, 1, 0) != 1)
		return;
	rv = netfront_ctl_create(sc);
	ct->ct_live = rv == 0;
	if (rv == 0)
		return;
	netfront_ctl_disconnect(sc);
	pv_log(sc->sc_dev, PV_LOG_WARN, "no control ring (error %d)", -rv);
}

void
netfront_ctl_open(struct netfront_softc *sc)
{
	struct netfront_ctl *ct = &sc->sc_ctl;
	bool kick;

	if (!ct->ct_live)
		return;
	pv_lock(&ct->ct_lock);
	ct->ct_open = true;
	ct->ct_busy = false;
	ct->ct_step = NETFRONT_CTL_ALGORITHM;
	ct->ct_hashes = ct->ct_ntable = 0;
	kick = netfront_ctl_put_locked(sc);
	pv_unlock(&ct->ct_lock);
	if (kick)
		evtchn_notify(&ct->ct_eh);
}

void
netfront_ctl_disconnect(struct netfront_softc *sc)
{
	struct netfront_ctl *ct = &sc->sc_ctl;

	pv_lock(&ct->ct_lock);
	ct->ct_open = ct->ct_inuse = false;
	pv_unlock(&ct->ct_lock);
	evtchn_close(&ct->ct_eh);
	xenbus_ring_destroy(sc->sc_dev, &ct->ct_shared);
	xenbus_ring_destroy(sc->sc_dev, &ct->ct_page);
	ct->ct_live = false;
}
