/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_vmore.c -- entropy, console and balloon devices; see sim_vmore.h.
 */

#include <stdlib.h>
#include <string.h>

#include <linux/virtio_balloon.h>
#include <linux/virtio_console.h>

#include "sim_int.h"
#include "sim_vmore.h"

/* ---- entropy ------------------------------------------------------------ */

static void
sim_vrng_kick(void *arg, unsigned int queue)
{
	struct sim_vrng *vr = arg;
	struct sim_vreq *rq;
	uint8_t buf[64];
	size_t n, i;

	while ((rq = sim_vdev_pop(vr->vr_dev, queue)) != NULL) {
		if (sim_vreq_nread(rq) != 0 || sim_vreq_nwrite(rq) == 0)
			sim_bug("vrng: a request with nothing to fill");
		n = 1 + sim_rand(sim_vreq_nwrite(rq) < 64 ?
		    (unsigned int)sim_vreq_nwrite(rq) : 64);
		for (i = 0; i < n; i++)
			buf[i] = (uint8_t)(vr->vr_nask + i);
		vr->vr_nask++;
		(void)sim_vreq_write(rq, 0, buf, n);
		sim_vreq_done(rq, vr->vr_empty ? 0 : n);
	}
}

static const struct sim_model sim_vrng_model = {
	.mo_name = "vrng", .mo_type = 4, .mo_nqueue = 1,
	.mo_kick = sim_vrng_kick, .mo_free = free
};

struct sim_vrng *
sim_vrng_create(struct sim *s, const struct sim_vdev_cfg *vc)
{
	struct sim_vrng *vr = calloc(1, sizeof(*vr));

	vr->vr_dev = sim_vdev_create(s, vc, &sim_vrng_model, vr, 0);
	return vr;
}

/* ---- console ------------------------------------------------------------ */

/* The queue of the port's input; its output is the next. */
static unsigned int
sim_vcons_data(const struct sim_vcons *vc)
{
	return sim_vdev_has(vc->vc_dev, VIRTIO_CONSOLE_F_MULTIPORT) ? 4 : 0;
}

/* Send what waits, as far as there are buffers. */
static void
sim_vcons_flush(struct sim_vcons *vc)
{
	unsigned int in = sim_vcons_data(vc);
	struct sim_vreq *rq;
	size_t n;

	while (vc->vc_nmsg > 0 &&
	    (rq = sim_vdev_pop(vc->vc_dev, 2)) != NULL) {
		n = sim_vreq_write(rq, 0, vc->vc_msg[0], vc->vc_msglen[0]);
		vc->vc_nmsg--;
		memmove(vc->vc_msg, vc->vc_msg + 1,
		    vc->vc_nmsg * sizeof(vc->vc_msg[0]));
		memmove(vc->vc_msglen, vc->vc_msglen + 1,
		    vc->vc_nmsg * sizeof(vc->vc_msglen[0]));
		sim_vreq_done(rq, n);
	}
	while (vc->vc_nin > 0 && (vc->vc_opened || in == 0) &&
	    (rq = sim_vdev_pop(vc->vc_dev, in)) != NULL) {
		n = 1 + sim_rand(vc->vc_nin < 300 ?
		    (unsigned int)vc->vc_nin : 300);
		n = sim_vreq_write(rq, 0, vc->vc_in, n);
		vc->vc_in += n;
		vc->vc_nin -= n;
		sim_vreq_done(rq, n);
	}
}

void
sim_vcons_tell(struct sim_vcons *vc, uint32_t id, uint16_t event,
    uint16_t value, const char *more)
{
	struct virtio_console_control m = { id, event, value };
	size_t n = more == NULL ? 0 : strlen(more);

	if (vc->vc_nmsg == SIM_VCONS_NMSG || n > 24)
		return;
	memcpy(vc->vc_msg[vc->vc_nmsg], &m, sizeof(m));
	if (n > 0)
		memcpy(vc->vc_msg[vc->vc_nmsg] + sizeof(m), more, n);
	vc->vc_msglen[vc->vc_nmsg++] = sizeof(m) + n;
	sim_vdev_hold(vc->vc_dev, false);	/* a step comes */
}

void
sim_vcons_type(struct sim_vcons *vc, const void *p, size_t n)
{
	vc->vc_in = p;
	vc->vc_nin = n;
	sim_vdev_hold(vc->vc_dev, false);
}

static void
sim_vcons_control(struct sim_vcons *vc, const struct virtio_console_control *m)
{
	if (m->event == VIRTIO_CONSOLE_DEVICE_READY) {
		sim_vcons_tell(vc, 77, VIRTIO_CONSOLE_PORT_ADD, 1, NULL);
		sim_vcons_tell(vc, 1, VIRTIO_CONSOLE_PORT_ADD, 1, NULL);
	} else if (m->event == VIRTIO_CONSOLE_PORT_READY && m->value == 1) {
		sim_vcons_tell(vc, 1, VIRTIO_CONSOLE_CONSOLE_PORT, 1, NULL);
		sim_vcons_tell(vc, 1, VIRTIO_CONSOLE_PORT_NAME, 1, "na\nme");
		sim_vcons_tell(vc, 1, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL);
	} else if (m->event == VIRTIO_CONSOLE_PORT_OPEN) {
		vc->vc_opened = m->value != 0;
	} else if (m->event != VIRTIO_CONSOLE_PORT_READY) {
		sim_bug("vcons: control message %u", m->event);
	}
}

static void
sim_vcons_kick(void *arg, unsigned int queue)
{
	struct sim_vcons *vc = arg;
	struct virtio_console_control m;
	struct sim_vreq *rq;

	while (queue % 2 == 1 &&
	    (rq = sim_vdev_pop(vc->vc_dev, queue)) != NULL) {
		if (sim_vreq_nwrite(rq) != 0 || (queue == 1 && sim_vdev_has(
		    vc->vc_dev, VIRTIO_CONSOLE_F_MULTIPORT)))
			sim_bug("vcons: a request out of place");
		if (queue == 3 && sim_vreq_read(rq, 0, &m, sizeof(m)) ==
		    sizeof(m))
			sim_vcons_control(vc, &m);
		if (queue == sim_vcons_data(vc) + 1)
			vc->vc_nout += sim_vreq_read(rq, 0, vc->vc_out +
			    vc->vc_nout, sizeof(vc->vc_out) - vc->vc_nout);
		sim_vreq_done(rq, 0);
	}
	sim_vcons_flush(vc);
}

static void
sim_vcons_reset(void *arg)
{
	struct sim_vcons *vc = arg;

	vc->vc_nmsg = 0;
	vc->vc_opened = false;
}

/* The register for last words, which only who has the feature may write. */
static void
sim_vcons_written(void *arg, unsigned int off, unsigned int len)
{
	struct sim_vcons *vc = arg;

	if (off != 8 || len > 4 ||
	    !sim_vdev_has(vc->vc_dev, VIRTIO_CONSOLE_F_EMERG_WRITE))
		sim_bug("vcons: %u bytes of configuration at %u", len, off);
	vc->vc_nlast++;
}

static const struct sim_model sim_vcons_model = {
	.mo_name = "vcons", .mo_type = 3, .mo_nqueue = 6,
	.mo_kick = sim_vcons_kick, .mo_reset = sim_vcons_reset,
	.mo_written = sim_vcons_written, .mo_free = free
};

struct sim_vcons *
sim_vcons_create(struct sim *s, const struct sim_vdev_cfg *cfg)
{
	struct sim_vcons *vc = calloc(1, sizeof(*vc));

	vc->vc_dev = sim_vdev_create(s, cfg, &sim_vcons_model, vc,
	    1ull << VIRTIO_CONSOLE_F_MULTIPORT |
	    1ull << VIRTIO_CONSOLE_F_SIZE);
	sim_vdev_config(vc->vc_dev)[0] = 80;
	sim_vdev_config(vc->vc_dev)[2] = 25;
	sim_vdev_config(vc->vc_dev)[4] = 2;	/* ports */
	return vc;
}

/* ---- balloon ------------------------------------------------------------- */

static void
sim_vballoon_in(struct sim_vballoon *vb, uint32_t pfn)
{
	unsigned int i;

	for (i = 0; i < vb->vb_npfn; i++)
		if (vb->vb_pfn[i] == pfn)
			sim_bug("vballoon: page %x is in it already", pfn);
	if (vb->vb_npfn < SIM_VBALLOON_MAX)
		vb->vb_pfn[vb->vb_npfn++] = pfn;
}

static void
sim_vballoon_out(struct sim_vballoon *vb, uint32_t pfn)
{
	unsigned int i;

	for (i = 0; i < vb->vb_npfn; i++)
		if (vb->vb_pfn[i] == pfn)
			break;
	if (i == vb->vb_npfn)
		sim_bug("vballoon: page %x is not in it", pfn);
	else
		vb->vb_pfn[i] = vb->vb_pfn[--vb->vb_npfn];
}

static void
sim_vballoon_stats(struct sim_vballoon *vb, struct sim_vreq *rq)
{
	uint8_t e[10];
	size_t off;

	vb->vb_stat = rq;
	for (off = 0; sim_vreq_read(rq, off, e, 10) == 10; off += 10)
		if (e[0] == VIRTIO_BALLOON_S_MEMFREE)
			memcpy(&vb->vb_free, e + 2, 8);
}

/* A feature's queue, behind those of the features before it; or none. */
static unsigned int
sim_vballoon_queue(const struct sim_vballoon *vb, unsigned int feature)
{
	static const unsigned int order[] = { VIRTIO_BALLOON_F_STATS_VQ,
	    VIRTIO_BALLOON_F_FREE_PAGE_HINT, VIRTIO_BALLOON_F_REPORTING };
	unsigned int i, queue = 2;

	if (!sim_vdev_has(vb->vb_dev, feature))
		return SIM_V_NQUEUE;
	for (i = 0; order[i] != feature; i++)
		queue += sim_vdev_has(vb->vb_dev, order[i]);
	return queue;
}

static void
sim_vballoon_kick(void *arg, unsigned int queue)
{
	struct sim_vballoon *vb = arg;
	unsigned int stats, reports;
	struct sim_vreq *rq;
	uint32_t pfn;
	size_t off;

	stats = sim_vballoon_queue(vb, VIRTIO_BALLOON_F_STATS_VQ);
	reports = sim_vballoon_queue(vb, VIRTIO_BALLOON_F_REPORTING);
	while ((rq = sim_vdev_pop(vb->vb_dev, queue)) != NULL) {
		if (queue == stats) {
			sim_vballoon_stats(vb, rq);
			continue;
		}
		for (off = 0; queue < 2 && sim_vreq_read(rq, off, &pfn, 4) ==
		    4; off += 4) {
			if (queue == 0)
				sim_vballoon_in(vb, pfn);
			else
				sim_vballoon_out(vb, pfn);
		}
		if (queue == reports)
			vb->vb_nblock += (unsigned int)(sim_vreq_nwrite(rq) /
			    4096);
		sim_vreq_done(rq, 0);
	}
	if (queue == stats && vb->vb_asked && vb->vb_stat != NULL) {
		rq = vb->vb_stat;
		vb->vb_stat = NULL;
		vb->vb_asked = false;
		sim_vreq_done(rq, 0);
	}
}

static void
sim_vballoon_reset(void *arg)
{
	struct sim_vballoon *vb = arg;

	vb->vb_npfn = 0;
	vb->vb_stat = NULL;
}

static const struct sim_model sim_vballoon_model = {
	.mo_name = "vballoon", .mo_type = 5, .mo_nqueue = 5,
	.mo_kick = sim_vballoon_kick, .mo_reset = sim_vballoon_reset,
	.mo_free = free
};

struct sim_vballoon *
sim_vballoon_create(struct sim *s, const struct sim_vdev_cfg *vc,
    uint64_t features)
{
	struct sim_vballoon *vb = calloc(1, sizeof(*vb));

	vb->vb_dev = sim_vdev_create(s, vc, &sim_vballoon_model, vb, features);
	return vb;
}

void
sim_vballoon_target(struct sim_vballoon *vb, uint32_t npg)
{
	memcpy(sim_vdev_config(vb->vb_dev), &npg, 4);
	sim_vdev_changed(vb->vb_dev);
}

void
sim_vballoon_ask(struct sim_vballoon *vb)
{
	vb->vb_asked = true;
	sim_vdev_hold(vb->vb_dev, false);
}
