/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_blk_io.c -- virtio block device: requests out, answers in, and once
 * more after a reset; see virtio_blk.h.
 */

#include "iov.h"
#include "virtio_blk.h"

/* ---- Wire -------------------------------------------------------------- */

struct virtio_blk_hdr {
	uint32_t	 vh_type;	/* VIRTIO_BLK_T_* */
	uint32_t	 vh_reserved;
	uint64_t	 vh_sector;	/* 512-byte sectors */
};
PV_WIRE_ASSERT(struct virtio_blk_hdr, 16);
PV_WIRE_OFFSET(struct virtio_blk_hdr, vh_sector, 8);
PV_WIRE_ASSERT(struct virtio_blk_discard_write_zeroes, 16);
PV_WIRE_OFFSET(struct virtio_blk_discard_write_zeroes, num_sectors, 8);
PV_WIRE_OFFSET(struct virtio_blk_discard_write_zeroes, flags, 12);

#define VIRTIO_BLK_CELL		64	/* bytes of a slot's cell: */
#define VIRTIO_BLK_HDR		0
#define VIRTIO_BLK_RANGE	16	/* struct discard_write_zeroes */
#define VIRTIO_BLK_STATUS	32
#define VIRTIO_BLK_SERIAL	40	/* what GET_ID answers */
#define VIRTIO_BLK_UNSET	0xff	/* no status of the specification */

_Static_assert(VIRTIO_BLK_CELL * VIRTIO_BLK_NSLOT <= PV_PAGE_SIZE,
    "the cells of a queue are one page");
_Static_assert(VIRTIO_BLK_SERIAL + VIRTIO_BLK_ID_BYTES <= VIRTIO_BLK_CELL &&
    VIRTIO_BLK_ID_BYTES == PV_BLK_IDENT, "the serial number fits");

#define VIRTIO_BLK_BUDGET	64

/* ---- Slots ------------------------------------------------------------- */

static void
virtio_blk_io_slots(struct virtio_blk_queue *q)
{
	struct virtio_blk_slot *sl;
	unsigned int i;

	list_init(&q->q_free);
	for (i = 0; i < VIRTIO_BLK_NSLOT; i++) {
		sl = &q->q_slot[i];
		sl->sl_cell = (uint8_t *)q->q_cells + i * VIRTIO_BLK_CELL;
		sl->sl_da = vq_cell_pa(sl->sl_cell);
		sl->sl_map = q->q_pool.dp_map + i * VIRTIO_BLK_NSEG;
		list_append(&q->q_free, &sl->sl_link);
	}
}

int
virtio_blk_io_create(struct virtio_blk_softc *sc, struct virtio_blk_queue **qp)
{
	struct virtio_blk_queue *q;
	int rv = -PV_ENOMEM;

	q = pv_alloc(sc->sc_dev, sizeof(*q));
	if (q == NULL)
		return rv;
	q->q_sc = sc;
	q->q_cells = pv_pages_alloc(sc->sc_dev, 1);
	if (q->q_cells == NULL)
		goto err_cells;
	rv = pv_dma_reserve(sc->sc_dev, &q->q_pool,
	    VIRTIO_BLK_NSLOT * VIRTIO_BLK_NSEG);
	if (rv != 0)
		goto err_reserve;
	virtio_blk_io_slots(q);
	*qp = q;
	return 0;

err_reserve:
	pv_pages_free(sc->sc_dev, q->q_cells, 1);
err_cells:
	pv_free(sc->sc_dev, q, sizeof(*q));
	return rv;
}

/* The device can not reach the queue any more. */
void
virtio_blk_io_destroy(struct virtio_blk_softc *sc,
    struct virtio_blk_queue **qp)
{
	struct virtio_blk_queue *q = *qp;

	if (q == NULL)
		return;
	pv_dma_release(&q->q_pool);
	pv_pages_free(sc->sc_dev, q->q_cells, 1);
	pv_free(sc->sc_dev, q, sizeof(*q));
	*qp = NULL;
}

/* ---- Submit ------------------------------------------------------------ */

/* Operations on a range, without a buffer: most sectors of one; 0: any. */
static int
virtio_blk_io_range(const struct pv_blk *bk, const struct pv_blk_req *br,
    uint32_t *max)
{
	uint32_t can;

	switch (br->br_op) {
	case PV_BLK_DISCARD:
		can = PV_BLK_CANDISCARD;
		*max = bk->bk_maxdiscard;
		break;
	case PV_BLK_WRITE_ZEROES:
		can = PV_BLK_CANZERO;
		*max = bk->bk_maxzero;
		break;
	case PV_BLK_SECURE_DISCARD:
		can = PV_BLK_CANSECURE;
		*max = bk->bk_maxsecure;
		break;
	default:
		return -PV_EOPNOTSUPP;
	}
	return (bk->bk_flags & can) != 0 ? 0 : -PV_EOPNOTSUPP;
}

/* What is wrong with a request, from the consumer's side. */
static int
virtio_blk_io_check(const struct pv_blk *bk, const struct pv_blk_req *br)
{
	uint64_t mask = bk->bk_bsize / PV_SECT_SIZE - 1;
	bool data = br->br_op == PV_BLK_READ || br->br_op == PV_BLK_WRITE;
	uint32_t max = bk->bk_maxio / PV_SECT_SIZE;
	int rv;

	if (br->br_op == VIRTIO_BLK_IDENT)
		return 0;
	if (br->br_op == PV_BLK_FLUSH)
		return (bk->bk_flags & PV_BLK_CANFLUSH) != 0 ? 0 :
		    -PV_EOPNOTSUPP;
	if (br->br_op != PV_BLK_READ && (bk->bk_flags & PV_BLK_RO) != 0)
		return -PV_EROFS;
	rv = data ? 0 : virtio_blk_io_range(bk, br, &max);
	if (rv != 0)
		return rv;
	if (br->br_nsect == 0 || ((br->br_sect | br->br_nsect) & mask) != 0 ||
	    br->br_sect > bk->bk_nsect ||
	    br->br_nsect > bk->bk_nsect - br->br_sect ||
	    br->br_nsect > (max != 0 ? max : UINT32_MAX))
		return -PV_EINVAL;
	if (data && iov_length(br->br_iov, br->br_niov) !=
	    br->br_nsect << PV_SECT_SHIFT)
		return -PV_EINVAL;
	return 0;
}

/* Share the buffer; the number of pieces, or -PV_EINVAL. */
static int
virtio_blk_io_load(struct virtio_blk_queue *q, struct virtio_blk_slot *sl,
    struct vq_piece *vp)
{
	const struct pv_blk_req *br = sl->sl_req;
	enum pv_dir dir = br->br_op == PV_BLK_READ ? PV_PEER_WRITES :
	    PV_PEER_READS;
	struct iov_iter it;
	size_t len;
	void *va;

	iov_start(&it, br->br_iov, br->br_niov);
	while ((va = iov_next(&it, q->q_sc->sc_segmax, &len)) != NULL) {
		if (sl->sl_nmap == q->q_sc->sc_nseg)
			return -PV_EINVAL;
		vp->vp_da = pv_dma_share(&q->q_pool,
		    &sl->sl_map[sl->sl_nmap++], va, len, dir);
		vp->vp_len = (uint32_t)len;
		vp->vp_dir = dir;
		vp++;
	}
	return (int)sl->sl_nmap;
}

static void
virtio_blk_io_unload(struct virtio_blk_queue *q, struct virtio_blk_slot *sl)
{
	/* Identity and bounce maps are always free once the device is done. */
	while (sl->sl_nmap > 0)
		(void)pv_dma_unshare(&q->q_pool, &sl->sl_map[--sl->sl_nmap]);
}

static uint32_t
virtio_blk_io_type(enum pv_blk_op op)
{
	switch (op) {
	case PV_BLK_READ:
		return VIRTIO_BLK_T_IN;
	case PV_BLK_WRITE:
		return VIRTIO_BLK_T_OUT;
	case PV_BLK_FLUSH:
		return VIRTIO_BLK_T_FLUSH;
	case PV_BLK_DISCARD:
		return VIRTIO_BLK_T_DISCARD;
	case PV_BLK_WRITE_ZEROES:
		return VIRTIO_BLK_T_WRITE_ZEROES;
	case PV_BLK_SECURE_DISCARD:
		return VIRTIO_BLK_T_SECURE_ERASE;
	default:
		return VIRTIO_BLK_T_GET_ID;
	}
}

static void
virtio_blk_io_header(struct virtio_blk_slot *sl)
{
	const struct pv_blk_req *br = sl->sl_req;
	struct virtio_blk_hdr *h = (void *)(sl->sl_cell + VIRTIO_BLK_HDR);

	shm_write32(&h->vh_type, virtio_blk_io_type(br->br_op));
	shm_write32(&h->vh_reserved, 0);
	shm_put64(&h->vh_sector, br->br_op == PV_BLK_READ ||
	    br->br_op == PV_BLK_WRITE ? br->br_sect : 0);
	shm_write8(sl->sl_cell + VIRTIO_BLK_STATUS, VIRTIO_BLK_UNSET);
}

/* A piece of the slot's cell. */
static void
virtio_blk_io_cell(struct vq_piece *vp, struct virtio_blk_slot *sl,
    unsigned int off, uint32_t len, enum pv_dir dir)
{
	vp->vp_da = sl->sl_da + off;
	vp->vp_len = len;
	vp->vp_dir = dir;
}

/* Describe what lies between header and status; the number of pieces. */
static int
virtio_blk_io_body(struct virtio_blk_queue *q, struct virtio_blk_slot *sl,
    struct vq_piece *vp)
{
	const struct pv_blk_req *br = sl->sl_req;
	struct virtio_blk_discard_write_zeroes dz = { 0, 0, 0 };

	if (br->br_op == PV_BLK_READ || br->br_op == PV_BLK_WRITE)
		return virtio_blk_io_load(q, sl, vp);
	if (br->br_op == PV_BLK_FLUSH)
		return 0;
	if (br->br_op == VIRTIO_BLK_IDENT) {
		virtio_blk_io_cell(vp, sl, VIRTIO_BLK_SERIAL,
		    VIRTIO_BLK_ID_BYTES, PV_PEER_WRITES);
		return 1;
	}
	dz.sector = br->br_sect;
	dz.num_sectors = (uint32_t)br->br_nsect;
	if (br->br_op == PV_BLK_WRITE_ZEROES &&
	    (br->br_flags & PV_BLK_UNMAP) != 0)
		dz.flags = VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	shm_copy_out(sl->sl_cell + VIRTIO_BLK_RANGE, &dz, sizeof(dz));
	virtio_blk_io_cell(vp, sl, VIRTIO_BLK_RANGE, sizeof(dz),
	    PV_PEER_READS);
	return 1;
}

/* Header and status each have a piece of their own: legacy devices want it. */
static int
virtio_blk_io_enqueue_locked(struct virtio_blk_queue *q,
    struct virtio_blk_slot *sl)
{
	struct vq_piece *vp = q->q_piece;
	int n, rv;

	PV_ASSERT_LOCKED(&q->q_lock);
	virtio_blk_io_header(sl);
	virtio_blk_io_cell(&vp[0], sl, VIRTIO_BLK_HDR,
	    sizeof(struct virtio_blk_hdr), PV_PEER_READS);
	n = rv = virtio_blk_io_body(q, sl, vp + 1);
	if (n >= 0) {
		virtio_blk_io_cell(&vp[n + 1], sl, VIRTIO_BLK_STATUS, 1,
		    PV_PEER_WRITES);
		rv = vq_add(&q->q_queue.vn_vq, vp, (unsigned int)n + 2, sl);
	}
	if (rv != 0)
		virtio_blk_io_unload(q, sl);
	return rv;
}

/* Make a request on a queue; -PV_ENXIO: the queue is closed. */
static int
virtio_blk_io_make(struct virtio_blk_queue *q, struct pv_blk_req *br)
{
	struct virtio_blk_softc *sc = q->q_sc;
	struct virtio_blk_slot *sl;
	struct list *p = NULL;
	bool kick = false;
	int rv;

	pv_lock(&q->q_lock);
	rv = q->q_open ? virtio_blk_io_check(&sc->sc_blk, br) : -PV_ENXIO;
	if (rv == 0) {
		p = list_pop(&q->q_free);
		rv = p == NULL ? -PV_EAGAIN : 0;
	}
	if (rv == 0) {
		sl = LIST_ENTRY(p, struct virtio_blk_slot, sl_link);
		sl->sl_req = br;
		rv = virtio_blk_io_enqueue_locked(q, sl);
		if (rv == 0) {
			sl->sl_seq = __atomic_fetch_add(&sc->sc_seq, 1,
			    __ATOMIC_RELAXED);
			kick = vq_push(&q->q_queue.vn_vq);
		} else {
			sl->sl_req = NULL;
			list_append(&q->q_free, &sl->sl_link);
		}
	}
	pv_unlock(&q->q_lock);
	if (kick)
		virtio_queue_kick(&q->q_queue);
	return rv;
}

/* ---- Hold -------------------------------------------------------------- */

static void
virtio_blk_io_hold_locked(struct virtio_blk_softc *sc, struct pv_blk_req *br)
{
	PV_ASSERT_LOCKED(&sc->sc_lock);
	br->br_next = NULL;
	if (sc->sc_nhold == 0)
		sc->sc_heldend = &sc->sc_held;
	*sc->sc_heldend = br;
	sc->sc_heldend = &br->br_next;
	sc->sc_nhold++;
}

/* The queues are closed: hold a new request, if the device will be back. */
static int
virtio_blk_io_hold(struct virtio_blk_softc *sc, struct pv_blk_req *br)
{
	int rv = -PV_ENXIO;

	pv_lock(&sc->sc_lock);
	if (sc->sc_holding)
		rv = sc->sc_nhold < VIRTIO_BLK_NHOLD ? 0 : -PV_EAGAIN;
	if (rv == 0)
		virtio_blk_io_hold_locked(sc, br);
	pv_unlock(&sc->sc_lock);
	return rv;
}

/*
 * Class entry; Context: deferred, thread.  A queue may be opened just after
 * we found it closed: then it is tried once more.
 */
static int
virtio_blk_io_submit(void *arg, struct pv_blk_req *br)
{
	struct virtio_blk_softc *sc = arg;
	struct virtio_blk_queue *q = sc->sc_q[br->br_cpu % sc->sc_nq];
	unsigned int try;
	int rv = -PV_ENXIO;

	if (br->br_op > PV_BLK_SECURE_DISCARD)
		return -PV_EOPNOTSUPP;
	for (try = 0; try < 2 && rv == -PV_ENXIO; try++) {
		rv = virtio_blk_io_make(q, br);
		if (rv == -PV_ENXIO)
			rv = virtio_blk_io_hold(sc, br);
	}
	return rv;
}

static struct pv_blk_req *
virtio_blk_io_unhold(struct virtio_blk_softc *sc)
{
	struct pv_blk_req *br;

	pv_lock(&sc->sc_lock);
	br = sc->sc_held;
	if (br != NULL) {
		sc->sc_held = br->br_next;
		sc->sc_nhold--;
	}
	pv_unlock(&sc->sc_lock);
	return br;
}

static void
virtio_blk_io_end(struct virtio_blk_softc *sc, struct pv_blk_req *br, int rv)
{
	if (br->br_op == VIRTIO_BLK_IDENT)
		sc->sc_identbusy = false;
	else
		br->br_done(br, rv);
}

void
virtio_blk_io_abort(struct virtio_blk_softc *sc, int rv)
{
	struct pv_blk_req *br;

	while ((br = virtio_blk_io_unhold(sc)) != NULL)
		virtio_blk_io_end(sc, br, rv);
}

/* Back to the front of those held: the rings are full. */
static void
virtio_blk_io_rehold(struct virtio_blk_softc *sc, struct pv_blk_req *br)
{
	pv_lock(&sc->sc_lock);
	br->br_next = sc->sc_held;
	if (sc->sc_nhold++ == 0)
		sc->sc_heldend = &br->br_next;
	sc->sc_held = br;
	pv_unlock(&sc->sc_lock);
}

/*
 * The device may be another one than before: what it can not do any more
 * fails.  Full rings: answers will make room and call again.
 */
static void
virtio_blk_io_refill(struct virtio_blk_softc *sc)
{
	struct pv_blk_req *br;
	int rv;

	while ((br = virtio_blk_io_unhold(sc)) != NULL) {
		rv = virtio_blk_io_make(sc->sc_q[br->br_cpu % sc->sc_nq], br);
		if (rv == -PV_EAGAIN || rv == -PV_ENXIO) {
			virtio_blk_io_rehold(sc, br);
			return;
		}
		if (rv != 0)
			virtio_blk_io_end(sc, br, -PV_EIO);
	}
}

/* One at a time, for the order; who comes meanwhile has it done once more. */
void
virtio_blk_io_replay(struct virtio_blk_softc *sc)
{
	bool more;

	pv_lock(&sc->sc_lock);
	sc->sc_again = true;
	more = !sc->sc_replaying;
	sc->sc_replaying = true;
	while (more && sc->sc_again) {
		sc->sc_again = false;
		pv_unlock(&sc->sc_lock);
		virtio_blk_io_refill(sc);
		pv_lock(&sc->sc_lock);
	}
	if (more)
		sc->sc_replaying = false;
	pv_unlock(&sc->sc_lock);
}

/* ---- Complete ---------------------------------------------------------- */

static void
virtio_blk_io_count(struct virtio_blk_softc *sc, const struct pv_blk_req *br,
    int rv)
{
	if (br->br_op == VIRTIO_BLK_IDENT)
		return;
	pv_lock(&sc->sc_lock);
	pv_blk_count(&sc->sc_blk, br->br_op, br->br_nsect, rv);
	pv_unlock(&sc->sc_lock);
}

/* peer: any byte. */
static int
virtio_blk_io_status(uint8_t status)
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

/* peer: any bytes, padded with NUL or not. */
static void
virtio_blk_io_serial(struct virtio_blk_softc *sc,
    const struct virtio_blk_slot *sl)
{
	char text[PV_BLK_IDENT];
	unsigned int i;

	shm_copy_in(text, sl->sl_cell + VIRTIO_BLK_SERIAL, sizeof(text));
	for (i = 0; i < sizeof(text) && text[i] != '\0'; i++)
		;
	str_sanitise(text, i);
	__builtin_memcpy(sc->sc_blk.bk_ident, text, i);
}

/* Give a slot back and return its request. */
static struct pv_blk_req *
virtio_blk_io_release_locked(struct virtio_blk_queue *q,
    struct virtio_blk_slot *sl)
{
	struct pv_blk_req *br = sl->sl_req;

	PV_ASSERT_LOCKED(&q->q_lock);
	virtio_blk_io_unload(q, sl);
	sl->sl_req = NULL;
	list_append(&q->q_free, &sl->sl_link);
	return br;
}

/* One answer: 1 with its request and result, 0 none, -PV_EPROTO a lie. */
static int
virtio_blk_io_complete(struct virtio_blk_queue *q, struct pv_blk_req **br,
    int *result)
{
	struct virtio_blk_slot *sl;
	uint32_t len;
	void *cookie;
	int rv;

	pv_lock(&q->q_lock);
	rv = q->q_open ? vq_get(&q->q_queue.vn_vq, &cookie, &len) : 0;
	if (rv == 1) {
		sl = cookie;
		*result = virtio_blk_io_status(shm_read8(sl->sl_cell +
		    VIRTIO_BLK_STATUS));
		if (sl->sl_req->br_op == VIRTIO_BLK_IDENT && *result == 0)
			virtio_blk_io_serial(q->q_sc, sl);
		*br = virtio_blk_io_release_locked(q, sl);
	}
	pv_unlock(&q->q_lock);
	return rv;
}

/*
 * Context: deferred.  At most VIRTIO_BLK_BUDGET answers a run; true: there is
 * more.
 */
bool
virtio_blk_io_intr(void *arg)
{
	struct virtio_blk_queue *q = arg;
	struct virtio_blk_softc *sc = q->q_sc;
	struct pv_blk_req *br = NULL;
	unsigned int n;
	bool more;
	int rv = 0, result = 0;

	for (n = 0; n < VIRTIO_BLK_BUDGET; n++) {
		rv = virtio_blk_io_complete(q, &br, &result);
		if (rv <= 0)
			break;
		virtio_blk_io_count(sc, br, result);
		virtio_blk_io_end(sc, br, result);
	}
	if (rv < 0) {
		pv_dev_fail(sc->sc_dev, "used ring");
		return false;
	}
	if (n == 0)
		sc->sc_dev->pd_nspurious++;
	else if (sc->sc_nhold > 0)
		virtio_blk_io_replay(sc);
	pv_lock(&q->q_lock);
	more = n == VIRTIO_BLK_BUDGET ||
	    (q->q_open && vq_rearm(&q->q_queue.vn_vq));
	pv_unlock(&q->q_lock);
	return more;
}

static void
virtio_blk_io_poll(void *arg)
{
	struct virtio_blk_softc *sc = arg;
	unsigned int i;

	for (i = 0; i < sc->sc_nq; i++) {
		if (virtio_blk_io_intr(sc->sc_q[i]))
			virtio_queue_again(&sc->sc_q[i]->q_queue);
	}
}

/* ---- Opening and closing ----------------------------------------------- */

static void
virtio_blk_io_holding(struct virtio_blk_softc *sc, bool on)
{
	pv_lock(&sc->sc_lock);
	sc->sc_holding = on;
	pv_unlock(&sc->sc_lock);
}

void
virtio_blk_io_open(struct virtio_blk_softc *sc)
{
	unsigned int i;

	for (i = 0; i < sc->sc_nq; i++) {
		pv_lock(&sc->sc_q[i]->q_lock);
		sc->sc_q[i]->q_open = true;
		pv_unlock(&sc->sc_q[i]->q_lock);
	}
	virtio_blk_io_holding(sc, false);
}

void
virtio_blk_io_close(struct virtio_blk_softc *sc, bool hold)
{
	unsigned int i;

	virtio_blk_io_holding(sc, hold);
	for (i = 0; i < VIRTIO_BLK_NQ && sc->sc_q[i] != NULL; i++) {
		pv_lock(&sc->sc_q[i]->q_lock);
		sc->sc_q[i]->q_open = false;
		pv_unlock(&sc->sc_q[i]->q_lock);
	}
}

/* The one in flight that was made first, of all queues. */
static struct virtio_blk_slot *
virtio_blk_io_oldest(struct virtio_blk_softc *sc, struct virtio_blk_queue **qp)
{
	struct virtio_blk_slot *sl, *first = NULL;
	unsigned int i, k;

	for (i = 0; i < VIRTIO_BLK_NQ && sc->sc_q[i] != NULL; i++) {
		for (k = 0; k < VIRTIO_BLK_NSLOT; k++) {
			sl = &sc->sc_q[i]->q_slot[k];
			if (sl->sl_req == NULL || (first != NULL &&
			    (int32_t)(sl->sl_seq - first->sl_seq) >= 0))
				continue;
			first = sl;
			*qp = sc->sc_q[i];
		}
	}
	return first;
}

/*
 * They come before those that were held meanwhile.  The queues are closed, so
 * nobody else touches the slots.
 */
void
virtio_blk_io_keep(struct virtio_blk_softc *sc)
{
	struct pv_blk_req *first = NULL, **end = &first, *br;
	struct virtio_blk_queue *q = NULL;
	struct virtio_blk_slot *sl;
	unsigned int i, n = 0;

	for (i = 0; i < VIRTIO_BLK_NQ && sc->sc_q[i] != NULL; i++) {
		while (sc->sc_q[i]->q_queue.vn_live &&
		    vq_drain(&sc->sc_q[i]->q_queue.vn_vq) != NULL)
			;
	}
	while ((sl = virtio_blk_io_oldest(sc, &q)) != NULL) {
		pv_lock(&q->q_lock);
		br = virtio_blk_io_release_locked(q, sl);
		pv_unlock(&q->q_lock);
		br->br_next = NULL;
		*end = br;
		end = &br->br_next;
		n++;
	}
	if (n == 0)
		return;
	pv_lock(&sc->sc_lock);
	sc->sc_blk.bk_nreplay += sc->sc_holding ? n : 0;
	if (sc->sc_nhold == 0)
		sc->sc_heldend = end;
	*end = sc->sc_nhold == 0 ? NULL : sc->sc_held;
	sc->sc_held = first;
	sc->sc_nhold += n;
	pv_unlock(&sc->sc_lock);
}

void
virtio_blk_io_ident(struct virtio_blk_softc *sc)
{
	if (sc->sc_identbusy)
		return;
	sc->sc_identbusy = true;
	sc->sc_identreq = (struct pv_blk_req){ .br_op = VIRTIO_BLK_IDENT };
	if (virtio_blk_io_make(sc->sc_q[0], &sc->sc_identreq) != 0)
		sc->sc_identbusy = false;
}

/* ---- Class ------------------------------------------------------------- */

/* The device says what came of it.  Context: thread. */
static int
virtio_blk_io_wcache(void *arg, bool on)
{
	struct virtio_blk_softc *sc = arg;
	unsigned int off = offsetof(struct virtio_blk_config, wce);
	uint8_t wce = on;
	int rv;

	if ((sc->sc_blk.bk_flags & PV_BLK_CANWCACHE) == 0)
		return -PV_EOPNOTSUPP;
	virtio_config_set(sc->sc_dev, off, &wce, 1);
	rv = virtio_config(sc->sc_dev, off, &wce, 1);
	if (rv != 0)
		return rv;
	if (wce != 0)
		sc->sc_blk.bk_flags |= PV_BLK_WCACHE;
	else
		sc->sc_blk.bk_flags &= ~(uint32_t)PV_BLK_WCACHE;
	return (wce != 0) == on ? 0 : -PV_EIO;
}

const struct pv_blk_ops virtio_blk_io_ops = {
	.bo_submit = virtio_blk_io_submit,
	.bo_poll = virtio_blk_io_poll,
	.bo_wcache = virtio_blk_io_wcache,
};
