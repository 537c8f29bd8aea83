/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fs_data.c -- contents of files, straight between memory and disk.
 *
 * libext2fs would move contents block by block through its caches.  Here the
 * extent tree is only asked where runs of blocks lie, and each run is one
 * transfer.  New blocks are taken as runs, too, as close behind what the file
 * has as there is room.
 *
 * Contents are moved in units of FS_DATA_UNIT, never less than a block: so a
 * new block is always written whole.  (A file system with larger blocks is
 * not mounted writable.)
 */

#include <fs/fs.h>

#include <disk.h>
#include <pv/errno.h>
#include <string.h>

#define FS_DATA_NRUN	8		/* looked up at a time */
#define FS_DATA_AHEAD	(16 * 1024)	/* less is not worth while */
#define FS_DATA_EXTLEN	32768		/* blocks in one extent, at most */

static unsigned int
fs_data_shift(const struct fs_node *nd)
{
	return EXT2_BLOCK_SIZE_BITS(nd->nd_fs->f_e2->super);
}

/* ---- where the blocks are ---------------------------------------------- */

/* peer: is a run that the disk names inside of the file system? */
static int
fs_data_check(struct fs *f, const struct fs_run *fr)
{
	struct ext2_super_block *sb = f->f_e2->super;
	uint64_t end = ext2fs_blocks_count(sb);

	if (fr->fr_pblk < sb->s_first_data_block || fr->fr_pblk >= end ||
	    fr->fr_nblk > end - fr->fr_pblk)
		return fs_ext_fail(f, EXT2_ET_BAD_BLOCK_NUM);
	return 0;
}

/* Blocks from a hole's beginning to the next extent. */
static uint64_t
fs_data_hole(ext2_extent_handle_t ex, uint64_t lblk)
{
	struct ext2fs_extent ext;

	if (ext2fs_extent_get(ex, EXT2_EXTENT_CURRENT, &ext) != 0)
		return UINT64_MAX;
	if (ext.e_lblk <= lblk &&
	    ext2fs_extent_get(ex, EXT2_EXTENT_NEXT_LEAF, &ext) != 0)
		return UINT64_MAX;
	return ext.e_lblk > lblk ? ext.e_lblk - lblk : 1;
}

/*
 * The run that begins at fr_lblk, of at most fr_nblk blocks, in a file with
 * extents.
 */
static int
fs_data_map_extents(struct fs_node *nd, struct fs_run *fr)
{
	struct ext2fs_extent ext;
	ext2_extent_handle_t ex;
	errcode_t err;
	uint64_t n;

	err = ext2fs_extent_open2(nd->nd_fs->f_e2, nd->nd_ino, &nd->nd_inode,
	    &ex);
	if (err != 0)
		return fs_ext_fail(nd->nd_fs, err);
	err = ext2fs_extent_goto(ex, fr->fr_lblk);
	if (err == EXT2_ET_EXTENT_NOT_FOUND) {
		fr->fr_hole = true;
		n = fs_data_hole(ex, fr->fr_lblk);
		err = 0;
	} else {
		if (err == 0)
			err = ext2fs_extent_get(ex, EXT2_EXTENT_CURRENT, &ext);
		n = 0;
		if (err == 0) {
			fr->fr_uninit = ext.e_flags & EXT2_EXTENT_FLAGS_UNINIT;
			fr->fr_hole = fr->fr_uninit;
			fr->fr_pblk = ext.e_pblk + (fr->fr_lblk - ext.e_lblk);
			n = ext.e_len - (fr->fr_lblk - ext.e_lblk);
		}
	}
	ext2fs_extent_free(ex);
	if (n < fr->fr_nblk)
		fr->fr_nblk = n;
	return fs_ext_fail(nd->nd_fs, err);
}

/* The same for a file with indirect blocks. */
static int
fs_data_map_blocks(struct fs_node *nd, struct fs_run *fr)
{
	ext2_filsys e2 = nd->nd_fs->f_e2;
	uint64_t n, max = fr->fr_nblk;
	errcode_t err;
	blk64_t pblk;

	for (n = 0; n < max; n++) {
		err = ext2fs_bmap2(e2, nd->nd_ino, &nd->nd_inode, NULL, 0,
		    fr->fr_lblk + n, NULL, &pblk);
		if (err != 0)
			return fs_ext_fail(nd->nd_fs, err);
		if (n == 0) {
			fr->fr_hole = pblk == 0;
			fr->fr_pblk = pblk;
		} else if (pblk != (fr->fr_hole ? 0 : fr->fr_pblk + n)) {
			break;
		}
	}
	fr->fr_nblk = n;
	return 0;
}

static int
fs_data_map(struct fs_node *nd, uint64_t lblk, uint64_t nblk,
    struct fs_run *fr)
{
	int rv;

	memset(fr, 0, sizeof(*fr));
	fr->fr_lblk = lblk;
	fr->fr_nblk = nblk;
	if (nd->nd_inode.i_flags & EXT4_EXTENTS_FL)
		rv = fs_data_map_extents(nd, fr);
	else
		rv = fs_data_map_blocks(nd, fr);
	if (rv == 0 && fr->fr_nblk == 0)
		rv = fs_ext_fail(nd->nd_fs, EXT2_ET_EXTENT_INVALID_LENGTH);
	if (rv == 0 && (!fr->fr_hole || fr->fr_uninit))
		rv = fs_data_check(nd->nd_fs, fr);
	return rv;
}

/* ---- reading ----------------------------------------------------------- */

/*
 * Look up the runs from `off' on, as many as fit; *lenp: bytes they cover, at
 * most what it was.
 */
static int
fs_data_map_many(struct fs_node *nd, uint64_t off, size_t *lenp,
    struct fs_run *fr, unsigned int *nrun)
{
	unsigned int shift = fs_data_shift(nd);
	uint64_t lblk = off >> shift;
	uint64_t end = (off + *lenp + (1u << shift) - 1) >> shift;
	int rv;

	for (*nrun = 0; *nrun < FS_DATA_NRUN && lblk < end; (*nrun)++) {
		rv = fs_data_map(nd, lblk, end - lblk, &fr[*nrun]);
		if (rv != 0)
			return rv;
		lblk += fr[*nrun].fr_nblk;
	}
	if ((lblk << shift) - off < *lenp)
		*lenp = (lblk << shift) - off;
	return 0;
}

/* Move the part of one run that belongs to [off, off + len). */
static int
fs_data_move(struct fs_node *nd, enum pv_blk_op op, const struct fs_run *fr,
    uint64_t off, void *buf, size_t len)
{
	unsigned int shift = fs_data_shift(nd);
	uint64_t at;
	struct pv_iov iov = { buf, len };

	if (fr->fr_hole && op == PV_BLK_READ) {
		memset(buf, 0, len);
		return 0;
	}
	at = (fr->fr_pblk << shift) + (off - (fr->fr_lblk << shift));
	return disk_iov(fs_io_disk(nd->nd_fs->f_io), op, at >> PV_SECT_SHIFT,
	    &iov, 1);
}

/* As fs_data_read, not beyond the end.  Lock: f_mtx, dropped meanwhile. */
static int
fs_data_read_runs(struct fs_node *nd, uint64_t off, uint8_t *buf, size_t len)
{
	struct fs_run fr[FS_DATA_NRUN];
	unsigned int i, nrun, shift = fs_data_shift(nd);
	size_t part, n;
	int rv;

	while (len > 0) {
		part = len;
		rv = fs_data_map_many(nd, off, &part, fr, &nrun);
		if (rv != 0)
			return rv;
		len -= part;
		mutex_unlock(&nd->nd_fs->f_mtx);
		for (i = 0; i < nrun && rv == 0; i++) {
			n = ((fr[i].fr_lblk + fr[i].fr_nblk) << shift) - off;
			if (n > part)
				n = part;
			rv = fs_data_move(nd, PV_BLK_READ, &fr[i], off, buf,
			    n);
			off += n;
			buf += n;
			part -= n;
		}
		mutex_lock(&nd->nd_fs->f_mtx);
		if (rv != 0)
			return rv;
	}
	return 0;
}

int
fs_data_inline(struct fs_node *nd, void *buf, size_t size)
{
	ext2_filsys e2 = nd->nd_fs->f_e2;
	size_t have;
	errcode_t err;

	err = ext2fs_inline_data_size(e2, nd->nd_ino, &have);
	if (err == 0 && have > size)
		err = EXT2_ET_INLINE_DATA_CANT_ITERATE;
	if (err == 0)
		err = ext2fs_inline_data_get(e2, nd->nd_ino, &nd->nd_inode,
		    buf, &have);
	return fs_ext_fail(nd->nd_fs, err);
}

int
fs_data_read(struct fs_node *nd, uint64_t off, void *buf, size_t len)
{
	uint8_t *p = buf;
	uint64_t end;
	size_t have;
	int rv;

	rv = fs_enter(nd->nd_fs);
	if (rv != 0)
		return rv;
	fs_node_enter(nd, false);
	end = (nd->nd_size + FS_DATA_UNIT - 1) & ~(uint64_t)(FS_DATA_UNIT - 1);
	have = off >= end ? 0 : end - off < len ? end - off : len;
	memset(p + have, 0, len - have);
	if (nd->nd_inode.i_flags & EXT4_INLINE_DATA_FL) {
		memset(p, 0, len);
		if (off == 0 && len >= FS_DATA_UNIT)
			rv = fs_data_inline(nd, p, FS_DATA_UNIT);
	} else {
		rv = fs_data_read_runs(nd, off, p, have);
		/* peer: the last block's rest should be zeros already. */
		if (off < nd->nd_size && nd->nd_size - off < have)
			memset(p + (nd->nd_size - off), 0,
			    have - (nd->nd_size - off));
	}
	fs_node_exit(nd);
	fs_leave(nd->nd_fs);
	return rv;
}

/*
 * Nothing keeps the blocks in place while this goes on.  When they change
 * hands meanwhile, the generation changes, and what was read is not used.
 */
size_t
fs_data_ahead(struct fs_node *nd, uint64_t off, void *buf, size_t len,
    struct disk_xfer *dx, uint32_t *gen)
{
	struct pv_iov iov = { buf, 0 };
	struct fs_run fr;
	unsigned int shift;
	uint64_t at = 0, have;

	if (fs_enter(nd->nd_fs) != 0)
		return 0;
	shift = fs_data_shift(nd);
	*gen = nd->nd_gen;
	if (!nd->nd_write && off < nd->nd_size &&
	    (nd->nd_inode.i_flags & EXT4_INLINE_DATA_FL) == 0 &&
	    fs_data_map(nd, off >> shift, (len >> shift) + 1, &fr) == 0 &&
	    !fr.fr_hole) {
		have = ((fr.fr_lblk + fr.fr_nblk) << shift) - off;
		iov.iov_len = have < len ? have : len;
		iov.iov_len -= iov.iov_len % FS_DATA_UNIT;
		at = (fr.fr_pblk << shift) + (off - (fr.fr_lblk << shift));
	}
	fs_leave(nd->nd_fs);
	if (iov.iov_len < FS_DATA_AHEAD)
		return 0;
	disk_start(dx, fs_io_disk(nd->nd_fs->f_io), PV_BLK_READ,
	    at >> PV_SECT_SHIFT, &iov, 1);
	return iov.iov_len;
}

/* ---- new blocks -------------------------------------------------------- */

/*
 * Enter new blocks in the extent tree: longer is the extent before, or a new
 * one is put in.
 */
static errcode_t
fs_data_insert(struct fs_node *nd, const struct fs_run *fr)
{
	struct ext2fs_extent ext, new;
	ext2_extent_handle_t ex;
	int flags = EXT2_EXTENT_INSERT_AFTER;
	errcode_t err;

	memset(&new, 0, sizeof(new));
	new.e_lblk = fr->fr_lblk;
	new.e_pblk = fr->fr_pblk;
	new.e_len = fr->fr_nblk;
	err = ext2fs_extent_open2(nd->nd_fs->f_e2, nd->nd_ino, &nd->nd_inode,
	    &ex);
	if (err != 0)
		return err;
	if (fr->fr_lblk > 0 && ext2fs_extent_goto(ex, fr->fr_lblk - 1) == 0 &&
	    ext2fs_extent_get(ex, EXT2_EXTENT_CURRENT, &ext) == 0 &&
	    (ext.e_flags & EXT2_EXTENT_FLAGS_UNINIT) == 0 &&
	    ext.e_pblk + ext.e_len == new.e_pblk &&
	    ext.e_len + new.e_len <= FS_DATA_EXTLEN) {
		ext.e_len += new.e_len;
		err = ext2fs_extent_replace(ex, 0, &ext);
		goto out;
	}
	/* Not found, of course: but then we stand beside its place. */
	ext2fs_extent_goto(ex, fr->fr_lblk);
	err = ext2fs_extent_get(ex, EXT2_EXTENT_CURRENT, &ext);
	if (err == 0 && ext.e_lblk > new.e_lblk)
		flags = 0;
	if (err == EXT2_ET_NO_CURRENT_NODE)
		err = 0;			/* the first of all */
	if (err == 0)
		err = ext2fs_extent_insert(ex, flags, &new);
	if (err == 0)
		err = ext2fs_extent_fix_parents(ex);
out:
	ext2fs_extent_free(ex);
	return err;
}

/* Take blocks for a hole; the run gets shorter when there is less in a row. */
static int
fs_data_fill_hole(struct fs_node *nd, struct fs_run *fr)
{
	ext2_filsys e2 = nd->nd_fs->f_e2;
	blk64_t pblk, len = fr->fr_nblk;
	errcode_t err;

	if ((nd->nd_inode.i_flags & EXT4_EXTENTS_FL) == 0) {
		fr->fr_nblk = 1;
		err = ext2fs_bmap2(e2, nd->nd_ino, &nd->nd_inode, NULL,
		    BMAP_ALLOC, fr->fr_lblk, NULL, &pblk);
		fr->fr_pblk = pblk;
		return fs_ext_fail(nd->nd_fs, err);
	}
	if (len > FS_DATA_EXTLEN)
		len = FS_DATA_EXTLEN;
	err = ext2fs_new_range(e2, 0, ext2fs_find_inode_goal(e2, nd->nd_ino,
	    &nd->nd_inode, fr->fr_lblk), len, NULL, &pblk, &len);
	if (err != 0)
		return fs_ext_fail(nd->nd_fs, err);
	fr->fr_pblk = pblk;
	fr->fr_nblk = len;
	/* Taken first, so that a new block of the tree finds another place. */
	ext2fs_block_alloc_stats_range(e2, pblk, len, 1);
	err = ext2fs_iblk_add_blocks(e2, &nd->nd_inode, len);
	if (err == 0)
		err = fs_data_insert(nd, fr);
	if (err != 0) {
		ext2fs_block_alloc_stats_range(e2, pblk, len, -1);
		ext2fs_iblk_sub_blocks(e2, &nd->nd_inode, len);
	}
	return fs_ext_fail(nd->nd_fs, err);
}

/* Preallocated blocks become ordinary ones, with what is written now. */
static int
fs_data_init(struct fs_node *nd, struct fs_run *fr)
{
	blk64_t pblk = fr->fr_pblk;
	errcode_t err;

	fr->fr_nblk = 1;
	err = ext2fs_bmap2(nd->nd_fs->f_e2, nd->nd_ino, &nd->nd_inode, NULL,
	    BMAP_SET, fr->fr_lblk, NULL, &pblk);
	return fs_ext_fail(nd->nd_fs, err);
}

/*
 * Find or make the run that off lies in, at most to `end'.
 */
static int
fs_data_run(struct fs_node *nd, uint64_t off, uint64_t end, struct fs_run *fr)
{
	unsigned int shift = fs_data_shift(nd);
	uint64_t lblk = off >> shift;
	int rv;

	rv = fs_data_map(nd, lblk, ((end - 1) >> shift) + 1 - lblk, fr);
	if (rv != 0 || !fr->fr_hole)
		return rv;
	fs_dirty(nd->nd_fs);
	nd->nd_gen++;
	rv = fr->fr_uninit ? fs_data_init(nd, fr) : fs_data_fill_hole(nd, fr);
	if (rv == 0)
		rv = fs_data_check(nd->nd_fs, fr);
	return rv;
}

/* ---- writing ----------------------------------------------------------- */

/* *done: bytes written, also on failure.  Lock: f_mtx, dropped meanwhile. */
static int
fs_data_write_runs(struct fs_node *nd, uint64_t off, const uint8_t *buf,
    size_t len, size_t *done)
{
	unsigned int shift = fs_data_shift(nd);
	struct fs *f = nd->nd_fs;
	struct fs_run fr;
	size_t n;
	int rv;

	while (len > 0) {
		rv = fs_data_run(nd, off, off + len, &fr);
		if (rv != 0)
			return rv;
		fr.fr_hole = false;
		n = ((fr.fr_lblk + fr.fr_nblk) << shift) - off;
		if (n > len)
			n = len;
		fs_io_forget(f->f_io, (fr.fr_pblk << shift) +
		    (off - (fr.fr_lblk << shift)), n);
		mutex_unlock(&f->f_mtx);
		rv = fs_data_move(nd, PV_BLK_WRITE, &fr, off,
		    (void *)(uintptr_t)buf, n);
		mutex_lock(&f->f_mtx);
		if (rv != 0)
			return rv;
		off += n;
		buf += n;
		len -= n;
		*done += n;
	}
	return 0;
}

static int
fs_data_expand_inline(struct fs_node *nd)
{
	ext2_filsys e2 = nd->nd_fs->f_e2;
	errcode_t err;

	if ((nd->nd_inode.i_flags & EXT4_INLINE_DATA_FL) == 0)
		return 0;
	err = ext2fs_inline_data_expand(e2, nd->nd_ino);
	if (err == 0)
		err = ext2fs_read_inode(e2, nd->nd_ino, &nd->nd_inode);
	nd->nd_gen++;
	return fs_ext_fail(nd->nd_fs, err);
}

/* Size and times after writing up to `size'. */
static int
fs_data_grown(struct fs_node *nd, uint64_t size)
{
	nd->nd_gen++;
	nd->nd_inode.i_mtime = nd->nd_inode.i_ctime = fs_node_now();
	if (size > nd->nd_size) {
		nd->nd_size = size;
		ext2fs_inode_size_set(nd->nd_fs->f_e2, &nd->nd_inode, size);
	}
	return fs_node_write(nd);
}

int
fs_data_write(struct fs_node *nd, uint64_t off, const void *buf, size_t len,
    uint64_t size)
{
	unsigned int shift;
	size_t done = 0;
	uint64_t end;
	int rv, wrv;

	rv = fs_enter(nd->nd_fs);
	if (rv != 0)
		return rv;
	shift = fs_data_shift(nd);
	fs_node_enter(nd, true);
	if (size < nd->nd_size)
		size = nd->nd_size;
	/* No blocks behind the end, for with small ones a unit has several. */
	end = ((size + (1u << shift) - 1) >> shift) << shift;
	if (off + len > end)
		len = end - off;
	rv = fs_data_expand_inline(nd);
	if (rv == 0)
		rv = fs_data_write_runs(nd, off, buf, len, &done);
	if (rv != 0)
		size = done > 0 ? off + done : 0;	/* as far as it went */
	wrv = fs_data_grown(nd, size);
	if (rv == 0)
		rv = wrv;
	fs_node_exit(nd);
	fs_leave(nd->nd_fs);
	return rv;
}

int
fs_data_truncate(struct fs_node *nd)
{
	ext2_filsys e2;
	errcode_t err = 0;
	int rv;

	rv = fs_enter(nd->nd_fs);
	if (rv != 0)
		return rv;
	e2 = nd->nd_fs->f_e2;
	fs_node_enter(nd, true);
	rv = fs_data_expand_inline(nd);
	if (rv == 0) {
		nd->nd_gen++;
		nd->nd_size = 0;
		ext2fs_inode_size_set(e2, &nd->nd_inode, 0);
		err = fs_node_empty(e2, nd->nd_ino, &nd->nd_inode);
		nd->nd_inode.i_mtime = nd->nd_inode.i_ctime = fs_node_now();
		rv = fs_node_write(nd);
		if (err != 0)
			rv = fs_ext_fail(nd->nd_fs, err);
	}
	fs_node_exit(nd);
	fs_leave(nd->nd_fs);
	return rv;
}

/* ---- giving back ------------------------------------------------------- */

/*
 * Give the blocks of a run back, to the disk first: as long as they are the
 * file's, nobody else can be given them.  What the disk says to it does not
 * matter here.  Lock: f_mtx, dropped meanwhile.
 */
static int
fs_data_punch_run(struct fs_node *nd, struct fs_run *fr)
{
	struct fs *f = nd->nd_fs;
	unsigned int shift = fs_data_shift(nd) - PV_SECT_SHIFT;
	struct disk_info dk;

	/* The punch of libext2fs (1.47.0) frees all blocks but the last. */
	if (fr->fr_pblk + fr->fr_nblk == ext2fs_blocks_count(f->f_e2->super))
		fr->fr_nblk--;
	if (fr->fr_nblk == 0)
		return 0;
	mutex_unlock(&f->f_mtx);
	disk_stat(fs_io_disk(f->f_io), &dk);
	if ((dk.dk_flags & PV_BLK_CANDISCARD) != 0)
		(void)disk_range(fs_io_disk(f->f_io), PV_BLK_DISCARD,
		    fr->fr_pblk << shift, fr->fr_nblk << shift);
	mutex_lock(&f->f_mtx);
	if (f->f_dead)
		return -PV_ENXIO;
	fs_dirty(f);
	nd->nd_gen++;
	return fs_ext_fail(f, ext2fs_punch(f->f_e2, nd->nd_ino, &nd->nd_inode,
	    NULL, fr->fr_lblk, fr->fr_lblk + fr->fr_nblk - 1));
}

/* Lock: f_mtx, dropped meanwhile. */
static int
fs_data_punch_runs(struct fs_node *nd, uint64_t lblk, uint64_t end)
{
	struct fs_run fr;
	int rv = 0;

	while (rv == 0 && lblk < end) {
		rv = fs_data_map(nd, lblk, end - lblk, &fr);
		if (rv != 0)
			break;
		lblk += fr.fr_nblk;
		if (!fr.fr_hole || fr.fr_uninit)
			rv = fs_data_punch_run(nd, &fr);
	}
	return rv;
}

int
fs_data_punch(struct fs_node *nd, uint64_t off, uint64_t len)
{
	unsigned int shift;
	int rv = fs_enter(nd->nd_fs);

	if (rv != 0)
		return rv;
	shift = fs_data_shift(nd);
	fs_node_enter(nd, true);
	if (off >= nd->nd_size)
		len = 0;
	else if (len > nd->nd_size - off)
		len = nd->nd_size - off;
	/* Of a file without extents libext2fs (1.47.0) frees too much. */
	if ((nd->nd_inode.i_flags & EXT4_EXTENTS_FL) == 0)
		rv = -PV_EOPNOTSUPP;
	else
		rv = fs_data_punch_runs(nd, (off + (1u << shift) - 1) >> shift,
		    (off + len) >> shift);
	fs_node_exit(nd);
	fs_leave(nd->nd_fs);
	return rv;
}
