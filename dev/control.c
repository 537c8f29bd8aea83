/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control -- what the toolstack asks of the domain as a whole.
 *
 * One node, "control/shutdown".  The toolstack writes a word there; who obeys
 * empties the node, which is the acknowledgement, and then does it.  Reading
 * and emptying are one transaction, so that of two words none is lost.  The
 * watch fires for our own emptying too, and at its registration: an empty
 * node asks for nothing.  Words that we do not know are told of once and left
 * standing: so the toolstack sees that nobody answers.
 *
 * "control/sysrq" is a node of the same kind, for a key: what the operator
 * would press on a keyboard.
 *
 * "control/feature-poweroff", "-reboot" and "-suspend" tell beforehand that we
 * shall answer; a toolstack without them may choose to destroy the domain
 * instead.  A resumed domain has new nodes: it connects anew, and tells again.
 * Protocol: docs/misc/xenstore-paths.pandoc of Xen.
 */

#include <pv/pv.h>

#include "str.h"
#include "xenbus.h"

/* ---- Wire -------------------------------------------------------------- */

#define CONTROL_NODE	"control/shutdown"
#define CONTROL_SYSRQ	"control/sysrq"
#define CONTROL_WORD	32	/* bytes of a word that could be ours */

static const struct control_word {
	const char	*cw_word;
	enum pv_control_op cw_op;
	const char	*cw_feature;	/* the node that promises it, or NULL */
} control_words[] = {
	{ "poweroff", PV_CONTROL_POWEROFF, "feature-poweroff" },
	{ "reboot", PV_CONTROL_REBOOT, "feature-reboot" },
	{ "halt", PV_CONTROL_HALT, NULL },
	{ "crash", PV_CONTROL_CRASH, NULL },
	{ "suspend", PV_CONTROL_SUSPEND, "feature-suspend" },
};

/* ---- State ------------------------------------------------------------- */

struct control_softc {
	struct pv_dev	*sc_dev;
	struct xs_watch	 sc_watch, sc_sysrq;
	char		 sc_key[2];	/* and its NUL */
	/* the word of the transaction that runs */
	char		 sc_word[CONTROL_WORD];
	const struct control_word *sc_found;
};

/* ---- Attach ------------------------------------------------------------ */

static int
control_attach(void *softc, struct pv_dev *dev)
{
	struct control_softc *sc = softc;

	sc->sc_dev = dev;
	return 0;
}

static void
control_detach(void *softc)
{
}

/* ---- The request ------------------------------------------------------- */

static bool
control_can(const struct control_softc *sc, const struct control_word *cw)
{
	return cw->cw_op != PV_CONTROL_SUSPEND ||
	    sc->sc_dev->pd_client->pc_suspends;
}

/* What a word asks for that we can do, or NULL. */
static const struct control_word *
control_find(const struct control_softc *sc, const char *word)
{
	size_t i;

	for (i = 0; i < PV_NELEM(control_words); i++)
		if (str_eq(word, control_words[i].cw_word) &&
		    control_can(sc, &control_words[i]))
			return &control_words[i];
	return NULL;
}

/* One try of the transaction: read the word, and empty it when it is ours. */
static int
control_take(void *softc, const struct xs_trans *xt)
{
	struct control_softc *sc = softc;
	struct xen *x = xenbus_xen(sc->sc_dev);
	int rv;

	sc->sc_found = NULL;
	sc->sc_word[0] = '\0';
	rv = xs_read(x, xt, CONTROL_NODE, sc->sc_word, sizeof(sc->sc_word),
	    NULL);
	if (rv == -PV_ENOENT)
		return 0;
	if (rv < 0)
		return rv;
	sc->sc_found = control_find(sc, sc->sc_word);
	if (sc->sc_found == NULL)
		return 0;
	return xs_write(x, xt, CONTROL_NODE, "", 0);
}

/* Context: thread; the watch's. */
static void
control_changed(void *softc, const char *path)
{
	struct control_softc *sc = softc;
	int rv;

	rv = xs_transact(xenbus_xen(sc->sc_dev), control_take, sc);
	if (rv < 0) {
		pv_log(sc->sc_dev, PV_LOG_WARN, "can not read or acknowledge "
		    CONTROL_NODE " (error %d)", -rv);
		return;
	}
	if (sc->sc_word[0] == '\0')
		return;
	/* peer: may write anything there. */
	str_sanitise(sc->sc_word, str_len(sc->sc_word));
	if (sc->sc_found == NULL) {
		pv_log(sc->sc_dev, PV_LOG_WARN, "\"%s\" is not supported",
		    sc->sc_word);
		return;
	}
	pv_log(sc->sc_dev, PV_LOG_INFO, "%s requested", sc->sc_word);
	sc->sc_dev->pd_client->pc_control(sc->sc_found->cw_op);
}

/* ---- Keys -------------------------------------------------------------- */

/* One try of the transaction: read the key and empty the node. */
static int
control_take_key(void *softc, const struct xs_trans *xt)
{
	struct control_softc *sc = softc;
	struct xen *x = xenbus_xen(sc->sc_dev);
	int rv;

	sc->sc_key[0] = '\0';
	rv = xs_read(x, xt, CONTROL_SYSRQ, sc->sc_key, sizeof(sc->sc_key),
	    NULL);
	if (rv == -PV_ENOENT)
		return 0;
	/* peer: more than a key is none, and is done with all the same. */
	if (rv < 0 && rv != -PV_E2BIG)
		return rv;
	if (rv == 0 && sc->sc_key[0] == '\0')
		return 0;
	return xs_write(x, xt, CONTROL_SYSRQ, "", 0);
}

/* Context: thread; the watch's. */
static void
control_pressed(void *softc, const char *path)
{
	struct control_softc *sc = softc;
	int rv;

	rv = xs_transact(xenbus_xen(sc->sc_dev), control_take_key, sc);
	if (rv < 0)
		pv_log(sc->sc_dev, PV_LOG_WARN, "can not read or acknowledge "
		    CONTROL_SYSRQ " (error %d)", -rv);
	else if (sc->sc_key[0] > ' ' && sc->sc_key[0] <= '~')
		sc->sc_dev->pd_client->pc_sysrq(sc->sc_key[0]);
}

/* ---- Connection -------------------------------------------------------- */

/* What we shall answer to.  Not every toolstack lets us say so. */
static void
control_promise(struct control_softc *sc)
{
	struct xen *x = xenbus_xen(sc->sc_dev);
	size_t i;
	int rv;

	for (i = 0; i < PV_NELEM(control_words); i++) {
		if (control_words[i].cw_feature == NULL ||
		    !control_can(sc, &control_words[i]))
			continue;
		rv = xs_write_num(x, XS_NOTRANS, "control",
		    control_words[i].cw_feature, 1);
		if (rv < 0)
			pv_log(sc->sc_dev, PV_LOG_DEBUG, "can not write %s "
			    "(error %d)", control_words[i].cw_feature, -rv);
	}
}

static int
control_connect(void *softc)
{
	return 0;
}

/* Keys, if somebody wants them. */
static int
control_listen(struct control_softc *sc)
{
	if (sc->sc_dev->pd_client->pc_sysrq == NULL)
		return 0;
	sc->sc_sysrq.xw_dev = sc->sc_dev;
	return xs_watch(xenbus_xen(sc->sc_dev), &sc->sc_sysrq, CONTROL_SYSRQ,
	    control_pressed, sc);
}

static int
control_start(void *softc)
{
	struct control_softc *sc = softc;
	int rv;

	rv = control_listen(sc);
	if (rv < 0)
		return rv;
	if (sc->sc_dev->pd_client->pc_control == NULL)
		return 0;	/* nobody to obey */
	control_promise(sc);
	sc->sc_watch.xw_dev = sc->sc_dev;
	return xs_watch(xenbus_xen(sc->sc_dev), &sc->sc_watch, CONTROL_NODE,
	    control_changed, sc);
}

static void
control_disconnect(void *softc)
{
	struct control_softc *sc = softc;

	xs_unwatch(&sc->sc_watch);
	xs_unwatch(&sc->sc_sysrq);
}

/* ---- Driver ------------------------------------------------------------ */

const struct pv_driver control_driver = {
	.dv_name = "control",
	.dv_match = "control",
	.dv_scsize = sizeof(struct control_softc),
	.dv_attach = control_attach,
	.dv_detach = control_detach,
	.dv_connect = control_connect,
	.dv_start = control_start,
	.dv_disconnect = control_disconnect,
};
