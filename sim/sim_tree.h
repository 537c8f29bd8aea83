/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_tree.h -- the nodes of a store, or of a transaction's view of it.
 *
 * A flat list of nodes by absolute path; a directory is what begins with its
 * path and a slash.  Each change gives the node, and its directory when the
 * node came or went, a new generation, by which conflicts are found.
 */

#ifndef SIM_TREE_H
#define SIM_TREE_H

#include <pv/types.h>

#include "list.h"

struct sim_node {
	struct list	 no_link;
	char		*no_path;
	char		*no_val;	/* no_len bytes and a NUL of ours */
	size_t		 no_len;
	uint64_t	 no_gen;
	uint16_t	 no_owner;
};

struct sim_tree {
	struct list	 tr_nodes;
	uint64_t	 tr_gen;
};

void	 sim_tree_init(struct sim_tree *);
void	 sim_tree_free(struct sim_tree *);
void	 sim_tree_copy(struct sim_tree *to, const struct sim_tree *from);
struct sim_node *sim_tree_find(struct sim_tree *, const char *path);
/* The node or its nearest directory that exists. */
struct sim_node *sim_tree_nearest(struct sim_tree *, const char *path);
/* Directories are made as needed, of the nearest one's owner. */
void	 sim_tree_write(struct sim_tree *, const char *path, const void *val,
	    size_t len);
bool	 sim_tree_below(const char *path, const char *dir);
/* The name of a child of dir when path is one, or NULL. */
const char *sim_tree_child(const char *path, const char *dir);
/* Removes one node; its directory's generation moves. */
void	 sim_tree_drop(struct sim_tree *, struct sim_node *);
/* Of a path that is not there: 0. */
uint64_t sim_tree_gen(struct sim_tree *, const char *path);

#endif /* SIM_TREE_H */
