/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_mac.c -- see fwd_mac.h.
 */

#include <string.h>

#include "fwd_mac.h"

#define FWD_MAC_WAYS	8		/* places of an address */

static unsigned int
fwd_mac_hash(unsigned int net, const uint8_t mac[6])
{
	uint32_t h = net;
	unsigned int i;

	for (i = 0; i < 6; i++)
		h = (h ^ mac[i]) * 0x01000193u;
	h ^= h >> 15;
	return h % (FWD_MAC_N / FWD_MAC_WAYS) * FWD_MAC_WAYS;
}

static void
fwd_mac_free(struct fwd_mactab *mt, struct fwd_mac *ma)
{
	mt->mt_count[ma->ma_port]--;
	ma->ma_seen = 0;
}

static bool
fwd_mac_is(const struct fwd_mac *ma, unsigned int net, const uint8_t mac[6])
{
	return ma->ma_seen != 0 && ma->ma_net == net &&
	    memcmp(ma->ma_mac, mac, 6) == 0;
}

void
fwd_mac_learn(struct fwd_mactab *mt, const struct fwd_mac *new)
{
	struct fwd_mac *ma = &mt->mt_mac[fwd_mac_hash(new->ma_net,
	    new->ma_mac)], *old = ma;
	unsigned int i;

	for (i = 0; i < FWD_MAC_WAYS; i++) {
		if (fwd_mac_is(&ma[i], new->ma_net, new->ma_mac))
			break;
		if (ma[i].ma_seen < old->ma_seen)
			old = &ma[i];
	}
	if (i < FWD_MAC_WAYS) {
		old = &ma[i];
		mt->mt_nmoved += old->ma_port != new->ma_port;
	}
	/* In its own place, or in that of one of the same port, it may. */
	if (mt->mt_count[new->ma_port] >= FWD_MAC_N / 4 &&
	    (old->ma_seen == 0 || old->ma_port != new->ma_port)) {
		mt->mt_nrefused++;
		return;
	}
	if (old->ma_seen != 0)
		fwd_mac_free(mt, old);
	*old = *new;
	mt->mt_count[new->ma_port]++;
}

int
fwd_mac_find(const struct fwd_mactab *mt, unsigned int net,
    const uint8_t mac[6], uint64_t now)
{
	const struct fwd_mac *ma = &mt->mt_mac[fwd_mac_hash(net, mac)];
	unsigned int i;

	for (i = 0; i < FWD_MAC_WAYS; i++) {
		if (fwd_mac_is(&ma[i], net, mac) &&
		    now - ma[i].ma_seen < FWD_MAC_AGE)
			return ma[i].ma_port;
	}
	return -1;
}

void
fwd_mac_forget(struct fwd_mactab *mt, unsigned int port)
{
	unsigned int i;

	for (i = 0; i < FWD_MAC_N; i++) {
		if (mt->mt_mac[i].ma_seen != 0 && mt->mt_mac[i].ma_port == port)
			fwd_mac_free(mt, &mt->mt_mac[i]);
	}
}

void
fwd_mac_expire(struct fwd_mactab *mt, uint64_t now)
{
	struct fwd_mac *ma;

	for (ma = mt->mt_mac; ma < mt->mt_mac + FWD_MAC_N; ma++) {
		if (ma->ma_seen != 0 && now - ma->ma_seen >= FWD_MAC_AGE)
			fwd_mac_free(mt, ma);
	}
}
