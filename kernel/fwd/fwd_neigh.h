/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_neigh.h -- the router's neighbours: which Ethernet address has an IP
 * address, asked for by ARP and neighbour solicitations.
 *
 * An entry is made when the router needs it, and is told by answers to this
 * domain's Ethernet address, which self gets as well.  Packets wait in it, a
 * few, and are routed from the beginning once it is known.
 */

#ifndef FWD_NEIGH_H
#define FWD_NEIGH_H

#include "fwd_addr.h"

#define FWD_NNEIGH	256
#define FWD_NEIGH_WAIT	16		/* packets that wait for one */
#define FWD_NEIGH_ALL	128		/* and for all of them */

struct fwd;
struct fwd_buf;
struct fwd_trip;

struct fwd_neigh {
	struct fwd_addr	 ne_addr;
	uint8_t		 ne_version;	/* 0: free */
	uint8_t		 ne_net, ne_port;
	uint8_t		 ne_mac[6];
	bool		 ne_known;
	unsigned int	 ne_asked;	/* times, since it was heard of */
	uint64_t	 ne_heard, ne_used;	/* ns */
	struct fwd_buf	*ne_wait;
	unsigned int	 ne_nwait;
};

/*
 * The neighbour, if it is known; else the packet waits for it, and is no more
 * the caller's (NULL).  Context: thread, as of the others.
 */
struct fwd_neigh *fwd_neigh_get(struct fwd *, unsigned int net,
	    const struct fwd_addr *, struct fwd_trip *);
/* Hear of neighbours in what comes to our Ethernet address. */
void	 fwd_neigh_hear(struct fwd *, const struct fwd_trip *);
/* Each second. */
void	 fwd_neigh_tick(struct fwd *);
/* A port is no more. */
void	 fwd_neigh_forget(struct fwd *, unsigned int port);

#endif /* FWD_NEIGH_H */
