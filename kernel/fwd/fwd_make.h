/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_make.h -- packets that the forwarder itself makes.
 */

#ifndef FWD_MAKE_H
#define FWD_MAKE_H

#include "fwd_buf.h"
#include "fwd_hdr.h"

struct fwd_make {
	uint8_t		 mk_from[6], mk_to[6];	/* Ethernet's */
	struct fwd_addr	 mk_src, mk_dst;
	uint8_t		 mk_version, mk_proto, mk_ttl;
	uint16_t	 mk_sport, mk_dport;	/* UDP's */
};

/* Ethernet's header. */
void	 fwd_make_ether(uint8_t *p, const uint8_t to[6],
	    const uint8_t from[6], uint16_t type);
/*
 * A packet of ICMP, or of UDP with its header, around len bytes of payload,
 * with its checksums; NULL: no memory.  Context: thread.
 */
struct fwd_buf *fwd_make_ip(const struct fwd_make *, const uint8_t *payload,
	    uint32_t len);

#endif /* FWD_MAKE_H */
