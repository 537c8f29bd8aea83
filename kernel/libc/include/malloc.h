/* SPDX-License-Identifier: BSD-2-Clause */
/* malloc.h -- aligned memory. */

#ifndef LIBC_MALLOC_H
#define LIBC_MALLOC_H

#include <stddef.h>

void	*memalign(size_t align, size_t);

#endif /* LIBC_MALLOC_H */
