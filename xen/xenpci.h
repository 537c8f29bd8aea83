/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenpci.h -- the platform device of HVM guests, PCI function 5853:0001.
 *
 * Its I/O ports take the device model's emulated disks and NICs out of the
 * machine, so that no guest finds the same disk twice.  A device model that has
 * them says so with a magic number; one that knows our drivers to be broken
 * withdraws the number when it has read who we are.
 *
 *	port 0x10, 16 bits	read: the number	write: what to unplug
 *	port 0x10, 32 bits				write: our build
 *	port 0x12, 8 bits	read: version of this protocol
 *	port 0x12, 16 bits				write: who we are
 *
 * Disks are unplugged only when blkfront can take them over, NICs only when
 * netfront can.  The device model counts virtio disks and NICs among the
 * emulated ones: when there are some, it keeps its devices of that kind, for
 * the virtio ones have no double.  The setting xenpci.unplug says otherwise.
 *
 * What is gone comes back when the guest is resumed elsewhere: then
 * xenpci_unplug() is to be called again, before any device is looked for.
 * Source: docs/misc/hvm-emulated-unplug.pandoc.
 */

#ifndef XENPCI_H
#define XENPCI_H

#include "xen.h"

/*
 * Unplug what the drivers in this build take over.  Nothing without a platform
 * device: PV, PVH, or a configuration that says xen_platform_pci=0.  Context:
 * thread, before PCI is scanned and devices are looked for.
 */
void	 xenpci_unplug(struct xen *);

#endif /* XENPCI_H */
