/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_pci_legacy.c -- devices from before virtio 1.0 (section 4.1.4.8):
 * registers in the I/O ports of the first base address register, 32 feature
 * bits, one page frame number for each queue, whose size is given.  The
 * device's configuration lies behind the registers, which are four bytes
 * longer while MSI-X is on.
 */

#include "virtio_pci.h"

#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

static uint32_t
virtio_pci_legacy_get(const struct virtio_pci *vp, unsigned int reg,
    unsigned int width)
{
	return pv_os_pio_read((uint16_t)(vp->vp_port + reg), width);
}

static void
virtio_pci_legacy_set(const struct virtio_pci *vp, unsigned int reg,
    unsigned int width, uint32_t v)
{
	pv_os_pio_write((uint16_t)(vp->vp_port + reg), width, v);
}

static uint64_t
virtio_pci_legacy_get_features(struct virtio *vi)
{
	return virtio_pci_legacy_get(vi->vi_hw, VIRTIO_PCI_HOST_FEATURES, 4);
}

static int
virtio_pci_legacy_set_features(struct virtio *vi, uint64_t f)
{
	virtio_pci_legacy_set(vi->vi_hw, VIRTIO_PCI_GUEST_FEATURES, 4,
	    (uint32_t)f);
	return 0;
}

static uint8_t
virtio_pci_legacy_get_status(struct virtio *vi)
{
	return (uint8_t)virtio_pci_legacy_get(vi->vi_hw, VIRTIO_PCI_STATUS, 1);
}

static void
virtio_pci_legacy_set_status(struct virtio *vi, uint8_t status)
{
	struct virtio_pci *vp = vi->vi_hw;

	virtio_pci_legacy_set(vp, VIRTIO_PCI_STATUS, 1, status);
	/* A reset forgot the vector for configuration changes. */
	if (status == VIRTIO_CONFIG_S_ACKNOWLEDGE && vp->vp_nintr > 0)
		virtio_pci_legacy_set(vp, VIRTIO_MSI_CONFIG_VECTOR, 2, 0);
}

static unsigned int
virtio_pci_legacy_config_at(const struct virtio_pci *vp, unsigned int off)
{
	return VIRTIO_PCI_CONFIG_OFF(vp->vp_nintr > 0) + off;
}

/* Beyond what the device has: zero. */
static uint32_t
virtio_pci_legacy_read_config(struct virtio *vi, unsigned int off,
    unsigned int width)
{
	struct virtio_pci *vp = vi->vi_hw;
	unsigned int at = virtio_pci_legacy_config_at(vp, off);

	if (at + width > vp->vp_portlen)
		return 0;
	return virtio_pci_legacy_get(vp, at, width);
}

static void
virtio_pci_legacy_write_config(struct virtio *vi, unsigned int off,
    unsigned int width, uint32_t v)
{
	struct virtio_pci *vp = vi->vi_hw;
	unsigned int at = virtio_pci_legacy_config_at(vp, off);

	if (at + width <= vp->vp_portlen)
		virtio_pci_legacy_set(vp, at, width, v);
}

/* There is none; virtio_config() reads twice. */
static uint32_t
virtio_pci_legacy_config_gen(struct virtio *vi)
{
	(void)vi;
	return 0;
}

static unsigned int
virtio_pci_legacy_queue_max(struct virtio *vi, unsigned int index)
{
	virtio_pci_legacy_set(vi->vi_hw, VIRTIO_PCI_QUEUE_SEL, 2, index);
	return virtio_pci_legacy_get(vi->vi_hw, VIRTIO_PCI_QUEUE_NUM, 2);
}

static int
virtio_pci_legacy_vector(struct virtio_pci *vp, unsigned int index)
{
	uint16_t vector = virtio_pci_intr_queue(vp, index);

	if (vector == VIRTIO_MSI_NO_VECTOR)
		return 0;
	virtio_pci_legacy_set(vp, VIRTIO_MSI_QUEUE_VECTOR, 2, vector);
	/* peer: it says whether it could. */
	return virtio_pci_legacy_get(vp, VIRTIO_MSI_QUEUE_VECTOR, 2) ==
	    vector ? 0 : -PV_ENOSPC;
}

static int
virtio_pci_legacy_queue_setup(struct virtio *vi, struct vq *vq)
{
	uint64_t pfn = vq_pa(vq, VQ_AREA_DESC) >> VIRTIO_PCI_QUEUE_ADDR_SHIFT;
	int rv;

	/* The register has 32 bits of frame number. */
	if (pfn > UINT32_MAX)
		return -PV_ENOMEM;
	virtio_pci_legacy_set(vi->vi_hw, VIRTIO_PCI_QUEUE_SEL, 2,
	    vq->vq_index);
	rv = virtio_pci_legacy_vector(vi->vi_hw, vq->vq_index);
	if (rv != 0)
		return rv;
	virtio_pci_legacy_set(vi->vi_hw, VIRTIO_PCI_QUEUE_PFN, 4,
	    (uint32_t)pfn);
	return 0;
}

static void
virtio_pci_legacy_kick(struct virtio *vi, struct vq *vq)
{
	virtio_pci_legacy_set(vi->vi_hw, VIRTIO_PCI_QUEUE_NOTIFY, 2,
	    vq->vq_index);
}

static void
virtio_pci_legacy_release(struct virtio *vi)
{
	struct virtio_pci *vp = vi->vi_hw;

	virtio_pci_intr_detach(vp);
	pciscan_enable(vp->vp_pci, false);
	pv_os_free(vp, sizeof(*vp));
}

static uint8_t
virtio_pci_legacy_why(struct virtio_pci *vp)
{
	return (uint8_t)virtio_pci_legacy_get(vp, VIRTIO_PCI_ISR, 1);
}

int
virtio_pci_legacy_find(struct virtio_pci *vp)
{
	struct pciscan_bar bar;

	pciscan_bar(vp->vp_pci, 0, &bar);
	if (!bar.pb_io || bar.pb_base == 0)
		return -PV_ENODEV;
	/* peer: the registers must lie in ports that the device has. */
	if (bar.pb_len < VIRTIO_PCI_CONFIG_OFF(true) ||
	    bar.pb_base + bar.pb_len > 0x10000)
		return -PV_EPROTO;
	vp->vp_port = (uint16_t)bar.pb_base;
	vp->vp_portlen = (uint32_t)bar.pb_len;
	vp->vp_why = virtio_pci_legacy_why;
	vp->vp_virtio.vi_fixedsize = true;
	vp->vp_virtio.vi_align = VIRTIO_PCI_VRING_ALIGN;
	return 0;
}

const struct virtio_ops virtio_pci_legacy_ops = {
	.vo_get_features = virtio_pci_legacy_get_features,
	.vo_set_features = virtio_pci_legacy_set_features,
	.vo_get_status = virtio_pci_legacy_get_status,
	.vo_set_status = virtio_pci_legacy_set_status,
	.vo_read_config = virtio_pci_legacy_read_config,
	.vo_write_config = virtio_pci_legacy_write_config,
	.vo_config_gen = virtio_pci_legacy_config_gen,
	.vo_queue_max = virtio_pci_legacy_queue_max,
	.vo_queue_setup = virtio_pci_legacy_queue_setup,
	.vo_kick = virtio_pci_legacy_kick,
	.vo_release = virtio_pci_legacy_release,
};
