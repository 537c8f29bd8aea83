/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_buf.c -- see fwd_buf.h.
 */

#include <string.h>

#include <pv/errno.h>

#include <mm.h>
#include <sync.h>

#include "fwd_buf.h"

#define FWD_BUF_KEEP	256		/* free pages that are kept */

struct fwd_buf_page {
	struct fwd_buf_page *pg_next;
};

static struct {
	struct spinlock	 bp_lock;
	struct fwd_buf	*bp_free;
	struct fwd_buf_page *bp_pages;	/* free ones */
	unsigned int	 bp_nkept;
	struct fwd_buf_stat bp_stat;
} fwd_buf_pool;

int
fwd_buf_init(unsigned int npage, unsigned int nbuf)
{
	struct fwd_buf *fb = kmalloc(nbuf * sizeof(*fb));
	unsigned int i;

	if (fb == NULL)
		return -PV_ENOMEM;
	for (i = 0; i < nbuf; i++) {
		fb[i].fb_next = fwd_buf_pool.bp_free;
		fwd_buf_pool.bp_free = &fb[i];
	}
	fwd_buf_pool.bp_stat.fs_maxpage = npage;
	fwd_buf_pool.bp_stat.fs_maxbuf = nbuf;
	return 0;
}

/* A page that was kept; *fresh: there may be a new one. */
static void *
fwd_buf_page_kept(bool *fresh)
{
	unsigned long s = spin_lock(&fwd_buf_pool.bp_lock);
	struct fwd_buf_stat *fs = &fwd_buf_pool.bp_stat;
	struct fwd_buf_page *pg = fwd_buf_pool.bp_pages;

	if (pg != NULL) {
		fwd_buf_pool.bp_pages = pg->pg_next;
		fwd_buf_pool.bp_nkept--;
	}
	*fresh = pg == NULL && fs->fs_npage < fs->fs_maxpage;
	if (pg != NULL || *fresh)
		fs->fs_npage++;
	spin_unlock(&fwd_buf_pool.bp_lock, s);
	return pg;
}

static void
fwd_buf_page_put(void *page)
{
	unsigned long s = spin_lock(&fwd_buf_pool.bp_lock);
	struct fwd_buf_page *pg = page;
	bool keep = page != NULL && fwd_buf_pool.bp_nkept < FWD_BUF_KEEP;

	fwd_buf_pool.bp_stat.fs_npage--;
	if (keep) {
		pg->pg_next = fwd_buf_pool.bp_pages;
		fwd_buf_pool.bp_pages = pg;
		fwd_buf_pool.bp_nkept++;
	}
	spin_unlock(&fwd_buf_pool.bp_lock, s);
	if (page != NULL && !keep)
		page_free(page, 1);
}

static void *
fwd_buf_page_get(void)
{
	bool fresh;
	void *page = fwd_buf_page_kept(&fresh);

	if (!fresh)
		return page;
	page = page_alloc(1);
	if (page == NULL)
		fwd_buf_page_put(NULL);
	return page;
}

static struct fwd_buf *
fwd_buf_get(void)
{
	unsigned long s = spin_lock(&fwd_buf_pool.bp_lock);
	struct fwd_buf *fb = fwd_buf_pool.bp_free;

	if (fb != NULL) {
		fwd_buf_pool.bp_free = fb->fb_next;
		fwd_buf_pool.bp_stat.fs_nbuf++;
	} else {
		fwd_buf_pool.bp_stat.fs_nfail++;
	}
	spin_unlock(&fwd_buf_pool.bp_lock, s);
	return fb;
}

static void
fwd_buf_failed(void)
{
	unsigned long s = spin_lock(&fwd_buf_pool.bp_lock);

	fwd_buf_pool.bp_stat.fs_nfail++;
	spin_unlock(&fwd_buf_pool.bp_lock, s);
}

void
fwd_buf_free(struct fwd_buf *fb)
{
	unsigned long s;
	unsigned int i;

	for (i = 0; i < fb->fb_pkt.np_niov; i++)
		fwd_buf_page_put(fb->fb_iov[i].iov_base);
	s = spin_lock(&fwd_buf_pool.bp_lock);
	fb->fb_next = fwd_buf_pool.bp_free;
	fwd_buf_pool.bp_free = fb;
	fwd_buf_pool.bp_stat.fs_nbuf--;
	spin_unlock(&fwd_buf_pool.bp_lock, s);
}

/*
 * fwd_buf_alloc -- a packet of len bytes
 *
 * Returns NULL when it is too long or there is no memory.
 * Context: deferred, thread.
 */
struct fwd_buf *
fwd_buf_alloc(uint32_t len)
{
	struct pv_net_pkt *np;
	struct fwd_buf *fb;
	uint32_t n;
	void *page;

	fb = len == 0 || len > FWD_BUF_MAX ? NULL : fwd_buf_get();
	if (fb == NULL)
		return NULL;
	np = &fb->fb_pkt;
	memset(np, 0, sizeof(*np));
	np->np_iov = fb->fb_iov;
	np->np_len = len;
	fb->fb_next = NULL;
	for (; len > 0; len -= n) {
		page = fwd_buf_page_get();
		if (page == NULL) {
			fwd_buf_failed();
			fwd_buf_free(fb);
			return NULL;
		}
		n = len < PV_PAGE_SIZE ? len : PV_PAGE_SIZE;
		/* The next driver shows the page's rest to its peer, too. */
		memset((uint8_t *)page + n, 0, PV_PAGE_SIZE - n);
		fb->fb_iov[np->np_niov].iov_base = page;
		fb->fb_iov[np->np_niov++].iov_len = n;
	}
	return fb;
}

/* Copy len bytes of a packet, from off on, to at in another. */
static void
fwd_buf_fill(struct fwd_buf *fb, uint32_t at, const struct pv_net_pkt *np,
    uint32_t off, uint32_t len)
{
	const struct pv_iov *iov = np->np_iov;
	uint32_t n, room;
	uint8_t *to;

	for (; len > 0 && off >= iov->iov_len; iov++)
		off -= (uint32_t)iov->iov_len;
	for (; len > 0; len -= n) {
		to = fb->fb_iov[at / PV_PAGE_SIZE].iov_base;
		room = PV_PAGE_SIZE - at % PV_PAGE_SIZE;
		n = (uint32_t)iov->iov_len - off;
		n = n < len ? n : len;
		n = n < room ? n : room;
		memcpy(to + at % PV_PAGE_SIZE, (const uint8_t *)iov->iov_base +
		    off, n);
		at += n;
		off += n;
		if (off == iov->iov_len) {
			iov++;
			off = 0;
		}
	}
}

/*
 * fwd_buf_copy -- a copy of a packet
 *
 * Returns NULL when there is no memory.  Context: deferred, thread.
 */
struct fwd_buf *
fwd_buf_copy(const struct pv_net_pkt *np)
{
	struct fwd_buf *fb = fwd_buf_alloc(np->np_len);

	if (fb == NULL)
		return NULL;
	fb->fb_pkt.np_flags = np->np_flags;
	fb->fb_pkt.np_gso_size = np->np_gso_size;
	fb->fb_pkt.np_gso_type = np->np_gso_type;
	fwd_buf_fill(fb, 0, np, 0, np->np_len);
	return fb;
}

struct fwd_buf *
fwd_buf_part(const struct pv_net_pkt *np, const uint8_t *hdr, uint32_t hlen,
    uint32_t off, uint32_t len)
{
	struct fwd_buf *fb = fwd_buf_alloc(hlen + len);

	if (fb == NULL)
		return NULL;
	memcpy(fwd_buf_head(fb), hdr, hlen);
	fwd_buf_fill(fb, hlen, np, off, len);
	return fb;
}

void
fwd_buf_stat(struct fwd_buf_stat *fs)
{
	unsigned long s = spin_lock(&fwd_buf_pool.bp_lock);

	*fs = fwd_buf_pool.bp_stat;
	spin_unlock(&fwd_buf_pool.bp_lock, s);
}
