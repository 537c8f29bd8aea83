/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_nat.h -- addresses and ports of a packet become others.
 */

#ifndef FWD_NAT_H
#define FWD_NAT_H

#include "fwd_state.h"

/*
 * Make a packet look like leave says, which is of its own version and
 * protocol; with its checksums, in *hd too.  Only what differs is touched.
 * Context: thread, as of the others.
 */
void	 fwd_nat_apply(struct pv_net_pkt *, struct fwd_hdr *,
	    const struct fwd_key *leave);
/*
 * The same of an ICMP error: its own addresses as in leave, and the packet that
 * it quotes as it was sent, quoted.
 */
void	 fwd_nat_error(struct pv_net_pkt *, struct fwd_hdr *,
	    const struct fwd_key *leave, const struct fwd_key *quoted);

#endif /* FWD_NAT_H */
