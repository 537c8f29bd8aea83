/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/madt.c -- which processors there are, by ACPI: the multiple APIC
 * description table; and how to find ACPI's tables at all.
 *
 *	RSDP (from the PVH start information, or in the BIOS's ROM)
 *	  -> XSDT or RSDT -> the table whose signature is "APIC"
 *
 * The tables are firmware's: lengths are bounded and sums are checked.
 */

#include <string.h>

#include <arch.h>

#include "../layout.h"
#include "hvm.h"

#define MADT_ROM	0xe0000u	/* where firmware puts the RSDP */
#define MADT_ROM_END	0x100000u
#define MADT_TABLE_MAX	0x10000u	/* bytes of a table */
#define MADT_HEAD	36u		/* bytes, common to all tables */
#define MADT_FIRST	44u		/* the first entry of the MADT */
#define MADT_LAPIC	0u		/* kinds of entries */
#define MADT_X2APIC	9u
#define MADT_ENABLED	1u

struct madt_rsdp {
	char		 rs_sig[8];
	uint8_t		 rs_sum;
	char		 rs_oem[6];
	uint8_t		 rs_rev;
	uint32_t	 rs_rsdt;
	uint32_t	 rs_len;	/* from revision 2 on */
	uint64_t	 rs_xsdt;
	uint8_t		 rs_xsum, rs_zero[3];
} __attribute__((__packed__));

#define MADT_RSDP1	20u		/* bytes of revision 0 */

static uint32_t
madt_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static bool
madt_sum_is_0(const uint8_t *p, size_t len)
{
	uint8_t sum = 0;

	for (; len > 0; len--)
		sum = (uint8_t)(sum + *p++);
	return sum == 0;
}

/*
 * madt_open -- a whole table, mapped, when it has that signature; *len bytes
 *
 * NULL: it is not there or makes no sense.  Context: thread.
 */
const uint8_t *
madt_open(uint64_t pa, const char *sig, uint32_t *len)
{
	const uint8_t *p = window_map(pa, MADT_HEAD, 0);
	bool is;

	if (p == NULL)
		return NULL;
	*len = madt_get32(p + 4);
	is = memcmp(p, sig, 4) == 0 && *len >= MADT_HEAD &&
	    *len <= MADT_TABLE_MAX;
	window_unmap((void *)(uintptr_t)p, MADT_HEAD);
	if (!is)
		return NULL;
	p = window_map(pa, *len, 0);
	if (p != NULL && !madt_sum_is_0(p, *len)) {
		window_unmap((void *)(uintptr_t)p, *len);
		p = NULL;
	}
	return p;
}

/* Context: thread. */
void
madt_close(const uint8_t *p, uint32_t len)
{
	window_unmap((void *)(uintptr_t)p, len);
}

static bool
madt_is_rsdp(const uint8_t *p)
{
	return memcmp(p, "RSD PTR ", 8) == 0 && madt_sum_is_0(p, MADT_RSDP1);
}

static bool
madt_find_rsdp(struct madt_rsdp *rs)
{
	const uint8_t *p;
	uint32_t off;
	bool found;

	if (memmap_rsdp != 0) {
		p = window_map(memmap_rsdp, sizeof(*rs), 0);
		found = p != NULL && madt_is_rsdp(p);
		if (found)
			memcpy(rs, p, sizeof(*rs));
		if (p != NULL)
			madt_close(p, sizeof(*rs));
		if (found)
			return true;
	}
	p = window_map(MADT_ROM, MADT_ROM_END - MADT_ROM, 0);
	if (p == NULL)
		return false;
	for (off = 0; off < MADT_ROM_END - MADT_ROM; off += 16) {
		if (madt_is_rsdp(p + off))
			break;
	}
	found = off < MADT_ROM_END - MADT_ROM;
	if (found)
		memcpy(rs, p + off, sizeof(*rs));
	madt_close(p, MADT_ROM_END - MADT_ROM);
	return found;
}

/* The table of tables, which is either of two. */
static const uint8_t *
madt_open_root(uint32_t *len, unsigned int *width)
{
	struct madt_rsdp rs;

	if (!madt_find_rsdp(&rs))
		return NULL;
	*width = 8;
	if (rs.rs_rev >= 2 && rs.rs_xsdt != 0)
		return madt_open(rs.rs_xsdt, "XSDT", len);
	*width = 4;
	return madt_open(rs.rs_rsdt, "RSDT", len);
}

/*
 * madt_open_table -- the table of that signature that the root names, or NULL
 *
 * Context: thread.
 */
const uint8_t *
madt_open_table(const char *sig, uint32_t *len)
{
	const uint8_t *root, *p = NULL;
	unsigned int width;
	uint32_t rlen, off;
	uint64_t pa;

	root = madt_open_root(&rlen, &width);
	if (root == NULL)
		return NULL;
	for (off = MADT_HEAD; p == NULL && off + width <= rlen; off += width) {
		pa = madt_get32(root + off);
		if (width == 8)
			pa |= (uint64_t)madt_get32(root + off + 4) << 32;
		p = madt_open(pa, sig, len);
	}
	madt_close(root, rlen);
	return p;
}

/* The APIC id that an entry tells of, or UINT32_MAX. */
static uint32_t
madt_entry(const uint8_t *e)
{
	if (e[0] == MADT_LAPIC && e[1] >= 8 &&
	    (madt_get32(e + 4) & MADT_ENABLED) != 0)
		return e[3];
	if (e[0] == MADT_X2APIC && e[1] >= 16 &&
	    (madt_get32(e + 8) & MADT_ENABLED) != 0)
		return madt_get32(e + 4);
	return UINT32_MAX;
}

/*
 * madt_read -- the APIC ids of the processors that can be used
 *
 * Returns how many ids were stored, at most max; 0: nobody says.
 * Context: thread.
 */
unsigned int
madt_read(uint32_t *ids, unsigned int max)
{
	const uint8_t *p;
	unsigned int n = 0;
	uint32_t len, off, id;

	p = madt_open_table("APIC", &len);
	if (p == NULL)
		return 0;
	for (off = MADT_FIRST; off + 2 <= len && p[off + 1] >= 2 &&
	    off + p[off + 1] <= len; off += p[off + 1]) {
		id = madt_entry(p + off);
		if (id != UINT32_MAX && n < max)
			ids[n++] = id;
	}
	madt_close(p, len);
	return n;
}
