/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_xenbus.c -- devices found and lost; every state of the peer's in every
 * state of ours.  The back end of most of these tests is the test itself,
 * which writes the nodes.
 */

#include <stdlib.h>

#include "loop.h"

#define FRONT	"/local/domain/1/device/vbd/51712"
#define BACK	"/local/domain/0/backend/vbd/1/51712"
#define NAME	"vbd/51712"

static void
bus_back(struct loop *l, const char *key, const char *val)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/%s", BACK, key);
	sim_store_write(l->l_sim, path, "%s", val);
}

static void
bus_state(struct loop *l, const char *state)
{
	if (state[0] == '\0')
		sim_store_rm(l->l_sim, BACK "/state");
	else
		bus_back(l, "state", state);
	sim_run(l->l_sim, SIM_S);
}

static unsigned int
bus_ours(struct loop *l)
{
	return (unsigned int)sim_store_num(l->l_sim, FRONT "/state", 99);
}

/* Both directories, as the toolstack makes them. */
static void
bus_make(struct loop *l, const char *online)
{
	sim_store_write(l->l_sim, FRONT, "%s", "");
	sim_store_chown(l->l_sim, FRONT, 1);
	bus_back(l, "frontend-id", "1");
	bus_back(l, "online", online);
	bus_back(l, "sectors", "64");
	bus_back(l, "sector-size", "512");
	bus_back(l, "info", "0");
	bus_back(l, "state", "1");
	sim_store_write(l->l_sim, FRONT "/backend-id", "0");
	sim_store_write(l->l_sim, FRONT "/virtual-device", "51712");
	sim_store_write(l->l_sim, FRONT "/state", "1");
	sim_store_write(l->l_sim, FRONT "/backend", "%s", BACK);
	sim_run(l->l_sim, SIM_S);
}

static void
bus_drop(struct loop *l)
{
	sim_store_rm(l->l_sim, FRONT);
	sim_store_rm(l->l_sim, BACK);
	assert_true(loop_wait_state(l, NAME, ""));
	assert_int_equal(l->l_nblk, 0);
	assert_int_equal(sim_dom_ngrant(l->l_dom), 0);
}

/* What we do when the peer goes to each state, absent first. */
struct bus_row {
	const char	*br_way[4];	/* the peer's states until there */
	const char	*br_online;
	unsigned int	 br_then[9];	/* our state after each */
};

static const struct bus_row bus_rows[] = {
	/* we: Initialising */
	{ { "1" }, "1", { 1, 1, 4, 4, 6, 6, 1, 1, 1 } },
	/* we: Connected, the peer not yet */
	{ { "2" }, "1", { 1, 1, 4, 4, 4, 6, 1, 4, 4 } },
	/* both: Connected */
	{ { "2", "4" }, "1", { 1, 1, 4, 4, 4, 6, 1, 4, 4 } },
	{ { "2", "4" }, "0", { 1, 1, 4, 4, 4, 6, 6, 4, 4 } },
	/* we: Closed */
	{ { "2", "4", "5" }, "1", { 6, 6, 4, 4, 6, 6, 1, 6, 6 } },
	{ { "2", "4", "5" }, "0", { 6, 6, 4, 4, 6, 6, 6, 6, 6 } },
};

LOOP_TEST(bus_all_states)
{
	static const char *const state[] = { "", "1", "2", "3", "4", "5", "6",
	    "7", "8" };
	const struct bus_row *br;
	unsigned int i, k, way;

	for (i = 0; i < PV_NELEM(bus_rows); i++) {
		br = &bus_rows[i];
		for (k = 0; k < 9; k++) {
			bus_make(l, br->br_online);
			for (way = 0; way < 4 && br->br_way[way] != NULL;
			    way++)
				bus_state(l, br->br_way[way]);
			bus_state(l, state[k]);
			if (bus_ours(l) != br->br_then[k])
				fail_msg("row %u, peer to \"%s\": we are in "
				    "%u, not %u", i, state[k], bus_ours(l),
				    br->br_then[k]);
			bus_drop(l);
		}
	}
}

/* From any state the device still works with a peer that begins anew. */
LOOP_TEST(bus_states_and_back)
{
	char state[2] = "0";
	unsigned int i, k;

	for (i = 0; i < 10; i++) {
		bus_make(l, "1");
		for (k = 0; k < 6; k++) {
			state[0] = (char)('0' + sim_rand(9));
			bus_back(l, "state", state);
			sim_run(l->l_sim, sim_rand(3000000));
		}
		bus_state(l, "5");
		bus_state(l, "6");
		bus_state(l, "2");
		bus_state(l, "4");
		assert_true(loop_blks(l, 1));
		assert_true(loop_wait_state(l, NAME, "connected"));
		bus_drop(l);
	}
}

/* The device is found before it is known who its peer is. */
LOOP_TEST(bus_peer_comes_late)
{
	sim_store_write(l->l_sim, FRONT, "%s", "");
	sim_store_chown(l->l_sim, FRONT, 1);
	sim_run(l->l_sim, SIM_S);
	sim_store_write(l->l_sim, FRONT "/backend", "%s", BACK);
	sim_run(l->l_sim, SIM_S);
	bus_make(l, "1");
	bus_state(l, "2");
	assert_int_equal(bus_ours(l), 4);
	bus_drop(l);
}

/* Gone before anybody said who its peer is: nobody waits for that. */
LOOP_TEST(bus_never_named)
{
	unsigned int i, nlog = sim_nlog(PV_LOG_WARN);

	for (i = 0; i < 3; i++) {
		sim_store_write(l->l_sim, FRONT, "%s", "");
		sim_store_chown(l->l_sim, FRONT, 1);
		sim_run(l->l_sim, i * SIM_S);
		sim_store_rm(l->l_sim, FRONT);
		sim_run(l->l_sim, 60 * SIM_S);
	}
	assert_int_equal(sim_nlog(PV_LOG_WARN), nlog);
	bus_make(l, "1");
	bus_state(l, "2");
	assert_int_equal(bus_ours(l), 4);
	bus_drop(l);
}

/* Even later than anybody expects. */
LOOP_TEST(bus_peer_comes_very_late)
{
	sim_store_write(l->l_sim, FRONT, "%s", "");
	sim_store_chown(l->l_sim, FRONT, 1);
	sim_run(l->l_sim, 100 * SIM_S);
	bus_make(l, "1");
	bus_state(l, "2");
	assert_int_equal(bus_ours(l), 4);
	bus_drop(l);
}

/* No back end ever says anything: nothing hangs, and it can be taken away. */
LOOP_TEST(bus_peer_is_silent)
{
	unsigned int nlog;

	bus_make(l, "1");
	bus_state(l, "2");
	nlog = sim_nlog(PV_LOG_WARN);
	sim_run(l->l_sim, 60 * SIM_S);
	assert_true(sim_nlog(PV_LOG_WARN) > nlog);
	assert_int_equal(l->l_nblk, 0);
	bus_drop(l);
}

/* The toolstack names another back end. */
LOOP_TEST(bus_peer_moves)
{
	struct sim_blk *b = loop_blk(l, 0);

	sim_blk_die(b);
	sim_store_write(l->l_sim, "/local/domain/0/backend/vbd/9/9/state",
	    "2");
	sim_store_write(l->l_sim, FRONT "/backend", "%s",
	    "/local/domain/0/backend/vbd/9/9");
	sim_run(l->l_sim, sim_rand(2) * SIM_S);
	assert_int_equal(l->l_nblk, 1);
	sim_store_write(l->l_sim, FRONT "/backend-id", "0");
	sim_run(l->l_sim, SIM_S);
	/* The disk stays; what is asked of it waits for the new one. */
	assert_int_equal(l->l_nblk, 1);
	assert_string_equal(loop_state(l, NAME), "connecting");
	assert_int_equal(loop_info(l, NAME).di_ngref > 0, 1);
	sim_blk_vanish(b);
	assert_true(loop_blks(l, 0));
	assert_true(loop_wait_state(l, NAME, ""));
}

/* It is half way there: whose the back end is, and where, do not agree yet. */
LOOP_TEST(bus_peer_half_named)
{
	sim_store_write(l->l_sim, FRONT, "%s", "");
	sim_store_chown(l->l_sim, FRONT, 1);
	sim_store_write(l->l_sim, FRONT "/backend-id", "7");
	sim_store_write(l->l_sim, FRONT "/backend", "%s", BACK);
	sim_run(l->l_sim, SIM_S);
	assert_true(loop_wait_state(l, NAME, ""));
	bus_make(l, "1");
	bus_state(l, "2");
	assert_int_equal(bus_ours(l), 4);
	bus_drop(l);
}

LOOP_TEST(bus_paths_of_nonsense)
{
	static const char *const bad[] = { "", "not-a-path", "/", "//",
	    "/local/domain/0/backend/vbd/1/51712/",
	    "/local/domain/0/\001\377" };
	char longpath[400];
	unsigned int i;

	memset(longpath, 'x', sizeof(longpath));
	longpath[0] = '/';
	longpath[399] = '\0';
	for (i = 0; i <= PV_NELEM(bad); i++) {
		sim_store_write(l->l_sim, FRONT, "%s", "");
		sim_store_chown(l->l_sim, FRONT, 1);
		sim_store_write(l->l_sim, FRONT "/backend-id", "%s",
		    i % 2 ? "0" : "65536");
		sim_store_write(l->l_sim, FRONT "/backend", "%s",
		    i < PV_NELEM(bad) ? bad[i] : longpath);
		sim_store_write(l->l_sim, FRONT "/state", "1");
		sim_run(l->l_sim, 10 * SIM_S);
		assert_int_equal(l->l_nblk, 0);
		bus_drop(l);
	}
}

/* What nobody drives, and names that are too long, are left alone. */
LOOP_TEST(bus_strangers)
{
	sim_store_write(l->l_sim, "/local/domain/1/device/vkbd/0/state", "1");
	sim_store_write(l->l_sim, "/local/domain/1/device/vbd", "%s", "");
	sim_store_write(l->l_sim, "/local/domain/1/device/vbd/"
	    "a-name-that-is-far-too-long-for-any-device-of-this-kind/state",
	    "1");
	sim_store_write(l->l_sim, "/local/domain/1/device/control/0/state",
	    "1");
	(void)loop_blk(l, 0);
	assert_string_equal(loop_state(l, "vkbd/0"), "");
}

/* Sixteen disks and interfaces at once, and all away at once. */
LOOP_TEST(bus_many)
{
	struct sim_blk_cfg cfg = { .bc_nsect = 64 };
	struct sim_net_cfg net = { .nc_devid = 0 };
	struct sim_blk *b[8];
	struct sim_net *n[4];
	unsigned int i;

	/* The table's limit is asked for at attach. */
	loop_detach(l);
	sim_dom_limit_gnttab(l->l_dom, 16);
	assert_int_equal(loop_attach(l), 0);
	for (i = 0; i < 8; i++) {
		cfg.bc_vdev = 51712 + 16 * i;
		b[i] = sim_blk_create(l->l_dom, &cfg);
	}
	for (i = 0; i < 4; i++) {
		net.nc_devid = i;
		n[i] = sim_net_create(l->l_dom, &net);
	}
	assert_true(loop_blks(l, 8));
	assert_true(loop_nets(l, 4));
	sim_run(l->l_sim, 5 * SIM_S);
	for (i = 0; i < 8; i++)
		sim_blk_unplug(b[i]);
	for (i = 0; i < 4; i++)
		sim_net_unplug(n[i]);
	assert_true(loop_blks(l, 0));
	assert_true(loop_nets(l, 0));
	sim_run(l->l_sim, 20 * SIM_S);
	assert_int_equal(sim_dom_ngrant(l->l_dom), 0);
	assert_int_equal(sim_dom_nport(l->l_dom), 2);
}

/* No grant is left for the ring: broken, and well when there is one. */
LOOP_TEST(bus_grants_run_out)
{
	static gref_t ref[8192];
	unsigned int n = 0, i;

	bus_make(l, "1");
	while (n < 8192 && gnttab_reserve(&l->l_xen, &ref[n]) == 0)
		n++;
	assert_in_range(n, 1, 8191);
	bus_state(l, "2");
	assert_string_equal(loop_state(l, NAME), "broken");
	for (i = 0; i < n; i++)
		gnttab_unreserve(&l->l_xen, ref[i]);
	bus_state(l, "6");
	bus_state(l, "1");
	bus_state(l, "2");
	assert_int_equal(bus_ours(l), 4);
	bus_drop(l);
}

/* Nor an event channel. */
LOOP_TEST(bus_ports_run_out)
{
	sim_dom_limit_ports(l->l_dom, 1);
	bus_make(l, "1");
	bus_state(l, "2");
	assert_string_equal(loop_state(l, NAME), "broken");
	sim_dom_limit_ports(l->l_dom, 400);
	bus_state(l, "6");
	bus_state(l, "1");
	bus_state(l, "2");
	assert_int_equal(bus_ours(l), 4);
	bus_drop(l);
}

/* Plugged and taken away again before anything is ready, many times. */
LOOP_TEST(bus_in_and_out)
{
	struct sim_blk_cfg cfg = { .bc_vdev = 51712, .bc_nsect = 64 };
	struct sim_blk *b;
	unsigned int i;

	for (i = 0; i < 30; i++) {
		b = sim_blk_create(l->l_dom, &cfg);
		sim_run(l->l_sim, sim_rand(4000000));
		if (sim_rand(2) == 0) {
			sim_blk_unplug(b);
			sim_run(l->l_sim, sim_rand(3000000));
		}
		sim_blk_vanish(b);
		sim_run(l->l_sim, sim_rand(4000000));
	}
	assert_true(loop_wait_state(l, NAME, ""));
	sim_run(l->l_sim, 20 * SIM_S);
	assert_int_equal(sim_dom_ngrant(l->l_dom), 0);
	(void)loop_blk(l, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bus_all_states),
		cmocka_unit_test(bus_states_and_back),
		cmocka_unit_test(bus_peer_comes_late),
		cmocka_unit_test(bus_never_named),
		cmocka_unit_test(bus_peer_comes_very_late),
		cmocka_unit_test(bus_peer_is_silent),
		cmocka_unit_test(bus_peer_moves),
		cmocka_unit_test(bus_peer_half_named),
		cmocka_unit_test(bus_paths_of_nonsense),
		cmocka_unit_test(bus_strangers),
		cmocka_unit_test(bus_many),
		cmocka_unit_test(bus_grants_run_out),
		cmocka_unit_test(bus_ports_run_out),
		cmocka_unit_test(bus_in_and_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
