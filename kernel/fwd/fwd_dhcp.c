/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_dhcp.c -- see fwd_dhcp.h.
 * Source: RFC 2131, 2132.
 */

#include <string.h>

#include <net/bigend.h>

#include "fwd_dhcp.h"

#define FWD_DHCP_SEC	1000000000ull
#define FWD_DHCP_OFFER	(60 * FWD_DHCP_SEC)	/* an offer stands */
#define FWD_DHCP_SHUN	(600 * FWD_DHCP_SEC)	/* another host has it */
#define FWD_DHCP_FIXED	240			/* bytes before options */
#define FWD_DHCP_MAGIC	0x63825363

enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM };

/* A request, taken apart. */
struct fwd_dhcp_msg {
	const uint8_t	*dm_head;
	const uint8_t	*dm_mac;
	uint8_t		 dm_type;
	uint32_t	 dm_ciaddr, dm_want, dm_server;	/* 0: not said */
};

static bool
fwd_dhcp_option(struct fwd_dhcp_msg *dm, const uint8_t *p)
{
	if (p[0] == 53 && p[1] == 1)
		dm->dm_type = p[2];
	else if (p[0] == 50 && p[1] == 4)
		dm->dm_want = bigend_get(p + 2, 4);
	else if (p[0] == 54 && p[1] == 4)
		dm->dm_server = bigend_get(p + 2, 4);
	return p[0] != 255;
}

static bool
fwd_dhcp_parse(struct fwd_dhcp_msg *dm, const struct fwd_dhcp_at *da,
    const uint8_t *p, size_t len)
{
	size_t i;

	memset(dm, 0, sizeof(*dm));
	/* A request, Ethernet, not through a relay, with options. */
	if (len < FWD_DHCP_FIXED || p[0] != 1 || p[1] != 1 || p[2] != 6 ||
	    bigend_get(p + 24, 4) != 0 ||
	    bigend_get(p + 236, 4) != FWD_DHCP_MAGIC)
		return false;
	dm->dm_head = p;
	dm->dm_mac = p + 28;
	dm->dm_ciaddr = bigend_get(p + 12, 4);
	/* Nobody asks for another. */
	if (memcmp(dm->dm_mac, da->da_mac, 6) != 0)
		return false;
	for (i = FWD_DHCP_FIXED; i < len; i += 2u + p[i + 1]) {
		while (i < len && p[i] == 0)
			i++;
		if (i + 2 > len || i + 2 + p[i + 1] > len ||
		    !fwd_dhcp_option(dm, p + i))
			break;
	}
	return dm->dm_type != 0;
}

/* ---- leases ------------------------------------------------------------ */

static bool
fwd_dhcp_is(const struct fwd_lease *le, const struct fwd_dhcp_at *da,
    const uint8_t mac[6])
{
	return le->le_addr != 0 && le->le_net == da->da_net &&
	    memcmp(le->le_mac, mac, 6) == 0;
}

/* The client's lease, or who has an address; or NULL. */
static struct fwd_lease *
fwd_dhcp_find(struct fwd_dhcp *dh, const struct fwd_dhcp_at *da,
    const uint8_t *mac, uint32_t addr)
{
	struct fwd_lease *le;

	for (le = dh->dh_lease; le < dh->dh_lease + FWD_NLEASE; le++) {
		if (mac != NULL ? fwd_dhcp_is(le, da, mac) : le->le_addr ==
		    addr && le->le_net == da->da_net)
			return le;
	}
	return NULL;
}

/* The address that the operator has chosen for a client, or 0. */
static uint32_t
fwd_dhcp_host(const struct fwd_dhcp_at *da, const uint8_t mac[6])
{
	const struct fwd_conf *co = da->da_conf;
	const struct fwd_net_conf *nc = &co->co_net[da->da_net];
	unsigned int i;

	for (i = 0; i < co->co_nhost; i++) {
		if (memcmp(co->co_host[i].ho_mac, mac, 6) == 0 &&
		    fwd_addr_in(&nc->nc_addr4, &co->co_host[i].ho_addr, 4))
			return fwd_addr_num(&co->co_host[i].ho_addr);
	}
	return 0;
}

/* Was an address chosen for some other client? */
static bool
fwd_dhcp_taken(const struct fwd_dhcp_at *da, const uint8_t mac[6],
    uint32_t addr)
{
	const struct fwd_conf *co = da->da_conf;
	unsigned int i;

	for (i = 0; i < co->co_nhost; i++) {
		if (fwd_addr_num(&co->co_host[i].ho_addr) == addr &&
		    memcmp(co->co_host[i].ho_mac, mac, 6) != 0)
			return true;
	}
	return addr == fwd_addr_num(
	    &co->co_net[da->da_net].nc_addr4.pr_addr);
}

/* May the client have that address? */
static bool
fwd_dhcp_may(struct fwd_dhcp *dh, const struct fwd_dhcp_at *da,
    const uint8_t mac[6], uint32_t addr)
{
	const struct fwd_net_conf *nc = &da->da_conf->co_net[da->da_net];
	uint32_t host = fwd_dhcp_host(da, mac);
	struct fwd_lease *le;

	if (host != 0)
		return addr == host;
	if (addr < nc->nc_first || addr > nc->nc_last ||
	    fwd_dhcp_taken(da, mac, addr))
		return false;
	le = fwd_dhcp_find(dh, da, NULL, addr);
	return le == NULL || memcmp(le->le_mac, mac, 6) == 0 ||
	    le->le_until <= da->da_now;
}

/* An address for the client, or 0: there is none left. */
static uint32_t
fwd_dhcp_choose(struct fwd_dhcp *dh, const struct fwd_dhcp_at *da,
    const struct fwd_dhcp_msg *dm)
{
	const struct fwd_net_conf *nc = &da->da_conf->co_net[da->da_net];
	struct fwd_lease *le = fwd_dhcp_find(dh, da, dm->dm_mac, 0);
	uint32_t host = fwd_dhcp_host(da, dm->dm_mac), i, n;

	if (host != 0)
		return host;
	if (le != NULL && fwd_dhcp_may(dh, da, dm->dm_mac, le->le_addr))
		return le->le_addr;
	if (dm->dm_want != 0 && fwd_dhcp_may(dh, da, dm->dm_mac, dm->dm_want))
		return dm->dm_want;
	/* One more than there can be leases is enough to look at. */
	n = nc->nc_last - nc->nc_first;
	n = n < 2 * FWD_NLEASE ? n : 2 * FWD_NLEASE;
	for (i = 0; i <= n; i++) {
		if (fwd_dhcp_may(dh, da, dm->dm_mac, nc->nc_first + i))
			return nc->nc_first + i;
	}
	return 0;
}

/* Note that the client has an address until then.  false: no room. */
static bool
fwd_dhcp_note(struct fwd_dhcp *dh, const struct fwd_dhcp_at *da,
    const uint8_t mac[6], uint32_t addr, uint64_t ns)
{
	struct fwd_lease *le, *old = fwd_dhcp_find(dh, da, mac, 0);

	if (old != NULL && old->le_addr != addr)
		old->le_addr = 0;
	le = fwd_dhcp_find(dh, da, NULL, addr);
	for (old = dh->dh_lease; le == NULL && old < dh->dh_lease +
	    FWD_NLEASE; old++) {
		if (old->le_addr == 0 || old->le_until <= da->da_now)
			le = old;
	}
	if (le == NULL) {
		dh->dh_nfull++;
		return false;
	}
	le->le_addr = addr;
	le->le_net = (uint8_t)da->da_net;
	memcpy(le->le_mac, mac, 6);
	le->le_bound = ns != FWD_DHCP_OFFER;
	le->le_until = da->da_now + ns;
	return true;
}

/* ---- answers ----------------------------------------------------------- */

static uint8_t *
fwd_dhcp_put(uint8_t *p, uint8_t option, uint32_t v)
{
	*p++ = option;
	*p++ = 4;
	bigend_put(p, 4, v);
	return p + 4;
}

/* What a network's hosts need to know. */
static uint8_t *
fwd_dhcp_about(const struct fwd_dhcp_at *da, uint8_t *p)
{
	const struct fwd_net_conf *nc = &da->da_conf->co_net[da->da_net];
	uint32_t self = fwd_addr_num(&nc->nc_addr4.pr_addr);
	const struct fwd_addr *dns = fwd_addr_zero(&nc->nc_dns) ?
	    &da->da_dns : &nc->nc_dns;

	p = fwd_dhcp_put(p, 1, (uint32_t)(0xffffffff00000000ull >>
	    nc->nc_addr4.pr_len));
	p = fwd_dhcp_put(p, 3, self);
	if (!fwd_addr_zero(dns))
		p = fwd_dhcp_put(p, 6, fwd_addr_num(dns));
	return p;
}

static size_t
fwd_dhcp_make(const struct fwd_dhcp_at *da, const struct fwd_dhcp_msg *dm,
    uint8_t type, uint32_t addr, uint8_t *out)
{
	const struct fwd_net_conf *nc = &da->da_conf->co_net[da->da_net];
	uint8_t *p = out + FWD_DHCP_FIXED;

	memset(out, 0, FWD_DHCP_MAX);
	memcpy(out, dm->dm_head, 12);	/* xid and flags, too */
	out[0] = 2;
	out[3] = 0;
	if (type == ACK)
		bigend_put(out + 12, 4, dm->dm_ciaddr);
	bigend_put(out + 16, 4, addr);
	memcpy(out + 28, dm->dm_head + 28, 16);
	bigend_put(out + 236, 4, FWD_DHCP_MAGIC);
	*p++ = 53;
	*p++ = 1;
	*p++ = type;
	p = fwd_dhcp_put(p, 54, fwd_addr_num(&nc->nc_addr4.pr_addr));
	if (addr != 0)
		p = fwd_dhcp_put(p, 51, nc->nc_lease);
	if (type != NAK)
		p = fwd_dhcp_about(da, p);
	*p++ = 255;
	/* Some clients take no less than BOOTP's 300 bytes. */
	return p - out < 300 ? 300 : (size_t)(p - out);
}

static size_t
fwd_dhcp_discover(struct fwd_dhcp *dh, const struct fwd_dhcp_at *da,
    const struct fwd_dhcp_msg *dm, uint8_t *out)
{
	uint32_t addr = fwd_dhcp_choose(dh, da, dm);
	struct fwd_lease *le = fwd_dhcp_find(dh, da, dm->dm_mac, 0);

	if (addr == 0) {
		dh->dh_nfull++;
		return 0;
	}
	/* One that it has, it keeps. */
	if ((le == NULL || le->le_addr != addr || !le->le_bound ||
	    le->le_until <= da->da_now) &&
	    !fwd_dhcp_note(dh, da, dm->dm_mac, addr, FWD_DHCP_OFFER))
		return 0;
	dh->dh_noffer++;
	return fwd_dhcp_make(da, dm, OFFER, addr, out);
}

static size_t
fwd_dhcp_request(struct fwd_dhcp *dh, const struct fwd_dhcp_at *da,
    const struct fwd_dhcp_msg *dm, uint8_t *out)
{
	const struct fwd_net_conf *nc = &da->da_conf->co_net[da->da_net];
	uint32_t addr = dm->dm_want != 0 ? dm->dm_want : dm->dm_ciaddr;

	/* It has taken another server's offer. */
	if (dm->dm_server != 0 &&
	    dm->dm_server != fwd_addr_num(&nc->nc_addr4.pr_addr))
		return 0;
	if (!fwd_dhcp_may(dh, da, dm->dm_mac, addr) ||
	    !fwd_dhcp_note(dh, da, dm->dm_mac, addr,
	    nc->nc_lease * FWD_DHCP_SEC)) {
		dh->dh_nnak++;
		return fwd_dhcp_make(da, dm, NAK, 0, out);
	}
	dh->dh_nack++;
	return fwd_dhcp_make(da, dm, ACK, addr, out);
}

/* The client does not want its address any more, or not to be had. */
static void
fwd_dhcp_return(struct fwd_dhcp *dh, const struct fwd_dhcp_at *da,
    const struct fwd_dhcp_msg *dm)
{
	struct fwd_lease *le = fwd_dhcp_find(dh, da, dm->dm_mac, 0);

	if (le == NULL)
		return;
	if (dm->dm_type == RELEASE && le->le_addr == dm->dm_ciaddr) {
		le->le_until = da->da_now;
	} else if (dm->dm_type == DECLINE && le->le_addr == dm->dm_want) {
		memset(le->le_mac, 0, 6);
		le->le_until = da->da_now + FWD_DHCP_SHUN;
	}
}

size_t
fwd_dhcp_answer(struct fwd_dhcp *dh, const struct fwd_dhcp_at *da,
    const uint8_t *msg, size_t len, uint8_t out[FWD_DHCP_MAX])
{
	struct fwd_dhcp_msg dm;

	if (!fwd_dhcp_parse(&dm, da, msg, len))
		return 0;
	dh->dh_nask++;
	switch (dm.dm_type) {
	case DISCOVER:
		return fwd_dhcp_discover(dh, da, &dm, out);
	case REQUEST:
		return fwd_dhcp_request(dh, da, &dm, out);
	case INFORM:
		dh->dh_nack++;
		return fwd_dhcp_make(da, &dm, ACK, 0, out);
	default:
		fwd_dhcp_return(dh, da, &dm);
		return 0;
	}
}

uint32_t
fwd_dhcp_dst(const uint8_t out[FWD_DHCP_MAX])
{
	uint32_t ciaddr = bigend_get(out + 12, 4);

	if (ciaddr != 0)
		return ciaddr;
	return (out[10] & 0x80) != 0 ? 0 : bigend_get(out + 16, 4);
}
