/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_evil_virtio_more.c -- entropy, console, balloon and SCSI devices: first
 * honest ones, with data compared, then ones that lie.  Whatever the lie, the
 * device breaks or is refused or works on, it is let go, nothing leaks, and it
 * works when it is honest.
 */

#include <stdio.h>

#include "loop/vloop.h"

#include <linux/virtio_balloon.h>
#include <linux/virtio_console.h>

#include "sim_int.h"
#include "sim_vmore.h"

/* A kind of device: use says whether it works, within virtual seconds. */
struct kind {
	void	(*k_use)(struct loop *, bool must);
	struct sim_vdev *k_dev;
	void	*k_sim;
};

static struct kind kind;

static void use_rng(struct loop *, bool), use_scsi(struct loop *, bool);
static void use_balloon(struct loop *, bool);

static void
until(struct loop *l, unsigned int ms)
{
	sim_run(l->l_sim, (uint64_t)ms * 1000 * 1000);
}

/* What must become of a device that tells a lie. */
enum end { BREAKS, HARMLESS, EITHER };

struct lie {
	enum sim_lie	 li_lie;
	enum end	 li_end;
	/* Devices that have the occasion; NULL: all. */
	bool		 (*li_told)(const struct sim_vdev_cfg *);
};

static bool
by_modern(const struct sim_vdev_cfg *vc)
{
	return vc->vc_bus == SIM_VBUS_PCI || vc->vc_bus == SIM_VBUS_MMIO;
}

static bool
by_pci(const struct sim_vdev_cfg *vc)
{
	return vc->vc_bus == SIM_VBUS_PCI || vc->vc_bus == SIM_VBUS_LEGACY;
}

static bool
by_messages(const struct sim_vdev_cfg *vc)
{
	return by_pci(vc) && (vc->vc_flags & SIM_V_NOMSIX) == 0;
}

static bool
by_split(const struct sim_vdev_cfg *vc)
{
	return (vc->vc_flags & SIM_V_PACKED) == 0;
}

/*
 * A balloon's device writes to none of its chains; in a packed ring their
 * lengths mean nothing then.
 */
static bool
by_lengths(const struct sim_vdev_cfg *vc)
{
	return by_split(vc) || kind.k_use != use_balloon;
}

static bool
by_scsi(const struct sim_vdev_cfg *vc)
{
	(void)vc;
	return kind.k_use == use_scsi;
}

/* The entropy device has no configuration. */
static bool
by_configured(const struct sim_vdev_cfg *vc)
{
	(void)vc;
	return kind.k_use != use_rng;
}

/* A SCSI adapter's lengths are cut: QEMU's count wrongly. */
static enum end
end_of(const struct lie *li)
{
	if (li->li_lie == SIM_EVIL_USED_LEN_HUGE && kind.k_use == use_scsi)
		return EITHER;
	return li->li_end;
}

/* Let go, the device is found anew and works. */
static void
works_again(struct loop *l)
{
	vloop_detach(l);
	assert_int_equal(vloop_attach(l), 1);
	until(l, 2000);
	kind.k_use(l, true);
	vloop_detach(l);
}

static void
ended(struct loop *l, const struct lie *li)
{
	const char *state = loop_state(l, vloop_name(kind.k_dev));

	if (sim_evil_told(l->l_sim, li->li_lie) == 0)
		fail_msg("lie %d was not told", (int)li->li_lie);
	if (end_of(li) != EITHER && strcmp(state, end_of(li) == BREAKS ?
	    "broken" : "connected") != 0)
		fail_msg("lie %d: the device is %s", (int)li->li_lie, state);
}

/* Told while the device is in use. */
static void
lie_in_use(struct loop *l, const struct lie *li)
{
	unsigned int i;

	fprintf(stderr, "in use: lie %d\n", (int)li->li_lie);
	assert_int_equal(vloop_attach(l), 1);
	until(l, 2000);
	sim_evil(l->l_sim, li->li_lie, sim_rand(3));
	for (i = 0; i < 10 && sim_evil_told(l->l_sim, li->li_lie) == 0; i++)
		kind.k_use(l, end_of(li) == HARMLESS);
	until(l, 5000);
	ended(l, li);
	sim_honest(l->l_sim, li->li_lie);
	works_again(l);
}

/* Interrupts without end, of all queues, for a while. */
static void
storm(struct loop *l)
{
	static const struct lie li = { SIM_EVIL_EVENT_STORM, HARMLESS, NULL };

	assert_int_equal(vloop_attach(l), 1);
	until(l, 2000);
	sim_evil(l->l_sim, li.li_lie, 0);
	sim_vdev_hold(kind.k_dev, false);	/* a step comes */
	until(l, 50);
	ended(l, &li);
	sim_honest(l->l_sim, li.li_lie);
	kind.k_use(l, true);
	vloop_detach(l);
}

/* Told from the start. */
static void
lie_at_start(struct loop *l, const struct lie *li)
{
	fprintf(stderr, "from the start: lie %d\n", (int)li->li_lie);
	sim_evil(l->l_sim, li->li_lie, 0);
	assert_int_equal(vloop_attach(l),
	    li->li_lie != SIM_EVIL_BAR_TOO_SMALL);
	until(l, 5000);
	if (li->li_lie != SIM_EVIL_BAR_TOO_SMALL)
		ended(l, li);
	kind.k_use(l, false);
	assert_true(sim_evil_told(l->l_sim, li->li_lie) > 0);
	sim_honest(l->l_sim, li->li_lie);
	works_again(l);
}

static void
all_lies(struct loop *l)
{
	static const struct lie in_use[] = {
		{ SIM_EVIL_USED_ID_RANGE, BREAKS, NULL },
		{ SIM_EVIL_USED_ID_NOT_HEAD, BREAKS, NULL },
		{ SIM_EVIL_USED_ID_TWICE, BREAKS, NULL },
		{ SIM_EVIL_USED_LEN_HUGE, BREAKS, by_lengths },
		{ SIM_EVIL_USED_IDX_JUMP, BREAKS, NULL },
		{ SIM_EVIL_DESC_REWRITTEN, HARMLESS, NULL },
		{ SIM_EVIL_AVAIL_REWRITTEN, HARMLESS, by_split },
		{ SIM_EVIL_RSP_CHANGED_AFTER_READ, HARMLESS, NULL },
		{ SIM_EVIL_RSP_STATUS_WILD, EITHER, by_scsi },
		{ SIM_EVIL_NEEDS_RESET, EITHER, NULL },
		{ SIM_EVIL_EVENT_SPURIOUS, HARMLESS, NULL },
		{ SIM_EVIL_EVENT_LOST, EITHER, NULL },
	};
	static const struct lie at_start[] = {
		{ SIM_EVIL_QUEUE_MAX_ZERO, BREAKS, NULL },
		{ SIM_EVIL_QUEUE_MAX_ODD, BREAKS, NULL },
		{ SIM_EVIL_FEATURES_OK_REFUSED, BREAKS, by_modern },
		{ SIM_EVIL_VECTOR_REFUSED, BREAKS, by_messages },
		{ SIM_EVIL_BAR_TOO_SMALL, EITHER, by_pci },
		{ SIM_EVIL_CONFIG_TORN, EITHER, by_configured },
		{ SIM_EVIL_FEATURES_CHANGE, EITHER, NULL },
	};
	struct sim_vdev_cfg vc = vloop_cfg(l);
	unsigned int i;

	for (i = 0; i < PV_NELEM(in_use); i++) {
		if (in_use[i].li_told == NULL || in_use[i].li_told(&vc))
			lie_in_use(l, &in_use[i]);
	}
	for (i = 0; i < PV_NELEM(at_start); i++) {
		if (at_start[i].li_told == NULL || at_start[i].li_told(&vc))
			lie_at_start(l, &at_start[i]);
	}
	storm(l);
	/* The last: its memory is never given back, but counted. */
	assert_int_equal(vloop_attach(l), 1);
	until(l, 2000);
	kind.k_use(l, true);
	sim_evil(l->l_sim, SIM_EVIL_RESET_NEVER, 0);
	vloop_detach(l);
	assert_true(sim_evil_told(l->l_sim, SIM_EVIL_RESET_NEVER) > 0);
	assert_true(sim_npage(l->l_sim) > 0);
}

static void
honest(struct loop *l)
{
	assert_int_equal(vloop_attach(l), 1);
	until(l, 2000);
	kind.k_use(l, true);
	assert_string_equal(loop_state(l, vloop_name(kind.k_dev)),
	    "connected");
}

/* ---- entropy ------------------------------------------------------------ */

static void
use_rng(struct loop *l, bool must)
{
	size_t before = l->l_nrandom;
	unsigned int i;

	for (i = 0; i < 5 && l->l_rng != NULL; i++) {
		(void)pv_rng_ask(l->l_rng, 40);
		until(l, 100);
	}
	if (must)
		assert_in_range(l->l_nrandom - before, 5, 200);
}

static struct sim_vrng *
make_rng(struct loop *l)
{
	struct sim_vdev_cfg vc = vloop_cfg(l);
	struct sim_vrng *vr = sim_vrng_create(l->l_sim, &vc);

	kind.k_use = use_rng;
	kind.k_dev = vr->vr_dev;
	return vr;
}

VLOOP_TEST(rng_honest)
{
	make_rng(l);
	honest(l);
	assert_int_equal(pv_rng_ask(l->l_rng, 0), -PV_EINVAL);
	assert_int_equal(pv_rng_ask(l->l_rng, PV_RNG_MAX + 1), -PV_EINVAL);
	sim_vdev_hold(kind.k_dev, true);
	assert_int_equal(pv_rng_ask(l->l_rng, 8), 0);
	assert_int_equal(pv_rng_ask(l->l_rng, 8), -PV_EBUSY);
}

VLOOP_TEST(rng_lies)
{
	make_rng(l);
	all_lies(l);
}

VLOOP_TEST(rng_without_a_byte)
{
	struct sim_vrng *vr = make_rng(l);

	assert_int_equal(vloop_attach(l), 1);
	until(l, 2000);
	vr->vr_empty = true;
	assert_int_equal(pv_rng_ask(l->l_rng, 8), 0);
	/* Of answers in one batch only the last has a length of its own. */
	assert_true(loop_wait_state(l, vloop_name(vr->vr_dev), "broken"));
	assert_null(l->l_rng);
}

/* ---- console ------------------------------------------------------------ */

static void
use_cons(struct loop *l, bool must)
{
	static const char text[] = "some lines of text, again and again\n";
	struct sim_vcons *vc = kind.k_sim;
	unsigned int i, n = 0;
	int rv;

	vc->vc_nout = 0;
	l->l_ninput = 0;
	l->l_take = sizeof(l->l_input);
	for (i = 0; i < 100 && n < 3000 && l->l_cons != NULL; i++) {
		rv = pv_cons_write(l->l_cons, text + n % 36, 36 - n % 36);
		if (rv < 0)
			break;
		n += (unsigned int)rv;
		until(l, 5);
	}
	sim_vcons_type(vc, text, 36);
	until(l, 500);
	if (!must) {
		sim_vcons_type(vc, NULL, 0);
		return;
	}
	assert_int_equal(vc->vc_nout, n);
	assert_true(n >= 3000);
	for (i = 0; i < n; i++)
		assert_int_equal(vc->vc_out[i], text[i % 36]);
	assert_int_equal(l->l_ninput, 36);
	assert_memory_equal(l->l_input, text, 36);
}

static struct sim_vcons *
make_cons(struct loop *l)
{
	struct sim_vdev_cfg cfg = vloop_cfg(l);
	struct sim_vcons *vc = sim_vcons_create(l->l_sim, &cfg);

	kind.k_use = use_cons;
	kind.k_dev = vc->vc_dev;
	kind.k_sim = vc;
	return vc;
}

VLOOP_TEST(cons_honest)
{
	struct sim_vcons *vc = make_cons(l);
	struct pv_cons *cn;

	honest(l);
	cn = l->l_cons;
	assert_string_equal(cn->cn_label, "na?me");
	assert_int_equal(cn->cn_flags, PV_CONS_CONSOLE | PV_CONS_OPEN);
	assert_true(vc->vc_opened);
	/* A host that does not listen is written nothing. */
	sim_vcons_tell(vc, 1, VIRTIO_CONSOLE_PORT_OPEN, 0, NULL);
	until(l, 500);
	assert_int_equal(cn->cn_flags, PV_CONS_CONSOLE);
	assert_int_equal(pv_cons_write(cn, "x", 1), 0);
	sim_vcons_tell(vc, 1, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL);
	until(l, 500);
	use_cons(l, true);
	/* The port goes and comes back. */
	sim_vcons_tell(vc, 1, VIRTIO_CONSOLE_PORT_REMOVE, 1, NULL);
	until(l, 500);
	assert_null(l->l_cons);
	sim_vcons_tell(vc, 1, VIRTIO_CONSOLE_PORT_ADD, 1, NULL);
	until(l, 500);
	use_cons(l, true);
}

VLOOP_TEST(cons_lies)
{
	make_cons(l);
	all_lies(l);
}

/* Messages that make no sense are not followed. */
VLOOP_TEST(cons_messages)
{
	struct sim_vcons *vc = make_cons(l);
	unsigned int i;

	assert_int_equal(vloop_attach(l), 1);
	until(l, 2000);
	for (i = 0; i < 100; i++) {
		sim_vcons_tell(vc, sim_rand(3) == 0 ? UINT32_MAX :
		    sim_rand(4) == 0 ? 2 : 1, (uint16_t)(4 + sim_rand(20)),
		    1, i % 2 == 0 ? "\xff\x01" : NULL);
		until(l, 5);
	}
	until(l, 1000);
	use_cons(l, true);
}

/* ---- balloon ------------------------------------------------------------- */

static void
use_balloon(struct loop *l, bool must)
{
	struct sim_vballoon *vb = kind.k_sim;

	l->l_spare = 400;
	sim_vballoon_target(vb, 300);
	until(l, 3000);
	if (must) {
		assert_int_equal(vb->vb_npfn, 300);
		assert_int_equal(l->l_balloon->bl_held, 300);
	}
	sim_vballoon_ask(vb);
	sim_vballoon_target(vb, 100);
	until(l, 3000);
	if (must) {
		assert_int_equal(vb->vb_npfn, 100);
		assert_int_equal(l->l_balloon->bl_held, 100);
	}
	sim_vballoon_target(vb, 0);
	until(l, 3000);
	if (must)
		assert_int_equal(vb->vb_npfn, 0);
}

static struct sim_vballoon *
make_balloon(struct loop *l, uint64_t features)
{
	struct sim_vdev_cfg vc = vloop_cfg(l);
	struct sim_vballoon *vb = sim_vballoon_create(l->l_sim, &vc,
	    features | 1ull << VIRTIO_BALLOON_F_STATS_VQ);

	kind.k_use = use_balloon;
	kind.k_dev = vb->vb_dev;
	kind.k_sim = vb;
	return vb;
}

VLOOP_TEST(balloon_honest)
{
	struct sim_vballoon *vb = make_balloon(l, 0);

	honest(l);
	/* More than can be spared: what can, and the rest when it can. */
	l->l_spare = 50;
	sim_vballoon_target(vb, 80);
	until(l, 3000);
	assert_int_equal(vb->vb_npfn, 50);
	l->l_spare = 100;
	until(l, 3000);
	assert_int_equal(vb->vb_npfn, 80);
	/* Without the feature it is not emptied because we want it. */
	l->l_balloon->bl_ops->bo_deflate(l->l_balloon->bl_sc, 10);
	until(l, 3000);
	assert_int_equal(vb->vb_npfn, 80);
	/* Statistics are those of the moment after the last question. */
	sim_vballoon_ask(vb);
	until(l, 500);
	assert_int_equal(vb->vb_free, 4096ull * l->l_spare);
	/* A reset ends the balloon, and it is filled anew. */
	sim_vdev_lost(vb->vb_dev);
	until(l, 5000);
	assert_int_equal(vb->vb_npfn, 80);
}

VLOOP_TEST(balloon_oom)
{
	struct sim_vballoon *vb = make_balloon(l,
	    1ull << VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	uint64_t nout;

	honest(l);
	l->l_spare = 80;
	sim_vballoon_target(vb, 80);
	until(l, 3000);
	nout = l->l_balloon->bl_nout;
	l->l_balloon->bl_ops->bo_deflate(l->l_balloon->bl_sc, 10);
	until(l, 900);
	assert_int_equal(l->l_balloon->bl_nout, nout + 10);
}

VLOOP_TEST(balloon_reports)
{
	struct sim_vballoon *vb = make_balloon(l,
	    1ull << VIRTIO_BALLOON_F_REPORTING);

	l->l_spare = 20;
	assert_int_equal(vloop_attach(l), 1);
	until(l, 10000);
	assert_int_equal(vb->vb_nblock, 20);
	assert_int_equal(l->l_balloon->bl_nreport, 20);
}

VLOOP_TEST(balloon_lies)
{
	make_balloon(l, 0);
	all_lies(l);
}

/* ---- SCSI ---------------------------------------------------------------- */

static void
use_scsi(struct loop *l, bool must)
{
	struct sim_vscsi *vs = kind.k_sim;
	uint8_t *buf = loop_pages(4);
	unsigned int i;
	int rv;

	if (must)
		assert_true(loop_blks(l, vs->vs_nlun));
	for (i = 0; i < 6 && l->l_blk[i % SIM_VSCSI_NLUN] != NULL; i++) {
		loop_fill(buf, 16384, i + 1);
		rv = loop_io(l, l->l_blk[i % SIM_VSCSI_NLUN], PV_BLK_WRITE,
		    i * 8, buf, 4096 * (1 + i % 4));
		assert_int_not_equal(rv, LOOP_NEVER);
		if (!must)
			continue;
		assert_int_equal(rv, 0);
		memset(buf, 0, 16384);
		assert_int_equal(loop_io(l, l->l_blk[i % SIM_VSCSI_NLUN],
		    PV_BLK_READ, i * 8, buf, 4096 * (1 + i % 4)), 0);
		assert_memory_equal(vs->vs_data[i % SIM_VSCSI_NLUN] + i * 4096,
		    buf, 4096 * (1 + i % 4));
	}
	loop_pages_free(buf, 4);
}

static struct sim_vscsi *
make_scsi(struct loop *l)
{
	struct sim_vdev_cfg vc = vloop_cfg(l);
	struct sim_vscsi *vs = sim_vscsi_create(l->l_sim, &vc, SIM_VSCSI_NLUN,
	    256);

	kind.k_use = use_scsi;
	kind.k_dev = vs->vs_dev;
	kind.k_sim = vs;
	return vs;
}

VLOOP_TEST(scsi_honest)
{
	struct sim_vscsi *vs = make_scsi(l);

	honest(l);
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_FLUSH, 0, NULL, 0), 0);
	/* Asked again where a unit says so. */
	vs->vs_attention = 3;
	use_scsi(l, true);
	/* A unit grows, and one goes. */
	vs->vs_nsect = 300;
	sim_vscsi_event(vs);
	until(l, 2000);
	assert_int_equal(l->l_nresized, SIM_VSCSI_NLUN);
	assert_int_equal(l->l_blk[0]->bk_nsect, 300);
	vs->vs_nlun = 2;
	sim_vscsi_event(vs);
	until(l, 2000);
	assert_int_equal(l->l_nblk, 2);
	vs->vs_nlun = 3;
	sim_vscsi_event(vs);
	until(l, 2000);
	use_scsi(l, true);
}

VLOOP_TEST(scsi_lies)
{
	make_scsi(l);
	all_lies(l);
}

/* Commands without an answer are aborted; then the unit works again. */
VLOOP_TEST(scsi_abort)
{
	struct sim_vscsi *vs = make_scsi(l);
	uint8_t *buf = loop_pages(1);

	loop_set(l, "hw.vtscsi.timeout", "2");
	honest(l);
	vs->vs_mute = true;
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf, 4096),
	    -PV_EIO);
	assert_int_equal(vs->vs_nabort, 1);
	vs->vs_mute = false;
	use_scsi(l, true);
	loop_pages_free(buf, 1);
}

/* One that is deaf to that too is reset, and its units come back. */
VLOOP_TEST(scsi_deaf)
{
	struct sim_vscsi *vs = make_scsi(l);
	uint8_t *buf = loop_pages(1);

	loop_set(l, "hw.vtscsi.timeout", "2");
	honest(l);
	vs->vs_mute = vs->vs_deaf = true;
	assert_int_equal(loop_io(l, l->l_blk[0], PV_BLK_READ, 0, buf, 4096),
	    -PV_ENXIO);
	assert_int_equal(vs->vs_nabort, 1);
	assert_int_equal(vs->vs_nreset, 1);
	vs->vs_mute = vs->vs_deaf = false;
	until(l, 2000);
	use_scsi(l, true);
	loop_pages_free(buf, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(balloon_honest),
		cmocka_unit_test(balloon_oom),
		cmocka_unit_test(balloon_reports),
		cmocka_unit_test(scsi_honest),
		cmocka_unit_test(scsi_abort),
		cmocka_unit_test(scsi_deaf),
		cmocka_unit_test(scsi_lies),
		cmocka_unit_test(balloon_lies),
		cmocka_unit_test(cons_honest),
		cmocka_unit_test(cons_messages),
		cmocka_unit_test(cons_lies),
		cmocka_unit_test(rng_honest),
		cmocka_unit_test(rng_lies),
		cmocka_unit_test(rng_without_a_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
