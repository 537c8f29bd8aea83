/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_console.h -- between the files of the virtio console driver:
 *
 *	virtio_console.c	ports, their output and input
 *	virtio_console_ctl.c	the control queues
 */

#ifndef VIRTIO_CONSOLE_H
#define VIRTIO_CONSOLE_H

#include <linux/virtio_console.h>
#include <pv/pv.h>

#include "virtio.h"

#define VIRTIO_CONSOLE_NPORT	16
#define VIRTIO_CONSOLE_NCELL	8	/* of a port, for each direction */
#define VIRTIO_CONSOLE_CELL	512	/* bytes; NCELL of them are a page */

struct virtio_console_softc;

struct virtio_console_port {
	struct virtio_console_softc *po_sc;
	struct pv_cons	 po_cons;
	unsigned int	 po_id;
	struct virtio_queue po_rx, po_tx;
	uint8_t		*po_mem;	/* a page for output, one for input */
	uint32_t	 po_free;	/* bits: the writer's cells */
	/* Words of our own that change in any context: shm.h's accessors. */
	uint32_t	 po_up;
	uint32_t	 po_writer;	/* someone writes */
	uint32_t	 po_turned;	/* someone else wanted to, meanwhile */
	uint32_t	 po_want;	/* someone was given less than asked */
	uint8_t		 po_hold[VIRTIO_CONSOLE_CELL];	/* input, copied */
	size_t		 po_holdoff, po_nhold;
	bool		 po_announced;
	char		 po_name[16];	/* "vtcons0.1" */
};

struct virtio_console_softc {
	struct pv_dev	*sc_dev;
	unsigned int	 sc_unit;
	bool		 sc_multi;
	unsigned int	 sc_nport;	/* of sc_port, NULL: not connected */
	struct virtio_console_port *sc_port;
	/* control */
	struct pv_lock	 sc_lock;
	struct virtio_queue sc_ctlin, sc_ctlout;
	struct pv_os_work sc_work;	/* PV_WORK_SLEEPS: what came */
	uint8_t		*sc_ctl;	/* a page: cells of both directions */
	uint32_t	 sc_ctlfree;	/* bits: cells of output; sc_lock */
	bool		 sc_ctlopen;
};

/* virtio_console.c: announce a port, 0 or -PV_ENOMEM; withdraw it; thread. */
int	 virtio_console_open(struct virtio_console_port *);
void	 virtio_console_close(struct virtio_console_port *);

/*
 * virtio_console_ctl.c.  init: once.  connect: make the queues.  start: tell
 * the device that we are ready.  stop: no message is handled any more; safe:
 * the device was reset.  Thread.
 */
void	 virtio_console_ctl_init(struct virtio_console_softc *);
int	 virtio_console_ctl_connect(struct virtio_console_softc *);
void	 virtio_console_ctl_start(struct virtio_console_softc *);
void	 virtio_console_ctl_stop(struct virtio_console_softc *, bool safe);

#endif /* VIRTIO_CONSOLE_H */
