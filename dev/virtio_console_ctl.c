/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_console_ctl -- the control queues; see virtio_console.h.
 *
 *	us			device
 *	DEVICE_READY -->
 *				<-- PORT_ADD n
 *	PORT_READY n -->
 *				<-- CONSOLE_PORT n, PORT_NAME n, PORT_OPEN n
 *	PORT_OPEN n -->
 *
 * Messages are handled in a work that may sleep, for ports are announced
 * there; each is copied before it is looked at.  What we say goes into one of
 * a few cells; when none is free the message is lost, which is told.
 */

#include "virtio_console.h"

#include "str.h"

PV_WIRE_ASSERT(struct virtio_console_control, 8);

#define VIRTIO_CONSOLE_CTLCELL	128	/* bytes; a message with a name */
#define VIRTIO_CONSOLE_NCTL	16	/* cells each way */
#define VIRTIO_CONSOLE_CTLIN	2	/* queues */
#define VIRTIO_CONSOLE_CTLOUT	3
#define VIRTIO_CONSOLE_BUDGET	64

/* ---- To the device ----------------------------------------------------- */

/* Lock: sc_lock.  -PV_EPROTO: the device lied. */
static int
virtio_console_ctl_reclaim(struct virtio_console_softc *sc)
{
	const uint8_t *cell;
	void *cookie;
	uint32_t len;
	int rv;

	while ((rv = vq_get(&sc->sc_ctlout.vn_vq, &cookie, &len)) == 1) {
		cell = cookie;
		sc->sc_ctlfree |= 1u << (unsigned int)(cell - sc->sc_ctl) /
		    VIRTIO_CONSOLE_CTLCELL;
	}
	return rv;
}

/* Lock: sc_lock.  0, -PV_EPROTO, or -PV_EAGAIN: no cell is free. */
static int
virtio_console_ctl_put(struct virtio_console_softc *sc,
    const struct virtio_console_control *msg)
{
	struct vq_piece vp = { .vp_len = sizeof(*msg),
	    .vp_dir = PV_PEER_READS };
	unsigned int i;
	uint8_t *cell;
	int rv = virtio_console_ctl_reclaim(sc);

	if (rv < 0)
		return rv;
	for (i = 0; i < VIRTIO_CONSOLE_NCTL; i++) {
		if ((sc->sc_ctlfree >> i & 1) != 0)
			break;
	}
	if (i == VIRTIO_CONSOLE_NCTL)
		return -PV_EAGAIN;
	cell = sc->sc_ctl + i * VIRTIO_CONSOLE_CTLCELL;
	vp.vp_da = vq_cell_pa(cell);
	rv = vq_add(&sc->sc_ctlout.vn_vq, &vp, 1, cell);
	if (rv == 0) {
		shm_copy_out(cell, msg, sizeof(*msg));
		sc->sc_ctlfree &= ~(1u << i);
	}
	return rv;
}

static void
virtio_console_ctl_send(struct virtio_console_softc *sc, unsigned int id,
    unsigned int event, unsigned int value)
{
	struct virtio_console_control msg = { .id = id,
	    .event = (uint16_t)event, .value = (uint16_t)value };
	bool kick = false;
	int rv = -PV_ENXIO;

	pv_lock(&sc->sc_lock);
	if (sc->sc_ctlopen)
		rv = virtio_console_ctl_put(sc, &msg);
	if (rv == 0)
		kick = vq_push(&sc->sc_ctlout.vn_vq);
	pv_unlock(&sc->sc_lock);
	if (kick)
		virtio_queue_kick(&sc->sc_ctlout);
	if (rv == -PV_EPROTO)
		pv_dev_fail(sc->sc_dev, "used ring of control");
	else if (rv == -PV_EAGAIN)
		pv_log(sc->sc_dev, PV_LOG_WARN, "does not read its control "
		    "queue: message %u is lost", event);
}

/* ---- From the device --------------------------------------------------- */

/* Lock: sc_lock. */
static void
virtio_console_ctl_post(struct virtio_console_softc *sc, uint8_t *cell)
{
	const struct vq_piece vp = { vq_cell_pa(cell), VIRTIO_CONSOLE_CTLCELL,
	    PV_PEER_WRITES };

	(void)vq_add(&sc->sc_ctlin.vn_vq, &vp, 1, cell);
}

static void
virtio_console_ctl_add(struct virtio_console_port *po)
{
	struct virtio_console_softc *sc = po->po_sc;
	int rv;

	if (po->po_announced)
		return;
	rv = virtio_console_open(po);
	virtio_console_ctl_send(sc, po->po_id, VIRTIO_CONSOLE_PORT_READY,
	    rv == 0 ? 1 : 0);
	if (rv != 0)
		pv_log(sc->sc_dev, PV_LOG_ERR, "no memory for port %u",
		    po->po_id);
	else if (po->po_cons.cn_recv != NULL)
		virtio_console_ctl_send(sc, po->po_id,
		    VIRTIO_CONSOLE_PORT_OPEN, 1);
}

/* peer: the label is what follows, any bytes, with a NUL or without. */
static void
virtio_console_ctl_label(struct pv_cons *cn, const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n && i < PV_CONS_LABEL - 1 && p[i] != '\0'; i++)
		cn->cn_label[i] = (char)p[i];
	cn->cn_label[i] = '\0';
	str_sanitise(cn->cn_label, i);
}

/* What is said of a port that is there. */
static void
virtio_console_ctl_port(struct virtio_console_port *po, unsigned int event,
    unsigned int value, const uint8_t *more, size_t nmore)
{
	struct pv_cons *cn = &po->po_cons;

	switch (event) {
	case VIRTIO_CONSOLE_CONSOLE_PORT:
		cn->cn_flags |= PV_CONS_CONSOLE;
		break;
	case VIRTIO_CONSOLE_PORT_NAME:
		virtio_console_ctl_label(cn, more, nmore);
		break;
	case VIRTIO_CONSOLE_PORT_OPEN:
		cn->cn_flags = (cn->cn_flags & ~(uint32_t)PV_CONS_OPEN) |
		    (value != 0 ? PV_CONS_OPEN : 0);
		virtio_queue_again(&po->po_tx);
		break;
	case VIRTIO_CONSOLE_RESIZE:
		if (nmore < 4)
			return;
		cn->cn_cols = virtio_le16(more);
		cn->cn_rows = virtio_le16(more + 2);
		break;
	default:
		return;
	}
	if (cn->cn_change != NULL)
		cn->cn_change(cn);
}

static void
virtio_console_ctl_message(struct virtio_console_softc *sc,
    const uint8_t *buf, uint32_t len)
{
	struct virtio_console_port *po;
	unsigned int event;

	/* peer: a short message, or of a port that we did not say we have. */
	if (len < sizeof(struct virtio_console_control) ||
	    virtio_le32(buf) >= sc->sc_nport)
		return;
	po = &sc->sc_port[virtio_le32(buf)];
	event = virtio_le16(buf + 4);
	if (event == VIRTIO_CONSOLE_PORT_ADD)
		virtio_console_ctl_add(po);
	else if (!po->po_announced)
		return;
	else if (event == VIRTIO_CONSOLE_PORT_REMOVE)
		virtio_console_close(po);
	else
		virtio_console_ctl_port(po, event, virtio_le16(buf + 6),
		    buf + 8, len - 8);
}

/* One message: 1 with its length, 0 none, -PV_EPROTO. */
static int
virtio_console_ctl_get(struct virtio_console_softc *sc, uint8_t *buf,
    uint32_t *len)
{
	bool kick = false;
	void *cell;
	int rv;

	pv_lock(&sc->sc_lock);
	rv = sc->sc_ctlopen ? vq_get(&sc->sc_ctlin.vn_vq, &cell, len) : 0;
	if (rv == 1) {
		shm_copy_in(buf, cell, *len);
		virtio_console_ctl_post(sc, cell);
		kick = vq_push(&sc->sc_ctlin.vn_vq);
	}
	pv_unlock(&sc->sc_lock);
	if (kick)
		virtio_queue_kick(&sc->sc_ctlin);
	return rv;
}

/* Context: thread. */
static void
virtio_console_ctl_run(void *arg)
{
	struct virtio_console_softc *sc = arg;
	uint8_t buf[VIRTIO_CONSOLE_CTLCELL];
	unsigned int n;
	uint32_t len;
	bool more = false;
	int rv = 0;

	for (n = 0; n < VIRTIO_CONSOLE_BUDGET; n++) {
		rv = virtio_console_ctl_get(sc, buf, &len);
		if (rv <= 0)
			break;
		virtio_console_ctl_message(sc, buf, len);
	}
	if (rv < 0) {
		pv_dev_fail(sc->sc_dev, "used ring of control");
		return;
	}
	pv_lock(&sc->sc_lock);
	if (sc->sc_ctlopen)
		more = vq_rearm(&sc->sc_ctlin.vn_vq);
	pv_unlock(&sc->sc_lock);
	if (more)
		pv_defer(&sc->sc_work, 0);
}

/* Context: deferred. */
static bool
virtio_console_ctl_intr(void *arg)
{
	struct virtio_console_softc *sc = arg;

	pv_defer(&sc->sc_work, 0);
	return false;
}

/* ---- Beginning and end ------------------------------------------------- */

void
virtio_console_ctl_init(struct virtio_console_softc *sc)
{
	pv_work_init(&sc->sc_work, virtio_console_ctl_run, sc, PV_WORK_SLEEPS);
}

/* What the device has read is taken back when the next message is sent. */
static bool
virtio_console_ctl_read(void *arg)
{
	(void)arg;
	return false;
}

int
virtio_console_ctl_connect(struct virtio_console_softc *sc)
{
	int rv;

	sc->sc_ctl = pv_pages_alloc(sc->sc_dev, 1);
	if (sc->sc_ctl == NULL)
		return -PV_ENOMEM;
	sc->sc_ctlfree = (1u << VIRTIO_CONSOLE_NCTL) - 1;
	sc->sc_ctlin.vn_size = sc->sc_ctlout.vn_size = VIRTIO_CONSOLE_NCTL;
	rv = virtio_queue_create(sc->sc_dev, &sc->sc_ctlin,
	    VIRTIO_CONSOLE_CTLIN, virtio_console_ctl_intr, sc);
	if (rv == 0)
		rv = virtio_queue_create(sc->sc_dev, &sc->sc_ctlout,
		    VIRTIO_CONSOLE_CTLOUT, virtio_console_ctl_read, sc);
	return rv;
}

void
virtio_console_ctl_start(struct virtio_console_softc *sc)
{
	unsigned int i;
	bool kick;

	pv_lock(&sc->sc_lock);
	for (i = 0; i < VIRTIO_CONSOLE_NCTL; i++)
		virtio_console_ctl_post(sc, sc->sc_ctl +
		    (VIRTIO_CONSOLE_NCTL + i) * VIRTIO_CONSOLE_CTLCELL);
	kick = vq_push(&sc->sc_ctlin.vn_vq);
	sc->sc_ctlopen = true;
	pv_unlock(&sc->sc_lock);
	if (kick)
		virtio_queue_kick(&sc->sc_ctlin);
	virtio_console_ctl_send(sc, VIRTIO_CONSOLE_BAD_ID,
	    VIRTIO_CONSOLE_DEVICE_READY, 1);
}

static void
virtio_console_ctl_destroy(struct virtio_queue *vn)
{
	while (vn->vn_live && vq_drain(&vn->vn_vq) != NULL)
		;
	virtio_queue_destroy(vn);
}

void
virtio_console_ctl_stop(struct virtio_console_softc *sc, bool safe)
{
	pv_lock(&sc->sc_lock);
	sc->sc_ctlopen = false;
	pv_unlock(&sc->sc_lock);
	pv_cancel(&sc->sc_work);
	if (!safe)
		return;
	virtio_console_ctl_destroy(&sc->sc_ctlin);
	virtio_console_ctl_destroy(&sc->sc_ctlout);
	pv_pages_free(sc->sc_dev, sc->sc_ctl, 1);
	sc->sc_ctl = NULL;
}
