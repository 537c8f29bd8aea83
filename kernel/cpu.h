/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu.h -- the CPUs come and go; see cpu.c.
 */

#ifndef CPU_H
#define CPU_H

#include <pv/types.h>

/*
 * From now on other CPUs can be had, with the functions below.
 * Context: thread, once.
 */
void	 cpu_init(void);
/* Start all there are, before it returns.  Thread. */
void	 cpu_all(void);
/* From now on a CPU shall be up, or down; soon.  CPU 0 stays.  Thread. */
void	 cpu_want(unsigned int cpu, bool up);
/* As the toolstack says (xl vcpu-set), or all when it says nothing.  Thread,
   once, after pv_attach(). */
void	 cpu_follow(void);
/*
 * For a suspend: take all but the boot CPU down; true: they are.  Those that
 * somebody wants come back soon after cpu_unpark().  Thread.
 */
bool	 cpu_park(void);
void	 cpu_unpark(void);
unsigned int cpu_count(void);		/* that are up */

/* sched.c, on the CPU itself, interrupts masked: it has come up; it leaves,
   and comes back. */
void	 cpu_join(void);
void	 cpu_leave(void);

#endif /* CPU_H */
