/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_store.h -- the store behind the toolstack's calls and the guests'
 * connections.
 */

#ifndef SIM_STORE_H
#define SIM_STORE_H

#include "sim_int.h"
#include "sim_tree.h"

struct sim_store {
	struct sim_tree	 st_tree;
	struct list	 st_watchers;	/* of back ends */
	unsigned int	 st_maxwatch, st_maxnode, st_maxtrans;
};

/* Change the tree and tell everybody who watches. */
void	 sim_store_set(struct sim *, const char *path, const void *, size_t);
bool	 sim_store_remove(struct sim *, const char *path);

#endif /* SIM_STORE_H */
