/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwipopts.h -- how lwIP is built for the guest.
 *
 * The main job is to send large files to a few peers in little memory: large
 * windows for each connection, all memory from one bounded allocator
 * (netmem.c), no static pools.
 */

#ifndef LWIPOPTS_H
#define LWIPOPTS_H

/* ---- threads and memory ------------------------------------------------ */
#define NO_SYS				0
#define SYS_LIGHTWEIGHT_PROT		1
#define LWIP_TCPIP_CORE_LOCKING		1
#define LWIP_TCPIP_CORE_LOCKING_INPUT	0
#define TCPIP_THREAD_NAME		"net"
#define TCPIP_THREAD_STACKSIZE		0	/* the kernel's default */
/* Who gives lwIP's lock up sends what was made under it. */
#define LOCK_TCPIP_CORE()		sys_mutex_lock(&lock_tcpip_core)
#define UNLOCK_TCPIP_CORE()		nif_tx_unlock()
void nif_tx_unlock(void);
#define TCPIP_MBOX_SIZE			128
#define DEFAULT_RAW_RECVMBOX_SIZE	16
#define DEFAULT_UDP_RECVMBOX_SIZE	32
/* At least a window of full segments: a full mailbox refuses data. */
#define DEFAULT_TCP_RECVMBOX_SIZE	160
#define DEFAULT_ACCEPTMBOX_SIZE		32

#define MEM_LIBC_MALLOC			1
#define MEMP_MEM_MALLOC			1
#define MEM_ALIGNMENT			16
#define mem_clib_malloc			netmem_alloc
#define mem_clib_calloc			netmem_calloc
#define mem_clib_free			netmem_free
#include "netmem.h"

/* ---- addresses --------------------------------------------------------- */
#define LWIP_IPV4			1
#define LWIP_IPV6			1
/* A reassembly record does not fit in an IPv6 fragment header on 64 bit. */
#define IPV6_FRAG_COPYHEADER	1
#define LWIP_ICMP			1
#define LWIP_RAW			1
#define LWIP_DHCP			1
#define LWIP_DHCP_MAX_DNS_SERVERS	2
#define DHCP_DOES_ARP_CHECK		0
#define LWIP_IPV6_AUTOCONFIG		1
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS	1
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS	2
#define LWIP_ND6_NUM_NEIGHBORS		32
#define LWIP_ND6_NUM_DESTINATIONS	32
#define ARP_TABLE_SIZE			32
#define ARP_QUEUEING			1
#define LWIP_DNS			1
#define DNS_MAX_SERVERS			3

#define LWIP_NETIF_HOSTNAME		1
#define LWIP_NETIF_STATUS_CALLBACK	1
#define LWIP_HAVE_LOOPIF		1
#define LWIP_LOOPBACK_MAX_PBUFS		64
#define LWIP_NUM_NETIF_CLIENT_DATA	0

/* ---- TCP --------------------------------------------------------------- */
#define TCP_MSS				1460
#define LWIP_WND_SCALE			1
#define TCP_RCV_SCALE			2
#define TCP_WND				(96 * TCP_MSS)
#define TCP_SND_BUF			(96 * TCP_MSS)
#define TCP_SND_QUEUELEN		(4 * TCP_SND_BUF / TCP_MSS)
#define TCP_SNDLOWAT			(40 * TCP_MSS)	/* lwIP: below 64 KiB */
#define TCP_LISTEN_BACKLOG		1
#define TCP_DEFAULT_LISTEN_BACKLOG	32
#define TCP_MSL				15000
#define LWIP_TCP_SACK_OUT		1
#define LWIP_TCP_PCB_NUM_EXT_ARGS	2	/* netorphan.c */
/* lwIP's own first sequence numbers follow the clock. */
#define LWIP_HOOK_TCP_ISN(lip, lport, rip, rport) rand_u32()
#define LWIP_HOOK_FILENAME		"tcp_again.h"
#define LWIP_RANDOMIZE_INITIAL_LOCAL_PORTS 1
#define SO_REUSE			1
#define PBUF_POOL_BUFSIZE		1552

/* ---- checksums: decided packet by packet, see nif.c -------------------- */
#define LWIP_CHECKSUM_CTRL_PER_NETIF	1
#define LWIP_CHECKSUM_ON_COPY		0

/* ---- programming interfaces -------------------------------------------- */
#define LWIP_NETCONN			1
#define LWIP_SOCKET			0
#define LWIP_SO_RCVTIMEO		1
#define LWIP_SO_SNDTIMEO		1

#define LWIP_STATS			1
#define MEM_STATS			0
#define MEMP_STATS			0
#define SYS_STATS			0
#define ND6_STATS			1
#define IP6_STATS			1
#define ICMP6_STATS			1

#endif /* LWIPOPTS_H */
