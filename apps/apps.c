/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * apps.c -- what the guest can be, and the shell's commands.
 */

#include <app.h>

#include <sched.h>

#include "shell.h"

extern const struct app app_blockdomain, app_httpd, app_netdomain;
extern const struct cmd cmd_blockdomain[], cmd_net[], cmd_netdomain[],
    cmd_perf[];

static void
apps_shell_main(void)
{
	/* The shell runs in any case, started by main.c. */
}

static const struct app app_shell = {
	.ap_name = "shell",
	.ap_what = "only the shell on the console",
	.ap_main = apps_shell_main,
};

const struct app *const app_table[] = {
	&app_blockdomain,
	&app_httpd,
	&app_netdomain,
	&app_shell,
	NULL
};

const struct cmd *const cmd_tables[] = {
	cmd_sys,
	cmd_file,
	cmd_disk,
	cmd_check,
	cmd_bg,
	cmd_dev,
	cmd_class,
	cmd_blockdomain,
	cmd_netdomain,
	cmd_evstress,
	cmd_xs,
	cmd_net,
	cmd_perf,
	NULL
};
