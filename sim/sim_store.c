/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_store.c -- the store as the toolstack and back ends use it: directly.
 */

#include <stdarg.h>

#include "sim_store.h"

struct sim_watcher {
	struct list	 wa_link;
	char		*wa_path;
	struct sim_actor *wa_actor;
};

void
sim_store_init(struct sim *s)
{
	s->s_store = calloc(1, sizeof(*s->s_store));
	sim_tree_init(&s->s_store->st_tree);
	list_init(&s->s_store->st_watchers);
	s->s_store->st_maxwatch = 128;
	s->s_store->st_maxnode = 1000;
	s->s_store->st_maxtrans = 10;
}

void
sim_store_free(struct sim *s)
{
	struct sim_watcher *wa;
	struct list *l;

	while ((l = list_pop(&s->s_store->st_watchers)) != NULL) {
		wa = LIST_ENTRY(l, struct sim_watcher, wa_link);
		free(wa->wa_path);
		free(wa);
	}
	sim_tree_free(&s->s_store->st_tree);
	free(s->s_store);
	s->s_store = NULL;
}

void
sim_store_limit(struct sim *s, unsigned int nwatch, unsigned int nnode,
    unsigned int ntrans)
{
	s->s_store->st_maxwatch = nwatch;
	s->s_store->st_maxnode = nnode;
	s->s_store->st_maxtrans = ntrans;
}

/* ---- changes ----------------------------------------------------------- */

static void
sim_store_fire(struct sim *s, const char *path)
{
	struct sim_watcher *wa;
	struct list *l;

	LIST_FOREACH(l, &s->s_store->st_watchers) {
		wa = LIST_ENTRY(l, struct sim_watcher, wa_link);
		if (sim_tree_below(path, wa->wa_path))
			sim_sched_kick(wa->wa_actor, sim_rand(500) * 1000);
	}
	sim_conn_fire(s, path);
}

void
sim_store_set(struct sim *s, const char *path, const void *val, size_t len)
{
	sim_tree_write(&s->s_store->st_tree, path, val, len);
	sim_store_fire(s, path);
}

bool
sim_store_remove(struct sim *s, const char *path)
{
	struct sim_tree *tr = &s->s_store->st_tree;
	struct list *l, *next;
	struct sim_node *no;
	bool any = false;
	char *gone;

	LIST_FOREACH_SAFE(l, next, &tr->tr_nodes) {
		no = LIST_ENTRY(l, struct sim_node, no_link);
		if (!sim_tree_below(no->no_path, path))
			continue;
		gone = strdup(no->no_path);
		sim_tree_drop(tr, no);
		sim_store_fire(s, gone);
		free(gone);
		any = true;
	}
	return any;
}

void
sim_store_watch(struct sim *s, const char *path, struct sim_actor *ac)
{
	struct sim_watcher *wa = calloc(1, sizeof(*wa));

	wa->wa_path = strdup(path);
	wa->wa_actor = ac;
	list_append(&s->s_store->st_watchers, &wa->wa_link);
	sim_sched_kick(ac, 0);
}

void
sim_store_unwatch(struct sim *s, struct sim_actor *ac)
{
	struct sim_watcher *wa;
	struct list *l, *next;

	LIST_FOREACH_SAFE(l, next, &s->s_store->st_watchers) {
		wa = LIST_ENTRY(l, struct sim_watcher, wa_link);
		if (wa->wa_actor != ac)
			continue;
		list_remove(&wa->wa_link);
		free(wa->wa_path);
		free(wa);
	}
}

/* ---- the toolstack's calls --------------------------------------------- */

void
sim_store_write(struct sim *s, const char *path, const char *fmt, ...)
{
	char val[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(val, sizeof(val), fmt, ap);
	va_end(ap);
	sim_store_write_raw(s, path, val, strlen(val));
}

void
sim_store_write_raw(struct sim *s, const char *path, const void *val,
    size_t len)
{
	sim_inside();
	sim_store_set(s, path, val, len);
	sim_outside();
}

const char *
sim_store_read(struct sim *s, const char *path)
{
	struct sim_node *no = sim_tree_find(&s->s_store->st_tree, path);

	return no == NULL ? NULL : no->no_val;
}

uint64_t
sim_store_num(struct sim *s, const char *path, uint64_t dflt)
{
	const char *val = sim_store_read(s, path);

	return val == NULL || *val == '\0' ? dflt : strtoull(val, NULL, 10);
}

void
sim_store_rm(struct sim *s, const char *path)
{
	sim_inside();
	(void)sim_store_remove(s, path);
	sim_outside();
}

bool
sim_store_exists(struct sim *s, const char *path)
{
	return sim_store_read(s, path) != NULL;
}

void
sim_store_chown(struct sim *s, const char *path, uint16_t owner)
{
	struct sim_node *no = sim_tree_find(&s->s_store->st_tree, path);

	if (no != NULL)
		no->no_owner = owner;
}
