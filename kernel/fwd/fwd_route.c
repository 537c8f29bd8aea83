/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_route.c -- the router: a packet of IP that came to our Ethernet address.
 * Source: RFC 1812, 8200.
 */

#include <string.h>

#include <net/bigend.h>

#include "fwd.h"
#include "fwd_filter.h"
#include "fwd_nat.h"
#include "fwd_sum.h"

struct fwd_way {
	unsigned int	 wy_net;
	struct fwd_addr	 wy_next;	/* neighbour there */
};

/* ---- ways -------------------------------------------------------------- */

/* Is an address of a network's own prefix? */
static bool
fwd_route_connected(const struct fwd *fw, unsigned int net,
    const struct fwd_addr *ad, unsigned int version)
{
	const struct fwd_net *nt = &fw->fw_net[net];
	struct fwd_prefix pr = { nt->nt_addr4, 4, (uint8_t)nt->nt_len4 };

	if (version == 6)
		return fw->fw_conf.co_net[net].nc_addr6.pr_version == 6 &&
		    fwd_addr_in(&fw->fw_conf.co_net[net].nc_addr6, ad, 6);
	return !fwd_addr_zero(&nt->nt_addr4) && fwd_addr_in(&pr, ad, 4);
}

/* The network in which a router's address is; or -1. */
static int
fwd_route_net(const struct fwd *fw, const struct fwd_route_conf *ro)
{
	unsigned int net;

	if (ro->ro_net >= 0)
		return ro->ro_net;
	for (net = 0; net < fw->fw_conf.co_nnet; net++) {
		if (fwd_route_connected(fw, net, &ro->ro_via,
		    ro->ro_dst.pr_version))
			return (int)net;
	}
	return -1;
}

/* The longest prefix among the routes that were configured. */
static int
fwd_route_configured(const struct fwd *fw, const struct fwd_addr *ad,
    unsigned int version, struct fwd_way *wy)
{
	const struct fwd_conf *co = &fw->fw_conf;
	const struct fwd_route_conf *ro;
	int best = -1, net;

	for (ro = co->co_route; ro < co->co_route + co->co_nroute; ro++) {
		if (ro->ro_dst.pr_len <= best ||
		    !fwd_addr_in(&ro->ro_dst, ad, version))
			continue;
		net = fwd_route_net(fw, ro);
		if (net < 0)
			continue;
		best = ro->ro_dst.pr_len;
		wy->wy_net = (unsigned int)net;
		wy->wy_next = ro->ro_via;
	}
	return best;
}

/* The way to an address; false: there is none. */
static bool
fwd_route_find(const struct fwd *fw, const struct fwd_addr *ad,
    unsigned int version, struct fwd_way *wy)
{
	unsigned int net;

	for (net = 0; net < fw->fw_conf.co_nnet; net++) {
		if (fwd_route_connected(fw, net, ad, version)) {
			wy->wy_net = net;
			wy->wy_next = *ad;
			return true;
		}
	}
	if (fwd_route_configured(fw, ad, version, wy) >= 0)
		return true;
	/* The router that an uplink's DHCP has named. */
	for (net = 0; version == 4 && net < fw->fw_conf.co_nnet; net++) {
		if (!fwd_addr_zero(&fw->fw_net[net].nt_gw4)) {
			wy->wy_net = net;
			wy->wy_next = fw->fw_net[net].nt_gw4;
			return true;
		}
	}
	return false;
}

/* ---- checks ------------------------------------------------------------ */

/* May a packet have come from where it says, this way? */
static bool
fwd_route_sane(const struct fwd *fw, const struct fwd_trip *tr)
{
	const struct fwd_hdr *hd = &tr->tr_hd;
	const struct pv_net_pkt *np = &tr->tr_fb->fb_pkt;
	struct pv_iov iov = { fwd_buf_head(tr->tr_fb) + hd->hd_l3, 20 };
	struct pv_net_pkt ip = { .np_iov = &iov };
	struct fwd_way wy;

	if (fwd_addr_zero(&hd->hd_src) ||
	    fwd_addr_multicast(&hd->hd_src, hd->hd_version) ||
	    (hd->hd_version == 4 && (hd->hd_src.ad_byte[0] == 127 ||
	    hd->hd_dst.ad_byte[0] == 127)) ||
	    fwd_own(fw, &hd->hd_src, hd->hd_version))
		return false;
	if (hd->hd_version == 4 && np->np_gso_size == 0) {
		iov.iov_len = (((uint8_t *)iov.iov_base)[0] & 15u) * 4;
		if (fwd_sum_range(&ip, 0, (uint32_t)iov.iov_len, 0) !=
		    UINT16_MAX)
			return false;
	}
	/* Of a link's address nobody beyond the link may hear. */
	if (fwd_addr_linklocal(&hd->hd_src, hd->hd_version))
		return fwd_own(fw, &hd->hd_dst, hd->hd_version);
	return fwd_route_find(fw, &hd->hd_src, hd->hd_version, &wy) &&
	    wy.wy_net == tr->tr_net;
}

/* One hop less. */
static void
fwd_route_hop(struct fwd_buf *fb, const struct fwd_hdr *hd)
{
	uint8_t *ip = fwd_buf_head(fb) + hd->hd_l3;

	if (hd->hd_version == 6) {
		ip[7]--;
		return;
	}
	ip[8]--;
	fwd_sum_ip4(ip);
}

static bool
fwd_route_last_hop(const struct fwd_trip *tr)
{
	const struct fwd_hdr *hd = &tr->tr_hd;

	return fwd_buf_head(tr->tr_fb)[hd->hd_l3 + (hd->hd_version == 4 ? 8 :
	    7)] <= 1;
}

/* Too large for a port: its MTU; else 0.  IPv4 may be fragmented there. */
static uint32_t
fwd_route_too_big(const struct fwd_trip *tr, const struct fwd_port *pt)
{
	const struct fwd_hdr *hd = &tr->tr_hd;
	const struct pv_net_pkt *np = &tr->tr_fb->fb_pkt;
	uint32_t len = hd->hd_end - hd->hd_l3;

	if (np->np_gso_size != 0)
		len = (uint32_t)(hd->hd_hlen - hd->hd_l3) + np->np_gso_size;
	else if (hd->hd_version == 4 && (hd->hd_flags & FWD_HDR_DF) == 0)
		return 0;
	return len > pt->pt_mtu ? pt->pt_mtu : 0;
}

/* ---- the router -------------------------------------------------------- */

/* How it leaves is known: with its new addresses, to a port. */
static void
fwd_route_leave(struct fwd *fw, struct fwd_trip *tr, unsigned int port,
    const struct fwd_found *fo)
{
	struct pv_net_pkt *np = &tr->tr_fb->fb_pkt;

	if (fo->fo_error)
		fwd_nat_error(np, &tr->tr_hd, &fo->fo_leave, &fo->fo_quoted);
	else if (fo->fo_known)
		fwd_nat_apply(np, &tr->tr_hd, &fo->fo_leave);
	fwd_out(fw, port, tr->tr_fb, &tr->tr_hd);
}

/* To this domain itself. */
static void
fwd_route_self(struct fwd *fw, struct fwd_trip *tr, struct fwd_found *fo)
{
	unsigned int self = fw->fw_net[tr->tr_net].nt_self;
	struct fwd_port_count *pc = &fw->fw_port[tr->tr_in].pt_count;

	if (self == FWD_NOPORT) {
		fwd_drop(tr, &pc->pc_lost);
		return;
	}
	if (!fwd_filter_free(&tr->tr_hd) &&
	    !fwd_filter_may(fw, tr, self, tr->tr_net, fo)) {
		fwd_drop(tr, &pc->pc_denied);
		return;
	}
	fwd_filter_pass(fw, tr, fo);
	fwd_route_leave(fw, tr, self, fo);
}

/* Its way is known: to its neighbour there, if it may. */
static void
fwd_route_on(struct fwd *fw, struct fwd_trip *tr, const struct fwd_way *wy,
    struct fwd_found *fo)
{
	struct fwd_port_count *pc = &fw->fw_port[tr->tr_in].pt_count;
	struct fwd_neigh *ne = fwd_neigh_get(fw, wy->wy_net, &wy->wy_next, tr);
	uint32_t mtu;
	uint8_t *p;

	if (ne == NULL)
		return;			/* it waits for it, or is lost */
	if (!fwd_filter_may(fw, tr, ne->ne_port, wy->wy_net, fo)) {
		fwd_drop(tr, &pc->pc_denied);
		return;
	}
	mtu = fwd_route_too_big(tr, &fw->fw_port[ne->ne_port]);
	if (mtu != 0) {
		fwd_icmp_error(fw, tr, FWD_TOO_BIG, mtu);
		fwd_drop(tr, &pc->pc_big);
		return;
	}
	fwd_filter_pass(fw, tr, fo);
	fwd_route_hop(tr->tr_fb, &tr->tr_hd);
	p = fwd_buf_head(tr->tr_fb);
	memcpy(p, ne->ne_mac, 6);
	memcpy(p + 6, fw->fw_net[wy->wy_net].nt_mac, 6);
	fwd_route_leave(fw, tr, ne->ne_port, fo);
}

/* Is it for this domain alone, whatever its own addresses are? */
static bool
fwd_route_ours(const struct fwd_trip *tr)
{
	const struct fwd_hdr *hd = &tr->tr_hd;

	return fwd_addr_linklocal(&hd->hd_dst, hd->hd_version) ||
	    fwd_addr_multicast(&hd->hd_dst, hd->hd_version);
}

/*
 * fwd_route -- route a packet
 *
 * Context: thread.
 */
void
fwd_route(struct fwd *fw, struct fwd_trip *tr)
{
	struct fwd_port_count *pc = &fw->fw_port[tr->tr_in].pt_count;
	const struct fwd_hdr *hd = &tr->tr_hd;
	struct fwd_found fo;
	struct fwd_way wy;

	fwd_filter_find(fw, tr, &fo);
	if (fwd_filter_dhcp(fw, tr)) {
		fo.fo_known = true;
		fo.fo_side = NULL;	/* from whichever port */
		fwd_route_self(fw, tr, &fo);
	} else if (fwd_route_ours(tr)) {
		fwd_route_self(fw, tr, &fo);
	} else if (hd->hd_l3 != FWD_ETHER || !fwd_route_sane(fw, tr)) {
		fwd_drop(tr, &pc->pc_bad);
	} else if (fwd_own(fw, &fo.fo_leave.ky_dst, hd->hd_version)) {
		fwd_route_self(fw, tr, &fo);
	} else if (fwd_route_last_hop(tr)) {
		fwd_icmp_error(fw, tr, FWD_TTL, 0);
		fwd_drop(tr, &pc->pc_lost);
	} else if (!fwd_route_find(fw, &fo.fo_leave.ky_dst, hd->hd_version,
	    &wy)) {
		fwd_icmp_error(fw, tr, FWD_NO_ROUTE, 0);
		fwd_drop(tr, &pc->pc_lost);
	} else {
		fwd_route_on(fw, tr, &wy, &fo);
	}
}
