/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio.c -- life cycle, negotiation, configuration, queues; see virtio.h.
 */

#include "virtio.h"
#include "setting.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#define VIRTIO_CONFIG_TRIES	8
#define VIRTIO_STATUS_ALIVE	(VIRTIO_CONFIG_S_ACKNOWLEDGE | \
				 VIRTIO_CONFIG_S_DRIVER)

static void virtio_connected(struct pv_dev *);
static void virtio_closed(struct pv_dev *);
static void virtio_nothing(struct pv_dev *);

static const struct pv_bus_ops virtio_bus = {
	.bo_connected = virtio_connected,
	.bo_closed = virtio_closed,
	.bo_busy = virtio_nothing,
	.bo_again = virtio_nothing,
};

struct virtio *
virtio_of(struct pv_dev *dev)
{
	return dev->pd_busdata;
}

/* The driver to look for: "virtio,2". */
static const struct pv_driver *
virtio_driver(uint32_t type)
{
	char match[24];
	struct strbuf sb;

	str_begin(&sb, match, sizeof(match));
	str_add(&sb, "virtio,");
	str_addu(&sb, type);
	return pv_conf_find(match);
}

int
virtio_attach(struct virtio *vi, const struct pv_client *client)
{
	static const struct pv_dma dma = { .da_ops = &pv_dma_identity };
	const struct pv_driver *driver = virtio_driver(vi->vi_type);
	int rv;

	if (driver == NULL || (driver->dv_load != NULL &&
	    !pv_setting_bool(client, driver->dv_load, true)))
		return -PV_ENODEV;
	vi->vi_client = client;
	rv = pv_dev_create(driver, &virtio_bus, vi, vi->vi_name, &dma, client,
	    &vi->vi_dev);
	if (rv == 0)
		pv_dev_event(vi->vi_dev, PV_EV_READY);
	return rv;
}

void
virtio_detach(struct virtio *vi)
{
	pv_dev_destroy(vi->vi_dev);
	vi->vi_dev = NULL;
	vi->vi_ops->vo_release(vi);
}

/* connect returned 0: the queues are set up, the device may start. */
static void
virtio_connected(struct pv_dev *dev)
{
	struct virtio *vi = virtio_of(dev);
	uint8_t status = vi->vi_ops->vo_get_status(vi);

	vi->vi_ops->vo_set_status(vi, status | VIRTIO_CONFIG_S_DRIVER_OK);
	pv_dev_event(dev, PV_EV_RUNNING);
}

/* The driver has given up: say so, and leave the device reset. */
static void
virtio_closed(struct pv_dev *dev)
{
	struct virtio *vi = virtio_of(dev);

	vi->vi_ops->vo_set_status(vi, VIRTIO_CONFIG_S_FAILED);
}

static void
virtio_nothing(struct pv_dev *dev)
{
	(void)dev;
}

void
virtio_intr(struct virtio *vi, uint32_t queues, bool config)
{
	unsigned int i, events = 0;

	if (vi->vi_dev == NULL)
		return;
	for (i = 0; i < VIRTIO_NQUEUE; i++) {
		if ((queues >> i & 1) != 0 && vi->vi_queue[i] != NULL)
			virtio_queue_again(vi->vi_queue[i]);
	}
	if (!config)
		return;
	/* peer: a device that lost its way asks for a whole new start. */
	if ((vi->vi_ops->vo_get_status(vi) & VIRTIO_CONFIG_S_NEEDS_RESET) != 0)
		events = PV_EV_GONE | PV_EV_READY;
	else
		events = PV_EV_RUNNING;
	pv_dev_event(vi->vi_dev, events);
}

/* ---- negotiation -------------------- */

/* Reset and wait until the device says that it is: section 2.1.2. */
static int
virtio_reset(struct virtio *vi)
{
	uint64_t deadline = pv_now() + VIRTIO_PATIENCE;

	vi->vi_ops->vo_set_status(vi, 0);
	while (vi->vi_ops->vo_get_status(vi) != 0) {
		if (pv_now() > deadline) {
			pv_log(vi->vi_dev, PV_LOG_ERR,
			    "does not come out of reset");
			return -PV_ETIMEDOUT;
		}
	}
	return 0;
}

int
virtio_negotiate(struct pv_dev *dev, uint64_t want)
{
	struct virtio *vi = virtio_of(dev);
	const struct virtio_ops *vo = vi->vi_ops;
	int rv;

	rv = virtio_reset(vi);
	if (rv != 0)
		return rv;
	vo->vo_set_status(vi, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	vo->vo_set_status(vi, VIRTIO_STATUS_ALIVE);
	want |= 1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_RING_F_EVENT_IDX;
	vi->vi_features = vo->vo_get_features(vi) & want;
	vi->vi_modern = virtio_has(vi, VIRTIO_F_VERSION_1);
	rv = vo->vo_set_features(vi, vi->vi_features);
	if (rv != 0 || !vi->vi_modern)
		return rv;
	vo->vo_set_status(vi, VIRTIO_STATUS_ALIVE |
	    VIRTIO_CONFIG_S_FEATURES_OK);
	/* peer: it may refuse the set, and says so by not keeping the bit. */
	if ((vo->vo_get_status(vi) & VIRTIO_CONFIG_S_FEATURES_OK) == 0) {
		pv_log(dev, PV_LOG_ERR, "refuses features 0x%llx",
		    (unsigned long long)vi->vi_features);
		return -PV_EPROTO;
	}
	return 0;
}

/* ---- configuration -------------------- */

static void
virtio_config_once(struct virtio *vi, unsigned int off, uint8_t *buf,
    unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		buf[i] = (uint8_t)vi->vi_ops->vo_read_config(vi, off + i, 1);
}

int
virtio_config(struct pv_dev *dev, unsigned int off, void *buf, unsigned int n)
{
	struct virtio *vi = virtio_of(dev);
	uint8_t again[16], *p = buf;
	unsigned int try, i;
	uint32_t gen;

	PV_ASSERT(n <= sizeof(again));
	for (try = 0; try < VIRTIO_CONFIG_TRIES; try++) {
		gen = vi->vi_ops->vo_config_gen(vi);
		virtio_config_once(vi, off, p, n);
		if (vi->vi_modern) {
			if (vi->vi_ops->vo_config_gen(vi) == gen)
				return 0;
			continue;
		}
		virtio_config_once(vi, off, again, n);
		for (i = 0; i < n && p[i] == again[i]; i++)
			;
		if (i == n)
			return 0;
	}
	return -PV_EPROTO;
}

uint16_t
virtio_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t
virtio_le32(const uint8_t *p)
{
	return virtio_le16(p) | (uint32_t)virtio_le16(p + 2) << 16;
}

uint64_t
virtio_le64(const uint8_t *p)
{
	return virtio_le32(p) | (uint64_t)virtio_le32(p + 4) << 32;
}

/* ---- queues -------------------- */

/* Context: deferred. */
static void
virtio_queue_run(void *arg)
{
	struct virtio_queue *vn = arg;

	vn->vn_virtio->vi_dev->pd_nintr++;
	if (vn->vn_fn(vn->vn_arg))
		pv_defer(&vn->vn_work, 0);
}

int
virtio_queue_create(struct pv_dev *dev, struct virtio_queue *vn,
    unsigned int index, bool (*fn)(void *), void *arg)
{
	struct virtio *vi = virtio_of(dev);
	unsigned int size = vi->vi_ops->vo_queue_max(vi, index);
	int rv;

	PV_ASSERT(index < VIRTIO_NQUEUE && !vn->vn_live);
	if (size == 0)
		return -PV_ENOENT;
	if (!vi->vi_fixedsize && size > VQ_SIZE_MAX)
		size = VQ_SIZE_MAX;
	/* peer: a size that is no power of two can not be a split queue's. */
	if (size > 32768 || (size & (size - 1)) != 0)
		return -PV_EPROTO;
	rv = vq_create(&vn->vn_vq, dev, index, size, vi->vi_align);
	if (rv != 0)
		return rv;
	vn->vn_vq.vq_event_idx = virtio_has(vi, VIRTIO_RING_F_EVENT_IDX);
	vn->vn_virtio = vi;
	vn->vn_fn = fn;
	vn->vn_arg = arg;
	pv_work_init(&vn->vn_work, virtio_queue_run, vn, 0);
	rv = vi->vi_ops->vo_queue_setup(vi, &vn->vn_vq);
	if (rv != 0)
		goto err_setup;
	vn->vn_live = true;
	vi->vi_queue[index] = vn;
	return 0;

err_setup:
	vq_destroy(&vn->vn_vq);
	return rv;
}

void
virtio_queue_kick(struct virtio_queue *vn)
{
	vn->vn_virtio->vi_dev->pd_nkick++;
	vn->vn_virtio->vi_ops->vo_kick(vn->vn_virtio, &vn->vn_vq);
}

void
virtio_queue_again(struct virtio_queue *vn)
{
	pv_defer(&vn->vn_work, 0);
}

int
virtio_stop(struct pv_dev *dev)
{
	struct virtio *vi = virtio_of(dev);
	struct virtio_queue *vn;
	unsigned int i;
	int rv = virtio_reset(vi);

	for (i = 0; i < VIRTIO_NQUEUE; i++) {
		vn = vi->vi_queue[i];
		if (vn == NULL)
			continue;
		vi->vi_ops->vo_queue_reset(vi, &vn->vn_vq);
		vi->vi_queue[i] = NULL;
		pv_cancel(&vn->vn_work);
	}
	return rv;
}

void
virtio_queue_destroy(struct virtio_queue *vn)
{
	if (!vn->vn_live)
		return;
	vq_destroy(&vn->vn_vq);
	vn->vn_live = false;
}
