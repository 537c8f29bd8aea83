/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acpi.h -- ACPI's fixed hardware, as the FADT tells of it.
 *
 *	acpi.c      the table
 *	button.c    power and sleep buttons
 *	pcihot.c    general-purpose events, for hot-plug
 */

#ifndef ACPI_H
#define ACPI_H

#include <pv/types.h>

struct acpi_fadt {
	uint64_t	 af_dsdt;
	uint32_t	 af_flags;
#define ACPI_NO_POWER	(1u << 4)	/* button of that kind */
#define ACPI_NO_SLEEP	(1u << 5)
	uint32_t	 af_line;	/* ACPI's interrupt */
	/* Registers: status; half the length on: enable.  0: none. */
	uint16_t	 af_pm1, af_gpe;
	unsigned int	 af_pm1len, af_gpelen;
	/* How to take ACPI from the firmware. */
	uint16_t	 af_control, af_smi;
	uint8_t		 af_enable;
};

/* Read the table.  0 or -PV_ENODEV.  Context: thread. */
int	 acpi_fadt(struct acpi_fadt *);
/* ACPI interrupts us, not the firmware, from now on.  Context: thread. */
void	 acpi_on(const struct acpi_fadt *);

#endif /* ACPI_H */
