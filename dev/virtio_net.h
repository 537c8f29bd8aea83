/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_net.h -- virtio network device: what its files share.
 *
 *	virtio_net.c      features, configuration, life
 *	virtio_net_rx.c   receive queues
 *	virtio_net_tx.c   transmit queues
 *	virtio_net_ctl.c  the control queue: filters, queue pairs, announcing
 *
 * Queues come in pairs, 2n receives and 2n + 1 transmits; no more pairs are
 * used than there are CPUs, and the control queue stands behind all that the
 * device has.  Each packet has a header before its bytes: 12 bytes with
 * VERSION_1 or MRG_RXBUF, else 10 (C86).
 *
 * Receiving: every buffer is a page of the driver's own, posted whole.  With
 * MRG_RXBUF a packet may take several; the first one's header says how many.
 * The pages are handed to nt_recv in place and posted again when it returns,
 * so the consumer can not keep the device from having buffers.  Packets come
 * in runs: what is there is taken at once, then shown, then posted at once.
 *
 *	page:   | header | packet ...        |   first buffer
 *	        | packet ...                 |   others
 *
 * Transmitting: each packet in flight has a slot, the cookie of its chain,
 * with a cell in the driver's own memory for its header and the maps of its
 * pieces.  A small packet is copied behind its header, so that one descriptor
 * has both, where a device takes that (ANY_LAYOUT).  All packets of a
 * connection take the same queue.
 *
 * A pair's structures are made at the first connection that needs them and
 * stay as long as the device, so that a consumer may send at any time.  When
 * the device asks for a reset the packets in flight are lost, as packets may
 * be; senders wait until it is back.
 *
 * Locks: rq_lock, tq_lock  one queue each; never held over nt_recv, np_done,
 *                          nt_ready
 *        sc_lock           settings, statistics; taken inside the others
 */

#ifndef VIRTIO_NET_H
#define VIRTIO_NET_H

#include <linux/virtio_net.h>
#include <pv/net.h>

#include "setting.h"
#include "virtio.h"

#define VIRTIO_NET_HDR_MODERN	12
#define VIRTIO_NET_HDR_OLD	10
#define VIRTIO_NET_ETHER	14	/* bytes of an Ethernet header */
#define VIRTIO_NET_VLAN		4	/* bytes of a tag in it */
#define VIRTIO_NET_PKTMAX	(65535 + VIRTIO_NET_ETHER + VIRTIO_NET_VLAN)

/* Of the specification, but not of older headers. */
#define VIRTIO_NET_GUEST_USO4	54
#define VIRTIO_NET_GUEST_USO6	55
#define VIRTIO_NET_HOST_USO	56
#define VIRTIO_NET_GSO_UDP_L4	5

#define VIRTIO_NET_NPAIR	8
#define VIRTIO_NET_NRX		128	/* buffers; fewer of several pairs */
#define VIRTIO_NET_NRXMANY	48
#define VIRTIO_NET_NTX		128
#define VIRTIO_NET_NSEG		(2 * PV_NET_MAXPIECES)
#define VIRTIO_NET_BUDGET	64	/* packets after which others run */
/* Buffers or packets taken with one lock; those of a packet are not parted. */
#define VIRTIO_NET_RUN		32

struct virtio_net_softc;

struct virtio_net_buf {
	void		*bf_page;
	struct pv_dma_map *bf_map;
};

struct virtio_net_rxq {
	struct virtio_net_softc *rq_sc;
	struct pv_lock	 rq_lock;
	struct virtio_queue rq_queue;
	bool		 rq_open;
	bool		 rq_busy;	/* somebody has the run */
	bool		 rq_missed;	/* and somebody else came */
	struct pv_dma_pool rq_pool;
	unsigned int	 rq_nbuf;
	struct virtio_net_buf rq_buf[VIRTIO_NET_NRX];
	/* rq_busy: the run, its packets and their buffers, out of the queue */
	unsigned int	 rq_npkt, rq_npart, rq_ndrop;
	struct pv_net_pkt rq_pkt[VIRTIO_NET_RUN];
	struct pv_iov	 rq_iov[VIRTIO_NET_RUN + PV_NET_MAXPIECES];
	struct virtio_net_buf *rq_part[VIRTIO_NET_RUN + PV_NET_MAXPIECES];
};

struct virtio_net_slot {
	struct virtio_net_slot *sl_next;	/* free list */
	struct pv_net_pkt *sl_pkt;
	uint8_t		*sl_cell;
	uint64_t	 sl_da;		/* .. its address */
	bool		 sl_plain;	/* its header is all zeros */
	struct pv_dma_map *sl_map;	/* VIRTIO_NET_NSEG of them */
	unsigned int	 sl_nmap;
};

struct virtio_net_txq {
	struct virtio_net_softc *tq_sc;
	struct pv_lock	 tq_lock;
	struct virtio_queue tq_queue;
	bool		 tq_open;
	bool		 tq_wait;	/* closed, but soon open again */
	bool		 tq_full;	/* the consumer waits for nt_ready */
	struct pv_dma_pool tq_pool;
	void		*tq_cells;	/* those of the slots */
	struct virtio_net_slot *tq_free;
	struct vq_piece	 tq_piece[VIRTIO_NET_NSEG + 1];	/* tq_lock */
	struct virtio_net_slot tq_slot[VIRTIO_NET_NTX];
};

/* What the device is to be told; see virtio_net_ctl.c. */
struct virtio_net_ctl {
	struct virtio_queue ct_queue;
	bool		 ct_open;
	void		*ct_page;	/* the order in flight */
	bool		 ct_busy;	/* there is one */
	uint64_t	 ct_since;	/* .. since when */
	struct pv_os_work ct_watch;
	uint32_t	 ct_todo;	/* bits: what it does not know yet */
	uint32_t	 ct_doing;	/* bit of the order in flight */
	/* settings, and whether there is one */
	bool		 ct_filter;
	uint32_t	 ct_flags;	/* PV_NET_PROMISC .. */
	unsigned int	 ct_nmac;
	uint8_t		 ct_mac[PV_NET_NMAC][6];
	bool		 ct_macset;	/* the consumer chose nt_mac */
	uint32_t	 ct_offload;	/* PV_NET_RX_* that are off */
	uint32_t	 ct_vlan[PV_NET_NVLAN / 32];	/* wanted */
	uint32_t	 ct_vlandone[PV_NET_NVLAN / 32];	/* told */
	unsigned int	 ct_vlannow;	/* of the order in flight */
};

struct virtio_net_softc {
	struct pv_dev	*sc_dev;
	struct pv_net	 sc_net;
	struct pv_unit	 sc_unit;
	char		 sc_name[12];	/* "vtnet0" */
	bool		 sc_up;		/* announced */
	unsigned int	 sc_hdrlen;
	bool		 sc_anyhow;	/* header and packet in one piece */
	bool		 sc_splithdr;	/* a received header has its own
					   descriptor */
	bool		 sc_merge;	/* packets come in several buffers */
	unsigned int	 sc_npair, sc_maxpair;	/* used, of the device */
	struct virtio_net_rxq *sc_rx[VIRTIO_NET_NPAIR];
	struct virtio_net_txq *sc_tx[VIRTIO_NET_NPAIR];
	struct pv_lock	 sc_lock;
	struct virtio_net_ctl sc_ctl;	/* sc_lock */
};

static inline bool
virtio_net_has(const struct virtio_net_softc *sc, unsigned int feature)
{
	return virtio_has(virtio_of(sc->sc_dev), feature);
}

/* ---- virtio_net_rx.c, virtio_net_tx.c ---------------------------------- */
/*
 * Make and free the structure of a queue.  0 or -PV_ENOMEM, -PV_ENOSPC.
 * Destroy leaves alone what a device that does not reset may still write to.
 * Context: thread.
 */
int	 virtio_net_rx_create(struct virtio_net_softc *, unsigned int i,
	    unsigned int nbuf);
void	 virtio_net_rx_destroy(struct virtio_net_softc *, unsigned int i);
int	 virtio_net_tx_create(struct virtio_net_softc *, unsigned int i);
void	 virtio_net_tx_destroy(struct virtio_net_softc *, unsigned int i);
/* Interrupts, and looks without; arg: the queue's structure. */
bool	 virtio_net_rx_intr(void *arg);
bool	 virtio_net_tx_intr(void *arg);
/*
 * Open: post all buffers, take packets.  Close: wait is true when the device
 * will be back at once.  Abort: after the reset, end what is in flight.
 * Context: thread.
 */
void	 virtio_net_rx_open(struct virtio_net_rxq *);
void	 virtio_net_rx_close(struct virtio_net_rxq *);
void	 virtio_net_rx_abort(struct virtio_net_rxq *);
void	 virtio_net_tx_open(struct virtio_net_txq *);
void	 virtio_net_tx_close(struct virtio_net_txq *, bool wait);
void	 virtio_net_tx_abort(struct virtio_net_txq *, int rv);
/* Class entry; Context: deferred, thread. */
int	 virtio_net_tx_send(void *arg, struct pv_net_pkt *);

/* ---- virtio_net_ctl.c -------------------------------------------------- */
#define VIRTIO_NET_TODO_PAIRS	0x01
#define VIRTIO_NET_TODO_PROMISC	0x02
#define VIRTIO_NET_TODO_MULTI	0x04
#define VIRTIO_NET_TODO_TABLE	0x08
#define VIRTIO_NET_TODO_MAC	0x10
#define VIRTIO_NET_TODO_VLAN	0x20
#define VIRTIO_NET_TODO_OFFLOAD	0x40
#define VIRTIO_NET_TODO_ANNOUNCE 0x80
#define VIRTIO_NET_TODO_RSS	0x100

int	 virtio_net_ctl_create(struct virtio_net_softc *);
void	 virtio_net_ctl_destroy(struct virtio_net_softc *);
/* Make the queue; 0 also when the device has none.  Context: thread. */
int	 virtio_net_ctl_connect(struct virtio_net_softc *);
/* Tell a new device all that it should know.  Context: thread. */
void	 virtio_net_ctl_open(struct virtio_net_softc *);
void	 virtio_net_ctl_close(struct virtio_net_softc *);
void	 virtio_net_ctl_disconnect(struct virtio_net_softc *);
/* More to tell, VIRTIO_NET_TODO_*.  Context: deferred, thread. */
void	 virtio_net_ctl_todo(struct virtio_net_softc *, uint32_t todo);
/* Class entry; Context: deferred, thread. */
int	 virtio_net_ctl_set(void *arg, const struct pv_net_set *);

#endif /* VIRTIO_NET_H */
