/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unistd.c -- the time and the few facts that libraries ask the system for.
 */

#include <errno.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <arch.h>
#include <ktime.h>
#include <sched.h>

time_t
time(time_t *tp)
{
	time_t now = (time_t)(arch_wallclock() / NSEC_PER_SEC);

	if (tp != NULL)
		*tp = now;
	return now;
}

int
gettimeofday(struct timeval *tv, void *zone)
{
	uint64_t now = arch_wallclock();

	(void)zone;
	tv->tv_sec = (time_t)(now / NSEC_PER_SEC);
	tv->tv_usec = (suseconds_t)(now % NSEC_PER_SEC / NSEC_PER_USEC);
	return 0;
}

int
clock_gettime(int clock, struct timespec *ts)
{
	uint64_t now;

	now = clock == CLOCK_REALTIME ? arch_wallclock() : arch_now();
	ts->tv_sec = (time_t)(now / NSEC_PER_SEC);
	ts->tv_nsec = (long)(now % NSEC_PER_SEC);
	return 0;
}

unsigned int
sleep(unsigned int sec)
{
	thread_sleep(sec * NSEC_PER_SEC);
	return 0;
}

int
usleep(unsigned int usec)
{
	thread_sleep(usec * NSEC_PER_USEC);
	return 0;
}

long
sysconf(int what)
{
	switch (what) {
	case _SC_PAGESIZE:
		return PV_PAGE_SIZE;
	case _SC_NPROCESSORS_CONF:
	case _SC_NPROCESSORS_ONLN:
		return 1;
	default:
		errno = EINVAL;
		return -1;
	}
}

uid_t
getuid(void)
{
	return 0;
}

uid_t
geteuid(void)
{
	return 0;
}

gid_t
getgid(void)
{
	return 0;
}

gid_t
getegid(void)
{
	return 0;
}

pid_t
getpid(void)
{
	return 1;
}
