/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * http.h -- HTTP/1.1 as text: requests are parsed, response heads are built.
 *
 * Theory of operation.  Nothing here does input or output, allocates, or
 * keeps state, so it is tested on the host.  The parser takes a whole request
 * head, everything up to the empty line; http_head_end() says where that is.
 * It works in place: strings in struct http_req point into the head.
 *
 * All that comes from a client is hostile.  What is not plainly valid by RFC
 * 9112 is refused with the status that the functions return.
 */

#ifndef HTTP_H
#define HTTP_H

#include <str.h>

#define HTTP_PATHMAX	1024
#define HTTP_NRANGE	8		/* more: the whole file is sent */
#define HTTP_DATELEN	32

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_PUT, HTTP_DELETE, HTTP_OTHER };

struct http_req {
	enum http_method rq_method;
	bool		 rq_http10;	/* HTTP/1.0 */
	bool		 rq_keep;	/* keep the connection */
	bool		 rq_slash;	/* the path ended in '/' */
	bool		 rq_chunked, rq_haslen, rq_expect, rq_hascrange;
	uint64_t	 rq_len;	/* of the body, when rq_haslen */
	char		 rq_path[HTTP_PATHMAX];	/* decoded; "/" or "/a/b" */
	const char	*rq_range;	/* NULL: no such header; so below */
	const char	*rq_ifrange, *rq_inm;
	const char	*rq_ims;
	unsigned int	 rq_nhost;
};

struct http_range {
	uint64_t	 hr_first, hr_last;	/* both included */
};

/* Length of the head in buf, its empty line included; 0: incomplete. */
size_t	 http_head_end(const char *buf, size_t len);

/*
 * Parse a head of len bytes, as http_head_end() found it; it is modified.
 * Returns 0 or the status to answer (400, 405, 414, 417, 501, 505); rq_keep
 * is then false.
 */
int	 http_parse(char *head, size_t len, struct http_req *);

/*
 * Parse a Range value for a file of size bytes into at most HTTP_NRANGE
 * ranges.  Returns their number; 0: send the whole file; -1: none can be
 * satisfied (416).
 */
int	 http_ranges(const char *value, uint64_t size,
	    struct http_range out[HTTP_NRANGE]);

/*
 * The hexadecimal size in a chunk's first line, without its line end.
 * 0 or -PV_EINVAL.
 */
int	 http_chunk_size(const char *line, size_t len, uint64_t *size);

/* Does a list of entity tags (If-None-Match) hold this one, or "*"? */
bool	 http_etag_match(const char *list, const char *etag);

/* Seconds since 1970 of any of the three date forms, or -1. */
int64_t	 http_date_parse(const char *s);
/* "Sun, 06 Nov 1994 08:49:37 GMT". */
void	 http_date(struct strbuf *, uint64_t secs);

/* The type of a file by its name. */
const char *http_type(const char *path);
/* "Not Found" of 404. */
const char *http_reason(int status);

/* Append text so that a browser shows it, and a path for use in a link. */
void	 http_add_html(struct strbuf *, const char *s);
void	 http_add_url(struct strbuf *, const char *path);
void	 http_add_hex(struct strbuf *, uint64_t v);

struct http_resp {
	int		 rs_status;
	bool		 rs_keep, rs_chunked;
	bool		 rs_toend;	/* HTTP/1.0: the body ends with the
					   connection */
	bool		 rs_accept;	/* ranges would be served */
	uint64_t	 rs_len;	/* of the body, unless one of those */
	uint64_t	 rs_date, rs_mtime;	/* 0: unknown */
	const char	*rs_type, *rs_etag, *rs_allow;	/* NULL: leave out */
	const char	*rs_location;	/* a decoded path */
	const struct http_range *rs_range;	/* of rs_size bytes */
	bool		 rs_norange;	/* 416: tell only rs_size */
	uint64_t	 rs_size;
};

/* Append a response head with its empty line. */
void	 http_resp(struct strbuf *, const struct http_resp *);
/* Append "Content-Range: bytes A-B/SIZE\r\n". */
void	 http_content_range(struct strbuf *, const struct http_range *,
	    uint64_t size);

#endif /* HTTP_H */
