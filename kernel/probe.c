/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe.c -- finding virtio devices: on the PCI buses, which the device model
 * of a Xen HVM guest has too, and where the command line says, in the form
 * that QEMU and Firecracker append: virtio_mmio.device=SIZE@ADDRESS:LINE[:ID],
 * once for each device, or else ACPI.  On PCI they come and go later too.
 */

#include <arch.h>
#include <cmdline.h>
#include <kernel.h>
#include <klog.h>
#include <stdlib.h>

/* Cut ADDRESS and LINE out of a value; false: it has another form. */
static bool
probe_parse(const char *value, uint64_t *addr, uint32_t *line)
{
	char *end;

	(void)strtoull(value, &end, 0);	/* the registers' length: known */
	if (end == value)
		return false;
	while (*end == 'K' || *end == 'k')
		end++;
	if (*end != '@')
		return false;
	value = end + 1;
	*addr = strtoull(value, &end, 0);
	if (end == value || *end != ':')
		return false;
	value = end + 1;
	*line = (uint32_t)strtoul(value, &end, 0);
	return end != value && (*end == '\0' || *end == ':');
}

static void
probe_mmio(const struct pv_client *client, const char *value)
{
	uint64_t addr;
	uint32_t line;
	int rv;

	if (!probe_parse(value, &addr, &line)) {
		klog(PV_LOG_ERR, "virtio_mmio.device=%s: not of the form "
		    "SIZE@ADDRESS:LINE", value);
		return;
	}
	rv = pv_attach_virtio_mmio(client, addr, line);
	if (rv < 0)
		klog(PV_LOG_ERR, "virtio_mmio.device=%s: error %d", value, -rv);
}

static void
probe_table(void *arg, pv_pa_t pa, uint32_t line)
{
	const struct pv_client *client = arg;
	int rv = pv_attach_virtio_mmio(client, pa, line);

	if (rv < 0)
		klog(PV_LOG_ERR, "virtio registers at 0x%llx, line %u: error "
		    "%d", (unsigned long long)pa, line, -rv);
}

static void
probe_came(void *arg)
{
	(void)pv_attach_virtio_pci(arg);
}

static void
probe_going(void *arg, pv_pci_t pci)
{
	(void)arg;
	(void)pv_detach_virtio_pci(pci);
}

/*
 * probe_virtio -- see kernel.h
 */
void
probe_virtio(const struct pv_client *client)
{
	bool hot = arch_pci_hotplug();
	const char *value;
	unsigned int i;

	(void)pv_attach_virtio_pci(client);
	for (i = 0; (value = cmdline_nth("virtio_mmio.device", i)) != NULL; i++)
		probe_mmio(client, value);
	/* Who says it on the command line does not say it in tables too. */
	if (i == 0)
		arch_virtio_mmio(probe_table, (void *)(uintptr_t)client);
	/* Only now: devices are attached and detached one at a time. */
	if (hot)
		arch_pci_hotplug_start(probe_came, probe_going,
		    (void *)(uintptr_t)client);
}
