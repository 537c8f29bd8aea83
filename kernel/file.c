/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * file.c -- files by path.
 *
 * An open file has one buffer of pages, for small pieces in both directions:
 *
 *	reading   a window of the file; when the calls are in order, the next
 *	          one is read by the disk while the caller is busy with this
 *	writing   a window not written yet, which grows by calls in order
 *
 * Large pieces in good alignment go past it, straight between the caller's
 * memory and the disk.  What others wrote is seen when the node's generation
 * tells; what is in a write window is seen by others when it is written: when
 * full, by file_fsync(), and by file_close().
 *
 * Locks: fl_mtx of a file, then its mount's f_mtx.
 */

#include <file.h>

#include <disk.h>
#include <fs/fs.h>
#include <klog.h>
#include <mm.h>
#include <path.h>
#include <pv/errno.h>
#include <string.h>

#define FILE_UNIT	FS_DATA_UNIT
#define FILE_BUF	(128 * 1024)	/* bytes, with much memory */
#define FILE_BUF_LITTLE	(64 * 1024)
#define FILE_MUCH	(48ull << 20)	/* bytes of memory */
#define FILE_DIRECT	(16 * 1024)	/* this much goes past the buffer */

struct file {
	struct fs	*fl_fs;
	struct fs_node	*fl_node;
	unsigned int	 fl_flags;
	struct mutex	 fl_mtx;
	uint8_t		*fl_buf;	/* fl_size bytes, or NULL so far */
	size_t		 fl_size;
	uint64_t	 fl_off;	/* the window's place, whole units */
	size_t		 fl_len;	/* bytes of it that are valid */
	bool		 fl_dirty;	/* it is to be written */
	uint32_t	 fl_gen;	/* the node's, when it was read */
	uint64_t	 fl_next;	/* where reading in order goes on */
	size_t		 fl_ahead;	/* so much is being read into fl_buf */
	struct disk_xfer fl_xfer;
};

static uint64_t
file_down(uint64_t n)
{
	return n & ~(uint64_t)(FILE_UNIT - 1);
}

static uint64_t
file_up(uint64_t n)
{
	return file_down(n + FILE_UNIT - 1);
}

/* ---- paths ------------------------------------------------------------- */

/* A path in plain form, from the heap. */
static char *
file_plain(const char *path, int *rv)
{
	char *plain = kmalloc(FILE_PATHMAX);

	*rv = plain == NULL ? -PV_ENOMEM :
	    path_plain(path, plain, FILE_PATHMAX);
	if (*rv == 0)
		return plain;
	kfree(plain);
	return NULL;
}

/* Where a path leads. */
struct file_at {
	char		*at_plain;
	struct fs	*at_fs;		/* f_mtx is held */
	const char	*at_rest;	/* the path on it */
};

/* Find a path's mount and lock it, until file_leave(). */
static int
file_enter(const char *path, struct file_at *at)
{
	int rv;

	at->at_plain = file_plain(path, &rv);
	if (at->at_plain == NULL)
		return rv;
	at->at_fs = fs_get(at->at_plain, &at->at_rest);
	if (at->at_fs != NULL)
		return 0;
	kfree(at->at_plain);
	return -PV_ENODEV;
}

static void
file_leave(struct file_at *at)
{
	fs_put(at->at_fs);
	kfree(at->at_plain);
}

/* Do something to a path. */
static int
file_do(const char *path, int (*fn)(struct fs *, const char *))
{
	struct file_at at;
	int rv;

	rv = file_enter(path, &at);
	if (rv != 0)
		return rv;
	rv = fn(at.at_fs, at.at_rest);
	file_leave(&at);
	return rv;
}

int
file_unlink(const char *path)
{
	return file_do(path, fs_dir_unlink);
}

int
file_mkdir(const char *path)
{
	return file_do(path, fs_dir_mkdir);
}

int
file_rmdir(const char *path)
{
	return file_do(path, fs_dir_rmdir);
}

/* Both names must be on one mount. */
static int
file_rename_plain(const char *from, const char *to)
{
	const char *rest, *torest;
	struct fs *f, *other;
	int rv;

	other = fs_get(to, &torest);
	if (other == NULL)
		return -PV_ENODEV;
	fs_put(other);		/* two locks at once would need an order */
	f = fs_get(from, &rest);
	if (f == NULL)
		return -PV_ENODEV;
	rv = f == other ? fs_dir_rename(f, rest, torest) : -PV_EOPNOTSUPP;
	fs_put(f);
	return rv;
}

int
file_rename(const char *from, const char *to)
{
	char *a, *b;
	int rv;

	a = file_plain(from, &rv);
	if (a == NULL)
		return rv;
	b = file_plain(to, &rv);
	if (b != NULL)
		rv = file_rename_plain(a, b);
	kfree(b);
	kfree(a);
	return rv;
}

int
file_readdir(const char *path,
    int (*fn)(void *, const struct file_dirent *), void *arg)
{
	struct file_at at;
	int rv;

	rv = file_enter(path, &at);
	if (rv != 0)
		return rv;
	rv = fs_dir_list(at.at_fs, at.at_rest, fn, arg);
	file_leave(&at);
	return rv;
}

/* Lock: f_mtx. */
static int
file_stat_at(struct fs *f, const char *path, struct file_stat *st)
{
	struct ext2_inode inode;
	struct fs_node *nd;
	ext2_ino_t ino;
	int rv;

	rv = fs_dir_lookup(f, path, &ino);
	if (rv != 0)
		return rv;
	nd = fs_node_find(f, ino);
	if (nd != NULL) {
		fs_node_stat(&nd->nd_inode, nd->nd_size, ino, st);
		return 0;
	}
	rv = fs_ext_fail(f, ext2fs_read_inode(f->f_e2, ino, &inode));
	if (rv == 0)
		fs_node_stat(&inode, EXT2_I_SIZE(&inode), ino, st);
	return rv;
}

int
file_stat(const char *path, struct file_stat *st)
{
	struct file_at at;
	int rv;

	rv = file_enter(path, &at);
	if (rv != 0)
		return rv;
	rv = file_stat_at(at.at_fs, at.at_rest, st);
	file_leave(&at);
	return rv;
}

/* ---- the buffer -------------------------------------------------------- */

static int
file_buf_get(struct file *fl)
{
	struct mm_stat ms;

	if (fl->fl_buf != NULL)
		return 0;
	mm_stat(&ms);
	fl->fl_size = ms.ms_total >= FILE_MUCH ? FILE_BUF : FILE_BUF_LITTLE;
	while ((fl->fl_buf = page_alloc(fl->fl_size / PV_PAGE_SIZE)) == NULL) {
		if (fl->fl_size == FILE_UNIT)
			return -PV_ENOMEM;
		fl->fl_size /= 2;
	}
	return 0;
}

/*
 * Let the next window be read, when reading in order has used up this one.
 */
static void
file_ahead(struct file *fl)
{
	uint64_t start = file_down(fl->fl_next);
	uint64_t left = file_up(fl->fl_node->nd_size) - start;

	if (fl->fl_dirty || fl->fl_next >= fl->fl_node->nd_size ||
	    fl->fl_next < fl->fl_off + fl->fl_len || file_buf_get(fl) != 0)
		return;
	fl->fl_off = start;
	fl->fl_len = 0;
	fl->fl_ahead = fs_data_ahead(fl->fl_node, start, fl->fl_buf,
	    left < fl->fl_size ? left : fl->fl_size, &fl->fl_xfer,
	    &fl->fl_gen);
}

/* Make what was read ahead the window. */
static void
file_ahead_end(struct file *fl)
{
	if (fl->fl_ahead == 0)
		return;
	/* A failure shows again when it is read the ordinary way. */
	if (disk_finish(&fl->fl_xfer) == 0)
		fl->fl_len = fl->fl_ahead;
	fl->fl_ahead = 0;
}

/* Memory that a disk can move whole units to and from. */
static bool
file_direct(const void *buf, uint64_t off, size_t len)
{
	return len >= FILE_DIRECT && off % FILE_UNIT == 0 &&
	    (uintptr_t)buf % PV_SECT_SIZE == 0;
}

/*
 * Complete the last unit of a write window: with what the file has there, or
 * with zeros behind its end.
 */
static int
file_fill_tail(struct file *fl)
{
	uint64_t end = fl->fl_off + fl->fl_len;
	size_t part = end % FILE_UNIT;
	uint8_t *page;
	int rv;

	if (part == 0)
		return 0;
	memset(fl->fl_buf + fl->fl_len, 0, FILE_UNIT - part);
	if (end >= fl->fl_node->nd_size)
		return 0;
	page = page_alloc(1);
	if (page == NULL)
		return -PV_ENOMEM;
	rv = fs_data_read(fl->fl_node, file_down(end), page, FILE_UNIT);
	if (rv == 0)
		memcpy(fl->fl_buf + fl->fl_len, page + part,
		    FILE_UNIT - part);
	page_free(page, 1);
	return rv;
}

/* Lock: fl_mtx. */
static int
file_flush(struct file *fl)
{
	int rv;

	if (!fl->fl_dirty)
		return 0;
	rv = file_fill_tail(fl);
	if (rv == 0)
		rv = fs_data_write(fl->fl_node, fl->fl_off, fl->fl_buf,
		    file_up(fl->fl_len), fl->fl_off + fl->fl_len);
	fl->fl_dirty = false;
	fl->fl_len = 0;
	return rv;
}

int
file_fsync(struct file *fl)
{
	int rv;

	mutex_lock(&fl->fl_mtx);
	rv = file_flush(fl);
	mutex_unlock(&fl->fl_mtx);
	return rv;
}

/* ---- open and close ---------------------------------------------------- */

/* Lock: f_mtx.  Find the inode, or make it. */
static int
file_find(struct fs *f, const char *path, unsigned int flags, ext2_ino_t *inop)
{
	const char *name;
	ext2_ino_t dir;
	int rv;

	rv = fs_dir_lookup(f, path, inop);
	if (rv == 0)
		return (flags & FILE_CREATE) && (flags & FILE_EXCL) ?
		    -PV_EEXIST : 0;
	if (rv != -PV_ENOENT || (flags & FILE_CREATE) == 0)
		return rv;
	rv = fs_dir_parent(f, path, &dir, &name);
	if (rv != 0)
		return rv;
	/* A link to nowhere has this name. */
	if (fs_dir_find(f, dir, name, inop) == 0)
		return -PV_EEXIST;
	return fs_dir_create(f, dir, name, inop);
}

/* Lock: f_mtx. */
static int
file_open_at(struct fs *f, const char *path, struct file *fl)
{
	struct fs_node *nd;
	ext2_ino_t ino;
	int rv;

	if ((fl->fl_flags & (FILE_WRITE | FILE_CREATE | FILE_TRUNC)) &&
	    !f->f_writable)
		return -PV_EROFS;
	rv = file_find(f, path, fl->fl_flags, &ino);
	if (rv == 0)
		rv = fs_node_get(f, ino, &nd);
	if (rv != 0)
		return rv;
	if (!LINUX_S_ISREG(nd->nd_inode.i_mode)) {
		rv = LINUX_S_ISDIR(nd->nd_inode.i_mode) ? -PV_EISDIR :
		    -PV_EINVAL;
		fs_node_put(nd);
		return rv;
	}
	fl->fl_fs = f;
	fl->fl_node = nd;
	f->f_nopen++;
	return 0;
}

int
file_open(const char *path, unsigned int flags, struct file **flp)
{
	struct file *fl = kmalloc(sizeof(*fl));
	struct file_at at;
	int rv;

	if (fl == NULL)
		return -PV_ENOMEM;
	fl->fl_flags = flags;
	rv = file_enter(path, &at);
	if (rv == 0) {
		rv = file_open_at(at.at_fs, at.at_rest, fl);
		file_leave(&at);
	}
	if (rv != 0) {
		kfree(fl);
		return rv;
	}
	if (flags & FILE_TRUNC)
		rv = fs_data_truncate(fl->fl_node);
	if (rv != 0) {
		file_close(fl);
		return rv;
	}
	*flp = fl;
	return 0;
}

void
file_close(struct file *fl)
{
	struct fs *f = fl->fl_fs;
	int rv;

	file_ahead_end(fl);
	rv = file_fsync(fl);
	if (rv != 0)
		klog(PV_LOG_ERR, "fs: %s: the end of a file was lost: writing"
		    " failed (error %d)", f->f_disk, -rv);
	/* Also on a mount that is dead: the node is still ours. */
	mutex_lock(&f->f_mtx);
	fs_node_put(fl->fl_node);
	f->f_nopen--;
	mutex_unlock(&f->f_mtx);
	if (fl->fl_buf != NULL)
		page_free(fl->fl_buf, fl->fl_size / PV_PAGE_SIZE);
	kfree(fl);
}

/* ---- reading ----------------------------------------------------------- */

/*
 * Get the window over off.  Calls in order read as much as fits; others what
 * they asked for.
 */
static int
file_fill(struct file *fl, uint64_t off, size_t len)
{
	uint64_t start = file_down(off);
	uint64_t want = file_up(off + len) - start;
	uint64_t left = file_up(fl->fl_node->nd_size) - start;
	uint32_t gen = fl->fl_node->nd_gen;
	int rv;

	rv = file_buf_get(fl);
	if (rv != 0)
		return rv;
	if (off == fl->fl_next || want > fl->fl_size)
		want = fl->fl_size;
	if (want > left)
		want = left;
	fl->fl_len = 0;
	rv = fs_data_read(fl->fl_node, start, fl->fl_buf, want);
	if (rv != 0)
		return rv;
	fl->fl_off = start;
	fl->fl_len = want;
	fl->fl_gen = gen;
	return 0;
}

/* Lock: fl_mtx.  One piece, within the file. */
static ptrdiff_t
file_read_some(struct file *fl, uint64_t off, uint8_t *buf, size_t len)
{
	size_t n;
	int rv;

	file_ahead_end(fl);
	if (fl->fl_gen != fl->fl_node->nd_gen)
		fl->fl_len = 0;
	if (off < fl->fl_off || off >= fl->fl_off + fl->fl_len) {
		if (file_direct(buf, off, len)) {
			n = file_down(len);
			rv = fs_data_read(fl->fl_node, off, buf, n);
			return rv != 0 ? rv : (ptrdiff_t)n;
		}
		rv = file_fill(fl, off, len);
		if (rv != 0)
			return rv;
	}
	n = fl->fl_off + fl->fl_len - off;
	if (n > len)
		n = len;
	memcpy(buf, fl->fl_buf + (off - fl->fl_off), n);
	return n;
}

ptrdiff_t
file_read(struct file *fl, uint64_t off, void *buf, size_t len)
{
	uint8_t *p = buf;
	ptrdiff_t n = 0;
	size_t done = 0;
	uint64_t size;
	bool inorder;

	if ((fl->fl_flags & FILE_READ) == 0)
		return -PV_EACCES;
	mutex_lock(&fl->fl_mtx);
	n = file_flush(fl);
	size = fl->fl_node->nd_size;
	if (off >= size)
		len = 0;
	else if (len > size - off)
		len = size - off;
	while (done < len && n >= 0) {
		n = file_read_some(fl, off + done, p + done, len - done);
		if (n > 0)
			done += n;
	}
	inorder = off == fl->fl_next;
	fl->fl_next = off + done;
	if (inorder && done > 0 && n >= 0 && fl->fl_ahead == 0)
		file_ahead(fl);
	mutex_unlock(&fl->fl_mtx);
	return done > 0 || n >= 0 ? (ptrdiff_t)done : n;
}

/* ---- writing ----------------------------------------------------------- */

/* Begin a write window at off: it starts with a unit that is there. */
static int
file_begin(struct file *fl, uint64_t off)
{
	uint64_t start = file_down(off);
	int rv;

	file_ahead_end(fl);
	rv = file_buf_get(fl);
	fl->fl_len = 0;
	if (rv == 0 && start != off)
		rv = fs_data_read(fl->fl_node, start, fl->fl_buf, FILE_UNIT);
	if (rv != 0)
		return rv;
	fl->fl_off = start;
	fl->fl_len = off - start;
	fl->fl_dirty = true;
	return 0;
}

/* Lock: fl_mtx. */
static ptrdiff_t
file_write_some(struct file *fl, uint64_t off, const uint8_t *buf, size_t len)
{
	size_t n, end;
	int rv = 0;

	if (fl->fl_dirty && off != fl->fl_off + fl->fl_len)
		rv = file_flush(fl);
	if (rv == 0 && !fl->fl_dirty) {
		if (file_direct(buf, off, len)) {
			n = file_down(len);
			rv = fs_data_write(fl->fl_node, off, buf, n, off + n);
			return rv != 0 ? rv : (ptrdiff_t)n;
		}
		rv = file_begin(fl, off);
	}
	if (rv != 0)
		return rv;
	/* Windows end where multiples of their size do. */
	end = fl->fl_size - fl->fl_off % fl->fl_size;
	n = end - fl->fl_len;
	if (n > len)
		n = len;
	memcpy(fl->fl_buf + fl->fl_len, buf, n);
	fl->fl_len += n;
	if (fl->fl_len == end)
		rv = file_flush(fl);
	return rv != 0 ? rv : (ptrdiff_t)n;
}

ptrdiff_t
file_write(struct file *fl, uint64_t off, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	ptrdiff_t n = 0;
	size_t done = 0;

	if ((fl->fl_flags & FILE_WRITE) == 0)
		return -PV_EACCES;
	if (off + len < off || off + len > INT64_MAX)
		return -PV_EINVAL;
	mutex_lock(&fl->fl_mtx);
	while (done < len) {
		n = file_write_some(fl, off + done, p + done, len - done);
		if (n < 0)
			break;
		done += n;
	}
	mutex_unlock(&fl->fl_mtx);
	return n < 0 ? n : (ptrdiff_t)done;
}

int
file_punch(struct file *fl, uint64_t off, uint64_t len)
{
	int rv;

	if ((fl->fl_flags & FILE_WRITE) == 0)
		return -PV_EACCES;
	mutex_lock(&fl->fl_mtx);
	rv = file_flush(fl);
	if (rv == 0)
		rv = fs_data_punch(fl->fl_node, off, len);
	mutex_unlock(&fl->fl_mtx);
	return rv;
}

int
file_fstat(struct file *fl, struct file_stat *st)
{
	struct fs_node *nd = fl->fl_node;
	uint64_t size;
	int rv;

	mutex_lock(&fl->fl_mtx);
	rv = fs_enter(fl->fl_fs);
	if (rv == 0) {
		size = nd->nd_size;
		if (fl->fl_dirty && fl->fl_off + fl->fl_len > size)
			size = fl->fl_off + fl->fl_len;
		fs_node_stat(&nd->nd_inode, size, nd->nd_ino, st);
		fs_leave(fl->fl_fs);
	}
	mutex_unlock(&fl->fl_mtx);
	return rv;
}
