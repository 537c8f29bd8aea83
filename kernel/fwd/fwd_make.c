/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_make.c -- see fwd_make.h.
 */

#include <string.h>

#include <net/bigend.h>

#include "fwd_make.h"
#include "fwd_sum.h"

void
fwd_make_ether(uint8_t *p, const uint8_t to[6], const uint8_t from[6],
    uint16_t type)
{
	memcpy(p, to, 6);
	memcpy(p + 6, from, 6);
	bigend_put(p + 12, 2, type);
}

/* IP's header, for len bytes behind it; returns its length. */
static uint32_t
fwd_make_header(const struct fwd_make *mk, uint8_t *p, uint32_t len)
{
	if (mk->mk_version == 4) {
		memset(p, 0, 20);
		p[0] = 0x45;
		bigend_put(p + 2, 2, 20 + len);
		p[8] = mk->mk_ttl;
		p[9] = mk->mk_proto;
		memcpy(p + 12, mk->mk_src.ad_byte, 4);
		memcpy(p + 16, mk->mk_dst.ad_byte, 4);
		fwd_sum_ip4(p);
		return 20;
	}
	memset(p, 0, 40);
	p[0] = 0x60;
	bigend_put(p + 4, 2, len);
	p[6] = mk->mk_proto;
	p[7] = mk->mk_ttl;
	memcpy(p + 8, mk->mk_src.ad_byte, 16);
	memcpy(p + 24, mk->mk_dst.ad_byte, 16);
	return 40;
}

struct fwd_buf *
fwd_make_ip(const struct fwd_make *mk, const uint8_t *payload, uint32_t len)
{
	uint32_t iplen = mk->mk_version == 4 ? 20 : 40;
	uint32_t udp = mk->mk_proto == FWD_UDP ? 8 : 0;
	struct fwd_buf *fb = fwd_buf_alloc(FWD_ETHER + iplen + udp + len);
	struct fwd_hdr hd;
	uint8_t *p;

	if (fb == NULL)
		return NULL;
	p = fwd_buf_head(fb);
	fwd_make_ether(p, mk->mk_to, mk->mk_from, mk->mk_version == 4 ?
	    FWD_TYPE_IP4 : FWD_TYPE_IP6);
	p += FWD_ETHER;
	p += fwd_make_header(mk, p, udp + len);
	if (udp != 0) {
		bigend_put(p, 2, mk->mk_sport);
		bigend_put(p + 2, 2, mk->mk_dport);
		bigend_put(p + 4, 2, udp + len);
	}
	memcpy(p + udp, payload, len);
	if (fwd_hdr_parse(&hd, &fb->fb_pkt) != 0) {
		fwd_buf_free(fb);
		return NULL;
	}
	if (udp != 0)
		fwd_sum_complete(&fb->fb_pkt, &hd);
	else
		fwd_sum_icmp(&fb->fb_pkt, &hd);
	return fb;
}
