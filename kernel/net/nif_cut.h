/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nif_cut.h -- a large packet of UDP, received, as the datagrams it stands for.
 *
 * Of TCP a train of segments is as good as each of them: lwIP takes a stream.
 * A datagram must arrive as it was sent, so that of a train of them
 * (PV_NET_GSO_UDP) each gets headers of its own again.  The checksum of UDP is
 * left alone: that of such a packet is known to be good.
 */

#ifndef NIF_CUT_H
#define NIF_CUT_H

#include <pv/net.h>

#define NIF_CUT_MAX	128	/* datagrams of a packet */
#define NIF_CUT_HDR	96	/* Ethernet, IP and UDP headers, at most 82 */

struct nif_cut {
	const uint8_t	*cu_hdr;	/* the packet's headers */
	unsigned int	 cu_l4, cu_hlen;	/* where UDP's, payload begin */
	uint32_t	 cu_len, cu_size;	/* payload: of all, of one */
	bool		 cu_ipv4;
};

/*
 * Look at a packet: how many datagrams it is, or 0: none that make sense.
 * Context: any, as of the others.
 */
unsigned int nif_cut_begin(struct nif_cut *, const struct pv_net_pkt *);
/*
 * Datagram i: write its headers, of cu_hlen bytes; returns how many bytes of
 * payload follow, which are those from i * cu_size on.
 */
uint32_t nif_cut_headers(const struct nif_cut *, unsigned int i,
	    uint8_t hdr[NIF_CUT_HDR]);

#endif /* NIF_CUT_H */
