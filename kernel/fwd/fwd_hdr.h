/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_hdr.h -- what the headers of a frame say, as far as forwarding needs it.
 *
 * Only the frame's first piece is looked at, which holds all headers; offsets
 * are from its beginning.  Lengths that headers state are held against the
 * frame's.
 */

#ifndef FWD_HDR_H
#define FWD_HDR_H

#include <pv/net.h>

#include "fwd_addr.h"

#define FWD_ETHER	14		/* bytes of Ethernet's header */
#define FWD_TAG		4		/* and of a VLAN's tag in it */
#define FWD_TYPE_IP4	0x0800
#define FWD_TYPE_ARP	0x0806
#define FWD_TYPE_VLAN	0x8100
#define FWD_TYPE_IP6	0x86dd

#define FWD_ICMP	1
#define FWD_TCP		6
#define FWD_UDP		17
#define FWD_ICMP6	58

#define FWD_TCP_FIN	0x01
#define FWD_TCP_SYN	0x02
#define FWD_TCP_RST	0x04
#define FWD_TCP_PSH	0x08
#define FWD_TCP_ACK	0x10
#define FWD_TCP_CWR	0x80

struct fwd_hdr {
	uint16_t	 hd_type;	/* of Ethernet, behind a VLAN tag */
	uint8_t		 hd_version;	/* 4, 6; 0: no IP */
	uint8_t		 hd_proto;	/* behind IPv6's extension headers */
	uint16_t	 hd_l3, hd_l4;	/* where IP, TCP .. begin; l4 0: not
					   there, or not whole */
	uint16_t	 hd_hlen;	/* where the payload of TCP .. begins */
	uint16_t	 hd_sport, hd_dport;	/* or the id of ICMP's echo */
	uint8_t		 hd_tcp;	/* TCP's flags */
	uint8_t		 hd_icmp;	/* ICMP's type, of both versions */
	uint8_t		 hd_flags;
#define FWD_HDR_FRAG	0x1		/* part of a datagram */
#define FWD_HDR_LATER	0x2		/* and not the first: no ports */
#define FWD_HDR_DF	0x4		/* IPv4: must not be fragmented */
#define FWD_HDR_ECHO	0x8		/* ICMP with an id: request */
#define FWD_HDR_REPLY	0x10		/* the same: answer */
#define FWD_HDR_ERROR	0x20		/* ICMP about another packet */
	uint32_t	 hd_id;		/* of the datagram it is a part of */
	uint32_t	 hd_end;	/* where IP's packet ends */
	struct fwd_addr	 hd_src, hd_dst;
};

/*
 * Look at a frame.  0; -PV_EINVAL: it is not what it says.
 * Context: any.
 */
int	 fwd_hdr_parse(struct fwd_hdr *, const struct pv_net_pkt *);
/*
 * The same of an IP packet in len bytes at p, which is cut off somewhere: what
 * an ICMP error quotes.  Context: any.
 */
int	 fwd_hdr_quoted(struct fwd_hdr *, const uint8_t *p, size_t len,
	    unsigned int version);

#endif /* FWD_HDR_H */
