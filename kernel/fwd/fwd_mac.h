/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_mac.h -- which Ethernet address is behind which port: a bridge's table.
 *
 * Bounded: an address has a few places where it may stand, and takes that of
 * the one that was heard of least recently.  One port fills at most a quarter
 * of the table, so that no guest can make the bridge forget the others.
 */

#ifndef FWD_MAC_H
#define FWD_MAC_H

#include <pv/types.h>

#define FWD_MAC_N	1024
#define FWD_MAC_AGE	(300ull * 1000000000u)	/* ns without a packet */
#define FWD_NPORT	64			/* of the forwarder */

struct fwd_mac {
	uint8_t		 ma_mac[6];
	uint8_t		 ma_net;
	uint8_t		 ma_port;
	uint64_t	 ma_seen;	/* ns; 0: free */
};

struct fwd_mactab {
	struct fwd_mac	 mt_mac[FWD_MAC_N];
	unsigned int	 mt_count[FWD_NPORT];
	uint64_t	 mt_nmoved, mt_nrefused;
};

/* An address was seen behind a port.  Context: thread, as of the others. */
void	 fwd_mac_learn(struct fwd_mactab *, const struct fwd_mac *);
/* The port of an address, or -1: not known, or not for long. */
int	 fwd_mac_find(const struct fwd_mactab *, unsigned int net,
	    const uint8_t mac[6], uint64_t now);
/* A port is no more. */
void	 fwd_mac_forget(struct fwd_mactab *, unsigned int port);
/* Those that were not seen for long. */
void	 fwd_mac_expire(struct fwd_mactab *, uint64_t now);

#endif /* FWD_MAC_H */
