/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xs.c -- the requests of XenStore; see xs.h and xs_wire.h.
 */

#include "xs_wire.h"
#include "shm.h"

static const char *const xs_verbs[] = {
	[XS_DIRECTORY] = "list",
	[XS_READ] = "read",
	[XS_WATCH] = "watch",
	[XS_UNWATCH] = "unwatch",
	[XS_TRANSACTION_START] = "begin a transaction at",
	[XS_TRANSACTION_END] = "end a transaction at",
	[XS_WRITE] = "write",
	[XS_RM] = "remove",
	[XS_DIRECTORY_PART] = "list a part of"
};

/* ---- a request --------------------------------------------------------- */

/*
 * xs_req_init, xs_req_add, xs_req_path -- put a request together
 *
 * The pieces are not copied.
 * Context: any.
 */
void
xs_req_init(struct xs_req *rq, uint32_t type, const struct xs_trans *t)
{
	*rq = (struct xs_req){ .rq_slot = -1, .rq_npiece = 1 };
	rq->rq_hdr.type = type;
	rq->rq_hdr.tx_id = t != XS_NOTRANS ? t->xt_id : 0;
	rq->rq_epoch = t != XS_NOTRANS ? t->xt_epoch : 0;
	rq->rq_piece[0].pc_base = &rq->rq_hdr;
	rq->rq_piece[0].pc_len = sizeof(rq->rq_hdr);
}

void
xs_req_add(struct xs_req *rq, const void *p, size_t len)
{
	PV_ASSERT(rq->rq_npiece < XS_PIECES);
	rq->rq_piece[rq->rq_npiece].pc_base = p;
	rq->rq_piece[rq->rq_npiece].pc_len = len;
	rq->rq_npiece++;
}

void
xs_req_path(struct xs_req *rq, const char *path)
{
	xs_req_add(rq, path, str_len(path) + 1);
}

/* Where the reply goes. */
static void
xs_req_into(struct xs_req *rq, char *buf, size_t size)
{
	rq->rq_buf = buf;
	rq->rq_size = size;
}

/*
 * xs_req_seal -- fill in the header's length
 *
 * 0; -PV_E2BIG: the server would cut the connection.
 * Context: any.
 */
int
xs_req_seal(struct xs_req *rq)
{
	size_t sum = 0;
	unsigned int i;

	for (i = 1; i < rq->rq_npiece; i++)
		sum += rq->rq_piece[i].pc_len;
	if (sum > XENSTORE_PAYLOAD_MAX)
		return -PV_E2BIG;
	rq->rq_hdr.len = (uint32_t)sum;
	return 0;
}

/* What an operator should know of a request that did not go well. */
static void
xs_req_report(const struct xs_req *rq, int rv)
{
	const char *verb = NULL, *path = "";
	uint32_t type = rq->rq_hdr.type;

	if (type < PV_NELEM(xs_verbs))
		verb = xs_verbs[type];
	if (verb == NULL)
		verb = "ask";
	if (rq->rq_npiece > 1)
		path = rq->rq_piece[1].pc_base;
	if (rv == -PV_ETIMEDOUT)
		pv_log(NULL, PV_LOG_ERR, "xenstore: no answer for %u s to: "
		    "%s %s", (unsigned int)(XS_PATIENCE / 1000000000), verb,
		    path);
	else if (rv == -PV_ENOSPC || (rv == -PV_E2BIG && rq->rq_len == 0 &&
	    type != XS_DIRECTORY))
		pv_log(NULL, PV_LOG_WARN, "xenstore: over quota (%s): %s %s",
		    rv == -PV_ENOSPC ? "ENOSPC" : "E2BIG", verb, path);
}

/* ---- serving the ring -------------------------------------------------- */

/* Say once that the store is broken, without the lock. */
static void
xs_complain(struct xs *xs)
{
	const char *why;
	bool dead;

	pv_lock(&xs->xs_lock);
	why = xs->xs_said ? NULL : xs->xs_why;
	dead = xs->xs_dead;
	xs->xs_said = true;
	pv_unlock(&xs->xs_lock);
	if (why != NULL)
		pv_log(NULL, PV_LOG_ERR, "xenstore: broken: %s%s", why,
		    dead ? "" : "; connecting again");
}

/*
 * xs_serve -- send and receive what is possible now
 *
 * Returns the number of messages received.
 * Context: any.
 */
unsigned int
xs_serve(struct xs *xs)
{
	uint32_t before;
	unsigned int n;
	bool kick;

	pv_lock(&xs->xs_lock);
	before = xs->xs_rsp.by_mine;
	n = xs_ring_receive(xs);
	/* Room that we made counts: the store may wait for it. */
	kick = xs_ring_send(xs) || xs->xs_rsp.by_mine != before;
	pv_unlock(&xs->xs_lock);
	if (kick)
		evtchn_notify(&xs->xs_handler);
	xs_complain(xs);
	return n;
}

/*
 * xs_intr -- the store's event
 *
 * More messages than fit in a run make another one; an event may also tell of
 * room for our requests, so none counts as spurious.
 * Context: deferred.
 */
enum evtchn_result
xs_intr(void *arg)
{
	struct xs *xs = arg;

	if (xs->xs_page == NULL)
		pv_os_defer(&xs->xs_late, 0);
	return xs_serve(xs) > 0 ? EVTCHN_MORE : EVTCHN_DONE;
}

/* Until the answer is there or the deadline.  Lock: xs_lock at the end. */
static int
xs_wait_until(struct xs *xs, struct xs_req *rq, uint64_t deadline)
{
	int rv = 0;

	pv_lock(&xs->xs_lock);
	while (!rq->rq_done && rv == 0) {
		pv_unlock(&xs->xs_lock);
		rv = pv_os_wait(&rq->rq_event, deadline);
		pv_lock(&xs->xs_lock);
	}
	return rv;
}

/* Wait for the answer.  Lock: xs_lock held at the end, not meanwhile. */
static void
xs_wait(struct xs *xs, struct xs_req *rq)
{
	if (xs_wait_until(xs, rq, pv_os_now() + XS_PATIENCE) == 0)
		return;
	pv_unlock(&xs->xs_lock);
	/* Its event may have been lost. */
	(void)xs_serve(xs);
	pv_lock(&xs->xs_lock);
	if (!rq->rq_done)
		xs_ring_abandon(xs, rq);
}

/*
 * xs_talk -- send a request and wait for its answer
 *
 * 0; the store's error; -PV_EIO: the store is broken; -PV_ETIMEDOUT;
 * -PV_EAGAIN: the transaction was lost; -PV_ENODEV: there is no store.
 * Context: thread.
 */
int
xs_talk(struct xen *x, struct xs_req *rq)
{
	struct xs *xs = x->x_xs;
	int rv = xs_req_seal(rq);

	if (xs == NULL)
		return -PV_ENODEV;
	if (rv < 0)
		return rv;
	pv_lock(&xs->xs_lock);
	if (xs->xs_dead)
		rv = -PV_EIO;
	else if (rq->rq_once && !xs_conn_up(xs))
		rv = -PV_EAGAIN;
	else if (rq->rq_hdr.tx_id != 0 && rq->rq_epoch != xs->xs_epoch)
		rv = -PV_EAGAIN;	/* its connection is gone, and it */
	if (rv < 0) {
		pv_unlock(&xs->xs_lock);
		return rv;
	}
	list_append(&xs->xs_sendq, &rq->rq_link);
	pv_unlock(&xs->xs_lock);
	(void)xs_serve(xs);
	xs_wait(xs, rq);
	rv = rq->rq_rv;
	pv_unlock(&xs->xs_lock);
	xs_complain(xs);
	if (rv < 0)
		xs_req_report(rq, rv);
	return rv;
}

/* ---- verbs ------------------------------------------------------------- */

/*
 * xs_read -- a node's value, with a NUL behind it
 *
 * 0; -PV_E2BIG: longer than size - 1; -PV_ENOENT ..
 * Context: thread.
 */
int
xs_read(struct xen *x, const struct xs_trans *t, const char *path, char *buf,
    size_t size, size_t *lenp)
{
	struct xs_req rq;
	int rv;

	xs_req_init(&rq, XS_READ, t);
	xs_req_path(&rq, path);
	xs_req_into(&rq, buf, size - 1);
	rv = xs_talk(x, &rq);
	buf[rv == 0 ? rq.rq_len : 0] = '\0';
	if (rv == 0 && lenp != NULL)
		*lenp = rq.rq_len;
	return rv;
}

/*
 * xs_write -- a node's value; the node is made when it is not there
 *
 * 0; -PV_E2BIG: more than a message holds; -PV_EACCES ..
 * Context: thread.
 */
int
xs_write(struct xen *x, const struct xs_trans *t, const char *path,
    const void *val, size_t len)
{
	struct xs_req rq;

	xs_req_init(&rq, XS_WRITE, t);
	xs_req_path(&rq, path);
	xs_req_add(&rq, val, len);
	return xs_talk(x, &rq);
}

/*
 * xs_rm -- remove a node and all below it
 *
 * Context: thread.
 */
int
xs_rm(struct xen *x, const struct xs_trans *t, const char *path)
{
	struct xs_req rq;

	xs_req_init(&rq, XS_RM, t);
	xs_req_path(&rq, path);
	return xs_talk(x, &rq);
}

/* One part of a directory that is too long for one message, from off on. */
static int
xs_ls_part(struct xen *x, const struct xs_trans *t, const char *path,
    size_t off, struct xs_piece *part)
{
	struct strbuf sb;
	struct xs_req rq;
	char num[24];
	int rv;

	str_begin(&sb, num, sizeof(num));
	str_addu(&sb, off);
	xs_req_init(&rq, XS_DIRECTORY_PART, t);
	xs_req_path(&rq, path);
	xs_req_path(&rq, num);
	xs_req_into(&rq, (char *)(uintptr_t)part->pc_base,
	    XENSTORE_PAYLOAD_MAX);
	rv = xs_talk(x, &rq);
	part->pc_len = rq.rq_len;
	return rv;
}

/*
 * Append the names of a part to buf[*len ..].  A part is a generation number
 * and names, each with its NUL; an empty name ends the last part.
 * 1: that was the last; 0; -PV_E2BIG; -PV_EPROTO; -PV_EAGAIN: the directory
 * changed since the first part.
 */
static int
xs_ls_append(const struct xs_piece *part, uint64_t *gen, char *buf,
    size_t size, size_t *len)
{
	const char *p = part->pc_base;
	size_t n = 0;
	uint64_t g;
	bool last;

	while (n < part->pc_len && p[n] != '\0')
		n++;
	/* peer: the form of all of it. */
	if (n == part->pc_len || str_num(p, n, 0, UINT64_MAX, &g) < 0)
		return -PV_EPROTO;
	if (*len > 0 && g != *gen)
		return -PV_EAGAIN;
	*gen = g;
	p += n + 1;
	n = part->pc_len - (n + 1);
	if (n == 0 || p[n - 1] != '\0')
		return -PV_EPROTO;
	last = n == 1 || p[n - 2] == '\0';
	if (last)
		n--;
	if (n > size - *len)
		return -PV_E2BIG;
	__builtin_memcpy(buf + *len, p, n);
	*len += n;
	return last ? 1 : 0;
}

static int
xs_ls_parts(struct xen *x, const struct xs_trans *t, const char *path,
    char *buf, size_t size, size_t *lenp)
{
	char *page = pv_os_alloc(XENSTORE_PAYLOAD_MAX);
	struct xs_piece part = { .pc_base = page };
	uint64_t gen = 0;
	size_t len = 0;
	int rv, tries = 0;

	if (page == NULL)
		return -PV_ENOMEM;
	do {
		rv = xs_ls_part(x, t, path, len, &part);
		if (rv == 0)
			rv = xs_ls_append(&part, &gen, buf, size, &len);
		if (rv == -PV_EAGAIN && tries++ < XS_RETRY) {
			len = 0;
			rv = 0;
		}
	} while (rv == 0);
	pv_os_free(page, XENSTORE_PAYLOAD_MAX);
	if (rv == 1 && lenp != NULL)
		*lenp = len;
	return rv == 1 ? 0 : rv;
}

/*
 * xs_ls -- names below a node, each followed by a NUL, *lenp bytes in all
 *
 * 0; -PV_E2BIG: more than size bytes; -PV_ENOENT ..
 * Context: thread.
 */
int
xs_ls(struct xen *x, const struct xs_trans *t, const char *path, char *buf,
    size_t size, size_t *lenp)
{
	struct xs_req rq;
	int rv;

	xs_req_init(&rq, XS_DIRECTORY, t);
	xs_req_path(&rq, path);
	xs_req_into(&rq, buf, size);
	rv = xs_talk(x, &rq);
	if (rv == -PV_E2BIG && rq.rq_len == 0)
		return xs_ls_parts(x, t, path, buf, size, lenp);
	if (rv < 0)
		return rv;
	/* peer: whoever walks the names relies on the last NUL. */
	if (rq.rq_len > 0 && buf[rq.rq_len - 1] != '\0')
		return -PV_EPROTO;
	if (lenp != NULL)
		*lenp = rq.rq_len;
	return 0;
}

/* ---- transactions ------------------------------------------------------ */

static int
xs_begin(struct xen *x, struct xs_req *rq, struct xs_trans *t)
{
	uint64_t id;
	char val[16];
	int rv;

	xs_req_init(rq, XS_TRANSACTION_START, XS_NOTRANS);
	xs_req_path(rq, "");
	xs_req_into(rq, val, sizeof(val));
	rv = xs_talk(x, rq);
	if (rv < 0)
		return rv;
	/* peer: 0 would mean "no transaction" from here on. */
	if (str_num(val, rq->rq_len, 1, UINT32_MAX, &id) < 0)
		return -PV_EPROTO;
	t->xt_id = (uint32_t)id;
	t->xt_epoch = rq->rq_epoch;
	return 0;
}

static int
xs_end(struct xen *x, struct xs_req *rq, const struct xs_trans *t, bool commit)
{
	xs_req_init(rq, XS_TRANSACTION_END, t);
	xs_req_path(rq, commit ? "T" : "F");
	return xs_talk(x, rq);
}

/*
 * Wait until fewer than XS_TRANS transactions of ours are open: the store's
 * quota, which many devices that connect at once would meet.
 */
static void
xs_turn_take(struct xs *xs)
{
	struct xs_turn tu = { .tu_mine = false };

	pv_lock(&xs->xs_lock);
	if (xs->xs_ntrans < XS_TRANS) {
		xs->xs_ntrans++;
		tu.tu_mine = true;
	} else {
		list_append(&xs->xs_turns, &tu.tu_link);
	}
	while (!tu.tu_mine) {
		pv_unlock(&xs->xs_lock);
		/* Ends: each request of whoever is before us has a deadline. */
		(void)pv_os_wait(&tu.tu_event, UINT64_MAX);
		pv_lock(&xs->xs_lock);
	}
	pv_unlock(&xs->xs_lock);
}

static void
xs_turn_give(struct xs *xs)
{
	struct xs_turn *tu;
	struct list *p;

	pv_lock(&xs->xs_lock);
	p = list_pop(&xs->xs_turns);
	if (p == NULL) {
		xs->xs_ntrans--;
	} else {
		tu = LIST_ENTRY(p, struct xs_turn, tu_link);
		tu->tu_mine = true;
		pv_os_wake(&tu->tu_event);
	}
	pv_unlock(&xs->xs_lock);
}

/* Was the connection lost in which a transaction was begun? */
static bool
xs_gone(struct xs *xs, const struct xs_trans *t)
{
	bool gone;

	pv_lock(&xs->xs_lock);
	gone = t->xt_epoch != xs->xs_epoch;
	pv_unlock(&xs->xs_lock);
	return gone;
}

/* One transaction; *again: it has to be done again. */
static int
xs_try(struct xen *x, int (*fn)(void *, const struct xs_trans *), void *arg,
    bool *again)
{
	struct xs_trans t;
	struct xs_req rq;	/* one for all: the stack is small */
	int rv;

	*again = false;
	rv = xs_begin(x, &rq, &t);
	if (rv < 0)
		return rv;
	rv = fn(arg, &t);
	if (rv != 0) {
		(void)xs_end(x, &rq, &t, false);
		*again = xs_gone(x->x_xs, &t);
		return *again ? -PV_EAGAIN : rv;
	}
	rv = xs_end(x, &rq, &t, true);
	*again = rv == -PV_EAGAIN;
	return rv;
}

/*
 * xs_transact -- run fn in a transaction, as often as the store asks to
 *
 * 0; what fn returned when it was not 0, and then nothing was changed;
 * -PV_EAGAIN after XS_RETRY attempts; -PV_EIO: lost at its end.
 * Context: thread.
 */
int
xs_transact(struct xen *x, int (*fn)(void *, const struct xs_trans *),
    void *arg)
{
	struct xs *xs = x->x_xs;
	unsigned int n;
	bool again;
	int rv;

	if (xs == NULL)
		return -PV_ENODEV;
	for (n = 0; n < XS_RETRY; n++) {
		xs_turn_take(xs);
		rv = xs_try(x, fn, arg, &again);
		xs_turn_give(xs);
		if (!again)
			return rv;
	}
	pv_log(NULL, PV_LOG_ERR, "xenstore: a transaction was refused %u "
	    "times", n);
	return -PV_EAGAIN;
}

/* ---- the connection ---------------------------------------------------- */

/*
 * xs_reconnect -- ask the store for a new connection
 *
 * What is under way goes on with the new one.  0; -PV_ENOSYS: the store does
 * not offer that; -PV_ENODEV: there is no store.
 * Context: thread.
 */
int
xs_reconnect(struct xen *x)
{
	struct xs *xs = x->x_xs;
	bool can;

	if (xs == NULL)
		return -PV_ENODEV;
	pv_lock(&xs->xs_lock);
	can = xs_conn_can_again(xs);
	if (can && !xs->xs_lost)
		xs_conn_fail(xs, "a new connection was asked for");
	pv_unlock(&xs->xs_lock);
	xs_complain(xs);
	return can ? 0 : -PV_ENOSYS;
}

/* ---- attach and detach ------------------------------------------------- */

/*
 * What takes a thread: map the ring when the store has told us where, connect
 * anew, set watches again.
 * Context: thread.
 */
static void
xs_connect(void *arg)
{
	struct xs *xs = arg;
	void *page = NULL;
	evport_t port;
	gfn_t gfn;
	bool waiting, kick;

	if (xs->xs_page == NULL && xen_store(xs->xs_xen, &gfn, &port) == 0 &&
	    !gfn_eq(gfn, GFN_NONE))
		page = xen_map_frame(xs->xs_xen, gfn);
	pv_lock(&xs->xs_lock);
	if (page != NULL)
		xs->xs_page = page;
	kick = xs_conn_ask(xs);
	waiting = !xs_conn_up(xs) && !xs->xs_lost && !xs->xs_dead && !kick;
	pv_unlock(&xs->xs_lock);
	if (kick)
		evtchn_notify(&xs->xs_handler);
	if (waiting && !xs->xs_told) {
		xs->xs_told = true;
		pv_log(NULL, PV_LOG_INFO, "xenstore: not there yet, waiting "
		    "for it");
	}
	(void)xs_serve(xs);
	xs_watch_restore(xs);
}

static void
xs_init(struct xs *xs, struct xen *x)
{
	unsigned int i;

	xs->xs_xen = x;
	list_init(&xs->xs_sendq);
	list_init(&xs->xs_turns);
	list_init(&xs->xs_watches);
	list_init(&xs->xs_ready);
	list_init(&xs->xs_evfree);
	for (i = 0; i < XS_NEVENT; i++)
		list_append(&xs->xs_evfree, &xs->xs_event[i].ev_link);
	idmap_init(&xs->xs_ids, xs->xs_slot, XS_INFLIGHT);
	pv_work_init(&xs->xs_late, xs_connect, xs, PV_WORK_SLEEPS);
	pv_work_init(&xs->xs_work, xs_watch_run, xs, PV_WORK_SLEEPS);
}

/*
 * xs_attach -- find the store's ring and listen to its port
 *
 * 0, also when the store is not there yet; -PV_ENODEV: it will never be.
 * Context: thread.
 */
int
xs_attach(struct xen *x)
{
	struct xs *xs;
	evport_t port;
	gfn_t gfn;
	int rv;

	rv = xen_store(x, &gfn, &port);
	if (rv < 0)
		goto err_store;
	rv = -PV_ENOMEM;
	xs = pv_os_alloc(sizeof(*xs));
	if (xs == NULL)
		goto err_store;
	xs_init(xs, x);
	x->x_xs = xs;
	xs_connect(xs);
	if (xs->xs_page == NULL && !gfn_eq(gfn, GFN_NONE))
		goto err_map;
	rv = evtchn_adopt(x, NULL, port, &xs->xs_handler, xs_intr, xs);
	if (rv < 0)
		goto err_evtchn;
	return 0;

err_evtchn:
	pv_os_cancel(&xs->xs_late);
	xen_unmap_frame(x, xs->xs_page);
err_map:
	x->x_xs = NULL;
	pv_os_free(xs, sizeof(*xs));
err_store:
	return rv;
}

/*
 * xs_detach -- let the store go; idempotent
 *
 * No request may be waited for any more.  Watches that were left are told of.
 * Context: thread.
 */
void
xs_detach(struct xen *x)
{
	struct xs *xs = x->x_xs;

	if (xs == NULL)
		return;
	if (xs->xs_nwatch > 0)
		pv_log(NULL, PV_LOG_ERR, "xenstore: %u watches left behind",
		    xs->xs_nwatch);
	evtchn_close(&xs->xs_handler);
	pv_os_cancel(&xs->xs_late);
	pv_os_cancel(&xs->xs_work);
	x->x_xs = NULL;
	xen_unmap_frame(x, xs->xs_page);
	pv_os_free(xs, sizeof(*xs));
}

/*
 * xs_totals -- fill in what concerns the store
 *
 * Context: any.
 */
void
xs_totals(struct xen *x, struct pv_totals *pt)
{
	if (x->x_xs == NULL)
		return;
	pt->pt_watch_used = x->x_xs->xs_nwatch;
	pt->pt_xs_inflight = x->x_xs->xs_ids.im_used;
}
