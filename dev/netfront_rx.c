/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netfront_rx -- the receiving half of netfront; theory in netfront.c.
 *
 * Who has a buffer:
 *
 *	rt_free --post--> nq_posted[slot] --response--> nq_rp --nt_recv--+
 *	   ^                    |                         | peer keeps it |
 *	   |                    | extra info, error       +-> quarantine  |
 *	   +--------------------+-------------------------------+---------+
 *
 * Each response takes one step of a small state machine, nq_rp: so a packet
 * may come in as many runs as the peer likes, and no response is ever looked
 * at twice.  Everything but rt_free belongs to the event's handler, of which
 * one runs at a time.
 */

#include "flow.h"
#include "netfront.h"

/* ---- Attach ------------------------------------------------------------ */

/* The last one to leave the table frees it. */
static void
netfront_rx_put(struct netfront_rxtab *rt)
{
	bool last;

	pv_lock(&rt->rt_lock);
	last = --rt->rt_refs == 0;
	pv_unlock(&rt->rt_lock);
	if (last)
		pv_free(NULL, rt, sizeof(*rt));
}

int
netfront_rx_attach(struct netfront_queue *nq, unsigned int nbuf)
{
	struct pv_dev *dev = nq->nq_sc->sc_dev;
	struct netfront_rxtab *rt;
	struct netfront_rxbuf *rb;
	unsigned int i;
	int rv;

	rv = pv_dma_reserve(dev, &nq->nq_rxpool, nbuf);
	if (rv < 0)
		return rv;
	rt = pv_alloc(NULL, sizeof(*rt));	/* may outlive the device */
	if (rt == NULL)
		return -PV_ENOMEM;
	nq->nq_rt = rt;
	rt->rt_refs = 1;
	rt->rt_nq = nq;
	list_init(&rt->rt_free);
	for (i = 0; i < nbuf; i++) {
		rb = &rt->rt_buf[i];
		rb->rb_tab = rt;
		rb->rb_map = &nq->nq_rxpool.dp_map[i];
		rb->rb_page = pv_pages_alloc(dev, 1);
		if (rb->rb_page == NULL)
			return -PV_ENOMEM;
		list_append(&rt->rt_free, &rb->rb_link);
	}
	return 0;
}

void
netfront_rx_detach(struct netfront_queue *nq)
{
	struct pv_dev *dev = nq->nq_sc->sc_dev;
	struct netfront_rxtab *rt = nq->nq_rt;
	struct netfront_rxbuf *rb;
	struct list *l;
	unsigned int i;

	if (rt != NULL) {
		pv_lock(&rt->rt_lock);
		rt->rt_nq = NULL;
		pv_unlock(&rt->rt_lock);
		while ((l = list_pop(&rt->rt_free)) != NULL) {
			rb = LIST_ENTRY(l, struct netfront_rxbuf, rb_link);
			pv_pages_free(dev, rb->rb_page, 1);
			rb->rb_page = NULL;
		}
		/* What is left is the quarantine's. */
		for (i = 0; i < NETFRONT_NRX; i++)
			if (rt->rt_buf[i].rb_page != NULL)
				pv_count(&dev->pd_npage, -1);
		netfront_rx_put(rt);
		nq->nq_rt = NULL;
	}
	pv_dma_release(&nq->nq_rxpool);
}

/* ---- Buffers ----------------------------------------------------------- */

static struct netfront_rxbuf *
netfront_rx_take(struct netfront_rxtab *rt)
{
	struct list *l;

	pv_lock(&rt->rt_lock);
	l = list_pop(&rt->rt_free);
	pv_unlock(&rt->rt_lock);
	return l == NULL ? NULL : LIST_ENTRY(l, struct netfront_rxbuf,
	    rb_link);
}

static void
netfront_rx_give(struct netfront_rxbuf *rb)
{
	pv_lock(&rb->rb_tab->rt_lock);
	list_append(&rb->rb_tab->rt_free, &rb->rb_link);
	pv_unlock(&rb->rb_tab->rt_lock);
}

/*
 * The peer has let go of a parked buffer; the device may be gone.
 * Context: deferred.
 */
static void
netfront_rx_unpark(void *arg)
{
	struct netfront_rxbuf *rb = arg;
	struct netfront_rxtab *rt = rb->rb_tab;
	void *page = NULL;

	pv_lock(&rt->rt_lock);
	if (rt->rt_nq != NULL) {
		list_append(&rt->rt_free, &rb->rb_link);
		if (rt->rt_up)
			evtchn_again(netfront_rxeh(rt->rt_nq));
	} else {
		page = rb->rb_page;
		rb->rb_page = NULL;
	}
	pv_unlock(&rt->rt_lock);
	pv_pages_free(NULL, page, 1);
	netfront_rx_put(rt);
}

/* Take a buffer back from the peer; false when it is in quarantine now. */
static bool
netfront_rx_unshare(struct netfront_queue *nq, struct netfront_rxbuf *rb)
{
	struct netfront_rxtab *rt = nq->nq_rt;

	if (pv_dma_unshare(&nq->nq_rxpool, rb->rb_map) == 0)
		return true;
	/* peer: has answered, and keeps the page. */
	pv_lock(&rt->rt_lock);
	rt->rt_refs++;
	pv_unlock(&rt->rt_lock);
	pv_dma_park(&nq->nq_rxpool, rb->rb_map, netfront_rx_unpark, rb);
	return false;
}

/* Post all free buffers.  Returns true when the peer wants to be told. */
static bool
netfront_rx_post(struct netfront_queue *nq)
{
	struct netif_rx_request req;
	struct netfront_rxbuf *rb;
	unsigned int slot;

	while (fring_free(&nq->nq_rxring) > 0) {
		rb = netfront_rx_take(nq->nq_rt);
		if (rb == NULL)
			break;
		/* A buffer without a grant is out of use until detach. */
		if (!pv_dma_usable(rb->rb_map)) {
			netfront_rx_give(rb);
			break;
		}
		slot = nq->nq_rxring.fr_prod & (NETFRONT_NRX - 1);
		PV_ASSERT(nq->nq_posted[slot] == NULL);
		__builtin_memset(&req, 0, sizeof(req));
		req.id = (uint16_t)slot;
		req.gref = (grant_ref_t)pv_dma_share(&nq->nq_rxpool,
		    rb->rb_map, rb->rb_page, PV_PAGE_SIZE, PV_PEER_WRITES);
		nq->nq_posted[slot] = rb;
		fring_put(&nq->nq_rxring, &req);
	}
	return fring_push(&nq->nq_rxring);
}

/* ---- Connection -------------------------------------------------------- */

int
netfront_rx_connect(struct netfront_queue *nq)
{
	int rv;

	rv = xenbus_ring_create(nq->nq_sc->sc_dev, &nq->nq_rxpage, 1);
	if (rv < 0)
		return rv;
	fring_init(&nq->nq_rxring, nq->nq_rxpage.xr_va, PV_PAGE_SIZE,
	    sizeof(struct netif_rx_request), sizeof(struct netif_rx_response));
	PV_ASSERT(nq->nq_rxring.fr_size == NETFRONT_NRX);
	__builtin_memset(&nq->nq_rp, 0, sizeof(nq->nq_rp));
	(void)netfront_rx_post(nq);
	return 0;
}

void
netfront_rx_start(struct netfront_queue *nq, bool up)
{
	pv_lock(&nq->nq_rt->rt_lock);
	nq->nq_rt->rt_up = up;
	pv_unlock(&nq->nq_rt->rt_lock);
}

void
netfront_rx_disconnect(struct netfront_queue *nq)
{
	struct netfront_rxpkt *rp = &nq->nq_rp;
	struct netfront_rxbuf *rb;
	unsigned int i;

	/* Before the buffers: a peer that still has it can not go on. */
	xenbus_ring_destroy(nq->nq_sc->sc_dev, &nq->nq_rxpage);
	for (i = 0; i < NETFRONT_NRX; i++) {
		rb = nq->nq_posted[i];
		nq->nq_posted[i] = NULL;
		if (rb != NULL && netfront_rx_unshare(nq, rb))
			netfront_rx_give(rb);
	}
	while (rp->rp_n > 0)
		netfront_rx_give(rp->rp_buf[--rp->rp_n]);
}

/* ---- Receive ----------------------------------------------------------- */

/*
 * A packet that may be handed up.  One to be cut must be what it says, with a
 * blank checksum and all its headers in the first piece.  Pure.
 */
static bool
netfront_rx_good(const struct netfront_rxpkt *rp)
{
	struct flow fl;

	if (rp->rp_bad || rp->rp_len < NETFRONT_HDRLEN)
		return false;
	if (rp->rp_gsosize == 0)
		return true;
	/* peer: the data is its word, but it can not change any more. */
	fl = flow_parse(rp->rp_iov[0].iov_base, rp->rp_iov[0].iov_len);
	return fl.fl_proto == FLOW_TCP && fl.fl_hlen != 0 &&
	    fl.fl_version == (rp->rp_gsotype == PV_NET_GSO_TCP4 ? 4 : 6) &&
	    (rp->rp_flags & PV_NET_CSUM_BLANK) != 0;
}

/* What the operator sees; true: the packet is to be handed up. */
static bool
netfront_rx_tally(struct netfront_softc *sc, const struct netfront_rxpkt *rp)
{
	bool good = netfront_rx_good(rp);
	struct pv_net *nt = &sc->sc_net;

	pv_lock(&sc->sc_lock);
	if (good) {
		nt->nt_rxpkt++;
		nt->nt_rxbyte += rp->rp_len;
		nt->nt_rxcsum += rp->rp_flags != 0;
		nt->nt_rxgso += rp->rp_gsosize != 0;
		nt->nt_rxhash += rp->rp_hash;
	} else {
		nt->nt_rxdrop++;
	}
	pv_unlock(&sc->sc_lock);
	return good;
}

/* Hand a whole packet up, and take its buffers back. */
static void
netfront_rx_deliver(struct netfront_queue *nq)
{
	struct netfront_rxpkt *rp = &nq->nq_rp;
	struct pv_net *nt = &nq->nq_sc->sc_net;
	struct pv_net_pkt np;
	unsigned int i;

	if (netfront_rx_tally(nq->nq_sc, rp)) {
		__builtin_memset(&np, 0, sizeof(np));
		np.np_iov = rp->rp_iov;
		np.np_niov = rp->rp_n;
		np.np_len = rp->rp_len;
		np.np_flags = rp->rp_flags;
		np.np_gso_size = rp->rp_gsosize;
		np.np_gso_type = rp->rp_gsotype;
		nt->nt_recv(nt, &np);
	}
	for (i = 0; i < rp->rp_n; i++)
		netfront_rx_give(rp->rp_buf[i]);
	__builtin_memset(rp, 0, sizeof(*rp));
}

/*
 * A response that is extra info: how the packet is to be cut into segments,
 * that its flow was hashed, or what we did not ask for and leave alone.  It
 * tells where the data goes on.
 * Pure but for rp.  0 or -PV_EPROTO.
 */
static int
netfront_rx_extra(struct netfront_rxpkt *rp, const struct netif_extra_info *ei)
{
	/* peer: a type that netif.h does not know breaks the chain. */
	if (ei->type == XEN_NETIF_EXTRA_TYPE_NONE ||
	    ei->type >= XEN_NETIF_EXTRA_TYPE_MAX)
		return -PV_EPROTO;
	if (ei->type == XEN_NETIF_EXTRA_TYPE_GSO) {
		if (ei->u.gso.size == 0 ||
		    (ei->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV4 &&
		    ei->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV6))
			return -PV_EPROTO;
		rp->rp_gsosize = ei->u.gso.size;
		rp->rp_gsotype = ei->u.gso.type == XEN_NETIF_GSO_TYPE_TCPV4 ?
		    PV_NET_GSO_TCP4 : PV_NET_GSO_TCP6;
	}
	rp->rp_hash |= ei->type == XEN_NETIF_EXTRA_TYPE_HASH;
	rp->rp_extra = (ei->flags & XEN_NETIF_EXTRA_FLAG_MORE) != 0;
	return 0;
}

/* What the response says of the packet.  0 or -PV_EPROTO.  Pure but for rp. */
static int
netfront_rx_data(struct netfront_rxpkt *rp, const struct netif_rx_response *rsp,
    unsigned int slot)
{
	/* peer: answers in order, and stays within the page. */
	if (rsp->id != slot)
		return -PV_EPROTO;
	if (rsp->status > 0 &&
	    (unsigned int)rsp->offset + (unsigned int)rsp->status >
	    PV_PAGE_SIZE)
		return -PV_EPROTO;
	if (!rp->rp_begun) {
		rp->rp_begun = true;
		if ((rsp->flags & NETRXF_csum_blank) != 0)
			rp->rp_flags |= PV_NET_CSUM_BLANK;
		else if ((rsp->flags & NETRXF_data_validated) != 0)
			rp->rp_flags |= PV_NET_CSUM_VALID;
	}
	rp->rp_more = (rsp->flags & NETRXF_more_data) != 0;
	rp->rp_extra = (rsp->flags & NETRXF_extra_info) != 0;
	/* peer: reports an error, or more than a packet may have. */
	if (rsp->status < 0 || rp->rp_n == PV_NET_MAXPIECES ||
	    rp->rp_len + (uint32_t)rsp->status > XEN_NETIF_MAX_TX_SIZE ||
	    (rsp->flags & NETRXF_gso_prefix) != 0)
		rp->rp_bad = true;
	return 0;
}

/* The buffer of a data response becomes a piece of the packet, or is free. */
static void
netfront_rx_piece(struct netfront_rxpkt *rp, struct netfront_rxbuf *rb,
    const struct netif_rx_response *rsp)
{
	if (rp->rp_bad || rsp->status == 0) {
		netfront_rx_give(rb);
		return;
	}
	rp->rp_iov[rp->rp_n].iov_base = (char *)rb->rb_page + rsp->offset;
	rp->rp_iov[rp->rp_n].iov_len = (size_t)rsp->status;
	rp->rp_buf[rp->rp_n++] = rb;
	rp->rp_len += (uint32_t)rsp->status;
}

/* Take one response.  1: taken; 0: there is none; -PV_EPROTO. */
static int
netfront_rx_step(struct netfront_queue *nq)
{
	union {
		struct netif_rx_response rsp;
		struct netif_extra_info extra;
	} u;
	struct netfront_rxpkt *rp = &nq->nq_rp;
	unsigned int slot = nq->nq_rxring.fr_cons & (NETFRONT_NRX - 1);
	struct netfront_rxbuf *rb = nq->nq_posted[slot];
	bool extra = rp->rp_extra;
	int rv;

	rv = fring_get(&nq->nq_rxring, &u);
	if (rv <= 0)
		return rv;
	PV_ASSERT(rb != NULL);	/* fring_get() bounds what is answered */
	rv = extra ? netfront_rx_extra(rp, &u.extra) :
	    netfront_rx_data(rp, &u.rsp, slot);
	if (rv < 0)
		return rv;
	nq->nq_posted[slot] = NULL;
	/* The memory is looked at only when the peer can not change it. */
	if (!netfront_rx_unshare(nq, rb))
		rp->rp_bad = true;
	else if (extra)
		netfront_rx_give(rb);
	else
		netfront_rx_piece(rp, rb, &u.rsp);
	if (!rp->rp_more && !rp->rp_extra)
		netfront_rx_deliver(nq);
	return 1;
}

enum evtchn_result
netfront_rx_intr(struct netfront_queue *nq)
{
	unsigned int n;
	bool more = true;
	int rv = 0;

	if (nq->nq_sc->sc_net.nt_recv == NULL)
		return EVTCHN_SPURIOUS;
	for (n = 0; n < NETFRONT_BUDGET; n++) {
		rv = netfront_rx_step(nq);
		if (rv <= 0)
			break;
	}
	if (rv < 0) {
		netfront_fail(nq->nq_sc, "receive response");
		return EVTCHN_DONE;
	}
	if (netfront_rx_post(nq))
		evtchn_notify(netfront_rxeh(nq));
	if (n < NETFRONT_BUDGET)
		more = fring_rearm(&nq->nq_rxring);
	return more ? EVTCHN_MORE : n > 0 ? EVTCHN_DONE : EVTCHN_SPURIOUS;
}
