/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netorphan.c -- see netorphan.h.
 *
 * Two values are kept with each connection: for how many seconds it has been
 * nobody's, and up to where the peer had taken its data then.
 */

#include <stdbool.h>

#include "lwip/priv/tcp_priv.h"

#include "netorphan.h"

#define NETORPHAN_TIME	60u		/* seconds */
#define NETORPHAN_RATE	500u		/* bytes that are worth one more */

static u8_t netorphan_age, netorphan_from;	/* lwIP's numbers of them */

void
netorphan_init(void)
{
	netorphan_age = tcp_ext_arg_alloc_id();
	netorphan_from = tcp_ext_arg_alloc_id();
}

static u32_t
netorphan_get(const struct tcp_pcb *pcb, u8_t id)
{
	return (u32_t)(uintptr_t)tcp_ext_arg_get(pcb, id);
}

static void
netorphan_set(struct tcp_pcb *pcb, u8_t id, u32_t v)
{
	tcp_ext_arg_set(pcb, id, (void *)(uintptr_t)v);
}

/* A second has passed for one that is nobody's: is it too old now? */
static bool
netorphan_old(struct tcp_pcb *pcb)
{
	u32_t age = netorphan_get(pcb, netorphan_age) + 1;

	netorphan_set(pcb, netorphan_age, age);
	if (age == 1)
		netorphan_set(pcb, netorphan_from, pcb->lastack);
	return age > NETORPHAN_TIME + (pcb->lastack -
	    netorphan_get(pcb, netorphan_from)) / NETORPHAN_RATE;
}

void
netorphan_tick(void)
{
	struct tcp_pcb *pcb, *next;

	for (pcb = tcp_active_pcbs; pcb != NULL; pcb = next) {
		next = pcb->next;
		/* Whoever has one wants to be told of its end. */
		if (pcb->callback_arg == NULL && pcb->errf == NULL &&
		    netorphan_old(pcb))
			tcp_abort(pcb);
	}
}
