/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.c -- see include/arch_port.h.
 */

#include <arch.h>
#include <arch_port.h>
#include <sync.h>

#include "hvm/hvm.h"
#include "mode.h"
#include "trap.h"
#include "x86.h"

#define PORT_MSI_ADDR	0xfee00000u

static struct mutex port_line_mutex;	/* a line's handlers and its mask */

gfn_t
arch_gfn(const void *va)
{
	return cpu_mode->cm_gfn(arch_va_to_pa(va) >> PV_PAGE_SHIFT);
}

void *
arch_map(pv_pa_t pa, size_t len, enum pv_memtype type)
{
	return window_map(pa, len,
	    type == PV_MEM_DEVICE ? MODE_UNCACHED | MODE_IO : 0);
}

void
arch_unmap(void *va, size_t len)
{
	window_unmap(va, len);
}

int
arch_rebind(void *va, gfn_t gfn)
{
	return cpu_mode->cm_rebind(va, gfn);
}

/* Take a free vector; the message addresses the boot CPU's LAPIC. */
static int
port_msi_attach(struct pv_os_irq *irq, struct pv_irqsrc *is)
{
	unsigned int i;
	int rv = -PV_ENOSYS;

	for (i = 0; i < VEC_NMSI; i++) {
		rv = irq_set(PV_IRQ_MSI, i, irq);
		if (rv != -PV_EBUSY)
			break;
	}
	if (rv != 0)
		return rv;
	is->is_num = i;
	is->is_msgaddr = PORT_MSI_ADDR;
	is->is_msgdata = VEC_MSI + i;
	return 0;
}

static int
port_line_attach(struct pv_os_irq *irq, unsigned int line)
{
	int rv;

	mutex_lock(&port_line_mutex);
	rv = irq_set(PV_IRQ_LINE, line, irq);
	if (rv == 0) {
		rv = ioapic_enable(line, VEC_LINE + line, true);
		if (rv != 0)
			(void)irq_clear(irq);
	}
	mutex_unlock(&port_line_mutex);
	return rv;
}

static int
port_xen_attach(struct pv_os_irq *irq, unsigned int vcpu)
{
	int rv = irq_set(PV_IRQ_XEN, vcpu, irq);

	if (rv == 0) {
		rv = cpu_mode->cm_upcall_attach(vcpu);
		if (rv != 0)
			(void)irq_clear(irq);
	}
	return rv;
}

int
arch_irq_attach(struct pv_os_irq *irq, struct pv_irqsrc *is)
{
	if (is->is_kind == PV_IRQ_MSI)
		return port_msi_attach(irq, is);
	if (is->is_kind == PV_IRQ_LINE)
		return port_line_attach(irq, is->is_num);
	return port_xen_attach(irq, is->is_num);
}

void
arch_irq_detach(struct pv_os_irq *irq)
{
	if (irq->oi_kind != PV_IRQ_LINE) {
		(void)irq_clear(irq);
		return;
	}
	mutex_lock(&port_line_mutex);
	if (irq_clear(irq))
		ioapic_disable(irq->oi_num);
	mutex_unlock(&port_line_mutex);
}

/* A PV guest has no I/O ports; touching one would be a fault. */
static bool
port_exists(void)
{
	return cpu_mode == &hvm_mode;
}

uint32_t
arch_pio_read(uint16_t port, unsigned int width)
{
	if (!port_exists())
		return ~0u >> (32 - 8 * width);
	switch (width) {
	case 1:
		return x86_inb(port);
	case 2:
		return x86_inw(port);
	default:
		return x86_inl(port);
	}
}

void
arch_pio_write(uint16_t port, unsigned int width, uint32_t v)
{
	if (!port_exists())
		return;
	switch (width) {
	case 1:
		x86_outb(port, (uint8_t)v);
		break;
	case 2:
		x86_outw(port, (uint16_t)v);
		break;
	default:
		x86_outl(port, v);
	}
}
