/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_tree.c -- see sim_tree.h.
 */

#include <stdlib.h>
#include <string.h>

#include "sim_tree.h"

void
sim_tree_init(struct sim_tree *tr)
{
	list_init(&tr->tr_nodes);
	tr->tr_gen = 1;
}

static struct sim_node *
sim_tree_first(struct sim_tree *tr)
{
	if (list_empty(&tr->tr_nodes))
		return NULL;
	return LIST_ENTRY(tr->tr_nodes.li_next, struct sim_node, no_link);
}

static void
sim_tree_unlink(struct sim_node *no)
{
	list_remove(&no->no_link);
	free(no->no_path);
	free(no->no_val);
	free(no);
}

void
sim_tree_free(struct sim_tree *tr)
{
	struct sim_node *no;

	while ((no = sim_tree_first(tr)) != NULL)
		sim_tree_unlink(no);
}

static void
sim_tree_set(struct sim_node *no, const void *val, size_t len)
{
	char *copy = malloc(len + 1);

	memcpy(copy, val, len);
	copy[len] = '\0';
	free(no->no_val);
	no->no_val = copy;
	no->no_len = len;
}

static struct sim_node *
sim_tree_add(struct sim_tree *tr, const char *path)
{
	struct sim_node *no = calloc(1, sizeof(*no));

	no->no_path = strdup(path);
	sim_tree_set(no, "", 0);
	list_append(&tr->tr_nodes, &no->no_link);
	return no;
}

void
sim_tree_copy(struct sim_tree *to, const struct sim_tree *from)
{
	struct sim_node *no, *old;
	struct list *l;

	sim_tree_init(to);
	to->tr_gen = from->tr_gen;
	LIST_FOREACH(l, &from->tr_nodes) {
		old = LIST_ENTRY(l, struct sim_node, no_link);
		no = sim_tree_add(to, old->no_path);
		sim_tree_set(no, old->no_val, old->no_len);
		no->no_gen = old->no_gen;
		no->no_owner = old->no_owner;
	}
}

struct sim_node *
sim_tree_find(struct sim_tree *tr, const char *path)
{
	struct sim_node *no;
	struct list *l;

	LIST_FOREACH(l, &tr->tr_nodes) {
		no = LIST_ENTRY(l, struct sim_node, no_link);
		if (strcmp(no->no_path, path) == 0)
			return no;
	}
	return NULL;
}

/* The path's directory, in place; false at the root. */
static bool
sim_tree_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return false;
	*slash = '\0';
	return true;
}

struct sim_node *
sim_tree_nearest(struct sim_tree *tr, const char *path)
{
	char *p = strdup(path);
	struct sim_node *no;

	do {
		no = sim_tree_find(tr, p);
	} while (no == NULL && sim_tree_up(p));
	free(p);
	return no;
}

/* The directory of path has a child more or less. */
static void
sim_tree_touch(struct sim_tree *tr, const char *path)
{
	char *p = strdup(path);
	struct sim_node *no;

	if (sim_tree_up(p) && (no = sim_tree_find(tr, p)) != NULL)
		no->no_gen = ++tr->tr_gen;
	free(p);
}

void
sim_tree_write(struct sim_tree *tr, const char *path, const void *val,
    size_t len)
{
	struct sim_node *near = sim_tree_nearest(tr, path), *no;
	uint16_t owner = near == NULL ? 0 : near->no_owner;
	size_t done = near == NULL ? 0 : strlen(near->no_path);
	char *p = strdup(path), *slash;

	/* What is missing between the nearest one and the node itself. */
	while (done < strlen(path)) {
		slash = strchr(path + done + 1, '/');
		done = slash == NULL ? strlen(path) : (size_t)(slash - path);
		p[done] = '\0';
		no = sim_tree_add(tr, p);
		no->no_owner = owner;
		no->no_gen = ++tr->tr_gen;
		sim_tree_touch(tr, p);
		strcpy(p, path);
	}
	free(p);
	no = sim_tree_find(tr, path);
	sim_tree_set(no, val, len);
	no->no_gen = ++tr->tr_gen;
}

bool
sim_tree_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (strcmp(dir, "/") == 0)
		return true;
	return strncmp(path, dir, n) == 0 &&
	    (path[n] == '\0' || path[n] == '/');
}

const char *
sim_tree_child(const char *path, const char *dir)
{
	size_t n = strcmp(dir, "/") == 0 ? 0 : strlen(dir);

	if (strncmp(path, dir, n) != 0 || path[n] != '/' ||
	    strchr(path + n + 1, '/') != NULL)
		return NULL;
	return path + n + 1;
}

void
sim_tree_drop(struct sim_tree *tr, struct sim_node *no)
{
	sim_tree_touch(tr, no->no_path);
	sim_tree_unlink(no);
}

uint64_t
sim_tree_gen(struct sim_tree *tr, const char *path)
{
	struct sim_node *no = sim_tree_find(tr, path);

	return no == NULL ? 0 : no->no_gen;
}
