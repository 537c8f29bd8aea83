/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu.c -- the CPUs come and go.
 *
 * One thread, at home on the boot CPU, starts and stops the others until they
 * are as somebody wants them (cpu_wanted).  In a domU that is the toolstack:
 *
 *	xl vcpu-set -> cpu/N/availability -> watch -> cpu_ask -> the thread
 *
 * Starting: the idle thread of the CPU is made, arch/x86 brings the processor
 * up on its stack, and sched_cpu_main() calls cpu_join(): it is online.
 *
 * Stopping: cpu_online goes first, so nothing is sent there any more; the CPU
 * switches to its idle thread, which gives threads and timers to the boot CPU
 * and stops.  Nobody there is waited for: who runs is preempted.  A CPU that
 * takes long, because its host is busy, is looked after again and again.
 */

#include <string.h>

#include <arch.h>
#include <cpu.h>
#include <klog.h>
#include <ktime.h>
#include <printf.h>
#include <pv/errno.h>
#include <pv/pv.h>
#include <pv/xen.h>
#include <sched.h>
#include <sync.h>

#define CPU_PATIENCE	(20 * NSEC_PER_SEC)	/* for it to start or stop */
#define CPU_POLL	(NSEC_PER_MSEC)
#define CPU_AGAIN	(NSEC_PER_SEC)		/* .. when it was too slow */

static enum {
	CPU_DOWN, CPU_COMES, CPU_UP, CPU_LEAVES
} cpu_state[CPU_MAX];				/* the thread's */
static volatile bool cpu_wanted[CPU_MAX];
static volatile bool cpu_parked;	/* all but the boot CPU, for now */
static volatile bool cpu_ask;		/* the toolstack has said something */
static struct sem cpu_sem;		/* one of them has changed */
static struct sem cpu_settled;		/* and the thread has seen to it */
static struct pv_store_watch *cpu_watch;

/* ---- on the CPU -------------------------------------------------------- */

/*
 * cpu_join -- this CPU takes threads from now on
 *
 * Context: its idle thread, interrupts masked.
 */
void
cpu_join(void)
{
	time_rearm();
	arch_cpu()->cpu_online = true;
}

/*
 * cpu_leave -- stop, until this CPU is started again
 *
 * Context: its idle thread, interrupts masked; no thread is here any more.
 */
void
cpu_leave(void)
{
	time_leave();
	arch_cpu_stop();
	cpu_join();
}

/* ---- the thread that starts and stops them ----------------------------- */

/* Wait for a CPU to be online, or to have stopped. */
static bool
cpu_wait(unsigned int cpu, bool up)
{
	uint64_t end = arch_now() + CPU_PATIENCE;

	while (up ? !sched_cpu[cpu].cpu_online : !arch_cpu_reap(cpu)) {
		if (arch_now() > end) {
			klog(PV_LOG_WARN, "cpu %u does not %s yet", cpu,
			    up ? "start" : "stop");
			return false;
		}
		thread_sleep(CPU_POLL);
	}
	return true;
}

static void
cpu_start(unsigned int cpu)
{
	int rv;

	sched_cpu[cpu].cpu_self = &sched_cpu[cpu];
	sched_cpu[cpu].cpu_id = cpu;
	rv = sched_cpu_init(cpu);
	if (rv == 0)
		rv = arch_cpu_start(cpu, sched_cpu_stack(cpu));
	if (rv == 0) {
		cpu_state[cpu] = CPU_COMES;
		return;
	}
	klog(PV_LOG_ERR, "cpu %u does not start (error %d)", cpu, -rv);
	cpu_wanted[cpu] = false;
}

/* It is still there: interrupt it, so that it sees that it shall go. */
static void
cpu_stop(unsigned int cpu)
{
	unsigned long s;

	sched_cpu[cpu].cpu_resched = true;
	arch_ipi(cpu);
	if (!cpu_wait(cpu, false))
		return;
	cpu_state[cpu] = CPU_DOWN;
	/* What waited for a time there now waits here. */
	s = arch_irq_save();
	time_rearm();
	arch_irq_restore(s);
}

/* Where it shall be, now. */
static bool
cpu_shall(unsigned int cpu)
{
	return cpu_wanted[cpu] && !cpu_parked;
}

/* Bring a CPU nearer to what is wanted; false: it is not there yet. */
static bool
cpu_step(unsigned int cpu)
{
	if (cpu_state[cpu] == CPU_DOWN && cpu_shall(cpu))
		cpu_start(cpu);
	if (cpu_state[cpu] == CPU_COMES && cpu_wait(cpu, true))
		cpu_state[cpu] = CPU_UP;
	if (cpu_state[cpu] == CPU_UP && !cpu_shall(cpu)) {
		sched_cpu[cpu].cpu_online = false;
		cpu_state[cpu] = CPU_LEAVES;
	}
	if (cpu_state[cpu] == CPU_LEAVES)
		cpu_stop(cpu);
	return cpu_state[cpu] == (cpu_shall(cpu) ? CPU_UP : CPU_DOWN);
}

/* What the toolstack wants; a CPU that it does not speak of shall be up. */
static void
cpu_read_store(void)
{
	char path[32], text[16];
	unsigned int cpu;
	size_t len;

	for (cpu = 1; cpu < arch_ncpu(); cpu++) {
		printf_format(path, sizeof(path), "cpu/%u/availability", cpu);
		len = 0;
		if (pv_store_read(path, text, sizeof(text), &len) != 0)
			len = 0;
		/* peer: only the word that takes it away does. */
		cpu_wanted[cpu] = len != strlen("offline") ||
		    memcmp(text, "offline", len) != 0;
	}
}

/* Not one that is only about to: events would wait for it. */
static bool
cpu_runs(unsigned int vcpu)
{
	return sched_cpu[vcpu].cpu_online;
}

/* Returns when to look again. */
static uint64_t
cpu_settle(void)
{
	unsigned int cpu, n = cpu_count();
	bool settled = true;

	if (cpu_ask) {
		cpu_ask = false;
		cpu_read_store();
	}
	for (cpu = 1; cpu < arch_ncpu(); cpu++)
		settled &= cpu_step(cpu);
	pv_xen_balance(cpu_runs);
	if (cpu_count() != n && !cpu_parked)
		klog(PV_LOG_INFO, "cpu: %u of %u up", cpu_count(),
		    arch_ncpu());
	return settled ? UINT64_MAX : arch_now() + CPU_AGAIN;
}

static void
cpu_thread(void *arg)
{
	uint64_t again = UINT64_MAX;

	(void)arg;
	for (;;) {
		(void)sem_wait(&cpu_sem, again);
		again = cpu_settle();
		sem_post(&cpu_settled);
	}
}

/* ---- who wants what ---------------------------------------------------- */

/*
 * cpu_init -- see cpu.h
 */
void
cpu_init(void)
{
	if (thread_create_on(0, "cpus", cpu_thread, NULL) == NULL)
		panic("no memory for the first threads: give the guest more");
}

/*
 * cpu_all -- see cpu.h
 */
void
cpu_all(void)
{
	unsigned int cpu;

	for (cpu = 1; cpu < arch_ncpu(); cpu++)
		cpu_wanted[cpu] = true;
	sem_post(&cpu_sem);
	(void)sem_wait(&cpu_settled, UINT64_MAX);
}

/*
 * cpu_want -- see cpu.h
 */
void
cpu_want(unsigned int cpu, bool up)
{
	if (cpu == 0 || cpu >= arch_ncpu())
		return;
	cpu_wanted[cpu] = up;
	sem_post(&cpu_sem);
}

/* Nothing of them runs any more. */
static bool
cpu_alone(void)
{
	unsigned int cpu;

	for (cpu = 1; cpu < arch_ncpu(); cpu++) {
		if (__atomic_load_n(&cpu_state[cpu], __ATOMIC_ACQUIRE) !=
		    CPU_DOWN)
			return false;
	}
	return true;
}

/*
 * cpu_park -- see cpu.h
 */
bool
cpu_park(void)
{
	uint64_t end = arch_now() + CPU_PATIENCE;

	cpu_parked = true;
	sem_post(&cpu_sem);
	while (!cpu_alone() && arch_now() < end)
		(void)sem_wait(&cpu_settled, end);
	return cpu_alone();
}

/*
 * cpu_unpark -- see cpu.h
 */
void
cpu_unpark(void)
{
	cpu_parked = false;
	sem_post(&cpu_sem);
}

static void
cpu_changed(void *arg, const char *path)
{
	(void)arg;
	(void)path;
	cpu_ask = true;
	sem_post(&cpu_sem);
}

/*
 * cpu_follow -- see cpu.h
 */
void
cpu_follow(void)
{
	unsigned int cpu;

	if (cpu_watch != NULL || arch_ncpu() == 1 ||
	    pv_store_watch("cpu", cpu_changed, NULL, &cpu_watch) == 0)
		return;
	for (cpu = 1; cpu < arch_ncpu(); cpu++)
		cpu_want(cpu, true);
}

/*
 * cpu_count -- how many are up
 *
 * Context: any.
 */
unsigned int
cpu_count(void)
{
	unsigned int cpu, n = 0;

	for (cpu = 0; cpu < CPU_MAX; cpu++)
		n += sched_cpu[cpu].cpu_online;
	return n;
}
