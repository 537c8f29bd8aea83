/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_scsi -- virtio SCSI host (virtio 1.2, section 5.6): the adapter.
 *
 * Three queues: requests of task management (virtio_scsi_tmf.c), events, and
 * one for commands.  Each command has a slot: a request that the device reads
 * and a response that it writes, in pages of the driver's own, and maps for
 * the consumer's buffer.
 *
 *	request (51) | data out ... | response (108) | data in ...
 *	device reads   reads          writes           writes
 *
 * The response's code is preset to a value that no device may answer with,
 * so that one it forgot to write is an error.  What the device says of
 * lengths is cut to what was offered.
 *
 * Events only say that the world has changed; virtio_scsi_lun.c looks anew at
 * what there is.  So a lost or a false one does no harm.
 *
 * When the device breaks or is reset, the commands in flight end with
 * -PV_ENXIO after the reset: before it the device could still write to their
 * buffers.
 */

#include "virtio_scsi.h"

#include <linux/virtio_scsi.h>

#include "iov.h"
#include "setting.h"
#include "str.h"

/* ---- Wire -------------------------------------------------------------- */

PV_WIRE_ASSERT(struct virtio_scsi_cmd_req, 51);
PV_WIRE_OFFSET(struct virtio_scsi_cmd_req, cdb, 19);
PV_WIRE_ASSERT(struct virtio_scsi_cmd_resp, 108);
PV_WIRE_OFFSET(struct virtio_scsi_cmd_resp, sense, 12);
PV_WIRE_ASSERT(struct virtio_scsi_event, 16);
PV_WIRE_ASSERT(struct virtio_scsi_config, 36);

#define VIRTIO_SCSI_CELL	256	/* bytes of request and response */
#define VIRTIO_SCSI_RESP	64	/* offset of the response in it */
#define VIRTIO_SCSI_UNSET	0xff	/* no response of the specification */
#define VIRTIO_SCSI_NPG		(VIRTIO_SCSI_NSLOT * VIRTIO_SCSI_CELL / \
				 PV_PAGE_SIZE)
#define VIRTIO_SCSI_EVENTLEN	16
#define VIRTIO_SCSI_BUDGET	64

/* Queues. */
#define VIRTIO_SCSI_CTRLQ	0
#define VIRTIO_SCSI_EVENTQ	1
#define VIRTIO_SCSI_CMDQ	2

/* ---- Names ------------------------------------------------------------- */

static unsigned int virtio_scsi_units;	/* bits: names in use */

static bool virtio_scsi_intr(void *);
static bool virtio_scsi_event(void *);
static const struct pv_scsi_ops virtio_scsi_ops;

/* ---- Attach ------------------------------------------------------------ */

static int
virtio_scsi_name(struct virtio_scsi_softc *sc)
{
	struct strbuf sb;
	unsigned int u;

	for (u = 0; u < 32 && (virtio_scsi_units >> u & 1) != 0; u++)
		;
	if (u == 32)
		return -PV_ENOSPC;
	virtio_scsi_units |= 1u << u;
	sc->sc_unit = u;
	str_begin(&sb, sc->sc_name, sizeof(sc->sc_name));
	str_add(&sb, "vtscsi");
	str_addu(&sb, u);
	return 0;
}

/* One page for the small things: events, task management, UNMAP's lists. */
static void
virtio_scsi_memory(struct virtio_scsi_softc *sc)
{
	uint8_t *small = (uint8_t *)sc->sc_cells +
	    VIRTIO_SCSI_NPG * PV_PAGE_SIZE;
	struct virtio_scsi_slot *sl;
	unsigned int i;

	list_init(&sc->sc_free);
	for (i = 0; i < VIRTIO_SCSI_NSLOT; i++) {
		sl = &sc->sc_slot[i];
		sl->sl_cell = (uint8_t *)sc->sc_cells + i * VIRTIO_SCSI_CELL;
		sl->sl_map = sc->sc_pool.dp_map + i * VIRTIO_SCSI_NSEG;
		list_append(&sc->sc_free, &sl->sl_link);
		sc->sc_io[i].io_list = small + i * 32;
	}
	sc->sc_events = small + VIRTIO_SCSI_NSLOT * 32;
	sc->sc_tmf = sc->sc_events + VIRTIO_SCSI_NEVENT * VIRTIO_SCSI_EVENTLEN;
	sc->sc_buf = small + PV_PAGE_SIZE;
}

static void
virtio_scsi_settings(struct virtio_scsi_softc *sc)
{
	static const int64_t range[2] = { 1, 3600 };
	const struct pv_unit un = { sc->sc_dev->pd_client, "hw.vtscsi",
	    sc->sc_unit };

	sc->sc_timeout = (uint64_t)pv_unit_num(&un, "timeout", range, 30) *
	    1000 * 1000 * 1000;
}

static int
virtio_scsi_attach(void *arg, struct pv_dev *dev)
{
	struct virtio_scsi_softc *sc = arg;
	int rv;

	sc->sc_dev = dev;
	rv = virtio_scsi_name(sc);
	if (rv != 0)
		return rv;
	rv = -PV_ENOMEM;
	sc->sc_cells = pv_pages_alloc(dev, VIRTIO_SCSI_NPG + 2);
	if (sc->sc_cells == NULL)
		goto err_cells;
	rv = pv_dma_reserve(dev, &sc->sc_pool,
	    VIRTIO_SCSI_NSLOT * VIRTIO_SCSI_NSEG);
	if (rv != 0)
		goto err_reserve;
	virtio_scsi_memory(sc);
	virtio_scsi_settings(sc);
	virtio_scsi_tmf_init(sc);
	virtio_scsi_lun_init(sc);
	virtio_scsi_blk_init(sc);
	return 0;

err_reserve:
	pv_pages_free(dev, sc->sc_cells, VIRTIO_SCSI_NPG + 2);
err_cells:
	virtio_scsi_units &= ~(1u << sc->sc_unit);
	return rv;
}

static void
virtio_scsi_detach(void *arg)
{
	struct virtio_scsi_softc *sc = arg;

	virtio_scsi_units &= ~(1u << sc->sc_unit);
	if (sc->sc_dev->pd_kept)
		return;
	pv_dma_release(&sc->sc_pool);
	pv_pages_free(sc->sc_dev, sc->sc_cells, VIRTIO_SCSI_NPG + 2);
}

/* ---- Connection -------------------------------------------------------- */

/* Data pieces of a command: what the device takes, what the queue holds. */
static unsigned int
virtio_scsi_nseg(struct virtio_scsi_softc *sc, uint32_t max)
{
	unsigned int room = sc->sc_queue.vn_vq.vq_size;
	unsigned int n = max < VIRTIO_SCSI_NSEG ? max : VIRTIO_SCSI_NSEG;

	if (room < n + 2)
		n = room > 2 ? room - 2 : 0;
	return n;
}

static int
virtio_scsi_read32(struct virtio_scsi_softc *sc, unsigned int off,
    uint32_t *v)
{
	uint8_t buf[4];
	int rv = virtio_config(sc->sc_dev, off, buf, sizeof(buf));

	*v = rv == 0 ? virtio_le32(buf) : 0;
	return rv;
}

/* peer: every number is the device's. */
static int
virtio_scsi_limits(struct virtio_scsi_softc *sc)
{
	struct pv_scsi *ss = &sc->sc_scsi;
	uint32_t seg, sect, lun;
	uint8_t target[2];

	if (virtio_scsi_read32(sc, offsetof(struct virtio_scsi_config,
	    seg_max), &seg) != 0 ||
	    virtio_scsi_read32(sc, offsetof(struct virtio_scsi_config,
	    max_sectors), &sect) != 0 ||
	    virtio_scsi_read32(sc, offsetof(struct virtio_scsi_config,
	    max_lun), &lun) != 0 ||
	    virtio_config(sc->sc_dev, offsetof(struct virtio_scsi_config,
	    max_target), target, sizeof(target)) != 0)
		return -PV_EPROTO;
	sc->sc_nseg = virtio_scsi_nseg(sc, seg);
	if (sc->sc_nseg < 2) {
		pv_log(sc->sc_dev, PV_LOG_ERR, "no room for data in a command");
		return -PV_EPROTO;
	}
	/* A buffer that starts inside a page takes one piece more. */
	ss->ss_maxio = (sc->sc_nseg - 1) * PV_PAGE_SIZE;
	if (sect >= 8 && sect < ss->ss_maxio / PV_SECT_SIZE)
		ss->ss_maxio = sect * PV_SECT_SIZE;
	ss->ss_maxtarget = virtio_le16(target) < 255 ? virtio_le16(target) :
	    255;	/* the address has one byte for it */
	ss->ss_maxlun = lun < 16383 ? lun : 16383;
	return 0;
}

static int
virtio_scsi_connect(void *arg)
{
	struct virtio_scsi_softc *sc = arg;
	struct pv_dev *dev = sc->sc_dev;
	int rv;

	rv = virtio_negotiate(dev, 1ull << VIRTIO_SCSI_F_HOTPLUG |
	    1ull << VIRTIO_SCSI_F_CHANGE);
	/* peer: QEMU counts the data that it read as written, too. */
	sc->sc_queue.vn_cutlen = true;
	sc->sc_queue.vn_chain = VIRTIO_SCSI_NSEG + 2;
	if (rv == 0)
		rv = virtio_queue_create(dev, &sc->sc_ctrl,
		    VIRTIO_SCSI_CTRLQ, virtio_scsi_tmf_intr, sc);
	if (rv == 0)
		rv = virtio_queue_create(dev, &sc->sc_event,
		    VIRTIO_SCSI_EVENTQ, virtio_scsi_event, sc);
	if (rv == 0)
		rv = virtio_queue_create(dev, &sc->sc_queue, VIRTIO_SCSI_CMDQ,
		    virtio_scsi_intr, sc);
	return rv != 0 ? rv : virtio_scsi_limits(sc);
}

/* Show the device a buffer for an event.  Lock: sc_lock. */
static void
virtio_scsi_event_post(struct virtio_scsi_softc *sc, uint8_t *cell)
{
	const struct vq_piece vp = { vq_cell_pa(cell), VIRTIO_SCSI_EVENTLEN,
	    PV_PEER_WRITES };

	/* A queue that is shorter than VIRTIO_SCSI_NEVENT gets fewer. */
	(void)vq_add(&sc->sc_event.vn_vq, &vp, 1, cell);
}

static int
virtio_scsi_start(void *arg)
{
	struct virtio_scsi_softc *sc = arg;
	unsigned int i;
	bool kick;

	pv_lock(&sc->sc_lock);
	for (i = 0; i < VIRTIO_SCSI_NEVENT; i++)
		virtio_scsi_event_post(sc, sc->sc_events +
		    i * VIRTIO_SCSI_EVENTLEN);
	kick = vq_push(&sc->sc_event.vn_vq);
	sc->sc_open = true;
	pv_unlock(&sc->sc_lock);
	if (kick)
		virtio_queue_kick(&sc->sc_event);
	sc->sc_scsi.ss_name = sc->sc_name;
	sc->sc_scsi.ss_ops = &virtio_scsi_ops;
	sc->sc_scsi.ss_sc = sc;
	sc->sc_up = true;
	pv_log(sc->sc_dev, PV_LOG_INFO, "%s: targets 0 to %u", sc->sc_name,
	    sc->sc_scsi.ss_maxtarget);
	if (sc->sc_dev->pd_client->pc_scsi_up != NULL)
		sc->sc_dev->pd_client->pc_scsi_up(&sc->sc_scsi);
	virtio_scsi_tmf_start(sc);
	virtio_scsi_lun_scan(sc);
	return 0;
}

/* ---- Submit ------------------------------------------------------------ */

void
virtio_scsi_address(uint8_t lun[8], uint16_t target, uint16_t num)
{
	unsigned int i;

	lun[0] = 1;
	lun[1] = (uint8_t)target;
	lun[2] = (uint8_t)(0x40 | num >> 8);
	lun[3] = (uint8_t)num;
	for (i = 4; i < 8; i++)
		lun[i] = 0;
}

static void
virtio_scsi_request(struct virtio_scsi_slot *sl)
{
	const struct pv_scsi_cmd *sm = sl->sl_cmd;
	struct virtio_scsi_cmd_req rq = { .tag = sl->sl_tag };
	unsigned int i;

	virtio_scsi_address(rq.lun, sm->sm_target, sm->sm_lun);
	for (i = 0; i < PV_SCSI_CDB; i++)
		rq.cdb[i] = sm->sm_cdb[i];
	shm_copy_out(sl->sl_cell, &rq, sizeof(rq));
	shm_write8(sl->sl_cell + VIRTIO_SCSI_RESP +
	    offsetof(struct virtio_scsi_cmd_resp, response), VIRTIO_SCSI_UNSET);
}

/* Share the buffer; the number of pieces, or -PV_EINVAL with none shared. */
static int
virtio_scsi_load(struct virtio_scsi_softc *sc, struct virtio_scsi_slot *sl,
    struct vq_piece *vp)
{
	const struct pv_scsi_cmd *sm = sl->sl_cmd;
	struct iov_iter it;
	size_t len;
	void *va;

	sl->sl_nmap = 0;
	sl->sl_len = 0;
	iov_start(&it, sm->sm_iov, sm->sm_niov);
	while ((va = iov_next(&it, PV_PAGE_SIZE, &len)) != NULL) {
		if (sl->sl_nmap == sc->sc_nseg)
			return -PV_EINVAL;
		vp->vp_da = pv_dma_share(&sc->sc_pool,
		    &sl->sl_map[sl->sl_nmap++], va, len, sm->sm_dir);
		vp->vp_len = (uint32_t)len;
		vp->vp_dir = sm->sm_dir;
		sl->sl_len += (uint32_t)len;
		vp++;
	}
	return (int)sl->sl_nmap;
}

static void
virtio_scsi_unload(struct virtio_scsi_softc *sc, struct virtio_scsi_slot *sl)
{
	/* Identity and bounce maps are always free once the device is done. */
	while (sl->sl_nmap > 0)
		(void)pv_dma_unshare(&sc->sc_pool, &sl->sl_map[--sl->sl_nmap]);
}

static int
virtio_scsi_enqueue_locked(struct virtio_scsi_softc *sc,
    struct virtio_scsi_slot *sl)
{
	bool out = sl->sl_cmd->sm_dir == PV_PEER_READS;
	struct vq_piece *vp = sc->sc_piece, *resp;
	uint64_t cell = vq_cell_pa(sl->sl_cell);
	int n, rv;

	PV_ASSERT_LOCKED(&sc->sc_lock);
	sl->sl_tag = ++sc->sc_tag;
	virtio_scsi_request(sl);
	n = virtio_scsi_load(sc, sl, vp + (out ? 1 : 2));
	if (n < 0) {
		virtio_scsi_unload(sc, sl);
		return n;
	}
	vp[0].vp_da = cell;
	vp[0].vp_len = sizeof(struct virtio_scsi_cmd_req);
	vp[0].vp_dir = PV_PEER_READS;
	resp = &vp[out ? n + 1 : 1];
	resp->vp_da = cell + VIRTIO_SCSI_RESP;
	resp->vp_len = sizeof(struct virtio_scsi_cmd_resp);
	resp->vp_dir = PV_PEER_WRITES;
	rv = vq_add(&sc->sc_queue.vn_vq, vp, (unsigned int)n + 2, sl);
	if (rv != 0)
		virtio_scsi_unload(sc, sl);
	sl->sl_due = pv_now() + sc->sc_timeout;
	sl->sl_stage = STAGE_NONE;
	return rv;
}

int
virtio_scsi_submit(void *arg, struct pv_scsi_cmd *sm)
{
	struct virtio_scsi_softc *sc = arg;
	struct virtio_scsi_slot *sl;
	struct list *p = NULL;
	bool kick = false;
	int rv = 0;

	pv_lock(&sc->sc_lock);
	if (!sc->sc_open)
		rv = -PV_ENXIO;
	else if (sm->sm_target > sc->sc_scsi.ss_maxtarget ||
	    sm->sm_lun > sc->sc_scsi.ss_maxlun)
		rv = -PV_EINVAL;
	else if ((p = list_pop(&sc->sc_free)) == NULL)
		rv = -PV_EAGAIN;
	if (p != NULL) {
		sl = LIST_ENTRY(p, struct virtio_scsi_slot, sl_link);
		sl->sl_cmd = sm;
		rv = virtio_scsi_enqueue_locked(sc, sl);
		if (rv == 0) {
			kick = vq_push(&sc->sc_queue.vn_vq);
			sc->sc_scsi.ss_ncmd++;
		} else {
			sl->sl_cmd = NULL;
			list_append(&sc->sc_free, &sl->sl_link);
		}
	}
	pv_unlock(&sc->sc_lock);
	if (kick)
		virtio_queue_kick(&sc->sc_queue);
	return rv;
}

/* ---- Complete ---------------------------------------------------------- */

/* peer: any byte. */
static int
virtio_scsi_response(const struct virtio_scsi_slot *sl, uint8_t response)
{
	switch (response) {
	case VIRTIO_SCSI_S_OK:
		return 0;
	case VIRTIO_SCSI_S_BAD_TARGET:
	case VIRTIO_SCSI_S_INCORRECT_LUN:
		return -PV_ENXIO;
	case VIRTIO_SCSI_S_ABORTED:
	case VIRTIO_SCSI_S_RESET:
		return sl->sl_stage != STAGE_NONE ? -PV_ETIMEDOUT : -PV_EAGAIN;
	case VIRTIO_SCSI_S_BUSY:
		return -PV_EAGAIN;
	case VIRTIO_SCSI_UNSET:
		return -PV_EPROTO;
	default:
		return -PV_EIO;
	}
}

/* Take the response; the result of the command. */
static int
virtio_scsi_answer(struct virtio_scsi_slot *sl)
{
	struct pv_scsi_cmd *sm = sl->sl_cmd;
	struct virtio_scsi_cmd_resp rp;
	struct scsi_sense se;
	uint32_t n;
	int rv;

	shm_copy_in(&rp, sl->sl_cell + VIRTIO_SCSI_RESP, sizeof(rp));
	rv = virtio_scsi_response(sl, rp.response);
	sm->sm_status = rv == 0 ? rp.status : SCSI_GOOD;
	/* peer: both lengths end where the memory does. */
	sm->sm_resid = rp.resid < sl->sl_len ? rp.resid : sl->sl_len;
	n = rp.sense_len < sizeof(rp.sense) ? rp.sense_len : sizeof(rp.sense);
	if (rv != 0 || sm->sm_status != SCSI_CHECK_CONDITION)
		n = 0;
	(void)scsi_sense(rp.sense, n, &se);
	sm->sm_key = se.se_key;
	sm->sm_asc = se.se_asc;
	return rv;
}

/* Give a slot back and return its command. */
static struct pv_scsi_cmd *
virtio_scsi_release_locked(struct virtio_scsi_softc *sc,
    struct virtio_scsi_slot *sl)
{
	struct pv_scsi_cmd *sm = sl->sl_cmd;

	PV_ASSERT_LOCKED(&sc->sc_lock);
	virtio_scsi_unload(sc, sl);
	sl->sl_cmd = NULL;
	list_append(&sc->sc_free, &sl->sl_link);
	return sm;
}

/* One answer: 1 with its command and result, 0 none, -PV_EPROTO a lie. */
static int
virtio_scsi_complete(struct virtio_scsi_softc *sc, struct pv_scsi_cmd **sm,
    int *result)
{
	struct virtio_scsi_slot *sl;
	uint32_t len;
	void *cookie;
	int rv;

	pv_lock(&sc->sc_lock);
	rv = sc->sc_open ? vq_get(&sc->sc_queue.vn_vq, &cookie, &len) : 0;
	if (rv == 1) {
		sl = cookie;
		*result = virtio_scsi_answer(sl);
		*sm = virtio_scsi_release_locked(sc, sl);
	}
	pv_unlock(&sc->sc_lock);
	return rv;
}

/*
 * Context: deferred.  At most VIRTIO_SCSI_BUDGET answers a run; true: there
 * is more.
 */
static bool
virtio_scsi_intr(void *arg)
{
	struct virtio_scsi_softc *sc = arg;
	struct pv_scsi_cmd *sm = NULL;
	unsigned int n;
	bool more;
	int rv = 0, result = 0;

	for (n = 0; n < VIRTIO_SCSI_BUDGET; n++) {
		rv = virtio_scsi_complete(sc, &sm, &result);
		if (rv <= 0)
			break;
		sm->sm_done(sm, result);
	}
	if (rv < 0) {
		pv_dev_fail(sc->sc_dev, "used ring");
		return false;
	}
	if (n == VIRTIO_SCSI_BUDGET)
		return true;
	if (n == 0)
		sc->sc_dev->pd_nspurious++;
	pv_lock(&sc->sc_lock);
	more = sc->sc_open && vq_rearm(&sc->sc_queue.vn_vq);
	pv_unlock(&sc->sc_lock);
	return more;
}

/* ---- Events ------------------------------------------------------------ */

/* One event: 1 with what it is, 0 none, -PV_EPROTO a lie. */
static int
virtio_scsi_event_get(struct virtio_scsi_softc *sc,
    struct virtio_scsi_event *ev)
{
	uint32_t len = 0;
	void *cookie;
	int rv;

	pv_lock(&sc->sc_lock);
	rv = sc->sc_open ? vq_get(&sc->sc_event.vn_vq, &cookie, &len) : 0;
	if (rv == 1) {
		shm_copy_in(ev, cookie, sizeof(*ev));
		virtio_scsi_event_post(sc, cookie);
	}
	pv_unlock(&sc->sc_lock);
	/* peer: a short event says nothing that can be relied on. */
	if (rv == 1 && len < sizeof(*ev))
		ev->event = VIRTIO_SCSI_T_EVENTS_MISSED;
	return rv;
}

/* Context: deferred. */
static bool
virtio_scsi_event(void *arg)
{
	struct virtio_scsi_softc *sc = arg;
	struct virtio_scsi_event ev;
	bool kick, more, scan = false;
	unsigned int n;
	int rv = 0;

	for (n = 0; n < VIRTIO_SCSI_NEVENT; n++) {
		rv = virtio_scsi_event_get(sc, &ev);
		if (rv <= 0)
			break;
		sc->sc_scsi.ss_nevent++;
		if (ev.event != VIRTIO_SCSI_T_NO_EVENT)
			scan = true;
	}
	if (rv < 0) {
		pv_dev_fail(sc->sc_dev, "used ring of events");
		return false;
	}
	pv_lock(&sc->sc_lock);
	kick = n > 0 && sc->sc_open && vq_push(&sc->sc_event.vn_vq);
	more = sc->sc_open && vq_rearm(&sc->sc_event.vn_vq);
	pv_unlock(&sc->sc_lock);
	if (kick)
		virtio_queue_kick(&sc->sc_event);
	if (scan)
		virtio_scsi_lun_scan(sc);
	return more;
}

/* ---- Disconnect -------------------------------------------------------- */

/* After the reset: end what is in flight. */
static void
virtio_scsi_abort(struct virtio_scsi_softc *sc)
{
	struct virtio_scsi_slot *sl;
	struct pv_scsi_cmd *sm;

	for (;;) {
		pv_lock(&sc->sc_lock);
		sl = vq_drain(&sc->sc_queue.vn_vq);
		sm = sl == NULL ? NULL : virtio_scsi_release_locked(sc, sl);
		pv_unlock(&sc->sc_lock);
		if (sm == NULL)
			return;
		sm->sm_done(sm, -PV_ENXIO);
	}
}

static void
virtio_scsi_destroy(struct virtio_queue *vn)
{
	if (!vn->vn_live)
		return;
	while (vq_drain(&vn->vn_vq) != NULL)
		;
	virtio_queue_destroy(vn);
}

static void
virtio_scsi_disconnect(void *arg)
{
	struct virtio_scsi_softc *sc = arg;

	pv_lock(&sc->sc_lock);
	sc->sc_open = false;
	pv_unlock(&sc->sc_lock);
	virtio_scsi_tmf_stop(sc);
	if (virtio_stop(sc->sc_dev) == 0) {
		if (sc->sc_queue.vn_live)
			virtio_scsi_abort(sc);
		virtio_scsi_destroy(&sc->sc_queue);
		virtio_scsi_destroy(&sc->sc_ctrl);
		virtio_scsi_destroy(&sc->sc_event);
	}
	virtio_scsi_lun_stop(sc);
	if (sc->sc_up && sc->sc_dev->pd_client->pc_scsi_down != NULL)
		sc->sc_dev->pd_client->pc_scsi_down(&sc->sc_scsi);
	sc->sc_up = false;
}

/* ---- Driver ------------------------------------------------------------ */

static void
virtio_scsi_rescan(void *arg)
{
	virtio_scsi_lun_scan(arg);
}

static const struct pv_scsi_ops virtio_scsi_ops = {
	.so_submit = virtio_scsi_submit,
	.so_unit = virtio_scsi_lun_info,
	.so_rescan = virtio_scsi_rescan,
};

static const char *const virtio_scsi_settings_names[] = {
	"hw.vtscsi.timeout", NULL
};

const struct pv_driver virtio_scsi_driver = {
	.dv_name = "virtio_scsi",
	.dv_match = "virtio,8",
	.dv_scsize = sizeof(struct virtio_scsi_softc),
	.dv_attach = virtio_scsi_attach,
	.dv_detach = virtio_scsi_detach,
	.dv_connect = virtio_scsi_connect,
	.dv_start = virtio_scsi_start,
	.dv_disconnect = virtio_scsi_disconnect,
	.dv_load = "virtio_scsi_load",
	.dv_settings = virtio_scsi_settings_names,
};
