/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_balloon -- virtio memory balloon (virtio 1.2, section 5.5).
 *
 * One work moves pages, a batch at a time: it gets pages from the consumer, or
 * takes them off the stack of those held, writes their numbers into a page of
 * the driver's own, shows that to the device, and goes on when the device has
 * answered.  Pages on their way out are returned to the consumer only then,
 * whether or not the device asks for that (MUST_TELL_HOST).
 *
 * The device's numbering of its queues is not that of the specification:
 * those that it has are numbered without gaps, as QEMU has it and Linux
 * expects it.  With all of them on offer both agree.
 *
 * A reset ends the balloon: the pages are the guest's again, and are returned
 * to the consumer.  From a device that does not reset they are not.
 */

#include "virtio_balloon.h"

#include "setting.h"
#include "str.h"

PV_WIRE_ASSERT(struct virtio_balloon_config, 16);
PV_WIRE_ASSERT(struct virtio_balloon_stat, 10);

#define VIRTIO_BALLOON_RETRY	(1000ull * 1000 * 1000)	/* ns */
#define VIRTIO_BALLOON_NSTAT	4

static unsigned int virtio_balloon_units;	/* bits: names in use */

static const struct pv_balloon_ops virtio_balloon_ops;
static void virtio_balloon_run(void *);

/* ---- Attach ------------------------------------------------------------ */

static void
virtio_balloon_settings(struct virtio_balloon_softc *sc)
{
	static const int64_t range[2] = { -1, 255 };
	const struct pv_unit un = { sc->sc_dev->pd_client, "hw.vtballoon",
	    sc->sc_unit };
	int64_t byte = pv_unit_num(&un, "poison", range, -1);

	sc->sc_poison = byte >= 0;
	sc->sc_poisonbyte = (uint8_t)byte;
}

static int
virtio_balloon_attach(void *arg, struct pv_dev *dev)
{
	struct virtio_balloon_softc *sc = arg;
	struct strbuf sb;
	unsigned int u;

	sc->sc_dev = dev;
	for (u = 0; u < 32 && (virtio_balloon_units >> u & 1) != 0; u++)
		;
	if (u == 32)
		return -PV_ENOSPC;
	sc->sc_mem = pv_pages_alloc(dev, 2);
	if (sc->sc_mem == NULL)
		return -PV_ENOMEM;
	virtio_balloon_units |= 1u << u;
	sc->sc_unit = u;
	str_begin(&sb, sc->sc_name, sizeof(sc->sc_name));
	str_add(&sb, "vtballoon");
	str_addu(&sb, u);
	sc->sc_balloon.bl_name = sc->sc_name;
	sc->sc_balloon.bl_ops = &virtio_balloon_ops;
	sc->sc_balloon.bl_sc = sc;
	pv_work_init(&sc->sc_work, virtio_balloon_run, sc, PV_WORK_SLEEPS);
	virtio_balloon_free_init(sc);
	virtio_balloon_settings(sc);
	return 0;
}

static void
virtio_balloon_detach(void *arg)
{
	struct virtio_balloon_softc *sc = arg;

	if (!sc->sc_dev->pd_kept)
		pv_pages_free(sc->sc_dev, sc->sc_mem, 2);
	virtio_balloon_units &= ~(1u << sc->sc_unit);
}

/* ---- The stack of pages held ------------------------------------------- */

/* Make room for one more page at least; how many fit, 0: no memory. */
static size_t
virtio_balloon_room(struct virtio_balloon_softc *sc)
{
	struct virtio_balloon_chunk *bc = sc->sc_chunk;

	if (bc == NULL || bc->bc_n == VIRTIO_BALLOON_CHUNK) {
		bc = pv_pages_alloc(sc->sc_dev, 1);
		if (bc == NULL)
			return 0;
		bc->bc_next = sc->sc_chunk;
		sc->sc_chunk = bc;
	}
	return VIRTIO_BALLOON_CHUNK - bc->bc_n;
}

static void *
virtio_balloon_pop(struct virtio_balloon_softc *sc)
{
	struct virtio_balloon_chunk *bc = sc->sc_chunk;

	while (bc != NULL && bc->bc_n == 0) {
		sc->sc_chunk = bc->bc_next;
		pv_pages_free(sc->sc_dev, bc, 1);
		bc = sc->sc_chunk;
	}
	return bc == NULL ? NULL : bc->bc_va[--bc->bc_n];
}

static void
virtio_balloon_put(struct virtio_balloon_softc *sc, void *va)
{
	sc->sc_balloon.bl_put(&sc->sc_balloon, PV_BALLOON_FILL, va, 1);
}

/* ---- Moving pages ------------------------------------------------------ */

static void
virtio_balloon_read(struct virtio_balloon_softc *sc, unsigned int off,
    uint64_t *v)
{
	uint8_t buf[4];

	if (virtio_config(sc->sc_dev, off, buf, sizeof(buf)) == 0)
		*v = virtio_le32(buf);
}

static void
virtio_balloon_actual(struct virtio_balloon_softc *sc)
{
	uint8_t buf[4];
	unsigned int i;

	for (i = 0; i < 4; i++)
		buf[i] = (uint8_t)(sc->sc_balloon.bl_held >> i * 8);
	virtio_config_set(sc->sc_dev, offsetof(struct virtio_balloon_config,
	    actual), buf, sizeof(buf));
}

/* Tell the device of the batch. */
static void
virtio_balloon_tell(struct virtio_balloon_softc *sc, bool filling)
{
	struct virtio_queue *vn = filling ? &sc->sc_in : &sc->sc_out;
	const struct vq_piece vp = { vq_cell_pa(sc->sc_mem),
	    sc->sc_nbatch * 4, PV_PEER_READS };
	bool kick = false;
	unsigned int i;

	for (i = 0; i < sc->sc_nbatch; i++)
		shm_write32((void *)(sc->sc_mem + i * 4),
		    (uint32_t)(vq_cell_pa(sc->sc_batch[i]) >>
		    VIRTIO_BALLOON_PFN_SHIFT));
	sc->sc_filling = filling;
	pv_lock(&sc->sc_lock);
	sc->sc_answered = false;
	if (sc->sc_open && vq_add(&vn->vn_vq, &vp, 1, sc) == 0)
		kick = vq_push(&vn->vn_vq);
	pv_unlock(&sc->sc_lock);
	if (kick)
		virtio_queue_kick(vn);
}

static bool
virtio_balloon_fill(struct virtio_balloon_softc *sc, uint64_t want)
{
	struct pv_balloon *bl = &sc->sc_balloon;
	size_t room = virtio_balloon_room(sc);
	unsigned int npg;
	void *va;

	if (room > want)
		room = (size_t)want;
	if (room > VIRTIO_BALLOON_BATCH)
		room = VIRTIO_BALLOON_BATCH;
	while (sc->sc_nbatch < room) {
		va = bl->bl_get(bl, PV_BALLOON_FILL, &npg);
		if (va == NULL)
			break;
		sc->sc_batch[sc->sc_nbatch++] = va;
	}
	if (sc->sc_nbatch > 0) {
		virtio_balloon_tell(sc, true);
		return true;
	}
	if (!sc->sc_short)
		pv_log(sc->sc_dev, PV_LOG_INFO, "%s: %llu of %llu pages given, "
		    "the rest is needed here", sc->sc_name,
		    (unsigned long long)bl->bl_held,
		    (unsigned long long)bl->bl_target);
	sc->sc_short = true;
	return false;
}

static void
virtio_balloon_empty(struct virtio_balloon_softc *sc, uint64_t want)
{
	void *va;

	if (want > VIRTIO_BALLOON_BATCH)
		want = VIRTIO_BALLOON_BATCH;
	while (sc->sc_nbatch < want && (va = virtio_balloon_pop(sc)) != NULL)
		sc->sc_batch[sc->sc_nbatch++] = va;
	if (sc->sc_nbatch > 0)
		virtio_balloon_tell(sc, false);
}

/* The batch was answered: the pages are where they were to go. */
static void
virtio_balloon_settle(struct virtio_balloon_softc *sc)
{
	struct pv_balloon *bl = &sc->sc_balloon;
	struct virtio_balloon_chunk *bc = sc->sc_chunk;
	unsigned int i;

	for (i = 0; i < sc->sc_nbatch; i++) {
		if (sc->sc_filling)
			bc->bc_va[bc->bc_n++] = sc->sc_batch[i];
		else
			virtio_balloon_put(sc, sc->sc_batch[i]);
	}
	if (sc->sc_filling) {
		bl->bl_held += sc->sc_nbatch;
		bl->bl_nin += sc->sc_nbatch;
	} else {
		bl->bl_held -= sc->sc_nbatch;
		bl->bl_nout += sc->sc_nbatch;
	}
	sc->sc_nbatch = 0;
	virtio_balloon_actual(sc);
}

/* Context: thread. */
static void
virtio_balloon_run(void *arg)
{
	struct virtio_balloon_softc *sc = arg;
	struct pv_balloon *bl = &sc->sc_balloon;
	uint64_t hungry;
	bool open, answered;

	pv_lock(&sc->sc_lock);
	open = sc->sc_open;
	answered = sc->sc_answered;
	hungry = sc->sc_hungry;
	sc->sc_hungry = 0;
	pv_unlock(&sc->sc_lock);
	if (!open || bl->bl_get == NULL)
		return;
	if (sc->sc_nbatch > 0 && answered)
		virtio_balloon_settle(sc);
	if (sc->sc_nbatch > 0)
		return;
	if (hungry > 0 && bl->bl_held > 0)
		virtio_balloon_empty(sc, hungry);
	else if (bl->bl_held > bl->bl_target)
		virtio_balloon_empty(sc, bl->bl_held - bl->bl_target);
	else if (bl->bl_held < bl->bl_target &&
	    !virtio_balloon_fill(sc, bl->bl_target - bl->bl_held))
		pv_defer(&sc->sc_work, VIRTIO_BALLOON_RETRY);
}

/* Class entry; Context: any. */
static void
virtio_balloon_deflate(void *arg, uint64_t npg)
{
	struct virtio_balloon_softc *sc = arg;

	if ((sc->sc_balloon.bl_flags & PV_BALLOON_OOM) == 0)
		return;
	pv_lock(&sc->sc_lock);
	sc->sc_hungry = npg;
	pv_unlock(&sc->sc_lock);
	pv_defer(&sc->sc_work, 0);
}

/* An answer on the way in or out.  Context: deferred. */
static bool
virtio_balloon_intr(void *arg)
{
	struct virtio_balloon_softc *sc = arg;
	struct virtio_queue *both[2] = { &sc->sc_in, &sc->sc_out };
	int i, rv = 0, n = 0;
	uint32_t len;
	void *cookie;
	bool more = false;

	pv_lock(&sc->sc_lock);
	for (i = 0; i < 2 && sc->sc_open && rv >= 0; i++) {
		while ((rv = vq_get(&both[i]->vn_vq, &cookie, &len)) == 1)
			n++;
		if (rv == 0)
			more |= vq_rearm(&both[i]->vn_vq);
	}
	if (n > 0)
		sc->sc_answered = true;
	pv_unlock(&sc->sc_lock);
	if (rv < 0) {
		pv_dev_fail(sc->sc_dev, "used ring");
		return false;
	}
	if (n > 0)
		pv_defer(&sc->sc_work, 0);
	return more;
}

/* ---- Statistics -------------------------------------------------------- */

static void
virtio_balloon_stat(uint8_t *p, unsigned int tag, uint64_t value)
{
	unsigned int i;

	shm_write8(p, (uint8_t)tag);
	shm_write8(p + 1, (uint8_t)(tag >> 8));
	for (i = 0; i < 8; i++)
		shm_write8(p + 2 + i, (uint8_t)(value >> i * 8));
}

/* Fresh numbers, to be taken when the device wants some. */
static void
virtio_balloon_stats(struct virtio_balloon_softc *sc)
{
	struct pv_balloon *bl = &sc->sc_balloon;
	struct pv_balloon_stat bs = { 0, 0, 0 };
	uint8_t *p = sc->sc_mem + PV_PAGE_SIZE;
	const struct vq_piece vp = { vq_cell_pa(p), VIRTIO_BALLOON_NSTAT * 10,
	    PV_PEER_READS };
	bool kick = false;

	if (bl->bl_stat != NULL)
		bl->bl_stat(bl, &bs);
	virtio_balloon_stat(p, VIRTIO_BALLOON_S_MEMFREE, bs.bs_free);
	virtio_balloon_stat(p + 10, VIRTIO_BALLOON_S_MEMTOT, bs.bs_total);
	virtio_balloon_stat(p + 20, VIRTIO_BALLOON_S_AVAIL, bs.bs_free +
	    bs.bs_cached);
	virtio_balloon_stat(p + 30, VIRTIO_BALLOON_S_CACHES, bs.bs_cached);
	pv_lock(&sc->sc_lock);
	if (sc->sc_open && vq_add(&sc->sc_stat.vn_vq, &vp, 1, sc) == 0)
		kick = vq_push(&sc->sc_stat.vn_vq);
	pv_unlock(&sc->sc_lock);
	if (kick)
		virtio_queue_kick(&sc->sc_stat);
}

/* Context: deferred. */
static bool
virtio_balloon_stat_intr(void *arg)
{
	struct virtio_balloon_softc *sc = arg;
	bool more = false;
	uint32_t len;
	void *cookie;
	int rv;

	pv_lock(&sc->sc_lock);
	rv = sc->sc_open ? vq_get(&sc->sc_stat.vn_vq, &cookie, &len) : 0;
	if (rv >= 0 && sc->sc_open)
		more = vq_rearm(&sc->sc_stat.vn_vq);
	pv_unlock(&sc->sc_lock);
	if (rv < 0) {
		pv_dev_fail(sc->sc_dev, "used ring of statistics");
		return false;
	}
	if (rv == 1) {
		sc->sc_balloon.bl_nstat++;
		virtio_balloon_stats(sc);
	}
	return more;
}

/* ---- Connection -------------------------------------------------------- */

static int
virtio_balloon_connect(void *arg)
{
	struct virtio_balloon_softc *sc = arg;
	struct pv_dev *dev = sc->sc_dev;
	const struct virtio *vi = virtio_of(dev);
	unsigned int next = 2;
	int rv;

	rv = virtio_negotiate(dev, 1ull << VIRTIO_BALLOON_F_MUST_TELL_HOST |
	    1ull << VIRTIO_BALLOON_F_STATS_VQ |
	    1ull << VIRTIO_BALLOON_F_DEFLATE_ON_OOM |
	    1ull << VIRTIO_BALLOON_F_FREE_PAGE_HINT |
	    1ull << VIRTIO_BALLOON_F_REPORTING |
	    (uint64_t)sc->sc_poison << VIRTIO_BALLOON_F_PAGE_POISON);
	if (rv == 0)
		rv = virtio_queue_create(dev, &sc->sc_in, 0,
		    virtio_balloon_intr, sc);
	if (rv == 0)
		rv = virtio_queue_create(dev, &sc->sc_out, 1,
		    virtio_balloon_intr, sc);
	if (rv == 0 && virtio_has(vi, VIRTIO_BALLOON_F_STATS_VQ))
		rv = virtio_queue_create(dev, &sc->sc_stat, next,
		    virtio_balloon_stat_intr, sc);
	next += vi->vi_offered >> VIRTIO_BALLOON_F_STATS_VQ & 1;
	return rv != 0 ? rv : virtio_balloon_free_connect(sc, next);
}

static int
virtio_balloon_start(void *arg)
{
	struct virtio_balloon_softc *sc = arg;
	const struct virtio *vi = virtio_of(sc->sc_dev);
	struct pv_balloon *bl = &sc->sc_balloon;

	bl->bl_flags =
	    (virtio_has(vi, VIRTIO_BALLOON_F_DEFLATE_ON_OOM) ?
	    PV_BALLOON_OOM : 0) |
	    (virtio_has(vi, VIRTIO_BALLOON_F_REPORTING) ?
	    PV_BALLOON_REPORTS : 0) |
	    (virtio_has(vi, VIRTIO_BALLOON_F_FREE_PAGE_HINT) ?
	    PV_BALLOON_HINTS : 0);
	virtio_balloon_read(sc, 0, &bl->bl_target);
	sc->sc_up = true;
	if (sc->sc_dev->pd_client->pc_balloon_up != NULL)
		sc->sc_dev->pd_client->pc_balloon_up(bl);
	pv_lock(&sc->sc_lock);
	sc->sc_open = true;
	pv_unlock(&sc->sc_lock);
	if (sc->sc_stat.vn_live)
		virtio_balloon_stats(sc);
	pv_defer(&sc->sc_work, 0);
	virtio_balloon_free_poll(sc);
	return 0;
}

static void
virtio_balloon_changed(void *arg)
{
	struct virtio_balloon_softc *sc = arg;

	virtio_balloon_read(sc, 0, &sc->sc_balloon.bl_target);
	sc->sc_short = false;
	pv_defer(&sc->sc_work, 0);
	virtio_balloon_free_poll(sc);
}

static void
virtio_balloon_destroy(struct virtio_queue *vn)
{
	while (vn->vn_live && vq_drain(&vn->vn_vq) != NULL)
		;
	virtio_queue_destroy(vn);
}

/* After the reset: all pages are the guest's. */
static void
virtio_balloon_return(struct virtio_balloon_softc *sc)
{
	void *va;

	while (sc->sc_nbatch > 0)
		virtio_balloon_put(sc, sc->sc_batch[--sc->sc_nbatch]);
	while ((va = virtio_balloon_pop(sc)) != NULL)
		virtio_balloon_put(sc, va);
	sc->sc_balloon.bl_held = 0;
}

static void
virtio_balloon_disconnect(void *arg)
{
	struct virtio_balloon_softc *sc = arg;
	bool safe;

	pv_lock(&sc->sc_lock);
	sc->sc_open = false;
	pv_unlock(&sc->sc_lock);
	safe = virtio_stop(sc->sc_dev) == 0;
	pv_cancel(&sc->sc_work);
	virtio_balloon_free_stop(sc, safe);
	if (safe) {
		virtio_balloon_return(sc);
		virtio_balloon_destroy(&sc->sc_in);
		virtio_balloon_destroy(&sc->sc_out);
		virtio_balloon_destroy(&sc->sc_stat);
	}
	if (sc->sc_up && sc->sc_dev->pd_client->pc_balloon_down != NULL)
		sc->sc_dev->pd_client->pc_balloon_down(&sc->sc_balloon);
	sc->sc_up = false;
}

/* ---- Driver ------------------------------------------------------------ */

static const struct pv_balloon_ops virtio_balloon_ops = {
	.bo_deflate = virtio_balloon_deflate,
};

static const char *const virtio_balloon_settings_names[] = {
	"hw.vtballoon.poison", NULL
};

const struct pv_driver virtio_balloon_driver = {
	.dv_name = "virtio_balloon",
	.dv_match = "virtio,5",
	.dv_scsize = sizeof(struct virtio_balloon_softc),
	.dv_attach = virtio_balloon_attach,
	.dv_detach = virtio_balloon_detach,
	.dv_connect = virtio_balloon_connect,
	.dv_start = virtio_balloon_start,
	.dv_disconnect = virtio_balloon_disconnect,
	.dv_changed = virtio_balloon_changed,
	.dv_load = "virtio_balloon_load",
	.dv_settings = virtio_balloon_settings_names,
};
