/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net.c -- interfaces of the guest and their addresses.
 *
 * Settings.  ip=ADDR/PREFIX[,GATEWAY[,DNS]] gives the first interface a fixed
 * IPv4 address, ip=none no IPv4 at all; otherwise, and on all others, DHCP is
 * asked.  IPv6 addresses come by themselves: a link-local one at once, others
 * when a router announces its prefix.
 *
 * Every change of an address passes through net_status(), lwIP's callback,
 * which logs what is new and wakes net_wait().
 */

#include <string.h>

#include <arch.h>
#include <cmdline.h>
#include <kernel.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <sync.h>

#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/nd6.h"
#include "lwip/timeouts.h"

#include "net.h"
#include "netmem.h"
#include "netorphan.h"
#include "nif.h"

#define NET_DHCPTIME	(10 * NSEC_PER_SEC)	/* then we complain */
#define NET_IFTIME	(10 * NSEC_PER_SEC)	/* after boot: likewise */
#define NET_PATROL	1000			/* ms */
#define NET_HOSTNAME	"domus"

enum net_how { NET_DHCP, NET_STATIC, NET_NONE };

static struct {
	enum net_how	 how;
	ip4_addr_t	 addr, mask, gw;
	bool		 taken;		/* some interface is nif_first */
} net_conf;

static struct mutex net_mutex;		/* net_gen */
static struct condvar net_cond;
static bool net_seen;			/* there has been an interface */
static unsigned int net_gen;		/* counts changes of addresses */

/* ---- settings ---------------------------------------------------------- */

/* Copy the text up to a separator; returns what is behind it, or NULL. */
static const char *
net_word(const char *s, char sep, char *out, size_t size)
{
	size_t n = 0;

	for (; *s != '\0' && *s != sep; s++)
		if (n < size - 1)
			out[n++] = *s;
	out[n] = '\0';
	return *s == sep ? s + 1 : NULL;
}

/* Parse a prefix length into a mask. */
static bool
net_mask(const char *s, ip4_addr_t *mask)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; s[i] >= '0' && s[i] <= '9' && i < 2; i++)
		n = n * 10 + (unsigned int)(s[i] - '0');
	if (i == 0 || s[i] != '\0' || n > 32)
		return false;
	ip4_addr_set_u32(mask, n == 0 ? 0 :
	    lwip_htonl(0xffffffffu << (32 - n)));
	return true;
}

/* Parse ADDR/PREFIX[,GATEWAY[,DNS]] into net_conf. */
static bool
net_parse(const char *s)
{
	char addr[NET_ADDRLEN], prefix[8], gw[NET_ADDRLEN], dns[NET_ADDRLEN];
	ip_addr_t server;

	s = net_word(s, '/', addr, sizeof(addr));
	if (s == NULL || !ip4addr_aton(addr, &net_conf.addr))
		return false;
	s = net_word(s, ',', prefix, sizeof(prefix));
	if (!net_mask(prefix, &net_conf.mask))
		return false;
	if (s == NULL)
		return true;
	s = net_word(s, ',', gw, sizeof(gw));
	if (gw[0] != '\0' && !ip4addr_aton(gw, &net_conf.gw))
		return false;
	if (s == NULL)
		return true;
	(void)net_word(s, ',', dns, sizeof(dns));
	if (!ipaddr_aton(dns, &server))
		return false;
	dns_setserver(0, &server);
	return true;
}

static void
net_settings(void)
{
	const char *s = cmdline_get("ip");

	net_conf.how = NET_DHCP;
	if (s == NULL || strcmp(s, "dhcp") == 0)
		return;
	if (strcmp(s, "none") == 0)
		net_conf.how = NET_NONE;
	else if (net_parse(s))
		net_conf.how = NET_STATIC;
	else
		klog(PV_LOG_ERR, "net: ip=%s is not ADDR/PREFIX[,GATEWAY[,DNS]]"
		    " (as in ip=10.0.2.15/24,10.0.2.2), dhcp or none; "
		    "using DHCP", s);
}

/* ---- addresses --------------------------------------------------------- */

/* The text of an address, in lower case. */
static void
net_ntoa(const ip_addr_t *ip, char *buf)
{
	if (ipaddr_ntoa_r(ip, buf, NET_ADDRLEN) == NULL)
		buf[0] = '\0';
	for (; *buf != '\0'; buf++)
		if (*buf >= 'A' && *buf <= 'F')
			*buf = (char)(*buf - 'A' + 'a');
}

static unsigned int
net_prefix(const ip4_addr_t *mask)
{
	uint32_t m = lwip_ntohl(ip4_addr_get_u32(mask));
	unsigned int n;

	for (n = 0; (m & 0x80000000u) != 0; m <<= 1)
		n++;
	return n;
}

/* The i-th address of an interface that is valid, IPv4 first; or NULL. */
static const ip_addr_t *
net_addr(const struct netif *netif, unsigned int i)
{
	unsigned int j;

	if (!ip4_addr_isany_val(*netif_ip4_addr(netif)) && i-- == 0)
		return netif_ip_addr4(netif);
	for (j = 0; j < LWIP_IPV6_NUM_ADDRESSES; j++)
		if (ip6_addr_isvalid(netif_ip6_addr_state(netif, j)) &&
		    i-- == 0)
			return netif_ip_addr6(netif, j);
	return NULL;
}

/* Log an IPv4 address with all that belongs to it. */
static void
net_say4(const struct nif *nif)
{
	const struct netif *netif = &nif->nif_netif;
	const ip4_addr_t *gw = netif_ip4_gw(netif);
	char addr[NET_ADDRLEN], gate[NET_ADDRLEN];

	net_ntoa(netif_ip_addr4(netif), addr);
	net_ntoa(netif_ip_gw4(netif), gate);
	klog(PV_LOG_INFO, "net: %s address %s/%u%s%s (%s)", nif->nif_name,
	    addr, net_prefix(netif_ip4_netmask(netif)),
	    ip4_addr_isany(gw) ? ", no gateway" : " gateway ",
	    ip4_addr_isany(gw) ? "" : gate, nif->nif_dhcp ? "dhcp" : "static");
}

/* Was the text logged before?  Then is it remembered. */
static bool
net_said(struct nif *nif, const char *addr)
{
	unsigned int i;

	for (i = 0; i < PV_NELEM(nif->nif_said); i++) {
		if (strcmp(nif->nif_said[i], addr) == 0)
			return true;
		if (nif->nif_said[i][0] == '\0')
			break;
	}
	if (i == PV_NELEM(nif->nif_said)) {
		memset(nif->nif_said, 0, sizeof(nif->nif_said));
		i = 0;
	}
	memcpy(nif->nif_said[i], addr, strlen(addr) + 1);
	return false;
}

/* Let net_wait() look again. */
static void
net_wake(void)
{
	mutex_lock(&net_mutex);
	net_gen++;
	cond_broadcast(&net_cond);
	mutex_unlock(&net_mutex);
}

/* netif.status_callback: addresses may have changed.  Lock: lwIP's. */
static void
net_status(struct netif *netif)
{
	struct nif *nif = netif->state;
	const ip_addr_t *ip;
	char addr[NET_ADDRLEN];
	unsigned int i;

	for (i = 0; (ip = net_addr(netif, i)) != NULL; i++) {
		net_ntoa(ip, addr);
		if (net_said(nif, addr))
			continue;
		if (IP_IS_V4(ip))
			net_say4(nif);
		else
			klog(PV_LOG_INFO, "net: %s address %s", nif->nif_name,
			    addr);
	}
	net_wake();
}

/* Tell once that there is no interface; whoever waits for one waits on. */
static void
net_patrol_none(void)
{
	static bool said;

	if (said || net_seen || arch_now() < NET_IFTIME)
		return;
	said = true;
	klog(PV_LOG_WARN, "net: no network interface; give the guest one in "
	    "its configuration (vif) or with xl network-attach");
}

/* Is an answer of DHCP still to be hoped for?  Lock: lwIP's. */
static bool
net_dhcp_pending(const struct nif *nif)
{
	return nif->nif_dhcp && !nif->nif_complained &&
	    netif_is_link_up(&nif->nif_netif) &&
	    !dhcp_supplied_address(&nif->nif_netif);
}

/*
 * lwIP's thread, each second: tell once when DHCP does not answer; connections
 * that were closed long ago.
 */
static void
net_patrol(void *arg)
{
	struct netif *netif;
	struct nif *nif;

	net_patrol_none();
	netorphan_tick();
	NETIF_FOREACH(netif) {
		if (netif->status_callback != net_status)
			continue;
		nif = netif->state;
		if (net_dhcp_pending(nif) &&
		    arch_now() - nif->nif_since > NET_DHCPTIME) {
			nif->nif_complained = true;
			net_wake();
			klog(PV_LOG_WARN, "net: %s: no answer from a DHCP "
			    "server, still asking; for a fixed address start "
			    "the guest with ip=ADDR/PREFIX,GATEWAY",
			    nif->nif_name);
		}
	}
	sys_timeout(NET_PATROL, net_patrol, arg);
}

/* ---- interfaces -------------------------------------------------------- */

/* Ask for an address.  Lock: lwIP's. */
static void
net_dhcp(struct nif *nif)
{
	nif->nif_dhcp = true;
	if (dhcp_start(&nif->nif_netif) != ERR_OK)
		klog(PV_LOG_ERR, "net: %s: no memory for DHCP",
		    nif->nif_name);
}

/* What the command line says of a new interface.  Lock: lwIP's. */
static void
net_settle(struct nif *nif)
{
	/* What a guest says there is neither a lease nor a router. */
	bool ours = nif->nif_nt->nt_guest == NULL;
	enum net_how how = ours ? NET_DHCP : NET_NONE;

	if (!net_conf.taken && (ours || net_conf.how == NET_STATIC)) {
		net_conf.taken = nif->nif_first = true;
		how = net_conf.how;
	}
	if (how == NET_STATIC)
		netif_set_addr(&nif->nif_netif, &net_conf.addr,
		    &net_conf.mask, &net_conf.gw);
	else if (how == NET_DHCP)
		net_dhcp(nif);
}

/* What somebody else says of it.  Lock: lwIP's. */
static void
net_settle_as(struct nif *nif, const struct net_wish *nw)
{
	struct netif *netif = &nif->nif_netif;
	ip4_addr_t addr, mask, gw;
	ip6_addr_t six = { 0 };

	memcpy(&addr, nw->nw_addr4, 4);
	memcpy(&gw, nw->nw_gw4, 4);
	ip4_addr_set_u32(&mask, nw->nw_len4 == 0 ? 0 :
	    lwip_htonl(0xffffffffu << (32 - nw->nw_len4)));
	memcpy(six.addr, nw->nw_addr6, 16);
	if (!ip6_addr_isany(&six))
		(void)netif_add_ip6_address(netif, &six, NULL);
	/* The rest of the world is where there is a router. */
	if (nw->nw_dhcp || !ip4_addr_isany_val(gw))
		netif_set_default(netif);
	if (nw->nw_dhcp)
		net_dhcp(nif);
	else if (!ip4_addr_isany_val(addr))
		netif_set_addr(netif, &addr, &mask, &gw);
}

/* Is it one that may lead to the rest of the world?  A guest's does not. */
static bool
net_worldly(const struct netif *netif)
{
	const struct nif *nif = netif->state;

	return netif->status_callback == net_status &&
	    nif->nif_nt->nt_guest == NULL;
}

/* Where what has no other way goes, if that may be better.  Lock: lwIP's. */
static void
net_default(struct netif *netif)
{
	if (netif_default == NULL || (net_worldly(netif) &&
	    !net_worldly(netif_default)))
		netif_set_default(netif);
}

/* Give a new interface its addresses.  Lock: lwIP's. */
static void
net_configure(struct nif *nif, const struct net_wish *nw)
{
	struct netif *netif = &nif->nif_netif;

	netif_set_status_callback(netif, net_status);
	netif_set_hostname(netif, NET_HOSTNAME);
	net_default(netif);
	netif_set_ip6_autoconfig_enabled(netif,
	    nif->nif_nt->nt_guest == NULL);
	netif_create_ip6_linklocal_address(netif, 1);
	netif_set_up(netif);
	if (nif->nif_nt->nt_link) {
		nif->nif_link = true;
		netif_set_link_up(netif);
	}
	nif->nif_since = arch_now();
	if (nw != NULL)
		net_settle_as(nif, nw);
	else
		net_settle(nif);
}

/*
 * net_up_as -- an interface for us, with the addresses that it is to have;
 * NULL: those that the command line says
 *
 * Context: thread.
 */
void
net_up_as(struct pv_net *nt, const struct net_wish *nw)
{
	const uint8_t *m = nt->nt_mac;
	struct nif *nif = nif_attach(nt);

	if (nif == NULL) {
		klog(PV_LOG_ERR, "net: %s: no memory, or more than %u "
		    "interfaces; it is left alone", nt->nt_name, NIF_MAX);
		return;
	}
	net_seen = true;
	klog(PV_LOG_INFO, "net: %s %02x:%02x:%02x:%02x:%02x:%02x up%s",
	    nt->nt_name, m[0], m[1], m[2], m[3], m[4], m[5],
	    nt->nt_link ? "" : ", no carrier");
	LOCK_TCPIP_CORE();
	net_configure(nif, nw);
	UNLOCK_TCPIP_CORE();
}

/*
 * pv_client.pc_net_up: a driver has an interface for us.
 * Context: thread.
 */
void
net_up(struct pv_net *nt)
{
	net_up_as(nt, NULL);
}

/*
 * pv_client.pc_net_down: let go of a driver's interface.
 * Context: thread.
 */
void
net_down(struct pv_net *nt)
{
	struct nif *nif = nif_get(nt);
	struct netif *netif;

	if (nif == NULL)
		return;
	klog(PV_LOG_INFO, "net: %s down", nif->nif_name);
	LOCK_TCPIP_CORE();
	if (nif->nif_first)
		net_conf.taken = false;
	if (nif->nif_dhcp) {
		dhcp_release_and_stop(&nif->nif_netif);
		dhcp_cleanup(&nif->nif_netif);
	}
	UNLOCK_TCPIP_CORE();
	nif_detach(nif);
	nif_put(nif);
	LOCK_TCPIP_CORE();
	if (netif_default == NULL) {
		NETIF_FOREACH(netif)
			net_default(netif);
	}
	UNLOCK_TCPIP_CORE();
}

/* lwIP's thread is there. */
static void
net_started(void *arg)
{
	net_settings();
	netorphan_init();
	sys_timeout(NET_PATROL, net_patrol, NULL);
	sem_post(arg);
}

/*
 * Start the network stack: a quarter of the memory, within bounds, is the
 * most that it will take.
 * Context: thread, once.
 */
void
net_init(void)
{
	struct sem started = { .sm_count = 0 };
	struct mm_stat ms;
	uint64_t limit;

	mm_stat(&ms);
	limit = ms.ms_total / 4;
	if (limit < 1024 * 1024)
		limit = 1024 * 1024;
	if (limit > 32 * 1024 * 1024)
		limit = 32 * 1024 * 1024;
	netmem_init((size_t)limit);
	tcpip_init(net_started, &started);
	(void)sem_wait(&started, UINT64_MAX);
}

/* ---- for apps and the shell -------------------------------------------- */

/*
 * The first address good beyond the link, or NULL.  One of IPv6 counts when
 * DHCP has had its time.  Lock: lwIP's.
 */
static const ip_addr_t *
net_usable(void)
{
	const ip_addr_t *ip, *best = NULL;
	struct netif *netif;
	bool pending = false;
	unsigned int i;

	NETIF_FOREACH(netif) {
		if (netif->status_callback != net_status)
			continue;
		pending |= net_dhcp_pending(netif->state);
		for (i = 0; (ip = net_addr(netif, i)) != NULL; i++) {
			if (IP_IS_V4(ip))
				return ip;
			if (best == NULL &&
			    !ip6_addr_islinklocal(ip_2_ip6(ip)))
				best = ip;
		}
	}
	return pending ? NULL : best;
}

/*
 * Wait for a usable address and write its text.
 * Returns 0 or -PV_ETIMEDOUT.  Context: thread.
 */
int
net_wait(uint64_t deadline, char addr[NET_ADDRLEN])
{
	const ip_addr_t *ip;
	unsigned int gen;
	int rv = 0;

	for (;;) {
		mutex_lock(&net_mutex);
		gen = net_gen;
		mutex_unlock(&net_mutex);
		LOCK_TCPIP_CORE();
		ip = net_usable();
		if (ip != NULL)
			net_ntoa(ip, addr);
		UNLOCK_TCPIP_CORE();
		if (ip != NULL || rv != 0)
			return ip != NULL ? 0 : rv;
		mutex_lock(&net_mutex);
		while (gen == net_gen && rv == 0)
			rv = cond_wait(&net_cond, &net_mutex, deadline);
		mutex_unlock(&net_mutex);
	}
}

/* Addresses and gateway.  Lock: lwIP's. */
static void
net_info_addrs(const struct nif *nif, struct net_info *ni)
{
	const struct netif *netif = &nif->nif_netif;
	const ip_addr_t *ip;
	unsigned int i, n, len;
	char *s;

	for (i = 0; i < NET_NADDR && (ip = net_addr(netif, i)) != NULL; i++) {
		s = ni->ni_addr[i];
		net_ntoa(ip, s);
		if (!IP_IS_V4(ip))
			continue;
		n = net_prefix(netif_ip4_netmask(netif));
		len = (unsigned int)strlen(s);
		s[len++] = '/';
		if (n >= 10)
			s[len++] = (char)('0' + n / 10);
		s[len++] = (char)('0' + n % 10);
		s[len] = '\0';
	}
	if (!ip4_addr_isany(netif_ip4_gw(netif)))
		net_ntoa(netif_ip_gw4(netif), ni->ni_gw);
}

static void
net_info_driver(const struct pv_net *nt, struct net_info *ni)
{
	ni->ni_offload = nt->nt_offload;
	ni->ni_recvoffload = nt->nt_recvoffload;
	ni->ni_npair = nt->nt_npair != 0 ? nt->nt_npair : 1;
	ni->ni_rxcsum = nt->nt_rxcsum;
	ni->ni_txcsum = nt->nt_txcsum;
	ni->ni_rxgso = nt->nt_rxgso;
	ni->ni_rxhash = nt->nt_rxhash;
	ni->ni_txgso = nt->nt_txgso;
	ni->ni_nset = nt->nt_nset;
	ni->ni_nrefused = nt->nt_nrefused;
}

/*
 * Tell about the n-th interface.
 * Returns 0 or -PV_ENOENT.  Context: thread.  Lock: lwIP's, taken.
 */
int
net_info(unsigned int n, struct net_info *ni)
{
	struct nif *nif = nif_get_nth(n);
	struct nif_count nc;
	unsigned long s;

	memset(ni, 0, sizeof(*ni));
	if (nif == NULL)
		return -PV_ENOENT;
	LOCK_TCPIP_CORE();
	memcpy(ni->ni_name, nif->nif_name, sizeof(ni->ni_name));
	memcpy(ni->ni_mac, nif->nif_netif.hwaddr, sizeof(ni->ni_mac));
	ni->ni_mtu = nif->nif_netif.mtu;
	ni->ni_link = nif->nif_link;
	ni->ni_dhcp = nif->nif_dhcp;
	if (!nif->nif_gone) {
		net_info_driver(nif->nif_nt, ni);
		net_info_addrs(nif, ni);
	}
	UNLOCK_TCPIP_CORE();
	s = spin_lock(&nif->nif_lock);
	nc = nif->nif_count;
	spin_unlock(&nif->nif_lock, s);
	ni->ni_rxpkt = nc.nc_rxpkt;
	ni->ni_txpkt = nc.nc_txpkt;
	ni->ni_rxbyte = nc.nc_rxbyte;
	ni->ni_txbyte = nc.nc_txbyte;
	ni->ni_rxdrop = nc.nc_rxdrop;
	ni->ni_txdrop = nc.nc_txdrop;
	ni->ni_txerr = nc.nc_txerr;
	nif_put(nif);
	return 0;
}

/*
 * net_raw -- the addresses of an interface, as they stand in packets
 *
 * Returns 0 or -PV_ENOENT.  Context: thread.  Lock: lwIP's, taken.
 */
int
net_raw(const struct pv_net *nt, struct net_raw *nr)
{
	struct nif *nif = nif_get(nt);
	const ip_addr_t *ip, *dns;
	unsigned int i, n = 0;

	memset(nr, 0, sizeof(*nr));
	if (nif == NULL)
		return -PV_ENOENT;
	LOCK_TCPIP_CORE();
	for (i = 0; n < NET_NADDR &&
	    (ip = net_addr(&nif->nif_netif, i)) != NULL; i++) {
		if (!IP_IS_V4(ip))
			memcpy(nr->nr_addr6[n++], ip_2_ip6(ip)->addr, 16);
	}
	memcpy(nr->nr_addr4, netif_ip4_addr(&nif->nif_netif), 4);
	memcpy(nr->nr_gw4, netif_ip4_gw(&nif->nif_netif), 4);
	nr->nr_len4 = (uint8_t)net_prefix(netif_ip4_netmask(&nif->nif_netif));
	dns = dns_getserver(0);
	if (IP_IS_V4(dns))
		memcpy(nr->nr_dns4, ip_2_ip4(dns), 4);
	UNLOCK_TCPIP_CORE();
	nif_put(nif);
	return 0;
}
