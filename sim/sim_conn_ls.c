/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_conn_ls.c -- the names below a node, whole or in parts.
 */

#include <pv/types.h>

#include "sim_conn.h"
#include "sim_int.h"

void
sim_conn_ls(struct sim_conn *cn, struct sim_trans *tn, const char *path)
{
	struct sim_tree *tr = sim_conn_tree(cn, tn);
	char body[XENSTORE_PAYLOAD_MAX];
	const char *name;
	struct list *l;
	size_t n = 0;

	if (tn != NULL)
		(void)sim_conn_note(tn, path);
	if (sim_tree_find(tr, path) == NULL) {
		sim_conn_error(cn, "ENOENT");
		return;
	}
	LIST_FOREACH(l, &tr->tr_nodes) {
		name = sim_tree_child(LIST_ENTRY(l, struct sim_node,
		    no_link)->no_path, path);
		if (name == NULL)
			continue;
		if (n + strlen(name) + 1 > sizeof(body)) {
			sim_conn_error(cn, "E2BIG");
			return;
		}
		memcpy(body + n, name, strlen(name) + 1);
		n += strlen(name) + 1;
	}
	sim_conn_answer(cn, cn->cn_in.hdr, body, n);
}

/*
 * XS_DIRECTORY_PART: the node's generation, then names from byte off on; an
 * empty name behind the last.
 */
void
sim_conn_ls_part(struct sim_conn *cn, struct sim_trans *tn, const char *path,
    size_t off)
{
	struct sim_tree *tr = sim_conn_tree(cn, tn);
	static char names[1 << 16];
	char body[XENSTORE_PAYLOAD_MAX];
	const char *name;
	struct list *l;
	size_t n = 0, gen = 0, len;
	int head;

	LIST_FOREACH(l, &tr->tr_nodes) {
		name = sim_tree_child(LIST_ENTRY(l, struct sim_node,
		    no_link)->no_path, path);
		len = name == NULL ? 0 : strlen(name) + 1;
		if (len == 0 || n + len >= sizeof(names))
			continue;
		memcpy(names + n, name, len);
		n += len;
		gen++;
	}
	names[n++] = '\0';
	head = snprintf(body, sizeof(body), "%zu", gen) + 1;
	if (off > n - 1)
		off = n - 1;
	len = n - off;
	/* Only whole names, the end's empty one included. */
	if (len > sizeof(body) - (size_t)head) {
		len = sizeof(body) - (size_t)head;
		while (names[off + len - 1] != '\0')
			len--;
	}
	memcpy(body + head, names + off, len);
	sim_conn_answer(cn, cn->cn_in.hdr, body, (size_t)head + len);
}
