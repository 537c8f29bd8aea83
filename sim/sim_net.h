/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_net.h -- a network back end, between sim_net.c, sim_net_ctl.c (filter
 * and control ring) and sim_net_test.c.
 */

#ifndef SIM_NET_H
#define SIM_NET_H

#include <pv/types.h>

#include <xen/grant_table.h>
#include <xen/io/netif.h>
#include <xen/io/xenbus.h>

#include "bring.h"
#include "sim_back.h"

#define SIM_FRAME	65536u
#define SIM_NSLOT	18u		/* XEN_NETIF_NR_SLOTS_MIN */
#define SIM_NQUEUE	4u
#define SIM_NMCAST	64u
#define SIM_NTABLE	128u
#define SIM_NKEY	40u

struct sim_frame {
	struct list	 fr_link;
	size_t		 fr_len, fr_sent;
	unsigned int	 fr_flags;
	unsigned int	 fr_queue;	/* of those that there are */
	uint16_t	 fr_gso;	/* bytes of a segment, or 0 */
	uint8_t		 fr_gsotype;	/* XEN_NETIF_GSO_TYPE_* */
	uint8_t		 fr_data[SIM_FRAME];
};

/* A frame that is being taken from the ring. */
struct sim_slots {
	struct netif_tx_request sl_req[SIM_NSLOT + 4];
	bool		 sl_extra[SIM_NSLOT + 4];
	unsigned int	 sl_n;
	bool		 sl_more, sl_moreextra;
};

/* Two rings of the front end's; while connected. */
struct sim_netq {
	void		*nq_txpage, *nq_rxpage;
	uint32_t	 nq_txref, nq_rxref, nq_txport, nq_rxport;
	struct bring	 nq_tx, nq_rx;
	struct sim_slots nq_slots;
	unsigned int	 nq_ntx, nq_nrx;
};

/* What the front end has said about multicast. */
struct sim_netmc {
	uint8_t		 mc_mac[SIM_NMCAST][6];
	unsigned int	 mc_n, mc_room, mc_nfiltered;
	bool		 mc_sampled;	/* asked when it connected */
};

/* The control ring, and what was set by it. */
struct sim_netctl {
	bool		 ct_live;
	void		*ct_page;
	uint32_t	 ct_ref, ct_port;
	struct bring	 ct_ring;
	uint32_t	 ct_algorithm, ct_hashes;
	uint8_t		 ct_key[SIM_NKEY];
	uint32_t	 ct_table[SIM_NTABLE], ct_ntable, ct_room;
	unsigned int	 ct_refuse;
	bool		 ct_mute;
	uint16_t	 ct_last;	/* the id before, for lies */
};

struct sim_net {
	struct sim_back	 ne;		/* first */
	struct sim_net_cfg ne_cfg;
	struct sim_netq	 ne_q[SIM_NQUEUE];
	unsigned int	 ne_nq;		/* connected */
	struct list	 ne_queue;	/* to deliver */
	struct sim_frame *ne_last;
	unsigned int	 ne_ntx, ne_nrx;
	uint16_t	 ne_ids[2];	/* answered lately, for lies */
	struct sim_netmc ne_mc;
	struct sim_netctl ne_ctl;
};

/* sim_net.c, for the other. */
int	 sim_net_ring(struct sim_net *, const char *key, void **page,
	    uint32_t *ref);
int	 sim_net_bind(struct sim_net *, const char *key, uint32_t *port);
void	 sim_net_push(struct sim_net *, struct bring *, uint32_t port);

/*
 * sim_net_ctl.c.  mcast: does what a frame's extra info says of the filter;
 * false: nothing.  filtered: a frame that the filter keeps back.  queue: where
 * a frame goes; hash: what is told of it, 0 if nothing is hashed.
 */
void	 sim_net_mcast_connect(struct sim_net *);
bool	 sim_net_mcast(struct sim_net *, const struct sim_slots *,
	    int16_t *status);
bool	 sim_net_filtered(struct sim_net *, const uint8_t *frame);
int	 sim_net_ctl_connect(struct sim_net *);
void	 sim_net_ctl_disconnect(struct sim_net *);
bool	 sim_net_ctl_serve(struct sim_net *);
unsigned int sim_net_ctl_queue(const struct sim_net *,
	    const struct sim_frame *);
uint32_t sim_net_ctl_hash(const struct sim_net *, const struct sim_frame *);

#endif /* SIM_NET_H */
