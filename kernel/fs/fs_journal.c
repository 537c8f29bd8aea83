/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fs_journal.c -- replay a journal with the code of debugfs and e2fsck.
 */

#include <fs/fs_journal.h>

#include <fs/fs.h>

/* debugfs/journal.c of e2fsprogs; it has no header that could be included. */
errcode_t ext2fs_run_ext3_journal(ext2_filsys *);
/* e2fsck/revoke.c of e2fsprogs. */
void	 jbd2_journal_destroy_revoke_record_cache(void);
void	 jbd2_journal_destroy_revoke_table_cache(void);

int
fs_journal_replay(const char *disk)
{
	ext2_filsys e2;
	errcode_t err, cerr;

	err = ext2fs_open2(disk, NULL, EXT2_FLAG_RW | EXT2_FLAG_64BITS, 0, 0,
	    &fs_io_manager, &e2);
	if (err != 0)
		return fs_ext_error(err);
	/* A failure leaves these behind, and the next run trips over them. */
	jbd2_journal_destroy_revoke_record_cache();
	jbd2_journal_destroy_revoke_table_cache();
	/* It opens the file system again, and may fail to. */
	err = ext2fs_run_ext3_journal(&e2);
	if (e2 == NULL)
		return fs_ext_error(err);
	cerr = ext2fs_close2(e2, 0);
	if (cerr != 0)
		ext2fs_free(e2);
	return fs_ext_error(err != 0 ? err : cerr);
}
