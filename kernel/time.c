/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * time.c -- one-shot timers and the calendar.
 *
 * Each CPU has a queue of its timers, sorted by time, and one hardware timer
 * that is armed for the first moment anyone wants: the first timer of the
 * queue, or what the scheduler asked for with time_want().  tq_armed says
 * for when; a timer that is cancelled leaves it be, and the interrupt then
 * finds nothing to do.
 *
 * tm_cpu changes under the lock of the queue which it names.  The timers of a
 * CPU that is taken down go to the boot CPU.  Lock order: the queue of the CPU
 * that leaves, then the boot CPU's; no others at once.
 */

#include <arch.h>
#include <ktime.h>
#include <printf.h>
#include <sched.h>
#include <sync.h>

#define TIME_DAY	86400u		/* seconds */

struct time_queue {
	struct spinlock	 tq_lock;
	struct timer	*tq_first;
	uint64_t	 tq_armed;	/* this CPU only, interrupts masked */
};

static struct time_queue time_queue[CPU_MAX];

/* time_init -- before the first interrupt.  Context: boot. */
void
time_init(void)
{
	unsigned int i;

	for (i = 0; i < CPU_MAX; i++)
		time_queue[i].tq_armed = UINT64_MAX;
}

/*
 * time_want -- a timer interrupt for this CPU, at or before the moment
 *
 * Context: any, interrupts masked.
 */
void
time_want(uint64_t when)
{
	struct time_queue *tq = &time_queue[arch_cpu()->cpu_id];

	if (when >= tq->tq_armed)
		return;
	tq->tq_armed = when;
	arch_timer_set(when);
}

/*
 * time_rearm -- the hardware timer was lost or its clock has jumped
 *
 * Asks for an interrupt at once, which puts everything right.
 * Context: any, interrupts masked.
 */
void
time_rearm(void)
{
	time_queue[arch_cpu()->cpu_id].tq_armed = UINT64_MAX;
	time_want(arch_now());
}

/* Lock: tq_lock held. */
static bool
time_unlink(struct time_queue *tq, struct timer *tm)
{
	struct timer **tp;

	if (!tm->tm_armed)
		return false;
	for (tp = &tq->tq_first; *tp != tm; tp = &(*tp)->tm_next)
		continue;
	*tp = tm->tm_next;
	tm->tm_armed = false;
	return true;
}

/* Lock the queue that a timer is on, or was on last. */
static struct time_queue *
time_lock_of(const struct timer *tm, unsigned long *s)
{
	struct time_queue *tq;
	unsigned int cpu;

	for (;;) {
		cpu = __atomic_load_n(&tm->tm_cpu, __ATOMIC_RELAXED);
		tq = &time_queue[cpu];
		*s = spin_lock(&tq->tq_lock);
		if (__atomic_load_n(&tm->tm_cpu, __ATOMIC_RELAXED) == cpu)
			return tq;
		spin_unlock(&tq->tq_lock, *s);
	}
}

/* Lock: tq_lock held. */
static void
time_link(struct time_queue *tq, struct timer *tm)
{
	struct timer **tp;

	for (tp = &tq->tq_first; *tp != NULL; tp = &(*tp)->tm_next) {
		if ((*tp)->tm_when > tm->tm_when)
			break;
	}
	tm->tm_next = *tp;
	*tp = tm;
	tm->tm_armed = true;
}

/*
 * timer_cancel -- take a timer off its queue; was it there?
 *
 * When the answer is false, tm_fn may be running on another CPU.
 * Context: any.
 */
bool
timer_cancel(struct timer *tm)
{
	struct time_queue *tq;
	unsigned long s;
	bool was;

	tq = time_lock_of(tm, &s);
	was = time_unlink(tq, tm);
	spin_unlock(&tq->tq_lock, s);
	return was;
}

/*
 * timer_set -- call tm_fn(tm_arg) at the moment, on this CPU
 *
 * A timer that is set already is moved.  Context: any.
 */
void
timer_set(struct timer *tm, uint64_t when)
{
	struct time_queue *tq;
	unsigned long s;

	(void)timer_cancel(tm);
	/* It is on no queue now, so nobody else looks at tm_cpu. */
	s = arch_irq_save();
	tm->tm_cpu = arch_cpu()->cpu_id;
	tq = &time_queue[tm->tm_cpu];
	(void)spin_lock(&tq->tq_lock);
	tm->tm_when = when;
	time_link(tq, tm);
	time_want(tq->tq_first->tm_when);
	spin_unlock(&tq->tq_lock, s);
}

/*
 * time_leave -- this CPU is taken down: its timers go to the boot CPU
 *
 * Somebody must call time_rearm() there.  Context: interrupts masked.
 */
void
time_leave(void)
{
	struct time_queue *tq = &time_queue[arch_cpu()->cpu_id];
	struct timer *tm;

	(void)spin_lock(&tq->tq_lock);
	(void)spin_lock(&time_queue[0].tq_lock);
	while ((tm = tq->tq_first) != NULL) {
		(void)time_unlink(tq, tm);
		__atomic_store_n(&tm->tm_cpu, 0, __ATOMIC_RELAXED);
		time_link(&time_queue[0], tm);
	}
	spin_release(&time_queue[0].tq_lock);
	spin_release(&tq->tq_lock);
}

/* Take the first timer that is due off its queue, or return NULL. */
static struct timer *
time_due(struct time_queue *tq, uint64_t now)
{
	struct timer *tm;
	unsigned long s;

	s = spin_lock(&tq->tq_lock);
	tm = tq->tq_first;
	if (tm != NULL && tm->tm_when <= now)
		(void)time_unlink(tq, tm);
	else
		tm = NULL;
	spin_unlock(&tq->tq_lock, s);
	return tm;
}

/*
 * time_intr -- the timer interrupt: run what is due, arm for what comes
 *
 * Only what was due on entry runs, so that a timer which always sets itself
 * again for now can not keep us here.  Context: interrupt, masked.
 */
void
time_intr(void)
{
	struct time_queue *tq = &time_queue[arch_cpu()->cpu_id];
	uint64_t now = arch_now(), next;
	struct timer *tm;
	unsigned long s;

	tq->tq_armed = UINT64_MAX;
	while ((tm = time_due(tq, now)) != NULL)
		tm->tm_fn(tm->tm_arg);
	next = sched_tick(now);
	s = spin_lock(&tq->tq_lock);
	if (tq->tq_first != NULL && tq->tq_first->tm_when < next)
		next = tq->tq_first->tm_when;
	/* UINT64_MAX disarms nothing: nobody wants an interrupt then. */
	time_want(next);
	spin_unlock(&tq->tq_lock, s);
}

static bool
time_leap(unsigned int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Day of the year (0 ..) to month (1 ..) and day of the month (1 ..). */
static unsigned int
time_month(unsigned int year, unsigned int *day)
{
	static const uint8_t length[12] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};
	unsigned int month, n;

	for (month = 0; month < 11; month++) {
		n = length[month] + (month == 1 && time_leap(year));
		if (*day < n)
			break;
		*day -= n;
	}
	++*day;
	return month + 1;
}

/*
 * time_format -- UTC as "2026-11-21T09:31:45Z", or "?" when it is unknown
 *
 * Context: any.
 */
void
time_format(char *buf, size_t size)
{
	uint64_t sec = arch_wallclock() / NSEC_PER_SEC;
	unsigned int day, tod, year = 1970, month;

	if (sec == 0) {
		printf_format(buf, size, "?");
		return;
	}
	day = (unsigned int)(sec / TIME_DAY);
	tod = (unsigned int)(sec % TIME_DAY);
	while (day >= 365u + time_leap(year))
		day -= 365u + time_leap(year++);
	month = time_month(year, &day);
	printf_format(buf, size, "%04u-%02u-%02uT%02u:%02u:%02uZ", year, month,
	    day, tod / 3600, tod / 60 % 60, tod % 60);
}
