/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pump.h -- packets between the drivers' interfaces and the forwarder (fwd.h).
 *
 * Theory of operation.  Each interface is a port of the forwarder.  What a
 * driver receives is copied and put into the port's queue; one thread takes
 * some from each port in turn, so that no port keeps the others waiting, has
 * them forwarded, and gives what came out to the drivers.  What a driver does
 * not take yet waits in a queue of its own, bounded.
 *
 * A network's self is a struct pv_net too, which lwIP gets like that of a
 * driver (kernel/net/nif.h).
 *
 * Interfaces may come before there are rules; they wait until then.
 *
 * Locks: pump_mtx for the forwarder and all of this, held by the thread while
 * it works; under it pump_lock for the queues, which drivers' callbacks take.
 */

#ifndef PUMP_H
#define PUMP_H

#include <pv/net.h>

#include "fwd.h"

/* Memory and the thread.  0 or -PV_ENOMEM.  Context: thread, once. */
int	 pump_start(void);
/* pv_client's. */
void	 pump_up(struct pv_net *);
void	 pump_down(struct pv_net *);
/*
 * Take rules into force: the first ones, or others for the same networks;
 * -PV_EINVAL: they are for others.  Context: thread.
 */
int	 pump_configure(const struct fwd_conf *);

/* The forwarder, to be looked at; NULL: no rules yet.  Context: thread. */
struct fwd *pump_get(void);
void	 pump_put(void);

/* What became of a port's packets in here.  Between pump_get and _put. */
struct pump_count {
	uint64_t	 pu_rxfull, pu_txfull;	/* no room in a queue */
	uint64_t	 pu_txerr;		/* refused by the driver */
};
void	 pump_count(unsigned int port, struct pump_count *);

#endif /* PUMP_H */
