/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_net -- virtio network device (virtio 1.2, section 5.1).
 *
 * Two queues: 0 receives, 1 transmits.  Each packet has a header before its
 * bytes: 12 bytes with VERSION_1 or MRG_RXBUF, else 10 (C86).
 *
 * Receiving: every buffer is a page of the driver's own, posted whole.  With
 * MRG_RXBUF a packet may take several; the first one's header says how many.
 * The pages are handed to nt_recv in place and posted again when it returns,
 * so the consumer can not keep the device from having buffers.
 *
 *	page:   | header | packet ...        |   first buffer
 *	        | packet ...                 |   others
 *
 * Transmitting: each packet in flight has a slot, the cookie of its chain,
 * with a header cell in a page of the driver's own and the maps of its pieces.
 *
 * One lock per direction, never held over nt_recv, np_done or nt_ready.
 */

#include <linux/virtio_net.h>
#include <pv/net.h>

#include "iov.h"
#include "str.h"
#include "virtio.h"

/* ---- Wire -------------------------------------------------------------- */

PV_WIRE_ASSERT(struct virtio_net_hdr_mrg_rxbuf, 12);
PV_WIRE_OFFSET(struct virtio_net_hdr_mrg_rxbuf, num_buffers, 10);

#define VIRTIO_NET_HDR_MODERN	12
#define VIRTIO_NET_HDR_OLD	10
#define VIRTIO_NET_ETHER	14	/* bytes of an Ethernet header */

/* ---- State ------------------------------------------------------------- */

#define VIRTIO_NET_NRX		128
#define VIRTIO_NET_NTX		128
#define VIRTIO_NET_NSEG		(2 * PV_NET_MAXPIECES)
#define VIRTIO_NET_BUDGET	64
#define VIRTIO_NET_CELL		16	/* bytes of a slot's header */

struct virtio_net_buf {			/* receive */
	void		*bf_page;
	struct pv_dma_map bf_map;
	uint64_t	 bf_da;
};

struct virtio_net_slot {		/* transmit */
	struct list	 sl_link;	/* free list */
	struct pv_net_pkt *sl_pkt;
	uint8_t		*sl_cell;
	struct pv_dma_map *sl_map;	/* VIRTIO_NET_NSEG of them */
	unsigned int	 sl_nmap;
};

struct virtio_net_softc {
	struct pv_dev	*sc_dev;
	struct pv_net	 sc_net;
	bool		 sc_open, sc_up;
	unsigned int	 sc_hdrlen;
	char		 sc_name[8];	/* "vtnet0" */

	struct pv_lock	 sc_rxlock;
	struct virtio_queue sc_rxq;
	struct pv_dma_pool sc_rxpool;
	struct virtio_net_buf sc_buf[VIRTIO_NET_NRX];
	/* the packet that is being gathered */
	struct pv_iov	 sc_rxiov[PV_NET_MAXPIECES];
	struct virtio_net_buf *sc_rxbuf[PV_NET_MAXPIECES];

	struct pv_lock	 sc_txlock;
	struct virtio_queue sc_txq;
	struct pv_dma_pool sc_txpool;
	void		*sc_cells;	/* one page */
	struct list	 sc_txfree;
	bool		 sc_txfull;	/* the consumer waits for nt_ready */
	struct virtio_net_slot sc_slot[VIRTIO_NET_NTX];
	struct vq_piece	 sc_piece[VIRTIO_NET_NSEG + 1];	/* under txlock */
};

static unsigned int virtio_net_units;	/* bits: names in use */

/* ---- Names ------------------------------------------------------------- */

static bool virtio_net_rxintr(void *);
static bool virtio_net_txintr(void *);
static const struct pv_net_ops virtio_net_ops;

/* ---- Attach ------------------------------------------------------------ */

static int
virtio_net_name(struct virtio_net_softc *sc)
{
	struct strbuf sb;
	unsigned int u;

	for (u = 0; u < 32; u++) {
		if ((virtio_net_units >> u & 1) == 0)
			break;
	}
	if (u == 32)
		return -PV_ENOSPC;
	virtio_net_units |= 1u << u;
	str_begin(&sb, sc->sc_name, sizeof(sc->sc_name));
	str_add(&sb, "vtnet");
	str_addu(&sb, u);
	return 0;
}

static void
virtio_net_unname(struct virtio_net_softc *sc)
{
	uint64_t u = 0;

	(void)str_num(sc->sc_name + 5, str_len(sc->sc_name + 5), 0, 31, &u);
	virtio_net_units &= ~(1u << u);
}

static void
virtio_net_pages_free(struct virtio_net_softc *sc)
{
	unsigned int i;

	for (i = 0; i < VIRTIO_NET_NRX; i++) {
		if (sc->sc_buf[i].bf_page != NULL)
			pv_pages_free(sc->sc_dev, sc->sc_buf[i].bf_page, 1);
		sc->sc_buf[i].bf_page = NULL;
	}
	if (sc->sc_cells != NULL)
		pv_pages_free(sc->sc_dev, sc->sc_cells, 1);
	sc->sc_cells = NULL;
}

static int
virtio_net_pages_alloc(struct virtio_net_softc *sc)
{
	unsigned int i;

	sc->sc_cells = pv_pages_alloc(sc->sc_dev, 1);
	if (sc->sc_cells == NULL)
		return -PV_ENOMEM;
	for (i = 0; i < VIRTIO_NET_NRX; i++) {
		sc->sc_buf[i].bf_page = pv_pages_alloc(sc->sc_dev, 1);
		if (sc->sc_buf[i].bf_page == NULL) {
			virtio_net_pages_free(sc);
			return -PV_ENOMEM;
		}
	}
	return 0;
}

static void
virtio_net_slots(struct virtio_net_softc *sc)
{
	struct virtio_net_slot *sl;
	unsigned int i;

	list_init(&sc->sc_txfree);
	for (i = 0; i < VIRTIO_NET_NTX; i++) {
		sl = &sc->sc_slot[i];
		sl->sl_cell = (uint8_t *)sc->sc_cells + i * VIRTIO_NET_CELL;
		sl->sl_map = sc->sc_txpool.dp_map + i * VIRTIO_NET_NSEG;
		list_append(&sc->sc_txfree, &sl->sl_link);
	}
	for (i = 0; i < VIRTIO_NET_NRX; i++)
		sc->sc_buf[i].bf_map = sc->sc_rxpool.dp_map[i];
}

static int
virtio_net_attach(void *arg, struct pv_dev *dev)
{
	struct virtio_net_softc *sc = arg;
	int rv;

	sc->sc_dev = dev;
	rv = virtio_net_name(sc);
	if (rv != 0)
		return rv;
	rv = virtio_net_pages_alloc(sc);
	if (rv != 0)
		goto err_pages;
	rv = pv_dma_reserve(dev, &sc->sc_rxpool, VIRTIO_NET_NRX);
	if (rv != 0)
		goto err_rxpool;
	rv = pv_dma_reserve(dev, &sc->sc_txpool,
	    VIRTIO_NET_NTX * VIRTIO_NET_NSEG);
	if (rv != 0)
		goto err_txpool;
	virtio_net_slots(sc);
	return 0;

err_txpool:
	pv_dma_release(&sc->sc_rxpool);
err_rxpool:
	virtio_net_pages_free(sc);
err_pages:
	virtio_net_unname(sc);
	return rv;
}

static void
virtio_net_detach(void *arg)
{
	struct virtio_net_softc *sc = arg;

	pv_dma_release(&sc->sc_txpool);
	pv_dma_release(&sc->sc_rxpool);
	virtio_net_pages_free(sc);
	virtio_net_unname(sc);
}

/* ---- Connection -------------------------------------------------------- */

static void
virtio_net_link(struct virtio_net_softc *sc)
{
	uint8_t buf[2] = { 0 };

	sc->sc_net.nt_link = true;
	if (virtio_has(virtio_of(sc->sc_dev), VIRTIO_NET_F_STATUS) &&
	    virtio_config(sc->sc_dev, offsetof(struct virtio_net_config,
	    status), buf, sizeof(buf)) == 0)
		sc->sc_net.nt_link = (virtio_le16(buf) &
		    VIRTIO_NET_S_LINK_UP) != 0;
}

/* peer: an MTU below the smallest of IPv4 or beyond our pages is not used. */
static uint16_t
virtio_net_mtu(struct virtio_net_softc *sc)
{
	uint8_t buf[2] = { 0 };
	uint16_t mtu;

	if (!virtio_has(virtio_of(sc->sc_dev), VIRTIO_NET_F_MTU) ||
	    virtio_config(sc->sc_dev, offsetof(struct virtio_net_config,
	    mtu), buf, sizeof(buf)) != 0)
		return 1500;
	mtu = virtio_le16(buf);
	if (mtu >= 68 && mtu <= PV_PAGE_SIZE - VIRTIO_NET_HDR_MODERN -
	    VIRTIO_NET_ETHER)
		return mtu;
	pv_log(sc->sc_dev, PV_LOG_WARN, "MTU %u not used", mtu);
	return 1500;
}

/* Without an address from the device: a locally administered one. */
static void
virtio_net_mac(struct virtio_net_softc *sc)
{
	static const uint8_t local[5] = { 0x02, 'd', 'o', 'm', 'u' };
	unsigned int i;

	if (virtio_has(virtio_of(sc->sc_dev), VIRTIO_NET_F_MAC) &&
	    virtio_config(sc->sc_dev, offsetof(struct virtio_net_config,
	    mac), sc->sc_net.nt_mac, 6) == 0)
		return;
	for (i = 0; i < 5; i++)
		sc->sc_net.nt_mac[i] = local[i];
	sc->sc_net.nt_mac[5] = (uint8_t)sc->sc_name[5];
}

static void
virtio_net_describe(struct virtio_net_softc *sc)
{
	const struct virtio *vi = virtio_of(sc->sc_dev);
	struct pv_net *nt = &sc->sc_net;

	nt->nt_name = sc->sc_name;
	nt->nt_ops = &virtio_net_ops;
	nt->nt_sc = sc;
	nt->nt_offload = PV_NET_CAN_SG;
	if (virtio_has(vi, VIRTIO_NET_F_CSUM))
		nt->nt_offload |= PV_NET_CAN_CSUM4 | PV_NET_CAN_CSUM6;
	nt->nt_mtu = virtio_net_mtu(sc);
	virtio_net_mac(sc);
	virtio_net_link(sc);
}

/* Post one receive buffer; there is room for all of them. */
static void
virtio_net_post_locked(struct virtio_net_softc *sc, struct virtio_net_buf *bf)
{
	struct vq_piece vp;

	PV_ASSERT_LOCKED(&sc->sc_rxlock);
	bf->bf_da = pv_dma_share(&sc->sc_rxpool, &bf->bf_map, bf->bf_page,
	    PV_PAGE_SIZE, PV_PEER_WRITES);
	vp.vp_da = bf->bf_da;
	vp.vp_len = PV_PAGE_SIZE;
	vp.vp_dir = PV_PEER_WRITES;
	if (vq_add(&sc->sc_rxq.vn_vq, &vp, 1, bf) != 0)
		(void)pv_dma_unshare(&sc->sc_rxpool, &bf->bf_map);
}

static int
virtio_net_connect(void *arg)
{
	struct virtio_net_softc *sc = arg;
	int rv;

	rv = virtio_negotiate(sc->sc_dev, 1ull << VIRTIO_NET_F_MAC |
	    1ull << VIRTIO_NET_F_STATUS | 1ull << VIRTIO_NET_F_MTU |
	    1ull << VIRTIO_NET_F_CSUM | 1ull << VIRTIO_NET_F_GUEST_CSUM |
	    1ull << VIRTIO_NET_F_MRG_RXBUF);
	if (rv != 0)
		return rv;
	sc->sc_hdrlen = VIRTIO_NET_HDR_OLD;
	if (virtio_of(sc->sc_dev)->vi_modern ||
	    virtio_has(virtio_of(sc->sc_dev), VIRTIO_NET_F_MRG_RXBUF))
		sc->sc_hdrlen = VIRTIO_NET_HDR_MODERN;
	rv = virtio_queue_create(sc->sc_dev, &sc->sc_rxq, 0,
	    virtio_net_rxintr, sc);
	if (rv == 0)
		rv = virtio_queue_create(sc->sc_dev, &sc->sc_txq, 1,
		    virtio_net_txintr, sc);
	return rv;
}

static int
virtio_net_start(void *arg)
{
	struct virtio_net_softc *sc = arg;
	unsigned int i;
	bool kick;

	virtio_net_describe(sc);
	if (sc->sc_dev->pd_client->pc_net_up != NULL)
		sc->sc_dev->pd_client->pc_net_up(&sc->sc_net);
	sc->sc_up = true;
	pv_lock(&sc->sc_rxlock);
	for (i = 0; i < VIRTIO_NET_NRX &&
	    i < sc->sc_rxq.vn_vq.vq_size; i++)
		virtio_net_post_locked(sc, &sc->sc_buf[i]);
	kick = vq_push(&sc->sc_rxq.vn_vq);
	pv_unlock(&sc->sc_rxlock);
	sc->sc_open = true;
	if (kick)
		virtio_queue_kick(&sc->sc_rxq);
	return 0;
}

static void
virtio_net_changed(void *arg)
{
	struct virtio_net_softc *sc = arg;

	virtio_net_link(sc);
	if (sc->sc_net.nt_change != NULL)
		sc->sc_net.nt_change(&sc->sc_net);
}

/* ---- Submit ------------------------------------------------------------ */

/*
 * The header of a packet.  With CSUM_BLANK the device needs to know where the
 * checksum starts and where in it the field is: from the IP header's length.
 * -PV_EINVAL: the packet is not what its flags say.
 */
static int
virtio_net_header(struct virtio_net_softc *sc, const struct pv_net_pkt *np,
    struct virtio_net_hdr_mrg_rxbuf *h)
{
	static const struct virtio_net_hdr_mrg_rxbuf none;
	const uint8_t *p = np->np_iov[0].iov_base;
	unsigned int start, proto;

	*h = none;
	if ((np->np_flags & PV_NET_CSUM_BLANK) == 0)
		return 0;
	if ((sc->sc_net.nt_offload & PV_NET_CAN_CSUM4) == 0 ||
	    np->np_iov[0].iov_len < VIRTIO_NET_ETHER + 40)
		return -PV_EINVAL;
	p += VIRTIO_NET_ETHER;
	if (p[0] >> 4 == 4) {
		start = (p[0] & 15u) * 4;
		proto = p[9];
	} else {
		start = 40;
		proto = p[6];
	}
	if (proto != 6 && proto != 17)
		return -PV_EINVAL;
	h->hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->hdr.csum_start = (uint16_t)(VIRTIO_NET_ETHER + start);
	h->hdr.csum_offset = proto == 6 ? 16 : 6;
	return 0;
}

static void
virtio_net_unload(struct virtio_net_softc *sc, struct virtio_net_slot *sl)
{
	while (sl->sl_nmap > 0)
		(void)pv_dma_unshare(&sc->sc_txpool,
		    &sl->sl_map[--sl->sl_nmap]);
}

/* Share the pieces behind the header; their number or -PV_EINVAL. */
static int
virtio_net_load(struct virtio_net_softc *sc, struct virtio_net_slot *sl)
{
	struct vq_piece *vp = sc->sc_piece + 1;
	struct iov_iter it;
	size_t len;
	void *va;

	sl->sl_nmap = 0;
	iov_start(&it, sl->sl_pkt->np_iov, sl->sl_pkt->np_niov);
	while ((va = iov_next(&it, PV_PAGE_SIZE, &len)) != NULL) {
		if (sl->sl_nmap == VIRTIO_NET_NSEG)
			return -PV_EINVAL;
		vp->vp_da = pv_dma_share(&sc->sc_txpool,
		    &sl->sl_map[sl->sl_nmap++], va, len, PV_PEER_READS);
		vp->vp_len = (uint32_t)len;
		vp->vp_dir = PV_PEER_READS;
		vp++;
	}
	return (int)sl->sl_nmap;
}

static int
virtio_net_enqueue_locked(struct virtio_net_softc *sc,
    struct virtio_net_slot *sl)
{
	struct virtio_net_hdr_mrg_rxbuf h;
	int n, rv;

	PV_ASSERT_LOCKED(&sc->sc_txlock);
	rv = virtio_net_header(sc, sl->sl_pkt, &h);
	if (rv != 0)
		return rv;
	shm_copy_out(sl->sl_cell, &h, sc->sc_hdrlen);
	sc->sc_piece[0].vp_da = vq_cell_pa(sl->sl_cell);
	sc->sc_piece[0].vp_len = sc->sc_hdrlen;
	sc->sc_piece[0].vp_dir = PV_PEER_READS;
	n = virtio_net_load(sc, sl);
	rv = n < 0 ? n : vq_add(&sc->sc_txq.vn_vq, sc->sc_piece,
	    (unsigned int)n + 1, sl);
	if (rv != 0)
		virtio_net_unload(sc, sl);
	return rv;
}

/* Class entry; Context: deferred, thread. */
static int
virtio_net_send(void *arg, struct pv_net_pkt *np)
{
	struct virtio_net_softc *sc = arg;
	struct virtio_net_slot *sl;
	struct list *p;
	bool kick = false;
	int rv;

	if (np->np_niov == 0 || np->np_niov > PV_NET_MAXPIECES ||
	    np->np_len < VIRTIO_NET_ETHER || np->np_gso_size != 0 ||
	    np->np_len > sc->sc_net.nt_mtu + VIRTIO_NET_ETHER + 4u)
		return -PV_EINVAL;
	pv_lock(&sc->sc_txlock);
	rv = sc->sc_open ? 0 : -PV_ENXIO;
	p = rv == 0 ? list_pop(&sc->sc_txfree) : NULL;
	if (rv == 0 && p == NULL)
		rv = -PV_EAGAIN;
	if (rv == 0) {
		sl = LIST_ENTRY(p, struct virtio_net_slot, sl_link);
		sl->sl_pkt = np;
		rv = virtio_net_enqueue_locked(sc, sl);
		if (rv == 0)
			kick = vq_push(&sc->sc_txq.vn_vq);
		else
			list_append(&sc->sc_txfree, &sl->sl_link);
	}
	sc->sc_txfull = rv == -PV_EAGAIN;
	pv_unlock(&sc->sc_txlock);
	if (kick)
		virtio_queue_kick(&sc->sc_txq);
	return rv;
}

/* ---- Complete ---------------------------------------------------------- */

static struct pv_net_pkt *
virtio_net_release_locked(struct virtio_net_softc *sc,
    struct virtio_net_slot *sl)
{
	struct pv_net_pkt *np = sl->sl_pkt;

	PV_ASSERT_LOCKED(&sc->sc_txlock);
	virtio_net_unload(sc, sl);
	sl->sl_pkt = NULL;
	list_append(&sc->sc_txfree, &sl->sl_link);
	return np;
}

static int
virtio_net_txdone(struct virtio_net_softc *sc, struct pv_net_pkt **np)
{
	uint32_t len;
	void *cookie;
	int rv;

	pv_lock(&sc->sc_txlock);
	rv = sc->sc_open ? vq_get(&sc->sc_txq.vn_vq, &cookie, &len) : 0;
	if (rv == 1) {
		*np = virtio_net_release_locked(sc, cookie);
		sc->sc_net.nt_txpkt++;
		sc->sc_net.nt_txbyte += (*np)->np_len;
	}
	pv_unlock(&sc->sc_txlock);
	return rv;
}

/* Context: deferred. */
static bool
virtio_net_txintr(void *arg)
{
	struct virtio_net_softc *sc = arg;
	struct pv_net_pkt *np = NULL;
	bool more, ready;
	unsigned int n;
	int rv = 0;

	for (n = 0; n < VIRTIO_NET_BUDGET; n++) {
		rv = virtio_net_txdone(sc, &np);
		if (rv <= 0)
			break;
		np->np_done(np, 0);
	}
	if (rv < 0) {
		pv_dev_fail(sc->sc_dev, "transmit used ring");
		return false;
	}
	pv_lock(&sc->sc_txlock);
	ready = sc->sc_txfull && n > 0;
	if (ready)
		sc->sc_txfull = false;
	more = n == VIRTIO_NET_BUDGET ||
	    (sc->sc_open && vq_rearm(&sc->sc_txq.vn_vq));
	pv_unlock(&sc->sc_txlock);
	if (ready && sc->sc_net.nt_ready != NULL)
		sc->sc_net.nt_ready(&sc->sc_net);
	return more;
}

/* Take one buffer; its length in *len. */
static int
virtio_net_take_locked(struct virtio_net_softc *sc,
    struct virtio_net_buf **bf, uint32_t *len)
{
	void *cookie;
	int rv = vq_get(&sc->sc_rxq.vn_vq, &cookie, len);

	PV_ASSERT_LOCKED(&sc->sc_rxlock);
	if (rv != 1)
		return rv;
	*bf = cookie;
	(void)pv_dma_unshare(&sc->sc_rxpool, &(*bf)->bf_map);
	return 1;
}

/* How many buffers the packet has; peer: 1 to what a packet may have. */
static unsigned int
virtio_net_nbuf(struct virtio_net_softc *sc,
    const struct virtio_net_hdr_mrg_rxbuf *h)
{
	if (!virtio_has(virtio_of(sc->sc_dev), VIRTIO_NET_F_MRG_RXBUF))
		return 1;
	return h->num_buffers <= PV_NET_MAXPIECES ? h->num_buffers : 0;
}

static uint32_t
virtio_net_rxflags(const struct virtio_net_hdr_mrg_rxbuf *h)
{
	if ((h->hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0)
		return PV_NET_CSUM_BLANK | PV_NET_CSUM_VALID;
	if ((h->hdr.flags & VIRTIO_NET_HDR_F_DATA_VALID) != 0)
		return PV_NET_CSUM_VALID;
	return 0;
}

/*
 * Gather a packet of one or more buffers.  1: *np describes it; 0: none;
 * -PV_EPROTO.  The buffers are out of the queue until posted again.
 */
static int
virtio_net_gather_locked(struct virtio_net_softc *sc, struct pv_net_pkt *np)
{
	struct virtio_net_hdr_mrg_rxbuf h = { .num_buffers = 1 };
	unsigned int n, nbuf = 1;
	uint32_t len;
	int rv;

	np->np_len = 0;
	np->np_niov = 0;
	for (n = 0; n < nbuf; n++) {
		rv = virtio_net_take_locked(sc, &sc->sc_rxbuf[n], &len);
		if (rv != 1)
			return n == 0 ? rv : -PV_EPROTO;
		np->np_niov++;
		sc->sc_rxiov[n].iov_base = sc->sc_rxbuf[n]->bf_page;
		sc->sc_rxiov[n].iov_len = len;
		np->np_len += len;
		if (n > 0)
			continue;
		/* peer: shorter than its own header. */
		if (len < sc->sc_hdrlen)
			return -PV_EPROTO;
		shm_copy_in(&h, sc->sc_rxbuf[0]->bf_page, sc->sc_hdrlen);
		nbuf = virtio_net_nbuf(sc, &h);
		if (nbuf == 0)
			return -PV_EPROTO;
		sc->sc_rxiov[0].iov_base = (char *)sc->sc_rxbuf[0]->bf_page +
		    sc->sc_hdrlen;
		sc->sc_rxiov[0].iov_len = len - sc->sc_hdrlen;
		np->np_len -= sc->sc_hdrlen;
	}
	np->np_iov = sc->sc_rxiov;
	np->np_flags = virtio_net_rxflags(&h);
	return 1;
}

static void
virtio_net_repost(struct virtio_net_softc *sc, unsigned int n)
{
	unsigned int i;

	pv_lock(&sc->sc_rxlock);
	for (i = 0; i < n && sc->sc_open; i++)
		virtio_net_post_locked(sc, sc->sc_rxbuf[i]);
	pv_unlock(&sc->sc_rxlock);
}

static int
virtio_net_rxone(struct virtio_net_softc *sc)
{
	struct pv_net_pkt np = { 0 };
	int rv;

	pv_lock(&sc->sc_rxlock);
	rv = sc->sc_open ? virtio_net_gather_locked(sc, &np) : 0;
	pv_unlock(&sc->sc_rxlock);
	if (rv == 1 && np.np_len >= VIRTIO_NET_ETHER) {
		sc->sc_net.nt_rxpkt++;
		sc->sc_net.nt_rxbyte += np.np_len;
		if (sc->sc_net.nt_recv != NULL)
			sc->sc_net.nt_recv(&sc->sc_net, &np);
	} else if (rv == 1) {
		sc->sc_net.nt_rxdrop++;
	}
	if (rv == 1)
		virtio_net_repost(sc, np.np_niov);
	return rv;
}

/* Context: deferred. */
static bool
virtio_net_rxintr(void *arg)
{
	struct virtio_net_softc *sc = arg;
	bool kick, more;
	unsigned int n;
	int rv = 0;

	for (n = 0; n < VIRTIO_NET_BUDGET; n++) {
		rv = virtio_net_rxone(sc);
		if (rv <= 0)
			break;
	}
	if (rv < 0) {
		pv_dev_fail(sc->sc_dev, "receive used ring");
		return false;
	}
	if (n == 0)
		sc->sc_dev->pd_nspurious++;
	pv_lock(&sc->sc_rxlock);
	kick = sc->sc_open && vq_push(&sc->sc_rxq.vn_vq);
	more = n == VIRTIO_NET_BUDGET ||
	    (sc->sc_open && vq_rearm(&sc->sc_rxq.vn_vq));
	pv_unlock(&sc->sc_rxlock);
	if (kick)
		virtio_queue_kick(&sc->sc_rxq);
	return more;
}

/* After the reset: end what is in flight. */
static void
virtio_net_abort(struct virtio_net_softc *sc)
{
	struct virtio_net_slot *sl;
	struct virtio_net_buf *bf;
	struct pv_net_pkt *np;

	while ((bf = vq_drain(&sc->sc_rxq.vn_vq)) != NULL)
		(void)pv_dma_unshare(&sc->sc_rxpool, &bf->bf_map);
	for (;;) {
		pv_lock(&sc->sc_txlock);
		sl = vq_drain(&sc->sc_txq.vn_vq);
		np = sl == NULL ? NULL : virtio_net_release_locked(sc, sl);
		pv_unlock(&sc->sc_txlock);
		if (np == NULL)
			return;
		np->np_done(np, -PV_ENXIO);
	}
}

static void
virtio_net_disconnect(void *arg)
{
	struct virtio_net_softc *sc = arg;

	pv_lock(&sc->sc_txlock);
	pv_lock(&sc->sc_rxlock);
	sc->sc_open = false;
	pv_unlock(&sc->sc_rxlock);
	pv_unlock(&sc->sc_txlock);
	if (virtio_stop(sc->sc_dev) == 0) {
		if (sc->sc_rxq.vn_live && sc->sc_txq.vn_live)
			virtio_net_abort(sc);
		virtio_queue_destroy(&sc->sc_rxq);
		virtio_queue_destroy(&sc->sc_txq);
	}
	if (sc->sc_up && sc->sc_dev->pd_client->pc_net_down != NULL)
		sc->sc_dev->pd_client->pc_net_down(&sc->sc_net);
	sc->sc_up = false;
}

static void
virtio_net_poll(void *arg)
{
	(void)virtio_net_rxintr(arg);
	(void)virtio_net_txintr(arg);
}

/* ---- Driver ------------------------------------------------------------ */

static const struct pv_net_ops virtio_net_ops = {
	.no_send = virtio_net_send,
	.no_poll = virtio_net_poll,
};

const struct pv_driver virtio_net_driver = {
	.dv_name = "virtio_net",
	.dv_match = "virtio,1",
	.dv_scsize = sizeof(struct virtio_net_softc),
	.dv_attach = virtio_net_attach,
	.dv_detach = virtio_net_detach,
	.dv_connect = virtio_net_connect,
	.dv_start = virtio_net_start,
	.dv_disconnect = virtio_net_disconnect,
	.dv_changed = virtio_net_changed,
	.dv_load = "if_vtnet_load",
};
