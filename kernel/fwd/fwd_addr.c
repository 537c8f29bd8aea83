/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_addr.c -- see fwd_addr.h.
 * Source: RFC 4291, 5952.
 */

#include <string.h>

#include <net/bigend.h>
#include <str.h>

#include "fwd_addr.h"

bool
fwd_addr_eq(const struct fwd_addr *a, const struct fwd_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool
fwd_addr_zero(const struct fwd_addr *a)
{
	static const struct fwd_addr zero;

	return fwd_addr_eq(a, &zero);
}

bool
fwd_addr_multicast(const struct fwd_addr *a, unsigned int version)
{
	if (version == 6)
		return a->ad_byte[0] == 0xff;
	return (a->ad_byte[0] & 0xf0) == 0xe0 ||
	    fwd_addr_num(a) == 0xffffffffu;
}

bool
fwd_addr_linklocal(const struct fwd_addr *a, unsigned int version)
{
	if (version == 6)
		return a->ad_byte[0] == 0xfe && (a->ad_byte[1] & 0xc0) == 0x80;
	return a->ad_byte[0] == 169 && a->ad_byte[1] == 254;
}

bool
fwd_addr_in(const struct fwd_prefix *pr, const struct fwd_addr *a,
    unsigned int version)
{
	unsigned int n = pr->pr_len / 8, bits = pr->pr_len % 8;

	if (pr->pr_version == 0)
		return true;
	if (pr->pr_version != version ||
	    memcmp(pr->pr_addr.ad_byte, a->ad_byte, n) != 0)
		return false;
	return bits == 0 || ((pr->pr_addr.ad_byte[n] ^ a->ad_byte[n]) &
	    (uint8_t)(0xff00u >> bits)) == 0;
}

uint32_t
fwd_addr_num(const struct fwd_addr *a)
{
	return bigend_get(a->ad_byte, 4);
}

void
fwd_addr_set(struct fwd_addr *a, uint32_t v)
{
	memset(a, 0, sizeof(*a));
	bigend_put(a->ad_byte, 4, v);
}

/* ---- texts ------------------------------------------------------------- */

static bool
fwd_addr_parse4(const char *s, uint8_t *out)
{
	unsigned int i, v, n;

	for (i = 0; i < 4; i++) {
		for (v = 0, n = 0; *s >= '0' && *s <= '9' && n < 4; s++, n++)
			v = v * 10 + (unsigned int)(*s - '0');
		if (n == 0 || n > 3 || v > 255)
			return false;
		out[i] = (uint8_t)v;
		if (*s != (i < 3 ? '.' : '\0'))
			return false;
		s++;
	}
	return true;
}

static int
fwd_addr_digit(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	ch |= 0x20;
	return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* Groups of digits from *sp on, up to :: or the end; how many, or -1. */
static int
fwd_addr_groups(const char **sp, uint8_t *out)
{
	const char *s = *sp;
	unsigned int v;
	int n, k;

	for (n = 0; fwd_addr_digit(*s) >= 0; n++) {
		for (v = 0, k = 0; fwd_addr_digit(*s) >= 0 && k < 5; s++, k++)
			v = v << 4 | (unsigned int)fwd_addr_digit(*s);
		if (k > 4 || n == 8)
			return -1;
		bigend_put(out + 2 * n, 2, v);
		*sp = s;
		if (*s != ':' || s[1] == ':')
			return n + 1;
		s++;
	}
	return n == 0 ? 0 : -1;		/* nothing, or ':' at the end */
}

static bool
fwd_addr_parse6(const char *s, uint8_t *out)
{
	uint8_t head[16] = { 0 }, tail[16] = { 0 };
	int n, m;

	n = fwd_addr_groups(&s, head);
	if (n < 0)
		return false;
	memcpy(out, head, 16);
	if (*s == '\0')
		return n == 8;
	if (s[0] != ':' || s[1] != ':')
		return false;
	s += 2;
	m = fwd_addr_groups(&s, tail);
	if (m < 0 || *s != '\0' || n + m > 7)
		return false;
	memcpy(out + 16 - 2 * m, tail, 2 * (size_t)m);
	return true;
}

unsigned int
fwd_addr_parse(const char *s, struct fwd_addr *a)
{
	memset(a, 0, sizeof(*a));
	if (strchr(s, ':') == NULL)
		return fwd_addr_parse4(s, a->ad_byte) ? 4 : 0;
	return fwd_addr_parse6(s, a->ad_byte) ? 6 : 0;
}

bool
fwd_addr_prefix(const char *s, struct fwd_prefix *pr)
{
	const char *slash = strchr(s, '/');
	size_t n = slash == NULL ? strlen(s) : (size_t)(slash - s);
	char text[FWD_ADDR_TEXT];
	uint64_t bits;

	if (n >= sizeof(text))
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	pr->pr_version = (uint8_t)fwd_addr_parse(text, &pr->pr_addr);
	if (pr->pr_version == 0)
		return false;
	bits = 8 * fwd_addr_len(pr->pr_version);
	if (slash != NULL && str_num(slash + 1, strlen(slash + 1), 0, bits,
	    &bits) != 0)
		return false;
	pr->pr_len = (uint8_t)bits;
	return true;
}

/* The longest run of zero groups, of two at least: where, and how long. */
static unsigned int
fwd_addr_run(const uint8_t *p, unsigned int *len)
{
	unsigned int i, n, at = 8;

	*len = 1;
	for (i = 0; i < 8; i++) {
		for (n = 0; i + n < 8 && bigend_get(p + 2 * (i + n), 2) == 0;
		    n++)
			continue;
		if (n > *len) {
			*len = n;
			at = i;
		}
	}
	return at;
}

static void
fwd_addr_text6(const uint8_t *p, struct strbuf *sb)
{
	unsigned int i, len, at = fwd_addr_run(p, &len);

	for (i = 0; i < 8; i++) {
		if (i == at) {
			str_add(sb, "::");
			i += len - 1;
			continue;
		}
		if (i > 0 && i != at + len)
			str_add(sb, ":");
		str_addx(sb, bigend_get(p + 2 * i, 2));
	}
}

void
fwd_addr_text(const struct fwd_addr *a, unsigned int version,
    char text[FWD_ADDR_TEXT])
{
	struct strbuf sb;
	unsigned int i;

	str_begin(&sb, text, FWD_ADDR_TEXT);
	if (version == 6) {
		fwd_addr_text6(a->ad_byte, &sb);
		return;
	}
	for (i = 0; i < 4; i++) {
		if (i > 0)
			str_add(&sb, ".");
		str_addu(&sb, a->ad_byte[i]);
	}
}
