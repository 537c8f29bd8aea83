/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_blk_ctl.c -- what tests do to a block back end, and ask of it.
 */

#include <pv/types.h>

#include <xen/io/xenbus.h>

#include "sim_blk.h"

struct sim_blk *
sim_blk_create(struct sim_dom *d, const struct sim_blk_cfg *cfg)
{
	struct sim_blk *b = calloc(1, sizeof(*b));
	struct sim_back *ba = &b->bk;
	bool cdrom = cfg->bc_flags & SIM_BLK_CDROM;
	unsigned int i;

	b->bk_cfg = *cfg;
	b->bk_disk = calloc(cfg->bc_nsect, 512);
	for (i = 0; i < SIM_NQUEUE; i++)
		list_init(&b->bk_q[i].q_reqs);
	b->bk_maxq = cfg->bc_flags & SIM_BLK_PLAIN ? 0 : 2;
	sim_back_create(ba, d, &sim_blk_ops, cfg->bc_vdev);
	list_append(&d->d_sim->s_blks, &ba->ba_link);
	sim_back_set(ba, "dev", "%s", "xvda");
	sim_back_set(ba, "type", "%s", "phy");
	sim_back_set(ba, "mode", "%s", cfg->bc_flags & SIM_BLK_RO ? "r" : "w");
	sim_back_set(ba, "device-type", "%s", cdrom ? "cdrom" : "disk");
	sim_back_set_front(ba, "virtual-device", "%u", cfg->bc_vdev);
	sim_back_set_front(ba, "device-type", "%s", cdrom ? "cdrom" : "disk");
	if (cfg->bc_flags & SIM_BLK_UNTRUSTED)
		sim_back_set_front(ba, "trusted", "%u", 0);
	sim_back_begin(ba);
	return b;
}

void
sim_blk_free(struct sim_blk *b)
{
	sim_back_destroy(&b->bk);
	free(b->bk_disk);
	free(b);
}

uint8_t *
sim_blk_data(struct sim_blk *b)
{
	return b->bk_disk;
}

void
sim_blk_unplug(struct sim_blk *b)
{
	sim_back_unplug(&b->bk);
}

void
sim_blk_vanish(struct sim_blk *b)
{
	sim_back_vanish(&b->bk);
}

void
sim_blk_restart(struct sim_blk *b)
{
	sim_back_restart(&b->bk);
}

void
sim_blk_die(struct sim_blk *b)
{
	sim_back_die(&b->bk);
}

void
sim_blk_revive(struct sim_blk *b, uint16_t id)
{
	sim_back_revive(&b->bk, id);
}

void
sim_blk_resize(struct sim_blk *b, uint64_t nsect)
{
	b->bk_disk = realloc(b->bk_disk, nsect * 512);
	if (nsect > b->bk_cfg.bc_nsect)
		memset(b->bk_disk + b->bk_cfg.bc_nsect * 512, 0,
		    (nsect - b->bk_cfg.bc_nsect) * 512);
	b->bk_cfg.bc_nsect = nsect;
	sim_back_set(&b->bk, "sectors", "%llu", (unsigned long long)nsect);
	sim_back_set(&b->bk, "state", "%u", XenbusStateConnected);
}

void
sim_blk_error(struct sim_blk *b, unsigned int n, int16_t status)
{
	b->bk_nbad = n;
	b->bk_bad = status;
}

uint16_t
sim_blk_home(const struct sim_blk *b)
{
	return b->bk.ba_id;
}

unsigned int
sim_blk_nreq(const struct sim_blk *b)
{
	return b->bk_nreq;
}

unsigned int
sim_blk_nflush(const struct sim_blk *b)
{
	return b->bk_nflush;
}

unsigned int
sim_blk_nindirect(const struct sim_blk *b)
{
	return b->bk_nindirect;
}

unsigned int
sim_blk_nkept(const struct sim_blk *b)
{
	return b->bk_nkept;
}

unsigned int
sim_blk_queue_nreq(const struct sim_blk *b, unsigned int no)
{
	return b->bk_q[no].q_nreq;
}

void
sim_blk_queues(struct sim_blk *b, unsigned int n)
{
	b->bk_maxq = n;
}

unsigned int
sim_blk_pending(const struct sim_blk *b)
{
	unsigned int i, n = 0;
	struct list *l;

	for (i = 0; i < b->bk_nq; i++)
		LIST_FOREACH(l, &b->bk_q[i].q_reqs)
			n++;
	return n;
}

int
sim_blk_state(const struct sim_blk *b)
{
	return (int)b->bk.ba_state;
}

void
sim_blk_set_state(struct sim_blk *b, const char *state)
{
	sim_back_set_state(&b->bk, state);
}

void
sim_blk_hold(struct sim_blk *b, bool hold)
{
	sim_back_hold(&b->bk, hold);
}

void
sim_blk_poke(struct sim_blk *b, unsigned int off, const void *p, size_t len)
{
	if (!b->bk.ba_connected || off > PV_PAGE_SIZE - len)
		return;
	sim_mem_put(b->bk_q[0].q_page + off, p, len);
	sim_evtchn_send0(b->bk.ba_sim, b->bk_q[0].q_port);
}
