/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_dma.c -- maps: identity, bounce around a back end whose revoke can be
 * made to fail, and what happens when memory runs out on the way.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dev.h"

/* ---- the port ---------------------------------------------------------- */

static int live;			/* allocations that are not freed */
static int fail_in;			/* so many more allocations succeed */

void *
pv_os_alloc(size_t len)
{
	if (fail_in > 0 && --fail_in == 0)
		return NULL;
	live++;
	return calloc(1, len);
}

void
pv_os_free(void *p, size_t len)
{
	live -= p != NULL;
	free(p);
}

void *
pv_os_pages_alloc(unsigned int npg)
{
	void *p;

	if (fail_in > 0 && --fail_in == 0)
		return NULL;
	live++;
	p = aligned_alloc(PV_PAGE_SIZE, npg * PV_PAGE_SIZE);
	memset(p, 0xee, npg * PV_PAGE_SIZE);
	return p;
}

void
pv_os_pages_free(void *va, unsigned int npg)
{
	live--;
	free(va);
}

gfn_t
pv_os_gfn(const void *va)
{
	return GFN((uintptr_t)va >> PV_PAGE_SHIFT);
}

void
pv_os_defer(struct pv_os_work *w, uint64_t delay_ns)
{
}

void
pv_os_cancel(struct pv_os_work *w)
{
}

pv_os_ipl_t
pv_os_lock(struct pv_os_lock *lk)
{
	return 0;
}

void
pv_os_unlock(struct pv_os_lock *lk, pv_os_ipl_t ipl)
{
}

void
pv_os_log(enum pv_loglevel level, const char *fmt, va_list ap)
{
}

void
pv_os_panic(const char *msg)
{
	fail_msg("panic: %s", msg);
	abort();
}

/* ---- a back end that may hold on --------------------------------------- */

static bool held;
static bool refill;
static void (*parked_fn)(void *);
static void *parked_arg;
static unsigned int nreserved;
static char *shown;			/* what the peer sees */

static int
back_reserve(struct pv_dma *dma, struct pv_dma_map *map)
{
	nreserved++;
	return 0;
}

static void
back_release(struct pv_dma *dma, struct pv_dma_map *map)
{
	nreserved--;
}

static int
back_share(struct pv_dma *dma, struct pv_dma_map *map)
{
	shown = map->dm_va;
	map->dm_da = 77;
	return 0;
}

static int
back_unshare(struct pv_dma *dma, struct pv_dma_map *map)
{
	return held ? -PV_EBUSY : 0;
}

static void
back_park(struct pv_dma *dma, struct pv_dma_map *map, void (*fn)(void *),
    void *arg)
{
	parked_fn = fn;
	parked_arg = arg;
	if (!refill) {
		map->dm_reserved = false;
		nreserved--;
	}
}

static const struct pv_dma_ops back_ops = {
	.do_reserve = back_reserve, .do_release = back_release,
	.do_share = back_share, .do_unshare = back_unshare,
	.do_park = back_park
};

static struct pv_dev dev;
static struct pv_dma_pool pool;

static void
t_begin(const struct pv_dma_ops *ops, bool bounce)
{
	memset(&dev, 0, sizeof(dev));
	memset(&pool, 0, sizeof(pool));
	live = fail_in = 0;
	nreserved = 0;
	held = false;
	refill = true;
	dev.pd_dma.da_ops = ops;
	dev.pd_dma.da_dev = &dev;
	if (bounce)
		pv_dma_bounce(&dev.pd_dma);
}

static void
t_end(void)
{
	pv_dma_release(&pool);
	pv_dma_release(&pool);
	assert_int_equal(nreserved, 0);
	assert_int_equal(live, 0);
	assert_int_equal(dev.pd_npage, 0);
	assert_int_equal(dev.pd_nalloc, 0);
}

static char page[2 * PV_PAGE_SIZE] __attribute__((__aligned__(4096)));

static void
t_identity(void **state)
{
	char *va = page + 100;
	uint64_t da;

	t_begin(&pv_dma_identity, false);
	assert_int_equal(pv_dma_reserve(&dev, &pool, 2), 0);
	da = pv_dma_share(&pool, &pool.dp_map[0], va, 50, PV_PEER_READS);
	assert_true(da == (uintptr_t)va);
	assert_false(pv_dma_usable(&pool.dp_map[0]));
	assert_int_equal(pv_dma_unshare(&pool, &pool.dp_map[0]), 0);
	assert_true(pv_dma_usable(&pool.dp_map[0]));
	t_end();
}

/* The peer sees the piece where it lies in its page, and nothing else. */
static void
t_bounce_out(void **state)
{
	struct pv_dma_map *m;
	unsigned int i;

	t_begin(&back_ops, true);
	assert_int_equal(pv_dma_reserve(&dev, &pool, 1), 0);
	m = &pool.dp_map[0];
	memset(page, 'n', sizeof(page));
	memset(page + 512, 'a', 1024);
	assert_true(pv_dma_share(&pool, m, page + 512, 1024, PV_PEER_READS) ==
	    77);
	assert_ptr_not_equal(shown, page + 512);
	assert_int_equal((uintptr_t)shown & 4095, 512);
	for (i = 0; i < PV_PAGE_SIZE; i++)
		assert_int_equal(shown[(int)i - 512],
		    i >= 512 && i < 1536 ? 'a' : 0);
	shown[0] = 'X';
	assert_int_equal(pv_dma_unshare(&pool, m), 0);
	assert_int_equal(page[512], 'a');
	t_end();
}

static void
t_bounce_in(void **state)
{
	struct pv_dma_map *m;

	t_begin(&back_ops, true);
	assert_int_equal(pv_dma_reserve(&dev, &pool, 1), 0);
	m = &pool.dp_map[0];
	memset(page, 'n', sizeof(page));
	(void)pv_dma_share(&pool, m, page + 100, 10, PV_PEER_WRITES);
	assert_int_equal(shown[0], 0);
	memset(shown - 50, 'p', 200);
	/* Not before it is taken back. */
	assert_int_equal(page[100], 'n');
	assert_int_equal(pv_dma_unshare(&pool, m), 0);
	assert_int_equal(page[99], 'n');
	assert_int_equal(page[100], 'p');
	assert_int_equal(page[109], 'p');
	assert_int_equal(page[110], 'n');
	t_end();
}

/* Shown from the start, and copied to and from while it stays so. */
static void
t_lasting(void **state)
{
	struct pv_dma_map *m;
	unsigned int i;
	char *last;

	t_begin(&back_ops, true);
	assert_int_equal(pv_dma_reserve_lasting(&dev, &pool, 1), 0);
	m = &pool.dp_map[0];
	last = shown;
	for (i = 0; i < PV_PAGE_SIZE; i++)
		assert_int_equal(last[i], 0);
	memset(page, 'a', sizeof(page));
	assert_true(pv_dma_share(&pool, m, page + 512, 1024, PV_PEER_READS) ==
	    77);
	for (i = 0; i < PV_PAGE_SIZE; i++)
		assert_int_equal(last[i], i >= 512 && i < 1536 ? 'a' : 0);
	last[512] = 'X';
	held = true;
	assert_int_equal(pv_dma_unshare(&pool, m), 0);
	assert_int_equal(page[512], 'a');
	assert_true(pv_dma_share(&pool, m, page + 100, 10, PV_PEER_WRITES) ==
	    77);
	assert_ptr_equal(shown, last);
	memset(last + 50, 'p', 200);
	assert_int_equal(page[100], 'a');
	assert_int_equal(pv_dma_unshare(&pool, m), 0);
	assert_int_equal(page[99], 'a');
	assert_int_equal(page[100], 'p');
	assert_int_equal(page[109], 'p');
	assert_int_equal(page[110], 'a');
	held = false;
	t_end();
}

/* A page that the peer keeps is the quarantine's until it lets go. */
static void
t_lasting_held(void **state)
{
	int again;

	for (again = 0; again < 2; again++) {
		t_begin(&back_ops, false);
		refill = again;
		assert_int_equal(pv_dma_reserve_lasting(&dev, &pool, 1), 0);
		held = true;
		parked_fn = NULL;
		pv_dma_release(&pool);
		assert_non_null(parked_fn);
		assert_int_equal(dev.pd_npage, 0);
		assert_int_equal(dev.pd_nalloc, 0);
		assert_int_equal(nreserved, 0);
		shown[0] = 'p';
		assert_int_equal(live, 2);
		parked_fn(parked_arg);
		t_end();
	}
}

/* Each of what it takes is refused once. */
static void
t_lasting_short(void **state)
{
	int n;

	for (n = 1; n <= 5; n++) {
		t_begin(&back_ops, false);
		fail_in = n;
		assert_int_equal(pv_dma_reserve_lasting(&dev, &pool, 2),
		    -PV_ENOMEM);
		t_end();
	}
}

static unsigned int nfreed;

static void
t_freed(void *arg)
{
	nfreed++;
}

/* The page that a peer holds outlives pool and device. */
static void
t_bounce_park(void **state)
{
	struct pv_dma_map *m;
	char *was;

	t_begin(&back_ops, true);
	assert_int_equal(pv_dma_reserve(&dev, &pool, 1), 0);
	m = &pool.dp_map[0];
	(void)pv_dma_share(&pool, m, page, 512, PV_PEER_WRITES);
	was = shown;
	held = true;
	assert_int_equal(pv_dma_unshare(&pool, m), -PV_EBUSY);
	nfreed = 0;
	pv_dma_park(&pool, m, t_freed, NULL);
	assert_true(pv_dma_usable(m));
	held = false;
	(void)pv_dma_share(&pool, m, page, 512, PV_PEER_WRITES);
	assert_ptr_not_equal(shown, was);
	assert_int_equal(pv_dma_unshare(&pool, m), 0);
	pv_dma_release(&pool);
	assert_int_equal(dev.pd_npage, 0);
	assert_int_equal(dev.pd_nalloc, 0);
	assert_int_equal(nfreed, 0);
	was[0] = 'p';
	parked_fn(parked_arg);
	assert_int_equal(nfreed, 1);
	t_end();
}

static void
t_park_without_refill(void **state)
{
	unsigned int bounce;

	for (bounce = 0; bounce < 2; bounce++) {
		t_begin(&back_ops, bounce != 0);
		assert_int_equal(pv_dma_reserve(&dev, &pool, 2), 0);
		(void)pv_dma_share(&pool, &pool.dp_map[0], page, 512,
		    PV_PEER_READS);
		held = true;
		refill = false;
		assert_int_equal(pv_dma_unshare(&pool, &pool.dp_map[0]),
		    -PV_EBUSY);
		pv_dma_park(&pool, &pool.dp_map[0], NULL, NULL);
		assert_false(pv_dma_usable(&pool.dp_map[0]));
		assert_true(pv_dma_usable(&pool.dp_map[1]));
		if (parked_fn != NULL)
			parked_fn(parked_arg);
		t_end();
	}
}

/* Each allocation fails once, also the one that replaces a parked page. */
static void
t_no_memory(void **state)
{
	struct pv_dma_map *m;
	int n, rv = -PV_ENOMEM;

	for (n = 1; rv != 0; n++) {
		t_begin(&back_ops, true);
		fail_in = n;
		rv = pv_dma_reserve(&dev, &pool, 3);
		t_end();
	}
	for (n = 1; n <= 2; n++) {
		t_begin(&back_ops, true);
		assert_int_equal(pv_dma_reserve(&dev, &pool, 1), 0);
		m = &pool.dp_map[0];
		(void)pv_dma_share(&pool, m, page, 512, PV_PEER_READS);
		held = true;
		assert_int_equal(pv_dma_unshare(&pool, m), -PV_EBUSY);
		fail_in = n;
		pv_dma_park(&pool, m, NULL, NULL);
		assert_false(pv_dma_usable(m));
		parked_fn(parked_arg);
		t_end();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_identity),
		cmocka_unit_test(t_bounce_out),
		cmocka_unit_test(t_bounce_in),
		cmocka_unit_test(t_lasting),
		cmocka_unit_test(t_lasting_held),
		cmocka_unit_test(t_lasting_short),
		cmocka_unit_test(t_bounce_park),
		cmocka_unit_test(t_park_without_refill),
		cmocka_unit_test(t_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
