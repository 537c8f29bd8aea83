/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_blk.c -- virtio block device (virtio 1.2, section 5.2): features,
 * configuration, life.  Theory in virtio_blk.h.
 *
 * Disconnecting.  When the device broke or goes away the requests in flight
 * end with -PV_ENXIO after the reset: before it the device could still write
 * to their buffers.  A device that does not come out of its reset keeps them,
 * and they are never freed.  When it only asked for a reset they are held,
 * and made again by start; consumers see nothing but the delay.
 */

#include "virtio_blk.h"

/* ---- State ------------------------------------------------------------- */

static unsigned int virtio_blk_units;	/* bits: names in use */

static const char *const virtio_blk_settings[] = {
	"hw.vtblk.no_ident", "hw.vtblk.writecache_mode",
	"hw.vtblk.mq_disable", NULL
};

/* ---- Attach ------------------------------------------------------------ */

static int
virtio_blk_name(struct virtio_blk_softc *sc)
{
	unsigned int u;

	for (u = 0; u < 26; u++) {
		if ((virtio_blk_units >> u & 1) == 0)
			break;
	}
	if (u == 26)
		return -PV_ENOSPC;
	virtio_blk_units |= 1u << u;
	sc->sc_name[0] = 'v';
	sc->sc_name[1] = 'd';
	sc->sc_name[2] = (char)('a' + u);
	sc->sc_unit.un_client = sc->sc_dev->pd_client;
	sc->sc_unit.un_family = "hw.vtblk";
	sc->sc_unit.un_unit = u;
	return 0;
}

static int
virtio_blk_attach(void *arg, struct pv_dev *dev)
{
	struct virtio_blk_softc *sc = arg;
	int rv;

	sc->sc_dev = dev;
	rv = virtio_blk_name(sc);
	if (rv != 0)
		return rv;
	rv = virtio_blk_io_create(sc, &sc->sc_q[0]);
	if (rv != 0)
		virtio_blk_units &= ~(1u << sc->sc_unit.un_unit);
	sc->sc_nq = 1;
	return rv;
}

static void
virtio_blk_detach(void *arg)
{
	struct virtio_blk_softc *sc = arg;
	unsigned int i;

	/* A queue that is still alive is the device's, for ever. */
	for (i = 0; i < VIRTIO_BLK_NQ; i++) {
		if (sc->sc_q[i] != NULL && !sc->sc_q[i]->q_queue.vn_live)
			virtio_blk_io_destroy(sc, &sc->sc_q[i]);
	}
	virtio_blk_units &= ~(1u << sc->sc_unit.un_unit);
}

/* ---- Configuration ----------------------------------------------------- */

/* A little-endian number of n bytes; 0 when it can not be read. */
static uint64_t
virtio_blk_read(struct virtio_blk_softc *sc, unsigned int off, unsigned int n)
{
	uint8_t buf[8] = { 0 };

	if (virtio_config(sc->sc_dev, off, buf, n) != 0)
		return 0;
	return virtio_le64(buf);
}
#define VIRTIO_BLK_READ(sc, member)					\
	virtio_blk_read(sc, offsetof(struct virtio_blk_config, member),	\
	    sizeof(((struct virtio_blk_config *)0)->member))

static bool
virtio_blk_has(const struct virtio_blk_softc *sc, unsigned int feature)
{
	return virtio_has(virtio_of(sc->sc_dev), feature);
}

/* peer: any number; beyond 2^63 bytes nothing can be addressed. */
static uint64_t
virtio_blk_capacity(struct virtio_blk_softc *sc)
{
	uint64_t n = VIRTIO_BLK_READ(sc, capacity);

	return n <= (uint64_t)INT64_MAX >> PV_SECT_SHIFT ? n :
	    (uint64_t)INT64_MAX >> PV_SECT_SHIFT;
}

/* The block size: peer: a power of two from 512 to 64 KiB, else 512. */
static uint32_t
virtio_blk_bsize(struct virtio_blk_softc *sc)
{
	uint32_t n;

	if (!virtio_blk_has(sc, VIRTIO_BLK_F_BLK_SIZE))
		return PV_SECT_SIZE;
	n = (uint32_t)VIRTIO_BLK_READ(sc, blk_size);
	if (n >= PV_SECT_SIZE && n <= 65536 && (n & (n - 1)) == 0)
		return n;
	pv_log(sc->sc_dev, PV_LOG_WARN, "block size %u makes no sense", n);
	return PV_SECT_SIZE;
}

/*
 * Pieces of a request and the bytes of each: what the device takes and the
 * queue holds.  0, or -PV_EPROTO when no page fits in.
 */
static int
virtio_blk_pieces(struct virtio_blk_softc *sc)
{
	unsigned int n = VIRTIO_BLK_NSEG, room, per, npg;
	uint32_t max = PV_PAGE_SIZE, got;

	room = sc->sc_q[0]->q_queue.vn_vq.vq_size;
	if (virtio_blk_has(sc, VIRTIO_BLK_F_SEG_MAX)) {
		got = (uint32_t)VIRTIO_BLK_READ(sc, seg_max);
		n = got < n ? got : n;
	}
	if (room < n + 2)
		n = room > 2 ? room - 2 : 0;
	if (virtio_blk_has(sc, VIRTIO_BLK_F_SIZE_MAX)) {
		got = (uint32_t)VIRTIO_BLK_READ(sc, size_max);
		/* peer: qemu-storage-daemon offers it and then says 0. */
		if (got != 0 && got < max)
			max = got / PV_SECT_SIZE * PV_SECT_SIZE;
	}
	per = max == 0 ? n + 1 : PV_HOWMANY(PV_PAGE_SIZE, max);
	/* A buffer that starts inside a page takes one piece more. */
	npg = per == 1 && n > 0 ? n - 1 : n / per;
	if (npg == 0 || npg * PV_PAGE_SIZE < virtio_blk_bsize(sc)) {
		pv_log(sc->sc_dev, PV_LOG_ERR, "no room for data in a request:"
		    " %u pieces of %u bytes", n, max);
		return -PV_EPROTO;
	}
	sc->sc_nseg = n;
	sc->sc_segmax = max;
	sc->sc_blk.bk_maxio = npg * PV_PAGE_SIZE;
	return 0;
}

/* peer: sizes in blocks; what overflows is as good as not told. */
static void
virtio_blk_topology(struct virtio_blk_softc *sc)
{
	struct pv_blk *bk = &sc->sc_blk;
	uint64_t opt;
	uint32_t exp;

	bk->bk_psize = bk->bk_poff = bk->bk_minio = bk->bk_optio = 0;
	if (!virtio_blk_has(sc, VIRTIO_BLK_F_TOPOLOGY))
		return;
	exp = (uint32_t)VIRTIO_BLK_READ(sc, physical_block_exp);
	if (exp <= 12)
		bk->bk_psize = bk->bk_bsize << exp;
	bk->bk_poff = (uint32_t)VIRTIO_BLK_READ(sc, alignment_offset) *
	    bk->bk_bsize;
	opt = VIRTIO_BLK_READ(sc, min_io_size) * bk->bk_bsize;
	bk->bk_minio = opt <= UINT32_MAX ? (uint32_t)opt : 0;
	opt = VIRTIO_BLK_READ(sc, opt_io_size) * bk->bk_bsize;
	bk->bk_optio = opt <= UINT32_MAX ? (uint32_t)opt : 0;
}

/*
 * An operation on ranges that the device offers: peer: one whose limit is 0
 * it can not do.  The limit, in whole blocks.
 */
static uint32_t
virtio_blk_range(struct virtio_blk_softc *sc, unsigned int feature,
    uint64_t max, uint32_t flag)
{
	struct pv_blk *bk = &sc->sc_blk;
	uint32_t n = (uint32_t)max;

	n -= n % (bk->bk_bsize / PV_SECT_SIZE);
	if (!virtio_blk_has(sc, feature) || n == 0)
		return 0;
	bk->bk_flags |= flag;
	return n;
}

static void
virtio_blk_ranges(struct virtio_blk_softc *sc)
{
	struct pv_blk *bk = &sc->sc_blk;

	bk->bk_maxdiscard = virtio_blk_range(sc, VIRTIO_BLK_F_DISCARD,
	    VIRTIO_BLK_READ(sc, max_discard_sectors), PV_BLK_CANDISCARD);
	bk->bk_maxzero = virtio_blk_range(sc, VIRTIO_BLK_F_WRITE_ZEROES,
	    VIRTIO_BLK_READ(sc, max_write_zeroes_sectors), PV_BLK_CANZERO);
	bk->bk_maxsecure = virtio_blk_range(sc, VIRTIO_BLK_F_SECURE_ERASE,
	    VIRTIO_BLK_READ(sc, max_secure_erase_sectors), PV_BLK_CANSECURE);
	bk->bk_discalign = 0;
	if ((bk->bk_flags & PV_BLK_CANDISCARD) != 0)
		bk->bk_discalign = (uint32_t)VIRTIO_BLK_READ(sc,
		    discard_sector_alignment);
}

/* Where the device can not tell, a cache is what FLUSH is for. */
static uint32_t
virtio_blk_cache(struct virtio_blk_softc *sc)
{
	uint32_t flags = 0;

	if (virtio_blk_has(sc, VIRTIO_BLK_F_FLUSH))
		flags |= PV_BLK_CANFLUSH;
	if (virtio_blk_has(sc, VIRTIO_BLK_F_CONFIG_WCE))
		flags |= PV_BLK_CANWCACHE |
		    (VIRTIO_BLK_READ(sc, wce) != 0 ? PV_BLK_WCACHE : 0);
	else if (flags != 0)
		flags |= PV_BLK_WCACHE;
	return flags;
}

static void
virtio_blk_describe(struct virtio_blk_softc *sc)
{
	struct pv_blk *bk = &sc->sc_blk;

	bk->bk_name = sc->sc_name;
	bk->bk_ops = &virtio_blk_io_ops;
	bk->bk_sc = sc;
	bk->bk_bsize = virtio_blk_bsize(sc);
	bk->bk_nqueue = sc->sc_nq;
	bk->bk_flags = (virtio_blk_has(sc, VIRTIO_BLK_F_RO) ? PV_BLK_RO : 0) |
	    virtio_blk_cache(sc);
	virtio_blk_topology(sc);
	virtio_blk_ranges(sc);
}

/* ---- Connection -------------------------------------------------------- */

/* Queues to make: as many as the device, CPUs and the operator want. */
static unsigned int
virtio_blk_nqueue(struct virtio_blk_softc *sc)
{
	unsigned int n = sc->sc_dev->pd_client->pc_ncpu, has = 1;

	if (virtio_blk_has(sc, VIRTIO_BLK_F_MQ))
		has = (unsigned int)VIRTIO_BLK_READ(sc, num_queues);
	n = n < has ? n : has;
	n = n < VIRTIO_BLK_NQ ? n : VIRTIO_BLK_NQ;
	return n > 0 ? n : 1;
}

static int
virtio_blk_queue(struct virtio_blk_softc *sc, unsigned int i)
{
	int rv = 0;

	if (sc->sc_q[i] == NULL)
		rv = virtio_blk_io_create(sc, &sc->sc_q[i]);
	if (rv != 0)
		return rv;
	sc->sc_q[i]->q_queue.vn_chain = VIRTIO_BLK_NSEG + 2;
	return virtio_queue_create(sc->sc_dev, &sc->sc_q[i]->q_queue, i,
	    virtio_blk_io_intr, sc->sc_q[i]);
}

/* One queue has to be; with fewer of the others the device works too. */
static int
virtio_blk_queues(struct virtio_blk_softc *sc)
{
	unsigned int n = virtio_blk_nqueue(sc), i;
	int rv = virtio_blk_queue(sc, 0);

	if (rv != 0)
		return rv;
	for (i = 1; i < n && rv == 0; i++)
		rv = virtio_blk_queue(sc, i);
	if (rv == 0) {
		sc->sc_nq = i;
		return 0;
	}
	sc->sc_nq = i - 1;
	pv_log(sc->sc_dev, PV_LOG_WARN, "only %u of %u queues (error %d)",
	    sc->sc_nq, n, -rv);
	return 0;
}

static uint64_t
virtio_blk_wanted(struct virtio_blk_softc *sc)
{
	uint64_t want = 1ull << VIRTIO_BLK_F_SIZE_MAX |
	    1ull << VIRTIO_BLK_F_SEG_MAX | 1ull << VIRTIO_BLK_F_RO |
	    1ull << VIRTIO_BLK_F_BLK_SIZE | 1ull << VIRTIO_BLK_F_FLUSH |
	    1ull << VIRTIO_BLK_F_TOPOLOGY | 1ull << VIRTIO_BLK_F_CONFIG_WCE |
	    1ull << VIRTIO_BLK_F_DISCARD | 1ull << VIRTIO_BLK_F_WRITE_ZEROES |
	    1ull << VIRTIO_BLK_F_SECURE_ERASE;

	if (!pv_unit_bool(&sc->sc_unit, "mq_disable", false))
		want |= 1ull << VIRTIO_BLK_F_MQ;
	return want;
}

static int
virtio_blk_connect(void *arg)
{
	struct virtio_blk_softc *sc = arg;
	int rv;

	rv = virtio_negotiate(sc->sc_dev, virtio_blk_wanted(sc));
	if (rv == 0)
		rv = virtio_blk_queues(sc);
	return rv == 0 ? virtio_blk_pieces(sc) : rv;
}

/* As the operator wants it: -1 as it is, 0 write-through, 1 write-back. */
static void
virtio_blk_writecache(struct virtio_blk_softc *sc)
{
	static const int64_t range[2] = { -1, 1 };
	int64_t mode = pv_unit_num(&sc->sc_unit, "writecache_mode", range,
	    -1);

	if (mode < 0 || (sc->sc_blk.bk_flags & PV_BLK_CANWCACHE) == 0)
		return;
	if (virtio_blk_io_ops.bo_wcache(sc, mode == 1) != 0)
		pv_log(sc->sc_dev, PV_LOG_WARN, "does not take its write cache"
		    " mode");
}

static void
virtio_blk_resize(struct virtio_blk_softc *sc)
{
	uint64_t now = virtio_blk_capacity(sc);

	if (now == sc->sc_blk.bk_nsect)
		return;
	sc->sc_blk.bk_nsect = now;
	if (sc->sc_up && sc->sc_dev->pd_client->pc_blk_resized != NULL)
		sc->sc_dev->pd_client->pc_blk_resized(&sc->sc_blk);
}

/* After a reset of its own the device was never away for the consumer. */
static int
virtio_blk_start(void *arg)
{
	struct virtio_blk_softc *sc = arg;
	bool up = sc->sc_up;

	virtio_blk_describe(sc);
	virtio_blk_writecache(sc);
	virtio_blk_resize(sc);
	virtio_blk_io_open(sc);
	sc->sc_up = true;
	if (!pv_unit_bool(&sc->sc_unit, "no_ident", false))
		virtio_blk_io_ident(sc);
	virtio_blk_io_replay(sc);
	pv_log(sc->sc_dev, PV_LOG_INFO, "%s: %llu sectors of 512 bytes%s",
	    sc->sc_name, (unsigned long long)sc->sc_blk.bk_nsect,
	    up ? ", again" : "");
	if (!up && sc->sc_dev->pd_client->pc_blk_up != NULL)
		sc->sc_dev->pd_client->pc_blk_up(&sc->sc_blk);
	return 0;
}

static void
virtio_blk_changed(void *arg)
{
	virtio_blk_resize(arg);
}

static void
virtio_blk_disconnect(void *arg)
{
	struct virtio_blk_softc *sc = arg;
	bool keep = sc->sc_up && virtio_again(sc->sc_dev);
	unsigned int i;

	virtio_blk_io_close(sc, keep);
	if (virtio_stop(sc->sc_dev) == 0) {
		virtio_blk_io_keep(sc);
		for (i = 0; i < VIRTIO_BLK_NQ && sc->sc_q[i] != NULL; i++)
			virtio_queue_destroy(&sc->sc_q[i]->q_queue);
	}
	if (keep)
		return;
	virtio_blk_io_abort(sc, -PV_ENXIO);
	if (sc->sc_up && sc->sc_dev->pd_client->pc_blk_down != NULL)
		sc->sc_dev->pd_client->pc_blk_down(&sc->sc_blk);
	sc->sc_up = false;
}

/* ---- Driver ------------------------------------------------------------ */

const struct pv_driver virtio_blk_driver = {
	.dv_name = "virtio_blk",
	.dv_match = "virtio,2",
	.dv_scsize = sizeof(struct virtio_blk_softc),
	.dv_attach = virtio_blk_attach,
	.dv_detach = virtio_blk_detach,
	.dv_connect = virtio_blk_connect,
	.dv_start = virtio_blk_start,
	.dv_disconnect = virtio_blk_disconnect,
	.dv_changed = virtio_blk_changed,
	.dv_load = "virtio_blk_load",
	.dv_settings = virtio_blk_settings,
};
