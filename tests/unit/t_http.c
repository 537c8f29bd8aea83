/* SPDX-License-Identifier: BSD-2-Clause */
/* t_http.c -- apps/http.c, apps/http_fmt.c: requests in, response heads out. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <http.h>

/*
 * Parse a head from memory of exactly its size, so that a sanitizer sees a
 * read beyond it.  It stays until the next call.
 */
static int
http_do(const char *text, size_t len, struct http_req *rq)
{
	static char *head;

	free(head);
	head = malloc(len);
	assert_non_null(head);
	memcpy(head, text, len);
	assert_int_equal(http_head_end(head, len), len);
	return http_parse(head, len, rq);
}

/* A request line with a Host header: its status. */
static int
http_line_status(const char *line, struct http_req *rq)
{
	char buf[4096];
	int n = snprintf(buf, sizeof(buf), "%s\r\nHost: a\r\n\r\n", line);

	return http_do(buf, (size_t)n, rq);
}

/* Headers of a GET /: its status. */
static int
http_hdr_status(const char *hdrs, struct http_req *rq)
{
	char buf[4096];
	int n = snprintf(buf, sizeof(buf), "PUT /f HTTP/1.1\r\n%s\r\n", hdrs);

	return http_do(buf, (size_t)n, rq);
}

/* The decoded path of a target, or NULL with *status. */
static const char *
http_target_path(const char *target, int *status)
{
	static struct http_req rq;
	char line[3000];

	snprintf(line, sizeof(line), "GET %s HTTP/1.1", target);
	*status = http_line_status(line, &rq);
	return *status == 0 ? rq.rq_path : NULL;
}

static void
http_heads(void **state)
{
	assert_int_equal(http_head_end("", 0), 0);
	assert_int_equal(http_head_end("GET / HTTP/1.1\r\n", 16), 0);
	assert_int_equal(http_head_end("GET / HTTP/1.1\r\n\r", 17), 0);
	assert_int_equal(http_head_end("GET / HTTP/1.1\r\n\r\nxx", 20), 18);
	assert_int_equal(http_head_end("\r\n\r\nG\n\nrest", 11), 7);
	assert_int_equal(http_head_end("\r\n\r\n\r\n", 6), 0);
	(void)state;
}

static void
http_plain(void **state)
{
	struct http_req rq;

	assert_int_equal(http_line_status("GET /a/b.txt HTTP/1.1", &rq), 0);
	assert_int_equal(rq.rq_method, HTTP_GET);
	assert_string_equal(rq.rq_path, "/a/b.txt");
	assert_true(rq.rq_keep);
	assert_false(rq.rq_http10);
	assert_false(rq.rq_slash);
	assert_false(rq.rq_haslen);
	assert_int_equal(http_line_status("HEAD / HTTP/1.0", &rq), 0);
	assert_int_equal(rq.rq_method, HTTP_HEAD);
	assert_true(rq.rq_http10);
	assert_false(rq.rq_keep);
	assert_int_equal(http_line_status("\r\n\nDELETE /x HTTP/1.1", &rq), 0);
	assert_int_equal(rq.rq_method, HTTP_DELETE);
	assert_int_equal(http_do("GET / HTTP/1.0\n\n", 16, &rq), 0);
	(void)state;
}

static void
http_bad_lines(void **state)
{
	static const struct {
		const char	*line;
		int		 status;
	} cases[] = {
		{ "GET", 400 },
		{ "GET /", 400 },
		{ "GET / ", 400 },
		{ "GET  / HTTP/1.1", 400 },
		{ " GET / HTTP/1.1", 400 },
		{ "GET / HTTP/1.1 ", 400 },
		{ "GET / http/1.1", 400 },
		{ "GET / HTTP/11", 400 },
		{ "GET / HTTP/1.", 400 },
		{ "GET / HTTP/2.0", 505 },
		{ "GET / HTTP/0.9", 505 },
		{ "GET x HTTP/1.1", 400 },
		{ "GET * HTTP/1.1", 400 },
		{ "get / HTTP/1.1", 501 },
		{ "BREW / HTTP/1.1", 501 },
		{ "POST / HTTP/1.1", 405 },
		{ "OPTIONS * HTTP/1.1", 405 },
		{ "G\x01T / HTTP/1.1", 400 },
	};
	struct http_req rq;
	unsigned int i;

	for (i = 0; i < PV_NELEM(cases); i++) {
		assert_int_equal(http_line_status(cases[i].line, &rq),
		    cases[i].status);
		assert_false(rq.rq_keep);
	}
	(void)state;
}

static void
http_paths(void **state)
{
	static const struct {
		const char	*target, *path;
	} cases[] = {
		{ "/", "/" },
		{ "//", "/" },
		{ "/.", "/" },
		{ "/./a/./b/", "/a/b" },
		{ "/a//b", "/a/b" },
		{ "/a%20b%2B?x=/../y#z", "/a b+" },
		{ "/%41%c3%a4", "/A\xc3\xa4" },
		{ "/...", "/..." },
		{ "/..a/b..", "/..a/b.." },
		{ "/a?", "/a" },
		{ "http://host:8080/x/y", "/x/y" },
		{ "HTTP://host", "/" },
	};
	static const char *const bad[] = { "/..", "/../a", "/a/..", "/a/../b",
	    "/%2e%2e/a", "/.%2e", "/%2E./", "/%00", "/a%0", "/a%", "/%zz",
	    "/%2fetc", "/a%0ab", "/%7f", "http:/x", "https://h/" };
	unsigned int i;
	int status;

	for (i = 0; i < PV_NELEM(cases); i++)
		assert_string_equal(http_target_path(cases[i].target, &status),
		    cases[i].path);
	for (i = 0; i < PV_NELEM(bad); i++) {
		assert_null(http_target_path(bad[i], &status));
		assert_int_equal(status, 400);
	}
	(void)state;
}

static void
http_path_slash(void **state)
{
	struct http_req rq;

	assert_int_equal(http_line_status("GET /a/ HTTP/1.1", &rq), 0);
	assert_true(rq.rq_slash);
	assert_int_equal(http_line_status("GET / HTTP/1.1", &rq), 0);
	assert_true(rq.rq_slash);
	assert_int_equal(http_line_status("GET /a/. HTTP/1.1", &rq), 0);
	assert_true(rq.rq_slash);
	assert_string_equal(rq.rq_path, "/a");
	(void)state;
}

static void
http_path_long(void **state)
{
	char target[2100];
	int status;

	memset(target, 'a', sizeof(target));
	target[0] = '/';
	target[HTTP_PATHMAX - 2] = '\0';
	assert_non_null(http_target_path(target, &status));
	target[HTTP_PATHMAX - 2] = 'a';
	target[HTTP_PATHMAX - 1] = '\0';
	assert_null(http_target_path(target, &status));
	assert_int_equal(status, 414);
	target[HTTP_PATHMAX - 1] = 'a';
	target[2000] = '\0';
	assert_null(http_target_path(target, &status));
	assert_int_equal(status, 414);
	(void)state;
}

static void
http_headers_known(void **state)
{
	struct http_req rq;

	assert_int_equal(http_hdr_status("host: a\r\nCONTENT-LENGTH:  12 \r\n"
	    "Range:bytes=0-1\r\nIf-Range: \"x\"\r\nIf-None-Match: *\r\n"
	    "If-Modified-Since: y\r\nExpect: 100-Continue\r\n"
	    "X-Other: \xff\t\r\nEmpty:\r\n", &rq), 0);
	assert_true(rq.rq_haslen);
	assert_int_equal(rq.rq_len, 12);
	assert_string_equal(rq.rq_range, "bytes=0-1");
	assert_string_equal(rq.rq_ifrange, "\"x\"");
	assert_string_equal(rq.rq_inm, "*");
	assert_string_equal(rq.rq_ims, "y");
	assert_true(rq.rq_expect);
	assert_int_equal(http_hdr_status("Host: a\r\n"
	    "Transfer-Encoding: Chunked\r\nConnection: x, close\r\n", &rq), 0);
	assert_true(rq.rq_chunked);
	assert_false(rq.rq_keep);
	assert_int_equal(http_do("GET / HTTP/1.0\r\nConnection: Keep-Alive"
	    "\r\n\r\n", 42, &rq), 0);
	assert_true(rq.rq_keep);
	(void)state;
}

static void
http_headers_bad(void **state)
{
	static const struct {
		const char	*hdrs;
		int		 status;
	} cases[] = {
		{ "", 400 },
		{ "Host: a\r\nHost: a\r\n", 400 },
		{ "Host: a b\r\n", 400 },
		{ "Host : a\r\n", 400 },
		{ "Host: a\r\n folded\r\n", 400 },
		{ "Host: a\r\nNoColon\r\n", 400 },
		{ "Host: a\r\n: x\r\n", 400 },
		{ "Host: a\r\nX: a\x01" "b\r\n", 400 },
		{ "Host: a\r\nX: a\rb\r\n", 400 },
		{ "Host: a\r\nContent-Length: -1\r\n", 400 },
		{ "Host: a\r\nContent-Length: 1x\r\n", 400 },
		{ "Host: a\r\nContent-Length: 1, 1\r\n", 400 },
		{ "Host: a\r\nContent-Length:\r\n", 400 },
		{ "Host: a\r\nContent-Length: 99999999999999999999\r\n", 400 },
		{ "Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
		    400 },
		{ "Host: a\r\nContent-Length: 1\r\n"
		    "Transfer-Encoding: chunked\r\n", 400 },
		{ "Host: a\r\nTransfer-Encoding: gzip, chunked\r\n", 501 },
		{ "Host: a\r\nTransfer-Encoding: chunked\r\n"
		    "Transfer-Encoding: chunked\r\n", 400 },
		{ "Host: a\r\nExpect: tea\r\n", 417 },
		{ "Host: a\r\nExpect: tea\r\nbad\r\n", 400 },
	};
	struct http_req rq;
	unsigned int i;

	for (i = 0; i < PV_NELEM(cases); i++)
		assert_int_equal(http_hdr_status(cases[i].hdrs, &rq),
		    cases[i].status);
	assert_int_equal(http_do("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 29,
	    &rq), 400);
	assert_int_equal(http_do("GET / HTTP/1.0\r\nTransfer-Encoding: chunked"
	    "\r\n\r\n", 46, &rq), 400);
	(void)state;
}

static void
http_range_check(const char *v, uint64_t size, int n, uint64_t a, uint64_t b)
{
	struct http_range hr[HTTP_NRANGE];

	assert_int_equal(http_ranges(v, size, hr), n);
	if (n > 0) {
		assert_int_equal(hr[n - 1].hr_first, a);
		assert_int_equal(hr[n - 1].hr_last, b);
	}
}

static void
http_range_values(void **state)
{
	http_range_check("bytes=0-0", 10, 1, 0, 0);
	http_range_check("bytes=2-5", 10, 1, 2, 5);
	http_range_check("Bytes=2-", 10, 1, 2, 9);
	http_range_check("bytes=-3", 10, 1, 7, 9);
	http_range_check("bytes=-30", 10, 1, 0, 9);
	http_range_check("bytes=5-99999999999999999999999", 10, 1, 5, 9);
	http_range_check("bytes= 1-2 , 5-6", 10, 2, 5, 6);
	http_range_check("bytes=20-30,1-2", 10, 1, 1, 2);
	http_range_check("bytes=10-", 10, -1, 0, 0);
	http_range_check("bytes=-0", 10, -1, 0, 0);
	http_range_check("bytes=0-", 0, -1, 0, 0);
	http_range_check("bytes=-5", 0, -1, 0, 0);
	http_range_check("bytes=5-4", 10, 0, 0, 0);
	http_range_check("bytes=", 10, 0, 0, 0);
	http_range_check("bytes=,", 10, 0, 0, 0);
	http_range_check("bytes=-", 10, 0, 0, 0);
	http_range_check("bytes=a-b", 10, 0, 0, 0);
	http_range_check("bytes=1-2x", 10, 0, 0, 0);
	http_range_check("bytes=1", 10, 0, 0, 0);
	http_range_check("lines=1-2", 10, 0, 0, 0);
	http_range_check("", 10, 0, 0, 0);
	/* Overlap that asks for more than there is; too many. */
	http_range_check("bytes=0-,0-", 10, 0, 0, 0);
	http_range_check("bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7", 10, 8, 7, 7);
	http_range_check("bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8", 10, 0,
	    0, 0);
	(void)state;
}

static void
http_chunks(void **state)
{
	uint64_t v = 7;

	assert_int_equal(http_chunk_size("0", 1, &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(http_chunk_size("1aF;x=y", 7, &v), 0);
	assert_int_equal(v, 0x1af);
	assert_int_equal(http_chunk_size("10 ", 3, &v), 0);
	assert_int_equal(v, 16);
	assert_int_equal(http_chunk_size("", 0, &v), -PV_EINVAL);
	assert_int_equal(http_chunk_size("x", 1, &v), -PV_EINVAL);
	assert_int_equal(http_chunk_size("-1", 2, &v), -PV_EINVAL);
	assert_int_equal(http_chunk_size("1x", 2, &v), -PV_EINVAL);
	assert_int_equal(http_chunk_size("ffffffffffffffff", 16, &v),
	    -PV_EINVAL);
	assert_int_equal(http_chunk_size("100000000000000000", 18, &v),
	    -PV_EINVAL);
	(void)state;
}

static void
http_etags(void **state)
{
	assert_true(http_etag_match("\"a\"", "\"a\""));
	assert_true(http_etag_match("\"x\", W/\"a\" ,", "\"a\""));
	assert_true(http_etag_match("*", "\"a\""));
	assert_false(http_etag_match("\"ab\"", "\"a\""));
	assert_false(http_etag_match("", "\"a\""));
	assert_false(http_etag_match("W/", "\"a\""));
	(void)state;
}

static void
http_date_is(uint64_t secs, const char *text)
{
	char buf[64];
	struct strbuf sb;

	str_begin(&sb, buf, sizeof(buf));
	http_date(&sb, secs);
	assert_string_equal(buf, text);
	assert_int_equal(http_date_parse(text), (int64_t)secs);
}

static void
http_dates(void **state)
{
	char buf[64];
	struct strbuf sb;

	http_date_is(0, "Thu, 01 Jan 1970 00:00:00 GMT");
	http_date_is(784111777, "Sun, 06 Nov 1994 08:49:37 GMT");
	http_date_is(951827696, "Tue, 29 Feb 2000 12:34:56 GMT");
	http_date_is(1709164800, "Thu, 29 Feb 2024 00:00:00 GMT");
	http_date_is(1798761599, "Thu, 31 Dec 2026 23:59:59 GMT");
	http_date_is(4107542400, "Mon, 01 Mar 2100 00:00:00 GMT");
	assert_int_equal(http_date_parse("Sunday, 06-Nov-94 08:49:37 GMT"),
	    784111777);
	assert_int_equal(http_date_parse("Sun Nov  6 08:49:37 1994"),
	    784111777);
	assert_int_equal(http_date_parse(""), -1);
	assert_int_equal(http_date_parse("yesterday"), -1);
	assert_int_equal(http_date_parse("Sun, 06 Nov 1994 08:49 GMT"), -1);
	assert_int_equal(http_date_parse("Sun, 06 Nov 1994 25:00:00 GMT"), -1);
	assert_int_equal(http_date_parse("Sun, 06 1994 08 49 37 12 Nov"), -1);
	str_begin(&sb, buf, sizeof(buf));
	http_date(&sb, UINT64_MAX);
	assert_string_equal(buf + 7, " Dec 9999 07:00:15 GMT");
	(void)state;
}

static void
http_names(void **state)
{
	assert_string_equal(http_type("/a/b.HTML"),
	    "text/html; charset=utf-8");
	assert_string_equal(http_type("/x.tar.gz"), "application/gzip");
	assert_string_equal(http_type("/a.b/c"), "application/octet-stream");
	assert_string_equal(http_type("/png"), "application/octet-stream");
	assert_string_equal(http_type("/a."), "application/octet-stream");
	assert_string_equal(http_reason(416), "Range Not Satisfiable");
	assert_string_equal(http_reason(299), "Error");
	(void)state;
}

static void
http_escapes(void **state)
{
	char buf[128];
	struct strbuf sb;

	str_begin(&sb, buf, sizeof(buf));
	http_add_html(&sb, "<a href=\"x\">&'");
	assert_string_equal(buf, "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
	str_begin(&sb, buf, sizeof(buf));
	http_add_url(&sb, "/a b/\xc3\xa4?%~\"\n");
	assert_string_equal(buf, "/a%20b/%C3%A4%3F%25~%22%0A");
	str_begin(&sb, buf, sizeof(buf));
	http_add_hex(&sb, 0);
	http_add_hex(&sb, 0xdeadbeefull << 32);
	assert_string_equal(buf, "0deadbeef00000000");
	(void)state;
}

static void
http_responses(void **state)
{
	struct http_range hr = { 5, 9 };
	struct http_resp rs = { .rs_status = 206, .rs_keep = true,
	    .rs_accept = true, .rs_len = 5, .rs_mtime = 784111777,
	    .rs_type = "text/css", .rs_etag = "\"e\"", .rs_range = &hr,
	    .rs_size = 100 };
	struct strbuf sb;
	char buf[512];

	str_begin(&sb, buf, sizeof(buf));
	http_resp(&sb, &rs);
	assert_string_equal(buf, "HTTP/1.1 206 Partial Content\r\n"
	    "Server: Domus\r\nConnection: keep-alive\r\n"
	    "Content-Type: text/css\r\nContent-Length: 5\r\n"
	    "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nETag: \"e\"\r\n"
	    "Accept-Ranges: bytes\r\nContent-Range: bytes 5-9/100\r\n\r\n");
	memset(&rs, 0, sizeof(rs));
	rs.rs_status = 301;
	rs.rs_location = "/a b/";
	str_begin(&sb, buf, sizeof(buf));
	http_resp(&sb, &rs);
	assert_string_equal(buf, "HTTP/1.1 301 Moved Permanently\r\n"
	    "Server: Domus\r\nConnection: close\r\nContent-Length: 0\r\n"
	    "Location: /a%20b/\r\n\r\n");
	str_begin(&sb, buf, 40);
	http_resp(&sb, &rs);
	assert_true(sb.sb_over);
	(void)state;
}

static void
http_lengths(void **state)
{
	struct http_resp rs = { .rs_status = 204 };
	struct strbuf sb;
	char buf[512];

	str_begin(&sb, buf, sizeof(buf));
	http_resp(&sb, &rs);
	assert_null(strstr(buf, "Content-Length"));
	rs.rs_status = 200;
	rs.rs_chunked = true;
	str_begin(&sb, buf, sizeof(buf));
	http_resp(&sb, &rs);
	assert_null(strstr(buf, "Content-Length"));
	assert_non_null(strstr(buf, "Transfer-Encoding: chunked\r\n"));
	rs.rs_chunked = false;
	rs.rs_toend = true;
	str_begin(&sb, buf, sizeof(buf));
	http_resp(&sb, &rs);
	assert_null(strstr(buf, "Content-Length"));
	rs.rs_status = 416;
	rs.rs_toend = false;
	rs.rs_norange = true;
	rs.rs_size = 7;
	str_begin(&sb, buf, sizeof(buf));
	http_resp(&sb, &rs);
	assert_non_null(strstr(buf, "Content-Range: bytes */7\r\n"));
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_heads),
		cmocka_unit_test(http_plain),
		cmocka_unit_test(http_bad_lines),
		cmocka_unit_test(http_paths),
		cmocka_unit_test(http_path_slash),
		cmocka_unit_test(http_path_long),
		cmocka_unit_test(http_headers_known),
		cmocka_unit_test(http_headers_bad),
		cmocka_unit_test(http_range_values),
		cmocka_unit_test(http_chunks),
		cmocka_unit_test(http_etags),
		cmocka_unit_test(http_dates),
		cmocka_unit_test(http_names),
		cmocka_unit_test(http_escapes),
		cmocka_unit_test(http_responses),
		cmocka_unit_test(http_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
