/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/time.h -- the wall clock in microseconds. */

#ifndef LIBC_SYS_TIME_H
#define LIBC_SYS_TIME_H

#include <sys/types.h>

struct timeval {
	time_t		 tv_sec;
	suseconds_t	 tv_usec;
};

int	 gettimeofday(struct timeval *, void *);

#endif /* LIBC_SYS_TIME_H */
