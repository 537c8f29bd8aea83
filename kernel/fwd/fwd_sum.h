/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_sum.h -- Internet checksums of packets in pieces: made, completed,
 * changed.
 *
 * A checksum that is blank (PV_NET_CSUM_BLANK) holds the pseudo header's sum,
 * not complemented.  It is made anew from the headers wherever it matters, not
 * believed.
 */

#ifndef FWD_SUM_H
#define FWD_SUM_H

#include <pv/net.h>

#include "fwd_hdr.h"

/* The sum, not complemented, of a packet's bytes from off up to end, and v. */
uint16_t fwd_sum_range(const struct pv_net_pkt *, uint32_t off, uint32_t end,
	    uint32_t v);
/* Where TCP's or UDP's checksum is in a packet's first piece, or NULL. */
uint8_t	*fwd_sum_field(const struct pv_net_pkt *, const struct fwd_hdr *);
/* The sum of the pseudo header for what is behind hd_l4. */
uint16_t fwd_sum_pseudo(const struct fwd_hdr *);

/* Fill in the checksum of TCP or UDP; clears PV_NET_CSUM_BLANK. */
void	 fwd_sum_complete(struct pv_net_pkt *, const struct fwd_hdr *);
/* Put the pseudo header's sum there. */
void	 fwd_sum_blank(struct pv_net_pkt *, const struct fwd_hdr *);
/* The same of IPv4's header and of ICMP, in full. */
void	 fwd_sum_ip4(uint8_t *ip);
void	 fwd_sum_icmp(struct pv_net_pkt *, const struct fwd_hdr *);

/*
 * Some n bytes (even) that a checksum covers became others (RFC 1624).
 */
void	 fwd_sum_adjust(uint8_t *field, const uint8_t *old,
	    const uint8_t *new, unsigned int n);

#endif /* FWD_SUM_H */
