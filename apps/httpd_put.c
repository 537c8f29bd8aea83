/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * httpd_put.c -- PUT and DELETE, when http.writable=1.
 *
 * An upload goes into a file with a name of its own in the root of the file
 * system and is renamed to its target when it is complete.  So others see the
 * old file or the new one, and of an upload that fails nothing stays behind:
 * the next start removes what a crash has left.
 */

#include <string.h>

#include <arch.h>
#include <file.h>

#include "httpd.h"

#define HTTPD_TMPLEN	64		/* "/" HTTPD_TMP, a number */

/*
 * The name for the upload, in the root of the target's file system: "/", or
 * "/mnt/NAME/".
 */
static void
httpd_put_name(const char *path, char *tmp, size_t size)
{
	const char *end = path;
	struct strbuf sb;

	if (strncmp(path, "/mnt/", 5) == 0 && strchr(path + 5, '/') != NULL)
		end = strchr(path + 5, '/');
	str_begin(&sb, tmp, size);
	str_addn(&sb, path, (size_t)(end - path) + 1);
	str_add(&sb, HTTPD_TMP);
	http_add_hex(&sb, arch_now());
}

/* file_readdir(): find a leftover; its path goes to arg. */
static int
httpd_put_leftover(void *arg, const struct file_dirent *de)
{
	struct strbuf *sb = arg;

	if (!str_prefix(de->de_name, HTTPD_TMP))
		return 0;
	str_add(sb, "/");
	str_add(sb, de->de_name);
	return 1;
}

/*
 * Remove uploads that a crash or the end of the guest has cut off.
 * Context: thread, before the first client.
 */
void
httpd_put_clean(void)
{
	char path[HTTPD_TMPLEN];
	struct strbuf sb;

	do {
		str_begin(&sb, path, sizeof(path));
		if (file_readdir("/", httpd_put_leftover, &sb) != 1 ||
		    sb.sb_over)
			return;
	} while (file_unlink(path) == 0);
}

/* Fill the buffer from the body: bytes, 0 at its end, or -PV_EIO. */
static ptrdiff_t
httpd_put_fill(struct httpd_conn *hc, char *buf)
{
	size_t len = 0;
	ptrdiff_t n;

	do {
		n = httpd_io_body(hc, buf + len, HTTPD_DATA - len);
		if (n < 0)
			return n;
		len += (size_t)n;
	} while (n > 0 && len < HTTPD_DATA);
	return (ptrdiff_t)len;
}

/*
 * Write the body into a file.  0 or -PV_E*; hc_body is HTTPD_BODY_BAD when
 * it is the body that failed.
 */
static int
httpd_put_body(struct httpd_conn *hc, struct file *f)
{
	char *buf = hc->hc_buf + HTTPD_PREFIX;
	uint64_t off = 0;
	ptrdiff_t n, done, rv;

	for (;;) {
		n = httpd_put_fill(hc, buf);
		if (n <= 0)
			return (int)n;
		for (done = 0; done < n; done += rv) {
			rv = file_write(f, off, buf + done,
			    (size_t)(n - done));
			if (rv <= 0)
				return rv == 0 ? -PV_ENOSPC : (int)rv;
			off += (uint64_t)rv;
		}
	}
}

/* Receive the body as tmp, then make it the target. */
static int
httpd_put_file(struct httpd_conn *hc, const char *tmp)
{
	struct file *f;
	int rv;

	rv = file_open(tmp, FILE_WRITE | FILE_CREATE | FILE_EXCL, &f);
	if (rv != 0)
		return rv;
	rv = httpd_put_body(hc, f);
	if (rv == 0)
		rv = file_fsync(f);
	file_close(f);
	if (rv == 0)
		rv = file_rename(tmp, hc->hc_req.rq_path);
	if (rv != 0)
		(void)file_unlink(tmp);
	else
		rv = fs_sync();
	return rv;
}

/* Space that is free in the root file system; unknown: all there is. */
static uint64_t
httpd_put_free(void)
{
	struct fs_info fi;
	unsigned int n;

	for (n = 0; fs_info(n, &fi) == 0; n++)
		if (strcmp(fi.fi_path, "/") == 0)
			return fi.fi_nfree;
	return UINT64_MAX;
}

/* What is wrong with a PUT before its body is looked at: 0 or a status. */
static int
httpd_put_check(const struct httpd_conn *hc, bool *exists)
{
	const struct http_req *rq = &hc->hc_req;
	struct file_stat st;

	if (!httpd_writable() || httpd_hidden(rq->rq_path))
		return 403;
	if (rq->rq_hascrange)
		return 400;
	if (!rq->rq_chunked && !rq->rq_haslen)
		return 411;
	if (rq->rq_slash)
		return 409;
	*exists = file_stat(rq->rq_path, &st) == 0;
	if (*exists && st.fs_type != FILE_REG)
		return 409;
	if (!rq->rq_chunked && strncmp(rq->rq_path, "/mnt/", 5) != 0 &&
	    rq->rq_len > httpd_put_free())
		return 507;
	return 0;
}

/* Answer that it is done. */
static void
httpd_put_done(struct httpd_conn *hc, int status)
{
	struct http_resp rs;

	httpd_resp_init(hc, &rs, status);
	if (status == 201)
		rs.rs_location = hc->hc_req.rq_path;
	(void)httpd_send_head(hc, &rs);
}

/*
 * Answer PUT: 201 for a new file, 204 for one that was replaced.
 * Context: thread.
 */
void
httpd_put(struct httpd_conn *hc)
{
	char *tmp = hc->hc_path;
	bool exists = false;
	int rv, status;

	status = httpd_put_check(hc, &exists);
	if (status != 0) {
		httpd_error(hc, status, status == 403 ?
		    "This server is read-only (http.writable=0)." : NULL);
		return;
	}
	httpd_put_name(hc->hc_req.rq_path, tmp, FILE_PATHMAX);
	rv = httpd_put_file(hc, tmp);
	if (rv == 0)
		httpd_put_done(hc, exists ? 204 : 201);
	else if (hc->hc_body == HTTPD_BODY_BAD)
		httpd_error(hc, 400, "The body was cut off or malformed.");
	else if (rv == -PV_ENOENT)
		httpd_error(hc, 409, "There is no such directory.");
	else
		httpd_error(hc, httpd_status(rv), NULL);
}

/*
 * Answer DELETE: files, and empty directories.
 * Context: thread.
 */
void
httpd_delete(struct httpd_conn *hc)
{
	const char *path = hc->hc_req.rq_path;
	struct file_stat st;
	int rv;

	if (!httpd_writable() || strcmp(path, "/") == 0) {
		httpd_error(hc, 403, httpd_writable() ? NULL :
		    "This server is read-only (http.writable=0).");
		return;
	}
	rv = httpd_hidden(path) ? -PV_ENOENT : file_stat(path, &st);
	if (rv == 0)
		rv = st.fs_type == FILE_DIR ? file_rmdir(path) :
		    file_unlink(path);
	if (rv == 0)
		rv = fs_sync();
	if (rv != 0) {
		httpd_error(hc, httpd_status(rv), NULL);
		return;
	}
	if (!httpd_io_body_skip(hc))
		hc->hc_req.rq_keep = false;
	httpd_put_done(hc, 204);
}
