/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fs_node.c -- inodes in use.
 *
 * There is one node per inode that has open files, so that all of them see
 * one size and one map of blocks.  A node whose last name is removed stays
 * until its last file is closed, and is deleted then.
 *
 * Moving contents needs no lock, only that the blocks stay where they are:
 * any number of readers may be in a node, or one writer.
 */

#include <fs/fs.h>

#include <arch.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <pv/errno.h>
#include <string.h>

uint32_t
fs_node_now(void)
{
	return (uint32_t)(arch_wallclock() / NSEC_PER_SEC);
}

struct fs_node *
fs_node_find(struct fs *f, ext2_ino_t ino)
{
	struct fs_node *nd;

	for (nd = f->f_nodes; nd != NULL; nd = nd->nd_next)
		if (nd->nd_ino == ino && !nd->nd_unlinked)
			return nd;
	return NULL;
}

int
fs_node_get(struct fs *f, ext2_ino_t ino, struct fs_node **ndp)
{
	struct fs_node *nd;
	int rv;

	nd = fs_node_find(f, ino);
	if (nd == NULL) {
		nd = kmalloc(sizeof(*nd));
		if (nd == NULL)
			return -PV_ENOMEM;
		rv = fs_ext_fail(f, ext2fs_read_inode(f->f_e2, ino,
		    &nd->nd_inode));
		if (rv != 0) {
			kfree(nd);
			return rv;
		}
		nd->nd_fs = f;
		nd->nd_ino = ino;
		nd->nd_size = EXT2_I_SIZE(&nd->nd_inode);
		nd->nd_next = f->f_nodes;
		f->f_nodes = nd;
	}
	nd->nd_nref++;
	*ndp = nd;
	return 0;
}

/*
 * Let an inode go of the file system's last block, if it has it: the punch of
 * libext2fs (1.47.0) takes an extent with that one for a bad one.
 */
static errcode_t
fs_node_unlast(ext2_filsys e2, ext2_ino_t ino, struct ext2_inode *inode)
{
	blk64_t end = ext2fs_blocks_count(e2->super);
	struct ext2fs_extent ext;
	ext2_extent_handle_t ex;
	errcode_t err;

	err = ext2fs_extent_open2(e2, ino, inode, &ex);
	if (err != 0)
		return err;
	err = ext2fs_extent_get(ex, EXT2_EXTENT_ROOT, &ext);
	while (err == 0 && ((ext.e_flags & EXT2_EXTENT_FLAGS_LEAF) == 0 ||
	    ext.e_pblk + ext.e_len != end))
		err = ext2fs_extent_get(ex, EXT2_EXTENT_NEXT_LEAF, &ext);
	if (err != 0) {
		ext2fs_extent_free(ex);
		return 0;		/* it does not; or punch will say */
	}
	if (--ext.e_len == 0)
		err = ext2fs_extent_delete(ex, 0);
	else
		err = ext2fs_extent_replace(ex, 0, &ext);
	if (err == 0) {
		ext2fs_block_alloc_stats2(e2, end - 1, -1);
		err = ext2fs_iblk_sub_blocks(e2, inode, 1);
	}
	ext2fs_extent_free(ex);
	return err;
}

errcode_t
fs_node_empty(ext2_filsys e2, ext2_ino_t ino, struct ext2_inode *inode)
{
	errcode_t err = 0;

	if ((inode->i_flags & EXT4_EXTENTS_FL) != 0 &&
	    EXT2FS_CLUSTER_RATIO(e2) == 1)
		err = fs_node_unlast(e2, ino, inode);
	if (err == 0)
		err = ext2fs_punch(e2, ino, inode, NULL, 0, ~(blk64_t)0);
	return err;
}

/* Give an inode's blocks and itself back. */
static int
fs_node_free(struct fs *f, ext2_ino_t ino, struct ext2_inode *inode)
{
	ext2_filsys e2 = f->f_e2;
	struct ext2_inode_large *large;
	errcode_t err = 0;
	int len = EXT2_INODE_SIZE(e2->super);

	large = kmalloc(len > (int)sizeof(*large) ? len : (int)sizeof(*large));
	if (large == NULL)
		return -PV_ENOMEM;
	err = ext2fs_read_inode_full(e2, ino, EXT2_INODE(large), len);
	if (err == 0) {
		memcpy(large, inode, sizeof(*inode));
		if (ext2fs_file_acl_block(e2, EXT2_INODE(large)) != 0)
			err = ext2fs_free_ext_attr(e2, ino, large);
	}
	if (err == 0 && ext2fs_inode_has_valid_blocks2(e2, EXT2_INODE(large)))
		err = fs_node_empty(e2, ino, EXT2_INODE(large));
	if (err == 0) {
		large->i_links_count = 0;
		large->i_dtime = fs_node_now();
		ext2fs_inode_size_set(e2, EXT2_INODE(large), 0);
		err = ext2fs_write_inode_full(e2, ino, EXT2_INODE(large), len);
	}
	if (err == 0)
		ext2fs_inode_alloc_stats2(e2, ino, -1,
		    LINUX_S_ISDIR(large->i_mode));
	kfree(large);
	fs_dirty(f);
	return fs_ext_fail(f, err);
}

/* Free the inode of a node without a name, or say why not. */
static void
fs_node_reap(struct fs_node *nd)
{
	struct fs *f = nd->nd_fs;
	int rv;

	rv = fs_node_free(f, nd->nd_ino, &nd->nd_inode);
	if (rv != 0)
		klog(PV_LOG_ERR, "fs: %s: inode %u can not be freed (error"
		    " %d)", f->f_disk, nd->nd_ino, -rv);
}

void
fs_node_purge(struct fs *f)
{
	struct fs_node *nd;

	for (nd = f->f_nodes; nd != NULL; nd = nd->nd_next)
		if (nd->nd_unlinked)
			fs_node_reap(nd);
}

void
fs_node_put(struct fs_node *nd)
{
	struct fs *f = nd->nd_fs;
	struct fs_node **np;

	if (--nd->nd_nref > 0)
		return;
	for (np = &f->f_nodes; *np != nd; np = &(*np)->nd_next)
		;
	*np = nd->nd_next;
	if (nd->nd_unlinked && !f->f_dead)
		fs_node_reap(nd);
	kfree(nd);
}

int
fs_node_delete(struct fs *f, ext2_ino_t ino)
{
	struct ext2_inode inode;
	struct fs_node *nd;
	int rv;

	nd = fs_node_find(f, ino);
	if (nd != NULL) {
		nd->nd_unlinked = true;
		nd->nd_inode.i_links_count = 0;
		return fs_node_write(nd);
	}
	rv = fs_ext_fail(f, ext2fs_read_inode(f->f_e2, ino, &inode));
	return rv != 0 ? rv : fs_node_free(f, ino, &inode);
}

int
fs_node_links(struct fs *f, ext2_ino_t ino, int delta)
{
	struct fs_node *nd = fs_node_find(f, ino);
	struct ext2_inode inode, *ip = &inode;
	errcode_t err;

	if (nd != NULL) {
		ip = &nd->nd_inode;
	} else {
		err = ext2fs_read_inode(f->f_e2, ino, ip);
		if (err != 0)
			return fs_ext_fail(f, err);
	}
	if (delta < 0 && ip->i_links_count <= 1)
		return fs_node_delete(f, ino);
	ip->i_links_count += delta;
	ip->i_ctime = fs_node_now();
	fs_dirty(f);
	return fs_ext_fail(f, ext2fs_write_inode(f->f_e2, ino, ip));
}

void
fs_node_enter(struct fs_node *nd, bool write)
{
	while (nd->nd_write || (write && nd->nd_nread > 0))
		cond_wait(&nd->nd_fs->f_cv, &nd->nd_fs->f_mtx, UINT64_MAX);
	if (write)
		nd->nd_write = true;
	else
		nd->nd_nread++;
}

void
fs_node_exit(struct fs_node *nd)
{
	if (nd->nd_write)
		nd->nd_write = false;
	else
		nd->nd_nread--;
	cond_broadcast(&nd->nd_fs->f_cv);
}

int
fs_node_write(struct fs_node *nd)
{
	fs_dirty(nd->nd_fs);
	return fs_ext_fail(nd->nd_fs, ext2fs_write_inode(nd->nd_fs->f_e2,
	    nd->nd_ino, &nd->nd_inode));
}

/*
 * A new inode without a name, in the directory's group of blocks.
 */
int
fs_node_create(struct fs *f, ext2_ino_t dir, uint32_t mode, ext2_ino_t *inop)
{
	ext2_filsys e2 = f->f_e2;
	ext2_extent_handle_t ex;
	struct ext2_inode inode;
	errcode_t err;

	err = ext2fs_new_inode(e2, dir, mode, NULL, inop);
	if (err != 0)
		return fs_ext_fail(f, err);
	memset(&inode, 0, sizeof(inode));
	inode.i_mode = mode;
	inode.i_links_count = 1;
	inode.i_atime = inode.i_ctime = inode.i_mtime = fs_node_now();
	if (ext2fs_has_feature_extents(e2->super)) {
		/* This sets up the empty tree, in the inode only. */
		err = ext2fs_extent_open2(e2, *inop, &inode, &ex);
		if (err != 0)
			return fs_ext_fail(f, err);
		ext2fs_extent_free(ex);
	}
	err = ext2fs_write_new_inode(e2, *inop, &inode);
	if (err == 0)
		ext2fs_inode_alloc_stats2(e2, *inop, 1, 0);
	fs_dirty(f);
	return fs_ext_fail(f, err);
}

void
fs_node_stat(const struct ext2_inode *inode, uint64_t size, ext2_ino_t ino,
    struct file_stat *st)
{
	memset(st, 0, sizeof(*st));
	st->fs_type = LINUX_S_ISREG(inode->i_mode) ? FILE_REG :
	    LINUX_S_ISDIR(inode->i_mode) ? FILE_DIR :
	    LINUX_S_ISLNK(inode->i_mode) ? FILE_LINK : FILE_OTHER;
	st->fs_mode = inode->i_mode & 07777;
	st->fs_size = size;
	st->fs_mtime = inode->i_mtime;
	st->fs_ino = ino;
}
