/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_nat.c -- see fwd_nat.h.
 * Source: RFC 3022, 5508, 1624.
 */

#include <string.h>

#include <net/bigend.h>

#include "fwd_nat.h"
#include "fwd_sum.h"

/* Where IP has its addresses. */
static unsigned int
fwd_nat_addrs(unsigned int version)
{
	return version == 4 ? 12 : 8;
}

/* Both addresses of the IP header at ip. */
static void
fwd_nat_put(uint8_t *ip, unsigned int version, const struct fwd_key *leave)
{
	unsigned int n = fwd_addr_len(version), at = fwd_nat_addrs(version);

	memcpy(ip + at, leave->ky_src.ad_byte, n);
	memcpy(ip + at + n, leave->ky_dst.ad_byte, n);
	if (version == 4)
		fwd_sum_ip4(ip);
}

/*
 * Ports, or the id of ICMP, at l4; field: the checksum that covers them and
 * old's addresses, or NULL.
 */
static void
fwd_nat_ports(uint8_t *l4, uint8_t *field, const struct fwd_hdr *old,
    const struct fwd_key *leave)
{
	unsigned int n = fwd_addr_len(old->hd_version);
	bool icmp = old->hd_proto == FWD_ICMP || old->hd_proto == FWD_ICMP6;
	uint8_t *ports = icmp ? l4 + 4 : l4, new[4];

	bigend_put(new, 2, leave->ky_sport);
	bigend_put(new + 2, 2, leave->ky_dport);
	if (field != NULL) {
		fwd_sum_adjust(field, ports, new, icmp ? 2 : 4);
		/* ICMP's checksum of IPv4 has no pseudo header. */
		if (old->hd_proto != FWD_ICMP) {
			fwd_sum_adjust(field, old->hd_src.ad_byte,
			    leave->ky_src.ad_byte, n);
			fwd_sum_adjust(field, old->hd_dst.ad_byte,
			    leave->ky_dst.ad_byte, n);
		}
	}
	memcpy(ports, new, icmp ? 2 : 4);
}

/* The checksum of what is at l4, if it is there and in use. */
static uint8_t *
fwd_nat_field(uint8_t *l4, const struct fwd_hdr *hd, size_t len)
{
	unsigned int at = 2;

	if (hd->hd_proto == FWD_TCP)
		at = 16;
	else if (hd->hd_proto == FWD_UDP)
		at = 6;
	if (len < at + 2)
		return NULL;
	/* A datagram of IPv4 may have none. */
	if (hd->hd_proto == FWD_UDP && bigend_get(l4 + at, 2) == 0)
		return NULL;
	return l4 + at;
}

/* Is there anything behind IP's header that addresses matter to? */
static bool
fwd_nat_ported(const struct fwd_hdr *hd)
{
	return hd->hd_l4 != 0 && (hd->hd_proto == FWD_TCP ||
	    hd->hd_proto == FWD_UDP ||
	    (hd->hd_flags & (FWD_HDR_ECHO | FWD_HDR_REPLY)) != 0);
}

void
fwd_nat_apply(struct pv_net_pkt *np, struct fwd_hdr *hd,
    const struct fwd_key *leave)
{
	uint8_t *p = np->np_iov[0].iov_base, *field;
	bool blank = (np->np_flags & PV_NET_CSUM_BLANK) != 0;

	if (fwd_addr_eq(&hd->hd_src, &leave->ky_src) &&
	    fwd_addr_eq(&hd->hd_dst, &leave->ky_dst) &&
	    hd->hd_sport == leave->ky_sport && hd->hd_dport == leave->ky_dport)
		return;
	if (fwd_nat_ported(hd)) {
		field = blank ? NULL : fwd_nat_field(p + hd->hd_l4, hd,
		    np->np_iov[0].iov_len - hd->hd_l4);
		fwd_nat_ports(p + hd->hd_l4, field, hd, leave);
		/* Zero says none in UDP, and is the same as all ones. */
		if (field != NULL && hd->hd_proto == FWD_UDP &&
		    bigend_get(field, 2) == 0)
			bigend_put(field, 2, UINT16_MAX);
		hd->hd_sport = leave->ky_sport;
		hd->hd_dport = leave->ky_dport;
	}
	fwd_nat_put(p + hd->hd_l3, hd->hd_version, leave);
	hd->hd_src = leave->ky_src;
	hd->hd_dst = leave->ky_dst;
	if (blank)
		fwd_sum_blank(np, hd);
}

void
fwd_nat_error(struct pv_net_pkt *np, struct fwd_hdr *hd,
    const struct fwd_key *leave, const struct fwd_key *quoted)
{
	uint8_t *p = np->np_iov[0].iov_base, *ip = p + hd->hd_l4 + 8, *field;
	size_t len = np->np_iov[0].iov_len - hd->hd_l4 - 8;
	struct fwd_hdr in;

	if (fwd_hdr_quoted(&in, ip, len, hd->hd_version) != 0)
		return;
	/* peer: of other protocols not even ports' worth may be there. */
	if (fwd_nat_ported(&in)) {
		field = fwd_nat_field(ip + in.hd_l4, &in, len - in.hd_l4);
		fwd_nat_ports(ip + in.hd_l4, field, &in, quoted);
	}
	fwd_nat_put(ip, hd->hd_version, quoted);
	fwd_nat_put(p + hd->hd_l3, hd->hd_version, leave);
	hd->hd_src = leave->ky_src;
	hd->hd_dst = leave->ky_dst;
	fwd_sum_icmp(np, hd);
}
