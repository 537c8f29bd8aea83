/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netmem.h -- all memory of the network stack, out of pages of its own and
 * within a bound.
 *
 * Theory of operation.  A packet that is sent is shown to the back end by
 * whole pages.  So packets come from pages that hold nothing but the network
 * stack's memory, and a block of up to 2048 bytes never crosses a page: it
 * takes one slot of a ring.  Pages are cut into blocks of one power of two;
 * a page whose blocks are all free goes back to the kernel.  Larger blocks
 * are whole pages.
 *
 * The bound keeps peers (slow readers, floods) from taking all of the
 * guest's memory: beyond it allocation fails, which lwIP takes as a lost
 * packet.
 */

#ifndef NETMEM_H
#define NETMEM_H

#include <stddef.h>
#include <stdint.h>

/* Set the bound, in bytes.  Context: thread, before the first block. */
void	 netmem_init(size_t limit);

/* A block aligned to 16, or NULL.  Context: deferred, thread. */
void	*netmem_alloc(size_t len);
void	*netmem_calloc(size_t n, size_t len);	/* zeroed */

/* p may be NULL.  Context: deferred, thread. */
void	 netmem_free(void *p);

struct netmem_stat {
	size_t		 ns_limit, ns_used, ns_high;	/* bytes, in pages */
	uint64_t	 ns_nfail;
};
void	 netmem_stat(struct netmem_stat *);

#endif /* NETMEM_H */
