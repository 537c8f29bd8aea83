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

/* Take one buffer; its length in *len. */
static int
virtio_net_rx_take_locked(struct virtio_net_rxq *rq,
    struct virtio_net_buf **bf, uint32_t *len)
{
	void *cookie;
	int rv;

	PV_ASSERT_LOCKED(&rq->rq_lock);
	rv = vq_get(&rq->rq_queue.vn_vq, &cookie, len);
	if (rv != 1)
		return rv;
	*bf = cookie;
	(void)pv_dma_unshare(&rq->rq_pool, (*bf)->bf_map);
	return 1;
}

/* The first buffer of a packet begins with its header. */
static int
virtio_net_rx_first_locked(struct virtio_net_rxq *rq, struct pv_net_pkt *np,
    struct virtio_net_hdr_mrg_rxbuf *h)
{
	struct virtio_net_softc *sc = rq->rq_sc;
	uint32_t len;
	int rv = virtio_net_rx_take_locked(rq, &rq->rq_part[0], &len);

	if (rv != 1)
		return rv;
	/* peer: shorter than its own header. */
	if (len < sc->sc_hdrlen)
		return -PV_EPROTO;
	shm_copy_in(h, rq->rq_part[0]->bf_page, sc->sc_hdrlen);
	rq->rq_iov[0].iov_base = (char *)rq->rq_part[0]->bf_page +
	    sc->sc_hdrlen;
	rq->rq_iov[0].iov_len = np->np_len = len - sc->sc_hdrlen;
	np->np_niov = 1;
	if (!virtio_net_has(sc, VIRTIO_NET_F_MRG_RXBUF))
		h->num_buffers = 1;
	/* peer: as many buffers as a packet can have. */
	return h->num_buffers >= 1 && h->num_buffers <= PV_NET_MAXPIECES ?
	    1 : -PV_EPROTO;
}

/*
 * Gather a packet of one or more buffers.  1: *np describes it; 0: none;
 * -PV_EPROTO.  The buffers are out of the queue until posted again.
 */
static int
virtio_net_rx_gather_locked(struct virtio_net_rxq *rq, struct pv_net_pkt *np,
    struct virtio_net_hdr_mrg_rxbuf *h)
{
	uint32_t len;
	int rv = virtio_net_rx_first_locked(rq, np, h);

	if (rv != 1)
		return rv;
	while (np->np_niov < h->num_buffers) {
		rv = virtio_net_rx_take_locked(rq, &rq->rq_part[np->np_niov],
		    &len);
		/* peer: all buffers of a packet are answered at once. */
		if (rv != 1)
			return -PV_EPROTO;
		rq->rq_iov[np->np_niov].iov_base =
		    rq->rq_part[np->np_niov]->bf_page;
		rq->rq_iov[np->np_niov++].iov_len = len;
		np->np_len += len;
	}
	np->np_iov = rq->rq_iov;
	return 1;
}

static void
virtio_net_rx_repost(struct virtio_net_rxq *rq, unsigned int n)
{
	unsigned int i;

	pv_lock(&rq->rq_lock);
	for (i = 0; i < n && rq->rq_open; i++)
		virtio_net_rx_post_locked(rq, rq->rq_part[i]);
	pv_unlock(&rq->rq_lock);
}

static void
virtio_net_rx_count(struct virtio_net_softc *sc, const struct pv_net_pkt *np,
    bool good)
{
	struct pv_net *nt = &sc->sc_net;

	pv_lock(&sc->sc_lock);
	if (good) {
		nt->nt_rxpkt++;
		nt->nt_rxbyte += np->np_len;
		nt->nt_rxcsum += np->np_flags != 0;
		nt->nt_rxgso += np->np_gso_size != 0;
	} else {
		nt->nt_rxdrop++;
	}
	pv_unlock(&sc->sc_lock);
}

static int
virtio_net_rx_one(struct virtio_net_rxq *rq)
{
	struct virtio_net_softc *sc = rq->rq_sc;
	struct virtio_net_hdr_mrg_rxbuf h = { .num_buffers = 1 };
	struct pv_net_pkt np = { 0 };
	bool good;
	int rv;

	pv_lock(&rq->rq_lock);
	rv = rq->rq_open ? virtio_net_rx_gather_locked(rq, &np, &h) : 0;
	pv_unlock(&rq->rq_lock);
	if (rv != 1)
		return rv;
	good = virtio_net_rx_header(sc, &h, &np);
	virtio_net_rx_count(sc, &np, good);
	if (good && sc->sc_net.nt_recv != NULL)
		sc->sc_net.nt_recv(&sc->sc_net, &np);
	virtio_net_rx_repost(rq, np.np_niov);
	return 1;
}

/* Context: deferred. */
bool
virtio_net_rx_intr(void *arg)
{
	struct virtio_net_rxq *rq = arg;
	bool kick, more;
	unsigned int n;
	int rv = 0;

	for (n = 0; n < VIRTIO_NET_BUDGET; n++) {
		rv = virtio_net_rx_one(rq);
		if (rv <= 0)
			break;
	}
	if (rv < 0) {
		pv_dev_fail(rq->rq_sc->sc_dev, "receive used ring");
		return false;
	}
	if (n == 0)
		rq->rq_sc->sc_dev->pd_nspurious++;
	pv_lock(&rq->rq_lock);
	kick = rq->rq_open && vq_push(&rq->rq_queue.vn_vq);
	more = n == VIRTIO_NET_BUDGET ||
	    (rq->rq_open && vq_rearm(&rq->rq_queue.vn_vq));
	pv_unlock(&rq->rq_lock);
	if (kick)
		virtio_queue_kick(&rq->rq_queue);
	return more;
}
