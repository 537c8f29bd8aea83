/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balloon.c -- see balloon.h.
 *
 * Pages go into the balloon as long as more than the floor is free.  Of a
 * balloon that may be let out (PV_BALLOON_OOM) or that lends (.._LENDS) some
 * comes back when an allocation leaves too little.
 *
 * What the guest lends by itself is a wish of so many pages held.  Once a
 * second the thread looks what was free at least in the last BALLOON_IDLE
 * seconds; what of that is over the ceiling goes.  An allocation that leaves
 * less than the floor takes as much back as is missing to the middle between
 * floor and ceiling, so the two do not swing.  What the toolstack's target
 * keeps in the balloon is not touched by either.
 *
 * balloon_mtx covers who is there; balloon_lock, a spin lock, the wish, for
 * allocations are made in any context.
 */

#include <string.h>

#include <balloon.h>
#include <cmdline.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <printf.h>
#include <pv/errno.h>
#include <sched.h>
#include <sync.h>

#define BALLOON_LEAST	(2u << 20)	/* bytes of the floor */
#define BALLOON_HARD	(4u << 20)	/* at most, with PV_BALLOON_HARD */
#define BALLOON_BLOCK	5u		/* 2^n pages in a block told of */
#define BALLOON_IDLE	8u		/* seconds */
#define BALLOON_MIB(n)	((n) << (20 - PV_PAGE_SHIFT))	/* pages */

static struct mutex balloon_mtx;
static struct spinlock balloon_lock;
static struct pv_balloon *balloon_dev;
static uint64_t balloon_floor, balloon_ceiling;	/* pages */
static uint64_t balloon_wish;		/* pages that we lend */
static enum balloon_policy balloon_policy;
static uint64_t balloon_ngave, balloon_ntook;	/* by the policy, pages */
static uint64_t balloon_target;		/* MiB; balloon.target, not yet set */
static bool balloon_thread;

/* Lock: balloon_lock. */
static void
balloon_set_wish(uint64_t npg)
{
	struct pv_balloon *bl = balloon_dev;

	balloon_wish = npg;
	if (bl != NULL && (bl->bl_flags & PV_BALLOON_LENDS) != 0)
		bl->bl_ops->bo_wish(bl->bl_sc, npg);
}

/* ---- the policy -------------------------------------------------------- */

static uint64_t
balloon_free(void)
{
	struct mm_stat ms;

	mm_stat(&ms);
	return ms.ms_free >> PV_PAGE_SHIFT;
}

/*
 * Take back what is missing, and what was asked for in one piece.  Not before
 * what was last taken back has come: it would count twice.  Lock: balloon_lock.
 */
static void
balloon_take_back(struct pv_balloon *bl, unsigned int wanted)
{
	uint64_t want = (balloon_floor + balloon_ceiling) / 2 + wanted;
	uint64_t nfree = balloon_free();

	if (balloon_wish == 0 || bl->bl_held > balloon_wish || nfree >= want)
		return;
	want -= nfree;
	if (want > balloon_wish)
		want = balloon_wish;
	balloon_ntook += want;
	balloon_set_wish(balloon_wish - want);
}

/* mm_watch(): any context. */
static void
balloon_hungry(unsigned int wanted)
{
	unsigned long s = spin_lock(&balloon_lock);
	struct pv_balloon *bl = balloon_dev;

	if (bl != NULL && (bl->bl_flags & PV_BALLOON_OOM) != 0)
		bl->bl_ops->bo_deflate(bl->bl_sc, balloon_floor);
	else if (bl != NULL && balloon_policy == BALLOON_AUTO)
		balloon_take_back(bl, wanted);
	spin_unlock(&balloon_lock, s);
}

/* So many pages were free all the time.  Lock: balloon_lock. */
static bool
balloon_give(uint64_t nfree)
{
	struct pv_balloon *bl = balloon_dev;

	if (bl == NULL || balloon_policy != BALLOON_AUTO ||
	    nfree <= balloon_ceiling || bl->bl_held < balloon_wish)
		return false;
	nfree -= balloon_ceiling;
	balloon_ngave += nfree;
	balloon_set_wish(bl->bl_held + nfree);
	return true;
}

/* The host has said what there is: what was set on the command line counts. */
static void
balloon_first(void)
{
	uint64_t mib = balloon_target;
	struct balloon_info bi;

	if (mib == 0 || balloon_info(&bi) != 0 || bi.bi_balloon.bl_all == 0)
		return;
	balloon_target = 0;
	if (balloon_set(BALLOON_FIXED, mib) != 0)
		klog(PV_LOG_WARN, "balloon.target=%llu: this guest can have 1 "
		    "to %llu MiB; ignored", (unsigned long long)mib,
		    (unsigned long long)(bi.bi_balloon.bl_all >>
		    (20 - PV_PAGE_SHIFT)));
}

static void
balloon_main(void *arg)
{
	uint64_t nfree[BALLOON_IDLE] = { 0 }, least;
	unsigned int i, at = 0;
	unsigned long s;

	(void)arg;
	for (;;) {
		thread_sleep(NSEC_PER_SEC);
		balloon_first();
		nfree[at++ % BALLOON_IDLE] = balloon_free();
		least = nfree[0];
		for (i = 1; i < BALLOON_IDLE; i++)
			least = nfree[i] < least ? nfree[i] : least;
		s = spin_lock(&balloon_lock);
		if (balloon_give(least))
			memset(nfree, 0, sizeof(nfree));
		spin_unlock(&balloon_lock, s);
	}
}

/* ---- pv_balloon -------------------------------------------------------- */

/* pv_balloon.bl_get */
static void *
balloon_get(struct pv_balloon *bl, enum pv_balloon_why why,
    unsigned int *npgp)
{
	(void)bl;
	*npgp = 1;
	if (why == PV_BALLOON_HOLLOW)
		return page_hollow();
	if (why != PV_BALLOON_FILL)
		return block_get(BALLOON_BLOCK, why == PV_BALLOON_REPORT,
		    why == PV_BALLOON_HINT ? balloon_floor :
		    balloon_floor / 2, npgp);
	return balloon_free() <= balloon_floor ? NULL : page_alloc(1);
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

/* ---- settings ---------------------------------------------------------- */

/*
 * Where there may be no memory behind more pages, little is kept free.  The
 * ceiling is not below twice the floor.
 */
static void
balloon_set_marks(const struct pv_balloon *bl)
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
	balloon_floor = BALLOON_MIB(mib);
	mib = cmdline_num("balloon.ceiling", 2 * mib, 1 << 21, 4 * mib);
	balloon_ceiling = BALLOON_MIB(mib);
}

/* The thread, once there is something for it to do.  Lock: balloon_mtx. */
static void
balloon_begin(void)
{
	if (balloon_policy != BALLOON_AUTO && balloon_target == 0)
		return;
	if (!balloon_thread)
		balloon_thread = thread_create("balloon", balloon_main, NULL,
		    0) != NULL;
	if (!balloon_thread)
		klog(PV_LOG_ERR, "balloon: no memory for its thread: the "
		    "guest lends nothing by itself");
}

static void
balloon_use(struct pv_balloon *bl)
{
	unsigned long s;

	balloon_set_marks(bl);
	balloon_policy = cmdline_bool("balloon.auto", false) ? BALLOON_AUTO :
	    BALLOON_HOST;
	balloon_target = cmdline_num("balloon.target", 1, 1 << 30, 0);
	bl->bl_put = balloon_put;
	bl->bl_stat = balloon_stat;
	bl->bl_get = balloon_get;
	s = spin_lock(&balloon_lock);
	balloon_dev = bl;
	balloon_wish = 0;
	spin_unlock(&balloon_lock, s);
	if ((bl->bl_flags & PV_BALLOON_LENDS) != 0) {
		balloon_begin();
		mm_watch(balloon_floor, balloon_hungry);
	} else if ((bl->bl_flags & PV_BALLOON_OOM) != 0) {
		mm_watch(balloon_floor / 2, balloon_hungry);
	}
}

void
balloon_up(struct pv_balloon *bl)
{
	bool mine;

	mutex_lock(&balloon_mtx);
	mine = balloon_dev == NULL;
	if (mine)
		balloon_use(bl);
	mutex_unlock(&balloon_mtx);
	if (!mine)
		klog(PV_LOG_WARN, "balloon: %s is not used: there is one "
		    "already", bl->bl_name);
}

void
balloon_down(struct pv_balloon *bl)
{
	unsigned long s;

	mutex_lock(&balloon_mtx);
	if (balloon_dev == bl) {
		mm_watch(0, NULL);
		s = spin_lock(&balloon_lock);
		balloon_dev = NULL;
		spin_unlock(&balloon_lock, s);
		bl->bl_get = NULL;
	}
	mutex_unlock(&balloon_mtx);
}

/* ---- for the operator -------------------------------------------------- */

int
balloon_info(struct balloon_info *bi)
{
	int rv = -PV_ENODEV;

	mutex_lock(&balloon_mtx);
	if (balloon_dev != NULL) {
		bi->bi_balloon = *balloon_dev;
		printf_format(bi->bi_name, sizeof(bi->bi_name), "%s",
		    balloon_dev->bl_name);
		bi->bi_floor = balloon_floor;
		bi->bi_ceiling = balloon_ceiling;
		bi->bi_ngave = balloon_ngave;
		bi->bi_ntook = balloon_ntook;
		bi->bi_policy = balloon_policy;
		rv = 0;
	}
	mutex_unlock(&balloon_mtx);
	return rv;
}

/* Lock: balloon_mtx. */
static int
balloon_choose(enum balloon_policy policy, uint64_t mib)
{
	struct pv_balloon *bl = balloon_dev;
	uint64_t wish = 0;
	unsigned long s;

	if (bl == NULL)
		return -PV_ENODEV;
	if ((bl->bl_flags & PV_BALLOON_LENDS) == 0)
		return -PV_EOPNOTSUPP;
	if (policy == BALLOON_FIXED) {
		if (mib == 0 || BALLOON_MIB(mib) > bl->bl_all)
			return -PV_ERANGE;
		wish = bl->bl_all - BALLOON_MIB(mib);
	}
	s = spin_lock(&balloon_lock);
	balloon_policy = policy;
	balloon_set_wish(wish);
	spin_unlock(&balloon_lock, s);
	balloon_begin();
	return 0;
}

int
balloon_set(enum balloon_policy policy, uint64_t mib)
{
	int rv;

	mutex_lock(&balloon_mtx);
	rv = balloon_choose(policy, mib);
	mutex_unlock(&balloon_mtx);
	return rv;
}
