/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_conn.c -- a guest's connection to the store: the wire protocol on the
 * ring page, as docs/misc/xenstore.txt and xs_wire.h of Xen have it.
 *
 * An actor reads what is in the request ring, in pieces of random size,
 * answers whole messages, and writes the queue of answers and events as there
 * is room.  A transaction works on a copy of the tree and a list of what it
 * touched; at its end, if any of that changed in the store meanwhile, the
 * answer is EAGAIN, else its changes are made again in the store.
 */

#include <errno.h>

#include <pv/types.h>

#include <xen/hvm/params.h>

#include "sim_conn.h"

/* ---- answers ----------------------------------------------------------- */

static void
sim_conn_lie(struct sim_conn *cn, struct xsd_sockmsg *hdr, size_t *len)
{
	if (hdr->type != XS_WATCH_EVENT) {
		if (sim_evil_now(SIM_EVIL_XS_ID_UNKNOWN))
			hdr->req_id ^= 0x40000000;
		if (sim_evil_now(SIM_EVIL_XS_TYPE_WRONG))
			hdr->type = hdr->type == XS_READ ? XS_WRITE : XS_READ;
	}
	if (hdr->type != XS_READ && *len > 0 &&
	    sim_evil_now(SIM_EVIL_XS_NOT_TERMINATED))
		hdr->len = (uint32_t)--*len;
	if (sim_evil_now(SIM_EVIL_XS_LEN_HUGE))
		hdr->len = sim_rand(2) ? 4097 : 0xfffffff0;
}

void
sim_conn_answer(struct sim_conn *cn, struct xsd_sockmsg hdr, const void *body,
    size_t len)
{
	struct sim_msg *ms = calloc(1, sizeof(*ms));

	hdr.len = (uint32_t)len;
	sim_conn_lie(cn, &hdr, &len);
	memcpy(ms->ms_data, &hdr, sizeof(hdr));
	memcpy(ms->ms_data + sizeof(hdr), body, len);
	ms->ms_len = sizeof(hdr) + len;
	list_append(&cn->cn_out, &ms->ms_link);
	sim_sched_kick(&cn->cn_actor, sim_rand(100) * 1000);
}

void
sim_conn_error(struct sim_conn *cn, const char *name)
{
	struct xsd_sockmsg hdr = cn->cn_in.hdr;

	hdr.type = XS_ERROR;
	sim_conn_answer(cn, hdr, name, strlen(name) + 1);
}

static void
sim_conn_ok(struct sim_conn *cn)
{
	sim_conn_answer(cn, cn->cn_in.hdr, "OK", 3);
}

static void
sim_conn_event(struct sim_conn *cn, struct sim_cwatch *cw, const char *path)
{
	struct xsd_sockmsg hdr = { XS_WATCH_EVENT, 0, 0, 0 };
	char body[XENSTORE_PAYLOAD_MAX];
	int n;

	if (strlen(path) >= cw->cw_strip)
		path += cw->cw_strip;
	n = snprintf(body, sizeof(body), "%s%c%s", path, '\0', cw->cw_token);
	sim_conn_answer(cn, hdr, body, (size_t)n + 1);
}

void
sim_conn_fire(struct sim *s, const char *path)
{
	struct sim_conn *cn;
	struct list *l;
	unsigned int i;

	for (i = 0; i < SIM_NDOM; i++) {
		if (s->s_dom[i] == NULL || s->s_dom[i]->d_conn == NULL)
			continue;
		cn = s->s_dom[i]->d_conn;
		LIST_FOREACH(l, &cn->cn_watches) {
			struct sim_cwatch *cw = LIST_ENTRY(l,
			    struct sim_cwatch, cw_link);

			if (sim_tree_below(path, cw->cw_path))
				sim_conn_event(cn, cw, path);
		}
	}
}

/* ---- paths and transactions -------------------------------------------- */

/* The absolute path of a request's in buf; false: it is not one. */
static bool
sim_conn_path(struct sim_conn *cn, const char *path, char *buf, size_t size)
{
	size_t i, n;

	if (path[0] == '/' || path[0] == '@')
		n = (size_t)snprintf(buf, size, "%s", path);
	else
		n = (size_t)snprintf(buf, size, "/local/domain/%u/%s",
		    cn->cn_dom->d_id, path);
	if (n >= size || path[0] == '\0' || (n > 1 && buf[n - 1] == '/') ||
	    strstr(buf, "//") != NULL)
		return false;
	for (i = 0; i < n; i++) {
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
		    "WXYZ0123456789-/_@", buf[i]) == NULL)
			return false;
	}
	return true;
}

static struct sim_trans *
sim_conn_trans(struct sim_conn *cn, uint32_t id)
{
	struct list *l;

	LIST_FOREACH(l, &cn->cn_trans) {
		struct sim_trans *tn = LIST_ENTRY(l, struct sim_trans,
		    tn_link);

		if (tn->tn_id == id)
			return tn;
	}
	return NULL;
}

struct sim_tree *
sim_conn_tree(struct sim_conn *cn, struct sim_trans *tn)
{
	return tn == NULL ? &cn->cn_sim->s_store->st_tree : &tn->tn_tree;
}

/* Note what a transaction looked at, or changed. */
struct sim_change *
sim_conn_note(struct sim_trans *tn, const char *path)
{
	struct sim_change *ch = calloc(1, sizeof(*ch)), *old;
	struct list *l;

	ch->ch_path = strdup(path);
	ch->ch_gen = sim_tree_gen(&tn->tn_tree, path);
	/* It may have removed it itself. */
	LIST_FOREACH(l, &tn->tn_changes) {
		old = LIST_ENTRY(l, struct sim_change, ch_link);
		if (strcmp(old->ch_path, path) == 0) {
			ch->ch_gen = old->ch_gen;
			break;
		}
	}
	list_append(&tn->tn_changes, &ch->ch_link);
	return ch;
}

static void
sim_conn_forget(struct sim_trans *tn)
{
	struct sim_change *ch;
	struct list *l;

	while ((l = list_pop(&tn->tn_changes)) != NULL) {
		ch = LIST_ENTRY(l, struct sim_change, ch_link);
		free(ch->ch_path);
		free(ch->ch_val);
		free(ch);
	}
	sim_tree_free(&tn->tn_tree);
	list_remove(&tn->tn_link);
	free(tn);
}

/*
 * A generation above the one at the transaction's start is of its own making
 * and was the store's when it was first noted, so the first note counts.
 */
static bool
sim_conn_conflict(struct sim_conn *cn, struct sim_trans *tn)
{
	struct sim_tree *tr = &cn->cn_sim->s_store->st_tree;
	struct sim_change *ch;
	struct list *l;

	LIST_FOREACH(l, &tn->tn_changes) {
		ch = LIST_ENTRY(l, struct sim_change, ch_link);
		if (ch->ch_gen <= tn->tn_start &&
		    ch->ch_gen != sim_tree_gen(tr, ch->ch_path))
			return true;
	}
	return false;
}

static void
sim_conn_commit(struct sim_conn *cn, struct sim_trans *tn)
{
	struct sim_change *ch;
	struct list *l;

	LIST_FOREACH(l, &tn->tn_changes) {
		ch = LIST_ENTRY(l, struct sim_change, ch_link);
		if (ch->ch_rm)
			(void)sim_store_remove(cn->cn_sim, ch->ch_path);
		else if (ch->ch_write)
			sim_store_set(cn->cn_sim, ch->ch_path, ch->ch_val,
			    ch->ch_len);
	}
}

/* ---- requests ---------------------------------------------------------- */

static void
sim_conn_read(struct sim_conn *cn, struct sim_trans *tn, const char *path)
{
	struct sim_node *no = sim_tree_find(sim_conn_tree(cn, tn), path);

	if (tn != NULL)
		(void)sim_conn_note(tn, path);
	if (no == NULL) {
		sim_conn_error(cn, "ENOENT");
		return;
	}
	if (no->no_len > 0 && strspn(no->no_val, "0123456789") == no->no_len &&
	    sim_evil_now(SIM_EVIL_XS_NOT_A_NUMBER)) {
		sim_conn_answer(cn, cn->cn_in.hdr, "banana", 6);
		return;
	}
	sim_conn_answer(cn, cn->cn_in.hdr, no->no_val, no->no_len);
}

static unsigned int
sim_conn_nnode(struct sim_conn *cn)
{
	unsigned int n = 0;
	struct list *l;

	LIST_FOREACH(l, &cn->cn_sim->s_store->st_tree.tr_nodes) {
		n += LIST_ENTRY(l, struct sim_node, no_link)->no_owner ==
		    cn->cn_dom->d_id;
	}
	return n;
}

/* May the guest write here?  NULL, or the error's name. */
static const char *
sim_conn_refuse(struct sim_conn *cn, struct sim_tree *tr, const char *path)
{
	struct sim_node *no = sim_tree_nearest(tr, path);

	if (no == NULL || no->no_owner != cn->cn_dom->d_id)
		return "EACCES";
	if (strcmp(no->no_path, path) != 0 &&
	    sim_conn_nnode(cn) >= cn->cn_sim->s_store->st_maxnode)
		return "ENOSPC";
	return NULL;
}

static void
sim_conn_write(struct sim_conn *cn, struct sim_trans *tn, const char *path,
    const char *val, size_t len)
{
	struct sim_tree *tr = sim_conn_tree(cn, tn);
	const char *error = sim_conn_refuse(cn, tr, path);
	struct sim_change *ch;

	if (error == NULL && len > 2048)
		error = "ENOSPC";
	if (error != NULL) {
		sim_conn_error(cn, error);
		return;
	}
	if (tn == NULL) {
		sim_conn_ok(cn);
		sim_store_set(cn->cn_sim, path, val, len);
		return;
	}
	/* A new node changes its parent, which must be there still. */
	if (sim_tree_find(tr, path) == NULL)
		(void)sim_conn_note(tn, sim_tree_nearest(tr, path)->no_path);
	ch = sim_conn_note(tn, path);
	ch->ch_write = true;
	ch->ch_val = malloc(len + 1);
	memcpy(ch->ch_val, val, len);
	ch->ch_len = len;
	sim_tree_write(tr, path, val, len);
	sim_conn_ok(cn);
}

static void
sim_conn_rm(struct sim_conn *cn, struct sim_trans *tn, const char *path)
{
	struct sim_tree *tr = sim_conn_tree(cn, tn);
	struct sim_node *no = sim_tree_find(tr, path);
	struct list *l, *next;

	if (no == NULL || no->no_owner != cn->cn_dom->d_id) {
		sim_conn_error(cn, no == NULL ? "ENOENT" : "EACCES");
		return;
	}
	sim_conn_ok(cn);
	if (tn == NULL) {
		(void)sim_store_remove(cn->cn_sim, path);
		return;
	}
	sim_conn_note(tn, path)->ch_rm = true;
	LIST_FOREACH_SAFE(l, next, &tr->tr_nodes) {
		no = LIST_ENTRY(l, struct sim_node, no_link);
		if (sim_tree_below(no->no_path, path))
			sim_tree_drop(tr, no);
	}
}

static struct sim_cwatch *
sim_conn_find_watch(struct sim_conn *cn, const char *path, const char *token)
{
	struct list *l;

	LIST_FOREACH(l, &cn->cn_watches) {
		struct sim_cwatch *cw = LIST_ENTRY(l, struct sim_cwatch,
		    cw_link);

		if (strcmp(cw->cw_path, path) == 0 &&
		    strcmp(cw->cw_token, token) == 0)
			return cw;
	}
	return NULL;
}

unsigned int
sim_conn_nwatch(const struct sim_dom *d)
{
	struct list *l;
	unsigned int n = 0;

	if (d->d_conn == NULL || d->d_conn->cn_dead)
		return 0;
	LIST_FOREACH(l, &d->d_conn->cn_watches)
		n++;
	return n;
}

unsigned int
sim_dom_nwatch(const struct sim_dom *d)
{
	return sim_conn_nwatch(d);
}

void
sim_conn_check(const struct sim_dom *d)
{
	struct sim_conn *cn = d->d_conn;
	struct list *l;

	if (cn->cn_dead || sim_conn_forsaken(cn))
		return;
	LIST_FOREACH(l, &cn->cn_watches)
		sim_bug("domain %u still watches %s", d->d_id,
		    LIST_ENTRY(l, struct sim_cwatch, cw_link)->cw_path);
	if (!list_empty(&cn->cn_trans))
		sim_bug("domain %u left a transaction", d->d_id);
}

static void
sim_conn_unwatch(struct sim_cwatch *cw)
{
	list_remove(&cw->cw_link);
	free(cw->cw_path);
	free(cw->cw_token);
	free(cw);
}

static void
sim_conn_watch(struct sim_conn *cn, const char *path, const char *token,
    size_t strip)
{
	struct sim_cwatch *cw = sim_conn_find_watch(cn, path, token);

	if (cn->cn_in.hdr.type == XS_UNWATCH) {
		if (cw == NULL) {
			sim_conn_error(cn, "ENOENT");
			return;
		}
		sim_conn_unwatch(cw);
		sim_conn_ok(cn);
		return;
	}
	if (cw != NULL) {
		sim_conn_error(cn, "EEXIST");
		return;
	}
	if (sim_conn_nwatch(cn->cn_dom) >=
	    cn->cn_sim->s_store->st_maxwatch) {
		sim_conn_error(cn, "E2BIG");
		return;
	}
	cw = calloc(1, sizeof(*cw));
	cw->cw_path = strdup(path);
	cw->cw_token = strdup(token);
	cw->cw_strip = strip;
	list_append(&cn->cn_watches, &cw->cw_link);
	sim_conn_ok(cn);
	sim_conn_event(cn, cw, path);
}

static void
sim_conn_begin(struct sim_conn *cn)
{
	struct sim_trans *tn;
	unsigned int n = 0;
	struct list *l;
	char id[16];

	LIST_FOREACH(l, &cn->cn_trans)
		n++;
	if (n >= cn->cn_sim->s_store->st_maxtrans) {
		sim_conn_error(cn, "ENOSPC");
		return;
	}
	tn = calloc(1, sizeof(*tn));
	tn->tn_id = ++cn->cn_nexttrans;
	list_init(&tn->tn_changes);
	sim_tree_copy(&tn->tn_tree, &cn->cn_sim->s_store->st_tree);
	tn->tn_start = tn->tn_tree.tr_gen;
	list_append(&cn->cn_trans, &tn->tn_link);
	snprintf(id, sizeof(id), "%u", (unsigned int)tn->tn_id);
	sim_conn_answer(cn, cn->cn_in.hdr, id, strlen(id) + 1);
}

static void
sim_conn_end(struct sim_conn *cn, struct sim_trans *tn, const char *arg)
{
	if (tn == NULL || (strcmp(arg, "T") != 0 && strcmp(arg, "F") != 0)) {
		sim_conn_error(cn, tn == NULL ? "ENOENT" : "EINVAL");
		return;
	}
	if (arg[0] == 'F') {
		sim_conn_ok(cn);
	} else if (sim_conn_conflict(cn, tn) ||
	    sim_evil_now(SIM_EVIL_XS_EAGAIN_FOREVER)) {
		sim_conn_error(cn, "EAGAIN");
	} else if (sim_fail_now("xs commit")) {
		sim_conn_error(cn, "ENOMEM");
	} else {
		sim_conn_ok(cn);
		sim_conn_commit(cn, tn);
	}
	sim_conn_forget(tn);
}

/* A request with a path first; rest is what follows its NUL. */
static void
sim_conn_on_path(struct sim_conn *cn, struct sim_trans *tn, char *rest)
{
	const char *raw = (char *)cn->cn_in.raw + sizeof(struct xsd_sockmsg);
	size_t left = cn->cn_in.hdr.len - (size_t)(rest - raw);
	char path[XENSTORE_ABS_PATH_MAX];

	if (!sim_conn_path(cn, raw, path, sizeof(path))) {
		sim_conn_error(cn, "EINVAL");
		return;
	}
	if (cn->cn_in.hdr.type != XS_UNWATCH && cn->cn_in.hdr.type != XS_RM &&
	    sim_fail_now("xs request")) {
		sim_conn_error(cn, "ENOMEM");
		return;
	}
	switch (cn->cn_in.hdr.type) {
	case XS_READ:
		sim_conn_read(cn, tn, path);
		break;
	case XS_DIRECTORY:
		sim_conn_ls(cn, tn, path);
		break;
	case XS_DIRECTORY_PART:
		sim_conn_ls_part(cn, tn, path, strtoul(rest, NULL, 10));
		break;
	case XS_WRITE:
	case XS_MKDIR:
		sim_conn_write(cn, tn, path, rest, left);
		break;
	case XS_RM:
		sim_conn_rm(cn, tn, path);
		break;
	case XS_WATCH:
	case XS_UNWATCH:
		sim_conn_watch(cn, path, rest,
		    strlen(path) - strlen(raw));
		break;
	default:
		sim_conn_error(cn, "ENOSYS");
		break;
	}
}

static void
sim_conn_request(struct sim_conn *cn)
{
	struct xsd_sockmsg *hdr = &cn->cn_in.hdr;
	char *body = (char *)cn->cn_in.raw + sizeof(*hdr);
	struct sim_trans *tn = NULL;
	char reply[64];

	body[hdr->len] = '\0';
	if (sim_evil_now(SIM_EVIL_XS_SILENT))
		return;
	if (hdr->tx_id != 0) {
		tn = sim_conn_trans(cn, hdr->tx_id);
		if (tn == NULL && hdr->type != XS_TRANSACTION_END) {
			sim_conn_error(cn, "ENOENT");
			return;
		}
	}
	switch (hdr->type) {
	case XS_TRANSACTION_START:
		if (sim_fail_now("xs begin"))
			sim_conn_error(cn, "ENOMEM");
		else
			sim_conn_begin(cn);
		return;
	case XS_TRANSACTION_END:
		sim_conn_end(cn, tn, body);
		return;
	case XS_GET_DOMAIN_PATH:
		snprintf(reply, sizeof(reply), "/local/domain/%s", body);
		sim_conn_answer(cn, *hdr, reply, strlen(reply) + 1);
		return;
	}
	if (memchr(body, '\0', hdr->len) == NULL) {
		sim_conn_error(cn, "EINVAL");
		return;
	}
	sim_conn_on_path(cn, tn, body + strlen(body) + 1);
}

/* ---- the ring ---------------------------------------------------------- */

static void
sim_conn_die(struct sim_conn *cn, const char *why)
{
	sim_bug("domain %u breaks the store's protocol: %s",
	    cn->cn_dom->d_id, why);
	cn->cn_dead = true;
}

/* Read some of the request ring.  True when a message is complete. */
static bool
sim_conn_pull(struct sim_conn *cn, bool *moved)
{
	size_t want = sizeof(struct xsd_sockmsg);
	int n;

	if (cn->cn_have >= want)
		want += cn->cn_in.hdr.len;
	if (cn->cn_have < want) {
		n = bytering_read(&cn->cn_req, cn->cn_in.raw + cn->cn_have,
		    (uint32_t)(want - cn->cn_have));
		if (n < 0) {
			sim_conn_die(cn, "index");
			return false;
		}
		cn->cn_have += (size_t)n;
		*moved |= n > 0;
	}
	if (cn->cn_have < sizeof(struct xsd_sockmsg))
		return false;
	if (cn->cn_in.hdr.len > XENSTORE_PAYLOAD_MAX) {
		sim_conn_die(cn, "length");
		return false;
	}
	return cn->cn_have == sizeof(struct xsd_sockmsg) +
	    cn->cn_in.hdr.len;
}

/* Which message goes next: the one begun, else the first, or any. */
static struct sim_msg *
sim_conn_next(struct sim_conn *cn)
{
	struct sim_msg *ms = LIST_ENTRY(cn->cn_out.li_next, struct sim_msg,
	    ms_link);
	struct list *l;
	uint32_t n = 0;

	if (ms->ms_sent > 0 || !(cn->cn_sim->s_flags & SIM_REORDER))
		return ms;
	LIST_FOREACH(l, &cn->cn_out) {
		if (sim_rand(++n) == 0)
			ms = LIST_ENTRY(l, struct sim_msg, ms_link);
	}
	/* What is begun stays first. */
	list_remove(&ms->ms_link);
	ms->ms_link.li_next = cn->cn_out.li_next;
	ms->ms_link.li_prev = &cn->cn_out;
	cn->cn_out.li_next->li_prev = &ms->ms_link;
	cn->cn_out.li_next = &ms->ms_link;
	return ms;
}

/* Write some of the queue.  The watched bytes become fresh by it. */
static void
sim_conn_push(struct sim_conn *cn, bool *moved)
{
	struct sim_msg *ms;
	uint32_t n, at, i;
	int rv;

	while (!list_empty(&cn->cn_out)) {
		ms = sim_conn_next(cn);
		n = (uint32_t)(ms->ms_len - ms->ms_sent);
		if (!(cn->cn_sim->s_flags & SIM_CALM) && n > 1)
			n = 1 + sim_rand(n);
		at = cn->cn_rsp.by_mine;
		rv = bytering_write(&cn->cn_rsp, ms->ms_data + ms->ms_sent, n);
		if (rv < 0) {
			sim_conn_die(cn, "index");
			return;
		}
		for (i = 0; i < (uint32_t)rv; i++)
			sim_mem_fresh(&cn->cn_if->rsp[MASK_XENSTORE_IDX(at +
			    i)], 1);
		*moved |= rv > 0;
		ms->ms_sent += (size_t)rv;
		if (ms->ms_sent < ms->ms_len)
			return;
		list_remove(&ms->ms_link);
		free(ms);
	}
}

static void
sim_conn_wild(struct sim_conn *cn)
{
	uint32_t wild = XENSTORE_RING_SIZE + 1 + sim_rand(1u << 30);

	if (sim_rand(2) == 0)
		shm_write32(&cn->cn_if->rsp_prod,
		    shm_read32(&cn->cn_if->rsp_cons) + wild);
	else
		shm_write32(&cn->cn_if->req_cons,
		    shm_read32(&cn->cn_if->req_prod) - wild);
	cn->cn_dead = true;
}

static void
sim_conn_step(void *arg)
{
	struct sim_conn *cn = arg;
	bool moved = false;

	if (!sim_conn_state(cn) || cn->cn_dead)
		return;
	while (sim_conn_pull(cn, &moved)) {
		cn->cn_have = 0;
		sim_conn_request(cn);
	}
	if (cn->cn_dead)
		return;
	sim_conn_push(cn, &moved);
	if (moved && sim_evil_now(SIM_EVIL_XS_INDEX_WILD))
		sim_conn_wild(cn);
	if (!moved)
		return;
	sim_evtchn_send0(cn->cn_sim, cn->cn_port);
	sim_sched_kick(&cn->cn_actor, 10000 + sim_rand(50000));
}

/* ---- life -------------------------------------------------------------- */

/* The rings from where they stand, and a port. */
void
sim_conn_listen(struct sim_conn *cn)
{
	struct sim_dom *d = cn->cn_dom;

	sim_mem_watch(cn->cn_if, 0, 2 * XENSTORE_RING_SIZE);
	bytering_init(&cn->cn_req, cn->cn_if->req, XENSTORE_RING_SIZE,
	    &cn->cn_if->req_prod, &cn->cn_if->req_cons, false);
	bytering_init(&cn->cn_rsp, cn->cn_if->rsp, XENSTORE_RING_SIZE,
	    &cn->cn_if->rsp_prod, &cn->cn_if->rsp_cons, true);
	d->d_param[HVM_PARAM_STORE_PFN] = sim_mem_gfn(cn->cn_if);
	d->d_param[HVM_PARAM_STORE_EVTCHN] = sim_evtchn_pair(d, &cn->cn_actor,
	    &cn->cn_port);
}

void
sim_conn_create(struct sim_dom *d)
{
	struct sim_conn *cn = calloc(1, sizeof(*cn));
	uint32_t start = 0;

	cn->cn_dom = d;
	cn->cn_sim = d->d_sim;
	d->d_conn = cn;
	list_init(&cn->cn_out);
	list_init(&cn->cn_watches);
	list_init(&cn->cn_trans);
	sim_sched_actor(&cn->cn_actor, sim_conn_step, cn);
	cn->cn_if = sim_mem_xen_page(d);
	if (d->d_sim->s_flags & SIM_XS_OFFSET)
		start = UINT32_MAX - sim_rand(2048);
	shm_write32(&cn->cn_if->req_cons, start);
	shm_write32(&cn->cn_if->req_prod, start);
	shm_write32(&cn->cn_if->rsp_cons, start + 17);
	shm_write32(&cn->cn_if->rsp_prod, start + 17);
	sim_conn_listen(cn);
}

void
sim_conn_clear(struct sim_conn *cn)
{
	struct list *l;

	while ((l = list_pop(&cn->cn_out)) != NULL)
		free(LIST_ENTRY(l, struct sim_msg, ms_link));
	while (!list_empty(&cn->cn_watches))
		sim_conn_unwatch(LIST_ENTRY(cn->cn_watches.li_next,
		    struct sim_cwatch, cw_link));
	while (!list_empty(&cn->cn_trans))
		sim_conn_forget(LIST_ENTRY(cn->cn_trans.li_next,
		    struct sim_trans, tn_link));
	cn->cn_have = 0;
}

void
sim_conn_destroy(struct sim_dom *d)
{
	struct sim_conn *cn = d->d_conn;

	sim_conn_clear(cn);
	sim_sched_drop(&cn->cn_actor);
	sim_mem_xen_free(cn->cn_if);
	free(cn);
	d->d_conn = NULL;
}
