/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_cut.c -- see fwd_cut.h.
 * Source: RFC 791, 9293, 768.
 */

#include <string.h>

#include <net/bigend.h>

#include "fwd_cut.h"
#include "fwd_sum.h"

static unsigned int
fwd_cut_begin(struct fwd_cut *cu, const struct pv_net_pkt *np,
    const struct fwd_hdr *hd)
{
	uint32_t n;

	cu->cu_hdr = np->np_iov[0].iov_base;
	cu->cu_hd = hd;
	/* peer: no payload, or more headers than anybody needs. */
	if (cu->cu_size == 0 || hd->hd_end <= cu->cu_hlen ||
	    cu->cu_hlen > FWD_CUT_HEAD)
		return 0;
	cu->cu_len = hd->hd_end - cu->cu_hlen;
	n = PV_HOWMANY(cu->cu_len, cu->cu_size);
	/* peer: thousands of tiny ones. */
	return n <= FWD_CUT_MAX ? n : 0;
}

unsigned int
fwd_cut_train(struct fwd_cut *cu, const struct pv_net_pkt *np,
    const struct fwd_hdr *hd)
{
	uint8_t want = hd->hd_version == 4 ? PV_NET_GSO_TCP4 :
	    PV_NET_GSO_TCP6;

	/* peer: the type and the headers say the same. */
	if (hd->hd_proto == FWD_UDP)
		want = PV_NET_GSO_UDP;
	else if (hd->hd_proto != FWD_TCP)
		return 0;
	/* peer: nothing is behind it either, which would not be cut. */
	if (hd->hd_l4 == 0 || np->np_gso_type != want ||
	    (hd->hd_flags & FWD_HDR_FRAG) != 0 || hd->hd_end != np->np_len)
		return 0;
	cu->cu_frag = false;
	cu->cu_size = np->np_gso_size;
	cu->cu_hlen = hd->hd_hlen;
	return fwd_cut_begin(cu, np, hd);
}

unsigned int
fwd_cut_fragments(struct fwd_cut *cu, const struct pv_net_pkt *np,
    const struct fwd_hdr *hd, uint32_t mtu)
{
	const uint8_t *ip = (const uint8_t *)np->np_iov[0].iov_base +
	    hd->hd_l3;
	uint32_t hlen;

	if (hd->hd_version != 4 || (hd->hd_flags & FWD_HDR_DF) != 0)
		return 0;
	hlen = (ip[0] & 15u) * 4;
	if (mtu < hlen + 8)
		return 0;
	cu->cu_frag = true;
	cu->cu_size = (mtu - hlen) & ~7u;
	cu->cu_hlen = hd->hd_l3 + hlen;
	return fwd_cut_begin(cu, np, hd);
}

/* IPv4's header of part i; more: it is not the last one. */
static void
fwd_cut_ip4(const struct fwd_cut *cu, unsigned int i, uint8_t *ip, bool more)
{
	uint32_t frag = bigend_get(ip + 6, 2);

	if (cu->cu_frag) {
		frag += i * cu->cu_size / 8;
		if (more)
			frag |= 0x2000;
		bigend_put(ip + 6, 2, frag);
	} else {
		bigend_put(ip + 4, 2, bigend_get(ip + 4, 2) + i);
	}
	fwd_sum_ip4(ip);
}

static void
fwd_cut_tcp(const struct fwd_cut *cu, unsigned int i, uint8_t *tcp, bool more)
{
	bigend_put(tcp + 4, 4, bigend_get(tcp + 4, 4) + i * cu->cu_size);
	if (more)
		tcp[13] &= (uint8_t)~(FWD_TCP_FIN | FWD_TCP_PSH);
	if (i > 0)
		tcp[13] &= (uint8_t)~FWD_TCP_CWR;
}

uint32_t
fwd_cut_headers(const struct fwd_cut *cu, unsigned int i,
    uint8_t hdr[FWD_CUT_HEAD])
{
	uint32_t left = cu->cu_len - i * cu->cu_size, len;
	bool more = left > cu->cu_size;
	uint8_t *ip = hdr + cu->cu_hd->hd_l3;

	len = more ? cu->cu_size : left;
	memcpy(hdr, cu->cu_hdr, cu->cu_hlen);
	if (cu->cu_hd->hd_version == 4) {
		bigend_put(ip + 2, 2, cu->cu_hlen - cu->cu_hd->hd_l3 + len);
		fwd_cut_ip4(cu, i, ip, more);
	} else {
		bigend_put(ip + 4, 2, cu->cu_hlen - cu->cu_hd->hd_l3 - 40 +
		    len);
	}
	if (cu->cu_frag)
		return len;
	if (cu->cu_hd->hd_proto == FWD_TCP)
		fwd_cut_tcp(cu, i, hdr + cu->cu_hd->hd_l4, more);
	else
		bigend_put(hdr + cu->cu_hd->hd_l4 + 4, 2, 8 + len);
	return len;
}
