/* SPDX-License-Identifier: BSD-2-Clause */
/* t_part.c -- partition tables, good and evil, on disks in memory. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <part.h>
#include <pv/errno.h>

#define DISK	(8u << 20)

static uint8_t disk[DISK];
static uint8_t buf[PART_BSIZE_MAX];
static struct part_src ps;
static struct part_table pl;
static unsigned int nwarn, nread;
static uint64_t fail_at;

static int
mem_read(void *arg, uint64_t block, void *to)
{
	uint64_t at = block * ps.ps_bsize;

	nread++;
	if (block == fail_at)
		return -PV_EIO;
	assert_true(at + ps.ps_bsize <= DISK && block < DISK);
	memcpy(to, disk + at, ps.ps_bsize);
	return 0;
}

static void
mem_warn(void *arg, const char *what, uint64_t num)
{
	nwarn++;
}

static void
blank(uint32_t bsize)
{
	memset(disk, 0, sizeof(disk));
	ps = (struct part_src){ .ps_nsect = DISK / 512, .ps_bsize = bsize,
	    .ps_read = mem_read, .ps_warn = mem_warn, .ps_buf = buf };
	fail_at = UINT64_MAX;
	nwarn = nread = 0;
}

static void
le(uint8_t *p, uint64_t v, int n)
{
	for (; n > 0; n--, v >>= 8)
		*p++ = (uint8_t)v;
}

static void
mbr(uint64_t block, int i, uint8_t type, uint32_t start, uint32_t len)
{
	uint8_t *s = disk + block * ps.ps_bsize;

	s[510] = 0x55;
	s[511] = 0xaa;
	s += 446 + i * 16;
	s[4] = type;
	le(s + 8, start, 4);
	le(s + 12, len, 4);
}

static void
scan(unsigned int npart, unsigned int warnings)
{
	nwarn = 0;
	assert_int_equal(part_scan(&ps, &pl), 0);
	assert_int_equal(pl.pl_npart, npart);
	assert_int_equal(nwarn, warnings);
}

/* ---- MBR --------------------------------------------------------------- */

static void
t_none(void **state)
{
	blank(512);
	scan(0, 0);
	assert_string_equal(pl.pl_kind, "no partition table");
	memset(disk, 0xff, 4096);
	scan(0, 0);
	disk[510] = 0x55;			/* a boot sector with code */
	disk[511] = 0xaa;
	scan(0, 0);
	memset(disk, 0, 510);			/* marked, but empty */
	scan(0, 0);
	fail_at = 0;
	assert_int_equal(part_scan(&ps, &pl), -PV_EIO);
	blank(512);
	ps.ps_nsect = 1;
	scan(0, 0);
}

static void
t_mbr(void **state)
{
	blank(512);
	mbr(0, 0, 0x83, 2048, 4096);
	mbr(0, 3, 0x82, 8192, 8192);
	scan(2, 0);
	assert_string_equal(pl.pl_kind, "MBR");
	assert_int_equal(pl.pl_part[0].pt_num, 1);
	assert_int_equal(pl.pl_part[0].pt_start, 2048);
	assert_int_equal(pl.pl_part[0].pt_nsect, 4096);
	assert_string_equal(pl.pl_part[0].pt_type, "Linux (83)");
	assert_int_equal(pl.pl_part[1].pt_num, 4);
	assert_int_equal(pl.pl_part[1].pt_start + pl.pl_part[1].pt_nsect,
	    DISK / 512);

	blank(4096);				/* counted in blocks */
	mbr(0, 0, 0x42, 256, 512);
	scan(1, 0);
	assert_int_equal(pl.pl_part[0].pt_start, 2048);
	assert_int_equal(pl.pl_part[0].pt_nsect, 4096);
	assert_string_equal(pl.pl_part[0].pt_type, "type (42)");
}

static void
t_mbr_evil(void **state)
{
	blank(512);
	mbr(0, 0, 0x83, 2048, DISK / 512 - 2047);	/* one too long */
	mbr(0, 1, 0x83, 0, 100);			/* on the table */
	mbr(0, 2, 0x83, 0xffffffff, 0xffffffff);
	mbr(0, 3, 0x83, 100, 0);
	scan(0, 4);
	blank(512);
	mbr(0, 0, 0x83, 1000, 1000);
	mbr(0, 1, 0x83, 1999, 10);			/* overlaps */
	mbr(0, 2, 0x83, 2000, 10);			/* does not */
	mbr(0, 3, 0x83, 500, 5000);			/* all around */
	scan(2, 2);
}

static void
t_extended(void **state)
{
	blank(512);
	mbr(0, 0, 0x83, 63, 937);
	mbr(0, 1, 0x05, 1000, 9000);
	mbr(1000, 0, 0x83, 63, 1000);
	mbr(1000, 1, 0x05, 2000, 2000);
	mbr(3000, 0, 0x83, 10, 100);
	scan(3, 0);
	assert_int_equal(pl.pl_part[1].pt_num, 5);
	assert_int_equal(pl.pl_part[1].pt_start, 1063);
	assert_int_equal(pl.pl_part[2].pt_num, 6);
	assert_int_equal(pl.pl_part[2].pt_start, 3010);

	mbr(3000, 1, 0x05, 2000, 2000);		/* bites its own tail */
	nread = 0;
	assert_int_equal(part_scan(&ps, &pl), 0);
	assert_in_range(nread, 1, 100);
	mbr(3000, 1, 0x05, 9000, 10);		/* leaves the partition */
	scan(3, 1);
	mbr(3000, 1, 0x05, 4000, 10);		/* leads to nothing */
	scan(3, 1);
	mbr(3000, 1, 0, 0, 0);
	mbr(3000, 0, 0x83, 6000, 2000);		/* out of the extended one */
	scan(2, 1);
	mbr(0, 1, 0x0f, 0xfffff000, 9000);
	scan(1, 1);
	mbr(0, 1, 0x0f, 1000, 9000);
	fail_at = 3000;
	assert_int_equal(part_scan(&ps, &pl), -PV_EIO);
}

/* ---- GPT --------------------------------------------------------------- */

static const uint8_t linux_guid[16] = { 0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84,
    0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4 };

static uint64_t
nblock(void)
{
	return DISK / ps.ps_bsize;
}

/* A header at block `at' with the sums right, its array at `array'. */
static void
gpt_seal(uint64_t at, uint64_t array, uint32_t n)
{
	uint8_t *h = disk + at * ps.ps_bsize;

	memcpy(h, "EFI PART", 8);
	le(h + 8, 0x10000, 4);
	le(h + 12, 92, 4);
	le(h + 16, 0, 4);
	le(h + 24, at, 8);
	le(h + 40, 40, 8);
	le(h + 48, nblock() - 40, 8);
	le(h + 72, array, 8);
	le(h + 80, n, 4);
	le(h + 84, 128, 4);
	le(h + 88, part_crc32(0, disk + array * ps.ps_bsize, n * 128), 4);
	le(h + 16, part_crc32(0, h, 92), 4);
}

static void
gpt_reseal(uint64_t at)
{
	uint8_t *h = disk + at * ps.ps_bsize;

	le(h + 16, 0, 4);
	le(h + 16, part_crc32(0, h, 92), 4);
}

static void
gpt_entry(uint64_t array, int i, uint64_t first, uint64_t last)
{
	uint8_t *e = disk + array * ps.ps_bsize + i * 128;

	memcpy(e, linux_guid, 16);
	le(e + 32, first, 8);
	le(e + 40, last, 8);
}

static void
gpt(uint32_t bsize)
{
	uint64_t copy;

	blank(bsize);
	copy = nblock() - 1 - 128 * 128 / bsize;
	mbr(0, 0, 0xee, 1, 0xffffffff);
	gpt_entry(2, 0, 100, 199);
	gpt_entry(2, 5, 200, 299);
	gpt_entry(copy, 0, 100, 199);
	gpt_entry(copy, 5, 200, 299);
	gpt_seal(1, 2, 128);
	gpt_seal(nblock() - 1, copy, 128);
}

static void
t_gpt(void **state)
{
	gpt(512);
	scan(2, 0);
	assert_string_equal(pl.pl_kind, "GPT");
	assert_string_equal(pl.pl_part[0].pt_type, "Linux filesystem");
	assert_int_equal(pl.pl_part[1].pt_num, 6);
	assert_int_equal(pl.pl_part[1].pt_start, 200);
	assert_int_equal(pl.pl_part[1].pt_nsect, 100);
	gpt(4096);
	scan(2, 0);
	assert_int_equal(pl.pl_part[1].pt_start, 1600);
}

static void
t_gpt_copy(void **state)
{
	gpt(512);
	disk[512 + 60] ^= 1;			/* the header */
	scan(2, 1);
	gpt(512);
	disk[1024 + 50] ^= 1;			/* an entry */
	scan(2, 1);
	memset(disk + DISK - 512, 0, 512);	/* and the copy as well */
	scan(0, 1);
	assert_string_equal(pl.pl_kind, "damaged GPT");
	gpt(512);
	fail_at = 1;
	assert_int_equal(part_scan(&ps, &pl), -PV_EIO);
}

/* Fields that are sealed and still lies. */
static void
t_gpt_evil(void **state)
{
	static const struct {
		int		 off, len;
		uint64_t	 val;
	} lies[] = {
		{ 12, 4, 91 }, { 12, 4, 513 }, { 12, 4, 0xffffffff },
		{ 8, 4, 0x100 }, { 24, 8, 2 }, { 48, 8, DISK / 512 },
		{ 40, 8, UINT64_MAX }, { 72, 8, 0 }, { 72, 8, DISK / 512 },
		{ 72, 8, UINT64_MAX }, { 72, 8, DISK / 512 - 1 },
		{ 80, 4, 0 }, { 80, 4, 0xffffffff }, { 80, 4, 100000 },
		{ 84, 4, 0 }, { 84, 4, 127 }, { 84, 4, 192 },
		{ 84, 4, 0x80000000 },
	};
	size_t i;

	for (i = 0; i < PV_NELEM(lies); i++) {
		gpt(512);
		memset(disk + DISK - 512, 0, 512);
		le(disk + 512 + lies[i].off, lies[i].val, lies[i].len);
		gpt_reseal(1);
		scan(0, 1);
	}
	gpt(512);
	gpt_entry(2, 1, 150, 160);		/* inside of the first */
	gpt_entry(2, 2, 39, 50);		/* on the table */
	gpt_entry(2, 3, 400, 399);
	gpt_entry(2, 4, 400, UINT64_MAX);
	gpt_seal(1, 2, 128);
	scan(2, 4);
}

static void
t_many(void **state)
{
	int i;

	gpt(512);
	for (i = 0; i < 100; i++)
		gpt_entry(2, i, 100 + i, 100 + i);
	gpt_seal(1, 2, 128);
	scan(PART_MAX, 100 - PART_MAX);
}

static void
t_crc(void **state)
{
	assert_int_equal(part_crc32(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(part_crc32(part_crc32(0, "1234", 4), "56789", 5),
	    0xcbf43926);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_none),
		cmocka_unit_test(t_mbr),
		cmocka_unit_test(t_mbr_evil),
		cmocka_unit_test(t_extended),
		cmocka_unit_test(t_gpt),
		cmocka_unit_test(t_gpt_copy),
		cmocka_unit_test(t_gpt_evil),
		cmocka_unit_test(t_many),
		cmocka_unit_test(t_crc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
