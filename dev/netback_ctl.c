/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netback_ctl.c -- the control ring: the guest says which of its queues a
 * connection takes, by a Toeplitz hash, its key, and a table.
 *
 * Orders are done one by one, in the ring's handler; each is answered.  What
 * the guest says counts from then on, and until it connects anew.  sc_lock
 * guards it, for packets are sent from anywhere.
 *
 * Source: xen/include/public/io/netif.h.
 */

#include "flow.h"
#include "netback.h"

#define NETBACK_CTL_BUDGET 8u		/* orders of one run */
#define NETBACK_CTL_TYPES	(XEN_NETIF_CTRL_HASH_TYPE_IPV4 |	\
				 XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP |	\
				 XEN_NETIF_CTRL_HASH_TYPE_IPV6 |	\
				 XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP)

PV_WIRE_ASSERT(struct xen_netif_ctrl_request, 16);
PV_WIRE_OFFSET(struct xen_netif_ctrl_request, data, 4);
PV_WIRE_ASSERT(struct xen_netif_ctrl_response, 12);
PV_WIRE_OFFSET(struct xen_netif_ctrl_response, status, 4);

/* ---- the hash ---------------------------------------------------------- */

/* What of a packet is hashed; nothing: fl_addrlen 0.  Pure. */
static struct flow
netback_ctl_hashed(uint32_t types, struct flow fl)
{
	uint32_t with = fl.fl_version == 4 ? XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP :
	    XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP;
	uint32_t without = fl.fl_version == 4 ? XEN_NETIF_CTRL_HASH_TYPE_IPV4 :
	    XEN_NETIF_CTRL_HASH_TYPE_IPV6;

	if (fl.fl_proto == FLOW_TCP && fl.fl_ports != NULL &&
	    (types & with) != 0)
		return fl;
	fl.fl_ports = NULL;
	if ((types & without) == 0)
		fl.fl_addrlen = 0;
	return fl;
}

/*
 * netback_ctl_hash -- a flow's hash, if the guest asked for it
 *
 * Context: the device's works; else any.  Lock: then sc_lock.
 */
struct netback_hash
netback_ctl_hash(const struct netback_softc *sc, const struct flow *all)
{
	const struct netback_ctl *ct = &sc->sc_ctl;
	struct flow fl = netback_ctl_hashed(ct->ct_types, *all);
	struct netback_hash nh = { .nh_told = false };

	if (!ct->ct_on || fl.fl_addrlen == 0)
		return nh;
	nh.nh_told = true;
	if (fl.fl_version == 4)
		nh.nh_type = fl.fl_ports != NULL ?
		    _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP :
		    _XEN_NETIF_CTRL_HASH_TYPE_IPV4;
	else
		nh.nh_type = fl.fl_ports != NULL ?
		    _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP :
		    _XEN_NETIF_CTRL_HASH_TYPE_IPV6;
	nh.nh_value = flow_toeplitz(&fl, ct->ct_key, sizeof(ct->ct_key));
	return nh;
}

/*
 * netback_ctl_queue -- the queue of a flow, as the guest wants it
 *
 * Context: any.  Lock: sc_lock.
 */
unsigned int
netback_ctl_queue(const struct netback_softc *sc, const struct flow *all)
{
	const struct netback_ctl *ct = &sc->sc_ctl;
	uint32_t hash;

	if (!ct->ct_on || ct->ct_types == 0)
		return flow_hash(all) % sc->sc_nqueue;
	hash = netback_ctl_hash(sc, all).nh_value;
	return ct->ct_ntable == 0 ? hash % sc->sc_nqueue :
	    ct->ct_table[hash % ct->ct_ntable];
}

/* ---- orders ------------------------------------------------------------ */

/* Copy len bytes of a page of the guest's into ours.  A status. */
static uint32_t
netback_ctl_fetch(struct netback_softc *sc, uint32_t ref, uint32_t len)
{
	struct gntmap_copy gc = {
		.gc_dom = sc->sc_guest.ng_domid, .gc_ref = GREF(ref),
		.gc_len = (uint16_t)len, .gc_va = sc->sc_ctl.ct_buf
	};

	/* peer: may have granted nothing, or what is not there now. */
	if (len > 0 && gntmap_copy_once(xenbus_xen(sc->sc_dev), &gc, 1) < 0)
		return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
	return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

static uint32_t
netback_ctl_setkey(struct netback_softc *sc, const uint32_t data[3])
{
	struct netback_ctl *ct = &sc->sc_ctl;
	uint32_t rv;

	if (data[1] > NETBACK_NKEY)
		return XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW;
	rv = netback_ctl_fetch(sc, data[0], data[1]);
	if (rv != XEN_NETIF_CTRL_STATUS_SUCCESS)
		return rv;
	pv_lock(&sc->sc_lock);
	__builtin_memset(ct->ct_key, 0, sizeof(ct->ct_key));
	__builtin_memcpy(ct->ct_key, ct->ct_buf, data[1]);
	pv_unlock(&sc->sc_lock);
	return rv;
}

static uint32_t
netback_ctl_setsize(struct netback_softc *sc, uint32_t n)
{
	struct netback_ctl *ct = &sc->sc_ctl;

	if (n > NETBACK_NTABLE)
		return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
	pv_lock(&sc->sc_lock);
	ct->ct_ntable = n;
	__builtin_memset(ct->ct_table, 0, sizeof(ct->ct_table));
	pv_unlock(&sc->sc_lock);
	return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

/* A part of the table: all of it, or nothing. */
static uint32_t
netback_ctl_settable(struct netback_softc *sc, const uint32_t data[3])
{
	struct netback_ctl *ct = &sc->sc_ctl;
	const uint32_t *from = (const uint32_t *)(const void *)ct->ct_buf;
	uint32_t i, rv;

	/* peer: any numbers. */
	if (data[1] > NETBACK_NTABLE)
		return XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW;
	if (data[2] > ct->ct_ntable || data[1] > ct->ct_ntable - data[2])
		return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
	rv = netback_ctl_fetch(sc, data[0], data[1] * 4);
	if (rv != XEN_NETIF_CTRL_STATUS_SUCCESS)
		return rv;
	for (i = 0; i < data[1]; i++)
		if (from[i] >= sc->sc_nqueue)
			return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
	pv_lock(&sc->sc_lock);
	for (i = 0; i < data[1]; i++)
		ct->ct_table[data[2] + i] = (uint8_t)from[i];
	pv_unlock(&sc->sc_lock);
	return rv;
}

static uint32_t
netback_ctl_algorithm(struct netback_softc *sc, uint32_t which)
{
	if (which != XEN_NETIF_CTRL_HASH_ALGORITHM_NONE &&
	    which != XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ)
		return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
	pv_lock(&sc->sc_lock);
	sc->sc_ctl.ct_on = which == XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ;
	pv_unlock(&sc->sc_lock);
	return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

static uint32_t
netback_ctl_types(struct netback_softc *sc, uint32_t types)
{
	if (!sc->sc_ctl.ct_on)
		return XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
	if ((types & ~(uint32_t)NETBACK_CTL_TYPES) != 0)
		return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
	pv_lock(&sc->sc_lock);
	sc->sc_ctl.ct_types = types;
	pv_unlock(&sc->sc_lock);
	return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

/* Do an order; a status, and in *data what it asks for. */
static uint32_t
netback_ctl_do(struct netback_softc *sc,
    const struct xen_netif_ctrl_request *req, uint32_t *data)
{
	switch (req->type) {
	case XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM:
		return netback_ctl_algorithm(sc, req->data[0]);
	case XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS:
		*data = NETBACK_CTL_TYPES;
		return sc->sc_ctl.ct_on ? XEN_NETIF_CTRL_STATUS_SUCCESS :
		    XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
	case XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS:
		return netback_ctl_types(sc, req->data[0]);
	case XEN_NETIF_CTRL_TYPE_SET_HASH_KEY:
		return netback_ctl_setkey(sc, req->data);
	case XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE:
		*data = NETBACK_NTABLE;
		return XEN_NETIF_CTRL_STATUS_SUCCESS;
	case XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE:
		return netback_ctl_setsize(sc, req->data[0]);
	case XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING:
		return netback_ctl_settable(sc, req->data);
	default:
		return XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
	}
}

/* The ring's handler.  Context: deferred. */
static enum evtchn_result
netback_ctl_intr(void *arg)
{
	struct netback_softc *sc = arg;
	struct netback_ctl *ct = &sc->sc_ctl;
	struct xen_netif_ctrl_response rsp;
	struct xen_netif_ctrl_request req;
	unsigned int n;
	bool more = true;
	int rv = 0;

	if (!netback_is_up(sc))
		return EVTCHN_SPURIOUS;
	for (n = 0; n < NETBACK_CTL_BUDGET; n++) {
		rv = bring_get(&ct->ct_ring, &req);
		if (rv <= 0)
			break;
		rsp.id = req.id;
		rsp.type = req.type;
		rsp.data = 0;
		rsp.status = netback_ctl_do(sc, &req, &rsp.data);
		bring_put(&ct->ct_ring, &rsp);
	}
	if (rv < 0) {
		netback_fail(sc, "more orders than its ring has");
		return EVTCHN_DONE;
	}
	if (bring_push(&ct->ct_ring))
		evtchn_notify(&ct->ct_eh);
	if (rv == 0)
		more = bring_rearm(&ct->ct_ring);
	return more ? EVTCHN_MORE : n > 0 ? EVTCHN_DONE : EVTCHN_SPURIOUS;
}

/* ---- life -------------------------------------------------------------- */

/*
 * netback_ctl_connect -- map the control ring, if the guest made one
 *
 * 0 or -PV_E*; half-built: netback_ctl_disconnect().
 * Context: thread.
 */
int
netback_ctl_connect(struct netback_softc *sc, gref_t ref, evport_t port)
{
	struct netback_ctl *ct = &sc->sc_ctl;
	struct xen *x = xenbus_xen(sc->sc_dev);
	int rv;

	rv = window_create(x, &ct->ct_window, 1);
	if (rv < 0)
		return rv;
	ct->ct_page.gm_dom = sc->sc_guest.ng_domid;
	ct->ct_page.gm_ref = ref;
	ct->ct_page.gm_readonly = false;
	ct->ct_page.gm_addr = window_addr(x, &ct->ct_window, 0);
	ct->ct_buf = pv_pages_alloc(sc->sc_dev, 1);
	if (ct->ct_buf == NULL)
		return -PV_ENOMEM;
	rv = gntmap_map(x, sc->sc_dev, &ct->ct_page, 1);
	if (rv < 0)
		return rv;
	bring_init(&ct->ct_ring, ct->ct_window.wi_va, PV_PAGE_SIZE,
	    sizeof(struct xen_netif_ctrl_request),
	    sizeof(struct xen_netif_ctrl_response));
	return evtchn_bind_peer(x, sc->sc_dev, sc->sc_guest.ng_domid, port,
	    &ct->ct_eh, netback_ctl_intr, sc);
}

/*
 * netback_ctl_disconnect -- forget the ring and what the guest wanted
 *
 * Idempotent.
 * Context: thread.
 */
void
netback_ctl_disconnect(struct netback_softc *sc)
{
	struct netback_ctl *ct = &sc->sc_ctl;
	struct xen *x = xenbus_xen(sc->sc_dev);

	evtchn_close(&ct->ct_eh);
	pv_pages_free(sc->sc_dev, ct->ct_buf, 1);
	ct->ct_buf = NULL;
	if (ct->ct_window.wi_va != NULL &&
	    gntmap_unmap(x, sc->sc_dev, &ct->ct_page, 1) == 0)
		window_destroy(x, &ct->ct_window);
	else if (ct->ct_window.wi_va != NULL)
		sc->sc_dev->pd_kept = true;
	pv_lock(&sc->sc_lock);
	__builtin_memset(ct, 0, sizeof(*ct));
	pv_unlock(&sc->sc_lock);
}
