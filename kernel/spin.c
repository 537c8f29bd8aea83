/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spin.c -- spin locks, which mask the interrupts of this CPU.
 *
 * The lower half of the word says which CPU holds the lock (its id + 1), so a
 * CPU that would wait for itself, or lets go what it does not hold, panics.
 * The upper half counts the CPUs that have given up spinning.
 *
 * A virtual CPU may be taken off its physical one with the lock held, and
 * who spins then keeps the holder from coming back.  So one spins SPIN_TRIES
 * times at most, and only while the holder's virtual CPU is running; then it
 * sleeps in the hypervisor until a release kicks it.  Neither is lost:
 *
 *	waiter				holder
 *	sw_lock = the lock		word -= holder, an atomic operation
 *	word += SPIN_WAITER		any waiters in the word?
 *	forget old kicks		the one that came first of those
 *	sw_asleep = true		  with sw_asleep: clear that, kick it
 *	is the lock still held?
 *	sleep until kicked
 *
 * The lock is free meanwhile, and whoever comes first takes it: in order of
 * arrival it would wait for CPUs that are not running.
 */

#include <arch.h>
#include <klog.h>
#include <sched.h>
#include <sync.h>

#define SPIN_TRIES	2000u
#define SPIN_HOLDER	0xffffu
#define SPIN_WAITER	0x10000u

struct spin_wait {			/* of one CPU */
	struct spinlock	*sw_lock;	/* NULL: it waits for none */
	uint32_t	 sw_turn;	/* when it came */
	bool		 sw_asleep;
} __attribute__((__aligned__(64)));

static struct spin_wait spin_wait[CPU_MAX];
static uint32_t spin_turn;
static uint64_t spin_polls;

static bool
spin_try(struct spinlock *sl, uint32_t me)
{
	uint32_t word = __atomic_load_n(&sl->sl_word, __ATOMIC_SEQ_CST);

	if ((word & SPIN_HOLDER) == me)
		panic("spin_lock %p: this CPU holds it already", (void *)sl);
	return (word & SPIN_HOLDER) == 0 &&
	    __atomic_compare_exchange_n(&sl->sl_word, &word, word | me, false,
	    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static bool
spin_holder_runs(const struct spinlock *sl)
{
	uint32_t holder = __atomic_load_n(&sl->sl_word, __ATOMIC_RELAXED) &
	    SPIN_HOLDER;

	return holder == 0 || arch_vcpu_runs(holder - 1);
}

/* Spin for a while; whether that was enough. */
static bool
spin_spin(struct spinlock *sl, uint32_t me)
{
	unsigned int n;

	for (n = 0; n < SPIN_TRIES || lock_blind; n++) {
		if (spin_try(sl, me))
			return true;
		/* Now and then: it is another cache line. */
		if (n % 64 == 63 && !lock_blind && !spin_holder_runs(sl))
			break;
		arch_pause();
	}
	return false;
}

/* Sleep until the lock may be free. */
static void
spin_sleep(struct spinlock *sl, struct spin_wait *sw)
{
	if (!arch_poll_begin())
		return;
	__atomic_store_n(&sw->sw_asleep, true, __ATOMIC_SEQ_CST);
	if ((__atomic_load_n(&sl->sl_word, __ATOMIC_SEQ_CST) &
	    SPIN_HOLDER) != 0) {
		__atomic_fetch_add(&spin_polls, 1, __ATOMIC_RELAXED);
		arch_poll();
	}
	__atomic_store_n(&sw->sw_asleep, false, __ATOMIC_SEQ_CST);
}

static void
spin_contend(struct spinlock *sl, uint32_t me)
{
	struct spin_wait *sw = &spin_wait[me - 1];

	if (spin_spin(sl, me))
		return;
	__atomic_store_n(&sw->sw_turn, __atomic_fetch_add(&spin_turn, 1,
	    __ATOMIC_RELAXED), __ATOMIC_RELAXED);
	__atomic_store_n(&sw->sw_lock, sl, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&sl->sl_word, SPIN_WAITER, __ATOMIC_SEQ_CST);
	do {
		spin_sleep(sl, sw);
	} while (!spin_spin(sl, me));
	__atomic_fetch_sub(&sl->sl_word, SPIN_WAITER, __ATOMIC_RELAXED);
	__atomic_store_n(&sw->sw_lock, NULL, __ATOMIC_RELAXED);
}

/* Wake the CPU that has slept longest for the lock, which may be gone. */
static void
spin_kick(const struct spinlock *sl)
{
	unsigned int cpu, best = CPU_MAX;
	uint32_t turn, first = 0;

	for (cpu = 0; cpu < CPU_MAX; cpu++) {
		if (__atomic_load_n(&spin_wait[cpu].sw_lock,
		    __ATOMIC_SEQ_CST) != sl ||
		    !__atomic_load_n(&spin_wait[cpu].sw_asleep,
		    __ATOMIC_SEQ_CST))
			continue;
		turn = __atomic_load_n(&spin_wait[cpu].sw_turn,
		    __ATOMIC_RELAXED);
		if (best == CPU_MAX || (int32_t)(turn - first) < 0) {
			best = cpu;
			first = turn;
		}
	}
	if (best != CPU_MAX && __atomic_exchange_n(&spin_wait[best].sw_asleep,
	    false, __ATOMIC_SEQ_CST))
		arch_kick(best);
}

/*
 * spin_lock -- take a lock, interrupts masked; returns what to give back
 *
 * Context: any.
 */
unsigned long
spin_lock(struct spinlock *sl)
{
	unsigned long s = arch_irq_save();
	uint32_t me = arch_cpu()->cpu_id + 1;

	if (!spin_try(sl, me))
		spin_contend(sl, me);
	return s;
}

/*
 * spin_release -- let a lock go and leave interrupts masked
 *
 * Once the lock is free it may be gone: only its address is used then.
 * Context: any; the CPU that took it.
 */
void
spin_release(struct spinlock *sl)
{
	uint32_t me = arch_cpu()->cpu_id + 1;

	if ((__atomic_load_n(&sl->sl_word, __ATOMIC_RELAXED) & SPIN_HOLDER) !=
	    me)
		panic("spin_unlock %p: not held by this CPU", (void *)sl);
	if (__atomic_fetch_sub(&sl->sl_word, me, __ATOMIC_SEQ_CST) != me)
		spin_kick(sl);
}

/* spin_unlock -- let a lock go; s is what spin_lock() returned */
void
spin_unlock(struct spinlock *sl, unsigned long s)
{
	spin_release(sl);
	arch_irq_restore(s);
}

/* spin_npoll -- how often CPUs have slept for a lock.  Context: any. */
uint64_t
spin_npoll(void)
{
	return __atomic_load_n(&spin_polls, __ATOMIC_RELAXED);
}
