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
