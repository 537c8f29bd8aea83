/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_pci.h -- virtio over PCI (virtio 1.2, section 4.1).
 *
 *	virtio_pci.c         finding; the modern transport, and transitional
 *	                     devices as such
 *	virtio_pci_legacy.c  the legacy one, in I/O ports
 *	virtio_pci_intr.c    interrupts of both
 *
 * Interrupts: with MSI-X, entry 0 is for changes of the configuration and entry
 * 1 + n for queue n.  A queue for which the table or the port has no vector
 * left shares the last one that there was, which then looks at all queues.
 * Without MSI-X one line serves for all.
 */

#ifndef VIRTIO_PCI_H
#define VIRTIO_PCI_H

#include "pciscan.h"
#include "virtio.h"

struct virtio_pci;

struct virtio_pci_intr {
	struct virtio_pci *vx_pci;
	struct pv_os_irq vx_irq;
	bool		 vx_on;
	bool		 vx_config;	/* configuration changes come here */
	int		 vx_queue;	/* or VIRTIO_Q_* */
};

struct virtio_pci_region {
	uint8_t		*vr_va;
	uint32_t	 vr_len;
};

struct virtio_pci {
	struct virtio	 vp_virtio;
	pv_pci_t	 vp_pci;
	/* modern */
	struct virtio_pci_region vp_common, vp_notify, vp_isr, vp_device;
	uint32_t	 vp_notify_mult;
	/* legacy */
	uint16_t	 vp_port;	/* of the registers */
	uint32_t	 vp_portlen;
	/* interrupts */
	struct pciscan_msix vp_msix;
	unsigned int	 vp_nintr;	/* of vp_intr; 0: by the line */
	struct virtio_pci_intr *vp_intr;
	unsigned int	 vp_last;	/* the last that is on */
	struct virtio_pci_intr vp_line;
	uint8_t		 (*vp_why)(struct virtio_pci *);	/* and ack */
};

/*
 * Look at a function of vendor 1af4 and attach it.  0 with *vip set;
 * -PV_ENODEV: there is no driver for it; or what failed.  Context: thread.
 */
int	 virtio_pci_attach(pv_pci_t, const struct pv_client *,
	    struct virtio **vip);

/* Is that the device of this function?  Context: thread. */
bool	 virtio_pci_is(const struct virtio *, pv_pci_t);

/* ---- virtio_pci_legacy.c -------------------- */
extern const struct virtio_ops virtio_pci_legacy_ops;
/* Find the registers: 0, or -PV_ENODEV, -PV_EPROTO. */
int	 virtio_pci_legacy_find(struct virtio_pci *);

/* ---- virtio_pci_intr.c -------------------- */
/* Entry 0 of MSI-X, or the line: 0 or what failed.  Context: thread. */
int	 virtio_pci_intr_attach(struct virtio_pci *);
/* All of them; idempotent.  Context: thread. */
void	 virtio_pci_intr_detach(struct virtio_pci *);
/*
 * The entry for a queue: its own, or a shared one.  VIRTIO_MSI_NO_VECTOR: there
 * is no MSI-X, nothing is to be told.  Context: thread.
 */
uint16_t virtio_pci_intr_queue(struct virtio_pci *, unsigned int queue);

#endif /* VIRTIO_PCI_H */
