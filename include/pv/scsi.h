/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv/scsi.h -- a SCSI host adapter, whichever bus it hangs on.
 *
 * Theory of operation.  A driver (virtio_scsi) announces its adapter with the
 * client's pc_scsi_up, looks for units behind it, and announces each disk and
 * CD with a medium as a struct pv_blk of its own, which is all that a
 * consumer of blocks needs.  This interface is for who wants the units
 * themselves: their list, and commands that no block request says.
 *
 * A command is the consumer's memory and stays so; between so_submit and
 * sm_done it and the buffers it names must not be touched.  Each submit that
 * returned 0 is answered by exactly one sm_done, also when the adapter breaks
 * or goes away.  A command that the unit does not answer in time is aborted,
 * then its unit is reset, then the adapter: sm_done comes when that is over.
 */

#ifndef PV_SCSI_H
#define PV_SCSI_H

#include <pv/types.h>

#define PV_SCSI_CDB	16

struct pv_scsi_cmd {
	uint16_t	 sm_target, sm_lun;
	uint8_t		 sm_cdb[PV_SCSI_CDB];
	struct pv_iov	*sm_iov;	/* the caller's until sm_done */
	unsigned int	 sm_niov;	/* 0: no data */
	enum pv_dir	 sm_dir;	/* the unit reads or writes it */
	/*
	 * rv 0: the unit answered, sm_status and the sense data tell what.
	 * -PV_ENXIO: there is no such unit, or the adapter is broken or gone.
	 * -PV_EAGAIN: the unit was busy or reset, ask again.  -PV_ETIMEDOUT:
	 * aborted.  -PV_EIO, -PV_EPROTO.
	 * Context: deferred, no lock held.
	 */
	void		(*sm_done)(struct pv_scsi_cmd *, int rv);
	void		*sm_arg;	/* the caller's own */
	/* the answer */
	uint8_t		 sm_status;	/* 0 good, 2 check condition .. */
	uint8_t		 sm_key;	/* sense key, 0 without sense data */
	uint16_t	 sm_asc;	/* code << 8 | qualifier */
	uint32_t	 sm_resid;	/* bytes of the buffer not used */
};

/* A unit that was found. */
struct pv_scsi_unit {
	uint16_t	 su_target, su_lun;
	uint8_t		 su_type;	/* 0 disk, 5 CD .. */
	bool		 su_medium;
	uint64_t	 su_nsect;	/* 512-byte sectors */
	uint32_t	 su_bsize;
	char		 su_vendor[9], su_product[17], su_revision[5];
	char		 su_disk[8];	/* "sda"; "" when it is no disk */
};

struct pv_scsi_ops {
	/*
	 * 0: sm_done will come.  -PV_EAGAIN: queue full, try again after some
	 * sm_done.  -PV_ENXIO: broken or gone.  -PV_EINVAL: no such target or
	 * too much data.  Context: deferred, thread.
	 */
	int	(*so_submit)(void *sc, struct pv_scsi_cmd *);
	/* The n-th unit: 0 or -PV_ENOENT behind the last.  Context: any. */
	int	(*so_unit)(void *sc, unsigned int n, struct pv_scsi_unit *);
	/* Look for units anew, soon.  Context: any. */
	void	(*so_rescan)(void *sc);
};

struct pv_scsi {
	const char		*ss_name;	/* "vtscsi0" */
	const struct pv_scsi_ops *ss_ops;
	void			*ss_sc;
	uint16_t		 ss_maxtarget;	/* the highest number */
	uint32_t		 ss_maxlun;
	uint32_t		 ss_maxio;	/* bytes in one command */
	void			*ss_client;	/* the consumer's own */
	/* statistics, kept by the driver */
	uint64_t		 ss_ncmd, ss_nabort, ss_nreset, ss_nevent;
};

#endif /* PV_SCSI_H */
