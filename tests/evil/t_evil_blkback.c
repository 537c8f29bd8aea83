/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_evil_blkback.c -- front ends that lie to blkback, and some that are only
 * odd: 32 bits, several queues, barriers, pages that stay granted.
 *
 * The front end is the test itself, in domain 1, with its own hands.
 */

#include <stdio.h>

#include <pv/types.h>

#include <xen/io/blkif.h>

#include "gnttab.h"
#include "loop/back.h"
#include "shm.h"

#define NSECT	4096
#define NDATA	4
#define NAME	"vbd/1/51712"

struct puppet {
	struct loop	*pu_l;
	uint8_t		*pu_ring[2], *pu_data, *pu_ind;
	gref_t		 pu_ringref[2], pu_ref[NDATA], pu_ro, pu_indref;
	struct evtchn_handler pu_eh[2];
	unsigned int	 pu_nevent;
	uint32_t	 pu_prod[2], pu_cons[2];
	bool		 pu_32;
};

static struct back b;
static struct puppet pu;

struct ask {
	uint8_t		 op, iop;
	unsigned int	 nseg;
	uint64_t	 id, sect, nsect;
	uint32_t	 iref;
	struct blkif_request_segment seg[11];
};

/* A segment of a page, all of it. */
static struct blkif_request_segment
pu_seg(unsigned int n)
{
	struct blkif_request_segment seg = {
		.gref = gref_x(pu.pu_ref[n % NDATA]), .last_sect = 7
	};

	return seg;
}

/* ---- the puppet -------------------------------------------------------- */

static enum evtchn_result
pu_intr(void *arg)
{
	pu.pu_nevent++;
	return EVTCHN_DONE;
}

static void
pu_key(const char *key, const char *val)
{
	char path[96];

	back_front(&b, path, sizeof(path), 0, key);
	sim_store_write(b.bk_front->l_sim, path, "%s", val);
}

static void
pu_num(const char *key, uint32_t v)
{
	char val[16];

	snprintf(val, sizeof(val), "%u", v);
	pu_key(key, val);
}

static gref_t
pu_grant(struct loop *l, void *page, bool readonly)
{
	gref_t ref;

	assert_int_equal(gnttab_reserve(&l->l_xen, &ref), 0);
	gnttab_grant(&l->l_xen, ref, 2, pv_os_gfn(page), readonly);
	return ref;
}

static void
pu_open(struct loop *l)
{
	unsigned int i;

	memset(&pu, 0, sizeof(pu));
	back_open(&b, l, NSECT);
	b.bk_hidden = true;
	pu.pu_l = l;
	pu.pu_data = loop_pages(NDATA);
	pu.pu_ind = loop_pages(1);
	for (i = 0; i < 2; i++) {
		pu.pu_ring[i] = loop_pages(1);
		pu.pu_ringref[i] = pu_grant(l, pu.pu_ring[i], false);
		assert_int_equal(evtchn_alloc(&l->l_xen, NULL, 2,
		    &pu.pu_eh[i], pu_intr, NULL), 0);
	}
	for (i = 0; i < NDATA; i++)
		pu.pu_ref[i] = pu_grant(l, pu.pu_data + i * 4096, false);
	pu.pu_ro = pu_grant(l, pu.pu_data, true);
	pu.pu_indref = pu_grant(l, pu.pu_ind, true);
}

static void
pu_fresh(unsigned int q)
{
	volatile uint32_t *ring = (volatile uint32_t *)(void *)pu.pu_ring[q];

	pu.pu_prod[q] = pu.pu_cons[q] = 0;
	shm_zero(pu.pu_ring[q], 4096);
	shm_write32(&ring[1], 1);
	shm_write32(&ring[3], 1);
}

/* Keys for one queue at the top. */
static void
pu_keys(void)
{
	pu_num("ring-ref", gref_x(pu.pu_ringref[0]));
	pu_num("event-channel", evport_x(pu.pu_eh[0].eh_port));
	pu_key("protocol", pu.pu_32 ? "x86_32-abi" : "x86_64-abi");
}

static bool
pu_invited(void *arg)
{
	const char *state = back_key(&b, 0, "state");

	return state != NULL && strcmp(state, arg) == 0;
}

static bool
pu_wait_state(const char *state)
{
	return sim_until(pu.pu_l->l_sim, pu_invited, (void *)(uintptr_t)state,
	    60 * SIM_S);
}

static void
pu_connect(struct loop *l)
{
	back_plug(&b, 0, "w");
	assert_true(pu_wait_state("2"));
	pu_fresh(0);
	pu_keys();
	pu_num("state", 4);
	assert_true(pu_wait_state("4"));
	assert_true(loop_wait_state(l, NAME, "connected"));
}

static void
pu_close(struct loop *l)
{
	unsigned int i;

	if (back_key(&b, 0, "state") != NULL) {
		back_unplug(&b, 0);
		pu_num("state", 6);
		assert_true(back_unplugged(&b, 0));
	}
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(b.bk_store[0].st_nclose, b.bk_store[0].st_nopen);
	back_close(&b);
	assert_int_equal(sim_dom_nmapped(l->l_dom), 0);
	for (i = 0; i < 2; i++) {
		evtchn_close(&pu.pu_eh[i]);
		assert_int_equal(gnttab_revoke(&l->l_xen, pu.pu_ringref[i]),
		    0);
		gnttab_unreserve(&l->l_xen, pu.pu_ringref[i]);
		loop_pages_free(pu.pu_ring[i], 1);
	}
	for (i = 0; i < NDATA; i++) {
		assert_int_equal(gnttab_revoke(&l->l_xen, pu.pu_ref[i]), 0);
		gnttab_unreserve(&l->l_xen, pu.pu_ref[i]);
	}
	assert_int_equal(gnttab_revoke(&l->l_xen, pu.pu_ro), 0);
	gnttab_unreserve(&l->l_xen, pu.pu_ro);
	assert_int_equal(gnttab_revoke(&l->l_xen, pu.pu_indref), 0);
	gnttab_unreserve(&l->l_xen, pu.pu_indref);
	loop_pages_free(pu.pu_data, NDATA);
	loop_pages_free(pu.pu_ind, 1);
}

static void
pu_put(unsigned int q, const struct ask *ak)
{
	unsigned int len = pu.pu_32 ? 108 : 112, id = pu.pu_32 ? 4 : 8;
	unsigned int sect = pu.pu_32 ? 12 : 16, rest = pu.pu_32 ? 20 : 24;
	uint16_t nseg = (uint16_t)ak->nseg;
	uint8_t raw[112] = { ak->op, (uint8_t)ak->nseg };

	memcpy(raw + id, &ak->id, 8);
	memcpy(raw + sect, &ak->sect, 8);
	if (ak->op == BLKIF_OP_INDIRECT) {
		raw[1] = ak->iop;
		memcpy(raw + 2, &nseg, 2);
		memcpy(raw + rest + 4, &ak->iref, 4);
	} else if (ak->op == BLKIF_OP_DISCARD) {
		memcpy(raw + rest, &ak->nsect, 8);
	} else {
		memcpy(raw + rest, ak->seg, sizeof(ak->seg));
	}
	shm_copy_out(pu.pu_ring[q] + 64 + (pu.pu_prod[q]++ & 31) * len, raw,
	    len);
}

static void
pu_push(unsigned int q)
{
	shm_store_release32((volatile uint32_t *)(void *)pu.pu_ring[q],
	    pu.pu_prod[q]);
	evtchn_notify(&pu.pu_eh[q]);
}

static bool
pu_answered(void *arg)
{
	unsigned int q = *(unsigned int *)arg;

	return shm_read32((volatile uint32_t *)(void *)(pu.pu_ring[q] + 8)) ==
	    pu.pu_prod[q];
}

/* Wait for the answers to all, return the status of the last. */
static int
pu_wait_on(unsigned int q)
{
	unsigned int len = pu.pu_32 ? 108 : 112;
	uint8_t raw[12];
	int16_t status;

	if (!sim_until(pu.pu_l->l_sim, pu_answered, &q, 30 * SIM_S))
		return LOOP_NEVER;
	shm_copy_in(raw, pu.pu_ring[q] + 64 + ((pu.pu_prod[q] - 1) & 31) * len,
	    sizeof(raw));
	memcpy(&status, raw + 10, 2);
	return status;
}

static int
pu_ask(const struct ask *ak)
{
	pu_put(0, ak);
	pu_push(0);
	return pu_wait_on(0);
}

static struct ask
pu_io(uint8_t op, uint64_t sect, unsigned int nseg)
{
	struct ask ak = { .op = op, .nseg = nseg, .id = 7, .sect = sect };
	unsigned int i;

	for (i = 0; i < nseg && i < 11; i++)
		ak.seg[i] = pu_seg(i);
	return ak;
}

/* What an honest front end does still works. */
static void
pu_works(void)
{
	struct ask w = pu_io(BLKIF_OP_WRITE, 64, 2);
	uint8_t want[8192];

	loop_fill(want, sizeof(want), 17);
	shm_copy_out(pu.pu_data, want, sizeof(want));
	assert_int_equal(pu_ask(&w), BLKIF_RSP_OKAY);
	assert_memory_equal(b.bk_store[0].st_data + 64 * 512, want,
	    sizeof(want));
}

/* The connection is at an end; an honest one comes after it. */
static void
pu_broken(struct loop *l)
{
	assert_true(loop_wait_state(l, NAME, "broken"));
	assert_int_equal(sim_nlog(PV_LOG_ERR), 1);
	assert_int_equal(sim_dom_nmapped(l->l_dom), 0);
	assert_true(pu_wait_state("6"));
	pu_num("state", 6);
	sim_run(l->l_sim, SIM_S);
	pu_num("state", 1);
	assert_true(pu_wait_state("2"));
	pu_fresh(0);
	pu_keys();
	pu_num("state", 4);
	assert_true(pu_wait_state("4"));
	pu_works();
}

/* ---- lies -------------------------------------------------------------- */

LOOP_TEST(evil_prod_jump)
{
	pu_open(l);
	pu_connect(l);
	pu.pu_prod[0] = 33;
	pu_push(0);
	pu_broken(l);
	pu_close(l);
}

LOOP_TEST(evil_prod_back)
{
	pu_open(l);
	pu_connect(l);
	pu_works();
	pu.pu_prod[0] -= 1;
	pu_push(0);
	pu_broken(l);
	pu_close(l);
}

LOOP_TEST(evil_nsegs_huge)
{
	struct ask ak;

	pu_open(l);
	pu_connect(l);
	ak = pu_io(BLKIF_OP_WRITE, 0, 12);
	pu_put(0, &ak);
	pu_push(0);
	pu_broken(l);
	pu_close(l);
}

LOOP_TEST(evil_indirect_huge)
{
	struct ask ak = { .op = BLKIF_OP_INDIRECT, .iop = BLKIF_OP_READ };

	pu_open(l);
	pu_connect(l);
	ak.nseg = 257;
	ak.iref = gref_x(pu.pu_indref);
	pu_put(0, &ak);
	pu_push(0);
	pu_broken(l);
	pu_close(l);
}

static void
evil_segment(struct loop *l, unsigned int first, unsigned int last)
{
	struct ask ak;

	pu_open(l);
	pu_connect(l);
	ak = pu_io(BLKIF_OP_READ, 0, 2);
	ak.seg[1].first_sect = (uint8_t)first;
	ak.seg[1].last_sect = (uint8_t)last;
	pu_put(0, &ak);
	pu_push(0);
	pu_broken(l);
	pu_close(l);
}

LOOP_TEST(evil_sect_backward)
{
	evil_segment(l, 5, 4);
}

LOOP_TEST(evil_sect_outside)
{
	evil_segment(l, 0, 8);
}

/* The same in the page of an indirect request. */
LOOP_TEST(evil_indirect_backward)
{
	struct ask ak = { .op = BLKIF_OP_INDIRECT, .iop = BLKIF_OP_READ };
	struct blkif_request_segment seg[20];
	unsigned int i;

	pu_open(l);
	pu_connect(l);
	for (i = 0; i < 20; i++) {
		seg[i].gref = gref_x(pu.pu_ref[i % NDATA]);
		seg[i].first_sect = i == 13 ? 6 : 0;
		seg[i].last_sect = i == 13 ? 5 : 7;
	}
	memcpy(pu.pu_ind, seg, sizeof(seg));
	ak.nseg = 20;
	ak.iref = gref_x(pu.pu_indref);
	pu_put(0, &ak);
	pu_push(0);
	pu_broken(l);
	pu_close(l);
}

/* What it did not grant, or not for writing, fails that request alone. */
LOOP_TEST(evil_gref_bad)
{
	struct ask ak;

	pu_open(l);
	pu_connect(l);
	ak = pu_io(BLKIF_OP_WRITE, 0, 3);
	ak.seg[2].gref = 1u << 20;
	assert_int_equal(pu_ask(&ak), BLKIF_RSP_ERROR);
	ak = pu_io(BLKIF_OP_READ, 0, 1);
	ak.seg[0].gref = gref_x(pu.pu_ro);
	assert_int_equal(pu_ask(&ak), BLKIF_RSP_ERROR);
	ak = (struct ask){ .op = BLKIF_OP_INDIRECT, .iop = BLKIF_OP_READ };
	ak.nseg = 20;
	ak.iref = 1u << 20;
	assert_int_equal(pu_ask(&ak), BLKIF_RSP_ERROR);
	assert_int_equal(b.bk_store[0].st_guest->bg_ngrant, 3);
	/* A page that can only be read is all that a write needs. */
	ak = pu_io(BLKIF_OP_WRITE, 0, 1);
	ak.seg[0].gref = gref_x(pu.pu_ro);
	assert_int_equal(pu_ask(&ak), BLKIF_RSP_OKAY);
	pu_works();
	assert_int_equal(sim_nlog(PV_LOG_ERR), 0);
	pu_close(l);
}

/* Requests that make no sense, but harm nobody. */
LOOP_TEST(evil_senseless)
{
	struct ask ak;

	pu_open(l);
	b.bk_store[0].st_blk.bk_bsize = 4096;
	pu_connect(l);
	ak = pu_io(BLKIF_OP_READ, NSECT - 8, 2);	/* over the end */
	assert_int_equal(pu_ask(&ak), BLKIF_RSP_ERROR);
	ak = pu_io(BLKIF_OP_READ, UINT64_MAX - 7, 1);
	assert_int_equal(pu_ask(&ak), BLKIF_RSP_ERROR);
	ak = pu_io(BLKIF_OP_READ, 4, 1);		/* no block's begin */
	assert_int_equal(pu_ask(&ak), BLKIF_RSP_ERROR);
	ak = pu_io(BLKIF_OP_READ, 0, 1);
	ak.seg[0].last_sect = 3;			/* half a block */
	assert_int_equal(pu_ask(&ak), BLKIF_RSP_ERROR);
	ak = pu_io(BLKIF_OP_READ, 0, 0);
	assert_int_equal(pu_ask(&ak), BLKIF_RSP_ERROR);
	ak = pu_io(BLKIF_OP_FLUSH_DISKCACHE, 0, 1);
	assert_int_equal(pu_ask(&ak), BLKIF_RSP_ERROR);
	ak = pu_io(99, 0, 1);
	assert_int_equal(pu_ask(&ak), BLKIF_RSP_EOPNOTSUPP);
	ak = (struct ask){ .op = BLKIF_OP_INDIRECT, .iop = BLKIF_OP_INDIRECT };
	ak.nseg = 12;
	assert_int_equal(pu_ask(&ak), BLKIF_RSP_EOPNOTSUPP);
	ak = (struct ask){ .op = BLKIF_OP_DISCARD, .sect = 16 };
	ak.nsect = UINT64_MAX - 15;
	assert_int_equal(pu_ask(&ak), BLKIF_RSP_ERROR);
	assert_int_equal(b.bk_store[0].st_nop, 0);
	pu_works();
	pu_close(l);
}

/* Written over once it was taken: what was taken counts. */
LOOP_TEST(evil_changed_after_read)
{
	struct ask ak = { .op = BLKIF_OP_INDIRECT, .iop = BLKIF_OP_READ };
	struct blkif_request_segment seg[12];
	uint8_t got[4096];
	unsigned int i;

	pu_open(l);
	pu_connect(l);
	loop_fill(b.bk_store[0].st_data, 12 * 4096, 4);
	for (i = 0; i < 12; i++)
		seg[i] = pu_seg(i);
	memcpy(pu.pu_ind, seg, sizeof(seg));
	ak.nseg = 12;
	ak.iref = gref_x(pu.pu_indref);
	b.bk_store[0].st_hold = true;
	pu_put(0, &ak);
	pu_push(0);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(b.bk_store[0].st_nheld, 1);
	memset(pu.pu_ind, 0xff, 4096);
	for (i = 64; i < 4096; i++)
		shm_write8(pu.pu_ring[0] + i, 0xff);
	back_let_go(&b.bk_store[0]);
	assert_int_equal(pu_wait_on(0), BLKIF_RSP_OKAY);
	shm_copy_in(got, pu.pu_data + 3 * 4096, sizeof(got));
	assert_memory_equal(got, b.bk_store[0].st_data + 11 * 4096,
	    sizeof(got));
	pu_close(l);
}

LOOP_TEST(evil_grant_eagain)
{
	struct ask ak;

	pu_open(l);
	pu_connect(l);
	ak = pu_io(BLKIF_OP_WRITE, 0, 4);
	sim_evil(l->l_sim, SIM_EVIL_GRANT_EAGAIN, 2);
	pu_put(0, &ak);
	pu_push(0);
	sim_run(l->l_sim, 20 * SIM_MS);
	sim_honest(l->l_sim, SIM_EVIL_GRANT_EAGAIN);
	assert_int_equal(pu_wait_on(0), BLKIF_RSP_OKAY);
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_GRANT_EAGAIN) > 0);
	/* For good: an error, in the end. */
	sim_evil(l->l_sim, SIM_EVIL_GRANT_EAGAIN, 0);
	assert_int_equal(pu_ask(&ak), BLKIF_RSP_ERROR);
	sim_honest(l->l_sim, SIM_EVIL_GRANT_EAGAIN);
	pu_works();
	pu_close(l);
}

/* Taken away while a grant is waited for. */
LOOP_TEST(evil_eagain_unplug)
{
	struct ask ak;

	pu_open(l);
	pu_connect(l);
	ak = pu_io(BLKIF_OP_WRITE, 0, 4);
	sim_evil(l->l_sim, SIM_EVIL_GRANT_EAGAIN, 0);
	pu_put(0, &ak);
	pu_push(0);
	sim_run(l->l_sim, 20 * SIM_MS);
	sim_honest(l->l_sim, SIM_EVIL_GRANT_EAGAIN);
	pu_close(l);
}

/* Events without requests cost a bounded amount of work. */
LOOP_TEST(evil_event_storm)
{
	struct pv_dev_info di;
	unsigned int i;

	pu_open(l);
	pu_connect(l);
	for (i = 0; i < 2000; i++) {
		evtchn_notify(&pu.pu_eh[0]);
		if (i % 100 == 0)
			sim_run(l->l_sim, 10000);
	}
	pu_works();
	di = loop_info(l, NAME);
	assert_true(di.di_nspurious > 0);
	assert_string_equal(di.di_state, "connected");
	pu_close(l);
}

/* ---- lies in the store ------------------------------------------------- */

static void
evil_keys(struct loop *l, const char *key, const char *val)
{
	pu_open(l);
	back_plug(&b, 0, "w");
	assert_true(pu_wait_state("2"));
	pu_fresh(0);
	pu_keys();
	pu_key(key, val);
	pu_num("state", 4);
	assert_true(loop_wait_state(l, NAME, "broken"));
	assert_int_equal(sim_dom_nmapped(l->l_dom), 0);
	assert_true(pu_wait_state("6"));
	pu_close(l);
}

LOOP_TEST(evil_ring_ref_wild)
{
	evil_keys(l, "ring-ref", "4000000000");
}

LOOP_TEST(evil_ring_ref_word)
{
	evil_keys(l, "ring-ref", "one");
}

LOOP_TEST(evil_port_wild)
{
	evil_keys(l, "event-channel", "4000000");
}

LOOP_TEST(evil_order_huge)
{
	evil_keys(l, "ring-page-order", "63");
}

LOOP_TEST(evil_pages_odd)
{
	evil_keys(l, "num-ring-pages", "3");
}

LOOP_TEST(evil_pages_missing)
{
	evil_keys(l, "num-ring-pages", "16");
}

LOOP_TEST(evil_protocol)
{
	evil_keys(l, "protocol", "x86_128-abi%s%n");
}

LOOP_TEST(evil_queues)
{
	evil_keys(l, "multi-queue-num-queues", "4096");
}

/* States that do not exist, and a front end that forgets its other end. */
LOOP_TEST(evil_states)
{
	pu_open(l);
	pu_connect(l);
	pu_key("state", "42");
	sim_run(l->l_sim, SIM_S);
	pu_key("state", "Connected");
	sim_run(l->l_sim, SIM_S);
	assert_string_equal(loop_state(l, NAME), "connected");
	pu_num("state", 4);
	sim_run(l->l_sim, SIM_S);
	pu_works();
	/* A new kernel in the guest. */
	pu_num("state", 1);
	assert_true(pu_wait_state("2"));
	pu_fresh(0);
	pu_num("state", 3);
	assert_true(pu_wait_state("4"));
	pu_num("state", 4);
	pu_works();
	assert_true(loop_wait_state(l, NAME, "connected"));
	/* It closes, and comes again. */
	pu_num("state", 5);
	assert_true(pu_wait_state("6"));
	pu_num("state", 6);
	sim_run(l->l_sim, SIM_S);
	pu_num("state", 1);
	assert_true(pu_wait_state("2"));
	pu_close(l);
}

/* ---- not lies ---------------------------------------------------------- */

LOOP_TEST(odd_32_bits)
{
	struct ask ak;

	pu_open(l);
	pu.pu_32 = true;
	pu_connect(l);
	pu_works();
	ak = (struct ask){ .op = BLKIF_OP_DISCARD, .sect = 64, .nsect = 8 };
	assert_int_equal(pu_ask(&ak), BLKIF_RSP_OKAY);
	assert_int_equal(b.bk_store[0].st_data[64 * 512], 0xdd);
	assert_int_not_equal(b.bk_store[0].st_data[72 * 512], 0xdd);
	assert_string_equal(b.bk_store[0].st_guest->bg_abi, "x86_32-abi");
	pu_close(l);
}

LOOP_TEST(odd_two_queues)
{
	struct ask ak;
	unsigned int q;

	pu_open(l);
	back_plug(&b, 0, "w");
	assert_true(pu_wait_state("2"));
	assert_string_equal(back_key(&b, 0, "multi-queue-max-queues"), "4");
	pu_num("multi-queue-num-queues", 2);
	pu_key("protocol", "x86_64-abi");
	for (q = 0; q < 2; q++) {
		pu_fresh(q);
		pu_num(q == 0 ? "queue-0/ring-ref" : "queue-1/ring-ref",
		    gref_x(pu.pu_ringref[q]));
		pu_num(q == 0 ? "queue-0/event-channel" :
		    "queue-1/event-channel", evport_x(pu.pu_eh[q].eh_port));
	}
	pu_num("state", 4);
	assert_true(pu_wait_state("4"));
	for (q = 0; q < 2; q++) {
		ak = pu_io(BLKIF_OP_WRITE, q * 8, 1);
		pu_put(q, &ak);
		pu_push(q);
		assert_int_equal(pu_wait_on(q), BLKIF_RSP_OKAY);
	}
	assert_int_equal(b.bk_store[0].st_guest->bg_nqueue, 2);
	pu_close(l);
}

/* Everything before it first, everything after it later. */
LOOP_TEST(odd_barrier)
{
	struct ask ak;

	pu_open(l);
	pu_connect(l);
	b.bk_store[0].st_hold = true;
	ak = pu_io(BLKIF_OP_WRITE, 0, 1);
	pu_put(0, &ak);
	ak = pu_io(BLKIF_OP_WRITE_BARRIER, 8, 1);
	pu_put(0, &ak);
	ak = pu_io(BLKIF_OP_READ, 16, 1);
	pu_put(0, &ak);
	ak = pu_io(BLKIF_OP_WRITE_BARRIER, 0, 0);
	pu_put(0, &ak);
	pu_push(0);
	sim_run(l->l_sim, SIM_S);
	assert_int_equal(b.bk_store[0].st_nop, 1);
	back_let_go(&b.bk_store[0]);
	assert_int_equal(pu_wait_on(0), BLKIF_RSP_OKAY);
	assert_memory_equal(b.bk_store[0].st_ops, "wfwfrf", 6);
	assert_int_equal(b.bk_store[0].st_nop, 6);
	pu_works();
	pu_close(l);
}

/* Pages that stay granted stay mapped; others are copied all the same. */
LOOP_TEST(odd_persistent)
{
	const struct pv_blk_guest *bg;
	struct ask ak;
	uint8_t got[4096];

	pu_open(l);
	back_plug(&b, 0, "w");
	assert_true(pu_wait_state("2"));
	assert_string_equal(back_key(&b, 0, "feature-persistent"), "1");
	pu_fresh(0);
	pu_keys();
	pu_num("feature-persistent", 1);
	pu_num("state", 4);
	assert_true(pu_wait_state("4"));
	bg = b.bk_store[0].st_guest;
	pu_works();
	pu_works();
	assert_int_equal(bg->bg_nmap, 2);
	assert_int_equal(bg->bg_nmapped, 4);
	assert_int_equal(bg->bg_ncopy, 0);
	ak = pu_io(BLKIF_OP_READ, 64, 1);
	ak.seg[0].gref = gref_x(pu.pu_ref[3]);
	assert_int_equal(pu_ask(&ak), BLKIF_RSP_OKAY);
	shm_copy_in(got, pu.pu_data + 3 * 4096, sizeof(got));
	assert_memory_equal(got, b.bk_store[0].st_data + 64 * 512, 4096);
	/* Only for reading: not a persistent one, but a grant. */
	ak = pu_io(BLKIF_OP_WRITE, 0, 1);
	ak.seg[0].gref = gref_x(pu.pu_ro);
	assert_int_equal(pu_ask(&ak), BLKIF_RSP_OKAY);
	assert_int_equal(bg->bg_ncopy, 1);
	assert_int_equal(bg->bg_nmap, 3);
	ak.seg[0].gref = 1u << 20;
	assert_int_equal(pu_ask(&ak), BLKIF_RSP_ERROR);
	pu_close(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evil_prod_jump),
		cmocka_unit_test(evil_prod_back),
		cmocka_unit_test(evil_nsegs_huge),
		cmocka_unit_test(evil_indirect_huge),
		cmocka_unit_test(evil_sect_backward),
		cmocka_unit_test(evil_sect_outside),
		cmocka_unit_test(evil_indirect_backward),
		cmocka_unit_test(evil_gref_bad),
		cmocka_unit_test(evil_senseless),
		cmocka_unit_test(evil_changed_after_read),
		cmocka_unit_test(evil_grant_eagain),
		cmocka_unit_test(evil_eagain_unplug),
		cmocka_unit_test(evil_event_storm),
		cmocka_unit_test(evil_ring_ref_wild),
		cmocka_unit_test(evil_ring_ref_word),
		cmocka_unit_test(evil_port_wild),
		cmocka_unit_test(evil_order_huge),
		cmocka_unit_test(evil_pages_odd),
		cmocka_unit_test(evil_pages_missing),
		cmocka_unit_test(evil_protocol),
		cmocka_unit_test(evil_queues),
		cmocka_unit_test(evil_states),
		cmocka_unit_test(odd_32_bits),
		cmocka_unit_test(odd_two_queues),
		cmocka_unit_test(odd_barrier),
		cmocka_unit_test(odd_persistent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
