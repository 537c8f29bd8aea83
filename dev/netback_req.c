/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netback_req.c -- netback's pure steps: packets of ring entries, and what has
 * to be copied; see netback.h.
 * Source: xen/include/public/io/netif.h.
 */

#include "flow.h"
#include "iov.h"
#include "netback.h"

/* ---- a packet from the ring -------------------------------------------- */

static int
netback_req_gso(struct netback_ask *ak, const struct netif_extra_info *ei)
{
	/* peer: a size and a kind that there are. */
	if (ei->u.gso.size == 0)
		return -PV_EPROTO;
	if (ei->u.gso.type == XEN_NETIF_GSO_TYPE_TCPV4)
		ak->ak_gsotype = PV_NET_GSO_TCP4;
	else if (ei->u.gso.type == XEN_NETIF_GSO_TYPE_TCPV6)
		ak->ak_gsotype = PV_NET_GSO_TCP6;
	else
		return -PV_EPROTO;
	ak->ak_gsosize = ei->u.gso.size;
	return 0;
}

static int
netback_req_extra(struct netback_ask *ak, const struct netif_extra_info *ei)
{
	/* peer: any type, and a chain of any length. */
	if (ei->type == XEN_NETIF_EXTRA_TYPE_NONE ||
	    ei->type >= XEN_NETIF_EXTRA_TYPE_MAX ||
	    ak->ak_nextra == NETBACK_NEXTRA)
		return -PV_EPROTO;
	ak->ak_nextra++;
	ak->ak_extra = (ei->flags & XEN_NETIF_EXTRA_FLAG_MORE) != 0;
	if (ei->type == XEN_NETIF_EXTRA_TYPE_GSO)
		return netback_req_gso(ak, ei);
	if (ei->type == XEN_NETIF_EXTRA_TYPE_MCAST_ADD ||
	    ei->type == XEN_NETIF_EXTRA_TYPE_MCAST_DEL) {
		ak->ak_group = ei->type;
		__builtin_memcpy(ak->ak_mac, ei->u.mcast.addr, 6);
	}
	return 0;
}

/*
 * netback_req_add -- add an entry of the ring to a packet
 *
 * 1: it is whole; 0: more follows; -PV_EPROTO.
 * Context: any.
 */
int
netback_req_add(struct netback_ask *ak, const union netback_ent *en)
{
	int rv = 0;

	if (ak->ak_extra) {
		rv = netback_req_extra(ak, &en->en_extra);
	} else if (ak->ak_n == NETBACK_NFATAL) {
		rv = -PV_EPROTO;
	} else {
		ak->ak_more = (en->en_req.flags & NETTXF_more_data) != 0;
		ak->ak_extra = ak->ak_n == 0 &&
		    (en->en_req.flags & NETTXF_extra_info) != 0;
		ak->ak_slot[ak->ak_n++] = en->en_req;
	}
	return rv < 0 ? rv : !ak->ak_extra && !ak->ak_more;
}

/*
 * netback_req_check -- a whole packet: its length, and each slot's own
 *
 * 0; -PV_EINVAL: to be dropped, -PV_EPROTO.
 * Context: any.
 */
int
netback_req_check(struct netback_ask *ak, uint32_t *len)
{
	uint32_t rest = 0;
	unsigned int i;

	*len = ak->ak_slot[0].size;
	for (i = 1; i < ak->ak_n; i++)
		rest += ak->ak_slot[i].size;
	/*
	 * peer: the first slot says how long the packet is.  Linux's answer to
	 * these is an error too: some front ends were no better.
	 */
	if (ak->ak_n > NETBACK_NSLOT || rest > *len)
		return -PV_EINVAL;
	ak->ak_slot[0].size = (uint16_t)(*len - rest);
	for (i = 0; i < ak->ak_n; i++) {
		if (ak->ak_slot[i].offset >= PV_PAGE_SIZE ||
		    ak->ak_slot[i].size > PV_PAGE_SIZE -
		    ak->ak_slot[i].offset)
			return -PV_EPROTO;
	}
	return *len < NETBACK_HDRLEN || ak->ak_slot[0].size < NETBACK_HDRLEN ?
	    -PV_EINVAL : 0;
}

/* ---- copying ----------------------------------------------------------- */

/*
 * A short packet lies in one page; of a longer one the second slot lies in its
 * page as it does in the guest's, so that the others mostly do so as well.
 */
static size_t
netback_req_place(const struct netback_ask *ak, size_t at)
{
	size_t in = at % PV_PAGE_SIZE, want;

	if (ak->ak_n == 1)
		return in + ak->ak_slot[0].size <= PV_PAGE_SIZE ? at :
		    at - in + PV_PAGE_SIZE;
	want = (ak->ak_slot[1].offset + 2 * PV_PAGE_SIZE -
	    ak->ak_slot[0].size) % PV_PAGE_SIZE;
	return at + (want + PV_PAGE_SIZE - in) % PV_PAGE_SIZE;
}

/*
 * netback_req_pieces -- where a packet goes, and what has to be copied
 *
 * It goes to contiguous memory, so its headers are in one piece however the
 * guest has spread them.  Takes less than a page beside its length.
 * Context: any.
 */
unsigned int
netback_req_pieces(const struct netback_ask *ak, char *base, size_t at,
    struct gntmap_copy *gc, size_t *where)
{
	unsigned int i, n = 0, off, left;
	size_t room;

	at = netback_req_place(ak, at);
	*where = at;
	for (i = 0; i < ak->ak_n; i++) {
		off = ak->ak_slot[i].offset;
		for (left = ak->ak_slot[i].size; left > 0; n++) {
			room = PV_PAGE_SIZE - at % PV_PAGE_SIZE;
			gc[n] = (struct gntmap_copy){ .gc_va = base + at };
			gc[n].gc_ref = GREF(ak->ak_slot[i].gref);
			gc[n].gc_off = (uint16_t)off;
			gc[n].gc_len = (uint16_t)(left < room ? left : room);
			off += gc[n].gc_len;
			at += gc[n].gc_len;
			left -= gc[n].gc_len;
		}
	}
	return n;
}

/*
 * netback_req_chunks -- the pieces of a packet, into a guest's buffers
 *
 * The first, then those that extra info does not take the place of.
 * Context: any.
 */
unsigned int
netback_req_chunks(const struct netback_out *ou, struct gntmap_copy *gc)
{
	const struct pv_net_pkt *np = ou->ou_np;
	struct iov_iter it;
	unsigned int n = 0, slot = 0, off = 0;
	size_t len;
	void *p;

	iov_start(&it, np->np_iov, np->np_niov);
	while ((p = iov_next(&it, PV_PAGE_SIZE - off, &len)) != NULL) {
		gc[n] = (struct gntmap_copy){ .gc_va = p, .gc_write = true };
		gc[n].gc_ref = GREF(ou->ou_req[slot].gref);
		gc[n].gc_off = (uint16_t)off;
		gc[n++].gc_len = (uint16_t)len;
		off += (unsigned int)len;
		if (off == PV_PAGE_SIZE) {
			slot += slot == 0 ? 1 + ou->ou_nextra : 1;
			off = 0;
		}
	}
	return n;
}

/* ---- what was copied --------------------------------------------------- */

/*
 * netback_req_good -- may a packet be handed on as what its flags say?
 *
 * One that is a single segment loses its mark.  Who is given it can rely on
 * whole headers where the checksum is blank.
 * Context: any.
 */
bool
netback_req_good(const void *data, struct pv_net_pkt *np)
{
	struct flow fl;

	if (np->np_gso_size == 0 && (np->np_flags & PV_NET_CSUM_BLANK) == 0)
		return true;
	/* peer: the data is its word, but it can not change any more. */
	fl = flow_parse(data, np->np_len);
	if (fl.fl_hlen == 0)
		return false;
	if (np->np_gso_size == 0)
		return true;
	if (fl.fl_proto != FLOW_TCP || np->np_gso_size < NETBACK_MINGSO ||
	    fl.fl_version != (np->np_gso_type == PV_NET_GSO_TCP4 ? 4 : 6) ||
	    (np->np_flags & PV_NET_CSUM_BLANK) == 0)
		return false;
	if (np->np_len - fl.fl_hlen <= np->np_gso_size) {
		np->np_gso_size = 0;
		np->np_gso_type = 0;
	}
	return true;
}
