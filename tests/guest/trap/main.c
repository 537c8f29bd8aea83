/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap -- must crash: a page fault gives a register dump with the names of
 * the functions, and the hypervisor is told.  See EXPECT in the Makefile.
 */

#include "../test.h"

static volatile uintptr_t trap_null = 8;

static __attribute__((__noipa__)) void
trap_victim(uintptr_t at)
{
	*(volatile int *)at = 1;
}

static __attribute__((__noipa__)) void
trap_caller(void)
{
	trap_victim(trap_null);
	test_log("not reached");
}

void
test_main(const struct boot_info *bi)
{
	(void)bi;
	trap_caller();
	TEST(!"writing to NULL faults");
}
