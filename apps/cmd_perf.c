/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_perf.c -- the shell's commands that fill the network: iperf, for iperf 2
 * at the other end (lwIP's own frees what lwIP has freed when nobody listens
 * there), and udpcount.
 */

#include <string.h>

#include <app.h>
#include <arch.h>
#include <klog.h>
#include <ktime.h>
#include <sched.h>
#include <str.h>
#include <net/net.h>

#include "cmd_net.h"
#include "shell.h"

#include "lwip/api.h"
#include "lwip/tcpip.h"
#include "lwip/udp.h"

#define CMD_PERF_PORT	5001		/* iperf 2's */
#define CMD_PERF_LONG	(60 * NSEC_PER_SEC)
#define CMD_PERF_QUIET	(3 * NSEC_PER_SEC)
#define CMD_PERF_TIME	(10 * NSEC_PER_SEC)
#define CMD_PERF_LOOK	100		/* ms between looks for ^C */

/* ---- iperf ------------------------------------------------------------- */

/*
 * TCP as iperf 2 has it: the client sends 24 bytes that say what it is about
 * (all zero: nothing special) and then anything; the server counts.
 */
#define CMD_PERF_HEADER	24
#define CMD_PERF_PIECE	16384

/* Zeros: both the header and the data. */
static const uint8_t cmd_perf_data[CMD_PERF_PIECE];

static int
cmd_perf_say(const char *what, uint64_t bytes, uint64_t start)
{
	uint64_t ms = (arch_now() - start) / NSEC_PER_MSEC;

	kprintf("iperf: %s %llu bytes in %llu ms, %llu kbit/s\n", what,
	    (unsigned long long)bytes, (unsigned long long)ms,
	    (unsigned long long)(ms == 0 ? 0 : bytes * 8 / ms));
	return bytes > 0 ? 0 : 1;
}

/* The next connection, or NULL: the operator wants an end. */
static struct netconn *
cmd_perf_accept(struct netconn *listener)
{
	struct netconn *nc = NULL;

	netconn_set_recvtimeout(listener, CMD_PERF_LOOK);
	while (netconn_accept(listener, &nc) == ERR_TIMEOUT)
		if (shell_sleep(1))
			return NULL;
	return nc;
}

/* Take what one client sends. */
static int
cmd_perf_take(struct netconn *nc)
{
	uint64_t bytes = 0, start = arch_now();
	struct pbuf *p;
	err_t err;

	netconn_set_recvtimeout(nc, CMD_PERF_LOOK);
	for (;;) {
		err = netconn_recv_tcp_pbuf(nc, &p);
		if (err == ERR_OK) {
			bytes += p->tot_len;
			pbuf_free(p);
		} else if (err != ERR_TIMEOUT || shell_sleep(1)) {
			break;
		}
	}
	return cmd_perf_say("received", bytes, start);
}

static int
cmd_perf_serve(struct netconn *listener)
{
	struct netconn *nc;
	int rv;

	if (netconn_bind(listener, IP_ANY_TYPE, CMD_PERF_PORT) != ERR_OK ||
	    netconn_listen(listener) != ERR_OK) {
		kprintf("iperf: cannot listen on port %d\n", CMD_PERF_PORT);
		return 1;
	}
	kprintf("iperf: listening on port %d\n", CMD_PERF_PORT);
	nc = cmd_perf_accept(listener);
	if (nc == NULL)
		return 1;
	rv = cmd_perf_take(nc);
	(void)netconn_delete(nc);
	return rv;
}

static int
cmd_perf_client(struct netconn *nc, const ip_addr_t *ip)
{
	uint64_t bytes = 0, start;
	size_t n;
	err_t err;

	if (netconn_connect(nc, ip, CMD_PERF_PORT) != ERR_OK) {
		kprintf("iperf: nobody listens on port %d there\n",
		    CMD_PERF_PORT);
		return 1;
	}
	start = arch_now();
	netconn_set_sendtimeout(nc, CMD_PERF_LOOK);
	while (arch_now() - start < CMD_PERF_TIME) {
		n = 0;
		err = netconn_write_partly(nc, cmd_perf_data, bytes == 0 ?
		    CMD_PERF_HEADER : CMD_PERF_PIECE, NETCONN_NOCOPY, &n);
		bytes += n;
		if (err != ERR_OK && err != ERR_TIMEOUT &&
		    err != ERR_WOULDBLOCK)
			break;
		if (n == 0 && shell_sleep(1))
			break;
	}
	return cmd_perf_say("sent", bytes, start);
}

static int
cmd_iperf(int argc, char **argv)
{
	struct netconn *nc;
	ip_addr_t ip = *IP_ANY_TYPE;
	bool serve = argc == 2 && strcmp(argv[1], "-s") == 0;
	int rv;

	if (argc != 2)
		return shell_usage(argv);
	if (!serve && !cmd_net_resolve(argv[0], argv[1], &ip))
		return 1;
	nc = netconn_new(IP_IS_V6(&ip) || serve ? NETCONN_TCP_IPV6 :
	    NETCONN_TCP);
	if (nc == NULL) {
		kprintf("iperf: no memory\n");
		return 1;
	}
	rv = serve ? cmd_perf_serve(nc) : cmd_perf_client(nc, &ip);
	(void)netconn_delete(nc);
	return rv;
}

/* ---- udpcount ---------------------------------------------------------- */

struct cmd_count {
	uint64_t	 co_n, co_bytes;
	uint64_t	 co_late;	/* behind a higher number */
	uint32_t	 co_first, co_next;
	bool		 co_last;	/* one with a negative number came */
};

/* lwIP's thread: one datagram, its number in front, as iperf 2 and udpsend. */
static void
cmd_count_recv(void *arg, struct udp_pcb *pcb, struct pbuf *p,
    const ip_addr_t *from, u16_t port)
{
	struct cmd_count *co = arg;
	uint32_t number;

	(void)pcb;
	(void)from;
	(void)port;
	if (pbuf_copy_partial(p, &number, sizeof(number), 0) ==
	    sizeof(number)) {
		number = lwip_ntohl(number);
		if ((number & 0x80000000u) != 0) {
			co->co_last = true;	/* iperf's last, many times */
		} else {
			if (co->co_n++ == 0)
				co->co_first = number;
			co->co_bytes += p->tot_len;
			if (co->co_n > 1 && number < co->co_next)
				co->co_late++;
			else
				co->co_next = number + 1;
		}
	}
	pbuf_free(p);
}

/* Count until it has been quiet for a while. */
static void
cmd_count_wait(const struct cmd_count *live, struct cmd_count *co)
{
	uint64_t since = arch_now(), now, was = 0;

	for (;;) {
		LOCK_TCPIP_CORE();
		*co = *live;
		UNLOCK_TCPIP_CORE();
		now = arch_now();
		if (co->co_n != was)
			since = now;
		was = co->co_n;
		if (now - since > (was == 0 ? CMD_PERF_LONG : CMD_PERF_QUIET))
			return;
		if (shell_sleep(CMD_PERF_LOOK * NSEC_PER_MSEC))
			return;
	}
}

static int
cmd_udpcount(int argc, char **argv)
{
	struct cmd_count live = { 0 }, co = { 0 };
	struct udp_pcb *pcb;
	uint64_t port;
	bool ok = false;

	if (argc != 2)
		return shell_usage(argv);
	if (!shell_num(argv, argv[1], UINT16_MAX, &port))
		return 1;
	LOCK_TCPIP_CORE();
	pcb = udp_new_ip_type(IPADDR_TYPE_ANY);
	if (pcb != NULL)
		ok = udp_bind(pcb, IP_ANY_TYPE, (u16_t)port) == ERR_OK;
	if (ok)
		udp_recv(pcb, cmd_count_recv, &live);
	UNLOCK_TCPIP_CORE();
	if (ok)
		cmd_count_wait(&live, &co);
	LOCK_TCPIP_CORE();
	if (pcb != NULL)
		udp_remove(pcb);
	UNLOCK_TCPIP_CORE();
	if (!ok)
		kprintf("udpcount: cannot listen there\n");
	else
		kprintf("udpcount: %llu datagrams, %llu bytes, %llu missing, "
		    "%llu late\n", (unsigned long long)co.co_n,
		    (unsigned long long)co.co_bytes, (unsigned long long)
		    (co.co_next - co.co_first - (co.co_n - co.co_late)),
		    (unsigned long long)co.co_late);
	return ok ? 0 : 1;
}

const struct cmd cmd_perf[] = {
	{ "iperf", "-s | HOST", "receive TCP once, or send for ten seconds",
	    cmd_iperf },
	{ "udpcount", "PORT", "count datagrams until none come", cmd_udpcount },
	{ NULL, NULL, NULL, NULL }
};
