/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_buf.h -- packets that are being forwarded.
 *
 * A packet is copied once, out of the driver that received it, into pages of
 * our own: one that nothing else is in for each 4096 bytes, since the next
 * driver shows them to its peer.  Pages and packets come from a bounded store;
 * without one the packet is dropped.
 */

#ifndef FWD_BUF_H
#define FWD_BUF_H

#include <pv/net.h>

#define FWD_BUF_MAX	(17 * PV_PAGE_SIZE)	/* bytes of one packet */

struct fwd_buf {
	struct pv_net_pkt fb_pkt;	/* its pieces are full pages, but for
					   the last one */
	struct pv_iov	 fb_iov[PV_NET_MAXPIECES];
	struct fwd_buf	*fb_next;	/* whose it is links it */
	unsigned int	 fb_port;
	uint64_t	 fb_since;	/* the owner's */
};

struct fwd_buf_stat {
	unsigned int	 fs_npage, fs_maxpage, fs_nbuf, fs_maxbuf;
	uint64_t	 fs_nfail;
};

/*
 * Once: at most npage pages and nbuf packets.  -PV_ENOMEM.  Context: thread.
 */
int	 fwd_buf_init(unsigned int npage, unsigned int nbuf);

/*
 * A packet of len bytes, or NULL.  Only what is behind them in the last page is
 * cleared.  Context: deferred, thread.
 */
struct fwd_buf *fwd_buf_alloc(uint32_t len);
/* A copy of a packet, with its flags.  Context: deferred, thread. */
struct fwd_buf *fwd_buf_copy(const struct pv_net_pkt *);
/*
 * A packet of hlen bytes of headers, and len bytes of another packet from off
 * on.  Context: deferred, thread.
 */
struct fwd_buf *fwd_buf_part(const struct pv_net_pkt *, const uint8_t *hdr,
	    uint32_t hlen, uint32_t off, uint32_t len);
void	 fwd_buf_free(struct fwd_buf *);

void	 fwd_buf_stat(struct fwd_buf_stat *);

static inline uint8_t *
fwd_buf_head(const struct fwd_buf *fb)
{
	return fb->fb_iov[0].iov_base;
}

#endif /* FWD_BUF_H */
