/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * part.c -- read partition tables.
 *
 *  MBR    sector 0 ends in 55 aa and has four entries at 446.  One of them
 *         may be an extended partition: a chain of sectors of the same form,
 *         each with one logical partition (relative to that sector) and a
 *         link to the next (relative to the extended partition).
 *  GPT    the MBR has an entry of type ee; block 1 is a header that names an
 *         array of entries, the last block of the disk is a copy.  Header
 *         and array have a CRC each; when those of block 1 are wrong, the
 *         copy is tried.
 *
 * Addresses on the disk count blocks of ps_bsize; ours count 512 bytes.
 * Reference: UEFI specification 2.10, chapter 5.
 */

#include <part.h>

#include <pv/errno.h>
#include <string.h>

#define MBR_ENTRY	446
#define MBR_NENTRY	4
#define MBR_ENTRYLEN	16
#define MBR_EXTENDED	0x05
#define MBR_EXTENDED_LBA 0x0f
#define MBR_EXTENDED_LINUX 0x85
#define MBR_GPT		0xee
#define MBR_LOGICAL	5		/* number of the first */

#define GPT_HDRLEN	92
#define GPT_NENTRY_MAX	1024
#define GPT_ENTRYLEN_MIN 128

struct part_gpt {
	uint64_t	 gp_first, gp_last;	/* usable blocks */
	uint64_t	 gp_array;		/* block of the first entry */
	uint32_t	 gp_nentry, gp_entrylen, gp_arraycrc;
};

/* ---- little-endian fields ---------------------------------------------- */

static uint32_t
part_le32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t
part_le64(const uint8_t *p)
{
	return part_le32(p) | (uint64_t)part_le32(p + 4) << 32;
}

uint32_t
part_crc32(uint32_t crc, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	unsigned int bit;

	crc = ~crc;
	while (len-- > 0) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static void
part_warn(const struct part_src *ps, const char *what, uint64_t num)
{
	ps->ps_warn(ps->ps_arg, what, num);
}

static int
part_read(const struct part_src *ps, uint64_t block)
{
	return ps->ps_read(ps->ps_arg, block, ps->ps_buf);
}

static uint64_t
part_nblock(const struct part_src *ps)
{
	return ps->ps_nsect / (ps->ps_bsize / PV_SECT_SIZE);
}

/* ---- the table --------------------------------------------------------- */

static bool
part_overlaps(const struct part_table *pl, uint64_t start, uint64_t nsect)
{
	const struct part *pt;
	unsigned int i;

	for (i = 0; i < pl->pl_npart; i++) {
		pt = &pl->pl_part[i];
		if (start < pt->pt_start + pt->pt_nsect &&
		    pt->pt_start < start + nsect)
			return true;
	}
	return false;
}

/*
 * Enter a partition of len blocks; NULL when it was refused.
 */
static struct part *
part_add(const struct part_src *ps, struct part_table *pl, unsigned int num,
    uint64_t start, uint64_t len)
{
	uint64_t nblock = part_nblock(ps);
	unsigned int f = ps->ps_bsize / PV_SECT_SIZE;
	struct part *pt;

	/* peer: written by anyone; sums can not overflow after this test. */
	if (start == 0 || len == 0 || start >= nblock || len > nblock - start) {
		part_warn(ps, "lies outside of the disk: left out", num);
		return NULL;
	}
	if (part_overlaps(pl, start * f, len * f)) {
		part_warn(ps, "overlaps another: left out", num);
		return NULL;
	}
	if (pl->pl_npart == PART_MAX) {
		part_warn(ps, "is one too many: left out", num);
		return NULL;
	}
	pt = &pl->pl_part[pl->pl_npart++];
	pt->pt_num = num;
	pt->pt_start = start * f;
	pt->pt_nsect = len * f;
	return pt;
}

/* ---- MBR --------------------------------------------------------------- */

struct part_mbr {
	uint8_t		 mb_boot, mb_type;
	uint64_t	 mb_start, mb_len;	/* blocks */
};

static void
part_mbr_entry(const uint8_t *sector, unsigned int i, struct part_mbr *mb)
{
	const uint8_t *p = sector + MBR_ENTRY + i * MBR_ENTRYLEN;

	mb->mb_boot = p[0];
	mb->mb_type = p[4];
	mb->mb_start = part_le32(p + 8);
	mb->mb_len = part_le32(p + 12);
}

/*
 * A boot sector of a file system ends in 55 aa too; its code hardly looks
 * like four entries with sane boot flags.
 */
static bool
part_mbr_valid(const uint8_t *sector)
{
	struct part_mbr mb;
	unsigned int i, nused = 0;

	if (sector[510] != 0x55 || sector[511] != 0xaa)
		return false;
	for (i = 0; i < MBR_NENTRY; i++) {
		part_mbr_entry(sector, i, &mb);
		if (mb.mb_boot != 0 && mb.mb_boot != 0x80)
			return false;
		if (mb.mb_type != 0)
			nused++;
	}
	return nused > 0;
}

static bool
part_mbr_extended(const struct part_mbr *mb)
{
	return mb->mb_type == MBR_EXTENDED ||
	    mb->mb_type == MBR_EXTENDED_LBA ||
	    mb->mb_type == MBR_EXTENDED_LINUX;
}

static void
part_mbr_type(struct part *pt, uint8_t type)
{
	static const struct {
		uint8_t	 type;
		char	 name[16];
	} names[] = {
		{ 0x01, "FAT12" }, { 0x06, "FAT16" }, { 0x07, "NTFS" },
		{ 0x0b, "FAT32" }, { 0x0c, "FAT32" }, { 0x82, "Linux swap" },
		{ 0x83, "Linux" }, { 0x8e, "Linux LVM" }, { 0xa6, "OpenBSD" },
		{ 0xa5, "FreeBSD" }, { 0xef, "EFI system" },
		{ 0xfd, "Linux RAID" },
	};
	static const char hex[] = "0123456789abcdef";
	const char *name = "type";
	size_t len;
	unsigned int i;

	for (i = 0; i < PV_NELEM(names); i++)
		if (names[i].type == type)
			name = names[i].name;
	len = strlen(name);
	memcpy(pt->pt_type, name, len);
	memcpy(pt->pt_type + len, " (xx)", 6);
	pt->pt_type[len + 2] = hex[type >> 4];
	pt->pt_type[len + 3] = hex[type & 15];
}

/*
 * Enter the n-th logical partition; mb_start counts from the extended one.
 */
static void
part_mbr_logical(const struct part_src *ps, struct part_table *pl,
    const struct part_mbr *ext, const struct part_mbr *mb, unsigned int n)
{
	struct part *pt;

	if (mb->mb_start + mb->mb_len > ext->mb_len) {
		part_warn(ps, "lies outside of its extended partition: left"
		    " out", MBR_LOGICAL + n);
		return;
	}
	pt = part_add(ps, pl, MBR_LOGICAL + n,
	    ext->mb_start + mb->mb_start, mb->mb_len);
	if (pt != NULL)
		part_mbr_type(pt, mb->mb_type);
}

/*
 * Follow the chain of an extended partition.  peer: a chain may bite its own
 * tail; the count of links is bounded by the table.
 */
static int
part_mbr_chain(const struct part_src *ps, struct part_table *pl,
    const struct part_mbr *ext)
{
	struct part_mbr mb, link;
	uint64_t at = 0;
	unsigned int n;
	int rv;

	for (n = 0; n < PART_MAX; n++) {
		rv = part_read(ps, ext->mb_start + at);
		if (rv != 0)
			return rv;
		if (!part_mbr_valid(ps->ps_buf)) {
			part_warn(ps, "logical partition without a table entry"
			    " ends the chain", MBR_LOGICAL + n);
			return 0;
		}
		part_mbr_entry(ps->ps_buf, 0, &mb);
		part_mbr_entry(ps->ps_buf, 1, &link);
		if (mb.mb_type != 0 && !part_mbr_extended(&mb)) {
			mb.mb_start += at;	/* from its own sector */
			part_mbr_logical(ps, pl, ext, &mb, n);
		}
		if (!part_mbr_extended(&link) || link.mb_start == 0)
			return 0;
		if (link.mb_start >= ext->mb_len)
			break;
		at = link.mb_start;
	}
	part_warn(ps, "chain of logical partitions is cut off", n);
	return 0;
}

static int
part_mbr_scan(const struct part_src *ps, struct part_table *pl)
{
	struct part_mbr mb[MBR_NENTRY];
	struct part *pt;
	unsigned int i;
	int rv;

	pl->pl_kind = "MBR";
	for (i = 0; i < MBR_NENTRY; i++)
		part_mbr_entry(ps->ps_buf, i, &mb[i]);
	for (i = 0; i < MBR_NENTRY; i++) {
		if (mb[i].mb_type == 0 || part_mbr_extended(&mb[i]))
			continue;
		pt = part_add(ps, pl, i + 1, mb[i].mb_start, mb[i].mb_len);
		if (pt != NULL)
			part_mbr_type(pt, mb[i].mb_type);
	}
	for (i = 0; i < MBR_NENTRY; i++) {
		if (!part_mbr_extended(&mb[i]))
			continue;
		if (mb[i].mb_start == 0 ||
		    mb[i].mb_start >= part_nblock(ps)) {
			part_warn(ps, "(extended) lies outside of the disk:"
			    " left out", i + 1);
			continue;
		}
		rv = part_mbr_chain(ps, pl, &mb[i]);
		if (rv != 0)
			return rv;
	}
	return 0;
}

/* ---- GPT --------------------------------------------------------------- */

static void
part_gpt_type(struct part *pt, const uint8_t *guid)
{
	static const struct {
		uint8_t	 guid[16];
		char	 name[24];
	} names[] = {
		{ { 0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79,
		    0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4 }, "Linux filesystem" },
		{ { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b,
		    0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b }, "EFI system" },
		{ { 0x48, 0x61, 0x68, 0x21, 0x49, 0x64, 0x6f, 0x6e, 0x74, 0x4e,
		    0x65, 0x65, 0x64, 0x45, 0x46, 0x49 }, "BIOS boot" },
		{ { 0x6d, 0xfd, 0x57, 0x06, 0xab, 0xa4, 0xc4, 0x43, 0x84, 0xe5,
		    0x09, 0x33, 0xc8, 0x4b, 0x4f, 0x4f }, "Linux swap" },
		{ { 0xa2, 0xa0, 0xd0, 0xeb, 0xe5, 0xb9, 0x33, 0x44, 0x87, 0xc0,
		    0x68, 0xb6, 0xb7, 0x26, 0x99, 0xc7 }, "basic data" },
	};
	static const char hex[] = "0123456789abcdef";
	unsigned int i;

	for (i = 0; i < PV_NELEM(names); i++) {
		if (memcmp(guid, names[i].guid, 16) != 0)
			continue;
		memcpy(pt->pt_type, names[i].name, sizeof(names[i].name));
		return;
	}
	memcpy(pt->pt_type, "GUID ", 5);
	for (i = 0; i < 4; i++) {	/* its first field, as written */
		pt->pt_type[5 + 2 * i] = hex[guid[3 - i] >> 4];
		pt->pt_type[6 + 2 * i] = hex[guid[3 - i] & 15];
	}
	memcpy(pt->pt_type + 13, "..", 3);
}

/*
 * Check the header in ps_buf that was read from block `at'.
 */
static bool
part_gpt_header(const struct part_src *ps, uint64_t at, struct part_gpt *gp)
{
	const uint8_t *h = ps->ps_buf;
	static const uint8_t zero[4];
	uint64_t nblock = part_nblock(ps), nbyte;
	uint32_t len, crc;

	if (memcmp(h, "EFI PART", 8) != 0 || part_le32(h + 8) < 0x10000)
		return false;
	len = part_le32(h + 12);
	if (len < GPT_HDRLEN || len > ps->ps_bsize)
		return false;
	crc = part_crc32(0, h, 16);		/* its own field counts as 0 */
	crc = part_crc32(crc, zero, 4);
	crc = part_crc32(crc, h + 20, len - 20);
	if (crc != part_le32(h + 16) || part_le64(h + 24) != at)
		return false;

	gp->gp_first = part_le64(h + 40);
	gp->gp_last = part_le64(h + 48);
	gp->gp_array = part_le64(h + 72);
	gp->gp_nentry = part_le32(h + 80);
	gp->gp_entrylen = part_le32(h + 84);
	gp->gp_arraycrc = part_le32(h + 88);
	if (gp->gp_first > gp->gp_last || gp->gp_last >= nblock)
		return false;
	/* An entry never crosses a block: the length is a power of two. */
	if (gp->gp_entrylen < GPT_ENTRYLEN_MIN ||
	    gp->gp_entrylen > PV_SECT_SIZE ||
	    (gp->gp_entrylen & (gp->gp_entrylen - 1)) != 0)
		return false;
	if (gp->gp_nentry == 0 || gp->gp_nentry > GPT_NENTRY_MAX)
		return false;
	nbyte = (uint64_t)gp->gp_nentry * gp->gp_entrylen;
	return gp->gp_array != 0 && gp->gp_array < nblock &&
	    PV_HOWMANY(nbyte, ps->ps_bsize) <= nblock - gp->gp_array;
}

/*
 * Walk the array of entries: check its CRC (pl NULL), or enter them.
 */
static int
part_gpt_array(const struct part_src *ps, const struct part_gpt *gp,
    struct part_table *pl, uint32_t *crc)
{
	static const uint8_t unused[16];
	uint32_t per = ps->ps_bsize / gp->gp_entrylen, i;
	uint64_t first, last;
	const uint8_t *e;
	struct part *pt;
	int rv;

	for (i = 0; i < gp->gp_nentry; i++) {
		if (i % per == 0) {
			rv = part_read(ps, gp->gp_array + i / per);
			if (rv != 0)
				return rv;
		}
		e = ps->ps_buf + (size_t)(i % per) * gp->gp_entrylen;
		*crc = part_crc32(*crc, e, gp->gp_entrylen);
		if (pl == NULL || memcmp(e, unused, 16) == 0)
			continue;
		first = part_le64(e + 32);
		last = part_le64(e + 40);
		if (first < gp->gp_first || last > gp->gp_last ||
		    first > last) {
			part_warn(ps, "lies outside of the usable blocks:"
			    " left out", i + 1);
			continue;
		}
		pt = part_add(ps, pl, i + 1, first, last - first + 1);
		if (pt != NULL)
			part_gpt_type(pt, e);
	}
	return 0;
}

/*
 * Take the table whose header is in block `at'.  Returns 1 when it is good,
 * 0 when it is not, or what reading failed with.
 */
static int
part_gpt_try(const struct part_src *ps, struct part_table *pl, uint64_t at)
{
	struct part_gpt gp;
	uint32_t crc = 0;
	int rv;

	rv = part_read(ps, at);
	if (rv != 0)
		return rv;
	if (!part_gpt_header(ps, at, &gp))
		return 0;
	rv = part_gpt_array(ps, &gp, NULL, &crc);
	if (rv != 0)
		return rv;
	if (crc != gp.gp_arraycrc)
		return 0;
	rv = part_gpt_array(ps, &gp, pl, &crc);
	return rv != 0 ? rv : 1;
}

static int
part_gpt_scan(const struct part_src *ps, struct part_table *pl)
{
	int rv;

	pl->pl_kind = "GPT";
	rv = part_gpt_try(ps, pl, 1);
	if (rv != 0)
		return rv < 0 ? rv : 0;
	rv = part_gpt_try(ps, pl, part_nblock(ps) - 1);
	if (rv == 1) {
		part_warn(ps, "table is damaged: using the copy at the end of"
		    " the disk (repair it with gdisk)", 0);
		return 0;
	}
	if (rv == 0) {
		pl->pl_kind = "damaged GPT";
		part_warn(ps, "table and its copy are damaged: no partitions"
		    " (repair them with gdisk)", 0);
	}
	return rv;
}

/* ---- both -------------------------------------------------------------- */

int
part_scan(const struct part_src *ps, struct part_table *pl)
{
	struct part_mbr mb;
	unsigned int i;
	int rv;

	memset(pl, 0, sizeof(*pl));
	pl->pl_kind = "no partition table";
	if (ps->ps_bsize < PV_SECT_SIZE || ps->ps_bsize > PART_BSIZE_MAX ||
	    (ps->ps_bsize & (ps->ps_bsize - 1)) != 0 || part_nblock(ps) < 4)
		return 0;
	rv = part_read(ps, 0);
	if (rv != 0)
		return rv;
	if (!part_mbr_valid(ps->ps_buf))
		return 0;
	for (i = 0; i < MBR_NENTRY; i++) {
		part_mbr_entry(ps->ps_buf, i, &mb);
		if (mb.mb_type == MBR_GPT)
			return part_gpt_scan(ps, pl);
	}
	return part_mbr_scan(ps, pl);
}
