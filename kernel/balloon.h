/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balloon.h -- memory that the guest lends to its host.
 *
 * Settings of the command line, in MiB:
 *
 *	balloon.floor	stays free in any case; an eighth of the memory, and at
 *			least 2 (on Xen at most 4 too), when not given
 *	balloon.auto=1	what is idle is lent by itself, and taken back
 *	balloon.ceiling	so much may be idle; four times the floor
 *	balloon.target	the guest shall have no more, whatever its toolstack
 *			would give it
 */

#ifndef BALLOON_H
#define BALLOON_H

#include <pv/balloon.h>

void	 balloon_up(struct pv_balloon *);	/* pv_client members; thread */
void	 balloon_down(struct pv_balloon *);

enum balloon_policy {
	BALLOON_HOST,		/* what the host wants, nothing else */
	BALLOON_FIXED,		/* no more than the operator said */
	BALLOON_AUTO		/* no more than is used, more or less */
};

struct balloon_info {
	struct pv_balloon bi_balloon;		/* a copy */
	char		 bi_name[16];
	uint64_t	 bi_floor, bi_ceiling;	/* pages */
	uint64_t	 bi_ngave, bi_ntook;	/* by the policy */
	enum balloon_policy bi_policy;
};
/* 0, or -PV_ENODEV: there is none.  Context: thread. */
int	 balloon_info(struct balloon_info *);
/*
 * From now on; mib with BALLOON_FIXED.  0, -PV_ENODEV, -PV_EOPNOTSUPP: the
 * host alone decides; -PV_ERANGE: the guest can not have so much, or so little.
 * Context: thread.
 */
int	 balloon_set(enum balloon_policy, uint64_t mib);

#endif /* BALLOON_H */
