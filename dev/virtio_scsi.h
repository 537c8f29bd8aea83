/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_scsi.h -- between the files of the virtio SCSI driver:
 *
 *	virtio_scsi.c	    the adapter: queues, commands, their answers
 *	virtio_scsi_tmf.c   commands that take too long
 *	virtio_scsi_lun.c   looking for units
 *	virtio_scsi_blk.c   a unit as a block device
 */

#ifndef VIRTIO_SCSI_H
#define VIRTIO_SCSI_H

#include <pv/pv.h>

#include "scsi.h"
#include "virtio.h"

#define VIRTIO_SCSI_NSLOT	32
#define VIRTIO_SCSI_NSEG	33	/* 128 KiB at any alignment */
#define VIRTIO_SCSI_NEVENT	8
#define VIRTIO_SCSI_TRIES	8	/* of what -PV_EAGAIN answers */
#define VIRTIO_SCSI_SOON	(10ull * 1000 * 1000)	/* ns, before one */

struct virtio_scsi_softc;

/* A command that is in the queue. */
struct virtio_scsi_slot {
	struct list	 sl_link;	/* free list */
	struct pv_scsi_cmd *sl_cmd;	/* NULL: free */
	uint8_t		*sl_cell;	/* request and response */
	struct pv_dma_map *sl_map;	/* VIRTIO_SCSI_NSEG of them */
	unsigned int	 sl_nmap;
	uint32_t	 sl_len;	/* bytes of data */
	uint64_t	 sl_tag;
	uint64_t	 sl_due;	/* when patience ends */
	unsigned int	 sl_stage;	/* what was done about it: STAGE_* */
};

struct virtio_scsi_lun {
	struct list	 lu_link;	/* sc_luns */
	struct virtio_scsi_softc *lu_sc;
	uint16_t	 lu_target, lu_lun;
	struct scsi_inquiry lu_inquiry;
	struct pv_blk	 lu_blk;
	bool		 lu_unmap;
	bool		 lu_seen;	/* by the scan that runs */
	bool		 lu_dead;	/* gone: freed when lu_nio is 0 */
	bool		 lu_up;		/* lu_blk is announced */
	bool		 lu_open;	/* and takes requests; sc_lock */
	unsigned int	 lu_nio;	/* requests in flight; sc_lock */
	unsigned int	 lu_unit;	/* of its name */
	char		 lu_name[8];	/* "sda", "sr0"; or "" */
};

/* A block request on its way. */
struct virtio_scsi_io {
	struct list	 io_link;	/* free, or to be tried again */
	struct pv_scsi_cmd io_cmd;
	struct virtio_scsi_lun *io_lun;
	struct pv_blk_req *io_req;
	struct pv_iov	 io_iov;	/* UNMAP's list */
	uint8_t		*io_list;	/* SCSI_UNMAP_LEN bytes */
	unsigned int	 io_tries;
};

struct virtio_scsi_softc {
	struct pv_dev	*sc_dev;
	struct pv_scsi	 sc_scsi;
	struct virtio_queue sc_ctrl, sc_event, sc_queue;
	struct pv_lock	 sc_lock;
	bool		 sc_open;	/* takes commands */
	bool		 sc_up;		/* announced */
	unsigned int	 sc_unit;
	char		 sc_name[12];	/* "vtscsi0" */

	/* commands */
	struct list	 sc_free;
	void		*sc_cells;	/* VIRTIO_SCSI_NPG pages */
	struct pv_dma_pool sc_pool;
	struct virtio_scsi_slot sc_slot[VIRTIO_SCSI_NSLOT];
	unsigned int	 sc_nseg;
	uint64_t	 sc_tag;
	struct vq_piece	 sc_piece[VIRTIO_SCSI_NSEG + 2]; /* under the lock */

	/* patience */
	uint64_t	 sc_timeout;	/* ns */
	struct pv_os_work sc_watch;
	uint8_t		*sc_tmf;	/* request and response */
	bool		 sc_tmfbusy;
	uint64_t	 sc_tmfdue;

	/* events */
	uint8_t		*sc_events;	/* VIRTIO_SCSI_NEVENT cells */

	/* units; the list changes in thread context, under sc_lock */
	struct list	 sc_luns;
	struct pv_os_work sc_scan;	/* PV_WORK_SLEEPS */
	struct pv_scsi_cmd sc_exec;	/* the scan's one command */
	struct pv_iov	 sc_execiov;
	struct pv_os_event sc_execdone;
	int		 sc_execrv;
	bool		 sc_execbusy;	/* sc_lock */
	uint8_t		*sc_buf;	/* the scan's page */
	uint8_t		 sc_lunbuf[8 + 8 * SCSI_LUNS_MAX];
	uint16_t	 sc_lunlist[SCSI_LUNS_MAX];

	/* block requests */
	struct list	 sc_iofree, sc_ioagain;
	struct virtio_scsi_io sc_io[VIRTIO_SCSI_NSLOT];
	struct pv_os_work sc_again;
};

/* virtio_scsi.c; as pv/scsi.h says of so_submit. */
int	 virtio_scsi_submit(void *, struct pv_scsi_cmd *);
/* The eight bytes that name a unit (5.6.6.1).  Context: any. */
void	 virtio_scsi_address(uint8_t lun[8], uint16_t target, uint16_t num);

/*
 * virtio_scsi_tmf.c: begin to watch, look at an answered request (deferred),
 * end.
 */
#define STAGE_NONE	0
#define STAGE_ABORT	1
#define STAGE_RESET	2
void	 virtio_scsi_tmf_init(struct virtio_scsi_softc *);
void	 virtio_scsi_tmf_start(struct virtio_scsi_softc *);
bool	 virtio_scsi_tmf_intr(void *);
void	 virtio_scsi_tmf_stop(struct virtio_scsi_softc *);

/*
 * virtio_scsi_lun.c.  init: once.  scan: soon, any context.  stop: after the
 * reset, when every command has been answered: all units go; thread.
 */
void	 virtio_scsi_lun_init(struct virtio_scsi_softc *);
void	 virtio_scsi_lun_scan(struct virtio_scsi_softc *);
void	 virtio_scsi_lun_stop(struct virtio_scsi_softc *);
int	 virtio_scsi_lun_info(void *, unsigned int, struct pv_scsi_unit *);

/*
 * virtio_scsi_blk.c.  up: a unit with a medium, named and announced; 0 or
 * -PV_ENOSPC.  down: withdrawn.  resized: lu_blk.bk_nsect has changed.
 * stop: after the reset; no request waits to be tried again.  All: thread.
 */
void	 virtio_scsi_blk_init(struct virtio_scsi_softc *);
int	 virtio_scsi_blk_up(struct virtio_scsi_lun *);
void	 virtio_scsi_blk_down(struct virtio_scsi_lun *);
void	 virtio_scsi_blk_stop(struct virtio_scsi_softc *);

#endif /* VIRTIO_SCSI_H */
