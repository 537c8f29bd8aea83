/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * part.h -- partition tables: MBR with extended partitions, and GPT.
 *
 * part_scan() reads through a function and fills a bounded table; it keeps
 * no state and allocates nothing.  Everything read is a stranger's word:
 * entries that lie outside of the disk or overlap an earlier one are left
 * out, and ps_warn gets one line for each.
 */

#ifndef PART_H
#define PART_H

#include <pv/types.h>

#define PART_MAX	32		/* more than these are left out */
#define PART_BSIZE_MAX	4096

struct part {
	unsigned int	 pt_num;	/* 1.. as Linux numbers them */
	uint64_t	 pt_start;	/* 512-byte sectors */
	uint64_t	 pt_nsect;
	char		 pt_type[40];	/* "Linux (83)" */
};

struct part_table {
	const char	*pl_kind;	/* "MBR", "GPT", "no partition table" */
	unsigned int	 pl_npart;
	struct part	 pl_part[PART_MAX];
};

struct part_src {
	uint64_t	 ps_nsect;	/* 512-byte sectors */
	uint32_t	 ps_bsize;	/* 512..PART_BSIZE_MAX, power of two */
	/* One block of ps_bsize into buf; 0 or -PV_E*. */
	int		(*ps_read)(void *arg, uint64_t block, void *buf);
	void		(*ps_warn)(void *arg, const char *what, uint64_t num);
	void		*ps_arg;
	uint8_t		*ps_buf;	/* ps_bsize bytes to work in */
};

/*
 * Look for a partition table.  Returns 0 (also when there is none), or what
 * reading failed with.  Context: as ps_read.
 */
int	 part_scan(const struct part_src *, struct part_table *);

/* CRC-32 as GPT wants it; crc is 0 to begin, or what came before. */
uint32_t part_crc32(uint32_t crc, const void *buf, size_t len);

#endif /* PART_H */
