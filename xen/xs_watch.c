/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xs_watch.c -- watches: from the store's event to the call of xw_fn.
 *
 * An event is queued at its watch, with the path that changed, by whoever
 * serves the ring; one work calls the functions, in thread context and one at
 * a time.  The queue is bounded: an event for a path that waits already is
 * dropped, and when there is no room the watch is called with its own path,
 * which says "look at all of it".
 */

#include "xs_wire.h"

#define XS_WATCH_AGAIN	(10ull * 1000 * 1000 * 1000)	/* ns */
#define XS_WATCH_BUDGET	64		/* calls in one run of the work */

/* Forget what is queued.  Lock: xs_lock. */
static void
xs_watch_flush(struct xs *xs, struct xs_watch *w)
{
	struct list *p;

	while ((p = list_pop(&w->xw_events)) != NULL)
		list_append(&xs->xs_evfree, p);
	w->xw_nevent = 0;
	w->xw_overflow = false;
}

/* It is to be called, behind those that wait already.  Lock: xs_lock. */
static void
xs_watch_ready(struct xs *xs, struct xs_watch *w)
{
	if (w->xw_ready.li_next == NULL)
		list_append(&xs->xs_ready, &w->xw_ready);
}

/* Queue a path of len bytes at a watch.  Lock: xs_lock. */
static void
xs_watch_queue(struct xs *xs, struct xs_watch *w, const char *path,
    size_t len)
{
	struct xs_event *ev;
	struct list *p;

	xs_watch_ready(xs, w);
	LIST_FOREACH(p, &w->xw_events) {
		ev = LIST_ENTRY(p, struct xs_event, ev_link);
		if (str_eqn(path, len, ev->ev_path))
			return;
	}
	if (len >= XS_PATHMAX || w->xw_nevent >= XS_WATCHEVENT ||
	    list_empty(&xs->xs_evfree)) {
		w->xw_overflow = true;
		return;
	}
	ev = LIST_ENTRY(list_pop(&xs->xs_evfree), struct xs_event, ev_link);
	__builtin_memcpy(ev->ev_path, path, len);
	ev->ev_path[len] = '\0';
	list_append(&w->xw_events, &ev->ev_link);
	w->xw_nevent++;
}

/* The watch of a token of len bytes, or NULL.  Lock: xs_lock. */
static struct xs_watch *
xs_watch_find(struct xs *xs, const char *token, size_t len)
{
	struct xs_watch *w;
	struct list *p;
	uint64_t id;

	/* peer: may be any bytes. */
	if (len < 2 || token[0] != 'w' ||
	    str_num(token + 1, len - 1, 1, UINT32_MAX, &id) < 0)
		return NULL;
	LIST_FOREACH(p, &xs->xs_watches) {
		w = LIST_ENTRY(p, struct xs_watch, xw_link);
		if (w->xw_id == id)
			return w;
	}
	return NULL;
}

/*
 * xs_watch_event -- a watch event of len bytes in xs_body came
 *
 * 0; or -PV_EPROTO when it is not a path and a token.
 * Context: any.  Lock: xs_lock.
 */
int
xs_watch_event(struct xs *xs, size_t len)
{
	const char *path = xs->xs_body, *token;
	size_t npath = 0, ntoken = 0;
	struct xs_watch *w;

	/* peer: two strings, of which the last may lack its NUL. */
	while (npath < len && path[npath] != '\0')
		npath++;
	if (npath + 1 >= len)
		return -PV_EPROTO;
	token = path + npath + 1;
	while (npath + 1 + ntoken < len && token[ntoken] != '\0')
		ntoken++;
	w = xs_watch_find(xs, token, ntoken);
	/* None: the watch was taken away while the event was on its way. */
	if (w == NULL)
		return 0;
	xs_watch_queue(xs, w, path, npath);
	pv_os_defer(&xs->xs_work, 0);
	return 0;
}

/*
 * The next watch that has something to tell, and the path to tell it with in
 * xs_path.  With more to tell it goes to the end of the list, so that none is
 * kept waiting by another.  Lock: xs_lock.
 */
static struct xs_watch *
xs_watch_next(struct xs *xs)
{
	struct list *p = list_pop(&xs->xs_ready);
	struct xs_watch *w;
	struct strbuf sb;

	if (p == NULL)
		return NULL;
	w = LIST_ENTRY(p, struct xs_watch, xw_ready);
	str_begin(&sb, xs->xs_path, sizeof(xs->xs_path));
	if (w->xw_overflow) {
		xs_watch_flush(xs, w);
		str_add(&sb, w->xw_path);
		return w;
	}
	p = list_pop(&w->xw_events);
	w->xw_nevent--;
	str_add(&sb, LIST_ENTRY(p, struct xs_event, ev_link)->ev_path);
	list_append(&xs->xs_evfree, p);
	if (w->xw_nevent > 0)
		xs_watch_ready(xs, w);
	return w;
}

/*
 * xs_watch_run -- the work that calls the watches' functions
 *
 * Context: thread.
 */
void
xs_watch_run(void *arg)
{
	struct xs *xs = arg;
	struct xs_watch *w;
	unsigned int n;

	pv_lock(&xs->xs_lock);
	for (n = 0; n < XS_WATCH_BUDGET; n++) {
		w = xs_watch_next(xs);
		if (w == NULL)
			break;
		w->xw_running = true;
		pv_unlock(&xs->xs_lock);
		w->xw_fn(w->xw_arg, xs->xs_path);
		pv_lock(&xs->xs_lock);
		w->xw_running = false;
		/* xs_unwatch() may wait for this; w is its own from here on. */
		pv_os_wake(&w->xw_idle);
	}
	pv_unlock(&xs->xs_lock);
	if (n == XS_WATCH_BUDGET)
		pv_os_defer(&xs->xs_work, 0);
}

/* Take a watch off the list; waits for its function.  Context: thread. */
static void
xs_watch_forget(struct xs *xs, struct xs_watch *w)
{
	pv_lock(&xs->xs_lock);
	list_remove(&w->xw_link);
	xs->xs_nwatch--;
	if (w->xw_ready.li_next != NULL)
		list_remove(&w->xw_ready);
	xs_watch_flush(xs, w);
	while (w->xw_running) {
		pv_unlock(&xs->xs_lock);
		(void)pv_os_wait(&w->xw_idle, UINT64_MAX);
		pv_lock(&xs->xs_lock);
	}
	pv_unlock(&xs->xs_lock);
	w->xw_set = false;
	if (w->xw_dev != NULL)
		pv_count(&w->xw_dev->pd_nwatch, -1);
}

static int
xs_watch_talk(struct xs_watch *w, uint32_t type)
{
	struct xs_req rq;

	xs_req_init(&rq, type, XS_NOTRANS);
	xs_req_path(&rq, w->xw_path);
	xs_req_path(&rq, w->xw_token);
	return xs_talk(w->xw_xen, &rq);
}

/*
 * A token that no other watch of this domain has or had: what undoes an
 * earlier attempt that timed out must not take this one away.
 */
static void
xs_watch_name(struct xs *xs, struct xs_watch *w)
{
	struct strbuf sb;

	w->xw_id = ++xs->xs_token;
	str_begin(&sb, w->xw_token, sizeof(w->xw_token));
	str_add(&sb, "w");
	str_addu(&sb, w->xw_id);
}

/*
 * xs_watch -- call fn when something at or below path changes
 *
 * The caller may set xw_dev, whose watches are counted.  0 or -PV_E*;
 * -PV_E2BIG: the store's quota.
 * Context: thread.
 */
int
xs_watch(struct xen *x, struct xs_watch *w, const char *path,
    void (*fn)(void *, const char *), void *arg)
{
	struct xs *xs = x->x_xs;
	struct strbuf sb;
	int rv;

	if (xs == NULL)
		return -PV_ENODEV;
	if (path != w->xw_path) {
		str_begin(&sb, w->xw_path, sizeof(w->xw_path));
		str_add(&sb, path);
		if (sb.sb_over)
			return -PV_E2BIG;
	}
	w->xw_xen = x;
	w->xw_fn = fn;
	w->xw_arg = arg;
	w->xw_nevent = 0;
	w->xw_overflow = w->xw_running = w->xw_again = false;
	list_init(&w->xw_events);
	w->xw_ready.li_next = NULL;
	/* On the list before it is asked for: events may overtake the reply. */
	pv_lock(&xs->xs_lock);
	xs_watch_name(xs, w);
	list_append(&xs->xs_watches, &w->xw_link);
	xs->xs_nwatch++;
	pv_unlock(&xs->xs_lock);
	w->xw_set = true;
	if (w->xw_dev != NULL)
		pv_count(&w->xw_dev->pd_nwatch, 1);
	rv = xs_watch_talk(w, XS_WATCH);
	if (rv == -PV_EEXIST)
		return 0;	/* xs_watch_restore() was faster */
	if (rv < 0)
		xs_watch_forget(xs, w);
	return rv;
}

/*
 * xs_unwatch -- on return fn is not running and will not run; idempotent
 *
 * Context: thread; not from fn itself.
 */
void
xs_unwatch(struct xs_watch *w)
{
	if (!w->xw_set)
		return;
	xs_watch_forget(w->xw_xen->x_xs, w);
	/* The path may be gone and the watch with it: that is what we want. */
	(void)xs_watch_talk(w, XS_UNWATCH);
}

/* ---- a new connection -------------------------------------------------- */

/* Copy the next watch to be set; it may be taken away while we wait. */
static bool
xs_watch_pick(struct xs *xs)
{
	struct xs_watch *w = NULL;
	struct strbuf path, token;
	struct list *p;

	LIST_FOREACH(p, &xs->xs_watches) {
		w = LIST_ENTRY(p, struct xs_watch, xw_link);
		if (w->xw_again)
			break;
	}
	if (p == &xs->xs_watches)
		return false;
	w->xw_again = false;
	str_begin(&path, xs->xs_setpath, sizeof(xs->xs_setpath));
	str_add(&path, w->xw_path);
	str_begin(&token, xs->xs_settoken, sizeof(xs->xs_settoken));
	str_add(&token, w->xw_token);
	return true;
}

/* One request about the watch that was picked. */
static int
xs_watch_ask(struct xs *xs, uint32_t type)
{
	xs_req_init(&xs->xs_set, type, XS_NOTRANS);
	xs_req_path(&xs->xs_set, xs->xs_setpath);
	xs_req_path(&xs->xs_set, xs->xs_settoken);
	xs->xs_set.rq_once = true;
	return xs_talk(xs->xs_xen, &xs->xs_set);
}

/*
 * xs_watch_restore -- set again what a lost connection took away
 *
 * A watch that can not be set now is tried again later.
 * Context: thread; one at a time.
 */
void
xs_watch_restore(struct xs *xs)
{
	struct xs_watch *w;
	bool any;
	int rv;

	for (;;) {
		pv_lock(&xs->xs_lock);
		any = xs_conn_up(xs) && xs_watch_pick(xs);
		pv_unlock(&xs->xs_lock);
		if (!any)
			return;
		rv = xs_watch_ask(xs, XS_WATCH);
		if (rv == -PV_EEXIST)
			rv = 0;		/* xs_watch() was faster */
		pv_lock(&xs->xs_lock);
		w = xs_watch_find(xs, xs->xs_settoken,
		    str_len(xs->xs_settoken));
		if (w != NULL && rv < 0)
			w->xw_again = true;
		pv_unlock(&xs->xs_lock);
		if (w == NULL && rv == 0) {
			(void)xs_watch_ask(xs, XS_UNWATCH);
		} else if (w != NULL && rv < 0 && rv != -PV_EAGAIN) {
			pv_log(NULL, PV_LOG_ERR, "xenstore: can not watch %s "
			    "again (error %d)", xs->xs_setpath, -rv);
			pv_os_defer(&xs->xs_late, XS_WATCH_AGAIN);
			return;
		}
	}
}
