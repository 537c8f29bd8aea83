/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_fs_punch.c -- parts of files given back, to the file system and to the
 * disk below; e2fsck judges what is left, and a copy in memory what is read.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fs_shim.h"

#include <file.h>
#include <pv/errno.h>

#define SIZE	(4u << 20)

static char dir[64], image[96];
static uint8_t want[SIZE], back[SIZE] __attribute__((__aligned__(4096)));
static uint64_t seed = 7;

static uint32_t
rnd(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return seed >> 33;
}

static int
run(const char *fmt, ...)
{
	char cmd[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	return system(cmd);
}

static struct file *
begin(const char *options)
{
	struct file *fl;
	size_t i;

	unlink(image);
	assert_int_equal(run("mke2fs -q -F %s %s 16M >%s/out 2>&1", options,
	    image, dir), 0);
	fs_shim_reset(image);
	fs_shim_disk.candiscard = true;
	assert_int_equal(fs_mount("xvda", "/", true), 0);
	assert_int_equal(file_open("/a", FILE_READ | FILE_WRITE | FILE_CREATE,
	    &fl), 0);
	for (i = 0; i < SIZE; i++)
		want[i] = (uint8_t)(i * 31 + (i >> 9) * 7 + 1);
	assert_int_equal(file_write(fl, 0, want, SIZE), SIZE);
	assert_int_equal(file_fsync(fl), 0);
	return fl;
}

static uint64_t
nfree(void)
{
	struct fs_info fi;

	assert_int_equal(fs_info(0, &fi), 0);
	return fi.fi_nfree;
}

static void
same(struct file *fl)
{
	memset(back, 0xee, SIZE);
	assert_int_equal(file_read(fl, 0, back, SIZE), SIZE);
	assert_memory_equal(back, want, SIZE);
}

static void
end(struct file *fl)
{
	file_close(fl);
	assert_int_equal(fs_unmount("/"), 0);
	if (run("e2fsck -fn %s >%s/out 2>&1", image, dir) == 0)
		return;
	run("cat %s/out", dir);
	fail_msg("e2fsck found something; log:\n%s", fs_shim_log);
}

/* The whole blocks in a range, and no more. */
static void
t_edges(void **state)
{
	const struct {
		const char *options;
		unsigned int block;
	} way[] = { { "-t ext4 -b 4096", 4096 }, { "-t ext4 -b 1024", 1024 } };
	unsigned int i, b;
	struct file *fl;
	uint64_t was;

	for (i = 0; i < 2; i++) {
		b = way[i].block;
		fl = begin(way[i].options);
		was = nfree();
		assert_int_equal(file_punch(fl, 10 * b - 1, 3 * b + 2), 0);
		memset(want + 10 * b, 0, 3 * b);
		same(fl);
		assert_int_equal(nfree(), was + 3 * b);
		assert_int_equal(fs_shim_disk.ndiscard, 3 * b / 512);
		/* Less than a block; nothing; what has no blocks. */
		assert_int_equal(file_punch(fl, 1, b), 0);
		assert_int_equal(file_punch(fl, 2 * b, 0), 0);
		assert_int_equal(file_punch(fl, 10 * b, 3 * b), 0);
		assert_int_equal(file_punch(fl, SIZE, 1 << 20), 0);
		assert_int_equal(fs_shim_disk.ndiscard, 3 * b / 512);
		same(fl);
		end(fl);
	}
}

/* Here and there, in between writing; then all of it. */
static void
soak(const char *options)
{
	struct file *fl = begin(options);
	uint64_t was = nfree();
	uint32_t off, len, n;

	for (n = 0; n < 300; n++) {
		off = rnd() % (SIZE / 4096) * 4096;
		len = (rnd() % 40 + 1) * 4096;
		if (len > SIZE - off)
			len = SIZE - off;
		if (n % 3 == 2) {
			memset(want + off, (int)n, len);
			assert_int_equal(file_write(fl, off, want + off, len),
			    len);
		} else {
			memset(want + off, 0, len);
			assert_int_equal(file_punch(fl, off, len), 0);
		}
		if (n % 20 == 0)
			same(fl);
	}
	same(fl);
	assert_int_equal(file_punch(fl, 0, UINT64_MAX / 2), 0);
	memset(want, 0, SIZE);
	same(fl);
	assert_true(nfree() >= was + SIZE);
	end(fl);
}

static void
t_soak(void **state)
{
	soak("-t ext4 -b 4096");
	soak("-t ext4 -b 1024");
}

/* A disk that takes none; a file that is not to be written, or can not. */
static void
t_refused(void **state)
{
	struct file *fl = begin("-t ext4 -b 4096"), *other;
	uint64_t was = nfree();

	fs_shim_disk.candiscard = false;
	assert_int_equal(file_punch(fl, 0, SIZE / 2), 0);
	memset(want, 0, SIZE / 2);
	same(fl);
	assert_int_equal(nfree(), was + SIZE / 2);
	assert_int_equal(file_open("/a", FILE_READ, &other), 0);
	assert_int_equal(file_punch(other, 0, SIZE), -PV_EACCES);
	same(other);
	file_close(other);
	end(fl);
	fl = begin("-t ext2 -b 1024");
	assert_int_equal(file_punch(fl, 0, 0), -PV_EOPNOTSUPP);
	assert_int_equal(file_punch(fl, 0, SIZE), -PV_EOPNOTSUPP);
	same(fl);
	end(fl);
}

/* The file has the file system's last block. */
static void
t_last(void **state)
{
	struct file *fl = begin("-t ext4 -b 4096 -m 0"), *rest;
	int rv = 0;
	uint64_t n;

	assert_int_equal(file_open("/b", FILE_WRITE | FILE_CREATE, &rest), 0);
	for (n = 0; rv >= 0; n += 4096)
		rv = (int)file_write(rest, n, want, 4096);
	(void)file_fsync(rest);
	assert_int_equal(nfree(), 0);
	assert_int_equal(file_punch(rest, 0, n), 0);
	assert_true(nfree() > 0);
	file_close(rest);
	same(fl);
	end(fl);
}

static int
cleanup(void **state)
{
	fs_unmount_all();
	unlink(image);
	return 0;
}

#define T(fn)	cmocka_unit_test_teardown(fn, cleanup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(t_edges), T(t_soak), T(t_refused), T(t_last)
	};
	int failed;

	snprintf(dir, sizeof(dir), "/tmp/t_fs_punch.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(image, sizeof(image), "%s/image", dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	run("rm -rf %s", dir);
	return failed;
}
