/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/memmap.c -- command line and memory map, as told by the loader.
 *
 *	PVH		struct hvm_start_info; the map is in it from version
 *			1 on, and even then only when memmap_entries is not 0
 *	multiboot2	a list of tags
 *	bzimage.S	Linux's zero page: a table and a count
 *	neither		XENMEM_memory_map
 *
 * Everything is copied, so nothing of the loader's stays reserved.  The first
 * MiB is left out: firmware data on some machines, and little to gain.
 * The tables of entry.S cover the first 4 GiB, where loaders put this.
 */

#include <arch.h>

#include "../layout.h"
#include "../xen_abi.h"
#include "hvm.h"
#include "xen_call.h"

#include <xen/arch-x86/hvm/start_info.h>

#define MEMMAP_LINUX_MAGIC	0x53726448u	/* bzimage.S puts it in eax */
#define MEMMAP_LINUX_NE820	0x1e8
#define MEMMAP_LINUX_CMDLINE	0x228
#define MEMMAP_LINUX_E820	0x2d0
#define MEMMAP_MB2_MAGIC	0x36d76289u
#define MEMMAP_MB2_CMDLINE	1
#define MEMMAP_MB2_MMAP		6
#define MEMMAP_MAX		128u	/* entries looked at */
#define MEMMAP_TAGS		0x10000u	/* bytes of tags looked at */

uint64_t memmap_rsdp;

struct memmap_mb2_tag {
	uint32_t	 mt_type, mt_size;
	uint32_t	 mt_entsize, mt_version;	/* MEMMAP_MB2_MMAP */
};

static void
memmap_range(uint64_t base, uint64_t len, uint32_t type)
{
	if (type != XEN_HVM_MEMMAP_TYPE_RAM || base + len < base)
		return;
	mode_boot.bi_nbytes += len;
	mode_mem_add(base < LAYOUT_LOW ? LAYOUT_LOW : base, base + len);
}

static void
memmap_pvh(const struct hvm_start_info *si)
{
	const struct hvm_memmap_table_entry *me;
	uint32_t i;

	if (si->cmdline_paddr != 0)
		mode_cmdline(arch_pa_to_va(si->cmdline_paddr), BOOT_CMDLINE);
	if (si->flags & SIF_INITDOMAIN)
		mode_boot.bi_xenboot.xb_flags |= PV_XEN_DOM0;
	memmap_rsdp = si->rsdp_paddr;
	if (si->version < 1)
		return;
	me = arch_pa_to_va(si->memmap_paddr);
	for (i = 0; i < si->memmap_entries && i < MEMMAP_MAX; i++)
		memmap_range(me[i].addr, me[i].size, me[i].type);
}

static void
memmap_linux(const char *zp)
{
	const struct mode_e820 *e;
	uint32_t cmdline;
	unsigned int i, n;

	cmdline = *(const uint32_t *)(const void *)(zp + MEMMAP_LINUX_CMDLINE);
	if (cmdline != 0)
		mode_cmdline(arch_pa_to_va(cmdline), BOOT_CMDLINE);
	e = (const struct mode_e820 *)(const void *)(zp + MEMMAP_LINUX_E820);
	n = *(const unsigned char *)(zp + MEMMAP_LINUX_NE820);
	for (i = 0; i < n && i < MEMMAP_MAX; i++)
		memmap_range(e[i].e_base, e[i].e_len, e[i].e_type);
}

static void
memmap_mb2_mmap(const struct memmap_mb2_tag *mt)
{
	const char *p = (const char *)(mt + 1);
	const char *end = (const char *)mt + mt->mt_size;
	const struct mode_e820 *e;

	if (mt->mt_entsize < sizeof(*e))
		return;
	for (; p + mt->mt_entsize <= end; p += mt->mt_entsize) {
		e = (const struct mode_e820 *)(const void *)p;
		memmap_range(e->e_base, e->e_len, e->e_type);
	}
}

static void
memmap_mb2(const char *info)
{
	const struct memmap_mb2_tag *mt;
	uint32_t size, off;

	size = *(const uint32_t *)(const void *)info;
	for (off = 8; off + 8 <= size && off < MEMMAP_TAGS;
	    off += (mt->mt_size + 7) & ~7u) {
		mt = (const struct memmap_mb2_tag *)(const void *)(info + off);
		if (mt->mt_type == 0 || mt->mt_size < 8)
			break;
		if (mt->mt_type == MEMMAP_MB2_CMDLINE)
			mode_cmdline((const char *)mt + 8, mt->mt_size - 8);
		else if (mt->mt_type == MEMMAP_MB2_MMAP)
			memmap_mb2_mmap(mt);
	}
}

static void
memmap_xen(void)
{
	static struct mode_e820 map[MEMMAP_MAX];
	struct xen_memory_map xm = { .nr_entries = MEMMAP_MAX };
	unsigned int i;

	set_xen_guest_handle(xm.buffer, (void *)map);
	if (xen_call2(NULL, __HYPERVISOR_memory_op, XENMEM_memory_map,
	    (unsigned long)&xm) != 0)
		return;
	for (i = 0; i < xm.nr_entries && i < MEMMAP_MAX; i++)
		memmap_range(map[i].e_base, map[i].e_len, map[i].e_type);
}

/*
 * memmap_init -- fill bi_cmdline and bi_mem
 *
 * Context: entry; Xen has been looked for.
 */
void
memmap_init(uint32_t magic, uint64_t info)
{
	const struct hvm_start_info *si = arch_pa_to_va(info);

	/* First: QEMU's PVH loader leaves a multiboot number in eax. */
	if (si->magic == XEN_HVM_START_MAGIC_VALUE) {
		mode_boot.bi_way = BOOT_PVH;
		memmap_pvh(si);
	} else if (magic == MEMMAP_MB2_MAGIC) {
		mode_boot.bi_way = BOOT_MULTIBOOT2;
		memmap_mb2(arch_pa_to_va(info));
	} else if (magic == MEMMAP_LINUX_MAGIC) {
		mode_boot.bi_way = BOOT_LINUX;
		memmap_linux(arch_pa_to_va(info));
	}
	if (mode_boot.bi_nmem == 0)
		memmap_xen();
	mode_mem_reserve(arch_va_to_pa(kern_start), arch_va_to_pa(kern_end));
	if (mode_boot.bi_nmem == 0) {
		printf_early("PANIC: nobody says where memory is\n");
		arch_crash();
	}
}
