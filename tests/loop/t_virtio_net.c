/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_virtio_net.c -- dev/virtio_net against the simulated device: frames both
 * ways, each offload with and without, orders, queue pairs, resets.
 */

#include "sim_vnet.h"
#include "vloop.h"

#define F(name)	(1ull << VIRTIO_NET_F_##name)
#define USO	(1ull << 56)
#define GUEST_USO (3ull << 54)
#define OFFLOADS (F(CSUM) | F(GUEST_CSUM) | F(HOST_TSO4) | F(HOST_TSO6) | \
		F(GUEST_TSO4) | F(GUEST_TSO6) | USO | GUEST_USO)
#define ORDERS	(F(CTRL_VQ) | F(CTRL_RX) | F(CTRL_VLAN) |		\
		F(CTRL_MAC_ADDR) | F(CTRL_GUEST_OFFLOADS) |		\
		F(GUEST_ANNOUNCE))
#define BASE	(F(MAC) | F(STATUS) | F(MTU) | F(MRG_RXBUF))

static const struct virtio_net_hdr nothing;

static struct sim_vnet *
make(struct loop *l, uint64_t features, unsigned int npair)
{
	struct sim_vdev_cfg vc = vloop_cfg(l);
	struct sim_vnet_cfg nc = {
		.nc_features = features, .nc_npair = npair, .nc_mtu = 1400,
		.nc_mac = { 2, 1, 2, 3, 4, 5 }
	};

	return sim_vnet_create(l->l_sim, &vc, &nc);
}

static struct sim_vnet *
up(struct loop *l, uint64_t features, unsigned int npair)
{
	struct sim_vnet *vn = make(l, features, npair);

	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_nets(l, 1));
	sim_run(l->l_sim, SIM_S);
	return vn;
}

static bool
legacy(struct loop *l)
{
	enum sim_vbus bus = vloop_cfg(l).vc_bus;

	return bus == SIM_VBUS_LEGACY || bus == SIM_VBUS_MMIO1;
}

/* A frame of IPv4 or IPv6 with TCP or UDP in it. */
static void
frame(uint8_t *p, size_t len, unsigned int version, unsigned int proto,
    unsigned int port)
{
	loop_fill(p, len, port + 1);
	p[12] = version == 4 ? 0x08 : 0x86;
	p[13] = version == 4 ? 0x00 : 0xdd;
	p += 14;
	memset(p, 0, version == 4 ? 20 : 40);
	p[0] = version == 4 ? 0x45 : 0x60;
	p[version == 4 ? 9 : 6] = (uint8_t)proto;
	p += version == 4 ? 20 : 40;
	p[0] = (uint8_t)(port >> 8);
	p[1] = (uint8_t)port;
	p[12] = 0x50;
}

/* ---- frames ------------------------------------------------------------ */

VLOOP_TEST(described)
{
	struct sim_vnet *vn = up(l, BASE | OFFLOADS, 1);
	struct pv_net *nt = l->l_net[0];

	assert_string_equal(nt->nt_name, "vtnet0");
	assert_memory_equal(nt->nt_mac, vn->vn_cfg.nc_mac, 6);
	assert_int_equal(nt->nt_mtu, 1400);
	assert_true(nt->nt_link);
	assert_int_equal(nt->nt_npair, 1);
	assert_int_equal(nt->nt_offload & PV_NET_CAN_CSUM6, PV_NET_CAN_CSUM6);
	assert_int_equal(nt->nt_offload & PV_NET_CAN_USO,
	    legacy(l) ? 0 : PV_NET_CAN_USO);
	assert_int_equal(nt->nt_recvoffload, PV_NET_RX_CSUM | PV_NET_RX_GSO);
}

VLOOP_TEST(plain)
{
	struct sim_vnet *vn = up(l, 0, 1);
	uint8_t *buf = loop_pages(1);
	struct loop_pkt lp;

	assert_int_equal(l->l_net[0]->nt_offload, PV_NET_CAN_SG);
	assert_int_equal(l->l_net[0]->nt_mtu, 1500);
	assert_true(l->l_net[0]->nt_link);
	vn->vn_cfg.nc_mtu = 1500;
	frame(buf, 1514, 4, 6, 80);
	assert_int_equal(loop_send(l->l_net[0], &lp, buf, 1514, 3), 0);
	assert_int_equal(loop_wait_sent(l, &lp), 0);
	assert_int_equal(vn->vn_framelen, 1514);
	assert_memory_equal(vn->vn_frame, buf, 1514);
	assert_int_equal(vn->vn_hdr.hdr.flags, 0);
	assert_true(sim_vnet_deliver(vn, 0, &nothing, buf, 1000));
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_nframe, 1);
	assert_int_equal(l->l_framelen, 1000);
	assert_memory_equal(l->l_frame, buf, 1000);
	loop_packet(&lp, buf, 1514, 1);
	lp.lp_np.np_flags = PV_NET_CSUM_BLANK;
	assert_int_equal(pv_net_send(l->l_net[0], &lp.lp_np), -PV_EINVAL);
	loop_pages_free(buf, 1);
}

/* Many frames of all lengths, in both directions. */
VLOOP_TEST(lengths)
{
	struct sim_vnet *vn = up(l, BASE, 1);
	uint8_t *buf = loop_pages(3);
	struct loop_pkt lp;
	unsigned int i;
	size_t len;

	for (i = 0; i < 200; i++) {
		len = 14 + sim_rand(1400);
		loop_fill(buf, len, i);
		assert_int_equal(loop_send(l->l_net[0], &lp, buf, len,
		    1 + i % 4), 0);
		assert_int_equal(loop_wait_sent(l, &lp), 0);
		assert_memory_equal(vn->vn_frame, buf, len);
		/* Beyond a page: several buffers. */
		len = 14 + sim_rand(3 * 4096 - 14);
		loop_fill(buf, len, i);
		l->l_nframe = 0;
		assert_true(sim_vnet_deliver(vn, 0, &nothing, buf, len));
		sim_run(l->l_sim, SIM_S);
		assert_int_equal(l->l_nframe, 1);
		assert_int_equal(l->l_framelen, len);
		assert_memory_equal(l->l_frame, buf, len);
	}
	assert_int_equal(l->l_net[0]->nt_rxdrop, 0);
	loop_pages_free(buf, 3);
}

static unsigned int poll_next, poll_nwrong;

/* A consumer that looks for more in the middle of what it is shown. */
static void
recv_and_poll(struct pv_net *nt, const struct pv_net_pkt *np)
{
	uint8_t n = ((const uint8_t *)np->np_iov[0].iov_base)[20];

	nt->nt_ops->no_poll(nt->nt_sc);
	poll_nwrong += n != poll_next % 256 || np->np_len != 60u + n ||
	    ((const uint8_t *)np->np_iov[0].iov_base)[20] != n;
	poll_next++;
}

VLOOP_TEST(polled)
{
	struct sim_vnet *vn = up(l, BASE, 1);
	struct pv_net *nt = l->l_net[0];
	uint8_t *buf = loop_pages(1);
	unsigned int i, k, n = 0;

	poll_next = poll_nwrong = 0;
	nt->nt_recv = recv_and_poll;
	for (i = 0; i < 100; i++) {
		for (k = sim_rand(8); k > 0; k--) {
			buf[20] = (uint8_t)n++;
			assert_true(sim_vnet_deliver(vn, 0, &nothing, buf,
			    60u + buf[20]));
		}
		if (i % 2 == 0)
			nt->nt_ops->no_poll(nt->nt_sc);
		sim_run(l->l_sim, SIM_S);
		assert_int_equal(poll_next, n);
	}
	assert_int_equal(poll_nwrong, 0);
	assert_int_equal(nt->nt_rxpkt, n);
	loop_pages_free(buf, 1);
}

/* ---- offloads ---------------------------------------------------------- */

static void
send_blank(struct loop *l, struct sim_vnet *vn, unsigned int version,
    unsigned int proto)
{
	uint8_t *buf = loop_pages(1);
	struct loop_pkt lp;

	frame(buf, 200, version, proto, 99);
	loop_packet(&lp, buf, 200, 1);
	lp.lp_np.np_flags = PV_NET_CSUM_BLANK;
	assert_int_equal(pv_net_send(l->l_net[0], &lp.lp_np), 0);
	assert_int_equal(loop_wait_sent(l, &lp), 0);
	assert_int_equal(vn->vn_hdr.hdr.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(vn->vn_hdr.hdr.csum_start, version == 4 ? 34 : 54);
	assert_int_equal(vn->vn_hdr.hdr.csum_offset, proto == 6 ? 16 : 6);
	loop_pages_free(buf, 1);
}

VLOOP_TEST(checksums)
{
	struct sim_vnet *vn = up(l, BASE | OFFLOADS, 1);
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	    .csum_start = 34, .csum_offset = 16 };
	uint8_t *buf = loop_pages(1);

	send_blank(l, vn, 4, 6);
	send_blank(l, vn, 4, 17);
	send_blank(l, vn, 6, 6);
	send_blank(l, vn, 6, 17);
	assert_int_equal(l->l_net[0]->nt_txcsum, 4);
	frame(buf, 200, 4, 6, 1);
	assert_true(sim_vnet_deliver(vn, 0, &h, buf, 200));
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_frameflags,
	    PV_NET_CSUM_BLANK | PV_NET_CSUM_VALID);
	h.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	assert_true(sim_vnet_deliver(vn, 0, &h, buf, 200));
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_frameflags, PV_NET_CSUM_VALID);
	assert_int_equal(l->l_net[0]->nt_rxcsum, 2);
	loop_pages_free(buf, 1);
}

/*
 * Small ones go behind their headers, in the slot that was used last: what was
 * in its header before does not stay.
 */
VLOOP_TEST(small)
{
	struct sim_vnet *vn = up(l, BASE | OFFLOADS |
	    1ull << VIRTIO_F_ANY_LAYOUT, 1);
	uint8_t *buf = loop_pages(1);
	struct loop_pkt lp;
	size_t len;

	for (len = 14; len <= 120; len++) {
		loop_fill(buf, len, (uint32_t)len);
		assert_int_equal(loop_send(l->l_net[0], &lp, buf, len,
		    1 + len % 3), 0);
		assert_int_equal(loop_wait_sent(l, &lp), 0);
		assert_int_equal(vn->vn_framelen, len);
		assert_memory_equal(vn->vn_frame, buf, len);
		assert_int_equal(vn->vn_hdr.hdr.flags, 0);
		assert_int_equal(vn->vn_hdr.hdr.csum_start, 0);
		assert_int_equal(vn->vn_npiece, len <= 112 ? 1 :
		    2 + len % 3);
		if (len % 8 == 0)
			send_blank(l, vn, 4, 17);
	}
	loop_pages_free(buf, 1);
}

static int
send_large(struct loop *l, uint8_t *buf, unsigned int version,
    unsigned int proto, uint8_t type)
{
	struct loop_pkt lp;
	int rv;

	frame(buf, 20000, version, proto, 5);
	loop_packet(&lp, buf, 20000, 4);
	lp.lp_np.np_flags = PV_NET_CSUM_BLANK;
	lp.lp_np.np_gso_size = 1300;
	lp.lp_np.np_gso_type = type;
	rv = pv_net_send(l->l_net[0], &lp.lp_np);
	return rv != 0 ? rv : loop_wait_sent(l, &lp);
}

VLOOP_TEST(segments_sent)
{
	struct sim_vnet *vn = up(l, BASE | OFFLOADS, 1);
	uint8_t *buf = loop_pages(5);

	assert_int_equal(send_large(l, buf, 4, 6, PV_NET_GSO_TCP4), 0);
	assert_int_equal(vn->vn_framelen, 20000);
	assert_memory_equal(vn->vn_frame, buf, 20000);
	assert_int_equal(vn->vn_hdr.hdr.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(vn->vn_hdr.hdr.gso_size, 1300);
	assert_int_equal(vn->vn_hdr.hdr.hdr_len, 14 + 20 + 20);
	assert_int_equal(send_large(l, buf, 6, 6, PV_NET_GSO_TCP6), 0);
	assert_int_equal(vn->vn_hdr.hdr.hdr_len, 14 + 40 + 20);
	assert_int_equal(send_large(l, buf, 4, 17, PV_NET_GSO_UDP),
	    legacy(l) ? -PV_EINVAL : 0);
	/* What the packet is not, and what is no kind at all. */
	assert_int_equal(send_large(l, buf, 4, 6, PV_NET_GSO_TCP6),
	    -PV_EINVAL);
	assert_int_equal(send_large(l, buf, 4, 17, PV_NET_GSO_TCP4),
	    -PV_EINVAL);
	assert_int_equal(send_large(l, buf, 4, 6, 77), -PV_EINVAL);
	assert_int_equal(send_large(l, buf, 4, 6, 0), -PV_EINVAL);
	assert_int_equal(l->l_net[0]->nt_txgso, legacy(l) ? 2 : 3);
	loop_pages_free(buf, 5);
}

VLOOP_TEST(segments_received)
{
	struct sim_vnet *vn = up(l, BASE | OFFLOADS, 1);
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	    .csum_start = 34, .csum_offset = 16, .gso_size = 1400,
	    .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .hdr_len = 54 };
	uint8_t *buf = loop_pages(15);

	frame(buf, 60000, 4, 6, 1);
	assert_true(sim_vnet_deliver(vn, 0, &h, buf, 60000));
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_framelen, 60000);
	assert_memory_equal(l->l_frame, buf, 60000);
	assert_int_equal(l->l_framegso, 1400);
	assert_int_equal(l->l_frametype, PV_NET_GSO_TCP4);
	assert_int_equal(l->l_net[0]->nt_rxgso, 1);
	loop_pages_free(buf, 15);
}

/* ---- features ---------------------------------------------------------- */

static const struct {
	uint8_t		 feature, need;
} needs[] = {
	{ VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_CSUM },
	{ VIRTIO_NET_F_HOST_TSO6, VIRTIO_NET_F_CSUM },
	{ 56, VIRTIO_NET_F_CSUM },
	{ VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_CSUM },
	{ VIRTIO_NET_F_GUEST_TSO6, VIRTIO_NET_F_GUEST_CSUM },
	{ VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_MRG_RXBUF },
	{ VIRTIO_NET_F_CTRL_RX, VIRTIO_NET_F_CTRL_VQ },
	{ VIRTIO_NET_F_CTRL_VLAN, VIRTIO_NET_F_CTRL_VQ },
	{ VIRTIO_NET_F_CTRL_MAC_ADDR, VIRTIO_NET_F_CTRL_VQ },
	{ VIRTIO_NET_F_GUEST_ANNOUNCE, VIRTIO_NET_F_CTRL_VQ },
	{ VIRTIO_NET_F_MQ, VIRTIO_NET_F_CTRL_VQ },
	{ VIRTIO_NET_F_RSS, VIRTIO_NET_F_CTRL_VQ }
};

/* Whatever a device offers, what is taken of it makes sense. */
VLOOP_TEST(any_features)
{
	uint64_t offer = 0, got;
	struct sim_vnet *vn;
	unsigned int i, bit;

	for (bit = 0; bit < 64; bit++)
		offer |= (uint64_t)(sim_rand(3) != 0) << bit;
	offer &= BASE | OFFLOADS | ORDERS | F(MQ) | F(RSS);
	vn = up(l, offer, 4);
	got = sim_vdev_accepted(vn->vn_dev);
	for (i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		assert_false((got >> needs[i].feature & 1) != 0 &&
		    (got >> needs[i].need & 1) == 0);
	assert_int_equal(got & F(MAC), offer & F(MAC));
	assert_int_equal(got & F(CSUM), offer & F(CSUM));
}

VLOOP_TEST(turned_off)
{
	struct sim_vnet *vn;
	uint64_t got;

	loop_set(l, sim_rand(2) ? "hw.vtnet.tso_disable" :
	    "hw.vtnet.0.tso_disable", "1");
	loop_set(l, "hw.vtnet.lro_disable", "YES");
	loop_set(l, "hw.vtnet.mq_disable", "1");
	vn = up(l, BASE | OFFLOADS | ORDERS | F(MQ), 4);
	got = sim_vdev_accepted(vn->vn_dev);
	assert_int_equal(got & (F(HOST_TSO4) | F(HOST_TSO6) | USO |
	    F(GUEST_TSO4) | F(GUEST_TSO6) | GUEST_USO | F(MQ)), 0);
	assert_int_equal(got & (F(CSUM) | F(GUEST_CSUM)),
	    F(CSUM) | F(GUEST_CSUM));
	assert_int_equal(l->l_net[0]->nt_npair, 1);
}

VLOOP_TEST(checksums_turned_off)
{
	struct sim_vnet *vn;

	loop_set(l, "hw.vtnet.csum_disable", "1");
	vn = up(l, BASE | OFFLOADS, 1);
	assert_int_equal(sim_vdev_accepted(vn->vn_dev) & OFFLOADS, 0);
	assert_int_equal(l->l_net[0]->nt_offload, PV_NET_CAN_SG);
}

VLOOP_TEST(left_out)
{
	(void)make(l, BASE, 1);
	loop_set(l, "if_vtnet_load", "NO");
	assert_int_equal(vloop_attach(l), 0);
}

/* ---- orders ------------------------------------------------------------ */

static int
set(struct loop *l, const struct pv_net_set *ns)
{
	int rv = l->l_net[0]->nt_ops->no_set(l->l_net[0]->nt_sc, ns);

	sim_run(l->l_sim, SIM_S);
	return rv;
}

static const uint8_t macs[3][6] = {
	{ 0x33, 0x33, 0, 0, 0, 1 }, { 2, 9, 9, 9, 9, 9 },
	{ 1, 0, 0x5e, 0, 0, 1 }
};

static void
order_all(struct loop *l)
{
	struct pv_net_set ns = { .ns_what = PV_NET_SET_FILTER,
	    .ns_mac = macs, .ns_nmac = 3, .ns_flags = PV_NET_ALLMULTI };

	assert_int_equal(set(l, &ns), 0);
	ns.ns_what = PV_NET_SET_VLAN;
	ns.ns_on = true;
	for (ns.ns_vlan = 5; ns.ns_vlan < 4096; ns.ns_vlan += 1000)
		assert_int_equal(set(l, &ns), 0);
	ns.ns_what = PV_NET_SET_MAC;
	ns.ns_mac = macs + 1;
	ns.ns_nmac = 1;
	assert_int_equal(set(l, &ns), 0);
	ns.ns_what = PV_NET_SET_OFFLOAD;
	ns.ns_flags = PV_NET_RX_CSUM;
	assert_int_equal(set(l, &ns), 0);
}

static void
obeyed(struct loop *l, struct sim_vnet *vn)
{
	unsigned int v;

	assert_int_equal(vn->vn_promisc, 0);
	assert_int_equal(vn->vn_allmulti, 1);
	assert_int_equal(vn->vn_nuni, 1);
	assert_int_equal(vn->vn_nmac, 3);
	assert_memory_equal(vn->vn_mac[0], macs[1], 6);
	assert_memory_equal(vn->vn_mac[1], macs[0], 6);
	assert_memory_equal(vn->vn_mac[2], macs[2], 6);
	for (v = 0; v < 4096; v++)
		assert_int_equal(sim_vnet_vlan(vn, v), v % 1000 == 5);
	assert_memory_equal(vn->vn_own, macs[1], 6);
	assert_memory_equal(l->l_net[0]->nt_mac, macs[1], 6);
	assert_int_equal(vn->vn_offloads, F(GUEST_CSUM));
	assert_int_equal(l->l_net[0]->nt_nrefused, 0);
}

/* What was ordered is done, and is again after a reset. */
VLOOP_TEST(orders)
{
	struct sim_vnet *vn = up(l, BASE | OFFLOADS | ORDERS, 1);
	struct pv_net_set ns = { .ns_what = PV_NET_SET_VLAN, .ns_vlan = 5 };

	assert_int_equal(vn->vn_promisc, 1);
	order_all(l);
	obeyed(l, vn);
	sim_vdev_lost(vn->vn_dev);
	sim_run(l->l_sim, 10 * SIM_S);
	assert_int_equal(l->l_nnetup, 1);
	obeyed(l, vn);
	assert_int_equal(l->l_nannounce, 1);
	assert_int_equal(set(l, &ns), 0);
	assert_false(sim_vnet_vlan(vn, 5));
}

/* A device without an address is told ours, one way or the other. */
VLOOP_TEST(own_address)
{
	struct sim_vnet *vn = up(l, (BASE | ORDERS) & ~F(MAC), 1);
	uint8_t mac[6];

	memcpy(mac, l->l_net[0]->nt_mac, 6);
	assert_int_equal(mac[0], 2);
	assert_memory_equal(vn->vn_own, mac, 6);
	/* It is the same after a reset, and told again. */
	sim_vdev_lost(vn->vn_dev);
	sim_run(l->l_sim, 10 * SIM_S);
	assert_memory_equal(l->l_net[0]->nt_mac, mac, 6);
	assert_memory_equal(vn->vn_own, mac, 6);
}

VLOOP_TEST(own_address_in_table)
{
	struct sim_vnet *vn = up(l, BASE | F(CTRL_VQ) | F(CTRL_RX), 1);
	struct pv_net_set ns = { .ns_what = PV_NET_SET_FILTER,
	    .ns_mac = macs, .ns_nmac = 3 };

	assert_int_equal(set(l, &ns), 0);
	assert_int_equal(vn->vn_nuni, 1);
	vloop_detach(l);
	sim_vdev_offer(vn->vn_dev, (BASE & ~F(MAC)) | F(CTRL_VQ) |
	    F(CTRL_RX));
	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_nets(l, 1));
	assert_int_equal(set(l, &ns), 0);
	assert_int_equal(vn->vn_nuni, 2);
	assert_int_equal(vn->vn_nmac, 4);
	assert_memory_equal(vn->vn_mac[0], l->l_net[0]->nt_mac, 6);
	assert_memory_equal(vn->vn_mac[1], macs[1], 6);
}

VLOOP_TEST(orders_not_possible)
{
	struct pv_net_set ns = { .ns_what = PV_NET_SET_FILTER };
	static const uint8_t group[1][6] = { { 1 } };

	(void)up(l, BASE | F(CTRL_VQ) | F(CTRL_MAC_ADDR), 1);
	assert_int_equal(set(l, &ns), -PV_EOPNOTSUPP);
	ns.ns_what = PV_NET_SET_VLAN;
	assert_int_equal(set(l, &ns), -PV_EOPNOTSUPP);
	ns.ns_what = PV_NET_SET_OFFLOAD;
	assert_int_equal(set(l, &ns), -PV_EOPNOTSUPP);
	ns.ns_what = PV_NET_SET_MAC;
	assert_int_equal(set(l, &ns), -PV_EINVAL);
	ns.ns_mac = group;
	ns.ns_nmac = 1;
	assert_int_equal(set(l, &ns), -PV_EINVAL);
}

VLOOP_TEST(link_and_announcement)
{
	struct sim_vnet *vn = up(l, BASE | ORDERS, 1);

	sim_vnet_status(vn, 0);
	sim_run(l->l_sim, SIM_S);
	assert_false(l->l_net[0]->nt_link);
	assert_int_equal(l->l_nchange, 1);
	sim_vnet_status(vn, VIRTIO_NET_S_LINK_UP | VIRTIO_NET_S_ANNOUNCE);
	sim_run(l->l_sim, SIM_S);
	assert_true(l->l_net[0]->nt_link);
	assert_int_equal(l->l_nchange, 2);
	assert_int_equal(l->l_nannounce, 1);
	assert_int_equal(vn->vn_nannounce, 1);
}

/* ---- queue pairs ------------------------------------------------------- */

static void
many_flows(struct loop *l)
{
	uint8_t *buf = loop_pages(1);
	struct loop_pkt lp;
	unsigned int port;

	for (port = 1; port <= 64; port++) {
		frame(buf, 200, port % 2 ? 4 : 6, port % 3 ? 6 : 17, port);
		assert_int_equal(loop_send(l->l_net[0], &lp, buf, 200, 1), 0);
		assert_int_equal(loop_wait_sent(l, &lp), 0);
	}
	loop_pages_free(buf, 1);
}

VLOOP_TEST(pairs)
{
	struct sim_vnet *vn = up(l, BASE | ORDERS | F(MQ), 4);
	uint8_t *buf = loop_pages(1);
	unsigned int i;

	assert_int_equal(l->l_net[0]->nt_npair, 4);
	assert_int_equal(vn->vn_pairs, 4);
	many_flows(l);
	for (i = 0; i < 4; i++) {
		assert_in_range(vn->vn_ntxof[i], 4, 60);
		assert_true(sim_vnet_deliver(vn, i, &nothing, buf, 100 + i));
		sim_run(l->l_sim, SIM_S);
		assert_int_equal(l->l_framelen, 100 + i);
	}
	loop_pages_free(buf, 1);
}

VLOOP_TEST(fewer_pairs)
{
	struct sim_vnet *vn;

	loop_set(l, "hw.vtnet.mq_max_pairs", "2");
	vn = up(l, BASE | ORDERS | F(MQ), 4);
	assert_int_equal(l->l_net[0]->nt_npair, 2);
	assert_int_equal(vn->vn_pairs, 2);
	many_flows(l);
	assert_int_equal(vn->vn_ntxof[2] + vn->vn_ntxof[3], 0);
}

VLOOP_TEST(rss)
{
	struct sim_vnet *vn;
	unsigned int i;

	if (legacy(l))			/* its bit is above 31 */
		return;
	vn = up(l, BASE | ORDERS | F(MQ) | F(RSS), 4);
	assert_int_equal(vn->vn_rss.mask, 15);
	for (i = 0; i < 16; i++)
		assert_int_equal(vn->vn_rss.table[i], i % 4);
	assert_int_equal(vn->vn_rss.maxtx, 4);
	assert_int_equal(vn->vn_rss.keylen, 40);
	assert_int_not_equal(vn->vn_rss.types, 0);
}

VLOOP_TEST(rss_refused)
{
	struct sim_vnet *vn;

	if (legacy(l))
		return;
	vn = make(l, BASE | ORDERS | F(MQ) | F(RSS), 4);
	vn->vn_refuse = VIRTIO_NET_CTRL_MQ;
	assert_int_equal(vloop_attach(l), 1);
	assert_true(loop_nets(l, 1));
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(vn->vn_pairs, 4);
	assert_int_equal(l->l_net[0]->nt_nrefused, 1);
}

/* ---- resets ------------------------------------------------------------ */

/* Packets in flight are lost, those that come meanwhile wait. */
VLOOP_TEST(reset_under_way)
{
	struct sim_vnet *vn = up(l, BASE | ORDERS, 1);
	uint8_t *buf = loop_pages(1);
	struct loop_pkt lp[8];
	unsigned int i;

	sim_vdev_hold(vn->vn_dev, true);
	for (i = 0; i < 8; i++)
		assert_int_equal(loop_send(l->l_net[0], &lp[i], buf, 100, 1),
		    0);
	sim_vdev_lost(vn->vn_dev);
	sim_run(l->l_sim, SIM_S);
	sim_vdev_hold(vn->vn_dev, false);
	for (i = 0; i < 8; i++)
		assert_int_equal(loop_wait_sent(l, &lp[i]), -PV_EIO);
	assert_int_equal(l->l_nnetup, 1);
	assert_int_equal(l->l_nnet, 1);
	assert_int_equal(loop_send(l->l_net[0], &lp[0], buf, 100, 1), 0);
	assert_int_equal(loop_wait_sent(l, &lp[0]), 0);
	assert_true(sim_vnet_deliver(vn, 0, &nothing, buf, 77));
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(l->l_framelen, 77);
	loop_pages_free(buf, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(described),
		cmocka_unit_test(plain),
		cmocka_unit_test(lengths),
		cmocka_unit_test(polled),
		cmocka_unit_test(small),
		cmocka_unit_test(checksums),
		cmocka_unit_test(segments_sent),
		cmocka_unit_test(segments_received),
		cmocka_unit_test(any_features),
		cmocka_unit_test(turned_off),
		cmocka_unit_test(checksums_turned_off),
		cmocka_unit_test(left_out),
		cmocka_unit_test(orders),
		cmocka_unit_test(own_address),
		cmocka_unit_test(own_address_in_table),
		cmocka_unit_test(orders_not_possible),
		cmocka_unit_test(link_and_announcement),
		cmocka_unit_test(pairs),
		cmocka_unit_test(fewer_pairs),
		cmocka_unit_test(rss),
		cmocka_unit_test(rss_refused),
		cmocka_unit_test(reset_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
