/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_line.c -- the back end of a further console, as a device model has one:
 * what the guest writes is kept, and sent back.
 */

#include <pv/types.h>

#include <xen/io/console.h>

#include "bytering.h"
#include "sim_back.h"

#define SIM_LINE	20000u		/* bytes kept */

struct sim_line {
	struct sim_back	 li;		/* first */
	struct xencons_interface *li_if;
	struct bytering	 li_rd, li_wr;
	uint32_t	 li_ref, li_port;
	char		 li_text[SIM_LINE];
	size_t		 li_got, li_sent;
};

static struct sim_line *
sim_line_of(struct sim_back *ba)
{
	return (struct sim_line *)(void *)ba;
}

static void
sim_line_offer(struct sim_back *ba)
{
	sim_back_set(ba, "protocol", "%s", "vt100");
}

static int
sim_line_connect(struct sim_back *ba)
{
	uint64_t ref = sim_back_num(ba, "ring-ref", UINT64_MAX);
	uint64_t port = sim_back_num(ba, "port", UINT64_MAX);
	struct sim_line *li = sim_line_of(ba);
	struct xencons_interface *ci;

	if (ref == UINT64_MAX || port == UINT64_MAX)
		return 1;
	li->li_ref = (uint32_t)ref;
	ci = sim_back_map(ba, li->li_ref, false);
	if (ci == NULL || sim_evtchn_bind(ba->ba_dom, ba->ba_id,
	    (uint32_t)port, &ba->ba_actor, &li->li_port) != 0) {
		if (sim_back_faithful(ba))
			sim_bug("console: page or port are not there");
		if (ci != NULL)
			sim_gnttab_unmap(ba->ba_dom, li->li_ref, false);
		return -1;
	}
	sim_mem_watch(ci, 0, sizeof(ci->in));
	bytering_init(&li->li_rd, ci->out, sizeof(ci->out), &ci->out_prod,
	    &ci->out_cons, false);
	bytering_init(&li->li_wr, ci->in, sizeof(ci->in), &ci->in_prod,
	    &ci->in_cons, true);
	li->li_if = ci;
	li->li_sent = li->li_got = 0;
	return 0;
}

static void
sim_line_disconnect(struct sim_back *ba)
{
	struct sim_line *li = sim_line_of(ba);

	sim_evtchn_close0(ba->ba_sim, li->li_port);
	sim_back_unmap(ba, li->li_ref, false);
	li->li_if = NULL;
}

static void
sim_line_service(struct sim_back *ba)
{
	struct sim_line *li = sim_line_of(ba);
	uint32_t at = li->li_wr.by_mine, i;
	int got, sent;

	got = bytering_read(&li->li_rd, li->li_text + li->li_got,
	    (uint32_t)(SIM_LINE - li->li_got));
	if (got < 0) {
		sim_bug("console: the guest's index is wrong");
		return;
	}
	li->li_got += (size_t)got;
	sent = bytering_write(&li->li_wr, li->li_text + li->li_sent,
	    (uint32_t)(li->li_got - li->li_sent));
	if (sent < 0) {
		sim_bug("console: the guest consumed what was not there");
		return;
	}
	for (i = 0; i < (uint32_t)sent; i++)
		sim_mem_fresh(&li->li_if->in[MASK_XENCONS_IDX(at + i,
		    li->li_if->in)], 1);
	li->li_sent += (size_t)sent;
	if (sim_evil_now(SIM_EVIL_CONS_IN_PROD)) {
		sim_honest(ba->ba_sim, SIM_EVIL_CONS_IN_PROD);
		shm_write32(&li->li_if->in_prod, li->li_wr.by_mine + 5000);
		sent = 1;
	}
	if (got > 0 || sent > 0)
		sim_evtchn_send0(ba->ba_sim, li->li_port);
}

static const struct sim_back_ops sim_line_ops = {
	"console", false, sim_line_offer, sim_line_connect,
	sim_line_disconnect, sim_line_service
};

/* ---- for tests --------------------------------------------------------- */

struct sim_line *
sim_line_create(struct sim_dom *d, unsigned int devid, const char *name)
{
	struct sim_line *li = calloc(1, sizeof(*li));
	struct sim_back *ba = &li->li;

	sim_back_create(ba, d, &sim_line_ops, devid);
	list_append(&d->d_sim->s_lines, &ba->ba_link);
	if (name != NULL)
		sim_back_set_front(ba, "name", "%s", name);
	sim_back_begin(ba);
	return li;
}

void
sim_line_unplug(struct sim_line *li)
{
	sim_back_unplug(&li->li);
}

void
sim_line_free(struct sim_line *li)
{
	sim_back_destroy(&li->li);
	free(li);
}
