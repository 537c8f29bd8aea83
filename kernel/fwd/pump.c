/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pump.c -- see pump.h.
 */

#include "pump.h"

#include <string.h>

#include <pv/errno.h>

#include <arch.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <net/net.h>
#include <rand.h>
#include <sched.h>
#include <sync.h>

#define PUMP_NQUEUE	128		/* packets of a port, each way */
#define PUMP_BUDGET	16		/* of a port, before the next one's */
#define PUMP_NBUF	1024		/* packets in all */
#define PUMP_MINPAGE	512
#define PUMP_MAXPAGE	4096
#define PUMP_STACK	(32 * 1024)

struct pump_queue {
	struct fwd_buf	*qu_first, *qu_last;
	unsigned int	 qu_n, qu_npage;
};

struct pump_port {
	struct pv_net	*pp_nt;		/* NULL: free */
	struct pump_queue pp_rx, pp_tx;
	bool		 pp_blocked;	/* the driver's ring is full */
	bool		 pp_ready;	/* nt_ready came meanwhile */
	bool		 pp_changed, pp_announce;
	bool		 pp_full;	/* self: lwIP waits for room */
	struct pv_net	 pp_self;
	struct pump_count pp_count;
};

static struct {
	struct mutex	 pump_mtx;
	struct spinlock	 pump_lock;
	struct sem	 pump_sem;
	bool		 pump_woken;
	bool		 pump_configured;
	struct fwd	*pump_fw;
	unsigned int	 pump_maxpage;	/* of a queue */
	struct pump_port pump_port[FWD_NPORT];
	struct pv_net	*pump_early[FWD_NPORT];	/* no rules yet */
	uint64_t	 pump_tick;		/* when the next one is due */
} pump;

/* ---- queues ------------------------------------------------------------ */

/* Lock: pump_lock; so of the next two. */
static bool
pump_push(struct pump_queue *qu, struct fwd_buf *fb)
{
	if (qu->qu_n >= PUMP_NQUEUE ||
	    qu->qu_npage + fb->fb_pkt.np_niov > pump.pump_maxpage)
		return false;
	fb->fb_next = NULL;
	if (qu->qu_last != NULL)
		qu->qu_last->fb_next = fb;
	else
		qu->qu_first = fb;
	qu->qu_last = fb;
	qu->qu_n++;
	qu->qu_npage += fb->fb_pkt.np_niov;
	return true;
}

static struct fwd_buf *
pump_pop(struct pump_queue *qu)
{
	struct fwd_buf *fb = qu->qu_first;

	if (fb == NULL)
		return NULL;
	qu->qu_first = fb->fb_next;
	if (qu->qu_first == NULL)
		qu->qu_last = NULL;
	qu->qu_n--;
	qu->qu_npage -= fb->fb_pkt.np_niov;
	return fb;
}

static void
pump_unpop(struct pump_queue *qu, struct fwd_buf *fb)
{
	fb->fb_next = qu->qu_first;
	qu->qu_first = fb;
	if (qu->qu_last == NULL)
		qu->qu_last = fb;
	qu->qu_n++;
	qu->qu_npage += fb->fb_pkt.np_niov;
}

static void
pump_empty(struct pump_queue *qu)
{
	struct fwd_buf *fb;
	unsigned long s;

	do {
		s = spin_lock(&pump.pump_lock);
		fb = pump_pop(qu);
		spin_unlock(&pump.pump_lock, s);
		if (fb != NULL)
			fwd_buf_free(fb);
	} while (fb != NULL);
}

/* The thread has something to do.  Context: deferred, thread. */
static void
pump_wake(void)
{
	unsigned long s = spin_lock(&pump.pump_lock);
	bool post = !pump.pump_woken;

	pump.pump_woken = true;
	spin_unlock(&pump.pump_lock, s);
	if (post)
		sem_post(&pump.pump_sem);
}

/* ---- what drivers call ------------------------------------------------- */

/* The port of an interface, or NULL.  Lock: pump_lock. */
static struct pump_port *
pump_of(const struct pv_net *nt)
{
	unsigned int i;

	for (i = 0; i < FWD_NPORT; i++) {
		if (pump.pump_port[i].pp_nt == nt)
			return &pump.pump_port[i];
	}
	return NULL;
}

/* A packet arrives; false: it found no room. */
static bool
pump_arrive(struct pv_net *nt, const struct pv_net_pkt *np)
{
	struct fwd_buf *fb = fwd_buf_copy(np);
	struct pump_port *pp;
	unsigned long s;
	bool ok;

	s = spin_lock(&pump.pump_lock);
	pp = pump_of(nt);
	ok = pp != NULL && fb != NULL && pump_push(&pp->pp_rx, fb);
	if (pp != NULL && !ok)
		pp->pp_count.pu_rxfull++;
	spin_unlock(&pump.pump_lock, s);
	if (ok)
		pump_wake();
	else if (fb != NULL)
		fwd_buf_free(fb);
	return ok;
}

/* pv_net.nt_recv.  Context: deferred. */
static void
pump_recv(struct pv_net *nt, const struct pv_net_pkt *np)
{
	(void)pump_arrive(nt, np);
}

/* Set flags of a port and have the thread look.  Context: deferred. */
static void
pump_note(struct pv_net *nt, bool ready, bool changed, bool announce)
{
	unsigned long s = spin_lock(&pump.pump_lock);
	struct pump_port *pp = pump_of(nt);

	if (pp != NULL) {
		pp->pp_ready |= ready;
		if (ready)
			pp->pp_blocked = false;
		pp->pp_changed |= changed;
		pp->pp_announce |= announce;
	}
	spin_unlock(&pump.pump_lock, s);
	pump_wake();
}

static void
pump_ready(struct pv_net *nt)
{
	pump_note(nt, true, false, false);
}

static void
pump_change(struct pv_net *nt)
{
	pump_note(nt, false, true, false);
}

static void
pump_announce(struct pv_net *nt)
{
	pump_note(nt, false, false, true);
}

/* ---- self -------------------------------------------------------------- */

/* pv_net_ops.no_send of self's: lwIP sends.  Context: deferred, thread. */
static int
pump_self_send(void *sc, struct pv_net_pkt *np)
{
	struct pump_port *pp = sc;
	unsigned long s = spin_lock(&pump.pump_lock);
	bool full = pp->pp_rx.qu_n >= PUMP_NQUEUE / 2;

	pp->pp_full |= full;
	spin_unlock(&pump.pump_lock, s);
	if (full)
		return -PV_EAGAIN;
	np->np_done(np, pump_arrive(&pp->pp_self, np) ? 0 : -PV_EIO);
	return 0;
}

static void
pump_self_poll(void *sc)
{
	(void)sc;
}

static const struct pv_net_ops pump_self_ops = { .no_send = pump_self_send,
    .no_poll = pump_self_poll };

/* A port is an interface's now, and what the one before left is gone. */
static void
pump_take(struct pump_port *pp, struct pv_net *nt)
{
	unsigned long s = spin_lock(&pump.pump_lock);

	memset(pp, 0, sizeof(*pp));
	pp->pp_nt = nt;
	spin_unlock(&pump.pump_lock, s);
}

/* The smallest MTU of a network's ports. */
static uint16_t
pump_mtu(const struct fwd *fw, unsigned int net)
{
	const struct fwd_port *pt;
	uint16_t mtu = 0;

	for (pt = fw->fw_port; pt < fw->fw_port + FWD_NPORT; pt++) {
		if (pt->pt_used && !pt->pt_self && pt->pt_net == (int)net &&
		    (mtu == 0 || pt->pt_mtu < mtu))
			mtu = pt->pt_mtu;
	}
	return mtu == 0 ? 1500 : mtu;
}

/* What lwIP is to be told of its address in a network. */
static void
pump_wish(const struct fwd_conf *co, unsigned int net, struct net_wish *nw)
{
	const struct fwd_net_conf *nc = &co->co_net[net];
	const struct fwd_route_conf *ro;

	memset(nw, 0, sizeof(*nw));
	nw->nw_dhcp = nc->nc_how == FWD_DHCP;
	if (nc->nc_how == FWD_STATIC) {
		memcpy(nw->nw_addr4, nc->nc_addr4.pr_addr.ad_byte, 4);
		nw->nw_len4 = nc->nc_addr4.pr_len;
	}
	if (nc->nc_addr6.pr_version != 0)
		memcpy(nw->nw_addr6, nc->nc_addr6.pr_addr.ad_byte, 16);
	for (ro = co->co_route; ro < co->co_route + co->co_nroute; ro++) {
		if (ro->ro_dst.pr_len == 0 && ro->ro_dst.pr_version == 4 &&
		    nc->nc_how == FWD_STATIC &&
		    fwd_addr_in(&nc->nc_addr4, &ro->ro_via, 4))
			memcpy(nw->nw_gw4, ro->ro_via.ad_byte, 4);
	}
}

/* A network has its first port: connect lwIP.  Lock: pump_mtx. */
static void
pump_self_up(unsigned int net, const struct pv_net *first)
{
	uint8_t mac[6] = { 0x02, 0x64, 0x6d, 0, 0, (uint8_t)net };
	struct fwd *fw = pump.pump_fw;
	uint16_t mtu = pump_mtu(fw, net);
	struct pump_port *pp;
	struct net_wish nw;
	struct pv_net *nt;
	unsigned int port;

	/* Of a back end's end of the cable the address is no one's. */
	if (first->nt_guest == NULL)
		memcpy(mac, first->nt_mac, 6);
	fwd_set_mac(fw, net, mac);
	port = fwd_port_up(fw, "self", (int)net, mtu, PV_NET_CAN_SG |
	    PV_NET_CAN_CSUM4 | PV_NET_CAN_CSUM6 | PV_NET_CAN_TSO4 |
	    PV_NET_CAN_TSO6 | PV_NET_CAN_USO);
	if (port == FWD_NOPORT)
		return;
	pp = &pump.pump_port[port];
	nt = &pp->pp_self;
	pump_take(pp, nt);
	nt->nt_name = fw->fw_conf.co_net[net].nc_name;
	nt->nt_ops = &pump_self_ops;
	nt->nt_sc = pp;
	memcpy(nt->nt_mac, mac, 6);
	nt->nt_mtu = mtu;
	nt->nt_offload = fw->fw_port[port].pt_offload;
	nt->nt_recvoffload = PV_NET_RX_CSUM | PV_NET_RX_GSO;
	nt->nt_link = true;
	pump_wish(&fw->fw_conf, net, &nw);
	net_up_as(nt, &nw);
}

/* Which addresses a network's interfaces are to take.  Lock: pump_mtx. */
static void
pump_filter(unsigned int net)
{
	struct pv_net_set ns = { .ns_what = PV_NET_SET_FILTER };
	struct fwd *fw = pump.pump_fw;
	struct pv_net *nt;
	unsigned int i;

	for (i = 0; i < FWD_NPORT; i++) {
		nt = pump.pump_port[i].pp_nt;
		if (nt == NULL || fw->fw_port[i].pt_self ||
		    fw->fw_port[i].pt_net != (int)net ||
		    nt->nt_ops->no_set == NULL)
			continue;
		ns.ns_flags = PV_NET_ALLMULTI;
		if (fwd_members(fw, net) > 1 ||
		    memcmp(nt->nt_mac, fw->fw_net[net].nt_mac, 6) != 0)
			ns.ns_flags |= PV_NET_PROMISC;
		(void)nt->nt_ops->no_set(nt->nt_sc, &ns);
	}
}

/* self's MTU follows those of the ports.  Lock: pump_mtx. */
static void
pump_self_mtu(unsigned int net)
{
	struct fwd *fw = pump.pump_fw;
	unsigned int port = fw->fw_net[net].nt_self;
	uint16_t mtu = pump_mtu(fw, net);
	struct pv_net *nt;

	if (port == FWD_NOPORT || fw->fw_port[port].pt_mtu == mtu)
		return;
	nt = &pump.pump_port[port].pp_self;
	fw->fw_port[port].pt_mtu = mtu;
	nt->nt_mtu = mtu;
	if (nt->nt_change != NULL)
		nt->nt_change(nt);
}

/* ---- ports come and go ------------------------------------------------- */

/* The toolstack's bridge= names a network, if there is one of that name. */
static void
pump_place(const struct pv_net *nt, unsigned int port)
{
	struct fwd *fw = pump.pump_fw;
	int net = nt->nt_guest == NULL ? -1 :
	    fwd_conf_net(&fw->fw_conf, nt->nt_guest->ng_bridge);

	if (net >= 0)
		fwd_port_move(fw, port, (unsigned int)net);
}

static void
pump_full(const struct pv_net *nt)
{
	klog(PV_LOG_ERR, "netdomain: %s: there are %u interfaces already; it "
	    "is left alone", nt->nt_name, FWD_NPORT);
}

/* Lock: pump_mtx. */
static void
pump_attach(struct pv_net *nt)
{
	struct fwd *fw = pump.pump_fw;
	unsigned int port = fwd_port_up(fw, nt->nt_name, -1, nt->nt_mtu,
	    nt->nt_offload);
	unsigned int net;

	if (port == FWD_NOPORT) {
		pump_full(nt);
		return;
	}
	pump_take(&pump.pump_port[port], nt);
	pump_place(nt, port);
	if (fw->fw_port[port].pt_net < 0) {
		klog(PV_LOG_WARN, "netdomain: %s: no network has such an "
		    "interface; nothing is forwarded to it or from it",
		    nt->nt_name);
		return;
	}
	net = (unsigned int)fw->fw_port[port].pt_net;
	klog(PV_LOG_INFO, "netdomain: %s is in network %s", nt->nt_name,
	    fw->fw_conf.co_net[net].nc_name);
	if (fw->fw_net[net].nt_self == FWD_NOPORT)
		pump_self_up(net, nt);
	pump_self_mtu(net);
	pump_filter(net);
}

/*
 * pump_up -- pv_client.pc_net_up: an interface comes
 *
 * Context: thread.
 */
void
pump_up(struct pv_net *nt)
{
	unsigned int i;

	mutex_lock(&pump.pump_mtx);
	nt->nt_recv = pump_recv;
	nt->nt_ready = pump_ready;
	nt->nt_change = pump_change;
	nt->nt_announce = pump_announce;
	if (pump.pump_configured) {
		pump_attach(nt);
	} else {
		for (i = 0; i < FWD_NPORT && pump.pump_early[i] != NULL; i++)
			continue;
		if (i < FWD_NPORT)
			pump.pump_early[i] = nt;
		else
			pump_full(nt);
	}
	mutex_unlock(&pump.pump_mtx);
}

/*
 * pump_down -- pv_client.pc_net_down: an interface goes
 *
 * Context: thread.
 */
void
pump_down(struct pv_net *nt)
{
	struct pump_port *pp;
	unsigned int i;
	unsigned long s;
	int net;

	mutex_lock(&pump.pump_mtx);
	for (i = 0; i < FWD_NPORT; i++) {
		if (pump.pump_early[i] == nt)
			pump.pump_early[i] = NULL;
	}
	s = spin_lock(&pump.pump_lock);
	pp = pump_of(nt);
	if (pp != NULL)
		pp->pp_nt = NULL;
	spin_unlock(&pump.pump_lock, s);
	if (pp != NULL) {
		i = (unsigned int)(pp - pump.pump_port);
		net = pump.pump_fw->fw_port[i].pt_net;
		klog(PV_LOG_INFO, "netdomain: %s is gone", nt->nt_name);
		fwd_port_down(pump.pump_fw, i);
		pump_empty(&pp->pp_rx);
		pump_empty(&pp->pp_tx);
		if (net >= 0)
			pump_self_mtu((unsigned int)net);
	}
	mutex_unlock(&pump.pump_mtx);
}

/* ---- the thread -------------------------------------------------------- */

/* fwd_ops.fo_send: a packet leaves.  Lock: pump_mtx. */
static void
pump_leave(void *arg, unsigned int port, struct fwd_buf *fb)
{
	struct pump_port *pp = &pump.pump_port[port];
	unsigned long s = spin_lock(&pump.pump_lock);
	bool ok = pp->pp_nt != NULL && pump_push(&pp->pp_tx, fb);

	(void)arg;
	if (!ok)
		pp->pp_count.pu_txfull++;
	spin_unlock(&pump.pump_lock, s);
	if (!ok)
		fwd_buf_free(fb);
}

/* pv_net_pkt.np_done.  Context: deferred. */
static void
pump_done(struct pv_net_pkt *np, int rv)
{
	(void)rv;
	fwd_buf_free(np->np_arg);
}

/* Give a packet to its interface; -PV_EAGAIN: not now. */
static int
pump_send(struct pump_port *pp, struct fwd_buf *fb)
{
	struct pv_net_pkt *np = &fb->fb_pkt;
	int rv;

	if (pp->pp_nt == &pp->pp_self) {
		if (pp->pp_self.nt_recv != NULL)
			pp->pp_self.nt_recv(&pp->pp_self, np);
		fwd_buf_free(fb);
		return 0;
	}
	np->np_done = pump_done;
	np->np_arg = fb;
	np->np_next = NULL;
	rv = pv_net_send(pp->pp_nt, np);
	if (rv != 0 && rv != -PV_EAGAIN) {
		pp->pp_count.pu_txerr++;
		fwd_buf_free(fb);
	}
	return rv;
}

/* What waits for an interface, as far as that takes it.  Lock: pump_mtx. */
static void
pump_flush(struct pump_port *pp)
{
	struct fwd_buf *fb;
	unsigned long s;
	int rv;

	for (;;) {
		s = spin_lock(&pump.pump_lock);
		fb = pp->pp_blocked ? NULL : pump_pop(&pp->pp_tx);
		pp->pp_ready = false;
		spin_unlock(&pump.pump_lock, s);
		if (fb == NULL)
			return;
		rv = pump_send(pp, fb);
		if (rv != -PV_EAGAIN)
			continue;
		s = spin_lock(&pump.pump_lock);
		pump_unpop(&pp->pp_tx, fb);
		/* nt_ready may have come before we knew that we wait. */
		pp->pp_blocked = !pp->pp_ready;
		spin_unlock(&pump.pump_lock, s);
	}
}

/* Some of a port's packets; how many.  Lock: pump_mtx. */
static unsigned int
pump_input(unsigned int port)
{
	struct pump_port *pp = &pump.pump_port[port];
	struct fwd_buf *fb;
	unsigned long s;
	unsigned int n;
	bool room;

	for (n = 0; n < PUMP_BUDGET; n++) {
		s = spin_lock(&pump.pump_lock);
		fb = pump_pop(&pp->pp_rx);
		spin_unlock(&pump.pump_lock, s);
		if (fb == NULL)
			break;
		fwd_input(pump.pump_fw, port, fb, arch_now());
	}
	s = spin_lock(&pump.pump_lock);
	room = pp->pp_full && pp->pp_rx.qu_n < PUMP_NQUEUE / 4;
	if (room)
		pp->pp_full = false;
	spin_unlock(&pump.pump_lock, s);
	if (room)
		pp->pp_self.nt_ready(&pp->pp_self);
	return n;
}

/* What a driver said of its interface.  Lock: pump_mtx. */
static void
pump_heed(unsigned int port)
{
	struct pump_port *pp = &pump.pump_port[port];
	struct fwd_port *pt = &pump.pump_fw->fw_port[port];
	unsigned long s = spin_lock(&pump.pump_lock);
	bool changed = pp->pp_changed, announce = pp->pp_announce;
	struct pv_net *self;

	pp->pp_changed = pp->pp_announce = false;
	spin_unlock(&pump.pump_lock, s);
	if (changed) {
		pt->pt_mtu = pp->pp_nt->nt_mtu;
		pt->pt_offload = pp->pp_nt->nt_offload;
	}
	if (pt->pt_net < 0 || pt->pt_self)
		return;
	if (changed)
		pump_self_mtu((unsigned int)pt->pt_net);
	port = pump.pump_fw->fw_net[pt->pt_net].nt_self;
	self = port == FWD_NOPORT ? NULL : &pump.pump_port[port].pp_self;
	if (announce && self != NULL && self->nt_announce != NULL)
		self->nt_announce(self);
}

/* A turn of all ports; did any have something?  Lock: pump_mtx. */
static bool
pump_turn(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < FWD_NPORT; i++) {
		if (pump.pump_port[i].pp_nt == NULL)
			continue;
		pump_heed(i);
		n += pump_input(i);
	}
	for (i = 0; i < FWD_NPORT; i++) {
		if (pump.pump_port[i].pp_nt != NULL)
			pump_flush(&pump.pump_port[i]);
	}
	return n > 0;
}

/* The addresses that lwIP has got by now.  Lock: pump_mtx. */
static void
pump_addresses(void)
{
	struct fwd *fw = pump.pump_fw;
	struct fwd_net *nt;
	struct net_raw nr;
	unsigned int i;

	for (i = 0; i < fw->fw_conf.co_nnet; i++) {
		nt = &fw->fw_net[i];
		if (nt->nt_self == FWD_NOPORT || net_raw(
		    &pump.pump_port[nt->nt_self].pp_self, &nr) != 0)
			continue;
		_Static_assert(FWD_NADDR6 <= NET_NADDR, "as many");
		memcpy(nt->nt_addr6, nr.nr_addr6, sizeof(nt->nt_addr6));
		if (fw->fw_conf.co_net[i].nc_addr6.pr_version != 0)
			nt->nt_addr6[0] =
			    fw->fw_conf.co_net[i].nc_addr6.pr_addr;
		if (fw->fw_conf.co_net[i].nc_how != FWD_DHCP)
			continue;
		memcpy(nt->nt_addr4.ad_byte, nr.nr_addr4, 4);
		memcpy(nt->nt_gw4.ad_byte, nr.nr_gw4, 4);
		nt->nt_len4 = nr.nr_len4;
		memcpy(fw->fw_dns.ad_byte, nr.nr_dns4, 4);
	}
}

static void
pump_thread(void *arg)
{
	unsigned long s;
	bool more;

	(void)arg;
	for (;;) {
		mutex_lock(&pump.pump_mtx);
		more = pump.pump_configured && pump_turn();
		if (pump.pump_configured && arch_now() >= pump.pump_tick) {
			pump.pump_tick = arch_now() + NSEC_PER_SEC;
			pump_addresses();
			fwd_tick(pump.pump_fw, arch_now());
			more = true;
		}
		mutex_unlock(&pump.pump_mtx);
		if (more)
			continue;
		(void)sem_wait(&pump.pump_sem, arch_now() + NSEC_PER_SEC);
		s = spin_lock(&pump.pump_lock);
		pump.pump_woken = false;
		spin_unlock(&pump.pump_lock, s);
	}
}

/* ---- life -------------------------------------------------------------- */

/*
 * pump_start -- memory, and the thread
 *
 * Returns 0 or -PV_ENOMEM.  Context: thread, once.
 */
int
pump_start(void)
{
	static const struct fwd_ops ops = { pump_leave, rand_u32 };
	struct fwd_state *states;
	struct mm_stat ms;
	uint64_t npage;

	mm_stat(&ms);
	npage = ms.ms_total / PV_PAGE_SIZE / 8;
	npage = npage < PUMP_MINPAGE ? PUMP_MINPAGE : npage;
	npage = npage > PUMP_MAXPAGE ? PUMP_MAXPAGE : npage;
	pump.pump_maxpage = (unsigned int)npage / 4;
	pump.pump_fw = kmalloc(sizeof(*pump.pump_fw));
	states = kmalloc(FWD_STATE_N * sizeof(*states));
	if (pump.pump_fw == NULL || states == NULL ||
	    fwd_buf_init((unsigned int)npage, PUMP_NBUF) != 0 ||
	    thread_create("forward", pump_thread, NULL, PUMP_STACK) == NULL)
		return -PV_ENOMEM;
	fwd_init(pump.pump_fw, &ops, NULL, states);
	return 0;
}

int
pump_configure(const struct fwd_conf *co)
{
	unsigned int i;
	int rv = 0;

	mutex_lock(&pump.pump_mtx);
	if (pump.pump_configured &&
	    !fwd_conf_same(&pump.pump_fw->fw_conf, co))
		rv = -PV_EINVAL;
	if (rv == 0)
		fwd_configure(pump.pump_fw, co);
	for (i = 0; i < FWD_NPORT && rv == 0; i++) {
		if (pump.pump_early[i] != NULL)
			pump_attach(pump.pump_early[i]);
		pump.pump_early[i] = NULL;
	}
	pump.pump_configured |= rv == 0;
	mutex_unlock(&pump.pump_mtx);
	pump_wake();
	return rv;
}

struct fwd *
pump_get(void)
{
	mutex_lock(&pump.pump_mtx);
	if (pump.pump_configured)
		return pump.pump_fw;
	mutex_unlock(&pump.pump_mtx);
	return NULL;
}

void
pump_put(void)
{
	mutex_unlock(&pump.pump_mtx);
}

void
pump_count(unsigned int port, struct pump_count *pu)
{
	unsigned long s = spin_lock(&pump.pump_lock);

	*pu = pump.pump_port[port].pp_count;
	spin_unlock(&pump.pump_lock, s);
}
