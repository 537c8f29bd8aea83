/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_pci.h -- virtio over PCI (virtio 1.2, section 4.1).
 */

#ifndef VIRTIO_PCI_H
#define VIRTIO_PCI_H

#include "pciscan.h"
#include "virtio.h"

/*
 * Look at a function of vendor 1af4 and attach it.  Modern and transitional
 * devices; a legacy device has no capabilities and gets -PV_ENODEV.  0 with
 * *vip set, or what failed.  Context: thread.
 */
int	 virtio_pci_attach(pv_pci_t, const struct pv_client *,
	    struct virtio **vip);

#endif /* VIRTIO_PCI_H */
