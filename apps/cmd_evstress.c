/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_evstress.c -- the shell's `evstress' command: event channels between two
 * guests, to see that no event is lost and none comes to a closed port.
 *
 * One guest listens: it makes ports and tells their numbers in
 * data/evstress of its own.  These go by the toolstack to data/evstress of the
 * other, which binds to them and runs.  On each channel one event goes back
 * and forth: who gets it sends it back, until the runner has had its share.
 * So one that is lost stops its channel, and the numbers that both ends have
 * counted tell of any that came twice:
 *
 *	runner's runs = listener's sends + channels (binding is an event)
 *	listener's runs = runner's sends
 */

#include "shell.h"

#include <arch.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <printf.h>
#include <sched.h>
#include <str.h>
#include <string.h>

#include <pv/errno.h>
#include <pv/xen.h>

#define EVSTRESS_MAX	64u
#define EVSTRESS_PATH	"data/evstress"
#define EVSTRESS_TEXT	(EVSTRESS_MAX * 7u)
#define EVSTRESS_STUCK	60u		/* seconds without any event */

struct evstress_chan {
	struct pv_evtchn *ch_pe;
	uint64_t	 ch_nrun, ch_nsend;
	uint64_t	 ch_quota;	/* runs before it keeps the event */
	bool		 ch_closed;
	uint64_t	 ch_nlate;	/* runs after it was closed */
};

static struct evstress_chan evstress_chan[EVSTRESS_MAX];
static unsigned int evstress_n;

static void
evstress_intr(void *arg)
{
	struct evstress_chan *ch = arg;

	ch->ch_nlate += ch->ch_closed;
	ch->ch_nrun++;
	if (ch->ch_closed || ch->ch_nrun >= ch->ch_quota || ch->ch_pe == NULL)
		return;
	ch->ch_nsend++;
	pv_evtchn_send(ch->ch_pe);
}

/* Over all vCPUs that take events, in turn. */
static void
evstress_spread(struct evstress_chan *ch, unsigned int n)
{
	struct pv_xen_cpu_info ci;
	unsigned int i, nup = 0;

	for (i = 0; i < PV_XEN_NVCPU; i++)
		nup += pv_xen_cpu_info(i, &ci) == 0 && ci.ci_up;
	for (i = 0, n %= nup; i < PV_XEN_NVCPU; i++) {
		if (pv_xen_cpu_info(i, &ci) != 0 || !ci.ci_up)
			continue;
		if (n-- == 0) {
			(void)pv_evtchn_move(ch->ch_pe, i);
			return;
		}
	}
}

static void
evstress_close(void)
{
	unsigned int i;

	for (i = 0; i < evstress_n; i++) {
		pv_evtchn_close(evstress_chan[i].ch_pe);
		evstress_chan[i].ch_closed = true;
		evstress_chan[i].ch_pe = NULL;
	}
}

static void
evstress_begin(void)
{
	evstress_close();
	memset(evstress_chan, 0, sizeof(evstress_chan));
	evstress_n = 0;
}

static void
evstress_sum(uint64_t *nrun, uint64_t *nsend, uint64_t *nlate)
{
	unsigned int i;

	*nrun = *nsend = *nlate = 0;
	for (i = 0; i < evstress_n; i++) {
		*nrun += evstress_chan[i].ch_nrun;
		*nsend += evstress_chan[i].ch_nsend;
		*nlate += evstress_chan[i].ch_nlate;
	}
}

static int
evstress_stat(void)
{
	uint64_t nrun, nsend, nlate;

	evstress_sum(&nrun, &nsend, &nlate);
	kprintf("evstress: ports %u runs %llu sends %llu late %llu\n",
	    evstress_n, (unsigned long long)nrun, (unsigned long long)nsend,
	    (unsigned long long)nlate);
	return 0;
}

/* ---- listen ------------------------------------------------------------ */

static int
evstress_listen(char **argv)
{
	char text[EVSTRESS_TEXT];
	uint64_t peer, n;
	size_t len = 0;
	int rv = 0;

	if (!shell_num(argv, argv[2], 0x7fef, &peer) ||
	    !shell_num(argv, argv[3], EVSTRESS_MAX, &n))
		return SHELL_USAGE;
	evstress_begin();
	while (evstress_n < n && rv == 0) {
		struct evstress_chan *ch = &evstress_chan[evstress_n];

		ch->ch_quota = UINT64_MAX;
		rv = pv_evtchn_alloc((pv_domid_t)peer, evstress_intr, ch,
		    &ch->ch_pe);
		if (rv != 0)
			return shell_fail(argv, "port", rv);
		evstress_spread(ch, evstress_n++);
		len += printf_format(text + len, sizeof(text) - len, "%u ",
		    evport_x(pv_evtchn_port(ch->ch_pe)));
	}
	rv = pv_store_write(EVSTRESS_PATH, text, len);
	if (rv != 0)
		return shell_fail(argv, EVSTRESS_PATH, rv);
	kprintf("evstress: %u ports for domain %u\n", evstress_n,
	    (unsigned int)peer);
	return 0;
}

/* ---- run --------------------------------------------------------------- */

/* The next number of the text; false when there is none. */
static bool
evstress_next(const char **text, uint64_t *port)
{
	size_t n;

	while (**text == ' ')
		++*text;
	n = strcspn(*text, " ");
	if (n == 0 || str_num(*text, n, 1, UINT32_MAX, port) != 0)
		return false;
	*text += n;
	return true;
}

static int
evstress_bind(char **argv, pv_domid_t peer)
{
	static char text[EVSTRESS_TEXT + 1];
	const char *at = text;
	uint64_t port;
	size_t len;
	int rv;

	rv = pv_store_read(EVSTRESS_PATH, text, sizeof(text) - 1, &len);
	if (rv != 0)
		return shell_fail(argv, EVSTRESS_PATH, rv);
	text[len] = '\0';
	evstress_begin();
	while (evstress_n < EVSTRESS_MAX && evstress_next(&at, &port)) {
		struct evstress_chan *ch = &evstress_chan[evstress_n];

		/* Nothing is sent before all channels are there. */
		ch->ch_quota = 0;
		rv = pv_evtchn_bind(peer, EVPORT((uint32_t)port),
		    evstress_intr, ch, &ch->ch_pe);
		if (rv != 0)
			return shell_fail(argv, "bind", rv);
		evstress_spread(ch, evstress_n++);
	}
	if (evstress_n == 0)
		return shell_fail(argv, EVSTRESS_PATH, -PV_EINVAL);
	return 0;
}

/* When the first events came, those of binding, send them on. */
static void
evstress_go(uint64_t count)
{
	unsigned int i;

	thread_sleep(NSEC_PER_SEC);
	for (i = 0; i < evstress_n; i++) {
		struct evstress_chan *ch = &evstress_chan[i];

		ch->ch_quota = count / evstress_n;
		ch->ch_nsend++;
		pv_evtchn_send(ch->ch_pe);
	}
}

static bool
evstress_over(void)
{
	unsigned int i;

	for (i = 0; i < evstress_n; i++) {
		if (evstress_chan[i].ch_nrun < evstress_chan[i].ch_quota)
			return false;
	}
	return true;
}

static int
evstress_run(char **argv)
{
	uint64_t peer, count, nrun, last = 0, nsend, nlate;
	uint64_t begin = arch_now();
	unsigned int stuck = 0;
	int rv;

	if (!shell_num(argv, argv[2], 0x7fef, &peer) ||
	    !shell_num(argv, argv[3], UINT32_MAX, &count))
		return SHELL_USAGE;
	rv = evstress_bind(argv, (pv_domid_t)peer);
	if (rv != 0)
		return rv;
	evstress_go(count);
	while (!evstress_over() && stuck < EVSTRESS_STUCK) {
		if (shell_sleep(NSEC_PER_SEC))
			return 1;
		evstress_sum(&nrun, &nsend, &nlate);
		stuck = nrun == last ? stuck + 1 : 0;
		last = nrun;
	}
	(void)evstress_stat();
	kprintf("evstress: %s after %llu ms\n", evstress_over() ? "done" :
	    "stuck: events are lost", (unsigned long long)
	    ((arch_now() - begin) / NSEC_PER_MSEC));
	return evstress_over() ? 0 : 1;
}

/* Send without end, for some seconds. */
static int
evstress_flood(char **argv)
{
	uint64_t sec, end, n = 0;
	unsigned int i;

	if (!shell_num(argv, argv[2], 3600, &sec))
		return SHELL_USAGE;
	for (end = arch_now() + sec * NSEC_PER_SEC; arch_now() < end; n++) {
		for (i = 0; i < evstress_n; i++)
			pv_evtchn_send(evstress_chan[i].ch_pe);
	}
	kprintf("evstress: sent %llu\n", (unsigned long long)(n * evstress_n));
	return 0;
}

static int
cmd_evstress_main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "stat") == 0)
		return evstress_stat();
	if (argc == 2 && strcmp(argv[1], "close") == 0) {
		evstress_close();
		return evstress_stat();
	}
	if (argc == 3 && strcmp(argv[1], "flood") == 0)
		return evstress_flood(argv);
	if (argc == 4 && strcmp(argv[1], "listen") == 0)
		return evstress_listen(argv);
	if (argc == 4 && strcmp(argv[1], "run") == 0)
		return evstress_run(argv);
	return shell_usage(argv);
}

const struct cmd cmd_evstress[] = {
	{ "evstress", "listen PEER PORTS | run PEER COUNT | flood SECONDS | "
	    "stat | close", "event channels to another domain, under load",
	    cmd_evstress_main },
	{ NULL, NULL, NULL, NULL }
};
