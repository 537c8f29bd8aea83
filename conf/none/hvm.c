/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm.c -- in place of arch/x86/hvm, in an image for PV guests only: there
 * are no processors of our own, so no local or I/O APIC.  Only the mode of
 * that name would call these.
 */

#include <arch.h>

#include "../../arch/x86/hvm/hvm.h"
#include "../../arch/x86/layout.h"

const struct cpu_mode hvm_mode;		/* to compare with */
char boot_stack[BOOT_STACK] __attribute__((__aligned__(16)));

void
lapic_timer_set(uint64_t when)
{
	(void)when;
}

void
lapic_intr(unsigned int vec)
{
	(void)vec;
}

uint64_t
lapic_measure_tsc(void)
{
	return 1000000000;
}

int
ioapic_enable(unsigned int line, unsigned int vec, bool level)
{
	(void)line;
	(void)vec;
	(void)level;
	return -PV_ENOSYS;
}

void
ioapic_disable(unsigned int line)
{
	(void)line;
}

unsigned int
hvm_smp_count(void)
{
	return 1;
}

void
hvm_smp_ipi(unsigned int cpu)
{
	(void)cpu;
}

void
hvm_awake(struct trap_frame *tf)
{
	(void)tf;
}

/* arch_buttons -- there are none */
void
arch_buttons(void (*fn)(enum arch_button))
{
	(void)fn;
}

void
lapic_again(unsigned int vec)
{
	(void)vec;
}
