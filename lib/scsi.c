/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scsi.c -- SCSI commands and answers; see scsi.h.
 */

#include "scsi.h"

#include "str.h"

/* Operation codes. */
#define SCSI_OP_TEST_UNIT_READY	0x00
#define SCSI_OP_INQUIRY		0x12
#define SCSI_OP_MODE_SENSE_6	0x1a
#define SCSI_OP_CAPACITY_10	0x25
#define SCSI_OP_READ_10		0x28
#define SCSI_OP_WRITE_10	0x2a
#define SCSI_OP_SYNC_10		0x35
#define SCSI_OP_UNMAP		0x42
#define SCSI_OP_READ_16		0x88
#define SCSI_OP_WRITE_16	0x8a
#define SCSI_OP_SERVICE_IN_16	0x9e
#define SCSI_SA_CAPACITY_16	0x10
#define SCSI_OP_REPORT_LUNS	0xa0

#define SCSI_VPD_BIT		0x01	/* INQUIRY, byte 1 */
#define SCSI_MODE_DBD		0x08	/* MODE SENSE, byte 1 */
#define SCSI_MODE_WP		0x80	/* device-specific parameter */
#define SCSI_LBPME		0x80	/* READ CAPACITY(16), byte 14 */

/* ---- bytes ------------------------------------------------------------- */

static void
scsi_put(uint8_t *p, unsigned int n, uint64_t v)
{
	while (n-- > 0) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

static uint64_t
scsi_get(const uint8_t *p, unsigned int n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static void
scsi_cdb(uint8_t cdb[SCSI_CDB], uint8_t op)
{
	unsigned int i;

	cdb[0] = op;
	for (i = 1; i < SCSI_CDB; i++)
		cdb[i] = 0;
}

/* ---- commands ---------------------------------------------------------- */

void
scsi_cdb_ready(uint8_t cdb[SCSI_CDB])
{
	scsi_cdb(cdb, SCSI_OP_TEST_UNIT_READY);
}

void
scsi_cdb_inquiry(uint8_t cdb[SCSI_CDB], uint16_t len)
{
	scsi_cdb(cdb, SCSI_OP_INQUIRY);
	scsi_put(cdb + 3, 2, len);
}

void
scsi_cdb_vpd(uint8_t cdb[SCSI_CDB], uint8_t page, uint16_t len)
{
	scsi_cdb_inquiry(cdb, len);
	cdb[1] = SCSI_VPD_BIT;
	cdb[2] = page;
}

void
scsi_cdb_luns(uint8_t cdb[SCSI_CDB], uint32_t len)
{
	scsi_cdb(cdb, SCSI_OP_REPORT_LUNS);
	scsi_put(cdb + 6, 4, len);
}

void
scsi_cdb_capacity10(uint8_t cdb[SCSI_CDB])
{
	scsi_cdb(cdb, SCSI_OP_CAPACITY_10);
}

void
scsi_cdb_capacity16(uint8_t cdb[SCSI_CDB], uint32_t len)
{
	scsi_cdb(cdb, SCSI_OP_SERVICE_IN_16);
	cdb[1] = SCSI_SA_CAPACITY_16;
	scsi_put(cdb + 10, 4, len);
}

void
scsi_cdb_mode6(uint8_t cdb[SCSI_CDB], uint8_t page, uint8_t len)
{
	scsi_cdb(cdb, SCSI_OP_MODE_SENSE_6);
	cdb[1] = SCSI_MODE_DBD;
	cdb[2] = page;
	cdb[4] = len;
}

void
scsi_cdb_rw(uint8_t cdb[SCSI_CDB], bool write, uint64_t lba, uint32_t nblk)
{
	if (lba <= UINT32_MAX && nblk <= UINT16_MAX) {
		scsi_cdb(cdb, write ? SCSI_OP_WRITE_10 : SCSI_OP_READ_10);
		scsi_put(cdb + 2, 4, lba);
		scsi_put(cdb + 7, 2, nblk);
	} else {
		scsi_cdb(cdb, write ? SCSI_OP_WRITE_16 : SCSI_OP_READ_16);
		scsi_put(cdb + 2, 8, lba);
		scsi_put(cdb + 10, 4, nblk);
	}
}

/* From block 0, zero blocks: all of them. */
void
scsi_cdb_sync(uint8_t cdb[SCSI_CDB])
{
	scsi_cdb(cdb, SCSI_OP_SYNC_10);
}

void
scsi_cdb_unmap(uint8_t cdb[SCSI_CDB], uint16_t len)
{
	scsi_cdb(cdb, SCSI_OP_UNMAP);
	scsi_put(cdb + 7, 2, len);
}

void
scsi_unmap_list(uint8_t buf[SCSI_UNMAP_LEN], uint64_t lba, uint32_t nblk)
{
	scsi_put(buf, 2, SCSI_UNMAP_LEN - 2);	/* bytes that follow */
	scsi_put(buf + 2, 2, 16);		/* of them descriptors */
	scsi_put(buf + 4, 4, 0);
	scsi_put(buf + 8, 8, lba);
	scsi_put(buf + 16, 4, nblk);
	scsi_put(buf + 20, 4, 0);
}

/* ---- answers ----------------------------------------------------------- */

/* peer: any bytes; what is not printable becomes '?'. */
static void
scsi_text(char *dst, const uint8_t *src, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		dst[i] = (char)src[i];
	while (n > 0 && (dst[n - 1] == ' ' || dst[n - 1] == '\0'))
		n--;
	dst[n] = '\0';
	str_sanitise(dst, n);
}

int
scsi_inquiry(const uint8_t *p, size_t len, struct scsi_inquiry *si)
{
	if (len < 36)
		return -PV_EPROTO;
	si->si_type = p[0] & 0x1f;
	/* Qualifier 0: connected; 1: supported, but nothing there. */
	si->si_present = p[0] >> 5 == 0 && si->si_type != SCSI_NO_DEVICE;
	scsi_text(si->si_vendor, p + 8, 8);
	scsi_text(si->si_product, p + 16, 16);
	scsi_text(si->si_revision, p + 32, 4);
	return 0;
}

/* peer: the last block's number and the block size, both any number. */
static int
scsi_capacity(uint64_t last, uint32_t bsize, struct scsi_capacity *sp)
{
	if (bsize < PV_SECT_SIZE || bsize > 65536 ||
	    (bsize & (bsize - 1)) != 0)
		return -PV_EPROTO;
	/* So that the size in bytes fits in 63 bits. */
	if (last >= (1ull << 63) / bsize)
		return -PV_EPROTO;
	sp->sp_nblk = last + 1;
	sp->sp_bsize = bsize;
	sp->sp_unmap = false;
	return 0;
}

int
scsi_capacity10(const uint8_t *p, size_t len, struct scsi_capacity *sp)
{
	if (len < 8)
		return -PV_EPROTO;
	if (scsi_get(p, 4) == UINT32_MAX)
		return -PV_ERANGE;
	return scsi_capacity(scsi_get(p, 4), (uint32_t)scsi_get(p + 4, 4), sp);
}

int
scsi_capacity16(const uint8_t *p, size_t len, struct scsi_capacity *sp)
{
	int rv;

	if (len < 12)
		return -PV_EPROTO;
	rv = scsi_capacity(scsi_get(p, 8), (uint32_t)scsi_get(p + 8, 4), sp);
	if (rv == 0)
		sp->sp_unmap = len >= 16 && (p[14] & SCSI_LBPME) != 0;
	return rv;
}

int
scsi_luns(const uint8_t *p, size_t len, uint16_t *lun, unsigned int max)
{
	unsigned int n = 0;
	size_t at, end;

	if (len < 8)
		return -PV_EPROTO;
	end = 8 + (size_t)scsi_get(p, 4);
	if (end > len)
		end = len;	/* the list was longer than our buffer */
	for (at = 8; at + 8 <= end && n < max; at += 8) {
		if (p[at] == 0)
			lun[n++] = p[at + 1];
		else if (p[at] >> 6 == 1)
			lun[n++] = (uint16_t)((p[at] & 0x3f) << 8 | p[at + 1]);
	}
	return (int)n;
}

void
scsi_vpd_serial(const uint8_t *p, size_t len, char *text, size_t size)
{
	size_t n;

	text[0] = '\0';
	if (len < 4 || p[1] != SCSI_VPD_SERIAL)
		return;
	/* peer: as long as the page says, the answer is, and text has. */
	n = (size_t)scsi_get(p + 2, 2);
	if (n > len - 4)
		n = len - 4;
	if (n > size - 1)
		n = size - 1;
	scsi_text(text, p + 4, (unsigned int)n);
}

uint32_t
scsi_vpd_maxunmap(const uint8_t *p, size_t len)
{
	if (len < 24 || p[1] != SCSI_VPD_LIMITS)
		return 0;
	return (uint32_t)scsi_get(p + 20, 4);
}

bool
scsi_mode6_readonly(const uint8_t *p, size_t len)
{
	return len >= 3 && (p[2] & SCSI_MODE_WP) != 0;
}

bool
scsi_sense(const uint8_t *p, size_t len, struct scsi_sense *se)
{
	unsigned int code = len > 0 ? p[0] & 0x7fu : 0;

	se->se_key = 0;
	se->se_asc = 0;
	if ((code == 0x70 || code == 0x71) && len >= 3) {
		se->se_key = p[2] & 0xf;
		if (len >= 14)
			se->se_asc = (uint16_t)scsi_get(p + 12, 2);
		return true;
	}
	if ((code == 0x72 || code == 0x73) && len >= 4) {
		se->se_key = p[1] & 0xf;
		se->se_asc = (uint16_t)scsi_get(p + 2, 2);
		return true;
	}
	return false;
}

static int
scsi_key(const struct scsi_sense *se)
{
	switch (se->se_key) {
	case SCSI_KEY_NONE:
	case SCSI_KEY_RECOVERED:
		return 0;
	case SCSI_KEY_NOT_READY:
		return se->se_asc >> 8 == SCSI_ASC_NO_MEDIUM ? -PV_ENXIO :
		    -PV_EIO;
	case SCSI_KEY_ILLEGAL:
		/* 20: no such command; 25: no such unit. */
		return se->se_asc >> 8 == 0x20 ? -PV_EOPNOTSUPP :
		    se->se_asc >> 8 == 0x25 ? -PV_ENXIO : -PV_EIO;
	case SCSI_KEY_ATTENTION:
	case SCSI_KEY_ABORTED:
		return -PV_EAGAIN;
	case SCSI_KEY_PROTECT:
		return -PV_EROFS;
	default:
		return -PV_EIO;
	}
}

int
scsi_result(uint8_t status, const struct scsi_sense *se)
{
	switch (status) {
	case SCSI_GOOD:
		return 0;
	case SCSI_CHECK_CONDITION:
		return scsi_key(se);
	case SCSI_BUSY:
	case SCSI_TASK_SET_FULL:
		return -PV_EAGAIN;
	default:
		return -PV_EIO;
	}
}
