/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netback_tx.c -- what the guest sends; theory in netback.c.
 *
 *	ring --take--> nq_ask --whole--> tb_in[] --copy--> checked --> nt_recv
 *	     <-----------------responses, one for each entry--------+
 *
 * A batch is of one queue: as many whole packets as there are and fit.  The
 * hypervisor copies them all, then each is looked at, handed on and answered.
 * While a grant is paged out the batch waits, and with it the device: only its
 * own guest has to.
 */

#include "netback.h"

#define NETBACK_TX_WAITS 1		/* the batch goes on by itself */

/* ---- take -------------------------------------------------------------- */

static bool
netback_tx_begun(const struct netback_ask *ak)
{
	return ak->ak_n > 0;
}

/* May one more packet, of any size, be taken into the batch? */
static bool
netback_tx_room(const struct netback_txbatch *tb)
{
	return tb->tb_n < NETBACK_NPKT &&
	    tb->tb_nop + NETBACK_NPIECE <= NETBACK_NOP &&
	    tb->tb_at + NETBACK_MAXLEN + PV_PAGE_SIZE <=
	    (size_t)NETBACK_NDATA * PV_PAGE_SIZE;
}

/* A packet is whole: give it its place in the batch.  0 or -PV_EPROTO. */
static int
netback_tx_whole(struct netback_softc *sc, struct netback_ask *ak)
{
	struct netback_txbatch *tb = &sc->sc_tb;
	struct netback_in *in = &tb->tb_in[tb->tb_n++];
	unsigned int i;
	size_t where;

	in->in_op = tb->tb_nop;
	in->in_nop = 0;
	in->in_rv = ak->ak_group != 0 ? netback_rule_group(&sc->sc_groups,
	    ak->ak_mac, ak->ak_group == XEN_NETIF_EXTRA_TYPE_MCAST_ADD) :
	    netback_req_check(ak, &in->in_len);
	in->in_ask = *ak;
	ak->ak_n = 0;
	if (in->in_rv == -PV_EPROTO)
		return -PV_EPROTO;
	if (in->in_rv < 0 || in->in_ask.ak_group != 0)
		return 0;
	in->in_nop = netback_req_pieces(&in->in_ask, sc->sc_data, tb->tb_at,
	    &tb->tb_gc[tb->tb_nop], &where);
	for (i = 0; i < in->in_nop; i++)
		tb->tb_gc[tb->tb_nop++].gc_dom = sc->sc_guest.ng_domid;
	in->in_data = sc->sc_data + where;
	tb->tb_at = PV_HOWMANY(where + in->in_len, 64) * 64;
	netback_rule_spend(&sc->sc_rule, in->in_len);
	return 0;
}

/* 0: an entry was taken; 1: there is none; -PV_EPROTO. */
static int
netback_tx_take(struct netback_queue *nq)
{
	struct netback_ask *ak = &nq->nq_ask;
	union netback_ent en;
	int rv = bring_get(&nq->nq_tx, &en);

	if (rv <= 0)
		return rv == 0 ? 1 : rv;
	if (!netback_tx_begun(ak))
		__builtin_memset(ak, 0, sizeof(*ak));
	rv = netback_req_add(ak, &en);
	return rv == 1 ? netback_tx_whole(nq->nq_sc, ak) : rv;
}

/* Fill the batch.  *more: entries may be left.  0 or -PV_EPROTO. */
static int
netback_tx_gather(struct netback_queue *nq, bool *more)
{
	struct netback_softc *sc = nq->nq_sc;
	struct netback_txbatch *tb = &sc->sc_tb;
	uint64_t wait;
	int rv = 0;

	tb->tb_nq = nq;
	tb->tb_n = tb->tb_nop = tb->tb_tries = 0;
	tb->tb_at = 0;
	*more = true;
	while (rv == 0 && netback_tx_room(tb)) {
		wait = netback_tx_begun(&nq->nq_ask) ? 0 :
		    netback_rule_wait(&sc->sc_rule, pv_now());
		if (wait > 0) {
			sc->sc_guest.ng_nlate++;
			*more = false;
			pv_defer(&sc->sc_txwork, wait);
			return 0;
		}
		rv = netback_tx_take(nq);
	}
	if (rv == 1)
		*more = bring_rearm(&nq->nq_tx);
	return rv < 0 ? rv : 0;
}

/* ---- hand on ----------------------------------------------------------- */

static void
netback_tx_packet(const struct netback_in *in, struct pv_iov *iov,
    struct pv_net_pkt *np)
{
	uint16_t flags = in->in_ask.ak_slot[0].flags;

	__builtin_memset(np, 0, sizeof(*np));
	iov->iov_base = in->in_data;
	iov->iov_len = in->in_len;
	np->np_iov = iov;
	np->np_niov = 1;
	np->np_len = in->in_len;
	np->np_gso_size = in->in_ask.ak_gsosize;
	np->np_gso_type = in->in_ask.ak_gsotype;
	if ((flags & NETTXF_csum_blank) != 0)
		np->np_flags = PV_NET_CSUM_BLANK;
	else if ((flags & NETTXF_data_validated) != 0)
		np->np_flags = PV_NET_CSUM_VALID;
}

/* What the guest is told of a packet that was copied; it was handed on, or
   is not to be. */
static int16_t
netback_tx_deliver(struct netback_softc *sc, const struct netback_in *in)
{
	struct pv_net_guest *ng = &sc->sc_guest;
	struct pv_net *nt = &sc->sc_net;
	struct pv_net_pkt np;
	struct pv_iov iov;

	netback_tx_packet(in, &iov, &np);
	if (!netback_req_good(in->in_data, &np)) {
		ng->ng_nbad++;
		nt->nt_rxdrop++;
		return NETIF_RSP_ERROR;
	}
	if (!netback_rule_allows(&sc->sc_rule, in->in_data, in->in_len)) {
		ng->ng_nspoof++;
		nt->nt_rxdrop++;
		return NETIF_RSP_DROPPED;
	}
	nt->nt_rxpkt++;
	nt->nt_rxbyte += np.np_len;
	nt->nt_rxcsum += np.np_flags != 0;
	nt->nt_rxgso += np.np_gso_size != 0;
	if (nt->nt_recv != NULL)
		nt->nt_recv(nt, &np);
	return NETIF_RSP_OKAY;
}

/* One response for each entry that the packet took. */
static void
netback_tx_answer(struct bring *ring, const struct netback_ask *ak,
    int16_t status)
{
	struct netif_tx_response rsp = { .status = status };
	unsigned int i, k;

	for (i = 0; i < ak->ak_n; i++) {
		rsp.id = ak->ak_slot[i].id;
		rsp.status = status;
		bring_put(ring, &rsp);
		for (k = 0; i == 0 && k < ak->ak_nextra; k++) {
			rsp.id = 0;
			rsp.status = NETIF_RSP_NULL;
			bring_put(ring, &rsp);
		}
	}
}

static void
netback_tx_one(struct netback_softc *sc, struct netback_in *in)
{
	struct netback_txbatch *tb = &sc->sc_tb;
	int16_t status = NETIF_RSP_OKAY;
	unsigned int i;

	/* peer: what it did not grant fails this packet alone. */
	for (i = 0; i < in->in_nop && in->in_rv == 0; i++)
		in->in_rv = tb->tb_gc[in->in_op + i].gc_rv;
	if (in->in_rv < 0) {
		sc->sc_guest.ng_nbad++;
		sc->sc_net.nt_rxdrop += in->in_ask.ak_group == 0;
		status = NETIF_RSP_ERROR;
	} else if (in->in_ask.ak_group == 0) {
		status = netback_tx_deliver(sc, in);
	}
	netback_tx_answer(&tb->tb_nq->nq_tx, &in->in_ask, status);
}

/* ---- the batch --------------------------------------------------------- */

/* Copy a batch and hand it on; NETBACK_TX_WAITS: later. */
static int
netback_tx_do(struct netback_softc *sc)
{
	struct netback_txbatch *tb = &sc->sc_tb;
	struct netback_queue *nq = tb->tb_nq;
	unsigned int i;
	int rv = 0;

	if (tb->tb_nop > 0)
		rv = gntmap_copy_once(xenbus_xen(sc->sc_dev), tb->tb_gc,
		    tb->tb_nop);
	tb->tb_waits = rv == -PV_EAGAIN && tb->tb_tries + 1 < NETBACK_TRIES;
	if (tb->tb_waits) {
		pv_defer(&sc->sc_txwork, NETBACK_SOON << tb->tb_tries++);
		return NETBACK_TX_WAITS;
	}
	for (i = 0; i < tb->tb_n; i++)
		netback_tx_one(sc, &tb->tb_in[i]);
	tb->tb_n = 0;
	if (bring_push(&nq->nq_tx))
		evtchn_notify(netback_txeh(nq));
	return 0;
}

enum evtchn_result
netback_tx_run(struct netback_queue *nq)
{
	struct netback_softc *sc = nq->nq_sc;
	unsigned int n = 0;
	bool more = true;
	int rv = 0;

	if (sc->sc_tb.tb_waits)
		return EVTCHN_DONE;	/* its end runs all queues */
	while (more && n < NETBACK_BUDGET && rv == 0) {
		rv = netback_tx_gather(nq, &more);
		if (rv < 0 || sc->sc_tb.tb_n == 0)
			break;
		n += sc->sc_tb.tb_n;
		rv = netback_tx_do(sc);
	}
	if (rv < 0) {
		netback_fail(sc, "transmit request that nobody honest makes");
		return EVTCHN_DONE;
	}
	if (rv == 0 && more)
		return EVTCHN_MORE;
	return n > 0 ? EVTCHN_DONE : EVTCHN_SPURIOUS;
}

void
netback_tx_again(void *arg)
{
	struct netback_softc *sc = arg;
	unsigned int i;

	if (!netback_is_up(sc))
		return;
	if (sc->sc_tb.tb_waits && netback_tx_do(sc) == NETBACK_TX_WAITS)
		return;
	for (i = 0; i < sc->sc_nqueue; i++)
		evtchn_again(netback_txeh(&sc->sc_queue[i]));
}
