/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot.h -- what the entry code tells the kernel, whichever way it came.
 */

#ifndef BOOT_H
#define BOOT_H

#include <pv/pv.h>

enum boot_way {
	BOOT_XEN_PV,
	BOOT_PVH,			/* Xen PVH, QEMU, Firecracker */
	BOOT_MULTIBOOT2,		/* GRUB */
	BOOT_LINUX			/* bzimage.S: Xen HVM kernel= */
};

#define BOOT_NMEM	64
#define BOOT_CMDLINE	1024

/* Usable RAM in pfn terms, page aligned, not overlapping, ascending. */
struct boot_mem {
	uint64_t	 bm_base;	/* bytes */
	uint64_t	 bm_len;
};

struct boot_info {
	enum boot_way	 bi_way;
	bool		 bi_xen;	/* a Xen hypervisor is beneath */
	char		 bi_cmdline[BOOT_CMDLINE];
	unsigned int	 bi_nmem;
	struct boot_mem	 bi_mem[BOOT_NMEM];	/* without the kernel image and
						   what the loader gave */
	uint64_t	 bi_nbytes;	/* RAM in all, those included */
	uint64_t	 bi_nhollow;	/* pages right behind the last piece of
					   RAM that have nothing behind them:
					   a balloon may get them some */
	struct pv_xen_boot bi_xenboot;
};

/*
 * The one entry into C code: called on the boot CPU's stack with traps set
 * up, interrupts off, early console output working and the direct map of all
 * RAM in place.
 */
_Noreturn void kernel_main(struct boot_info *);

#endif /* BOOT_H */
