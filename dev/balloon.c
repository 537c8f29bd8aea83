/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balloon -- how much memory a Xen domain has, as its toolstack wants it.
 *
 * One node, "memory/target", in KiB: what the domain shall have.  What is over
 * is taken from the consumer, page by page, and given to Xen; when the target
 * rises Xen is asked for as much again.  Xen may have less than it is asked
 * for, and the consumer may have nothing to spare: then it is tried again,
 * ever later.
 *
 *	consumer --bl_get--> [cleared] --decrease_reservation--> Xen
 *	consumer <--bl_put-- [cleared] <--populate_physmap------ Xen
 *
 * How many pages belong into the balloon is what all of the guest's memory is,
 * less the target.  A hardware-virtualized guest sees all that it may ever
 * have, "memory/static-max", from its start, and has less behind it when it
 * was started with less (populate on demand): it must give the difference
 * back before it uses it.  So PV_BALLOON_HARD asks the consumer for a low
 * floor.  A PV guest has pages for what it may get (PV_BALLOON_HOLLOW), which
 * are in the balloon from the start; all of its memory is these, and what Xen
 * says that it has.
 *
 * The consumer may wish to have less than its target: the balloon then holds
 * what the wish says, as long as that is more.
 *
 * The pages held are on a stack in pages of the driver's own.  They outlive a
 * suspend: nothing lies behind them in the resumed domain either.
 * Source: docs/misc/xenstore-paths.pandoc.
 */

#include <pv/pv.h>

#include "frame.h"
#include "shm.h"
#include "str.h"
#include "xenbus.h"

#define BALLOON_BATCH	64u		/* pages moved in one run */
#define BALLOON_SOON	(1000ull * 1000 * 1000)	/* ns: first retry .. */
#define BALLOON_LATEST	(32 * BALLOON_SOON)	/* .. doubled up to here */
#define BALLOON_MAXKIB	((uint64_t)1 << 40)
#define BALLOON_CHUNK	(PV_PAGE_SIZE / sizeof(void *) - 2)
#define BALLOON_KIB	(PV_PAGE_SIZE / 1024)

/* ---- State ------------------------------------------------------------- */

struct balloon_chunk {
	struct balloon_chunk *bc_next;
	size_t		 bc_n;
	void		*bc_va[BALLOON_CHUNK];
};
_Static_assert(sizeof(struct balloon_chunk) <= PV_PAGE_SIZE, "a page each");

struct balloon_softc {
	struct pv_dev	*sc_dev;
	struct pv_balloon sc_balloon;
	struct xs_watch	 sc_watch;
	struct pv_os_work sc_work;	/* PV_WORK_SLEEPS */
	struct balloon_chunk *sc_chunk;
	uint64_t	 sc_all;	/* KiB: no balloon at all; 0: unknown */
	uint64_t	 sc_delay;	/* of the next retry */
	uint32_t	 sc_wish;	/* pages; any context: shm.h */
	bool		 sc_announced;
	bool		 sc_told;	/* that it does not get on */
};

static void balloon_run(void *);
static const struct pv_balloon_ops balloon_ops;

/* ---- Attach ------------------------------------------------------------ */

static int
balloon_attach(void *softc, struct pv_dev *dev)
{
	struct balloon_softc *sc = softc;
	struct pv_balloon *bl = &sc->sc_balloon;

	sc->sc_dev = dev;
	sc->sc_delay = BALLOON_SOON;
	bl->bl_name = "xenballoon0";
	bl->bl_sc = sc;
	bl->bl_ops = &balloon_ops;
	bl->bl_flags = PV_BALLOON_HARD | PV_BALLOON_LENDS;
	pv_work_init(&sc->sc_work, balloon_run, sc, PV_WORK_SLEEPS);
	return 0;
}

static void
balloon_detach(void *softc)
{
}

/* ---- The stack of pages held ------------------------------------------- */

/* Make room for one more page; false: no memory. */
static bool
balloon_room(struct balloon_softc *sc)
{
	struct balloon_chunk *bc = sc->sc_chunk;

	if (bc != NULL && bc->bc_n < BALLOON_CHUNK)
		return true;
	bc = pv_pages_alloc(sc->sc_dev, 1);
	if (bc == NULL)
		return false;
	bc->bc_next = sc->sc_chunk;
	sc->sc_chunk = bc;
	return true;
}

/* There is room: see balloon_room(), or it was just taken. */
static void
balloon_push(struct balloon_softc *sc, void *va)
{
	sc->sc_chunk->bc_va[sc->sc_chunk->bc_n++] = va;
	sc->sc_balloon.bl_held++;
}

/* Take one off; a chunk that is empty then stays until the next. */
static void *
balloon_pop(struct balloon_softc *sc)
{
	struct balloon_chunk *bc = sc->sc_chunk;

	if (bc != NULL && bc->bc_n == 0) {
		sc->sc_chunk = bc->bc_next;
		pv_pages_free(sc->sc_dev, bc, 1);
		bc = sc->sc_chunk;
	}
	if (bc == NULL)
		return NULL;
	sc->sc_balloon.bl_held--;
	return bc->bc_va[--bc->bc_n];
}

/* ---- Moving pages ------------------------------------------------------ */

static int
balloon_inflate_one(struct balloon_softc *sc)
{
	struct pv_balloon *bl = &sc->sc_balloon;
	unsigned int npg;
	void *va;
	int rv;

	if (bl->bl_get == NULL || !balloon_room(sc))
		return -PV_ENOMEM;
	va = bl->bl_get(bl, PV_BALLOON_FILL, &npg);
	if (va == NULL)
		return -PV_ENOMEM;
	rv = frame_give(xenbus_xen(sc->sc_dev), va);
	if (rv < 0) {
		bl->bl_put(bl, PV_BALLOON_FILL, va, 1);
		return rv;
	}
	balloon_push(sc, va);
	bl->bl_nin++;
	return 0;
}

static int
balloon_deflate_one(struct balloon_softc *sc)
{
	struct pv_balloon *bl = &sc->sc_balloon;
	void *va = balloon_pop(sc);
	int rv;

	if (va == NULL)
		return -PV_ENOENT;
	rv = frame_take(xenbus_xen(sc->sc_dev), va);
	if (rv < 0) {
		balloon_push(sc, va);
		return rv;
	}
	bl->bl_put(bl, PV_BALLOON_FILL, va, 1);
	bl->bl_nout++;
	return 0;
}

/* How many pages shall be held. */
static uint64_t
balloon_goal(struct balloon_softc *sc)
{
	struct pv_balloon *bl = &sc->sc_balloon;

	bl->bl_wish = shm_read32(&sc->sc_wish);
	return bl->bl_wish > bl->bl_target ? bl->bl_wish : bl->bl_target;
}

/* It does not get on now. */
static void
balloon_later(struct balloon_softc *sc, uint64_t goal, int rv)
{
	struct pv_balloon *bl = &sc->sc_balloon;
	bool more = bl->bl_held < goal;
	uint64_t npg = more ? goal - bl->bl_held : bl->bl_held - goal;

	bl->bl_nshort++;
	if (!sc->sc_told)
		pv_log(sc->sc_dev, PV_LOG_WARN, "%llu KiB short of the target:"
		    " %s (error %d); trying again",
		    (unsigned long long)npg * BALLOON_KIB, more ?
		    "nothing can be spared" : "Xen has no memory", -rv);
	sc->sc_told = true;
	pv_defer(&sc->sc_work, sc->sc_delay);
	if (sc->sc_delay < BALLOON_LATEST)
		sc->sc_delay *= 2;
}

/* Context: thread, the work. */
static void
balloon_run(void *softc)
{
	struct balloon_softc *sc = softc;
	struct pv_balloon *bl = &sc->sc_balloon;
	uint64_t goal = balloon_goal(sc);
	unsigned int n;
	int rv = 0;

	for (n = 0; n < BALLOON_BATCH && bl->bl_held != goal; n++) {
		rv = bl->bl_held < goal ? balloon_inflate_one(sc) :
		    balloon_deflate_one(sc);
		if (rv < 0)
			break;
	}
	if (rv < 0) {
		balloon_later(sc, goal, rv);
	} else if (bl->bl_held != goal) {
		pv_defer(&sc->sc_work, 0);
	} else if (sc->sc_told) {
		sc->sc_told = false;
		pv_log(sc->sc_dev, PV_LOG_INFO, "the target is reached");
	}
}

/* ---- The target -------------------------------------------------------- */

/* Class entry; Context: any. */
static void
balloon_wish(void *softc, uint64_t npg)
{
	struct balloon_softc *sc = softc;

	shm_write32(&sc->sc_wish, npg > UINT32_MAX ? UINT32_MAX :
	    (uint32_t)npg);
	sc->sc_delay = BALLOON_SOON;
	pv_defer(&sc->sc_work, 0);
}

/* What the guest has when the balloon is empty, KiB; kib: the target. */
static uint64_t
balloon_all(struct balloon_softc *sc, uint64_t kib)
{
	struct xen *x = xenbus_xen(sc->sc_dev);
	uint64_t all;
	long npg;

	if (!xen_pv(x))
		return xs_read_num(x, XS_NOTRANS, "memory", "static-max", 1,
		    BALLOON_MAXKIB, &all) < 0 ? kib : all;
	npg = frame_count(x);
	if (npg < 0)
		return kib + sc->sc_balloon.bl_held * BALLOON_KIB;
	return ((uint64_t)npg + sc->sc_balloon.bl_held) * BALLOON_KIB;
}

/* Context: thread; the watch's. */
static void
balloon_changed(void *softc, const char *path)
{
	struct balloon_softc *sc = softc;
	uint64_t kib;
	int rv;

	rv = xs_read_num(xenbus_xen(sc->sc_dev), XS_NOTRANS, "memory",
	    "target", 0, BALLOON_MAXKIB, &kib);
	if (rv == -PV_ENOENT)
		return;
	/* peer: may write anything there. */
	if (rv < 0) {
		pv_log(sc->sc_dev, PV_LOG_WARN, "memory/target is no number "
		    "of KiB (error %d): ignored", -rv);
		return;
	}
	if (sc->sc_all == 0)
		sc->sc_all = balloon_all(sc, kib);
	sc->sc_balloon.bl_all = sc->sc_all / BALLOON_KIB;
	if (kib > sc->sc_all)
		pv_log(sc->sc_dev, PV_LOG_INFO, "target %llu KiB: this guest "
		    "has no use for more than %llu KiB", (unsigned long long)
		    kib, (unsigned long long)sc->sc_all);
	sc->sc_balloon.bl_target = kib >= sc->sc_all ? 0 :
	    (sc->sc_all - kib) / BALLOON_KIB;
	sc->sc_delay = BALLOON_SOON;
	pv_defer(&sc->sc_work, 0);
}

/* ---- Connection -------------------------------------------------------- */

static int
balloon_connect(void *softc)
{
	return 0;
}

/* The pages that wait for memory are held from the start. */
static void
balloon_adopt(struct balloon_softc *sc)
{
	struct pv_balloon *bl = &sc->sc_balloon;
	unsigned int npg;
	void *va;

	while (bl->bl_get != NULL && balloon_room(sc)) {
		va = bl->bl_get(bl, PV_BALLOON_HOLLOW, &npg);
		if (va == NULL)
			break;
		balloon_push(sc, va);
	}
}

static int
balloon_start(void *softc)
{
	struct balloon_softc *sc = softc;
	const struct pv_client *pc = sc->sc_dev->pd_client;

	if (pc->pc_balloon_up == NULL)
		return 0;		/* nobody has memory to spare */
	if (!sc->sc_announced) {
		pc->pc_balloon_up(&sc->sc_balloon);
		balloon_adopt(sc);
	}
	sc->sc_announced = true;
	sc->sc_watch.xw_dev = sc->sc_dev;
	return xs_watch(xenbus_xen(sc->sc_dev), &sc->sc_watch, "memory/target",
	    balloon_changed, sc);
}

/* All of it back to the guest; what Xen does not give is lost. */
static void
balloon_empty(struct balloon_softc *sc)
{
	uint64_t nlost;

	while (balloon_deflate_one(sc) == 0)
		continue;
	nlost = sc->sc_balloon.bl_held;
	while (balloon_pop(sc) != NULL)
		continue;
	if (nlost > 0)
		pv_log(sc->sc_dev, PV_LOG_WARN, "Xen has no memory for %llu "
		    "pages: they are lost", (unsigned long long)nlost);
}

static void
balloon_disconnect(void *softc)
{
	struct balloon_softc *sc = softc;
	const struct pv_client *pc = sc->sc_dev->pd_client;

	xs_unwatch(&sc->sc_watch);
	if (pv_dev_held(sc->sc_dev)) {
		pv_cancel(&sc->sc_work);
		return;
	}
	if (sc->sc_announced && pc->pc_balloon_down != NULL)
		pc->pc_balloon_down(&sc->sc_balloon);
	pv_cancel(&sc->sc_work);	/* nobody wishes anything any more */
	balloon_empty(sc);
	sc->sc_announced = false;
}

/* ---- Driver ------------------------------------------------------------ */

static const struct pv_balloon_ops balloon_ops = {
	.bo_wish = balloon_wish,
};

const struct pv_driver balloon_driver = {
	.dv_name = "balloon",
	.dv_match = "balloon",
	.dv_scsize = sizeof(struct balloon_softc),
	.dv_attach = balloon_attach,
	.dv_detach = balloon_detach,
	.dv_connect = balloon_connect,
	.dv_start = balloon_start,
	.dv_disconnect = balloon_disconnect,
};
