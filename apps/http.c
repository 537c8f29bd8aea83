/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * http.c -- parse what HTTP clients send; see http.h.  The other direction is
 * in http_fmt.c.
 *
 * A head is split into lines, each line is NUL terminated in place, then
 * looked at once.  Lines end in CR LF; a bare LF is taken too, a bare CR or
 * another control character is not.
 */

#include <string.h>

#include "http.h"

#define HTTP_NUMMAX	(UINT64_MAX / 2)	/* lengths stay below */

/* ---- characters -------------------------------------------------------- */

static bool
http_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int
http_hex(char c)
{
	if (http_is_digit(c))
		return c - '0';
	c |= 0x20;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static char
http_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* May stand in a method or a header's name. */
static bool
http_is_token(char c)
{
	char l = http_lower(c);

	return (l >= 'a' && l <= 'z') || http_is_digit(c) ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* Do the first n bytes of s spell word, in any case?  word is lower case. */
static bool
http_is_word(const char *s, size_t n, const char *word)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (word[i] == '\0' || http_lower(s[i]) != word[i])
			return false;
	return word[n] == '\0';
}

static const char *
http_skip(const char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

/*
 * Digits at *s, which moves behind them.  -PV_EINVAL: none there.  Numbers
 * beyond HTTP_NUMMAX become HTTP_NUMMAX.
 */
static int
http_number(const char **s, uint64_t *v)
{
	uint64_t n = 0;

	if (!http_is_digit(**s))
		return -PV_EINVAL;
	for (; http_is_digit(**s); (*s)++)
		n = n > HTTP_NUMMAX / 10 - 1 ? HTTP_NUMMAX :
		    n * 10 + (uint64_t)(**s - '0');
	*v = n;
	return 0;
}

/*
 * The next element of a comma separated list: its start and length; *s moves
 * on.  NULL at the end.
 */
static const char *
http_element(const char **s, size_t *len)
{
	const char *p = *s;
	size_t n = 0;

	while (*p == ' ' || *p == '\t' || *p == ',')
		p++;
	while (p[n] != '\0' && p[n] != ',')
		n++;
	*s = p + n;
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	*len = n;
	return n > 0 ? p : NULL;
}

/* ---- the head ---------------------------------------------------------- */

/*
 * Where the head in buf ends: behind its first empty line, those before the
 * request line not counted.
 * Returns 0 while it is incomplete.  Context: any.
 */
size_t
http_head_end(const char *buf, size_t len)
{
	size_t i = 0, start;

	while (i < len && (buf[i] == '\r' || buf[i] == '\n'))
		i++;
	for (start = i; i < len; i++) {
		if (buf[i] != '\n')
			continue;
		if (i - start == 0 || (i - start == 1 && buf[start] == '\r'))
			return i + 1;
		start = i + 1;
	}
	return 0;
}

/* Cut the next line out of *s: NUL terminated, without its end. */
static char *
http_line(char **s, char *end)
{
	char *line = *s, *nl;

	if (line >= end)
		return NULL;
	nl = memchr(line, '\n', (size_t)(end - line));
	if (nl == NULL)
		return NULL;
	*s = nl + 1;
	if (nl > line && nl[-1] == '\r')
		nl--;
	*nl = '\0';
	/* A NUL inside would hide the rest of the line from us. */
	return memchr(line, '\0', (size_t)(nl - line)) == NULL ? line : NULL;
}

/* No control characters but tabs. */
static bool
http_is_clean(const char *s)
{
	for (; *s != '\0'; s++)
		if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
			return false;
	return true;
}

/* Known methods that a file server has no use for: 405; others: 501. */
static int
http_method(const char *s, struct http_req *rq)
{
	static const char *const names[] = { "GET", "HEAD", "PUT", "DELETE" };
	static const char *const others[] = { "POST", "OPTIONS", "TRACE",
	    "CONNECT", "PATCH" };
	unsigned int i;

	for (i = 0; i < PV_NELEM(names); i++) {
		if (strcmp(s, names[i]) == 0) {
			rq->rq_method = (enum http_method)i;
			return 0;
		}
	}
	rq->rq_method = HTTP_OTHER;
	for (i = 0; i < PV_NELEM(others); i++)
		if (strcmp(s, others[i]) == 0)
			return 405;
	return 501;
}

static int
http_version(const char *s, struct http_req *rq)
{
	if (strncmp(s, "HTTP/", 5) != 0 || !http_is_digit(s[5]) ||
	    s[6] != '.' || !http_is_digit(s[7]) || s[8] != '\0')
		return 400;
	if (s[5] != '1')
		return 505;
	rq->rq_http10 = s[7] == '0';
	rq->rq_keep = !rq->rq_http10;
	return 0;
}

/* The byte at *s, %XX decoded; *s moves on.  -1: no valid byte of a path. */
static int
http_path_byte(const char **s)
{
	const char *p = *s;
	int c = (unsigned char)*p, hi, lo;

	*s = p + 1;
	if (c == '%') {
		hi = http_hex(p[1]);
		lo = hi < 0 ? -1 : http_hex(p[2]);
		if (lo < 0)
			return -1;
		c = hi << 4 | lo;
		*s = p + 3;
		/* A name with a '/' in it can not exist. */
		if (c == '/')
			return -1;
	}
	return c < 0x20 || c == 0x7f ? -1 : c;
}

/* End a segment that starts at seg: "." vanishes, ".." is not served. */
static bool
http_path_segment(char *path, size_t seg, size_t *n)
{
	if (*n - seg == 2 && path[seg] == '.' && path[seg + 1] == '.')
		return false;
	if (*n - seg == 1 && path[seg] == '.')
		*n = seg;
	return true;
}

/*
 * Decode a target's path, up to a query, into rq_path: one '/' before each
 * segment, none at the end.  0 or a status.
 */
static int
http_path(const char *s, struct http_req *rq)
{
	char *path = rq->rq_path;
	size_t n = 1, seg = 1;
	int c;

	path[0] = '/';
	for (s++; *s != '\0' && *s != '?' && *s != '#';) {
		if (*s == '/') {
			if (!http_path_segment(path, seg, &n))
				return 400;
			if (n > seg)
				path[n++] = '/';
			seg = n;
			s++;
		} else {
			c = http_path_byte(&s);
			if (c < 0)
				return 400;
			path[n++] = (char)c;
		}
		if (n >= HTTP_PATHMAX - 1)
			return 414;
	}
	if (!http_path_segment(path, seg, &n))
		return 400;
	rq->rq_slash = n == seg;
	if (n > 1 && path[n - 1] == '/')
		n--;
	path[n] = '\0';
	return 0;
}

/* A request target: a path, or a whole address of which the path counts. */
static int
http_target(const char *s, struct http_req *rq)
{
	if (http_is_word(s, strlen(s) < 7 ? 0 : 7, "http://")) {
		s += 7;
		while (*s != '\0' && *s != '/')
			s++;
		if (*s == '\0')
			s = "/";
	}
	return *s == '/' ? http_path(s, rq) : 400;
}

/* "GET /path HTTP/1.1" */
static int
http_request_line(char *line, struct http_req *rq)
{
	char *target, *version;
	size_t n = 0;
	int rv, status;

	while (http_is_token(line[n]))
		n++;
	if (n == 0 || line[n] != ' ')
		return 400;
	line[n] = '\0';
	target = line + n + 1;
	version = strchr(target, ' ');
	if (version == NULL)
		return 400;
	*version++ = '\0';
	rv = http_version(version, rq);
	if (rv != 0)
		return rv;
	status = http_method(line, rq);
	if (status != 0)
		return status;
	return http_target(target, rq);
}

/* ---- headers ----------------------------------------------------------- */

static int
http_hdr_length(const char *value, struct http_req *rq)
{
	uint64_t len;

	if (http_number(&value, &len) != 0 || *http_skip(value) != '\0' ||
	    len >= HTTP_NUMMAX)
		return 400;
	if (rq->rq_haslen && rq->rq_len != len)
		return 400;
	rq->rq_haslen = true;
	rq->rq_len = len;
	return 0;
}

static int
http_hdr_encoding(const char *value, struct http_req *rq)
{
	if (rq->rq_chunked)
		return 400;
	if (!http_is_word(value, strlen(value), "chunked"))
		return 501;
	rq->rq_chunked = true;
	return 0;
}

static int
http_hdr_connection(const char *value, struct http_req *rq)
{
	const char *e;
	size_t n;

	while ((e = http_element(&value, &n)) != NULL) {
		if (http_is_word(e, n, "close"))
			rq->rq_keep = false;
		else if (http_is_word(e, n, "keep-alive") && rq->rq_http10)
			rq->rq_keep = true;
	}
	return 0;
}

static int
http_hdr_expect(const char *value, struct http_req *rq)
{
	if (!http_is_word(value, strlen(value), "100-continue"))
		return 417;
	rq->rq_expect = !rq->rq_http10;
	return 0;
}

static int
http_hdr_host(const char *value, struct http_req *rq)
{
	rq->rq_nhost++;
	return strchr(value, ' ') == NULL ? 0 : 400;
}

static int
http_hdr_crange(const char *value, struct http_req *rq)
{
	(void)value;
	rq->rq_hascrange = true;
	return 0;
}

static int
http_hdr_range(const char *value, struct http_req *rq)
{
	rq->rq_range = value;
	return 0;
}

static int
http_hdr_ifrange(const char *value, struct http_req *rq)
{
	rq->rq_ifrange = value;
	return 0;
}

static int
http_hdr_inm(const char *value, struct http_req *rq)
{
	rq->rq_inm = value;
	return 0;
}

static int
http_hdr_ims(const char *value, struct http_req *rq)
{
	rq->rq_ims = value;
	return 0;
}

static const struct {
	const char	*name;
	int		(*fn)(const char *, struct http_req *);
} http_hdrs[] = {
	{ "connection", http_hdr_connection },
	{ "content-length", http_hdr_length },
	{ "content-range", http_hdr_crange },
	{ "expect", http_hdr_expect },
	{ "host", http_hdr_host },
	{ "if-modified-since", http_hdr_ims },
	{ "if-none-match", http_hdr_inm },
	{ "if-range", http_hdr_ifrange },
	{ "range", http_hdr_range },
	{ "transfer-encoding", http_hdr_encoding },
};

/* "Name: value".  A line that continues another one is refused. */
static int
http_header(char *line, struct http_req *rq)
{
	size_t n = 0, len;
	unsigned int i;
	char *value;

	while (http_is_token(line[n]))
		n++;
	if (n == 0 || line[n] != ':' || !http_is_clean(line + n))
		return 400;
	value = line + n + 1;
	while (*value == ' ' || *value == '\t')
		value++;
	len = strlen(value);
	while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		value[--len] = '\0';
	for (i = 0; i < PV_NELEM(http_hdrs); i++)
		if (http_is_word(line, n, http_hdrs[i].name))
			return http_hdrs[i].fn(value, rq);
	return 0;
}

/* What headers say together.  A doubtful length could smuggle a request. */
static int
http_consistent(const struct http_req *rq)
{
	if (rq->rq_nhost > 1 || (rq->rq_nhost == 0 && !rq->rq_http10))
		return 400;
	if (rq->rq_chunked && (rq->rq_haslen || rq->rq_http10))
		return 400;
	return 0;
}

/* All lines.  The first fault decides, but one of syntax (400) is stronger. */
static int
http_parse_lines(char *head, char *end, struct http_req *rq)
{
	char *line;
	int status, rv;

	line = http_line(&head, end);
	if (line == NULL)
		return 400;
	status = http_request_line(line, rq);
	while ((line = http_line(&head, end)) != NULL && *line != '\0') {
		rv = http_header(line, rq);
		if (status == 0 || rv == 400)
			status = rv == 0 ? status : rv;
	}
	if (line == NULL)
		return 400;
	rv = http_consistent(rq);
	return status != 0 ? status : rv;
}

/*
 * Parse a request head in place.
 * Returns 0 or the status of the error to answer.  Context: any.
 */
int
http_parse(char *head, size_t len, struct http_req *rq)
{
	char *end = head + len;
	int status;

	memset(rq, 0, sizeof(*rq));
	while (head < end && (*head == '\r' || *head == '\n'))
		head++;
	status = http_parse_lines(head, end, rq);
	if (status != 0)
		rq->rq_keep = false;
	return status;
}

/* ---- ranges, chunks, tags ---------------------------------------------- */

/*
 * One range-spec: "A-B", "A-" or "-N".  1: satisfiable; 0: not; -1: not a
 * range at all.
 */
static int
http_range_one(const char *s, uint64_t size, struct http_range *hr)
{
	uint64_t a = 0, b = HTTP_NUMMAX;
	bool suffix = *s == '-';

	if (!suffix && http_number(&s, &a) != 0)
		return -1;
	if (*s++ != '-')
		return -1;
	if (http_is_digit(*s))
		(void)http_number(&s, &b);
	else if (suffix)
		return -1;
	s = http_skip(s);
	if ((*s != '\0' && *s != ',') || (!suffix && a > b))
		return -1;
	if (suffix) {
		a = b < size ? size - b : 0;
		if (b == 0)
			return 0;
		b = HTTP_NUMMAX;
	}
	if (a >= size)
		return 0;
	hr->hr_first = a;
	hr->hr_last = b < size ? b : size - 1;
	return 1;
}

/*
 * The ranges of a file of size bytes that a client asks for.  What is not
 * valid, or would be more work than the whole file, counts as not asked.
 * Returns their number, 0 for the whole file, -1 for status 416.
 * Context: any.
 */
int
http_ranges(const char *value, uint64_t size,
    struct http_range out[HTTP_NRANGE])
{
	struct http_range hr;
	unsigned int n = 0, asked = 0;
	uint64_t sum = 0;
	const char *e;
	size_t len;
	int rv;

	if (strlen(value) < 6 || !http_is_word(value, 6, "bytes="))
		return 0;
	value += 6;
	while ((e = http_element(&value, &len)) != NULL) {
		rv = http_range_one(e, size, &hr);
		if (rv < 0 || ++asked > HTTP_NRANGE)
			return 0;
		if (rv == 0)
			continue;
		sum += hr.hr_last - hr.hr_first + 1;
		out[n++] = hr;
	}
	if (asked == 0 || sum > size)
		return 0;
	return n > 0 ? (int)n : -1;
}

/*
 * The size in the first line of a chunk; extensions are skipped.
 * Returns 0 or -PV_EINVAL.  Context: any.
 */
int
http_chunk_size(const char *line, size_t len, uint64_t *size)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < len && http_hex(line[i]) >= 0; i++) {
		if (v > HTTP_NUMMAX >> 4)
			return -PV_EINVAL;
		v = v << 4 | (uint64_t)http_hex(line[i]);
	}
	if (i == 0)
		return -PV_EINVAL;
	if (i < len && line[i] != ';' && line[i] != ' ' && line[i] != '\t')
		return -PV_EINVAL;
	*size = v;
	return 0;
}

/*
 * Is etag, with its quotes, in an If-None-Match list?  Weak ones match too.
 * Context: any.
 */
bool
http_etag_match(const char *list, const char *etag)
{
	const char *e;
	size_t n;

	while ((e = http_element(&list, &n)) != NULL) {
		if (n == 1 && *e == '*')
			return true;
		if (n > 2 && e[0] == 'W' && e[1] == '/') {
			e += 2;
			n -= 2;
		}
		if (n == strlen(etag) && memcmp(e, etag, n) == 0)
			return true;
	}
	return false;
}
