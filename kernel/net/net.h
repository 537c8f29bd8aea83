/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net.h -- the network for apps and the shell; no type of lwIP's here.
 */

#ifndef NET_H
#define NET_H

#include <pv/net.h>

#define NET_ADDRLEN	48		/* text of any address */
#define NET_NADDR	4

struct net_info {
	char		 ni_name[16];	/* "xn0" */
	uint8_t		 ni_mac[6];
	uint16_t	 ni_mtu;
	bool		 ni_link, ni_dhcp;
	char		 ni_addr[NET_NADDR][NET_ADDRLEN];	/* "" at end */
	char		 ni_gw[NET_ADDRLEN];		/* "" if none */
	uint64_t	 ni_rxpkt, ni_txpkt, ni_rxbyte, ni_txbyte;
	uint64_t	 ni_rxdrop, ni_txdrop, ni_txerr;
	uint32_t	 ni_offload;	/* PV_NET_CAN_* */
	uint32_t	 ni_recvoffload;	/* PV_NET_RX_* */
	unsigned int	 ni_npair;
	/* the driver's */
	uint64_t	 ni_rxcsum, ni_txcsum, ni_rxgso, ni_txgso;
	uint64_t	 ni_rxhash;
	uint64_t	 ni_nset, ni_nrefused;
};

/* The n-th interface, or -PV_ENOENT.  Context: thread. */
int	 net_info(unsigned int n, struct net_info *);

/*
 * Set something of an interface, as pv/net.h has it: for SET_FILTER and
 * SET_OFFLOAD ns_on tells what becomes of the bits in ns_flags.
 * 0, -PV_ENOENT: no such interface, or -PV_E*.  Context: thread.
 */
int	 net_set(const char *name, struct pv_net_set *);

/*
 * Wait until an interface has an address that peers outside the link can use,
 * and write the first such address as text: IPv4 if there is one.
 * 0 or -PV_ETIMEDOUT.  Context: thread.
 */
int	 net_wait(uint64_t deadline, char addr[NET_ADDRLEN]);

/*
 * For who connects interfaces of its own to the stack: net_up() with the
 * addresses that it is to have, and what it has got.
 */
struct net_wish {
	bool		 nw_dhcp;	/* ask for an address of IPv4; else */
	uint8_t		 nw_addr4[4];	/* this one; zero: none */
	uint8_t		 nw_len4;
	uint8_t		 nw_gw4[4];	/* zero: none */
	uint8_t		 nw_addr6[16];	/* zero: only what comes by itself */
};
void	 net_up_as(struct pv_net *, const struct net_wish *);

struct net_raw {
	uint8_t		 nr_addr4[4], nr_gw4[4], nr_dns4[4];	/* or zero */
	uint8_t		 nr_len4;
	uint8_t		 nr_addr6[NET_NADDR][16];
};
/* 0; -PV_ENOENT: no such interface.  Context: thread. */
int	 net_raw(const struct pv_net *, struct net_raw *);

#endif /* NET_H */
