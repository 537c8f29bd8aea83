/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_pci.c -- PCI functions on bus 0: configuration space, with base address
 * registers that can be sized, and a list of capabilities.  Ports are asked of
 * the function that has them.
 */

#include "sim_int.h"
#include "sim_pci.h"

#define PCI_COMMAND	0x04
#define PCI_STATUS	0x06
#define PCI_BAR0	0x10
#define PCI_SUBSYSTEM	0x2c
#define PCI_CAPPTR	0x34
#define PCI_LINE	0x3c
#define PCI_CAPS	0x40

void
sim_pci_put(struct sim_pci *pf, unsigned int reg, unsigned int width,
    uint32_t v)
{
	memcpy(pf->pf_cfg + reg, &v, width);
}

static struct sim_pci *
sim_pci_find(pv_pci_t pci)
{
	struct sim_pci *pf;
	struct list *l;

	LIST_FOREACH(l, &sim_world->s_pcis) {
		pf = LIST_ENTRY(l, struct sim_pci, pf_link);
		if (pf->pf_id == pci && !pf->pf_gone)
			return pf;
	}
	return NULL;
}

struct sim_pci *
sim_pci_create(uint16_t device, uint16_t subsystem, uint8_t line)
{
	struct sim_pci *pf = calloc(1, sizeof(*pf));
	unsigned int slot = 1;

	while (sim_pci_find(slot << 3) != NULL)
		slot++;
	pf->pf_id = slot << 3;
	sim_pci_put(pf, 0, 2, 0x1af4);
	sim_pci_put(pf, 2, 2, device);
	sim_pci_put(pf, PCI_SUBSYSTEM, 2, 0x1af4);
	sim_pci_put(pf, PCI_SUBSYSTEM + 2, 2, subsystem);
	sim_pci_put(pf, PCI_LINE, 1, line);
	pf->pf_ncfg = PCI_CAPS;
	list_append(&sim_world->s_pcis, &pf->pf_link);
	return pf;
}

void
sim_pci_free(struct sim_pci *pf)
{
	list_remove(&pf->pf_link);
	free(pf);
}

void
sim_pci_bar(struct sim_pci *pf, unsigned int n, uint64_t base, uint32_t len)
{
	bool wide = (pf->pf_wide >> n & 1) != 0;

	if (base < 0x10000) {
		sim_pci_put(pf, PCI_BAR0 + n * 4, 4, (uint32_t)base | 1);
		pf->pf_port = (uint16_t)base;
		pf->pf_portlen = len;
	} else {
		sim_pci_put(pf, PCI_BAR0 + n * 4, 4, (uint32_t)base |
		    (wide ? 4 : 0));
	}
	if (wide)
		sim_pci_put(pf, PCI_BAR0 + n * 4 + 4, 4,
		    (uint32_t)(base >> 32));
	pf->pf_len[n] = len;
}

unsigned int
sim_pci_cap(struct sim_pci *pf, uint8_t id, const void *body, size_t len)
{
	unsigned int at = pf->pf_ncfg;

	if (at + 2 + len > sizeof(pf->pf_cfg))
		sim_die("too many capabilities");
	/* The newest first. */
	pf->pf_cfg[at] = id;
	pf->pf_cfg[at + 1] = pf->pf_cfg[PCI_CAPPTR];
	memcpy(pf->pf_cfg + at + 2, body, len);
	pf->pf_cfg[PCI_CAPPTR] = (uint8_t)at;
	pf->pf_cfg[PCI_STATUS] = 0x10;
	pf->pf_ncfg = (unsigned int)(at + 2 + len + 3) & ~3u;
	return at;
}

uint32_t
sim_pci_read(pv_pci_t pci, unsigned int reg, unsigned int width)
{
	struct sim_pci *pf = sim_pci_find(pci);
	uint32_t v = 0;

	if (pf != NULL && sim_evil_now(SIM_EVIL_PCI_VANISHES)) {
		pf->pf_pull(pf->pf_arg);
		pf = NULL;
	}
	if (pf == NULL || reg + width > sizeof(pf->pf_cfg))
		return UINT32_MAX >> (32 - 8 * width);
	if (reg % width != 0)
		sim_bug("unaligned read of configuration space");
	memcpy(&v, pf->pf_cfg + reg, width);
	return v;
}

/* All ones are written to size it; what is kept shows the size. */
static uint32_t
sim_pci_bar_written(struct sim_pci *pf, unsigned int n, uint32_t v)
{
	uint32_t len = pf->pf_len[n], old;

	if (n > 0 && (pf->pf_wide >> (n - 1) & 1) != 0)
		return v;		/* upper half: all bits are kept */
	if (len == 0)
		return 0;
	memcpy(&old, pf->pf_cfg + PCI_BAR0 + n * 4, 4);
	if (v != UINT32_MAX)
		return v;
	if (sim_evil_now(SIM_EVIL_BAR_WILD))
		return sim_rand(1u << 16) << 16 | sim_rand(1u << 16);
	if (sim_evil_now(SIM_EVIL_BAR_TOO_SMALL))
		len = len > 256 ? 16 : 4;
	if ((old & 1) != 0)
		return ~(len - 1) | 1;
	return ~(len - 1) | (old & 0xf);
}

void
sim_pci_write(pv_pci_t pci, unsigned int reg, unsigned int width, uint32_t v)
{
	struct sim_pci *pf = sim_pci_find(pci);

	if (pf == NULL || reg + width > sizeof(pf->pf_cfg))
		return;
	if (reg % width != 0)
		sim_bug("unaligned write of configuration space");
	if (reg == PCI_COMMAND)
		sim_pci_put(pf, reg, 2, v & 0x407);
	else if (reg >= PCI_BAR0 && reg < PCI_BAR0 + 24 && width == 4)
		sim_pci_put(pf, reg, 4, sim_pci_bar_written(pf,
		    (reg - PCI_BAR0) / 4, v));
	else if (reg == pf->pf_msix + 2 && pf->pf_msix != 0)
		pf->pf_cfg[reg + 1] = (uint8_t)((pf->pf_cfg[reg + 1] & 0x3f) |
		    (v >> 8 & 0xc0));
}

bool
sim_pci_msix(const struct sim_pci *pf)
{
	return pf->pf_msix != 0 && (pf->pf_cfg[pf->pf_msix + 3] & 0x80) != 0;
}

static struct sim_pci *
sim_pci_port(uint16_t port)
{
	struct sim_pci *pf;
	struct list *l;

	LIST_FOREACH(l, &sim_world->s_pcis) {
		pf = LIST_ENTRY(l, struct sim_pci, pf_link);
		if (!pf->pf_gone && pf->pf_ports != NULL &&
		    port >= pf->pf_port && port < pf->pf_port + pf->pf_portlen)
			return pf;
	}
	return NULL;
}

uint32_t
sim_pci_in(uint16_t port, unsigned int width)
{
	struct sim_pci *pf = sim_pci_port(port);

	if (pf == NULL)
		return UINT32_MAX >> (32 - 8 * width);
	return pf->pf_ports->po_in(pf->pf_arg, port - pf->pf_port, width);
}

void
sim_pci_out(uint16_t port, unsigned int width, uint32_t v)
{
	struct sim_pci *pf = sim_pci_port(port);

	if (pf != NULL)
		pf->pf_ports->po_out(pf->pf_arg, port - pf->pf_port, width, v);
}
