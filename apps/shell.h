/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shell.h -- what the shell gives its commands.
 */

#ifndef SHELL_H
#define SHELL_H

#include <app.h>

#define SHELL_USAGE	2		/* exit status: bad arguments */

/* The tables, one per cmd_*.c. */
extern const struct cmd cmd_sys[], cmd_file[], cmd_disk[], cmd_check[],
    cmd_dev[], cmd_class[], cmd_xs[], cmd_evstress[], cmd_bg[];

/* Print the command's usage line; returns SHELL_USAGE. */
int	 shell_usage(char **argv);
/* Print "name: what: error"; returns 1. */
int	 shell_fail(char **argv, const char *what, int rv);
/* What a PV_E* code means. */
const char *shell_error(int rv);
/* Parse a number, decimal or 0x..; false after a message. */
bool	 shell_num(char **argv, const char *text, uint64_t max, uint64_t *);
/*
 * To be called every now and then by what prints much: waits until the
 * console has taken it.  Returns true when the operator wants an end (^C).
 */
bool	 shell_pace(void);
/* Sleep; returns true when the operator wants an end. */
bool	 shell_sleep(uint64_t ns);

/* Run a command; its exit status.  Context: thread. */
int	 shell_run_one(int argc, char **argv);
/* cmd_bg.c: shell_sleep(), to a deadline, for a thread beside the shell. */
bool	 cmd_bg_sleep(uint64_t deadline);

/* The n-th command of all tables, NULL behind the last. */
const struct cmd *shell_cmd(unsigned int n);

#endif /* SHELL_H */
