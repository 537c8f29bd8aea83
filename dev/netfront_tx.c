/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netfront_tx -- the sending half of netfront; theory in netfront.c.
 *
 * Who has a slot:
 *
 *	tt_idle --send--> ring --response--> done list --unshare--> tt_idle
 *	                                          | peer keeps the page
 *	                                          +--> quarantine --> tt_idle
 *
 * A packet (struct netfront_tx) is done when none of its slots is on the ring
 * or in quarantine.
 *
 * A packet to be cut into segments has one slot more on the ring, behind its
 * first, which tells how.  That shows the peer no memory and has no id; its
 * answer is NETIF_RSP_NULL, and these are only counted.
 */

#include "flow.h"
#include "netfront.h"

/* ---- Attach ------------------------------------------------------------ */

/* The last one to leave the table frees it. */
static void
netfront_tx_put(struct netfront_txtab *tt)
{
	bool last;

	pv_lock(&tt->tt_lock);
	last = --tt->tt_refs == 0;
	pv_unlock(&tt->tt_lock);
	if (last)
		pv_free(NULL, tt, sizeof(*tt));
}

static void
netfront_tx_init(struct netfront_queue *nq, struct netfront_txtab *tt)
{
	unsigned int i;

	tt->tt_refs = 1;
	tt->tt_nq = nq;
	list_init(&tt->tt_free);
	list_init(&tt->tt_idle);
	for (i = 0; i < NETFRONT_NTX; i++) {
		list_append(&tt->tt_free, &tt->tt_tx[i].tx_link);
		list_append(&tt->tt_idle, &tt->tt_slot[i].ts_link);
		tt->tt_slot[i].ts_tab = tt;
		tt->tt_slot[i].ts_map = &nq->nq_txpool.dp_map[i];
	}
	tt->tt_nidle = NETFRONT_NTX;
}

int
netfront_tx_attach(struct netfront_queue *nq)
{
	struct pv_dev *dev = nq->nq_sc->sc_dev;
	struct netfront_txtab *tt;
	void *page;
	int rv;

	rv = pv_dma_reserve(dev, &nq->nq_txpool, NETFRONT_NTX);
	if (rv < 0)
		return rv;
	tt = pv_alloc(NULL, sizeof(*tt));	/* may outlive the device */
	if (tt == NULL)
		return -PV_ENOMEM;
	nq->nq_tt = tt;
	netfront_tx_init(nq, tt);
	while (tt->tt_npage < NETFRONT_NPAGE) {
		page = pv_pages_alloc(dev, 1);
		if (page == NULL)
			return -PV_ENOMEM;
		tt->tt_page[tt->tt_npage++] = page;
	}
	idmap_init(&nq->nq_ids, nq->nq_idslot, NETFRONT_NTX);
	return 0;
}

void
netfront_tx_detach(struct netfront_queue *nq)
{
	struct pv_dev *dev = nq->nq_sc->sc_dev;
	struct netfront_txtab *tt = nq->nq_tt;
	unsigned int i;

	if (tt != NULL) {
		pv_lock(&tt->tt_lock);
		tt->tt_nq = NULL;
		/* From here on parked pages are the quarantine's. */
		for (i = 0; i < NETFRONT_NTX; i++)
			if (tt->tt_slot[i].ts_page != NULL)
				pv_count(&dev->pd_npage, -1);
		pv_unlock(&tt->tt_lock);
		while (tt->tt_npage > 0)
			pv_pages_free(dev, tt->tt_page[--tt->tt_npage], 1);
		netfront_tx_put(tt);
		nq->nq_tt = NULL;
	}
	pv_dma_release(&nq->nq_txpool);
}

/* ---- Connection -------------------------------------------------------- */

int
netfront_tx_connect(struct netfront_queue *nq)
{
	int rv;

	nq->nq_error = -PV_ENXIO;
	nq->nq_full = false;
	nq->nq_nextra = 0;
	nq->nq_mcast = 0;
	rv = xenbus_ring_create(nq->nq_sc->sc_dev, &nq->nq_txpage, 1);
	if (rv < 0)
		return rv;
	fring_init(&nq->nq_txring, nq->nq_txpage.xr_va, PV_PAGE_SIZE,
	    sizeof(struct netif_tx_request), sizeof(struct netif_tx_response));
	PV_ASSERT(nq->nq_txring.fr_size == NETFRONT_NTX);
	return 0;
}

/* ---- Send -------------------------------------------------------------- */

/*
 * Slots that a packet takes as it lies in memory; or more than any peer takes
 * when the first has not all of the Ethernet header: xen-netback (Linux 6.1)
 * calls that a bad packet.
 */
static unsigned int
netfront_tx_count(const struct pv_net_pkt *np)
{
	struct iov_iter it;
	unsigned int n = 0;
	size_t len;

	iov_start(&it, np->np_iov, np->np_niov);
	while (iov_next(&it, PV_PAGE_SIZE, &len) != NULL) {
		if (n == 0 && len < NETFRONT_HDRLEN)
			return XEN_NETIF_NR_SLOTS_MIN + 1;
		n++;
	}
	return n;
}

/* The peer cuts packets of this kind. */
static bool
netfront_tx_gso(const struct netfront_softc *sc, const struct pv_net_pkt *np)
{
	static const uint32_t can[] = {
		[PV_NET_GSO_TCP4] = PV_NET_CAN_TSO4,
		[PV_NET_GSO_TCP6] = PV_NET_CAN_TSO6
	};

	return np->np_gso_type < PV_NELEM(can) &&
	    (sc->sc_net.nt_offload & can[np->np_gso_type]) != 0 &&
	    (np->np_flags & PV_NET_CSUM_BLANK) != 0;
}

/*
 * What is wrong with a packet, from the consumer's side; else the slots it
 * takes, and in *copy whether it must be copied together.
 */
static int
netfront_tx_check(const struct netfront_softc *sc, const struct pv_net_pkt *np,
    bool *copy)
{
	unsigned int n;

	if (np->np_niov == 0 || np->np_niov > PV_NET_MAXPIECES ||
	    np->np_len < NETFRONT_HDRLEN ||
	    np->np_len > XEN_NETIF_MAX_TX_SIZE ||
	    iov_length(np->np_iov, np->np_niov) != np->np_len ||
	    (np->np_gso_size != 0 && !netfront_tx_gso(sc, np)))
		return -PV_EINVAL;
	if ((np->np_flags & PV_NET_CSUM_BLANK) != 0 && (sc->sc_net.nt_offload &
	    (PV_NET_CAN_CSUM4 | PV_NET_CAN_CSUM6)) == 0)
		return -PV_EINVAL;
	n = netfront_tx_count(np);
	*copy = n > sc->sc_maxslot;
	if (*copy)
		n = PV_HOWMANY(np->np_len, PV_PAGE_SIZE);
	return n <= sc->sc_maxslot ? (int)n : -PV_EINVAL;
}

/* Pure: a slot as the peer reads it. */
static void
netfront_tx_encode(struct netif_tx_request *out, const struct pv_dma_map *dm,
    const struct pv_net_pkt *np, bool first, bool last)
{
	__builtin_memset(out, 0, sizeof(*out));
	out->gref = (grant_ref_t)dm->dm_da;
	out->offset = (uint16_t)((uintptr_t)dm->dm_va & (PV_PAGE_SIZE - 1));
	out->size = (uint16_t)(first ? np->np_len : dm->dm_len);
	if (first && (np->np_flags & PV_NET_CSUM_BLANK) != 0)
		out->flags |= NETTXF_csum_blank | NETTXF_data_validated;
	else if (first && (np->np_flags & PV_NET_CSUM_VALID) != 0)
		out->flags |= NETTXF_data_validated;
	if (first && np->np_gso_size != 0)
		out->flags |= NETTXF_extra_info;
	if (!last)
		out->flags |= NETTXF_more_data;
}

/* How a packet is to be cut into segments. */
static void
netfront_tx_extra(struct netfront_queue *nq, const struct pv_net_pkt *np)
{
	union {
		struct netif_tx_request req;
		struct netif_extra_info extra;
	} u;

	__builtin_memset(&u, 0, sizeof(u));
	u.extra.type = XEN_NETIF_EXTRA_TYPE_GSO;
	u.extra.u.gso.size = np->np_gso_size;
	u.extra.u.gso.type = np->np_gso_type == PV_NET_GSO_TCP4 ?
	    XEN_NETIF_GSO_TYPE_TCPV4 : XEN_NETIF_GSO_TYPE_TCPV6;
	fring_put(&nq->nq_txring, &u);
	nq->nq_nextra++;
}

/* Put one piece of a packet on the ring; left bytes of it follow. */
static void
netfront_tx_piece(struct netfront_queue *nq, struct netfront_tx *tx,
    void *page, const struct pv_iov *piece, size_t left)
{
	struct netfront_txtab *tt = nq->nq_tt;
	struct netif_tx_request req;
	struct netfront_txslot *ts;
	struct list *l;
	int64_t id;

	l = list_pop(&tt->tt_idle);
	PV_ASSERT(l != NULL && fring_free(&nq->nq_txring) > 0);
	tt->tt_nidle--;
	ts = LIST_ENTRY(l, struct netfront_txslot, ts_link);
	ts->ts_tx = tx;
	ts->ts_page = page;
	pv_dma_share(&nq->nq_txpool, ts->ts_map, piece->iov_base,
	    piece->iov_len, PV_PEER_READS);
	id = idmap_take(&nq->nq_ids, ts);
	PV_ASSERT(id >= 0);
	netfront_tx_encode(&req, ts->ts_map, tx->tx_np, tx->tx_nslot == 0,
	    left == 0);
	req.id = (uint16_t)id;
	fring_put(&nq->nq_txring, &req);
	if (tx->tx_nslot++ == 0 && tx->tx_np->np_gso_size != 0)
		netfront_tx_extra(nq, tx->tx_np);
}

/* Copy a packet together into pages of ours, and put these on the ring. */
static void
netfront_tx_copy(struct netfront_queue *nq, struct netfront_tx *tx)
{
	const struct pv_net_pkt *np = tx->tx_np;
	struct netfront_txtab *tt = nq->nq_tt;
	struct iov_iter it;
	struct pv_iov piece;
	size_t left = np->np_len, len;
	const void *src;
	char *page;

	iov_start(&it, np->np_iov, np->np_niov);
	while (left > 0) {
		page = tt->tt_page[--tt->tt_npage];
		piece.iov_base = page;
		piece.iov_len = 0;
		while (piece.iov_len < PV_PAGE_SIZE && (src = iov_next(&it,
		    PV_PAGE_SIZE - piece.iov_len, &len)) != NULL) {
			__builtin_memcpy(page + piece.iov_len, src, len);
			piece.iov_len += len;
		}
		left -= piece.iov_len;
		netfront_tx_piece(nq, tx, page, &piece, left);
	}
}

static void
netfront_tx_pieces(struct netfront_queue *nq, struct netfront_tx *tx)
{
	const struct pv_net_pkt *np = tx->tx_np;
	size_t left = np->np_len;
	struct iov_iter it;
	struct pv_iov piece;

	iov_start(&it, np->np_iov, np->np_niov);
	while (left > 0) {
		piece.iov_base = iov_next(&it, PV_PAGE_SIZE, &piece.iov_len);
		left -= piece.iov_len;
		netfront_tx_piece(nq, tx, NULL, &piece, left);
	}
}

/* Put a packet of n slots on the ring.  0, or -PV_EAGAIN. */
static int
netfront_tx_send_locked(struct netfront_queue *nq, struct pv_net_pkt *np,
    unsigned int n, bool copy)
{
	struct netfront_txtab *tt = nq->nq_tt;
	struct netfront_tx *tx;
	struct list *l;

	PV_ASSERT_LOCKED(&tt->tt_lock);
	if (tt->tt_nidle < n || (copy && tt->tt_npage < n) ||
	    fring_free(&nq->nq_txring) < n + (np->np_gso_size != 0) ||
	    list_empty(&tt->tt_free)) {
		nq->nq_full = true;
		return -PV_EAGAIN;
	}
	l = list_pop(&tt->tt_free);
	tx = LIST_ENTRY(l, struct netfront_tx, tx_link);
	tx->tx_np = np;
	tx->tx_nslot = 0;
	tx->tx_error = 0;
	if (copy)
		netfront_tx_copy(nq, tx);
	else
		netfront_tx_pieces(nq, tx);
	return 0;
}

/* The queue that a packet takes. */
static struct netfront_queue *
netfront_tx_queue(const struct netfront_softc *sc, const struct pv_net_pkt *np)
{
	unsigned int n = sc->sc_nqueue;
	struct flow fl;

	if (n == 1 || np->np_niov == 0)
		return sc->sc_queue[0];
	fl = flow_parse(np->np_iov[0].iov_base, np->np_iov[0].iov_len);
	return sc->sc_queue[sc->sc_ctl.ct_inuse ?
	    netfront_ctl_queue(sc, &fl) : flow_hash(&fl) % n];
}

/* Context: deferred, thread. */
int
netfront_tx_send(void *softc, struct pv_net_pkt *np)
{
	struct netfront_softc *sc = softc;
	struct netfront_queue *nq = netfront_tx_queue(sc, np);
	bool copy, kick = false;
	int rv;

	pv_lock(&nq->nq_tt->tt_lock);
	rv = nq->nq_up ? netfront_tx_check(sc, np, &copy) : -PV_ENXIO;
	if (rv > 0)
		rv = netfront_tx_send_locked(nq, np, (unsigned int)rv, copy);
	if (rv == 0)
		kick = fring_push(&nq->nq_txring);
	pv_unlock(&nq->nq_tt->tt_lock);
	if (kick)
		evtchn_notify(netfront_txeh(nq));
	return rv;
}

/* A request without data, and what is to be done behind it. */
static void
netfront_tx_mcast_locked(struct netfront_queue *nq, const uint8_t mac[6],
    bool add)
{
	union {
		struct netif_tx_request req;
		struct netif_extra_info extra;
	} u;
	int64_t id = idmap_take(&nq->nq_ids, &nq->nq_sc->sc_mc);

	PV_ASSERT_LOCKED(&nq->nq_tt->tt_lock);
	PV_ASSERT(id >= 0);	/* there are as many as ring entries */
	__builtin_memset(&u, 0, sizeof(u));
	u.req.flags = NETTXF_extra_info;
	u.req.id = (uint16_t)id;
	fring_put(&nq->nq_txring, &u);
	__builtin_memset(&u, 0, sizeof(u));
	u.extra.type = add ? XEN_NETIF_EXTRA_TYPE_MCAST_ADD :
	    XEN_NETIF_EXTRA_TYPE_MCAST_DEL;
	__builtin_memcpy(u.extra.u.mcast.addr, mac, 6);
	fring_put(&nq->nq_txring, &u);
	nq->nq_nextra++;
}

/* Context: deferred, thread. */
int
netfront_tx_mcast(struct netfront_queue *nq, const uint8_t mac[6], bool add)
{
	bool kick = false;
	int rv = 0;

	pv_lock(&nq->nq_tt->tt_lock);
	if (!nq->nq_up) {
		rv = -PV_ENXIO;
	} else if (fring_free(&nq->nq_txring) < 2) {
		nq->nq_full = true;
		rv = -PV_EAGAIN;
	} else {
		netfront_tx_mcast_locked(nq, mac, add);
		kick = fring_push(&nq->nq_txring);
	}
	pv_unlock(&nq->nq_tt->tt_lock);
	if (kick)
		evtchn_notify(netfront_txeh(nq));
	return rv;
}

/* ---- Complete ---------------------------------------------------------- */

/*
 * Match a response, which has been copied out of the ring, to its slot; *tsp
 * is NULL if it answers extra info or an order.  -PV_EPROTO: nothing.
 */
static int
netfront_tx_complete(struct netfront_queue *nq,
    const struct netif_tx_response *rsp, struct netfront_txslot **tsp)
{
	void *found;

	*tsp = NULL;
	if (rsp->status == NETIF_RSP_NULL) {
		/* peer: has no more to answer than we sent; no id here. */
		if (nq->nq_nextra == 0)
			return -PV_EPROTO;
		nq->nq_nextra--;
		return 0;
	}
	/* peer: any id; idmap_find() takes only one in flight. */
	found = idmap_find(&nq->nq_ids, rsp->id);
	if (found == NULL)
		return -PV_EPROTO;
	idmap_release(&nq->nq_ids, rsp->id);
	if (found == &nq->nq_sc->sc_mc) {
		nq->nq_mcast = rsp->status == NETIF_RSP_OKAY ? 1 : -1;
		return 0;
	}
	*tsp = found;
	if (rsp->status != NETIF_RSP_OKAY)	/* peer: any number */
		(*tsp)->ts_tx->tx_error = -PV_EIO;
	return 0;
}

/* A slot is ours again; its packet, when it is done, goes on done. */
static void
netfront_tx_settle_locked(struct netfront_txslot *ts, struct list *done)
{
	struct netfront_txtab *tt = ts->ts_tab;
	struct netfront_tx *tx = ts->ts_tx;

	PV_ASSERT_LOCKED(&tt->tt_lock);
	if (ts->ts_page != NULL)
		tt->tt_page[tt->tt_npage++] = ts->ts_page;
	ts->ts_page = NULL;
	ts->ts_tx = NULL;
	if (tt->tt_nq != NULL && pv_dma_usable(ts->ts_map)) {
		list_append(&tt->tt_idle, &ts->ts_link);
		tt->tt_nidle++;
	}
	if (tx->tx_nslot == 0 && tx->tx_nparked == 0)
		list_append(done, &tx->tx_link);
}

/* What the operator sees. */
static void
netfront_tx_tally(struct netfront_softc *sc, const struct pv_net_pkt *np,
    int error)
{
	struct pv_net *nt = &sc->sc_net;

	pv_lock(&sc->sc_lock);
	if (error != 0)
		nt->nt_txdrop++;
	else {
		nt->nt_txpkt++;
		nt->nt_txbyte += np->np_len;
		nt->nt_txcsum += (np->np_flags & PV_NET_CSUM_BLANK) != 0;
		nt->nt_txgso += np->np_gso_size != 0;
	}
	pv_unlock(&sc->sc_lock);
}

/* Give packets back to the consumer.  No lock held. */
static void
netfront_tx_finish(struct netfront_txtab *tt, struct list *done)
{
	struct netfront_tx *tx;
	struct pv_net_pkt *np;
	struct list *l;
	int error;

	while ((l = list_pop(done)) != NULL) {
		tx = LIST_ENTRY(l, struct netfront_tx, tx_link);
		np = tx->tx_np;
		error = tx->tx_error;
		pv_lock(&tt->tt_lock);
		list_append(&tt->tt_free, &tx->tx_link);
		if (tt->tt_nq != NULL)
			netfront_tx_tally(tt->tt_nq->nq_sc, np, error);
		pv_unlock(&tt->tt_lock);
		np->np_done(np, error);
	}
}

/*
 * The peer has let go of a parked slot.  The device may be gone: then the
 * slot's page goes where its device's pages went.  Context: deferred.
 */
static void
netfront_tx_unpark(void *arg)
{
	struct netfront_txslot *ts = arg;
	struct netfront_txtab *tt = ts->ts_tab;
	void *page = NULL;
	LIST_HEAD(done);

	pv_lock(&tt->tt_lock);
	if (tt->tt_nq == NULL) {
		page = ts->ts_page;
		ts->ts_page = NULL;
	}
	ts->ts_tx->tx_nparked--;
	netfront_tx_settle_locked(ts, &done);
	if (tt->tt_nq != NULL && tt->tt_nq->nq_up)
		evtchn_again(netfront_txeh(tt->tt_nq));	/* nt_ready */
	pv_unlock(&tt->tt_lock);
	pv_pages_free(NULL, page, 1);
	netfront_tx_finish(tt, &done);
	netfront_tx_put(tt);
}

/* Slots that were answered: take the memory back, report packets. */
static void
netfront_tx_done(struct netfront_queue *nq, struct list *slots)
{
	struct netfront_txtab *tt = nq->nq_tt;
	struct netfront_txslot *ts;
	struct list *l;
	LIST_HEAD(done);
	int rv;

	while ((l = list_pop(slots)) != NULL) {
		ts = LIST_ENTRY(l, struct netfront_txslot, ts_link);
		rv = pv_dma_unshare(&nq->nq_txpool, ts->ts_map);
		pv_lock(&tt->tt_lock);
		ts->ts_tx->tx_nslot--;
		if (rv == 0)
			netfront_tx_settle_locked(ts, &done);
		else {
			/* peer: has answered, and keeps the page. */
			ts->ts_tx->tx_nparked++;
			tt->tt_refs++;
		}
		pv_unlock(&tt->tt_lock);
		if (rv != 0)
			pv_dma_park(&nq->nq_txpool, ts->ts_map,
			    netfront_tx_unpark, ts);
	}
	netfront_tx_finish(tt, &done);
}

/* Tell a sender who was turned away that there is room; no lock held. */
static void
netfront_tx_ready(struct netfront_queue *nq)
{
	struct pv_net *nt = &nq->nq_sc->sc_net;
	bool ready;

	pv_lock(&nq->nq_tt->tt_lock);
	ready = nq->nq_full && (nq->nq_ids.im_used == 0 ||
	    (nq->nq_tt->tt_nidle >= NETFRONT_READY &&
	    fring_free(&nq->nq_txring) >= NETFRONT_READY));
	if (ready)
		nq->nq_full = false;
	pv_unlock(&nq->nq_tt->tt_lock);
	if (!ready)
		return;
	netfront_mc_go(nq->nq_sc);
	if (nt->nt_ready != NULL)
		nt->nt_ready(nt);
}

enum evtchn_result
netfront_tx_intr(struct netfront_queue *nq)
{
	struct netif_tx_response rsp;
	struct netfront_txslot *ts;
	LIST_HEAD(slots);
	unsigned int n;
	bool more = true;
	int rv = 0, mcast;

	pv_lock(&nq->nq_tt->tt_lock);
	for (n = 0; n < NETFRONT_BUDGET; n++) {
		rv = fring_get(&nq->nq_txring, &rsp);
		if (rv <= 0)
			break;
		rv = netfront_tx_complete(nq, &rsp, &ts);
		if (rv < 0)
			break;
		if (ts != NULL)
			list_append(&slots, &ts->ts_link);
	}
	if (n < NETFRONT_BUDGET)
		more = rv == 0 && fring_rearm(&nq->nq_txring);
	mcast = nq->nq_mcast;
	nq->nq_mcast = 0;
	pv_unlock(&nq->nq_tt->tt_lock);

	netfront_tx_done(nq, &slots);
	if (rv < 0) {
		netfront_fail(nq->nq_sc,
		    "transmit response that answers nothing");
		return EVTCHN_DONE;
	}
	if (mcast != 0)
		netfront_mc_done(nq->nq_sc, mcast > 0);
	netfront_tx_ready(nq);
	return more ? EVTCHN_MORE : n > 0 ? EVTCHN_DONE : EVTCHN_SPURIOUS;
}

void
netfront_tx_disconnect(struct netfront_queue *nq)
{
	struct netfront_txslot *ts;
	LIST_HEAD(slots);
	uint32_t id;
	void *found;

	pv_lock(&nq->nq_tt->tt_lock);
	for (id = 0; (found = idmap_next(&nq->nq_ids, &id)) != NULL; id++) {
		idmap_release(&nq->nq_ids, id);
		if (found == &nq->nq_sc->sc_mc)
			continue;
		ts = found;
		ts->ts_tx->tx_error = nq->nq_error;
		list_append(&slots, &ts->ts_link);
	}
	pv_unlock(&nq->nq_tt->tt_lock);
	/* Before the packets: a peer that still has it can not go on. */
	xenbus_ring_destroy(nq->nq_sc->sc_dev, &nq->nq_txpage);
	netfront_tx_done(nq, &slots);
}
