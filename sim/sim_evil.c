/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_evil.c -- when to lie.
 */

#include "sim_int.h"

void
sim_evil(struct sim *s, enum sim_lie lie, unsigned int after)
{
	s->s_lie[lie].li_armed = true;
	s->s_lie[lie].li_after = after;
	s->s_lie[lie].li_told = 0;
}

void
sim_honest(struct sim *s, enum sim_lie lie)
{
	s->s_lie[lie].li_armed = false;
}

unsigned int
sim_evil_told(const struct sim *s, enum sim_lie lie)
{
	return s->s_lie[lie].li_told;
}

bool
sim_evil_armed(enum sim_lie lie)
{
	return sim_world->s_lie[lie].li_armed;
}

bool
sim_evil_now(enum sim_lie lie)
{
	struct sim_lie_state *li = &sim_world->s_lie[lie];

	if (!li->li_armed)
		return false;
	if (li->li_after > 0) {
		li->li_after--;
		return false;
	}
	li->li_told++;
	return true;
}
