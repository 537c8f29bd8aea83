/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_cons.c -- the daemon behind the primary console.
 */

#include <pv/types.h>

#include <xen/hvm/params.h>
#include <xen/io/console.h>

#include "bytering.h"
#include "sim_int.h"

struct sim_cons {
	struct sim_dom	*co_dom;
	struct xencons_interface *co_if;
	struct bytering	 co_rd, co_wr;
	uint32_t	 co_port;
	struct sim_actor co_actor;
	bool		 co_hold;
	char		*co_out, *co_in;
	size_t		 co_nout, co_nin;
};

static void
sim_cons_pull(struct sim_cons *co, bool *moved)
{
	char buf[256];
	int n;

	while ((n = bytering_read(&co->co_rd, buf, sizeof(buf))) > 0) {
		co->co_out = realloc(co->co_out, co->co_nout + (size_t)n + 1);
		memcpy(co->co_out + co->co_nout, buf, (size_t)n);
		co->co_nout += (size_t)n;
		co->co_out[co->co_nout] = '\0';
		*moved = true;
	}
	if (n < 0)
		sim_bug("console: the guest's index is wrong");
}

static void
sim_cons_push(struct sim_cons *co, bool *moved)
{
	uint32_t at = co->co_wr.by_mine, i;
	int n;

	n = bytering_write(&co->co_wr, co->co_in, (uint32_t)co->co_nin);
	if (n < 0) {
		sim_bug("console: the guest consumed what was not there");
		return;
	}
	for (i = 0; i < (uint32_t)n; i++)
		sim_mem_fresh(&co->co_if->in[MASK_XENCONS_IDX(at + i,
		    co->co_if->in)], 1);
	memmove(co->co_in, co->co_in + n, co->co_nin - (size_t)n);
	co->co_nin -= (size_t)n;
	*moved |= n > 0;
}

static void
sim_cons_step(void *arg)
{
	struct sim_cons *co = arg;
	bool moved = false;

	if (!co->co_hold)
		sim_cons_pull(co, &moved);
	if (co->co_nin > 0)
		sim_cons_push(co, &moved);
	if (sim_evil_now(SIM_EVIL_CONS_IN_PROD)) {
		sim_honest(co->co_dom->d_sim, SIM_EVIL_CONS_IN_PROD);
		shm_write32(&co->co_if->in_prod, co->co_wr.by_mine + 5000);
		moved = true;
	}
	if (sim_evil_now(SIM_EVIL_CONS_OUT_CONS)) {
		sim_honest(co->co_dom->d_sim, SIM_EVIL_CONS_OUT_CONS);
		shm_write32(&co->co_if->out_cons, co->co_rd.by_mine + 5000);
		co->co_hold = true;
		moved = true;
	}
	if (moved)
		sim_evtchn_send0(co->co_dom->d_sim, co->co_port);
}

/* The rings from where they stand, and a port. */
static void
sim_cons_begin(struct sim_cons *co)
{
	struct sim_dom *d = co->co_dom;

	sim_mem_watch(co->co_if, 0, sizeof(co->co_if->in));
	bytering_init(&co->co_rd, co->co_if->out, sizeof(co->co_if->out),
	    &co->co_if->out_prod, &co->co_if->out_cons, false);
	bytering_init(&co->co_wr, co->co_if->in, sizeof(co->co_if->in),
	    &co->co_if->in_prod, &co->co_if->in_cons, true);
	d->d_param[HVM_PARAM_CONSOLE_PFN] = sim_mem_gfn(co->co_if);
	d->d_param[HVM_PARAM_CONSOLE_EVTCHN] = sim_evtchn_pair(d,
	    &co->co_actor, &co->co_port);
}

void
sim_cons_create(struct sim_dom *d)
{
	struct sim_cons *co = calloc(1, sizeof(*co));

	co->co_dom = d;
	d->d_cons = co;
	sim_sched_actor(&co->co_actor, sim_cons_step, co);
	co->co_if = sim_mem_xen_page(d);
	sim_cons_begin(co);
}

/* The toolstack empties the page, unless its frame is one of the guest's. */
void
sim_cons_move(struct sim_dom *d)
{
	static const struct xencons_interface none;
	struct sim_cons *co = d->d_cons;
	bool moved = false;

	sim_cons_pull(co, &moved);
	if (!(d->d_sim->s_flags & SIM_PV))
		sim_mem_put(co->co_if, &none, sizeof(none));
	sim_cons_begin(co);
	sim_sched_kick(&co->co_actor, 0);
}

void
sim_cons_destroy(struct sim_dom *d)
{
	struct sim_cons *co = d->d_cons;

	sim_sched_drop(&co->co_actor);
	sim_mem_xen_free(co->co_if);
	free(co->co_out);
	free(co->co_in);
	free(co);
	d->d_cons = NULL;
}

/* ---- for tests --------------------------------------------------------- */

struct sim_cons *
sim_cons_of(struct sim_dom *d)
{
	return d->d_cons;
}

const char *
sim_cons_output(struct sim_cons *co, size_t *len)
{
	*len = co->co_nout;
	return co->co_nout == 0 ? "" : co->co_out;
}

void
sim_cons_input(struct sim_cons *co, const char *s, size_t len)
{
	co->co_in = realloc(co->co_in, co->co_nin + len + 1);
	memcpy(co->co_in + co->co_nin, s, len);
	co->co_nin += len;
	sim_sched_kick(&co->co_actor, 0);
}

size_t
sim_cons_unread(const struct sim_cons *co)
{
	size_t n;

	sim_inside();
	n = co->co_nin + (co->co_wr.by_mine -
	    shm_read32(&co->co_if->in_cons));
	sim_outside();
	return n;
}

void
sim_cons_hold(struct sim_cons *co, bool hold)
{
	co->co_hold = hold;
	sim_sched_kick(&co->co_actor, 0);
}

/* Xen 4.21: behind the indexes; the guest is rung when it changes. */
void
sim_cons_flag(struct sim_cons *co, uint8_t flag)
{
	sim_inside();
	shm_write8((uint8_t *)&co->co_if->out_prod + 4, flag);
	sim_evtchn_send0(co->co_dom->d_sim, co->co_port);
	sim_outside();
}
