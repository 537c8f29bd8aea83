/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench-locks -- how often a lock that all CPUs want changes hands, by the
 * way in which they wait.  One line for each:
 *
 *	bench KIND WAY rounds N ns N slept N polled N
 *
 * The ways: adaptive (as the kernel does), spin (whether or not the holder's
 * virtual CPU runs), sleep (at once).
 */

#include <cmdline.h>
#include <conf.h>
#include <cpu.h>
#include <sync.h>

#include "../test.h"

#define BENCH_MAX	64u
#define BENCH_INSIDE	200u		/* steps with the lock, and without */
#define BENCH_OUTSIDE	400u

static struct spinlock bench_spin;
static struct mutex bench_mutex;
static struct rwlock bench_rw;
static struct sx bench_sx;

static volatile bool bench_stop;
static volatile uint64_t bench_guarded;
static struct bench_count {
	volatile uint64_t bc_rounds;
} __attribute__((__aligned__(64))) bench_count[BENCH_MAX];
static const struct bench_kind *bench_now;
static uint32_t bench_done;
static uint64_t bench_looks, bench_running;

static void
bench_work(unsigned int n)
{
	while (n-- > 0)
		__asm__ __volatile__("" : : : "memory");
}

static void
bench_with_spin(unsigned int i)
{
	unsigned long s = spin_lock(&bench_spin);

	bench_work(BENCH_INSIDE);
	bench_guarded++;
	spin_unlock(&bench_spin, s);
}

static void
bench_with_mutex(unsigned int i)
{
	mutex_lock(&bench_mutex);
	bench_work(BENCH_INSIDE);
	bench_guarded++;
	mutex_unlock(&bench_mutex);
}

static void
bench_with_rw(unsigned int i)
{
	if (i % 4 != 0) {
		rw_rlock(&bench_rw);
		bench_work(BENCH_INSIDE);
		rw_runlock(&bench_rw);
		return;
	}
	rw_wlock(&bench_rw);
	bench_work(BENCH_INSIDE);
	rw_wunlock(&bench_rw);
}

static void
bench_with_sx(unsigned int i)
{
	if (i % 4 != 0) {
		sx_slock(&bench_sx);
		bench_work(BENCH_INSIDE);
		sx_sunlock(&bench_sx);
		return;
	}
	sx_xlock(&bench_sx);
	bench_work(BENCH_INSIDE);
	sx_xunlock(&bench_sx);
}

static const struct bench_kind {
	const char	*bk_name;
	void		(*bk_round)(unsigned int i);
	bool		 bk_sleeps;
} bench_kinds[] = {
	{ "spinlock", bench_with_spin, false },
	{ "mutex", bench_with_mutex, true },
	{ "rwlock", bench_with_rw, true },
	{ "sx", bench_with_sx, true }
};

static void
bench_thread(void *arg)
{
	struct bench_count *bc = arg;

	while (!bench_stop) {
		bench_now->bk_round((unsigned int)bc->bc_rounds);
		bc->bc_rounds++;
		bench_work(BENCH_OUTSIDE);
	}
	__atomic_add_fetch(&bench_done, 1, __ATOMIC_RELEASE);
}

/* Let them run; how many of the CPUs the hypervisor lets run on average. */
static void
bench_watch(uint64_t end)
{
	unsigned int cpu;

	bench_looks = bench_running = 0;
	while (arch_now() < end) {
		thread_sleep(NSEC_PER_MSEC);
		bench_looks++;
		for (cpu = 0; cpu < arch_ncpu(); cpu++)
			bench_running += arch_vcpu_runs(cpu);
	}
}

static void
bench_run(const struct bench_kind *bk, const char *way, unsigned int nthread,
    uint64_t ms)
{
	uint64_t slept = lock_nsleep(), polled = spin_npoll(), start, ns;
	uint64_t rounds = 0;
	unsigned int i;

	bench_stop = false;
	bench_done = 0;
	bench_now = bk;
	for (i = 0; i < nthread; i++) {
		bench_count[i].bc_rounds = 0;
		TEST(thread_create("bench", bench_thread,
		    &bench_count[i], 0) != NULL);
	}
	start = arch_now();
	bench_watch(start + ms * NSEC_PER_MSEC);
	ns = arch_now() - start;
	for (i = 0; i < nthread; i++)
		rounds += bench_count[i].bc_rounds;
	bench_stop = true;
	while (__atomic_load_n(&bench_done, __ATOMIC_ACQUIRE) < nthread)
		thread_sleep(NSEC_PER_MSEC);
	test_log("bench %s %s rounds %llu ns %llu slept %llu polled %llu "
	    "running %llu/1000", bk->bk_name, way, (unsigned long long)rounds,
	    (unsigned long long)ns,
	    (unsigned long long)(lock_nsleep() - slept),
	    (unsigned long long)(spin_npoll() - polled),
	    (unsigned long long)(bench_running * 1000 / bench_looks));
}

/* All CPUs; without a device attached nobody says how many there shall be. */
static void
bench_cpus(void)
{
	unsigned int cpu;

	for (cpu = 1; cpu < arch_ncpu(); cpu++)
		cpu_want(cpu, true);
	while (cpu_count() < arch_ncpu())
		thread_sleep(NSEC_PER_MSEC);
}

void
test_main(const struct boot_info *bi)
{
	unsigned int n, nthread = (unsigned int)cmdline_num("threads", 1,
	    BENCH_MAX, 8);
	uint64_t ms = cmdline_num("ms", 10, 60000, 1000);

	(void)bi;
	bench_cpus();
	for (n = 0; n < PV_NELEM(bench_kinds); n++) {
		bench_run(&bench_kinds[n], "adaptive", nthread, ms);
		lock_blind = true;
		bench_run(&bench_kinds[n], "spin", nthread, ms);
		lock_blind = false;
		if (!bench_kinds[n].bk_sleeps)
			continue;
		conf_adaptive_mutexes = conf_adaptive_rwlocks = false;
		conf_adaptive_sx = false;
		bench_run(&bench_kinds[n], "sleep", nthread, ms);
		conf_adaptive_mutexes = conf_adaptive_rwlocks = true;
		conf_adaptive_sx = true;
	}
	test_log("bench end");
}
