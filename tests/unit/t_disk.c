/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_disk.c -- kernel/disk.c over a driver that takes few requests at a time,
 * answers late, or goes away.
 */

#include <stdio.h>
#include <string.h>

#include "shim.h"

#include <arch.h>
#include <disk.h>
#include <ktime.h>
#include <mm.h>
#include <pv/errno.h>
#include <pv/pv.h>
#include <sched.h>
#include <sync.h>

#define NSECT	4096u
#define MAXIO	8192u
#define QUEUE	3

static struct boot_info bi;
static uint8_t media[NSECT * 512];
static uint8_t buf[64 * 1024] __attribute__((__aligned__(4096)));

/* ---- the driver -------------------------------------------------------- */

static struct pv_blk_req *queue[QUEUE];
static unsigned int nqueued, nsubmit, nagain, nflush;
static bool holding;			/* answer only when told */
static bool broken;			/* what is taken fails */
static int users;

static int
fake_move(struct pv_blk_req *br)
{
	uint64_t at = br->br_sect * 512;
	unsigned int i;

	if (broken)
		return -PV_EIO;
	for (i = 0; i < br->br_niov; i++) {
		if (br->br_op == PV_BLK_READ)
			memcpy(br->br_iov[i].iov_base, media + at,
			    br->br_iov[i].iov_len);
		else
			memcpy(media + at, br->br_iov[i].iov_base,
			    br->br_iov[i].iov_len);
		at += br->br_iov[i].iov_len;
	}
	return 0;
}

static void
fake_answer(void *arg)
{
	struct pv_blk_req *br = queue[0];
	int rv = arg != NULL ? -PV_ENXIO : fake_move(br);

	nqueued--;
	memmove(queue, queue + 1, nqueued * sizeof(queue[0]));
	br->br_done(br, rv);
}

/* A thread that answers what is queued, one after the other. */
static void
fake_thread(void *arg)
{
	for (;;) {
		thread_sleep(NSEC_PER_MSEC);
		if (nqueued > 0 && !holding)
			shim_interrupt(fake_answer, NULL);
	}
}

static int
fake_submit(void *sc, struct pv_blk_req *br)
{
	size_t len = 0;
	unsigned int i;

	if (nqueued == QUEUE) {
		nagain++;
		return -PV_EAGAIN;
	}
	for (i = 0; i < br->br_niov; i++)
		len += br->br_iov[i].iov_len;
	assert_int_equal(len, br->br_nsect * 512);
	assert_true(len <= MAXIO);
	assert_true(br->br_sect + br->br_nsect <= NSECT);
	nsubmit++;
	if (br->br_op == PV_BLK_FLUSH)
		nflush++;
	queue[nqueued++] = br;
	return 0;
}

static const struct pv_blk_ops fake_ops = { .bo_submit = fake_submit };
static struct pv_blk blk;

void
pv_blk_open(struct pv_blk *bk)
{
	assert_ptr_equal(bk, &blk);
	users++;
}

void
pv_blk_close(struct pv_blk *bk)
{
	assert_ptr_equal(bk, &blk);
	users--;
}

/* ---- tests ------------------------------------------------------------- */

static uint64_t heap;

static uint64_t
heap_used(void)
{
	struct mm_stat ms;

	mm_stat(&ms);
	return ms.ms_total - ms.ms_free;
}

/* Its partitions are read. */
static void
there(void)
{
	assert_int_equal(disk_wait("xvda", arch_now() + 10 * NSEC_PER_SEC), 0);
}

static int
setup(void **state)
{
	unsigned int i;

	memset(&blk, 0, sizeof(blk));
	blk.bk_name = "xvda";
	blk.bk_ops = &fake_ops;
	blk.bk_nsect = NSECT;
	blk.bk_bsize = 512;
	blk.bk_maxio = MAXIO;
	blk.bk_flags = PV_BLK_CANFLUSH;
	nsubmit = nagain = nflush = 0;
	holding = broken = false;
	for (i = 0; i < sizeof(media); i++)
		media[i] = (uint8_t)(i >> 9) ^ (uint8_t)i;
	memset(media, 0, 512);
	/* One partition, 100 + 200. */
	memcpy(media + 446, "\0\0\0\0\x83\0\0\0\144\0\0\0\310\0\0\0", 16);
	media[510] = 0x55;
	media[511] = 0xaa;
	disk_up(&blk);
	there();
	return 0;
}

static int
teardown(void **state)
{
	disk_down(&blk);
	assert_int_equal(users, 0);
	assert_int_equal(nqueued, 0);
	return 0;
}

static void
t_names(void **state)
{
	struct disk_info dk;
	struct disk *d;

	assert_null(disk_open("xvdb"));
	assert_int_equal(disk_info(0, &dk), 0);
	assert_string_equal(dk.dk_name, "xvda");
	assert_string_equal(dk.dk_type, "whole disk, MBR");
	assert_int_equal(disk_info(1, &dk), 0);
	assert_string_equal(dk.dk_name, "xvda1");
	assert_int_equal(dk.dk_start, 100);
	assert_int_equal(dk.dk_nsect, 200);
	assert_int_equal(disk_info(2, &dk), -PV_ENOENT);
	d = disk_open("xvda1");
	assert_non_null(d);
	assert_int_equal(users, 1);
	assert_int_equal(disk_read(d, 3, buf, 2), 0);
	assert_memory_equal(buf, media + 103 * 512, 1024);
	assert_int_equal(disk_read(d, 199, buf, 2), -PV_EINVAL);
	assert_int_equal(disk_read(d, UINT64_MAX, buf, 2), -PV_EINVAL);
	assert_int_equal(disk_read(d, 0, buf + 1, 1), -PV_EINVAL);
	disk_close(d);
	assert_int_equal(users, 0);
}

/* Cut into requests, more than the driver takes at once. */
static void
t_large(void **state)
{
	struct disk *d = disk_open("xvda");
	struct pv_iov iov[3] = { { buf, 512 }, { buf + 4096, 20480 },
	    { buf + 32768, 1024 } };

	assert_int_equal(disk_read(d, 7, buf, sizeof(buf) / 512), 0);
	assert_memory_equal(buf, media + 7 * 512, sizeof(buf));
	assert_true(nagain > 0);
	memset(buf, 0xab, sizeof(buf));
	assert_int_equal(disk_iov(d, PV_BLK_READ, 50, iov, 3), 0);
	assert_memory_equal(buf, media + 50 * 512, 512);
	assert_memory_equal(buf + 4096, media + 51 * 512, 20480);
	assert_memory_equal(buf + 32768, media + 91 * 512, 1024);
	assert_int_equal(buf[512], 0xab);
	assert_int_equal(buf[32768 + 1024], 0xab);
	assert_int_equal(disk_write(d, 2000, buf, 100), 0);
	assert_memory_equal(buf, media + 2000 * 512, 51200);
	assert_int_equal(disk_flush(d), 0);
	assert_int_equal(nflush, 1);
	broken = true;
	assert_int_equal(disk_read(d, 0, buf, 100), -PV_EIO);
	disk_close(d);
}

static void
t_noflush(void **state)
{
	struct disk *d = disk_open("xvda");

	blk.bk_flags = 0;
	assert_int_equal(disk_flush(d), 0);
	assert_int_equal(nflush, 0);
	disk_close(d);
}

static int reader_rv;
static bool reader_ended;

static void
reader(void *arg)
{
	struct disk *d = arg;

	reader_rv = disk_read(d, 0, buf, sizeof(buf) / 512);
	reader_ended = true;
}

static void
fail_all(void *arg)
{
	while (nqueued > 0) {
		thread_sleep(NSEC_PER_MSEC);
		shim_interrupt(fake_answer, &nqueued);
	}
}

/* The device goes while a transfer waits for it. */
static void
t_gone(void **state)
{
	struct disk *d = disk_open("xvda");
	struct disk_info dk;

	holding = true;
	reader_ended = false;
	assert_non_null(thread_create("reader", reader, d, 0));
	thread_sleep(20 * NSEC_PER_MSEC);
	assert_int_equal(nqueued, QUEUE);
	assert_false(reader_ended);
	assert_non_null(thread_create("fail", fail_all, NULL, 0));
	disk_down(&blk);
	assert_int_equal(nqueued, 0);
	assert_int_equal(users, 0);
	thread_sleep(50 * NSEC_PER_MSEC);
	assert_true(reader_ended);
	assert_int_equal(reader_rv, -PV_ENXIO);
	assert_int_equal(disk_read(d, 0, buf, 1), -PV_ENXIO);
	assert_int_equal(disk_flush(d), -PV_ENXIO);
	disk_stat(d, &dk);
	assert_null(dk.dk_blk);
	assert_null(disk_open("xvda"));
	assert_int_equal(disk_info(0, &dk), -PV_ENOENT);
	disk_close(d);
	/* And it comes back. */
	holding = false;
	disk_up(&blk);
	there();
	d = disk_open("xvda");
	assert_int_equal(disk_read(d, 0, buf, 1), 0);
	disk_close(d);
}

/*
 * One that does not answer: who brought it is not held up, and nobody sees
 * it until it does, or it goes.
 */
static void
t_silent(void **state)
{
	struct disk_info dk;
	int i;

	disk_down(&blk);
	thread_sleep(20 * NSEC_PER_MSEC);	/* dead threads are freed */
	heap = heap_used();
	holding = true;
	for (i = 0; i < 3; i++) {
		disk_up(&blk);
		thread_sleep(20 * NSEC_PER_MSEC);
		assert_int_equal(nqueued, 1);
		assert_null(disk_open("xvda"));
		assert_int_equal(disk_info(0, &dk), -PV_ENOENT);
		assert_non_null(thread_create("fail", fail_all, NULL, 0));
		disk_down(&blk);
		thread_sleep(20 * NSEC_PER_MSEC);
		assert_int_equal(heap_used(), heap);
	}
	disk_up(&blk);
	thread_sleep(20 * NSEC_PER_MSEC);
	holding = false;
	there();
}

static void
t_wait(void **state)
{
	uint64_t now = arch_now();

	assert_int_equal(disk_wait("xvda1", now), 0);
	assert_int_equal(disk_wait("xvdz", now + 10 * NSEC_PER_MSEC),
	    -PV_ETIMEDOUT);
	assert_true(arch_now() >= now + 10 * NSEC_PER_MSEC);
}

static void
t_background(void **state)
{
	struct disk *d = disk_open("xvda");
	struct pv_iov iov = { buf, 32768 };
	struct disk_xfer dx;

	disk_start(&dx, d, PV_BLK_READ, 10, &iov, 1);
	assert_int_equal(disk_finish(&dx), 0);
	assert_memory_equal(buf, media + 5120, 32768);
	disk_start(&dx, d, PV_BLK_READ, NSECT, &iov, 1);
	assert_int_equal(disk_finish(&dx), -PV_EINVAL);
	disk_close(d);
}

#define NOWN	40

static struct pv_blk_req own[NOWN];
static struct pv_iov owniov[NOWN];
static int ownrv[NOWN];			/* 1: not answered yet */
static unsigned int nown;

static void
own_done(struct pv_blk_req *br, int rv)
{
	assert_int_equal(ownrv[br - own], 1);
	ownrv[br - own] = rv;
	nown++;
}

/* The n-th request, of a sector, step apart. */
static int
own_read(struct disk *d, unsigned int n, unsigned int step)
{
	int rv;

	owniov[n] = (struct pv_iov){ buf + n * 512, 512 };
	own[n] = (struct pv_blk_req){ .br_op = PV_BLK_READ, .br_nsect = 1,
	    .br_sect = n * step, .br_iov = &owniov[n], .br_niov = 1,
	    .br_done = own_done };
	ownrv[n] = 1;
	rv = disk_submit(d, &own[n]);
	if (rv != 0)
		ownrv[n] = rv;
	return rv;
}

/* Requests of others: as many as there are slots, merged where they meet. */
static void
t_submit(void **state)
{
	struct disk *d = disk_open("xvda1");
	unsigned int i, n;

	for (i = 1; i <= 2; i++) {
		memset(buf, 0, sizeof(buf));
		holding = true;
		nown = nsubmit = 0;
		for (n = 0; n < NOWN && own_read(d, n, 3 - i) == 0; n++)
			;
		assert_int_equal(n, 32);
		assert_int_equal(ownrv[n], -PV_EAGAIN);
		assert_int_equal(nown, 0);
		holding = false;
		while (nown < 32)
			thread_sleep(NSEC_PER_MSEC);
		for (n = 0; n < 32; n++) {
			assert_int_equal(ownrv[n], 0);
			assert_memory_equal(buf + n * 512, media +
			    (100 + n * (3 - i)) * 512, 512);
		}
		assert_true(i == 1 ? nsubmit == 32 : nsubmit < 8);
	}
	own[0] = (struct pv_blk_req){ .br_op = PV_BLK_FLUSH,
	    .br_done = own_done };
	ownrv[0] = 1;
	assert_int_equal(disk_submit(d, &own[0]), 0);
	while (ownrv[0] == 1)
		thread_sleep(NSEC_PER_MSEC);
	assert_int_equal(ownrv[0], 0);
	assert_int_equal(nflush, 1);
	assert_int_equal(own_read(d, 2, 100), -PV_EINVAL);
	disk_close(d);
}

/* The device goes while it has some of them, and others wait. */
static void
t_submit_gone(void **state)
{
	struct disk *d = disk_open("xvda");
	unsigned int n;

	holding = true;
	nown = 0;
	for (n = 0; n < 10; n++)
		assert_int_equal(own_read(d, n, 2), 0);
	assert_non_null(thread_create("fail", fail_all, NULL, 0));
	disk_down(&blk);
	assert_int_equal(nown, 10);
	thread_sleep(50 * NSEC_PER_MSEC);	/* until that thread ends */
	for (n = 0; n < 10; n++)
		assert_int_equal(ownrv[n], -PV_ENXIO);
	assert_int_equal(own_read(d, 10, 2), -PV_ENXIO);
	disk_close(d);
	holding = false;
	disk_up(&blk);
}

/* Many rounds leave no memory behind. */
static void
t_rounds(void **state)
{
	int i;

	disk_down(&blk);
	thread_sleep(20 * NSEC_PER_MSEC);	/* dead threads are freed */
	heap = heap_used();
	for (i = 0; i < 50; i++) {
		disk_up(&blk);
		if (i % 2 != 0)
			there();
		disk_down(&blk);
	}
	thread_sleep(20 * NSEC_PER_MSEC);
	assert_int_equal(heap_used(), heap);
	disk_up(&blk);
}

int
main(void)
{
#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(t_names),
		T(t_large),
		T(t_noflush),
		T(t_gone),
		T(t_silent),
		T(t_wait),
		T(t_background),
		T(t_submit),
		T(t_submit_gone),
		T(t_rounds),
	};

	shim_reset();
	shim_ram(&bi, SHIM_RAM);
	mm_init(&bi);
	time_init();
	sched_init();
	if (thread_create("fake", fake_thread, NULL, 0) == NULL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
