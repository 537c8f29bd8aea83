/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkback_xs.c -- what blkback reads and writes in XenStore; see blkback.h.
 * Source: xen/include/public/io/blkif.h; what libxl writes for a disk.
 */

#include "blkback.h"
#include "setting.h"
#include "str.h"

#define BLKBACK_XS_QUEUE 16		/* bytes of "queue-3/" */

/* ---- what the toolstack says ------------------------------------------- */

static bool
blkback_xs_is(struct blkback_softc *sc, const char *key, const char *word)
{
	char val[16];

	return xenbus_own_str(sc->sc_dev, key, val, sizeof(val)) == 0 &&
	    str_eq(val, word);
}

/*
 * blkback_xs_read -- what the toolstack says of the disk
 *
 * 0, or -PV_E* when it does not name one.
 * Context: thread.
 */
int
blkback_xs_read(struct blkback_softc *sc)
{
	struct pv_blk_guest *bg = &sc->sc_tab->bt_guest;
	struct pv_dev *dev = sc->sc_dev;
	int rv;

	rv = xenbus_own_str(dev, "params", bg->bg_what, sizeof(bg->bg_what));
	if (rv < 0)
		rv = xenbus_own_str(dev, "physical-device-path", bg->bg_what,
		    sizeof(bg->bg_what));
	str_sanitise(bg->bg_what, str_len(bg->bg_what));
	bg->bg_readonly = !blkback_xs_is(sc, "mode", "w");
	sc->sc_cdrom = blkback_xs_is(sc, "device-type", "cdrom");
	sc->sc_removable = xenbus_own_num(dev, "removable", 0, 1, 0) != 0;
	sc->sc_nodiscard = xenbus_own_num(dev, "discard-enable", 0, 1, 1) == 0;
	return rv;
}

/* ---- what we can ------------------------------------------------------- */

/* A feature that the operator may turn off: blkback.NAME=0. */
static uint64_t
blkback_xs_setting(struct blkback_softc *sc, const char *name, uint64_t max)
{
	const int64_t range[2] = { 0, (int64_t)max };

	return (uint64_t)pv_setting_num(sc->sc_dev->pd_client, name, range,
	    (int64_t)max);
}

/*
 * Pages that stay mapped: only when the operator wants them.  The front end has
 * to copy into and out of them too; two copies by guests cost more than one by
 * Xen in the one noisy run there was (docs/performance.md).
 */
static bool
blkback_xs_persistent(struct blkback_softc *sc)
{
	static const int64_t range[2] = { 0, 1 };

	return pv_setting_num(sc->sc_dev->pd_client, "blkback.persistent",
	    range, 0) != 0;
}

static unsigned int
blkback_xs_maxqueue(struct blkback_softc *sc)
{
	unsigned int n = sc->sc_dev->pd_client->pc_ncpu;

	n = n == 0 ? 1 : n < BLKBACK_NQUEUE ? n : BLKBACK_NQUEUE;
	return (unsigned int)blkback_xs_setting(sc, "blkback.queues", n);
}

/* The most segments of an indirect request that memory is there for. */
static unsigned int
blkback_xs_nseg(const struct blkback_softc *sc)
{
	unsigned int n = sc->sc_tab->bt_npg - 1;

	return n < BLKBACK_NISEG ? n : BLKBACK_NISEG;
}

struct blkback_xs_key {
	const char	*bk_key;
	uint64_t	 bk_val;
};

static int
blkback_xs_write_keys(struct xen *x, const struct xs_trans *xt,
    const char *dir, const struct blkback_xs_key *k)
{
	int rv = 0;

	for (; rv == 0 && k->bk_key != NULL; k++)
		rv = xs_write_num(x, xt, dir, k->bk_key, k->bk_val);
	return rv;
}

static int
blkback_xs_write_offer(void *softc, const struct xs_trans *xt, const char *dir)
{
	struct blkback_softc *sc = softc;
	const struct pv_blk *bk = sc->sc_tab->bt_guest.bg_blk;
	unsigned int order = (unsigned int)blkback_xs_setting(sc,
	    "blkback.ring_order", BLKBACK_ORDER);
	bool flush = (bk->bk_flags & PV_BLK_CANFLUSH) != 0;
	bool discard = (bk->bk_flags & PV_BLK_CANDISCARD) != 0 &&
	    !sc->sc_nodiscard;
	uint32_t align = bk->bk_discalign == 0 ? 1 : bk->bk_discalign;
	const struct blkback_xs_key keys[] = {
		{ "feature-flush-cache", flush },
		{ "feature-barrier", flush },
		{ "feature-discard", discard },
		{ "discard-secure", discard &&
		    (bk->bk_flags & PV_BLK_CANSECURE) != 0 },
		{ "discard-granularity", (uint64_t)align * PV_SECT_SIZE <
		    bk->bk_bsize ? bk->bk_bsize : align * PV_SECT_SIZE },
		{ "discard-alignment", 0 },
		{ "feature-persistent", blkback_xs_persistent(sc) },
		{ "feature-max-indirect-segments",
		    blkback_xs_setting(sc, "blkback.indirect",
		    blkback_xs_nseg(sc)) },
		{ "max-ring-page-order", order },
		{ "max-ring-pages", 1ull << order },
		{ "multi-queue-max-queues", blkback_xs_maxqueue(sc) },
		{ NULL, 0 }
	};
	int rv;

	rv = blkback_xs_write_keys(xenbus_xen(sc->sc_dev), xt, dir, keys);
	/* Nothing else has to be plugged: the toolstack need not wait. */
	if (rv == 0)
		rv = xs_write_str(xenbus_xen(sc->sc_dev), xt, dir,
		    "hotplug-status", "connected");
	return rv;
}

/*
 * blkback_xs_offer -- what we can do, for the peer to choose from
 *
 * 0 or -PV_E*.
 * Context: thread.
 */
int
blkback_xs_offer(struct blkback_softc *sc)
{
	return xenbus_publish(sc->sc_dev, blkback_xs_write_offer, sc);
}

static int
blkback_xs_write_disk(void *softc, const struct xs_trans *xt, const char *dir)
{
	struct blkback_softc *sc = softc;
	const struct pv_blk_guest *bg = &sc->sc_tab->bt_guest;
	const struct pv_blk *bk = bg->bg_blk;
	bool readonly = bg->bg_readonly || (bk->bk_flags & PV_BLK_RO) != 0;
	const struct blkback_xs_key keys[] = {
		{ "sectors", sc->sc_told },
		{ "sector-size", bk->bk_bsize },
		{ "physical-sector-size", bk->bk_psize < bk->bk_bsize ?
		    bk->bk_bsize : bk->bk_psize },
		{ "info", (sc->sc_cdrom ? VDISK_CDROM : 0u) |
		    (sc->sc_removable ? VDISK_REMOVABLE : 0u) |
		    (readonly ? VDISK_READONLY : 0u) },
		{ NULL, 0 }
	};

	return blkback_xs_write_keys(xenbus_xen(sc->sc_dev), xt, dir, keys);
}

/* The new size, and Connected again, at once: so the peer hears of it. */
static int
blkback_xs_write_again(void *softc, const struct xs_trans *xt, const char *dir)
{
	struct blkback_softc *sc = softc;
	struct xen *x = xenbus_xen(sc->sc_dev);
	int rv;

	rv = xs_write_num(x, xt, dir, "sectors", sc->sc_told);
	if (rv == 0)
		rv = xs_write_num(x, xt, dir, "state", XenbusStateConnected);
	return rv;
}

/*
 * blkback_xs_describe -- what the disk is; again: that its size has changed
 *
 * 0 or -PV_E*.
 * Context: thread.
 */
int
blkback_xs_describe(struct blkback_softc *sc, bool again)
{
	return xenbus_publish(sc->sc_dev, again ? blkback_xs_write_again :
	    blkback_xs_write_disk, sc);
}

/* ---- what the peer chose ----------------------------------------------- */

/*
 * blkback_xs_peer -- the peer's ABI, number of queues, and features
 *
 * 0, or -PV_EPROTO: it chose what it was not offered.
 * Context: thread.
 */
int
blkback_xs_peer(struct blkback_softc *sc)
{
	struct pv_dev *dev = sc->sc_dev;
	char name[24];
	int rv;

	rv = xenbus_peer_str(dev, "protocol", name, sizeof(name));
	if (rv < 0 && rv != -PV_ENOENT)
		return rv;
	sc->sc_abi = blkback_req_abi(name);
	if (sc->sc_abi == NULL) {
		str_sanitise(name, str_len(name));
		pv_log(dev, PV_LOG_ERR, "no known protocol: %s", name);
		return -PV_EPROTO;
	}
	/* peer: within what was offered; 0 is out of range. */
	sc->sc_nqueue = (unsigned int)xenbus_peer_num(dev,
	    "multi-queue-num-queues", 0, UINT32_MAX, 1);
	if (sc->sc_nqueue == 0 || (sc->sc_nqueue > 1 &&
	    sc->sc_nqueue > blkback_xs_maxqueue(sc)))
		return -PV_EPROTO;
	sc->sc_persistent = xenbus_peer_num(dev, "feature-persistent", 0, 1,
	    0) != 0 && blkback_xs_persistent(sc);
	return 0;
}

/* "queue-2/ring-ref5", or without the queue. */
static void
blkback_xs_key(struct strbuf *sb, const struct blkback_softc *sc,
    unsigned int n, const char *name)
{
	sb->sb_len = 0;
	if (sc->sc_nqueue > 1) {
		str_add(sb, "queue-");
		str_addu(sb, n);
		str_add(sb, "/");
	}
	str_add(sb, name);
}

/* Pages of a ring, by either spelling. */
static int
blkback_xs_npage(struct blkback_softc *sc, unsigned int *npgp)
{
	struct pv_dev *dev = sc->sc_dev;
	uint64_t order, npg;

	order = xenbus_peer_num(dev, "ring-page-order", 0, UINT32_MAX,
	    UINT64_MAX);
	if (order == UINT64_MAX) {
		npg = xenbus_peer_num(dev, "num-ring-pages", 0, UINT32_MAX, 1);
	} else {
		/* peer: any number. */
		npg = order > BLKBACK_ORDER ? 0 : 1ull << order;
	}
	if (npg == 0 || npg > XENBUS_RING_MAX || (npg & (npg - 1)) != 0)
		return -PV_EPROTO;
	*npgp = (unsigned int)npg;
	return 0;
}

static int
blkback_xs_gref(struct blkback_softc *sc, const char *key, gref_t *ref)
{
	uint64_t v = xenbus_peer_num(sc->sc_dev, key, 1, UINT32_MAX, 0);

	*ref = GREF((uint32_t)v);
	return v == 0 ? -PV_EPROTO : 0;
}

/*
 * blkback_xs_queue -- a queue's grants, and its port
 *
 * 0 or -PV_E*.  What they grant is not known yet.
 * Context: thread.
 */
int
blkback_xs_queue(struct blkback_softc *sc, unsigned int n, evport_t *port)
{
	struct blkback_queue *bq = &sc->sc_queue[n];
	char key[BLKBACK_XS_QUEUE + 16];
	struct strbuf sb;
	unsigned int i;
	uint64_t v;
	int rv;

	str_begin(&sb, key, sizeof(key));
	rv = blkback_xs_npage(sc, &bq->bq_npg);
	if (rv < 0)
		return rv;
	for (i = 0; rv == 0 && i < bq->bq_npg; i++) {
		blkback_xs_key(&sb, sc, n, "ring-ref");
		/* One page may be named both ways. */
		if (bq->bq_npg > 1 ||
		    xenbus_peer_num(sc->sc_dev, key, 1, UINT32_MAX, 0) == 0)
			str_addu(&sb, i);
		rv = blkback_xs_gref(sc, key, &bq->bq_page[i].gm_ref);
	}
	if (rv < 0)
		return rv;
	blkback_xs_key(&sb, sc, n, "event-channel");
	v = xenbus_peer_num(sc->sc_dev, key, 1, UINT32_MAX, 0);
	*port = EVPORT((uint32_t)v);
	return v == 0 ? -PV_EPROTO : 0;
}
