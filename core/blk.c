/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blk.c -- what block devices of either family have in common.
 */

#include <pv/blk.h>

#include "dev.h"

/*
 * pv_blk_open, pv_blk_close -- hold a block device open; see pv/blk.h
 *
 * Context: thread.
 */
void
pv_blk_open(struct pv_blk *bk)
{
	pv_count(&bk->bk_users, 1);
}

void
pv_blk_close(struct pv_blk *bk)
{
	PV_ASSERT(bk->bk_users > 0);
	pv_count(&bk->bk_users, -1);
}

/*
 * pv_blk_count -- a request of nsect sectors is done, as in br_done
 *
 * Context: any.  Lock: the driver's, for its statistics.
 */
void
pv_blk_count(struct pv_blk *bk, enum pv_blk_op op, uint64_t nsect, int rv)
{
	if (rv != 0) {
		bk->bk_nerror++;
		return;
	}
	switch (op) {
	case PV_BLK_READ:
		bk->bk_nread++;
		bk->bk_rsect += nsect;
		break;
	case PV_BLK_WRITE:
		bk->bk_nwrite++;
		bk->bk_wsect += nsect;
		break;
	case PV_BLK_FLUSH:
		bk->bk_nflush++;
		break;
	case PV_BLK_WRITE_ZEROES:
		bk->bk_nzero++;
		break;
	case PV_BLK_DISCARD:
	case PV_BLK_SECURE_DISCARD:
		bk->bk_ndiscard++;
		break;
	}
}
