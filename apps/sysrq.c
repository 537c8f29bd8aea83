/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysrq.c -- xl sysrq: what an operator presses when nothing else works.
 *
 * The letters are those of Linux, as far as there is such a thing here.  All of
 * it works from the log alone, for the console's shell may be what hangs.
 */

#include <app.h>
#include <arch.h>
#include <file.h>
#include <klog.h>
#include <mm.h>
#include <pv/types.h>
#include <sched.h>

#define SYSRQ_STACK	(32 * 1024)	/* libext2fs goes deep */

static void
sysrq_memory(void)
{
	struct mm_stat ms;

	mm_stat(&ms);
	klog(PV_LOG_INFO, "sysrq: %llu of %llu KiB free, %llu at least, heap "
	    "%llu, %llu times none", (unsigned long long)ms.ms_free >> 10,
	    (unsigned long long)ms.ms_total >> 10,
	    (unsigned long long)ms.ms_low >> 10,
	    (unsigned long long)ms.ms_heap >> 10,
	    (unsigned long long)ms.ms_nfail);
}

static void
sysrq_threads(void)
{
	struct thread_info ti;
	unsigned int n;

	for (n = 0; thread_info(n, &ti) == 0; n++)
		klog(PV_LOG_INFO, "sysrq: thread %u %s: %s on CPU %u, %llu ms",
		    ti.ti_id, ti.ti_name, ti.ti_state, ti.ti_cpu,
		    (unsigned long long)(ti.ti_runtime / 1000000));
}

static void
sysrq_sync_thread(void *arg)
{
	(void)arg;
	klog(PV_LOG_INFO, "sysrq: sync: %s", fs_sync() == 0 ? "done" :
	    "a disk does not take it");
}

static void
sysrq_sync(void)
{
	if (thread_create("sync", sysrq_sync_thread, NULL, SYSRQ_STACK) ==
	    NULL)
		klog(PV_LOG_ERR, "sysrq: no memory to sync");
}

static void
sysrq_poweroff(void)
{
	arch_poweroff(0);
}

static void
sysrq_crash(void)
{
	panic("the toolstack asked for a crash (sysrq)");
}

static const struct {
	char		 sk_key;
	const char	*sk_what;
	void		(*sk_fn)(void);
} sysrq_keys[] = {
	{ 'b', "reboot at once", arch_reboot },
	{ 'c', "crash", sysrq_crash },
	{ 'm', "memory", sysrq_memory },
	{ 'o', "power off at once", sysrq_poweroff },
	{ 's', "write everything to the disks", sysrq_sync },
	{ 't', "threads", sysrq_threads }
};

/*
 * app_sysrq -- do what a key asks for; tell of all keys for another
 *
 * Context: thread.
 */
void
app_sysrq(char key)
{
	size_t i;

	for (i = 0; i < PV_NELEM(sysrq_keys); i++) {
		if (sysrq_keys[i].sk_key == key) {
			klog(PV_LOG_INFO, "sysrq: %s", sysrq_keys[i].sk_what);
			sysrq_keys[i].sk_fn();
			return;
		}
	}
	for (i = 0; i < PV_NELEM(sysrq_keys); i++)
		klog(PV_LOG_INFO, "sysrq: %c: %s", sysrq_keys[i].sk_key,
		    sysrq_keys[i].sk_what);
}
