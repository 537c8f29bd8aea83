/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_hdr.c -- see fwd_hdr.h.
 * Source: RFC 791, 8200, 9293, 768, 792, 4443.
 */

#include <string.h>

#include <pv/errno.h>

#include <net/bigend.h>

#include "fwd_hdr.h"

#define FWD_HDR_NEXT	6		/* extension headers of one packet */

/* Bytes to look at: len are here, end is where IP says that it ends. */
struct fwd_view {
	const uint8_t	*vw_p;
	size_t		 vw_len;
	bool		 vw_quoted;	/* cut off wherever it was */
};

static bool
fwd_hdr_has(const struct fwd_view *vw, const struct fwd_hdr *hd, size_t n)
{
	return hd->hd_l4 + n <= vw->vw_len &&
	    (vw->vw_quoted || hd->hd_l4 + n <= hd->hd_end);
}

static int
fwd_hdr_tcp(const struct fwd_view *vw, struct fwd_hdr *hd)
{
	const uint8_t *p = vw->vw_p + hd->hd_l4;
	unsigned int hlen;

	hd->hd_sport = (uint16_t)bigend_get(p, 2);
	hd->hd_dport = (uint16_t)bigend_get(p + 2, 2);
	if (vw->vw_quoted)
		return 0;
	if (!fwd_hdr_has(vw, hd, 20))
		return -PV_EINVAL;
	hlen = (p[12] >> 4) * 4u;
	if (hlen < 20 || !fwd_hdr_has(vw, hd, hlen))
		return -PV_EINVAL;
	hd->hd_tcp = p[13];
	hd->hd_hlen = (uint16_t)(hd->hd_l4 + hlen);
	return 0;
}

static int
fwd_hdr_udp(const struct fwd_view *vw, struct fwd_hdr *hd)
{
	const uint8_t *p = vw->vw_p + hd->hd_l4;
	uint32_t len = bigend_get(p + 4, 2);

	hd->hd_sport = (uint16_t)bigend_get(p, 2);
	hd->hd_dport = (uint16_t)bigend_get(p + 2, 2);
	hd->hd_hlen = (uint16_t)(hd->hd_l4 + 8);
	if (vw->vw_quoted || (hd->hd_flags & FWD_HDR_FRAG) != 0)
		return 0;
	return hd->hd_l4 + len != hd->hd_end ? -PV_EINVAL : 0;
}

static void
fwd_hdr_icmp(const struct fwd_view *vw, struct fwd_hdr *hd)
{
	const uint8_t *p = vw->vw_p + hd->hd_l4;
	bool six = hd->hd_proto == FWD_ICMP6;

	hd->hd_icmp = p[0];
	hd->hd_hlen = (uint16_t)(hd->hd_l4 + 8);
	if (p[0] == (six ? 128 : 8))
		hd->hd_flags |= FWD_HDR_ECHO;
	else if (p[0] == (six ? 129 : 0))
		hd->hd_flags |= FWD_HDR_REPLY;
	else if (six ? p[0] < 128 : p[0] == 3 || p[0] == 4 || p[0] == 5 ||
	    p[0] == 11 || p[0] == 12)
		hd->hd_flags |= FWD_HDR_ERROR;
	if ((hd->hd_flags & (FWD_HDR_ECHO | FWD_HDR_REPLY)) != 0)
		hd->hd_sport = hd->hd_dport = (uint16_t)bigend_get(p + 4, 2);
}

/* What is behind IP's headers, at hd_l4. */
static int
fwd_hdr_l4(const struct fwd_view *vw, struct fwd_hdr *hd)
{
	bool icmp = hd->hd_proto == (hd->hd_version == 4 ? FWD_ICMP :
	    FWD_ICMP6);

	hd->hd_hlen = hd->hd_l4;
	if ((hd->hd_flags & FWD_HDR_LATER) != 0) {
		hd->hd_l4 = 0;
		return 0;
	}
	if (hd->hd_proto != FWD_TCP && hd->hd_proto != FWD_UDP && !icmp)
		return 0;
	if (!fwd_hdr_has(vw, hd, 8))
		return -PV_EINVAL;
	if (hd->hd_proto == FWD_TCP)
		return fwd_hdr_tcp(vw, hd);
	if (hd->hd_proto == FWD_UDP)
		return fwd_hdr_udp(vw, hd);
	fwd_hdr_icmp(vw, hd);
	return 0;
}

static int
fwd_hdr_ip4(const struct fwd_view *vw, struct fwd_hdr *hd)
{
	const uint8_t *p = vw->vw_p + hd->hd_l3;
	size_t left = vw->vw_len - hd->hd_l3;
	uint32_t hlen, total, frag;

	if (left < 20 || p[0] >> 4 != 4)
		return -PV_EINVAL;
	hlen = (p[0] & 15u) * 4;
	total = bigend_get(p + 2, 2);
	if (hlen < 20 || hlen > left || total < hlen)
		return -PV_EINVAL;
	frag = bigend_get(p + 6, 2);
	hd->hd_proto = p[9];
	hd->hd_end = hd->hd_l3 + total;
	hd->hd_l4 = (uint16_t)(hd->hd_l3 + hlen);
	if ((frag & 0x4000) != 0)
		hd->hd_flags |= FWD_HDR_DF;
	if ((frag & 0x3fff) != 0)
		hd->hd_flags |= FWD_HDR_FRAG;
	if ((frag & 0x1fff) != 0)
		hd->hd_flags |= FWD_HDR_LATER;
	/* Eight bytes in: who would write over TCP's flags (RFC 1858). */
	if (hd->hd_proto == FWD_TCP && (frag & 0x1fff) == 1)
		return -PV_EINVAL;
	hd->hd_id = bigend_get(p + 4, 2);
	memcpy(hd->hd_src.ad_byte, p + 12, 4);
	memcpy(hd->hd_dst.ad_byte, p + 16, 4);
	return 0;
}

/*
 * Step over one extension header at hd_l4; 1: there may be more, 0: there is
 * none.
 */
static int
fwd_hdr_ext(const struct fwd_view *vw, struct fwd_hdr *hd)
{
	const uint8_t *p = vw->vw_p + hd->hd_l4;
	uint32_t len = 8, frag;

	if (hd->hd_proto != 0 && hd->hd_proto != 43 && hd->hd_proto != 44 &&
	    hd->hd_proto != 60)
		return 0;
	if (!fwd_hdr_has(vw, hd, 8))
		return -PV_EINVAL;
	/* A route through hosts of the sender's choice (RFC 5095). */
	if (hd->hd_proto == 43 && p[2] == 0)
		return -PV_EINVAL;
	if (hd->hd_proto == 44) {
		frag = bigend_get(p + 2, 2);
		hd->hd_id = bigend_get(p + 4, 4);
		if ((frag & ~6u) != 0)
			hd->hd_flags |= FWD_HDR_FRAG;
		if ((frag & 0xfff8) != 0)
			hd->hd_flags |= FWD_HDR_LATER;
	} else {
		len = (p[1] + 1u) * 8;
	}
	if (!fwd_hdr_has(vw, hd, len))
		return -PV_EINVAL;
	hd->hd_proto = p[0];
	hd->hd_l4 = (uint16_t)(hd->hd_l4 + len);
	return (hd->hd_flags & FWD_HDR_LATER) != 0 ? 0 : 1;
}

static int
fwd_hdr_ip6(const struct fwd_view *vw, struct fwd_hdr *hd)
{
	const uint8_t *p = vw->vw_p + hd->hd_l3;
	unsigned int n;
	int rv = 1;

	if (vw->vw_len - hd->hd_l3 < 40 || p[0] >> 4 != 6)
		return -PV_EINVAL;
	hd->hd_proto = p[6];
	hd->hd_end = hd->hd_l3 + 40 + bigend_get(p + 4, 2);
	hd->hd_l4 = (uint16_t)(hd->hd_l3 + 40);
	memcpy(hd->hd_src.ad_byte, p + 8, 16);
	memcpy(hd->hd_dst.ad_byte, p + 24, 16);
	for (n = 0; n < FWD_HDR_NEXT && rv > 0; n++)
		rv = fwd_hdr_ext(vw, hd);
	return rv > 0 ? -PV_EINVAL : rv;
}

static int
fwd_hdr_ip(const struct fwd_view *vw, struct fwd_hdr *hd)
{
	return hd->hd_version == 4 ? fwd_hdr_ip4(vw, hd) : fwd_hdr_ip6(vw, hd);
}

/*
 * fwd_hdr_parse -- look at a frame
 *
 * Context: any.
 */
int
fwd_hdr_parse(struct fwd_hdr *hd, const struct pv_net_pkt *np)
{
	struct fwd_view vw = { np->np_iov[0].iov_base, np->np_iov[0].iov_len,
	    false };
	int rv;

	memset(hd, 0, sizeof(*hd));
	if (vw.vw_len < FWD_ETHER)
		return -PV_EINVAL;
	hd->hd_l3 = FWD_ETHER;
	hd->hd_type = (uint16_t)bigend_get(vw.vw_p + 12, 2);
	if (hd->hd_type == FWD_TYPE_VLAN && vw.vw_len >= FWD_ETHER + FWD_TAG) {
		hd->hd_l3 += FWD_TAG;
		hd->hd_type = (uint16_t)bigend_get(vw.vw_p + 16, 2);
	}
	if (hd->hd_type != FWD_TYPE_IP4 && hd->hd_type != FWD_TYPE_IP6)
		return np->np_gso_size != 0 ? -PV_EINVAL : 0;
	hd->hd_version = hd->hd_type == FWD_TYPE_IP4 ? 4 : 6;
	rv = fwd_hdr_ip(&vw, hd);
	if (rv != 0)
		return rv;
	if (hd->hd_end > np->np_len)
		return -PV_EINVAL;
	return fwd_hdr_l4(&vw, hd);
}

/*
 * fwd_hdr_quoted -- look at a packet that an ICMP error quotes
 *
 * Context: any.
 */
int
fwd_hdr_quoted(struct fwd_hdr *hd, const uint8_t *p, size_t len,
    unsigned int version)
{
	struct fwd_view vw = { p, len, true };
	int rv;

	memset(hd, 0, sizeof(*hd));
	hd->hd_version = (uint8_t)version;
	rv = fwd_hdr_ip(&vw, hd);
	return rv != 0 ? rv : fwd_hdr_l4(&vw, hd);
}
