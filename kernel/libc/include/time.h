/* SPDX-License-Identifier: BSD-2-Clause */
/* time.h -- the wall clock. */

#ifndef LIBC_TIME_H
#define LIBC_TIME_H

#include <sys/types.h>

struct timespec {
	time_t		 tv_sec;
	long		 tv_nsec;
};

struct tm {
	int		 tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year;
	int		 tm_wday, tm_yday, tm_isdst;
};

#define CLOCK_REALTIME	0
#define CLOCK_MONOTONIC	1

time_t	 time(time_t *);
int	 clock_gettime(int clock, struct timespec *);
struct tm *gmtime_r(const time_t *restrict, struct tm *restrict);

#endif /* LIBC_TIME_H */
