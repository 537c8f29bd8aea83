/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_out.c -- a packet leaves by a port: it is made what that port takes.
 *
 * A blank checksum may only go to a port that fills it in, a train only to one
 * that cuts it.  A port that takes no pieces takes a page, which holds any
 * frame of a usual MTU.
 */

#include <pv/errno.h>

#include "fwd.h"
#include "fwd_cut.h"
#include "fwd_sum.h"

static bool
fwd_out_csum(const struct fwd_port *pt, const struct fwd_hdr *hd)
{
	return (pt->pt_offload & (hd->hd_version == 4 ? PV_NET_CAN_CSUM4 :
	    PV_NET_CAN_CSUM6)) != 0;
}

/* Does a port cut such a train itself? */
static bool
fwd_out_cuts(const struct fwd_port *pt, const struct pv_net_pkt *np)
{
	uint32_t need = PV_NET_CAN_USO;

	if (np->np_gso_type == PV_NET_GSO_TCP4)
		need = PV_NET_CAN_TSO4;
	else if (np->np_gso_type == PV_NET_GSO_TCP6)
		need = PV_NET_CAN_TSO6;
	return (pt->pt_offload & need) != 0;
}

/* A frame, or a train for who cuts it: what is left is its checksum. */
static void
fwd_out_one(struct fwd *fw, unsigned int port, struct fwd_buf *fb,
    const struct fwd_hdr *hd)
{
	struct fwd_port *pt = &fw->fw_port[port];
	struct pv_net_pkt *np = &fb->fb_pkt;

	if ((np->np_flags & PV_NET_CSUM_BLANK) != 0 && np->np_gso_size == 0 &&
	    !fwd_out_csum(pt, hd)) {
		fwd_sum_complete(np, hd);
		pt->pt_count.pc_completed++;
	}
	np->np_flags &= ~(uint32_t)PV_NET_CSUM_VALID;
	if (np->np_niov > 1 && (pt->pt_offload & PV_NET_CAN_SG) == 0 &&
	    !pt->pt_self) {
		pt->pt_count.pc_big++;
		fwd_buf_free(fb);
		return;
	}
	pt->pt_count.pc_txpkt++;
	pt->pt_count.pc_txbyte += np->np_len;
	fw->fw_ops->fo_send(fw->fw_arg, port, fb);
}

/* Part i of a packet, to be sent; NULL: no memory. */
static struct fwd_buf *
fwd_out_part(const struct fwd_cut *cu, const struct fwd_buf *fb,
    unsigned int i)
{
	uint8_t head[FWD_CUT_HEAD];
	uint32_t len = fwd_cut_headers(cu, i, head);
	struct fwd_buf *part;

	part = fwd_buf_part(&fb->fb_pkt, head, cu->cu_hlen, cu->cu_hlen +
	    i * cu->cu_size, len);
	if (part != NULL && !cu->cu_frag)
		part->fb_pkt.np_flags = PV_NET_CSUM_BLANK;
	return part;
}

/* All n parts, each as the port takes it; the whole is no more needed. */
static void
fwd_out_parts(struct fwd *fw, unsigned int port, struct fwd_buf *fb,
    const struct fwd_cut *cu, unsigned int n)
{
	struct fwd_port *pt = &fw->fw_port[port];
	struct fwd_buf *part;
	struct fwd_hdr hd;
	unsigned int i;

	for (i = 0; i < n; i++) {
		part = fwd_out_part(cu, fb, i);
		if (part == NULL || fwd_hdr_parse(&hd, &part->fb_pkt) != 0) {
			if (part != NULL)
				fwd_buf_free(part);
			pt->pt_count.pc_lost++;
			continue;
		}
		if (!cu->cu_frag)
			fwd_sum_blank(&part->fb_pkt, &hd);
		fwd_out_one(fw, port, part, &hd);
	}
	pt->pt_count.pc_cut++;
	fwd_buf_free(fb);
}

/* A train: whole, or its segments. */
static void
fwd_out_train(struct fwd *fw, unsigned int port, struct fwd_buf *fb,
    const struct fwd_hdr *hd)
{
	struct fwd_port *pt = &fw->fw_port[port];
	struct fwd_cut cu;
	unsigned int n = fwd_cut_train(&cu, &fb->fb_pkt, hd);

	if (n == 0 || (uint32_t)(hd->hd_hlen - hd->hd_l3) +
	    fb->fb_pkt.np_gso_size > pt->pt_mtu) {
		pt->pt_count.pc_big++;
		fwd_buf_free(fb);
	} else if (n > 1 && fwd_out_cuts(pt, &fb->fb_pkt)) {
		fb->fb_pkt.np_flags |= PV_NET_CSUM_BLANK;
		fwd_sum_blank(&fb->fb_pkt, hd);
		fwd_out_one(fw, port, fb, hd);
	} else if (n > 1) {
		fwd_out_parts(fw, port, fb, &cu, n);
	} else {
		fb->fb_pkt.np_gso_size = 0;
		fb->fb_pkt.np_gso_type = 0;
		fwd_out_one(fw, port, fb, hd);
	}
}

/*
 * fwd_out -- leave by a port
 *
 * Context: thread.
 */
void
fwd_out(struct fwd *fw, unsigned int port, struct fwd_buf *fb,
    const struct fwd_hdr *hd)
{
	struct fwd_port *pt = &fw->fw_port[port];
	struct fwd_cut cu;
	unsigned int n;

	if (fb->fb_pkt.np_gso_size != 0) {
		fwd_out_train(fw, port, fb, hd);
		return;
	}
	/* A VLAN's tag counts to the header, as everywhere. */
	if (fb->fb_pkt.np_len - hd->hd_l3 <= pt->pt_mtu) {
		fwd_out_one(fw, port, fb, hd);
		return;
	}
	/* Ethernet's padding does not count. */
	n = hd->hd_version != 4 ? 0 :
	    fwd_cut_fragments(&cu, &fb->fb_pkt, hd, pt->pt_mtu);
	if (n == 0) {
		pt->pt_count.pc_big++;
		fwd_buf_free(fb);
		return;
	}
	/* Of a fragment nobody could complete the whole's. */
	if ((fb->fb_pkt.np_flags & PV_NET_CSUM_BLANK) != 0)
		fwd_sum_complete(&fb->fb_pkt, hd);
	fwd_out_parts(fw, port, fb, &cu, n);
}
