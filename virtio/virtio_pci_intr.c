/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_pci_intr.c -- interrupts of virtio functions; see virtio_pci.h.
 */

#include "virtio_pci.h"

#include <linux/virtio_pci.h>

#define PCI_INTLINE	0x3c	/* where the firmware wired the line */

/* Context: interrupt. */
static void
virtio_pci_intr_msix(void *arg)
{
	struct virtio_pci_intr *vx = arg;

	virtio_intr(&vx->vx_pci->vp_virtio, __atomic_load_n(&vx->vx_queue,
	    __ATOMIC_RELAXED), vx->vx_config);
}

/* Context: interrupt.  Reading the status acknowledges it. */
static void
virtio_pci_intr_line(void *arg)
{
	struct virtio_pci_intr *vx = arg;
	uint8_t why = vx->vx_pci->vp_why(vx->vx_pci);

	if (why != 0)
		virtio_intr(&vx->vx_pci->vp_virtio, (why & 1) != 0 ?
		    VIRTIO_Q_ALL : VIRTIO_Q_NONE,
		    (why & VIRTIO_PCI_ISR_CONFIG) != 0);
}

/* Turn entry n of the table on. */
static int
virtio_pci_intr_entry(struct virtio_pci *vp, unsigned int n, int queue)
{
	struct virtio_pci_intr *vx = &vp->vp_intr[n];
	struct pv_irqsrc src = {
		.is_kind = PV_IRQ_MSI,
		.is_pci = vp->vp_pci,
	};
	int rv;

	vx->vx_pci = vp;
	vx->vx_queue = queue;
	vx->vx_config = n == 0;
	rv = pv_os_irq_attach(&vx->vx_irq, &src, virtio_pci_intr_msix, vx);
	if (rv != 0)
		return rv;
	vx->vx_on = true;
	vp->vp_last = n;
	pciscan_msix_set(&vp->vp_msix, n, src.is_msgaddr, src.is_msgdata);
	return 0;
}

static int
virtio_pci_intr_line_attach(struct virtio_pci *vp)
{
	struct pv_irqsrc src = {
		.is_kind = PV_IRQ_LINE,
		.is_num = pv_os_pci_read(vp->vp_pci, PCI_INTLINE, 1),
		.is_pci = vp->vp_pci,
	};
	int rv;

	vp->vp_line.vx_pci = vp;
	rv = pv_os_irq_attach(&vp->vp_line.vx_irq, &src, virtio_pci_intr_line,
	    &vp->vp_line);
	vp->vp_line.vx_on = rv == 0;
	return rv;
}

static void
virtio_pci_intr_close(struct virtio_pci *vp)
{
	if (vp->vp_intr != NULL)
		pv_os_free(vp->vp_intr, vp->vp_nintr * sizeof(*vp->vp_intr));
	vp->vp_intr = NULL;
	vp->vp_nintr = 0;
	pciscan_msix_close(&vp->vp_msix);
}

int
virtio_pci_intr_attach(struct virtio_pci *vp)
{
	if (pciscan_msix_open(vp->vp_pci, &vp->vp_msix) == 0) {
		vp->vp_nintr = vp->vp_msix.pm_n <= VIRTIO_NQUEUE ?
		    vp->vp_msix.pm_n : 1 + VIRTIO_NQUEUE;
		vp->vp_intr = pv_os_alloc(vp->vp_nintr *
		    sizeof(*vp->vp_intr));
		if (vp->vp_intr != NULL &&
		    virtio_pci_intr_entry(vp, 0, VIRTIO_Q_NONE) == 0)
			return 0;
		virtio_pci_intr_close(vp);
	}
	return virtio_pci_intr_line_attach(vp);
}

void
virtio_pci_intr_detach(struct virtio_pci *vp)
{
	unsigned int n;

	for (n = 0; n < vp->vp_nintr; n++) {
		if (vp->vp_intr[n].vx_on)
			pv_os_irq_detach(&vp->vp_intr[n].vx_irq);
	}
	virtio_pci_intr_close(vp);
	if (vp->vp_line.vx_on)
		pv_os_irq_detach(&vp->vp_line.vx_irq);
	vp->vp_line.vx_on = false;
}

uint16_t
virtio_pci_intr_queue(struct virtio_pci *vp, unsigned int queue)
{
	unsigned int n = 1 + queue;

	if (vp->vp_nintr == 0)
		return VIRTIO_MSI_NO_VECTOR;
	if (n < vp->vp_nintr && (vp->vp_intr[n].vx_on ||
	    virtio_pci_intr_entry(vp, n, (int)queue) == 0))
		return (uint16_t)n;
	n = vp->vp_last;
	__atomic_store_n(&vp->vp_intr[n].vx_queue, VIRTIO_Q_ALL,
	    __ATOMIC_RELAXED);
	return (uint16_t)n;
}
