/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fs_io.c -- libext2fs's way to the disk.
 *
 * libext2fs reads and writes small pieces, the same ones over and over, and
 * counts on its io_manager to cache them.  Ours keeps pages of 4 KiB of the
 * disk, whatever the file system's block size, found by hash and reused in
 * order of last use.  The number of pages follows from the memory of the
 * guest.
 *
 * Writing goes to the cache only.  For each 512-byte sector of a page one bit
 * says whether it is valid and one whether it is dirty: with small blocks a
 * page can hold an inode table beside somebody's contents, which do not pass
 * through here and must not be written over.
 *
 * fs_io_sync() writes the dirty sectors, in order of the disk and as large
 * requests; the superblock's page comes last, behind a flush.  When a dirty
 * page must make place, it is written at once; when that fails the error
 * sticks, for nobody is there to hear of it.
 *
 * Lock: that of the file system, held by whoever calls into libext2fs.
 */

#include <fs/fs.h>

#include <disk.h>
#include <klog.h>
#include <mm.h>
#include <pv/errno.h>
#include <string.h>

#define FS_IO_SHIFT	12
#define FS_IO_PAGE	(1u << FS_IO_SHIFT)
#define FS_IO_SECTS	(FS_IO_PAGE / PV_SECT_SIZE)
#define FS_IO_ALL	0xffu		/* all sectors of a page */
#define FS_IO_NHASH	256
#define FS_IO_BATCH	16		/* pages in one request */
#define FS_IO_MIN	48		/* pages */
#define FS_IO_MAX	4096
#define FS_IO_SHARE	32		/* of the memory: one part in so many */

struct fs_io_page {
	struct fs_io_page *pg_hash;	/* same bucket */
	struct fs_io_page *pg_next, *pg_prev;	/* order of use */
	uint64_t	 pg_num;	/* place on the disk, in pages */
	uint8_t		*pg_data;
	uint8_t		 pg_valid, pg_dirty;	/* a bit per sector */
	bool		 pg_used;	/* in the hash */
};

struct fs_io {
	struct struct_io_channel io_chan;	/* what libext2fs sees */
	struct disk	*io_disk;
	uint64_t	 io_nsect;
	uint32_t	 io_bsize;	/* the disk's blocks; bits of a page
					   are set and cleared by them */
	struct fs_io_page *io_page;	/* io_max of them */
	struct fs_io_page **io_sort;	/* io_max, to order the dirty ones */
	unsigned int	 io_npage, io_max;
	struct fs_io_page io_lru;	/* head; next is the oldest */
	struct fs_io_page *io_hash[FS_IO_NHASH];
	uint64_t	 io_last;	/* page read last, for read-ahead */
	int		 io_error;
};

struct fs_io *
fs_io_of(io_channel ch)
{
	return ch->private_data;
}

struct disk *
fs_io_disk(struct fs_io *io)
{
	return io->io_disk;
}

int
fs_io_failed(const struct fs_io *io)
{
	return io->io_error;
}

/* ---- pages ------------------------------------------------------------- */

static struct fs_io_page **
fs_io_bucket(struct fs_io *io, uint64_t num)
{
	return &io->io_hash[(num ^ num >> 8) % FS_IO_NHASH];
}

static struct fs_io_page *
fs_io_find(struct fs_io *io, uint64_t num)
{
	struct fs_io_page *pg;

	for (pg = *fs_io_bucket(io, num); pg != NULL; pg = pg->pg_hash)
		if (pg->pg_num == num)
			return pg;
	return NULL;
}

/* Make it the one used last. */
static void
fs_io_touch(struct fs_io *io, struct fs_io_page *pg)
{
	if (pg->pg_next != NULL) {
		pg->pg_next->pg_prev = pg->pg_prev;
		pg->pg_prev->pg_next = pg->pg_next;
	}
	pg->pg_next = &io->io_lru;
	pg->pg_prev = io->io_lru.pg_prev;
	pg->pg_prev->pg_next = pg;
	io->io_lru.pg_prev = pg;
}

static void
fs_io_unhash(struct fs_io *io, struct fs_io_page *pg)
{
	struct fs_io_page **pp;

	if (!pg->pg_used)
		return;
	for (pp = fs_io_bucket(io, pg->pg_num); *pp != pg;
	    pp = &(*pp)->pg_hash)
		;
	*pp = pg->pg_hash;
	pg->pg_used = false;
	pg->pg_valid = pg->pg_dirty = 0;
}

/* Sectors of the page that the disk has: its last page may be short. */
static unsigned int
fs_io_nsect(const struct fs_io *io, uint64_t num)
{
	uint64_t first = num * FS_IO_SECTS;

	if (first >= io->io_nsect)
		return 0;
	return io->io_nsect - first < FS_IO_SECTS ?
	    (unsigned int)(io->io_nsect - first) : FS_IO_SECTS;
}

/*
 * The next run of sectors whose bit in mask is `set', from *first on.
 * Returns its length, 0 at the end.
 */
static unsigned int
fs_io_run(uint8_t mask, bool set, unsigned int *first, unsigned int end)
{
	unsigned int i = *first, n = 0;

	while (i < end && ((mask >> i & 1) != 0) != set)
		i++;
	while (i + n < end && ((mask >> (i + n) & 1) != 0) == set)
		n++;
	*first = i;
	return n;
}

/* Write the dirty sectors of one page. */
static int
fs_io_clean(struct fs_io *io, struct fs_io_page *pg)
{
	unsigned int first = 0, n;
	int rv;

	while ((n = fs_io_run(pg->pg_dirty, true, &first, FS_IO_SECTS)) > 0) {
		rv = disk_write(io->io_disk, pg->pg_num * FS_IO_SECTS + first,
		    pg->pg_data + first * PV_SECT_SIZE, n);
		if (rv != 0) {
			if (io->io_error == 0)
				io->io_error = rv;
			return rv;
		}
		first += n;
	}
	pg->pg_dirty = 0;
	return 0;
}

/*
 * Get a page to fill: a new one while there may be more, else the one whose
 * use is longest ago.
 */
static struct fs_io_page *
fs_io_take(struct fs_io *io)
{
	struct fs_io_page *pg;

	if (io->io_npage < io->io_max) {
		pg = &io->io_page[io->io_npage];
		pg->pg_data = page_alloc(1);
		if (pg->pg_data != NULL) {
			io->io_npage++;
			return pg;
		}
		if (io->io_npage == 0)
			return NULL;
		io->io_max = io->io_npage;	/* this is all there is */
	}
	pg = io->io_lru.pg_next;
	if (pg->pg_dirty != 0 && fs_io_clean(io, pg) != 0)
		return NULL;
	return pg;
}

/* The page at num, perhaps with nothing valid in it yet; NULL: error. */
static struct fs_io_page *
fs_io_get(struct fs_io *io, uint64_t num)
{
	struct fs_io_page *pg, **bucket;

	pg = fs_io_find(io, num);
	if (pg == NULL) {
		pg = fs_io_take(io);
		if (pg == NULL)
			return NULL;
		fs_io_unhash(io, pg);
		bucket = fs_io_bucket(io, num);
		pg->pg_num = num;
		pg->pg_hash = *bucket;
		pg->pg_used = true;
		*bucket = pg;
	}
	fs_io_touch(io, pg);
	return pg;
}

/* Read the sectors of a page that are not valid yet. */
static int
fs_io_fill(struct fs_io *io, struct fs_io_page *pg)
{
	unsigned int first = 0, n, end = fs_io_nsect(io, pg->pg_num);
	int rv;

	if (end == 0)
		return -PV_EINVAL;
	while ((n = fs_io_run(pg->pg_valid, false, &first, end)) > 0) {
		rv = disk_read(io->io_disk, pg->pg_num * FS_IO_SECTS + first,
		    pg->pg_data + first * PV_SECT_SIZE, n);
		if (rv != 0)
			return rv;
		first += n;
	}
	pg->pg_valid = FS_IO_ALL;
	return 0;
}

/*
 * Read up to n whole pages from num on that are not in the cache, with one
 * request.  Returns how many there are now; the rest is left to fs_io_fill.
 */
static unsigned int
fs_io_ahead(struct fs_io *io, uint64_t num, unsigned int n)
{
	struct fs_io_page *pg[FS_IO_BATCH];
	struct pv_iov iov[FS_IO_BATCH];
	unsigned int i;

	if (n > FS_IO_BATCH)
		n = FS_IO_BATCH;
	if (n > io->io_max / 4)
		n = io->io_max / 4;
	for (i = 0; i < n; i++) {
		if (fs_io_nsect(io, num + i) != FS_IO_SECTS ||
		    fs_io_find(io, num + i) != NULL)
			break;
		pg[i] = fs_io_get(io, num + i);
		if (pg[i] == NULL)
			break;
		iov[i].iov_base = pg[i]->pg_data;
		iov[i].iov_len = FS_IO_PAGE;
	}
	n = i;
	if (n == 0 || disk_iov(io->io_disk, PV_BLK_READ, num * FS_IO_SECTS,
	    iov, n) != 0)
		return 0;
	for (i = 0; i < n; i++)
		pg[i]->pg_valid = FS_IO_ALL;
	return n;
}

/*
 * The page at num with all its sectors valid.  want: so many pages from here
 * on are going to be asked for.
 */
static int
fs_io_load(struct fs_io *io, uint64_t num, uint64_t want,
    struct fs_io_page **pgp)
{
	struct fs_io_page *pg;

	if (num == io->io_last + 1 && want < FS_IO_BATCH / 2)
		want = FS_IO_BATCH / 2;		/* somebody reads in order */
	io->io_last = num;
	if (want > 1 && fs_io_find(io, num) == NULL)
		fs_io_ahead(io, num,
		    want > FS_IO_BATCH ? FS_IO_BATCH : (unsigned int)want);
	pg = fs_io_get(io, num);
	if (pg == NULL)
		return io->io_error != 0 ? io->io_error : -PV_ENOMEM;
	*pgp = pg;
	return pg->pg_valid == FS_IO_ALL ? 0 : fs_io_fill(io, pg);
}

/* ---- bytes ------------------------------------------------------------- */

static int
fs_io_read(struct fs_io *io, uint64_t at, uint64_t len, uint8_t *buf)
{
	struct fs_io_page *pg;
	size_t off, n;
	int rv;

	while (len > 0) {
		off = at % FS_IO_PAGE;
		n = len < FS_IO_PAGE - off ? len : FS_IO_PAGE - off;
		rv = fs_io_load(io, at >> FS_IO_SHIFT,
		    (off + len + FS_IO_PAGE - 1) >> FS_IO_SHIFT, &pg);
		if (rv != 0)
			return rv;
		memcpy(buf, pg->pg_data + off, n);
		buf += n;
		at += n;
		len -= n;
	}
	return 0;
}

/* Put bytes into one page; blocks that are covered in part are read first. */
static int
fs_io_write_page(struct fs_io *io, uint64_t num, size_t off, size_t len,
    const uint8_t *buf)
{
	struct fs_io_page *pg;
	unsigned int first, end;
	uint8_t mask;
	int rv;

	pg = fs_io_get(io, num);
	if (pg == NULL)
		return io->io_error != 0 ? io->io_error : -PV_ENOMEM;
	if (off % io->io_bsize != 0 || len % io->io_bsize != 0) {
		rv = fs_io_fill(io, pg);
		if (rv != 0)
			return rv;
	}
	first = (off - off % io->io_bsize) / PV_SECT_SIZE;
	end = PV_HOWMANY(off + len, io->io_bsize) * io->io_bsize /
	    PV_SECT_SIZE;
	if (end > fs_io_nsect(io, num))
		return -PV_EINVAL;
	mask = (FS_IO_ALL >> (FS_IO_SECTS - (end - first))) << first;
	if (buf != NULL)
		memcpy(pg->pg_data + off, buf, len);
	else
		memset(pg->pg_data + off, 0, len);
	pg->pg_valid |= mask;
	pg->pg_dirty |= mask;
	return 0;
}

/* buf NULL: zeros. */
static int
fs_io_write(struct fs_io *io, uint64_t at, uint64_t len, const uint8_t *buf)
{
	size_t off, n;
	int rv;

	while (len > 0) {
		off = at % FS_IO_PAGE;
		n = len < FS_IO_PAGE - off ? len : FS_IO_PAGE - off;
		rv = fs_io_write_page(io, at >> FS_IO_SHIFT, off, n, buf);
		if (rv != 0)
			return rv;
		if (buf != NULL)
			buf += n;
		at += n;
		len -= n;
	}
	return 0;
}

void
fs_io_forget(struct fs_io *io, uint64_t byte, uint64_t len)
{
	struct fs_io_page *pg;
	unsigned int first, n;
	uint8_t mask;

	byte /= PV_SECT_SIZE;
	len = PV_HOWMANY(len, PV_SECT_SIZE);
	while (len > 0) {
		first = byte % FS_IO_SECTS;
		n = FS_IO_SECTS - first;
		if (n > len)
			n = len;
		mask = (FS_IO_ALL >> (FS_IO_SECTS - n)) << first;
		pg = fs_io_find(io, byte / FS_IO_SECTS);
		if (pg != NULL) {
			pg->pg_valid &= ~mask;
			pg->pg_dirty &= ~mask;
		}
		byte += n;
		len -= n;
	}
}

/* ---- writing back ------------------------------------------------------ */

/* Shell's sort, by place on the disk. */
static void
fs_io_order(struct fs_io_page **v, unsigned int n)
{
	struct fs_io_page *pg;
	unsigned int gap, i, j;

	for (gap = n / 2; gap > 0; gap /= 2) {
		for (i = gap; i < n; i++) {
			pg = v[i];
			for (j = i; j >= gap &&
			    v[j - gap]->pg_num > pg->pg_num; j -= gap)
				v[j] = v[j - gap];
			v[j] = pg;
		}
	}
}

/*
 * Write the first of n ordered pages, with those behind it that lie next to
 * it when all of them are dirty all over.  Returns how many, or -PV_E*.
 */
static int
fs_io_clean_batch(struct fs_io *io, struct fs_io_page **v, unsigned int n)
{
	struct pv_iov iov[FS_IO_BATCH];
	unsigned int i, k;
	int rv;

	for (k = 0; k < n && k < FS_IO_BATCH; k++) {
		if (v[k]->pg_dirty != FS_IO_ALL ||
		    v[k]->pg_num != v[0]->pg_num + k)
			break;
		iov[k].iov_base = v[k]->pg_data;
		iov[k].iov_len = FS_IO_PAGE;
	}
	if (k < 2) {
		rv = fs_io_clean(io, v[0]);
		return rv != 0 ? rv : 1;
	}
	rv = disk_iov(io->io_disk, PV_BLK_WRITE, v[0]->pg_num * FS_IO_SECTS,
	    iov, k);
	if (rv != 0) {
		if (io->io_error == 0)
			io->io_error = rv;
		return rv;
	}
	for (i = 0; i < k; i++)
		v[i]->pg_dirty = 0;
	return k;
}

int
fs_io_sync(struct fs_io *io)
{
	struct fs_io_page *pg, *super = NULL;
	unsigned int i, n = 0;
	int rv;

	for (i = 0; i < io->io_npage; i++) {
		pg = &io->io_page[i];
		if (pg->pg_dirty == 0)
			continue;
		if (pg->pg_num == 0)
			super = pg;
		else
			io->io_sort[n++] = pg;
	}
	fs_io_order(io->io_sort, n);
	for (i = 0; i < n; i += rv) {
		rv = fs_io_clean_batch(io, &io->io_sort[i], n - i);
		if (rv < 0)
			return rv;
	}
	if (super != NULL) {
		rv = disk_flush(io->io_disk);
		if (rv == 0)
			rv = fs_io_clean(io, super);
		if (rv != 0)
			return rv;
	}
	return disk_flush(io->io_disk);
}

/* ---- what libext2fs calls ---------------------------------------------- */

static void
fs_io_free(struct fs_io *io)
{
	unsigned int i;

	for (i = 0; i < io->io_npage; i++)
		page_free(io->io_page[i].pg_data, 1);
	kfree(io->io_page);
	kfree(io->io_sort);
	kfree(io->io_chan.name);
	if (io->io_disk != NULL)
		disk_close(io->io_disk);
	kfree(io);
}

static unsigned int
fs_io_budget(void)
{
	struct mm_stat ms;
	uint64_t n;

	mm_stat(&ms);
	n = ms.ms_total / FS_IO_SHARE / FS_IO_PAGE;
	return n < FS_IO_MIN ? FS_IO_MIN : n > FS_IO_MAX ? FS_IO_MAX :
	    (unsigned int)n;
}

static struct fs_io *
fs_io_create(const char *name)
{
	struct disk_info dk;
	struct fs_io *io;

	io = kmalloc(sizeof(*io));
	if (io == NULL)
		return NULL;
	io->io_max = fs_io_budget();
	io->io_page = kmalloc(io->io_max * sizeof(*io->io_page));
	io->io_sort = kmalloc(io->io_max * sizeof(*io->io_sort));
	io->io_chan.name = kmalloc(strlen(name) + 1);
	io->io_disk = disk_open(name);
	if (io->io_page == NULL || io->io_sort == NULL ||
	    io->io_chan.name == NULL || io->io_disk == NULL) {
		fs_io_free(io);
		return NULL;
	}
	strcpy(io->io_chan.name, name);
	disk_stat(io->io_disk, &dk);
	io->io_nsect = dk.dk_nsect;
	io->io_bsize = dk.dk_bsize;
	io->io_lru.pg_next = io->io_lru.pg_prev = &io->io_lru;
	io->io_last = ~(uint64_t)1;
	return io;
}

static errcode_t
fs_io_e2_open(const char *name, int flags, io_channel *chp)
{
	struct fs_io *io;

	io = fs_io_create(name);
	if (io == NULL)
		return EXT2_ET_NO_MEMORY;
	io->io_chan.magic = EXT2_ET_MAGIC_IO_CHANNEL;
	io->io_chan.manager = &fs_io_manager;
	io->io_chan.block_size = 1024;
	io->io_chan.refcount = 1;
	io->io_chan.private_data = io;
	*chp = &io->io_chan;
	return 0;
}

static errcode_t
fs_io_e2_close(io_channel ch)
{
	struct fs_io *io = fs_io_of(ch);
	int rv;

	if (--ch->refcount > 0)
		return 0;
	rv = io->io_error != 0 ? io->io_error : fs_io_sync(io);
	fs_io_free(io);
	return -rv;
}

static errcode_t
fs_io_e2_blksize(io_channel ch, int size)
{
	ch->block_size = size;
	return 0;
}

/* A negative count is in bytes. */
static uint64_t
fs_io_len(io_channel ch, int count)
{
	return count < 0 ? (uint64_t)-(int64_t)count :
	    (uint64_t)count * (unsigned int)ch->block_size;
}

/*
 * peer: the number of a block comes from the disk.  Is it, and len bytes
 * more, on the disk?
 */
static bool
fs_io_inside(io_channel ch, unsigned long long block, uint64_t len)
{
	uint64_t size = fs_io_of(ch)->io_nsect * PV_SECT_SIZE;

	return len <= size &&
	    block <= (size - len) / (unsigned int)ch->block_size;
}

static errcode_t
fs_io_e2_read64(io_channel ch, unsigned long long block, int count, void *buf)
{
	uint64_t len = fs_io_len(ch, count);

	if (!fs_io_inside(ch, block, len))
		return EXT2_ET_BAD_BLOCK_NUM;
	return -fs_io_read(fs_io_of(ch), block * (unsigned int)ch->block_size,
	    len, buf);
}

static errcode_t
fs_io_e2_write64(io_channel ch, unsigned long long block, int count,
    const void *buf)
{
	uint64_t len = fs_io_len(ch, count);

	if (!fs_io_inside(ch, block, len))
		return EXT2_ET_BAD_BLOCK_NUM;
	return -fs_io_write(fs_io_of(ch), block * (unsigned int)ch->block_size,
	    len, buf);
}

static errcode_t
fs_io_e2_read(io_channel ch, unsigned long block, int count, void *buf)
{
	return fs_io_e2_read64(ch, block, count, buf);
}

static errcode_t
fs_io_e2_write(io_channel ch, unsigned long block, int count, const void *buf)
{
	return fs_io_e2_write64(ch, block, count, buf);
}

static errcode_t
fs_io_e2_zero(io_channel ch, unsigned long long block, unsigned long long n)
{
	uint64_t len = n * (unsigned int)ch->block_size;

	if (n > UINT32_MAX || !fs_io_inside(ch, block, len))
		return EXT2_ET_BAD_BLOCK_NUM;
	return -fs_io_write(fs_io_of(ch), block * (unsigned int)ch->block_size,
	    len, NULL);
}

/*
 * libext2fs flushes now and then by itself, also in the middle of a change:
 * the order in which we write is fs_ext_sync()'s business.
 */
static errcode_t
fs_io_e2_flush(io_channel ch)
{
	return 0;
}

struct struct_io_manager fs_io_manager = {
	.magic = EXT2_ET_MAGIC_IO_MANAGER,
	.name = "domus",
	.open = fs_io_e2_open,
	.close = fs_io_e2_close,
	.set_blksize = fs_io_e2_blksize,
	.read_blk = fs_io_e2_read,
	.write_blk = fs_io_e2_write,
	.read_blk64 = fs_io_e2_read64,
	.write_blk64 = fs_io_e2_write64,
	.flush = fs_io_e2_flush,
	.zeroout = fs_io_e2_zero,
};
