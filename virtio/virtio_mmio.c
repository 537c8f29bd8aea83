/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_mmio.c -- the MMIO transport, versions 1 and 2 (virtio 1.2, section
 * 4.2).  Version 1 has 32 feature bits at a time like version 2, but one page
 * frame number for the whole queue, in units of the page size that the driver
 * sets, and no generation of the configuration.
 */

#include "virtio_mmio.h"

#include <linux/virtio_mmio.h>

#define MMIO_MAGIC	0x74726976	/* "virt" */
#define MMIO_LEN	0x200
#define MMIO_QUEUE_RESET 0x0c0	/* virtio 1.2 */

struct virtio_mmio {
	struct virtio	 vm_virtio;
	uint8_t		*vm_regs;
	uint32_t	 vm_version;
	struct pv_os_irq vm_irq;
};

static uint32_t
virtio_mmio_get(struct virtio_mmio *vm, unsigned int reg)
{
	return shm_read32((uint32_t *)(void *)(vm->vm_regs + reg));
}

static void
virtio_mmio_set(struct virtio_mmio *vm, unsigned int reg, uint32_t v)
{
	shm_write32((uint32_t *)(void *)(vm->vm_regs + reg), v);
}

static uint64_t
virtio_mmio_get_features(struct virtio *vi)
{
	struct virtio_mmio *vm = vi->vi_hw;
	uint64_t f;

	virtio_mmio_set(vm, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	f = virtio_mmio_get(vm, VIRTIO_MMIO_DEVICE_FEATURES);
	if (vm->vm_version == 1)
		return f;
	virtio_mmio_set(vm, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	return f | (uint64_t)virtio_mmio_get(vm, VIRTIO_MMIO_DEVICE_FEATURES)
	    << 32;
}

static int
virtio_mmio_set_features(struct virtio *vi, uint64_t f)
{
	struct virtio_mmio *vm = vi->vi_hw;

	/* peer: a version 2 device without VERSION_1 contradicts itself. */
	if (vm->vm_version == 2 && !vi->vi_modern)
		return -PV_EPROTO;
	virtio_mmio_set(vm, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	virtio_mmio_set(vm, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)f);
	if (vm->vm_version == 1) {
		virtio_mmio_set(vm, VIRTIO_MMIO_GUEST_PAGE_SIZE, PV_PAGE_SIZE);
		return 0;
	}
	virtio_mmio_set(vm, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	virtio_mmio_set(vm, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(f >> 32));
	return 0;
}

static uint8_t
virtio_mmio_get_status(struct virtio *vi)
{
	return (uint8_t)virtio_mmio_get(vi->vi_hw, VIRTIO_MMIO_STATUS);
}

static void
virtio_mmio_set_status(struct virtio *vi, uint8_t status)
{
	virtio_mmio_set(vi->vi_hw, VIRTIO_MMIO_STATUS, status);
}

static uint32_t
virtio_mmio_read_config(struct virtio *vi, unsigned int off,
    unsigned int width)
{
	struct virtio_mmio *vm = vi->vi_hw;
	void *p = vm->vm_regs + VIRTIO_MMIO_CONFIG + off;

	if (width == 1)
		return shm_read8(p);
	return width == 2 ? shm_read16(p) : shm_read32(p);
}

static void
virtio_mmio_write_config(struct virtio *vi, unsigned int off,
    unsigned int width, uint32_t v)
{
	struct virtio_mmio *vm = vi->vi_hw;
	void *p = vm->vm_regs + VIRTIO_MMIO_CONFIG + off;

	if (width == 1)
		shm_write8(p, (uint8_t)v);
	else if (width == 2)
		shm_write16(p, (uint16_t)v);
	else
		shm_write32(p, v);
}

static uint32_t
virtio_mmio_config_gen(struct virtio *vi)
{
	struct virtio_mmio *vm = vi->vi_hw;

	if (vm->vm_version == 1)
		return 0;
	return virtio_mmio_get(vm, VIRTIO_MMIO_CONFIG_GENERATION);
}

static unsigned int
virtio_mmio_queue_max(struct virtio *vi, unsigned int index)
{
	virtio_mmio_set(vi->vi_hw, VIRTIO_MMIO_QUEUE_SEL, index);
	return virtio_mmio_get(vi->vi_hw, VIRTIO_MMIO_QUEUE_NUM_MAX);
}

static void
virtio_mmio_set64(struct virtio_mmio *vm, unsigned int low, uint64_t v)
{
	virtio_mmio_set(vm, low, (uint32_t)v);
	virtio_mmio_set(vm, low + 4, (uint32_t)(v >> 32));
}

static int
virtio_mmio_queue_setup(struct virtio *vi, struct vq *vq)
{
	struct virtio_mmio *vm = vi->vi_hw;
	uint64_t pa = vq_pa(vq, VQ_AREA_DESC);

	virtio_mmio_set(vm, VIRTIO_MMIO_QUEUE_SEL, vq->vq_index);
	virtio_mmio_set(vm, VIRTIO_MMIO_QUEUE_NUM, vq->vq_size);
	if (vm->vm_version == 1) {
		/* The register has 32 bits of frame number. */
		if (pa >> PV_PAGE_SHIFT > UINT32_MAX)
			return -PV_ENOMEM;
		virtio_mmio_set(vm, VIRTIO_MMIO_QUEUE_ALIGN, vi->vi_align);
		virtio_mmio_set(vm, VIRTIO_MMIO_QUEUE_PFN,
		    (uint32_t)(pa >> PV_PAGE_SHIFT));
		return 0;
	}
	virtio_mmio_set64(vm, VIRTIO_MMIO_QUEUE_DESC_LOW, pa);
	virtio_mmio_set64(vm, VIRTIO_MMIO_QUEUE_AVAIL_LOW,
	    vq_pa(vq, VQ_AREA_DRIVER));
	virtio_mmio_set64(vm, VIRTIO_MMIO_QUEUE_USED_LOW,
	    vq_pa(vq, VQ_AREA_DEVICE));
	virtio_mmio_set(vm, VIRTIO_MMIO_QUEUE_READY, 1);
	return 0;
}

static int
virtio_mmio_queue_reset(struct virtio *vi, struct vq *vq)
{
	uint64_t deadline = pv_now() + VIRTIO_PATIENCE;

	virtio_mmio_set(vi->vi_hw, VIRTIO_MMIO_QUEUE_SEL, vq->vq_index);
	virtio_mmio_set(vi->vi_hw, MMIO_QUEUE_RESET, 1);
	while (virtio_mmio_get(vi->vi_hw, MMIO_QUEUE_RESET) != 0) {
		if (pv_now() > deadline)
			return -PV_ETIMEDOUT;
	}
	return 0;
}

static void
virtio_mmio_kick(struct virtio *vi, struct vq *vq)
{
	virtio_mmio_set(vi->vi_hw, VIRTIO_MMIO_QUEUE_NOTIFY, vq_kick(vq));
}

static void
virtio_mmio_release(struct virtio *vi)
{
	struct virtio_mmio *vm = vi->vi_hw;

	pv_os_irq_detach(&vm->vm_irq);
	pv_os_unmap(vm->vm_regs, MMIO_LEN);
	pv_os_free(vm, sizeof(*vm));
}

static const struct virtio_ops virtio_mmio_ops = {
	.vo_get_features = virtio_mmio_get_features,
	.vo_set_features = virtio_mmio_set_features,
	.vo_get_status = virtio_mmio_get_status,
	.vo_set_status = virtio_mmio_set_status,
	.vo_read_config = virtio_mmio_read_config,
	.vo_write_config = virtio_mmio_write_config,
	.vo_config_gen = virtio_mmio_config_gen,
	.vo_queue_max = virtio_mmio_queue_max,
	.vo_queue_setup = virtio_mmio_queue_setup,
	.vo_queue_reset = virtio_mmio_queue_reset,
	.vo_kick = virtio_mmio_kick,
	.vo_release = virtio_mmio_release,
};

/* Context: interrupt. */
static void
virtio_mmio_intr(void *arg)
{
	struct virtio_mmio *vm = arg;
	uint32_t why = virtio_mmio_get(vm, VIRTIO_MMIO_INTERRUPT_STATUS);

	if (why == 0)
		return;
	virtio_mmio_set(vm, VIRTIO_MMIO_INTERRUPT_ACK, why);
	virtio_intr(&vm->vm_virtio,
	    (why & VIRTIO_MMIO_INT_VRING) != 0 ? VIRTIO_Q_ALL : VIRTIO_Q_NONE,
	    (why & VIRTIO_MMIO_INT_CONFIG) != 0);
}

/* What stands at the registers: the type, or 0. */
static uint32_t
virtio_mmio_look(struct virtio_mmio *vm)
{
	if (virtio_mmio_get(vm, VIRTIO_MMIO_MAGIC_VALUE) != MMIO_MAGIC)
		return 0;
	vm->vm_version = virtio_mmio_get(vm, VIRTIO_MMIO_VERSION);
	if (vm->vm_version != 1 && vm->vm_version != 2)
		return 0;
	return virtio_mmio_get(vm, VIRTIO_MMIO_DEVICE_ID);
}

static void
virtio_mmio_name(struct virtio *vi, pv_pa_t pa)
{
	struct strbuf sb;

	str_begin(&sb, vi->vi_name, sizeof(vi->vi_name));
	str_add(&sb, "mmio/");
	str_addx(&sb, pa);
}

int
virtio_mmio_attach(pv_pa_t pa, uint32_t line, const struct pv_client *client,
    struct virtio **vip)
{
	struct pv_irqsrc src = { .is_kind = PV_IRQ_LINE, .is_num = line };
	struct virtio_mmio *vm = pv_os_alloc(sizeof(*vm));
	struct virtio *vi;
	int rv = -PV_ENOMEM;

	if (vm == NULL)
		return rv;
	vm->vm_regs = pv_os_map(pa, MMIO_LEN, PV_MEM_DEVICE);
	if (vm->vm_regs == NULL)
		goto err_map;
	vi = &vm->vm_virtio;
	vi->vi_ops = &virtio_mmio_ops;
	vi->vi_hw = vm;
	vi->vi_type = virtio_mmio_look(vm);
	vi->vi_align = PV_PAGE_SIZE;
	virtio_mmio_name(vi, pa);
	rv = -PV_ENODEV;
	if (vi->vi_type == 0)
		goto err_look;
	rv = pv_os_irq_attach(&vm->vm_irq, &src, virtio_mmio_intr, vm);
	if (rv != 0)
		goto err_look;
	rv = virtio_attach(vi, client);
	if (rv != 0)
		goto err_attach;
	*vip = vi;
	return 0;

err_attach:
	pv_os_irq_detach(&vm->vm_irq);
err_look:
	pv_os_unmap(vm->vm_regs, MMIO_LEN);
err_map:
	pv_os_free(vm, sizeof(*vm));
	return rv;
}
