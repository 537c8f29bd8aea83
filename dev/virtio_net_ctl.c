/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_net_ctl.c -- virtio network device: the control queue; see
 * virtio_net.h.
 *
 * What the device is to be told is kept as settings, and as bits of those that
 * it does not know yet.  One order is in flight at a time; its answer makes
 * the next one go, until no bit is left.  So setting something many times
 * costs little, and a device that was reset is simply told everything again.
 *
 *	page:  | class, command | data ...                    | answer |
 *	       device reads                                     writes
 *
 * A device that refuses an order is told so no more (the log says which); one
 * that does not answer within VIRTIO_NET_PATIENCE breaks.
 */

#include "virtio_net.h"

#define VIRTIO_NET_PATIENCE	(10ull * 1000 * 1000 * 1000)	/* ns */
#define VIRTIO_NET_DATA		8	/* offset in the page */
#define VIRTIO_NET_ACK		(PV_PAGE_SIZE - 8)
#define VIRTIO_NET_NOACK	0xff	/* no answer of the specification */

/* ---- RSS --------------------------------------------------------------- */

#define VIRTIO_NET_RSS_TABLE	64	/* entries at most */
#define VIRTIO_NET_RSS_KEY	40	/* bytes at most */
#define VIRTIO_NET_RSS_TYPES	(VIRTIO_NET_RSS_HASH_TYPE_IPv4 |	\
				 VIRTIO_NET_RSS_HASH_TYPE_TCPv4 |	\
				 VIRTIO_NET_RSS_HASH_TYPE_IPv6 |	\
				 VIRTIO_NET_RSS_HASH_TYPE_TCPv6)

_Static_assert(VIRTIO_NET_DATA + 4 + (PV_NET_NMAC + 1) * 6 + 4 + 8 +
    VIRTIO_NET_RSS_TABLE * 2 + 3 + VIRTIO_NET_RSS_KEY < VIRTIO_NET_ACK,
    "every order fits in the page");

/* Appending to an order's data, little-endian. */
struct virtio_net_order {
	uint8_t		*or_p;
	uint32_t	 or_len;
	uint8_t		 or_class, or_cmd;
};

static void
virtio_net_ctl_add(struct virtio_net_order *or, uint64_t v, unsigned int n)
{
	while (n-- > 0) {
		shm_write8(or->or_p + or->or_len++, (uint8_t)v);
		v >>= 8;
	}
}

/* The config space's limits: peer: a power of two, 1 .. our table. */
static unsigned int
virtio_net_ctl_rsslen(struct virtio_net_softc *sc)
{
	uint8_t buf[2] = { 0 };
	unsigned int n = VIRTIO_NET_RSS_TABLE;

	if (virtio_config(sc->sc_dev, offsetof(struct virtio_net_config,
	    rss_max_indirection_table_length), buf, sizeof(buf)) != 0)
		return 1;
	while (n > virtio_le16(buf) && n > 1)
		n /= 2;
	return n;
}

/* A key that others can not foresee matters less than one that spreads. */
static void
virtio_net_ctl_rsskey(struct virtio_net_order *or, unsigned int n)
{
	uint64_t x = pv_now() | 1;

	virtio_net_ctl_add(or, n, 1);
	while (n-- > 0) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		virtio_net_ctl_add(or, x >> 24, 1);
	}
}

static void
virtio_net_ctl_rss(struct virtio_net_softc *sc, struct virtio_net_order *or)
{
	unsigned int n = virtio_net_ctl_rsslen(sc), i;
	uint8_t types[4] = { 0 }, keylen = 0;

	(void)virtio_config(sc->sc_dev, offsetof(struct virtio_net_config,
	    supported_hash_types), types, sizeof(types));
	(void)virtio_config(sc->sc_dev, offsetof(struct virtio_net_config,
	    rss_max_key_size), &keylen, 1);
	or->or_class = VIRTIO_NET_CTRL_MQ;
	or->or_cmd = VIRTIO_NET_CTRL_MQ_RSS_CONFIG;
	virtio_net_ctl_add(or, virtio_le32(types) & VIRTIO_NET_RSS_TYPES, 4);
	virtio_net_ctl_add(or, n - 1, 2);
	virtio_net_ctl_add(or, 0, 2);
	for (i = 0; i < n; i++)
		virtio_net_ctl_add(or, i % sc->sc_npair, 2);
	virtio_net_ctl_add(or, sc->sc_npair, 2);
	virtio_net_ctl_rsskey(or, keylen < VIRTIO_NET_RSS_KEY ? keylen :
	    VIRTIO_NET_RSS_KEY);
}

/* ---- orders ------------------------------------------------------------ */

static void
virtio_net_ctl_addmac(struct virtio_net_order *or, const uint8_t mac[6])
{
	unsigned int i;

	for (i = 0; i < 6; i++)
		virtio_net_ctl_add(or, mac[i], 1);
}

/*
 * Unicast addresses first, then the others: two tables.  Our own is among them
 * when the device does not know it and can not be told.
 */
static void
virtio_net_ctl_table(struct virtio_net_softc *sc, struct virtio_net_order *or)
{
	const struct virtio_net_ctl *ct = &sc->sc_ctl;
	bool own = !virtio_net_has(sc, VIRTIO_NET_F_MAC) &&
	    !virtio_net_has(sc, VIRTIO_NET_F_CTRL_MAC_ADDR);
	unsigned int group, i, n;

	or->or_class = VIRTIO_NET_CTRL_MAC;
	or->or_cmd = VIRTIO_NET_CTRL_MAC_TABLE_SET;
	for (group = 0; group < 2; group++) {
		n = own && group == 0;
		for (i = 0; i < ct->ct_nmac; i++)
			n += (ct->ct_mac[i][0] & 1u) == group;
		virtio_net_ctl_add(or, n, 4);
		if (own && group == 0)
			virtio_net_ctl_addmac(or, sc->sc_net.nt_mac);
		for (i = 0; i < ct->ct_nmac; i++) {
			if ((ct->ct_mac[i][0] & 1u) == group)
				virtio_net_ctl_addmac(or, ct->ct_mac[i]);
		}
	}
}

static uint64_t
virtio_net_ctl_offloads(const struct virtio_net_softc *sc)
{
	uint64_t csum = 1ull << VIRTIO_NET_F_GUEST_CSUM;
	uint64_t gso = 1ull << VIRTIO_NET_F_GUEST_TSO4 |
	    1ull << VIRTIO_NET_F_GUEST_TSO6 | 1ull << VIRTIO_NET_GUEST_USO4 |
	    1ull << VIRTIO_NET_GUEST_USO6;
	uint64_t on = virtio_of(sc->sc_dev)->vi_features & (csum | gso);

	if ((sc->sc_ctl.ct_offload & PV_NET_RX_CSUM) != 0)
		on = 0;		/* segments need checksums */
	if ((sc->sc_ctl.ct_offload & PV_NET_RX_GSO) != 0)
		on &= ~gso;
	return on;
}

/* The first VLAN that the device does not know of; false: none. */
static bool
virtio_net_ctl_vlan(struct virtio_net_softc *sc, struct virtio_net_order *or)
{
	struct virtio_net_ctl *ct = &sc->sc_ctl;
	unsigned int i;

	for (i = 0; i < PV_NET_NVLAN; i++) {
		if (((ct->ct_vlan[i / 32] ^ ct->ct_vlandone[i / 32]) >>
		    i % 32 & 1) != 0)
			break;
	}
	if (i == PV_NET_NVLAN)
		return false;
	ct->ct_vlannow = i;
	or->or_class = VIRTIO_NET_CTRL_VLAN;
	or->or_cmd = (ct->ct_vlan[i / 32] >> i % 32 & 1) != 0 ?
	    VIRTIO_NET_CTRL_VLAN_ADD : VIRTIO_NET_CTRL_VLAN_DEL;
	virtio_net_ctl_add(or, i, 2);
	return true;
}

static void
virtio_net_ctl_mode(const struct virtio_net_softc *sc,
    struct virtio_net_order *or, uint8_t cmd, uint32_t flag)
{
	or->or_class = VIRTIO_NET_CTRL_RX;
	or->or_cmd = cmd;
	virtio_net_ctl_add(or, (sc->sc_ctl.ct_flags & flag) != 0, 1);
}

/* Describe the order of a bit; false: there is nothing to tell. */
static bool
virtio_net_ctl_order(struct virtio_net_softc *sc, uint32_t todo,
    struct virtio_net_order *or)
{
	switch (todo) {
	case VIRTIO_NET_TODO_RSS:
		virtio_net_ctl_rss(sc, or);
		break;
	case VIRTIO_NET_TODO_PAIRS:
		or->or_class = VIRTIO_NET_CTRL_MQ;
		or->or_cmd = VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET;
		virtio_net_ctl_add(or, sc->sc_npair, 2);
		break;
	case VIRTIO_NET_TODO_PROMISC:
		virtio_net_ctl_mode(sc, or, VIRTIO_NET_CTRL_RX_PROMISC,
		    PV_NET_PROMISC);
		break;
	case VIRTIO_NET_TODO_MULTI:
		virtio_net_ctl_mode(sc, or, VIRTIO_NET_CTRL_RX_ALLMULTI,
		    PV_NET_ALLMULTI);
		break;
	case VIRTIO_NET_TODO_TABLE:
		virtio_net_ctl_table(sc, or);
		break;
	case VIRTIO_NET_TODO_MAC:
		or->or_class = VIRTIO_NET_CTRL_MAC;
		or->or_cmd = VIRTIO_NET_CTRL_MAC_ADDR_SET;
		virtio_net_ctl_addmac(or, sc->sc_net.nt_mac);
		break;
	case VIRTIO_NET_TODO_VLAN:
		return virtio_net_ctl_vlan(sc, or);
	case VIRTIO_NET_TODO_OFFLOAD:
		or->or_class = VIRTIO_NET_CTRL_GUEST_OFFLOADS;
		or->or_cmd = VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET;
		virtio_net_ctl_add(or, virtio_net_ctl_offloads(sc), 8);
		break;
	default:
		or->or_class = VIRTIO_NET_CTRL_ANNOUNCE;
		or->or_cmd = VIRTIO_NET_CTRL_ANNOUNCE_ACK;
		break;
	}
	return true;
}

/* ---- the queue --------------------------------------------------------- */

/* Put an order into the queue; true: kick. */
static bool
virtio_net_ctl_put_locked(struct virtio_net_softc *sc,
    const struct virtio_net_order *or)
{
	struct virtio_net_ctl *ct = &sc->sc_ctl;
	uint8_t *page = ct->ct_page;
	uint64_t da = vq_cell_pa(page);
	struct vq_piece vp[3] = {
		{ da, 2, PV_PEER_READS },
		{ da + VIRTIO_NET_DATA, or->or_len, PV_PEER_READS },
		{ da + VIRTIO_NET_ACK, 1, PV_PEER_WRITES }
	};

	PV_ASSERT_LOCKED(&sc->sc_lock);
	shm_write8(page, or->or_class);
	shm_write8(page + 1, or->or_cmd);
	shm_write8(page + VIRTIO_NET_ACK, VIRTIO_NET_NOACK);
	/* An acknowledgement has no data, and no piece is empty. */
	if (or->or_len == 0)
		vp[1] = vp[2];
	if (vq_add(&ct->ct_queue.vn_vq, vp, or->or_len == 0 ? 2 : 3, ct) != 0)
		return false;
	ct->ct_busy = true;
	ct->ct_since = pv_now();
	sc->sc_net.nt_nset++;
	return vq_push(&ct->ct_queue.vn_vq);
}

/* The next order, unless one is in flight. */
static void
virtio_net_ctl_go(struct virtio_net_softc *sc)
{
	struct virtio_net_ctl *ct = &sc->sc_ctl;
	struct virtio_net_order or = { 0 };
	bool kick = false, busy;

	pv_lock(&sc->sc_lock);
	while (ct->ct_open && !ct->ct_busy && ct->ct_todo != 0) {
		ct->ct_doing = ct->ct_todo & -ct->ct_todo;
		or.or_p = (uint8_t *)ct->ct_page + VIRTIO_NET_DATA;
		or.or_len = 0;
		if (virtio_net_ctl_order(sc, ct->ct_doing, &or)) {
			kick = virtio_net_ctl_put_locked(sc, &or);
			/* VLANs go one by one, the bit when all are known. */
			if (ct->ct_doing == VIRTIO_NET_TODO_VLAN)
				break;
		}
		ct->ct_todo &= ~ct->ct_doing;
	}
	busy = ct->ct_busy;
	pv_unlock(&sc->sc_lock);
	if (busy)
		pv_defer(&ct->ct_watch, VIRTIO_NET_PATIENCE);
	if (kick)
		virtio_queue_kick(&ct->ct_queue);
}

/* What the device did with the order; peer: any byte.  True: it refused. */
static bool
virtio_net_ctl_done_locked(struct virtio_net_softc *sc)
{
	struct virtio_net_ctl *ct = &sc->sc_ctl;
	unsigned int v = ct->ct_vlannow;
	bool refused;

	PV_ASSERT_LOCKED(&sc->sc_lock);
	refused = shm_read8((uint8_t *)ct->ct_page + VIRTIO_NET_ACK) !=
	    VIRTIO_NET_OK;
	ct->ct_busy = false;
	if (ct->ct_doing == VIRTIO_NET_TODO_VLAN)
		ct->ct_vlandone[v / 32] ^= 1u << v % 32;
	/* Without RSS there is the older way to use several pairs. */
	if (refused && ct->ct_doing == VIRTIO_NET_TODO_RSS)
		ct->ct_todo |= VIRTIO_NET_TODO_PAIRS;
	sc->sc_net.nt_nrefused += refused;
	return refused;
}

static const char *
virtio_net_ctl_name(uint32_t doing)
{
	static const char *const names[] = { "queue pairs",
	    "promiscuous mode", "all-multicast mode", "address table",
	    "address", "VLAN", "offloads", "announcement", "RSS" };
	unsigned int i;

	for (i = 0; i + 1 < PV_NELEM(names) && (doing >> i & 1) == 0; i++)
		;
	return names[i];
}

/* Context: deferred. */
static bool
virtio_net_ctl_intr(void *arg)
{
	struct virtio_net_softc *sc = arg;
	struct virtio_net_ctl *ct = &sc->sc_ctl;
	bool refused = false, more;
	void *cookie;
	uint32_t len;
	int rv;

	pv_lock(&sc->sc_lock);
	rv = ct->ct_open ? vq_get(&ct->ct_queue.vn_vq, &cookie, &len) : 0;
	if (rv == 1)
		refused = virtio_net_ctl_done_locked(sc);
	more = ct->ct_open && rv >= 0 && vq_rearm(&ct->ct_queue.vn_vq);
	pv_unlock(&sc->sc_lock);
	if (rv < 0) {
		pv_dev_fail(sc->sc_dev, "control used ring");
		return false;
	}
	if (refused)
		pv_log(sc->sc_dev, PV_LOG_WARN, "refuses to take: %s",
		    virtio_net_ctl_name(ct->ct_doing));
	if (rv == 1)
		virtio_net_ctl_go(sc);
	return more;
}

/* Context: deferred.  An order has been in flight too long. */
static void
virtio_net_ctl_late(void *arg)
{
	struct virtio_net_softc *sc = arg;
	uint64_t since;
	bool busy;

	pv_lock(&sc->sc_lock);
	busy = sc->sc_ctl.ct_open && sc->sc_ctl.ct_busy;
	since = pv_now() - sc->sc_ctl.ct_since;
	pv_unlock(&sc->sc_lock);
	if (busy && since >= VIRTIO_NET_PATIENCE)
		pv_dev_fail(sc->sc_dev, "control queue does not answer");
	else if (busy)
		pv_defer(&sc->sc_ctl.ct_watch, VIRTIO_NET_PATIENCE - since);
}

/* ---- life -------------------------------------------------------------- */

int
virtio_net_ctl_create(struct virtio_net_softc *sc)
{
	sc->sc_ctl.ct_page = pv_pages_alloc(sc->sc_dev, 1);
	if (sc->sc_ctl.ct_page == NULL)
		return -PV_ENOMEM;
	pv_work_init(&sc->sc_ctl.ct_watch, virtio_net_ctl_late, sc,
	    pv_dev_group(sc->sc_dev));
	return 0;
}

void
virtio_net_ctl_destroy(struct virtio_net_softc *sc)
{
	pv_cancel(&sc->sc_ctl.ct_watch);
	if (!sc->sc_ctl.ct_queue.vn_live)
		pv_pages_free(sc->sc_dev, sc->sc_ctl.ct_page, 1);
}

int
virtio_net_ctl_connect(struct virtio_net_softc *sc)
{
	if (!virtio_net_has(sc, VIRTIO_NET_F_CTRL_VQ))
		return 0;
	return virtio_queue_create(sc->sc_dev, &sc->sc_ctl.ct_queue,
	    2 * sc->sc_maxpair, virtio_net_ctl_intr, sc);
}

/* What a device that was just reset is to be told. */
static uint32_t
virtio_net_ctl_all(const struct virtio_net_softc *sc)
{
	const struct virtio_net_ctl *ct = &sc->sc_ctl;
	uint32_t todo = 0;

	if (sc->sc_npair > 1)
		todo |= virtio_net_has(sc, VIRTIO_NET_F_RSS) ?
		    VIRTIO_NET_TODO_RSS : VIRTIO_NET_TODO_PAIRS;
	if (ct->ct_filter && virtio_net_has(sc, VIRTIO_NET_F_CTRL_RX))
		todo |= VIRTIO_NET_TODO_PROMISC | VIRTIO_NET_TODO_MULTI |
		    VIRTIO_NET_TODO_TABLE;
	if ((ct->ct_macset || !virtio_net_has(sc, VIRTIO_NET_F_MAC)) &&
	    virtio_net_has(sc, VIRTIO_NET_F_CTRL_MAC_ADDR))
		todo |= VIRTIO_NET_TODO_MAC;
	if (virtio_net_has(sc, VIRTIO_NET_F_CTRL_VLAN))
		todo |= VIRTIO_NET_TODO_VLAN;
	if (ct->ct_offload != 0 &&
	    virtio_net_has(sc, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS))
		todo |= VIRTIO_NET_TODO_OFFLOAD;
	return todo;
}

void
virtio_net_ctl_open(struct virtio_net_softc *sc)
{
	struct virtio_net_ctl *ct = &sc->sc_ctl;
	unsigned int i;

	if (!ct->ct_queue.vn_live)
		return;
	pv_lock(&sc->sc_lock);
	ct->ct_open = true;
	ct->ct_busy = false;
	for (i = 0; i < PV_NELEM(ct->ct_vlandone); i++)
		ct->ct_vlandone[i] = 0;
	ct->ct_todo |= virtio_net_ctl_all(sc);
	pv_unlock(&sc->sc_lock);
	virtio_net_ctl_go(sc);
}

void
virtio_net_ctl_close(struct virtio_net_softc *sc)
{
	pv_lock(&sc->sc_lock);
	sc->sc_ctl.ct_open = false;
	sc->sc_ctl.ct_todo = 0;
	pv_unlock(&sc->sc_lock);
	pv_cancel(&sc->sc_ctl.ct_watch);
}

/* After the reset. */
void
virtio_net_ctl_disconnect(struct virtio_net_softc *sc)
{
	while (sc->sc_ctl.ct_queue.vn_live &&
	    vq_drain(&sc->sc_ctl.ct_queue.vn_vq) != NULL)
		;
	virtio_queue_destroy(&sc->sc_ctl.ct_queue);
}

void
virtio_net_ctl_todo(struct virtio_net_softc *sc, uint32_t todo)
{
	pv_lock(&sc->sc_lock);
	if (sc->sc_ctl.ct_open)
		sc->sc_ctl.ct_todo |= todo;
	pv_unlock(&sc->sc_lock);
	virtio_net_ctl_go(sc);
}

/* ---- class ------------------------------------------------------------- */

/* What a setting needs of the device. */
static uint32_t
virtio_net_ctl_needs(const struct virtio_net_softc *sc, enum pv_net_what what)
{
	switch (what) {
	case PV_NET_SET_FILTER:
		return virtio_net_has(sc, VIRTIO_NET_F_CTRL_RX) ?
		    VIRTIO_NET_TODO_PROMISC | VIRTIO_NET_TODO_MULTI |
		    VIRTIO_NET_TODO_TABLE : 0;
	case PV_NET_SET_VLAN:
		return virtio_net_has(sc, VIRTIO_NET_F_CTRL_VLAN) ?
		    VIRTIO_NET_TODO_VLAN : 0;
	case PV_NET_SET_MAC:
		return virtio_net_has(sc, VIRTIO_NET_F_CTRL_MAC_ADDR) ?
		    VIRTIO_NET_TODO_MAC : 0;
	case PV_NET_SET_OFFLOAD:
		return virtio_net_has(sc, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) ?
		    VIRTIO_NET_TODO_OFFLOAD : 0;
	}
	return 0;
}

static int
virtio_net_ctl_keep_locked(struct virtio_net_softc *sc,
    const struct pv_net_set *ns)
{
	struct virtio_net_ctl *ct = &sc->sc_ctl;
	unsigned int v = ns->ns_vlan;

	PV_ASSERT_LOCKED(&sc->sc_lock);
	switch (ns->ns_what) {
	case PV_NET_SET_FILTER:
		if (ns->ns_nmac > PV_NET_NMAC)
			return -PV_E2BIG;
		ct->ct_filter = true;
		ct->ct_flags = ns->ns_flags;
		ct->ct_nmac = ns->ns_nmac;
		if (ns->ns_nmac > 0)
			__builtin_memcpy(ct->ct_mac, ns->ns_mac,
			    ns->ns_nmac * 6);
		break;
	case PV_NET_SET_VLAN:
		if (v >= PV_NET_NVLAN)
			return -PV_EINVAL;
		ct->ct_vlan[v / 32] &= ~(1u << v % 32);
		ct->ct_vlan[v / 32] |= (uint32_t)ns->ns_on << v % 32;
		break;
	case PV_NET_SET_MAC:
		if (ns->ns_nmac != 1 || (ns->ns_mac[0][0] & 1) != 0)
			return -PV_EINVAL;
		ct->ct_macset = true;
		__builtin_memcpy(sc->sc_net.nt_mac, ns->ns_mac[0], 6);
		break;
	case PV_NET_SET_OFFLOAD:
		ct->ct_offload = ~ns->ns_flags &
		    (PV_NET_RX_CSUM | PV_NET_RX_GSO);
		break;
	}
	return 0;
}

int
virtio_net_ctl_set(void *arg, const struct pv_net_set *ns)
{
	struct virtio_net_softc *sc = arg;
	uint32_t todo = virtio_net_ctl_needs(sc, ns->ns_what);
	int rv = -PV_EOPNOTSUPP;

	if (todo == 0)
		return rv;
	pv_lock(&sc->sc_lock);
	rv = virtio_net_ctl_keep_locked(sc, ns);
	pv_unlock(&sc->sc_lock);
	if (rv == 0)
		virtio_net_ctl_todo(sc, todo);
	return rv;
}
