/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcihot.h -- PCI functions that come and go while the guest runs.
 *
 *	pcihot.c       QEMU's ACPI hot-plug registers, their interrupt
 *	pcihot_aml.c   where ACPI's tables say they are, for which buses
 *	pcihot_addr.c  addresses and interrupt lines of functions that came,
 *	               which no firmware has seen
 *
 * The same registers serve QEMU's pc, for its root bus and the buses behind
 * PCI bridges, and its q35, for those behind root ports.
 */

#ifndef PCIHOT_H
#define PCIHOT_H

#include <pv/os.h>

#define PCIHOT_NBUS	256		/* as many as a selector can name */
#define PCIHOT_DEPTH	4		/* bridges on the way to one */
#define PCIHOT_NOBUS	(-1)

#define PCIHOT_FN(bus, slot, fn)					\
	((pv_pci_t)((bus) << 8 | (slot) << 3 | (fn)))
#define PCIHOT_BUS(pci)		((unsigned int)(pci) >> 8 & 0xff)
#define PCIHOT_SLOT(pci)	((unsigned int)(pci) >> 3 & 0x1f)

#define PCIHOT_THERE(pci)						\
	((pv_os_pci_read(pci, 0, 4) & 0xffff) != 0xffff)
#define PCIHOT_HEADER	0x0e		/* registers of configuration space */
#define PCIHOT_BRIDGE	0x01
#define PCIHOT_TYPE	0x7f
#define PCIHOT_MULTI	0x80
#define PCIHOT_SECONDARY 0x19

static inline bool
pcihot_is_bridge(pv_pci_t pci)
{
	return (pv_os_pci_read(pci, PCIHOT_HEADER, 1) & PCIHOT_TYPE) ==
	    PCIHOT_BRIDGE;
}

/* A bus whose slots can be plugged. */
struct pcihot_bus {
	uint8_t		 hb_select;	/* its number in the registers */
	uint8_t		 hb_depth;
	/* Slot and function of each bridge, from the root on. */
	uint8_t		 hb_path[PCIHOT_DEPTH];
	int		 hb_bus;	/* its number, or PCIHOT_NOBUS */
};

struct pcihot_tables {
	uint16_t	 ht_port;	/* of the registers; 0: none */
	unsigned int	 ht_nbus;
	struct pcihot_bus ht_bus[PCIHOT_NBUS];
};

/* Read a DSDT of so many bytes; *ht is zero before.  Context: any. */
void	 pcihot_aml(const uint8_t *p, size_t len, struct pcihot_tables *ht);

/*
 * Take down which addresses are in use.  Asks each base address register for
 * its size, so nothing may use the functions yet.  0 or -PV_ENOMEM.
 * Context: thread.
 */
int	 pcihot_addr_init(void);
/*
 * Give a function that came addresses and an interrupt line, where it has
 * none.  0, or -PV_ENOSPC, -PV_EPROTO, -PV_ENOMEM.  Context: thread.
 */
int	 pcihot_addr_give(pv_pci_t);
/* It went: its addresses are free again.  Context: thread. */
void	 pcihot_addr_take(pv_pci_t);
/* The bridge behind which a bus is: true, with *pci.  Context: thread. */
bool	 pcihot_addr_bridge(unsigned int bus, pv_pci_t *pci);

#endif /* PCIHOT_H */
