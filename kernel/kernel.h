/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel.h -- parts of the guest that are started from main.c, in order.
 */

#ifndef KERNEL_H
#define KERNEL_H

#include <pv/pv.h>

/* net/: lwIP and its interfaces.  net_up/net_down are pv_client members. */
void	 net_init(void);
void	 net_up(struct pv_net *);
void	 net_down(struct pv_net *);

/* apps/: the shell thread on the console. */
void	 shell_start(void);

#endif /* KERNEL_H */
