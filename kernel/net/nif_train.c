/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nif_train.c -- see nif_train.h.
 */

#include <string.h>

#include "nif_train.h"

_Static_assert(sizeof(struct nif_train) == 512, "eight of them in a page");

#define NIF_TRAIN_ETHER	14
#define NIF_TRAIN_FIN	0x01
#define NIF_TRAIN_PSH	0x08
#define NIF_TRAIN_ACK	0x10

/* Where things are in a frame. */
struct nif_seg {
	const uint8_t	*sg_hdr;
	unsigned int	 sg_l4, sg_hlen;
	uint32_t	 sg_len;	/* payload */
	uint32_t	 sg_seq;
	uint8_t		 sg_flags;
	bool		 sg_ipv4;
};

static uint32_t
nif_train_get(const uint8_t *p, unsigned int n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static void
nif_train_put(uint8_t *p, unsigned int n, uint32_t v)
{
	while (n-- > 0) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

/* Where TCP begins: IPv4 without options, IPv6 without extensions; else 0. */
static unsigned int
nif_train_l4(const struct pv_net_pkt *np, struct nif_seg *sg)
{
	const uint8_t *ip = sg->sg_hdr + NIF_TRAIN_ETHER;
	uint32_t len = np->np_len - NIF_TRAIN_ETHER, type;

	type = nif_train_get(sg->sg_hdr + 12, 2);
	sg->sg_ipv4 = type == 0x0800;
	/* Whole, and not a fragment. */
	if (sg->sg_ipv4 && ip[0] == 0x45 && ip[9] == 6 &&
	    (nif_train_get(ip + 6, 2) & 0x3fff) == 0 &&
	    nif_train_get(ip + 2, 2) == len)
		return NIF_TRAIN_ETHER + 20;
	if (type == 0x86dd && ip[0] >> 4 == 6 && ip[6] == 6 && len >= 40 &&
	    nif_train_get(ip + 4, 2) == len - 40)
		return NIF_TRAIN_ETHER + 40;
	return 0;
}

/* Describe a frame; false: nothing that goes in a train. */
static bool
nif_train_parse(const struct pv_net_pkt *np, struct nif_seg *sg)
{
	size_t n = np->np_iov[0].iov_len;
	const uint8_t *tcp;

	if ((np->np_flags & PV_NET_CSUM_BLANK) == 0 || np->np_gso_size != 0 ||
	    n < NIF_TRAIN_ETHER + 20 + 20)
		return false;
	sg->sg_hdr = np->np_iov[0].iov_base;
	sg->sg_l4 = nif_train_l4(np, sg);
	if (sg->sg_l4 == 0 || n < sg->sg_l4 + 20)
		return false;
	tcp = sg->sg_hdr + sg->sg_l4;
	sg->sg_hlen = sg->sg_l4 + (tcp[12] >> 4) * 4u;
	if (sg->sg_hlen < sg->sg_l4 + 20 || n < sg->sg_hlen ||
	    np->np_len <= sg->sg_hlen)
		return false;
	sg->sg_len = np->np_len - sg->sg_hlen;
	sg->sg_seq = nif_train_get(tcp + 4, 4);
	sg->sg_flags = tcp[13];
	return (sg->sg_flags & NIF_TRAIN_ACK) != 0 && (sg->sg_flags &
	    ~(NIF_TRAIN_ACK | NIF_TRAIN_PSH | NIF_TRAIN_FIN)) == 0;
}

/* The headers without what differs between segments. */
static void
nif_train_copy(uint8_t *to, const struct nif_seg *sg)
{
	uint8_t *ip = to + NIF_TRAIN_ETHER, *tcp = to + sg->sg_l4;

	memcpy(to, sg->sg_hdr, sg->sg_hlen);
	if (sg->sg_ipv4) {
		nif_train_put(ip + 2, 4, 0);	/* length, id */
		nif_train_put(ip + 10, 2, 0);	/* checksum */
	} else {
		nif_train_put(ip + 4, 2, 0);
	}
	nif_train_put(tcp + 4, 4, 0);
	tcp[13] = 0;
	nif_train_put(tcp + 16, 2, 0);
}

/* Append what is behind the headers. */
static void
nif_train_payload(struct nif_train *tr, const struct pv_net_pkt *np,
    const struct nif_seg *sg)
{
	size_t skip = sg->sg_hlen;
	struct pv_iov *piece;
	unsigned int i;

	for (i = 0; i < np->np_niov; i++, skip = 0) {
		if (np->np_iov[i].iov_len == skip)
			continue;
		piece = &tr->tr_iov[tr->tr_niov++];
		piece->iov_base = (char *)np->np_iov[i].iov_base + skip;
		piece->iov_len = np->np_iov[i].iov_len - skip;
	}
	tr->tr_nseg++;
	tr->tr_len += sg->sg_len;
	tr->tr_next = sg->sg_seq + sg->sg_len;
	tr->tr_flags |= sg->sg_flags;
	tr->tr_closed = sg->sg_len < tr->tr_size ||
	    (sg->sg_flags & NIF_TRAIN_FIN) != 0;
}

bool
nif_train_begin(struct nif_train *tr, const struct pv_net_pkt *np,
    uint32_t can)
{
	struct nif_seg sg;

	if (!nif_train_parse(np, &sg) || np->np_len > NIF_TRAIN_MAX ||
	    np->np_niov > PV_NET_MAXPIECES - 1 ||
	    (can & (sg.sg_ipv4 ? PV_NET_CAN_TSO4 : PV_NET_CAN_TSO6)) == 0)
		return false;
	tr->tr_nseg = 0;
	tr->tr_flags = 0;
	nif_train_copy(tr->tr_hdr, &sg);
	memcpy(tr->tr_id, sg.sg_hdr + NIF_TRAIN_ETHER + 4, 2);
	memcpy(tr->tr_csum, sg.sg_hdr + sg.sg_l4 + 16, 2);
	tr->tr_iov[0].iov_base = tr->tr_hdr;
	tr->tr_iov[0].iov_len = sg.sg_hlen;
	tr->tr_niov = 1;
	tr->tr_len = sg.sg_hlen;
	tr->tr_hlen = (uint8_t)sg.sg_hlen;
	tr->tr_l4 = (uint8_t)sg.sg_l4;
	tr->tr_size = (uint16_t)sg.sg_len;
	tr->tr_seq = sg.sg_seq;
	nif_train_payload(tr, np, &sg);
	return true;
}

bool
nif_train_add(struct nif_train *tr, const struct pv_net_pkt *np)
{
	uint8_t hdr[NIF_TRAIN_HDR];
	struct nif_seg sg;

	if (tr->tr_closed || !nif_train_parse(np, &sg) ||
	    sg.sg_hlen != tr->tr_hlen || sg.sg_seq != tr->tr_next ||
	    sg.sg_len > tr->tr_size ||
	    tr->tr_len + sg.sg_len > NIF_TRAIN_MAX ||
	    tr->tr_niov + np->np_niov > PV_NET_MAXPIECES)
		return false;
	nif_train_copy(hdr, &sg);
	if (memcmp(hdr, tr->tr_hdr, tr->tr_hlen) != 0)
		return false;
	nif_train_payload(tr, np, &sg);
	return true;
}

/* The sum of n bytes (even), from a sum so far; not complemented. */
static uint16_t
nif_train_sum(const uint8_t *p, unsigned int n, uint32_t sum)
{
	for (; n > 0; n -= 2, p += 2)
		sum += nif_train_get(p, 2);
	while (sum > UINT16_MAX)
		sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)sum;
}

void
nif_train_end(struct nif_train *tr)
{
	uint8_t *ip = tr->tr_hdr + NIF_TRAIN_ETHER;
	uint8_t *tcp = tr->tr_hdr + tr->tr_l4;
	bool ipv4 = ip[0] >> 4 == 4;
	uint32_t more;

	if (ipv4) {
		nif_train_put(ip + 2, 2, tr->tr_len - NIF_TRAIN_ETHER);
		memcpy(ip + 4, tr->tr_id, 2);
		nif_train_put(ip + 10, 2, (uint16_t)~nif_train_sum(ip, 20, 0));
	} else {
		nif_train_put(ip + 4, 2, tr->tr_len - NIF_TRAIN_ETHER - 40);
	}
	nif_train_put(tcp + 4, 4, tr->tr_seq);
	tcp[13] = tr->tr_flags;
	/* The first one's pseudo header, with the length of all. */
	more = tr->tr_len - tr->tr_hlen - tr->tr_size;
	nif_train_put(tcp + 16, 2, nif_train_sum(tr->tr_csum, 2, more));
	memset(&tr->tr_pkt, 0, sizeof(tr->tr_pkt));
	tr->tr_pkt.np_iov = tr->tr_iov;
	tr->tr_pkt.np_niov = tr->tr_niov;
	tr->tr_pkt.np_len = tr->tr_len;
	tr->tr_pkt.np_flags = PV_NET_CSUM_BLANK;
	tr->tr_pkt.np_gso_size = tr->tr_size;
	tr->tr_pkt.np_gso_type = ipv4 ? PV_NET_GSO_TCP4 : PV_NET_GSO_TCP6;
}
