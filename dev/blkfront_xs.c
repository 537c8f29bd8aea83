/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkfront_xs -- what blkfront and its peer say to each other in XenStore.
 *
 * Ours:	ring-ref, event-channel, protocol, feature-persistent.  A ring
 *		of several pages is ring-ref0 .. and both of ring-page-order
 *		(Linux, QEMU) and num-ring-pages (the others).  With several
 *		queues each has these in a directory of its own, queue-0 ..,
 *		and multi-queue-num-queues says how many.  What an earlier
 *		connection wrote and this one has not is removed.
 * The peer's:	sectors, sector-size, info, mode, feature-*.
 *
 * Protocol: xen/include/public/io/blkif.h.  The node "sectors" is in units of
 * 512 bytes whatever the sector-size, as that header has it now and Linux
 * always had.
 */

#include <xen/io/protocols.h>

#include "blkfront.h"
#include "str.h"

/* ---- Wire -------------------------------------------------------------- */

#define BLKFRONT_XS_ABSENT	UINT64_MAX

static const struct blkfront_xs_key {
	const char	*bk_key;
	uint64_t	 bk_max, bk_dflt;
	size_t		 bk_off;	/* in struct blkfront_peer */
} blkfront_xs_keys[] = {
	{ "sectors", BLKFRONT_MAXSECT, BLKFRONT_XS_ABSENT,
	    offsetof(struct blkfront_peer, bp_sectors) },
	{ "sector-size", UINT32_MAX, 0,
	    offsetof(struct blkfront_peer, bp_bsize) },
	{ "info", UINT32_MAX, 0, offsetof(struct blkfront_peer, bp_info) },
	{ "feature-flush-cache", 1, 0,
	    offsetof(struct blkfront_peer, bp_flush) },
	{ "feature-barrier", 1, 0,
	    offsetof(struct blkfront_peer, bp_barrier) },
	{ "feature-discard", 1, 0,
	    offsetof(struct blkfront_peer, bp_discard) },
	{ "discard-secure", 1, 0,
	    offsetof(struct blkfront_peer, bp_secure) },
	{ "discard-granularity", UINT32_MAX, 0,
	    offsetof(struct blkfront_peer, bp_discgran) },
	{ "physical-sector-size", UINT32_MAX, 0,
	    offsetof(struct blkfront_peer, bp_psize) },
	{ "feature-max-indirect-segments", UINT32_MAX, 0,
	    offsetof(struct blkfront_peer, bp_nseg) },
};

/* ---- Our own directory ------------------------------------------------- */

/* Where Linux's block majors put their disks; vbd-interface.7. */
static const struct blkfront_xs_major {
	uint8_t		 mj_first, mj_last;
	uint8_t		 mj_shift;	/* minor >> shift: disk in the major */
	uint8_t		 mj_ndisk;	/* disks of a major */
	uint8_t		 mj_disk;	/* first disk of mj_first */
	char		 mj_prefix[4];
} blkfront_xs_majors[] = {
	{ 202, 202, 4, 16, 0, "xvd" },
	{ 8, 8, 4, 16, 0, "sd" }, { 65, 71, 4, 16, 16, "sd" },
	{ 128, 135, 4, 16, 128, "sd" },
	{ 3, 3, 6, 2, 0, "hd" }, { 22, 22, 6, 2, 2, "hd" },
	{ 33, 34, 6, 2, 4, "hd" }, { 56, 57, 6, 2, 8, "hd" },
};

/* Append a, .. z, aa, .. zz, aaa .. */
static void
blkfront_xs_letters(struct strbuf *sb, uint32_t disk)
{
	char c[8];
	size_t n = sizeof(c);

	do {
		c[--n] = (char)('a' + disk % 26);
		disk /= 26;
	} while (disk-- > 0);
	str_addn(sb, c + n, sizeof(c) - n);
}

/*
 * The name that an operator expects for a virtual device number: Linux's
 * major << 8 | minor, or, with bit 28, disk << 8 | partition.
 */
static void
blkfront_xs_format(struct strbuf *sb, uint32_t vdev)
{
	const struct blkfront_xs_major *mj = NULL;
	uint32_t major = vdev >> 8, disk = major & 0xfffff, part = vdev & 0xff;
	const char *prefix = "xvd";
	size_t i;

	if ((vdev & 1u << 28) == 0) {
		for (i = 0; i < PV_NELEM(blkfront_xs_majors); i++)
			if (major >= blkfront_xs_majors[i].mj_first &&
			    major <= blkfront_xs_majors[i].mj_last)
				mj = &blkfront_xs_majors[i];
		if (mj == NULL) {
			str_add(sb, "vbd");
			str_addu(sb, vdev);
			return;
		}
		prefix = mj->mj_prefix;
		disk = mj->mj_disk + (part >> mj->mj_shift) +
		    (major - mj->mj_first) * mj->mj_ndisk;
		part &= (1u << mj->mj_shift) - 1;
	}
	str_add(sb, prefix);
	blkfront_xs_letters(sb, disk);
	if (part > 0)
		str_addu(sb, part);
}

void
blkfront_xs_name(struct blkfront_softc *sc)
{
	struct strbuf sb;
	uint64_t vdev;

	vdev = xenbus_own_num(sc->sc_dev, "virtual-device", 0, UINT32_MAX, 0);
	if (vdev == 0)
		vdev = xenbus_own_num(sc->sc_dev, "virtual-device-ext", 0,
		    UINT32_MAX, 0);
	sc->sc_vdev = (uint32_t)vdev;
	str_begin(&sb, sc->sc_name, sizeof(sc->sc_name));
	blkfront_xs_format(&sb, (uint32_t)vdev);
}

/* The largest order of n pages, which need not be a power of two. */
static unsigned int
blkfront_xs_log2(uint64_t n)
{
	unsigned int order = 0;

	while (n >> (order + 1) != 0)
		order++;
	return order;
}

static unsigned int
blkfront_xs_min(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Queues: as many as the peer, CPUs, the operator and grants allow. */
static unsigned int
blkfront_xs_nring(struct blkfront_softc *sc)
{
	static const int64_t range[2] = { 1, BLKFRONT_NQ };
	unsigned int n = sc->sc_dev->pd_client->pc_ncpu;
	uint32_t room = pv_dma_room(sc->sc_dev);
	uint64_t has;

	has = xenbus_peer_num(sc->sc_dev, "multi-queue-max-queues", 1,
	    UINT32_MAX, 1);
	sc->sc_offered = has > 1;
	n = blkfront_xs_min(n, (unsigned int)has);
	n = blkfront_xs_min(n, (unsigned int)pv_unit_num(&sc->sc_unit,
	    "max_queues", range, BLKFRONT_NQ));
	while (n > 1 && n * 8 * BLKFRONT_NSEG > room)
		n--;
	return n > 0 ? n : 1;
}

/* Pages that may stay granted: as the operator wants it. */
static unsigned int
blkfront_xs_nlast(struct blkfront_softc *sc)
{
	static const int64_t range[2] = { 0, BLKFRONT_LASTMAX };
	unsigned int dflt = BLKFRONT_NLAST;

	if (sc->sc_nring * BLKFRONT_NLASTQ > dflt)
		dflt = sc->sc_nring * BLKFRONT_NLASTQ;
	return (unsigned int)pv_unit_num(&sc->sc_unit, "persistent_pages",
	    range, dflt);
}

void
blkfront_xs_shape(struct blkfront_softc *sc)
{
	uint64_t order, pages;

	order = xenbus_peer_num(sc->sc_dev, "max-ring-page-order", 0,
	    UINT32_MAX, 0);
	pages = xenbus_peer_num(sc->sc_dev, "max-ring-pages", 1, UINT32_MAX, 1);
	if (order == 0)
		order = blkfront_xs_log2(pages);
	sc->sc_order = order > BLKFRONT_ORDER ? BLKFRONT_ORDER :
	    (unsigned int)order;
	sc->sc_nring = blkfront_xs_nring(sc);
	sc->sc_nlast = blkfront_xs_nlast(sc);
}

/* Keys of a connection before this one. */
static int
blkfront_xs_clean(struct blkfront_softc *sc, const struct xs_trans *xt,
    const char *dir)
{
	static const char *const keys[] = { "ring-ref", "event-channel",
	    "ring-page-order", "num-ring-pages", "multi-queue-num-queues" };
	char path[XS_PATHMAX];
	unsigned int i;
	int rv = 0;

	for (i = 0; i < PV_NELEM(keys) && rv == 0; i++) {
		rv = xs_path_join(path, sizeof(path), dir, keys[i]);
		if (rv == 0)
			rv = xs_rm(xenbus_xen(sc->sc_dev), xt, path);
		if (rv == -PV_ENOENT)
			rv = 0;
	}
	return rv;
}

/* Ring and event channel of a queue, in its directory or the device's. */
static int
blkfront_xs_write_queue(struct blkfront_queue *q, const struct xs_trans *xt,
    const char *dir)
{
	struct xen *x = xenbus_xen(q->q_sc->sc_dev);
	char key[] = "ring-ref0";
	unsigned int i;
	int rv = 0;

	if (q->q_sc->sc_order == 0)
		rv = xs_write_num(x, xt, dir, "ring-ref",
		    gref_x(q->q_page.xr_gref[0]));
	for (i = 0; rv == 0 && q->q_sc->sc_order > 0 &&
	    i < 1u << q->q_sc->sc_order; i++) {
		key[sizeof(key) - 2] = (char)('0' + i);
		rv = xs_write_num(x, xt, dir, key,
		    gref_x(q->q_page.xr_gref[i]));
	}
	if (rv == 0)
		rv = xs_write_num(x, xt, dir, "event-channel",
		    evport_x(q->q_eh.eh_port));
	return rv;
}

static int
blkfront_xs_write_queues(struct blkfront_softc *sc, const struct xs_trans *xt,
    const char *dir)
{
	char path[XS_PATHMAX], queue[] = "queue-0";
	unsigned int i;
	int rv = 0;

	for (i = 0; rv == 0 && i < sc->sc_nring; i++) {
		queue[sizeof(queue) - 2] = (char)('0' + i);
		rv = xs_path_join(path, sizeof(path), dir, queue);
		if (rv == 0)
			rv = blkfront_xs_write_queue(sc->sc_q[i], xt, path);
	}
	return rv;
}

static int
blkfront_xs_write(void *softc, const struct xs_trans *xt, const char *dir)
{
	struct blkfront_softc *sc = softc;
	struct xen *x = xenbus_xen(sc->sc_dev);
	int rv;

	rv = blkfront_xs_clean(sc, xt, dir);
	if (rv == 0 && sc->sc_order > 0)
		rv = xs_write_num(x, xt, dir, "ring-page-order", sc->sc_order);
	if (rv == 0 && sc->sc_order > 0)
		rv = xs_write_num(x, xt, dir, "num-ring-pages",
		    1u << sc->sc_order);
	if (rv == 0 && sc->sc_offered)
		rv = xs_write_num(x, xt, dir, "multi-queue-num-queues",
		    sc->sc_nring);
	if (rv == 0)
		rv = sc->sc_nring > 1 ? blkfront_xs_write_queues(sc, xt, dir) :
		    blkfront_xs_write_queue(sc->sc_q[0], xt, dir);
	if (rv == 0)
		rv = xs_write_num(x, xt, dir, "feature-persistent",
		    sc->sc_nlast > 0);
	if (rv == 0)
		rv = xs_write_str(x, xt, dir, "protocol",
		    BLKFRONT_ABI64 ? XEN_IO_PROTO_ABI_X86_64 :
		    XEN_IO_PROTO_ABI_X86_32);
	return rv;
}

int
blkfront_xs_publish(struct blkfront_softc *sc)
{
	return xenbus_publish(sc->sc_dev, blkfront_xs_write, sc);
}

/* ---- The peer's directory ---------------------------------------------- */

/* The flags of the class that follow from what the peer said. */
static uint32_t
blkfront_xs_flags(struct blkfront_softc *sc, const struct blkfront_peer *bp)
{
	uint32_t flags = 0;
	char mode[8];

	if ((bp->bp_info & VDISK_READONLY) != 0 ||
	    (xenbus_peer_str(sc->sc_dev, "mode", mode, sizeof(mode)) == 0 &&
	    mode[0] == 'r'))
		flags |= PV_BLK_RO;
	if ((bp->bp_info & VDISK_CDROM) != 0)
		flags |= PV_BLK_CDROM;
	if (bp->bp_flush != 0 || bp->bp_barrier != 0)
		flags |= PV_BLK_CANFLUSH;
	if (bp->bp_discard != 0)
		flags |= PV_BLK_CANDISCARD;
	if (bp->bp_discard != 0 && bp->bp_secure != 0)
		flags |= PV_BLK_CANSECURE;
	return flags;
}

/*
 * Whether the peer keeps what it maps.  If it can not be told, it may: pages
 * that stay granted suit any peer, others would never come back.
 */
static bool
blkfront_xs_persist(struct blkfront_softc *sc)
{
	char val[4];
	int rv;

	rv = xenbus_peer_str(sc->sc_dev, "feature-persistent", val,
	    sizeof(val));
	return rv != -PV_ENOENT && (rv != 0 || val[0] != '0');
}

int
blkfront_xs_read(struct blkfront_softc *sc, struct blkfront_peer *bp)
{
	const struct blkfront_xs_key *k;
	size_t i;

	for (i = 0; i < PV_NELEM(blkfront_xs_keys); i++) {
		k = &blkfront_xs_keys[i];
		*(uint64_t *)(void *)((char *)bp + k->bk_off) =
		    xenbus_peer_num(sc->sc_dev, k->bk_key, 0, k->bk_max,
		    k->bk_dflt);
	}
	/* peer: a size that is none leaves us without a disk. */
	if (bp->bp_sectors == BLKFRONT_XS_ABSENT ||
	    bp->bp_bsize < PV_SECT_SIZE || bp->bp_bsize > BLKFRONT_MAXBSIZE ||
	    (bp->bp_bsize & (bp->bp_bsize - 1)) != 0)
		return -PV_EPROTO;
	/* Up to 11 are no gain: Linux takes such an offer for none. */
	if (bp->bp_nseg <= BLKFRONT_NSEG)
		bp->bp_nseg = 0;
	if (bp->bp_nseg > BLKFRONT_NISEG)
		bp->bp_nseg = BLKFRONT_NISEG;
	bp->bp_persist = blkfront_xs_persist(sc);
	bp->bp_flags = blkfront_xs_flags(sc, bp);
	return 0;
}
