/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xs_wire.h -- what xs.c (requests and watches) and xs_ring.c (the ring) know
 * of each other.
 *
 *	caller: xs_talk --> send queue --> ring --> store
 *	                    (takes an id)             |
 *	        waits  <--- reply, found by id <----- +
 *	        xw_fn  <--- event queue <--- watch event
 *
 * All of it is under xs_lock.  A request lives on its caller's stack, who
 * does not return before it is answered or taken back.  One that timed out
 * after it was sent leaves a ghost in the id map, for its reply may still
 * come.
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
	struct pv_os_event rq_event;
};

struct xs_event {
	struct list	 ev_link;
	char		 ev_path[XS_PATHMAX];
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
	bool		 xs_up;		/* the store is connected */
	bool		 xs_told;	/* that we wait for it */
	const char	*xs_why;	/* broken, and why */
	bool		 xs_said;	/* that it is broken */
	struct pv_os_work xs_late;	/* map a ring that came late */
	/* requests */
	struct bytering	 xs_req, xs_rsp;
	struct list	 xs_sendq;
	struct idmap	 xs_ids;
	struct idmap_slot xs_slot[XS_INFLIGHT];
	uint32_t	 xs_id[XS_INFLIGHT]; /* req_id of each */
	uint32_t	 xs_gen;	/* makes ids not used lately */
	struct xs_req	 xs_ghost;	/* stands for all that timed out */
	struct xs_req	 xs_undo;	/* ends a transaction of a ghost */
	/* transactions */
	unsigned int	 xs_ntrans;	/* open */
	struct list	 xs_turns;	/* of struct xs_turn, who waits */
	/* the message being received */
	struct xsd_sockmsg xs_hdr;
	char		 xs_body[XENSTORE_PAYLOAD_MAX];
	uint32_t	 xs_got;	/* bytes of it, header included */
	/* watches */
	struct list	 xs_watches;
	unsigned int	 xs_nwatch;
	uint32_t	 xs_token;
	struct list	 xs_evfree;
	struct xs_event	 xs_event[XS_NEVENT];
	struct pv_os_work xs_work;	/* calls xw_fn */
	char		 xs_path[XS_PATHMAX];	/* what it is called with */
};

/* ---- xs_ring.c; Lock: xs_lock held ------------------------------------- */
/* Is the store there?  Takes the ring over when it is for the first time. */
bool	 xs_ring_up(struct xs *);
/* Send what fits; true: notify the store. */
bool	 xs_ring_send(struct xs *);
/* Take a few messages; returns their number. */
unsigned int xs_ring_receive(struct xs *);
/* The store broke the protocol: everybody fails, now and later. */
void	 xs_ring_fail(struct xs *, const char *why);
/* A request that is not waited for any more. */
void	 xs_ring_abandon(struct xs *, struct xs_req *);

/* ---- xs_watch.c; Lock: xs_lock held ------------------------------------ */
/* A watch event of len bytes in xs_body came; 0 or -PV_EPROTO. */
int	 xs_watch_event(struct xs *, size_t len);
/* The work that delivers them; Lock: none. */
void	 xs_watch_run(void *);

/* ---- xs.c -------------------------------------------------------------- */
void	 xs_req_init(struct xs_req *, uint32_t type, const struct xs_trans *);
void	 xs_req_add(struct xs_req *, const void *, size_t len);
void	 xs_req_path(struct xs_req *, const char *);	/* with its NUL */
/* Send, wait; 0 or -PV_E*.  Thread. */
int	 xs_talk(struct xen *, struct xs_req *);

#endif /* XS_WIRE_H */
