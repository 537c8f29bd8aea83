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

#define VIRTIO_NQUEUE	256	/* queues that a driver of ours may use */
#define VIRTIO_PATIENCE	(1000ull * 1000 * 1000)	/* ns, for a reset */
/* Queues that an interrupt is of, beside a queue's number. */
#define VIRTIO_Q_ALL	(-1)
#define VIRTIO_Q_NONE	(-2)

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
	/*
	 * Take one queue from a device that goes on (RING_RESET): 0 or
	 * -PV_ETIMEDOUT.  NULL: the transport has no such thing.
	 */
	int	 (*vo_queue_reset)(struct virtio *, struct vq *);
	void	 (*vo_kick)(struct virtio *, struct vq *);
	/* Let go of what vo_* and the finding allocated. */
	void	 (*vo_release)(struct virtio *);
};

struct virtio_queue {
	/* The driver's wishes, before virtio_queue_create(). */
	unsigned int	 vn_chain;	/* pieces of its longest chain: with
					   them come indirect tables; 0: none */
	unsigned int	 vn_size;	/* most entries; 0: VQ_SIZE_WISH */
	bool		 vn_cutlen;	/* as vq_cutlen */
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
	uint64_t	 vi_offered;	/* features of the device */
	uint64_t	 vi_features;	/* negotiated */
	bool		 vi_again;	/* the device asked for a reset */
	unsigned int	 vi_nagain;	/* .. how often in short order */
	uint64_t	 vi_lastagain;	/* .. when */
	struct pv_lock	 vi_lock;	/* of what follows */
	struct virtio_queue *vi_queue[VIRTIO_NQUEUE];
	unsigned int	 vi_nqueue;	/* highest index in use, + 1 */
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
 * An interrupt.  queue: which may have answers, or VIRTIO_Q_*; config: the
 * configuration may have changed.  Context: any.
 */
void	 virtio_intr(struct virtio *, int queue, bool config);

/* ---- settings (virtio_setting.c) -------------------- */
uint64_t virtio_features_off(const struct virtio *);
unsigned int virtio_queue_wish(const struct virtio *, unsigned int wish);

/* ---- for drivers -------------------- */
struct virtio *virtio_of(struct pv_dev *);

/*
 * Reset, acknowledge, and agree on features: those of want, and of the rings'
 * and transports' own, that the device offers and the settings
 * virtio.features_off and DRIVER.features_off leave (virtio(4)).  Bits whose
 * needs are not met are the driver's to leave out.  0; -PV_ETIMEDOUT: it does
 * not come out of reset; -PV_EPROTO: it refused.  Context: thread.
 */
int	 virtio_negotiate(struct pv_dev *, uint64_t want);
/*
 * What the device offers, after its settings; valid from the start of connect
 * on.  Context: thread.
 */
uint64_t virtio_offers(struct pv_dev *);
/*
 * True in a disconnect that comes because the device asked for a reset: it
 * will be connected again at once, and requests in flight may be kept to be
 * sent anew.  When that connection fails disconnect is called again, and then
 * this is false.  Context: thread.
 */
bool	 virtio_again(const struct pv_dev *);
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
 * Write n bytes of configuration at off; 1, 2 or 4 at once, others by byte.
 * Values are little-endian.  Context: thread.
 */
void	 virtio_config_set(struct pv_dev *, unsigned int off, const void *buf,
	    unsigned int n);

/*
 * Make queue index and connect it with fn(arg): as large as the device has it,
 * but at most vn_size where the device lets us choose, and smaller still where
 * there is no memory.  0; -PV_ENOENT: the device has no such queue; -PV_EPROTO:
 * a size that can not be; -PV_ENOMEM.  Context: thread.
 */
int	 virtio_queue_create(struct pv_dev *, struct virtio_queue *,
	    unsigned int index, bool (*fn)(void *), void *arg);
void	 virtio_queue_kick(struct virtio_queue *);
void	 virtio_queue_again(struct virtio_queue *);	/* run fn soon; any */
/*
 * Take one queue away from the device while the others go on, where
 * VIRTIO_F_RING_RESET was negotiated: the caller's buffers are its own again
 * (vq_drain).  Then virtio_queue_restart() makes it work anew, empty.  The
 * queue's function may run in between and finds nothing.  0; -PV_EOPNOTSUPP:
 * not negotiated; -PV_ETIMEDOUT: the device does not let go.  Context: thread.
 */
int	 virtio_queue_reset(struct virtio_queue *);
int	 virtio_queue_restart(struct virtio_queue *);
/*
 * Stop everything: reset the device, and no queue function runs any more.
 * Chains in flight are still in the queues (vq_drain).  Then free the queues.
 * Both idempotent.  -PV_ETIMEDOUT: the device does not reset, so its memory
 * must not be freed: the queues stay and are counted.  Context: thread.
 */
int	 virtio_stop(struct pv_dev *);
void	 virtio_queue_destroy(struct virtio_queue *);

#endif /* VIRTIO_H */
