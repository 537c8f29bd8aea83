/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench-xen -- what Xen's own services cost a guest; do= says which:
 *
 *	echo	answer the events of another guest until told to end
 *	ping	send it events, over one channel and over many at once
 *	store	requests to XenStore, one after the other
 *
 * One line for each figure, "bench WHAT N ns NS".  Guests that exchange events
 * learn of each other by the node BENCH_NODE of their own, which dom0 writes:
 * the peer's number, and the ports it has made for us.
 */

#include <cmdline.h>
#include <pv/pv.h>
#include <pv/xen.h>
#include <str.h>
#include <string.h>

#include "../test.h"

#define BENCH_NODE	"data/bench"
#define BENCH_NCHAN	32u
#define BENCH_TIME	(2 * NSEC_PER_SEC)
#define BENCH_PATIENCE	(300 * NSEC_PER_SEC)
#define BENCH_VALUE	512

struct bench_chan {
	struct pv_evtchn *bc_pe;
	uint64_t	 bc_n;		/* events that came */
};

static char bench_text[BENCH_VALUE];
static struct bench_chan bench_chan[BENCH_NCHAN];
static volatile bool bench_going;

/* ---- settings -------------------------------------------------------- */

static const char *
bench_setting(const char *name)
{
	return cmdline_get(name);
}

static const struct pv_client bench_client = {
	.pc_setting = bench_setting,
};

/* ---- events ------------------------------------------------------------ */

/* What comes goes back. */
static void
bench_event(void *arg)
{
	struct bench_chan *bc = arg;

	bc->bc_n++;
	if (bench_going)
		pv_evtchn_send(bc->bc_pe);
}

/* The next number of a line. */
static uint64_t
bench_number(const char **p)
{
	uint64_t v = 0;

	while (**p == ' ')
		(*p)++;
	for (; **p >= '0' && **p <= '9'; (*p)++)
		v = v * 10 + (uint64_t)(**p - '0');
	return v;
}

/* Wait until dom0 has written our node, and read it. */
static const char *
bench_node(void)
{
	uint64_t end = arch_now() + BENCH_PATIENCE;
	size_t len;

	while (pv_store_read(BENCH_NODE, bench_text, BENCH_VALUE - 1,
	    &len) != 0) {
		if (arch_now() > end)
			test_error("nobody tells of the other guest");
		thread_sleep(50 * NSEC_PER_MSEC);
	}
	bench_text[len] = '\0';
	return bench_text;
}

/* Make the ports for the guest peer=. */
static void
bench_echo(void)
{
	pv_domid_t peer = (pv_domid_t)cmdline_num("peer", 0, 0x7fef, 0);
	struct strbuf sb;
	unsigned int i;

	bench_going = true;
	str_begin(&sb, bench_text, sizeof(bench_text));
	for (i = 0; i < BENCH_NCHAN; i++) {
		TEST(pv_evtchn_alloc(peer, bench_event, &bench_chan[i],
		    &bench_chan[i].bc_pe) == 0);
		str_add(&sb, " ");
		str_addu(&sb, evport_x(pv_evtchn_port(bench_chan[i].bc_pe)));
	}
	test_log("bench ports%s", bench_text);
	(void)bench_node();		/* it is there when we may end */
}

static uint64_t
bench_sum(void)
{
	uint64_t n = 0;
	unsigned int i;

	for (i = 0; i < BENCH_NCHAN; i++)
		n += bench_chan[i].bc_n;
	return n;
}

/* Events under way on so many channels, for a while. */
static void
bench_round(const char *what, unsigned int nchan)
{
	uint64_t start, before;
	unsigned int i;

	bench_going = true;
	for (i = 0; i < nchan; i++)
		pv_evtchn_send(bench_chan[i].bc_pe);
	thread_sleep(NSEC_PER_SEC / 2);
	start = arch_now();
	before = bench_sum();
	thread_sleep(BENCH_TIME);
	/* Each that came back is two. */
	test_log("bench %s %llu ns %llu", what,
	    (unsigned long long)(2 * (bench_sum() - before)),
	    (unsigned long long)(arch_now() - start));
	bench_going = false;
	thread_sleep(NSEC_PER_SEC / 2);
}

static void
bench_ping(void)
{
	const char *p = bench_node();
	struct pv_totals pt;
	pv_domid_t peer;
	unsigned int i;

	peer = (pv_domid_t)bench_number(&p);
	for (i = 0; i < BENCH_NCHAN; i++)
		TEST(pv_evtchn_bind(peer, EVPORT((uint32_t)bench_number(&p)),
		    bench_event, &bench_chan[i], &bench_chan[i].bc_pe) == 0);
	thread_sleep(NSEC_PER_SEC);	/* binding was an event */
	pv_totals(&pt);
	test_log("bench abi %s", pt.pt_evtchn);
	bench_round("one", 1);
	bench_round("many", BENCH_NCHAN);
}

/* ---- the store --------------------------------------------------------- */

static int
bench_same(void *arg, char *val, size_t *lenp)
{
	val[0] = (char)('0' + (val[0] + 1 - '0') % 10);
	*lenp = 1;
	return 0;
}

static void
bench_noted(void *arg, const char *path)
{
}

static int
bench_request(unsigned int kind)
{
	struct pv_store_watch *watch;
	char buf[64];
	size_t len;
	int rv;

	switch (kind) {
	case 0:
		return pv_store_read("name", buf, sizeof(buf), &len);
	case 1:
		return pv_store_write("data/bench-own", "12345678", 8);
	case 2:
		return pv_store_update("data/bench-sum", bench_same, NULL);
	default:
		rv = pv_store_watch("data/bench-own", bench_noted, NULL,
		    &watch);
		if (rv == 0)
			pv_store_unwatch(watch);
		return rv;
	}
}

static void
bench_store(void)
{
	static const char *const what[] = { "read", "write", "update",
	    "watch" };
	uint64_t start, now, n;
	unsigned int i;

	for (i = 0; i < PV_NELEM(what); i++) {
		n = 0;
		start = now = arch_now();
		while (now - start < BENCH_TIME) {
			TEST(bench_request(i) == 0);
			n++;
			now = arch_now();
		}
		test_log("bench %s %llu ns %llu", what[i],
		    (unsigned long long)n, (unsigned long long)(now - start));
	}
}

void
test_main(const struct boot_info *bi)
{
	static const struct {
		const char	*way;
		void		(*run)(void);
	} ways[] = {
		{ "echo", bench_echo }, { "ping", bench_ping },
		{ "store", bench_store }
	};
	const char *way = cmdline_get("do");
	unsigned int i;

	TEST(pv_attach(&bench_client, &bi->bi_xenboot) == 0);
	for (i = 0; i < PV_NELEM(ways); i++) {
		if (way != NULL && strcmp(way, ways[i].way) == 0)
			ways[i].run();
	}
	test_log("bench end");
}
