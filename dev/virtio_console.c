/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_console -- virtio console device (virtio 1.2, section 5.3): ports.
 *
 * Without MULTIPORT there is one port, a console.  With it there are several,
 * and a pair of control queues says which exist and what they are
 * (virtio_console_ctl.c); each port is a struct pv_cons.
 *
 *	queue 0, 1	port 0: to us, to the device
 *	queue 2, 3	control: to us, to the device
 *	queue 4, 5	port 1, and so on
 *
 * Output must work in any context, from a panic too, so it takes no lock.  A
 * port has one writer at a time: who finds po_writer set is turned away with a
 * count of 0, as if the queue were full, and never waits; the writer, on its
 * way out, has the queue's function look after that.  Bytes are copied into
 * cells of the port's own page.  Whoever writes takes back the cells that the
 * device has read, so it works without interrupts.
 *
 * Input.  The queue's function alone reads.  A cell is copied to po_hold and
 * shown to the device again when the consumer took all of it; when he does
 * not, no more cells are shown and the device stops: input can not flood us.
 */

#include "virtio_console.h"

#include "str.h"

PV_WIRE_ASSERT(struct virtio_console_config, 12);
PV_WIRE_OFFSET(struct virtio_console_config, max_nr_ports, 4);
PV_WIRE_OFFSET(struct virtio_console_config, emerg_wr, 8);

static unsigned int virtio_console_units;	/* bits: names in use */

static bool virtio_console_input(void *);
static bool virtio_console_output(void *);
static const struct pv_cons_ops virtio_console_ops;

/* ---- Attach ------------------------------------------------------------ */

static int
virtio_console_attach(void *arg, struct pv_dev *dev)
{
	struct virtio_console_softc *sc = arg;
	unsigned int u;

	sc->sc_dev = dev;
	for (u = 0; u < 32 && (virtio_console_units >> u & 1) != 0; u++)
		;
	if (u == 32)
		return -PV_ENOSPC;
	virtio_console_units |= 1u << u;
	sc->sc_unit = u;
	virtio_console_ctl_init(sc);
	return 0;
}

static void
virtio_console_detach(void *arg)
{
	struct virtio_console_softc *sc = arg;

	virtio_console_units &= ~(1u << sc->sc_unit);
}

/* "vtcons0.1" */
static void
virtio_console_name(struct virtio_console_port *po)
{
	struct strbuf sb;

	str_begin(&sb, po->po_name, sizeof(po->po_name));
	str_add(&sb, "vtcons");
	str_addu(&sb, po->po_sc->sc_unit);
	str_add(&sb, ".");
	str_addu(&sb, po->po_id);
}

/* ---- Ports ------------------------------------------------------------- */

static int
virtio_console_queues(struct virtio_console_port *po)
{
	struct pv_dev *dev = po->po_sc->sc_dev;
	unsigned int index = po->po_id == 0 ? 0 : 2 * po->po_id + 2;
	int rv;

	po->po_rx.vn_size = VIRTIO_CONSOLE_NCELL;
	po->po_tx.vn_size = VIRTIO_CONSOLE_NCELL;
	rv = virtio_queue_create(dev, &po->po_rx, index, virtio_console_input,
	    po);
	if (rv == 0)
		rv = virtio_queue_create(dev, &po->po_tx, index + 1,
		    virtio_console_output, po);
	return rv;
}

/* Show the device an empty cell for input. */
static void
virtio_console_post(struct virtio_console_port *po, uint8_t *cell)
{
	const struct vq_piece vp = { vq_cell_pa(cell), VIRTIO_CONSOLE_CELL,
	    PV_PEER_WRITES };

	/* A queue shorter than VIRTIO_CONSOLE_NCELL gets fewer. */
	(void)vq_add(&po->po_rx.vn_vq, &vp, 1, cell);
}

int
virtio_console_open(struct virtio_console_port *po)
{
	struct virtio_console_softc *sc = po->po_sc;
	unsigned int i;

	if (po->po_mem == NULL) {
		po->po_mem = pv_pages_alloc(sc->sc_dev, 2);
		if (po->po_mem == NULL)
			return -PV_ENOMEM;
		po->po_free = (1u << VIRTIO_CONSOLE_NCELL) - 1;
		for (i = 0; i < VIRTIO_CONSOLE_NCELL; i++)
			virtio_console_post(po, po->po_mem + PV_PAGE_SIZE +
			    i * VIRTIO_CONSOLE_CELL);
		if (vq_push(&po->po_rx.vn_vq))
			virtio_queue_kick(&po->po_rx);
	}
	virtio_console_name(po);
	po->po_cons.cn_name = po->po_name;
	po->po_cons.cn_ops = &virtio_console_ops;
	po->po_cons.cn_sc = po;
	shm_store_release32(&po->po_up, 1);
	po->po_announced = true;
	if (sc->sc_dev->pd_client->pc_cons_up != NULL)
		sc->sc_dev->pd_client->pc_cons_up(&po->po_cons);
	virtio_queue_again(&po->po_rx);	/* input that came before cn_recv */
	return 0;
}

void
virtio_console_close(struct virtio_console_port *po)
{
	struct pv_cons *cn = &po->po_cons;
	const struct pv_client *pc = po->po_sc->sc_dev->pd_client;

	shm_store_release32(&po->po_up, 0);
	pv_cancel(&po->po_rx.vn_work);
	pv_cancel(&po->po_tx.vn_work);
	/* When it returns nobody is in virtio_console_write() any more. */
	if (po->po_announced && pc->pc_cons_down != NULL)
		pc->pc_cons_down(cn);
	po->po_announced = false;
	po->po_nhold = 0;
	cn->cn_recv = NULL;
	cn->cn_ready = NULL;
	cn->cn_change = NULL;
	cn->cn_flags = 0;
	cn->cn_label[0] = '\0';
}

static void
virtio_console_fail(struct virtio_console_port *po)
{
	shm_store_release32(&po->po_up, 0);
	pv_dev_fail(po->po_sc->sc_dev, "used ring");
}

/* ---- Output ------------------------------------------------------------ */

/* Become the one writer, or be turned away.  Never waits. */
static bool
virtio_console_enter(struct virtio_console_port *po)
{
	if (shm_cas32(&po->po_writer, 0, 1))
		return true;
	shm_write32(&po->po_turned, 1);
	shm_mb();
	/* Whoever is still in there will see po_turned when he leaves. */
	return shm_cas32(&po->po_writer, 0, 1);
}

static void
virtio_console_leave(struct virtio_console_port *po)
{
	shm_store_release32(&po->po_writer, 0);
	shm_mb();
	if (shm_cas32(&po->po_turned, 1, 0))
		virtio_queue_again(&po->po_tx);
}

/* Take back what the device has read: how many cells, or -PV_EPROTO. */
static int
virtio_console_reclaim(struct virtio_console_port *po)
{
	const uint8_t *cell;
	void *cookie;
	uint32_t len;
	int n = 0, rv;

	while ((rv = vq_get(&po->po_tx.vn_vq, &cookie, &len)) == 1) {
		cell = cookie;
		po->po_free |= 1u << (unsigned int)(cell - po->po_mem) /
		    VIRTIO_CONSOLE_CELL;
		n++;
	}
	return rv < 0 ? rv : n;
}

/* Fill free cells; how many bytes went in. */
static size_t
virtio_console_fill(struct virtio_console_port *po, const char *buf,
    size_t len)
{
	struct vq_piece vp = { .vp_dir = PV_PEER_READS };
	unsigned int i;
	size_t done = 0;
	uint8_t *cell;

	for (i = 0; i < VIRTIO_CONSOLE_NCELL && done < len; i++) {
		if ((po->po_free >> i & 1) == 0)
			continue;
		cell = po->po_mem + i * VIRTIO_CONSOLE_CELL;
		vp.vp_da = vq_cell_pa(cell);
		vp.vp_len = (uint32_t)(len - done < VIRTIO_CONSOLE_CELL ?
		    len - done : VIRTIO_CONSOLE_CELL);
		if (vq_add(&po->po_tx.vn_vq, &vp, 1, cell) != 0)
			break;
		shm_copy_out(cell, buf + done, vp.vp_len);
		po->po_free &= ~(1u << i);
		done += vp.vp_len;
	}
	return done;
}

/*
 * Put what fits.  When that is not all, say so and look once more: the device
 * may have made room meanwhile.  The count, or -PV_EPROTO.
 */
static int
virtio_console_put(struct virtio_console_port *po, const char *buf,
    size_t len)
{
	size_t done = 0;
	int tries;

	for (tries = 0; tries < 2 && done < len; tries++) {
		if (virtio_console_reclaim(po) < 0)
			return -PV_EPROTO;
		done += virtio_console_fill(po, buf + done, len - done);
		if (done == len)
			break;
		shm_write32(&po->po_want, 1);
		if (!vq_rearm(&po->po_tx.vn_vq))
			break;
	}
	if (vq_push(&po->po_tx.vn_vq))
		virtio_queue_kick(&po->po_tx);
	po->po_cons.cn_txbyte += done;
	return (int)done;
}

/* Class entry; Context: any. */
static int
virtio_console_write(void *arg, const char *buf, size_t len)
{
	struct virtio_console_port *po = arg;
	int rv = 0;

	if (shm_read32(&po->po_up) == 0)
		return -PV_ENXIO;
	if ((po->po_cons.cn_flags & PV_CONS_OPEN) == 0) {
		shm_write32(&po->po_want, 1);
		return 0;
	}
	if (len > VIRTIO_CONSOLE_NCELL * VIRTIO_CONSOLE_CELL)
		len = VIRTIO_CONSOLE_NCELL * VIRTIO_CONSOLE_CELL;
	if (!virtio_console_enter(po)) {
		shm_write32(&po->po_want, 1);
		return 0;
	}
	if (shm_read32(&po->po_up) != 0)
		rv = virtio_console_put(po, buf, len);
	virtio_console_leave(po);
	if (rv < 0) {
		virtio_console_fail(po);
		return -PV_ENXIO;
	}
	return rv;
}

/* The device has read something.  Context: deferred. */
static bool
virtio_console_output(void *arg)
{
	struct virtio_console_port *po = arg;
	struct pv_cons *cn = &po->po_cons;
	bool more = false;
	int rv;

	if (shm_read32(&po->po_up) == 0 || !virtio_console_enter(po))
		return false;
	rv = virtio_console_reclaim(po);
	if (rv >= 0)
		more = vq_rearm(&po->po_tx.vn_vq);
	virtio_console_leave(po);
	if (rv < 0) {
		virtio_console_fail(po);
		return false;
	}
	if (po->po_free != 0 && (cn->cn_flags & PV_CONS_OPEN) != 0 &&
	    shm_cas32(&po->po_want, 1, 0) && cn->cn_ready != NULL)
		cn->cn_ready(cn);
	return more;
}

/* Last words, a character at a time.  Context: any. */
static void
virtio_console_emergency(void *arg, const char *buf, size_t len)
{
	const struct virtio_console_port *po = arg;
	struct pv_dev *dev = po->po_sc->sc_dev;
	uint8_t word[4] = { 0 };

	if (!virtio_has(virtio_of(dev), VIRTIO_CONSOLE_F_EMERG_WRITE))
		return;
	for (; len > 0; len--) {
		word[0] = (uint8_t)*buf++;
		virtio_config_set(dev, offsetof(struct virtio_console_config,
		    emerg_wr), word, sizeof(word));
	}
}

/* ---- Input ------------------------------------------------------------- */

/* Give what is held to the consumer; true: all of it is gone. */
static bool
virtio_console_deliver(struct virtio_console_port *po)
{
	struct pv_cons *cn = &po->po_cons;
	size_t took;

	if (po->po_nhold > 0 && cn->cn_recv != NULL) {
		took = cn->cn_recv(cn, (const char *)po->po_hold +
		    po->po_holdoff, po->po_nhold);
		PV_ASSERT(took <= po->po_nhold);
		po->po_holdoff += took;
		po->po_nhold -= took;
		cn->cn_rxbyte += took;
	}
	return po->po_nhold == 0;
}

/* Context: deferred. */
static bool
virtio_console_input(void *arg)
{
	struct virtio_console_port *po = arg;
	unsigned int n;
	uint32_t len;
	void *cell;
	int rv = 0;

	if (shm_read32(&po->po_up) == 0 || !virtio_console_deliver(po))
		return false;
	for (n = 0; n < VIRTIO_CONSOLE_NCELL; n++) {
		rv = vq_get(&po->po_rx.vn_vq, &cell, &len);
		if (rv <= 0)
			break;
		shm_copy_in(po->po_hold, cell, len);
		po->po_holdoff = 0;
		po->po_nhold = len;
		virtio_console_post(po, cell);
		if (!virtio_console_deliver(po))
			break;
	}
	if (rv < 0) {
		virtio_console_fail(po);
		return false;
	}
	if (n > 0 && vq_push(&po->po_rx.vn_vq))
		virtio_queue_kick(&po->po_rx);
	return po->po_nhold == 0 && vq_rearm(&po->po_rx.vn_vq);
}

/* The functions look soon: they alone read.  Context: any. */
static void
virtio_console_poll(void *arg)
{
	struct virtio_console_port *po = arg;

	virtio_queue_again(&po->po_rx);
	virtio_queue_again(&po->po_tx);
}

/* ---- Connection -------------------------------------------------------- */

static unsigned int
virtio_console_nport(struct virtio_console_softc *sc)
{
	uint8_t buf[4] = { 0 };
	uint32_t n = 1;

	if (virtio_has(virtio_of(sc->sc_dev), VIRTIO_CONSOLE_F_MULTIPORT) &&
	    virtio_config(sc->sc_dev, offsetof(struct virtio_console_config,
	    max_nr_ports), buf, sizeof(buf)) == 0)
		n = virtio_le32(buf);
	/* peer: any number; the ports beyond ours are never ready. */
	return n < 1 ? 1 : n > VIRTIO_CONSOLE_NPORT ? VIRTIO_CONSOLE_NPORT : n;
}

static int
virtio_console_connect(void *arg)
{
	struct virtio_console_softc *sc = arg;
	unsigned int i;
	int rv;

	rv = virtio_negotiate(sc->sc_dev, 1ull << VIRTIO_CONSOLE_F_SIZE |
	    1ull << VIRTIO_CONSOLE_F_MULTIPORT |
	    1ull << VIRTIO_CONSOLE_F_EMERG_WRITE);
	if (rv != 0)
		return rv;
	sc->sc_multi = virtio_has(virtio_of(sc->sc_dev),
	    VIRTIO_CONSOLE_F_MULTIPORT);
	sc->sc_nport = virtio_console_nport(sc);
	sc->sc_port = pv_alloc(sc->sc_dev,
	    sc->sc_nport * sizeof(*sc->sc_port));
	if (sc->sc_port == NULL)
		return -PV_ENOMEM;
	for (i = 0; i < sc->sc_nport; i++) {
		sc->sc_port[i].po_sc = sc;
		sc->sc_port[i].po_id = i;
	}
	for (i = 0; i < sc->sc_nport && rv == 0; i++)
		rv = virtio_console_queues(&sc->sc_port[i]);
	return rv == 0 && sc->sc_multi ? virtio_console_ctl_connect(sc) : rv;
}

/* The size of port 0, where the configuration has it. */
static void
virtio_console_size(struct virtio_console_softc *sc)
{
	struct pv_cons *cn = &sc->sc_port[0].po_cons;
	uint8_t buf[4];

	if (!virtio_has(virtio_of(sc->sc_dev), VIRTIO_CONSOLE_F_SIZE) ||
	    virtio_config(sc->sc_dev, 0, buf, sizeof(buf)) != 0)
		return;
	cn->cn_cols = virtio_le16(buf);
	cn->cn_rows = virtio_le16(buf + 2);
	if (cn->cn_change != NULL)
		cn->cn_change(cn);
}

static int
virtio_console_start(void *arg)
{
	struct virtio_console_softc *sc = arg;
	struct virtio_console_port *po = &sc->sc_port[0];

	virtio_console_size(sc);
	if (sc->sc_multi) {
		virtio_console_ctl_start(sc);
		return 0;
	}
	po->po_cons.cn_flags = PV_CONS_CONSOLE | PV_CONS_OPEN;
	return virtio_console_open(po);
}

static void
virtio_console_free(struct virtio_console_port *po)
{
	struct pv_dev *dev = po->po_sc->sc_dev;

	while (po->po_rx.vn_live && vq_drain(&po->po_rx.vn_vq) != NULL)
		;
	while (po->po_tx.vn_live && vq_drain(&po->po_tx.vn_vq) != NULL)
		;
	virtio_queue_destroy(&po->po_rx);
	virtio_queue_destroy(&po->po_tx);
	pv_pages_free(dev, po->po_mem, 2);
	po->po_mem = NULL;
}

static void
virtio_console_disconnect(void *arg)
{
	struct virtio_console_softc *sc = arg;
	unsigned int i;
	bool safe;

	for (i = 0; i < sc->sc_nport && sc->sc_port != NULL; i++)
		shm_store_release32(&sc->sc_port[i].po_up, 0);
	safe = virtio_stop(sc->sc_dev) == 0;
	virtio_console_ctl_stop(sc, safe);
	if (sc->sc_port == NULL)
		return;
	for (i = 0; i < sc->sc_nport; i++) {
		virtio_console_close(&sc->sc_port[i]);
		if (safe)
			virtio_console_free(&sc->sc_port[i]);
	}
	if (!safe)
		return;
	pv_free(sc->sc_dev, sc->sc_port,
	    sc->sc_nport * sizeof(*sc->sc_port));
	sc->sc_port = NULL;
}

static void
virtio_console_changed(void *arg)
{
	virtio_console_size(arg);
}

/* ---- Driver ------------------------------------------------------------ */

static const struct pv_cons_ops virtio_console_ops = {
	.co_write = virtio_console_write,
	.co_poll = virtio_console_poll,
	.co_emergency = virtio_console_emergency,
};

const struct pv_driver virtio_console_driver = {
	.dv_name = "virtio_console",
	.dv_match = "virtio,3",
	.dv_scsize = sizeof(struct virtio_console_softc),
	.dv_attach = virtio_console_attach,
	.dv_detach = virtio_console_detach,
	.dv_connect = virtio_console_connect,
	.dv_start = virtio_console_start,
	.dv_disconnect = virtio_console_disconnect,
	.dv_changed = virtio_console_changed,
	.dv_load = "virtio_console_load",
};
