/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_vq.c -- virtqueues against a device played by the test; most for split
 * ones, whose sums are the harder to keep.
 *
 * The test reads the available ring and writes the used ring as a device
 * does, tells each lie that a used ring can tell, and lets all indexes wrap.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vq.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#define SIZE	8

/* ---- what vq.c needs of core and the port --------------------------- */

static int live;

void *
pv_alloc(struct pv_dev *dev, size_t len)
{
	live++;
	return calloc(1, len);
}

void
pv_free(struct pv_dev *dev, void *p, size_t len)
{
	live--;
	free(p);
}

void *
pv_pages_alloc(struct pv_dev *dev, unsigned int npg)
{
	void *p = aligned_alloc(PV_PAGE_SIZE, npg * PV_PAGE_SIZE);

	live++;
	memset(p, 0, npg * PV_PAGE_SIZE);
	return p;
}

void
pv_pages_free(struct pv_dev *dev, void *va, unsigned int npg)
{
	live--;
	free(va);
}

gfn_t
pv_os_gfn(const void *va)
{
	return GFN((uintptr_t)va >> PV_PAGE_SHIFT);
}

void
pv_os_panic(const char *msg)
{
	fail_msg("%s", msg);
	abort();
}

/* ---- the device ----------------------------------------------------- */

static struct vq vq;

static uint16_t *
availring(void)
{
	return vq.vq_area[VQ_AREA_DRIVER];
}

static uint16_t *
usedring(void)
{
	return vq.vq_area[VQ_AREA_DEVICE];
}

static struct vring_desc *
table(void)
{
	return vq.vq_area[VQ_AREA_DESC];
}

struct device {
	uint16_t	 d_avail, d_used;
};

static uint16_t
device_offered(struct device *d)
{
	return availring()[1];
}

/* The head of the next chain. */
static uint16_t
device_take(struct device *d)
{
	return availring()[2 + (d->d_avail++ & (SIZE - 1))];
}

static void
device_answer(struct device *d, uint32_t id, uint32_t len)
{
	struct vring_used_elem *e = (void *)(usedring() + 2);

	e[d->d_used & (SIZE - 1)] = (struct vring_used_elem){ id, len };
	usedring()[1] = ++d->d_used;
}

static void
device_event(struct device *d, uint16_t avail_event)
{
	usedring()[2 + SIZE * 4] = avail_event;
}

/* ---- tests ---------------------------------------------------------- */

static struct device dev;
static int cookies[SIZE];

static int
create(struct vq *v, unsigned int size, unsigned int align)
{
	struct vq_config vc = { .vc_size = size, .vc_align = align };

	return vq_create(v, NULL, &vc);
}

static int
setup(void **state)
{
	memset(&vq, 0, sizeof(vq));
	memset(&dev, 0, sizeof(dev));
	return create(&vq, SIZE, 4);
}

static int
teardown(void **state)
{
	vq_destroy(&vq);
	vq_destroy(&vq);
	assert_int_equal(live, 0);
	return 0;
}

static int
add(void *cookie, unsigned int nread, unsigned int nwrite)
{
	struct vq_piece vp[SIZE + 1];
	unsigned int i;

	for (i = 0; i < nread + nwrite; i++) {
		vp[i].vp_da = 0x1000 + i;
		vp[i].vp_len = 16;
		vp[i].vp_dir = i < nread ? PV_PEER_READS : PV_PEER_WRITES;
	}
	return vq_add(&vq, vp, nread + nwrite, cookie);
}

static void
chains_as_described(void **state)
{
	struct vring_desc *d;
	uint16_t head;

	assert_int_equal(add(&cookies[0], 2, 1), 0);
	assert_int_equal(device_offered(&dev), 0);
	assert_true(vq_push(&vq));
	assert_int_equal(device_offered(&dev), 1);
	head = device_take(&dev);
	d = &table()[head];
	assert_int_equal(d->addr, 0x1000);
	assert_int_equal(d->len, 16);
	assert_int_equal(d->flags, VRING_DESC_F_NEXT);
	d = &table()[d->next];
	assert_int_equal(d->flags, VRING_DESC_F_NEXT);
	d = &table()[d->next];
	assert_int_equal(d->addr, 0x1002);
	assert_int_equal(d->flags, VRING_DESC_F_WRITE);
}

static void
answers_out_of_order(void **state)
{
	uint16_t head[3];
	uint32_t len;
	void *c;
	int i;

	for (i = 0; i < 3; i++)
		assert_int_equal(add(&cookies[i], 1, 1), 0);
	vq_push(&vq);
	for (i = 0; i < 3; i++)
		head[i] = device_take(&dev);
	assert_int_equal(vq_get(&vq, &c, &len), 0);
	for (i = 2; i >= 0; i--) {
		device_answer(&dev, head[i], (uint32_t)i);
		assert_int_equal(vq_get(&vq, &c, &len), 1);
		assert_ptr_equal(c, &cookies[i]);
		assert_int_equal(len, i);
	}
	assert_int_equal(vq.vq_nfree, SIZE);
}

static void
full_and_too_long(void **state)
{
	uint32_t len;
	void *c;

	assert_int_equal(add(&cookies[0], 4, 3), 0);
	assert_int_equal(add(&cookies[1], 1, 1), -PV_EAGAIN);
	assert_int_equal(add(&cookies[1], 1, 0), 0);
	assert_int_equal(add(&cookies[2], 1, 0), -PV_EAGAIN);
	assert_int_equal(add(&cookies[2], SIZE, 1), -PV_EINVAL);
	assert_int_equal(vq_add(&vq, NULL, 0, &cookies[2]), -PV_EINVAL);
	vq_push(&vq);
	device_answer(&dev, device_take(&dev), 48);
	assert_int_equal(vq_get(&vq, &c, &len), 1);
	assert_int_equal(add(&cookies[2], 4, 3), 0);
}

/* More answers than the 16-bit indexes can count. */
static void
indexes_wrap(void **state)
{
	uint32_t len;
	void *c;
	int i;

	for (i = 0; i < 70000; i++) {
		assert_int_equal(add(&cookies[i % SIZE], 1 + i % 3, 1), 0);
		vq_push(&vq);
		device_answer(&dev, device_take(&dev), 16);
		assert_int_equal(vq_get(&vq, &c, &len), 1);
		assert_ptr_equal(c, &cookies[i % SIZE]);
	}
	assert_int_equal(vq.vq_nfree, SIZE);
}

static void
kicks_when_asked(void **state)
{
	vq.vq_event_idx = true;
	device_event(&dev, 2);		/* kick me at the third chain */
	assert_int_equal(add(&cookies[0], 1, 0), 0);
	assert_false(vq_push(&vq));
	assert_int_equal(add(&cookies[1], 1, 0), 0);
	assert_int_equal(add(&cookies[2], 1, 0), 0);
	assert_true(vq_push(&vq));
	assert_false(vq_push(&vq));	/* nothing new */
	vq.vq_event_idx = false;
	usedring()[0] = VRING_USED_F_NO_NOTIFY;
	assert_int_equal(add(&cookies[3], 1, 0), 0);
	assert_false(vq_push(&vq));
}

static void
rearm_looks_again(void **state)
{
	uint32_t len;
	void *c;

	assert_int_equal(add(&cookies[0], 1, 1), 0);
	vq_push(&vq);
	assert_false(vq_rearm(&vq));
	device_answer(&dev, device_take(&dev), 0);
	assert_true(vq_rearm(&vq));
	assert_int_equal(vq_get(&vq, &c, &len), 1);
	vq.vq_event_idx = true;
	assert_false(vq_rearm(&vq));
	assert_int_equal(availring()[2 + SIZE], 1);
}

/* ---- lies ------------------------------------------------------------ */

static void
expect_lie(void)
{
	uint32_t len = 0;
	void *c = NULL;

	assert_int_equal(vq_get(&vq, &c, &len), -PV_EPROTO);
	assert_null(c);
}

static void
used_id_range(void **state)
{
	assert_int_equal(add(&cookies[0], 1, 1), 0);
	vq_push(&vq);
	device_answer(&dev, SIZE, 0);
	expect_lie();
}

static void
used_id_huge(void **state)
{
	assert_int_equal(add(&cookies[0], 1, 1), 0);
	vq_push(&vq);
	device_answer(&dev, 0x10000, 0);	/* 0 when cut to 16 bits */
	expect_lie();
}

static void
used_id_not_head(void **state)
{
	assert_int_equal(add(&cookies[0], 1, 1), 0);
	vq_push(&vq);
	device_answer(&dev, table()[device_take(&dev)].next, 0);
	expect_lie();
}

static void
used_id_twice(void **state)
{
	uint16_t head;
	uint32_t len;
	void *c;

	assert_int_equal(add(&cookies[0], 1, 1), 0);
	assert_int_equal(add(&cookies[1], 1, 1), 0);
	vq_push(&vq);
	head = device_take(&dev);
	device_answer(&dev, head, 0);
	assert_int_equal(vq_get(&vq, &c, &len), 1);
	device_answer(&dev, head, 0);
	expect_lie();
}

static void
used_len_huge(void **state)
{
	assert_int_equal(add(&cookies[0], 1, 1), 0);
	vq_push(&vq);
	device_answer(&dev, device_take(&dev), 17);
	expect_lie();
}

static void
used_idx_jump(void **state)
{
	assert_int_equal(add(&cookies[0], 1, 1), 0);
	vq_push(&vq);
	usedring()[1] = 3;		/* two descriptors are in flight */
	expect_lie();
}

/* What the device does to our half of the ring changes nothing. */
static void
descriptors_rewritten(void **state)
{
	uint16_t head;
	uint32_t len;
	void *c;

	assert_int_equal(add(&cookies[0], 2, 2), 0);
	vq_push(&vq);
	head = device_take(&dev);
	memset(table(), 0xff, SIZE * sizeof(struct vring_desc));
	memset(availring(), 0xff, (2 + SIZE) * 2);
	device_answer(&dev, head, 32);
	assert_int_equal(vq_get(&vq, &c, &len), 1);
	assert_int_equal(vq.vq_nfree, SIZE);
	assert_int_equal(add(&cookies[1], 4, 4), 0);
	vq_push(&vq);
	assert_int_equal(device_offered(&dev), 2);
}

static void
drain_gives_all(void **state)
{
	int i, n = 0;

	for (i = 0; i < 4; i++)
		assert_int_equal(add(&cookies[i], 1, 1), 0);
	while (vq_drain(&vq) != NULL)
		n++;
	assert_int_equal(n, 4);
	assert_int_equal(vq.vq_nfree, SIZE);
}

static void
sizes(void **state)
{
	struct vq v = { 0 };

	assert_int_equal(create(&v, 0, 4), -PV_EINVAL);
	assert_int_equal(create(&v, 12, 4), -PV_EINVAL);
	assert_int_equal(create(&v, 65536, 4), -PV_EINVAL);
	assert_int_equal(create(&v, 32768, 4096), 0);
	assert_int_equal((uintptr_t)v.vq_area[VQ_AREA_DEVICE] & 4095, 0);
	vq_destroy(&v);
}

/* ---- packed ------------------------------------------------------------ */

#define PSIZE	5		/* packed rings need no power of two */
#define FLAGS(avail, used) (uint16_t)((avail) << 7 | (used) << 15)

static struct vring_packed_desc *
place(unsigned int i)
{
	return (struct vring_packed_desc *)vq.vq_area[VQ_AREA_DESC] + i;
}

static int
setup_packed(uint64_t features)
{
	struct vq_config vc = { .vc_index = 3, .vc_size = PSIZE,
	    .vc_features = features | 1ull << VIRTIO_F_RING_PACKED };

	memset(&vq, 0, sizeof(vq));
	return vq_create(&vq, NULL, &vc);
}

/* The first descriptor's flags come last; the lap turns over at the end. */
static void
packed_chains(void **state)
{
	uint32_t len = 0;
	void *c = NULL;
	uint16_t id;

	assert_int_equal(setup_packed(0), 0);
	assert_int_equal(add(&cookies[0], 1, 1), 0);
	assert_int_equal(place(0)->flags, 0);
	assert_int_equal(place(1)->flags, FLAGS(1, 0) | VRING_DESC_F_WRITE);
	assert_true(vq_push(&vq));
	assert_false(vq_push(&vq));
	assert_int_equal(place(0)->flags, FLAGS(1, 0) | VRING_DESC_F_NEXT);
	assert_int_equal(place(1)->len, 16);
	id = place(1)->id;
	assert_int_equal(vq_get(&vq, &c, &len), 0);
	/* The answer stands where the chain began. */
	place(0)->id = id;
	place(0)->len = 9;
	place(0)->flags = FLAGS(1, 1);
	assert_int_equal(vq_get(&vq, &c, &len), 1);
	assert_ptr_equal(c, &cookies[0]);
	assert_int_equal(len, 9);
	assert_int_equal(vq_get(&vq, &c, &len), 0);
	/* Over the end: descriptors 2, 3, 4, 0 with another lap's flags. */
	assert_int_equal(add(&cookies[1], 4, 0), 0);
	assert_true(vq_push(&vq));
	assert_int_equal(place(4)->flags, FLAGS(1, 0) | VRING_DESC_F_NEXT);
	assert_int_equal(place(0)->flags, FLAGS(0, 1));
	vq_destroy(&vq);
}

static void
packed_kicks(void **state)
{
	uint16_t *dev_event;

	assert_int_equal(setup_packed(1ull << VIRTIO_RING_F_EVENT_IDX |
	    1ull << VQ_F_NOTIFICATION_DATA), 0);
	dev_event = vq.vq_area[VQ_AREA_DEVICE];
	dev_event[1] = VRING_PACKED_EVENT_FLAG_DISABLE;
	assert_int_equal(add(&cookies[0], 1, 0), 0);
	assert_false(vq_push(&vq));
	/* At place 2 of the first lap, which is the next but one. */
	dev_event[0] = 2 | 1 << 15;
	dev_event[1] = VRING_PACKED_EVENT_FLAG_DESC;
	assert_int_equal(add(&cookies[1], 1, 0), 0);
	assert_false(vq_push(&vq));
	assert_int_equal(vq_kick(&vq), 3 | (2u | 1u << 15) << 16);
	assert_int_equal(add(&cookies[2], 3, 0), 0);
	assert_true(vq_push(&vq));
	/* Round the end: place 0 of the second lap. */
	assert_int_equal(vq_kick(&vq), 3);
	vq_destroy(&vq);
}

/* One answer for three chains: the first two count as fully written. */
static void
packed_batch(void **state)
{
	uint32_t len;
	void *c;
	int i;

	assert_int_equal(setup_packed(1ull << VIRTIO_F_IN_ORDER), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(add(&cookies[i], 0, 1), 0);
	(void)vq_push(&vq);
	place(0)->id = place(2)->id;
	place(0)->len = 5;
	place(0)->flags = FLAGS(1, 1);
	for (i = 0; i < 3; i++) {
		assert_true(vq_rearm(&vq));
		assert_int_equal(vq_get(&vq, &c, &len), 1);
		assert_ptr_equal(c, &cookies[i]);
		assert_int_equal(len, i < 2 ? 16 : 5);
	}
	assert_int_equal(vq_get(&vq, &c, &len), 0);
	vq_destroy(&vq);
}

/* A chain of several pieces takes one descriptor, which names a table. */
static void
packed_indirect(void **state)
{
	struct vq_config vc = { .vc_size = 64, .vc_chain = 6, .vc_features =
	    1ull << VIRTIO_F_RING_PACKED | 1ull << VIRTIO_RING_F_INDIRECT_DESC
	};
	struct vring_packed_desc *d;
	int i;

	memset(&vq, 0, sizeof(vq));
	assert_int_equal(vq_create(&vq, NULL, &vc), 0);
	for (i = 0; i < 60; i++)
		assert_int_equal(add(&cookies[0], 3, 1), 0);
	assert_int_equal(vq.vq_nfree, 4);
	(void)vq_push(&vq);
	assert_int_equal(place(0)->flags, FLAGS(1, 0) |
	    VRING_DESC_F_INDIRECT);
	assert_int_equal(place(0)->len, 4 * 16);
	d = (void *)(uintptr_t)place(0)->addr;
	assert_int_equal(d[0].flags, 0);
	assert_int_equal(d[3].flags, VRING_DESC_F_WRITE);
	assert_int_equal(d[3].addr, 0x1003);
	/* Too long for a table, and for what is left. */
	assert_int_equal(add(&cookies[0], 7, 0), -PV_EAGAIN);
	vq_destroy(&vq);
	assert_int_equal(live, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(chains_as_described), T(answers_out_of_order),
		T(full_and_too_long), T(indexes_wrap), T(kicks_when_asked),
		T(rearm_looks_again), T(used_id_range), T(used_id_huge),
		T(used_id_not_head), T(used_id_twice), T(used_len_huge),
		T(used_idx_jump), T(descriptors_rewritten),
		T(drain_gives_all), cmocka_unit_test(sizes),
		cmocka_unit_test(packed_chains),
		cmocka_unit_test(packed_kicks),
		cmocka_unit_test(packed_batch),
		cmocka_unit_test(packed_indirect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
