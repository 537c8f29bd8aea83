/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fs_dir.c -- names.
 *
 * A path here is normalised (no "." or "..") and belongs to one file system.
 * Symbolic links are followed by libext2fs, within the file system.
 *
 * Changes are ordered so that a crash between two of them leaves at worst
 * something that e2fsck puts in order: an inode exists before its name, and a
 * file that is renamed has two names for a moment rather than none.
 *
 * Lock: f_mtx.
 */

#include <fs/fs.h>

#include <mm.h>
#include <pv/errno.h>
#include <string.h>

#define FS_DIR_DEPTH	256		/* of directories, on the way up */

int
fs_dir_lookup(struct fs *f, const char *path, ext2_ino_t *inop)
{
	return fs_ext_fail(f, ext2fs_namei_follow(f->f_e2, EXT2_ROOT_INO,
	    EXT2_ROOT_INO, path, inop));
}

int
fs_dir_find(struct fs *f, ext2_ino_t dir, const char *name, ext2_ino_t *inop)
{
	int rv;

	rv = fs_ext_fail(f, ext2fs_lookup(f->f_e2, dir, name,
	    (int)strlen(name), NULL, inop));
	/* peer: the number is the disk's. */
	if (rv == 0 && (*inop == 0 || *inop > f->f_e2->super->s_inodes_count))
		rv = fs_ext_fail(f, EXT2_ET_DIR_CORRUPTED);
	return rv;
}

static int
fs_dir_inode(struct fs *f, ext2_ino_t ino, struct ext2_inode *inode)
{
	return fs_ext_fail(f, ext2fs_read_inode(f->f_e2, ino, inode));
}

int
fs_dir_parent(struct fs *f, const char *path, ext2_ino_t *dir,
    const char **name)
{
	struct ext2_inode inode;
	const char *slash;
	size_t len;
	char *up;
	int rv;

	slash = strrchr(path, '/');
	if (slash == NULL || slash[1] == '\0')
		return -PV_EBUSY;		/* the root itself */
	*name = slash + 1;
	if (strlen(*name) > FILE_NAMEMAX)
		return -PV_EINVAL;
	len = slash + 1 - path;
	up = kmalloc(len + 1);
	if (up == NULL)
		return -PV_ENOMEM;
	memcpy(up, path, len);
	rv = fs_dir_lookup(f, up, dir);
	kfree(up);
	if (rv == 0)
		rv = fs_dir_inode(f, *dir, &inode);
	if (rv == 0 && !LINUX_S_ISDIR(inode.i_mode))
		rv = -PV_ENOENT;
	return rv;
}

/* The directory's contents changed now. */
static int
fs_dir_touch(struct fs *f, ext2_ino_t dir, int links)
{
	struct ext2_inode inode;
	int rv;

	fs_dirty(f);
	rv = fs_dir_inode(f, dir, &inode);
	if (rv != 0)
		return rv;
	inode.i_links_count += links;
	inode.i_mtime = inode.i_ctime = fs_node_now();
	return fs_ext_fail(f, ext2fs_write_inode(f->f_e2, dir, &inode));
}

static int
fs_dir_link(struct fs *f, ext2_ino_t dir, const char *name, ext2_ino_t ino,
    int type)
{
	errcode_t err;

	err = ext2fs_link(f->f_e2, dir, name, ino, type);
	if (err == EXT2_ET_DIR_NO_SPACE) {
		err = ext2fs_expand_dir(f->f_e2, dir);
		if (err == 0)
			err = ext2fs_link(f->f_e2, dir, name, ino, type);
	}
	return err != 0 ? fs_ext_fail(f, err) : fs_dir_touch(f, dir, 0);
}

int
fs_dir_create(struct fs *f, ext2_ino_t dir, const char *name, ext2_ino_t *inop)
{
	int rv;

	if (!f->f_writable)
		return -PV_EROFS;
	rv = fs_node_create(f, dir, LINUX_S_IFREG | 0644, inop);
	if (rv != 0)
		return rv;
	rv = fs_dir_link(f, dir, name, *inop, EXT2_FT_REG_FILE);
	if (rv != 0)
		fs_node_delete(f, *inop);
	return rv;
}

int
fs_dir_unlink(struct fs *f, const char *path)
{
	struct ext2_inode inode;
	const char *name;
	ext2_ino_t dir, ino;
	int rv;

	if (!f->f_writable)
		return -PV_EROFS;
	rv = fs_dir_parent(f, path, &dir, &name);
	if (rv == 0)
		rv = fs_dir_find(f, dir, name, &ino);
	if (rv == 0)
		rv = fs_dir_inode(f, ino, &inode);
	if (rv != 0)
		return rv;
	if (LINUX_S_ISDIR(inode.i_mode))
		return -PV_EISDIR;
	rv = fs_ext_fail(f, ext2fs_unlink(f->f_e2, dir, name, ino, 0));
	if (rv == 0)
		rv = fs_dir_touch(f, dir, 0);
	return rv != 0 ? rv : fs_node_links(f, ino, -1);
}

/* ---- directories ------------------------------------------------------- */

int
fs_dir_mkdir(struct fs *f, const char *path)
{
	const char *name;
	ext2_ino_t dir, ino;
	errcode_t err;
	int rv;

	if (!f->f_writable)
		return -PV_EROFS;
	rv = fs_dir_parent(f, path, &dir, &name);
	if (rv != 0)
		return rv == -PV_EBUSY ? -PV_EEXIST : rv;
	rv = fs_dir_find(f, dir, name, &ino);
	if (rv != -PV_ENOENT)
		return rv == 0 ? -PV_EEXIST : rv;
	err = ext2fs_mkdir(f->f_e2, dir, 0, name);
	if (err == EXT2_ET_DIR_NO_SPACE) {
		err = ext2fs_expand_dir(f->f_e2, dir);
		if (err == 0)
			err = ext2fs_mkdir(f->f_e2, dir, 0, name);
	}
	fs_dirty(f);
	return err != 0 ? fs_ext_fail(f, err) : fs_dir_touch(f, dir, 0);
}

static bool
fs_dir_isdot(const struct ext2_dir_entry *de, int len)
{
	return (len == 1 && de->name[0] == '.') ||
	    (len == 2 && de->name[0] == '.' && de->name[1] == '.');
}

static int
fs_dir_count_entry(ext2_ino_t dir, int entry, struct ext2_dir_entry *de,
    int offset, int blocksize, char *buf, void *arg)
{
	unsigned int *n = arg;

	if (fs_dir_isdot(de, ext2fs_dirent_name_len(de)))
		return 0;
	(*n)++;
	return DIRENT_ABORT;
}

static int
fs_dir_empty(struct fs *f, ext2_ino_t dir)
{
	unsigned int n = 0;
	int rv;

	rv = fs_ext_fail(f, ext2fs_dir_iterate2(f->f_e2, dir, 0, NULL,
	    fs_dir_count_entry, &n));
	return rv != 0 ? rv : n != 0 ? -PV_EBUSY : 0;
}

int
fs_dir_rmdir(struct fs *f, const char *path)
{
	struct ext2_inode inode;
	const char *name;
	ext2_ino_t dir, ino;
	int rv;

	if (!f->f_writable)
		return -PV_EROFS;
	rv = fs_dir_parent(f, path, &dir, &name);
	if (rv == 0)
		rv = fs_dir_find(f, dir, name, &ino);
	if (rv == 0)
		rv = fs_dir_inode(f, ino, &inode);
	if (rv == 0 && !LINUX_S_ISDIR(inode.i_mode))
		rv = -PV_EINVAL;
	if (rv == 0)
		rv = fs_dir_empty(f, ino);
	if (rv == 0)
		rv = fs_ext_fail(f, ext2fs_unlink(f->f_e2, dir, name, ino, 0));
	if (rv == 0)
		rv = fs_dir_touch(f, dir, -1);	/* its ".." is gone */
	return rv != 0 ? rv : fs_node_delete(f, ino);
}

/* ---- rename ------------------------------------------------------------ */

/*
 * Is `ino' the directory `dir' or above it?  A directory must not be moved
 * into itself.
 */
static int
fs_dir_above(struct fs *f, ext2_ino_t ino, ext2_ino_t dir)
{
	ext2_ino_t up;
	unsigned int n;
	int rv;

	for (n = 0; n < FS_DIR_DEPTH; n++) {
		if (dir == ino)
			return -PV_EINVAL;
		if (dir == EXT2_ROOT_INO)
			return 0;
		rv = fs_dir_find(f, dir, "..", &up);
		if (rv != 0)
			return rv;
		dir = up;
	}
	return fs_ext_fail(f, EXT2_ET_DIR_CORRUPTED);
}

struct fs_dir_move {
	ext2_ino_t	 dm_from, dm_to;	/* directories */
	const char	*dm_fromname, *dm_toname;
	ext2_ino_t	 dm_ino;
	bool		 dm_isdir;
	int		 dm_type;		/* EXT2_FT_* */
};

/* Make way for the new name.  Returns 1: it is the same file already. */
static int
fs_dir_replace(struct fs *f, const struct fs_dir_move *dm, const char *to)
{
	struct ext2_inode inode;
	ext2_ino_t ino;
	int rv;

	rv = fs_dir_find(f, dm->dm_to, dm->dm_toname, &ino);
	if (rv != 0)
		return rv == -PV_ENOENT ? 0 : rv;
	if (ino == dm->dm_ino)
		return 1;
	rv = fs_dir_inode(f, ino, &inode);
	if (rv != 0)
		return rv;
	if (LINUX_S_ISDIR(inode.i_mode))
		return dm->dm_isdir ? fs_dir_rmdir(f, to) : -PV_EISDIR;
	return dm->dm_isdir ? -PV_EEXIST : fs_dir_unlink(f, to);
}

static int
fs_dir_dotdot(ext2_ino_t dir, int entry, struct ext2_dir_entry *de,
    int offset, int blocksize, char *buf, void *arg)
{
	const ext2_ino_t *to = arg;

	if (ext2fs_dirent_name_len(de) != 2 || de->name[0] != '.' ||
	    de->name[1] != '.')
		return 0;
	de->inode = *to;
	return DIRENT_ABORT | DIRENT_CHANGED;
}

/* A directory that has moved counts in, and points to, another parent. */
static int
fs_dir_adopt(struct fs *f, struct fs_dir_move *dm)
{
	int rv;

	rv = fs_ext_fail(f, ext2fs_dir_iterate2(f->f_e2, dm->dm_ino,
	    DIRENT_FLAG_INCLUDE_EMPTY, NULL, fs_dir_dotdot, &dm->dm_to));
	if (rv == 0)
		rv = fs_dir_touch(f, dm->dm_to, 1);
	if (rv == 0)
		rv = fs_dir_touch(f, dm->dm_from, -1);
	return rv;
}

static int
fs_dir_move_find(struct fs *f, const char *from, const char *to,
    struct fs_dir_move *dm)
{
	struct ext2_inode inode;
	int rv;

	rv = fs_dir_parent(f, from, &dm->dm_from, &dm->dm_fromname);
	if (rv == 0)
		rv = fs_dir_find(f, dm->dm_from, dm->dm_fromname, &dm->dm_ino);
	if (rv == 0)
		rv = fs_dir_inode(f, dm->dm_ino, &inode);
	if (rv == 0)
		rv = fs_dir_parent(f, to, &dm->dm_to, &dm->dm_toname);
	if (rv != 0)
		return rv;
	dm->dm_isdir = LINUX_S_ISDIR(inode.i_mode);
	dm->dm_type = dm->dm_isdir ? EXT2_FT_DIR :
	    LINUX_S_ISREG(inode.i_mode) ? EXT2_FT_REG_FILE :
	    LINUX_S_ISLNK(inode.i_mode) ? EXT2_FT_SYMLINK : EXT2_FT_UNKNOWN;
	return dm->dm_isdir ? fs_dir_above(f, dm->dm_ino, dm->dm_to) : 0;
}

int
fs_dir_rename(struct fs *f, const char *from, const char *to)
{
	struct fs_dir_move dm;
	int rv;

	if (!f->f_writable)
		return -PV_EROFS;
	rv = fs_dir_move_find(f, from, to, &dm);
	if (rv == 0)
		rv = fs_dir_replace(f, &dm, to);
	if (rv != 0)
		return rv > 0 ? 0 : rv;
	rv = fs_dir_link(f, dm.dm_to, dm.dm_toname, dm.dm_ino, dm.dm_type);
	if (rv == 0)
		rv = fs_ext_fail(f, ext2fs_unlink(f->f_e2, dm.dm_from,
		    dm.dm_fromname, dm.dm_ino, 0));
	if (rv == 0)
		rv = fs_dir_touch(f, dm.dm_from, 0);
	if (rv == 0 && dm.dm_isdir && dm.dm_from != dm.dm_to)
		rv = fs_dir_adopt(f, &dm);
	return rv;
}

/* ---- listing ----------------------------------------------------------- */

struct fs_dir_lister {
	struct fs	*dl_fs;
	int		(*dl_fn)(void *, const struct file_dirent *);
	void		*dl_arg;
	int		 dl_rv;
};

static enum file_type
fs_dir_type(struct fs *f, ext2_ino_t ino, int type)
{
	struct ext2_inode inode;
	struct file_stat st;

	switch (type) {
	case EXT2_FT_REG_FILE:
		return FILE_REG;
	case EXT2_FT_DIR:
		return FILE_DIR;
	case EXT2_FT_SYMLINK:
		return FILE_LINK;
	case EXT2_FT_UNKNOWN:
		break;
	default:
		return FILE_OTHER;
	}
	/* An old file system: only the inode knows. */
	if (fs_dir_inode(f, ino, &inode) != 0)
		return FILE_OTHER;
	fs_node_stat(&inode, 0, ino, &st);
	return st.fs_type;
}

static int
fs_dir_list_entry(ext2_ino_t dir, int entry, struct ext2_dir_entry *de,
    int offset, int blocksize, char *buf, void *arg)
{
	struct fs_dir_lister *dl = arg;
	char name[FILE_NAMEMAX + 1];
	struct file_dirent fd;
	size_t len = ext2fs_dirent_name_len(de);

	if (de->inode == 0 || fs_dir_isdot(de, len))
		return 0;
	memcpy(name, de->name, len);
	name[len] = '\0';
	/* peer: a NUL or '/' in a name would make it another one. */
	if (strlen(name) != len || len == 0 || strchr(name, '/') != NULL)
		return 0;
	fd.de_name = name;
	fd.de_namelen = len;
	fd.de_ino = de->inode;
	fd.de_type = fs_dir_type(dl->dl_fs, de->inode,
	    ext2fs_dirent_file_type(de));
	dl->dl_rv = dl->dl_fn(dl->dl_arg, &fd);
	return dl->dl_rv != 0 ? DIRENT_ABORT : 0;
}

int
fs_dir_list(struct fs *f, const char *path,
    int (*fn)(void *, const struct file_dirent *), void *arg)
{
	struct fs_dir_lister dl = { f, fn, arg, 0 };
	struct ext2_inode inode;
	ext2_ino_t dir;
	int rv;

	rv = fs_dir_lookup(f, path, &dir);
	if (rv == 0)
		rv = fs_dir_inode(f, dir, &inode);
	if (rv != 0)
		return rv;
	if (!LINUX_S_ISDIR(inode.i_mode))
		return -PV_EINVAL;
	rv = fs_ext_fail(f, ext2fs_dir_iterate2(f->f_e2, dir, 0, NULL,
	    fs_dir_list_entry, &dl));
	return dl.dl_rv != 0 ? dl.dl_rv : rv;
}
