/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_class.c -- the shell's commands about devices that are neither disk,
 * network nor console.
 */

#include "shell.h"

#include <arch.h>
#include <klog.h>
#include <ktime.h>
#include <rng.h>

#define CMD_RNG_WAIT	(10 * NSEC_PER_SEC)
#define CMD_RNG_LINE	32u

/* ---- rng --------------------------------------------------------------- */

static int
cmd_rng_print(char **argv, uint64_t len)
{
	uint8_t buf[CMD_RNG_LINE];
	unsigned int i, n;
	int rv;

	for (; len > 0; len -= n) {
		n = len < sizeof(buf) ? (unsigned int)len : sizeof(buf);
		rv = rng_read(buf, n, arch_now() + CMD_RNG_WAIT);
		if (rv != 0)
			return shell_fail(argv, "reading", rv);
		for (i = 0; i < n; i++)
			kprintf("%02x", buf[i]);
		kprintf("\n");
		if (shell_pace())
			return 1;
	}
	return 0;
}

static int
cmd_rng(int argc, char **argv)
{
	const char *name;
	uint64_t n = 0;

	if (argc > 2)
		return shell_usage(argv);
	if (argc == 2 && !shell_num(argv, argv[1], UINT32_MAX, &n))
		return SHELL_USAGE;
	if (argc == 2)
		return cmd_rng_print(argv, n);
	name = rng_name(&n);
	if (name == NULL)
		kprintf("rng: there is no random device\n");
	else
		kprintf("rng: %s gave %llu bytes\n", name,
		    (unsigned long long)n);
	return name == NULL ? 1 : 0;
}

const struct cmd cmd_class[] = {
	{ "rng", "[COUNT]", "the random device; random bytes of it, in hex",
	    cmd_rng },
	{ NULL, NULL, NULL, NULL }
};
