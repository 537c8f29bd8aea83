/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv.c -- without options XEN: what only Xen's PV mode has.
 */

#include "../../arch/x86/mode.h"
#include "../../arch/x86/trap.h"

/* pv_restart -- only upcalls of PV guests begin anew */
void
pv_restart(struct trap_frame *tf)
{
	(void)tf;
}
