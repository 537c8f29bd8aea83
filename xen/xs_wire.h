/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xs_wire.h -- what xs.c (requests), xs_watch.c (watches), xs_ring.c (the
 * ring) and xs_conn.c (the connection) know of each other.
 *
 *	caller: xs_talk --> send queue --> ring --> store
 *	                    (takes an id)             |
 *	        waits  <--- reply, found by id <----- +
 *	        xw_fn  <--- event queue <--- watch event
 *
 * All of it is under xs_lock.  A request lives on its caller's stack, who
 * does not return before it is answered or taken back.  One that timed out
 * after it was sent leaves a ghost in the id map, for its reply may still
 * come; what it did is undone then.
 */

#ifndef XS_WIRE_H
#define XS_WIRE_H

#include <pv/types.h>

#include <xen/io/xs_wire.h>

#include "bytering.h"
#include "dev.h"
#include "evtchn.h"
#include "idmap.h"
#include "list.h"
#include "xs.h"

#define XS_PIECES	3		/* of a request, its header one */

struct xs_piece {
	const void	*pc_base;
	size_t		 pc_len;
};

struct xs_req {
	struct list	 rq_link;	/* in the send queue until sent */
	struct xsd_sockmsg rq_hdr;
	struct xs_piece	 rq_piece[XS_PIECES];
	unsigned int	 rq_npiece;
	unsigned int	 rq_at;		/* the piece being sent .. */
	size_t		 rq_off;	/* .. from this byte on */
	int64_t		 rq_slot;	/* id in flight, or -1 */
	char		*rq_buf;	/* where the reply goes, or NULL */
	size_t		 rq_size, rq_len;
	int		 rq_rv;
	bool		 rq_done;
	bool		 rq_once;	/* on this connection or never */
	uint32_t	 rq_epoch;	/* connection that it belongs to */
	struct pv_os_event rq_event;
};

struct xs_event {
	struct list	 ev_link;
	char		 ev_path[XS_PATHMAX];
};

/* Stands for a request that timed out, then for what undoes it. */
struct xs_ghost {
	struct xs_req	 gh_req;
	uint32_t	 gh_type;	/* to be undone, or XS_INVALID */
	char		 gh_path[XS_PATHMAX];	/* of a watch */
	char		 gh_token[XS_TOKENMAX];
};

/* A thread that waits to begin a transaction; on its stack. */
struct xs_turn {
	struct list	 tu_link;
	struct pv_os_event tu_event;
	bool		 tu_mine;
};

struct xs {
	struct xen	*xs_xen;
	struct pv_lock	 xs_lock;
	struct xenstore_domain_interface *xs_page;
	struct evtchn_handler xs_handler;
	/* the connection */
	bool		 xs_up;		/* the store is connected */
	bool		 xs_told;	/* that we wait for it */
	bool		 xs_lost;	/* to be asked for anew */
	bool		 xs_dead;	/* for good */
	bool		 xs_hold;	/* begin no request: a suspend */
	bool		 xs_away;	/* resumed; the ring is not ours yet */
	const char	*xs_why;	/* broken, and why */
	bool		 xs_said;	/* that it is broken */
	uint32_t	 xs_epoch;	/* connections that ended */
	uint64_t	 xs_next;	/* no sooner asked for anew */
	struct pv_os_work xs_late;	/* maps, connects, sets watches */
	/* requests */
	struct bytering	 xs_req, xs_rsp;
	struct list	 xs_sendq;
	struct idmap	 xs_ids;
	struct idmap_slot xs_slot[XS_INFLIGHT];
	uint32_t	 xs_id[XS_INFLIGHT]; /* req_id of each */
	uint32_t	 xs_gen;	/* makes ids not used lately */
	struct xs_ghost	 xs_ghost[XS_INFLIGHT];	/* by slot */
	/* transactions */
	unsigned int	 xs_ntrans;	/* open */
	struct list	 xs_turns;	/* of struct xs_turn, who waits */
	/* the message being received */
	struct xsd_sockmsg xs_hdr;
	char		 xs_body[XENSTORE_PAYLOAD_MAX];
	uint32_t	 xs_got;	/* bytes of it, header included */
	/* watches */
	struct list	 xs_watches;
	struct list	 xs_ready;	/* those with events, by xw_ready */
	unsigned int	 xs_nwatch;
	uint32_t	 xs_token;
	struct list	 xs_evfree;
	struct xs_event	 xs_event[XS_NEVENT];
	struct pv_os_work xs_work;	/* calls xw_fn */
	char		 xs_path[XS_PATHMAX];	/* what it is called with */
	struct xs_req	 xs_set;	/* sets a watch again: .. */
	char		 xs_setpath[XS_PATHMAX], xs_settoken[XS_TOKENMAX];
};

/* ---- xs_ring.c; Lock: xs_lock held ------------------------------------- */
/* Send what fits; true: notify the store. */
bool	 xs_ring_send(struct xs *);
/* Take a few messages; returns their number. */
unsigned int xs_ring_receive(struct xs *);
/* Answer a request. */
void	 xs_ring_done(struct xs *, struct xs_req *, int rv);
/* Is it a ghost's? */
bool	 xs_ring_lost(struct xs *, const struct xs_req *);
/* A request that is not waited for any more. */
void	 xs_ring_abandon(struct xs *, struct xs_req *);

/* ---- xs_conn.c; Lock: xs_lock held ------------------------------------- */
/* Is the store there?  Takes the ring over when it is for the first time. */
bool	 xs_conn_up(struct xs *);
/* The store broke the protocol: connect anew, or everybody fails. */
void	 xs_conn_fail(struct xs *, const char *why);
/* Does it offer new connections? */
bool	 xs_conn_can_again(const struct xs *);
/* The domain was resumed: whatever there was, the connection is gone. */
void	 xs_conn_moved(struct xs *);
/* Ask for a new connection when it is time; true: notify the store. */
bool	 xs_conn_ask(struct xs *);

/* ---- xs_watch.c; Lock: xs_lock held ------------------------------------ */
/* A watch event of len bytes in xs_body came; 0 or -PV_EPROTO. */
int	 xs_watch_event(struct xs *, size_t len);
/* The work that delivers them; Lock: none. */
void	 xs_watch_run(void *);
/* Set again what a lost connection took away; Lock: none; thread. */
void	 xs_watch_restore(struct xs *);

/* ---- xs.c -------------------------------------------------------------- */
unsigned int xs_serve(struct xs *);
enum evtchn_result xs_intr(void *);	/* the ring's event */
void	 xs_req_init(struct xs_req *, uint32_t type, const struct xs_trans *);
void	 xs_req_add(struct xs_req *, const void *, size_t len);
void	 xs_req_path(struct xs_req *, const char *);	/* with its NUL */
/* The header's length; 0 or -PV_E2BIG. */
int	 xs_req_seal(struct xs_req *);
/* Send, wait; 0 or -PV_E*.  Thread. */
int	 xs_talk(struct xen *, struct xs_req *);

#endif /* XS_WIRE_H */
