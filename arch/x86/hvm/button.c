/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/button.c -- the machine's power and sleep buttons, which a host presses:
 * "xl trigger NAME power", QEMU's system_powerdown.
 *
 * Each has a bit in ACPI's PM1 registers: in the status, which one clears by
 * writing it back, and in the enable register, for ACPI's interrupt.
 *
 * Source: ACPI 6.5, section 4.8.3.1.
 */

#include <arch.h>
#include <klog.h>
#include <pv/os.h>

#include "../mode.h"
#include "acpi.h"
#include "hvm.h"

#define BUTTON_POWER	(1u << 8)
#define BUTTON_SLEEP	(1u << 9)

static struct acpi_fadt button_fadt;
static struct pv_os_irq button_irq;
static uint32_t button_pressed;		/* atomic: BUTTON_* to be told of */
static void (*button_fn)(enum arch_button);

/* Context: thread. */
static void
button_tell(void *arg)
{
	uint32_t pressed = __atomic_exchange_n(&button_pressed, 0,
	    __ATOMIC_SEQ_CST);

	(void)arg;
	if ((pressed & BUTTON_POWER) != 0)
		button_fn(ARCH_BUTTON_POWER);
	if ((pressed & BUTTON_SLEEP) != 0)
		button_fn(ARCH_BUTTON_SLEEP);
}

static struct pv_os_work button_work = {
	.pw_fn = button_tell,
	.pw_flags = PV_WORK_SLEEPS
};

/* Context: interrupt, which others share. */
static void
button_intr(void *arg)
{
	uint32_t pressed = pv_os_pio_read(button_fadt.af_pm1, 2) &
	    (BUTTON_POWER | BUTTON_SLEEP);

	(void)arg;
	if (pressed == 0)
		return;
	pv_os_pio_write(button_fadt.af_pm1, 2, pressed);
	(void)__atomic_or_fetch(&button_pressed, pressed, __ATOMIC_SEQ_CST);
	pv_os_defer(&button_work, 0);
}

/* What there is of them interrupts from now on. */
static void
button_enable(void)
{
	uint16_t port = (uint16_t)(button_fadt.af_pm1 +
	    button_fadt.af_pm1len / 2);
	uint32_t which = 0;

	if ((button_fadt.af_flags & ACPI_NO_POWER) == 0)
		which |= BUTTON_POWER;
	if ((button_fadt.af_flags & ACPI_NO_SLEEP) == 0)
		which |= BUTTON_SLEEP;
	pv_os_pio_write(button_fadt.af_pm1, 2, which);	/* pressed before */
	pv_os_pio_write(port, 2, which);
}

/*
 * arch_buttons -- see kernel/arch.h
 *
 * Those of an initial domain are the host's.
 */
void
arch_buttons(void (*fn)(enum arch_button))
{
	struct pv_irqsrc src = { .is_kind = PV_IRQ_LINE };
	int rv;

	if (cpu_mode != &hvm_mode ||
	    (mode_boot.bi_xenboot.xb_flags & PV_XEN_DOM0) != 0 ||
	    acpi_fadt(&button_fadt) != 0 || button_fadt.af_pm1 == 0 ||
	    button_fadt.af_pm1len < 4)
		return;
	button_fn = fn;
	src.is_num = button_fadt.af_line;
	rv = pv_os_irq_attach(&button_irq, &src, button_intr, NULL);
	if (rv == 0) {
		acpi_on(&button_fadt);
		button_enable();
	} else {
		klog(PV_LOG_WARN, "the power button has no interrupt (error "
		    "%d)", -rv);
	}
}
