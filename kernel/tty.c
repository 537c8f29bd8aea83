/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tty.c -- the operator's console.
 *
 * Output goes into a ring of 64 KiB and from there to the device, as much as
 * it takes, whenever something is written and whenever the device says that
 * it has room again.  Nobody waits: when the ring is full its oldest lines
 * are dropped and counted, and in their place stands how many bytes they had.
 * While there is no paravirtual device, output goes straight to the machine's
 * polled console.
 *
 * Input goes into a ring of 4 KiB that tty_getc() empties.  What does not
 * fit stays with the peer (cn_recv takes less), who is asked again when half
 * of the ring is free.  Who reads more than TTY_RATE bytes in a TTY_WINDOW
 * waits for the next: input can not take the CPU from the rest.
 *
 * tty_lock covers both rings, but not the device: co_write may log, and may
 * take its time.  One CPU at a time, which has set tty_pushing, copies a piece
 * of the ring and hands it over without the lock; what others write
 * meanwhile, from within co_write too, it finds in the ring afterwards.
 * Positions count bytes since boot and never wrap.
 */

#include <string.h>

#include <arch.h>
#include <ktime.h>
#include <printf.h>
#include <pv/errno.h>
#include <sched.h>
#include <sync.h>
#include <tty.h>

#define TTY_OUT		65536u		/* powers of 2 */
#define TTY_IN		4096u
#define TTY_PIECE	512u
#define TTY_LINE	256u		/* a line's end is looked for so far */
#define TTY_WINDOW	(100 * NSEC_PER_MSEC)
#define TTY_RATE	6400u		/* bytes of input in a window */

static struct spinlock tty_lock;
static struct pv_cons *tty_cons;	/* NULL: the polled console */

static char tty_out[TTY_OUT];
static uint64_t tty_output, tty_taken;	/* bytes written, bytes taken */
static uint64_t tty_lost, tty_gap;	/* in all; and not yet told of */
static char tty_note[64];		/* what tells of it */
static size_t tty_notelen, tty_noteoff;
static uint64_t tty_noted;		/* the bytes that it tells of */
static char tty_last;			/* the byte before */
static bool tty_pushing;		/* somebody is in co_write */
static bool tty_again;			/* room was announced meanwhile */
static char tty_piece[TTY_PIECE];	/* who is pushing */

static char tty_in[TTY_IN];
static uint64_t tty_got, tty_read;	/* bytes received, bytes read */
static bool tty_stalled;		/* the peer holds input back */
static uint64_t tty_window;		/* when it began */
static unsigned int tty_nwindow;	/* bytes read in it */

static struct sem tty_insem;		/* one for each byte of input */
static struct mutex tty_drain_lock;
static struct condvar tty_drained;

/* Copy the oldest output; returns how much.  Lock: tty_lock. */
static size_t
tty_copy(void)
{
	size_t at = (size_t)(tty_taken % TTY_OUT), len = TTY_OUT - at;

	if (tty_output - tty_taken < len)
		len = (size_t)(tty_output - tty_taken);
	if (len > TTY_PIECE)
		len = TTY_PIECE;
	memcpy(tty_piece, tty_out + at, len);
	return len;
}

/* The note, or what the device has not taken of it.  Lock: tty_lock. */
static const char *
tty_note_rest(size_t *len)
{
	if (tty_noteoff == 0) {
		tty_noted = tty_gap;
		tty_notelen = printf_format(tty_note, sizeof(tty_note),
		    "\r\n[%llu bytes of output lost]\r\n",
		    (unsigned long long)tty_gap);
	}
	*len = tty_notelen - tty_noteoff;
	return tty_note + tty_noteoff;
}

/* So much of the note was taken.  Lock: tty_lock. */
static void
tty_note_taken(size_t len)
{
	tty_noteoff += len;
	if (tty_noteoff < tty_notelen)
		return;
	tty_gap -= tty_noted;
	tty_noteoff = 0;
}

/*
 * The device has taken these bytes.  What of them was dropped meanwhile is not
 * lost, and is older than what follows.  Lock: tty_lock.
 */
static void
tty_piece_taken(uint64_t from, uint64_t to)
{
	uint64_t ndropped = (tty_taken < to ? tty_taken : to) - from;

	tty_lost -= ndropped;
	tty_gap -= ndropped;
	if (tty_taken < to)
		tty_taken = to;
}

/*
 * Hand one piece to the device.  Returns false when there is nothing more to
 * do: no device, no output, no room.  Lock: tty_lock, let go meanwhile.
 */
static bool
tty_push_piece(unsigned long *s)
{
	struct pv_cons *cn = tty_cons;
	const char *buf = tty_piece;
	uint64_t from = tty_taken;
	bool note = tty_gap > 0;
	size_t len;
	int rv;

	if (cn == NULL || tty_taken == tty_output)
		return false;
	if (note)
		buf = tty_note_rest(&len);
	else
		len = tty_copy();
	tty_again = false;
	spin_unlock(&tty_lock, *s);
	rv = pv_cons_write(cn, buf, len);
	*s = spin_lock(&tty_lock);
	if (rv <= 0)
		return tty_again;
	if (note)
		tty_note_taken((size_t)rv);
	else
		tty_piece_taken(from, from + (unsigned int)rv);
	return true;
}

/*
 * tty_flush -- hand the device what it takes
 *
 * Context: any.
 */
void
tty_flush(void)
{
	unsigned long s;

	s = spin_lock(&tty_lock);
	if (!tty_pushing) {
		tty_pushing = true;
		while (tty_push_piece(&s))
			continue;
		tty_pushing = false;
	}
	spin_unlock(&tty_lock, s);
}

/*
 * Make room: the oldest bytes go, with the rest of their line.  Lock: tty_lock.
 */
static void
tty_drop(void)
{
	uint64_t to = tty_output - TTY_OUT, end;

	for (end = to; end < to + TTY_LINE; end++)
		if (tty_out[end % TTY_OUT] == '\n') {
			to = end + 1;
			break;
		}
	tty_lost += to - tty_taken;
	tty_gap += to - tty_taken;
	tty_taken = to;
}

/* Lock: tty_lock. */
static void
tty_store(const char *buf, size_t len)
{
	size_t at, n;

	for (; len > 0; buf += n, len -= n) {
		at = (size_t)(tty_output % TTY_OUT);
		n = TTY_OUT - at < len ? TTY_OUT - at : len;
		memcpy(tty_out + at, buf, n);
		tty_output += n;
	}
	if (tty_output - tty_taken > TTY_OUT)
		tty_drop();
}

static void
tty_out_bytes(const char *buf, size_t len)
{
	if (tty_cons == NULL)
		arch_early_write(buf, len);
	else
		tty_store(buf, len);
	tty_last = buf[len - 1];
}

/*
 * tty_put -- output that tty_flush() will hand over
 *
 * Takes no lock but tty_lock.  Context: any.
 */
void
tty_put(const char *buf, size_t len)
{
	unsigned long s;
	size_t n;

	s = spin_lock(&tty_lock);
	for (; len > 0; buf += n, len -= n) {
		/*
		 * A raw terminal, as xl's, goes to column 0 only when told;
		 * the polled console sees to that itself.
		 */
		if (tty_cons != NULL && buf[0] == '\n' && tty_last != '\r')
			tty_out_bytes("\r", 1);
		for (n = 1; n < len && buf[n] != '\n'; n++)
			;
		tty_out_bytes(buf, n);
	}
	spin_unlock(&tty_lock, s);
}

/* tty_write -- output that never waits.  Context: any. */
void
tty_write(const char *buf, size_t len)
{
	tty_put(buf, len);
	tty_flush();
}

/* pv_cons.cn_ready: the device has room again. */
static void
tty_ready(struct pv_cons *cn)
{
	unsigned long s;

	(void)cn;
	s = spin_lock(&tty_lock);
	tty_again = true;
	spin_unlock(&tty_lock, s);
	tty_flush();
	cond_broadcast(&tty_drained);
}

/* Take input as far as there is room; returns how much. */
static size_t
tty_take(const char *buf, size_t len)
{
	unsigned long s;
	size_t i;

	s = spin_lock(&tty_lock);
	for (i = 0; i < len && tty_got - tty_read < TTY_IN; i++)
		tty_in[tty_got++ % TTY_IN] = buf[i];
	if (i < len)
		tty_stalled = true;
	spin_unlock(&tty_lock, s);
	for (len = i; i > 0; i--)
		sem_post(&tty_insem);
	return len;
}

/* pv_cons.cn_recv: input has come. */
static size_t
tty_recv(struct pv_cons *cn, const char *buf, size_t len)
{
	(void)cn;
	return tty_take(buf, len);
}

/*
 * tty_input -- a byte from a serial port; dropped when the ring is full
 *
 * Context: any.
 */
void
tty_input(int ch)
{
	char byte = (char)ch;

	(void)tty_take(&byte, 1);
}

/* One byte more was read; how long to wait before the next.  Lock: tty_lock. */
static uint64_t
tty_pace(void)
{
	uint64_t now = arch_now();

	if (now - tty_window >= TTY_WINDOW) {
		tty_window = now;
		tty_nwindow = 0;
	}
	return ++tty_nwindow < TTY_RATE ? 0 : tty_window + TTY_WINDOW - now;
}

/*
 * tty_getc -- wait for a byte of input: 0 .. 255, or -PV_ETIMEDOUT
 *
 * Context: thread.
 */
int
tty_getc(uint64_t deadline)
{
	struct pv_cons *ask = NULL;
	unsigned long s;
	uint64_t wait;
	int ch;

	if (sem_wait(&tty_insem, deadline) != 0)
		return -PV_ETIMEDOUT;
	s = spin_lock(&tty_lock);
	ch = (unsigned char)tty_in[tty_read++ % TTY_IN];
	if (tty_stalled && tty_got - tty_read <= TTY_IN / 2) {
		tty_stalled = false;
		ask = tty_cons;
	}
	wait = tty_pace();
	spin_unlock(&tty_lock, s);
	if (ask != NULL)
		ask->cn_ops->co_poll(ask->cn_sc);
	if (wait > 0)
		thread_sleep(wait);
	return ch;
}

/*
 * tty_init -- with the machine's serial port, if it has one
 *
 * Context: thread, once.
 */
void
tty_init(void)
{
	/* Without one there is only output until a device attaches. */
	(void)arch_serial_attach(tty_input);
}

/*
 * tty_attach -- use this console from now on, unless another one is in use
 *
 * Context: thread.
 */
void
tty_attach(struct pv_cons *cn)
{
	unsigned long s;
	bool mine;

	cn->cn_recv = tty_recv;
	cn->cn_ready = tty_ready;
	s = spin_lock(&tty_lock);
	mine = tty_cons == NULL;
	if (mine)
		tty_cons = cn;
	spin_unlock(&tty_lock, s);
	if (!mine) {
		cn->cn_recv = NULL;
		cn->cn_ready = NULL;
		return;
	}
	/* What came before there was a consumer. */
	cn->cn_ops->co_poll(cn->cn_sc);
}

/*
 * tty_detach -- on return the console is not used any more
 *
 * Context: thread.
 */
void
tty_detach(struct pv_cons *cn)
{
	unsigned long s;
	bool busy;

	do {
		s = spin_lock(&tty_lock);
		if (tty_cons == cn)
			tty_cons = NULL;
		busy = tty_pushing;
		spin_unlock(&tty_lock, s);
		if (busy)
			thread_sleep(NSEC_PER_MSEC);
	} while (busy);
	cn->cn_recv = NULL;
	cn->cn_ready = NULL;
	cond_broadcast(&tty_drained);
}

/* Has the device taken everything up to a position? */
static bool
tty_is_drained(uint64_t pos)
{
	unsigned long s;
	bool yes;

	tty_flush();
	s = spin_lock(&tty_lock);
	yes = tty_cons == NULL || tty_taken >= pos;
	spin_unlock(&tty_lock, s);
	return yes;
}

/*
 * tty_drain -- wait until the device has all output so far
 *
 * Returns 0 or -PV_ETIMEDOUT.  Context: thread.
 */
int
tty_drain(uint64_t deadline)
{
	uint64_t pos, until;
	unsigned long s;
	int rv = 0;

	s = spin_lock(&tty_lock);
	pos = tty_output;
	spin_unlock(&tty_lock, s);
	mutex_lock(&tty_drain_lock);
	while (!tty_is_drained(pos)) {
		if (arch_now() >= deadline) {
			rv = -PV_ETIMEDOUT;
			break;
		}
		/*
		 * tty_ready() takes no mutex, so its signal may come between
		 * the test and the wait: look again after a moment.
		 */
		until = arch_now() + 20 * NSEC_PER_MSEC;
		(void)cond_wait(&tty_drained, &tty_drain_lock,
		    until < deadline ? until : deadline);
	}
	mutex_unlock(&tty_drain_lock);
	return rv;
}

/*
 * tty_emergency -- last words, when the console has a way past its rings
 *
 * Context: any, also in a panic: takes no lock.
 */
void
tty_emergency(const char *buf, size_t len)
{
	struct pv_cons *cn = tty_cons;

	if (cn != NULL && cn->cn_ops->co_emergency != NULL)
		cn->cn_ops->co_emergency(cn->cn_sc, buf, len);
}

/* tty_dropped -- bytes of output that nobody took in time.  Context: any. */
uint64_t
tty_dropped(void)
{
	unsigned long s;
	uint64_t n;

	s = spin_lock(&tty_lock);
	n = tty_lost;
	spin_unlock(&tty_lock, s);
	return n;
}
