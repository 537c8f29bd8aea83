/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_vdev.h -- what the files of the virtio engine share.
 */

#ifndef SIM_VDEV_H
#define SIM_VDEV_H

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "sim_int.h"
#include "sim_pci.h"
#include "sim_virtio.h"

#define SIM_V_F_KICKDATA 38	/* VIRTIO_F_NOTIFICATION_DATA */
#define SIM_V_NOVEC	0xffff

struct sim_vpiece {
	uint8_t		*vp_va;
	uint32_t	 vp_len;
	bool		 vp_write;
};

struct sim_vreq {
	struct list	 rq_link;	/* of its queue, in order */
	struct sim_vq	*rq_vq;
	uint16_t	 rq_id;		/* head, or buffer id */
	uint16_t	 rq_second;	/* split: the chain's second, or head */
	uint16_t	 rq_nslot;	/* descriptors of the ring */
	uint16_t	 rq_at;		/* where it was found */
	bool		 rq_atlap;
	struct sim_vpiece *rq_piece;
	unsigned int	 rq_npiece;
	size_t		 rq_nread, rq_nwrite;
	bool		 rq_done;
	uint32_t	 rq_len;
};

struct sim_vq {
	struct sim_vdev	*vq_dev;
	unsigned int	 vq_index;
	unsigned int	 vq_size, vq_max;
	bool		 vq_on;
	bool		 vq_kicked;
	bool		 vq_dry;	/* the model wanted more */
	uint16_t	 vq_vector;
	uint64_t	 vq_pa[3];	/* descriptors, driver, device */
	uint16_t	 vq_avail, vq_used;	/* counted; packed: places */
	bool		 vq_availlap, vq_usedlap;
	uint16_t	 vq_told;	/* used, when last interrupted */
	unsigned int	 vq_fresh;	/* packed: answered since */
	bool		 vq_scribbled;	/* the index is ours .. */
	uint16_t	 vq_idx, vq_wild;	/* .. was this, is that */
	struct list	 vq_reqs;
};

struct sim_vbus_ops {
	void	 (*vb_create)(struct sim_vdev *);
	void	 (*vb_free)(struct sim_vdev *);
};

struct sim_vdev {
	struct list	 vd_link;
	struct sim	*vd_sim;
	struct sim_dom	*vd_dom;
	struct sim_vdev_cfg vd_cfg;
	const struct sim_model *vd_model;
	void		*vd_arg;
	struct sim_actor vd_actor;
	bool		 vd_hold, vd_gone;
	/* negotiation */
	uint64_t	 vd_offered;	/* by the model, and the engine */
	uint64_t	 vd_accepted;
	uint8_t		 vd_status;
	unsigned int	 vd_nreset, vd_nkick;
	/* configuration */
	uint8_t		 vd_config[SIM_V_CONFIG];
	uint8_t		 vd_gen;
	/* interrupts */
	uint8_t		 vd_isr;
	uint16_t	 vd_vector;	/* of configuration changes */
	unsigned int	 vd_nvec;
	uint32_t	 vd_line;
	bool		 vd_raised;
	/* registers */
	struct sim_pci	*vd_pci;
	struct sim_regs	*vd_regs, *vd_table;
	unsigned int	 vd_at[4];	/* PCI: where the structures are */
	unsigned int	 vd_mult;	/* of notify offsets; 0: all in one */
	uint32_t	 vd_devsel, vd_drvsel, vd_qsel;
	uint8_t		 vd_before[SIM_V_CONFIG];	/* a write */
	struct sim_vq	 vd_vq[SIM_V_NQUEUE];
};

/* ---- sim_virtio.c -------------------- */
static inline bool
sim_vdev_legacy(const struct sim_vdev *vd)
{
	return vd->vd_cfg.vc_bus == SIM_VBUS_LEGACY ||
	    vd->vd_cfg.vc_bus == SIM_VBUS_MMIO1;
}
/* What registers do; sel is a feature word, 0 or 1. */
uint32_t sim_vdev_features(struct sim_vdev *, uint32_t sel);
void	 sim_vdev_accept(struct sim_vdev *, uint32_t sel, uint32_t bits);
void	 sim_vdev_set_status(struct sim_vdev *, uint8_t);
/* The selected queue, or NULL. */
struct sim_vq *sim_vdev_selected(struct sim_vdev *);
uint32_t sim_vdev_queue_max(struct sim_vdev *);
void	 sim_vdev_queue_on(struct sim_vdev *, bool on);
void	 sim_vdev_kick(struct sim_vdev *, uint32_t data);
/* Bytes of configuration, as the driver finds them now. */
void	 sim_vdev_read_config(struct sim_vdev *, unsigned int off, void *,
	    unsigned int len);
void	 sim_vdev_intr(struct sim_vdev *, struct sim_vq *);	/* or NULL */
void	 sim_vdev_level(struct sim_vdev *, bool up);	/* of its line */
uint16_t sim_vdev_vector(struct sim_vdev *, uint16_t wanted);

/* ---- sim_vbus.c -------------------- */
extern const struct sim_vbus_ops sim_vbus_pci, sim_vbus_mmio;

/* ---- sim_vring.c -------------------- */
void	 sim_vring_start(struct sim_vq *);
void	 sim_vring_stop(struct sim_vq *);
/* Nothing more to do now: ask for a kick; true: there is more after all. */
bool	 sim_vring_idle(struct sim_vq *);
void	 sim_vring_hush(struct sim_vq *);	/* no kicks meanwhile */

void	 sim_vring_forget(struct sim_vreq *);	/* answered */

/* ---- sim_vring_used.c -------------------- */
/* Show the answers that are due, interrupt. */
void	 sim_vring_answer(struct sim_vq *);

/* ---- both -------------------- */
static inline bool
sim_vring_packed(const struct sim_vq *q)
{
	return (q->vq_dev->vd_accepted >> VIRTIO_F_RING_PACKED & 1) != 0;
}
/* Guest memory, or NULL with a fault noted. */
uint8_t	*sim_vring_mem(uint64_t pa, size_t len);
uint16_t sim_vring_get16(uint64_t pa);
void	 sim_vring_put16(uint64_t pa, uint16_t);
void	 sim_vring_move(const struct sim_vq *, uint16_t *place, bool *lap,
	    unsigned int n);

#endif /* SIM_VDEV_H */
