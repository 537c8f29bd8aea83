/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_pci.c -- the modern PCI transport.
 *
 * Vendor capabilities say in which base address register, and where in it,
 * the common, notification, interrupt-status and device structures are.  Each
 * is mapped by itself, after its place was checked against the register's
 * size.
 *
 * Interrupts: with MSI-X entry 0 is for configuration changes and entry 1 + n
 * for queue n, as many as the table has; the device says for each whether it
 * took the vector (0xffff: no).
 */

#include "virtio_pci.h"

#include <linux/virtio_pci.h>

#define VENDOR_VIRTIO	0x1af4
#define DEVICE_MODERN	0x1040	/* + type */
#define DEVICE_OLD	0x1000	/* transitional: by subsystem */
#define PCI_DEVICE	0x02
#define PCI_SUBSYSTEM	0x2e
#define NVECTOR		(1 + VIRTIO_NQUEUE)

struct virtio_pci;

struct virtio_pci_intr {
	struct virtio_pci *vx_pci;
	unsigned int	 vx_n;		/* entry of the MSI-X table */
	struct pv_os_irq vx_irq;
	bool		 vx_on;
};

struct virtio_pci_region {
	uint8_t		*vr_va;
	uint32_t	 vr_len;
};

struct virtio_pci {
	struct virtio	 vp_virtio;
	pv_pci_t	 vp_pci;
	struct virtio_pci_region vp_common, vp_notify, vp_isr, vp_device;
	uint32_t	 vp_notify_mult;
	uint8_t		*vp_kick[VIRTIO_NQUEUE];
	struct pciscan_msix vp_msix;
	unsigned int	 vp_nvector;	/* of vp_intr */
	struct virtio_pci_intr vp_intr[NVECTOR];
};

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
	if (status != 0 && vp->vp_nvector > 0)
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
	uint16_t vector = 1;

	if (vp->vp_nvector == 0)
		return 0;
	if (1 + index < vp->vp_nvector)
		vector = (uint16_t)(1 + index);
	else if (vp->vp_nvector == 1)
		vector = 0;
	shm_write16(COMMON(vp, queue_msix_vector), vector);
	/* peer: it says whether it could. */
	return shm_read16(COMMON(vp, queue_msix_vector)) == vector ? 0 :
	    -PV_ENOSPC;
}

static int
virtio_pci_queue_setup(struct virtio *vi, struct vq *vq)
{
	struct virtio_pci *vp = vi->vi_hw;
	uint64_t off;

	PV_ASSERT(vq->vq_index < VIRTIO_NQUEUE);
	shm_write16(COMMON(vp, queue_select), vq->vq_index);
	shm_write16(COMMON(vp, queue_size), vq->vq_size);
	off = (uint64_t)shm_read16(COMMON(vp, queue_notify_off)) *
	    vp->vp_notify_mult;
	/* peer: the doorbell must lie in the notification structure. */
	if (off + 2 > vp->vp_notify.vr_len)
		return -PV_EPROTO;
	vp->vp_kick[vq->vq_index] = vp->vp_notify.vr_va + off;
	if (virtio_pci_vector(vp, vq->vq_index) != 0)
		return -PV_ENOSPC;
	virtio_pci_set64(COMMON(vp, queue_desc_lo), COMMON(vp, queue_desc_hi),
	    vq_pa(vq, vq->vq_mem));
	virtio_pci_set64(COMMON(vp, queue_avail_lo),
	    COMMON(vp, queue_avail_hi), vq_pa(vq, vq->vq_availring));
	virtio_pci_set64(COMMON(vp, queue_used_lo), COMMON(vp, queue_used_hi),
	    vq_pa(vq, vq->vq_usedring));
	shm_write16(COMMON(vp, queue_enable), 1);
	return 0;
}

/* A reset of the device has already disabled it. */
static void
virtio_pci_queue_reset(struct virtio *vi, struct vq *vq)
{
	struct virtio_pci *vp = vi->vi_hw;

	vp->vp_kick[vq->vq_index] = NULL;
}

static void
virtio_pci_kick(struct virtio *vi, struct vq *vq)
{
	struct virtio_pci *vp = vi->vi_hw;

	shm_write16((void *)vp->vp_kick[vq->vq_index], vq->vq_index);
}

/* ---- interrupts -------------------- */

/* Context: interrupt. */
static void
virtio_pci_intr_msix(void *arg)
{
	struct virtio_pci_intr *vx = arg;
	struct virtio_pci *vp = vx->vx_pci;
	uint32_t queues = 0;

	if (vx->vx_n > 0)
		queues = 1u << (vx->vx_n - 1);
	/* The last vector serves all queues that have none of their own. */
	if (vx->vx_n + 1 == vp->vp_nvector || vp->vp_nvector == 1)
		queues = UINT32_MAX;
	virtio_intr(&vp->vp_virtio, queues, vx->vx_n == 0);
}

/* Context: interrupt.  Reading the status acknowledges it. */
static void
virtio_pci_intr_line(void *arg)
{
	struct virtio_pci_intr *vx = arg;
	struct virtio_pci *vp = vx->vx_pci;
	uint8_t why = shm_read8(vp->vp_isr.vr_va);

	if (why != 0)
		virtio_intr(&vp->vp_virtio, (why & 1) != 0 ? UINT32_MAX : 0,
		    (why & 2) != 0);
}

static int
virtio_pci_intr_one(struct virtio_pci *vp, unsigned int n, bool msix)
{
	struct virtio_pci_intr *vx = &vp->vp_intr[n];
	struct pv_irqsrc src = {
		.is_kind = msix ? PV_IRQ_MSI : PV_IRQ_LINE,
		.is_pci = vp->vp_pci,
	};
	int rv;

	if (!msix)	/* register 0x3c: where the firmware wired it */
		src.is_num = pv_os_pci_read(vp->vp_pci, 0x3c, 1);
	vx->vx_pci = vp;
	vx->vx_n = n;
	rv = pv_os_irq_attach(&vx->vx_irq, &src,
	    msix ? virtio_pci_intr_msix : virtio_pci_intr_line, vx);
	if (rv != 0)
		return rv;
	vx->vx_on = true;
	if (msix)
		pciscan_msix_set(&vp->vp_msix, n, src.is_msgaddr,
		    src.is_msgdata);
	return 0;
}

static void
virtio_pci_intr_detach(struct virtio_pci *vp)
{
	unsigned int n;

	for (n = 0; n < NVECTOR; n++) {
		if (vp->vp_intr[n].vx_on)
			pv_os_irq_detach(&vp->vp_intr[n].vx_irq);
		vp->vp_intr[n].vx_on = false;
	}
	vp->vp_nvector = 0;
	pciscan_msix_close(&vp->vp_msix);
}

/* As many MSI-X vectors as device and port have, else the line. */
static int
virtio_pci_intr_attach(struct virtio_pci *vp)
{
	unsigned int n, max;

	if (pciscan_msix_open(vp->vp_pci, &vp->vp_msix) == 0) {
		max = vp->vp_msix.pm_n < NVECTOR ? vp->vp_msix.pm_n : NVECTOR;
		for (n = 0; n < max; n++) {
			if (virtio_pci_intr_one(vp, n, true) != 0)
				break;
		}
		if (n > 0) {
			vp->vp_nvector = n;
			return 0;
		}
		pciscan_msix_close(&vp->vp_msix);
	}
	return virtio_pci_intr_one(vp, 0, false);
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
	/* peer: the structure must lie in memory that the device has. */
	if (bar.pb_io || bar.pb_base == 0 || len < need ||
	    off > bar.pb_len || len > bar.pb_len - off)
		return -PV_EPROTO;
	vr->vr_va = pv_os_map(bar.pb_base + off, len, PV_MEM_DEVICE);
	vr->vr_len = len;
	return vr->vr_va == NULL ? -PV_ENOMEM : 0;
}

static int
virtio_pci_cap(struct virtio_pci *vp, unsigned int at)
{
	switch (pv_os_pci_read(vp->vp_pci, at + VIRTIO_PCI_CAP_CFG_TYPE, 1)) {
	case VIRTIO_PCI_CAP_COMMON_CFG:
		return virtio_pci_region(vp, at, &vp->vp_common,
		    sizeof(struct virtio_pci_common_cfg));
	case VIRTIO_PCI_CAP_NOTIFY_CFG:
		vp->vp_notify_mult = pv_os_pci_read(vp->vp_pci,
		    at + VIRTIO_PCI_NOTIFY_CAP_MULT, 4);
		return virtio_pci_region(vp, at, &vp->vp_notify, 2);
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

int
virtio_pci_attach(pv_pci_t pci, const struct pv_client *client,
    struct virtio **vip)
{
	struct virtio_pci *vp = pv_os_alloc(sizeof(*vp));
	int rv;

	if (vp == NULL)
		return -PV_ENOMEM;
	vp->vp_pci = pci;
	vp->vp_virtio.vi_ops = &virtio_pci_ops;
	vp->vp_virtio.vi_hw = vp;
	vp->vp_virtio.vi_type = virtio_pci_type(pci);
	vp->vp_virtio.vi_align = 4;
	virtio_pci_name(&vp->vp_virtio, pci);
	rv = virtio_pci_regions(vp);
	pciscan_enable(pci, true);
	if (rv == 0)
		rv = virtio_pci_intr_attach(vp);
	if (rv == 0)
		rv = virtio_attach(&vp->vp_virtio, client);
	if (rv != 0) {
		virtio_pci_release(&vp->vp_virtio);
		return rv;
	}
	*vip = &vp->vp_virtio;
	return 0;
}
