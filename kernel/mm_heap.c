/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm_heap.c -- the heap: blocks of any length, on the page allocator.
 *
 * Up to HEAP_MAX bytes a block comes from a slab: one page that starts with
 * a struct heap_slab and is cut into objects of one size class.  A bitmap in
 * the slab says which objects are free, so nothing is ever stored in a free
 * object, and a block that is freed twice is caught.  Longer blocks are
 * whole pages.  The two are told apart by the address: an object is never
 * at the start of a page, since the slab's head is there.
 *
 * In a checked build each object ends in a red zone with the length that was
 * asked for, verified by kfree(), and free objects are filled with a pattern
 * that kmalloc() verifies: writes past the end and after free are caught.
 */

#include <string.h>

#include <klog.h>
#include <mm.h>
#include <mm_var.h>
#include <sync.h>

#define HEAP_NCLASS	PV_NELEM(heap_size)
#define HEAP_MAX	2016u
#define HEAP_HEAD	64u		/* bytes before the first object */
#define HEAP_MAGIC	0x48454150u
#define HEAP_NWORD	4u		/* of 64 bits, for 252 objects */

#ifdef PV_CHECKED
#define HEAP_RED	16u		/* a length, and as much again */
#else
#define HEAP_RED	0u
#endif
#define HEAP_REDBYTE	0xb5
#define HEAP_DEADBYTE	0xd5

struct heap_slab {
	uint32_t	 hs_magic;
	uint16_t	 hs_class, hs_nfree;
	struct heap_slab *hs_next, *hs_prev;	/* while not full */
	uint64_t	 hs_free[HEAP_NWORD];
};

struct heap_class {
	struct spinlock	 hc_lock;
	struct heap_slab *hc_slabs;	/* those with a free object */
	unsigned int	 hc_nempty;	/* of them, with all objects free */
};

static const uint16_t heap_size[] = {
	16, 32, 48, 64, 96, 128, 192, 256, 384, 496, 672, 1008, 1344, HEAP_MAX
};

static struct heap_class heap_class[HEAP_NCLASS];
static uint64_t heap_npg;

_Static_assert(sizeof(struct heap_slab) <= HEAP_HEAD, "slab head");

static unsigned int
heap_nobj(unsigned int class)
{
	return (PV_PAGE_SIZE - HEAP_HEAD) / heap_size[class];
}

/* ---- the red zone ------------------------------------------------------ */

static void
heap_arm(uint8_t *obj, size_t size, size_t len)
{
	uint64_t val = len;

	if (HEAP_RED == 0)
		return;
	memset(obj + len, HEAP_REDBYTE, size - sizeof(val) - len);
	memcpy(obj + size - sizeof(val), &val, sizeof(val));
}

/* Returns the length that was asked for. */
static size_t
heap_check(const uint8_t *obj, size_t size)
{
	uint64_t len = size;
	size_t i;

	if (HEAP_RED == 0)
		return size;
	memcpy(&len, obj + size - sizeof(len), sizeof(len));
	if (len > size - HEAP_RED)
		panic("heap block %p: its end is overwritten",
		    (const void *)obj);
	for (i = (size_t)len; i < size - sizeof(len); i++) {
		if (obj[i] != HEAP_REDBYTE)
			panic("heap block %p: written past %u bytes",
			    (const void *)obj, (unsigned int)len);
	}
	return (size_t)len;
}

static void
heap_check_dead(const uint8_t *obj, size_t size)
{
	size_t i;

	for (i = 0; HEAP_RED != 0 && i < size; i++) {
		if (obj[i] != HEAP_DEADBYTE)
			panic("heap block %p: written after free",
			    (const void *)obj);
	}
}

/* ---- slabs ------------------------------------------------------------- */

static void
heap_link(struct heap_class *hc, struct heap_slab *hs)
{
	hs->hs_prev = NULL;
	hs->hs_next = hc->hc_slabs;
	if (hs->hs_next != NULL)
		hs->hs_next->hs_prev = hs;
	hc->hc_slabs = hs;
}

static void
heap_unlink(struct heap_class *hc, struct heap_slab *hs)
{
	if (hs->hs_prev != NULL)
		hs->hs_prev->hs_next = hs->hs_next;
	else
		hc->hc_slabs = hs->hs_next;
	if (hs->hs_next != NULL)
		hs->hs_next->hs_prev = hs->hs_prev;
}

static struct heap_slab *
heap_slab_create(unsigned int class)
{
	struct heap_slab *hs = page_alloc(1);
	unsigned int i, n = heap_nobj(class);

	if (hs == NULL)
		return NULL;
	hs->hs_magic = HEAP_MAGIC;
	hs->hs_class = (uint16_t)class;
	hs->hs_nfree = (uint16_t)n;
	for (i = 0; i < n; i++)
		hs->hs_free[i / 64] |= 1ull << i % 64;
	if (HEAP_RED != 0)
		memset((char *)hs + HEAP_HEAD, HEAP_DEADBYTE,
		    PV_PAGE_SIZE - HEAP_HEAD);
	__atomic_fetch_add(&heap_npg, 1, __ATOMIC_RELAXED);
	return hs;
}

static void
heap_slab_destroy(struct heap_slab *hs)
{
	hs->hs_magic = 0;
	__atomic_fetch_sub(&heap_npg, 1, __ATOMIC_RELAXED);
	page_free(hs, 1);
}

/* Take an object.  Lock: hc_lock.  Returns NULL when a slab is needed. */
static uint8_t *
heap_take(struct heap_class *hc)
{
	struct heap_slab *hs = hc->hc_slabs;
	unsigned int word = 0, bit;

	if (hs == NULL)
		return NULL;
	if (hs->hs_nfree == heap_nobj(hs->hs_class))
		hc->hc_nempty--;
	while (hs->hs_free[word] == 0)
		word++;
	bit = (unsigned int)__builtin_ctzll(hs->hs_free[word]);
	hs->hs_free[word] &= ~(1ull << bit);
	if (--hs->hs_nfree == 0)
		heap_unlink(hc, hs);
	return (uint8_t *)hs + HEAP_HEAD +
	    (word * 64 + bit) * heap_size[hs->hs_class];
}

static void *
heap_alloc(unsigned int class, size_t len)
{
	struct heap_class *hc = &heap_class[class];
	size_t size = heap_size[class];
	struct heap_slab *hs;
	unsigned long s;
	uint8_t *obj;

	s = spin_lock(&hc->hc_lock);
	while ((obj = heap_take(hc)) == NULL) {
		spin_unlock(&hc->hc_lock, s);
		hs = heap_slab_create(class);
		if (hs == NULL)
			return NULL;
		s = spin_lock(&hc->hc_lock);
		heap_link(hc, hs);
		hc->hc_nempty++;
	}
	spin_unlock(&hc->hc_lock, s);
	heap_check_dead(obj, size);
	memset(obj, 0, size);
	heap_arm(obj, size, len);
	return obj;
}

static struct heap_slab *
heap_slab_of(const void *p)
{
	struct heap_slab *hs;

	hs = (struct heap_slab *)((uintptr_t)p & PV_PAGE_MASK);
	if (hs->hs_magic != HEAP_MAGIC ||
	    ((uintptr_t)p - (uintptr_t)hs - HEAP_HEAD) %
	    heap_size[hs->hs_class] != 0)
		panic("heap: %p is not a block", p);
	return hs;
}

/*
 * Put an object back; a slab that gets empty while another one is goes back
 * to the page allocator.
 */
static void
heap_free(void *p)
{
	struct heap_slab *hs = heap_slab_of(p), *gone = NULL;
	struct heap_class *hc = &heap_class[hs->hs_class];
	unsigned int size = heap_size[hs->hs_class], i;
	unsigned long s;

	i = (unsigned int)((uintptr_t)p - (uintptr_t)hs - HEAP_HEAD) / size;
	s = spin_lock(&hc->hc_lock);
	if ((hs->hs_free[i / 64] & 1ull << i % 64) != 0)
		panic("heap: %p is freed twice", p);
	(void)heap_check(p, size);
	if (HEAP_RED != 0)
		memset(p, HEAP_DEADBYTE, size);
	hs->hs_free[i / 64] |= 1ull << i % 64;
	if (hs->hs_nfree++ == 0)
		heap_link(hc, hs);
	if (hs->hs_nfree == heap_nobj(hs->hs_class) && hc->hc_nempty++ > 0) {
		hc->hc_nempty--;
		heap_unlink(hc, hs);
		gone = hs;
	}
	spin_unlock(&hc->hc_lock, s);
	if (gone != NULL)
		heap_slab_destroy(gone);
}

/* ---- interface --------------------------------------------------------- */

static bool
heap_is_pages(const void *p)
{
	return ((uintptr_t)p & (PV_PAGE_SIZE - 1)) == 0;
}

/*
 * kmalloc -- len zeroed bytes aligned to 16, or NULL
 *
 * More than HEAP_MAX bytes are whole pages, page aligned; 0 is taken as 1.
 * Context: thread, deferred.
 */
void *
kmalloc(size_t len)
{
	unsigned int class = 0, npg;
	void *p;

	if (len <= HEAP_MAX - HEAP_RED) {
		while (heap_size[class] < len + HEAP_RED)
			class++;
		return heap_alloc(class, len);
	}
	if (len > (size_t)PV_PAGE_SIZE << 19)
		return NULL;
	npg = (unsigned int)PV_HOWMANY(len, PV_PAGE_SIZE);
	p = page_alloc(npg);
	if (p != NULL)
		__atomic_fetch_add(&heap_npg, npg, __ATOMIC_RELAXED);
	return p;
}

/* kfree -- give back a block; p may be NULL.  Context: any. */
void
kfree(void *p)
{
	unsigned int npg;

	if (p == NULL)
		return;
	if (!heap_is_pages(p)) {
		heap_free(p);
		return;
	}
	npg = mm_pages(p);
	if (npg == 0)
		panic("heap: %p is not allocated", p);
	__atomic_fetch_sub(&heap_npg, npg, __ATOMIC_RELAXED);
	page_free(p, npg);
}

/* kmalloc_size -- how many bytes a block has, at least those asked for */
size_t
kmalloc_size(const void *p)
{
	if (heap_is_pages(p))
		return (size_t)mm_pages(p) << PV_PAGE_SHIFT;
	return heap_check(p, heap_size[heap_slab_of(p)->hs_class]);
}

/*
 * krealloc -- a block of len bytes with the contents of p, which is freed
 *
 * p may be NULL.  What is new in it is not zeroed.  On failure NULL, and p
 * is as it was.  Context: thread, deferred.
 */
void *
krealloc(void *p, size_t len)
{
	size_t have;
	void *new;

	if (p == NULL)
		return kmalloc(len);
	have = kmalloc_size(p);
	if (len <= have && len > have / 2)
		return p;
	new = kmalloc(len);
	if (new == NULL)
		return NULL;
	memcpy(new, p, len < have ? len : have);
	kfree(p);
	return new;
}

/* mm_heap_bytes -- bytes in the pages that the heap holds.  Context: any. */
uint64_t
mm_heap_bytes(void)
{
	return __atomic_load_n(&heap_npg, __ATOMIC_RELAXED) << PV_PAGE_SHIFT;
}
