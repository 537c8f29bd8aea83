/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_blk.h -- what sim_blk.c (the back end) and sim_blk_ctl.c (what tests do
 * to it) share.
 */

#ifndef SIM_BLK_H
#define SIM_BLK_H

#include <pv/types.h>

#include <xen/io/blkif.h>

#include "bring.h"
#include "sim_back.h"

#define SIM_NSEG	256	/* of an indirect request */
#define SIM_NPAGE	16	/* of a ring */
#define SIM_NQUEUE	4
#define SIM_NLAST	100	/* pages kept mapped */

/* A request as it came, with its segments in one place. */
struct sim_breq {
	struct list	 rq_link;
	struct {
		uint8_t		 operation;
		uint16_t	 nr_segments;
		uint64_t	 id;
		uint64_t	 sector_number;
		struct blkif_request_segment seg[SIM_NSEG];
	}		 rq;
	bool		 rq_bad;	/* its indirect page could not be had */
	uint64_t	 rq_due;
	uint8_t		*rq_va[SIM_NSEG];
	bool		 rq_last[SIM_NSEG];	/* stays mapped */
};

struct sim_blk_queue {
	uint8_t		*q_page;
	uint32_t	 q_ref[SIM_NPAGE], q_port;
	struct bring	 q_ring;
	struct list	 q_reqs;
	unsigned int	 q_nreq;
};

/* A page that stays mapped. */
struct sim_blk_last {
	uint32_t	 la_ref;
	uint8_t		*la_va;
};

struct sim_blk {
	struct sim_back	 bk;		/* first */
	struct sim_blk_cfg bk_cfg;
	uint8_t		*bk_disk;
	/* while connected */
	struct sim_blk_queue bk_q[SIM_NQUEUE];
	unsigned int	 bk_nq, bk_npage;
	unsigned int	 bk_maxq;	/* that are offered; 0: no word of it */
	bool		 bk_persist;	/* both ends want it */
	struct sim_blk_last bk_last[SIM_NLAST];
	unsigned int	 bk_nlast;
	unsigned int	 bk_nreq, bk_nflush, bk_nbad, bk_nindirect;
	unsigned int	 bk_nkept;	/* segments in pages kept before */
	int16_t		 bk_bad;	/* status of the next bk_nbad */
};

extern const struct sim_back_ops sim_blk_ops;
/* What it wrote last into pages that stay mapped did not come along. */
void	 sim_blk_unsaved(struct sim_blk *);

#endif /* SIM_BLK_H */
