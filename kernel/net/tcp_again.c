/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_again.c -- see tcp_again.h.
 */

#include <lwip/def.h>
#include <lwip/ip.h>

#include "tcp_again.h"

/* Put a segment back as it came from IP. */
static void
tcp_again_restore(struct tcp_hdr *hdr, u16_t optlen, struct pbuf *p)
{
	hdr->src = lwip_htons(hdr->src);
	hdr->dest = lwip_htons(hdr->dest);
	hdr->seqno = lwip_htonl(hdr->seqno);
	hdr->ackno = lwip_htonl(hdr->ackno);
	hdr->wnd = lwip_htons(hdr->wnd);
	(void)pbuf_add_header_force(p, TCP_HLEN + (size_t)optlen);
}

err_t
tcp_again(struct tcp_pcb *pcb, struct tcp_hdr *hdr, u16_t optlen,
    const u8_t *opt2, struct pbuf *p)
{
	u8_t kind = TCPH_FLAGS(hdr) & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN);

	if (kind != TCP_SYN || !TCP_SEQ_GT(hdr->seqno, pcb->rcv_nxt) ||
	    opt2 != NULL)
		return ERR_OK;
	tcp_pcb_remove(&tcp_tw_pcbs, pcb);
	tcp_free(pcb);
	tcp_again_restore(hdr, optlen, p);
	pbuf_ref(p);			/* each of us frees it */
	tcp_input(p, ip_current_input_netif());
	return ERR_CLSD;
}
