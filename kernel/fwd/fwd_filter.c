/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_filter.c -- see fwd_filter.h.
 *
 * States follow packets loosely: any packet of an allowed direction opens one,
 * not only TCP's first, so that connections go on when this domain is started
 * anew.  What has no connection (ICMP that is neither echo nor error) passes
 * or not by the rules alone, each time.
 */

#include <string.h>

#include "fwd_filter.h"
#include "fwd_rule.h"

#define FWD_FILTER_PORTS 1024		/* of translated connections: first */
#define FWD_FILTER_TRIES 128

/* Does a packet of that kind open a state? */
static bool
fwd_filter_opens(const struct fwd_hdr *hd)
{
	if (hd->hd_proto == FWD_TCP)
		return (hd->hd_tcp & FWD_TCP_RST) == 0;
	if (hd->hd_proto == FWD_ICMP || hd->hd_proto == FWD_ICMP6)
		return (hd->hd_flags & FWD_HDR_ECHO) != 0;
	return !fwd_addr_multicast(&hd->hd_dst, hd->hd_version);
}

bool
fwd_filter_free(const struct fwd_hdr *hd)
{
	/* Neighbours and their groups; not routers, not redirections. */
	if (hd->hd_proto == FWD_ICMP6 && hd->hd_l4 != 0)
		return (hd->hd_icmp >= 130 && hd->hd_icmp <= 133) ||
		    hd->hd_icmp == 135 || hd->hd_icmp == 136 ||
		    hd->hd_icmp == 143;
	return false;
}

bool
fwd_filter_dhcp(const struct fwd *fw, const struct fwd_trip *tr)
{
	const struct fwd_hdr *hd = &tr->tr_hd;

	return hd->hd_version == 4 && hd->hd_proto == FWD_UDP &&
	    hd->hd_sport == 67 && hd->hd_dport == 68 &&
	    fw->fw_conf.co_net[tr->tr_net].nc_how == FWD_DHCP;
}

/* ---- known ones -------------------------------------------------------- */

/* An error about a packet that left by the mirror of a side. */
static void
fwd_filter_error(struct fwd *fw, const struct fwd_trip *tr,
    struct fwd_found *fo)
{
	const struct pv_net_pkt *np = &tr->tr_fb->fb_pkt;
	const struct fwd_hdr *hd = &tr->tr_hd;
	const struct fwd_key *other;
	struct fwd_key key, back;
	struct fwd_hdr in;
	unsigned int at = hd->hd_l4 + 8;
	struct fwd_side *sd;

	/* peer: it may quote anything. */
	if (fwd_hdr_quoted(&in, fwd_buf_head(tr->tr_fb) + at,
	    np->np_iov[0].iov_len - at, hd->hd_version) != 0 || in.hd_l4 == 0)
		return;
	fwd_state_key(&key, &in, tr->tr_net);
	fwd_state_mirror(&back, &key, tr->tr_net);
	sd = fwd_state_find(&fw->fw_states, &back);
	if (sd == NULL)
		return;
	other = &sd[sd->sd_index == 0 ? 1 : -1].sd_key;
	fo->fo_known = fo->fo_error = true;
	fo->fo_side = sd;
	fo->fo_quoted = *other;
	fwd_state_key(&fo->fo_leave, hd, tr->tr_net);
	fo->fo_leave.ky_dst = other->ky_src;
	/* What is behind a translation does not show itself. */
	if (sd->sd_index == 0)
		fo->fo_leave.ky_src = other->ky_dst;
}

/* A later fragment goes where the first one went. */
static void
fwd_filter_later(struct fwd *fw, const struct fwd_trip *tr,
    const struct fwd_key *key, struct fwd_found *fo)
{
	const struct fwd_frag *fg = fwd_state_fragof(&fw->fw_states, key,
	    tr->tr_hd.hd_id, fw->fw_now);

	if (fg == NULL)
		return;
	fo->fo_known = true;
	fo->fo_leave = *key;
	fo->fo_leave.ky_src = fg->fg_src;
	fo->fo_leave.ky_dst = fg->fg_dst;
}

void
fwd_filter_find(struct fwd *fw, const struct fwd_trip *tr,
    struct fwd_found *fo)
{
	const struct fwd_hdr *hd = &tr->tr_hd;
	const struct fwd_side *other;
	struct fwd_key key;

	memset(fo, 0, sizeof(*fo));
	fwd_state_key(&key, hd, tr->tr_net);
	fo->fo_leave = key;
	if ((hd->hd_flags & FWD_HDR_LATER) != 0) {
		fwd_filter_later(fw, tr, &key, fo);
		return;
	}
	if ((hd->hd_flags & FWD_HDR_ERROR) != 0) {
		fwd_filter_error(fw, tr, fo);
		return;
	}
	fo->fo_side = fwd_state_find(&fw->fw_states, &key);
	if (fo->fo_side == NULL)
		return;
	fo->fo_known = true;
	other = fo->fo_side + (fo->fo_side->sd_index == 0 ? 1 : -1);
	fwd_state_mirror(&fo->fo_leave, &other->sd_key, tr->tr_net);
}

/* ---- first ones -------------------------------------------------------- */

static bool
fwd_filter_ported(const struct fwd_key *ky)
{
	return ky->ky_proto == FWD_TCP || ky->ky_proto == FWD_UDP ||
	    ky->ky_proto == FWD_ICMP;
}

/*
 * How the answer will look, with our address as the one to answer to, and a
 * port that is free: the same if it may be.
 */
static struct fwd_state *
fwd_filter_translate(struct fwd *fw, struct fwd_key key[2], unsigned int port,
    const struct fwd_addr *to)
{
	bool echo = key[0].ky_proto == FWD_ICMP;
	unsigned int i;

	key[1].ky_dst = *to;
	for (i = 0; i < FWD_FILTER_TRIES && fwd_filter_ported(&key[0]); i++) {
		if (fwd_state_find(&fw->fw_states, &key[1]) == NULL)
			break;
		key[1].ky_dport = (uint16_t)(FWD_FILTER_PORTS +
		    fw->fw_ops->fo_random() % (65536 - FWD_FILTER_PORTS));
		if (echo)
			key[1].ky_sport = key[1].ky_dport;
	}
	return fwd_state_make(&fw->fw_states, key, port, fw->fw_now);
}

/* Does a packet that leaves for a network get its address there? */
static bool
fwd_filter_nat(const struct fwd *fw, const struct fwd_trip *tr,
    unsigned int outnet)
{
	const struct fwd_net_conf *nc = &fw->fw_conf.co_net[outnet];

	return nc->nc_nat && tr->tr_hd.hd_version == 4 &&
	    outnet != tr->tr_net &&
	    fwd_addr_in(&nc->nc_natfrom, &tr->tr_hd.hd_src, 4);
}

static bool
fwd_filter_open(struct fwd *fw, const struct fwd_trip *tr,
    unsigned int outnet, struct fwd_found *fo)
{
	const struct fwd_addr *addr = &fw->fw_net[outnet].nt_addr4;
	bool nat = fwd_filter_nat(fw, tr, outnet);
	struct fwd_state *st;
	struct fwd_key key[2];

	/* A fragment whose first one went unseen has no place. */
	if ((tr->tr_hd.hd_flags & FWD_HDR_LATER) != 0)
		return false;
	if (!fwd_filter_opens(&tr->tr_hd) || (nat && fwd_addr_zero(addr)))
		return !nat;
	fwd_state_key(&key[0], &tr->tr_hd, tr->tr_net);
	fwd_state_mirror(&key[1], &key[0], outnet);
	if (nat)
		st = fwd_filter_translate(fw, key, tr->tr_in, addr);
	else
		st = fwd_state_make(&fw->fw_states, key, tr->tr_in,
		    fw->fw_now);
	if (st == NULL)
		return false;
	fo->fo_known = true;
	fo->fo_side = &st->st_side[0];
	fwd_state_mirror(&fo->fo_leave, &key[1], tr->tr_net);
	return true;
}

/*
 * Is it of a connection between these ports?  Within a network the sender
 * chooses the port, by the Ethernet address, whatever the IP address says.
 */
static bool
fwd_filter_fits(const struct fwd_trip *tr, unsigned int out,
    const struct fwd_found *fo)
{
	const struct fwd_state *st;

	if (!fo->fo_known || fo->fo_side == NULL)
		return fo->fo_known;
	st = fwd_state_of(fo->fo_side);
	if (st->st_side[0].sd_key.ky_net != st->st_side[1].sd_key.ky_net)
		return true;
	if (fo->fo_side->sd_index == 0)
		return tr->tr_in == st->st_port && out == st->st_out;
	return tr->tr_in == st->st_out && out == st->st_port;
}

bool
fwd_filter_may(struct fwd *fw, const struct fwd_trip *tr, unsigned int out,
    unsigned int outnet, struct fwd_found *fo)
{
	uint16_t rule = FWD_STATE_NORULE;
	struct fwd_state *st;

	if (fwd_filter_fits(tr, out, fo))
		return true;
	/* What this domain sends itself is its own affair. */
	if (!fw->fw_port[tr->tr_in].pt_self &&
	    !fwd_rule_allows(fw, &tr->tr_hd, tr->tr_in, out, &rule))
		return false;
	if (!fw->fw_active)
		return true;
	if (!fo->fo_known && !fwd_filter_open(fw, tr, outnet, fo))
		return false;
	if (fo->fo_side == NULL)
		return true;
	st = fwd_state_of(fo->fo_side);
	if (fo->fo_error || fo->fo_side->sd_index != 0 ||
	    st->st_port != tr->tr_in) {
		/* By the rules alone: the connection is not this one's. */
		fo->fo_known = fo->fo_error = false;
		fo->fo_side = NULL;
		return true;
	}
	st->st_out = (uint8_t)out;
	st->st_rule = rule;
	return true;
}

void
fwd_filter_pass(struct fwd *fw, const struct fwd_trip *tr,
    const struct fwd_found *fo)
{
	const struct fwd_hdr *hd = &tr->tr_hd;
	struct fwd_frag fg;

	if (fo->fo_side == NULL || fo->fo_error)
		return;
	fwd_state_pass(&fw->fw_states, fo->fo_side, hd, fw->fw_now);
	if ((hd->hd_flags & FWD_HDR_FRAG) == 0)
		return;
	memset(&fg, 0, sizeof(fg));
	fwd_state_key(&fg.fg_key, hd, tr->tr_net);
	fg.fg_id = hd->hd_id;
	fg.fg_src = fo->fo_leave.ky_src;
	fg.fg_dst = fo->fo_leave.ky_dst;
	fwd_state_frag(&fw->fw_states, &fg, fw->fw_now);
}

/* ---- within a network -------------------------------------------------- */

bool
fwd_filter_bridge(struct fwd *fw, const struct fwd_trip *tr, unsigned int out)
{
	const struct fwd_hdr *hd = &tr->tr_hd;
	struct fwd_found fo;

	if (!fw->fw_active || hd->hd_type == FWD_TYPE_ARP ||
	    fwd_filter_free(hd) ||
	    (fw->fw_port[out].pt_self && fwd_filter_dhcp(fw, tr)))
		return true;
	if (hd->hd_version == 0)
		return fw->fw_conf.co_default ||
		    fw->fw_port[tr->tr_in].pt_self;
	fwd_filter_find(fw, tr, &fo);
	if (!fwd_filter_may(fw, tr, out, tr->tr_net, &fo))
		return false;
	fwd_filter_pass(fw, tr, &fo);
	return true;
}
