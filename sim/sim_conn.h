/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_conn.h -- what the files of a guest's connection to the store share.
 */

#ifndef SIM_CONN_H
#define SIM_CONN_H

#include <pv/types.h>

#include <xen/io/xs_wire.h>

#include "bytering.h"
#include "sim_store.h"

struct sim_msg {
	struct list	 ms_link;
	size_t		 ms_len, ms_sent;
	uint8_t		 ms_data[sizeof(struct xsd_sockmsg) +
			    XENSTORE_PAYLOAD_MAX];
};

struct sim_cwatch {
	struct list	 cw_link;
	char		*cw_path;	/* absolute */
	char		*cw_token;
	size_t		 cw_strip;	/* bytes to leave away in events */
};

struct sim_change {
	struct list	 ch_link;
	char		*ch_path;
	uint64_t	 ch_gen;	/* read: what it was */
	bool		 ch_write, ch_rm;
	char		*ch_val;
	size_t		 ch_len;
};

struct sim_trans {
	struct list	 tn_link;
	uint32_t	 tn_id;
	uint64_t	 tn_start;	/* generation it began at */
	struct sim_tree	 tn_tree;
	struct list	 tn_changes;
};

struct sim_conn {
	struct sim_dom	*cn_dom;
	struct sim	*cn_sim;
	struct xenstore_domain_interface *cn_if;
	struct bytering	 cn_req, cn_rsp;
	uint32_t	 cn_port;	/* domain 0's */
	struct sim_actor cn_actor;
	struct list	 cn_out, cn_watches, cn_trans;
	uint32_t	 cn_nexttrans;
	bool		 cn_dead, cn_held;
	uint32_t	 cn_features;	/* as offered */
	unsigned int	 cn_nreconnect;
	uint64_t	 cn_back;	/* restarting until then, or 0 */
	/* the request being read */
	size_t		 cn_have;
	union {
		struct xsd_sockmsg hdr;
		uint8_t	 raw[sizeof(struct xsd_sockmsg) +
			    XENSTORE_PAYLOAD_MAX + 1];
	} cn_in;
};

/* ---- sim_conn.c --------------------------------------------------------- */
void	 sim_conn_answer(struct sim_conn *, struct xsd_sockmsg,
	    const void *body, size_t len);
void	 sim_conn_error(struct sim_conn *, const char *name);
struct sim_tree *sim_conn_tree(struct sim_conn *, struct sim_trans *);
/* The transaction has to do with a path. */
struct sim_change *sim_conn_note(struct sim_trans *, const char *path);

/* Its rings, from where they stand, and a port. */
void	 sim_conn_listen(struct sim_conn *);
/* Forget what the guest asked for. */
void	 sim_conn_clear(struct sim_conn *);

/* ---- sim_conn_state.c: connections lost and made anew ------------------- */
/* Is there a connection?  May make one, or tell a lie about it. */
bool	 sim_conn_state(struct sim_conn *);
/* Queues are empty, the guest is told that it is connected. */
void	 sim_conn_reset(struct sim_conn *);
/* Told lies after which the guest does not speak to the store. */
bool	 sim_conn_forsaken(const struct sim_conn *);

/* ---- sim_conn_ls.c: directories ----------------------------------------- */
void	 sim_conn_ls(struct sim_conn *, struct sim_trans *, const char *path);
void	 sim_conn_ls_part(struct sim_conn *, struct sim_trans *,
	    const char *path, size_t off);

#endif /* SIM_CONN_H */
