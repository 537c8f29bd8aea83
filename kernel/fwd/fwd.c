/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd.c -- ports, networks, and the bridge between the ports of a network; the
 * theory is in fwd.h.
 */

#include <string.h>

#include <net/bigend.h>

#include "fwd.h"
#include "fwd_filter.h"
#include "fwd_make.h"
#include "fwd_rule.h"

#define FWD_ERRORS	100		/* of ICMP, in a second */
#define FWD_SOLICITED	(3ull * 1000000000u)	/* ns between answers */
#define FWD_RADV	(200ull * 1000000000u)	/* ns, unasked */

/* ---- life -------------------------------------------------------------- */

/*
 * fwd_init -- nothing is known yet
 *
 * Context: thread.
 */
void
fwd_init(struct fwd *fw, const struct fwd_ops *ops, void *arg,
    struct fwd_state *states)
{
	unsigned int i;

	fw->fw_ops = ops;
	fw->fw_arg = arg;
	for (i = 0; i < FWD_NNET; i++)
		fw->fw_net[i].nt_self = FWD_NOPORT;
	fwd_state_init(&fw->fw_states, states, ops->fo_random());
}

/*
 * fwd_configure -- take rules into force
 *
 * Context: thread.
 */
void
fwd_configure(struct fwd *fw, const struct fwd_conf *co)
{
	const struct fwd_net_conf *nc;
	struct fwd_net *nt;
	unsigned int i;

	fw->fw_conf = *co;
	fw->fw_active = co->co_nrule > 0 || !co->co_default;
	for (i = 0; i < co->co_nnet; i++) {
		nc = &co->co_net[i];
		nt = &fw->fw_net[i];
		fw->fw_active |= nc->nc_nat;
		if (nc->nc_how == FWD_STATIC) {
			nt->nt_addr4 = nc->nc_addr4.pr_addr;
			nt->nt_len4 = nc->nc_addr4.pr_len;
		}
		if (nc->nc_addr6.pr_version != 0)
			nt->nt_addr6[0] = nc->nc_addr6.pr_addr;
	}
	for (i = 0; i < FWD_STATE_N; i++)
		fw->fw_states.ss_state[i].st_rule = FWD_STATE_NORULE;
	fwd_rule_ports(fw);
}

/*
 * fwd_set_mac -- the Ethernet address of a network's router and self, from
 * which the link-local one of IPv6 comes
 *
 * Context: thread.
 */
void
fwd_set_mac(struct fwd *fw, unsigned int net, const uint8_t mac[6])
{
	struct fwd_net *nt = &fw->fw_net[net];
	uint8_t *p = nt->nt_local6.ad_byte;

	memcpy(nt->nt_mac, mac, 6);
	memset(p, 0, 16);
	bigend_put(p, 2, 0xfe80);
	memcpy(p + 8, mac, 3);
	p[8] ^= 2;
	bigend_put(p + 11, 2, 0xfffe);
	memcpy(p + 13, mac + 3, 3);
}

/* The network that has an interface of that name as a member, or -1. */
static int
fwd_net_of(const struct fwd_conf *co, const char *name)
{
	unsigned int i, k;

	for (i = 0; i < co->co_nnet; i++) {
		for (k = 0; k < co->co_net[i].nc_nmember; k++) {
			if (fwd_conf_match(co->co_net[i].nc_member[k], name))
				return (int)i;
		}
	}
	return -1;
}

/*
 * fwd_port_up -- a port comes
 *
 * Returns its number, or FWD_NOPORT.  Context: thread.
 */
unsigned int
fwd_port_up(struct fwd *fw, const char *name, int selfnet, uint16_t mtu,
    uint32_t offload)
{
	struct fwd_port *pt;
	unsigned int i, k;

	for (i = 0; i < FWD_NPORT && fw->fw_port[i].pt_used; i++)
		continue;
	if (i == FWD_NPORT)
		return FWD_NOPORT;
	pt = &fw->fw_port[i];
	memset(pt, 0, sizeof(*pt));
	pt->pt_used = true;
	for (k = 0; k < FWD_NAME - 1 && name[k] != '\0'; k++)
		pt->pt_name[k] = name[k];
	pt->pt_self = selfnet >= 0;
	pt->pt_net = selfnet >= 0 ? selfnet :
	    fwd_net_of(&fw->fw_conf, pt->pt_name);
	pt->pt_mtu = mtu;
	pt->pt_offload = offload;
	if (selfnet >= 0) {
		fw->fw_net[selfnet].nt_self = i;
		fwd_icmp_radv(fw, (unsigned int)selfnet);
	}
	fwd_rule_ports(fw);
	return i;
}

void
fwd_port_move(struct fwd *fw, unsigned int port, unsigned int net)
{
	fw->fw_port[port].pt_net = (int)net;
	fwd_rule_ports(fw);
}

/*
 * fwd_port_down -- a port is no more, and what was known of it
 *
 * Context: thread.
 */
void
fwd_port_down(struct fwd *fw, unsigned int port)
{
	struct fwd_port *pt = &fw->fw_port[port];

	fwd_mac_forget(&fw->fw_mac, port);
	fwd_neigh_forget(fw, port);
	fwd_state_forget(&fw->fw_states, port);
	if (pt->pt_self)
		fw->fw_net[pt->pt_net].nt_self = FWD_NOPORT;
	pt->pt_used = false;
	fwd_rule_ports(fw);
}

unsigned int
fwd_members(const struct fwd *fw, unsigned int net)
{
	const struct fwd_port *pt;
	unsigned int n = 0;

	for (pt = fw->fw_port; pt < fw->fw_port + FWD_NPORT; pt++)
		n += pt->pt_used && !pt->pt_self && pt->pt_net == (int)net;
	return n;
}

bool
fwd_own(const struct fwd *fw, const struct fwd_addr *ad, unsigned int version)
{
	const struct fwd_net *nt;
	unsigned int i, k;

	if (fwd_addr_zero(ad))
		return false;
	for (i = 0; i < fw->fw_conf.co_nnet; i++) {
		nt = &fw->fw_net[i];
		if (version == 4 && fwd_addr_eq(&nt->nt_addr4, ad))
			return true;
		for (k = 0; version == 6 && k < FWD_NADDR6; k++) {
			if (fwd_addr_eq(&nt->nt_addr6[k], ad))
				return true;
		}
	}
	return false;
}

void
fwd_drop(struct fwd_trip *tr, uint64_t *why)
{
	(*why)++;
	fwd_buf_free(tr->tr_fb);
	tr->tr_fb = NULL;
}

/* ---- the bridge -------------------------------------------------------- */

static bool
fwd_is_member(const struct fwd *fw, unsigned int port, unsigned int net)
{
	return fw->fw_port[port].pt_used &&
	    fw->fw_port[port].pt_net == (int)net;
}

/* Send a copy to a port. */
static void
fwd_out_copy(struct fwd *fw, unsigned int port, const struct fwd_buf *fb,
    const struct fwd_hdr *hd)
{
	struct fwd_buf *copy = fwd_buf_copy(&fb->fb_pkt);

	if (copy != NULL)
		fwd_out(fw, port, copy, hd);
	else
		fw->fw_port[port].pt_count.pc_lost++;
}

/* To every other port of its network that the filter lets it go to. */
static void
fwd_bridge_all(struct fwd *fw, struct fwd_trip *tr, bool filter)
{
	unsigned int i, last = FWD_NOPORT;
	struct fwd_port_count *pc = &fw->fw_port[tr->tr_in].pt_count;
	bool denied = false;

	for (i = 0; i < FWD_NPORT; i++) {
		if (i == tr->tr_in || !fwd_is_member(fw, i, tr->tr_net))
			continue;
		if (filter && !fwd_filter_bridge(fw, tr, i)) {
			denied = true;
			continue;
		}
		if (last != FWD_NOPORT)
			fwd_out_copy(fw, last, tr->tr_fb, &tr->tr_hd);
		last = i;
	}
	if (last != FWD_NOPORT)
		fwd_out(fw, last, tr->tr_fb, &tr->tr_hd);
	else
		fwd_drop(tr, denied ? &pc->pc_denied : &pc->pc_lost);
}

/*
 * fwd_flood -- to every port of a network but the packet's own, which is self's
 *
 * Context: thread.
 */
void
fwd_flood(struct fwd *fw, unsigned int net, struct fwd_buf *fb)
{
	struct fwd_trip tr = { .tr_fb = fb, .tr_in = fb->fb_port,
	    .tr_net = net };

	if (fb->fb_port >= FWD_NPORT ||
	    fwd_hdr_parse(&tr.tr_hd, &fb->fb_pkt) != 0)
		fwd_buf_free(fb);
	else
		fwd_bridge_all(fw, &tr, false);
}

/* To whom its Ethernet address says. */
static void
fwd_bridge(struct fwd *fw, struct fwd_trip *tr)
{
	struct fwd_port_count *pc = &fw->fw_port[tr->tr_in].pt_count;
	int out = fwd_mac_find(&fw->fw_mac, tr->tr_net,
	    fwd_buf_head(tr->tr_fb), fw->fw_now);

	if (out < 0)
		fwd_bridge_all(fw, tr, true);
	else if ((unsigned int)out == tr->tr_in)
		fwd_drop(tr, &pc->pc_lost);	/* it is there already */
	else if (!fwd_filter_bridge(fw, tr, (unsigned int)out))
		fwd_drop(tr, &pc->pc_denied);
	else
		fwd_out(fw, (unsigned int)out, tr->tr_fb, &tr->tr_hd);
}

/* ---- what is for the forwarder itself ---------------------------------- */

/* Send an answer of DHCP's. */
static void
fwd_dhcp_send(struct fwd *fw, const struct fwd_trip *tr, const uint8_t *msg,
    size_t len)
{
	struct fwd_make mk = { .mk_version = 4, .mk_proto = FWD_UDP,
	    .mk_ttl = 64, .mk_sport = 67, .mk_dport = 68 };
	uint32_t dst = fwd_dhcp_dst(msg);
	struct fwd_hdr hd;
	struct fwd_buf *fb;

	mk.mk_src = fw->fw_net[tr->tr_net].nt_addr4;
	memcpy(mk.mk_from, fw->fw_net[tr->tr_net].nt_mac, 6);
	if (dst == 0)
		memset(mk.mk_to, 0xff, 6);
	else
		memcpy(mk.mk_to, fwd_buf_head(tr->tr_fb) + 6, 6);
	fwd_addr_set(&mk.mk_dst, dst == 0 ? 0xffffffffu : dst);
	fb = fwd_make_ip(&mk, msg, (uint32_t)len);
	if (fb == NULL)
		return;
	if (fwd_hdr_parse(&hd, &fb->fb_pkt) == 0)
		fwd_out(fw, tr->tr_in, fb, &hd);
	else
		fwd_buf_free(fb);
}

/* A question to our DHCP server?  It is answered. */
static bool
fwd_dhcp_input(struct fwd *fw, const struct fwd_trip *tr)
{
	static uint8_t answer[FWD_DHCP_MAX];	/* lock: the caller's */
	const struct fwd_net_conf *nc = &fw->fw_conf.co_net[tr->tr_net];
	const struct fwd_hdr *hd = &tr->tr_hd;
	struct fwd_dhcp_at da = { &fw->fw_conf, tr->tr_net, { 0 }, fw->fw_dns,
	    fw->fw_now };
	const uint8_t *p = fwd_buf_head(tr->tr_fb);
	size_t len;

	if (nc->nc_first == 0 || hd->hd_version != 4 ||
	    hd->hd_proto != FWD_UDP || hd->hd_l4 == 0 || hd->hd_dport != 67 ||
	    hd->hd_end > tr->tr_fb->fb_pkt.np_iov[0].iov_len ||
	    (!fwd_addr_multicast(&hd->hd_dst, 4) &&
	    !fwd_own(fw, &hd->hd_dst, 4)) ||
	    fw->fw_port[tr->tr_in].pt_self)
		return false;
	memcpy(da.da_mac, p + 6, 6);
	len = fwd_dhcp_answer(&fw->fw_dhcp, &da, p + hd->hd_hlen,
	    hd->hd_end - hd->hd_hlen, answer);
	if (len > 0)
		fwd_dhcp_send(fw, tr, answer, len);
	return true;
}

/* To a group, or to all.  What is in a VLAN is between the ports. */
static void
fwd_input_group(struct fwd *fw, struct fwd_trip *tr)
{
	const struct fwd_hdr *hd = &tr->tr_hd;

	if (hd->hd_l3 != FWD_ETHER) {
		fwd_bridge_all(fw, tr, true);
		return;
	}
	if (fwd_dhcp_input(fw, tr)) {
		fwd_buf_free(tr->tr_fb);
		return;
	}
	if (hd->hd_type == FWD_TYPE_ARP || hd->hd_proto == FWD_ICMP6)
		fwd_neigh_hear(fw, tr);
	/* Who looks for routers. */
	if (hd->hd_proto == FWD_ICMP6 && hd->hd_icmp == 133 &&
	    !fw->fw_port[tr->tr_in].pt_self &&
	    fw->fw_now - fw->fw_net[tr->tr_net].nt_radv > FWD_SOLICITED)
		fwd_icmp_radv(fw, tr->tr_net);
	fwd_bridge_all(fw, tr, true);
}

/* To our own Ethernet address. */
static void
fwd_input_own(struct fwd *fw, struct fwd_trip *tr)
{
	unsigned int self = fw->fw_net[tr->tr_net].nt_self;

	/* We are in no VLAN. */
	if (tr->tr_hd.hd_l3 != FWD_ETHER) {
		fwd_drop(tr, &fw->fw_port[tr->tr_in].pt_count.pc_lost);
		return;
	}
	fwd_neigh_hear(fw, tr);
	if (fwd_dhcp_input(fw, tr))
		fwd_buf_free(tr->tr_fb);
	else if (tr->tr_hd.hd_version != 0)
		fwd_route(fw, tr);
	else if (tr->tr_hd.hd_type == FWD_TYPE_ARP && self != FWD_NOPORT)
		fwd_out(fw, self, tr->tr_fb, &tr->tr_hd);
	else
		fwd_drop(tr, &fw->fw_port[tr->tr_in].pt_count.pc_lost);
}

/* Its sender: one host, not us; it is behind this port from now on. */
static bool
fwd_input_sender(struct fwd *fw, const struct fwd_trip *tr)
{
	struct fwd_mac ma = { .ma_net = (uint8_t)tr->tr_net,
	    .ma_port = (uint8_t)tr->tr_in, .ma_seen = fw->fw_now };
	const uint8_t *from = fwd_buf_head(tr->tr_fb) + 6;

	if (fw->fw_port[tr->tr_in].pt_self)
		return true;
	/* peer: nobody has a group's address, or ours. */
	if ((from[0] & 1) != 0 ||
	    memcmp(from, fw->fw_net[tr->tr_net].nt_mac, 6) == 0)
		return false;
	memcpy(ma.ma_mac, from, 6);
	fwd_mac_learn(&fw->fw_mac, &ma);
	return true;
}

/*
 * A tag of VLAN 0 tells of a priority alone, and a bridge sends no such tag on
 * (IEEE 802.1Q): the packet goes without.  NULL: no memory, it is lost.
 */
static struct fwd_buf *
fwd_input_untag(struct fwd_buf *fb)
{
	const struct pv_net_pkt *np = &fb->fb_pkt;
	const uint8_t *p = fwd_buf_head(fb);
	struct fwd_buf *bare;

	if (np->np_iov[0].iov_len < FWD_ETHER + FWD_TAG ||
	    bigend_get(p + 12, 2) != FWD_TYPE_VLAN ||
	    (bigend_get(p + 14, 2) & 0xfff) != 0)
		return fb;
	bare = fwd_buf_part(np, p, 12, 12 + FWD_TAG,
	    np->np_len - 12 - FWD_TAG);
	if (bare != NULL) {
		bare->fb_pkt.np_flags = np->np_flags;
		bare->fb_pkt.np_gso_size = np->np_gso_size;
		bare->fb_pkt.np_gso_type = np->np_gso_type;
		bare->fb_port = fb->fb_port;
		bare->fb_since = fb->fb_since;
	}
	fwd_buf_free(fb);
	return bare;
}

/*
 * fwd_input -- a packet arrives
 *
 * Context: thread.
 */
void
fwd_input(struct fwd *fw, unsigned int port, struct fwd_buf *fb, uint64_t now)
{
	struct fwd_port *pt = &fw->fw_port[port];
	struct fwd_trip tr = { .tr_fb = fb, .tr_in = port };
	const uint8_t *to;

	fw->fw_now = now;
	pt->pt_count.pc_rxpkt++;
	pt->pt_count.pc_rxbyte += fb->fb_pkt.np_len;
	if (pt->pt_net < 0) {
		fwd_drop(&tr, &pt->pt_count.pc_lost);
		return;
	}
	tr.tr_net = (unsigned int)pt->pt_net;
	tr.tr_fb = fb = fwd_input_untag(fb);
	if (fb == NULL) {
		pt->pt_count.pc_lost++;
		return;
	}
	to = fwd_buf_head(fb);
	if (fwd_hdr_parse(&tr.tr_hd, &fb->fb_pkt) != 0 ||
	    !fwd_input_sender(fw, &tr))
		fwd_drop(&tr, &pt->pt_count.pc_bad);
	else if ((to[0] & 1) != 0)
		fwd_input_group(fw, &tr);
	else if (!pt->pt_self &&
	    memcmp(to, fw->fw_net[tr.tr_net].nt_mac, 6) == 0)
		fwd_input_own(fw, &tr);
	else
		fwd_bridge(fw, &tr);
}

/*
 * fwd_tick -- time passes
 *
 * Context: thread.
 */
void
fwd_tick(struct fwd *fw, uint64_t now)
{
	unsigned int i;

	fw->fw_now = now;
	fw->fw_allowance = FWD_ERRORS;
	fwd_state_expire(&fw->fw_states, now);
	fwd_mac_expire(&fw->fw_mac, now);
	fwd_neigh_tick(fw);
	for (i = 0; i < fw->fw_conf.co_nnet; i++) {
		if (now - fw->fw_net[i].nt_radv > FWD_RADV)
			fwd_icmp_radv(fw, i);
	}
}
