/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layout.h -- where things lie in the address space; also for assembly.
 *
 *	0 .. 0x00007fffffffffff			user programs
 *	0xffff800000000000 .. 0xffff87ffffffffff	Xen's own, under PV
 *	LAYOUT_DIRECT	0xffff880000000000	all RAM, by pfn
 *	LAYOUT_WINDOW	0xffffc00000000000	pv_os_map(): other frames
 *	LAYOUT_KERNEL	0xffffffff80000000	the image, 4 MiB above
 *
 * The same in all modes, so that nobody has to ask.
 */

#ifndef LAYOUT_H
#define LAYOUT_H

#ifdef __ASSEMBLY__
#define LAYOUT_C(x)	x
#else
#define LAYOUT_C(x)	x##ul
#endif

#define LAYOUT_DIRECT		LAYOUT_C(0xffff880000000000)
#define LAYOUT_DIRECT_SIZE	LAYOUT_C(0x8000000000)	/* one L4 slot */
#define LAYOUT_WINDOW		LAYOUT_C(0xffffc00000000000)
#define LAYOUT_WINDOW_NPT	8			/* L1 tables: 16 MiB */
#define LAYOUT_KERNEL		LAYOUT_C(0xffffffff80000000)
/*
 * Where the image is loaded.  Not lower: when QEMU puts it into the memory of
 * a Xen HVM guest (kernel=), hvmloader with its firmware is at 1 MiB already.
 * domus.lds and build/ksyms.awk have the number too.
 */
#define LAYOUT_IMAGE		LAYOUT_C(0x400000)
#define LAYOUT_LOW		LAYOUT_C(0x100000)	/* firmware's below */

/* Page-table entries. */
#define PTE_P		LAYOUT_C(0x001)
#define PTE_W		LAYOUT_C(0x002)
#define PTE_U		LAYOUT_C(0x004)
#define PTE_PWT		LAYOUT_C(0x008)
#define PTE_PCD		LAYOUT_C(0x010)
#define PTE_A		LAYOUT_C(0x020)
#define PTE_D		LAYOUT_C(0x040)
#define PTE_PS		LAYOUT_C(0x080)
#define PTE_NX		LAYOUT_C(0x8000000000000000)
#define PTE_TABLE	(PTE_P | PTE_W | PTE_A | PTE_D)
#define PTE_FRAME	LAYOUT_C(0x000ffffffffff000)

/* The index of an address in the table of each level, 1 to 4. */
#define PTE_INDEX(va, lvl) (((va) >> (12 + 9 * ((lvl) - 1))) & 511)

/* In struct cpu; cpu.c asserts them. */
#define CPU_ARCH		16

#define PV_IRQ_SLOT		32			/* bytes; pv/irq.S */

#define BOOT_STACK	0x4000			/* bytes */

/* Selectors of the hardware-virtualized modes. */
#define SEL_CODE32	0x08
#define SEL_CODE	0x10
#define SEL_DATA	0x18
#define SEL_TSS		0x20

#endif /* LAYOUT_H */
