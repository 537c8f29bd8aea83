/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arch.h -- what the kernel asks of the processor; implemented in arch/x86.
 *
 * Nothing above this line asks in which mode (PV or hardware-virtualized) it
 * runs: arch/x86 chooses one const struct cpu_mode at entry.
 */

#ifndef ARCH_H
#define ARCH_H

#include <pv/types.h>

struct thread;
struct cpu;

/* ---- this CPU ---------------------------------------------------------- */
/* Per-CPU data of the CPU we are on; with interrupts enabled that may be
   another one when the answer is used. */
struct cpu *arch_cpu(void);
struct thread *arch_thread(void);	/* cpu_thread, in one step; any */
unsigned long arch_irq_save(void);	/* mask interrupts; returns old state */
void	 arch_irq_restore(unsigned long);
void	 arch_irq_enable(void);
bool	 arch_irq_enabled(void);
/*
 * Sleep until an interrupt.  Entered with interrupts masked, having decided
 * to sleep; an interrupt that is already pending ends it at once.  Returns
 * with interrupts enabled.
 */
void	 arch_idle(void);
void	 arch_pause(void);

/* ---- waiting for another CPU ------------------------------------------- */
/* Is that virtual CPU on a physical one now?  True when nobody says; any. */
bool	 arch_vcpu_runs(unsigned int cpu);
/*
 * A CPU that waits for another one can give its time away.  It calls
 * arch_poll_begin(), which forgets the kicks it has had, looks once more
 * whether it has to wait, and sleeps in arch_poll() until it is kicked or for
 * no reason.  false: that can not be had here.  Interrupts masked.
 */
bool	 arch_poll_begin(void);
void	 arch_poll(void);
void	 arch_kick(unsigned int cpu);		/* any context */

/* The n-th source of interrupts that has made some; 0 or -PV_ENOENT. */
struct arch_irq_info {
	const char	*ai_name;	/* "line" */
	unsigned int	 ai_num;	/* 11 */
	uint64_t	 ai_count;
};
int	 arch_irq_info(unsigned int n, struct arch_irq_info *);

/* ---- other CPUs -------------------------------------------------------- */
/* CPUs 0 .. n - 1 are there; we are on 0 at first.  Context: thread. */
unsigned int arch_ncpu(void);
/*
 * Start a CPU: with interrupts masked it calls sched_cpu_main() on that stack;
 * one that had stopped goes on in arch_cpu_stop().  Returns 0 or -PV_E*.
 * Context: thread.
 */
int	 arch_cpu_start(unsigned int cpu, void *stack_top);
/* Stop this CPU until it is started again.  Interrupts masked. */
void	 arch_cpu_stop(void);
/* Has a CPU that was to call arch_cpu_stop() done so?  Then what the hypervisor
   has for it is given back.  Context: thread. */
bool	 arch_cpu_reap(unsigned int cpu);
/* Interrupt another CPU: it looks at cpu_resched; any context. */
void	 arch_ipi(unsigned int cpu);
/* The others stop for good, if they still take interrupts; any context. */
void	 arch_cpu_halt_others(void);
/* What the hypervisor says of a CPU's time, in ns; false when it does not. */
struct arch_steal {
	uint64_t	 as_run;	/* on a physical CPU */
	uint64_t	 as_steal;	/* wanted one, and waited */
	uint64_t	 as_idle;	/* wanted none */
	uint64_t	 as_off;	/* down, or paused */
};
bool	 arch_steal(unsigned int cpu, struct arch_steal *);

/* ---- save, restore and migration --------------------------------------- */
struct pv_xen_boot;
/*
 * Stop the domain; see pv_suspend() for what is returned, and done.  Then,
 * whatever that was, the boot CPU's timer and what else is not the library's.
 * Context: thread, the only CPU, interrupts masked.
 */
int	 arch_suspend(struct pv_xen_boot *);
void	 arch_resume(void);

/* ---- threads ----------------------------------------------------------- */
/*
 * Switch stacks: save the callee-saved state at *from_sp, load to_sp.  Called
 * with interrupts masked and the run queue locked.
 */
void	 arch_switch(void **from_sp, void *to_sp);
/* Lay out a new stack so that arch_switch() to the result calls fn(arg). */
void	*arch_thread_stack(void *top, void (*fn)(void *), void *arg);

/* ---- time -------------------------------------------------------------- */
uint64_t arch_now(void);		/* ns since boot, monotonic; any */
uint64_t arch_wallclock(void);		/* ns since 1970 UTC, or 0: unknown */
/*
 * What of interrupts and the timer wants memory to be set up.  Once, on the
 * boot CPU, interrupts masked; until then arch_timer_set() may do nothing.
 */
void	 arch_intr_init(void);
/* One interrupt (time_intr()) at or soon after the moment; ns as arch_now(). */
void	 arch_timer_set(uint64_t deadline);

/* ---- memory ------------------------------------------------------------ */
/* The direct map: all RAM is always addressable. */
void	*arch_pa_to_va(uint64_t pa);
uint64_t arch_va_to_pa(const void *va);	/* direct map and kernel image */

/*
 * Virtio devices that the firmware's tables tell of: fn for each, with the
 * address of its registers and its interrupt line.  Context: thread.
 */
void	 arch_virtio_mmio(void (*fn)(void *arg, pv_pa_t pa, uint32_t line),
	    void *arg);

/*
 * PCI functions that come and go, where the firmware's tables say how.
 * arch_pci_hotplug() finds that out, once and before any function is in use;
 * true: then arch_pci_hotplug_start() has a thread call these.  came: there may
 * be new ones; going: let go of this one, it is taken away when this returns.
 * Context: thread.
 */
bool	 arch_pci_hotplug(void);
void	 arch_pci_hotplug_start(void (*came)(void *arg),
	    void (*going)(void *arg, pv_pci_t), void *arg);

/* ---- the machine's buttons --------------------------------------------- */
/*
 * fn is called when the host presses one, from now on; where there are none,
 * never.  Once.  Context: thread; so is fn's.
 */
enum arch_button { ARCH_BUTTON_POWER, ARCH_BUTTON_SLEEP };
void	 arch_buttons(void (*fn)(enum arch_button));

/* ---- the machine ------------------------------------------------------- */
/* Polled output for early and last words; never blocks, any context. */
void	 arch_early_write(const char *buf, size_t len);
/*
 * The serial console of the machine, where there is no paravirtual one
 * (QEMU).  arch_serial_attach calls tty input from its interrupt.
 */
int	 arch_serial_attach(void (*input)(int ch));
/* Write pc's as "symbol+off" lines through printf_early. */
void	 arch_backtrace(void);
_Noreturn void arch_poweroff(int status);	/* QEMU: its exit code */
_Noreturn void arch_reboot(void);
_Noreturn void arch_crash(void);	/* tell the hypervisor and stop */
const char *arch_mode_name(void);	/* "Xen PV", "Xen PVH", .. "QEMU" */

#endif /* ARCH_H */
