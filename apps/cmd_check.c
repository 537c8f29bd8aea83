/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_check.c -- the shell's diskcheck: is what was written what is read?
 *
 * Each word of a sector follows from the seed and the sector's number, so a
 * check needs no memory of what was written, may run in another life of the
 * guest, and finds sectors that went to the wrong place.  Several transfers
 * are under way at any time, each with a buffer of its own, in a circle: the
 * oldest is waited for when its turn comes again.
 */

#include "shell.h"

#include <arch.h>
#include <disk.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <pv/errno.h>
#include <str.h>
#include <string.h>

#define CHECK_DEPTH	32		/* transfers under way; most */
#define CHECK_IOMAX	(1024 * 1024u)	/* bytes of one */
#define CHECK_WORDS	(PV_SECT_SIZE / sizeof(uint64_t))

struct check_io {
	struct disk_xfer io_xfer;
	struct pv_iov	 io_iov;
	uint64_t	 io_sect;
	uint64_t	 io_nsect;	/* 0: not under way */
};

struct check {
	struct disk	*ck_disk;
	uint64_t	 ck_seed;
	uint64_t	 ck_first, ck_nsect;	/* the range */
	uint64_t	 ck_io;		/* bytes of a transfer */
	uint64_t	 ck_depth;
	uint64_t	 ck_random;	/* so many at random places; 0: all */
	uint64_t	 ck_rounds;	/* 0: until it is stopped */
	uint64_t	 ck_pause;	/* ms between two rounds */
	bool		 ck_write, ck_read;
	bool		 ck_blind;	/* transfers alone: no pattern */
	bool		 ck_reading;	/* the pass */
	uint64_t	 ck_ndone;	/* sectors of the pass */
	uint64_t	 ck_nbad;	/* sectors that differ */
	struct check_io	 ck_slot[CHECK_DEPTH];
};

/* ---- the pattern ------------------------------------------------------- */

/* A well-mixed number from any other (splitmix64). */
static uint64_t
cmd_check_mix(uint64_t n)
{
	n += 0x9e3779b97f4a7c15ull;
	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9ull;
	n = (n ^ n >> 27) * 0x94d049bb133111ebull;
	return n ^ n >> 31;
}

static uint64_t
cmd_check_word(uint64_t base, unsigned int i)
{
	return (base + i) * 0xd1342543de82ef95ull;
}

static uint64_t
cmd_check_base(const struct check *ck, uint64_t sect)
{
	return cmd_check_mix(cmd_check_mix(ck->ck_seed) ^ sect);
}

static void
cmd_check_fill(const struct check *ck, struct check_io *io)
{
	uint64_t *p = io->io_iov.iov_base, sect, base;
	unsigned int i;

	for (sect = 0; sect < io->io_nsect; sect++) {
		base = cmd_check_base(ck, io->io_sect + sect);
		for (i = 0; i < CHECK_WORDS; i++)
			*p++ = cmd_check_word(base, i);
	}
}

static void
cmd_check_tell(struct check *ck, uint64_t sect, unsigned int word,
    uint64_t got)
{
	uint64_t want = cmd_check_word(cmd_check_base(ck, sect), word);

	if (ck->ck_nbad++ > 0)
		return;
	kprintf("diskcheck: %s: first difference in sector %llu byte %u:"
	    " %016llx, not %016llx\n", disk_name(ck->ck_disk),
	    (unsigned long long)sect, word * 8, (unsigned long long)got,
	    (unsigned long long)want);
}

static void
cmd_check_compare(struct check *ck, const struct check_io *io)
{
	const uint64_t *p = io->io_iov.iov_base;
	uint64_t sect, base;
	unsigned int i;

	for (sect = 0; sect < io->io_nsect; sect++, p += CHECK_WORDS) {
		base = cmd_check_base(ck, io->io_sect + sect);
		for (i = 0; i < CHECK_WORDS; i++) {
			if (p[i] == cmd_check_word(base, i))
				continue;
			cmd_check_tell(ck, io->io_sect + sect, i, p[i]);
			break;
		}
	}
}

/* ---- passes ------------------------------------------------------------ */

/* Wait for a transfer, if it is under way, and look at what it brought. */
static int
cmd_check_finish(struct check *ck, struct check_io *io)
{
	int rv;

	if (io->io_nsect == 0)
		return 0;
	rv = disk_finish(&io->io_xfer);
	if (rv == 0 && ck->ck_reading && !ck->ck_blind)
		cmd_check_compare(ck, io);
	if (rv == 0)
		ck->ck_ndone += io->io_nsect;
	io->io_nsect = 0;
	return rv;
}

static void
cmd_check_start(struct check *ck, struct check_io *io, uint64_t n)
{
	uint64_t per = ck->ck_io / PV_SECT_SIZE;
	uint64_t at = n * per;

	/* The same places in both passes: they follow from the seed too. */
	if (ck->ck_random != 0)
		at = cmd_check_mix(ck->ck_seed + n) %
		    PV_HOWMANY(ck->ck_nsect, per) * per;
	io->io_sect = ck->ck_first + at;
	io->io_nsect = ck->ck_nsect - at < per ? ck->ck_nsect - at : per;
	io->io_iov.iov_len = io->io_nsect * PV_SECT_SIZE;
	if (!ck->ck_blind && ck->ck_reading)
		memset(io->io_iov.iov_base, 0, io->io_iov.iov_len);
	else if (!ck->ck_blind)
		cmd_check_fill(ck, io);
	disk_start(&io->io_xfer, ck->ck_disk, ck->ck_reading ? PV_BLK_READ :
	    PV_BLK_WRITE, io->io_sect, &io->io_iov, 1);
}

/* One call for a line: others' lines do not come in between. */
static void
cmd_check_report(const struct check *ck, uint64_t ms)
{
	if (ck->ck_reading && !ck->ck_blind)
		kprintf("diskcheck: %s: read %llu sectors in %llu ms, %llu"
		    " differ\n", disk_name(ck->ck_disk),
		    (unsigned long long)ck->ck_ndone, (unsigned long long)ms,
		    (unsigned long long)ck->ck_nbad);
	else
		kprintf("diskcheck: %s: %s %llu sectors in %llu ms\n",
		    disk_name(ck->ck_disk), ck->ck_reading ? "read" : "wrote",
		    (unsigned long long)ck->ck_ndone, (unsigned long long)ms);
}

static int
cmd_check_pass(struct check *ck, bool reading)
{
	uint64_t n, total = ck->ck_random, start = arch_now();
	struct check_io *io;
	int rv = 0, end;

	if (total == 0)
		total = PV_HOWMANY(ck->ck_nsect, ck->ck_io / PV_SECT_SIZE);
	ck->ck_reading = reading;
	ck->ck_ndone = 0;
	disk_plug(ck->ck_disk);
	for (n = 0; n < total && rv == 0; n++) {
		io = &ck->ck_slot[n % ck->ck_depth];
		rv = cmd_check_finish(ck, io);
		if (rv == 0)
			cmd_check_start(ck, io, n);
		if (rv == 0 && n % 256 == 255 && shell_pace())
			rv = -PV_ECANCELED;
	}
	disk_unplug(ck->ck_disk);
	for (n = 0; n < ck->ck_depth; n++) {
		end = cmd_check_finish(ck, &ck->ck_slot[n]);
		rv = rv != 0 ? rv : end;
	}
	if (rv == 0 && !reading)
		rv = disk_flush(ck->ck_disk);
	cmd_check_report(ck, (arch_now() - start) / NSEC_PER_MSEC);
	return rv;
}

/* ---- the command ------------------------------------------------------- */

static void
cmd_check_free(struct check *ck)
{
	unsigned int i, npg = PV_HOWMANY(ck->ck_io, PV_PAGE_SIZE);

	for (i = 0; i < ck->ck_depth; i++)
		if (ck->ck_slot[i].io_iov.iov_base != NULL)
			page_free(ck->ck_slot[i].io_iov.iov_base, npg);
	kfree(ck);
}

static int
cmd_check_alloc(struct check *ck)
{
	unsigned int i, npg = PV_HOWMANY(ck->ck_io, PV_PAGE_SIZE);

	for (i = 0; i < ck->ck_depth; i++) {
		ck->ck_slot[i].io_iov.iov_base = page_alloc(npg);
		if (ck->ck_slot[i].io_iov.iov_base == NULL)
			return -PV_ENOMEM;
	}
	return 0;
}

static int
cmd_check_run(struct check *ck)
{
	int rv = 0;

	if (ck->ck_write)
		rv = cmd_check_pass(ck, false);
	if (rv == 0 && ck->ck_read)
		rv = cmd_check_pass(ck, true);
	return rv;
}

/* Round after round, each with the next seed, until one finds a difference. */
static int
cmd_check_rounds(struct check *ck)
{
	int rv = cmd_check_alloc(ck);
	uint64_t n;

	for (n = 0; rv == 0 && ck->ck_nbad == 0 && (n < ck->ck_rounds ||
	    ck->ck_rounds == 0); n++, ck->ck_seed++) {
		if (n > 0 && ck->ck_pause > 0 &&
		    shell_sleep(ck->ck_pause * NSEC_PER_MSEC))
			return -PV_ECANCELED;
		rv = cmd_check_run(ck);
	}
	return rv;
}

/* name=number of the arguments; false: not one of ours. */
static bool
cmd_check_word_arg(struct check *ck, char **argv, const char *word)
{
	const struct {
		const char	*name;
		uint64_t	*num, max;
	} args[] = {
		{ "first=", &ck->ck_first, UINT64_MAX },
		{ "sectors=", &ck->ck_nsect, UINT64_MAX },
		{ "io=", &ck->ck_io, CHECK_IOMAX },
		{ "depth=", &ck->ck_depth, CHECK_DEPTH },
		{ "random=", &ck->ck_random, UINT32_MAX },
		{ "rounds=", &ck->ck_rounds, UINT32_MAX },
		{ "pause=", &ck->ck_pause, UINT32_MAX }
	};
	unsigned int i;

	if (strcmp(word, "write") == 0 || strcmp(word, "check") == 0) {
		ck->ck_write = word[0] == 'w';
		ck->ck_read = word[0] == 'c';
		return true;
	}
	if (strcmp(word, "blind") == 0) {
		ck->ck_blind = true;
		return true;
	}
	for (i = 0; i < PV_NELEM(args); i++) {
		if (str_prefix(word, args[i].name))
			return shell_num(argv, word + strlen(args[i].name),
			    args[i].max, args[i].num);
	}
	return false;
}

/* What was asked for has to fit the disk. */
static bool
cmd_check_fits(struct check *ck)
{
	struct disk_info dk;

	disk_stat(ck->ck_disk, &dk);
	if (ck->ck_first > dk.dk_nsect)
		return false;
	if (ck->ck_nsect == 0)
		ck->ck_nsect = dk.dk_nsect - ck->ck_first;
	return ck->ck_nsect > 0 && ck->ck_nsect <= dk.dk_nsect -
	    ck->ck_first && ck->ck_depth > 0 && ck->ck_io > 0 &&
	    ck->ck_io % dk.dk_bsize == 0 && (ck->ck_first | ck->ck_nsect) %
	    (dk.dk_bsize / PV_SECT_SIZE) == 0;
}

static int
cmd_check_open(struct check *ck, char **argv, bool force)
{
	int rv;

	if (ck->ck_write && !force) {
		kprintf("diskcheck: writing destroys what %s holds: say -f\n",
		    argv[1]);
		return 1;
	}
	ck->ck_disk = disk_open(argv[1]);
	if (ck->ck_disk == NULL) {
		kprintf("diskcheck: no disk %s; `disks' lists them\n",
		    argv[1]);
		return 1;
	}
	rv = cmd_check_fits(ck) ? cmd_check_rounds(ck) : -PV_EINVAL;
	disk_close(ck->ck_disk);
	if (rv != 0)
		return shell_fail(argv, argv[1], rv);
	return ck->ck_nbad == 0 ? 0 : 1;
}

static int
cmd_diskcheck(int argc, char **argv)
{
	bool force = argc > 1 && strcmp(argv[1], "-f") == 0;
	struct check *ck;
	int i, status;

	if (force) {
		memmove(argv + 1, argv + 2, (argc - 1) * sizeof(*argv));
		argc--;
	}
	if (argc < 3)
		return shell_usage(argv);
	ck = kmalloc(sizeof(*ck));
	if (ck == NULL)
		return shell_fail(argv, argv[1], -PV_ENOMEM);
	ck->ck_depth = 8;
	ck->ck_rounds = 1;
	ck->ck_io = 64 * 1024;
	ck->ck_write = ck->ck_read = true;
	status = shell_num(argv, argv[2], UINT64_MAX, &ck->ck_seed) ? 0 :
	    SHELL_USAGE;
	for (i = 3; i < argc && status == 0; i++)
		if (!cmd_check_word_arg(ck, argv, argv[i]))
			status = shell_usage(argv);
	if (status == 0)
		status = cmd_check_open(ck, argv, force);
	cmd_check_free(ck);
	return status;
}

const struct cmd cmd_check[] = {
	{ "diskcheck", "[-f] DISK SEED [write|check] [first=SECTOR]"
	    " [sectors=N] [io=BYTES] [depth=N] [random=N] [rounds=N]"
	    " [pause=MS] [blind]",
	    "write a pattern made from the seed to a disk, all of it or N"
	    " random places, read it back and compare; once, N times, or with"
	    " 0 until stopped, with a pause between (blind: transfers alone,"
	    " of anything)",
	    cmd_diskcheck },
	{ NULL, NULL, NULL, NULL }
};
