/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_vnet.h -- a simulated virtio network device, on the engine of
 * sim_virtio.h.
 *
 * Frames are delivered when the test says so, with the header that it wants;
 * what the driver sends and orders is kept for the test to look at.  Faults of
 * the driver's: an offload that it did not accept, headers that contradict the
 * frame, an order out of form.
 */

#ifndef SIM_VNET_H
#define SIM_VNET_H

#include <linux/virtio_net.h>

#include "sim_virtio.h"

#define SIM_VNET_NMAC	64

struct sim_vnet_cfg {
	uint64_t	 nc_features;	/* VIRTIO_NET_F_* */
	unsigned int	 nc_npair;	/* 1 or 4; 0: 1 */
	unsigned int	 nc_claim;	/* pairs that it claims; 0: true */
	uint16_t	 nc_mtu;
	uint8_t		 nc_mac[6];
	bool		 nc_echo;	/* what is sent comes back */
};

struct sim_vnet {
	struct sim_vdev	*vn_dev;
	struct sim_vnet_cfg vn_cfg;
	/* the last frame sent */
	uint8_t		 vn_frame[65600];
	size_t		 vn_framelen;
	unsigned int	 vn_npiece;	/* it came in, with its header */
	struct virtio_net_hdr_mrg_rxbuf vn_hdr;
	unsigned int	 vn_ntx, vn_nrx;
	unsigned int	 vn_ntxof[SIM_V_NQUEUE];	/* by pair */
	/* orders */
	uint8_t		 vn_ack;	/* the answer: VIRTIO_NET_OK */
	uint8_t		 vn_refuse;	/* .. but ERR to this class; 0: none */
	bool		 vn_mute;	/* does not answer orders */
	unsigned int	 vn_norder, vn_nannounce;
	uint8_t		 vn_promisc, vn_allmulti;
	uint8_t		 vn_mac[SIM_VNET_NMAC][6];
	unsigned int	 vn_nuni, vn_nmac;
	uint8_t		 vn_own[6];
	uint32_t	 vn_vlan[4096 / 32];
	unsigned int	 vn_pairs;
	uint64_t	 vn_offloads;
	struct {
		uint32_t	 types;
		uint16_t	 mask, unclassified, maxtx, table[128];
		uint8_t		 keylen;
	}		 vn_rss;
	/* lies */
	unsigned int	 vn_numbuf;	/* num_buffers, when not 0; ~0: 0 */
	bool		 vn_short;	/* an answer shorter than a header */
};

struct sim_vnet *sim_vnet_create(struct sim *, const struct sim_vdev_cfg *,
	    const struct sim_vnet_cfg *);
/* To a pair's receive queue; false: there are no buffers, or too few. */
bool	 sim_vnet_deliver(struct sim_vnet *, unsigned int pair,
	    const struct virtio_net_hdr *, const void *, size_t len);
void	 sim_vnet_status(struct sim_vnet *, uint16_t status);
bool	 sim_vnet_vlan(const struct sim_vnet *, unsigned int id);

#endif /* SIM_VNET_H */
