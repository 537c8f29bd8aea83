/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balloon.c -- see balloon.h.
 *
 * Pages go into the balloon as long as more than the floor is free.  When an
 * allocation leaves less than half of that, the balloon is asked to give as
 * much back as the floor is; so it does not swing between the two.
 */

#include <string.h>

#include <balloon.h>
#include <cmdline.h>
#include <klog.h>
#include <mm.h>
#include <printf.h>
#include <pv/errno.h>
#include <sync.h>

#define BALLOON_LEAST	(2u << 20)	/* bytes of the floor */
#define BALLOON_HARD	(4u << 20)	/* at most, with PV_BALLOON_HARD */
#define BALLOON_BLOCK	5u		/* 2^n pages in a block told of */

static struct mutex balloon_mtx;
static struct pv_balloon *balloon_dev;
static uint64_t balloon_floor;		/* pages */

/* mm_watch(): any context. */
static void
balloon_hungry(void)
{
	struct pv_balloon *bl = balloon_dev;

	if (bl != NULL)
		bl->bl_ops->bo_deflate(bl->bl_sc, balloon_floor);
}

/* pv_balloon.bl_get */
static void *
balloon_get(struct pv_balloon *bl, enum pv_balloon_why why,
    unsigned int *npgp)
{
	struct mm_stat ms;

	(void)bl;
	if (why != PV_BALLOON_FILL)
		return block_get(BALLOON_BLOCK, why == PV_BALLOON_REPORT,
		    why == PV_BALLOON_HINT ? balloon_floor :
		    balloon_floor / 2, npgp);
	mm_stat(&ms);
	if (ms.ms_free >> PV_PAGE_SHIFT <= balloon_floor)
		return NULL;
	*npgp = 1;
	return page_alloc(1);
}

/* pv_balloon.bl_put */
static void
balloon_put(struct pv_balloon *bl, enum pv_balloon_why why, void *va,
    unsigned int npg)
{
	(void)bl;
	if (why == PV_BALLOON_REPORT)
		block_put(va, npg);
	else
		page_free(va, npg);
}

/* pv_balloon.bl_stat */
static void
balloon_stat(struct pv_balloon *bl, struct pv_balloon_stat *bs)
{
	struct mm_stat ms;

	(void)bl;
	mm_stat(&ms);
	bs->bs_total = ms.ms_total;
	bs->bs_free = ms.ms_free;
	bs->bs_cached = 0;
}

/* Where there may be no memory behind more pages, little is kept free. */
static void
balloon_set_floor(const struct pv_balloon *bl)
{
	struct mm_stat ms;
	uint64_t mib;

	mm_stat(&ms);
	balloon_floor = ms.ms_total / 8;
	if ((bl->bl_flags & PV_BALLOON_HARD) != 0 &&
	    balloon_floor > BALLOON_HARD)
		balloon_floor = BALLOON_HARD;
	if (balloon_floor < BALLOON_LEAST)
		balloon_floor = BALLOON_LEAST;
	mib = cmdline_num("balloon.floor", 1, 1 << 20, balloon_floor >> 20);
	balloon_floor = mib << (20 - PV_PAGE_SHIFT);
}

void
balloon_up(struct pv_balloon *bl)
{
	bool mine;

	mutex_lock(&balloon_mtx);
	mine = balloon_dev == NULL;
	if (mine) {
		balloon_set_floor(bl);
		bl->bl_put = balloon_put;
		bl->bl_stat = balloon_stat;
		bl->bl_get = balloon_get;
		balloon_dev = bl;
		if ((bl->bl_flags & PV_BALLOON_OOM) != 0)
			mm_watch(balloon_floor / 2, balloon_hungry);
	}
	mutex_unlock(&balloon_mtx);
	if (!mine)
		klog(PV_LOG_WARN, "balloon: %s is not used: there is one "
		    "already", bl->bl_name);
}

void
balloon_down(struct pv_balloon *bl)
{
	mutex_lock(&balloon_mtx);
	if (balloon_dev == bl) {
		mm_watch(0, NULL);
		balloon_dev = NULL;
		bl->bl_get = NULL;
	}
	mutex_unlock(&balloon_mtx);
}

int
balloon_info(struct pv_balloon *bl, char name[16], uint64_t *floor)
{
	int rv = -PV_ENODEV;

	mutex_lock(&balloon_mtx);
	if (balloon_dev != NULL) {
		*bl = *balloon_dev;
		printf_format(name, 16, "%s", bl->bl_name);
		*floor = balloon_floor;
		rv = 0;
	}
	mutex_unlock(&balloon_mtx);
	return rv;
}
