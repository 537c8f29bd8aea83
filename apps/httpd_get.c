/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * httpd_get.c -- GET and HEAD: files, parts of files, directories.
 *
 * A file's entity tag is made of its inode, time and size, so it changes when
 * the file does, as far as a second can tell.
 *
 * A directory's listing is written while it is made, in chunks; only the
 * names are kept, to sort them.
 */

#include <stdlib.h>
#include <string.h>

#include <arch.h>
#include <file.h>
#include <mm.h>

#include "httpd.h"

#define HTTPD_NDIRENT	8192		/* more are not listed */
#define HTTPD_ROWLEN	4096		/* one line of a listing at most */

/* ---- files ------------------------------------------------------------- */

/*
 * Send a part of the file with a text before it, which is at hc_buf.  0, or
 * what reading failed with before anything was sent.  Later failures break
 * the connection: the client sees that the length is short.
 */
static int
httpd_get_span(struct httpd_conn *hc, struct httpd_get *hg,
    const struct http_range *hr, size_t headlen)
{
	char *data = hc->hc_buf + HTTPD_PREFIX, *p = data;
	uint64_t off = hr->hr_first, left = hr->hr_last - off + 1;
	ptrdiff_t n;
	bool sent = false;

	if (headlen > 0)
		p = httpd_prefix(hc, hc->hc_buf, headlen);
	while (left > 0 && !hc->hc_failed) {
		n = file_read(hg->hg_file, off, data,
		    left < HTTPD_DATA ? (size_t)left : HTTPD_DATA);
		if (n <= 0) {
			hc->hc_failed = sent;
			return sent ? 0 : n == 0 ? -PV_EIO : (int)n;
		}
		(void)httpd_io_write(hc, p, (size_t)(data - p) + (size_t)n);
		p = data;
		sent = true;
		off += (uint64_t)n;
		left -= (uint64_t)n;
	}
	return 0;
}

static void
httpd_get_resp(const struct httpd_conn *hc, const struct httpd_get *hg,
    struct http_resp *rs, int status)
{
	httpd_resp_init(hc, rs, status);
	rs->rs_accept = true;
	rs->rs_type = http_type(hg->hg_path);
	rs->rs_mtime = hg->hg_st.fs_mtime;
	rs->rs_etag = hg->hg_etag;
	rs->rs_size = hg->hg_st.fs_size;
}

/* The whole file, or one range of it. */
static void
httpd_get_one(struct httpd_conn *hc, struct httpd_get *hg)
{
	struct http_range all = { 0, hg->hg_st.fs_size - 1 };
	struct http_resp rs;
	struct strbuf sb;
	int rv;

	httpd_get_resp(hc, hg, &rs, hg->hg_nrange == 1 ? 206 : 200);
	rs.rs_len = hg->hg_st.fs_size;
	if (hg->hg_nrange == 1) {
		rs.rs_range = &hg->hg_range[0];
		all = hg->hg_range[0];
		rs.rs_len = all.hr_last - all.hr_first + 1;
	}
	if (hc->hc_req.rq_method == HTTP_HEAD || rs.rs_len == 0) {
		(void)httpd_send_head(hc, &rs);
		return;
	}
	str_begin(&sb, hc->hc_buf, HTTPD_PREFIX);
	http_resp(&sb, &rs);
	rv = httpd_get_span(hc, hg, &all, sb.sb_len);
	if (rv != 0)
		httpd_error(hc, httpd_status(rv), "The file cannot be read.");
}

/* What stands before the i-th part of several, or behind the last. */
static void
httpd_get_part(const struct httpd_get *hg, int i, struct strbuf *sb)
{
	str_add(sb, "\r\n--");
	str_add(sb, hg->hg_boundary);
	if (i == hg->hg_nrange) {
		str_add(sb, "--\r\n");
		return;
	}
	str_add(sb, "\r\nContent-Type: ");
	str_add(sb, http_type(hg->hg_path));
	str_add(sb, "\r\n");
	http_content_range(sb, &hg->hg_range[i], hg->hg_st.fs_size);
	str_add(sb, "\r\n");
}

/* Length of all parts with what is between them. */
static uint64_t
httpd_get_partslen(struct httpd_conn *hc, const struct httpd_get *hg)
{
	const struct http_range *hr = hg->hg_range;
	struct strbuf sb;
	uint64_t len = 0;
	int i;

	for (i = 0; i <= hg->hg_nrange; i++) {
		str_begin(&sb, hc->hc_buf, HTTPD_PREFIX);
		httpd_get_part(hg, i, &sb);
		len += sb.sb_len;
		if (i < hg->hg_nrange)
			len += hr[i].hr_last - hr[i].hr_first + 1;
	}
	return len;
}

/* Several ranges, as multipart/byteranges. */
static void
httpd_get_parts(struct httpd_conn *hc, struct httpd_get *hg)
{
	char type[64];
	struct http_resp rs;
	struct strbuf sb;
	int i;

	str_begin(&sb, hg->hg_boundary, sizeof(hg->hg_boundary));
	str_add(&sb, "part");
	http_add_hex(&sb, arch_now());
	str_begin(&sb, type, sizeof(type));
	str_add(&sb, "multipart/byteranges; boundary=");
	str_add(&sb, hg->hg_boundary);
	httpd_get_resp(hc, hg, &rs, 206);
	rs.rs_type = type;
	rs.rs_len = httpd_get_partslen(hc, hg);
	if (!httpd_send_head(hc, &rs))
		return;
	for (i = 0; i < hg->hg_nrange && !hc->hc_failed; i++) {
		str_begin(&sb, hc->hc_buf, HTTPD_PREFIX);
		httpd_get_part(hg, i, &sb);
		if (httpd_get_span(hc, hg, &hg->hg_range[i], sb.sb_len) != 0)
			hc->hc_failed = true;
	}
	str_begin(&sb, hc->hc_buf, HTTPD_PREFIX);
	httpd_get_part(hg, i, &sb);
	(void)httpd_io_write(hc, sb.sb_buf, sb.sb_len);
}

/* Does the client have this very file already? */
static bool
httpd_get_cached(const struct http_req *rq, const struct httpd_get *hg)
{
	if (rq->rq_inm != NULL)
		return http_etag_match(rq->rq_inm, hg->hg_etag);
	return rq->rq_ims != NULL && hg->hg_st.fs_mtime != 0 &&
	    http_date_parse(rq->rq_ims) >= (int64_t)hg->hg_st.fs_mtime;
}

/* Are ranges asked for, and of the file as it is? */
static bool
httpd_get_ranged(const struct http_req *rq, const struct httpd_get *hg)
{
	if (rq->rq_range == NULL || rq->rq_method != HTTP_GET)
		return false;
	if (rq->rq_ifrange == NULL)
		return true;
	if (rq->rq_ifrange[0] == '"')
		return strcmp(rq->rq_ifrange, hg->hg_etag) == 0;
	return http_date_parse(rq->rq_ifrange) == (int64_t)hg->hg_st.fs_mtime;
}

/* Answer without a body: not modified, or no such range. */
static void
httpd_get_none(struct httpd_conn *hc, const struct httpd_get *hg, int status)
{
	struct http_resp rs;

	httpd_get_resp(hc, hg, &rs, status);
	rs.rs_type = NULL;
	rs.rs_norange = status == 416;
	(void)httpd_send_head(hc, &rs);
}

/* Answer with an opened file. */
static void
httpd_get_answer(struct httpd_conn *hc, struct httpd_get *hg)
{
	const struct http_req *rq = &hc->hc_req;

	if (httpd_get_cached(rq, hg)) {
		httpd_get_none(hc, hg, 304);
		return;
	}
	if (httpd_get_ranged(rq, hg))
		hg->hg_nrange = http_ranges(rq->rq_range, hg->hg_st.fs_size,
		    hg->hg_range);
	if (hg->hg_nrange < 0)
		httpd_get_none(hc, hg, 416);
	else if (hg->hg_nrange > 1)
		httpd_get_parts(hc, hg);
	else
		httpd_get_one(hc, hg);
}

static void
httpd_get_file(struct httpd_conn *hc, const char *path)
{
	struct httpd_get *hg = &hc->hc_get;
	struct strbuf sb;
	int rv;

	memset(hg, 0, sizeof(*hg));
	hg->hg_path = path;
	rv = file_open(path, FILE_READ, &hg->hg_file);
	if (rv == 0) {
		rv = file_fstat(hg->hg_file, &hg->hg_st);
		if (rv != 0)
			file_close(hg->hg_file);
	}
	if (rv != 0) {
		httpd_error(hc, httpd_status(rv), NULL);
		return;
	}
	str_begin(&sb, hg->hg_etag, sizeof(hg->hg_etag));
	str_add(&sb, "\"");
	http_add_hex(&sb, hg->hg_st.fs_ino);
	str_add(&sb, "-");
	http_add_hex(&sb, hg->hg_st.fs_mtime);
	str_add(&sb, "-");
	http_add_hex(&sb, hg->hg_st.fs_size);
	str_add(&sb, "\"");
	httpd_get_answer(hc, hg);
	file_close(hg->hg_file);
}

/* ---- directories ------------------------------------------------------- */

struct httpd_dir {
	struct httpd_conn *hd_hc;
	const char	*hd_path;	/* "" for the root */
	char		**hd_name;
	size_t		 hd_n, hd_max;
	bool		 hd_more;	/* not all are listed */
	bool		 hd_chunked;
	size_t		 hd_headlen;	/* of the response's head, once */
	struct strbuf	 hd_out;
};

/* file_readdir(): remember a name; -PV_ENOMEM ends the listing early. */
static int
httpd_dir_entry(void *arg, const struct file_dirent *de)
{
	struct httpd_dir *hd = arg;
	char **name, *s;

	if (str_prefix(de->de_name, HTTPD_TMP))
		return 0;
	if (hd->hd_n == HTTPD_NDIRENT)
		return -PV_ENOMEM;
	if (hd->hd_n == hd->hd_max) {
		name = krealloc(hd->hd_name,
		    (hd->hd_max * 2 + 64) * sizeof(*name));
		if (name == NULL)
			return -PV_ENOMEM;
		hd->hd_name = name;
		hd->hd_max = hd->hd_max * 2 + 64;
	}
	s = kmalloc(de->de_namelen + 1);
	if (s == NULL)
		return -PV_ENOMEM;
	memcpy(s, de->de_name, de->de_namelen);
	s[de->de_namelen] = '\0';
	hd->hd_name[hd->hd_n++] = s;
	return 0;
}

static int
httpd_dir_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/*
 * Send what the listing has so far, as a chunk.  The response's head waits
 * at hc_buf for the first one.
 */
static void
httpd_dir_flush(struct httpd_dir *hd)
{
	struct httpd_conn *hc = hd->hd_hc;
	struct strbuf head, *out = &hd->hd_out;
	char *p;

	str_begin(&head, hc->hc_buf + hd->hd_headlen,
	    HTTPD_PREFIX - hd->hd_headlen);
	if (hd->hd_chunked) {
		http_add_hex(&head, out->sb_len);
		str_add(&head, "\r\n");
		str_add(out, "\r\n");
	}
	p = httpd_prefix(hc, hc->hc_buf, hd->hd_headlen + head.sb_len);
	(void)httpd_io_write(hc, p, hd->hd_headlen + head.sb_len +
	    out->sb_len);
	hd->hd_headlen = 0;
	str_begin(out, hc->hc_buf + HTTPD_PREFIX, HTTPD_DATA);
}

/* One line of the listing; stp is NULL for "..". */
static void
httpd_dir_row(struct httpd_dir *hd, const char *name,
    const struct file_stat *stp)
{
	struct strbuf *out = &hd->hd_out;
	const char *slash = stp == NULL || stp->fs_type == FILE_DIR ? "/" : "";

	str_add(out, "<tr><td><a href=\"./");
	http_add_url(out, name);
	str_add(out, slash);
	str_add(out, "\">");
	http_add_html(out, name);
	str_add(out, slash);
	str_add(out, "</a><td>");
	if (stp != NULL && stp->fs_type == FILE_REG)
		str_addu(out, stp->fs_size);
	str_add(out, "<td>");
	if (stp != NULL && stp->fs_mtime != 0)
		http_date(out, stp->fs_mtime);
	str_add(out, "\n");
	if (out->sb_size - out->sb_len < HTTPD_ROWLEN)
		httpd_dir_flush(hd);
}

static void
httpd_dir_rows(struct httpd_dir *hd)
{
	char *path = hd->hd_hc->hc_path;
	struct file_stat st;
	struct strbuf sb;
	size_t i;

	if (hd->hd_path[0] != '\0')
		httpd_dir_row(hd, "..", NULL);
	for (i = 0; i < hd->hd_n && !hd->hd_hc->hc_failed; i++) {
		str_begin(&sb, path, FILE_PATHMAX);
		str_add(&sb, hd->hd_path);
		str_add(&sb, "/");
		str_add(&sb, hd->hd_name[i]);
		if (sb.sb_over || file_stat(path, &st) != 0)
			memset(&st, 0, sizeof(st));
		httpd_dir_row(hd, hd->hd_name[i], &st);
	}
}

static void
httpd_dir_page(struct httpd_dir *hd)
{
	struct strbuf *out = &hd->hd_out;

	str_begin(out, hd->hd_hc->hc_buf + HTTPD_PREFIX, HTTPD_DATA);
	str_add(out, "<!DOCTYPE html>\n<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width\">\n"
	    "<style>body{font:1em sans-serif;margin:2em}"
	    "td,th{padding:.1em 1em .1em 0;text-align:left}"
	    "td:nth-child(2){text-align:right}</style>\n<title>");
	http_add_html(out, hd->hd_path);
	str_add(out, "/</title>\n<h1>");
	http_add_html(out, hd->hd_path);
	str_add(out, "/</h1>\n<table>\n<tr><th>Name<th>Size<th>Modified\n");
	httpd_dir_rows(hd);
	str_add(out, "</table>\n");
	if (hd->hd_more)
		str_add(out, "<p>There are more files than are shown.</p>\n");
	httpd_dir_flush(hd);
	if (hd->hd_chunked)
		httpd_dir_flush(hd);	/* the empty chunk that ends it */
}

/* Answer with the listing of a directory whose names were read. */
static void
httpd_dir_answer(struct httpd_dir *hd)
{
	struct httpd_conn *hc = hd->hd_hc;
	struct http_resp rs;
	struct strbuf sb;

	if (hc->hc_req.rq_http10)
		hc->hc_req.rq_keep = false;
	httpd_resp_init(hc, &rs, 200);
	rs.rs_type = "text/html; charset=utf-8";
	rs.rs_chunked = hd->hd_chunked = !hc->hc_req.rq_http10;
	rs.rs_toend = !hd->hd_chunked;
	if (hc->hc_req.rq_method == HTTP_HEAD) {
		(void)httpd_send_head(hc, &rs);
		return;
	}
	str_begin(&sb, hc->hc_buf, HTTPD_PREFIX);
	http_resp(&sb, &rs);
	hd->hd_headlen = sb.sb_len;
	qsort(hd->hd_name, hd->hd_n, sizeof(*hd->hd_name), httpd_dir_compare);
	httpd_dir_page(hd);
}

static void
httpd_get_dir(struct httpd_conn *hc, const char *path)
{
	struct httpd_dir hd;
	int rv;

	memset(&hd, 0, sizeof(hd));
	hd.hd_hc = hc;
	hd.hd_path = strcmp(path, "/") == 0 ? "" : path;
	rv = file_readdir(path, httpd_dir_entry, &hd);
	hd.hd_more = rv == -PV_ENOMEM;
	if (rv < 0 && !hd.hd_more)
		httpd_error(hc, httpd_status(rv), NULL);
	else
		httpd_dir_answer(&hd);
	while (hd.hd_n > 0)
		kfree(hd.hd_name[--hd.hd_n]);
	kfree(hd.hd_name);
}

/* ---- both -------------------------------------------------------------- */

/* A directory was asked for without its '/': its links would not work. */
static void
httpd_get_redirect(struct httpd_conn *hc, const char *path)
{
	struct http_resp rs;
	struct strbuf sb;

	str_begin(&sb, hc->hc_path, sizeof(hc->hc_path));
	str_add(&sb, path);
	str_add(&sb, "/");
	httpd_resp_init(hc, &rs, 301);
	rs.rs_location = hc->hc_path;
	(void)httpd_send_head(hc, &rs);
}

/* A directory: its index.html, or its listing. */
static void
httpd_get_index(struct httpd_conn *hc, const char *path)
{
	char *index = hc->hc_path;
	struct file_stat st;
	struct strbuf sb;

	str_begin(&sb, index, FILE_PATHMAX);
	str_add(&sb, strcmp(path, "/") == 0 ? "" : path);
	str_add(&sb, "/index.html");
	if (!sb.sb_over && file_stat(index, &st) == 0 &&
	    st.fs_type == FILE_REG)
		httpd_get_file(hc, index);
	else
		httpd_get_dir(hc, path);
}

/*
 * Answer GET or HEAD.
 * Context: thread.
 */
void
httpd_get(struct httpd_conn *hc)
{
	const char *path = hc->hc_req.rq_path;
	struct file_stat st;
	int rv = -PV_ENOENT;

	if (!httpd_io_body_skip(hc))
		hc->hc_req.rq_keep = false;
	if (!httpd_hidden(path))
		rv = file_stat(path, &st);
	if (rv == 0 && hc->hc_req.rq_slash && st.fs_type != FILE_DIR)
		rv = -PV_ENOENT;
	if (rv != 0)
		httpd_error(hc, httpd_status(rv), NULL);
	else if (st.fs_type == FILE_REG)
		httpd_get_file(hc, path);
	else if (st.fs_type != FILE_DIR)
		httpd_error(hc, 403, "This is neither file nor directory.");
	else if (!hc->hc_req.rq_slash)
		httpd_get_redirect(hc, path);
	else
		httpd_get_index(hc, path);
}
