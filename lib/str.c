/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * str.c -- see str.h.
 */

#include "str.h"

size_t
str_len(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0')
		n++;
	return n;
}

bool
str_eq(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

bool
str_eqn(const char *s, size_t n, const char *t)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (t[i] == '\0' || s[i] != t[i])
			return false;
	}
	return t[n] == '\0';
}

bool
str_prefix(const char *s, const char *prefix)
{
	while (*prefix != '\0') {
		if (*s++ != *prefix++)
			return false;
	}
	return true;
}

/* The value of a digit in base 16, or 16. */
static unsigned int
str_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned int)(c - 'A') + 10;
	return 16;
}

int
str_num(const char *s, size_t n, uint64_t lo, uint64_t hi, uint64_t *v)
{
	unsigned int base = 10, d;
	uint64_t sum = 0;
	size_t i = 0;

	while (n > 0 && (s[n - 1] == '\0' || s[n - 1] == '\n'))
		n--;
	if (n > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		i = 2;
	}
	if (i == n)
		return -PV_EINVAL;
	for (; i < n; i++) {
		d = str_digit(s[i]);
		if (d >= base)
			return -PV_EINVAL;
		if (sum > (UINT64_MAX - d) / base)
			return -PV_ERANGE;
		sum = sum * base + d;
	}
	if (sum < lo || sum > hi)
		return -PV_ERANGE;
	*v = sum;
	return 0;
}

int
str_mac(const char *s, size_t n, uint8_t mac[6])
{
	uint8_t m[6];
	unsigned int i, hi, lo;

	while (n > 0 && (s[n - 1] == '\0' || s[n - 1] == '\n'))
		n--;
	if (n != 17)
		return -PV_EINVAL;
	for (i = 0; i < 6; i++) {
		hi = str_digit(s[i * 3]);
		lo = str_digit(s[i * 3 + 1]);
		if (hi > 15 || lo > 15 || (i < 5 && s[i * 3 + 2] != ':'))
			return -PV_EINVAL;
		m[i] = (uint8_t)(hi << 4 | lo);
	}
	for (i = 0; i < 6; i++)
		mac[i] = m[i];
	return 0;
}

void
str_sanitise(char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i] < ' ' || s[i] > '~')
			s[i] = '?';
	}
}

void
str_begin(struct strbuf *sb, char *buf, size_t size)
{
	sb->sb_buf = buf;
	sb->sb_size = size;
	sb->sb_len = 0;
	sb->sb_over = false;
	buf[0] = '\0';
}

void
str_addn(struct strbuf *sb, const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (sb->sb_len + 1 >= sb->sb_size) {
			sb->sb_over = true;
			break;
		}
		sb->sb_buf[sb->sb_len++] = s[i];
	}
	sb->sb_buf[sb->sb_len] = '\0';
}

void
str_add(struct strbuf *sb, const char *s)
{
	str_addn(sb, s, str_len(s));
}

static void
str_addbase(struct strbuf *sb, uint64_t v, unsigned int base)
{
	char digit[20];
	size_t n = sizeof(digit);

	do {
		digit[--n] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v > 0);
	str_addn(sb, digit + n, sizeof(digit) - n);
}

void
str_addu(struct strbuf *sb, uint64_t v)
{
	str_addbase(sb, v, 10);
}

void
str_addx(struct strbuf *sb, uint64_t v)
{
	str_addbase(sb, v, 16);
}
