/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenbus_var.h -- between xenbus.c, xenbus_list.c and xenbus_resume.c.
 */

#ifndef XENBUS_VAR_H
#define XENBUS_VAR_H

#include "xenbus.h"

#define XENBUS_KEY	64		/* bytes of "device/type/id/key" */
#define XENBUS_LATER	(1000ull * 1000 * 1000)	/* ns: store not there */

struct xenbus {
	struct xen	*xb_xen;
	struct pv_lock	 xb_lock;	/* xb_new; xb_devs, for readers */
	struct list	 xb_devs;
	struct xs_watch	 xb_watch;	/* "device" */
	struct pv_os_work xb_work;	/* PV_WORK_SLEEPS */
	bool		 xb_rescan;	/* atomic */
	bool		 xb_check;	/* atomic: as xd_check, of all */
	char		 xb_new[PV_DEV_NAME];	/* not in xb_devs; or "" */
	bool		 xb_dying;	/* atomic: no watch is set any more */
	/* of the work: the back end that is named now */
	char		 xb_peer[XS_PATHMAX];
	pv_domid_t	 xb_peerid;
};

void	 xenbus_remove(struct xenbus *, struct xenbus_dev *, bool polite);

/* ---- xenbus_list.c; Context: the bus's work, and attach ----------------- */
/* A device of that name, "type/id"; NULL: no memory, or it is too long. */
struct xenbus_dev *xenbus_list_add(struct xenbus *, const struct pv_driver *,
	    const char *name);
/* Compare all of "device" with what is there. */
void	 xenbus_list_scan(struct xenbus *);
/* Only what the watch has told of. */
void	 xenbus_list_new(struct xenbus *);
/* The watch on "device"; arg: the bus. */
void	 xenbus_list_changed(void *arg, const char *path);

#endif /* XENBUS_VAR_H */
