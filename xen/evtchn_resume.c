/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn_resume.c -- event channels in a domain that was resumed: it has none,
 * and none of its pages is known to Xen; see evtchn.h.
 */

#include "hypercall.h"

#include "evtchn_var.h"

/* Take all handlers out of the table; a list of those to be bound anew. */
static struct evtchn_handler *
evtchn_resume_lose(struct evtchn *ec)
{
	struct evtchn_handler *eh, *fast = NULL;
	uint32_t port, n;

	n = ec->ec_table == NULL ? 0 : ec->ec_table->et_n;
	for (port = 0; port < n; port++) {
		eh = evtchn_table_find(&ec->ec_table, EVPORT(port));
		if (eh == NULL)
			continue;
		evtchn_table_set(&ec->ec_table, EVPORT(port), NULL);
		eh->eh_port = EVPORT_NONE;
		eh->eh_late = false;
		if ((eh->eh_flags & EVTCHN_F_FAST) == 0)
			continue;
		eh->eh_next = fast;
		fast = eh;
	}
	return fast;
}

static int
evtchn_resume_fast(struct xen *x, struct evtchn_handler *eh)
{
	struct evtchn *ec = x->x_evtchn;
	int rv = evtchn_bind_fast(x, eh);

	if (rv < 0)
		return rv;
	ec->ec_nused--;		/* evtchn_install() counts it again */
	rv = evtchn_install(x, eh);
	if (rv == 0 && (eh->eh_flags & EVTCHN_F_MUTED) != 0)
		ec->ec_ops->eo_mask(x, eh->eh_port);
	return rv;
}

/* evtchn_resume -- see evtchn.h */
int
evtchn_resume(struct xen *x)
{
	struct evtchn *ec = x->x_evtchn;
	struct evtchn_handler *eh, *next;
	unsigned int i;
	int rv;

	for (i = 0; i < PV_XEN_NVCPU; i++)
		x->x_kept.xk_registered[i] = false;
	rv = ec->ec_ops->eo_resume(x);
	/* A Xen without queues; once it has vCPU 0's there is no way back. */
	if (rv < 0 && !x->x_kept.xk_fifo[0]) {
		pv_log(NULL, PV_LOG_WARN, "evtchn: no FIFO queues here (error "
		    "%d); using the two-level ABI", -rv);
		ec->ec_ops = &evtchn_2l_ops;
		rv = 0;
	}
	for (eh = evtchn_resume_lose(ec); eh != NULL && rv == 0; eh = next) {
		next = eh->eh_next;
		rv = evtchn_resume_fast(x, eh);
	}
	return rv;
}
