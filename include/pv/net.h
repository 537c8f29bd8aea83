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
 *
 * Segmentation.  A packet with np_gso_size is a train of segments with one
 * header; its Ethernet, IP and TCP or UDP headers are whole in its first
 * piece, and its checksum is blank.  A consumer takes such packets too, up to
 * 64 KiB, unless it said with PV_NET_SET_OFFLOAD that it does not want them.
 *
 * What an interface is set to (no_set) is remembered by the driver, and said
 * to the device when it is there, and again when it comes back after a reset.
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
#define PV_NET_GSO_UDP	3		/* datagrams, of IPv4 or IPv6 */
	/*
	 * Sending only.  rv is 0 (sent), -PV_EIO (dropped by the peer),
	 * -PV_ENXIO (device broken or gone).  Context: deferred, no lock held.
	 */
	void		(*np_done)(struct pv_net_pkt *, int rv);
	void		*np_arg;	/* the caller's own */
	struct pv_net_pkt *np_next;	/* the driver's until np_done */
};

#define PV_NET_NMAC	64		/* addresses of a filter */
#define PV_NET_NVLAN	4096

enum pv_net_what {
	PV_NET_SET_FILTER,		/* ns_flags, ns_mac, ns_nmac */
	PV_NET_SET_VLAN,		/* ns_vlan; ns_on: let it in, or not */
	PV_NET_SET_MAC,			/* ns_mac[0] is our address */
	PV_NET_SET_OFFLOAD		/* ns_flags: what may be received */
};
struct pv_net_set {
	enum pv_net_what ns_what;
	uint32_t	 ns_flags;
#define PV_NET_PROMISC	0x1		/* all that is on the wire */
#define PV_NET_ALLMULTI	0x2		/* all multicast */
#define PV_NET_RX_CSUM	0x1		/* checksums left blank, or checked */
#define PV_NET_RX_GSO	0x2		/* packets with np_gso_size */
	const uint8_t	(*ns_mac)[6];	/* more addresses to take packets of */
	unsigned int	 ns_nmac;	/* beyond PV_NET_NMAC: -PV_E2BIG */
	uint16_t	 ns_vlan;
	bool		 ns_on;
};

struct pv_net_ops {
	/*
	 * 0: np_done will come.  -PV_EAGAIN: ring full, nt_ready will be
	 * called.  -PV_ENXIO: broken or gone.  -PV_EINVAL: too long, too many
	 * pieces.  Context: deferred, thread.
	 */
	int	(*no_send)(void *sc, struct pv_net_pkt *);
	/*
	 * Look for packets and completions without interrupts, at once or soon:
	 * nt_recv and np_done may come before it returns.  From nt_recv, too:
	 * of the same queue no packet is shown until that has returned.
	 * Context: deferred, thread; no lock held that nt_recv, np_done take.
	 */
	void	(*no_poll)(void *sc);
	/*
	 * Remember a setting; the device will follow.  NULL, or
	 * -PV_EOPNOTSUPP: this device can not.  -PV_EINVAL, -PV_E2BIG.
	 * Context: deferred, thread.
	 */
	int	(*no_set)(void *sc, const struct pv_net_set *);
};

/*
 * Of whom an interface is that is the other end of a guest's (netback); kept
 * by the driver.  What comes from it was copied, and where its checksum is
 * blank or it is a train of segments its headers are whole, in one piece.  All
 * else, that a checksum is valid too, is the guest's word.
 */
struct pv_net_guest {
	pv_domid_t	 ng_domid;
	unsigned int	 ng_devid;	/* of the guest's interfaces */
	uint8_t		 ng_mac[6];	/* the guest's; nt_mac is ours */
	char		 ng_ip[128];	/* addresses that it may use, as the
					   toolstack wrote them; "": any */
	char		 ng_bridge[32];	/* where the toolstack wants it; "" */
	uint64_t	 ng_nspoof;	/* packets from others' addresses */
	uint64_t	 ng_nfilter;	/* not to it: multicast not wanted */
	uint64_t	 ng_nbad;	/* packets of it that make no sense */
	uint64_t	 ng_nexpired;	/* that it had no buffers for in time */
	uint64_t	 ng_nlate;	/* times that it had used up its rate */
};

struct pv_net {
	const char		*nt_name;	/* "xn0", "vif5.0" */
	const struct pv_net_guest *nt_guest;	/* or NULL */
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
#define PV_NET_CAN_USO	0x20
	uint32_t		 nt_recvoffload;	/* PV_NET_RX_* that
							   may come */
	unsigned int		 nt_npair;	/* queue pairs; 0: as 1 */
	bool			 nt_link;	/* carrier */
	/* set by the consumer; Context: deferred, no lock held */
	void	(*nt_recv)(struct pv_net *, const struct pv_net_pkt *);
	void	(*nt_ready)(struct pv_net *);	/* room in the ring again */
	void	(*nt_change)(struct pv_net *);	/* link or mtu changed */
	/* Others should be told where we are: ARP, neighbour advertisement. */
	void	(*nt_announce)(struct pv_net *);
	void			*nt_client;	/* the consumer's own */
	/* statistics, kept by the driver */
	uint64_t		 nt_rxpkt, nt_txpkt, nt_rxbyte, nt_txbyte;
	uint64_t		 nt_rxdrop, nt_txdrop;
	uint64_t		 nt_rxcsum, nt_txcsum;	/* left to the other */
	uint64_t		 nt_rxgso, nt_txgso;	/* trains of segments */
	uint64_t		 nt_rxhash;	/* their flow's hash told */
	uint64_t		 nt_nset, nt_nrefused;	/* orders to it */
};

static inline int
pv_net_send(struct pv_net *nt, struct pv_net_pkt *np)
{
	return nt->nt_ops->no_send(nt->nt_sc, np);
}

#endif /* PV_NET_H */
