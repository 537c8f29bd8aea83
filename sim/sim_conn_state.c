/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_conn_state.c -- connections to the store that are lost and made anew,
 * as docs/misc/xenstore-ring.txt of Xen has it.
 */

#include "sim_conn.h"

#include "shm.h"

static void
sim_conn_connection(struct sim_conn *cn, uint32_t value)
{
	shm_write32(&cn->cn_if->connection, value);
	sim_evtchn_send0(cn->cn_sim, cn->cn_port);
}

void
sim_conn_reset(struct sim_conn *cn)
{
	sim_conn_clear(cn);
	shm_write32(&cn->cn_if->req_cons, 0);
	shm_write32(&cn->cn_if->req_prod, 0);
	shm_write32(&cn->cn_if->rsp_cons, 0);
	shm_write32(&cn->cn_if->rsp_prod, 0);
	shm_write32(&cn->cn_if->error, XENSTORE_ERROR_NONE);
	bytering_init(&cn->cn_req, cn->cn_if->req, XENSTORE_RING_SIZE,
	    &cn->cn_if->req_prod, &cn->cn_if->req_cons, false);
	bytering_init(&cn->cn_rsp, cn->cn_if->rsp, XENSTORE_RING_SIZE,
	    &cn->cn_if->rsp_prod, &cn->cn_if->rsp_cons, true);
	cn->cn_dead = false;
	cn->cn_back = 0;
	sim_conn_connection(cn, XENSTORE_CONNECTED);
}

/*
 * The connection is lost, and another comes ns later, but not before the
 * guest had the time to see it.
 */
static void
sim_conn_leave(struct sim_conn *cn, uint64_t ns)
{
	ns += 100 * SIM_MS;
	sim_conn_clear(cn);
	cn->cn_back = sim_now() + ns;
	sim_conn_connection(cn, XENSTORE_RECONNECT);
	sim_sched_kick(&cn->cn_actor, ns);
}

bool
sim_conn_state(struct sim_conn *cn)
{
	if (cn->cn_held)
		return false;
	if (cn->cn_back != 0) {
		if (sim_now() < cn->cn_back) {
			sim_sched_kick(&cn->cn_actor,
			    cn->cn_back - sim_now());
			return false;
		}
		sim_conn_reset(cn);
	}
	if ((cn->cn_features & XENSTORE_SERVER_FEATURE_RECONNECTION) != 0 &&
	    shm_read32(&cn->cn_if->connection) == XENSTORE_RECONNECT) {
		if (sim_evil_now(SIM_EVIL_XS_RECONNECT_NEVER))
			return false;
		cn->cn_nreconnect++;
		sim_conn_reset(cn);
	}
	if (!cn->cn_dead && sim_evil_now(SIM_EVIL_XS_ERROR_WILD)) {
		cn->cn_dead = true;
		shm_write32(&cn->cn_if->error, sim_rand(2) ? sim_rand(4) + 1 :
		    sim_rand(1u << 31) + 1);
		sim_evtchn_send0(cn->cn_sim, cn->cn_port);
	}
	if (!cn->cn_dead && sim_evil_now(SIM_EVIL_XS_CONNECTION_WILD)) {
		sim_conn_leave(cn, sim_rand(3) * SIM_S);
		return false;
	}
	return true;
}

bool
sim_conn_forsaken(const struct sim_conn *cn)
{
	static const enum sim_lie lies[] = {
		SIM_EVIL_XS_INDEX_WILD, SIM_EVIL_XS_LEN_HUGE,
		SIM_EVIL_XS_ID_UNKNOWN, SIM_EVIL_XS_TYPE_WRONG,
		SIM_EVIL_XS_ERROR_WILD
	};
	unsigned int i;

	if (sim_evil_told(sim_world, SIM_EVIL_XS_SILENT) > 0 ||
	    sim_evil_told(sim_world, SIM_EVIL_XS_RECONNECT_NEVER) > 0)
		return true;
	if ((cn->cn_features & XENSTORE_SERVER_FEATURE_RECONNECTION) != 0)
		return false;
	for (i = 0; i < PV_NELEM(lies); i++) {
		if (sim_evil_told(sim_world, lies[i]) > 0)
			return true;
	}
	return false;
}

void
sim_store_offer(struct sim_dom *d, uint32_t features)
{
	d->d_conn->cn_features = features;
	shm_write32(&d->d_conn->cn_if->server_features, features);
}

void
sim_store_restart(struct sim *s, uint64_t ns)
{
	unsigned int i;

	sim_inside();
	for (i = 0; i < SIM_NDOM; i++) {
		if (s->s_dom[i] != NULL && s->s_dom[i]->d_conn != NULL)
			sim_conn_leave(s->s_dom[i]->d_conn, ns);
	}
	sim_outside();
}

void
sim_store_hold(struct sim_dom *d, bool hold)
{
	d->d_conn->cn_held = hold;
	sim_sched_kick(&d->d_conn->cn_actor, 0);
}

unsigned int
sim_store_nreconnect(const struct sim_dom *d)
{
	return d->d_conn->cn_nreconnect;
}

/* ---- a domain that is suspended ---------------------------------------- */

void
sim_conn_quiet(struct sim_conn *cn)
{
	struct list *l;

	if (cn->cn_dead || sim_conn_forsaken(cn))
		return;
	if (cn->cn_have > 0 || shm_read32(&cn->cn_if->req_prod) !=
	    shm_read32(&cn->cn_if->req_cons))
		sim_bug("suspended in the middle of a request to the store");
	LIST_FOREACH(l, &cn->cn_out) {
		struct sim_msg *ms = LIST_ENTRY(l, struct sim_msg, ms_link);
		struct xsd_sockmsg hdr;

		memcpy(&hdr, ms->ms_data, sizeof(hdr));
		if (hdr.type != XS_WATCH_EVENT)
			sim_bug("suspended without the store's answer");
	}
}

/* The toolstack empties the page, unless its frame is one of the guest's. */
void
sim_conn_move(struct sim_dom *d)
{
	static const struct xenstore_domain_interface none;
	struct sim_conn *cn = d->d_conn;

	sim_conn_clear(cn);
	cn->cn_dead = false;
	cn->cn_back = 0;
	if (!(d->d_sim->s_flags & SIM_PV))
		sim_mem_put(cn->cn_if, &none, sizeof(none));
	shm_write32(&cn->cn_if->server_features, cn->cn_features);
	shm_write32(&cn->cn_if->connection, XENSTORE_CONNECTED);
	sim_conn_listen(cn);
}
