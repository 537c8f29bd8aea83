/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf.c -- the drivers that are compiled in, one line each.
 *
 * The only conditional compilation in the library: PV_CONFIG_<DRIVER> is
 * defined for each driver whose file is part of the build (build/files.mk).
 */

#include "dev.h"
#include "str.h"

extern const struct pv_driver balloon_driver;
extern const struct pv_driver blkback_driver;
extern const struct pv_driver blkfront_driver;
extern const struct pv_driver console_driver;
extern const struct pv_driver control_driver;
extern const struct pv_driver netback_driver;
extern const struct pv_driver netfront_driver;
extern const struct pv_driver virtio_blk_driver;
extern const struct pv_driver virtio_balloon_driver;
extern const struct pv_driver virtio_console_driver;
extern const struct pv_driver virtio_net_driver;
extern const struct pv_driver virtio_rng_driver;
extern const struct pv_driver virtio_scsi_driver;

static const struct pv_driver *const conf_drivers[] = {
#ifdef PV_CONFIG_BALLOON
	&balloon_driver,
#endif
#ifdef PV_CONFIG_BLKBACK
	&blkback_driver,
#endif
#ifdef PV_CONFIG_BLKFRONT
	&blkfront_driver,
#endif
#ifdef PV_CONFIG_CONSOLE
	&console_driver,
#endif
#ifdef PV_CONFIG_CONTROL
	&control_driver,
#endif
#ifdef PV_CONFIG_NETBACK
	&netback_driver,
#endif
#ifdef PV_CONFIG_NETFRONT
	&netfront_driver,
#endif
#ifdef PV_CONFIG_VIRTIO_BLK
	&virtio_blk_driver,
#endif
#ifdef PV_CONFIG_VIRTIO_BALLOON
	&virtio_balloon_driver,
#endif
#ifdef PV_CONFIG_VIRTIO_CONSOLE
	&virtio_console_driver,
#endif
#ifdef PV_CONFIG_VIRTIO_NET
	&virtio_net_driver,
#endif
#ifdef PV_CONFIG_VIRTIO_RNG
	&virtio_rng_driver,
#endif
#ifdef PV_CONFIG_VIRTIO_SCSI
	&virtio_scsi_driver,
#endif
	NULL
};

/* Settings that belong to no driver. */
static const char *const conf_settings[] = {
	"virtio_load", "virtio_pci_load", "virtio_mmio_load",
	"hw.virtio.features_off", "hw.virtio.queue_size",
	"xenpci.unplug", "gnttab.budget", "gnttab.vbd.budget",
	"gnttab.vif.budget", NULL
};

/*
 * pv_setting_name -- the n-th name that a client may be asked for, or NULL
 *
 * Context: any.
 */
const char *
pv_setting_name(unsigned int n)
{
	const struct pv_driver *const *p;
	const char *const *name;

	for (name = conf_settings; *name != NULL; name++) {
		if (n-- == 0)
			return *name;
	}
	for (p = conf_drivers; *p != NULL; p++) {
		if ((*p)->dv_load != NULL && n-- == 0)
			return (*p)->dv_load;
		name = (*p)->dv_settings;
		for (; name != NULL && *name != NULL; name++) {
			if (n-- == 0)
				return *name;
		}
	}
	return NULL;
}

/*
 * pv_conf_find -- the driver for a bus match string, or NULL
 *
 * match is of the bus: "vbd", "virtio,2".
 * Context: any.
 */
const struct pv_driver *
pv_conf_find(const char *match)
{
	const struct pv_driver *const *p;

	for (p = conf_drivers; *p != NULL; p++) {
		if (str_eq((*p)->dv_match, match))
			return *p;
	}
	return NULL;
}
