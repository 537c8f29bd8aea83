/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenhvm.c -- without options XENHVM, where the image can start on a virtual
 * processor of its own: Xen is not looked for.
 */

#include "../../arch/x86/hvm/hvm.h"

/* xenhvm_detect -- Xen is nobody that we know */
bool
xenhvm_detect(void)
{
	return false;
}

void
xenhvm_init(void)
{
}

int
xenirq_attach(unsigned int vcpu)
{
	(void)vcpu;
	return -PV_ENOSYS;
}

/* xenhvm_suspend -- it is not there to be asked */
int
xenhvm_suspend(struct pv_xen_boot *boot)
{
	(void)boot;
	return -PV_ENOSYS;
}
