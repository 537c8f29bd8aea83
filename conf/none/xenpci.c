/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenpci.c -- without device xenpci: emulated devices stay where they are.
 */

#include "../../xen/xenpci.h"

void
xenpci_unplug(struct xen *x)
{
	(void)x;
}
