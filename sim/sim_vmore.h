/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_vmore.h -- simulated virtio devices other than disk and interface, on
 * the engine of sim_virtio.h: entropy, console, balloon, SCSI.  Each notes as a
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

/* Two ports, of which the second is announced, as a console with a name. */
#define SIM_VCONS_NMSG	16
struct sim_vcons {
	struct sim_vdev	*vc_dev;
	uint8_t		 vc_out[8192];	/* what port 1 wrote */
	size_t		 vc_nout;
	const uint8_t	*vc_in;		/* what it is to get */
	size_t		 vc_nin;
	uint8_t		 vc_msg[SIM_VCONS_NMSG][32];	/* to be sent */
	size_t		 vc_msglen[SIM_VCONS_NMSG];
	unsigned int	 vc_nmsg;
	bool		 vc_opened;	/* the guest opened the port */
	unsigned int	 vc_nlast;	/* bytes of last words */
};
struct sim_vcons *sim_vcons_create(struct sim *, const struct sim_vdev_cfg *);
/* Give port 1 input; send a control message. */
void	 sim_vcons_type(struct sim_vcons *, const void *, size_t);
void	 sim_vcons_tell(struct sim_vcons *, uint32_t id, uint16_t event,
	    uint16_t value, const char *more);

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

/* Target 0 with units 0 .. vs_nlun - 1, each of vs_nsect sectors. */
#define SIM_VSCSI_NLUN	3
#define SIM_VSCSI_NHELD	64
struct sim_vscsi {
	struct sim_vdev	*vs_dev;
	unsigned int	 vs_nlun;
	uint32_t	 vs_nsect;
	uint8_t		*vs_data[SIM_VSCSI_NLUN];
	bool		 vs_mute;	/* reads and writes are kept .. */
	bool		 vs_deaf;	/* .. and not aborted either */
	struct sim_vreq	*vs_held[SIM_VSCSI_NHELD];
	unsigned int	 vs_nheld, vs_nabort, vs_nreset;
	unsigned int	 vs_attention;	/* commands to answer with that */
	bool		 vs_event;	/* one is to be sent */
};
struct sim_vscsi *sim_vscsi_create(struct sim *, const struct sim_vdev_cfg *,
	    unsigned int nlun, uint32_t nsect);
/* Say that something has changed. */
void	 sim_vscsi_event(struct sim_vscsi *);

#endif /* SIM_VMORE_H */
