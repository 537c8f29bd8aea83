/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sum.h -- SHA-256 of a stream.  Context: any.
 */

#ifndef SUM_H
#define SUM_H

#include <pv/types.h>

#define SUM_LEN	32			/* bytes of the result */

struct sum {
	uint64_t	 sm_state[16];
};

void	 sum_begin(struct sum *);
void	 sum_add(struct sum *, const void *buf, size_t len);
void	 sum_end(struct sum *, uint8_t digest[SUM_LEN]);

#endif /* SUM_H */
