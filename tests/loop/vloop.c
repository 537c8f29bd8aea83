/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vloop.c -- see vloop.h.
 */

#include <stdio.h>
#include <stdlib.h>

#include <linux/virtio_blk.h>

#include "sim_vdev.h"
#include "vloop.h"
#include "virtio.h"

/* ---- what a seed chooses ------------------------------------------------ */

static const struct sim_vdev_cfg vloop_cfgs[VLOOP_NSEED] = {
	{ SIM_VBUS_PCI, 0, 0 },
	{ SIM_VBUS_PCI, 0, SIM_V_PACKED | SIM_V_QRESET },
	{ SIM_VBUS_LEGACY, 0, 0 },
	{ SIM_VBUS_MMIO, 0, SIM_V_PACKED },
	{ SIM_VBUS_MMIO1, 0, 0 },
	{ SIM_VBUS_PCI, 0, SIM_V_PACKED | SIM_V_INORDER | SIM_V_KICKDATA },
	{ SIM_VBUS_PCI, 64, SIM_V_NOEVENT | SIM_V_NOINDIRECT | SIM_V_NOMSIX |
	    SIM_V_QRESET },
	{ SIM_VBUS_PCI, 100, SIM_V_PACKED | SIM_V_NOEVENT | SIM_V_NOINDIRECT |
	    SIM_V_TWOVEC },
	{ SIM_VBUS_MMIO, 0, SIM_V_INORDER | SIM_V_KICKDATA | SIM_V_QRESET },
	{ SIM_VBUS_LEGACY, 128, SIM_V_NOMSIX | SIM_V_NOINDIRECT },
	{ SIM_VBUS_PCI, 128, SIM_V_INORDER | SIM_V_ONEVEC |
	    SIM_V_NOINDIRECT },
	{ SIM_VBUS_PCI, 48, SIM_V_PACKED | SIM_V_INORDER | SIM_V_NOEVENT },
};

struct sim_vdev_cfg
vloop_cfg(const struct loop *l)
{
	return vloop_cfgs[(l->l_sim->s_seed + VLOOP_NSEED - 1) % VLOOP_NSEED];
}

bool
vloop_packed(const struct loop *l)
{
	return (vloop_cfg(l).vc_flags & SIM_V_PACKED) != 0;
}

/* ---- life ---------------------------------------------------------------- */

void
vloop_open(struct loop *l, uint64_t seed)
{
	loop_open(l, seed, seed % 7 == 0 ? SIM_CALM : 0);
	sim_enter(l->l_dom);
}

int
vloop_attach(struct loop *l)
{
	int n = pv_attach_virtio_pci(loop_client), rv;
	struct list *p;
	uint32_t line;
	pv_pa_t pa;

	LIST_FOREACH(p, &l->l_sim->s_vdevs) {
		if (sim_vdev_place(LIST_ENTRY(p, struct sim_vdev, vd_link),
		    &pa, &line))
			continue;
		rv = pv_attach_virtio_mmio(loop_client, pa, line);
		n += rv > 0 ? rv : 0;
	}
	return n;
}

void
vloop_detach(struct loop *l)
{
	sim_enter(l->l_dom);
	virtio_pv_detach();
}

void
vloop_close(struct loop *l)
{
	vloop_detach(l);
	loop_close(l);
}

static void
vloop_one(const char *name, void (*body)(struct loop *), uint64_t seed)
{
	static struct loop l;

	fprintf(stderr, "%s: SIM_SEED=%llu\n", name, (unsigned long long)seed);
	vloop_open(&l, seed);
	if (seed % 4 == 2)
		sim_dom_vcpus(l.l_dom, 3);
	body(&l);
	vloop_close(&l);
}

void
vloop_seeds(const char *name, void (*body)(struct loop *))
{
	const char *one = getenv("SIM_SEED"), *many = getenv("SIM_SEEDS");
	unsigned long long n = many == NULL ? VLOOP_NSEED :
	    strtoull(many, NULL, 10);
	uint64_t seed;

	if (one != NULL) {
		vloop_one(name, body, strtoull(one, NULL, 10));
		return;
	}
	for (seed = 1; seed <= n; seed++)
		vloop_one(name, body, seed);
}

const char *
vloop_name(const struct sim_vdev *vd)
{
	static char name[40];
	uint32_t line;
	pv_pa_t pa;

	if (sim_vdev_place(vd, &pa, &line))
		snprintf(name, sizeof(name), "pci/0:%x.0",
		    (unsigned int)vd->vd_pci->pf_id >> 3);
	else
		snprintf(name, sizeof(name), "mmio/%llx",
		    (unsigned long long)pa);
	return name;
}

/* ---- a disk -------------------------------------------------------------- */

struct vloop_hdr {
	uint32_t	 vh_type, vh_reserved;
	uint64_t	 vh_sector;
};

/* Serve one request: bytes written. */
static size_t
vloop_disk_serve(struct vloop_disk *d, struct sim_vreq *rq)
{
	size_t nwrite = sim_vreq_nwrite(rq), len = 0, off;
	uint8_t status = VIRTIO_BLK_S_OK;
	struct vloop_hdr h = { UINT32_MAX, 0, 0 };

	d->vd_nreq++;
	if (sim_vreq_npiece(rq) > d->vd_npiece)
		d->vd_npiece = sim_vreq_npiece(rq);
	(void)sim_vreq_read(rq, 0, &h, sizeof(h));
	off = h.vh_sector * 512;
	if (h.vh_type == VIRTIO_BLK_T_IN)
		len = nwrite - 1;
	else if (h.vh_type == VIRTIO_BLK_T_OUT)
		len = sim_vreq_nread(rq) - sizeof(h);
	else if (h.vh_type != VIRTIO_BLK_T_FLUSH)
		status = VIRTIO_BLK_S_UNSUPP;
	if (off > d->vd_nsect * 512 || len > d->vd_nsect * 512 - off)
		status = VIRTIO_BLK_S_IOERR;
	else if (h.vh_type == VIRTIO_BLK_T_IN)
		(void)sim_vreq_write(rq, 0, d->vd_data + off, len);
	else if (h.vh_type == VIRTIO_BLK_T_OUT)
		(void)sim_vreq_read(rq, sizeof(h), d->vd_data + off, len);
	(void)sim_vreq_write(rq, nwrite - 1, &status, 1);
	return nwrite;
}

static void
vloop_disk_kick(void *arg, unsigned int queue)
{
	struct vloop_disk *d = arg;
	struct sim_vreq *rq, *later = NULL;

	while ((rq = sim_vdev_pop(d->vd_dev, queue)) != NULL) {
		/* Some answers come out of turn. */
		if (later == NULL && sim_rand(3) == 0) {
			later = rq;
			continue;
		}
		sim_vreq_done(rq, vloop_disk_serve(d, rq));
		if (later != NULL && sim_vdev_up(d->vd_dev)) {
			sim_vreq_done(later, vloop_disk_serve(d, later));
			later = NULL;
		}
	}
	if (later != NULL && sim_vdev_up(d->vd_dev))
		sim_vreq_done(later, vloop_disk_serve(d, later));
}

static void
vloop_disk_free(void *arg)
{
	struct vloop_disk *d = arg;

	free(d->vd_data);
	free(d);
}

static const struct sim_model vloop_disk_model = {
	.mo_name = "vloop_disk",
	.mo_type = 2,
	.mo_nqueue = 1,
	.mo_kick = vloop_disk_kick,
	.mo_free = vloop_disk_free,
};

struct vloop_disk *
vloop_disk_cfg(struct loop *l, uint64_t nsect, const struct sim_vdev_cfg *cfg,
    uint64_t features)
{
	struct vloop_disk *d = calloc(1, sizeof(*d));

	d->vd_nsect = nsect;
	d->vd_data = calloc(nsect, 512);
	d->vd_dev = sim_vdev_create(l->l_sim, cfg, &vloop_disk_model, d,
	    features);
	memcpy(sim_vdev_config(d->vd_dev), &nsect, sizeof(nsect));
	return d;
}

struct vloop_disk *
vloop_disk(struct loop *l, uint64_t nsect)
{
	struct sim_vdev_cfg cfg = vloop_cfg(l);

	return vloop_disk_cfg(l, nsect, &cfg, 1ull << VIRTIO_BLK_F_FLUSH);
}
