/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenbus_back.h -- our ends of other domains' devices: back ends.
 *
 * The toolstack makes a directory "backend/<type>/<domain>/<device>" of ours
 * for each device of another domain's that we are to serve.  One watch tells
 * of all of them.  A device is made when both ends are named, offers what it
 * can (dv_offer), and then goes the way of every other device of core/dev.h;
 * its driver uses xenbus.h as front ends do, its own directory being this one
 * and the peer's that of the front end.
 *
 * A device whose front end is gone, and which the toolstack does not keep
 * online, is destroyed and its directory removed: in a driver domain nobody
 * else does, and the toolstack waits for it.
 *
 * Nothing is looked for unless the client serves something: disks
 * (pc_vbd_open), interfaces (pc_serves_nets).
 */

#ifndef XENBUS_BACK_H
#define XENBUS_BACK_H

#include "xenbus.h"

int	 xenbus_back_attach(struct xen *);
void	 xenbus_back_detach(struct xen *);

#endif /* XENBUS_BACK_H */
