/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_mem.c -- memory: a heap that is counted and an arena of pages that have
 * frame numbers.
 *
 * All domains' frames are numbered in one space, so a frame number says all.
 * Under SIM_PV neighbouring pages have scattered frames.
 *
 * Pages are poisoned for the address sanitizer while they are free, and while
 * a peer can write to them (sim_mem_share): then only lib/shm.h, which is not
 * instrumented, gets through.  Of watched pages (rings) each byte which was
 * read is marked until the peer writes it anew; reading a marked byte is a
 * double fetch.
 */

#include <sys/mman.h>
#include <unistd.h>

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

#include "sim_int.h"

#define SIM_HASH	256u
#define SIM_POLLED	2	/* mark of a byte that may be read again */

struct sim_heap {
	struct sim_heap	*he_next;
	void		*he_p;
	size_t		 he_len;
	void		*he_site;
};

/* What was read last, for SIM_EVIL_RSP_CHANGED_AFTER_READ. */
struct sim_fetch {
	uint8_t		*fe_p;
	size_t		 fe_len;
	uint8_t		 fe_was[PV_PAGE_SIZE];
};

static uint8_t		*sim_mem_arena;
static int		 sim_mem_file;	/* behind it, so that a page can be
					   seen at two addresses */
static struct sim_page	 sim_mem_pg[SIM_PAGES];
static struct sim_heap	*sim_mem_heap[SIM_HASH];
static struct sim_fetch	 sim_mem_last;
static unsigned int	 sim_mem_nalloc, sim_mem_npage;

/* ---- pages and frames -------------------------------------------------- */

void
sim_mem_poison(void *va, size_t len)
{
	ASAN_POISON_MEMORY_REGION(va, len);
}

void
sim_mem_unpoison(void *va, size_t len)
{
	ASAN_UNPOISON_MEMORY_REGION(va, len);
}

struct sim_page *
sim_mem_page(const void *va)
{
	uintptr_t off = (uintptr_t)va - (uintptr_t)sim_mem_arena;

	return off / PV_PAGE_SIZE < SIM_PAGES ?
	    &sim_mem_pg[off / PV_PAGE_SIZE] : NULL;
}

static void *
sim_mem_va(const struct sim_page *pg)
{
	return sim_mem_arena + (size_t)(pg - sim_mem_pg) * PV_PAGE_SIZE;
}

/* Xen writes to the page from now on, and the guest can not take it back. */
void
sim_mem_keep(void *va)
{
	struct sim_page *pg = sim_mem_page(va);

	sim_mem_share(va);
	if (!pg->pg_kept)
		sim_mem_npage--;
	pg->pg_kept = true;
}

/* The page at va shows another page, or itself again. */
void
sim_mem_alias(void *va, const void *of)
{
	const uint8_t *shown = of == NULL ? va : of;

	if (mmap(va, PV_PAGE_SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_FIXED, sim_mem_file, shown - sim_mem_arena) != va)
		sim_die("a page can not be shown twice");
	sim_mem_page(va)->pg_alias = of != NULL;
	if (of != NULL)
		sim_mem_share(va);
}

/* An odd factor permutes the numbers below a power of two. */
#define SIM_SCATTER	5077u
static uint32_t sim_mem_scatter = SIM_SCATTER;

void
sim_mem_renumber(void)
{
	unsigned int i, nguest = 0;

	for (i = 0; i < SIM_NDOM; i++)
		nguest += sim_world->s_dom[i] != NULL &&
		    sim_world->s_dom[i]->d_id != 0;
	if (nguest == 1)
		sim_mem_scatter = sim_rand(SIM_PAGES / 2) * 2 + 1;
}

/* What a failed test left is forgotten. */
void
sim_mem_init(struct sim *s)
{
	unsigned int i;

	if (sim_mem_arena == NULL) {
		sim_mem_file = memfd_create("arena", 0);
		if (ftruncate(sim_mem_file, SIM_PAGES * PV_PAGE_SIZE) != 0)
			sim_die("no memory for the arena");
		sim_mem_arena = mmap(NULL, (size_t)SIM_PAGES * PV_PAGE_SIZE,
		    PROT_READ | PROT_WRITE, MAP_SHARED, sim_mem_file, 0);
		if (sim_mem_arena == MAP_FAILED)
			sim_die("no memory for the arena");
	}
	for (i = 0; i < SIM_PAGES; i++) {
		free(sim_mem_pg[i].pg_mark);
		if (sim_mem_pg[i].pg_alias)
			sim_mem_alias(sim_mem_va(&sim_mem_pg[i]), NULL);
	}
	memset(sim_mem_pg, 0, sizeof(sim_mem_pg));
	sim_mem_scatter = SIM_SCATTER;
	memset(sim_mem_heap, 0, sizeof(sim_mem_heap));
	sim_mem_nalloc = sim_mem_npage = 0;
	sim_mem_last.fe_p = NULL;
	sim_mem_poison(sim_mem_arena, (size_t)SIM_PAGES * PV_PAGE_SIZE);
}

uint64_t
sim_mem_gfn(const void *va)
{
	struct sim_page *pg = sim_mem_page(va);
	uint32_t n;

	if (pg == NULL || pg->pg_state == SIM_PG_FREE)
		sim_die("the frame of %p, which is none of the pages", va);
	n = (uint32_t)(pg - sim_mem_pg);
	if (sim_world->s_flags & SIM_PV)
		n = n * sim_mem_scatter % SIM_PAGES;
	return SIM_GFN_BASE + n;
}

struct sim_page *
sim_mem_gfn_page(uint64_t gfn)
{
	uint32_t n, inverse = sim_mem_scatter;
	unsigned int i;

	if (gfn < SIM_GFN_BASE || gfn >= SIM_GFN_BASE + SIM_PAGES)
		return NULL;
	n = (uint32_t)(gfn - SIM_GFN_BASE);
	if (sim_world->s_flags & SIM_PV) {
		for (i = 0; i < 5; i++)		/* Newton, modulo 2^32 */
			inverse *= 2 - sim_mem_scatter * inverse;
		n = n * inverse % SIM_PAGES;
	}
	return sim_mem_pg[n].pg_state == SIM_PG_FREE ? NULL : &sim_mem_pg[n];
}

void *
sim_mem_gfn_va(uint64_t gfn)
{
	struct sim_page *pg = sim_mem_gfn_page(gfn);

	return pg == NULL ? NULL : sim_mem_va(pg);
}

/*
 * npg pages with a free one on either side, from a place drawn at random so
 * that no test depends on it.  Single ones are in the upper half, to leave room
 * for others between them.
 */
static struct sim_page *
sim_mem_find(unsigned int npg)
{
	unsigned int start = sim_rand(SIM_PAGES / 2), i, n = 0;

	if (npg == 1)
		start += SIM_PAGES / 2;
	for (i = 0; i < 2 * SIM_PAGES; i++) {
		if ((start + i) % SIM_PAGES == 0)
			n = 0;
		if (sim_mem_pg[(start + i) % SIM_PAGES].pg_state !=
		    SIM_PG_FREE) {
			n = 0;
			continue;
		}
		if (++n == npg + 2)
			return &sim_mem_pg[(start + i) % SIM_PAGES - npg];
	}
	return NULL;
}

static void *
sim_mem_take(unsigned int npg, enum sim_pgstate state, struct sim_dom *d)
{
	struct sim_page *pg = sim_mem_find(npg);
	unsigned int i;
	void *va;

	if (pg == NULL)
		return NULL;
	for (i = 0; i < npg; i++) {
		memset(&pg[i], 0, sizeof(pg[i]));
		pg[i].pg_state = state;
		pg[i].pg_dom = d;
	}
	pg->pg_run = npg;
	va = sim_mem_va(pg);
	sim_mem_unpoison(va, (size_t)npg * PV_PAGE_SIZE);
	memset(va, 0, (size_t)npg * PV_PAGE_SIZE);
	return va;
}

static void
sim_mem_give(struct sim_page *pg, unsigned int npg)
{
	void *va = sim_mem_va(pg);
	unsigned int i;

	sim_mem_unpoison(va, (size_t)npg * PV_PAGE_SIZE);
	memset(va, 0xdd, (size_t)npg * PV_PAGE_SIZE);
	for (i = 0; i < npg; i++) {
		free(pg[i].pg_mark);
		memset(&pg[i], 0, sizeof(pg[i]));
	}
	sim_mem_poison(va, (size_t)npg * PV_PAGE_SIZE);
	sim_mem_last.fe_p = NULL;
}

void *
sim_mem_xen_page(struct sim_dom *d)
{
	void *va = sim_mem_take(1, SIM_PG_XEN, d);

	if (va == NULL)
		sim_die("the arena is full");
	sim_mem_share(va);
	return va;
}

void
sim_mem_xen_free(void *va)
{
	if (sim_mem_page(va)->pg_maps > 0)
		sim_bug("one of Xen's frames is still mapped");
	sim_mem_give(sim_mem_page(va), 1);
}

/* ---- what a peer can reach --------------------------------------------- */

void
sim_mem_share(void *page)
{
	sim_mem_page(page)->pg_shared = true;
	sim_mem_poison(page, PV_PAGE_SIZE);
}

void
sim_mem_watch(void *page, unsigned int lo, unsigned int hi)
{
	struct sim_page *pg = sim_mem_page(page);

	sim_mem_share(page);
	if (pg->pg_mark == NULL)
		pg->pg_mark = calloc(1, PV_PAGE_SIZE);
	memset(pg->pg_mark, 0, PV_PAGE_SIZE);
	pg->pg_lo = lo;
	pg->pg_hi = hi;
}

void
sim_mem_fresh(const volatile void *va, size_t len)
{
	const void *p = (const void *)(uintptr_t)va;
	struct sim_page *pg = sim_mem_page(p);
	size_t off = (uintptr_t)p & (PV_PAGE_SIZE - 1);

	if (pg == NULL || pg->pg_mark == NULL)
		return;
	if (len > PV_PAGE_SIZE - off)
		len = PV_PAGE_SIZE - off;
	while (len-- > 0) {
		if (pg->pg_mark[off] != SIM_POLLED)
			pg->pg_mark[off] = 0;
		off++;
	}
	sim_mem_last.fe_p = NULL;
}

void
sim_mem_polled(void *va, size_t len)
{
	struct sim_page *pg = sim_mem_page(va);

	memset(pg->pg_mark + ((uintptr_t)va & (PV_PAGE_SIZE - 1)),
	    SIM_POLLED, len);
}

void
sim_mem_put(volatile void *dst, const void *src, size_t len)
{
	sim_inside();
	shm_copy_out(dst, src, len);
	sim_mem_fresh(dst, len);
	sim_outside();
}

void
sim_mem_get(void *dst, const volatile void *src, size_t len)
{
	sim_inside();
	shm_copy_in(dst, src, len);
	sim_outside();
}

/* Turn over what was read last, unless it is no longer what was read. */
static void
sim_mem_scribble(void)
{
	struct sim_fetch *fe = &sim_mem_last;
	uint8_t now[PV_PAGE_SIZE];
	size_t i;

	if (fe->fe_p == NULL)
		return;
	shm_copy_in(now, fe->fe_p, fe->fe_len);
	if (memcmp(now, fe->fe_was, fe->fe_len) == 0 &&
	    sim_evil_now(SIM_EVIL_RSP_CHANGED_AFTER_READ)) {
		for (i = 0; i < fe->fe_len; i++)
			now[i] = (uint8_t)~now[i];
		shm_copy_out(fe->fe_p, now, fe->fe_len);
	}
	fe->fe_p = NULL;
}

static void
sim_mem_fetch(struct sim_page *pg, const void *p, size_t len)
{
	size_t off = (uintptr_t)p & (PV_PAGE_SIZE - 1), i;

	if (off < pg->pg_lo || off + len > pg->pg_hi || len == 0)
		return;
	for (i = 0; i < len; i++) {
		if (pg->pg_mark[off + i] == 1) {
			sim_bug("byte %zu of a ring was read twice", off + i);
			break;
		}
		if (pg->pg_mark[off + i] != SIM_POLLED)
			pg->pg_mark[off + i] = 1;
	}
	if (!sim_evil_armed(SIM_EVIL_RSP_CHANGED_AFTER_READ) ||
	    pg->pg_mark[off] == SIM_POLLED)
		return;
	sim_mem_last.fe_p = (uint8_t *)(uintptr_t)p;
	sim_mem_last.fe_len = len;
	shm_copy_in(sim_mem_last.fe_was, p, len);
}

/*
 * The library reads shared memory.  Indexes, in a ring's header, may be read
 * again and again; see sim_mem_watch() for the rest.
 */
void
shm_trace(const void *p, size_t len)
{
	struct sim_page *pg;

	if (sim_world == NULL || sim_world->s_inside > 0)
		return;
	sim_sched_chance();
	sim_inside();
	sim_mem_scribble();
	pg = sim_mem_page(p);
	if (pg != NULL && pg->pg_regs != NULL)
		sim_regs_access(pg->pg_regs, p, len);
	if (pg != NULL && pg->pg_mark != NULL)
		sim_mem_fetch(pg, p, len);
	sim_outside();
}

/* ---- the library's memory ---------------------------------------------- */

void *
sim_mem_alloc(size_t len, void *site)
{
	struct sim_heap *he = malloc(sizeof(*he)), **head;

	he->he_p = calloc(1, len);
	he->he_len = len;
	he->he_site = site;
	head = &sim_mem_heap[(uintptr_t)he->he_p / 16 % SIM_HASH];
	he->he_next = *head;
	*head = he;
	sim_mem_nalloc++;
	return he->he_p;
}

void
sim_mem_free(void *p, size_t len)
{
	struct sim_heap **q, *he;

	if (p == NULL)
		return;
	q = &sim_mem_heap[(uintptr_t)p / 16 % SIM_HASH];
	while (*q != NULL && (*q)->he_p != p)
		q = &(*q)->he_next;
	he = *q;
	if (he == NULL)
		sim_die("free of %p, which was not allocated", p);
	if (he->he_len != len)
		sim_bug("free with length %zu of %zu bytes", len, he->he_len);
	*q = he->he_next;
	free(he);
	free(p);
	sim_mem_nalloc--;
}

void *
sim_mem_pages_alloc(unsigned int npg, void *site)
{
	void *va = sim_mem_take(npg, SIM_PG_GUEST, sim_world->s_curdom);

	if (va == NULL)
		return NULL;
	sim_mem_page(va)->pg_site = site;
	sim_mem_npage += npg;
	return va;
}

static void
sim_mem_check_free(struct sim_page *pg)
{
	struct sim *s = sim_world;
	uint64_t gfn = sim_mem_gfn(sim_mem_va(pg));
	unsigned int i;
	uint32_t ref;

	if (pg->pg_pins > 0)
		sim_bug("a page is freed that a peer has mapped");
	if (pg->pg_frame)
		sim_bug("a page is freed with one of Xen's frames in it");
	if (pg->pg_alias)
		sim_bug("a page is freed with a peer's mapped in it");
	if (pg->pg_hole)
		sim_bug("a page is freed with nothing behind it");
	if (pg->pg_kept)
		sim_bug("a page is freed that Xen goes on to write to");
	for (i = 0; i < SIM_NDOM; i++) {
		if (s->s_dom[i] != NULL &&
		    sim_gnttab_granted(s->s_dom[i], gfn, &ref))
			sim_bug("a page is freed that entry %u grants",
			    (unsigned int)ref);
	}
}

void
sim_mem_pages_free(void *va, unsigned int npg)
{
	struct sim_page *pg = sim_mem_page(va);
	unsigned int i;

	if (pg == NULL || pg->pg_state != SIM_PG_GUEST || pg->pg_run == 0)
		sim_die("pages_free of %p, which was not allocated", va);
	if (pg->pg_run != npg)
		sim_die("pages_free of %u pages of %u", npg, pg->pg_run);
	for (i = 0; i < npg; i++)
		sim_mem_check_free(&pg[i]);
	sim_mem_npage -= npg;
	sim_mem_give(pg, npg);
}

/* One of Xen's frames, at the address where it is anyway. */
void *
sim_mem_map(uint64_t pa, size_t len, bool device)
{
	struct sim_page *pg = sim_mem_gfn_page(pa >> PV_PAGE_SHIFT);

	if (pg == NULL || len > PV_PAGE_SIZE - (pa & (PV_PAGE_SIZE - 1)))
		return NULL;
	if (pg->pg_state != SIM_PG_XEN || device != (pg->pg_regs != NULL) ||
	    pg->pg_dom != sim_world->s_curdom)
		return NULL;
	pg->pg_maps++;
	return (uint8_t *)sim_mem_va(pg) + (pa & (PV_PAGE_SIZE - 1));
}

void
sim_mem_unmap(void *va, size_t len)
{
	struct sim_page *pg = sim_mem_page(va);

	if (pg == NULL || pg->pg_maps == 0)
		sim_die("unmap of %p, which is not mapped", va);
	pg->pg_maps--;
}

/* ---- the balance ------------------------------------------------------- */

static void
sim_mem_left(const char *what, size_t n, void *site)
{
	char where[256] = "";

	__sanitizer_symbolize_pc((char *)site - 1, "%f %s:%l", where,
	    sizeof(where));
	sim_bug("%zu %s were not given back, from %s", n, what, where);
}

unsigned int
sim_mem_check(struct sim *s)
{
	unsigned int i, before = s->s_nbug;
	struct sim_heap *he;
	/* A device that never was reset has what it has. */
	bool kept = sim_evil_told(s, SIM_EVIL_RESET_NEVER) > 0;

	for (i = 0; i < SIM_HASH; i++) {
		while ((he = sim_mem_heap[i]) != NULL) {
			if (!kept)
				sim_mem_left("bytes", he->he_len,
				    he->he_site);
			sim_mem_heap[i] = he->he_next;
			free(he->he_p);
			free(he);
		}
	}
	for (i = 0; i < SIM_PAGES; i++) {
		if (sim_mem_pg[i].pg_state == SIM_PG_GUEST &&
		    sim_mem_pg[i].pg_run > 0 && !sim_mem_pg[i].pg_kept &&
		    !kept)
			sim_mem_left("pages", sim_mem_pg[i].pg_run,
			    sim_mem_pg[i].pg_site);
	}
	return s->s_nbug - before;
}

unsigned int
sim_nalloc(const struct sim *s)
{
	return sim_mem_nalloc;
}

unsigned int
sim_npage(const struct sim *s)
{
	return sim_mem_npage;
}
