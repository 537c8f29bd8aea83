/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_suspend.c -- a domain that is saved and restored: everything of Xen's is
 * new, memory is as it was.
 */

#include "back.h"

#include "evtchn.h"
#include "hypercall.h"

#define WORD	"/local/domain/1/data/word"
#define NDISK	12			/* requests under way */

/* ---- the kernel's part of it ------------------------------------------- */

static int
suspend_call(void *arg, struct pv_xen_boot *boot)
{
	struct sched_shutdown op = { .reason = SHUTDOWN_suspend };
	struct loop *l = arg;
	int rv = (int)hypercall(&l->l_xen, __HYPERVISOR_sched_op,
	    SCHEDOP_shutdown, &op);

	if (rv == 0)
		*boot = sim_dom_boot(l->l_dom);
	return rv;
}

/* As pv/xen.h says; 0, 1 or -PV_E*. */
static int
suspend(struct loop *l, bool cancel)
{
	unsigned int n = sim_dom_nsuspend(l->l_dom);
	int rv;

	sim_dom_cancel(l->l_dom, cancel);
	assert_true(sim_freeze(l->l_sim, false));
	loop_alone(l);
	rv = xen_suspend_begin(&l->l_xen);
	if (rv == 0) {
		assert_true(sim_freeze(l->l_sim, true));
		rv = xen_suspend(&l->l_xen, suspend_call, l);
		assert_int_equal(sim_dom_nsuspend(l->l_dom), n + 1);
		assert_int_equal(rv, cancel);
	}
	sim_thaw(l->l_sim);
	if (rv >= 0)
		xen_suspend_end(&l->l_xen);
	return rv;
}

/* ---- the store --------------------------------------------------------- */

static unsigned int suspend_ntold;

static void
suspend_told(void *arg, const char *path)
{
	suspend_ntold++;
}

static bool
suspend_was_told(struct loop *l)
{
	return suspend_ntold > 0;
}

static bool
suspend_quiet(struct loop *l)
{
	return loop_totals(l).pt_xs_inflight == 0;
}

/* Watches tell, values are read and written, promises are made anew. */
static void
suspend_store(struct loop *l, bool cancel)
{
	struct xs_watch w = { .xw_set = false };
	char buf[16];

	assert_int_equal(xs_watch(&l->l_xen, &w, WORD, suspend_told, NULL),
	    0);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(suspend(l, cancel), cancel);
	sim_run(l->l_sim, SIM_S);
	suspend_ntold = 0;
	sim_store_write(l->l_sim, WORD, "abc");
	assert_true(loop_until(l, suspend_was_told));
	assert_int_equal(xs_read(&l->l_xen, XS_NOTRANS, "data/word", buf,
	    sizeof(buf), NULL), 0);
	assert_string_equal(buf, "abc");
	assert_int_equal(xs_write(&l->l_xen, XS_NOTRANS, "data/mine", "x", 1),
	    0);
	xs_unwatch(&w);
	assert_string_equal(sim_store_read(l->l_sim,
	    "/local/domain/1/control/feature-suspend"), "1");
}

LOOP_TEST(suspend_store_resumed)
{
	suspend_store(l, false);
	suspend_store(l, false);
}

LOOP_TEST(suspend_store_cancelled)
{
	suspend_store(l, true);
	suspend_store(l, false);
}

static int
suspend_add(void *arg, const struct xs_trans *t)
{
	struct loop *l = arg;
	uint64_t n;
	int rv;

	rv = xs_read_num(&l->l_xen, t, "data", "sum", 0, 1000, &n);
	return rv < 0 ? rv : xs_write_num(&l->l_xen, t, "data", "sum", n + 1);
}

static unsigned int suspend_nadd;
static int suspend_bad;

static void
suspend_add_some(void *arg)
{
	unsigned int i;

	for (i = 0; i < 20; i++) {
		if (xs_transact(&((struct loop *)arg)->l_xen, suspend_add,
		    arg) != 0)
			suspend_bad++;
		suspend_nadd++;
	}
}

static bool
suspend_added(struct loop *l)
{
	return suspend_nadd == 20;
}

/*
 * Another thread of the kernel's is in the middle of transactions.  It stands
 * in a work here, which the kernel would wait for: so it is not frozen.
 */
LOOP_TEST(suspend_transactions)
{
	struct pv_os_work work = { .pw_fn = suspend_add_some, .pw_arg = l,
	    .pw_flags = PV_WORK_SLEEPS };

	suspend_nadd = 0;
	suspend_bad = 0;
	sim_store_write(l->l_sim, "/local/domain/1/data/sum", "0");
	sim_store_chown(l->l_sim, "/local/domain/1/data/sum", 1);
	sim_run(l->l_sim, SIM_S);
	pv_os_defer(&work, 0);
	sim_run(l->l_sim, sim_rand(3000) * 1000);
	loop_alone(l);
	assert_int_equal(xen_suspend_begin(&l->l_xen), 0);
	sim_freeze_now(l->l_sim);
	assert_int_equal(xen_suspend(&l->l_xen, suspend_call, l), 0);
	sim_thaw(l->l_sim);
	xen_suspend_end(&l->l_xen);
	assert_true(loop_until(l, suspend_added));
	assert_int_equal(suspend_bad, 0);
	assert_int_equal(sim_store_num(l->l_sim, "/local/domain/1/data/sum",
	    0), 20);
}

/* A store that does not answer: it can not be now, and nothing is lost. */
LOOP_TEST(suspend_store_silent)
{
	struct xs_watch w = { .xw_set = false };
	struct pv_os_work work = { .pw_fn = suspend_add_some, .pw_arg = l,
	    .pw_flags = PV_WORK_SLEEPS };

	suspend_nadd = 0;
	suspend_bad = 0;
	sim_store_write(l->l_sim, "/local/domain/1/data/sum", "0");
	sim_store_chown(l->l_sim, "/local/domain/1/data/sum", 1);
	sim_run(l->l_sim, SIM_S);
	sim_store_hold(l->l_dom, true);
	pv_os_defer(&work, 0);
	sim_run(l->l_sim, 10 * SIM_MS);
	assert_int_equal(xen_suspend_begin(&l->l_xen), -PV_ETIMEDOUT);
	assert_int_equal(sim_dom_nsuspend(l->l_dom), 0);
	sim_store_hold(l->l_dom, false);
	assert_true(loop_until(l, suspend_added));
	assert_int_equal(suspend_bad, 0);
	assert_true(loop_until(l, suspend_quiet));
	assert_int_equal(suspend(l, false), 0);
	assert_int_equal(xs_watch(&l->l_xen, &w, WORD, suspend_told, NULL),
	    0);
	xs_unwatch(&w);
}

/* ---- the console ------------------------------------------------------- */

static bool
suspend_heard(struct loop *l)
{
	return l->l_ninput == 5;
}

/* It may be connecting still, and says then that it has no room. */
static void
suspend_say(struct loop *l, const char *text, size_t len)
{
	unsigned int i;
	int n;

	for (i = 0; i < 1000 && len > 0; i++) {
		n = pv_cons_write(l->l_cons, text, len);
		assert_true(n >= 0);
		text += n;
		len -= (size_t)n;
		sim_run(l->l_sim, SIM_MS);
	}
	assert_int_equal(len, 0);
}

static void
suspend_console(struct loop *l, bool cancel)
{
	struct sim_cons *co = sim_cons_of(l->l_dom);
	size_t was, len;

	(void)sim_cons_output(co, &was);
	l->l_ninput = 0;
	suspend_say(l, "one ", 4);
	assert_int_equal(suspend(l, cancel), cancel);
	assert_true(loop_wait_state(l, "console/0", "connected"));
	suspend_say(l, "two", 3);
	sim_cons_input(co, "hello", 5);
	assert_true(loop_until(l, suspend_heard));
	sim_run(l->l_sim, SIM_S);
	assert_string_equal(sim_cons_output(co, &len) + was, "one two");
	assert_int_equal(loop_info(l, "console/0").di_nfail, 0);
}

LOOP_TEST(suspend_console_works)
{
	sim_run(l->l_sim, SIM_S);
	suspend_console(l, false);
	suspend_console(l, true);
	suspend_console(l, false);
}

/* ---- disks ------------------------------------------------------------- */

struct suspend_load {
	uint8_t		*sl_buf;
	struct loop_req	 sl_req[NDISK];
};

/* Requests under way; those that are refused for now are not made. */
static void
suspend_load(struct loop *l, struct suspend_load *sl, enum pv_blk_op op,
    uint32_t seed)
{
	unsigned int i;
	int rv;

	loop_fill(sl->sl_buf, NDISK * 8192, seed);
	for (i = 0; i < NDISK; i++) {
		rv = loop_submit(l->l_blk[0], &sl->sl_req[i], op,
		    i * 20, sl->sl_buf + i * 8192, 8192);
		assert_int_equal(rv, 0);
	}
}

/* All are answered, once, and what was written is there. */
static void
suspend_verify(struct loop *l, struct sim_blk *b, struct suspend_load *sl)
{
	unsigned int i;

	for (i = 0; i < NDISK; i++) {
		assert_int_equal(loop_wait(l, &sl->sl_req[i]), 0);
		assert_memory_equal(sim_blk_data(b) + i * 20 * 512,
		    sl->sl_buf + i * 8192, 8192);
	}
}

static void
suspend_disk(struct loop *l, bool cancel)
{
	struct sim_blk *b = loop_blk(l, sim_rand(2) ? SIM_BLK_NOLAST : 0);
	struct suspend_load sl = { .sl_buf = loop_pages(NDISK * 2) };
	unsigned int i;

	for (i = 0; i < 4; i++) {
		suspend_load(l, &sl, PV_BLK_WRITE, i);
		sim_run(l->l_sim, sim_rand(200) * 1000);
		assert_int_equal(suspend(l, cancel), cancel);
		suspend_verify(l, b, &sl);
	}
	assert_int_equal(l->l_nblkup, 1);
	assert_int_equal(l->l_nblk, 1);
	assert_int_equal(loop_totals(l).pt_gref_parked, 0);
	loop_pages_free(sl.sl_buf, NDISK * 2);
}

LOOP_TEST(suspend_disk_resumed)
{
	suspend_disk(l, false);
}

LOOP_TEST(suspend_disk_cancelled)
{
	suspend_disk(l, true);
}

/* All of it is the disk's, whenever it was read. */
LOOP_TEST(suspend_disk_reads)
{
	struct sim_blk *b = loop_blk(l, sim_rand(4) ? 0 : SIM_BLK_NOLAST);
	struct suspend_load sl = { .sl_buf = loop_pages(NDISK * 2) };
	unsigned int i;

	for (i = 0; i < 4; i++) {
		loop_fill(sim_blk_data(b), NDISK * 20 * 512, 50 + i);
		suspend_load(l, &sl, PV_BLK_READ, i);
		sim_run(l->l_sim, sim_rand(200) * 1000);
		assert_int_equal(suspend(l, false), 0);
		suspend_verify(l, b, &sl);
	}
	loop_pages_free(sl.sl_buf, NDISK * 2);
}

/* None of them was answered before. */
LOOP_TEST(suspend_disk_replay)
{
	struct sim_blk *b = loop_blk(l, sim_rand(2) ? SIM_BLK_NOLAST : 0);
	struct suspend_load sl = { .sl_buf = loop_pages(NDISK * 2) };

	sim_blk_hold(b, true);
	suspend_load(l, &sl, PV_BLK_WRITE, 99);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(suspend(l, false), 0);
	sim_blk_hold(b, false);
	suspend_verify(l, b, &sl);
	assert_true(l->l_blk[0]->bk_nreplay > 0);
	loop_pages_free(sl.sl_buf, NDISK * 2);
}

/* There is no such disk where the domain was restored. */
LOOP_TEST(suspend_disk_missing)
{
	struct sim_blk *b = loop_blk(l, 0);
	struct suspend_load sl = { .sl_buf = loop_pages(NDISK * 2) };
	unsigned int i;

	sim_blk_hold(b, true);
	suspend_load(l, &sl, PV_BLK_WRITE, 5);
	assert_int_equal(suspend(l, false), 0);
	sim_blk_vanish(b);
	assert_true(loop_blks(l, 0));
	for (i = 0; i < NDISK; i++)
		assert_int_equal(loop_wait(l, &sl.sl_req[i]), -PV_ENXIO);
	loop_pages_free(sl.sl_buf, NDISK * 2);
}

/* The device was broken; elsewhere it is not. */
LOOP_TEST(suspend_disk_broken)
{
	struct sim_blk *b = loop_blk(l, 0);
	uint8_t *buf = loop_pages(1);

	sim_evil(l->l_sim, SIM_EVIL_RSP_ID_RANGE, 0);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, 0, buf, 512),
	    -PV_EPROTO);
	assert_int_equal(sim_evil_told(l->l_sim, SIM_EVIL_RSP_ID_RANGE), 1);
	sim_honest(l->l_sim, SIM_EVIL_RSP_ID_RANGE);
	assert_int_equal(suspend(l, false), 0);
	assert_true(loop_blks(l, 1));
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, 0, buf, 512),
	    0);
	assert_memory_equal(sim_blk_data(b), buf, 512);
	loop_pages_free(buf, 1);
}

/* What a peer keeps it keeps, but not from a domain that went away. */
LOOP_TEST(suspend_grant_held)
{
	struct sim_blk *b = loop_blk(l, SIM_BLK_NOLAST);
	struct suspend_load sl = { .sl_buf = loop_pages(NDISK * 2) };
	unsigned int i;

	sim_evil(l->l_sim, SIM_EVIL_GRANT_HELD_FOREVER, 2);
	suspend_load(l, &sl, PV_BLK_WRITE, 1);
	sim_run(l->l_sim, SIM_S);
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_GRANT_HELD_FOREVER) > 0);
	assert_true(loop_totals(l).pt_gref_parked > 0);
	sim_honest(l->l_sim, SIM_EVIL_GRANT_HELD_FOREVER);
	assert_int_equal(suspend(l, false), 0);
	for (i = 0; i < NDISK; i++)
		assert_int_equal(loop_wait(l, &sl.sl_req[i]), 0);
	sim_run(l->l_sim, 5 * SIM_S);
	assert_int_equal(loop_totals(l).pt_gref_parked, 0);
	assert_int_equal(sim_blk_state(b), 4);
	loop_pages_free(sl.sl_buf, NDISK * 2);
}

/* ---- interfaces -------------------------------------------------------- */

static void
suspend_net(struct loop *l, bool cancel)
{
	struct sim_net *n = loop_net(l, SIM_NET_ECHO);
	unsigned int told = l->l_nannounce, i, nframe;
	uint8_t *buf = loop_pages(1);
	struct loop_pkt lp;

	for (i = 0; i < 3; i++) {
		loop_fill(buf, 1000, i);
		assert_int_equal(loop_send(l->l_net[0], &lp, buf, 1000, 1),
		    0);
		sim_run(l->l_sim, sim_rand(100) * 1000);
		assert_int_equal(suspend(l, cancel), cancel);
		/* It may be lost, but is answered for. */
		assert_int_not_equal(loop_wait_sent(l, &lp), LOOP_NEVER);
		sim_run(l->l_sim, 2 * SIM_S);
		assert_true(loop_wait_state(l, "vif/0", "connected"));
		assert_int_equal(l->l_nannounce, told + (cancel ? 0 : i + 1));
		nframe = l->l_nframe;
		assert_int_equal(loop_send(l->l_net[0], &lp, buf, 1000, 1),
		    0);
		assert_int_equal(loop_wait_sent(l, &lp), 0);
		sim_run(l->l_sim, SIM_S);
		assert_int_equal(l->l_nframe, nframe + 1);
		assert_memory_equal(l->l_frame, buf, 1000);
	}
	assert_int_equal(l->l_nnetup, 1);
	assert_int_equal(sim_net_state(n), 4);
	loop_pages_free(buf, 1);
}

LOOP_TEST(suspend_net_resumed)
{
	suspend_net(l, false);
}

LOOP_TEST(suspend_net_cancelled)
{
	suspend_net(l, true);
}

/* ---- the balloon ------------------------------------------------------- */

#define KIB	65536u			/* of the guest */

/* What was given away is not there afterwards, and can be had again. */
LOOP_TEST(suspend_balloon)
{
	struct pv_balloon *bl = l->l_balloon;
	unsigned int i;

	l->l_spare = 300;
	for (i = 0; i < 1000 && bl == NULL; i++) {
		sim_run(l->l_sim, SIM_MS);
		bl = l->l_balloon;
	}
	assert_non_null(bl);
	sim_run(l->l_sim, SIM_S);
	sim_store_write(l->l_sim, "/local/domain/1/memory/target", "%u",
	    KIB - 200 * 4);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(bl->bl_held, 200);
	assert_int_equal(suspend(l, true), 1);
	assert_int_equal(suspend(l, false), 0);
	assert_int_equal(bl->bl_held, 200);
	/* sim_suspend() wrote the target of a new domain: all of it. */
	sim_run(l->l_sim, 10 * SIM_S);
	assert_int_equal(bl->bl_held, 0);
	assert_ptr_equal(bl, l->l_balloon);
	sim_store_write(l->l_sim, "/local/domain/1/memory/target", "%u",
	    KIB - 50 * 4);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(bl->bl_held, 50);
}

/* ---- the watchdog ------------------------------------------------------ */

#define WATCHDOG 10			/* seconds */

/* It looks after the domain as before, wherever that goes on. */
static void
suspend_watchdog(struct loop *l, bool cancel)
{
	unsigned int i;

	assert_int_equal(xen_watchdog_set(&l->l_xen, WATCHDOG), 0);
	for (i = 0; i < 3; i++) {
		sim_run(l->l_sim, (WATCHDOG - 2) * SIM_S);
		assert_int_equal(suspend(l, cancel), cancel);
		assert_int_equal(sim_dom_nwatchdog(l->l_dom), 1);
		sim_run(l->l_sim, (WATCHDOG - 2) * SIM_S);
		assert_int_equal(xen_watchdog_set(&l->l_xen, WATCHDOG), 0);
		assert_int_equal(sim_dom_nwatchdog(l->l_dom), 1);
		assert_int_equal(sim_dom_shutdown(l->l_dom),
		    SHUTDOWN_suspend);
	}
	sim_run(l->l_sim, (WATCHDOG + 1) * SIM_S);
	assert_int_equal(sim_dom_shutdown(l->l_dom), SHUTDOWN_watchdog);
}

LOOP_TEST(suspend_watchdog_resumed)
{
	suspend_watchdog(l, false);
}

LOOP_TEST(suspend_watchdog_cancelled)
{
	suspend_watchdog(l, true);
}

/* Nobody wants it, or not any more. */
LOOP_TEST(suspend_watchdog_off)
{
	assert_int_equal(xen_watchdog_set(&l->l_xen, 0), 0);
	assert_int_equal(suspend(l, false), 0);
	assert_int_equal(sim_dom_nwatchdog(l->l_dom), 0);
	assert_int_equal(xen_watchdog_set(&l->l_xen, WATCHDOG), 0);
	assert_int_equal(xen_watchdog_set(&l->l_xen, 0), 0);
	assert_int_equal(sim_dom_nwatchdog(l->l_dom), 0);
	assert_int_equal(suspend(l, true), 1);
	assert_int_equal(sim_dom_nwatchdog(l->l_dom), 0);
	sim_run(l->l_sim, (WATCHDOG + 1) * SIM_S);
	assert_int_equal(sim_dom_shutdown(l->l_dom), SHUTDOWN_suspend);
}

/* ---- all of it --------------------------------------------------------- */

/* The same counts after as before, however often. */
LOOP_TEST(suspend_often)
{
	struct sim_blk *b = loop_blk(l, 0);
	struct suspend_load sl = { .sl_buf = loop_pages(NDISK * 2) };
	struct pv_totals was, now;
	unsigned int i, npage;
	bool cancel;

	(void)loop_net(l, 0);
	sim_run(l->l_sim, 2 * SIM_S);
	was = loop_totals(l);
	npage = sim_npage(l->l_sim);
	for (i = 0; i < 8; i++) {
		cancel = sim_rand(4) == 0;
		suspend_load(l, &sl, PV_BLK_WRITE, i);
		sim_run(l->l_sim, sim_rand(2000) * 1000);
		assert_int_equal(suspend(l, cancel), cancel);
		/* Sometimes again before anything is connected. */
		if (sim_rand(2))
			assert_int_equal(suspend(l, false), 0);
		suspend_verify(l, b, &sl);
	}
	assert_true(loop_wait_state(l, "vif/0", "connected"));
	assert_true(loop_wait_state(l, "console/0", "connected"));
	sim_run(l->l_sim, 5 * SIM_S);
	now = loop_totals(l);
	assert_int_equal(now.pt_gref_used, was.pt_gref_used);
	assert_int_equal(now.pt_evport_used, was.pt_evport_used);
	assert_int_equal(now.pt_watch_used, was.pt_watch_used);
	assert_int_equal(sim_npage(l->l_sim), npage);
	assert_int_equal(l->l_nblkup, 1);
	assert_int_equal(l->l_nnetup, 1);
	loop_pages_free(sl.sl_buf, NDISK * 2);
}

/* ---- the kernel's own ports -------------------------------------------- */

static unsigned int suspend_nvirq, suspend_nipi;

static enum evtchn_result
suspend_virq(void *arg)
{
	suspend_nvirq++;
	return EVTCHN_DONE;
}

static enum evtchn_result
suspend_ipi(void *arg)
{
	suspend_nipi++;
	return EVTCHN_DONE;
}

static bool
suspend_virq_came(struct loop *l)
{
	return suspend_nvirq > 0;
}

static bool
suspend_ipi_came(struct loop *l)
{
	return suspend_nipi > 0;
}

static void
suspend_ports(struct loop *l, struct evtchn_handler *virq,
    struct evtchn_handler *ipi)
{
	suspend_nvirq = suspend_nipi = 0;
	sim_dom_virq(l->l_dom, 0, VIRQ_TIMER);
	assert_true(loop_until(l, suspend_virq_came));
	evtchn_notify(ipi);
	assert_true(loop_until(l, suspend_ipi_came));
}

/* Timer and IPI go on by themselves; other vCPUs are attached anew. */
LOOP_TEST(suspend_vcpus)
{
	struct evtchn_handler virq, ipi, other, gone;
	unsigned int i;

	loop_alone(l);
	sim_dom_vcpus(l->l_dom, 3);
	assert_int_equal(evtchn_bind_virq(&l->l_xen, 0, VIRQ_TIMER, &virq,
	    suspend_virq, NULL), 0);
	assert_int_equal(evtchn_bind_ipi(&l->l_xen, 0, &ipi, suspend_ipi,
	    NULL), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(evtchn_alloc(&l->l_xen, NULL, 0, &gone,
		    suspend_ipi, NULL), 0);
		assert_int_equal(evtchn_cpu_attach(&l->l_xen, 2), 0);
		assert_int_equal(evtchn_bind_ipi(&l->l_xen, 2, &other,
		    suspend_ipi, NULL), 0);
		suspend_ports(l, &virq, &ipi);
		suspend_ports(l, &virq, &other);
		evtchn_close(&other);
		evtchn_cpu_detach(&l->l_xen, 2);
		assert_int_equal(suspend(l, i == 1), i == 1);
		suspend_ports(l, &virq, &ipi);
		assert_int_equal(evtchn_gone(&gone), i != 1);
		evtchn_notify(&gone);
		evtchn_again(&gone);
		evtchn_close(&gone);
	}
	evtchn_close(&virq);
	evtchn_close(&ipi);
}

static void
suspend_refuse(struct loop *l, int answer)
{
	sim_dom_refuse(l->l_dom, __HYPERVISOR_event_channel_op,
	    EVTCHNOP_init_control, answer);
}

/* The Xen of the resumed domain has no FIFO queues. */
LOOP_TEST(suspend_two_level)
{
	struct sim_blk *b = loop_blk(l, 0);
	struct suspend_load sl = { .sl_buf = loop_pages(NDISK * 2) };

	suspend_load(l, &sl, PV_BLK_WRITE, 3);
	suspend_refuse(l, -PV_ENOSYS);
	assert_int_equal(suspend(l, false), 0);
	assert_string_equal(loop_totals(l).pt_evtchn, "two-level");
	suspend_verify(l, b, &sl);
	suspend_refuse(l, 0);
	loop_pages_free(sl.sl_buf, NDISK * 2);
}

/* Which of the vCPUs take events of devices; a bit for each. */
static unsigned int
suspend_taken(struct loop *l)
{
	struct pv_dev_info di;
	unsigned int i, taken = 0;

	for (i = 0; pv_dev_info(i, &di) == 0; i++) {
		if (di.di_nevport > 0)
			taken |= 1u << di.di_vcpu;
	}
	return taken;
}

/* Devices are spread over the vCPUs as before, and work there. */
LOOP_TEST(suspend_spread)
{
	struct sim_blk_cfg second = { .bc_vdev = 51728, .bc_nsect = 2048 };
	uint8_t *buf = loop_pages(1);
	unsigned int i;

	loop_alone(l);
	sim_dom_vcpus(l->l_dom, LOOP_NVCPU);
	loop_spread(l);
	(void)loop_blk(l, 0);
	(void)sim_blk_create(l->l_dom, &second);
	assert_true(loop_blks(l, 2));
	(void)loop_net(l, 0);
	for (i = 0; i < 4; i++) {
		sim_run(l->l_sim, 2 * SIM_S);
		assert_int_equal(suspend_taken(l), (1u << LOOP_NVCPU) - 1);
		assert_int_equal(suspend(l, i == 1), i == 1);
		assert_int_equal(suspend_taken(l) & ~1u, 0);
		loop_spread(l);
		assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, 0, buf,
		    512), 0);
		assert_int_equal(loop_io(l, l->l_blk[1], PV_BLK_WRITE, 0, buf,
		    512), 0);
	}
	loop_pages_free(buf, 1);
}

/* ---- a guest that serves others ---------------------------------------- */

static struct back suspend_bk;

/*
 * Its pages stay where they are, so it can not be saved: it says so, and what
 * it serves goes on.  When nobody is served any more it can.
 */
LOOP_TEST(suspend_back_end)
{
	struct back_store *st = &suspend_bk.bk_store[0];
	uint8_t *buf = loop_pages(2);
	struct loop_req rq;

	back_open(&suspend_bk, l, 4096);
	assert_int_equal(suspend_bk.bk_loop.l_attached, 0);
	back_plug(&suspend_bk, 0, "w");
	assert_true(loop_blks(l, 1));
	loop_fill(buf, 8192, 7);
	st->st_hold = true;
	assert_int_equal(loop_submit(l->l_blk[0], &rq, PV_BLK_WRITE, 8, buf,
	    8192), 0);
	sim_run(l->l_sim, SIM_S);
	sim_enter(suspend_bk.bk_loop.l_dom);
	assert_int_equal(suspend(&suspend_bk.bk_loop, false), -PV_EBUSY);
	sim_enter(l->l_dom);
	assert_int_equal(sim_dom_nsuspend(suspend_bk.bk_loop.l_dom), 0);
	st->st_hold = false;
	back_let_go(st);
	assert_int_equal(loop_wait(l, &rq), 0);
	assert_memory_equal(st->st_data + 8 * 512, buf, 8192);
	back_unplug(&suspend_bk, 0);
	assert_true(loop_blks(l, 0));
	assert_true(back_unplugged(&suspend_bk, 0));
	sim_enter(suspend_bk.bk_loop.l_dom);
	assert_int_equal(suspend(&suspend_bk.bk_loop, false), 0);
	sim_enter(l->l_dom);
	sim_run(l->l_sim, SIM_S);
	back_plug(&suspend_bk, 0, "w");
	assert_true(loop_blks(l, 1));
	back_unplug(&suspend_bk, 0);
	assert_true(loop_blks(l, 0));
	back_close(&suspend_bk);
	loop_pages_free(buf, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(suspend_store_resumed),
		cmocka_unit_test(suspend_store_cancelled),
		cmocka_unit_test(suspend_transactions),
		cmocka_unit_test(suspend_store_silent),
		cmocka_unit_test(suspend_console_works),
		cmocka_unit_test(suspend_disk_resumed),
		cmocka_unit_test(suspend_disk_cancelled),
		cmocka_unit_test(suspend_disk_reads),
		cmocka_unit_test(suspend_disk_replay),
		cmocka_unit_test(suspend_disk_missing),
		cmocka_unit_test(suspend_disk_broken),
		cmocka_unit_test(suspend_grant_held),
		cmocka_unit_test(suspend_net_resumed),
		cmocka_unit_test(suspend_net_cancelled),
		cmocka_unit_test(suspend_balloon),
		cmocka_unit_test(suspend_watchdog_resumed),
		cmocka_unit_test(suspend_watchdog_cancelled),
		cmocka_unit_test(suspend_watchdog_off),
		cmocka_unit_test(suspend_often),
		cmocka_unit_test(suspend_vcpus),
		cmocka_unit_test(suspend_two_level),
		cmocka_unit_test(suspend_spread),
		cmocka_unit_test(suspend_back_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
