/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_pv.c -- the public functions that find virtio devices, and let go of
 * them.
 */

#include "setting.h"
#include "virtio_mmio.h"
#include "virtio_pci.h"

#define VENDOR_VIRTIO	0x1af4

static struct list virtio_pv_all;
static struct pv_client virtio_pv_client;

static void
virtio_pv_init(const struct pv_client *client)
{
	if (virtio_pv_all.li_next != NULL)
		return;
	list_init(&virtio_pv_all);
	virtio_pv_client = *client;
}

/* Did the operator leave the family or the transport in? */
static bool
virtio_pv_wanted(const struct pv_client *client, const char *transport)
{
	return pv_setting_bool(client, "virtio_load", true) &&
	    pv_setting_bool(client, transport, true);
}

/* The device of a function that was found before, or NULL. */
static struct virtio *
virtio_pv_known(pv_pci_t pci)
{
	struct virtio *vi;
	struct list *p;

	LIST_FOREACH(p, &virtio_pv_all) {
		vi = LIST_ENTRY(p, struct virtio, vi_link);
		if (virtio_pci_is(vi, pci))
			return vi;
	}
	return NULL;
}

static int
virtio_pv_function(void *arg, pv_pci_t pci)
{
	unsigned int *n = arg;
	struct virtio *vi;

	if (virtio_pv_known(pci) != NULL)
		return 0;
	/* One function that fails does not hide the others. */
	if (virtio_pci_attach(pci, &virtio_pv_client, &vi) == 0) {
		list_append(&virtio_pv_all, &vi->vi_link);
		(*n)++;
	}
	return 0;
}

int
pv_attach_virtio_pci(const struct pv_client *client)
{
	unsigned int n = 0;

	virtio_pv_init(client);
	if (!virtio_pv_wanted(client, "virtio_pci_load"))
		return 0;
	(void)pciscan(VENDOR_VIRTIO, virtio_pv_function, &n);
	return (int)n;
}

int
pv_detach_virtio_pci(pv_pci_t pci)
{
	struct virtio *vi;

	if (virtio_pv_all.li_next == NULL)
		return 0;
	vi = virtio_pv_known(pci);
	if (vi == NULL)
		return 0;
	list_remove(&vi->vi_link);
	virtio_detach(vi);
	return 1;
}

int
pv_attach_virtio_mmio(const struct pv_client *client, pv_pa_t pa,
    uint32_t line)
{
	struct virtio *vi;
	int rv;

	virtio_pv_init(client);
	if (!virtio_pv_wanted(client, "virtio_mmio_load"))
		return 0;
	rv = virtio_mmio_attach(pa, line, &virtio_pv_client, &vi);
	if (rv == -PV_ENODEV)
		return 0;	/* nothing there, or nothing for it */
	if (rv != 0)
		return rv;
	list_append(&virtio_pv_all, &vi->vi_link);
	return 1;
}

void
virtio_pv_detach(void)
{
	struct list *p;

	if (virtio_pv_all.li_next == NULL)
		return;
	while ((p = list_pop(&virtio_pv_all)) != NULL)
		virtio_detach(LIST_ENTRY(p, struct virtio, vi_link));
}
