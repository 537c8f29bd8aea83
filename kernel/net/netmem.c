/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netmem.c -- the network stack's memory; theory in netmem.h.
 *
 * Every block starts with a header that leads to its page.  A page is in the
 * list of its class while it has a free block; full pages are in no list.
 * One page without used blocks is kept in each class, so that a single
 * packet that comes and goes does not cost a page each time.
 */

#include <string.h>

#include <klog.h>
#include <list.h>
#include <mm.h>
#include <sync.h>

#include "netmem.h"

#define NETMEM_MINSHIFT	6		/* smallest block: 64 bytes */
#define NETMEM_MAXSHIFT	11		/* largest within a page: 2048 */
#define NETMEM_NCLASS	(NETMEM_MAXSHIFT - NETMEM_MINSHIFT + 1)
#define NETMEM_USED	0x6e65746du
#define NETMEM_FREE	0x66726565u

struct netmem_hdr {
	struct netmem_page *nh_page;	/* NULL: nh_npg whole pages */
	uint32_t	 nh_magic;
	uint32_t	 nh_npg;
} __attribute__((__aligned__(16)));

struct netmem_blk {			/* a free block */
	struct netmem_hdr nb_hdr;
	struct netmem_blk *nb_next;
};

struct netmem_page {
	struct list	 np_link;	/* in ns_class[np_class], if nfree */
	void		*np_va;
	struct netmem_blk *np_free;
	uint16_t	 np_nfree, np_nblk, np_class;
};

static struct spinlock netmem_lock;
static struct list netmem_class[NETMEM_NCLASS];
static unsigned int netmem_nempty[NETMEM_NCLASS];
static struct netmem_stat netmem_st;

/*
 * Set the bound.
 * Context: thread, before the first block.
 */
void
netmem_init(size_t limit)
{
	unsigned int i;

	for (i = 0; i < NETMEM_NCLASS; i++)
		list_init(&netmem_class[i]);
	netmem_st.ns_limit = limit;
}

/* Account for npg more pages; false: they would pass the bound. */
static bool
netmem_take(unsigned int npg)
{
	size_t len = (size_t)npg * PV_PAGE_SIZE;
	unsigned long s = spin_lock(&netmem_lock);
	bool ok = netmem_st.ns_used + len <= netmem_st.ns_limit;

	if (ok) {
		netmem_st.ns_used += len;
		if (netmem_st.ns_used > netmem_st.ns_high)
			netmem_st.ns_high = netmem_st.ns_used;
	} else {
		netmem_st.ns_nfail++;
	}
	spin_unlock(&netmem_lock, s);
	return ok;
}

static void
netmem_give(unsigned int npg)
{
	unsigned long s = spin_lock(&netmem_lock);

	netmem_st.ns_used -= (size_t)npg * PV_PAGE_SIZE;
	spin_unlock(&netmem_lock, s);
}

/* npg pages within the bound, or NULL. */
static void *
netmem_pages(unsigned int npg)
{
	void *va;

	if (!netmem_take(npg))
		return NULL;
	va = page_alloc(npg);
	if (va == NULL)
		netmem_give(npg);
	return va;
}

/* A block of more than NETMEM_MAXSHIFT. */
static void *
netmem_alloc_large(size_t len)
{
	struct netmem_hdr *nh;
	unsigned int npg = PV_HOWMANY(len + sizeof(*nh), PV_PAGE_SIZE);

	nh = netmem_pages(npg);
	if (nh == NULL)
		return NULL;
	nh->nh_magic = NETMEM_USED;
	nh->nh_npg = npg;
	return nh + 1;
}

/* A new page, cut into free blocks of the class; or NULL. */
static struct netmem_page *
netmem_page_new(unsigned int class)
{
	size_t size = (size_t)1 << (class + NETMEM_MINSHIFT), off;
	struct netmem_page *np;
	struct netmem_blk *nb;

	np = kmalloc(sizeof(*np));
	if (np == NULL)
		return NULL;
	np->np_va = netmem_pages(1);
	if (np->np_va == NULL) {
		kfree(np);
		return NULL;
	}
	np->np_class = (uint16_t)class;
	for (off = 0; off < PV_PAGE_SIZE; off += size) {
		nb = (void *)((char *)np->np_va + off);
		nb->nb_hdr.nh_page = np;
		nb->nb_hdr.nh_magic = NETMEM_FREE;
		nb->nb_next = np->np_free;
		np->np_free = nb;
		np->np_nfree++;
	}
	np->np_nblk = np->np_nfree;
	return np;
}

/* Take a block out of a page of the class, or NULL.  Lock: held. */
static struct netmem_blk *
netmem_blk_get(unsigned int class)
{
	struct netmem_page *np;
	struct netmem_blk *nb;

	if (list_empty(&netmem_class[class]))
		return NULL;
	np = LIST_ENTRY(netmem_class[class].li_next, struct netmem_page,
	    np_link);
	nb = np->np_free;
	np->np_free = nb->nb_next;
	if (np->np_nfree == np->np_nblk)
		netmem_nempty[class]--;
	np->np_nfree--;
	if (np->np_nfree == 0)
		list_remove(&np->np_link);
	nb->nb_hdr.nh_magic = NETMEM_USED;
	return nb;
}

static void *
netmem_alloc_small(unsigned int class)
{
	struct netmem_page *np = NULL;
	struct netmem_blk *nb;
	unsigned long s;

	s = spin_lock(&netmem_lock);
	nb = netmem_blk_get(class);
	spin_unlock(&netmem_lock, s);
	if (nb == NULL)
		np = netmem_page_new(class);
	if (np != NULL) {
		s = spin_lock(&netmem_lock);
		list_append(&netmem_class[class], &np->np_link);
		netmem_nempty[class]++;
		nb = netmem_blk_get(class);
		spin_unlock(&netmem_lock, s);
	}
	return nb == NULL ? NULL : &nb->nb_hdr + 1;
}

/*
 * A block of at least len bytes, aligned to 16, or NULL.
 * Context: deferred, thread.
 */
void *
netmem_alloc(size_t len)
{
	size_t size = len + sizeof(struct netmem_hdr);
	unsigned int class = 0;

	if (size < len)
		return NULL;
	if (size > (size_t)1 << NETMEM_MAXSHIFT)
		return netmem_alloc_large(len);
	while (size > (size_t)1 << (class + NETMEM_MINSHIFT))
		class++;
	return netmem_alloc_small(class);
}

/*
 * The same for n * len bytes, zeroed.
 * Context: deferred, thread.
 */
void *
netmem_calloc(size_t n, size_t len)
{
	void *p;

	if (len != 0 && n > SIZE_MAX / len)
		return NULL;
	p = netmem_alloc(n * len);
	if (p != NULL)
		memset(p, 0, n * len);
	return p;
}

/* Put a block back; a page that is to be freed is returned.  Lock: held. */
static struct netmem_page *
netmem_blk_put(struct netmem_blk *nb)
{
	struct netmem_page *np = nb->nb_hdr.nh_page;
	unsigned int class = np->np_class;

	nb->nb_hdr.nh_magic = NETMEM_FREE;
	nb->nb_next = np->np_free;
	np->np_free = nb;
	if (np->np_nfree++ == 0)
		list_append(&netmem_class[class], &np->np_link);
	if (np->np_nfree < np->np_nblk)
		return NULL;
	if (netmem_nempty[class]++ == 0)
		return NULL;
	netmem_nempty[class]--;
	list_remove(&np->np_link);
	return np;
}

/*
 * Give a block back; p may be NULL.
 * Context: deferred, thread.
 */
void
netmem_free(void *p)
{
	struct netmem_hdr *nh;
	struct netmem_page *np;
	unsigned int npg;
	unsigned long s;

	if (p == NULL)
		return;
	nh = (struct netmem_hdr *)p - 1;
	if (nh->nh_magic != NETMEM_USED)
		panic("netmem_free: %p is not in use", p);
	if (nh->nh_page == NULL) {
		npg = nh->nh_npg;
		nh->nh_magic = NETMEM_FREE;
		page_free(nh, npg);
		netmem_give(npg);
		return;
	}
	s = spin_lock(&netmem_lock);
	np = netmem_blk_put((struct netmem_blk *)(void *)nh);
	spin_unlock(&netmem_lock, s);
	if (np != NULL) {
		page_free(np->np_va, 1);
		kfree(np);
		netmem_give(1);
	}
}

/*
 * How much is used.
 * Context: any.
 */
void
netmem_stat(struct netmem_stat *ns)
{
	unsigned long s = spin_lock(&netmem_lock);

	*ns = netmem_st;
	spin_unlock(&netmem_lock, s);
}
