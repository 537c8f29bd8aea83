/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_class.c -- the shell's commands about devices that are neither disk,
 * network nor console.
 */

#include "shell.h"

#include <arch.h>
#include <balloon.h>
#include <cons.h>
#include <hba.h>
#include <klog.h>
#include <ktime.h>
#include <pv/errno.h>
#include <rng.h>
#include <string.h>
#include <tty.h>

#define CMD_RNG_WAIT	(10 * NSEC_PER_SEC)
#define CMD_RNG_LINE	32u
#define CMD_PORT_WAIT	(200 * NSEC_PER_MSEC)
#define CMD_FLOOD_LINE	40u		/* bytes, with CR and LF */
#define CMD_PORT_PATIENCE (10 * NSEC_PER_SEC)

/* ---- balloon ----------------------------------------------------------- */

/* "max", "auto", or a number of MiB. */
static int
cmd_balloon_set(char **argv)
{
	enum balloon_policy policy = BALLOON_FIXED;
	struct balloon_info bi;
	uint64_t mib = 0;
	int rv;

	if (strcmp(argv[1], "max") == 0)
		policy = BALLOON_HOST;
	else if (strcmp(argv[1], "auto") == 0)
		policy = BALLOON_AUTO;
	else if (!shell_num(argv, argv[1], UINT32_MAX, &mib))
		return SHELL_USAGE;
	rv = balloon_set(policy, mib);
	if (rv == -PV_ERANGE && balloon_info(&bi) == 0) {
		kprintf("balloon: %s: this guest can have 1 to %llu MiB\n",
		    argv[1], (unsigned long long)(bi.bi_balloon.bl_all >>
		    (20 - PV_PAGE_SHIFT)));
		return 1;
	}
	return rv == 0 ? 0 : shell_fail(argv, argv[1], rv);
}

static int
cmd_balloon(int argc, char **argv)
{
	static const char *const policy[] = { "host", "fixed", "auto" };
	const struct pv_balloon *bl;
	struct balloon_info bi;

	if (argc > 2)
		return shell_usage(argv);
	if (argc == 2)
		return cmd_balloon_set(argv);
	if (balloon_info(&bi) != 0) {
		kprintf("balloon: there is none\n");
		return 1;
	}
	bl = &bi.bi_balloon;
	kprintf("balloon: %s target %llu held %llu in %llu out %llu reported"
	    " %llu hinted %llu asked %llu floor %llu%s%s%s\n", bi.bi_name,
	    (unsigned long long)bl->bl_target, (unsigned long long)bl->bl_held,
	    (unsigned long long)bl->bl_nin, (unsigned long long)bl->bl_nout,
	    (unsigned long long)bl->bl_nreport,
	    (unsigned long long)bl->bl_nhint, (unsigned long long)bl->bl_nstat,
	    (unsigned long long)bi.bi_floor,
	    (bl->bl_flags & PV_BALLOON_OOM) != 0 ? " oom" : "",
	    (bl->bl_flags & PV_BALLOON_REPORTS) != 0 ? " reports" : "",
	    (bl->bl_flags & PV_BALLOON_HINTS) != 0 ? " hints" : "");
	if ((bl->bl_flags & PV_BALLOON_LENDS) != 0)
		kprintf("policy %s of %llu wish %llu lent %llu taken back %llu"
		    " ceiling %llu delayed %llu\n", policy[bi.bi_policy],
		    (unsigned long long)bl->bl_all,
		    (unsigned long long)bl->bl_wish,
		    (unsigned long long)bi.bi_ngave,
		    (unsigned long long)bi.bi_ntook,
		    (unsigned long long)bi.bi_ceiling,
		    (unsigned long long)bl->bl_nshort);
	return 0;
}

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

/* ---- ports ------------------------------------------------------------- */

static int
cmd_ports_list(void)
{
	struct cons_info ci;
	unsigned int n;

	for (n = 0; cons_info(n, &ci) == 0; n++)
		kprintf("%s '%s'%s%s%s %ux%u read %llu written %llu waiting"
		    " %zu\n", ci.ci_name, ci.ci_label,
		    (ci.ci_flags & PV_CONS_CONSOLE) != 0 ? " console" : "",
		    (ci.ci_flags & PV_CONS_OPEN) != 0 ? " open" : "",
		    ci.ci_tty ? " tty" : "", ci.ci_cols, ci.ci_rows,
		    (unsigned long long)ci.ci_rxbyte,
		    (unsigned long long)ci.ci_txbyte, ci.ci_waiting);
	if (n == 0)
		kprintf("ports: there is none\n");
	if (tty_dropped() > 0)
		kprintf("output that nobody took in time: %llu bytes\n",
		    (unsigned long long)tty_dropped());
	return 0;
}

/* Numbered lines on this console, which waits for nobody. */
static int
cmd_ports_flood(char **argv)
{
	uint64_t n, done, lost = tty_dropped();

	if (!shell_num(argv, argv[2], UINT32_MAX, &n))
		return SHELL_USAGE;
	for (done = 0; done < n; done += CMD_FLOOD_LINE)
		kprintf("%0*llu\n", (int)CMD_FLOOD_LINE - 2,
		    (unsigned long long)(done / CMD_FLOOD_LINE));
	kprintf("ports: %llu bytes written, %llu lost\n",
	    (unsigned long long)done,
	    (unsigned long long)(tty_dropped() - lost));
	return 0;
}

static int
cmd_ports_read(char **argv)
{
	char buf[128];
	int rv;

	do {
		rv = cons_read(argv[2], buf, sizeof(buf), arch_now() +
		    CMD_PORT_WAIT);
		if (rv < 0)
			return shell_fail(argv, argv[2], rv);
		tty_write(buf, (size_t)rv);
	} while (rv > 0 && !shell_pace());
	kprintf("\n");
	return 0;
}

/* Words, then a new line; or as many bytes of a pattern. */
static int
cmd_ports_write(int argc, char **argv)
{
	uint64_t deadline = arch_now() + CMD_PORT_PATIENCE;
	int i, rv = 0;

	for (i = 3; i < argc && rv == 0; i++) {
		rv = cons_write(argv[2], argv[i], strlen(argv[i]), deadline);
		if (rv == 0)
			rv = cons_write(argv[2], i + 1 < argc ? " " : "\n", 1,
			    deadline);
	}
	return rv == 0 ? 0 : shell_fail(argv, argv[2], rv);
}

static int
cmd_ports_echo(char **argv)
{
	uint64_t n, done = 0;
	char buf[256];
	int rv = 1;

	if (!shell_num(argv, argv[3], UINT32_MAX, &n))
		return SHELL_USAGE;
	while (done < n && rv > 0) {
		rv = cons_read(argv[2], buf, sizeof(buf), arch_now() +
		    CMD_PORT_PATIENCE);
		if (rv > 0 && cons_write(argv[2], buf, (size_t)rv,
		    arch_now() + CMD_PORT_PATIENCE) != 0)
			rv = -PV_ETIMEDOUT;
		done += rv > 0 ? (unsigned int)rv : 0;
		if (shell_pace())
			return 1;
	}
	kprintf("ports: %llu bytes there and back\n",
	    (unsigned long long)done);
	return rv < 0 ? shell_fail(argv, argv[2], rv) : done < n;
}

static int
cmd_ports(int argc, char **argv)
{
	if (argc == 1)
		return cmd_ports_list();
	if (argc == 3 && strcmp(argv[1], "read") == 0)
		return cmd_ports_read(argv);
	if (argc == 3 && strcmp(argv[1], "flood") == 0)
		return cmd_ports_flood(argv);
	if (argc > 3 && strcmp(argv[1], "write") == 0)
		return cmd_ports_write(argc, argv);
	if (argc == 4 && strcmp(argv[1], "echo") == 0)
		return cmd_ports_echo(argv);
	return shell_usage(argv);
}

const struct cmd cmd_class[] = {
	{ "balloon", "[MIB | max | auto]", "memory given back to the host, in"
	    " pages; have at most so much", cmd_balloon },
	{ "ports", "[read PORT | write PORT WORD ... | echo PORT COUNT | flood"
	    " COUNT]", "serial ports and consoles; what came in; text out; "
	    "bytes back; bytes to this console, for tests", cmd_ports },
	{ "rng", "[COUNT]", "the random device; random bytes of it, in hex",
	    cmd_rng },
	{ "scsi", "[rescan]", "SCSI adapters and their units; look for units"
	    " anew", cmd_scsi },
	{ NULL, NULL, NULL, NULL }
};
