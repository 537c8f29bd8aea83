/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_pci.h -- PCI functions for simulated devices.
 */

#ifndef SIM_PCI_H
#define SIM_PCI_H

#include <pv/types.h>

#include "list.h"

struct sim_ports {
	uint32_t (*po_in)(void *, unsigned int reg, unsigned int width);
	void	 (*po_out)(void *, unsigned int reg, unsigned int width,
		    uint32_t);
};

struct sim_pci {
	struct list	 pf_link;
	pv_pci_t	 pf_id;
	uint8_t		 pf_cfg[256];
	unsigned int	 pf_ncfg;	/* where the next capability goes */
	unsigned int	 pf_msix;	/* that of MSI-X, or 0 */
	uint32_t	 pf_len[6];	/* of the base address registers */
	unsigned int	 pf_wide;	/* bits: those of 64 bits */
	uint16_t	 pf_port;
	uint32_t	 pf_portlen;
	const struct sim_ports *pf_ports;
	void		 (*pf_pull)(void *);	/* pull the device out */
	void		*pf_arg;
	bool		 pf_gone;
};

/* A function of vendor 1af4 in the first slot of bus 0 that is free. */
struct sim_pci *sim_pci_create(uint16_t device, uint16_t subsystem,
	    uint8_t line);
void	 sim_pci_free(struct sim_pci *);
void	 sim_pci_put(struct sim_pci *, unsigned int reg, unsigned int width,
	    uint32_t);
/* Register n decodes len bytes from base on: ports below 64 Ki. */
void	 sim_pci_bar(struct sim_pci *, unsigned int n, uint64_t base,
	    uint32_t len);
/* Add a capability with the bytes behind its link: its offset. */
unsigned int sim_pci_cap(struct sim_pci *, uint8_t id, const void *body,
	    size_t len);
bool	 sim_pci_msix(const struct sim_pci *);	/* is it on? */

/* ---- for the port -------------------- */
uint32_t sim_pci_read(pv_pci_t, unsigned int reg, unsigned int width);
void	 sim_pci_write(pv_pci_t, unsigned int reg, unsigned int width,
	    uint32_t);
uint32_t sim_pci_in(uint16_t port, unsigned int width);
void	 sim_pci_out(uint16_t port, unsigned int width, uint32_t);

#endif /* SIM_PCI_H */
