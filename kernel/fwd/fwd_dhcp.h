/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_dhcp.h -- a DHCP server for the guests of a network (RFC 2131).
 *
 * Leases are in memory only.  After a restart a client that asks for its
 * address again gets it, if nobody else has asked for it meanwhile.
 */

#ifndef FWD_DHCP_H
#define FWD_DHCP_H

#include "fwd_conf.h"

#define FWD_NLEASE	256
#define FWD_DHCP_MAX	576		/* bytes of an answer, at most */

struct fwd_lease {
	uint32_t	 le_addr;	/* 0: free */
	uint8_t		 le_mac[6];
	uint8_t		 le_net;
	bool		 le_bound;	/* else only offered */
	uint64_t	 le_until;	/* ns */
};

struct fwd_dhcp {
	struct fwd_lease dh_lease[FWD_NLEASE];
	uint64_t	 dh_nask, dh_noffer, dh_nack, dh_nnak, dh_nfull;
};

/* Where a request was heard. */
struct fwd_dhcp_at {
	const struct fwd_conf *da_conf;
	unsigned int	 da_net;
	uint8_t		 da_mac[6];	/* the frame's sender */
	struct fwd_addr	 da_dns;	/* of the uplink's */
	uint64_t	 da_now;
};

/*
 * Answer the len bytes of a UDP payload: how many bytes, 0: no answer.
 * Context: thread.
 */
size_t	 fwd_dhcp_answer(struct fwd_dhcp *, const struct fwd_dhcp_at *,
	    const uint8_t *msg, size_t len, uint8_t out[FWD_DHCP_MAX]);
/* Where an answer goes: an address, or zero: to all. */
uint32_t fwd_dhcp_dst(const uint8_t out[FWD_DHCP_MAX]);

#endif /* FWD_DHCP_H */
