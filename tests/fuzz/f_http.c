/* SPDX-License-Identifier: BSD-2-Clause */
/* f_http.c -- fuzz apps/http.c: whatever comes, what we use of it is safe. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <http.h>

static void
f_check(bool ok)
{
	if (!ok)
		abort();
}

/* A path that was accepted stays below the root. */
static void
f_path(const char *path)
{
	const char *s;

	f_check(path[0] == '/' && strlen(path) < HTTP_PATHMAX);
	f_check(strstr(path, "//") == NULL);
	for (s = path; (s = strstr(s, "/..")) != NULL; s += 3)
		f_check(s[3] != '/' && s[3] != '\0');
}

static void
f_ranges(const char *value, uint64_t size)
{
	struct http_range hr[HTTP_NRANGE];
	int i, n = http_ranges(value, size, hr);

	f_check(n >= -1 && n <= HTTP_NRANGE);
	for (i = 0; i < n; i++)
		f_check(hr[i].hr_first <= hr[i].hr_last &&
		    hr[i].hr_last < size);
}

static void
f_values(const struct http_req *rq)
{
	char buf[256];
	struct strbuf sb;

	if (rq->rq_range != NULL) {
		f_ranges(rq->rq_range, 0);
		f_ranges(rq->rq_range, 1000);
		f_ranges(rq->rq_range, UINT64_MAX / 4);
	}
	if (rq->rq_inm != NULL)
		(void)http_etag_match(rq->rq_inm, "\"1-2-3\"");
	if (rq->rq_ims != NULL)
		(void)http_date_parse(rq->rq_ims);
	if (rq->rq_ifrange != NULL)
		(void)http_date_parse(rq->rq_ifrange);
	f_path(rq->rq_path);
	(void)http_type(rq->rq_path);
	str_begin(&sb, buf, sizeof(buf));
	http_add_html(&sb, rq->rq_path);
	http_add_url(&sb, rq->rq_path);
	f_check(strlen(buf) < sizeof(buf));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct http_req rq;
	uint64_t size;
	size_t n;
	char *head;

	(void)http_chunk_size((const char *)data, len, &size);
	n = http_head_end((const char *)data, len);
	f_check(n <= len);
	if (n == 0)
		return 0;
	head = malloc(n);
	memcpy(head, data, n);
	if (http_parse(head, n, &rq) == 0)
		f_values(&rq);
	else
		f_check(!rq.rq_keep);
	free(head);
	return 0;
}
