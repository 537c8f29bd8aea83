/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shell.c -- the operator's shell on the console.
 *
 * Interactive: a prompt, line editing, one line after another; each command's
 * exit status is kept for `status'.
 *
 * With shell.batch=1 it is driven by a program at the other end of the
 * console: no echo and no prompt; a line "\x1ebegin", then commands are read,
 * one line each, until a byte 0x04 or the first command that fails; then a
 * line "\x1eexit N" with its status, and the guest powers off.
 */

#include "shell.h"

#include <arch.h>
#include <cmdline.h>
#include <kernel.h>
#include <klog.h>
#include <ktime.h>
#include <pv/errno.h>
#include <sched.h>
#include <str.h>
#include <string.h>
#include <tty.h>

#include "line.h"
#include "words.h"

#define SHELL_NARG	32
#define SHELL_STACK	(32 * 1024)	/* libext2fs goes deep */
#define SHELL_ROOT_WAIT	(60 * NSEC_PER_SEC)
#define SHELL_PACE_WAIT	(5 * NSEC_PER_SEC)
#define SHELL_BATCHLINE	4096
#define SHELL_AHEAD	256
#define SHELL_EOT	0x04
#define SHELL_INTR	0x03

static struct line shell_line;
static char shell_text[SHELL_BATCHLINE];
static bool shell_batch;
static struct thread *shell_thread;

/* Typed while a command looked for ^C. */
static char shell_ahead[SHELL_AHEAD];
static unsigned int shell_nahead, shell_ahead_at;

/* ---- for commands ------------------------------------------------------ */

const struct cmd *
shell_cmd(unsigned int n)
{
	const struct cmd *const *table;
	const struct cmd *cm;

	for (table = cmd_tables; *table != NULL; table++)
		for (cm = *table; cm->cm_name != NULL; cm++)
			if (n-- == 0)
				return cm;
	return NULL;
}

static const struct cmd *
shell_find(const char *name)
{
	const struct cmd *cm;
	unsigned int n;

	for (n = 0; (cm = shell_cmd(n)) != NULL; n++)
		if (strcmp(cm->cm_name, name) == 0)
			return cm;
	return NULL;
}

int
shell_usage(char **argv)
{
	const struct cmd *cm = shell_find(argv[0]);

	kprintf("usage: %s%s%s\n", argv[0], cm->cm_args[0] != '\0' ? " " : "",
	    cm->cm_args);
	return SHELL_USAGE;
}

const char *
shell_error(int rv)
{
	static const struct {
		int		 rv;
		const char	*text;
	} names[] = {
		{ PV_EPERM, "not permitted" }, { PV_ENOENT, "no such entry" },
		{ PV_EIO, "input/output error" },
		{ PV_ENXIO, "the device is gone" },
		{ PV_E2BIG, "too long, or over quota" },
		{ PV_ENOMEM, "no memory" }, { PV_EACCES, "permission denied" },
		{ PV_EBUSY, "in use, or not empty" },
		{ PV_EEXIST, "exists already" },
		{ PV_ENODEV, "nothing is mounted there, or no such device" },
		{ PV_EISDIR, "is a directory" },
		{ PV_EINVAL, "not possible with this" },
		{ PV_ENOSPC, "no space left" },
		{ PV_EROFS, "read-only" }, { PV_EPROTO, "protocol error" },
		{ PV_EOPNOTSUPP, "not supported" },
		{ PV_ENOSYS, "the other side can not do that" },
		{ PV_EAGAIN, "in the way of others: try again" },
		{ PV_ETIMEDOUT, "no answer in time" },
		{ PV_ECANCELED, "disconnected" },
	};
	unsigned int i;

	for (i = 0; i < PV_NELEM(names); i++)
		if (names[i].rv == -rv)
			return names[i].text;
	return "failed";
}

int
shell_fail(char **argv, const char *what, int rv)
{
	kprintf("%s: %s: %s\n", argv[0], what, shell_error(rv));
	return 1;
}

bool
shell_num(char **argv, const char *text, uint64_t max, uint64_t *np)
{
	if (str_num(text, strlen(text), 0, max, np) == 0)
		return true;
	kprintf("%s: %s is not a number from 0 to %llu\n", argv[0], text,
	    (unsigned long long)max);
	return false;
}

/* Wait for ^C; what else is typed is kept for the next line. */
static bool
shell_interrupted(uint64_t deadline)
{
	int ch;

	if (thread_self() != shell_thread)
		return cmd_bg_sleep(deadline);	/* the input is not its own */
	while ((ch = tty_getc(deadline)) >= 0) {
		if (ch == SHELL_INTR) {
			shell_nahead = shell_ahead_at = 0;
			return true;
		}
		if (shell_nahead < SHELL_AHEAD)
			shell_ahead[shell_nahead++] = (char)ch;
	}
	return false;
}

static int
shell_getc(void)
{
	if (shell_ahead_at < shell_nahead)
		return (unsigned char)shell_ahead[shell_ahead_at++];
	shell_nahead = shell_ahead_at = 0;
	return tty_getc(UINT64_MAX);
}

bool
shell_sleep(uint64_t ns)
{
	if (!shell_batch)
		return shell_interrupted(arch_now() + ns);
	thread_sleep(ns);	/* the input is commands to come */
	return false;
}

bool
shell_pace(void)
{
	(void)tty_drain(arch_now() + SHELL_PACE_WAIT);
	return !shell_batch && shell_interrupted(arch_now());
}

/* ---- running ----------------------------------------------------------- */

int
shell_run_one(int argc, char **argv)
{
	const struct cmd *cm = shell_find(argv[0]);

	if (cm == NULL) {
		kprintf("%s: no such command; `help' lists them\n", argv[0]);
		return 127;
	}
	return cm->cm_main(argc, argv);
}

/*
 * Run the commands of one line.  Returns the status of the last, or of the
 * first that failed when that ends a batch.
 */
static int
shell_run(char *text)
{
	char *argv[SHELL_NARG + 1];
	int argc, status = 0;

	while (text != NULL && (status == 0 || !shell_batch)) {
		argc = words_next(&text, argv, SHELL_NARG);
		if (argc < 0) {
			kprintf("shell: %s\n", argc == WORDS_QUOTE ?
			    "a quote is not closed" : "too many words");
			return SHELL_USAGE;
		}
		if (argc > 0)
			status = shell_run_one(argc, argv);
	}
	return status;
}

/* ---- batch ------------------------------------------------------------- */

/* A line into shell_text.  False: that was all. */
static bool
shell_batch_line(bool *end)
{
	size_t len = 0;
	int ch;

	for (;;) {
		ch = tty_getc(UINT64_MAX);
		if (ch < 0)
			continue;
		*end = ch == SHELL_EOT;
		if (*end || ch == '\n' || ch == '\r')
			break;
		if (len + 1 < sizeof(shell_text))
			shell_text[len++] = (char)ch;
		else
			len = sizeof(shell_text);
		if (len >= sizeof(shell_text))
			return false;
	}
	shell_text[len] = '\0';
	return true;
}

_Noreturn static void
shell_batch_main(void)
{
	bool end = false;
	int status = 0;

	fs_root_wait(arch_now() + SHELL_ROOT_WAIT);
	kprintf("\x1e" "begin\n");
	while (!end && status == 0) {
		if (!shell_batch_line(&end)) {
			kprintf("shell: a line is longer than %u bytes\n",
			    SHELL_BATCHLINE - 1);
			status = SHELL_USAGE;
			break;
		}
		status = shell_run(shell_text);
	}
	kprintf("\x1e" "exit %d\n", status);
	app_poweroff(status);
}

/* ---- interactive ------------------------------------------------------- */

static const char *
shell_word(unsigned int n)
{
	const struct cmd *cm = shell_cmd(n);

	return cm != NULL ? cm->cm_name : NULL;
}

static void
shell_main(void *arg)
{
	int ch;

	(void)arg;
	shell_thread = thread_self();
	if (shell_batch)
		shell_batch_main();
	shell_line.ln_prompt = "domus# ";
	shell_line.ln_put = tty_write;
	shell_line.ln_word = shell_word;
	line_begin(&shell_line);
	for (;;) {
		ch = shell_getc();
		if (ch < 0)
			continue;
		switch (line_input(&shell_line, ch)) {
		case LINE_MORE:
			break;
		case LINE_DONE:
			memcpy(shell_text, shell_line.ln_text, LINE_SIZE);
			(void)shell_run(shell_text);
			/* FALLTHROUGH */
		case LINE_STOP:
			line_begin(&shell_line);
			break;
		case LINE_END:
			kprintf("\n`poweroff' ends the guest\n");
			line_begin(&shell_line);
			break;
		}
	}
}

void
shell_start(void)
{
	shell_batch = cmdline_bool("shell.batch", false);
	if (thread_create("shell", shell_main, NULL, SHELL_STACK) == NULL)
		klog(PV_LOG_ERR, "shell: no memory to start it");
}
