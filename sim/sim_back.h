/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_back.h -- what simulated back ends have in common: a device's two
 * directories and the states of its two ends, as Linux's back ends go
 * through them.
 *
 *	toolstack makes both directories, states 1 and 1
 *	back 2 (InitWait), its offers		front 3 or 4, its keys
 *	back maps, binds, says what it is, 4	front 4
 *	toolstack or restart: back 5, 6		front 5, 6: back lets go
 *	front 1 again: back 2			..
 */

#ifndef SIM_BACK_H
#define SIM_BACK_H

#include "sim_int.h"

struct sim_back;

struct sim_back_ops {
	const char	*bo_type;		/* "vbd" */
	bool		 bo_early;		/* lets go at the front's 5 */
	void		(*bo_offer)(struct sim_back *);	/* with InitWait */
	/* 0; 1: keys are missing yet; -1: refused. */
	int		(*bo_connect)(struct sim_back *);
	void		(*bo_disconnect)(struct sim_back *);
	void		(*bo_service)(struct sim_back *);
};

struct sim_back {
	struct list	 ba_link;	/* first: of s_blks or s_nets */
	struct sim_dom	*ba_dom;	/* the front end's */
	struct sim	*ba_sim;
	uint16_t	 ba_id;		/* the domain that we are of */
	unsigned int	 ba_devid;
	const struct sim_back_ops *ba_ops;
	char		 ba_path[80];	/* ours */
	char		 ba_front[80];
	unsigned int	 ba_state;
	bool		 ba_connected, ba_online, ba_leaving, ba_gone;
	bool		 ba_hold;	/* take requests, answer none */
	struct sim_actor ba_actor;
	struct list	 ba_held;	/* grants that we do not let go of */
};

void	 sim_back_create(struct sim_back *, struct sim_dom *,
	    const struct sim_back_ops *, unsigned int devid);
void	 sim_back_destroy(struct sim_back *);
/* Both ends are there, begin. */
void	 sim_back_begin(struct sim_back *);
void	 sim_back_set(struct sim_back *, const char *key, const char *fmt, ...)
	    __attribute__((__format__(__printf__, 3, 4)));
void	 sim_back_set_front(struct sim_back *, const char *key,
	    const char *fmt, ...) __attribute__((__format__(__printf__, 3, 4)));
/* The front's key, or dflt. */
uint64_t sim_back_num(struct sim_back *, const char *key, uint64_t dflt);
const char *sim_back_str(struct sim_back *, const char *key);
void	 sim_back_state(struct sim_back *, unsigned int);
void	 sim_back_unplug(struct sim_back *);
void	 sim_back_vanish(struct sim_back *);
void	 sim_back_restart(struct sim_back *);
/* Our domain ends; later it, or another, has the same device anew. */
void	 sim_back_die(struct sim_back *);
void	 sim_back_revive(struct sim_back *, uint16_t id);
/* The domain is suspended, and goes on elsewhere. */
void	 sim_back_leave(struct sim_back *);
void	 sim_back_move(struct sim_back *, uint16_t id);
void	 sim_back_set_state(struct sim_back *, const char *);
void	 sim_back_hold(struct sim_back *, bool);
/* Host address of a granted page, or NULL. */
void	*sim_back_map(struct sim_back *, uint32_t ref, bool readonly);
/* Let go of a grant, or, when lying, later or never. */
void	 sim_back_unmap(struct sim_back *, uint32_t ref, bool readonly);

/*
 * Both ends are connected: what the front asks must be right.  One that is on
 * its way out, after a failure too, may have taken its grants back already.
 */
bool	 sim_back_faithful(struct sim_back *);

#endif /* SIM_BACK_H */
