/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netback_rx.c -- what the guest receives; theory in netback.c.
 *
 *	no_send --> nq_first .. --buffers there--> rb_out[] --copy--> responses
 *	                |                                                |
 *	                +-- no buffers in time --> np_done <-------------+
 *
 * The sender's packets wait in its own memory until they are copied; they are
 * never answered before no_send has returned.  A guest has NETBACK_DRAIN to
 * give buffers, for each packet: who gives them one by one keeps none longer.
 * Without any for NETBACK_STALL it has no carrier on our side, until it gives
 * some.
 */

#include "flow.h"
#include "iov.h"
#include "netback.h"

#define NETBACK_RX_WAITS 1		/* the batch goes on by itself */

/* ---- send -------------------------------------------------------------- */

/* What the guest is told of its hash.  Context: the device's works. */
static struct netback_hash
netback_rx_hash(const struct netback_softc *sc, const struct pv_net_pkt *np)
{
	struct flow fl;

	if (!sc->sc_ctl.ct_on)
		return (struct netback_hash){ .nh_told = false };
	fl = flow_parse(np->np_iov[0].iov_base, np->np_iov[0].iov_len);
	return netback_ctl_hash(sc, &fl);
}

static unsigned int
netback_rx_nextra(const struct pv_net_pkt *np, const struct netback_hash *nh)
{
	return (np->np_gso_size != 0) + nh->nh_told;
}

/* Slots of a packet, extra info counted in. */
static unsigned int
netback_rx_need(const struct pv_net_pkt *np, const struct netback_hash *nh)
{
	return PV_HOWMANY(np->np_len, PV_PAGE_SIZE) +
	    netback_rx_nextra(np, nh);
}

/* Pieces that have to be copied for it, at most. */
static unsigned int
netback_rx_ops(const struct pv_net_pkt *np)
{
	unsigned int i, n = PV_HOWMANY(np->np_len, PV_PAGE_SIZE);

	for (i = 0; i < np->np_niov; i++)
		n += (unsigned int)(np->np_iov[i].iov_len / PV_PAGE_SIZE) + 2;
	return n;
}

/* What is wrong with a packet, from the sender's side; 0 or -PV_EINVAL. */
static int
netback_rx_check(const struct netback_softc *sc, const struct pv_net_pkt *np)
{
	static const uint32_t can[] = {
		[PV_NET_GSO_TCP4] = PV_NET_CAN_TSO4,
		[PV_NET_GSO_TCP6] = PV_NET_CAN_TSO6
	};

	if (np->np_niov == 0 || np->np_niov > PV_NET_MAXPIECES ||
	    np->np_len < NETBACK_HDRLEN || np->np_len > NETBACK_MAXLEN ||
	    iov_length(np->np_iov, np->np_niov) != np->np_len ||
	    (!sc->sc_sg && np->np_len > PV_PAGE_SIZE))
		return -PV_EINVAL;
	if ((np->np_flags & PV_NET_CSUM_BLANK) != 0 && (sc->sc_net.nt_offload &
	    (PV_NET_CAN_CSUM4 | PV_NET_CAN_CSUM6)) == 0)
		return -PV_EINVAL;
	if (np->np_gso_size != 0 && (np->np_gso_type >= PV_NELEM(can) ||
	    (sc->sc_net.nt_offload & can[np->np_gso_type]) == 0 ||
	    (np->np_flags & PV_NET_CSUM_BLANK) == 0))
		return -PV_EINVAL;
	return 0;
}

/* All packets of a connection take one queue. */
static struct netback_queue *
netback_rx_queue(struct netback_softc *sc, const struct pv_net_pkt *np)
{
	struct flow fl;

	if (sc->sc_nqueue <= 1 || np->np_niov == 0)
		return &sc->sc_queue[0];
	fl = flow_parse(np->np_iov[0].iov_base, np->np_iov[0].iov_len);
	return &sc->sc_queue[netback_ctl_queue(sc, &fl)];
}

/*
 * netback_rx_send -- no_send
 *
 * Context: deferred, thread.
 */
int
netback_rx_send(void *softc, struct pv_net_pkt *np)
{
	struct netback_softc *sc = softc;
	struct netback_queue *nq;
	int rv;

	pv_lock(&sc->sc_lock);
	nq = netback_rx_queue(sc, np);
	rv = !sc->sc_up || sc->sc_stalled ? -PV_ENXIO :
	    netback_rx_check(sc, np);
	if (rv == 0 && nq->nq_nwait >= NETBACK_NSEND) {
		nq->nq_full = true;
		rv = -PV_EAGAIN;
	}
	if (rv == 0) {
		np->np_next = NULL;
		*nq->nq_last = np;
		nq->nq_last = &np->np_next;
		nq->nq_nwait++;
		evtchn_again(netback_rxeh(nq));
	}
	pv_unlock(&sc->sc_lock);
	return rv;
}

/* The next packet that waits for the queue's guest, taken out if out. */
static struct pv_net_pkt *
netback_rx_next(struct netback_queue *nq, bool out)
{
	struct netback_softc *sc = nq->nq_sc;
	struct pv_net_pkt *np;

	pv_lock(&sc->sc_lock);
	np = nq->nq_first;
	if (np != NULL && out) {
		nq->nq_first = np->np_next;
		if (nq->nq_first == NULL)
			nq->nq_last = &nq->nq_first;
		nq->nq_nwait--;
		if (nq->nq_nold > 0)
			nq->nq_nold--;
	}
	pv_unlock(&sc->sc_lock);
	return np;
}

/* A packet is over. */
static void
netback_rx_done(struct netback_softc *sc, struct pv_net_pkt *np, int rv)
{
	struct pv_net *nt = &sc->sc_net;

	if (rv == 0) {
		nt->nt_txpkt++;
		nt->nt_txbyte += np->np_len;
		nt->nt_txcsum += (np->np_flags & PV_NET_CSUM_BLANK) != 0;
		nt->nt_txgso += np->np_gso_size != 0;
	} else {
		nt->nt_txdrop++;
	}
	np->np_done(np, rv);
}

/* Tell a sender who was turned away that there is room. */
static void
netback_rx_ready(struct netback_queue *nq)
{
	struct netback_softc *sc = nq->nq_sc;
	struct pv_net *nt = &sc->sc_net;
	bool ready;

	pv_lock(&sc->sc_lock);
	ready = nq->nq_full && nq->nq_nwait <= NETBACK_NSEND / 2;
	if (ready)
		nq->nq_full = false;
	pv_unlock(&sc->sc_lock);
	if (ready && nt->nt_ready != NULL)
		nt->nt_ready(nt);
}

/* ---- buffers ----------------------------------------------------------- */

/* The guest gives buffers, or does not. */
static void
netback_rx_link(struct netback_softc *sc, bool up)
{
	struct pv_net *nt = &sc->sc_net;
	unsigned int i;

	pv_lock(&sc->sc_lock);
	sc->sc_stalled = !up;
	pv_unlock(&sc->sc_lock);
	for (i = 0; up && i < sc->sc_nqueue; i++)
		sc->sc_queue[i].nq_short = 0;
	nt->nt_link = up;
	pv_log(sc->sc_dev, PV_LOG_INFO, up ? "takes packets again" :
	    "has no room for packets: taken off the network until it has");
	if (nt->nt_change != NULL)
		nt->nt_change(nt);
}

/* Have n buffers at hand.  1; 0: there are less; -PV_EPROTO. */
static int
netback_rx_bufs(struct netback_queue *nq, unsigned int n)
{
	int rv = 1;

	while (rv == 1 && nq->nq_nbuf < n) {
		rv = bring_get(&nq->nq_rx, &nq->nq_buf[nq->nq_nbuf]);
		if (rv == 1) {
			nq->nq_nbuf++;
			nq->nq_short = 0;
		}
	}
	return rv;
}

/* As netback_rx_bufs(), and be told of the next ones. */
static int
netback_rx_want(struct netback_queue *nq, unsigned int n)
{
	struct netback_softc *sc = nq->nq_sc;
	unsigned int had;
	int rv = netback_rx_bufs(nq, n);

	while (rv == 0 && bring_rearm(&nq->nq_rx)) {
		had = nq->nq_nbuf;
		rv = netback_rx_bufs(nq, n);
		if (nq->nq_nbuf == had)
			break;		/* peer: shows them and takes them */
	}
	if (rv == 0) {
		if (nq->nq_short == 0)
			nq->nq_short = pv_now();
		pv_defer(&sc->sc_rxwork, sc->sc_notify ? NETBACK_TICK :
		    NETBACK_POLL);
	}
	return rv;
}

/* ---- the batch --------------------------------------------------------- */

static void
netback_rx_add(struct netback_queue *nq, struct pv_net_pkt *np,
    const struct netback_hash *nh)
{
	struct netback_rxbatch *rb = &nq->nq_sc->sc_rb;
	struct netback_out *ou = &rb->rb_out[rb->rb_n++];
	unsigned int i;

	ou->ou_np = np;
	ou->ou_hash = *nh;
	ou->ou_nextra = netback_rx_nextra(np, nh);
	ou->ou_nreq = netback_rx_need(np, nh);
	__builtin_memcpy(ou->ou_req, nq->nq_buf,
	    ou->ou_nreq * sizeof(ou->ou_req[0]));
	nq->nq_nbuf -= ou->ou_nreq;
	__builtin_memmove(nq->nq_buf, nq->nq_buf + ou->ou_nreq,
	    nq->nq_nbuf * sizeof(nq->nq_buf[0]));
	ou->ou_op = rb->rb_nop;
	ou->ou_nop = netback_req_chunks(ou, &rb->rb_gc[rb->rb_nop]);
	for (i = 0; i < ou->ou_nop; i++)
		rb->rb_gc[rb->rb_nop++].gc_dom = nq->nq_sc->sc_guest.ng_domid;
}

static bool
netback_rx_wanted(const struct netback_softc *sc, const struct pv_net_pkt *np)
{
	return np->np_iov[0].iov_len < 6 ||
	    netback_rule_wanted(&sc->sc_groups, np->np_iov[0].iov_base);
}

/* Fill the batch.  0 or -PV_EPROTO; *wants: buffers were missing. */
static int
netback_rx_gather(struct netback_queue *nq, bool *wants)
{
	struct netback_softc *sc = nq->nq_sc;
	struct netback_rxbatch *rb = &sc->sc_rb;
	struct netback_hash nh;
	struct pv_net_pkt *np;
	int rv = 1;

	rb->rb_nq = nq;
	rb->rb_n = rb->rb_nop = rb->rb_tries = 0;
	*wants = false;
	while (rb->rb_n < NETBACK_NPKT &&
	    (np = netback_rx_next(nq, false)) != NULL &&
	    rb->rb_nop + netback_rx_ops(np) <= NETBACK_NOP) {
		if (!netback_rx_wanted(sc, np)) {
			sc->sc_guest.ng_nfilter++;
			(void)netback_rx_next(nq, true);
			np->np_done(np, 0);
			continue;
		}
		nh = netback_rx_hash(sc, np);
		rv = netback_rx_want(nq, netback_rx_need(np, &nh));
		*wants = rv == 0;
		if (rv <= 0)
			break;
		(void)netback_rx_next(nq, true);
		netback_rx_add(nq, np, &nh);
	}
	return rv < 0 ? rv : 0;
}

/* ---- answers ----------------------------------------------------------- */

/* Pure: how the packet is cut into segments. */
static void
netback_rx_gso(struct netif_extra_info *ei, const struct pv_net_pkt *np)
{
	ei->type = XEN_NETIF_EXTRA_TYPE_GSO;
	ei->u.gso.size = np->np_gso_size;
	ei->u.gso.type = np->np_gso_type == PV_NET_GSO_TCP4 ?
	    XEN_NETIF_GSO_TYPE_TCPV4 : XEN_NETIF_GSO_TYPE_TCPV6;
}

/* Pure: which connection it is of. */
static void
netback_rx_told(struct netif_extra_info *ei, const struct netback_hash *nh)
{
	unsigned int i;

	ei->type = XEN_NETIF_EXTRA_TYPE_HASH;
	ei->u.hash.type = nh->nh_type;
	ei->u.hash.algorithm = XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ;
	for (i = 0; i < 4; i++)
		ei->u.hash.value[i] = (uint8_t)(nh->nh_value >> 8 * i);
}

/* Pure: the i-th extra info, from 1 on. */
static struct netif_extra_info
netback_rx_extra(const struct netback_out *ou, unsigned int i)
{
	struct netif_extra_info ei;

	__builtin_memset(&ei, 0, sizeof(ei));
	if (i == 1 && ou->ou_np->np_gso_size != 0)
		netback_rx_gso(&ei, ou->ou_np);
	else
		netback_rx_told(&ei, &ou->ou_hash);
	ei.flags = i < ou->ou_nextra ? XEN_NETIF_EXTRA_FLAG_MORE : 0;
	return ei;
}

static uint16_t
netback_rx_flags(const struct netback_out *ou)
{
	const struct pv_net_pkt *np = ou->ou_np;
	uint16_t flags = 0;

	if ((np->np_flags & PV_NET_CSUM_BLANK) != 0)
		flags = NETRXF_csum_blank | NETRXF_data_validated;
	else if ((np->np_flags & PV_NET_CSUM_VALID) != 0)
		flags = NETRXF_data_validated;
	return ou->ou_nextra > 0 ? flags | NETRXF_extra_info : flags;
}

/* Each response in the slot of its request: that is how the guest finds its
   buffers. */
static void
netback_rx_answer(struct bring *ring, const struct netback_out *ou, int rv)
{
	struct netif_rx_response rsp;
	struct netif_extra_info ei;
	uint32_t left = ou->ou_np->np_len, n;
	unsigned int i;

	for (i = 0; i < ou->ou_nreq; i++) {
		if (i > 0 && i <= ou->ou_nextra) {
			ei = netback_rx_extra(ou, i);
			bring_put(ring, &ei);
			continue;
		}
		n = left < PV_PAGE_SIZE ? left : PV_PAGE_SIZE;
		left -= n;
		rsp.id = ou->ou_req[i].id;
		rsp.offset = 0;
		rsp.flags = i == 0 ? netback_rx_flags(ou) : 0;
		if (left > 0)
			rsp.flags |= NETRXF_more_data;
		rsp.status = rv < 0 ? NETIF_RSP_ERROR : (int16_t)n;
		bring_put(ring, &rsp);
	}
}

static int
netback_rx_one(struct netback_softc *sc, const struct netback_out *ou)
{
	const struct netback_rxbatch *rb = &sc->sc_rb;
	unsigned int i;
	int rv = 0;

	/* peer: buffers that it did not grant lose this packet alone. */
	for (i = 0; i < ou->ou_nop && rv == 0; i++)
		rv = rb->rb_gc[ou->ou_op + i].gc_rv;
	sc->sc_guest.ng_nbad += rv < 0;
	netback_rx_answer(&rb->rb_nq->nq_rx, ou, rv);
	return rv < 0 ? -PV_EIO : 0;
}

/* Copy a batch and answer it; NETBACK_RX_WAITS: later. */
static int
netback_rx_do(struct netback_softc *sc)
{
	struct netback_rxbatch *rb = &sc->sc_rb;
	struct netback_queue *nq = rb->rb_nq;
	int rv = 0, one[NETBACK_NPKT];
	unsigned int i;

	if (rb->rb_nop > 0)
		rv = gntmap_copy_once(xenbus_xen(sc->sc_dev), rb->rb_gc,
		    rb->rb_nop);
	rb->rb_waits = rv == -PV_EAGAIN && rb->rb_tries + 1 < NETBACK_TRIES;
	if (rb->rb_waits) {
		pv_defer(&sc->sc_rxwork, NETBACK_SOON << rb->rb_tries++);
		return NETBACK_RX_WAITS;
	}
	for (i = 0; i < rb->rb_n; i++)
		one[i] = netback_rx_one(sc, &rb->rb_out[i]);
	if (bring_push(&nq->nq_rx))
		evtchn_notify(netback_rxeh(nq));
	for (i = 0; i < rb->rb_n; i++)
		netback_rx_done(sc, rb->rb_out[i].ou_np, one[i]);
	rb->rb_n = 0;
	netback_rx_ready(nq);
	return 0;
}

enum evtchn_result
netback_rx_run(struct netback_queue *nq)
{
	struct netback_softc *sc = nq->nq_sc;
	struct netback_rxbatch *rb = &sc->sc_rb;
	unsigned int n = 0, got = 1;
	bool wants = false;
	int rv = 0;

	if (rb->rb_waits)
		return EVTCHN_DONE;	/* its end runs all queues */
	if (sc->sc_stalled)
		rv = netback_rx_want(nq, 1);
	if (rv == 1)
		netback_rx_link(sc, true);
	while (rv >= 0 && got > 0 && n < NETBACK_BUDGET) {
		rv = netback_rx_gather(nq, &wants);
		got = rb->rb_n;
		n += got;
		if (rv == 0 && netback_rx_do(sc) == NETBACK_RX_WAITS)
			return EVTCHN_DONE;
	}
	if (rv < 0) {
		netback_fail(sc, "more buffers than its ring has");
		return EVTCHN_DONE;
	}
	if (got > 0)
		return EVTCHN_MORE;
	return n > 0 || wants ? EVTCHN_DONE : EVTCHN_SPURIOUS;
}

/* ---- time -------------------------------------------------------------- */

/* What waits now will be old when the time comes. */
static void
netback_rx_mark(struct netback_queue *nq, uint64_t now)
{
	struct netback_softc *sc = nq->nq_sc;

	pv_lock(&sc->sc_lock);
	nq->nq_nold = nq->nq_nwait;
	pv_unlock(&sc->sc_lock);
	nq->nq_mark = nq->nq_nold > 0 ? now : 0;
}

/* The guest has had its time: what has waited for it is dropped. */
static void
netback_rx_expire(struct netback_queue *nq)
{
	struct netback_softc *sc = nq->nq_sc;
	uint64_t now = pv_now();
	struct pv_net_pkt *np;

	if (nq->nq_mark != 0 && now - nq->nq_mark < NETBACK_DRAIN)
		return;
	while (nq->nq_nold > 0 && (np = netback_rx_next(nq, true)) != NULL) {
		sc->sc_guest.ng_nexpired++;
		netback_rx_done(sc, np, -PV_EIO);
	}
	netback_rx_mark(nq, now);
	netback_rx_ready(nq);
	if (sc->sc_notify && !sc->sc_stalled && nq->nq_short != 0 &&
	    now - nq->nq_short >= NETBACK_STALL)
		netback_rx_link(sc, false);
}

void
netback_rx_again(void *arg)
{
	struct netback_softc *sc = arg;
	struct netback_queue *nq;
	unsigned int i;

	if (!netback_is_up(sc))
		return;
	if (sc->sc_rb.rb_waits && netback_rx_do(sc) == NETBACK_RX_WAITS)
		return;
	/* One that broke it leaves its batch to netback_rx_stop(). */
	for (i = 0; i < sc->sc_nqueue && netback_is_up(sc); i++) {
		nq = &sc->sc_queue[i];
		if (netback_rx_run(nq) == EVTCHN_MORE)
			evtchn_again(netback_rxeh(nq));
		if (!sc->sc_rb.rb_waits)
			netback_rx_expire(nq);
	}
}

void
netback_rx_stop(struct netback_softc *sc)
{
	struct netback_rxbatch *rb = &sc->sc_rb;
	struct pv_net_pkt *np;
	unsigned int i;

	for (i = 0; i < rb->rb_n; i++)
		netback_rx_done(sc, rb->rb_out[i].ou_np, -PV_ENXIO);
	rb->rb_n = 0;
	rb->rb_waits = false;
	for (i = 0; i < NETBACK_NQUEUE; i++) {
		while ((np = netback_rx_next(&sc->sc_queue[i], true)) != NULL)
			netback_rx_done(sc, np, -PV_ENXIO);
		sc->sc_queue[i].nq_full = false;
	}
}
