/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm.h -- memory of the kernel: pages of the direct map, and a heap on them.
 */

#ifndef MM_H
#define MM_H

#include <boot.h>

void	 mm_init(const struct boot_info *);

/*
 * npg contiguous (in pfn) zeroed pages, or NULL.  Context: thread, deferred
 * (any for page_free).
 */
void	*page_alloc(unsigned int npg);
void	 page_free(void *va, unsigned int npg);

/*
 * For a balloon.  block_get: the largest free block, 2^least pages or more,
 * uncleared; fresh: only one the host does not know to be free; NULL also when
 * fewer than keep pages would be left.  block_put: back, and the host knows.
 * mm_watch: fn is called when an allocation leaves less than npg pages, with
 * what was wanted.  page_hollow: a page that waits for memory of its own.
 */
void	*block_get(unsigned int least, bool fresh, uint64_t keep,
	    unsigned int *npg);
void	 block_put(void *va, unsigned int npg);
void	*page_hollow(void);
void	 mm_watch(uint64_t npg, void (*fn)(unsigned int wanted));

/*
 * Heap.  kmalloc is zeroed, aligned to 16; kfree takes NULL.  kmalloc_size
 * tells how many bytes a block has.
 */
void	*kmalloc(size_t len);
void	*krealloc(void *p, size_t len);
void	 kfree(void *p);
size_t	 kmalloc_size(const void *p);

struct mm_stat {
	uint64_t	 ms_total, ms_free, ms_low; /* bytes */
	uint64_t	 ms_heap;	/* bytes of the heap's pages */
	uint64_t	 ms_nfail;			/* failed allocations */
};
void	 mm_stat(struct mm_stat *);

#endif /* MM_H */
