/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_net_rx.c -- virtio network device: receiving; see virtio_net.h.
 *
 * What a header may say is known from the features: a segmentation that was
 * not agreed on, or offsets beyond the packet, cost the packet.  Lengths and
 * buffer counts that can not be break the device.
 */

#include "virtio_net.h"

PV_WIRE_ASSERT(struct virtio_net_hdr_mrg_rxbuf, 12);
PV_WIRE_OFFSET(struct virtio_net_hdr_mrg_rxbuf, num_buffers, 10);

/* ---- life -------------------------------------------------------------- */

static void
virtio_net_rx_free(struct virtio_net_softc *sc, struct virtio_net_rxq *rq)
{
	unsigned int i;

	for (i = 0; i < rq->rq_nbuf; i++)
		pv_pages_free(sc->sc_dev, rq->rq_buf[i].bf_page, 1);
	pv_free(sc->sc_dev, rq, sizeof(*rq));
}

int
virtio_net_rx_create(struct virtio_net_softc *sc, unsigned int i,
    unsigned int nbuf)
{
	struct virtio_net_rxq *rq = pv_alloc(sc->sc_dev, sizeof(*rq));
	unsigned int n;
	int rv = -PV_ENOMEM;

	if (rq == NULL)
		return rv;
	rq->rq_sc = sc;
	rq->rq_nbuf = nbuf;
	for (n = 0; n < nbuf; n++) {
		rq->rq_buf[n].bf_page = pv_pages_alloc(sc->sc_dev, 1);
		if (rq->rq_buf[n].bf_page == NULL)
			goto err_page;
	}
	rv = pv_dma_reserve(sc->sc_dev, &rq->rq_pool, nbuf);
	if (rv != 0)
		goto err_page;
	for (n = 0; n < nbuf; n++)
		rq->rq_buf[n].bf_map = &rq->rq_pool.dp_map[n];
	sc->sc_rx[i] = rq;
	return 0;

err_page:
	virtio_net_rx_free(sc, rq);
	return rv;
}

void
virtio_net_rx_destroy(struct virtio_net_softc *sc, unsigned int i)
{
	struct virtio_net_rxq *rq = sc->sc_rx[i];

	if (rq == NULL || rq->rq_queue.vn_live)
		return;
	pv_dma_release(&rq->rq_pool);
	virtio_net_rx_free(sc, rq);
	sc->sc_rx[i] = NULL;
}

/*
 * Post one buffer; there is room for all of them.  An old device without
 * MRG_RXBUF wants the header in a descriptor of its own.
 */
static void
virtio_net_rx_post_locked(struct virtio_net_rxq *rq,
    struct virtio_net_buf *bf)
{
	unsigned int n = rq->rq_sc->sc_splithdr ? 2 : 1;
	uint32_t hdr = n == 2 ? rq->rq_sc->sc_hdrlen : 0;
	struct vq_piece vp[2];

	PV_ASSERT_LOCKED(&rq->rq_lock);
	vp[0].vp_da = pv_dma_share(&rq->rq_pool, bf->bf_map, bf->bf_page,
	    PV_PAGE_SIZE, PV_PEER_WRITES);
	vp[1].vp_da = vp[0].vp_da + hdr;
	vp[0].vp_len = n == 2 ? hdr : PV_PAGE_SIZE;
	vp[1].vp_len = PV_PAGE_SIZE - hdr;
	vp[0].vp_dir = vp[1].vp_dir = PV_PEER_WRITES;
	if (vq_add(&rq->rq_queue.vn_vq, vp, n, bf) != 0)
		(void)pv_dma_unshare(&rq->rq_pool, bf->bf_map);
}

void
virtio_net_rx_open(struct virtio_net_rxq *rq)
{
	unsigned int i;
	bool kick;

	pv_lock(&rq->rq_lock);
	for (i = 0; i < rq->rq_nbuf; i++)
		virtio_net_rx_post_locked(rq, &rq->rq_buf[i]);
	rq->rq_open = true;
	kick = vq_push(&rq->rq_queue.vn_vq);
	pv_unlock(&rq->rq_lock);
	if (kick)
		virtio_queue_kick(&rq->rq_queue);
}

void
virtio_net_rx_close(struct virtio_net_rxq *rq)
{
	pv_lock(&rq->rq_lock);
	rq->rq_open = false;
	pv_unlock(&rq->rq_lock);
}

void
virtio_net_rx_abort(struct virtio_net_rxq *rq)
{
	struct virtio_net_buf *bf;

	while (rq->rq_queue.vn_live &&
	    (bf = vq_drain(&rq->rq_queue.vn_vq)) != NULL)
		(void)pv_dma_unshare(&rq->rq_pool, bf->bf_map);
}

/* ---- headers ----------------------------------------------------------- */

/* A segmentation that was agreed on; false: this packet is not for us. */
static bool
virtio_net_rx_gso(struct virtio_net_softc *sc,
    const struct virtio_net_hdr *h, struct pv_net_pkt *np)
{
	/* Without GUEST_ECN no packet has that mark. */
	switch (h->gso_type) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		np->np_gso_type = PV_NET_GSO_TCP4;
		if (!virtio_net_has(sc, VIRTIO_NET_F_GUEST_TSO4))
			return false;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		np->np_gso_type = PV_NET_GSO_TCP6;
		if (!virtio_net_has(sc, VIRTIO_NET_F_GUEST_TSO6))
			return false;
		break;
	case VIRTIO_NET_GSO_UDP_L4:
		np->np_gso_type = PV_NET_GSO_UDP;
		if (!virtio_net_has(sc, VIRTIO_NET_GUEST_USO4) &&
		    !virtio_net_has(sc, VIRTIO_NET_GUEST_USO6))
			return false;
		break;
	default:
		return false;
	}
	np->np_gso_size = h->gso_size;
	return h->gso_size != 0 && h->gso_size < np->np_len;
}

/* peer: what the header says has to fit the packet and the features. */
static bool
virtio_net_rx_header(struct virtio_net_softc *sc,
    const struct virtio_net_hdr_mrg_rxbuf *h, struct pv_net_pkt *np)
{
	uint32_t field = (uint32_t)h->hdr.csum_start + h->hdr.csum_offset;

	if (np->np_len < VIRTIO_NET_ETHER ||
	    !virtio_net_rx_gso(sc, &h->hdr, np))
		return false;
	if ((h->hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0) {
		if (!virtio_net_has(sc, VIRTIO_NET_F_GUEST_CSUM) ||
		    field + 2 > np->np_len)
			return false;
		np->np_flags = PV_NET_CSUM_BLANK | PV_NET_CSUM_VALID;
	} else if ((h->hdr.flags & VIRTIO_NET_HDR_F_DATA_VALID) != 0 &&
	    virtio_net_has(sc, VIRTIO_NET_F_GUEST_CSUM)) {
		np->np_flags = PV_NET_CSUM_VALID;
	}
	return true;
}

/* ---- receiving --------------------------------------------------------- */

/* Take one buffer, the next part of the run; its length in *len. */
static int
virtio_net_rx_take_locked(struct virtio_net_rxq *rq, uint32_t *len)
{
	struct virtio_net_buf *bf;
	void *cookie;
	int rv;

	PV_ASSERT_LOCKED(&rq->rq_lock);
	rv = vq_get(&rq->rq_queue.vn_vq, &cookie, len);
	if (rv != 1)
		return rv;
	bf = cookie;
	(void)pv_dma_unshare(&rq->rq_pool, bf->bf_map);
	rq->rq_iov[rq->rq_npart].iov_base = bf->bf_page;
	rq->rq_iov[rq->rq_npart].iov_len = *len;
	rq->rq_part[rq->rq_npart++] = bf;
	return 1;
}

/*
 * The first buffer of a packet begins with its header: 1 or -PV_EPROTO.  The
 * page has as many bytes as the longest one; an old one has no num_buffers.
 */
static int
virtio_net_rx_first(const struct virtio_net_rxq *rq, struct pv_net_pkt *np,
    struct virtio_net_hdr_mrg_rxbuf *h)
{
	const struct virtio_net_softc *sc = rq->rq_sc;
	struct pv_iov *iov = np->np_iov;
	const uint32_t *word = iov->iov_base;
	uint32_t w[sizeof(*h) / 4];

	/* peer: shorter than its own header. */
	if (iov->iov_len < sc->sc_hdrlen)
		return -PV_EPROTO;
	w[0] = shm_read32(&word[0]);
	w[1] = shm_read32(&word[1]);
	w[2] = shm_read32(&word[2]);
	__builtin_memcpy(h, w, sizeof(*h));
	iov->iov_base = (char *)iov->iov_base + sc->sc_hdrlen;
	iov->iov_len -= sc->sc_hdrlen;
	np->np_len = (uint32_t)iov->iov_len;
	np->np_flags = 0;
	np->np_gso_size = 0;
	np->np_gso_type = 0;
	if (!sc->sc_merge)
		h->num_buffers = 1;
	/* peer: as many buffers as a packet can have. */
	return h->num_buffers >= 1 && h->num_buffers <= PV_NET_MAXPIECES ?
	    1 : -PV_EPROTO;
}

/*
 * Gather a packet of one or more buffers: 1, 0: none, -PV_EPROTO.  One whose
 * header makes no sense is counted, and is no packet of the run.
 */
static int
virtio_net_rx_gather_locked(struct virtio_net_rxq *rq)
{
	struct pv_net_pkt *np = &rq->rq_pkt[rq->rq_npkt];
	struct virtio_net_hdr_mrg_rxbuf h = { .num_buffers = 1 };
	uint32_t len;
	int rv;

	np->np_iov = &rq->rq_iov[rq->rq_npart];
	for (np->np_niov = 0; np->np_niov < h.num_buffers; np->np_niov++) {
		rv = virtio_net_rx_take_locked(rq, &len);
		/* peer: all buffers of a packet are answered at once. */
		if (rv != 1)
			return np->np_niov == 0 ? rv : -PV_EPROTO;
		if (np->np_niov > 0)
			np->np_len += len;
		else if (virtio_net_rx_first(rq, np, &h) != 1)
			return -PV_EPROTO;
	}
	if (virtio_net_rx_header(rq->rq_sc, &h, np))
		rq->rq_npkt++;
	else
		rq->rq_ndrop++;
	return 1;
}

/* Gather a run: how its last packet went. */
static int
virtio_net_rx_run(struct virtio_net_rxq *rq)
{
	int rv = 0;

	rq->rq_npkt = rq->rq_npart = rq->rq_ndrop = 0;
	pv_lock(&rq->rq_lock);
	while (rq->rq_open && rq->rq_npart < VIRTIO_NET_RUN) {
		rv = virtio_net_rx_gather_locked(rq);
		if (rv != 1)
			break;
	}
	pv_unlock(&rq->rq_lock);
	return rv;
}

static void
virtio_net_rx_count(const struct virtio_net_rxq *rq)
{
	struct virtio_net_softc *sc = rq->rq_sc;
	struct pv_net *nt = &sc->sc_net;
	const struct pv_net_pkt *np;

	pv_lock(&sc->sc_lock);
	for (np = rq->rq_pkt; np < rq->rq_pkt + rq->rq_npkt; np++) {
		nt->nt_rxbyte += np->np_len;
		nt->nt_rxcsum += np->np_flags != 0;
		nt->nt_rxgso += np->np_gso_size != 0;
	}
	nt->nt_rxpkt += rq->rq_npkt;
	nt->nt_rxdrop += rq->rq_ndrop;
	pv_unlock(&sc->sc_lock);
}

/* Show a run to the consumer. */
static void
virtio_net_rx_show(struct virtio_net_rxq *rq)
{
	struct pv_net *nt = &rq->rq_sc->sc_net;
	unsigned int i;

	virtio_net_rx_count(rq);
	for (i = 0; i < rq->rq_npkt && nt->nt_recv != NULL; i++)
		nt->nt_recv(nt, &rq->rq_pkt[i]);
}

/* Give the device the buffers of a run again. */
static void
virtio_net_rx_repost(struct virtio_net_rxq *rq)
{
	unsigned int i;
	bool kick;

	pv_lock(&rq->rq_lock);
	for (i = 0; i < rq->rq_npart && rq->rq_open; i++)
		virtio_net_rx_post_locked(rq, rq->rq_part[i]);
	kick = rq->rq_open && vq_push(&rq->rq_queue.vn_vq);
	pv_unlock(&rq->rq_lock);
	if (kick)
		virtio_queue_kick(&rq->rq_queue);
}

/* There is one run at a time; who comes meanwhile has it go on. */
static bool
virtio_net_rx_enter(struct virtio_net_rxq *rq)
{
	bool busy;

	pv_lock(&rq->rq_lock);
	busy = rq->rq_missed = rq->rq_busy;
	rq->rq_busy = true;
	pv_unlock(&rq->rq_lock);
	return !busy;
}

/* true: look again soon. */
static bool
virtio_net_rx_leave(struct virtio_net_rxq *rq, bool more)
{
	pv_lock(&rq->rq_lock);
	more |= rq->rq_missed ||
	    (rq->rq_open && vq_rearm(&rq->rq_queue.vn_vq));
	rq->rq_busy = false;
	pv_unlock(&rq->rq_lock);
	return more;
}

/* Context: deferred; also thread, nt_recv and np_done, from no_poll. */
bool
virtio_net_rx_intr(void *arg)
{
	struct virtio_net_rxq *rq = arg;
	unsigned int n = 0;
	int rv;

	if (!virtio_net_rx_enter(rq))
		return false;
	do {
		rv = virtio_net_rx_run(rq);
		n += rq->rq_npkt + rq->rq_ndrop;
		virtio_net_rx_show(rq);
		virtio_net_rx_repost(rq);
	} while (rv == 1 && n < VIRTIO_NET_BUDGET);
	if (rv < 0)
		pv_dev_fail(rq->rq_sc->sc_dev, "receive used ring");
	else if (n == 0)
		rq->rq_sc->sc_dev->pd_nspurious++;
	return virtio_net_rx_leave(rq, rv == 1) && rv >= 0;
}
