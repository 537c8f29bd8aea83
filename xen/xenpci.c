/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenpci.c -- see xenpci.h.
 */

#include "xenpci.h"

#include "dev.h"
#include "setting.h"
#include "str.h"

#define XENPCI_ID	0x00015853u	/* device << 16 | vendor */
#define XENPCI_VIRTIO	0x1af4u		/* a vendor */
#define XENPCI_PORT	0x10
#define XENPCI_PORT_WHO	0x12
#define XENPCI_MAGIC	0x49d2u
#define XENPCI_WHO	0xffffu		/* experimental: not registered */
#define XENPCI_BUILD	1u

#define XENPCI_DISKS	0x1u		/* all but CD-ROMs */
#define XENPCI_NICS	0x2u
#define XENPCI_AUX	0x4u		/* IDE disks but the first */
#define XENPCI_NVME	0x8u

#define PCI_ID		0x00
#define PCI_CLASS	0x0b		/* base class */
#define PCI_CLASS_DISK	0x01
#define PCI_CLASS_NIC	0x02
#define PCI_HEADER	0x0e
#define PCI_HDR_MULTI	0x80

/* What a look at bus 0 has found. */
struct xenpci_bus {
	bool		 xb_platform;
	unsigned int	 xb_virtio;	/* XENPCI_DISKS, XENPCI_NICS */
};

static const struct {
	const char	*name;
	unsigned int	 bits;
} xenpci_words[] = {
	{ "disks", XENPCI_DISKS | XENPCI_NVME },
	{ "aux-disks", XENPCI_AUX },
	{ "nics", XENPCI_NICS },
	{ "never", 0 }
};

/* ---- finding ----------------------------------------------------------- */

static void
xenpci_function(struct xenpci_bus *xb, pv_pci_t pci, uint32_t id)
{
	uint32_t class;

	if (id == XENPCI_ID)
		xb->xb_platform = true;
	if ((id & 0xffff) != XENPCI_VIRTIO)
		return;
	class = pv_os_pci_read(pci, PCI_CLASS, 1);
	if (class == PCI_CLASS_DISK)
		xb->xb_virtio |= XENPCI_DISKS;
	else if (class == PCI_CLASS_NIC)
		xb->xb_virtio |= XENPCI_NICS;
}

/* Bus 0 is the only one that the toolstack's device model has. */
static void
xenpci_scan(struct xenpci_bus *xb)
{
	unsigned int slot, fn, nfn;
	uint32_t id;
	pv_pci_t pci;

	*xb = (struct xenpci_bus){ 0 };
	for (slot = 0; slot < 32; slot++) {
		for (fn = 0, nfn = 1; fn < nfn; fn++) {
			pci = slot << 3 | fn;
			id = pv_os_pci_read(pci, PCI_ID, 4);
			if ((id & 0xffff) == 0xffff)
				continue;
			if (fn == 0 && (pv_os_pci_read(pci, PCI_HEADER, 1) &
			    PCI_HDR_MULTI) != 0)
				nfn = 8;
			xenpci_function(xb, pci, id);
		}
	}
}

/* ---- what to unplug ---------------------------------------------------- */

/* Will a driver take over the devices of a xenbus type? */
static bool
xenpci_driven(const struct xen *x, const char *match)
{
	const struct pv_driver *dv = pv_conf_find(match);

	return dv != NULL && (dv->dv_load == NULL ||
	    pv_setting_bool(x->x_client, dv->dv_load, true));
}

static unsigned int
xenpci_default(const struct xen *x, const struct xenpci_bus *xb)
{
	unsigned int mask = 0;

	if (xenpci_driven(x, "vbd") && x->x_client->pc_blk_up != NULL)
		mask |= XENPCI_DISKS | XENPCI_NVME;
	if (xenpci_driven(x, "vif") && x->x_client->pc_net_up != NULL)
		mask |= XENPCI_NICS;
	if (mask & xb->xb_virtio & XENPCI_DISKS) {
		pv_log(NULL, PV_LOG_WARN, "xenpci: emulated disks stay, for "
		    "virtio disks would go with them; xenpci.unplug=disks does "
		    "it");
		mask &= ~(XENPCI_DISKS | XENPCI_NVME);
	}
	if (mask & xb->xb_virtio & XENPCI_NICS) {
		pv_log(NULL, PV_LOG_WARN, "xenpci: emulated NICs stay, for "
		    "virtio NICs would go with them; xenpci.unplug=nics does "
		    "it");
		mask &= ~XENPCI_NICS;
	}
	return mask;
}

/* Add a word's bits; false: there is no such word. */
static bool
xenpci_word(const char *word, size_t len, unsigned int *mask)
{
	unsigned int i;

	for (i = 0; i < PV_NELEM(xenpci_words); i++) {
		if (str_eqn(word, len, xenpci_words[i].name)) {
			*mask |= xenpci_words[i].bits;
			return true;
		}
	}
	return false;
}

/* Words with commas between them; false: not all are known. */
static bool
xenpci_parse(const char *text, unsigned int *mask)
{
	size_t n;

	*mask = 0;
	for (;;) {
		for (n = 0; text[n] != ',' && text[n] != '\0'; n++)
			continue;
		if (!xenpci_word(text, n, mask))
			return false;
		if (text[n] == '\0')
			return true;
		text += n + 1;
	}
}

static unsigned int
xenpci_wanted(const struct xen *x, const struct xenpci_bus *xb)
{
	const struct pv_client *pc = x->x_client;
	const char *text;
	unsigned int mask;

	text = pc->pc_setting == NULL ? NULL : pc->pc_setting("xenpci.unplug");
	if (text == NULL)
		return xenpci_default(x, xb);
	if (xenpci_parse(text, &mask))
		return mask;
	pv_log(NULL, PV_LOG_WARN, "xenpci.unplug=%s: not understood; give "
	    "never, or any of disks, aux-disks, nics with commas between",
	    text);
	return xenpci_default(x, xb);
}

/* ---- the protocol ------------------------------------------------------ */

/*
 * Introduce ourselves.  0, -PV_ENODEV: nobody takes part in the protocol;
 * -PV_EPERM: we are refused; -PV_ENOSYS: a version from the future.
 */
static int
xenpci_introduce(void)
{
	if (pv_os_pio_read(XENPCI_PORT, 2) != XENPCI_MAGIC)
		return -PV_ENODEV;
	switch (pv_os_pio_read(XENPCI_PORT_WHO, 1)) {
	case 0:
		return 0;
	case 1:
		pv_os_pio_write(XENPCI_PORT_WHO, 2, XENPCI_WHO);
		pv_os_pio_write(XENPCI_PORT, 4, XENPCI_BUILD);
		/* peer: it may have changed its mind. */
		return pv_os_pio_read(XENPCI_PORT, 2) == XENPCI_MAGIC ? 0 :
		    -PV_EPERM;
	default:
		return -PV_ENOSYS;
	}
}

/* xenpci_unplug -- see xenpci.h */
void
xenpci_unplug(struct xen *x)
{
	struct xenpci_bus xb;
	unsigned int mask;
	int rv;

	if (xen_pv(x) || (x->x_boot.xb_flags & PV_XEN_DOM0) != 0)
		return;
	xenpci_scan(&xb);
	if (!xb.xb_platform)
		return;
	mask = xenpci_wanted(x, &xb);
	if (mask == 0)
		return;
	rv = xenpci_introduce();
	if (rv != 0) {
		pv_log(NULL, PV_LOG_WARN, "xenpci: emulated devices stay: %s",
		    rv == -PV_ENODEV ? "the device model does not unplug" :
		    rv == -PV_EPERM ? "the device model refuses these drivers" :
		    "the device model's protocol is not known");
		return;
	}
	pv_os_pio_write(XENPCI_PORT, 2, mask);
	pv_log(NULL, PV_LOG_INFO, "xenpci: unplugged emulated devices:%s%s%s",
	    (mask & XENPCI_DISKS) != 0 ? " disks" : "",
	    (mask & XENPCI_AUX) != 0 ? " aux-disks" : "",
	    (mask & XENPCI_NICS) != 0 ? " nics" : "");
}
