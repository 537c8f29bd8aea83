/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/dsdt.c -- virtio devices that ACPI tells of, as QEMU's microvm does.
 *
 * They are described in the DSDT, which is a program.  There is no interpreter
 * for it here: of such a device the text "LNRO0005", its registers and its
 * interrupt stand in it as they are, in this order,
 *
 *	"LNRO0005" ..  86 09 00 rw  base:4 length:4    (Memory32Fixed)
 *	               89 06 00 flags 01 line:4        (Interrupt)
 *
 * (ACPI 6.5, sections 6.4.3.4 and 6.4.3.6), and are looked for within a short
 * distance.  Lines above the first I/O APIC's need the others, from the MADT.
 */

#include <string.h>

#include <arch.h>

#include "../mode.h"
#include "hvm.h"

#define DSDT_ID		"LNRO0005"
#define DSDT_IDLEN	9u		/* with its NUL */
#define DSDT_NEAR	160u		/* bytes in which the rest must stand */
#define DSDT_FADT	40u		/* where the FADT names the DSDT */
#define DSDT_IOAPIC	1u		/* kind of an entry of the MADT */
#define DSDT_FIRST	44u

static uint32_t
dsdt_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The descriptor that begins with these bytes (0xff: any), or NULL. */
static const uint8_t *
dsdt_find(const uint8_t *p, const uint8_t *end, const uint8_t head[5],
    size_t len)
{
	for (; p + len <= end; p++) {
		if (p[0] == head[0] && p[1] == head[1] && p[2] == head[2] &&
		    (head[4] == 0xff || p[4] == head[4]))
			return p;
	}
	return NULL;
}

/* One device, from its name on. */
static void
dsdt_device(const uint8_t *p, const uint8_t *end,
    void (*fn)(void *, pv_pa_t, uint32_t), void *arg)
{
	static const uint8_t memory[] = { 0x86, 9, 0, 0, 0xff };
	static const uint8_t line[] = { 0x89, 6, 0, 0, 1 };
	const uint8_t *m, *l;

	if ((size_t)(end - p) > DSDT_NEAR)
		end = p + DSDT_NEAR;
	m = dsdt_find(p, end, memory, 12);
	l = m == NULL ? NULL : dsdt_find(m + 12, end, line, 9);
	if (l != NULL)
		fn(arg, dsdt_get32(m + 4), dsdt_get32(l + 5));
}

/* The other I/O APICs. */
static void
dsdt_ioapics(void)
{
	uint32_t len, off;
	const uint8_t *p = madt_open_table("APIC", &len);

	if (p == NULL)
		return;
	for (off = DSDT_FIRST; off + 2 <= len && p[off + 1] >= 2 &&
	    off + p[off + 1] <= len; off += p[off + 1]) {
		if (p[off] == DSDT_IOAPIC && p[off + 1] >= 12)
			ioapic_add(dsdt_get32(p + off + 4),
			    dsdt_get32(p + off + 8));
	}
	madt_close(p, len);
}

/*
 * arch_virtio_mmio -- see kernel/arch.h
 *
 * Context: thread.
 */
void
arch_virtio_mmio(void (*fn)(void *, pv_pa_t, uint32_t), void *arg)
{
	const uint8_t *p, *at, *end;
	bool first = true;
	uint64_t pa = 0;
	uint32_t len;

	if (mode_boot.bi_way == BOOT_XEN_PV)
		return;
	p = madt_open_table("FACP", &len);
	if (p == NULL)
		return;
	if (len >= DSDT_FADT + 4)
		pa = dsdt_get32(p + DSDT_FADT);
	madt_close(p, len);
	p = pa == 0 ? NULL : madt_open(pa, "DSDT", &len);
	if (p == NULL)
		return;
	end = p + len;
	for (at = p; at + DSDT_IDLEN <= end; at++) {
		if (memcmp(at, DSDT_ID, DSDT_IDLEN) != 0)
			continue;
		if (first)
			dsdt_ioapics();
		first = false;
		dsdt_device(at + DSDT_IDLEN, end, fn, arg);
	}
	madt_close(p, len);
}
