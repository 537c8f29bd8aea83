/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_net.c -- the shell's commands about the network.
 */

#include <string.h>

#include <app.h>
#include <arch.h>
#include <klog.h>
#include <ktime.h>
#include <sched.h>
#include <str.h>
#include <net/net.h>
#include <net/netmem.h>
#include <pv/errno.h>
#include <pv/net.h>

#include "cmd_net.h"
#include "shell.h"

#include "lwip/api.h"
#include "lwip/icmp.h"
#include "lwip/icmp6.h"
#include "lwip/inet_chksum.h"
#include "lwip/raw.h"
#include "lwip/stats.h"
#include "lwip/tcpip.h"
#include "lwip/udp.h"
#include "lwip/priv/tcp_priv.h"

#define CMD_PINGLEN	56		/* bytes of data, as elsewhere */
#define CMD_PINGID	0x646d

/* ---- ifconfig ---------------------------------------------------------- */

static void
cmd_offloads(uint32_t f, uint32_t receive)
{
	static const struct {
		uint32_t	 flag;
		const char	*name;
	} names[] = {
		{ PV_NET_CAN_CSUM4, " csum4" }, { PV_NET_CAN_CSUM6, " csum6" },
		{ PV_NET_CAN_TSO4, " tso4" }, { PV_NET_CAN_TSO6, " tso6" },
		{ PV_NET_CAN_USO, " uso" }, { PV_NET_CAN_SG, " sg" },
	};
	unsigned int i;

	kprintf("\toffload:");
	for (i = 0; i < PV_NELEM(names); i++)
		if ((f & names[i].flag) != 0)
			kprintf("%s", names[i].name);
	kprintf("%s%s%s\n", (receive & PV_NET_RX_CSUM) != 0 ? " rxcsum" : "",
	    (receive & PV_NET_RX_GSO) != 0 ? " lro" : "",
	    f == 0 && receive == 0 ? " none" : "");
}

static void
cmd_interface(const struct net_info *ni)
{
	const uint8_t *m = ni->ni_mac;
	unsigned int i;

	kprintf("%s\tether %02x:%02x:%02x:%02x:%02x:%02x, mtu %u, carrier %s\n",
	    ni->ni_name, m[0], m[1], m[2], m[3], m[4], m[5], ni->ni_mtu,
	    ni->ni_link ? "on" : "off");
	for (i = 0; i < NET_NADDR && ni->ni_addr[i][0] != '\0'; i++)
		kprintf("\taddress %s%s\n", ni->ni_addr[i],
		    ni->ni_dhcp && strchr(ni->ni_addr[i], '.') != NULL ?
		    " (dhcp)" : "");
	if (ni->ni_gw[0] != '\0')
		kprintf("\tgateway %s\n", ni->ni_gw);
	cmd_offloads(ni->ni_offload, ni->ni_recvoffload);
	kprintf("\treceived %llu packets, %llu bytes, %llu dropped\n",
	    (unsigned long long)ni->ni_rxpkt,
	    (unsigned long long)ni->ni_rxbyte,
	    (unsigned long long)ni->ni_rxdrop);
	kprintf("\tsent %llu packets, %llu bytes, %llu dropped, %llu failed\n",
	    (unsigned long long)ni->ni_txpkt,
	    (unsigned long long)ni->ni_txbyte,
	    (unsigned long long)ni->ni_txdrop,
	    (unsigned long long)ni->ni_txerr);
	kprintf("\tqueues %u, checksums left: received %llu, sent %llu; large:"
	    " received %llu, sent %llu\n", ni->ni_npair,
	    (unsigned long long)ni->ni_rxcsum,
	    (unsigned long long)ni->ni_txcsum,
	    (unsigned long long)ni->ni_rxgso,
	    (unsigned long long)ni->ni_txgso);
	kprintf("\torders to the device %llu, refused %llu; flows hashed"
	    " %llu\n", (unsigned long long)ni->ni_nset,
	    (unsigned long long)ni->ni_nrefused,
	    (unsigned long long)ni->ni_rxhash);
}

static int
cmd_interfaces(int argc, char **argv)
{
	struct net_info ni;
	unsigned int n;
	bool any = false;

	for (n = 0; net_info(n, &ni) == 0; n++) {
		if (argc > 1 && strcmp(argv[1], ni.ni_name) != 0)
			continue;
		cmd_interface(&ni);
		any = true;
	}
	if (!any && argc > 1)
		kprintf("%s: no interface %s\n", argv[0], argv[1]);
	else if (!any)
		kprintf("%s: there is no network interface\n", argv[0]);
	return any ? 0 : 1;
}

/* ---- ifset ------------------------------------------------------------- */

/* The setting that the words say; false: they say none. */
static bool
cmd_ifset_parse(int argc, char **argv, struct pv_net_set *ns,
    uint8_t mac[6])
{
	static const struct {
		const char	*name;
		enum pv_net_what what;
		uint32_t	 flag;
	} bits[] = {
		{ "promisc", PV_NET_SET_FILTER, PV_NET_PROMISC },
		{ "allmulti", PV_NET_SET_FILTER, PV_NET_ALLMULTI },
		{ "lro", PV_NET_SET_OFFLOAD, PV_NET_RX_GSO },
		{ "rxcsum", PV_NET_SET_OFFLOAD, PV_NET_RX_CSUM }
	};
	uint64_t vlan;
	unsigned int i;

	if (argc == 4 && strcmp(argv[2], "mac") == 0) {
		ns->ns_what = PV_NET_SET_MAC;
		ns->ns_mac = (const uint8_t (*)[6])mac;
		ns->ns_nmac = 1;
		return str_mac(argv[3], strlen(argv[3]), mac) == 0;
	}
	ns->ns_on = strcmp(argv[argc - 1], "on") == 0;
	if (!ns->ns_on && strcmp(argv[argc - 1], "off") != 0)
		return false;
	if (argc == 5 && strcmp(argv[2], "vlan") == 0) {
		ns->ns_what = PV_NET_SET_VLAN;
		if (str_num(argv[3], strlen(argv[3]), 0, PV_NET_NVLAN - 1,
		    &vlan) != 0)
			return false;
		ns->ns_vlan = (uint16_t)vlan;
		return true;
	}
	for (i = 0; i < PV_NELEM(bits) && argc == 4; i++) {
		if (strcmp(bits[i].name, argv[2]) == 0) {
			ns->ns_what = bits[i].what;
			ns->ns_flags = bits[i].flag;
			return true;
		}
	}
	return false;
}

static int
cmd_ifset(int argc, char **argv)
{
	struct pv_net_set ns = { 0 };
	uint8_t mac[6];
	int rv;

	if (argc < 4 || !cmd_ifset_parse(argc, argv, &ns, mac)) {
		kprintf("usage: ifset NAME promisc|allmulti|lro|rxcsum on|off"
		    " | vlan 0..4095 on|off | mac ADDRESS\n");
		return 2;
	}
	rv = net_set(argv[1], &ns);
	if (rv == 0)
		return 0;
	kprintf("ifset: %s: %s\n", argv[1], rv == -PV_ENOENT ?
	    "no such interface" : rv == -PV_EOPNOTSUPP ?
	    "the device can not do that" : "not possible");
	return 1;
}

/* The text of an address, in lower case. */
static void
cmd_ntoa(const ip_addr_t *ip, char addr[NET_ADDRLEN])
{
	(void)ipaddr_ntoa_r(ip, addr, NET_ADDRLEN);
	for (; *addr != '\0'; addr++)
		if (*addr >= 'A' && *addr <= 'F')
			*addr |= 0x20;
}

/* ---- netstat ----------------------------------------------------------- */

static void
cmd_proto(const char *name, const struct stats_proto *sp)
{
	kprintf("%-7s %10u %10u %8u %8u %8u\n", name, sp->recv, sp->xmit,
	    sp->drop, sp->chkerr, sp->memerr + sp->err);
}

/* Both ends of a connection as text.  Lock: lwIP's. */
static void
cmd_pcb_ends(const struct tcp_pcb *pcb, struct strbuf *sb)
{
	char addr[NET_ADDRLEN];

	cmd_ntoa(&pcb->local_ip, addr);
	str_add(sb, addr);
	str_add(sb, " ");
	str_addu(sb, pcb->local_port);
	str_add(sb, " <- ");
	cmd_ntoa(&pcb->remote_ip, addr);
	str_add(sb, addr);
	str_add(sb, " ");
	str_addu(sb, pcb->remote_port);
}

/* The n-th connection as a line of text.  false: there are fewer. */
static bool
cmd_pcb(unsigned int n, struct strbuf *sb)
{
	const struct tcp_pcb *pcb;
	bool found = false;

	LOCK_TCPIP_CORE();
	for (pcb = tcp_active_pcbs; pcb != NULL && n > 0; pcb = pcb->next)
		n--;
	if (pcb != NULL) {
		cmd_pcb_ends(pcb, sb);
		str_add(sb, "  ");
		str_add(sb, tcp_debug_state_str(pcb->state));
		str_add(sb, ", to send ");
		str_addu(sb, TCP_SND_BUF - pcb->snd_buf);
		found = true;
	}
	UNLOCK_TCPIP_CORE();
	return found;
}

static int
cmd_netstat(int argc, char **argv)
{
	struct netmem_stat ns;
	struct strbuf sb;
	unsigned int n;
	char line[160];

	(void)argc;
	(void)argv;
	kprintf("           received       sent  dropped  bad sum   failed\n");
	cmd_proto("ether", &lwip_stats.link);
	cmd_proto("arp", &lwip_stats.etharp);
	cmd_proto("ip", &lwip_stats.ip);
	cmd_proto("ip6", &lwip_stats.ip6);
	cmd_proto("icmp", &lwip_stats.icmp);
	cmd_proto("icmp6", &lwip_stats.icmp6);
	cmd_proto("udp", &lwip_stats.udp);
	cmd_proto("tcp", &lwip_stats.tcp);
	netmem_stat(&ns);
	kprintf("memory  %zu KiB, at most %zu KiB so far, limit %zu KiB, "
	    "refused %llu times\n", ns.ns_used / 1024, ns.ns_high / 1024,
	    ns.ns_limit / 1024, (unsigned long long)ns.ns_nfail);
	for (n = 0;; n++) {
		str_begin(&sb, line, sizeof(line));
		if (!cmd_pcb(n, &sb))
			break;
		kprintf("%s\n", line);
	}
	return 0;
}

/* ---- names ------------------------------------------------------------- */

/*
 * cmd_net_resolve -- the address of a host; see cmd_net.h
 *
 * Context: thread.
 */
bool
cmd_net_resolve(const char *cmd, const char *host, ip_addr_t *ip)
{
	if (netconn_gethostbyname(host, ip) != ERR_OK) {
		kprintf("%s: no address for %s\n", cmd, host);
		return false;
	}
	LOCK_TCPIP_CORE();
	if (IP_IS_V6(ip) && netif_default != NULL &&
	    ip6_addr_lacks_zone(ip_2_ip6(ip), IP6_UNKNOWN))
		ip6_addr_assign_zone(ip_2_ip6(ip), IP6_UNKNOWN, netif_default);
	UNLOCK_TCPIP_CORE();
	return true;
}

static int
cmd_host(int argc, char **argv)
{
	char addr[NET_ADDRLEN];
	ip_addr_t ip;

	if (argc != 2) {
		kprintf("usage: host NAME\n");
		return 2;
	}
	if (!cmd_net_resolve("host", argv[1], &ip))
		return 1;
	cmd_ntoa(&ip, addr);
	kprintf("%s %s\n", argv[1], addr);
	return 0;
}

/* ---- ping -------------------------------------------------------------- */

struct cmd_ping {
	struct netconn	*cp_nc;
	ip_addr_t	 cp_ip;
	char		 cp_addr[NET_ADDRLEN];
};

/* Send echo request number seq. */
static bool
cmd_ping_send(struct cmd_ping *cp, uint16_t seq)
{
	struct netbuf *nb = netbuf_new();
	struct icmp_echo_hdr *echo;
	u16_t len = sizeof(*echo) + CMD_PINGLEN;
	err_t err = ERR_MEM;

	echo = nb == NULL ? NULL : netbuf_alloc(nb, len);
	if (echo != NULL) {
		memset(echo, 0, len);
		ICMPH_TYPE_SET(echo, IP_IS_V6(&cp->cp_ip) ?
		    (u8_t)ICMP6_TYPE_EREQ : (u8_t)ICMP_ECHO);
		echo->id = lwip_htons(CMD_PINGID);
		echo->seqno = lwip_htons(seq);
		/* Of ICMPv6 lwIP fills the checksum in. */
		if (IP_IS_V4(&cp->cp_ip))
			echo->chksum = inet_chksum(echo, len);
		err = netconn_sendto(cp->cp_nc, nb, &cp->cp_ip, 0);
	}
	netbuf_delete(nb);
	return err == ERR_OK;
}

/* Is it the answer to request seq?  IPv4 packets come with their header. */
static bool
cmd_ping_match(const struct cmd_ping *cp, struct pbuf *p, uint16_t seq)
{
	struct icmp_echo_hdr echo;
	struct ip_hdr ip;
	u16_t off = 0;
	uint8_t want = IP_IS_V6(&cp->cp_ip) ? (u8_t)ICMP6_TYPE_EREP : ICMP_ER;

	if (pbuf_copy_partial(p, &ip, sizeof(ip), 0) != sizeof(ip))
		return false;
	off = IP_IS_V6(&cp->cp_ip) ? 40 : IPH_HL_BYTES(&ip);
	if (pbuf_copy_partial(p, &echo, sizeof(echo), off) != sizeof(echo))
		return false;
	return ICMPH_TYPE(&echo) == want &&
	    echo.id == lwip_htons(CMD_PINGID) &&
	    echo.seqno == lwip_htons(seq);
}

/* Wait a second for the answer to request seq. */
static bool
cmd_ping_wait(struct cmd_ping *cp, uint16_t seq)
{
	uint64_t start = arch_now(), end = start + NSEC_PER_SEC, us;
	struct netbuf *nb;
	bool ok = false;

	while (!ok && arch_now() < end) {
		netconn_set_recvtimeout(cp->cp_nc,
		    (int)((end - arch_now()) / NSEC_PER_MSEC) + 1);
		if (netconn_recv(cp->cp_nc, &nb) != ERR_OK)
			break;
		ok = cmd_ping_match(cp, nb->p, seq);
		netbuf_delete(nb);
	}
	us = (arch_now() - start) / NSEC_PER_USEC;
	if (ok)
		kprintf("%s: seq %u, %llu.%03llu ms\n", cp->cp_addr, seq,
		    (unsigned long long)(us / 1000),
		    (unsigned long long)(us % 1000));
	else
		kprintf("%s: seq %u, no answer\n", cp->cp_addr, seq);
	return ok;
}

static unsigned int
cmd_ping_run(struct cmd_ping *cp, unsigned int count)
{
	unsigned int i, got = 0;
	uint64_t next;

	for (i = 0; i < count; i++) {
		next = arch_now() + NSEC_PER_SEC;
		if (!cmd_ping_send(cp, (uint16_t)i))
			kprintf("%s: seq %u, cannot send: no route\n",
			    cp->cp_addr, i);
		else if (cmd_ping_wait(cp, (uint16_t)i))
			got++;
		if (i + 1 < count && arch_now() < next)
			thread_sleep(next - arch_now());
	}
	kprintf("%u sent, %u answered\n", count, got);
	return got;
}

static int
cmd_ping(int argc, char **argv)
{
	struct cmd_ping cp;
	uint64_t count = 3;
	unsigned int got;
	bool six;

	if (argc < 2 || argc > 3 || (argc == 3 &&
	    str_num(argv[2], strlen(argv[2]), 1, 10000, &count) != 0)) {
		kprintf("usage: ping HOST [COUNT]\n");
		return 2;
	}
	if (!cmd_net_resolve("ping", argv[1], &cp.cp_ip))
		return 1;
	six = IP_IS_V6(&cp.cp_ip);
	cmd_ntoa(&cp.cp_ip, cp.cp_addr);
	cp.cp_nc = netconn_new_with_proto_and_callback(
	    six ? NETCONN_RAW_IPV6 : NETCONN_RAW,
	    six ? IP6_NEXTH_ICMP6 : IP_PROTO_ICMP, NULL);
	if (cp.cp_nc == NULL) {
		kprintf("ping: no memory\n");
		return 1;
	}
	got = cmd_ping_run(&cp, (unsigned int)count);
	(void)netconn_delete(cp.cp_nc);
	return got > 0 ? 0 : 1;
}

/* ---- udpsend ----------------------------------------------------------- */

#define CMD_UDPMAX	8900u
#define CMD_UDPBATCH	32u		/* made under one hold of lwIP's lock */

/* Datagrams number n and on, each with its number in front; how many went. */
static unsigned int
cmd_udp_batch(struct udp_pcb *pcb, uint32_t n, uint32_t count, u16_t len)
{
	unsigned int i = 0;
	struct pbuf *p;
	uint32_t number;
	err_t err = ERR_OK;

	LOCK_TCPIP_CORE();
	while (i < CMD_UDPBATCH && n + i < count && err == ERR_OK) {
		p = pbuf_alloc(PBUF_TRANSPORT, len, PBUF_RAM);
		if (p == NULL)
			break;
		memset(p->payload, (int)(n + i), len);
		number = lwip_htonl(n + i);
		memcpy(p->payload, &number, sizeof(number));
		err = udp_send(pcb, p);
		i += err == ERR_OK;
		pbuf_free(p);
	}
	UNLOCK_TCPIP_CORE();
	return i;
}

/* All of them; false: the operator wants an end, or none go for seconds. */
static bool
cmd_udp_run(struct udp_pcb *pcb, uint32_t count, u16_t len)
{
	uint64_t start = arch_now();
	unsigned int tries = 0, some;
	uint32_t n = 0;

	while (n < count && tries < 1000) {
		some = cmd_udp_batch(pcb, n, count, len);
		n += some;
		tries = some > 0 ? 0 : tries + 1;
		if (some == 0 && shell_sleep(5 * NSEC_PER_MSEC))
			break;
	}
	kprintf("udpsend: %u datagrams of %u bytes in %llu ms\n", n, len,
	    (unsigned long long)((arch_now() - start) / NSEC_PER_MSEC));
	return n == count;
}

static int
cmd_udpsend(int argc, char **argv)
{
	uint64_t port, len = 1000, count = 1;
	struct udp_pcb *pcb;
	ip_addr_t ip;
	bool ok = false;

	if (argc < 3 || argc > 5)
		return shell_usage(argv);
	if (!shell_num(argv, argv[2], UINT16_MAX, &port) ||
	    (argc > 3 && !shell_num(argv, argv[3], CMD_UDPMAX, &len)) ||
	    (argc > 4 && !shell_num(argv, argv[4], 1000000, &count)) ||
	    !cmd_net_resolve(argv[0], argv[1], &ip))
		return 1;
	LOCK_TCPIP_CORE();
	pcb = udp_new_ip_type(IP_GET_TYPE(&ip));
	if (pcb != NULL && udp_connect(pcb, &ip, (u16_t)port) == ERR_OK)
		ok = true;
	UNLOCK_TCPIP_CORE();
	if (!ok)
		kprintf("udpsend: no memory, or no way there\n");
	else
		ok = cmd_udp_run(pcb, (uint32_t)count,
		    (u16_t)(len < 4 ? 4 : len));
	LOCK_TCPIP_CORE();
	if (pcb != NULL)
		udp_remove(pcb);
	UNLOCK_TCPIP_CORE();
	return ok ? 0 : 1;
}

const struct cmd cmd_net[] = {
	{ "interfaces", "[NAME]", "network interfaces, addresses, counters",
	    cmd_interfaces },
	{ "ifconfig", "[NAME]", "the same", cmd_interfaces },
	{ "ifset", "NAME promisc|allmulti|lro|rxcsum on|off | vlan N on|off |"
	    " mac ADDRESS", "tell an interface's device what to take",
	    cmd_ifset },
	{ "ping", "HOST [COUNT]", "is a host there (IPv4, IPv6)", cmd_ping },
	{ "netstat", "", "network protocols, memory, connections",
	    cmd_netstat },
	{ "udpsend", "HOST PORT [BYTES [COUNT]]", "send datagrams",
	    cmd_udpsend },
	{ "host", "NAME", "the address of a host", cmd_host },
	{ NULL, NULL, NULL, NULL }
};
