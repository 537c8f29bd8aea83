/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * app.h -- what the guest can be (app=NAME), and the shell's commands.
 */

#ifndef APP_H
#define APP_H

#include <pv/types.h>

struct pv_client;

struct app {
	const char	*ap_name;	/* "httpd" */
	const char	*ap_what;	/* one line */
	void		(*ap_main)(void);	/* in a thread of its own */
	void		(*ap_stop)(void);	/* or NULL: the guest ends,
						   files are still there */
	/* or NULL: adds what it takes from the drivers, before there are any
	   devices */
	void		(*ap_client)(struct pv_client *);
};

/* A command of the shell: argv[0] is its name; returns an exit status. */
struct cmd {
	const char	*cm_name, *cm_args, *cm_what;
	int		(*cm_main)(int argc, char **argv);
};

extern const struct app *const app_table[];	/* apps/apps.c; NULL at end */
extern const struct cmd *const cmd_tables[];	/* tables, each ended by a
						   cmd without name */

/* The operator's settings for it.  Thread. */
void	 app_power_init(void);
/* Stop serving, unmount, then end the domain.  Does not return. */
_Noreturn void app_poweroff(int status);
_Noreturn void app_reboot(void);

/* What a key of xl sysrq asks for; apps/sysrq.c.  Thread. */
void	 app_sysrq(char key);

#endif /* APP_H */
