/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netback_rule.c -- what a guest may send, how much, and what multicast it
 * wants; pure.  See netback.h.
 * Source: RFC 791, 826, 4861, 8200; what libxl writes for "ip" and "rate".
 */

#include "netback.h"
#include "str.h"

#define NETBACK_RULE_TEXT 48		/* bytes of an address */
#define NETBACK_RULE_ARPLEN (NETBACK_HDRLEN + 28)
#define NETBACK_RULE_IP4LEN (NETBACK_HDRLEN + 20)
#define NETBACK_RULE_IP6LEN (NETBACK_HDRLEN + 40)
#define NETBACK_RULE_ICMP6 58
#define NETBACK_RULE_ADVERT 136		/* neighbour advertisement */

/* ---- addresses in text ------------------------------------------------- */

static int
netback_rule_hexdigit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int
netback_rule_ip4(const char *s, size_t len, uint8_t addr[4])
{
	unsigned int i, v, n;

	for (i = 0; i < 4; i++) {
		for (v = n = 0; len > 0 && *s >= '0' && *s <= '9' && n < 3;
		    s++, len--, n++)
			v = v * 10 + (unsigned int)(*s - '0');
		if (n == 0 || v > 255)
			return -PV_EINVAL;
		addr[i] = (uint8_t)v;
		if (i < 3 && (len-- == 0 || *s++ != '.'))
			return -PV_EINVAL;
	}
	return len == 0 ? 0 : -PV_EINVAL;
}

/* One group of up to four digits; how many there were. */
static unsigned int
netback_rule_group16(const char *s, size_t len, uint8_t out[2])
{
	unsigned int n, v = 0;

	for (n = 0; n < len && n < 4 && netback_rule_hexdigit(s[n]) >= 0; n++)
		v = v * 16 + (unsigned int)netback_rule_hexdigit(s[n]);
	out[0] = (uint8_t)(v >> 8);
	out[1] = (uint8_t)v;
	return n;
}

/* Without an IPv4 address in its last part. */
static int
netback_rule_ip6(const char *s, size_t len, uint8_t addr[16])
{
	uint8_t part[16];
	unsigned int n = 0, gap = UINT32_MAX, k;

	if (len >= 2 && s[0] == ':' && s[1] == ':') {
		gap = 0;
		s += 2;
		len -= 2;
	}
	while (len > 0 && n < 16) {
		k = netback_rule_group16(s, len, part + n);
		if (k == 0)
			return -PV_EINVAL;
		n += 2;
		s += k;
		len -= k;
		if (len == 0)
			break;
		if (*s != ':' || len == 1)
			return -PV_EINVAL;
		s++;
		len--;
		if (*s != ':')
			continue;
		if (gap != UINT32_MAX)
			return -PV_EINVAL;
		gap = n;
		s++;
		len--;
	}
	if (len > 0 || (gap == UINT32_MAX) != (n == 16))
		return -PV_EINVAL;
	if (gap == UINT32_MAX)
		gap = 16;
	__builtin_memset(addr, 0, 16);
	__builtin_memcpy(addr, part, gap < n ? gap : n);
	if (gap < n)
		__builtin_memcpy(addr + 16 - (n - gap), part + gap, n - gap);
	return 0;
}

/* "10.0.0.2", "10.0.0.0/24", "fd00::2": one word. */
static int
netback_rule_addr(struct netback_addr *na, const char *s, size_t len)
{
	uint64_t bits;
	size_t n;
	int rv;

	for (n = 0; n < len && s[n] != '/'; n++)
		;
	na->na_len = 4;
	rv = netback_rule_ip4(s, n, na->na_addr);
	if (rv < 0) {
		na->na_len = 16;
		rv = netback_rule_ip6(s, n, na->na_addr);
	}
	bits = na->na_len * 8u;
	if (rv == 0 && n < len)
		rv = str_num(s + n + 1, len - n - 1, 0, bits, &bits);
	na->na_bits = (uint8_t)bits;
	return rv < 0 ? -PV_EINVAL : 0;
}

static bool
netback_rule_sep(char c)
{
	return c == ' ' || c == ',' || c == '\t';
}

/*
 * netback_rule_addrs -- the addresses that a guest may use
 *
 * 0; -PV_EINVAL: a word is none; -PV_E2BIG: too many.
 * Context: any.
 */
int
netback_rule_addrs(struct netback_rule *ru, const char *text)
{
	size_t len;
	int rv = 0;

	ru->ru_naddr = 0;
	while (rv == 0) {
		while (netback_rule_sep(*text))
			text++;
		for (len = 0; text[len] != '\0' &&
		    !netback_rule_sep(text[len]); len++)
			;
		if (len == 0)
			return 0;
		if (ru->ru_naddr == NETBACK_NADDR)
			return -PV_E2BIG;
		rv = netback_rule_addr(&ru->ru_addr[ru->ru_naddr++], text,
		    len);
		text += len;
	}
	return rv;
}

/* ---- who sends --------------------------------------------------------- */

static bool
netback_rule_has(const struct netback_rule *ru, const uint8_t *addr,
    unsigned int len)
{
	const struct netback_addr *na;
	unsigned int i, bit;

	for (i = 0; i < ru->ru_naddr; i++) {
		na = &ru->ru_addr[i];
		if (na->na_len != len)
			continue;
		for (bit = 0; bit < na->na_bits; bit++) {
			if (((addr[bit / 8] ^ na->na_addr[bit / 8]) >>
			    (7 - bit % 8) & 1) != 0)
				break;
		}
		if (bit == na->na_bits)
			return true;
	}
	return false;
}

static bool
netback_rule_zero(const uint8_t *p, unsigned int len)
{
	while (len-- > 0)
		if (*p++ != 0)
			return false;
	return true;
}

/* Who asks for an address has none yet. */
static bool
netback_rule_allows4(const struct netback_rule *ru, const uint8_t *p,
    size_t len)
{
	return len >= NETBACK_RULE_IP4LEN && (netback_rule_zero(p + 26, 4) ||
	    netback_rule_has(ru, p + 26, 4));
}

static bool
netback_rule_arp(const struct netback_rule *ru, const uint8_t *p, size_t len)
{
	return len >= NETBACK_RULE_ARPLEN && (!ru->ru_mac ||
	    __builtin_memcmp(p + 22, ru->ru_own, 6) == 0) &&
	    (netback_rule_zero(p + 28, 4) || netback_rule_has(ru, p + 28, 4));
}

/* Its own, one of the link, or none yet. */
static bool
netback_rule_own6(const struct netback_rule *ru, const uint8_t *addr)
{
	return (addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80) ||
	    netback_rule_zero(addr, 16) || netback_rule_has(ru, addr, 16);
}

static bool
netback_rule_allows6(const struct netback_rule *ru, const uint8_t *p,
    size_t len)
{
	const uint8_t *icmp = p + NETBACK_RULE_IP6LEN;

	if (len < NETBACK_RULE_IP6LEN || !netback_rule_own6(ru, p + 22))
		return false;
	/* Nor may it say that others' addresses are at its own. */
	return p[20] != NETBACK_RULE_ICMP6 ||
	    len < NETBACK_RULE_IP6LEN + 24 || icmp[0] != NETBACK_RULE_ADVERT ||
	    netback_rule_own6(ru, icmp + 8);
}

/*
 * netback_rule_allows -- may the guest send this frame?
 *
 * Where its addresses are known it sends IP and ARP only, and untagged.
 * Context: any.
 */
bool
netback_rule_allows(const struct netback_rule *ru, const void *frame,
    size_t len)
{
	const uint8_t *p = frame;

	if (len < NETBACK_HDRLEN)
		return false;
	if (ru->ru_mac && __builtin_memcmp(p + 6, ru->ru_own, 6) != 0)
		return false;
	if (ru->ru_naddr == 0)
		return true;
	switch (p[12] << 8 | p[13]) {
	case 0x0800:
		return netback_rule_allows4(ru, p, len);
	case 0x0806:
		return netback_rule_arp(ru, p, len);
	case 0x86dd:
		return netback_rule_allows6(ru, p, len);
	default:
		return false;
	}
}

/* ---- how much ---------------------------------------------------------- */

/*
 * netback_rule_rate -- "BYTES,USECS", as the toolstack writes it
 *
 * 0 or -PV_EINVAL.
 * Context: any.
 */
int
netback_rule_rate(struct netback_rule *ru, const char *text)
{
	uint64_t usec;
	size_t n;

	for (n = 0; text[n] != '\0' && text[n] != ','; n++)
		;
	if (text[n] == '\0' ||
	    str_num(text, n, 1, INT64_MAX / 4, &ru->ru_bytes) < 0 ||
	    str_num(text + n + 1, str_len(text + n + 1), 1, UINT32_MAX,
	    &usec) < 0) {
		ru->ru_bytes = 0;
		return -PV_EINVAL;
	}
	ru->ru_ns = usec * 1000;
	ru->ru_credit = (int64_t)ru->ru_bytes;
	ru->ru_since = 0;
	return 0;
}

/*
 * netback_rule_wait -- 0, or how many ns the guest has to wait
 *
 * What was spent beyond the credit is owed, and paid by the next intervals.
 * Context: any.
 */
uint64_t
netback_rule_wait(struct netback_rule *ru, uint64_t now)
{
	uint64_t n, max;

	if (ru->ru_bytes == 0)
		return 0;
	if (ru->ru_since == 0)
		ru->ru_since = now;
	n = (now - ru->ru_since) / ru->ru_ns;
	ru->ru_since += n * ru->ru_ns;
	/* So many intervals make the credit full. */
	max = ((uint64_t)((int64_t)ru->ru_bytes - ru->ru_credit) +
	    ru->ru_bytes - 1) / ru->ru_bytes;
	ru->ru_credit += (int64_t)((n < max ? n : max) * ru->ru_bytes);
	if (ru->ru_credit > (int64_t)ru->ru_bytes)
		ru->ru_credit = (int64_t)ru->ru_bytes;
	return ru->ru_credit > 0 ? 0 : ru->ru_since + ru->ru_ns - now;
}

/*
 * netback_rule_spend -- it has sent so many bytes
 *
 * Context: any.
 */
void
netback_rule_spend(struct netback_rule *ru, uint32_t len)
{
	if (ru->ru_bytes != 0)
		ru->ru_credit -= (int64_t)len;
}

/* ---- multicast --------------------------------------------------------- */

static unsigned int
netback_rule_find(const struct netback_groups *gr, const uint8_t mac[6])
{
	unsigned int i;

	for (i = 0; i < gr->gr_n; i++)
		if (__builtin_memcmp(gr->gr_mac[i], mac, 6) == 0)
			break;
	return i;
}

/*
 * netback_rule_wanted -- does the guest want a frame to this address?
 *
 * Context: any.
 */
bool
netback_rule_wanted(const struct netback_groups *gr, const uint8_t mac[6])
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };

	return !gr->gr_on || (mac[0] & 1) == 0 ||
	    __builtin_memcmp(mac, all, 6) == 0 ||
	    netback_rule_find(gr, mac) < gr->gr_n;
}

/*
 * netback_rule_group -- add or remove a multicast address
 *
 * 0; -PV_EINVAL: it is none; -PV_ENOSPC.
 * Context: any.
 */
int
netback_rule_group(struct netback_groups *gr, const uint8_t mac[6], bool add)
{
	unsigned int i = netback_rule_find(gr, mac);

	if ((mac[0] & 1) == 0)
		return -PV_EINVAL;
	if (add && i == NETBACK_NGROUP)
		return -PV_ENOSPC;
	if (add && i == gr->gr_n)
		__builtin_memcpy(gr->gr_mac[gr->gr_n++], mac, 6);
	else if (!add && i < gr->gr_n)
		__builtin_memmove(gr->gr_mac[i], gr->gr_mac[--gr->gr_n], 6);
	return 0;
}
