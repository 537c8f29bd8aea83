/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * httpd_io.c -- the bytes of a client's connection.
 *
 * What a client may cost is bounded: a head has HTTPD_HEADMAX bytes and 20
 * seconds; between requests a connection may be idle for 15 seconds, and for
 * one when others wait for its place; a body may pause for 30 seconds, and keep
 * us waiting for as long beside a second for each 500 bytes; what is not wanted
 * of it, or is not data, may take no longer than such a pause; what we send
 * must be taken within two minutes, and when all places are taken something of
 * it within 30 seconds.
 */

#include <string.h>

#include <arch.h>
#include <ktime.h>

#include "lwip/api.h"
#include "lwip/pbuf.h"

#include "httpd.h"

#define HTTPD_IO_TICK	500		/* ms between looks at the clock */
#define HTTPD_IO_IDLE	(15 * NSEC_PER_SEC)
#define HTTPD_IO_BUSY	(1 * NSEC_PER_SEC)
#define HTTPD_IO_HEAD	(20 * NSEC_PER_SEC)
#define HTTPD_IO_PAUSE	(30 * NSEC_PER_SEC)
#define HTTPD_IO_RATE	500u		/* bytes of a body in a second */
#define HTTPD_IO_SEND	(120 * NSEC_PER_SEC)
#define HTTPD_IO_STILL	30000		/* ms without progress, when busy */
#define HTTPD_IO_SKIP	(256 * 1024u)	/* bytes not worth a new connection */

/*
 * Wait up to a tick for data in hc_in.  true: some is there; else hc_eof,
 * hc_failed, or just nothing yet.
 */
static bool
httpd_io_fill(struct httpd_conn *hc)
{
	err_t err;

	if (hc->hc_in != NULL)
		return true;
	if (httpd_stopping())
		hc->hc_failed = true;
	if (hc->hc_eof || hc->hc_failed)
		return false;
	netconn_set_recvtimeout(hc->hc_nc, HTTPD_IO_TICK);
	err = netconn_recv_tcp_pbuf(hc->hc_nc, &hc->hc_in);
	if (err == ERR_OK)
		return true;
	hc->hc_in = NULL;
	if (err == ERR_CLSD)
		hc->hc_eof = true;
	else if (err != ERR_TIMEOUT)
		hc->hc_failed = true;
	return false;
}

/* Take up to len bytes of hc_in. */
static size_t
httpd_io_take(struct httpd_conn *hc, char *buf, size_t len)
{
	u16_t n = len < hc->hc_in->tot_len ? (u16_t)len : hc->hc_in->tot_len;

	n = pbuf_copy_partial(hc->hc_in, buf, n, 0);
	hc->hc_in = pbuf_free_header(hc->hc_in, n);
	return n;
}

/* Has a client been silent for too long before its next head? */
static bool
httpd_io_late(const struct httpd_conn *hc, uint64_t since)
{
	uint64_t t = arch_now() - since;

	if (hc->hc_have > 0)
		return t > HTTPD_IO_HEAD;
	return t > HTTPD_IO_IDLE || (t > HTTPD_IO_BUSY && httpd_busy());
}

/*
 * Read the next head into hc_head; what came behind it stays for the body or
 * the next request.
 * Returns its length, 0 (client gone or silent), or minus a status.
 * Context: thread.
 */
int
httpd_io_head(struct httpd_conn *hc)
{
	uint64_t since = arch_now();
	size_t n;

	hc->hc_have -= hc->hc_pos;
	memmove(hc->hc_head, hc->hc_head + hc->hc_pos, hc->hc_have);
	hc->hc_pos = 0;
	for (;;) {
		n = http_head_end(hc->hc_head, hc->hc_have);
		if (n > 0)
			break;
		if (hc->hc_have == HTTPD_HEADMAX)
			return -431;
		if (httpd_io_fill(hc)) {
			if (hc->hc_have == 0)
				since = arch_now();
			hc->hc_have += httpd_io_take(hc,
			    hc->hc_head + hc->hc_have,
			    HTTPD_HEADMAX - hc->hc_have);
		} else if (hc->hc_eof || hc->hc_failed) {
			return 0;
		} else if (httpd_io_late(hc, since)) {
			return hc->hc_have > 0 ? -408 : 0;
		}
	}
	hc->hc_pos = n;
	hc->hc_start = arch_now();
	return (int)n;
}

/* ---- bodies ------------------------------------------------------------ */

/*
 * Prepare for the body that hc_req announces.
 * Context: thread.
 */
void
httpd_io_body_start(struct httpd_conn *hc)
{
	const struct http_req *rq = &hc->hc_req;

	hc->hc_continue = rq->rq_expect;
	hc->hc_inchunk = false;
	hc->hc_left = 0;
	hc->hc_waited = hc->hc_got = 0;
	hc->hc_body = HTTPD_BODY_NONE;
	if (rq->rq_chunked) {
		hc->hc_body = HTTPD_BODY_CHUNK;
	} else if (rq->rq_haslen && rq->rq_len > 0) {
		hc->hc_body = HTTPD_BODY_LEN;
		hc->hc_left = rq->rq_len;
	}
}

/* Has a body, with this wait for more of it, kept us waiting too long? */
static bool
httpd_io_slow(const struct httpd_conn *hc, uint64_t wait)
{
	uint64_t most = HTTPD_IO_PAUSE + hc->hc_got *
	    (NSEC_PER_SEC / HTTPD_IO_RATE);

	return wait > HTTPD_IO_PAUSE || hc->hc_waited + wait > most;
}

/* Wait for more of a body in hc_in; false: there will be none. */
static bool
httpd_io_more(struct httpd_conn *hc)
{
	uint64_t since = arch_now();
	bool here;

	do {
		here = httpd_io_fill(hc);
		if (httpd_io_slow(hc, arch_now() - since))
			hc->hc_failed = true;
	} while (!here && !hc->hc_eof && !hc->hc_failed);
	hc->hc_waited += arch_now() - since;
	return here && !hc->hc_failed;
}

/* Some bytes of the stream, at least one: a count, or -PV_EIO. */
static ptrdiff_t
httpd_io_raw(struct httpd_conn *hc, char *buf, size_t len)
{
	size_t n = hc->hc_have - hc->hc_pos;

	if (n > 0) {
		if (n > len)
			n = len;
		memcpy(buf, hc->hc_head + hc->hc_pos, n);
		hc->hc_pos += n;
	} else if (httpd_io_more(hc)) {
		n = httpd_io_take(hc, buf, len);
	} else {
		return -PV_EIO;
	}
	hc->hc_got += n;
	return (ptrdiff_t)n;
}

/* A line of a chunked body, without its end: its length, or -PV_EIO. */
static ptrdiff_t
httpd_io_line(struct httpd_conn *hc, char *buf, size_t size)
{
	uint64_t since = arch_now();
	size_t n = 0;

	for (;;) {
		if (n == size || arch_now() - since > HTTPD_IO_PAUSE ||
		    httpd_io_raw(hc, buf + n, 1) != 1)
			return -PV_EIO;
		if (buf[n++] == '\n')
			break;
	}
	n--;
	if (n > 0 && buf[n - 1] == '\r')
		n--;
	return (ptrdiff_t)n;
}

/* Begin the next chunk; at the last one read the trailer.  0 or -PV_EIO. */
static int
httpd_io_chunk(struct httpd_conn *hc)
{
	uint64_t since = arch_now();
	char line[128];
	ptrdiff_t n;

	/* The line end behind the data of the chunk before. */
	if (hc->hc_inchunk && httpd_io_line(hc, line, sizeof(line)) != 0)
		return -PV_EIO;
	n = httpd_io_line(hc, line, sizeof(line));
	if (n < 0 || http_chunk_size(line, (size_t)n, &hc->hc_left) != 0)
		return -PV_EIO;
	hc->hc_inchunk = true;
	if (hc->hc_left > 0)
		return 0;
	hc->hc_body = HTTPD_BODY_NONE;
	do {
		n = httpd_io_line(hc, line, sizeof(line));
	} while (n > 0 && arch_now() - since < HTTPD_IO_PAUSE);
	return n == 0 ? 0 : -PV_EIO;
}

/*
 * Up to len bytes of the body.
 * Returns their number, 0 at its end, -PV_EIO when it was cut off or is
 * malformed; then the connection is of no more use.  Context: thread.
 */
ptrdiff_t
httpd_io_body(struct httpd_conn *hc, char *buf, size_t len)
{
	static const char go[] = "HTTP/1.1 100 Continue\r\n\r\n";
	ptrdiff_t n = -PV_EIO;

	if (hc->hc_body == HTTPD_BODY_NONE)
		return 0;
	if (hc->hc_continue && !httpd_io_write(hc, go, sizeof(go) - 1))
		return -PV_EIO;
	hc->hc_continue = false;
	if (hc->hc_body == HTTPD_BODY_CHUNK && hc->hc_left == 0) {
		if (httpd_io_chunk(hc) != 0)
			goto bad;
		if (hc->hc_body == HTTPD_BODY_NONE)
			return 0;
	}
	if (len > hc->hc_left)
		len = (size_t)hc->hc_left;
	n = httpd_io_raw(hc, buf, len);
	if (n < 0)
		goto bad;
	hc->hc_left -= (uint64_t)n;
	if (hc->hc_left == 0 && hc->hc_body == HTTPD_BODY_LEN)
		hc->hc_body = HTTPD_BODY_NONE;
	return n;
bad:
	hc->hc_body = HTTPD_BODY_BAD;
	return -PV_EIO;
}

/*
 * Skip the rest of a body that was not wanted, so that the connection can go
 * on.  A client that waits for "100 Continue" has not sent it, and may or may
 * not do so after another answer: the connection then ends.
 * Returns false when the connection has to end.  Context: thread.
 */
bool
httpd_io_body_skip(struct httpd_conn *hc)
{
	uint64_t since = arch_now();
	size_t done = 0;
	char buf[256];
	ptrdiff_t n;

	if (hc->hc_body == HTTPD_BODY_NONE)
		return true;
	if (hc->hc_continue || hc->hc_body == HTTPD_BODY_BAD)
		return false;
	while (done < HTTPD_IO_SKIP && arch_now() - since < HTTPD_IO_PAUSE) {
		n = httpd_io_body(hc, buf, sizeof(buf));
		if (n <= 0)
			return n == 0;
		done += (size_t)n;
	}
	return false;
}

/* ---- sending ----------------------------------------------------------- */

/*
 * Send all of buf.  Returns false, with hc_failed set, when the client is
 * gone or too slow.  The network may stand still for a while, as when the
 * guest has moved; a client then only goes when all places are taken.
 * Context: thread.
 */
bool
httpd_io_write(struct httpd_conn *hc, const char *buf, size_t len)
{
	uint64_t since = arch_now();
	size_t n;
	err_t err;

	netconn_set_sendtimeout(hc->hc_nc, HTTPD_IO_STILL);
	while (len > 0 && !hc->hc_failed) {
		if (httpd_stopping()) {
			hc->hc_failed = true;
			break;
		}
		n = 0;
		err = netconn_write_partly(hc->hc_nc, buf, len, NETCONN_COPY,
		    &n);
		if ((err != ERR_OK && err != ERR_WOULDBLOCK) ||
		    (n == 0 && httpd_busy()) ||
		    arch_now() - since > HTTPD_IO_SEND)
			hc->hc_failed = true;
		buf += n;
		len -= n;
	}
	return !hc->hc_failed;
}

/*
 * End a connection.  Closing with unread data would reset it, and the client
 * might lose the answer: so end our direction first and read for a while.
 * Context: thread.
 */
void
httpd_io_close(struct httpd_conn *hc)
{
	uint64_t since = arch_now();
	size_t done = 0;

	if (!hc->hc_failed && !hc->hc_eof &&
	    netconn_shutdown(hc->hc_nc, 0, 1) == ERR_OK) {
		while (arch_now() - since < 2 * NSEC_PER_SEC &&
		    done < HTTPD_IO_SKIP && !hc->hc_eof && !hc->hc_failed) {
			if (!httpd_io_fill(hc))
				continue;
			done += hc->hc_in->tot_len;
			pbuf_free(hc->hc_in);
			hc->hc_in = NULL;
		}
	}
	if (hc->hc_in != NULL)
		pbuf_free(hc->hc_in);
	(void)netconn_close(hc->hc_nc);
	(void)netconn_delete(hc->hc_nc);
}
