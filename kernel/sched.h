/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched.h -- preemptive kernel threads, per-CPU run queues.
 */

#ifndef SCHED_H
#define SCHED_H

#include <pv/types.h>

#define THREAD_STACK	(16 * 1024)	/* bytes, default */

struct thread;

/* Per-CPU data; arch_cpu() finds it.  Members belong to the file named. */
struct cpu {
	struct cpu	*cpu_self;	/* arch/x86 loads the first three .. */
	struct thread	*cpu_thread;	/* sched.c: running now */
	void		*cpu_arch;	/* .. by %gs, see its cpu.c */
	unsigned int	 cpu_id;
	struct thread	*cpu_idle;	/* sched.c */
	unsigned int	 cpu_nintr;	/* irq.c: interrupt nesting */
	volatile bool	 cpu_resched;	/* sched.c: switch when nesting ends */
	volatile bool	 cpu_online;	/* cpu.c: has threads */
	uint64_t	 cpu_kstack;	/* arch/x86: stack top for user entry */
};

#define CPU_MAX		64
#define CPU_ANY		(~0u)
extern struct cpu sched_cpu[CPU_MAX];

/* Make the calling context the first thread; threads can then be created. */
void	 sched_init(void);

/*
 * Create and start a thread.  stack is in bytes, 0 for THREAD_STACK.
 * Returns NULL when there is no memory.  The thread ends when fn returns;
 * its memory is then freed by itself.  Context: thread.
 */
struct thread *thread_create(const char *name, void (*fn)(void *), void *arg,
	    size_t stack);
/* The same, with THREAD_STACK, for a thread that stays on one CPU; while that
   one is down it runs on the boot CPU. */
struct thread *thread_create_on(unsigned int cpu, const char *name,
	    void (*fn)(void *), void *arg);
_Noreturn void thread_exit(void);
struct thread *thread_self(void);
const char *thread_name(struct thread *);
void	 thread_yield(void);
void	 thread_sleep(uint64_t ns);		/* at least so long */

/*
 * The primitive under sync.c: block until thread_wake() or the deadline
 * (arch_now() time, UINT64_MAX for ever).  *gate is tested with interrupts
 * masked and the run queue locked: when it is non-zero the call returns at
 * once, so a wake between test and sleep is not lost.  Returns 0 or
 * -PV_ETIMEDOUT.
 */
int	 thread_block(volatile int *gate, uint64_t deadline);
void	 thread_wake(struct thread *);		/* any context */

/* Called by arch at the end of the outermost interrupt: interrupts masked,
   cpu_nintr back at 0, on the stack of the interrupted thread. */
void	 sched_intr_exit(void);
/* Called by time.c at each timer interrupt: time slices, sleepers.  Returns
   when it wants to be called again. */
uint64_t sched_tick(uint64_t now);
int	*thread_errno(void);		/* the C library's, per thread */

/* cpu.c starts a CPU: its idle thread, on whose stack the CPU comes up, and
   the C code that it then runs, interrupts masked. */
int	 sched_cpu_init(unsigned int cpu);
void	*sched_cpu_stack(unsigned int cpu);
_Noreturn void sched_cpu_main(void);

/* For the shell: the n-th thread. */
struct thread_info {
	char		 ti_name[24];
	const char	*ti_state;	/* "run" "ready" "sleep" */
	unsigned int	 ti_id, ti_cpu;
	uint64_t	 ti_runtime;	/* ns */
	size_t		 ti_stack, ti_stackused;	/* bytes */
};
int	 thread_info(unsigned int n, struct thread_info *);

#endif /* SCHED_H */
