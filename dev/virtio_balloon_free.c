/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_balloon_free -- telling of free pages; see virtio_balloon.h.
 *
 * Reports (5.5.6.5): every VIRTIO_BALLOON_PERIOD the blocks that became free
 * since are shown to the device, which drops what is behind them, and are
 * returned to the consumer with its answer.
 *
 * Hints (5.5.6.4): when the device's command id changes, a migration begins.
 * The id is sent, then every free block, then "stop".  The blocks are kept
 * until the device says that it is done; the consumer gives no more of them
 * than it can be without.
 *
 * With page poisoning the blocks are filled with the byte that the device was
 * told of, so that it may put the same there.
 */

#include "virtio_balloon.h"

#define VIRTIO_BALLOON_PERIOD	(2ull * 1000 * 1000 * 1000)	/* ns */
#define VIRTIO_BALLOON_IDCELL	(PV_PAGE_SIZE + 1024)	/* in sc_mem */

/* A block of the consumer's, with the poison in it. */
static bool
virtio_balloon_free_get(struct virtio_balloon_softc *sc,
    enum pv_balloon_why why, struct virtio_balloon_block *bb)
{
	struct pv_balloon *bl = &sc->sc_balloon;

	bb->bb_va = bl->bl_get(bl, why, &bb->bb_npg);
	if (bb->bb_va == NULL)
		return false;
	if (virtio_has(virtio_of(sc->sc_dev), VIRTIO_BALLOON_F_PAGE_POISON))
		__builtin_memset(bb->bb_va, sc->sc_poisonbyte,
		    (size_t)bb->bb_npg * PV_PAGE_SIZE);
	return true;
}

static struct vq_piece
virtio_balloon_free_piece(const struct virtio_balloon_block *bb)
{
	struct vq_piece vp = { vq_cell_pa(bb->bb_va),
	    bb->bb_npg * PV_PAGE_SIZE, PV_PEER_WRITES };

	return vp;
}

/* ---- Reports ----------------------------------------------------------- */

static void
virtio_balloon_free_return(struct virtio_balloon_softc *sc)
{
	struct pv_balloon *bl = &sc->sc_balloon;
	const struct virtio_balloon_block *bb;

	while (sc->sc_nreported > 0) {
		bb = &sc->sc_reported[--sc->sc_nreported];
		bl->bl_put(bl, PV_BALLOON_REPORT, bb->bb_va, bb->bb_npg);
	}
}

static void
virtio_balloon_free_report(struct virtio_balloon_softc *sc)
{
	struct virtio_queue *vn = &sc->sc_report;
	unsigned int n, max = vn->vn_vq.vq_size;
	bool kick = false;
	int rv = -PV_ENXIO;

	if (max > VIRTIO_BALLOON_NREPORT)
		max = VIRTIO_BALLOON_NREPORT;
	for (n = 0; n < max; n++) {
		if (!virtio_balloon_free_get(sc, PV_BALLOON_REPORT,
		    &sc->sc_reported[n]))
			break;
		sc->sc_piece[n] = virtio_balloon_free_piece(
		    &sc->sc_reported[n]);
		sc->sc_balloon.bl_nreport += sc->sc_reported[n].bb_npg;
	}
	sc->sc_nreported = n;
	if (n == 0)
		return;
	pv_lock(&sc->sc_lock);
	sc->sc_reportdone = false;
	if (sc->sc_open)
		rv = vq_add(&vn->vn_vq, sc->sc_piece, n, sc);
	if (rv == 0)
		kick = vq_push(&vn->vn_vq);
	pv_unlock(&sc->sc_lock);
	if (kick)
		virtio_queue_kick(vn);
	if (rv != 0)
		virtio_balloon_free_return(sc);
}

/* ---- Hints ------------------------------------------------------------- */

/* Blocks that the device has seen, or all, go back. */
static void
virtio_balloon_free_unhint(struct virtio_balloon_softc *sc, bool all)
{
	struct pv_balloon *bl = &sc->sc_balloon;
	unsigned int i, back;

	pv_lock(&sc->sc_lock);
	back = sc->sc_hintback;
	pv_unlock(&sc->sc_lock);
	/* The device answers in any order, so only when it has all of them. */
	if (back < sc->sc_nhinted && !all)
		return;
	for (i = 0; i < sc->sc_nhinted; i++)
		bl->bl_put(bl, PV_BALLOON_HINT, sc->sc_hinted[i].bb_va,
		    sc->sc_hinted[i].bb_npg);
	sc->sc_nhinted = 0;
}

/* The id of what follows, or STOP.  Each in a cell of its own. */
static void
virtio_balloon_free_id(struct virtio_balloon_softc *sc, unsigned int cell,
    uint32_t id)
{
	uint8_t *p = sc->sc_mem + VIRTIO_BALLOON_IDCELL + cell * 4;
	const struct vq_piece vp = { vq_cell_pa(p), 4, PV_PEER_READS };

	shm_write32((void *)p, id);
	pv_lock(&sc->sc_lock);
	if (sc->sc_open)
		(void)vq_add(&sc->sc_hint.vn_vq, &vp, 1, p);
	pv_unlock(&sc->sc_lock);
}

static void
virtio_balloon_free_hint(struct virtio_balloon_softc *sc)
{
	struct virtio_balloon_block *bb;
	struct vq_piece vp;
	bool kick = false;
	int rv = 0;

	sc->sc_hintback = 0;
	virtio_balloon_free_id(sc, 0, sc->sc_hintid);
	while (sc->sc_nhinted < VIRTIO_BALLOON_NHINT && rv == 0) {
		bb = &sc->sc_hinted[sc->sc_nhinted];
		/* Two descriptors stay for "stop". */
		if (sc->sc_hint.vn_vq.vq_nfree <= 2 ||
		    !virtio_balloon_free_get(sc, PV_BALLOON_HINT, bb))
			break;
		vp = virtio_balloon_free_piece(bb);
		pv_lock(&sc->sc_lock);
		rv = sc->sc_open ? vq_add(&sc->sc_hint.vn_vq, &vp, 1, bb) :
		    -PV_ENXIO;
		pv_unlock(&sc->sc_lock);
		if (rv != 0)
			sc->sc_balloon.bl_put(&sc->sc_balloon,
			    PV_BALLOON_HINT, bb->bb_va, bb->bb_npg);
		else
			sc->sc_nhinted++;
	}
	virtio_balloon_free_id(sc, 1, VIRTIO_BALLOON_CMD_ID_STOP);
	pv_lock(&sc->sc_lock);
	if (sc->sc_open)
		kick = vq_push(&sc->sc_hint.vn_vq);
	pv_unlock(&sc->sc_lock);
	if (kick)
		virtio_queue_kick(&sc->sc_hint);
}

/* peer: the id is any number; 0 and 1 are commands. */
static void
virtio_balloon_free_command(struct virtio_balloon_softc *sc)
{
	uint8_t buf[4];
	uint32_t id;
	unsigned int i;

	if (virtio_config(sc->sc_dev, offsetof(struct virtio_balloon_config,
	    free_page_hint_cmd_id), buf, sizeof(buf)) != 0)
		return;
	id = virtio_le32(buf);
	if (id == VIRTIO_BALLOON_CMD_ID_DONE)
		virtio_balloon_free_unhint(sc, false);
	if (id == sc->sc_hintid)
		return;
	sc->sc_hintid = id;
	/* A new one before the last was done: its blocks stay what they are. */
	if (id <= VIRTIO_BALLOON_CMD_ID_DONE || sc->sc_nhinted > 0)
		return;
	virtio_balloon_free_hint(sc);
	for (i = 0; i < sc->sc_nhinted; i++)
		sc->sc_balloon.bl_nhint += sc->sc_hinted[i].bb_npg;
}

/* ---- Both -------------------------------------------------------------- */

/* Context: thread. */
static void
virtio_balloon_free_run(void *arg)
{
	struct virtio_balloon_softc *sc = arg;
	bool open, done;

	pv_lock(&sc->sc_lock);
	open = sc->sc_open;
	done = sc->sc_reportdone;
	pv_unlock(&sc->sc_lock);
	if (!open || sc->sc_balloon.bl_get == NULL)
		return;
	if (sc->sc_hint.vn_live)
		virtio_balloon_free_command(sc);
	if (!sc->sc_report.vn_live)
		return;
	if (sc->sc_nreported > 0 && done)
		virtio_balloon_free_return(sc);
	if (sc->sc_nreported == 0)
		virtio_balloon_free_report(sc);
	pv_defer(&sc->sc_freework, VIRTIO_BALLOON_PERIOD);
}

/* Context: deferred. */
static bool
virtio_balloon_free_intr(void *arg)
{
	struct virtio_balloon_softc *sc = arg;
	int n = 0, rv = 0;
	uint32_t len;
	void *cookie;
	bool more = false;

	pv_lock(&sc->sc_lock);
	if (sc->sc_open && sc->sc_report.vn_live) {
		while ((rv = vq_get(&sc->sc_report.vn_vq, &cookie, &len)) == 1)
			n++;
		sc->sc_reportdone |= n > 0;
		more = rv == 0 && vq_rearm(&sc->sc_report.vn_vq);
	}
	while (rv == 0 && sc->sc_open && sc->sc_hint.vn_live &&
	    (rv = vq_get(&sc->sc_hint.vn_vq, &cookie, &len)) == 1) {
		rv = 0;
		n++;
		/* The ids stand in sc_mem, the blocks in sc_hinted. */
		if ((uintptr_t)cookie - (uintptr_t)sc->sc_hinted <
		    sizeof(sc->sc_hinted))
			sc->sc_hintback++;
	}
	if (rv == 0 && sc->sc_open && sc->sc_hint.vn_live)
		more |= vq_rearm(&sc->sc_hint.vn_vq);
	pv_unlock(&sc->sc_lock);
	if (rv < 0)
		pv_dev_fail(sc->sc_dev, "used ring of free pages");
	else if (n > 0)
		pv_defer(&sc->sc_freework, 0);
	return rv >= 0 && more;
}

void
virtio_balloon_free_init(struct virtio_balloon_softc *sc)
{
	pv_work_init(&sc->sc_freework, virtio_balloon_free_run, sc,
	    PV_WORK_SLEEPS);
}

int
virtio_balloon_free_connect(struct virtio_balloon_softc *sc,
    unsigned int index)
{
	const struct virtio *vi = virtio_of(sc->sc_dev);
	uint8_t word[4] = { sc->sc_poisonbyte, sc->sc_poisonbyte,
	    sc->sc_poisonbyte, sc->sc_poisonbyte };
	int rv = 0;

	if (virtio_has(vi, VIRTIO_BALLOON_F_PAGE_POISON))
		virtio_config_set(sc->sc_dev, offsetof(
		    struct virtio_balloon_config, poison_val), word,
		    sizeof(word));
	sc->sc_report.vn_chain = VIRTIO_BALLOON_NREPORT;
	sc->sc_hintid = VIRTIO_BALLOON_CMD_ID_STOP;
	if (virtio_has(vi, VIRTIO_BALLOON_F_FREE_PAGE_HINT))
		rv = virtio_queue_create(sc->sc_dev, &sc->sc_hint, index,
		    virtio_balloon_free_intr, sc);
	index += vi->vi_offered >> VIRTIO_BALLOON_F_FREE_PAGE_HINT & 1;
	if (rv == 0 && virtio_has(vi, VIRTIO_BALLOON_F_REPORTING))
		rv = virtio_queue_create(sc->sc_dev, &sc->sc_report, index,
		    virtio_balloon_free_intr, sc);
	return rv;
}

void
virtio_balloon_free_poll(struct virtio_balloon_softc *sc)
{
	if (sc->sc_hint.vn_live || sc->sc_report.vn_live)
		pv_defer(&sc->sc_freework, 0);
}

void
virtio_balloon_free_stop(struct virtio_balloon_softc *sc, bool safe)
{
	pv_cancel(&sc->sc_freework);
	if (!safe)
		return;
	while (sc->sc_hint.vn_live && vq_drain(&sc->sc_hint.vn_vq) != NULL)
		;
	while (sc->sc_report.vn_live && vq_drain(&sc->sc_report.vn_vq) != NULL)
		;
	virtio_queue_destroy(&sc->sc_hint);
	virtio_queue_destroy(&sc->sc_report);
	virtio_balloon_free_return(sc);
	virtio_balloon_free_unhint(sc, true);
}
