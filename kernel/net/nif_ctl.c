/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nif_ctl.c -- what an interface's device is told and tells: which addresses
 * to take packets of, and when others should learn where we are.
 *
 * The multicast groups that lwIP joins become the device's filter, with the
 * group of all IPv6 nodes, which nobody joins but everybody is in.  More than
 * fit: all multicast.
 */

#include <string.h>

#include <pv/errno.h>

#include "lwip/etharp.h"
#include "lwip/icmp6.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip6.h"
#include "lwip/nd6.h"
#include "lwip/prot/nd6.h"

#include "net.h"
#include "nif_ctl.h"

#define NIF_CTL_HOPS	255		/* proof that no router passed it on */

/* ---- filter ------------------------------------------------------------ */

/* Tell the device the whole filter.  Lock: lwIP's. */
static int
nif_ctl_filter(struct nif *nif)
{
	static const uint8_t nodes[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	struct pv_net_set ns = { .ns_what = PV_NET_SET_FILTER };
	uint8_t mac[NIF_NGROUP + 1][6];
	unsigned int i;

	if (nif->nif_gone || nif->nif_nt->nt_ops->no_set == NULL)
		return -PV_EOPNOTSUPP;
	memcpy(mac[ns.ns_nmac++], nodes, 6);
	for (i = 0; i < NIF_NGROUP; i++) {
		if (nif->nif_group[i].ng_refs > 0)
			memcpy(mac[ns.ns_nmac++], nif->nif_group[i].ng_mac, 6);
	}
	ns.ns_mac = (const uint8_t (*)[6])mac;
	ns.ns_flags = nif->nif_filter |
	    (nif->nif_nlost > 0 ? PV_NET_ALLMULTI : 0);
	return nif->nif_nt->nt_ops->no_set(nif->nif_nt->nt_sc, &ns);
}

/* The group of that address, or a free one, or NULL. */
static struct nif_group *
nif_ctl_group(struct nif *nif, const uint8_t mac[6])
{
	struct nif_group *ng, *empty = NULL;
	unsigned int i;

	for (i = 0; i < NIF_NGROUP; i++) {
		ng = &nif->nif_group[i];
		if (ng->ng_refs == 0)
			empty = ng;
		else if (memcmp(ng->ng_mac, mac, 6) == 0)
			return ng;
	}
	return empty;
}

/* netif.mld_mac_filter: groups of one Ethernet address are several. */
static err_t
nif_ctl_mld(struct netif *netif, const ip6_addr_t *group,
    enum netif_mac_filter_action action)
{
	struct nif *nif = netif->state;
	uint8_t mac[6] = { 0x33, 0x33 };
	struct nif_group *ng;

	memcpy(mac + 2, &group->addr[3], 4);
	ng = nif_ctl_group(nif, mac);
	if (ng == NULL || (ng->ng_refs == 0 &&
	    action == NETIF_DEL_MAC_FILTER)) {
		nif->nif_nlost += action == NETIF_ADD_MAC_FILTER ? 1 : -1;
	} else if (action == NETIF_ADD_MAC_FILTER) {
		memcpy(ng->ng_mac, mac, 6);
		ng->ng_refs++;
	} else {
		ng->ng_refs--;
	}
	(void)nif_ctl_filter(nif);
	return ERR_OK;
}

/* ---- announcing -------------------------------------------------------- */

/*
 * An unsolicited neighbour advertisement of one address, to all nodes, that
 * replaces what they know (RFC 4861, 7.2.6).
 */
static void
nif_ctl_advertise(struct netif *netif, const ip6_addr_t *addr)
{
	static const ip6_addr_t all = { { PP_HTONL(0xff020000), 0, 0,
	    PP_HTONL(1) }, IP6_NO_ZONE };
	u16_t len = sizeof(struct na_header) + 8;
	struct pbuf *p = pbuf_alloc(PBUF_IP, len, PBUF_RAM);
	struct na_header *na;
	ip6_addr_t dest = all;
	uint8_t *opt;

	if (p == NULL)
		return;
	ip6_addr_assign_zone(&dest, IP6_MULTICAST, netif);
	na = p->payload;
	memset(na, 0, len);
	na->type = ICMP6_TYPE_NA;
	na->flags = ND6_FLAG_OVERRIDE;
	ip6_addr_copy_to_packed(na->target_address, *addr);
	opt = (uint8_t *)(na + 1);
	opt[0] = ND6_OPTION_TYPE_TARGET_LLADDR;
	opt[1] = 1;
	memcpy(opt + 2, netif->hwaddr, 6);
	na->chksum = ip6_chksum_pseudo(p, IP6_NEXTH_ICMP6, len, addr, &dest);
	(void)ip6_output_if(p, addr, &dest, NIF_CTL_HOPS, 0, IP6_NEXTH_ICMP6,
	    netif);
	pbuf_free(p);
}

/* lwIP's thread.  Holds a reference. */
static void
nif_ctl_announced(void *arg)
{
	struct nif *nif = arg;
	struct netif *netif = &nif->nif_netif;
	s8_t i;

	if (!nif->nif_gone && netif_is_up(netif)) {
		if (!ip4_addr_isany(netif_ip4_addr(netif)))
			(void)etharp_gratuitous(netif);
		for (i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
			if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i)))
				nif_ctl_advertise(netif,
				    netif_ip6_addr(netif, i));
		}
	}
	nif_put(nif);
}

/* pv_net.nt_announce.  Context: deferred. */
static void
nif_ctl_announce(struct pv_net *nt)
{
	struct nif *nif = nif_get(nt);

	if (nif != NULL &&
	    tcpip_try_callback(nif_ctl_announced, nif) != ERR_OK)
		nif_put(nif);
}

/* ---- life -------------------------------------------------------------- */

/*
 * A new interface: nothing but what is for us.
 * Context: thread.  Lock: lwIP's, taken.
 */
void
nif_ctl_attach(struct nif *nif)
{
	LOCK_TCPIP_CORE();
	netif_set_mld_mac_filter(&nif->nif_netif, nif_ctl_mld);
	nif->nif_nt->nt_announce = nif_ctl_announce;
	(void)nif_ctl_filter(nif);
	UNLOCK_TCPIP_CORE();
}

/* Lock: lwIP's. */
static int
nif_ctl_set(struct nif *nif, struct pv_net_set *ns)
{
	int rv;

	if (nif->nif_gone)
		return -PV_ENXIO;
	if (nif->nif_nt->nt_ops->no_set == NULL)
		return -PV_EOPNOTSUPP;
	if (ns->ns_what == PV_NET_SET_FILTER) {
		nif->nif_filter &= ~ns->ns_flags;
		if (ns->ns_on)
			nif->nif_filter |= ns->ns_flags;
		return nif_ctl_filter(nif);
	}
	if (ns->ns_what == PV_NET_SET_OFFLOAD) {
		nif->nif_norecv |= ns->ns_flags;
		if (ns->ns_on)
			nif->nif_norecv &= ~ns->ns_flags;
		ns->ns_flags = ~nif->nif_norecv;
	}
	rv = nif->nif_nt->nt_ops->no_set(nif->nif_nt->nt_sc, ns);
	if (rv == 0 && ns->ns_what == PV_NET_SET_MAC) {
		memcpy(nif->nif_netif.hwaddr, ns->ns_mac[0], 6);
		(void)etharp_gratuitous(&nif->nif_netif);
	}
	return rv;
}

/*
 * net_set -- set something of the named interface; see net.h
 *
 * Context: thread.  Lock: lwIP's, taken.
 */
int
net_set(const char *name, struct pv_net_set *ns)
{
	struct nif *nif;
	unsigned int n;
	int rv;

	for (n = 0; (nif = nif_get_nth(n)) != NULL; n++) {
		if (strcmp(nif->nif_name, name) == 0)
			break;
		nif_put(nif);
	}
	if (nif == NULL)
		return -PV_ENOENT;
	LOCK_TCPIP_CORE();
	rv = nif_ctl_set(nif, ns);
	UNLOCK_TCPIP_CORE();
	nif_put(nif);
	return rv;
}
