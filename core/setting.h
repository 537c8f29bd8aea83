/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * setting.h -- what the operator sets for a driver, in loader.conf(5)'s form.
 *
 * A setting is a name and a text: virtio_blk_load="NO", hw.vtnet.mq_disable=1.
 * The library has none of its own; it asks the client's pc_setting, which on
 * our kernel looks at the command line.  Names that the library may ask for
 * are listed with pv_setting_name(), so that a kernel can tell its operator of
 * a name that nobody knows.
 *
 * Settings of one device come before those of its driver: for the second
 * interface hw.vtnet.1.csum_disable is asked for, then hw.vtnet.csum_disable.
 * A value that makes no sense is told in the log, and the default taken.
 */

#ifndef SETTING_H
#define SETTING_H

#include <pv/pv.h>

#define SETTING_NAME	48	/* bytes of a name, with its NUL */

/*
 * YES or NO, in any case, also 1 0 on off true false; "" is yes.
 * Context: thread.
 */
bool	 pv_setting_bool(const struct pv_client *, const char *name, bool dflt);
/* A decimal number from lo to hi; lo may be -1.  Context: thread. */
int64_t	 pv_setting_num(const struct pv_client *, const char *name,
	    const int64_t range[2], int64_t dflt);

/* The settings of the unit-th device of a driver. */
struct pv_unit {
	const struct pv_client *un_client;
	const char	*un_family;	/* "hw.vtnet" */
	unsigned int	 un_unit;
};
bool	 pv_unit_bool(const struct pv_unit *, const char *leaf, bool dflt);
int64_t	 pv_unit_num(const struct pv_unit *, const char *leaf,
	    const int64_t range[2], int64_t dflt);

#endif /* SETTING_H */
