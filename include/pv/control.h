/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv/control.h -- what the toolstack asks of the guest as a whole.
 */

#ifndef PV_CONTROL_H
#define PV_CONTROL_H

#include <pv/types.h>

enum pv_control_op {
	PV_CONTROL_POWEROFF,
	PV_CONTROL_REBOOT,
	PV_CONTROL_HALT,
	PV_CONTROL_CRASH,
	PV_CONTROL_SUSPEND
};

/*
 * How a domain ends: the last thing a kernel asks of the hypervisor; not
 * PV_CONTROL_SUSPEND, for which there is pv_suspend().  Does not return when
 * the hypervisor knows the request.
 * Source: xen/include/public/sched.h, SHUTDOWN_*.
 */
int	 pv_control_shutdown(enum pv_control_op);

#endif /* PV_CONTROL_H */
