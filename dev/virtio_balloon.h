/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_balloon.h -- between the files of the virtio balloon driver:
 *
 *	virtio_balloon.c	filling and emptying; statistics
 *	virtio_balloon_free.c	telling of free pages: reports and hints
 */

#ifndef VIRTIO_BALLOON_H
#define VIRTIO_BALLOON_H

#include <linux/virtio_balloon.h>
#include <pv/pv.h>

#include "virtio.h"

#define VIRTIO_BALLOON_BATCH	256	/* pages told of at once */
#define VIRTIO_BALLOON_NREPORT	32	/* blocks told of at once */
#define VIRTIO_BALLOON_NHINT	256	/* blocks out at a time */

struct virtio_balloon_block {
	void		*bb_va;
	unsigned int	 bb_npg;
};

/* A page of addresses of pages in the balloon; a stack of them. */
struct virtio_balloon_chunk {
	struct virtio_balloon_chunk *bc_next;
	size_t		 bc_n;
	void		*bc_va[];
};
#define VIRTIO_BALLOON_CHUNK						\
	((PV_PAGE_SIZE - sizeof(struct virtio_balloon_chunk)) / sizeof(void *))

struct virtio_balloon_softc {
	struct pv_dev	*sc_dev;
	struct pv_balloon sc_balloon;
	struct virtio_queue sc_in, sc_out, sc_stat, sc_hint, sc_report;
	struct pv_lock	 sc_lock;	/* the queues */
	bool		 sc_open, sc_up;
	unsigned int	 sc_unit;
	char		 sc_name[16];
	struct pv_os_work sc_work;	/* PV_WORK_SLEEPS */
	uint8_t		*sc_mem;	/* two pages, shown to the device */
	uint64_t	 sc_hungry;	/* pages the guest wants; sc_lock */
	/* sc_work and connect: */
	struct virtio_balloon_chunk *sc_chunk;	/* the top one */
	void		*sc_batch[VIRTIO_BALLOON_BATCH];
	unsigned int	 sc_nbatch;	/* told of, not answered */
	bool		 sc_filling;	/* .. on the way in */
	bool		 sc_answered;	/* sc_lock */
	bool		 sc_short;	/* told that no more can be spared */
	bool		 sc_poison;
	uint8_t		 sc_poisonbyte;
	/* free pages (virtio_balloon_free.c) */
	struct pv_os_work sc_freework;	/* PV_WORK_SLEEPS */
	struct virtio_balloon_block sc_reported[VIRTIO_BALLOON_NREPORT];
	unsigned int	 sc_nreported;
	bool		 sc_reportdone;	/* sc_lock */
	struct vq_piece	 sc_piece[VIRTIO_BALLOON_NREPORT];
	struct virtio_balloon_block sc_hinted[VIRTIO_BALLOON_NHINT];
	unsigned int	 sc_nhinted, sc_hintback;	/* back: sc_lock */
	uint32_t	 sc_hintid;	/* the device's, 0: none runs */
};

/*
 * virtio_balloon_free.c.  init: once.  connect: queues, from index on.  poll:
 * begin, or the configuration changed.  stop: after the reset, when every
 * block is ours again.  Thread.
 */
void	 virtio_balloon_free_init(struct virtio_balloon_softc *);
int	 virtio_balloon_free_connect(struct virtio_balloon_softc *,
	    unsigned int index);
void	 virtio_balloon_free_poll(struct virtio_balloon_softc *);
void	 virtio_balloon_free_stop(struct virtio_balloon_softc *, bool safe);

#endif /* VIRTIO_BALLOON_H */
