/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nif.c -- received packets into lwIP, and the life of an interface; theory in
 * nif.h.  Sending is in nif_tx.c.
 *
 * Checksums.  Of a received packet the driver may know that its TCP or UDP
 * checksum is good; then lwIP does not look at it.  lwIP can be told so only
 * for an interface, not for a packet, but it handles one packet at a time
 * under its lock: nif_input() sets the interface's flags for each.  Between
 * packets nothing is checked, as for the loopback packets of the interface's
 * own addresses, which never had a checksum.
 */

#include <string.h>

#include <arch.h>
#include <klog.h>
#include <mm.h>

#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/pbuf.h"
#include "lwip/prot/ip.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"

#include "nif.h"
#include "nif_ctl.h"
#include "nif_cut.h"
#include "nif_tx.h"

#define NIF_PBUF_CSUM	0x80u		/* pbuf.flags: checksum is good */
#define NIF_HDRLEN	SIZEOF_ETH_HDR
#define NIF_BATCH	64		/* packets in one turn of lwIP's */
#define NIF_SMALL	1600u		/* received in one contiguous pbuf */
#define NIF_PKTMAX	0xffffu
#define NIF_LINK_PATIENCE	60000	/* ms without carrier */

static struct spinlock nif_table_lock;	/* nif_table, every nif_refs */
static struct nif *nif_table[NIF_MAX];

/* ---- references -------------------------------------------------------- */

static void
nif_free(struct nif *nif)
{
	tcpip_callbackmsg_delete(nif->nif_rxmsg);
	if (nif->nif_trains != NULL)
		page_free(nif->nif_trains, NIF_TRAINPG);
	page_free(nif, PV_HOWMANY(sizeof(*nif), PV_PAGE_SIZE));
}

/*
 * One reference more.
 * Context: any.
 */
void
nif_ref(struct nif *nif)
{
	unsigned long s = spin_lock(&nif_table_lock);

	nif->nif_refs++;
	spin_unlock(&nif_table_lock, s);
}

/*
 * Give a reference back; the last one frees the interface.
 * Context: deferred, thread.
 */
void
nif_put(struct nif *nif)
{
	unsigned long s = spin_lock(&nif_table_lock);
	bool last = --nif->nif_refs == 0;

	spin_unlock(&nif_table_lock, s);
	if (last)
		nif_free(nif);
}

/*
 * The interface on nt, with a reference, or NULL.
 * Context: any.
 */
struct nif *
nif_get(const struct pv_net *nt)
{
	unsigned long s = spin_lock(&nif_table_lock);
	struct nif *nif = NULL;
	unsigned int i;

	for (i = 0; i < NIF_MAX && nif == NULL; i++)
		if (nif_table[i] != NULL && nif_table[i]->nif_nt == nt)
			nif = nif_table[i];
	if (nif != NULL)
		nif->nif_refs++;
	spin_unlock(&nif_table_lock, s);
	return nif;
}

/*
 * The n-th interface, with a reference, or NULL.
 * Context: any.
 */
struct nif *
nif_get_nth(unsigned int n)
{
	unsigned long s = spin_lock(&nif_table_lock);
	struct nif *nif = NULL;
	unsigned int i;

	for (i = 0; i < NIF_MAX && nif == NULL; i++)
		if (nif_table[i] != NULL && n-- == 0)
			nif = nif_table[i];
	if (nif != NULL)
		nif->nif_refs++;
	spin_unlock(&nif_table_lock, s);
	return nif;
}

/*
 * The interface in that slot of the table, with a reference, or NULL.
 * Context: any.
 */
struct nif *
nif_get_slot(unsigned int slot)
{
	unsigned long s = spin_lock(&nif_table_lock);
	struct nif *nif = nif_table[slot];

	if (nif != NULL)
		nif->nif_refs++;
	spin_unlock(&nif_table_lock, s);
	return nif;
}

/* Enter it into the table, or take it out (then the slot's value is old). */
static bool
nif_table_set(struct nif *old, struct nif *new)
{
	unsigned long s = spin_lock(&nif_table_lock);
	unsigned int i;

	for (i = 0; i < NIF_MAX && nif_table[i] != old; i++)
		continue;
	if (i < NIF_MAX)
		nif_table[i] = new;
	if (i < NIF_MAX && new != NULL)
		new->nif_slot = i;
	spin_unlock(&nif_table_lock, s);
	return i < NIF_MAX;
}

/* ---- receiving --------------------------------------------------------- */

/* A fragment's checksum can not be known before all of them are there. */
static bool
nif_is_fragment(const struct pbuf *p)
{
	const struct eth_hdr *eth = p->payload;
	const struct ip_hdr *ip = (const void *)(eth + 1);
	const struct ip6_hdr *ip6 = (const void *)(eth + 1);

	if (eth->type == PP_HTONS(ETHTYPE_IP))
		return p->len < NIF_HDRLEN + IP_HLEN ||
		    (IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF)) != 0;
	if (eth->type == PP_HTONS(ETHTYPE_IPV6))
		return p->len < NIF_HDRLEN + IP6_HLEN ||
		    IP6H_NEXTH(ip6) == IP6_NEXTH_FRAGMENT;
	return true;
}

/* Copy len bytes of a packet, from off on, into a pbuf from at on. */
static bool
nif_copy_part(struct pbuf *p, u16_t at, const struct pv_net_pkt *np,
    uint32_t off, uint32_t len)
{
	const struct pv_iov *iov = np->np_iov;
	uint32_t n;

	for (; off >= iov->iov_len && len > 0; iov++)
		off -= (uint32_t)iov->iov_len;
	for (; len > 0; iov++, off = 0) {
		n = (uint32_t)iov->iov_len - off;
		n = n < len ? n : len;
		if (pbuf_take_at(p, (const char *)iov->iov_base + off,
		    (u16_t)n, at) != ERR_OK)
			return false;
		at = (u16_t)(at + n);
		len -= n;
	}
	return true;
}

/* A pbuf for a frame of so many bytes, or NULL. */
static struct pbuf *
nif_pbuf(uint32_t len)
{
	/* peer: any length may come; lwIP's lengths have 16 bits. */
	if (len < NIF_HDRLEN || len > NIF_PKTMAX)
		return NULL;
	return pbuf_alloc(PBUF_RAW, (u16_t)len,
	    len <= NIF_SMALL ? PBUF_RAM : PBUF_POOL);
}

/* What the driver knows of the checksum goes with it. */
static struct pbuf *
nif_checked(struct pbuf *p, const struct pv_net_pkt *np)
{
	if ((np->np_flags & (PV_NET_CSUM_VALID | PV_NET_CSUM_BLANK)) != 0 &&
	    !nif_is_fragment(p))
		p->flags |= NIF_PBUF_CSUM;
	return p;
}

/* Copy a packet of the driver's into a pbuf, or NULL. */
static struct pbuf *
nif_copy_in(const struct pv_net_pkt *np)
{
	struct pbuf *p = nif_pbuf(np->np_len);

	if (p != NULL && !nif_copy_part(p, 0, np, 0, np->np_len)) {
		pbuf_free(p);
		p = NULL;
	}
	return p == NULL ? NULL : nif_checked(p, np);
}

/* Copy datagram i of a large packet into a pbuf, or NULL. */
static struct pbuf *
nif_copy_datagram(const struct pv_net_pkt *np, const struct nif_cut *cu,
    unsigned int i)
{
	uint8_t hdr[NIF_CUT_HDR];
	uint32_t len = nif_cut_headers(cu, i, hdr);
	struct pbuf *p = nif_pbuf(cu->cu_hlen + len);

	if (p == NULL)
		return NULL;
	if (pbuf_take(p, hdr, (u16_t)cu->cu_hlen) != ERR_OK ||
	    !nif_copy_part(p, (u16_t)cu->cu_hlen, np,
	    cu->cu_hlen + i * cu->cu_size, len)) {
		pbuf_free(p);
		return NULL;
	}
	return nif_checked(p, np);
}

/* Take the oldest packet received; at the end nif_rxposted falls. */
static struct pbuf *
nif_rx_pop(struct nif *nif)
{
	unsigned long s = spin_lock(&nif->nif_lock);
	struct pbuf *p = NULL;

	if (nif->nif_rxcount > 0) {
		p = nif->nif_rx[nif->nif_rxhead];
		nif->nif_rxhead = (nif->nif_rxhead + 1) % NIF_NRX;
		nif->nif_rxcount--;
	} else {
		nif->nif_rxposted = false;
	}
	spin_unlock(&nif->nif_lock, s);
	return p;
}

/* Hand one packet to lwIP.  Lock: lwIP's. */
static void
nif_input_one(struct nif *nif, struct pbuf *p)
{
	struct netif *netif = &nif->nif_netif;
	u16_t gen = netif->chksum_flags;

	if ((p->flags & NIF_PBUF_CSUM) == 0)
		netif->chksum_flags |= NETIF_CHECKSUM_CHECK_TCP |
		    NETIF_CHECKSUM_CHECK_UDP;
	p->flags &= (u8_t)~NIF_PBUF_CSUM;
	netif->chksum_flags |= NETIF_CHECKSUM_CHECK_IP |
	    NETIF_CHECKSUM_CHECK_ICMP | NETIF_CHECKSUM_CHECK_ICMP6;
	if (nif->nif_gone || netif->input(p, netif) != ERR_OK)
		pbuf_free(p);
	netif->chksum_flags = gen;
}

/* lwIP's thread: packets are waiting.  Holds a reference.  Lock: lwIP's. */
static void
nif_input(void *arg)
{
	struct nif *nif = arg;
	struct pbuf *p;
	unsigned int n;

	for (n = 0; n < NIF_BATCH; n++) {
		p = nif_rx_pop(nif);
		if (p == NULL) {
			nif_put(nif);
			return;
		}
		nif_input_one(nif, p);
	}
	/* Others want their turn.  Should the mailbox be full, go on now. */
	while (tcpip_callbackmsg_trycallback(nif->nif_rxmsg) != ERR_OK) {
		p = nif_rx_pop(nif);
		if (p == NULL) {
			nif_put(nif);
			return;
		}
		nif_input_one(nif, p);
	}
}

/* Append a packet; *post: lwIP must be told.  false: no room. */
static bool
nif_rx_push(struct nif *nif, struct pbuf *p, bool *post)
{
	unsigned long s = spin_lock(&nif->nif_lock);
	struct nif_count *nc = &nif->nif_count;
	bool ok = p != NULL && nif->nif_rxcount < NIF_NRX;

	if (ok) {
		nif->nif_rx[(nif->nif_rxhead + nif->nif_rxcount) % NIF_NRX] = p;
		nif->nif_rxcount++;
		nc->nc_rxpkt++;
		nc->nc_rxbyte += p->tot_len;
	} else {
		nc->nc_rxdrop++;
	}
	*post = ok && !nif->nif_rxposted;
	if (*post)
		nif->nif_rxposted = true;
	spin_unlock(&nif->nif_lock, s);
	return ok;
}

/* Have lwIP's thread take what was received. */
static void
nif_rx_post(struct nif *nif)
{
	unsigned long s;

	nif_ref(nif);
	if (tcpip_callbackmsg_trycallback(nif->nif_rxmsg) == ERR_OK)
		return;
	/* The next packet tries again. */
	s = spin_lock(&nif->nif_lock);
	nif->nif_rxposted = false;
	spin_unlock(&nif->nif_lock, s);
	nif_put(nif);
}

/* One frame, or NULL for want of memory; true: lwIP must be told. */
static bool
nif_recv_one(struct nif *nif, struct pbuf *p)
{
	bool post;

	if (!nif_rx_push(nif, p, &post) && p != NULL)
		pbuf_free(p);
	return post;
}

/* pv_net.nt_recv.  Context: deferred. */
static void
nif_recv(struct pv_net *nt, const struct pv_net_pkt *np)
{
	struct nif *nif = nif_get(nt);
	unsigned int i, n;
	struct nif_cut cu;
	bool post = false;

	if (nif == NULL)
		return;
	if (np->np_gso_type == PV_NET_GSO_UDP) {
		n = nif_cut_begin(&cu, np);
		for (i = 0; i < n; i++)
			post |= nif_recv_one(nif, nif_copy_datagram(np, &cu,
			    i));
		if (n == 0)
			(void)nif_recv_one(nif, NULL);
	} else {
		post = nif_recv_one(nif, nif_copy_in(np));
	}
	if (post)
		nif_rx_post(nif);
	nif_put(nif);
}

/* ---- life -------------------------------------------------------------- */

/* lwIP leaves to the device what that can do. */
static void
nif_offload(struct nif *nif)
{
	u16_t gen = NETIF_CHECKSUM_GEN_IP | NETIF_CHECKSUM_GEN_UDP |
	    NETIF_CHECKSUM_GEN_ICMP | NETIF_CHECKSUM_GEN_ICMP6;
	uint32_t both = PV_NET_CAN_CSUM4 | PV_NET_CAN_CSUM6;

	if ((nif->nif_nt->nt_offload & both) != both)
		gen |= NETIF_CHECKSUM_GEN_TCP;
	NETIF_SET_CHECKSUM_CTRL(&nif->nif_netif, gen);
	if ((nif->nif_nt->nt_offload & (PV_NET_CAN_TSO4 | PV_NET_CAN_TSO6 |
	    PV_NET_CAN_USO)) != 0)
		nif_tx_trains(nif);
}

/* A timeout of lwIP's: the carrier did not come back. */
static void
nif_link_down(void *arg)
{
	struct nif *nif = arg;

	netif_set_link_down(&nif->nif_netif);
}

/*
 * lwIP fails who writes on a connection that has no way to its peer.  They all
 * shall outlive a move of the guest or of its peer's, so lwIP hears late of a
 * carrier that is gone, and of one that is back as of a new one: it tells the
 * neighbours, and DHCP asks anew.  Lock: lwIP's.
 */
static void
nif_link(struct nif *nif)
{
	bool on = nif->nif_nt->nt_link;

	if (on == nif->nif_link)
		return;
	nif->nif_link = on;
	klog(PV_LOG_INFO, "net: %s carrier %s", nif->nif_name, on ? "on" :
	    "off");
	if (!on) {
		sys_timeout(NIF_LINK_PATIENCE, nif_link_down, nif);
		return;
	}
	sys_untimeout(nif_link_down, nif);
	netif_set_link_down(&nif->nif_netif);
	nif->nif_since = arch_now();
	netif_set_link_up(&nif->nif_netif);
}

/* lwIP's thread: carrier, MTU or offloads changed.  Holds a reference. */
static void
nif_changed(void *arg)
{
	struct nif *nif = arg;

	if (!nif->nif_gone) {
		nif_offload(nif);
		nif->nif_netif.mtu = nif->nif_nt->nt_mtu;
		nif->nif_netif.mtu6 = nif->nif_nt->nt_mtu;
		nif_link(nif);
	}
	nif_put(nif);
}

/* pv_net.nt_change.  Context: deferred. */
static void
nif_change(struct pv_net *nt)
{
	struct nif *nif = nif_get(nt);

	if (nif != NULL && tcpip_try_callback(nif_changed, nif) != ERR_OK)
		nif_put(nif);
}

/* lwIP's call from netif_add(). */
static err_t
nif_netif_init(struct netif *netif)
{
	struct nif *nif = netif->state;
	struct pv_net *nt = nif->nif_nt;

	netif->name[0] = nt->nt_name[0];
	netif->name[1] = nt->nt_name[1];
	netif->hwaddr_len = sizeof(nt->nt_mac);
	memcpy(netif->hwaddr, nt->nt_mac, sizeof(nt->nt_mac));
	netif->mtu = nt->nt_mtu;
	netif->mtu6 = nt->nt_mtu;
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP |
	    NETIF_FLAG_ETHERNET | NETIF_FLAG_MLD6;
	netif->output = etharp_output;
	netif->output_ip6 = ethip6_output;
	netif->linkoutput = nif_tx_output;
	nif_offload(nif);
	return ERR_OK;
}

/* Memory and lists for an interface on nt, or NULL. */
static struct nif *
nif_new(struct pv_net *nt)
{
	struct nif *nif;
	size_t n;

	nif = page_alloc(PV_HOWMANY(sizeof(*nif), PV_PAGE_SIZE));
	if (nif == NULL)
		return NULL;
	nif->nif_rxmsg = tcpip_callbackmsg_new(nif_input, nif);
	if (nif->nif_rxmsg == NULL) {
		page_free(nif, PV_HOWMANY(sizeof(*nif), PV_PAGE_SIZE));
		return NULL;
	}
	nif->nif_nt = nt;
	nif->nif_refs = 1;
	for (n = 0; n < sizeof(nif->nif_name) - 1 && nt->nt_name[n] != 0; n++)
		nif->nif_name[n] = nt->nt_name[n];
	nif_tx_init(nif);
	return nif;
}

/*
 * Make an interface of nt and add it to lwIP, down and without addresses.
 * Returns NULL when there is no memory or no place.
 * Context: thread.  Lock: lwIP's, taken.
 */
struct nif *
nif_attach(struct pv_net *nt)
{
	struct nif *nif = nif_new(nt);
	bool ok;

	if (nif == NULL)
		return NULL;
	LOCK_TCPIP_CORE();
	ok = netif_add(&nif->nif_netif, NULL, NULL, NULL, nif, nif_netif_init,
	    ethernet_input) != NULL;
	if (ok && !nif_table_set(NULL, nif)) {
		netif_remove(&nif->nif_netif);
		ok = false;
	}
	UNLOCK_TCPIP_CORE();
	if (!ok) {
		nif_put(nif);
		return NULL;
	}
	nt->nt_client = nif;
	nt->nt_ready = nif_tx_ready;
	nt->nt_change = nif_change;
	nt->nt_recv = nif_recv;
	nif_ctl_attach(nif);
	return nif;
}

/*
 * Take an interface away from lwIP and its driver.
 * Context: thread.  Lock: lwIP's, taken.
 */
void
nif_detach(struct nif *nif)
{
	unsigned long s;

	(void)nif_table_set(nif, NULL);
	s = spin_lock(&nif->nif_lock);
	nif->nif_gone = true;
	spin_unlock(&nif->nif_lock, s);
	LOCK_TCPIP_CORE();
	sys_untimeout(nif_link_down, nif);
	netif_remove(&nif->nif_netif);
	UNLOCK_TCPIP_CORE();
	nif_tx_drain(nif);
	nif_put(nif);
}
