/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_class.c -- the shell's commands about devices that are neither disk,
 * network nor console.
 */

#include "shell.h"

#include <arch.h>
#include <hba.h>
#include <klog.h>
#include <ktime.h>
#include <rng.h>
#include <string.h>

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

/* ---- scsi -------------------------------------------------------------- */

static const char *
cmd_scsi_type(const struct pv_scsi_unit *su)
{
	if (su->su_type == 0)
		return "disk";
	return su->su_type == 5 ? "CD" : "other";
}

static int
cmd_scsi(int argc, char **argv)
{
	const struct pv_scsi_unit *su;
	struct hba_unit hu;
	struct pv_scsi ss;
	char name[16];
	unsigned int n;

	if (argc > 2 || (argc == 2 && strcmp(argv[1], "rescan") != 0))
		return shell_usage(argv);
	if (argc == 2)
		return hba_rescan() == 0 ? 1 : 0;
	for (n = 0; hba_info(n, &ss, name) == 0; n++)
		kprintf("%s: commands %llu aborts %llu resets %llu events %llu"
		    "\n", name, (unsigned long long)ss.ss_ncmd,
		    (unsigned long long)ss.ss_nabort,
		    (unsigned long long)ss.ss_nreset,
		    (unsigned long long)ss.ss_nevent);
	if (n == 0)
		kprintf("scsi: there is no adapter\n");
	for (n = 0; hba_unit(n, &hu) == 0; n++) {
		su = &hu.hu_unit;
		kprintf("%s %u:%u %s %s '%s' '%s' '%s' %llu sectors, blocks of"
		    " %u%s\n", hu.hu_adapter, su->su_target, su->su_lun,
		    cmd_scsi_type(su), su->su_disk[0] != '\0' ? su->su_disk :
		    "-", su->su_vendor, su->su_product, su->su_revision,
		    (unsigned long long)su->su_nsect, su->su_bsize,
		    su->su_medium ? "" : ", no medium");
		if (shell_pace())
			break;
	}
	return 0;
}

const struct cmd cmd_class[] = {
	{ "rng", "[COUNT]", "the random device; random bytes of it, in hex",
	    cmd_rng },
	{ "scsi", "[rescan]", "SCSI adapters and their units; look for units"
	    " anew", cmd_scsi },
	{ NULL, NULL, NULL, NULL }
};
