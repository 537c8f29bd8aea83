/* SPDX-License-Identifier: BSD-2-Clause */
/* sim_net.h -- a network back end, between sim_net.c and sim_net_test.c. */

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
	unsigned int	 nq_ntx;
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
};

#endif /* SIM_NET_H */
