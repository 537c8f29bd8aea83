/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fs.h -- inside of the file-system port: ext2/3/4 through libext2fs.
 *
 *	file.c        paths, open files, their buffers
 *	fs.c          mounts; fs_root.c the first of them
 *	fs_ext.c      libext2fs opened and closed on a disk, and what is wrong
 *	fs_node.c     inodes in use
 *	fs_data.c     contents: straight between the caller's pages and disk
 *	fs_dir.c      names
 *	fs_io.c       libext2fs's way to the disk: a write-back cache
 *
 * libext2fs knows nothing of threads: f_mtx is held over each call into it,
 * and covers every member of struct fs and its nodes.  It is not held while
 * contents move: fs_node_enter() keeps a node's blocks in place meanwhile.
 *
 * Order of writing: contents go to the disk at once; everything that
 * libext2fs writes stays in the cache until fs_ext_sync() writes it, the
 * superblock last.  The file system's valid flag is off on the disk from a
 * writable mount to the unmount.
 */

#ifndef FS_H
#define FS_H

#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>

#include <file.h>
#include <sync.h>

struct disk;
struct fs_io;

struct fs {
	struct fs	*f_next;	/* fs_sx */
	unsigned int	 f_busy;	/* calls under way; atomic */
	char		 f_path[32], f_disk[16];
	bool		 f_writable;
	struct mutex	 f_mtx;
	struct condvar	 f_cv;		/* some node has been left */
	bool		 f_dirty;	/* something to sync */
	bool		 f_corrupt;	/* that has been said */
	bool		 f_dead;	/* unmounted by force, or disk gone */
	unsigned int	 f_nopen;	/* open files */
	ext2_filsys	 f_e2;
	struct fs_io	*f_io;
	struct fs_node	*f_nodes;
};

/* An inode in use by open files. */
struct fs_node {
	struct fs_node	*nd_next;
	struct fs	*nd_fs;
	ext2_ino_t	 nd_ino;
	unsigned int	 nd_nref;
	unsigned int	 nd_nread;	/* threads moving contents */
	bool		 nd_write;	/* one thread changes contents */
	bool		 nd_unlinked;	/* delete when let go */
	uint32_t	 nd_gen;	/* changes with contents and blocks */
	uint64_t	 nd_size;
	struct ext2_inode nd_inode;
};

/* Exported by libext2fs, in none of its public headers. */
errcode_t ext2fs_inline_data_expand(ext2_filsys, ext2_ino_t);

/* Blocks that lie together on the disk. */
struct fs_run {
	uint64_t	 fr_lblk, fr_pblk;	/* in the file, on the disk */
	uint64_t	 fr_nblk;
	bool		 fr_hole;		/* reads as zeros */
	bool		 fr_uninit;		/* has blocks all the same */
};

/* ---- fs.c -------------------------------------------------------------- */
/*
 * The file system that a normalised path lies on, with f_mtx taken; *rest is
 * what follows its mount point ("/" for itself).  NULL: nothing is mounted
 * there.  fs_put() releases it.
 */
struct fs *fs_get(const char *path, const char **rest);
void	 fs_put(struct fs *);
/* The same for a file system that is known to have a file open. */
int	 fs_enter(struct fs *);
void	 fs_leave(struct fs *);
/* Something changed: the sync thread has work. */
void	 fs_dirty(struct fs *);

/* ---- fs_ext.c ---------------------------------------------------------- */
/* PV_E* number (negative) of what libext2fs returned. */
int	 fs_ext_error(errcode_t);
/* The same; when it means that the disk is corrupt, one line says so. */
int	 fs_ext_fail(struct fs *, errcode_t);
/* Does the disk look like one of ours? */
bool	 fs_ext_present(const char *disk);
/* Open the file system on f_disk; says in one line what is wrong. */
int	 fs_ext_open(struct fs *, bool writable);
int	 fs_ext_sync(struct fs *);
/* Close; on a disk that is gone nothing is written. */
int	 fs_ext_close(struct fs *);

/* ---- fs_node.c; Lock: f_mtx -------------------------------------------- */
int	 fs_node_get(struct fs *, ext2_ino_t, struct fs_node **);
void	 fs_node_put(struct fs_node *);
struct fs_node *fs_node_find(struct fs *, ext2_ino_t);
/* Keep the blocks in place while f_mtx is dropped; or be alone with them. */
void	 fs_node_enter(struct fs_node *, bool write);
void	 fs_node_exit(struct fs_node *);
int	 fs_node_write(struct fs_node *);	/* write the inode */
/* Delete what is only held by open files: they end here. */
void	 fs_node_purge(struct fs *);
/* Give all blocks of an inode's contents back. */
errcode_t fs_node_empty(ext2_filsys, ext2_ino_t, struct ext2_inode *);
/* Its last name is gone: free the inode, now or when let go. */
int	 fs_node_delete(struct fs *, ext2_ino_t);
/* One name more or less; without a name it is deleted. */
int	 fs_node_links(struct fs *, ext2_ino_t, int delta);
int	 fs_node_create(struct fs *, ext2_ino_t dir, uint32_t mode,
	    ext2_ino_t *);
void	 fs_node_stat(const struct ext2_inode *, uint64_t size, ext2_ino_t,
	    struct file_stat *);
uint32_t fs_node_now(void);

/* ---- fs_data.c; Lock: takes f_mtx -------------------------------------- */
/*
 * Begin to read what lies in a row on the disk from off on, at most len
 * bytes; *gen is the node's generation that it belongs to.  Returns the
 * bytes under way, 0 when it is not worth while; then there is nothing to
 * disk_finish().
 */
struct disk_xfer;
size_t	 fs_data_ahead(struct fs_node *, uint64_t off, void *buf, size_t len,
	    struct disk_xfer *, uint32_t *gen);

#define FS_DATA_UNIT	4096u
/*
 * Move contents between a file and memory that is aligned to pages.  off and
 * len are multiples of FS_DATA_UNIT.  Reading beyond the end gives zeros.
 * Writing makes the file at least `size' bytes long, which says how much of
 * the last unit counts; the rest of it must be zeros.
 */
int	 fs_data_read(struct fs_node *, uint64_t off, void *buf, size_t len);
int	 fs_data_write(struct fs_node *, uint64_t off, const void *buf,
	    size_t len, uint64_t size);
int	 fs_data_truncate(struct fs_node *);	/* to nothing */
int	 fs_data_inline(struct fs_node *, void *buf, size_t size);
/* Give back the whole blocks in a range, which then reads as zeros. */
int	 fs_data_punch(struct fs_node *, uint64_t off, uint64_t len);

/* ---- fs_dir.c; Lock: f_mtx --------------------------------------------- */
int	 fs_dir_lookup(struct fs *, const char *path, ext2_ino_t *);
/* The directory that a path's last name is in, and that name. */
int	 fs_dir_parent(struct fs *, const char *path, ext2_ino_t *dir,
	    const char **name);
int	 fs_dir_find(struct fs *, ext2_ino_t dir, const char *name,
	    ext2_ino_t *);
int	 fs_dir_create(struct fs *, ext2_ino_t dir, const char *name,
	    ext2_ino_t *);
int	 fs_dir_unlink(struct fs *, const char *path);
int	 fs_dir_mkdir(struct fs *, const char *path);
int	 fs_dir_rmdir(struct fs *, const char *path);
int	 fs_dir_rename(struct fs *, const char *from, const char *to);
int	 fs_dir_list(struct fs *, const char *path,
	    int (*fn)(void *, const struct file_dirent *), void *arg);

/* ---- fs_io.c ----------------------------------------------------------- */
extern struct struct_io_manager fs_io_manager;
struct fs_io *fs_io_of(io_channel);
struct disk *fs_io_disk(struct fs_io *);
/* Write what is dirty, block 0's page last.  Lock: f_mtx. */
int	 fs_io_sync(struct fs_io *);
/* Contents go to these blocks now: forget what they held. */
void	 fs_io_forget(struct fs_io *, uint64_t byte, uint64_t len);
/* First error of writing behind the callers' backs; sticky. */
int	 fs_io_failed(const struct fs_io *);

#endif /* FS_H */
