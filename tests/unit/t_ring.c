/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_ring.c -- our halves of a ring against each other and against the macros
 * of Xen's own ring.h on the other side.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define xen_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb()	__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb()	__atomic_thread_fence(__ATOMIC_RELEASE)
#include <xen/io/ring.h>

#include "bring.h"
#include "fring.h"

struct req {
	uint64_t	 rq_id;
	uint32_t	 rq_word[7];
};

struct rsp {
	uint64_t	 rs_id;
	int32_t		 rs_status;
};

DEFINE_RING_TYPES(test, struct req, struct rsp);

static uint8_t page[PV_PAGE_SIZE] __attribute__((__aligned__(4096)));

static void
ring_open(struct fring *f, struct bring *b)
{
	memset(page, 0, sizeof(page));
	fring_init(f, page, sizeof(page), sizeof(struct req),
	    sizeof(struct rsp));
	bring_init(b, page, sizeof(page), sizeof(struct req),
	    sizeof(struct rsp));
}

static void
ring_layout(void **state)
{
	struct test_front_ring front;
	struct fring f;
	struct bring b;

	ring_open(&f, &b);
	SHARED_RING_INIT((struct test_sring *)(void *)page);
	FRONT_RING_INIT(&front, (struct test_sring *)(void *)page,
	    PV_PAGE_SIZE);
	assert_int_equal(f.fr_size, front.nr_ents);
	assert_int_equal(b.br_size, front.nr_ents);
	assert_int_equal(sizeof(struct ring_shared), RING_HEADER);
	assert_ptr_equal(fring_entry(&f, 0), RING_GET_REQUEST(&front, 0));
	assert_ptr_equal(fring_entry(&f, 5 + f.fr_size),
	    RING_GET_REQUEST(&front, 5));
	assert_ptr_equal(bring_entry(&b, f.fr_size - 1),
	    RING_GET_RESPONSE(&front, f.fr_size - 1));
	assert_int_equal(ring_entries(PV_PAGE_SIZE, 112), 32);
	assert_int_equal(ring_entries(PV_PAGE_SIZE, 12), 256);
	assert_int_equal(ring_entries(PV_PAGE_SIZE, 8), 256);
	assert_int_equal(ring_entries(2 * PV_PAGE_SIZE, 112), 64);
}

/* Bring both indexes to base without 2^32 requests. */
static void
ring_base(struct fring *f, struct bring *b, uint32_t base)
{
	struct ring_shared *sh = f->fr_shared;

	f->fr_prod = f->fr_pushed = f->fr_cons = base;
	b->br_prod = b->br_pushed = b->br_cons = base;
	sh->req_prod = sh->rsp_prod = base;
	sh->req_event = sh->rsp_event = base + 1;
}

struct walk {
	uint64_t	 put, asked, answered, got;	/* ids so far */
	bool		 back, front;	/* were told to look */
};

static void
ring_front_step(struct fring *f, struct walk *wk, bool more)
{
	struct req rq = { 0, { 0 } };
	struct rsp rs;

	if (more && rand() % 2 && fring_free(f) > 0) {
		rq.rq_id = wk->put++;
		fring_put(f, &rq);
	}
	if (!more || rand() % 3 == 0)
		wk->back |= fring_push(f);
	if (!wk->front || rand() % 2)
		return;
	while (fring_get(f, &rs) == 1)
		assert_true(rs.rs_id == wk->got++);
	wk->front = fring_rearm(f);
}

static void
ring_back_step(struct bring *b, struct walk *wk, bool more)
{
	struct rsp rs = { 0, 0 };
	struct req rq;

	if (wk->answered < wk->asked && rand() % 2) {
		rs.rs_id = wk->answered++;
		bring_put(b, &rs);
	}
	if (!more || rand() % 3 == 0)
		wk->front |= bring_push(b);
	if (!wk->back || rand() % 2)
		return;
	while (bring_get(b, &rq) == 1)
		assert_true(rq.rq_id == wk->asked++);
	wk->back = bring_rearm(b);
}

/*
 * A random walk.  Notifications are believed: a side looks only when the
 * other's push said so, so a lost one leaves requests under way at the end.
 */
static void
ring_walk(struct fring *f, struct bring *b)
{
	struct walk wk = { 0, 0, 0, 0, false, false };
	int step;

	for (step = 0; step < 20000; step++) {
		ring_front_step(f, &wk, step < 15000);
		ring_back_step(b, &wk, step < 15000);
		assert_in_range(fring_free(f), 0, f->fr_size);
	}
	assert_true(wk.put > 5000);
	assert_true(wk.got == wk.put);
}

static void
ring_both_halves(void **state)
{
	static const uint32_t base[] = { 0, 1, 77777, UINT32_MAX - 20 };
	struct fring f;
	struct bring b;
	size_t i;

	srand(1);
	for (i = 0; i < sizeof(base) / sizeof(base[0]); i++) {
		ring_open(&f, &b);
		ring_base(&f, &b, base[i]);
		ring_walk(&f, &b);
	}
}

/* Xen's back-end macros answer our front half. */
static void
ring_front_against_xen(void **state)
{
	struct test_back_ring back;
	struct fring f;
	struct bring b;
	struct req rq = { 0, { 0 } };
	struct rsp rs;
	uint64_t put = 0, asked = 0, got = 0;
	int step, notify, more;
	bool kick;

	ring_open(&f, &b);
	BACK_RING_INIT(&back, (struct test_sring *)(void *)page, PV_PAGE_SIZE);
	for (step = 0; step < 3000; step++) {
		while (fring_free(&f) > 0 && rand() % 4) {
			rq.rq_id = put++;
			fring_put(&f, &rq);
		}
		kick = fring_push(&f);
		RING_FINAL_CHECK_FOR_REQUESTS(&back, more);
		/* All was consumed before: the push must have said so. */
		assert_int_equal(kick, more != 0);
		while (RING_HAS_UNCONSUMED_REQUESTS(&back)) {
			RING_COPY_REQUEST(&back, back.req_cons, &rq);
			back.req_cons++;
			assert_true(rq.rq_id == asked++);
			rs.rs_id = rq.rq_id;
			rs.rs_status = 0;
			*RING_GET_RESPONSE(&back, back.rsp_prod_pvt) = rs;
			back.rsp_prod_pvt++;
		}
		RING_FINAL_CHECK_FOR_REQUESTS(&back, more);
		assert_int_equal(more, 0);
		RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&back, notify);
		assert_int_equal(notify, fring_rearm(&f));
		while (fring_get(&f, &rs) == 1)
			assert_true(rs.rs_id == got++);
		assert_false(fring_rearm(&f));
	}
	assert_true(got == put && put > 1000);
}

/* Our back half answers Xen's front-end macros. */
static void
ring_back_against_xen(void **state)
{
	struct test_front_ring front;
	struct fring f;
	struct bring b;
	struct req rq;
	struct rsp rs = { 0, 0 };
	uint64_t put = 0, got = 0;
	int step, notify, more;

	ring_open(&f, &b);
	SHARED_RING_INIT((struct test_sring *)(void *)page);
	FRONT_RING_INIT(&front, (struct test_sring *)(void *)page,
	    PV_PAGE_SIZE);
	for (step = 0; step < 3000; step++) {
		while (!RING_FULL(&front) && rand() % 4) {
			RING_GET_REQUEST(&front, front.req_prod_pvt)->rq_id =
			    put++;
			front.req_prod_pvt++;
		}
		RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&front, notify);
		assert_int_equal(notify, bring_rearm(&b));
		while (bring_get(&b, &rq) == 1) {
			rs.rs_id = rq.rq_id;
			bring_put(&b, &rs);
		}
		assert_false(bring_rearm(&b));
		RING_FINAL_CHECK_FOR_RESPONSES(&front, more);
		assert_int_equal(more, 0);
		assert_int_equal(bring_push(&b), b.br_prod != front.rsp_cons);
		while (RING_HAS_UNCONSUMED_RESPONSES(&front)) {
			RING_COPY_RESPONSE(&front, front.rsp_cons, &rs);
			front.rsp_cons++;
			assert_true(rs.rs_id == got++);
		}
		RING_FINAL_CHECK_FOR_RESPONSES(&front, more);
		assert_int_equal(more, 0);
	}
	assert_true(got == put && put > 1000);
}

/* A producer index of the peer's that can not be. */
static void
ring_front_lied_to(void **state)
{
	struct req rq = { 0, { 0 } };
	struct fring f;
	struct bring b;
	struct rsp rs;
	uint32_t n;

	ring_open(&f, &b);
	assert_int_equal(fring_get(&f, &rs), 0);
	f.fr_shared->rsp_prod = 1;	/* nothing was asked */
	assert_int_equal(fring_get(&f, &rs), -PV_EPROTO);
	f.fr_shared->rsp_prod = 0;
	for (n = 0; n < 3; n++)
		fring_put(&f, &rq);
	f.fr_shared->rsp_prod = 1;	/* put, not shown */
	assert_int_equal(fring_get(&f, &rs), -PV_EPROTO);
	f.fr_shared->rsp_prod = 0;
	(void)fring_push(&f);
	f.fr_shared->rsp_prod = 4;
	assert_int_equal(fring_get(&f, &rs), -PV_EPROTO);
	f.fr_shared->rsp_prod = 3;
	assert_int_equal(fring_get(&f, &rs), 1);
	f.fr_shared->rsp_prod = 0;	/* back */
	assert_int_equal(fring_get(&f, &rs), -PV_EPROTO);
	f.fr_shared->rsp_prod = 0x80000000u;
	assert_int_equal(fring_get(&f, &rs), -PV_EPROTO);
	assert_int_equal(f.fr_cons, 1);
}

static void
ring_back_lied_to(void **state)
{
	struct rsp rs = { 0, 0 };
	struct fring f;
	struct bring b;
	struct req rq;

	ring_open(&f, &b);
	b.br_shared->req_prod = b.br_size + 1;
	assert_int_equal(bring_get(&b, &rq), -PV_EPROTO);
	b.br_shared->req_prod = UINT32_MAX;
	assert_int_equal(bring_get(&b, &rq), -PV_EPROTO);
	b.br_shared->req_prod = b.br_size;
	while (bring_get(&b, &rq) == 1)
		;
	assert_int_equal(b.br_cons, b.br_size);
	b.br_shared->req_prod = b.br_size + 1;	/* none is answered */
	assert_int_equal(bring_get(&b, &rq), -PV_EPROTO);
	bring_put(&b, &rs);
	assert_int_equal(bring_get(&b, &rq), -PV_EPROTO);
	(void)bring_push(&b);
	assert_int_equal(bring_get(&b, &rq), 1);
	b.br_shared->req_prod = b.br_size - 3;	/* back */
	assert_int_equal(bring_get(&b, &rq), -PV_EPROTO);
}

/* The copies of our own indexes in the page are never read. */
static void
ring_front_keeps_its_own(void **state)
{
	struct req rq = { 0, { 0 } };
	struct fring f;
	struct bring b;
	struct rsp rs = { 0, 0 };

	ring_open(&f, &b);
	fring_put(&f, &rq);
	assert_true(fring_push(&f));
	f.fr_shared->req_prod = 999;
	f.fr_shared->rsp_event = 999;
	assert_int_equal(fring_free(&f), f.fr_size - 1);
	fring_put(&f, &rq);
	(void)fring_push(&f);
	assert_int_equal(f.fr_shared->req_prod, 2);
	shm_copy_out(fring_entry(&f, 0), &rs, sizeof(rs));
	f.fr_shared->rsp_prod = 1;
	assert_int_equal(fring_get(&f, &rs), 1);
	assert_false(fring_rearm(&f));
	assert_int_equal(f.fr_shared->rsp_event, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ring_layout),
		cmocka_unit_test(ring_both_halves),
		cmocka_unit_test(ring_front_against_xen),
		cmocka_unit_test(ring_back_against_xen),
		cmocka_unit_test(ring_front_lied_to),
		cmocka_unit_test(ring_back_lied_to),
		cmocka_unit_test(ring_front_keeps_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
