/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nif_cut.c -- see nif_cut.h.
 */

#include <string.h>

#include "bigend.h"
#include "nif_cut.h"

#define NIF_CUT_ETHER	14
#define NIF_CUT_UDP	17

/* Where UDP begins; 0: it does not. */
static unsigned int
nif_cut_l4(struct nif_cut *cu, size_t n)
{
	const uint8_t *ip = cu->cu_hdr + NIF_CUT_ETHER;
	uint32_t type;

	if (n < NIF_CUT_ETHER + 20)
		return 0;
	type = bigend_get(cu->cu_hdr + 12, 2);
	cu->cu_ipv4 = type == 0x0800;
	if (cu->cu_ipv4 && ip[0] >> 4 == 4 && (ip[0] & 15) >= 5 &&
	    (bigend_get(ip + 6, 2) & 0x3fff) == 0 && ip[9] == NIF_CUT_UDP)
		return NIF_CUT_ETHER + (ip[0] & 15u) * 4;
	if (type == 0x86dd && ip[0] >> 4 == 6 && ip[6] == NIF_CUT_UDP)
		return NIF_CUT_ETHER + 40;
	return 0;
}

unsigned int
nif_cut_begin(struct nif_cut *cu, const struct pv_net_pkt *np)
{
	size_t n = np->np_niov == 0 ? 0 : np->np_iov[0].iov_len;
	uint32_t count;

	if (np->np_gso_type != PV_NET_GSO_UDP || np->np_gso_size == 0)
		return 0;
	cu->cu_hdr = np->np_iov[0].iov_base;
	cu->cu_l4 = nif_cut_l4(cu, n);
	cu->cu_hlen = cu->cu_l4 + 8;
	/* peer: headers that are not whole, nothing behind them. */
	if (cu->cu_l4 == 0 || n < cu->cu_hlen || np->np_len <= cu->cu_hlen)
		return 0;
	cu->cu_len = np->np_len - cu->cu_hlen;
	cu->cu_size = np->np_gso_size;
	count = PV_HOWMANY(cu->cu_len, cu->cu_size);
	/* peer: thousands of tiny ones. */
	return count <= NIF_CUT_MAX ? count : 0;
}

uint32_t
nif_cut_headers(const struct nif_cut *cu, unsigned int i,
    uint8_t hdr[NIF_CUT_HDR])
{
	uint32_t left = cu->cu_len - i * cu->cu_size;
	uint32_t len = left < cu->cu_size ? left : cu->cu_size;
	uint8_t *ip = hdr + NIF_CUT_ETHER;
	unsigned int iplen = cu->cu_l4 - NIF_CUT_ETHER;

	memcpy(hdr, cu->cu_hdr, cu->cu_hlen);
	bigend_put(hdr + cu->cu_l4 + 4, 2, len + 8);
	if (!cu->cu_ipv4) {
		bigend_put(ip + 4, 2, len + 8);
		return len;
	}
	bigend_put(ip + 2, 2, iplen + 8 + len);
	bigend_put(ip + 4, 2, bigend_get(ip + 4, 2) + i);
	bigend_put(ip + 10, 2, 0);
	bigend_put(ip + 10, 2, (uint16_t)~bigend_sum(ip, iplen, 0));
	return len;
}
