/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_filter.h -- whether a packet passes, and how it leaves.
 */

#ifndef FWD_FILTER_H
#define FWD_FILTER_H

#include "fwd.h"

/* What is known of a packet's connection. */
struct fwd_found {
	bool		 fo_known;	/* it belongs to something allowed */
	bool		 fo_error;	/* as an error about it */
	struct fwd_side	*fo_side;	/* or NULL: a fragment's */
	struct fwd_key	 fo_leave;	/* how it leaves */
	struct fwd_key	 fo_quoted;	/* what it quotes, of an error */
};

/* Look whether a packet belongs to a connection.  Context: thread. */
void	 fwd_filter_find(struct fwd *, const struct fwd_trip *,
	    struct fwd_found *);
/*
 * May a packet go to a port: as it is known, or by the rules?  With a state
 * for it, where it is the first of a connection, and its address translated
 * where the other network wants that.  Context: thread.
 */
bool	 fwd_filter_may(struct fwd *, const struct fwd_trip *,
	    unsigned int out, unsigned int outnet, struct fwd_found *);
/* A known packet passes.  Context: thread. */
void	 fwd_filter_pass(struct fwd *, const struct fwd_trip *,
	    const struct fwd_found *);
/* What a network needs to work at all, whatever the rules say. */
bool	 fwd_filter_free(const struct fwd_hdr *);
/* An answer of DHCP's to self, which has no address yet, where it asks. */
bool	 fwd_filter_dhcp(const struct fwd *, const struct fwd_trip *);

#endif /* FWD_FILTER_H */
