/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nif_train.h -- segments that follow each other, as one large packet.
 *
 * Theory of operation.  lwIP makes one frame of each segment.  Where the
 * device cuts large packets into segments itself, the frames of one connection
 * that wait in an interface's queue, in order, are sent as a train:
 *
 *	frame:  | headers | payload |    | headers | payload |    ...
 *	train:  | copy of the first's headers | payload | payload | ...
 *
 * The payloads stay where lwIP has them; the headers are a copy, since lwIP
 * may send each segment again by itself.  What the device makes of a train is
 * what went in, but for PSH, which moves to the last segment:
 *
 *   - addresses, ports, acknowledgement, window, options are those of all;
 *   - each payload follows the one before it, and all but the last have the
 *     same length;
 *   - a segment with FIN is the last; SYN, RST, URG never come along.
 *
 * Datagrams of UDP from one place to another make trains as well where the
 * device cuts those; each remains a datagram of its own.
 *
 * Nothing here knows lwIP or drivers; the caller has the frames.
 */

#ifndef NIF_TRAIN_H
#define NIF_TRAIN_H

#include <pv/net.h>

#define NIF_TRAIN_HDR	128	/* Ethernet, IP and TCP headers, at most 114 */
#define NIF_TRAIN_MAX	65535	/* bytes, with headers */

/* Of a power of two bytes, so that the headers lie in one page. */
struct nif_train {
	_Alignas(512)
	struct pv_net_pkt tr_pkt;	/* by nif_train_end() */
	struct pv_iov	 tr_iov[PV_NET_MAXPIECES];
	unsigned int	 tr_niov;
	unsigned int	 tr_nseg;
	uint32_t	 tr_len;	/* bytes, headers and payloads */
	uint32_t	 tr_seq, tr_next;	/* of the first; that follows */
	uint16_t	 tr_size;	/* payload of a segment */
	uint8_t		 tr_l4, tr_hlen;	/* where TCP's, payload begin */
	uint8_t		 tr_flags;	/* TCP's, of all */
	uint8_t		 tr_id[2];	/* IPv4's, of the first */
	uint8_t		 tr_proto;	/* 6: TCP, 17: UDP */
	bool		 tr_closed;	/* nothing may follow */
	uint8_t		 tr_hdr[NIF_TRAIN_HDR];
	struct nif_train *tr_link;	/* the caller's */
};

/*
 * Begin a train with a frame, of TCP with a blank checksum or of UDP; can:
 * PV_NET_CAN_*.  False: it is no such frame, or the device does not cut its
 * kind.
 * Context: any, as of the others.
 */
bool	 nif_train_begin(struct nif_train *, const struct pv_net_pkt *,
	    uint32_t can);
/* The next frame; false: it does not follow, and the train is as before. */
bool	 nif_train_add(struct nif_train *, const struct pv_net_pkt *);
/*
 * No more: tr_pkt is the packet, of two frames at least; np_done and np_arg
 * are the caller's to set.
 */
void	 nif_train_end(struct nif_train *);

#endif /* NIF_TRAIN_H */
