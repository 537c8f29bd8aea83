/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm_var.h -- between mm.c (pages) and mm_heap.c (the heap on them).
 */

#ifndef MM_VAR_H
#define MM_VAR_H

#include <pv/types.h>

unsigned int mm_pages(const void *va);	/* of an allocation; 0: is none */
uint64_t mm_heap_bytes(void);		/* in pages that the heap holds */

#endif /* MM_VAR_H */
