/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_net_tx.c -- virtio network device: transmitting; see virtio_net.h.
 */

#include "flow.h"
#include "iov.h"
#include "virtio_net.h"

/*
 * A slot's cell: the header ends where the packet begins, which is where copies
 * are cheap.
 */
#define VIRTIO_NET_CELL		128
#define VIRTIO_NET_BODY		16
#define VIRTIO_NET_CELLPG						\
	PV_HOWMANY(VIRTIO_NET_CELL * VIRTIO_NET_NTX, PV_PAGE_SIZE)

_Static_assert(PV_PAGE_SIZE % VIRTIO_NET_CELL == 0,
    "no cell crosses a page");

/* ---- life -------------------------------------------------------------- */

static void
virtio_net_tx_slots(struct virtio_net_txq *tq)
{
	struct virtio_net_slot *sl;
	unsigned int i;

	for (i = 0; i < VIRTIO_NET_NTX; i++) {
		sl = &tq->tq_slot[i];
		sl->sl_cell = (uint8_t *)tq->tq_cells + i * VIRTIO_NET_CELL;
		sl->sl_map = tq->tq_pool.dp_map + i * VIRTIO_NET_NSEG;
		sl->sl_da = vq_cell_pa(sl->sl_cell);
		sl->sl_plain = true;
		sl->sl_next = tq->tq_free;
		tq->tq_free = sl;
	}
}

int
virtio_net_tx_create(struct virtio_net_softc *sc, unsigned int i)
{
	struct virtio_net_txq *tq = pv_alloc(sc->sc_dev, sizeof(*tq));
	int rv = -PV_ENOMEM;

	if (tq == NULL)
		return rv;
	tq->tq_sc = sc;
	tq->tq_cells = pv_pages_alloc(sc->sc_dev, VIRTIO_NET_CELLPG);
	if (tq->tq_cells == NULL)
		goto err_cells;
	rv = pv_dma_reserve(sc->sc_dev, &tq->tq_pool,
	    VIRTIO_NET_NTX * VIRTIO_NET_NSEG);
	if (rv != 0)
		goto err_reserve;
	virtio_net_tx_slots(tq);
	sc->sc_tx[i] = tq;
	return 0;

err_reserve:
	pv_pages_free(sc->sc_dev, tq->tq_cells, VIRTIO_NET_CELLPG);
err_cells:
	pv_free(sc->sc_dev, tq, sizeof(*tq));
	return rv;
}

void
virtio_net_tx_destroy(struct virtio_net_softc *sc, unsigned int i)
{
	struct virtio_net_txq *tq = sc->sc_tx[i];

	if (tq == NULL || tq->tq_queue.vn_live)
		return;
	pv_dma_release(&tq->tq_pool);
	pv_pages_free(sc->sc_dev, tq->tq_cells, VIRTIO_NET_CELLPG);
	pv_free(sc->sc_dev, tq, sizeof(*tq));
	sc->sc_tx[i] = NULL;
}

/* ---- headers ----------------------------------------------------------- */

/* Segmentation: 0, or -PV_EINVAL: not what was offered, or no such packet. */
static int
virtio_net_tx_gso(const struct virtio_net_softc *sc,
    const struct pv_net_pkt *np, const struct flow *fl,
    struct virtio_net_hdr *h)
{
	static const struct {
		uint8_t		 wire, proto, version;
		uint32_t	 can;
	} kinds[] = {
		[PV_NET_GSO_TCP4] = { VIRTIO_NET_HDR_GSO_TCPV4, FLOW_TCP, 4,
		    PV_NET_CAN_TSO4 },
		[PV_NET_GSO_TCP6] = { VIRTIO_NET_HDR_GSO_TCPV6, FLOW_TCP, 6,
		    PV_NET_CAN_TSO6 },
		[PV_NET_GSO_UDP] = { VIRTIO_NET_GSO_UDP_L4, FLOW_UDP, 0,
		    PV_NET_CAN_USO }
	};
	unsigned int type = np->np_gso_type;

	if (type == 0 || type >= PV_NELEM(kinds) || fl->fl_hlen == 0 ||
	    (sc->sc_net.nt_offload & kinds[type].can) == 0 ||
	    fl->fl_proto != kinds[type].proto ||
	    (kinds[type].version != 0 &&
	    fl->fl_version != kinds[type].version))
		return -PV_EINVAL;
	h->gso_type = kinds[type].wire;
	h->gso_size = np->np_gso_size;
	h->hdr_len = (uint16_t)fl->fl_hlen;
	return 0;
}

/*
 * The header of a packet.  With CSUM_BLANK the device needs to know where the
 * checksum starts and where in it the field is.  -PV_EINVAL: the packet is not
 * what its flags say.
 */
static int
virtio_net_tx_header(const struct virtio_net_softc *sc,
    const struct pv_net_pkt *np, struct virtio_net_hdr_mrg_rxbuf *h)
{
	static const struct virtio_net_hdr_mrg_rxbuf none;
	struct flow fl;
	uint32_t can;

	*h = none;
	if ((np->np_flags & PV_NET_CSUM_BLANK) == 0)
		return np->np_gso_size == 0 ? 0 : -PV_EINVAL;
	fl = flow_parse(np->np_iov[0].iov_base, np->np_iov[0].iov_len);
	can = fl.fl_version == 4 ? PV_NET_CAN_CSUM4 : PV_NET_CAN_CSUM6;
	if (fl.fl_proto == 0 || (sc->sc_net.nt_offload & can) == 0)
		return -PV_EINVAL;
	h->hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->hdr.csum_start = (uint16_t)fl.fl_l4;
	h->hdr.csum_offset = fl.fl_proto == FLOW_TCP ? 16 : 6;
	return np->np_gso_size == 0 ? 0 :
	    virtio_net_tx_gso(sc, np, &fl, &h->hdr);
}

/* ---- submit ------------------------------------------------------------ */

static void
virtio_net_tx_unload(struct virtio_net_txq *tq, struct virtio_net_slot *sl)
{
	while (sl->sl_nmap > 0)
		(void)pv_dma_unshare(&tq->tq_pool,
		    &sl->sl_map[--sl->sl_nmap]);
}

/* Share the pieces behind the header; their number or -PV_EINVAL. */
static int
virtio_net_tx_load(struct virtio_net_txq *tq, struct virtio_net_slot *sl)
{
	struct vq_piece *vp = tq->tq_piece + 1;
	struct iov_iter it;
	size_t len;
	void *va;

	iov_start(&it, sl->sl_pkt->np_iov, sl->sl_pkt->np_niov);
	while ((va = iov_next(&it, PV_PAGE_SIZE, &len)) != NULL) {
		if (sl->sl_nmap == VIRTIO_NET_NSEG)
			return -PV_EINVAL;
		vp->vp_da = pv_dma_share(&tq->tq_pool,
		    &sl->sl_map[sl->sl_nmap++], va, len, PV_PEER_READS);
		vp->vp_len = (uint32_t)len;
		vp->vp_dir = PV_PEER_READS;
		vp++;
	}
	return (int)sl->sl_nmap;
}

/* The header into the cell; the device must read what the packet needs. */
static int
virtio_net_tx_prepare(const struct virtio_net_softc *sc,
    struct virtio_net_slot *sl)
{
	struct virtio_net_hdr_mrg_rxbuf h;
	const struct pv_net_pkt *np = sl->sl_pkt;
	bool plain = (np->np_flags & PV_NET_CSUM_BLANK) == 0 &&
	    np->np_gso_size == 0;
	int rv;

	if (plain && sl->sl_plain)
		return 0;
	rv = virtio_net_tx_header(sc, np, &h);
	if (rv != 0)
		return rv;
	shm_copy_out(sl->sl_cell + VIRTIO_NET_BODY - sc->sc_hdrlen, &h,
	    sc->sc_hdrlen);
	sl->sl_plain = plain;
	return 0;
}

/*
 * Copy a small packet into the cell; its length, or 0: it goes as it is.  An
 * old device without ANY_LAYOUT wants a descriptor for the header alone.
 */
static uint32_t
virtio_net_tx_copy(const struct virtio_net_softc *sc,
    struct virtio_net_slot *sl)
{
	const struct pv_net_pkt *np = sl->sl_pkt;
	const struct pv_iov *iov = np->np_iov, *end = iov + np->np_niov;
	uint8_t *to = sl->sl_cell + VIRTIO_NET_BODY;

	if (!sc->sc_anyhow || iov_length(iov, np->np_niov) >
	    VIRTIO_NET_CELL - VIRTIO_NET_BODY)
		return 0;
	for (; iov < end; iov++) {
		shm_copy_out(to, iov->iov_base, iov->iov_len);
		to += iov->iov_len;
	}
	return (uint32_t)(to - sl->sl_cell) - VIRTIO_NET_BODY;
}

static int
virtio_net_tx_enqueue_locked(struct virtio_net_txq *tq,
    struct virtio_net_slot *sl)
{
	struct virtio_net_softc *sc = tq->tq_sc;
	struct vq_piece *vp = tq->tq_piece;
	int n = 0, rv;

	PV_ASSERT_LOCKED(&tq->tq_lock);
	rv = virtio_net_tx_prepare(sc, sl);
	if (rv != 0)
		return rv;
	vp->vp_da = sl->sl_da + VIRTIO_NET_BODY - sc->sc_hdrlen;
	vp->vp_len = virtio_net_tx_copy(sc, sl);
	if (vp->vp_len == 0)
		n = virtio_net_tx_load(tq, sl);
	vp->vp_len += sc->sc_hdrlen;
	vp->vp_dir = PV_PEER_READS;
	rv = n < 0 ? n : vq_add(&tq->tq_queue.vn_vq, vp, (unsigned int)n + 1,
	    sl);
	if (rv != 0)
		virtio_net_tx_unload(tq, sl);
	return rv;
}

static int
virtio_net_tx_make_locked(struct virtio_net_txq *tq, struct pv_net_pkt *np)
{
	struct virtio_net_slot *sl = tq->tq_free;
	int rv;

	PV_ASSERT_LOCKED(&tq->tq_lock);
	if (!tq->tq_open)
		return tq->tq_wait ? -PV_EAGAIN : -PV_ENXIO;
	if (sl == NULL)
		return -PV_EAGAIN;
	sl->sl_pkt = np;
	rv = virtio_net_tx_enqueue_locked(tq, sl);
	if (rv == 0)
		tq->tq_free = sl->sl_next;
	return rv;
}

/* The queue that a packet takes. */
static struct virtio_net_txq *
virtio_net_tx_queue(const struct virtio_net_softc *sc,
    const struct pv_net_pkt *np)
{
	unsigned int n = sc->sc_npair;
	struct flow fl;

	if (n <= 1)
		return sc->sc_tx[0];
	fl = flow_parse(np->np_iov[0].iov_base, np->np_iov[0].iov_len);
	return sc->sc_tx[flow_hash(&fl) % n];
}

/* Class entry; Context: deferred, thread. */
int
virtio_net_tx_send(void *arg, struct pv_net_pkt *np)
{
	struct virtio_net_softc *sc = arg;
	uint32_t max = sc->sc_net.nt_mtu + VIRTIO_NET_ETHER + VIRTIO_NET_VLAN;
	struct virtio_net_txq *tq;
	bool kick = false;
	int rv;

	if (np->np_niov == 0 || np->np_niov > PV_NET_MAXPIECES ||
	    np->np_len < VIRTIO_NET_ETHER ||
	    np->np_len > (np->np_gso_size != 0 ? VIRTIO_NET_PKTMAX : max))
		return -PV_EINVAL;
	tq = virtio_net_tx_queue(sc, np);
	pv_lock(&tq->tq_lock);
	rv = virtio_net_tx_make_locked(tq, np);
	if (rv == 0)
		kick = vq_push(&tq->tq_queue.vn_vq);
	else if (rv == -PV_EAGAIN)
		tq->tq_full = true;
	pv_unlock(&tq->tq_lock);
	if (kick)
		virtio_queue_kick(&tq->tq_queue);
	return rv;
}

/* ---- complete ---------------------------------------------------------- */

static struct pv_net_pkt *
virtio_net_tx_release_locked(struct virtio_net_txq *tq,
    struct virtio_net_slot *sl)
{
	struct pv_net_pkt *np = sl->sl_pkt;

	PV_ASSERT_LOCKED(&tq->tq_lock);
	virtio_net_tx_unload(tq, sl);
	sl->sl_pkt = NULL;
	sl->sl_next = tq->tq_free;
	tq->tq_free = sl;
	return np;
}

/* Take a run of answers: their number, and in *rv how the last one went. */
static unsigned int
virtio_net_tx_run(struct virtio_net_txq *tq,
    struct pv_net_pkt *np[VIRTIO_NET_RUN], int *rv)
{
	unsigned int n = 0;
	uint32_t len;
	void *cookie;

	*rv = 0;
	pv_lock(&tq->tq_lock);
	while (tq->tq_open && n < VIRTIO_NET_RUN) {
		*rv = vq_get(&tq->tq_queue.vn_vq, &cookie, &len);
		if (*rv != 1)
			break;
		np[n++] = virtio_net_tx_release_locked(tq, cookie);
	}
	pv_unlock(&tq->tq_lock);
	return n;
}

static void
virtio_net_tx_count(struct virtio_net_softc *sc,
    struct pv_net_pkt *const np[VIRTIO_NET_RUN], unsigned int n)
{
	struct pv_net *nt = &sc->sc_net;
	unsigned int i;

	pv_lock(&sc->sc_lock);
	for (i = 0; i < n; i++) {
		nt->nt_txbyte += np[i]->np_len;
		nt->nt_txcsum += (np[i]->np_flags & PV_NET_CSUM_BLANK) != 0;
		nt->nt_txgso += np[i]->np_gso_size != 0;
	}
	nt->nt_txpkt += n;
	pv_unlock(&sc->sc_lock);
}

/* Room again: tell a consumer that was refused. */
static void
virtio_net_tx_ready(struct virtio_net_txq *tq)
{
	bool ready;

	pv_lock(&tq->tq_lock);
	ready = tq->tq_full;
	tq->tq_full = false;
	pv_unlock(&tq->tq_lock);
	if (ready && tq->tq_sc->sc_net.nt_ready != NULL)
		tq->tq_sc->sc_net.nt_ready(&tq->tq_sc->sc_net);
}

/* Context: deferred. */
bool
virtio_net_tx_intr(void *arg)
{
	struct virtio_net_txq *tq = arg;
	struct pv_net_pkt *np[VIRTIO_NET_RUN];
	unsigned int n = 0, k, i;
	bool more;
	int rv;

	do {
		k = virtio_net_tx_run(tq, np, &rv);
		virtio_net_tx_count(tq->tq_sc, np, k);
		for (i = 0; i < k; i++)
			np[i]->np_done(np[i], 0);
		n += k;
	} while (rv == 1 && n < VIRTIO_NET_BUDGET);
	if (rv < 0) {
		pv_dev_fail(tq->tq_sc->sc_dev, "transmit used ring");
		return false;
	}
	pv_lock(&tq->tq_lock);
	more = rv == 1 ||
	    (tq->tq_open && vq_rearm(&tq->tq_queue.vn_vq));
	pv_unlock(&tq->tq_lock);
	if (n > 0)
		virtio_net_tx_ready(tq);
	return more;
}

/* ---- opening and closing ----------------------------------------------- */

void
virtio_net_tx_open(struct virtio_net_txq *tq)
{
	unsigned int i;

	pv_lock(&tq->tq_lock);
	/* The header may have another length, and place, than before. */
	for (i = 0; i < VIRTIO_NET_NTX; i++)
		tq->tq_slot[i].sl_plain = false;
	tq->tq_open = true;
	tq->tq_wait = false;
	pv_unlock(&tq->tq_lock);
	virtio_net_tx_ready(tq);
}

void
virtio_net_tx_close(struct virtio_net_txq *tq, bool wait)
{
	pv_lock(&tq->tq_lock);
	tq->tq_open = false;
	tq->tq_wait = wait;
	pv_unlock(&tq->tq_lock);
}

void
virtio_net_tx_abort(struct virtio_net_txq *tq, int rv)
{
	struct virtio_net_slot *sl;
	struct pv_net_pkt *np;

	while (tq->tq_queue.vn_live) {
		pv_lock(&tq->tq_lock);
		sl = vq_drain(&tq->tq_queue.vn_vq);
		np = sl == NULL ? NULL : virtio_net_tx_release_locked(tq, sl);
		pv_unlock(&tq->tq_lock);
		if (np == NULL)
			return;
		np->np_done(np, rv);
	}
}
