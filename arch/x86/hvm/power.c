/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/power.c -- ending a machine without Xen.  Each way is tried, from the
 * one that says most to the one that always works; what is not there
 * ignores the write.
 */

#include "../x86.h"
#include "hvm.h"

#define POWER_DEBUG_EXIT0 0xf4		/* QEMU's isa-debug-exit, as most */
#define POWER_DEBUG_EXIT1 0x501		/* .. and as its default */
#define POWER_Q35_PM1	0x604		/* PM1a control of QEMU's q35 */
#define POWER_I440_PM1	0xb004		/* .. and of its i440fx */
#define POWER_S5	0x2000		/* SLP_EN, type 0 */
#define POWER_RESET	0xcf9
#define POWER_KBD	0x64

/* A fault that finds no descriptor table shuts the processor down. */
static void
power_triple_fault(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((__packed__)) none = { 0, 0 };

	__asm__ __volatile__("lidt %0\n\tint3" : : "m" (none));
}

/* cm_shutdown */
void
power_shutdown(enum mode_shutdown how, int status)
{
	if (how != MODE_REBOOT) {
		x86_outb(POWER_DEBUG_EXIT0, (uint8_t)status);
		x86_outb(POWER_DEBUG_EXIT1, (uint8_t)status);
	}
	if (how == MODE_POWEROFF) {
		x86_outw(POWER_Q35_PM1, POWER_S5);
		x86_outw(POWER_I440_PM1, POWER_S5);
	}
	x86_outb(POWER_RESET, 0x06);
	x86_outb(POWER_KBD, 0xfe);
	power_triple_fault();
}
