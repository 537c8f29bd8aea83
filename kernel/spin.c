/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spin.c -- spin locks, which mask the interrupts of this CPU.
 *
 * The word says which CPU holds the lock (its id + 1), so a CPU that would
 * wait for itself, or lets go what it does not hold, panics.
 */

#include <arch.h>
#include <klog.h>
#include <sched.h>
#include <sync.h>

/*
 * spin_lock -- take a lock, interrupts masked; returns what to give back
 *
 * Context: any.
 */
unsigned long
spin_lock(struct spinlock *sl)
{
	unsigned long s = arch_irq_save();
	uint32_t me = arch_cpu()->cpu_id + 1, expect = 0;

	while (!__atomic_compare_exchange_n(&sl->sl_word, &expect, me, false,
	    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		if (expect == me)
			panic("spin_lock %p: this CPU holds it already",
			    (void *)sl);
		expect = 0;
		arch_pause();
	}
	return s;
}

/*
 * spin_release -- let a lock go and leave interrupts masked
 *
 * Context: any; the CPU that took it.
 */
void
spin_release(struct spinlock *sl)
{
	if (sl->sl_word != arch_cpu()->cpu_id + 1)
		panic("spin_unlock %p: not held by this CPU", (void *)sl);
	__atomic_store_n(&sl->sl_word, 0, __ATOMIC_RELEASE);
}

/* spin_unlock -- let a lock go; s is what spin_lock() returned */
void
spin_unlock(struct spinlock *sl, unsigned long s)
{
	spin_release(sl);
	arch_irq_restore(s);
}
