/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_net_test.c -- what tests ask a network back end, and have it do; see
 * sim.h.
 */

#include "sim_net.h"

void
sim_net_unplug(struct sim_net *n)
{
	sim_back_unplug(&n->ne);
}

void
sim_net_vanish(struct sim_net *n)
{
	sim_back_vanish(&n->ne);
}

void
sim_net_die(struct sim_net *n)
{
	sim_back_die(&n->ne);
}

void
sim_net_revive(struct sim_net *n, uint16_t id)
{
	sim_back_revive(&n->ne, id);
}

uint16_t
sim_net_home(const struct sim_net *n)
{
	return n->ne.ba_id;
}

void
sim_net_restart(struct sim_net *n)
{
	sim_back_restart(&n->ne);
}

void
sim_net_deliver_gso(struct sim_net *n, const void *p, size_t len,
    uint16_t size, uint8_t type)
{
	struct sim_frame *fr = calloc(1, sizeof(*fr));
	bool six = type == XEN_NETIF_GSO_TYPE_TCPV6;

	if (size != 0 && sim_back_num(&n->ne, six ? "feature-gso-tcpv6" :
	    "feature-gso-tcpv4", 0) != 1)
		sim_bug("vif: the front end takes no segments");
	fr->fr_len = len;
	fr->fr_flags = NETRXF_csum_blank | NETRXF_data_validated;
	fr->fr_gso = size;
	fr->fr_gsotype = type;
	memcpy(fr->fr_data, p, len);
	list_append(&n->ne_queue, &fr->fr_link);
	sim_sched_kick(&n->ne.ba_actor, 0);
}

void
sim_net_deliver(struct sim_net *n, const void *p, size_t len,
    unsigned int flags)
{
	struct sim_frame *fr;

	if (sim_net_filtered(n, p))
		return;
	fr = calloc(1, sizeof(*fr));
	fr->fr_len = len;
	fr->fr_flags = flags;
	fr->fr_queue = sim_rand(SIM_NQUEUE);
	memcpy(fr->fr_data, p, len);
	list_append(&n->ne_queue, &fr->fr_link);
	sim_sched_kick(&n->ne.ba_actor, 0);
}

uint16_t
sim_net_last_gso(const struct sim_net *n, uint8_t *type)
{
	*type = n->ne_last->fr_gsotype;
	return n->ne_last->fr_gso;
}

const uint8_t *
sim_net_last(const struct sim_net *n, size_t *len, unsigned int *flags)
{
	if (n->ne_last == NULL)
		return NULL;
	*len = n->ne_last->fr_len;
	*flags = n->ne_last->fr_flags;
	return n->ne_last->fr_data;
}

unsigned int
sim_net_ntx(const struct sim_net *n)
{
	return n->ne_ntx;
}

void
sim_net_offers(struct sim_net *n, unsigned int flags)
{
	n->ne_cfg.nc_flags = flags;
}

unsigned int
sim_net_nqueue(const struct sim_net *n)
{
	return n->ne.ba_connected ? n->ne_nq : 0;
}

unsigned int
sim_net_queue_ntx(const struct sim_net *n, unsigned int queue)
{
	return n->ne_q[queue].nq_ntx;
}

unsigned int
sim_net_queue_nrx(const struct sim_net *n, unsigned int queue)
{
	return n->ne_q[queue].nq_nrx;
}

unsigned int
sim_net_nmcast(const struct sim_net *n)
{
	return n->ne_mc.mc_n;
}

void
sim_net_mcast_room(struct sim_net *n, unsigned int room)
{
	n->ne_mc.mc_room = room;
}

unsigned int
sim_net_nfiltered(const struct sim_net *n)
{
	return n->ne_mc.mc_nfiltered;
}

bool
sim_net_has_ctrl(const struct sim_net *n)
{
	return n->ne_ctl.ct_live;
}

uint32_t
sim_net_hashes(const struct sim_net *n)
{
	return n->ne_ctl.ct_algorithm ==
	    XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ ? n->ne_ctl.ct_hashes : 0;
}

unsigned int
sim_net_ntable(const struct sim_net *n)
{
	return n->ne_ctl.ct_ntable;
}

void
sim_net_ctrl_refuse(struct sim_net *n, unsigned int type)
{
	n->ne_ctl.ct_refuse = type;
}

void
sim_net_ctrl_mute(struct sim_net *n, bool mute)
{
	n->ne_ctl.ct_mute = mute;
}

void
sim_net_ctrl_room(struct sim_net *n, unsigned int room)
{
	n->ne_ctl.ct_room = room;
}

bool
sim_net_is_split(const struct sim_net *n)
{
	return n->ne_q[0].nq_txport != n->ne_q[0].nq_rxport;
}

unsigned int
sim_net_nrx(const struct sim_net *n)
{
	return n->ne_nrx;
}

unsigned int
sim_net_queued(const struct sim_net *n)
{
	struct list *l;
	unsigned int k = 0;

	LIST_FOREACH(l, &n->ne_queue)
		k++;
	return k;
}

void
sim_net_carrier(struct sim_net *n, bool on)
{
	sim_back_set(&n->ne, "carrier", "%u", on);
}

int
sim_net_state(const struct sim_net *n)
{
	return (int)n->ne.ba_state;
}

void
sim_net_set_state(struct sim_net *n, const char *state)
{
	sim_back_set_state(&n->ne, state);
}

void
sim_net_hold(struct sim_net *n, bool hold)
{
	sim_back_hold(&n->ne, hold);
}

void
sim_net_poke(struct sim_net *n, bool rx, unsigned int off, const void *p,
    size_t len)
{
	const struct sim_netq *q = &n->ne_q[0];
	uint8_t *page = rx ? q->nq_rxpage : q->nq_txpage;

	if (!n->ne.ba_connected || off > PV_PAGE_SIZE - len)
		return;
	sim_mem_put(page + off, p, len);
	sim_evtchn_send0(n->ne.ba_sim, rx ? q->nq_rxport : q->nq_txport);
}
