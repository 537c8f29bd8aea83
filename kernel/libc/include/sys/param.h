/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/param.h -- sizes and comparisons. */

#ifndef LIBC_SYS_PARAM_H
#define LIBC_SYS_PARAM_H

#include <limits.h>
#include <sys/types.h>

#define MAXPATHLEN	PATH_MAX
#define MIN(a, b)	((a) < (b) ? (a) : (b))
#define MAX(a, b)	((a) > (b) ? (a) : (b))

#endif /* LIBC_SYS_PARAM_H */
