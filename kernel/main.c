/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c -- bringing up the kernel: what is the same whether the image is the
 * guest or a test.  What it then is, guest_main() says (apps/main.c, or the
 * main.c of a test).
 *
 * The order is that of need: settings and memory first, then threads, then
 * what sleeps.  Interrupts are enabled as the last thing: from there on there
 * is preemption.
 */

#include <arch.h>
#include <cmdline.h>
#include <conf.h>
#include <cpu.h>
#include <kernel.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <os.h>
#include <sched.h>
#include <tty.h>

static void
main_banner(const struct boot_info *bi)
{
	char date[32];

	time_format(date, sizeof(date));
	klog(PV_LOG_INFO, "Domus " PV_VERSION " %s on %s, %llu MiB, %s",
	    conf_ident, arch_mode_name(),
	    (unsigned long long)(bi->bi_nbytes >> 20), date);
	if (bi->bi_cmdline[0] != '\0')
		klog(PV_LOG_INFO, "command line: %s", bi->bi_cmdline);
}

/* How much of the log the console shows. */
static void
main_loglevel(void)
{
	const char *level = cmdline_get("loglevel");

	if (cmdline_bool("quiet", false))
		klog_console_level = PV_LOG_ERR;
	if (level != NULL && !klog_set_level(level))
		klog(PV_LOG_WARN, "loglevel=%s: give err, warn, info or debug",
		    level);
}

/*
 * kernel_main -- see boot.h
 */
_Noreturn void
kernel_main(struct boot_info *bi)
{
	cmdline_init(bi->bi_cmdline);
	main_loglevel();
	mm_init(bi);
	sched_init();
	time_init();
	tty_init();
	main_banner(bi);
	arch_intr_init();
	arch_irq_enable();
	if (os_init() != 0)
		panic("no memory for the first threads: give the guest more");
	cpu_init();
	guest_main(bi);
	thread_exit();
}
