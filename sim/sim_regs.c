/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_regs.c -- registers in memory.
 *
 * The library reaches registers as it reaches all memory that others change,
 * by lib/shm.h, which tells the simulator before each access.  So a read is
 * seen in time: its value is put there first.  A write is seen too early: it is
 * noted, and told to the registers' owner at the next thing that the library
 * does with the outside.
 */

#include "sim_int.h"

struct sim_regs *
sim_regs_create(const struct sim_regs_ops *ops, void *arg)
{
	struct sim_regs *rg = calloc(1, sizeof(*rg));

	rg->rg_ops = ops;
	rg->rg_arg = arg;
	rg->rg_page = sim_mem_xen_page(sim_world->s_curdom);
	sim_mem_page(rg->rg_page)->pg_regs = rg;
	return rg;
}

void
sim_regs_free(struct sim_regs *rg)
{
	if (sim_world->s_wrote == rg)
		sim_world->s_wrote = NULL;
	sim_mem_xen_free(rg->rg_page);
	free(rg);
}

uint64_t
sim_regs_pa(const struct sim_regs *rg)
{
	return sim_mem_gfn(rg->rg_page) << PV_PAGE_SHIFT;
}

void
sim_regs_put(struct sim_regs *rg, unsigned int off, const void *p, size_t len)
{
	shm_copy_out(rg->rg_page + off, p, len);
}

void
sim_regs_get(struct sim_regs *rg, unsigned int off, void *p, size_t len)
{
	shm_copy_in(p, rg->rg_page + off, len);
}

uint32_t
sim_regs_value(struct sim_regs *rg, unsigned int off, unsigned int width)
{
	uint32_t v = 0;

	sim_regs_get(rg, off, &v, width);
	return v;
}

/* A write that was noted has happened: tell its owner. */
void
sim_regs_flush(void)
{
	struct sim *s = sim_world;
	struct sim_regs *rg = s->s_wrote;

	if (rg == NULL || s->s_inside > 0)
		return;
	s->s_wrote = NULL;
	sim_inside();
	rg->rg_ops->ro_write(rg->rg_arg, s->s_wroteoff);
	sim_outside();
}

void
sim_regs_access(struct sim_regs *rg, const void *p, size_t len)
{
	unsigned int off = (unsigned int)((const uint8_t *)p - rg->rg_page);

	if (len > 0) {
		rg->rg_ops->ro_read(rg->rg_arg, off, (unsigned int)len);
		return;
	}
	rg->rg_ops->ro_before(rg->rg_arg, off);
	sim_world->s_wrote = rg;
	sim_world->s_wroteoff = off;
}
