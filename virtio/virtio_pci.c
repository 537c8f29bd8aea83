/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_pci.c -- finding virtio devices on PCI, and the modern transport.
 *
 * Vendor capabilities say in which base address register, and where in it,
 * the common, notification, interrupt-status and device structures are.  Each
 * is mapped by itself, after its place was checked against the register's
 * size.  Of several of one kind the first that we can use is taken; those in
 * I/O ports we can not.  A device without these capabilities is a legacy one
 * (virtio_pci_legacy.c); a transitional device is used as a modern one.
 */

#include "virtio_pci.h"

#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

#define DEVICE_MODERN	0x1040	/* + type */
#define DEVICE_OLD	0x1000	/* transitional: by subsystem */
#define PCI_DEVICE	0x02
#define PCI_SUBSYSTEM	0x2e

#define COMMON(vp, member)						\
	((void *)((vp)->vp_common.vr_va +				\
	    offsetof(struct virtio_pci_common_cfg, member)))

PV_WIRE_ASSERT(struct virtio_pci_common_cfg, 56);
PV_WIRE_OFFSET(struct virtio_pci_common_cfg, queue_used_hi, 52);

/* ---- the common structure -------------------- */

static uint64_t
virtio_pci_get_features(struct virtio *vi)
{
	struct virtio_pci *vp = vi->vi_hw;
	uint64_t f;

	shm_write32(COMMON(vp, device_feature_select), 0);
	f = shm_read32(COMMON(vp, device_feature));
	shm_write32(COMMON(vp, device_feature_select), 1);
	return f | (uint64_t)shm_read32(COMMON(vp, device_feature)) << 32;
}

static int
virtio_pci_set_features(struct virtio *vi, uint64_t f)
{
	struct virtio_pci *vp = vi->vi_hw;

	/* peer: a modern device without VERSION_1 contradicts itself. */
	if (!vi->vi_modern)
		return -PV_EPROTO;
	shm_write32(COMMON(vp, guest_feature_select), 0);
	shm_write32(COMMON(vp, guest_feature), (uint32_t)f);
	shm_write32(COMMON(vp, guest_feature_select), 1);
	shm_write32(COMMON(vp, guest_feature), (uint32_t)(f >> 32));
	return 0;
}

static uint8_t
virtio_pci_get_status(struct virtio *vi)
{
	struct virtio_pci *vp = vi->vi_hw;

	return shm_read8(COMMON(vp, device_status));
}

static void
virtio_pci_set_status(struct virtio *vi, uint8_t status)
{
	struct virtio_pci *vp = vi->vi_hw;

	shm_write8(COMMON(vp, device_status), status);
	/* A reset forgot the vector for configuration changes. */
	if (status == VIRTIO_CONFIG_S_ACKNOWLEDGE && vp->vp_nintr > 0)
		shm_write16(COMMON(vp, msix_config), 0);
}

static uint32_t
virtio_pci_config_gen(struct virtio *vi)
{
	struct virtio_pci *vp = vi->vi_hw;

	return shm_read8(COMMON(vp, config_generation));
}

/* Beyond what the device has: zero. */
static uint32_t
virtio_pci_read_config(struct virtio *vi, unsigned int off,
    unsigned int width)
{
	struct virtio_pci *vp = vi->vi_hw;
	void *p = vp->vp_device.vr_va + off;

	if (off + width > vp->vp_device.vr_len)
		return 0;
	if (width == 1)
		return shm_read8(p);
	return width == 2 ? shm_read16(p) : shm_read32(p);
}

static void
virtio_pci_write_config(struct virtio *vi, unsigned int off,
    unsigned int width, uint32_t v)
{
	struct virtio_pci *vp = vi->vi_hw;
	void *p = vp->vp_device.vr_va + off;

	if (off + width > vp->vp_device.vr_len)
		return;
	if (width == 1)
		shm_write8(p, (uint8_t)v);
	else if (width == 2)
		shm_write16(p, (uint16_t)v);
	else
		shm_write32(p, v);
}

/* ---- queues -------------------- */

static unsigned int
virtio_pci_queue_max(struct virtio *vi, unsigned int index)
{
	struct virtio_pci *vp = vi->vi_hw;

	if (index >= shm_read16(COMMON(vp, num_queues)))
		return 0;
	shm_write16(COMMON(vp, queue_select), (uint16_t)index);
	return shm_read16(COMMON(vp, queue_size));
}

static void
virtio_pci_set64(void *low, void *high, uint64_t v)
{
	shm_write32(low, (uint32_t)v);
	shm_write32(high, (uint32_t)(v >> 32));
}

static int
virtio_pci_vector(struct virtio_pci *vp, unsigned int index)
{
	uint16_t vector = virtio_pci_intr_queue(vp, index);

	if (vector == VIRTIO_MSI_NO_VECTOR)
		return 0;
	shm_write16(COMMON(vp, queue_msix_vector), vector);
	/* peer: it says whether it could. */
	return shm_read16(COMMON(vp, queue_msix_vector)) == vector ? 0 :
	    -PV_ENOSPC;
}

/* Where to kick the selected queue, or NULL. */
static void *
virtio_pci_doorbell(struct virtio_pci *vp, const struct vq *vq)
{
	uint64_t off = (uint64_t)shm_read16(COMMON(vp, queue_notify_off)) *
	    vp->vp_notify_mult;
	unsigned int len = vq->vq_kickdata ? 4 : 2;

	/* peer: it must lie in the notification structure, aligned. */
	if (off + len > vp->vp_notify.vr_len || off % len != 0)
		return NULL;
	return vp->vp_notify.vr_va + off;
}

static int
virtio_pci_queue_setup(struct virtio *vi, struct vq *vq)
{
	struct virtio_pci *vp = vi->vi_hw;

	shm_write16(COMMON(vp, queue_select), vq->vq_index);
	shm_write16(COMMON(vp, queue_size), vq->vq_size);
	vq->vq_notify = virtio_pci_doorbell(vp, vq);
	if (vq->vq_notify == NULL)
		return -PV_EPROTO;
	if (virtio_pci_vector(vp, vq->vq_index) != 0)
		return -PV_ENOSPC;
	virtio_pci_set64(COMMON(vp, queue_desc_lo), COMMON(vp, queue_desc_hi),
	    vq_pa(vq, VQ_AREA_DESC));
	virtio_pci_set64(COMMON(vp, queue_avail_lo),
	    COMMON(vp, queue_avail_hi), vq_pa(vq, VQ_AREA_DRIVER));
	virtio_pci_set64(COMMON(vp, queue_used_lo), COMMON(vp, queue_used_hi),
	    vq_pa(vq, VQ_AREA_DEVICE));
	shm_write16(COMMON(vp, queue_enable), 1);
	return 0;
}

static int
virtio_pci_queue_reset(struct virtio *vi, struct vq *vq)
{
	struct virtio_pci *vp = vi->vi_hw;
	uint64_t deadline = pv_now() + VIRTIO_PATIENCE;
	void *reg = vp->vp_common.vr_va + VIRTIO_PCI_COMMON_Q_RESET;

	/* peer: who has the feature has the register. */
	if (vp->vp_common.vr_len < VIRTIO_PCI_COMMON_Q_RESET + 2)
		return -PV_EPROTO;
	shm_write16(COMMON(vp, queue_select), vq->vq_index);
	shm_write16(reg, 1);
	while (shm_read16(reg) != 0) {
		if (pv_now() > deadline)
			return -PV_ETIMEDOUT;
	}
	return 0;
}

static void
virtio_pci_kick(struct virtio *vi, struct vq *vq)
{
	(void)vi;
	if (vq->vq_kickdata)
		shm_write32(vq->vq_notify, vq_kick(vq));
	else
		shm_write16(vq->vq_notify, vq->vq_index);
}

static uint8_t
virtio_pci_why(struct virtio_pci *vp)
{
	return shm_read8(vp->vp_isr.vr_va);
}

/* ---- finding -------------------- */

static void
virtio_pci_release(struct virtio *vi)
{
	struct virtio_pci *vp = vi->vi_hw;
	struct virtio_pci_region *region[] = { &vp->vp_common, &vp->vp_notify,
	    &vp->vp_isr, &vp->vp_device };
	unsigned int i;

	virtio_pci_intr_detach(vp);
	pciscan_enable(vp->vp_pci, false);
	for (i = 0; i < PV_NELEM(region); i++) {
		if (region[i]->vr_va != NULL)
			pv_os_unmap(region[i]->vr_va, region[i]->vr_len);
	}
	pv_os_free(vp, sizeof(*vp));
}

static const struct virtio_ops virtio_pci_ops = {
	.vo_get_features = virtio_pci_get_features,
	.vo_set_features = virtio_pci_set_features,
	.vo_get_status = virtio_pci_get_status,
	.vo_set_status = virtio_pci_set_status,
	.vo_read_config = virtio_pci_read_config,
	.vo_write_config = virtio_pci_write_config,
	.vo_config_gen = virtio_pci_config_gen,
	.vo_queue_max = virtio_pci_queue_max,
	.vo_queue_setup = virtio_pci_queue_setup,
	.vo_queue_reset = virtio_pci_queue_reset,
	.vo_kick = virtio_pci_kick,
	.vo_release = virtio_pci_release,
};

static int
virtio_pci_region(struct virtio_pci *vp, unsigned int cap,
    struct virtio_pci_region *vr, unsigned int need)
{
	unsigned int n = pv_os_pci_read(vp->vp_pci,
	    cap + VIRTIO_PCI_CAP_BAR, 1);
	uint32_t off = pv_os_pci_read(vp->vp_pci,
	    cap + VIRTIO_PCI_CAP_OFFSET, 4);
	uint32_t len = pv_os_pci_read(vp->vp_pci,
	    cap + VIRTIO_PCI_CAP_LENGTH, 4);
	struct pciscan_bar bar;

	if (n > 5 || vr->vr_va != NULL)
		return 0;	/* reserved or second of its kind: ignored */
	pciscan_bar(vp->vp_pci, n, &bar);
	if (bar.pb_io)
		return 0;	/* perhaps there is one in memory too */
	/* peer: the structure must lie in memory that the device has. */
	if (bar.pb_base == 0 || len < need ||
	    off > bar.pb_len || len > bar.pb_len - off)
		return -PV_EPROTO;
	vr->vr_va = pv_os_map(bar.pb_base + off, len, PV_MEM_DEVICE);
	vr->vr_len = len;
	return vr->vr_va == NULL ? -PV_ENOMEM : 0;
}

static int
virtio_pci_cap(struct virtio_pci *vp, unsigned int at)
{
	bool had = vp->vp_notify.vr_va != NULL;
	int rv;

	switch (pv_os_pci_read(vp->vp_pci, at + VIRTIO_PCI_CAP_CFG_TYPE, 1)) {
	case VIRTIO_PCI_CAP_COMMON_CFG:
		return virtio_pci_region(vp, at, &vp->vp_common,
		    sizeof(struct virtio_pci_common_cfg));
	case VIRTIO_PCI_CAP_NOTIFY_CFG:
		rv = virtio_pci_region(vp, at, &vp->vp_notify, 2);
		if (!had)
			vp->vp_notify_mult = pv_os_pci_read(vp->vp_pci,
			    at + VIRTIO_PCI_NOTIFY_CAP_MULT, 4);
		return rv;
	case VIRTIO_PCI_CAP_ISR_CFG:
		return virtio_pci_region(vp, at, &vp->vp_isr, 1);
	case VIRTIO_PCI_CAP_DEVICE_CFG:
		return virtio_pci_region(vp, at, &vp->vp_device, 1);
	default:
		return 0;
	}
}

static int
virtio_pci_regions(struct virtio_pci *vp)
{
	unsigned int at = 0;
	int rv;

	while (pciscan_cap(vp->vp_pci, PCI_CAP_VENDOR, &at)) {
		rv = virtio_pci_cap(vp, at);
		if (rv != 0)
			return rv;
	}
	if (vp->vp_common.vr_va == NULL || vp->vp_notify.vr_va == NULL ||
	    vp->vp_isr.vr_va == NULL)
		return -PV_ENODEV;	/* legacy */
	return 0;
}

static uint32_t
virtio_pci_type(pv_pci_t pci)
{
	uint32_t id = pv_os_pci_read(pci, PCI_DEVICE, 2);

	if (id >= DEVICE_MODERN && id < DEVICE_MODERN + 64)
		return id - DEVICE_MODERN;
	if (id >= DEVICE_OLD && id < DEVICE_OLD + 64)
		return pv_os_pci_read(pci, PCI_SUBSYSTEM, 2);
	return 0;
}

static void
virtio_pci_name(struct virtio *vi, pv_pci_t pci)
{
	struct strbuf sb;

	str_begin(&sb, vi->vi_name, sizeof(vi->vi_name));
	str_add(&sb, "pci/");
	str_addx(&sb, pci >> 8 & 0xff);
	str_add(&sb, ":");
	str_addx(&sb, pci >> 3 & 0x1f);
	str_add(&sb, ".");
	str_addx(&sb, pci & 7);
}

/* Modern where it can be, else legacy. */
static int
virtio_pci_find(struct virtio_pci *vp)
{
	int rv = virtio_pci_regions(vp);

	vp->vp_virtio.vi_ops = &virtio_pci_ops;
	vp->vp_virtio.vi_align = 4;
	vp->vp_why = virtio_pci_why;
	if (rv != -PV_ENODEV)
		return rv;
	rv = virtio_pci_legacy_find(vp);
	if (rv == 0)
		vp->vp_virtio.vi_ops = &virtio_pci_legacy_ops;
	return rv;
}

bool
virtio_pci_is(const struct virtio *vi, pv_pci_t pci)
{
	const struct virtio_pci *vp = vi->vi_hw;

	return (vi->vi_ops == &virtio_pci_ops ||
	    vi->vi_ops == &virtio_pci_legacy_ops) && vp->vp_pci == pci;
}

int
virtio_pci_attach(pv_pci_t pci, const struct pv_client *client,
    struct virtio **vip)
{
	struct virtio_pci *vp = pv_os_alloc(sizeof(*vp));
	int rv;

	if (vp == NULL)
		return -PV_ENOMEM;
	vp->vp_pci = pci;
	vp->vp_virtio.vi_hw = vp;
	vp->vp_virtio.vi_type = virtio_pci_type(pci);
	virtio_pci_name(&vp->vp_virtio, pci);
	rv = virtio_pci_find(vp);
	pciscan_enable(pci, true);
	if (rv == 0)
		rv = virtio_pci_intr_attach(vp);
	if (rv == 0)
		rv = virtio_attach(&vp->vp_virtio, client);
	if (rv != 0) {
		if (rv != -PV_ENODEV)
			pv_log(NULL, PV_LOG_ERR, "%s: can not be used "
			    "(error %d)", vp->vp_virtio.vi_name, -rv);
		virtio_pci_release(&vp->vp_virtio);
		return rv;
	}
	*vip = &vp->vp_virtio;
	return 0;
}
