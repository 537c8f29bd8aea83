/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_neigh.c -- see fwd_neigh.h.
 * Source: RFC 826, 4861.
 */

#include <string.h>

#include <net/bigend.h>

#include "fwd.h"
#include "fwd_make.h"

#define FWD_NEIGH_SEC	1000000000ull
#define FWD_NEIGH_FRESH	(30 * FWD_NEIGH_SEC)	/* then it is asked again */
#define FWD_NEIGH_TRIES	3
#define FWD_NEIGH_UNUSED (120 * FWD_NEIGH_SEC)	/* then it is forgotten */

/* ---- asking ------------------------------------------------------------ */

static struct fwd_buf *
fwd_neigh_arp(const struct fwd_net *nt, const struct fwd_neigh *ne)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
	struct fwd_buf *fb = fwd_buf_alloc(FWD_ETHER + 28);
	uint8_t *p;

	if (fb == NULL)
		return NULL;
	p = fwd_buf_head(fb);
	fwd_make_ether(p, all, nt->nt_mac, FWD_TYPE_ARP);
	p += FWD_ETHER;
	bigend_put(p, 4, 0x00010800);
	bigend_put(p + 4, 4, 0x06040001);
	memcpy(p + 8, nt->nt_mac, 6);
	memcpy(p + 14, nt->nt_addr4.ad_byte, 4);
	memset(p + 18, 0, 6);
	memcpy(p + 24, ne->ne_addr.ad_byte, 4);
	return fb;
}

/* A neighbour solicitation, to the group of those whose address ends so. */
static struct fwd_buf *
fwd_neigh_solicit(const struct fwd_net *nt, const struct fwd_neigh *ne)
{
	struct fwd_make mk = { .mk_version = 6, .mk_proto = FWD_ICMP6,
	    .mk_ttl = 255, .mk_src = nt->nt_local6 };
	uint8_t msg[32] = { 135 };

	memcpy(mk.mk_from, nt->nt_mac, 6);
	bigend_put(mk.mk_to, 2, 0x3333);
	mk.mk_to[2] = 0xff;
	memcpy(mk.mk_to + 3, ne->ne_addr.ad_byte + 13, 3);
	mk.mk_dst.ad_byte[0] = 0xff;
	mk.mk_dst.ad_byte[1] = 2;
	mk.mk_dst.ad_byte[11] = 1;
	mk.mk_dst.ad_byte[12] = 0xff;
	memcpy(mk.mk_dst.ad_byte + 13, ne->ne_addr.ad_byte + 13, 3);
	memcpy(msg + 8, ne->ne_addr.ad_byte, 16);
	msg[24] = 1;
	msg[25] = 1;
	memcpy(msg + 26, nt->nt_mac, 6);
	return fwd_make_ip(&mk, msg, sizeof(msg));
}

static void
fwd_neigh_ask(struct fwd *fw, struct fwd_neigh *ne)
{
	const struct fwd_net *nt = &fw->fw_net[ne->ne_net];
	struct fwd_buf *fb = ne->ne_version == 4 ? fwd_neigh_arp(nt, ne) :
	    fwd_neigh_solicit(nt, ne);

	ne->ne_asked++;
	if (fb == NULL)
		return;
	fb->fb_port = nt->nt_self;
	fwd_flood(fw, ne->ne_net, fb);
}

/* ---- the table --------------------------------------------------------- */

static struct fwd_neigh *
fwd_neigh_find(struct fwd *fw, unsigned int net, const struct fwd_addr *ad,
    unsigned int version)
{
	struct fwd_neigh *ne;

	for (ne = fw->fw_neigh; ne < fw->fw_neigh + FWD_NNEIGH; ne++) {
		if (ne->ne_version == version && ne->ne_net == net &&
		    fwd_addr_eq(&ne->ne_addr, ad))
			return ne;
	}
	return NULL;
}

/* Forget one; packets that wait for it are lost. */
static void
fwd_neigh_free(struct fwd *fw, struct fwd_neigh *ne, bool tell)
{
	struct fwd_buf *fb;
	struct fwd_trip tr;

	ne->ne_version = 0;
	fw->fw_nwait -= ne->ne_nwait;
	while ((fb = ne->ne_wait) != NULL) {
		ne->ne_wait = fb->fb_next;
		tr.tr_fb = fb;
		tr.tr_in = fb->fb_port;
		tr.tr_net = (unsigned int)fw->fw_port[fb->fb_port].pt_net;
		if (tell && fwd_hdr_parse(&tr.tr_hd, &fb->fb_pkt) == 0)
			fwd_icmp_error(fw, &tr, FWD_NO_HOST, 0);
		fwd_drop(&tr, &fw->fw_port[fb->fb_port].pt_count.pc_lost);
	}
	memset(ne, 0, sizeof(*ne));
}

/* A place: a free one, or that of who was not needed for longest. */
static struct fwd_neigh *
fwd_neigh_place(struct fwd *fw)
{
	struct fwd_neigh *ne, *old = &fw->fw_neigh[0];

	for (ne = fw->fw_neigh; ne < fw->fw_neigh + FWD_NNEIGH; ne++) {
		if (ne->ne_version == 0)
			return ne;
		if (old->ne_known == ne->ne_known ?
		    ne->ne_used < old->ne_used : old->ne_known)
			old = ne;
	}
	fwd_neigh_free(fw, old, false);
	return old;
}

struct fwd_neigh *
fwd_neigh_get(struct fwd *fw, unsigned int net, const struct fwd_addr *ad,
    struct fwd_trip *tr)
{
	struct fwd_neigh *ne = fwd_neigh_find(fw, net, ad,
	    tr->tr_hd.hd_version);
	struct fwd_buf **end;

	if (ne == NULL) {
		ne = fwd_neigh_place(fw);
		ne->ne_addr = *ad;
		ne->ne_version = tr->tr_hd.hd_version;
		ne->ne_net = (uint8_t)net;
	}
	ne->ne_used = fw->fw_now;
	if (ne->ne_known)
		return ne;
	if (ne->ne_nwait == FWD_NEIGH_WAIT ||
	    fw->fw_nwait == FWD_NEIGH_ALL) {
		fwd_drop(tr, &fw->fw_port[tr->tr_in].pt_count.pc_lost);
		return NULL;
	}
	for (end = &ne->ne_wait; *end != NULL; end = &(*end)->fb_next)
		continue;
	tr->tr_fb->fb_port = tr->tr_in;
	tr->tr_fb->fb_next = NULL;
	*end = tr->tr_fb;
	ne->ne_nwait++;
	fw->fw_nwait++;
	if (ne->ne_asked == 0)
		fwd_neigh_ask(fw, ne);
	return NULL;
}

/* ---- hearing ----------------------------------------------------------- */

/* It is known now: those who wait go on. */
static void
fwd_neigh_known(struct fwd *fw, struct fwd_neigh *ne, const uint8_t mac[6],
    unsigned int port)
{
	struct fwd_buf *fb, *next = ne->ne_wait;
	struct fwd_trip tr;

	memcpy(ne->ne_mac, mac, 6);
	ne->ne_port = (uint8_t)port;
	ne->ne_known = true;
	ne->ne_heard = fw->fw_now;
	ne->ne_asked = 0;
	ne->ne_wait = NULL;
	fw->fw_nwait -= ne->ne_nwait;
	ne->ne_nwait = 0;
	while ((fb = next) != NULL) {
		next = fb->fb_next;
		fb->fb_next = NULL;
		tr.tr_fb = fb;
		tr.tr_in = fb->fb_port;
		tr.tr_net = (unsigned int)fw->fw_port[fb->fb_port].pt_net;
		if (fwd_hdr_parse(&tr.tr_hd, &fb->fb_pkt) == 0)
			fwd_route(fw, &tr);
		else
			fwd_buf_free(fb);
	}
}

/* The address that a packet tells of, and its Ethernet address; or NULL. */
static const uint8_t *
fwd_neigh_told(const struct fwd_trip *tr, struct fwd_addr *ad)
{
	const uint8_t *p = fwd_buf_head(tr->tr_fb);
	const struct fwd_hdr *hd = &tr->tr_hd;
	size_t len = tr->tr_fb->fb_pkt.np_iov[0].iov_len;

	memset(ad, 0, sizeof(*ad));
	if (hd->hd_type == FWD_TYPE_ARP && len >= hd->hd_l3 + 28u &&
	    bigend_get(p + hd->hd_l3, 4) == 0x00010800) {
		memcpy(ad->ad_byte, p + hd->hd_l3 + 14, 4);
		return p + hd->hd_l3 + 8;
	}
	if (hd->hd_proto != FWD_ICMP6 || hd->hd_l4 == 0 ||
	    p[hd->hd_l3 + 7] != 255 || hd->hd_end < hd->hd_l4 + 24u ||
	    len < hd->hd_l4 + 24u)
		return NULL;
	/* An answer's target; who asks has its own address in the header. */
	if (hd->hd_icmp == 136) {
		memcpy(ad->ad_byte, p + hd->hd_l4 + 8, 16);
		if (hd->hd_end >= hd->hd_l4 + 32u && len >= hd->hd_l4 + 32u &&
		    p[hd->hd_l4 + 24] == 2 && p[hd->hd_l4 + 25] == 1)
			return p + hd->hd_l4 + 26;
		return p + 6;
	}
	*ad = hd->hd_src;
	return hd->hd_icmp == 135 ? p + 6 : NULL;
}

void
fwd_neigh_hear(struct fwd *fw, const struct fwd_trip *tr)
{
	struct fwd_addr ad;
	const uint8_t *mac = fwd_neigh_told(tr, &ad);
	struct fwd_neigh *ne;

	if (mac == NULL || fw->fw_port[tr->tr_in].pt_self ||
	    (mac[0] & 1) != 0)
		return;
	ne = fwd_neigh_find(fw, tr->tr_net, &ad,
	    tr->tr_hd.hd_type == FWD_TYPE_ARP ? 4 : 6);
	if (ne != NULL)
		fwd_neigh_known(fw, ne, mac, tr->tr_in);
}

/* ---- time -------------------------------------------------------------- */

void
fwd_neigh_tick(struct fwd *fw)
{
	struct fwd_neigh *ne;
	bool stale;

	for (ne = fw->fw_neigh; ne < fw->fw_neigh + FWD_NNEIGH; ne++) {
		if (ne->ne_version == 0)
			continue;
		stale = !ne->ne_known ||
		    fw->fw_now - ne->ne_heard > FWD_NEIGH_FRESH;
		if (fw->fw_now - ne->ne_used > FWD_NEIGH_UNUSED ||
		    (stale && ne->ne_asked >= FWD_NEIGH_TRIES))
			fwd_neigh_free(fw, ne, true);
		else if (stale && (!ne->ne_known ||
		    ne->ne_used > ne->ne_heard))
			fwd_neigh_ask(fw, ne);
	}
}

void
fwd_neigh_forget(struct fwd *fw, unsigned int port)
{
	struct fwd_neigh *ne;
	struct fwd_buf *fb, **p;

	for (ne = fw->fw_neigh; ne < fw->fw_neigh + FWD_NNEIGH; ne++) {
		if (ne->ne_version == 0)
			continue;
		for (p = &ne->ne_wait; (fb = *p) != NULL; ) {
			if (fb->fb_port != port) {
				p = &fb->fb_next;
				continue;
			}
			*p = fb->fb_next;
			ne->ne_nwait--;
			fw->fw_nwait--;
			fwd_buf_free(fb);
		}
		if (ne->ne_known && ne->ne_port == port)
			fwd_neigh_free(fw, ne, false);
	}
}
