/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_flow.c -- the hash of a flow, with the values that Microsoft's
 * specification of receive-side scaling gives to check one by.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow.h"

static const uint8_t key[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
	0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
	0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
	0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa
};

/* IPv4: from, to, ports; the hash with TCP's ports and without them. */
static const struct flow_case {
	uint8_t		 fc_data[12];
	uint32_t	 fc_tcp, fc_ip;
} cases[] = {
	{ { 66, 9, 149, 187, 161, 142, 100, 80, 2794 >> 8, 2794 & 255,
	    1766 >> 8, 1766 & 255 }, 0x51ccc178, 0x323e8fc2 },
	{ { 199, 92, 111, 2, 65, 69, 140, 83, 14230 >> 8, 14230 & 255,
	    4739 >> 8, 4739 & 255 }, 0xc626b0ea, 0xd718262a },
	{ { 24, 19, 198, 95, 12, 22, 207, 184, 12898 >> 8, 12898 & 255,
	    38024 >> 8, 38024 & 255 }, 0x5c2b394a, 0xd2d0a5de }
};

static void
flow_frame(uint8_t frame[54], const struct flow_case *fc, uint8_t proto)
{
	memset(frame, 0, 54);
	frame[12] = 8;
	frame[14] = 0x45;
	frame[23] = proto;
	memcpy(frame + 26, fc->fc_data, 12);
	frame[46] = 0x50;
}

static void
flow_hashes(void **state)
{
	uint8_t frame[54];
	struct flow fl;
	size_t i;

	(void)state;
	for (i = 0; i < PV_NELEM(cases); i++) {
		flow_frame(frame, &cases[i], FLOW_TCP);
		fl = flow_parse(frame, sizeof(frame));
		assert_int_equal(flow_toeplitz(&fl, key, sizeof(key)),
		    cases[i].fc_tcp);
		flow_frame(frame, &cases[i], 1);
		fl = flow_parse(frame, sizeof(frame));
		assert_int_equal(flow_toeplitz(&fl, key, sizeof(key)),
		    cases[i].fc_ip);
	}
}

/* No addresses: no hash. */
static void
flow_hashes_nothing(void **state)
{
	uint8_t frame[60] = { 0 };
	struct flow fl = flow_parse(frame, sizeof(frame));

	(void)state;
	assert_int_equal(flow_toeplitz(&fl, key, sizeof(key)), 0);
}

/* Behind a short key there are zeros. */
static void
flow_short_key(void **state)
{
	uint8_t frame[54], padded[40] = { 0 };
	struct flow fl;

	(void)state;
	memcpy(padded, key, 9);
	flow_frame(frame, &cases[0], FLOW_TCP);
	fl = flow_parse(frame, sizeof(frame));
	assert_int_equal(flow_toeplitz(&fl, key, 9),
	    flow_toeplitz(&fl, padded, sizeof(padded)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flow_hashes),
		cmocka_unit_test(flow_hashes_nothing),
		cmocka_unit_test(flow_short_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
