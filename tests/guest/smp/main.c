/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp -- all CPUs come up, share the work, keep time together, interrupt each
 * other, and come back after they were taken down.  cpus=N on the command
 * line says how many there must be.
 */

#include <cmdline.h>
#include <cpu.h>
#include <pv/os.h>
#include <sync.h>

#include "../test.h"

#define SMP_TIME	(300 * NSEC_PER_MSEC)
#define SMP_PATIENCE	(60 * NSEC_PER_SEC)
#define SMP_ROUNDS	8000u		/* of each */
#define SMP_SLEEPS	400u		/* of all, with locks that sleep */
#define SMP_HOPS	400u		/* of all */
#define SMP_TIMERS	20u

static unsigned int smp_ncpu;
static unsigned int smp_started;	/* threads that shall end .. */
static struct sem smp_ended;		/* .. and those that have */
static volatile bool smp_stop;

/* Run fn(arg) on n more threads; on: one for each CPU, at home there. */
static void
smp_start(unsigned int n, bool on, void (*fn)(void *))
{
	unsigned int i;
	void *arg;

	smp_started += n;
	for (i = 0; i < n; i++) {
		arg = (void *)(uintptr_t)i;
		TEST((on ? thread_create_on(i, "smp", fn, arg) :
		    thread_create("smp", fn, arg, 0)) != NULL);
	}
}

static void
smp_done(void)
{
	sem_post(&smp_ended);
}

static void
smp_join(void)
{
	for (; smp_started > 0; smp_started--)
		TEST(sem_wait(&smp_ended, arch_now() + SMP_PATIENCE) == 0);
}

static unsigned int
smp_here(void)
{
	unsigned long s = arch_irq_save();
	unsigned int cpu = arch_cpu()->cpu_id;

	arch_irq_restore(s);
	return cpu;
}

/* ---- work goes everywhere ---------------------------------------------- */

static volatile uint64_t smp_count[CPU_MAX];

/* Counts on the CPU where it finds itself. */
static void
smp_spin(void *arg)
{
	unsigned long s;
	unsigned int i;

	(void)arg;
	while (!smp_stop) {
		s = arch_irq_save();
		for (i = 0; i < 100; i++)
			smp_count[arch_cpu()->cpu_id]++;
		arch_irq_restore(s);
	}
	smp_done();
}

/* More threads than CPUs: each CPU has some, and nobody is starved. */
static void
smp_spreads(void)
{
	uint64_t end = arch_now() + SMP_PATIENCE;
	unsigned int cpu;

	smp_stop = false;
	smp_start(2 * smp_ncpu, false, smp_spin);
	thread_sleep(SMP_TIME);
	for (cpu = 0; cpu < smp_ncpu; cpu++) {
		while (smp_count[cpu] == 0) {
			TEST(arch_now() < end);
			thread_sleep(NSEC_PER_MSEC);
		}
	}
	smp_stop = true;
	smp_join();
	for (cpu = 0; cpu < smp_ncpu; cpu++)
		test_log("cpu %u: %llu", cpu,
		    (unsigned long long)smp_count[cpu]);
}

static unsigned int smp_nhome;

static void
smp_at_home(void *arg)
{
	unsigned int i, home = (unsigned int)(uintptr_t)arg;

	for (i = 0; i < 20; i++) {
		TEST(smp_here() == home);
		thread_sleep(NSEC_PER_MSEC);
		TEST(smp_here() == home);
		thread_yield();
	}
	__atomic_fetch_add(&smp_nhome, 1, __ATOMIC_SEQ_CST);
	smp_done();
}

/* ---- locks ------------------------------------------------------------- */

static struct spinlock smp_spinlock;
static struct mutex smp_mutex;
static struct sem smp_sem;
static uint64_t smp_a, smp_b, smp_c;	/* not volatile, not atomic */

static void
smp_contend(void *arg)
{
	unsigned int i, often = SMP_ROUNDS * 2 * smp_ncpu / SMP_SLEEPS;
	unsigned long s;

	(void)arg;
	for (i = 0; i < SMP_ROUNDS; i++) {
		s = spin_lock(&smp_spinlock);
		smp_a++;
		spin_unlock(&smp_spinlock, s);
		if (i % often != 0)
			continue;
		mutex_lock(&smp_mutex);
		smp_b++;
		mutex_unlock(&smp_mutex);
		TEST(sem_wait(&smp_sem, UINT64_MAX) == 0);
		smp_c++;
		sem_post(&smp_sem);
	}
	smp_done();
}

static void
smp_locks(void)
{
	unsigned int n = 2 * smp_ncpu;
	uint64_t each = PV_HOWMANY(SMP_ROUNDS, SMP_ROUNDS * n / SMP_SLEEPS);

	smp_a = smp_b = smp_c = 0;
	sem_post(&smp_sem);
	smp_start(n, false, smp_contend);
	smp_join();
	TEST(smp_a == (uint64_t)n * SMP_ROUNDS);
	TEST(smp_b == n * each);
	TEST(smp_c == n * each);
}

/* ---- wakes across CPUs ------------------------------------------------- */

static struct sem smp_hop[CPU_MAX];

/* A token goes round all CPUs; a wake that is lost stops it. */
static void
smp_ring(void *arg)
{
	unsigned int i, me = (unsigned int)(uintptr_t)arg;

	for (i = 0; i < SMP_HOPS / smp_ncpu; i++) {
		TEST(sem_wait(&smp_hop[me], UINT64_MAX) == 0);
		sem_post(&smp_hop[(me + 1) % smp_ncpu]);
	}
	smp_done();
}

static void
smp_wakes(void)
{
	uint64_t start = arch_now();

	smp_start(smp_ncpu, true, smp_ring);
	sem_post(&smp_hop[0]);
	smp_join();
	test_log("%u hops, %llu ns each", SMP_HOPS / smp_ncpu * smp_ncpu,
	    (unsigned long long)((arch_now() - start) / SMP_HOPS));
}

/* ---- time -------------------------------------------------------------- */

static uint64_t smp_latest;		/* any CPU's latest reading */

static void
smp_clock(void *arg)
{
	uint64_t seen, now;

	(void)arg;
	while (!smp_stop) {
		seen = __atomic_load_n(&smp_latest, __ATOMIC_SEQ_CST);
		now = arch_now();
		TEST(now >= seen);
		while (seen < now && !__atomic_compare_exchange_n(&smp_latest,
		    &seen, now, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			continue;
	}
	smp_done();
}

static struct timer smp_timer[CPU_MAX];
static volatile unsigned int smp_ticks[CPU_MAX];

static void
smp_tick(void *arg)
{
	unsigned int cpu = (unsigned int)(uintptr_t)arg;

	TEST(arch_cpu()->cpu_id == cpu && !arch_irq_enabled());
	if (++smp_ticks[cpu] < SMP_TIMERS)
		timer_set(&smp_timer[cpu], arch_now() + NSEC_PER_MSEC);
	else
		smp_done();
}

/* A timer fires on the CPU that set it. */
static void
smp_arm(void *arg)
{
	unsigned int cpu = (unsigned int)(uintptr_t)arg;

	smp_timer[cpu].tm_fn = smp_tick;
	smp_timer[cpu].tm_arg = arg;
	timer_set(&smp_timer[cpu], arch_now() + NSEC_PER_MSEC);
}

static void
smp_time(void)
{
	struct arch_steal as;
	unsigned int cpu;

	smp_stop = false;
	smp_start(smp_ncpu, true, smp_clock);
	thread_sleep(SMP_TIME);
	smp_stop = true;
	smp_join();
	smp_start(smp_ncpu, true, smp_arm);
	smp_join();
	for (cpu = 0; cpu < smp_ncpu; cpu++) {
		TEST(smp_ticks[cpu] == SMP_TIMERS);
		TEST(arch_vcpu_runs(smp_here()));
		if (arch_steal(cpu, &as))
			TEST(as.as_run > 0);
	}
}

/* ---- page tables ------------------------------------------------------- */

#define SMP_MAPS	12u

static volatile uint64_t *volatile smp_va;
static volatile uint64_t smp_expect;
static struct sem smp_look[CPU_MAX], smp_seen;

/* Looks at what is mapped, each time it is told to. */
static void
smp_looker(void *arg)
{
	unsigned int i, cpu = (unsigned int)(uintptr_t)arg;

	for (i = 0; i < SMP_MAPS; i++) {
		TEST(sem_wait(&smp_look[cpu], UINT64_MAX) == 0);
		TEST(*smp_va == smp_expect);
		sem_post(&smp_seen);
	}
	smp_done();
}

/* Two frames take turns at an address: no CPU sees the one that is gone. */
static void
smp_window(void)
{
	uint64_t *page[2], *was = NULL;
	unsigned int i, cpu;

	for (i = 0; i < 2; i++) {
		page[i] = page_alloc(1);
		TEST(page[i] != NULL);
		*page[i] = i + 1;
	}
	smp_start(smp_ncpu, true, smp_looker);
	for (i = 0; i < SMP_MAPS; i++) {
		smp_va = pv_os_map(gfn_x(pv_os_gfn(page[i % 2])) <<
		    PV_PAGE_SHIFT, PV_PAGE_SIZE, PV_MEM_XEN);
		TEST(smp_va != NULL && (was == NULL || smp_va == was));
		was = (uint64_t *)(uintptr_t)smp_va;
		smp_expect = i % 2 + 1;
		for (cpu = 0; cpu < smp_ncpu; cpu++)
			sem_post(&smp_look[cpu]);
		for (cpu = 0; cpu < smp_ncpu; cpu++)
			TEST(sem_wait(&smp_seen, UINT64_MAX) == 0);
		pv_os_unmap(was, PV_PAGE_SIZE);
	}
	smp_join();
}

/* ---- down and up ------------------------------------------------------- */

static void
smp_wait_count(unsigned int n)
{
	uint64_t end = arch_now() + SMP_PATIENCE;

	while (cpu_count() != n) {
		TEST(arch_now() < end);
		thread_sleep(NSEC_PER_MSEC);
	}
}

static volatile unsigned int smp_naps;

/* Sleeps, and has a timer, wherever it is. */
static void
smp_nap(void *arg)
{
	(void)arg;
	while (!smp_stop) {
		thread_sleep(5 * NSEC_PER_MSEC);
		__atomic_fetch_add(&smp_naps, 1, __ATOMIC_SEQ_CST);
	}
	smp_done();
}

static volatile unsigned int smp_where[CPU_MAX];

/* Sleeps at home, and nobody but its clock wakes it. */
static void
smp_sit(void *arg)
{
	unsigned int home = (unsigned int)(uintptr_t)arg;

	while (!smp_stop) {
		thread_sleep(5 * NSEC_PER_MSEC);
		smp_where[home] = smp_here();
	}
	smp_done();
}

/* Those whose CPU was down go back to it. */
static void
smp_wait_home(void)
{
	uint64_t end = arch_now() + SMP_PATIENCE;
	unsigned int cpu;

	for (cpu = 0; cpu < smp_ncpu; cpu++)
		smp_where[cpu] = CPU_ANY;
	for (cpu = 0; cpu < smp_ncpu; cpu++) {
		while (smp_where[cpu] != cpu) {
			TEST(arch_now() < end);
			thread_sleep(NSEC_PER_MSEC);
		}
	}
}

static void
smp_hotplug(void)
{
	unsigned int cpu, round, naps;

	smp_stop = false;
	smp_start(smp_ncpu, true, smp_sit);
	smp_start(2 * smp_ncpu, false, smp_nap);
	for (round = 0; round < 3; round++) {
		for (cpu = 1; cpu < smp_ncpu; cpu++)
			cpu_want(cpu, false);
		smp_wait_count(1);
		naps = smp_naps;
		thread_sleep(50 * NSEC_PER_MSEC);
		TEST(smp_naps > naps);
		for (cpu = 1; cpu < smp_ncpu; cpu++)
			cpu_want(cpu, true);
		smp_wait_count(smp_ncpu);
		smp_wait_home();
	}
	smp_stop = true;
	smp_join();
	/* The CPUs that came back are as good as before. */
	smp_start(smp_ncpu, true, smp_at_home);
	smp_join();
}

void
test_main(const struct boot_info *bi)
{
	uint64_t want = cmdline_num("cpus", 1, CPU_MAX, 1);

	(void)bi;
	smp_ncpu = cpu_count();
	test_log("%u CPUs", smp_ncpu);
	TEST(smp_ncpu == want && arch_ncpu() == want);
	smp_spreads();
	smp_start(smp_ncpu, true, smp_at_home);
	smp_join();
	TEST(smp_nhome == smp_ncpu);
	smp_locks();
	smp_wakes();
	smp_time();
	if (smp_ncpu > 1)
		smp_hotplug();
	smp_window();
}
