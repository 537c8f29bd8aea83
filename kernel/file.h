/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * file.h -- files by path, over mounted file systems.
 *
 * Paths are absolute, '/'-separated; "." and ".." are resolved by text and
 * never leave the root.  One file system is mounted at "/", others below
 * /mnt/NAME.  All calls are for threads; all return 0, a count or -PV_E*.
 */

#ifndef FILE_H
#define FILE_H

#include <pv/types.h>

struct file;
struct disk;

#define FILE_READ	0x1
#define FILE_WRITE	0x2
#define FILE_CREATE	0x4		/* create if missing */
#define FILE_TRUNC	0x8
#define FILE_EXCL	0x10		/* with CREATE: must not exist */

#define FILE_PATHMAX	1024
#define FILE_NAMEMAX	255

enum file_type { FILE_REG, FILE_DIR, FILE_LINK, FILE_OTHER };

struct file_stat {
	enum file_type	 fs_type;
	uint32_t	 fs_mode;	/* permission bits */
	uint64_t	 fs_size;	/* bytes */
	uint64_t	 fs_mtime;	/* seconds since 1970 */
	uint32_t	 fs_ino;
};

/*
 * Mount the ext2/3/4 file system on a disk.  On failure one log line says
 * what is wrong and what to do (foreign or corrupt superblock, features that
 * are not supported, journal to be replayed ..).  A journal that needs
 * recovery is replayed on a writable mount and refused on a read-only disk
 * with a line saying so.
 */
int	 fs_mount(const char *disk, const char *path, bool writable);
int	 fs_unmount(const char *path);		/* -PV_EBUSY: files open */
void	 fs_unmount_all(void);		/* shutdown: sync, let go */
int	 fs_sync(void);

struct fs_info {
	char		 fi_path[32], fi_disk[16], fi_type[8];
	bool		 fi_writable;
	uint64_t	 fi_nbytes, fi_nfree;
};
int	 fs_info(unsigned int n, struct fs_info *);

int	 file_open(const char *path, unsigned int flags, struct file **);
void	 file_close(struct file *);
/* Bytes done; 0 at the end of the file. */
ptrdiff_t file_read(struct file *, uint64_t off, void *buf, size_t len);
ptrdiff_t file_write(struct file *, uint64_t off, const void *buf, size_t len);
/*
 * Small writes are collected; this gives them to the disk and tells whether
 * that worked.  file_close() does it too, and can only log a failure.
 */
int	 file_fsync(struct file *);
/*
 * Give back the blocks of a part of the file, also those of the disk below
 * where it takes them; they read as zeros then.  What is less than a block at
 * either end stays as it is.  -PV_EOPNOTSUPP: this file can not, whatever the
 * part.
 */
int	 file_punch(struct file *, uint64_t off, uint64_t len);
int	 file_fstat(struct file *, struct file_stat *);
int	 file_stat(const char *path, struct file_stat *); /* follows links */
int	 file_unlink(const char *path);
int	 file_rename(const char *from, const char *to);	/* replaces files */
int	 file_mkdir(const char *path);
int	 file_rmdir(const char *path);

/*
 * Call fn for each entry but "." and ".."; fn returns non-zero to stop, which
 * is passed up.  fn must not call file functions.
 */
struct file_dirent {
	const char	*de_name;
	size_t		 de_namelen;
	enum file_type	 de_type;
	uint32_t	 de_ino;
};
int	 file_readdir(const char *path,
	    int (*fn)(void *, const struct file_dirent *), void *arg);

#endif /* FILE_H */
