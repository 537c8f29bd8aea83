/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pciscan.c -- see pciscan.h.  Configuration space is the host's word: chains
 * are walked a bounded number of steps and offsets stay inside 256 bytes.
 */

#include "pciscan.h"

#include "shm.h"

#define PCI_VENDOR	0x00
#define PCI_COMMAND	0x04
#define PCI_CMD_IO	0x0001u
#define PCI_CMD_MEM	0x0002u
#define PCI_CMD_MASTER	0x0004u
#define PCI_STATUS	0x06
#define PCI_ST_CAPS	0x0010
#define PCI_HEADER	0x0e
#define PCI_HDR_MULTI	0x80
#define PCI_HDR_BRIDGE	0x01
#define PCI_SECONDARY	0x19
#define PCI_BAR0	0x10
#define PCI_CAPPTR	0x34
#define PCI_NCAP	48		/* more do not fit in 256 bytes */

#define MSIX_CONTROL	2
#define MSIX_ENABLE	0x8000
#define MSIX_MASKALL	0x4000
#define MSIX_TABLE	4
#define MSIX_ENTRY	4		/* words: address (2), data, mask */

struct pciscan_buses {
	uint8_t		 bit[256 / 8];
};

static pv_pci_t
pciscan_fn(unsigned int bus, unsigned int slot, unsigned int fn)
{
	return bus << 8 | slot << 3 | fn;
}

/* Note the bus behind a bridge, to be looked at after this one. */
static void
pciscan_bridge(pv_pci_t pci, unsigned int bus, struct pciscan_buses *todo)
{
	unsigned int next = pv_os_pci_read(pci, PCI_SECONDARY, 1);

	/* peer: only buses with higher numbers, so that the scan ends. */
	if (next > bus && next < 256)
		todo->bit[next / 8] |= (uint8_t)(1 << next % 8);
}

static int
pciscan_slot(unsigned int bus, unsigned int slot, uint16_t vendor,
    struct pciscan_buses *todo, int (*fn)(void *, pv_pci_t), void *arg)
{
	unsigned int f, nfn = 1, header;
	pv_pci_t pci;
	uint32_t id;
	int rv;

	for (f = 0; f < nfn; f++) {
		pci = pciscan_fn(bus, slot, f);
		id = pv_os_pci_read(pci, PCI_VENDOR, 4);
		if ((id & 0xffff) == 0xffff)
			continue;
		header = pv_os_pci_read(pci, PCI_HEADER, 1);
		if (f == 0 && (header & PCI_HDR_MULTI) != 0)
			nfn = 8;
		if ((header & 0x7f) == PCI_HDR_BRIDGE)
			pciscan_bridge(pci, bus, todo);
		if ((id & 0xffff) != vendor)
			continue;
		rv = fn(arg, pci);
		if (rv != 0)
			return rv;
	}
	return 0;
}

int
pciscan(uint16_t vendor, int (*fn)(void *, pv_pci_t), void *arg)
{
	struct pciscan_buses todo = { .bit = { 1 } };
	unsigned int bus, slot;
	int rv;

	for (bus = 0; bus < 256; bus++) {
		if ((todo.bit[bus / 8] >> bus % 8 & 1) == 0)
			continue;
		for (slot = 0; slot < 32; slot++) {
			rv = pciscan_slot(bus, slot, vendor, &todo, fn, arg);
			if (rv != 0)
				return rv;
		}
	}
	return 0;
}

/*
 * Write all ones, read the size mask back, restore; decoding is off
 * meanwhile, for the function would answer at the top of memory.
 */
static uint32_t
pciscan_size(pv_pci_t pci, unsigned int reg, uint32_t old)
{
	uint32_t cmd = pv_os_pci_read(pci, PCI_COMMAND, 2), mask;

	pv_os_pci_write(pci, PCI_COMMAND, 2, cmd & ~(PCI_CMD_IO | PCI_CMD_MEM));
	pv_os_pci_write(pci, reg, 4, UINT32_MAX);
	mask = pv_os_pci_read(pci, reg, 4);
	pv_os_pci_write(pci, reg, 4, old);
	pv_os_pci_write(pci, PCI_COMMAND, 2, cmd);
	return mask;
}

void
pciscan_bar(pv_pci_t pci, unsigned int n, struct pciscan_bar *pb)
{
	unsigned int reg = PCI_BAR0 + n * 4;
	uint32_t low = pv_os_pci_read(pci, reg, 4), high = 0;
	uint64_t mask;

	pb->pb_io = (low & 1) != 0;
	if (pb->pb_io) {
		pb->pb_base = low & ~3u;
		mask = pciscan_size(pci, reg, low) & ~3u;
		pb->pb_len = mask == 0 ? 0 : (uint32_t)(~mask + 1) & 0xffff;
		return;
	}
	mask = (pciscan_size(pci, reg, low) & ~0xfu) | 0xffffffffull << 32;
	if ((low & 6) == 4 && n < 5) {
		high = pv_os_pci_read(pci, reg + 4, 4);
		mask = (mask & UINT32_MAX) |
		    (uint64_t)pciscan_size(pci, reg + 4, high) << 32;
	}
	pb->pb_base = (low & ~0xfu) | (uint64_t)high << 32;
	pb->pb_len = (mask & UINT32_MAX) == 0 && high == 0 ? 0 : ~mask + 1;
}

bool
pciscan_cap(pv_pci_t pci, uint8_t id, unsigned int *at)
{
	unsigned int off, n;

	if ((pv_os_pci_read(pci, PCI_STATUS, 2) & PCI_ST_CAPS) == 0)
		return false;
	off = pv_os_pci_read(pci, *at == 0 ? PCI_CAPPTR : *at + 1, 1);
	/* peer: the chain may be a circle. */
	for (n = 0; n < PCI_NCAP && off >= 0x40; n++) {
		off &= ~3u;
		if (pv_os_pci_read(pci, off, 1) == id) {
			*at = off;
			return true;
		}
		off = pv_os_pci_read(pci, off + 1, 1);
	}
	return false;
}

void
pciscan_enable(pv_pci_t pci, bool on)
{
	uint32_t cmd = pv_os_pci_read(pci, PCI_COMMAND, 2);
	uint32_t bits = PCI_CMD_IO | PCI_CMD_MEM | PCI_CMD_MASTER;

	pv_os_pci_write(pci, PCI_COMMAND, 2, on ? cmd | bits :
	    cmd & ~PCI_CMD_MASTER);
}

int
pciscan_msix_open(pv_pci_t pci, struct pciscan_msix *pm)
{
	struct pciscan_bar bar;
	unsigned int at = 0;
	uint32_t where;
	uint64_t off;

	if (!pciscan_cap(pci, PCI_CAP_MSIX, &at))
		return -PV_ENOENT;
	pm->pm_n = (pv_os_pci_read(pci, at + MSIX_CONTROL, 2) & 0x7ff) + 1;
	where = pv_os_pci_read(pci, at + MSIX_TABLE, 4);
	off = where & ~7u;
	pm->pm_maplen = pm->pm_n * MSIX_ENTRY * 4;
	if ((where & 7) > 5)
		return -PV_EPROTO;
	pciscan_bar(pci, where & 7, &bar);
	/* peer: the table must lie in its region. */
	if (bar.pb_io || bar.pb_base == 0 || bar.pb_len < off ||
	    bar.pb_len - off < pm->pm_maplen)
		return -PV_EPROTO;
	pm->pm_map = pv_os_map(bar.pb_base + off, pm->pm_maplen,
	    PV_MEM_DEVICE);
	if (pm->pm_map == NULL)
		return -PV_ENOMEM;
	pm->pm_table = pm->pm_map;
	pm->pm_pci = pci;
	pm->pm_cap = at;
	pv_os_pci_write(pci, at + MSIX_CONTROL, 2, MSIX_ENABLE);
	return 0;
}

void
pciscan_msix_set(struct pciscan_msix *pm, unsigned int n, uint64_t addr,
    uint32_t data)
{
	uint32_t *e = pm->pm_table + n * MSIX_ENTRY;

	PV_ASSERT(n < pm->pm_n);
	shm_write32(e + 3, 1);
	shm_write32(e, (uint32_t)addr);
	shm_write32(e + 1, (uint32_t)(addr >> 32));
	shm_write32(e + 2, data);
	shm_write32(e + 3, 0);
}

void
pciscan_msix_close(struct pciscan_msix *pm)
{
	if (pm->pm_cap == 0)
		return;
	pv_os_pci_write(pm->pm_pci, pm->pm_cap + MSIX_CONTROL, 2,
	    MSIX_MASKALL);
	pv_os_unmap(pm->pm_map, pm->pm_maplen);
	pm->pm_cap = 0;
}
