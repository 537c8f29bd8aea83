/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/acpi.c -- ACPI's fixed description table; see acpi.h.
 *
 * Source: ACPI 6.5, sections 4.8.3 (PM1 registers) and 5.2.9 (FADT).
 */

#include "acpi.h"

#include <string.h>

#include <arch.h>
#include <pv/os.h>

#include "hvm.h"

#define ACPI_SCI_EN	0x01u		/* of the PM1 control register */

#define FADT_DSDT	40u		/* offsets */
#define FADT_SCI	46u
#define FADT_SMI	48u
#define FADT_ENABLE	52u
#define FADT_PM1	56u
#define FADT_CONTROL	64u
#define FADT_GPE	80u
#define FADT_PM1LEN	88u
#define FADT_GPELEN	92u
#define FADT_FLAGS	112u
#define FADT_LEN	116u		/* up to what we need */

static uint32_t
acpi_get(const uint8_t *p, unsigned int width)
{
	uint32_t v = 0;

	memcpy(&v, p, width);
	return v;
}

/* acpi_on -- see acpi.h */
void
acpi_on(const struct acpi_fadt *af)
{
	if (af->af_smi != 0 && af->af_control != 0 && af->af_enable != 0 &&
	    (pv_os_pio_read(af->af_control, 2) & ACPI_SCI_EN) == 0)
		pv_os_pio_write(af->af_smi, 1, af->af_enable);
}

/* acpi_fadt -- see acpi.h */
int
acpi_fadt(struct acpi_fadt *af)
{
	const uint8_t *p;
	uint32_t len;

	memset(af, 0, sizeof(*af));
	p = madt_open_table("FACP", &len);
	if (p == NULL)
		return -PV_ENODEV;
	if (len >= FADT_LEN) {
		af->af_dsdt = acpi_get(p + FADT_DSDT, 4);
		af->af_flags = acpi_get(p + FADT_FLAGS, 4);
		af->af_line = acpi_get(p + FADT_SCI, 2);
		af->af_pm1 = (uint16_t)acpi_get(p + FADT_PM1, 4);
		af->af_pm1len = p[FADT_PM1LEN];
		af->af_gpe = (uint16_t)acpi_get(p + FADT_GPE, 4);
		af->af_gpelen = p[FADT_GPELEN];
		af->af_control = (uint16_t)acpi_get(p + FADT_CONTROL, 4);
		af->af_smi = (uint16_t)acpi_get(p + FADT_SMI, 4);
		af->af_enable = p[FADT_ENABLE];
	}
	madt_close(p, len);
	return len >= FADT_LEN ? 0 : -PV_ENODEV;
}
