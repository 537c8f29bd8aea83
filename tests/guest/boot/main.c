/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot -- the kernel was told the truth about where it is.
 */

#include <string.h>

#include <cmdline.h>

#include "../test.h"

/* The memory map: ascending, page aligned, no overlap, not more than is. */
static void
boot_memory(const struct boot_info *bi)
{
	uint64_t end = 0, sum = 0;
	unsigned int i;

	TEST(bi->bi_nmem > 0 && bi->bi_nmem <= BOOT_NMEM);
	for (i = 0; i < bi->bi_nmem; i++) {
		const struct boot_mem *bm = &bi->bi_mem[i];

		test_log("RAM %#llx + %#llx", (unsigned long long)bm->bm_base,
		    (unsigned long long)bm->bm_len);
		TEST(bm->bm_base >= end && bm->bm_len > 0);
		TEST(bm->bm_base % PV_PAGE_SIZE == 0);
		TEST(bm->bm_len % PV_PAGE_SIZE == 0);
		end = bm->bm_base + bm->bm_len;
		sum += bm->bm_len;
	}
	TEST(sum <= bi->bi_nbytes);
	TEST(sum >= bi->bi_nbytes / 2);
}

void
test_main(const struct boot_info *bi)
{
	const char *env = cmdline_get("env");

	TEST(env != NULL);
	test_log("in %s: %s", env, arch_mode_name());
	if (strncmp(env, "qemu-", 5) == 0)
		TEST(!bi->bi_xen && bi->bi_way == BOOT_PVH);
	else
		TEST(bi->bi_xen);
	if (strcmp(env, "dom0-pv") == 0)
		TEST(bi->bi_way == BOOT_XEN_PV &&
		    strcmp(arch_mode_name(), "Xen PV") == 0);
	if (strcmp(env, "dom0-pvh") == 0)
		TEST(bi->bi_way == BOOT_PVH &&
		    strcmp(arch_mode_name(), "Xen PVH") == 0);
	if (bi->bi_xen)
		TEST((bi->bi_xenboot.xb_flags & PV_XEN_DOM0) != 0);
	TEST(cmdline_num("number", 1, 100, 7) == 42);
	TEST(arch_irq_enabled());
	TEST(arch_cpu() == &sched_cpu[0] && arch_cpu()->cpu_nintr == 0);
	boot_memory(bi);
}
