/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_virtio.h -- simulated virtio devices, down to their registers.
 *
 * A device is a model (what a disk, an interface .. does with a request) on an
 * engine (everything else).  The engine is seen by the library as hardware is:
 * a PCI function with capabilities, I/O ports or memory-mapped registers,
 * virtqueues in the guest's memory, interrupts by message or line.  So the
 * transports, virtio.c and vq*.c are under test as they are shipped.
 *
 *	sim_pci.c      configuration space, base address registers, MSI-X
 *	sim_regs.c     memory whose reads and writes are told to somebody
 *	sim_irq.c      interrupt lines and messages
 *	sim_virtio.c   status, features, queues, configuration; interrupts
 *	sim_vbus.c     the registers of the four buses
 *	sim_vring.c    split and packed rings, and the lies told in them
 *
 * A model is a struct sim_model and an argument.  In a step of the device's
 * mo_kick is called for each queue that the driver kicked; it takes requests
 * with sim_vdev_pop(), at once or later, looks at them with sim_vreq_read() and
 * sim_vreq_write(), and answers each with sim_vreq_done(), at once or later, in
 * any order.  mo_reset: forget the requests you hold, they are gone.
 *
 *	static void
 *	sim_vrng_kick(void *arg, unsigned int queue)
 *	{
 *		struct sim_vrng *r = arg;
 *		struct sim_vreq *rq;
 *
 *		while ((rq = sim_vdev_pop(r->r_dev, queue)) != NULL) {
 *			sim_vreq_write(rq, 0, r->r_bytes, 16);
 *			sim_vreq_done(rq, 16);
 *		}
 *	}
 *
 * The engine notes as faults of the driver: features taken that were not
 * offered, a kick or a queue at the wrong time, a chain that a correct driver
 * never makes, and all that sim.h lists.  Ring memory is closed to all but
 * lib/shm.h, what a request lets the device write is so until it is answered.
 *
 * The lies of sim_evil.h from USED_ID_RANGE on are told here, the same for
 * every model; EVENT_LOST, EVENT_SPURIOUS and EVENT_STORM too.  Those about
 * finding a device (BAR_TOO_SMALL) are armed before it is created, those about
 * negotiation before it is attached.
 */

#ifndef SIM_VIRTIO_H
#define SIM_VIRTIO_H

#include "sim.h"

struct sim_vdev;
struct sim_vreq;

enum sim_vbus {
	SIM_VBUS_PCI,		/* modern */
	SIM_VBUS_LEGACY,	/* I/O ports, features below 32 only */
	SIM_VBUS_MMIO,
	SIM_VBUS_MMIO1		/* version 1, legacy */
};

struct sim_vdev_cfg {
	enum sim_vbus	 vc_bus;
	unsigned int	 vc_qsize;	/* entries of each queue; 0: 64 */
	unsigned int	 vc_flags;
#define SIM_V_PACKED	0x001		/* offers RING_PACKED */
#define SIM_V_INORDER	0x002		/* .. IN_ORDER, and batches answers */
#define SIM_V_KICKDATA	0x004		/* .. NOTIFICATION_DATA */
#define SIM_V_QRESET	0x008		/* .. RING_RESET */
#define SIM_V_NOEVENT	0x010		/* does not offer EVENT_IDX */
#define SIM_V_NOINDIRECT 0x020		/* nor INDIRECT_DESC */
#define SIM_V_NOMSIX	0x040		/* interrupts by line */
#define SIM_V_ONEVEC	0x080		/* a table of one message */
#define SIM_V_TWOVEC	0x100		/* of two */
};

struct sim_model {
	const char	*mo_name;
	uint32_t	 mo_type;	/* 2: block .. */
	unsigned int	 mo_nqueue;	/* at most SIM_V_NQUEUE */
	/* Any may be NULL.  Context: a step of the simulator. */
	void		(*mo_kick)(void *arg, unsigned int queue);
	void		(*mo_ready)(void *arg);		/* DRIVER_OK */
	void		(*mo_reset)(void *arg);
	/* The driver wrote configuration; it is in sim_vdev_config(). */
	void		(*mo_written)(void *arg, unsigned int off,
			    unsigned int len);
	void		(*mo_free)(void *arg);		/* at sim_close() */
};
#define SIM_V_NQUEUE	16
#define SIM_V_CONFIG	256	/* bytes of device configuration */

/*
 * Make a device of the current domain's; features are those of the model (bits
 * 0..23 and 41..63).  Attach it with sim_vdev_attach().
 */
struct sim_vdev *sim_vdev_create(struct sim *, const struct sim_vdev_cfg *,
	    const struct sim_model *, void *arg, uint64_t features);
/* Where it is: true for PCI, else *pa and *line say it. */
bool	 sim_vdev_place(const struct sim_vdev *, pv_pa_t *pa, uint32_t *line);
/* The PCI function is pulled out: all ones from now on. */
void	 sim_vdev_pull(struct sim_vdev *);

/* ---- for models and tests -------------------- */
/* What the driver accepted; has it said DRIVER_OK? */
bool	 sim_vdev_has(const struct sim_vdev *, unsigned int feature);
uint64_t sim_vdev_accepted(const struct sim_vdev *);
bool	 sim_vdev_up(const struct sim_vdev *);
uint8_t	 sim_vdev_status(const struct sim_vdev *);
unsigned int sim_vdev_nreset(const struct sim_vdev *);	/* resets so far */
unsigned int sim_vdev_nkick(const struct sim_vdev *);	/* kicks so far */
/* The features that are offered from the next reset on. */
void	 sim_vdev_offer(struct sim_vdev *, uint64_t features);
/* SIM_V_CONFIG bytes, little-endian; fill it in, then tell if it changed. */
uint8_t	*sim_vdev_config(struct sim_vdev *);
void	 sim_vdev_changed(struct sim_vdev *);
/* Ask for a reset, once, as SIM_EVIL_NEEDS_RESET does. */
void	 sim_vdev_lost(struct sim_vdev *);
/* Serve nothing until told otherwise. */
void	 sim_vdev_hold(struct sim_vdev *, bool);
/* Requests taken and not answered, in all queues. */
unsigned int sim_vdev_pending(const struct sim_vdev *);

/* The next request of a queue, or NULL.  It is the model's until done. */
struct sim_vreq *sim_vdev_pop(struct sim_vdev *, unsigned int queue);
/* Put back the one popped last, as if it had not been looked at. */
void	 sim_vreq_unpop(struct sim_vreq *);
unsigned int sim_vreq_queue(const struct sim_vreq *);
/* Bytes that the device may read, and may write. */
size_t	 sim_vreq_nread(const struct sim_vreq *);
size_t	 sim_vreq_nwrite(const struct sim_vreq *);
/* Pieces in all: how the driver laid them out. */
unsigned int sim_vreq_npiece(const struct sim_vreq *);
/* Copy from off of the readable, to off of the writable; bytes copied. */
size_t	 sim_vreq_read(const struct sim_vreq *, size_t off, void *, size_t);
size_t	 sim_vreq_write(struct sim_vreq *, size_t off, const void *, size_t);
/* Answer; len bytes were written.  The request is freed. */
void	 sim_vreq_done(struct sim_vreq *, size_t len);

#endif /* SIM_VIRTIO_H */
