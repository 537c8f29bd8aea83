/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd.h -- forwarding between interfaces: bridge, router, filter, translation.
 *
 * Theory of operation.  Ports are interfaces of any driver.  Ports of one
 * network are bridged; between networks packets are routed.  Each network has
 * one port more, self, where this domain's own TCP/IP is connected as if by a
 * cable, and an Ethernet address, the router's and self's.
 *
 *	port ---\                           /--- port
 *	port ---- network (bridge) -- router -- network --- port
 *	self ---/        \                  /      \--- self
 *	               filter, states, translation
 *
 * A packet that arrives goes, by its Ethernet address, to another port of the
 * network, or to the router, which sends it to self or, with the addresses
 * translated where nat says so, to another network.  On each way it passes the
 * filter once: as part of a connection that was allowed, or by the rules.
 *
 * When it leaves by a port it is made what that port takes: blank checksums
 * completed, trains cut, IPv4 beyond the MTU fragmented (fwd_out.c).
 *
 * All of this is pure but for memory (fwd_buf.h): time comes with each call,
 * packets leave by fo_send.  Who calls sees to it that calls do not overlap.
 */

#ifndef FWD_H
#define FWD_H

#include "fwd_buf.h"
#include "fwd_conf.h"
#include "fwd_dhcp.h"
#include "fwd_hdr.h"
#include "fwd_mac.h"
#include "fwd_neigh.h"
#include "fwd_state.h"

#define FWD_NOPORT	FWD_NPORT
#define FWD_NADDR6	4

struct fwd_ops {
	/* A packet leaves by a port; it is the callee's. */
	void		(*fo_send)(void *arg, unsigned int port,
			    struct fwd_buf *);
	uint32_t	(*fo_random)(void);
};

struct fwd_port_count {
	uint64_t	 pc_rxpkt, pc_rxbyte, pc_txpkt, pc_txbyte;
	uint64_t	 pc_bad;	/* not what its headers say, spoofed */
	uint64_t	 pc_denied;	/* by rules, or for want of a state */
	uint64_t	 pc_lost;	/* no memory, no way there */
	uint64_t	 pc_big;	/* too large for where it was to go */
	uint64_t	 pc_completed;	/* checksums, as it left */
	uint64_t	 pc_cut;	/* trains, as they left */
};

struct fwd_port {
	bool		 pt_used;
	bool		 pt_self;
	char		 pt_name[FWD_NAME];
	int		 pt_net;	/* or -1 */
	uint16_t	 pt_mtu;
	uint32_t	 pt_offload;	/* PV_NET_CAN_* */
	struct fwd_port_count pt_count;
};

struct fwd_net {
	uint8_t		 nt_mac[6];
	unsigned int	 nt_self;	/* its port, or FWD_NOPORT */
	struct fwd_addr	 nt_addr4, nt_gw4;	/* zero: none (yet) */
	unsigned int	 nt_len4;
	struct fwd_addr	 nt_addr6[FWD_NADDR6];	/* self's; zero: none */
	struct fwd_addr	 nt_local6;	/* link-local, of nt_mac */
	uint64_t	 nt_radv;	/* when we were announced, ns */
};

struct fwd {
	const struct fwd_ops *fw_ops;
	void		*fw_arg;
	uint64_t	 fw_now;
	bool		 fw_active;	/* there is something to filter */
	struct fwd_conf	 fw_conf;
	struct fwd_port	 fw_port[FWD_NPORT];
	struct fwd_net	 fw_net[FWD_NNET];
	struct fwd_mactab fw_mac;
	struct fwd_neigh fw_neigh[FWD_NNEIGH];
	unsigned int	 fw_nwait;	/* packets that wait for them */
	struct fwd_states fw_states;
	struct fwd_dhcp	 fw_dhcp;
	struct fwd_addr	 fw_dns;	/* the uplink's name server */
	uint64_t	 fw_errors;	/* ICMP's, sent */
	unsigned int	 fw_allowance;	/* of them, this second */
};

/* A packet on its way. */
struct fwd_trip {
	struct fwd_buf	*tr_fb;
	struct fwd_hdr	 tr_hd;
	unsigned int	 tr_in;		/* port */
	unsigned int	 tr_net;	/* its network */
};

/* The memory is zeroed, and the caller's; states: FWD_STATE_N of them. */
void	 fwd_init(struct fwd *, const struct fwd_ops *, void *arg,
	    struct fwd_state *states);
/* Take rules into force.  Networks may differ only before there are ports. */
void	 fwd_configure(struct fwd *, const struct fwd_conf *);
/* The Ethernet address of a network's router and self. */
void	 fwd_set_mac(struct fwd *, unsigned int net, const uint8_t mac[6]);
/*
 * A port comes: its number, or FWD_NOPORT: no place.  net: of a port that is
 * self; else the network whose members have such a name, or none.
 */
unsigned int fwd_port_up(struct fwd *, const char *name, int selfnet,
	    uint16_t mtu, uint32_t offload);
/* It is of another network than its name says. */
void	 fwd_port_move(struct fwd *, unsigned int port, unsigned int net);
void	 fwd_port_down(struct fwd *, unsigned int port);
/* How many ports of a network there are, but for self. */
unsigned int fwd_members(const struct fwd *, unsigned int net);

/* A packet arrives at a port; it is ours then. */
void	 fwd_input(struct fwd *, unsigned int port, struct fwd_buf *,
	    uint64_t now);
/* Each second. */
void	 fwd_tick(struct fwd *, uint64_t now);

/* ---- between the parts ------------------------------------------------- */

/* fwd.c: a packet that ends here, and why. */
void	 fwd_drop(struct fwd_trip *, uint64_t *why);
/* Send to every port of a network but one; fb is the callee's. */
void	 fwd_flood(struct fwd *, unsigned int net, struct fwd_buf *);
/* Is it an address of this domain's? */
bool	 fwd_own(const struct fwd *, const struct fwd_addr *,
	    unsigned int version);
/* fwd_out.c: leave by a port. */
void	 fwd_out(struct fwd *, unsigned int port, struct fwd_buf *,
	    const struct fwd_hdr *);
/* fwd_route.c: a packet of IP for the router. */
void	 fwd_route(struct fwd *, struct fwd_trip *);
/* fwd_filter.c: may it go to a port of its own network? */
bool	 fwd_filter_bridge(struct fwd *, const struct fwd_trip *,
	    unsigned int out);
/* fwd_icmp.c: tell a packet's sender why it went no further. */
enum fwd_why { FWD_NO_ROUTE, FWD_NO_HOST, FWD_TTL, FWD_TOO_BIG };
void	 fwd_icmp_error(struct fwd *, const struct fwd_trip *, enum fwd_why,
	    uint32_t mtu);
/* Announce this router, in a network that has a prefix of IPv6. */
void	 fwd_icmp_radv(struct fwd *, unsigned int net);

#endif /* FWD_H */
