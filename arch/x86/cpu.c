/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu.c -- the functions of kernel/arch.h that are a step through cpu_mode,
 * and the struct boot_info that the entry code of a mode fills.
 */

#include <arch.h>
#include <sched.h>

#include "layout.h"
#include "mode.h"
#include "x86.h"

/* For arch_cpu() and pv/irq.S. */
_Static_assert(offsetof(struct cpu, cpu_self) == 0 &&
    offsetof(struct cpu, cpu_arch) == CPU_ARCH, "struct cpu");

const struct cpu_mode *cpu_mode;
struct boot_info mode_boot;
const char *mode_name = "?";

void	 arch_thread_start(void);	/* switch.S */

/* ---- this CPU ---------------------------------------------------------- */

struct cpu *
arch_cpu(void)
{
	struct cpu *cpu;

	__asm__ __volatile__("movq %%gs:0, %0" : "=r" (cpu));
	return cpu;
}

struct thread *
arch_thread(void)
{
	struct thread *td;

	__asm__ __volatile__("movq %%gs:%c1, %0" : "=r" (td) :
	    "i" (offsetof(struct cpu, cpu_thread)));
	return td;
}

unsigned long
arch_irq_save(void)
{
	return cpu_mode->cm_irq_save();
}

void
arch_irq_restore(unsigned long old)
{
	cpu_mode->cm_irq_restore(old);
}

void
arch_irq_enable(void)
{
	cpu_mode->cm_irq_enable();
}

bool
arch_irq_enabled(void)
{
	return cpu_mode->cm_irq_enabled();
}

void
arch_idle(void)
{
	cpu_mode->cm_idle();
}

void
arch_pause(void)
{
	x86_pause();
}

/*
 * The boot CPU's per-CPU data, ready to be found through %gs.
 * Context: entry.
 */
struct cpu *
mode_cpu0(void)
{
	sched_cpu[0].cpu_self = &sched_cpu[0];
	return &sched_cpu[0];
}

/* ---- interrupts -------------------------------------------------------- */

/*
 * Around every interrupt handler, with interrupts masked throughout.  Only
 * the outermost one may switch threads: the interrupted thread then finds
 * its registers in the trap frame when it is chosen again, perhaps on another
 * CPU; nothing after sched_intr_exit() may use per-CPU data found before it.
 */
void
mode_intr_enter(void)
{
	arch_cpu()->cpu_nintr++;
}

void
mode_intr_leave(void)
{
	if (--arch_cpu()->cpu_nintr == 0)
		sched_intr_exit();
}

/* ---- threads ----------------------------------------------------------- */

void *
arch_thread_stack(void *top, void (*fn)(void *), void *arg)
{
	uint64_t *sp = (uint64_t *)((uintptr_t)top & ~15ul);

	/* What arch_switch() pops: r15 r14 r13 r12 rbx rbp, and returns to. */
	*--sp = 0;			/* end of the backtrace, alignment */
	*--sp = 0;
	*--sp = (uintptr_t)arch_thread_start;
	*--sp = 0;			/* rbp */
	*--sp = (uintptr_t)fn;		/* rbx */
	*--sp = (uintptr_t)arg;		/* r12 */
	*--sp = 0;
	*--sp = 0;
	*--sp = 0;
	return sp;
}

/* ---- memory ------------------------------------------------------------ */

void *
arch_pa_to_va(uint64_t pa)
{
	return (void *)(LAYOUT_DIRECT + pa);
}

uint64_t
arch_va_to_pa(const void *va)
{
	uintptr_t p = (uintptr_t)va;

	return p >= LAYOUT_KERNEL ? p - LAYOUT_KERNEL : p - LAYOUT_DIRECT;
}

/*
 * Note usable RAM.  Entries come in ascending order.
 * Context: entry.
 */
void
mode_mem_add(uint64_t base, uint64_t end)
{
	struct boot_info *bi = &mode_boot;
	struct boot_mem *bm;

	base = (base + PV_PAGE_SIZE - 1) & PV_PAGE_MASK;
	end &= PV_PAGE_MASK;
	if (end > LAYOUT_DIRECT_SIZE)
		end = LAYOUT_DIRECT_SIZE;
	if (base >= end || bi->bi_nmem == BOOT_NMEM)
		return;
	bm = &bi->bi_mem[bi->bi_nmem++];
	bm->bm_base = base;
	bm->bm_len = end - base;
}

/*
 * Take a range out of the usable RAM.
 * Context: entry.
 */
void
mode_mem_reserve(uint64_t base, uint64_t end)
{
	struct boot_info *bi = &mode_boot;
	struct boot_mem old[BOOT_NMEM / 4];
	unsigned int i, n = 0;

	base &= PV_PAGE_MASK;
	end = (end + PV_PAGE_SIZE - 1) & PV_PAGE_MASK;
	for (; n < bi->bi_nmem && n < PV_NELEM(old); n++)
		old[n] = bi->bi_mem[n];
	bi->bi_nmem = 0;
	for (i = 0; i < n; i++) {
		uint64_t b = old[i].bm_base, e = b + old[i].bm_len;

		mode_mem_add(b, e < base ? e : base);
		mode_mem_add(b > end ? b : end, e);
	}
}

/*
 * Copy the command line; text need not be terminated within max bytes.
 * Context: entry.
 */
void
mode_cmdline(const char *text, size_t max)
{
	size_t i;

	for (i = 0; i < max && i < BOOT_CMDLINE - 1 && text[i] != '\0'; i++)
		mode_boot.bi_cmdline[i] = text[i];
	mode_boot.bi_cmdline[i] = '\0';
}

/* ---- the machine ------------------------------------------------------- */

const char *
arch_mode_name(void)
{
	return mode_name;
}

static _Noreturn void
mode_end(enum mode_shutdown how, int status)
{
	arch_irq_save();
	xen_shutdown(how);
	for (;;) {
		cpu_mode->cm_shutdown(how, status);
		x86_pause();
	}
}

_Noreturn void
arch_poweroff(int status)
{
	mode_end(MODE_POWEROFF, status);
}

_Noreturn void
arch_reboot(void)
{
	mode_end(MODE_REBOOT, 0);
}

_Noreturn void
arch_crash(void)
{
	mode_end(MODE_CRASH, 1);
}
