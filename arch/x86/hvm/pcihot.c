/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/pcihot.c -- PCI hot-plug as QEMU's ACPI has it; see pcihot.h.
 *
 * Registers, each of 32 bits, at a port that the DSDT names:
 *
 *	0x00	slots that were plugged; zero after it was read
 *	0x04	slots that the host wants back
 *	0x08	written: slots that are let go of
 *	0x10	written: which bus the others are about
 *
 * QEMU raises bit 1 of the general-purpose events, and with it ACPI's
 * interrupt; a thread of our own then looks at all buses.  The host may ask for
 * a function that is in use: it is let go of all the same, for its users can
 * bear that.  Bridges can not be plugged, only what is behind those that were
 * there from the start.
 *
 * Source: QEMU, docs/specs/acpi_pci_hotplug; ACPI 6.5, section 4.8.4 (events).
 */

#include <arch.h>
#include <klog.h>
#include <sched.h>
#include <sync.h>

#include "../mode.h"
#include "acpi.h"
#include "hvm.h"
#include "pcihot.h"

#define PCIHOT_UP	0x00		/* registers */
#define PCIHOT_DOWN	0x04
#define PCIHOT_EJECT	0x08
#define PCIHOT_SELECT	0x10

#define PCIHOT_EVENT	0x02u		/* of the general-purpose events */

static struct {
	struct pcihot_tables ph_tables;
	uint16_t	 ph_gpe;	/* status; half its length on: enable */
	unsigned int	 ph_gpelen;
	struct sem	 ph_event;
	struct pv_os_irq ph_irq;
	void		 (*ph_came)(void *);
	void		 (*ph_going)(void *, pv_pci_t);
	void		*ph_arg;
} pcihot;

/* ---- what the tables say ----------------------------------------------- */

static int
pcihot_dsdt(uint64_t pa)
{
	const uint8_t *p;
	uint32_t len;

	p = madt_open(pa, "DSDT", &len);
	if (p == NULL)
		return -PV_ENODEV;
	pcihot_aml(p, len, &pcihot.ph_tables);
	madt_close(p, len);
	return pcihot.ph_tables.ht_port != 0 &&
	    pcihot.ph_tables.ht_nbus > 0 ? 0 : -PV_ENODEV;
}

/* 0 with *line set, or -PV_ENODEV: ACPI stays the firmware's. */
static int
pcihot_find(uint32_t *line)
{
	struct acpi_fadt af;
	int rv;

	if (acpi_fadt(&af) != 0 || af.af_gpe == 0 || af.af_gpelen < 2)
		return -PV_ENODEV;
	*line = af.af_line;
	pcihot.ph_gpe = af.af_gpe;
	pcihot.ph_gpelen = af.af_gpelen;
	rv = pcihot_dsdt(af.af_dsdt);
	if (rv == 0)
		acpi_on(&af);
	return rv;
}

/* Follow the bridges: firmware has numbered what is behind them. */
static void
pcihot_number(struct pcihot_bus *hb)
{
	unsigned int i, bus = 0, next;
	pv_pci_t pci;

	for (i = 0; i < hb->hb_depth; i++) {
		pci = bus << 8 | hb->hb_path[i];
		next = pv_os_pci_read(pci, PCIHOT_SECONDARY, 1);
		if (!PCIHOT_THERE(pci) || !pcihot_is_bridge(pci) ||
		    next <= bus)
			return;
		bus = next;
	}
	hb->hb_bus = (int)bus;
}

/* ---- coming and going -------------------------------------------------- */

/* A register of the bus's. */
static uint16_t
pcihot_reg(const struct pcihot_bus *hb, unsigned int reg)
{
	uint16_t port = pcihot.ph_tables.ht_port;

	pv_os_pio_write((uint16_t)(port + PCIHOT_SELECT), 4, hb->hb_select);
	return (uint16_t)(port + reg);
}

static void
pcihot_up(unsigned int bus, unsigned int slot)
{
	unsigned int f, nfn = 1;
	pv_pci_t pci;
	int rv;

	for (f = 0; f < nfn; f++) {
		pci = PCIHOT_FN(bus, slot, f);
		if (!PCIHOT_THERE(pci))
			continue;
		if (f == 0 && (pv_os_pci_read(pci, PCIHOT_HEADER, 1) &
		    PCIHOT_MULTI) != 0)
			nfn = 8;
		if ((pv_os_pci_read(pci, PCIHOT_HEADER, 1) & 0x7f) != 0) {
			klog(PV_LOG_ERR, "pci/%x:%x.%x: plugged in, but it is "
			    "a bridge: it must be there when the guest starts",
			    bus, slot, f);
			continue;
		}
		rv = pcihot_addr_give(pci);
		if (rv != 0)
			klog(PV_LOG_ERR, "pci/%x:%x.%x: plugged in, but there "
			    "are no addresses for it (error %d)", bus, slot, f,
			    -rv);
		else
			klog(PV_LOG_INFO, "pci/%x:%x.%x: plugged in", bus,
			    slot, f);
	}
}

static void
pcihot_down(const struct pcihot_bus *hb, unsigned int slot)
{
	unsigned int bus = (unsigned int)hb->hb_bus, f;
	pv_pci_t pci;

	for (f = 0; f < 8; f++) {
		pci = PCIHOT_FN(bus, slot, f);
		pcihot.ph_going(pcihot.ph_arg, pci);
		pcihot_addr_take(pci);
	}
	klog(PV_LOG_INFO, "pci/%x:%x: the host takes it", bus, slot);
	pv_os_pio_write(pcihot_reg(hb, PCIHOT_EJECT), 4, 1u << slot);
}

static void
pcihot_look(const struct pcihot_bus *hb)
{
	uint32_t up = pv_os_pio_read(pcihot_reg(hb, PCIHOT_UP), 4);
	uint32_t down = pv_os_pio_read(pcihot_reg(hb, PCIHOT_DOWN), 4);
	unsigned int slot;

	for (slot = 0; slot < 32; slot++) {
		if ((up >> slot & 1) != 0)
			pcihot_up((unsigned int)hb->hb_bus, slot);
	}
	if (up != 0)
		pcihot.ph_came(pcihot.ph_arg);
	for (slot = 0; slot < 32; slot++) {
		if ((down >> slot & 1) != 0)
			pcihot_down(hb, slot);
	}
}

static void
pcihot_thread(void *arg)
{
	unsigned int i;

	(void)arg;
	for (;;) {
		for (i = 0; i < pcihot.ph_tables.ht_nbus; i++) {
			if (pcihot.ph_tables.ht_bus[i].hb_bus != PCIHOT_NOBUS)
				pcihot_look(&pcihot.ph_tables.ht_bus[i]);
		}
		(void)sem_wait(&pcihot.ph_event, UINT64_MAX);
	}
}

/* Context: interrupt. */
static void
pcihot_intr(void *arg)
{
	(void)arg;
	if ((pv_os_pio_read(pcihot.ph_gpe, 1) & PCIHOT_EVENT) == 0)
		return;
	pv_os_pio_write(pcihot.ph_gpe, 1, PCIHOT_EVENT);
	sem_post(&pcihot.ph_event);
}

static int
pcihot_init(void)
{
	struct pv_irqsrc src = { .is_kind = PV_IRQ_LINE };
	unsigned int i;
	int rv;

	rv = pcihot_find(&src.is_num);
	if (rv != 0)
		return rv;
	for (i = 0; i < pcihot.ph_tables.ht_nbus; i++)
		pcihot_number(&pcihot.ph_tables.ht_bus[i]);
	rv = pcihot_addr_init();
	if (rv != 0)
		return rv;
	return pv_os_irq_attach(&pcihot.ph_irq, &src, pcihot_intr, NULL);
}

/*
 * arch_pci_hotplug -- see kernel/arch.h
 *
 * Under Xen the device model's functions stay as they are.  Context: thread.
 */
bool
arch_pci_hotplug(void)
{
	int rv = mode_boot.bi_xen ? -PV_ENODEV : pcihot_init();

	if (rv != 0 && rv != -PV_ENODEV)
		klog(PV_LOG_WARN, "pci: devices can not be plugged in or out "
		    "(error %d)", -rv);
	return rv == 0;
}

/*
 * arch_pci_hotplug_start -- see kernel/arch.h
 *
 * Context: thread, after arch_pci_hotplug() was true.
 */
void
arch_pci_hotplug_start(void (*came)(void *), void (*going)(void *, pv_pci_t),
    void *arg)
{
	pcihot.ph_came = came;
	pcihot.ph_going = going;
	pcihot.ph_arg = arg;
	/* What waits already is found by the thread's first look. */
	pv_os_pio_write(pcihot.ph_gpe, 1, PCIHOT_EVENT);
	pv_os_pio_write((uint16_t)(pcihot.ph_gpe + pcihot.ph_gpelen / 2), 1,
	    PCIHOT_EVENT);
	if (thread_create("pcihot", pcihot_thread, NULL, 0) == NULL)
		klog(PV_LOG_WARN, "pci: no memory for a thread: devices can "
		    "not be plugged in or out");
}
