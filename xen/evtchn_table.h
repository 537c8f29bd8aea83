/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn_table.h -- who handles which port: a pointer for each port that was
 * ever used, in a table that is replaced by a larger one when it is full.
 *
 * Readers need no lock.  Writers have one, and who frees a table or a handler
 * knows that no reader has it any more.
 */

#ifndef EVTCHN_TABLE_H
#define EVTCHN_TABLE_H

#include <pv/types.h>

struct evtchn_handler;

struct evtchn_table {
	uint32_t	 et_n;
	struct evtchn_handler *et_eh[];		/* by port */
};

/* NULL in the place of a table is one without ports. */
struct evtchn_handler *evtchn_table_find(struct evtchn_table *const *,
	    evport_t);
void	 evtchn_table_set(struct evtchn_table **, evport_t,
	    struct evtchn_handler *);
bool	 evtchn_table_fits(struct evtchn_table *const *, evport_t);

/* Room for a port; NULL: no memory. */
struct evtchn_table *evtchn_table_create(evport_t);
void	 evtchn_table_destroy(struct evtchn_table *);
/* Put a new table in the place; returns the one that is now to be freed. */
struct evtchn_table *evtchn_table_swap(struct evtchn_table **,
	    struct evtchn_table *);

#endif /* EVTCHN_TABLE_H */
