/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * threads -- preemption, blocking, and registers that survive both.
 */

#include <pv/os.h>
#include <sync.h>

#include "../test.h"

#define THREADS_N	4
#define THREADS_TIME	(300 * NSEC_PER_MSEC)

static volatile uint64_t threads_count[THREADS_N];
static volatile bool threads_stop;
static volatile unsigned int threads_done;

/* Never gives up the CPU by itself. */
static void
threads_spin(void *arg)
{
	volatile uint64_t *count = arg;

	while (!threads_stop)
		(*count)++;
	threads_done++;
}

static void
threads_preempt(void)
{
	unsigned int i;

	for (i = 0; i < THREADS_N; i++)
		TEST(thread_create("spin", threads_spin,
		    (void *)(uintptr_t)&threads_count[i], 0) != NULL);
	thread_sleep(THREADS_TIME);
	threads_stop = true;
	while (threads_done < THREADS_N)
		thread_sleep(NSEC_PER_MSEC);
	for (i = 0; i < THREADS_N; i++) {
		test_log("thread %u: %llu rounds", i,
		    (unsigned long long)threads_count[i]);
		TEST(threads_count[i] > 0);
	}
}

/*
 * Each register holds a value of its own while interrupts come and go.
 */
static void
threads_registers(void)
{
	uint64_t end = arch_now() + THREADS_TIME, bad;
	unsigned int rounds = 0;

	for (; arch_now() < end; rounds++) {
		__asm__ __volatile__(
		    "movq $1, %%rbx\n\tmovq $2, %%rcx\n\tmovq $3, %%rdx\n\t"
		    "movq $4, %%rsi\n\tmovq $5, %%rdi\n\tmovq $8, %%r8\n\t"
		    "movq $9, %%r9\n\tmovq $10, %%r10\n\tmovq $11, %%r11\n\t"
		    "movq $12, %%r12\n\tmovq $13, %%r13\n\tmovq $14, %%r14\n\t"
		    "movq $15, %%r15\n\tmovl $100000, %%eax\n"
		    "1:\tdecl %%eax\n\tjnz 1b\n\t"
		    "leaq (%%rbx,%%rcx,1), %%rax\n\taddq %%rdx, %%rax\n\t"
		    "addq %%rsi, %%rax\n\taddq %%rdi, %%rax\n\t"
		    "addq %%r8, %%rax\n\taddq %%r9, %%rax\n\t"
		    "addq %%r10, %%rax\n\taddq %%r11, %%rax\n\t"
		    "addq %%r12, %%rax\n\taddq %%r13, %%rax\n\t"
		    "addq %%r14, %%rax\n\taddq %%r15, %%rax\n\t"
		    "subq $107, %%rax"
		    : "=a" (bad) : : "rbx", "rcx", "rdx", "rsi", "rdi", "r8",
		    "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc");
		TEST(bad == 0);
	}
	test_log("%u rounds with all registers", rounds);
}

/* ---- the port's events and works --------------------------------------- */

static struct pv_os_event threads_ev;
static struct pv_os_work threads_work;
static volatile unsigned int threads_ran;

static void
threads_work_fn(void *arg)
{
	threads_ran++;
	pv_os_wake(arg);
}

static void
threads_events(void)
{
	uint64_t t = pv_os_now();

	TEST(pv_os_wait(&threads_ev, t + 5 * NSEC_PER_MSEC) ==
	    -PV_ETIMEDOUT);
	TEST(pv_os_now() >= t + 5 * NSEC_PER_MSEC);
	pv_os_wake(&threads_ev);
	pv_os_wake(&threads_ev);
	TEST(pv_os_wait(&threads_ev, UINT64_MAX) == 0);
	TEST(pv_os_wait(&threads_ev, pv_os_now()) == -PV_ETIMEDOUT);
}

static void
threads_works(unsigned int flags)
{
	uint64_t t = pv_os_now();

	threads_ran = 0;
	threads_work.pw_fn = threads_work_fn;
	threads_work.pw_arg = &threads_ev;
	threads_work.pw_flags = flags;
	pv_os_defer(&threads_work, 10 * NSEC_PER_MSEC);
	pv_os_defer(&threads_work, 20 * NSEC_PER_MSEC);	/* coalesces */
	TEST(pv_os_wait(&threads_ev, t + 30 * NSEC_PER_SEC) == 0);
	TEST(threads_ran == 1 && pv_os_now() - t >= 10 * NSEC_PER_MSEC);
	pv_os_defer(&threads_work, 60 * NSEC_PER_SEC);
	pv_os_defer(&threads_work, 0);			/* moves it forward */
	TEST(pv_os_wait(&threads_ev, pv_os_now() + 30 * NSEC_PER_SEC) == 0);
	pv_os_defer(&threads_work, NSEC_PER_SEC);
	pv_os_cancel(&threads_work);
	thread_sleep(1100 * NSEC_PER_MSEC);
	TEST(threads_ran == 2);
}

void
test_main(const struct boot_info *bi)
{
	(void)bi;
	threads_preempt();
	threads_registers();
	threads_events();
	threads_works(0);
	threads_works(PV_WORK_SLEEPS);
}
