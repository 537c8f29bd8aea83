/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_again.h -- a peer that uses a port again: what lwIP's TCP asks us.
 *
 * A connection that we ended keeps its pair of addresses and ports for
 * 2 * TCP_MSL (TIME-WAIT).  A client that comes back from the same port, as
 * one behind NAT soon does, would be turned away for so long; it may begin
 * anew with a sequence number above those of the old connection.
 * Source: RFC 1122, 4.2.2.13.
 */

#ifndef TCP_AGAIN_H
#define TCP_AGAIN_H

#include <lwip/priv/tcp_priv.h>

/*
 * Look at a segment for a connection in TIME-WAIT: ERR_OK, lwIP goes on with
 * it, or ERR_CLSD: the connection is gone, and the segment was taken by who
 * listens.  Its header is in the host's byte order, p begins behind it.
 * Lock: lwIP's.
 */
err_t	 tcp_again(struct tcp_pcb *pcb, struct tcp_hdr *hdr, u16_t optlen,
	    const u8_t *opt2, struct pbuf *p);

#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, hdr, optlen, opt1len, opt2, p)	\
	((pcb)->state != TIME_WAIT ? ERR_OK :				\
	    tcp_again(pcb, hdr, optlen, opt2, p))

#endif /* TCP_AGAIN_H */
