/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/serial.c -- input from the serial port, where it is the console: on a
 * machine without Xen.  Output goes through arch_early_write().
 */

#include <arch.h>

#include "../trap.h"
#include "../x86.h"
#include "hvm.h"

#define SERIAL_BASE	0x3f8
#define SERIAL_IER	(SERIAL_BASE + 1)
#define SERIAL_FCR	(SERIAL_BASE + 2)
#define SERIAL_LSR	(SERIAL_BASE + 5)
#define SERIAL_LSR_DATA	0x01
#define SERIAL_LINE	4
#define SERIAL_BURST	4096		/* bytes per interrupt */

static void (*serial_input)(int ch);
static struct pv_os_irq serial_irq;

static void
serial_intr(void *arg)
{
	unsigned int i;

	(void)arg;
	/* The line is an edge: what stays behind would not interrupt again. */
	for (i = 0; i < SERIAL_BURST; i++) {
		if ((x86_inb(SERIAL_LSR) & SERIAL_LSR_DATA) == 0)
			break;
		serial_input(x86_inb(SERIAL_BASE));
	}
}

/*
 * arch_serial_attach -- input(ch) for each byte, in interrupt context
 *
 * Returns 0, -PV_ENODEV when there is no serial console here.
 * Context: thread.
 */
int
arch_serial_attach(void (*input)(int ch))
{
	int rv;

	if (mode_boot.bi_xen || x86_inb(SERIAL_LSR) == 0xff)
		return -PV_ENODEV;
	serial_input = input;
	serial_irq.oi_fn = serial_intr;
	rv = irq_set(PV_IRQ_LINE, SERIAL_LINE, &serial_irq);
	if (rv == 0)
		rv = ioapic_enable(SERIAL_LINE, VEC_LINE + SERIAL_LINE, false);
	if (rv != 0)
		return rv;
	x86_outb(SERIAL_FCR, 0x07);	/* FIFO on and empty */
	x86_outb(SERIAL_IER, 0x01);	/* received data */
	return 0;
}
