/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rand.h -- numbers that differ from boot to boot, for protocols.  Not for
 * keys: who knows the clock exactly can foretell them.
 */

#ifndef RAND_H
#define RAND_H

#include <pv/types.h>

uint32_t rand_u32(void);		/* any context */
uint64_t rand_u64(void);
/* Stir in bytes that are hard to foretell.  Any context. */
void	 rand_feed(const uint8_t *buf, size_t len);

#endif /* RAND_H */
