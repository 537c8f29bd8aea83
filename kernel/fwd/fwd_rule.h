/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_rule.h -- which rule says what becomes of a packet: the first that
 * matches.
 */

#ifndef FWD_RULE_H
#define FWD_RULE_H

#include "fwd.h"

/* Work out which ports the rules' names mean.  Context: thread. */
void	 fwd_rule_ports(struct fwd *);
/*
 * May a packet go from a port to another?  Its rule is in *rule, or
 * FWD_STATE_NORULE: the default.  Counts it.  Context: thread.
 */
bool	 fwd_rule_allows(struct fwd *, const struct fwd_hdr *,
	    unsigned int in, unsigned int out, uint16_t *rule);

#endif /* FWD_RULE_H */
