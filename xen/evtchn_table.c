/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn_table.c -- the handlers by port; see evtchn_table.h.
 */

#include "evtchn_table.h"

#include <pv/os.h>

#define EVTCHN_TABLE_STEP 64		/* it grows by so many ports */

static size_t
evtchn_table_size(uint32_t n)
{
	return sizeof(struct evtchn_table) +
	    n * sizeof(struct evtchn_handler *);
}

/*
 * evtchn_table_find -- the handler of a port, or NULL
 *
 * Context: any.
 */
struct evtchn_handler *
evtchn_table_find(struct evtchn_table *const *place, evport_t port)
{
	struct evtchn_table *et = __atomic_load_n(place, __ATOMIC_SEQ_CST);

	if (et == NULL || evport_x(port) >= et->et_n)
		return NULL;
	return __atomic_load_n(&et->et_eh[evport_x(port)], __ATOMIC_SEQ_CST);
}

/*
 * evtchn_table_set -- from now on eh, or nobody, handles the port
 *
 * Context: any.  Lock: the writers'.
 */
void
evtchn_table_set(struct evtchn_table **place, evport_t port,
    struct evtchn_handler *eh)
{
	__atomic_store_n(&(*place)->et_eh[evport_x(port)], eh,
	    __ATOMIC_SEQ_CST);
}

/*
 * evtchn_table_fits -- there is a pointer for the port
 *
 * Context: any.  Lock: the writers'.
 */
bool
evtchn_table_fits(struct evtchn_table *const *place, evport_t port)
{
	return *place != NULL && evport_x(port) < (*place)->et_n;
}

/*
 * evtchn_table_create -- a table in which the port fits, or NULL
 *
 * Context: thread, boot.
 */
struct evtchn_table *
evtchn_table_create(evport_t port)
{
	uint32_t n = (evport_x(port) / EVTCHN_TABLE_STEP + 1) *
	    EVTCHN_TABLE_STEP;
	struct evtchn_table *et = pv_os_alloc(evtchn_table_size(n));

	if (et != NULL)
		et->et_n = n;
	return et;
}

/*
 * evtchn_table_destroy -- free a table that nobody reads; NULL does nothing
 *
 * Context: thread.
 */
void
evtchn_table_destroy(struct evtchn_table *et)
{
	if (et != NULL)
		pv_os_free(et, evtchn_table_size(et->et_n));
}

/*
 * evtchn_table_swap -- put a larger table in the place of the old one
 *
 * Returns the old one, or the new one when the old is as large.
 * Context: any.  Lock: the writers'.
 */
struct evtchn_table *
evtchn_table_swap(struct evtchn_table **place, struct evtchn_table *et)
{
	struct evtchn_table *old = *place;
	uint32_t i;

	if (old != NULL && old->et_n >= et->et_n)
		return et;
	for (i = 0; old != NULL && i < old->et_n; i++)
		et->et_eh[i] = old->et_eh[i];
	__atomic_store_n(place, et, __ATOMIC_SEQ_CST);
	return old;
}
