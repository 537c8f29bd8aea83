/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow.c -- see flow.h.
 * Source: RFC 791, 8200, 9293, 768; xen/include/public/io/netif.h (Toeplitz).
 */

#include "flow.h"

#define FLOW_ETHER	14
#define FLOW_VLAN	4
#define FLOW_IP4	20		/* bytes of headers without options */
#define FLOW_IP6	40
#define FLOW_TCPLEN	20
#define FLOW_UDPLEN	8

/* TCP's or UDP's header, at off; fl_l4, fl_ports and fl_hlen. */
static void
flow_parse_l4(struct flow *fl, const uint8_t *p, size_t off, size_t len)
{
	size_t hlen = FLOW_UDPLEN;

	if (fl->fl_proto == 0)
		return;
	fl->fl_l4 = (unsigned int)off;
	if (len < off + FLOW_UDPLEN)
		return;
	fl->fl_ports = p + off;
	if (fl->fl_proto == FLOW_TCP) {
		if (len < off + FLOW_TCPLEN)
			return;
		hlen = (p[off + 12] >> 4) * 4u;
		if (hlen < FLOW_TCPLEN)
			return;
	}
	if (off + hlen <= len)
		fl->fl_hlen = (unsigned int)(off + hlen);
}

static unsigned int
flow_proto(uint8_t proto)
{
	return proto == FLOW_TCP || proto == FLOW_UDP ? proto : 0;
}

/*
 * flow_parse -- the headers in a frame's first len bytes
 *
 * Context: any.
 */
struct flow
flow_parse(const void *frame, size_t len)
{
	struct flow fl = { 0 };
	const uint8_t *p = frame;
	size_t off = FLOW_ETHER, hlen;

	if (len >= FLOW_ETHER + FLOW_VLAN && p[12] == 0x81 && p[13] == 0)
		off += FLOW_VLAN;
	if (len >= off + FLOW_IP4 && p[off - 2] == 8 && p[off - 1] == 0 &&
	    p[off] >> 4 == 4) {
		fl.fl_version = 4;
		fl.fl_addr = p + off + 12;
		fl.fl_addrlen = 8;
		hlen = (p[off] & 15) * 4u;
		/* All fragments of a datagram are of one flow: no ports. */
		if (hlen >= FLOW_IP4 && ((p[off + 6] & 0x3f) | p[off + 7]) == 0)
			fl.fl_proto = flow_proto(p[off + 9]);
		flow_parse_l4(&fl, p, off + hlen, len);
	} else if (len >= off + FLOW_IP6 && p[off - 2] == 0x86 &&
	    p[off - 1] == 0xdd && p[off] >> 4 == 6) {
		fl.fl_version = 6;
		fl.fl_addr = p + off + 8;
		fl.fl_addrlen = 32;
		fl.fl_proto = flow_proto(p[off + 6]);
		flow_parse_l4(&fl, p, off + FLOW_IP6, len);
	}
	return fl;
}

/*
 * flow_hash -- a sum over addresses and ports
 *
 * Context: any.
 */
uint32_t
flow_hash(const struct flow *fl)
{
	uint32_t sum = 0;
	unsigned int i;

	for (i = 0; i < fl->fl_addrlen; i++)
		sum = sum * 31 + fl->fl_addr[i];
	for (i = 0; fl->fl_ports != NULL && i < 4; i++)
		sum = sum * 31 + fl->fl_ports[i];
	return sum ^ sum >> 8 ^ sum >> 16;
}

/* The key as a register: its first 32 bits, and those that follow. */
struct flow_key {
	const uint8_t	*fk_key;
	unsigned int	 fk_len, fk_next;
	uint32_t	 fk_bits;
};

/* Hash n bytes more. */
static uint32_t
flow_toeplitz_add(struct flow_key *fk, const uint8_t *p, unsigned int n)
{
	uint32_t sum = 0, bits;
	unsigned int bit;

	for (; n > 0; n--, p++) {
		bits = fk->fk_next < fk->fk_len ? fk->fk_key[fk->fk_next] : 0;
		fk->fk_next++;
		for (bit = 8; bit-- > 0;) {
			if ((*p >> bit & 1) != 0)
				sum ^= fk->fk_bits;
			fk->fk_bits = fk->fk_bits << 1 | (bits >> bit & 1);
		}
	}
	return sum;
}

/*
 * flow_toeplitz -- the Toeplitz hash over addresses and ports
 *
 * Context: any.
 */
uint32_t
flow_toeplitz(const struct flow *fl, const uint8_t *key, unsigned int keylen)
{
	struct flow_key fk = { key, keylen, 4, (uint32_t)key[0] << 24 |
	    (uint32_t)key[1] << 16 | (uint32_t)key[2] << 8 | key[3] };
	uint32_t sum;

	sum = flow_toeplitz_add(&fk, fl->fl_addr, fl->fl_addrlen);
	if (fl->fl_ports != NULL)
		sum ^= flow_toeplitz_add(&fk, fl->fl_ports, 4);
	return sum;
}
