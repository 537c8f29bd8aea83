/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_sys.c -- the shell's commands about the guest itself.
 */

#include "shell.h"

#include <arch.h>
#include <conf.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <pv/pv.h>
#include <sched.h>
#include <string.h>
#include <tty.h>

#define CMD_LOGBUF	1024
#define CMD_HOLD	(20 * NSEC_PER_SEC)
#define CMD_HOLD_STEP	(20 * NSEC_PER_MSEC)

static int
cmd_help(int argc, char **argv)
{
	const struct cmd *cm;
	unsigned int n;
	bool found = false;

	for (n = 0; (cm = shell_cmd(n)) != NULL; n++) {
		if (argc > 1 && strcmp(cm->cm_name, argv[1]) != 0)
			continue;
		found = true;
		kprintf("%s%s%s\n\t%s\n", cm->cm_name,
		    cm->cm_args[0] != '\0' ? " " : "", cm->cm_args,
		    cm->cm_what);
		if (n % 8 == 7 && shell_pace())
			break;
	}
	if (!found)
		kprintf("help: no command %s\n", argv[1]);
	return found ? 0 : 1;
}

static int
cmd_version(int argc, char **argv)
{
	kprintf("Domus %s %s, running as %s\n", PV_VERSION, conf_ident,
	    arch_mode_name());
	return 0;
}

static int
cmd_uptime(int argc, char **argv)
{
	uint64_t s = arch_now() / NSEC_PER_SEC;

	kprintf("up %llu days %02llu:%02llu:%02llu\n",
	    (unsigned long long)(s / 86400),
	    (unsigned long long)(s / 3600 % 24),
	    (unsigned long long)(s / 60 % 60), (unsigned long long)(s % 60));
	return 0;
}

static int
cmd_date(int argc, char **argv)
{
	char text[32];

	time_format(text, sizeof(text));
	kprintf("%s\n", text);
	return 0;
}

/* ---- memory ------------------------------------------------------------ */

/* Pages that `memory hold` holds: the first words of each. */
struct cmd_held {
	struct cmd_held	*ch_next;
	uint64_t	 ch_mark[PV_PAGE_SIZE / sizeof(uint64_t) - 1];
};

static struct cmd_held *cmd_held;
static uint64_t cmd_nheld;

/* One page more, full of numbers that nobody else has. */
static bool
cmd_memory_take(void)
{
	struct cmd_held *ch = page_alloc(1);
	size_t i;

	if (ch == NULL)
		return false;
	for (i = 0; i < PV_NELEM(ch->ch_mark); i++)
		ch->ch_mark[i] = cmd_nheld << 16 | i;
	ch->ch_next = cmd_held;
	cmd_held = ch;
	cmd_nheld++;
	return true;
}

/* Let go of one page; false: it is not as it was. */
static bool
cmd_memory_drop(void)
{
	struct cmd_held *ch = cmd_held;
	size_t i;

	cmd_nheld--;
	for (i = 0; i < PV_NELEM(ch->ch_mark); i++)
		if (ch->ch_mark[i] != (cmd_nheld << 16 | i))
			break;
	cmd_held = ch->ch_next;
	page_free(ch, 1);
	return i == PV_NELEM(ch->ch_mark);
}

/*
 * Hold so many MiB.  A MiB at a time, and what can not be had is asked for
 * again for a while: a balloon may have it.
 */
static int
cmd_memory_hold(char **argv)
{
	uint64_t until = arch_now() + CMD_HOLD, n, nbad = 0;
	bool stop = false;

	if (!shell_num(argv, argv[2], UINT32_MAX, &n))
		return SHELL_USAGE;
	n <<= 20 - PV_PAGE_SHIFT;
	while (cmd_nheld > n)
		nbad += !cmd_memory_drop();
	while (cmd_nheld < n && !stop) {
		if (cmd_memory_take() && cmd_nheld % 256 != 0)
			continue;
		stop = arch_now() > until || shell_sleep(CMD_HOLD_STEP);
	}
	kprintf("memory: %llu of %llu pages held, %llu were changed\n",
	    (unsigned long long)cmd_nheld, (unsigned long long)n,
	    (unsigned long long)nbad);
	return cmd_nheld < n || nbad > 0;
}

static int
cmd_memory(int argc, char **argv)
{
	struct mm_stat ms;

	if (argc == 3 && strcmp(argv[1], "hold") == 0)
		return cmd_memory_hold(argv);
	if (argc > 1)
		return shell_usage(argv);
	mm_stat(&ms);
	kprintf("memory: total %llu free %llu low %llu heap %llu failed"
	    " %llu\n", (unsigned long long)ms.ms_total,
	    (unsigned long long)ms.ms_free, (unsigned long long)ms.ms_low,
	    (unsigned long long)ms.ms_heap, (unsigned long long)ms.ms_nfail);
	return 0;
}

static int
cmd_threads(int argc, char **argv)
{
	struct thread_info ti;
	unsigned int n;

	kprintf("%4s %-20s %3s %-6s %10s %s\n", "ID", "NAME", "CPU", "STATE",
	    "CPU ms", "STACK");
	for (n = 0; thread_info(n, &ti) == 0; n++) {
		kprintf("%4u %-20s %3u %-6s %10llu %zu of %zu\n", ti.ti_id,
		    ti.ti_name, ti.ti_cpu, ti.ti_state,
		    (unsigned long long)(ti.ti_runtime / NSEC_PER_MSEC),
		    ti.ti_stackused, ti.ti_stack);
		if (n % 16 == 15 && shell_pace())
			break;
	}
	return 0;
}

static unsigned long long
cmd_ms(uint64_t ns)
{
	return ns / NSEC_PER_MSEC;
}

static int
cmd_cpus(int argc, char **argv)
{
	struct arch_steal as;
	unsigned int n;

	kprintf("%3s %-5s %-5s %10s %10s %10s %10s\n", "CPU", "STATE", "VCPU",
	    "RAN ms", "STOLEN ms", "IDLE ms", "OFF ms");
	for (n = 0; n < arch_ncpu(); n++) {
		kprintf("%3u %-5s ", n, sched_cpu[n].cpu_online ? "up" :
		    "down");
		if (!arch_steal(n, &as))
			kprintf("?\n");
		else
			kprintf("%-5s %10llu %10llu %10llu %10llu\n",
			    arch_vcpu_runs(n) ? "runs" : "waits",
			    cmd_ms(as.as_run), cmd_ms(as.as_steal),
			    cmd_ms(as.as_idle), cmd_ms(as.as_off));
	}
	return 0;
}

/* Show the level, or set it. */
static int
cmd_log_level(int argc, char **argv)
{
	if (argc == 3 && !klog_set_level(argv[2])) {
		kprintf("log: no level %s: give err, warn, info or debug\n",
		    argv[2]);
		return SHELL_USAGE;
	}
	if (argc == 2)
		kprintf("%s\n", klog_level_name(klog_console_level));
	return 0;
}

static int
cmd_log(int argc, char **argv)
{
	uint64_t pos = 0;
	size_t n;
	char *buf;

	if (argc > 1 && argc <= 3 && strcmp(argv[1], "level") == 0)
		return cmd_log_level(argc, argv);
	if (argc > 1)
		return shell_usage(argv);
	buf = kmalloc(CMD_LOGBUF);
	if (buf == NULL)
		return shell_fail(argv, "log", -PV_ENOMEM);
	while ((n = klog_read(&pos, buf, CMD_LOGBUF)) > 0) {
		tty_write(buf, n);
		if (shell_pace())
			break;
	}
	kfree(buf);
	return 0;
}

static int
cmd_echo(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		kprintf("%s%s", i > 1 ? " " : "", argv[i]);
	kprintf("\n");
	return 0;
}

static int
cmd_sleep(int argc, char **argv)
{
	uint64_t n;

	if (argc != 2)
		return shell_usage(argv);
	if (!shell_num(argv, argv[1], 1000000, &n))
		return SHELL_USAGE;
	return shell_sleep(n * NSEC_PER_SEC) ? 1 : 0;
}

static int
cmd_poweroff(int argc, char **argv)
{
	app_poweroff(0);
}

static int
cmd_reboot(int argc, char **argv)
{
	app_reboot();
}

static int
cmd_crash(int argc, char **argv)
{
	panic("the operator asked for a crash");
}

/* Only the watchdog ends that. */
_Noreturn static int
cmd_hang(int argc, char **argv)
{
	(void)tty_drain(arch_now() + NSEC_PER_SEC);
	(void)arch_irq_save();
	for (;;)
		arch_pause();
}

static int
cmd_true(int argc, char **argv)
{
	return 0;
}

static int
cmd_false(int argc, char **argv)
{
	return 1;
}

const struct cmd cmd_sys[] = {
	{ "help", "[COMMAND]", "this list, or one of it", cmd_help },
	{ "version", "", "which Domus, and how it runs", cmd_version },
	{ "uptime", "", "time since boot", cmd_uptime },
	{ "date", "", "time of day, UTC", cmd_date },
	{ "memory", "[hold MIB]", "bytes of memory; take some, for tests",
	    cmd_memory },
	{ "threads", "", "threads, their time and stacks", cmd_threads },
	{ "cpus", "", "CPUs, and what the hypervisor says of their time",
	    cmd_cpus },
	{ "log", "[level [LEVEL]]", "the kernel's log; how much of it the"
	    " console shows", cmd_log },
	{ "echo", "[WORD ...]", "print words", cmd_echo },
	{ "sleep", "SECONDS", "wait", cmd_sleep },
	{ "true", "", "succeed", cmd_true },
	{ "false", "", "fail", cmd_false },
	{ "poweroff", "", "unmount and end the guest", cmd_poweroff },
	{ "reboot", "", "unmount and start the guest anew", cmd_reboot },
	{ "crash", "", "panic, for tests", cmd_crash },
	{ "hang", "", "stop the CPU that this runs on, for tests", cmd_hang },
	{ NULL, NULL, NULL, NULL }
};
