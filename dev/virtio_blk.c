/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_blk -- virtio block device (virtio 1.2, section 5.2).
 *
 * One queue.  Each request has a slot: a header that the device reads and a
 * status byte that it writes, both in pages of the driver's own, and up to
 * VIRTIO_BLK_NSEG maps for the consumer's buffer between them.  A slot is the
 * cookie of its chain; the status byte is preset to a value that no device
 * may answer with, so that one it forgot to write is an error.
 *
 *	header (16 bytes) | data pieces ... | status (1 byte)
 *	device reads        reads or writes   writes
 *
 * Requests that the ring has no room for are refused with -PV_EAGAIN; the
 * consumer tries again after a completion.  One lock covers ring and slots; it
 * is not held when br_done is called.
 *
 * When the device breaks or asks for a reset the requests in flight end with
 * -PV_ENXIO after the reset: before it the device could still write to their
 * buffers.  A device that does not come out of its reset keeps them, and
 * they are never freed.
 */

#include <linux/virtio_blk.h>
#include <pv/blk.h>

#include "iov.h"
#include "str.h"
#include "virtio.h"

/* ---- Wire -------------------------------------------------------------- */

struct virtio_blk_hdr {
	uint32_t	 vh_type;	/* VIRTIO_BLK_T_* */
	uint32_t	 vh_reserved;
	uint64_t	 vh_sector;	/* 512-byte sectors */
};
PV_WIRE_ASSERT(struct virtio_blk_hdr, 16);
PV_WIRE_OFFSET(struct virtio_blk_hdr, vh_sector, 8);

#define VIRTIO_BLK_CELL		32	/* bytes of header and status */
#define VIRTIO_BLK_STATUS	16	/* offset of the status in it */
#define VIRTIO_BLK_UNSET	0xff	/* no status of the specification */

/* ---- State ------------------------------------------------------------- */

#define VIRTIO_BLK_NSLOT	64
#define VIRTIO_BLK_NSEG		33	/* 128 KiB at any alignment */
#define VIRTIO_BLK_BUDGET	64

struct virtio_blk_slot {
	struct list	 sl_link;	/* free list */
	struct pv_blk_req *sl_req;
	uint8_t		*sl_cell;
	struct pv_dma_map *sl_map;	/* VIRTIO_BLK_NSEG of them */
	unsigned int	 sl_nmap;
};

struct virtio_blk_softc {
	struct pv_dev	*sc_dev;
	struct pv_blk	 sc_blk;
	struct virtio_queue sc_queue;
	struct pv_lock	 sc_lock;
	bool		 sc_open;	/* takes requests */
	bool		 sc_up;		/* announced */
	struct list	 sc_free;
	void		*sc_cells;	/* one page */
	struct pv_dma_pool sc_pool;
	struct virtio_blk_slot sc_slot[VIRTIO_BLK_NSLOT];
	unsigned int	 sc_nseg;	/* data pieces of one request */
	struct vq_piece	 sc_piece[VIRTIO_BLK_NSEG + 2];	/* under the lock */
	char		 sc_name[8];	/* "vda" */
};

static unsigned int virtio_blk_units;	/* bits: names in use */

/* ---- Names ------------------------------------------------------------- */

static bool virtio_blk_intr(void *);
static const struct pv_blk_ops virtio_blk_ops;

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
	return 0;
}

static void
virtio_blk_slots(struct virtio_blk_softc *sc)
{
	struct virtio_blk_slot *sl;
	unsigned int i;

	list_init(&sc->sc_free);
	for (i = 0; i < VIRTIO_BLK_NSLOT; i++) {
		sl = &sc->sc_slot[i];
		sl->sl_cell = (uint8_t *)sc->sc_cells + i * VIRTIO_BLK_CELL;
		sl->sl_map = sc->sc_pool.dp_map + i * VIRTIO_BLK_NSEG;
		list_append(&sc->sc_free, &sl->sl_link);
	}
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
	rv = -PV_ENOMEM;
	sc->sc_cells = pv_pages_alloc(dev, 1);
	if (sc->sc_cells == NULL)
		goto err_cells;
	rv = pv_dma_reserve(dev, &sc->sc_pool,
	    VIRTIO_BLK_NSLOT * VIRTIO_BLK_NSEG);
	if (rv != 0)
		goto err_reserve;
	virtio_blk_slots(sc);
	return 0;

err_reserve:
	pv_pages_free(dev, sc->sc_cells, 1);
err_cells:
	virtio_blk_units &= ~(1u << (sc->sc_name[2] - 'a'));
	return rv;
}

static void
virtio_blk_detach(void *arg)
{
	struct virtio_blk_softc *sc = arg;

	pv_dma_release(&sc->sc_pool);
	pv_pages_free(sc->sc_dev, sc->sc_cells, 1);
	virtio_blk_units &= ~(1u << (sc->sc_name[2] - 'a'));
}

/* ---- Connection -------------------------------------------------------- */

static void
virtio_blk_capacity(struct virtio_blk_softc *sc)
{
	uint8_t buf[8] = { 0 };

	if (virtio_config(sc->sc_dev, offsetof(struct virtio_blk_config,
	    capacity), buf, sizeof(buf)) == 0)
		sc->sc_blk.bk_nsect = virtio_le64(buf);
}

/* The block size: peer: a power of two from 512 to 64 KiB, else 512. */
static uint32_t
virtio_blk_bsize(struct virtio_blk_softc *sc)
{
	uint8_t buf[4] = { 0 };
	uint32_t n;

	if (!virtio_has(virtio_of(sc->sc_dev), VIRTIO_BLK_F_BLK_SIZE) ||
	    virtio_config(sc->sc_dev, offsetof(struct virtio_blk_config,
	    blk_size), buf, sizeof(buf)) != 0)
		return PV_SECT_SIZE;
	n = virtio_le32(buf);
	if (n >= PV_SECT_SIZE && n <= 65536 && (n & (n - 1)) == 0)
		return n;
	pv_log(sc->sc_dev, PV_LOG_WARN, "block size %u makes no sense", n);
	return PV_SECT_SIZE;
}

/* Data pieces of a request: what the device takes, what the queue holds. */
static unsigned int
virtio_blk_nseg(struct virtio_blk_softc *sc)
{
	unsigned int n = VIRTIO_BLK_NSEG, room = sc->sc_queue.vn_vq.vq_size;
	uint8_t buf[4] = { 0 };

	if (virtio_has(virtio_of(sc->sc_dev), VIRTIO_BLK_F_SEG_MAX) &&
	    virtio_config(sc->sc_dev, offsetof(struct virtio_blk_config,
	    seg_max), buf, sizeof(buf)) == 0 && virtio_le32(buf) < n)
		n = virtio_le32(buf);
	if (room < n + 2)
		n = room > 2 ? room - 2 : 0;
	return n;
}

static void
virtio_blk_describe(struct virtio_blk_softc *sc)
{
	const struct virtio *vi = virtio_of(sc->sc_dev);
	struct pv_blk *bk = &sc->sc_blk;

	bk->bk_name = sc->sc_name;
	bk->bk_ops = &virtio_blk_ops;
	bk->bk_sc = sc;
	virtio_blk_capacity(sc);
	bk->bk_bsize = virtio_blk_bsize(sc);
	/* A buffer that starts inside a page takes one piece more. */
	bk->bk_maxio = (sc->sc_nseg - 1) * PV_PAGE_SIZE;
	bk->bk_flags = (virtio_has(vi, VIRTIO_BLK_F_RO) ? PV_BLK_RO : 0) |
	    (virtio_has(vi, VIRTIO_BLK_F_FLUSH) ? PV_BLK_CANFLUSH : 0);
}

static int
virtio_blk_connect(void *arg)
{
	struct virtio_blk_softc *sc = arg;
	int rv;

	rv = virtio_negotiate(sc->sc_dev, 1ull << VIRTIO_BLK_F_SEG_MAX |
	    1ull << VIRTIO_BLK_F_BLK_SIZE | 1ull << VIRTIO_BLK_F_RO |
	    1ull << VIRTIO_BLK_F_FLUSH);
	if (rv != 0)
		return rv;
	rv = virtio_queue_create(sc->sc_dev, &sc->sc_queue, 0,
	    virtio_blk_intr, sc);
	if (rv != 0)
		return rv;
	sc->sc_nseg = virtio_blk_nseg(sc);
	if (sc->sc_nseg < 2) {
		pv_log(sc->sc_dev, PV_LOG_ERR, "no room for data in a request");
		return -PV_EPROTO;
	}
	return 0;
}

static int
virtio_blk_start(void *arg)
{
	struct virtio_blk_softc *sc = arg;

	virtio_blk_describe(sc);
	sc->sc_open = true;
	sc->sc_up = true;
	pv_log(sc->sc_dev, PV_LOG_INFO, "%s: %llu sectors of 512 bytes",
	    sc->sc_name, (unsigned long long)sc->sc_blk.bk_nsect);
	if (sc->sc_dev->pd_client->pc_blk_up != NULL)
		sc->sc_dev->pd_client->pc_blk_up(&sc->sc_blk);
	return 0;
}

static void
virtio_blk_changed(void *arg)
{
	struct virtio_blk_softc *sc = arg;
	uint64_t old = sc->sc_blk.bk_nsect;

	virtio_blk_capacity(sc);
	if (sc->sc_blk.bk_nsect != old &&
	    sc->sc_dev->pd_client->pc_blk_resized != NULL)
		sc->sc_dev->pd_client->pc_blk_resized(&sc->sc_blk);
}

/* ---- Submit ------------------------------------------------------------ */

static int
virtio_blk_check(struct virtio_blk_softc *sc, const struct pv_blk_req *br)
{
	const struct pv_blk *bk = &sc->sc_blk;

	if (!sc->sc_open)
		return -PV_ENXIO;
	if (br->br_op == PV_BLK_FLUSH)
		return (bk->bk_flags & PV_BLK_CANFLUSH) != 0 ? 0 :
		    -PV_EOPNOTSUPP;
	if (br->br_op == PV_BLK_DISCARD)
		return -PV_EOPNOTSUPP;
	if (br->br_op == PV_BLK_WRITE && (bk->bk_flags & PV_BLK_RO) != 0)
		return -PV_EROFS;
	if (br->br_nsect == 0 || br->br_sect > bk->bk_nsect ||
	    br->br_nsect > bk->bk_nsect - br->br_sect ||
	    br->br_nsect > bk->bk_maxio / PV_SECT_SIZE ||
	    iov_length(br->br_iov, br->br_niov) !=
	    br->br_nsect << PV_SECT_SHIFT)
		return -PV_EINVAL;
	return 0;
}

/* Share the buffer; the number of pieces, or -PV_EINVAL with none shared. */
static int
virtio_blk_load(struct virtio_blk_softc *sc, struct virtio_blk_slot *sl,
    struct vq_piece *vp)
{
	const struct pv_blk_req *br = sl->sl_req;
	enum pv_dir dir = br->br_op == PV_BLK_READ ? PV_PEER_WRITES :
	    PV_PEER_READS;
	struct iov_iter it;
	size_t len;
	void *va;

	sl->sl_nmap = 0;
	iov_start(&it, br->br_iov, br->br_niov);
	while ((va = iov_next(&it, PV_PAGE_SIZE, &len)) != NULL) {
		if (sl->sl_nmap == sc->sc_nseg)
			return -PV_EINVAL;
		vp->vp_da = pv_dma_share(&sc->sc_pool,
		    &sl->sl_map[sl->sl_nmap++], va, len, dir);
		vp->vp_len = (uint32_t)len;
		vp->vp_dir = dir;
		vp++;
	}
	return (int)sl->sl_nmap;
}

static void
virtio_blk_unload(struct virtio_blk_softc *sc, struct virtio_blk_slot *sl)
{
	/* Identity and bounce maps are always free once the device is done. */
	while (sl->sl_nmap > 0)
		(void)pv_dma_unshare(&sc->sc_pool, &sl->sl_map[--sl->sl_nmap]);
}

static void
virtio_blk_header(struct virtio_blk_slot *sl)
{
	static const uint32_t type[] = {
		[PV_BLK_READ] = VIRTIO_BLK_T_IN,
		[PV_BLK_WRITE] = VIRTIO_BLK_T_OUT,
		[PV_BLK_FLUSH] = VIRTIO_BLK_T_FLUSH,
	};
	struct virtio_blk_hdr h = { 0, 0, 0 };

	h.vh_type = type[sl->sl_req->br_op];
	if (sl->sl_req->br_op != PV_BLK_FLUSH)
		h.vh_sector = sl->sl_req->br_sect;
	shm_copy_out(sl->sl_cell, &h, sizeof(h));
	shm_write8(sl->sl_cell + VIRTIO_BLK_STATUS, VIRTIO_BLK_UNSET);
}

static int
virtio_blk_enqueue_locked(struct virtio_blk_softc *sc,
    struct virtio_blk_slot *sl)
{
	struct vq_piece *vp = sc->sc_piece;
	uint64_t cell = vq_cell_pa(sl->sl_cell);
	int n, rv;

	PV_ASSERT_LOCKED(&sc->sc_lock);
	virtio_blk_header(sl);
	n = virtio_blk_load(sc, sl, vp + 1);
	if (n < 0) {
		virtio_blk_unload(sc, sl);
		return n;
	}
	vp[0].vp_da = cell;
	vp[0].vp_len = sizeof(struct virtio_blk_hdr);
	vp[0].vp_dir = PV_PEER_READS;
	vp[n + 1].vp_da = cell + VIRTIO_BLK_STATUS;
	vp[n + 1].vp_len = 1;
	vp[n + 1].vp_dir = PV_PEER_WRITES;
	rv = vq_add(&sc->sc_queue.vn_vq, vp, (unsigned int)n + 2, sl);
	if (rv != 0)
		virtio_blk_unload(sc, sl);
	return rv;
}

/* Class entry; Context: deferred, thread. */
static int
virtio_blk_submit(void *arg, struct pv_blk_req *br)
{
	struct virtio_blk_softc *sc = arg;
	struct virtio_blk_slot *sl;
	struct list *p;
	bool kick = false;
	int rv;

	pv_lock(&sc->sc_lock);
	rv = virtio_blk_check(sc, br);
	p = rv == 0 ? list_pop(&sc->sc_free) : NULL;
	if (rv == 0 && p == NULL)
		rv = -PV_EAGAIN;
	if (rv == 0) {
		sl = LIST_ENTRY(p, struct virtio_blk_slot, sl_link);
		sl->sl_req = br;
		rv = virtio_blk_enqueue_locked(sc, sl);
		if (rv == 0)
			kick = vq_push(&sc->sc_queue.vn_vq);
		else
			list_append(&sc->sc_free, &sl->sl_link);
	}
	pv_unlock(&sc->sc_lock);
	if (kick)
		virtio_queue_kick(&sc->sc_queue);
	return rv;
}

/* ---- Complete ---------------------------------------------------------- */

static void
virtio_blk_count(struct pv_blk *bk, const struct pv_blk_req *br, int rv)
{
	if (rv != 0) {
		bk->bk_nerror++;
	} else if (br->br_op == PV_BLK_READ) {
		bk->bk_nread++;
		bk->bk_rsect += br->br_nsect;
	} else if (br->br_op == PV_BLK_WRITE) {
		bk->bk_nwrite++;
		bk->bk_wsect += br->br_nsect;
	}
}

/* peer: any byte. */
static int
virtio_blk_status(uint8_t status)
{
	switch (status) {
	case VIRTIO_BLK_S_OK:
		return 0;
	case VIRTIO_BLK_S_UNSUPP:
		return -PV_EOPNOTSUPP;
	default:
		return -PV_EIO;
	}
}

/* Give a slot back and return its request. */
static struct pv_blk_req *
virtio_blk_release_locked(struct virtio_blk_softc *sc,
    struct virtio_blk_slot *sl)
{
	struct pv_blk_req *br = sl->sl_req;

	PV_ASSERT_LOCKED(&sc->sc_lock);
	virtio_blk_unload(sc, sl);
	sl->sl_req = NULL;
	list_append(&sc->sc_free, &sl->sl_link);
	return br;
}

/* One answer: 1 with its request and result, 0 none, -PV_EPROTO a lie. */
static int
virtio_blk_complete(struct virtio_blk_softc *sc, struct pv_blk_req **br,
    int *result)
{
	struct virtio_blk_slot *sl;
	uint32_t len;
	void *cookie;
	int rv;

	pv_lock(&sc->sc_lock);
	rv = sc->sc_open ? vq_get(&sc->sc_queue.vn_vq, &cookie, &len) : 0;
	if (rv == 1) {
		sl = cookie;
		*result = virtio_blk_status(shm_read8(sl->sl_cell +
		    VIRTIO_BLK_STATUS));
		*br = virtio_blk_release_locked(sc, sl);
		virtio_blk_count(&sc->sc_blk, *br, *result);
	}
	pv_unlock(&sc->sc_lock);
	return rv;
}

/*
 * Context: deferred.  At most VIRTIO_BLK_BUDGET answers a run; true: there is
 * more.
 */
static bool
virtio_blk_intr(void *arg)
{
	struct virtio_blk_softc *sc = arg;
	struct pv_blk_req *br = NULL;
	unsigned int n;
	bool more;
	int rv = 0, result = 0;

	for (n = 0; n < VIRTIO_BLK_BUDGET; n++) {
		rv = virtio_blk_complete(sc, &br, &result);
		if (rv <= 0)
			break;
		br->br_done(br, result);
	}
	if (rv < 0) {
		pv_dev_fail(sc->sc_dev, "used ring");
		return false;
	}
	if (n == VIRTIO_BLK_BUDGET)
		return true;
	if (n == 0)
		sc->sc_dev->pd_nspurious++;
	pv_lock(&sc->sc_lock);
	more = sc->sc_open && vq_rearm(&sc->sc_queue.vn_vq);
	pv_unlock(&sc->sc_lock);
	return more;
}

/* After the reset: end what is in flight. */
static void
virtio_blk_abort(struct virtio_blk_softc *sc)
{
	struct virtio_blk_slot *sl;
	struct pv_blk_req *br;

	for (;;) {
		pv_lock(&sc->sc_lock);
		sl = vq_drain(&sc->sc_queue.vn_vq);
		br = sl == NULL ? NULL : virtio_blk_release_locked(sc, sl);
		pv_unlock(&sc->sc_lock);
		if (br == NULL)
			return;
		br->br_done(br, -PV_ENXIO);
	}
}

static void
virtio_blk_disconnect(void *arg)
{
	struct virtio_blk_softc *sc = arg;
	int rv;

	pv_lock(&sc->sc_lock);
	sc->sc_open = false;
	pv_unlock(&sc->sc_lock);
	rv = virtio_stop(sc->sc_dev);
	if (rv == 0 && sc->sc_queue.vn_live) {
		virtio_blk_abort(sc);
		virtio_queue_destroy(&sc->sc_queue);
	}
	if (sc->sc_up && sc->sc_dev->pd_client->pc_blk_down != NULL)
		sc->sc_dev->pd_client->pc_blk_down(&sc->sc_blk);
	sc->sc_up = false;
}

static void
virtio_blk_poll(void *arg)
{
	(void)virtio_blk_intr(arg);
}

/* ---- Driver ------------------------------------------------------------ */

static const struct pv_blk_ops virtio_blk_ops = {
	.bo_submit = virtio_blk_submit,
	.bo_poll = virtio_blk_poll,
};

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
};
