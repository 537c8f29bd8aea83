/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_vblk.h -- a simulated virtio disk, on the engine of sim_virtio.h.
 *
 * It serves whatever its driver may ask for by the features it accepted, and
 * notes as a fault of the driver's what it may not ask for, or out of form: a
 * request in the wrong pieces, a range that the limits forbid.
 */

#ifndef SIM_VBLK_H
#define SIM_VBLK_H

#include "sim_virtio.h"

#define SIM_VBLK_NLOG	64

struct sim_vblk_cfg {
	uint64_t	 bc_nsect;
	uint64_t	 bc_features;	/* VIRTIO_BLK_F_*; the fields follow */
	unsigned int	 bc_nqueue;	/* 0: 1 */
	unsigned int	 bc_numqueues;	/* that it claims to have; 0: true */
	uint32_t	 bc_bsize, bc_segmax, bc_sizemax;
	uint32_t	 bc_maxdiscard, bc_maxzero, bc_maxsecure;
	const char	*bc_serial;
};

struct sim_vblk {
	struct sim_vdev	*vb_dev;
	struct sim_vblk_cfg vb_cfg;
	uint8_t		*vb_data;
	bool		 vb_mute;	/* writes no status */
	unsigned int	 vb_nreq;	/* served */
	unsigned int	 vb_nreqof[SIM_V_NQUEUE];
	unsigned int	 vb_ntype[32];	/* by VIRTIO_BLK_T_* */
	uint32_t	 vb_flags;	/* of the last range */
	/* sectors of the first requests seen since sim_vblk_forget() */
	uint64_t	 vb_log[SIM_VBLK_NLOG];
	unsigned int	 vb_nlog;
};

/* A disk of the current domain's; freed at sim_close(). */
struct sim_vblk *sim_vblk_create(struct sim *, const struct sim_vdev_cfg *,
	    const struct sim_vblk_cfg *);
void	 sim_vblk_forget(struct sim_vblk *);
void	 sim_vblk_resize(struct sim_vblk *, uint64_t nsect);
/* The configuration, to be written over. */
struct virtio_blk_config *sim_vblk_config(struct sim_vblk *);

#endif /* SIM_VBLK_H */
