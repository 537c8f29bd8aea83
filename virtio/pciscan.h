/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pciscan.h -- as much of PCI as finding and driving a virtio function needs:
 * functions on all buses, base address registers, capabilities, MSI-X.
 * Source: PCI Local Bus 3.0, sections 6.1, 6.2.5, 6.7, 6.8.2.
 */

#ifndef PCISCAN_H
#define PCISCAN_H

#include "dev.h"

#define PCI_CAP_VENDOR	0x09
#define PCI_CAP_MSIX	0x11

struct pciscan_bar {
	uint64_t	 pb_base;	/* 0: not there or not assigned */
	uint64_t	 pb_len;	/* bytes */
	bool		 pb_io;		/* I/O ports, not memory */
};

/*
 * Call fn for each function whose vendor is vendor; fn returning not 0 ends
 * the scan and is passed up.  Context: thread.
 */
int	 pciscan(uint16_t vendor, int (*fn)(void *, pv_pci_t), void *arg);

/* Base address register n, 0..5.  Sizes it, so the function must be idle. */
void	 pciscan_bar(pv_pci_t, unsigned int n, struct pciscan_bar *);

/*
 * The capability of that id after offset *at (0: from the start): true, with
 * *at where it stands.  Bounded whatever the chain says.
 */
bool	 pciscan_cap(pv_pci_t, uint8_t id, unsigned int *at);

/* Let the function decode memory and I/O and be bus master, or not. */
void	 pciscan_enable(pv_pci_t, bool);

/* The function's MSI-X table, mapped. */
struct pciscan_msix {
	pv_pci_t	 pm_pci;
	unsigned int	 pm_cap;	/* 0: none */
	unsigned int	 pm_n;		/* entries */
	void		*pm_map;
	size_t		 pm_maplen;
	uint32_t	*pm_table;
};
/* 0, -PV_ENOENT: the function has none; -PV_EPROTO: it makes no sense. */
int	 pciscan_msix_open(pv_pci_t, struct pciscan_msix *);
/* Program and unmask entry n. */
void	 pciscan_msix_set(struct pciscan_msix *, unsigned int n, uint64_t addr,
	    uint32_t data);
void	 pciscan_msix_close(struct pciscan_msix *);	/* idempotent */

#endif /* PCISCAN_H */
