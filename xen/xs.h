/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xs.h -- a XenStore client.
 *
 * Requests carry an id; up to XS_INFLIGHT are in flight at once and replies
 * may come in any order.  The ring is served by the store's event channel in
 * deferred context; a thread waits for its own reply.  ERROR replies carry a
 * name ("EAGAIN"), which is returned as its number.
 *
 * Everything the store says is checked: lengths against XENSTORE_PAYLOAD_MAX,
 * ids against those in flight, ring indexes against the ring's size.  A store
 * that breaks the protocol is asked for a new connection where it offers that
 * (see xs_conn.c); else all requests fail with -PV_EIO, with one log line.
 * Requests have a deadline (XS_PATIENCE).
 *
 * Paths are NUL-terminated, absolute or relative to our domain, shorter than
 * XS_PATHMAX.
 */

#ifndef XS_H
#define XS_H

#include "list.h"
#include "str.h"
#include "xen.h"

#define XS_INFLIGHT	20		/* the server's quota per domain */
#define XS_PATIENCE	(30ull * 1000 * 1000 * 1000)	/* ns */
#define XS_PATHMAX	256		/* bytes, NUL included */
#define XS_TOKENMAX	16
#define XS_TRANS	8		/* open at once; the quota is 10 */
#define XS_RETRY	1000		/* transactions redone on EAGAIN */
#define XS_NEVENT	32		/* watch events queued, all watches */
#define XS_WATCHEVENT	8		/* of these, for one watch */

struct xs_trans {
	uint32_t	 xt_id;		/* 0: no transaction */
	uint32_t	 xt_epoch;	/* of the connection that it is in */
};
#define XS_NOTRANS	((const struct xs_trans *)NULL)

struct xs_watch {
	struct list	 xw_link;
	struct xen	*xw_xen;
	char		 xw_path[XS_PATHMAX];
	char		 xw_token[XS_TOKENMAX];	/* "w", xw_id */
	/* Context: thread, one call at a time; path is what changed. */
	void		(*xw_fn)(void *, const char *path);
	void		*xw_arg;
	struct pv_dev	*xw_dev;	/* counter, or NULL */
	/* xs.c's own: */
	uint32_t	 xw_id;
	struct list	 xw_ready;	/* linked while there is an event */
	bool		 xw_set, xw_running;
	bool		 xw_again;	/* to be set again */
	bool		 xw_overflow;	/* events were merged to xw_path */
	unsigned int	 xw_nevent;
	struct list	 xw_events;
	struct pv_os_event xw_idle;	/* xw_fn returned */
};

/* 0, or -PV_ENODEV: this domain has no store, and all calls below say so. */
int	 xs_attach(struct xen *);
void	 xs_detach(struct xen *);

/*
 * All: 0 or -PV_E*.  Context: thread.  t may be XS_NOTRANS.
 *
 * xs_read copies at most size - 1 bytes and adds a NUL; *lenp (may be NULL)
 * is the value's length; -PV_E2BIG when it does not fit.  xs_ls: names, each
 * followed by a NUL, *lenp bytes in all.
 */
int	 xs_read(struct xen *, const struct xs_trans *, const char *path,
	    char *buf, size_t size, size_t *lenp);
int	 xs_write(struct xen *, const struct xs_trans *, const char *path,
	    const void *val, size_t len);
int	 xs_rm(struct xen *, const struct xs_trans *, const char *path);
int	 xs_ls(struct xen *, const struct xs_trans *, const char *path,
	    char *buf, size_t size, size_t *lenp);

/*
 * Run fn in a transaction; it is run again from the start when the store says
 * EAGAIN or its connection was lost.  fn returning not 0 aborts the
 * transaction and is passed up.  -PV_EIO: the connection was lost at the end,
 * and nobody knows whether it took place.
 */
int	 xs_transact(struct xen *, int (*fn)(void *, const struct xs_trans *),
	    void *arg);

/*
 * Watch xw_path; the caller fills xw_path (or passes path), xw_fn, xw_arg.
 * The function is called once at once, then at each change.  When events
 * come faster than they are handled those for the same path are merged.
 */
int	 xs_watch(struct xen *, struct xs_watch *, const char *path,
	    void (*fn)(void *, const char *), void *arg);
/* On return fn is not running and will not run; not called from fn itself.
   ENOENT by the store (path gone) is no error.  Idempotent. */
void	 xs_unwatch(struct xs_watch *);

/* Ask for a new connection; -PV_ENOSYS: the store offers none. */
int	 xs_reconnect(struct xen *);

/*
 * xs_suspend.c.  Before a suspend: begin no request any more, and wait until
 * those under way are answered.  0; -PV_ETIMEDOUT: some are not.  Thread.
 */
int	 xs_suspend_begin(struct xen *);
/* It took place: the connection is gone.  Context: any. */
void	 xs_suspend_moved(struct xen *);
/*
 * After it: requests go on; when the connection is gone, in a new one, where
 * watches are set again.  Thread.
 */
void	 xs_suspend_end(struct xen *);

void	 xs_totals(struct xen *, struct pv_totals *);

/* ---- xs_path.c: paths and values, no requests of their own ------------- */
/* dir/key into buf; -PV_E2BIG. */
int	 xs_path_join(char *buf, size_t size, const char *dir, const char *key);
/* The error number of a store's error name; -PV_EIO when unknown. */
int	 xs_path_error(const char *name, size_t len);
/*
 * Read dir/key as a number within lo..hi.  0; -PV_ENOENT: not there;
 * -PV_EINVAL, -PV_ERANGE: there, and wrong.
 */
int	 xs_read_num(struct xen *, const struct xs_trans *, const char *dir,
	    const char *key, uint64_t lo, uint64_t hi, uint64_t *v);
int	 xs_write_num(struct xen *, const struct xs_trans *, const char *dir,
	    const char *key, uint64_t v);
int	 xs_write_str(struct xen *, const struct xs_trans *, const char *dir,
	    const char *key, const char *val);

#endif /* XS_H */
