/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_disk.c -- the shell's commands about disks and their blocks.
 */

#include "shell.h"

#include <arch.h>
#include <disk.h>
#include <disk_queue.h>
#include <file.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <printf.h>
#include <pv/errno.h>
#include <string.h>

#define CMD_IOPG	16		/* pages moved at once */
#define CMD_IOSECT	(CMD_IOPG * PV_PAGE_SIZE / PV_SECT_SIZE)

static int
cmd_disks(int argc, char **argv)
{
	struct disk_info dk;
	unsigned int n;

	for (n = 0; disk_info(n, &dk) == 0; n++) {
		kprintf("%-10s %12llu sectors, blocks of %u, %s%s%s, users %u"
		    "\n", dk.dk_name, (unsigned long long)dk.dk_nsect,
		    dk.dk_bsize, dk.dk_type,
		    dk.dk_flags & PV_BLK_RO ? ", read-only" : "",
		    dk.dk_flags & PV_BLK_CDROM ? ", CD" : "", dk.dk_users);
		if (shell_pace())
			break;
	}
	if (n == 0)
		kprintf("no disks: attach one with xl block-attach\n");
	return 0;
}

/* ---- block ------------------------------------------------------------- */

struct cmd_block {
	struct disk	*cb_disk;
	uint64_t	 cb_sect, cb_nsect;
	uint8_t		*cb_buf;	/* CMD_IOPG pages */
};

static void
cmd_dump_line(uint64_t at, const uint8_t *p)
{
	char hex[3 * 16 + 2], text[16 + 1];
	unsigned int i;
	size_t n = 0;

	for (i = 0; i < 16; i++) {
		n += printf_format(hex + n, sizeof(hex) - n, "%s%02x",
		    i == 8 ? "  " : " ", p[i]);
		text[i] = p[i] >= ' ' && p[i] < 0x7f ? (char)p[i] : '.';
	}
	text[16] = '\0';
	kprintf("%012llx %s  %s\n", (unsigned long long)at, hex, text);
}

/* Print n sectors; lines that repeat the one before are a "*". */
static bool
cmd_dump(uint64_t sect, const uint8_t *buf, size_t nsect)
{
	size_t at, len = nsect * PV_SECT_SIZE;
	bool same = false;

	for (at = 0; at < len; at += 16) {
		if (at > 0 && memcmp(buf + at, buf + at - 16, 16) == 0) {
			if (!same)
				kprintf("*\n");
			same = true;
			continue;
		}
		same = false;
		cmd_dump_line(sect * PV_SECT_SIZE + at, buf + at);
		if (shell_pace())
			return false;
	}
	return true;
}

static int
cmd_block_read(struct cmd_block *cb)
{
	size_t n;
	int rv;

	while (cb->cb_nsect > 0) {
		n = cb->cb_nsect < CMD_IOSECT ? cb->cb_nsect : CMD_IOSECT;
		rv = disk_read(cb->cb_disk, cb->cb_sect, cb->cb_buf, n);
		if (rv != 0)
			return rv;
		if (!cmd_dump(cb->cb_sect, cb->cb_buf, n))
			return -PV_ECANCELED;
		cb->cb_sect += n;
		cb->cb_nsect -= n;
	}
	return 0;
}

/* Every sector begins with its own number, the rest of it is a pattern. */
static void
cmd_pattern(struct cmd_block *cb, size_t nsect)
{
	uint64_t sect;
	uint8_t *p = cb->cb_buf;
	size_t i, k;

	for (i = 0; i < nsect; i++, p += PV_SECT_SIZE) {
		sect = cb->cb_sect + i;
		memcpy(p, &sect, sizeof(sect));
		for (k = sizeof(sect); k < PV_SECT_SIZE; k++)
			p[k] = (uint8_t)(k * 7 + sect * 13);
	}
}

static int
cmd_block_pattern(struct cmd_block *cb, bool check)
{
	size_t n, i;
	uint8_t *got = check ? page_alloc(CMD_IOPG) : NULL;
	int rv = check && got == NULL ? -PV_ENOMEM : 0;

	while (rv == 0 && cb->cb_nsect > 0) {
		n = cb->cb_nsect < CMD_IOSECT ? cb->cb_nsect : CMD_IOSECT;
		cmd_pattern(cb, n);
		if (!check) {
			rv = disk_write(cb->cb_disk, cb->cb_sect, cb->cb_buf,
			    n);
		} else {
			rv = disk_read(cb->cb_disk, cb->cb_sect, got, n);
			for (i = 0; rv == 0 && i < n * PV_SECT_SIZE; i++)
				if (got[i] != cb->cb_buf[i])
					rv = -PV_EPROTO;
			if (rv == -PV_EPROTO)
				kprintf("block: sector %llu differs\n",
				    (unsigned long long)(cb->cb_sect +
				    (i - 1) / PV_SECT_SIZE));
		}
		cb->cb_sect += n;
		cb->cb_nsect -= n;
	}
	if (got != NULL)
		page_free(got, CMD_IOPG);
	return rv;
}

static int
cmd_block_file(struct cmd_block *cb, const char *path)
{
	struct file *fl;
	uint64_t off = 0;
	ptrdiff_t n;
	size_t nsect;
	int rv;

	rv = file_open(path, FILE_READ, &fl);
	if (rv != 0)
		return rv;
	while (rv == 0 && (n = file_read(fl, off, cb->cb_buf,
	    CMD_IOPG * PV_PAGE_SIZE)) != 0) {
		if (n < 0) {
			rv = (int)n;
			break;
		}
		nsect = PV_HOWMANY((size_t)n, PV_SECT_SIZE);
		memset(cb->cb_buf + n, 0, nsect * PV_SECT_SIZE - n);
		rv = disk_write(cb->cb_disk, cb->cb_sect, cb->cb_buf, nsect);
		cb->cb_sect += nsect;
		off += n;
	}
	file_close(fl);
	return rv;
}

/* discard, zero, secure: with the operation in *op. */
static bool
cmd_block_range(const char *verb, enum pv_blk_op *op)
{
	static const struct {
		const char	*verb;
		enum pv_blk_op	 op;
	} verbs[] = {
		{ "discard", PV_BLK_DISCARD }, { "zero", PV_BLK_WRITE_ZEROES },
		{ "secure", PV_BLK_SECURE_DISCARD }
	};
	unsigned int i;

	for (i = 0; i < PV_NELEM(verbs); i++) {
		if (strcmp(verbs[i].verb, verb) == 0) {
			*op = verbs[i].op;
			return true;
		}
	}
	return false;
}

static int
cmd_block_do(struct cmd_block *cb, char **argv, int argc, bool force)
{
	enum pv_blk_op op;
	int rv;

	if (strcmp(argv[1], "read") == 0)
		return cmd_block_read(cb);
	if (strcmp(argv[1], "check") == 0)
		return cmd_block_pattern(cb, true);
	if (!force) {
		kprintf("block: writing destroys what %s holds: say -f\n",
		    argv[2]);
		return -PV_EPERM;
	}
	if (cmd_block_range(argv[1], &op))
		rv = disk_range(cb->cb_disk, op, cb->cb_sect, cb->cb_nsect);
	else if (argc == 6 && strcmp(argv[4], "-i") == 0)
		rv = cmd_block_file(cb, argv[5]);
	else
		rv = cmd_block_pattern(cb, false);
	return rv != 0 ? rv : disk_flush(cb->cb_disk);
}

static int
cmd_block_open(char **argv, int argc, bool force)
{
	struct cmd_block cb;
	bool file = argc == 6;
	int rv;

	cb.cb_nsect = 1;
	if (!shell_num(argv, argv[3], UINT64_MAX / PV_SECT_SIZE,
	    &cb.cb_sect) || (argc == 5 && !file && !shell_num(argv, argv[4],
	    UINT32_MAX, &cb.cb_nsect)))
		return SHELL_USAGE;
	cb.cb_disk = disk_open(argv[2]);
	if (cb.cb_disk == NULL) {
		kprintf("block: no disk %s; `disks' lists them\n", argv[2]);
		return 1;
	}
	cb.cb_buf = page_alloc(CMD_IOPG);
	rv = cb.cb_buf == NULL ? -PV_ENOMEM :
	    cmd_block_do(&cb, argv, argc, force);
	if (cb.cb_buf != NULL)
		page_free(cb.cb_buf, CMD_IOPG);
	disk_close(cb.cb_disk);
	return rv != 0 ? shell_fail(argv, argv[2], rv) : 0;
}

/*
 * Words are moved so that argv is: block, verb, DISK, SECTOR, then COUNT or
 * -i FILE.
 */
static int
cmd_block(int argc, char **argv)
{
	bool force = argc > 2 && strcmp(argv[2], "-f") == 0;
	bool write, read, range;
	enum pv_blk_op op;

	if (force) {
		memmove(argv + 2, argv + 3, (argc - 2) * sizeof(*argv));
		argc--;
	}
	if (argc < 4)
		return shell_usage(argv);
	write = strcmp(argv[1], "write") == 0;
	read = strcmp(argv[1], "read") == 0 || strcmp(argv[1], "check") == 0;
	range = cmd_block_range(argv[1], &op);
	if (!((read || range) && argc <= 5) && !(write && argc <= 5) &&
	    !(write && argc == 6 && strcmp(argv[4], "-i") == 0))
		return shell_usage(argv);
	return cmd_block_open(argv, argc, force);
}

/* ---- diskinfo ---------------------------------------------------------- */

static void
cmd_diskinfo_can(const struct pv_blk *bk)
{
	static const struct {
		uint32_t	 flag;
		const char	*name;
	} flags[] = {
		{ PV_BLK_RO, "read-only" }, { PV_BLK_CDROM, "cd" },
		{ PV_BLK_CANFLUSH, "flush" }, { PV_BLK_CANDISCARD, "discard" },
		{ PV_BLK_CANZERO, "zero" }, { PV_BLK_CANSECURE, "secure" },
		{ PV_BLK_CANWCACHE, "cache-mode" }
	};
	unsigned int i;

	kprintf("can:");
	for (i = 0; i < PV_NELEM(flags); i++)
		if ((bk->bk_flags & flags[i].flag) != 0)
			kprintf(" %s", flags[i].name);
	kprintf("\ncache: %s\n", (bk->bk_flags & PV_BLK_WCACHE) != 0 ?
	    "write-back" : "write-through");
}

static void
cmd_diskinfo_show(const struct disk_info *dk)
{
	const struct pv_blk *bk = dk->dk_blk;
	unsigned int i;

	kprintf("sectors: %llu\nblock: %u\nserial: %s\n",
	    (unsigned long long)dk->dk_nsect, dk->dk_bsize, bk->bk_ident);
	cmd_diskinfo_can(bk);
	kprintf("queues: %u\nrequest: %u bytes\n",
	    bk->bk_nqueue != 0 ? bk->bk_nqueue : 1, bk->bk_maxio);
	kprintf("physical: %u offset %u min %u opt %u\n", bk->bk_psize,
	    bk->bk_poff, bk->bk_minio, bk->bk_optio);
	kprintf("limits: discard %u align %u zero %u secure %u\n",
	    bk->bk_maxdiscard, bk->bk_discalign, bk->bk_maxzero,
	    bk->bk_maxsecure);
	kprintf("done: read %llu write %llu flush %llu discard %llu zero %llu"
	    " error %llu again %llu\n", (unsigned long long)bk->bk_nread,
	    (unsigned long long)bk->bk_nwrite,
	    (unsigned long long)bk->bk_nflush,
	    (unsigned long long)bk->bk_ndiscard,
	    (unsigned long long)bk->bk_nzero,
	    (unsigned long long)bk->bk_nerror,
	    (unsigned long long)bk->bk_nreplay);
	kprintf("ways: indirect %llu persistent %llu queues",
	    (unsigned long long)bk->bk_nindirect,
	    (unsigned long long)bk->bk_nlasting);
	for (i = 0; i < PV_BLK_NQ && i < bk->bk_nqueue; i++)
		kprintf(" %llu", (unsigned long long)bk->bk_qdone[i]);
	kprintf("\n");
}

static int
cmd_diskinfo(int argc, char **argv)
{
	bool cache = argc == 4 && strcmp(argv[2], "cache") == 0;
	struct disk_info dk;
	struct disk *d;
	int rv = 0;

	if ((argc != 2 && !cache) || (cache && strcmp(argv[3], "on") != 0 &&
	    strcmp(argv[3], "off") != 0))
		return shell_usage(argv);
	d = disk_open(argv[1]);
	if (d == NULL)
		return shell_fail(argv, argv[1], -PV_ENOENT);
	if (cache)
		rv = disk_wcache(d, strcmp(argv[3], "on") == 0);
	disk_stat(d, &dk);
	if (rv == 0 && dk.dk_blk == NULL)
		rv = -PV_ENXIO;
	if (rv == 0)
		cmd_diskinfo_show(&dk);
	disk_close(d);
	return rv == 0 ? 0 : shell_fail(argv, argv[1], rv);
}

/* ---- iostat ------------------------------------------------------------ */

/* Latencies: "<64 12": 12 took below 64 us and not below 32. */
static void
cmd_iostat_hist(const struct disk_count *dc)
{
	unsigned int n;

	kprintf("  us:");
	for (n = 0; n < DISK_NHIST - 1; n++)
		if (dc->dc_hist[n] != 0)
			kprintf(" <%u %llu", 1u << n,
			    (unsigned long long)dc->dc_hist[n]);
	if (dc->dc_hist[n] != 0)
		kprintf(" more %llu", (unsigned long long)dc->dc_hist[n]);
	kprintf("\n");
}

static void
cmd_iostat_kind(const char *name, const struct disk_count *dc, uint64_t ns)
{
	uint64_t ms = ns / NSEC_PER_MSEC;

	if (dc->dc_n == 0)
		return;
	if (ms == 0)
		ms = 1;
	kprintf("%s: %llu requests, %llu KiB, %llu failed; %llu /s, %llu KiB/s;"
	    " mean %llu us, max %llu us\n", name,
	    (unsigned long long)dc->dc_n,
	    (unsigned long long)dc->dc_nsect / 2,
	    (unsigned long long)dc->dc_nerror,
	    (unsigned long long)(dc->dc_n * 1000 / ms),
	    (unsigned long long)(dc->dc_nsect * 500 / ms),
	    (unsigned long long)(dc->dc_ns / dc->dc_n / 1000),
	    (unsigned long long)(dc->dc_maxns / 1000));
	cmd_iostat_hist(dc);
}

static void
cmd_iostat_show(const char *name, const struct disk_counts *dk, uint64_t ns)
{
	static const char *const kinds[DISK_NKIND] = { "read", "write",
	    "flush", "range" };
	unsigned int i;

	kprintf("%s: %llu ms, merged %llu, made %llu, waiting %u, under way"
	    " %u\n", name, (unsigned long long)(ns / NSEC_PER_MSEC),
	    (unsigned long long)dk->dk_nmerged,
	    (unsigned long long)dk->dk_nput, dk->dk_nwait, dk->dk_nflight);
	for (i = 0; i < DISK_NKIND; i++)
		cmd_iostat_kind(kinds[i], &dk->dk_kind[i], ns);
}

/* The disk's device since it came, or in the seconds to come. */
static int
cmd_iostat(int argc, char **argv)
{
	struct disk_counts *dk;
	uint64_t since, sec = 0;
	struct disk *d;

	if (argc < 2 || argc > 3)
		return shell_usage(argv);
	if (argc == 3 && !shell_num(argv, argv[2], 3600, &sec))
		return SHELL_USAGE;
	d = disk_open(argv[1]);
	if (d == NULL)
		return shell_fail(argv, argv[1], -PV_ENOENT);
	dk = kmalloc(2 * sizeof(*dk));
	if (dk == NULL) {
		disk_close(d);
		return shell_fail(argv, argv[1], -PV_ENOMEM);
	}
	disk_counts(d, &dk[0]);
	since = dk[0].dk_since;
	if (sec > 0) {
		since = arch_now();
		shell_sleep(sec * NSEC_PER_SEC);
	}
	disk_counts(d, &dk[1]);
	if (sec > 0)
		disk_queue_since(&dk[1], &dk[0]);
	cmd_iostat_show(disk_name(d), &dk[1], arch_now() - since);
	kfree(dk);
	disk_close(d);
	return 0;
}

const struct cmd cmd_disk[] = {
	{ "disks", "", "disks and their partitions", cmd_disks },
	{ "block", "read DISK SECTOR [COUNT] | check DISK SECTOR [COUNT] |"
	    " write -f DISK SECTOR [COUNT | -i FILE] | discard|zero|secure -f"
	    " DISK SECTOR [COUNT]", "print sectors of 512 bytes; write a"
	    " pattern or a file to them; check the pattern; let them go",
	    cmd_block },
	{ "diskinfo", "DISK [cache on|off]", "what a disk can do and did; turn"
	    " its write cache on or off", cmd_diskinfo },
	{ "iostat", "DISK [SECONDS]", "requests, bytes and latencies of a"
	    " disk's device since it came, or in so many seconds",
	    cmd_iostat },
	{ NULL, NULL, NULL, NULL }
};
