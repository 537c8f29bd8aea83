/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_disk_queue.c -- requests that wait: what is merged and what is not, in
 * which order they go, and what is counted.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <disk_queue.h>

#define MAX	(64 * 1024)

static struct disk_queue dq;
static struct disk_slot slot[8];
static char mem[8 * 4096];

static int
setup(void **state)
{
	memset(&dq, 0, sizeof(dq));
	memset(slot, 0, sizeof(slot));
	return 0;
}

/* A slot of npiece pieces of 512 bytes. */
static struct disk_slot *
fill(unsigned int n, enum pv_blk_op op, uint64_t sect, unsigned int npiece)
{
	struct disk_slot *ds = &slot[n];
	unsigned int i;

	ds->ds_req.br_op = op;
	ds->ds_req.br_sect = sect;
	ds->ds_req.br_nsect = npiece;
	ds->ds_req.br_niov = npiece;
	for (i = 0; i < npiece; i++)
		ds->ds_iov[i] = (struct pv_iov){ mem + n * 4096, 512 };
	return ds;
}

static bool
add(unsigned int n, enum pv_blk_op op, uint64_t sect, unsigned int npiece)
{
	return disk_queue_add(&dq, fill(n, op, sect, npiece), MAX);
}

static void
t_order(void **state)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		assert_false(add(i, PV_BLK_WRITE, i * 100, 1));
	assert_int_equal(dq.dq_nwait, 4);
	assert_ptr_equal(disk_queue_next(&dq), &slot[0]);
	disk_queue_back(&dq, &slot[0]);
	for (i = 0; i < 4; i++)
		assert_ptr_equal(disk_queue_next(&dq), &slot[i]);
	assert_null(disk_queue_next(&dq));
	assert_int_equal(dq.dq_nwait, 0);
}

/* The pieces go behind one another; each is answered. */
static void
t_merge(void **state)
{
	struct disk_slot *ds;
	unsigned int i;

	assert_false(add(0, PV_BLK_WRITE, 100, 2));
	assert_false(add(1, PV_BLK_WRITE, 500, 1));
	assert_true(add(2, PV_BLK_WRITE, 102, 3));
	assert_true(add(3, PV_BLK_WRITE, 105, 1));
	assert_true(add(4, PV_BLK_WRITE, 501, 1));
	ds = disk_queue_next(&dq);
	assert_ptr_equal(ds, &slot[0]);
	assert_int_equal(ds->ds_req.br_nsect, 6);
	assert_int_equal(ds->ds_req.br_niov, 6);
	for (i = 0; i < 6; i++)
		assert_ptr_equal(ds->ds_iov[i].iov_base, mem + 4096 *
		    (i < 2 ? 0 : i < 5 ? 2 : 3));
	assert_ptr_equal(ds->ds_merged, &slot[2]);
	assert_ptr_equal(slot[2].ds_merged, &slot[3]);
	assert_null(slot[3].ds_merged);
	assert_int_equal(slot[0].ds_nsect, 2);
	assert_int_equal(slot[2].ds_nsect, 3);
	assert_ptr_equal(disk_queue_next(&dq), &slot[1]);
	assert_ptr_equal(slot[1].ds_merged, &slot[4]);
	assert_null(disk_queue_next(&dq));
}

static void
t_not_merged(void **state)
{
	assert_false(add(0, PV_BLK_WRITE, 100, 8));
	assert_false(add(1, PV_BLK_READ, 108, 1));	/* other direction */
	assert_false(add(2, PV_BLK_WRITE, 109, 1));	/* a gap */
	assert_false(add(3, PV_BLK_WRITE, 107, 1));	/* overlap */
	assert_false(add(4, PV_BLK_DISCARD, 200, 0));
	assert_false(add(5, PV_BLK_DISCARD, 200, 0));
	assert_int_equal(dq.dq_nwait, 6);
}

/* Too many pieces, or bytes. */
static void
t_limits(void **state)
{
	assert_false(add(0, PV_BLK_READ, 0, 20));
	assert_false(add(1, PV_BLK_READ, 20, 13));
	assert_true(add(2, PV_BLK_READ, 33, 19));
	assert_int_equal(slot[1].ds_req.br_niov, DISK_NIOV);
	fill(3, PV_BLK_READ, 1000, 1);
	slot[3].ds_iov[0].iov_len = MAX - 512;
	slot[3].ds_req.br_nsect = MAX / 512 - 1;
	assert_false(disk_queue_add(&dq, &slot[3], MAX));
	assert_false(add(4, PV_BLK_READ, 1000 + MAX / 512 - 1, 2));
	assert_true(add(5, PV_BLK_READ, 1000 + MAX / 512 - 1, 1));
}

/* What came after a flush does not join what came before. */
static void
t_flush(void **state)
{
	assert_false(add(0, PV_BLK_WRITE, 100, 1));
	assert_false(add(1, PV_BLK_FLUSH, 0, 0));
	assert_false(add(2, PV_BLK_WRITE, 101, 1));
	assert_true(add(3, PV_BLK_WRITE, 102, 1));
	assert_ptr_equal(disk_queue_next(&dq), &slot[0]);
	assert_ptr_equal(disk_queue_next(&dq), &slot[1]);
	assert_ptr_equal(disk_queue_next(&dq), &slot[2]);
	assert_null(slot[0].ds_merged);
}

static void
t_counts(void **state)
{
	struct disk_counts dk = { 0 }, was;
	struct disk_count *dc = &dk.dk_kind[DISK_WRITE];

	(void)add(0, PV_BLK_WRITE, 100, 8);
	slot[0].ds_start = 1000000;
	disk_queue_count(&dk, &slot[0], 0, 1000999);
	disk_queue_count(&dk, &slot[0], 0, 1001000);
	disk_queue_count(&dk, &slot[0], 0, 1003999);
	assert_int_equal(dc->dc_hist[0], 1);
	assert_int_equal(dc->dc_hist[1], 1);
	assert_int_equal(dc->dc_hist[2], 1);
	was = dk;
	disk_queue_count(&dk, &slot[0], -5, 1000000 + 3000000000000ull);
	disk_queue_count(&dk, &slot[0], 0, 0);		/* time went back */
	assert_int_equal(dc->dc_hist[DISK_NHIST - 1], 1);
	assert_int_equal(dc->dc_n, 5);
	assert_int_equal(dc->dc_nsect, 32);
	assert_int_equal(dc->dc_nerror, 1);
	assert_true(dc->dc_maxns == 3000000000000ull);
	disk_queue_since(&dk, &was);
	assert_int_equal(dc->dc_n, 2);
	assert_int_equal(dc->dc_nsect, 8);
	assert_int_equal(dc->dc_hist[0], 1);
	assert_int_equal(dc->dc_hist[1], 0);
	assert_int_equal(disk_queue_kind(PV_BLK_SECURE_DISCARD), DISK_RANGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(t_order, setup),
		cmocka_unit_test_setup(t_merge, setup),
		cmocka_unit_test_setup(t_not_merged, setup),
		cmocka_unit_test_setup(t_limits, setup),
		cmocka_unit_test_setup(t_flush, setup),
		cmocka_unit_test_setup(t_counts, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
