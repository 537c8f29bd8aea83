/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow.h -- where the headers of an Ethernet frame are, as far as a driver
 * needs to know it: to keep a connection's packets in one queue, and to see
 * whether a packet is what its flags say.
 *
 * Only what lies in the frame's first piece is looked at, and one VLAN tag and
 * no IPv6 extension header are stepped over.
 */

#ifndef FLOW_H
#define FLOW_H

#include <pv/types.h>

#define FLOW_TCP	6
#define FLOW_UDP	17

struct flow {
	unsigned int	 fl_version;	/* of IP: 4, 6; 0: neither */
	unsigned int	 fl_proto;	/* FLOW_TCP, FLOW_UDP or 0 */
	unsigned int	 fl_l4;		/* where TCP or UDP begins, which need
					   not be there */
	unsigned int	 fl_hlen;	/* bytes of all headers, TCP's options
					   too; 0: not all are there */
	const uint8_t	*fl_addr;	/* both addresses */
	unsigned int	 fl_addrlen;
	const uint8_t	*fl_ports;	/* both ports, or NULL */
};

/* Look at a frame's first len bytes.  Pure. */
struct flow flow_parse(const void *frame, size_t len);
/* The same number for all packets of a connection, in one direction.  Pure. */
uint32_t flow_hash(const struct flow *);
/*
 * The Toeplitz hash of addresses and ports, as receive-side scaling has it,
 * with a key of at least 4 bytes, zeros behind it.  Pure.
 */
uint32_t flow_toeplitz(const struct flow *, const uint8_t *key,
	    unsigned int keylen);

#endif /* FLOW_H */
