/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_net.h -- what the network's commands share. */

#ifndef CMD_NET_H
#define CMD_NET_H

#include "lwip/ip_addr.h"

/*
 * The address of a host, by name or number; false after a message of cmd's.
 * A link-local address is taken as one of the default interface's link.
 * Context: thread.
 */
bool	 cmd_net_resolve(const char *cmd, const char *host, ip_addr_t *);

#endif /* CMD_NET_H */
