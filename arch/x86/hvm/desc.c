/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/desc.c -- descriptor tables.
 *
 * NMI, double fault and machine check get a stack of their own each (IST):
 * they can come when the current one is not usable.  All gates are interrupt
 * gates, so handlers run with interrupts masked, as under PV.
 */

#include <mm.h>
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

/* What each CPU has of its own. */
struct desc_cpu {
	uint64_t	 dc_gdt[SEL_TSS / 8 + 2];
	struct desc_tss	 dc_tss;
	char		 dc_ist[3][DESC_IST_SIZE]
			    __attribute__((__aligned__(16)));
};

extern uint64_t boot_gdt[];		/* entry.S */
extern char hvm_stubs[];		/* traps.S; 16 bytes each */

static struct desc_gate desc_idt[256];
static struct desc_cpu desc_boot;
static struct desc_cpu *desc_cpus[CPU_MAX] = { &desc_boot };

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
desc_fill(struct desc_cpu *dc)
{
	uint64_t at = (uintptr_t)&dc->dc_tss, lim = sizeof(dc->dc_tss) - 1;
	unsigned int i;

	for (i = 0; i < SEL_TSS / 8; i++)
		dc->dc_gdt[i] = boot_gdt[i];
	dc->dc_gdt[SEL_TSS / 8] = lim | (at & 0xffffff) << 16 |
	    0x89ull << 40 | (at >> 24 & 0xff) << 56;
	dc->dc_gdt[SEL_TSS / 8 + 1] = at >> 32;
	for (i = 0; i < 3; i++)
		dc->dc_tss.ts_ist[i] = (uintptr_t)dc->dc_ist[i] +
		    DESC_IST_SIZE;
	dc->dc_tss.ts_iobase = sizeof(dc->dc_tss);
}

/*
 * desc_prepare -- make the tables of another CPU
 *
 * Returns 0 or -PV_ENOMEM.  Context: thread.
 */
int
desc_prepare(unsigned int cpu)
{
	struct desc_cpu *dc = desc_cpus[cpu];

	if (dc == NULL)
		dc = page_alloc(PV_HOWMANY(sizeof(*dc), PV_PAGE_SIZE));
	if (dc == NULL)
		return -PV_ENOMEM;
	desc_cpus[cpu] = dc;
	desc_fill(dc);
	return 0;
}

/* Until now they may be anything: a vCPU of Xen's begins with none. */
static void
desc_set_segments(void)
{
	__asm__ __volatile__(
	    "pushq	%0\n\t"
	    "leaq	1f(%%rip), %%rax\n\t"
	    "pushq	%%rax\n\t"
	    "lretq\n"
	    "1:\tmovl	%1, %%ds\n\t"
	    "movl	%1, %%es\n\t"
	    "movl	%1, %%ss"
	    : : "i" (SEL_CODE), "r" (SEL_DATA) : "rax", "memory");
}

/*
 * desc_load -- this CPU's GDT, IDT, TSS, segments and %gs
 *
 * Context: entry.
 */
void
desc_load(unsigned int cpu)
{
	struct desc_cpu *dc = desc_cpus[cpu];
	struct desc_ptr p;

	p.dp_limit = sizeof(dc->dc_gdt) - 1;
	p.dp_base = (uintptr_t)dc->dc_gdt;
	__asm__ __volatile__("lgdt %0" : : "m" (p));
	desc_set_segments();
	p.dp_limit = sizeof(desc_idt) - 1;
	p.dp_base = (uintptr_t)desc_idt;
	__asm__ __volatile__("lidt %0" : : "m" (p));
	__asm__ __volatile__("ltr %w0" : : "r" (SEL_TSS));
	x86_wrmsr(DESC_MSR_GS, (uintptr_t)&sched_cpu[cpu]);
}

/*
 * desc_init -- the tables of the boot CPU, at their final addresses
 *
 * Context: entry.
 */
void
desc_init(void)
{
	unsigned int vec;

	for (vec = 0; vec < PV_NELEM(desc_idt); vec++)
		desc_set_gate(vec, 0);
	desc_set_gate(TRAP_NMI, 1);
	desc_set_gate(TRAP_DF, 2);
	desc_set_gate(TRAP_MC, 3);
	desc_fill(&desc_boot);
	(void)mode_cpu0();
	desc_load(0);
}
