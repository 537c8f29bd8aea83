/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread.c -- the life of a thread: made, waiting, dead.  Who runs where is
 * sched.c's business, and the states are explained there.
 */

#include <string.h>

#include <arch.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <pv/errno.h>

#include "sched_var.h"

#define THREAD_FILL	0xa5u			/* unused stack, each byte */
#define THREAD_GUARD	64u			/* bytes that must stay so */

/* The first one; lock.c wants threads aligned so. */
static struct thread thread_boot __attribute__((__aligned__(16)));

static struct spinlock thread_all_lock;
static struct thread *thread_all;
static unsigned int thread_lastid;

/*
 * thread_check -- panic when a thread has used more stack than it has
 *
 * Context: any.
 */
void
thread_check(const struct thread *td)
{
	const uint8_t *p = td->td_stack;
	unsigned int i;

	if (p == NULL)
		return;
	for (i = 0; i < THREAD_GUARD; i += sizeof(uint64_t)) {
		if (*(const uint64_t *)(const void *)(p + i) !=
		    THREAD_FILL * 0x0101010101010101ull)
			panic("stack overflow in thread %s", td->td_name);
	}
}

/* ---- life --------------------------------------------------------------- */

static void
thread_enlist(struct thread *td)
{
	unsigned long s;

	s = spin_lock(&thread_all_lock);
	td->td_id = ++thread_lastid;
	td->td_allnext = thread_all;
	thread_all = td;
	spin_unlock(&thread_all_lock, s);
}

static void
thread_delist(struct thread *td)
{
	struct thread **tp;
	unsigned long s;

	s = spin_lock(&thread_all_lock);
	for (tp = &thread_all; *tp != td; tp = &(*tp)->td_allnext)
		continue;
	*tp = td->td_allnext;
	spin_unlock(&thread_all_lock, s);
}

/*
 * thread_reap -- free the dead threads of this CPU
 *
 * Context: thread.
 */
void
thread_reap(void)
{
	struct thread *td, *next;
	unsigned long s;

	s = sched_lock();
	td = sched_here()->rq_dead;
	sched_here()->rq_dead = NULL;
	sched_unlock(s);
	for (; td != NULL; td = next) {
		next = td->td_next;
		thread_delist(td);
		if (td == &thread_boot)
			continue;
		page_free(td->td_stack,
		    (unsigned int)(td->td_stacklen / PV_PAGE_SIZE));
		kfree(td);
	}
}

/* The first words of each thread; the switch that led here holds rq_lock. */
static void
thread_start(void *arg)
{
	struct thread *td = arg;

	spin_release(&sched_here()->rq_lock);
	arch_irq_enable();
	td->td_fn(td->td_arg);
	thread_exit();
}

/*
 * thread_new -- a thread with its stack, READY, on no queue yet
 *
 * home is its only CPU, or CPU_ANY.  NULL: no memory.  Context: thread.
 */
struct thread *
thread_new(const char *name, void (*fn)(void *), void *arg, size_t stack,
    unsigned int home)
{
	unsigned int npg = (unsigned int)PV_HOWMANY(stack, PV_PAGE_SIZE);
	struct thread *td = kmalloc(sizeof(*td));

	if (td == NULL)
		return NULL;
	td->td_stack = page_alloc(npg);
	if (td->td_stack == NULL) {
		kfree(td);
		return NULL;
	}
	td->td_stacklen = (size_t)npg * PV_PAGE_SIZE;
	memset(td->td_stack, THREAD_FILL, td->td_stacklen);
	memcpy(td->td_name, name, strnlen(name, sizeof(td->td_name) - 1));
	td->td_fn = fn;
	td->td_arg = arg;
	td->td_home = home;
	td->td_cpu = home;
	if (home == CPU_ANY)
		td->td_cpu = arch_cpu()->cpu_id;	/* or was, just now */
	td->td_state = SCHED_READY;
	td->td_sp = arch_thread_stack(td->td_stack + td->td_stacklen,
	    thread_start, td);
	thread_enlist(td);
	return td;
}

/*
 * thread_boot_init -- the caller becomes the first thread
 *
 * Context: boot.
 */
void
thread_boot_init(void)
{
	memcpy(thread_boot.td_name, "main", sizeof("main"));
	thread_boot.td_cpu = arch_cpu()->cpu_id;
	thread_boot.td_home = CPU_ANY;
	thread_boot.td_state = SCHED_RUN;
	thread_enlist(&thread_boot);
	arch_cpu()->cpu_thread = &thread_boot;
}

/*
 * thread_create -- start a thread; it ends when fn returns
 *
 * Returns NULL when there is no memory.  Context: thread.
 */
struct thread *
thread_create(const char *name, void (*fn)(void *), void *arg, size_t stack)
{
	struct thread *td;

	thread_reap();
	td = thread_new(name, fn, arg, stack == 0 ? THREAD_STACK : stack,
	    CPU_ANY);
	if (td != NULL)
		sched_submit(td);
	return td;
}

/*
 * thread_create_on -- the same, of a thread that stays on one CPU
 *
 * While that CPU is down it runs on the boot CPU.  Context: thread.
 */
struct thread *
thread_create_on(unsigned int cpu, const char *name, void (*fn)(void *),
    void *arg)
{
	struct thread *td;

	thread_reap();
	td = thread_new(name, fn, arg, THREAD_STACK, cpu);
	if (td != NULL)
		sched_submit(td);
	return td;
}

/* thread_exit -- end the calling thread.  Context: thread. */
_Noreturn void
thread_exit(void)
{
	struct thread *td = thread_self();
	struct sched_rq *rq;

	(void)sched_lock();
	rq = sched_here();
	sched_account(rq, td, arch_now());
	td->td_state = SCHED_DEAD;
	td->td_next = rq->rq_dead;
	rq->rq_dead = td;
	sched_switch(rq);
	panic("a dead thread runs");
}

/* thread_self -- the calling thread.  Context: thread. */
struct thread *
thread_self(void)
{
	return arch_thread();
}

/* thread_name -- the name it was created with.  Context: any. */
const char *
thread_name(struct thread *td)
{
	return td->td_name;
}

/* thread_errno -- where the C library keeps errno.  Context: thread. */
int *
thread_errno(void)
{
	return &thread_self()->td_errno;
}

/* ---- waiting ----------------------------------------------------------- */

/* thread_yield -- let the others run first.  Context: thread. */
void
thread_yield(void)
{
	unsigned long s = sched_lock();

	sched_requeue(sched_here(), true);
	sched_unlock(s);
}

/*
 * thread_block -- sleep until thread_wake() or the deadline, unless *gate
 *
 * Returns 0 or -PV_ETIMEDOUT.  Context: thread, no spin lock held.
 */
int
thread_block(volatile int *gate, uint64_t deadline)
{
	struct thread *td = thread_self();
	bool enabled = arch_irq_enabled();
	unsigned long s = sched_lock();
	struct sched_rq *rq = sched_here();
	int rv = 0;

	if (arch_cpu()->cpu_nintr != 0 || !enabled)
		panic("thread_block with interrupts masked");
	if (*gate != 0)
		goto out;
	td->td_late = false;
	td->td_deadline = deadline;
	if (deadline != UINT64_MAX) {
		if (deadline <= arch_now()) {
			rv = -PV_ETIMEDOUT;
			goto out;
		}
		sched_sleeper_add(rq, td);
		time_want(deadline);
	}
	td->td_state = SCHED_SLEEP;
	sched_account(rq, td, arch_now());
	td->td_used = 0;
	sched_switch(rq);
	if (td->td_late)
		rv = -PV_ETIMEDOUT;
out:
	sched_unlock(s);
	return rv;
}

/*
 * thread_wake -- make a thread ready if it sleeps; else nothing
 *
 * Context: any.
 */
void
thread_wake(struct thread *td)
{
	sched_wake(td);
}

/* thread_sleep -- for at least so long.  Context: thread. */
void
thread_sleep(uint64_t ns)
{
	uint64_t deadline = arch_now() + ns;
	volatile int never = 0;

	if (deadline < ns)
		deadline = UINT64_MAX;
	while (thread_block(&never, deadline) == 0)
		continue;
}

/* ---- for the operator -------------------------------------------------- */

static size_t
thread_stack_used(const struct thread *td)
{
	size_t i;

	for (i = 0; i < td->td_stacklen && td->td_stack[i] == THREAD_FILL; i++)
		continue;
	return td->td_stacklen - i;
}

/*
 * thread_info -- tell about the n-th thread, oldest first
 *
 * Returns 0 or -PV_ENOENT.  Context: thread.
 */
int
thread_info(unsigned int n, struct thread_info *ti)
{
	static const char *const names[] = { "run", "ready", "sleep", "dead" };
	struct thread *td;
	unsigned int total = 0;
	unsigned long s;

	s = spin_lock(&thread_all_lock);
	for (td = thread_all; td != NULL; td = td->td_allnext)
		total++;
	if (n >= total) {
		spin_unlock(&thread_all_lock, s);
		return -PV_ENOENT;
	}
	for (td = thread_all, total -= n + 1; total > 0; total--)
		td = td->td_allnext;
	memcpy(ti->ti_name, td->td_name, sizeof(ti->ti_name));
	ti->ti_state = names[td->td_state];
	ti->ti_id = td->td_id;
	ti->ti_cpu = td->td_cpu;
	ti->ti_runtime = td->td_runtime;
	if (td->td_state == SCHED_RUN)
		ti->ti_runtime += arch_now() - sched_rq[td->td_cpu].rq_since;
	ti->ti_stack = td->td_stacklen;
	ti->ti_stackused = thread_stack_used(td);
	spin_unlock(&thread_all_lock, s);
	return 0;
}
