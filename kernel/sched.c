/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched.c -- preemptive kernel threads, per-CPU run queues.
 *
 * A thread belongs to one CPU at a time, td_cpu:
 *
 *	RUN	on the CPU: cpu_thread
 *	READY	on the run queue: rq_woken or rq_spent
 *	SLEEP	off it; on the list of sleepers, sorted by time, when it has
 *		a deadline
 *	DEAD	on the list of the dead, until the idle thread or the next
 *		thread_create() there frees it
 *
 * Every change of state happens under the lock of that CPU's struct
 * sched_rq, with interrupts masked, and arch_switch() is called with that
 * lock held: whoever is switched to releases it.  So a thread that others
 * find ready has left its stack, and a dead one is not freed while it still
 * stands on it.  After arch_switch() a thread may be on another CPU than
 * before.
 *
 * Who runs: those who were woken come first, in order, then those who were
 * preempted, gave way or are new, each for a slice in turn.  So an event is
 * served at once however busy the CPU is.  The others are not starved: when
 * none of them has run for SCHED_PATIENCE the first one does.  A wake from an
 * interrupt preempts at the interrupt's end; a wake from a thread of the same
 * CPU does not, so a producer is not cut short by each item.
 *
 * Where: a thread wakes up on the CPU where it was, unless that one is busy
 * and another is idle (sched_idlers); an idle CPU looks for a thread that
 * waits elsewhere (sched_steal()) before it sleeps; a CPU that has had threads
 * waiting for a slice wakes an idle one to do so.  A thread that moves between
 * two queues is READY and on neither, with td_cpu being where it goes:
 * nobody but the mover has anything to do with it.  Threads with a home
 * stay there for as long as that CPU is up.
 *
 * Lock order: anything, then one run queue's, never two.  sched_all_lock
 * guards the list of all threads and is never held with a run queue's.
 */

#include <arch.h>
#include <cpu.h>
#include <klog.h>
#include <ktime.h>
#include <pv/errno.h>

#include "sched_var.h"

#define SCHED_SLICE	(10 * NSEC_PER_MSEC)
#define SCHED_PATIENCE	(10 * SCHED_SLICE)

struct cpu sched_cpu[CPU_MAX];
struct sched_rq sched_rq[CPU_MAX];
static uint64_t sched_idlers;		/* CPUs that sleep, one bit each */

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

/*
 * sched_sleeper_add -- put a thread on the list of those who wait for a time
 *
 * Lock: rq_lock held.
 */
void
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

/* ---- queues ------------------------------------------------------------ */

/*
 * sched_here -- this CPU's queue
 *
 * Context: interrupts masked, for as long as the answer is used.
 */
struct sched_rq *
sched_here(void)
{
	return &sched_rq[arch_cpu()->cpu_id];
}

/*
 * sched_lock -- lock this CPU's queue; returns what sched_unlock() wants
 *
 * Context: any.
 */
unsigned long
sched_lock(void)
{
	unsigned long s = arch_irq_save();

	(void)spin_lock(&sched_here()->rq_lock);
	return s;
}

/*
 * sched_unlock -- unlock the queue of this CPU, which may be another by now
 *
 * Context: any.
 */
void
sched_unlock(unsigned long s)
{
	spin_release(&sched_here()->rq_lock);
	arch_irq_restore(s);
}

/* Lock: that of the queue which the thread belongs to, or to none. */
static void
sched_set_cpu(struct thread *td, unsigned int cpu)
{
	__atomic_store_n(&td->td_cpu, cpu, __ATOMIC_RELAXED);
}

/* Lock the queue that a thread belongs to. */
static struct sched_rq *
sched_lock_of(struct thread *td, unsigned long *s)
{
	struct sched_rq *rq;
	unsigned int cpu;

	for (;;) {
		cpu = __atomic_load_n(&td->td_cpu, __ATOMIC_RELAXED);
		rq = &sched_rq[cpu];
		*s = spin_lock(&rq->rq_lock);
		if (__atomic_load_n(&td->td_cpu, __ATOMIC_RELAXED) == cpu)
			return rq;
		spin_unlock(&rq->rq_lock, *s);
	}
}

/* ---- switching --------------------------------------------------------- */

static bool
sched_is_idle(const struct thread *td)
{
	return td == sched_cpu[td->td_cpu].cpu_idle;
}

static bool
sched_has_ready(const struct sched_rq *rq)
{
	return __atomic_load_n(&rq->rq_woken.sl_first, __ATOMIC_RELAXED) !=
	    NULL ||
	    __atomic_load_n(&rq->rq_spent.sl_first, __ATOMIC_RELAXED) != NULL;
}

/* Take the thread that runs next off the queue.  Lock: rq_lock held. */
static struct thread *
sched_pick(struct sched_rq *rq, uint64_t now)
{
	struct sched_list *sl = &rq->rq_woken;
	struct thread *td;

	if (!arch_cpu()->cpu_online)
		return arch_cpu()->cpu_idle;	/* it empties the queue */
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

/*
 * sched_account -- book the time that the running thread has had
 *
 * Lock: rq_lock held.
 */
void
sched_account(struct sched_rq *rq, struct thread *td, uint64_t now)
{
	td->td_runtime += now - rq->rq_since;
	td->td_used += now - rq->rq_since;
	rq->rq_since = now;
}

static void
sched_set_idle(const struct cpu *cpu, bool idle)
{
	uint64_t bit = 1ull << cpu->cpu_id;

	if (idle)
		__atomic_fetch_or(&sched_idlers, bit, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(&sched_idlers, ~bit, __ATOMIC_SEQ_CST);
}

/*
 * sched_switch -- give the CPU to the next thread
 *
 * The caller has accounted for the running one and has put it where it
 * belongs.  Returns when it runs again, perhaps on another CPU.
 * Lock: rq_lock held on entry, that of the new CPU on return.
 */
void
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
	thread_check(from);
	if (from == cpu->cpu_idle)
		sched_set_idle(cpu, false);
	cpu->cpu_thread = to;
	arch_switch(&from->td_sp, to->td_sp);
}

/*
 * sched_requeue -- let others run
 *
 * A thread that has slice left comes back before those who wait for a new
 * one, unless it gives way.  Lock: rq_lock held, as in sched_switch().
 */
void
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

/* Claim one of the idle CPUs, or return CPU_ANY. */
static unsigned int
sched_idler(void)
{
	uint64_t left = __atomic_load_n(&sched_idlers, __ATOMIC_RELAXED), bit;

	for (; left != 0; left &= ~bit) {
		bit = left & -left;
		if (__atomic_fetch_and(&sched_idlers, ~bit,
		    __ATOMIC_SEQ_CST) & bit)
			return (unsigned int)__builtin_ctzll(bit);
	}
	return CPU_ANY;
}

/* Wake an idle CPU, so that it looks for work; it no longer counts as idle. */
static void
sched_rouse(void)
{
	unsigned int cpu = sched_idler();

	if (cpu != CPU_ANY)
		arch_ipi(cpu);
}

/* Put a thread on one of the ready lists.  Lock: rq_lock of its CPU. */
static void
sched_ready(struct sched_rq *rq, struct sched_list *sl, struct thread *td)
{
	struct cpu *cpu = &sched_cpu[td->td_cpu];
	bool here = cpu == arch_cpu();

	sched_insert(sl, NULL, td);
	if (!here && !cpu->cpu_resched) {
		cpu->cpu_resched = true;
		arch_ipi(cpu->cpu_id);
	} else if (here && (cpu->cpu_nintr != 0 ||
	    sched_is_idle(cpu->cpu_thread))) {
		cpu->cpu_resched = true;
	} else if (here) {
		time_want(sched_slice_end(rq, cpu->cpu_thread));
	}
}

/* A sleeper sleeps no more.  Lock: rq_lock held. */
static void
sched_unsleep(struct sched_rq *rq, struct thread *td)
{
	if (td->td_timed)
		sched_remove(&rq->rq_sleep, td);
	td->td_timed = false;
	td->td_state = SCHED_READY;
}

/* Where a thread that was on the CPU of rq shall run. */
static unsigned int
sched_choose(const struct sched_rq *rq, const struct thread *td)
{
	const struct cpu *cpu = &sched_cpu[td->td_cpu];
	unsigned int idle;

	if (td->td_home != CPU_ANY)
		return sched_cpu[td->td_home].cpu_online ? td->td_home : 0;
	if (cpu->cpu_online && cpu->cpu_thread == cpu->cpu_idle &&
	    !sched_has_ready(rq))
		return td->td_cpu;
	idle = sched_idler();
	if (idle != CPU_ANY)
		return idle;
	return cpu->cpu_online ? td->td_cpu : 0;
}

/* Choose its CPU; does it stay?  Lock: rq_lock, but for a new thread. */
static bool
sched_place(const struct sched_rq *rq, struct thread *td)
{
	unsigned int to = sched_choose(rq, td);

	if (to == td->td_cpu)
		return true;
	sched_set_cpu(td, to);
	return false;
}

/*
 * Put a thread that is READY and on no queue onto the woken or the spent list
 * of its CPU, or of the boot CPU when that one is down.  Interrupts masked, no
 * lock; td_cpu was set under the lock of the queue that it left.
 */
static void
sched_send(struct thread *td, bool woken)
{
	struct sched_rq *rq = &sched_rq[td->td_cpu];

	(void)spin_lock(&rq->rq_lock);
	if (!sched_cpu[td->td_cpu].cpu_online) {
		sched_set_cpu(td, 0);
		spin_release(&rq->rq_lock);
		rq = &sched_rq[0];
		(void)spin_lock(&rq->rq_lock);
	}
	sched_ready(rq, woken ? &rq->rq_woken : &rq->rq_spent, td);
	spin_release(&rq->rq_lock);
}

/*
 * sched_wake -- make a thread ready if it sleeps; else nothing
 *
 * Context: any, no run queue locked.
 */
void
sched_wake(struct thread *td)
{
	struct sched_rq *rq;
	unsigned long s;
	bool stays;

	rq = sched_lock_of(td, &s);
	if (td->td_state != SCHED_SLEEP) {
		spin_unlock(&rq->rq_lock, s);
		return;
	}
	sched_unsleep(rq, td);
	stays = sched_place(rq, td);
	if (stays)
		sched_ready(rq, &rq->rq_woken, td);
	spin_release(&rq->rq_lock);
	if (!stays)
		sched_send(td, true);
	arch_irq_restore(s);
}

/*
 * sched_submit -- a new thread, READY: to where there is time for it
 *
 * Context: thread, no run queue locked.
 */
void
sched_submit(struct thread *td)
{
	unsigned long s = arch_irq_save();

	(void)sched_place(&sched_rq[td->td_cpu], td);
	sched_send(td, false);
	arch_irq_restore(s);
}

/*
 * sched_intr_exit -- switch, if the interrupt has given a reason to
 *
 * Context: the end of the outermost interrupt, masked, cpu_nintr 0.
 */
void
sched_intr_exit(void)
{
	unsigned long s;

	if (!arch_cpu()->cpu_resched)
		return;
	s = sched_lock();
	sched_requeue(sched_here(), false);
	sched_unlock(s);
}

/*
 * The time has come for a sleeper of this CPU's.  If it is at home on another
 * it came here while that one was down, and goes back now.  Lock: rq_lock,
 * which is let go of for that; interrupts masked.
 */
static void
sched_due(struct sched_rq *rq, struct thread *td)
{
	td->td_late = true;
	sched_unsleep(rq, td);
	if (td->td_home == CPU_ANY || sched_place(rq, td)) {
		sched_ready(rq, &rq->rq_woken, td);
		return;
	}
	spin_release(&rq->rq_lock);
	sched_send(td, true);
	(void)spin_lock(&rq->rq_lock);
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
	while ((td = rq->rq_sleep.sl_first) != NULL && td->td_deadline <= now)
		sched_due(rq, td);
	if (td != NULL)
		next = td->td_deadline;
	if (sched_has_ready(rq)) {
		end = sched_slice_end(rq, cpu->cpu_thread);
		if (end <= now)
			cpu->cpu_resched = true;
		else if (end < next)
			next = end;
		if (!sched_is_idle(cpu->cpu_thread))
			sched_rouse();
	}
	spin_unlock(&rq->rq_lock, s);
	return next;
}

/* ---- idle CPUs --------------------------------------------------------- */

/* The first thread of a list that may go elsewhere, taken off it. */
static struct thread *
sched_take(struct sched_list *sl)
{
	struct thread *td;

	for (td = sl->sl_first; td != NULL; td = td->td_next) {
		if (td->td_home == CPU_ANY) {
			sched_remove(sl, td);
			return td;
		}
	}
	return NULL;
}

/*
 * Take over a thread that waits on another CPU.  Interrupts masked, no lock.
 */
static bool
sched_steal(void)
{
	unsigned int me = arch_cpu()->cpu_id, i;
	struct sched_rq *rq;
	struct thread *td;

	for (i = (me + 1) % CPU_MAX; i != me; i = (i + 1) % CPU_MAX) {
		rq = &sched_rq[i];
		if (!sched_has_ready(rq))
			continue;
		(void)spin_lock(&rq->rq_lock);
		td = sched_take(&rq->rq_woken);
		if (td == NULL)
			td = sched_take(&rq->rq_spent);
		if (td != NULL)
			sched_set_cpu(td, me);
		spin_release(&rq->rq_lock);
		if (td == NULL)
			continue;
		sched_send(td, true);
		if (sched_has_ready(rq))
			sched_rouse();
		return true;
	}
	return false;
}

/* Sleep, unless there is work.  Interrupts masked; enables them. */
static void
sched_doze(struct sched_rq *rq)
{
	struct cpu *cpu = arch_cpu();

	if (sched_has_ready(rq) || sched_steal()) {
		arch_irq_enable();
		return;
	}
	sched_set_idle(cpu, true);
	/* Who claims the bit puts a thread on the queue, then interrupts. */
	if (!sched_has_ready(rq))
		arch_idle();
	else
		arch_irq_enable();
	sched_set_idle(cpu, false);
}

/* Lock: those of both queues. */
static void
sched_move(struct sched_rq *from, struct sched_rq *to)
{
	struct thread *td;

	while ((td = from->rq_woken.sl_first) != NULL ||
	    (td = from->rq_spent.sl_first) != NULL) {
		sched_remove(td == from->rq_woken.sl_first ? &from->rq_woken :
		    &from->rq_spent, td);
		sched_set_cpu(td, 0);
		sched_insert(&to->rq_spent, NULL, td);
	}
	while ((td = from->rq_sleep.sl_first) != NULL) {
		sched_remove(&from->rq_sleep, td);
		sched_set_cpu(td, 0);
		sched_sleeper_add(to, td);
	}
}

/*
 * What a CPU that leaves has goes to the boot CPU, which the caller of
 * cpu_stop() has look at its clock then.  Interrupts masked.
 */
static void
sched_drain(struct sched_rq *rq)
{
	(void)spin_lock(&rq->rq_lock);
	(void)spin_lock(&sched_rq[0].rq_lock);
	sched_move(rq, &sched_rq[0]);
	spin_release(&sched_rq[0].rq_lock);
	spin_release(&rq->rq_lock);
}

static void
sched_idle(void *arg)
{
	struct sched_rq *rq = arg;

	for (;;) {
		thread_reap();
		(void)arch_irq_save();
		if (arch_cpu()->cpu_online) {
			sched_doze(rq);
		} else {
			sched_drain(rq);
			cpu_leave();
			arch_irq_enable();
		}
		thread_yield();
	}
}

/* ---- CPUs -------------------------------------------------------------- */

/*
 * sched_init -- the caller becomes the first thread; there is an idle thread
 *
 * Context: boot, memory works.
 */
void
sched_init(void)
{
	struct cpu *cpu = arch_cpu();

	thread_boot_init();
	sched_here()->rq_since = arch_now();
	cpu->cpu_online = true;
	if (sched_cpu_init(cpu->cpu_id) != 0)
		panic("no memory for the idle thread");
}

/*
 * sched_cpu_init -- give a CPU that has not run yet its idle thread
 *
 * Returns 0 or -PV_ENOMEM.  Context: thread.
 */
int
sched_cpu_init(unsigned int cpu)
{
	if (sched_cpu[cpu].cpu_idle == NULL)
		sched_cpu[cpu].cpu_idle = thread_new("idle", sched_idle,
		    &sched_rq[cpu], THREAD_STACK, cpu);
	return sched_cpu[cpu].cpu_idle == NULL ? -PV_ENOMEM : 0;
}

/*
 * sched_cpu_stack -- the top of the stack on which a CPU starts
 *
 * Context: thread; after sched_cpu_init().
 */
void *
sched_cpu_stack(unsigned int cpu)
{
	struct thread *td = sched_cpu[cpu].cpu_idle;

	return td->td_stack + td->td_stacklen;
}

/*
 * sched_cpu_main -- a CPU's first C code after that of arch: it is idle
 *
 * Context: that CPU, on its idle thread's stack, interrupts masked.
 */
_Noreturn void
sched_cpu_main(void)
{
	struct cpu *cpu = arch_cpu();
	struct sched_rq *rq = &sched_rq[cpu->cpu_id];

	cpu->cpu_idle->td_state = SCHED_RUN;
	cpu->cpu_thread = cpu->cpu_idle;
	rq->rq_since = arch_now();
	cpu_join();
	arch_irq_enable();
	sched_idle(rq);
	panic("the idle thread has ended");
}
