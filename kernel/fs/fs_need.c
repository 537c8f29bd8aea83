/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fs_need.c -- what the files of libext2fs that we build want from others
 * that we do not: those which need a file system beneath them.
 */

#include <fs/fs.h>

#include <klog.h>
#include <printf.h>
#include <pv/errno.h>

#define FS_NEED_TEXT	120

/* e2fsprogs looks for external journals through it; there are none here. */
io_manager unix_io_manager = &fs_io_manager;

/* Of lib/et: libext2fs reports broken arguments of bitmap calls with it. */
void
com_err(const char *whoami, errcode_t err, const char *fmt, ...)
{
	char text[FS_NEED_TEXT];
	va_list ap;

	va_start(ap, fmt);
	printf_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	klog(PV_LOG_WARN, "fs: libext2fs: %s (%ld)", text,
	    (long)(err - EXT2_ET_BASE));
}

/*
 * Of mkjournal.c: fill blocks with zeros.  On failure *ret_blk and *ret_count
 * tell what was being written.
 */
errcode_t
ext2fs_zero_blocks2(ext2_filsys e2, blk64_t blk, int num, blk64_t *ret_blk,
    int *ret_count)
{
	errcode_t err;

	if (e2 == NULL || num <= 0)
		return 0;		/* a call to free its buffer */
	err = io_channel_zeroout(e2->io, blk, num);
	if (err != 0 && ret_blk != NULL)
		*ret_blk = blk;
	if (err != 0 && ret_count != NULL)
		*ret_count = num;
	return err;
}

/* Of mkjournal.c: in which block an external journal's superblock is. */
int
ext2fs_journal_sb_start(int blocksize)
{
	return blocksize == 1024 ? 2 : 1;
}
