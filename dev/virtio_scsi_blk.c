/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_scsi_blk -- a unit as a block device; see virtio_scsi.h.
 *
 * A block request becomes one command, carried by one of the adapter's
 * virtio_scsi_io.  What a unit answers with "ask again" (busy, reset, a unit
 * attention) is asked again a little later, up to VIRTIO_SCSI_TRIES times;
 * until then it waits in sc_ioagain.
 */

#include "virtio_scsi.h"

#include "iov.h"
#include "str.h"

static unsigned int virtio_scsi_disks, virtio_scsi_cds;	/* names in use */

static const struct pv_blk_ops virtio_scsi_blk_ops;
static void virtio_scsi_blk_done(struct pv_scsi_cmd *, int);

/* ---- Requests ---------------------------------------------------------- */

/* Lock: sc_lock. */
static int
virtio_scsi_blk_check(const struct virtio_scsi_lun *lu,
    const struct pv_blk_req *br)
{
	const struct pv_blk *bk = &lu->lu_blk;
	uint32_t f = bk->bk_bsize / PV_SECT_SIZE;

	if (!lu->lu_open)
		return -PV_ENXIO;
	if (br->br_op == PV_BLK_FLUSH)
		return 0;
	if (br->br_op != PV_BLK_READ && (bk->bk_flags & PV_BLK_RO) != 0)
		return -PV_EROFS;
	if (br->br_op > PV_BLK_DISCARD || (br->br_op == PV_BLK_DISCARD &&
	    (bk->bk_flags & PV_BLK_CANDISCARD) == 0))
		return -PV_EOPNOTSUPP;
	if (br->br_nsect == 0 || br->br_sect > bk->bk_nsect ||
	    br->br_nsect > bk->bk_nsect - br->br_sect ||
	    br->br_sect % f != 0 || br->br_nsect % f != 0)
		return -PV_EINVAL;
	if (br->br_op == PV_BLK_DISCARD)
		return br->br_nsect / f > UINT32_MAX || (bk->bk_maxdiscard !=
		    0 && br->br_nsect > bk->bk_maxdiscard) ? -PV_EINVAL : 0;
	return br->br_nsect > bk->bk_maxio / PV_SECT_SIZE ||
	    iov_length(br->br_iov, br->br_niov) !=
	    br->br_nsect << PV_SECT_SHIFT ? -PV_EINVAL : 0;
}

static void
virtio_scsi_blk_unmap(struct virtio_scsi_io *io, uint64_t lba, uint32_t nblk)
{
	uint8_t list[SCSI_UNMAP_LEN];

	scsi_unmap_list(list, lba, nblk);
	shm_copy_out(io->io_list, list, sizeof(list));
	io->io_iov.iov_base = io->io_list;
	io->io_iov.iov_len = sizeof(list);
	scsi_cdb_unmap(io->io_cmd.sm_cdb, sizeof(list));
	io->io_cmd.sm_iov = &io->io_iov;
	io->io_cmd.sm_niov = 1;
}

static void
virtio_scsi_blk_command(struct virtio_scsi_io *io)
{
	const struct pv_blk_req *br = io->io_req;
	const struct virtio_scsi_lun *lu = io->io_lun;
	struct pv_scsi_cmd *sm = &io->io_cmd;
	uint32_t f = lu->lu_blk.bk_bsize / PV_SECT_SIZE;
	uint64_t lba = br->br_sect / f;
	uint32_t nblk = (uint32_t)(br->br_nsect / f);

	sm->sm_target = lu->lu_target;
	sm->sm_lun = lu->lu_lun;
	sm->sm_done = virtio_scsi_blk_done;
	sm->sm_arg = io;
	sm->sm_dir = br->br_op == PV_BLK_READ ? PV_PEER_WRITES : PV_PEER_READS;
	sm->sm_iov = br->br_iov;
	sm->sm_niov = br->br_niov;
	if (br->br_op == PV_BLK_FLUSH) {
		scsi_cdb_sync(sm->sm_cdb);
		sm->sm_niov = 0;
	} else if (br->br_op == PV_BLK_DISCARD) {
		virtio_scsi_blk_unmap(io, lba, nblk);
	} else {
		scsi_cdb_rw(sm->sm_cdb, br->br_op == PV_BLK_WRITE, lba, nblk);
	}
}

/* Lock: sc_lock.  Give the carrier back; its request. */
static struct pv_blk_req *
virtio_scsi_blk_release(struct virtio_scsi_softc *sc,
    struct virtio_scsi_io *io)
{
	struct pv_blk_req *br = io->io_req;

	PV_ASSERT_LOCKED(&sc->sc_lock);
	io->io_lun->lu_nio--;
	io->io_req = NULL;
	list_append(&sc->sc_iofree, &io->io_link);
	return br;
}

/* Class entry; Context: deferred, thread. */
static int
virtio_scsi_blk_submit(void *arg, struct pv_blk_req *br)
{
	struct virtio_scsi_lun *lu = arg;
	struct virtio_scsi_softc *sc = lu->lu_sc;
	struct virtio_scsi_io *io = NULL;
	struct list *p;
	int rv;

	pv_lock(&sc->sc_lock);
	rv = virtio_scsi_blk_check(lu, br);
	p = rv == 0 ? list_pop(&sc->sc_iofree) : NULL;
	if (p != NULL) {
		io = LIST_ENTRY(p, struct virtio_scsi_io, io_link);
		io->io_lun = lu;
		io->io_req = br;
		io->io_tries = 0;
		lu->lu_nio++;
	}
	pv_unlock(&sc->sc_lock);
	if (io == NULL)
		return rv != 0 ? rv : -PV_EAGAIN;
	virtio_scsi_blk_command(io);
	rv = virtio_scsi_submit(sc, &io->io_cmd);
	if (rv != 0) {
		pv_lock(&sc->sc_lock);
		(void)virtio_scsi_blk_release(sc, io);
		pv_unlock(&sc->sc_lock);
	}
	return rv;
}

/* ---- Answers ----------------------------------------------------------- */

static void
virtio_scsi_blk_finish(struct virtio_scsi_softc *sc,
    struct virtio_scsi_io *io, int rv)
{
	struct pv_blk_req *br;

	pv_lock(&sc->sc_lock);
	pv_blk_count(&io->io_lun->lu_blk, io->io_req->br_op,
	    io->io_req->br_nsect, rv);
	br = virtio_scsi_blk_release(sc, io);
	pv_unlock(&sc->sc_lock);
	br->br_done(br, rv);
}

/* What the answer means to who asked for blocks. */
static int
virtio_scsi_blk_result(const struct virtio_scsi_io *io, int rv)
{
	const struct pv_scsi_cmd *sm = &io->io_cmd;
	struct scsi_sense se = { sm->sm_key, sm->sm_asc };

	if (rv == 0)
		rv = scsi_result(sm->sm_status, &se);
	/* peer: fewer bytes than were asked for is no answer. */
	if (rv == 0 && sm->sm_resid != 0 && io->io_req->br_op != PV_BLK_FLUSH)
		return -PV_EIO;
	return rv == -PV_ETIMEDOUT ? -PV_EIO : rv;
}

/* pv_scsi_cmd.sm_done */
static void
virtio_scsi_blk_done(struct pv_scsi_cmd *sm, int answer)
{
	struct virtio_scsi_io *io = sm->sm_arg;
	struct virtio_scsi_softc *sc = io->io_lun->lu_sc;
	int rv = virtio_scsi_blk_result(io, answer);

	if (sm->sm_key == SCSI_KEY_ATTENTION)
		virtio_scsi_lun_scan(sc);	/* it tells of some change */
	if (rv == -PV_EAGAIN && ++io->io_tries < VIRTIO_SCSI_TRIES) {
		pv_lock(&sc->sc_lock);
		list_append(&sc->sc_ioagain, &io->io_link);
		pv_unlock(&sc->sc_lock);
		pv_defer(&sc->sc_again, VIRTIO_SCSI_SOON);
		return;
	}
	virtio_scsi_blk_finish(sc, io, rv == -PV_EAGAIN ? -PV_EIO : rv);
}

static struct virtio_scsi_io *
virtio_scsi_blk_pop(struct virtio_scsi_softc *sc)
{
	struct list *p;

	pv_lock(&sc->sc_lock);
	p = list_pop(&sc->sc_ioagain);
	pv_unlock(&sc->sc_lock);
	return p == NULL ? NULL : LIST_ENTRY(p, struct virtio_scsi_io, io_link);
}

/* Context: deferred. */
static void
virtio_scsi_blk_again(void *arg)
{
	struct virtio_scsi_softc *sc = arg;
	struct virtio_scsi_io *io;
	unsigned int n;
	int rv;

	for (n = 0; n < VIRTIO_SCSI_NSLOT; n++) {
		io = virtio_scsi_blk_pop(sc);
		if (io == NULL)
			return;
		rv = virtio_scsi_submit(sc, &io->io_cmd);
		if (rv != 0)
			virtio_scsi_blk_done(&io->io_cmd, rv);
	}
}

static void
virtio_scsi_blk_poll(void *arg)
{
	struct virtio_scsi_lun *lu = arg;

	virtio_queue_again(&lu->lu_sc->sc_queue);
}

/* ---- Coming and going -------------------------------------------------- */

void
virtio_scsi_blk_init(struct virtio_scsi_softc *sc)
{
	unsigned int i;

	list_init(&sc->sc_iofree);
	list_init(&sc->sc_ioagain);
	for (i = 0; i < VIRTIO_SCSI_NSLOT; i++)
		list_append(&sc->sc_iofree, &sc->sc_io[i].io_link);
	pv_work_init(&sc->sc_again, virtio_scsi_blk_again, sc,
	    pv_dev_group(sc->sc_dev));
}

/* "sda" .. "sdz" for disks, "sr0" .. for CDs. */
static int
virtio_scsi_blk_name(struct virtio_scsi_lun *lu, bool cd)
{
	unsigned int *units = cd ? &virtio_scsi_cds : &virtio_scsi_disks;
	unsigned int u, max = cd ? 10 : 26;

	for (u = 0; u < max && (*units >> u & 1) != 0; u++)
		;
	if (u == max)
		return -PV_ENOSPC;
	*units |= 1u << u;
	lu->lu_unit = u;
	lu->lu_name[0] = 's';
	lu->lu_name[1] = cd ? 'r' : 'd';
	lu->lu_name[2] = (char)((cd ? '0' : 'a') + u);
	lu->lu_name[3] = '\0';
	return 0;
}

int
virtio_scsi_blk_up(struct virtio_scsi_lun *lu)
{
	struct virtio_scsi_softc *sc = lu->lu_sc;
	bool cd = lu->lu_inquiry.si_type == SCSI_CDROM;
	struct pv_blk *bk = &lu->lu_blk;

	if (virtio_scsi_blk_name(lu, cd) != 0)
		return -PV_ENOSPC;
	bk->bk_name = lu->lu_name;
	bk->bk_ops = &virtio_scsi_blk_ops;
	bk->bk_sc = lu;
	bk->bk_maxio = sc->sc_scsi.ss_maxio;
	bk->bk_flags |= PV_BLK_CANFLUSH | (cd ? PV_BLK_CDROM : 0) |
	    (lu->lu_unmap ? PV_BLK_CANDISCARD : 0);
	pv_lock(&sc->sc_lock);
	lu->lu_open = true;
	pv_unlock(&sc->sc_lock);
	lu->lu_up = true;
	pv_log(sc->sc_dev, PV_LOG_INFO, "%s: unit %u:%u, %s %s, %llu sectors "
	    "of 512 bytes", lu->lu_name, lu->lu_target, lu->lu_lun,
	    lu->lu_inquiry.si_vendor, lu->lu_inquiry.si_product,
	    (unsigned long long)bk->bk_nsect);
	if (sc->sc_dev->pd_client->pc_blk_up != NULL)
		sc->sc_dev->pd_client->pc_blk_up(bk);
	return 0;
}

void
virtio_scsi_blk_down(struct virtio_scsi_lun *lu)
{
	struct virtio_scsi_softc *sc = lu->lu_sc;
	bool cd = lu->lu_inquiry.si_type == SCSI_CDROM;

	if (!lu->lu_up)
		return;
	pv_lock(&sc->sc_lock);
	lu->lu_open = false;
	pv_unlock(&sc->sc_lock);
	if (sc->sc_dev->pd_client->pc_blk_down != NULL)
		sc->sc_dev->pd_client->pc_blk_down(&lu->lu_blk);
	*(cd ? &virtio_scsi_cds : &virtio_scsi_disks) &= ~(1u << lu->lu_unit);
	lu->lu_name[0] = '\0';
	lu->lu_up = false;
}

void
virtio_scsi_blk_stop(struct virtio_scsi_softc *sc)
{
	struct virtio_scsi_io *io;

	pv_cancel(&sc->sc_again);
	while ((io = virtio_scsi_blk_pop(sc)) != NULL)
		virtio_scsi_blk_finish(sc, io, -PV_ENXIO);
}

static const struct pv_blk_ops virtio_scsi_blk_ops = {
	.bo_submit = virtio_scsi_blk_submit,
	.bo_poll = virtio_scsi_blk_poll,
};
