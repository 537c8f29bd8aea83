/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_virtio.c -- a virtio device below its registers and above its rings.
 */

#include "sim_vdev.h"

/* Features that are the engine's to offer. */
static uint64_t
sim_vdev_own(const struct sim_vdev *vd)
{
	static const struct {
		unsigned int flag, bit;
		bool	 unless;
	} own[] = {
		{ SIM_V_PACKED, VIRTIO_F_RING_PACKED, false },
		{ SIM_V_INORDER, VIRTIO_F_IN_ORDER, false },
		{ SIM_V_KICKDATA, SIM_V_F_KICKDATA, false },
		{ SIM_V_QRESET, VIRTIO_F_RING_RESET, false },
		{ SIM_V_NOEVENT, VIRTIO_RING_F_EVENT_IDX, true },
		{ SIM_V_NOINDIRECT, VIRTIO_RING_F_INDIRECT_DESC, true },
	};
	uint64_t f = 1ull << VIRTIO_F_VERSION_1;
	unsigned int i;

	for (i = 0; i < PV_NELEM(own); i++) {
		if (((vd->vd_cfg.vc_flags & own[i].flag) != 0) !=
		    own[i].unless)
			f |= 1ull << own[i].bit;
	}
	return f;
}

void
sim_vdev_offer(struct sim_vdev *vd, uint64_t features)
{
	vd->vd_offered = features | sim_vdev_own(vd);
	if (sim_vdev_legacy(vd))
		vd->vd_offered &= UINT32_MAX;
}

/* ---- life -------------------- */

static void
sim_vdev_step(void *arg)
{
	struct sim_vdev *vd = arg;
	struct sim_vq *q;
	unsigned int i;

	for (i = 0; i < vd->vd_model->mo_nqueue; i++) {
		q = &vd->vd_vq[i];
		if (!q->vq_kicked || !q->vq_on || !sim_vdev_up(vd) ||
		    vd->vd_hold)
			continue;
		q->vq_kicked = false;
		if (sim_rand(2) == 0)
			sim_vring_hush(q);
		q->vq_dry = false;
		if (vd->vd_model->mo_kick != NULL)
			vd->vd_model->mo_kick(vd->vd_arg, i);
		/* More, though the model took all?  It may leave some, too. */
		if (q->vq_on && sim_vdev_up(vd) && sim_vring_idle(q) &&
		    q->vq_dry) {
			q->vq_kicked = true;
			sim_sched_kick(&vd->vd_actor, 1 + sim_rand(10000));
		}
	}
	if (sim_evil_armed(SIM_EVIL_EVENT_SPURIOUS) && sim_rand(4) == 0 &&
	    sim_evil_now(SIM_EVIL_EVENT_SPURIOUS))
		sim_vdev_intr(vd, &vd->vd_vq[0]);
	if (sim_evil_armed(SIM_EVIL_EVENT_STORM) && sim_vdev_up(vd) &&
	    sim_evil_now(SIM_EVIL_EVENT_STORM)) {
		for (i = 0; i < vd->vd_model->mo_nqueue; i++)
			sim_vdev_intr(vd, &vd->vd_vq[i]);
		sim_sched_kick(&vd->vd_actor, 20000);
	}
}

struct sim_vdev *
sim_vdev_create(struct sim *s, const struct sim_vdev_cfg *cfg,
    const struct sim_model *mo, void *arg, uint64_t features)
{
	struct sim_vdev *vd = calloc(1, sizeof(*vd));
	unsigned int i;

	vd->vd_sim = s;
	vd->vd_dom = s->s_curdom;
	vd->vd_cfg = *cfg;
	vd->vd_model = mo;
	vd->vd_arg = arg;
	vd->vd_vector = SIM_V_NOVEC;
	sim_vdev_offer(vd, features);
	for (i = 0; i < SIM_V_NQUEUE; i++) {
		vd->vd_vq[i].vq_dev = vd;
		vd->vd_vq[i].vq_index = i;
		vd->vd_vq[i].vq_vector = SIM_V_NOVEC;
		vd->vd_vq[i].vq_max = cfg->vc_qsize == 0 ? 64 : cfg->vc_qsize;
		vd->vd_vq[i].vq_size = vd->vd_vq[i].vq_max;
		list_init(&vd->vd_vq[i].vq_reqs);
	}
	list_append(&s->s_vdevs, &vd->vd_link);
	vd->vd_line = 8 + sim_rand(8);
	sim_sched_actor(&vd->vd_actor, sim_vdev_step, vd);
	if (cfg->vc_bus == SIM_VBUS_PCI || cfg->vc_bus == SIM_VBUS_LEGACY)
		sim_vbus_pci.vb_create(vd);
	else
		sim_vbus_mmio.vb_create(vd);
	return vd;
}

/* The line is shared: it is up as long as one holds it up. */
void
sim_vdev_level(struct sim_vdev *vd, bool up)
{
	if (vd->vd_raised != up)
		sim_irq_level(vd->vd_line, up);
	vd->vd_raised = up;
}

static void
sim_vdev_reset(struct sim_vdev *vd)
{
	unsigned int i;

	for (i = 0; i < SIM_V_NQUEUE; i++) {
		sim_vring_stop(&vd->vd_vq[i]);
		vd->vd_vq[i].vq_size = vd->vd_vq[i].vq_max;
		vd->vd_vq[i].vq_vector = SIM_V_NOVEC;
		memset(vd->vd_vq[i].vq_pa, 0, sizeof(vd->vd_vq[i].vq_pa));
	}
	vd->vd_status = 0;
	vd->vd_accepted = 0;
	vd->vd_vector = SIM_V_NOVEC;
	vd->vd_isr = 0;
	sim_vdev_level(vd, false);
	vd->vd_nreset++;
	if (vd->vd_model->mo_reset != NULL)
		vd->vd_model->mo_reset(vd->vd_arg);
}

void
sim_vdev_free(struct sim_vdev *vd)
{
	if (vd->vd_status != 0 && !vd->vd_gone &&
	    !sim_evil_armed(SIM_EVIL_RESET_NEVER) &&
	    vd->vd_status != VIRTIO_CONFIG_S_FAILED)
		sim_bug("%s was not reset at the end, status 0x%x",
		    vd->vd_model->mo_name, vd->vd_status);
	sim_vdev_reset(vd);
	if (vd->vd_model->mo_free != NULL)
		vd->vd_model->mo_free(vd->vd_arg);
	if (vd->vd_pci != NULL)
		sim_vbus_pci.vb_free(vd);
	else
		sim_vbus_mmio.vb_free(vd);
	sim_sched_drop(&vd->vd_actor);
	list_remove(&vd->vd_link);
	free(vd);
}

bool
sim_vdev_place(const struct sim_vdev *vd, pv_pa_t *pa, uint32_t *line)
{
	if (vd->vd_pci != NULL)
		return true;
	*pa = sim_regs_pa(vd->vd_regs);
	*line = vd->vd_line;
	return false;
}

void
sim_vdev_pull(struct sim_vdev *vd)
{
	sim_vdev_reset(vd);
	vd->vd_gone = true;
	if (vd->vd_pci != NULL)
		vd->vd_pci->pf_gone = true;
}

/* ---- negotiation -------------------- */

uint32_t
sim_vdev_features(struct sim_vdev *vd, uint32_t sel)
{
	uint64_t f = vd->vd_offered;

	/* Others than a moment ago: of the model's, whatever they mean. */
	if (sim_evil_now(SIM_EVIL_FEATURES_CHANGE))
		f ^= ((uint64_t)sim_rand(1u << 24) << 40 | sim_rand(1u << 24)) &
		    0x00ffffff;
	return sel > 1 ? 0 : (uint32_t)(f >> sel * 32);
}

void
sim_vdev_accept(struct sim_vdev *vd, uint32_t sel, uint32_t bits)
{
	uint64_t f = (uint64_t)bits << (sel & 1) * 32;

	if ((vd->vd_status & VIRTIO_CONFIG_S_FEATURES_OK) != 0)
		sim_bug("features are changed after FEATURES_OK");
	if ((f & ~vd->vd_offered) != 0 &&
	    !sim_evil_armed(SIM_EVIL_FEATURES_CHANGE))
		sim_bug("features 0x%llx were not offered",
		    (unsigned long long)(f & ~vd->vd_offered));
	vd->vd_accepted &= ~(0xffffffffull << (sel & 1) * 32);
	vd->vd_accepted |= f;
}

static void
sim_vdev_check_status(struct sim_vdev *vd, uint8_t status)
{
	uint8_t gone = vd->vd_status & ~status &
	    ~(VIRTIO_CONFIG_S_NEEDS_RESET | VIRTIO_CONFIG_S_FEATURES_OK);

	if (gone != 0 && (status & VIRTIO_CONFIG_S_FAILED) == 0)
		sim_bug("status bits 0x%x are cleared without a reset", gone);
	if ((status & VIRTIO_CONFIG_S_DRIVER_OK) != 0 &&
	    !sim_vdev_legacy(vd) &&
	    (status & VIRTIO_CONFIG_S_FEATURES_OK) == 0)
		sim_bug("DRIVER_OK without FEATURES_OK");
	if ((status & VIRTIO_CONFIG_S_FEATURES_OK) != 0 &&
	    !sim_vdev_legacy(vd) && !sim_vdev_has(vd, VIRTIO_F_VERSION_1))
		sim_bug("a modern device is used without VERSION_1");
}

void
sim_vdev_set_status(struct sim_vdev *vd, uint8_t status)
{
	uint8_t lost = vd->vd_status & VIRTIO_CONFIG_S_NEEDS_RESET;
	bool was = sim_vdev_up(vd);

	if (status == 0) {
		if (sim_evil_now(SIM_EVIL_RESET_NEVER))
			return;
		sim_vdev_reset(vd);
		return;
	}
	sim_vdev_check_status(vd, status);
	if ((status & VIRTIO_CONFIG_S_FEATURES_OK) != 0 &&
	    (vd->vd_status & VIRTIO_CONFIG_S_FEATURES_OK) == 0 &&
	    sim_evil_now(SIM_EVIL_FEATURES_OK_REFUSED))
		status = (uint8_t)(status & ~VIRTIO_CONFIG_S_FEATURES_OK);
	vd->vd_status = status | lost;
	if (!was && sim_vdev_up(vd) && vd->vd_model->mo_ready != NULL)
		vd->vd_model->mo_ready(vd->vd_arg);
}

bool
sim_vdev_has(const struct sim_vdev *vd, unsigned int feature)
{
	return (vd->vd_accepted >> feature & 1) != 0;
}

uint64_t
sim_vdev_accepted(const struct sim_vdev *vd)
{
	sim_regs_flush();
	return vd->vd_accepted;
}

bool
sim_vdev_up(const struct sim_vdev *vd)
{
	sim_regs_flush();
	return !vd->vd_gone &&
	    (vd->vd_status & (VIRTIO_CONFIG_S_DRIVER_OK |
	    VIRTIO_CONFIG_S_NEEDS_RESET | VIRTIO_CONFIG_S_FAILED)) ==
	    VIRTIO_CONFIG_S_DRIVER_OK;
}

uint8_t
sim_vdev_status(const struct sim_vdev *vd)
{
	sim_regs_flush();
	return vd->vd_status;
}

unsigned int
sim_vdev_nreset(const struct sim_vdev *vd)
{
	sim_regs_flush();
	return vd->vd_nreset;
}

unsigned int
sim_vdev_nkick(const struct sim_vdev *vd)
{
	sim_regs_flush();
	return vd->vd_nkick;
}

void
sim_vdev_lost(struct sim_vdev *vd)
{
	vd->vd_status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	sim_vdev_intr(vd, NULL);
}

/* ---- queues -------------------- */

struct sim_vq *
sim_vdev_selected(struct sim_vdev *vd)
{
	return vd->vd_qsel < vd->vd_model->mo_nqueue ?
	    &vd->vd_vq[vd->vd_qsel] : NULL;
}

uint32_t
sim_vdev_queue_max(struct sim_vdev *vd)
{
	struct sim_vq *q = sim_vdev_selected(vd);
	unsigned int n;

	if (q == NULL || sim_evil_now(SIM_EVIL_QUEUE_MAX_ZERO))
		return 0;
	if (sim_evil_now(SIM_EVIL_QUEUE_MAX_ODD))
		return sim_rand(2) == 0 && !sim_vdev_has(vd,
		    VIRTIO_F_RING_PACKED) ? 100 : 40000;
	n = q->vq_max;
	while ((n & (n - 1)) != 0 && !sim_vdev_has(vd, VIRTIO_F_RING_PACKED))
		n &= n - 1;
	return n;
}

void
sim_vdev_queue_on(struct sim_vdev *vd, bool on)
{
	struct sim_vq *q = sim_vdev_selected(vd);

	if (q == NULL) {
		sim_bug("a queue is set up that is not there");
		return;
	}
	if (!on) {
		sim_vring_stop(q);
		return;
	}
	if (q->vq_on)
		sim_bug("a queue is set up twice");
	if (!sim_vdev_legacy(vd) &&
	    (vd->vd_status & VIRTIO_CONFIG_S_FEATURES_OK) == 0)
		sim_bug("a queue is set up before FEATURES_OK");
	sim_vring_start(q);
}

void
sim_vdev_kick(struct sim_vdev *vd, uint32_t data)
{
	unsigned int n = data & 0xffff;

	vd->vd_nkick++;
	if (n >= vd->vd_model->mo_nqueue || !vd->vd_vq[n].vq_on) {
		sim_bug("a kick for queue %u, which is not there", n);
		return;
	}
	if ((vd->vd_status & VIRTIO_CONFIG_S_DRIVER_OK) == 0)
		sim_bug("a kick before DRIVER_OK");
	if (data >> 16 != 0 && !sim_vdev_has(vd, SIM_V_F_KICKDATA))
		sim_bug("a kick with data that was not negotiated");
	vd->vd_vq[n].vq_kicked = true;
	sim_sched_kick(&vd->vd_actor, sim_rand(4) == 0 ?
	    sim_rand(100000) : 1);
}

void
sim_vdev_hold(struct sim_vdev *vd, bool hold)
{
	unsigned int i;

	vd->vd_hold = hold;
	if (hold)
		return;
	for (i = 0; i < vd->vd_model->mo_nqueue; i++)
		vd->vd_vq[i].vq_kicked = true;
	sim_sched_kick(&vd->vd_actor, 1);
}

unsigned int
sim_vdev_pending(const struct sim_vdev *vd)
{
	unsigned int i, n = 0;
	struct list *l;

	for (i = 0; i < SIM_V_NQUEUE; i++) {
		LIST_FOREACH(l, &vd->vd_vq[i].vq_reqs)
			n++;
	}
	return n;
}

/* ---- configuration -------------------- */

uint8_t *
sim_vdev_config(struct sim_vdev *vd)
{
	return vd->vd_config;
}

void
sim_vdev_changed(struct sim_vdev *vd)
{
	vd->vd_gen++;
	if (sim_vdev_up(vd))
		sim_vdev_intr(vd, NULL);
}

void
sim_vdev_read_config(struct sim_vdev *vd, unsigned int off, void *buf,
    unsigned int len)
{
	uint8_t *p = buf;
	unsigned int i;

	memset(buf, 0, len);
	if (off + len > SIM_V_CONFIG)
		return;
	memcpy(buf, vd->vd_config + off, len);
	/* It changes while it is being read. */
	if (!sim_evil_now(SIM_EVIL_CONFIG_TORN))
		return;
	vd->vd_gen++;
	for (i = 0; i < len; i++)
		p[i] = (uint8_t)sim_rand(256);
}

/* ---- interrupts -------------------- */

uint16_t
sim_vdev_vector(struct sim_vdev *vd, uint16_t wanted)
{
	if (wanted >= vd->vd_nvec || sim_evil_now(SIM_EVIL_VECTOR_REFUSED))
		return SIM_V_NOVEC;
	return wanted;
}

static void
sim_vdev_message(struct sim_vdev *vd, uint16_t vector)
{
	uint32_t e[4];

	if (vector == SIM_V_NOVEC)
		return;
	sim_regs_get(vd->vd_table, vector * 16u, e, sizeof(e));
	if ((e[3] & 1) == 0)
		sim_irq_message(e[0] | (uint64_t)e[1] << 32, e[2]);
}

void
sim_vdev_intr(struct sim_vdev *vd, struct sim_vq *q)
{
	if (vd->vd_gone || sim_evil_now(SIM_EVIL_EVENT_LOST))
		return;
	if (vd->vd_pci != NULL && sim_pci_msix(vd->vd_pci)) {
		sim_vdev_message(vd, q == NULL ? vd->vd_vector :
		    q->vq_vector);
		return;
	}
	vd->vd_isr |= q == NULL ? 2 : 1;
	sim_vdev_level(vd, true);
}
