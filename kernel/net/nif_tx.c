/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nif_tx.c -- frames of lwIP's to drivers; theory in nif.h.
 *
 * When the device can, it fills in the TCP checksum of packets that we send:
 * lwIP leaves the field empty and nif_tx_csum() puts the sum of the pseudo
 * header there.  UDP and ICMP are few and go out complete; a UDP datagram
 * may also be fragmented, which no device could complete.
 */

#include <string.h>

#include <pv/errno.h>
#include <mm.h>
#include <sched.h>

#include "lwip/pbuf.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/ip.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/tcp.h"

#include "bigend.h"
#include "nif_tx.h"

#define NIF_TX_HDRLEN	SIZEOF_ETH_HDR

/* Bits: slots of interfaces with frames to send.  Lock: lwIP's. */
static unsigned int nif_tx_corked;

_Static_assert(NIF_MAX <= 32, "a bit for each interface");

/* ---- checksums --------------------------------------------------------- */

/*
 * Where lwIP left the TCP checksum to the device: put the pseudo header's sum
 * there and say so.  The headers are in the first pbuf, as lwIP builds them.
 */
static uint32_t
nif_tx_csum(const struct netif *netif, struct pbuf *p)
{
	struct eth_hdr *eth = p->payload;
	struct ip_hdr *ip = (void *)(eth + 1);
	struct ip6_hdr *ip6 = (void *)(eth + 1);
	unsigned int hlen, n;
	struct tcp_hdr *th;
	const void *addrs;

	if ((netif->chksum_flags & NETIF_CHECKSUM_GEN_TCP) != 0)
		return 0;
	if (eth->type == PP_HTONS(ETHTYPE_IP) &&
	    IPH_PROTO(ip) == IP_PROTO_TCP) {
		hlen = IPH_HL_BYTES(ip);
		addrs = &ip->src;
		n = 8;
	} else if (eth->type == PP_HTONS(ETHTYPE_IPV6) &&
	    IP6H_NEXTH(ip6) == IP6_NEXTH_TCP) {
		hlen = IP6_HLEN;
		addrs = &ip6->src;
		n = 32;
	} else {
		return 0;
	}
	if (p->len < NIF_TX_HDRLEN + hlen + sizeof(*th))
		return 0;
	th = (void *)((char *)(eth + 1) + hlen);
	th->chksum = lwip_htons(bigend_sum(addrs, n,
	    IP_PROTO_TCP + p->tot_len - NIF_TX_HDRLEN - hlen));
	return PV_NET_CSUM_BLANK;
}

/* ---- the queue --------------------------------------------------------- */

/* Put a packet's structure back.  Lock: nif_lock. */
static void
nif_tx_put(struct nif *nif, struct nif_tx *tx)
{
	tx->tx_next = nif->nif_txfree;
	nif->nif_txfree = tx;
}

/* A frame is out, or lost.  Holds a reference on nif. */
static void
nif_tx_end_one(struct nif_tx *tx, int rv)
{
	struct nif *nif = tx->tx_nif;
	struct nif_count *nc = &nif->nif_count;
	unsigned long s;

	pbuf_free(tx->tx_pbuf);
	s = spin_lock(&nif->nif_lock);
	if (rv == 0) {
		nc->nc_txpkt++;
		nc->nc_txbyte += tx->tx_pkt.np_len;
	} else {
		nc->nc_txerr++;
	}
	if (tx->tx_train != NULL) {
		tx->tx_train->tr_link = nif->nif_trainfree;
		nif->nif_trainfree = tx->tx_train;
	}
	nif_tx_put(nif, tx);
	spin_unlock(&nif->nif_lock, s);
	nif_put(nif);
}

/* The same of a packet: of all its frames. */
static void
nif_tx_end(struct nif_tx *tx, int rv)
{
	struct nif_tx *more;

	for (; tx != NULL; tx = more) {
		more = tx->tx_more;
		nif_tx_end_one(tx, rv);
	}
}

/* pv_net_pkt.np_done.  Context: deferred. */
static void
nif_tx_done(struct pv_net_pkt *np, int rv)
{
	nif_tx_end(np->np_arg, rv);
}

/* Take the first packet of the queue.  Lock: nif_lock. */
static struct nif_tx *
nif_tx_pop(struct nif *nif)
{
	struct nif_tx *tx = nif->nif_txfirst;

	if (tx == NULL)
		return NULL;
	nif->nif_txfirst = tx->tx_next;
	if (nif->nif_txfirst == NULL)
		nif->nif_txlast = NULL;
	nif->nif_txwait--;
	return tx;
}

static void
nif_tx_unpop(struct nif *nif, struct nif_tx *tx)
{
	tx->tx_next = nif->nif_txfirst;
	nif->nif_txfirst = tx;
	if (nif->nif_txlast == NULL)
		nif->nif_txlast = tx;
	nif->nif_txwait++;
}

/*
 * What to give to the driver for the frame taken from the queue: itself, or a
 * train of it and those that follow.  Lock: nif_lock.
 */
static struct pv_net_pkt *
nif_tx_join(struct nif *nif, struct nif_tx *tx)
{
	struct nif_train *tr = nif->nif_trainfree;
	struct nif_tx *last = tx, *next;

	if (tx->tx_train != NULL)
		return &tx->tx_train->tr_pkt;	/* it had to wait */
	if (tr == NULL || nif->nif_txfirst == NULL ||
	    !nif_train_begin(tr, &tx->tx_pkt, nif->nif_nt->nt_offload))
		return &tx->tx_pkt;
	while ((next = nif->nif_txfirst) != NULL && next->tx_train == NULL &&
	    nif_train_add(tr, &next->tx_pkt)) {
		last->tx_more = nif_tx_pop(nif);
		last = next;
	}
	if (last == tx)
		return &tx->tx_pkt;
	nif->nif_trainfree = tr->tr_link;
	tx->tx_train = tr;
	nif_train_end(tr);
	tr->tr_pkt.np_done = nif_tx_done;
	tr->tr_pkt.np_arg = tx;
	return &tr->tr_pkt;
}

/*
 * Move the queue into the ring until one is empty or the other full.  One
 * caller at a time, so that packets stay in order; the one at work sees what
 * others append meanwhile.  The driver is called without the lock.
 *
 * nt_ready may come between the driver's -PV_EAGAIN and our taking the lock
 * again; the count tells, and the packet is tried once more.
 */
static void
nif_tx_run(struct nif *nif)
{
	unsigned long s = spin_lock(&nif->nif_lock);
	struct pv_net_pkt *np;
	struct nif_tx *tx;
	unsigned int ready;
	int rv;

	if (nif->nif_txbusy) {
		spin_unlock(&nif->nif_lock, s);
		return;
	}
	nif->nif_txbusy = true;
	while (!nif->nif_gone && (tx = nif_tx_pop(nif)) != NULL) {
		ready = nif->nif_txready;
		np = nif_tx_join(nif, tx);
		spin_unlock(&nif->nif_lock, s);
		rv = pv_net_send(nif->nif_nt, np);
		if (rv != 0 && rv != -PV_EAGAIN)
			nif_tx_end(tx, rv);
		s = spin_lock(&nif->nif_lock);
		if (rv == -PV_EAGAIN) {
			nif_tx_unpop(nif, tx);
			if (ready == nif->nif_txready)
				break;
		}
	}
	nif->nif_txbusy = false;
	spin_unlock(&nif->nif_lock, s);
}

/*
 * pv_net.nt_ready: the ring has room again.
 * Context: deferred.
 */
void
nif_tx_ready(struct pv_net *nt)
{
	struct nif *nif = nif_get(nt);
	unsigned long s;

	if (nif == NULL)
		return;
	s = spin_lock(&nif->nif_lock);
	nif->nif_txready++;
	spin_unlock(&nif->nif_lock, s);
	nif_tx_run(nif);
	nif_put(nif);
}

/* ---- lwIP's frames ----------------------------------------------------- */

/* Pieces of a chain, or 0: it has to be copied. */
static unsigned int
nif_tx_npieces(const struct nif *nif, const struct pbuf *p)
{
	unsigned int n, max;

	max = (nif->nif_nt->nt_offload & PV_NET_CAN_SG) != 0 ? NIF_PIECES : 1;
	for (n = 0; p != NULL; p = p->next, n++)
		if (PBUF_NEEDS_COPY(p))
			return 0;
	return n <= max ? n : 0;
}

/* A reference to p, or a copy in one piece, as it can be sent; or NULL. */
static struct pbuf *
nif_tx_sendable(const struct nif *nif, struct pbuf *p)
{
	if (nif_tx_npieces(nif, p) == 0)
		return pbuf_clone(PBUF_RAW, PBUF_RAM, p);
	pbuf_ref(p);
	return p;
}

/* A structure for a packet, with a reference on nif; NULL: queue full. */
static struct nif_tx *
nif_tx_get(struct nif *nif)
{
	unsigned long s = spin_lock(&nif->nif_lock);
	struct nif_tx *tx = nif->nif_gone ? NULL : nif->nif_txfree;

	if (tx != NULL)
		nif->nif_txfree = tx->tx_next;
	else
		nif->nif_count.nc_txdrop++;
	spin_unlock(&nif->nif_lock, s);
	if (tx != NULL)
		nif_ref(nif);
	return tx;
}

static void
nif_tx_fill(struct nif_tx *tx, struct pbuf *p)
{
	struct pv_net_pkt *np = &tx->tx_pkt;
	struct pbuf *q;

	memset(np, 0, sizeof(*np));
	for (q = p; q != NULL; q = q->next) {
		if (q->len == 0)
			continue;
		tx->tx_iov[np->np_niov].iov_base = q->payload;
		tx->tx_iov[np->np_niov].iov_len = q->len;
		np->np_niov++;
	}
	np->np_iov = tx->tx_iov;
	np->np_len = p->tot_len;
	np->np_flags = nif_tx_csum(&tx->tx_nif->nif_netif, p);
	np->np_done = nif_tx_done;
	np->np_arg = tx;
	tx->tx_pbuf = p;
	tx->tx_next = tx->tx_more = NULL;
	tx->tx_train = NULL;
}

/* Append a frame to the queue.  true: it waits for lwIP's lock. */
static bool
nif_tx_append(struct nif *nif, struct nif_tx *tx)
{
	unsigned long s = spin_lock(&nif->nif_lock);
	bool wait;

	if (nif->nif_txlast != NULL)
		nif->nif_txlast->tx_next = tx;
	else
		nif->nif_txfirst = tx;
	nif->nif_txlast = tx;
	nif->nif_txwait++;
	wait = nif->nif_trains != NULL && nif->nif_txwait < NIF_CORK;
	spin_unlock(&nif->nif_lock, s);
	return wait;
}

/*
 * netif.linkoutput: a whole frame.
 * Context: thread.  Lock: lwIP's.
 */
err_t
nif_tx_output(struct netif *netif, struct pbuf *p)
{
	struct nif *nif = netif->state;
	struct nif_tx *tx = nif_tx_get(nif);
	unsigned long s;

	if (tx == NULL)
		return ERR_MEM;
	p = nif_tx_sendable(nif, p);
	if (p == NULL) {
		s = spin_lock(&nif->nif_lock);
		nif_tx_put(nif, tx);
		nif->nif_count.nc_txdrop++;
		spin_unlock(&nif->nif_lock, s);
		nif_put(nif);
		return ERR_MEM;
	}
	nif_tx_fill(tx, p);
	if (nif_tx_append(nif, tx))
		nif_tx_corked |= 1u << nif->nif_slot;
	else
		nif_tx_run(nif);
	return ERR_OK;
}

/*
 * Give up lwIP's lock, and send what was made while it was held.
 * Context: thread.  Lock: lwIP's; given up.
 */
void
nif_tx_unlock(void)
{
	unsigned int corked = nif_tx_corked, i;
	struct nif *nif;

	nif_tx_corked = 0;
	sys_mutex_unlock(&lock_tcpip_core);
	for (i = 0; corked != 0; i++, corked >>= 1) {
		nif = (corked & 1) != 0 ? nif_get_slot(i) : NULL;
		if (nif == NULL)
			continue;
		nif_tx_run(nif);
		nif_put(nif);
	}
}

/* ---- life -------------------------------------------------------------- */

/*
 * A new interface: nothing waits.
 * Context: thread.
 */
void
nif_tx_init(struct nif *nif)
{
	unsigned int i;

	for (i = 0; i < NIF_NTX; i++) {
		nif->nif_tx[i].tx_nif = nif;
		nif_tx_put(nif, &nif->nif_tx[i]);
	}
}

/*
 * The device takes large packets: make room for trains, in pages that hold
 * nothing else, since a back end sees them.  Without memory there are none.
 * Context: thread.  Lock: lwIP's.
 */
void
nif_tx_trains(struct nif *nif)
{
	struct nif_train *tr;
	unsigned long s;
	unsigned int i;

	if (nif->nif_trains != NULL)
		return;
	tr = page_alloc(NIF_TRAINPG);
	if (tr == NULL)
		return;
	s = spin_lock(&nif->nif_lock);
	nif->nif_trains = tr;
	for (i = 0; i < NIF_TRAINPG * PV_PAGE_SIZE / sizeof(*tr); i++) {
		tr[i].tr_link = nif->nif_trainfree;
		nif->nif_trainfree = &tr[i];
	}
	spin_unlock(&nif->nif_lock, s);
}

/*
 * Drop what waits to be sent; nif_gone is set: nothing is added.
 * Context: thread.
 */
void
nif_tx_drain(struct nif *nif)
{
	struct nif_tx *tx;
	unsigned long s;
	bool busy;

	/* Somebody may still be inside the driver's send. */
	do {
		s = spin_lock(&nif->nif_lock);
		busy = nif->nif_txbusy;
		spin_unlock(&nif->nif_lock, s);
		if (busy)
			thread_sleep(1000000);
	} while (busy);
	for (;;) {
		s = spin_lock(&nif->nif_lock);
		tx = nif_tx_pop(nif);
		spin_unlock(&nif->nif_lock, s);
		if (tx == NULL)
			break;
		nif_tx_end(tx, -PV_ENXIO);
	}
}
