/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_state.h -- connections that were allowed, and how they are translated.
 *
 * A state has two sides.  Each is a key: what a packet looks like when it
 * arrives, from who opened the connection (side 0) or from who answers (side
 * 1), and in which network.  A packet of side d leaves as the other side's
 * mirror, which is another than its own only where addresses are translated.
 *
 * Bounded.  Of the states that were not answered yet, or are about to end, the
 * oldest makes room for a new one; connections that work are never put out by
 * others.  What one port opens is at most half of the table.
 */

#ifndef FWD_STATE_H
#define FWD_STATE_H

#include <list.h>

#include "fwd_hdr.h"
#include "fwd_mac.h"

#define FWD_STATE_N	4096
#define FWD_STATE_HASH	4096
#define FWD_STATE_NFRAG	128
#define FWD_STATE_NORULE UINT16_MAX

struct fwd_key {
	struct fwd_addr	 ky_src, ky_dst;
	uint16_t	 ky_sport, ky_dport;
	uint8_t		 ky_net, ky_version, ky_proto;
	uint8_t		 ky_zero;
};

struct fwd_side {
	struct fwd_key	 sd_key;
	struct fwd_side	*sd_next;	/* of the same hash */
	uint64_t	 sd_npkt, sd_nbyte;
	uint8_t		 sd_index;	/* 0, 1 */
	bool		 sd_fin;	/* TCP: has closed its half */
};

struct fwd_state {
	struct fwd_side	 st_side[2];
	struct list	 st_link;	/* weak or strong, oldest first */
	uint64_t	 st_seen;	/* ns */
	uint8_t		 st_port;	/* where it was opened */
	uint8_t		 st_out;	/* where its packets left last */
	uint8_t		 st_flags;
#define FWD_STATE_REPLIED 0x1
#define FWD_STATE_ENDING 0x2		/* TCP: both closed, or reset */
#define FWD_STATE_WEAK	0x4		/* on the list of those */
	uint16_t	 st_rule;	/* that allowed it */
};

/* Where the fragments of a datagram go, once the first was seen. */
struct fwd_frag {
	struct fwd_key	 fg_key;	/* ports are 0 */
	uint32_t	 fg_id;
	struct fwd_addr	 fg_src, fg_dst;	/* as they leave */
	uint64_t	 fg_until;	/* ns; 0: free */
};

struct fwd_states {
	struct fwd_state *ss_state;	/* FWD_STATE_N of them */
	struct fwd_side	*ss_hash[FWD_STATE_HASH];
	struct list	 ss_free, ss_weak, ss_strong;
	unsigned int	 ss_count, ss_ofport[FWD_NPORT];
	uint32_t	 ss_salt;
	struct fwd_frag	 ss_frag[FWD_STATE_NFRAG];
	unsigned int	 ss_nextfrag;
	uint64_t	 ss_nmade, ss_nevicted, ss_nrefused;
};

/* The memory is the caller's.  Context: thread, as of all others. */
void	 fwd_state_init(struct fwd_states *, struct fwd_state *mem,
	    uint32_t salt);

/* What a packet looks like that arrives in a network. */
void	 fwd_state_key(struct fwd_key *, const struct fwd_hdr *,
	    unsigned int net);
/* The same from the other end. */
void	 fwd_state_mirror(struct fwd_key *, const struct fwd_key *,
	    unsigned int net);

/* Who has that key, or NULL. */
struct fwd_side *fwd_state_find(const struct fwd_states *,
	    const struct fwd_key *);
static inline struct fwd_state *
fwd_state_of(struct fwd_side *sd)
{
	return PV_CONTAINER(sd - sd->sd_index, struct fwd_state, st_side[0]);
}
/*
 * A state with both keys, opened at a port; NULL: a key is taken, or there is
 * no room.
 */
struct fwd_state *fwd_state_make(struct fwd_states *, const struct fwd_key
	    key[2], unsigned int port, uint64_t now);
/* A packet of a side passes. */
void	 fwd_state_pass(struct fwd_states *, struct fwd_side *,
	    const struct fwd_hdr *, uint64_t now);
void	 fwd_state_drop(struct fwd_states *, struct fwd_state *);
/* Those whose time is over; those of a port that is gone. */
void	 fwd_state_expire(struct fwd_states *, uint64_t now);
void	 fwd_state_forget(struct fwd_states *, unsigned int port);
/* "new", "open", "ending". */
const char *fwd_state_word(const struct fwd_state *);

/* Note where the fragments of a datagram go; find it for the later ones. */
void	 fwd_state_frag(struct fwd_states *, const struct fwd_frag *,
	    uint64_t now);
const struct fwd_frag *fwd_state_fragof(const struct fwd_states *,
	    const struct fwd_key *, uint32_t id, uint64_t now);

#endif /* FWD_STATE_H */
