/* SPDX-License-Identifier: BSD-2-Clause */
/* t_lend.c -- kernel/balloon.c: what is lent, and what is taken back. */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"

#include "../../kernel/balloon.c"

#define ALL	16384u			/* pages of the guest */

static uint64_t nfree, wish, asked;
static unsigned int nthread;
static void (*hungry)(unsigned int);
static const char *settings[8];		/* name, value, .. */

void
mm_stat(struct mm_stat *ms)
{
	memset(ms, 0, sizeof(*ms));
	ms->ms_total = (uint64_t)ALL << PV_PAGE_SHIFT;
	ms->ms_free = nfree << PV_PAGE_SHIFT;
}

void
mm_watch(uint64_t npg, void (*fn)(unsigned int))
{
	(void)npg;
	hungry = fn;
}

void *
page_alloc(unsigned int npg)
{
	nfree -= npg;
	return malloc(PV_PAGE_SIZE * npg);
}

void
page_free(void *va, unsigned int npg)
{
	nfree += npg;
	free(va);
}

void *
page_hollow(void)
{
	return NULL;
}

void *
block_get(unsigned int least, bool fresh, uint64_t keep, unsigned int *npg)
{
	(void)least;
	(void)fresh;
	(void)keep;
	*npg = 0;
	return NULL;
}

void
block_put(void *va, unsigned int npg)
{
	(void)va;
	(void)npg;
}

const char *
cmdline_get(const char *key)
{
	unsigned int i;

	for (i = 0; i + 1 < PV_NELEM(settings) && settings[i] != NULL; i += 2)
		if (strcmp(settings[i], key) == 0)
			return settings[i + 1];
	return NULL;
}

uint64_t
cmdline_num(const char *key, uint64_t lo, uint64_t hi, uint64_t dflt)
{
	const char *v = cmdline_get(key);
	uint64_t n = v == NULL ? dflt : strtoull(v, NULL, 10);

	return n < lo || n > hi ? dflt : n;
}

bool
cmdline_bool(const char *key, bool dflt)
{
	return cmdline_get(key) == NULL ? dflt : true;
}

struct thread *
thread_create(const char *name, void (*fn)(void *), void *arg, size_t stack)
{
	(void)name;
	(void)fn;
	(void)arg;
	(void)stack;
	nthread++;
	return (struct thread *)(void *)&nfree;
}

void
thread_sleep(uint64_t ns)
{
	(void)ns;
	fail();				/* nobody runs the thread */
}

void
mutex_lock(struct mutex *mx)
{
	(void)mx;
}

void
mutex_unlock(struct mutex *mx)
{
	(void)mx;
}

static void
fake_wish(void *sc, uint64_t npg)
{
	(void)sc;
	wish = npg;
}

static void
fake_deflate(void *sc, uint64_t npg)
{
	(void)sc;
	asked += npg;
}

static const struct pv_balloon_ops fake_ops = {
	.bo_deflate = fake_deflate, .bo_wish = fake_wish
};
static struct pv_balloon fake;

/* A driver that follows at once, as far as bl_get lets it. */
static void
follow(void)
{
	uint64_t goal = wish > fake.bl_target ? wish : fake.bl_target;

	nfree += fake.bl_held - goal;
	fake.bl_held = goal;
}

static void
begin(uint32_t flags, const char *auto_)
{
	memset(&fake, 0, sizeof(fake));
	fake.bl_name = "fake0";
	fake.bl_ops = &fake_ops;
	fake.bl_flags = flags;
	fake.bl_all = ALL;
	nfree = 12000;
	wish = asked = 0;
	settings[0] = "balloon.floor";
	settings[1] = "4";
	settings[2] = "balloon.ceiling";
	settings[3] = "8";
	settings[4] = auto_;
	settings[5] = "1";
	settings[6] = NULL;
	balloon_up(&fake);
	assert_ptr_equal(balloon_dev, &fake);
}

static int
end(void **state)
{
	balloon_down(&fake);
	(void)state;
	return 0;
}

/* What is idle over the ceiling goes, and comes when the floor is near. */
static void
lend_and_take(void **state)
{
	begin(PV_BALLOON_HARD | PV_BALLOON_LENDS, "balloon.auto");
	assert_false(balloon_give(2048));
	assert_true(balloon_give(nfree));
	assert_int_equal(wish, 12000 - 2048);
	assert_false(balloon_give(nfree));	/* not before it is done */
	follow();
	assert_int_equal(nfree, 2048);
	hungry(1);				/* more is free than asked */
	assert_int_equal(wish, 12000 - 2048);
	nfree = 1000;				/* less than the floor */
	hungry(1);
	assert_int_equal(wish, 12000 - 2048 - (1536 + 1 - 1000));
	hungry(1);				/* not twice for one need */
	assert_int_equal(wish, 12000 - 2048 - (1536 + 1 - 1000));
	follow();
	nfree = 100;
	hungry(3000);				/* a large piece */
	assert_int_equal(fake.bl_held - wish, 1536 + 3000 - 100);
	follow();
	nfree = 0;
	hungry(1 << 20);			/* more than there is */
	assert_int_equal(wish, 0);
	follow();
	hungry(1);
	assert_int_equal(wish, 0);
	(void)state;
}

/* What the toolstack wants in the balloon is not lent a second time. */
static void
lend_with_target(void **state)
{
	begin(PV_BALLOON_HARD | PV_BALLOON_LENDS, "balloon.auto");
	fake.bl_target = 4000;
	follow();
	assert_int_equal(nfree, 8000);
	nfree = 500;
	hungry(1);				/* nothing of ours */
	assert_int_equal(wish, 0);
	nfree = 8000;
	assert_true(balloon_give(nfree));
	assert_int_equal(wish, 4000 + 8000 - 2048);
	fake.bl_target = 11000;
	follow();
	nfree = 500;
	hungry(1);
	assert_int_equal(wish, 4000 + 8000 - 2048);
	(void)state;
}

static void
lend_by_hand(void **state)
{
	begin(PV_BALLOON_HARD | PV_BALLOON_LENDS, "no");
	assert_false(balloon_give(nfree));
	assert_int_equal(balloon_set(BALLOON_FIXED, 48), 0);
	assert_int_equal(wish, ALL - 48 * 256);
	follow();
	nfree = 1;
	hungry(1);				/* the operator's word holds */
	assert_int_equal(wish, ALL - 48 * 256);
	assert_int_equal(balloon_set(BALLOON_FIXED, 0), -PV_ERANGE);
	assert_int_equal(balloon_set(BALLOON_FIXED, 65), -PV_ERANGE);
	assert_int_equal(wish, ALL - 48 * 256);
	assert_int_equal(balloon_set(BALLOON_HOST, 0), 0);
	assert_int_equal(wish, 0);
	(void)state;
}

/* The thread comes when there is something for it to do, and once. */
static void
lend_thread(void **state)
{
	balloon_thread = false;
	nthread = 0;
	begin(PV_BALLOON_HARD | PV_BALLOON_LENDS, "no");
	assert_int_equal(balloon_set(BALLOON_FIXED, 48), 0);
	assert_int_equal(nthread, 0);
	assert_int_equal(balloon_set(BALLOON_AUTO, 0), 0);
	assert_int_equal(balloon_set(BALLOON_AUTO, 0), 0);
	assert_int_equal(nthread, 1);
	balloon_down(&fake);
	balloon_thread = false;
	begin(PV_BALLOON_HARD | PV_BALLOON_LENDS, "balloon.target");
	assert_int_equal(nthread, 2);
	(void)state;
}

/* One that only its host rules, and lets out in need. */
static void
lend_is_not_for_all(void **state)
{
	begin(PV_BALLOON_OOM, "balloon.auto");
	assert_int_equal(balloon_set(BALLOON_AUTO, 0), -PV_EOPNOTSUPP);
	hungry(1);
	assert_int_equal(asked, 1024);
	assert_int_equal(wish, 0);
	balloon_down(&fake);
	assert_int_equal(balloon_set(BALLOON_AUTO, 0), -PV_ENODEV);
	(void)state;
}

/* The floor holds against everybody. */
static void
lend_floor(void **state)
{
	unsigned int n = 0, npg;
	void *va[8];

	begin(PV_BALLOON_HARD | PV_BALLOON_LENDS, "no");
	nfree = 1024 + 5;
	do
		va[n] = balloon_get(&fake, PV_BALLOON_FILL, &npg);
	while (va[n] != NULL && ++n < 8);
	assert_int_equal(n, 5);
	while (n > 0)
		balloon_put(&fake, PV_BALLOON_FILL, va[--n], 1);
	assert_int_equal(nfree, 1024 + 5);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(lend_and_take, end),
		cmocka_unit_test_teardown(lend_with_target, end),
		cmocka_unit_test_teardown(lend_by_hand, end),
		cmocka_unit_test_teardown(lend_thread, end),
		cmocka_unit_test_teardown(lend_is_not_for_all, end),
		cmocka_unit_test_teardown(lend_floor, end)
	};

	shim_reset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
