/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balloon.h -- memory that the guest lends to its host.
 *
 * balloon.floor=MiB on the command line: how much stays free in any case; an
 * eighth of the memory, and at least 2 MiB, when not given.
 */

#ifndef BALLOON_H
#define BALLOON_H

#include <pv/balloon.h>

void	 balloon_up(struct pv_balloon *);	/* pv_client members; thread */
void	 balloon_down(struct pv_balloon *);
/*
 * A copy of the balloon, its name, and the floor in pages: 0, or -PV_ENODEV:
 * there is none.  Context: thread.
 */
int	 balloon_info(struct pv_balloon *, char name[16], uint64_t *floor);

#endif /* BALLOON_H */
