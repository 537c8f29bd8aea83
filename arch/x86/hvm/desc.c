/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/desc.c -- descriptor tables.
 *
 * NMI, double fault and machine check get a stack of their own each (IST):
 * they can come when the current one is not usable.  All gates are interrupt
 * gates, so handlers run with interrupts masked, as under PV.
 */

#include <sched.h>

#include "../layout.h"
#include "../trap.h"
#include "../x86.h"
#include "hvm.h"

#define DESC_MSR_GS	0xc0000101u
#define DESC_IST_SIZE	4096

struct desc_gate {
	uint16_t	 dg_off0, dg_sel;
	uint8_t		 dg_ist, dg_type;
	uint16_t	 dg_off1;
	uint32_t	 dg_off2, dg_zero;
};

struct desc_tss {
	uint32_t	 ts_zero0;
	uint64_t	 ts_rsp[3], ts_zero1, ts_ist[7], ts_zero2;
	uint16_t	 ts_zero3, ts_iobase;
} __attribute__((__packed__));

struct desc_ptr {
	uint16_t	 dp_limit;
	uint64_t	 dp_base;
} __attribute__((__packed__));

extern uint64_t boot_gdt[];		/* entry.S */
extern char hvm_stubs[];		/* traps.S; 16 bytes each */

static struct desc_gate desc_idt[256];
static struct desc_tss desc_tss;
static char desc_ist[3][DESC_IST_SIZE] __attribute__((__aligned__(16)));

static void
desc_set_gate(unsigned int vec, unsigned int ist)
{
	uintptr_t at = (uintptr_t)hvm_stubs + vec * 16;
	struct desc_gate *dg = &desc_idt[vec];

	dg->dg_off0 = (uint16_t)at;
	dg->dg_off1 = (uint16_t)(at >> 16);
	dg->dg_off2 = (uint32_t)(at >> 32);
	dg->dg_sel = SEL_CODE;
	dg->dg_ist = (uint8_t)ist;
	dg->dg_type = 0x8e;		/* present, interrupt gate */
}

static void
desc_set_tss(void)
{
	uint64_t at = (uintptr_t)&desc_tss, lim = sizeof(desc_tss) - 1;
	unsigned int i;

	for (i = 0; i < 3; i++)
		desc_tss.ts_ist[i] = (uintptr_t)desc_ist[i] + DESC_IST_SIZE;
	desc_tss.ts_iobase = sizeof(desc_tss);
	boot_gdt[SEL_TSS / 8] = lim | (at & 0xffffff) << 16 | 0x89ull << 40 |
	    (at >> 24 & 0xff) << 56;
	boot_gdt[SEL_TSS / 8 + 1] = at >> 32;
}

/*
 * desc_init -- GDT, IDT and TSS at their final addresses, %gs
 *
 * Context: entry.
 */
void
desc_init(void)
{
	struct desc_ptr p;
	unsigned int vec;

	for (vec = 0; vec < PV_NELEM(desc_idt); vec++)
		desc_set_gate(vec, 0);
	desc_set_gate(TRAP_NMI, 1);
	desc_set_gate(TRAP_DF, 2);
	desc_set_gate(TRAP_MC, 3);
	desc_set_tss();
	p.dp_limit = SEL_TSS + 15;
	p.dp_base = (uintptr_t)boot_gdt;
	__asm__ __volatile__("lgdt %0" : : "m" (p));
	p.dp_limit = sizeof(desc_idt) - 1;
	p.dp_base = (uintptr_t)desc_idt;
	__asm__ __volatile__("lidt %0" : : "m" (p));
	__asm__ __volatile__("ltr %w0" : : "r" (SEL_TSS));
	x86_wrmsr(DESC_MSR_GS, (uintptr_t)mode_cpu0());
}
