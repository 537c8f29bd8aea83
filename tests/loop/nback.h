/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nback.h -- a second guest that is the other end of the first's interfaces
 * (netback), and the toolstack between them.
 */

#ifndef NBACK_H
#define NBACK_H

#include "loop.h"

struct nback {
	struct loop	 nb_loop;	/* domain 2; its interfaces in l_net */
	struct loop	*nb_front;	/* domain 1 */
	bool		 nb_hidden;	/* front ends are where no driver of
					   domain 1's finds them */
};

/* Domain 2 attaches.  Settings may be given before, by loop_set(). */
void	 nback_begin(struct nback *, struct loop *front);
void	 nback_attach(struct nback *);
void	 nback_close(struct nback *);
/* Interface n of domain 1's; key and value pairs for the back end, to NULL. */
void	 nback_plug(struct nback *, unsigned int n, const char *const *keys);
void	 nback_unplug(struct nback *, unsigned int n);
bool	 nback_unplugged(struct nback *, unsigned int n);
/* Both ends up: l_net[0] of either. */
bool	 nback_up(struct nback *, unsigned int n);
/* The back end's key, NULL when not there; the path of the front end's. */
const char *nback_key(struct nback *, unsigned int n, const char *key);
void	 nback_front(struct nback *, char *path, size_t size, unsigned int n,
	    const char *key);
/* Send from domain 2, in its context; as loop_send(). */
int	 nback_send(struct nback *, struct loop_pkt *, void *buf, size_t len,
	    unsigned int npiece);

#endif /* NBACK_H */
