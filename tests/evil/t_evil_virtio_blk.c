/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_evil_virtio_blk.c -- a virtio disk that lies in what is a disk's own:
 * statuses, configuration, queues it does not have, resets without end.  What
 * is told in rings and registers is t_evil_virtio.c's.
 */

#include <linux/virtio_blk.h>

#include "loop/vloop.h"
#include "sim_vblk.h"

#define DISK	4096
#define NREQ	16
#define F(name)	(1ull << VIRTIO_BLK_F_##name)

static struct sim_vblk_cfg
full(void)
{
	struct sim_vblk_cfg bc = {
		.bc_nsect = DISK, .bc_features = F(SIZE_MAX) | F(SEG_MAX) |
		F(BLK_SIZE) | F(FLUSH) | F(TOPOLOGY) | F(CONFIG_WCE) |
		F(DISCARD) | F(WRITE_ZEROES) | F(SECURE_ERASE) | F(MQ),
		.bc_nqueue = 4, .bc_bsize = 512, .bc_segmax = 64,
		.bc_sizemax = 65536, .bc_maxdiscard = 100, .bc_maxzero = 200,
		.bc_maxsecure = 300, .bc_serial = "\x01\xff serial"
	};

	return bc;
}

static struct sim_vblk *
make(struct loop *l, const struct sim_vblk_cfg *bc)
{
	struct sim_vdev_cfg vc = vloop_cfg(l);

	return sim_vblk_create(l->l_sim, &vc, bc);
}

static struct sim_vblk *
up(struct loop *l)
{
	struct sim_vblk_cfg bc = full();
	struct sim_vblk *vb = make(l, &bc);

	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_blks(l, 1));
	sim_run(l->l_sim, SIM_S);
	return vb;
}

/* A status of no meaning fails its request, and only that. */
VLOOP_TEST(status_wild)
{
	struct sim_vblk *vb = up(l);
	uint8_t *buf = loop_pages(1);

	sim_evil(l->l_sim, SIM_EVIL_RSP_STATUS_WILD, 0);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf, 512),
	    -PV_EIO);
	sim_honest(l->l_sim, SIM_EVIL_RSP_STATUS_WILD);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf, 512), 0);
	assert_string_equal(loop_state(l, vloop_name(vb->vb_dev)),
	    "connected");
	assert_int_equal(l->l_blk[0]->bk_nerror, 1);
	loop_pages_free(buf, 1);
}

/* None at all is no success. */
VLOOP_TEST(status_not_written)
{
	struct sim_vblk *vb = up(l);
	uint8_t *buf = loop_pages(1);

	vb->vb_mute = true;
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_WRITE, 0, buf, 512),
	    -PV_EIO);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_FLUSH, 0, NULL, 0),
	    -PV_EIO);
	loop_pages_free(buf, 1);
}

/* Bytes that no terminal should see. */
VLOOP_TEST(serial_wild)
{
	(void)up(l);
	assert_string_equal(l->l_blk[0]->bk_ident, "?? serial");
}

/* ---- configuration ----------------------------------------------------- */

VLOOP_TEST(no_room_in_a_request)
{
	struct sim_vblk_cfg bc = full();
	struct sim_vblk *vb;

	if (sim_rand(2) == 0)
		bc.bc_segmax = sim_rand(2);
	else
		bc.bc_sizemax = sim_rand(512);
	vb = make(l, &bc);
	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_wait_state(l, vloop_name(vb->vb_dev), "broken"));
	assert_int_equal(l->l_nblkup, 0);
}

VLOOP_TEST(numbers_of_no_sense)
{
	struct sim_vblk_cfg bc = full();
	struct sim_vblk *vb;
	struct virtio_blk_config *c;
	uint8_t *buf = loop_pages(1);
	struct pv_blk *bk;

	bc.bc_numqueues = 0;
	bc.bc_maxdiscard = bc.bc_maxzero = bc.bc_maxsecure = 0;
	vb = make(l, &bc);
	c = sim_vblk_config(vb);
	c->capacity = UINT64_MAX;
	c->blk_size = 513;
	c->physical_block_exp = 255;
	c->alignment_offset = 255;
	c->min_io_size = UINT16_MAX;
	c->opt_io_size = UINT32_MAX;
	c->num_queues = 0;
	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_blks(l, 1));
	bk = l->l_blk[0];
	assert_int_equal(bk->bk_bsize, 512);
	assert_int_equal(bk->bk_nsect, (uint64_t)INT64_MAX >> 9);
	assert_int_equal(bk->bk_psize, 0);
	assert_int_equal(bk->bk_optio, 0);
	assert_int_equal(bk->bk_nqueue, 1);
	assert_int_equal(bk->bk_flags & (PV_BLK_CANDISCARD | PV_BLK_CANZERO |
	    PV_BLK_CANSECURE), 0);
	assert_int_equal(loop_io(l, bk, PV_BLK_READ, UINT64_MAX - 1, buf,
	    512), -PV_EINVAL);
	assert_int_equal(loop_io(l, bk, PV_BLK_READ, 8, buf, 512), 0);
	loop_pages_free(buf, 1);
}

/* ---- resets ------------------------------------------------------------ */

static struct loop_req lr[NREQ];

static void
submit_some(struct loop *l, uint8_t *buf)
{
	unsigned int i;

	for (i = 0; i < NREQ; i++) {
		loop_prepare(&lr[i], PV_BLK_READ, i, buf, 512);
		lr[i].lr_br.br_cpu = i;
		lr[i].lr_rv = pv_blk_submit(l->l_blk[0], &lr[i].lr_br);
		assert_int_equal(lr[i].lr_rv, 0);
	}
}

/* It never gets anywhere: in the end all requests fail, once each. */
VLOOP_TEST(resets_without_end)
{
	struct sim_vblk *vb = up(l);
	uint8_t *buf = loop_pages(1);
	unsigned int i;

	sim_vdev_hold(vb->vb_dev, true);
	submit_some(l, buf);
	for (i = 0; i < 100 && l->l_nblk > 0; i++) {
		sim_vdev_lost(vb->vb_dev);
		sim_run(l->l_sim, 10 * SIM_MS);
	}
	assert_true(loop_wait_state(l, vloop_name(vb->vb_dev), "broken"));
	for (i = 0; i < NREQ; i++) {
		assert_int_equal(loop_wait(l, &lr[i]), -PV_ENXIO);
		assert_int_equal(lr[i].lr_ndone, 1);
	}
	loop_pages_free(buf, 1);
}

/* Pulled out with requests in flight. */
VLOOP_TEST(pulled)
{
	struct sim_vblk *vb = up(l);
	uint8_t *buf = loop_pages(1);
	unsigned int i;

	sim_vdev_hold(vb->vb_dev, true);
	submit_some(l, buf);
	vloop_detach(l);
	for (i = 0; i < NREQ; i++)
		assert_int_equal(loop_wait(l, &lr[i]), -PV_ENXIO);
	loop_pages_free(buf, 1);
}

/* Lies in the rings, with several queues at work. */
static void
breaks(struct loop *l, enum sim_lie lie)
{
	struct sim_vblk *vb = up(l);
	uint8_t *buf = loop_pages(1);
	unsigned int i;

	sim_evil(l->l_sim, lie, sim_rand(4));
	submit_some(l, buf);
	assert_true(loop_wait_state(l, vloop_name(vb->vb_dev), "broken"));
	for (i = 0; i < NREQ; i++) {
		assert_int_not_equal(loop_wait(l, &lr[i]), LOOP_NEVER);
		assert_int_equal(lr[i].lr_ndone, 1);
	}
	assert_int_equal(l->l_nblk, 0);
	loop_pages_free(buf, 1);
}

VLOOP_TEST(id_range_of_several)
{
	breaks(l, SIM_EVIL_USED_ID_RANGE);
}

VLOOP_TEST(len_huge_of_several)
{
	breaks(l, SIM_EVIL_USED_LEN_HUGE);
}

VLOOP_TEST(idx_jump_of_several)
{
	breaks(l, SIM_EVIL_USED_IDX_JUMP);
}

/* Events come in masses and for nothing. */
VLOOP_TEST(storm)
{
	uint8_t *buf = loop_pages(1);
	unsigned int i;

	(void)up(l);
	sim_evil(l->l_sim, SIM_EVIL_EVENT_STORM, 0);
	submit_some(l, buf);
	for (i = 0; i < NREQ; i++)
		assert_int_equal(loop_wait(l, &lr[i]), 0);
	sim_honest(l->l_sim, SIM_EVIL_EVENT_STORM);
	loop_pages_free(buf, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_wild),
		cmocka_unit_test(status_not_written),
		cmocka_unit_test(serial_wild),
		cmocka_unit_test(no_room_in_a_request),
		cmocka_unit_test(numbers_of_no_sense),
		cmocka_unit_test(resets_without_end),
		cmocka_unit_test(pulled),
		cmocka_unit_test(id_range_of_several),
		cmocka_unit_test(len_huge_of_several),
		cmocka_unit_test(idx_jump_of_several),
		cmocka_unit_test(storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
