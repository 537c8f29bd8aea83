/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * f_part.c -- partition tables that are anything.  The input's first byte
 * chooses the block size; the rest is laid over the places where tables are,
 * with the sums of GPT put right so that what they protect is reached.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <part.h>
#include <pv/errno.h>

#define DISK	(1u << 20)

static uint8_t disk[DISK], buf[PART_BSIZE_MAX];
static struct part_src ps;
static unsigned int nread;

static int
mem_read(void *arg, uint64_t block, void *to)
{
	if (block >= DISK / ps.ps_bsize)
		return -PV_EINVAL;
	if (++nread > 100000)
		abort();			/* it does not come to an end */
	memcpy(to, disk + block * ps.ps_bsize, ps.ps_bsize);
	return 0;
}

static void
mem_warn(void *arg, const char *what, uint64_t num)
{
}

static void
seal(uint8_t *h)
{
	uint32_t crc, array = 2 * ps.ps_bsize;

	memcpy(h, "EFI PART\0\0\1\0\134\0\0\0\0\0\0\0", 20);
	memset(h + 24, 0, 8);
	h[24] = 1;
	crc = part_crc32(0, disk + array, 4 * 128);
	memcpy(h + 88, &crc, 4);
	crc = part_crc32(0, h, 92);
	memcpy(h + 16, &crc, 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct part_table pl;
	unsigned int i, k;

	if (len < 2)
		return 0;
	memset(disk, 0, sizeof(disk));
	memset(&ps, 0, sizeof(ps));
	ps.ps_bsize = data[0] & 1 ? 4096 : 512;
	ps.ps_nsect = DISK / 512;
	ps.ps_read = mem_read;
	ps.ps_warn = mem_warn;
	ps.ps_buf = buf;
	nread = 0;
	memcpy(disk + 440, data + 1, len - 1 < 65536 ? len - 1 : 65536);
	disk[510] = 0x55;
	disk[511] = 0xaa;
	if (data[0] & 2)
		seal(disk + ps.ps_bsize);
	if (part_scan(&ps, &pl) != 0)
		return 0;
	if (pl.pl_npart > PART_MAX)
		abort();
	for (i = 0; i < pl.pl_npart; i++) {
		const struct part *a = &pl.pl_part[i], *b;

		if (a->pt_start == 0 || a->pt_nsect == 0 ||
		    a->pt_start + a->pt_nsect > ps.ps_nsect ||
		    strlen(a->pt_type) >= sizeof(a->pt_type))
			abort();
		for (k = 0; k < i; k++) {
			b = &pl.pl_part[k];
			if (a->pt_start < b->pt_start + b->pt_nsect &&
			    b->pt_start < a->pt_start + a->pt_nsect)
				abort();
		}
	}
	return 0;
}
