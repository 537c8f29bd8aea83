/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_scsi_lun -- looking for units; see virtio_scsi.h.
 *
 * A scan asks every target for its list of units, and each unit what it is
 * and how large.  What is new is announced, what has another size is told,
 * what was not seen is withdrawn.  It is run when the adapter starts, when
 * the device sends an event or a unit says that something has changed, and
 * when the consumer wants it.
 *
 * The scan is a work that sleeps: it has one command in flight at a time, in
 * sc_exec, with sc_buf as its memory, and waits for the answer.  Both belong
 * to the softc, for the answer may come after the scan lost its patience.
 */

#include "virtio_scsi.h"

#define VIRTIO_SCSI_LUN_INQUIRY	36	/* bytes that are asked for */
#define VIRTIO_SCSI_LUN_MODE	192
#define VIRTIO_SCSI_LUN_PAGE	64

/* ---- one command ------------------------------------------------------- */

static void
virtio_scsi_lun_done(struct pv_scsi_cmd *sm, int rv)
{
	struct virtio_scsi_softc *sc = sm->sm_arg;

	pv_lock(&sc->sc_lock);
	sc->sc_execrv = rv;
	sc->sc_execbusy = false;
	pv_unlock(&sc->sc_lock);
	pv_wake(&sc->sc_execdone);
}

static bool
virtio_scsi_lun_busy(struct virtio_scsi_softc *sc, int *rv)
{
	bool busy;

	pv_lock(&sc->sc_lock);
	busy = sc->sc_execbusy;
	*rv = sc->sc_execrv;
	pv_unlock(&sc->sc_lock);
	return busy;
}

/* Once: the bytes that came in sc_buf, or what went wrong. */
static int
virtio_scsi_lun_once(struct virtio_scsi_softc *sc, uint32_t len)
{
	struct pv_scsi_cmd *sm = &sc->sc_exec;
	uint64_t deadline = pv_now() + 3 * sc->sc_timeout;
	struct scsi_sense se;
	int rv;

	sc->sc_execiov.iov_base = sc->sc_buf;
	sc->sc_execiov.iov_len = len;
	sm->sm_iov = &sc->sc_execiov;
	sm->sm_niov = len > 0 ? 1 : 0;
	sm->sm_dir = PV_PEER_WRITES;
	sm->sm_done = virtio_scsi_lun_done;
	sm->sm_arg = sc;
	sc->sc_execbusy = true;
	rv = virtio_scsi_submit(sc, sm);
	if (rv != 0) {
		sc->sc_execbusy = false;
		return rv;
	}
	while (virtio_scsi_lun_busy(sc, &rv)) {
		/* The adapter is reset before that; it ends in any case. */
		if (pv_wait(&sc->sc_execdone, deadline) != 0) {
			pv_dev_fail(sc->sc_dev, "a command has no end");
			return -PV_ETIMEDOUT;
		}
	}
	if (rv != 0)
		return rv;
	se.se_key = sm->sm_key;
	se.se_asc = sm->sm_asc;
	rv = scsi_result(sm->sm_status, &se);
	return rv != 0 ? rv : (int)(len - sm->sm_resid);
}

/* Send sc_exec with its target, unit and cdb, as often as it takes. */
static int
virtio_scsi_lun_exec(struct virtio_scsi_softc *sc, uint32_t len)
{
	struct pv_os_event nobody = { 0 };
	unsigned int try;
	int rv = -PV_EAGAIN;

	for (try = 0; try < VIRTIO_SCSI_TRIES && rv == -PV_EAGAIN; try++) {
		if (try > 2)
			(void)pv_wait(&nobody, pv_now() + VIRTIO_SCSI_SOON);
		rv = virtio_scsi_lun_once(sc, len);
	}
	return rv == -PV_EAGAIN ? -PV_EIO : rv;
}

/* The same, for a unit; what came is copied to buf. */
static int
virtio_scsi_lun_ask(struct virtio_scsi_lun *lu, uint8_t *buf, uint32_t len)
{
	struct virtio_scsi_softc *sc = lu->lu_sc;
	int rv;

	sc->sc_exec.sm_target = lu->lu_target;
	sc->sc_exec.sm_lun = lu->lu_lun;
	rv = virtio_scsi_lun_exec(sc, len);
	if (rv > 0)
		shm_copy_in(buf, sc->sc_buf, (size_t)rv);
	return rv;
}

/* ---- one unit ---------------------------------------------------------- */

static int
virtio_scsi_lun_capacity(struct virtio_scsi_lun *lu,
    struct scsi_capacity *sp)
{
	uint8_t buf[32], *cdb = lu->lu_sc->sc_exec.sm_cdb;
	int rv;

	if (lu->lu_inquiry.si_type == SCSI_DISK) {
		scsi_cdb_capacity16(cdb, sizeof(buf));
		rv = virtio_scsi_lun_ask(lu, buf, sizeof(buf));
		if (rv >= 0)
			return scsi_capacity16(buf, (size_t)rv, sp);
	}
	scsi_cdb_capacity10(cdb);
	rv = virtio_scsi_lun_ask(lu, buf, 8);
	return rv < 0 ? rv : scsi_capacity10(buf, (size_t)rv, sp);
}

static bool
virtio_scsi_lun_readonly(struct virtio_scsi_lun *lu)
{
	uint8_t buf[VIRTIO_SCSI_LUN_MODE];
	int rv;

	if (lu->lu_inquiry.si_type == SCSI_CDROM)
		return true;
	scsi_cdb_mode6(lu->lu_sc->sc_exec.sm_cdb, 0x3f, sizeof(buf));
	rv = virtio_scsi_lun_ask(lu, buf, sizeof(buf));
	return rv > 0 && scsi_mode6_readonly(buf, (size_t)rv);
}

/* What only the pages of vital product data tell. */
static void
virtio_scsi_lun_pages(struct virtio_scsi_lun *lu)
{
	uint8_t buf[VIRTIO_SCSI_LUN_PAGE], *cdb = lu->lu_sc->sc_exec.sm_cdb;
	struct pv_blk *bk = &lu->lu_blk;
	uint64_t max;
	int rv;

	bk->bk_maxdiscard = 0;
	bk->bk_ident[0] = '\0';
	scsi_cdb_vpd(cdb, SCSI_VPD_SERIAL, sizeof(buf));
	rv = virtio_scsi_lun_ask(lu, buf, sizeof(buf));
	if (rv > 0)
		scsi_vpd_serial(buf, (size_t)rv, bk->bk_ident,
		    sizeof(bk->bk_ident));
	if (!lu->lu_unmap)
		return;
	scsi_cdb_vpd(cdb, SCSI_VPD_LIMITS, sizeof(buf));
	rv = virtio_scsi_lun_ask(lu, buf, sizeof(buf));
	max = rv <= 0 ? 0 : (uint64_t)scsi_vpd_maxunmap(buf, (size_t)rv) *
	    (bk->bk_bsize / PV_SECT_SIZE);
	bk->bk_maxdiscard = max < UINT32_MAX ? (uint32_t)max : 0;
}

/* The medium is there, or has another size. */
static void
virtio_scsi_lun_medium(struct virtio_scsi_lun *lu,
    const struct scsi_capacity *sp)
{
	struct virtio_scsi_softc *sc = lu->lu_sc;
	struct pv_blk *bk = &lu->lu_blk;
	uint64_t nsect = sp->sp_nblk * (sp->sp_bsize / PV_SECT_SIZE);

	if (lu->lu_up && bk->bk_bsize == sp->sp_bsize) {
		if (bk->bk_nsect == nsect)
			return;
		bk->bk_nsect = nsect;
		if (sc->sc_dev->pd_client->pc_blk_resized != NULL)
			sc->sc_dev->pd_client->pc_blk_resized(bk);
		return;
	}
	virtio_scsi_blk_down(lu);
	bk->bk_nsect = nsect;
	bk->bk_bsize = sp->sp_bsize;
	lu->lu_unmap = sp->sp_unmap;
	bk->bk_flags = virtio_scsi_lun_readonly(lu) ? PV_BLK_RO : 0;
	virtio_scsi_lun_pages(lu);
	if (virtio_scsi_blk_up(lu) != 0)
		pv_log(sc->sc_dev, PV_LOG_ERR, "no name left for unit %u:%u",
		    lu->lu_target, lu->lu_lun);
}

static void
virtio_scsi_lun_look(struct virtio_scsi_lun *lu)
{
	struct scsi_capacity sp;
	int rv;

	if (lu->lu_inquiry.si_type != SCSI_DISK &&
	    lu->lu_inquiry.si_type != SCSI_CDROM)
		return;
	/* After a change of the medium the first one tells of it. */
	scsi_cdb_ready(lu->lu_sc->sc_exec.sm_cdb);
	rv = virtio_scsi_lun_ask(lu, NULL, 0);
	if (rv >= 0)
		rv = virtio_scsi_lun_capacity(lu, &sp);
	if (rv >= 0) {
		virtio_scsi_lun_medium(lu, &sp);
		return;
	}
	if (rv != -PV_ENXIO)
		pv_log(lu->lu_sc->sc_dev, PV_LOG_WARN, "unit %u:%u does not "
		    "tell its size (error %d)", lu->lu_target, lu->lu_lun,
		    -rv);
	virtio_scsi_blk_down(lu);
	lu->lu_blk.bk_nsect = 0;
}

static struct virtio_scsi_lun *
virtio_scsi_lun_find(struct virtio_scsi_softc *sc, uint16_t target,
    uint16_t num)
{
	struct virtio_scsi_lun *lu;
	struct list *p;

	LIST_FOREACH(p, &sc->sc_luns) {
		lu = LIST_ENTRY(p, struct virtio_scsi_lun, lu_link);
		if (lu->lu_target == target && lu->lu_lun == num &&
		    !lu->lu_dead)
			return lu;
	}
	return NULL;
}

static struct virtio_scsi_lun *
virtio_scsi_lun_create(struct virtio_scsi_softc *sc, uint16_t target,
    uint16_t num)
{
	struct virtio_scsi_lun *lu = pv_alloc(sc->sc_dev, sizeof(*lu));

	if (lu == NULL) {
		pv_log(sc->sc_dev, PV_LOG_ERR, "no memory for unit %u:%u",
		    target, num);
		return NULL;
	}
	lu->lu_sc = sc;
	lu->lu_target = target;
	lu->lu_lun = num;
	pv_lock(&sc->sc_lock);
	list_append(&sc->sc_luns, &lu->lu_link);
	pv_unlock(&sc->sc_lock);
	return lu;
}

/* Ask a unit what it is, and take it in. */
static void
virtio_scsi_lun_unit(struct virtio_scsi_softc *sc, uint16_t target,
    uint16_t num)
{
	struct virtio_scsi_lun *lu;
	struct scsi_inquiry si;
	uint8_t buf[VIRTIO_SCSI_LUN_INQUIRY];
	int rv;

	sc->sc_exec.sm_target = target;
	sc->sc_exec.sm_lun = num;
	scsi_cdb_inquiry(sc->sc_exec.sm_cdb, sizeof(buf));
	rv = virtio_scsi_lun_exec(sc, sizeof(buf));
	if (rv < 0)
		return;
	shm_copy_in(buf, sc->sc_buf, (size_t)rv);
	if (scsi_inquiry(buf, (size_t)rv, &si) != 0 || !si.si_present)
		return;
	lu = virtio_scsi_lun_find(sc, target, num);
	/* Another kind of device in its place is a new unit. */
	if (lu != NULL && lu->lu_inquiry.si_type != si.si_type)
		return;
	if (lu == NULL)
		lu = virtio_scsi_lun_create(sc, target, num);
	if (lu == NULL)
		return;
	lu->lu_inquiry = si;
	lu->lu_seen = true;
	virtio_scsi_lun_look(lu);
}

/* ---- the scan ---------------------------------------------------------- */

/* 0, or why to end the scan. */
static int
virtio_scsi_lun_target(struct virtio_scsi_softc *sc, uint16_t target)
{
	uint16_t *list = sc->sc_lunlist;
	int rv, n, i;

	sc->sc_exec.sm_target = target;
	sc->sc_exec.sm_lun = 0;
	scsi_cdb_luns(sc->sc_exec.sm_cdb, sizeof(sc->sc_lunbuf));
	rv = virtio_scsi_lun_exec(sc, sizeof(sc->sc_lunbuf));
	if (rv == -PV_ETIMEDOUT || pv_dev_broken(sc->sc_dev) || !sc->sc_open)
		return -PV_ENXIO;
	if (rv == -PV_ENXIO)
		return 0;	/* no such target */
	if (rv > 0)
		shm_copy_in(sc->sc_lunbuf, sc->sc_buf, (size_t)rv);
	n = rv < 0 ? rv : scsi_luns(sc->sc_lunbuf, (size_t)rv, list,
	    SCSI_LUNS_MAX);
	if (n < 0) {
		list[0] = 0;	/* it may be too simple for that command */
		n = 1;
	}
	for (i = 0; i < n; i++) {
		if (list[i] <= sc->sc_scsi.ss_maxlun)
			virtio_scsi_lun_unit(sc, target, list[i]);
	}
	return 0;
}

/* Free what is gone and has no request in flight any more. */
static void
virtio_scsi_lun_sweep(struct virtio_scsi_softc *sc)
{
	struct virtio_scsi_lun *lu;
	struct list *p, *next;
	bool idle;

	LIST_FOREACH_SAFE(p, next, &sc->sc_luns) {
		lu = LIST_ENTRY(p, struct virtio_scsi_lun, lu_link);
		if (!lu->lu_seen && !lu->lu_dead) {
			pv_log(sc->sc_dev, PV_LOG_INFO, "unit %u:%u is gone",
			    lu->lu_target, lu->lu_lun);
			virtio_scsi_blk_down(lu);
			lu->lu_dead = true;
		}
		pv_lock(&sc->sc_lock);
		idle = lu->lu_dead && lu->lu_nio == 0;
		if (idle)
			list_remove(&lu->lu_link);
		pv_unlock(&sc->sc_lock);
		if (idle)
			pv_free(sc->sc_dev, lu, sizeof(*lu));
	}
}

/* Context: thread. */
static void
virtio_scsi_lun_run(void *arg)
{
	struct virtio_scsi_softc *sc = arg;
	struct list *p;
	unsigned int t;

	if (!sc->sc_open)
		return;
	LIST_FOREACH(p, &sc->sc_luns)
		LIST_ENTRY(p, struct virtio_scsi_lun, lu_link)->lu_seen = false;
	for (t = 0; t <= sc->sc_scsi.ss_maxtarget; t++) {
		if (virtio_scsi_lun_target(sc, (uint16_t)t) != 0)
			return;
	}
	virtio_scsi_lun_sweep(sc);
}

void
virtio_scsi_lun_init(struct virtio_scsi_softc *sc)
{
	list_init(&sc->sc_luns);
	pv_work_init(&sc->sc_scan, virtio_scsi_lun_run, sc, PV_WORK_SLEEPS);
}

void
virtio_scsi_lun_scan(struct virtio_scsi_softc *sc)
{
	pv_defer(&sc->sc_scan, 0);
}

void
virtio_scsi_lun_stop(struct virtio_scsi_softc *sc)
{
	struct list *p;

	pv_cancel(&sc->sc_scan);
	virtio_scsi_blk_stop(sc);
	LIST_FOREACH(p, &sc->sc_luns)
		LIST_ENTRY(p, struct virtio_scsi_lun, lu_link)->lu_seen = false;
	virtio_scsi_lun_sweep(sc);
}

int
virtio_scsi_lun_info(void *arg, unsigned int n, struct pv_scsi_unit *su)
{
	struct virtio_scsi_softc *sc = arg;
	const struct virtio_scsi_lun *lu;
	struct list *p;
	int rv = -PV_ENOENT;

	pv_lock(&sc->sc_lock);
	LIST_FOREACH(p, &sc->sc_luns) {
		lu = LIST_ENTRY(p, struct virtio_scsi_lun, lu_link);
		if (lu->lu_dead || n-- > 0)
			continue;
		su->su_target = lu->lu_target;
		su->su_lun = lu->lu_lun;
		su->su_type = lu->lu_inquiry.si_type;
		su->su_medium = lu->lu_up;
		su->su_nsect = lu->lu_blk.bk_nsect;
		su->su_bsize = lu->lu_blk.bk_bsize;
		__builtin_memcpy(su->su_vendor, lu->lu_inquiry.si_vendor,
		    sizeof(su->su_vendor));
		__builtin_memcpy(su->su_product, lu->lu_inquiry.si_product,
		    sizeof(su->su_product));
		__builtin_memcpy(su->su_revision, lu->lu_inquiry.si_revision,
		    sizeof(su->su_revision));
		__builtin_memcpy(su->su_disk, lu->lu_name,
		    sizeof(su->su_disk));
		rv = 0;
		break;
	}
	pv_unlock(&sc->sc_lock);
	return rv;
}
