/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_vscsi.c -- a SCSI adapter with disks; see sim_vmore.h.
 */

#include <stdlib.h>
#include <string.h>

#include <linux/virtio_scsi.h>

#include "sim_int.h"
#include "sim_vmore.h"

/* A command on its way. */
struct sim_vscsi_cmd {
	struct virtio_scsi_cmd_req sc_rq;
	struct virtio_scsi_cmd_resp sc_rp;
	uint8_t		*sc_data;	/* NULL: not a unit of ours */
	uint8_t		 sc_in[64];	/* short answers */
	size_t		 sc_nin;
};

static uint64_t
sim_vscsi_get(const uint8_t *p, unsigned int n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static void
sim_vscsi_check(struct sim_vscsi_cmd *sc, uint8_t key, uint8_t asc)
{
	sc->sc_rp.status = 2;
	sc->sc_rp.sense[0] = 0x70;
	sc->sc_rp.sense[2] = key;
	sc->sc_rp.sense[12] = asc;
	sc->sc_rp.sense_len = 18;
}

static void
sim_vscsi_rw(struct sim_vscsi *vs, struct sim_vscsi_cmd *sc,
    struct sim_vreq *rq, bool write)
{
	uint64_t lba = sim_vscsi_get(sc->sc_rq.cdb + 2, 4);
	size_t len = (size_t)sim_vscsi_get(sc->sc_rq.cdb + 7, 2) * 512;

	if (lba * 512 + len > (size_t)vs->vs_nsect * 512) {
		sim_bug("vscsi: block %llu is outside",
		    (unsigned long long)lba);
		sim_vscsi_check(sc, 5, 0x21);
	} else if (write) {
		if (sim_vreq_nread(rq) != sizeof(sc->sc_rq) + len)
			sim_bug("vscsi: a write of another length");
		(void)sim_vreq_read(rq, sizeof(sc->sc_rq),
		    sc->sc_data + lba * 512, len);
	} else {
		if (sim_vreq_nwrite(rq) != sizeof(sc->sc_rp) + len)
			sim_bug("vscsi: a read of another length");
		(void)sim_vreq_write(rq, sizeof(sc->sc_rp),
		    sc->sc_data + lba * 512, len);
	}
}

static void
sim_vscsi_luns(struct sim_vscsi *vs, struct sim_vscsi_cmd *sc)
{
	unsigned int i;

	sc->sc_in[3] = (uint8_t)(vs->vs_nlun * 8);
	for (i = 0; i < vs->vs_nlun; i++)
		sc->sc_in[8 + i * 8 + 1] = (uint8_t)i;
	sc->sc_nin = 8 + vs->vs_nlun * 8;
}

static void
sim_vscsi_do(struct sim_vscsi *vs, struct sim_vscsi_cmd *sc,
    struct sim_vreq *rq)
{
	const uint8_t *cdb = sc->sc_rq.cdb;
	unsigned int i;

	switch (cdb[0]) {
	case 0x00:			/* TEST UNIT READY */
	case 0x35:			/* SYNCHRONIZE CACHE */
		break;
	case 0x12:
		if (cdb[1] != 0) {
			sim_vscsi_check(sc, 5, 0x24);
			break;
		}
		memcpy(sc->sc_in + 8, "SIM     DISK            1   ", 28);
		sc->sc_nin = 36;
		break;
	case 0x1a:			/* MODE SENSE(6) */
		sc->sc_nin = 4;
		break;
	case 0x9e:			/* READ CAPACITY(16) */
		for (i = 0; i < 4; i++)
			sc->sc_in[4 + i] = (uint8_t)((vs->vs_nsect - 1) >>
			    (24 - i * 8));
		sc->sc_in[10] = 2;
		sc->sc_nin = 32;
		break;
	case 0x28:
	case 0x2a:
		sim_vscsi_rw(vs, sc, rq, cdb[0] == 0x2a);
		break;
	default:
		sim_vscsi_check(sc, 5, 0x20);
	}
}

/* What the driver may address: the byte form of 5.6.6.1. */
static void
sim_vscsi_unit(struct sim_vscsi *vs, struct sim_vscsi_cmd *sc)
{
	const uint8_t *l = sc->sc_rq.lun;
	unsigned int n = (l[2] & 0x3fu) << 8 | l[3];

	if (l[0] != 1 || l[2] >> 6 != 1 || sim_vscsi_get(l + 4, 4) != 0)
		sim_bug("vscsi: an address that is none");
	if (l[1] == 0 && n < vs->vs_nlun)
		sc->sc_data = vs->vs_data[n];
	sc->sc_rp.response = l[1] != 0 ? VIRTIO_SCSI_S_BAD_TARGET : 0;
}

static void
sim_vscsi_answer(struct sim_vscsi *vs, struct sim_vreq *rq, uint8_t response)
{
	struct sim_vscsi_cmd sc;
	size_t len, room = sim_vreq_nwrite(rq) - sizeof(sc.sc_rp);

	memset(&sc, 0, sizeof(sc));
	(void)sim_vreq_read(rq, 0, &sc.sc_rq, sizeof(sc.sc_rq));
	sim_vscsi_unit(vs, &sc);
	if (response != 0)
		sc.sc_rp.response = response;
	else if (sc.sc_rp.response == 0 && vs->vs_attention > 0) {
		vs->vs_attention--;
		sim_vscsi_check(&sc, 6, 0x29);
	} else if (sc.sc_rp.response == 0 && sc.sc_rq.cdb[0] == 0xa0)
		sim_vscsi_luns(vs, &sc);
	else if (sc.sc_rp.response == 0 && sc.sc_data == NULL)
		sim_vscsi_check(&sc, 5, 0x25);
	else if (sc.sc_rp.response == 0)
		sim_vscsi_do(vs, &sc, rq);
	len = sc.sc_nin < room ? sc.sc_nin : room;
	if (len > 0)
		(void)sim_vreq_write(rq, sizeof(sc.sc_rp), sc.sc_in, len);
	if (sc.sc_nin > 0)
		sc.sc_rp.resid = (uint32_t)(room - len);
	if (sim_evil_now(SIM_EVIL_RSP_STATUS_WILD)) {
		sc.sc_rp.response = 99;
		sc.sc_rp.resid = sc.sc_rp.sense_len = UINT32_MAX;
	}
	(void)sim_vreq_write(rq, 0, &sc.sc_rp, sizeof(sc.sc_rp));
	sim_vreq_done(rq, sizeof(sc.sc_rp) + len);
}

static void
sim_vscsi_tmf(struct sim_vscsi *vs, struct sim_vreq *rq)
{
	struct virtio_scsi_ctrl_tmf_req tm;
	uint8_t response = VIRTIO_SCSI_S_OK;
	struct sim_vreq *held;

	if (sim_vreq_read(rq, 0, &tm, sizeof(tm)) != sizeof(tm) ||
	    sim_vreq_nwrite(rq) != 1 || tm.type != VIRTIO_SCSI_T_TMF)
		sim_bug("vscsi: task management out of form");
	if (tm.subtype == VIRTIO_SCSI_T_TMF_ABORT_TASK)
		vs->vs_nabort++;
	else
		vs->vs_nreset++;
	while (vs->vs_nheld > 0 && !vs->vs_deaf) {
		held = vs->vs_held[--vs->vs_nheld];
		sim_vscsi_answer(vs, held, VIRTIO_SCSI_S_ABORTED);
	}
	(void)sim_vreq_write(rq, 0, &response, 1);
	sim_vreq_done(rq, 1);
}

static void
sim_vscsi_tell(struct sim_vscsi *vs)
{
	struct virtio_scsi_event ev = { .event = VIRTIO_SCSI_T_PARAM_CHANGE };
	struct sim_vreq *rq = sim_vdev_pop(vs->vs_dev, 1);

	if (rq == NULL)
		return;
	vs->vs_event = false;
	(void)sim_vreq_write(rq, 0, &ev, sizeof(ev));
	sim_vreq_done(rq, sizeof(ev));
}

static void
sim_vscsi_kick(void *arg, unsigned int queue)
{
	struct sim_vscsi *vs = arg;
	struct virtio_scsi_cmd_req c;
	struct sim_vreq *rq;

	while (queue != 1 && (rq = sim_vdev_pop(vs->vs_dev, queue)) != NULL) {
		if (queue == 0) {
			sim_vscsi_tmf(vs, rq);
			continue;
		}
		(void)sim_vreq_read(rq, 0, &c, sizeof(c));
		if (vs->vs_mute && (c.cdb[0] == 0x28 || c.cdb[0] == 0x2a) &&
		    vs->vs_nheld < SIM_VSCSI_NHELD)
			vs->vs_held[vs->vs_nheld++] = rq;
		else
			sim_vscsi_answer(vs, rq, 0);
	}
	if (queue == 1 && vs->vs_event)
		sim_vscsi_tell(vs);
}

void
sim_vscsi_event(struct sim_vscsi *vs)
{
	vs->vs_event = true;
	sim_vdev_hold(vs->vs_dev, false);	/* a step comes */
}

static void
sim_vscsi_reset(void *arg)
{
	((struct sim_vscsi *)arg)->vs_nheld = 0;
}

static void
sim_vscsi_free(void *arg)
{
	struct sim_vscsi *vs = arg;
	unsigned int i;

	for (i = 0; i < SIM_VSCSI_NLUN; i++)
		free(vs->vs_data[i]);
	free(vs);
}

static const struct sim_model sim_vscsi_model = {
	.mo_name = "vscsi", .mo_type = 8, .mo_nqueue = 3,
	.mo_kick = sim_vscsi_kick, .mo_reset = sim_vscsi_reset,
	.mo_free = sim_vscsi_free
};

struct sim_vscsi *
sim_vscsi_create(struct sim *s, const struct sim_vdev_cfg *vc,
    unsigned int nlun, uint32_t nsect)
{
	struct sim_vscsi *vs = calloc(1, sizeof(*vs));
	struct virtio_scsi_config *c;
	unsigned int i;

	vs->vs_nlun = nlun;
	vs->vs_nsect = nsect;
	for (i = 0; i < SIM_VSCSI_NLUN; i++)
		vs->vs_data[i] = calloc(nsect * 2, 512);
	vs->vs_dev = sim_vdev_create(s, vc, &sim_vscsi_model, vs,
	    1ull << VIRTIO_SCSI_F_HOTPLUG | 1ull << VIRTIO_SCSI_F_CHANGE);
	c = (void *)sim_vdev_config(vs->vs_dev);
	c->num_queues = 1;
	c->seg_max = 126;
	c->max_sectors = 0xffff;
	c->sense_size = VIRTIO_SCSI_SENSE_SIZE;
	c->cdb_size = VIRTIO_SCSI_CDB_SIZE;
	c->max_target = 1;
	c->max_lun = 16383;
	return vs;
}
