/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_httpd_io.c -- apps/httpd_io.c: how long a client may take.  The connection
 * and the clock are the test's.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arch.h>
#include <ktime.h>

#include "lwip/api.h"

#include "httpd.h"

/* The client sends t_step bytes, and again after each t_every ns. */
static uint64_t t_now, t_due, t_every;
static unsigned int t_step;
static struct pbuf t_pbuf;
static bool t_full;			/* t_pbuf is with httpd_io */
static struct netconn t_netconn;
static struct httpd_conn t_conn;

uint64_t
arch_now(void)
{
	return t_now;
}

bool
httpd_busy(void)
{
	return false;
}

bool
httpd_stopping(void)
{
	return false;
}

err_t
netconn_recv_tcp_pbuf(struct netconn *nc, struct pbuf **pp)
{
	uint64_t end = t_now + (uint64_t)nc->recv_timeout * NSEC_PER_MSEC;

	assert_false(t_full);
	t_now = t_due <= end ? t_due : end;
	if (t_due > t_now)
		return ERR_TIMEOUT;
	t_due += t_every;
	t_full = true;
	t_pbuf.tot_len = (u16_t)t_step;
	*pp = &t_pbuf;
	return ERR_OK;
}

u16_t
pbuf_copy_partial(const struct pbuf *p, void *buf, u16_t len, u16_t off)
{
	assert_true(off == 0 && len <= p->tot_len);
	memset(buf, 'x', len);
	return len;
}

struct pbuf *
pbuf_free_header(struct pbuf *p, u16_t len)
{
	p->tot_len = (u16_t)(p->tot_len - len);
	t_full = p->tot_len > 0;
	return t_full ? p : NULL;
}

u8_t
pbuf_free(struct pbuf *p)
{
	t_full = false;
	return 1;
}

err_t
netconn_write_partly(struct netconn *nc, const void *p, size_t len, u8_t flags,
    size_t *done)
{
	*done = len;
	return ERR_OK;
}

err_t
netconn_shutdown(struct netconn *nc, u8_t rx, u8_t tx)
{
	return ERR_OK;
}

err_t
netconn_close(struct netconn *nc)
{
	return ERR_OK;
}

err_t
netconn_delete(struct netconn *nc)
{
	return ERR_OK;
}

/* A body of len bytes: how many ns it took; UINT64_MAX: it was given up. */
static uint64_t
body(uint64_t len, unsigned int step, uint64_t every)
{
	struct httpd_conn *hc = &t_conn;
	uint64_t start = t_now, got = 0;
	char buf[4096];
	ptrdiff_t n;

	memset(hc, 0, sizeof(*hc));
	hc->hc_nc = &t_netconn;
	hc->hc_req.rq_haslen = true;
	hc->hc_req.rq_len = len;
	t_step = step;
	t_every = every;
	t_due = t_now;
	httpd_io_body_start(hc);
	while ((n = httpd_io_body(hc, buf, sizeof(buf))) > 0)
		got += (uint64_t)n;
	httpd_io_close(hc);
	assert_true(t_now - start <= 31 * NSEC_PER_SEC +
	    got * (NSEC_PER_SEC / 500));
	return n == 0 && got == len ? t_now - start : UINT64_MAX;
}

static void
t_body_slow(void **st)
{
	/* At once; at the least rate; with pauses. */
	assert_true(body(1 << 20, 1400, 0) < NSEC_PER_SEC);
	assert_true(body(1 << 20, 500, NSEC_PER_SEC) != UINT64_MAX);
	assert_true(body(1 << 20, 20000, 25 * NSEC_PER_SEC) != UINT64_MAX);
	/* A byte now and then, however often. */
	assert_true(body(1 << 20, 1, 29 * NSEC_PER_SEC) == UINT64_MAX);
	assert_true(body(1 << 20, 1, 100 * NSEC_PER_MSEC) == UINT64_MAX);
	assert_true(body(1 << 20, 400, NSEC_PER_SEC) == UINT64_MAX);
	/* Much, and then nothing for too long. */
	assert_true(body(1 << 20, 65000, 31 * NSEC_PER_SEC) == UINT64_MAX);
	/* A short one may be slow. */
	assert_true(body(10, 1, 2 * NSEC_PER_SEC) != UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_body_slow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
