/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_bg.c -- the shell's `bg' command: others, in threads of their own, while
 * the shell goes on.
 *
 * Such a command hears nothing of what is typed; `bg stop' is what ^C is to
 * the shell's own, for all of them.
 *
 * Locks: none; cmd_bg_running and cmd_bg_ending are atomic.
 */

#include "shell.h"

#include <arch.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <pv/errno.h>
#include <sched.h>
#include <string.h>

#define BG_NARG		32
#define BG_LINE		256
#define BG_STACK	(32 * 1024)	/* libext2fs goes deep */
#define BG_LOOK		(100 * NSEC_PER_MSEC)

struct bg {
	int		 bg_argc;
	char		*bg_argv[BG_NARG + 1];
	char		 bg_text[BG_LINE];	/* the words */
};

static unsigned int cmd_bg_running;
static unsigned int cmd_bg_ending;	/* they shall, as soon as they can */

/*
 * cmd_bg_sleep -- until the deadline; true: the operator wants an end before
 *
 * Context: a thread of ours.
 */
bool
cmd_bg_sleep(uint64_t deadline)
{
	uint64_t now;

	while (__atomic_load_n(&cmd_bg_ending, __ATOMIC_RELAXED) == 0) {
		now = arch_now();
		if (now >= deadline)
			return false;
		thread_sleep(deadline - now < BG_LOOK ? deadline - now :
		    BG_LOOK);
	}
	return true;
}

static void
cmd_bg_run(void *arg)
{
	struct bg *bg = arg;
	int status = shell_run_one(bg->bg_argc, bg->bg_argv);

	kprintf("bg: %s: exit %d\n", bg->bg_argv[0], status);
	kfree(bg);
	(void)__atomic_sub_fetch(&cmd_bg_running, 1, __ATOMIC_RELAXED);
}

/* The words are in the shell's line, which it needs for the next one. */
static int
cmd_bg_copy(struct bg *bg, int argc, char **argv)
{
	size_t at = 0, len;
	int i;

	if (argc > BG_NARG)
		return -PV_E2BIG;
	for (i = 0; i < argc; i++) {
		len = strlen(argv[i]) + 1;
		if (len > sizeof(bg->bg_text) - at)
			return -PV_E2BIG;
		bg->bg_argv[i] = memcpy(bg->bg_text + at, argv[i], len);
		at += len;
	}
	bg->bg_argc = argc;
	return 0;
}

static int
cmd_bg_start(int argc, char **argv)
{
	struct bg *bg = kmalloc(sizeof(*bg));
	int rv = bg == NULL ? -PV_ENOMEM : cmd_bg_copy(bg, argc, argv);

	/* A stop was for those that ran then. */
	if (__atomic_fetch_add(&cmd_bg_running, 1, __ATOMIC_RELAXED) == 0)
		__atomic_store_n(&cmd_bg_ending, 0, __ATOMIC_RELAXED);
	if (rv == 0 && thread_create("bg", cmd_bg_run, bg, BG_STACK) == NULL)
		rv = -PV_ENOMEM;
	if (rv == 0)
		return 0;
	(void)__atomic_sub_fetch(&cmd_bg_running, 1, __ATOMIC_RELAXED);
	kfree(bg);
	return rv;
}

static int
cmd_bg_main(int argc, char **argv)
{
	int rv;

	if (argc < 2)
		return shell_usage(argv);
	if (strcmp(argv[1], "stop") == 0 && argc == 2) {
		__atomic_store_n(&cmd_bg_ending, 1, __ATOMIC_RELAXED);
		return 0;
	}
	rv = cmd_bg_start(argc - 1, argv + 1);
	return rv != 0 ? shell_fail(argv, argv[1], rv) : 0;
}

const struct cmd cmd_bg[] = {
	{ "bg", "COMMAND [ARG ...] | stop", "run a command beside the shell;"
	    " end all such commands", cmd_bg_main },
	{ NULL, NULL, NULL, NULL }
};
