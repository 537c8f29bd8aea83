/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ktime.h -- one-shot timers over arch_timer_set(), and the calendar.
 *
 * All bytes zero is the initial state of a timer.  Calls for one timer are
 * serialised by its owner; tm_fn may run at the same time on another CPU.
 */

#ifndef KTIME_H
#define KTIME_H

#include <pv/types.h>

#define NSEC_PER_SEC	1000000000ull
#define NSEC_PER_MSEC	1000000ull
#define NSEC_PER_USEC	1000ull

struct timer {
	uint64_t	 tm_when;
	void		(*tm_fn)(void *);	/* interrupt context */
	void		*tm_arg;
	struct timer	*tm_next;
	bool		 tm_armed;
	unsigned int	 tm_cpu;		/* whose queue it is on */
};

void	 time_init(void);
void	 timer_set(struct timer *, uint64_t when);	/* any; re-arms */
bool	 timer_cancel(struct timer *);		/* true: had been armed */
void	 time_intr(void);			/* arch: the timer interrupt */
/* This CPU gets a timer interrupt at or before the moment; irqs masked. */
void	 time_want(uint64_t when);
/* The clock jumped or the timer was lost (resume): arm it anew; irqs masked. */
void	 time_rearm(void);
/* This CPU is taken down: its timers go to the boot CPU; irqs masked. */
void	 time_leave(void);
/* UTC as "2026-11-21T09:31:45Z", or "?" when the wall clock is unknown. */
void	 time_format(char *buf, size_t size);

#endif /* KTIME_H */
