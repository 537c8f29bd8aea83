/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watchdog.h -- a guest that hangs is ended by the hypervisor; see watchdog.c.
 */

#ifndef WATCHDOG_H
#define WATCHDOG_H

/* If the operator wants it; once, after pv_attach().  Context: thread. */
void	 watchdog_start(void);

#endif /* WATCHDOG_H */
