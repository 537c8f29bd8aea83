/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_fs.c -- the file-system port against images made by mke2fs; what it
 * leaves behind is judged by e2fsck and read by debugfs.
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

#define CHUNK	(1 << 20)

static char dir[64], image[96];
static uint8_t data[4 * CHUNK] __attribute__((__aligned__(4096)));
static uint8_t back[4 * CHUNK] __attribute__((__aligned__(4096)));
static uint64_t seed = 42;

/* ---- tools ------------------------------------------------------------- */

static uint32_t
rnd(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return seed >> 33;
}

static void
fill(uint8_t *p, size_t len, uint32_t key)
{
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (i * 31 + (i >> 8) * 7 + key) ^ (i >> 13);
}

static int
run(const char *fmt, ...)
{
	char cmd[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	return system(cmd);
}

static void
make(const char *options, const char *size)
{
	unlink(image);
	assert_int_equal(run("mke2fs -q -F %s %s %s >%s/out 2>&1", options,
	    image, size, dir), 0);
	fs_shim_reset(image);
}

static void
check(void)
{
	if (run("e2fsck -fn %s >%s/out 2>&1", image, dir) == 0)
		return;
	run("cat %s/out", dir);
	fail_msg("e2fsck found something; log:\n%s", fs_shim_log);
}

static void
poke(long at, const void *buf, size_t len)
{
	FILE *f = fopen(image, "r+");

	assert_non_null(f);
	fseek(f, at, SEEK_SET);
	assert_int_equal(fwrite(buf, 1, len, f), len);
	fclose(f);
}

/* Write len bytes of data in pieces of at most `piece'. */
static int
put(const char *path, unsigned int flags, uint64_t off, size_t len,
    size_t piece)
{
	struct file *fl;
	size_t done, n;
	ptrdiff_t w = 0;
	int rv;

	rv = file_open(path, FILE_WRITE | flags, &fl);
	if (rv != 0)
		return rv;
	for (done = 0; done < len && w >= 0; done += n) {
		n = len - done < piece ? len - done : piece;
		w = file_write(fl, off + done, data + done, n);
	}
	rv = file_fsync(fl);
	file_close(fl);
	return w < 0 ? (int)w : rv;
}

static ptrdiff_t
get(const char *path, uint64_t off, size_t len, size_t piece)
{
	struct file *fl;
	size_t done = 0;
	ptrdiff_t n;
	int rv;

	memset(back, 0xee, sizeof(back));
	rv = file_open(path, FILE_READ, &fl);
	if (rv != 0)
		return rv;
	do {
		n = file_read(fl, off + done, back + done,
		    len - done < piece ? len - done : piece);
		if (n > 0)
			done += n;
	} while (n > 0 && done < len);
	file_close(fl);
	return n < 0 ? n : (ptrdiff_t)done;
}

static void
same(const char *path, uint32_t key, size_t len, size_t piece)
{
	fill(data, len, key);
	assert_int_equal(get(path, 0, sizeof(back), piece), len);
	assert_memory_equal(back, data, len);
}

static int
count_one(void *arg, const struct file_dirent *de)
{
	(void)de;
	(*(int *)arg)++;
	return 0;
}

static int
count(const char *path)
{
	int n = 0, rv;

	rv = file_readdir(path, count_one, &n);
	return rv != 0 ? rv : n;
}

/* ---- a tree, on each kind of file system ------------------------------- */

static const size_t sizes[] = { 0, 1, 511, 512, 4095, 4096, 4097, 10000,
	65536, 65537, CHUNK + 3, 3 * CHUNK };

static void
tree_files(void)
{
	char path[64];
	size_t i;

	assert_int_equal(file_mkdir("/a"), 0);
	assert_int_equal(file_mkdir("/a/b"), 0);
	assert_int_equal(file_mkdir("/a/b"), -PV_EEXIST);
	assert_int_equal(file_mkdir("/nowhere/b"), -PV_ENOENT);
	for (i = 0; i < PV_NELEM(sizes); i++) {
		snprintf(path, sizeof(path), "/a/b/f%zu", sizes[i]);
		fill(data, sizes[i], i);
		assert_int_equal(put(path, FILE_CREATE, 0, sizes[i],
		    i % 2 ? 1460 : 300000), 0);
	}
	for (i = 0; i < PV_NELEM(sizes); i++) {
		snprintf(path, sizeof(path), "/a/b/f%zu", sizes[i]);
		same(path, i, sizes[i], i % 2 ? 777 : CHUNK);
		same(path, i, sizes[i], i % 2 ? 65536 : 4096);
	}
	assert_int_equal(count("/a/b"), PV_NELEM(sizes));
}

static void
tree_names(void)
{
	struct file_stat st;
	char path[64];
	int i;

	assert_int_equal(file_mkdir("/many"), 0);
	fill(data, 100, 7);
	for (i = 0; i < 400; i++) {
		snprintf(path, sizeof(path), "/many/a-rather-long-name-%d", i);
		assert_int_equal(put(path, FILE_CREATE, 0, 100, 100), 0);
	}
	assert_int_equal(count("/many"), 400);
	for (i = 0; i < 400; i += 2) {
		snprintf(path, sizeof(path), "/many/a-rather-long-name-%d", i);
		assert_int_equal(file_unlink(path), 0);
		assert_int_equal(file_unlink(path), -PV_ENOENT);
	}
	assert_int_equal(count("/many"), 200);
	assert_int_equal(file_rmdir("/many"), -PV_EBUSY);
	assert_int_equal(file_unlink("/many"), -PV_EISDIR);
	assert_int_equal(file_rename("/many", "/a/much"), 0);
	assert_int_equal(file_rename("/a", "/a/b/c"), -PV_EINVAL);
	assert_int_equal(file_rename("/a/b/f1", "/a/much/f1"), 0);
	assert_int_equal(file_rename("/a/much/f1", "/a/b/f512"), 0);
	same("/a/b/f512", 1, 1, 10);
	assert_int_equal(file_stat("/a/much/../b/./f512", &st), 0);
	assert_int_equal(st.fs_size, 1);
	assert_int_equal(st.fs_type, FILE_REG);
	assert_int_equal(file_mkdir("/a/empty"), 0);
	assert_int_equal(file_rmdir("/a/empty"), 0);
	assert_int_equal(file_stat("/a/empty", &st), -PV_ENOENT);
	assert_int_equal(file_stat("/a/b/f512/x", &st), -PV_ENOENT);
	assert_int_equal(file_rmdir("/"), -PV_EBUSY);
}

/* Overwriting, appending, holes, truncation, unlinking under a reader. */
static void
tree_changes(void)
{
	struct file *fl;

	fill(data, 200000, 9);
	assert_int_equal(put("/c", FILE_CREATE, 0, 200000, 5000), 0);
	fill(data, 300, 77);
	assert_int_equal(put("/c", 0, 4000, 300, 300), 0);
	assert_int_equal(put("/c", 0, 199900, 300, 7), 0);
	assert_int_equal(get("/c", 0, sizeof(back), 9999), 200200);
	assert_memory_equal(back + 4000, data, 300);
	assert_memory_equal(back + 199900, data, 300);
	fill(data, 200000, 9);
	assert_memory_equal(back, data, 4000);
	assert_memory_equal(back + 4300, data + 4300, 199900 - 4300);

	fill(data, 5000, 3);
	assert_int_equal(put("/sparse", FILE_CREATE, 1000001, 5000, 600), 0);
	assert_int_equal(get("/sparse", 0, sizeof(back), 50000), 1005001);
	memset(data + CHUNK, 0, 1000001);
	assert_memory_equal(back, data + CHUNK, 1000001);
	assert_memory_equal(back + 1000001, data, 5000);
	assert_int_equal(put("/sparse", 0, 500000, 5000, 5000), 0);
	assert_int_equal(get("/sparse", 500000, 5000, 5000), 5000);
	assert_memory_equal(back, data, 5000);

	assert_int_equal(file_open("/c", FILE_READ, &fl), 0);
	assert_int_equal(file_unlink("/c"), 0);
	assert_int_equal(fs_unmount("/"), -PV_EBUSY);
	assert_int_equal(file_read(fl, 100000, back, 1000), 1000);
	fill(data, 200000, 9);
	assert_memory_equal(back, data + 100000, 1000);
	file_close(fl);

	fill(data, 70000, 5);
	assert_int_equal(put("/t", FILE_CREATE, 0, 70000, 70000), 0);
	assert_int_equal(put("/t", FILE_CREATE | FILE_TRUNC, 0, 10, 10), 0);
	same("/t", 5, 10, 10);
	assert_int_equal(put("/t", FILE_CREATE | FILE_EXCL, 0, 10, 10),
	    -PV_EEXIST);
	assert_int_equal(put("/a", 0, 0, 10, 10), -PV_EISDIR);
}

static void
tree(const char *options)
{
	char name[96];
	FILE *f;

	make(options, "64M");
	assert_int_equal(fs_mount("xvda", "/", true), 0);
	tree_files();
	tree_names();
	assert_int_equal(fs_sync(), 0);
	tree_changes();
	assert_int_equal(fs_unmount("/"), 0);
	assert_int_equal(fs_shim_disk.nopen, 0);
	check();
	/* What debugfs reads is what we wrote. */
	fill(data, CHUNK + 3, 10);
	assert_int_equal(run("debugfs -R 'dump /a/b/f1048579 %s/f' %s"
	    " >%s/out 2>&1", dir, image, dir), 0);
	snprintf(name, sizeof(name), "%s/f", dir);
	f = fopen(name, "r");
	assert_non_null(f);
	assert_int_equal(fread(back, 1, sizeof(back), f), CHUNK + 3);
	fclose(f);
	assert_memory_equal(back, data, CHUNK + 3);
	/* And once more, read-only. */
	assert_int_equal(fs_mount("xvda", "/", false), 0);
	same("/a/b/f3145728", 11, 3 * CHUNK, 65536);
	assert_int_equal(file_unlink("/a/b/f0"), -PV_EROFS);
	assert_int_equal(put("/new", FILE_CREATE, 0, 1, 1), -PV_EROFS);
	assert_int_equal(fs_unmount("/"), 0);
}

static void
t_ext4(void **state)
{
	tree("-t ext4");
	tree("-t ext4 -b 1024");
	tree("-t ext4 -O ^metadata_csum,^64bit,^flex_bg");
	tree("-t ext4 -O inline_data");
	tree("-t ext4 -b 2048 -O ^has_journal");
}

static void
t_ext2(void **state)
{
	tree("-t ext2 -b 1024");
	tree("-t ext2 -I 128");
	tree("-t ext3");
}

static void
t_blocks4096(void **state)
{
	make("-t ext4 -b 4096", "32M");
	fs_shim_disk.bsize = 4096;
	assert_int_equal(fs_mount("xvda", "/", true), 0);
	tree_files();
	tree_changes();
	assert_int_equal(fs_unmount("/"), 0);
	check();
}

/* A directory that the host has indexed takes more names and loses some. */
static void
t_htree(void **state)
{
	char path[300];
	int i;

	assert_int_equal(run("rm -rf %s/src; mkdir -p %s/src/d; cd %s/src/d &&"
	    " for i in $(seq 1500); do echo $i >file-with-a-name-$i; done",
	    dir, dir, dir), 0);
	snprintf(path, sizeof(path), "-t ext4 -d %s/src", dir);
	make(path, "64M");
	assert_in_range(run("e2fsck -fyD %s >%s/out 2>&1", image, dir), 0,
	    256);
	assert_int_equal(fs_mount("xvda", "/", true), 0);
	assert_int_equal(count("/d"), 1500);
	for (i = 0; i < 600; i++) {
		snprintf(path, sizeof(path), "/d/one-more-file-%d", i);
		assert_int_equal(put(path, FILE_CREATE, 0, 10, 10), 0);
		snprintf(path, sizeof(path), "/d/file-with-a-name-%d",
		    i * 2 + 1);
		assert_int_equal(file_unlink(path), 0);
	}
	assert_int_equal(count("/d"), 1500);
	assert_int_equal(file_rename("/d", "/e"), 0);
	assert_int_equal(get("/e/file-with-a-name-1500", 0, 100, 100), 5);
	assert_memory_equal(back, "1500\n", 5);
	assert_int_equal(fs_unmount("/"), 0);
	check();
}

static void
t_links(void **state)
{
	char option[100];
	struct file_stat st;

	assert_int_equal(run("rm -rf %s/src; mkdir -p %s/src/d; cd %s/src &&"
	    " echo hello >d/f; ln -s d/f l; ln -s /d ld; ln -s loop loop;"
	    " ln d/f hard; ln -s nowhere dead; fallocate -l 100000 pre", dir,
	    dir, dir), 0);
	snprintf(option, sizeof(option), "-t ext4 -d %s/src", dir);
	make(option, "16M");
	assert_int_equal(fs_mount("xvda", "/", true), 0);
	assert_int_equal(get("/l", 0, 100, 100), 6);
	assert_int_equal(get("/ld/f", 0, 100, 100), 6);
	assert_int_equal(file_stat("/ld", &st), 0);
	assert_int_equal(st.fs_type, FILE_DIR);
	assert_int_equal(get("/loop", 0, 100, 100), -PV_EINVAL);
	assert_int_equal(get("/dead", 0, 100, 100), -PV_ENOENT);
	assert_int_equal(put("/dead", FILE_CREATE, 0, 1, 1), -PV_EEXIST);
	assert_int_equal(file_unlink("/hard"), 0);
	assert_int_equal(get("/d/f", 0, 100, 100), 6);
	assert_int_equal(file_unlink("/l"), 0);
	fill(data, 5000, 2);
	assert_int_equal(put("/pre", 0, 50000, 5000, 5000), 0);
	assert_int_equal(get("/pre", 50000, 5000, 5000), 5000);
	assert_memory_equal(back, data, 5000);
	assert_int_equal(fs_unmount("/"), 0);
	check();
}

static void
t_full(void **state)
{
	struct fs_info fi;
	char path[32];
	int i, rv = 0;

	make("-t ext4", "8M");
	assert_int_equal(fs_mount("xvda", "/", true), 0);
	for (i = 0; i < 100 && rv == 0; i++) {
		snprintf(path, sizeof(path), "/f%d", i);
		rv = put(path, FILE_CREATE, 0, 400000, 20000);
	}
	assert_int_equal(rv, -PV_ENOSPC);
	assert_int_equal(fs_info(0, &fi), 0);
	assert_in_range(fi.fi_nfree, 0, 400000);
	assert_string_equal(fi.fi_type, "ext4");
	assert_int_equal(file_unlink("/f0"), 0);
	assert_int_equal(put("/g", FILE_CREATE, 0, 300000, 20000), 0);
	assert_int_equal(fs_unmount("/"), 0);
	check();
}

/* A file that has all there is, the last block too, can be removed. */
static void
t_full_file(void **state)
{
	make("-t ext4 -b 4096 -O ^has_journal", "3M");
	assert_int_equal(fs_mount("xvda", "/", true), 0);
	assert_int_equal(put("/big", FILE_CREATE, 0, 4 * CHUNK, CHUNK),
	    -PV_ENOSPC);
	fs_shim_log[0] = '\0';
	assert_int_equal(file_unlink("/big"), 0);
	assert_string_equal(fs_shim_log, "");
	assert_int_equal(fs_unmount("/"), 0);
	check();
}

/* ---- disks that are not what they should be ---------------------------- */

static void
refused(const char *why, bool writable)
{
	fs_shim_log[0] = '\0';
	if (fs_mount("xvda", "/", writable) == 0)
		fail_msg("wanted '%s', but it was mounted", why);
	if (strstr(fs_shim_log, why) == NULL)
		fail_msg("wanted '%s', got '%s'", why, fs_shim_log);
	/* One line, and nothing is left. */
	assert_ptr_equal(strchr(fs_shim_log, '\n'),
	    fs_shim_log + strlen(fs_shim_log) - 1);
	assert_int_equal(fs_shim_disk.nopen, 0);
}

static void
t_refused(void **state)
{
	static const uint8_t zero[4096], junk[4] = { 0xff, 0xff, 0xff, 0x7f };

	make("-t ext4", "16M");
	fs_shim_disk.name[3] = 'b';
	refused("no disk xvda", false);
	fs_shim_disk.name[3] = 'a';
	fs_shim_disk.ro = true;
	refused("read-only disk", true);
	fs_shim_disk.ro = false;
	assert_int_equal(fs_mount("xvda", "/x", false), -PV_EINVAL);

	poke(1024 + 4, junk, 4);		/* blocks in all */
	refused("the disk only", false);
	make("-t ext4", "16M");
	poke(1024 + 0x78, junk, 4);		/* the name: the sum is off */
	refused("superblock is corrupt", false);
	make("-t ext4 -b 4096", "16M");
	poke(4096 + 8, junk, 4);		/* group 0's inode table */
	refused("run e2fsck", false);
	make("-t ext4 -b 4096 -O ^metadata_csum,^uninit_bg", "16M");
	poke(4096 + 8, junk, 4);
	refused("run e2fsck", false);
	make("-t ext4 -O ^metadata_csum", "16M");
	poke(1024 + 0x60, junk, 4);		/* features */
	refused("features", false);
	make("-t ext4", "16M");
	poke(1024, zero, 1024);
	poke(0, "XFSB", 4);
	refused("XFS", false);
	poke(0, zero, 4096);
	assert_int_equal(truncate(image, 4096), 0);
	refused("blank", true);
	assert_int_equal(truncate(image, 0), 0);
	refused("blank", false);
}

static void
t_unclean(void **state)
{
	make("-t ext4", "16M");
	assert_int_equal(run("printf 'ssv state 0\n' | debugfs -w -f - %s"
	    " >%s/out 2>&1", image, dir), 0);
	refused("not unmounted cleanly", true);
	assert_int_equal(fs_mount("xvda", "/", false), 0);
	assert_int_equal(fs_unmount("/"), 0);
}

/* debugfs writes a transaction that only the journal has. */
static void
t_journal(void **state)
{
	make("-t ext4 -b 4096", "32M");
	fill(data, 4096, 99);
	fs_shim_ram = 32u << 20;
	assert_int_equal(fs_mount("xvda", "/", true), 0);
	assert_int_equal(put("/f", FILE_CREATE, 0, 4096, 4096), 0);
	assert_int_equal(fs_unmount("/"), 0);
	check();
	assert_int_equal(run("B=$(debugfs -R 'blocks /f' %s 2>%s/out);"
	    " head -c 4096 /dev/zero | tr '\\0' Q >%s/q;"
	    " printf \"jo\njw -b $B %s/q\njc\n\" |"
	    " debugfs -w -f - %s >%s/out 2>&1", image, dir, dir, dir, image,
	    dir), 0);
	fs_shim_disk.ro = true;
	refused("journal has to be replayed", false);
	fs_shim_disk.ro = false;
	fs_shim_log[0] = '\0';
	assert_int_equal(fs_mount("xvda", "/", true), 0);
	assert_non_null(strstr(fs_shim_log, "replayed"));
	assert_int_equal(get("/f", 0, 4096, 4096), 4096);
	memset(data, 'Q', 4096);
	assert_memory_equal(back, data, 4096);
	assert_int_equal(fs_unmount("/"), 0);
	check();
}

/* The disk goes away, or fails to write, in the middle of everything. */
static void
t_gone(void **state)
{
	struct file *fl;
	int i, n;

	make("-t ext4", "16M");
	assert_int_equal(fs_mount("xvda", "/", true), 0);
	assert_int_equal(put("/f", FILE_CREATE, 0, 100000, 10000), 0);
	assert_int_equal(file_open("/f", FILE_READ | FILE_WRITE, &fl), 0);
	fs_shim_disk.gone = true;
	assert_int_equal(file_read(fl, 0, back, 50000), -PV_ENXIO);
	assert_int_equal(file_write(fl, 0, data, 50000), -PV_ENXIO);
	file_close(fl);
	assert_int_not_equal(fs_sync(), 0);
	fs_unmount("/");
	assert_int_equal(fs_shim_disk.nopen, 0);

	for (n = 0; n < 60; n += 3) {
		make("-t ext4", "16M");
		assert_int_equal(fs_mount("xvda", "/", true), 0);
		fs_shim_disk.writes_left = n;
		for (i = 0; i < 20; i++) {
			put("/g", FILE_CREATE, i * 50000, 50000, 7000);
			file_mkdir("/d");
			fs_sync();
		}
		fs_unmount("/");
		assert_int_equal(fs_shim_disk.nopen, 0);
	}
}

static void
t_stop(void **state)
{
	struct file *fl, *gone;

	make("-t ext4", "16M");
	assert_int_equal(fs_mount("xvda", "/", true), 0);
	assert_int_equal(put("/f", FILE_CREATE, 0, 100000, 10000), 0);
	assert_int_equal(put("/gone", FILE_CREATE, 0, 100000, 10000), 0);
	assert_int_equal(file_open("/f", FILE_READ | FILE_WRITE, &fl), 0);
	assert_int_equal(file_open("/gone", FILE_READ, &gone), 0);
	assert_int_equal(file_unlink("/gone"), 0);
	assert_int_equal(file_write(fl, 5, data, 5000), 5000);
	fs_unmount_all();
	check();
	assert_int_equal(file_read(gone, 0, back, 5000), -PV_ENXIO);
	assert_int_equal(file_unlink("/f"), -PV_ENODEV);
	file_close(fl);
	file_close(gone);
	assert_int_equal(fs_unmount("/"), 0);
	check();
}

/* Where the first block of a file lies. */
static long
block_of(const char *path)
{
	char name[96];
	long at = 0;
	FILE *f;

	run("debugfs -R 'blocks %s' %s 2>%s/out >%s/f", path, image, dir,
	    dir);
	snprintf(name, sizeof(name), "%s/f", dir);
	f = fopen(name, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld", &at), 1);
	fclose(f);
	return at;
}

/* Damage that is met on the way is told once, and the rest works. */
static void
t_damaged(void **state)
{
	static const uint8_t junk[64] = { 0xff };
	char option[100];
	const char *said;

	assert_int_equal(run("rm -rf %s/src; mkdir -p %s/src/d; cd %s/src &&"
	    " echo hello >d/f; echo hello >g", dir, dir, dir), 0);
	snprintf(option, sizeof(option), "-t ext4 -b 1024 -d %s/src", dir);
	make(option, "8M");
	poke(block_of("/d") * 1024, junk, sizeof(junk));
	assert_int_equal(fs_mount("xvda", "/", false), 0);
	assert_int_equal(count("/d"), -PV_EIO);
	assert_int_equal(get("/d/f", 0, 100, 100), -PV_EIO);
	assert_int_equal(get("/g", 0, 100, 100), 6);
	assert_int_equal(count("/"), 3);
	said = strstr(fs_shim_log, "is corrupt");
	assert_non_null(said);
	assert_null(strstr(said + 1, "is corrupt"));
	assert_int_equal(fs_unmount("/"), 0);
}

/* ---- corruption, at random --------------------------------------------- */

static char found[64][300];
static int nfound;

static int
walk_one(void *arg, const struct file_dirent *de)
{
	if (nfound < 64)
		snprintf(found[nfound++], sizeof(found[0]), "%s/%s",
		    (const char *)arg, de->de_name);
	return 0;
}

static void
walk(void)
{
	struct file_stat st;
	char path[300];
	int i;

	nfound = 0;
	snprintf(path, sizeof(path), "/");
	file_readdir(path, walk_one, path);
	for (i = 0; i < nfound; i++) {
		snprintf(path, sizeof(path), "%s", found[i]);
		if (file_stat(path, &st) != 0)
			continue;
		if (st.fs_type == FILE_DIR && strlen(path) < 40)
			file_readdir(path, walk_one, path);
		else
			get(path, 0, sizeof(back), 30000);
	}
}

static void
change(void)
{
	int i;

	for (i = 0; i < nfound; i += 3) {
		put(found[i], 0, 1000, 50000, 3000);
		file_rename(found[i], "/renamed");
		file_unlink(found[i]);
		file_mkdir("/x");
		put("/x/y", FILE_CREATE, 0, 100000, 10000);
	}
	file_rmdir("/x");
	fs_sync();
}

/* A transaction in the journal, and that damaged. */
static void
corrupt_journal(int rounds)
{
	uint32_t junk;
	long at;
	int i, n;

	make("-t ext4 -b 1024", "8M");
	assert_int_equal(run("head -c 20480 /dev/urandom >%s/q; printf 'jo\n"
	    "jw -b 3000-3019 %s/q\njw -r 3000-3010\njw -b 4000-4009 %s/q\n"
	    "jc\n' | debugfs -w -f - %s >%s/out 2>&1; cp %s %s.good", dir,
	    dir, dir, image, dir, image, image), 0);
	at = block_of("<8>") * 1024;
	for (i = 0; i < rounds; i++) {
		assert_int_equal(run("cp %s.good %s", image, image), 0);
		fs_shim_reset(image);
		for (n = rnd() % 6; n > 0; n--) {
			junk = rnd() % 2 ? rnd() : rnd() % 100;
			poke(at + (rnd() % 2 ? rnd() % 100 :
			    rnd() % (60 * 1024)), &junk, 1u << rnd() % 3);
		}
		if (fs_mount("xvda", "/", true) == 0) {
			walk();
			fs_unmount("/");
		}
		assert_int_equal(fs_shim_disk.nopen, 0);
	}
}

static void
corrupt(const char *options, int rounds)
{
	char command[300];
	uint8_t junk[16];
	int i, n;

	assert_int_equal(run("rm -rf %s/src; mkdir -p %s/src/d/e; cd %s/src &&"
	    " for i in $(seq 20); do head -c ${i}000 /dev/zero >d/f$i; ln -s"
	    " d/f$i l$i; done; head -c 500000 /dev/zero >d/e/big", dir, dir,
	    dir), 0);
	snprintf(command, sizeof(command), "-d %s/src %s", dir, options);
	make(command, "4M");
	assert_int_equal(run("cp %s %s.good", image, image), 0);
	for (i = 0; i < rounds; i++) {
		assert_int_equal(run("cp %s.good %s", image, image), 0);
		fs_shim_reset(image);
		for (n = rnd() % 20 + 1; n > 0; n--) {
			*(uint32_t *)junk = rnd() % 3 ? rnd() : rnd() % 100;
			poke(rnd() % 4 == 0 ? 1024 + rnd() % 4096 :
			    rnd() % (600 * 1024), junk, 1u << rnd() % 3);
		}
		if (fs_mount("xvda", "/", i % 2) != 0)
			continue;
		walk();
		if (i % 2)
			change();
		fs_unmount("/");
		assert_int_equal(fs_shim_disk.nopen, 0);
	}
}

static void
t_corrupt(void **state)
{
	int rounds = getenv("ROUNDS") ? atoi(getenv("ROUNDS")) : 60;

	if (getenv("SEED"))
		seed = atoi(getenv("SEED"));
	corrupt("-t ext4 -b 1024 -O ^metadata_csum,^has_journal", rounds);
	corrupt("-t ext4 -b 1024 -O inline_data,^has_journal", rounds);
	corrupt("-t ext2 -b 1024", rounds);
	corrupt_journal(rounds);
}

static int
setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/t_fs.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(image, sizeof(image), "%s/image", dir);
	setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
	setenv("MKE2FS_SYNC", "0", 1);
	return 0;
}

static int
teardown(void **state)
{
	return run("rm -rf %s", dir);
}

/* What a failed test left must not fail the next. */
static int
cleanup(void **state)
{
	fs_unmount("/");
	return 0;
}

int
main(void)
{
#define T(fn)	cmocka_unit_test_teardown(fn, cleanup)
	const struct CMUnitTest tests[] = {
		T(t_ext4),
		T(t_ext2),
		T(t_blocks4096),
		T(t_htree),
		T(t_links),
		T(t_full), T(t_full_file),
		T(t_refused),
		T(t_unclean),
		T(t_journal),
		T(t_gone),
		T(t_stop),
		T(t_damaged),
		T(t_corrupt),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
