/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console -- Xen's character console, front end.
 *
 * A page with two rings of bytes, one for each direction, and an event
 * channel that both sides ring when they have read or written.  The primary
 * console ("console/0") is made by the domain builder and is there from the
 * first instruction; its peer, xenconsoled, may come late, go, or never be:
 * then the ring fills and output is refused, which is all that happens.
 * Further consoles come through xenbus as other devices do; one that the
 * toolstack gave a name ("channel" in xl's configuration) is a line for data.
 * Protocol: xen/include/public/io/console.h.
 *
 *	co_write --> out ring --> peer        room again: event --> cn_ready
 *	cn_recv  <-- sc_hold <-- in ring <-- peer
 *
 * Output must work in any context, from a panic too, so it takes no lock.
 * The ring has one writer at a time: who finds sc_writer set is turned away
 * with a count of 0, as if the ring were full, and never waits.  In a panic
 * the writer may be the very thread that was interrupted; the ring is lost to
 * the panic then, and the kernel says its last words through the hypervisor.
 * A writer on its way out that sees that another was turned away has the
 * handler call cn_ready.
 *
 * Since 4.21 Xen's toolstack says in the page whether anybody reads the ring,
 * and rings when that changes.  As long as nobody does, output is refused as if
 * the ring were full, so that the consumer keeps what is newest.
 *
 * Input.  The handler alone reads.  What the consumer does not take stays in
 * sc_hold, nothing more is read until it is gone, and so the ring fills and
 * the peer stops: input can not flood us.
 *
 * peer: an index that lies further off than the ring is long breaks the
 * device, once.  Writing about that leads back here, and finds it down.
 */

#include <pv/pv.h>

#include <xen/io/console.h>

#include "bytering.h"
#include "str.h"
#include "xenbus.h"

/* ---- Wire -------------------------------------------------------------- */

PV_WIRE_OFFSET(struct xencons_interface, out, 1024);
PV_WIRE_OFFSET(struct xencons_interface, in_cons, 3072);
PV_WIRE_OFFSET(struct xencons_interface, in_prod, 3076);
PV_WIRE_OFFSET(struct xencons_interface, out_cons, 3080);
PV_WIRE_OFFSET(struct xencons_interface, out_prod, 3084);

/* A byte behind the indexes, which our headers do not have yet; 0 before. */
#define CONSOLE_CONNECTION 3088
#define CONSOLE_DISCONNECTED 1

#define CONSOLE_HOLD	64	/* bytes read ahead of the consumer */
#define CONSOLE_MOMENT	(100ull * 1000)	/* ns */
#define CONSOLE_BUDGET	16	/* times that, handled in one run */

/* ---- State ------------------------------------------------------------- */

struct console_softc {
	struct pv_dev	*sc_dev;
	struct pv_cons	 sc_cons;
	struct xencons_interface *sc_intf;
	struct xenbus_ring sc_page;	/* not of the primary console */
	struct evtchn_handler sc_eh;
	struct bytering	 sc_out;	/* who set sc_writer */
	struct bytering	 sc_in;		/* the handler */
	char		 sc_hold[CONSOLE_HOLD];
	size_t		 sc_holdoff, sc_nhold;
	uint32_t	 sc_outcons;	/* the peer's index at the last event */
	/* Words of our own that change in any context: shm.h's accessors. */
	uint32_t	 sc_up;
	uint32_t	 sc_away;	/* it was, and will be again */
	uint32_t	 sc_writer;	/* someone writes */
	bool		 sc_begun;	/* sc_out has its index; sc_writer's */
	uint32_t	 sc_turned;	/* someone else wanted to, meanwhile */
	uint32_t	 sc_want;	/* someone was given less than asked */
	bool		 sc_announced;
	char		 sc_name[16];
};

/* ---- Names ------------------------------------------------------------- */

static enum evtchn_result console_intr(void *);
static const struct pv_cons_ops console_ops;

/* ---- Attach ------------------------------------------------------------ */

/* A console that has a name is a line, known by that. */
static void
console_name(struct console_softc *sc)
{
	struct pv_cons *cn = &sc->sc_cons;

	cn->cn_flags = PV_CONS_CONSOLE | PV_CONS_OPEN;
	if (xenbus_is_singleton(sc->sc_dev))
		return;
	if (xenbus_own_str(sc->sc_dev, "name", cn->cn_label,
	    sizeof(cn->cn_label)) < 0)
		cn->cn_label[0] = '\0';
	/* peer: any bytes. */
	str_sanitise(cn->cn_label, str_len(cn->cn_label));
	if (cn->cn_label[0] != '\0')
		cn->cn_flags &= ~PV_CONS_CONSOLE;
}

/* "console/0" becomes "xencons0". */
static int
console_attach(void *softc, struct pv_dev *dev)
{
	struct console_softc *sc = softc;
	const char *p, *num = "";
	struct strbuf sb;

	sc->sc_dev = dev;
	for (p = dev->pd_name; *p != '\0'; p++)
		if (*p == '/')
			num = p + 1;
	str_begin(&sb, sc->sc_name, sizeof(sc->sc_name));
	str_add(&sb, "xencons");
	str_add(&sb, num);
	sc->sc_cons.cn_name = sc->sc_name;
	sc->sc_cons.cn_ops = &console_ops;
	sc->sc_cons.cn_sc = sc;
	return 0;
}

static void
console_detach(void *softc)
{
}

/* ---- Connection -------------------------------------------------------- */

static int
console_primary(struct console_softc *sc)
{
	struct xen *x = xenbus_xen(sc->sc_dev);
	evport_t port;
	gfn_t gfn;
	int rv;

	rv = xen_console(x, &gfn, &port);
	if (rv < 0)
		return rv;
	sc->sc_intf = xen_map_frame(x, gfn);
	if (sc->sc_intf == NULL)
		return -PV_ENOMEM;
	return evtchn_adopt(x, sc->sc_dev, port, &sc->sc_eh, console_intr, sc);
}

static int
console_write_keys(void *softc, const struct xs_trans *xt, const char *dir)
{
	struct console_softc *sc = softc;
	struct xen *x = xenbus_xen(sc->sc_dev);
	int rv;

	rv = xs_write_num(x, xt, dir, "ring-ref",
	    gref_x(sc->sc_page.xr_gref[0]));
	if (rv == 0)
		rv = xs_write_num(x, xt, dir, "port",
		    evport_x(sc->sc_eh.eh_port));
	return rv;
}

static int
console_further(struct console_softc *sc)
{
	struct pv_dev *dev = sc->sc_dev;
	int rv;

	rv = xenbus_ring_create(dev, &sc->sc_page, 1);
	if (rv < 0)
		return rv;
	sc->sc_intf = sc->sc_page.xr_va;
	rv = evtchn_alloc(xenbus_xen(dev), dev, (pv_domid_t)dev->pd_peer,
	    &sc->sc_eh, console_intr, sc);
	if (rv < 0)
		return rv;
	return xenbus_publish(dev, console_write_keys, sc);
}

static int
console_connect(void *softc)
{
	struct console_softc *sc = softc;
	struct xencons_interface *ci;
	int rv;

	console_name(sc);
	rv = xenbus_is_singleton(sc->sc_dev) ? console_primary(sc) :
	    console_further(sc);
	if (rv < 0)
		return rv;
	ci = sc->sc_intf;
	sc->sc_begun = false;
	bytering_init(&sc->sc_out, (volatile void *)ci->out, sizeof(ci->out),
	    &ci->out_prod, &ci->out_cons, true);
	bytering_init(&sc->sc_in, (volatile void *)ci->in, sizeof(ci->in),
	    &ci->in_prod, &ci->in_cons, false);
	sc->sc_nhold = 0;
	return 0;
}

static int
console_start(void *softc)
{
	struct console_softc *sc = softc;
	const struct pv_client *pc = sc->sc_dev->pd_client;

	shm_store_release32(&sc->sc_up, 1);
	shm_write32(&sc->sc_away, 0);
	if (!sc->sc_announced && pc->pc_cons_up != NULL)
		pc->pc_cons_up(&sc->sc_cons);
	else if (sc->sc_announced && sc->sc_cons.cn_ready != NULL)
		sc->sc_cons.cn_ready(&sc->sc_cons);
	sc->sc_announced = true;
	evtchn_again(&sc->sc_eh);	/* input that came before cn_recv */
	return 0;
}

static void
console_withdraw(struct console_softc *sc)
{
	const struct pv_client *pc = sc->sc_dev->pd_client;

	if (sc->sc_announced && pc->pc_cons_down != NULL)
		pc->pc_cons_down(&sc->sc_cons);
	sc->sc_announced = false;
	sc->sc_cons.cn_recv = NULL;
	sc->sc_cons.cn_ready = NULL;
}

/*
 * The console stays, its peer is gone: who writes now is turned away, and who
 * was writing is waited for; that does not last.
 */
static void
console_quiesce(struct console_softc *sc)
{
	struct pv_os_event never = { 0 };

	shm_mb();
	while (shm_read32(&sc->sc_writer) != 0)
		(void)pv_wait(&never, pv_now() + CONSOLE_MOMENT);
}

static void
console_disconnect(void *softc)
{
	struct console_softc *sc = softc;
	bool hold = sc->sc_announced && pv_dev_held(sc->sc_dev);

	shm_write32(&sc->sc_away, hold);
	shm_store_release32(&sc->sc_up, 0);
	evtchn_close(&sc->sc_eh);
	/* Nobody is in console_write() any more behind this. */
	if (hold)
		console_quiesce(sc);
	else
		console_withdraw(sc);
	if (xenbus_is_singleton(sc->sc_dev) && sc->sc_intf != NULL)
		xen_unmap_frame(xenbus_xen(sc->sc_dev), sc->sc_intf);
	sc->sc_intf = NULL;
	xenbus_ring_destroy(sc->sc_dev, &sc->sc_page);
}

static void
console_fail(struct console_softc *sc)
{
	shm_store_release32(&sc->sc_up, 0);
	pv_dev_fail(sc->sc_dev, "impossible ring index");
}

/* ---- Output ------------------------------------------------------------ */

/*
 * Until the consumer first writes through us the kernel's early output may
 * be using the same ring, so its index is taken over again as late as that.
 */
static void
console_begin(struct console_softc *sc)
{
	struct xencons_interface *ci = sc->sc_intf;

	if (sc->sc_begun)
		return;
	bytering_init(&sc->sc_out, (volatile void *)ci->out, sizeof(ci->out),
	    &ci->out_prod, &ci->out_cons, true);
	sc->sc_begun = true;
}

/* Does anybody read?  peer: any other value is that of an old page. */
static bool
console_heard(const struct console_softc *sc)
{
	const uint8_t *page = (const uint8_t *)sc->sc_intf;

	return shm_read8(page + CONSOLE_CONNECTION) != CONSOLE_DISCONNECTED;
}

/*
 * Put what fits.  When that is not all, say so and look once more: the peer
 * may have made room, and rung, before it was said.
 */
static int
console_put(struct console_softc *sc, const char *buf, uint32_t len)
{
	uint32_t done = 0;
	int n, tries;

	console_begin(sc);
	for (tries = 0; tries < 2 && done < len; tries++) {
		n = !console_heard(sc) ? 0 : bytering_write(&sc->sc_out,
		    buf + done, len - done);
		if (n < 0)
			return n;
		done += (uint32_t)n;
		if (done < len)
			shm_write32(&sc->sc_want, 1);
		shm_mb();
	}
	sc->sc_cons.cn_txbyte += done;
	return (int)done;
}

/* Become the one writer, or be turned away.  Never waits. */
static bool
console_enter(struct console_softc *sc)
{
	if (shm_cas32(&sc->sc_writer, 0, 1))
		return true;
	shm_write32(&sc->sc_turned, 1);
	shm_write32(&sc->sc_want, 1);
	shm_mb();
	/* Whoever is still in there will see sc_turned when he leaves. */
	return shm_cas32(&sc->sc_writer, 0, 1);
}

/* What a writer hears of a console that is not up: it is full, or gone. */
static int
console_refusal(struct console_softc *sc)
{
	return shm_read32(&sc->sc_up) != 0 ||
	    shm_read32(&sc->sc_away) != 0 ? 0 : -PV_ENXIO;
}

/* Context: any. */
static int
console_write(void *softc, const char *buf, size_t len)
{
	struct console_softc *sc = softc;
	int rv;

	if (shm_read32(&sc->sc_up) == 0)
		return console_refusal(sc);
	if (!console_enter(sc))
		return 0;
	/* It may have gone meanwhile: see console_quiesce(). */
	if (shm_load_acquire32(&sc->sc_up) == 0 || evtchn_gone(&sc->sc_eh)) {
		shm_store_release32(&sc->sc_writer, 0);
		return console_refusal(sc);
	}
	if (len > sizeof(sc->sc_intf->out))
		len = sizeof(sc->sc_intf->out);
	rv = console_put(sc, buf, (uint32_t)len);
	shm_store_release32(&sc->sc_writer, 0);
	shm_mb();
	if (shm_cas32(&sc->sc_turned, 1, 0))
		evtchn_again(&sc->sc_eh);
	if (rv < 0) {
		console_fail(sc);
		return -PV_ENXIO;
	}
	if (rv > 0)
		evtchn_notify(&sc->sc_eh);
	return rv;
}

/* ---- Events ------------------------------------------------------------ */

/*
 * Move input to the consumer while he takes it.  Returns how often that was
 * done, or -PV_EPROTO.
 */
static int
console_input(struct console_softc *sc)
{
	struct pv_cons *cn = &sc->sc_cons;
	bool told = true;
	size_t took;
	int n, rv = 0;

	for (n = 0; n < CONSOLE_BUDGET && cn->cn_recv != NULL; n++) {
		if (sc->sc_nhold == 0) {
			rv = bytering_read(&sc->sc_in, sc->sc_hold,
			    sizeof(sc->sc_hold));
			if (rv <= 0)
				break;
			sc->sc_holdoff = 0;
			sc->sc_nhold = (size_t)rv;
			told = false;
		}
		took = cn->cn_recv(cn, sc->sc_hold + sc->sc_holdoff,
		    sc->sc_nhold);
		PV_ASSERT(took <= sc->sc_nhold);
		sc->sc_holdoff += took;
		sc->sc_nhold -= took;
		cn->cn_rxbyte += took;
		if (sc->sc_nhold > 0)
			break;
	}
	if (!told)
		evtchn_notify(&sc->sc_eh);	/* the peer waits for room */
	return rv < 0 ? rv : n;
}

/* Context: deferred. */
static enum evtchn_result
console_intr(void *arg)
{
	struct console_softc *sc = arg;
	struct pv_cons *cn = &sc->sc_cons;
	bool ready, heard, changed;
	uint32_t cons;
	int n;

	if (shm_read32(&sc->sc_up) == 0 || evtchn_gone(&sc->sc_eh))
		return EVTCHN_SPURIOUS;
	n = console_input(sc);
	if (n < 0) {
		console_fail(sc);
		return EVTCHN_DONE;
	}
	heard = console_heard(sc);
	changed = heard != ((cn->cn_flags & PV_CONS_OPEN) != 0);
	if (changed)
		cn->cn_flags ^= PV_CONS_OPEN;
	ready = heard && bytering_room(&sc->sc_out) > 0 &&
	    shm_cas32(&sc->sc_want, 1, 0);
	if (ready && cn->cn_ready != NULL)
		cn->cn_ready(cn);
	if (n == CONSOLE_BUDGET)
		return EVTCHN_MORE;
	/* An event that says only "I have read" is not without cause. */
	cons = shm_read32(sc->sc_out.by_cons);
	if (n == 0 && !ready && !changed && cons == sc->sc_outcons)
		return EVTCHN_SPURIOUS;
	sc->sc_outcons = cons;
	return EVTCHN_DONE;
}

/* The handler looks soon: it alone reads.  Context: any. */
static void
console_poll(void *softc)
{
	struct console_softc *sc = softc;

	evtchn_again(&sc->sc_eh);
}

/* ---- Driver ------------------------------------------------------------ */

static const struct pv_cons_ops console_ops = {
	.co_write = console_write,
	.co_poll = console_poll,
};

const struct pv_driver console_driver = {
	.dv_name = "console",
	.dv_match = "console",
	.dv_scsize = sizeof(struct console_softc),
	.dv_attach = console_attach,
	.dv_detach = console_detach,
	.dv_connect = console_connect,
	.dv_start = console_start,
	.dv_disconnect = console_disconnect,
};
