/* SPDX-License-Identifier: BSD-2-Clause */
/* shim.c -- see shim.h; threads are ucontexts on the kernel's own stacks. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <sanitizer/asan_interface.h>

#include "shim.h"

#include <arch.h>
#include <cpu.h>
#include <klog.h>
#include <ktime.h>
#include <printf.h>
#include <sched.h>

#define SHIM_STACK	(THREAD_STACK - 512)

uint64_t shim_now, shim_wall, shim_timer = UINT64_MAX;
char shim_text[4096], shim_log[4096];

static bool shim_enabled = true;
static char *shim_mem;

/* Weak: only some tests link the scheduler and the timers. */
__attribute__((__weak__)) struct cpu sched_cpu[CPU_MAX];
void time_intr(void) __attribute__((__weak__));
void sched_intr_exit(void) __attribute__((__weak__));
const char *thread_name(struct thread *) __attribute__((__weak__));

/* What arch_switch() saves, at the top of the stack. */
struct shim_context {
	ucontext_t	 sc_uc;
	void		(*sc_fn)(void *);
	void		*sc_arg;
	char		*sc_low;	/* of its stack */
	struct shim_context *sc_next;
};

/* All that ever were: a dead thread's is freed with the process. */
static struct shim_context *shim_contexts;

void
shim_reset(void)
{
	shim_now = 1000;
	shim_wall = 0;
	shim_timer = UINT64_MAX;
	shim_text[0] = shim_log[0] = '\0';
	shim_enabled = true;
	memset(&sched_cpu[0], 0, sizeof(sched_cpu[0]));
	sched_cpu[0].cpu_self = &sched_cpu[0];
}

void
shim_ram(struct boot_info *bi, uint64_t len)
{
	memset(bi, 0, sizeof(*bi));
	if (shim_mem == NULL)
		shim_mem = aligned_alloc(PV_PAGE_SIZE, SHIM_RAM);
	memset(shim_mem, 0x77, SHIM_RAM);
	bi->bi_nmem = 1;
	bi->bi_mem[0].bm_base = 0;
	bi->bi_mem[0].bm_len = len;
	bi->bi_nbytes = len;
}

static void
shim_timer_due(void *arg)
{
	(void)arg;
	time_intr();
}

void
shim_interrupt(void (*fn)(void *), void *arg)
{
	bool was = shim_enabled;

	shim_enabled = false;
	sched_cpu[0].cpu_nintr++;
	fn(arg);
	sched_cpu[0].cpu_nintr--;
	if (sched_intr_exit != NULL)
		sched_intr_exit();
	shim_enabled = was;
}

void
shim_run(uint64_t ns)
{
	uint64_t end = shim_now + ns;

	while (shim_timer <= end) {
		if (shim_now < shim_timer)
			shim_now = shim_timer;
		shim_timer = UINT64_MAX;
		shim_interrupt(shim_timer_due, NULL);
		/* Meanwhile others may have run for longer than we want. */
	}
	if (shim_now < end)
		shim_now = end;
}

/* ---- arch.h ------------------------------------------------------------ */

struct cpu *
arch_cpu(void)
{
	return &sched_cpu[0];
}

struct thread *
arch_thread(void)
{
	return sched_cpu[0].cpu_thread;
}

/* There are no other CPUs. */
void
arch_ipi(unsigned int cpu)
{
	assert_int_equal(cpu, 0);
}

void
arch_cpu_halt_others(void)
{
}

__attribute__((__weak__)) void
cpu_join(void)
{
}

__attribute__((__weak__)) void
cpu_leave(void)
{
	assert_true(false);
}

unsigned long
arch_irq_save(void)
{
	unsigned long s = shim_enabled;

	shim_enabled = false;
	return s;
}

void
arch_irq_restore(unsigned long s)
{
	shim_enabled = s != 0;
}

void
arch_irq_enable(void)
{
	shim_enabled = true;
}

bool
arch_irq_enabled(void)
{
	return shim_enabled;
}

void
arch_idle(void)
{
	assert_false(shim_enabled);
	if (shim_timer == UINT64_MAX) {
		print_message("every thread sleeps for ever\n");
		abort();
	}
	shim_enabled = true;
	shim_run(shim_timer > shim_now ? shim_timer - shim_now : 0);
}

void
arch_pause(void)
{
	print_message("a spin lock is never released\n");
	abort();
}

/* Weak: kernel/lock.c has it. */
__attribute__((__weak__)) bool lock_blind;

bool
arch_vcpu_runs(unsigned int cpu)
{
	(void)cpu;
	return true;
}

bool
arch_poll_begin(void)
{
	return false;
}

void
arch_poll(void)
{
}

void
arch_kick(unsigned int cpu)
{
	(void)cpu;
}

static void
shim_enter(unsigned int hi, unsigned int lo)
{
	struct shim_context *sc;

	sc = (struct shim_context *)(uintptr_t)((uint64_t)hi << 32 | lo);
	sc->sc_fn(sc->sc_arg);
	abort();
}

void *
arch_thread_stack(void *top, void (*fn)(void *), void *arg)
{
	struct shim_context *sc = calloc(1, sizeof(*sc));
	uint64_t bits = (uintptr_t)sc;

	sc->sc_fn = fn;
	sc->sc_arg = arg;
	sc->sc_low = (char *)top - SHIM_STACK;
	sc->sc_next = shim_contexts;
	shim_contexts = sc;
	getcontext(&sc->sc_uc);
	sc->sc_uc.uc_stack.ss_sp = sc->sc_low;
	sc->sc_uc.uc_stack.ss_size = SHIM_STACK;
	makecontext(&sc->sc_uc, (void (*)(void))(uintptr_t)shim_enter, 2,
	    (unsigned int)(bits >> 32), (unsigned int)bits);
	return sc;
}

void
arch_switch(void **from_sp, void *to_sp)
{
	static struct shim_context boot;
	struct shim_context *to = to_sp;
	static struct shim_context *here;
	struct shim_context *from = here == NULL ? &boot : here;

	*from_sp = from;
	here = to;
	/* One that ended leaves its marks in memory that is used again. */
	if (from->sc_low != NULL)
		ASAN_UNPOISON_MEMORY_REGION(from->sc_low, SHIM_STACK);
	swapcontext(&from->sc_uc, &to->sc_uc);
}

uint64_t
arch_now(void)
{
	return shim_now;
}

uint64_t
arch_wallclock(void)
{
	return shim_wall;
}

void
arch_timer_set(uint64_t when)
{
	shim_timer = when;
}

void *
arch_pa_to_va(uint64_t pa)
{
	return shim_mem + pa;
}

uint64_t
arch_va_to_pa(const void *va)
{
	return (uint64_t)((const char *)va - shim_mem);
}

void
arch_early_write(const char *buf, size_t len)
{
	size_t have = strlen(shim_text);

	if (len > sizeof(shim_text) - 1 - have)
		len = sizeof(shim_text) - 1 - have;
	memcpy(shim_text + have, buf, len);
	shim_text[have + len] = '\0';
}

void
arch_backtrace(void)
{
}

_Noreturn void
arch_crash(void)
{
	print_message("%s", shim_log);
	shim_log[0] = '\0';
	mock_assert(0, "arch_crash", __FILE__, __LINE__);
	abort();
}

/* ---- klog.h, where klog.c is not linked -------------------------------- */

__attribute__((__weak__)) void
vklog(enum pv_loglevel level, const char *fmt, va_list ap)
{
	size_t have = strlen(shim_log);

	(void)level;
	vsnprintf(shim_log + have, sizeof(shim_log) - 1 - have, fmt, ap);
	strcat(shim_log, "\n");
}

__attribute__((__weak__)) void
klog(enum pv_loglevel level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vklog(level, fmt, ap);
	va_end(ap);
}

__attribute__((__weak__)) _Noreturn void
panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vklog(PV_LOG_ERR, fmt, ap);
	va_end(ap);
	arch_crash();
}
