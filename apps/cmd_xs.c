/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_xs.c -- the shell's `xenstore' command.
 */

#include "shell.h"

#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <pv/errno.h>
#include <pv/pv.h>
#include <str.h>
#include <string.h>
#include <tty.h>

#define CMD_XSBUF	65536		/* of a directory's names */
#define CMD_XSWAIT	3600		/* seconds, when none are given */

/* The store's values are anyone's words: no control characters. */
static void
cmd_xs_print(char *buf, size_t len)
{
	str_sanitise(buf, len);
	tty_write(buf, len);
	tty_write("\n", 1);
}

static int
cmd_xs_read(char **argv, char *buf)
{
	size_t len;
	int rv;

	rv = pv_store_read(argv[2], buf, CMD_XSBUF, &len);
	if (rv != 0)
		return shell_fail(argv, argv[2], rv);
	cmd_xs_print(buf, len);
	return 0;
}

static int
cmd_xs_ls(char **argv, char *buf)
{
	size_t len, at, n;
	int rv;

	rv = pv_store_ls(argv[2], buf, CMD_XSBUF, &len);
	if (rv != 0)
		return shell_fail(argv, argv[2], rv);
	for (at = 0; at < len; at += n + 1) {
		n = strnlen(buf + at, len - at);
		cmd_xs_print(buf + at, n);
		if (shell_pace())
			break;
	}
	return 0;
}

static int
cmd_xs_write(char **argv)
{
	int rv;

	rv = pv_store_write(argv[2], argv[3], strlen(argv[3]));
	return rv != 0 ? shell_fail(argv, argv[2], rv) : 0;
}

static int
cmd_xs_rm(char **argv)
{
	int rv;

	rv = pv_store_rm(argv[2]);
	return rv != 0 ? shell_fail(argv, argv[2], rv) : 0;
}

/* One of the many changes of `xenstore add'. */
static int
cmd_xs_plus(void *arg, char *val, size_t *lenp)
{
	const uint64_t *by = arg;
	struct strbuf sb;
	uint64_t v = 0;

	if (*lenp > 0 && str_num(val, *lenp, 0, UINT64_MAX, &v) < 0)
		return -PV_EINVAL;
	str_begin(&sb, val, PV_STORE_VALUE);
	str_addu(&sb, v + *by);
	*lenp = str_len(val);
	return 0;
}

static int
cmd_xs_add(char **argv)
{
	uint64_t by, i, count = 1;
	int rv = 0;

	if (!shell_num(argv, argv[3], UINT32_MAX, &by) ||
	    (argv[4] != NULL && !shell_num(argv, argv[4], UINT32_MAX, &count)))
		return SHELL_USAGE;
	for (i = 0; i < count && rv == 0 && !shell_pace(); i++)
		rv = pv_store_update(argv[2], cmd_xs_plus, &by);
	kprintf("%u of %u\n", (unsigned int)(rv == 0 ? i : i - 1),
	    (unsigned int)count);
	return rv != 0 ? shell_fail(argv, argv[2], rv) : 0;
}

/* Nodes PATH/0, PATH/1, .. */
static int
cmd_xs_fill(char **argv)
{
	struct strbuf sb;
	uint64_t i, count;
	char path[256] = "";
	int rv = 0;

	if (!shell_num(argv, argv[3], UINT32_MAX, &count))
		return SHELL_USAGE;
	for (i = 0; i < count && !shell_pace(); i++) {
		str_begin(&sb, path, sizeof(path));
		str_add(&sb, argv[2]);
		str_add(&sb, "/");
		str_addu(&sb, i);
		rv = sb.sb_over ? -PV_E2BIG : pv_store_write(path, "", 0);
		if (rv != 0)
			break;
	}
	kprintf("%u of %u\n", (unsigned int)i, (unsigned int)count);
	return rv != 0 ? shell_fail(argv, path, rv) : 0;
}

static int
cmd_xs_reconnect(char **argv)
{
	int rv = pv_store_reconnect();

	return rv != 0 ? shell_fail(argv, argv[1], rv) : 0;
}

/* The path, which is ours or below it, and what it has now. */
static void
cmd_xs_changed(void *arg, const char *path)
{
	char val[128];

	(void)arg;
	if (pv_store_read(path, val, sizeof(val), NULL) != 0)
		val[0] = '\0';
	str_sanitise(val, str_len(val));
	kprintf("%s %s\n", path, val);
}

static int
cmd_xs_watch(char **argv)
{
	struct pv_store_watch *watch;
	uint64_t n = CMD_XSWAIT;
	int rv;

	if (argv[3] != NULL && !shell_num(argv, argv[3], CMD_XSWAIT, &n))
		return SHELL_USAGE;
	rv = pv_store_watch(argv[2], cmd_xs_changed, NULL, &watch);
	if (rv != 0)
		return shell_fail(argv, argv[2], rv);
	(void)shell_sleep(n * NSEC_PER_SEC);
	pv_store_unwatch(watch);
	return 0;
}

static int
cmd_xs_with_buf(char **argv, int (*fn)(char **, char *))
{
	char *buf = kmalloc(CMD_XSBUF);
	int status;

	if (buf == NULL)
		return shell_fail(argv, argv[2], -PV_ENOMEM);
	status = fn(argv, buf);
	kfree(buf);
	return status;
}

static int
cmd_xenstore(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	if (strcmp(what, "read") == 0 && argc == 3)
		return cmd_xs_with_buf(argv, cmd_xs_read);
	if (strcmp(what, "ls") == 0 && argc == 3)
		return cmd_xs_with_buf(argv, cmd_xs_ls);
	if (strcmp(what, "write") == 0 && argc == 4)
		return cmd_xs_write(argv);
	if (strcmp(what, "rm") == 0 && argc == 3)
		return cmd_xs_rm(argv);
	if (strcmp(what, "watch") == 0 && argc <= 4)
		return cmd_xs_watch(argv);
	if (strcmp(what, "add") == 0 && (argc == 4 || argc == 5))
		return cmd_xs_add(argv);
	if (strcmp(what, "fill") == 0 && argc == 4)
		return cmd_xs_fill(argv);
	if (argc == 2 && strcmp(argv[1], "reconnect") == 0)
		return cmd_xs_reconnect(argv);
	return shell_usage(argv);
}

const struct cmd cmd_xs[] = {
	{ "xenstore", "read PATH | ls PATH | write PATH VALUE | rm PATH |"
	    " watch PATH [SECONDS] | add PATH N [TIMES] | fill PATH COUNT |"
	    " reconnect", "XenStore; paths are absolute, or"
	    " relative to the domain's own", cmd_xenstore },
	{ NULL, NULL, NULL, NULL }
};
