/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nif.h -- a struct pv_net as an interface of lwIP: packets in, packets out.
 *
 * Theory of operation.  A struct nif ties a struct pv_net of a driver to a
 * struct netif of lwIP.
 *
 *	driver, deferred context          lwIP's thread, or its lock held
 *
 *	nt_recv   --copy--> queue ------> nif_input --> ethernet_input
 *	np_done <------ driver <-- queue <-- nif_output <-- lwIP
 *	nt_ready  --> queue moves on
 *
 * Sending hands lwIP's own buffers to the driver, holding a reference on
 * them until np_done.  What the ring does not take waits in a queue; when the
 * queue is full lwIP is told so, and TCP sends again later.
 *
 * Where the device takes large packets (TSO), frames wait in the queue until
 * who has lwIP's lock gives it up (nif_tx_unlock), and then go as trains
 * (nif_train.h), as do those that had to wait for the ring.
 *
 * Life.  The driver may call from another context while net_down() runs.  So
 * its callbacks look the interface up by the address of the struct pv_net in
 * a table and take a reference; each packet that the driver has holds one
 * too.  nif_detach() takes the interface out of the table; the last reference
 * frees it.
 */

#ifndef NIF_H
#define NIF_H

#include <pv/net.h>
#include <sync.h>

#include "nif_train.h"

#include "lwip/netif.h"
#include "lwip/tcpip.h"

#define NIF_MAX		8		/* interfaces */
#define NIF_NTX		256		/* packets sent and queued */
#define NIF_NRX		256		/* packets received and queued */
#define NIF_NGROUP	32		/* multicast addresses */
#define NIF_PIECES	6		/* more are copied into one */
#define NIF_TRAINPG	4		/* pages of trains (nif_train.h) */
#define NIF_CORK	64		/* frames that wait for lwIP's lock */

struct nif_tx {
	struct pv_net_pkt tx_pkt;
	struct pv_iov	 tx_iov[NIF_PIECES];
	struct pbuf	*tx_pbuf;
	struct nif	*tx_nif;
	struct nif_tx	*tx_next;	/* free list, or queue */
	/* of the first of a train; of the others, who comes next */
	struct nif_train *tx_train;
	struct nif_tx	*tx_more;
};

/* What the operator sees; 64-bit, so read with nif_lock held. */
struct nif_count {
	uint64_t	 nc_rxpkt, nc_txpkt, nc_rxbyte, nc_txbyte;
	uint64_t	 nc_rxdrop, nc_txdrop, nc_txerr;
};

/* An Ethernet multicast address that groups of lwIP's have. */
struct nif_group {
	uint8_t		 ng_mac[6];
	unsigned int	 ng_refs;	/* 0: free */
};

struct nif {
	struct netif	 nif_netif;
	struct pv_net	*nif_nt;	/* valid while in the table */
	char		 nif_name[16];
	unsigned int	 nif_refs;	/* lock: nif.c's */
	unsigned int	 nif_slot;	/* in the table */
	struct spinlock	 nif_lock;	/* all below */
	bool		 nif_gone;	/* detached: send no more */
	struct nif_count nif_count;
	struct tcpip_callback_msg *nif_rxmsg;
	struct pbuf	*nif_rx[NIF_NRX];
	unsigned int	 nif_rxhead, nif_rxcount;
	bool		 nif_rxposted;
	struct nif_tx	*nif_txfree, *nif_txfirst, *nif_txlast;
	bool		 nif_txbusy;	/* somebody moves the queue */
	unsigned int	 nif_txready;	/* calls of nt_ready */
	unsigned int	 nif_txwait;	/* frames in the queue */
	struct nif_train *nif_trainfree;
	void		*nif_trains;	/* their pages; NULL: no TSO */
	struct nif_tx	 nif_tx[NIF_NTX];
	/* nif_ctl.c's; lock: lwIP's */
	struct nif_group nif_group[NIF_NGROUP];
	int		 nif_nlost;	/* groups that found no place */
	uint32_t	 nif_filter;	/* PV_NET_PROMISC .. wanted */
	uint32_t	 nif_norecv;	/* PV_NET_RX_* not wanted */
	bool		 nif_link;	/* carrier; lock: lwIP's */
	/* net.c's; lock: lwIP's */
	bool		 nif_dhcp;
	bool		 nif_first;	/* ip= is meant for this one */
	bool		 nif_complained;	/* that DHCP does not answer */
	uint64_t	 nif_since;		/* when it came up */
	char		 nif_said[8][48];	/* addresses that were logged */
};

/*
 * Make an interface of nt and add it to lwIP, down and without addresses.
 * NULL: no memory, or too many.  Context: thread, lwIP's lock not held.
 */
struct nif *nif_attach(struct pv_net *nt);
/*
 * Undo it.  When it returns the driver is not called any more, and its
 * callbacks have no effect.  Context: thread, lwIP's lock not held.
 */
void	 nif_detach(struct nif *);

/*
 * The interface of nt, the n-th one, or that in a slot of the table, with a
 * reference for nif_put(); NULL if there is none.  nif_ref: one more.
 * Context: any; nif_put: deferred, thread.
 */
struct nif *nif_get(const struct pv_net *nt);
struct nif *nif_get_nth(unsigned int n);
struct nif *nif_get_slot(unsigned int slot);
void	 nif_ref(struct nif *);
void	 nif_put(struct nif *);

#endif /* NIF_H */
