/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mode.h -- what differs between paravirtualized and hardware-virtualized
 * running, and the parts of arch/x86 that are the same in both.
 *
 * The entry code of a mode sets cpu_mode before anything else runs.  It then
 * fills the struct boot_info: command line, memory, Xen's things.
 */

#ifndef MODE_H
#define MODE_H

#include <boot.h>
#include <printf.h>
#include <pv/os.h>

struct cpu;
struct trap_frame;
struct vcpu_time_info;
struct shared_info;

enum mode_shutdown { MODE_POWEROFF, MODE_REBOOT, MODE_CRASH };

#define MODE_UNCACHED	0x1		/* cm_map: device registers */
#define MODE_IO		0x2		/* cm_map: frame is no domain's RAM */

struct cpu_mode {
	/* The interrupt flag of this CPU: RFLAGS.IF or the upcall mask. */
	unsigned long (*cm_irq_save)(void);
	void	 (*cm_irq_restore)(unsigned long);
	void	 (*cm_irq_enable)(void);
	bool	 (*cm_irq_enabled)(void);
	void	 (*cm_idle)(void);	/* see arch_idle() */

	/* One page of the window: va -> frame; frame 0 takes it away. */
	int	 (*cm_map)(uintptr_t va, gfn_t, unsigned int flags);
	void	 (*cm_unmap)(uintptr_t va);
	/* This CPU forgets what it had of the window.  PV: nothing to do. */
	void	 (*cm_flush)(void);
	/* The direct map: pfn to gfn, and another frame behind a page. */
	gfn_t	 (*cm_gfn)(uint64_t pfn);
	int	 (*cm_rebind)(void *va, gfn_t);

	uint64_t (*cm_fault_addr)(void);
	/* Have Xen call xen_upcall() on a vCPU; 0 or -PV_E*. */
	int	 (*cm_upcall_attach)(unsigned int vcpu);
	/* Stop the domain, see arch_suspend(); what the mode needs again. */
	int	 (*cm_suspend)(struct pv_xen_boot *);
	/* Have a CPU that never ran begin; under Xen, be ready to. */
	int	 (*cm_cpu_start)(unsigned int cpu, void *stack_top);
	/* End without Xen's help; may return when it is not possible. */
	void	 (*cm_shutdown)(enum mode_shutdown, int status);
};

extern const struct cpu_mode *cpu_mode;
extern const struct cpu_mode pv_mode, hvm_mode;
extern struct boot_info mode_boot;	/* cpu.c */
extern const char *mode_name;		/* cpu.c; arch_mode_name() */

/* Linker script. */
extern char kern_start[], kern_text_end[], kern_ro_end[], kern_end[];

/* An entry of a memory map as Xen and Linux's zero page have it. */
struct mode_e820 {
	uint64_t	 e_base, e_len;
	uint32_t	 e_type;
} __attribute__((__packed__));
#define MODE_E820_RAM	1

/* cpu.c */
void	 mode_cmdline(const char *text, size_t max);
void	 mode_mem_add(uint64_t base, uint64_t end);
void	 mode_mem_reserve(uint64_t base, uint64_t end);
void	 mode_intr_enter(void);
void	 mode_intr_leave(void);
struct cpu *mode_cpu0(void);		/* initialised; to put behind %gs */

/* trap.c: every exception and vector ends up here. */
void	 trap_entry(struct trap_frame *);
void	 pv_restart(struct trap_frame *);	/* pv/start.c */
void	 hvm_awake(struct trap_frame *);	/* hvm/start.c */
_Noreturn void trap_panic(struct trap_frame *, const char *what);

/* early.c: the ways out for polled output. */
#define EARLY_COM1	0x01		/* 16550 at 0x3f8 */
#define EARLY_E9	0x02		/* Xen's debug port, for HVM */
#define EARLY_XENIO	0x04		/* CONSOLEIO_write, for dom0 */
void	 early_add(unsigned int way);
/* struct xencons_interface; replaces EARLY_E9. */
void	 early_ring(void *ring, evport_t);

/* window.c: addresses for frames outside the direct map. */
void	*window_map(uint64_t pa, size_t len, unsigned int flags);
void	 window_unmap(void *va, size_t len);

/* irq.c: interrupt sources of the port and the serial console.  oi_fn and
   oi_arg are set by the caller. */
int	 irq_set(enum pv_irqkind, unsigned int num, struct pv_os_irq *);
bool	 irq_clear(struct pv_os_irq *);
bool	 irq_run(enum pv_irqkind, unsigned int num);

/* clock.c */
void	 clock_init_xen(volatile struct vcpu_time_info *);
void	 clock_set(unsigned int cpu, volatile struct vcpu_time_info *);
void	 clock_init_kvm(uint32_t base);
void	 clock_init_tsc(void);
void	 clock_cpu_init(void);		/* on each further CPU */
void	 clock_resume(uint64_t now);	/* arch_now() goes on from there */
uint64_t clock_base(void);		/* arch_now() 0 in the source's time */
bool	 clock_running(void);

/* poll.c: a port of Xen's for each CPU to sleep on. */
void	 poll_attach(unsigned int cpu, unsigned int vcpu);
void	 poll_detach(unsigned int cpu);

/* xen.c: what both modes need of Xen. */
extern struct shared_info *xen_shared;	/* NULL before it is mapped */
extern char xen_shared_page[];		/* a page of the image for it */
uint32_t xen_features(void);
void	 xen_upcall(void);
void	 xen_time_start(void);
void	 xen_shutdown(enum mode_shutdown);

/* smp.c */
void	 smp_intr(void);		/* another CPU has interrupted us */
void	 smp_flush(void);
void	 smp_resume(void);		/* the other CPUs never ran here */

/* xencpu.c: virtual CPUs of Xen's. */
void	 xencpu_init(void);
void	 xencpu_timer_set(uint64_t when);
unsigned int xencpu_count(void);
void	 xencpu_resume(void);		/* the boot CPU, after a suspend */
int	 xencpu_attach(unsigned int cpu);
int	 xencpu_up(unsigned int cpu);
void	 xencpu_stop(void);
bool	 xencpu_reap(unsigned int cpu);
void	 xencpu_ipi(unsigned int cpu);

/* hvm/smp.c: those of a machine without Xen. */
unsigned int hvm_smp_count(void);
void	 hvm_smp_ipi(unsigned int cpu);

/* hvm/lapic.c: the timer and lines of a machine without Xen. */
uint64_t lapic_measure_tsc(void);	/* ticks per second */
void	 lapic_timer_set(uint64_t when);
void	 lapic_intr(unsigned int vec);
void	 lapic_again(unsigned int vec);
uint64_t rtc_read(void);		/* hvm/rtc.c; ns since 1970 or 0 */

#endif /* MODE_H */
