/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_xen_attach.c -- attach to the simulated hypervisor and detach, in each
 * mode, with each point of failure.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pv/pv.h>

#include "evtchn.h"
#include "sim.h"
#include "xen.h"
#include "xenbus.h"
#include "xs.h"

static const struct pv_client t_client;

static struct xen *
t_attach(struct sim *s, struct sim_dom **dp, struct xen *x, int *rv)
{
	struct pv_xen_boot boot;

	*dp = sim_dom_create(s, 1);
	sim_enter(*dp);
	boot = sim_dom_boot(*dp);
	*x = (struct xen){ .x_seam = *dp };
	*rv = xen_attach(x, &boot, &t_client);
	return x;
}

static void
t_round(unsigned int flags)
{
	struct sim *s = sim_open(1, flags);
	struct sim_dom *d;
	struct xen x;
	int rv;

	t_attach(s, &d, &x, &rv);
	assert_int_equal(rv, 0);
	sim_run(s, SIM_S);
	xen_detach(&x);
	assert_int_equal(sim_close(s), 0);
}

static enum evtchn_result
t_count(void *arg)
{
	++*(unsigned int *)arg;
	return EVTCHN_DONE;
}

/* A port to sleep on: events stay on it, and nothing is called. */
static void
t_poll(unsigned int flags)
{
	struct sim *s = sim_open(1, flags);
	struct evtchn_handler eh;
	unsigned int n = 0;
	struct sim_dom *d;
	struct xen x;
	int rv;

	t_attach(s, &d, &x, &rv);
	assert_int_equal(rv, 0);
	assert_int_equal(evtchn_bind_ipi(&x, 0, &eh, t_count, &n), 0);
	evtchn_notify(&eh);
	sim_run(s, SIM_S);
	assert_int_equal(n, 1);
	evtchn_mute(&eh);
	evtchn_notify(&eh);
	sim_run(s, SIM_S);
	assert_int_equal(n, 1);
	assert_true(sim_dom_pending(d, evport_x(eh.eh_port)));
	evtchn_sleep(&eh);
	evtchn_forget(&eh);
	assert_false(sim_dom_pending(d, evport_x(eh.eh_port)));
	evtchn_sleep(&eh);
	evtchn_close(&eh);
	xen_detach(&x);
	assert_int_equal(sim_close(s), 0);
}

static void
t_xen_poll(void **state)
{
	t_poll(0);
	t_poll(SIM_2L);
}

static void
t_xen_hvm(void **state)
{
	t_round(0);
}

static void
t_xen_pv(void **state)
{
	t_round(SIM_PV);
}

static void
t_xen_store(void **state)
{
	struct sim *s = sim_open(1, 0);
	struct sim_dom *d;
	struct xen x;
	char buf[64];
	size_t len;
	int rv;

	t_attach(s, &d, &x, &rv);
	assert_int_equal(rv, 0);
	assert_int_equal(xs_write(&x, XS_NOTRANS, "data/a", "hello", 5), 0);
	assert_int_equal(xs_read(&x, XS_NOTRANS, "data/a", buf, sizeof(buf),
	    &len), 0);
	assert_int_equal(len, 5);
	assert_string_equal(buf, "hello");
	assert_int_equal(xs_read(&x, XS_NOTRANS, "data/b", buf, sizeof(buf),
	    &len), -PV_ENOENT);
	xen_detach(&x);
	assert_int_equal(sim_close(s), 0);
}

/* ---- devices ----------------------------------------------------------- */

static const struct sim_blk_cfg t_disk = { .bc_vdev = 51712, .bc_nsect = 2048 };
static const struct sim_net_cfg t_net = { .nc_devid = 0 };

static bool
t_has(struct xen *x, const char *name, const char *state)
{
	struct pv_dev_info di;
	unsigned int n;

	for (n = 0; pv_dev_info(n, &di) == 0; n++) {
		if (strcmp(di.di_name, name) == 0)
			return strcmp(di.di_state, state) == 0;
	}
	return state[0] == '\0';
}

/* Plug, connect, unplug, plug again; all there at the end. */
static void
t_devices(uint64_t seed, unsigned int flags)
{
	struct sim *s = sim_open(seed, flags);
	struct sim_blk *b;
	struct sim_net *n;
	struct sim_dom *d;
	struct xen x;
	int rv, i;

	t_attach(s, &d, &x, &rv);
	assert_int_equal(rv, 0);
	for (i = 0; i < 3; i++) {
		b = sim_blk_create(d, &t_disk);
		n = sim_net_create(d, &t_net);
		sim_run(s, 5 * SIM_S);
		assert_true(t_has(&x, "vbd/51712", "connected"));
		assert_true(t_has(&x, "vif/0", "connected"));
		assert_true(t_has(&x, "console/0", "connected"));
		assert_true(t_has(&x, "control/0", "connected"));
		if (i == 1) {
			sim_blk_vanish(b);
			sim_net_vanish(n);
		} else {
			sim_blk_unplug(b);
			sim_net_unplug(n);
		}
		sim_run(s, 20 * SIM_S);
		assert_true(t_has(&x, "vbd/51712", ""));
		assert_true(t_has(&x, "vif/0", ""));
	}
	b = sim_blk_create(d, &t_disk);
	n = sim_net_create(d, &t_net);
	sim_run(s, 5 * SIM_S);
	assert_true(t_has(&x, "vbd/51712", "connected"));
	sim_blk_restart(b);
	sim_net_restart(n);
	sim_run(s, 20 * SIM_S);
	assert_true(t_has(&x, "vbd/51712", "connected"));
	assert_true(t_has(&x, "vif/0", "connected"));
	xen_detach(&x);
	if (sim_close(s) != 0)
		fail_msg("seed %u flags 0x%x", (unsigned int)seed, flags);
}

static void
t_xen_devices(void **state)
{
	unsigned int flags;

	for (flags = 0; flags < 32; flags++)
		t_devices(flags + 1, flags);
}

/* ---- points of failure ------------------------------------------------- */

static void
t_xen_fail(unsigned int flags)
{
	struct sim_dom *d;
	struct sim *s;
	struct xen x;
	unsigned int n;
	bool failed = true;
	int rv;

	for (n = 1; failed; n++) {
		s = sim_open(n, flags);
		sim_fail_at(s, n);
		t_attach(s, &d, &x, &rv);
		if (rv == 0) {
			sim_run(s, SIM_S);
			xen_detach(&x);
		}
		failed = sim_failed(s);
		if (sim_close(s) != 0)
			fail_msg("point %u, attach %d", n, rv);
	}
}

static void
t_xen_points(void **state)
{
	t_xen_fail(0);
}

static void
t_xen_points_pv(void **state)
{
	t_xen_fail(SIM_PV | SIM_2L);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_xen_poll),
		cmocka_unit_test(t_xen_hvm),
		cmocka_unit_test(t_xen_pv),
		cmocka_unit_test(t_xen_store),
		cmocka_unit_test(t_xen_devices),
		cmocka_unit_test(t_xen_points),
		cmocka_unit_test(t_xen_points_pv),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
