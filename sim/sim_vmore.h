/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_vmore.h -- simulated virtio devices other than disk and interface, on
 * the engine of sim_virtio.h: entropy and balloon.  Each notes as a
 * fault of its driver's what a correct one does not do.  All are freed at
 * sim_close().
 */

#ifndef SIM_VMORE_H
#define SIM_VMORE_H

#include "sim_virtio.h"

struct sim_vrng {
	struct sim_vdev	*vr_dev;
	unsigned int	 vr_nask;
	bool		 vr_empty;	/* answers without a byte */
};
struct sim_vrng *sim_vrng_create(struct sim *, const struct sim_vdev_cfg *);

#define SIM_VBALLOON_MAX 512
struct sim_vballoon {
	struct sim_vdev	*vb_dev;
	uint32_t	 vb_pfn[SIM_VBALLOON_MAX];
	unsigned int	 vb_npfn;	/* in the balloon */
	unsigned int	 vb_nblock;	/* free pages that were reported */
	struct sim_vreq	*vb_stat;	/* kept until it is asked for */
	bool		 vb_asked;
	uint64_t	 vb_free;	/* of the last statistics */
};
struct sim_vballoon *sim_vballoon_create(struct sim *,
	    const struct sim_vdev_cfg *, uint64_t features);
void	 sim_vballoon_target(struct sim_vballoon *, uint32_t npg);
void	 sim_vballoon_ask(struct sim_vballoon *);	/* for statistics */

#endif /* SIM_VMORE_H */
