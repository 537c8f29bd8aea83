/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_vblk.c -- a simulated virtio disk; see sim_vblk.h.
 */

#include <stdlib.h>
#include <string.h>

#include <linux/virtio_blk.h>

#include "sim_int.h"
#include "sim_vblk.h"

struct sim_vblk_hdr {
	uint32_t	 vh_type, vh_reserved;
	uint64_t	 vh_sector;
};

struct virtio_blk_config *
sim_vblk_config(struct sim_vblk *vb)
{
	return (void *)sim_vdev_config(vb->vb_dev);
}

void
sim_vblk_forget(struct sim_vblk *vb)
{
	vb->vb_nlog = 0;
}

void
sim_vblk_resize(struct sim_vblk *vb, uint64_t nsect)
{
	vb->vb_data = realloc(vb->vb_data, nsect * 512);
	if (nsect > vb->vb_cfg.bc_nsect)
		memset(vb->vb_data + vb->vb_cfg.bc_nsect * 512, 0,
		    (nsect - vb->vb_cfg.bc_nsect) * 512);
	vb->vb_cfg.bc_nsect = nsect;
	sim_vblk_config(vb)->capacity = nsect;
	sim_vdev_changed(vb->vb_dev);
}

/* ---- requests ---------------------------------------------------------- */

static bool
sim_vblk_outside(const struct sim_vblk *vb, uint64_t sect, uint64_t nsect)
{
	return sect > vb->vb_cfg.bc_nsect ||
	    nsect > vb->vb_cfg.bc_nsect - sect;
}

static uint8_t
sim_vblk_io(struct sim_vblk *vb, struct sim_vreq *rq,
    const struct sim_vblk_hdr *h)
{
	size_t in = sim_vreq_nwrite(rq) - 1;
	size_t out = sim_vreq_nread(rq) - sizeof(*h);
	bool write = h->vh_type == VIRTIO_BLK_T_OUT;
	size_t len = write ? out : in;
	uint8_t *p = vb->vb_data + h->vh_sector * 512;

	if ((write ? in : out) != 0 || len == 0 || len % 512 != 0)
		sim_bug("vblk: a transfer of %zu bytes in, %zu out", in, out);
	if (sim_vblk_outside(vb, h->vh_sector, len / 512)) {
		sim_bug("vblk: sector %llu is outside",
		    (unsigned long long)h->vh_sector);
		return VIRTIO_BLK_S_IOERR;
	}
	if (write && sim_vdev_has(vb->vb_dev, VIRTIO_BLK_F_RO))
		sim_bug("vblk: a write to a read-only disk");
	if (write)
		(void)sim_vreq_read(rq, sizeof(*h), p, len);
	else
		(void)sim_vreq_write(rq, 0, p, len);
	return VIRTIO_BLK_S_OK;
}

/* Ranges: discarded sectors turn into 0xdd, erased ones into 0xee. */
static uint8_t
sim_vblk_range(struct sim_vblk *vb, struct sim_vreq *rq,
    const struct sim_vblk_hdr *h)
{
	const struct sim_vblk_cfg *bc = &vb->vb_cfg;
	struct virtio_blk_discard_write_zeroes dz;
	unsigned int feature = VIRTIO_BLK_F_DISCARD;
	uint32_t max = bc->bc_maxdiscard;
	int byte = 0xdd;

	if (h->vh_type == VIRTIO_BLK_T_WRITE_ZEROES) {
		feature = VIRTIO_BLK_F_WRITE_ZEROES;
		max = bc->bc_maxzero;
		byte = 0;
	} else if (h->vh_type == VIRTIO_BLK_T_SECURE_ERASE) {
		feature = VIRTIO_BLK_F_SECURE_ERASE;
		max = bc->bc_maxsecure;
		byte = 0xee;
	}
	if (!sim_vdev_has(vb->vb_dev, feature) || sim_vreq_nread(rq) !=
	    sizeof(*h) + sizeof(dz) || sim_vreq_nwrite(rq) != 1) {
		sim_bug("vblk: request %u is not in form", h->vh_type);
		return VIRTIO_BLK_S_UNSUPP;
	}
	(void)sim_vreq_read(rq, sizeof(*h), &dz, sizeof(dz));
	vb->vb_flags = dz.flags;
	if (dz.num_sectors == 0 || dz.num_sectors > max ||
	    sim_vblk_outside(vb, dz.sector, dz.num_sectors)) {
		sim_bug("vblk: a range of %u sectors, at most %u",
		    dz.num_sectors, max);
		return VIRTIO_BLK_S_IOERR;
	}
	memset(vb->vb_data + dz.sector * 512, byte, dz.num_sectors * 512);
	return VIRTIO_BLK_S_OK;
}

static uint8_t
sim_vblk_ident(struct sim_vblk *vb, struct sim_vreq *rq)
{
	char id[VIRTIO_BLK_ID_BYTES] = { 0 };
	const char *serial = vb->vb_cfg.bc_serial;

	if (sim_vreq_nwrite(rq) != sizeof(id) + 1)
		sim_bug("vblk: a serial number in %zu bytes",
		    sim_vreq_nwrite(rq));
	if (serial == NULL)
		return VIRTIO_BLK_S_UNSUPP;
	memcpy(id, serial, strlen(serial) < sizeof(id) ? strlen(serial) :
	    sizeof(id));
	(void)sim_vreq_write(rq, 0, id, sizeof(id));
	return VIRTIO_BLK_S_OK;
}

static uint8_t
sim_vblk_do(struct sim_vblk *vb, struct sim_vreq *rq,
    const struct sim_vblk_hdr *h)
{
	switch (h->vh_type) {
	case VIRTIO_BLK_T_IN:
	case VIRTIO_BLK_T_OUT:
		return sim_vblk_io(vb, rq, h);
	case VIRTIO_BLK_T_FLUSH:
		if (!sim_vdev_has(vb->vb_dev, VIRTIO_BLK_F_FLUSH) ||
		    h->vh_sector != 0)
			sim_bug("vblk: a flush out of place");
		return VIRTIO_BLK_S_OK;
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
	case VIRTIO_BLK_T_SECURE_ERASE:
		return sim_vblk_range(vb, rq, h);
	case VIRTIO_BLK_T_GET_ID:
		return sim_vblk_ident(vb, rq);
	default:
		sim_bug("vblk: request of type %u", h->vh_type);
		return VIRTIO_BLK_S_UNSUPP;
	}
}

/* Serve one request and answer it. */
static void
sim_vblk_serve(struct sim_vblk *vb, struct sim_vreq *rq)
{
	struct sim_vblk_hdr h = { UINT32_MAX, 0, 0 };
	size_t nwrite = sim_vreq_nwrite(rq);
	uint8_t status;

	(void)sim_vreq_read(rq, 0, &h, sizeof(h));
	vb->vb_nreq++;
	vb->vb_nreqof[sim_vreq_queue(rq)]++;
	vb->vb_ntype[h.vh_type % 32]++;
	status = sim_vblk_do(vb, rq, &h);
	if (sim_evil_now(SIM_EVIL_RSP_STATUS_WILD))
		status = 77;
	if (!vb->vb_mute)
		(void)sim_vreq_write(rq, nwrite - 1, &status, 1);
	sim_vreq_done(rq, vb->vb_mute ? 0 : nwrite);
}

static void
sim_vblk_note(struct sim_vblk *vb, const struct sim_vreq *rq)
{
	struct sim_vblk_hdr h = { UINT32_MAX, 0, 0 };

	(void)sim_vreq_read(rq, 0, &h, sizeof(h));
	if (h.vh_type <= VIRTIO_BLK_T_OUT && vb->vb_nlog < SIM_VBLK_NLOG)
		vb->vb_log[vb->vb_nlog++] = h.vh_sector;
}

/* Now and then an answer comes after the next one. */
static void
sim_vblk_kick(void *arg, unsigned int queue)
{
	struct sim_vblk *vb = arg;
	struct sim_vreq *rq, *later = NULL;

	while ((rq = sim_vdev_pop(vb->vb_dev, queue)) != NULL) {
		sim_vblk_note(vb, rq);
		if (later == NULL && sim_rand(3) == 0) {
			later = rq;
			continue;
		}
		sim_vblk_serve(vb, rq);
		/* Interrupts are taken meanwhile, and the driver may reset. */
		if (later != NULL && sim_vdev_up(vb->vb_dev))
			sim_vblk_serve(vb, later);
		later = NULL;
	}
	if (later != NULL && sim_vdev_up(vb->vb_dev))
		sim_vblk_serve(vb, later);
}

/* ---- life -------------------------------------------------------------- */

static void
sim_vblk_free(void *arg)
{
	struct sim_vblk *vb = arg;

	free(vb->vb_data);
	free(vb);
}

static const struct sim_model sim_vblk_models[2] = {
	{
		.mo_name = "vblk", .mo_type = 2, .mo_nqueue = 1,
		.mo_kick = sim_vblk_kick, .mo_free = sim_vblk_free
	},
	{
		.mo_name = "vblk", .mo_type = 2, .mo_nqueue = 4,
		.mo_kick = sim_vblk_kick, .mo_free = sim_vblk_free
	}
};

static void
sim_vblk_describe(struct sim_vblk *vb)
{
	const struct sim_vblk_cfg *bc = &vb->vb_cfg;
	struct virtio_blk_config *c = sim_vblk_config(vb);

	c->capacity = bc->bc_nsect;
	c->size_max = bc->bc_sizemax;
	c->seg_max = bc->bc_segmax;
	c->blk_size = bc->bc_bsize;
	c->physical_block_exp = 3;
	c->alignment_offset = 1;
	c->min_io_size = 8;
	c->opt_io_size = 128;
	c->wce = 1;
	c->num_queues = (uint16_t)(bc->bc_numqueues != 0 ? bc->bc_numqueues :
	    bc->bc_nqueue);
	c->max_discard_sectors = bc->bc_maxdiscard;
	c->max_discard_seg = 1;
	c->discard_sector_alignment = 8;
	c->max_write_zeroes_sectors = bc->bc_maxzero;
	c->max_write_zeroes_seg = 1;
	c->write_zeroes_may_unmap = 1;
	c->max_secure_erase_sectors = bc->bc_maxsecure;
	c->max_secure_erase_seg = 1;
}

struct sim_vblk *
sim_vblk_create(struct sim *s, const struct sim_vdev_cfg *vc,
    const struct sim_vblk_cfg *bc)
{
	struct sim_vblk *vb = calloc(1, sizeof(*vb));

	vb->vb_cfg = *bc;
	if (bc->bc_nqueue == 0)
		vb->vb_cfg.bc_nqueue = 1;
	vb->vb_data = calloc(bc->bc_nsect, 512);
	vb->vb_dev = sim_vdev_create(s, vc,
	    &sim_vblk_models[vb->vb_cfg.bc_nqueue > 1], vb, bc->bc_features);
	sim_vblk_describe(vb);
	return vb;
}
