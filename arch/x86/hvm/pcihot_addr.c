/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/pcihot_addr.c -- addresses for functions that came; see pcihot.h.
 *
 * Firmware has given addresses to what was there when the machine started.
 * These are taken down once, with the windows of bridges; a function that
 * comes later gets the lowest ones that are free in the window of its bus, in
 * memory below 4 GiB.  On the root bus the window is what QEMU has for PCI:
 * memory from 0xe0000000 to the I/O APIC, ports from 0xc000 on.
 *
 * An interrupt line is that of the chip set's router (PIIX3, ICH9) for the
 * pin that the function's leads to.
 */

#include <stdlib.h>

#include <arch.h>
#include <mm.h>

#include "pcihot.h"

#define ADDR_MEM	0xe0000000u	/* windows of the root bus */
#define ADDR_MEM_END	0xfec00000u
#define ADDR_IO		0xc000u
#define ADDR_IO_END	0x10000u
#define ADDR_PAGE	0x1000u		/* no two functions in one page */

#define ADDR_ID		0x00		/* registers of configuration space */
#define ADDR_COMMAND	0x04
#define ADDR_DECODE	0x0003u
#define ADDR_BAR	0x10
#define ADDR_BAR_IO	0x1u
#define ADDR_BAR_WIDE	0x4u
#define ADDR_WIN_IO	0x1c
#define ADDR_WIN_MEM	0x20
#define ADDR_WIN_PREF	0x24
#define ADDR_LINE	0x3c
#define ADDR_PIN	0x3d

/* Addresses in use. */
struct pcihot_addr {
	struct pcihot_addr *pa_next;
	pv_pci_t	 pa_pci;
	bool		 pa_io;
	bool		 pa_window;	/* what is behind a bridge */
	uint64_t	 pa_base, pa_end;
};

/* Where interrupt pins lead: link (pin - 1 + slot + add) % 4 of a router. */
static const struct pcihot_router {
	pv_pci_t	 pr_pci;
	uint32_t	 pr_id;
	unsigned int	 pr_reg, pr_add;
} pcihot_routers[] = {
	{ PCIHOT_FN(0, 1, 0), 0x70008086, 0x60, 3 },	/* PIIX3 */
	{ PCIHOT_FN(0, 31, 0), 0x29188086, 0x68, 0 }	/* ICH9 */
};

static struct pcihot_addr *pcihot_addrs;

/* ---- what is there ----------------------------------------------------- */

/* The functions of a slot; buses behind bridges are marked in todo. */
static int
pcihot_addr_slot(unsigned int bus, unsigned int slot, uint8_t *todo,
    int (*fn)(void *, pv_pci_t), void *arg)
{
	unsigned int f, nfn = 1;
	pv_pci_t pci;
	int rv = 0;

	for (f = 0; f < nfn && rv == 0; f++) {
		pci = PCIHOT_FN(bus, slot, f);
		if (!PCIHOT_THERE(pci))
			continue;
		if (f == 0 && (pv_os_pci_read(pci, PCIHOT_HEADER, 1) &
		    PCIHOT_MULTI) != 0)
			nfn = 8;
		if (pcihot_is_bridge(pci))
			todo[pv_os_pci_read(pci, PCIHOT_SECONDARY, 1)] = 1;
		rv = fn(arg, pci);
	}
	return rv;
}

/*
 * Call fn for all functions, until one returns not 0, which is passed up.
 * Buses are found through their bridges, which are on lower ones.
 */
static int
pcihot_addr_all(int (*fn)(void *, pv_pci_t), void *arg)
{
	uint8_t todo[PCIHOT_NBUS] = { 1 };
	unsigned int bus, slot;
	int rv = 0;

	for (bus = 0; bus < PCIHOT_NBUS && rv == 0; bus++) {
		for (slot = 0; todo[bus] != 0 && slot < 32 && rv == 0; slot++)
			rv = pcihot_addr_slot(bus, slot, todo, fn, arg);
	}
	return rv;
}

static int
pcihot_addr_leads(void *arg, pv_pci_t pci)
{
	pv_pci_t *want = arg;

	if (!pcihot_is_bridge(pci) ||
	    pv_os_pci_read(pci, PCIHOT_SECONDARY, 1) != *want)
		return 0;
	*want = pci;
	return 1;
}

bool
pcihot_addr_bridge(unsigned int bus, pv_pci_t *pci)
{
	*pci = bus;
	/* peer: above the bus that it leads to, so that ways up end. */
	return bus != 0 && pcihot_addr_all(pcihot_addr_leads, pci) == 1 &&
	    PCIHOT_BUS(*pci) < bus;
}

static int
pcihot_addr_note(pv_pci_t pci, bool io, bool window, uint64_t base,
    uint64_t end)
{
	struct pcihot_addr *pa;

	if (base >= end)
		return 0;
	pa = kmalloc(sizeof(*pa));
	if (pa == NULL)
		return -PV_ENOMEM;
	*pa = (struct pcihot_addr){ pcihot_addrs, pci, io, window, base, end };
	pcihot_addrs = pa;
	return 0;
}

/* A window of a bridge: base and limit, 16 bits each or, of ports, 8. */
static int
pcihot_addr_window(pv_pci_t pci, unsigned int reg, uint64_t *base,
    uint64_t *end)
{
	uint32_t v;

	if (reg == ADDR_WIN_IO) {
		v = pv_os_pci_read(pci, reg, 2);
		*base = (v & 0xf0) << 8;
		*end = ((uint64_t)(v >> 8 & 0xf0) << 8) + 0x1000;
	} else {
		v = pv_os_pci_read(pci, reg, 4);
		*base = (v & 0xfff0) << 16;
		*end = (v & 0xfff00000u) + 0x100000ull;
	}
	/* None: the base is above the limit, or both are zero. */
	return *base != 0 && *base < *end;
}

static int
pcihot_addr_windows(pv_pci_t pci)
{
	static const uint8_t reg[] = { ADDR_WIN_IO, ADDR_WIN_MEM,
	    ADDR_WIN_PREF };
	uint64_t base, end;
	unsigned int i;
	int rv = 0;

	for (i = 0; i < PV_NELEM(reg) && rv == 0; i++) {
		if (pcihot_addr_window(pci, reg[i], &base, &end))
			rv = pcihot_addr_note(pci, reg[i] == ADDR_WIN_IO,
			    true, base, end);
	}
	return rv;
}

/* ---- base address registers -------------------------------------------- */

struct pcihot_addr_bar {
	unsigned int	 ab_reg;
	bool		 ab_io, ab_wide;
	uint64_t	 ab_base, ab_len;	/* len 0: there is none */
};

/* All ones are written; the bits that stay zero tell the size. */
static uint64_t
pcihot_addr_mask(pv_pci_t pci, unsigned int reg, uint32_t old)
{
	uint32_t mask;

	pv_os_pci_write(pci, reg, 4, UINT32_MAX);
	mask = pv_os_pci_read(pci, reg, 4);
	pv_os_pci_write(pci, reg, 4, old);
	return mask;
}

/* Reads and sizes the register; the next one's number is returned. */
static unsigned int
pcihot_addr_read(pv_pci_t pci, unsigned int reg, struct pcihot_addr_bar *ab)
{
	uint32_t cmd = pv_os_pci_read(pci, ADDR_COMMAND, 2), low, high = 0;
	uint32_t flags;
	uint64_t mask;

	low = pv_os_pci_read(pci, reg, 4);
	ab->ab_reg = reg;
	ab->ab_io = (low & ADDR_BAR_IO) != 0;
	flags = ab->ab_io ? 3 : 0xf;
	ab->ab_wide = !ab->ab_io && (low & 6) == ADDR_BAR_WIDE &&
	    reg < ADDR_BAR + 20;
	/* It would answer elsewhere meanwhile. */
	pv_os_pci_write(pci, ADDR_COMMAND, 2, cmd & ~ADDR_DECODE);
	mask = pcihot_addr_mask(pci, reg, low) & ~(uint64_t)flags;
	ab->ab_len = mask == 0 ? 0 : UINT32_MAX - mask + 1;
	if (ab->ab_wide) {
		high = pv_os_pci_read(pci, reg + 4, 4);
		mask |= pcihot_addr_mask(pci, reg + 4, high) << 32;
		ab->ab_len = mask == 0 ? 0 : ~mask + 1;
	}
	pv_os_pci_write(pci, ADDR_COMMAND, 2, cmd);
	ab->ab_base = (uint64_t)high << 32 | (low & ~flags);
	if (ab->ab_io)
		ab->ab_len &= 0xffff;
	return reg + (ab->ab_wide ? 8 : 4);
}

static int
pcihot_addr_seen(void *arg, pv_pci_t pci)
{
	unsigned int reg = ADDR_BAR, end = ADDR_BAR + 24;
	struct pcihot_addr_bar ab;
	int rv = 0;

	(void)arg;
	if (pcihot_is_bridge(pci)) {
		end = ADDR_BAR + 8;
		rv = pcihot_addr_windows(pci);
	}
	while (reg < end && rv == 0) {
		reg = pcihot_addr_read(pci, reg, &ab);
		if (ab.ab_base != 0)
			rv = pcihot_addr_note(pci, ab.ab_io, false, ab.ab_base,
			    ab.ab_base + ab.ab_len);
	}
	return rv;
}

int
pcihot_addr_init(void)
{
	return pcihot_addr_all(pcihot_addr_seen, NULL);
}

/* ---- giving ------------------------------------------------------------ */

/*
 * The end of what is in use in a range, or 0.  The window in which we look is
 * no obstacle, nor are those around it.
 */
static uint64_t
pcihot_addr_used(bool io, uint64_t base, uint64_t end, uint64_t first,
    uint64_t last)
{
	const struct pcihot_addr *pa;

	for (pa = pcihot_addrs; pa != NULL; pa = pa->pa_next) {
		if (pa->pa_io != io || pa->pa_end <= base ||
		    pa->pa_base >= end)
			continue;
		if (pa->pa_window && pa->pa_base <= first &&
		    pa->pa_end >= last)
			continue;
		return pa->pa_end;
	}
	return 0;
}

/* The lowest len bytes that are free, aligned to that, or 0. */
static uint64_t
pcihot_addr_find(unsigned int bus, bool io, uint64_t len)
{
	uint64_t first = io ? ADDR_IO : ADDR_MEM, at, next;
	uint64_t last = io ? ADDR_IO_END : ADDR_MEM_END;
	pv_pci_t bridge;

	if (bus != 0 && (!pcihot_addr_bridge(bus, &bridge) ||
	    !pcihot_addr_window(bridge, io ? ADDR_WIN_IO : ADDR_WIN_MEM,
	    &first, &last)))
		return 0;
	/* peer: any size; len may not wrap around. */
	for (at = first; at <= last && len <= last - at; at = next) {
		at = (at + len - 1) & ~(len - 1);
		if (at > last || len > last - at)
			break;
		next = pcihot_addr_used(io, at, at + len, first, last);
		if (next == 0)
			return at;
	}
	return 0;
}

static int
pcihot_addr_set(pv_pci_t pci, const struct pcihot_addr_bar *ab)
{
	uint64_t len = ab->ab_len, at;

	/* peer: a power of two, or it is no size. */
	if ((len & (len - 1)) != 0)
		return -PV_EPROTO;
	if (!ab->ab_io && len < ADDR_PAGE)
		len = ADDR_PAGE;
	at = pcihot_addr_find(PCIHOT_BUS(pci), ab->ab_io, len);
	if (at == 0)
		return -PV_ENOSPC;
	pv_os_pci_write(pci, ab->ab_reg, 4, (uint32_t)at);
	if (ab->ab_wide)
		pv_os_pci_write(pci, ab->ab_reg + 4, 4, (uint32_t)(at >> 32));
	return pcihot_addr_note(pci, ab->ab_io, false, at, at + len);
}

/* The line that the function's pin leads to, through bridges and router. */
static void
pcihot_addr_line(pv_pci_t pci)
{
	unsigned int pin = pv_os_pci_read(pci, ADDR_PIN, 1), i, line;
	const struct pcihot_router *pr;
	pv_pci_t at = pci;

	if (pin < 1 || pin > 4 || pv_os_pci_read(pci, ADDR_LINE, 1) != 0)
		return;
	for (pin--; PCIHOT_BUS(at) != 0; ) {
		pin = (pin + PCIHOT_SLOT(at)) % 4;
		if (!pcihot_addr_bridge(PCIHOT_BUS(at), &at))
			return;
	}
	for (i = 0; i < PV_NELEM(pcihot_routers); i++) {
		pr = &pcihot_routers[i];
		if (pv_os_pci_read(pr->pr_pci, ADDR_ID, 4) != pr->pr_id)
			continue;
		line = pv_os_pci_read(pr->pr_pci, pr->pr_reg +
		    (pin + PCIHOT_SLOT(at) + pr->pr_add) % 4, 1);
		/* 0x80: the link leads nowhere. */
		if (line < 16)
			pv_os_pci_write(pci, ADDR_LINE, 1, line);
		return;
	}
}

int
pcihot_addr_give(pv_pci_t pci)
{
	unsigned int reg = ADDR_BAR;
	struct pcihot_addr_bar ab;
	int rv = 0;

	while (reg < ADDR_BAR + 24 && rv == 0) {
		reg = pcihot_addr_read(pci, reg, &ab);
		if (ab.ab_base == 0 && ab.ab_len != 0)
			rv = pcihot_addr_set(pci, &ab);
	}
	pcihot_addr_line(pci);
	return rv;
}

void
pcihot_addr_take(pv_pci_t pci)
{
	struct pcihot_addr **pp = &pcihot_addrs, *pa;

	while ((pa = *pp) != NULL) {
		if (pa->pa_pci == pci) {
			*pp = pa->pa_next;
			kfree(pa);
		} else {
			pp = &pa->pa_next;
		}
	}
}
