/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_vbus.c -- the registers of virtio devices: modern PCI, legacy PCI, MMIO
 * of both versions.  What they mean is in sim_virtio.c.
 */

#include <linux/virtio_mmio.h>
#include <linux/virtio_pci.h>

#include "sim_vdev.h"

enum { AT_COMMON, AT_ISR, AT_DEVICE, AT_NOTIFY };	/* of vd_at */
#define SLOT		1024u	/* bytes of each of them */

#define MMIO_MAGIC	0x74726976
#define MMIO_RESET	0x0c0	/* of a queue */

/* The page of a legacy queue is all that is told of it. */
static void
sim_vbus_legacy_queue(struct sim_vdev *vd, uint32_t pfn, uint32_t align)
{
	struct sim_vq *q = sim_vdev_selected(vd);

	if (q == NULL || pfn == 0) {
		sim_vdev_queue_on(vd, false);
		return;
	}
	q->vq_pa[0] = (uint64_t)pfn << PV_PAGE_SHIFT;
	q->vq_pa[1] = q->vq_pa[0] + q->vq_size * 16u;
	q->vq_pa[2] = (q->vq_pa[1] + 6 + q->vq_size * 2u + align - 1) &
	    ~(uint64_t)(align - 1);
	sim_vdev_queue_on(vd, true);
}

static uint8_t
sim_vbus_isr(struct sim_vdev *vd)
{
	uint8_t isr = vd->vd_isr;

	vd->vd_isr = 0;
	sim_vdev_level(vd, false);
	return isr;
}

/* A write to the configuration of unknown width: what differs was written. */
static void
sim_vbus_config_written(struct sim_vdev *vd, struct sim_regs *rg,
    unsigned int base, unsigned int off)
{
	unsigned int i, last = 0;
	uint8_t now[4];

	if (off + sizeof(now) > SIM_V_CONFIG)
		return;
	sim_regs_get(rg, base + off, now, sizeof(now));
	for (i = 0; i < sizeof(now); i++) {
		if (now[i] != vd->vd_before[i])
			last = i + 1;
	}
	memcpy(vd->vd_config + off, now, last);
	if (vd->vd_model->mo_written != NULL)
		vd->vd_model->mo_written(vd->vd_arg, off, last);
}

static void
sim_vbus_half(uint64_t *pa, bool high, uint32_t v)
{
	if (high)
		*pa = (*pa & UINT32_MAX) | (uint64_t)v << 32;
	else
		*pa = (*pa & ~(uint64_t)UINT32_MAX) | v;
}

/* ---- modern PCI -------------------- */

static uint32_t
sim_vbus_common_read(struct sim_vdev *vd, unsigned int off)
{
	struct sim_vq *q = sim_vdev_selected(vd);

	switch (off) {
	case VIRTIO_PCI_COMMON_DF:
		return sim_vdev_features(vd, vd->vd_devsel);
	case VIRTIO_PCI_COMMON_MSIX:
		return vd->vd_vector;
	case VIRTIO_PCI_COMMON_NUMQ:
		return vd->vd_model->mo_nqueue;
	case VIRTIO_PCI_COMMON_STATUS:
		return vd->vd_status;
	case VIRTIO_PCI_COMMON_CFGGENERATION:
		return vd->vd_gen;
	case VIRTIO_PCI_COMMON_Q_SIZE:
		return sim_vdev_queue_max(vd);
	case VIRTIO_PCI_COMMON_Q_MSIX:
		return q == NULL ? SIM_V_NOVEC : q->vq_vector;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		return q != NULL && q->vq_on;
	case VIRTIO_PCI_COMMON_Q_NOFF:
		return vd->vd_mult == 0 ? 0 : vd->vd_qsel;
	default:
		return 0;
	}
}

static void
sim_vbus_queue_write(struct sim_vdev *vd, struct sim_vq *q, unsigned int off,
    uint32_t v)
{
	switch (off) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		if (v > q->vq_max || v == 0)
			sim_bug("a queue of %u entries", (unsigned int)v);
		q->vq_size = v;
		break;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		q->vq_vector = sim_vdev_vector(vd, (uint16_t)v);
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		sim_vdev_queue_on(vd, true);
		break;
	case VIRTIO_PCI_COMMON_Q_RESET:
		if (!sim_vdev_has(vd, VIRTIO_F_RING_RESET))
			sim_bug("a queue is reset without RING_RESET");
		sim_vring_stop(q);
		break;
	default:
		off -= VIRTIO_PCI_COMMON_Q_DESCLO;
		sim_vbus_half(&q->vq_pa[off / 8], off % 8 != 0, v);
	}
}

static void
sim_vbus_common_write(struct sim_vdev *vd, unsigned int off)
{
	struct sim_vq *q = sim_vdev_selected(vd);
	unsigned int width = off == VIRTIO_PCI_COMMON_STATUS ? 1 :
	    off < 16 || (off >= 32 && off < 56) ? 4 : 2;
	uint32_t v = sim_regs_value(vd->vd_regs, vd->vd_at[AT_COMMON] + off,
	    width);

	switch (off) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		vd->vd_devsel = v;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		vd->vd_drvsel = v;
		break;
	case VIRTIO_PCI_COMMON_GF:
		sim_vdev_accept(vd, vd->vd_drvsel, v);
		break;
	case VIRTIO_PCI_COMMON_MSIX:
		vd->vd_vector = sim_vdev_vector(vd, (uint16_t)v);
		break;
	case VIRTIO_PCI_COMMON_STATUS:
		sim_vdev_set_status(vd, (uint8_t)v);
		break;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		vd->vd_qsel = v;
		break;
	default:
		if (q != NULL && off >= VIRTIO_PCI_COMMON_Q_SIZE)
			sim_vbus_queue_write(vd, q, off, v);
		else
			sim_bug("a write to register %u", off);
	}
}

/* Which of the structures an offset in the page is in; its own offset. */
static unsigned int
sim_vbus_which(const struct sim_vdev *vd, unsigned int *off)
{
	unsigned int i = 0;

	while (vd->vd_at[i] != (*off & ~(SLOT - 1)))
		i++;
	*off &= SLOT - 1;
	return i;
}

static void
sim_vbus_pci_read(void *arg, unsigned int off, unsigned int len)
{
	struct sim_vdev *vd = arg;
	unsigned int in = off;
	uint32_t v = UINT32_MAX;

	if (!vd->vd_gone) {
		switch (sim_vbus_which(vd, &in)) {
		case AT_COMMON:
			v = sim_vbus_common_read(vd, in);
			break;
		case AT_ISR:
			v = sim_vbus_isr(vd);
			break;
		case AT_DEVICE:
			sim_vdev_read_config(vd, in, &v, len);
			break;
		default:
			v = 0;
		}
	}
	sim_regs_put(vd->vd_regs, off, &v, len);
}

static void
sim_vbus_pci_before(void *arg, unsigned int off)
{
	struct sim_vdev *vd = arg;
	unsigned int in = off;

	if (sim_vbus_which(vd, &in) == AT_DEVICE)
		sim_regs_get(vd->vd_regs, off, vd->vd_before, 4);
}

static void
sim_vbus_pci_written(void *arg, unsigned int off)
{
	struct sim_vdev *vd = arg;
	unsigned int in = off;
	uint32_t v;

	if (vd->vd_gone)
		return;
	switch (sim_vbus_which(vd, &in)) {
	case AT_COMMON:
		sim_vbus_common_write(vd, in);
		break;
	case AT_DEVICE:
		sim_vbus_config_written(vd, vd->vd_regs, vd->vd_at[AT_DEVICE],
		    in);
		break;
	case AT_NOTIFY:
		v = sim_regs_value(vd->vd_regs, off,
		    sim_vdev_has(vd, SIM_V_F_KICKDATA) ? 4 : 2);
		if (vd->vd_mult != 0 && in / vd->vd_mult != (v & 0xffff))
			sim_bug("a kick at the wrong place");
		sim_vdev_kick(vd, v);
		break;
	}
}

static const struct sim_regs_ops sim_vbus_pci_regs = {
	sim_vbus_pci_read, sim_vbus_pci_before, sim_vbus_pci_written
};

/* Plain memory. */
static void
sim_vbus_table_access(void *arg, unsigned int off, unsigned int len)
{
}

static void
sim_vbus_table_write(void *arg, unsigned int off)
{
}

static const struct sim_regs_ops sim_vbus_table_regs = {
	sim_vbus_table_access, sim_vbus_table_write, sim_vbus_table_write
};

static void
sim_vbus_cap(struct sim_vdev *vd, uint8_t type, uint8_t bar, uint32_t off)
{
	struct {
		uint8_t	 len, type, bar, pad[3];
		uint8_t	 off[4], size[4], mult[4];
	} c = { type == VIRTIO_PCI_CAP_NOTIFY_CFG ? 20 : 16, type, bar,
	    { 0, 0, 0 }, { 0 }, { 0 }, { 0 } };
	uint32_t size = SLOT;

	memcpy(c.off, &off, 4);
	memcpy(c.size, &size, 4);
	memcpy(c.mult, &vd->vd_mult, 4);
	(void)sim_pci_cap(vd->vd_pci, 9, &c, c.len - 2u);
}

/* Four structures anywhere in one page, which is anywhere. */
static void
sim_vbus_modern_caps(struct sim_vdev *vd)
{
	static const uint8_t type[] = { VIRTIO_PCI_CAP_COMMON_CFG,
	    VIRTIO_PCI_CAP_ISR_CFG, VIRTIO_PCI_CAP_DEVICE_CFG,
	    VIRTIO_PCI_CAP_NOTIFY_CFG };
	unsigned int i, start = sim_rand(4);
	uint8_t bar = (uint8_t)(sim_rand(2) * 2);	/* 0 or 2 */

	vd->vd_mult = sim_rand(3) == 0 ? 0 : 4u << sim_rand(3);
	vd->vd_pci->pf_wide = sim_rand(2) << bar;
	sim_pci_bar(vd->vd_pci, bar, sim_regs_pa(vd->vd_regs), PV_PAGE_SIZE);
	for (i = 0; i < 4; i++)
		vd->vd_at[i] = (start + i) % 4 * SLOT;
	/* The list is walked from its end: the one in ports comes first. */
	for (i = 0; i < 4; i++)
		sim_vbus_cap(vd, type[i], bar, vd->vd_at[i]);
	if (sim_rand(2) == 0) {
		sim_pci_bar(vd->vd_pci, 4, 0xc000, 64);
		sim_vbus_cap(vd, VIRTIO_PCI_CAP_NOTIFY_CFG, 4, 0);
	}
}

static void
sim_vbus_msix(struct sim_vdev *vd)
{
	uint8_t body[10] = { 0 };

	vd->vd_nvec = vd->vd_cfg.vc_flags & SIM_V_ONEVEC ? 1 :
	    vd->vd_cfg.vc_flags & SIM_V_TWOVEC ? 2 :
	    1 + vd->vd_model->mo_nqueue;
	vd->vd_table = sim_regs_create(&sim_vbus_table_regs, vd);
	sim_pci_bar(vd->vd_pci, 5, sim_regs_pa(vd->vd_table), PV_PAGE_SIZE);
	body[0] = (uint8_t)(vd->vd_nvec - 1);
	body[2] = 5;		/* the table's register, offset 0 */
	vd->vd_pci->pf_msix = sim_pci_cap(vd->vd_pci, 0x11, body,
	    sizeof(body));
}

/* ---- legacy PCI -------------------- */

static unsigned int
sim_vbus_port_config(const struct sim_vdev *vd)
{
	return VIRTIO_PCI_CONFIG_OFF(sim_pci_msix(vd->vd_pci));
}

static uint32_t
sim_vbus_port_in(void *arg, unsigned int reg, unsigned int width)
{
	struct sim_vdev *vd = arg;
	struct sim_vq *q = sim_vdev_selected(vd);
	uint32_t v = 0;

	if (reg >= sim_vbus_port_config(vd)) {
		sim_vdev_read_config(vd, reg - sim_vbus_port_config(vd), &v,
		    width);
		return v;
	}
	switch (reg) {
	case VIRTIO_PCI_HOST_FEATURES:
		return sim_vdev_features(vd, 0);
	case VIRTIO_PCI_QUEUE_PFN:
		return q == NULL ? 0 : (uint32_t)(q->vq_pa[0] >> 12);
	case VIRTIO_PCI_QUEUE_NUM:
		return sim_vdev_queue_max(vd);
	case VIRTIO_PCI_STATUS:
		return vd->vd_status;
	case VIRTIO_PCI_ISR:
		return sim_vbus_isr(vd);
	case VIRTIO_MSI_CONFIG_VECTOR:
		return vd->vd_vector;
	case VIRTIO_MSI_QUEUE_VECTOR:
		return q == NULL ? SIM_V_NOVEC : q->vq_vector;
	default:
		return 0;
	}
}

static void
sim_vbus_port_out(void *arg, unsigned int reg, unsigned int width, uint32_t v)
{
	struct sim_vdev *vd = arg;
	struct sim_vq *q = sim_vdev_selected(vd);
	unsigned int off = reg - sim_vbus_port_config(vd);

	if (reg >= sim_vbus_port_config(vd)) {
		if (off + width > SIM_V_CONFIG)
			return;
		memcpy(vd->vd_config + off, &v, width);
		if (vd->vd_model->mo_written != NULL)
			vd->vd_model->mo_written(vd->vd_arg, off, width);
		return;
	}
	switch (reg) {
	case VIRTIO_PCI_GUEST_FEATURES:
		sim_vdev_accept(vd, 0, v);
		break;
	case VIRTIO_PCI_QUEUE_PFN:
		sim_vbus_legacy_queue(vd, v, 4096);
		break;
	case VIRTIO_PCI_QUEUE_SEL:
		vd->vd_qsel = v;
		break;
	case VIRTIO_PCI_QUEUE_NOTIFY:
		sim_vdev_kick(vd, v);
		break;
	case VIRTIO_PCI_STATUS:
		sim_vdev_set_status(vd, (uint8_t)v);
		break;
	case VIRTIO_MSI_CONFIG_VECTOR:
		vd->vd_vector = sim_vdev_vector(vd, (uint16_t)v);
		break;
	case VIRTIO_MSI_QUEUE_VECTOR:
		if (q != NULL)
			q->vq_vector = sim_vdev_vector(vd, (uint16_t)v);
		break;
	default:
		sim_bug("a write to port %u", reg);
	}
}

static const struct sim_ports sim_vbus_ports = {
	sim_vbus_port_in, sim_vbus_port_out
};

static void
sim_vbus_pull(void *arg)
{
	sim_vdev_pull(arg);
}

static void
sim_vbus_pci_create(struct sim_vdev *vd)
{
	bool legacy = vd->vd_cfg.vc_bus == SIM_VBUS_LEGACY;
	uint16_t type = (uint16_t)vd->vd_model->mo_type;
	unsigned int n = 0;
	struct list *l;

	LIST_FOREACH(l, &sim_world->s_pcis)
		n++;
	vd->vd_pci = sim_pci_create(legacy ? 0x1000 : 0x1040 + type, type,
	    (uint8_t)vd->vd_line);
	vd->vd_pci->pf_arg = vd;
	vd->vd_pci->pf_pull = sim_vbus_pull;
	if ((vd->vd_cfg.vc_flags & SIM_V_NOMSIX) == 0)
		sim_vbus_msix(vd);
	if (legacy) {
		vd->vd_pci->pf_ports = &sim_vbus_ports;
		sim_pci_bar(vd->vd_pci, 0, 0xc000 + n * 512, 512);
		return;
	}
	vd->vd_regs = sim_regs_create(&sim_vbus_pci_regs, vd);
	sim_vbus_modern_caps(vd);
}

static void
sim_vbus_pci_free(struct sim_vdev *vd)
{
	if (vd->vd_regs != NULL)
		sim_regs_free(vd->vd_regs);
	if (vd->vd_table != NULL)
		sim_regs_free(vd->vd_table);
	sim_pci_free(vd->vd_pci);
}

const struct sim_vbus_ops sim_vbus_pci = {
	sim_vbus_pci_create, sim_vbus_pci_free
};

/* ---- MMIO -------------------- */

static uint32_t
sim_vbus_mmio_value(struct sim_vdev *vd, unsigned int off)
{
	struct sim_vq *q = sim_vdev_selected(vd);

	switch (off) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return MMIO_MAGIC;
	case VIRTIO_MMIO_VERSION:
		return vd->vd_cfg.vc_bus == SIM_VBUS_MMIO1 ? 1 : 2;
	case VIRTIO_MMIO_DEVICE_ID:
		return vd->vd_model->mo_type;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return sim_vdev_features(vd, vd->vd_devsel);
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return sim_vdev_queue_max(vd);
	case VIRTIO_MMIO_QUEUE_READY:
		return q != NULL && q->vq_on;
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		return vd->vd_isr;
	case VIRTIO_MMIO_STATUS:
		return vd->vd_status;
	case VIRTIO_MMIO_CONFIG_GENERATION:
		return vd->vd_gen;
	default:
		return 0;
	}
}

static void
sim_vbus_mmio_read(void *arg, unsigned int off, unsigned int len)
{
	struct sim_vdev *vd = arg;
	uint32_t v = UINT32_MAX;

	if (vd->vd_gone)
		v = UINT32_MAX;
	else if (off >= VIRTIO_MMIO_CONFIG)
		sim_vdev_read_config(vd, off - VIRTIO_MMIO_CONFIG, &v, len);
	else
		v = sim_vbus_mmio_value(vd, off);
	sim_regs_put(vd->vd_regs, off, &v, len);
}

static void
sim_vbus_mmio_before(void *arg, unsigned int off)
{
	struct sim_vdev *vd = arg;

	if (off >= VIRTIO_MMIO_CONFIG)
		sim_regs_get(vd->vd_regs, off, vd->vd_before, 4);
}

/* Registers of the selected queue. */
static void
sim_vbus_mmio_queue(struct sim_vdev *vd, unsigned int off, uint32_t v)
{
	static const unsigned int low[] = { VIRTIO_MMIO_QUEUE_DESC_LOW,
	    VIRTIO_MMIO_QUEUE_AVAIL_LOW, VIRTIO_MMIO_QUEUE_USED_LOW };
	struct sim_vq *q = sim_vdev_selected(vd);
	unsigned int i;

	if (q == NULL) {
		sim_bug("a queue is set up that is not there");
		return;
	}
	switch (off) {
	case VIRTIO_MMIO_QUEUE_NUM:
		if (v > q->vq_max || v == 0)
			sim_bug("a queue of %u entries", (unsigned int)v);
		q->vq_size = v;
		return;
	case VIRTIO_MMIO_QUEUE_PFN:
		sim_vbus_legacy_queue(vd, v, 4096);
		return;
	case VIRTIO_MMIO_QUEUE_READY:
		sim_vdev_queue_on(vd, v != 0);
		return;
	case MMIO_RESET:
		if (!sim_vdev_has(vd, VIRTIO_F_RING_RESET))
			sim_bug("a queue is reset without RING_RESET");
		sim_vring_stop(q);
		return;
	}
	for (i = 0; i < 3; i++) {
		if (off == low[i] || off == low[i] + 4)
			sim_vbus_half(&q->vq_pa[i], off != low[i], v);
	}
}

static void
sim_vbus_mmio_written(void *arg, unsigned int off)
{
	struct sim_vdev *vd = arg;
	uint32_t v = sim_regs_value(vd->vd_regs, off, 4);

	if (vd->vd_gone)
		return;
	if (off >= VIRTIO_MMIO_CONFIG) {
		sim_vbus_config_written(vd, vd->vd_regs, VIRTIO_MMIO_CONFIG,
		    off - VIRTIO_MMIO_CONFIG);
		return;
	}
	switch (off) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		vd->vd_devsel = v;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		vd->vd_drvsel = v;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		sim_vdev_accept(vd, vd->vd_drvsel, v);
		break;
	case VIRTIO_MMIO_GUEST_PAGE_SIZE:
	case VIRTIO_MMIO_QUEUE_ALIGN:
		if (v != 4096)
			sim_bug("pages of %u bytes", (unsigned int)v);
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		vd->vd_qsel = v;
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		sim_vdev_kick(vd, v);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		vd->vd_isr = (uint8_t)(vd->vd_isr & ~v);
		sim_vdev_level(vd, vd->vd_isr != 0);
		break;
	case VIRTIO_MMIO_STATUS:
		sim_vdev_set_status(vd, (uint8_t)v);
		break;
	default:
		sim_vbus_mmio_queue(vd, off, v);
	}
}

static const struct sim_regs_ops sim_vbus_mmio_regs = {
	sim_vbus_mmio_read, sim_vbus_mmio_before, sim_vbus_mmio_written
};

static void
sim_vbus_mmio_create(struct sim_vdev *vd)
{
	vd->vd_regs = sim_regs_create(&sim_vbus_mmio_regs, vd);
}

static void
sim_vbus_mmio_free(struct sim_vdev *vd)
{
	sim_regs_free(vd->vd_regs);
}

const struct sim_vbus_ops sim_vbus_mmio = {
	sim_vbus_mmio_create, sim_vbus_mmio_free
};
