/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_pci.c -- without device virtio_pci: there are no PCI functions.
 */

#include "pciscan.h"
#include "virtio_pci.h"

/* pciscan -- none found */
int
pciscan(uint16_t vendor, int (*fn)(void *, pv_pci_t), void *arg)
{
	(void)vendor;
	(void)fn;
	(void)arg;
	return 0;
}

/* virtio_pci_is -- no device is of PCI */
bool
virtio_pci_is(const struct virtio *vi, pv_pci_t pci)
{
	(void)vi;
	(void)pci;
	return false;
}

/* virtio_pci_attach -- not without the transport */
int
virtio_pci_attach(pv_pci_t pci, const struct pv_client *client,
    struct virtio **vip)
{
	(void)pci;
	(void)client;
	*vip = NULL;
	return -PV_ENODEV;
}
