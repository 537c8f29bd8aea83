/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/ioapic.c -- wired interrupts: the I/O APIC, where it is on every PC, on
 * QEMU's microvm and in a Xen HVM guest.  The 8259s are moved out of the way
 * of the exceptions and masked: firmware may have left them running.
 */

#include <arch.h>

#include "../trap.h"
#include "../x86.h"
#include "hvm.h"

#define IOAPIC_BASE	0xfec00000u
#define IOAPIC_SELECT	0
#define IOAPIC_WINDOW	4		/* in 32-bit words */
#define IOAPIC_VERSION	0x01u
#define IOAPIC_ENTRY	0x10u		/* two registers each */
#define IOAPIC_MASKED	0x10000u
#define IOAPIC_LEVEL	0x08000u

static volatile uint32_t *ioapic_regs;
static unsigned int ioapic_nline;

static uint32_t
ioapic_get(uint32_t reg)
{
	ioapic_regs[IOAPIC_SELECT] = reg;
	return ioapic_regs[IOAPIC_WINDOW];
}

static void
ioapic_set(uint32_t reg, uint32_t v)
{
	ioapic_regs[IOAPIC_SELECT] = reg;
	ioapic_regs[IOAPIC_WINDOW] = v;
}

static void
ioapic_quiet_8259(void)
{
	static const uint8_t init[] = { 0x11, 0xf0, 0x04, 0x01 };
	unsigned int i;

	for (i = 0; i < 4; i++) {
		x86_outb(i == 0 ? 0x20 : 0x21, init[i]);
		x86_outb(i == 0 ? 0xa0 : 0xa1, i == 1 ? 0xf8 : i == 2 ? 2 :
		    init[i]);
	}
	x86_outb(0x21, 0xff);
	x86_outb(0xa1, 0xff);
}

/*
 * ioapic_init -- find it, mask everything
 *
 * Context: entry.
 */
void
ioapic_init(void)
{
	uint32_t ver;
	unsigned int i;

	ioapic_quiet_8259();
	ioapic_regs = window_map(IOAPIC_BASE, PV_PAGE_SIZE,
	    MODE_UNCACHED | MODE_IO);
	if (ioapic_regs == NULL)
		return;
	ver = ioapic_get(IOAPIC_VERSION);
	if (ver == 0 || ver == UINT32_MAX)
		return;
	ioapic_nline = (ver >> 16 & 0xff) + 1;
	if (ioapic_nline > VEC_NLINE)
		ioapic_nline = VEC_NLINE;
	for (i = 0; i < ioapic_nline; i++)
		ioapic_set(IOAPIC_ENTRY + 2 * i, IOAPIC_MASKED);
}

/*
 * ioapic_enable -- deliver a line to the boot CPU
 *
 * Returns 0 or -PV_ENOSYS.  Context: thread.
 */
int
ioapic_enable(unsigned int line, unsigned int vec, bool level)
{
	if (line >= ioapic_nline)
		return -PV_ENOSYS;
	ioapic_set(IOAPIC_ENTRY + 2 * line + 1, 0);
	ioapic_set(IOAPIC_ENTRY + 2 * line, vec | (level ? IOAPIC_LEVEL : 0));
	return 0;
}

/* Context: thread. */
void
ioapic_disable(unsigned int line)
{
	if (line < ioapic_nline)
		ioapic_set(IOAPIC_ENTRY + 2 * line, IOAPIC_MASKED);
}
