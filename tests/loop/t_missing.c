/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_missing.c -- a hypervisor that has not, or does not allow, what the library
 * asks for: it does without and says so, or fails with a line that names it.
 * docs/xen-features.md is the list.
 */

#include <pv/types.h>

#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/hvm/hvm_op.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#include "evtchn.h"
#include "gntmap.h"
#include "gnttab.h"
#include "loop.h"
#include "window.h"

#define EVTCHN	__HYPERVISOR_event_channel_op
#define GNTTAB	__HYPERVISOR_grant_table_op
#define MEMORY	__HYPERVISOR_memory_op
#define VERSION	__HYPERVISOR_xen_version
#define VCPU	__HYPERVISOR_vcpu_op
#define NREF	2000

static const int answers[] = { -PV_ENOSYS, -PV_EPERM, -PV_EINVAL };

static unsigned int
t_said(void)
{
	return sim_nlog(PV_LOG_ERR) + sim_nlog(PV_LOG_WARN) +
	    sim_nlog(PV_LOG_INFO);
}

static unsigned int
t_wrong(void)
{
	return sim_nlog(PV_LOG_ERR) + sim_nlog(PV_LOG_WARN);
}

/* A guest before it attaches, of each kind of memory in turn. */
static void
t_open(struct loop *l, uint64_t seed)
{
	loop_open(l, seed, seed & 1 ? SIM_PV : 0);
	sim_dom_vcpus(l->l_dom, 40);
}

/* A disk works, as long as events, grants and the store do. */
static void
t_works(struct loop *l)
{
	uint8_t *buf = loop_pages(1);

	(void)loop_blk(l, 0);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf, 4096),
	    0);
	loop_pages_free(buf, 1);
}

/* Attaching fails, says why, and leaves nothing. */
static void
t_fatal(unsigned int op, unsigned int cmd)
{
	static struct loop l;
	unsigned int i, before;

	for (i = 0; i < 2 * PV_NELEM(answers); i++) {
		t_open(&l, i);
		sim_dom_refuse(l.l_dom, op, cmd, answers[i / 2]);
		before = t_wrong();
		assert_true(loop_attach(&l) < 0);
		assert_true(t_wrong() > before);
		sim_dom_refuse(l.l_dom, op, cmd, 0);
		loop_close(&l);
	}
}

static bool
t_runs(unsigned int vcpu)
{
	return true;
}

/* ---- event channels ---------------------------------------------------- */

static void
missing_fifo(void **state)
{
	static struct loop l;
	unsigned int i, before;

	for (i = 0; i < 2 * PV_NELEM(answers); i++) {
		t_open(&l, i);
		sim_dom_refuse(l.l_dom, EVTCHN, EVTCHNOP_init_control,
		    answers[i / 2]);
		before = t_wrong();
		assert_int_equal(loop_attach(&l), 0);
		assert_true(t_wrong() > before);
		assert_string_equal(loop_totals(&l).pt_evtchn, "two-level");
		t_works(&l);
		loop_close(&l);
	}
}

/* Once vCPU 0 has its queues the domain can not go back: others stay off. */
static void
missing_fifo_later(void **state)
{
	static struct loop l;

	t_open(&l, 2);
	assert_int_equal(loop_attach(&l), 0);
	sim_dom_refuse(l.l_dom, EVTCHN, EVTCHNOP_init_control, -PV_ENOSYS);
	assert_int_equal(evtchn_cpu_attach(&l.l_xen, 1), -PV_ENOSYS);
	evtchn_cpu_balance(&l.l_xen, t_runs);
	assert_int_equal(loop_totals(&l).pt_nvcpu, 1);
	t_works(&l);
	loop_close(&l);
}

static void
missing_expand(void **state)
{
	t_fatal(EVTCHN, EVTCHNOP_expand_array);
}

static enum evtchn_result
t_nothing(void *arg)
{
	return EVTCHN_DONE;
}

static void
missing_priority(void **state)
{
	static struct evtchn_handler eh;
	static struct loop l;

	t_open(&l, 2);
	sim_dom_refuse(l.l_dom, EVTCHN, EVTCHNOP_set_priority, -PV_ENOSYS);
	assert_int_equal(loop_attach(&l), 0);
	t_works(&l);
	assert_int_equal(evtchn_alloc(&l.l_xen, NULL, 0, &eh, t_nothing,
	    NULL), 0);
	assert_int_equal(evtchn_priority(&eh, 3), -PV_ENOSYS);
	evtchn_close(&eh);
	loop_close(&l);
}

/* All devices stay at vCPU 0. */
static void
missing_bind_vcpu(void **state)
{
	static struct loop l;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		t_open(&l, i);
		sim_dom_refuse(l.l_dom, EVTCHN, EVTCHNOP_bind_vcpu,
		    -PV_ENOSYS);
		assert_int_equal(loop_attach(&l), 0);
		assert_int_equal(evtchn_cpu_attach(&l.l_xen, 1), 0);
		assert_int_equal(evtchn_cpu_attach(&l.l_xen, 2), 0);
		evtchn_cpu_balance(&l.l_xen, t_runs);
		t_works(&l);
		assert_int_equal(loop_info(&l, "vbd/51712").di_vcpu, 0);
		loop_close(&l);
	}
}

/* Sleeping on a port returns at once: who waits goes on spinning. */
static void
missing_poll(void **state)
{
	static struct evtchn_handler eh;
	static struct loop l;

	t_open(&l, 2);
	sim_dom_refuse(l.l_dom, __HYPERVISOR_sched_op, SCHEDOP_poll,
	    -PV_ENOSYS);
	assert_int_equal(loop_attach(&l), 0);
	assert_int_equal(evtchn_bind_ipi(&l.l_xen, 0, &eh, t_nothing, NULL),
	    0);
	evtchn_mute(&eh);
	evtchn_sleep(&eh);
	evtchn_close(&eh);
	loop_close(&l);
}

/* The guest runs without: its kernel is told. */
static void
missing_watchdog(void **state)
{
	static struct loop l;
	unsigned int i;

	for (i = 0; i < PV_NELEM(answers); i++) {
		t_open(&l, i);
		sim_dom_refuse(l.l_dom, __HYPERVISOR_sched_op,
		    SCHEDOP_watchdog, answers[i]);
		assert_int_equal(loop_attach(&l), 0);
		assert_int_equal(xen_watchdog_set(&l.l_xen, 5), answers[i]);
		assert_int_equal(xen_watchdog_set(&l.l_xen, 0), 0);
		t_works(&l);
		loop_close(&l);
	}
}

/* ---- vCPUs ------------------------------------------------------------- */

/* The first 32 have a struct vcpu_info in the shared info page. */
static void
missing_vcpu_info(void **state)
{
	static struct loop l;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		t_open(&l, i);
		sim_dom_refuse(l.l_dom, VCPU, VCPUOP_register_vcpu_info,
		    -PV_ENOSYS);
		assert_int_equal(loop_attach(&l), 0);
		assert_int_equal(evtchn_cpu_attach(&l.l_xen, 31), 0);
		assert_int_equal(evtchn_cpu_attach(&l.l_xen, 32), -PV_ENOSYS);
		t_works(&l);
		loop_close(&l);
	}
}

/* ---- the hypervisor itself --------------------------------------------- */

static void
missing_version(void **state)
{
	static struct loop l;

	t_open(&l, 1);
	sim_dom_refuse(l.l_dom, VERSION, XENVER_version, -PV_ENOSYS);
	assert_int_equal(loop_attach(&l), -PV_ENODEV);
	loop_close(&l);
}

static void
missing_features(void **state)
{
	t_fatal(VERSION, XENVER_get_features);
}

/* Without its parameters an auto-translated guest knows of no store. */
static void
missing_params(void **state)
{
	static struct loop l;
	unsigned int before;

	t_open(&l, 2);
	sim_dom_refuse(l.l_dom, __HYPERVISOR_hvm_op, HVMOP_get_param,
	    -PV_ENOSYS);
	before = t_said();
	assert_int_equal(loop_attach(&l), 0);
	assert_true(t_said() > before + 1);
	assert_int_equal(xs_write(&l.l_xen, XS_NOTRANS, "data/a", "b", 1),
	    -PV_ENODEV);
	loop_close(&l);
}

/* ---- grants ------------------------------------------------------------ */

static void
missing_query_size(void **state)
{
	t_fatal(GNTTAB, GNTTABOP_query_size);
}

/* No frame at all; or one, and no more. */
static void
t_frames(unsigned int seed, unsigned int op, unsigned int cmd)
{
	static struct loop l;
	static gref_t ref[NREF];
	unsigned int n, before;
	int rv = 0;

	t_open(&l, seed);
	sim_dom_refuse(l.l_dom, op, cmd, -PV_ENOSYS);
	before = t_wrong();
	assert_true(loop_attach(&l) < 0);
	assert_true(t_wrong() > before);
	sim_dom_refuse(l.l_dom, op, cmd, 0);
	assert_int_equal(loop_attach(&l), 0);
	sim_run(l.l_sim, SIM_S);
	sim_dom_refuse(l.l_dom, op, cmd, -PV_ENOSYS);
	before = t_wrong();
	for (n = 0; n < NREF && rv == 0; n++)
		rv = gnttab_reserve(&l.l_xen, &ref[n]);
	assert_int_equal(rv, -PV_ENOSPC);
	assert_int_equal(t_wrong(), before + 1);
	while (n-- > 1)
		gnttab_unreserve(&l.l_xen, ref[n - 1]);
	t_works(&l);
	sim_dom_refuse(l.l_dom, op, cmd, 0);
	loop_close(&l);
}

static void
missing_frames(void **state)
{
	t_frames(1, GNTTAB, GNTTABOP_setup_table);
	t_frames(2, MEMORY, XENMEM_add_to_physmap);
}

/* Neither maps nor copies: a back end's request fails. */
static void
missing_map(void **state)
{
	static struct loop l;
	struct gntmap gm = { .gm_dom = 0, .gm_ref = GREF(9) };
	struct gntmap_copy gc = { .gc_ref = GREF(9), .gc_len = 512 };
	uint8_t *page;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		t_open(&l, i);
		assert_int_equal(loop_attach(&l), 0);
		sim_dom_refuse(l.l_dom, GNTTAB, GNTTABOP_map_grant_ref,
		    -PV_ENOSYS);
		sim_dom_refuse(l.l_dom, GNTTAB, GNTTABOP_copy, -PV_ENOSYS);
		page = loop_pages(1);
		gc.gc_va = page;
		assert_int_equal(gntmap_map(&l.l_xen, NULL, &gm, 1),
		    -PV_ENOSYS);
		assert_false(gm.gm_mapped);
		assert_int_equal(gntmap_copy(&l.l_xen, &gc, 1), -PV_ENOSYS);
		loop_pages_free(page, 1);
		t_works(&l);
		loop_close(&l);
	}
}

/* Xen does not take the memory behind a window. */
static void
missing_decrease(void **state)
{
	static struct loop l;
	struct window wi;

	t_open(&l, 2);
	assert_int_equal(loop_attach(&l), 0);
	sim_dom_refuse(l.l_dom, MEMORY, XENMEM_decrease_reservation,
	    -PV_ENOSYS);
	assert_int_equal(window_create(&l.l_xen, &wi, 4), -PV_ENOSYS);
	t_works(&l);
	loop_close(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_fifo),
		cmocka_unit_test(missing_fifo_later),
		cmocka_unit_test(missing_expand),
		cmocka_unit_test(missing_priority),
		cmocka_unit_test(missing_bind_vcpu),
		cmocka_unit_test(missing_poll),
		cmocka_unit_test(missing_watchdog),
		cmocka_unit_test(missing_vcpu_info),
		cmocka_unit_test(missing_version),
		cmocka_unit_test(missing_features),
		cmocka_unit_test(missing_params),
		cmocka_unit_test(missing_query_size),
		cmocka_unit_test(missing_frames),
		cmocka_unit_test(missing_map),
		cmocka_unit_test(missing_decrease),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
