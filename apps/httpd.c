/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * httpd.c -- app=httpd: serve the files of the root file system over HTTP.
 *
 * Settings: http.port (80), http.writable (0: PUT and DELETE are refused).
 *
 * A thread for each client, of which there are at most HTTPD_NCONN, fewer
 * with little memory; further clients wait in TCP's backlog until a place is
 * free.  The request, the file buffer and the thread's stack are all that a
 * client costs beside lwIP's windows.
 */

#include <string.h>

#include <app.h>
#include <arch.h>
#include <cmdline.h>
#include <disk.h>
#include <file.h>
#include <kernel.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <sched.h>
#include <sync.h>
#include <net/net.h>

#include "lwip/api.h"
#include "lwip/tcp.h"
#include "lwip/tcpip.h"

#include "httpd.h"

#define HTTPD_NCONN	16
#define HTTPD_CONNMEM	(512 * 1024)	/* memory per client, see above */
#define HTTPD_STACK	(32 * 1024)	/* to write files takes more */
#define HTTPD_STOPTIME	(3 * NSEC_PER_SEC)	/* for clients to end */
#define HTTPD_PAGES	(HTTPD_BUF / PV_PAGE_SIZE)

static struct {
	bool		 writable;
	volatile bool	 stopping;
	uint16_t	 port;
	struct spinlock	 lock;
	unsigned int	 nconn, max;	/* clients now, and at most */
	struct sem	 places;
} httpd;

/*
 * Are PUT and DELETE allowed?
 * Context: any.
 */
bool
httpd_writable(void)
{
	return httpd.writable;
}

/*
 * Is the guest about to end?
 * Context: any.
 */
bool
httpd_stopping(void)
{
	return httpd.stopping;
}

/*
 * Is every place taken?  Then idle clients have to go.
 * Context: any.
 */
bool
httpd_busy(void)
{
	return httpd.nconn >= httpd.max;
}

/* ---- answers ----------------------------------------------------------- */

/*
 * Start a response with a status.
 * Context: any.
 */
void
httpd_resp_init(const struct httpd_conn *hc, struct http_resp *rs, int status)
{
	memset(rs, 0, sizeof(*rs));
	rs->rs_status = status;
	rs->rs_keep = hc->hc_req.rq_keep && !hc->hc_eof;
	rs->rs_date = arch_wallclock() / NSEC_PER_SEC;
}

/*
 * Copy a text to where it ends right before the data.  text may be in the
 * prefix page itself.
 * Context: any.
 */
char *
httpd_prefix(struct httpd_conn *hc, const char *text, size_t len)
{
	char *p = hc->hc_buf + HTTPD_PREFIX - len;

	memmove(p, text, len);
	return p;
}

/*
 * Send a head that nothing follows in the same write.
 * Context: thread.
 */
bool
httpd_send_head(struct httpd_conn *hc, const struct http_resp *rs)
{
	struct strbuf sb;

	str_begin(&sb, hc->hc_buf, HTTPD_PREFIX);
	http_resp(&sb, rs);
	return !sb.sb_over && httpd_io_write(hc, sb.sb_buf, sb.sb_len);
}

/* The page that goes with an error. */
static void
httpd_error_page(struct strbuf *sb, int status, const char *why)
{
	str_add(sb, "<!DOCTYPE html><title>");
	str_addu(sb, (uint64_t)status);
	str_add(sb, "</title><h1>");
	str_addu(sb, (uint64_t)status);
	str_add(sb, " ");
	str_add(sb, http_reason(status));
	str_add(sb, "</h1>\n");
	if (why != NULL) {
		str_add(sb, "<p>");
		http_add_html(sb, why);
		str_add(sb, "</p>\n");
	}
}

/*
 * Answer with a status and a page that says why, if not NULL.  What is left
 * of the request's body is skipped, or the connection ends.
 * Context: thread.
 */
void
httpd_error(struct httpd_conn *hc, int status, const char *why)
{
	struct strbuf head, page;
	struct http_resp rs;

	if (!httpd_io_body_skip(hc))
		hc->hc_req.rq_keep = false;
	str_begin(&page, hc->hc_buf + HTTPD_PREFIX, HTTPD_DATA);
	httpd_error_page(&page, status, why);
	httpd_resp_init(hc, &rs, status);
	rs.rs_type = "text/html; charset=utf-8";
	rs.rs_len = page.sb_len;
	if (status == 405)
		rs.rs_allow = httpd.writable ? "GET, HEAD, PUT, DELETE" :
		    "GET, HEAD";
	if (hc->hc_req.rq_method == HTTP_HEAD)
		page.sb_len = 0;
	str_begin(&head, hc->hc_buf, HTTPD_PREFIX);
	http_resp(&head, &rs);
	(void)httpd_io_write(hc, httpd_prefix(hc, head.sb_buf, head.sb_len),
	    head.sb_len + page.sb_len);
}

/*
 * The status for an error of file.h.
 * Context: any.
 */
int
httpd_status(int rv)
{
	switch (rv) {
	case -PV_ENOENT:
		return 404;
	case -PV_EROFS:
	case -PV_EACCES:
	case -PV_EPERM:
		return 403;
	case -PV_ENOSPC:
		return 507;
	case -PV_ENOMEM:
		return 503;
	case -PV_EINVAL:
		return 400;
	case -PV_EISDIR:
	case -PV_EBUSY:
	case -PV_EEXIST:
		return 409;
	default:
		return 500;
	}
}

/*
 * Is it an upload under way?
 * Context: any.
 */
bool
httpd_hidden(const char *path)
{
	const char *name = strrchr(path, '/');

	return str_prefix(name == NULL ? path : name + 1, HTTPD_TMP);
}

/* ---- a client ---------------------------------------------------------- */

static void
httpd_request(struct httpd_conn *hc)
{
	httpd_io_body_start(hc);
	switch (hc->hc_req.rq_method) {
	case HTTP_GET:
	case HTTP_HEAD:
		httpd_get(hc);
		break;
	case HTTP_PUT:
		httpd_put(hc);
		break;
	case HTTP_DELETE:
		httpd_delete(hc);
		break;
	default:
		httpd_error(hc, 405, NULL);
	}
}

/* Requests of one client, until it is done or fails. */
static void
httpd_serve(struct httpd_conn *hc)
{
	int n, status;

	do {
		if (httpd.stopping)
			return;
		n = httpd_io_head(hc);
		if (n == 0)
			return;
		status = -n;
		if (n > 0)
			status = http_parse(hc->hc_head, (size_t)n,
			    &hc->hc_req);
		if (status != 0) {
			hc->hc_req.rq_keep = false;
			httpd_error(hc, status, NULL);
			return;
		}
		httpd_request(hc);
		if (!httpd_io_body_skip(hc))
			return;
	} while (hc->hc_req.rq_keep && !hc->hc_failed && !hc->hc_eof);
}

/* Give back a client's place and memory. */
static void
httpd_free(struct httpd_conn *hc)
{
	unsigned long s;

	if (hc->hc_buf != NULL)
		page_free(hc->hc_buf, HTTPD_PAGES);
	kfree(hc);
	s = spin_lock(&httpd.lock);
	httpd.nconn--;
	spin_unlock(&httpd.lock, s);
	sem_post(&httpd.places);
}

static void
httpd_client(void *arg)
{
	struct httpd_conn *hc = arg;

	httpd_serve(hc);
	httpd_io_close(hc);
	httpd_free(hc);
}

/*
 * A client's connection was accepted: make it a thread, which has the place.
 * false: no memory, the place is free again.
 */
static bool
httpd_start(struct netconn *nc)
{
	struct httpd_conn *hc = kmalloc(sizeof(*hc));
	unsigned long s;

	if (hc == NULL) {
		sem_post(&httpd.places);
		return false;
	}
	hc->hc_buf = page_alloc(HTTPD_PAGES);
	hc->hc_nc = nc;
	s = spin_lock(&httpd.lock);
	httpd.nconn++;
	spin_unlock(&httpd.lock, s);
	if (hc->hc_buf != NULL &&
	    thread_create("http", httpd_client, hc,
	    httpd.writable ? HTTPD_STACK : 0) != NULL)
		return true;
	httpd_free(hc);
	return false;
}

/* Data goes out at once: we write in large pieces. */
static void
httpd_nodelay(struct netconn *nc)
{
	LOCK_TCPIP_CORE();
	if (nc->pcb.tcp != NULL)
		tcp_nagle_disable(nc->pcb.tcp);
	UNLOCK_TCPIP_CORE();
}

/* Take clients for ever; one that finds no memory is told to come again. */
static void
httpd_accept(struct netconn *listener)
{
	static const char sorry[] = "HTTP/1.1 503 Service Unavailable\r\n"
	    "Connection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
	struct netconn *nc;
	size_t n;
	err_t err;

	for (;;) {
		(void)sem_wait(&httpd.places, UINT64_MAX);
		do {
			err = netconn_accept(listener, &nc);
			if (err != ERR_OK)
				thread_sleep(10 * NSEC_PER_MSEC);
		} while (err != ERR_OK);
		httpd_nodelay(nc);
		if (httpd_start(nc))
			continue;
		(void)netconn_write_partly(nc, sorry, sizeof(sorry) - 1,
		    NETCONN_COPY | NETCONN_DONTBLOCK, &n);
		(void)netconn_close(nc);
		(void)netconn_delete(nc);
	}
}

/* ---- start ------------------------------------------------------------- */

/* Wait for the file system at "/"; *writable: it can be written. */
static int
httpd_wait_root(bool *writable)
{
	struct fs_info fi;
	unsigned int n;

	fs_root_wait(UINT64_MAX);
	for (n = 0; fs_info(n, &fi) == 0; n++) {
		if (strcmp(fi.fi_path, "/") == 0) {
			*writable = fi.fi_writable;
			return 0;
		}
	}
	return -PV_ENOENT;
}

/* No root file system: say what to do, with the disks that there are. */
static void
httpd_no_root(void)
{
	struct disk_info dk;
	struct strbuf sb;
	char names[128];
	unsigned int n;

	str_begin(&sb, names, sizeof(names));
	for (n = 0; disk_info(n, &dk) == 0; n++) {
		str_add(&sb, n == 0 ? "" : " ");
		str_add(&sb, dk.dk_name);
	}
	if (n == 0)
		klog(PV_LOG_ERR, "httpd: error: no file system to serve and no "
		    "disk: give the guest a disk with an ext4 file system");
	else
		klog(PV_LOG_ERR, "httpd: error: no file system to serve: see "
		    "above why, and start the guest with root=DISK, one of: %s",
		    names);
}

/* Open the port, for IPv4 and IPv6. */
static struct netconn *
httpd_listen(void)
{
	struct netconn *nc = netconn_new(NETCONN_TCP_IPV6);
	err_t err = ERR_MEM;

	if (nc != NULL) {
		err = netconn_bind(nc, IP6_ADDR_ANY, httpd.port);
		if (err == ERR_OK)
			err = netconn_listen(nc);
		if (err == ERR_OK)
			return nc;
		(void)netconn_delete(nc);
	}
	if (err == ERR_USE)
		klog(PV_LOG_ERR, "httpd: error: port %u is in use: choose "
		    "another with http.port=", httpd.port);
	else
		klog(PV_LOG_ERR, "httpd: error: no memory to listen: give the "
		    "guest more");
	return NULL;
}

/* As many clients as a part of the free memory allows. */
static void
httpd_places(void)
{
	struct mm_stat ms;
	unsigned int i;

	mm_stat(&ms);
	httpd.max = (unsigned int)(ms.ms_free / HTTPD_CONNMEM);
	if (httpd.max > HTTPD_NCONN)
		httpd.max = HTTPD_NCONN;
	if (httpd.max < 2)
		httpd.max = 2;
	for (i = 0; i < httpd.max; i++)
		sem_post(&httpd.places);
}

/* The line that tells the world that we are there. */
static void
httpd_announce(void)
{
	char addr[NET_ADDRLEN], port[8] = "";
	const char *open = "", *close = "";
	struct strbuf sb;

	(void)net_wait(UINT64_MAX, addr);
	if (strchr(addr, ':') != NULL) {
		open = "[";
		close = "]";
	}
	if (httpd.port != 80) {
		str_begin(&sb, port, sizeof(port));
		str_add(&sb, ":");
		str_addu(&sb, httpd.port);
	}
	klog(PV_LOG_INFO, "httpd: serving http://%s%s%s%s/", open, addr, close,
	    port);
}

static void
httpd_main(void)
{
	struct netconn *listener;
	bool writable;

	httpd.port = (uint16_t)cmdline_num("http.port", 1, 65535, 80);
	httpd.writable = cmdline_bool("http.writable", false);
	if (httpd_wait_root(&writable) != 0) {
		httpd_no_root();
		return;
	}
	if (httpd.writable && !writable)
		klog(PV_LOG_WARN, "httpd: http.writable=1, but the file system "
		    "is mounted read-only: PUT and DELETE will be refused");
	if (httpd.writable && writable)
		httpd_put_clean();
	httpd_places();
	listener = httpd_listen();
	if (listener == NULL)
		return;
	httpd_announce();
	httpd_accept(listener);
}

/*
 * app.ap_stop: the guest ends, so clients have to.  Uploads under way are
 * removed.
 */
static void
httpd_stop(void)
{
	uint64_t deadline = arch_now() + HTTPD_STOPTIME;

	httpd.stopping = true;
	while (httpd.nconn > 0 && arch_now() < deadline)
		thread_sleep(10 * NSEC_PER_MSEC);
}

const struct app app_httpd = {
	.ap_name = "httpd",
	.ap_what = "serve the files of the root file system over HTTP",
	.ap_main = httpd_main,
	.ap_stop = httpd_stop,
};
