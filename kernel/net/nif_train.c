/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nif_train.c -- see nif_train.h.
 */

#include <string.h>

#include "bigend.h"
#include "nif_train.h"

_Static_assert(sizeof(struct nif_train) == 512, "eight of them in a page");

#define NIF_TRAIN_ETHER	14
#define NIF_TRAIN_TCP	6
#define NIF_TRAIN_UDP	17
#define NIF_TRAIN_FIN	0x01
#define NIF_TRAIN_PSH	0x08
#define NIF_TRAIN_ACK	0x10

/* Where things are in a frame. */
struct nif_seg {
	const uint8_t	*sg_hdr;
	unsigned int	 sg_l4, sg_hlen;
	uint32_t	 sg_len;	/* payload */
	uint32_t	 sg_seq;
	uint8_t		 sg_flags;	/* TCP's */
	uint8_t		 sg_proto;
	bool		 sg_ipv4;
};

/* Where TCP or UDP begins: IPv4 or IPv6 without anything special; else 0. */
static unsigned int
nif_train_l4(const struct pv_net_pkt *np, struct nif_seg *sg)
{
	const uint8_t *ip = sg->sg_hdr + NIF_TRAIN_ETHER;
	uint32_t len = np->np_len - NIF_TRAIN_ETHER, type;

	type = bigend_get(sg->sg_hdr + 12, 2);
	sg->sg_ipv4 = type == 0x0800;
	sg->sg_proto = sg->sg_ipv4 ? ip[9] : ip[6];
	/* Whole, and not a fragment. */
	if (sg->sg_ipv4 && ip[0] == 0x45 &&
	    (bigend_get(ip + 6, 2) & 0x3fff) == 0 &&
	    bigend_get(ip + 2, 2) == len)
		return NIF_TRAIN_ETHER + 20;
	if (type == 0x86dd && ip[0] >> 4 == 6 && len >= 40 &&
	    bigend_get(ip + 4, 2) == len - 40)
		return NIF_TRAIN_ETHER + 40;
	return 0;
}

/* Headers of n bytes are there at least: what TCP's say. */
static bool
nif_train_tcp(struct nif_seg *sg, size_t n)
{
	const uint8_t *tcp = sg->sg_hdr + sg->sg_l4;

	if (n < sg->sg_l4 + 20)
		return false;
	sg->sg_hlen = sg->sg_l4 + (tcp[12] >> 4) * 4u;
	sg->sg_seq = bigend_get(tcp + 4, 4);
	sg->sg_flags = tcp[13];
	return sg->sg_hlen >= sg->sg_l4 + 20 &&
	    (sg->sg_flags & NIF_TRAIN_ACK) != 0 && (sg->sg_flags &
	    ~(NIF_TRAIN_ACK | NIF_TRAIN_PSH | NIF_TRAIN_FIN)) == 0;
}

/* The same of UDP's; one without a checksum would get one. */
static bool
nif_train_udp(struct nif_seg *sg, size_t n, uint32_t len)
{
	const uint8_t *udp = sg->sg_hdr + sg->sg_l4;

	sg->sg_hlen = sg->sg_l4 + 8;
	return n >= sg->sg_hlen &&
	    bigend_get(udp + 4, 2) == len - sg->sg_l4 &&
	    bigend_get(udp + 6, 2) != 0;
}

/* Describe a frame; false: nothing that goes in a train. */
static bool
nif_train_parse(const struct pv_net_pkt *np, struct nif_seg *sg)
{
	static const struct nif_seg none;
	size_t n = np->np_iov[0].iov_len;
	bool good;

	if (np->np_gso_size != 0 || n < NIF_TRAIN_ETHER + 20)
		return false;
	*sg = none;
	sg->sg_hdr = np->np_iov[0].iov_base;
	sg->sg_l4 = nif_train_l4(np, sg);
	if (sg->sg_l4 == 0)
		return false;
	if (sg->sg_proto == NIF_TRAIN_TCP)
		good = (np->np_flags & PV_NET_CSUM_BLANK) != 0 &&
		    nif_train_tcp(sg, n);
	else
		good = sg->sg_proto == NIF_TRAIN_UDP &&
		    nif_train_udp(sg, n, np->np_len);
	if (!good || n < sg->sg_hlen || np->np_len <= sg->sg_hlen)
		return false;
	sg->sg_len = np->np_len - sg->sg_hlen;
	return true;
}

/* The headers without what differs between segments. */
static void
nif_train_copy(uint8_t *to, const struct nif_seg *sg)
{
	uint8_t *ip = to + NIF_TRAIN_ETHER, *l4 = to + sg->sg_l4;

	memcpy(to, sg->sg_hdr, sg->sg_hlen);
	if (sg->sg_ipv4) {
		bigend_put(ip + 2, 4, 0);	/* length, id */
		bigend_put(ip + 10, 2, 0);	/* checksum */
	} else {
		bigend_put(ip + 4, 2, 0);
	}
	/* Sequence number; UDP's length and checksum. */
	bigend_put(l4 + 4, 4, 0);
	if (sg->sg_proto == NIF_TRAIN_TCP) {
		l4[13] = 0;
		bigend_put(l4 + 16, 2, 0);
	}
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

static uint32_t
nif_train_need(const struct nif_seg *sg)
{
	if (sg->sg_proto == NIF_TRAIN_UDP)
		return PV_NET_CAN_USO;
	return sg->sg_ipv4 ? PV_NET_CAN_TSO4 : PV_NET_CAN_TSO6;
}

bool
nif_train_begin(struct nif_train *tr, const struct pv_net_pkt *np,
    uint32_t can)
{
	struct nif_seg sg;

	if (!nif_train_parse(np, &sg) || np->np_len > NIF_TRAIN_MAX ||
	    np->np_niov > PV_NET_MAXPIECES - 1 ||
	    (can & nif_train_need(&sg)) == 0)
		return false;
	tr->tr_nseg = 0;
	tr->tr_flags = 0;
	nif_train_copy(tr->tr_hdr, &sg);
	memcpy(tr->tr_id, sg.sg_hdr + NIF_TRAIN_ETHER + 4, 2);
	tr->tr_proto = sg.sg_proto;
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
	    sg.sg_hlen != tr->tr_hlen ||
	    (sg.sg_proto == NIF_TRAIN_TCP && sg.sg_seq != tr->tr_next) ||
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

/* What is in front of the payload, and the sum of the pseudo header. */
static void
nif_train_head(struct nif_train *tr, bool ipv4)
{
	uint8_t *ip = tr->tr_hdr + NIF_TRAIN_ETHER;
	uint8_t *l4 = tr->tr_hdr + tr->tr_l4;
	uint32_t len = tr->tr_len - tr->tr_l4, sum = tr->tr_proto + len;

	if (ipv4) {
		bigend_put(ip + 2, 2, tr->tr_len - NIF_TRAIN_ETHER);
		memcpy(ip + 4, tr->tr_id, 2);
		bigend_put(ip + 10, 2, (uint16_t)~bigend_sum(ip, 20, 0));
		sum = bigend_sum(ip + 12, 8, sum);
	} else {
		bigend_put(ip + 4, 2, len);
		sum = bigend_sum(ip + 8, 32, sum);
	}
	if (tr->tr_proto == NIF_TRAIN_UDP) {
		bigend_put(l4 + 4, 2, len);
		bigend_put(l4 + 6, 2, sum);
	} else {
		bigend_put(l4 + 4, 4, tr->tr_seq);
		l4[13] = tr->tr_flags;
		bigend_put(l4 + 16, 2, sum);
	}
}

void
nif_train_end(struct nif_train *tr)
{
	bool ipv4 = tr->tr_hdr[NIF_TRAIN_ETHER] >> 4 == 4;

	nif_train_head(tr, ipv4);
	memset(&tr->tr_pkt, 0, sizeof(tr->tr_pkt));
	tr->tr_pkt.np_iov = tr->tr_iov;
	tr->tr_pkt.np_niov = tr->tr_niov;
	tr->tr_pkt.np_len = tr->tr_len;
	tr->tr_pkt.np_flags = PV_NET_CSUM_BLANK;
	tr->tr_pkt.np_gso_size = tr->tr_size;
	if (tr->tr_proto == NIF_TRAIN_UDP)
		tr->tr_pkt.np_gso_type = PV_NET_GSO_UDP;
	else
		tr->tr_pkt.np_gso_type = ipv4 ? PV_NET_GSO_TCP4 :
		    PV_NET_GSO_TCP6;
}
