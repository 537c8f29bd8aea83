/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_mmio.h -- devices whose registers are at a known address; they are
 * found by the command line or by a machine's tables, not by looking.
 */

#ifndef VIRTIO_MMIO_H
#define VIRTIO_MMIO_H

#include "virtio.h"

/*
 * Look at the registers at pa and attach the device behind them, interrupt
 * line included.  0 with *vip set; -PV_ENODEV: no device there, or none that
 * has a driver; or what failed.  Context: thread.
 */
int	 virtio_mmio_attach(pv_pa_t pa, uint32_t line,
	    const struct pv_client *, struct virtio **vip);

#endif /* VIRTIO_MMIO_H */
