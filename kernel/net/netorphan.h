/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netorphan.h -- TCP connections that nobody here has any more.
 *
 * Who closes a connection is rid of it, but the stack keeps it until the peer
 * has taken all that was sent, and has closed it too.  lwIP waits for that as
 * long as the peer says anything at all, that its window is closed for
 * instance: for ever, with up to a whole send buffer.  Here such a connection
 * has a minute, and a second more for each 500 bytes that the peer has taken
 * meanwhile; then it is reset.
 */

#ifndef NETORPHAN_H
#define NETORPHAN_H

/* Once, before the first tick.  Context: thread. */
void	 netorphan_init(void);
/* Each second.  Context: thread.  Lock: lwIP's. */
void	 netorphan_tick(void);

#endif /* NETORPHAN_H */
