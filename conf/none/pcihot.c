/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcihot.c -- without options NATIVE or device virtio_pci: no PCI function
 * comes or goes.
 */

#include <arch.h>

/* arch_pci_hotplug -- see arch.h: it can not be had */
bool
arch_pci_hotplug(void)
{
	return false;
}

void
arch_pci_hotplug_start(void (*came)(void *), void (*going)(void *, pv_pci_t),
    void *arg)
{
	(void)came;
	(void)going;
	(void)arg;
}
