/* SPDX-License-Identifier: BSD-2-Clause */
/* t_netback_pure.c -- netback's steps without side effects. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "flow.h"
#include "netback.h"

/* ---- addresses --------------------------------------------------------- */

static void
addrs(void **state)
{
	static const struct {
		const char *text;
		int rv;
		unsigned int n;
	} tab[] = {
		{ "", 0, 0 }, { "   ", 0, 0 },
		{ "10.0.0.2", 0, 1 }, { " 10.0.0.2, 10.0.0.3\tfd00::1 ", 0, 3 },
		{ "10.0.0.0/24", 0, 1 }, { "0.0.0.0/0", 0, 1 },
		{ "::", 0, 1 }, { "::1", 0, 1 }, { "fd00::", 0, 1 },
		{ "1:2:3:4:5:6:7:8", 0, 1 }, { "1::8/64", 0, 1 },
		{ "1:2:3:4:5:6:7:8/128", 0, 1 }, { "FD00::aBcD", 0, 1 },
		{ "10.0.0.256", -PV_EINVAL, 0 }, { "10.0.0", -PV_EINVAL, 0 },
		{ "10.0.0.2.", -PV_EINVAL, 0 }, { "10..0.2", -PV_EINVAL, 0 },
		{ "10.0.0.0/33", -PV_EINVAL, 0 }, { "10.0.0.0/", -PV_EINVAL,
		    0 },
		{ "1:2:3:4:5:6:7", -PV_EINVAL, 0 }, { ":", -PV_EINVAL, 0 },
		{ "1:2:3:4:5:6:7:8:9", -PV_EINVAL, 0 }, { "1:", -PV_EINVAL, 0 },
		{ "1::2::3", -PV_EINVAL, 0 }, { ":1", -PV_EINVAL, 0 },
		{ "1:2:3:4:5:6:7:8::", -PV_EINVAL, 0 },
		{ "12345::", -PV_EINVAL, 0 }, { "fd00::/129", -PV_EINVAL, 0 },
		{ "here", -PV_EINVAL, 0 }, { "1 2", -PV_EINVAL, 0 },
		{ "1::1 1::2 1::3 1::4 1::5 1::6 1::7 1::8", 0, 8 },
		{ "1::1 1::2 1::3 1::4 1::5 1::6 1::7 1::8 1::9", -PV_E2BIG,
		    0 },
	};
	struct netback_rule ru;
	unsigned int i;

	for (i = 0; i < PV_NELEM(tab); i++) {
		memset(&ru, 0, sizeof(ru));
		assert_int_equal(netback_rule_addrs(&ru, tab[i].text),
		    tab[i].rv);
		if (tab[i].rv == 0)
			assert_int_equal(ru.ru_naddr, tab[i].n);
	}
	memset(&ru, 0, sizeof(ru));
	assert_int_equal(netback_rule_addrs(&ru, "1:2::ff00/120"), 0);
	assert_memory_equal(ru.ru_addr[0].na_addr,
	    "\0\1\0\2\0\0\0\0\0\0\0\0\0\0\xff\0", 16);
	assert_int_equal(ru.ru_addr[0].na_bits, 120);
}

/* ---- who may send ------------------------------------------------------ */

#define OWN	"\x00\x16\x3e\x00\x00\x01"

static void
frame4(uint8_t *p, uint8_t last)
{
	memset(p, 0, 100);
	memcpy(p + 6, OWN, 6);
	p[12] = 8;
	memcpy(p + 26, "\x0a\x00\x00", 3);
	p[29] = last;
}

static void
allows(void **state)
{
	struct netback_rule ru = { .ru_mac = true };
	uint8_t p[100];

	memcpy(ru.ru_own, OWN, 6);
	frame4(p, 3);
	assert_true(netback_rule_allows(&ru, p, 60));	/* any address */
	assert_false(netback_rule_allows(&ru, p, 13));
	assert_int_equal(netback_rule_addrs(&ru, "10.0.0.2 fd00::/64"), 0);
	assert_false(netback_rule_allows(&ru, p, 60));
	frame4(p, 2);
	assert_true(netback_rule_allows(&ru, p, 60));
	assert_false(netback_rule_allows(&ru, p, 33));	/* cut short */
	memset(p + 26, 0, 4);				/* DHCP */
	assert_true(netback_rule_allows(&ru, p, 60));
	p[6] = 2;
	assert_false(netback_rule_allows(&ru, p, 60));
	ru.ru_mac = false;
	assert_true(netback_rule_allows(&ru, p, 60));
	ru.ru_mac = true;
	p[6] = 0;
	p[12] = 0x88;					/* something else */
	assert_false(netback_rule_allows(&ru, p, 60));
}

static void
allows_arp(void **state)
{
	struct netback_rule ru = { .ru_mac = true };
	uint8_t p[100] = { 0 };

	memcpy(ru.ru_own, OWN, 6);
	assert_int_equal(netback_rule_addrs(&ru, "10.0.0.2"), 0);
	memcpy(p + 6, OWN, 6);
	p[12] = 8;
	p[13] = 6;
	memcpy(p + 22, OWN, 6);
	memcpy(p + 28, "\x0a\x00\x00\x02", 4);
	assert_true(netback_rule_allows(&ru, p, 42));
	assert_false(netback_rule_allows(&ru, p, 41));
	p[31] = 1;				/* "I am the gateway" */
	assert_false(netback_rule_allows(&ru, p, 42));
	memset(p + 28, 0, 4);			/* a probe */
	assert_true(netback_rule_allows(&ru, p, 42));
	p[27] = 9;				/* for another's address */
	assert_false(netback_rule_allows(&ru, p, 42));
}

static void
allows6(void **state)
{
	struct netback_rule ru = { .ru_mac = true };
	uint8_t p[100] = { 0 };

	memcpy(ru.ru_own, OWN, 6);
	assert_int_equal(netback_rule_addrs(&ru, "fd00::/64"), 0);
	memcpy(p + 6, OWN, 6);
	p[12] = 0x86;
	p[13] = 0xdd;
	p[20] = 17;
	assert_true(netback_rule_allows(&ru, p, 62));	/* "::" */
	memcpy(p + 22, "\xfe\x80", 2);
	assert_true(netback_rule_allows(&ru, p, 62));
	memcpy(p + 22, "\xfd\x00", 2);
	assert_true(netback_rule_allows(&ru, p, 62));
	assert_false(netback_rule_allows(&ru, p, 53));
	p[29] = 1;
	assert_false(netback_rule_allows(&ru, p, 62));
	p[29] = 0;
	p[20] = 58;
	p[54] = 136;			/* a neighbour advertisement .. */
	memcpy(p + 62, "\xfd\x00", 2);
	assert_true(netback_rule_allows(&ru, p, 86));
	p[62] = 0x20;			/* .. of another's address */
	assert_false(netback_rule_allows(&ru, p, 86));
}

/* ---- how much ---------------------------------------------------------- */

static void
rate(void **state)
{
	static const char *const bad[] = { "", "1000", "1000,", ",1000",
	    "0,1000", "1000,0", "x,1", "1,x", "1,5000000000" };
	struct netback_rule ru;
	unsigned int i;
	uint64_t now = 5000000, sum = 0;

	memset(&ru, 0, sizeof(ru));
	assert_int_equal(netback_rule_wait(&ru, now), 0);	/* no limit */
	for (i = 0; i < PV_NELEM(bad); i++)
		assert_int_equal(netback_rule_rate(&ru, bad[i]), -PV_EINVAL);
	assert_int_equal(netback_rule_rate(&ru, "10000,50000"), 0);
	/* For ten seconds as fast as it may: 200 kB/s and the first credit. */
	while (now < 10005000000ull) {
		uint64_t wait = netback_rule_wait(&ru, now);

		if (wait == 0) {
			netback_rule_spend(&ru, 1514);
			sum += 1514;
		}
		assert_true(wait <= 50000000);
		now += wait;
	}
	assert_in_range(sum, 1990000, 2030000);
	/* What was not used is not saved up. */
	now += 1000000000000ull;
	for (sum = 0; netback_rule_wait(&ru, now) == 0; sum += 1000)
		netback_rule_spend(&ru, 1000);
	assert_int_equal(sum, 10000);
	/* A packet larger than an interval's share is paid in the end. */
	now += 50000000;
	assert_int_equal(netback_rule_wait(&ru, now), 0);
	netback_rule_spend(&ru, 65000);
	now += 250000000;
	assert_true(netback_rule_wait(&ru, now) > 0);
	now += 50000000;
	assert_int_equal(netback_rule_wait(&ru, now), 0);
}

/* ---- packets ----------------------------------------------------------- */

static int
add(struct netback_ask *ak, uint16_t off, uint16_t size, uint16_t flags)
{
	union netback_ent en = { .en_req = { .offset = off, .size = size } };

	en.en_req.flags = flags;
	return netback_req_add(ak, &en);
}

/* Every piece within a page on both sides, in order, and all of it. */
static void
pieces(void **state)
{
	static char base[NETBACK_NDATA * PV_PAGE_SIZE]
	    __attribute__((__aligned__(4096)));
	struct gntmap_copy gc[NETBACK_NPIECE];
	struct netback_ask ak;
	unsigned int seed, i, n, k;
	size_t where, at, start;
	uint32_t len, total;
	char *p;

	for (seed = 1; seed < 3000; seed++) {
		memset(&ak, 0, sizeof(ak));
		n = 1 + seed % 18;
		for (i = 1, total = 14 + seed * 37 % 4000; i < n; i++)
			total += 1 + (seed * i * 7919) % 3600;
		for (i = 0; i < n; i++) {
			len = 1 + (seed * i * 7919) % 3600;
			k = add(&ak, (uint16_t)(i == 0 ? seed * 13 % 80 :
			    seed * i % (4096 - len)), (uint16_t)(i == 0 ?
			    total : len), i + 1 < n ? NETTXF_more_data : 0);
			assert_int_equal(k, i + 1 == n);
		}
		if (total > 65535)
			continue;
		assert_int_equal(netback_req_check(&ak, &len), 0);
		assert_int_equal(len, total);
		start = seed * 64 % 40000;
		k = netback_req_pieces(&ak, base, start, gc, &where);
		assert_in_range(k, n, NETBACK_NPIECE);
		assert_in_range(where, start, start + PV_PAGE_SIZE - 1);
		for (i = 0, at = where; i < k; i++) {
			p = gc[i].gc_va;
			assert_ptr_equal(p, base + at);
			assert_true(gc[i].gc_len > 0 &&
			    gc[i].gc_off + gc[i].gc_len <= 4096);
			assert_true(((uintptr_t)p & 4095) + gc[i].gc_len <=
			    4096);
			at += gc[i].gc_len;
		}
		assert_int_equal(at - where, total);
	}
}

static void
groups(void **state)
{
	struct netback_groups gr = { 0 };
	uint8_t mac[6] = { 1, 0, 0x5e, 0, 0, 1 };

	assert_true(netback_rule_wanted(&gr, mac));
	gr.gr_on = true;
	assert_false(netback_rule_wanted(&gr, mac));
	assert_int_equal(netback_rule_group(&gr, mac, true), 0);
	assert_int_equal(netback_rule_group(&gr, mac, true), 0);
	assert_int_equal(gr.gr_n, 1);
	assert_true(netback_rule_wanted(&gr, mac));
	assert_int_equal(netback_rule_group(&gr, mac, false), 0);
	assert_int_equal(netback_rule_group(&gr, mac, false), 0);
	assert_int_equal(gr.gr_n, 0);
	mac[0] = 2;
	assert_int_equal(netback_rule_group(&gr, mac, true), -PV_EINVAL);
	assert_true(netback_rule_wanted(&gr, mac));	/* no multicast */
}

/* The values that Microsoft publishes for receive-side scaling. */
static void
queues(void **state)
{
	static const uint8_t key[NETBACK_NKEY] = {
		0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
		0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
		0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
		0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa
	};
	static struct netback_softc sc;
	struct netback_ctl *ct = &sc.sc_ctl;
	uint8_t p[100];
	struct flow fl;
	unsigned int i;

	sc.sc_nqueue = 4;
	frame4(p, 0);
	p[14] = 0x45;
	p[23] = FLOW_TCP;
	memcpy(p + 26, "\x42\x09\x95\xbb\xa1\x8e\x64\x50", 8);
	memcpy(p + 34, "\x0a\xea\x06\xe6", 4);
	p[46] = 0x50;
	fl = flow_parse(p, 54);
	memcpy(ct->ct_key, key, sizeof(key));
	assert_int_equal(netback_ctl_queue(&sc, &fl), flow_hash(&fl) % 4);
	ct->ct_on = true;
	assert_int_equal(netback_ctl_queue(&sc, &fl), flow_hash(&fl) % 4);
	ct->ct_types = XEN_NETIF_CTRL_HASH_TYPE_IPV4 |
	    XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP;
	assert_int_equal(netback_ctl_queue(&sc, &fl), 0x51ccc178 % 4);
	ct->ct_ntable = 128;
	for (i = 0; i < 128; i++)
		ct->ct_table[i] = (uint8_t)i;
	assert_int_equal(netback_ctl_queue(&sc, &fl), 0x51ccc178 % 128);
	ct->ct_types = XEN_NETIF_CTRL_HASH_TYPE_IPV4;
	assert_int_equal(netback_ctl_queue(&sc, &fl), 0x323e8fc2 % 128);
	ct->ct_types = XEN_NETIF_CTRL_HASH_TYPE_IPV6;
	ct->ct_table[0] = 99;
	assert_int_equal(netback_ctl_queue(&sc, &fl), 99);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addrs),
		cmocka_unit_test(allows),
		cmocka_unit_test(allows_arp),
		cmocka_unit_test(allows6),
		cmocka_unit_test(rate),
		cmocka_unit_test(pieces),
		cmocka_unit_test(groups),
		cmocka_unit_test(queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
