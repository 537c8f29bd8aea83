/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * httpd.h -- the parts of the HTTP file server.
 *
 *	httpd.c		waits for clients, a thread for each; requests
 *	httpd_io.c	bytes of a connection: heads and bodies in, data out
 *	httpd_get.c	files, ranges, directories
 *	httpd_put.c	PUT and DELETE
 *	http*.c		HTTP as text
 */

#ifndef HTTPD_H
#define HTTPD_H

#include <file.h>

#include "http.h"

#define HTTPD_HEADMAX	8192		/* of a request */
#define HTTPD_PREFIX	4096		/* room for a response's head */
#define HTTPD_DATA	(64 * 1024)	/* read and sent at once */
#define HTTPD_BUF	(HTTPD_PREFIX + HTTPD_DATA)

struct netconn;
struct pbuf;

/* A file that is sent; httpd_get.c. */
struct httpd_get {
	const char	*hg_path;
	struct file	*hg_file;
	struct file_stat hg_st;
	char		 hg_etag[56];
	char		 hg_boundary[24];
	struct http_range hg_range[HTTP_NRANGE];
	int		 hg_nrange;	/* 0: the whole file */
};

/*
 * One client.  hc_buf is page aligned: its first page takes a response head,
 * put so that it ends where the data, at HTTPD_PREFIX, begins.
 */
struct httpd_conn {
	struct netconn	*hc_nc;
	struct pbuf	*hc_in;		/* received, not yet looked at */
	bool		 hc_failed;	/* the connection is of no more use */
	bool		 hc_eof;	/* the client sends no more */
	bool		 hc_continue;	/* it waits for "100 Continue" */
	enum { HTTPD_BODY_NONE, HTTPD_BODY_LEN, HTTPD_BODY_CHUNK,
	    HTTPD_BODY_BAD } hc_body;
	uint64_t	 hc_left;	/* of the body, or of its chunk */
	bool		 hc_inchunk;	/* a chunk's line was read */
	uint64_t	 hc_got, hc_waited;	/* bytes of the request's body,
						   ns until they came */
	size_t		 hc_have, hc_pos;	/* in hc_head: filled, taken */
	uint64_t	 hc_start;	/* arch_now() of the request */
	struct http_req	 hc_req;
	struct httpd_get hc_get;
	char		*hc_buf;
	char		 hc_path[HTTP_PATHMAX + 2];	/* a second path */
	char		 hc_head[HTTPD_HEADMAX];
};

/* ---- httpd_io.c; Context: thread --------------------------------------- */

/*
 * Read the next request's head; its length is returned, and it is taken.
 * 0: the client is gone or was silent too long; < 0: minus a status.
 */
int	 httpd_io_head(struct httpd_conn *);
/* Prepare for the body that hc_req announces. */
void	 httpd_io_body_start(struct httpd_conn *);
/* Up to len bytes of the body; 0: its end; -PV_EIO: cut off or malformed. */
ptrdiff_t httpd_io_body(struct httpd_conn *, char *buf, size_t len);
/* Skip what is left of a body, if it is short.  false: it is not. */
bool	 httpd_io_body_skip(struct httpd_conn *);
/* Send all, or fail: then hc_failed is set. */
bool	 httpd_io_write(struct httpd_conn *, const char *buf, size_t len);
/* End politely: let the client read what was sent. */
void	 httpd_io_close(struct httpd_conn *);

/* ---- httpd.c ----------------------------------------------------------- */

bool	 httpd_writable(void);
bool	 httpd_stopping(void);		/* give up what is under way */
bool	 httpd_busy(void);		/* every place is taken */
/* A response with the members that each has filled in. */
void	 httpd_resp_init(const struct httpd_conn *, struct http_resp *, int);
/* Send a head alone.  rs_len bytes have to follow. */
bool	 httpd_send_head(struct httpd_conn *, const struct http_resp *);
/* Write a head or another text right before the data; its start. */
char	*httpd_prefix(struct httpd_conn *, const char *text, size_t len);
/* Send a status with a short page; why may be NULL. */
void	 httpd_error(struct httpd_conn *, int status, const char *why);
/* The status for an error of file.h. */
int	 httpd_status(int rv);
/* Names of uploads under way are never served. */
#define HTTPD_TMP	".domus-put-"
bool	 httpd_hidden(const char *path);

/* ---- requests ---------------------------------------------------------- */

void	 httpd_get(struct httpd_conn *);	/* GET and HEAD */
void	 httpd_put(struct httpd_conn *);
void	 httpd_put_clean(void);		/* at start */
void	 httpd_delete(struct httpd_conn *);

#endif /* HTTPD_H */
