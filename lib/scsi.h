/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scsi.h -- SCSI commands and what devices answer: bytes in and out, nothing
 * else.
 *
 * The builders fill a command of SCSI_CDB bytes; the parsers take what a
 * device wrote, copied to private memory, with the number of bytes it wrote,
 * and believe nothing else.  Numbers on the wire are big-endian.
 * Source: SPC-4 (6.4 INQUIRY, 6.33 REPORT LUNS, 4.5 sense data), SBC-3 (5.7,
 * 5.9, 5.15, 5.16, 5.19, 5.28, 5.31), SAM-5 4.7 (logical unit numbers).
 */

#ifndef SCSI_H
#define SCSI_H

#include <pv/errno.h>
#include <pv/types.h>

#define SCSI_CDB	16	/* bytes; the longest that is built here */
#define SCSI_LUNS_MAX	256	/* of one target, that are looked at */

/* Status of a command. */
#define SCSI_GOOD		0x00
#define SCSI_CHECK_CONDITION	0x02
#define SCSI_BUSY		0x08
#define SCSI_CONFLICT		0x18
#define SCSI_TASK_SET_FULL	0x28

/* Peripheral device types. */
#define SCSI_DISK		0x00
#define SCSI_CDROM		0x05
#define SCSI_NO_DEVICE		0x1f

/* Sense keys. */
#define SCSI_KEY_NONE		0x0
#define SCSI_KEY_RECOVERED	0x1
#define SCSI_KEY_NOT_READY	0x2
#define SCSI_KEY_ILLEGAL	0x5
#define SCSI_KEY_ATTENTION	0x6
#define SCSI_KEY_PROTECT	0x7
#define SCSI_KEY_ABORTED	0xb

/* Additional sense code and qualifier, as one number. */
#define SCSI_ASC_NO_MEDIUM	0x3a	/* high byte */
#define SCSI_ASC_CAPACITY	0x2a09	/* capacity data has changed */
#define SCSI_ASC_LUNS		0x3f0e	/* reported luns data has changed */

/* ---- commands: each sets all of cdb ---------------- */
void	 scsi_cdb_ready(uint8_t cdb[SCSI_CDB]);
void	 scsi_cdb_inquiry(uint8_t cdb[SCSI_CDB], uint16_t len);
/* A page of vital product data. */
void	 scsi_cdb_vpd(uint8_t cdb[SCSI_CDB], uint8_t page, uint16_t len);
void	 scsi_cdb_luns(uint8_t cdb[SCSI_CDB], uint32_t len);
void	 scsi_cdb_capacity10(uint8_t cdb[SCSI_CDB]);
void	 scsi_cdb_capacity16(uint8_t cdb[SCSI_CDB], uint32_t len);
void	 scsi_cdb_mode6(uint8_t cdb[SCSI_CDB], uint8_t page, uint8_t len);
/*
 * nblk blocks from lba on, in the 10-byte form where that can say it, else in
 * the 16-byte form.
 */
void	 scsi_cdb_rw(uint8_t cdb[SCSI_CDB], bool write, uint64_t lba,
	    uint32_t nblk);
void	 scsi_cdb_sync(uint8_t cdb[SCSI_CDB]);
void	 scsi_cdb_unmap(uint8_t cdb[SCSI_CDB], uint16_t len);

/* The parameter list of UNMAP, for one range. */
#define SCSI_UNMAP_LEN	24
void	 scsi_unmap_list(uint8_t buf[SCSI_UNMAP_LEN], uint64_t lba,
	    uint32_t nblk);

/* ---- answers ---------------- */
struct scsi_inquiry {
	uint8_t		 si_type;	/* SCSI_DISK .. */
	bool		 si_present;	/* a device is connected to the lun */
	char		 si_vendor[9];	/* printable, trailing blanks cut */
	char		 si_product[17];
	char		 si_revision[5];
};
/* 0 or -PV_EPROTO: too short to be one. */
int	 scsi_inquiry(const uint8_t *, size_t len, struct scsi_inquiry *);

struct scsi_capacity {
	uint64_t	 sp_nblk;
	uint32_t	 sp_bsize;	/* a power of two, 512 .. 64 KiB */
	bool		 sp_unmap;	/* 16-byte form: thin provisioned */
};
/*
 * 0; -PV_EPROTO: too short, or a block size that is none.  -PV_ERANGE from
 * the 10-byte form: too large for it, ask with the other.
 */
int	 scsi_capacity10(const uint8_t *, size_t len, struct scsi_capacity *);
int	 scsi_capacity16(const uint8_t *, size_t len, struct scsi_capacity *);

/*
 * The numbers of the luns in an answer to REPORT LUNS; at most max.  Entries
 * in forms other than peripheral and flat addressing are left out.  Returns
 * how many, or -PV_EPROTO.
 */
int	 scsi_luns(const uint8_t *, size_t len, uint16_t *lun,
	    unsigned int max);

/*
 * Pages of vital product data: the serial number, of printable characters (""
 * when there is none), and how many blocks one range of UNMAP may have (0:
 * not told).
 */
#define SCSI_VPD_SERIAL	0x80
#define SCSI_VPD_LIMITS	0xb0
void	 scsi_vpd_serial(const uint8_t *, size_t len, char *text, size_t size);
uint32_t scsi_vpd_maxunmap(const uint8_t *, size_t len);

/* MODE SENSE(6): is the medium write protected? */
bool	 scsi_mode6_readonly(const uint8_t *, size_t len);

struct scsi_sense {
	uint8_t		 se_key;
	uint16_t	 se_asc;	/* code << 8 | qualifier */
};
/* Fixed or descriptor format; false: it is neither, and all is 0. */
bool	 scsi_sense(const uint8_t *, size_t len, struct scsi_sense *);

/*
 * What a status with its sense means to a block device's consumer: 0 (done),
 * -PV_EAGAIN (ask again), -PV_EIO, -PV_EROFS, -PV_EOPNOTSUPP, -PV_ENXIO (no
 * medium, or no such unit).
 */
int	 scsi_result(uint8_t status, const struct scsi_sense *);

#endif /* SCSI_H */
