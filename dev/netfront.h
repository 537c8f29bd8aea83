/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netfront.h -- what the files of netfront share: netfront.c (theory, life,
 * events), netfront_tx.c, netfront_rx.c, netfront_mc.c (multicast control),
 * netfront_ctl.c (control ring), and netfront_xs.c (what is said through
 * XenStore).
 *
 * Locks:
 *	tt_lock		a queue's transmit side
 *	rt_lock		a queue's free receive buffers
 *	sc_lock		the interface's counters; taken inside tt_lock
 *	mc_lock		the multicast filter; inside no other
 *	ct_lock		the control ring; inside no other
 */

#ifndef NETFRONT_H
#define NETFRONT_H

#include <pv/pv.h>

#include <pv/net.h>
#include <xen/io/netif.h>

#include "fring.h"
#include "idmap.h"
#include "iov.h"
#include "xenbus.h"

#define NETFRONT_NTX	256	/* entries of a transmit ring of one page */
#define NETFRONT_NRX	256	/* entries of a receive ring of one page */
#define NETFRONT_NRXMANY 128	/* buffers of each queue but the first */
#define NETFRONT_NQUEUE	8
#define NETFRONT_NPAGE	32	/* pages for packets that must be copied */
#define NETFRONT_BUDGET	128	/* responses of a ring handled in one run */
#define NETFRONT_READY	64	/* free slots at which sending goes on */
#define NETFRONT_HDRLEN	14	/* bytes of an Ethernet header */
#define NETFRONT_NTABLE	128	/* entries from hash to queue, at most */

PV_WIRE_ASSERT(struct netif_tx_request, 12);
PV_WIRE_OFFSET(struct netif_tx_request, offset, 4);
PV_WIRE_OFFSET(struct netif_tx_request, flags, 6);
PV_WIRE_OFFSET(struct netif_tx_request, id, 8);
PV_WIRE_OFFSET(struct netif_tx_request, size, 10);
PV_WIRE_ASSERT(struct netif_tx_response, 4);
PV_WIRE_OFFSET(struct netif_tx_response, status, 2);
PV_WIRE_ASSERT(struct netif_rx_request, 8);
PV_WIRE_OFFSET(struct netif_rx_request, gref, 4);
PV_WIRE_ASSERT(struct netif_rx_response, 8);
PV_WIRE_OFFSET(struct netif_rx_response, offset, 2);
PV_WIRE_OFFSET(struct netif_rx_response, flags, 4);
PV_WIRE_OFFSET(struct netif_rx_response, status, 6);
PV_WIRE_ASSERT(struct netif_extra_info, 8);
PV_WIRE_OFFSET(struct netif_extra_info, u, 2);

struct flow;
struct netfront_queue;
struct netfront_txtab;
struct netfront_rxtab;

/* ---- Transmit ---------------------------------------------------------- */

/* A packet on its way. */
struct netfront_tx {
	struct list	 tx_link;	/* tt_free or a done list */
	struct pv_net_pkt *tx_np;
	unsigned int	 tx_nslot;	/* slots not answered yet */
	unsigned int	 tx_nparked;	/* of its slots, in quarantine */
	int		 tx_error;
};

/* One entry of the ring: a piece of a packet within a page. */
struct netfront_txslot {
	struct list	 ts_link;	/* tt_idle or a done list */
	struct netfront_txtab *ts_tab;
	struct netfront_tx *ts_tx;
	struct pv_dma_map *ts_map;	/* the device's: not after tt_nq */
	void		*ts_page;	/* of tt_page, or NULL */
};

/* Outlives the device while the quarantine holds something of it. */
struct netfront_txtab {
	struct pv_lock	 tt_lock;
	unsigned int	 tt_refs;
	struct netfront_queue *tt_nq;	/* NULL: the device is gone */
	struct list	 tt_free;	/* of struct netfront_tx */
	struct list	 tt_idle;	/* of struct netfront_txslot */
	unsigned int	 tt_nidle;
	unsigned int	 tt_npage;	/* pages of ours that are free */
	void		*tt_page[NETFRONT_NPAGE];
	struct netfront_tx tt_tx[NETFRONT_NTX];
	struct netfront_txslot tt_slot[NETFRONT_NTX];
};

/* ---- Receive ----------------------------------------------------------- */

struct netfront_rxbuf {
	struct list	 rb_link;	/* rt_free */
	struct netfront_rxtab *rb_tab;
	void		*rb_page;
	struct pv_dma_map *rb_map;	/* the device's: not after rt_nq */
};

/* Outlives the device while the quarantine holds a buffer. */
struct netfront_rxtab {
	struct pv_lock	 rt_lock;
	unsigned int	 rt_refs;
	struct netfront_queue *rt_nq;	/* NULL: the device is gone */
	bool		 rt_up;		/* the event channel is there */
	struct list	 rt_free;	/* buffers that may be posted */
	struct netfront_rxbuf rt_buf[NETFRONT_NRX];
};

/* The packet that is being put together from responses. */
struct netfront_rxpkt {
	struct pv_iov	 rp_iov[PV_NET_MAXPIECES];
	struct netfront_rxbuf *rp_buf[PV_NET_MAXPIECES];
	unsigned int	 rp_n;		/* pieces */
	uint32_t	 rp_len;	/* bytes */
	uint32_t	 rp_flags;	/* PV_NET_CSUM_* */
	uint16_t	 rp_gsosize;	/* bytes of a segment, or 0 */
	uint8_t		 rp_gsotype;	/* PV_NET_GSO_* */
	bool		 rp_hash;	/* the peer told its hash */
	bool		 rp_begun;
	bool		 rp_more;	/* data follows */
	bool		 rp_extra;	/* the next response is extra info */
	bool		 rp_bad;	/* to be dropped */
};

/* ---- A queue: two rings ------------------------------------------------ */

/* Made for the first connection that needs it; lives with the device. */
struct netfront_queue {
	struct netfront_softc *nq_sc;
	/* the rings' event channels; the first is both's if not nq_split */
	bool		 nq_split;
	struct evtchn_handler nq_eh[2];
	/* transmit; guarded by tt_lock */
	struct netfront_txtab *nq_tt;
	struct pv_dma_pool nq_txpool;
	struct xenbus_ring nq_txpage;
	struct fring	 nq_txring;
	struct idmap	 nq_ids;
	struct idmap_slot nq_idslot[NETFRONT_NTX];
	unsigned int	 nq_nextra;	/* extra infos not answered yet */
	int		 nq_mcast;	/* an order's answer: 1 yes, -1 no */
	bool		 nq_up;		/* packets are taken and given */
	bool		 nq_full;	/* a sender waits for nt_ready */
	int		 nq_error;	/* what disconnect answers */
	/* receive; only the event's handler, or while there is none */
	struct netfront_rxtab *nq_rt;
	struct pv_dma_pool nq_rxpool;
	struct xenbus_ring nq_rxpage;
	struct fring	 nq_rxring;
	struct netfront_rxbuf *nq_posted[NETFRONT_NRX];	/* by ring slot */
	struct netfront_rxpkt nq_rp;
};

/* The event channel of each ring. */
static inline struct evtchn_handler *
netfront_txeh(struct netfront_queue *nq)
{
	return &nq->nq_eh[0];
}

static inline struct evtchn_handler *
netfront_rxeh(struct netfront_queue *nq)
{
	return &nq->nq_eh[nq->nq_split ? 1 : 0];
}

/* ---- The peer's filter and hash ---------------------------------------- */

struct netfront_mc {
	struct pv_lock	 mc_lock;	/* all below */
	/* what the consumer wants; mc_set: has said so */
	bool		 mc_set;
	uint32_t	 mc_flags;	/* PV_NET_PROMISC .. */
	unsigned int	 mc_nmac;
	uint8_t		 mc_mac[PV_NET_NMAC][6];
	/* the peer's: filters, looks for that at any time, is asked to */
	bool		 mc_can, mc_dynamic, mc_asked;
	bool		 mc_open;	/* takes orders */
	bool		 mc_busy;	/* mc_now is in flight */
	bool		 mc_refused;	/* it has no room for the list */
	bool		 mc_add;	/* what is done with mc_now */
	uint8_t		 mc_now[6];
	unsigned int	 mc_nhave;	/* the peer's list */
	uint8_t		 mc_have[PV_NET_NMAC][6];
};

struct netfront_ctl {
	struct pv_lock	 ct_lock;	/* all below, but for life */
	bool		 ct_live;	/* ring and channel are there */
	bool		 ct_open;	/* the peer is, too */
	bool		 ct_busy;	/* an order is in flight */
	bool		 ct_inuse;	/* the hash is */
	unsigned int	 ct_step;	/* enum netfront_ctl_step */
	uint16_t	 ct_id;		/* of the last order */
	uint32_t	 ct_hashes;	/* XEN_NETIF_CTRL_HASH_TYPE_* */
	uint32_t	 ct_ntable;	/* entries; 0: by remainder */
	struct xenbus_ring ct_shared, ct_page;
	struct fring	 ct_ring;
	struct evtchn_handler ct_eh;
};

/* ---- The device -------------------------------------------------------- */

struct netfront_softc {
	struct pv_dev	*sc_dev;
	struct pv_net	 sc_net;
	struct pv_lock	 sc_lock;	/* sc_net's counters */
	unsigned int	 sc_maxslot;	/* slots that the peer takes */
	bool		 sc_split;	/* the peer takes two channels */
	unsigned int	 sc_nqueue;	/* in use, 1 at least */
	struct netfront_queue *sc_queue[NETFRONT_NQUEUE];	/* or NULL */
	struct netfront_mc sc_mc;
	struct netfront_ctl sc_ctl;
	/* XenStore */
	struct xs_watch	 sc_carrier;
	bool		 sc_announced;
	char		 sc_name[12];
};

/* The peer broke the protocol.  Context: deferred, thread. */
void	 netfront_fail(struct netfront_softc *, const char *why);

/*
 * netfront_tx.c, netfront_rx.c.  Both have the same life: attach makes what
 * lives as long as the device, connect the ring, disconnect (idempotent,
 * after the event channels are closed) takes all back from the peer.
 * rx_start tells whether there is a handler that posts what comes back.
 * 0 or -PV_E*.  Context: thread; *_intr: deferred, one at a time.
 */
int	 netfront_tx_attach(struct netfront_queue *);
void	 netfront_tx_detach(struct netfront_queue *);
int	 netfront_tx_connect(struct netfront_queue *);
void	 netfront_tx_disconnect(struct netfront_queue *);
enum evtchn_result netfront_tx_intr(struct netfront_queue *);
int	 netfront_tx_send(void *, struct pv_net_pkt *);	/* no_send */
/*
 * Order the peer to take a multicast address into its list, or out; the
 * answer goes to netfront_mc_done().  0; -PV_EAGAIN: no room, netfront_mc_go()
 * will be called; -PV_ENXIO: the device is down.
 */
int	 netfront_tx_mcast(struct netfront_queue *, const uint8_t mac[6],
	    bool add);

int	 netfront_rx_attach(struct netfront_queue *, unsigned int nbuf);
void	 netfront_rx_detach(struct netfront_queue *);
int	 netfront_rx_connect(struct netfront_queue *);
void	 netfront_rx_start(struct netfront_queue *, bool up);
void	 netfront_rx_disconnect(struct netfront_queue *);
enum evtchn_result netfront_rx_intr(struct netfront_queue *);

/*
 * netfront_mc.c.  connect: what the peer can.  open, close: orders are taken,
 * or not.  sync: ask for the filter, or for all; thread, as connect and open.
 * go: the
 * next order, if there is one.  done: the peer's answer.  Context: deferred,
 * thread.
 */
void	 netfront_mc_connect(struct netfront_softc *);
void	 netfront_mc_open(struct netfront_softc *);
void	 netfront_mc_close(struct netfront_softc *);
void	 netfront_mc_sync(struct netfront_softc *);
void	 netfront_mc_go(struct netfront_softc *);
void	 netfront_mc_done(struct netfront_softc *, bool ok);
int	 netfront_mc_set(void *, const struct pv_net_set *);	/* no_set */

/*
 * netfront_ctl.c.  connect makes the ring where the peer has one and the
 * queues are several; open begins; disconnect is idempotent.  Context: thread.
 * queue: that of a flow while ct_inuse; deferred, thread.
 */
void	 netfront_ctl_connect(struct netfront_softc *);
void	 netfront_ctl_open(struct netfront_softc *);
void	 netfront_ctl_disconnect(struct netfront_softc *);
unsigned int netfront_ctl_queue(const struct netfront_softc *,
	    const struct flow *);

/*
 * netfront_xs.c.  Context: thread.
 *
 * name: the interface's name and address.  check: 0, or why the peer can not
 * be talked to.  queues: how many it takes, and whether it takes two event
 * channels of each.  publish: our keys.  read: what the peer offers.  link:
 * link and MTU; true when one changed.  watch, unwatch: have the driver's
 * changed function called when the link changes.  multicast: have the peer
 * filter, or not.
 */
int	 netfront_xs_name(struct netfront_softc *);
int	 netfront_xs_check(struct netfront_softc *);
unsigned int netfront_xs_queues(struct netfront_softc *);
int	 netfront_xs_publish(struct netfront_softc *);
void	 netfront_xs_read(struct netfront_softc *);
bool	 netfront_xs_link(struct netfront_softc *);
int	 netfront_xs_multicast(struct netfront_softc *, bool on);
int	 netfront_xs_watch(struct netfront_softc *);
void	 netfront_xs_unwatch(struct netfront_softc *);

#endif /* NETFRONT_H */
