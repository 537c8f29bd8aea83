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
