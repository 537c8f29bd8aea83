/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netback.h -- what the files of netback share: netback.c (theory, life),
 * netback_tx.c (what the guest sends), netback_rx.c (what it receives),
 * netback_req.c and netback_rule.c (their pure steps), netback_ctl.c (the
 * control ring), and netback_xs.c (what is said through XenStore).
 *
 * tx and rx are the guest's words, as everywhere in the protocol.
 */

#ifndef NETBACK_H
#define NETBACK_H

#include <pv/pv.h>

#include <xen/io/netif.h>

#include "bring.h"
#include "gntmap.h"
#include "window.h"
#include "xenbus.h"

#define NETBACK_NQUEUE	4u
#define NETBACK_NSLOT	((unsigned int)XEN_NETIF_NR_SLOTS_MIN)
#define NETBACK_NFATAL	(NETBACK_NSLOT + 2)	/* more: nobody honest */
#define NETBACK_NEXTRA	4u	/* extra infos of a packet */
#define NETBACK_NPKT	16u	/* packets of a batch */
#define NETBACK_NOP	80u	/* pieces that a batch copies: 68 at most for a
				   packet to a guest */
#define NETBACK_NPIECE	(2 * NETBACK_NSLOT)	/* of a guest's packet */
#define NETBACK_NDATA	32u	/* pages for a batch of what is sent */
#define NETBACK_MAXLEN	((uint32_t)XEN_NETIF_MAX_TX_SIZE)
#define NETBACK_BUDGET	64u	/* packets in one run */
#define NETBACK_NSEND	256u	/* that wait for a guest's buffers */
#define NETBACK_NADDR	8u	/* addresses that a guest may be given */
#define NETBACK_NGROUP	64u	/* multicast addresses */
#define NETBACK_NKEY	40u	/* bytes of a hash's key */
#define NETBACK_NTABLE	128u	/* entries from hash to queue */
#define NETBACK_HDRLEN	14u	/* bytes of an Ethernet header */
#define NETBACK_MINGSO	48u	/* bytes of a segment: cutting a packet into
				   less is much work for little */
#define NETBACK_TRIES	11u	/* of a grant that is paged out; about 1 s */
#define NETBACK_SOON	(1000ull * 1000)	/* ns, before the first */
#define NETBACK_TICK	(250ull * 1000 * 1000)	/* ns: looks at who waits */
#define NETBACK_POLL	(30ull * 1000 * 1000)	/* the same, without events */
#define NETBACK_DRAIN	(2000ull * 1000 * 1000)	/* ns that a packet waits at
						   least; at most twice that */
#define NETBACK_STALL	(20000ull * 1000 * 1000) /* ns without buffers, until
						   the link is down */

PV_WIRE_ASSERT(struct netif_tx_request, 12);
PV_WIRE_OFFSET(struct netif_tx_request, offset, 4);
PV_WIRE_OFFSET(struct netif_tx_request, flags, 6);
PV_WIRE_OFFSET(struct netif_tx_request, id, 8);
PV_WIRE_OFFSET(struct netif_tx_request, size, 10);
PV_WIRE_ASSERT(struct netif_tx_response, 4);
PV_WIRE_ASSERT(struct netif_rx_request, 8);
PV_WIRE_OFFSET(struct netif_rx_request, gref, 4);
PV_WIRE_ASSERT(struct netif_rx_response, 8);
PV_WIRE_ASSERT(struct netif_extra_info, 8);

/* ---- What the guest sends ---------------------------------------------- */

/* An entry of the tx ring: what it is follows from the ones before. */
union netback_ent {
	struct netif_tx_request en_req;
	struct netif_extra_info en_extra;
};

/* A packet of the guest's, put together from its entries; private memory. */
struct netback_ask {
	struct netif_tx_request ak_slot[NETBACK_NFATAL];
	unsigned int	 ak_n;		/* slots so far */
	unsigned int	 ak_nextra;
	bool		 ak_extra;	/* the next entry is extra info .. */
	bool		 ak_more;	/* .. or, later, a slot */
	uint8_t		 ak_gsotype;	/* PV_NET_GSO_*, or 0 */
	uint16_t	 ak_gsosize;
	uint8_t		 ak_group;	/* XEN_NETIF_EXTRA_TYPE_MCAST_*: this
					   is no packet, or 0 */
	uint8_t		 ak_mac[6];
};

/* A packet of a batch. */
struct netback_in {
	struct netback_ask in_ask;
	char		*in_data;	/* in_len bytes, contiguous */
	uint32_t	 in_len;
	unsigned int	 in_op, in_nop;	/* of tb_gc */
	int		 in_rv;
};

struct netback_txbatch {
	struct netback_queue *tb_nq;
	struct netback_in tb_in[NETBACK_NPKT];
	unsigned int	 tb_n;
	struct gntmap_copy tb_gc[NETBACK_NOP];
	unsigned int	 tb_nop;
	size_t		 tb_at;		/* bytes of sc_data that are taken */
	unsigned int	 tb_tries;
	bool		 tb_waits;	/* for a grant that is paged out */
};

/* ---- What it receives -------------------------------------------------- */

/* What the guest is told of a packet's hash. */
struct netback_hash {
	bool		 nh_told;
	uint8_t		 nh_type;	/* _XEN_NETIF_CTRL_HASH_TYPE_* */
	uint32_t	 nh_value;
};

struct netback_out {
	struct pv_net_pkt *ou_np;
	struct netback_hash ou_hash;
	struct netif_rx_request ou_req[NETBACK_NSLOT + 1];
	unsigned int	 ou_nreq;	/* slots, and extra info: of these .. */
	unsigned int	 ou_nextra;	/* .. so many, behind the first */
	unsigned int	 ou_op, ou_nop;	/* of rb_gc */
};

struct netback_rxbatch {
	struct netback_queue *rb_nq;
	struct netback_out rb_out[NETBACK_NPKT];
	unsigned int	 rb_n;
	struct gntmap_copy rb_gc[NETBACK_NOP];
	unsigned int	 rb_nop;
	unsigned int	 rb_tries;
	bool		 rb_waits;
};

struct netback_queue {
	struct netback_softc *nq_sc;
	bool		 nq_split;	/* an event channel for each ring */
	struct evtchn_handler nq_eh[2];	/* tx's, or both's; rx's */
	struct window	 nq_window;
	struct gntmap	 nq_page[2];	/* the rings: tx, rx */
	struct bring	 nq_tx, nq_rx;
	struct netback_ask nq_ask;	/* begun, not whole */
	/* buffers taken from the ring and not used yet, in order */
	struct netif_rx_request nq_buf[NETBACK_NSLOT + 1];
	unsigned int	 nq_nbuf;
	uint64_t	 nq_short;	/* since when buffers are wanted; 0 */
	unsigned int	 nq_nold;	/* of those that wait: since nq_mark */
	uint64_t	 nq_mark;	/* or 0 */
	/* Lock: sc_lock. */
	struct pv_net_pkt *nq_first, **nq_last;	/* to the guest */
	unsigned int	 nq_nwait;
	bool		 nq_full;	/* a sender waits for nt_ready */
};

static inline struct evtchn_handler *
netback_txeh(struct netback_queue *nq)
{
	return &nq->nq_eh[0];
}

static inline struct evtchn_handler *
netback_rxeh(struct netback_queue *nq)
{
	return &nq->nq_eh[nq->nq_split ? 1 : 0];
}

/* ---- Rules ------------------------------------------------------------- */

struct netback_addr {
	uint8_t		 na_addr[16];
	uint8_t		 na_len;	/* 4 or 16 bytes */
	uint8_t		 na_bits;	/* of these that count */
};

/* What a guest may send, and how much. */
struct netback_rule {
	bool		 ru_mac;	/* only from its own address */
	uint8_t		 ru_own[6];
	struct netback_addr ru_addr[NETBACK_NADDR];
	unsigned int	 ru_naddr;	/* 0: any */
	uint64_t	 ru_bytes;	/* in each interval; 0: no limit */
	uint64_t	 ru_ns;
	int64_t		 ru_credit;	/* bytes; below 0: owed */
	uint64_t	 ru_since;	/* credit was given up to then */
};

/* What multicast it wants. */
struct netback_groups {
	bool		 gr_on;
	unsigned int	 gr_n;
	uint8_t		 gr_mac[NETBACK_NGROUP][6];
};

/* The control ring, and what the guest said there. */
struct flow;
struct netback_ctl {
	struct window	 ct_window;
	struct gntmap	 ct_page;
	struct bring	 ct_ring;
	struct evtchn_handler ct_eh;
	char		*ct_buf;	/* a page */
	/* Lock: sc_lock. */
	bool		 ct_on;		/* Toeplitz */
	uint32_t	 ct_types;	/* XEN_NETIF_CTRL_HASH_TYPE_* */
	uint8_t		 ct_key[NETBACK_NKEY];
	unsigned int	 ct_ntable;	/* 0: by remainder */
	uint8_t		 ct_table[NETBACK_NTABLE];
};

/* ---- The device -------------------------------------------------------- */

struct netback_softc {
	struct pv_dev	*sc_dev;
	struct pv_net	 sc_net;
	struct pv_net_guest sc_guest;
	char		 sc_name[24];	/* "vif5.0" */
	bool		 sc_sg;		/* the guest takes several slots */
	bool		 sc_notify;	/* and tells of new buffers */
	bool		 sc_split;
	struct pv_lock	 sc_lock;	/* inside of nothing */
	bool		 sc_up;		/* packets are taken and given */
	bool		 sc_stalled;
	bool		 sc_announced;
	unsigned int	 sc_nqueue;
	struct netback_queue sc_queue[NETBACK_NQUEUE];
	int		 sc_said;	/* why it is not offered, told */
	/* Only the device's own works, one of which runs at a time. */
	struct netback_rule sc_rule;
	struct netback_groups sc_groups;
	char		*sc_data;	/* NETBACK_NDATA pages */
	struct netback_txbatch sc_tb;
	struct netback_rxbatch sc_rb;
	struct pv_os_work sc_txwork;	/* what has to wait */
	struct pv_os_work sc_rxwork;
	struct netback_ctl sc_ctl;
	struct xs_watch	 sc_watch;	/* request-multicast-control */
};

/* The guest broke the protocol.  Context: deferred; no lock. */
void	 netback_fail(struct netback_softc *, const char *why);
/* Are packets taken and given?  Context: any. */
bool	 netback_is_up(struct netback_softc *);

/* ---- netback_tx.c: the device's works ---------------------------------- */

/* Take what the guest sent, from one ring, within a budget. */
enum evtchn_result netback_tx_run(struct netback_queue *);
/* sc_txwork's function; arg is the device. */
void	 netback_tx_again(void *arg);

/* ---- netback_rx.c ------------------------------------------------------ */

int	 netback_rx_send(void *, struct pv_net_pkt *);	/* no_send */
/* Give a guest what waits for it.  Context: the device's works. */
enum evtchn_result netback_rx_run(struct netback_queue *);
void	 netback_rx_again(void *arg);	/* sc_rxwork's function */
/* Every packet goes back to who sent it, with -PV_ENXIO.  Thread; nothing is
   up any more, and none of the works runs. */
void	 netback_rx_stop(struct netback_softc *);

/* ---- netback_req.c: no side effects ------------------------------------ */

/*
 * Add an entry of the ring to a packet.  1: it is whole; 0: more follows;
 * -PV_EPROTO: nobody honest makes such a packet.
 */
int	 netback_req_add(struct netback_ask *, const union netback_ent *);
/*
 * A whole packet: its length in *len, and the first slot's size made its own.
 * 0; -PV_EINVAL: to be dropped; -PV_EPROTO.
 */
int	 netback_req_check(struct netback_ask *, uint32_t *len);
/*
 * Where it goes in the pages at base, not below at, and the pieces to copy.
 * Returns their number; *where is its first byte.
 */
unsigned int netback_req_pieces(const struct netback_ask *, char *base,
	    size_t at, struct gntmap_copy *, size_t *where);
/* The packet's data: may it be handed on as what its flags say? */
bool	 netback_req_good(const void *data, struct pv_net_pkt *);
/* The pieces of a packet to the guest, into ou_req; returns their number. */
unsigned int netback_req_chunks(const struct netback_out *,
	    struct gntmap_copy *);

/* ---- netback_rule.c: no side effects ----------------------------------- */

/* "10.0.0.2 fd00::/64": 0, or -PV_EINVAL, -PV_E2BIG. */
int	 netback_rule_addrs(struct netback_rule *, const char *text);
/* "BYTES,USECS" of the toolstack.  0 or -PV_EINVAL. */
int	 netback_rule_rate(struct netback_rule *, const char *text);
/* May the guest send this frame? */
bool	 netback_rule_allows(const struct netback_rule *, const void *frame,
	    size_t len);
/* 0: it may send now; else how many ns from now. */
uint64_t netback_rule_wait(struct netback_rule *, uint64_t now);
void	 netback_rule_spend(struct netback_rule *, uint32_t len);
/* Does the guest want this frame? */
bool	 netback_rule_wanted(const struct netback_groups *,
	    const uint8_t mac[6]);
/* Add or remove a group.  0, -PV_EINVAL, -PV_ENOSPC. */
int	 netback_rule_group(struct netback_groups *, const uint8_t mac[6],
	    bool add);

/* ---- netback_ctl.c ----------------------------------------------------- */

int	 netback_ctl_connect(struct netback_softc *, gref_t, evport_t);
void	 netback_ctl_disconnect(struct netback_softc *);
/* A flow's hash, if the guest asked for it. */
struct netback_hash netback_ctl_hash(const struct netback_softc *,
	    const struct flow *);
/* Its queue, as the guest wants it.  Lock: sc_lock. */
unsigned int netback_ctl_queue(const struct netback_softc *,
	    const struct flow *);

/* ---- netback_xs.c: thread ---------------------------------------------- */

/* What the toolstack says of the interface.  0 or -PV_E*. */
int	 netback_xs_read(struct netback_softc *);
int	 netback_xs_offer(struct netback_softc *);
/* What the guest chose: queues, and what it takes.  0 or -PV_E*. */
int	 netback_xs_peer(struct netback_softc *);
/* A queue's grants, into nq_page, and its ports: two if sc_split. */
int	 netback_xs_queue(struct netback_softc *, unsigned int n,
	    evport_t port[2]);
/* The control ring: 1 and its grant and port; 0: none; -PV_EPROTO. */
int	 netback_xs_ctl(struct netback_softc *, gref_t *, evport_t *);
/* Does it filter multicast?  Read now, and watched from then on. */
int	 netback_xs_watch(struct netback_softc *);
void	 netback_xs_unwatch(struct netback_softc *);
bool	 netback_xs_filters(struct netback_softc *);

#endif /* NETBACK_H */
