/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched.c -- preemptive kernel threads, per-CPU run queues.
 *
 * A thread belongs to the CPU it was created on:
 *
 *	RUN	on the CPU: cpu_thread
 *	READY	on the run queue: rq_woken or rq_spent
 *	SLEEP	off it; on the list of sleepers, sorted by time, when it has
 *		a deadline
 *	DEAD	on the list of the dead, until the idle thread or the next
 *		thread_create() frees it
 *
 * Every change of state happens under the lock of that CPU's struct
 * sched_rq, with interrupts masked, and arch_switch() is called with that
 * lock held: whoever is switched to releases it.  A dead thread can so not
 * be freed while it still stands on its stack.
 *
 * Who runs: those who were woken come first, in order, then those who were
 * preempted, gave way or are new, each for a slice in turn.  So an event is
 * served at once however busy the CPU is.  The others are not starved: when
 * none of them has run for SCHED_PATIENCE the first one does.  A wake from an
 * interrupt preempts at the interrupt's end; a wake from a thread does not,
 * so a producer is not cut short by each item.
 *
 * Only the boot CPU runs so far.  With more of them a thread may be woken on
 * another CPU, which then has to be interrupted to look at cpu_resched: one
 * operation more in arch.h, in sched_ready().
 *
 * Lock order: anything, then the run queue's.  sched_all_lock guards the
 * list of all threads and is never held with a run queue's.
 */

#include <string.h>

#include <arch.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <pv/errno.h>
#include <sched.h>
#include <sync.h>

#define SCHED_SLICE	(10 * NSEC_PER_MSEC)
#define SCHED_PATIENCE	(10 * SCHED_SLICE)
#define SCHED_FILL	0xa5u			/* unused stack, each byte */
#define SCHED_GUARD	64u			/* bytes that must stay so */

enum sched_state { SCHED_RUN, SCHED_READY, SCHED_SLEEP, SCHED_DEAD };

struct thread {
	void		*td_sp;		/* while not running */
	struct thread	*td_next, *td_prev;	/* run queue, sleepers, dead */
	struct thread	*td_allnext;
	enum sched_state td_state;
	unsigned int	 td_id, td_cpu;
	bool		 td_timed;	/* on the list of sleepers */
	bool		 td_late;	/* the deadline ended the sleep */
	uint64_t	 td_deadline;
	uint64_t	 td_runtime;
	uint64_t	 td_used;	/* of its slice */
	void		(*td_fn)(void *);
	void		*td_arg;
	uint8_t		*td_stack;	/* NULL: the boot stack */
	size_t		 td_stacklen;
	int		 td_errno;
	char		 td_name[24];
};

struct sched_list {
	struct thread	*sl_first, *sl_last;
};

struct sched_rq {
	struct spinlock	 rq_lock;
	struct sched_list rq_woken, rq_spent;	/* ready */
	struct sched_list rq_sleep;
	struct thread	*rq_dead;
	uint64_t	 rq_since;	/* cpu_thread runs since then */
	uint64_t	 rq_patient;	/* rq_spent has been served, or empty */
};

struct cpu sched_cpu[CPU_MAX];
static struct sched_rq sched_rq[CPU_MAX];
static struct thread sched_boot;	/* the first thread */

static struct spinlock sched_all_lock;
static struct thread *sched_all;
static unsigned int sched_lastid;

/* ---- lists ------------------------------------------------------------- */

/* Put td before another thread of the list, or at its end. */
static void
sched_insert(struct sched_list *sl, struct thread *before, struct thread *td)
{
	td->td_next = before;
	td->td_prev = before == NULL ? sl->sl_last : before->td_prev;
	if (td->td_prev != NULL)
		td->td_prev->td_next = td;
	else
		sl->sl_first = td;
	if (before != NULL)
		before->td_prev = td;
	else
		sl->sl_last = td;
}

static void
sched_remove(struct sched_list *sl, struct thread *td)
{
	if (td->td_prev != NULL)
		td->td_prev->td_next = td->td_next;
	else
		sl->sl_first = td->td_next;
	if (td->td_next != NULL)
		td->td_next->td_prev = td->td_prev;
	else
		sl->sl_last = td->td_prev;
	td->td_next = td->td_prev = NULL;
}

static void
sched_sleeper_add(struct sched_rq *rq, struct thread *td)
{
	struct thread *after;

	for (after = rq->rq_sleep.sl_first; after != NULL;
	    after = after->td_next) {
		if (after->td_deadline > td->td_deadline)
			break;
	}
	sched_insert(&rq->rq_sleep, after, td);
	td->td_timed = true;
}

/* ---- switching --------------------------------------------------------- */

static bool
sched_is_idle(const struct thread *td)
{
	return td == sched_cpu[td->td_cpu].cpu_idle;
}

static void
sched_check_guard(const struct thread *td)
{
	const uint8_t *p = td->td_stack;
	unsigned int i;

	if (p == NULL)
		return;
	for (i = 0; i < SCHED_GUARD; i += sizeof(uint64_t)) {
		if (*(const uint64_t *)(const void *)(p + i) !=
		    SCHED_FILL * 0x0101010101010101ull)
			panic("stack overflow in thread %s", td->td_name);
	}
}

static bool
sched_has_ready(const struct sched_rq *rq)
{
	return rq->rq_woken.sl_first != NULL || rq->rq_spent.sl_first != NULL;
}

/* Take the thread that runs next off the queue.  Lock: rq_lock held. */
static struct thread *
sched_pick(struct sched_rq *rq, uint64_t now)
{
	struct sched_list *sl = &rq->rq_woken;
	struct thread *td;

	if (rq->rq_spent.sl_first == NULL)
		rq->rq_patient = now;
	else if (sl->sl_first == NULL || now - rq->rq_patient > SCHED_PATIENCE)
		sl = &rq->rq_spent;
	td = sl->sl_first;
	if (td == NULL)
		return arch_cpu()->cpu_idle;
	if (sl == &rq->rq_spent)
		rq->rq_patient = now;
	sched_remove(sl, td);
	return td;
}

/* When the running thread's slice is over. */
static uint64_t
sched_slice_end(const struct sched_rq *rq, const struct thread *td)
{
	return rq->rq_since + SCHED_SLICE -
	    (td->td_used < SCHED_SLICE ? td->td_used : SCHED_SLICE);
}

/* Book the time that the running thread has had. */
static void
sched_account(struct sched_rq *rq, struct thread *td, uint64_t now)
{
	td->td_runtime += now - rq->rq_since;
	td->td_used += now - rq->rq_since;
	rq->rq_since = now;
}

/*
 * Give the CPU to the next thread.  The caller has accounted for the running
 * one and has put it where it belongs.  Returns when it runs again.
 * Lock: rq_lock held, interrupts masked.
 */
static void
sched_switch(struct sched_rq *rq)
{
	struct cpu *cpu = arch_cpu();
	struct thread *from = cpu->cpu_thread, *to;

	cpu->cpu_resched = false;
	to = sched_pick(rq, rq->rq_since);
	to->td_state = SCHED_RUN;
	if (sched_has_ready(rq))
		time_want(sched_slice_end(rq, to));
	if (to == from)
		return;
	sched_check_guard(from);
	cpu->cpu_thread = to;
	arch_switch(&from->td_sp, to->td_sp);
}

/*
 * Let others run.  A thread that has slice left comes back before those who
 * wait for a new one, unless it gives way.  Lock: rq_lock held.
 */
static void
sched_requeue(struct sched_rq *rq, bool give_way)
{
	struct thread *td = arch_cpu()->cpu_thread;

	sched_account(rq, td, arch_now());
	td->td_state = SCHED_READY;
	if (!sched_is_idle(td)) {
		if (give_way || td->td_used >= SCHED_SLICE) {
			td->td_used = 0;
			sched_insert(&rq->rq_spent, NULL, td);
		} else {
			sched_insert(&rq->rq_spent, rq->rq_spent.sl_first, td);
		}
	}
	sched_switch(rq);
}

/* Put a thread on one of the ready lists.  Lock: rq_lock of its CPU. */
static void
sched_ready(struct sched_rq *rq, struct sched_list *sl, struct thread *td)
{
	struct cpu *cpu = &sched_cpu[td->td_cpu];

	if (td->td_timed)
		sched_remove(&rq->rq_sleep, td);
	td->td_timed = false;
	td->td_state = SCHED_READY;
	sched_insert(sl, NULL, td);
	if (cpu->cpu_nintr != 0 || sched_is_idle(cpu->cpu_thread))
		cpu->cpu_resched = true;
	else
		time_want(sched_slice_end(rq, cpu->cpu_thread));
}

/*
 * sched_intr_exit -- switch, if the interrupt has given a reason to
 *
 * Context: the end of the outermost interrupt, masked, cpu_nintr 0.
 */
void
sched_intr_exit(void)
{
	struct cpu *cpu = arch_cpu();
	struct sched_rq *rq = &sched_rq[cpu->cpu_id];
	unsigned long s;

	if (!cpu->cpu_resched)
		return;
	s = spin_lock(&rq->rq_lock);
	sched_requeue(rq, false);
	spin_unlock(&rq->rq_lock, s);
}

/*
 * sched_tick -- wake those whose time has come, end the slice that is over
 *
 * Returns when it wants to be called again.  Context: interrupt, masked.
 */
uint64_t
sched_tick(uint64_t now)
{
	struct cpu *cpu = arch_cpu();
	struct sched_rq *rq = &sched_rq[cpu->cpu_id];
	struct thread *td;
	uint64_t next = UINT64_MAX, end;
	unsigned long s;

	s = spin_lock(&rq->rq_lock);
	while ((td = rq->rq_sleep.sl_first) != NULL && td->td_deadline <= now) {
		td->td_late = true;
		sched_ready(rq, &rq->rq_woken, td);
	}
	if (td != NULL)
		next = td->td_deadline;
	if (sched_has_ready(rq)) {
		end = sched_slice_end(rq, cpu->cpu_thread);
		if (end <= now)
			cpu->cpu_resched = true;
		else if (end < next)
			next = end;
	}
	spin_unlock(&rq->rq_lock, s);
	return next;
}

/* ---- life of a thread -------------------------------------------------- */

static void
sched_enlist(struct thread *td)
{
	unsigned long s;

	s = spin_lock(&sched_all_lock);
	td->td_id = ++sched_lastid;
	td->td_allnext = sched_all;
	sched_all = td;
	spin_unlock(&sched_all_lock, s);
}

static void
sched_delist(struct thread *td)
{
	struct thread **tp;
	unsigned long s;

	s = spin_lock(&sched_all_lock);
	for (tp = &sched_all; *tp != td; tp = &(*tp)->td_allnext)
		continue;
	*tp = td->td_allnext;
	spin_unlock(&sched_all_lock, s);
}

/* Free this CPU's dead threads. */
static void
sched_reap(void)
{
	struct sched_rq *rq = &sched_rq[arch_cpu()->cpu_id];
	struct thread *td, *next;
	unsigned long s;

	s = spin_lock(&rq->rq_lock);
	td = rq->rq_dead;
	rq->rq_dead = NULL;
	spin_unlock(&rq->rq_lock, s);
	for (; td != NULL; td = next) {
		next = td->td_next;
		sched_delist(td);
		if (td == &sched_boot)
			continue;
		page_free(td->td_stack,
		    (unsigned int)(td->td_stacklen / PV_PAGE_SIZE));
		kfree(td);
	}
}

/* The first words of each thread; the switch that led here holds rq_lock. */
static void
sched_start(void *arg)
{
	struct thread *td = arg;

	spin_release(&sched_rq[td->td_cpu].rq_lock);
	arch_irq_enable();
	td->td_fn(td->td_arg);
	thread_exit();
}

static void
sched_idle(void *arg)
{
	struct sched_rq *rq = arg;

	for (;;) {
		sched_reap();
		(void)arch_irq_save();
		if (!sched_has_ready(rq))
			arch_idle();
		else
			arch_irq_enable();
		thread_yield();
	}
}

/* A thread with its stack, on no queue yet. */
static struct thread *
sched_new(const char *name, void (*fn)(void *), void *arg, size_t stack)
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
	memset(td->td_stack, SCHED_FILL, td->td_stacklen);
	memcpy(td->td_name, name, strnlen(name, sizeof(td->td_name) - 1));
	td->td_fn = fn;
	td->td_arg = arg;
	td->td_cpu = arch_cpu()->cpu_id;
	td->td_state = SCHED_READY;
	td->td_sp = arch_thread_stack(td->td_stack + td->td_stacklen,
	    sched_start, td);
	sched_enlist(td);
	return td;
}

/*
 * sched_init -- the caller becomes the first thread; there is an idle thread
 *
 * Context: boot, memory works.
 */
void
sched_init(void)
{
	struct cpu *cpu = arch_cpu();

	memcpy(sched_boot.td_name, "main", sizeof("main"));
	sched_boot.td_cpu = cpu->cpu_id;
	sched_boot.td_state = SCHED_RUN;
	sched_enlist(&sched_boot);
	cpu->cpu_thread = &sched_boot;
	sched_rq[cpu->cpu_id].rq_since = arch_now();
	cpu->cpu_idle = sched_new("idle", sched_idle, &sched_rq[cpu->cpu_id],
	    THREAD_STACK);
	if (cpu->cpu_idle == NULL)
		panic("no memory for the idle thread");
}

/*
 * thread_create -- start a thread; it ends when fn returns
 *
 * Returns NULL when there is no memory.  Context: thread.
 */
struct thread *
thread_create(const char *name, void (*fn)(void *), void *arg, size_t stack)
{
	struct sched_rq *rq;
	struct thread *td;
	unsigned long s;

	sched_reap();
	td = sched_new(name, fn, arg, stack == 0 ? THREAD_STACK : stack);
	if (td == NULL)
		return NULL;
	rq = &sched_rq[td->td_cpu];
	s = spin_lock(&rq->rq_lock);
	sched_ready(rq, &rq->rq_spent, td);
	spin_unlock(&rq->rq_lock, s);
	return td;
}

/* thread_exit -- end the calling thread.  Context: thread. */
_Noreturn void
thread_exit(void)
{
	struct thread *td = thread_self();
	struct sched_rq *rq = &sched_rq[td->td_cpu];

	(void)spin_lock(&rq->rq_lock);
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
	return arch_cpu()->cpu_thread;
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
	struct sched_rq *rq;
	unsigned long s;

	rq = &sched_rq[thread_self()->td_cpu];
	s = spin_lock(&rq->rq_lock);
	sched_requeue(rq, true);
	spin_unlock(&rq->rq_lock, s);
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
	struct sched_rq *rq = &sched_rq[td->td_cpu];
	unsigned long s;
	int rv = 0;

	if (arch_cpu()->cpu_nintr != 0 || !arch_irq_enabled())
		panic("thread_block with interrupts masked");
	s = spin_lock(&rq->rq_lock);
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
	spin_unlock(&rq->rq_lock, s);
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
	struct sched_rq *rq = &sched_rq[td->td_cpu];
	unsigned long s;

	s = spin_lock(&rq->rq_lock);
	if (td->td_state == SCHED_SLEEP)
		sched_ready(rq, &rq->rq_woken, td);
	spin_unlock(&rq->rq_lock, s);
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
sched_stack_used(const struct thread *td)
{
	size_t i;

	for (i = 0; i < td->td_stacklen && td->td_stack[i] == SCHED_FILL; i++)
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

	s = spin_lock(&sched_all_lock);
	for (td = sched_all; td != NULL; td = td->td_allnext)
		total++;
	if (n >= total) {
		spin_unlock(&sched_all_lock, s);
		return -PV_ENOENT;
	}
	for (td = sched_all, total -= n + 1; total > 0; total--)
		td = td->td_allnext;
	memcpy(ti->ti_name, td->td_name, sizeof(ti->ti_name));
	ti->ti_state = names[td->td_state];
	ti->ti_id = td->td_id;
	ti->ti_cpu = td->td_cpu;
	ti->ti_runtime = td->td_runtime;
	if (td == thread_self())
		ti->ti_runtime += arch_now() - sched_rq[td->td_cpu].rq_since;
	ti->ti_stack = td->td_stacklen;
	ti->ti_stackused = sched_stack_used(td);
	spin_unlock(&sched_all_lock, s);
	return 0;
}
