/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os.h -- starting the port, before pv_attach().
 */

#ifndef PORT_GUEST_OS_H
#define PORT_GUEST_OS_H

#include <pv/types.h>

int	 os_init(void);

/*
 * For a suspend: works that may sleep, or the others, do not run until
 * os_thaw().  false: one is running still at the deadline.  Thread.
 */
bool	 os_freeze(bool sleeps, uint64_t deadline);
void	 os_thaw(void);

#endif /* PORT_GUEST_OS_H */
