/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/ioapic.c -- wired interrupts: the I/O APIC, where it is on every PC, on
 * QEMU's microvm and in a Xen HVM guest, and a second one where ACPI tells of
 * it.  The 8259s are moved out of the way
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

#define IOAPIC_MAX	2

static struct ioapic {
	volatile uint32_t *ia_regs;
	unsigned int	 ia_first, ia_nline;
} ioapic_all[IOAPIC_MAX];

static uint32_t
ioapic_get(const struct ioapic *ia, uint32_t reg)
{
	ia->ia_regs[IOAPIC_SELECT] = reg;
	return ia->ia_regs[IOAPIC_WINDOW];
}

static void
ioapic_set(const struct ioapic *ia, uint32_t reg, uint32_t v)
{
	ia->ia_regs[IOAPIC_SELECT] = reg;
	ia->ia_regs[IOAPIC_WINDOW] = v;
}

/* Which has the line, or NULL. */
static const struct ioapic *
ioapic_of(unsigned int line)
{
	const struct ioapic *ia;
	unsigned int i;

	for (i = 0; i < IOAPIC_MAX; i++) {
		ia = &ioapic_all[i];
		if (line >= ia->ia_first &&
		    line - ia->ia_first < ia->ia_nline)
			return ia;
	}
	return NULL;
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

static void
ioapic_map(struct ioapic *ia, uint64_t pa, unsigned int first)
{
	uint32_t ver;
	unsigned int i;

	ia->ia_regs = window_map(pa, PV_PAGE_SIZE, MODE_UNCACHED | MODE_IO);
	if (ia->ia_regs == NULL)
		return;
	ver = ioapic_get(ia, IOAPIC_VERSION);
	if (ver == 0 || ver == UINT32_MAX)
		return;
	ia->ia_first = first;
	ia->ia_nline = (ver >> 16 & 0xff) + 1;
	if (ia->ia_nline > VEC_NLINE - first)
		ia->ia_nline = VEC_NLINE - first;
	for (i = 0; i < ia->ia_nline; i++)
		ioapic_set(ia, IOAPIC_ENTRY + 2 * i, IOAPIC_MASKED);
}

/*
 * ioapic_init -- find the first one, mask everything
 *
 * Context: entry.
 */
void
ioapic_init(void)
{
	ioapic_quiet_8259();
	ioapic_map(&ioapic_all[0], IOAPIC_BASE, 0);
}

/*
 * ioapic_add -- there is one at pa, whose first line is first
 *
 * What is known, or more than can be used, is left alone.  Context: thread.
 */
void
ioapic_add(uint64_t pa, unsigned int first)
{
	struct ioapic *ia = &ioapic_all[1];

	if (pa != IOAPIC_BASE && ia->ia_regs == NULL && first < VEC_NLINE &&
	    ioapic_of(first) == NULL)
		ioapic_map(ia, pa, first);
}

/*
 * ioapic_enable -- deliver a line to the boot CPU
 *
 * Returns 0 or -PV_ENOSYS.  Context: thread.
 */
int
ioapic_enable(unsigned int line, unsigned int vec, bool level)
{
	const struct ioapic *ia = ioapic_of(line);
	uint32_t entry;

	if (ia == NULL)
		return -PV_ENOSYS;
	entry = IOAPIC_ENTRY + 2 * (line - ia->ia_first);
	ioapic_set(ia, entry + 1, 0);
	ioapic_set(ia, entry, vec | (level ? IOAPIC_LEVEL : 0));
	return 0;
}

/* Context: thread. */
void
ioapic_disable(unsigned int line)
{
	const struct ioapic *ia = ioapic_of(line);

	if (ia != NULL)
		ioapic_set(ia, IOAPIC_ENTRY + 2 * (line - ia->ia_first),
		    IOAPIC_MASKED);
}
