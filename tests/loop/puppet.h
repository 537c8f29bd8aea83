/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * puppet.h -- a front end of netback's that is the test itself, in domain 1,
 * with its own hands: it puts requests one by one and looks at each answer.
 */

#ifndef LOOP_PUPPET_H
#define LOOP_PUPPET_H

#include <pv/types.h>

#include <xen/io/netif.h>

#include "gnttab.h"
#include "loop/nback.h"

#define NDATA	20
#define NAME	"vif/1/0"
#define TX	0
#define RX	1
#define CTL	2

struct puppet {
	struct loop	*pu_l;
	uint8_t		*pu_ring[3], *pu_data, *pu_frame;
	gref_t		 pu_ringref[3], pu_ref[NDATA], pu_ro;
	struct evtchn_handler pu_eh, pu_ctl;
	bool		 pu_ctls;	/* has a control ring */
	unsigned int	 pu_nevent;
	uint32_t	 pu_prod[3], pu_cons[3];
};

extern struct nback pu_back;
extern struct puppet pu;

/* The front end's keys in the store. */
void	 pu_key(const char *key, const char *val);
void	 pu_num(const char *key, uint32_t v);

/* A netback without guests, and the puppet's pages; pu_close() undoes it. */
void	 pu_open(struct loop *l);

/* An index of a ring: 0 and 1 are ours, prod and event; 2 and 3 the peer's. */
volatile uint32_t *pu_index(unsigned int ring, unsigned int n);

/* The steps of a connection, and all of them. */
void	 pu_fresh(void);
void	 pu_keys(void);
bool	 pu_wait_state(const char *state);
bool	 pu_announced(void *arg);
void	 pu_start(struct loop *l);
void	 pu_connect(struct loop *l, const char *const *keys);
void	 pu_close(struct loop *l);

/* Put an entry of any form into a ring; pu_push() shows them. */
void	 pu_put(unsigned int ring, const void *ent);

/* Requests to send. */
void	 pu_slot(uint16_t off, uint16_t size, uint16_t flags,
	    unsigned int page);
void	 pu_extra(uint8_t type, uint8_t flags, uint16_t size, uint8_t gso);
void	 pu_group(uint8_t type, uint8_t last);

/* Show what was put. */
void	 pu_push(unsigned int ring);

/* Show what was put, wait for all answers; the status of the n-th last. */
int	 pu_status(unsigned int n);

/* A frame of TCP over IPv4, its checksum blank. */
void	 pu_tcp(uint8_t *p, size_t len);

/* What an honest front end does works. */
void	 pu_works(void);

/* The connection ends, at once or when what was put is shown; an honest one
   can follow. */
void	 pu_broken(struct loop *l);
void	 pu_broken_by(struct loop *l);

/* A buffer to receive into; what came into the n-th. */
void	 pu_buffer(gref_t ref);
struct netif_rx_response pu_received(unsigned int n);

/* A packet to the guest, which goes into its n-th buffer. */
void	 pu_gets(struct loop *l, unsigned int n, unsigned int len);

/* Give an order, if pu_ctls; its status << 16, and what it was answered. */
uint32_t pu_order(uint16_t type, uint32_t a, uint32_t n, uint32_t off);

#endif /* LOOP_PUPPET_H */
