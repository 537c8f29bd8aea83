/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bytering.h -- a ring of bytes with two free-running 32-bit indexes, as the
 * console and XenStore have one for each direction.
 *
 * The producer's index is ours on the side we write and the peer's on the
 * side we read.  Neither page nor indexes need to start at zero
 * (xenstore-ring.txt), so each side takes its own index over once, at
 * bytering_init(), and keeps it privately from then on.
 */

#ifndef BYTERING_H
#define BYTERING_H

#include <pv/errno.h>

#include "shm.h"

struct bytering {
	volatile uint8_t *by_data;	/* by_size bytes of shared memory */
	uint32_t	*by_prod;	/* shared indexes */
	uint32_t	*by_cons;
	uint32_t	 by_size;	/* bytes, a power of two */
	uint32_t	 by_mine;	/* our own of the two indexes */
};

static inline void
bytering_init(struct bytering *b, volatile void *data, uint32_t size,
    uint32_t *prod, uint32_t *cons, bool writer)
{
	b->by_data = data;
	b->by_prod = prod;
	b->by_cons = cons;
	b->by_size = size;
	b->by_mine = shm_read32(writer ? prod : cons);
}

/*
 * Write up to len bytes.  Returns the number taken, or -PV_EPROTO when the
 * peer's index is impossible.  The peer sees them at once; notify it.
 */
static inline int
bytering_write(struct bytering *b, const void *buf, uint32_t len)
{
	uint32_t used = b->by_mine - shm_load_acquire32(b->by_cons);
	const uint8_t *p = buf;
	uint32_t n, off, run;

	if (used > b->by_size)		/* peer: consumed what was not there */
		return -PV_EPROTO;
	n = b->by_size - used;
	if (n > len)
		n = len;
	off = b->by_mine & (b->by_size - 1);
	run = b->by_size - off < n ? b->by_size - off : n;
	shm_mb();	/* the peer has read the bytes that we overwrite */
	shm_copy_out(b->by_data + off, p, run);
	shm_copy_out(b->by_data, p + run, n - run);
	b->by_mine += n;
	shm_store_release32(b->by_prod, b->by_mine);
	return (int)n;
}

/* Read up to len bytes.  Returns the number read, or -PV_EPROTO. */
static inline int
bytering_read(struct bytering *b, void *buf, uint32_t len)
{
	uint32_t n = shm_load_acquire32(b->by_prod) - b->by_mine;
	uint8_t *p = buf;
	uint32_t off, run;

	if (n > b->by_size)		/* peer: produced more than fits */
		return -PV_EPROTO;
	if (n > len)
		n = len;
	off = b->by_mine & (b->by_size - 1);
	run = b->by_size - off < n ? b->by_size - off : n;
	shm_copy_in(p, b->by_data + off, run);
	shm_copy_in(p + run, b->by_data, n - run);
	b->by_mine += n;
	shm_mb();	/* our reads come before the peer may overwrite */
	shm_store_release32(b->by_cons, b->by_mine);
	return (int)n;
}

/* Bytes that can be read now, bounded by the size whatever the peer says. */
static inline uint32_t
bytering_avail(const struct bytering *b)
{
	uint32_t n = shm_load_acquire32(b->by_prod) - b->by_mine;

	return n > b->by_size ? b->by_size : n;
}

/* Bytes that can be written now. */
static inline uint32_t
bytering_room(const struct bytering *b)
{
	uint32_t used = b->by_mine - shm_load_acquire32(b->by_cons);

	return used > b->by_size ? 0 : b->by_size - used;
}

#endif /* BYTERING_H */
