/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frames.c -- frames DEVICE FILE: write all frames that pass a network device,
 * both ways, to a file in the form of pcap, until standard input ends.  Fails
 * if one was missed.
 */

#include <arpa/inet.h>
#include <err.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#define ROOM	(64 << 20)		/* bytes of frames that wait for us */

static char frame[1 << 17];

static int
listen_to(const char *device)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
	    .sll_protocol = htons(ETH_P_ALL) };
	int s = socket(AF_PACKET, SOCK_RAW, 0), room = ROOM;

	ll.sll_ifindex = (int)if_nametoindex(device);
	if (s < 0 || ll.sll_ifindex == 0 || setsockopt(s, SOL_SOCKET,
	    SO_RCVBUFFORCE, &room, sizeof(room)) != 0 ||
	    bind(s, (struct sockaddr *)&ll, sizeof(ll)) != 0)
		err(1, "%s", device);
	return s;
}

static void
keep(int s, FILE *f)
{
	ssize_t n = recv(s, frame, sizeof(frame), MSG_TRUNC);
	uint32_t head[4] = { 0, 0, (uint32_t)n, (uint32_t)n };

	if (n < 0 || n > (ssize_t)sizeof(frame))
		err(1, "a frame of %zd bytes", n);
	if (fwrite(head, sizeof(head), 1, f) != 1 ||
	    fwrite(frame, (size_t)n, 1, f) != 1)
		err(1, "no room for what was seen");
}

int
main(int argc, char **argv)
{
	static const uint32_t head[6] = { 0xa1b2c3d4, 0x40002, 0, 0, 1 << 17,
	    1 };
	struct tpacket_stats missed = { 0, 0 };
	socklen_t len = sizeof(missed);
	struct pollfd pfd[2] = { { 0, POLLIN, 0 }, { 0, POLLIN, 0 } };
	FILE *f;

	if (argc != 3 || (f = fopen(argv[2], "w")) == NULL)
		err(1, "%s", argc == 3 ? argv[2] : "frames DEVICE FILE");
	fwrite(head, sizeof(head), 1, f);
	pfd[1].fd = listen_to(argv[1]);
	puts("ready");
	fflush(stdout);
	while (poll(pfd, 2, -1) > 0 && (pfd[1].revents != 0 ||
	    pfd[0].revents == 0)) {
		if (pfd[1].revents != 0)
			keep(pfd[1].fd, f);
	}
	if (getsockopt(pfd[1].fd, SOL_PACKET, PACKET_STATISTICS, &missed,
	    &len) != 0 || missed.tp_drops != 0 || fclose(f) != 0)
		errx(1, "missed %u frames", missed.tp_drops);
	return 0;
}
