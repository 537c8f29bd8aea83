/* SPDX-License-Identifier: BSD-2-Clause */
/* limits.h -- what the compiler's own, which includes this one, leaves out. */

#ifndef LIBC_LIMITS_H
#define LIBC_LIMITS_H

#define NAME_MAX	255
#define PATH_MAX	1024
#define SSIZE_MAX	LONG_MAX

#endif /* LIBC_LIMITS_H */
