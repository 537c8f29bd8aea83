/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_scsi.c -- SCSI commands as the standards print them, and answers of which
 * any byte may be anything.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scsi.h"

#define CDB(...) ((const uint8_t[SCSI_CDB]){ __VA_ARGS__ })

static void
scsi_commands(void **state)
{
	uint8_t c[SCSI_CDB];

	memset(c, 0xee, sizeof(c));
	scsi_cdb_ready(c);
	assert_memory_equal(c, CDB(0), SCSI_CDB);
	scsi_cdb_inquiry(c, 0x1234);
	assert_memory_equal(c, CDB(0x12, 0, 0, 0x12, 0x34), SCSI_CDB);
	scsi_cdb_vpd(c, 0xb0, 64);
	assert_memory_equal(c, CDB(0x12, 1, 0xb0, 0, 64), SCSI_CDB);
	scsi_cdb_luns(c, 0x01020304);
	assert_memory_equal(c, CDB(0xa0, 0, 0, 0, 0, 0, 1, 2, 3, 4), SCSI_CDB);
	scsi_cdb_capacity10(c);
	assert_memory_equal(c, CDB(0x25), SCSI_CDB);
	scsi_cdb_capacity16(c, 32);
	assert_memory_equal(c, CDB(0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	    32), SCSI_CDB);
	scsi_cdb_mode6(c, 0x3f, 192);
	assert_memory_equal(c, CDB(0x1a, 8, 0x3f, 0, 192), SCSI_CDB);
	scsi_cdb_sync(c);
	assert_memory_equal(c, CDB(0x35), SCSI_CDB);
	scsi_cdb_unmap(c, 24);
	assert_memory_equal(c, CDB(0x42, 0, 0, 0, 0, 0, 0, 0, 24), SCSI_CDB);
}

/* The 10-byte form as long as it can say the numbers. */
static void
scsi_reads_and_writes(void **state)
{
	uint8_t c[SCSI_CDB];

	scsi_cdb_rw(c, false, 0xffffffff, 0xffff);
	assert_memory_equal(c, CDB(0x28, 0, 0xff, 0xff, 0xff, 0xff, 0, 0xff,
	    0xff), SCSI_CDB);
	scsi_cdb_rw(c, true, 0x100000000, 1);
	assert_memory_equal(c, CDB(0x8a, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
	    1), SCSI_CDB);
	scsi_cdb_rw(c, false, 5, 0x10000);
	assert_memory_equal(c, CDB(0x88, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 1, 0,
	    0), SCSI_CDB);
	scsi_cdb_rw(c, true, 0x01020304, 0x0506);
	assert_memory_equal(c, CDB(0x2a, 0, 1, 2, 3, 4, 0, 5, 6), SCSI_CDB);
}

static void
scsi_unmap(void **state)
{
	static const uint8_t want[SCSI_UNMAP_LEN] = { 0, 22, 0, 16, 0, 0, 0, 0,
	    0, 0, 0, 1, 2, 3, 4, 5, 0xa, 0xb, 0xc, 0xd };
	uint8_t list[SCSI_UNMAP_LEN];

	scsi_unmap_list(list, 0x0102030405, 0x0a0b0c0d);
	assert_memory_equal(list, want, sizeof(want));
}

static void
scsi_inquiries(void **state)
{
	uint8_t b[36] = { 0 };
	struct scsi_inquiry si;

	memcpy(b + 8, "QEMU    QEMU CD-ROM\x01    2.5+", 28);
	b[0] = 5;
	assert_int_equal(scsi_inquiry(b, 36, &si), 0);
	assert_int_equal(si.si_type, SCSI_CDROM);
	assert_true(si.si_present);
	assert_string_equal(si.si_vendor, "QEMU");
	assert_string_equal(si.si_product, "QEMU CD-ROM?");
	assert_string_equal(si.si_revision, "2.5+");
	assert_int_equal(scsi_inquiry(b, 35, &si), -PV_EPROTO);
	b[0] = 0x25;	/* there could be one, and is not */
	assert_int_equal(scsi_inquiry(b, 36, &si), 0);
	assert_false(si.si_present);
	b[0] = 0x7f;
	assert_int_equal(scsi_inquiry(b, 36, &si), 0);
	assert_false(si.si_present);
}

static void
scsi_capacities(void **state)
{
	uint8_t ten[8] = { 0, 0, 0x3f, 0xff, 0, 0, 2, 0 };
	uint8_t big[32] = { 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x10, 0 };
	struct scsi_capacity sp;

	assert_int_equal(scsi_capacity10(ten, 8, &sp), 0);
	assert_true(sp.sp_nblk == 0x4000 && sp.sp_bsize == 512);
	assert_int_equal(scsi_capacity10(ten, 7, &sp), -PV_EPROTO);
	memset(ten, 0xff, 4);
	assert_int_equal(scsi_capacity10(ten, 8, &sp), -PV_ERANGE);
	assert_int_equal(scsi_capacity16(big, 32, &sp), 0);
	assert_true(sp.sp_nblk == 0x100000001 && sp.sp_bsize == 4096);
	assert_false(sp.sp_unmap);
	big[14] = 0x80;
	assert_int_equal(scsi_capacity16(big, 32, &sp), 0);
	assert_true(sp.sp_unmap);
	assert_int_equal(scsi_capacity16(big, 12, &sp), 0);
	assert_false(sp.sp_unmap);
	assert_int_equal(scsi_capacity16(big, 11, &sp), -PV_EPROTO);
	memset(big, 0xff, 8);	/* more bytes than there are numbers */
	assert_int_equal(scsi_capacity16(big, 32, &sp), -PV_EPROTO);
}

/* Block sizes that are none. */
static void
scsi_block_sizes(void **state)
{
	static const uint8_t bad[][4] = { { 0 }, { 0, 0, 1, 0 },
	    { 0, 0, 2, 1 }, { 0, 2, 0, 0 }, { 0x80, 0, 0, 0 } };
	uint8_t ten[8] = { 0 };
	struct scsi_capacity sp;
	unsigned int i;

	for (i = 0; i < PV_NELEM(bad); i++) {
		memcpy(ten + 4, bad[i], 4);
		assert_int_equal(scsi_capacity10(ten, 8, &sp), -PV_EPROTO);
	}
}

static void
scsi_lun_lists(void **state)
{
	uint8_t b[8 + 8 * 4] = { 0, 0, 0, 32, [8] = 0, 7, [16] = 0x41, 2,
	    [24] = 0xc1, 1, [32] = 0x7f, 0xff };
	uint16_t lun[4];

	assert_int_equal(scsi_luns(b, sizeof(b), lun, 4), 3);
	assert_int_equal(lun[0], 7);
	assert_int_equal(lun[1], 0x102);
	assert_int_equal(lun[2], 0x3fff);
	assert_int_equal(scsi_luns(b, sizeof(b), lun, 1), 1);
	/* The list goes on beyond what came. */
	b[0] = 0xff;
	assert_int_equal(scsi_luns(b, 23, lun, 4), 1);
	assert_int_equal(scsi_luns(b, 8, lun, 4), 0);
	assert_int_equal(scsi_luns(b, 7, lun, 4), -PV_EPROTO);
	/* Not a whole entry. */
	memcpy(b, "\0\0\0\x0f", 4);
	assert_int_equal(scsi_luns(b, sizeof(b), lun, 4), 1);
}

static void
scsi_pages(void **state)
{
	uint8_t b[64] = { 0, 0x80, 0, 4, 'a', 'b', ' ', 7 };
	char text[8];

	scsi_vpd_serial(b, 64, text, sizeof(text));
	assert_string_equal(text, "ab ?");
	scsi_vpd_serial(b, 6, text, sizeof(text));
	assert_string_equal(text, "ab");
	scsi_vpd_serial(b, 3, text, sizeof(text));
	assert_string_equal(text, "");
	b[2] = 0xff;
	memset(b + 4, 'x', 60);
	scsi_vpd_serial(b, 64, text, sizeof(text));
	assert_string_equal(text, "xxxxxxx");
	b[1] = 0xb0;
	scsi_vpd_serial(b, 64, text, sizeof(text));
	assert_string_equal(text, "");
	memcpy(b + 20, "\1\2\3\4", 4);
	assert_int_equal(scsi_vpd_maxunmap(b, 64), 0x01020304);
	assert_int_equal(scsi_vpd_maxunmap(b, 23), 0);
	b[1] = 0;
	assert_int_equal(scsi_vpd_maxunmap(b, 64), 0);
	assert_true(scsi_mode6_readonly((uint8_t[]){ 0, 0, 0x80, 0 }, 4));
	assert_false(scsi_mode6_readonly((uint8_t[]){ 0, 0, 0, 0 }, 4));
	assert_false(scsi_mode6_readonly((uint8_t[]){ 0, 0, 0x80 }, 2));
}

static void
scsi_senses(void **state)
{
	uint8_t fixed[18] = { 0x70, 0, 0x26, [12] = 0x2a, 9 };
	uint8_t desc[8] = { 0x72, 5, 0x20, 0 };
	struct scsi_sense se;

	assert_true(scsi_sense(fixed, 18, &se));
	assert_true(se.se_key == SCSI_KEY_ATTENTION &&
	    se.se_asc == SCSI_ASC_CAPACITY);
	assert_true(scsi_sense(fixed, 13, &se));
	assert_true(se.se_key == SCSI_KEY_ATTENTION && se.se_asc == 0);
	assert_true(scsi_sense(desc, 8, &se));
	assert_true(se.se_key == SCSI_KEY_ILLEGAL && se.se_asc == 0x2000);
	assert_false(scsi_sense(desc, 3, &se));
	assert_false(scsi_sense(fixed, 2, &se));
	assert_false(scsi_sense(fixed, 0, &se));
	assert_int_equal(se.se_key, 0);
	fixed[0] = 0x7f;
	assert_false(scsi_sense(fixed, 18, &se));
}

static void
scsi_results(void **state)
{
	static const struct {
		uint8_t	 status, key;
		uint16_t asc;
		int	 want;
	} t[] = {
		{ SCSI_GOOD, 3, 0, 0 },
		{ SCSI_BUSY, 0, 0, -PV_EAGAIN },
		{ SCSI_TASK_SET_FULL, 0, 0, -PV_EAGAIN },
		{ SCSI_CONFLICT, 0, 0, -PV_EIO },
		{ 0xff, 0, 0, -PV_EIO },
		{ SCSI_CHECK_CONDITION, 0, 0, 0 },
		{ SCSI_CHECK_CONDITION, 1, 0, 0 },
		{ SCSI_CHECK_CONDITION, 2, 0x3a00, -PV_ENXIO },
		{ SCSI_CHECK_CONDITION, 2, 0x0401, -PV_EIO },
		{ SCSI_CHECK_CONDITION, 3, 0x1100, -PV_EIO },
		{ SCSI_CHECK_CONDITION, 5, 0x2000, -PV_EOPNOTSUPP },
		{ SCSI_CHECK_CONDITION, 5, 0x2500, -PV_ENXIO },
		{ SCSI_CHECK_CONDITION, 5, 0x2100, -PV_EIO },
		{ SCSI_CHECK_CONDITION, 6, 0x2900, -PV_EAGAIN },
		{ SCSI_CHECK_CONDITION, 7, 0x2700, -PV_EROFS },
		{ SCSI_CHECK_CONDITION, 0xb, 0, -PV_EAGAIN },
	};
	struct scsi_sense se;
	unsigned int i;

	for (i = 0; i < PV_NELEM(t); i++) {
		se.se_key = t[i].key;
		se.se_asc = t[i].asc;
		assert_int_equal(scsi_result(t[i].status, &se), t[i].want);
	}
}

/* Any bytes, any length: no parser reads beyond the end (ASan looks). */
static void
scsi_anything(void **state)
{
	struct scsi_capacity sp;
	struct scsi_inquiry si;
	struct scsi_sense se;
	uint16_t lun[8];
	uint8_t *b;
	char text[9];
	size_t len, i;
	int round, n;

	srand(1);
	for (round = 0; round < 20000; round++) {
		len = (size_t)rand() % 65;
		b = malloc(len + 1);
		for (i = 0; i < len; i++)
			b[i] = (uint8_t)(rand() % 4 == 0 ? rand() : 0);
		b = realloc(b, len > 0 ? len : 1);
		n = scsi_luns(b, len, lun, 8);
		assert_true(n <= 8);
		if (scsi_capacity16(b, len, &sp) == 0)
			assert_true(sp.sp_bsize >= 512 && sp.sp_nblk > 0);
		if (scsi_inquiry(b, len, &si) == 0)
			assert_true(strlen(si.si_product) <= 16);
		(void)scsi_capacity10(b, len, &sp);
		(void)scsi_sense(b, len, &se);
		scsi_vpd_serial(b, len, text, sizeof(text));
		assert_true(strlen(text) < sizeof(text));
		(void)scsi_vpd_maxunmap(b, len);
		(void)scsi_mode6_readonly(b, len);
		free(b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scsi_commands),
		cmocka_unit_test(scsi_reads_and_writes),
		cmocka_unit_test(scsi_unmap),
		cmocka_unit_test(scsi_inquiries),
		cmocka_unit_test(scsi_capacities),
		cmocka_unit_test(scsi_block_sizes),
		cmocka_unit_test(scsi_lun_lists),
		cmocka_unit_test(scsi_pages),
		cmocka_unit_test(scsi_senses),
		cmocka_unit_test(scsi_results),
		cmocka_unit_test(scsi_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
