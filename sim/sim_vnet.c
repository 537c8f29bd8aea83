/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_vnet.c -- a simulated virtio network device; see sim_vnet.h.
 */

#include <stdlib.h>
#include <string.h>

#include <linux/virtio_config.h>

#include "sim_int.h"
#include "sim_vnet.h"

#define SIM_VNET_HOST_USO 56
#define SIM_VNET_NBUF	20
#define SIM_VNET_ORDER	1024

static struct virtio_net_config *
sim_vnet_config(struct sim_vnet *vn)
{
	return (void *)sim_vdev_config(vn->vn_dev);
}

static size_t
sim_vnet_hdrlen(const struct sim_vnet *vn)
{
	return sim_vdev_has(vn->vn_dev, VIRTIO_F_VERSION_1) ||
	    sim_vdev_has(vn->vn_dev, VIRTIO_NET_F_MRG_RXBUF) ? 12 : 10;
}

bool
sim_vnet_vlan(const struct sim_vnet *vn, unsigned int id)
{
	return (vn->vn_vlan[id / 32] >> id % 32 & 1) != 0;
}

void
sim_vnet_status(struct sim_vnet *vn, uint16_t status)
{
	sim_vnet_config(vn)->status = status;
	sim_vdev_changed(vn->vn_dev);
}

/* ---- to the guest ------------------------------------------------------ */

/* Buffers for so many bytes; how many, 0: not enough. */
static unsigned int
sim_vnet_buffers(struct sim_vnet *vn, unsigned int queue,
    struct sim_vreq *rq[SIM_VNET_NBUF], size_t len)
{
	unsigned int n, most = sim_vdev_has(vn->vn_dev,
	    VIRTIO_NET_F_MRG_RXBUF) ? SIM_VNET_NBUF : 1;
	size_t room = 0;

	for (n = 0; n < most && room < len; n++) {
		rq[n] = sim_vdev_pop(vn->vn_dev, queue);
		if (rq[n] == NULL)
			break;
		room += sim_vreq_nwrite(rq[n]);
		if (sim_vreq_nread(rq[n]) != 0)
			sim_bug("vnet: a receive buffer to read from");
		if (sim_vnet_hdrlen(vn) == 10 && sim_vreq_npiece(rq[n]) < 2)
			sim_bug("vnet: no descriptor for the header");
	}
	if (room >= len)
		return n;
	while (n > 0)
		sim_vreq_unpop(rq[--n]);
	return 0;
}

bool
sim_vnet_deliver(struct sim_vnet *vn, unsigned int pair,
    const struct virtio_net_hdr *h, const void *frame, size_t len)
{
	struct virtio_net_hdr_mrg_rxbuf mh = { .hdr = *h };
	size_t hdrlen = sim_vnet_hdrlen(vn), at = 0, n, off;
	struct sim_vreq *rq[SIM_VNET_NBUF];
	unsigned int i, nbuf;

	/* A test may call, on the library's side of the world. */
	sim_inside();
	nbuf = sim_vnet_buffers(vn, 2 * pair, rq, hdrlen + len);
	mh.num_buffers = (uint16_t)nbuf;
	if (vn->vn_numbuf != 0)
		mh.num_buffers = (uint16_t)(vn->vn_numbuf + 1 == 0 ? 0 :
		    vn->vn_numbuf);
	for (i = 0; i < nbuf; i++) {
		off = i == 0 ? sim_vreq_write(rq[i], 0, &mh, hdrlen) : 0;
		n = sim_vreq_nwrite(rq[i]) - off;
		n = n < len - at ? n : len - at;
		n = sim_vreq_write(rq[i], off, (const uint8_t *)frame + at, n);
		at += n;
		sim_vreq_done(rq[i], vn->vn_short ? hdrlen - 1 : off + n);
	}
	vn->vn_nrx += nbuf > 0;
	sim_outside();
	return nbuf > 0;
}

/* ---- from the guest ---------------------------------------------------- */

static void
sim_vnet_check_gso(struct sim_vnet *vn)
{
	const struct virtio_net_hdr *h = &vn->vn_hdr.hdr;
	unsigned int need = VIRTIO_NET_F_HOST_TSO4;

	if (h->gso_type == VIRTIO_NET_HDR_GSO_TCPV6)
		need = VIRTIO_NET_F_HOST_TSO6;
	else if (h->gso_type == 5)
		need = SIM_VNET_HOST_USO;
	else if (h->gso_type != VIRTIO_NET_HDR_GSO_TCPV4)
		sim_bug("vnet: segmentation of type %u", h->gso_type);
	if (!sim_vdev_has(vn->vn_dev, need))
		sim_bug("vnet: feature %u is used, not accepted", need);
	if ((h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0 ||
	    h->gso_size == 0 || h->hdr_len < h->csum_start + 8 ||
	    h->hdr_len >= vn->vn_framelen)
		sim_bug("vnet: segments of %u, headers of %u", h->gso_size,
		    h->hdr_len);
}

static void
sim_vnet_check(struct sim_vnet *vn)
{
	const struct virtio_net_hdr *h = &vn->vn_hdr.hdr;

	if ((h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0 &&
	    (!sim_vdev_has(vn->vn_dev, VIRTIO_NET_F_CSUM) ||
	    (size_t)h->csum_start + h->csum_offset + 2 > vn->vn_framelen))
		sim_bug("vnet: a checksum at %u + %u of %zu", h->csum_start,
		    h->csum_offset, vn->vn_framelen);
	if (h->gso_type != 0)
		sim_vnet_check_gso(vn);
	else if (vn->vn_framelen > 14 + 4 +
	    (size_t)(vn->vn_cfg.nc_mtu != 0 ? vn->vn_cfg.nc_mtu : 1500))
		sim_bug("vnet: a frame of %zu bytes", vn->vn_framelen);
}

/* Where pieces may be anyhow a packet has one at least, else two. */
static unsigned int
sim_vnet_least(const struct sim_vnet *vn)
{
	return sim_vdev_has(vn->vn_dev, VIRTIO_F_VERSION_1) ||
	    sim_vdev_has(vn->vn_dev, VIRTIO_F_ANY_LAYOUT) ? 1 : 2;
}

static void
sim_vnet_transmit(struct sim_vnet *vn, unsigned int queue)
{
	size_t hdrlen = sim_vnet_hdrlen(vn);
	struct sim_vreq *rq;

	while ((rq = sim_vdev_pop(vn->vn_dev, queue)) != NULL) {
		if (sim_vreq_nwrite(rq) != 0 ||
		    sim_vreq_npiece(rq) < sim_vnet_least(vn))
			sim_bug("vnet: a packet in %u pieces",
			    sim_vreq_npiece(rq));
		vn->vn_npiece = sim_vreq_npiece(rq);
		memset(&vn->vn_hdr, 0, sizeof(vn->vn_hdr));
		(void)sim_vreq_read(rq, 0, &vn->vn_hdr, hdrlen);
		vn->vn_framelen = sim_vreq_read(rq, hdrlen, vn->vn_frame,
		    sizeof(vn->vn_frame));
		vn->vn_ntx++;
		vn->vn_ntxof[queue / 2]++;
		sim_vnet_check(vn);
		sim_vreq_done(rq, 0);
		if (vn->vn_cfg.nc_echo)
			(void)sim_vnet_deliver(vn, queue / 2, &vn->vn_hdr.hdr,
			    vn->vn_frame, vn->vn_framelen);
	}
}

/* ---- orders ------------------------------------------------------------ */

struct sim_vnet_order {
	uint8_t		 or_class, or_cmd;
	uint8_t		 or_data[SIM_VNET_ORDER];
	size_t		 or_len;
};

static uint64_t
sim_vnet_num(const struct sim_vnet_order *or, size_t off, unsigned int n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | or->or_data[off + n];
	return v;
}

static bool
sim_vnet_rss(struct sim_vnet *vn, const struct sim_vnet_order *or)
{
	unsigned int i;
	size_t at = 8;

	vn->vn_rss.types = (uint32_t)sim_vnet_num(or, 0, 4);
	vn->vn_rss.mask = (uint16_t)sim_vnet_num(or, 4, 2);
	vn->vn_rss.unclassified = (uint16_t)sim_vnet_num(or, 6, 2);
	if (vn->vn_rss.mask >= 128 ||
	    (vn->vn_rss.mask & (vn->vn_rss.mask + 1)) != 0)
		return false;
	for (i = 0; i <= vn->vn_rss.mask; i++, at += 2)
		vn->vn_rss.table[i] = (uint16_t)sim_vnet_num(or, at, 2);
	vn->vn_rss.maxtx = (uint16_t)sim_vnet_num(or, at, 2);
	vn->vn_rss.keylen = or->or_data[at + 2];
	return or->or_len == at + 3 + vn->vn_rss.keylen;
}

static bool
sim_vnet_table(struct sim_vnet *vn, const struct sim_vnet_order *or)
{
	size_t nuni = sim_vnet_num(or, 0, 4), nmulti;

	if (4 + nuni * 6 + 4 > or->or_len)
		return false;
	nmulti = sim_vnet_num(or, 4 + nuni * 6, 4);
	if (or->or_len != 8 + (nuni + nmulti) * 6 ||
	    nuni + nmulti > SIM_VNET_NMAC)
		return false;
	vn->vn_nuni = (unsigned int)nuni;
	vn->vn_nmac = (unsigned int)(nuni + nmulti);
	memcpy(vn->vn_mac, or->or_data + 4, nuni * 6);
	memcpy(vn->vn_mac[nuni], or->or_data + 8 + nuni * 6, nmulti * 6);
	return true;
}

/* Class, command and length of data, and the feature they need. */
static const struct sim_vnet_form {
	uint8_t		 fo_class, fo_cmd, fo_feature;
	int		 fo_len;	/* -1: it depends */
} sim_vnet_forms[] = {
	{ 0, 0, VIRTIO_NET_F_CTRL_RX, 1 }, { 0, 1, VIRTIO_NET_F_CTRL_RX, 1 },
	{ 1, 0, VIRTIO_NET_F_CTRL_RX, -1 },
	{ 1, 1, VIRTIO_NET_F_CTRL_MAC_ADDR, 6 },
	{ 2, 0, VIRTIO_NET_F_CTRL_VLAN, 2 },
	{ 2, 1, VIRTIO_NET_F_CTRL_VLAN, 2 },
	{ 3, 0, VIRTIO_NET_F_GUEST_ANNOUNCE, 0 },
	{ 4, 0, VIRTIO_NET_F_MQ, 2 }, { 4, 1, VIRTIO_NET_F_RSS, -1 },
	{ 5, 0, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS, 8 }
};

static bool
sim_vnet_in_form(const struct sim_vnet *vn, const struct sim_vnet_order *or)
{
	const struct sim_vnet_form *fo;
	unsigned int i;

	for (i = 0; i < PV_NELEM(sim_vnet_forms); i++) {
		fo = &sim_vnet_forms[i];
		if (fo->fo_class == or->or_class && fo->fo_cmd == or->or_cmd)
			return sim_vdev_has(vn->vn_dev, fo->fo_feature) &&
			    (fo->fo_len < 0 ||
			    (size_t)fo->fo_len == or->or_len);
	}
	return false;
}

static bool
sim_vnet_obey(struct sim_vnet *vn, const struct sim_vnet_order *or)
{
	unsigned int id = (unsigned int)sim_vnet_num(or, 0, 2) % 4096;

	switch (or->or_class << 8 | or->or_cmd) {
	case 0x000:
		vn->vn_promisc = or->or_data[0];
		break;
	case 0x001:
		vn->vn_allmulti = or->or_data[0];
		break;
	case 0x100:
		return sim_vnet_table(vn, or);
	case 0x101:
		memcpy(vn->vn_own, or->or_data, 6);
		break;
	case 0x200:
		vn->vn_vlan[id / 32] |= 1u << id % 32;
		break;
	case 0x201:
		vn->vn_vlan[id / 32] &= ~(1u << id % 32);
		break;
	case 0x300:
		vn->vn_nannounce++;
		sim_vnet_config(vn)->status &= ~VIRTIO_NET_S_ANNOUNCE;
		break;
	case 0x400:
		vn->vn_pairs = (unsigned int)sim_vnet_num(or, 0, 2);
		break;
	case 0x401:
		return sim_vnet_rss(vn, or);
	default:
		vn->vn_offloads = sim_vnet_num(or, 0, 8);
		break;
	}
	return true;
}

static void
sim_vnet_control(struct sim_vnet *vn, unsigned int queue)
{
	struct sim_vnet_order or;
	struct sim_vreq *rq;
	uint8_t ack;

	while ((rq = sim_vdev_pop(vn->vn_dev, queue)) != NULL) {
		memset(&or, 0, sizeof(or));
		(void)sim_vreq_read(rq, 0, &or.or_class, 1);
		(void)sim_vreq_read(rq, 1, &or.or_cmd, 1);
		or.or_len = sim_vreq_read(rq, 2, or.or_data,
		    sizeof(or.or_data));
		vn->vn_norder++;
		if (vn->vn_mute)
			continue;
		ack = vn->vn_ack;
		if (vn->vn_refuse != 0 && vn->vn_refuse == or.or_class &&
		    or.or_cmd == 1)
			ack = VIRTIO_NET_ERR;
		else if (sim_vreq_nwrite(rq) != 1 ||
		    !sim_vnet_in_form(vn, &or) || !sim_vnet_obey(vn, &or))
			sim_bug("vnet: order %u.%u of %zu bytes", or.or_class,
			    or.or_cmd, or.or_len);
		(void)sim_vreq_write(rq, 0, &ack, 1);
		sim_vreq_done(rq, 1);
	}
}

/* ---- life -------------------------------------------------------------- */

/* The control queue stands behind all pairs that driver and device know of. */
static unsigned int
sim_vnet_ctlqueue(const struct sim_vnet *vn)
{
	if (sim_vdev_has(vn->vn_dev, VIRTIO_NET_F_MQ) ||
	    sim_vdev_has(vn->vn_dev, VIRTIO_NET_F_RSS))
		return 2 * vn->vn_cfg.nc_npair;
	return 2;
}

static void
sim_vnet_kick(void *arg, unsigned int queue)
{
	struct sim_vnet *vn = arg;

	if (sim_vdev_has(vn->vn_dev, VIRTIO_NET_F_CTRL_VQ) &&
	    queue == sim_vnet_ctlqueue(vn))
		sim_vnet_control(vn, queue);
	else if (queue % 2 == 1)
		sim_vnet_transmit(vn, queue);
}

/* It forgets what it was told. */
static void
sim_vnet_reset(void *arg)
{
	struct sim_vnet *vn = arg;

	vn->vn_promisc = 1;
	vn->vn_allmulti = 0;
	vn->vn_nmac = vn->vn_nuni = 0;
	memset(vn->vn_vlan, 0, sizeof(vn->vn_vlan));
	vn->vn_pairs = 1;
	memset(&vn->vn_rss, 0, sizeof(vn->vn_rss));
	memcpy(vn->vn_own, vn->vn_cfg.nc_mac, 6);
}

static void
sim_vnet_free(void *arg)
{
	free(arg);
}

static const struct sim_model sim_vnet_models[2] = {
	{
		.mo_name = "vnet", .mo_type = 1, .mo_nqueue = 3,
		.mo_kick = sim_vnet_kick, .mo_reset = sim_vnet_reset,
		.mo_free = sim_vnet_free
	},
	{
		.mo_name = "vnet", .mo_type = 1, .mo_nqueue = 9,
		.mo_kick = sim_vnet_kick, .mo_reset = sim_vnet_reset,
		.mo_free = sim_vnet_free
	}
};

struct sim_vnet *
sim_vnet_create(struct sim *s, const struct sim_vdev_cfg *vc,
    const struct sim_vnet_cfg *nc)
{
	struct sim_vnet *vn = calloc(1, sizeof(*vn));
	struct virtio_net_config *c;

	vn->vn_cfg = *nc;
	if (nc->nc_npair == 0)
		vn->vn_cfg.nc_npair = 1;
	vn->vn_dev = sim_vdev_create(s, vc,
	    &sim_vnet_models[vn->vn_cfg.nc_npair > 1], vn, nc->nc_features);
	c = sim_vnet_config(vn);
	memcpy(c->mac, nc->nc_mac, 6);
	c->status = VIRTIO_NET_S_LINK_UP;
	c->max_virtqueue_pairs = (uint16_t)(nc->nc_claim != 0 ? nc->nc_claim :
	    vn->vn_cfg.nc_npair);
	c->mtu = nc->nc_mtu;
	c->rss_max_key_size = 40;
	c->rss_max_indirection_table_length = 16;
	c->supported_hash_types = 0x1ff;
	sim_vnet_reset(vn);
	return vn;
}
