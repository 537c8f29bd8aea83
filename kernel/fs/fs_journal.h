/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fs_journal.h -- replay the journal of an ext3/4 file system.
 */

#ifndef FS_JOURNAL_H
#define FS_JOURNAL_H

/*
 * Bring the named disk's file system, which is not mounted, up to date from
 * its journal.  0 or -PV_E*.  Context: thread with a big stack.
 */
int	 fs_journal_replay(const char *disk);

#endif /* FS_JOURNAL_H */
