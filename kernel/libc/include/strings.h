/* SPDX-License-Identifier: BSD-2-Clause */
/* strings.h -- comparing without regard to case. */

#ifndef LIBC_STRINGS_H
#define LIBC_STRINGS_H

#include <stddef.h>

int	 strcasecmp(const char *, const char *);
int	 strncasecmp(const char *, const char *, size_t);

#endif /* LIBC_STRINGS_H */
