/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_sum.c -- see fwd_sum.h.
 * Source: RFC 1071, 1624, 9293, 768, 8200.
 */

#include <string.h>

#include <net/bigend.h>

#include "fwd_sum.h"

static uint16_t
fwd_sum_fold(uint64_t v)
{
	while (v > UINT16_MAX)
		v = (v & UINT16_MAX) + (v >> 16);
	return (uint16_t)v;
}

/*
 * The sum of n bytes: added in the machine's order, four at a time, which
 * comes to the same once the result's bytes are read in the network's.
 */
static uint16_t
fwd_sum_block(const uint8_t *p, size_t n)
{
	uint8_t last[4] = { 0 }, out[2];
	uint64_t sum = 0;
	uint32_t w;
	uint16_t f;

	for (; n >= 4; n -= 4, p += 4) {
		memcpy(&w, p, 4);
		sum += w;
	}
	memcpy(last, p, n);
	memcpy(&w, last, 4);
	f = fwd_sum_fold(sum + w);
	memcpy(out, &f, 2);
	return (uint16_t)bigend_get(out, 2);
}

uint16_t
fwd_sum_range(const struct pv_net_pkt *np, uint32_t off, uint32_t end,
    uint32_t v)
{
	const struct pv_iov *iov = np->np_iov;
	uint32_t left = end - off, n;
	bool odd = false;
	uint16_t s;

	for (; off >= iov->iov_len && left > 0; iov++)
		off -= (uint32_t)iov->iov_len;
	for (; left > 0; iov++, off = 0) {
		n = (uint32_t)iov->iov_len - off;
		n = n < left ? n : left;
		s = fwd_sum_block((const uint8_t *)iov->iov_base + off, n);
		v += odd ? (uint16_t)(s << 8 | s >> 8) : s;
		odd ^= (n & 1) != 0;
		left -= n;
	}
	return fwd_sum_fold(v);
}

uint8_t *
fwd_sum_field(const struct pv_net_pkt *np, const struct fwd_hdr *hd)
{
	uint8_t *p = np->np_iov[0].iov_base;

	if (hd->hd_l4 == 0)
		return NULL;
	if (hd->hd_proto == FWD_TCP)
		return p + hd->hd_l4 + 16;
	return hd->hd_proto == FWD_UDP ? p + hd->hd_l4 + 6 : NULL;
}

uint16_t
fwd_sum_pseudo(const struct fwd_hdr *hd)
{
	unsigned int n = fwd_addr_len(hd->hd_version);
	uint32_t len = hd->hd_end - hd->hd_l4;

	return fwd_sum_fold((uint64_t)fwd_sum_block(hd->hd_src.ad_byte, n) +
	    fwd_sum_block(hd->hd_dst.ad_byte, n) + hd->hd_proto +
	    (len & UINT16_MAX) + (len >> 16));
}

/*
 * fwd_sum_complete -- the checksum that the sender left to its device
 *
 * Context: any.
 */
void
fwd_sum_complete(struct pv_net_pkt *np, const struct fwd_hdr *hd)
{
	uint8_t *field = fwd_sum_field(np, hd);
	uint16_t sum;

	np->np_flags &= ~(uint32_t)PV_NET_CSUM_BLANK;
	if (field == NULL)
		return;
	bigend_put(field, 2, 0);
	sum = (uint16_t)~fwd_sum_range(np, hd->hd_l4, hd->hd_end,
	    fwd_sum_pseudo(hd));
	/* Zero would say that a datagram has none. */
	if (sum == 0 && hd->hd_proto == FWD_UDP)
		sum = UINT16_MAX;
	bigend_put(field, 2, sum);
}

void
fwd_sum_blank(struct pv_net_pkt *np, const struct fwd_hdr *hd)
{
	uint8_t *field = fwd_sum_field(np, hd);

	if (field != NULL)
		bigend_put(field, 2, fwd_sum_pseudo(hd));
}

void
fwd_sum_ip4(uint8_t *ip)
{
	bigend_put(ip + 10, 2, 0);
	bigend_put(ip + 10, 2, (uint16_t)~fwd_sum_block(ip,
	    (ip[0] & 15u) * 4));
}

void
fwd_sum_icmp(struct pv_net_pkt *np, const struct fwd_hdr *hd)
{
	uint8_t *field = (uint8_t *)np->np_iov[0].iov_base + hd->hd_l4 + 2;
	uint32_t v = hd->hd_version == 6 ? fwd_sum_pseudo(hd) : 0;

	bigend_put(field, 2, 0);
	bigend_put(field, 2, (uint16_t)~fwd_sum_range(np, hd->hd_l4,
	    hd->hd_end, v));
}

void
fwd_sum_adjust(uint8_t *field, const uint8_t *old, const uint8_t *new,
    unsigned int n)
{
	uint32_t v = (uint16_t)~bigend_get(field, 2);
	unsigned int i;

	for (i = 0; i < n; i += 2)
		v += (uint16_t)~bigend_get(old + i, 2) +
		    bigend_get(new + i, 2);
	bigend_put(field, 2, (uint16_t)~fwd_sum_fold(v));
}
