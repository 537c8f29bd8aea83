/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_icmp.c -- what the router says itself: errors, and that it is there.
 * Source: RFC 792, 1812, 4443, 4861.
 */

#include <string.h>

#include <net/bigend.h>

#include "fwd.h"
#include "fwd_make.h"

#define FWD_ICMP_QUOTE4	548		/* with headers 576 */
#define FWD_ICMP_QUOTE6	1232		/* 1280 */

/* What IPv4 calls it. */
static const uint8_t fwd_icmp_four[][2] = {
	[FWD_NO_ROUTE] = { 3, 0 },
	[FWD_NO_HOST] = { 3, 1 },
	[FWD_TTL] = { 11, 0 },
	[FWD_TOO_BIG] = { 3, 4 }
};
static const uint8_t fwd_icmp_six[][2] = {
	[FWD_NO_ROUTE] = { 1, 0 },
	[FWD_NO_HOST] = { 1, 3 },
	[FWD_TTL] = { 3, 0 },
	[FWD_TOO_BIG] = { 2, 0 }
};

/* Is it a packet that errors are told about? */
static bool
fwd_icmp_may(struct fwd *fw, const struct fwd_trip *tr)
{
	const struct fwd_hdr *hd = &tr->tr_hd;

	if (hd->hd_version == 0 || (hd->hd_flags & (FWD_HDR_LATER |
	    FWD_HDR_ERROR)) != 0 || fw->fw_port[tr->tr_in].pt_self ||
	    fwd_addr_multicast(&hd->hd_dst, hd->hd_version) ||
	    fwd_addr_multicast(&hd->hd_src, hd->hd_version) ||
	    fwd_addr_zero(&hd->hd_src) || fw->fw_allowance == 0)
		return false;
	fw->fw_allowance--;
	return true;
}

/* Our address in a packet's network; false: we have none. */
static bool
fwd_icmp_source(const struct fwd *fw, const struct fwd_trip *tr,
    struct fwd_make *mk)
{
	const struct fwd_net *nt = &fw->fw_net[tr->tr_net];

	mk->mk_src = nt->nt_addr4;
	if (tr->tr_hd.hd_version == 6)
		mk->mk_src = fwd_addr_zero(&nt->nt_addr6[0]) ? nt->nt_local6 :
		    nt->nt_addr6[0];
	return !fwd_addr_zero(&mk->mk_src);
}

void
fwd_icmp_error(struct fwd *fw, const struct fwd_trip *tr, enum fwd_why why,
    uint32_t mtu)
{
	const struct fwd_hdr *hd = &tr->tr_hd;
	const uint8_t *p = fwd_buf_head(tr->tr_fb);
	bool four = hd->hd_version == 4;
	const uint8_t *kind = four ? fwd_icmp_four[why] : fwd_icmp_six[why];
	uint32_t most = four ? FWD_ICMP_QUOTE4 : FWD_ICMP_QUOTE6, n;
	struct fwd_make mk = { .mk_version = hd->hd_version, .mk_ttl = 64 };
	static uint8_t msg[8 + FWD_ICMP_QUOTE6];	/* lock: the caller's */
	struct fwd_buf *fb;
	struct fwd_hdr made;

	if (!fwd_icmp_may(fw, tr) || !fwd_icmp_source(fw, tr, &mk))
		return;
	mk.mk_proto = four ? FWD_ICMP : FWD_ICMP6;
	mk.mk_dst = hd->hd_src;
	memcpy(mk.mk_to, p + 6, 6);
	memcpy(mk.mk_from, fw->fw_net[tr->tr_net].nt_mac, 6);
	n = hd->hd_end - hd->hd_l3;
	n = n < most ? n : most;
	if (n > tr->tr_fb->fb_pkt.np_iov[0].iov_len - hd->hd_l3)
		n = (uint32_t)tr->tr_fb->fb_pkt.np_iov[0].iov_len - hd->hd_l3;
	memset(msg, 0, 8);
	memcpy(msg, kind, 2);
	bigend_put(msg + 4, 4, mtu);
	memcpy(msg + 8, p + hd->hd_l3, n);
	fb = fwd_make_ip(&mk, msg, 8 + n);
	if (fb == NULL || fwd_hdr_parse(&made, &fb->fb_pkt) != 0) {
		if (fb != NULL)
			fwd_buf_free(fb);
		return;
	}
	fw->fw_errors++;
	fwd_out(fw, tr->tr_in, fb, &made);
}

/* The prefix that hosts make addresses of, and where the router is. */
static uint32_t
fwd_icmp_options(const struct fwd *fw, unsigned int net, uint8_t *p)
{
	const struct fwd_prefix *pr = &fw->fw_conf.co_net[net].nc_addr6;

	p[0] = 1;
	p[1] = 1;
	memcpy(p + 2, fw->fw_net[net].nt_mac, 6);
	p += 8;
	p[0] = 3;
	p[1] = 4;
	p[2] = pr->pr_len;
	p[3] = 0xc0;
	bigend_put(p + 4, 4, 86400);
	bigend_put(p + 8, 4, 14400);
	memcpy(p + 16, pr->pr_addr.ad_byte, pr->pr_len / 8);
	return 8 + 32;
}

void
fwd_icmp_radv(struct fwd *fw, unsigned int net)
{
	const struct fwd_net *nt = &fw->fw_net[net];
	struct fwd_make mk = { .mk_version = 6, .mk_proto = FWD_ICMP6,
	    .mk_ttl = 255, .mk_src = nt->nt_local6,
	    .mk_to = { 0x33, 0x33, 0, 0, 0, 1 } };
	uint8_t msg[16 + 40] = { 134, 0 };
	struct fwd_buf *fb;

	if (fw->fw_conf.co_net[net].nc_addr6.pr_version == 0 ||
	    nt->nt_self == FWD_NOPORT)
		return;
	fw->fw_net[net].nt_radv = fw->fw_now;
	memcpy(mk.mk_from, nt->nt_mac, 6);
	mk.mk_dst.ad_byte[0] = 0xff;
	mk.mk_dst.ad_byte[1] = 2;
	mk.mk_dst.ad_byte[15] = 1;
	msg[4] = 64;			/* hops */
	bigend_put(msg + 6, 2, 1800);	/* s that we are a router */
	fb = fwd_make_ip(&mk, msg, 16 + fwd_icmp_options(fw, net, msg + 16));
	if (fb == NULL)
		return;
	fb->fb_port = nt->nt_self;
	fwd_flood(fw, net, fb);
}
