/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_cut.h -- a packet as several: a train of segments or datagrams for a
 * side that takes no trains, or the fragments of one of IPv4.
 */

#ifndef FWD_CUT_H
#define FWD_CUT_H

#include "fwd_hdr.h"

#define FWD_CUT_MAX	128		/* parts of one packet */
#define FWD_CUT_HEAD	160		/* bytes of headers, at most */

struct fwd_cut {
	const uint8_t	*cu_hdr;	/* the packet's headers */
	const struct fwd_hdr *cu_hd;
	uint32_t	 cu_hlen;	/* bytes of them that each part has */
	uint32_t	 cu_len, cu_size;	/* payload: of all, of one */
	bool		 cu_frag;
};

/*
 * Prepare to cut a train (np_gso_size); or to make fragments for an MTU.
 * How many parts, or 0: it can not be.  Context: any, as of the others.
 */
unsigned int fwd_cut_train(struct fwd_cut *, const struct pv_net_pkt *,
	    const struct fwd_hdr *);
unsigned int fwd_cut_fragments(struct fwd_cut *, const struct pv_net_pkt *,
	    const struct fwd_hdr *, uint32_t mtu);
/*
 * Part i: write its headers; returns the bytes of payload that follow, which
 * are those from cu_hlen + i * cu_size on.  The checksum of a segment's TCP or
 * UDP is not right yet.
 */
uint32_t fwd_cut_headers(const struct fwd_cut *, unsigned int i,
	    uint8_t hdr[FWD_CUT_HEAD]);

#endif /* FWD_CUT_H */
