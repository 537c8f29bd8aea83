/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config.h -- what libext2fs finds on our kernel: a C library without files,
 * processes or signals.
 */

#ifndef E2_CONFIG_H
#define E2_CONFIG_H

#define SIZEOF_INT	4
#define SIZEOF_LONG	__SIZEOF_LONG__
#define SIZEOF_LONG_LONG 8

#define HAVE_ERRNO_H	1
#define HAVE_INTTYPES_H	1
#define HAVE_STDINT_H	1
#define HAVE_STDLIB_H	1
#define HAVE_STRING_H	1
#define HAVE_SYS_TIME_H	1
#define HAVE_SYS_TYPES_H 1

/* It counts on <sys/types.h> to bring struct timeval along. */
#include <sys/time.h>

#endif /* E2_CONFIG_H */
