/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_back.c -- see sim_back.h.
 */

#include <stdarg.h>

#include <pv/types.h>

#include <xen/io/xenbus.h>

#include "sim_back.h"

#define SIM_HOLD	(3 * SIM_S)	/* how long a grant is held */

struct sim_held {
	struct list	 hd_link;
	uint32_t	 hd_ref;
	bool		 hd_readonly, hd_forever;
	uint64_t	 hd_until;
};

/* ---- keys -------------------------------------------------------------- */

void
sim_back_set(struct sim_back *ba, const char *key, const char *fmt, ...)
{
	char path[128], val[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(val, sizeof(val), fmt, ap);
	va_end(ap);
	snprintf(path, sizeof(path), "%s/%s", ba->ba_path, key);
	sim_store_write(ba->ba_sim, path, "%s", val);
}

void
sim_back_set_front(struct sim_back *ba, const char *key, const char *fmt, ...)
{
	char path[128], val[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(val, sizeof(val), fmt, ap);
	va_end(ap);
	snprintf(path, sizeof(path), "%s/%s", ba->ba_front, key);
	sim_store_write(ba->ba_sim, path, "%s", val);
}

const char *
sim_back_str(struct sim_back *ba, const char *key)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", ba->ba_front, key);
	return sim_store_read(ba->ba_sim, path);
}

uint64_t
sim_back_num(struct sim_back *ba, const char *key, uint64_t dflt)
{
	const char *val = sim_back_str(ba, key);

	return val == NULL || *val == '\0' ? dflt : strtoull(val, NULL, 10);
}

void
sim_back_state(struct sim_back *ba, unsigned int state)
{
	if (ba->ba_state == state || ba->ba_gone)
		return;
	ba->ba_state = state;
	sim_back_set(ba, "state", "%u", state);
}

/* ---- grants that are held ---------------------------------------------- */

static void
sim_back_release(struct sim_back *ba, bool all)
{
	struct list *l, *next;
	struct sim_held *hd;

	LIST_FOREACH_SAFE(l, next, &ba->ba_held) {
		hd = LIST_ENTRY(l, struct sim_held, hd_link);
		if (!all && (hd->hd_forever ?
		    sim_evil_armed(SIM_EVIL_GRANT_HELD_FOREVER) :
		    ba->ba_sim->s_now < hd->hd_until))
			continue;
		list_remove(&hd->hd_link);
		sim_gnttab_unmap(ba->ba_dom, hd->hd_ref, hd->hd_readonly);
		free(hd);
	}
	if (!list_empty(&ba->ba_held))
		sim_sched_kick(&ba->ba_actor, SIM_HOLD / 8);
}

void *
sim_back_map(struct sim_back *ba, uint32_t ref, bool readonly)
{
	return sim_gnttab_map(ba->ba_dom, ba->ba_id, ref, readonly);
}

void
sim_back_unmap(struct sim_back *ba, uint32_t ref, bool readonly)
{
	bool forever = sim_evil_now(SIM_EVIL_GRANT_HELD_FOREVER);
	struct sim_held *hd;

	if (!forever && !sim_evil_now(SIM_EVIL_GRANT_HELD)) {
		sim_gnttab_unmap(ba->ba_dom, ref, readonly);
		return;
	}
	hd = calloc(1, sizeof(*hd));
	hd->hd_ref = ref;
	hd->hd_readonly = readonly;
	hd->hd_forever = forever;
	hd->hd_until = ba->ba_sim->s_now + SIM_HOLD;
	list_append(&ba->ba_held, &hd->hd_link);
	sim_sched_kick(&ba->ba_actor, SIM_HOLD);
}

/* ---- states ------------------------------------------------------------ */

static void
sim_back_let_go(struct sim_back *ba)
{
	if (!ba->ba_connected)
		return;
	ba->ba_connected = false;
	ba->ba_ops->bo_disconnect(ba);
}

/* The toolstack, when the back end is closed and not wanted any more. */
static void
sim_back_remove(struct sim_back *ba)
{
	ba->ba_gone = true;
	ba->ba_sim->s_removed = ba->ba_sim->s_now;
	sim_store_rm(ba->ba_sim, ba->ba_front);
	sim_store_rm(ba->ba_sim, ba->ba_path);
}

static void
sim_back_closed(struct sim_back *ba)
{
	sim_back_let_go(ba);
	sim_back_state(ba, XenbusStateClosed);
	if (!ba->ba_online)
		sim_back_remove(ba);
}

static void
sim_back_ready(struct sim_back *ba)
{
	int rv;

	if (ba->ba_connected || ba->ba_leaving ||
	    (ba->ba_state != XenbusStateInitWait &&
	    ba->ba_state != XenbusStateConnected))
		return;
	rv = ba->ba_ops->bo_connect(ba);
	if (rv > 0)
		return;
	if (rv < 0) {
		sim_back_state(ba, XenbusStateClosing);
		return;
	}
	ba->ba_connected = true;
	sim_back_state(ba, XenbusStateConnected);
}

static void
sim_back_initwait(struct sim_back *ba)
{
	ba->ba_leaving = false;
	ba->ba_ops->bo_offer(ba);
	if (sim_evil_now(SIM_EVIL_STATE_SKIPPED))
		sim_back_state(ba, XenbusStateConnected);
	else
		sim_back_state(ba, XenbusStateInitWait);
}

static void
sim_back_lie(struct sim_back *ba)
{
	if (sim_evil_now(SIM_EVIL_STATE_UNKNOWN)) {
		sim_honest(ba->ba_sim, SIM_EVIL_STATE_UNKNOWN);
		sim_back_set(ba, "state", "%s", sim_rand(2) ? "42" :
		    "Connected");
	}
	if (sim_evil_now(SIM_EVIL_STATE_BACKWARD)) {
		sim_honest(ba->ba_sim, SIM_EVIL_STATE_BACKWARD);
		sim_back_set(ba, "state", "%u", XenbusStateInitWait);
	}
	if (sim_evil_now(SIM_EVIL_BACKEND_VANISHES)) {
		sim_honest(ba->ba_sim, SIM_EVIL_BACKEND_VANISHES);
		sim_back_let_go(ba);
		ba->ba_gone = true;
		sim_store_rm(ba->ba_sim, ba->ba_path);
	}
	if (sim_evil_now(SIM_EVIL_EVENT_STORM)) {
		sim_dom_storm(ba->ba_dom);
		sim_sched_kick(&ba->ba_actor, 2000);
	}
	if (sim_evil_now(SIM_EVIL_EVENT_SPURIOUS)) {
		sim_dom_storm(ba->ba_dom);
		sim_sched_kick(&ba->ba_actor, 50 * SIM_MS);
	}
}

static void
sim_back_front(struct sim_back *ba)
{
	switch (sim_back_num(ba, "state", XenbusStateUnknown)) {
	case XenbusStateInitialising:
		if (ba->ba_state == XenbusStateConnected &&
		    ba->ba_connected)
			sim_back_let_go(ba);
		if (ba->ba_state == XenbusStateClosed ||
		    ba->ba_state == XenbusStateInitialising)
			sim_back_initwait(ba);
		break;
	case XenbusStateInitialised:
	case XenbusStateConnected:
		sim_back_ready(ba);
		break;
	case XenbusStateClosing:
		if (ba->ba_ops->bo_early)
			sim_back_let_go(ba);
		sim_back_state(ba, XenbusStateClosing);
		break;
	case XenbusStateClosed:
		sim_back_closed(ba);
		break;
	default:
		sim_back_let_go(ba);
		break;
	}
}

static void
sim_back_step(void *arg)
{
	struct sim_back *ba = arg;

	sim_back_release(ba, false);
	if (ba->ba_gone)
		return;
	sim_back_front(ba);
	if (ba->ba_connected)
		ba->ba_ops->bo_service(ba);
	if (ba->ba_connected)
		sim_back_lie(ba);
}

/* ---- life -------------------------------------------------------------- */

/* The toolstack: our directory, and our name in the front end's. */
static void
sim_back_write(struct sim_back *ba)
{
	snprintf(ba->ba_path, sizeof(ba->ba_path),
	    "/local/domain/%u/backend/%s/%u/%u", ba->ba_id,
	    ba->ba_ops->bo_type, ba->ba_dom->d_id, ba->ba_devid);
	sim_back_set(ba, "frontend", "%s", ba->ba_front);
	sim_back_set(ba, "frontend-id", "%u", ba->ba_dom->d_id);
	sim_back_set(ba, "online", "%u", 1);
	sim_back_set(ba, "state", "%u", XenbusStateInitialising);
	sim_back_set_front(ba, "backend", "%s", ba->ba_path);
	sim_back_set_front(ba, "backend-id", "%u", ba->ba_id);
}

void
sim_back_create(struct sim_back *ba, struct sim_dom *d,
    const struct sim_back_ops *ops, unsigned int devid)
{
	ba->ba_dom = d;
	ba->ba_sim = d->d_sim;
	ba->ba_id = d->d_sim->s_backid;
	ba->ba_devid = devid;
	ba->ba_ops = ops;
	ba->ba_online = true;
	ba->ba_state = XenbusStateInitialising;
	list_init(&ba->ba_held);
	snprintf(ba->ba_front, sizeof(ba->ba_front),
	    "/local/domain/%u/device/%s/%u", d->d_id, ops->bo_type, devid);
	sim_sched_actor(&ba->ba_actor, sim_back_step, ba);
	sim_store_write(d->d_sim, ba->ba_front, "%s", "");
	sim_store_chown(d->d_sim, ba->ba_front, d->d_id);
	sim_back_write(ba);
}

void
sim_back_begin(struct sim_back *ba)
{
	sim_back_set_front(ba, "state", "%u", XenbusStateInitialising);
	sim_store_watch(ba->ba_sim, ba->ba_front, &ba->ba_actor);
}

void
sim_back_destroy(struct sim_back *ba)
{
	sim_inside();
	sim_back_let_go(ba);
	sim_back_release(ba, true);
	sim_store_unwatch(ba->ba_sim, &ba->ba_actor);
	sim_sched_drop(&ba->ba_actor);
	list_remove(&ba->ba_link);
	sim_outside();
}

void
sim_back_unplug(struct sim_back *ba)
{
	ba->ba_online = false;
	ba->ba_leaving = true;
	sim_back_set(ba, "online", "%u", 0);
	sim_back_state(ba, XenbusStateClosing);
	sim_sched_kick(&ba->ba_actor, 0);
}

void
sim_back_vanish(struct sim_back *ba)
{
	sim_inside();
	sim_back_let_go(ba);
	sim_back_remove(ba);
	sim_outside();
}

void
sim_back_die(struct sim_back *ba)
{
	sim_inside();
	sim_back_let_go(ba);
	ba->ba_gone = true;
	sim_store_rm(ba->ba_sim, ba->ba_path);
	sim_outside();
}

void
sim_back_revive(struct sim_back *ba, uint16_t id)
{
	sim_inside();
	ba->ba_gone = false;
	ba->ba_leaving = false;
	ba->ba_id = id;
	ba->ba_state = XenbusStateInitialising;
	sim_back_write(ba);
	sim_sched_kick(&ba->ba_actor, 0);
	sim_outside();
}

void
sim_back_leave(struct sim_back *ba)
{
	sim_back_let_go(ba);
	sim_back_release(ba, true);
	if (!ba->ba_gone)
		sim_store_rm(ba->ba_sim, ba->ba_path);
}

void
sim_back_move(struct sim_back *ba, uint16_t id)
{
	if (ba->ba_gone)
		return;
	sim_back_set_front(ba, "state", "%u", XenbusStateInitialising);
	sim_back_revive(ba, id);
}

void
sim_back_restart(struct sim_back *ba)
{
	sim_inside();
	sim_back_let_go(ba);
	ba->ba_leaving = true;
	sim_back_state(ba, XenbusStateClosed);
	sim_outside();
}

void
sim_back_set_state(struct sim_back *ba, const char *state)
{
	sim_back_set(ba, "state", "%s", state);
}

void
sim_back_hold(struct sim_back *ba, bool hold)
{
	ba->ba_hold = hold;
	sim_sched_kick(&ba->ba_actor, 0);
}

/* A lie after which the front end may be on its way out. */
static bool
sim_back_offends(unsigned int lie)
{
	return lie != SIM_EVIL_RSP_CHANGED_AFTER_READ &&
	    lie != SIM_EVIL_IDX_REWRITTEN &&
	    (lie < SIM_EVIL_EVENT_STORM || lie > SIM_EVIL_EVENT_AFTER_DETACH);
}

bool
sim_back_faithful(struct sim_back *ba)
{
	unsigned int lie;

	for (lie = 0; lie < SIM_EVIL_NLIE; lie++) {
		if (sim_back_offends(lie) &&
		    sim_evil_told(ba->ba_sim, lie) > 0)
			return false;
	}
	/* One made anew at once: what the front says may be to the last. */
	if (ba->ba_sim->s_removed != 0 &&
	    ba->ba_sim->s_now - ba->ba_sim->s_removed < 100 * SIM_MS)
		return false;
	return !ba->ba_leaving && !ba->ba_sim->s_failed &&
	    sim_back_num(ba, "state", 0) == XenbusStateConnected;
}
