/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio.h -- virtio devices (virtio 1.2, sections 2 and 3): one life cycle
 * over three transports.
 *
 *	virtio_pci, virtio_mmio    find a device, fill a struct virtio with
 *	                           their struct virtio_ops, virtio_attach()
 *	virtio.c                   status bits, features, queues, interrupts
 *	core/dev.c                 connect, start, disconnect of the driver
 *
 * A driver's connect negotiates with virtio_negotiate() and makes its queues
 * with virtio_queue_create(); virtio.c then sets DRIVER_OK and start is
 * called.  A device that asks for a reset (DEVICE_NEEDS_RESET) is
 * disconnected, reset and connected again.
 *
 * Interrupts: the transport calls virtio_intr() in interrupt context; each
 * queue's function runs later in deferred context, as does the driver's
 * dv_changed (thread) for configuration changes.
 */

#ifndef VIRTIO_H
#define VIRTIO_H

#include "str.h"
#include "vq.h"

#define VIRTIO_NQUEUE	8	/* queues that a driver of ours may use */
#define VIRTIO_PATIENCE	(1000ull * 1000 * 1000)	/* ns, for a reset */

struct virtio;

/* Seam 3.  All in thread context, but kick: any. */
struct virtio_ops {
	uint64_t (*vo_get_features)(struct virtio *);
	int	 (*vo_set_features)(struct virtio *, uint64_t);
	uint8_t	 (*vo_get_status)(struct virtio *);
	void	 (*vo_set_status)(struct virtio *, uint8_t);
	/* width 1, 2, 4; values in the CPU's order. */
	uint32_t (*vo_read_config)(struct virtio *, unsigned int off,
		    unsigned int width);
	void	 (*vo_write_config)(struct virtio *, unsigned int off,
		    unsigned int width, uint32_t);
	uint32_t (*vo_config_gen)(struct virtio *);
	/* Largest size of a queue; 0: no such queue. */
	unsigned int (*vo_queue_max)(struct virtio *, unsigned int index);
	/* Tell the device where the queue is, with its interrupt. */
	int	 (*vo_queue_setup)(struct virtio *, struct vq *);
	void	 (*vo_queue_reset)(struct virtio *, struct vq *);
	void	 (*vo_kick)(struct virtio *, struct vq *);
	/* Let go of what vo_* and the finding allocated. */
	void	 (*vo_release)(struct virtio *);
};

struct virtio_queue {
	struct vq	 vn_vq;
	struct virtio	*vn_virtio;
	/* More to do: true, run again.  Context: deferred. */
	bool		(*vn_fn)(void *);
	void		*vn_arg;
	struct pv_os_work vn_work;
	bool		 vn_live;
};

struct virtio {
	struct list	 vi_link;
	const struct virtio_ops *vi_ops;
	void		*vi_hw;		/* the transport's */
	struct pv_dev	*vi_dev;
	const struct pv_client *vi_client;
	uint32_t	 vi_type;	/* 1 net, 2 block, .. */
	char		 vi_name[PV_DEV_NAME];	/* "pci/0:3.0", "mmio/f00" */
	bool		 vi_modern;	/* VIRTIO_F_VERSION_1 negotiated */
	bool		 vi_fixedsize;	/* queue sizes are given */
	unsigned int	 vi_align;	/* of the used ring */
	uint64_t	 vi_features;	/* negotiated */
	struct virtio_queue *vi_queue[VIRTIO_NQUEUE];
};

/* ---- for transports -------------------- */
/*
 * A device was found: make its driver, if there is one.  vi is the transport's
 * until this returns 0, then freed through vo_release at virtio_detach().
 * 0, -PV_ENODEV: no driver for vi_type, or what failed.  Context: thread.
 */
int	 virtio_attach(struct virtio *, const struct pv_client *);
void	 virtio_detach(struct virtio *);
/* All that pv_attach_virtio_*() found; for pv_detach().  Thread. */
void	 virtio_pv_detach(void);
/*
 * An interrupt.  queues: bit n set when queue n may have answers (all ones:
 * unknown); config: the configuration changed.  Context: any.
 */
void	 virtio_intr(struct virtio *, uint32_t queues, bool config);

/* ---- for drivers -------------------- */
struct virtio *virtio_of(struct pv_dev *);

/*
 * Reset, acknowledge, and agree on features: those of want that the device
 * offers, without those whose needs are not met (virtio_net's table).  0,
 * -PV_ETIMEDOUT: it does not come out of reset, -PV_EPROTO: it refused.
 * Context: thread.
 */
int	 virtio_negotiate(struct pv_dev *, uint64_t want);
static inline bool
virtio_has(const struct virtio *vi, unsigned int feature)
{
	return (vi->vi_features >> feature & 1) != 0;
}

/*
 * Read n bytes of configuration at off, consistently: re-read until the
 * generation is stable, or, on devices without one, until two reads agree.
 * Values wider than a byte are little-endian.  0 or -PV_EPROTO: it never
 * is stable.  Context: thread.
 */
int	 virtio_config(struct pv_dev *, unsigned int off, void *buf,
	    unsigned int n);
uint16_t virtio_le16(const uint8_t *);
uint32_t virtio_le32(const uint8_t *);
uint64_t virtio_le64(const uint8_t *);

/*
 * Make queue index and connect it with fn(arg).  0; -PV_ENOENT: the device
 * has no such queue; -PV_EPROTO: a size that can not be; -PV_ENOMEM.
 */
int	 virtio_queue_create(struct pv_dev *, struct virtio_queue *,
	    unsigned int index, bool (*fn)(void *), void *arg);
void	 virtio_queue_kick(struct virtio_queue *);
void	 virtio_queue_again(struct virtio_queue *);	/* run fn soon; any */
/*
 * Stop everything: reset the device, and no queue function runs any more.
 * Chains in flight are still in the queues (vq_drain).  Then free the queues.
 * Both idempotent.  -PV_ETIMEDOUT: the device does not reset, so its memory
 * must not be freed: the queues stay and are counted.  Context: thread.
 */
int	 virtio_stop(struct pv_dev *);
void	 virtio_queue_destroy(struct virtio_queue *);

#endif /* VIRTIO_H */
