/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * malloc.c -- the C names of the kernel's heap.
 */

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#include <mm.h>

#define MALLOC_ALIGN	16u		/* what kmalloc promises */

static void *
malloc_check(void *p)
{
	if (p == NULL)
		errno = ENOMEM;
	return p;
}

void *
malloc(size_t len)
{
	return malloc_check(kmalloc(len));
}

void *
calloc(size_t n, size_t size)
{
	size_t len;

	if (__builtin_mul_overflow(n, size, &len))
		return malloc_check(NULL);
	return malloc_check(kmalloc(len));
}

void *
realloc(void *p, size_t len)
{
	return malloc_check(krealloc(p, len));
}

void
free(void *p)
{
	kfree(p);
}

/*
 * The heap aligns to 16 or, when a block is longer than a page holds of
 * them, to pages; so a larger alignment takes a page.
 */
void *
memalign(size_t align, size_t len)
{
	if (align > PV_PAGE_SIZE)
		return malloc_check(NULL);
	if (align > MALLOC_ALIGN && len < PV_PAGE_SIZE)
		len = PV_PAGE_SIZE;
	return malloc_check(kmalloc(len));
}

int
posix_memalign(void **pp, size_t align, size_t len)
{
	if (align == 0 || (align & (align - 1)) != 0)
		return EINVAL;
	*pp = memalign(align, len);
	return *pp == NULL ? ENOMEM : 0;
}
