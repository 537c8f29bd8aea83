/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenbus_var.h -- between xenbus.c and xenbus_resume.c.
 */

#ifndef XENBUS_VAR_H
#define XENBUS_VAR_H

#include "xenbus.h"

struct xenbus {
	struct xen	*xb_xen;
	struct pv_lock	 xb_lock;	/* xb_devs, for readers */
	struct list	 xb_devs;
	struct xs_watch	 xb_watch;	/* "device" */
	struct pv_os_work xb_work;	/* PV_WORK_SLEEPS */
	bool		 xb_rescan;	/* atomic */
	bool		 xb_renamed;	/* atomic: as xd_renamed, of all */
	bool		 xb_dying;	/* atomic: no watch is set any more */
	/* of the work: the back end that is named now */
	char		 xb_peer[XS_PATHMAX];
	pv_domid_t	 xb_peerid;
};

#endif /* XENBUS_VAR_H */
