/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim.c -- the world: made from a seed, checked and taken apart at the end.
 */

#include <stdarg.h>

#include "sim_int.h"

struct sim *sim_world;

#define SIM_MANY_BUGS	500u

static struct sim sim_the_world;
static bool sim_left;		/* a test failed and left its world behind */

/* Then what it left is no news. */
int	 __lsan_is_turned_off(void);
int
__lsan_is_turned_off(void)
{
	return sim_left || (sim_world != NULL && sim_world->s_open);
}

struct sim *
sim_open(uint64_t seed, unsigned int flags)
{
	struct sim *s = &sim_the_world;

	sim_left |= s->s_open;
	memset(s, 0, sizeof(*s));
	s->s_open = true;
	sim_world = s;
	s->s_seed = seed;
	s->s_rng = seed * 0x9e3779b97f4a7c15ull + 1;
	s->s_now = 1000 * SIM_MS;
	s->s_flags = flags;
	s->s_backid = seed % 3 == 0 ? 0 : 5;
	list_init(&s->s_blks);
	list_init(&s->s_nets);
	list_init(&s->s_lines);
	list_init(&s->s_vdevs);
	list_init(&s->s_pcis);
	sim_mem_init(s);
	sim_sched_init(s);
	sim_store_init(s);
	sim_dom_create(s, 0);
	return s;
}

unsigned int
sim_close(struct sim *s)
{
	unsigned int i, nbug;

	sim_regs_flush();
	sim_inside();
	while (!list_empty(&s->s_blks))
		sim_blk_free((struct sim_blk *)(void *)s->s_blks.li_next);
	while (!list_empty(&s->s_nets))
		sim_net_free((struct sim_net *)(void *)s->s_nets.li_next);
	while (!list_empty(&s->s_lines))
		sim_line_free((struct sim_line *)(void *)s->s_lines.li_next);
	while (!list_empty(&s->s_vdevs))
		sim_vdev_free((struct sim_vdev *)(void *)s->s_vdevs.li_next);
	sim_irq_check();
	for (i = 0; i < SIM_NDOM; i++) {
		if (s->s_dom[i] != NULL && s->s_dom[i]->d_id != 0)
			(void)sim_xen_check(s->s_dom[i]);
	}
	if (sim_sched_nwork() != 0)
		sim_bug("%u works are still pending", sim_sched_nwork());
	for (i = 0; i < SIM_NDOM; i++) {
		if (s->s_dom[i] != NULL)
			sim_xen_free(s->s_dom[i]);
		s->s_dom[i] = NULL;
	}
	(void)sim_mem_check(s);
	sim_store_free(s);
	sim_sched_free(s);
	nbug = s->s_nbug;
	sim_outside();
	s->s_open = false;
	return nbug;
}

void
sim_bug(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "sim: FAULT: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (seed %llu, step %llu)\n",
	    (unsigned long long)sim_world->s_seed,
	    (unsigned long long)sim_world->s_nstep);
	if (++sim_world->s_nbug == SIM_MANY_BUGS)
		sim_die("%u faults, that will do", SIM_MANY_BUGS);
}

void
sim_die(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "sim: FATAL: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (seed %llu, step %llu)\n",
	    (unsigned long long)sim_world->s_seed,
	    (unsigned long long)sim_world->s_nstep);
	abort();
}

unsigned int
sim_nlog(unsigned int level)
{
	return sim_world->s_nlog[level];
}

unsigned int
sim_nbug(void)
{
	return sim_world->s_nbug;
}

unsigned int
sim_backend_id(const struct sim *s)
{
	return s->s_backid;
}

/* xorshift64*; good enough to draw from, and the same everywhere. */
uint32_t
sim_rand(uint32_t n)
{
	uint64_t x = sim_world->s_rng;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	sim_world->s_rng = x;
	return (uint32_t)((x * 0x2545f4914f6cdd1dull) >> 33) % n;
}

void
sim_fail_at(struct sim *s, unsigned int n)
{
	s->s_point = 0;
	s->s_fail_at = n;
	s->s_failed = false;
}

bool
sim_failed(const struct sim *s)
{
	return s->s_failed;
}

bool
sim_fail_now(const char *what)
{
	struct sim *s = sim_world;

	if (++s->s_point != s->s_fail_at)
		return false;
	s->s_failed = true;
	if (getenv("SIM_VERBOSE") != NULL)
		fprintf(stderr, "sim: point %u fails: %s\n", s->s_point, what);
	return true;
}
