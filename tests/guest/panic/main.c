/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * panic -- must crash: says why, and who called.
 */

#include "../test.h"

static __attribute__((__noipa__)) void
panic_caller(int why)
{
	panic("as asked for: %d", why);
}

void
test_main(const struct boot_info *bi)
{
	(void)bi;
	panic_caller(42);
}
