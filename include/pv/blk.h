/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv/blk.h -- a block device, whichever bus it hangs on.
 *
 * Theory of operation.  A driver (blkfront, virtio_blk, a virtio_scsi LUN)
 * fills a struct pv_blk and announces it with the client's pc_blk_up; from
 * then until pc_blk_down the consumer may submit requests.  A request is the
 * consumer's memory and stays so; between submit and br_done it and the
 * buffers it names must not be touched.  Each submit that returned 0 is
 * answered by exactly one br_done, also when the device breaks or goes away.
 *
 * Sectors are 512 bytes, always, whatever the device's block size; a request
 * must be a multiple of bk_bsize in place and length.  Buffers need not be
 * page aligned, but each must be aligned to 512 bytes and each length be a
 * multiple of 512, for a Xen ring speaks of sectors in a page.
 *
 * DISCARD, WRITE_ZEROES and SECURE_DISCARD have a range and no buffer.  Where a
 * device takes them bk_flags says so; one may still be refused later.
 *
 * A device that was reset in mid-course and recovered is not announced anew:
 * its requests are made once more, in their order, and answered then.
 *
 * A consumer that holds a device open (a mounted file system, a back end)
 * says so with pv_blk_open() and pv_blk_close(): while bk_users is not zero
 * a polite request to close by the peer is answered "in use".  A device that
 * vanishes all the same fails its requests with -PV_ENXIO.
 */

#ifndef PV_BLK_H
#define PV_BLK_H

#include <pv/types.h>

enum pv_blk_op {
	PV_BLK_READ,
	PV_BLK_WRITE,
	PV_BLK_FLUSH,			/* br_niov 0; all earlier completed
					   writes are stable when it is done */
	PV_BLK_DISCARD,			/* br_nsect; contents get lost */
	PV_BLK_WRITE_ZEROES,		/* br_nsect; read as zeroes then */
	PV_BLK_SECURE_DISCARD		/* br_nsect; and copies of them too */
};

struct pv_blk_req {
	enum pv_blk_op	 br_op;
	uint64_t	 br_sect;	/* first 512-byte sector */
	uint64_t	 br_nsect;	/* length; 0 for FLUSH */
	struct pv_iov	*br_iov;	/* the caller's until br_done */
	unsigned int	 br_niov;
	uint32_t	 br_flags;
#define PV_BLK_UNMAP	0x1		/* WRITE_ZEROES: the device may give
					   the space back */
	/*
	 * Any number; those with the same one take the same of the device's
	 * queues.  The number of the CPU is a good one.
	 */
	unsigned int	 br_cpu;
	/*
	 * rv is 0 or -PV_EIO (device error), -PV_ENXIO (device broken or
	 * gone), -PV_EPROTO (this answer was a lie), -PV_EOPNOTSUPP.
	 * Context: deferred, no lock held.
	 */
	void		(*br_done)(struct pv_blk_req *, int rv);
	void		*br_arg;	/* the caller's own */
	struct pv_blk_req *br_next;	/* the driver's until br_done */
};

struct pv_blk_ops {
	/*
	 * 0: br_done will come.  -PV_EAGAIN: queue full, try again after some
	 * br_done.  -PV_ENXIO: broken or gone.  -PV_EINVAL: out of range or
	 * misaligned.  -PV_EROFS.  -PV_EOPNOTSUPP.
	 * Context: deferred, thread.
	 */
	int	(*bo_submit)(void *sc, struct pv_blk_req *);
	/* Look for completions without interrupts.  Context: any. */
	void	(*bo_poll)(void *sc);
	/*
	 * Turn the write cache on or off, where PV_BLK_CANWCACHE; or NULL.
	 * 0 or -PV_E*.  Context: thread.
	 */
	int	(*bo_wcache)(void *sc, bool on);
};

#define PV_BLK_IDENT	20		/* bytes of a serial number */

struct pv_blk {
	const char		*bk_name;	/* "xvda" */
	const struct pv_blk_ops	*bk_ops;
	void			*bk_sc;
	uint64_t		 bk_nsect;	/* capacity, 512-byte sectors */
	uint32_t		 bk_bsize;	/* bytes: 512 or 4096 .. */
	uint32_t		 bk_maxio;	/* bytes in one request */
	uint32_t		 bk_flags;
#define PV_BLK_RO	0x1
#define PV_BLK_CDROM	0x2
#define PV_BLK_CANFLUSH	0x4
#define PV_BLK_CANDISCARD 0x8
#define PV_BLK_CANZERO	0x10
#define PV_BLK_CANSECURE 0x20
#define PV_BLK_WCACHE	0x40			/* writes are stable only after
						   a FLUSH */
#define PV_BLK_CANWCACHE 0x80
	/* sectors in one DISCARD, WRITE_ZEROES, SECURE_DISCARD; 0: any */
	uint32_t		 bk_maxdiscard, bk_maxzero, bk_maxsecure;
	uint32_t		 bk_discalign;	/* sectors: ranges are best
						   multiples of it; 0, 1: any */
	/* where I/O is fast; bytes, 0 when the device does not tell */
	uint32_t		 bk_psize;	/* physical block */
	uint32_t		 bk_poff;	/* of its first one */
	uint32_t		 bk_minio, bk_optio;
	unsigned int		 bk_nqueue;	/* 0: as 1 */
	/* Serial number, "" until the device told it. */
	char			 bk_ident[PV_BLK_IDENT + 1];
	uint32_t		 bk_users;	/* pv_blk_open() count */
	void			*bk_client;	/* the consumer's own */
	/* statistics, kept by the driver */
	uint64_t		 bk_nread, bk_nwrite;	/* requests done */
	uint64_t		 bk_rsect, bk_wsect;	/* sectors done */
	uint64_t		 bk_nflush, bk_ndiscard, bk_nzero;
	uint64_t		 bk_nerror;
	uint64_t		 bk_nreplay;	/* requests made once more */
	uint64_t		 bk_nindirect;	/* whose pieces are listed in
						   memory of their own */
	uint64_t		 bk_nlasting;	/* pieces copied through pages
						   that the peer keeps */
#define PV_BLK_NQ	8			/* queues at most */
	uint64_t		 bk_qdone[PV_BLK_NQ];	/* requests per queue */
};

static inline int
pv_blk_submit(struct pv_blk *bk, struct pv_blk_req *br)
{
	return bk->bk_ops->bo_submit(bk->bk_sc, br);
}

/*
 * A disk that a guest is to have from us, made by a back end's driver (blkback)
 * out of any struct pv_blk.
 *
 * The driver asks the client's pc_vbd_open for what the toolstack named, and
 * gives it back with pc_vbd_close when the guest has no use for it any more and
 * each request that it was given is answered.  Until then bg_blk is the
 * driver's to submit to; it must be one of its own for each guest, or be served
 * to one only.  Whoever owns it calls bg_changed when bk_nsect has changed.
 */
struct pv_blk_guest {
	pv_domid_t	 bg_domid;	/* who gets it, and .. */
	char		 bg_name[24];	/* "vbd/1/51712" */
	char		 bg_what[128];	/* as the toolstack named the disk */
	bool		 bg_readonly;	/* by the toolstack */
	struct pv_blk	*bg_blk;	/* set by pc_vbd_open */
	void		*bg_client;	/* the consumer's own */
	/* Thread; between open and close. */
	void		(*bg_changed)(struct pv_blk_guest *);
	/* kept by the driver, for an operator's listing */
	bool		 bg_connected;
	bool		 bg_indirect, bg_persistent;	/* in use */
	const char	*bg_abi;	/* of the ring: "x86_64-abi" */
	unsigned int	 bg_nqueue, bg_npage;	/* of ring, of all queues */
	uint64_t	 bg_nreq;	/* requests taken from the rings */
	uint64_t	 bg_nindirect, bg_nbarrier;
	uint64_t	 bg_nerror;	/* answered with an error */
	uint64_t	 bg_ngrant;	/* of these, for a grant that failed */
	uint64_t	 bg_ncopy;	/* pieces copied by the hypervisor */
	uint64_t	 bg_nmapped;	/* and through pages that are mapped */
	unsigned int	 bg_nmap;	/* of these, now */
};

#endif /* PV_BLK_H */
