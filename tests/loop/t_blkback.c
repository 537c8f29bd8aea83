/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_blkback.c -- blkback in one guest serves blkfront in another.
 */

#include <stdio.h>

#include "back.h"

#define NSECT	4096

static struct back b;

static void
t_open(struct loop *l, const char *mode)
{
	back_open(&b, l, NSECT);
	assert_int_equal(b.bk_loop.l_attached, 0);
	back_plug(&b, 0, mode);
	assert_true(loop_blks(l, 1));
}

static bool
t_is_closed(void *arg)
{
	const char *state = back_key(arg, 0, "state");

	return state != NULL && strcmp(state, "6") == 0;
}

static void
t_close(struct loop *l)
{
	back_unplug(&b, 0);
	assert_true(sim_until(l->l_sim, t_is_closed, &b, 60 * SIM_S));
	/* It takes the toolstack a while to see that. */
	sim_run(l->l_sim, SIM_S);
	assert_true(t_is_closed(&b));
	assert_true(loop_blks(l, 0));
	assert_true(back_unplugged(&b, 0));
	assert_int_equal(b.bk_store[0].st_nclose, b.bk_store[0].st_nopen);
	back_close(&b);
}

static const struct pv_blk_guest *
t_guest(void)
{
	return b.bk_store[0].st_guest;
}

/* Every length and alignment, out and back. */
LOOP_TEST(blkback_data)
{
	static const unsigned int lens[] = { 1, 2, 7, 8, 9, 16, 63, 88, 200 };
	uint8_t *buf = loop_pages(32);
	unsigned int i, off;

	t_open(l, "w");
	assert_int_equal(l->l_blk[0]->bk_nsect, NSECT);
	assert_int_equal(l->l_blk[0]->bk_flags & PV_BLK_RO, 0);
	for (i = 0; i < PV_NELEM(lens); i++) {
		off = (i * 512) % 4096;
		loop_fill(buf, 32 * 4096, i);
		assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE,
		    i * 300, buf + off, lens[i] * 512), 0);
		assert_memory_equal(b.bk_store[0].st_data + i * 300 * 512,
		    buf + off, lens[i] * 512);
		memset(buf, 0, 32 * 4096);
		assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ,
		    i * 300, buf + off, lens[i] * 512), 0);
		assert_memory_equal(b.bk_store[0].st_data + i * 300 * 512,
		    buf + off, lens[i] * 512);
	}
	assert_true(t_guest()->bg_nindirect > 0);
	assert_int_equal(t_guest()->bg_nerror, 0);
	loop_pages_free(buf, 32);
	t_close(l);
}

/* Pages that stay mapped are offered only when the operator wants them. */
LOOP_TEST(blkback_plain)
{
	uint8_t *buf = loop_pages(1);

	back_plain = true;
	t_open(l, "w");
	back_plain = false;
	loop_fill(buf, 4096, 3);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, 8, buf, 4096),
	    0);
	assert_memory_equal(b.bk_store[0].st_data + 4096, buf, 4096);
	assert_false(t_guest()->bg_persistent);
	assert_int_equal(t_guest()->bg_nmapped, 0);
	assert_true(t_guest()->bg_ncopy > 0);
	loop_pages_free(buf, 1);
	t_close(l);
}

LOOP_TEST(blkback_flush_and_discard)
{
	uint8_t *buf = loop_pages(1);

	t_open(l, "w");
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, 0, buf, 512),
	    0);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_FLUSH, 0, NULL, 0), 0);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_DISCARD, 8, NULL,
	    4096), 0);
	assert_int_equal(b.bk_store[0].st_data[8 * 512], 0xdd);
	assert_int_equal(b.bk_store[0].st_data[15 * 512], 0xdd);
	assert_int_equal(b.bk_store[0].st_data[16 * 512], 0);
	assert_memory_equal(b.bk_store[0].st_ops, "wfd", 3);
	loop_pages_free(buf, 1);
	t_close(l);
}

/* By the toolstack's word, or the disk's. */
LOOP_TEST(blkback_readonly)
{
	uint8_t *buf = loop_pages(1);

	t_open(l, "r");
	assert_true(l->l_blk[0]->bk_flags & PV_BLK_RO);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, 0, buf, 512),
	    -PV_EROFS);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf, 512), 0);
	loop_pages_free(buf, 1);
	t_close(l);
}

/* An error is that of one request, and a store that is full of none. */
LOOP_TEST(blkback_store_fails)
{
	uint8_t *buf = loop_pages(1);

	t_open(l, "w");
	b.bk_store[0].st_error = -PV_ENOSPC;
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, 0, buf, 512),
	    -PV_EIO);
	b.bk_store[0].st_error = 0;
	b.bk_store[0].st_full = 3;
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, 0, buf, 512),
	    0);
	assert_int_equal(b.bk_store[0].st_full, 0);
	assert_int_equal(t_guest()->bg_nerror, 1);
	assert_string_equal(loop_state(l, "vbd/1/51712"), "connected");
	loop_pages_free(buf, 1);
	t_close(l);
}

/* More than memory is there for, at once. */
LOOP_TEST(blkback_many)
{
	static struct loop_req lr[48];
	uint8_t *buf = loop_pages(16);
	unsigned int i;

	t_open(l, "w");
	loop_fill(buf, 16 * 4096, 3);
	b.bk_store[0].st_hold = true;
	for (i = 0; i < 48; i++)
		assert_int_equal(loop_submit(l->l_blk[0], &lr[i],
		    PV_BLK_WRITE, i * 64, buf + i % 8 * 4096, 32768) == 0 ||
		    i > 8, 1);
	sim_run(l->l_sim, SIM_S);
	back_let_go(&b.bk_store[0]);
	sim_run(l->l_sim, SIM_S);
	for (i = 0; i < 8; i++) {
		assert_int_equal(loop_wait(l, &lr[i]), 0);
		assert_memory_equal(b.bk_store[0].st_data + i * 64 * 512,
		    buf + i % 8 * 4096, 32768);
	}
	sim_run(l->l_sim, SIM_S);
	loop_pages_free(buf, 16);
	t_close(l);
}

/* The disk grows under a guest that uses it. */
LOOP_TEST(blkback_resize)
{
	t_open(l, "w");
	b.bk_store[0].st_blk.bk_nsect = NSECT / 2;
	sim_enter(b.bk_loop.l_dom);
	b.bk_store[0].st_guest->bg_changed(b.bk_store[0].st_guest);
	sim_enter(l->l_dom);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_nresized, 1);
	assert_int_equal(l->l_blk[0]->bk_nsect, NSECT / 2);
	assert_string_equal(back_key(&b, 0, "sectors"), "2048");
	t_close(l);
}

/* Taken away while the store has requests, which it answers in the end. */
LOOP_TEST(blkback_unplug_busy)
{
	struct loop_req lr[3];
	uint8_t *buf = loop_pages(3);
	unsigned int i;

	t_open(l, "w");
	b.bk_store[0].st_hold = true;
	for (i = 0; i < 3; i++)
		assert_int_equal(loop_submit(l->l_blk[0], &lr[i],
		    PV_BLK_WRITE, i * 8, buf + i * 4096, 4096), 0);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(b.bk_store[0].st_nheld, 3);
	back_unplug(&b, 0);
	assert_true(loop_blks(l, 0));
	for (i = 0; i < 3; i++)
		assert_int_equal(loop_wait(l, &lr[i]), -PV_ENXIO);
	assert_true(back_unplugged(&b, 0));
	/* Both ends are gone, and nothing of the guest's is in use. */
	assert_int_equal(sim_dom_nmapped(l->l_dom), 0);
	assert_int_equal(b.bk_store[0].st_nclose, 0);
	back_let_go(&b.bk_store[0]);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(b.bk_store[0].st_nclose, 1);
	loop_pages_free(buf, 3);
	back_close(&b);
}

/* The guest is destroyed, with everything under way. */
LOOP_TEST(blkback_guest_dies)
{
	struct loop_req lr;
	uint8_t *buf = loop_pages(1);
	char path[96];

	t_open(l, "w");
	b.bk_store[0].st_hold = true;
	assert_int_equal(loop_submit(l->l_blk[0], &lr, PV_BLK_READ, 0, buf,
	    4096), 0);
	sim_run(l->l_sim, SIM_S);
	back_front(&b, path, sizeof(path), 0, "");
	sim_store_rm(l->l_sim, path);
	assert_true(loop_blks(l, 0));
	(void)loop_wait(l, &lr);
	back_unplug(&b, 0);
	assert_true(back_unplugged(&b, 0));
	back_let_go(&b.bk_store[0]);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(b.bk_store[0].st_nclose, 1);
	/* The next one has the disk. */
	back_plug(&b, 0, "w");
	assert_true(loop_blks(l, 1));
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf, 4096),
	    0);
	loop_pages_free(buf, 1);
	t_close(l);
}

/* We end; another one of us comes back, and the requests are put again. */
LOOP_TEST(blkback_restart)
{
	struct loop_req lr;
	uint8_t *buf = loop_pages(1);

	t_open(l, "w");
	loop_fill(buf, 4096, 5);
	b.bk_store[0].st_hold = true;
	assert_int_equal(loop_submit(l->l_blk[0], &lr, PV_BLK_WRITE, 0, buf,
	    4096), 0);
	sim_run(l->l_sim, SIM_S);
	/* As a domain that ends without a word. */
	sim_store_rm(l->l_sim, "/local/domain/2/backend");
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_nblk, 1);
	b.bk_store[0].st_hold = false;
	sim_enter(b.bk_loop.l_dom);
	pv_os_defer(&b.bk_store[0].st_work, 0);
	sim_enter(l->l_dom);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(b.bk_store[0].st_nclose, 1);
	memset(b.bk_store[0].st_data, 0, 4096);
	back_plug(&b, 0, "w");
	assert_int_equal(loop_wait(l, &lr), 0);
	assert_memory_equal(b.bk_store[0].st_data, buf, 4096);
	assert_int_equal(l->l_nblkup, 1);
	loop_pages_free(buf, 1);
	t_close(l);
}

/* Nothing is promised before the disk is there. */
LOOP_TEST(blkback_store_late)
{
	back_open(&b, l, NSECT);
	b.bk_store[0].st_refuse = -PV_EAGAIN;
	back_plug(&b, 0, "w");
	sim_run(l->l_sim, 3 * SIM_S);
	assert_string_equal(back_key(&b, 0, "state"), "1");
	b.bk_store[0].st_refuse = -PV_ENXIO;
	sim_run(l->l_sim, 10 * SIM_S);
	assert_string_equal(back_key(&b, 0, "state"), "1");
	assert_int_equal(sim_nlog(PV_LOG_ERR), 1);
	b.bk_store[0].st_refuse = 0;
	assert_true(loop_blks(l, 1));
	assert_string_equal(back_key(&b, 0, "state"), "4");
	assert_string_equal(back_key(&b, 0, "hotplug-status"), "connected");
	t_close(l);
}

/* A disk that never came, taken back. */
LOOP_TEST(blkback_never)
{
	back_open(&b, l, NSECT);
	b.bk_store[0].st_refuse = -PV_ENOENT;
	back_plug(&b, 0, "w");
	sim_run(l->l_sim, 3 * SIM_S);
	back_unplug(&b, 0);
	assert_true(back_unplugged(&b, 0));
	assert_int_equal(b.bk_store[0].st_nopen, 0);
	back_close(&b);
}

LOOP_TEST(blkback_several)
{
	uint8_t *buf = loop_pages(1);
	unsigned int i, k;

	back_open(&b, l, NSECT);
	for (i = 0; i < BACK_NSTORE; i++)
		back_plug(&b, i, "w");
	assert_true(loop_blks(l, BACK_NSTORE));
	for (i = 0; i < BACK_NSTORE; i++) {
		loop_fill(buf, 4096, i);
		assert_int_equal(loop_io(l, l->l_blk[i], PV_BLK_WRITE, i, buf,
		    4096), 0);
		/* In whichever order they came up. */
		for (k = 0; k < BACK_NSTORE; k++) {
			if (memcmp(b.bk_store[k].st_data + i * 512, buf,
			    4096) == 0)
				break;
		}
		assert_int_not_equal(k, BACK_NSTORE);
	}
	for (i = 0; i < BACK_NSTORE; i++)
		back_unplug(&b, i);
	assert_true(loop_blks(l, 0));
	for (i = 0; i < BACK_NSTORE; i++)
		assert_true(back_unplugged(&b, i));
	loop_pages_free(buf, 1);
	back_close(&b);
}

/* We go first. */
LOOP_TEST(blkback_detach)
{
	uint8_t *buf = loop_pages(1);

	t_open(l, "w");
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf, 4096),
	    0);
	back_close(&b);
	assert_true(loop_wait_state(l, "vbd/51712", "waiting"));
	assert_int_equal(sim_dom_nmapped(l->l_dom), 0);
	loop_pages_free(buf, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blkback_data),
		cmocka_unit_test(blkback_plain),
		cmocka_unit_test(blkback_flush_and_discard),
		cmocka_unit_test(blkback_readonly),
		cmocka_unit_test(blkback_store_fails),
		cmocka_unit_test(blkback_many),
		cmocka_unit_test(blkback_resize),
		cmocka_unit_test(blkback_unplug_busy),
		cmocka_unit_test(blkback_guest_dies),
		cmocka_unit_test(blkback_restart),
		cmocka_unit_test(blkback_store_late),
		cmocka_unit_test(blkback_never),
		cmocka_unit_test(blkback_several),
		cmocka_unit_test(blkback_detach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
