/* SPDX-License-Identifier: BSD-2-Clause */
/* bigend.h -- numbers and sums in headers of packets, at any alignment. */

#ifndef BIGEND_H
#define BIGEND_H

#include <stdint.h>

static inline uint32_t
bigend_get(const uint8_t *p, unsigned int n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static inline void
bigend_put(uint8_t *p, unsigned int n, uint32_t v)
{
	while (n-- > 0) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

/* The Internet sum of n bytes (even) and of v; not complemented. */
static inline uint16_t
bigend_sum(const uint8_t *p, unsigned int n, uint32_t v)
{
	for (; n > 0; n -= 2, p += 2)
		v += bigend_get(p, 2);
	while (v > UINT16_MAX)
		v = (v & UINT16_MAX) + (v >> 16);
	return (uint16_t)v;
}

#endif /* BIGEND_H */
