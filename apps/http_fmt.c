/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * http_fmt.c -- dates, names and response heads of HTTP; see http.h.
 *
 * Dates are counted in days, in years that begin in March: then the leap day
 * is the last one of its year, and months have a regular length.
 */

#include <string.h>

#include "http.h"

#define HTTP_DAYSEC	86400u

static const char http_months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char http_days[] = "ThuFriSatSunMonTueWed";	/* from 1970 */

/* ---- dates ------------------------------------------------------------- */

/* Days from 1970-01-01 to a date, month 1..12. */
static int64_t
http_days_of(int64_t year, unsigned int month, unsigned int day)
{
	unsigned int m = month > 2 ? month - 3 : month + 9;
	int64_t y = month > 2 ? year : year - 1;

	return y * 365 + y / 4 - y / 100 + y / 400 +
	    (int64_t)((153 * m + 2) / 5 + day - 1) - 719468;
}

/* The reverse, for days from 1970 on. */
static void
http_date_of(uint64_t days, unsigned int *year, unsigned int *month,
    unsigned int *day)
{
	unsigned int m = 0;
	uint64_t y = 1970;

	while (http_days_of((int64_t)y + 1, 1, 1) <= (int64_t)days)
		y++;
	while (m < 12 && http_days_of((int64_t)y, m + 1, 1) <= (int64_t)days)
		m++;
	*year = (unsigned int)y;
	*month = m;
	*day = (unsigned int)((int64_t)days -
	    http_days_of((int64_t)y, m, 1)) + 1;
}

static void
http_add2(struct strbuf *sb, unsigned int v)
{
	char c[2];

	c[0] = (char)('0' + v / 10 % 10);
	c[1] = (char)('0' + v % 10);
	str_addn(sb, c, 2);
}

/*
 * Append a moment as in "Sun, 06 Nov 1994 08:49:37 GMT".
 * Context: any.
 */
void
http_date(struct strbuf *sb, uint64_t secs)
{
	uint64_t days = secs / HTTP_DAYSEC;
	unsigned int year, month, day, s = (unsigned int)(secs % HTTP_DAYSEC);

	/* Years of four digits only; a broken inode may say anything. */
	if (days > 2932896)
		days = 2932896;
	http_date_of(days, &year, &month, &day);
	str_addn(sb, http_days + days % 7 * 3, 3);
	str_add(sb, ", ");
	http_add2(sb, day);
	str_add(sb, " ");
	str_addn(sb, http_months + (month - 1) * 3, 3);
	str_add(sb, " ");
	str_addu(sb, year);
	str_add(sb, " ");
	http_add2(sb, s / 3600);
	str_add(sb, ":");
	http_add2(sb, s / 60 % 60);
	str_add(sb, ":");
	http_add2(sb, s % 60);
	str_add(sb, " GMT");
}

/* A month's number by its name at s, or 0. */
static unsigned int
http_month(const char *s)
{
	unsigned int i;

	for (i = 0; i < 12; i++)
		if (strncmp(s, http_months + i * 3, 3) == 0)
			return i + 1;
	return 0;
}

/*
 * Collect the numbers of a date in their order, and the month.  *first: the
 * month came before any number.  Returns how many, or -1.
 */
static int
http_date_scan(const char *s, unsigned int num[5], unsigned int *month,
    bool *first)
{
	int n = 0;

	while (*s != '\0') {
		if (*s >= '0' && *s <= '9') {
			if (n == 5)
				return -1;
			num[n] = 0;
			for (; *s >= '0' && *s <= '9' && num[n] < 10000; s++)
				num[n] = num[n] * 10 + (unsigned int)(*s - '0');
			n++;
		} else if (*month == 0 && http_month(s) != 0) {
			*month = http_month(s);
			*first = n == 0;
			s += 3;
		} else {
			s++;
		}
	}
	return n;
}

/*
 * Seconds since 1970 of "Sun, 06 Nov 1994 08:49:37 GMT",
 * "Sunday, 06-Nov-94 08:49:37 GMT" or "Sun Nov  6 08:49:37 1994"; else -1.
 * Context: any.
 */
int64_t
http_date_parse(const char *s)
{
	unsigned int num[5], month = 0, year, *time = num + 2;
	bool first = false;

	/* The day's name is not needed, and may look like a month's. */
	while (*s != '\0' && *s != ' ')
		s++;
	if (http_date_scan(s, num, &month, &first) != 5 || month == 0)
		return -1;
	year = num[1];
	if (first) {
		time = num + 1;
		year = num[4];
	} else if (year < 100) {
		year += year < 70 ? 2000 : 1900;
	}
	if (num[0] < 1 || num[0] > 31 || year < 1970 || year > 9999 ||
	    time[0] > 23 || time[1] > 59 || time[2] > 60)
		return -1;
	return http_days_of(year, month, num[0]) * HTTP_DAYSEC +
	    time[0] * 3600 + time[1] * 60 + time[2];
}

/* ---- names ------------------------------------------------------------- */

static const struct {
	const char	*ext, *type;
} http_types[] = {
	{ "html", "text/html; charset=utf-8" },
	{ "htm", "text/html; charset=utf-8" },
	{ "css", "text/css; charset=utf-8" },
	{ "js", "text/javascript; charset=utf-8" },
	{ "mjs", "text/javascript; charset=utf-8" },
	{ "json", "application/json" },
	{ "txt", "text/plain; charset=utf-8" },
	{ "md", "text/plain; charset=utf-8" },
	{ "log", "text/plain; charset=utf-8" },
	{ "c", "text/plain; charset=utf-8" },
	{ "h", "text/plain; charset=utf-8" },
	{ "csv", "text/csv; charset=utf-8" },
	{ "xml", "application/xml" },
	{ "svg", "image/svg+xml" },
	{ "png", "image/png" },
	{ "jpg", "image/jpeg" },
	{ "jpeg", "image/jpeg" },
	{ "gif", "image/gif" },
	{ "webp", "image/webp" },
	{ "avif", "image/avif" },
	{ "ico", "image/x-icon" },
	{ "woff", "font/woff" },
	{ "woff2", "font/woff2" },
	{ "ttf", "font/ttf" },
	{ "pdf", "application/pdf" },
	{ "wasm", "application/wasm" },
	{ "zip", "application/zip" },
	{ "gz", "application/gzip" },
	{ "xz", "application/x-xz" },
	{ "tar", "application/x-tar" },
	{ "iso", "application/x-iso9660-image" },
	{ "mp3", "audio/mpeg" },
	{ "ogg", "audio/ogg" },
	{ "wav", "audio/wav" },
	{ "mp4", "video/mp4" },
	{ "webm", "video/webm" },
};

/* Equal but for the case of a's letters. */
static bool
http_same(const char *a, const char *b)
{
	for (; *a != '\0'; a++, b++)
		if ((*a >= 'A' && *a <= 'Z' ? *a | 0x20 : *a) != *b)
			return false;
	return *b == '\0';
}

/*
 * The media type of a file by the end of its name.
 * Context: any.
 */
const char *
http_type(const char *path)
{
	const char *dot = strrchr(path, '.');
	unsigned int i;

	for (i = 0; dot != NULL && i < PV_NELEM(http_types); i++)
		if (http_same(dot + 1, http_types[i].ext))
			return http_types[i].type;
	return "application/octet-stream";
}

static const struct {
	int		 status;
	const char	*reason;
} http_reasons[] = {
	{ 100, "Continue" },
	{ 200, "OK" },
	{ 201, "Created" },
	{ 204, "No Content" },
	{ 206, "Partial Content" },
	{ 301, "Moved Permanently" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 411, "Length Required" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
	{ 507, "Insufficient Storage" },
};

/*
 * What a status is called.
 * Context: any.
 */
const char *
http_reason(int status)
{
	unsigned int i;

	for (i = 0; i < PV_NELEM(http_reasons); i++)
		if (http_reasons[i].status == status)
			return http_reasons[i].reason;
	return "Error";
}

/* ---- escapes ----------------------------------------------------------- */

/*
 * Append text in which nothing is markup.
 * Context: any.
 */
void
http_add_html(struct strbuf *sb, const char *s)
{
	for (; *s != '\0'; s++) {
		switch (*s) {
		case '<':
			str_add(sb, "&lt;");
			break;
		case '>':
			str_add(sb, "&gt;");
			break;
		case '&':
			str_add(sb, "&amp;");
			break;
		case '"':
			str_add(sb, "&quot;");
			break;
		case '\'':
			str_add(sb, "&#39;");
			break;
		default:
			str_addn(sb, s, 1);
		}
	}
}

/*
 * Append a path, percent-encoded but for its '/'.
 * Context: any.
 */
void
http_add_url(struct strbuf *sb, const char *s)
{
	static const char hex[] = "0123456789ABCDEF";
	unsigned char c;
	char esc[3];

	for (; *s != '\0'; s++) {
		c = (unsigned char)*s;
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || strchr("/-._~", c) != NULL) {
			str_addn(sb, s, 1);
			continue;
		}
		esc[0] = '%';
		esc[1] = hex[c >> 4];
		esc[2] = hex[c & 15];
		str_addn(sb, esc, 3);
	}
}

/*
 * Append a number in hexadecimal.
 * Context: any.
 */
void
http_add_hex(struct strbuf *sb, uint64_t v)
{
	static const char hex[] = "0123456789abcdef";
	char buf[16];
	size_t n = sizeof(buf);

	do {
		buf[--n] = hex[v & 15];
		v >>= 4;
	} while (v != 0);
	str_addn(sb, buf + n, sizeof(buf) - n);
}

/* ---- response heads ---------------------------------------------------- */

static void
http_add_field(struct strbuf *sb, const char *name, const char *value)
{
	if (value == NULL)
		return;
	str_add(sb, name);
	str_add(sb, ": ");
	str_add(sb, value);
	str_add(sb, "\r\n");
}

static void
http_add_date(struct strbuf *sb, const char *name, uint64_t secs)
{
	if (secs == 0)
		return;
	str_add(sb, name);
	str_add(sb, ": ");
	http_date(sb, secs);
	str_add(sb, "\r\n");
}

/*
 * Append the header that tells which part of a file this is.
 * Context: any.
 */
void
http_content_range(struct strbuf *sb, const struct http_range *hr,
    uint64_t size)
{
	str_add(sb, "Content-Range: bytes ");
	str_addu(sb, hr->hr_first);
	str_add(sb, "-");
	str_addu(sb, hr->hr_last);
	str_add(sb, "/");
	str_addu(sb, size);
	str_add(sb, "\r\n");
}

/* How long the body is.  204 and 304 have none, by their number. */
static void
http_add_length(struct strbuf *sb, const struct http_resp *rs)
{
	if (rs->rs_chunked) {
		http_add_field(sb, "Transfer-Encoding", "chunked");
	} else if (!rs->rs_toend && rs->rs_status != 204 &&
	    rs->rs_status != 304) {
		str_add(sb, "Content-Length: ");
		str_addu(sb, rs->rs_len);
		str_add(sb, "\r\n");
	}
}

/*
 * Append a whole response head.
 * Context: any.
 */
void
http_resp(struct strbuf *sb, const struct http_resp *rs)
{
	str_add(sb, "HTTP/1.1 ");
	str_addu(sb, (uint64_t)rs->rs_status);
	str_add(sb, " ");
	str_add(sb, http_reason(rs->rs_status));
	str_add(sb, "\r\nServer: Domus\r\n");
	http_add_date(sb, "Date", rs->rs_date);
	http_add_field(sb, "Connection", rs->rs_keep ? "keep-alive" : "close");
	http_add_field(sb, "Content-Type", rs->rs_type);
	http_add_length(sb, rs);
	http_add_date(sb, "Last-Modified", rs->rs_mtime);
	http_add_field(sb, "ETag", rs->rs_etag);
	http_add_field(sb, "Allow", rs->rs_allow);
	if (rs->rs_accept)
		http_add_field(sb, "Accept-Ranges", "bytes");
	if (rs->rs_location != NULL) {
		str_add(sb, "Location: ");
		http_add_url(sb, rs->rs_location);
		str_add(sb, "\r\n");
	}
	if (rs->rs_range != NULL)
		http_content_range(sb, rs->rs_range, rs->rs_size);
	if (rs->rs_norange) {
		str_add(sb, "Content-Range: bytes */");
		str_addu(sb, rs->rs_size);
		str_add(sb, "\r\n");
	}
	str_add(sb, "\r\n");
}
