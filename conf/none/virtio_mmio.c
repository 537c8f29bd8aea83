/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_mmio.c -- without device virtio_mmio.
 */

#include "virtio_mmio.h"

/* virtio_mmio_attach -- not without the transport */
int
virtio_mmio_attach(pv_pa_t pa, uint32_t line, const struct pv_client *client,
    struct virtio **vip)
{
	(void)pa;
	(void)line;
	(void)client;
	*vip = NULL;
	return -PV_ENODEV;
}
