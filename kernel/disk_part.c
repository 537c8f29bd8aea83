/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk_part.c -- a struct disk for each partition of a device that came.
 */

#include <disk.h>

#include <disk_dev.h>
#include <klog.h>
#include <mm.h>
#include <part.h>
#include <printf.h>
#include <pv/pv.h>
#include <string.h>

static int
disk_part_read(void *arg, uint64_t block, void *buf)
{
	struct disk *d = arg;
	uint32_t f = d->d_bsize / PV_SECT_SIZE;

	return disk_read(d, block * f, buf, f);
}

static void
disk_part_warn(void *arg, const char *what, uint64_t num)
{
	struct disk *d = arg;

	if (num != 0)
		klog(PV_LOG_WARN, "disk: %s: partition %llu %s", d->d_name,
		    (unsigned long long)num, what);
	else
		klog(PV_LOG_WARN, "disk: %s: %s", d->d_name, what);
}

/*
 * Make a struct disk for each partition.  "xvda" has "xvda1", "nvme0" would
 * have "nvme0p1".
 */
static void
disk_part_create(struct disk *whole, const struct part_table *pl)
{
	const struct part *pt;
	const char *sep = "";
	struct disk *d;
	unsigned int i;
	char last;

	last = whole->d_name[strlen(whole->d_name) - 1];
	if (last >= '0' && last <= '9')
		sep = "p";
	for (i = 0; i < pl->pl_npart; i++) {
		pt = &pl->pl_part[i];
		d = disk_create(whole->d_dev, pt->pt_start, pt->pt_nsect);
		if (d == NULL) {
			klog(PV_LOG_ERR, "disk: no memory for partition %u of"
			    " %s", pt->pt_num, whole->d_name);
			return;
		}
		d->d_part = true;
		printf_format(d->d_name, sizeof(d->d_name), "%s%s%u",
		    whole->d_name, sep, pt->pt_num);
		memcpy(d->d_type, pt->pt_type, sizeof(d->d_type));
	}
}

void
disk_part_scan(struct disk *whole)
{
	struct part_table *pl;
	struct part_src ps = {
		.ps_nsect = whole->d_nsect, .ps_bsize = whole->d_bsize,
		.ps_read = disk_part_read, .ps_warn = disk_part_warn,
		.ps_arg = whole,
	};
	int rv;

	pl = kmalloc(sizeof(*pl));
	ps.ps_buf = page_alloc(1);
	if (pl == NULL || ps.ps_buf == NULL) {
		klog(PV_LOG_ERR, "disk: no memory to read the partitions of"
		    " %s", whole->d_name);
	} else {
		rv = part_scan(&ps, pl);
		if (rv != 0)
			klog(PV_LOG_WARN, "disk: %s: reading the partition"
			    " table failed (error %d)", whole->d_name, -rv);
		printf_format(whole->d_type, sizeof(whole->d_type),
		    "whole disk, %s", pl->pl_kind);
		disk_part_create(whole, pl);
	}
	if (ps.ps_buf != NULL)
		page_free(ps.ps_buf, 1);
	kfree(pl);
}
