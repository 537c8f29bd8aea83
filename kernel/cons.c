/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cons.c -- see cons.h.
 *
 * Each port has an entry as long as it is there.  The input of a line goes
 * into a ring of its own; what does not fit stays with the peer, who is asked
 * again when somebody has read.  cons_mtx covers the table and who reads or
 * writes; a ring is under its spin lock, for input comes in deferred context.
 */

#include <string.h>

#include <arch.h>
#include <cmdline.h>
#include <cons.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <printf.h>
#include <pv/errno.h>
#include <sched.h>
#include <sync.h>
#include <tty.h>

#define CONS_MAX	16u
#define CONS_RING	4096u		/* a power of 2 */
#define CONS_POLL	(20 * NSEC_PER_MSEC)

struct cons {
	struct pv_cons	*co_cons;
	bool		 co_tty;
	struct spinlock	 co_lock;
	char		*co_ring;
	uint64_t	 co_got, co_read;
};

static struct mutex cons_mtx;
static struct cons *cons_all[CONS_MAX];

/* pv_cons.cn_recv of a line. */
static size_t
cons_recv(struct pv_cons *cn, const char *buf, size_t len)
{
	struct cons *co = cn->cn_client;
	unsigned long s = spin_lock(&co->co_lock);
	size_t i;

	for (i = 0; i < len && co->co_got - co->co_read < CONS_RING; i++)
		co->co_ring[co->co_got++ % CONS_RING] = buf[i];
	spin_unlock(&co->co_lock, s);
	return i;
}

/* Is this the console that the operator wants as his tty? */
static bool
cons_wanted(const struct pv_cons *cn)
{
	const char *name = cmdline_get("console");

	if (name == NULL || name[0] == '\0')
		return true;
	return strcmp(name, cn->cn_name) == 0 ||
	    (cn->cn_label[0] != '\0' && strcmp(name, cn->cn_label) == 0);
}

static void cons_change(struct pv_cons *);

/* What was typed before it was the tty is for the tty. */
static void
cons_hand_over(struct cons *co)
{
	struct pv_cons *cn = co->co_cons;
	unsigned long s;
	char byte;
	bool any;

	do {
		s = spin_lock(&co->co_lock);
		any = co->co_read < co->co_got;
		byte = co->co_ring[co->co_read % CONS_RING];
		co->co_read += any;
		spin_unlock(&co->co_lock, s);
	} while (any && cn->cn_recv(cn, &byte, 1) == 1);
}

/* Lock: cons_mtx.  A console becomes the tty when there is none yet. */
static void
cons_promote(struct cons *co)
{
	struct pv_cons *cn = co->co_cons;

	if (co->co_tty || (cn->cn_flags & PV_CONS_CONSOLE) == 0 ||
	    !cons_wanted(cn))
		return;
	tty_attach(cn);
	co->co_tty = cn->cn_recv != NULL;
	cn->cn_change = cons_change;
	if (!co->co_tty) {
		cn->cn_recv = cons_recv;
		return;
	}
	cons_hand_over(co);
	klog(PV_LOG_INFO, "console: %s", cn->cn_name);
}

static struct cons *
cons_of(const struct pv_cons *cn)
{
	unsigned int i;

	for (i = 0; i < CONS_MAX; i++)
		if (cons_all[i] != NULL && cons_all[i]->co_cons == cn)
			return cons_all[i];
	return NULL;
}

/* pv_cons.cn_change */
static void
cons_change(struct pv_cons *cn)
{
	struct cons *co;

	mutex_lock(&cons_mtx);
	co = cons_of(cn);
	if (co != NULL)
		cons_promote(co);
	mutex_unlock(&cons_mtx);
}

/* Lock: cons_mtx. */
static struct cons *
cons_create(struct pv_cons *cn)
{
	struct cons *co;
	unsigned int i;

	for (i = 0; i < CONS_MAX && cons_all[i] != NULL; i++)
		;
	if (i == CONS_MAX)
		return NULL;
	co = kmalloc(sizeof(*co));
	if (co == NULL)
		return NULL;
	co->co_ring = kmalloc(CONS_RING);
	if (co->co_ring == NULL) {
		kfree(co);
		return NULL;
	}
	co->co_cons = cn;
	cons_all[i] = co;
	return co;
}

void
cons_up(struct pv_cons *cn)
{
	struct cons *co;

	mutex_lock(&cons_mtx);
	co = cons_create(cn);
	if (co == NULL) {
		klog(PV_LOG_ERR, "console: no memory for %s, or too many",
		    cn->cn_name);
	} else {
		cn->cn_client = co;
		cn->cn_recv = cons_recv;
		cn->cn_change = cons_change;
		cons_promote(co);
	}
	mutex_unlock(&cons_mtx);
}

void
cons_down(struct pv_cons *cn)
{
	struct cons *co;
	unsigned int i;

	mutex_lock(&cons_mtx);
	co = cons_of(cn);
	if (co != NULL && co->co_tty)
		tty_detach(cn);
	for (i = 0; co != NULL && i < CONS_MAX; i++)
		if (cons_all[i] == co)
			cons_all[i] = NULL;
	mutex_unlock(&cons_mtx);
	if (co == NULL)
		return;
	kfree(co->co_ring);
	kfree(co);
}

/* ---- for the operator -------------------------------------------------- */

/* Lock: cons_mtx. */
static void
cons_fill(struct cons *co, struct cons_info *ci)
{
	const struct pv_cons *cn = co->co_cons;
	unsigned long s;

	printf_format(ci->ci_name, sizeof(ci->ci_name), "%s", cn->cn_name);
	memcpy(ci->ci_label, cn->cn_label, sizeof(ci->ci_label));
	ci->ci_flags = cn->cn_flags;
	ci->ci_tty = co->co_tty;
	ci->ci_cols = cn->cn_cols;
	ci->ci_rows = cn->cn_rows;
	ci->ci_rxbyte = cn->cn_rxbyte;
	ci->ci_txbyte = cn->cn_txbyte;
	s = spin_lock(&co->co_lock);
	ci->ci_waiting = (size_t)(co->co_got - co->co_read);
	spin_unlock(&co->co_lock, s);
}

int
cons_info(unsigned int n, struct cons_info *ci)
{
	unsigned int i;
	int rv = -PV_ENOENT;

	mutex_lock(&cons_mtx);
	for (i = 0; i < CONS_MAX && rv != 0; i++) {
		if (cons_all[i] == NULL || n-- > 0)
			continue;
		cons_fill(cons_all[i], ci);
		rv = 0;
	}
	mutex_unlock(&cons_mtx);
	return rv;
}

/* Lock: cons_mtx.  A line; NULL with *rv. */
static struct cons *
cons_find(const char *name, int *rv)
{
	const struct pv_cons *cn;
	unsigned int i;

	*rv = -PV_ENOENT;
	for (i = 0; i < CONS_MAX; i++) {
		if (cons_all[i] == NULL)
			continue;
		cn = cons_all[i]->co_cons;
		if (strcmp(cn->cn_name, name) != 0 &&
		    strcmp(cn->cn_label, name) != 0)
			continue;
		*rv = cons_all[i]->co_tty ? -PV_EBUSY : 0;
		return *rv == 0 ? cons_all[i] : NULL;
	}
	return NULL;
}

/* Take what has come. */
static int
cons_take(const char *name, char *buf, size_t size)
{
	struct cons *co;
	unsigned long s;
	size_t i = 0;
	int rv;

	mutex_lock(&cons_mtx);
	co = cons_find(name, &rv);
	if (co != NULL) {
		s = spin_lock(&co->co_lock);
		while (i < size && co->co_read < co->co_got)
			buf[i++] = co->co_ring[co->co_read++ % CONS_RING];
		spin_unlock(&co->co_lock, s);
		rv = (int)i;
		if (i > 0)
			co->co_cons->cn_ops->co_poll(co->co_cons->cn_sc);
	}
	mutex_unlock(&cons_mtx);
	return rv;
}

int
cons_read(const char *name, char *buf, size_t size, uint64_t deadline)
{
	int rv;

	while ((rv = cons_take(name, buf, size)) == 0 &&
	    arch_now() < deadline)
		thread_sleep(CONS_POLL);
	return rv;
}

/* Hand over what the device takes. */
static int
cons_give(const char *name, const char *buf, size_t len)
{
	struct cons *co;
	int rv;

	mutex_lock(&cons_mtx);
	co = cons_find(name, &rv);
	if (co != NULL)
		rv = pv_cons_write(co->co_cons, buf, len);
	mutex_unlock(&cons_mtx);
	return rv;
}

int
cons_write(const char *name, const char *buf, size_t len, uint64_t deadline)
{
	int rv = 0;

	while (len > 0 && rv >= 0) {
		rv = cons_give(name, buf, len);
		if (rv > 0) {
			buf += rv;
			len -= (size_t)rv;
		} else if (rv == 0 && arch_now() >= deadline) {
			return -PV_ETIMEDOUT;
		} else if (rv == 0) {
			thread_sleep(CONS_POLL);
		}
	}
	return rv < 0 ? rv : 0;
}
