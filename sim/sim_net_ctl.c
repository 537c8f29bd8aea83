/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_net_ctl.c -- a network back end's filter of multicast addresses, and
 * its control ring with the hash that spreads frames over queues.
 */

#include "sim_net.h"

/* ---- multicast --------------------------------------------------------- */

void
sim_net_mcast_connect(struct sim_net *n)
{
	bool asked = sim_back_num(&n->ne, "request-multicast-control", 0) == 1;

	n->ne_mc.mc_n = 0;
	n->ne_mc.mc_sampled = asked;
	if (asked && !(n->ne_cfg.nc_flags &
	    (SIM_NET_MCAST | SIM_NET_DYNAMIC)))
		sim_bug("vif: multicast control was not offered");
}

bool
sim_net_has_mcast(const struct sim_net *n, const uint8_t mac[6])
{
	unsigned int i;

	for (i = 0; i < n->ne_mc.mc_n; i++)
		if (memcmp(n->ne_mc.mc_mac[i], mac, 6) == 0)
			return true;
	return false;
}

static int16_t
sim_net_mcast_add(struct sim_net *n, const uint8_t mac[6])
{
	struct sim_netmc *mc = &n->ne_mc;

	if (!(mac[0] & 1) || sim_net_has_mcast(n, mac))
		sim_bug("vif: no new multicast address is added");
	if (mc->mc_n >= mc->mc_room)
		return NETIF_RSP_ERROR;
	memcpy(mc->mc_mac[mc->mc_n++], mac, 6);
	return NETIF_RSP_OKAY;
}

static int16_t
sim_net_mcast_del(struct sim_net *n, const uint8_t mac[6])
{
	struct sim_netmc *mc = &n->ne_mc;
	unsigned int i;

	for (i = 0; i < mc->mc_n; i++) {
		if (memcmp(mc->mc_mac[i], mac, 6) == 0) {
			memcpy(mc->mc_mac[i], mc->mc_mac[--mc->mc_n], 6);
			return NETIF_RSP_OKAY;
		}
	}
	sim_bug("vif: an address is taken out that is not there");
	return NETIF_RSP_ERROR;
}

bool
sim_net_mcast(struct sim_net *n, const struct sim_slots *sl, int16_t *status)
{
	struct netif_extra_info ex;

	if (sl->sl_n < 2 || !sl->sl_extra[1])
		return false;
	memcpy(&ex, &sl->sl_req[1], sizeof(ex));
	if (ex.type != XEN_NETIF_EXTRA_TYPE_MCAST_ADD &&
	    ex.type != XEN_NETIF_EXTRA_TYPE_MCAST_DEL)
		return false;
	if (sl->sl_n != 2 || !(n->ne_cfg.nc_flags &
	    (SIM_NET_MCAST | SIM_NET_DYNAMIC)))
		sim_bug("vif: an order about multicast, %s", sl->sl_n == 2 ?
		    "not offered" : "with data");
	*status = ex.type == XEN_NETIF_EXTRA_TYPE_MCAST_ADD ?
	    sim_net_mcast_add(n, ex.u.mcast.addr) :
	    sim_net_mcast_del(n, ex.u.mcast.addr);
	return true;
}

/* It is looked at now, or was when the front end connected. */
bool
sim_net_filters(struct sim_net *n)
{
	if (!n->ne.ba_connected)
		return false;
	if (n->ne_cfg.nc_flags & SIM_NET_DYNAMIC)
		return sim_back_num(&n->ne, "request-multicast-control", 0) ==
		    1;
	return n->ne_mc.mc_sampled;
}

bool
sim_net_filtered(struct sim_net *n, const uint8_t *frame)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };

	if (!(frame[0] & 1) || memcmp(frame, all, 6) == 0 ||
	    !sim_net_filters(n) || sim_net_has_mcast(n, frame))
		return false;
	n->ne_mc.mc_nfiltered++;
	return true;
}

/* ---- the hash ---------------------------------------------------------- */

/* Bit i of the key, zeros behind it. */
static unsigned int
sim_net_keybit(const struct sim_netctl *ct, unsigned int i)
{
	return i / 8 >= SIM_NKEY ? 0 : ct->ct_key[i / 8] >> (7 - i % 8) & 1u;
}

/* As netif.h defines it, bit by bit. */
static uint32_t
sim_net_toeplitz(const struct sim_netctl *ct, const uint8_t *p,
    unsigned int len)
{
	uint32_t sum = 0;
	unsigned int i, k;

	for (i = 0; i < len * 8; i++) {
		if (!(p[i / 8] >> (7 - i % 8) & 1))
			continue;
		for (k = 0; k < 32; k++)
			sum ^= (uint32_t)sim_net_keybit(ct, i + k) << (31 - k);
	}
	return sum;
}

uint32_t
sim_net_ctl_hash(const struct sim_net *n, const struct sim_frame *fr)
{
	const struct sim_netctl *ct = &n->ne_ctl;
	const uint8_t *p = fr->fr_data;
	bool six = p[12] == 0x86 && p[13] == 0xdd;
	unsigned int len = six ? 32 : 8, tcp;

	if (!ct->ct_live ||
	    ct->ct_algorithm != XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ ||
	    (!six && (p[12] != 8 || p[13] != 0)))
		return 0;
	tcp = p[six ? 20 : 23] == 6;
	if (tcp && (ct->ct_hashes & (six ? XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP :
	    XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP)))
		len += 4;
	else if (!(ct->ct_hashes & (six ? XEN_NETIF_CTRL_HASH_TYPE_IPV6 :
	    XEN_NETIF_CTRL_HASH_TYPE_IPV4)))
		return 0;
	/* Addresses and ports stand one behind the other. */
	return sim_net_toeplitz(ct, p + (six ? 22 : 26), len);
}

unsigned int
sim_net_ctl_queue(const struct sim_net *n, const struct sim_frame *fr)
{
	const struct sim_netctl *ct = &n->ne_ctl;
	uint32_t hash;

	if (!ct->ct_live || ct->ct_hashes == 0 ||
	    ct->ct_algorithm != XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ)
		return fr->fr_queue % n->ne_nq;
	hash = sim_net_ctl_hash(n, fr);
	return ct->ct_ntable == 0 ? hash % n->ne_nq :
	    ct->ct_table[hash % ct->ct_ntable] % n->ne_nq;
}

/* ---- the control ring -------------------------------------------------- */

int
sim_net_ctl_connect(struct sim_net *n)
{
	struct sim_netctl *ct = &n->ne_ctl;
	int rv;

	ct->ct_live = false;
	ct->ct_algorithm = ct->ct_hashes = ct->ct_ntable = 0;
	memset(ct->ct_key, 0, sizeof(ct->ct_key));
	if (sim_back_str(&n->ne, "ctrl-ring-ref") == NULL)
		return 0;
	if (!(n->ne_cfg.nc_flags & SIM_NET_CTRL))
		sim_bug("vif: a control ring was not offered");
	rv = sim_net_ring(n, "ctrl-ring-ref", &ct->ct_page, &ct->ct_ref);
	if (rv != 0)
		return rv;
	if (sim_net_bind(n, "event-channel-ctrl", &ct->ct_port) != 0) {
		sim_gnttab_unmap(n->ne.ba_dom, ct->ct_ref, false);
		return -1;
	}
	bring_init(&ct->ct_ring, ct->ct_page, PV_PAGE_SIZE,
	    sizeof(struct xen_netif_ctrl_request),
	    sizeof(struct xen_netif_ctrl_response));
	ct->ct_live = true;
	return 0;
}

void
sim_net_ctl_disconnect(struct sim_net *n)
{
	struct sim_netctl *ct = &n->ne_ctl;

	if (!ct->ct_live)
		return;
	ct->ct_live = false;
	sim_evtchn_close0(n->ne.ba_sim, ct->ct_port);
	sim_back_unmap(&n->ne, ct->ct_ref, false);
}

/* Copy from a page of the front end's; false: there is none. */
static bool
sim_net_ctl_fetch(struct sim_net *n, uint32_t ref, void *to, size_t len)
{
	const uint8_t *va = sim_gnttab_look(n->ne.ba_dom, n->ne.ba_id, ref,
	    false);

	if (va == NULL) {
		if (sim_back_faithful(&n->ne))
			sim_bug("vif: a control page can not be read");
		return false;
	}
	sim_mem_get(to, va, len);
	return true;
}

static uint32_t
sim_net_ctl_setkey(struct sim_net *n, const uint32_t data[3])
{
	struct sim_netctl *ct = &n->ne_ctl;

	if (data[1] > SIM_NKEY)
		return XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW;
	memset(ct->ct_key, 0, sizeof(ct->ct_key));
	if (!sim_net_ctl_fetch(n, data[0], ct->ct_key, data[1]))
		return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
	return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

static uint32_t
sim_net_ctl_settable(struct sim_net *n, const uint32_t data[3])
{
	struct sim_netctl *ct = &n->ne_ctl;
	uint32_t i;

	if (data[1] > ct->ct_ntable || data[2] > ct->ct_ntable - data[1])
		return XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW;
	if (!sim_net_ctl_fetch(n, data[0], &ct->ct_table[data[2]],
	    data[1] * sizeof(uint32_t)))
		return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
	for (i = 0; i < ct->ct_ntable; i++)
		if (ct->ct_table[i] >= n->ne_nq)
			sim_bug("vif: queue %u of %u", ct->ct_table[i],
			    n->ne_nq);
	return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

/* What an order does; the status, and in *value what it asks for. */
static uint32_t
sim_net_ctl_do(struct sim_net *n, const struct xen_netif_ctrl_request *rq,
    uint32_t *value)
{
	struct sim_netctl *ct = &n->ne_ctl;
	const uint32_t *data = rq->data;

	*value = 0;
	if (rq->type == ct->ct_refuse)
		return XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
	switch (rq->type) {
	case XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM:
		ct->ct_algorithm = data[0];
		break;
	case XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS:
		*value = 0xf;
		break;
	case XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS:
		ct->ct_hashes = data[0];
		break;
	case XEN_NETIF_CTRL_TYPE_SET_HASH_KEY:
		return sim_net_ctl_setkey(n, data);
	case XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE:
		*value = ct->ct_room;
		break;
	case XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE:
		if (data[0] > ct->ct_room)
			return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
		ct->ct_ntable = data[0];
		memset(ct->ct_table, 0, sizeof(ct->ct_table));
		break;
	case XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING:
		return sim_net_ctl_settable(n, data);
	default:
		sim_bug("vif: control order %u", rq->type);
		return XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
	}
	return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

static void
sim_net_ctl_put(struct sim_net *n, struct xen_netif_ctrl_response *rsp)
{
	struct sim_netctl *ct = &n->ne_ctl;
	volatile void *slot = bring_entry(&ct->ct_ring, ct->ct_ring.br_prod);
	uint16_t id = rsp->id;

	if (sim_evil_now(SIM_EVIL_RSP_ID_RANGE))
		rsp->id = 0xfff0;
	if (sim_evil_now(SIM_EVIL_RSP_ID_TWICE))
		rsp->id = ct->ct_last;
	if (sim_evil_now(SIM_EVIL_RSP_OP_WRONG))
		rsp->type++;
	if (sim_evil_now(SIM_EVIL_RSP_STATUS_WILD))
		rsp->status = 0x12345678;
	ct->ct_last = id;
	bring_put(&ct->ct_ring, rsp);
	sim_mem_fresh(slot, ct->ct_ring.br_entlen);
}

/* True: there may be more. */
bool
sim_net_ctl_serve(struct sim_net *n)
{
	struct sim_netctl *ct = &n->ne_ctl;
	struct xen_netif_ctrl_request rq;
	struct xen_netif_ctrl_response rsp;
	int rv;

	if (!ct->ct_live || n->ne.ba_hold || ct->ct_mute)
		return false;
	rv = bring_get(&ct->ct_ring, &rq);
	if (rv < 0)
		sim_bug("vif: the front end's control index is wrong");
	if (rv > 0) {
		memset(&rsp, 0, sizeof(rsp));
		rsp.id = rq.id;
		rsp.type = rq.type;
		rsp.status = sim_net_ctl_do(n, &rq, &rsp.data);
		sim_net_ctl_put(n, &rsp);
	}
	sim_net_push(n, &ct->ct_ring, ct->ct_port);
	return rv > 0 || bring_rearm(&ct->ct_ring);
}
