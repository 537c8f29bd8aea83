/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio.c -- life cycle, negotiation, configuration, queues; see virtio.h.
 */

#include "virtio.h"
#include "setting.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#define VIRTIO_CONFIG_TRIES	8
#define VIRTIO_NAGAIN	8	/* resets that a device may ask for, each .. */
#define VIRTIO_AGAIN_NS	(10 * VIRTIO_PATIENCE)	/* .. soon after the other */
/*
 * What the rings and transports make use of.  ACCESS_PLATFORM: addresses are
 * those that pv_dma gives.  ORDER_PLATFORM: the barriers of lib/shm.h are the
 * processor's.
 */
#define VIRTIO_OURS	(1ull << VIRTIO_RING_F_INDIRECT_DESC |		\
			 1ull << VIRTIO_RING_F_EVENT_IDX |		\
			 1ull << VIRTIO_F_VERSION_1 |			\
			 1ull << VIRTIO_F_ACCESS_PLATFORM |		\
			 1ull << VIRTIO_F_RING_PACKED |			\
			 1ull << VIRTIO_F_IN_ORDER |			\
			 1ull << VIRTIO_F_ORDER_PLATFORM |		\
			 1ull << VQ_F_NOTIFICATION_DATA |		\
			 1ull << VIRTIO_F_RING_RESET)
#define VIRTIO_RESET_LOOKS 100	/* at the status, before sleeping between */
#define VIRTIO_STATUS_GONE 0xff	/* what is read where no device is */
#define VIRTIO_QUEUE_LEAST 16	/* no smaller for want of memory */
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
	struct pv_dev *dev = vi->vi_dev;

	pv_dev_end(dev);
	/* peer: it may still interrupt; until this returns, dev is used. */
	vi->vi_ops->vo_release(vi);
	pv_dev_free(dev);
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

/*
 * The device lost its way and asks for a whole new start.  One that does so
 * again and again is given up.
 */
static void
virtio_lost(struct virtio *vi)
{
	uint64_t now = pv_now();

	if (now - vi->vi_lastagain > VIRTIO_AGAIN_NS)
		vi->vi_nagain = 0;
	vi->vi_lastagain = now;
	if (vi->vi_again)
		return;		/* we know */
	if (++vi->vi_nagain > VIRTIO_NAGAIN) {
		pv_dev_fail(vi->vi_dev, "asks for a reset again and again");
		return;
	}
	vi->vi_again = true;
	pv_log(vi->vi_dev, PV_LOG_WARN, "asks for a reset: starting anew");
	pv_dev_event(vi->vi_dev, PV_EV_GONE | PV_EV_READY);
}

void
virtio_intr(struct virtio *vi, int queue, bool config)
{
	unsigned int i;

	if (vi->vi_dev == NULL)
		return;
	pv_lock(&vi->vi_lock);
	for (i = 0; i < vi->vi_nqueue; i++) {
		if (vi->vi_queue[i] != NULL && (queue == VIRTIO_Q_ALL ||
		    queue == (int)i))
			virtio_queue_again(vi->vi_queue[i]);
	}
	pv_unlock(&vi->vi_lock);
	if (!config)
		return;
	/* peer: any bits; only while we use it do they mean anything. */
	if ((vi->vi_ops->vo_get_status(vi) &
	    VIRTIO_CONFIG_S_NEEDS_RESET) != 0)
		virtio_lost(vi);
	else
		pv_dev_event(vi->vi_dev, PV_EV_RUNNING);
}

/* ---- negotiation -------------------- */

/*
 * Reset and wait until the device says that it is: section 2.1.2.  0;
 * -PV_ENODEV: nothing answers any more, it was pulled out; -PV_ETIMEDOUT.
 */
static int
virtio_reset(struct virtio *vi)
{
	uint64_t deadline = pv_now() + VIRTIO_PATIENCE;
	struct pv_os_event never = { 0 };
	unsigned int n = 0;
	uint8_t status;

	vi->vi_ops->vo_set_status(vi, 0);
	while ((status = vi->vi_ops->vo_get_status(vi)) != 0) {
		if (status == VIRTIO_STATUS_GONE)
			return -PV_ENODEV;
		if (pv_now() > deadline) {
			pv_log(vi->vi_dev, PV_LOG_ERR,
			    "does not come out of reset");
			return -PV_ETIMEDOUT;
		}
		/* At first it is a matter of a moment. */
		if (++n > VIRTIO_RESET_LOOKS)
			(void)pv_os_wait(&never, pv_now() +
			    VIRTIO_PATIENCE / 1000);
	}
	return 0;
}

uint64_t
virtio_offers(struct pv_dev *dev)
{
	struct virtio *vi = virtio_of(dev);

	return vi->vi_ops->vo_get_features(vi) & ~virtio_features_off(vi);
}

bool
virtio_again(const struct pv_dev *dev)
{
	/* What is being destroyed will not be back. */
	return virtio_of((struct pv_dev *)(uintptr_t)dev)->vi_again &&
	    !__atomic_load_n(&dev->pd_dying, __ATOMIC_ACQUIRE);
}

int
virtio_negotiate(struct pv_dev *dev, uint64_t want)
{
	struct virtio *vi = virtio_of(dev);
	const struct virtio_ops *vo = vi->vi_ops;
	int rv;

	vi->vi_again = false;
	rv = virtio_reset(vi);
	if (rv != 0)
		return rv;
	vo->vo_set_status(vi, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	vo->vo_set_status(vi, VIRTIO_STATUS_ALIVE);
	vi->vi_offered = vo->vo_get_features(vi);
	want = (want | VIRTIO_OURS) & ~virtio_features_off(vi);
	if (vo->vo_queue_reset == NULL)
		want &= ~(1ull << VIRTIO_F_RING_RESET);
	vi->vi_features = vi->vi_offered & want;
	/* peer: the bits above are a modern device's. */
	vi->vi_modern = virtio_has(vi, VIRTIO_F_VERSION_1);
	if (!vi->vi_modern)
		vi->vi_features &= UINT32_MAX;
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

/* A field of 2 or 4 bytes is read at once, as are the halves of one of 8. */
static unsigned int
virtio_config_width(unsigned int off, unsigned int n)
{
	unsigned int width = n == 8 ? 4 : n;

	return (width == 2 || width == 4) && off % width == 0 ? width : 1;
}

static void
virtio_config_once(struct virtio *vi, unsigned int off, uint8_t *buf,
    unsigned int n)
{
	unsigned int width = virtio_config_width(off, n), i, k;
	uint32_t v;

	for (i = 0; i < n; i += width) {
		v = vi->vi_ops->vo_read_config(vi, off + i, width);
		for (k = 0; k < width; k++)
			buf[i + k] = (uint8_t)(v >> k * 8);
	}
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

void
virtio_config_set(struct pv_dev *dev, unsigned int off, const void *buf,
    unsigned int n)
{
	struct virtio *vi = virtio_of(dev);
	unsigned int width = virtio_config_width(off, n), i, k;
	const uint8_t *p = buf;
	uint32_t v;

	for (i = 0; i < n; i += width) {
		v = 0;
		for (k = 0; k < width; k++)
			v |= (uint32_t)p[i + k] << k * 8;
		vi->vi_ops->vo_write_config(vi, off + i, width, v);
	}
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

/* Where the device's size is not the only one, a smaller will do too. */
static int
virtio_queue_make(struct virtio_queue *vn, struct pv_dev *dev,
    struct vq_config *vc)
{
	const struct virtio *vi = virtio_of(dev);
	int rv;

	for (;;) {
		rv = vq_create(&vn->vn_vq, dev, vc);
		if (rv != -PV_ENOMEM || vi->vi_fixedsize ||
		    vc->vc_size <= VIRTIO_QUEUE_LEAST)
			return rv;
		vc->vc_size /= 2;
	}
}

static void
virtio_queue_link(struct virtio *vi, struct virtio_queue *vn)
{
	unsigned int index = vn->vn_vq.vq_index;

	pv_lock(&vi->vi_lock);
	vi->vi_queue[index] = vn;
	if (index >= vi->vi_nqueue)
		vi->vi_nqueue = index + 1;
	pv_unlock(&vi->vi_lock);
}

int
virtio_queue_create(struct pv_dev *dev, struct virtio_queue *vn,
    unsigned int index, bool (*fn)(void *), void *arg)
{
	struct virtio *vi = virtio_of(dev);
	unsigned int wish = virtio_queue_wish(vi, vn->vn_size);
	struct vq_config vc = {
		.vc_index = index,
		.vc_align = vi->vi_align,
		.vc_chain = vn->vn_chain,
		.vc_features = vi->vi_features,
	};
	int rv;

	PV_ASSERT(index < VIRTIO_NQUEUE && !vn->vn_live);
	vc.vc_size = vi->vi_ops->vo_queue_max(vi, index);
	if (vc.vc_size == 0)
		return -PV_ENOENT;
	/* peer: a size that no such queue can have. */
	if (!vq_size_ok(vc.vc_size, vi->vi_features))
		return -PV_EPROTO;
	if (!vi->vi_fixedsize && vc.vc_size > wish)
		vc.vc_size = wish;
	rv = virtio_queue_make(vn, dev, &vc);
	if (rv != 0)
		return rv;
	vn->vn_vq.vq_cutlen = vn->vn_cutlen;
	vn->vn_virtio = vi;
	vn->vn_fn = fn;
	vn->vn_arg = arg;
	pv_work_init(&vn->vn_work, virtio_queue_run, vn, pv_dev_group(dev));
	rv = vi->vi_ops->vo_queue_setup(vi, &vn->vn_vq);
	if (rv != 0)
		goto err_setup;
	vn->vn_live = true;
	virtio_queue_link(vi, vn);
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
virtio_queue_reset(struct virtio_queue *vn)
{
	struct virtio *vi = vn->vn_virtio;

	if (!virtio_has(vi, VIRTIO_F_RING_RESET))
		return -PV_EOPNOTSUPP;
	return vi->vi_ops->vo_queue_reset(vi, &vn->vn_vq);
}

int
virtio_queue_restart(struct virtio_queue *vn)
{
	vq_reset(&vn->vn_vq);
	return vn->vn_virtio->vi_ops->vo_queue_setup(vn->vn_virtio,
	    &vn->vn_vq);
}

int
virtio_stop(struct pv_dev *dev)
{
	struct virtio *vi = virtio_of(dev);
	struct virtio_queue *vn;
	unsigned int i;
	int rv = virtio_reset(vi);

	for (i = 0; i < vi->vi_nqueue; i++) {
		pv_lock(&vi->vi_lock);
		vn = vi->vi_queue[i];
		vi->vi_queue[i] = NULL;
		pv_unlock(&vi->vi_lock);
		if (vn != NULL)
			pv_cancel(&vn->vn_work);
	}
	vi->vi_nqueue = 0;
	if (rv == -PV_ENODEV)
		return 0;	/* who is not there writes to no memory */
	if (rv != 0)
		dev->pd_kept = true;
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
