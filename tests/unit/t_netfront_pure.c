/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_netfront_pure.c -- the steps of netfront that touch nothing outside: how
 * a packet is judged and encoded, and how responses make up a packet.  The
 * driver is included, for they are static.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dev/netfront_rx.c"
#include "dev/netfront_tx.c"

static struct netfront_softc net_sc;
static _Alignas(4096) uint8_t net_mem[32 * 4096];

/* ---- sending ----------------------------------------------------------- */

static int
net_check(struct pv_iov *iov, unsigned int niov, uint32_t flags, bool *copy)
{
	struct pv_net_pkt np = {
		.np_iov = iov, .np_niov = niov, .np_flags = flags,
		.np_len = (uint32_t)iov_length(iov, niov)
	};

	return netfront_tx_check(&net_sc, &np, copy);
}

static void
net_checks(void **state)
{
	struct pv_iov iov[PV_NET_MAXPIECES + 1];
	unsigned int i;
	bool copy;

	net_sc.sc_maxslot = 18;
	iov[0] = (struct pv_iov){ net_mem, 60 };
	assert_int_equal(net_check(iov, 1, 0, &copy), 1);
	assert_false(copy);
	assert_int_equal(net_check(iov, 0, 0, &copy), -PV_EINVAL);
	iov[0].iov_len = 13;
	assert_int_equal(net_check(iov, 1, 0, &copy), -PV_EINVAL);
	/* 65535 bytes: 16 pages, one more when they do not begin with one. */
	iov[0].iov_len = 65535;
	assert_int_equal(net_check(iov, 1, 0, &copy), 16);
	iov[0].iov_base = net_mem + 4000;
	assert_int_equal(net_check(iov, 1, 0, &copy), 17);
	assert_false(copy);
	iov[0].iov_len = 65536;
	assert_int_equal(net_check(iov, 1, 0, &copy), -PV_EINVAL);
	/* The first slot has less than the Ethernet header. */
	iov[0] = (struct pv_iov){ net_mem + 4096 - 13, 60 };
	assert_int_equal(net_check(iov, 1, 0, &copy), 1);
	assert_true(copy);
	iov[0].iov_base = net_mem + 4096 - 14;
	assert_int_equal(net_check(iov, 1, 0, &copy), 2);
	assert_false(copy);
	/* 18 pieces, each of which crosses a page. */
	for (i = 0; i <= PV_NET_MAXPIECES; i++)
		iov[i] = (struct pv_iov){ net_mem + 4096 * (i + 1) - 40, 80 };
	assert_int_equal(net_check(iov, 9, 0, &copy), 18);
	assert_false(copy);
	assert_int_equal(net_check(iov, 18, 0, &copy), 1);
	assert_true(copy);
	assert_int_equal(net_check(iov, 19, 0, &copy), -PV_EINVAL);
	/* A peer without scatter-gather. */
	net_sc.sc_maxslot = 1;
	assert_int_equal(net_check(iov, 9, 0, &copy), 1);
	assert_true(copy);
	iov[0].iov_len = 4097;
	assert_int_equal(net_check(iov, 1, 0, &copy), -PV_EINVAL);
	/* Checksums only as they are offered. */
	iov[0] = (struct pv_iov){ net_mem, 60 };
	net_sc.sc_net.nt_offload = 0;
	assert_int_equal(net_check(iov, 1, PV_NET_CSUM_BLANK, &copy),
	    -PV_EINVAL);
	net_sc.sc_net.nt_offload = PV_NET_CAN_CSUM4;
	assert_int_equal(net_check(iov, 1, PV_NET_CSUM_BLANK, &copy), 1);
}

static void
net_encodes(void **state)
{
	struct pv_dma_map dm = {
		.dm_va = net_mem + 100, .dm_len = 50, .dm_da = 77
	};
	struct pv_net_pkt np = {
		.np_len = 1514, .np_flags = PV_NET_CSUM_BLANK
	};
	struct netif_tx_request req;

	netfront_tx_encode(&req, &dm, &np, true, false);
	assert_int_equal(req.gref, 77);
	assert_int_equal(req.offset, 100);
	assert_int_equal(req.size, 1514);	/* of the whole packet */
	assert_int_equal(req.flags, NETTXF_csum_blank |
	    NETTXF_data_validated | NETTXF_more_data);
	netfront_tx_encode(&req, &dm, &np, false, true);
	assert_int_equal(req.size, 50);
	assert_int_equal(req.flags, 0);
	np.np_flags = PV_NET_CSUM_VALID;
	netfront_tx_encode(&req, &dm, &np, true, true);
	assert_int_equal(req.flags, NETTXF_data_validated);
}

/* ---- receiving --------------------------------------------------------- */

static void
net_data(void **state)
{
	struct netif_rx_response rsp = { .id = 5, .offset = 96 };
	struct netfront_rxpkt rp = { 0 };

	assert_int_equal(netfront_rx_data(&rp, &rsp, 6), -PV_EPROTO);
	rsp.status = 4001;
	assert_int_equal(netfront_rx_data(&rp, &rsp, 5), -PV_EPROTO);
	rsp.offset = UINT16_MAX;
	rsp.status = INT16_MAX;
	assert_int_equal(netfront_rx_data(&rp, &rsp, 5), -PV_EPROTO);
	assert_false(rp.rp_begun);
	rsp.offset = 96;
	rsp.status = 4000;
	rsp.flags = NETRXF_csum_blank | NETRXF_data_validated |
	    NETRXF_more_data;
	assert_int_equal(netfront_rx_data(&rp, &rsp, 5), 0);
	assert_true(rp.rp_begun && rp.rp_more && !rp.rp_extra && !rp.rp_bad);
	assert_int_equal(rp.rp_flags, PV_NET_CSUM_BLANK);
	/* The flags of a packet are those of its first response. */
	rsp.flags = NETRXF_data_validated;
	assert_int_equal(netfront_rx_data(&rp, &rsp, 5), 0);
	assert_int_equal(rp.rp_flags, PV_NET_CSUM_BLANK);
	assert_false(rp.rp_more || rp.rp_bad);
	rsp.status = NETIF_RSP_ERROR;
	assert_int_equal(netfront_rx_data(&rp, &rsp, 5), 0);
	assert_true(rp.rp_bad);

	rp = (struct netfront_rxpkt){ .rp_n = PV_NET_MAXPIECES };
	rsp.status = 1;
	assert_int_equal(netfront_rx_data(&rp, &rsp, 5), 0);
	assert_true(rp.rp_bad);
}

static void
net_extra(void **state)
{
	struct netif_extra_info ei = { .type = XEN_NETIF_EXTRA_TYPE_NONE };
	struct netfront_rxpkt rp = { .rp_extra = true };

	assert_int_equal(netfront_rx_extra(&rp, &ei), -PV_EPROTO);
	ei.type = XEN_NETIF_EXTRA_TYPE_MAX;
	assert_int_equal(netfront_rx_extra(&rp, &ei), -PV_EPROTO);
	ei.type = XEN_NETIF_EXTRA_TYPE_GSO;
	ei.u.gso.size = 0;
	ei.u.gso.type = XEN_NETIF_GSO_TYPE_TCPV4;
	assert_int_equal(netfront_rx_extra(&rp, &ei), -PV_EPROTO);
	ei.u.gso.size = 1448;
	ei.u.gso.type = 9;
	assert_int_equal(netfront_rx_extra(&rp, &ei), -PV_EPROTO);
	assert_true(rp.rp_extra);
	ei.type = XEN_NETIF_EXTRA_TYPE_HASH;
	ei.flags = XEN_NETIF_EXTRA_FLAG_MORE;
	assert_int_equal(netfront_rx_extra(&rp, &ei), 0);
	assert_true(rp.rp_extra && !rp.rp_bad);
	ei.type = XEN_NETIF_EXTRA_TYPE_GSO;
	ei.flags = 0;
	ei.u.gso.type = XEN_NETIF_GSO_TYPE_TCPV6;
	assert_int_equal(netfront_rx_extra(&rp, &ei), 0);
	assert_true(!rp.rp_extra && !rp.rp_bad);
	assert_int_equal(rp.rp_gsosize, 1448);
	assert_int_equal(rp.rp_gsotype, PV_NET_GSO_TCP6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(net_checks),
		cmocka_unit_test(net_encodes),
		cmocka_unit_test(net_data),
		cmocka_unit_test(net_extra),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
