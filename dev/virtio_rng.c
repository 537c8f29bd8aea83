/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_rng -- virtio entropy device (virtio 1.2, section 5.4).
 *
 * One queue, one buffer.  A question shows the buffer to the device, which
 * fills as much of it as it likes, when it likes; the bytes are copied to
 * private memory before anybody looks at them.
 *
 *	ro_ask --> [ buffer in flight ] --> interrupt --> rn_recv
 *
 * sc_asked is set from the question until its answer was handed over, so the
 * private copy has one user.
 */

#include <pv/pv.h>

#include "str.h"
#include "virtio.h"

/* ---- State ------------------------------------------------------------- */

struct virtio_rng_softc {
	struct pv_dev	*sc_dev;
	struct pv_rng	 sc_rng;
	struct virtio_queue sc_queue;
	struct pv_lock	 sc_lock;
	bool		 sc_open;	/* takes questions */
	bool		 sc_up;		/* announced */
	bool		 sc_asked;
	void		*sc_page;	/* shown to the device */
	uint8_t		 sc_copy[PV_RNG_MAX];
	unsigned int	 sc_unit;
	char		 sc_name[12];	/* "vtrng0" */
};

static unsigned int virtio_rng_units;	/* bits: names in use */

static const struct pv_rng_ops virtio_rng_ops;

/* ---- Attach ------------------------------------------------------------ */

static int
virtio_rng_name(struct virtio_rng_softc *sc)
{
	struct strbuf sb;
	unsigned int u;

	for (u = 0; u < 32 && (virtio_rng_units >> u & 1) != 0; u++)
		;
	if (u == 32)
		return -PV_ENOSPC;
	virtio_rng_units |= 1u << u;
	sc->sc_unit = u;
	str_begin(&sb, sc->sc_name, sizeof(sc->sc_name));
	str_add(&sb, "vtrng");
	str_addu(&sb, u);
	return 0;
}

static int
virtio_rng_attach(void *arg, struct pv_dev *dev)
{
	struct virtio_rng_softc *sc = arg;

	sc->sc_dev = dev;
	sc->sc_page = pv_pages_alloc(dev, 1);
	if (sc->sc_page == NULL)
		return -PV_ENOMEM;
	if (virtio_rng_name(sc) != 0) {
		pv_pages_free(dev, sc->sc_page, 1);
		return -PV_ENOSPC;
	}
	sc->sc_rng.rn_name = sc->sc_name;
	sc->sc_rng.rn_ops = &virtio_rng_ops;
	sc->sc_rng.rn_sc = sc;
	return 0;
}

static void
virtio_rng_detach(void *arg)
{
	struct virtio_rng_softc *sc = arg;

	if (!sc->sc_dev->pd_kept)
		pv_pages_free(sc->sc_dev, sc->sc_page, 1);
	virtio_rng_units &= ~(1u << sc->sc_unit);
}

/* ---- Questions --------------------------------------------------------- */

/* Class entry; Context: any. */
static int
virtio_rng_ask(void *arg, size_t len)
{
	struct virtio_rng_softc *sc = arg;
	struct vq_piece vp;
	bool kick = false;
	int rv = -PV_ENXIO;

	if (len == 0 || len > PV_RNG_MAX)
		return -PV_EINVAL;
	pv_lock(&sc->sc_lock);
	if (sc->sc_open && sc->sc_asked)
		rv = -PV_EBUSY;
	else if (sc->sc_open) {
		vp.vp_da = vq_cell_pa(sc->sc_page);
		vp.vp_len = (uint32_t)len;
		vp.vp_dir = PV_PEER_WRITES;
		rv = vq_add(&sc->sc_queue.vn_vq, &vp, 1, sc);
	}
	if (rv == 0) {
		sc->sc_asked = true;
		kick = vq_push(&sc->sc_queue.vn_vq);
	}
	pv_unlock(&sc->sc_lock);
	if (kick)
		virtio_queue_kick(&sc->sc_queue);
	return rv;
}

/* ---- Answers ----------------------------------------------------------- */

/* One answer: 1 with its length, 0 none, -PV_EPROTO a lie. */
static int
virtio_rng_complete(struct virtio_rng_softc *sc, uint32_t *len)
{
	void *cookie;
	int rv;

	pv_lock(&sc->sc_lock);
	rv = sc->sc_open ? vq_get(&sc->sc_queue.vn_vq, &cookie, len) : 0;
	/* peer: it must give one byte at least (5.4.6.2). */
	if (rv == 1 && *len == 0)
		rv = -PV_EPROTO;
	if (rv == 1)
		shm_copy_in(sc->sc_copy, sc->sc_page, *len);
	pv_unlock(&sc->sc_lock);
	return rv;
}

/* Context: deferred. */
static bool
virtio_rng_intr(void *arg)
{
	struct virtio_rng_softc *sc = arg;
	struct pv_rng *rn = &sc->sc_rng;
	uint32_t len = 0;
	bool more;
	int rv = virtio_rng_complete(sc, &len);

	if (rv < 0) {
		pv_dev_fail(sc->sc_dev, "used ring");
		return false;
	}
	if (rv == 0)
		sc->sc_dev->pd_nspurious++;
	if (rv == 1) {
		rn->rn_nbyte += len;
		if (rn->rn_recv != NULL)
			rn->rn_recv(rn, sc->sc_copy, len);
	}
	pv_lock(&sc->sc_lock);
	if (rv == 1)
		sc->sc_asked = false;
	more = sc->sc_open && vq_rearm(&sc->sc_queue.vn_vq);
	pv_unlock(&sc->sc_lock);
	return more;
}

/* ---- Connection -------------------------------------------------------- */

static int
virtio_rng_connect(void *arg)
{
	struct virtio_rng_softc *sc = arg;
	int rv = virtio_negotiate(sc->sc_dev, 0);

	if (rv != 0)
		return rv;
	return virtio_queue_create(sc->sc_dev, &sc->sc_queue, 0,
	    virtio_rng_intr, sc);
}

static int
virtio_rng_start(void *arg)
{
	struct virtio_rng_softc *sc = arg;

	sc->sc_asked = false;
	sc->sc_open = true;
	sc->sc_up = true;
	if (sc->sc_dev->pd_client->pc_rng_up != NULL)
		sc->sc_dev->pd_client->pc_rng_up(&sc->sc_rng);
	return 0;
}

static void
virtio_rng_disconnect(void *arg)
{
	struct virtio_rng_softc *sc = arg;

	pv_lock(&sc->sc_lock);
	sc->sc_open = false;
	pv_unlock(&sc->sc_lock);
	if (virtio_stop(sc->sc_dev) == 0 && sc->sc_queue.vn_live) {
		(void)vq_drain(&sc->sc_queue.vn_vq);
		virtio_queue_destroy(&sc->sc_queue);
	}
	if (sc->sc_up && sc->sc_dev->pd_client->pc_rng_down != NULL)
		sc->sc_dev->pd_client->pc_rng_down(&sc->sc_rng);
	sc->sc_rng.rn_recv = NULL;
	sc->sc_up = false;
}

/* ---- Driver ------------------------------------------------------------ */

static const struct pv_rng_ops virtio_rng_ops = {
	.ro_ask = virtio_rng_ask,
};

const struct pv_driver virtio_rng_driver = {
	.dv_name = "virtio_rng",
	.dv_match = "virtio,4",
	.dv_scsize = sizeof(struct virtio_rng_softc),
	.dv_attach = virtio_rng_attach,
	.dv_detach = virtio_rng_detach,
	.dv_connect = virtio_rng_connect,
	.dv_start = virtio_rng_start,
	.dv_disconnect = virtio_rng_disconnect,
	.dv_load = "virtio_random_load",
};
