/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio.c -- without device virtio: nothing is looked for.
 */

#include <kernel.h>

/* probe_virtio -- see kernel.h */
void
probe_virtio(const struct pv_client *client)
{
	(void)client;
}
