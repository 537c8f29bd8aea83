/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_scsi_tmf -- commands that take too long; see virtio_scsi.h.
 *
 * Once a second the commands in flight are looked at.  One whose time is up
 * is aborted; if that does not end it in VIRTIO_SCSI_TMF_WAIT its unit is
 * reset, and if that does not either the adapter is, which ends everything
 * in flight.
 *
 *	NONE --due--> ABORT --due--> RESET --due--> the adapter starts anew
 *
 * One request of task management is in flight at a time; its answer is not
 * what ends a command, the command's own is.
 */

#include "virtio_scsi.h"

#include <linux/virtio_scsi.h>

PV_WIRE_ASSERT(struct virtio_scsi_ctrl_tmf_req, 24);
PV_WIRE_OFFSET(struct virtio_scsi_ctrl_tmf_req, lun, 8);
PV_WIRE_OFFSET(struct virtio_scsi_ctrl_tmf_req, tag, 16);

#define VIRTIO_SCSI_TMF_LOOK	(1000ull * 1000 * 1000)	/* ns */
#define VIRTIO_SCSI_TMF_WAIT	(10 * VIRTIO_SCSI_TMF_LOOK)
#define VIRTIO_SCSI_TMF_RESP	24	/* offset of the response */

/* Lock: sc_lock.  True: kick. */
static bool
virtio_scsi_tmf_send(struct virtio_scsi_softc *sc,
    const struct virtio_scsi_slot *sl)
{
	struct virtio_scsi_ctrl_tmf_req rq = {
		.type = VIRTIO_SCSI_T_TMF,
		.subtype = sl->sl_stage == STAGE_ABORT ?
		    VIRTIO_SCSI_T_TMF_ABORT_TASK :
		    VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET,
		.tag = sl->sl_tag,
	};
	uint64_t cell = vq_cell_pa(sc->sc_tmf);
	const struct vq_piece vp[2] = {
		{ cell, sizeof(rq), PV_PEER_READS },
		{ cell + VIRTIO_SCSI_TMF_RESP, 1, PV_PEER_WRITES },
	};

	virtio_scsi_address(rq.lun, sl->sl_cmd->sm_target, sl->sl_cmd->sm_lun);
	shm_copy_out(sc->sc_tmf, &rq, sizeof(rq));
	if (vq_add(&sc->sc_ctrl.vn_vq, vp, 2, sc) != 0)
		return false;
	sc->sc_tmfbusy = true;
	sc->sc_tmfdue = pv_now() + VIRTIO_SCSI_TMF_WAIT;
	return vq_push(&sc->sc_ctrl.vn_vq);
}

/*
 * One command whose time is up.  Lock: sc_lock.  Sets *kick; false: nothing
 * helps any more.
 */
static bool
virtio_scsi_tmf_late(struct virtio_scsi_softc *sc,
    struct virtio_scsi_slot *sl, bool *kick)
{
	if (sl->sl_stage == STAGE_RESET)
		return false;
	if (sc->sc_tmfbusy)
		return true;	/* its turn comes */
	sl->sl_stage++;
	sl->sl_due = pv_now() + VIRTIO_SCSI_TMF_WAIT;
	if (sl->sl_stage == STAGE_ABORT)
		sc->sc_scsi.ss_nabort++;
	else
		sc->sc_scsi.ss_nreset++;
	*kick = virtio_scsi_tmf_send(sc, sl);
	return true;
}

/* Context: deferred. */
static void
virtio_scsi_tmf_watch(void *arg)
{
	struct virtio_scsi_softc *sc = arg;
	uint64_t now = pv_now();
	bool kick = false, good;
	unsigned int i;

	pv_lock(&sc->sc_lock);
	good = !sc->sc_tmfbusy || now < sc->sc_tmfdue;
	for (i = 0; i < VIRTIO_SCSI_NSLOT && sc->sc_open; i++) {
		if (sc->sc_slot[i].sl_cmd != NULL &&
		    sc->sc_slot[i].sl_due <= now && good)
			good = virtio_scsi_tmf_late(sc, &sc->sc_slot[i],
			    &kick);
	}
	pv_unlock(&sc->sc_lock);
	if (kick) {
		pv_log(sc->sc_dev, PV_LOG_WARN, "%s: a command takes too long",
		    sc->sc_name);
		virtio_queue_kick(&sc->sc_ctrl);
	}
	if (!good) {
		pv_log(sc->sc_dev, PV_LOG_ERR, "%s: does not answer: reset",
		    sc->sc_name);
		pv_dev_event(sc->sc_dev, PV_EV_GONE | PV_EV_READY);
		return;
	}
	pv_defer(&sc->sc_watch, VIRTIO_SCSI_TMF_LOOK);
}

bool
virtio_scsi_tmf_intr(void *arg)
{
	struct virtio_scsi_softc *sc = arg;
	bool more = false;
	uint32_t len;
	void *cookie;
	int rv;

	pv_lock(&sc->sc_lock);
	rv = sc->sc_open ? vq_get(&sc->sc_ctrl.vn_vq, &cookie, &len) : 0;
	if (rv == 1)
		sc->sc_tmfbusy = false;
	if (rv >= 0)
		more = sc->sc_open && vq_rearm(&sc->sc_ctrl.vn_vq);
	pv_unlock(&sc->sc_lock);
	if (rv < 0)
		pv_dev_fail(sc->sc_dev, "used ring of task management");
	return more;
}

void
virtio_scsi_tmf_init(struct virtio_scsi_softc *sc)
{
	pv_work_init(&sc->sc_watch, virtio_scsi_tmf_watch, sc,
	    pv_dev_group(sc->sc_dev));
}

void
virtio_scsi_tmf_start(struct virtio_scsi_softc *sc)
{
	sc->sc_tmfbusy = false;
	pv_defer(&sc->sc_watch, VIRTIO_SCSI_TMF_LOOK);
}

void
virtio_scsi_tmf_stop(struct virtio_scsi_softc *sc)
{
	pv_cancel(&sc->sc_watch);
}
