/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flood.c -- flood ADDRESS BYTES COUNT: send echo requests, some at a time,
 * the next when all of these were answered.  Fails if an answer is missing
 * or wrong.
 */

#include <arpa/inet.h>
#include <err.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define AT_ONCE	32
#define BYTES	(16 << 10)		/* at once: Linux drops answers that
					   would take it more memory */
#define LONGEST	60000			/* ms until an answer is lost */
#define ROOM	(8 << 20)		/* bytes of answers that wait for us */

struct echo {
	uint8_t		type, code;
	uint16_t	sum, id, seq;
	uint8_t		data[65000];
};

static union {
	struct sockaddr_in	v4;
	struct sockaddr_in6	v6;
	struct sockaddr		any;
} peer;
static socklen_t peerlen;
static struct echo request, answer;
static uint8_t packet[sizeof(struct echo) + 60];

/* The address of text, as IPv4 or as IPv6 with %INTERFACE behind it. */
static int
resolve(char *text)
{
	char *scope = strchr(text, '%');

	if (inet_pton(AF_INET, text, &peer.v4.sin_addr) == 1) {
		peer.v4.sin_family = AF_INET;
		peerlen = sizeof(peer.v4);
		return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	}
	if (scope != NULL)
		*scope++ = '\0';
	if (inet_pton(AF_INET6, text, &peer.v6.sin6_addr) != 1)
		errx(1, "%s is no address", text);
	peer.v6.sin6_scope_id = scope != NULL ? if_nametoindex(scope) : 0;
	peer.v6.sin6_family = AF_INET6;
	peerlen = sizeof(peer.v6);
	return socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
}

static uint16_t
checksum(const struct echo *e, size_t len)
{
	const uint16_t *p = (const uint16_t *)(const void *)e;
	uint32_t sum = 0;

	for (; len > 1; len -= 2)
		sum += *p++;
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)~(sum + (sum >> 16));
}

static void
ask(int s, unsigned int seq, size_t len)
{
	request.type = peer.any.sa_family == AF_INET ? ICMP_ECHO :
	    ICMP6_ECHO_REQUEST;
	request.id = htons((uint16_t)getpid());
	request.seq = htons((uint16_t)seq);
	memset(request.data, (int)seq, sizeof(request.data));
	request.sum = 0;
	if (peer.any.sa_family == AF_INET)	/* the kernel does IPv6's */
		request.sum = checksum(&request, len);
	if (sendto(s, &request, len, 0, &peer.any, peerlen) != (ssize_t)len)
		err(1, "number %u", seq);
}

/* The number of one that was answered, as it was sent. */
static unsigned int
answered(int s, size_t len)
{
	struct pollfd pfd = { s, POLLIN, 0 };
	size_t skip = 0;
	ssize_t n;

	for (;;) {
		if (poll(&pfd, 1, LONGEST) != 1)
			errx(1, "no answer in %d ms", LONGEST);
		n = recv(s, packet, sizeof(packet), 0);
		if (peer.any.sa_family == AF_INET && n > 0)
			skip = (packet[0] & 15u) * 4;
		if (n < (ssize_t)(skip + 8))
			continue;
		memcpy(&answer, packet + skip, (size_t)n - skip);
		if (answer.id == request.id && (answer.type ==
		    ICMP_ECHOREPLY || answer.type == ICMP6_ECHO_REPLY))
			break;
	}
	memset(request.data, ntohs(answer.seq), sizeof(request.data));
	if ((size_t)n - skip != len ||
	    memcmp(answer.data, request.data, len - 8) != 0)
		errx(1, "number %u came back as another", ntohs(answer.seq));
	return ntohs(answer.seq);
}

int
main(int argc, char **argv)
{
	unsigned int i, n, done, count, once;
	uint8_t seen[AT_ONCE];
	size_t len;
	int s, room = ROOM;

	if (argc != 4 || (s = resolve(argv[1])) < 0 || setsockopt(s,
	    SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) != 0)
		errx(1, "usage: flood ADDRESS BYTES COUNT");
	len = strtoul(argv[2], NULL, 10) / 2 * 2 + 8;
	count = (unsigned int)strtoul(argv[3], NULL, 10);
	if (len > BYTES || count > UINT16_MAX)
		errx(1, "too large");
	once = BYTES / len < AT_ONCE ? (unsigned int)(BYTES / len) : AT_ONCE;
	for (done = 0; done < count; done += n) {
		n = count - done < once ? count - done : once;
		memset(seen, 0, sizeof(seen));
		for (i = 0; i < n; i++)
			ask(s, done + i, len);
		for (i = 0; i < n; i++) {
			unsigned int seq = answered(s, len) - done;

			if (seq >= n || seen[seq]++ != 0)
				errx(1, "answered twice");
		}
	}
	printf("%u answered\n", done);
	return 0;
}
