/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os.h -- starting the port, before pv_attach().
 */

#ifndef PORT_GUEST_OS_H
#define PORT_GUEST_OS_H

int	 os_init(void);

#endif /* PORT_GUEST_OS_H */
