/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv/net.h -- a network interface, whichever bus it hangs on.
 *
 * Theory of operation.  A driver (netfront, virtio_net) fills a struct
 * pv_net and announces it with the client's pc_net_up.  The consumer sets
 * nt_recv before it returns from pc_net_up.
 *
 * Sending: the consumer passes a packet as a list of pieces with
 * pv_net_send(); the packet and its buffers are the driver's until np_done,
 * which comes exactly once for each send that returned 0.
 *
 * Receiving: the driver calls nt_recv with pieces of its own buffers; they
 * are valid only during the call (the consumer copies).  So a consumer can
 * never keep a driver from posting receive buffers.
 *
 * Checksums.  np_flags tells what is known of a packet's TCP or UDP
 * checksum.  A packet with PV_NET_CSUM_BLANK that is forwarded to a side
 * without that offload must be completed first.
 */

#ifndef PV_NET_H
#define PV_NET_H

#include <pv/types.h>

#define PV_NET_MAXPIECES 18	/* pieces of one packet, as Xen's netif */

struct pv_net_pkt {
	struct pv_iov	*np_iov;	/* the caller's until np_done */
	unsigned int	 np_niov;	/* 1..PV_NET_MAXPIECES */
	uint32_t	 np_len;	/* bytes, Ethernet header first */
	uint32_t	 np_flags;
#define PV_NET_CSUM_BLANK 0x1		/* L4 checksum holds only the pseudo
					   header; fill it in */
#define PV_NET_CSUM_VALID 0x2		/* L4 checksum known to be good */
	uint16_t	 np_gso_size;	/* bytes of payload per segment, or 0 */
	uint8_t		 np_gso_type;	/* PV_NET_GSO_* when np_gso_size */
#define PV_NET_GSO_TCP4	1
#define PV_NET_GSO_TCP6	2
	/*
	 * Sending only.  rv is 0 (sent), -PV_EIO (dropped by the peer),
	 * -PV_ENXIO (device broken or gone).  Context: deferred, no lock held.
	 */
	void		(*np_done)(struct pv_net_pkt *, int rv);
	void		*np_arg;	/* the caller's own */
	struct pv_net_pkt *np_next;	/* the driver's until np_done */
};

struct pv_net_ops {
	/*
	 * 0: np_done will come.  -PV_EAGAIN: ring full, nt_ready will be
	 * called.  -PV_ENXIO: broken or gone.  -PV_EINVAL: too long, too many
	 * pieces.  Context: deferred, thread.
	 */
	int	(*no_send)(void *sc, struct pv_net_pkt *);
	/* Look for packets and completions without interrupts. */
	void	(*no_poll)(void *sc);
};

struct pv_net {
	const char		*nt_name;	/* "xn0" */
	const struct pv_net_ops	*nt_ops;
	void			*nt_sc;
	uint8_t			 nt_mac[6];
	uint16_t		 nt_mtu;	/* bytes of IP packet */
	uint32_t		 nt_offload;	/* what send may ask for */
#define PV_NET_CAN_CSUM4 0x1
#define PV_NET_CAN_CSUM6 0x2
#define PV_NET_CAN_TSO4	0x4
#define PV_NET_CAN_TSO6	0x8
#define PV_NET_CAN_SG	0x10			/* more than one piece */
	bool			 nt_link;	/* carrier */
	/* set by the consumer; Context: deferred, no lock held */
	void	(*nt_recv)(struct pv_net *, const struct pv_net_pkt *);
	void	(*nt_ready)(struct pv_net *);	/* room in the ring again */
	void	(*nt_change)(struct pv_net *);	/* link or mtu changed */
	void			*nt_client;	/* the consumer's own */
	/* statistics, kept by the driver */
	uint64_t		 nt_rxpkt, nt_txpkt, nt_rxbyte, nt_txbyte;
	uint64_t		 nt_rxdrop, nt_txdrop;
};

static inline int
pv_net_send(struct pv_net *nt, struct pv_net_pkt *np)
{
	return nt->nt_ops->no_send(nt->nt_sc, np);
}

#endif /* PV_NET_H */
