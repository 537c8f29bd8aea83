/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/pcihot_aml.c -- what a DSDT says of hot-plug; see pcihot.h.
 *
 * The DSDT is a program, and there is no interpreter for it here.  What is
 * needed stands in it as it is:
 *
 *	5b 80 "PCST" 01 0b port:2 0a 08		the registers
 *	5b 82 length "S18_" 08 "_ADR" number	function 3.0, a bridge if ..
 *		.. 08 "BSEL" number		the selector of the bus
 *
 * (ACPI 6.5, section 20.2).  A device holds what stands between its beginning
 * and the end that its length tells, so the bridges on the way to a bus are
 * the devices which hold its selector.
 */

#include <string.h>

#include "pcihot.h"

#define AML_NAME	0x08
#define AML_BYTE	0x0a
#define AML_WORD	0x0b
#define AML_DWORD	0x0c
#define AML_EXT		0x5b
#define AML_REGION	0x80
#define AML_DEVICE	0x82

struct pcihot_aml_scan {
	const uint8_t	*as_p;
	size_t		 as_len;
	unsigned int	 as_depth;	/* devices that hold this place */
	size_t		 as_end[PCIHOT_DEPTH];
	uint8_t		 as_path[PCIHOT_DEPTH];
	size_t		 as_beyond;	/* up to here: deeper than that */
};

/* The name and the number at a place, as Name() has them. */
static bool
pcihot_aml_name(const struct pcihot_aml_scan *as, size_t at, const char *name,
    uint32_t *v)
{
	const uint8_t *p = as->as_p + at;
	unsigned int width = 0, i;

	if (as->as_len - at < 6 || p[0] != AML_NAME ||
	    memcmp(p + 1, name, 4) != 0)
		return false;
	if (p[5] == AML_BYTE)
		width = 1;
	else if (p[5] == AML_WORD)
		width = 2;
	else if (p[5] == AML_DWORD)
		width = 4;
	else if (p[5] > 1)
		return false;
	if (as->as_len - at < 6 + width)
		return false;
	*v = width == 0 ? p[5] : 0;
	for (i = 0; i < width; i++)
		*v |= (uint32_t)p[6 + i] << 8 * i;
	return true;
}

/* A device whose address comes first: note where it ends. */
static void
pcihot_aml_device(struct pcihot_aml_scan *as, size_t at)
{
	const uint8_t *p = as->as_p + at;
	unsigned int n, i;
	uint32_t adr;
	size_t len;

	if (as->as_len - at < 16 || p[0] != AML_EXT || p[1] != AML_DEVICE)
		return;
	n = p[2] >> 6;
	len = n == 0 ? p[2] & 0x3f : p[2] & 0x0f;
	for (i = 0; i < n; i++)
		len |= (size_t)p[3 + i] << (4 + 8 * i);
	/* peer: the name behind the length, then the address. */
	if (len < 5 + n || len > as->as_len - at - 2 ||
	    !pcihot_aml_name(as, at + 7 + n, "_ADR", &adr) ||
	    adr >> 16 > 31 || (adr & 0xffff) > 7)
		return;
	if (as->as_depth == PCIHOT_DEPTH) {
		if (as->as_beyond < at + 2 + len)
			as->as_beyond = at + 2 + len;
		return;
	}
	as->as_end[as->as_depth] = at + 2 + len;
	as->as_path[as->as_depth++] =
	    (uint8_t)((adr >> 16) << 3 | (adr & 0xffff));
}

static void
pcihot_aml_region(const struct pcihot_aml_scan *as, size_t at,
    struct pcihot_tables *ht)
{
	static const uint8_t head[] = { AML_EXT, AML_REGION, 'P', 'C', 'S',
	    'T', 1, AML_WORD };
	const uint8_t *p = as->as_p + at;

	if (as->as_len - at >= sizeof(head) + 2 &&
	    memcmp(p, head, sizeof(head)) == 0)
		ht->ht_port = (uint16_t)(p[8] | p[9] << 8);
}

static void
pcihot_aml_bus(const struct pcihot_aml_scan *as, size_t at,
    struct pcihot_tables *ht)
{
	struct pcihot_bus *hb;
	uint32_t select;

	/* peer: no more than there are selectors; none without its way. */
	if (at < as->as_beyond || !pcihot_aml_name(as, at, "BSEL", &select) ||
	    select >= PCIHOT_NBUS || ht->ht_nbus == PCIHOT_NBUS)
		return;
	hb = &ht->ht_bus[ht->ht_nbus++];
	hb->hb_select = (uint8_t)select;
	hb->hb_depth = (uint8_t)as->as_depth;
	hb->hb_bus = PCIHOT_NOBUS;
	memcpy(hb->hb_path, as->as_path, sizeof(hb->hb_path));
}

void
pcihot_aml(const uint8_t *p, size_t len, struct pcihot_tables *ht)
{
	struct pcihot_aml_scan as = { .as_p = p, .as_len = len };
	size_t at;

	for (at = 0; at < len; at++) {
		while (as.as_depth > 0 && as.as_end[as.as_depth - 1] <= at)
			as.as_depth--;
		pcihot_aml_device(&as, at);
		pcihot_aml_region(&as, at, ht);
		pcihot_aml_bus(&as, at, ht);
	}
}
