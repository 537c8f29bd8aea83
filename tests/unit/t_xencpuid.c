/* SPDX-License-Identifier: BSD-2-Clause */
/* t_xencpuid.c -- lib/xencpuid.c: leaves as hypervisors have them, and lies. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xencpuid.h"

#define XEN(last) { last, 0x566e6558, 0x65584d4d, 0x4d4d566e }
#define VIRIDIAN { 0x40000006, 0x7263694d, 0x666f736f, 0x76482074 }

static struct {
	uint32_t	 leaf;
	struct xencpuid_leaf xl;
} leaves[16];
static unsigned int nleaves;
static uint32_t highest;		/* leaf that was asked for */
static bool wild;			/* what is not set is anything */

static void
set(uint32_t leaf, struct xencpuid_leaf xl)
{
	leaves[nleaves].leaf = leaf;
	leaves[nleaves++].xl = xl;
}

static struct xencpuid_leaf
fake(uint32_t leaf)
{
	struct xencpuid_leaf xl = { 0 };
	unsigned int i;

	if (leaf > highest)
		highest = leaf;
	for (i = 0; i < nleaves; i++)
		if (leaves[i].leaf == leaf)
			return leaves[i].xl;
	if (wild)
		xl = (struct xencpuid_leaf){ (uint32_t)rand(),
		    (uint32_t)rand(), (uint32_t)rand(), (uint32_t)rand() };
	return xl;
}

static int
setup(void **state)
{
	(void)state;
	nleaves = 0;
	highest = 0;
	wild = false;
	return 0;
}

static void
nobody(void **state)
{
	struct xencpuid xc;

	(void)state;
	assert_int_equal(xencpuid_find(fake, &xc), -PV_ENODEV);
	set(0x40000000, (struct xencpuid_leaf)VIRIDIAN);
	assert_int_equal(xencpuid_find(fake, &xc), -PV_ENODEV);
	assert_int_equal(xc.xc_flags, 0);
}

static void
plain(void **state)
{
	struct xencpuid xc;

	(void)state;
	set(0x40000000, (struct xencpuid_leaf)XEN(0x40000005));
	set(0x40000001, (struct xencpuid_leaf){ 4 << 16 | 17, 0, 0, 0 });
	set(0x40000004, (struct xencpuid_leaf){ 0x78, 3, 7, 0 });
	assert_int_equal(xencpuid_find(fake, &xc), 0);
	assert_int_equal(xc.xc_base, 0x40000000);
	assert_int_equal(xc.xc_last, 0x40000005);
	assert_int_equal(xc.xc_version, 0x40011);
	assert_int_equal(xc.xc_flags, XENCPUID_UPCALL_VECTOR | XENCPUID_VCPU |
	    XENCPUID_DOMID);
	assert_int_equal(xc.xc_vcpu, 3);
	assert_int_equal(xc.xc_domid, 7);
}

/* Behind Viridian's leaves, at every base there can be. */
static void
bases(void **state)
{
	struct xencpuid xc;
	uint32_t base;

	for (base = 0x40000100; base < 0x40010000; base += 0x100) {
		(void)setup(state);
		set(0x40000000, (struct xencpuid_leaf)VIRIDIAN);
		set(base, (struct xencpuid_leaf)XEN(base + 4));
		set(base + 4, (struct xencpuid_leaf){ 0x40, 0, 0, 0 });
		assert_int_equal(xencpuid_find(fake, &xc), 0);
		assert_int_equal(xc.xc_base, base);
		assert_int_equal(xc.xc_flags, XENCPUID_UPCALL_VECTOR);
	}
	(void)setup(state);
	set(0x40010000, (struct xencpuid_leaf)XEN(0x40010005));
	assert_int_equal(xencpuid_find(fake, &xc), -PV_ENODEV);
}

/* The leaf of HVM guests is not read when the highest is below it. */
static void
short_list(void **state)
{
	struct xencpuid xc;

	(void)state;
	set(0x40000000, (struct xencpuid_leaf)XEN(0x40000003));
	set(0x40000004, (struct xencpuid_leaf){ UINT32_MAX, 1, 2, 3 });
	assert_int_equal(xencpuid_find(fake, &xc), 0);
	assert_int_equal(xc.xc_flags, 0);
	assert_int_equal(xc.xc_last, 0x40000003);
}

/* A highest leaf that makes no sense: that base is not Xen's. */
static void
last_is_a_lie(void **state)
{
	static const uint32_t lies[] = { 0, 1, 5, 0x3fffffff, 0x40000000,
	    0x40000001 };
	struct xencpuid xc;
	unsigned int i;

	for (i = 0; i < PV_NELEM(lies); i++) {
		(void)setup(state);
		set(0x40000000, (struct xencpuid_leaf)XEN(lies[i]));
		assert_int_equal(xencpuid_find(fake, &xc), -PV_ENODEV);
		/* Another base may be right. */
		set(0x40000100, (struct xencpuid_leaf)XEN(0x40000105));
		assert_int_equal(xencpuid_find(fake, &xc), 0);
		assert_int_equal(xc.xc_base, 0x40000100);
	}
}

/* Too high: no leaf of the next base is Xen's. */
static void
last_is_huge(void **state)
{
	static const uint32_t lies[] = { 0x40000100, 0x50000000, UINT32_MAX };
	struct xencpuid xc;
	unsigned int i;

	for (i = 0; i < PV_NELEM(lies); i++) {
		(void)setup(state);
		set(0x40000000, (struct xencpuid_leaf)XEN(lies[i]));
		assert_int_equal(xencpuid_find(fake, &xc), 0);
		assert_int_equal(xc.xc_last, 0x400000ff);
		assert_true(highest <= 0x400000ff);
	}
}

/* The leaves begin at multiples of 0x100; a signature elsewhere is nobody's. */
static void
odd_base(void **state)
{
	static const uint32_t odd[] = { 0x40000001, 0x40000010, 0x40000080,
	    0x400000ff, 0x40000101, 0x3fffff00, 0x80000000, 0 };
	struct xencpuid xc;
	unsigned int i;

	for (i = 0; i < PV_NELEM(odd); i++) {
		(void)setup(state);
		set(odd[i], (struct xencpuid_leaf)XEN(odd[i] + 5));
		assert_int_equal(xencpuid_find(fake, &xc), -PV_ENODEV);
	}
}

/* Numbers are only told, with whatever flags; nobody takes an index of one. */
static void
hvm_leaf_is_a_lie(void **state)
{
	static const uint32_t lies[] = { 64, 127, 0x7fff, UINT32_MAX };
	struct xencpuid xc;
	unsigned int i;

	for (i = 0; i < PV_NELEM(lies); i++) {
		(void)setup(state);
		set(0x40000000, (struct xencpuid_leaf)XEN(0x40000005));
		set(0x40000004, (struct xencpuid_leaf){ UINT32_MAX, lies[i],
		    lies[i], lies[i] });
		assert_int_equal(xencpuid_find(fake, &xc), 0);
		assert_int_equal(xc.xc_vcpu, lies[i]);
		assert_int_equal(xc.xc_flags, XENCPUID_UPCALL_VECTOR |
		    XENCPUID_VCPU | XENCPUID_DOMID);
		/* Without their flags they are not told. */
		leaves[1].xl.xl_a = 0;
		assert_int_equal(xencpuid_find(fake, &xc), 0);
		assert_int_equal(xc.xc_flags, 0);
		assert_int_equal(xc.xc_vcpu, 0);
	}
}

/* Two bases with the signature: the first that makes sense is taken. */
static void
two_bases(void **state)
{
	struct xencpuid xc;

	set(0x40000000, (struct xencpuid_leaf)XEN(0x40000003));
	set(0x40000100, (struct xencpuid_leaf)XEN(0x40000105));
	assert_int_equal(xencpuid_find(fake, &xc), 0);
	assert_int_equal(xc.xc_base, 0x40000000);
	assert_true(highest <= 0x400000ff);
}

static void
almost_signed(void **state)
{
	struct xencpuid_leaf xl = XEN(0x40000005);
	struct xencpuid xc;
	unsigned int i;

	for (i = 0; i < 12; i++) {
		struct xencpuid_leaf bad = xl;

		((uint8_t *)&bad.xl_b)[i] ^= 1;
		(void)setup(state);
		set(0x40000000, bad);
		assert_int_equal(xencpuid_find(fake, &xc), -PV_ENODEV);
	}
}

static void
garbage(void **state)
{
	struct xencpuid xc;
	unsigned int seed;

	for (seed = 0; seed < 200; seed++) {
		(void)setup(state);
		srand(seed);
		wild = true;
		if (seed & 1)
			set(0x40000000, (struct xencpuid_leaf)XEN(
			    (uint32_t)rand() * 2));
		if (xencpuid_find(fake, &xc) == 0) {
			assert_true(xc.xc_last >= xc.xc_base + 2);
			assert_true(xc.xc_last < xc.xc_base + 0x100);
		}
		assert_true(highest < 0x40010000);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nobody, setup),
		cmocka_unit_test_setup(plain, setup),
		cmocka_unit_test_setup(bases, setup),
		cmocka_unit_test_setup(short_list, setup),
		cmocka_unit_test_setup(last_is_a_lie, setup),
		cmocka_unit_test_setup(last_is_huge, setup),
		cmocka_unit_test_setup(odd_base, setup),
		cmocka_unit_test_setup(hvm_leaf_is_a_lie, setup),
		cmocka_unit_test_setup(two_bases, setup),
		cmocka_unit_test_setup(almost_signed, setup),
		cmocka_unit_test_setup(garbage, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
