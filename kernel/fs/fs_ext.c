/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fs_ext.c -- an ext2/3/4 file system: open, keep in order, close.
 *
 * Everything on the disk is a stranger's word.  The superblock is looked at
 * before libext2fs sees it, because what is wrong with it decides what the
 * operator is told; group descriptors are checked before anything follows
 * them.  Each refusal is one line of log that says what to do.
 *
 * Writable mounts: libext2fs does not write a journal, so the file system is
 * marked "not clean" on the disk while it is mounted writable, and one that
 * comes to us so marked is not mounted writable again.
 */

#include <fs/fs.h>

#include <disk.h>
#include <fs/fs_journal.h>
#include <klog.h>
#include <mm.h>
#include <pv/errno.h>
#include <string.h>

#define FS_EXT_SUPER_AT	1024		/* byte on the disk */
#define FS_EXT_PROBE	(72 * 1024)	/* bytes that tell what is there */

int
fs_ext_error(errcode_t err)
{
	if (err == 0)
		return 0;
	if (err > 0 && err < 4096)
		return -(int)err;
	switch (err) {
	case EXT2_ET_NO_MEMORY:
		return -PV_ENOMEM;
	case EXT2_ET_FILE_NOT_FOUND:
	case EXT2_ET_NO_DIRECTORY:	/* a file where one was expected */
		return -PV_ENOENT;
	case EXT2_ET_FILE_EXISTS:
	case EXT2_ET_DIR_EXISTS:
		return -PV_EEXIST;
	case EXT2_ET_SYMLINK_LOOP:
	case EXT2_ET_INVALID_ARGUMENT:
	case EXT2_ET_FILE_TOO_BIG:
		return -PV_EINVAL;
	case EXT2_ET_RO_FILSYS:
	case EXT2_ET_FILE_RO:
		return -PV_EROFS;
	case EXT2_ET_BLOCK_ALLOC_FAIL:
	case EXT2_ET_INODE_ALLOC_FAIL:
	case EXT2_ET_DIR_NO_SPACE:
	case EXT2_ET_EXTENT_NO_SPACE:
		return -PV_ENOSPC;
	case EXT2_ET_OP_NOT_SUPPORTED:
	case EXT2_ET_UNIMPLEMENTED:
		return -PV_EOPNOTSUPP;
	default:
		return -PV_EIO;		/* corrupt in one way or another */
	}
}

int
fs_ext_fail(struct fs *f, errcode_t err)
{
	int rv = fs_ext_error(err);

	if (rv == -PV_EIO && err >= EXT2_ET_BASE && !f->f_corrupt) {
		klog(PV_LOG_ERR, "fs: %s: the file system is corrupt (%ld):"
		    " unmount it and run e2fsck on the host", f->f_disk,
		    (long)(err - EXT2_ET_BASE));
		f->f_corrupt = true;
	}
	return rv;
}

/* ---- what is on the disk ----------------------------------------------- */

/* Marks of others, to name a foreign disk by. */
static const struct {
	uint32_t	 at;
	char		 mark[9];
	char		 name[24];
} fs_ext_foreign[] = {
	{ 0, "XFSB", "XFS" },
	{ 3, "NTFS    ", "NTFS" },
	{ 54, "FAT1", "FAT" },
	{ 82, "FAT32", "FAT" },
	{ 0, "hsqs", "squashfs" },
	{ 0, "LUKS\xba\xbe", "an encrypted LUKS volume" },
	{ 512, "LABELONE", "an LVM volume" },
	{ 4086, "SWAPSPAC", "swap space" },
	{ 32769, "CD001", "a CD image" },
	{ 65600, "_BHRfS_M", "btrfs" },
	{ 512, "EFI PART", "a GPT partition table" },
	{ 510, "\x55\xaa", "a partition table" },
};

static const char *
fs_ext_foreign_name(const uint8_t *buf, size_t len)
{
	size_t i;

	for (i = 0; i < PV_NELEM(fs_ext_foreign); i++) {
		size_t n = strlen(fs_ext_foreign[i].mark);

		if (fs_ext_foreign[i].at + n <= len &&
		    memcmp(buf + fs_ext_foreign[i].at, fs_ext_foreign[i].mark,
		    n) == 0)
			return fs_ext_foreign[i].name;
	}
	for (i = 0; i < len; i++)
		if (buf[i] != 0)
			return "something unknown";
	return NULL;
}

static void
fs_ext_say_foreign(const char *disk, const uint8_t *buf, size_t len)
{
	const char *name = fs_ext_foreign_name(buf, len);

	if (name == NULL)
		klog(PV_LOG_ERR, "fs: %s is blank: make a file system on it"
		    " with mke2fs -t ext4 on the host", disk);
	else
		klog(PV_LOG_ERR, "fs: %s holds %s, not ext2, ext3 or ext4:"
		    " mount another disk or partition (see `disks')", disk,
		    name);
}

/*
 * Read the beginning of the disk.  *lenp: bytes of it, less on a small disk.
 */
static int
fs_ext_probe(struct disk *d, uint8_t **bufp, size_t *lenp)
{
	struct disk_info dk;
	uint64_t len;
	int rv;

	disk_stat(d, &dk);
	len = dk.dk_nsect * PV_SECT_SIZE;
	if (len > FS_EXT_PROBE)
		len = FS_EXT_PROBE;
	len -= len % dk.dk_bsize;
	*lenp = len;
	*bufp = page_alloc(FS_EXT_PROBE / PV_PAGE_SIZE);
	if (*bufp == NULL)
		return -PV_ENOMEM;
	rv = disk_read(d, 0, *bufp, len / PV_SECT_SIZE);
	if (rv != 0)
		page_free(*bufp, FS_EXT_PROBE / PV_PAGE_SIZE);
	return rv;
}

bool
fs_ext_present(const char *disk)
{
	bool found = false;
	struct disk *d;
	uint8_t *buf;
	size_t len;

	d = disk_open(disk);
	if (d == NULL)
		return false;
	if (fs_ext_probe(d, &buf, &len) == 0) {
		found = len > FS_EXT_SUPER_AT + 57 &&
		    buf[FS_EXT_SUPER_AT + 56] == (EXT2_SUPER_MAGIC & 0xff) &&
		    buf[FS_EXT_SUPER_AT + 57] == EXT2_SUPER_MAGIC >> 8;
		page_free(buf, FS_EXT_PROBE / PV_PAGE_SIZE);
	}
	disk_close(d);
	return found;
}

/* ---- the superblock ---------------------------------------------------- */

static uint64_t
fs_ext_nblock(const struct ext2_super_block *sb)
{
	uint64_t n = sb->s_blocks_count;

	if (sb->s_feature_incompat & EXT4_FEATURE_INCOMPAT_64BIT)
		n |= (uint64_t)sb->s_blocks_count_hi << 32;
	return n;
}

/* Can the numbers in it be true for this disk? */
static int
fs_ext_check_super(const char *disk, uint64_t nsect,
    const struct ext2_super_block *sb)
{
	uint64_t nblock = fs_ext_nblock(sb), have;

	if (sb->s_log_block_size > 6 || nblock == 0 ||
	    sb->s_inodes_per_group == 0 || sb->s_blocks_per_group == 0) {
		klog(PV_LOG_ERR, "fs: %s: the superblock is corrupt: run"
		    " e2fsck on the host", disk);
		return -PV_EIO;
	}
	if (sb->s_feature_incompat & ~EXT2_LIB_FEATURE_INCOMPAT_SUPP) {
		klog(PV_LOG_ERR, "fs: %s: has features that are not supported"
		    " here: see dumpe2fs -h on the host", disk);
		return -PV_EOPNOTSUPP;
	}
	have = nsect >> (sb->s_log_block_size + 1);
	if (nblock > have) {
		klog(PV_LOG_ERR, "fs: %s: the file system has %llu blocks, the"
		    " disk only %llu: restore the disk's size, or run e2fsck"
		    " on the host", disk, (unsigned long long)nblock,
		    (unsigned long long)have);
		return -PV_EIO;
	}
	return 0;
}

/*
 * Look at the superblock and what is around it.  Returns 0 with a copy of
 * it, or says what is wrong.
 */
static int
fs_ext_look(struct fs *f, struct disk *d, struct ext2_super_block *sb)
{
	struct disk_info dk;
	uint8_t *buf;
	size_t len;
	int rv;

	rv = fs_ext_probe(d, &buf, &len);
	if (rv != 0) {
		klog(PV_LOG_ERR, "fs: %s: cannot be read (error %d)",
		    f->f_disk, -rv);
		return rv;
	}
	disk_stat(d, &dk);
	memset(sb, 0, sizeof(*sb));
	if (len >= FS_EXT_SUPER_AT + sizeof(*sb))
		memcpy(sb, buf + FS_EXT_SUPER_AT, sizeof(*sb));
	if (dk.dk_bsize > FS_DATA_UNIT) {
		klog(PV_LOG_ERR, "fs: %s has blocks of %u bytes: only disks"
		    " with blocks of 512 to %u can be mounted", f->f_disk,
		    dk.dk_bsize, FS_DATA_UNIT);
		rv = -PV_EOPNOTSUPP;
	} else if (sb->s_magic != EXT2_SUPER_MAGIC) {
		fs_ext_say_foreign(f->f_disk, buf, len);
		rv = -PV_EINVAL;
	} else {
		rv = fs_ext_check_super(f->f_disk, dk.dk_nsect, sb);
	}
	page_free(buf, FS_EXT_PROBE / PV_PAGE_SIZE);
	return rv;
}

/* ---- opening ----------------------------------------------------------- */

static int
fs_ext_say(const char *disk, errcode_t err)
{
	int rv = fs_ext_error(err);

	switch (err) {
	case EXT2_ET_UNSUPP_FEATURE:
		klog(PV_LOG_ERR, "fs: %s: has features that are not supported"
		    " here: see dumpe2fs -h on the host", disk);
		return -PV_EOPNOTSUPP;
	case EXT2_ET_RO_UNSUPP_FEATURE:
		klog(PV_LOG_ERR, "fs: %s: has features that allow only reading"
		    " here: mount it read-only", disk);
		return -PV_EROFS;
	case EXT2_ET_NO_MEMORY:
		klog(PV_LOG_ERR, "fs: %s: not enough memory to mount it: give"
		    " the guest more", disk);
		return rv;
	case EXT2_ET_SB_CSUM_INVALID:
	case EXT2_ET_UNKNOWN_CSUM:
	case EXT2_ET_CORRUPT_SUPERBLOCK:
	case EXT2_ET_BAD_DESC_SIZE:
		klog(PV_LOG_ERR, "fs: %s: the superblock is corrupt: run"
		    " e2fsck on the host", disk);
		return -PV_EIO;
	default:
		break;
	}
	if (err > 0 && err < 4096)
		klog(PV_LOG_ERR, "fs: %s: cannot be read (error %ld)", disk,
		    (long)err);
	else
		klog(PV_LOG_ERR, "fs: %s: the file system is corrupt (%ld):"
		    " run e2fsck on the host", disk,
		    (long)(err - EXT2_ET_BASE));
	return rv;
}

static errcode_t
fs_ext_check_groups(ext2_filsys e2)
{
	dgrp_t i;

	if (ext2fs_has_group_desc_csum(e2)) {
		for (i = 0; i < e2->group_desc_count; i++)
			if (!ext2fs_group_desc_csum_verify(e2, i))
				return EXT2_ET_GDESC_BAD_BLOCK_MAP;
	}
	return ext2fs_check_desc(e2);
}

/* Take the valid mark off the disk: from here on we change things. */
static errcode_t
fs_ext_begin(struct fs *f)
{
	ext2_filsys e2 = f->f_e2;
	errcode_t err;

	err = ext2fs_read_bitmaps(e2);
	if (err != 0)
		return err;
	e2->super->s_state &= ~EXT2_VALID_FS;
	e2->super->s_mnt_count++;
	e2->super->s_mtime = fs_node_now();
	ext2fs_mark_super_dirty(e2);
	return -fs_ext_sync(f);
}

/* What libext2fs could change and we could not. */
static bool
fs_ext_can_write(struct fs *f, const struct ext2_super_block *sb)
{
	if (1024u << sb->s_log_block_size <= FS_DATA_UNIT &&
	    (sb->s_feature_ro_compat & EXT4_FEATURE_RO_COMPAT_BIGALLOC) == 0)
		return true;
	klog(PV_LOG_ERR, "fs: %s: blocks of more than %u bytes and bigalloc"
	    " allow only reading here: mount it read-only", f->f_disk,
	    FS_DATA_UNIT);
	return false;
}

static int
fs_ext_open_e2(struct fs *f, bool writable)
{
	int flags = EXT2_FLAG_64BITS;
	errcode_t err;

	if (writable)
		flags |= EXT2_FLAG_RW;
	err = ext2fs_open2(f->f_disk, NULL, flags, 0, 0, &fs_io_manager,
	    &f->f_e2);
	if (err != 0) {
		f->f_e2 = NULL;
		return fs_ext_say(f->f_disk, err);
	}
	f->f_io = fs_io_of(f->f_e2->io);
	f->f_writable = writable;
	err = fs_ext_check_groups(f->f_e2);
	if (err == 0 && writable)
		err = fs_ext_begin(f);
	if (err != 0) {
		ext2fs_free(f->f_e2);
		f->f_e2 = NULL;
		return fs_ext_say(f->f_disk, err);
	}
	return 0;
}

/* Bring a file system in order that was not unmounted. */
static int
fs_ext_recover(struct fs *f, bool disk_ro)
{
	int rv;

	if (disk_ro) {
		klog(PV_LOG_ERR, "fs: %s: its journal has to be replayed, and"
		    " the disk is read-only: run e2fsck -p on the host",
		    f->f_disk);
		return -PV_EROFS;
	}
	rv = fs_journal_replay(f->f_disk);
	if (rv == 0)
		klog(PV_LOG_INFO, "fs: %s: journal replayed", f->f_disk);
	else
		klog(PV_LOG_ERR, "fs: %s: its journal can not be replayed:"
		    " run e2fsck -p on the host", f->f_disk);
	return rv;
}

int
fs_ext_open(struct fs *f, bool writable)
{
	struct ext2_super_block *sb;
	struct disk_info dk;
	struct disk *d;
	int rv;

	d = disk_open(f->f_disk);
	if (d == NULL) {
		klog(PV_LOG_ERR, "fs: no disk %s: see `disks', or attach one"
		    " with xl block-attach", f->f_disk);
		return -PV_ENODEV;
	}
	disk_stat(d, &dk);
	sb = kmalloc(sizeof(*sb));
	rv = sb == NULL ? -PV_ENOMEM : fs_ext_look(f, d, sb);
	if (rv == 0 &&
	    sb->s_feature_incompat & EXT3_FEATURE_INCOMPAT_RECOVER) {
		rv = fs_ext_recover(f, dk.dk_flags & PV_BLK_RO);
		if (rv == 0)
			rv = fs_ext_look(f, d, sb);
	}
	if (rv == 0 && writable && dk.dk_flags & PV_BLK_RO) {
		klog(PV_LOG_ERR, "fs: %s is a read-only disk: mount it"
		    " read-only, or attach it with `w'", f->f_disk);
		rv = -PV_EROFS;
	}
	if (rv == 0 && (sb->s_state & EXT2_VALID_FS) == 0) {
		klog(writable ? PV_LOG_ERR : PV_LOG_WARN, "fs: %s was not"
		    " unmounted cleanly: run e2fsck -p on the host%s",
		    f->f_disk, writable ? "; it can be mounted read-only" : "");
		if (writable)
			rv = -PV_EROFS;
	}
	if (rv == 0 && writable && !fs_ext_can_write(f, sb))
		rv = -PV_EROFS;
	if (rv == 0)
		rv = fs_ext_open_e2(f, writable);
	kfree(sb);
	disk_close(d);
	return rv;
}

/* ---- keeping and closing ----------------------------------------------- */

int
fs_ext_sync(struct fs *f)
{
	ext2_filsys e2 = f->f_e2;
	errcode_t err = 0;
	int rv;

	if (e2->write_bitmaps != NULL)
		err = e2->write_bitmaps(e2);
	if (err == 0 && ext2fs_test_changed(e2))
		err = ext2fs_flush2(e2, EXT2_FLAG_FLUSH_NO_SYNC);
	rv = fs_ext_error(err);
	if (rv == 0)
		rv = fs_io_sync(f->f_io);
	if (rv == 0)
		rv = fs_io_failed(f->f_io);
	return rv;
}

int
fs_ext_close(struct fs *f)
{
	ext2_filsys e2 = f->f_e2;
	int rv = 0;

	if (f->f_writable) {
		/* All else must be on the disk before it says "clean". */
		rv = fs_ext_sync(f);
		if (rv == 0) {
			e2->super->s_state |= EXT2_VALID_FS;
			ext2fs_mark_super_dirty(e2);
			rv = fs_ext_sync(f);
		}
		if (rv != 0)
			klog(PV_LOG_ERR, "fs: %s: writing failed (error %d):"
			    " run e2fsck on the host before it is used again",
			    f->f_disk, -rv);
	}
	ext2fs_free(e2);
	f->f_e2 = NULL;
	return rv;
}
