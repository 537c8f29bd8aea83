/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_net.c -- a network back end: takes frames from the transmit ring,
 * delivers others to the receive ring, and may echo.
 *
 * Transmit: a frame is a chain of slots; the first one's size is the whole
 * frame's, extra-info slots follow the first when it says so and are answered
 * with NETIF_RSP_NULL.  Data slots are mapped while the frame is worked on.
 * Receive: a slot's answer comes in the slot of its request, in order; data
 * is copied in.
 */

#include "sim_net.h"

static struct sim_net *
sim_net_of(struct sim_back *ba)
{
	return (struct sim_net *)(void *)ba;
}

/* ---- connection -------------------------------------------------------- */

static void
sim_net_offer(struct sim_back *ba)
{
	unsigned int flags = sim_net_of(ba)->ne_cfg.nc_flags;
	bool gso = flags & SIM_NET_GSO;

	sim_back_set(ba, "feature-sg", "%u", !(flags & SIM_NET_NOSG));
	sim_back_set(ba, "feature-gso-tcpv4", "%u", gso);
	sim_back_set(ba, "feature-gso-tcpv6", "%u", gso);
	sim_back_set(ba, "feature-ipv6-csum-offload", "%u", 1);
	sim_back_set(ba, "feature-rx-copy", "%u", 1);
	sim_back_set(ba, "feature-xdp-headroom", "%u", 1);
	sim_back_set(ba, "feature-rx-flip", "%u", 0);
	sim_back_set(ba, "feature-multicast-control", "%u",
	    !!(flags & (SIM_NET_MCAST | SIM_NET_DYNAMIC)));
	sim_back_set(ba, "feature-dynamic-multicast-control", "%u",
	    !!(flags & SIM_NET_DYNAMIC));
	sim_back_set(ba, "feature-split-event-channels", "%u",
	    !!(flags & SIM_NET_SPLIT));
	sim_back_set(ba, "multi-queue-max-queues", "%u",
	    flags & SIM_NET_MQ ? SIM_NQUEUE : 1);
	sim_back_set(ba, "feature-ctrl-ring", "%u",
	    !!(flags & SIM_NET_CTRL));
}

/* "tx-ring-ref" of the only queue, "queue-1/tx-ring-ref" of several. */
static const char *
sim_net_key(const struct sim_net *n, unsigned int i, const char *key,
    char buf[40])
{
	if (n->ne_nq == 1)
		return key;
	snprintf(buf, 40, "queue-%u/%s", i, key);
	return buf;
}

int
sim_net_ring(struct sim_net *n, const char *key, void **page, uint32_t *ref)
{
	uint64_t v = sim_back_num(&n->ne, key, UINT64_MAX);

	if (v > UINT32_MAX)
		return 1;
	*ref = (uint32_t)v;
	*page = sim_back_map(&n->ne, *ref, false);
	if (*page == NULL) {
		if (sim_back_faithful(&n->ne))
			sim_bug("vif: %s %u can not be mapped", key,
			    (unsigned int)v);
		return -1;
	}
	sim_mem_watch(*page, RING_HEADER, PV_PAGE_SIZE);
	return 0;
}

int
sim_net_bind(struct sim_net *n, const char *key, uint32_t *port)
{
	uint64_t v = sim_back_num(&n->ne, key, UINT64_MAX);

	if (v > UINT32_MAX || sim_evtchn_bind(n->ne.ba_dom, n->ne.ba_id,
	    (uint32_t)v, &n->ne.ba_actor, port) != 0) {
		if (sim_back_faithful(&n->ne))
			sim_bug("vif: %s can not be bound", key);
		return -1;
	}
	return 0;
}

/* As Linux looks: for two channels first. */
static int
sim_net_bind_all(struct sim_net *n, unsigned int i)
{
	struct sim_netq *q = &n->ne_q[i];
	char key[40];

	if (sim_back_str(&n->ne, sim_net_key(n, i, "event-channel-tx",
	    key)) == NULL) {
		if (sim_net_bind(n, sim_net_key(n, i, "event-channel", key),
		    &q->nq_txport) != 0)
			return -1;
		q->nq_rxport = q->nq_txport;
		return 0;
	}
	if (!(n->ne_cfg.nc_flags & SIM_NET_SPLIT))
		sim_bug("vif: split event channels were not offered");
	if (sim_net_bind(n, sim_net_key(n, i, "event-channel-tx", key),
	    &q->nq_txport) != 0)
		return -1;
	if (sim_net_bind(n, sim_net_key(n, i, "event-channel-rx", key),
	    &q->nq_rxport) != 0) {
		sim_evtchn_close0(n->ne.ba_sim, q->nq_txport);
		return -1;
	}
	return 0;
}

static int
sim_net_connect_queue(struct sim_net *n, unsigned int i)
{
	struct sim_netq *q = &n->ne_q[i];
	char key[40];
	int rv;

	rv = sim_net_ring(n, sim_net_key(n, i, "tx-ring-ref", key),
	    &q->nq_txpage, &q->nq_txref);
	if (rv != 0)
		return rv;
	rv = sim_net_ring(n, sim_net_key(n, i, "rx-ring-ref", key),
	    &q->nq_rxpage, &q->nq_rxref);
	if (rv != 0)
		goto err_rx;
	rv = sim_net_bind_all(n, i);
	if (rv != 0)
		goto err_port;
	bring_init(&q->nq_tx, q->nq_txpage, PV_PAGE_SIZE,
	    sizeof(struct netif_tx_request),
	    sizeof(struct netif_tx_response));
	bring_init(&q->nq_rx, q->nq_rxpage, PV_PAGE_SIZE,
	    sizeof(struct netif_rx_request),
	    sizeof(struct netif_rx_response));
	memset(&q->nq_slots, 0, sizeof(q->nq_slots));
	q->nq_ntx = q->nq_nrx = 0;
	return 0;
err_port:
	sim_gnttab_unmap(n->ne.ba_dom, q->nq_rxref, false);
err_rx:
	sim_gnttab_unmap(n->ne.ba_dom, q->nq_txref, false);
	return rv;
}

static void
sim_net_disconnect_queue(struct sim_net *n, unsigned int i)
{
	struct sim_netq *q = &n->ne_q[i];

	sim_evtchn_close0(n->ne.ba_sim, q->nq_txport);
	if (q->nq_rxport != q->nq_txport)
		sim_evtchn_close0(n->ne.ba_sim, q->nq_rxport);
	q->nq_txport = q->nq_rxport = 0;
	sim_back_unmap(&n->ne, q->nq_txref, false);
	sim_back_unmap(&n->ne, q->nq_rxref, false);
}

/* How many queues the front end has, as its keys say; 0: that is wrong. */
static unsigned int
sim_net_count(struct sim_net *n)
{
	uint64_t k = sim_back_num(&n->ne, "multi-queue-num-queues", 1);
	bool flat = sim_back_str(&n->ne, "tx-ring-ref") != NULL ||
	    sim_back_str(&n->ne, "event-channel") != NULL;

	if (k > 1 && !(n->ne_cfg.nc_flags & SIM_NET_MQ))
		sim_bug("vif: several queues were not offered");
	if (k == 0 || k > SIM_NQUEUE || (k > 1 && flat)) {
		sim_bug("vif: %u queues, %s", (unsigned int)k,
		    flat ? "and keys of one" : "too many or none");
		return 0;
	}
	return (unsigned int)k;
}

static int
sim_net_connect(struct sim_back *ba)
{
	struct sim_net *n = sim_net_of(ba);
	unsigned int i;
	char key[40];
	int rv = 0;

	n->ne_nq = sim_net_count(n);
	if (n->ne_nq == 0)
		return -1;
	if (sim_back_str(ba, sim_net_key(n, 0, "rx-ring-ref", key)) == NULL)
		return 1;
	if (sim_back_num(ba, "request-rx-copy", 0) != 1 ||
	    sim_back_num(ba, "feature-rx-notify", 0) != 1)
		sim_bug("vif: request-rx-copy and feature-rx-notify are "
		    "required");
	for (i = 0; i < n->ne_nq && rv == 0; i++)
		rv = sim_net_connect_queue(n, i);
	if (rv == 0) {
		sim_net_mcast_connect(n);
		rv = sim_net_ctl_connect(n);
		i++;
	}
	if (rv != 0)
		for (i--; i > 0; i--)
			sim_net_disconnect_queue(n, i - 1);
	return rv;
}

static void
sim_net_disconnect(struct sim_back *ba)
{
	struct sim_net *n = sim_net_of(ba);
	unsigned int i;

	for (i = 0; i < n->ne_nq; i++)
		sim_net_disconnect_queue(n, i);
	sim_net_ctl_disconnect(n);
}

/* ---- transmit: from the guest ------------------------------------------ */

static void
sim_net_tx_put(struct sim_net *n, struct sim_netq *q, uint16_t id,
    int16_t status)
{
	volatile void *slot = bring_entry(&q->nq_tx, q->nq_tx.br_prod);
	struct netif_tx_response rsp;

	rsp.id = id;
	rsp.status = status;
	if (status != NETIF_RSP_NULL) {
		if (sim_evil_now(SIM_EVIL_RSP_ID_RANGE))
			rsp.id = 0xfff0;
		if (sim_evil_now(SIM_EVIL_RSP_ID_IDLE))
			rsp.id = (uint16_t)(id < 128 ? 255 : 0);
		if (n->ne_ntx > 1 && sim_evil_now(SIM_EVIL_RSP_ID_TWICE))
			rsp.id = n->ne_ids[0];
		if (sim_evil_now(SIM_EVIL_RSP_STATUS_WILD))
			rsp.status = 0x1234;
		if (sim_evil_now(SIM_EVIL_RSP_OP_WRONG))
			rsp.status = NETIF_RSP_NULL;
		n->ne_ids[0] = id;
	}
	bring_put(&q->nq_tx, &rsp);
	sim_mem_fresh(slot, q->nq_tx.br_entlen);
}

/* Of a page that was made for us nothing but the slot may be filled. */
static void
sim_net_pry(const uint8_t *va, unsigned int off, size_t len)
{
	uint8_t page[PV_PAGE_SIZE];
	unsigned int i;

	sim_mem_get(page, va, PV_PAGE_SIZE);
	for (i = 0; i < PV_PAGE_SIZE; i++) {
		if (page[i] != 0 && (i < off || i >= off + len)) {
			sim_bug("vif: byte %u of a page was not for us", i);
			return;
		}
	}
}

/* Copy one data slot; the page is mapped meanwhile, or longer. */
static bool
sim_net_tx_copy(struct sim_net *n, const struct netif_tx_request *rq,
    uint8_t *to, size_t len)
{
	uint8_t *va;

	if (rq->offset > PV_PAGE_SIZE || len > PV_PAGE_SIZE - rq->offset) {
		sim_bug("vif: a slot crosses its page");
		return false;
	}
	va = sim_back_map(&n->ne, rq->gref, true);
	if (va == NULL) {
		if (sim_back_faithful(&n->ne))
			sim_bug("vif: a slot can not be mapped");
		return false;
	}
	if (n->ne_cfg.nc_flags & SIM_NET_UNTRUSTED)
		sim_net_pry(va, rq->offset, len);
	sim_mem_get(to, va + rq->offset, len);
	sim_back_unmap(&n->ne, rq->gref, true);
	return true;
}

/* The data of a chain: the first slot's own size is what the others leave. */
static bool
sim_net_tx_gather(struct sim_net *n, struct sim_netq *q,
    struct sim_frame *fr)
{
	struct sim_slots *sl = &q->nq_slots;
	size_t rest = 0, at, len;
	unsigned int i, ndata = 0;

	for (i = 0; i < sl->sl_n; i++) {
		ndata += !sl->sl_extra[i];
		if (i > 0 && !sl->sl_extra[i])
			rest += sl->sl_req[i].size;
	}
	if (ndata > 1 && (n->ne_cfg.nc_flags & SIM_NET_NOSG))
		sim_bug("vif: %u slots, without feature-sg", ndata);
	fr->fr_len = sl->sl_req[0].size;
	fr->fr_flags = sl->sl_req[0].flags;
	if (ndata > SIM_NSLOT || rest >= fr->fr_len) {
		sim_bug("vif: a frame of %zu bytes, %u slots, %zu behind the "
		    "first", fr->fr_len, ndata, rest);
		return false;
	}
	at = 0;
	for (i = 0; i < sl->sl_n; i++) {
		if (sl->sl_extra[i])
			continue;
		len = i == 0 ? fr->fr_len - rest : sl->sl_req[i].size;
		if (!sim_net_tx_copy(n, &sl->sl_req[i], fr->fr_data + at,
		    len))
			return false;
		at += len;
	}
	return true;
}

/* What extra info says of a frame. */
static void
sim_net_tx_extra(struct sim_net *n, const struct sim_slots *sl,
    struct sim_frame *fr)
{
	struct netif_extra_info ex;
	unsigned int i;

	for (i = 0; i < sl->sl_n; i++) {
		if (!sl->sl_extra[i])
			continue;
		memcpy(&ex, &sl->sl_req[i], sizeof(ex));
		if (ex.type != XEN_NETIF_EXTRA_TYPE_GSO)
			continue;
		fr->fr_gso = ex.u.gso.size;
		fr->fr_gsotype = ex.u.gso.type;
		if (!(n->ne_cfg.nc_flags & SIM_NET_GSO) || fr->fr_gso == 0 ||
		    (fr->fr_gsotype != XEN_NETIF_GSO_TYPE_TCPV4 &&
		    fr->fr_gsotype != XEN_NETIF_GSO_TYPE_TCPV6) ||
		    !(fr->fr_flags & NETTXF_csum_blank))
			sim_bug("vif: segments of %u bytes, type %u",
			    fr->fr_gso, fr->fr_gsotype);
	}
}

/* Answer all slots of a frame. */
static void
sim_net_tx_answer(struct sim_net *n, struct sim_netq *q, int16_t status)
{
	struct sim_slots *sl = &q->nq_slots;
	unsigned int i;

	for (i = 0; i < sl->sl_n; i++)
		sim_net_tx_put(n, q, sl->sl_extra[i] ? 0xdead :
		    sl->sl_req[i].id, sl->sl_extra[i] ? NETIF_RSP_NULL :
		    status);
	memset(sl, 0, sizeof(*sl));
}

static void
sim_net_tx_frame(struct sim_net *n, struct sim_netq *q)
{
	struct sim_slots *sl = &q->nq_slots;
	struct sim_frame *fr, *copy;
	int16_t status;
	bool ok;

	if (sim_net_mcast(n, sl, &status)) {
		sim_net_tx_answer(n, q, status);
		return;
	}
	fr = calloc(1, sizeof(*fr));
	ok = sim_net_tx_gather(n, q, fr);
	sim_net_tx_extra(n, sl, fr);
	n->ne_ntx++;
	q->nq_ntx++;
	sim_net_tx_answer(n, q, ok ? NETIF_RSP_OKAY : NETIF_RSP_ERROR);
	if (ok && (n->ne_cfg.nc_flags & SIM_NET_ECHO)) {
		copy = calloc(1, sizeof(*copy));
		memcpy(copy, fr, sizeof(*copy));
		copy->fr_flags = NETRXF_data_validated |
		    (fr->fr_gso != 0 ? NETRXF_csum_blank : 0);
		copy->fr_queue = sim_rand(SIM_NQUEUE);
		list_append(&n->ne_queue, &copy->fr_link);
	}
	free(n->ne_last);
	n->ne_last = fr;
}

static void
sim_net_tx_slot(struct sim_net *n, struct sim_netq *q,
    const struct netif_tx_request *rq)
{
	struct sim_slots *sl = &q->nq_slots;
	struct netif_extra_info ex;

	if (sl->sl_n == PV_NELEM(sl->sl_req)) {
		sim_bug("vif: a frame without end");
		memset(sl, 0, sizeof(*sl));
	}
	sl->sl_req[sl->sl_n] = *rq;
	sl->sl_extra[sl->sl_n] = sl->sl_moreextra;
	if (sl->sl_moreextra) {
		memcpy(&ex, rq, sizeof(ex));
		if (ex.type == 0 || ex.type >= XEN_NETIF_EXTRA_TYPE_MAX)
			sim_bug("vif: extra of type %u", ex.type);
		sl->sl_moreextra = ex.flags & XEN_NETIF_EXTRA_FLAG_MORE;
	} else {
		sl->sl_more = rq->flags & NETTXF_more_data;
		sl->sl_moreextra = sl->sl_n == 0 &&
		    (rq->flags & NETTXF_extra_info);
	}
	sl->sl_n++;
	if (!sl->sl_more && !sl->sl_moreextra)
		sim_net_tx_frame(n, q);
}

/* ---- receive: to the guest --------------------------------------------- */

/* Fill the buffer of one request with a piece of the frame. */
static int16_t
sim_net_rx_copy(struct sim_net *n, const struct netif_rx_request *rq,
    struct sim_frame *fr, size_t len, unsigned int off)
{
	uint8_t *va;

	va = sim_gnttab_look(n->ne.ba_dom, n->ne.ba_id, rq->gref, true);
	if (va == NULL) {
		if (sim_back_faithful(&n->ne))
			sim_bug("vif: a receive buffer can not be written");
		return NETIF_RSP_ERROR;
	}
	sim_mem_put(va + off, fr->fr_data + fr->fr_sent, len);
	/* A lie holds on to the buffer that was just filled. */
	if ((sim_evil_armed(SIM_EVIL_GRANT_HELD) ||
	    sim_evil_armed(SIM_EVIL_GRANT_HELD_FOREVER)) &&
	    sim_back_map(&n->ne, rq->gref, false) != NULL)
		sim_back_unmap(&n->ne, rq->gref, false);
	fr->fr_sent += len;
	return (int16_t)len;
}

static void
sim_net_rx_lie(struct netif_rx_response *rsp)
{
	if (sim_evil_now(SIM_EVIL_RX_LEN_HUGE))
		rsp->status = 0x7fff;
	if (sim_evil_now(SIM_EVIL_RX_OFFSET_HUGE))
		rsp->offset = (uint16_t)(PV_PAGE_SIZE - 1);
	if (sim_evil_now(SIM_EVIL_RX_CHAIN_ENDLESS))
		rsp->flags |= NETRXF_more_data;
	if (sim_evil_now(SIM_EVIL_RX_ID_WRONG))
		rsp->id ^= sim_rand(2) ? 1 : 0x8000;
	if (sim_evil_now(SIM_EVIL_RX_EXTRA_WILD))
		rsp->flags |= NETRXF_extra_info;
}

/* So many buffers are posted. */
static bool
sim_net_rx_has(struct sim_netq *q, unsigned int k)
{
	return shm_read32(&q->nq_rx.br_shared->req_prod) - q->nq_rx.br_cons >=
	    k;
}

/*
 * The slots behind a first one: a hash, segments, or, when lying, anything.
 * gso: a frame of segments.
 */
static void
sim_net_rx_extra(struct sim_netq *q, const struct sim_frame *gso,
    uint32_t hash)
{
	volatile void *slot = bring_entry(&q->nq_rx, q->nq_rx.br_prod);
	struct netif_rx_request rq;
	union {
		struct netif_rx_response rsp;
		struct netif_extra_info ex;
	} u;

	if (bring_get(&q->nq_rx, &rq) <= 0)
		return;
	memset(&u, 0xee, sizeof(u));
	if (hash != 0) {
		memset(&u, 0, sizeof(u));
		u.ex.type = XEN_NETIF_EXTRA_TYPE_HASH;
		u.ex.flags = gso != NULL ? XEN_NETIF_EXTRA_FLAG_MORE : 0;
		u.ex.u.hash.algorithm =
		    XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ;
		memcpy(u.ex.u.hash.value, &hash, sizeof(hash));
	} else if (gso != NULL && !sim_evil_now(SIM_EVIL_RX_EXTRA_WILD)) {
		memset(&u, 0, sizeof(u));
		u.ex.type = XEN_NETIF_EXTRA_TYPE_GSO;
		u.ex.u.gso.size = gso->fr_gso;
		u.ex.u.gso.type = gso->fr_gsotype;
		if (sim_evil_now(SIM_EVIL_RX_GSO_WILD))
			u.ex.u.gso.type = 9;
	}
	bring_put(&q->nq_rx, &u);
	sim_mem_fresh(slot, q->nq_rx.br_entlen);
	if (hash != 0 && gso != NULL)
		sim_net_rx_extra(q, gso, 0);
}

/* One slot of a frame.  False: no buffer. */
static bool
sim_net_rx_slot(struct sim_net *n, struct sim_netq *q, struct sim_frame *fr)
{
	size_t left = fr->fr_len - fr->fr_sent, len = left;
	struct netif_rx_response rsp;
	struct netif_rx_request rq;
	volatile void *slot;
	unsigned int off = 0;
	uint32_t hash = fr->fr_sent == 0 ? sim_net_ctl_hash(n, fr) : 0;
	bool gso = fr->fr_sent == 0 && fr->fr_gso != 0;
	int rv;

	/* With extra info more slots are needed; wait for all. */
	if (!sim_net_rx_has(q, 1u + gso + (hash != 0)))
		return false;
	slot = bring_entry(&q->nq_rx, q->nq_rx.br_prod);
	rv = bring_get(&q->nq_rx, &rq);
	if (rv < 0)
		sim_bug("vif: the front end's rx index is wrong");
	if (rv <= 0)
		return false;
	if (len > PV_PAGE_SIZE)
		len = PV_PAGE_SIZE;
	if ((n->ne_cfg.nc_flags & SIM_NET_FRAG) && len > 64)
		len = 64 + sim_rand((uint32_t)len - 64);
	if (len < PV_PAGE_SIZE && (n->ne_cfg.nc_flags & SIM_NET_FRAG))
		off = sim_rand((uint32_t)(PV_PAGE_SIZE - len));
	rsp.id = rq.id;
	rsp.offset = (uint16_t)off;
	rsp.flags = fr->fr_sent == 0 ? (uint16_t)fr->fr_flags : 0;
	if (gso || hash != 0)
		rsp.flags |= NETRXF_extra_info;
	rsp.status = sim_net_rx_copy(n, &rq, fr, len, off);
	if (fr->fr_sent < fr->fr_len && rsp.status > 0)
		rsp.flags |= NETRXF_more_data;
	sim_net_rx_lie(&rsp);
	bring_put(&q->nq_rx, &rsp);
	sim_mem_fresh(slot, q->nq_rx.br_entlen);
	if (rsp.flags & NETRXF_extra_info)
		sim_net_rx_extra(q, gso ? fr : NULL, hash);
	return true;
}

/* As many slots as the budget has; true: more of them could be filled. */
static bool
sim_net_rx(struct sim_net *n, unsigned int budget)
{
	struct sim_frame *fr;
	struct sim_netq *q;

	while (!list_empty(&n->ne_queue)) {
		fr = LIST_ENTRY(n->ne_queue.li_next, struct sim_frame,
		    fr_link);
		q = &n->ne_q[sim_net_ctl_queue(n, fr)];
		while (fr->fr_sent < fr->fr_len) {
			if (budget-- == 0)
				return true;
			if (!sim_net_rx_slot(n, q, fr))
				return false;
		}
		n->ne_nrx++;
		q->nq_nrx++;
		list_remove(&fr->fr_link);
		free(fr);
	}
	return false;
}

/* ---- service ----------------------------------------------------------- */

void
sim_net_push(struct sim_net *n, struct bring *br, uint32_t port)
{
	bool notify;

	if (br->br_prod == br->br_pushed)
		return;
	notify = bring_push(br);
	if (sim_evil_now(SIM_EVIL_RSP_PROD_JUMP))
		shm_write32(&br->br_shared->rsp_prod, br->br_prod + 1000);
	if (sim_evil_now(SIM_EVIL_RSP_PROD_BACK))
		shm_write32(&br->br_shared->rsp_prod, br->br_prod - 300);
	if (sim_evil_now(SIM_EVIL_IDX_REWRITTEN))
		shm_write32(&br->br_shared->rsp_event, sim_rand(UINT32_MAX));
	if (notify || sim_rand(8) == 0)
		sim_evtchn_send0(n->ne.ba_sim, port);
}

/* As many slots as the budget has; true: there may be more. */
static bool
sim_net_tx(struct sim_net *n, struct sim_netq *q, unsigned int budget)
{
	struct netif_tx_request rq;
	int rv;

	do {
		while ((rv = bring_get(&q->nq_tx, &rq)) > 0) {
			sim_net_tx_slot(n, q, &rq);
			if (--budget == 0)
				return true;
		}
		if (rv < 0) {
			sim_bug("vif: the front end's tx index is wrong");
			return false;
		}
	} while (bring_rearm(&q->nq_tx));
	return false;
}

/* A little of each at a time, so that others come between. */
static void
sim_net_service(struct sim_back *ba)
{
	struct sim_net *n = sim_net_of(ba);
	struct sim_netq *q;
	bool more;
	unsigned int i;

	more = ba->ba_connected && sim_net_ctl_serve(n);
	if (ba->ba_hold || (n->ne_cfg.nc_flags & SIM_NET_PUPPET))
		return;
	for (i = 0; i < n->ne_nq; i++) {
		q = &n->ne_q[i];
		more |= sim_net_tx(n, q, 1 + sim_rand(6));
		sim_net_push(n, &q->nq_tx, q->nq_txport);
	}
	more |= sim_net_rx(n, 1 + sim_rand(6));
	for (i = 0; i < n->ne_nq; i++) {
		q = &n->ne_q[i];
		if (!more && !list_empty(&n->ne_queue))
			more = bring_rearm(&q->nq_rx);
		sim_net_push(n, &q->nq_rx, q->nq_rxport);
	}
	if (more)
		sim_sched_kick(&ba->ba_actor, sim_rand(5000));
}

static const struct sim_back_ops sim_net_ops = {
	"vif", true, sim_net_offer, sim_net_connect, sim_net_disconnect,
	sim_net_service
};

/* ---- for tests --------------------------------------------------------- */

struct sim_net *
sim_net_create(struct sim_dom *d, const struct sim_net_cfg *cfg)
{
	struct sim_net *n = calloc(1, sizeof(*n));
	struct sim_back *ba = &n->ne;

	n->ne_cfg = *cfg;
	n->ne_mc.mc_room = SIM_NMCAST;
	n->ne_ctl.ct_room = SIM_NTABLE;
	list_init(&n->ne_queue);
	sim_back_create(ba, d, &sim_net_ops, cfg->nc_devid);
	list_append(&d->d_sim->s_nets, &ba->ba_link);
	sim_back_set(ba, "handle", "%u", cfg->nc_devid);
	sim_back_set(ba, "mac", "%s", "00:16:3e:01:02:03");
	sim_back_set(ba, "bridge", "%s", "xenbr0");
	sim_back_set_front(ba, "handle", "%u", cfg->nc_devid);
	sim_back_set_front(ba, "mac", "%s", "00:16:3e:01:02:03");
	sim_back_set_front(ba, "mtu", "%u",
	    cfg->nc_mtu != 0 ? cfg->nc_mtu : 1500);
	if (cfg->nc_flags & SIM_NET_UNTRUSTED)
		sim_back_set_front(ba, "trusted", "%u", 0);
	sim_back_begin(ba);
	return n;
}

void
sim_net_free(struct sim_net *n)
{
	struct list *l;

	sim_back_destroy(&n->ne);
	while ((l = list_pop(&n->ne_queue)) != NULL)
		free(LIST_ENTRY(l, struct sim_frame, fr_link));
	free(n->ne_last);
	free(n);
}
