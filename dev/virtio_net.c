/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_net.c -- virtio network device (virtio 1.2, section 5.1): features,
 * configuration, life.  Theory in virtio_net.h.
 */

#include "virtio_net.h"

/* ---- State ------------------------------------------------------------- */

static unsigned int virtio_net_units;	/* bits: names in use */

static const char *const virtio_net_settings[] = {
	"hw.vtnet.csum_disable", "hw.vtnet.tso_disable",
	"hw.vtnet.lro_disable", "hw.vtnet.mq_disable",
	"hw.vtnet.mq_max_pairs", NULL
};

/* ---- Names ------------------------------------------------------------- */

static void virtio_net_poll(void *);

static const struct pv_net_ops virtio_net_ops = {
	.no_send = virtio_net_tx_send,
	.no_poll = virtio_net_poll,
	.no_set = virtio_net_ctl_set,
};

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
	sc->sc_unit.un_client = sc->sc_dev->pd_client;
	sc->sc_unit.un_family = "hw.vtnet";
	sc->sc_unit.un_unit = u;
	str_begin(&sb, sc->sc_name, sizeof(sc->sc_name));
	str_add(&sb, "vtnet");
	str_addu(&sb, u);
	return 0;
}

static void
virtio_net_unname(struct virtio_net_softc *sc)
{
	virtio_net_units &= ~(1u << sc->sc_unit.un_unit);
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
	rv = virtio_net_ctl_create(sc);
	if (rv != 0)
		goto err_ctl;
	rv = virtio_net_rx_create(sc, 0, VIRTIO_NET_NRX);
	if (rv != 0)
		goto err_rx;
	rv = virtio_net_tx_create(sc, 0);
	if (rv != 0)
		goto err_tx;
	sc->sc_npair = sc->sc_maxpair = 1;
	return 0;

err_tx:
	virtio_net_rx_destroy(sc, 0);
err_rx:
	virtio_net_ctl_destroy(sc);
err_ctl:
	virtio_net_unname(sc);
	return rv;
}

static void
virtio_net_detach(void *arg)
{
	struct virtio_net_softc *sc = arg;
	unsigned int i;

	for (i = 0; i < VIRTIO_NET_NPAIR; i++) {
		virtio_net_rx_destroy(sc, i);
		virtio_net_tx_destroy(sc, i);
	}
	virtio_net_ctl_destroy(sc);
	virtio_net_unname(sc);
}

/* ---- Features ---------------------------------------------------------- */

/*
 * What needs what (virtio 1.2, 5.1.3.1).  That received segments need
 * MRG_RXBUF is our own wish: without it each buffer would have 64 KiB.
 */
static const struct {
	uint8_t		 nd_feature, nd_need;
} virtio_net_needs[] = {
	{ VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_CSUM },
	{ VIRTIO_NET_F_HOST_TSO6, VIRTIO_NET_F_CSUM },
	{ VIRTIO_NET_HOST_USO, VIRTIO_NET_F_CSUM },
	{ VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_CSUM },
	{ VIRTIO_NET_F_GUEST_TSO6, VIRTIO_NET_F_GUEST_CSUM },
	{ VIRTIO_NET_GUEST_USO4, VIRTIO_NET_F_GUEST_CSUM },
	{ VIRTIO_NET_GUEST_USO6, VIRTIO_NET_F_GUEST_CSUM },
	{ VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_MRG_RXBUF },
	{ VIRTIO_NET_F_GUEST_TSO6, VIRTIO_NET_F_MRG_RXBUF },
	{ VIRTIO_NET_GUEST_USO4, VIRTIO_NET_F_MRG_RXBUF },
	{ VIRTIO_NET_GUEST_USO6, VIRTIO_NET_F_MRG_RXBUF },
	{ VIRTIO_NET_F_CTRL_RX, VIRTIO_NET_F_CTRL_VQ },
	{ VIRTIO_NET_F_CTRL_VLAN, VIRTIO_NET_F_CTRL_VQ },
	{ VIRTIO_NET_F_CTRL_MAC_ADDR, VIRTIO_NET_F_CTRL_VQ },
	{ VIRTIO_NET_F_CTRL_GUEST_OFFLOADS, VIRTIO_NET_F_CTRL_VQ },
	{ VIRTIO_NET_F_GUEST_ANNOUNCE, VIRTIO_NET_F_CTRL_VQ },
	{ VIRTIO_NET_F_GUEST_ANNOUNCE, VIRTIO_NET_F_STATUS },
	{ VIRTIO_NET_F_MQ, VIRTIO_NET_F_CTRL_VQ },
	{ VIRTIO_NET_F_RSS, VIRTIO_NET_F_CTRL_VQ },
};

/* Without those whose needs are not met; no need has a need of its own. */
static uint64_t
virtio_net_fit(uint64_t features)
{
	unsigned int i;

	for (i = 0; i < PV_NELEM(virtio_net_needs); i++) {
		if ((features >> virtio_net_needs[i].nd_need & 1) == 0)
			features &= ~(1ull << virtio_net_needs[i].nd_feature);
	}
	return features;
}

/* Pairs to use: what device, CPUs and operator allow. */
static unsigned int
virtio_net_pairs(struct virtio_net_softc *sc, uint64_t offers)
{
	static const int64_t range[2] = { 0, VIRTIO_NET_NPAIR };
	unsigned int n = sc->sc_dev->pd_client->pc_ncpu, max;
	uint8_t buf[2] = { 0 };

	sc->sc_maxpair = 1;
	max = (unsigned int)pv_unit_num(&sc->sc_unit, "mq_max_pairs", range,
	    0);
	if (max == 0)
		max = VIRTIO_NET_NPAIR;
	n = n < max ? n : max;
	if (n < 2 || pv_unit_bool(&sc->sc_unit, "mq_disable", false) ||
	    (offers & (1ull << VIRTIO_NET_F_MQ |
	    1ull << VIRTIO_NET_F_RSS)) == 0 ||
	    (offers >> VIRTIO_NET_F_CTRL_VQ & 1) == 0 ||
	    virtio_config(sc->sc_dev, offsetof(struct virtio_net_config,
	    max_virtqueue_pairs), buf, sizeof(buf)) != 0)
		return 1;
	max = virtio_le16(buf);
	/* peer: so that the control queue has a number that we can use. */
	if (max < 2 || 2 * max >= VIRTIO_NQUEUE)
		return 1;
	sc->sc_maxpair = max;
	return n < max ? n : max;
}

static uint64_t
virtio_net_wanted(struct virtio_net_softc *sc, uint64_t offers)
{
	uint64_t want = 1ull << VIRTIO_NET_F_MAC |
	    1ull << VIRTIO_NET_F_STATUS | 1ull << VIRTIO_NET_F_MTU |
	    1ull << VIRTIO_NET_F_MRG_RXBUF | 1ull << VIRTIO_NET_F_CTRL_VQ |
	    1ull << VIRTIO_NET_F_CTRL_RX | 1ull << VIRTIO_NET_F_CTRL_VLAN |
	    1ull << VIRTIO_NET_F_CTRL_MAC_ADDR |
	    1ull << VIRTIO_NET_F_CTRL_GUEST_OFFLOADS |
	    1ull << VIRTIO_NET_F_GUEST_ANNOUNCE |
	    1ull << VIRTIO_F_ANY_LAYOUT;
	uint64_t tso = 1ull << VIRTIO_NET_F_HOST_TSO4 |
	    1ull << VIRTIO_NET_F_HOST_TSO6 | 1ull << VIRTIO_NET_HOST_USO;
	uint64_t lro = 1ull << VIRTIO_NET_F_GUEST_TSO4 |
	    1ull << VIRTIO_NET_F_GUEST_TSO6 | 1ull << VIRTIO_NET_GUEST_USO4 |
	    1ull << VIRTIO_NET_GUEST_USO6;

	if (!pv_unit_bool(&sc->sc_unit, "csum_disable", false))
		want |= 1ull << VIRTIO_NET_F_CSUM |
		    1ull << VIRTIO_NET_F_GUEST_CSUM;
	if (!pv_unit_bool(&sc->sc_unit, "tso_disable", false))
		want |= tso;
	if (!pv_unit_bool(&sc->sc_unit, "lro_disable", false))
		want |= lro;
	if (sc->sc_npair > 1)
		want |= 1ull << VIRTIO_NET_F_MQ | 1ull << VIRTIO_NET_F_RSS;
	return virtio_net_fit(want & offers);
}

static int
virtio_net_negotiate(struct virtio_net_softc *sc)
{
	struct virtio *vi = virtio_of(sc->sc_dev);
	uint64_t offers = virtio_offers(sc->sc_dev);
	int rv;

	sc->sc_npair = virtio_net_pairs(sc, offers);
	rv = virtio_negotiate(sc->sc_dev, virtio_net_wanted(sc, offers));
	if (rv != 0)
		return rv;
	/* peer: it may offer something else each time it is asked. */
	if (virtio_net_fit(vi->vi_features) != vi->vi_features ||
	    (sc->sc_npair > 1 && !virtio_net_has(sc, VIRTIO_NET_F_MQ) &&
	    !virtio_net_has(sc, VIRTIO_NET_F_RSS))) {
		pv_log(sc->sc_dev, PV_LOG_ERR, "features 0x%llx contradict "
		    "each other", (unsigned long long)vi->vi_features);
		return -PV_EPROTO;
	}
	sc->sc_hdrlen = vi->vi_modern ||
	    virtio_net_has(sc, VIRTIO_NET_F_MRG_RXBUF) ?
	    VIRTIO_NET_HDR_MODERN : VIRTIO_NET_HDR_OLD;
	sc->sc_merge = virtio_net_has(sc, VIRTIO_NET_F_MRG_RXBUF);
	sc->sc_anyhow = vi->vi_modern ||
	    virtio_net_has(sc, VIRTIO_F_ANY_LAYOUT);
	sc->sc_splithdr = !sc->sc_anyhow && !sc->sc_merge;
	return 0;
}

/* ---- Configuration ----------------------------------------------------- */

/* Bits of the status field; up when there is none. */
static unsigned int
virtio_net_status(struct virtio_net_softc *sc)
{
	uint8_t buf[2] = { 0 };

	if (!virtio_net_has(sc, VIRTIO_NET_F_STATUS) ||
	    virtio_config(sc->sc_dev, offsetof(struct virtio_net_config,
	    status), buf, sizeof(buf)) != 0)
		return VIRTIO_NET_S_LINK_UP;
	return virtio_le16(buf);
}

/* peer: an MTU below the smallest of IPv4 or beyond our pages is not used. */
static uint16_t
virtio_net_mtu(struct virtio_net_softc *sc)
{
	unsigned int max = PV_PAGE_SIZE;
	uint8_t buf[2] = { 0 };
	uint16_t mtu;

	if (!virtio_net_has(sc, VIRTIO_NET_F_MTU) ||
	    virtio_config(sc->sc_dev, offsetof(struct virtio_net_config,
	    mtu), buf, sizeof(buf)) != 0)
		return 1500;
	mtu = virtio_le16(buf);
	if (virtio_net_has(sc, VIRTIO_NET_F_MRG_RXBUF))
		max *= PV_NET_MAXPIECES - 1;
	max -= VIRTIO_NET_HDR_MODERN + VIRTIO_NET_ETHER + VIRTIO_NET_VLAN;
	if (mtu >= 68 && mtu <= max)
		return mtu;
	pv_log(sc->sc_dev, PV_LOG_WARN, "MTU %u not used", mtu);
	return 1500;
}

/* Without an address from the device: a locally administered one. */
static void
virtio_net_mac(struct virtio_net_softc *sc)
{
	uint64_t x = pv_now() * 0x9e3779b97f4a7c15ull;
	uint8_t mac[6] = { 0x02, 'd', 'o', (uint8_t)(x >> 56),
	    (uint8_t)(x >> 48), (uint8_t)(x >> 40) };
	unsigned int i;

	if (sc->sc_ctl.ct_macset)
		return;
	if (!virtio_net_has(sc, VIRTIO_NET_F_MAC) ||
	    virtio_config(sc->sc_dev, offsetof(struct virtio_net_config,
	    mac), mac, 6) != 0) {
		/* The one that was made up remains. */
		if (sc->sc_net.nt_mac[0] != 0)
			return;
	}
	for (i = 0; i < 6; i++)
		sc->sc_net.nt_mac[i] = mac[i];
}

static void
virtio_net_describe(struct virtio_net_softc *sc)
{
	static const struct {
		uint8_t		 feature;
		uint32_t	 send, receive;
	} offloads[] = {
		{ VIRTIO_NET_F_CSUM, PV_NET_CAN_CSUM4 | PV_NET_CAN_CSUM6, 0 },
		{ VIRTIO_NET_F_HOST_TSO4, PV_NET_CAN_TSO4, 0 },
		{ VIRTIO_NET_F_HOST_TSO6, PV_NET_CAN_TSO6, 0 },
		{ VIRTIO_NET_HOST_USO, PV_NET_CAN_USO, 0 },
		{ VIRTIO_NET_F_GUEST_CSUM, 0, PV_NET_RX_CSUM },
		{ VIRTIO_NET_F_GUEST_TSO4, 0, PV_NET_RX_GSO },
		{ VIRTIO_NET_F_GUEST_TSO6, 0, PV_NET_RX_GSO }
	};
	struct pv_net *nt = &sc->sc_net;
	unsigned int i;

	nt->nt_name = sc->sc_name;
	nt->nt_ops = &virtio_net_ops;
	nt->nt_sc = sc;
	nt->nt_offload = PV_NET_CAN_SG;
	nt->nt_recvoffload = 0;
	for (i = 0; i < PV_NELEM(offloads); i++) {
		if (virtio_net_has(sc, offloads[i].feature)) {
			nt->nt_offload |= offloads[i].send;
			nt->nt_recvoffload |= offloads[i].receive;
		}
	}
	nt->nt_npair = sc->sc_npair;
	nt->nt_mtu = virtio_net_mtu(sc);
	virtio_net_mac(sc);
	nt->nt_link = (virtio_net_status(sc) & VIRTIO_NET_S_LINK_UP) != 0;
}

/* ---- Connection -------------------------------------------------------- */

static int
virtio_net_pair(struct virtio_net_softc *sc, unsigned int i)
{
	int rv = 0;

	if (sc->sc_rx[i] == NULL)
		rv = virtio_net_rx_create(sc, i, VIRTIO_NET_NRXMANY);
	if (rv == 0 && sc->sc_tx[i] == NULL)
		rv = virtio_net_tx_create(sc, i);
	if (rv != 0)
		return rv;
	sc->sc_rx[i]->rq_queue.vn_size = VIRTIO_NET_NRX *
	    (sc->sc_splithdr ? 2 : 1);
	sc->sc_tx[i]->tq_queue.vn_chain = VIRTIO_NET_NSEG + 1;
	rv = virtio_queue_create(sc->sc_dev, &sc->sc_rx[i]->rq_queue, 2 * i,
	    virtio_net_rx_intr, sc->sc_rx[i]);
	if (rv == 0)
		rv = virtio_queue_create(sc->sc_dev, &sc->sc_tx[i]->tq_queue,
		    2 * i + 1, virtio_net_tx_intr, sc->sc_tx[i]);
	return rv;
}

/* One pair has to be; with fewer of the others the device works too. */
static int
virtio_net_connect(void *arg)
{
	struct virtio_net_softc *sc = arg;
	unsigned int i, n;
	int rv;

	rv = virtio_net_negotiate(sc);
	if (rv == 0)
		rv = virtio_net_pair(sc, 0);
	if (rv == 0)
		rv = virtio_net_ctl_connect(sc);
	if (rv != 0)
		return rv;
	n = sc->sc_npair;
	for (i = 1; i < n && rv == 0; i++)
		rv = virtio_net_pair(sc, i);
	if (rv != 0) {
		sc->sc_npair = i - 1;
		pv_log(sc->sc_dev, PV_LOG_WARN, "only %u of %u queue pairs "
		    "(error %d)", sc->sc_npair, n, -rv);
	}
	return 0;
}

/* After a reset of its own the device was never away for the consumer. */
static int
virtio_net_start(void *arg)
{
	struct virtio_net_softc *sc = arg;
	struct pv_net *nt = &sc->sc_net;
	bool up = sc->sc_up;
	unsigned int i;

	virtio_net_describe(sc);
	sc->sc_up = true;
	for (i = 0; i < sc->sc_npair; i++)
		virtio_net_tx_open(sc->sc_tx[i]);
	if (!up && sc->sc_dev->pd_client->pc_net_up != NULL)
		sc->sc_dev->pd_client->pc_net_up(nt);
	for (i = 0; i < sc->sc_npair; i++)
		virtio_net_rx_open(sc->sc_rx[i]);
	virtio_net_ctl_open(sc);
	if (up && nt->nt_change != NULL)
		nt->nt_change(nt);
	if (up && nt->nt_announce != NULL)
		nt->nt_announce(nt);
	return 0;
}

/* The link, or that others should be told where we are. */
static void
virtio_net_changed(void *arg)
{
	struct virtio_net_softc *sc = arg;
	struct pv_net *nt = &sc->sc_net;
	unsigned int status = virtio_net_status(sc);
	bool link = (status & VIRTIO_NET_S_LINK_UP) != 0;

	if (link != nt->nt_link) {
		nt->nt_link = link;
		if (nt->nt_change != NULL)
			nt->nt_change(nt);
	}
	if ((status & VIRTIO_NET_S_ANNOUNCE) == 0 ||
	    !virtio_net_has(sc, VIRTIO_NET_F_GUEST_ANNOUNCE))
		return;
	if (nt->nt_announce != NULL)
		nt->nt_announce(nt);
	virtio_net_ctl_todo(sc, VIRTIO_NET_TODO_ANNOUNCE);
}

static void
virtio_net_close(struct virtio_net_softc *sc, bool wait)
{
	unsigned int i;

	for (i = 0; i < VIRTIO_NET_NPAIR; i++) {
		if (sc->sc_rx[i] != NULL)
			virtio_net_rx_close(sc->sc_rx[i]);
		if (sc->sc_tx[i] != NULL)
			virtio_net_tx_close(sc->sc_tx[i], wait);
	}
	virtio_net_ctl_close(sc);
}

/* The device has been reset. */
static void
virtio_net_abort(struct virtio_net_softc *sc, int rv)
{
	unsigned int i;

	for (i = 0; i < VIRTIO_NET_NPAIR; i++) {
		if (sc->sc_rx[i] != NULL) {
			virtio_net_rx_abort(sc->sc_rx[i]);
			virtio_queue_destroy(&sc->sc_rx[i]->rq_queue);
		}
		if (sc->sc_tx[i] != NULL) {
			virtio_net_tx_abort(sc->sc_tx[i], rv);
			virtio_queue_destroy(&sc->sc_tx[i]->tq_queue);
		}
	}
	virtio_net_ctl_disconnect(sc);
}

static void
virtio_net_disconnect(void *arg)
{
	struct virtio_net_softc *sc = arg;
	bool wait = sc->sc_up && virtio_again(sc->sc_dev);

	virtio_net_close(sc, wait);
	if (virtio_stop(sc->sc_dev) == 0)
		virtio_net_abort(sc, wait ? -PV_EIO : -PV_ENXIO);
	if (wait)
		return;
	if (sc->sc_up && sc->sc_dev->pd_client->pc_net_down != NULL)
		sc->sc_dev->pd_client->pc_net_down(&sc->sc_net);
	sc->sc_up = false;
}

static void
virtio_net_poll(void *arg)
{
	struct virtio_net_softc *sc = arg;
	unsigned int i;

	for (i = 0; i < sc->sc_npair; i++) {
		if (virtio_net_rx_intr(sc->sc_rx[i]))
			virtio_queue_again(&sc->sc_rx[i]->rq_queue);
		if (virtio_net_tx_intr(sc->sc_tx[i]))
			virtio_queue_again(&sc->sc_tx[i]->tq_queue);
	}
}

/* ---- Driver ------------------------------------------------------------ */

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
	.dv_settings = virtio_net_settings,
};
