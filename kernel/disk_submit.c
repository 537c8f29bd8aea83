/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk_submit.c -- requests of others, on their way through a disk's queue;
 * theory in disk.c.
 */

#include <disk.h>

#include <disk_dev.h>
#include <pv/errno.h>
#include <string.h>

/* The driver looks at the rest of it. */
static int
disk_submit_check(const struct disk *d, const struct pv_blk_req *br)
{
	uint64_t mask = d->d_bsize / PV_SECT_SIZE - 1;

	if (br->br_op == PV_BLK_FLUSH)
		return 0;
	if (((br->br_sect | br->br_nsect) & mask) != 0 ||
	    br->br_sect > d->d_nsect ||
	    br->br_nsect > d->d_nsect - br->br_sect ||
	    br->br_niov > DISK_NIOV)
		return -PV_EINVAL;
	return 0;
}

int
disk_submit(struct disk *d, struct pv_blk_req *br)
{
	struct disk_dev *dd = d->d_dev;
	struct disk_slot *ds;
	int rv = disk_submit_check(d, br);

	if (rv < 0)
		return rv;
	if (!sem_trywait(&dd->dd_slots))
		return -PV_EAGAIN;
	ds = disk_slot_take(dd);
	if (ds == NULL)
		return -PV_ENXIO;
	ds->ds_xfer = NULL;
	ds->ds_user = br;
	ds->ds_req = *br;
	if (br->br_op != PV_BLK_FLUSH)
		ds->ds_req.br_sect += d->d_start;
	if (br->br_niov > 0)
		memcpy(ds->ds_iov, br->br_iov, br->br_niov *
		    sizeof(ds->ds_iov[0]));
	disk_slot_start(dd, ds);
	return 0;
}
